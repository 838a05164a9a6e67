"""Refunds at BigCommerce, and the stock its locations are told: each once, and never more than there is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from adapters.base import Refused, RetryLater
from adapters.bigcommerce import sandbox_shop as staff
from adapters.bigcommerce import sandbox_stock as stock
from tests.adapters.bigcommerce_shop import order_of, place, telling
from tests.adapters.rigs.bigcommerce import BigCommerceRig


@pytest.fixture
def rig() -> Iterator[BigCommerceRig]:
    with BigCommerceRig.open() as opened:
        yield opened


# Refunds


def refunding(ours: Any, amount: str, reference: str = "R1", **more: Any) -> dict[str, Any]:
    return {
        "order": ours, "reference": reference, "amount": amount, "currency": "EUR", "lines": [], "reason": "came back", "restock": False,
        "pay_back": False, **more,
    }  # fmt: skip


def test_lines_and_what_else_was_paid_are_refunded_together(rig: BigCommerceRig) -> None:
    order = rig.place({"MUG": 2})
    ours = rig.adopt(order)
    rig.do(
        "refund_order", refunding(ours, "17.45", lines=[{"line": rig.line(order, "MUG"), "quantity": 1}], pay_back=True)
    )
    (refund,) = rig.box.state.all("refund")
    assert [(item["item_type"], item["requested_amount"]) for item in refund["items"]] == [
        ("PRODUCT", Decimal("12.5")),
        ("ORDER", Decimal("4.95")),
    ]
    assert [(each["provider_id"], each["offline"]) for each in refund["payments"]] == [("braintree", False)]
    assert order_of(rig, order)["_lines"][0]["quantity_refunded"] == 1


def test_less_than_the_lines_cost_is_refunded_as_an_amount(rig: BigCommerceRig) -> None:
    order = rig.place({"MUG": 2})
    ours = rig.adopt(order)
    rig.do("refund_order", refunding(ours, "10.00", lines=[{"line": rig.line(order, "MUG"), "quantity": 1}]))
    (refund,) = rig.box.state.all("refund")
    assert [(item["item_type"], item["requested_amount"]) for item in refund["items"]] == [("ORDER", Decimal(10))]
    assert refund["payments"][0]["offline"] is True


@pytest.mark.parametrize("slow", [True, False])
@pytest.mark.parametrize("by_itself", [True, False])
def test_a_refund_shows_whether_or_not_the_shop_moves_the_status(
    rig: BigCommerceRig, by_itself: bool, slow: bool
) -> None:
    rig.box.sandbox.set_switch("refund_changes_status", by_itself)
    rig.box.sandbox.set_switch("slow_background", slow)
    order = rig.place({"MUG": 2})
    ours = rig.adopt(order)
    rig.do("refund_order", refunding(ours, "5.00"), key="a")
    rig.do("refund_order", refunding(ours, "5.00"), key="b")
    rig.shop.settle()
    snapshot = rig.snapshot(order)
    assert (snapshot["payment_status"], snapshot["shop_status"]) == ("partly_refunded", "awaiting_processing")
    assert rig.refunded(order) == 5


def test_a_refund_whose_answer_was_lost_is_found_by_its_reference(rig: BigCommerceRig) -> None:
    order = rig.place({"MUG": 2})
    ours = rig.adopt(order)
    rig.fault("half_json", match="payment_actions/refunds", after_effect=True)
    for _ in range(3):
        try:
            rig.do("refund_order", refunding(ours, "5.00"), key="a")
        except RetryLater:
            continue
    assert rig.box.state.counter("refunds_made") == 1
    assert rig.memory.external("refund", "R1") == str(rig.box.state.all("refund")[0]["id"])


def test_more_than_is_left_is_refused_with_both_amounts(rig: BigCommerceRig) -> None:
    order = rig.place({"MUG": 1})
    ours = rig.adopt(order)
    rig.do("refund_order", refunding(ours, "15.00"), key="a")
    rig.forget_calls()
    with pytest.raises(Refused) as caught:
        rig.do("refund_order", refunding(ours, "5.00", "R2"), key="b")
    assert rig.writes() == []
    assert "2.45" in caught.value.message
    assert "5.00" in caught.value.message


def test_an_offline_payment_cannot_be_paid_back_by_the_shop_and_the_reason_is_given(rig: BigCommerceRig) -> None:
    order = rig.place({"MUG": 1}, paid=False)
    ours = rig.adopt(order)
    rig.pay(order)
    with pytest.raises(Refused, match="processed by hand"):
        rig.do("refund_order", refunding(ours, "5.00", pay_back=True), key="a")
    rig.do("refund_order", refunding(ours, "5.00"), key="b")
    assert rig.refunded(order) == 5


@pytest.mark.parametrize(
    "change",
    [
        {"amount": "0.00"},
        {"amount": "-1"},
        {"amount": "much"},
        {"amount": None},
        {"currency": "USD"},
        {"reference": ""},
    ],
)
def test_a_senseless_refund_is_refused_before_anything_is_written(rig: BigCommerceRig, change: dict[str, Any]) -> None:
    ours = rig.adopt(rig.place({"MUG": 1}))
    rig.forget_calls()
    with pytest.raises(Refused):
        rig.do("refund_order", refunding(ours, "5.00") | change)
    assert rig.writes() == []


def test_a_declined_refund_is_told_each_time(rig: BigCommerceRig) -> None:
    order = rig.place({"MUG": 1})
    ours = rig.adopt(order)
    rig.do("refund_order", refunding(ours, "5.00"), key="a")
    (refund,) = rig.box.state.all("refund")
    declined = [each | {"is_declined": True, "declined_message": "card expired"} for each in refund["payments"]]
    rig.box.state.put("refund", refund["id"], refund | {"payments": declined})
    with pytest.raises(Refused, match="card expired"):
        rig.do("refund_order", refunding(ours, "5.00"), key="a")


def test_cancelling_gives_the_money_back_only_when_the_setting_says_so(rig: BigCommerceRig) -> None:
    first, second = rig.place({"MUG": 1}), rig.place({"MUG": 1})
    rig.do("set_order_status", telling(rig.adopt(first), shop_status="cancelled"), key="a")
    assert (rig.shop_status(first), rig.refunded(first)) == ("cancelled", 0)
    rig.settings["refund_on_cancel"] = True
    rig.do("set_order_status", telling(rig.adopt(second), shop_status="cancelled"), key="b")
    assert rig.refunded(second) == Decimal("17.45")


def test_cancelling_voids_what_was_only_authorised(rig: BigCommerceRig) -> None:
    rig.settings["refund_on_cancel"] = True
    order = place(rig, {"MUG": 1}, "authorised")
    rig.do("set_order_status", telling(rig.adopt(order), shop_status="cancelled"))
    rig.shop.settle()
    assert rig.shop.order(order)["payment_status"] == "void"


def test_a_cancelled_unpaid_order_costs_nobody_anything(rig: BigCommerceRig) -> None:
    rig.settings["refund_on_cancel"] = True
    order = rig.place({"MUG": 1}, paid=False)
    rig.do("set_order_status", telling(rig.adopt(order), shop_status="cancelled"))
    assert (rig.shop_status(order), rig.refunded(order)) == ("cancelled", 0)


# Stock


def levels(**outlets: int) -> dict[str, Any]:
    return {"sku": "MUG", "levels": [{"outlet": outlet, "quantity": count} for outlet, count in outlets.items()]}


def test_only_numbers_that_differ_are_written_and_a_number_on_its_way_is_not_taken_for_arrived(
    rig: BigCommerceRig,
) -> None:
    rig.do("set_outlet_stock", levels(amsterdam=9, utrecht=9), key="a")
    rig.forget_calls()
    rig.do("set_outlet_stock", levels(amsterdam=6, utrecht=9), key="b")
    written = json.loads(next(call.body for call in rig.box.state.requests("PUT")))["items"]
    assert {(item["location_id"], item["quantity"]) for item in written} >= {(1, 6)}, "6 is what the shop still shows"
    assert (rig.stock("MUG", "amsterdam"), rig.stock("MUG", "utrecht")) == (6, 9)
    rig.forget_calls()
    assert rig.do("set_outlet_stock", levels(amsterdam=6, utrecht=9), key="c").did_nothing
    assert rig.writes() == []


def test_a_write_whose_answer_was_lost_is_made_again(rig: BigCommerceRig) -> None:
    rig.box.sandbox.set_switch("slow_background", False)
    rig.do("set_outlet_stock", levels(amsterdam=5), key="a")
    rig.fault("drop", match="PUT", after_effect=False)
    with pytest.raises(RetryLater):
        rig.do("set_outlet_stock", levels(amsterdam=7), key="b")
    rig.do("set_outlet_stock", levels(amsterdam=7), key="b")
    assert rig.stock("MUG", "amsterdam") == 7


def test_less_than_nothing_is_nothing(rig: BigCommerceRig) -> None:
    rig.do("set_outlet_stock", levels(amsterdam=-3))
    assert rig.stock("MUG", "amsterdam") == 0


def test_one_number_goes_to_the_location_of_the_setting(rig: BigCommerceRig) -> None:
    rig.settings["stock_location"] = "2"
    rig.do("set_stock", {"sku": "MUG", "quantity": 9})
    assert (rig.stock("MUG", "amsterdam"), rig.stock("MUG", "utrecht")) == (6, 9)


def test_one_number_goes_to_the_only_location(rig: BigCommerceRig) -> None:
    place_ = rig.box.state.get("location", 2)
    assert place_ is not None
    rig.box.state.put("location", 2, place_ | {"enabled": False})
    rig.do("set_stock", {"sku": "MUG", "quantity": 9})
    assert rig.stock("MUG", "amsterdam") == 9


def test_an_article_whose_stock_is_not_counted_is_refused_with_what_to_do(rig: BigCommerceRig) -> None:
    staff.save_product(rig.shop, rig._product("MUG") | {"inventory_tracking": "none"})
    with pytest.raises(Refused, match="Track inventory"):
        rig.do("set_outlet_stock", levels(amsterdam=1))


def test_a_sku_with_a_comma_is_one_sku(rig: BigCommerceRig) -> None:
    rig.rename("MUG", "MUG,TEA")
    rig.do("set_outlet_stock", levels(amsterdam=2) | {"sku": "MUG,TEA"})
    assert rig.stock("MUG,TEA", "amsterdam") == 2
    assert rig.stock("TEA", "amsterdam") == 30


def test_safety_stock_stays_what_the_shop_set(rig: BigCommerceRig) -> None:
    variant = rig._variant("MUG")["id"]
    stock.put_level(rig.shop, 1, variant, 6, safety=2)
    rig.do("set_outlet_stock", levels(amsterdam=5))
    assert rig.stock("MUG", "amsterdam") == 3
    found = stock.level(rig.shop, 1, variant)
    assert found is not None
    assert (found["onhand"], found["safety_stock"]) == (5, 2)
