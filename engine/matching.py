"""Which combinations of facts a rule holds for: the plain way, without a network.

A rule holds for a combination of one fact of each type it speaks of. Top-level conditions are asked as soon as the
facts they need are chosen, and an equality between two facts is looked up rather than searched for, so that an order
joined with thousands of stock facts stays cheap. `any`, `all` and `none` are asked of one combination at a time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from engine.ast import Condition, Group, Path, Rule
from engine.language.strata import conditions_of, paths_of
from engine.outcomes import agenda_key
from engine.totals import too_wide
from engine.types import Fact, Value
from engine.values import MET, judge, kind

COMBINATIONS = 200_000
"""Most combinations of facts tried for one rule before it is given up."""

FactsByType = Mapping[str, Sequence[Fact]]
Bound = dict[str, Fact]


class TooManyCombinationsError(Exception):
    """A rule would have to be tried for too many combinations of facts."""


def given_up(rule: Rule) -> str:
    """What a run says of a rule it had to leave out."""
    return f"rule {rule.id}: there are too many combinations of {' x '.join(rule.binds)}; it was left out"


def by_type(facts: Sequence[Fact]) -> dict[str, list[Fact]]:
    """Facts by their type, each list in order of ids."""
    grouped: dict[str, list[Fact]] = defaultdict(list)
    for fact in sorted(facts, key=lambda fact: fact.id):
        grouped[fact.type].append(fact)
    return dict(grouped)


def holds(part: Condition | Group, bound: Mapping[str, Fact], settings: Mapping[str, Value]) -> bool:
    """Whether a condition or group holds for one combination of facts."""
    if isinstance(part, Condition):
        return judge(part, bound, settings) == MET
    results = (holds(child, bound, settings) for child in part.children)
    if part.kind == "any":
        return any(results)
    return all(results) if part.kind == "all" else not any(results)


def matches(rule: Rule, facts: FactsByType, settings: Mapping[str, Value]) -> list[Bound]:
    """Every combination of facts the rule holds for, fact type to fact, in agenda order.

    Raises TooManyCombinationsError when finding them takes more than COMBINATIONS attempts.
    """
    search = _Search(rule, facts, settings)
    found = list(search.combinations())
    return sorted(found, key=lambda bound: agenda_key(rule, {name: fact.id for name, fact in bound.items()}))


def types_of(part: Condition | Group) -> frozenset[str]:
    """The fact types a condition or group speaks of."""
    conditions = [part] if isinstance(part, Condition) else conditions_of(part)
    paths = (path for condition in conditions for path in paths_of(condition))
    return frozenset(path.type for path in paths if path.type != "setting")


@dataclass(frozen=True, slots=True)
class _Join:
    """`own`, a field of the type being chosen, must equal `other`, a field of a fact already chosen."""

    own: Path
    other: Path


@dataclass(frozen=True, slots=True)
class _Level:
    """One fact type to choose a fact of: the candidates, how to look them up, and what to ask of a choice."""

    type: str
    candidates: Sequence[Fact]
    join: _Join | None
    index: Mapping[tuple[str, Value], Sequence[Fact]]
    questions: Sequence[Condition | Group]


class _Search:
    def __init__(self, rule: Rule, facts: FactsByType, settings: Mapping[str, Value]) -> None:
        self.settings = settings
        self.attempts = 0
        self.questions = [(child, types_of(child)) for child in rule.when.children]
        self.levels: list[_Level] = []
        if too_wide(rule, facts):
            raise TooManyCombinationsError
        self.possible = all(holds(child, {}, settings) for child, types in self.questions if not types)
        if self.possible:
            self._plan(rule.binds, facts)

    def _plan(self, types: Sequence[str], facts: FactsByType) -> None:
        candidates = {name: self._candidates(name, facts.get(name, ())) for name in types}
        chosen: set[str] = set()
        while len(chosen) < len(candidates):
            joins = {name: self._join(name, chosen) for name in candidates if name not in chosen}
            name = min(joins, key=lambda name: (joins[name] is None, len(candidates[name]), name))
            chosen.add(name)
            questions = [
                child for child, needs in self.questions if len(needs) > 1 and name in needs and needs <= chosen
            ]
            join = joins[name]
            index = _index(candidates[name], join.own) if join else {}
            self.levels.append(_Level(name, candidates[name], join, index, questions))

    def _candidates(self, name: str, facts: Sequence[Fact]) -> list[Fact]:
        """The facts of one type that meet every question about that type alone."""
        self._count(len(facts))
        questions = [child for child, needs in self.questions if needs == {name}]
        return [fact for fact in facts if all(holds(child, {name: fact}, self.settings) for child in questions)]

    def _join(self, name: str, chosen: set[str]) -> _Join | None:
        for child, _ in self.questions:
            if not isinstance(child, Condition) or child.operator != "is":
                continue
            left, right = child.left, child.right
            if isinstance(left, Path) and isinstance(right, Path):
                for own, other in ((left, right), (right, left)):
                    if own.type == name and other.type in chosen:
                        return _Join(own, other)
        return None

    def _count(self, attempts: int) -> None:
        self.attempts += attempts
        if self.attempts > COMBINATIONS:
            raise TooManyCombinationsError

    def combinations(self, depth: int = 0, bound: Bound | None = None) -> Iterator[Bound]:
        if not self.possible:
            return
        bound = {} if bound is None else bound
        if depth == len(self.levels):
            yield bound
            return
        level = self.levels[depth]
        for fact in self._choices(level, bound):
            self._count(1)
            extended = {**bound, level.type: fact}
            if all(holds(question, extended, self.settings) for question in level.questions):
                yield from self.combinations(depth + 1, extended)

    @staticmethod
    def _choices(level: _Level, bound: Bound) -> Sequence[Fact]:
        if level.join is None:
            return level.candidates
        value = bound[level.join.other.type].values.get(level.join.other.field)
        return () if value is None else level.index.get((kind(value), value), ())


def _index(facts: Sequence[Fact], path: Path) -> dict[tuple[str, Value], list[Fact]]:
    """Facts by the value of a field, with its kind, for Python holds that True == 1."""
    index: dict[tuple[str, Value], list[Fact]] = defaultdict(list)
    for fact in facts:
        value = fact.values.get(path.field)
        if value is not None:
            index[kind(value), value].append(fact)
    return dict(index)
