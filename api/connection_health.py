"""How a connection is doing, at a glance and in figures: from the database, and from what the workers keep in Redis."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from limits import RateLimitItemPerMinute
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis import RedisError
from sqlalchemy.orm import Session

from adapters.base import Adapter
from api import shapes
from api.connection_setup import DRAFT, HOLD_KEY
from api.services import services
from store import commands
from store.columns import now
from store.connection_health import Health, Tries, health
from store.models import Connection

CIRCUIT_KEY = "wissel:circuit:{}:pybreaker:state"
RATE_PREFIX = "wissel:rate"
"""Where the workers keep a connection's circuit, and count its requests, in Redis."""

BEHIND = timedelta(minutes=10)
MANY_TRIES = 4
"""So many tries in an hour before a share of failures says anything."""

SOME_FAIL, MOST_FAIL = 0.1, 0.5


@dataclass(frozen=True, slots=True)
class Held:
    """Until when a connection is left alone, and why."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """How it is doing in a word: tone (good, warn, bad, idle), symbol, and a few words."""

    tone: str
    symbol: str
    words: str


@dataclass(frozen=True, slots=True)
class State:
    """All there is to know about how one connection is doing. `circuit` is closed, open, half-open, or unknown while
    Redis cannot be reached; `used` are the requests of the last minute, None when they cannot be counted."""

    row: Connection
    kept: Health
    depth: commands.Depth
    circuit: str
    held: Held | None
    per_minute: int
    used: int | None
    poll_seconds: float | None
    adapter: Adapter | None = field(repr=False)

    @property
    def waiting(self) -> int:
        return self.depth.waiting + self.depth.leased

    @property
    def draft(self) -> bool:
        return self.row.state == "paused" and self.row.paused_reason == DRAFT

    @property
    def verdict(self) -> Verdict:
        return _verdict(self)


def states(session: Session, rows: Sequence[Connection]) -> list[State]:
    """How each of these connections is doing."""
    depths, kept = commands.depths(session), health(session, rows)
    circuits, holds = circuit_states([row.id for row in rows]), _holds([row.id for row in rows])
    return [
        State(
            row=row, kept=kept[row.id], depth=depths.get(row.id, commands.Depth(0, 0, 0, None)), circuit=circuits[row.id],
            held=holds.get(row.id), per_minute=(limit := per_minute(row)), used=_used(row.id, limit),
            poll_seconds=poll_seconds(row), adapter=services().adapters.get(row.platform),
        )
        for row in rows
    ]  # fmt: skip


def as_json(state: State) -> dict[str, Any]:
    """A state as the API tells it."""
    kept = state.kept
    return {
        "verdict": state.verdict.tone, "words": state.verdict.words, "last_event": shapes.moment(kept.last_event),
        "last_success": shapes.moment(kept.last_success), "last_poll": shapes.moment(kept.last_poll),
        "poll_seconds": state.poll_seconds, "hour": _tries(kept.hour), "day": _tries(kept.day), "complete": kept.complete,
        "held_until": shapes.moment(state.held.until) if state.held else None, "held_because": state.held.reason if state.held else "",
        "per_minute": state.per_minute, "used": state.used,
    }  # fmt: skip


def per_minute(row: Connection) -> int:
    """How many requests a minute the workers allow themselves; 0 for no limit of our own."""
    own = row.settings.get("rate_per_minute")
    if isinstance(own, int) and not isinstance(own, bool) and own >= 0:
        return own
    adapter = services().adapters.get(row.platform)
    return adapter.capabilities.rate_per_minute if adapter else 0


def poll_seconds(row: Connection) -> float | None:
    """Every how many seconds the system is asked for news; None when it never is."""
    adapter = services().adapters.get(row.platform)
    if adapter is None or adapter.capabilities.operations.isdisjoint({"read_orders", "read_changes"}):
        return None
    usual = services().config.poll_seconds
    seconds = row.settings.get("poll_seconds", usual)
    return seconds if isinstance(seconds, int | float) and seconds > 0 else None


def circuit_states(connection_ids: Sequence[str]) -> dict[str, str]:
    """closed, open or half-open per connection; `unknown` while Redis cannot be reached."""
    if not connection_ids:
        return {}
    try:
        found = services().redis.mget([CIRCUIT_KEY.format(each) for each in connection_ids])
    except RedisError:
        return dict.fromkeys(connection_ids, "unknown")
    words = ["closed" if value is None else value.decode() if isinstance(value, bytes) else str(value) for value in found]
    return dict(zip(connection_ids, words, strict=True))


def _holds(connection_ids: Sequence[str]) -> dict[str, Held]:
    if not connection_ids:
        return {}
    try:
        found = services().redis.mget([HOLD_KEY.format(each) for each in connection_ids])
    except RedisError:
        return {}
    held: dict[str, Held] = {}
    for connection_id, value in zip(connection_ids, found, strict=True):
        if value is not None:
            until, reason = json.loads(value)
            held[connection_id] = Held(datetime.fromtimestamp(until, UTC), str(reason))
    return held


def _used(connection_id: str, limit: int) -> int | None:
    """The requests of the last minute."""
    if limit <= 0:
        return None
    try:
        storage = RedisStorage("redis://", connection_pool=services().redis.connection_pool, key_prefix=RATE_PREFIX)
        left = MovingWindowRateLimiter(storage).get_window_stats(RateLimitItemPerMinute(limit), connection_id).remaining
    except RedisError:
        return None
    return max(0, limit - int(left))


def _tries(tries: Tries) -> dict[str, Any]:
    return {"made": tries.made, "failed": tries.failed, "throttled": tries.throttled, "rate": tries.rate}


def _verdict(state: State) -> Verdict:
    """The worst that is true of it."""
    row, hour = state.row, state.kept.hour
    oldest = state.depth.oldest_due
    share = hour.rate if hour.rate is not None and hour.made >= MANY_TRIES else 0.0
    cases: Mapping[tuple[str, str, str], bool] = {
        ("idle", "–", "Archived"): row.state == "archived",
        ("warn", "○", "Draft, not started"): state.draft,
        ("bad", "‖", "Paused"): row.state == "paused",
        ("bad", "?", "No adapter for it"): state.adapter is None,
        ("bad", "!", "Does not answer"): state.circuit == "open",
        ("bad", "!", "Most tries fail"): share >= MOST_FAIL,
        ("bad", "!", f"{state.depth.dead} given up"): state.depth.dead > 0,
        ("warn", "◷", "Asked us to slow down"): state.held is not None,
        ("warn", "!", "No try worked yet"): hour.rate == 1.0,
        ("warn", "!", "Some tries fail"): share >= SOME_FAIL,
        ("warn", "◷", "Behind"): oldest is not None and oldest < now() - BEHIND,
        ("warn", "?", "Not known (Redis is away)"): state.circuit == "unknown",
        ("idle", "○", "Nothing done yet"): state.kept.last_success is None and state.kept.last_event is None,
    }
    return next((Verdict(*words) for words, holds in cases.items() if holds), Verdict("good", "✓", "Works"))
