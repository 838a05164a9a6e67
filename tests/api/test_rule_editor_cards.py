"""The structured view writes the same text: every choice changes only what it speaks of, comments and all the rest stay."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.api.house import Shopkeeper
from tests.api.test_rule_editor import FILE, GOOD, Desk

TABLE = """decision: outlet_assignment
layer: true

rules:
  - id: by-size   # agreed in spring
    table:
      hit: first
      when: [order.total, outlet.kind]
      then: [prefer outlet]
      rows:
        - ["> 100 EUR", warehouse, 10]   # big ones
        - [any, store, 5]
"""


@pytest.fixture
def desk(admin: FlaskClient) -> Desk:
    return Desk(admin)


def _edit(desk: Desk, operation: dict[str, Any], chosen: dict[str, Any] | None = None, text: str = GOOD) -> Any:
    return desk.ask("edit", text, operation=operation, chosen=chosen or {}, open="big-orders")


RULE = {"rule": "big-orders"}


@pytest.mark.parametrize(
    ("operation", "chosen", "old", "new"),
    [
        ({"op": "choose_condition", "path": [0]}, {"changed": "value", "field": "order.total", "operator": ">", "value": "200 EUR"},
         "order.total > 100 EUR", "order.total > 200 EUR"),
        ({"op": "choose_condition", "path": [0]}, {"changed": "field", "field": "outlet.open", "operator": ">", "value": "100 EUR"},
         "order.total > 100 EUR", "outlet.open is true"),
        ({"op": "choose_condition", "path": [0]}, {"changed": "text", "text": "count of lines > 3"}, "order.total > 100 EUR", "count of lines > 3"),
        ({"op": "choose_demand", "index": 0}, {"changed": "slot:points", "outcome": "prefer outlet", "slot:points": "20", "reason": "it is big"},
         "prefer outlet by 10", "prefer outlet by 20"),
        ({"op": "choose_demand", "index": 0}, {"changed": "outcome", "outcome": "hold shortage", "slot:points": "20", "reason": ""},
         'prefer outlet by 10 because "it is big"', "hold shortage"),
        ({"op": "choose_priority"}, {"text": "7"}, "priority: 40", "priority: 7"),
        ({"op": "choose_description"}, {"text": "Other words."}, "Big orders go out of the warehouse.", "Other words."),
        ({"op": "remove_condition", "path": [1]}, {}, "      - outlet.kind is warehouse\n", ""),
        ({"op": "move_condition", "path": [1], "by": -1}, {},
         "      - order.total > 100 EUR\n      - outlet.kind is warehouse\n", "      - outlet.kind is warehouse\n      - order.total > 100 EUR\n"),
        ({"op": "choose_new_condition", "path": []}, {}, "is warehouse\n", "is warehouse\n      - order.state is received\n"),
        ({"op": "choose_new_group", "path": []}, {}, "is warehouse\n", "is warehouse\n      - any:\n          - order.state is received\n"),
        ({"op": "choose_new_demand"}, {}, 'it is big"\n', 'it is big"\n      - exclude outlet\n'),
    ],
)  # fmt: skip
def test_a_choice_changes_only_what_it_speaks_of(desk: Desk, operation: dict[str, Any], chosen: dict[str, Any], old: str, new: str) -> None:
    answer = _edit(desk, {**RULE, **operation}, chosen)

    assert answer.status_code == 200, answer.json
    assert answer.json["text"] == GOOD.replace(old, new)
    assert "# asked for by the warehouse" in answer.json["text"]


@pytest.mark.parametrize(
    ("operation", "chosen", "old", "new"),
    [
        ({"op": "choose_cell", "row": 1, "column": 0}, {"text": "> 50 EUR"}, "[any, store, 5]", '["> 50 EUR", store, 5]'),
        ({"op": "choose_new_row"}, {}, "[any, store, 5]\n", "[any, store, 5]\n        - [any, store, 5]\n"),
        ({"op": "remove_row", "row": 1}, {}, "        - [any, store, 5]\n", ""),
        ({"op": "choose_hit"}, {"hit": "every"}, "hit: first", "hit: every"),
        ({"op": "choose_new_column"}, {"heading": "then:because"}, "", ""),
    ],
)
def test_a_table_is_a_grid_that_writes_its_rows(desk: Desk, operation: dict[str, Any], chosen: dict[str, Any], old: str, new: str) -> None:
    answer = _edit(desk, {"rule": "by-size", **operation}, chosen, TABLE)

    assert answer.status_code == 200, answer.json
    assert "# agreed in spring" in answer.json["text"] and "# big ones" in answer.json["text"]
    if old:
        assert answer.json["text"] == TABLE.replace(old, new)
    else:
        assert "then: [prefer outlet, because]" in answer.json["text"] and "[any, store, 5, ~]" in answer.json["text"]


def test_rows_move_up_and_down_with_their_comments(desk: Desk) -> None:
    text = _edit(desk, {"op": "move_row", "rule": "by-size", "row": 0, "by": 1}, {}, TABLE).json["text"]

    assert text.index("[any, store, 5]") < text.index('["> 100 EUR", warehouse, 10]   # big ones')


def test_rules_tables_and_promises_are_added_and_are_well_formed_at_once(desk: Desk) -> None:
    text = GOOD
    for op, name in (("choose_new_rule", "one"), ("choose_new_table", "two"), ("choose_new_invariant", "three")):
        answer = _edit(desk, {"op": op}, {"id": name}, text)
        assert answer.status_code == 200, answer.json
        assert [each for each in answer.json["problems"] if each["severity"] == "error"] == []
        assert answer.json["open"] == name
        text = answer.json["text"]


def test_base_rules_are_switched_off_replaced_and_settings_changed_in_the_layer(desk: Desk) -> None:
    text = _edit(desk, {"op": "switch_off"}, {"id": "foreign-outlet"}).json["text"]
    text = _edit(desk, {"op": "replace_rule"}, {"id": "outlet-closed"}, text).json["text"]
    text = _edit(desk, {"op": "choose_setting", "name": "safety_stock"}, {"text": "3"}, text).json["text"]
    answer = desk.ask("check", text)

    assert "switch_off:\n  - foreign-outlet" in text and "replace:\n  - id: outlet-closed" in text and "safety_stock: 3" in text
    assert [each for each in answer.json["problems"] if each["severity"] == "error"] == []
    assert "foreign-outlet" not in _edit(desk, {"op": "switch_on", "id": "foreign-outlet"}, {}, text).json["text"]
    assert "safety_stock" not in _edit(desk, {"op": "choose_setting", "name": "safety_stock"}, {"text": ""}, text).json["text"]


@pytest.mark.parametrize("operation", ["replace_rule", "switch_off"])
def test_one_click_in_the_base_book_changes_the_layer(desk: Desk, keeper: Shopkeeper, operation: str) -> None:
    answer = desk.form("layer", decision="outlet_assignment", rule="outlet-closed", operation=operation)

    assert answer.status_code == 303
    assert answer.headers["Location"].endswith(f"{FILE}#rule-outlet-closed")
    assert "outlet-closed" in desk.page(FILE)


@pytest.mark.parametrize(
    ("rule", "operation", "status"),
    [("nothing", "replace_rule", 409), ("outlet-closed", "burn", 422), ("outlet-closed", "switch_on", 409)],
)
def test_a_click_that_makes_no_sense_is_refused(desk: Desk, rule: str, operation: str, status: int) -> None:
    assert desk.form("layer", decision="outlet_assignment", rule=rule, operation=operation).status_code == status


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "burn"}, {"op": 3}, {}, {"op": "choose_condition", "rule": "nothing", "path": [0]}, {"op": "remove_condition", **RULE, "path": [9]},
        {"op": "remove_condition", **RULE, "path": "x"}, {"op": "move_row", **RULE, "row": "x", "by": 1}, {"op": "choose_demand", **RULE, "index": 0},
        {"op": "choose_cell", **RULE, "row": 0, "column": 0}, {"op": "choose_new_row", "rule": "nothing"}, {"op": "choose_new_rule"},
        {"op": "remove_demand", **RULE, "index": 0}, {"op": "choose_new_column", **RULE},
    ],
)  # fmt: skip
def test_a_change_that_cannot_be_made_is_refused_in_a_sentence(desk: Desk, operation: dict[str, Any]) -> None:
    answer = _edit(desk, operation)

    assert answer.status_code == 422
    assert answer.json["detail"].endswith(".")


def test_a_text_that_cannot_be_read_is_not_edited_but_its_cards_stay(desk: Desk) -> None:
    broken = GOOD.replace("then:", 'then: "')
    assert _edit(desk, {"op": "remove_rule", **RULE}, {}, broken).status_code == 422
    assert desk.ask("check", broken).json["spans"] != []
