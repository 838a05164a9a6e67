"""The relay: rings again for everything nobody was woken for.

A crash between commit and bell, a Redis that was away or lost its data, a worker that died, a retry whose time has
come: in all these cases the database says that something is due, and the relay, which looks every second, rings. So
delivery rests on the database alone. Any number of relays may run; ringing twice is harmless.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from redis import RedisError
from sqlalchemy.exc import SQLAlchemyError

from store import events, imports, leases, rule_jobs
from workers.limits import Holds
from workers.schedule import Schedule
from workers.services import Services

log = logging.getLogger(__name__)

_EVENTS_AT_ONCE = 100
_FULL_BACKLOG = 1_000
"""With so many events queued the workers are behind, not asleep."""


class Relay:
    """Looks for due work and rings for it."""

    def __init__(self, services: Services, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._database = services.database
        self._settings = services.worker_settings
        self._bell = services.bell
        self._holds = Holds(services.redis)
        self._schedule = Schedule(services.database, services.adapters, services.worker_settings, clock)
        self._clock = clock

    def tick(self) -> None:
        """Look once. Raises nothing that a database or Redis that is away for a moment may cause."""
        for step in (self._schedule.tick, self._ring_connections, self._ring_events, self._ring_rule_jobs, self._ring_imports):
            try:
                step()
            except (SQLAlchemyError, RedisError) as error:
                log.warning("the relay could not look, it will again: %s", error)

    def run(self, stop: Callable[[float], bool]) -> None:
        """Look again and again until `stop`, which waits for the given seconds, says so."""
        while not stop(self._settings.tick_seconds):
            self.tick()

    def _ring_connections(self) -> None:
        with self._database.system_session(read_only=True) as session:
            due = list(leases.connections_with_work(session, self._clock()))
        self._bell.revive(connection_id for connection_id in due if self._holds.of(connection_id) is None)

    def _ring_events(self) -> None:
        if self._bell.backlog() >= _FULL_BACKLOG:
            return
        with self._database.system_session(read_only=True) as session:
            kept = events.waiting(session, timedelta(seconds=self._settings.event_seconds), _EVENTS_AT_ONCE)
            waiting = [(event.merchant_id, event.id) for event in kept]
        self._bell.revive_events(waiting)

    def _ring_rule_jobs(self) -> None:
        with self._database.system_session(read_only=True) as session:
            neglected = rule_jobs.neglected(session)
        self._bell.revive_rule_jobs(neglected)

    def _ring_imports(self) -> None:
        with self._database.system_session(read_only=True) as session:
            neglected = imports.neglected(session)
        self._bell.revive_imports(neglected)
