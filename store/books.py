"""Rule books: immutable versions, which one decides for a merchant, and the merchant's own settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from store.columns import new_id, now
from store.isolation import merchant_of
from store.models import Publication, RuleBook, Setting
from store.upsert import insert_into


def keep(session: Session, texts: Mapping[str, str], version: str) -> None:
    """Keep the texts of a version (file name -> text) without letting it decide. Keeping it again changes nothing: a
    version names its content."""
    new = insert_into(session, RuleBook).values(version=version, texts=dict(texts), created_at=now())
    session.execute(new.on_conflict_do_nothing())


def publish(session: Session, texts: Mapping[str, str], version: str, by: str, comment: str = "") -> Publication:
    """From now on this version decides for the merchant. Publishing an old version again is how one rolls back."""
    keep(session, texts, version)
    publication = Publication(version=version, by=by, comment=comment)
    session.add(publication)
    session.flush()
    return publication


def current_version(session: Session) -> str | None:
    """The version that decides for the merchant, None before the first publication."""
    return session.scalar(select(Publication.version).order_by(Publication.id.desc()).limit(1))


def publications(session: Session, limit: int = 100) -> Sequence[Publication]:
    """What was published, newest first."""
    return session.scalars(select(Publication).order_by(Publication.id.desc()).limit(limit)).all()


def texts(session: Session, version: str) -> dict[str, str] | None:
    """The texts a version was made from (file name -> text), or None when it is not known."""
    found: dict[str, str] | None = session.scalar(select(RuleBook.texts).where(RuleBook.version == version))
    return found


def settings(session: Session, decision: str) -> dict[str, Any]:
    """The merchant's own values for the settings of one decision."""
    return all_settings(session).get(decision, {})


def all_settings(session: Session) -> dict[str, dict[str, Any]]:
    """The merchant's own values of all decisions: decision -> name -> value."""
    found: dict[str, dict[str, Any]] = {}
    for decision, name, value in session.execute(select(Setting.decision, Setting.name, Setting.value)):
        found.setdefault(decision, {})[name] = value
    return found


def set_setting(session: Session, decision: str, name: str, value: Any) -> None:
    """Give a setting a value of the merchant's own; None goes back to the rule file's."""
    if value is None:
        session.execute(delete(Setting).where(Setting.decision == decision, Setting.name == name))
        return
    merchant_id = merchant_of(session)
    new = insert_into(session, Setting).values(
        id=new_id(), merchant_id=merchant_id, decision=decision, name=name, value=value
    )
    session.execute(
        new.on_conflict_do_update(index_elements=["merchant_id", "decision", "name"], set_={"value": value})
    )
