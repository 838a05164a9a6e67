"""Reading a request body as JSON without being hurt by it: size, encoding, nesting, numbers, repeated keys."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import Request

from api.problems import FieldError, Problem

DEEPEST = 32
LARGEST_EXPONENT = 30
MOST_SWALLOWED = 16_000_000


def read_body(request: Request, limit: int) -> bytes:
    """The raw body. Raises Problem `too-large` when it is longer than `limit` bytes."""
    request.max_content_length = limit + MOST_SWALLOWED  # None would mean the limit for forms
    declared = request.content_length or 0
    body = request.stream.read(limit + 1) if declared <= limit + MOST_SWALLOWED else b""
    if max(len(body), declared) > limit:
        if declared <= limit + MOST_SWALLOWED:
            _swallow(request)
        raise Problem("too-large", f"A body may have {limit:,} bytes at most; this one has more.")
    return body


def _swallow(request: Request) -> None:
    """Read on for a while: closing on a sender that still writes would reset the connection before it sees our answer."""
    left = MOST_SWALLOWED
    while left > 0 and (piece := request.stream.read(65_536)):
        left -= len(piece)


def read_json(body: bytes) -> Any:
    """The body as JSON: objects, lists, text, int, Decimal, bool, None.

    Raises Problem `not-json` for anything that is not strict JSON in UTF-8, and `invalid` for what no field can hold:
    NUL characters, half surrogates, nesting deeper than `DEEPEST`, the same key twice in one object.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Problem("not-json", f"The body is not UTF-8: byte {error.start} is not part of a character.") from None
    if not text.strip():
        raise Problem("not-json", "The body is empty; a JSON document was expected.")
    try:
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_decimal, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        detail = f"Line {error.lineno}, column {error.colno}: {error.msg}."
        raise Problem("not-json", detail) from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:  # int() refuses thousands of digits rather than spend a second on them
        raise Problem("not-json", "A number has more digits than any amount or quantity can have.") from None
    check_values(value)
    return value


def _refuse_constant(name: str) -> Any:
    raise Problem("not-json", f"{name} is not a JSON number.")


def _decimal(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise Problem("not-json", f"The number {text[:40]} is out of range.") from None
    if abs(number.adjusted()) > LARGEST_EXPONENT:
        raise Problem("not-json", f"The number {text[:40]} is out of range.")
    return number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise Problem("invalid", f"The key {twice[:80]!r} stands twice in one object; only one of them can be meant.")
    return found


def _too_deep() -> Problem:
    return Problem("invalid", f"The body is nested deeper than {DEEPEST} levels.")


def check_values(value: Any) -> None:
    """Raises Problem `invalid` for text that cannot be stored, or deep nesting. Looks at every value without recursion, so
    that no nesting can exhaust the stack."""
    pending: list[tuple[str, Any, int]] = [("", value, 1)]
    while pending:
        path, found, depth = pending.pop()
        if isinstance(found, str):
            _check_text(path, found)
        elif isinstance(found, dict | list):
            if depth > DEEPEST:
                raise _too_deep()
            if isinstance(found, dict):
                for key, child in found.items():
                    _check_text(path, key)
                    pending.append((f"{path}.{key}" if path else key, child, depth + 1))
            else:
                pending.extend((f"{path}[{index}]", child, depth + 1) for index, child in enumerate(found))


def _check_text(path: str, text: str) -> None:
    if "\x00" in text:
        message = "holds a NUL character (\\u0000), which no text may hold"
    elif not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        message = "holds half of a surrogate pair, which is not a character"
    else:
        return
    field = "".join("?" if "\ud800" <= c <= "\udfff" or c == "\x00" else c for c in path)
    raise Problem("invalid", "A text cannot be stored.", errors=[FieldError(field or "(the body)", message)])
