"""Rules and reasons as sentences in English, Dutch and Swedish."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from engine.ast import Book
from engine.compiled import compile_book
from engine.examples import book_examples
from engine.language import load_book
from engine.types import Fact, Money, Value
from engine.vocabulary import VOCABULARY
from engine.wording import LANGUAGES, Reasons, Speaker, language_of, rule_sentence
from engine.wording.values import value_words
from tests.engine.strategies import SMALL, books, facts, overrides

RULES = Path(__file__).parents[2] / "rules"
TEXTS = {path.name: path.read_text() for path in sorted(RULES.glob("*.yaml"))}
SHIPPED = compile_book(load_book({name: text for name, text in TEXTS.items() if ".examples." not in name}))
EVERY = pytest.mark.parametrize("code", list(LANGUAGES))


def sentences(when: str, then: str = "exclude outlet", *, decision: str = "outlet_assignment") -> dict[str, str]:
    """A rule with these conditions (a YAML list) in every language."""
    text = f"decision: {decision}\nsettings: {{small: 50.00 EUR}}\nrules:\n  - id: a\n    when: {when}\n    then: ['{then}']\n"
    rules = load_book({"rules.yaml": text}).decisions[decision]
    return {code: rule_sentence(rules, rules.rules[0], code) for code in LANGUAGES}


def reasons(when: str, *scene: Fact, then: str = "exclude outlet", code: str = "en") -> str:
    """Why the rule with these conditions fired for these facts, or why not."""
    text = f"decision: outlet_assignment\nsettings: {{small: 50.00 EUR}}\nrules:\n  - id: a\n    when: {when}\n    then: ['{then}']\n"
    explanation = compile_book(load_book({"rules.yaml": text})).explanation("outlet_assignment", scene)
    return Reasons(explanation, language_of(code)).why(explanation.rules.rules[0])


def test_a_rule_reads_as_a_sentence_in_three_languages() -> None:
    found = sentences(
        "[order.fulfilment_type is delivery, outlet.country is not order.shipping_address.country]",
        "prefer outlet by -20",
    )
    assert found == {
        "en": "If the order is delivered and the outlet's country is not the customer's country, "
        "then 20 points are taken from the outlet.",
        "nl": "Als de bestelling wordt bezorgd en het land van de vestiging niet het land van de klant is, "
        "dan gaan er 20 punten van de vestiging af.",
        "sv": "Om ordern levereras och filialens land inte är kundens land, så dras 20 poäng från filialen.",
    }


def test_amounts_weights_and_dates_are_written_as_each_language_writes_them() -> None:
    money = Money(123450, "EUR")
    assert {code: value_words(each, money) for code, each in LANGUAGES.items()} == {
        "en": "€1,234.50", "nl": "€\xa01.234,50", "sv": "1\xa0234,50\xa0€",
    }  # fmt: skip
    assert {code: value_words(each, 1500, "weight") for code, each in LANGUAGES.items()} == {
        "en": "1.5 kg", "nl": "1,5 kg", "sv": "1,5 kg",
    }  # fmt: skip
    assert {code: value_words(each, date(2026, 11, 22)) for code, each in LANGUAGES.items()} == {
        "en": "22 November 2026", "nl": "22 november 2026", "sv": "22 november 2026",
    }  # fmt: skip
    english = language_of("en")
    assert value_words(english, 259_200, "duration") == "3 days"
    assert value_words(english, 5_400, "duration") == "1 hour 30 minutes"
    assert value_words(english, datetime(2026, 11, 22, 9, 30, tzinfo=UTC)) == "22 November 2026, 09:30 UTC"
    assert value_words(english, time(9, 5)) == "09:05"
    assert value_words(english, Decimal("2.50")) == "2.5"
    assert value_words(english, ("a", "b", "c"), "list") == "“a”, “b” or “c”"
    assert value_words(english, Money(5000, "SEK")) == "SEK\xa050.00" or value_words(
        english, Money(5000, "SEK")
    ).startswith("SEK")


def test_groups_keep_their_meaning() -> None:
    found = sentences("[outlet.open is true, {any: [order.total < 50 EUR, order.customer.group is staff]}]")
    assert found["en"] == (
        "If the outlet takes orders today and (the order's total is less than €50.00 or the customer's group is “staff”), "
        "then the outlet is left out."
    )
    none = sentences("[{none: [outlet.kind is store, outlet.priority > 3]}]")
    assert (
        none["en"]
        == "If it is not so that (the outlet is a store or the outlet's rank is more than 3), then the outlet is left out."
    )
    assert none["nl"].startswith(
        "Als het niet zo is dat (de vestiging een winkel is of de rang van de vestiging meer is dan 3), dan"
    )
    assert none["sv"].startswith("Om det inte är så att (filialen är en butik eller filialens rang är mer än 3), så")


def test_counts_and_sums_say_what_they_go_through() -> None:
    count = sentences("[count of lines where line.hazardous is true > 0]")
    assert count == {
        "en": "If the number of order lines for which the line holds dangerous goods is more than 0, then the outlet is left out.",
        "nl": "Als het aantal bestelregels waarvoor geldt dat de regel gevaarlijke stoffen bevat meer is dan 0, dan valt de vestiging af.",
        "sv": "Om antalet orderrader för vilka det gäller att raden innehåller farligt gods är mer än 0, så utesluts filialen.",
    }
    total = sentences("[sum of line.total_weight > 20 kg]")
    assert total["en"].startswith("If the sum of the line's weight over all order lines is more than 20 kg, then")


def test_a_row_of_which_the_first_counts_says_so() -> None:
    text = (
        "decision: outlet_assignment\nrules:\n  - id: t\n    table:\n      hit: first\n      when: [outlet.priority]\n"
        "      then: [prefer outlet]\n      rows:\n        - [1, 10]\n        - ['> 0', 1]\n"
    )
    rules = load_book({"rules.yaml": text}).decisions["outlet_assignment"]
    assert [rule_sentence(rules, rule) for rule in rules.rules] == [
        "If the outlet's rank is 1, then 10 points are added to the outlet.",
        "If no earlier row of the table holds and the outlet's rank is more than 0, then 1 point is added to the outlet.",
    ]


def test_why_a_rule_fired_shows_the_values_that_met_it() -> None:
    order = Fact("order", "1", {"total": Money(3000, "EUR"), "fulfilment_type": "pickup"})
    outlet = Fact("outlet", "ams", {"offers_pickup": False})
    assert reasons("[order.fulfilment_type is pickup, outlet.offers_pickup is false]", order, outlet) == (
        "Because the order is picked up and customers cannot pick up at the outlet, the outlet is left out."
    )
    assert reasons("[order.total < setting.small]", order, outlet) == (
        "Because the order's total is less than the setting “small” (€30.00 against €50.00), the outlet is left out."
    )
    assert reasons("[]", outlet) == "In every case the outlet is left out."


def test_of_several_ways_to_fire_only_those_that_held_are_named() -> None:
    order = Fact("order", "1", {"total": Money(3000, "EUR")})
    text = reasons("[{any: [order.total < 40 EUR, order.comment exists]}]", order, then="hold shortage")
    assert text == "Because the order's total is less than €40.00 (€30.00), an order that falls short waits."


def test_why_not_says_what_was_found_and_what_had_to_be() -> None:
    order = Fact("order", "1", {"total": Money(4995, "EUR"), "fulfilment_type": "delivery"})
    outlet = Fact("outlet", "ams", {"open": True})
    when = "[order.total < 40 EUR, outlet.open is false, order.fulfilment_type is delivery]"
    assert reasons(when, order, outlet) == (
        "Did not hold, because the order's total is €49.95 and had to be less than €40.00 and the outlet takes orders today."
    )
    assert reasons(when, order, outlet, code="nl").startswith(
        "Ging niet op, want het totaal van de bestelling is €\xa049,95 en moest minder zijn dan €\xa040,00 en de vestiging neemt"
    )
    assert reasons(when, order, outlet, code="sv").startswith(
        "Stämde inte, för orderns summa är 49,95\xa0€ och skulle vara mindre än 40,00\xa0€ och filialen tar emot"
    )


def test_alternatives_of_what_held_are_no_reason_why_not() -> None:
    order = Fact("order", "1", {"total": Money(3000, "EUR")})
    text = reasons(
        "[{any: [order.total < 40 EUR, order.comment exists]}, order.total > 35 EUR]", order, then="hold shortage"
    )
    assert text == "Did not hold, because the order's total is €30.00 and had to be more than €35.00."


def test_what_is_not_known_is_told_apart_from_what_is_not_so() -> None:
    outlet = Fact("outlet", "ams", {})
    order = Fact("order", "1", {"shipping_address.country": "NL"})
    assert reasons("[outlet.open is false]", outlet) == (
        "Did not hold, because it is not known whether the outlet takes no orders today."
    )
    assert reasons("[outlet.country is order.shipping_address.country]", outlet, order) == (
        "Did not hold, because the outlet's country is not known and had to be the customer's country (“NL”)."
    )
    assert reasons("[line.quantity > 3]", outlet) == "Did not hold, because there are no order lines here."


def test_what_must_not_be_and_what_was_counted_are_named() -> None:
    outlet = Fact("outlet", "ams", {"kind": "store", "priority": 1})
    assert reasons("[{none: [outlet.kind is store]}]", outlet) == (
        "Did not hold, because the outlet is a store, and that may not be."
    )
    lines = [Fact("line", str(n), {"hazardous": n > 1}) for n in range(4)]
    assert reasons("[count of lines where line.hazardous is true > 2]", outlet, *lines) == (
        "Did not hold, because the number of order lines for which the line holds dangerous goods is 2 and had to be more than 2."
    )


@EVERY
def test_every_word_of_the_vocabulary_has_a_word(code: str) -> None:
    language = LANGUAGES[code]
    missing = []
    for fact_type in VOCABULARY.facts.values():
        missing += [] if fact_type.name in language.things else [fact_type.name]
        for field in fact_type.fields:
            path = f"{fact_type.name}.{field.name}"
            if field.type == "boolean":
                missing += [] if path in language.flags else [path]
            elif path not in language.nouns:
                missing.append(path)
            missing += [
                f"{path}={v}" for v in field.values if v not in language.values and f"{path}={v}" not in language.values
            ]
    for decision in VOCABULARY.decisions.values():
        for outcome in decision.outcomes:
            template = language.outcomes.get(outcome.name)
            missing += [] if template else [outcome.name]
            holes = set(re.findall(r"\{(\w+)\}", template or ""))
            missing += [f"{outcome.name}: {hole}" for hole in holes - {slot.name for slot in outcome.slots}]
            for slot in outcome.slots:
                missing += [] if slot.name in holes else [f"{outcome.name} without {slot.name}"]
                missing += [f"{slot.name}={value}" for value in slot.values if value not in language.values]
    assert missing == []


def test_all_languages_have_words_for_the_same_things() -> None:
    english, others = LANGUAGES["en"], [LANGUAGES["nl"], LANGUAGES["sv"]]
    for other in others:
        for part in ("things", "nouns", "flags", "values", "operators"):
            assert set(getattr(other, part)) == set(getattr(english, part)), (other.code, part)
        assert {path: set(words) for path, words in other.choices.items()} == {
            path: set(words) for path, words in english.choices.items()
        }
        assert set(english.phrases) <= set(other.phrases)
        for name, compared in other.operators.items():
            for form, theirs in zip(compared, english.operators[name], strict=True):
                assert (
                    not form or not theirs or set(re.findall(r"\{\w+\}", form)) == set(re.findall(r"\{\w+\}", theirs))
                ), name


@EVERY
def test_every_shipped_rule_and_every_reason_of_its_examples_reads_as_a_sentence(code: str) -> None:
    language = language_of(code)
    for decision in SHIPPED.book.decisions.values():
        for rule in decision.rules:
            assert_sentence(Speaker(decision, language).rule(rule))
    examples, _ = book_examples(TEXTS)
    for example in examples:
        explanation = SHIPPED.explanation(example.decision, example.facts, example.settings)
        for rule in explanation.rules.rules:
            assert_sentence(Reasons(explanation, language).why(rule))


def assert_sentence(text: str) -> None:
    """No holes, no names from the code, one capital, one stop; what an author wrote in quotes may be anything."""
    said = re.sub(r"[“”][^“”]*”", "so", text)
    assert re.fullmatch(r"[A-ZÅÄÖ].*\.", text), text
    assert not re.search(r"[{}_]|\b(order|outlet|line|payment|setting|event|shop)\.[a-z]|  | ,", said), text


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(books(), facts(odd=True), overrides(wrong=True))
def test_any_rule_and_any_reason_can_be_said(
    book: Book, scene: tuple[Fact, ...], merchant: Mapping[str, Value]
) -> None:
    explanation = compile_book(book, SMALL).explanation("trial", scene, merchant)
    for language in LANGUAGES.values():
        speaker, why = Speaker(explanation.rules, language, SMALL), Reasons(explanation, language)
        for rule in explanation.rules.rules:
            assert speaker.rule(rule).endswith(".")
            fired = bool(explanation.fired(rule))
            assert why.why(rule).startswith(language.phrases["not"].split(" ")[0]) is not fired
        for overridden in explanation.run.overridden:
            assert overridden.by in why.lost(overridden)
