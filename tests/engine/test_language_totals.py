"""Counts and sums over repeated facts: how they are written, what they are worth, and what is refused."""

from __future__ import annotations

import pytest

from engine.compiled import compile_book
from engine.language import load_book
from engine.language.formatter import format_decision
from engine.totals import LOOKS
from engine.types import Fact, Money, Run, Value
from tests.engine.rule_texts import decision_of, problem_of, rule_file


def run(conditions: list[str], *facts: Fact, then: str = "tag order found") -> Run:
    """What a rule with these conditions says, by both evaluators."""
    book = load_book({"rules.yaml": rule_file(conditions, [then])})
    compiled = compile_book(book, compare="always", on_incident=pytest.fail)
    return compiled.run("outlet_assignment", [Fact("order", "o", {"unit_count": 4, "total": Money(10_000, "EUR")}), *facts])


def line(number: int, **values: Value) -> Fact:
    return Fact("line", str(number), {"id": str(number), **values})


HAZARDOUS = [line(1, hazardous=True, quantity=2), line(2, hazardous=False, quantity=1), line(3, quantity=1)]


@pytest.mark.parametrize(
    ("condition", "met"),
    [
        ("count of lines is 3", True),
        ("count of line is 3", True),
        ("count of lines where line.hazardous is true > 0", True),
        ("count of lines where line.hazardous is true > 1", False),
        ("count of lines where line.hazardous is missing is 1", True),
        ("count of lines where line.hazardous is true and line.quantity > 5 is 0", True),
        ("count of lines where line.quantity between 1 and 2 and line.hazardous exists between 2 and 3", True),
        ("sum of line.quantity is order.unit_count", True),
        ("sum of line.quantity where line.hazardous is true in [1, 2]", True),
        ("sum of line.quantity where line.quantity > setting.limit is 0", True),
        ("count of outlets is 0", True),
    ],
)
def test_facts_are_counted_and_added_up(condition: str, met: bool) -> None:
    assert bool(run([condition], *HAZARDOUS).firings) is met


def test_a_rule_that_only_counts_holds_once_whatever_the_number_of_facts() -> None:
    assert len(run(["count of lines > 0"], *HAZARDOUS).firings) == 1


def test_a_sum_with_a_missing_value_is_missing() -> None:
    weights = [line(1, weight=5000), line(2)]

    assert not run(["sum of line.weight < 30 kg"], *weights).firings
    assert run(["sum of line.weight is missing"], *weights).firings
    assert run(["sum of line.weight where line.weight exists is 5 kg"], *weights).firings


def test_amounts_add_up_in_one_currency_only() -> None:
    euros = [line(1, total=Money(1050, "EUR")), line(2, total=Money(950, "EUR"))]

    assert run(["sum of line.total is 20 EUR"], *euros).firings
    assert run(["sum of line.total < order.total"], *euros).firings
    assert not run(["sum of line.total < 100 EUR"], *euros, line(3, total=Money(1, "USD"))).firings


def test_the_sum_of_no_amounts_is_nothing_in_any_currency() -> None:
    assert run(["sum of line.total < 50 EUR"]).firings
    assert run(["sum of line.total between 0 USD and 1 USD"]).firings


def test_a_total_may_depend_on_the_facts_a_rule_speaks_of() -> None:
    stock = [
        Fact("stock", f"{outlet}/{sku}", {"outlet": outlet, "sku": sku, "available": available})
        for outlet, sku, available in [("ams", "a", 3), ("ams", "b", 1), ("utr", "a", 1)]
    ]
    outlets = [Fact("outlet", code, {"code": code}) for code in ("ams", "utr", "rot")]
    condition = "sum of stock.available where stock.outlet is outlet.code >= order.unit_count"

    assert [f.bound["outlet"] for f in run([condition], *stock, *outlets, then="exclude outlet").firings] == ["ams"]


def test_a_counted_type_may_also_be_looked_at_one_by_one() -> None:
    found = run(["line.quantity > 1", "count of lines where line.quantity < 2 is 2"], *HAZARDOUS, then="tag line big")

    assert [firing.bound["line"] for firing in found.firings] == ["1"]


def test_what_is_counted_may_have_been_derived_by_earlier_rules() -> None:
    text = """
decision: outlet_assignment
rules:
  - {id: b-tag, when: [line.hazardous is true], then: [tag line special]}
  - {id: a-count, when: [count of lines where line.tags contains special is 1], then: [hold shortage]}
"""
    found = compile_book(load_book({"a.yaml": text}), compare="always", on_incident=pytest.fail).run(
        "outlet_assignment", HAZARDOUS
    )

    assert found.first("hold shortage")


def test_a_rule_that_would_look_at_too_many_facts_is_left_out_and_the_run_says_so() -> None:
    count = int(LOOKS**0.5) + 10
    outlets = [Fact("outlet", f"{n:05}", {"priority": n}) for n in range(count)]
    lines = [line(n, quantity=n) for n in range(count)]
    rule = "count of lines where line.quantity < outlet.priority > 3"

    assert run([rule], *lines, *outlets, then="exclude outlet").errors == (
        "rule only: there are too many combinations of outlet; it was left out",
    )


@pytest.mark.parametrize(
    ("condition", "column", "message", "hint"),
    [
        ("count of lins > 0", 18, "outlet_assignment cannot count `lins`.", "Did you mean `lines`?"),
        ("count of orders > 0", 18, "outlet_assignment cannot count `orders`.", "It can count: lines, outlets, stock."),
        ("sum of order.total > 5 EUR", 16, "There is only one order: order.total needs no sum.", "Write `order.total`."),
        ("sum of line.sku > 5", 16, "line.sku is text, which cannot be added up.", "Write `count of ...` to count facts."),
        ("sum of line.quantities > 5", 16, "`line` has no field `quantities`.", "Did you mean `line.quantity`?"),
        ("count of lines where order.split is true > 0", 30, "This condition says nothing about the line that is looked at.", "Make it a condition of the rule."),
        ("count of lines where line.quantity > two is 0", 46, "`two` is a word, but line.quantity takes a whole number.", "Write a whole number, such as `3`."),
        ("count of lines exists", 24, "`exists` cannot be asked of count of line, which is a whole number.", "It takes: is, is not, in, not in, <, <=, >, >=, between."),
        ("count of lines > 5 EUR", 26, "`5 EUR` is a number with a unit, but count of line takes a whole number.", "Write a whole number, such as `3`."),
        ("count of lines where line.quantity > 1", 47, "An operator and a value are missing at its end.", "What is counted is followed by an operator and a value: `count of lines where ... > 0`."),
        ("count of lines where line.hazardous is true or > 3", 53, "`or` is neither `and` nor an operator.", "What is counted is followed by an operator and a value: `count of lines where ... > 0`."),
        ("count of lines where line.quantity greater 1 > 0", 44, "`greater` is not an operator.", "Write `>`."),
    ],
)  # fmt: skip
def test_a_total_that_makes_no_sense_is_refused_with_advice(condition: str, column: int, message: str, hint: str) -> None:
    problem = problem_of(condition)

    assert (problem.line, problem.column, problem.message, problem.hint) == (11, column, message, hint)


def test_totals_are_written_back_in_the_same_words() -> None:
    sentence = "sum of stock.available where stock.outlet is outlet.code and stock.sku in [a, b] >= 3"

    assert f"- {sentence}\n" in format_decision(decision_of(rule_file([sentence.replace(" ", "  ")], ["exclude outlet"])))
