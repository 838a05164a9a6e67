"""Why, and why not: the trace of every rule."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

from hypothesis import HealthCheck, given, settings

from engine.ast import Book, Condition, Group, Rule
from engine.explain import NEAREST_LIMIT, Explanation, explain, run_plain
from engine.matching import holds
from engine.types import ConditionTrace, Fact, Money, RuleTrace, Value
from engine.values import MET, judge
from engine.vocabulary import VOCABULARY
from tests.engine.rule_texts import decision_of
from tests.engine.strategies import SMALL, books, facts, overrides

ORDER = Fact("order", "1001", {"total": Money(6000, "EUR"), "fulfilment_type": "delivery"})
AMS = Fact("outlet", "ams", {"code": "ams", "kind": "store", "priority": 2})
HUB = Fact("outlet", "hub", {"code": "hub", "kind": "warehouse", "priority": 1, "country": "NL"})


def traces(text: str, *scene: Fact, merchant: Mapping[str, Value] | None = None) -> dict[str, RuleTrace]:
    """Traces by rule id; the text is what stands below the name of the decision, from line 2 on."""
    decision = decision_of(f"decision: outlet_assignment\n{text}")
    found = explain(decision, VOCABULARY.decisions["outlet_assignment"], scene, merchant)
    assert [trace.rule for trace in found] == [rule.id for rule in decision.rules]
    return {trace.rule: trace for trace in found}


def test_a_rule_that_fired_shows_for_whom_and_the_values_that_met_its_conditions() -> None:
    text = """settings: {most: 50.00 EUR}
rules:
  - id: a
    description: Why.
    priority: 7
    when:
      - order.total > setting.most
      - outlet.priority between 1 and 3
    then:
      - prefer outlet by 5 because "it may"
"""

    trace = traces(text, ORDER, AMS, HUB)["a"]

    assert trace == RuleTrace(
        rule="a",
        description="Why.",
        priority=7,
        fired_for=({"order": "1001", "outlet": "ams"}, {"order": "1001", "outlet": "hub"}),
        conditions=(
            ConditionTrace("order.total > setting.most", "met", "60.00 EUR", "50.00 EUR", 8),
            ConditionTrace("outlet.priority between 1 and 3", "met", "2", "1 and 3", 9),
        ),
        combinations=2,
        then=('prefer outlet by 5 because "it may"',),
    )


def test_a_rule_that_did_not_fire_shows_the_combination_that_came_nearest() -> None:
    text = """rules:
  - id: a
    when:
      - outlet.kind is warehouse
      - outlet.country is NL
      - order.total > 100 EUR
    then: [exclude outlet]
"""

    trace = traces(text, ORDER, AMS, HUB)["a"]

    assert trace.fired_for == ()
    assert trace.nearest == {"order": "1001", "outlet": "hub"}
    assert [(c.result, c.found, c.wanted) for c in trace.conditions] == [
        ("met", "warehouse", "warehouse"),
        ("met", "NL", "NL"),
        ("not met", "60.00 EUR", "100.00 EUR"),
    ]


def test_missing_is_told_apart_from_not_met() -> None:
    text = """rules:
  - id: a
    when:
      - outlet.country is NL
      - outlet.country is order.shipping_address.country
      - outlet.open exists
      - outlet.code is missing
    then: [exclude outlet]
"""

    trace = traces(text, ORDER, AMS)["a"]

    assert [(c.result, c.found, c.wanted) for c in trace.conditions] == [
        ("missing", "", "NL"),
        ("missing", "", ""),
        ("not met", "", ""),
        ("not met", "ams", ""),
    ]


def test_groups_are_shown_with_their_conditions_below_them() -> None:
    text = """rules:
  - id: a
    when:
      - any:
          - order.total < 50 EUR
          - none:
              - order.fulfilment_type is pickup
    then: [hold shortage]
"""

    trace = traces(text, ORDER)["a"]

    assert [(c.text, c.result, c.line) for c in trace.conditions] == [
        ("any:", "met", 5),
        ("  order.total < 50.00 EUR", "not met", 6),
        ("  none:", "met", 7),
        ("    order.fulfilment_type is pickup", "not met", 8),
    ]


def test_the_nearest_miss_counts_the_cheapest_way_through_groups() -> None:
    text = """rules:
  - id: a
    when:
      - any:
          - all: [outlet.kind is store, outlet.country is BE, outlet.open is true]
          - outlet.priority is 5
      - none: [outlet.kind is warehouse, outlet.code is hub]
    then: [exclude outlet]
"""

    assert traces(text, HUB, AMS)["a"].nearest == {"outlet": "ams"}


def test_values_carry_their_units() -> None:
    text = """rules:
  - {id: a, when: [line.weight > 2 kg], then: [hold shortage]}
  - {id: b, when: ['line.weight in [1 kg, 500 g]'], then: [hold shortage]}
"""

    found = traces(text, Fact("line", "1", {"weight": 1500}))

    assert [(c.found, c.wanted) for t in found.values() for c in t.conditions] == [
        ("1500 g", "2 kg"),
        ("1500 g", "[1 kg, 500 g]"),
    ]


def test_a_rule_about_facts_that_are_not_there_says_so() -> None:
    text = "rules: [{id: a, when: [line.sku is stock.sku, outlet.kind is store], then: [hold shortage]}]"

    trace = traces(text, AMS)["a"]

    assert trace.note == "It speaks of line, stock, of which there is none here."
    assert (trace.combinations, trace.nearest) == (0, {"outlet": "ams"})


def test_a_rule_that_was_left_out_says_so() -> None:
    many = [Fact(kind, str(n), {"sku": "a"}) for kind in ("line", "stock") for n in range(700)]

    trace = traces("rules: [{id: a, when: [line.sku is not stock.sku], then: [hold shortage]}]", *many)["a"]

    assert trace.note == "It was left out: there are too many combinations of facts to try."


def test_the_search_for_the_nearest_miss_is_limited_and_says_so() -> None:
    many = [Fact(kind, f"{n:03}", {"sku": kind}) for kind in ("line", "stock") for n in range(50)]

    trace = traces("rules: [{id: a, when: [line.sku is stock.sku], then: [hold shortage]}]", *many)["a"]

    assert trace.combinations == 2500 > NEAREST_LIMIT
    assert trace.note == "Only the first 2,000 combinations of facts were looked at for the nearest miss."
    assert trace.nearest == {"line": "000", "stock": "000"}


def test_a_rule_is_explained_with_the_derived_facts_it_saw() -> None:
    text = """rules:
  - {id: large, when: [order.total > 50 EUR], then: [tag order large]}
  - {id: held, when: [order.tags contains large], then: [hold shortage]}
"""

    trace = traces(text, ORDER)["held"]

    assert trace.fired_for == ({"order": "1001"},)
    assert trace.conditions[0].found == "[large]"


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(books(), facts(odd=True), overrides(wrong=True))
def test_traces_tell_the_same_story_as_the_run(
    book: Book, scene: tuple[Fact, ...], merchant: Mapping[str, Value]
) -> None:
    decision, spec = book.decisions["trial"], SMALL.decisions["trial"]

    run = run_plain(decision, spec, scene, merchant)
    found = explain(decision, spec, scene, merchant, vocabulary=SMALL)

    assert [(t.rule, dict(bound)) for t in found for bound in t.fired_for] == [
        (f.rule, dict(f.bound)) for f in run.firings
    ]
    for trace in found:
        top = [c.result for c in trace.conditions if not c.text.startswith(" ")]
        assert not trace.fired_for or set(top) <= {MET}
        assert trace.fired_for or trace.note or set(top) - {MET}


RANKED = """settings: {short: hold}
rules:
  - {id: far, priority: 1, when: [outlet.kind is warehouse, outlet.country is NL, outlet.open is true], then: [exclude outlet]}
  - {id: gone, priority: 2, when: [stock.on_hand > 0], then: [push nothing]}
  - {id: fires, priority: 3, then: [hold shortage]}
  - {id: near, priority: 4, when: [outlet.kind is store, outlet.country is NL], then: [exclude outlet]}
  - {id: nearer, priority: 5, when: [outlet.priority > 5], then: [exclude outlet]}
  - {id: late, priority: 6, then: [back-order shortage because "there is enough"]}
"""


def explanation(text: str, *scene: Fact, limit: int = NEAREST_LIMIT) -> Explanation:
    decision = decision_of(f"decision: outlet_assignment\n{text}")
    return Explanation(decision, VOCABULARY.decisions["outlet_assignment"], scene, limit=limit)


def test_rules_that_fired_come_first_and_then_the_nearest_misses() -> None:
    found = explanation(RANKED.replace("push nothing", "tag order stocked"), AMS, ORDER)

    ranked = found.nearest_first()

    assert [rule.id for rule in ranked] == ["fires", "late", "near", "nearer", "far", "gone"]
    assert [found.nearest(rule).misses for rule in ranked] == [0, 0, 1, 1, 3, 1]


def test_what_a_rule_said_in_vain_stands_in_its_trace_with_who_won() -> None:
    found = explanation(RANKED.replace("push nothing", "tag order stocked"), AMS)
    late = next(rule for rule in found.rules.rules if rule.id == "late")

    (lost,) = found.trace(late).lost

    assert (lost.outcome.name, lost.outcome.reason, lost.by) == ("back-order shortage", "there is enough", "fires")


def test_a_row_that_came_too_late_names_the_row_that_won() -> None:
    text = """rules:
  - id: ranks
    table:
      hit: first
      when: [outlet.priority]
      then: [prefer outlet]
      rows:
        - ['> 0', 10]
        - [1, 20]
"""
    trace = traces(text, HUB)["ranks#2"]

    assert trace.note == "An earlier row held (ranks#1), and only the first row of ranks that holds counts."
    assert (trace.fired_for, trace.misses, {c.result for c in trace.conditions}) == ((), 0, {"met"})


def test_a_count_is_shown_with_what_was_counted() -> None:
    text = "rules: [{id: a, when: ['count of lines where line.hazardous is true > 1'], then: [hold shortage]}]"
    lines = [Fact("line", str(n), {"hazardous": n == 1}) for n in range(3)]

    (condition,) = traces(text, *lines)["a"].conditions

    assert (condition.result, condition.found, condition.wanted) == ("not met", "1", "1")


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(books(), facts(odd=True), overrides(wrong=True))
def test_no_combination_of_facts_is_nearer_than_the_one_shown(
    book: Book, scene: tuple[Fact, ...], merchant: Mapping[str, Value]
) -> None:
    decision, spec = book.decisions["trial"], SMALL.decisions["trial"]
    found = Explanation(decision, spec, scene, merchant, vocabulary=SMALL)
    assert found.run == run_plain(decision, spec, scene, merchant)

    for rule in decision.rules:
        if found.fired(rule) or found.earlier_row(rule) or found.given_up(rule):
            continue
        misses = dict(every_combination(found, rule))  # in the order of fact ids
        nearest = found.nearest(rule)
        assert nearest.misses == min(misses.values(), default=nearest.misses)
        shown = tuple(fact.id for _, fact in sorted(nearest.bound.items()))
        assert not misses or shown == min(misses, key=misses.__getitem__)


def every_combination(found: Explanation, rule: Rule) -> list[tuple[tuple[str, ...], int]]:
    """How many conditions fail for each combination of facts, counted one by one."""
    facts = found._evaluation.seen[rule.stratum]
    present = [name for name in rule.binds if facts.get(name)]
    counted = []
    for chosen in product(*(facts[name] for name in present)):
        bound = dict(zip(present, chosen, strict=True))
        counted.append((tuple(fact.id for fact in chosen), failing(rule.when, bound, found.known(rule))))
    return counted


def failing(part: Condition | Group, bound: Mapping[str, Fact], known: Mapping[str, Value]) -> int:
    if isinstance(part, Condition):
        return int(judge(part, bound, known) != MET)
    if part.kind == "none":
        return sum(holds(child, bound, known) for child in part.children)
    counts = [failing(child, bound, known) for child in part.children]
    return min(counts) if part.kind == "any" else sum(counts)
