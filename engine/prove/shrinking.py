"""Orders made small enough to read: everything is taken away that is not needed for what they show, and what stays is made
plain. The engine is asked at every step, so what is left still shows it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, time
from decimal import Decimal

from engine.ast import Demand, Group, Path
from engine.language.strata import aggregates_of, conditions_of, paths_of
from engine.prove.questions import Case, Confirm, Questions
from engine.prove.world import ALWAYS_THERE
from engine.types import Fact, Money, Value

STEPS = 250
"""Most times the engine is asked for one order."""


def shrink(questions: Questions, case: Case, confirm: Confirm, mentioned: Iterable[Path]) -> Case:
    """The smallest order found that still shows it. `mentioned` are the fields that matter: of those, what our own records
    always have stays."""
    return _Shrinking(questions, case, confirm, frozenset((path.type, path.field) for path in mentioned)).run()


def mentioned(parts: Iterable[tuple[Group, Iterable[Demand]]]) -> Iterator[Path]:
    """The fields that conditions and demands speak of."""
    for when, demands in parts:
        for condition in conditions_of(when):
            yield from paths_of(condition)
        for aggregate in aggregates_of(when):
            yield Path(aggregate.type, aggregate.field)
            for inner in aggregate.where:
                yield from (side for side in (inner.left, inner.right, inner.upper) if isinstance(side, Path))
        for demand in demands:
            yield from (operand for operand in demand.slots.values() if isinstance(operand, Path))


class _Shrinking:
    def __init__(self, questions: Questions, case: Case, confirm: Confirm, matter: frozenset[tuple[str, str]]) -> None:
        self.questions = questions
        self.case = case
        self.confirm = confirm
        self.matter = matter
        self.steps = 0
        defaults = {**questions.decision.settings, **questions.merchant}
        self.settings = {name: value for name, value in case.settings.items() if value != defaults.get(name)}

    def run(self) -> Case:
        for names in (tuple(self.settings), *((name,) for name in self.settings)):
            self._try(self.case.facts, {name: v for name, v in self.settings.items() if name not in names})
        self._try(tuple(self._only(fact, lambda f, name: (f.type, name) in self.matter) for fact in self.case.facts))
        for fact in self.case.facts:
            if fact.type not in ALWAYS_THERE:
                self._without(fact)
        self._each_field(self._drop)
        self._each_field(self._simplify)
        return self.case

    def _try(self, facts: tuple[Fact, ...], settings: dict[str, Value] | None = None) -> bool:
        settings = self.settings if settings is None else settings
        if self.steps >= STEPS or self.questions.clock.left <= 0 or (facts == self.case.facts and settings == self.settings):
            return False
        self.steps += 1
        case = self.questions.answered(facts, settings)
        if not self.confirm(case):
            return False
        self.case, self.settings = case, settings
        return True

    @staticmethod
    def _only(fact: Fact, keep: Callable[[Fact, str], bool]) -> Fact:
        return Fact(fact.type, fact.id, {name: value for name, value in fact.values.items() if keep(fact, name)})

    def _without(self, fact: Fact) -> None:
        self._try(tuple(other for other in self.case.facts if (other.type, other.id) != (fact.type, fact.id)))

    def _each_field(self, step: Callable[[Fact, str], None]) -> None:
        for fact_type, fact_id, name in [(f.type, f.id, name) for f in self.case.facts for name in f.values]:
            fact = next((f for f in self.case.facts if (f.type, f.id) == (fact_type, fact_id)), None)
            if fact is not None and name in fact.values:
                step(fact, name)

    def _drop(self, fact: Fact, name: str) -> None:
        always = self.questions.survey.vocabulary.facts[fact.type].always
        if name not in always or (fact.type, name) not in self.matter:
            self._put(fact, {key: value for key, value in fact.values.items() if key != name})

    def _simplify(self, fact: Fact, name: str) -> None:
        held = fact.values[name]
        for value in _plainer(held, self.questions.survey.constants.get((fact.type, name), [])):
            if value == held or self._put(fact, {**fact.values, name: value}):
                return

    def _put(self, fact: Fact, values: dict[str, Value]) -> bool:
        new = Fact(fact.type, fact.id, values)
        return self._try(tuple(new if (f.type, f.id) == (fact.type, fact.id) else f for f in self.case.facts))


def _plainer(held: Value, constants: Iterable[Value]) -> Iterator[Value]:
    """Values of the same type that are plainer than this one, the plainest first."""
    known = [value for value in constants if type(value) is type(held)]
    match held:
        case bool() | str():
            return
        case Money(_, currency):
            yield from (Money(minor, currency) for minor in (1000, 0))
            for amount in known:
                if isinstance(amount, Money) and amount.currency == currency:
                    yield from (Money(amount.minor + step, currency) for step in (0, 1, -1))
        case tuple():
            yield ()
            yield from ((str(item),) for item in held)
        case int():
            yield from (1, 0, 2)
            yield from (number + step for number in known if isinstance(number, int) for step in (0, 1, -1))
        case Decimal():
            yield from (Decimal(1), Decimal(0), Decimal(2))
            yield from (number + step for number in known if isinstance(number, Decimal) for step in (0, 1, -1))
        case datetime():
            yield from known
            yield held.replace(minute=0, second=0, microsecond=0)
        case time():
            yield from known
            yield from (time(held.hour), held.replace(microsecond=0))
        case _:
            yield from known


def near(before: Value | None, after: Value | None, constants: Iterable[Value]) -> Iterator[Value]:
    """Values that could stand for `after`, the nearest to `before` first; without numbers in it, the plainest first."""
    if after is None or isinstance(after, bool | str):
        return
    plain = [value for value in _plainer(after, constants) if type(value) is type(after)]
    if isinstance(before, Money) and isinstance(after, Money):
        same = [value for value in plain if isinstance(value, Money) and value.currency == after.currency]
        yield from sorted(same, key=lambda value: abs(value.minor - before.minor))
    elif isinstance(before, int | Decimal) and not isinstance(before, bool):
        numbers = [value for value in plain if isinstance(value, int | Decimal)]
        yield from sorted(numbers, key=lambda value: abs(float(value) - float(before)))
    elif isinstance(after, tuple) and not isinstance(after, Money):
        held = before if isinstance(before, tuple) and not isinstance(before, Money) else ()
        yield (*held, *(item for item in after if item not in held))
        yield tuple(item for item in held if item in after)
    else:
        yield from plain
