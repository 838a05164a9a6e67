"""Drains the outbox of one connection: leases due commands, carries them out one after the other, writes down how it went.

No transaction is open while a system is called. A connection normally has one drainer at a time, which gives order and
rate limiting for free; should there be two, because one was thought dead, leases keep them apart.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from pybreaker import CircuitBreakerError
from sqlalchemy.orm import Session

from store import audit, connections, imports, leases
from store.leases import Lease, Leased, Tried
from workers.backoff import Backoff
from workers.execute import OWN_LIMIT, Errand, carry_out
from workers.imports import page_of
from workers.limits import HeldBack, Holds
from workers.pulse import Pulse
from workers.services import Services

log = logging.getLogger(__name__)

NOTHING_DUE, HELD, PAUSED, SLICE_OVER, STOPPING = "nothing due", "held", "paused", "slice over", "stopping"

OUT_OF_ORDER = "The system fails again and again; it is left in peace for a moment."

_FIRST_BATCH = 8
_GROWTH = 4


@dataclass(slots=True)
class Report:
    """What a drainer did, and why it ended."""

    outcomes: dict[str, int] = field(default_factory=dict)
    ended: str = NOTHING_DUE

    @property
    def done(self) -> int:
        return self.outcomes.get("done", 0)


class Drainer:
    """Drains one connection until nothing is due, it must be left alone, its slice of time is over, or `stop` says so."""

    def __init__(self, services: Services, errand: Errand, *, stop: Callable[[], bool] = lambda: False) -> None:
        self._database = services.database
        self._settings = services.worker_settings
        self._bell = services.bell
        self._errand = errand
        self._id = errand.connection.id
        self._holds = Holds(services.redis)
        self._backoff = Backoff(self._settings)
        self._stop = stop
        self._clock = errand.clock
        self._pulse = Pulse(services.database, services.bell, self._id, self._settings)
        self._batch = _FIRST_BATCH
        self._report = Report()

    def run(self) -> Report:
        """Drain. Commands leased and not tried are put back whatever happens."""
        over = time.monotonic() + self._settings.slice_seconds
        with self._pulse:
            while True:
                if self._stop():
                    return self._end(STOPPING)
                if time.monotonic() > over:
                    return self._end(SLICE_OVER)
                ended = self._round()
                if ended is not None:
                    return self._end(ended)

    def _end(self, why: str) -> Report:
        if why in (STOPPING, SLICE_OVER):
            self._bell.keep_ringing(self._id)
        self._report.ended = why
        return self._report

    def _round(self) -> str | None:
        """Lease and carry out one batch. Returns why to end, None to go on."""
        self._bell.heard(self._id)
        at = self._clock()
        if self._holds.of(self._id) is not None:
            return HELD
        open_until = self._errand.breaker.open_until(at)
        if open_until is not None:
            return self._hold(open_until, OUT_OF_ORDER)
        lease = self._lease(at)
        if lease is None:
            return PAUSED
        if not lease.commands:
            return NOTHING_DUE
        return self._work(lease)

    def _lease(self, at: datetime) -> Lease | None:
        limit = self._batch if self._errand.breaker.closed else 1
        with self._database.system_session() as session:
            connection = connections.get(session, self._id)
            if connection is None or connection.state != "active":
                return None
            return leases.lease(
                session, self._id, at=at, seconds=self._settings.lease_seconds, limit=limit,
                retry_at=lambda failures: self._backoff.retry_at(failures, at),
            )

    def _work(self, lease: Lease) -> str | None:
        started = time.monotonic()
        left, tried = deque(lease.commands), list[Tried]()
        ended: str | None = None
        with self._pulse.holding(lease.token):
            try:
                while left and ended is None and not self._stop():
                    ended = self._one(lease, left, tried)
                    if time.monotonic() - started > 2 * self._settings.batch_seconds:
                        self._write(lease, tried, [])
            finally:
                self._write(lease, tried, list(left))
        self._size_next_batch(len(lease.commands) - len(left), time.monotonic() - started)
        return ended

    def _one(self, lease: Lease, left: deque[Leased], tried: list[Tried]) -> str | None:
        """Carry out the next command. Returns why to end, None to go on."""
        command = left[0]
        try:
            one = carry_out(self._errand, command)
        except HeldBack as held:
            if command.background:
                self._put_off(lease, left.popleft(), held.until)
                return None
            return self._hold(held.until, str(held))
        except CircuitBreakerError:
            return HELD
        left.popleft()
        tried.append(one)
        self._report.outcomes[one.outcome] = self._report.outcomes.get(one.outcome, 0) + 1
        if one.outcome == "throttled" and one.retry_at is not None and not (command.background and one.kind == OWN_LIMIT):
            return self._hold(one.retry_at, one.message)
        if one.outcome == "unauthorised":
            return PAUSED
        if one.kind == "timeout":
            return SLICE_OVER
        open_until = self._errand.breaker.open_until(self._clock())
        if open_until is not None:
            return self._hold(open_until, OUT_OF_ORDER)
        return SLICE_OVER if page_of(command) is not None and self._bell.others_wait() else None

    def _put_off(self, lease: Lease, command: Leased, until: datetime) -> None:
        """Let a command in the background wait by itself; the others of the connection go on."""
        with self._database.system_session() as session:
            leases.put_off(session, lease.token, command.id, until)

    def _write(self, lease: Lease, tried: list[Tried], untried: list[Leased]) -> None:
        """Write down what was tried and put back what was not, in one transaction."""
        if not tried and not untried:
            return
        with self._database.system_session() as session:
            lost = leases.finish(session, lease.token, tried) if tried else []
            leases.release(session, lease.token, [command.id for command in untried])
            for one in tried:
                if one.outcome == "unauthorised":
                    pause_by_itself(session, self._id, one.message)
                _stop_import(session, one)
        for command_id in lost:
            log.warning("another worker has taken a command over; what came back here is dropped", extra={"command_id": command_id})
        tried.clear()

    def _hold(self, until: datetime, reason: str) -> str:
        self._holds.put(self._id, until, reason)
        return HELD

    def _size_next_batch(self, tried: int, seconds: float) -> None:
        """Lease about as much as can be done in `batch_seconds`, so that a slow system's commands stay cancellable and a
        fast system's cost two transactions per hundred."""
        if tried:
            fitting = int(self._settings.batch_seconds * tried / max(seconds, 1e-6))
            self._batch = max(1, min(fitting, self._batch * _GROWTH, self._settings.batch_limit))


def _stop_import(session: Session, one: Tried) -> None:
    """A page that will never be read ends its import, until a person resumes it."""
    import_id = page_of(one.command)
    if import_id is not None and one.outcome != "done" and one.retry_at is None:
        imports.fail(session, import_id, one.message)


def pause_by_itself(session: Session, connection_id: str, reason: str) -> None:
    """Pause a connection that cannot be used as it is configured; the reason is for the admin. Its commands wait."""
    connection = connections.get(session, connection_id)
    if connection is not None and connection.state == "active":
        connections.pause(session, connection, reason)
        entry = audit.record(session, who="wissel", action="pause connection", about=f"connection:{connection_id}", reason=reason)
        entry.merchant_id = connection.merchant_id
