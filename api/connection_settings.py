"""The settings of a connection: each with its meaning and default, from JSON or from a form, checked against what the
platform's adapter knows."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters.base import Capabilities
from api.problems import FieldError
from api.schemas.fields import nearest

MOST_CHARACTERS = 2_000
MOST_ENTRIES = 500
LARGEST = 1_000_000_000
_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")

COMMON: Mapping[str, tuple[str, Any]] = {
    "poll_seconds": ("Every how many seconds the system is asked for news beside its webhooks; 0: never.", 0),
    "rate_per_minute": ("How many requests a minute we allow ourselves; 0: as many as the system lets through.", 0),
    "import_percent": ("How many percent of those a first import may use, 1 to 100; the rest is kept for live events.", 0),
}
"""Settings that every connection has. Left out, the installation's interval and the platform's usual limit hold."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. `kind` is truth, number, text, list or table; `usual` is what holds when it is left out, in words."""

    name: str
    meaning: str
    kind: str
    default: Any
    usual: str

    @property
    def common(self) -> bool:
        return self.name in COMMON


class Wrong(ValueError):
    """A value does not fit; the message says what would."""


def settings_of(capabilities: Capabilities, poll_seconds: float = 30) -> list[Setting]:
    """Every setting of a connection to this platform, the platform's own first."""
    own = [
        Setting(name, meaning, _kind(default), default, as_text(default) or "empty")
        for name, (meaning, default) in capabilities.settings.items()
        if name not in COMMON
    ]
    usual = {"poll_seconds": f"{poll_seconds:g}", "rate_per_minute": str(capabilities.rate_per_minute), "import_percent": "50"}
    return own + [Setting(name, meaning, "number", None, usual[name]) for name, (meaning, _) in COMMON.items()]


def from_json(capabilities: Capabilities, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[FieldError]]:
    """The settings to keep, defaults left out, and what is wrong with those given."""
    return _read(capabilities, given, _checked)


def from_form(capabilities: Capabilities, given: Mapping[str, str]) -> tuple[dict[str, Any], list[FieldError]]:
    """The same from the texts of a form's fields; an empty one means the default."""
    return _read(capabilities, {name: text for name, text in given.items() if text.strip()}, _typed)


def as_text(value: Any) -> str:
    """A setting's value as a form shows it: tables as `key = value`, lists as one entry, a line each."""
    if isinstance(value, Mapping):
        return "\n".join(f"{key} = {entry}" for key, entry in value.items())
    if isinstance(value, list | tuple):
        return "\n".join(map(str, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _read(capabilities: Capabilities, given: Mapping[str, Any], check: Any) -> tuple[dict[str, Any], list[FieldError]]:
    known = {setting.name: setting for setting in settings_of(capabilities)}
    kept: dict[str, Any] = {}
    errors: list[FieldError] = []
    for name, value in given.items():
        setting = known.get(name)
        if setting is None:
            errors.append(FieldError(f"settings.{name[:60]}", f"is no setting of {capabilities.title}.{nearest(name, known)}"))
            continue
        try:
            value = check(setting, value)
        except Wrong as wrong:
            errors.append(FieldError(f"settings.{name}", str(wrong)))
            continue
        if value != setting.default or type(value) is not type(setting.default):
            kept[name] = value
    return kept, errors


def _kind(default: Any) -> str:
    if isinstance(default, bool):
        return "truth"
    if isinstance(default, int | float):
        return "number"
    if isinstance(default, Mapping):
        return "table"
    return "list" if isinstance(default, list | tuple) else "text"


def _typed(setting: Setting, text: str) -> Any:
    """A form's text as the kind of value the setting has."""
    text = text.replace("\r\n", "\n").strip()
    if setting.kind == "truth":
        return _checked(setting, {"true": True, "false": False}.get(text.lower(), text))
    if setting.kind == "number":
        if not _NUMBER.fullmatch(text):
            raise Wrong(f"must be a number from 0 to {LARGEST:,}, not {text[:40]!r}")
        return _checked(setting, float(text) if "." in text else int(text))
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if setting.kind == "list":
        return _checked(setting, lines)
    if setting.kind == "table":
        pairs = [line.partition("=") for line in lines]
        wrong = next((line for line, (key, mark, value) in zip(lines, pairs, strict=True) if not (key.strip() and mark and value.strip())), None)
        if wrong is not None:
            raise Wrong(f"must be lines like `key = value`; this is none: {wrong[:60]!r}")
        return _checked(setting, {key.strip(): value.strip() for key, _, value in pairs})
    return _checked(setting, text)


def _checked(setting: Setting, value: Any) -> Any:
    """A value of the kind the setting has, or Wrong."""
    if setting.kind == "truth" and isinstance(value, bool):
        return value
    if setting.kind == "number" and isinstance(value, int | float) and not isinstance(value, bool):
        if not math.isfinite(value) or not 0 <= value <= LARGEST:
            raise Wrong(f"must be a number from 0 to {LARGEST:,}")
        if setting.name == "import_percent" and not 1 <= value <= 100:
            raise Wrong("must be a whole number from 1 to 100")
        if setting.common and value != int(value):
            raise Wrong("must be a whole number")
        return int(value) if value == int(value) else float(value)
    if setting.kind == "text" and isinstance(value, str):
        return _plain(value)
    if setting.kind == "list" and isinstance(value, list) and len(value) <= MOST_ENTRIES:
        return [_plain(entry) for entry in value]
    if setting.kind == "table" and isinstance(value, Mapping) and len(value) <= MOST_ENTRIES:
        return {_plain(key): entry if isinstance(entry, bool | int | float) else _plain(entry) for key, entry in value.items()}
    raise Wrong(_WANTED[setting.kind])


_WANTED = {
    "truth": "must be true or false", "number": "must be a number", "text": "must be a text",
    "list": f"must be a list of at most {MOST_ENTRIES} texts", "table": f"must be a table of at most {MOST_ENTRIES} texts",
}  # fmt: skip


def _plain(value: Any) -> str:
    """A text that can be stored and sent."""
    if not isinstance(value, str):
        raise Wrong("must hold texts only")
    if len(value) > MOST_CHARACTERS:
        raise Wrong(f"must have at most {MOST_CHARACTERS:,} characters")
    if any((ord(char) < 32 and char not in "\t\n") or ord(char) == 127 or 0xD800 <= ord(char) <= 0xDFFF for char in value):
        raise Wrong("holds a character that cannot be stored")
    return value
