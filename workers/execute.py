"""Carries out one command: the call abroad, what was learned from it, and how the attempt ended."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import requests
from pybreaker import CircuitBreakerError
from rq.timeouts import JobTimeoutException

from adapters.base import (
    Adapter,
    AdapterError,
    Call,
    Connection,
    Memory,
    Refused,
    Result,
    RetryLater,
    Throttled,
    Unauthorised,
)
from store.commands import DONE
from store.connection_memory import SEEN_AS, WEBHOOKS_ADDRESS, as_seen
from store.events import EventConflict
from store.leases import Leased, Tried
from workers import masking
from workers.backoff import Backoff
from workers.breaker import Breaker
from workers.exchanges import Recorder
from workers.imports import Pages, page_of
from workers.limits import Meter, OwnLimit
from workers.services import Intake
from workers.settings import WorkerSettings

log = logging.getLogger(__name__)

MAX_MESSAGE_CHARACTERS = 1_000
MAX_DETAIL_CHARACTERS = 4_000

OWN_LIMIT = "own_limit"
"""The kind of throttling that comes from our own rate limit and not from the system."""


@dataclass(frozen=True)
class Errand:
    """Everything needed to carry out commands of one connection."""

    connection: Connection
    adapter: Adapter | None
    memory: Memory
    http: requests.Session
    recorder: Recorder
    meter: Meter
    breaker: Breaker
    intake: Intake
    pages: Pages
    backoff: Backoff
    settings: WorkerSettings
    clock: Callable[[], datetime]


def carry_out(errand: Errand, command: Leased) -> Tried:
    """Make one attempt at a command. Events learned are taken in before this returns, so that a command is never done
    without them; their ids make that harmless to repeat.

    Raises HeldBack or CircuitBreakerError when nothing was called and the command just has to wait.
    """
    started = errand.clock()
    unwanted = errand.pages.unwanted(command)
    if unwanted:
        return _tried(errand, command, started, DONE, DONE, unwanted)
    errand.meter.reserve(background=command.background)
    started = errand.clock()
    try:
        result = errand.breaker.call(lambda: _call(errand, command))
        notes = _take_in_all(errand, command, result)
        _remember(errand, command, result)
    except CircuitBreakerError:
        raise
    except Exception as error:  # noqa: BLE001 (whatever an adapter throws, the command must not be lost)
        return _failed(errand, command, error, started)
    message = " ".join([result.summary, *(note for note in notes if note)])
    return _tried(errand, command, started, DONE, DONE, message)


def _call(errand: Errand, command: Leased) -> Result:
    adapter = errand.adapter
    if adapter is None:
        raise Refused(f"There is no adapter for the platform {errand.connection.platform!r}.")
    if command.operation not in adapter.capabilities.operations:
        raise Refused(f"{adapter.capabilities.title} cannot carry out {command.operation!r}.")
    call = Call(command.operation, command.payload, command.idempotency_key)
    return adapter.execute(call, errand.connection, errand.memory, errand.http)


def _remember(errand: Errand, command: Leased, result: Result) -> None:
    """Keep what the system said of itself, for the connection's page."""
    key = SEEN_AS.get(command.operation)
    if key is not None and result.data is not None:
        errand.memory.put(key, as_seen(result.data, errand.clock()))
        if command.operation == "register_webhooks":
            errand.memory.put(WEBHOOKS_ADDRESS, command.payload.get("url"))


def _take_in_all(errand: Errand, command: Leased, result: Result) -> list[str]:
    """Feed everything learned through the front door. Returns sentences for people."""
    if page_of(command) is not None:
        return [errand.pages.take_in(command, result)]
    return [_take_in(errand, command, event) for event in result.events]


def _take_in(errand: Errand, command: Leased, event: Any) -> str:
    """Feed one event through the front door. Returns a sentence when it was not taken."""
    try:
        errand.intake.take_in(
            command.merchant_id, errand.connection.name, event, connection_id=errand.connection.id, caused_by=command.id
        )
    except EventConflict as conflict:
        log.warning("an adapter gave one id to two different events: %s", conflict, extra={"command_id": command.id})
        return f"Not taken in: {conflict}."
    return ""


def _failed(errand: Errand, command: Leased, error: Exception, started: datetime) -> Tried:
    at = errand.clock()
    if isinstance(error, Throttled):
        until = error.until or at + timedelta(seconds=errand.settings.throttle_delay)
        kind = OWN_LIMIT if isinstance(error, OwnLimit) else "throttled"
        return _tried(errand, command, started, "throttled", kind, error.message, error.detail,
                      failures=command.failures, retry_at=until)
    if isinstance(error, Unauthorised):
        return _tried(errand, command, started, "unauthorised", "unauthorised", error.message, error.detail,
                      failures=command.failures, retry_at=at)
    failures = command.failures + 1
    if isinstance(error, Refused):
        return _tried(errand, command, started, "refused", "refused", error.message, error.detail, failures=failures)
    kind, message, detail = _describe(error, errand.settings)
    if kind == "bug":
        log.error("a command met a bug: %s", message, exc_info=error, extra={"command_id": command.id})
    return _tried(errand, command, started, "retry", kind, message, detail,
                  failures=failures, retry_at=errand.backoff.retry_at(failures, at))


def _describe(error: Exception, settings: WorkerSettings) -> tuple[str, str, str]:
    if isinstance(error, RetryLater):
        return "retry", error.message, error.detail
    if isinstance(error, JobTimeoutException):
        return "timeout", f"It took longer than {settings.call_seconds:.0f} seconds.", ""
    trace = "".join(traceback.format_exception(error))
    known = error.message if isinstance(error, AdapterError) else f"{type(error).__name__}: {error}"
    return "bug", f"Something broke on our side: {known}", trace[-MAX_DETAIL_CHARACTERS:]


def _tried(
    errand: Errand, command: Leased, started: datetime, outcome: str, kind: str, message: str, detail: str = "",
    *, failures: int = 0, retry_at: datetime | None = None,
) -> Tried:
    return Tried(
        command, outcome, kind,
        message=masking.text(message[:MAX_MESSAGE_CHARACTERS], errand.recorder.secrets),
        detail=masking.text(detail[:MAX_DETAIL_CHARACTERS], errand.recorder.secrets) if detail else "",
        started_at=started, finished_at=errand.clock(), failures=failures, retry_at=retry_at,
        exchanges=errand.recorder.take(),
    )
