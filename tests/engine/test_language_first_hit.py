"""Tables of which only the first row that holds counts."""

from __future__ import annotations

import pytest

from engine.compiled import compile_book
from engine.language import load_book
from engine.types import Fact, Run
from tests.engine.rule_texts import decision_of, problems_of

TABLE = """\
decision: outlet_assignment
rules:
  - id: points
    priority: 5
    table:
      hit: first
      when: [outlet.kind, order.fulfilment_type, outlet.priority]
      then: [prefer outlet, because]
      rows:
        - [warehouse, delivery, any,   10, near the motorway]
        - [any,       any,      "< 3",  5, an important one]
        - [any,       delivery, any,    1, ~]
"""
OUTLETS = [
    Fact("outlet", code, {"code": code, "kind": kind, "priority": priority})
    for code, kind, priority in [("hub", "warehouse", 1), ("ams", "store", 1), ("utr", "store", 9)]
]


def run(text: str, fulfilment_type: str = "delivery") -> Run:
    compiled = compile_book(load_book({"a.yaml": text}), compare="always", on_incident=pytest.fail)
    order = Fact("order", "o", {"fulfilment_type": fulfilment_type})
    return compiled.run("outlet_assignment", [order, *OUTLETS])


def points(found: Run) -> dict[str, list[object]]:
    given: dict[str, list[object]] = {}
    for outcome in found.all("prefer outlet"):
        given.setdefault(outcome.target, []).append(outcome.arguments["points"])
    return given


def test_for_each_combination_of_facts_only_the_first_row_that_holds_counts() -> None:
    assert points(run(TABLE)) == {"hub": [10], "ams": [5], "utr": [1]}
    assert points(run(TABLE, "pickup")) == {"hub": [5], "ams": [5]}


def test_without_a_hit_policy_every_row_that_holds_counts() -> None:
    assert points(run(TABLE.replace("      hit: first\n", ""))) == {"hub": [10, 5, 1], "ams": [5, 1], "utr": [1]}
    assert run(TABLE.replace("hit: first", "hit: every")) == run(TABLE.replace("      hit: first\n", ""))


def test_rows_count_by_their_number_not_by_their_letters() -> None:
    rows = "".join(f"        - [any, any, any, {n}, ~]\n" for n in range(1, 13))
    text = TABLE[: TABLE.index("        - [warehouse")] + rows

    assert points(run(text)) == {"hub": [1], "ams": [1], "utr": [1]}
    every = run(text.replace("hit: first", "hit: every"))
    assert points(every)["hub"] == list(range(1, 13))


def test_a_row_that_came_too_late_says_which_table_silenced_it() -> None:
    compiled = compile_book(load_book({"a.yaml": TABLE}))
    traces = {t.rule: t for t in compiled.explain("outlet_assignment", [Fact("order", "o", {"fulfilment_type": "delivery"}), OUTLETS[0]])}

    assert traces["points#1"].fired_for and not traces["points#2"].fired_for
    assert "An earlier row held (points#1)" in traces["points#2"].note


def test_all_rows_speak_of_the_same_facts() -> None:
    assert {rule.binds for rule in decision_of(TABLE).rules} == {("order", "outlet")}
    assert [(rule.table, rule.row, rule.hit) for rule in decision_of(TABLE).rules] == [("points", n, "first") for n in (1, 2, 3)]


def test_a_wrong_hit_policy_is_refused() -> None:
    assert problems_of(TABLE.replace("hit: first", "hit: best")) == [
        "6:12: A hit policy is `every` or `first`. `first`: only the first row that holds counts."
    ]
    assert problems_of(TABLE.replace("    priority: 5", "    hit: first")) == [
        "4:10: A rule with a table has no `hit:` of its own. Write it below `table:`."
    ]
    single = "decision: outlet_assignment\nrules:\n  - {id: a, hit: first, then: [hold shortage]}\n"
    assert problems_of(single) == ["3:18: Only a table has a hit policy. Write `hit:` below `table:`."]
