"""What the checker says about `then` lines, and what it makes of those that make sense."""

from __future__ import annotations

import pytest

from engine.ast import Demand, Literal, Path
from engine.language import check
from tests.engine.rule_texts import decision_of, rule_file


@pytest.mark.parametrize(
    ("demand", "column", "message", "hint"),
    [
        ("exclude outlt", 9, "outlet_assignment has no outcome `exclude outlt`.", "Did you mean `exclude outlet`?"),
        (
            "exclude outlet because closed",
            32,
            "The reason after `because` must stand in quotes.",
            'Write `because "..."`.',
        ),
        ("exclude outlet because", 31, "This demand ends too early.", "A value is missing at its end."),
        (
            'exclude outlet "closed"',
            9,
            "outlet_assignment has no outcome `exclude outlet closed`.",
            "Did you mean `exclude outlet`?",
        ),
        (
            "prefer outlet by many",
            26,
            "`many` is a word, but the points of `prefer outlet` takes a whole number.",
            "Write a whole number, such as `3`.",
        ),
        (
            "prefer outlet by 1.5",
            26,
            "`1.5` is not a whole number that the points of `prefer outlet` can hold.",
            "Write a whole number, such as `3`.",
        ),
        (
            'prefer outlet by "3"',
            26,
            "`3` is a quoted text, but the points of `prefer outlet` takes a whole number.",
            "Write a whole number, such as `3`.",
        ),
        (
            "prefer outlet",
            9,
            "outlet_assignment has no outcome `prefer outlet`.",
            "Did you mean `prefer outlet by {points}`?",
        ),
        (
            "keep order.total pieces back",
            14,
            "order.total is an amount of money, but the pieces of `keep back` takes a whole number.",
            "",
        ),
        (
            "set order risk hgh",
            24,
            "`hgh` is not a value of the risk of `set order risk`.",
            "Did you mean `high`? Its values are: low, medium, high.",
        ),
        (
            "set order risk setting.word",
            24,
            "setting.word is `delivery`, but the risk of `set order risk` takes one of a few words.",
            "Its values are: low, medium, high.",
        ),
        (
            "set order risk order.shop_status",
            24,
            "order.shop_status may be `awaiting_processing`, but the risk of `set order risk` takes one of a few words.",
            "Its values are: low, medium, high.",
        ),
        (
            "divide lines sometimes",
            22,
            "`sometimes` is not a value of the when of `divide lines`.",
            "Its values are: when_needed, never, freely.",
        ),
        ("require outlet 5", 24, "`5` is a number, but the outlet of `require outlet` takes text.", 'Write `"5"`.'),
        (
            "import order",
            9,
            "outlet_assignment has no outcome `import order`.",
            "It belongs to order_intake: write the rule there.",
        ),
        ("tag order", 9, "outlet_assignment has no outcome `tag order`.", "Did you mean `tag order {tag}`?"),
        (
            "tag order two words",
            9,
            "outlet_assignment has no outcome `tag order two words`.",
            "Did you mean `tag order {tag}`? Text of more than one word must stand in quotes.",
        ),
        ("tag line order.tags", 18, "order.tags is a list of text, but the tag of `tag line` takes text.", ""),
        (
            "use at most setting.most outlets",
            21,
            "setting.most is an amount of money, but the count of `use at most outlets` takes a whole number.",
            "",
        ),
        (
            "frobnicate",
            9,
            "outlet_assignment has no outcome `frobnicate`.",
            "It can: back-order shortage; divide lines {when}; exclude outlet; hold shortage; keep {pieces} pieces back; prefer outlet by {points}; require outlet {outlet}; set order risk {risk}; tag line {tag}; tag order {tag}; use at most {count} outlets.",
        ),
        ("{a: b}", 9, "Here must stand one sentence.", "Put a sentence with a colon in it in quotes."),
        ("exclude outlet: x", 9, "Here must stand one sentence.", "Put a sentence with a colon in it in quotes."),
    ],
)
def test_a_demand_that_makes_no_sense_is_refused_at_its_place_with_advice(
    demand: str, column: int, message: str, hint: str
) -> None:
    (problem,) = check({"rules.yaml": rule_file([], [demand])})

    assert (problem.line, problem.column) == (12, column)
    assert problem.message == message
    assert problem.hint == hint


def demand_in(sentence: str) -> Demand:
    """The typed demand of a sentence."""
    (rule,) = decision_of(rule_file([], [sentence])).rules
    (demand,) = rule.then
    return demand


def test_slots_take_constants_settings_and_fields() -> None:
    assert demand_in("keep 2 pieces back").slots == {"pieces": Literal(2)}
    assert demand_in("keep setting.limit pieces back").slots == {"pieces": Path("setting", "limit")}
    assert demand_in("require outlet order.shipping_method.outlet").slots == {
        "outlet": Path("order", "shipping_method.outlet")
    }


def test_a_reason_may_hold_anything() -> None:
    assert demand_in('exclude outlet because "not paid: see \\"order #5\\""').reason == 'not paid: see "order #5"'


def test_text_that_equals_a_word_of_the_sentence_is_text_in_quotes() -> None:
    assert demand_in('tag order "order"').slots == {"tag": Literal("order")}


def test_an_outcome_binds_the_fact_it_speaks_of_and_every_fact_named() -> None:
    def binds(when: list[str], then: list[str]) -> tuple[str, ...]:
        (rule,) = decision_of(rule_file(when, then)).rules
        return rule.binds

    assert binds([], ["exclude outlet"]) == ("outlet",)
    assert binds([], ["hold shortage"]) == ()
    assert binds(["setting.flag is true"], ["hold shortage"]) == ()
    assert binds(["stock.sku is line.sku"], ["exclude outlet"]) == ("line", "outlet", "stock")
    assert binds([], ["require outlet order.shipping_method.outlet"]) == ("order",)
    assert binds(["line.quantity between 1 and order.unit_count"], ["tag order x"]) == ("line", "order")
