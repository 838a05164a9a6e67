"""Who did what, when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import or_, select, tuple_
from sqlalchemy.orm import Session

from store.models import AuditEntry


def record(session: Session, *, who: str, action: str, about: str, reason: str = "") -> AuditEntry:
    """Note down that a person did something, in the transaction that does it. `action` reads like `retry command`,
    `about` names the thing (`command:17`)."""
    entry = AuditEntry(who=who, action=action, about=about, reason=reason)
    session.add(entry)
    return entry


def entries(
    session: Session,
    *,
    about: str | None = None,
    who: str | None = None,
    action: str | None = None,
    text: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    before: tuple[datetime, str] | None = None,
    limit: int = 100,
) -> Sequence[AuditEntry]:
    """The newest entries first: about one thing, by one person, of one kind, holding a text (in who, what or why), from a
    moment on, up to a moment. `before` is the (at, id) of the last entry of the page before."""
    found = select(AuditEntry).order_by(AuditEntry.at.desc(), AuditEntry.id.desc()).limit(limit)
    for column, value in ((AuditEntry.about, about), (AuditEntry.who, who), (AuditEntry.action, action)):
        if value is not None:
            found = found.where(column == value)
    if text:
        columns = (AuditEntry.who, AuditEntry.action, AuditEntry.about, AuditEntry.reason)
        found = found.where(or_(*(column.icontains(text, autoescape=True) for column in columns)))
    if since is not None:
        found = found.where(AuditEntry.at >= since)
    if until is not None:
        found = found.where(AuditEntry.at < until)
    if before is not None:
        found = found.where(tuple_(AuditEntry.at, AuditEntry.id) < tuple_(*before))
    return session.scalars(found).all()


def known(session: Session) -> tuple[Sequence[str], Sequence[str]]:
    """Everybody who did something and every kind of thing done, by name."""
    who = session.scalars(select(AuditEntry.who).distinct().order_by(AuditEntry.who)).all()
    return who, session.scalars(select(AuditEntry.action).distinct().order_by(AuditEntry.action)).all()
