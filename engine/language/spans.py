"""The text of a rule file as a tree of spans: what stands where, to the character, comments included.

`yaml_nodes` reads a file for its meaning; this reads it for its text, so that a change can be made in place and all the
rest stays as it was written. Offsets count characters of the text without a byte order mark.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import yaml

from engine.language.yaml_nodes import EVENTS, FILE_LENGTH, ITEMS, NESTING, protected, read, reveal
from engine.types import Problem

BREAK = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
"""What ends a line in YAML."""
BYTE_ORDER_MARK = "\ufeff"


@dataclass(slots=True, eq=False)
class Span:
    """A node of the file and the characters it takes up: `start` to `end`, the latter excluded.

    `kind` is `scalar`, `list` or `map`. A scalar has its `text` and its `style` (empty when plain, else the quote or
    the sign of a block scalar); a list has `items`; a map has `keys` and `items`, one for the other. The end of a
    collection in block style is that of the last thing in it, comments not counted.
    """

    kind: str
    start: int
    end: int
    line: int
    column: int
    flow: bool = False
    text: str = ""
    style: str = ""
    keys: list[Span] = field(default_factory=list)
    items: list[Span] = field(default_factory=list)

    @property
    def plain(self) -> bool:
        """Whether this is a scalar without quotes."""
        return self.kind == "scalar" and not self.style

    @property
    def empty(self) -> bool:
        """Whether nothing was written here, or the word for nothing."""
        return self.plain and self.text in ("", "~", "null")

    @property
    def entries(self) -> Iterator[tuple[Span, Span]]:
        """The keys and values of a map."""
        return zip(self.keys, self.items, strict=True)

    def get(self, key: str) -> Span | None:
        """The value of a key of a map; None when there is none."""
        return next((value for name, value in self.entries if name.text == key), None)

    def entry(self, key: str) -> int:
        """The number of a key of a map; -1 when there is none."""
        return next((at for at, name in enumerate(self.keys) if name.text == key), -1)

    def data(self) -> Any:
        """What stands here as plain text, lists and dicts."""
        if self.kind == "scalar":
            return self.text
        if self.kind == "list":
            return [item.data() for item in self.items]
        return {key.text: value.data() for key, value in self.entries}


@dataclass(frozen=True)
class Comment:
    """A comment from its `#` to the end of its line. `own` says that nothing else stands on its line."""

    start: int
    end: int
    line: int
    column: int
    own: bool


@dataclass
class Document:
    """One file: its text, its root (None when nothing usable was found) and what is wrong with it as YAML."""

    text: str
    root: Span | None
    problems: tuple[Problem, ...]
    hidden: str = ""  # the text as YAML is given it, character for character: see yaml_nodes.protected

    @cached_property
    def line_starts(self) -> list[int]:
        return [0, *(found.end() for found in BREAK.finditer(self.text))]

    @cached_property
    def newline(self) -> str:
        """The line break this file uses."""
        found = BREAK.search(self.text)
        return found[0] if found and found[0] in ("\r\n", "\r") else "\n"

    def line_of(self, offset: int) -> int:
        """The number of the line, counted from 0, on which a character stands."""
        return bisect_right(self.line_starts, offset) - 1

    def line_start(self, line: int) -> int:
        """Where a line begins; behind the last line, the end of the text."""
        return self.line_starts[line] if line < len(self.line_starts) else len(self.text)

    def line_text(self, line: int) -> str:
        """A line without its break."""
        return BREAK.sub("", self.text[self.line_start(line) : self.line_start(line + 1)])

    def last_line(self, span: Span) -> int:
        """The line on which the last character of a node stands."""
        return self.line_of(max(span.start, span.end - 1))

    def dash(self, items: Span, at: int) -> int:
        """Where the dash of an item of a block list stands."""
        start = items.items[at - 1].end if at else items.start
        return self._skip(start)

    def _skip(self, start: int) -> int:
        """Past blanks and comments."""
        while start < len(self.hidden):
            if self.hidden[start] == "#":
                start = self.line_start(self.line_of(start) + 1)
            elif self.hidden[start].isspace() or self.hidden[start] == BYTE_ORDER_MARK:
                start += 1
            else:
                break
        return start

    @cached_property
    def comments(self) -> list[Comment]:
        """Every comment, in order."""
        found = []
        at = 0
        for start, end in [*self._scalars(), (len(self.hidden), len(self.hidden))]:
            while (hash_at := self.hidden.find("#", at, start)) >= 0:
                line = self.line_of(hash_at)
                before = self.line_start(line)
                stop = hash_at + len(BREAK.split(self.text[hash_at : self.line_start(line + 1)])[0])
                own = not self.text[before:hash_at].strip()
                found.append(Comment(hash_at, stop, line, hash_at - before, own))
                at = stop
            at = max(at, end)
        return found

    def _scalars(self) -> list[tuple[int, int]]:
        """Where every scalar stands, in order. The sign of a block scalar is left out: a comment may follow it."""
        found: list[tuple[int, int]] = []
        nodes = [self.root] if self.root else []
        while nodes:
            node = nodes.pop()
            nodes += node.items
            nodes += node.keys
            if node.kind == "scalar":
                body = self.line_start(node.line + 1) if node.style in ("|", ">") else node.start
                found.append((min(body, node.end), node.end))
        return sorted(found)


def read_document(text: str) -> Document:
    """The spans of a text. Never raises; `root` is None and `problems` says why when the text is not valid YAML."""
    text = text.removeprefix(BYTE_ORDER_MARK)
    hidden = protected(text)
    try:
        root = None if _unreadable(text) else _Builder(hidden).build()
    except (yaml.YAMLError, _Irregular):
        root = None
    if root is not None:
        return Document(text, root, (), hidden)
    return Document(text, None, read("", text)[1], hidden)


_ODD = re.compile(r"[\ud800-\udfff\ufdd0\ufdd1]")


def _unreadable(text: str) -> bool:
    """What `yaml_nodes.read` refuses before YAML is asked."""
    return len(text) > FILE_LENGTH or _ODD.search(text) is not None


_NOTHING: list[Span] = []
"""What every scalar has inside it."""


class _Irregular(Exception):  # not an error by itself: yaml_nodes.read then says what is wrong
    pass


class _Builder:
    def __init__(self, hidden: str) -> None:
        self.hidden = hidden

    def build(self) -> Span | None:
        open_nodes: list[Span] = []
        root: Span | None = None
        documents = 0
        for event in yaml.parse(self.hidden, Loader=EVENTS):
            if isinstance(event, yaml.NodeEvent):
                node = self._node(event)
                if open_nodes:
                    self._add(open_nodes[-1], node)
                else:
                    root = node
                if node.kind != "scalar":
                    open_nodes.append(node)
                    if len(open_nodes) > NESTING:
                        raise _Irregular
            elif isinstance(event, yaml.CollectionEndEvent):
                self._close(open_nodes.pop(), event)
            elif isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _Irregular
        return root

    @staticmethod
    def _add(parent: Span, node: Span) -> None:
        if parent.kind == "map" and len(parent.keys) == len(parent.items):
            if node.kind != "scalar":
                raise _Irregular
            parent.keys.append(node)
        else:
            parent.items.append(node)
        if len(parent.keys) + len(parent.items) > ITEMS:
            raise _Irregular

    def _node(self, event: yaml.NodeEvent) -> Span:
        mark: Any = event.start_mark
        if event.anchor is not None or isinstance(event, yaml.AliasEvent) or getattr(event, "tag", None) is not None:
            raise _Irregular
        start, line, column = mark.index, mark.line, mark.column
        if isinstance(event, yaml.ScalarEvent):
            end_mark: Any = event.end_mark
            end = end_mark.index
            style = "" if event.implicit[0] else (event.style or '"')
            if style in ("|", ">"):
                end = start + len(self.hidden[start:end].rstrip())
            return Span("scalar", start, end, line, column, False, reveal(event.value), style, _NOTHING, _NOTHING)
        kind = "list" if isinstance(event, yaml.SequenceStartEvent) else "map"
        return Span(kind, start, start, line, column, bool(getattr(event, "flow_style", False)))

    def _close(self, node: Span, event: yaml.Event) -> None:
        if node.kind == "map" and len({key.text for key in node.keys}) < len(node.keys):
            raise _Irregular
        mark: Any = event.end_mark
        last = max((child.end for child in (*node.items[-1:], *node.keys[-1:])), default=node.start)
        node.end = mark.index if node.flow else last
