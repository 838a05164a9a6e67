"""Records what an adapter says to a system and what it answers, for the trace."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import requests
from requests.adapters import BaseAdapter

from workers import masking
from workers.limits import HeldBack, Meter, OwnLimit

MAX_EXCHANGES = 40
"""Exchanges kept per attempt: the first half and the last half of them."""


@dataclass(slots=True)
class _Exchange:
    at: datetime
    request: requests.PreparedRequest
    response: requests.Response | None = None
    error: str = ""
    milliseconds: int = 0


class Recorder:
    """Sits in a session in place of its transports: counts each request against the rate limit, sends it, and keeps
    what went to and fro. Answers are turned into text only when the attempt is over, since an adapter may still be
    reading them."""

    def __init__(self, http: requests.Session, meter: Meter, secrets: Collection[str] = ()) -> None:
        self._meter = meter
        self.secrets = secrets
        self._open: list[_Exchange] = []
        self._closed: list[dict[str, Any]] = []
        self._left_out = 0
        for prefix, transport in list(http.adapters.items()):
            http.mount(prefix, _Recording(transport, self))

    def send(self, transport: BaseAdapter, request: requests.PreparedRequest, options: Mapping[str, Any]) -> requests.Response:
        """Send one request. Raises OwnLimit when our own limit would make it wait too long."""
        try:
            self._meter.pass_through()
        except HeldBack as held:
            raise OwnLimit("Our own rate limit for this connection is used up.", until=held.until) from held
        self._close()
        exchange = _Exchange(datetime.now(UTC), request)
        self._open.append(exchange)
        started = time.perf_counter()
        try:
            exchange.response = transport.send(request, **options)
        except Exception as error:
            exchange.error = f"{type(error).__name__}: {error}"
            raise
        finally:
            exchange.milliseconds = round((time.perf_counter() - started) * 1000)
        return exchange.response

    def take(self) -> list[dict[str, Any]]:
        """The exchanges since the last call, masked: method, url, at, ms, request, and response or error."""
        self._close()
        taken, self._closed = self._closed, []
        if self._left_out:
            taken.insert(MAX_EXCHANGES // 2, {"left_out": self._left_out})
            self._left_out = 0
        return taken

    def _close(self) -> None:
        for exchange in self._open:
            self._closed.append(self._describe(exchange))
        self._open.clear()
        if len(self._closed) > MAX_EXCHANGES:
            del self._closed[MAX_EXCHANGES // 2]
            self._left_out += 1

    def _describe(self, exchange: _Exchange) -> dict[str, Any]:
        request = exchange.request
        described: dict[str, Any] = {
            "at": exchange.at.isoformat(timespec="milliseconds"),
            "method": request.method,
            "url": masking.url(request.url or "", self.secrets),
            "ms": exchange.milliseconds,
            "request": self._message(request.headers, request.body),
        }
        if exchange.response is not None:
            content = exchange.response._content
            described["status"] = exchange.response.status_code
            described["response"] = self._message(exchange.response.headers, content if isinstance(content, bytes) else None)
        if exchange.error:
            described["error"] = masking.text(exchange.error[:2000], self.secrets)
        return described

    def _message(self, headers: Mapping[str, str], content: Any) -> dict[str, Any]:
        readable = content if isinstance(content, (bytes, str)) or content is None else "(a stream)"
        return {
            "headers": masking.headers(headers),
            "body": masking.body(readable, headers.get("Content-Type", ""), self.secrets),
        }


class _Recording(BaseAdapter):
    """A transport that goes through the recorder on its way out."""

    def __init__(self, transport: BaseAdapter, recorder: Recorder) -> None:
        super().__init__()
        self._transport = transport
        self._recorder = recorder

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        return self._recorder.send(self._transport, request, options)

    def close(self) -> None:
        self._transport.close()
