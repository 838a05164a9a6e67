"""Level two of matching: one durable-rules network and the discipline that makes it safe. Only this module imports it.

It is used as a pure matcher: integers in, firings out. Facts are asserted (events would be consumed by the first rule
that matches), one session lives at a time and is deleted whatever happens, nothing runs inside it: no host, no timers,
no callbacks. A network belongs to one thread. `encoding` sees to it that no limit of the library comes near.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import count
from types import ModuleType
from typing import Any

_SESSION = "s"
_PRIMER = "z"
"""Name of one rule of our own in every network, and of the field of the only fact it holds for."""
_NO_SESSION = "error code: 309"
"""What the library says about a session that never came to be, because its first fact was refused."""
_BOUND = re.compile(r'"m(\d+)":\{"id":"(\d+)"')
"""In the text of a firing, `{"rule":{"m0":{"id":"3",...},...}}`: a pattern and the id of what stands for it."""
_encode = json.JSONEncoder(separators=(",", ":")).encode
_names = count(1)


class NetworkError(RuntimeError):
    """The network refused a definition or a fact, or went on for longer than allowed."""


def _load() -> ModuleType:
    """The extension module. It names a function that CPython 3.13 no longer has, in callbacks that are never used here;
    binding names lazily, as they are called, lets it load all the same."""
    flags = sys.getdlopenflags()
    sys.setdlopenflags(os.RTLD_LAZY)
    try:
        import durable_rules_engine
    finally:
        sys.setdlopenflags(flags)
    return durable_rules_engine  # type: ignore[no-any-return]  # an extension without type information


_engine = _load()


class Network:
    """One compiled set of rules. Not for use by two threads at once; `close` gives its memory back."""

    def __init__(self, definition: Mapping[str, Any]) -> None:
        """`definition` maps rule names to rules in the library's own form. Raises NetworkError when it is refused."""
        self._process = os.getpid()
        self._handle: int | None = None
        rules = {_PRIMER: {"all": [{"m0": {_PRIMER: 1}}]}, **definition}
        try:
            self._handle = _engine.create_ruleset(f"n{next(_names)}", _encode(rules))
            self._prime()
        except (_engine.error, MemoryError) as refusal:
            raise NetworkError(f"durable-rules refused {len(definition)} rules: {refusal}") from refusal

    def _prime(self) -> None:
        """Runs one session in which something fires to its end.

        The library never initialises the memory of a session's current result, yet frees what it points to when the
        session is deleted: deleting a session in which nothing fired may crash the process. Here something fires, which
        fills that memory and clears it again. Every later session is given the same memory, for no two live at a time.
        """
        _, state = _engine.assert_fact(self._handle, _encode({"id": "0", "sid": _SESSION, _PRIMER: 1}))
        _engine.start_action_for_state(self._handle, state)
        _engine.complete_and_start_action(self._handle, state)
        _engine.delete_state(self._handle, _SESSION)

    def matches(self, messages: Sequence[str], most: int) -> list[tuple[str, dict[int, int]]]:
        """Every firing, as the rule's name and, for each pattern `m0`, `m1` and so on, the id of what stands for it.

        Messages are objects in JSON that begin with a unique id of digits, in the session `s`. Raises NetworkError
        beyond `most` firings, or when the library fails.
        """
        handle, assert_fact, state = self._handle, _engine.assert_fact, 0
        if handle is None:
            raise NetworkError("this network is closed")
        try:
            # One by one: given many at once, the library drops those behind one it cannot read and says nothing.
            for message in messages:
                _, state = assert_fact(handle, message)
            return self._drain(state, most)
        except (_engine.error, MemoryError) as failure:
            raise NetworkError(f"durable-rules failed on {len(messages)} facts: {failure}") from failure
        finally:
            self._forget()

    def _drain(self, state: int, most: int) -> list[tuple[str, dict[int, int]]]:
        firings: list[tuple[str, dict[int, int]]] = []
        started = _engine.start_action_for_state(self._handle, state)
        found = started[1] if started else None
        while found:
            rule = found[2 : found.index('"', 2)]
            firings.append((rule, {int(pattern): int(place) for pattern, place in _BOUND.findall(found)}))
            if len(firings) > most:
                raise NetworkError(f"more than {most} firings")
            found = _engine.complete_and_start_action(self._handle, state)
        return firings

    def _forget(self) -> None:
        try:
            _engine.delete_state(self._handle, _SESSION)
        except _engine.error as failure:
            if _NO_SESSION not in str(failure):
                self.close()  # a session that cannot be deleted must not meet the next evaluation

    def close(self) -> None:
        """Gives the memory back. A network inherited through a fork is left to the process that made it."""
        handle, self._handle = self._handle, None
        if handle is not None and self._process == os.getpid():
            _engine.delete_ruleset(handle)

    @property
    def closed(self) -> bool:
        return self._handle is None

    def __del__(self) -> None:
        if getattr(self, "_handle", None) is not None:
            self.close()


class NetworkCache:
    """The networks of one thread, the least recently used given up first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._networks: OrderedDict[Hashable, Network] = OrderedDict()

    def get(self, key: Hashable, definition: Callable[[], Mapping[str, Any]]) -> Network:
        """The network for a key, made from its definition when it is not there. Raises NetworkError when refused."""
        network = self._networks.get(key)
        if network is None or network.closed:
            network = self._networks[key] = Network(definition())
        self._networks.move_to_end(key)
        while len(self._networks) > self._most:
            self._networks.popitem(last=False)[1].close()
        return network

    def __len__(self) -> int:
        return len(self._networks)
