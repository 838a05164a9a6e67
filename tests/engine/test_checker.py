"""What the checker says about conditions that make no sense: where, what, and what to write instead."""

from __future__ import annotations

import pytest

from tests.engine.rule_texts import problem_of


@pytest.mark.parametrize(
    ("condition", "column", "message", "hint"),
    [
        ("order.total < 50", 23, "`50` is a number, but order.total takes an amount of money.", "Write `50 EUR`."),
        (
            "order.total < 50 eur",
            23,
            "`50 eur` is not an amount of money that order.total can hold.",
            "Write `50 EUR`.",
        ),
        (
            "order.total < 50.005 EUR",
            23,
            "`50.005 EUR` is not an amount of money that order.total can hold.",
            "Write an amount with its currency, such as `50 EUR`.",
        ),
        ("order.number is 1001", 25, "`1001` is a number, but order.number takes text.", 'Write `"1001"`.'),
        (
            "order.number < 5",
            22,
            "`<` cannot be asked of order.number, which is text.",
            "It takes: is, is not, in, not in, exists, is missing, contains, starts with, matches.",
        ),
        ("order.number is true", 25, "`true` is not text here.", 'Write `"true"`.'),
        (
            "order.number is not missing",
            29,
            "`missing` is not text here.",
            'Write `exists` or `is missing`; write text in quotes: `"missing"`.',
        ),
        (
            'order.split is "true"',
            24,
            "`true` is a quoted text, but order.split takes true or false.",
            "Write `true` without quotes.",
        ),
        ("order.split is 1", 24, "`1` is a number, but order.split takes true or false.", "Write `true` or `false`."),
        ("order.split is yes", 24, "`yes` is a word, but order.split takes true or false.", "Write `true` or `false`."),
        (
            "order.line_count is 2.5",
            29,
            "`2.5` is not a whole number that order.line_count can hold.",
            "Write a whole number, such as `3`.",
        ),
        (
            'order.line_count is "2"',
            29,
            "`2` is a quoted text, but order.line_count takes a whole number.",
            "Write a whole number, such as `3`.",
        ),
        (
            "order.line_count before 3",
            26,
            "`before` cannot be asked of order.line_count, which is a whole number.",
            "Write `<`.",
        ),
        (
            "order.placed_at < 2026-11-22",
            25,
            "`<` cannot be asked of order.placed_at, which is a moment.",
            "Write `before`.",
        ),
        (
            "order.placed_at before 2026-11-22",
            32,
            "`2026-11-22` is a date, but order.placed_at takes a moment.",
            "Write `2026-11-22T00:00Z`.",
        ),
        (
            "order.placed_at before 2026-11-22T10:00",
            32,
            "`2026-11-22T10:00` is not a moment that order.placed_at can hold.",
            "Write date, time and zone, such as `2026-11-22T10:00Z`.",
        ),
        (
            "order.placed_at after 2026-02-30T10:00Z",
            31,
            "`2026-02-30T10:00Z` is not a moment that order.placed_at can hold.",
            "Write date, time and zone, such as `2026-11-22T10:00Z`.",
        ),
        (
            "order.tags is fragile",
            20,
            "`is` cannot be asked of order.tags, which is a list of text.",
            "Write `contains`.",
        ),
        ("order.tags in [a]", 20, "`in` cannot be asked of order.tags, which is a list of text.", "Write `contains`."),
        (
            "order.fulfilment_type is deliver",
            34,
            "`deliver` is not a value of order.fulfilment_type.",
            "Did you mean `delivery`? Its values are: delivery, pickup.",
        ),
        (
            "order.fulfilment_type in [delivery, pikup]",
            45,
            "`pikup` is not a value of order.fulfilment_type.",
            "Did you mean `pickup`? Its values are: delivery, pickup.",
        ),
        (
            "order.fulfilment_type contains del",
            31,
            "`contains` cannot be asked of order.fulfilment_type, which is one of a few words.",
            "It takes: is, is not, in, not in, exists, is missing.",
        ),
        ("order.totl < 50 EUR", 9, "`order` has no field `totl`.", "Did you mean `order.total`?"),
        ("order.country is NL", 9, "`order` has no field `country`.", "Did you mean `order.shipping_address.country`?"),
        (
            "ordr.total < 50 EUR",
            9,
            "There is no fact `ordr`.",
            "Did you mean `order`? It sees: event, shop, order, line, outlet, stock, setting.",
        ),
        (
            "payment.amount exists",
            9,
            "outlet_assignment does not see `payment`.",
            "It sees: event, shop, order, line, outlet, stock, setting.",
        ),
        ("setting.limt is 3", 9, "There is no setting `limt` in this file.", "Did you mean `setting.limit`?"),
        (
            'setting.limit is "3"',
            26,
            "`3` is a quoted text, but setting.limit takes a whole number.",
            "Write a whole number, such as `3`.",
        ),
        ("line.weight > 2", 23, "`2` is a number, but line.weight takes a weight.", "Write `2 g` or `2 kg`."),
        (
            "line.weight > 2 lb",
            23,
            "`2 lb` is not a weight that line.weight can hold.",
            "Write a weight with its unit, such as `2 kg` or `500 g`.",
        ),
        (
            "line.weight > 0.0005 kg",
            23,
            "`0.0005 kg` is not a weight that line.weight can hold.",
            "Write a weight with its unit, such as `2 kg` or `500 g`.",
        ),
        (
            "order.total > order.line_count",
            23,
            "order.total is an amount of money and order.line_count is a whole number: they cannot be compared.",
            "",
        ),
        (
            "order.total > setting.limit",
            23,
            "order.total is an amount of money and setting.limit is a whole number: they cannot be compared.",
            "",
        ),
        (
            "order.fulfilment_type in setting.words",
            34,
            "setting.words holds `other`, which is not a value of order.fulfilment_type.",
            "Its values are: delivery, pickup.",
        ),
        (
            "order.shop_status is order.fulfilment_type",
            30,
            "order.shop_status and order.fulfilment_type have no value in common, so they can never be equal.",
            "",
        ),
        (
            "order.shop_status is order.payment_method",
            30,
            "order.shop_status is one of a few words and order.payment_method is text: they cannot be compared.",
            "",
        ),
        (
            "order.number matches NL",
            30,
            "`matches` takes a pattern in quotes.",
            'Write, for example, `matches "NL.*"`.',
        ),
        (
            'order.number matches "("',
            30,
            "This pattern cannot be used: missing ): (.",
            "Patterns follow RE2; a \\ before a sign takes it literally.",
        ),
        (
            'order.number matches "(?=x)"',
            30,
            "This pattern cannot be used: invalid perl operator: (?=.",
            "Patterns follow RE2; a \\ before a sign takes it literally.",
        ),
        ("order.number in []", 25, "An empty list holds nothing.", "Name at least one value."),
        (
            "order.number in [order.comment]",
            26,
            "A list holds constants, not fields.",
            'Write text as `"order.comment"`, or use `any:` with a line for each field.',
        ),
        ("order.number in other", 25, "`in` and `not in` take a list.", "Write `[other]`."),
        (
            "order.number in order.comment",
            25,
            "order.comment is text, not a list.",
            "Write `is` or `is not` to compare with it.",
        ),
        ("order.number is [a, b]", 25, "`is` takes one value, not a list.", "Write `in`."),
        (
            "order.number is order.placed",
            25,
            "`order` has no field `placed`.",
            'Did you mean `order.placed_at`? If you mean this text, write `"order.placed"`.',
        ),
        (
            "order.total between 5 EUR",
            34,
            "This condition ends too early.",
            "`between` needs two values: `between 1 and 5`.",
        ),
        (
            "order.total between 50 EUR and 5 EUR",
            40,
            "The upper end is below the lower end.",
            "Write the smaller value first.",
        ),
        ("order.total between 5 EUR and 50 USD", 39, "Both ends must be in the same currency.", ""),
        ("order.number equals 5", 22, "`equals` is not an operator.", "Write `is`."),
        (
            "order.number",
            21,
            "An operator is missing after the field.",
            "Operators are: is, is not, <, <=, >, >=, in, not in, exists, is missing, contains, starts with, matches, between, before, after.",
        ),
        (
            "yes",
            9,
            "A condition cannot begin with `yes`.",
            "Write a field, an operator and a value, such as `order.total < 50 EUR`.",
        ),
        (
            "order.number is Awaiting Shipment",
            34,
            "`Shipment` is one word too many.",
            'Text of more than one word must stand in quotes: "two words".',
        ),
        ("order.number is 'abc'", 25, "`'` is not a quote here.", 'Write text as "text".'),
        ('order.number is "abc', 25, "A quoted text is not closed.", 'Put a " at its end.'),
        (
            'order.number is "a" "b"',
            29,
            '`"b"` is one word too many.',
            'Text of more than one word must stand in quotes: "two words".',
        ),
        ("order.number is in [a]", 22, "`is in` is not an operator.", "Write `in`."),
        (
            "order.number is 1012AB",
            25,
            "`1012AB` is not a value.",
            'Put a space before a unit (`2 kg`); write text as "text".',
        ),
        ("order.total > 1,000 EUR", 24, "Numbers are written without thousands separators.", "Write `1000.50`."),
        (
            "order.total is missing now",
            32,
            "`now` is one word too many.",
            'Text of more than one word must stand in quotes: "two words".',
        ),
        (
            "order.fulfilment_type is setting.limit",
            34,
            "order.fulfilment_type is one of a few words and setting.limit is a whole number: they cannot be compared.",
            "",
        ),
        (
            "order.number starts with order.shop_status",
            34,
            "order.number is text and order.shop_status is one of a few words: they cannot be compared.",
            "",
        ),
        ("order.number is “a”", 25, "`“` is not a quote here.", 'Write text as "text".'),
        ("order.number == a", 22, "`==` is not an operator.", "Write `is`."),
        (
            "order.total >= 99999999999999999 EUR",
            24,
            "`99999999999999999 EUR` is not an amount of money that order.total can hold.",
            "Write at most 15 digits.",
        ),
        (
            "order.line_count > 9999999999999999",
            28,
            "`9999999999999999` is not a whole number that order.line_count can hold.",
            "Write at most 15 digits.",
        ),
        (
            "order.line_count > order.fulfilment_type",
            28,
            "order.line_count is a whole number and order.fulfilment_type is one of a few words: they cannot be compared.",
            "",
        ),
        (
            "order.number contains setting.limit",
            31,
            "order.number is text and setting.limit is a whole number: they cannot be compared.",
            "",
        ),
        ('order.number is "\\ud800"', 25, "This quoted text holds half a character (U+D800 to U+DFFF).", "Remove it."),
        ("order.total in order.tags", 24, "order.total is an amount of money and order.tags is a list of text.", ""),
        (
            "order.fulfilment_type is 5",
            34,
            "`5` is a number, but order.fulfilment_type is one of a few words.",
            "Its values are: delivery, pickup.",
        ),
        ("order.number in [a, b", 30, "This condition ends too early.", "Close the list with `]`."),
        (
            "order.number contains [a, b]",
            31,
            "`contains` takes one value, not a list.",
            "",
        ),
        (
            "order.total between 1 EUR and [2 EUR]",
            39,
            "`[2 EUR]` is a list, but order.total takes an amount of money.",
            "Write an amount with its currency, such as `50 EUR`.",
        ),
        (
            "outlet.name is 2026-11-31",
            24,
            "`2026-11-31` is a date, but outlet.name takes text.",
            'Write `"2026-11-31"`.',
        ),
    ],
)
def test_a_condition_that_makes_no_sense_is_refused_at_its_place_with_advice(
    condition: str, column: int, message: str, hint: str
) -> None:
    problem = problem_of(condition)

    assert (problem.file, problem.line, problem.column) == ("rules.yaml", 11, column)
    assert problem.message == message
    assert problem.hint == hint
