"""What shops of each kind are told: outlets, shipments of parts, stock of each location, refunds, holds, cancellation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from engine.language import load_book
from store import bindings, books
from store.models import Merchant
from store.session import Database
from tests.workers.deciding import Desk, open_desk, shipped_rules

Open = Callable[[str], Desk]


@pytest.fixture
def open_with(database: Database, redis_server: Redis, merchant: Merchant) -> Open:
    def open_one(platform: str) -> Desk:
        desk = open_desk(database, redis_server, merchant, platform)
        desk.put_stock({("amsterdam", "A"): 3, ("utrecht", "B"): 5, ("amsterdam", "GIFT"): 0})
        return desk

    return open_one


def told(desk: Desk, operation: str) -> list[dict[str, Any]]:
    return [dict(command.payload) for command in desk.commands(operation)]


def finish(desk: Desk, number: str, outlet: str, status: str = "completed") -> None:
    desk.tell("fulfilment.status_changed", {"order": {"number": number}, "outlet": outlet, "status": status})


@pytest.mark.parametrize("platform", ["shopify", "bigcommerce", "woocommerce", "magento"])
def test_a_shop_that_can_show_it_hears_once_which_outlet_does_what(open_with: Open, platform: str) -> None:
    desk = open_with(platform)
    desk.order("1001", {"A": 2, "B": 1})
    desk.order("1001", {"A": 2, "B": 1}, customer={"email": "eve@example.org", "name": "Eva"})

    (payload,) = told(desk, "assign_fulfilments")
    assert {part["outlet"]: part["lines"] for part in payload["fulfilments"]} == {
        "amsterdam": [{"line": "1", "sku": "A", "quantity": 2}], "utrecht": [{"line": "2", "sku": "B", "quantity": 1}],
    }  # fmt: skip
    assert payload["order"]["number"] == "1001"


def test_a_shop_that_cannot_show_outlets_is_not_asked_to(open_with: Open) -> None:
    desk = open_with("lightspeed_ecom")
    desk.order("1001", {"A": 2, "B": 1})

    assert told(desk, "assign_fulfilments") == []


@pytest.mark.parametrize("platform", ["shopify", "bigcommerce", "magento"])
def test_each_outlet_sends_its_own_shipment_and_the_order_is_done_with_the_last(open_with: Open, platform: str) -> None:
    desk = open_with(platform)
    desk.order("1001", {"A": 2, "B": 1})

    desk.tell("shipment.tracking_added", {"order": {"number": "1001"}, "number": "3SAMS", "outlet": "amsterdam"})
    finish(desk, "1001", "amsterdam")
    finish(desk, "1001", "amsterdam")
    assert [(p["fulfilment"]["outlet"], p["lines"], p["tracking"]["number"]) for p in told(desk, "ship_fulfilment")] == [
        ("amsterdam", [{"line": "1", "sku": "A", "quantity": 2}], "3SAMS")
    ]
    assert [p.get("shop_status") for p in told(desk, "set_order_status")] == [None]

    finish(desk, "1001", "utrecht")
    assert [p["fulfilment"]["outlet"] for p in told(desk, "ship_fulfilment")] == ["amsterdam", "utrecht"]
    assert "tracking" not in told(desk, "ship_fulfilment")[1]
    assert told(desk, "set_order_status")[-1]["shop_status"] == "completed"


def test_a_shop_without_shipments_of_parts_stays_open_until_the_last_outlet_is_done(open_with: Open) -> None:
    desk = open_with("woocommerce")
    desk.order("1001", {"A": 2, "B": 1})

    finish(desk, "1001", "amsterdam")
    assert told(desk, "set_order_status") == []
    finish(desk, "1001", "utrecht")
    assert [p["shop_status"] for p in told(desk, "set_order_status")] == ["completed"]
    assert told(desk, "ship_fulfilment") == []


@pytest.mark.parametrize(("platform", "expected"), [("shopify", True), ("woocommerce", False), ("lightspeed_ecom", False)])
def test_shops_with_linked_locations_hear_the_stock_of_each(open_with: Open, platform: str, expected: bool) -> None:
    desk = open_with(platform)
    with desk.database.session(desk.merchant_id) as session:
        bindings.bind(session, desk.shop, "outlet", "amsterdam", "loc-1")
        bindings.bind(session, desk.shop, "outlet", "utrecht", "loc-2")
    desk.tell("stock.changed", {"sku": "A", "outlet": "amsterdam", "on_hand": 7})

    by_outlet = told(desk, "set_outlet_stock")
    assert by_outlet == (
        [{"sku": "A", "levels": [{"outlet": "amsterdam", "quantity": 7}, {"outlet": "utrecht", "quantity": 0}]}] if expected else []
    )
    assert [p["quantity"] for p in told(desk, "set_stock")] == ([] if expected else [7])


def test_a_shop_that_counts_by_location_without_links_hears_one_number(open_with: Open) -> None:
    desk = open_with("magento")
    desk.tell("stock.changed", {"sku": "A", "outlet": "amsterdam", "on_hand": 7})

    assert told(desk, "set_stock") == [{"sku": "A", "quantity": 7}]


def test_a_refund_at_the_till_is_recorded_in_the_shop_once_and_pays_nothing(open_with: Open) -> None:
    desk = open_with("bigcommerce")
    desk.order("1001", {"A": 2})
    refund = {"order": {"number": "1001"}, "amount": "10.00", "currency": "EUR", "reference": "R1", "method": "Cash"}
    desk.tell("payment.refunded", refund)
    desk.tell("payment.refunded", refund)

    (payload,) = told(desk, "refund_order")
    assert (payload["amount"], payload["reference"], payload["pay_back"], payload["lines"]) == ("10.00", "R1", False, [])


def test_a_merchant_may_let_the_shop_pay_it_back(open_with: Open) -> None:
    desk = open_with("shopify")
    with desk.database.session(desk.merchant_id) as session:
        books.set_setting(session, "status_to_shop", "shop_pays_refunds_back", True)
    desk.order("1001", {"A": 2})
    desk.tell("payment.refunded", {"order": {"number": "1001"}, "amount": "10.00", "reference": "R1"})

    assert [p["pay_back"] for p in told(desk, "refund_order")] == [True]


def test_an_order_cancelled_here_is_cancelled_in_every_shop_in_its_own_word(open_with: Open) -> None:
    desk = open_with("magento")
    desk.order("1001", {"A": 2})
    desk.tell("order.cancelled", {"order": {"number": "1001"}, "reason": "the customer changed her mind"})

    assert [(p["shop_status"], p["reason"]) for p in told(desk, "set_order_status")] == [
        ("cancelled", "the customer changed her mind")
    ]


def test_an_order_cancelled_as_a_whole_in_the_shop_is_cancelled_here_and_not_told_back(open_with: Open) -> None:
    desk = open_with("shopify")
    desk.order("1001", {"A": 2})
    desk.order("1001", {"A": 2}, shop_status="cancelled")

    assert desk.found("1001").state == "cancelled"
    assert told(desk, "set_order_status") == []
    assert len(desk.commands("void_sale")) == 1


def test_a_hold_of_ours_is_shown_and_taken_away_where_the_merchant_wants_that(open_with: Open) -> None:
    desk = open_with("shopify")
    with desk.database.session(desk.merchant_id) as session:
        books.set_setting(session, "status_to_shop", "show_holds_in_shop", True)
    desk.order("1001", {"A": 9})
    assert desk.found("1001").state == "held"
    desk.order("1001", {"A": 9}, shop_status="on_hold")
    desk.put_stock({("amsterdam", "A"): 20})
    desk.tell("order.reconsidered", {"order": {"number": "1001"}})

    assert desk.found("1001").state == "open"
    assert [p["shop_status"] for p in told(desk, "set_order_status")] == ["on_hold", "awaiting_processing"]


def test_a_hold_made_in_the_shop_is_waited_for_and_left_to_its_staff(open_with: Open) -> None:
    desk = open_with("shopify")
    desk.order("1001", {"A": 2}, shop_status="on_hold")
    assert desk.found("1001").state == "held"
    desk.order("1001", {"A": 2})

    assert desk.found("1001").state == "open"
    assert told(desk, "set_order_status") == []


def test_gift_cards_go_along_with_the_goods_and_take_no_stock(open_with: Open) -> None:
    desk = open_with("shopify")
    lines = [
        {"id": "1", "sku": "A", "quantity": 2, "unit_price": "10", "tax_rate": "21"},
        {"id": "2", "sku": "CARD-NOBODY-KNOWS", "quantity": 1, "unit_price": "25", "tax_rate": "0", "needs_shipping": False},
    ]
    desk.order("1001", {}, lines=lines, total="45.00")

    order = desk.found("1001")
    assert order.state == "open"
    assert [(f.outlet, [(line.sku, line.quantity) for line in f.lines]) for f in order.fulfilments] == [
        ("amsterdam", [("A", 2), ("CARD-NOBODY-KNOWS", 1)])
    ]
    (sale,) = told(desk, "place_sale")
    assert [line["sku"] for line in sale["lines"]] == ["A", "CARD-NOBODY-KNOWS"]


def test_an_order_of_gift_cards_alone_needs_no_outlet(open_with: Open) -> None:
    desk = open_with("woocommerce")
    line = {"id": "1", "sku": "GIFT", "quantity": 1, "unit_price": "25", "tax_rate": "0", "needs_shipping": False}
    desk.order("1001", {}, lines=[line], total="25.00")

    order = desk.found("1001")
    assert (order.state, order.state_reason) == ("ignored", "nothing has to be packed for it")


def test_an_order_that_costs_nothing_is_paid_and_sent_like_any_other(open_with: Open) -> None:
    desk = open_with("bigcommerce")
    desk.order("1001", {"A": 1}, total="0.00", discount="10.00", payment_status="unpaid")
    finish(desk, "1001", "amsterdam")

    order = desk.found("1001")
    assert (order.payment_status, order.state) == ("paid", "completed")


def test_an_order_edited_in_the_shop_after_it_was_assigned_is_shown_to_people_and_keeps_its_lines(open_with: Open) -> None:
    desk = open_with("shopify")
    desk.order("1001", {"A": 2, "B": 1})
    desk.order("1001", {"A": 2})

    order = desk.found("1001")
    assert order.state_reason == "its lines were changed in the shop after it was sourced"
    assert [line.sku for line in order.lines] == ["A", "B"]


def test_an_old_rule_that_asks_the_impossible_is_noted_and_tells_nothing(open_with: Open) -> None:
    desk = open_with("shopify")
    texts = {
        **shipped_rules(),
        "status_to_shop.yaml": "decision: status_to_shop\ndescription: x\nrules:\n  - id: odd\n    description: x\n"
        "    priority: 1\n    when: []\n    then: [set shop status delivered]\n",
    }
    with desk.database.session(desk.merchant_id) as session:
        books.publish(session, texts, load_book(texts).version, by="test")
    desk.order("1001", {"A": 1})
    taken = desk.tell("fulfilment.status_changed", {"order": {"number": "1001"}, "outlet": "amsterdam", "status": "packed"})

    assert told(desk, "set_order_status") == []
    assert "Shopify cannot be told delivered, so it is not" in str(desk.decision(taken).trace)


def test_an_order_whose_lines_were_all_taken_away_is_left_alone_and_comes_back_with_them(open_with: Open) -> None:
    desk = open_with("shopify")
    desk.order("1001", {}, lines=[], total="0.00")
    order = desk.found("1001")
    assert (order.state, order.lines) == ("ignored", [])
    desk.order("1002", {"A": 50})
    desk.order("1002", {}, lines=[], total="0.00")
    assert desk.found("1002").state == "ignored"
    desk.order("1002", {"A": 2})

    assert desk.found("1002").state == "open"


def test_money_that_comes_in_after_an_order_grew_counts_as_well(open_with: Open) -> None:
    desk = open_with("shopify")
    desk.order("1001", {"A": 1}, total="10.00", payment_status="unpaid")
    desk.order("1001", {"A": 1}, total="10.00", payment_status="paid")
    desk.order("1001", {"A": 1}, total="12.00", payment_status="partly_paid")
    desk.order("1001", {"A": 1}, total="12.00", payment_status="paid")
    desk.order("1001", {"A": 1}, total="12.00", payment_status="paid")

    order = desk.found("1001")
    assert (order.payment_status, order.paid_minor) == ("paid", 1200)
    assert [p["amount"] for p in told(desk, "add_payment")] == ["10.00", "2.00"]
