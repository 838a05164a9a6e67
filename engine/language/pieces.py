"""As much of a broken rule file as can be made out: each section, rule and line is read by itself.

A single wrong quote makes YAML give up on all that follows. An editor must not: a person in the middle of a word still
sees all other rules.
"""

from __future__ import annotations

import re

from engine.language.spans import Document, Span, read_document

_TOP_KEY = re.compile(r"^([a-z_]+):")
_ITEM = re.compile(r"^( *)- ")
_KEY = re.compile(r"^ *(?:- +)?([a-z_]+):\s*(.*?)\s*$")
_COMMENT = re.compile(r"\s+#.*$")
_MOST_LINES = 20_000
"""Beyond this, a broken file is not worth the search."""


def read_in_pieces(document: Document) -> Span | None:
    """A map with the sections that could be read; None when there are none. Never raises."""
    lines = [document.line_text(n) for n in range(min(len(document.line_starts), _MOST_LINES))]
    starts = [n for n, line in enumerate(lines) if _TOP_KEY.match(line)]
    root = Span("map", 0, 0, 0, 0)
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=False):
        found = _read(lines, start, end)
        if found is None or found.kind != "map":
            key = lines[start].partition(":")[0]
            found = Span("map", 0, 0, start, 0, keys=[_scalar(key, start)], items=[_items(lines, start + 1, end)])
        for key_node, value in found.entries:
            if root.entry(key_node.text) < 0:
                root.keys.append(key_node)
                root.items.append(value)
    return root if root.keys else None


def _read(lines: list[str], start: int, end: int) -> Span | None:
    """What these lines say by themselves, with the lines they stand on; None when they are not valid YAML either."""
    found = read_document("\n".join(lines[start:end]) + "\n")
    if found.root is not None:
        _move(found.root, start)
    return found.root


def _move(node: Span, lines: int) -> None:
    nodes = [node]
    while nodes:
        node = nodes.pop()
        node.line += lines
        node.start = node.end = 0  # offsets are those of the piece: nothing may be edited by them
        nodes += node.keys
        nodes += node.items


def _items(lines: list[str], start: int, end: int) -> Span:
    """The items of a list, each read by itself or, failing that, line by line."""
    found = Span("list", 0, 0, start, 0)
    dashes = [(n, len(at[1])) for n in range(start, end) if (at := _ITEM.match(lines[n]))]
    if not dashes:
        return found
    starts = [n for n, indent in dashes if indent == dashes[0][1]]
    for first, last in zip(starts, [*starts[1:], end], strict=True):
        item = _read(lines, first, last)
        if item is not None and item.kind == "list" and len(item.items) == 1:
            found.items.append(item.items[0])
        else:
            found.items.append(_line_by_line(lines, first, last))
    return found


def _line_by_line(lines: list[str], start: int, end: int) -> Span:
    """A rule by its recognisable lines: `key: value`, and `- sentence` below a key."""
    rule = Span("map", 0, 0, start, 0)
    for n in range(start, end):
        line = lines[n]
        if (key := _KEY.match(line)) and key[1] in ("id", "description", "priority", "when", "then", "never", "always"):
            if rule.entry(key[1]) >= 0:
                continue
            words = _COMMENT.sub("", key[2])
            rule.keys.append(_scalar(key[1], n))
            is_list = key[1] not in ("id", "description", "priority")
            rule.items.append(Span("list", 0, 0, n, 0) if is_list else _scalar(words.strip("\"'"), n))
        elif _ITEM.match(line) and rule.items and rule.items[-1].kind == "list":
            rule.items[-1].items.append(_scalar(_COMMENT.sub("", line.strip()[2:].strip()), n))
    return rule


def _scalar(text: str, line: int) -> Span:
    return Span("scalar", 0, 0, line, 0, text=text)
