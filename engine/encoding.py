"""From branches and facts to what the network understands: small integers under generated names, nothing else.

The network compares integers only. For each evaluation, all values of the fields being joined are numbered: values of
one kind get consecutive numbers in their own order, and no two kinds share a number. So equality, inequality and order
between two values are equality, inequality and order between two small integers, whatever the values are, and two
values of different kinds are never equal. Nothing a merchant typed (no text, no id, no field name) reaches the network.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.ast import Condition, Path
from engine.branches import Branch, Test
from engine.columns import KIND_OF_CLASS
from engine.types import Fact
from engine.values import kind
from engine.vocabulary import Vocabulary

MOST_JOINS = 10
"""Joins of one branch that the network is given; a pattern takes 32 expressions, of which a join needs two at most."""
MOST_TYPES = 8
"""Fact types one branch may join in the network, which takes 16 facts a firing."""
SHARD = 16
"""Branches per network at most. The library's limits are far away: 64 tests passed at once under one node, 255 rules on
one test, 255 fields a fact, and a hang beyond 512 tests under one node."""
FIELDS = 60
"""Fields of one fact type per network; each may be three of a fact's fields there."""
FIRST_CODE = 64
"""Numbers below stand for `missing`, one per fact type; values are numbered from here."""

MISSING = ""
"""The kind of what cannot be compared: a missing value, a moment without time zone, a number that is not finite."""

_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "before": "after", "after": "before"}
_NETWORK_NAMES = {
    "<": "$lt", "<=": "$lte", ">": "$gt", ">=": "$gte", "before": "$lt", "after": "$gt", "is not": "$neq", "apart": "$neq",
}  # fmt: skip

_ORDERED = {"number", "moment", "date", "time"}


class NameCollisionError(ValueError):
    """Two names have the same 32-bit hash, by which the network would take one for the other."""


def name_hash(name: str) -> int:
    """The 32-bit FNV-1a hash by which the network tells names apart."""
    value = 2166136261
    for byte in name.encode():
        value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
    return value


def check_names(names: Iterable[str]) -> None:
    """Raises NameCollisionError when the network would confuse two of these names."""
    seen: dict[int, str] = {}
    for name in names:
        other = seen.setdefault(name_hash(name), name)
        if other != name:
            raise NameCollisionError(f"the network cannot tell the names {other!r} and {name!r} apart")


@dataclass(frozen=True, slots=True)
class Plan:
    """How one branch is put to the network: its fact types in pattern order, and which tests stay behind.

    `joins` are what the network decides; `rest` is what must be judged for each combination it finds; `beside` are the
    fact types no join speaks of, whose facts simply combine with each combination found.
    """

    branch: Branch
    types: tuple[str, ...]
    joins: tuple[Test, ...]
    rest: tuple[Test, ...]
    beside: tuple[str, ...]


def plan(branch: Branch, vocabulary: Vocabulary) -> Plan:
    """Which part of a branch the network decides; a plan without joins leaves it all to the evaluator."""
    joins, late = branch.joins[:MOST_JOINS], branch.joins[MOST_JOINS:]
    joined = {path.type for test in joins for path in _sides(test)}
    if len(joined) > MOST_TYPES:
        joins, late, joined = [], branch.joins, set()
    types = _pattern_order(joins, joined, vocabulary)
    beside = tuple(fact_type for fact_type in branch.rule.binds if fact_type not in joined)
    return Plan(branch, types, tuple(joins), (*late, *branch.crossing), beside)


def _pattern_order(joins: Sequence[Test], types: Collection[str], vocabulary: Vocabulary) -> tuple[str, ...]:
    """Types with a single fact first, then always one that is joined to those before it, by equality if possible."""
    order: list[str] = []

    def rank(fact_type: str) -> tuple[int, bool, str]:
        linked = [test for test in joins if _links(test, fact_type, order)]
        closeness = 0 if any(_operator(test) == "is" for test in linked) else 1 if linked else 2
        return closeness, vocabulary.facts[fact_type].repeated, fact_type

    while len(order) < len(types):
        order.append(min((t for t in types if t not in order), key=rank))
    return tuple(order)


def _links(test: Test, fact_type: str, placed: Sequence[str]) -> bool:
    left, right = (path.type for path in _sides(test))
    return (left == fact_type and right in placed) or (right == fact_type and left in placed)


def _sides(test: Test) -> tuple[Path, Path]:
    node = test.node
    assert isinstance(node, Condition) and isinstance(node.left, Path) and isinstance(node.right, Path)
    return node.left, node.right


def _operator(test: Test) -> str:
    assert isinstance(test.node, Condition)
    return test.node.operator if test.wanted else "apart"


def shards(plans: Iterable[Plan]) -> list[list[Plan]]:
    """Plans in the groups that are put to one network together, each within the limits above."""
    groups: list[list[Plan]] = []
    fields: dict[str, set[str]] = {}
    for one in plans:
        more = _fields(one)
        together = {t: fields.get(t, set()) | more.get(t, set()) for t in {*fields, *more}}
        if not groups or len(groups[-1]) == SHARD or any(len(names) > FIELDS for names in together.values()):
            groups.append([])
            together = more
        groups[-1].append(one)
        fields = together
    return groups


def _fields(one: Plan) -> dict[str, set[str]]:
    """The fields a plan joins on, by fact type."""
    fields: dict[str, set[str]] = defaultdict(set)
    for path in (path for test in one.joins for path in _sides(test)):
        fields[path.type].add(path.field)
    return fields


class Encoding:
    """The names and numbers of one shard: branches that are put to one network together."""

    def __init__(self, plans: Sequence[Plan]) -> None:
        """Raises NameCollisionError when the generated names cannot be told apart."""
        self.plans = tuple(plans)
        self.flags = tuple(f"b{number}" for number in range(len(plans)))
        self._types = {t: number for number, t in enumerate(sorted({t for one in plans for t in one.types}), start=1)}
        self._fields = sorted({(t, name) for one in plans for t, names in _fields(one).items() for name in names})
        self._number = {field: number for number, field in enumerate(self._fields)}
        asked = {f"{alike}{number}" for one in plans for alike, number in self._alike(one)}
        self._of_type: dict[str, list[tuple[str, str, str, str]]] = {fact_type: [] for fact_type in self._types}
        for number, (fact_type, field) in enumerate(self._fields):
            alike, orderly = (f',"{name}":' if name in asked else "" for name in (f"k{number}", f"q{number}"))
            self._of_type[fact_type].append((field, f',"f{number}":', alike, orderly))
        check_names(self._names())

    def _names(self) -> list[str]:
        fields = [f"{prefix}{number}" for prefix in "fkq" for number in range(len(self._fields))]
        return ["id", "sid", "$s", "t", "o", "z", *self.flags, *fields, *(f"m{number}" for number in range(MOST_TYPES))]

    def definition(self) -> dict[str, Any]:
        """The rules as the network takes them, by flag."""
        return {flag: {"all": self._patterns(one, flag)} for flag, one in zip(self.flags, self.plans, strict=True)}

    def _patterns(self, one: Plan, flag: str) -> list[dict[str, Any]]:
        """One pattern per fact type. Each begins with a positive test of the type: a pattern without one loops."""
        place = {fact_type: number for number, fact_type in enumerate(one.types)}
        tests: list[list[dict[str, Any]]] = [[{"t": self._types[t]}, {flag: 1}] for t in one.types]
        for test in one.joins:
            left, right = _sides(test)
            operator = _operator(test)
            if place[left.type] < place[right.type]:
                left, right, operator = right, left, _MIRRORED.get(operator, operator)
            tests[place[left.type]].extend(self._join(operator, left, right, f"m{place[right.type]}"))
        for number in range(1, len(tests)):
            # When the last test of a conjunction fails, the network reads past the end of it, into whatever lies
            # there. So the last test of each is one that never fails.
            tests[number].append({"o": {"m0": "o"}})
        return [{f"m{number}": {"$and": parts}} for number, parts in enumerate(tests)]

    def _alike(self, one: Plan) -> Iterator[tuple[str, int]]:
        """Of which fields the kind matters: under `k`, or under `q` when only kinds that have an order will do."""
        for test in one.joins:
            for path in _sides(test) if _operator(test) not in ("is", "apart") else ():
                yield "k" if _operator(test) == "is not" else "q", self._number[path.type, path.field]

    def _join(self, operator: str, here: Path, there: Path, pattern: str) -> list[dict[str, Any]]:
        mine, theirs = self._number[here.type, here.field], self._number[there.type, there.field]
        if operator == "is":
            return [{f"f{mine}": {pattern: f"f{theirs}"}}]
        compared = {_NETWORK_NAMES[operator]: {f"f{mine}": {pattern: f"f{theirs}"}}}
        if operator == "apart":
            return [compared]
        alike = "k" if operator == "is not" else "q"
        return [{f"{alike}{mine}": {pattern: f"{alike}{theirs}"}}, compared]

    def messages(self, facts: Iterable[tuple[Fact, Sequence[str]]]) -> list[str]:
        """Facts as the network takes them: objects in JSON, whose ids are their places here. With each fact come the
        flags of the branches whose tests of that fact alone it passes.

        Raises TypeError when a value cannot be numbered (a list that holds something else than text).
        """
        seen = []
        found: dict[str, set[Any]] = defaultdict(set)
        for fact, flags in facts:
            values = []
            for field, *_ in self._of_type[fact.type]:
                value = fact.values.get(field)
                of = MISSING if value is None else KIND_OF_CLASS.get(type(value)) or kind(value)
                if of:
                    found[of].add(value)
                values.append((of, value))
            seen.append((fact.type, flags, values))
        codes = _codes(found)
        flagged: dict[tuple[str, ...], str] = {}
        messages = []
        for place, (fact_type, flags, values) in enumerate(seen):
            missing = self._types[fact_type]
            chosen = tuple(flags)
            if chosen not in flagged:
                flagged[chosen] = "".join(f',"{flag}":1' for flag in chosen)
            text = f'{{"id":"{place}","sid":"s","t":{missing},"o":1{flagged[chosen]}'
            for (_, name, alike, orderly), (of, value) in zip(self._of_type[fact_type], values, strict=True):
                kind_code, order_code, value_codes = codes[of] if of else (missing, missing, None)
                text += f"{name}{value_codes[value] if value_codes else missing}"
                if alike:
                    text += f"{alike}{kind_code}"
                if orderly:
                    text += f"{orderly}{order_code or missing}"
            messages.append(text + "}")
        return messages


_Codes = tuple[int, int, Mapping[Any, int]]
"""The number of a kind, that number again if its values have an order (otherwise 0), and the numbers of its values."""


def _codes(found: Mapping[str, set[Any]]) -> dict[str, _Codes]:
    """Numbers for kinds and for their values: ascending with the values where these have an order."""
    codes: dict[str, _Codes] = {}
    code = FIRST_CODE
    for number, of in enumerate(sorted(found), start=FIRST_CODE):
        ordered = of in _ORDERED or of.startswith("money")
        values = sorted(found[of]) if ordered else list(found[of])
        codes[of] = number, number if ordered else 0, dict(zip(values, range(code, code + len(values)), strict=True))
        code += len(values)
    return codes
