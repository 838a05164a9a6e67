"""The circuit breaker of a connection: a system that is down is left in peace, and asked again by one command only.

The state lives in Redis, shared by all workers and visible to people: closed (all is well), open (nothing is called),
half-open (one command tries).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from pybreaker import STATE_CLOSED, STATE_OPEN, CircuitBreaker, CircuitRedisStorage
from redis import Redis
from rq.timeouts import JobTimeoutException

from adapters.base import RetryLater
from workers.settings import WorkerSettings

T = TypeVar("T")

_LOOK_AGAIN_SECONDS = 1.0


class _Storage(CircuitRedisStorage):  # type: ignore[misc]
    """Reads the state at most once a second and does not reset a counter that is zero: a connection has one drainer,
    and three questions to Redis for each of thousands of calls would cost more than the calls."""

    def __init__(self, redis: Redis, connection_id: str) -> None:
        self._seen_at = float("-inf")
        self._seen: str = STATE_CLOSED
        self._counter_is_zero = False
        super().__init__(STATE_CLOSED, redis, namespace=f"wissel:circuit:{connection_id}", fallback_circuit_state=STATE_CLOSED)

    @property
    def state(self) -> str:
        if time.monotonic() - self._seen_at > _LOOK_AGAIN_SECONDS:
            self._seen, self._seen_at = str(super().state), time.monotonic()
        return self._seen

    @state.setter
    def state(self, state: str) -> None:
        CircuitRedisStorage.state.fset(self, state)
        self._seen, self._seen_at = state, time.monotonic()

    def increment_counter(self) -> None:
        self._counter_is_zero = False
        super().increment_counter()

    def reset_counter(self) -> None:
        if not self._counter_is_zero:
            super().reset_counter()
            self._counter_is_zero = True


class Breaker:
    """The circuit of one connection. Only failures that say that the system is down count: time-outs, dropped
    connections, 5xx. A refusal or a throttle is an answer."""

    def __init__(self, redis: Redis, connection_id: str, settings: WorkerSettings) -> None:
        self._storage = _Storage(redis, connection_id)
        self._reset = timedelta(seconds=settings.breaker_seconds)
        self._breaker = CircuitBreaker(
            fail_max=settings.breaker_failures,
            reset_timeout=settings.breaker_seconds,
            exclude=[lambda error: not isinstance(error, (RetryLater, JobTimeoutException))],
            state_storage=self._storage,
            throw_new_error_on_trip=False,
        )

    @property
    def state(self) -> str:
        """closed, open or half-open."""
        return str(self._breaker.current_state)

    @property
    def closed(self) -> bool:
        """Whether calls go through as usual."""
        return bool(self.state == STATE_CLOSED)

    def open_until(self, at: datetime) -> datetime | None:
        """Until when nothing may be called; None when a call may be made, if only one to try."""
        if self.state != STATE_OPEN:
            return None
        opened_at: datetime | None = self._storage.opened_at
        until = opened_at + self._reset if opened_at else at
        return until if until > at else None

    def call(self, act: Callable[[], T]) -> T:
        """Do it, and remember whether the system answered."""
        result: T = self._breaker.call(act)
        return result
