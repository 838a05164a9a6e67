"""The worker process that gets killed: the real worker, with an adapter that speaks to the counting system."""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import requests
from redis import Redis
from sqlalchemy import event

from adapters.base import Adapter, Call, Capabilities, Connection, Memory, NewEvent, Result, WebhookHint
from adapters.http import read_object, send
from store import events
from store.secrets import Cipher
from store.session import Database
from workers.bell import Bell
from workers.settings import WorkerSettings
from workers.worker import OutboxWorker

SETTINGS = WorkerSettings(
    retry_delays=(0.05,), max_failures=10_000, lease_seconds=0.6, alive_seconds=0.4, lost_seconds=0.1, batch_seconds=0.05,
    breaker_failures=10_000, idle_seconds=1, event_seconds=3_600,
)


class EffectAdapter:
    """Has one effect per command, and tells about it as an event."""

    capabilities = Capabilities("effects", "Effects", "till", frozenset({"place_sale"}), {}, (), {}, 0)

    def execute(self, call: Call, connection: Connection, memory: Memory, http: requests.Session) -> Result:
        answer = read_object(send(
            http, "POST", connection.base_url, json=dict(call.payload), headers={"Idempotency-Key": call.idempotency_key}
        ))
        told = NewEvent(str(answer["id"]), "sale.changed", str(call.payload["subject"]), datetime(2026, 3, 1, tzinfo=UTC), answer)
        return Result(f"Effect {answer['id']}.", [told])

    def verify(
        self, body: bytes, headers: Mapping[str, str], query: Mapping[str, str], connection: Connection
    ) -> Sequence[WebhookHint]:
        return ()


@dataclass
class KeepingIntake:
    """A front door that keeps events in the database, each once."""

    database: Database

    def take_in(
        self, merchant_id: str, source: str, event: NewEvent, *, connection_id: str | None = None, caused_by: int | None = None
    ) -> None:
        with self.database.session(merchant_id) as session:
            events.keep(
                session, source=source, external_id=event.id, type=event.type, subject=event.subject, time=event.time,
                data=dict(event.data), body_hash="same", connection_id=connection_id, caused_by=caused_by,
            )

    def decide(self, merchant_id: str, event_id: str) -> None:
        """Nothing to decide here."""


class CrashServices:
    """The services of one process."""

    def __init__(self, database_url: str, redis_url: str, key: str) -> None:
        self.worker_settings = SETTINGS
        self.database = Database(database_url)
        self.redis = Redis.from_url(redis_url)
        self.cipher = Cipher(key)
        self.bell = Bell(self.redis, SETTINGS)
        self.intake = KeepingIntake(self.database)
        self.http_session_factory: Callable[[], requests.Session] = requests.Session

    @property
    def adapters(self) -> Mapping[str, Adapter]:
        return {"effects": EffectAdapter()}


def be_a_worker(database_url: str, redis_url: str, key: str, system_url: str) -> None:
    """Work until killed, and tell the system each time before something is committed."""
    here = CrashServices(database_url, redis_url, key)

    @event.listens_for(here.database.engine, "commit")
    def about_to_commit(connection: Any) -> None:
        if not connection.get_execution_options().get("wissel_read_only"):
            urllib.request.urlopen(system_url).close()

    OutboxWorker(here).run()
    os._exit(0)
