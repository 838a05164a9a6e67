"""Facts as JSON: kept ones come back as they were, written ones are typed by the vocabulary."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings

from engine.facts_json import (
    FactsError,
    canonical_hash,
    decode_fact,
    decode_value,
    encode_fact,
    encode_facts,
    facts_hash,
    read_facts,
)
from engine.types import Fact, Money
from tests.engine.strategies import SMALL, facts


@settings(max_examples=50, deadline=None)
@given(facts(odd=True))
def test_kept_facts_come_back_as_they_were(drawn: tuple[Fact, ...]) -> None:
    kept = json.loads(json.dumps([encode_fact(fact) for fact in drawn]))

    back = tuple(decode_fact(fact) for fact in kept)

    assert back == drawn
    types = [[type(fact.values[name]) for name in fact.values] for fact in drawn]
    assert [
        [type(fact.values[name]) for name in original.values] for fact, original in zip(back, drawn, strict=True)
    ] == types


@settings(max_examples=50, deadline=None)
@given(facts())
def test_kept_facts_can_be_read_as_written_ones(drawn: tuple[Fact, ...]) -> None:
    assert read_facts(json.loads(json.dumps(encode_facts(drawn))), SMALL) == tuple(
        sorted(drawn, key=lambda f: (f.type, f.id))
    )


@settings(max_examples=50, deadline=None)
@given(facts())
def test_the_hash_does_not_depend_on_any_order(drawn: tuple[Fact, ...]) -> None:
    turned = [Fact(fact.type, fact.id, dict(reversed(fact.values.items()))) for fact in reversed(drawn)]

    assert facts_hash(turned) == facts_hash(drawn)


def test_the_hash_tells_values_of_different_types_apart() -> None:
    values = (
        "1",
        1,
        True,
        Decimal(1),
        Money(1, "EUR"),
        Money(1, "USD"),
        ("1",),
        date(2026, 1, 1),
        datetime(2026, 1, 1, tzinfo=UTC),
    )

    assert len({facts_hash([Fact("order", "1", {"x": value})]) for value in values}) == len(values)
    assert facts_hash([Fact("order", "1", {"x": Decimal("2.50")})]) == facts_hash(
        [Fact("order", "1", {"x": Decimal("2.5")})]
    )


def test_the_hash_stays_what_it_was() -> None:
    fact = Fact(
        "order",
        "1001",
        {"total": Money(5000, "EUR"), "split": False, "placed_at": datetime(2026, 11, 22, 10, 0, tzinfo=UTC)},
    )

    assert facts_hash([fact]) == canonical_hash(
        [
            {
                "id": "1001",
                "type": "order",
                "values": {
                    "placed_at": {"moment": "2026-11-22T10:00:00+00:00"},
                    "split": False,
                    "total": {"money": [5000, "EUR"]},
                },
            }
        ]
    )
    assert facts_hash([]) == "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"


@pytest.mark.parametrize(
    "document",
    [None, 1.5, [1], {}, {"money": [1.5, "EUR"]}, {"money": [True, "EUR"]}, {"number": "x"}, {"number": "NaN"}, {"moment": "2026-11-22T10:00"},
     {"moment": "x"}, {"date": "2026-02-30"}, {"a": 1}, {"money": [1, "EUR"], "x": 1}],
)  # fmt: skip
def test_what_was_not_written_by_us_is_refused(document: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_value(document)


@pytest.mark.parametrize("value", [None, 1.5, (1,), datetime(2026, 1, 1), Decimal("NaN")])
def test_what_no_fact_may_hold_cannot_be_kept(value: Any) -> None:
    with pytest.raises(TypeError):
        encode_fact(Fact("order", "1", {"x": value}))


def test_facts_may_be_written_in_the_words_of_the_rule_language() -> None:
    written = [
        {
            "type": "order",
            "id": "1001",
            "values": {
                "total": "50 EUR",
                "placed_at": "2026-11-22T11:00+01:00",
                "line_count": 3,
                "split": False,
                "tags": ["a"],
                "number": "1001",
            },
        },
        {"type": "line", "id": "1", "values": {"weight": "1.5 kg", "quantity": "3"}},
    ]

    assert read_facts(written) == (
        Fact(
            "order",
            "1001",
            {
                "total": Money(5000, "EUR"),
                "placed_at": datetime(2026, 11, 22, 10, 0, tzinfo=UTC),
                "line_count": 3,
                "split": False,
                "tags": ("a",),
                "number": "1001",
            },
        ),
        Fact("line", "1", {"weight": 1500, "quantity": 3}),
    )


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("totl", 1, "fact 1 (order 1): `order` has no field `totl`. Did you mean `total`?"),
        ("total", 5, "fact 1 (order 1): `5` is not a value for order.total, which is an amount of money."),
        ("total", "5", "fact 1 (order 1): `5` is a number, but order.total takes an amount of money. Write `5 EUR`."),
        ("split", 1, "fact 1 (order 1): `1` is not a value for order.split, which is true or false."),
        ("line_count", True, "fact 1 (order 1): `True` is not a value for order.line_count, which is a whole number."),
        ("number", 1001, "fact 1 (order 1): `1001` is not a value for order.number, which is text."),
        ("comment", None, "fact 1 (order 1): `None` is not a value for order.comment, which is text."),
        ("comment", "\ud800", "fact 1 (order 1): `\ud800` is not a value for order.comment, which is text."),
        ("line_count", 10**16, "fact 1 (order 1): `10000000000000000` is not a value for order.line_count, which is a whole number."),
        ("risk", "hgh", "fact 1 (order 1): `hgh` is not a value for order.risk, which is one of a few words. Its values are: low, medium, high."),
        ("placed_at", "((", "fact 1 (order 1): `((` is not a value. Write text that is not a plain word in quotes: \"text\"."),
    ],
)  # fmt: skip
def test_a_written_value_of_a_wrong_type_is_refused_with_advice(field: str, value: Any, said: str) -> None:
    with pytest.raises(FactsError) as refusal:
        read_facts([{"type": "order", "id": "1", "values": {field: value}}])

    assert refusal.value.problems == (said,)


def test_everything_wrong_with_written_facts_is_said_at_once() -> None:
    order = {"type": "order", "id": "1", "values": {}}

    with pytest.raises(FactsError) as refusal:
        read_facts(
            [order, order, {"type": "ordr", "id": "1", "values": {}}, {"type": "order"}, 5, {**order, "id": "\ud800"}]
        )

    assert refusal.value.problems == (
        "fact 2: order 1 is there already; give every order its own id.",
        "fact 3 (ordr 1): there is no fact `ordr`. Did you mean `order`?",
        'fact 4: it must have a "type", an "id" (text) and "values", and nothing else.',
        'fact 5: it must have a "type", an "id" (text) and "values", and nothing else.',
        "fact 6 (order \ud800): the id holds half a character (U+D800 to U+DFFF).",
    )


@pytest.mark.parametrize("document", [None, {}, "text", [{}] * 10_001])
def test_what_is_no_list_of_facts_is_refused(document: Any) -> None:
    with pytest.raises(FactsError):
        read_facts(document)


def test_a_whole_number_may_be_written_for_a_number() -> None:
    (fact,) = read_facts([{"type": "order", "id": "1", "values": {"ratio": 2}}], SMALL)

    assert isinstance(fact.values["ratio"], Decimal)
    assert read_facts([{"type": "order", "id": "1", "values": {"ratio": "2.0"}}], SMALL) == (fact,)
