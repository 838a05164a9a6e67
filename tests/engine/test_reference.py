"""The reference page says all that the vocabulary knows, and only what is true."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.language.checker import OPERATORS_OF
from engine.reference import markdown, reference
from engine.vocabulary import FIELD_TYPES, VOCABULARY
from tests.engine.rule_texts import problems_of

PAGE = Path(__file__).parents[2] / "docs" / "vocabulary.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == markdown(), "run: python -m engine.reference > docs/vocabulary.md"


def test_every_field_outcome_and_operator_is_on_the_page() -> None:
    page = markdown()

    for fact in VOCABULARY.facts.values():
        for field in fact.fields:
            assert f"| `{fact.name}.{field.name}` | {field.type} |" in page
    for decision in VOCABULARY.decisions.values():
        assert f"### {decision.name}\n\n{decision.meaning}" in page
        for outcome in decision.outcomes:
            assert f"| `{outcome.form}` | {outcome.meaning}" in page
    assert {one["name"] for one in reference()["types"]} == set(FIELD_TYPES)


def test_the_reference_is_plain_json() -> None:
    found = reference()

    assert json.loads(json.dumps(found)) == found


def test_a_field_tells_which_decisions_see_it() -> None:
    seen = {fact["name"]: fact["seen_by"] for fact in reference()["facts"]}

    assert seen["stock"] == ["outlet_assignment", "stock_propagation"]


@pytest.mark.parametrize("type_", FIELD_TYPES)
def test_the_examples_of_operators_are_conditions_that_the_checker_takes(type_: str) -> None:
    (found,) = (one for one in reference()["types"] if one["name"] == type_)
    settings = "settings: {some_number: 1.5}\n"

    assert [one["operator"] for one in found["operators"]] == list(OPERATORS_OF[type_])
    for one in found["operators"]:
        sentence = one["example"].replace("'", "''")
        fact = one["example"].partition(".")[0]
        decision = next(d for d in VOCABULARY.decisions.values() if fact in d.sees)
        then = next(o.form for o in decision.outcomes if not o.slots)
        text = f"decision: {decision.name}\n{settings}rules:\n  - id: a\n    description: A.\n    when: ['{sentence}']\n    then: [{then}]\n"
        assert problems_of(text) == []
