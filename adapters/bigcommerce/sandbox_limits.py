"""The sandbox's rate limit: so many requests in fixed windows of 30 seconds, told in four headers on every answer."""

from __future__ import annotations

import threading
import time
from email.utils import formatdate

from flask import Flask, Response, g

from adapters.sandbox import sandbox
from adapters.sandbox.app import is_api

WINDOW_MS = 30_000
QUOTA = 150
"""Plans Standard and Plus; shared by all apps on a store."""


class Window:
    """Counts requests of the present window. A quota of 0 means no limit."""

    def __init__(self, quota: int) -> None:
        self.quota = quota
        self._lock = threading.Lock()
        self._started, self._used = time.monotonic(), 0

    def take(self) -> tuple[bool, dict[str, str]]:
        """Take one request: whether it may pass, and the headers that tell of the window."""
        with self._lock:
            if (time.monotonic() - self._started) * 1000 >= WINDOW_MS:
                self._started, self._used = time.monotonic(), 0
            passes = not self.quota or self._used < self.quota
            self._used += passes
            return passes, self._headers()

    def spend(self, left: int) -> None:
        """Let only so many requests be left in this window, as if other apps had used the rest."""
        with self._lock:
            self._used = max(self._used, self.quota - left)

    def _headers(self) -> dict[str, str]:
        left = max(0, self.quota - self._used) if self.quota else 1_000_000
        reset = max(0, WINDOW_MS - int((time.monotonic() - self._started) * 1000))
        return {
            "X-Rate-Limit-Time-Window-Ms": str(WINDOW_MS), "X-Rate-Limit-Time-Reset-Ms": str(reset),
            "X-Rate-Limit-Requests-Quota": str(self.quota or 1_000_000), "X-Rate-Limit-Requests-Left": str(left),
        }  # fmt: skip


def window(app: Flask) -> Window:
    """The rate limit of this sandbox."""
    found = app.extensions["bigcommerce_window"]
    assert isinstance(found, Window)
    return found


def limit(app: Flask, quota: int) -> None:
    """Put a rate limit on a sandbox's API, and say it the vendor's way also where a fault says 429."""
    app.extensions["bigcommerce_window"] = Window(quota)

    @app.before_request
    def _count() -> Response | None:
        if not is_api():
            return None
        passes, g.rate_headers = window(app).take()
        return None if passes else sandbox().profile.error(429, "Too many requests")

    def _tell(response: Response) -> Response:
        if not is_api():
            return response
        response.headers["Date"] = formatdate(sandbox().state.now(), usegmt=True)
        if response.status_code == 429:
            return _too_many(response)
        response.headers.update(g.get("rate_headers", {}))
        return response

    # First in the list is last to run: after the fault that spoils an answer.
    app.after_request_funcs.setdefault(None, []).insert(0, _tell)


def _too_many(response: Response) -> Response:
    """429 with the four headers; without them it means that the store is overloaded."""
    wait = response.headers.pop("Retry-After", None)
    if sandbox().switch("overloaded_429"):
        return response
    headers: dict[str, str] = dict(g.get("rate_headers", {}))
    if wait is not None:
        headers["X-Rate-Limit-Time-Reset-Ms"] = str(int(float(wait) * 1000))
    headers["X-Retry-After"] = str(-(-int(headers.get("X-Rate-Limit-Time-Reset-Ms", "1000")) // 1000))
    response.headers.update(headers | {"X-Rate-Limit-Requests-Left": "0"})
    return response
