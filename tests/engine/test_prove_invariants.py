"""Invariants: proved for every order, or answered with an order that breaks them."""

from __future__ import annotations

from engine.explain import run_plain
from engine.language import load_book
from engine.prove import Proofs, prove
from engine.vocabulary import VOCABULARY
from tests.engine.strategies import SMALL

RULES = """
decision: status_to_shop
settings:
  ship_unpaid: false
rules:
  - id: unpaid-waits
    priority: 10
    when:
      - setting.ship_unpaid is false
      - order.payment_status in [unpaid, incomplete]
    then:
      - leave shop status
  - id: shipped
    priority: 20
    when:
      - order.fulfilment_status is completed
    then:
      - set shop status shipped
  - id: rest
    priority: 100
    when: []
    then:
      - leave shop status
invariants:
"""
NEVER_UNPAID = """
  - id: unpaid-is-never-shipped
    description: An unpaid order is never set to shipped.
    when:
      - order.payment_status is unpaid
    never:
      - set shop status shipped
"""
GUARDED = NEVER_UNPAID.replace("    never:", "      - setting.ship_unpaid is false\n    never:")


def proofs(invariants: str, rules: str = RULES) -> Proofs:
    return prove(load_book({"rules.yaml": rules + invariants}))


def test_an_invariant_that_holds_for_every_order_is_proved() -> None:
    found = proofs(GUARDED)
    assert found.findings == ()
    assert "unpaid-is-never-shipped: An unpaid order is never set to shipped." in found.proved


def test_an_invariant_that_a_setting_breaks_is_answered_with_that_setting_and_an_order() -> None:
    (finding,) = proofs(NEVER_UNPAID).findings
    assert (finding.kind, finding.rules) == ("invariant", ("unpaid-is-never-shipped", "shipped"))
    assert finding.settings == {"ship_unpaid": True}
    assert "when `setting.ship_unpaid` is true" in finding.message
    rules = load_book({"rules.yaml": RULES}).decisions["status_to_shop"]
    run = run_plain(rules, VOCABULARY.decisions["status_to_shop"], finding.example or (), finding.settings)
    (order,) = [fact for fact in finding.example or () if fact.type == "order"]
    assert order.values == {"payment_status": "unpaid", "fulfilment_status": "completed"}
    assert [dict(outcome.arguments) for outcome in run.outcomes] == [{"status": "shipped"}]


def test_an_outcome_that_is_always_overridden_breaks_no_invariant() -> None:
    found = proofs(GUARDED.replace("unpaid\n", "incomplete\n"))
    assert found.findings == ()


def test_always_is_proved_or_answered_with_an_order_that_lacks_the_outcome() -> None:
    stated = """
  - id: completed-is-shipped
    when:
      - order.fulfilment_status is completed
      - order.payment_status is paid
    always:
      - set shop status shipped
"""
    assert any(sentence.startswith("completed-is-shipped: when ") for sentence in proofs(stated).proved)
    (finding,) = proofs(stated.replace("      - order.payment_status is paid\n", "")).findings
    assert finding.kind == "invariant"
    assert finding.outcomes == ("leave shop status",)


def test_an_invariant_about_each_fact_is_broken_by_two_facts_that_meet() -> None:
    rules = """
decision: payment_gating
rules:
  - id: shop-pays
    priority: 10
    when:
      - order.known is true
      - payment.from is shop
    then:
      - count payment
  - id: rest
    priority: 100
    when:
      - payment.amount exists
    then:
      - disregard payment
invariants:
  - id: till-never-counts
    when:
      - payment.from is till
    never:
      - count payment
  - id: small-never-counts
    when:
      - payment.amount < 1 EUR
    never:
      - count payment
"""
    found = proofs("", rules)
    assert [finding.rules for finding in found.findings] == [("small-never-counts", "shop-pays")]
    assert [sentence.split(":")[0] for sentence in found.proved if "never" in sentence] == ["till-never-counts"]


def test_an_invariant_about_one_fact_sees_rules_about_others() -> None:
    rules = """
decision: order_intake
rules:
  - id: hazard
    priority: 10
    when:
      - line.hazardous is true
    then:
      - hold order
  - id: rest
    priority: 100
    when: []
    then:
      - import order
invariants:
  - id: harmless-line-imports
    when:
      - line.hazardous is false
    always:
      - import order
"""
    (finding,) = proofs("", rules).findings
    assert sorted(fact.values["hazardous"] for fact in finding.example or () if fact.type == "line") == [False, True]


def test_a_derived_tag_is_followed_through_the_rules() -> None:
    rules = """
decision: order_intake
rules:
  - id: hazard
    priority: 10
    when:
      - line.hazardous is true
    then:
      - tag order dangerous
  - id: dangerous
    priority: 20
    when:
      - order.tags contains dangerous
    then:
      - hold order
  - id: rest
    priority: 100
    when: []
    then:
      - import order
invariants:
  - id: hazards-are-never-imported
    when:
      - line.hazardous is true
    never:
      - import order
"""
    found = proofs("", rules)
    assert found.findings == ()
    assert any(sentence.startswith("hazards-are-never-imported") for sentence in found.proved)


def test_an_invariant_that_depends_on_a_sum_is_said_not_to_be_settled() -> None:
    rules = """
decision: order_intake
rules:
  - id: heavy
    priority: 10
    when:
      - sum of line.quantity > 10
    then:
      - hold order
  - id: rest
    priority: 100
    when: []
    then:
      - import order
invariants:
  - id: big-lines-wait
    when:
      - line.quantity > 10
    never:
      - import order
"""
    found = proofs("", rules)
    assert found.findings == () or found.findings[0].confirmed
    assert not any(sentence.startswith("big-lines-wait") for sentence in found.proved)


def test_a_rule_that_says_different_things_for_different_facts_is_not_relied_upon() -> None:
    rules = """
decision: customer_matching
rules:
  - id: keyed
    priority: 10
    when:
      - order.customer.email exists
    then:
      - match customer by email
  - id: unmatched
    priority: 20
    when: []
    then:
      - match customer by none
      - create customer
  - id: named
    priority: 20
    when:
      - order.customer.name exists
    then:
      - name customer order.customer.name
invariants:
  - id: named-as-on-the-order
    when:
      - order.customer.name exists
    always:
      - name customer order.customer.name
  - id: named-as-written
    when:
      - order.customer.name is "Jansen"
    always:
      - name customer "Jansen"
"""
    found = proofs("", rules)
    assert found.findings == ()
    assert [s.split(":")[0] for s in found.proved if s.startswith("named")] == ["named-as-on-the-order", "named-as-written"]
    charged = load_book({"t.yaml": CHARGING}, SMALL)
    found = prove(charged, vocabulary=SMALL)
    assert not any(sentence.startswith("charged-by-item") for sentence in found.proved)


CHARGING = """
decision: trial
rules:
  - id: by-item
    when:
      - item.code exists
      - place.total exists
    then:
      - charge place.total for item
invariants:
  - id: charged-by-item
    when:
      - item.code exists
      - place.total exists
    always:
      - charge place.total for item
"""
