"""Settings between the words of a form and the values that are kept."""

from __future__ import annotations

import re
from typing import Any

from engine.language.rule_settings import setting_words
from engine.settings_json import typed
from engine.types import Money, Value


def setting_text(value: Value) -> str:
    """A setting's value as it is written in a rule file."""
    if isinstance(value, tuple) and not isinstance(value, Money):
        return ", ".join(value)
    return setting_words(value)[0]


def read_setting(text: str, default: Value) -> Any:
    """What a person typed, as it is kept: plain JSON that reads back as the kind of value the default is.

    Raises ValueError with a sentence when it is none.
    """
    kept = _plain(text, default)
    value = typed(default, kept)
    if type(value) is not type(default):
        raise ValueError(f"must be like {setting_text(default)}")
    if isinstance(value, Money) and isinstance(default, Money) and value.currency != default.currency:
        raise ValueError(f"must be in {default.currency}")
    return kept


def _plain(text: str, default: Value) -> Any:
    if isinstance(default, bool):
        if text not in ("true", "false"):
            raise ValueError("must be true or false")
        return text == "true"
    if isinstance(default, int):
        if not re.fullmatch(r"-?\d{1,9}", text):
            raise ValueError("must be a whole number of at most nine digits")
        return int(text)
    if isinstance(default, tuple):
        return [part.strip() for part in text.split(",") if part.strip()]
    return text
