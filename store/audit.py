"""Who did what, when."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from store.models import AuditEntry


def record(session: Session, *, who: str, action: str, about: str, reason: str = "") -> AuditEntry:
    """Note down that a person did something, in the transaction that does it. `action` reads like `retry command`,
    `about` names the thing (`command:17`)."""
    entry = AuditEntry(who=who, action=action, about=about, reason=reason)
    session.add(entry)
    return entry


def entries(session: Session, *, about: str | None = None, limit: int = 100) -> Sequence[AuditEntry]:
    """The newest entries first, about one thing or about everything."""
    found = select(AuditEntry).order_by(AuditEntry.at.desc(), AuditEntry.id.desc()).limit(limit)
    return session.scalars(found if about is None else found.where(AuditEntry.about == about)).all()
