"""Proofs on small hand-made rule books: each kind of finding, with the order that shows it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from engine.explain import run_plain
from engine.language import load_book
from engine.prove import Finding, Proofs, prove
from engine.types import Fact, Money, Run
from engine.vocabulary import VOCABULARY

SHIPPED = Path(__file__).parents[2] / "rules"
HOLD, IMPORT, IGNORE = "hold order", "import order", "ignore order"
REST = ("rest", 900, [], [IMPORT])


def text(*rules: tuple[str, int, list[str], list[str]], decision: str = "order_intake", head: str = "") -> str:
    """A rule file: each rule as id, priority, conditions, demands."""
    lines = [f"decision: {decision}", head.rstrip("\n"), "rules:"]
    for rule_id, priority, when, then in rules:
        lines += [f"  - id: {rule_id}", f"    priority: {priority}", f"    when:{'' if when else ' []'}"]
        lines += [*(f"      - {line}" for line in when), "    then:", *(f"      - {line}" for line in then)]
    return "\n".join(line for line in lines if line) + "\n"


def proofs(written: str, **options: object) -> Proofs:
    """What is said about one file. Every example is run once more, by the plain evaluator, and must show the same."""
    book = load_book({"rules.yaml": written})
    found = prove(book, **options)  # type: ignore[arg-type]
    for finding in found.findings:
        if finding.example is not None:
            assert finding.confirmed
            assert shows(finding, plain(written, finding)), finding
    return found


def plain(written: str, finding: Finding) -> Run:
    rules = load_book({"rules.yaml": written}).decisions[finding.decision]
    return run_plain(rules, VOCABULARY.decisions[finding.decision], finding.example or (), finding.settings)


def shows(finding: Finding, run: Run) -> bool:
    """Whether a run does what a finding says, as far as it can be told by rule ids."""
    first = finding.rules[0] if finding.rules else ""
    if finding.kind == "hidden":
        return all(outcome.rule != first for outcome in run.outcomes)
    if finding.kind == "conflict" or (finding.kind == "overlap" and "can hold" in finding.message):
        return any(lost.by == first and lost.outcome.rule == finding.rules[1] for lost in run.overridden)
    return True


def kinds(found: Proofs) -> list[tuple[str, tuple[str, ...]]]:
    return [(finding.kind, finding.rules) for finding in found.findings]


def values(finding: Finding) -> dict[str, object]:
    return {f"{fact.type}.{name}": value for fact in finding.example or () for name, value in fact.values.items()}


def test_the_shipped_rule_book_has_no_findings_and_keeps_every_promise() -> None:
    book = load_book({path.name: path.read_text() for path in SHIPPED.glob("*.yaml")})
    found = prove(book, seconds=30)
    assert (found.findings, found.not_analysed) == ((), ())
    promises = [group for spec in VOCABULARY.decisions.values() for group in spec.complete]
    assert len([sentence for sentence in found.proved if " always says " in sentence]) == len(promises)


# Rules that can never hold


def test_a_rule_whose_conditions_exclude_each_other_is_named_with_those_conditions_only() -> None:
    conditions = ["order.total < 50 EUR", "order.split is true", "order.total > 60 EUR"]
    found = proofs(text(("odd", 10, conditions, [HOLD]), REST))
    (finding,) = found.findings
    assert (finding.kind, finding.rules, finding.example) == ("never", ("odd",), None)
    assert "`order.total < 50.00 EUR` and `order.total > 60.00 EUR` exclude each other" in finding.message
    assert "split" not in finding.message
    assert finding.place.line == 6


def test_an_amount_in_two_currencies_cannot_be() -> None:
    found = proofs(text(("odd", 10, ["order.total > 50 EUR", "order.total < 900 USD"], [HOLD]), REST))
    assert kinds(found) == [("never", ("odd",))]


def test_a_missing_field_meets_no_comparison_but_does_meet_none() -> None:
    compared = text(("odd", 10, ["order.comment is missing", 'order.comment is not "x"'], [HOLD]), REST)
    excluded = compared.replace('- order.comment is not "x"', '- none: [order.comment is "x"]')
    assert kinds(proofs(compared)) == [("never", ("odd",))]
    assert kinds(proofs(excluded)) == []


def test_what_our_own_records_always_have_is_never_missing() -> None:
    (finding,) = proofs(text(("odd", 10, ["order.total is missing"], [HOLD]), REST)).findings
    assert finding.kind == "never"
    assert "`order.total is missing` is never met" in finding.message


def test_a_text_that_begins_otherwise_cannot_be_equal() -> None:
    when = ["order.shipping_address.postcode starts with \"10\"", 'order.shipping_address.postcode in ["2011", "3011"]']
    assert kinds(proofs(text(("odd", 10, when, [HOLD]), REST))) == [("never", ("odd",))]
    when[1] = 'order.shipping_address.postcode is not "1011"'
    assert kinds(proofs(text(("fine", 10, when, [HOLD]), REST))) == []


def test_the_same_part_of_a_text_cannot_be_there_and_not_be_there() -> None:
    when = ['order.comment contains "fragile"', 'none: [order.comment contains "fragile"]']
    assert kinds(proofs(text(("odd", 10, when, [HOLD]), REST))) == [("never", ("odd",))]


def test_a_pattern_that_excludes_another_is_said_not_to_be_analysed() -> None:
    when = ['order.comment matches "[0-9]+"', 'order.comment matches "[a-z]+"']
    found = proofs(text(("odd", 10, when, [HOLD]), REST))
    assert found.findings == ()
    assert any(note.rules == ("odd",) and "patterns" in note.message for note in found.not_analysed)


def test_a_pattern_that_can_match_is_no_reason_for_doubt() -> None:
    found = proofs(text(("fine", 10, ['order.comment matches "NL[0-9]{2}[A-Z]{4}"'], [HOLD]), REST))
    assert (found.findings, found.not_analysed) == ((), ())


def test_counts_that_exclude_each_other_are_found_however_many_facts_there_are() -> None:
    counted = "count of lines where line.hazardous is true"
    assert kinds(proofs(text(("odd", 10, [f"{counted} > 700", f"{counted} < 5"], [HOLD]), REST))) == [("never", ("odd",))]


def test_there_are_never_fewer_facts_than_none() -> None:
    assert kinds(proofs(text(("odd", 10, ["count of lines where line.quantity > 2 < 0"], [HOLD]), REST))) == [("never", ("odd",))]


def test_a_count_beyond_what_is_looked_at_is_said_not_to_be_analysed() -> None:
    found = proofs(text(("many", 10, ["count of lines > 50"], [HOLD]), REST))
    assert found.findings == ()
    assert any(note.rules == ("many",) and "counts" in note.message for note in found.not_analysed)


def test_the_weekday_of_a_moment_belongs_to_its_day() -> None:
    when = ["order.placed_at.date is 2026-11-22", "order.placed_at.weekday is monday"]  # it is a sunday
    assert kinds(proofs(text(("odd", 10, when, [HOLD]), REST))) == [("never", ("odd",))]
    when = ["order.placed_at after 2026-11-25T00:00Z", "order.placed_at.date before 2026-11-24"]
    assert kinds(proofs(text(("odd", 10, when, [HOLD]), REST))) == [("never", ("odd",))]


def test_a_tag_that_an_earlier_rule_always_adds_cannot_be_lacking() -> None:
    tagging = ("tagging", 10, ["order.split is true"], ["tag order split"])
    asking = ("asking", 20, ["order.split is true", "none: [order.tags contains split]"], [HOLD])
    assert kinds(proofs(text(tagging, asking, REST))) == [("never", ("asking",))]
    asking = ("asking", 20, ["order.split is false", "order.tags contains split"], [HOLD])
    assert kinds(proofs(text(tagging, asking, REST))) == []


# Rules that never decide anything


def test_a_rule_that_another_always_comes_before_is_shown_with_an_order() -> None:
    written = text(
        ("large", 10, ["order.total > 100 EUR"], [HOLD]),
        ("very-large", 20, ["order.total > 200 EUR"], [IGNORE]),
        REST,
    )
    (finding,) = proofs(written).findings
    assert (finding.kind, finding.rules) == ("hidden", ("very-large", "large"))
    total = values(finding)["order.total"]
    assert isinstance(total, Money)
    assert total > Money(20_000, "EUR")
    assert finding.outcomes == (HOLD,)


def test_rules_that_hide_another_only_together_are_all_named() -> None:
    written = text(
        ("delivered", 10, ["order.fulfilment_type is delivery"], [HOLD]),
        ("commented", 5, ["order.comment exists"], [HOLD]),
        ("collected", 10, ["order.fulfilment_type is pickup"], [HOLD]),
        ("paid", 20, ["order.payment_status is paid"], [IGNORE]),
        REST,
    )
    hidden = {finding.rules for finding in proofs(written).findings if finding.kind == "hidden"}
    assert {(rules[0], frozenset(rules[1:])) for rules in hidden} == {
        ("paid", frozenset(("delivered", "collected"))),
        ("rest", frozenset(("delivered", "collected"))),
    }


def test_a_rule_with_an_outcome_that_always_stands_is_not_hidden() -> None:
    general = ("general", 10, [], [HOLD])
    assert kinds(proofs(text(general, ("tags", 20, [], [HOLD, "tag order seen"])))) == []
    assert kinds(proofs(text(general, ("says", 20, [], [HOLD])))) == [("hidden", ("says", "general"))]


def test_a_rule_about_a_fact_that_need_not_be_there_hides_nothing() -> None:
    written = text(("line", 10, ["line.quantity >= 0"], [HOLD]), ("order", 20, [], [IGNORE]))
    assert kinds(proofs(written)) == []


def test_a_demand_whose_value_may_be_missing_hides_nothing() -> None:
    written = text(
        ("by-name", 10, [], ["name customer order.customer.name"]),
        ("by-email", 20, ["order.customer.email exists"], ["name customer order.customer.email"]),
        ("match", 10, [], ["match customer by email", "create customer"]),
        decision="customer_matching",
    )
    assert kinds(proofs(written)) == []


# Conflicts


def test_two_rules_of_one_priority_that_demand_opposite_things_are_shown_with_an_order() -> None:
    written = text(
        ("paid", 10, ["order.payment_status is paid"], [IMPORT]),
        ("split", 10, ["order.split is true"], [HOLD]),
        REST,
    )
    (finding,) = proofs(written).findings
    assert (finding.kind, finding.rules) == ("conflict", ("paid", "split"))
    assert values(finding) == {"order.payment_status": "paid", "order.split": True}
    assert finding.place.line == 9


def test_priorities_rules_that_exclude_each_other_and_equal_demands_make_no_conflict() -> None:
    paid = ("paid", 10, ["order.payment_status is paid"], [IMPORT])
    for other in (
        ("split", 11, ["order.split is true"], [HOLD]),
        ("unpaid", 10, ["order.payment_status is unpaid"], [HOLD]),
        ("unpaid", 10, ["order.payment_status not in [paid, custom]"], [HOLD]),
        ("split", 10, ["order.split is true"], [IMPORT]),
    ):
        assert kinds(proofs(text(paid, other, REST))) == []


def test_no_conflict_is_reported_where_an_earlier_rule_decides_anyway() -> None:
    written = text(
        ("first", 5, ["order.split is true"], [IGNORE]),
        ("paid", 10, ["order.payment_status is paid"], [IMPORT]),
        ("split", 10, ["order.split is true", "order.payment_status is paid"], [HOLD]),
        REST,
    )
    found = proofs(written)
    assert kinds(found) == [("hidden", ("split", "first"))]
    assert found.not_analysed == ()


def test_rules_about_two_lines_of_one_order_can_conflict() -> None:
    written = text(
        ("hazard", 10, ["line.hazardous is true"], [HOLD]),
        ("safe", 10, ["line.hazardous is false"], [IMPORT]),
        REST,
    )
    (finding,) = proofs(written).findings
    assert finding.kind == "conflict"
    assert sorted(fact.values["hazardous"] for fact in finding.example or () if fact.type == "line") == [False, True]


def test_a_conflict_about_an_outlet_needs_one_outlet_and_joined_facts() -> None:
    written = text(
        ("stocked", 10, ["stock.outlet is outlet.code", "stock.available > 3"], ["keep 1 pieces back"]),
        ("store", 10, ["outlet.kind is store"], ["keep 2 pieces back"]),
        decision="stock_propagation",
    )
    finding = next(finding for finding in proofs(written).findings if finding.kind == "conflict")
    shown = values(finding)
    assert shown["stock.outlet"] == shown["outlet.code"]
    assert shown["outlet.kind"] == "store"


def test_demands_whose_values_come_from_fields_conflict_only_where_they_differ() -> None:
    written = text(
        ("by-name", 10, ["order.customer.name exists"], ["name customer order.customer.name"]),
        ("by-email", 10, ["order.customer.email exists"], ["name customer order.customer.email"]),
        ("match", 10, [], ["match customer by email", "create customer"]),
        decision="customer_matching",
    )
    (finding,) = proofs(written).findings
    shown = values(finding)
    assert shown["order.customer.name"] != shown["order.customer.email"]


def test_a_conflict_that_needs_a_setting_of_the_merchant_says_so() -> None:
    written = text(
        ("on", 10, ["setting.strict is true", "order.split is true"], [HOLD]),
        ("split", 10, ["order.split is true"], [IMPORT]),
        REST,
        head="settings:\n  strict: false",
    )
    (finding,) = proofs(written).findings
    assert finding.settings == {"strict": True}


# Gaps


def test_an_order_for_which_a_promise_is_not_kept_is_shown() -> None:
    written = text(
        ("paid", 10, ["order.payment_status is paid"], ["release order"]),
        ("unpaid", 10, ["order.payment_status not in [paid, custom]"], ["block order"]),
        decision="fulfilment_gating",
    )
    (finding,) = proofs(written).findings
    assert (finding.kind, values(finding)) == ("gap", {"order.payment_status": "custom"})
    assert finding.outcomes == ()


def test_a_promise_about_each_fact_is_broken_by_one_that_is_left_out() -> None:
    written = text(("till", 10, ["payment.from is till"], ["count payment"]), decision="payment_gating")
    (finding,) = proofs(written).findings
    assert finding.kind == "gap"
    assert [fact.type for fact in finding.example or () if fact.values] == ["payment"]


# Tables

TABLE = """
decision: order_intake
rules:
  - id: rows
    priority: 10
    table:
      hit: {hit}
      when: [order.fulfilment_type, order.payment_status]
      then: [{then}]
      rows:
{rows}
  - id: rest
    priority: 900
    when: []
    then:
      - tag order seen
      - import order
"""


def table(*rows: str, hit: str = "first", then: str = "hold order, ignore order") -> str:
    return TABLE.format(hit=hit, then=then, rows="\n".join(f"        - [{row}]" for row in rows))


def test_rows_of_a_table_of_which_every_row_counts_must_not_contradict_each_other() -> None:
    found = proofs(table("delivery, any, yes, ~", "any, paid, ~, yes", hit="every"))
    (finding,) = found.findings
    assert (finding.kind, finding.rules) == ("overlap", ("rows#1", "rows#2"))
    assert values(finding) == {"order.fulfilment_type": "delivery", "order.payment_status": "paid"}


def test_an_exception_before_a_general_row_is_how_first_hits_are_meant() -> None:
    found = proofs(table("delivery, paid, yes, ~", "delivery, any, ~, yes", "any, any, yes, ~"))
    assert found.findings == ()
    assert "The rows of rows cover every combination." in found.proved


def test_rows_that_cut_into_one_another_are_reported_although_the_first_wins() -> None:
    found = proofs(table("delivery, any, yes, ~", "any, paid, ~, yes", "any, any, yes, ~"))
    assert kinds(found) == [("overlap", ("rows#1", "rows#2"))]


def test_a_row_that_earlier_rows_leave_nothing_is_never_reached() -> None:
    found = proofs(table("delivery, any, yes, ~", "pickup, any, ~, yes", "any, paid, yes, ~"))
    hidden = [finding for finding in found.findings if finding.rules[0] == "rows#3"]
    assert [(finding.kind, frozenset(finding.rules[1:])) for finding in hidden] == [("hidden", {"rows#1", "rows#2"})]


def test_a_combination_that_no_row_is_for_is_shown() -> None:
    statuses = "[unpaid, incomplete, partly_paid, partly_refunded, refunded, cancelled, custom]"
    found = proofs(table("delivery, any, yes, ~", f"pickup, {statuses}, ~, yes"))
    (finding,) = found.findings
    assert (finding.kind, finding.rules) == ("gap", ("rows",))
    assert values(finding) == {"order.fulfilment_type": "pickup", "order.payment_status": "paid"}
    assert "`order.fulfilment_type is pickup` and `order.payment_status is paid`" in finding.message


# Budget, settings, form


def test_without_time_nothing_is_claimed_and_everything_is_named() -> None:
    book = load_book({path.name: path.read_text() for path in SHIPPED.glob("*.yaml")})
    found = prove(book, seconds=0)
    assert (found.findings, found.proved) == ((), ())
    assert {note.decision for note in found.not_analysed} == set(book.decisions)
    assert all("no time" in note.message for note in found.not_analysed)


def test_the_same_book_gives_the_same_proof_and_progress_runs_to_its_end() -> None:
    written = text(("paid", 10, ["order.payment_status is paid"], [IMPORT]), ("s", 10, ["order.split is true"], [HOLD]))
    book, steps = load_book({"rules.yaml": written}), []
    one = prove(book, progress=lambda done, total: steps.append((done, total)))
    other = prove(book)
    assert replace(one, seconds=0) == replace(other, seconds=0)
    assert steps == [(number, len(steps)) for number in range(1, len(steps) + 1)]


def test_proofs_survive_being_kept_as_json() -> None:
    written = text(("a", 10, ["order.total > 5 EUR"], [IMPORT]), ("b", 10, ["order.comment matches \"x\""], [HOLD]))
    found = proofs(written)
    assert found.findings
    assert Proofs.from_dict(found.as_dict()) == replace(found, seconds=round(found.seconds, 3))


def test_a_setting_of_the_merchant_is_used_in_examples() -> None:
    written = text(
        ("limit", 10, ["order.total > setting.most"], [HOLD]),
        ("split", 10, ["order.split is true"], [IMPORT]),
        REST,
        head="settings:\n  most: 50.00 EUR",
    )
    (finding,) = proofs(written, settings={"order_intake": {"most": Money(700_00, "EUR")}}).findings
    assert finding.settings == {"most": Money(700_00, "EUR")}
    assert values(finding)["order.total"] > Money(700_00, "EUR")  # type: ignore[operator]


def test_examples_are_whole_facts_of_the_vocabulary() -> None:
    written = text(("a", 10, ["order.total > 5 EUR"], [IMPORT]), ("b", 10, ["line.quantity > 1"], [HOLD]))
    for finding in proofs(written).findings:
        for fact in finding.example or ():
            assert isinstance(fact, Fact)
            assert set(fact.values) <= set(VOCABULARY.facts[fact.type].by_name)
