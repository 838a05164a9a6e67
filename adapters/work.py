"""One call with everything it needs: what the operations of an adapter are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from adapters.base import Call, Connection, Memory, Refused

ClientT = TypeVar("ClientT")


@dataclass(frozen=True, slots=True)
class AnyWork(Generic[ClientT]):
    """A call, where it goes, what it may remember, and the platform's client. Each platform's `Work` adds the questions
    that most of its operations ask."""

    call: Call
    connection: Connection
    memory: Memory
    client: ClientT

    def text(self, name: str) -> str:
        """A text the payload must have. Raises Refused when it does not."""
        value = self.call.payload.get(name)
        if not isinstance(value, str) or not value.strip():
            raise Refused(f"The command {self.call.operation} lacks {name}.")
        return value.strip()
