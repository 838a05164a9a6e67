"""What is suggested where the caret (`|`) stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.language.completion import complete
from engine.language.completion_words import MOST

RULES = Path(__file__).parents[2] / "rules"
BASE = (RULES / "outlet_assignment.yaml").read_text(encoding="utf-8")
WHEN = "decision: outlet_assignment\nsettings:\n  most: 5\n  kinds: [store]\n  limit: 5.00 EUR\nrules:\n  - id: x\n    when:\n      - "
THEN = "decision: outlet_assignment\nsettings:\n  most: 5\nrules:\n  - id: x\n    then:\n      - "
TABLE = """decision: status_to_shop
rules:
  - id: x
    table:
      hit: first
      when: [fulfilment.status, order.total]
      then: [set shop status, mail customer, because]
      rows:
        - [packed, any, shipped, yes, ~]
        - ["""
LAYER = "decision: outlet_assignment\nlayer: true\n"
EXAMPLE = "decision: outlet_assignment\nexamples:\n  - name: x\n"


def at_caret(text: str, texts: dict[str, str] | None = None) -> list[dict[str, Any]]:
    at = text.index("|")
    line, column = text[:at].count("\n") + 1, at - text.rfind("\n", 0, at)
    return complete(text[:at] + text[at + 1 :], line, column, texts)


def labels(text: str, texts: dict[str, str] | None = None) -> list[str]:
    return [one["label"] for one in at_caret(text, texts)]


def accepted(text: str, label: str, texts: dict[str, str] | None = None) -> str:
    """The line of the caret after a suggestion was taken."""
    at = text.index("|")
    line = (text[:at] + text[at + 1 :]).split("\n")[text[:at].count("\n")]
    (chosen,) = (one for one in at_caret(text, texts) if one["label"] == label)
    start, end = chosen["replace"]
    return (line[: start - 1] + chosen["insert"] + line[end - 1 :]).strip()


@pytest.mark.parametrize(
    ("text", "wanted", "unwanted"),
    [
        (WHEN + "|", ["order", "outlet", "setting", "any:", "count of", "sum of"], ["payment", "order.total"]),
        (WHEN + "ord|", ["order", "order.total", "setting.most"][:2], ["outlet"]),
        (WHEN + "order.sh|", ["order.shipping_address.country", "order.shop_status"], ["order.total"]),
        (WHEN + "setting.|", ["setting.most", "setting.kinds"], ["order.total"]),
        (WHEN + "order.total |", ["is", "<", "between", "exists"], ["contains", "before"]),
        (WHEN + "order.placed_at |", ["before", "after", "between"], ["<"]),
        (WHEN + "order.tags |", ["contains", "exists"], ["is", "in"]),
        (WHEN + "order.fulfilment_type is |", ["delivery", "pickup", "is not", "is missing"], ["store"]),
        (WHEN + "order.split is |", ["true", "false"], []),
        (WHEN + "order.total < |", ["setting.limit", "order.paid"], ["setting.most", "order.line_count"]),
        (WHEN + "order.line_count > |", ["setting.most", "line.quantity"], ["setting.limit"]),
        (WHEN + "order.fulfilment_type in |", ["[…]", "setting.kinds"], ["delivery"]),
        (WHEN + "order.fulfilment_type in [delivery, |", ["pickup"], ["delivery"]),
        (WHEN + "order.total < 50 |", ["EUR", "SEK"], ["kg"]),
        (WHEN + "line.weight < 2 |", ["kg", "g"], ["EUR"]),
        (WHEN + "order.total between 5 EUR |", ["and"], []),
        (WHEN + "count of |", ["lines", "outlets"], ["order"]),
        (WHEN + "sum of |", ["line.quantity", "line.weight"], ["line.sku", "order.total"]),
        (WHEN + "count of lines |", ["where", ">", "is"], ["exists", "before"]),
        (WHEN + "count of lines where line.ha|", ["line.hazardous"], ["order.state"]),
        (WHEN + "count of lines where line.hazardous is true |", ["and", ">", "is"], ["exists"]),
        (WHEN + "any:\n          - outlet.kind is |", ["store", "warehouse"], []),
        (WHEN.replace("when:\n      - ", "when: [order.split is true, outlet.kind is |"), ["store"], []),
        (THEN + "|", ["exclude outlet", "keep {pieces} pieces back"], ["hold order"]),
        (THEN + "divide lines |", ["never", "when_needed"], ["exclude outlet"]),
        (THEN + "keep |", ["setting.most", "line.quantity"], []),
        (THEN + "keep 5 |", ["pieces back"], []),
        (THEN + "exclude outlet |", ["because"], ["for"]),
        (TABLE + "|", ["any", "packed"], ["shipped"]),
        (TABLE + "[packed, |", ["new"], ["any"]),
        (TABLE + "new, |", ["any", '"<', "between"], ["packed"]),
        (TABLE + "new, any, |", ["shipped", "~"], ["packed"]),
        (TABLE + "new, any, shipped, |", ["yes", "~"], []),
        (TABLE.split("hit:")[0] + "|", ["hit:", "when:", "then:", "rows:"], ["id:"]),
        (TABLE.split("first")[0] + "|", ["every", "first"], []),
        (TABLE.split("order.total")[0] + "|", ["order.total", "fulfilment.type"], ["set shop status"]),
        (TABLE.split("mail customer")[0] + "|", ["mail customer", "because"], ["order.total"]),
        ("|", ["decision:", "rules:"], ["id:"]),
        ("decision: |", ["order_intake"], []),
        (WHEN.split("    when")[0] + "    |", ["description:", "when:", "then:"], ["id:"]),
        (WHEN.split("    when")[0] + "    |\n    then: []\n", ["description:", "when:"], ["id:", "then:"]),
        (WHEN.split("  - id")[0] + "  - |", ["id:"], []),
        (EXAMPLE + "    |", ["facts:", "expect:"], ["name:", "when:"]),
        (EXAMPLE + "    facts:\n      |", ["order:", "outlet:"], ["payment:"]),
        (EXAMPLE + "    facts:\n      order: {sp|", ["split:"], ["code:"]),
        (EXAMPLE + "    facts:\n      order: {fulfilment_type: |", ["delivery"], []),
        (EXAMPLE + "    expect:\n      - exclude outlet |", ["because", "for"], []),
    ],
)  # fmt: skip
def test_what_fits_is_suggested_and_nothing_else(text: str, wanted: list[str], unwanted: list[str]) -> None:
    found = labels(text)

    assert [one for one in wanted if one not in found] == []
    assert [one for one in unwanted if one in found] == []


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (LAYER + "switch_off:\n  - |", "outlet-closed"),
        (LAYER + "switch_off: [foreign-outlet, out|", "outlet-closed"),
        (LAYER + "replace:\n  - id: |", "outlet-closed"),
        (LAYER + "settings:\n  |", "safety_stock:"),
        (LAYER + "rules:\n  - id: a\n    when:\n      - setting.|", "setting.safety_stock"),
    ],
)
def test_a_layer_is_completed_from_the_base_file(text: str, wanted: str) -> None:
    found = labels(text, {"outlet_assignment.yaml": BASE, "layer/outlet_assignment.yaml": text})

    assert wanted in found
    assert "foreign-outlet" not in found or "foreign-outlet" not in text


@pytest.mark.parametrize(
    ("text", "label", "line"),
    [
        (WHEN + "order.fulfilment_type is del|ivery", "delivery", "- order.fulfilment_type is delivery"),
        (WHEN + "ord|", "order.total", "- order.total"),
        (WHEN + "order.split is |", "is not", "- order.split is not"),
        (WHEN + "order.to| < 5 EUR", "order.total", "- order.total < 5 EUR"),
        (THEN + "exc|", "exclude outlet", "- exclude outlet"),
        (THEN + "keep set|", "setting.most", "- keep setting.most"),
        (THEN + "exclude outlet b|", "because", '- exclude outlet because "'),
        (TABLE + "new, any, ship|", "shipped", "- [new, any, shipped"),
        (WHEN + "outlet.kind in [store, wa|]", "warehouse", "- outlet.kind in [store, warehouse]"),
        ("dec|", "decision:", "decision:"),
    ],
)
def test_a_suggestion_takes_the_place_of_the_word_that_was_begun(text: str, label: str, line: str) -> None:
    assert accepted(text, label) == line


def test_a_suggestion_says_what_it_means() -> None:
    (found,) = (one for one in at_caret(WHEN + "order.total|") if one["label"] == "order.total")

    assert found["detail"] == "money · What the customer pays, tax and shipping included."


@pytest.mark.parametrize("text", ["# |", WHEN + "order.total < 5 EUR # |", "decision: none\nrules:\n  - id: x\n    when:\n      - |", "description: |"])
def test_nothing_is_suggested_where_nothing_is_known(text: str) -> None:
    assert labels(text) == []


def test_the_rest_of_the_file_may_be_broken() -> None:
    assert "pickup" in labels(f"{WHEN}order.fulfilment_type is |\n  - id: [\n  '")


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from([BASE, WHEN, TABLE, EXAMPLE + "    facts:\n      order: {a: b}\n    expect: [a, b]\n"]), st.data())
def test_wherever_the_caret_stands_suggestions_fit_into_its_line(text: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(text)))
    text = text[:cut] + data.draw(st.text(st.sampled_from(list('ao. -:[]{},"#\n<1')), max_size=6)) + text[cut:]
    lines = text.split("\n")
    number = data.draw(st.integers(0, len(lines) + 1))
    column = data.draw(st.integers(-1, 200))

    for one in complete(text, number, column, {"base.yaml": BASE}):
        start, end = one["replace"]
        assert 1 <= start <= end <= len(lines[number - 1]) + 1
        assert one["insert"] and one["label"]
    assert len(complete(text, number, column)) <= MOST
