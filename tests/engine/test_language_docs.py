"""The examples admins read are rule files that work."""

from __future__ import annotations

import re
from pathlib import Path

from engine.language import load_book
from engine.language.checker import OPERATORS_OF
from engine.language.rule_reader import CONDITIONS, DEMANDS, RULES
from engine.language.sentences import SENTENCE_LENGTH
from engine.language.yaml_nodes import FILE_LENGTH, NESTING
from tests.engine.rule_texts import problems_of

REFERENCE = (Path(__file__).parents[2] / "docs" / "rule-language.md").read_text(encoding="utf-8")


def test_the_examples_of_the_reference_have_no_problems() -> None:
    whole, conditions, table, invariants, layer = re.findall(r"```yaml\n(.*?)```", REFERENCE, re.DOTALL)
    base = "decision: {}\nrules:\n"

    assert problems_of(whole) == []
    rule = f"  - id: a\n    when:\n      - outlet.open is true\n{conditions}    then: [exclude outlet]\n"
    assert problems_of(base.format("outlet_assignment") + rule) == []
    assert problems_of(base.format("status_to_shop") + table) == []
    assert problems_of(base.format("status_to_shop").replace("rules:\n", "rules: []\n") + invariants) == []
    shipped = (Path(__file__).parents[2] / "rules" / "outlet_assignment.yaml").read_text(encoding="utf-8")
    load_book({"outlet_assignment.yaml": shipped, "layer/outlet_assignment.yaml": layer})


def test_the_reference_names_every_operator_and_limit() -> None:
    for operator in {operator for operators in OPERATORS_OF.values() for operator in operators}:
        assert f"`{operator}" in REFERENCE, operator
    for limit in (FILE_LENGTH, RULES, SENTENCE_LENGTH):
        assert f"{limit:,}" in REFERENCE
    assert f"{CONDITIONS} conditions and {DEMANDS} demands" in REFERENCE
    assert f"{NESTING} levels" in REFERENCE
