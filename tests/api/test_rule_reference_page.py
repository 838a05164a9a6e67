"""The page that lists the words of rules."""

from __future__ import annotations

from flask.testing import FlaskClient

from engine.vocabulary import VOCABULARY


def test_every_field_and_every_outcome_stands_on_the_page(support: FlaskClient) -> None:
    shown = support.get("/rules/reference").get_data(as_text=True)

    for fact in VOCABULARY.facts.values():
        for field in fact.fields:
            assert f"<code>{fact.name}.{field.name}</code>" in shown
    for spec in VOCABULARY.decisions.values():
        for outcome in spec.outcomes:
            assert f"<code>{outcome.form}</code>" in shown


def test_words_narrow_it_down_and_what_is_not_there_is_said(support: FlaskClient) -> None:
    found = support.get("/rules/reference?q=hazardous").get_data(as_text=True)
    nothing = support.get("/rules/reference?q=<b>zebra</b>").get_data(as_text=True)

    assert "line.hazardous" in found and "order.total<" not in found
    assert "Nothing matches" in nothing and "<b>zebra" not in nothing
