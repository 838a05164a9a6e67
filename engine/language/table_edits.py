"""Edits of a decision table: its cells, headings, rows, columns and hit policy. Rows and columns are counted from 0,
columns over those of `when` and then those of `then`."""

from __future__ import annotations

from collections.abc import Sequence

from engine.language.cells import cell_source, flow_scalar
from engine.language.rule_table import BECAUSE, HITS
from engine.language.spans import Span
from engine.language.splices import EditError, Splice
from engine.language.targets import Target


class _Table:
    """The table of the rule an edit names."""

    def __init__(self, target: Target) -> None:
        table = target.rule.get("table")
        if table is None or table.kind != "map":
            raise EditError("This rule has no table.")
        self.target, self.lists, self.node = target, target.lists, table
        self.when, self.then, self.rows = (self._list(key) for key in ("when", "then", "rows"))

    def _list(self, key: str) -> Span:
        node = self.node.get(key)
        if node is None or node.kind != "list":
            raise EditError(f"This table has no list `{key}:`. Mend it in the text first.")
        return node

    @property
    def headings(self) -> list[Span]:
        return [*self.when.items, *self.then.items]

    def row(self, name: str = "row") -> int:
        at = self.target.words.number(name)
        if at >= len(self.rows.items):
            raise EditError("There is no such row in this table.")
        if self.rows.items[at].kind != "list":
            raise EditError("This row is not a list of cells.")
        return at

    def column(self) -> int:
        at = self.target.words.number("column")
        if at >= len(self.headings):
            raise EditError("There is no such column in this table.")
        return at

    def heading(self, column: int) -> str:
        return self.headings[column].text

    def source(self, words: str, column: int) -> str:
        """How a cell of this column is written."""
        return self.source_under(words, self.heading(column), asks=column < len(self.when.items))

    @staticmethod
    def source_under(words: str, heading: str, *, asks: bool) -> str:
        try:
            source = cell_source(words, heading if not asks else "")
        except ValueError as error:
            raise EditError(str(error)) from None
        return "any" if asks and source == "~" else source


def set_cell(target: Target) -> list[Splice]:
    """Makes the cell in `row` and `column` say `text`: `any`, `~`, a value, a list, or an operator and a value."""
    table = _Table(target)
    row, column = table.rows.items[table.row()], table.column()
    if column >= len(row.items):
        raise EditError("This row has no such cell. Mend it in the text first.")
    cell = row.items[column]
    source = table.source(" ".join(target.words.text("text").split()), column)
    return [(cell.start, cell.end, source), *_padding(table, row, column, len(source) - (cell.end - cell.start))]


def _padding(table: _Table, row: Span, column: int, longer: int) -> list[Splice]:
    """Keeps the cells behind it in their columns, where the table is aligned and there is room."""
    if not row.flow or column + 1 >= len(row.items) or not longer:
        return []
    text, start = table.lists.text, row.items[column].end
    end = row.items[column + 1].start
    if text[start : start + 1] != "," or text[start + 1 : end].strip(" ") or not _aligned(table, column + 1):
        return []
    room = end - start - 1
    return [(start + 1, end, " " * max(1, room - longer))]


def _aligned(table: _Table, column: int) -> bool:
    starts = {row.items[column].column for row in table.rows.items if row.kind == "list" and column < len(row.items)}
    return len(starts) == 1


def set_heading(target: Target) -> list[Splice]:
    """Makes the heading of `column` say `text`: a field, with an operator or without, or an outcome."""
    table = _Table(target)
    heading = table.headings[table.column()]
    if heading.kind != "scalar":
        raise EditError("This heading is not text. Mend it in the text first.")
    return [table.lists.write(heading, flow_scalar(target.words.sentence()))]


def add_row(target: Target) -> list[Splice]:
    """Adds a row of `cells`, one for each column, at position `at`, by default behind the others."""
    table = _Table(target)
    cells = target.words.texts("cells")
    if len(cells) != len(table.headings):
        raise EditError(f"A row of this table has {len(table.headings)} cells.")
    sources = [table.source(" ".join(cell.split()), column) for column, cell in enumerate(cells)]
    at = min(target.words.number("at", len(table.rows.items)), len(table.rows.items))
    return _insert_row(table, at, f"[{', '.join(_spaced(table, sources))}]")


def _spaced(table: _Table, sources: Sequence[str]) -> Sequence[str]:
    """Cells with the blanks in front that keep an aligned table aligned."""
    first = table.rows.items[0] if table.rows.items else None
    columns = range(1, len(sources))
    if first is None or first.kind != "list" or len(first.items) != len(sources) or not first.flow:
        return sources
    if not all(_aligned(table, column) for column in columns):
        return sources
    widths = [first.items[c].column - first.items[c - 1].column for c in columns]
    padding = [max(0, width - len(source) - 2) for width, source in zip(widths, sources, strict=False)]
    return [sources[0], *(" " * blanks + source for blanks, source in zip(padding, sources[1:], strict=True))]


def _insert_row(table: _Table, at: int, source: str) -> list[Splice]:
    rows = table.rows
    if rows.flow:
        return [table.lists.insert_flow(rows, at, source)]
    return [table.lists.insert_block(rows, at, [f"{' ' * rows.column}- {source}"])]


def remove_row(target: Target) -> list[Splice]:
    """Takes out `row`. A table keeps at least one."""
    table = _Table(target)
    at = table.row()
    if len(table.rows.items) == 1:
        raise EditError("A table has at least one row. Add another first, or remove the rule.")
    return table.lists.remove_item(table.rows, at)


def move_row(target: Target) -> list[Splice]:
    """Moves `row` by so many places (`by`), or to position `to`, counted without it."""
    table = _Table(target)
    at, rows = table.row(), table.rows
    to = target.words.moved(at, len(rows.items) - 1, "to")
    if at == to:
        return []
    before = to + 1 if to > at else to
    if rows.flow:
        row = rows.items[at]
        added = table.lists.insert_flow(rows, before, table.lists.text[row.start : row.end])
    else:
        added = table.lists.insert_block(rows, before, table.lists.lines(*table.lists.item_lines(rows, at)))
    return [added, *table.lists.remove_item(rows, at)]


def add_column(target: Target) -> list[Splice]:
    """Adds a column `heading` to the `part` `when` or `then`, behind the others; every row gets the cell `text`."""
    table = _Table(target)
    part = target.words.text("part")
    if part not in ("when", "then"):
        raise EditError("A column stands under `when` or `then`.")
    asks = part == "when"
    headings = table.when if asks else table.then
    heading = target.words.sentence("heading")
    source = table.source_under(target.words.text("text", ""), heading, asks=asks)
    added = _append(table, headings, len(headings.items), flow_scalar(heading))
    at = len(table.when.items) if asks else len(table.headings)
    for row in _whole_rows(table):
        added += _append(table, row, at, source)
    return added


def _append(table: _Table, items: Span, at: int, source: str) -> list[Splice]:
    if items.flow:
        return [table.lists.insert_flow(items, at, source)]
    return [table.lists.insert_block(items, at, [f"{' ' * items.column}- {source}"])]


def remove_column(target: Target) -> list[Splice]:
    """Takes out `column` with all its cells. A table keeps at least one outcome."""
    table = _Table(target)
    column, asked = table.column(), len(table.when.items)
    outcomes = [heading.text for heading in table.then.items if heading.text != BECAUSE]
    if column >= asked and table.heading(column) != BECAUSE and len(outcomes) == 1:
        raise EditError("A table has at least one outcome. Add another column first.")
    if column < asked:
        headings, at = table.when, column
    else:
        headings, at = table.then, column - asked
    gone = _without(table, headings, at)
    for row in _whole_rows(table):
        gone += _without(table, row, column)
    return gone


def _without(table: _Table, items: Span, at: int) -> list[Splice]:
    if len(items.items) == 1:
        if items.flow:
            return [(items.start, items.end, "[]")]
        raise EditError("This is the last column here. Format the file first.")
    return table.lists.remove_item(items, at)


def _whole_rows(table: _Table) -> list[Span]:
    width = len(table.headings)
    if any(row.kind != "list" or len(row.items) != width for row in table.rows.items):
        raise EditError("Not every row has a cell for each heading. Mend them in the text first.")
    return table.rows.items


def set_hit(target: Target) -> list[Splice]:
    """Sets the hit policy of the table: `every` row that holds, or only the `first`."""
    table = _Table(target)
    hit = target.words.text("hit")
    if hit not in HITS:
        raise EditError("A hit policy is `every` or `first`.")
    at = table.node.entry("hit")
    if at >= 0:
        return [table.lists.write(table.node.items[at], hit)]
    if hit == HITS[0]:
        return []
    if table.node.flow:
        return [(table.node.start + 1, table.node.start + 1, f"hit: {hit}, ")]
    line = table.node.keys[0].line
    return [table.lists.insert_lines(line, [f"{' ' * table.node.column}hit: {hit}"])]
