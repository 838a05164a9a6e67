"""What differs between two rule books is shown rule by rule, exactly, and nothing else is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import SMALL, books

from engine.ast import Book
from engine.language.diff import Change, compare_lines, diff_texts
from engine.language.formatter import format_decision

RULES = Path(__file__).parents[2] / "rules"
SHIPPED = {path.name: path.read_text() for path in sorted(RULES.glob("*.yaml"))}

BASE = """\
decision: outlet_assignment
settings:
  most: 3
rules:
  - id: closed
    description: Closed outlets are left out.
    when:
      - outlet.open is false
    then:
      - exclude outlet because "closed"
  - id: far
    priority: 50
    when:
      - outlet.country is not order.shipping_address.country
    then:
      - prefer outlet by -20
  - id: by-kind
    table:
      when: [outlet.kind]
      then: [prefer outlet]
      rows:
        - [warehouse, 10]
        - [store, 5]
"""
LAYER = "decision: outlet_assignment\nlayer: true\n"
EXAMPLES = """\
decision: outlet_assignment
examples:
  # the usual
  - name: A closed outlet is left out
    facts:
      order: {fulfilment_type: delivery}
      outlet:
        - {id: a, code: a, open: false}
    expect: ["exclude outlet for a"]
"""


def changes(old: dict[str, str], new: dict[str, str]) -> list[Change]:
    return [change for decision in diff_texts(old, new).decisions for change in decision.changes]


def one(old: dict[str, str], new: dict[str, str]) -> Change:
    (found,) = changes(old, new)
    return found


def edited(old: str, new: str, text: str = BASE) -> Change:
    assert old in text
    return one({"a.yaml": text}, {"a.yaml": text.replace(old, new)})


@pytest.mark.parametrize(
    ("old", "new", "words", "lines"),
    [
        ("most: 3", "most: 4", "setting most changed from 3 to 4", ["- most: 3", "+ most: 4"]),
        ("open is false", "open is missing", "rule closed changed (when)", ["-   - outlet.open is false", "+   - outlet.open is missing"]),
        ("by -20", "by -30", "rule far changed (then)", ["-   - prefer outlet by -20", "+   - prefer outlet by -30"]),
        ("priority: 50", "priority: 60", "rule far moved in priority", ["- priority: 50", "+ priority: 60"]),
        (
            "are left out", "stay out", "rule closed described in other words",
            ["- description: Closed outlets are left out.", "+ description: Closed outlets stay out."],
        ),
        ("id: far\n", "id: distant\n", None, None),
        (
            "[store, 5]", "[store, 6]", "rule by-kind changed (rows)",
            ["-   - outlet.kind is store → prefer outlet by 5", "+   - outlet.kind is store → prefer outlet by 6"],
        ),
        (
            "        - [store, 5]\n", "", "rule by-kind changed (rows)", ["-   - outlet.kind is store → prefer outlet by 5"],
        ),
        ("    table:\n", "    table:\n      hit: first\n", "rule by-kind changed (hit)", ["- hit: every", "+ hit: first"]),
    ],
)  # fmt: skip
def test_a_change_is_named_and_shown_line_by_line(old: str, new: str, words: str | None, lines: list[str] | None) -> None:
    if words is None:
        renamed = changes({"a.yaml": BASE}, {"a.yaml": BASE.replace(old, new)})
        assert {change.words for change in renamed} == {"rule far removed", "rule distant new"}
        return
    change = edited(old, new)
    assert change.words == words
    assert [f"{line.mark} {line.text}" for line in change.lines if line.mark != " "] == lines


def test_rules_that_the_layer_switches_off_replaces_and_adds_are_told_apart() -> None:
    old = {"a.yaml": BASE}
    layer = LAYER + (
        "switch_off: [closed]\nreplace:\n  - id: far\n    then:\n      - prefer outlet by -5\n"
        "rules:\n  - id: near\n    then:\n      - prefer outlet by 5\n"
    )
    new = {**old, "layer/a.yaml": layer}
    assert {change.id: change.kind for change in changes(old, new)} == {
        "closed": "switched off", "far": "replaced", "near": "added",
    }  # fmt: skip
    assert {change.id: change.kind for change in changes(new, old)} == {
        "closed": "switched on", "far": "restored", "near": "removed",
    }  # fmt: skip


def test_a_rule_taken_out_of_the_base_book_is_removed_and_not_switched_off() -> None:
    start, end = BASE.index("  - id: closed"), BASE.index("  - id: far")
    assert one({"a.yaml": BASE}, {"a.yaml": BASE[:start] + BASE[end:]}).kind == "removed"


def test_comments_and_layout_differ_without_a_difference_of_meaning() -> None:
    new = {"a.yaml": BASE.replace("  - id: far", "  # far away\n  - id: far")}
    found = diff_texts({"a.yaml": BASE}, new)
    assert (found.decisions, found.decides_the_same) == ((), True)
    assert found.words == ("a.yaml: only comments or layout differ.",)
    assert [line.text for line in found.files[0].lines if line.mark == "+"] == ["  # far away"]


def test_line_ends_that_nobody_can_see_are_shown() -> None:
    found = diff_texts({"a.yaml": BASE}, {"a.yaml": BASE.replace("\n", "\r\n")})
    assert found.decides_the_same
    assert {line.text for line in found.files[0].lines if line.mark == "+"} >= {"rules: (CRLF)"}


def test_invariants_and_examples_are_compared_by_name() -> None:
    stated = BASE + "invariants:\n  - id: never-closed\n    when:\n      - outlet.open is false\n    never:\n      - prefer outlet by 1\n"
    assert one({"a.yaml": BASE}, {"a.yaml": stated}).words == "invariant never-closed new"
    old = {"a.yaml": BASE, "a.examples.yaml": EXAMPLES}
    changed = one(old, {**old, "a.examples.yaml": EXAMPLES.replace("id: a, code: a", "id: a, code: b")})
    assert (changed.section, changed.id, changed.kind) == ("example", "A closed outlet is left out", "changed")
    assert one(old, {"a.yaml": BASE}).kind == "removed"
    commented = diff_texts(old, {**old, "a.examples.yaml": EXAMPLES.replace("# the usual", "# as ever")})
    assert commented.decisions == () and commented


def test_many_changes_of_one_kind_are_counted_in_the_sentence() -> None:
    more = "".join(f"  - id: more-{number}\n    then:\n      - prefer outlet by {number}\n" for number in range(1, 6))
    (sentence,) = diff_texts({"a.yaml": BASE}, {"a.yaml": BASE.replace("most: 3", "most: 4") + more}).words
    assert sentence == "outlet_assignment: setting most changed from 3 to 4, 5 rules new."


def test_a_decision_that_comes_or_goes_is_shown_with_all_its_rules() -> None:
    other = {"b.yaml": "decision: order_intake\nrules:\n  - id: all\n    then:\n      - import order\n"}
    found = diff_texts({"a.yaml": BASE}, {"a.yaml": BASE, **other})
    assert [(decision.decision, decision.kind) for decision in found.decisions] == [("order_intake", "added")]
    assert [change.words for change in found.decisions[0].changes] == ["rule all new"]


def test_texts_that_do_not_load_are_compared_as_text() -> None:
    found = diff_texts({"a.yaml": BASE}, {"a.yaml": BASE.replace("outlet.open", "outlet.opn")})
    assert (found.decisions, found.decides_the_same) == ((), None)
    assert [(line.mark, line.text) for line in found.files[0].lines if line.mark in "-+"] == [
        ("-", "      - outlet.open is false"), ("+", "      - outlet.opn is false"),
    ]  # fmt: skip
    assert "outlet.opn" in found.text() and "has no field" in str(found.as_dict()["problems"])


def test_the_text_for_a_terminal_names_the_change_and_shows_both_sides() -> None:
    text = diff_texts({"a.yaml": BASE}, {"a.yaml": BASE.replace("most: 3", "most: 4")}).text()
    assert text == "outlet_assignment\n  setting most changed from 3 to 4\n    - most: 3\n    + most: 4\n"
    assert diff_texts({"a.yaml": BASE}, {"a.yaml": BASE}).text() == "No difference.\n"


def test_the_shipped_rules_do_not_differ_from_themselves() -> None:
    found = diff_texts(SHIPPED, SHIPPED)
    assert not found and found.decides_the_same


def _texts(book: Book) -> dict[str, str]:
    return {f"{name}.yaml": format_decision(rules, SMALL) for name, rules in book.decisions.items()}


@given(books())
@settings(max_examples=40, deadline=None)
def test_a_book_does_not_differ_from_itself(book: Book) -> None:
    found = diff_texts(_texts(book), _texts(book), SMALL)
    assert not found and found.decides_the_same and found.decisions == ()


@given(books(), st.data())
@settings(max_examples=60, deadline=None)
def test_a_change_to_one_rule_shows_exactly_that_rule(book: Book, data: st.DataObject) -> None:
    (decision,) = book.decisions.values()
    plain = [number for number, rule in enumerate(decision.rules) if not rule.table]
    if not plain:
        return
    number = data.draw(st.sampled_from(plain))
    rule = decision.rules[number]
    change = data.draw(st.sampled_from(["moved", "reworded", "removed", "then"]))
    new = {
        "moved": replace(rule, priority=rule.priority + 1),
        "reworded": replace(rule, description=rule.description + " Again."),
        "removed": None,
        "then": replace(rule, then=(*rule.then, rule.then[0])),
    }[change]
    rules = (*decision.rules[:number], *([new] if new else []), *decision.rules[number + 1 :])
    edited = {"x.yaml": format_decision(replace(decision, rules=rules), SMALL)}
    (found,) = diff_texts({"x.yaml": format_decision(decision, SMALL)}, edited, SMALL).decisions
    assert [(one.id, one.kind) for one in found.changes] == [(rule.id, "changed" if change == "then" else change)]


_lines = st.lists(st.sampled_from("abcd"), max_size=60).map(tuple)


@given(_lines, _lines)
@settings(max_examples=100, deadline=None)
def test_both_texts_can_be_read_from_their_comparison(old: tuple[str, ...], new: tuple[str, ...]) -> None:
    lines = compare_lines(old, new)
    folded = sum(int(line.text.split()[0]) for line in lines if line.mark == "…")
    for marks, side in ((" -", old), (" +", new)):
        shown = [line.text for line in lines if line.mark in marks]
        assert len(shown) + folded == len(side)
        if not folded:
            assert tuple(shown) == side
