"""How connections are doing, from what is kept: the last event, the last success, how many tries went wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from store.columns import now
from store.flow_models import Attempt, Command, Event
from store.models import Connection

MOST_ATTEMPTS = 20_000
"""So many of a merchant's newest tries are looked at. Where there are more in a day, rates are of these."""

_NEWEST = 50

FAILED = ("retry", "refused", "unauthorised", "lost")


@dataclass(slots=True)
class Tries:
    """Tries at commands in some span of time. Being asked to slow down is no failure."""

    made: int = 0
    failed: int = 0
    throttled: int = 0

    @property
    def rate(self) -> float | None:
        """The share that failed, None without any tries."""
        return self.failed / self.made if self.made else None


@dataclass(slots=True)
class Health:
    """What the database says about one connection. `complete` is False where there were too many tries to look at all."""

    last_event: datetime | None = None
    last_success: datetime | None = None
    last_poll: datetime | None = None
    hour: Tries = field(default_factory=Tries)
    day: Tries = field(default_factory=Tries)
    complete: bool = True


def health(session: Session, rows: Sequence[Connection], at: datetime | None = None) -> Mapping[str, Health]:
    """How each of these connections is doing, by id."""
    at = at or now()
    found = {row.id: Health() for row in rows}
    for connection_id, one in found.items():
        one.last_event = session.scalar(select(func.max(Event.received_at)).where(Event.connection_id == connection_id))
        one.last_success = _last_done(session, connection_id)
        one.last_poll = session.scalar(
            select(func.max(Command.created_at)).where(
                Command.connection_id == connection_id, Command.collapse_key.in_(("poll:read_orders", "poll:read_changes"))
            )
        )
    _count_tries(session, found, at)
    return found


def _last_done(session: Session, connection_id: str) -> datetime | None:
    """When a command was last carried out. Trying again makes a command due anew, so the last one done is among those
    that were due last; those are found without looking at all of them."""
    moments: list[datetime] = []
    for background in (False, True):
        newest = (
            select(Command.done_at)
            .where(Command.connection_id == connection_id, Command.status == "done", Command.background == background)
            .order_by(Command.due_at.desc())
            .limit(_NEWEST)
        )
        moments += [at for at in session.scalars(newest) if at is not None]
    return max(moments, default=None)


def _count_tries(session: Session, found: Mapping[str, Health], at: datetime) -> None:
    newest = (
        select(Attempt.command_id, Attempt.outcome, Attempt.started_at)
        .where(Attempt.started_at >= at - timedelta(days=1), Attempt.outcome != "")
        .order_by(Attempt.started_at.desc())
        .limit(MOST_ATTEMPTS)
        .subquery()
    )
    in_hour = newest.c.started_at >= at - timedelta(hours=1)
    counted = (
        select(Command.connection_id, newest.c.outcome, in_hour.label("in_hour"), func.count().label("tries"))
        .join(newest, newest.c.command_id == Command.id)
        .group_by(Command.connection_id, newest.c.outcome, in_hour)
    )
    rows = session.execute(counted).all()
    complete = sum(row.tries for row in rows) < MOST_ATTEMPTS
    for row in rows:
        one = found.get(row.connection_id)
        if one is None:
            continue
        for tries in (one.day, one.hour) if row.in_hour else (one.day,):
            if row.outcome == "throttled":
                tries.throttled += row.tries
            else:
                tries.made += row.tries
                tries.failed += row.tries if row.outcome in FAILED else 0
    for one in found.values():
        one.complete = complete
