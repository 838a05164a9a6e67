"""Constants in rules: from the words of a sentence to a typed value, and back to the canonical words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal

from engine.language.sentences import SentenceError, Term, nearest, quote
from engine.money import to_minor
from engine.types import Money, Value

DIGITS = 15
"""Most digits before the point of any number in a rule, and most digits behind it."""

GRAMS = {"kg": 1000, "g": 1}
SECONDS = {"week": 604_800, "day": 86_400, "hour": 3_600, "minute": 60, "second": 1}

NAMES: Mapping[str, str] = {
    "text": "text",
    "enum": "one of a few words",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "money": "an amount of money",
    "weight": "a weight",
    "duration": "a duration",
    "moment": "a moment",
    "date": "a date",
    "time": "a time of day",
    "list": "a list of text",
}
"""What each field type is called in messages."""

_EXAMPLES: Mapping[str, str] = {
    "text": 'Write text in quotes: `"text"`.',
    "boolean": "Write `true` or `false`.",
    "integer": "Write a whole number, such as `3`.",
    "number": "Write a number, such as `3` or `2.5`.",
    "money": "Write an amount with its currency, such as `50 EUR`.",
    "weight": "Write a weight with its unit, such as `2 kg` or `500 g`.",
    "duration": "Write a duration with its unit, such as `30 minutes`, `2 hours` or `3 days`.",
    "moment": "Write date, time and zone, such as `2026-11-22T10:00Z`.",
    "date": "Write a date, such as `2026-11-22`.",
    "time": "Write a time of day, such as `09:30`.",
    "list": 'Write text in quotes: `"text"`.',
}
_KINDS = {
    "text": "a quoted text", "word": "a word", "number": "a number", "quantity": "a number with a unit", "date": "a date",
    "time": "a time of day", "moment": "a moment", "items": "a list", "path": "a field",
}  # fmt: skip
_ALIKE = {
    "number": ("integer", "number"), "quantity": ("money", "weight", "duration"), "date": ("date",), "time": ("time",),
    "moment": ("moment",),
}  # fmt: skip
"""Which field types each kind of term is for; such a term can still be malformed, too long or too exact."""
RESERVED = frozenset(
    ("true", "false", "missing", "exists", "empty", "null", "is", "not", "in", "and", "or", "because", "between")
)
"""Words that stand for text only in quotes, for they read like something else."""

_WORD = re.compile(r"[^\W\d][\w-]*")


def literal_value(term: Term, field_type: str, values: tuple[str, ...], subject: str) -> Value:
    """The value a term stands for where `subject` (a field or slot, as the admin knows it) is of `field_type`.

    `values` is the domain of an enum. Raises SentenceError when the term does not stand for such a value.
    """
    if field_type == "enum":
        return _enum(term, values, subject)
    value = _READERS[field_type](term)
    if value is None:
        raise _mismatch(term, field_type, subject)
    return value


def literal_text(value: Value, field_type: str) -> str:
    """The canonical words for a value of a field type; reading them gives the same value again."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Money):
        return str(value)
    if isinstance(value, str):
        return value if _WORD.fullmatch(value) and value not in RESERVED else quote(value)
    if isinstance(value, datetime):
        return moment_text(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return time_text(value)
    if isinstance(value, Decimal):
        return number_text(value)
    if field_type == "weight":
        return _quantity(int(str(value)), GRAMS)
    if field_type == "duration":
        return _quantity(int(str(value)), SECONDS, plural=True)
    return str(value)


def number_text(value: Decimal) -> str:
    """A number with a point, so that it reads as a number and not as a whole number."""
    text = f"{value.normalize():f}"
    return text if "." in text else f"{text}.0"


def moment_text(value: datetime) -> str:
    """A moment in UTC, as ISO 8601 with a `Z`."""
    return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def time_text(value: time) -> str:
    """A time of day as ISO 8601, without seconds where they are zero."""
    return value.isoformat("seconds" if value.second else "minutes")


def read_integer(text: str) -> int | None:
    """A whole number; None when it is none or has too many digits."""
    return int(text) if re.fullmatch(rf"[+-]?[0-9]{{1,{DIGITS}}}", text) else None


def read_number(text: str) -> Decimal | None:
    """A number with or without a fraction; None when it is none or has too many digits."""
    return Decimal(text) if re.fullmatch(rf"[+-]?[0-9]{{1,{DIGITS}}}(\.[0-9]{{1,{DIGITS}}})?", text) else None


def read_money(amount: str, currency: str) -> Money | None:
    """An amount in minor units; None when it is no amount, or has more decimals than its currency."""
    if read_number(amount) is None or not re.fullmatch(r"[A-Z]{3}", currency):
        return None
    try:
        return Money(to_minor(amount, currency), currency)
    except ValueError:
        return None


def read_moment(text: str) -> datetime | None:
    """A moment with its zone, in UTC; None when it is none or names no zone."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def read_date(text: str) -> date | None:
    """A calendar date; None when there is no such day."""
    try:
        return date.fromisoformat(text) if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else None
    except ValueError:
        return None


def read_time(text: str) -> time | None:
    """A time of day, `9:30`, `09:30` or `09:30:15`; None when it is none."""
    found = re.fullmatch(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?", text)
    try:
        return time(int(found[1]), int(found[2]), int(found[3] or 0)) if found else None
    except ValueError:
        return None


def _text(term: Term) -> Value | None:
    if term.kind == "text" or (term.kind == "word" and term.text not in RESERVED):
        return term.text
    return None


def _boolean(term: Term) -> Value | None:
    return term.text == "true" if term.kind == "word" and term.text in ("true", "false") else None


def _integer(term: Term) -> Value | None:
    return read_integer(term.text) if term.kind == "number" else None


def _number(term: Term) -> Value | None:
    return read_number(term.text) if term.kind == "number" else None


def _money(term: Term) -> Value | None:
    return read_money(term.text, term.unit) if term.kind == "quantity" else None


def _weight(term: Term) -> Value | None:
    return _whole(term, GRAMS.get(term.unit))


def _duration(term: Term) -> Value | None:
    return _whole(term, SECONDS.get(term.unit.removesuffix("s")))


def _whole(term: Term, factor: int | None) -> int | None:
    number = read_number(term.text) if term.kind == "quantity" else None
    if number is None or factor is None or number * factor != int(number * factor):
        return None
    return int(number * factor)


def _moment(term: Term) -> Value | None:
    return read_moment(term.text) if term.kind == "moment" else None


def _date(term: Term) -> Value | None:
    return read_date(term.text) if term.kind == "date" else None


def _time(term: Term) -> Value | None:
    return read_time(term.text) if term.kind == "time" else None


_READERS: Mapping[str, Callable[[Term], Value | None]] = {
    "text": _text,
    "boolean": _boolean,
    "integer": _integer,
    "number": _number,
    "money": _money,
    "weight": _weight,
    "duration": _duration,
    "moment": _moment,
    "date": _date,
    "time": _time,
    "list": _text,
}


def _enum(term: Term, values: tuple[str, ...], subject: str) -> str:
    if term.kind in ("word", "text"):
        if term.text in values:
            return term.text
        close = nearest(term.text, values)
        better = f"Did you mean `{close}`? " if close else ""
        raise SentenceError(
            term.start, f"`{term.text}` is not a value of {subject}.", f"{better}Its values are: {', '.join(values)}."
        )
    raise SentenceError(
        term.start,
        f"`{_written(term)}` is {_KINDS[term.kind]}, but {subject} is {NAMES['enum']}.",
        f"Its values are: {', '.join(values)}.",
    )


def _mismatch(term: Term, field_type: str, subject: str) -> SentenceError:
    written = _written(term)
    expected = "text" if field_type == "list" else NAMES[field_type]
    if term.kind == "word" and term.text in RESERVED and field_type in ("text", "list"):
        message = f"`{written}` is not text here."
    elif field_type in _ALIKE.get(term.kind, ()):
        message = f"`{written}` is not {expected} that {subject} can hold."
    else:
        message = f"`{written}` is {_KINDS[term.kind]}, but {subject} takes {expected}."
    return SentenceError(term.start, message, _better(term, field_type))


def _better(term: Term, field_type: str) -> str:
    if term.text == "missing" and term.kind == "word":
        return 'Write `exists` or `is missing`; write text in quotes: `"missing"`.'
    if field_type in ("text", "list"):
        return f"Write `{quote(_written(term))}`." if term.kind != "items" else _EXAMPLES["text"]
    if term.kind == "number":
        if field_type == "money" and read_money(term.text, "EUR"):
            return f"Write `{term.text} EUR`."
        if field_type == "weight" and read_integer(term.text):
            return f"Write `{term.text} g` or `{term.text} kg`."
    if term.kind == "quantity" and field_type == "money" and read_money(term.text, term.unit.upper()):
        return f"Write `{term.text} {term.unit.upper()}`."
    if len(re.sub(r"\D", "", term.text)) > DIGITS and term.kind in ("number", "quantity"):
        return f"Write at most {DIGITS} digits."
    if term.kind == "date" and field_type == "moment":
        return f"Write `{term.text}T00:00Z`."
    if term.kind == "text" and field_type == "boolean" and term.text in ("true", "false"):
        return f"Write `{term.text}` without quotes."
    return _EXAMPLES[field_type]


def _written(term: Term) -> str:
    if term.kind == "items":
        return "[" + ", ".join(_written(item) for item in term.items) + "]"
    return f"{term.text} {term.unit}" if term.unit else term.text


def _quantity(value: int, units: Mapping[str, int], *, plural: bool = False) -> str:
    unit, size = next((unit, size) for unit, size in units.items() if value % size == 0 and (value or size == 1))
    amount = value // size
    return f"{amount} {unit}{'s' if plural and abs(amount) != 1 else ''}"
