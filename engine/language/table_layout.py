"""The rows of a decision table in columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.language.cells import cell_source, cell_words
from engine.language.spans import Span

MOST_PADDING = 40
"""A cell is not filled up with more blanks than this; one long text would push everything else off the page."""


def table_rows(
    rows: Sequence[Span], headings: Sequence[Sequence[str]], flow: Callable[[Span], str]
) -> list[str | None]:
    """Each row between brackets, cells below each other; None for a row that is not a list. `headings` are those of
    `when` and of `then`, `flow` writes a cell that cannot be said in better form."""
    asked = len(headings[0])
    names = [*headings[0], *headings[1]]
    cells = [
        [_cell(cell, names[at] if asked <= at < len(names) else "", at < asked, flow) for at, cell in enumerate(row.items)]
        if row.kind == "list"
        else None
        for row in rows
    ]
    whole = [row for row in cells if row is not None and len(row) == len(names)]
    widths = [max((len(row[at]) for row in whole), default=0) for at in range(len(names))]
    return [None if row is None else _row(row, widths if len(row) == len(names) else ()) for row in cells]


def _cell(cell: Span, heading: str, asks: bool, flow: Callable[[Span], str]) -> str:
    words = cell_words(cell, heading)
    if words == "~":
        return "any" if asks else "~"
    try:
        source = cell_source(words, heading)
    except ValueError:
        return flow(cell)
    return source if source != "~" else flow(cell)


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    written = [f"{cell}," for cell in cells[:-1]] + list(cells[-1:])
    for at, width in enumerate(widths[:-1]):
        if width - len(cells[at]) <= MOST_PADDING:
            written[at] = written[at].ljust(width + 1)
    return f"[{' '.join(written)}]"
