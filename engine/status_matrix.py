"""The status matrix: what every shop is told of every step, and what the till does about every status of a shop.

Nothing of it is written down: each cell is what a rule book says about representative facts (`engine.status_scenes`), with
the merchant's own settings. Where the status that the shop shows already makes a difference, a cell is about the one it
usually shows by then, and lists the others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.compiled import CompiledBook
from engine.outcomes import effective_settings
from engine.platforms import PLATFORM, SHOPS, Platform
from engine.settings_json import typed_all
from engine.status_scenes import HERE, THERE, Happening, facts_of
from engine.types import Outcome, Value
from engine.vocabulary import VOCABULARY

TO_SHOP, TO_TILL = "status_to_shop", "status_to_till"
_STATUS, _PAYMENT = "set shop status", "set shop payment"
_MAIL = "mail customer"
_CARRIES_MAIL = frozenset({_STATUS, "send tracking", "ship fulfilment"})
"""Demands that the shop mails customers about. Without one of them there is nothing to mail."""
_ONCE = frozenset({"assign outlets in shop", "ship fulfilment"})
"""Demands that hold for as long as the order stands so, and are told once."""
_TYPES = ("delivery", "pickup")
PROGRESS_AT_TILL = ("new", "in_progress", "packed", "completed")
_REACHED = {"pack fulfilments": "packed", "complete fulfilments": "completed"}


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that is told. `ours` is our word for a status, `theirs` the word the shop's staff read; both are empty
    for demands without a status, whose one argument (`on_record`) is then in `how`."""

    demand: str
    group: str
    rule: str
    ours: str = ""
    theirs: str = ""
    how: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one run comes to: what is told, or why nothing is, and by which rule. `cannot` names our words that the rules
    ask for and this platform does not have."""

    told: tuple[Told, ...]
    reason: str
    rule: str
    cannot: tuple[str, ...] = ()

    def essence(self, groups: Collection[str] = ()) -> tuple[Any, ...]:
        """What it says, whoever says it and why; of demands of some `groups` only, if any are named."""
        told = (each for each in self.told if not groups or each.group in groups)
        return tuple((each.demand, each.ours, each.how) for each in told), self.cannot


@dataclass(frozen=True, slots=True)
class Unlike:
    """Where a cell does not hold: `field` (a field of the order) being one of `values`."""

    field: str
    values: tuple[str, ...]
    answer: Answer


@dataclass(frozen=True, slots=True)
class Cell:
    """One platform's answer in one row. `usual` is the status the shop is taken to show, `word` what its staff read
    there (for what a shop shows: its own word for the row)."""

    answer: Answer
    usual: str
    word: str
    exceptions: tuple[Unlike, ...] = ()


@dataclass(frozen=True)
class Row:
    """One row for one kind of order. `cells` has one entry per platform; None where the shop never shows such a thing."""

    happening: Happening
    fulfilment_type: str
    cells: Mapping[str, Cell | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Matrix:
    """Both directions. `rules` says of every rule that decided a cell where it stands."""

    to_shop: tuple[Row, ...]
    to_till: tuple[Row, ...]
    rules: Mapping[str, Mapping[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        return {
            "platforms": [{"name": name, "title": PLATFORM[name].title} for name in SHOPS],
            "to_shop": [_row_as_dict(row) for row in self.to_shop],
            "to_till": [_row_as_dict(row) for row in self.to_till],
            "rules": {name: dict(rule) for name, rule in self.rules.items()},
        }


def fill(book: CompiledBook, own: Mapping[str, Mapping[str, Any]]) -> Matrix:
    """The matrix of a rule book for a merchant whose own settings, by decision and name, are `own`.

    A decision that the book does not have leaves its table empty.
    """
    to_shop = tuple(_Filler(book, TO_SHOP, own).to_shop()) if TO_SHOP in book.book.decisions else ()
    to_till = tuple(_Filler(book, TO_TILL, own).to_till()) if TO_TILL in book.book.decisions else ()
    return Matrix(to_shop, to_till, _places(book, {*_rules_of(TO_SHOP, to_shop), *_rules_of(TO_TILL, to_till)}))


class _Filler:
    def __init__(self, book: CompiledBook, decision: str, own: Mapping[str, Mapping[str, Any]]) -> None:
        self.book, self.decision, self.spec = book, decision, VOCABULARY.decisions[decision]
        defaults = book.book.decisions[decision].settings
        self.settings, _ = effective_settings(defaults, typed_all(defaults, own.get(decision, {})))

    def to_shop(self) -> Iterator[Row]:
        left: dict[tuple[str, str, str], _Left] = {}
        for happening in HERE:
            for kind in happening.types:
                cells: dict[str, Cell | None] = {}
                for name in SHOPS:
                    before = left.get((happening.after, kind, name), _Left())
                    cell = cells[name] = self._shop_cell(happening, PLATFORM[name], kind, before)
                    left[happening.name, kind, name] = before.and_then(cell.answer)
                yield Row(happening, kind, cells)

    def _shop_cell(self, happening: Happening, platform: Platform, kind: str, before: _Left) -> Cell:
        usual = before.status or "awaiting_processing"
        told = {"told_shop_status": before.status} if before.status else {}

        def answer_to(status: str) -> Answer:
            return self._ask(happening, platform, kind, before.once, shop_status=status, **told)

        answer = answer_to(usual)
        others = [status for status in platform.shows if status not in (usual, _status_told(answer))]
        asked = ((status, answer_to(status)) for status in others)
        groups = () if "shop_status" in happening.about[:1] else happening.about[:-1]
        return Cell(answer, usual, platform.shows.get(usual, usual), _exceptions("shop_status", answer, asked, groups))

    def to_till(self) -> Iterator[Row]:
        for happening in THERE:
            for kind in _TYPES:
                yield Row(happening, kind, {name: self._till_cell(happening, PLATFORM[name], kind) for name in SHOPS})

    def _till_cell(self, happening: Happening, platform: Platform, kind: str) -> Cell | None:
        shown = str(happening.order.get("shop_status", ""))
        if shown and shown not in platform.shows:
            return None
        answer = self._ask(happening, platform, kind)
        reaches = next((_REACHED[each.demand] for each in answer.told if each.demand in _REACHED), "")
        nearer = PROGRESS_AT_TILL[1 : PROGRESS_AT_TILL.index(reaches)] if reaches else PROGRESS_AT_TILL[1:]
        further = ((status, self._ask(happening, platform, kind, fulfilment_status=status)) for status in nearer)
        exceptions = list(_exceptions("fulfilment_status", answer, further))
        if "payment_status" not in happening.order:
            unpaid = self._ask(happening, platform, kind, payment_status="unpaid", shop_payment_status="unpaid")
            exceptions += _exceptions("payment_status", answer, [("unpaid", unpaid)])
        return Cell(answer, PROGRESS_AT_TILL[0], platform.shows.get(shown, ""), tuple(exceptions))

    def _ask(self, happening: Happening, platform: Platform, kind: str, once: Collection[str] = (), **order: Value) -> Answer:
        """One run. `once` are demands that were met before and are not told again."""
        run = self.book.run(self.decision, facts_of(happening, platform.name, kind, **order), self.settings)
        wanted = [outcome for outcome in run.outcomes if self._tells(outcome) and outcome.name not in once]
        shows = str(order.get("shop_status", ""))
        told = [each for each in (self._told(outcome, platform, shows) for outcome in wanted) if each is not None]
        known = {(each.demand, each.ours, each.how): each for each in told}
        if not any(each.demand in _CARRIES_MAIL for each in told):
            known.pop((_MAIL, "", ""), None)
        leaves = {self.spec.by_name[o.name].group: o for o in reversed(run.outcomes) if o.name.startswith("leave ")}
        left = next((leaves[group] for group in happening.about if group in leaves), None)
        ranked = tuple(sorted(known.values(), key=lambda each: _rank(each, happening.about)))
        return Answer(
            ranked,
            "" if ranked else left.reason if left else "no rule says anything about it",
            ranked[0].rule if ranked else left.rule if left else "",
            tuple(_argument(outcome) or outcome.name for outcome in wanted if not _can(outcome, platform)),
        )

    def _tells(self, outcome: Outcome) -> bool:
        return not outcome.name.startswith("leave ") and not self.spec.by_name[outcome.name].derives

    def _told(self, outcome: Outcome, platform: Platform, shows: str) -> Told | None:
        """What a demand comes to; nothing when the platform cannot do it or the shop shows it already."""
        argument, group = _argument(outcome), self.spec.by_name[outcome.name].group
        if not _can(outcome, platform) or (outcome.name == _STATUS and argument == shows):
            return None
        if outcome.name == _STATUS:
            return Told(outcome.name, group, outcome.rule, argument, platform.shop_statuses[argument])
        if outcome.name == _PAYMENT:
            return Told(outcome.name, group, outcome.rule, argument, platform.payment_statuses[argument])
        return Told(outcome.name, group, outcome.rule, how=argument)


@dataclass(frozen=True, slots=True)
class _Left:
    """What earlier rows left behind: the status we told the shop last, and the demands that were met for good."""

    status: str = ""
    once: frozenset[str] = frozenset()

    def and_then(self, answer: Answer) -> _Left:
        return _Left(_status_told(answer) or self.status, self.once | {each.demand for each in answer.told if each.demand in _ONCE})


def _argument(outcome: Outcome) -> str:
    return str(next(iter(outcome.arguments.values()), ""))


def _can(outcome: Outcome, platform: Platform) -> bool:
    return platform.can(outcome.name, _argument(outcome))


def _rank(told: Told, about: Sequence[str]) -> tuple[bool, int]:
    """What the row is about comes first, the mail last."""
    return told.demand == _MAIL, about.index(told.group) if told.group in about else len(about)


def _status_told(answer: Answer) -> str:
    return next((each.ours for each in answer.told if each.demand == _STATUS), "")


def _exceptions(
    name: str, usual: Answer, asked: Iterable[tuple[str, Answer]], groups: Collection[str] = ()
) -> tuple[Unlike, ...]:
    """Those that tell something else than usual, put together where they agree with each other."""
    found: dict[tuple[Any, ...], tuple[list[str], Answer]] = {}
    for value, answer in asked:
        if answer.essence(groups) != usual.essence(groups):
            found.setdefault((answer.essence(), answer.reason), ([], answer))[0].append(value)
    return tuple(Unlike(name, tuple(values), answer) for values, answer in found.values())


def _rules_of(decision: str, rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
    for cell in (cell for row in rows for cell in row.cells.values() if cell is not None):
        for answer in (cell.answer, *(each.answer for each in cell.exceptions)):
            yield from ((decision, rule) for rule in (answer.rule, *(each.rule for each in answer.told)) if rule)


def _places(book: CompiledBook, wanted: set[tuple[str, str]]) -> dict[str, dict[str, Any]]:
    found = {}
    for decision, rules in sorted(book.book.decisions.items()):
        for rule in rules.rules:
            if (decision, rule.id) in wanted:
                found[f"{decision}/{rule.id}"] = {
                    "decision": decision, "id": rule.table or rule.id, "row": rule.row, "description": rule.description,
                    "own": bool(rule.layer), "file": rule.place.file, "line": rule.place.line,
                }  # fmt: skip
    return found


def _row_as_dict(row: Row) -> dict[str, Any]:
    decision = TO_TILL if row.happening.about[0].startswith("till_") else TO_SHOP
    return {
        "name": row.happening.name,
        "title": row.happening.title_for(row.fulfilment_type),
        "group": row.happening.group,
        "fulfilment_type": row.fulfilment_type,
        "cells": {name: _cell_as_dict(decision, cell) for name, cell in row.cells.items()},
    }


def _cell_as_dict(decision: str, cell: Cell | None) -> dict[str, Any] | None:
    if cell is None:
        return None
    return {
        **_answer_as_dict(decision, cell.answer), "usual": cell.usual, "word": cell.word,
        "exceptions": [
            {"field": each.field, "values": list(each.values), **_answer_as_dict(decision, each.answer)} for each in cell.exceptions
        ],
    }  # fmt: skip


def _answer_as_dict(decision: str, answer: Answer) -> dict[str, Any]:
    return {
        "updated": bool(answer.told),
        "told": [
            {"demand": each.demand, "ours": each.ours, "theirs": each.theirs, "how": each.how, "rule": f"{decision}/{each.rule}"}
            for each in answer.told
        ],
        "reason": answer.reason,
        "rule": f"{decision}/{answer.rule}" if answer.rule else "",
        "cannot": list(answer.cannot),
    }  # fmt: skip
