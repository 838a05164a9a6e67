"""How often a system may be called, and until when it is left alone."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis import Redis, RedisError

from adapters.base import Throttled

log = logging.getLogger(__name__)

_SHORTEST_WAIT = 0.05

_AHEAD_SECONDS = 2.0
"""Requests in the background are spread evenly over time; so far they may be ahead of their share, since workers look for
what is due about once a second."""


class HeldBack(Exception):
    """Nothing is let through until `until`, by default because of the rate limit."""

    def __init__(self, until: datetime, why: str = "The rate limit of this connection is used up.") -> None:
        super().__init__(f"{why} It goes on at {until.isoformat(timespec='seconds')}.")
        self.until = until


class OwnLimit(Throttled):
    """Our own rate limit would make a request wait too long; the system itself did not complain."""


class Meter:
    """Counts the HTTP requests to one connection over all processes: at most `per_minute` in any sixty seconds.

    `reserve` takes the first request of a command before it starts, so that a command is not begun when it could not
    even ask; `pass_through` takes one for each further request and waits for it, at most `longest_pause` seconds. Zero
    means no limit. Without Redis nothing is counted: the system itself then says when it is too much.

    Commands in the background leave head-room: one is begun only while all requests of the last sixty seconds together
    have used less than `background_share` of the limit, and not sooner after those before it than that share allows. Once
    begun it is not slowed down further, for it holds up the live commands behind it.
    """

    def __init__(
        self, redis: Redis, connection_id: str, per_minute: int, *, longest_pause: float, background_share: float = 1.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._item = RateLimitItemPerMinute(per_minute) if per_minute > 0 else None
        self._per_minute = per_minute
        self._share = max(1.0, per_minute * background_share)
        self._redis = redis
        self._background = False
        self._window = MovingWindowRateLimiter(RedisStorage("redis://", connection_pool=redis.connection_pool, key_prefix="wissel:rate"))
        self._key = connection_id
        self._longest_pause = longest_pause
        self._sleep = sleep
        self._reserved = False

    def reserve(self, *, background: bool = False) -> None:
        """Take one request in advance, and say of which kind it and those that follow are. Raises HeldBack when there is
        none left."""
        self._background = background
        if background and self._item is not None:
            self._leave_head_room(self._item)
        if not self._reserved:
            self._take()
            self._reserved = True

    def pass_through(self) -> None:
        """Take one request, waiting for it if need be. Raises HeldBack when the wait would be too long."""
        if self._reserved:
            self._reserved = False
            return
        patience = time.monotonic() + self._longest_pause
        while True:
            try:
                self._take()
                return
            except HeldBack as held:
                wait = max(_SHORTEST_WAIT, (held.until - datetime.now(UTC)).total_seconds())
                if time.monotonic() + wait > patience:
                    raise
                self._sleep(wait)

    def _take(self) -> None:
        if self._item is None:
            return
        try:
            if not self._window.hit(self._item, self._key):
                free_at = self._window.get_window_stats(self._item, self._key).reset_time
                raise HeldBack(datetime.fromtimestamp(free_at, UTC))
            if self._background:
                self._count_background()
        except RedisError as error:
            log.warning("requests cannot be counted without Redis: %s", error, extra={"connection_id": self._key})


    def _leave_head_room(self, item: RateLimitItem) -> None:
        try:
            free_at, left = self._window.get_window_stats(item, self._key)
            if self._per_minute - left >= self._share:
                raise HeldBack(datetime.fromtimestamp(free_at, UTC))
            ahead = self._paid_until() - time.time()
        except RedisError as error:
            log.warning("requests cannot be counted without Redis: %s", error, extra={"connection_id": self._key})
            return
        if ahead > _AHEAD_SECONDS:
            raise HeldBack(datetime.fromtimestamp(time.time() + ahead - _AHEAD_SECONDS, UTC))

    def _count_background(self) -> None:
        """Each request in the background takes up so much time of its share."""
        until = max(self._paid_until(), time.time()) + 60 / self._share
        self._redis.set(_pace(self._key), until, px=max(1, int((until - time.time()) * 1000)))

    def _paid_until(self) -> float:
        """Until when the background's share is used up."""
        kept = cast("bytes | None", self._redis.get(_pace(self._key)))
        return float(kept) if kept else 0.0


def _pace(connection_id: str) -> str:
    return f"wissel:pace:{connection_id}"


@dataclass(frozen=True, slots=True)
class Hold:
    """A connection is left alone until `until`, for a reason told to people."""

    until: datetime
    reason: str


class Holds:
    """Connections that are left alone for a while: throttled, used up, or behind an open circuit. Kept in Redis, because
    losing it only means asking once too often."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def put(self, connection_id: str, until: datetime, reason: str) -> None:
        """Leave a connection alone until then."""
        left = until - datetime.now(UTC)
        if left > timedelta(0):
            value = json.dumps([until.timestamp(), reason])
            self._attempt(lambda: self._redis.set(_key(connection_id), value, px=max(1, int(left.total_seconds() * 1000))))

    def of(self, connection_id: str) -> Hold | None:
        """Why and until when a connection is left alone; None when it is not."""
        value = self._attempt(lambda: self._redis.get(_key(connection_id)))
        if value is None:
            return None
        until, reason = json.loads(value)
        return Hold(datetime.fromtimestamp(until, UTC), reason)

    def lift(self, connection_id: str) -> None:
        """Call the connection again at once, because a person says so."""
        self._attempt(lambda: self._redis.delete(_key(connection_id)))

    def _attempt(self, act: Callable[[], object]) -> bytes | None:
        try:
            result = act()
        except RedisError as error:
            log.warning("Redis cannot be reached: %s", error)
            return None
        return result if isinstance(result, bytes) else None


def _key(connection_id: str) -> str:
    return f"wissel:hold:{connection_id}"
