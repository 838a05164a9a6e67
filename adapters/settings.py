"""Reading the settings of a connection: the default where one is not set, and a refusal that says what it must be.

Each platform describes its settings once (name -> meaning, default) and reads them with `Settings`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from adapters.base import Connection, Refused


@dataclass(frozen=True, slots=True)
class Settings:
    """What the connections of one platform may be told.

    `known` is the table shown to people (`Capabilities.settings`), `ranges` gives the lowest and the highest value of
    each number, `choices` the words that a setting must be one of. Every reader raises Refused for a value that does
    not fit.
    """

    known: Mapping[str, tuple[str, Any]]
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def value(self, connection: Connection, name: str) -> Any:
        """A setting as it was given, or its default."""
        value = connection.settings.get(name)
        return self.known[name][1] if value is None else value

    def number(self, connection: Connection, name: str) -> float:
        """A number within its range."""
        value = self.value(connection, name)
        low, high = self.ranges[name]
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise _wrong(connection, name, f"a number from {low} to {high}", value)
        return float(value)

    def text(self, connection: Connection, name: str) -> str:
        """A text, trimmed."""
        value = self.value(connection, name)
        if not isinstance(value, str):
            raise _wrong(connection, name, "a text", value)
        return value.strip()

    def flag(self, connection: Connection, name: str) -> bool:
        """Yes or no."""
        value = self.value(connection, name)
        if not isinstance(value, bool):
            raise _wrong(connection, name, "true or false", value)
        return value

    def choice(self, connection: Connection, name: str) -> str:
        """One of a few words; the default for an empty text."""
        value = self.value(connection, name) or self.known[name][1]
        if value not in self.choices[name]:
            raise _wrong(connection, name, f"one of {', '.join(self.choices[name])}", value)
        return str(value)

    def table(self, connection: Connection, name: str) -> Mapping[str, str]:
        """A table of texts."""
        value = self.value(connection, name) or {}
        if not isinstance(value, Mapping):
            raise _wrong(connection, name, "a table", value)
        return {str(key): str(entry) for key, entry in value.items()}

    def words(self, connection: Connection, name: str) -> tuple[str, ...]:
        """A list of texts or numbers, as texts."""
        value = self.value(connection, name)
        if not isinstance(value, list | tuple) or not all(isinstance(each, str | int) for each in value):
            raise _wrong(connection, name, "a list", value)
        return tuple(str(each) for each in value)


def _wrong(connection: Connection, name: str, wanted: str, value: object) -> Refused:
    return Refused(f"Setting {name} of connection {connection.name!r} must be {wanted}, not {value!r}.")
