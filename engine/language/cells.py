"""Cells of decision tables: between how YAML holds them and how an admin says them.

A cell is said in the words of a sentence: `any`, `packed`, `"two words"`, `< 50 EUR`, `[shopify, magento]`, and `~` for
nothing. In the file, quotes belong to YAML, and `"< 50 EUR"` stands in them only because YAML needs it. The reason
of a row (`because`) is plain text.
"""

from __future__ import annotations

import re

from engine.language.formatter import scalar
from engine.language.rule_table import BECAUSE
from engine.language.sentences import UNPRINTABLE, SentenceError, Term, parse_value, quote, unquote
from engine.language.spans import Span, read_document

_SIGN = re.compile(r"\s*[<>]")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_FLOW_SIGNS = re.compile(r"[\[\]{},:#&*!|>'\"%@`?]")


def cell_words(cell: Span, heading: str = "") -> str:
    """What a cell says, in an admin's words."""
    if cell.kind == "list":
        return "[" + ", ".join(cell_words(item) for item in cell.items) + "]"
    if cell.kind == "map":
        return ""
    if cell.empty:
        return "~"
    if cell.plain or heading == BECAUSE or _SIGN.match(cell.text):
        return cell.text
    return quote(cell.text)


def cell_source(words: str, heading: str = "") -> str:
    """How a cell that says this is written in a row between brackets. Raises ValueError when a cell cannot say it."""
    words = words.strip()
    if words in ("", "~"):
        return "~"
    if heading == BECAUSE:
        return flow_scalar(words)
    source = _source(words)
    read_back = read_document(f"- [{source}]\n").root
    row = read_back.items[0] if read_back is not None and read_back.kind == "list" else None
    if row is None or len(row.items) != 1 or not _same(cell_words(row.items[0]), words):
        raise ValueError(f"`{words}` cannot stand in a cell; put its operator into the heading of the column.")
    return source


def _source(words: str) -> str:
    if _SIGN.match(words):
        return _in_quotes(words)
    if words.startswith("["):
        try:
            term = parse_value(words)
        except SentenceError as error:
            raise ValueError(f"{error.message} {error.hint}".strip()) from None
        return "[" + ", ".join(_item(item) for item in term.items) + "]"
    if _QUOTED.fullmatch(words):
        return _in_quotes(unquote(words))
    return words


def _item(item: Term) -> str:
    if item.kind == "text":
        return _in_quotes(item.text)
    return f"{item.text} {item.unit}" if item.unit else item.text


def _same(one: str, other: str) -> bool:
    return re.sub(r"\s+", "", one) == re.sub(r"\s+", "", other)


def flow_scalar(text: str) -> str:
    """Text as a YAML scalar that stands for it between brackets too."""
    written = scalar(text)
    return _in_quotes(text) if written == text and _FLOW_SIGNS.search(text) else written


def _in_quotes(text: str) -> str:
    """Text in YAML quotes: double ones where nothing in it needs to be escaped."""
    if '"' not in text and "\\" not in text and not UNPRINTABLE.search(text):
        return f'"{text}"'
    written = scalar(text)
    return "'" + text.replace("'", "''") + "'" if written == text else written
