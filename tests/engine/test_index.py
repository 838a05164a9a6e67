"""The predicate index: what it leaves of the rules is what the evaluator would leave, for any value of any kind."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import index as index_module
from engine.ast import Condition, Demand, Group, Literal, LiteralList, Path, Rule
from engine.branches import Branch, branches
from engine.branches import Test as BranchTest
from engine.columns import Column, mask_of
from engine.index import PredicateIndex, ones
from engine.types import Fact, Money, Value
from engine.values import compare

FIELD = Path("order", "it")
VALUES: tuple[Value, ...] = (
    "a", "ab", "b", "", "1", 0, 1, 2, 2**70, True, False, Decimal("1"), Decimal("1.5"), Decimal("NaN"), Money(100, "EUR"),
    Money(100, "USD"), Money(-1, "EUR"), datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC),
    datetime(2026, 1, 1), date(2026, 1, 1), date(2026, 1, 2), (), ("a",), ("a", "ab"),
)  # fmt: skip
COMPARING = ("is", "is not", "<", "<=", ">", ">=", "before", "after", "contains", "starts with", "matches")


class Shout(str):
    """A value of a class that is not one of ours but behaves like one."""


values = st.sampled_from(VALUES)
lists = st.lists(values, min_size=1, max_size=3).map(lambda found: LiteralList(tuple(found)))
conditions = st.one_of(
    st.builds(Condition, st.just(FIELD), st.sampled_from(COMPARING), values.map(Literal)),
    st.builds(Condition, st.just(FIELD), st.sampled_from(("in", "not in")), lists),
    st.builds(Condition, st.just(FIELD), st.just("between"), values.map(Literal), values.map(Literal)),
    st.builds(Condition, st.just(FIELD), st.sampled_from(("exists", "is missing"))),
)
tests = st.builds(BranchTest, conditions, st.booleans())


def passes(test: BranchTest, value: Value | None) -> bool:
    """What the evaluator says."""
    node = test.node
    assert isinstance(node, Condition)
    right = node.right.values if isinstance(node.right, LiteralList) else getattr(node.right, "value", None)
    return compare(node.operator, value, right, getattr(node.upper, "value", None)) is test.wanted


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(st.integers(0, 11), st.lists(tests, min_size=1, max_size=3)), st.one_of(st.none(), values))
def test_a_column_rules_out_exactly_the_branches_whose_tests_the_value_fails(made, value):
    column = Column(made, (1 << 12) - 1)
    expected = mask_of(n for n in range(12) if all(passes(test, value) for test in made.get(n, ())))
    if value is None:
        assert column.absent == expected
        return
    assert column.by_class.get(type(value), column.answer)(value) == expected
    if column.texts is not None and isinstance(value, str):
        assert column.texts.get(value, column.default) == expected


def test_a_value_of_a_foreign_class_is_judged_by_what_it_is():
    column = Column(
        {0: [BranchTest(Condition(FIELD, "is", Literal("a")))], 1: [BranchTest(Condition(FIELD, "is", Literal(1)))]}, 3
    )
    assert column.by_class.get(Shout, column.answer)(Shout("a")) == 0b01
    assert column.by_class.get(bytes, column.answer)(b"a") == 0


def test_a_list_that_holds_what_no_list_should_hold_matches_nothing_and_breaks_nothing():
    made = {
        0: [BranchTest(Condition(FIELD, "contains", Literal("a")))],
        1: [BranchTest(Condition(FIELD, "is", Literal(("a",))))],
    }
    column = Column(made, 3)
    assert column.by_class[tuple](({"a": 1}, ["a"])) == 0
    assert column.by_class[tuple](("a", {"a": 1})) == 0b01


def test_more_texts_than_a_column_remembers_are_answered_all_the_same():
    column = Column({0: [BranchTest(Condition(FIELD, "contains", Literal("7")))]}, 1)
    answer = column.by_class[str]
    for _ in range(2):
        assert [answer(str(number)) for number in range(3000)] == [int("7" in str(number)) for number in range(3000)]


@given(st.sets(st.integers(0, 300)))
def test_a_mask_keeps_the_numbers_it_was_made_of(numbers):
    assert list(ones(mask_of(numbers))) == sorted(numbers)


def rule(name: str, *parts: Condition | Group, binds: tuple[str, ...] = ("order",)) -> Rule:
    return Rule(name, "", 1, Group("all", parts), (Demand("hold", {}),), binds)


def is_(field: str, value: Value) -> Condition:
    fact_type, _, name = field.partition(".")
    return Condition(Path(fact_type, name), "is", Literal(value))


def indexed(*rules: Rule) -> PredicateIndex:
    return PredicateIndex([way for rank, one in enumerate(rules) for way in branches(one, rank)])


def single(found: tuple) -> list[tuple[str, str]]:
    return [(branch.rule.id, fact.id if fact else "") for branch, fact in found[0]]


def test_rules_about_one_fact_are_decided_for_each_fact():
    index = indexed(
        rule("open", is_("shop.open", True), binds=("shop",)), rule("nl", is_("shop.country", "NL"), binds=("shop",))
    )
    shops = [
        Fact("shop", "1", {"open": True}),
        Fact("shop", "2", {"open": True, "country": "NL"}),
        Fact("shop", "3", {}),
    ]
    assert sorted(single(index.match({"shop": shops}, {}))) == [("nl", "2"), ("open", "1"), ("open", "2")]


def test_a_rule_without_conditions_holds_once_and_one_about_absent_facts_never():
    index = indexed(rule("always", binds=()), rule("order"), rule("set", is_("setting.x", 1), binds=()))
    assert single(index.match({}, {"x": 2})) == [("always", "")]
    assert sorted(single(index.match({"order": [Fact("order", "1", {})]}, {"x": 1}))) == [
        ("always", ""),
        ("order", "1"),
        ("set", ""),
    ]


def test_a_rule_about_several_facts_comes_with_those_that_pass_its_tests():
    index = indexed(rule("pair", is_("order.a", 1), is_("shop.open", True), binds=("order", "shop")))
    shops = [Fact("shop", "1", {"open": True}), Fact("shop", "2", {"open": False})]
    facts = {"order": [Fact("order", "1", {"a": 1})], "shop": shops}
    decided, candidates = index.match(facts, {})
    assert decided == []
    assert [
        (branch.rule.id, {t: [f.id for f in found] for t, found in by_type.items()}) for branch, by_type in candidates
    ] == [("pair", {"order": ["1"], "shop": ["1"]})]
    assert index.match({**facts, "order": [Fact("order", "1", {"a": 2})]}, {}) == ([], [])
    assert index.match({"shop": shops}, {}) == ([], [])


def test_settings_and_comparisons_within_one_fact_are_judged_once_for_all_rules_that_share_them():
    limit = Condition(Path("order", "total"), "<", Path("setting", "limit"))
    same = Condition(Path("order", "a"), "is", Path("order", "b"))
    index = indexed(
        rule("small", limit),
        rule("large", Group("none", (limit,))),
        rule("same", same),
        rule("other", Group("none", (same,))),
    )
    facts = {"order": [Fact("order", "1", {"total": 5, "a": 1, "b": 1})]}
    assert [name for name, _ in single(index.match(facts, {"limit": 9}))] == ["small", "same"]
    assert [name for name, _ in single(index.match(facts, {"limit": 5}))] == ["large", "same"]


def test_rules_beyond_one_block_are_found_as_well(monkeypatch):
    monkeypatch.setattr(index_module, "BLOCK", 3)
    index = indexed(*(rule(f"r{number}", is_("order.n", number % 4)) for number in range(20)))
    found = single(index.match({"order": [Fact("order", "1", {"n": 2})]}, {}))
    assert [name for name, _ in found] == ["r2", "r6", "r10", "r14", "r18"]


atoms = st.sampled_from(
    [
        is_("order.a", 1),
        is_("order.b", 1),
        is_("order.c", 1),
        is_("shop.d", 1),
        Condition(Path("order", "a"), "is", Path("shop", "d")),
    ]
)
groups = st.recursive(
    atoms,
    lambda parts: st.builds(Group, st.sampled_from(("all", "any", "none")), st.lists(parts, max_size=4).map(tuple)),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(groups, max_size=3), st.lists(st.sampled_from((None, 1, 2)), min_size=4, max_size=4))
def test_a_rule_holds_when_one_of_its_branches_does(parts, found):
    made = rule("r", *parts, binds=("order", "shop"))
    order = Fact("order", "1", {name: value for name, value in zip("abc", found, strict=False) if value})
    bound = {"order": order, "shop": Fact("shop", "1", {"d": found[3]} if found[3] else {})}
    assert any(_holds(branch, bound) for branch in branches(made, 0)) is BranchTest(made.when).passes(bound, {})


def _holds(branch: Branch, bound: dict[str, Fact]) -> bool:
    by_type = [*branch.fields.values(), *branch.facts.values(), branch.settings, branch.joins, branch.crossing]
    return all(test.passes(bound, {}) for tests in by_type for test in tests)


@pytest.mark.parametrize("size", [3, 12])
def test_a_rule_that_would_have_too_many_branches_keeps_groups_whole(size):
    pairs = [Group("any", (is_(f"order.a{n}", 1), is_(f"order.b{n}", 1))) for n in range(size)]
    found = branches(rule("r", *pairs), 0)
    assert len(found) <= 16
    assert len(found) == 2 ** min(size, 4)
