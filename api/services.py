"""What the API needs from the rest of the house, as shapes. `wiring` builds the real thing and hands it to `create_app`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from flask import current_app
from redis import Redis

from adapters.base import Adapter, NewEvent
from adapters.outbound import Outbound
from engine.compiled import CompiledBook
from store.secrets import Cipher
from store.session import Database


class Config(Protocol):
    """The settings the API reads. `https` says whether people reach us over TLS, which makes cookies secure and sends
    HSTS; `metrics_token` empty means that `/metrics` answers callers on this machine only. `public_url` is how systems reach us."""

    @property
    def secret_key(self) -> str: ...
    @property
    def https(self) -> bool: ...
    @property
    def demo(self) -> bool: ...
    @property
    def max_body_bytes(self) -> int: ...
    @property
    def public_url(self) -> str: ...
    @property
    def poll_seconds(self) -> int: ...
    @property
    def metrics_token(self) -> str: ...


class Taken(Protocol):
    """What became of one event: `status` is received (a worker will decide), waiting (for an order nobody told us of yet),
    decided, or failed; `reason` says why it waits or failed."""

    @property
    def event_id(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def duplicate(self) -> bool: ...
    @property
    def decision_id(self) -> str | None: ...
    @property
    def order_id(self) -> str | None: ...
    @property
    def summary(self) -> str: ...
    @property
    def reason(self) -> str: ...


class Intake(Protocol):
    """The front door: keeps an event and decides it in one transaction."""

    def take_in(
        self,
        merchant_id: str,
        source: str,
        event: NewEvent,
        *,
        connection_id: str | None = None,
        caused_by: int | None = None,
        defer: bool = False,
    ) -> Taken:
        """Raises store.events.EventConflict when the id was used before with other content."""
        ...

    def reprocess(self, merchant_id: str, event_id: str) -> Taken:
        """Decide a failed event again. Any other event is left as it is."""
        ...


class Bell(Protocol):
    """Wakes the workers of connections that have something to do, and the one for proofs and simulations."""

    def ring(self, connection_ids: Iterable[str]) -> Any: ...
    def ring_rule_job(self, merchant_id: str, job_id: str) -> Any: ...


class Books(Protocol):
    """Rule books by version, and the one that decides for a merchant now."""

    def get(self, version: str) -> CompiledBook: ...
    def current(self, merchant_id: str) -> tuple[str, CompiledBook]: ...


class Services(Protocol):
    """Everything `create_app` is given."""

    @property
    def config(self) -> Config: ...
    @property
    def database(self) -> Database: ...
    @property
    def redis(self) -> Redis: ...
    @property
    def adapters(self) -> Mapping[str, Adapter]: ...
    @property
    def cipher(self) -> Cipher: ...
    @property
    def outbound(self) -> Outbound: ...
    @property
    def books(self) -> Books: ...
    @property
    def intake(self) -> Intake: ...
    @property
    def bell(self) -> Bell: ...


def services() -> Services:
    """The services of the application that handles this request."""
    found: Services = current_app.extensions["wissel"]
    return found

