"""Warnings help where something is odd, and stay silent about what is well written."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.language import check
from engine.language.style import MOST

RULES = Path(__file__).parents[2] / "rules"
SHIPPED = {path.name: path.read_text(encoding="utf-8") for path in RULES.rglob("*.yaml")}


def said(rules: str, decision: str = "order_intake", settings: str = "") -> list[str]:
    """The warnings about these rules, each as `line: message hint`; rules begin on line 3."""
    text = f"decision: {decision}\n{settings}rules:\n{rules}"
    problems = check({"rules.yaml": text})
    assert [p for p in problems if p.severity == "error"] == []
    return [f"{p.line}:{p.column}: {p.message} {p.hint}".rstrip() for p in problems]


def rule(*when: str, then: tuple[str, ...] = ("hold order",), name: str = "a-rule", more: str = "description: Why.") -> str:
    """One rule; its conditions begin on line 6 of the file of `said`, in column 9."""
    conditions = "".join(f"      - {one}\n" for one in when) or "      - order.number exists\n"
    return f"  - id: {name}\n    {more}\n    when:\n{conditions}    then:\n" + "".join(f"      - {one}\n" for one in then)


def test_the_shipped_book_has_no_warnings() -> None:
    assert check(SHIPPED) == ()


@pytest.mark.parametrize(
    ("when", "warning"),
    [
        (["order.state in [open]"], "6:9: `in` with one value. Write `order.state is open`."),
        (["order.state not in [open]"], "6:9: `not in` with one value. Write `order.state is not open`."),
        (["order.state in [open, held, open]"], "6:9: A value stands in this list twice. Remove one of the two."),
        (["order.split is not true"], "6:9: `is not true` says the opposite twice. Write `order.split is false`."),
        (["order.total between 5 EUR and 5 EUR"], "6:9: Both ends are the same. Write `order.total is 5.00 EUR`."),
        (['order.number starts with ""'], "6:9: Every text does this. Write `order.number exists`."),
        (['order.number matches "abc"'], '6:9: This pattern is plain text. Write `order.number is "abc"`.'),
        (['order.number matches "abc.*"'], '6:9: This pattern is plain text. Write `order.number starts with "abc"`.'),
        (["order.split is true", "order.split is true"], "7:9: This condition stands here twice. Remove one of the two."),
        (["order.total > 5 EUR", "order.total exists"], "7:9: This is met whenever the condition on line 6 is. Remove it."),
        (["order.total > 50 EUR", "order.total > 5 EUR"], "7:9: This is met whenever the condition on line 6 is. Remove it."),
        (["order.placed_at before 2026-11-22T10:00Z", "order.placed_at before 2026-11-23T10:00Z"], "7:9: This is met whenever the condition on line 6 is. Remove it."),
        (["order.state is open", "order.state in [open, held]"], "7:9: This is met whenever the condition on line 6 is. Remove it."),
        (["order.state is open", "order.state is not held"], "7:9: This is met whenever the condition on line 6 is. Remove it."),
        (["any: [order.split is true]"], "6:9: `any:` with one condition is that condition. Write it by itself."),
        (["all: [order.split is true, order.known is true]"], "6:9: `all:` changes nothing here: all conditions must be met anyway. Write them by themselves."),
        (["any: [order.state is open, order.state is held]"], "6:9: These all ask for order.state. Write `order.state in [open, held]`."),
        (["count of lines where line.sku in [a] > 3"], "6:30: `in` with one value. Write `line.sku is a`."),
    ],
)  # fmt: skip
def test_conditions_that_could_be_said_better(when: list[str], warning: str) -> None:
    assert said(rule(*when)) == [warning]


@pytest.mark.parametrize(
    "when",
    [
        ["order.total > 5 EUR", "order.total < 50 EUR"],
        ["order.total > 50 USD", "order.total > 5 EUR"],
        ["order.total > 5 EUR", "order.total >= 5 EUR"],
        ["order.state is not open", "order.state is not held"],
        ["any: [order.state is open, order.split is true]"],
        ["none: [order.split is true]"],
        ["any: [{all: [order.split is true, order.known is true]}, order.state is open]"],
        ["order.state is missing", "order.split exists"],
        ['order.number matches "a|b"'],
    ],
)
def test_conditions_that_are_well_said(when: list[str]) -> None:
    assert said(rule(*when)) == []


@pytest.mark.parametrize(
    ("rules", "warnings"),
    [
        (rule(more="priority: 5"), ["3:9: `a-rule` has no description. Add `description:` with one sentence that says why; traces show it."]),
        (rule(more='description: "TODO: say why"'), ["3:9: The description of `a-rule` says TODO. Finish it before publishing."]),
        (rule(then=('hold order because "FIXME"',)), ["8:9: The reason says FIXME. Finish it before publishing."]),
        (rule(name="A_Rule"), ["3:9: `A_Rule` is not written like other ids. Write `a-rule`."]),
        (rule(name="lastOrder2"), ["3:9: `lastOrder2` is not written like other ids. Write `last-order2`."]),
        (rule(then=("hold order", "hold order")), ["9:9: This demand stands here twice. Remove one of the two."]),
        (rule(name="b") + rule(name="a"), ["3:9: `b` says exactly what `a` says. Remove one of the two."]),
    ],
)
def test_rules_that_could_be_said_better(rules: str, warnings: list[str]) -> None:
    assert said(rules) == warnings


def test_the_same_conditions_in_another_order_are_the_same_rule() -> None:
    rules = rule("order.split is true", "order.known is true", name="a") + rule("order.known is true", "order.split is true", name="b")

    assert said(rules) == ["10:9: `b` says exactly what `a` says. Remove one of the two."]


def test_a_setting_that_no_rule_asks_for() -> None:
    settings = "settings:\n  used: 5.00 EUR\n  unused: 3\n"

    assert said(rule("order.total > setting.used"), settings=settings) == [
        "4:3: No rule asks for the setting `unused`. Use it as `setting.unused`, or remove it."
    ]


def test_a_setting_of_a_rule_that_a_layer_switched_off_is_still_used() -> None:
    base = f"decision: order_intake\nsettings: {{limit: 5.00 EUR}}\nrules:\n{rule('order.total > setting.limit', name='big')}{rule(name='rest')}"
    layer = "decision: order_intake\nlayer: true\nswitch_off: [big]\n"

    assert check({"order_intake.yaml": base, "layer/order_intake.yaml": layer}) == ()


def test_a_rule_that_always_holds_before_others_that_settle_the_same() -> None:
    always = "  - id: always\n    description: D.\n    priority: 1\n    then: [import order]\n"

    assert said(always + rule(name="b")) == [
        "3:9: `always` always holds and comes first, so `b` can never decide anything. Give it a priority behind them, or a condition."
    ]
    assert said(always.replace("priority: 1\n", "priority: 500\n") + rule(name="b")) == []
    assert said(always + rule(name="b", then=("hold order", "tag order x"))) == []


def test_an_amount_in_three_rules_deserves_a_name() -> None:
    rules = [rule(f"order.line_count is {n}", "order.total > 5 EUR", name=f"r{n}") for n in range(3)]

    assert said("".join(rules[:2])) == []
    assert said("".join(rules)) == [
        "7:9: 3 rules compare order.total with the same amount. Give it a name under `settings:`, so that it is changed in one place."
    ]


def test_text_that_differs_in_capitals_only() -> None:
    rules = [rule(f"order.customer.group is {group}", f"order.line_count is {n}", name=f"r{n}") for n, group in enumerate(("vip", "VIP", "vip"))]

    assert said("".join(rules)) == [
        "13:9: `VIP` is `vip` elsewhere; order.customer.group tells capitals apart. Write `vip`, or both as `in [VIP, vip]`."
    ]
    assert said(rule("order.customer.group in [vip, VIP]")) == []


def test_tables_with_one_row_and_columns_that_ask_nothing() -> None:
    table = """  - id: map
    description: Why.
    table:
      when: [order.split, order.known]
      then: [hold order]
      rows:
        - [true, any, yes]
"""

    assert said(table) == ["9:11: The table of `map` has one row. Write it as a rule with `when:` and `then:`."]
    assert said(f"{table}        - [false, any, yes]\n") == ["6:27: No row of `map` asks for `order.known`. Remove the column."]
    assert said(f"{table}        - [false, true, yes]\n") == []


def test_a_table_without_a_description_is_mentioned_once() -> None:
    table = "  - id: map\n    table:\n      when: [order.split]\n      then: [hold order]\n      rows:\n        - [true, yes]\n        - [false, yes]\n"

    assert [one.split(":")[0] for one in said(table)] == ["8"]


def test_warnings_keep_nobody_from_using_a_book_and_do_not_pile_up() -> None:
    rules = "".join(rule(f"order.line_count is {n}", name=f"r{n}", more="priority: 5") for n in range(MOST + 50))

    assert len(said(rules)) == MOST


def test_there_is_no_advice_while_there_are_errors() -> None:
    problems = check({"rules.yaml": f"decision: order_intake\nrules:\n{rule('order.totl exists', more='priority: 5')}"})

    assert [p.severity for p in problems] == ["error"]
