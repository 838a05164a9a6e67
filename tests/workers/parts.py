"""Services for the tests of the workers: everything real but the external system, which is a function, and the front
door, which keeps what comes in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import requests
from redis import Redis

from adapters.base import Adapter, Call, Capabilities, Connection, Memory, NewEvent, Result, WebhookHint
from store.events import EventConflict
from store.secrets import Cipher
from store.session import Database
from workers.bell import Bell
from workers.settings import WorkerSettings

OPERATIONS = frozenset({"place_sale", "add_payment", "set_status", "read_changes"})

Answer = Callable[[Call, Memory, requests.Session], Result]


@dataclass
class CountingAdapter:
    """An adapter that does what `answer` says and remembers its calls."""

    answer: Answer = lambda call, memory, http: Result("Done.")
    rate_per_minute: int = 0
    operations: frozenset[str] = OPERATIONS - {"read_changes"}
    calls: list[Call] = field(default_factory=list)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities("counting", "Counting system", "till", self.operations, {}, (), {}, self.rate_per_minute)

    def execute(self, call: Call, connection: Connection, memory: Memory, http: requests.Session) -> Result:
        self.calls.append(call)
        return self.answer(call, memory, http)

    def verify(
        self, body: bytes, headers: Mapping[str, str], query: Mapping[str, str], connection: Connection
    ) -> Sequence[WebhookHint]:
        return ()


@dataclass
class RememberingIntake:
    """A front door that keeps events by id, as the real one does, and decides nothing."""

    events: dict[str, NewEvent] = field(default_factory=dict)
    told: list[tuple[str, str, str | None, int | None]] = field(default_factory=list)
    decided: list[str] = field(default_factory=list)
    break_with: Exception | None = None

    def take_in(
        self, merchant_id: str, source: str, event: NewEvent, *, connection_id: str | None = None, caused_by: int | None = None
    ) -> None:
        if self.break_with is not None:
            raise self.break_with
        known = self.events.setdefault(event.id, event)
        if known.data != event.data:
            raise EventConflict(source, event.id, "kept-before")
        self.told.append((source, event.id, connection_id, caused_by))

    def decide(self, merchant_id: str, event_id: str) -> None:
        if self.break_with is not None:
            raise self.break_with
        self.decided.append(event_id)


@dataclass
class Parts:
    """Services as the workers see them."""

    worker_settings: WorkerSettings
    database: Database
    redis: Redis
    cipher: Cipher
    counting: CountingAdapter
    intake: RememberingIntake
    bell: Bell
    http_session_factory: Callable[[], requests.Session] = requests.Session

    @property
    def adapters(self) -> Mapping[str, Adapter]:
        return {"counting": self.counting}

    def with_settings(self, **changes: Any) -> Parts:
        """The same services with other settings."""
        settings = replace(self.worker_settings, **changes)
        return replace(self, worker_settings=settings, bell=Bell(self.redis, settings))


def make_parts(database: Database, redis: Redis, cipher: Cipher, settings: WorkerSettings | None = None) -> Parts:
    """Services around a database and a Redis server."""
    settings = settings or WorkerSettings()
    return Parts(settings, database, redis, cipher, CountingAdapter(), RememberingIntake(), Bell(redis, settings))
