"""Decisions: what was decided about each event, with everything needed to explain and replay it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from store.columns import new_id, now
from store.flow_models import Decision
from store.prepared import append


def keep(
    session: Session,
    *,
    event_id: str,
    version: str,
    summary: str,
    facts: Any,
    facts_hash: str,
    trace: Any,
    result_hash: str,
    order_id: str | None = None,
    duration_us: int = 0,
    at: datetime | None = None,
) -> str:
    """Keep a decision. Returns its id."""
    decision = {
        "id": new_id(),
        "event_id": event_id,
        "order_id": order_id,
        "version": version,
        "summary": summary,
        "facts": facts,
        "facts_hash": facts_hash,
        "trace": trace,
        "result_hash": result_hash,
        "duration_us": duration_us,
        "at": at or now(),
    }
    session.flush()
    append(session, Decision, [decision])
    return str(decision["id"])


def get(session: Session, decision_id: str) -> Decision | None:
    """One decision, or None."""
    return session.get(Decision, decision_id)


def of_event(session: Session, event_id: str) -> Decision | None:
    """The newest decision about an event (it may have been decided again), or None."""
    return session.scalar(select(Decision).where(Decision.event_id == event_id).order_by(Decision.id.desc()).limit(1))


def list_for_order(session: Session, order_id: str) -> Sequence[Decision]:
    """The decisions about one order, oldest first."""
    return session.scalars(select(Decision).where(Decision.order_id == order_id).order_by(Decision.id)).all()


def recent(
    session: Session, *, before: str | None = None, limit: int = 50, whole: bool = False
) -> Sequence[Decision]:
    """The newest decisions, newest first; `before` is the id of the last decision of the page before. Facts and trace are
    unpacked only with `whole`."""
    found = select(Decision).order_by(Decision.id.desc()).limit(limit)
    if not whole:
        found = found.options(defer(Decision.facts), defer(Decision.trace))
    if before is not None:
        found = found.where(Decision.id < before)
    return session.scalars(found).all()
