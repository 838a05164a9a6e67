"""Counts and sums as terms. Over the facts of the world they are what `engine.totals` makes of them; asked without
`exact` there may be any number of facts more, of which nothing is known."""

from __future__ import annotations

from collections.abc import Callable

import z3

from engine.ast import Aggregate, Condition, Path
from engine.language.strata import paths_of
from engine.prove.logic import Formula, Number
from engine.prove.world import Binding, Term, World

Condition_ = Callable[[Condition, Binding], Formula]
_Key = tuple[Aggregate, tuple[tuple[str, int], ...]]


class Totals:
    """The terms of counts and sums over one world. `holds` makes a formula of a condition."""

    def __init__(self, world: World, holds: Condition_) -> None:
        self.world = world
        self.logic = world.logic
        self._holds = holds
        self._known: dict[_Key, Term] = {}

    def term(self, aggregate: Aggregate, bound: Binding) -> Term:
        """The count or sum for a combination of facts."""
        outer = {path.type for condition in aggregate.where for path in paths_of(condition)} - {aggregate.type, "setting"}
        key = aggregate, tuple(sorted((name, bound[name]) for name in outer))
        if key not in self._known:
            counted = self._counted(aggregate, bound)
            self._known[key] = self._count(counted) if aggregate.kind == "count" else self._sum(aggregate, counted)
        return self._known[key]

    def _counted(self, aggregate: Aggregate, bound: Binding) -> list[Formula]:
        """Of each fact of the type, whether it counts."""
        counted = []
        for number, slot in enumerate(self.world.slots[aggregate.type]):
            within = {**bound, aggregate.type: number}
            counts = self.logic.every((slot.there, *(self._holds(condition, within) for condition in aggregate.where)))
            counted.append(self._named(counts))
        return counted

    def _named(self, formula: Formula) -> Formula:
        if isinstance(formula, bool):
            return formula
        name = self.logic.truth("counts")
        self.world.add(name == formula)
        return name

    def _count(self, counted: list[Formula]) -> Term:
        here = self._added(self.logic.choose(one, 1, 0) for one in counted)
        more = self.logic.number("more")
        self.world.add(more >= 0)
        self.world.add(self.logic.implies(self.world.exact, more == 0))
        return Term("number", True, here + more, name=str(more))

    def _sum(self, aggregate: Aggregate, counted: list[Formula]) -> Term:
        logic, world = self.logic, self.world
        path = Path(aggregate.type, aggregate.field)
        terms = [world.term(path, {aggregate.type: number}) for number in range(len(counted))]
        here = self._added(logic.choose(one, term.value, 0) for one, term in zip(counted, terms, strict=True))
        more, known = logic.number("more"), logic.truth("sum?")
        lacking = logic.some(logic.every((one, logic.no(t.present))) for one, t in zip(counted, terms, strict=True))
        if terms[0].kind == "money":
            return self._amount(counted, terms, here + more, more, known, lacking)
        world.add(logic.implies(lacking, logic.no(known)))
        exactly = logic.every((more == 0, logic.same(known, logic.no(lacking))))
        world.add(logic.implies(world.exact, exactly))
        return Term("number", known, here + more, terms[0].scale, name=str(more))

    def _amount(
        self, counted: list[Formula], terms: list[Term], total: Number, more: Number, known: Formula, lacking: Formula
    ) -> Term:
        """A sum of money: missing when currencies differ, in any currency when there is nothing to add up."""
        logic, world = self.logic, self.world
        currency, nothing = logic.number("sum in"), logic.truth("no amounts")
        same = logic.every(logic.implies(one, t.currency == currency) for one, t in zip(counted, terms, strict=True))
        some = logic.some(counted)
        pairs = list(zip(counted, terms, strict=True))
        mixed = logic.some(
            logic.every((one, other, t.currency != u.currency))
            for number, (one, t) in enumerate(pairs)
            for other, u in pairs[number + 1 :]
        )
        world.add(logic.every((currency >= 0, currency < len(world.survey.currencies))))
        world.add(logic.implies(some, logic.no(nothing)))
        world.add(logic.implies(nothing, logic.every((known, more == 0))))
        world.add(logic.implies(logic.some((lacking, mixed)), logic.no(known)))
        world.add(logic.implies(known, same))
        exactly = logic.every((
            more == 0,
            logic.same(known, logic.no(logic.some((lacking, mixed)))),
            logic.same(nothing, logic.no(some)),
        ))  # fmt: skip
        world.add(logic.implies(world.exact, exactly))
        return Term("money", known, total, currency=currency, any_currency=nothing, name=str(more))

    def _added(self, numbers: object) -> Number:
        return z3.Sum([self.logic.whole(number) for number in numbers])  # type: ignore[attr-defined]
