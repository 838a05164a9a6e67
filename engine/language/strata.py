"""In which round each rule may be judged, so that it sees every derived fact it asks about.

A rule that reads a derived field comes in a later stratum than all rules that derive it. For list fields this holds
for each element by itself: a rule that asks `order.tags contains fragile` waits for the rules that may add `fragile`,
not for those that add other tags, so one tag may follow from another.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter

from engine.ast import Aggregate, Condition, Group, Literal, Path, Rule
from engine.types import Problem
from engine.vocabulary import DecisionSpec

_ALL = ("all",)  # read by those who look at a field as a whole; fed by everybody who derives it
_SOME = ("some",)  # fed by those whose element is only known when they hold; read by everybody

_Cell = tuple[str, tuple[str, ...]]


def conditions_of(group: Group) -> Iterator[Condition]:
    """Every condition of a group, in the order it was written."""
    for child in group.children:
        if isinstance(child, Group):
            yield from conditions_of(child)
        else:
            yield child


def paths_of(condition: Condition) -> Iterator[Path]:
    """The fields of bound facts and the settings that a condition speaks of; inside an aggregate, not those of the facts
    it goes through."""
    for side in (condition.left, condition.right, condition.upper):
        if isinstance(side, Path):
            yield side
        elif isinstance(side, Aggregate):
            yield from (path for inner in side.where for path in paths_of(inner) if path.type != side.type)


def every_condition_of(group: Group) -> Iterator[Condition]:
    """Every condition of a group, and those by which its counts and sums choose facts."""
    for condition in conditions_of(group):
        yield condition
        if isinstance(condition.left, Aggregate):
            yield from condition.left.where


def aggregates_of(group: Group) -> Iterator[Aggregate]:
    """Every count and sum of a group."""
    return (c.left for c in conditions_of(group) if isinstance(c.left, Aggregate))


def stratify(rules: Sequence[Rule], spec: DecisionSpec) -> tuple[tuple[Rule, ...], tuple[Problem, ...]]:
    """The rules with their strata filled in, or the problem that some of them wait for one another."""
    derived = {outcome.derives for outcome in spec.outcomes if outcome.derives}
    graph: dict[object, set[object]] = {}
    tables: dict[str, int] = {}  # the rows of a table of which the first hit counts are judged together
    numbers = [tables.setdefault(r.table, at) if r.hit == "first" else at for at, r in enumerate(rules)]
    for number, rule in zip(numbers, rules, strict=True):
        graph.setdefault(number, set()).update(_reads(rule, derived))
        for cell in _derives(rule, spec):
            graph.setdefault(cell, set()).add(number)
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        return tuple(rules), (_cycle([rules[node] for node in error.args[1] if isinstance(node, int)]),)
    strata: dict[object, int] = {}
    for node in order:
        step = 0 if isinstance(node, int) else 1
        strata[node] = max((strata[earlier] + step for earlier in graph.get(node, ())), default=0)
    return tuple(replace(rule, stratum=strata[number]) for number, rule in zip(numbers, rules, strict=True)), ()


_SHOWN = 8
"""Of a longer circle, not every rule is named."""


def _cycle(rules: Sequence[Rule]) -> Problem:
    names = list(dict.fromkeys(rule.id for rule in reversed(rules)))
    place = rules[0].place
    if len(names) == 1:
        message = f"The rule `{names[0]}` derives a fact that it asks about itself."
    else:
        shown = names if len(names) <= _SHOWN else [*names[: _SHOWN - 1], f"{len(names) - _SHOWN + 1} more"]
        message = f"These rules wait for one another's derived facts: {' -> '.join([*shown, names[0]])}."
    return Problem(place.file, place.line, place.column, message, "Let one of them ask about something else.")


def _reads(rule: Rule, derived: Iterable[str]) -> Iterator[_Cell]:
    derived = set(derived)
    for condition in conditions_of(rule.when):
        yield from _asks(condition, derived)
        if isinstance(condition.left, Aggregate):
            if (summed := f"{condition.left.type}.{condition.left.field}") in derived:
                yield summed, _ALL
            for inner in condition.left.where:
                yield from _asks(inner, derived)
    for demand in rule.then:
        slots = demand.slots.values()
        yield from ((str(slot), _ALL) for slot in slots if isinstance(slot, Path) and str(slot) in derived)


def _asks(condition: Condition, derived: Collection[str]) -> Iterator[_Cell]:
    """What of the derived fields one condition looks at."""
    sides = (condition.left, condition.right, condition.upper)
    element = condition.right
    if condition.operator == "contains" and isinstance(element, Literal) and str(condition.left) in derived:
        yield str(condition.left), ("element", str(element.value))
        yield str(condition.left), _SOME
    else:
        yield from ((str(side), _ALL) for side in sides if isinstance(side, Path) and str(side) in derived)


def _derives(rule: Rule, spec: DecisionSpec) -> Iterator[_Cell]:
    for demand in rule.then:
        field = spec.by_name[demand.outcome].derives
        if not field:
            continue
        yield field, _ALL
        value = next(iter(demand.slots.values()))
        yield field, ("element", str(value.value)) if isinstance(value, Literal) else _SOME
