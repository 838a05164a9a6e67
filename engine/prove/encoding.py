"""The rules of one decision over one world: which hold, which fire, what they demand, who comes first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

from engine.ast import Condition, Demand, Group, Literal, LiteralList, Path, Rule
from engine.prove.comparisons import Comparisons
from engine.prove.logic import Formula, Logic
from engine.prove.survey import SETTING, SLOT, Survey
from engine.prove.totals import Totals
from engine.prove.world import Binding, Term, World
from engine.types import Value
from engine.values import fits as value_fits
from engine.values import kind
from engine.vocabulary import OutcomeSpec, Slot

Guards = Mapping[Path, frozenset[Value]]
"""Values a field must have for a rule to hold, where the rule says so plainly."""


@dataclass(frozen=True, slots=True)
class Saying:
    """One demand of one rule. `rank` is the rule's place on the agenda."""

    rank: int
    rule: Rule
    index: int
    demand: Demand
    spec: OutcomeSpec

    @property
    def key(self) -> tuple[int, int]:
        """Where it stands among all demands."""
        return self.rank, self.index


class Encoding:
    """The rules of a decision as formulas over one world, made as they are needed."""

    def __init__(self, survey: Survey, world: World) -> None:
        self.survey = survey
        self.world = world
        self.logic: Logic = world.logic
        self.rules = tuple(sorted(survey.decision.rules, key=lambda rule: rule.key))
        self.totals = Totals(world, lambda condition, bound: self.comparisons.condition(condition, bound))
        self.comparisons = Comparisons(world, self.totals.term)
        self._holds: dict[tuple[str, tuple[int, ...]], Formula] = {}
        self._given: dict[tuple[tuple[int, int], tuple[int, ...]], Formula] = {}
        self._guards: dict[str, Guards] = {}
        self._anywhere: dict[tuple[int, int], Formula] = {}
        self._nowhere: dict[tuple[int, int], Formula] = {}
        self._link_derived()

    @cached_property
    def sayings(self) -> tuple[Saying, ...]:
        """All demands, in agenda order."""
        by_name = self.survey.spec.by_name
        return tuple(
            Saying(rank, rule, index, demand, by_name[demand.outcome])
            for rank, rule in enumerate(self.rules)
            for index, demand in enumerate(rule.then)
        )

    @cached_property
    def groups(self) -> Mapping[tuple[str, str], Sequence[Saying]]:
        """Demands that exclude each other, by group and the fact type they speak of, in agenda order."""
        groups: dict[tuple[str, str], list[Saying]] = defaultdict(list)
        for saying in self.sayings:
            if saying.spec.group:
                groups[saying.spec.group, saying.spec.target].append(saying)
        return groups

    @cached_property
    def tables(self) -> Mapping[str, Sequence[Rule]]:
        """The rows of each table, in order."""
        tables: dict[str, list[Rule]] = defaultdict(list)
        for rule in self.rules:
            if rule.table:
                tables[rule.table].append(rule)
        return tables

    # Combinations of facts

    def first(self, types: Iterable[str]) -> dict[str, int]:
        """The combination of the first fact of each type."""
        return dict.fromkeys(types, 0)

    def second(self, types: Iterable[str], target: str) -> dict[str, int]:
        """The second fact of each type there are two of; of `target`, still the first."""
        return {name: 0 if name == target else min(1, len(self.world.slots[name]) - 1) for name in types}

    def combinations(self, types: Sequence[str], target: str = "") -> Iterator[dict[str, int]]:
        """Every combination of the world's facts, the first of `target`."""
        choices = [range(1 if name == target else len(self.world.slots[name])) for name in types]
        for chosen in product(*choices):
            yield dict(zip(types, chosen, strict=True))

    # Rules

    def holds(self, rule: Rule, bound: Binding) -> Formula:
        """The conditions of a rule are met, and the facts it speaks of are there."""
        key = rule.id, tuple(bound[name] for name in rule.binds)
        if key not in self._holds:
            there = [self.world.there(name, bound[name]) for name in rule.binds]
            self._holds[key] = self.named(rule.id, self.logic.every((*there, self.comparisons.part(rule.when, bound))))
        return self._holds[key]

    def fires(self, rule: Rule, bound: Binding) -> Formula:
        """A rule holds, and no earlier row of its table takes the combination from it."""
        if rule.hit != "first":
            return self.holds(rule, bound)
        earlier = [row for row in self.tables[rule.table] if row.row < rule.row]
        silent = [self.logic.no(self.holds(row, bound)) for row in earlier if not self.disjoint(row, rule)]
        return self.logic.every((self.holds(rule, bound), *silent))

    def given(self, saying: Saying, bound: Binding) -> Formula:
        """A demand is made: the rule fires, and every slot has a value that fits."""
        key = saying.key, tuple(bound[name] for name in saying.rule.binds)
        if key not in self._given:
            slots = [self.fits(saying, slot, bound) for slot in saying.spec.slots]
            formula = self.logic.every((self.fires(saying.rule, bound), *slots))
            self._given[key] = self.named(f"{saying.rule.id} says", formula)
        return self._given[key]

    def given_at_all(self, saying: Saying) -> Formula:
        """A demand is made for the first fact of its target, by some combination of the world's facts."""
        key = saying.key
        if key not in self._anywhere:
            every = [self.given(saying, bound) for bound in self.combinations(saying.rule.binds, saying.spec.target)]
            self._anywhere[key] = every[0] if len(every) == 1 else self.named("any", self.logic.some(every))
        return self._anywhere[key]

    def not_given(self, saying: Saying) -> Formula:
        """No combination of the world's facts makes a demand for the first fact of its target."""
        if saying.key not in self._nowhere:
            self._nowhere[saying.key] = self.logic.no(self.given_at_all(saying))
        return self._nowhere[saying.key]

    def same_statement(self, one: Saying, bound: Binding, other: Saying, other_bound: Binding) -> Formula:
        """Two demands, both made for one target, say the same."""
        if one.demand.outcome != other.demand.outcome:
            return False
        mine, theirs = self._slots(one, bound), self._slots(other, other_bound)
        return self.logic.every(self.comparisons.same_value(a, b) for a, b in zip(mine, theirs, strict=True))

    def _slots(self, saying: Saying, bound: Binding) -> list[Term]:
        return [self._slot(saying, slot, bound) for slot in saying.spec.slots]

    def _slot(self, saying: Saying, slot: Slot, bound: Binding) -> Term:
        strings = self.survey.strings((SLOT, f"{saying.spec.name} {slot.name}"))
        return self.comparisons.operand(saying.demand.slots[slot.name], bound, strings)

    def fits(self, saying: Saying, slot: Slot, bound: Binding) -> Formula:
        operand = saying.demand.slots[slot.name]
        if isinstance(operand, Literal):
            return value_fits(operand.value, slot.type, slot.values)
        term = self._slot(saying, slot, bound)
        if slot.type != "enum":
            return term.present
        assert term.strings is not None
        allowed = [term.strings.numbers[value] for value in slot.values]
        return self.logic.every((term.present, self.logic.among(term.value, allowed, term.strings.top)))

    def named(self, name: str, formula: Formula) -> Formula:
        """A truth value of its own for a formula, so that questions are short."""
        if isinstance(formula, bool):
            return formula
        truth = self.logic.truth(name)
        self.world.add(truth == formula)
        return truth

    # What excludes what at a glance

    def disjoint(self, one: Rule, other: Rule, target: str = "") -> bool:
        """Whether two rules plainly cannot hold together, because they ask one field to be two things."""
        mine, theirs = self.guards(one), self.guards(other)
        if len(theirs) < len(mine):
            mine, theirs = theirs, mine
        facts, row = self.survey.vocabulary.facts, bool(one.table) and one.table == other.table
        return any(
            values.isdisjoint(theirs[path])
            for path, values in mine.items()
            if path in theirs and (row or path.type in (target, SETTING) or not facts[path.type].repeated)
        )

    def guards(self, rule: Rule) -> Guards:
        """The values its fields must have, where the rule says so plainly."""
        if rule.id not in self._guards:
            found: dict[Path, frozenset[Value]] = {}
            for path, values in _plain(rule.when):
                found[path] = found[path] & values if path in found else values
            self._guards[rule.id] = found
        return self._guards[rule.id]

    # Derived facts

    def _link_derived(self) -> None:
        """A derived field is as it stands when the rules look at it: whatever rules of this world add is in it. A field
        that is replaced takes its value from the first rule that says so, or from an earlier one about facts elsewhere."""
        for outcome in self.survey.spec.outcomes:
            name, _, of = outcome.derives.partition(".")
            if not outcome.derives or of not in {one.name for one in self.survey.fields.get(name, ())}:
                continue
            derivers = [saying for saying in self.sayings if saying.spec.name == outcome.name]
            for number, saying in enumerate(derivers):
                for bound in self.combinations(saying.rule.binds):
                    for slot in self._targets(saying, bound, name):
                        self._link(saying, bound, self.world.slots[name][slot].terms[of], derivers[:number], slot)

    def _targets(self, saying: Saying, bound: Binding, name: str) -> Iterable[int]:
        return (bound[name],) if saying.spec.target else range(len(self.world.slots[name]))

    def _link(self, saying: Saying, bound: Binding, term: Term, earlier: Sequence[Saying], slot: int) -> None:
        logic, value = self.logic, self._slots(saying, bound)[0]
        name = saying.spec.derives.partition(".")[0]
        there = self.world.there(name, slot)
        if not saying.spec.group:
            holds = self.comparisons.has(term, value)
            self.world.add(logic.implies(logic.every((self.given(saying, bound), there)), logic.every((term.present, holds))))
            return
        choices = [self.comparisons.same_value(term, value)]
        for other in earlier:
            for other_bound in self.combinations(other.rule.binds):
                if not other.spec.target or other_bound[name] == slot:
                    said = self.comparisons.same_value(term, self._slots(other, other_bound)[0])
                    alone = all(not self.survey.vocabulary.facts[t].repeated for t in other.rule.binds)
                    choices.append(logic.every((self.given(other, other_bound), said)) if alone else said)
        settled = logic.every((term.present, logic.some(choices)))
        self.world.add(logic.implies(logic.every((self.given(saying, bound), there)), settled))


def _plain(group: Group) -> Iterator[tuple[Path, frozenset[Value]]]:
    """The equalities that must hold for an `all` group to hold."""
    for child in group.children:
        if isinstance(child, Group):
            if child.kind == "all":
                yield from _plain(child)
        elif isinstance(child, Condition) and isinstance(child.left, Path):
            if child.operator == "is" and isinstance(child.right, Literal) and _hashable(child.right.value):
                yield child.left, frozenset((child.right.value,))
            elif child.operator == "in" and isinstance(child.right, LiteralList):
                yield child.left, frozenset(child.right.values)


def _hashable(value: Value) -> bool:
    return kind(value) in ("text", "boolean")
