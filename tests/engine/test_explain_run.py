"""The plain evaluator's runs: what fires, in which order, for which facts, and which outcomes stand."""

from __future__ import annotations

import random
from collections.abc import Mapping
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings

from engine import matching
from engine.ast import Book
from engine.explain import run_plain
from engine.matching import by_type, holds, matches
from engine.types import Fact, Money, Run, Value
from engine.vocabulary import VOCABULARY
from tests.engine.rule_texts import decision_of
from tests.engine.strategies import SMALL, books, facts, overrides

relaxed = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))

ORDER = Fact(
    "order", "1001", {"total": Money(6000, "EUR"), "fulfilment_type": "delivery", "shipping_address.country": "NL"}
)
AMS = Fact("outlet", "ams", {"code": "ams", "kind": "store", "country": "NL", "open": True})
BRU = Fact("outlet", "bru", {"code": "bru", "kind": "store", "country": "BE", "open": False})
HUB = Fact("outlet", "hub", {"code": "hub", "kind": "warehouse", "country": "NL"})
SCENE = (ORDER, AMS, BRU, HUB)


def run(text: str, scene: tuple[Fact, ...] = SCENE, merchant: Mapping[str, Value] | None = None) -> Run:
    """What outlet assignment says with these rules, given as the lines below `rules:`."""
    decision = decision_of(f"decision: outlet_assignment\n{text}")
    return run_plain(decision, VOCABULARY.decisions["outlet_assignment"], scene, merchant)


def said(found: Run) -> list[str]:
    """Surviving outcomes as `name target arguments`."""
    return [" ".join(filter(None, [o.name, o.target, *map(str, o.arguments.values())])) for o in found.outcomes]


def test_a_rule_holds_for_each_fact_it_names() -> None:
    found = run(
        """rules:
  - id: foreign
    when: [outlet.country is not order.shipping_address.country]
    then: [prefer outlet by -20]
  - id: store
    when: [outlet.kind is store]
    then: [prefer outlet by 1]
"""
    )

    assert said(found) == ["prefer outlet bru -20", "prefer outlet ams 1", "prefer outlet bru 1"]
    assert found.firings[0].bound == {"order": "1001", "outlet": "bru"}


def test_an_outcome_about_a_fact_holds_for_each_of_them_when_nothing_is_asked() -> None:
    found = run("rules: [{id: all, then: [exclude outlet]}, {id: once, then: [hold shortage]}]")

    assert said(found) == ["exclude outlet ams", "exclude outlet bru", "exclude outlet hub", "hold shortage"]
    assert found.firings[-1].bound == {}


def test_a_rule_about_facts_that_are_not_there_does_not_hold() -> None:
    assert said(run("rules: [{id: a, when: [line.sku is missing], then: [hold shortage]}]")) == []


def test_missing_is_not_false() -> None:
    found = run(
        """rules:
  - id: closed
    when: [outlet.open is false]
    then: [tag order closed]
  - id: not-open
    when: [outlet.open is not true]
    then: [tag order not-open]
  - id: unknown
    when: [outlet.open is missing]
    then: [tag order unknown]
  - id: none-open
    when: [none: [outlet.open is true]]
    then: [exclude outlet]
"""
    )

    fired = {
        rule: [f.bound["outlet"] for f in found.firings if f.rule == rule]
        for rule in ("closed", "not-open", "unknown", "none-open")
    }
    assert fired == {"closed": ["bru"], "not-open": ["bru"], "unknown": ["hub"], "none-open": ["bru", "hub"]}


def test_a_comparison_with_a_missing_field_on_the_right_does_not_match() -> None:
    bare = Fact("order", "1001", {})

    for condition in (
        "outlet.country is order.shipping_address.country",
        "outlet.country is not order.shipping_address.country",
    ):
        assert said(run(f"rules: [{{id: a, when: [{condition}], then: [exclude outlet]}}]", (bare, AMS))) == []


def test_equal_looking_values_of_different_types_never_match() -> None:
    text = "rules: [{id: a, when: [line.id is other.id], then: [hold shortage]}]".replace("other.id", "stock.sku")
    for left, right in (("1", 1), (1, True), ("true", True)):
        odd = (Fact("line", "l", {"id": left}), Fact("stock", "s", {"sku": right}))  # type: ignore[dict-item]
        assert said(run(text, odd)) == []
    assert said(run(text, (Fact("line", "l", {"id": "1"}), Fact("stock", "s", {"sku": "1"})))) == ["hold shortage"]


def test_the_first_in_agenda_order_wins_its_group_and_others_are_overridden() -> None:
    found = run(
        """rules:
  - {id: late, priority: 50, then: [hold shortage]}
  - {id: b, priority: 10, then: [back-order shortage]}
  - {id: a, priority: 20, then: [back-order shortage]}
"""
    )

    assert [(o.name, o.rule) for o in found.outcomes] == [("back-order shortage", "b")]
    assert [(o.outcome.name, o.outcome.rule, o.by) for o in found.overridden] == [("hold shortage", "late", "b")]


def test_conflicts_are_settled_for_each_target_by_itself() -> None:
    found = run(
        """rules:
  - {id: a, when: [outlet.kind is warehouse], then: [keep 0 pieces back]}
  - {id: b, then: [keep 2 pieces back]}
"""
    )

    assert said(found) == ["keep back hub 0", "keep back ams 2", "keep back bru 2"]
    assert [(o.outcome.target, o.by) for o in found.overridden] == [("hub", "a")]


def test_points_of_different_rules_add_up_and_one_rule_gives_its_points_once() -> None:
    lines = (Fact("line", "1", {"sku": "a"}), Fact("line", "2", {"sku": "b"}))
    found = run(
        """rules:
  - {id: a, when: [line.sku exists, outlet.kind is warehouse], then: [prefer outlet by 5]}
  - {id: b, when: [outlet.kind is warehouse], then: [prefer outlet by 5]}
""",
        (*SCENE, *lines),
    )

    assert len(found.firings) == 3
    assert [(o.rule, o.target, o.arguments["points"]) for o in found.outcomes] == [("a", "hub", 5), ("b", "hub", 5)]


def test_later_rules_see_derived_facts_whatever_their_priority() -> None:
    found = run(
        """rules:
  - {id: held, priority: 1, when: [order.tags contains large], then: [hold shortage]}
  - {id: large, priority: 99, when: [order.total > 50 EUR], then: [tag order large]}
"""
    )

    assert said(found) == ["hold shortage", "tag order large"]
    assert found.derived == (Fact("order", "1001", {**ORDER.values, "tags": ("large",)}),)


def test_tags_are_added_once_to_those_that_were_there_and_risk_is_set_by_the_first() -> None:
    tagged = Fact("order", "1001", {"tags": ("old",), "risk": "low"})
    found = run(
        """rules:
  - {id: a, priority: 3, then: [tag order new, tag order old, set order risk medium]}
  - {id: b, priority: 2, then: [tag order newest, tag order new, set order risk high]}
""",
        (tagged,),
    )

    assert found.derived[0].values == {"tags": ("old", "newest", "new"), "risk": "high"}
    assert [(o.outcome.rule, o.by) for o in found.overridden] == [("a", "b")]


def test_a_derived_fact_belongs_to_the_fact_it_is_about() -> None:
    lines = (Fact("line", "1", {"quantity": 1}), Fact("line", "2", {"quantity": 9}))
    found = run(
        """rules:
  - {id: a, when: [line.quantity > 5], then: [tag line many]}
  - {id: b, when: [line.tags contains many], then: [require outlet line.id, hold shortage]}
""",
        lines,
    )

    assert [fact.id for fact in found.derived] == ["2"]
    assert [firing.bound for firing in found.firings] == [{"line": "2"}, {"line": "2"}]


def test_a_demand_with_a_missing_slot_is_dropped_and_reported_and_the_rest_goes_on() -> None:
    found = run("rules: [{id: a, then: [require outlet order.shipping_method.outlet, hold shortage]}]")

    assert said(found) == ["hold shortage"]
    assert found.errors == (
        "rule a: `require outlet` was dropped for order 1001: order.shipping_method.outlet is missing",
    )


def test_settings_of_the_merchant_replace_defaults_of_the_same_type_only() -> None:
    text = """settings: {keep: 2, when: never, limit: 50.00 EUR, on: true}
rules:
  - {id: a, when: [order.total > setting.limit, setting.on is true], then: [use at most setting.keep outlets, divide lines setting.when]}
"""

    assert said(run(text)) == ["use at most outlets 2", "divide lines never"]
    assert said(run(text, SCENE, {"keep": 3, "when": "freely"})) == ["use at most outlets 3", "divide lines freely"]
    assert said(run(text, SCENE, {"limit": Money(6000, "EUR")})) == []
    found = run(text, SCENE, {"keep": "3", "limit": 1, "on": 0, "other": 1, "when": "often"})
    assert said(found) == ["use at most outlets 2"]
    assert found.errors == (
        "setting.keep is 3, which is not of the type of its default 2; the default was used",
        "setting.limit is 1, which is not of the type of its default 50.00 EUR; the default was used",
        "setting.on is 0, which is not of the type of its default true; the default was used",
        "setting.other does not exist; the value 1 was ignored",
        "rule a: `divide lines` was dropped for order 1001: setting.when is often, which is not one of when_needed, never, freely",
    )


def test_a_big_join_is_looked_up_and_not_searched_for() -> None:
    outlets = [Fact("outlet", f"o{n}", {"code": f"o{n}"}) for n in range(200)]
    lines = [Fact("line", f"l{n}", {"sku": f"s{n}", "quantity": 3}) for n in range(10)]
    stocks = [
        Fact("stock", f"{o}-{s}", {"outlet": f"o{o}", "sku": f"s{s}", "available": (o + s) % 50})
        for o in range(200)
        for s in range(10)
    ]
    text = """rules:
  - id: short
    when: [stock.outlet is outlet.code, stock.sku is line.sku, stock.available < line.quantity]
    then: [exclude outlet]
"""

    found = run(text, (*outlets, *lines, *stocks))

    assert found.errors == ()
    assert len(found.firings) == sum((o + s) % 50 < 3 for o in range(200) for s in range(10))


def test_a_rule_with_too_many_combinations_is_left_out_and_reported() -> None:
    many = [Fact(kind, str(n), {"sku": str(n)}) for kind in ("line", "stock") for n in range(700)]
    text = """rules:
  - {id: a, when: [line.sku is not stock.sku], then: [hold shortage]}
  - {id: b, then: [back-order shortage]}
"""

    found = run(text, tuple(many))

    assert said(found) == ["back-order shortage"]
    assert found.errors == ("rule a: there are too many combinations of line x stock; it was left out",)


def test_the_cap_counts_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "COMBINATIONS", 3)

    assert run("rules: [{id: a, when: [outlet.kind exists], then: [hold shortage]}]").errors
    assert not run("rules: [{id: a, when: [order.total exists], then: [hold shortage]}]").errors


@relaxed
@given(books(), facts(odd=True), overrides(wrong=True))
def test_every_combination_that_holds_fires_and_no_other(
    book: Book, scene: tuple[Fact, ...], merchant: Mapping[str, Value]
) -> None:
    grouped = by_type(scene)
    for rule in book.decisions["trial"].rules:
        every = [
            dict(zip(rule.binds, chosen, strict=True))
            for chosen in product(*(grouped.get(name, ()) for name in rule.binds))
        ]

        found = matches(rule, grouped, merchant)

        expected = [bound for bound in every if holds(rule.when, bound, merchant)]
        assert ids(found) == sorted(ids(expected))


def ids(combinations: list[dict[str, Fact]]) -> list[list[tuple[str, str]]]:
    return [sorted((name, fact.id) for name, fact in bound.items()) for bound in combinations]


@relaxed
@given(books(), facts(), overrides())
def test_the_order_of_facts_changes_nothing(book: Book, scene: tuple[Fact, ...], merchant: Mapping[str, Value]) -> None:
    decision, spec = book.decisions["trial"], SMALL.decisions["trial"]
    shuffled = random.Random(1).sample(scene, len(scene))

    assert run_plain(decision, spec, shuffled, merchant) == run_plain(decision, spec, scene, merchant)


@relaxed
@given(books(), facts(odd=True), overrides(wrong=True))
def test_firings_are_in_agenda_order_and_each_group_speaks_once_per_target(
    book: Book, scene: tuple[Fact, ...], merchant: Mapping[str, Value]
) -> None:
    decision, spec = book.decisions["trial"], SMALL.decisions["trial"]
    priorities = {rule.id: rule.priority for rule in decision.rules}

    found = run_plain(decision, spec, scene, merchant)

    keys = [(priorities[f.rule], f.rule, tuple(f.bound[name] for name in sorted(f.bound))) for f in found.firings]
    assert keys == sorted(set(keys))
    grouped = [(spec.by_name[o.name].group, o.target) for o in found.outcomes if spec.by_name[o.name].group]
    assert len(grouped) == len(set(grouped))
