"""Rule files as plain YAML nodes that know where they stand.

Only the part of YAML that a rule file needs: maps, lists and scalars. Tags, anchors and aliases are refused, so a
file can neither build objects nor grow when it is read. Events are read one by one, without recursion.

One courtesy goes beyond YAML: in a list item that is a sentence, colons and hashes inside double quotes are text. So
`- block order because "not paid: see order #5"` means what it says, which plain YAML would read as a map and a comment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NoReturn

import yaml

from engine.ast import Place
from engine.types import Problem

FILE_LENGTH = 4_000_000
"""Longest rule file, in characters."""
NESTING = 24
"""Deepest nesting of maps and lists."""
ITEMS = 25_000
"""Most items of one list, and half as many entries of one map: more than anything in a rule file may have."""
PROBLEMS = 200
"""Most problems reported for one file; what follows is rarely worth reading before these are solved."""

_COLON, _HASH = "\ufdd0", "\ufdd1"  # code points that Unicode reserves for a program's own use
_SENTENCE = re.compile(r"^\s*(?:- +)+(?![\w-]+:(?:\s|$))[^\W\d]")
_QUOTED = re.compile(r'"(?:[^"\\\r\n]|\\[^\r\n])*"')
_BREAK = re.compile(r"(\r\n|[\n\r\x85\u2028\u2029])")
_HIDE = str.maketrans({":": _COLON, "#": _HASH})
_REVEAL = str.maketrans({_COLON: ":", _HASH: "#"})


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """A scalar: its value as text, whether it was written without quotes, and the characters it was written with."""

    text: str
    plain: bool
    source: str
    place: Place

    def at(self, offset: int) -> Place:
        """Where the character at `offset` of the text stands; the start of the scalar when quoting hides that."""
        if self.source == self.text:
            shift = offset
        elif self.source[1:-1] == self.text:
            shift = offset + 1
        else:
            return self.place
        return Place(self.place.file, self.place.line, self.place.column + shift)


@dataclass(frozen=True, slots=True)
class ListNode:
    """A sequence of nodes."""

    items: tuple[Node, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class MapNode:
    """A map in the order it was written, no key twice."""

    entries: tuple[tuple[ScalarNode, Node], ...]
    place: Place


Node = ScalarNode | ListNode | MapNode


class _Stop(Exception):  # it ends the reading of one file, it is not an error by itself
    pass


def read(file: str, content: str | bytes) -> tuple[Node | None, tuple[Problem, ...]]:
    """The root node of a rule file, and everything wrong with its YAML. Never raises; None when there is no usable node."""
    reader = _Reader(file)
    try:
        root = reader.read(_decoded(reader, content))
    except _Stop:
        root = None
    except yaml.MarkedYAMLError as error:
        place = _within(reader.text, _place(file, error.problem_mark or error.context_mark))
        reader.report(place, _yaml_reason(error), _yaml_hint(error))
        root = None
    except yaml.reader.ReaderError as error:
        reader.report(Place(file, 1, 1), f"The file is not text: {error.reason}.", "Save it as plain UTF-8 text.")
        root = None
    return root, tuple(reader.problems)


def _decoded(reader: _Reader, content: str | bytes) -> str:
    start = Place(reader.file, 1, 1)
    try:
        text = content.decode("utf-8") if isinstance(content, bytes) else content
    except UnicodeDecodeError as error:
        reader.stop(start, f"The file is not UTF-8 text (byte {error.start}).", "Save it as plain UTF-8 text.")
    if len(text) > FILE_LENGTH:
        reader.stop(start, f"The file is longer than {FILE_LENGTH:,} characters.", "Divide it, or use fewer rules.")
    text = text.removeprefix("\ufeff")
    if odd := re.search(r"[\ud800-\udfff\ufdd0\ufdd1]", text):
        before = text[: odd.start()]
        place = Place(reader.file, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
        reader.stop(place, f"The character U+{ord(odd[0]):04X} is not text.", "Remove it.")
    return text


def protected(text: str) -> str:
    """The text with colons and hashes in the quoted parts of sentences hidden from YAML, character for character."""
    if '"' not in text:
        return text
    return "".join(
        _QUOTED.sub(lambda quoted: quoted[0].translate(_HIDE), line) if '"' in line and _SENTENCE.match(line) else line
        for line in _BREAK.split(text)
    )


def reveal(text: str) -> str:
    """Text that YAML was given, with what `protected` hid shown again."""
    return text.translate(_REVEAL) if _COLON in text or _HASH in text else text


class _Reader:
    """Builds nodes from the events of one file and collects what is wrong with it."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.text = ""

    def report(self, place: Place, message: str, hint: str = "") -> None:
        if len(self.problems) < PROBLEMS:
            self.problems.append(Problem(self.file, place.line, place.column, message, hint))

    def stop(self, place: Place, message: str, hint: str = "") -> NoReturn:
        self.report(place, message, hint)
        raise _Stop

    def read(self, text: str) -> Node | None:
        self.text = protected(text)
        open_nodes: list[tuple[yaml.Event, list[Node]]] = []
        root: Node | None = None
        documents = 0
        for event in yaml.parse(self.text, Loader=EVENTS):
            node: Node | None = None
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self.stop(self._place(event), "The file holds more than one document.", "Remove the line `---`.")
            elif isinstance(event, yaml.AliasEvent):
                self.report(self._place(event), "Aliases (`*name`) are not allowed.", "Write the text out.")
                node = ScalarNode("", True, "", self._place(event))
            elif isinstance(event, yaml.NodeEvent):
                self._refuse_extras(event)
                if isinstance(event, yaml.ScalarEvent):
                    node = self._scalar(event)
                else:
                    open_nodes.append((event, []))
                    if len(open_nodes) > NESTING:
                        self.stop(self._place(event), f"Nested deeper than {NESTING} levels.", "Divide the rule.")
            elif isinstance(event, yaml.CollectionEndEvent):
                node = self._collection(*open_nodes.pop())
            if node is not None:
                if open_nodes:
                    open_nodes[-1][1].append(node)
                    if len(open_nodes[-1][1]) > ITEMS:
                        hint = "A decision has at most 20,000 rules, a table 10,000 rows: use `in [...]`, or a table."
                        self.stop(self._place(open_nodes[-1][0]), f"Here stand more than {ITEMS:,} items.", hint)
                else:
                    root = node
        return root

    def _place(self, event: yaml.Event) -> Place:
        place = _place(self.file, event.start_mark)
        mark: Any = event.start_mark
        return place if mark is None or mark.index < len(self.text) else _within(self.text, place)

    def _refuse_extras(self, event: yaml.NodeEvent) -> None:
        if event.anchor is not None:
            self.report(
                self._place(event), "Anchors (`&name`) are not allowed.", "Write the text without `&`, or in quotes."
            )
        if getattr(event, "tag", None) is not None:
            self.report(
                self._place(event), "Tags (`!name`) are not allowed.", "Write the text without `!`, or in quotes."
            )

    def _scalar(self, event: yaml.ScalarEvent) -> ScalarNode:
        start: Any = event.start_mark
        end: Any = event.end_mark
        source = reveal(self.text[start.index : end.index])
        return ScalarNode(reveal(str(event.value)), bool(event.implicit[0]), source, self._place(event))

    def _collection(self, event: yaml.Event, nodes: list[Node]) -> Node:
        if isinstance(event, yaml.SequenceStartEvent):
            return ListNode(tuple(nodes), self._place(event))
        entries: dict[str, tuple[ScalarNode, Node]] = {}
        for key, value in zip(nodes[::2], nodes[1::2], strict=True):
            if not isinstance(key, ScalarNode):
                self.report(key.place, "A key must be a word.")
            elif key.text in entries:
                first = entries[key.text][0].place.line
                self.report(key.place, f"The key `{key.text}` stands here a second time; the first is on line {first}.", "Remove one of them.")
            else:
                entries[key.text] = key, value
        return MapNode(tuple(entries.values()), self._place(event))


EVENTS = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Reads events with libyaml where PyYAML was built with it, else in pure Python."""


def _place(file: str, mark: Any) -> Place:
    """Where a mark of PyYAML or of libyaml points; both count from 0."""
    return Place(file, mark.line + 1, mark.column + 1) if mark is not None else Place(file, 1, 1)


def _within(text: str, place: Place) -> Place:
    """The place, or the end of the text when it lies behind it, where YAML sees one more line."""
    lines = re.split(r"\r\n|[\n\r\x85\u2028\u2029]", text)
    while len(lines) > 1 and not lines[-1].strip():
        lines.pop()
    if place.line <= len(lines):
        return place
    return Place(place.file, len(lines), len(lines[-1]) + 1)


def _yaml_reason(error: yaml.MarkedYAMLError) -> str:
    parts = [part for part in (error.context, error.problem) if part]
    return f"This is not valid YAML: {', '.join(parts)}."


def _yaml_hint(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or ""
    if "mapping values are not allowed" in problem:
        return "Text with a colon followed by a space must stand in quotes; also check the indentation."
    if "cannot start any token" in problem:
        return "Indent with spaces, not tabs; text that begins with a special character must stand in quotes."
    return "Check the indentation, brackets and quotes on this line and the one before it."
