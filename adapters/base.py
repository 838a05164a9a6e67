"""What every adapter promises, and the four kinds of error the workers understand.

An adapter carries out *operations* in our words against one external system. It never touches the database: what it
has to remember (ids over there, cursors, rotated tokens) it asks of the `Memory` that the worker lends it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import requests


class AdapterError(Exception):
    """A call to an external system did not do what was asked. `detail` is for people and holds no secret."""

    def __init__(self, message: str, *, detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail


class RetryLater(AdapterError):
    """It may work later: a timeout, a dropped connection, a 5xx, an answer that is not what the system speaks."""


class Throttled(AdapterError):
    """The system asks us to slow down. `until` is when we may call again (aware, UTC), None if it did not say."""

    def __init__(self, message: str, *, until: datetime | None = None, detail: str = "") -> None:
        super().__init__(message, detail=detail)
        self.until = until


class Refused(AdapterError):
    """It will never work as asked (validation, not found, conflict of meaning): show it to people."""


class Unauthorised(AdapterError):
    """The credentials are wrong, expired or lack a scope: pause the connection and tell the admin."""


class WebhookRejected(Exception):
    """A native webhook cannot be accepted. `status` is the HTTP status to answer (400, 401, 413)."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


@dataclass(frozen=True, slots=True)
class Connection:
    """One configured external system of one merchant.

    `name` is unique per merchant and appears in URLs, `platform` names the adapter (`lightspeed_ecom`), `role` is
    `shop` or `till`; `base_url` is the only thing that differs between a sandbox and the real system besides
    `credentials` (secret) and `settings` (not secret).
    """

    id: str
    name: str
    platform: str
    role: str
    base_url: str
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    settings: Mapping[str, Any] = field(default_factory=dict)


class Memory(Protocol):
    """What an adapter may remember between calls. Every write is committed at once, so that a crash directly after a
    call abroad leaves no twin behind. Kinds in use: `order`, `product`, `customer`, `outlet`, `fulfilment`, `line`,
    `refund`."""

    def external(self, kind: str, ours: str) -> str | None: ...
    def ours(self, kind: str, external: str) -> str | None: ...
    def bind(self, kind: str, ours: str, external: str) -> None: ...
    def get(self, key: str) -> Any: ...
    def put(self, key: str, value: Any) -> None: ...
    def credentials(self) -> Mapping[str, str]: ...
    def replace_credentials(self, credentials: Mapping[str, str]) -> None: ...
    def lock(self, name: str) -> AbstractContextManager[None]:
        """One holder at a time over all processes, for example while a rotating token is refreshed."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """One command as an adapter sees it: an operation in our words, its payload, and a key that is the same for
    every attempt of the same command."""

    operation: str
    payload: Mapping[str, Any]
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class NewEvent:
    """Something we learned, in our words, to be fed through the front door like any other event (CloudEvents terms).

    `id` is unique per connection and the same whenever the same thing is learned again, `subject` names what it is
    about (`order:7Q2XK`), `time` is when it happened over there, `sequence` orders events about one subject when the
    system gives a growing number.
    """

    id: str
    type: str
    subject: str
    time: datetime
    data: Mapping[str, Any]
    sequence: int | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What a call achieved: one sentence for people, and what was learned.

    `did_nothing` marks a call that found the system already in the wanted state. A long read goes on page by page:
    `then` is the payload of the next command of the same operation (None at the end), `progress` how many units this
    call read and how many there are in all, if the system tells. `data` (JSON) answers a person's question, such as
    which locations there are.
    """

    summary: str
    events: Sequence[NewEvent] = ()
    did_nothing: bool = False
    then: Mapping[str, Any] | None = None
    progress: tuple[int, int | None] | None = None
    data: Any = None


@dataclass(frozen=True, slots=True)
class WebhookHint:
    """What a verified native webhook amounts to: something happened, go and read it.

    `event_id` is the system's own id when it has one, else made from (type, entity, version); `operation` and
    `payload` are the read to make (`read_order` of that order); `subject` orders and collapses such reads.
    """

    event_id: str
    native_type: str
    subject: str
    time: datetime
    operation: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a connection of this platform can do.

    `statuses` maps a kind of status (`shop_status`, `payment_status`) to the words of ours it can express, `labels` the
    same kinds to what staff of that system read for each word; `settings` documents each connection setting (name ->
    meaning, default). `guide` tells an admin where the credentials are found, `credential_hints` says a sentence about
    each; `optional_credentials` may be left empty. Without a `default_base_url` the system's own address must be given.
    `told_apart_by` names the credentials or settings by which systems at one address differ, such as a store's number.
    """

    platform: str
    title: str
    role: str
    operations: frozenset[str]
    statuses: Mapping[str, frozenset[str]]
    credentials: tuple[str, ...]
    settings: Mapping[str, tuple[str, Any]]
    rate_per_minute: int
    guide: str = ""
    credential_hints: Mapping[str, str] = field(default_factory=dict)
    optional_credentials: tuple[str, ...] = ()
    default_base_url: str = ""
    told_apart_by: tuple[str, ...] = ()
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


class Adapter(Protocol):
    """One external system. Stateless: everything it needs comes with the call."""

    capabilities: Capabilities

    def execute(self, call: Call, connection: Connection, memory: Memory, http: requests.Session) -> Result:
        """Carry out one operation.

        Every attempt of a command comes with the same idempotency key; carrying it out twice must have the effect of
        once. `http` records each exchange for the trace; use no other way out.

        Raises RetryLater, Throttled, Refused or Unauthorised; anything else is a bug and is treated as RetryLater.
        """
        ...

    def verify(self, body: bytes, headers: Mapping[str, str], query: Mapping[str, str], connection: Connection) -> Sequence[WebhookHint]:
        """Check a native webhook's signature in constant time and say what to read.

        Raises WebhookRejected with 401 for a missing or wrong signature and 400 for a body that makes no sense.
        """
        ...
