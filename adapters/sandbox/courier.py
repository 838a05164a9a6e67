"""Delivers a sandbox's webhooks: a queue kept in the state, one thread, a few quick retries, and a log to look at."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import requests

from adapters.sandbox.faults import WEBHOOK_FAULTS, Faults
from adapters.sandbox.state import SandboxState

Sign = Callable[[bytes, str], dict[str, str]]
"""Signature headers for a body and a secret."""

_KIND = "_webhook"
_TIMEOUT = (3.0, 10.0)
_KEPT = 500
_TICK = 0.1


class Courier:
    """Sends webhooks in the background, in the order they were posted unless a fault says otherwise.

    `delivered` says which HTTP statuses count as delivered; a delivery that fails is tried again after each of
    `retries` seconds and then given up. Undelivered webhooks survive a restart.
    """

    def __init__(
        self,
        state: SandboxState,
        faults: Faults,
        *,
        sign: Sign,
        secret: str,
        delivered: Callable[[int], bool] = lambda status: 200 <= status < 300,
        retries: tuple[float, ...] = (1.0, 3.0, 10.0, 30.0),
    ) -> None:
        self._state, self._faults, self._sign, self.secret = state, faults, sign, secret
        self._delivered, self._retries = delivered, retries
        self.held_at_most = 2.0
        """A webhook that waits to be overtaken goes out after this many seconds even when nothing overtook it."""
        # The state's own lock: whoever posts inside a transaction already holds it, a second lock could be taken
        # the other way round by the delivering thread.
        self._changed = threading.Condition(state.lock)
        self._running = False
        self._thread: threading.Thread | None = None
        self._waiting = {item["id"]: item for item in state.all(_KIND) if item["state"] == "waiting"}

    def post(
        self,
        label: str,
        url: str,
        body: bytes,
        content_type: str = "application/json; charset=UTF-8",
        extra: Mapping[str, str] | None = None,
    ) -> None:
        """Queue one webhook. `label` is its event type, shown in the log and matched by faults; `extra` are headers of
        this delivery alone (a topic, an id). Post after the change that it reports is committed."""
        fault = self._faults.strike(WEBHOOK_FAULTS, label)
        kind = fault.kind if fault else ""
        secret = f"not-{self.secret}" if kind == "bad_signature" else self.secret
        headers = {"Content-Type": content_type, "User-Agent": "sandbox"} | dict(extra or {}) | self._sign(body, secret)
        state = "waiting" if url else "not sent: no webhook address is set"
        state = "not sent: fault no_webhooks" if kind == "no_webhooks" else state
        with self._changed:
            for _ in range(2 if kind == "duplicate_webhooks" else 1):
                self._enqueue(label, url, body, headers, state, kind)
            self._changed.notify_all()

    def _enqueue(self, label: str, url: str, body: bytes, headers: dict[str, str], state: str, fault: str) -> None:
        id, now = self._state.next("webhook"), time.time()
        self._keep(
            {
                "id": id,
                "label": label,
                "url": url,
                "body": body.decode("utf-8"),
                "headers": headers,
                "state": state,
                "attempts": [],
                "created": now,
                "due": now,
                "fault": fault,
                "held": fault == "reorder_webhooks",
            }
        )
        self._state.delete(_KIND, id - _KEPT)

    def _keep(self, item: dict[str, Any]) -> None:
        self._state.put(_KIND, item["id"], item)
        if item["state"] == "waiting":
            self._waiting[item["id"]] = item
        else:
            self._waiting.pop(item["id"], None)

    def log(self) -> list[dict[str, Any]]:
        """Every webhook with its state (`waiting`, `delivered`, `given up`, `not sent: …`) and attempts, oldest first."""
        return self._state.all(_KIND)

    def settle(self, timeout: float = 10.0) -> bool:
        """Wait until nothing is waiting any more; False when the time is up first."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting, timeout)

    def start(self) -> None:
        """Start delivering; starting twice is fine."""
        with self._changed:
            if self._running:
                return
            self._running = True
            self._thread = threading.Thread(target=self._run, name="sandbox-courier", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop delivering; what waits stays in the state."""
        with self._changed:
            self._running = False
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=sum(_TIMEOUT))

    def _run(self) -> None:
        with requests.Session() as http:
            # A proxy from the environment must not come between two programs on this machine.
            http.trust_env = False
            while (item := self._take()) is not None:
                self._deliver(http, item)

    def _take(self) -> dict[str, Any] | None:
        """Wait for the next webhook that is due; None when delivery stops."""
        with self._changed:
            while self._running:
                if item := self._next_due():
                    return item
                self._changed.wait(_TICK if self._waiting else None)
        return None

    def _next_due(self) -> dict[str, Any] | None:
        now = time.time()
        due = [
            item
            for item in self._waiting.values()
            if item["due"] <= now and (not item["held"] or now > item["created"] + self.held_at_most)
        ]
        return min(due, key=lambda item: (item["due"], item["id"]), default=None)

    def _deliver(self, http: requests.Session, item: dict[str, Any]) -> None:
        started = time.time()
        try:
            answer = http.post(
                item["url"],
                data=item["body"].encode(),
                headers=item["headers"],
                timeout=_TIMEOUT,
                allow_redirects=False,
                stream=True,
            )
            answer.close()
            outcome, done = f"HTTP {answer.status_code}", self._delivered(answer.status_code)
        except requests.RequestException as error:
            outcome, done = type(error).__name__, False
        attempts = [*item["attempts"], {"at": started, "outcome": outcome}]
        gave_up = not done and len(attempts) > len(self._retries)
        state = "delivered" if done else "given up" if gave_up else "waiting"
        due = time.time() + self._retries[len(attempts) - 1] if state == "waiting" else item["due"]
        with self._changed:
            self._keep(item | {"attempts": attempts, "state": state, "due": due, "held": False})
            for earlier in list(self._waiting.values()):
                if earlier["held"] and earlier["id"] < item["id"]:
                    # It has now been overtaken, which is all that it waited for.
                    self._keep(earlier | {"held": False})
            self._changed.notify_all()
