"""One column of the predicate index: what a value of one field leaves possible.

A *mask* is an integer whose bit `n` stands for branch `n`. A column answers, for a value of its field, with the mask
of the branches that the value does not rule out. Every answer is looked up, not computed condition by condition:
equality in a hash table, order by bisection in sorted thresholds, prefixes by length, list items by hash.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from engine.ast import Condition, Literal, LiteralList
from engine.branches import Test
from engine.types import Money
from engine.values import compare, kind

Answer = Callable[[Any], int]
Tests = Mapping[int, Sequence[Test]]
"""Branch number to the tests that branch makes of the column's field."""

KIND_OF_CLASS: Mapping[type, str] = {str: "text", int: "number", bool: "boolean", tuple: "list", date: "date"}
"""The classes whose kind needs no closer look."""
MEMORY = 1024
"""How many answers about texts a column that has to scan remembers."""

_ORDERINGS = ("<", "<=", ">", ">=", "before", "after", "between")
_SCANS: Mapping[str, Callable[[str, Sequence[str]], list[str]]] = {
    "contains": lambda text, needles: [needle for needle in needles if needle in text],
    "matches": lambda text, patterns: [pattern for pattern in patterns if compare("matches", text, pattern)],
}


def mask_of(numbers: Iterable[int]) -> int:
    """The mask with exactly these bits set, built in linear time."""
    numbers = list(numbers)
    if not numbers:
        return 0
    content = bytearray(max(numbers) // 8 + 1)
    for number in numbers:
        content[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(content, "little")


@dataclass(frozen=True, slots=True)
class _Among:
    """Equality, for values of one kind: a value passes when `(value in values) is inside`."""

    values: frozenset[Hashable]
    inside: bool

    def both(self, other: _Among) -> _Among:
        if self.inside and other.inside:
            return _Among(self.values & other.values, True)
        if self.inside or other.inside:
            allowed, refused = (self, other) if self.inside else (other, self)
            return _Among(allowed.values - refused.values, True)
        return _Among(self.values | other.values, False)


@dataclass(frozen=True, slots=True)
class _Range:
    """Order, for values of one kind: passing starts as `first` and changes at every cut. A cut is a threshold and
    whether it lies just before (0) or just after (1) it."""

    first: bool
    cuts: frozenset[tuple[Any, int]]

    def both(self, other: _Range) -> _Range:
        mine, theirs = self.first, other.first
        first = passing = mine and theirs
        kept = []
        for cut in sorted(self.cuts | other.cuts):
            mine ^= cut in self.cuts
            theirs ^= cut in other.cuts
            if (mine and theirs) is not passing:
                passing = not passing
                kept.append(cut)
        return _Range(first, frozenset(kept))


@dataclass(frozen=True, slots=True)
class _Part:
    """`contains`, `starts with` or `matches`, for values of one kind."""

    operator: str
    text: str


_Profile = bool | _Among | _Range | _Part
"""What a condition asks of a value of one kind; a plain bool when every such value answers alike."""


def _profile(condition: Condition, of: str) -> _Profile:
    """What a condition asks of a present value of kind `of`; empty stands for a value that compares with nothing here."""
    operator, right = condition.operator, _right(condition)
    if operator in ("exists", "is missing"):
        return operator == "exists"
    if not of:
        return False
    if operator in ("is", "is not"):
        return _Among(frozenset([right]), operator == "is") if kind(right) == of else False
    if operator in ("in", "not in"):
        return _profile_of_list(operator, right, of)
    if operator in _ORDERINGS:
        return _range(condition, of) if _orderable(of) else False
    if not isinstance(right, str) or of not in (("text", "list") if operator == "contains" else ("text",)):
        return False
    return _Part(operator, right)


def _profile_of_list(operator: str, values: tuple[Any, ...], of: str) -> _Profile:
    alike = frozenset(value for value in values if kind(value) == of)
    if operator == "in":
        return _Among(alike, True) if alike else False
    return _Among(alike, False) if all(kind(value) == of for value in values) else False


def _range(condition: Condition, of: str) -> _Profile:
    low, high = _right(condition), _upper(condition)
    if kind(low) != of or (condition.operator == "between" and kind(high) != of):
        return False
    match condition.operator:
        case "<" | "before":
            return _Range(True, frozenset([(low, 0)]))
        case "<=":
            return _Range(True, frozenset([(low, 1)]))
        case ">" | "after":
            return _Range(False, frozenset([(low, 1)]))
        case ">=":
            return _Range(False, frozenset([(low, 0)]))
    return _Range(False, frozenset([(low, 0), (high, 1)])) if low <= high else False


def _orderable(of: str) -> bool:
    return of in ("number", "moment", "date", "time") or of.startswith("money")


def _right(condition: Condition) -> Any:
    right = condition.right
    return right.values if isinstance(right, LiteralList) else right.value if isinstance(right, Literal) else None


def _upper(condition: Condition) -> Any:
    return condition.upper.value if isinstance(condition.upper, Literal) else None


def _unwanted(profile: _Profile) -> _Profile:
    match profile:
        case bool():
            return not profile
        case _Among(values, inside):
            return _Among(values, not inside)
        case _Range(first, cuts):
            return _Range(not first, cuts)
    return profile


class Column:
    """What the values of one field leave possible.

    `absent` answers for a missing value, `by_class` for a value of one of the classes that values have. `texts` and
    `default` answer for a text when equality is all the column asks of text; otherwise `texts` is None.
    """

    def __init__(self, tests: Tests, everything: int) -> None:
        """`tests` are the tests each branch makes of this field; `everything` is the mask of all branches."""
        self.texts: Mapping[str, int] | None = None
        self.default = everything
        self.absent = everything & ~mask_of(n for n, made in tests.items() if not all(map(_passes_absent, made)))
        self._other = _Answers(tests, everything, "").base
        self._kinds: dict[str, Answer] = {}
        for of in _kinds(test for made in tests.values() for test in made):
            answers = _Answers(tests, everything, of)
            self._kinds[of] = answers.combined()
            if of == "text" and answers.only_equality():
                self.texts, self.default = answers.equality()
        self.by_class: Mapping[type, Answer] = {
            **{one: self._kinds.get(of, self._uncomparable) for one, of in KIND_OF_CLASS.items()},
            Money: self._money,
        }

    def answer(self, value: Any) -> int:
        """The mask of the branches that a present value of any class does not rule out."""
        return self._kinds.get(kind(value), self._uncomparable)(value)

    def _uncomparable(self, _value: Any) -> int:
        return self._other

    def _money(self, value: Money) -> int:
        return self._kinds.get(f"money {value.currency}", self._uncomparable)(value)


def _passes_absent(test: Test) -> bool:
    return (test.node.operator == "is missing") is test.wanted  # type: ignore[union-attr]  # columns hold conditions


def _kinds(tests: Iterable[Test]) -> list[str]:
    """The kinds of value about which the tests say different things."""
    found: set[str] = set()
    for test in tests:
        condition: Condition = test.node  # type: ignore[assignment]  # columns hold conditions
        if condition.operator in ("exists", "is missing"):
            continue
        right = _right(condition)
        found.update(kind(value) for value in (right if isinstance(condition.right, LiteralList) else (right,)))
        if condition.operator == "contains":
            found.add("list")
    return sorted(found - {""})


class _Answers:
    """What a column's tests ask of values of one kind, sorted by how it is looked up."""

    def __init__(self, tests: Tests, everything: int, of: str) -> None:
        self._everything = everything
        self._among: dict[int, _Among] = {}
        self._ranges: dict[int, _Range] = {}
        self._wanted: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
        self._refused: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
        taken = {number: [self._take(number, test, of) for test in made] for number, made in tests.items()}
        impossible = [number for number, possible in taken.items() if not all(possible)]
        self.base = everything & ~mask_of(impossible)

    def _take(self, number: int, test: Test, of: str) -> bool:
        """Files one test of one branch; False when no value of this kind passes it."""
        asked = _profile(test.node, of)  # type: ignore[arg-type]  # columns hold conditions
        match asked if test.wanted else _unwanted(asked):
            case bool(constant):
                return constant
            case _Among() as among:
                self._among[number] = self._among[number].both(among) if number in self._among else among
            case _Range() as limits:
                self._ranges[number] = self._ranges[number].both(limits) if number in self._ranges else limits
            case _Part(operator, text):
                (self._wanted if test.wanted else self._refused)[operator][number].add(text)
        return True

    def only_equality(self) -> bool:
        return not (self._ranges or self._wanted or self._refused)

    def equality(self) -> tuple[dict[Any, int], int]:
        """Masks by value, and the mask for every other value of this kind; impossible branches are out already."""
        changes: dict[Hashable, list[int]] = defaultdict(list)
        for number, among in self._among.items():
            for value in among.values:
                changes[value].append(number)
        usual = self._everything & ~mask_of(n for n, among in self._among.items() if among.inside)
        return {value: (usual ^ mask_of(n)) & self.base for value, n in changes.items()}, usual & self.base

    def combined(self) -> Answer:
        """One answer for a value of this kind."""
        found: list[Answer] = []
        if self._among or not (self._ranges or self._wanted or self._refused):
            found.append(_equality(*self.equality()))
        if self._ranges:
            found.append(self._order())
        found += [self._parts(operator) for operator in sorted({*self._wanted, *self._refused})]
        return found[0] if len(found) == 1 else _conjunction(found)

    def _order(self) -> Answer:
        thresholds = sorted({value for limits in self._ranges.values() for value, _ in limits.cuts})
        place = {value: number for number, value in enumerate(thresholds)}
        changes: list[list[int]] = [[] for _ in range(2 * len(thresholds))]
        for number, limits in self._ranges.items():
            for value, after in limits.cuts:
                changes[2 * place[value] + after].append(number)
        mask = self.base & ~mask_of(n for n, limits in self._ranges.items() if not limits.first)
        masks = [mask]
        for numbers in changes:
            if numbers:  # where nothing changes, the same number is kept once
                mask ^= mask_of(numbers) & self.base
            masks.append(mask)
        if thresholds and isinstance(thresholds[0], Money):  # all of one currency: their amounts compare sooner
            return _amounts([amount.minor for amount in thresholds], masks)
        return _thresholds(thresholds, masks)

    def _parts(self, operator: str) -> Answer:
        wanted, refused = self._wanted[operator], self._refused[operator]
        known = sorted({text for texts in (*wanted.values(), *refused.values()) for text in texts})
        layers = []
        for depth in range(max((len(texts) for texts in wanted.values()), default=0)):
            asks = {number: sorted(texts)[depth] for number, texts in wanted.items() if len(texts) > depth}
            layers.append((self.base & ~mask_of(asks), _by_text(asks.items())))
        forbidden = _by_text((number, text) for number, texts in refused.items() for text in texts)
        return _presence(_finder(operator, known), layers, forbidden, self.base)


def _by_text(pairs: Iterable[tuple[int, str]]) -> dict[str, int]:
    numbers: dict[str, list[int]] = defaultdict(list)
    for number, text in pairs:
        numbers[text].append(number)
    return {text: mask_of(found) for text, found in numbers.items()}


def _equality(table: Mapping[Any, int], default: int) -> Answer:
    def answer(value: Any) -> int:
        try:
            return table.get(value, default)
        except TypeError:  # a list that holds something unhashable equals no list of texts
            return default

    return answer


def _thresholds(thresholds: Sequence[Any], masks: Sequence[int]) -> Answer:
    """Masks alternate: before the first threshold, on it, between it and the second, and so on."""
    many = len(thresholds)

    def answer(value: Any) -> int:
        place = bisect_left(thresholds, value)
        return masks[2 * place + (place < many and thresholds[place] == value)]

    return answer


def _amounts(thresholds: Sequence[int], masks: Sequence[int]) -> Answer:
    answer = _thresholds(thresholds, masks)
    return lambda value: answer(value.minor)


def _finder(operator: str, known: Sequence[str]) -> Callable[[Any], Collection[str]]:
    """Which of the texts an operator asks for are there, given a value."""
    if operator == "starts with":
        among, lengths = frozenset(known), sorted({len(text) for text in known})
        return lambda value: [
            start for length in lengths if (start := value[:length]) in among and len(start) == length
        ]
    scan = _SCANS[operator]
    memory: dict[str, list[str]] = {}

    def find(value: Any) -> Collection[str]:
        if not isinstance(value, str):
            return {item for item in value if isinstance(item, str)}
        found = memory.get(value)
        if found is None:
            if len(memory) >= MEMORY:
                memory.clear()
            found = memory[value] = scan(value, known)
        return found

    return find


def _presence(
    find: Callable[[Any], Collection[str]],
    layers: Sequence[tuple[int, Mapping[str, int]]],
    forbidden: Mapping[str, int],
    base: int,
) -> Answer:
    """Each layer holds at most one wanted text per branch, so that what is found there can simply be added up."""

    def answer(value: Any) -> int:
        found = find(value)
        mask = base
        for rest, table in layers:
            allowed = rest
            for text in found:
                allowed |= table.get(text, 0)
            mask &= allowed
        for text in found:
            mask &= ~forbidden.get(text, 0)
        return mask

    return answer


def _conjunction(answers: Sequence[Answer]) -> Answer:
    def answer(value: Any) -> int:
        mask = answers[0](value)
        for more in answers[1:]:
            mask &= more(value)
        return mask

    return answer
