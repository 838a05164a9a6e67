"""What is chosen in drop-downs becomes a sentence the language understands, and is shown again as it was chosen."""

from __future__ import annotations

import pytest

from api.ui.rule_sentences import Words, condition, demand, shown
from engine.ast import Place
from engine.language.checker import Scope, check_condition
from engine.language.demands import Forms, check_demand
from engine.types import Money
from engine.vocabulary import VOCABULARY

SPEC = VOCABULARY.decisions["outlet_assignment"]
WORDS = Words(SPEC, {"small_order": Money(5000, "EUR"), "countries": ("NL", "BE"), "quick": True})
SCOPE = Scope(VOCABULARY, SPEC, WORDS.settings)


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        ({"field": "order.total", "operator": ">", "value": "100 EUR"}, "order.total > 100 EUR"),
        ({"field": "order.total", "operator": "<", "value": "setting.small_order"}, "order.total < setting.small_order"),
        ({"field": "order.total", "operator": "between", "value": "1 EUR", "upper": "5 EUR"}, "order.total between 1 EUR and 5 EUR"),
        ({"field": "order.total", "operator": "between", "value": "1 EUR", "upper": ""}, "order.total between 1 EUR and 1 EUR"),
        ({"field": "outlet.open", "operator": "is", "value": "false"}, "outlet.open is false"),
        ({"field": "order.comment", "operator": "contains", "value": "gift wrap"}, 'order.comment contains "gift wrap"'),
        ({"field": "order.comment", "operator": "is", "value": "true"}, 'order.comment is "true"'),
        ({"field": "order.comment", "operator": "is", "value": 'say "hi"'}, 'order.comment is "say \\"hi\\""'),
        ({"field": "outlet.country", "operator": "is", "value": "order.shipping_address.country"},
         "outlet.country is order.shipping_address.country"),
        ({"field": "outlet.country", "operator": "in", "value": "NL, BE"}, "outlet.country in [NL, BE]"),
        ({"field": "outlet.country", "operator": "in", "value": "setting.countries"}, "outlet.country in setting.countries"),
        ({"field": "outlet.name", "operator": "in", "value": '"a, b", c d'}, 'outlet.name in ["a, b", "c d"]'),
        ({"field": "outlet.name", "operator": "matches", "value": "NL.*"}, 'outlet.name matches "NL.*"'),
        ({"field": "outlet.name", "operator": "exists", "value": "NL"}, "outlet.name exists"),
        # the field changes: what does not fit any more is replaced
        ({"changed": "field", "field": "outlet.open", "operator": ">", "value": "100 EUR"}, "outlet.open is true"),
        ({"changed": "field", "field": "order.fulfilment_type", "operator": "is", "value": "x"}, "order.fulfilment_type is delivery"),
        # the comparison changes: one value becomes a list and back
        ({"changed": "operator", "field": "order.fulfilment_type", "operator": "in", "value": "pickup"}, "order.fulfilment_type in [pickup]"),
        ({"changed": "operator", "field": "order.fulfilment_type", "operator": "is", "value": "pickup, delivery"}, "order.fulfilment_type is pickup"),
        ({"changed": "operator", "field": "order.total", "operator": "is", "value": ""}, "order.total is 50.00 EUR"),
    ],
)  # fmt: skip
def test_a_choice_becomes_a_sentence_that_holds_water(chosen: dict[str, str], sentence: str) -> None:
    assert condition(WORDS, chosen) == sentence
    check_condition(sentence, SCOPE, lambda offset: Place("", 1, offset + 1))


@pytest.mark.parametrize("fact", [name for name in SPEC.sees if name != "setting"])
def test_every_field_and_comparison_gives_a_sentence_that_is_understood(fact: str) -> None:
    for field in VOCABULARY.facts[fact].fields:
        kind = WORDS.kind(f"{fact}.{field.name}")
        assert kind is not None
        for operator in kind.operators:
            sentence = condition(WORDS, {"changed": "field", "field": f"{fact}.{field.name}", "operator": operator, "value": "odd"})
            check_condition(sentence, SCOPE, lambda offset: Place("", 1, offset + 1))


@pytest.mark.parametrize("decision", list(VOCABULARY.decisions))
def test_every_outcome_can_be_chosen_as_it_comes(decision: str) -> None:
    spec = VOCABULARY.decisions[decision]
    for outcome in spec.outcomes:
        sentence = demand(outcome, {}, 'because of "this"')
        check_demand(sentence, Scope(VOCABULARY, spec, {}), Forms(spec, VOCABULARY), lambda offset: Place("", 1, offset + 1))
    check_condition(Words(spec, {}).first_condition(), Scope(VOCABULARY, spec, {}), lambda offset: Place("", 1, offset + 1))


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [("order.comment", '"gift wrap"', "gift wrap"), ("order.comment", '"order.total"', '"order.total"'), ("order.comment", '""', '""'),
     ("order.total", "5 EUR", "5 EUR"), ("outlet.name", '["a, b", "c d", e]', '"a, b", c d, e')],
)  # fmt: skip
def test_a_value_is_shown_without_quotes_where_they_go_without_saying(path: str, value: str, text: str) -> None:
    assert shown(value, WORDS.kind(path)) == text
