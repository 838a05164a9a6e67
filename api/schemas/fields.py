"""Field types with messages for people: each says what is wrong and what would be right."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlsplit

from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_load, validates_schema

from api.problems import FieldError

NAME = 200
WORD = 40
PROSE = 10_000
LONGEST_GUESS = 60
MOST_UNKNOWN = 5
MOST_PIECES = 1_000_000
LARGEST_AMOUNT = Decimal("10000000000")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_PLAIN_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,15})?")


def nearest(word: str, known: Iterable[str]) -> str:
    """` Did you mean "quantity"?`, or nothing when no known word is near."""
    close = get_close_matches(word[:LONGEST_GUESS].lower(), list(known), n=1, cutoff=0.6)
    return f' Did you mean "{close[0]}"?' if close else ""


def shown(value: Any) -> str:
    """A value as a message shows it: its kind, and itself when short."""
    kinds = {dict: "an object", list: "a list", bool: "true or false", type(None): "null"}
    for kind, words in kinds.items():
        if isinstance(value, kind):
            return words
    text = str(value)
    text = text if len(text) <= 40 else text[:37] + "..."
    return f'the text "{text}"' if isinstance(value, str) else f"the number {text}"


class Strict(Schema):
    """A schema that refuses unknown fields by name, suggests the nearest one, and takes null as absent."""

    class Meta:
        unknown = EXCLUDE

    error_messages = {"type": "must be an object"}

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _refuse_unknown(self, data: Any, original: Any, **_: Any) -> None:
        if not isinstance(original, Mapping):
            return
        # Only the first few are named: guessing a near name for each of thousands would take seconds.
        strangers = [key for key in original if key not in self.load_fields][:MOST_UNKNOWN]
        unknown = {key[:NAME]: [f"is not a field here.{nearest(key, self.load_fields)}"] for key in strangers}
        if unknown:
            raise ValidationError(unknown)

    @post_load
    def _drop_null(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {key: value for key, value in data.items() if value is not None}


def field_errors(messages: Any, path: str = "") -> list[FieldError]:
    """Marshmallow's nested messages as a flat list with paths such as `data.order.lines[0].quantity`."""
    if isinstance(messages, Mapping):
        found: list[FieldError] = []
        for key, below in messages.items():
            if key == "_schema":
                found.extend(field_errors(below, path))
            elif isinstance(key, int):
                found.extend(field_errors(below, f"{path}[{key}]"))
            else:
                found.extend(field_errors(below, f"{path}.{key}" if path else str(key)))
        return found
    return [FieldError(path or "(the body)", str(message)) for message in messages]


class _Said(fields.Field[Any]):
    """A field whose standard messages are ours."""

    default_error_messages = {"required": "is missing", "null": "is null, but something is needed here"}


class Text(_Said):
    """Text of at most `limit` characters. `empty` says whether "" is something."""

    def __init__(self, limit: int = NAME, *, empty: bool = True, **kwargs: Any) -> None:
        self.limit = limit
        self.empty = empty
        super().__init__(**_optional(kwargs))

    def _deserialize(self, value: Any, attr: Any, data: Any, **_: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError(f"must be text, not {shown(value)}")
        if len(value) > self.limit:
            raise ValidationError(f"may have {self.limit} characters at most; it has {len(value)}")
        if not self.empty and not value.strip():
            raise ValidationError("must not be empty")
        return value


class Word(Text):
    """One of a closed list of words."""

    def __init__(self, words: Sequence[str], **kwargs: Any) -> None:
        self.words = tuple(words)
        kwargs.setdefault("metadata", {})["enum"] = list(self.words)
        super().__init__(NAME, empty=False, **kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        word = super()._deserialize(value, attr, data, **kwargs)
        if word not in self.words:
            raise ValidationError(f"must be one of {', '.join(self.words)}; it is {shown(word)}.{nearest(word, self.words)}")
        return word


class Whole(_Said):
    """A whole number between `least` and `most`, as a JSON number."""

    def __init__(self, least: int, most: int = MOST_PIECES, **kwargs: Any) -> None:
        self.least = least
        self.most = most
        super().__init__(**_optional(kwargs))

    def _deserialize(self, value: Any, attr: Any, data: Any, **_: Any) -> int:
        number = isinstance(value, int | Decimal) and not isinstance(value, bool)
        if not number or value != int(value):
            raise ValidationError(f"must be a whole number, not {shown(value)}")
        if not self.least <= value <= self.most:
            raise ValidationError(f"must be between {self.least} and {self.most}; it is {shown(value)}")
        return int(value)


class Truth(_Said):
    """true or false."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **_: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError(f"must be true or false, not {shown(value)}")
        return value


def _number(value: Any) -> Decimal:
    """A decimal from a JSON number or from text written plainly (`12.50`). Raises ValidationError."""
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Decimal(value)
    if isinstance(value, str) and _PLAIN_NUMBER.fullmatch(value):
        try:
            return Decimal(value)
        except InvalidOperation:
            pass
    raise ValidationError(f'must be a number such as "12.50", not {shown(value)}')


class Amount(_Said):
    """An amount of money, loaded as decimal text with two places. Not negative."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **_: Any) -> str:
        amount = _number(value)
        if amount < 0:
            raise ValidationError(f"must not be negative; it is {shown(value)}")
        if amount > LARGEST_AMOUNT:
            raise ValidationError(f"must not be more than {LARGEST_AMOUNT}; it is {shown(value)}")
        if amount != amount.quantize(Decimal("0.01")):
            raise ValidationError(f"may have two decimals at most; it is {shown(value)}")
        return f"{amount:.2f}"


class Rate(_Said):
    """A tax rate in per cent, loaded as decimal text without superfluous noughts."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **_: Any) -> str:
        rate = _number(value)
        if not 0 <= rate <= 100:
            raise ValidationError(f"must be between 0 and 100 per cent; it is {shown(value)}")
        return f"{rate.normalize():f}"


class Moment(_Said):
    """A moment with its zone (RFC 3339). Loaded as aware datetime in UTC, or as canonical text when `as_text`."""

    def __init__(self, *, as_text: bool = True, **kwargs: Any) -> None:
        self.as_text = as_text
        super().__init__(**_optional(kwargs))

    def _deserialize(self, value: Any, attr: Any, data: Any, **_: Any) -> str | datetime:
        if not isinstance(value, str):
            raise ValidationError(f'must be a time such as "2026-11-22T09:30:00Z", not {shown(value)}')
        if not _MOMENT.fullmatch(value):
            zone = " Its time zone is missing (Z or +01:00)." if _MOMENT.fullmatch(value + "Z") else ""
            raise ValidationError(f'must be a time such as "2026-11-22T09:30:00Z"; it is {shown(value)}.{zone}')
        try:
            moment = datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            raise ValidationError(f"is not a moment that exists: {shown(value)}") from None
        if not 2000 <= moment.year <= 2100:
            raise ValidationError(f"must lie between the years 2000 and 2100; it is {shown(value)}")
        return moment.isoformat().replace("+00:00", "Z") if self.as_text else moment


class Currency(Text):
    """An ISO 4217 code."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(3, **kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(r"[A-Z]{3}", value):
            raise ValidationError(f"must be a currency of three capitals such as EUR, not {shown(value)}")
        return value


class Country(Text):
    """An ISO 3166 code of two letters; may be empty."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        if value != "" and (not isinstance(value, str) or not re.fullmatch(r"[A-Za-z]{2}", value)):
            raise ValidationError(f"must be a country of two letters such as NL, not {shown(value)}")
        return str(value).upper()


class Address(Text):
    """An e-mail address, loaded in lower case; may be empty."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs).strip()
        if text and not re.fullmatch(r"[^@\s]+@[^@\s]+", text):
            raise ValidationError(f"must be an e-mail address; it is {shown(text)}")
        return text.lower()


class Link(Text):
    """A web address; may be empty. Only http and https: it becomes a link on support's pages."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(2000, **kwargs)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        try:
            parts = urlsplit(text)
            good = not text or (parts.scheme in ("http", "https") and bool(parts.hostname))
        except ValueError:
            good = False
        if not good:
            raise ValidationError(f"must be a web address beginning with https://; it is {shown(text)}")
        return text


class Items(fields.List[Any]):
    """A list with `least` to `most` entries."""

    default_error_messages = {"required": "is missing", "null": "is null, but a list is needed here", "invalid": "must be a list"}

    def __init__(self, inner: Any, *, least: int = 0, most: int = 500, **kwargs: Any) -> None:
        self.least = least
        self.most = most
        super().__init__(inner, **_optional(kwargs))

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> list[Any]:
        if isinstance(value, list) and not self.least <= len(value) <= self.most:
            count = "none" if not value else str(len(value))
            raise ValidationError(f"must have between {self.least} and {self.most} entries; it has {count}")
        return super()._deserialize(value, attr, data, **kwargs)


class Part(fields.Nested):
    """A nested object."""

    default_error_messages = {"required": "is missing", "null": "is null, but an object is needed here", "type": "must be an object"}

    def __init__(self, nested: Any, **kwargs: Any) -> None:
        super().__init__(nested, **_optional(kwargs))


def _optional(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Null means absent wherever a field may be absent."""
    if not kwargs.get("required"):
        kwargs.setdefault("allow_none", True)
    return kwargs
