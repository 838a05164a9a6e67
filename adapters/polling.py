"""The position of a regular read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.base import Call, Memory


class Cursor:
    """Where a regular read goes on.

    The position moves on only with the next command: a repeated attempt of the same command starts where its first
    attempt did, because what that one learned may have been lost with the worker.
    """

    def __init__(self, memory: Memory, key: str, call: Call) -> None:
        self._memory, self._key, self._command = memory, key, call.idempotency_key
        kept = memory.get(key)
        self._kept: Mapping[str, Any] = kept if isinstance(kept, Mapping) else {}

    def position(self, default: Any) -> Any:
        """Where to start, `default` when this was never read before. Any JSON value."""
        if not self._kept:
            return default
        return self._kept["from" if self._kept.get("key") == self._command else "next"]

    def keep(self, start: Any, following: Any) -> None:
        """Remember that this command started at `start` and that the next one goes on at `following`."""
        self._memory.put(self._key, {"key": self._command, "from": start, "next": following})
