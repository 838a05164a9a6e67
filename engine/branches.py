"""Rules as alternatives of plain tests: what the index and the network are compiled from.

A rule's nested groups are multiplied out into *branches*. A branch holds for a combination of facts when all its
tests pass, a rule when one of its branches holds. Groups that would multiply into too many branches stay whole and
are judged by the typed evaluator.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product

from engine.ast import Condition, Group, Literal, LiteralList, Operand, Path, Rule
from engine.matching import holds, types_of
from engine.types import Fact, Value

MOST_BRANCHES = 16
"""Into how many branches one rule is multiplied out at most."""

NETWORK_OPERATORS = ("is", "is not", "<", "<=", ">", ">=", "before", "after")
"""The operators between two facts that integers can express. `is` can also be expressed unwanted."""


@dataclass(frozen=True, slots=True)
class Test:
    """A condition, or a group left whole, that must hold (or, when not `wanted`, must not)."""

    node: Condition | Group
    wanted: bool = True

    def passes(self, bound: Mapping[str, Fact], settings: Mapping[str, Value]) -> bool:
        """Whether the test passes for one combination of facts (fact type to fact), by the typed evaluator."""
        return holds(self.node, bound, settings) is self.wanted


@dataclass(slots=True)
class Branch:
    """One way for a rule to hold: every test here passes.

    `rank` is the rule's place on its decision's agenda. `fields` are tests of one field of one fact against literals,
    by fact type; `facts` are tests of one fact that only the evaluator can judge, by fact type; `settings` need no fact.
    `joins` compare fields of two facts by `NETWORK_OPERATORS`; `crossing` are all other tests of more than one fact.
    """

    rule: Rule
    rank: int
    fields: dict[str, list[Test]] = field(default_factory=lambda: defaultdict(list))
    facts: dict[str, list[Test]] = field(default_factory=lambda: defaultdict(list))
    settings: list[Test] = field(default_factory=list)
    joins: list[Test] = field(default_factory=list)
    crossing: list[Test] = field(default_factory=list)

    def add(self, test: Test) -> None:
        """Puts a test where it is decided soonest."""
        types = types_of(test.node)
        if not types:
            self.settings.append(test)
        elif len(types) == 1:
            (fact_type,) = types
            into = self.fields if _on_a_literal(test.node, fact_type) else self.facts
            into[fact_type].append(test)
        elif _is_range(test):
            for end in _ends(test.node):  # type: ignore[arg-type]  # a range is a condition
                self.add(Test(end))
        elif _is_join(test):
            self._join(test)
        else:
            self.crossing.append(test)

    def _join(self, test: Test) -> None:
        """A wanted join needs both values, so that a fact without one is out before any network is asked."""
        self.joins.append(test)
        if test.wanted:
            for path in (test.node.left, test.node.right):  # type: ignore[union-attr]  # a join is a condition
                self.fields[path.type].append(Test(Condition(path, "exists")))  # type: ignore[union-attr,arg-type]


def branches(rule: Rule, rank: int) -> tuple[Branch, ...]:
    """The ways in which a rule can hold; none when it never can."""
    found = []
    for tests in _alternatives(rule.when, True):
        branch = Branch(rule, rank)
        for test in dict.fromkeys(tests):
            branch.add(test)
        found.append(branch)
    return tuple(found)


def _alternatives(node: Condition | Group, wanted: bool) -> list[tuple[Test, ...]]:
    """The alternatives under which a node holds (or, unwanted, does not): an empty list is never, `[()]` always."""
    if isinstance(node, Condition):
        return [(Test(node, wanted),)]
    children_wanted = wanted is not (node.kind == "none")
    if wanted is not (node.kind == "any"):
        return _together(node, children_wanted)
    return _either(node, wanted, children_wanted)


def _either(node: Group, wanted: bool, children_wanted: bool) -> list[tuple[Test, ...]]:
    found = [tests for child in node.children for tests in _alternatives(child, children_wanted)]
    return found if len(found) <= MOST_BRANCHES else [(Test(node, wanted),)]


def _together(node: Group, children_wanted: bool) -> list[tuple[Test, ...]]:
    found: list[tuple[Test, ...]] = [()]
    for child in node.children:
        ways = _alternatives(child, children_wanted)
        if len(found) * len(ways) > MOST_BRANCHES:
            ways = [(Test(child, children_wanted),)]
        found = [(*before, *way) for before, way in product(found, ways)]
    return found


def _on_a_literal(node: Condition | Group, fact_type: str) -> bool:
    """Whether this is a test of one field of the fact against literals, which the index can answer by look-up."""
    if not isinstance(node, Condition) or not isinstance(node.left, Path) or node.left.type != fact_type:
        return False
    if isinstance(node.right, LiteralList):
        return node.upper is None and bool(node.right.values)
    return _fixed(node.right) and _fixed(node.upper)


def _fixed(operand: Operand | None) -> bool:
    return operand is None or isinstance(operand, Literal)


def _is_range(test: Test) -> bool:
    return test.wanted and isinstance(test.node, Condition) and test.node.operator == "between"


def _ends(node: Condition) -> Iterable[Condition]:
    """`between` two ends, taken apart so that each end is tested where it is decided soonest."""
    return Condition(node.left, ">=", node.right), Condition(node.left, "<=", node.upper)


def _is_join(test: Test) -> bool:
    node = test.node
    if not isinstance(node, Condition) or node.operator not in NETWORK_OPERATORS:
        return False
    if not isinstance(node.left, Path) or not isinstance(node.right, Path):
        return False
    return test.wanted or node.operator == "is"
