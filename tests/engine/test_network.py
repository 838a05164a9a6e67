"""Joins in the network: every operator, values of every kind, and what happens when the network cannot go on."""

from __future__ import annotations

import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from engine.ast import Book, Condition, DecisionRules, Demand, Group, Literal, Path, Rule
from engine.compiled import CompiledBook, compile_book
from engine.explain import run_plain
from engine.joins import MOST_MESSAGES, NETWORKS, networks_of_this_thread
from engine.network import Network, NetworkCache, NetworkError
from engine.types import Fact, Money, Value
from engine.vocabulary import DecisionSpec, FactType, Field, OutcomeSpec, Vocabulary

SIDES = ("left", "right", "third")
SPEC = DecisionSpec("pairs", "", SIDES, (OutcomeSpec("hold", "hold", ""),))
PAIRS = Vocabulary(
    {name: FactType(name, "", name != "left", (Field("it", "text", ""), Field("ok", "boolean", ""))) for name in SIDES},
    {"pairs": SPEC},
)
LEFT, RIGHT, THIRD = (Path(name, "it") for name in SIDES)


def book(*groups: Group) -> CompiledBook:
    """One rule `r0`, `r1`, ... for each group; anything the network cannot do fails the test."""
    rules = []
    for number, group in enumerate(groups):
        sides = (side for part in group.children for side in _sides(part))
        binds = tuple(sorted({side.type for side in sides if isinstance(side, Path)}))
        rules.append(Rule(f"r{number}", "", 1, group, (Demand("hold", {}),), binds))
    decision = DecisionRules("pairs", "", {}, tuple(sorted(rules, key=lambda rule: rule.id)))
    return compile_book(Book("", {"pairs": decision}), PAIRS, on_incident=pytest.fail)


def _sides(part: Condition | Group):
    if isinstance(part, Group):
        return [side for child in part.children for side in _sides(child)]
    return [part.left, part.right, part.upper]


def every(*conditions: Condition) -> Group:
    return Group("all", conditions)


def pairs(compiled: CompiledBook, left: Value | None, *rights: Value | None) -> list[int]:
    """Which of the right values fired with the left one."""
    facts = [Fact("left", "l", {} if left is None else {"it": left})]
    facts += [Fact("right", str(n), {} if value is None else {"it": value}) for n, value in enumerate(rights)]
    run = compiled.run("pairs", facts)
    assert run == run_plain(compiled.book.decisions["pairs"], SPEC, facts)
    return [int(firing.bound["right"]) for firing in run.firings]


AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
LADDERS: dict[str, tuple[Value, Value, Value]] = {
    "whole numbers": (1, 2, 3),
    "numbers": (Decimal("0.1"), Decimal("0.2"), Decimal("0.30")),
    "mixed numbers": (Decimal("1.5"), 2, Decimal("2.0000000001")),
    "amounts": (Money(-5, "EUR"), Money(0, "EUR"), Money(5, "EUR")),
    "moments": (AT, AT + timedelta(microseconds=1), AT + timedelta(days=1)),
    "dates": (date(2026, 1, 1), date(2026, 1, 2), date(2027, 1, 1)),
    "numbers no machine word holds": (-(10**40), 10**40, 10**40 + 1),
}
HOLDING = {
    "is": [1], "is not": [0, 2], "<": [2], "<=": [1, 2], ">": [0], ">=": [0, 1], "before": [2], "after": [0],
}  # fmt: skip


@pytest.mark.parametrize("ladder", LADDERS.values(), ids=LADDERS)
@pytest.mark.parametrize("operator", HOLDING)
def test_values_with_an_order_join_by_it(operator, ladder):
    assert pairs(book(every(Condition(LEFT, operator, RIGHT))), ladder[1], *ladder) == HOLDING[operator]
    assert pairs(book(every(Condition(RIGHT, operator, LEFT))), ladder[1], *ladder[::-1]) == HOLDING[operator]


@pytest.mark.parametrize("one", ["a", True, ("a", "b"), Money(1, "EUR"), 1, AT])
def test_equal_values_join_whatever_they_are(one):
    others: list[Value | None] = ["A", "1", False, ("b", "a"), (), Money(1, "USD"), 2, AT.date(), None]
    equal, unequal = book(every(Condition(LEFT, "is", RIGHT))), book(every(Condition(LEFT, "is not", RIGHT)))
    assert pairs(equal, one, *others, one) == [len(others)]
    alike = [n for n, other in enumerate(others) if type(other) is type(one) and not isinstance(other, Money)]
    assert pairs(unequal, one, *others, one) == alike


def test_a_missing_value_joins_with_nothing_but_counts_as_not_equal_under_none():
    for operator in HOLDING:
        compiled = book(every(Condition(LEFT, operator, RIGHT)))
        assert pairs(compiled, None, 1, None) == []
        assert pairs(compiled, 1, None) == []
    apart = book(every(Group("none", (Condition(LEFT, "is", RIGHT),))))  # type: ignore[arg-type]
    assert pairs(apart, 1, 1, 2, None, "1", True, datetime(2026, 1, 1)) == [1, 2, 3, 4, 5]
    assert pairs(apart, None, 1, None) == [0, 1]


def test_between_two_facts_takes_both_ends_in():
    compiled = book(every(Condition(LEFT, "between", RIGHT, THIRD)))
    facts = [Fact("left", "l", {"it": 5})]
    facts += [Fact("right", f"{low}", {"it": low}) for low in (4, 5, 6)]
    facts += [Fact("third", f"{high}", {"it": high}) for high in (4, 5, 6)]
    fired = [(firing.bound["right"], firing.bound["third"]) for firing in compiled.run("pairs", facts).firings]
    assert fired == [("4", "5"), ("4", "6"), ("5", "5"), ("5", "6")]


def test_three_facts_join_in_a_ring_and_a_fact_no_join_speaks_of_combines_with_each():
    ring = every(Condition(LEFT, "is", RIGHT), Condition(RIGHT, "is", THIRD), Condition(THIRD, "is", LEFT))
    beside = every(Condition(LEFT, "is", RIGHT), Condition(Path("third", "ok"), "is", Literal(True)))
    facts = [Fact("left", "l", {"it": 1})]
    facts += [Fact(kind, f"{n}", {"it": n, "ok": n > 1}) for kind in ("right", "third") for n in (1, 2, 3)]
    fired = [(f.rule, f.bound["right"], f.bound["third"]) for f in book(ring, beside).run("pairs", facts).firings]
    assert fired == [("r0", "1", "1"), ("r1", "1", "2"), ("r1", "1", "3")]


def test_text_operators_between_facts_are_asked_of_what_the_network_found():
    compiled = book(every(Condition(LEFT, "is not", RIGHT), Condition(LEFT, "starts with", RIGHT)))
    assert pairs(compiled, "abc", "a", "ab", "abc", "b", "") == [0, 1, 4]
    assert pairs(book(every(Condition(LEFT, "contains", RIGHT))), ("a", "b"), "a", "c", ("a",)) == [0]


def test_a_rule_with_more_joins_than_the_network_is_given_checks_the_rest_afterwards():
    fields = tuple(Field(f"f{n}", "integer", "") for n in range(25))
    wide = Vocabulary({name: FactType(name, "", True, fields) for name in ("left", "right")}, {"pairs": SPEC})
    joins = tuple(Condition(Path("left", f"f{n}"), "is", Path("right", f"f{n}")) for n in range(25))
    rule = Rule("r", "", 1, Group("all", joins), (Demand("hold", {}),), ("left", "right"))
    compiled = compile_book(Book("", {"pairs": DecisionRules("pairs", "", {}, (rule,))}), wide, on_incident=pytest.fail)
    same = {f"f{n}": n for n in range(25)}
    facts = [Fact("left", "l", same), Fact("right", "same", same), Fact("right", "late", {**same, "f24": 0})]
    assert [firing.bound["right"] for firing in compiled.run("pairs", facts).firings] == ["same"]


def test_a_rule_about_more_types_than_a_firing_can_hold_is_searched_plainly():
    names = [f"t{n:02}" for n in range(10)]
    many = Vocabulary(
        {name: FactType(name, "", True, (Field("it", "integer", ""),)) for name in names},
        {"pairs": DecisionSpec("pairs", "", tuple(names), (OutcomeSpec("hold", "hold", ""),))},
    )
    chain = tuple(Condition(Path(a, "it"), "is", Path(b, "it")) for a, b in pairwise(names))
    rule = Rule("r", "", 1, Group("all", chain), (Demand("hold", {}),), tuple(names))
    compiled = compile_book(Book("", {"pairs": DecisionRules("pairs", "", {}, (rule,))}), many, on_incident=pytest.fail)
    facts = [Fact(name, f"{name}-{n}", {"it": n}) for name in names for n in (1, 2)]
    assert len(compiled.run("pairs", facts).firings) == 2


def test_more_facts_than_a_network_is_given_are_searched_plainly():
    compiled = book(every(Condition(LEFT, "is", RIGHT)))
    assert pairs(compiled, 7, *range(MOST_MESSAGES + 10)) == [7]


def test_a_rule_with_too_many_combinations_is_left_out_and_the_run_says_so():
    compiled = book(every(Condition(RIGHT, "is not", THIRD)))
    facts = [Fact(kind, f"{n}", {"it": n}) for kind in ("right", "third") for n in range(500)]
    run = compiled.run("pairs", facts)
    assert run.firings == ()
    assert run.errors == ("rule r0: there are too many combinations of right x third; it was left out",)
    assert run == run_plain(compiled.book.decisions["pairs"], SPEC, facts)


def test_a_value_that_cannot_be_numbered_is_searched_plainly_and_reported():
    heard: list[str] = []
    rule = Rule("r", "", 1, every(Condition(LEFT, "is", RIGHT)), (Demand("hold", {}),), ("left", "right"))
    compiled = compile_book(
        Book("", {"pairs": DecisionRules("pairs", "", {}, (rule,))}), PAIRS, on_incident=heard.append
    )
    unhashable: Value = ([],)  # type: ignore[assignment]
    facts = [
        Fact("left", "l", {"it": unhashable}),
        Fact("right", "1", {"it": unhashable}),
        Fact("right", "2", {"it": 1}),
    ]
    assert [firing.bound["right"] for firing in compiled.run("pairs", facts).firings] == ["1"]
    assert len(heard) == 1 and "plain search took over" in heard[0]


JOIN = {"b0": {"all": [{"m0": {"$and": [{"t": 1}]}}, {"m1": {"$and": [{"t": 2}, {"o": {"m0": "o"}}]}}]}}
MESSAGES = [f'{{"id":"{n}","sid":"s","t":{min(n + 1, 2)},"o":1}}' for n in range(11)]


def test_a_network_that_goes_on_too_long_is_stopped_and_can_be_used_again():
    network = Network(JOIN)
    with pytest.raises(NetworkError, match="more than 4 firings"):
        network.matches(MESSAGES, 4)
    assert len(network.matches(MESSAGES, 10)) == 10


def test_what_the_library_refuses_is_an_error_with_its_reason():
    with pytest.raises(NetworkError, match=r"durable-rules refused 300 rules: .*108"):
        Network({f"b{n}": {"all": [{"m0": {"$and": [{"t": 1}]}}]} for n in range(300)})
    network = Network(JOIN)
    with pytest.raises(NetworkError, match=r"failed on 1 facts: .*204"):
        network.matches(['{"id":"1","sid":"s","t":1e-7}'], 10)
    assert len(network.matches(MESSAGES, 10)) == 10


def test_a_closed_network_says_so_and_a_cache_makes_a_new_one():
    cache = NetworkCache(2)
    first = cache.get("a", lambda: JOIN)
    assert cache.get("a", lambda: JOIN) is first
    first.close()
    with pytest.raises(NetworkError, match="closed"):
        first.matches(MESSAGES, 10)
    assert cache.get("a", lambda: JOIN) is not first
    kept = cache.get("b", lambda: JOIN)
    cache.get("a", lambda: JOIN)
    cache.get("c", lambda: JOIN)
    assert kept.closed and len(cache) == 2


def test_a_thread_keeps_a_bounded_number_of_networks_over_all_books():
    for _ in range(NETWORKS + 5):
        assert pairs(book(every(Condition(LEFT, "is", RIGHT))), 1, 1, 2) == [0]
    assert len(networks_of_this_thread()) == NETWORKS


def test_threads_share_a_book_but_never_a_network():
    compiled = book(every(Condition(LEFT, "is", RIGHT)), every(Condition(LEFT, "is not", RIGHT)))
    seen: dict[int, NetworkCache] = {}

    def work(number: int) -> list[tuple[str, str]]:
        seen[threading.get_ident()] = networks_of_this_thread()
        facts = [Fact("left", "l", {"it": number % 5}), *(Fact("right", f"{n}", {"it": n}) for n in range(5))]
        return [(firing.rule, firing.bound["right"]) for firing in compiled.run("pairs", facts).firings]

    barrier = threading.Barrier(4)
    with ThreadPoolExecutor(4, initializer=barrier.wait) as pool:
        for number, fired in enumerate(pool.map(work, range(400))):
            others = [("r1", f"{n}") for n in range(5) if n != number % 5]
            assert fired == [("r0", f"{number % 5}"), *others]
    assert len({id(cache) for cache in seen.values()}) == len(seen)


def test_a_forked_process_makes_its_own_networks_and_leaves_the_parents_alone():
    compiled = book(every(Condition(LEFT, "is", RIGHT)))
    assert pairs(compiled, 1, 1, 2) == [0]
    before = networks_of_this_thread()
    child = os.fork()
    if child == 0:
        right = pairs(compiled, 2, 1, 2) == [1] and networks_of_this_thread() is not before
        os._exit(0 if right else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert networks_of_this_thread() is before
    assert pairs(compiled, 2, 1, 2) == [1]


def test_loading_the_library_leaves_the_way_other_modules_are_loaded_alone():
    assert sys.getdlopenflags() == os.RTLD_NOW
