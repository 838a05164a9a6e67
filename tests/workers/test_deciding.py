"""Events are kept, decided once, and never lost, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from redis import Redis
from sqlalchemy import select

from engine.language import load_book
from store import books, events, outlets, stock
from store.models import Merchant
from store.order_models import StockLevel
from store.session import Database
from tests.workers.deciding import Desk, open_desk, shipped_rules, snapshot
from workers.deciding.replay import explained, replay


@pytest.fixture
def desk(database: Database, redis_server: Redis, merchant: Merchant) -> Desk:
    made = open_desk(database, redis_server, merchant)
    made.put_stock({("warehouse", "A"): 10, ("amsterdam", "A"): 3, ("utrecht", "B"): 5, ("amsterdam", "C"): 2})
    return made


def test_an_order_becomes_a_fulfilment_a_reservation_and_a_command_to_the_till(desk: Desk) -> None:
    taken = desk.order("1001", {"A": 2})

    order = desk.found("1001")
    assert taken.status == "decided"
    assert order.state == "open"
    assert [(f.outlet, f.status) for f in order.fulfilments] == [("warehouse", "new")]
    with desk.database.session(desk.merchant_id, read_only=True) as session:
        assert stock.reserved_by(session, order.id) == {("warehouse", "A"): 2}
    (sale,) = desk.commands("place_sale")
    assert sale.payload["lines"][0]["outlet"] == "warehouse"
    assert sale.decision_id == taken.decision_id


def test_a_duplicate_gets_the_first_answer_and_changes_nothing(desk: Desk) -> None:
    first = desk.tell("order.placed", {"order": snapshot("1001", {"A": 2})}, by="shop", id="same")
    second = desk.tell("order.placed", {"order": snapshot("1001", {"A": 2})}, by="shop", id="same")

    assert second.duplicate
    assert (second.event_id, second.decision_id, second.summary) == (first.event_id, first.decision_id, first.summary)
    assert len(desk.commands("place_sale")) == 1


def test_the_same_id_with_other_content_is_a_conflict(desk: Desk) -> None:
    desk.tell("order.placed", {"order": snapshot("1001", {"A": 2})}, by="shop", id="same")

    with pytest.raises(events.EventConflict):
        desk.tell("order.placed", {"order": snapshot("1002", {"A": 2})}, by="shop", id="same")


def test_an_older_snapshot_does_not_overwrite_a_newer_one(desk: Desk) -> None:
    desk.tell("order.placed", {"order": snapshot("1001", {"A": 1}, minute=5, shop_status="processing")}, by="shop")

    late = desk.tell("order.updated", {"order": snapshot("1001", {"A": 1}, minute=2)}, by="shop")

    assert desk.found("1001").shop_status == "processing"
    assert "older than what we know" in late.summary


def test_an_older_stock_report_does_not_overwrite_a_newer_one(desk: Desk) -> None:
    desk.tell("stock.changed", {"outlet": "warehouse", "sku": "A", "on_hand": 7}, sequence=20)
    desk.tell("stock.changed", {"outlet": "warehouse", "sku": "A", "on_hand": 9}, sequence=10)

    with desk.database.session(desk.merchant_id, read_only=True) as session:
        assert stock.levels(session, ["A"])[("warehouse", "A")].on_hand == 7


def test_an_older_fulfilment_report_does_not_overwrite_a_newer_one(desk: Desk) -> None:
    desk.order("1001", {"A": 1})
    report = {"order": {"number": "1001"}, "outlet": "warehouse", "fulfilment": "f1"}
    desk.tell("fulfilment.status_changed", {**report, "status": "packed"}, sequence=3)
    desk.tell("fulfilment.status_changed", {**report, "status": "in_progress"}, sequence=2)

    assert desk.found("1001").fulfilment_status == "packed"


def test_an_event_about_an_order_nobody_told_us_about_waits_for_it(desk: Desk) -> None:
    payment = {"order": {"number": "1001"}, "amount": "20.00", "currency": "EUR", "method": "Cash", "screen": "sell_screen"}

    early = desk.tell("payment.received", payment)
    assert early.status == "waiting"
    desk.order("1001", {"A": 2}, payment_status="unpaid")
    desk.intake.decide(desk.merchant_id, early.event_id)

    assert desk.found("1001").payment_status == "paid"


def test_an_event_whose_deciding_breaks_is_kept_as_failed_and_can_be_reprocessed(desk: Desk) -> None:
    refused = desk.tell("stock.changed", {"outlet": "nowhere", "sku": "A", "on_hand": 1})
    assert refused.status == "failed"
    assert "no outlet has the code nowhere: we know warehouse, amsterdam, utrecht" in refused.reason

    with desk.database.session(desk.merchant_id) as session:
        outlets.put(session, "nowhere", name="Nowhere")
    again = desk.intake.reprocess(desk.merchant_id, refused.event_id)

    assert again.status == "decided"
    with desk.database.session(desk.merchant_id, read_only=True) as session:
        assert stock.levels(session, ["A"])[("nowhere", "A")].on_hand == 1


def test_a_failed_event_leaves_no_half_done_work_behind(desk: Desk) -> None:
    desk.order("1001", {"A": 1}, payment_status="unpaid")
    bad = {"order": {"number": "1001"}, "amount": "10.00", "currency": "SEK", "method": "Cash"}

    taken = desk.tell("payment.received", bad)

    assert taken.status == "failed"
    assert "the payment is in SEK but order 1001 is in EUR" in taken.reason
    assert desk.found("1001").payments == []


def test_an_article_nobody_knows_holds_the_order(desk: Desk) -> None:
    desk.order("1001", {"A": 1, "MYSTERY": 1})

    order = desk.found("1001")
    assert (order.state, order.state_reason) == ("held", "it has an article we do not know")
    assert desk.commands("place_sale") == []


def test_an_order_held_for_an_unknown_article_is_taken_in_when_the_article_becomes_known(desk: Desk) -> None:
    desk.order("1001", {"NEW": 1})
    desk.tell("product.changed", {"sku": "NEW", "name": "New"})
    _decide_what_was_kept(desk)
    assert desk.found("1001").held_for == "stock"

    desk.tell("stock.changed", {"outlet": "warehouse", "sku": "NEW", "on_hand": 1})
    _decide_what_was_kept(desk)

    assert desk.found("1001").state == "open"


def test_an_order_held_for_stock_is_sourced_when_stock_arrives(desk: Desk) -> None:
    desk.order("1001", {"C": 4})
    assert desk.found("1001").state == "held"

    desk.tell("stock.changed", {"outlet": "utrecht", "sku": "C", "on_hand": 2})
    _decide_what_was_kept(desk)

    assert {f.outlet for f in desk.found("1001").fulfilments} == {"amsterdam", "utrecht"}


def _decide_what_was_kept(desk: Desk) -> None:
    with desk.database.system_session(read_only=True) as session:
        kept = events.waiting(session, timedelta(0))
    for event in kept:
        desk.intake.decide(desk.merchant_id, event.id)


def test_two_lines_of_the_same_article_share_its_stock(desk: Desk) -> None:
    lines = [{"id": str(i), "sku": "C", "quantity": 1, "unit_price": "10", "tax_rate": "21"} for i in (1, 2, 3)]

    desk.order("1001", {"C": 3}, lines=lines)

    assert desk.found("1001").state == "held"
    assert "short of 1 of 1 C" in desk.found("1001").state_reason


def test_cancelling_gives_the_stock_back_and_is_final(desk: Desk) -> None:
    desk.order("1001", {"A": 2})
    desk.order("1001", {"A": 2}, payment_status="cancelled")
    late = desk.order("1001", {"A": 2}, payment_status="paid", shop_status="shipped")

    order = desk.found("1001")
    assert order.state == "cancelled"
    assert "can no longer be updated" in late.summary
    with desk.database.session(desk.merchant_id, read_only=True) as session:
        assert stock.reserved_by(session, order.id) == {}
    assert len(desk.commands("void_sale")) == 1
    assert desk.commands("complete_fulfilments") == []


def test_every_decision_replays_to_the_same_result(desk: Desk) -> None:
    taken = [desk.order("1001", {"A": 2}), desk.order("1002", {"A": 9, "B": 1}), desk.order("1003", {"C": 9})]
    taken.append(desk.tell("stock.changed", {"outlet": "warehouse", "sku": "A", "on_hand": 50}))

    for each in taken:
        decision = desk.decision(each)
        assert replay(desk.intake.books, decision).same


def test_the_trace_says_why_a_rule_did_not_fire(desk: Desk) -> None:
    decision = desk.decision(desk.order("1001", {"A": 2}))
    traces = {t.rule: t for t in explained(desk.intake.books, decision, "order_intake")}

    (condition,) = [c for c in traces["unusually-large"].conditions if c.result == "not met"]
    assert condition.found == "20.00 EUR"


def test_decisions_in_flight_keep_their_version_and_new_ones_use_the_new(desk: Desk) -> None:
    before = desk.decision(desk.order("1001", {"A": 1}))
    texts = shipped_rules()
    texts["order_intake.yaml"] = texts["order_intake.yaml"].replace("largest_order: 25000.00 EUR", "largest_order: 5.00 EUR")
    with desk.database.session(desk.merchant_id) as session:
        books.publish(session, texts, load_book(texts).version, by="test")

    after = desk.decision(desk.order("1002", {"A": 1}))

    assert before.version != after.version
    assert desk.found("1002").state == "held"


def test_the_ledger_says_what_was_there_at_any_moment(desk: Desk) -> None:
    desk.order("1001", {"A": 2})
    with desk.database.session(desk.merchant_id) as session:
        assert stock.audit(session) == []
        level = session.scalars(select(StockLevel).where(StockLevel.outlet == "warehouse", StockLevel.sku == "A")).one()
        assert (level.on_hand, level.reserved) == (10, 2)


def test_events_that_were_only_kept_are_decided_by_whoever_asks_first(desk: Desk) -> None:
    kept = desk.tell("order.placed", {"order": snapshot("1001", {"A": 2})}, by="shop", defer=True)
    assert kept.status == "received"

    first = desk.intake.decide(desk.merchant_id, kept.event_id)
    second = desk.intake.decide(desk.merchant_id, kept.event_id)

    assert (first.duplicate, second.duplicate) == (False, True)
    assert len(desk.commands("place_sale")) == 1


def test_a_broken_rule_book_loses_no_event(desk: Desk) -> None:
    with desk.database.session(desk.merchant_id) as session:
        books.publish(session, {"order_intake.yaml": "decision: ["}, "broken", by="test")

    taken = desk.order("1001", {"A": 1})

    assert taken.status == "failed"
    assert "deciding broke" in taken.reason
    with desk.database.session(desk.merchant_id, read_only=True) as session:
        assert events.get(session, taken.event_id) is not None


def test_a_till_that_divides_an_order_further_gets_a_fulfilment_for_the_new_outlet(desk: Desk) -> None:
    desk.order("1001", {"A": 2})
    report = {"order": {"number": "1001"}, "outlet": "utrecht", "fulfilment": "f2", "status": "new"}

    desk.tell("fulfilment.status_changed", {**report, "lines": [{"sku": "A", "quantity": 1}]})

    assert {f.outlet for f in desk.found("1001").fulfilments} == {"warehouse", "utrecht"}


@pytest.mark.parametrize("outlet", ["nowhere", ""])
def test_a_fulfilment_at_an_outlet_nobody_knows_is_refused(desk: Desk, outlet: str) -> None:
    desk.order("1001", {"A": 2})

    taken = desk.tell("fulfilment.status_changed", {"order": {"number": "1001"}, "outlet": outlet, "status": "packed"})

    assert taken.status == "failed"
    assert "it has warehouse" in taken.reason
