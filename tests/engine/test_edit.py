"""Edits of one file: what changes, what is created where it was missing, and what is refused with which words."""

from __future__ import annotations

from typing import Any

import pytest

from engine.language.edit import EditError, edit

RULES = """decision: order_intake   # ours
settings:
  limit: 50.00 EUR   # how much

rules:
  # about large orders
  - id: large   # L
    description: Large orders wait.
    when:
      # compared with the limit
      - order.total > setting.limit   # big
      - any:
          - order.split is true
          - order.split is missing
    then:
      - hold order because "it is large: #1"   # wait

  # everything else
  - id: rest
    then:
      - import order
"""
TABLE = """decision: status_to_shop
rules:
  - id: map
    table:
      when: [fulfilment.status, order.total]
      then: [set shop status, because]
      rows:
        - [packed,    any,        ready_for_pickup, come and get it]   # first
        - [completed, "< 50 EUR", shipped,          ~]
"""
LAYER = "decision: order_intake\nlayer: true\n"


def lines_changed(old: str, new: str) -> tuple[list[str], list[str]]:
    """The lines taken out and the lines put in, between what both texts begin and end with."""
    before, after = old.splitlines(), new.splitlines()
    while before and after and before[0] == after[0]:
        before, after = before[1:], after[1:]
    while before and after and before[-1] == after[-1]:
        before, after = before[:-1], after[:-1]
    return before, after


@pytest.mark.parametrize(
    ("operation", "gone", "new"),
    [
        ({"op": "set_condition", "rule": "large", "path": [0], "text": "order.total > 10 EUR"},
         ["      - order.total > setting.limit   # big"], ["      - order.total > 10 EUR   # big"]),
        ({"op": "add_condition", "rule": "large", "path": [1], "text": "order.known is true", "at": 1},
         [], ["          - order.known is true"]),
        ({"op": "add_condition", "rule": "rest", "path": [], "text": "order.known is true"},
         [], ["    when:", "      - order.known is true"]),
        ({"op": "add_condition", "rule": "large", "path": [], "kind": "none", "text": "order.known is true"},
         [], ["      - none:", "          - order.known is true"]),
        ({"op": "remove_condition", "rule": "large", "path": [0]},
         ["      # compared with the limit", "      - order.total > setting.limit   # big"], []),
        ({"op": "set_group", "rule": "large", "path": [1], "kind": "all"}, ["      - any:"], ["      - all:"]),
        ({"op": "set_group", "rule": "large", "path": [0], "kind": "any"},
         ["      - order.total > setting.limit   # big"], ["      - any:", "          - order.total > setting.limit   # big"]),
        ({"op": "set_demand", "rule": "large", "index": 0, "text": 'hold order because "no: #2"'},
         ['      - hold order because "it is large: #1"   # wait'], ['      - hold order because "no: #2"   # wait']),
        ({"op": "add_demand", "rule": "rest", "text": "tag order late"}, [], ["      - tag order late"]),
        ({"op": "set_priority", "rule": "large", "text": 20}, [], ["    priority: 20"]),
        ({"op": "set_description", "rule": "rest", "text": "All others: taken in."}, [], ["    description: 'All others: taken in.'"]),
        ({"op": "set_description", "rule": "large", "text": ""}, ["    description: Large orders wait."], []),
        ({"op": "set_id", "rule": "large", "id": "larger"}, ["  - id: large   # L"], ["  - id: larger   # L"]),
        ({"op": "set_setting", "name": "limit", "value": "75.00 EUR"}, ["  limit: 50.00 EUR   # how much"], ["  limit: 75.00 EUR   # how much"]),
        ({"op": "set_setting", "name": "words", "value": ["a", "b: c"]}, [], ["  words: ['a', 'b: c']"]),
        ({"op": "remove_rule", "rule": "rest"},
         ["", "  # everything else", "  - id: rest", "    then:", "      - import order"], []),
        ({"op": "add_rule", "id": "new", "when": ["order.known is true"], "then": ["ignore order"]},
         [], ["", "  - id: new", "    when:", "      - order.known is true", "    then:", "      - ignore order"]),
        ({"op": "add_rule", "section": "invariants", "id": "safe", "then": ["import order"]},
         [], ["", "invariants:", "  - id: safe", "    when: []", "    never:", "      - import order"]),
    ],
)  # fmt: skip
def test_an_edit_changes_its_own_lines_and_no_others(operation: dict[str, Any], gone: list[str], new: list[str]) -> None:
    assert lines_changed(RULES, edit(RULES, operation)) == (gone, new)


@pytest.mark.parametrize(
    ("operation", "gone", "new"),
    [
        ({"op": "set_cell", "rule": "map", "row": 0, "column": 0, "text": "new"},
         ["        - [packed,    any,        ready_for_pickup, come and get it]   # first"],
         ["        - [new,       any,        ready_for_pickup, come and get it]   # first"]),
        ({"op": "set_cell", "rule": "map", "row": 1, "column": 1, "text": "[1 EUR, 2 EUR]"},
         ['        - [completed, "< 50 EUR", shipped,          ~]'], ["        - [completed, [1 EUR, 2 EUR], shipped,          ~]"]),
        ({"op": "set_cell", "rule": "map", "row": 1, "column": 3, "text": "sent, at last"},
         ['        - [completed, "< 50 EUR", shipped,          ~]'], ['        - [completed, "< 50 EUR", shipped,          "sent, at last"]']),
        ({"op": "add_row", "rule": "map", "cells": ["new", "any", "processing", "~"], "at": 1},
         [], ["        - [new,       any,        processing,       ~]"]),
        ({"op": "remove_row", "rule": "map", "row": 1}, ['        - [completed, "< 50 EUR", shipped,          ~]'], []),
        ({"op": "set_hit", "rule": "map", "hit": "first"}, [], ["      hit: first"]),
        ({"op": "set_heading", "rule": "map", "column": 1, "text": "order.paid"},
         ["      when: [fulfilment.status, order.total]"], ["      when: [fulfilment.status, order.paid]"]),
    ],
)  # fmt: skip
def test_an_edit_of_a_table_keeps_its_columns_where_there_is_room(operation: dict[str, Any], gone: list[str], new: list[str]) -> None:
    assert lines_changed(TABLE, edit(TABLE, operation)) == (gone, new)


def test_a_column_comes_and_goes_with_all_its_cells() -> None:
    wider = edit(TABLE, {"op": "add_column", "rule": "map", "part": "when", "heading": "order.split", "text": "any"})

    assert lines_changed(TABLE, wider)[1] == [
        "      when: [fulfilment.status, order.total, order.split]",
        "      then: [set shop status, because]",
        "      rows:",
        "        - [packed,    any,        any, ready_for_pickup, come and get it]   # first",
        '        - [completed, "< 50 EUR", any, shipped,          ~]',
    ]
    assert edit(wider, {"op": "remove_column", "rule": "map", "column": 2}).split() == TABLE.split()


def test_a_condition_moves_with_its_comments() -> None:
    moved = edit(RULES, {"op": "move_condition", "rule": "large", "path": [0], "to": [1], "at": 1})

    assert """    when:
      - any:
          - order.split is true
          # compared with the limit
          - order.total > setting.limit   # big
          - order.split is missing
""" in moved


def test_a_layer_switches_off_and_on_again_without_a_trace() -> None:
    off = edit(LAYER, {"op": "switch_off", "id": "large"})

    assert off == f"{LAYER}\nswitch_off:\n  - large\n"
    assert edit(off, {"op": "switch_off", "id": "large"}) == off
    assert edit(off, {"op": "switch_on", "id": "large"}) == LAYER


def test_a_layer_gets_a_copy_of_a_base_rule_to_change_with_its_comments() -> None:
    replaced = edit(LAYER, {"op": "replace_rule", "id": "large", "base_text": RULES})

    assert replaced.startswith(f"{LAYER}\nreplace:\n  # about large orders\n  - id: large   # L\n    description: Large orders wait.\n")
    assert replaced.endswith('      - hold order because "it is large: #1"   # wait\n')


def test_sections_come_in_their_usual_order() -> None:
    text = edit(f"{LAYER}\nrules:\n  - id: a\n    then: [hold order]\n", {"op": "set_setting", "name": "limit", "value": "1.00 EUR"})

    assert text == f"{LAYER}\nsettings:\n  limit: 1.00 EUR\n\nrules:\n  - id: a\n    then: [hold order]\n"


def test_files_written_between_brackets_are_edited_between_brackets() -> None:
    text = "decision: order_intake\nrules:\n  - {id: a, when: [order.split is true], then: [hold order]}\n"

    text = edit(text, {"op": "add_condition", "rule": "a", "path": [], "text": "order.number in [\"1, 2\"]", "at": 0})
    text = edit(text, {"op": "set_priority", "rule": "a", "text": "5"})
    text = edit(text, {"op": "set_description", "rule": "a", "text": "One, two."})
    text = edit(text, {"op": "add_demand", "rule": "a", "text": "ignore order"})
    text = edit(text, {"op": "remove_demand", "rule": "a", "index": 0})

    assert text == (
        "decision: order_intake\nrules:\n"
        "  - {id: a, description: \"One, two.\", priority: 5, when: ['order.number in [\"1, 2\"]', order.split is true], then: [ignore order]}\n"
    )


def test_line_breaks_and_the_byte_order_mark_stay_those_of_the_file() -> None:
    text = "\ufeff" + RULES.replace("\n", "\r\n")

    new = edit(text, {"op": "add_demand", "rule": "rest", "text": "tag order late"})

    assert new == text + "      - tag order late\r\n"


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        ({"op": "dance"}, "There is no edit `dance`."),
        ({"op": "remove_rule", "rule": "x"}, "There is no rule `x` in this text."),
        ({"op": "add_rule", "id": "large"}, "There is a rule `large` already. Choose another id."),
        ({"op": "add_rule", "id": "no id"}, "`no id` is not a rule id. Use letters, digits, `-` and `_`, such as `outlet-closed`."),
        ({"op": "add_rule", "text": "- id: a\n- id: b\n"}, "The new rule must be one rule. Begin it with `- id:`."),
        ({"op": "add_rule", "text": "then: [hold order]\n"}, "The new rule has no id. Begin it with `- id:`."),
        ({"op": "set_condition", "rule": "large", "path": [1], "text": "a"}, "This is a group, not a condition."),
        ({"op": "set_condition", "rule": "large", "path": [7], "text": "a"}, "There is no such condition in this rule."),
        ({"op": "set_condition", "rule": "large", "path": [0], "text": " "}, "There is nothing in `text`."),
        ({"op": "move_condition", "rule": "large", "path": [1], "to": [1], "at": 0}, "A group cannot be moved into itself."),
        ({"op": "remove_demand", "rule": "rest", "index": 0}, "A rule demands at least one thing. Write another demand first, or remove the rule."),
        ({"op": "set_priority", "rule": "rest", "text": "high"}, "A priority is a whole number. Lower comes first; 100 is the default."),
        ({"op": "set_cell", "rule": "rest", "row": 0, "column": 0, "text": "a"}, "This rule has no table."),
        ({"op": "switch_off", "id": "a"}, "Only a merchant's layer switches off rules of the base book. Change the rule itself here."),
        ({"op": "set_setting", "name": "No", "value": 1}, "A setting's name is small letters, digits and `_`, such as `safety_stock`."),
        ({"op": "set_setting", "name": "none"}, "There is no setting `none` in this file."),
        ({"op": "set_setting", "name": "limit", "value": {}}, "A setting is a truth value, a number, a text or a list of texts."),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_with_what_to_do_instead(operation: dict[str, Any], said: str) -> None:
    with pytest.raises(EditError) as refusal:
        edit(RULES, operation)

    assert str(refusal.value) == said


def test_a_broken_text_is_mended_first() -> None:
    with pytest.raises(EditError, match="cannot be edited until line 3 is mended"):
        edit("decision: a\nrules:\n\t- x\n", {"op": "remove_rule", "rule": "x"})


@pytest.mark.parametrize("cell", ["not in [a, b]", "a, b", "[a", '"<5"', "a: b", "{"])
def test_a_cell_that_could_not_be_read_back_is_refused(cell: str) -> None:
    with pytest.raises(EditError):
        edit(TABLE, {"op": "set_cell", "rule": "map", "row": 0, "column": 0, "text": cell})


@pytest.mark.parametrize("value", ["true", '"true"', "3", "50.00 EUR", "2026-11-22", "[a, b]", "a b", "09:30"])
def test_a_setting_is_written_as_its_admin_says_it(value: str) -> None:
    assert f"  limit: {value}   # how much\n" in edit(RULES, {"op": "set_setting", "name": "limit", "value": value})


@pytest.mark.parametrize("value", ["a: b", "# a", "- a", "&a", "{a: b}", "a #b", ""])
def test_a_setting_that_yaml_would_take_for_something_else_stands_in_quotes(value: str) -> None:
    assert f"  limit: '{value}'   # how much\n" in edit(RULES, {"op": "set_setting", "name": "limit", "value": value})
