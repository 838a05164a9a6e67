"""A merchant's own settings as they are kept: plain JSON, read back as the type of the default they replace."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from engine.money import to_minor
from engine.types import Money, Value


def typed(default: Value, kept: Any) -> Value:
    """The kept value as the type of its default: `"50.00 EUR"` for money, a list for a list, ISO text for a date.

    What does not fit is given back as it is, so that whoever uses it can say so.
    """
    try:
        return _read(default, kept)
    except (ValueError, InvalidOperation, TypeError):
        return tuple(kept) if isinstance(kept, list) else kept


def typed_all(defaults: Mapping[str, Value], kept: Mapping[str, Any]) -> dict[str, Value]:
    """Every kept value as the type of its default; names without a default stay as they are."""
    return {name: typed(defaults.get(name, ""), value) for name, value in kept.items()}


def _read(default: Value, kept: Any) -> Value:
    if isinstance(default, Money) and isinstance(kept, str):
        amount, currency = kept.split()
        return Money(to_minor(amount, currency), currency)
    if isinstance(default, tuple) and isinstance(kept, list):
        return tuple(str(item) for item in kept)
    if isinstance(default, datetime) and isinstance(kept, str):
        return datetime.fromisoformat(kept)
    if isinstance(default, date) and isinstance(kept, str):
        return date.fromisoformat(kept)
    if isinstance(default, time) and isinstance(kept, str):
        return time.fromisoformat(kept)
    if isinstance(default, Decimal) and isinstance(kept, str | int) and not isinstance(kept, bool):
        return Decimal(kept)
    value: Value = kept
    return value
