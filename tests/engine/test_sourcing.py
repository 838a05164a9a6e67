"""Which outlets an order gets, and what the answer says about itself."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.sourcing import Allocation, Candidate, Effort, Limits, OrderLine, Shortage, SourcingError, Stock, source
from engine.sourcing.problem import MAX_PACKED
from engine.sourcing.search import MAX_DEPTH
from engine.sourcing.types import MAX_QUANTITY


def order(**wanted: int) -> list[OrderLine]:
    """One line per article, named after it."""
    return [OrderLine(f"line-{sku}", sku, quantity) for sku, quantity in wanted.items()]


def outlet(name: str, stock: dict[str, int], **more: Any) -> Candidate:
    return Candidate(name, {sku: Stock(pieces) for sku, pieces in stock.items()}, **more)


def carries(name: str, skus: str, **more: Any) -> Candidate:
    """An outlet with one piece of each article, an article being a letter."""
    return outlet(name, dict.fromkeys(skus, 1), **more)


# Which outlets ------------------------------------------------------------------------------------------------------


def test_an_order_one_outlet_can_fill_goes_to_one_outlet() -> None:
    plan = source(order(A=1, B=2), [carries("near", "A"), outlet("far", {"A": 1, "B": 2}, priority=9)])
    assert plan.outlets == ("far",)
    assert plan.method == "one outlet"
    assert plan.bound.reason == "one outlet suffices"
    assert plan.complete


def test_outlets_ranked_by_what_they_cover_alone_would_ship_three_parcels_where_two_do() -> None:
    outlets = [carries("L1", "ABC", priority=1), carries("L2", "ABD", priority=2), carries("L3", "DE", priority=3)]
    plan = source(order(A=1, B=1, C=1, D=1, E=1), outlets)
    assert plan.outlets == ("L1", "L3")


def test_taking_the_outlet_that_covers_most_first_would_ship_three_parcels_where_two_do() -> None:
    outlets = [
        carries("left", "ABC", priority=2),
        carries("right", "DEF", priority=3),
        carries("middle", "BCDE", priority=1),
    ]
    plan = source(order(A=1, B=1, C=1, D=1, E=1, F=1), outlets)
    assert plan.outlets == ("left", "right")


def test_more_units_count_for_more_than_fewer_outlets() -> None:
    plan = source(order(A=1, B=1), [carries("a", "A", preference=99), carries("b", "B", preference=-99)])
    assert plan.outlets == ("a", "b")


def test_fewer_outlets_count_for_more_than_preference() -> None:
    outlets = [
        carries("a", "A", preference=99),
        carries("b", "B", preference=99),
        carries("both", "AB", preference=-99),
    ]
    assert source(order(A=1, B=1), outlets).outlets == ("both",)


def test_the_preference_of_all_outlets_used_is_summed() -> None:
    outlets = [
        carries("a", "A", preference=10, priority=5),
        carries("cd", "BC", preference=0, priority=5),
        carries("a2", "AB", preference=4, priority=1),
        carries("c", "C", preference=5, priority=1),
    ]
    plan = source(order(A=1, B=1, C=1), outlets)
    assert plan.outlets == ("a", "cd")
    assert plan.score.preference == 10


def test_between_equal_preferences_the_outlet_with_the_best_priority_counts_first() -> None:
    outlets = [
        carries("first", "A", priority=1),
        carries("last", "B", priority=9),
        carries("second", "AC", priority=2),
        carries("third", "BC", priority=3),
    ]
    plan = source(order(A=1, B=1), outlets)
    assert plan.score.priorities == (1, 3)
    assert plan.outlets == ("first", "third")


def test_between_equal_priorities_the_smaller_id_wins() -> None:
    assert source(order(A=1), [carries("utrecht", "A"), carries("breda", "A")]).outlets == ("breda",)


# What the rules allow -----------------------------------------------------------------------------------------------


def test_an_excluded_outlet_is_never_used() -> None:
    plan = source(order(A=1), [carries("closed", "A", excluded=True), carries("open", "A", priority=9)])
    assert plan.outlets == ("open",)


def test_when_an_outlet_is_required_no_other_is_used_even_if_pieces_stay_short() -> None:
    plan = source(order(A=1, B=1), [carries("pickup-point", "A", required=True), carries("warehouse", "AB")])
    assert plan.outlets == ("pickup-point",)
    assert plan.shortages == (Shortage("line-B", "B", 1),)


def test_of_several_required_outlets_any_may_be_used() -> None:
    outlets = [carries("one", "A", required=True), carries("two", "AB", required=True), carries("three", "AB")]
    assert source(order(A=1, B=1), outlets).outlets == ("two",)


def test_an_outlet_both_required_and_excluded_leaves_nobody() -> None:
    plan = source(order(A=1), [carries("one", "A", required=True, excluded=True), carries("two", "A")])
    assert plan.allocations == ()
    assert plan.method == "nothing available"
    assert plan.shortages == (Shortage("line-A", "A", 1),)


def test_reserved_pieces_and_the_buffer_are_not_for_this_order() -> None:
    plan = source(order(A=5), [Candidate("shop", {"A": Stock(on_hand=9, reserved=4, buffer=3)})])
    assert plan.allocations == (Allocation("line-A", "shop", 2),)
    assert plan.shortages == (Shortage("line-A", "A", 3),)


def test_an_outlet_that_sold_more_than_it_had_has_nothing_available() -> None:
    assert source(order(A=1), [Candidate("till", {"A": Stock(-3)})]).shortages == (Shortage("line-A", "A", 1),)


def test_a_limit_on_outlets_keeps_the_most_units_and_then_the_fewest_outlets() -> None:
    outlets = [outlet("a", {"A": 5}), outlet("b", {"B": 3}), outlet("c", {"C": 1}), outlet("bc", {"B": 1, "C": 1})]
    plan = source(order(A=5, B=3, C=1), outlets, Limits(max_outlets=2))
    assert plan.outlets == ("a", "b")
    assert plan.shortages == (Shortage("line-C", "C", 1),)
    assert "only 2 outlets are allowed" in plan.bound.reason


# Lines --------------------------------------------------------------------------------------------------------------


def test_two_lines_of_one_article_never_get_the_same_piece() -> None:
    lines = [OrderLine("first", "A", 2), OrderLine("gift", "A", 2)]
    plan = source(lines, [outlet("shop", {"A": 3})])
    assert sum(allocation.quantity for allocation in plan.allocations) == 3
    assert sum(shortage.quantity for shortage in plan.shortages) == 1


def test_a_line_that_one_allowed_outlet_has_whole_is_not_divided() -> None:
    outlets = [outlet("has-all", {"A": 4}), outlet("a", {"A": 2, "B": 5}), outlet("b", {"A": 2, "C": 5})]
    plan = source(order(A=4, B=5, C=5), outlets)
    assert plan.outlets == ("a", "b", "has-all")
    assert Allocation("line-A", "has-all", 4) in plan.allocations


def test_a_line_that_no_allowed_outlet_has_whole_is_divided() -> None:
    outlets = [outlet("has-all", {"A": 4}, excluded=True), outlet("a", {"A": 3}), outlet("b", {"A": 2})]
    plan = source(order(A=4), outlets)
    assert plan.allocations == (Allocation("line-A", "a", 3), Allocation("line-A", "b", 1))


def test_a_line_that_is_never_divided_takes_what_one_outlet_has_and_the_rest_is_short() -> None:
    plan = source(order(A=4), [outlet("a", {"A": 3}), outlet("b", {"A": 2})], Limits(divide_lines="never"))
    assert plan.allocations == (Allocation("line-A", "a", 3),)
    assert plan.shortages == (Shortage("line-A", "A", 1),)


def test_lines_divided_freely_save_an_outlet() -> None:
    outlets = [outlet("has-all", {"A": 4}), outlet("a", {"A": 2, "B": 5}), outlet("b", {"A": 2, "C": 5})]
    plan = source(order(A=4, B=5, C=5), outlets, Limits(divide_lines="freely"))
    assert plan.outlets == ("a", "b")


def test_within_the_chosen_outlets_a_line_goes_whole_to_the_preferred_one() -> None:
    outlets = [outlet("shop", {"A": 1, "B": 1}, priority=1), outlet("warehouse", {"B": 9, "C": 1}, preference=10)]
    plan = source(order(A=1, B=1, C=1), outlets)
    assert Allocation("line-B", "warehouse", 1) in plan.allocations


# Why fewer do not do ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "outlets", "reason"),
    [
        (order(A=1, D=1), [carries("x", "A"), carries("y", "D")], "no outlet has both A and D"),
        (
            order(A=1, B=1, C=1),
            [carries("x", "A"), carries("y", "B"), carries("z", "C")],
            "no outlet has any two of A, B and C",
        ),
        (
            order(A=5),
            [outlet("x", {"A": 2}), outlet("y", {"A": 2}), outlet("z", {"A": 1})],
            "no 2 outlets together have 5 of A",
        ),
        (
            order(A=1, B=1, C=1),
            [carries("x", "AB"), carries("y", "BC"), carries("z", "AC")],
            "no outlet has more than 2 of these 3 articles",
        ),
        (
            order(A=1, B=1, C=1, D=1),
            [
                carries("x", "AB"),
                carries("y", "CD"),
                carries("z", "AC"),
                carries("w", "BD"),
                carries("v", "AD"),
                carries("u", "BC"),
            ],
            "no outlet has more than 2 of these 4 articles",
        ),
    ],
)
def test_the_bound_says_in_words_why_fewer_outlets_do_not_do(
    lines: list[OrderLine], outlets: list[Candidate], reason: str
) -> None:
    plan = source(lines, outlets)
    assert plan.bound.reason == reason
    assert plan.bound.outlets == len(plan.outlets)
    assert plan.optimal


# Effort -------------------------------------------------------------------------------------------------------------


def hard_order() -> tuple[list[OrderLine], list[Candidate]]:
    """Six articles over pairs and triples of outlets: no reduction settles it."""
    lines = [OrderLine(f"line-{sku}", sku, 3) for sku in "ABCDEF"]
    outlets = [
        outlet(f"{nth}", {sku: (nth * 5 + ord(sku)) % 3 + 1 for sku in "ABCDEF" if (nth + ord(sku)) % 4})
        for nth in range(9)
    ]
    return lines, outlets


def test_when_the_search_is_out_of_steps_highs_answers_just_as_well() -> None:
    lines, outlets = hard_order()
    plan = source(lines, outlets, effort=Effort(search_steps=0))
    assert plan.method == "highs"
    assert plan.optimal
    assert plan.score == source(lines, outlets).score


def test_an_answer_that_is_not_proven_says_so_and_still_promises_no_piece_twice() -> None:
    lines = [OrderLine(f"{nth:02}", f"sku-{nth}", 1 + nth % 4) for nth in range(20)]
    outlets = [
        outlet(f"{n:02}", {f"sku-{m}": 1 + (n * m) % 5 for m in range(20) if (n * n + m * 7 + n * m * 3) % 11 < 3})
        for n in range(40)
    ]
    for most in (None, 3):
        plan = source(lines, outlets, Limits(most), Effort(search_steps=0, solver_work=0))
        best = source(lines, outlets, Limits(most))
        assert not plan.optimal
        assert plan.score.key >= best.score.key
        assert plan.bound.outlets <= len(best.outlets)
        assert len(plan.outlets) <= (most or len(outlets))
        stock = {candidate.id: candidate.stock for candidate in outlets}
        skus = {line.id: line.sku for line in lines}
        assert all(given.quantity <= stock[given.outlet][skus[given.line]].available for given in plan.allocations)


def test_many_lines_of_one_article_that_must_each_stay_whole_are_packed_exactly() -> None:
    quantities = [7, 6, 5, 5, 4, 4, 3, 3, 2, 2, 1]
    lines = [OrderLine(f"{nth:02}", "A", quantity) for nth, quantity in enumerate(quantities)]
    outlets = [outlet("x", {"A": 14}), outlet("y", {"A": 14}), outlet("z", {"A": 14})]
    for effort in (Effort(), Effort(search_steps=0)):
        plan = source(lines, outlets, Limits(divide_lines="never"), effort)
        assert plan.complete
        assert len(plan.allocations) == len(lines)


def test_lines_of_one_article_of_which_some_may_be_divided_are_shared_out_alike_by_both_searches() -> None:
    lines = [OrderLine("large", "A", 7), OrderLine("small", "A", 3), OrderLine("other", "B", 1)]
    outlets = [outlet("x", {"A": 4}), outlet("y", {"A": 4}), outlet("z", {"A": 2}), outlet("w", {"B": 1, "A": 1})]
    ours, theirs = source(lines, outlets), source(lines, outlets, effort=Effort(search_steps=0))
    assert ours.complete
    assert ours.score == theirs.score
    assert theirs.method == "highs"


def test_hundreds_of_lines_of_one_article_are_packed_by_highs() -> None:
    lines = [OrderLine(f"{nth:03}", "A", 2) for nth in range(MAX_PACKED + 1)]
    plan = source(lines, [outlet("x", {"A": 101}), outlet("y", {"A": 200})], Limits(divide_lines="never"))
    assert plan.score.units == 301
    assert plan.optimal


def test_an_order_over_more_outlets_than_the_search_goes_deep_is_left_to_highs() -> None:
    articles = 2 * MAX_DEPTH + 10
    lines = [OrderLine(f"line-{n}", f"sku-{n}", 1) for n in range(articles)]
    ring = [outlet(f"{n:03}", {f"sku-{n}": 1, f"sku-{(n + 1) % articles}": 1}) for n in range(articles)]
    plan = source(lines, ring)
    assert plan.method == "highs"
    assert plan.complete
    assert len(plan.outlets) == articles // 2
    assert plan.outlets[0] == "000"


# Bad questions ------------------------------------------------------------------------------------------------------

SHOP = [carries("shop", "A")]


@pytest.mark.parametrize(
    ("lines", "outlets", "limits", "sentence"),
    [
        ([], SHOP, Limits(), "no lines"),
        (order(A=1), [], Limits(), "no outlet to source from"),
        (order(A=0), SHOP, Limits(), "line-A: the quantity is 0"),
        (order(A=-2), SHOP, Limits(), "line-A: the quantity is -2"),
        (order(A=MAX_QUANTITY + 1), SHOP, Limits(), "must be from 1 to"),
        ([OrderLine("x", "A", 1.5)], SHOP, Limits(), "not a whole number"),  # type: ignore[arg-type]
        ([OrderLine("x", "A", True)], SHOP, Limits(), "not a whole number"),
        ([*order(A=1), *order(A=2)], SHOP, Limits(), "order line line-A is given more than once"),
        (order(A=1), SHOP * 2, Limits(), "outlet shop is given more than once"),
        (order(A=1), SHOP, Limits(max_outlets=0), "At most 0 outlets"),
        (order(A=1), SHOP, Limits(divide_lines="sometimes"), "when_needed, never, freely"),  # type: ignore[arg-type]
        (order(A=1), [Candidate("x", {}, priority="high")], Limits(), "Outlet x: priority"),  # type: ignore[arg-type]
        (order(A=1), [Candidate("x", {}, preference=10**9)], Limits(), "Outlet x: the preference"),
        (order(A=1), [Candidate("x", {"A": Stock(3, reserved=-1)})], Limits(), "Outlet x, article A"),
        (order(A=1), [Candidate("x", {"A": Stock(2.5)})], Limits(), "Outlet x, article A"),  # type: ignore[arg-type]
        (order(A=1), [Candidate("x", {"A": Stock("3")})], Limits(), "Outlet x, article A"),  # type: ignore[arg-type]
        (order(A=1), [Candidate("x", {"A": 3})], Limits(), "Outlet x, article A"),  # type: ignore[dict-item]
        (order(A=1), [Candidate("x", None)], Limits(), "Outlet x: stock must map"),  # type: ignore[arg-type]
    ],
)
def test_a_question_that_makes_no_sense_is_refused_in_a_sentence(
    lines: list[OrderLine], outlets: list[Candidate], limits: Limits, sentence: str
) -> None:
    with pytest.raises(SourcingError, match=sentence):
        source(lines, outlets, limits)


# The trace ----------------------------------------------------------------------------------------------------------


def told(plan: Any) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in plan.as_dict()["outlets"]}


def test_the_trace_is_plain_data_that_json_can_carry() -> None:
    lines, outlets = hard_order()
    story = source(lines, outlets).as_dict()
    assert json.loads(json.dumps(story)) == story
    assert len(story["outlets"]) == len(outlets)
    assert all(len(row["lines"]) == len(lines) for row in story["outlets"])


def test_the_trace_shows_every_cell_with_what_was_available_and_what_was_taken() -> None:
    plan = source(order(A=2), [Candidate("shop", {"A": Stock(9, 3, 1)})])
    assert told(plan)["shop"]["lines"] == [
        {
            "line": "line-A", "sku": "A", "wanted": 2, "on_hand": 9, "reserved": 3, "buffer": 1, "available": 5,
            "quantity": 2, "why_not": "",
        }
    ]  # fmt: skip


def test_the_trace_says_why_each_other_outlet_lost() -> None:
    outlets = [
        outlet("chosen", {"A": 2, "B": 1}, preference=5, priority=2),
        outlet("closed", {"A": 2, "B": 1}, excluded=True, rule="outlet-closed", reason="it takes no orders today"),
        outlet("empty", {"C": 1}),
        outlet("lacking", {"A": 1}),
        outlet("half", {"A": 2}),
        outlet("disliked", {"A": 2, "B": 1}, preference=-20),
        outlet("later", {"A": 2, "B": 1}, preference=5, priority=3),
        outlet("equal", {"A": 2, "B": 1}, preference=5, priority=2),
    ]
    rows = told(source(order(A=2, B=1), outlets))
    assert {name: row["why_not"] for name, row in rows.items()} == {
        "chosen": "",
        "closed": "excluded by rule outlet-closed: it takes no orders today",
        "empty": "lacks A, B (has none)",
        "lacking": "lacks A (has 1, wanted 2), B (has 0, wanted 1)",
        "half": "could serve A but needs more outlets: lacks B (has 0, wanted 1)",
        "disliked": "lower preference than chosen (-20 against 5)",
        "later": "lower priority than chosen (3 after 2)",
        "equal": "equal to chosen, whose id comes first",
    }
    assert rows["closed"]["excluded"] == {"rule": "outlet-closed", "reason": "it takes no orders today"}


def test_the_trace_says_that_another_outlet_is_required() -> None:
    rows = told(source(order(A=1), [carries("pickup", "A", required=True), carries("other", "A")]))
    assert rows["other"]["why_not"] == "another outlet is required"
    assert rows["other"]["lines"][0]["why_not"] == "another outlet is required"


def test_the_trace_of_a_split_order_says_whose_place_an_outlet_could_take() -> None:
    outlets = [carries("ab", "AB"), carries("cd", "CD"), carries("bc", "BC"), carries("a", "A")]
    rows = told(source(order(A=1, B=1, C=1, D=1), outlets))
    assert rows["a"]["why_not"] == "could only take the place of ab, and lacks B (has 0, wanted 1)"
    assert rows["cd"]["lines"][0]["why_not"] == "has none"
    assert rows["bc"]["lines"][1]["why_not"] == "outlet not chosen"


def test_the_trace_can_be_kept_short_and_then_counts_what_it_leaves_out() -> None:
    outlets = [carries("x", "A", priority=9), carries("y", "B"), *(carries(f"other-{n}", "C") for n in range(8))]
    story = source(order(A=1, B=1), outlets).as_dict(most_outlets=3)
    assert [row["id"] for row in story["outlets"]] == ["y", "x", "other-0"]
    assert story["outlets_left_out"] == 7
