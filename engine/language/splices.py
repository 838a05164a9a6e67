"""Changes of a rule file's text, worked out as splices: which characters are replaced by which.

Every function here looks at one list or map of a file, in block style or between brackets, and gives the splices that
add, take out or rewrite one thing in it. Whatever no splice touches stays as it was written, comments included.

An item of a block list owns its lines: from the comments directly above it, at its own indentation, to the comments
below it that are indented more than its dash.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.language.canonical import sentence_scalar
from engine.language.cells import flow_scalar
from engine.language.spans import Document, Span

Splice = tuple[int, int, str]
"""Start and end of what is replaced, and the replacement."""


class EditError(ValueError):
    """An edit that cannot be made; the message says why and what to do instead."""


def apply(text: str, splices: Sequence[Splice]) -> str:
    """The text with all splices made. They may touch, but not overlap."""
    parts = []
    at = 0
    for start, end, replacement in sorted(splices, key=lambda splice: splice[:2]):
        if start < at:
            raise EditError("This change touches one place twice. Format the file first.")
        parts += [text[at:start], replacement]
        at = end
    return "".join((*parts, text[at:]))


def flow_text(data: Any) -> str:
    """Plain data as it stands between brackets."""
    if isinstance(data, list):
        return "[" + ", ".join(flow_text(item) for item in data) + "]"
    if isinstance(data, dict):
        return "{" + ", ".join(f"{flow_scalar(key)}: {flow_text(value)}" for key, value in data.items()) + "}"
    return flow_scalar(str(data))


def block_lines(data: Any, indent: int) -> list[str]:
    """The lines of one list item in block style, the dash at the indentation."""
    if isinstance(data, dict):
        ((kind, children),) = data.items()
        lines = [f"{' ' * indent}- {kind}:"]
        for child in children:
            lines += block_lines(child, indent + 4)
        return lines
    return [f"{' ' * indent}- {sentence_scalar(str(data))}"]


class Lists:
    """Splices for the lists and maps of one document."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.text = document.text

    # What belongs to what

    def item_lines(self, items: Span, at: int) -> tuple[int, int]:
        """The first and the last line that an item of a block list owns."""
        dash = self.document.dash(items, at)
        line = self.document.line_of(dash)
        column = dash - self.document.line_start(line)
        if self.document.line_text(line)[:column].strip():
            raise EditError("Several lists begin on one line here. Format the file first.")
        first = self._above(line, column, items, at)
        return first, self._below(self.document.last_line(items.items[at]), column)

    def _above(self, line: int, column: int, items: Span, at: int) -> int:
        first_possible = self.document.last_line(items.items[at - 1]) + 1 if at else 0
        while line > first_possible and self._comment_column(line - 1) == column:
            line -= 1
        return line

    def _below(self, line: int, column: int) -> int:
        while (comment := self._comment_column(line + 1)) is not None and comment > column:
            line += 1
        return line

    def _comment_column(self, line: int) -> int | None:
        """Where a line that is nothing but a comment begins with it; None for any other line."""
        if not 0 <= line < len(self.document.line_starts):
            return None
        words = self.document.line_text(line)
        stripped = words.lstrip(" ")
        return len(words) - len(stripped) if stripped.startswith("#") and self._is_comment(line) else None

    def _is_comment(self, line: int) -> bool:
        return line in self._comment_lines

    @property
    def _comment_lines(self) -> set[int]:
        lines: set[int] | None = getattr(self, "_lines_kept", None)
        if lines is None:
            lines = self._lines_kept = {comment.line for comment in self.document.comments if comment.own}
        return lines

    def lines(self, first: int, last: int) -> list[str]:
        """Whole lines, without their breaks."""
        return [self.document.line_text(n) for n in range(first, last + 1)]

    # Splices of lines

    def insert_lines(self, line: int, lines: Sequence[str]) -> Splice:
        """Puts lines before a line; behind the last one when there is no such line."""
        at = self.document.line_start(line)
        new = self.document.newline
        written = "".join(f"{one}{new}" for one in lines)
        if at == len(self.text) and self.text and self.text[-1] not in "\r\n\x85\u2028\u2029":
            written = new + written
        return at, at, written

    def remove_lines(self, first: int, last: int) -> Splice:
        """Takes whole lines out."""
        return self.document.line_start(first), self.document.line_start(last + 1), ""

    # Lists

    def insert_item(self, items: Span, at: int, data: Any) -> list[Splice]:
        """Adds an item, given as plain data, to a list that has some."""
        if items.flow:
            return [self.insert_flow(items, at, flow_text(data))]
        return [self.insert_block(items, at, block_lines(data, items.column))]

    def insert_block(self, items: Span, at: int, lines: Sequence[str]) -> Splice:
        """Adds lines that are an item to a block list."""
        if at < len(items.items):
            return self.insert_lines(self.item_lines(items, at)[0], lines)
        return self.insert_lines(self.item_lines(items, len(items.items) - 1)[1] + 1, lines)

    def insert_flow(self, items: Span, at: int, source: str) -> Splice:
        """Adds an item, as it is to be written, to a list between brackets."""
        if not items.items:
            return items.start, items.end, f"[{source}]"
        if at < len(items.items):
            start = items.items[at].start
            return start, start, f"{source}, "
        end = items.items[-1].end
        return end, end, f", {source}"

    def remove_item(self, items: Span, at: int) -> list[Splice]:
        """Takes an item out of a list that has others."""
        if not items.flow:
            return [self.remove_lines(*self.item_lines(items, at))]
        own = items.items[at]
        if at + 1 < len(items.items):
            return [(own.start, items.items[at + 1].start, "")]
        return [(items.items[at - 1].end if at else items.start + 1, own.end, "")]

    def write_scalar(self, node: Span, text: str, *, flow: bool) -> Splice:
        """Rewrites an item of a list as this text."""
        return self.write(node, flow_scalar(text) if flow else sentence_scalar(text))

    def write(self, node: Span, source: str) -> Splice:
        """Rewrites a scalar as it is to be written. What had been left empty gets the space before it."""
        space = " " if node.start == node.end and self.text[node.start - 1 : node.start].strip() else ""
        return node.start, node.end, space + source

    # Maps

    def insert_entry(self, entries: Span, after: int, key: str, source: str, below: Sequence[str] = ()) -> Splice:
        """Adds `key: source` to a map behind one of its entries, with lines below it when the map is in block style."""
        if entries.flow:
            end = max(entries.keys[after].end, entries.items[after].end) if entries.keys else entries.start + 1
            return end, end, f"{', ' if entries.keys else ''}{key}: {source}"
        line = self.entry_lines(entries, after)[1] + 1
        return self.insert_lines(line, [f"{' ' * entries.column}{key}:{f' {source}' if source else ''}", *below])

    def entry_lines(self, entries: Span, at: int) -> tuple[int, int]:
        """The first and the last line of an entry of a block map."""
        value = entries.items[at]
        last = max(self.document.line_of(entries.keys[at].start), self.document.last_line(value))
        return entries.keys[at].line, last if value.kind == "scalar" else self._below(last, entries.column)

    def remove_entry(self, entries: Span, at: int) -> list[Splice]:
        """Takes an entry out of a map that has others."""
        if entries.flow:
            if at + 1 < len(entries.keys):
                return [(entries.keys[at].start, entries.keys[at + 1].start, "")]
            before = max(entries.keys[at - 1].end, entries.items[at - 1].end)
            return [(before, max(entries.keys[at].end, entries.items[at].end), "")]
        first, last = self.entry_lines(entries, at)
        key = entries.keys[at]
        if self.text[self.document.line_start(first) : key.start].strip():  # it stands behind the dash of its rule
            return [(key.start, max(key.end, entries.items[at].end), "")]
        return [self.remove_lines(first, last)]
