"""Rule files in good form, comments kept: what `flask rules format` and the editor's button do.

Keys come in their usual order, two blanks of indentation for each level, one blank line between rules, sentences in good
form, tables in columns. What rules mean does not change, and formatting twice is formatting once. `formatter` writes
typed rules as canonical text instead, which decides a book's meaning and keeps no comments.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from engine.language.layout_writer import Writer
from engine.language.spans import BYTE_ORDER_MARK, Document, read_document
from engine.types import Problem


def format_text(text: str) -> str:
    """A rule, layer or examples file in good form; the text as it is when `formatted` would refuse it. Never raises."""
    return formatted(text)[0]


def formatted(text: str) -> tuple[str, tuple[Problem, ...]]:
    """The file in good form, and no problems; or the text as it is, and why it cannot be formatted. Never raises."""
    document = read_document(text)
    root = document.root
    if document.problems:
        return text, document.problems
    if root is None or root.kind != "map" or not root.keys:
        return text, (Problem("", 1, 1, "This is no rule file.", "Begin with `decision:` and its name."),)
    new = document.newline.join([*Writer(document, root).file(), ""])
    again = read_document(new)
    if not _same(document, again):
        where = Problem("", 1, 1, "This file could not be formatted without loss.", "Leave it as it is, and tell us.")
        return text, (where,)
    return (BYTE_ORDER_MARK + new if text.startswith(BYTE_ORDER_MARK) else new), ()


def _same(old: Document, new: Document) -> bool:
    """Whether nothing was lost: the same comments, and the same text in the same places."""
    if old.root is None or new.root is None:
        return False
    return _comments(old) == _comments(new) and _plain(old.root.data()) == _plain(new.root.data())


def _comments(document: Document) -> Counter[str]:
    return Counter(document.text[comment.start : comment.end].rstrip() for comment in document.comments)


def _plain(data: Any) -> Any:
    """Data without what formatting may change: blanks, and how nothing is written."""
    if isinstance(data, dict):
        return {key: _plain(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_plain(item) for item in data]
    words = "".join(data.split())
    return [] if words in ("", "~", "null", "any") else words
