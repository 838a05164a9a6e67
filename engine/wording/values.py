"""Values as people of a language write them: 1,234.50 or 1.234,50, € 50,00 or 50,00 €, 22 november 2026."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import lru_cache

from babel import dates, numbers, units

from engine.money import to_text
from engine.types import Money
from engine.values import Right
from engine.wording.words import Language

_SECONDS = (("week", 604_800), ("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


def value_words(language: Language, value: Right, of: str = "", path: str = "", *, either: bool = True) -> str:
    """A value of field type `of` in words; `path` is the field it stands for, where that decides the word.

    Several values are joined by *or*, or by *and* when `either` is false.
    """
    match value:
        case bool():
            return language.values.get(f"{value}".lower(), f"{value}".lower())
        case Money():
            return _money(value, language.locale)
        case str():
            return _text(language, value, of, path)
        case tuple():
            parts = [value_words(language, item, "text" if of == "list" else of, path) for item in value]
            return language.either(parts) if either else language.both(parts)
        case int() if of == "weight":
            return _weight(value, language.locale)
        case int() if of == "duration":
            return _duration(value, language.locale)
        case int() | Decimal():
            return _number(Decimal(value), language.locale)
        case datetime():
            return _moment(value, language.locale)
        case date():
            return dates.format_date(value, "long", language.locale) if value.year > 1000 else value.isoformat()
        case time():
            return dates.format_time(value, "HH:mm:ss" if value.second else "HH:mm", locale=language.locale)
    return str(value)


def _text(language: Language, value: str, of: str, path: str) -> str:
    if of == "enum":
        return language.values.get(f"{path}={value}") or language.values.get(value) or value.replace("_", " ")
    return language.quoted(value)


@lru_cache(maxsize=4096)
def _money(value: Money, locale: str) -> str:
    amount = Decimal(to_text(value.minor, value.currency))
    if not value.currency.isalpha() or len(value.currency) != 3:
        return f"{_number(amount, locale)} {value.currency}".rstrip()
    return numbers.format_currency(amount, value.currency, locale=locale, decimal_quantization=False)


@lru_cache(maxsize=4096)
def _number(value: Decimal, locale: str) -> str:
    return numbers.format_decimal(value, locale=locale, decimal_quantization=False) if value.is_finite() else str(value)


def _weight(grams: int, locale: str) -> str:
    if abs(grams) >= 1000:
        return _unit(Decimal(grams) / 1000, "mass-kilogram", "short", locale)
    return _unit(Decimal(grams), "mass-gram", "short", locale)


def _duration(seconds: int, locale: str) -> str:
    """The two largest units that are in it: `3 days`, `1 hour and 30 minutes` as `1 hour 30 minutes`."""
    left, parts = abs(seconds), []
    for unit, size in _SECONDS:
        amount, left = divmod(left, size)
        if amount:
            parts.append(_unit(Decimal(amount), f"duration-{unit}", "long", locale))
    words = " ".join(parts) or _unit(Decimal(0), "duration-second", "long", locale)
    return f"−{words}" if seconds < 0 else words


@lru_cache(maxsize=4096)
def _unit(amount: Decimal, unit: str, length: str, locale: str) -> str:
    shown: str = units.format_unit(amount, unit, length, locale=locale)  # type: ignore[arg-type]  # length is one of Babel's
    return shown.replace("\xa0", " ")


def _moment(value: datetime, locale: str) -> str:
    there = value.astimezone(UTC) if value.tzinfo else value
    day = dates.format_date(there.date(), "long", locale) if there.year > 1000 else there.date().isoformat()
    clock = there.strftime("%H:%M:%S" if there.second else "%H:%M")
    return f"{day}, {clock} UTC" if value.tzinfo else f"{day}, {clock}"
