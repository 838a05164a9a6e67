"""What an adapter may remember, kept in this process."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any


class LocalMemory:
    """`adapters.base.Memory` in dictionaries. Like the real one it holds JSON only and one external id per own id."""

    def __init__(self, credentials: Mapping[str, str] | None = None) -> None:
        self.bindings: dict[tuple[str, str], str] = {}
        self.values: dict[str, str] = {}
        self._credentials = dict(credentials or {})
        self._locks: dict[str, threading.RLock] = {}

    def external(self, kind: str, ours: str) -> str | None:
        return self.bindings.get((kind, ours))

    def ours(self, kind: str, external: str) -> str | None:
        return next((ours for (each, ours), bound in self.bindings.items() if each == kind and bound == external), None)

    def bind(self, kind: str, ours: str, external: str) -> None:
        assert isinstance(ours, str) and isinstance(external, str)
        self.bindings[kind, ours] = external

    def get(self, key: str) -> Any:
        return json.loads(self.values.get(key, "null"))

    def put(self, key: str, value: Any) -> None:
        self.values[key] = json.dumps(value)

    def credentials(self) -> Mapping[str, str]:
        return dict(self._credentials)

    def replace_credentials(self, credentials: Mapping[str, str]) -> None:
        self._credentials = dict(credentials)

    def lock(self, name: str) -> AbstractContextManager[None]:
        return self._locks.setdefault(name, threading.RLock())  # type: ignore[return-value]
