"""Telling a Shopify shop how far an order is: deeds on fulfilment orders, never a step back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from adapters.base import Refused, Result, RetryLater
from adapters.shopify.parts import HANDLE
from adapters.shopify.sandbox_basket import Basket
from tests.adapters.rigs.base import CUSTOMER
from tests.adapters.rigs.shopify import ShopifyRig


@pytest.fixture
def shop() -> Iterator[ShopifyRig]:
    with ShopifyRig.open() as rig:
        yield rig


def tell(rig: ShopifyRig, order: dict[str, str], key: str = "k", **payload: Any) -> Result:
    return rig.do("set_order_status", {"order": order, "notify_customer": False, **payload}, key)


def part(rig: ShopifyRig, order: str) -> dict[str, Any]:
    """The first fulfilment order that is still open, or else the last."""
    parts = rig.shop.order(int(order))["fulfilment_orders"]
    return next((each for each in parts if each["status"] not in ("CLOSED", "CANCELLED")), parts[-1])


def test_progress_is_reported_on_every_open_part(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 8})  # Neither location has eight: it is split.
    ours = shop.adopt(order)
    tell(shop, ours, shop_status="processing")
    assert shop.shop_status(order) == "processing"
    assert shop.writes() == ["fulfillmentOrderReportProgress"] * 2
    assert tell(shop, ours, shop_status="processing").did_nothing
    assert tell(shop, ours, shop_status="awaiting_processing").did_nothing


def test_a_hold_is_ours_by_its_handle_and_only_ours_is_released(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 1})
    ours = shop.adopt(order)
    tell(shop, ours, shop_status="on_hold", reason="waits for stock")
    [hold] = part(shop, order)["holds"]
    assert (hold["handle"], hold["reason"], hold["notes"]) == (HANDLE, "OTHER", "waits for stock")
    assert tell(shop, ours, shop_status="on_hold").did_nothing
    shop.shop.hold(part(shop, order)["id"], reason="HIGH_RISK_OF_FRAUD", notes=None, handle="fraud-app", ours=False)
    result = tell(shop, ours, shop_status="awaiting_processing")
    assert "stays on hold: High risk of fraud" in result.summary
    assert [each["handle"] for each in part(shop, order)["holds"]] == ["fraud-app"]


def test_the_reason_of_a_hold_comes_from_the_settings(shop: ShopifyRig) -> None:
    shop.settings = {"hold_reason": "INVENTORY_OUT_OF_STOCK"}
    order = shop.place({"MUG": 1})
    tell(shop, shop.adopt(order), shop_status="on_hold")
    assert part(shop, order)["holds"][0]["reason"] == "INVENTORY_OUT_OF_STOCK"


def test_a_held_order_goes_on_when_it_is_picked(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 1})
    ours = shop.adopt(order)
    tell(shop, ours, shop_status="on_hold")
    tell(shop, ours, shop_status="processing")
    assert (shop.shop_status(order), part(shop, order)["holds"]) == ("processing", [])


def test_ready_for_pickup_is_told_once_and_remembered(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 1}, pickup=True)
    ours = shop.adopt(order)
    result = tell(shop, ours, shop_status="ready_for_pickup")
    assert "mails the customer" in result.summary
    assert shop.snapshot(order)["shop_status"] == "ready_for_pickup"
    assert tell(shop, ours, "again", shop_status="ready_for_pickup").did_nothing
    assert shop.writes() == ["fulfillmentOrderLineItemsPreparedForPickup"]
    tell(shop, ours, shop_status="completed")
    assert shop.snapshot(order)["shop_status"] == "completed"


def test_an_answer_that_was_lost_does_not_prepare_twice(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 1}, pickup=True)
    ours = shop.adopt(order)
    shop.fault("drop", match="PreparedForPickup", after_effect=True)
    with pytest.raises(RetryLater):
        tell(shop, ours, shop_status="ready_for_pickup")
    assert "was ready already" in tell(shop, ours, shop_status="ready_for_pickup").summary
    assert shop.snapshot(order)["shop_status"] == "ready_for_pickup"


def test_a_delivery_is_never_ready_for_pickup(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 1})
    assert "nothing of it is to be picked up" in tell(shop, shop.adopt(order), shop_status="ready_for_pickup").summary
    assert shop.writes() == []


def test_completing_sends_one_fulfilment_per_location_and_delivery_method(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 8, "GIFT": 1}, paid=False)
    ours = shop.adopt(order)
    tell(shop, ours, shop_status="completed", tracking={"number": "3S1", "url": "https://t/3S1", "carrier": "PostNL"})
    assert shop.shop_status(order) == "completed"
    assert shop.writes() == ["fulfillmentCreate"] * 3
    assert shop.tracking(order) == {"3S1"}
    assert tell(shop, ours, shop_status="completed").did_nothing


def test_completing_goes_on_where_a_lost_answer_left_it(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 8})
    ours = shop.adopt(order)
    shop.fault("drop", match="fulfillmentCreate", after_effect=True)
    with pytest.raises(RetryLater):
        tell(shop, ours, shop_status="completed")
    tell(shop, ours, shop_status="completed")
    assert sum(each["lines"]["MUG"] for each in shop.shipments(order)) == 8
    assert shop.box.state.counter("fulfilments_made") == 2


def test_what_others_hold_is_not_completed_and_says_so(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 1})
    ours = shop.adopt(order)
    shop.shop.hold(part(shop, order)["id"], reason="INCORRECT_ADDRESS", notes=None, handle="x", ours=False)
    with pytest.raises(Refused, match="on hold \\(Incorrect address\\)"):
        tell(shop, ours, shop_status="completed")


def test_cancelling_leaves_money_and_stock_alone_unless_told_otherwise(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 2})
    left = shop.stock("MUG")
    tell(shop, shop.adopt(order), shop_status="cancelled")
    assert (shop.shop_status(order), shop.refunded(order), shop.stock("MUG")) == ("cancelled", 0, left)
    shop.settings = {"refund_on_cancel": True, "restock_on_cancel": True}
    other = shop.place({"MUG": 2})
    tell(shop, shop.adopt(other), "other", shop_status="cancelled")
    assert (shop.payment_status(other), shop.stock("MUG")) == ("refunded", left)


def test_cancelling_is_done_only_when_the_shop_has_done_it(shop: ShopifyRig) -> None:
    shop.box.state.set_setting("job_seconds", 60)
    order = shop.place({"MUG": 1})
    ours = shop.adopt(order)
    for _ in range(2):
        with pytest.raises(RetryLater, match="still cancelling"):
            tell(shop, ours, shop_status="cancelled")
    shop.box.state.set_setting("clock_offset", 120)
    assert "cancelled" in tell(shop, ours, shop_status="cancelled").summary
    assert shop.writes() == ["orderCancel"]


def test_a_cancelling_that_came_to_nothing_is_told(shop: ShopifyRig) -> None:
    shop.box.state.set_setting("job_seconds", 60)
    order = shop.place({"MUG": 1})
    ours = shop.adopt(order)
    with pytest.raises(RetryLater):
        tell(shop, ours, shop_status="cancelled")
    shop.ship_by_staff(order)
    shop.box.state.set_setting("clock_offset", 120)
    with pytest.raises(Refused, match="did not cancel"):
        tell(shop, ours, shop_status="cancelled")


def test_a_cancelled_order_takes_nothing_more(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 1}, paid=False)
    ours = shop.adopt(order)
    shop.cancel(order)
    for status in ("processing", "completed", "cancelled"):
        assert tell(shop, ours, shop_status=status, payment_status="paid").did_nothing
    assert shop.writes() == []


def test_paid_is_told_once_and_captures_what_was_authorised(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 1}, paid=False)
    ours = shop.adopt(order)
    tell(shop, ours, payment_status="paid")
    assert shop.payment_status(order) == "paid"
    assert tell(shop, ours, payment_status="paid").did_nothing
    assert shop.writes() == ["orderMarkAsPaid"]


def test_paid_captures_what_was_authorised(shop: ShopifyRig) -> None:
    order = str(shop.shop.place(Basket([("MUG", 1)], "post", "authorised", CUSTOMER))["id"])
    assert shop.snapshot(order)["tags"] == ["financialStatus:AUTHORIZED"]
    tell(shop, shop.adopt(order), payment_status="paid")
    held, taken = shop.shop.order(int(order))["transactions"]
    assert (taken["kind"], taken["parent"], shop.payment_status(order)) == ("CAPTURE", held["id"], "paid")


def test_tracking_alone_goes_to_the_shipment_that_has_none(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 1})
    ours = shop.adopt(order)
    tracking = {"number": "3S9", "url": "https://t/3S9"}
    assert "no shipment" in tell(shop, ours, tracking=tracking).summary
    shop.ship_by_staff(order)
    tell(shop, ours, tracking=tracking)
    assert shop.tracking(order) == {"3S9"}
    assert tell(shop, ours, tracking=tracking).did_nothing
    assert shop.writes() == ["fulfillmentTrackingInfoUpdate"]


def test_an_order_whose_parts_are_still_being_made_is_told_later(shop: ShopifyRig) -> None:
    shop.box.sandbox.set_switch("routes_later", True)
    shop.box.state.set_setting("routing_seconds", 60)
    order = shop.place({"MUG": 1})
    with pytest.raises(RetryLater, match="has not made them yet"):
        tell(shop, {"id": "", "number": "", "external_id": order}, shop_status="processing")
    shop.box.state.set_setting("clock_offset", 90)
    assert not tell(shop, {"id": "", "number": "", "external_id": order}, shop_status="processing").did_nothing


def test_an_order_is_found_by_the_name_people_see(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 1})
    name = shop.shop.order(int(order))["name"]
    assert not tell(shop, {"number": name}, shop_status="processing").did_nothing
    with pytest.raises(Refused, match="no order named '#9999'"):
        tell(shop, {"number": "#9999"}, shop_status="processing")


@pytest.mark.parametrize("payload", [
    {"order": {"external_id": "7"}}, {"order": {}}, {"order": {"number": ""}}, {"order": 5}, {}, {"order": {"id": ["x"]}},
    {"order": {"external_id": "gid://x"}}, {"shop_status": "shipped"}, {"shop_status": 5}, {"payment_status": "refunded"},
])  # fmt: skip
def test_an_unknown_order_or_a_status_without_a_word_is_refused(shop: ShopifyRig, payload: dict[str, Any]) -> None:
    known = {"order": {"external_id": shop.place({"MUG": 1})}, "shop_status": "processing"}
    with pytest.raises(Refused):
        shop.do("set_order_status", ({} if "order" in payload or not payload else known) | payload)
    assert shop.writes() == []


def test_another_hold_of_the_same_app_is_not_ours(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 1})
    ours = shop.adopt(order)
    tell(shop, ours, shop_status="on_hold")
    shop.shop.hold(part(shop, order)["id"], reason="OTHER", notes=None, handle="pre-order", ours=True)
    assert "stays on hold" in tell(shop, ours, shop_status="awaiting_processing").summary
    assert [each["handle"] for each in part(shop, order)["holds"]] == ["pre-order"]
