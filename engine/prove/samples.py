"""A few texts that match a pattern, so that a proof has texts to show."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from itertools import islice
from typing import Any

from engine.values import compare

MOST = 6
"""Most texts for one pattern."""
LONGEST = 200
"""Longest of them, in characters."""
_DEPTH = 12
_CATEGORIES = {"category_digit": "5", "category_word": "a", "category_space": " ", "category_not_digit": "a",
               "category_not_word": "-", "category_not_space": "a"}  # fmt: skip


def samples(pattern: str) -> tuple[str, ...]:
    """Texts that match a pattern as rules understand it; none when it is too peculiar."""
    parser: Any = getattr(re, "_parser", None)
    try:
        with warnings.catch_warnings():  # RE2 and Python differ on a few patterns; that is all right here
            warnings.simplefilter("ignore")
            tree = parser.parse(pattern)
        found = list(islice(_sequence(list(tree), 0), 40))
    except (re.error, RecursionError, AttributeError, OverflowError, TypeError, ValueError):
        return ()
    return tuple([text for text in dict.fromkeys(found) if len(text) <= LONGEST and compare("matches", text, pattern)][:MOST])


def _sequence(parts: list[Any], depth: int) -> Iterator[str]:
    if not parts:
        yield ""
        return
    for head in islice(_one(parts[0], depth), 4):
        for tail in islice(_sequence(parts[1:], depth), 8):
            yield head + tail


def _one(part: Any, depth: int) -> Iterator[str]:
    if depth > _DEPTH:
        return
    name, argument = str(part[0]).lower(), part[1]
    if name == "literal":
        yield chr(argument)
    elif name == "not_literal":
        yield "a" if argument != ord("a") else "b"
    elif name == "any":
        yield "a"
    elif name == "in":
        yield from _choices(argument)
    elif name == "branch":
        for branch in argument[1]:
            yield from islice(_sequence(list(branch), depth + 1), 3)
    elif name == "subpattern":
        yield from _sequence(list(argument[-1]), depth + 1)
    elif name in ("max_repeat", "min_repeat"):
        yield from _repeated(argument, depth)
    elif name == "at":
        yield ""


def _repeated(argument: Any, depth: int) -> Iterator[str]:
    low, high, inner = argument
    for times in (low, low + 1):
        if times <= min(int(high), 50):
            for text in islice(_sequence(list(inner), depth + 1), 2):
                if len(text) * times <= LONGEST:
                    yield text * times


def _choices(items: Any) -> Iterator[str]:
    if str(items[0][0]).lower() == "negate":
        pattern_items = items[1:]
        for candidate in "a5 -Zé":
            if not any(candidate in set(islice(_choices([item]), 300)) for item in pattern_items):
                yield candidate
        return
    for kind, argument in items:
        name = str(kind).lower()
        if name == "literal":
            yield chr(argument)
        elif name == "range":
            yield chr(argument[0])
        elif name == "category":
            yield _CATEGORIES.get(str(argument).lower(), "a")
