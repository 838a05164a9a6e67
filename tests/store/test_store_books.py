"""Rule books, settings, articles, outlets, decisions and who did what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy.orm import Session
from store_making import AT, an_order

from store import audit, books, decisions, events, outlets, products
from store.flow_models import Decision
from store.models import Merchant
from store.session import Database

TEXTS = {"outlet_assignment.yaml": "decision: outlet_assignment\nrules: []\n"}


def test_the_newest_publication_decides_and_publishing_an_old_version_rolls_back(
    database: Database, merchant: Merchant, make_merchant: Callable[..., Merchant]
) -> None:
    other = make_merchant(database, "rose")
    with database.session(merchant.id) as session:
        assert books.current_version(session) is None
        books.publish(session, TEXTS, "v1", "ann")
        books.publish(session, {"other.yaml": ""}, "v2", "ann", "new")
        assert books.current_version(session) == "v2"
        books.publish(session, TEXTS, "v1", "bob", "roll back")
    with database.session(merchant.id, read_only=True) as session:
        assert books.current_version(session) == "v1"
        assert [(p.version, p.by, p.comment) for p in books.publications(session)] == [
            ("v1", "bob", "roll back"),
            ("v2", "ann", "new"),
            ("v1", "ann", ""),
        ]
    with database.session(other.id) as session:
        assert books.current_version(session) is None
        books.publish(session, TEXTS, "v1", "eve")
        assert books.texts(session, "v1") == TEXTS


def test_a_version_never_changes_its_texts(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id) as session:
        books.keep(session, TEXTS, "v1")
        books.keep(session, {"other.yaml": ""}, "v1")
        assert books.texts(session, "v1") == TEXTS
        assert books.texts(session, "v2") is None
        assert books.current_version(session) is None


def test_settings_are_a_merchants_own_and_none_goes_back_to_the_rule_file(
    database: Database, merchant: Merchant, make_merchant: Callable[..., Merchant]
) -> None:
    other = make_merchant(database, "rose")
    with database.session(merchant.id) as session:
        for value in (1, {"amount": "5.00"}, [1, "a"], False, 0):
            books.set_setting(session, "outlet_assignment", "safety_stock", value)
            assert books.settings(session, "outlet_assignment") == {"safety_stock": value}
        books.set_setting(session, "other", "x", 1)
        assert books.all_settings(session) == {"outlet_assignment": {"safety_stock": 0}, "other": {"x": 1}}
        books.set_setting(session, "other", "x", None)
        assert books.settings(session, "other") == {}
    with database.session(other.id) as session:
        assert books.all_settings(session) == {}
        books.set_setting(session, "outlet_assignment", "safety_stock", 3)
    with database.session(merchant.id) as session:
        assert books.settings(session, "outlet_assignment") == {"safety_stock": 0}


def test_what_is_not_said_of_an_article_stays_as_it_was(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id) as session:
        products.put(session, "MUG", name="Mug", weight_grams=300)
        products.put(session, "CUP")
        mug = products.put(session, "MUG")
        assert (mug.name, mug.weight_grams) == ("Mug", 300)
        assert products.put(session, "MUG", name="Big mug").name == "Big mug"
        assert mug.name == "Big mug"
        assert set(products.by_sku(session, ["MUG", "NOPE"])) == {"MUG"}
        assert products.by_sku(session, []) == {}
        assert [product.sku for product in products.list_all(session)] == ["CUP", "MUG"]
        assert [product.sku for product in products.list_all(session, after="CUP")] == ["MUG"]


def test_outlets_come_in_order_of_priority_and_can_be_changed(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id) as session:
        assert [outlet.code for outlet in outlets.list_all(session)] == ["warehouse", "amsterdam", "utrecht"]
        outlets.put(session, "utrecht", priority=1, open=False)
    with database.session(merchant.id, read_only=True) as session:
        first = outlets.list_all(session)[0]
        assert (first.code, first.name, first.open) == ("utrecht", "Utrecht", False)
        assert outlets.by_code(session, "nope") is None


def decided(session: Session, number: str, order_id: str | None = None, event_id: str | None = None) -> Decision:
    if event_id is None:
        event, _ = events.keep(
            session, source="s", external_id=number, type="t", subject="", time=AT, data={}, body_hash="h"
        )
        event_id = event.id
    trace: dict[str, Any] = {"steps": [{"decision": "d", "firings": []}], "notes": ["é" * 50]}
    kept = decisions.keep(
        session,
        event_id=event_id,
        order_id=order_id,
        version="v",
        summary=number,
        facts=[{"values": {"a": 1}}],
        facts_hash="f",
        trace=trace,
        result_hash="r",
    )
    found = decisions.get(session, kept)
    assert found is not None
    return found


def test_a_decision_comes_back_as_it_was_kept(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id) as session:
        order = an_order(session, "1")
        first = decided(session, "first", order.id)
        again = decided(session, "again", order.id, first.event_id)
        other = decided(session, "other")
    with database.session(merchant.id, read_only=True) as session:
        kept = decisions.get(session, first.id)
        assert kept is not None
        assert kept.trace == {"steps": [{"decision": "d", "firings": []}], "notes": ["é" * 50]}
        assert kept.facts == [{"values": {"a": 1}}]
        newest = decisions.of_event(session, first.event_id)
        assert newest is not None
        assert newest.id == again.id
        assert [each.id for each in decisions.list_for_order(session, order.id)] == [first.id, again.id]
        assert [each.id for each in decisions.recent(session)] == [other.id, again.id, first.id]
        assert [each.id for each in decisions.recent(session, before=again.id)] == [first.id]
        assert decisions.get(session, "nope") is None


def test_the_audit_says_who_did_what_newest_first(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id) as session:
        audit.record(session, who="ann", action="pause", about="connection:shop", reason="moving")
    with database.session(merchant.id) as session:
        audit.record(session, who="bob", action="resume", about="connection:till")
    with database.session(merchant.id, read_only=True) as session:
        assert [entry.who for entry in audit.entries(session)] == ["bob", "ann"]
        assert [entry.reason for entry in audit.entries(session, about="connection:shop")] == ["moving"]
