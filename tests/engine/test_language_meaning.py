"""What sentences and settings mean once they are read: values, types, groups."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from engine.ast import Condition, Group, Literal, LiteralList, Path
from engine.types import Money, Value
from tests.engine.rule_texts import decision_of, problems_of, rule_file


def condition_in(sentence: str, decision: str = "outlet_assignment") -> Condition:
    """The typed condition of a sentence."""
    (rule,) = decision_of(rule_file([sentence], ["tag order x"], decision)).rules
    (condition,) = rule.when.children
    assert isinstance(condition, Condition)
    return condition


@pytest.mark.parametrize(
    ("sentence", "value"),
    [
        ("order.total < 50 EUR", Money(5000, "EUR")),
        ("order.total < -0.5 EUR", Money(-50, "EUR")),
        ("order.total < 5000 JPY", Money(5000, "JPY")),
        ("line.weight > 2 kg", 2000),
        ("line.weight > 1.5 kg", 1500),
        ("line.weight > 500 g", 500),
        ("order.line_count > 3", 3),
        ("order.split is true", True),
        ("order.number is abc", "abc"),
        ('order.number is "two words"', "two words"),
        ('order.number is "a \\"b\\" \\\\ \\u00e9"', 'a "b" \\ é'),
        ('order.number matches "\\d+"', "\\d+"),
        ("order.fulfilment_type is pickup", "pickup"),
        ("order.tags contains fragile", "fragile"),
        ("order.placed_at before 2026-11-22T10:00+01:00", datetime(2026, 11, 22, 9, 0, tzinfo=UTC)),
        ('order.number is "a: b # c"', "a: b # c"),
    ],
)
def test_a_literal_becomes_a_value_of_the_type_it_is_compared_with(sentence: str, value: Value) -> None:
    right = condition_in(sentence).right

    assert isinstance(right, Literal)
    assert right.value == value
    assert type(right.value) is type(value)


def test_a_list_holds_values_of_the_field_it_is_compared_with() -> None:
    assert condition_in("order.total in [5 EUR, 5.50 USD]").right == LiteralList((Money(500, "EUR"), Money(550, "USD")))


def test_between_takes_two_values_or_fields() -> None:
    condition = condition_in("line.quantity between 1 and order.unit_count")

    assert condition.right == Literal(1)
    assert condition.upper == Path("order", "unit_count")


def test_operators_may_be_spaced_freely() -> None:
    assert condition_in("order.number   is    not   a").operator == "is not"
    assert condition_in("order.line_count>3").operator == ">"


@pytest.mark.parametrize(
    ("default", "condition", "fits"),
    [
        ("2.5", "setting.x > 2.5", True),
        ("2026-11-22", "setting.x before 2026-11-23", True),
        ("2026-11-22", "setting.x before 2026-11-31", False),
        ("2026-11-22T10:00Z", "order.placed_at after setting.x", True),
        ("'2026-11-22'", "order.number is setting.x", True),
        ("2000", "line.weight > setting.x", True),
        ("2.5", "line.quantity > setting.x", True),
        ("delivery", "order.fulfilment_type is not setting.x", True),
        ("deliver", "order.fulfilment_type is not setting.x", False),
        ("[NL, BE]", "outlet.country in setting.x", True),
        ("[NL, BE]", "outlet.country is setting.x", False),
        ("true", "order.number is setting.x", False),
    ],
)
def test_a_setting_takes_part_by_the_type_of_its_default(default: str, condition: str, fits: bool) -> None:
    text = rule_file([condition]).replace("settings:\n", f"settings:\n  x: {default}\n")

    assert (problems_of(text) == []) is fits


def test_settings_are_typed_by_how_they_are_written() -> None:
    written = {
        "a": ("true", True), "b": ("3", 3), "c": ("2.50", Decimal("2.5")), "d": ("50.00 EUR", Money(5000, "EUR")),
        "e": ('"50 EUR"', Money(5000, "EUR")), "f": ('"3"', "3"), "g": ("2026-11-22", date(2026, 11, 22)),
        "h": ("[a, 1, true]", ("a", "1", "true")), "i": ('""', ""), "j": ("[]", ()), "k": ("two words", "two words"),
        "l": ("2026-11-22T10:00+01:00", datetime(2026, 11, 22, 9, 0, tzinfo=UTC)),
    }  # fmt: skip
    lines = "".join(f"  {name}: {text}\n" for name, (text, _) in written.items())

    settings = decision_of(f"decision: order_intake\nsettings:\n{lines}rules: []\n").settings

    assert settings == {name: value for name, (_, value) in written.items()}
    assert [type(settings[name]) for name in written] == [type(value) for _, value in written.values()]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("yes", '3:7: `yes` is not a value. Write `true`, or `"yes"` if you mean the text.'),
        ("True", '3:7: `True` is not a value. Write `true`, or `"True"` if you mean the text.'),
        ("", '3:6: The setting has no default. Give it one; an empty text is `""`.'),
        ("1.2.3", "3:7: `1.2.3` is not a number. If you mean text, put it in quotes."),
        ("{a: b}", "3:7: A setting has one value or a list of text."),
        ("[[a]]", "3:7: A list setting holds text only."),
    ],
)
def test_a_setting_that_could_mean_two_things_is_refused(written: str, said: str) -> None:
    assert problems_of(f"decision: order_intake\nsettings:\n  ab: {written}\nrules: []\n") == [said]


def test_groups_nest_and_keep_their_order() -> None:
    text = """decision: order_intake
rules:
  - id: nested
    when:
      - order.number exists
      - any:
          - order.split is true
          - none:
              - order.comment exists
              - all: [order.number is a, order.comment is b]
    then:
      - hold order
"""
    (rule,) = decision_of(text).rules

    (first, any_of) = rule.when.children
    assert isinstance(first, Condition)
    assert isinstance(any_of, Group)
    (_, none_of) = any_of.children
    assert (any_of.kind, any_of.place.line) == ("any", 6)
    assert isinstance(none_of, Group)
    assert [type(child) for child in none_of.children] == [Condition, Group]
