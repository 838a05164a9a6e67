"""Asks connected systems for news at regular intervals, and has them mend our webhooks.

Systems tell us by webhook, and webhooks get lost; so every connection that can be read is read now and then. When the
last read was asked for stands in the outbox itself, so nothing has to be remembered elsewhere and any number of relays
may look.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.base import Adapter
from store import commands
from store.connection_memory import WEBHOOKS_ADDRESS, values_of
from store.models import Connection
from store.session import Database
from workers.settings import WorkerSettings

POLLS = ("read_orders", "read_changes")
"""Operations that ask a system what is new since the last time."""

KEPT_QUIET_POLLS = 50
"""Reads that brought nothing are of no interest but for the newest, which show that asking works."""


WEBHOOKS_KEY = "mend:webhooks"
"""Subject and collapse key of a regular look at a connection's webhooks."""


@dataclass(frozen=True, slots=True)
class _Chore:
    """Something a connection is asked at intervals. `payload` is what it is asked with, None for not at all; `key` is
    subject and collapse key."""

    operation: str
    key: str
    interval: Callable[[Connection], float]
    payload: Callable[[Session, Connection], Mapping[str, Any] | None]


class Schedule:
    """Puts a read into the outbox of each connection whenever its interval has passed and none is under way; and now and
    then has systems mend the webhooks that were registered with them, because they switch failing ones off."""

    def __init__(
        self, database: Database, adapters: Mapping[str, Adapter], settings: WorkerSettings,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._adapters = adapters
        self._settings = settings
        self._clock = clock
        polls = [_Chore(operation, poll_key(operation), self._poll_seconds, lambda session, row: {}) for operation in POLLS]
        self._chores = [*polls, _Chore("register_webhooks", WEBHOOKS_KEY, lambda row: settings.webhook_seconds, self._hooks)]

    def tick(self) -> int:
        """Put what is due. Returns how much."""
        with self._database.system_session(read_only=True) as session:
            due = [
                (row.id, chore)
                for row in session.scalars(select(Connection).where(Connection.state == "active"))
                for chore in self._chores_of(row)
                if self._is_due(session, row, chore)
            ]
        return sum(self._put(connection_id, chore) for connection_id, chore in due)

    def _chores_of(self, row: Connection) -> Sequence[_Chore]:
        adapter = self._adapters.get(row.platform)
        return [chore for chore in self._chores if adapter and chore.operation in adapter.capabilities.operations]

    def _is_due(self, session: Session, row: Connection, chore: _Chore) -> bool:
        interval = chore.interval(row)
        if interval <= 0:
            return False
        asked_at, under_way = commands.last_asked(session, row.id, chore.key)
        passed = asked_at is None or asked_at + timedelta(seconds=interval) <= self._clock()
        return not under_way and passed and chore.payload(session, row) is not None

    def _poll_seconds(self, row: Connection) -> float:
        interval = row.settings.get("poll_seconds", self._settings.poll_seconds)
        return interval if isinstance(interval, (int, float)) else 0

    def _hooks(self, session: Session, row: Connection) -> Mapping[str, Any] | None:
        """Where its webhooks are to come, if somebody registered them."""
        if not self._settings.hooks_url or not values_of(session, row.id, (WEBHOOKS_ADDRESS,)):
            return None
        return {"url": f"{self._settings.hooks_url}/{row.id}"}

    def _put(self, connection_id: str, chore: _Chore) -> bool:
        """Put one, unless another relay did so a moment ago: the connection's row is locked meanwhile."""
        with self._database.system_session() as session:
            row = session.get(Connection, connection_id, with_for_update={"skip_locked": True})
            if row is None or row.state != "active" or not self._is_due(session, row, chore):
                return False
            payload = chore.payload(session, row)
            commands.put(
                session, connection_id=row.id, merchant_id=row.merchant_id, operation=chore.operation, subject=chore.key,
                payload=payload or {}, collapse_key=chore.key, due_at=self._clock(),
            )
            commands.forget_quiet(session, row.id, chore.key, keep=KEPT_QUIET_POLLS)
        return True


def poll_key(operation: str) -> str:
    """Subject and collapse key of a regular read."""
    return f"poll:{operation}"
