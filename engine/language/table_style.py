"""Warnings about decision tables, which are read once more as tables: checked rules no longer know their cells."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from engine.ast import Place, Rule
from engine.language.yaml_nodes import ListNode, MapNode, Node, ScalarNode, read
from engine.types import Problem

_ASKS_NOTHING = ("any", "~", "null", "")


def table_warnings(rules: Sequence[Rule], texts: Mapping[str, str]) -> Iterator[Problem]:
    """Tables with a single row, and columns that ask nothing in any row."""
    rows: dict[str, list[Rule]] = {}
    for rule in rules:
        if rule.table:
            rows.setdefault(rule.table, []).append(rule)
    for name, of_table in rows.items():
        place = min((rule.place for rule in of_table), key=lambda p: (p.line, p.column))
        if len(of_table) == 1:
            yield Problem(
                place.file, place.line, place.column, f"The table of `{name}` has one row.",
                "Write it as a rule with `when:` and `then:`.", "warning",
            )  # fmt: skip
        elif place.file in texts:
            yield from _idle_columns(name, place, texts[place.file])


def _idle_columns(name: str, first_row: Place, text: str) -> Iterator[Problem]:
    lines = text.split("\n")
    start = next(
        (n for n in range(min(first_row.line, len(lines)) - 1, -1, -1) if re.match(r"\s*table\s*:", lines[n])), None
    )
    if start is None:
        return
    indent = len(lines[start]) - len(lines[start].lstrip())
    end = start + 1
    while end < len(lines) and (not lines[end].strip() or len(lines[end]) - len(lines[end].lstrip()) > indent):
        end += 1
    root, problems = read(first_row.file, "\n".join(lines[start:end]))
    if problems or not isinstance(root, MapNode):
        return
    table = {key.text: value for key, value in root.entries}.get("table")
    if not isinstance(table, MapNode):
        return
    parts = {key.text: value for key, value in table.entries}
    headings, rows = _items(parts.get("when")), _items(parts.get("rows"))
    for column, heading in enumerate(headings):
        cells = [row.items[column] for row in rows if isinstance(row, ListNode) and column < len(row.items)]
        if len(cells) > 1 and all(_asks_nothing(cell) for cell in cells) and isinstance(heading, ScalarNode):
            yield Problem(
                first_row.file, heading.place.line + start, heading.place.column,
                f"No row of `{name}` asks for `{heading.text}`.", "Remove the column.", "warning",
            )  # fmt: skip


def _items(node: Node | None) -> tuple[Node, ...]:
    return node.items if isinstance(node, ListNode) else ()


def _asks_nothing(cell: Node) -> bool:
    return isinstance(cell, ScalarNode) and cell.plain and cell.text in _ASKS_NOTHING
