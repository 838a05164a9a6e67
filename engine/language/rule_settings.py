"""Settings as they are written in a rule file: a value's text decides its type."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from decimal import Decimal

from engine.language.literals import (
    moment_text,
    number_text,
    read_date,
    read_integer,
    read_moment,
    read_money,
    read_number,
    read_time,
    time_text,
)
from engine.language.sentences import SentenceError
from engine.language.yaml_nodes import ListNode, Node, ScalarNode
from engine.types import Money, Value

ITEMS = 10_000
"""Most items of a list setting."""

_MONEY = re.compile(r"([+-]?[0-9.]+) ([A-Z]{3})")
_NUMBER_LIKE = re.compile(r"[+-]?[0-9]+([.,:_eE+-]?[0-9]+)*")
_LIKE_BOOLEAN = {"yes": "true", "on": "true", "no": "false", "off": "false"}


def setting_value(node: Node) -> Value:
    """The default a setting is given. Raises SentenceError (offset 0) when it is none.

    Without quotes: `true`, `3`, `2.5`, `2026-11-22`, `17:00`, `2026-11-22T10:00Z`; with or without quotes: `50.00 EUR`; a list
    is a list of text; all else is text.
    """
    if isinstance(node, ListNode):
        return tuple(_item(item) for item in node.items[: ITEMS + 1]) if len(node.items) <= ITEMS else _too_many()
    if not isinstance(node, ScalarNode):
        raise SentenceError(0, "A setting has one value or a list of text.")
    money = _MONEY.fullmatch(node.text)
    amount = read_money(money[1], money[2]) if money else None
    if amount is not None:
        return amount
    return _plain(node.text) if node.plain else node.text


def _too_many() -> Value:
    raise SentenceError(0, f"A list setting has at most {ITEMS:,} items.")


def _item(node: Node) -> str:
    if isinstance(node, ScalarNode):
        return node.text
    raise SentenceError(0, "A list setting holds text only.")


def _plain(text: str) -> Value:
    if text in ("", "~", "null"):
        raise SentenceError(0, "The setting has no default.", 'Give it one; an empty text is `""`.')
    if text in ("true", "false"):
        return text == "true"
    if text.lower() in (*_LIKE_BOOLEAN, "true", "false"):
        better = _LIKE_BOOLEAN.get(text.lower(), text.lower())
        raise SentenceError(0, f"`{text}` is not a value.", f'Write `{better}`, or `"{text}"` if you mean the text.')
    for read in (read_integer, read_number, read_date, read_time, read_moment):
        value: Value | None = read(text)
        if value is not None:
            return value
    if _NUMBER_LIKE.fullmatch(text):
        raise SentenceError(0, f"`{text[:40]}` is not a number.", "If you mean text, put it in quotes.")
    return text


def setting_words(value: Value) -> tuple[str, bool]:
    """What is written in a file for a value that is not a list, and whether it must stand in quotes."""
    match value:
        case bool():
            return ("true" if value else "false"), False
        case Money():
            return str(value), False
        case Decimal():
            return number_text(value), False
        case datetime():
            return moment_text(value), False
        case date():
            return value.isoformat(), False
        case time():
            return time_text(value), False
        case str():
            return value, not _is_plain_text(value)
    return str(value), False


def _is_plain_text(text: str) -> bool:
    try:
        return _plain(text) == text
    except SentenceError:
        return False
