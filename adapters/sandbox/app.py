"""The Flask application every sandbox is built on: request log, faults, rate limit, control API and shared pages."""

from __future__ import annotations

import math
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from flask import Flask, Response, current_app, g, request
from werkzeug.exceptions import HTTPException
from werkzeug.sansio.response import Response as AnyResponse

from adapters.sandbox.courier import Courier, Sign
from adapters.sandbox.faults import REQUEST_FAULTS, Fault, Faults
from adapters.sandbox.state import SandboxState

DEFAULT_SECRET = "sandbox-secret"  # noqa: S105 - a stand-in guards nothing
"""What webhooks are signed with unless told otherwise."""

_MAX_REQUEST_BYTES = 5_000_000
_LOGGED_CHARACTERS = 20_000
_CUT_JSON = b'{"id": 700000001, "items": [{"sk'
_MAINTENANCE = "<!doctype html><title>Maintenance</title><h1>We will be back soon</h1>"


@dataclass(frozen=True)
class Profile:
    """What makes one system's sandbox different from another's.

    `api_prefixes` are the paths that belong to the real system's API: only these are logged, limited and hit by
    faults. `error` builds the system's own error answer from a status and a sentence. `sign` gives the signature
    headers of a webhook, `delivered` says which statuses count as received, `retry_after` writes a number of seconds as
    the system writes Retry-After. `switches` are behaviours that can be
    turned on and off (name -> label, default); `navigation` are the system's own pages (label, path). `called` says what
    the current call is about where method and path do not (the mutation of a GraphQL request), for faults to match.
    """

    name: str
    title: str
    api_prefixes: tuple[str, ...]
    error: Callable[[int, str], Response]
    sign: Sign
    delivered: Callable[[int], bool] = lambda status: 200 <= status < 300
    retry_after: Callable[[float], str] = lambda seconds: str(math.ceil(seconds))
    requests_per_minute: int = 600
    switches: dict[str, tuple[str, bool]] = field(default_factory=dict)
    navigation: tuple[tuple[str, str], ...] = ()
    called: Callable[[], str] = lambda: ""


class RateLimit:
    """At most so many requests in any 60 seconds. 0 means no limit."""

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self._lock = threading.Lock()
        self._times: deque[float] = deque()

    def wait_needed(self) -> float:
        """Take one request; 0 when it may pass, else the seconds until one may."""
        now = time.monotonic()
        with self._lock:
            while self._times and self._times[0] <= now - 60:
                self._times.popleft()
            if not self.per_minute or len(self._times) < self.per_minute:
                self._times.append(now)
                return 0.0
            return self._times[0] + 60 - now


class Sandbox:
    """The parts of one running sandbox; `sandbox()` gives the one of the current request."""

    def __init__(
        self,
        profile: Profile,
        state: SandboxState,
        *,
        webhook_url: str,
        secret: str,
        webhook_retries: tuple[float, ...],
        requests_per_minute: int | None,
    ) -> None:
        self.profile, self.state = profile, state
        self.faults = Faults(state)
        self.rate = RateLimit(profile.requests_per_minute if requests_per_minute is None else requests_per_minute)
        self.courier = Courier(
            state, self.faults, sign=profile.sign, secret=secret, delivered=profile.delivered, retries=webhook_retries
        )
        self.closing = threading.Event()
        if webhook_url:
            state.set_setting("webhook_url", webhook_url)

    def switch(self, name: str) -> bool:
        """Whether a behaviour of `profile.switches` is on."""
        return bool(self.state.setting(f"switch:{name}", self.profile.switches[name][1]))

    def set_switch(self, name: str, on: bool) -> None:
        """Turn a behaviour on or off. Raises ValueError for one that does not exist."""
        if name not in self.profile.switches:
            raise ValueError(f"Unknown switch {name!r}. Known switches: {', '.join(self.profile.switches) or 'none'}.")
        self.state.set_setting(f"switch:{name}", on)

    @property
    def webhook_url(self) -> str:
        return str(self.state.setting("webhook_url", ""))

    def start(self) -> None:
        """Start sending webhooks."""
        self.courier.start()

    def stop(self) -> None:
        """Stop sending webhooks and wake every request that a fault holds."""
        self.closing.set()
        self.courier.stop()


def sandbox(app: Flask | None = None) -> Sandbox:
    """The sandbox of this application, by default of the current request."""
    found = (app or current_app).extensions["sandbox"]
    assert isinstance(found, Sandbox)
    return found


def create_sandbox(
    profile: Profile,
    state: SandboxState,
    *,
    import_name: str,
    webhook_url: str = "",
    secret: str = DEFAULT_SECRET,
    webhook_retries: tuple[float, ...] = (1.0, 3.0, 10.0, 30.0),
    requests_per_minute: int | None = None,
) -> Flask:
    """A Flask app with everything sandboxes share. `import_name` is the system's package, whose `templates` it uses;
    `requests_per_minute` overrules the profile (0: no limit). The caller registers the system's API and pages."""
    from adapters.sandbox.pages import control, pages

    app = Flask(import_name, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _MAX_REQUEST_BYTES
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.extensions["sandbox"] = Sandbox(
        profile,
        state,
        webhook_url=webhook_url,
        secret=secret,
        webhook_retries=webhook_retries,
        requests_per_minute=requests_per_minute,
    )
    app.before_request(_receive)
    app.after_request(_answer)
    app.register_error_handler(Exception, _fail)
    app.register_blueprint(pages)
    app.register_blueprint(control)
    return app


def is_api() -> bool:
    """Whether the current request is for the real system's API rather than for a page or the control API."""
    return request.path.startswith(sandbox().profile.api_prefixes)


def _receive() -> Response | None:
    """Before an API call: is it within the rate limit, and does a fault keep it from taking effect?"""
    g.fault, g.carried_out = None, True
    if not is_api():
        # A page on another site must not be able to press our buttons through the visitor's browser.
        foreign = request.method == "POST" and request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site")
        return Response("Forms of other sites are not accepted.\n", 403) if foreign else None
    box = sandbox()
    request.get_data(cache=True)
    wait = box.rate.wait_needed()
    if wait:
        answer = box.profile.error(429, "Too many requests")
        answer.headers["Retry-After"] = box.profile.retry_after(wait)
        return answer
    fault = box.faults.strike(REQUEST_FAULTS, f"{request.method} {request.path} {box.profile.called()}".strip())
    g.fault = fault
    if fault is not None and fault.kind != "slow" and not fault.after_effect:
        g.carried_out = False
        return Response(status=204)
    return None


def _answer(response: Response) -> Response:
    """After an API call: spoil the answer if a fault says so, and log the call."""
    response.headers.setdefault("Cache-Control", "no-store")
    if not is_api():
        response.headers["Content-Security-Policy"] = (
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response
    fault: Fault | None = g.get("fault")
    lost = fault is not None and fault.kind in ("timeout", "drop")
    if fault is not None:
        response = _spoil(fault, response, g.carried_out)
    sandbox().state.log(
        method=request.method,
        path=request.path,
        query=request.query_string.decode("utf-8", "replace"),
        body=request.get_data(as_text=True)[:_LOGGED_CHARACTERS],
        status=0 if lost else response.status_code,
        answer="" if lost else response.get_data(as_text=True)[:_LOGGED_CHARACTERS],
        fault=_fault_words(fault),
    )
    if lost:
        _hang_up(fault)
    return response


def _spoil(fault: Fault, response: Response, carried_out: bool) -> Response:
    profile = sandbox().profile
    if fault.kind == "429":
        answer = profile.error(429, "Too many requests")
        answer.headers["Retry-After"] = profile.retry_after(fault.seconds)
        return answer
    if fault.kind == "500":
        return profile.error(500, "Internal server error")
    if fault.kind == "html":
        return Response(_MAINTENANCE, 200, mimetype="text/html")
    if fault.kind == "half_json":
        whole = response.get_data() if carried_out else b""
        return Response(whole[: len(whole) // 2] or _CUT_JSON, 200, mimetype="application/json")
    if fault.kind == "empty":
        return Response(b"", 200, mimetype="application/json")
    if fault.kind == "slow":
        sandbox().closing.wait(fault.seconds)
    return response


def _fault_words(fault: Fault | None) -> str:
    if fault is None:
        return ""
    return f"{fault.kind}, after taking effect" if fault.after_effect else fault.kind


def _hang_up(fault: Fault | None) -> None:
    """Close the connection under the answer, at once or after letting the caller wait."""
    if fault is not None and fault.kind == "timeout":
        sandbox().closing.wait(fault.seconds)
    connection = request.environ.get("werkzeug.socket")
    if connection is not None:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)


def _fail(error: Exception) -> AnyResponse:
    """Errors speak the system's language on its API and are a page elsewhere."""
    from adapters.sandbox.pages import problem_page

    status = error.code or 500 if isinstance(error, HTTPException) else 500
    if isinstance(error, HTTPException) and error.response is not None:
        return error.response
    words = error.description or error.name if isinstance(error, HTTPException) else "Internal server error"
    if status == 500:
        current_app.logger.exception("The sandbox itself failed", exc_info=error)
    if is_api():
        return sandbox().profile.error(status, words)
    return problem_page(words, status)
