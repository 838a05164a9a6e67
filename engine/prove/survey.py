"""What the rules of one decision look at: fields, texts, amounts and numbers, counts and sums."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from engine.ast import Aggregate, Condition, DecisionRules, Demand, Group, Literal, LiteralList, Operand, Path
from engine.language.checker import setting_type
from engine.language.strata import conditions_of
from engine.prove.texts import Family, Strings
from engine.types import Fact, Money, Value
from engine.vocabulary import DecisionSpec, Field, Vocabulary

Key = tuple[str, str]
"""A field: its type and name. Settings are of type `setting`, slots of outcomes of type `slot`."""

TEXTUAL = ("text", "enum", "list")
SETTING, SLOT = "setting", "slot"
AGGREGATED = 3
"""Facts of a type that is counted or added up, in one order looked at."""
EXACTNESS = 2
"""Decimals by which numbers looked at are finer than those the rules name."""


@dataclass
class Survey:
    """What is looked at. `fields` are the fields of each fact type that matter, in the vocabulary's order; `counted` the
    types that are counted or added up; `inexact` what keeps claims from being complete, in words."""

    decision: DecisionRules
    spec: DecisionSpec
    vocabulary: Vocabulary
    fields: dict[str, list[Field]] = field(default_factory=dict)
    settings: set[str] = field(default_factory=set)
    counted: set[str] = field(default_factory=set)
    types: set[str] = field(default_factory=set)
    constants: dict[Key, list[Value]] = field(default_factory=lambda: defaultdict(list))
    currencies: list[str] = field(default_factory=list)
    decimals: int = 0
    exact_numbers: bool = True
    inexact: bool = False
    setting_values: dict[str, list[Value]] = field(default_factory=dict)
    _parents: dict[Key, Key] = field(default_factory=dict)
    _families: dict[Key, Family] = field(default_factory=dict)
    _strings: dict[Key, Strings] = field(default_factory=dict)

    @property
    def scale(self) -> int:
        """By what numbers with decimals are multiplied to be whole."""
        return 1 if self.exact_numbers else int(10 ** (self.decimals + EXACTNESS))

    def field_type(self, key: Key) -> str:
        """The field type of a field or setting."""
        if key[0] == SETTING:
            return setting_type(self.decision.settings[key[1]])
        return self.vocabulary.facts[key[0]].by_name[key[1]].type

    def strings(self, key: Key) -> Strings:
        """The texts that stand for all texts of a field."""
        root = self._root(key)
        if root not in self._strings:
            self._strings[root] = self._families.get(root, Family()).strings()
        return self._strings[root]

    def family(self, key: Key) -> Family:
        return self._families.setdefault(self._root(key), Family())

    def _root(self, key: Key) -> Key:
        while (parent := self._parents.get(key, key)) != key:
            key = parent
        return key

    def join(self, one: Key, other: Key) -> None:
        """Texts of the two are compared with each other."""
        first, second = self._root(one), self._root(other)
        if first == second:
            self.family(first).compared = True
            return
        mine, theirs = self.family(first), self._families.pop(second, Family())
        self._parents[second] = first
        for name in ("words", "beginnings", "parts", "patterns", "looks"):
            getattr(mine, name).update(getattr(theirs, name))
        mine.closed = mine.closed and theirs.closed
        mine.compared = True
        mine.holders += theirs.holders


def survey(
    decision: DecisionRules,
    spec: DecisionSpec,
    vocabulary: Vocabulary,
    merchant: Mapping[str, Value],
    facts: Iterable[Fact] = (),
    holders: int = 2,
) -> Survey:
    """What the rules and invariants of a decision look at. `merchant` are settings that are worth trying, `facts` stored
    facts whose texts are to be told apart, `holders` the facts of each repeated type."""
    return _Surveyor(Survey(decision, spec, vocabulary), holders).look(merchant, facts)


class _Surveyor:
    def __init__(self, found: Survey, holders: int) -> None:
        self.found = found
        self.holders = holders
        self.used: set[Key] = set()

    def look(self, merchant: Mapping[str, Value], facts: Iterable[Fact]) -> Survey:
        found, decision = self.found, self.found.decision
        found.setting_values = {name: [value] for name, value in decision.settings.items()}
        for name, value in merchant.items():
            if name in decision.settings:
                found.setting_values[name].append(value)
        for rule in decision.rules:
            self._group(rule.when)
            self._demands(rule.then)
            found.types.update(rule.binds)
        for invariant in decision.invariants:
            self._group(invariant.when)
            self._demands((*invariant.never, *invariant.always))
            found.types.update(invariant.binds)
        self._derivations()
        self._hold()
        self._stored(facts)
        self._finish()
        return found

    def _group(self, group: Group) -> None:
        for condition in conditions_of(group):
            self._condition(condition)

    def _condition(self, condition: Condition) -> None:
        left = condition.left
        if isinstance(left, Aggregate):
            self._aggregate(left, condition)
            return
        self._use(left)
        for side in (condition.right, condition.upper):
            self._side(_key(left), condition.operator, side)

    def _aggregate(self, aggregate: Aggregate, condition: Condition) -> None:
        self.found.counted.add(aggregate.type)
        self.found.types.add(aggregate.type)
        self.found.inexact = True
        key = (aggregate.type, aggregate.field)
        if aggregate.field:
            self._use(Path(*key))
        for inner in aggregate.where:
            self._condition(inner)
        for side in (condition.right, condition.upper):
            if isinstance(side, Path):
                self._use(side)
            for value in _values(side):
                self._number(value)
                if aggregate.field:
                    self.found.constants[key].append(value)

    def _side(self, left: Key, operator: str, side: Operand | None) -> None:
        if isinstance(side, Path):
            self._use(side)
            if self.found.field_type(left) in TEXTUAL:
                self.found.join(left, _key(side))
                self.found.inexact = self.found.inexact or operator in ("contains", "starts with")
            return
        for value in _values(side):
            self._number(value)
            if isinstance(value, str):
                self._text(left, operator, value)
            else:
                self.found.constants[left].append(value)

    def _text(self, key: Key, operator: str, text: str) -> None:
        family, of = self.found.family(key), self.found.field_type(key)
        if operator == "starts with":
            family.beginnings.add(text)
        elif operator == "matches" or (operator == "contains" and of != "list"):
            (family.patterns if operator == "matches" else family.parts).add(text)
            self.found.inexact = True
        else:
            family.words.add(text)

    def _number(self, value: Value) -> None:
        if isinstance(value, Decimal):
            self.found.exact_numbers = False
            exponent = value.normalize().as_tuple().exponent
            self.found.decimals = max(self.found.decimals, -exponent if isinstance(exponent, int) else 0)
        elif isinstance(value, Money) and value.currency not in self.found.currencies:
            self.found.currencies.append(value.currency)

    def _demands(self, demands: Sequence[Demand]) -> None:
        for demand in demands:
            outcome = self.found.spec.by_name[demand.outcome]
            if outcome.target:
                self.found.types.add(outcome.target)
            for slot in outcome.slots:
                key = SLOT, f"{outcome.name} {slot.name}"
                family = self.found.family(key)
                family.words.update(slot.values)
                operand = demand.slots[slot.name]
                if isinstance(operand, Path):
                    self._use(operand)
                    if self.found.field_type(_key(operand)) in TEXTUAL:
                        self.found.join(key, _key(operand))
                for value in _values(operand):
                    self._number(value)
                    self.found.family(key).words.update(_texts(value))

    def _derivations(self) -> None:
        """Texts that are added to derived fields somebody asks about are compared with what is asked."""
        for outcome in self.found.spec.outcomes:
            name, _, of = outcome.derives.partition(".")
            if outcome.derives and (name, of) in self.used:
                self.found.join((name, of), (SLOT, f"{outcome.name} {outcome.slots[0].name}"))

    def _use(self, path: Path) -> None:
        key = _key(path)
        if key in self.used:
            return
        self.used.add(key)
        if key[0] == SETTING:
            self.found.settings.add(key[1])
        else:
            self.found.types.add(key[0])

    def _hold(self) -> None:
        """How many texts each family may have to tell apart, and what its fields look like."""
        for key in sorted(self.used):
            of = self.found.field_type(key)
            if of not in TEXTUAL:
                continue
            family = self.found.family(key)
            fact_type = self.found.vocabulary.facts.get(key[0])
            repeated = fact_type is not None and fact_type.repeated
            family.holders += max(self.holders, AGGREGATED if key[0] in self.found.counted else 1) if repeated else 1
            if of == "enum" and fact_type is not None:
                family.words.update(fact_type.by_name[key[1]].values)
            else:
                family.closed = False
                family.looks.update(part for part in key[1].replace("_", ".").split("."))
            if key[0] == SETTING:
                family.words.update(t for value in self.found.setting_values[key[1]] for t in _texts(value))

    def _stored(self, facts: Iterable[Fact]) -> None:
        for fact in facts:
            for name, value in fact.values.items():
                if (fact.type, name) in self.used:
                    self._number(value)
                    if self.found.field_type((fact.type, name)) in TEXTUAL:
                        self.found.family((fact.type, name)).words.update(_texts(value))

    def _finish(self) -> None:
        found = self.found
        for name in sorted(found.types):
            fields = found.vocabulary.facts[name].fields
            found.fields[name] = [one for one in fields if (name, one.name) in self.used]
        for name in found.settings:
            for value in found.setting_values[name]:
                self._number(value)
        if any(self.found.field_type(key) == "number" for key in self.used):
            found.exact_numbers = False
        spare = next(code for code in ("EUR", "USD", "SEK", "GBP") if code not in found.currencies)
        found.currencies.append(spare)
        if len(found.currencies) == 1:
            found.currencies.append("USD")


def _key(path: Path) -> Key:
    return path.type, path.field


def _values(side: Operand | None) -> Iterator[Value]:
    if isinstance(side, Literal):
        yield side.value
    elif isinstance(side, LiteralList):
        yield from side.values


def _texts(value: Value) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return value if isinstance(value, tuple) and not isinstance(value, Money) else ()
