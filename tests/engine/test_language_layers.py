"""A merchant's layer over the base rules: adding, replacing, switching off, other defaults; and invariants."""

from __future__ import annotations

import pytest

from engine.ast import DecisionRules
from engine.language import check, load_book
from engine.types import RuleBookError

BASE = """\
decision: outlet_assignment
description: Who ships.
settings: {keep: 0, word: hold}
rules:
  - {id: closed, when: [outlet.open is false], then: [exclude outlet]}
  - {id: keeper, when: [outlet.kind is store], then: [keep setting.keep pieces back]}
  - id: points
    table: {when: [outlet.kind], then: [prefer outlet], rows: [[store, 1], [warehouse, 2]]}
  - {id: wait, priority: 200, then: [hold shortage]}
"""
LAYER = """\
decision: outlet_assignment
layer: true
settings: {keep: 3, mine: 5.00 EUR}
switch_off: [closed]
replace:
  - {id: points, when: [outlet.kind is warehouse, order.total < setting.mine], then: [prefer outlet by 7]}
rules:
  - {id: ours, priority: 10, then: [back-order shortage]}
invariants:
  - id: never-split-wide
    when: [order.line_count is 1]
    never: [use at most 2 outlets]
"""
FILES = {"outlet_assignment.yaml": BASE, "layer/outlet_assignment.yaml": LAYER}


def merged(layer: str = LAYER) -> DecisionRules:
    return load_book({**FILES, "layer/outlet_assignment.yaml": layer}).decisions["outlet_assignment"]


def said(layer: str, base: str = BASE) -> list[str]:
    found = check({"outlet_assignment.yaml": base, "layer/outlet_assignment.yaml": layer})
    return [f"{p.file}:{p.line}:{p.column}: {p.message} {p.hint}".rstrip() for p in found if p.severity == "error"]


def test_a_layer_adds_replaces_and_switches_off_rules_by_their_ids() -> None:
    assert [(rule.id, rule.layer) for rule in merged().rules] == [
        ("ours", "layer"), ("keeper", ""), ("points", "layer"), ("wait", ""),
    ]  # fmt: skip


def test_a_layer_gives_settings_other_defaults_and_settings_of_its_own() -> None:
    assert str(merged().settings["keep"]) == "3"
    assert str(merged().settings["mine"]) == "5.00 EUR"
    assert merged().settings["word"] == "hold"


def test_a_book_with_a_layer_means_the_same_as_the_rules_written_together() -> None:
    together = """\
decision: outlet_assignment
description: Who ships.
settings: {keep: 3, word: hold, mine: 5.00 EUR}
rules:
  - {id: keeper, when: [outlet.kind is store], then: [keep setting.keep pieces back]}
  - {id: points, when: [outlet.kind is warehouse, order.total < setting.mine], then: [prefer outlet by 7]}
  - {id: wait, priority: 200, then: [hold shortage]}
  - {id: ours, priority: 10, then: [back-order shortage]}
invariants:
  - {id: never-split-wide, when: [order.line_count is 1], never: [use at most 2 outlets]}
"""
    assert load_book(FILES).meaning == load_book({"any.yaml": together}).meaning


def test_an_empty_layer_changes_nothing() -> None:
    empty = "decision: outlet_assignment\nlayer: true\n"

    assert load_book({**FILES, "layer/outlet_assignment.yaml": empty}).meaning == load_book({"a.yaml": BASE}).meaning


def test_a_layer_whose_base_rule_is_gone_is_refused_with_advice() -> None:
    base = BASE.replace("id: points", "id: pointz").replace("id: closed", "id: shut")

    assert said(LAYER, base) == [
        "layer/outlet_assignment.yaml:4:14: The base rules have no `closed` that could be switched off. "
        "It may have been renamed or removed there; remove it here, or add a rule of your own.",
        "layer/outlet_assignment.yaml:6:10: The base rules have no `points` that could be replaced. Did you mean `pointz`?",
    ]


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("layer: true", "layer: maybe", "2:8: A file in `layer/` begins with `layer: true`. Add the line below `decision:`."),
        ("layer: true\n", "", "1:1: A file in `layer/` begins with `layer: true`. Add the line below `decision:`."),
        ("id: ours", "id: wait", "8:10: The base rules have a rule `wait` already. Write it under `replace:`, or give it another id."),
        ("[closed]", "[points]", "6:10: `points` is switched off and replaced at once. Do one of both."),
        ("[closed]", '["points#1"]', "4:14: The base rules have no `points#1` that could be switched off. Rows have no ids of their own: replace the whole table `points`."),
        ("keep: 3", "keep: many", "3:18: `keep` is a whole number in the base rules, not text. Give it a value of that type."),
        ("switch_off:", "switch_of:", "4:1: A layer has no `switch_of`. Did you mean `switch_off`?"),
        ("    never: [use at most 2 outlets]\n", "", "10:9: The invariant says nothing. Add `never:` or `always:` with a list of outcomes."),
        ("use at most 2", "use at mots 2", "12:13: outlet_assignment has no outcome `use at mots 2 outlets`. Did you mean `use at most {count} outlets`?"),
        ("id: never-split-wide", "id: ours", "10:9: The rule id `ours` is taken on line 8. Give this one another id: they are unique in the whole book."),
        ("decision: outlet_assignment", "decision: order_intake", "1:11: There are no base rules for order_intake that this layer could change. The base book has: outlet_assignment."),
    ],
)  # fmt: skip
def test_a_mistake_in_a_layer_is_reported_at_its_place(old: str, new: str, what: str) -> None:
    assert old in LAYER

    assert f"layer/outlet_assignment.yaml:{what}" in said(LAYER.replace(old, new, 1))


def test_a_base_file_does_not_call_itself_a_layer() -> None:
    with pytest.raises(RuleBookError, match="calls itself a layer"):
        load_book({"a.yaml": BASE + "layer: true\n"})


def test_a_decision_has_one_layer() -> None:
    found = check({**FILES, "layer/second.yaml": LAYER.replace("ours", "theirs")})

    assert any("has a file already: layer/outlet_assignment.yaml" in problem.message for problem in found)


def test_ids_of_added_rules_are_unique_in_the_whole_book() -> None:
    other = "decision: order_intake\nrules:\n  - {id: ours, then: [hold order]}\n"
    found = check({**FILES, "order_intake.yaml": other})

    assert any("`ours` is taken in order_intake.yaml, line 3" in problem.message for problem in found)


def test_invariants_are_kept_and_change_no_decision() -> None:
    (invariant,) = merged().invariants

    assert (invariant.id, invariant.binds, invariant.never[0].outcome) == ("never-split-wide", ("order",), "use at most outlets")
    assert merged().rules == merged(LAYER[: LAYER.index("invariants:")]).rules
