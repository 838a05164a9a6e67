"""Examples are the tests of a rule book: read with positions, run against the real engine, and they say what failed and why."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.compiled import CompiledBook, compile_book
from engine.examples import (
    ExampleError,
    Report,
    append_example,
    book_examples,
    example_text,
    read_examples,
    run_examples,
)
from engine.facts_json import facts_hash
from engine.language import load_book
from engine.types import Fact, Money
from tests.engine.strategies import SMALL, books, facts, overrides

RULES = Path(__file__).parents[2] / "rules"

BOOK = """decision: outlet_assignment
settings: {small: 50.00 EUR}
rules:
  - id: closed
    priority: 10
    when: [outlet.open is false]
    then:
      - exclude outlet because "it is closed"
  - id: small
    priority: 20
    when:
      - order.total < setting.small
      - any:
          - order.fulfilment_type is delivery
          - order.customer.group is staff
    then: [hold shortage]
  - id: otherwise
    priority: 30
    then: [back-order shortage]
  - id: ranks
    table:
      when: [outlet.priority]
      then: [prefer outlet]
      rows:
        - [1, 10]
        - [2, 5]
"""


def book(text: str = BOOK) -> CompiledBook:
    return compile_book(load_book({"outlet_assignment.yaml": text}))


def examples_file(*lines: str) -> str:
    """An example file with one example; `lines` from line 4 on."""
    return "\n".join(
        ("decision: outlet_assignment", "examples:", "  - name: One", *(f"    {line}" for line in lines), "")
    )


def run(*lines: str, rules: str = BOOK) -> Report:
    examples, problems = read_examples("one.examples.yaml", examples_file(*lines))
    assert problems == ()
    return run_examples(book(rules), examples)


def reasons(*lines: str) -> tuple[str, ...]:
    (result,) = run(*lines).results
    assert result.passed is (not result.reasons)
    return result.reasons


def problems_of(*lines: str) -> list[str]:
    examples, problems = read_examples("one.examples.yaml", examples_file(*lines))
    assert examples == () or all(problem.severity == "warning" for problem in problems)
    return [f"{p.line}:{p.column}: {p.message} {p.hint}" for p in problems]


def test_an_example_passes_when_everything_it_expects_comes_out() -> None:
    assert (
        reasons(
            "facts: {order: {total: 12.50 EUR, fulfilment_type: delivery}, outlet: [{code: ams, open: false}]}",
            'expect: [exclude outlet for ams because "it is closed", hold shortage]',
            "never: [back-order shortage]",
            "only: true",
        )
        == ()
    )


def test_facts_are_typed_by_the_vocabulary() -> None:
    examples, problems = read_examples(
        "x",
        "decision: order_intake\nexamples:\n  - name: One\n    only: true\n    facts:\n"
        "      event: {time: 2026-11-22T11:00+01:00}\n"
        "      order: {number: 1001, total: 12.50 EUR, known: true, line_count: 2, tags: [a, b], risk: high}\n"
        "      line: [{id: 1, weight: 2 kg, unit_price: {money: [5, EUR]}}, {fact_id: second, sku: '007'}]\n",
    )
    assert problems == ()
    assert examples[0].facts == (
        Fact("event", "event", {"time": datetime(2026, 11, 22, 10, tzinfo=UTC)}),
        Fact("order", "order", {
            "number": "1001", "total": Money(1250, "EUR"), "known": True, "line_count": 2, "tags": ("a", "b"), "risk": "high",
        }),
        Fact("line", "1", {"id": "1", "weight": 2000, "unit_price": Money(5, "EUR")}),
        Fact("line", "second", {"sku": "007"}),
    )  # fmt: skip


def test_facts_without_an_id_are_named_by_what_tells_them_apart() -> None:
    examples, problems = read_examples(
        "x",
        examples_file(
            "facts: {outlet: [{code: ams}, {name: Nameless}], stock: [{outlet: ams, sku: MUG}, {id: s, outlet: ams, sku: MUG}]}",
            "only: true",
        ),
    )
    assert problems == ()
    assert [fact.id for fact in examples[0].facts] == ["ams", "2", "ams/MUG", "s"]


def test_a_failing_example_says_what_was_expected_what_came_out_and_why() -> None:
    found = reasons(
        "facts: {order: {total: 60 EUR, fulfilment_type: delivery}}",
        "expect: [hold shortage]",
    )
    assert found == (
        "expected `hold shortage`, got `back-order shortage` (rule otherwise): "
        "rule small did not hold: order.total < setting.small (found 60.00 EUR)",
    )


def test_a_failing_example_names_the_rule_that_overrode_what_was_expected() -> None:
    (result,) = run(
        "facts: {order: {total: 5 EUR, fulfilment_type: delivery}}", "expect: [back-order shortage]"
    ).results
    assert result.reasons == (
        "expected `back-order shortage`, got `hold shortage` (rule small): rule otherwise did say it, but rule small came first",
    )
    assert result.overridden == ("`back-order shortage` of rule otherwise lost to rule small",)
    assert result.fired == ("small", "otherwise")


def test_a_target_is_part_of_what_is_expected() -> None:
    outlets = "facts: {outlet: [{code: ams, open: false}, {code: utr, open: true}]}"
    assert reasons(outlets, "expect: [exclude outlet]") == ()
    assert reasons(outlets, "expect: [exclude outlet for ams]") == ()
    assert "expected `exclude outlet for utr`" in reasons(outlets, "expect: [exclude outlet for utr]")[0]
    assert reasons(outlets, "never: [exclude outlet for utr]") == ()
    assert "must never" in reasons(outlets, "never: [exclude outlet]")[0]


def test_only_means_that_nothing_else_comes_out() -> None:
    assert reasons("only: true") == ("got `back-order shortage` of rule otherwise, which is not expected",)
    assert reasons("expect: [back-order shortage]", "only: true") == ()


def test_a_reason_counts_when_it_is_given() -> None:
    closed = "facts: {outlet: [{code: ams, open: false}]}"
    assert reasons(closed, 'expect: ["exclude outlet because \\"it is shut\\""]')[0].startswith("expected")


def test_settings_of_an_example_hold_and_unknown_or_unfitting_ones_fail_it() -> None:
    small = "facts: {order: {total: 60 EUR, fulfilment_type: delivery}}"
    assert reasons(small, "settings: {small: 80 EUR}", "expect: [hold shortage]") == ()
    assert (
        "there is no setting `smal`" in reasons(small, "settings: {smal: 80 EUR}", "expect: [back-order shortage]")[0]
    )
    assert "not of the type" in reasons(small, "settings: {small: 80}", "expect: [back-order shortage]")[0]


def test_problems_say_where_they_are_and_name_the_nearest_word() -> None:
    found = problems_of(
        "facts:", "  ordr: {total: 1 EUR}", "  order: {totl: 1 EUR, risk: hihg}", "expect: [hold shortag]"
    )
    assert found == [
        "5:7: There is no fact `ordr`. Did you mean `order`?",
        "6:15: `order` has no field `totl`. Did you mean `total`?",
        "6:34: `hihg` is not a value of order.risk. Did you mean `high`? Its values are: low, medium, high.",
        "7:14: outlet_assignment has no outcome `hold shortag`. Did you mean `hold shortage`?",
    ]


def test_what_cannot_be_meant_is_refused() -> None:
    assert "expects nothing" in problems_of("facts: {}")[0]
    assert (
        "takes money" in problems_of("facts: {order: {total: 5}}", "only: true")[0]
        or "EUR" in problems_of("facts: {order: {total: 5}}", "only: true")[0]
    )
    assert "no outlet `utr`" in problems_of("facts: {outlet: [{code: ams}]}", "expect: [exclude outlet for utr]")[0]
    assert "does not speak of a fact" in problems_of("expect: [hold shortage for ams]")[0]
    assert "is a field" in problems_of("expect: [require outlet order.shipping_method.outlet]")[0]
    assert "only one order" in problems_of("facts: {order: [{id: a}, {id: b}]}", "only: true")[0]
    assert "is there already" in problems_of("facts: {outlet: [{code: a}, {code: a}]}", "only: true")[0]
    assert "has no value" in problems_of("facts: {order: {total: }}", "only: true")[0]
    assert "does not look at `payment`" in problems_of("facts: {payment: [{amount: 1 EUR}]}", "only: true")[0]


def test_two_examples_cannot_have_one_name() -> None:
    text = examples_file("only: true") + "  - name: One\n    only: true\n"
    examples, (problem,) = read_examples("x", text)
    assert len(examples) == 1
    assert (problem.line, problem.message) == (5, "The name is taken on line 3.")


def test_an_example_of_a_decision_the_book_does_not_have_fails() -> None:
    examples, _ = read_examples("x", "decision: order_intake\nexamples:\n  - name: One\n    expect: [import order]\n")
    (result,) = run_examples(book(), examples).results
    assert not result.passed
    assert result.reasons == ("The rule book has no decision order_intake.",)


def test_coverage_counts_rules_rows_and_conditions_seen_both_ways() -> None:
    report = run(
        "facts: {order: {total: 5 EUR, fulfilment_type: delivery}, outlet: [{code: ams, priority: 1}]}",
        "expect: [hold shortage]",
    )
    covered = report.as_dict()["coverage"]
    assert covered["silent_rules"] == ["closed", "ranks#2"]
    assert covered["rules"] == {"covered": 3, "of": 5, "share": 0.6}
    assert covered["rows"] == {"covered": 1, "of": 2, "share": 0.5}
    sides = {(c["rule"], c["condition"]): c["never"] for c in covered["one_sided"]}
    assert sides["closed", "outlet.open is false"] == ["met"]
    assert sides["small", "order.total < setting.small"] == ["not met"]
    assert sides["small", "order.customer.group is staff"] == ["met"]
    json.dumps(report.as_dict())


def test_a_decision_saved_as_example_passes_and_holds_the_same_facts() -> None:
    scene = (
        Fact(
            "order",
            "01ABC",
            {"total": Money(500, "EUR"), "fulfilment_type": "delivery", "comment": 'say "no": #1, {x}\n- y'},
        ),
        Fact("outlet", "ams", {"code": "ams", "open": False}),
        Fact("line", "1", {"id": "1", "sku": "7", "weight": 1500}),
    )
    compiled = book()
    merchant = {"small": Money(9900, "EUR")}
    text = example_text(
        "outlet_assignment", "Saved: a #1", scene, merchant, compiled.run("outlet_assignment", scene, merchant)
    )
    examples, problems = read_examples("x", text)
    assert problems == ()
    assert facts_hash(examples[0].facts) == facts_hash(scene)
    assert examples[0].name == "Saved: a #1"
    assert examples[0].settings == merchant
    assert run_examples(compiled, examples).failed == ()


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_decision_saved_as_example_reads_back_to_the_same_facts_and_passes(data: st.DataObject) -> None:
    drawn = data.draw(books())
    scene, merchant = data.draw(facts()), data.draw(overrides())
    compiled = compile_book(drawn, SMALL)
    text = example_text("trial", "Drawn", scene, merchant, compiled.run("trial", scene, merchant), SMALL)
    examples, problems = read_examples("x", text, SMALL)
    assert problems == ()
    assert facts_hash(examples[0].facts) == facts_hash(scene)
    assert [result.reasons for result in run_examples(compiled, examples).results] == [()]


def test_a_field_the_vocabulary_has_forgotten_is_left_out_and_named() -> None:
    compiled = book()
    scene = (Fact("order", "order", {"total": Money(500, "EUR"), "colour": "red"}), Fact("robot", "r", {}))
    text = example_text("outlet_assignment", "Old", scene, {}, compiled.run("outlet_assignment", scene))
    assert "no such field: order.colour" in text
    assert "no such field: robot" in text
    assert run_examples(compiled, read_examples("x", text)[0]).failed == ()


def test_adding_an_example_leaves_the_file_as_it_is() -> None:
    compiled = book()
    added = example_text("outlet_assignment", "One", (), {}, compiled.run("outlet_assignment", ()))
    before = (
        "# ours\ndecision: outlet_assignment   # which outlet\nexamples:\n    - name: One   # first\n      only: true\n"
    )
    after = append_example(before, added)
    assert after.startswith(before)
    examples, problems = read_examples("x", after)
    assert problems == ()
    assert [example.name for example in examples] == ["One", "One (2)"]
    thrice = append_example(after, added)
    assert thrice.startswith(after)
    assert [example.name for example in read_examples("x", thrice)[0]] == ["One", "One (2)", "One (3)"]


def test_an_example_can_be_added_to_any_beginning_of_a_file() -> None:
    added = example_text("outlet_assignment", "New", (), {}, book().run("outlet_assignment", ()))
    for before in (
        "", "decision: outlet_assignment\n", "decision: outlet_assignment\nexamples: []  # none yet", "examples:\ndecision: outlet_assignment\n",
        "examples:\n  - name: Old\n    only: true\n\n# what it is about\ndecision: outlet_assignment\n",
    ):  # fmt: skip
        examples, problems = read_examples("x", append_example(before, added))
        assert (problems, examples[-1].name) == ((), "New"), before


def test_numbers_of_every_size_read_back() -> None:
    scene = (
        Fact("order", "o0", {"ratio": Decimal("1234567890123456.5"), "count": 10**15, "total": Money(10**15, "EUR")}),
    )
    compiled = compile_book(load_book({"trial.yaml": "decision: trial\nrules: []\n"}, SMALL), SMALL)
    try:
        text = example_text("trial", "Large", scene, {}, compiled.run("trial", scene), SMALL)
    except ValueError as error:
        assert "no file can hold" in str(error)
    else:
        assert read_examples("x", text, SMALL)[0][0].facts == scene


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_text_whatever_breaks_the_reader(data: st.DataObject) -> None:
    shipped = (
        RULES / data.draw(st.sampled_from(("status_to_shop.examples.yaml", "outlet_assignment.examples.yaml")))
    ).read_text()
    at = data.draw(st.integers(0, len(shipped)))
    junk = data.draw(
        st.text(max_size=12) | st.sampled_from(("\t", "&a", "*a", "!!x", "{", "[", '"', "for", ": ", "\n- ", "~"))
    )
    text: str | bytes = shipped[:at] + junk + shipped[at + data.draw(st.integers(0, 40)) :]
    if data.draw(st.booleans()):
        raw = bytearray(str(text).encode("utf-8", "surrogatepass"))
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
        text = bytes(raw)
    examples, problems = read_examples("x", text)
    assert all(problem.line >= 1 and problem.column >= 1 for problem in problems)
    run_examples(SHIPPED, examples[:5])


def test_examples_of_a_layer_are_found_beside_those_of_the_base() -> None:
    text = examples_file("only: true")
    name = read_examples("x", text)[0][0].name
    own = text.replace(name, "Another name")
    found, problems = book_examples({"a.yaml": "x", "a.examples.yaml": text, "layer/a.examples.yaml": own})
    assert problems == ()
    assert [example.place.file for example in found] == ["a.examples.yaml", "layer/a.examples.yaml"]


def test_an_example_of_a_layer_takes_the_place_of_the_bases_with_the_same_name() -> None:
    text = examples_file("only: true")
    found, _ = book_examples({"a.examples.yaml": text, "layer/b.examples.yaml": text})
    assert [example.place.file for example in found] == ["layer/b.examples.yaml"]


def shipped() -> dict[str, Any]:
    return {path.name: path.read_text() for path in RULES.glob("*.yaml")}


SHIPPED = compile_book(load_book({name: text for name, text in shipped().items() if ".examples." not in name}))


def test_the_shipped_examples_pass_and_cover_every_rule_and_condition() -> None:
    examples, problems = book_examples(shipped())
    assert problems == ()
    report = run_examples(SHIPPED, examples)
    assert {result.example.name: result.reasons for result in report.failed} == {}
    covered = report.as_dict()["coverage"]
    print(covered["rules"], covered["conditions"], covered["one_sided"])
    assert covered["silent_rules"] == []
    assert covered["rows"]["share"] == 1
    assert covered["one_sided"] == []


def test_every_decision_has_examples() -> None:
    examples, _ = book_examples(shipped())
    assert {example.decision for example in examples} == set(SHIPPED.book.decisions)


def test_days_and_hours_are_worked_out_in_the_time_zone_of_the_example() -> None:
    text = examples_file(
        "time_zone: Europe/Amsterdam",
        "facts: {event: {received_at: 2026-11-22T23:30Z, received_at.weekday: friday}, order: {placed_at: 2026-11-21T23:30Z}}",
        "only: true",
    )
    (example,), problems = read_examples("x", text)
    assert problems == ()
    event, order = example.facts
    assert event.values["received_at.date"] == date(2026, 11, 23)
    assert event.values["received_at.weekday"] == "friday"
    assert order.values["placed_at.time"] == time(0, 30)
    assert (order.values["placed_at.weekday"], order.values["age"]) == ("sunday", 86_400)
    assert "no such time zone" in problems_of("time_zone: Europe/Atlantis", "only: true")[0]
    assert "no such time zone" in problems_of("time_zone: [../../etc/passwd]", "only: true")[0]
    (example,), _ = read_examples(
        "x", examples_file("time_zone: UTC", "facts: {order: {placed_at: 2026-11-21T23:30Z}}", "only: true")
    )
    assert "age" not in example.facts[0].values


def test_the_example_of_the_documentation_is_read_without_problems() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", (RULES.parent / "docs" / "examples.md").read_text(), re.DOTALL)
    examples, problems = read_examples("x", text)
    assert problems == ()
    assert run_examples(SHIPPED, examples).failed == ()


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs", "Cn"], exclude_characters="\ufdd0\ufdd1"), max_size=8),
        unique=True,
        max_size=4,
    ),
    st.text(st.characters(exclude_categories=["Cs", "Cn"], exclude_characters="\ufdd0\ufdd1"), min_size=1, max_size=12),
)
def test_ids_and_texts_of_every_kind_survive(ids: list[str], word: str) -> None:
    text = "decision: outlet_assignment\nrules:\n  - id: a\n    then: [exclude outlet, 'require outlet outlet.name']\n"
    compiled = compile_book(load_book({"outlet_assignment.yaml": text}))
    scene = [Fact("outlet", id_, {"name": word, "code": id_}) for id_ in ids] + [
        Fact("order", word, {"tags": (word, *ids)})
    ]
    written = example_text("outlet_assignment", word, scene, {}, compiled.run("outlet_assignment", scene))
    examples, problems = read_examples("x", written)
    assert problems == ()
    assert facts_hash(examples[0].facts) == facts_hash(scene)
    assert [result.reasons for result in run_examples(compiled, examples).results] == [()]


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_adding_to_a_file_adds_one_example_or_says_why_not(data: st.DataObject) -> None:
    added = example_text("outlet_assignment", "New", (), {}, SHIPPED.run("outlet_assignment", ()))
    before = (RULES / "outlet_assignment.examples.yaml").read_text()
    at = data.draw(st.integers(0, len(before)))
    junk = data.draw(
        st.sampled_from(
            ("", "\n", "# so\n", "  ", "- ", "examples: []\n", "{", "\t", "decision: x\n", "\r\n", "\n\n# end")
        )
    )
    before = before[:at] + junk + before[at:]
    try:
        after = append_example(before, added)
    except ExampleError as error:
        assert str(error)
        return
    lines = after.split("\n")
    assert all(line in lines for line in before.split("\n") if line.strip() and not line.startswith("examples:"))
    (old, wrong), (new, still) = read_examples("x", before), read_examples("x", after)
    assert wrong or (len(new), still) == (len(old) + 1, ())
