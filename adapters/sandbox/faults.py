"""Faults a sandbox can be told to make, so that people and tests see how the product copes."""

from __future__ import annotations

import itertools
import threading
from dataclasses import asdict, dataclass, replace
from typing import Any

from adapters.sandbox.state import SandboxState

REQUEST_FAULTS = {
    "429": "Answer 429 with Retry-After",
    "500": "Answer 500",
    "timeout": "Do not answer for `seconds`, then drop the connection",
    "drop": "Drop the connection without an answer",
    "html": "Answer an HTML maintenance page with status 200",
    "half_json": "Answer the first half of the JSON",
    "empty": "Answer 200 with an empty body",
    "slow": "Answer normally after `seconds`",
}
WEBHOOK_FAULTS = {
    "duplicate_webhooks": "Send each webhook twice",
    "reorder_webhooks": "Send a webhook after the one that follows it",
    "no_webhooks": "Send no webhooks (they are lost)",
    "bad_signature": "Sign webhooks with the wrong secret",
}
CLOCK_FAULTS = {"clock_skew": "Run the clock `seconds` ahead, or behind when negative, until switched off"}
KINDS = REQUEST_FAULTS | WEBHOOK_FAULTS | CLOCK_FAULTS

LONGEST_WAIT = 300
LARGEST_SKEW = 86_400
"""Seconds. A clock that is wrong by more than a day is noticed by everybody over there."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One switched-on fault.

    `count` is how many times it will still strike (-1 for ever). `match` must be part of "METHOD /path" of a request,
    or of the label of a webhook; empty matches all. With `after_effect` the call is carried out and only its answer
    is spoiled, without it the call does nothing. `seconds` is the length of a wait or of a Retry-After, or how far a
    skewed clock is ahead; a skewed clock strikes for ever and everything.
    """

    id: int
    kind: str
    count: int = 1
    match: str = ""
    after_effect: bool = False
    seconds: float = 2.0

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"meaning": KINDS[self.kind]}


class Faults:
    """The switched-on faults of one sandbox; they do not survive a restart.

    Most strike when something happens. `clock_skew` is a state instead: while it is on, the setting `clock_offset` of
    the sandbox's state makes `SandboxState.now()` wrong.
    """

    def __init__(self, state: SandboxState | None = None) -> None:
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._faults: list[Fault] = []
        self._state = state
        self._set_clock()

    def add(
        self, kind: str, *, count: int = 1, match: str = "", after_effect: bool = False, seconds: float = 2.0
    ) -> Fault:
        """Switch a fault on. Raises ValueError for an unknown kind or a senseless count or wait."""
        if kind not in KINDS:
            raise ValueError(f"Unknown fault {kind!r}. Known faults: {', '.join(KINDS)}.")
        if count == 0 or count < -1:
            raise ValueError("count must be 1 or more, or -1 for ever.")
        skews = kind in CLOCK_FAULTS
        low, high = (-LARGEST_SKEW, LARGEST_SKEW) if skews else (0, LONGEST_WAIT)
        if not low <= seconds <= high:
            raise ValueError(f"seconds of {kind} must be between {low} and {high}.")
        with self._lock:
            id = next(self._ids)
            fault = (
                Fault(id, kind, -1, seconds=seconds) if skews else Fault(id, kind, count, match, after_effect, seconds)
            )
            self._faults.append(fault)
        self._set_clock()
        return fault

    def list(self) -> tuple[Fault, ...]:
        with self._lock:
            return tuple(self._faults)

    def clear(self, id: int | None = None) -> None:
        """Switch one fault off, or all of them."""
        with self._lock:
            self._faults = [fault for fault in self._faults if id is not None and fault.id != id]
        self._set_clock()

    def _set_clock(self) -> None:
        """The skew switched on last counts. Written only when it changes: most sandboxes never have one.

        Never under our lock: whoever posts a webhook inside a transaction takes the two the other way round.
        """
        skew = next((fault.seconds for fault in reversed(self.list()) if fault.kind in CLOCK_FAULTS), 0)
        if self._state is not None and self._state.setting("clock_offset", 0) != skew:
            self._state.set_setting("clock_offset", skew)

    def strike(self, kinds: dict[str, str], what: str) -> Fault | None:
        """The first fault of these kinds that matches `what`, counted down; None when there is none."""
        with self._lock:
            for index, fault in enumerate(self._faults):
                if fault.kind not in kinds or fault.match not in what:
                    continue
                if fault.count == 1:
                    del self._faults[index]
                elif fault.count > 1:
                    self._faults[index] = replace(fault, count=fault.count - 1)
                return fault
        return None
