"""Level one of matching: which branches have all their tests of single facts passed, by looking values up.

Rules are not tried one by one. For each fact, every field's value yields the mask of the branches it does not rule
out (see `columns`); the conjunction of these masks leaves the branches whose tests of that fact all pass. A branch
that speaks of one fact is then decided; one that speaks of several comes with the facts that may stand for each type.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from engine.ast import Condition, Group
from engine.branches import Branch, Test
from engine.columns import Answer, Column, mask_of
from engine.matching import holds
from engine.types import Fact, Value

BLOCK = 16_384
"""How many branches share one set of masks at most. Sorted thresholds hold a mask each, so that their memory grows with
the square of this, while it grows linearly with the number of blocks."""

Facts = Mapping[str, Sequence[Fact]]
"""Facts by type."""
Candidate = tuple[Branch, Mapping[str, Sequence[Fact]]]
"""A branch about several facts, and the facts of each type that pass its tests of that type alone."""


def ones(mask: int) -> Iterator[int]:
    """The numbers of the bits set in a mask, ascending."""
    if mask.bit_count() > 64:  # a few wide operations each beat one scan only while bits are few
        digits = bin(mask)[:1:-1]
        place = digits.find("1")
        while place >= 0:
            yield place
            place = digits.find("1", place + 1)
        return
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


@dataclass(slots=True)
class _Check:
    """A test that only the evaluator can judge, and the branches that want it to hold or not to hold."""

    node: Condition | Group
    wanting: int
    refusing: int


class _Checks:
    """Tests by the evaluator, each judged once however many branches share it."""

    def __init__(self, tests: Iterable[tuple[int, Test]]) -> None:
        numbers: dict[Condition | Group, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        for number, test in tests:
            numbers[test.node][not test.wanted].append(number)
        self._checks = [_Check(node, mask_of(wanting), mask_of(not_)) for node, (wanting, not_) in numbers.items()]

    def narrow(self, mask: int, bound: Mapping[str, Fact], settings: Mapping[str, Value]) -> int:
        for check in self._checks:
            if mask & (check.wanting | check.refusing):
                mask &= ~(check.refusing if holds(check.node, bound, settings) else check.wanting)
        return mask

    def __bool__(self) -> bool:
        return bool(self._checks)


_Row = tuple[str, Mapping[str, int] | None, int, int, Mapping[type, Answer], Answer]
"""A column laid out flat: field, texts, default, absent, by_class, answer (see `Column`)."""


class _TypeIndex:
    """Everything one block of branches asks of facts of one type."""

    def __init__(self, fact_type: str, branches: Sequence[Branch], everything: int) -> None:
        self.fact_type = fact_type
        self._everything = everything
        by_field: dict[str, dict[int, list[Test]]] = defaultdict(lambda: defaultdict(list))
        for number, branch in enumerate(branches):
            for test in branch.fields.get(fact_type, ()):
                by_field[test.node.left.field][number].append(test)  # type: ignore[union-attr]  # a condition on a field
        self._rows: list[_Row] = []
        for field in sorted(by_field):
            column = Column(by_field[field], everything)
            row = (field, column.texts, column.default, column.absent, column.by_class, column.answer)
            self._rows.append(row)
        self._checks = _Checks(
            (n, test) for n, branch in enumerate(branches) for test in branch.facts.get(fact_type, ())
        )

    def __bool__(self) -> bool:
        return bool(self._rows or self._checks)

    def admits(self, fact: Fact, mask: int, settings: Mapping[str, Value]) -> int:
        """What is left of `mask`: the branches whose tests of this fact all pass."""
        get = fact.values.get
        for field, texts, default, absent, by_class, answer in self._rows:
            value = get(field)
            if value is None:
                mask &= absent
            elif texts is not None and type(value) is str:
                mask &= texts.get(value, default)
            else:
                mask &= by_class.get(type(value), answer)(value)
            if not mask:
                return 0
        return self._checks.narrow(mask, {self.fact_type: fact}, settings) if self._checks else mask


class _Block:
    """A bounded number of branches with their masks."""

    def __init__(self, branches: Sequence[Branch]) -> None:
        self.branches = branches
        self._everything = (1 << len(branches)) - 1
        types = sorted({fact_type for branch in branches for fact_type in branch.rule.binds})
        self._types = []
        for fact_type in types:
            index = _TypeIndex(fact_type, branches, self._everything)
            binding = mask_of(n for n, branch in enumerate(branches) if fact_type in branch.rule.binds)
            alone = mask_of(n for n, branch in enumerate(branches) if branch.rule.binds == (fact_type,))
            self._types.append((fact_type, index, self._everything & ~binding, alone))
        self._several = mask_of(n for n, branch in enumerate(branches) if len(branch.rule.binds) > 1)
        self._unbound = mask_of(n for n, branch in enumerate(branches) if not branch.rule.binds)
        self._settings = _Checks((n, test) for n, branch in enumerate(branches) for test in branch.settings)

    def match(
        self, facts: Facts, settings: Mapping[str, Value], decided: list[tuple[Branch, Fact | None]]
    ) -> list[Candidate]:
        """Appends to `decided` what holds for a single fact (or, without one, for none); returns the candidates."""
        mask = self._settings.narrow(self._everything, {}, settings) if self._settings else self._everything
        admitted: list[tuple[str, Sequence[Fact], list[int], int]] = []
        for fact_type, index, without, alone in self._types:
            having = facts.get(fact_type)
            if not having:
                mask &= without
                continue
            # A branch that another type has ruled out needs no look here, except one that does not bind that type.
            masks = [index.admits(fact, mask, settings) for fact in having] if index else [mask] * len(having)
            union = masks[0]
            for one in masks[1:]:
                union |= one
            mask = union
            admitted.append((fact_type, having, masks, alone))
            if not mask:
                return []
        self._decide(mask, admitted, decided)
        return self._candidates(mask & self._several, admitted)

    def _decide(
        self,
        mask: int,
        admitted: Sequence[tuple[str, Sequence[Fact], list[int], int]],
        decided: list[tuple[Branch, Fact | None]],
    ) -> None:
        branches = self.branches
        if mask & self._unbound:
            decided.extend((branches[n], None) for n in ones(mask & self._unbound))
        for _, having, masks, alone in admitted:
            left = mask & alone
            if left:
                for fact, admits in zip(having, masks, strict=True):
                    decided.extend((branches[n], fact) for n in ones(admits & left))

    def _candidates(self, mask: int, admitted: Sequence[tuple[str, Sequence[Fact], list[int], int]]) -> list[Candidate]:
        if not mask:
            return []
        found: dict[int, dict[str, list[Fact]]] = {n: {} for n in ones(mask)}
        for fact_type, having, masks, _ in admitted:
            for fact, admits in zip(having, masks, strict=True):
                for n in ones(admits & mask):
                    found[n].setdefault(fact_type, []).append(fact)
        wanted = ((self.branches[n], by_type) for n, by_type in found.items())
        return [(branch, {t: by_type[t] for t in branch.rule.binds}) for branch, by_type in wanted]


class PredicateIndex:
    """All branches of one decision's stratum, ready to be matched."""

    def __init__(self, branches: Sequence[Branch]) -> None:
        self._blocks = [_Block(branches[at : at + BLOCK]) for at in range(0, len(branches), BLOCK)]

    def match(
        self, facts: Facts, settings: Mapping[str, Value]
    ) -> tuple[list[tuple[Branch, Fact | None]], list[Candidate]]:
        """What single facts decide, and what is left to decide about several.

        The first list holds every branch that binds one fact type (or none) with each fact it holds for; the second
        every branch that binds several, with the facts of each type that pass its tests of that type alone.
        """
        decided: list[tuple[Branch, Fact | None]] = []
        candidates = [block.match(facts, settings, decided) for block in self._blocks]
        return decided, candidates[0] if len(candidates) == 1 else list(chain.from_iterable(candidates))
