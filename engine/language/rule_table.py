"""Decision tables: many small rules as rows. Every row becomes the sentences of one rule.

    table:
      when: [fulfilment.status, order.total, shop.platform]
      then: [set shop status, because]
      rows:
        - [packed,             any,        [shopify, magento], ready_for_pickup, the customer may come]
        - [[packed, completed], "< 50 EUR", any,               shipped,          ~]

`hit: first` makes only the first row that holds count, for each combination of facts; without it (`hit: every`) all rows
that hold do.

A heading under `when` is a field, with an operator behind it or without (`is`, or `in` for a list). A heading under
`then` is an outcome, its cell what its slot takes; `because` gives the row's reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from engine.ast import Place
from engine.language.checker import At
from engine.language.demands import form_parts
from engine.language.sentences import nearest, quote
from engine.language.yaml_nodes import ListNode, MapNode, Node, ScalarNode
from engine.vocabulary import DecisionSpec, OutcomeSpec

ROWS = 10_000
"""Most rows of one table."""
ANY = "any"
BECAUSE = "because"
NOTHING = ("~", "null", "")
EVERY, FIRST = "every", "first"
HITS = (EVERY, FIRST)
"""The hit policies of a table: every row that holds counts, or only the first."""
_KEYS = ("when", "then", "rows")
_SIGN = re.compile(r"\s*[<>]")
_WORDY = re.compile(r"(is|is not|in|not in|exists|contains|starts with|matches|between|before|after)(\s|$)")

Report = Callable[[Place, str, str], None]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A condition or demand put together from a heading and a cell, and where its characters stand."""

    text: str
    at: At


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number, counted from 1, its place, and its sentences."""

    number: int
    place: Place
    when: tuple[Sentence, ...]
    then: tuple[Sentence, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its hit policy and its rows."""

    hit: str = EVERY
    rows: tuple[Row, ...] = ()


def read_table(node: Node, spec: DecisionSpec, report: Report) -> Table:
    """A table. What is wrong with its shape is reported; what is wrong with a sentence, its checker will say."""
    parts = _parts(node, report)
    if parts is None:
        return Table()
    headings, outcomes, rows = parts
    if len(rows) > ROWS:
        report(node.place, f"A table has at most {ROWS:,} rows; this one has {len(rows):,}.", "")
        return Table()
    columns = _columns(outcomes, spec, report)
    if columns is None:
        return Table()
    found = []
    for number, row in enumerate(rows, 1):
        if not isinstance(row, ListNode) or len(row.items) != len(headings) + len(columns):
            width = len(headings) + len(columns)
            report(
                row.place,
                f"Row {number} does not have {width} cells.",
                "Write one cell for each heading, `any` or `~` where none is needed.",
            )
            continue
        cells = row.items
        when = _conditions(headings, cells[: len(headings)], report)
        then = _demands(columns, cells[len(headings) :], report)
        found.append(Row(number, row.place, tuple(when), tuple(then)))
    policy = next((value for key, value in node.entries if key.text == "hit"), None) if isinstance(node, MapNode) else None
    return Table(EVERY if policy is None else read_hit(policy, report), tuple(found))


def read_hit(node: Node, report: Report) -> str:
    """A hit policy."""
    if isinstance(node, ScalarNode) and node.text in HITS:
        return node.text
    report(node.place, "A hit policy is `every` or `first`.", "`first`: only the first row that holds counts.")
    return EVERY


def _parts(node: Node, report: Report) -> tuple[list[ScalarNode], list[ScalarNode], Sequence[Node]] | None:
    """Headings of `when` and `then`, and the rows."""
    entries = {key.text: value for key, value in node.entries} if isinstance(node, MapNode) else {}
    lists = [entries.get(key) for key in _KEYS]
    if set(entries) - {"hit"} != set(_KEYS) or not all(isinstance(part, ListNode) for part in lists):
        report(
            node.place,
            "A table has three lists: `when`, `then` and `rows`.",
            "Write headings under `when` and `then`, a list for each row.",
        )
        return None
    when, then, rows = (part.items if isinstance(part, ListNode) else () for part in lists)
    headings = [cell for cell in (*when, *then) if isinstance(cell, ScalarNode) and cell.text.strip()]
    if len(headings) < len(when) + len(then) or not then or not rows:
        report(
            node.place,
            "A heading of this table is not text, or it has no outcome or no row.",
            "Every column has a heading.",
        )
        return None
    return headings[: len(when)], headings[len(when) :], rows


def _columns(headings: Sequence[ScalarNode], spec: DecisionSpec, report: Report) -> list[OutcomeSpec | None] | None:
    """The outcome of each heading under `then`, None for `because`; None altogether when a heading is no outcome."""
    columns = [spec.by_name.get(heading.text) for heading in headings]
    fitting = [known.name for known in spec.outcomes if len(known.slots) <= 1]
    wrong = [heading for heading in headings if heading.text not in (*fitting, BECAUSE)]
    for heading in wrong:
        close = nearest(heading.text, fitting)
        hint = f"Did you mean `{close}`?" if close else f"There are: {', '.join(sorted(fitting))}."
        report(heading.place, f"`{heading.text[:60]}` is not an outcome a column can give.", hint)
    return None if wrong else columns


def _conditions(headings: Sequence[ScalarNode], cells: Sequence[Node], report: Report) -> Iterator[Sentence]:
    for heading, cell in zip(headings, cells, strict=True):
        if isinstance(cell, ScalarNode) and cell.plain and cell.text in (ANY, *NOTHING):
            continue
        words = _cell(cell, report)
        if words is None:
            continue
        has_operator = len(heading.text.split()) > 1
        if has_operator or _begins_with_operator(cell):
            start = f"{heading.text} "
        else:
            start = f"{heading.text} {'in' if isinstance(cell, ListNode) else 'is'} "
        yield Sentence(start + words, _at(heading, cell, len(start)))


def _begins_with_operator(cell: Node) -> bool:
    if not isinstance(cell, ScalarNode):
        return False
    return bool(_SIGN.match(cell.text)) or (cell.plain and bool(_WORDY.match(cell.text)))


def _cell(cell: Node, report: Report) -> str | None:
    """What a cell contributes to its sentence: what it says, text in YAML's quotes as quoted text, a list in brackets."""
    if isinstance(cell, ScalarNode):
        return cell.text if cell.plain or _SIGN.match(cell.text) else quote(cell.text)
    if isinstance(cell, ListNode) and all(isinstance(item, ScalarNode) for item in cell.items):
        return "[" + ", ".join(_cell(item, report) or "" for item in cell.items) + "]"
    report(cell.place, "A cell is one value or a list of values.", "")
    return None


def _at(heading: ScalarNode, cell: Node, start: int) -> At:
    """Places in a sentence: the heading's part stands in the heading, the cell's part in the cell."""

    def at(offset: int) -> Place:
        if offset < min(start, len(heading.text)):
            return heading.at(offset)
        return cell.at(max(0, offset - start)) if isinstance(cell, ScalarNode) and cell.plain else cell.place

    return at


def _demands(columns: Sequence[OutcomeSpec | None], cells: Sequence[Node], report: Report) -> Iterator[Sentence]:
    reasons = [cell for outcome, cell in zip(columns, cells, strict=True) if outcome is None and not _is_nothing(cell)]
    reason = "".join(f" because {quote(cell.text)}" for cell in reasons[:1] if isinstance(cell, ScalarNode))
    for outcome, cell in zip(columns, cells, strict=True):
        if outcome is None or _is_nothing(cell):
            continue
        words = _cell(cell, report)
        if words is None:
            continue
        if not outcome.slots and words != "yes":
            report(cell.place, f"`{outcome.name}` takes `yes` or `~`.", "")
            continue
        yield _demand(outcome, cell, words, reason)


def _is_nothing(cell: Node) -> bool:
    return isinstance(cell, ScalarNode) and cell.plain and cell.text in NOTHING


def _demand(outcome: OutcomeSpec, cell: Node, words: str, reason: str) -> Sentence:
    parts = form_parts(outcome.form)
    text = " ".join(words if is_slot else part for part, is_slot in parts)
    fixed_start = " ".join(part for part, _ in takewhile(lambda part: not part[1], parts))

    def at(offset: int) -> Place:
        inside = max(0, offset - len(fixed_start) - 1)
        return cell.at(inside) if isinstance(cell, ScalarNode) and cell.plain else cell.place

    return Sentence(text + reason, at)
