"""Events: kept once each, however often they are told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from store.columns import new_id, now
from store.flow_models import Event
from store.isolation import merchant_of
from store.prepared import prepared, rows
from store.upsert import insert_new

_EVENT = Event.__table__.c
_WAITING_FOR = prepared(
    select(_EVENT.id)
    .where(_EVENT.status == "waiting", _EVENT.subject == bindparam("subject"))
    .order_by(_EVENT.received_at, _EVENT.id)
)


OUR_SOURCE = "wissel"
"""The source of events that Wissel itself gives rise to; nobody else may use it."""


class EventConflict(Exception):
    """An event id that is known came again with other content. `event_id` names the event that was kept."""

    def __init__(self, source: str, external_id: str, event_id: str) -> None:
        super().__init__(
            f"event {external_id!r} of {source!r} was received before with other content and is kept as {event_id}; "
            "if this is a new event give it an id of its own"
        )
        self.event_id = event_id


def keep(
    session: Session,
    *,
    source: str,
    external_id: str,
    type: str,
    subject: str,
    time: datetime,
    data: Any,
    body_hash: str,
    connection_id: str | None = None,
    sequence: int | None = None,
    caused_by: int | None = None,
    import_id: str | None = None,
) -> tuple[Event, bool]:
    """Keep an event; say whether it was known already (True: a duplicate, the event kept first is returned).

    An event is recognised by (merchant, source, external_id). When the same event is being kept by another process at
    this moment, this waits for the outcome. Raises EventConflict when the id is known with another `body_hash`.
    """
    event = insert_new(
        session,
        Event,
        id=new_id(),
        merchant_id=merchant_of(session),
        source=source,
        external_id=external_id,
        type=type,
        subject=subject,
        time=time,
        data=data,
        body_hash=body_hash,
        connection_id=connection_id,
        sequence=sequence,
        caused_by=caused_by,
        import_id=import_id,
    )
    if event is not None:
        return event, False
    known = by_external(session, source, external_id)
    if known is None:
        raise RuntimeError(
            f"event {external_id!r} of {source!r} was neither kept nor found: it vanished while being kept"
        )
    if known.body_hash != body_hash:
        raise EventConflict(source, external_id, known.id)
    return known, True


def get(session: Session, event_id: str, *, lock: bool = False) -> Event | None:
    """One event, or None. With `lock` nobody else decides about it until this session ends."""
    if not lock:
        return session.get(Event, event_id)
    return session.get(Event, event_id, with_for_update={"key_share": True}, populate_existing=True)


def by_external(session: Session, source: str, external_id: str) -> Event | None:
    """The event that `source` calls `external_id`, or None."""
    return session.scalar(select(Event).where(Event.source == source, Event.external_id == external_id))


def waiting(session: Session, older_than: timedelta, limit: int = 100) -> Sequence[Event]:
    """Events kept at least `older_than` ago that nobody has decided about yet, oldest first, those of first imports left
    out: they have a turn of their own (see `store.imports`). In a system session: of all merchants."""
    due = select(Event).where(Event.status == "received", Event.import_id.is_(None), Event.received_at <= now() - older_than)
    return session.scalars(due.order_by(Event.received_at, Event.id).limit(limit)).all()


def recent(
    session: Session, *, status: str | None = None, import_id: str | None = None, before: str | None = None, limit: int = 50
) -> Sequence[Event]:
    """The newest events, newest first, of one import if it is named; `before` is the id of the last event of the page before."""
    found = select(Event).order_by(Event.id.desc()).limit(limit)
    if status is not None:
        found = found.where(Event.status == status)
    if import_id is not None:
        found = found.where(Event.import_id == import_id)
    if before is not None:
        found = found.where(Event.id < before)
    return session.scalars(found).all()


def waiting_for(session: Session, subject: str) -> list[str]:
    """Ids of the events that wait for what `subject` names to become known, oldest first."""
    return list(rows(session, _WAITING_FOR, subject=subject).scalars())
