"""What would have to change: the fewest changes, confirmed by running the rules with them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from engine.ast import Book
from engine.compiled import CompiledBook, compile_book
from engine.counterfactual import Change, FieldChange, Impossible, search, what_would_change
from engine.explain import run_plain
from engine.language import load_book
from engine.types import Fact, Money, Value
from tests.engine.strategies import SMALL, books, facts, overrides
from tests.engine.test_prove import HOLD, IMPORT, REST, text

SHIPPED = Path(__file__).parents[2] / "rules"


def compiled(*rules: tuple[str, int, list[str], list[str]], head: str = "") -> CompiledBook:
    return compile_book(load_book({"rules.yaml": text(*rules, head=head)}))


def order(**values: Value) -> Fact:
    return Fact("order", "o1", {name.replace("__", "."): value for name, value in values.items()})


def changes(found: Change | Impossible) -> list[tuple[str, str, Value | None]]:
    assert isinstance(found, Change)
    return [(change.id, f"{change.type}.{change.field}", change.after) for change in found.changes]


def test_a_rule_that_fired_needs_no_change() -> None:
    book = compiled(("split", 10, ["order.split is true"], [HOLD]), REST)
    found = what_would_change(book, "order_intake", "split", [order(split=True)], {})
    assert found is not None
    assert (found.changes, found.stands) == ((), True)


def test_the_fewest_fields_change_and_the_value_is_the_nearest() -> None:
    book = compiled(("large", 10, ["order.total > 100 EUR", "order.split is false"], [HOLD]), REST)
    found = search(book, "order_intake", "large", [order(total=Money(40_00, "EUR"), split=False)], {})
    assert isinstance(found, Change)
    assert found.changes == (FieldChange("order", "o1", "total", Money(40_00, "EUR"), Money(100_01, "EUR")),)
    assert found.sentences == ("order.total would have to be 100.01 EUR; it is 40.00 EUR.",)


def test_a_missing_field_is_filled_and_a_field_that_must_be_missing_is_emptied() -> None:
    book = compiled(("a", 10, ["order.comment exists", "order.payment_method is missing"], [HOLD]), REST)
    found = search(book, "order_intake", "a", [order(payment_method="cash")], {})
    assert isinstance(found, Change)
    by_field = {change.field: change for change in found.changes}
    assert by_field["payment_method"].after is None
    assert by_field["comment"].before is None
    assert isinstance(by_field["comment"].after, str)


def test_the_easier_of_two_ways_is_chosen() -> None:
    either = "any: [order.split is true, all: [order.known is true, order.state is held]]"
    book = compiled(("a", 10, [either], [HOLD]), REST)
    assert changes(search(book, "order_intake", "a", [order(split=False, known=False)], {})) == [("o1", "order.split", True)]
    facts = [order(split=False, known=True, state="open")]
    assert len(changes(search(book, "order_intake", "a", facts, {}))) == 1


def test_the_nearest_of_several_facts_changes() -> None:
    book = compiled(("a", 10, ["line.hazardous is true", "line.quantity > 3"], [HOLD]), REST)
    lines = [Fact("line", "1", {"hazardous": False, "quantity": 1}), Fact("line", "2", {"hazardous": False, "quantity": 9})]
    assert changes(search(book, "order_intake", "a", [order(), *lines], {})) == [("2", "line.hazardous", True)]


def test_a_fact_is_added_where_there_is_none_of_its_type() -> None:
    book = compiled(("a", 10, ["line.hazardous is true"], [HOLD]), REST)
    found = search(book, "order_intake", "a", [order()], {})
    assert isinstance(found, Change)
    assert [(fact.type, dict(fact.values)) for fact in found.added] == [("line", {"hazardous": True})]
    assert found.sentences[0] == "There would have to be a line more."


def test_a_count_grows_by_changing_facts_or_by_one_more() -> None:
    book = compiled(("a", 10, ["count of lines where line.hazardous is true > 1"], [HOLD]), REST)
    lines = [Fact("line", str(n), {"hazardous": n == 0}) for n in range(3)]
    assert [field for _, field, _ in changes(search(book, "order_intake", "a", [order(), *lines], {}))] == ["line.hazardous"]


def test_settings_change_only_when_nothing_else_helps() -> None:
    rules = ("a", 10, ["any: [setting.strict is true, order.split is true]"], [HOLD]), REST
    book = compiled(*rules, head="settings:\n  strict: false")
    assert changes(search(book, "order_intake", "a", [order(split=False)], {})) == [("o1", "order.split", True)]
    book = compiled(("a", 10, ["setting.strict is true"], [HOLD]), REST, head="settings:\n  strict: false")
    assert changes(search(book, "order_intake", "a", [order()], {})) == [("", "setting.strict", True)]
    found = what_would_change(book, "order_intake", "a", [order()], {"strict": True})
    assert found is not None
    assert found.changes == ()


def test_a_change_with_which_the_rule_is_not_overridden_is_preferred() -> None:
    book = compiled(
        ("delivered", 5, ["order.fulfilment_type is delivery"], [IMPORT]),
        ("waiting", 10, ["order.state in [held, received]"], [HOLD]),
        REST,
    )
    found = search(book, "order_intake", "waiting", [order(fulfilment_type="delivery", state="open")], {})
    assert isinstance(found, Change)
    assert found.stands
    assert {change.field for change in found.changes} == {"fulfilment_type", "state"} or len(found.changes) == 1


def test_a_rule_that_would_be_overridden_whatever_changes_says_by_whom() -> None:
    book = compiled(("always", 5, [], [IMPORT]), ("split", 10, ["order.split is true"], [HOLD]))
    found = search(book, "order_intake", "split", [order(split=False)], {})
    assert isinstance(found, Change)
    assert (found.stands, found.overridden_by) == (False, "always")


def test_a_tag_that_is_needed_is_added_to_those_that_are_there() -> None:
    book = compiled(("a", 10, ["order.tags contains vip"], [HOLD]), REST)
    assert changes(search(book, "order_intake", "a", [order(tags=("gift",))], {})) == [("o1", "order.tags", ("gift", "vip"))]


def test_a_rule_that_contradicts_itself_is_impossible_and_says_why() -> None:
    book = compiled(("odd", 10, ["order.split is true", "order.split is false"], [HOLD]), REST)
    found = search(book, "order_intake", "odd", [order()], {})
    assert isinstance(found, Impossible)
    assert "exclude each other" in found.reason
    assert what_would_change(book, "order_intake", "odd", [order()], {}) is None


def test_without_time_nothing_is_claimed() -> None:
    book = compiled(("a", 10, ["order.split is true"], [HOLD]), REST)
    found = search(book, "order_intake", "a", [order(split=False)], {}, seconds=0)
    assert isinstance(found, Impossible)
    assert "time" in found.reason


def test_an_unknown_rule_is_refused() -> None:
    with pytest.raises(LookupError, match="nobody"):
        search(compiled(REST), "order_intake", "nobody", [order()], {})


def test_every_shipped_rule_can_be_made_to_fire_from_an_ordinary_order() -> None:
    book = compile_book(load_book({path.name: path.read_text() for path in SHIPPED.glob("*.yaml")}))
    ordinary = [
        Fact("event", "event", {"type": "order.placed", "from": "shop", "platform": "lightspeed_ecom"}),
        Fact("shop", "web", {"name": "web", "platform": "shopify"}),
        order(state="open", known=False, total=Money(80_00, "EUR"), payment_status="paid", shop_status="processing"),
        Fact("line", "1", {"quantity": 1, "known_product": True}),
        Fact("outlet", "centre", {"code": "centre", "kind": "store", "open": True, "online": True}),
        Fact("payment", "p1", {"amount": Money(80_00, "EUR"), "from": "till"}),
    ]
    for name, rules in book.book.decisions.items():
        for rule in rules.rules:
            found = search(book, name, rule.id, ordinary, {})
            assert isinstance(found, Change), (name, rule.id, found)
            run = book.run(name, found.facts, found.settings)
            assert rule.id in {firing.rule for firing in run.firings}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(books(most=4), facts(most=2, odd=True), overrides())
def test_whatever_the_rules_a_change_makes_the_rule_fire(book: Book, known: tuple[Fact, ...], merchant: dict[str, Value]) -> None:
    engine = compile_book(book, SMALL)
    rules = book.decisions["trial"]
    rule = rules.rules[-1]
    found = search(engine, "trial", rule.id, known, merchant, seconds=5)
    if isinstance(found, Change):
        run = run_plain(rules, SMALL.decisions["trial"], found.facts, found.settings)
        assert rule.id in {firing.rule for firing in run.firings}
        assert found.stands == any(o.rule == rule.id and o.name == rule.then[0].outcome for o in run.outcomes)
        assert all(change.before != change.after for change in found.changes)
    else:
        assert found.reason


def test_numbers_with_decimals_come_near_as_well() -> None:
    book = compile_book(
        load_book({"t.yaml": "decision: trial\nrules:\n  - id: a\n    when: [order.ratio > 2.5]\n    then: [hold]\n"}, SMALL), SMALL
    )
    found = search(book, "trial", "a", [Fact("order", "o", {"ratio": Decimal("1.5")})], {})
    assert isinstance(found, Change)
    assert Decimal("2.5") < found.changes[0].after < Decimal(4)  # type: ignore[operator]
