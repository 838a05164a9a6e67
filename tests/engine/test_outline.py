"""What the structured view shows of a file, also while the text is wrong."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.language.outline import outline

RULES = Path(__file__).parents[2] / "rules"
TEXT = """decision: status_to_shop   # which
description: What the shop hears.
settings:
  limit: 50.00 EUR
  word: "true"
  words: [a, "b c"]

rules:
  - id: first
    description: Why.
    priority: 10
    when:
      - order.total >= setting.limit   # big
      - any:
          - order.state in [open, held]
          - none:
              - order.split exists
      - order.totl <> 5
    then:
      - set shop status shipped because "so: #1"
      - dance

  - id: second
    table:
      when: [fulfilment.status, order.total]
      then: [set shop status, because]
      rows:
        - [packed, "< 50 EUR", shipped, a text]
        - ["packed", any, delivered, ~]

invariants:
  - id: never-both
    when:
      - order.payment_status is unpaid
    never:
      - set shop status shipped
"""


def test_it_shows_the_parts_of_a_file_with_their_lines() -> None:
    found = outline(TEXT)

    assert (found["decision"], found["description"], found["layer"]) == ("status_to_shop", "What the shop hears.", False)
    assert found["settings"] == [
        {"name": "limit", "value": "50.00 EUR", "line": 4},
        {"name": "word", "value": '"true"', "line": 5},
        {"name": "words", "value": '[a, "b c"]', "line": 6},
    ]
    first, second = found["rules"]
    assert (first["id"], first["section"], first["line"], first["end_line"]) == ("first", "rules", 9, 21)
    assert (first["description"], first["priority"], first["table"]) == ("Why.", 10, None)
    assert (second["priority"], second["line"], second["end_line"]) == (None, 23, 29)
    assert found["problems"] == []
    assert json.loads(json.dumps(found)) == found


def test_conditions_come_apart_into_field_operator_and_value() -> None:
    big, group, wrong = outline(TEXT)["rules"][0]["when"]

    assert big == {
        "kind": "condition", "path": [0], "line": 13, "text": "order.total >= setting.limit",
        "field": "order.total", "operator": ">=", "value": "setting.limit",
    }  # fmt: skip
    assert (group["kind"], group["path"], group["line"]) == ("any", [1], 14)
    assert [child["path"] for child in group["children"]] == [[1, 0], [1, 1]]
    assert group["children"][1]["children"][0]["operator"] == "exists"
    assert (wrong["text"], wrong["field"], wrong["operator"], wrong["value"]) == ("order.totl <> 5", "", "", "")


def test_a_count_is_the_field_of_its_condition() -> None:
    text = "decision: outlet_assignment\nrules:\n  - id: a\n    when:\n      - count of lines where line.hazardous is true  >  0\n"

    (condition,) = outline(text)["rules"][0]["when"]

    assert condition["field"] == "count of lines where line.hazardous is true"
    assert (condition["operator"], condition["value"]) == (">", "0")


def test_demands_tell_their_outcome_and_what_fills_it() -> None:
    known, unknown = outline(TEXT)["rules"][0]["then"]

    assert known == {
        "text": 'set shop status shipped because "so: #1"', "line": 20,
        "outcome": "set shop status", "slots": {"status": "shipped"}, "reason": "so: #1",
    }  # fmt: skip
    assert (unknown["outcome"], unknown["slots"]) == ("", {})


def test_cells_of_a_table_speak_the_words_of_a_sentence() -> None:
    table = outline(TEXT)["rules"][1]["table"]

    assert (table["hit"], table["when"], table["then"]) == ("every", ["fulfilment.status", "order.total"], ["set shop status", "because"])
    assert [row["cells"] for row in table["rows"]] == [["packed", "< 50 EUR", "shipped", "a text"], ['"packed"', "any", "delivered", "~"]]


def test_invariants_and_layers_are_shown() -> None:
    (invariant,) = outline(TEXT)["invariants"]
    layer = outline("decision: order_intake\nlayer: true\nswitch_off: [a, b]\nreplace:\n  - id: c\n    then: [hold order]\n")

    assert invariant["id"] == "never-both"
    assert [demand["text"] for demand in invariant["never"]] == ["set shop status shipped"]
    assert layer["layer"] is True
    assert layer["switch_off"] == [{"id": "a", "line": 3}, {"id": "b", "line": 3}]
    assert [(rule["id"], rule["section"]) for rule in layer["rules"]] == [("c", "replace")]


def test_one_broken_rule_does_not_hide_the_others() -> None:
    text = TEXT.replace('because "so: #1"', 'because "so: [').replace("word: ", "word: [")

    found = outline(text)

    assert [rule["id"] for rule in found["rules"]] == ["first", "second"]
    assert [rule["line"] for rule in found["rules"]] == [9, 23]
    assert found["rules"][1]["table"]["rows"][0]["line"] == 28
    assert [node["line"] for node in found["rules"][0]["when"]][:1] == [13]
    assert found["problems"][0]["line"] >= 5


def test_a_rule_that_cannot_be_read_shows_its_recognisable_lines() -> None:
    text = "decision: order_intake\nrules:\n  - id: a\n    priority: 5\n    when:\n      - order.total > 5 EUR\n      - 'order.split\n    then:\n      - hold order\n  - id: b\n    then:\n      - ignore order\n"

    first, second = outline(text)["rules"]

    assert (first["id"], first["priority"]) == ("a", 5)
    assert [node["text"] for node in first["when"]] == ["order.total > 5 EUR", "'order.split"]
    assert (second["id"], second["line"]) == ("b", 10)


def test_shipped_files_are_shown_whole() -> None:
    for path in RULES.glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        if not path.name.endswith(".examples.yaml"):
            found = outline(text)
            assert [rule["id"] for rule in (*found["rules"], *found["invariants"])] == [line.split()[-1] for line in text.splitlines() if line.startswith("  - id: ")]
            assert all(node["kind"] != "condition" or node["field"] for rule in found["rules"] for node in rule["when"])
            assert all(demand["outcome"] for rule in found["rules"] for demand in rule["then"])


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(("decision: order_intake\n", "rules:", "\n", "  - id: a", "    when:", "      - ", "order.total < 5 EUR", "[", "{", '"', "'", ": ", "table:",
    "rows", "then", "any:", "settings:\n  a: 1", "&a", "\t", "#", "~", "x")), max_size=25))  # fmt: skip
def test_any_text_has_an_outline(parts: list[str]) -> None:
    found = outline("".join(parts))

    assert json.loads(json.dumps(found)) == found
    assert set(found) == {"decision", "description", "layer", "settings", "rules", "switch_off", "invariants", "problems"}
