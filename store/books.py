"""Rule books: immutable versions, which one decides for a merchant, and the merchant's own settings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from store.columns import new_id, now
from store.isolation import merchant_of
from store.models import Merchant, Setting
from store.rule_models import Publication, RuleBook
from store.upsert import insert_into

NUMBER = re.compile(r"[0-9]{1,7}")
HASH = re.compile(r"[0-9a-f]{8,64}")


def keep(session: Session, texts: Mapping[str, str], version: str) -> None:
    """Keep the texts of a version (file name -> text) without letting it decide. Keeping it again changes nothing: a
    version names its content."""
    new = insert_into(session, RuleBook).values(version=version, texts=dict(texts), created_at=now())
    session.execute(new.on_conflict_do_nothing())


def wait_for_turn(session: Session) -> Publication | None:
    """Be the only one that publishes for this merchant until the transaction ends, and see what decides now. Events go on
    being taken in meanwhile."""
    mine = select(Merchant.id).where(Merchant.id == merchant_of(session))
    session.execute(mine.with_for_update(key_share=True))
    return newest(session)


def publish(
    session: Session,
    texts: Mapping[str, str],
    version: str,
    by: str,
    comment: str = "",
    *,
    meaning: str = "",
    kind: str = "publish",
    evidence: Mapping[str, Any] | None = None,
) -> Publication:
    """From now on this version decides for the merchant. Publishing an old version again is how one rolls back. Checks
    nothing: `api.publishing` is the gate. `evidence` is what is known of the version, to be shown beside it."""
    before = wait_for_turn(session)
    keep(session, texts, version)
    publication = Publication(
        number=1 + (session.scalar(select(func.max(Publication.number))) or 0),
        version=version,
        meaning=meaning or None,
        kind=kind,
        replaces=None if before is None else before.version,
        by=by,
        comment=comment,
        evidence=dict(evidence or {}),
    )
    session.add(publication)
    session.flush()
    return publication


def current_version(session: Session) -> str | None:
    """The version that decides for the merchant, None before the first publication."""
    return session.scalar(select(Publication.version).order_by(Publication.id.desc()).limit(1))


def newest(session: Session) -> Publication | None:
    """The publication that decides for the merchant, None before the first one."""
    return session.scalar(select(Publication).order_by(Publication.id.desc()).limit(1))


def publications(session: Session, limit: int = 100, before: int | None = None) -> Sequence[Publication]:
    """What was published, newest first; with `before`, only numbers below that."""
    found = select(Publication).order_by(Publication.id.desc()).limit(limit)
    return session.scalars(found if before is None else found.where(Publication.number < before)).all()


def find(session: Session, reference: str) -> Publication | None:
    """A publication of the merchant by what people call it: its number (`12`), its version or at least eight characters
    of the beginning of that, or `current`. Of several with one version the newest; None when there is none, or when the
    beginning fits several versions."""
    found = select(Publication).order_by(Publication.id.desc())
    if reference == "current":
        return newest(session)
    if NUMBER.fullmatch(reference):
        return session.scalar(found.where(Publication.number == int(reference)))
    if not HASH.fullmatch(reference):
        return None
    fitting = session.scalars(found.where(Publication.version.startswith(reference))).all()
    return fitting[0] if len({publication.version for publication in fitting}) == 1 else None


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
