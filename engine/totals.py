"""Counts and sums over the facts of a run.

`Known` is what every condition of a run may look at besides the facts bound to it: the settings, and all facts of each
type, for `count of lines where ...` and `sum of stock.available where ...`. A total that depends on bound facts is
worked out once for each of their values; facts joined by equality are looked up, not searched for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import prod

from engine.ast import Aggregate, Condition, Path, Rule
from engine.language.strata import aggregates_of, paths_of
from engine.types import Fact, Money, Value
from engine.values import MET, NOTHING, judge, kind

LOOKS = 200_000
"""Most looks at facts for one total of one rule before the rule is given up."""

_Key = tuple[tuple[str, Value | None], ...]


class Known(dict[str, Value]):
    """The settings of a run, and totals over its facts. Holds for one set of facts: a new round needs a new one."""

    def __init__(self, settings: Mapping[str, Value], facts: Mapping[str, Sequence[Fact]]) -> None:
        super().__init__(settings)
        self._facts = facts
        self._totals: dict[int, _Total] = {}

    def total(self, aggregate: Aggregate, bound: Mapping[str, Fact]) -> Value | None:
        """The count or sum for one combination of facts; None when a value that had to be added up is missing."""
        found = self._totals.get(id(aggregate))
        if found is None:
            found = self._totals[id(aggregate)] = _Total(aggregate, self._facts, self)
        return found.value(bound)


class _Total:
    """One aggregate over the facts of one round."""

    def __init__(self, aggregate: Aggregate, by_type: Mapping[str, Sequence[Fact]], settings: Known) -> None:
        self.aggregate = aggregate
        self._settings = settings
        plan = _plan(aggregate)
        self._is_wide = _is_wide(aggregate, plan, by_type)
        facts = by_type.get(aggregate.type, ())
        self._outer = plan.outer
        self._late = plan.late
        self._join = plan.join
        kept = [fact for fact in facts if self._holds(plan.own, fact, {})]
        self._kept: Sequence[Fact] = kept
        self._index: dict[tuple[str, Value], list[Fact]] = defaultdict(list)
        if self._join:
            for fact in kept:
                value = fact.values.get(self._join[0].field)
                if value is not None:
                    self._index[kind(value), value].append(fact)
        self._values: dict[_Key, Value | None] = {}

    def value(self, bound: Mapping[str, Fact]) -> Value | None:
        if self._is_wide:  # nobody will use it
            return None
        key = tuple([_kinded(bound, path) for path in self._outer])
        if key not in self._values:
            self._values[key] = self._work_out(bound)
        return self._values[key]

    def _work_out(self, bound: Mapping[str, Fact]) -> Value | None:
        facts: Iterable[Fact] = self._kept
        if self._join:
            of, value = _kinded(bound, self._join[1])
            facts = () if value is None else self._index.get((of, value), ())
        if self._late:
            facts = [fact for fact in facts if self._holds(self._late, fact, bound)]
        if self.aggregate.kind == "count":
            return len(list(facts))
        values = [fact.values.get(self.aggregate.field) for fact in facts]
        if not values:
            return NOTHING if self.aggregate.result == "money" else 0
        return added(values)

    def _holds(self, conditions: Sequence[Condition], fact: Fact, bound: Mapping[str, Fact]) -> bool:
        known = {**bound, self.aggregate.type: fact}
        return all(judge(condition, known, self._settings) == MET for condition in conditions)


def _kinded(bound: Mapping[str, Fact], path: Path) -> tuple[str, Value | None]:
    """A bound fact's value with its kind, for Python holds that True == 1."""
    fact = bound.get(path.type)
    value = None if fact is None else fact.values.get(path.field)
    return kind(value), value


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a total is worked out: conditions that ask about the facts gone through alone (`own`), an equality that finds
    them (`join`: their field and the bound fact's), the other conditions (`late`), and the bound fields that matter."""

    own: tuple[Condition, ...]
    join: tuple[Path, Path] | None
    late: tuple[Condition, ...]
    outer: tuple[Path, ...]


def _plan(aggregate: Aggregate) -> _Plan:
    crossing = [condition for condition in aggregate.where if _outer(condition, aggregate)]
    own = tuple(condition for condition in aggregate.where if not _outer(condition, aggregate))
    joins = ((condition, _join(condition, aggregate)) for condition in crossing)
    joined, join = next(((condition, join) for condition, join in joins if join), (None, None))
    late = tuple(condition for condition in crossing if condition is not joined)
    outer = tuple(dict.fromkeys(path for condition in crossing for path in _outer(condition, aggregate)))
    return _Plan(own, join, late, outer)


def _outer(condition: Condition, aggregate: Aggregate) -> list[Path]:
    return [path for path in paths_of(condition) if path.type not in (aggregate.type, "setting")]


def _join(condition: Condition, aggregate: Aggregate) -> tuple[Path, Path] | None:
    left, right = condition.left, condition.right
    if condition.operator != "is" or not isinstance(left, Path) or not isinstance(right, Path):
        return None
    own, other = (left, right) if left.type == aggregate.type else (right, left)
    return (own, other) if own.type == aggregate.type and other.type not in (aggregate.type, "setting") else None


def added(values: Sequence[Value | None]) -> Value | None:
    """The sum of numbers, or of amounts in one currency; None when one is missing or they cannot be added up."""
    amounts = [value for value in values if isinstance(value, Money)]
    if len(amounts) == len(values):
        currencies = {amount.currency for amount in amounts}
        return Money(sum(amount.minor for amount in amounts), currencies.pop()) if len(currencies) == 1 else None
    numbers = [value for value in values if isinstance(value, int | Decimal) and kind(value) == "number"]
    return sum(numbers) if len(numbers) == len(values) else None


def counts(rule: Rule) -> bool:
    """Whether a rule counts or adds up facts."""
    return next(aggregates_of(rule.when), None) is not None


def too_wide(rule: Rule, facts: Mapping[str, Sequence[Fact]]) -> bool:
    """Whether a total of this rule might take more than LOOKS looks at facts. Such a rule is given up before it is
    tried, by both evaluators alike."""
    return any(_is_wide(aggregate, _plan(aggregate), facts) for aggregate in aggregates_of(rule.when))


def _is_wide(aggregate: Aggregate, plan: _Plan, facts: Mapping[str, Sequence[Fact]]) -> bool:
    if plan.join or not plan.outer:
        return False
    combinations = prod(max(1, len(facts.get(name, ()))) for name in {path.type for path in plan.outer})
    return combinations * len(facts.get(aggregate.type, ())) > LOOKS
