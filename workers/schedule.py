"""Asks connected systems for news at regular intervals.

Systems tell us by webhook, and webhooks get lost; so every connection that can be read is read now and then. When the
last read was asked for stands in the outbox itself, so nothing has to be remembered elsewhere and any number of relays
may look.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from adapters.base import Adapter
from store import commands
from store.models import Connection
from store.session import Database
from workers.settings import WorkerSettings

POLLS = ("read_orders", "read_changes")
"""Operations that ask a system what is new since the last time."""

KEPT_QUIET_POLLS = 50
"""Reads that brought nothing are of no interest but for the newest, which show that asking works."""


class Schedule:
    """Puts a read into the outbox of each connection whenever its interval has passed and none is under way."""

    def __init__(
        self, database: Database, adapters: Mapping[str, Adapter], settings: WorkerSettings,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._adapters = adapters
        self._settings = settings
        self._clock = clock

    def tick(self) -> int:
        """Put the reads that are due. Returns how many."""
        with self._database.system_session(read_only=True) as session:
            due = [
                (row.id, operation)
                for row in session.scalars(select(Connection).where(Connection.state == "active"))
                for operation in self._polls(row)
                if self._is_due(session, row, operation)
            ]
        return sum(self._put(connection_id, operation) for connection_id, operation in due)

    def _polls(self, row: Connection) -> Sequence[str]:
        adapter = self._adapters.get(row.platform)
        return [operation for operation in POLLS if adapter and operation in adapter.capabilities.operations]

    def _is_due(self, session: Session, row: Connection, operation: str) -> bool:
        interval = row.settings.get("poll_seconds", self._settings.poll_seconds)
        if not isinstance(interval, (int, float)) or interval <= 0:
            return False
        asked_at, under_way = commands.last_asked(session, row.id, poll_key(operation))
        return not under_way and (asked_at is None or asked_at + timedelta(seconds=interval) <= self._clock())

    def _put(self, connection_id: str, operation: str) -> bool:
        """Put one read, unless another relay did so a moment ago: the connection's row is locked meanwhile."""
        with self._database.system_session() as session:
            row = session.get(Connection, connection_id, with_for_update={"skip_locked": True})
            if row is None or row.state != "active" or not self._is_due(session, row, operation):
                return False
            key = poll_key(operation)
            commands.put(
                session, connection_id=row.id, merchant_id=row.merchant_id, operation=operation, subject=key, payload={},
                collapse_key=key, due_at=self._clock(),
            )
            commands.forget_quiet(session, row.id, key, keep=KEPT_QUIET_POLLS)
        return True


def poll_key(operation: str) -> str:
    """Subject and collapse key of a regular read."""
    return f"poll:{operation}"
