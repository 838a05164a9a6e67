"""LS-30 to LS-40: statuses between shop and till."""

from __future__ import annotations

import pytest

from tests.behaviours.house import House


def test_ls_30_a_change_in_the_shop_after_completion_at_the_till_changes_nothing_there(house: House) -> None:
    number = house.shop.place({"MUG-RED": 1})
    house.settle()
    house.till.step(number, "done")
    house.settle()

    house.shop.change(number, fulfillmentStatus="PROCESSING")
    house.settle()

    assert house.till.states(number) == {"Warehouse Almere": "FULFILLED"}
    assert house.order(number)["state"] == "completed"


def test_ls_31_fulfilment_statuses_travel_both_ways(house: House) -> None:
    from_till, from_shop = house.shop.place({"MUG-RED": 1}), house.shop.place({"MUG-RED": 1})
    house.settle()

    house.till.step(from_till, "done")
    house.shop.change(from_shop, fulfillmentStatus="DELIVERED")
    house.settle()

    assert house.shop.statuses(from_till)[1] == "SHIPPED"
    assert house.till.states(from_shop) == {"Warehouse Almere": "FULFILLED"}
    assert house.shop.statuses(from_shop)[1] == "DELIVERED"


def test_ls_32_out_for_delivery_in_the_shop_completes_the_order_at_the_till(house: House) -> None:
    number = house.shop.place({"POT-GLASS": 1, "TEA-OOLONG": 1})
    house.settle()

    house.shop.change(number, fulfillmentStatus="OUT_FOR_DELIVERY")
    house.settle()

    assert house.till.states(number) == {"Amsterdam store": "FULFILLED", "Utrecht store": "FULFILLED"}
    assert house.till.sale(number)["state"] == "closed"
    assert house.shop.statuses(number)[1] == "OUT_FOR_DELIVERY"


def test_ls_32_out_for_delivery_on_an_unpaid_order_waits_for_the_payment(house: House) -> None:
    number = house.shop.place({"MUG-RED": 1}, payment="unpaid")
    house.settle()

    house.shop.change(number, fulfillmentStatus="OUT_FOR_DELIVERY")
    house.settle()
    assert house.till.states(number) == {"Warehouse Almere": "OPEN"}

    house.shop.change(number, paymentStatus="PAID")
    house.settle()
    assert house.till.states(number) == {"Warehouse Almere": "FULFILLED"}


def test_ls_33_packed_at_the_till_is_ready_for_pickup_in_the_shop_for_pickup_orders_only(house: House) -> None:
    pickup, parcel = house.shop.place({"MUG-RED": 1}, shipping="pickup-any"), house.shop.place({"MUG-RED": 1})
    house.settle()

    house.till.step(pickup, "pack")
    house.till.step(parcel, "pack")
    house.settle()

    assert house.shop.statuses(pickup)[1] == "READY_FOR_PICKUP"
    assert house.shop.statuses(parcel)[1] == "AWAITING_PROCESSING"


def test_ls_33_ready_for_pickup_in_the_shop_is_packed_at_the_till_for_pickup_orders_only(house: House) -> None:
    pickup, parcel = house.shop.place({"MUG-RED": 1}, shipping="pickup-any"), house.shop.place({"MUG-RED": 1})
    house.settle()

    house.shop.change(pickup, fulfillmentStatus="READY_FOR_PICKUP")
    house.shop.change(parcel, fulfillmentStatus="READY_FOR_PICKUP")
    house.settle()

    assert list(house.till.states(pickup).values()) == ["PACKED"]
    assert list(house.till.states(parcel).values()) == ["OPEN"]


def test_ls_34_a_refund_at_the_till_shows_in_the_shop(house: House) -> None:
    number = house.shop.place({"MUG-RED": 1})
    house.settle()
    house.till.step(number, "done")
    house.settle()

    house.till.refund(number)
    house.settle()

    assert house.shop.statuses(number)[0] == "REFUNDED"
    assert house.order(number)["payment_status"] == "refunded"


def test_ls_35_marked_paid_in_the_shop_becomes_paid_at_the_till(house: House) -> None:
    number = house.shop.place({"MUG-RED": 2}, payment="bank")
    house.settle()

    house.shop.change(number, paymentStatus="PAID")
    house.settle()

    assert [float(p["amount"]) for p in house.till.sale(number)["payments"]] == [25.0]
    assert house.order(number)["payment_status"] == "paid"


def test_ls_36_paid_at_the_sell_screen_becomes_paid_in_the_shop(house: House) -> None:
    number = house.shop.place({"MUG-RED": 1}, payment="unpaid")
    house.settle()

    house.till.pay_at_sell_screen(number)
    house.settle()

    assert house.shop.statuses(number)[0] == "PAID"


def test_ls_36_paid_in_sales_history_does_not_reach_the_shop_unless_the_merchant_wants_it(house: House) -> None:
    first, second = house.shop.place({"MUG-RED": 1}, payment="unpaid"), house.shop.place({"MUG-RED": 1}, payment="unpaid")
    house.settle()

    house.till.pay_in_sales_history(first, "12.50")
    house.settle()
    assert house.order(first)["payment_status"] == "paid"
    assert house.shop.statuses(first)[0] == "AWAITING_PAYMENT"

    house.set("status_to_shop", tell_payment_from_sales_history=True)
    house.till.pay_in_sales_history(second, "12.50")
    house.settle()
    assert house.shop.statuses(second)[0] == "PAID"


def test_ls_37_work_in_progress_does_not_travel(house: House) -> None:
    at_till, in_shop = house.shop.place({"MUG-RED": 1}), house.shop.place({"MUG-RED": 1})
    house.settle()

    house.till.step(at_till, "start")
    house.shop.change(in_shop, fulfillmentStatus="PROCESSING")
    house.settle()

    assert house.order(at_till)["fulfilment_status"] == "in_progress"
    assert house.shop.statuses(at_till)[1] == "AWAITING_PROCESSING"
    assert house.till.states(in_shop) == {"Warehouse Almere": "OPEN"}


def test_ls_38_cancelled_in_the_shop_is_cancelled_at_the_till(house: House) -> None:
    number = house.shop.place({"MUG-RED": 2})
    house.settle()

    house.shop.change(number, paymentStatus="CANCELLED")
    house.settle()

    assert house.till.sale(number)["state"] == "voided"
    assert house.order(number)["state"] == "cancelled"
    assert house.till.level("MUG-RED", "Warehouse Almere") == 24
    assert house.shop.stock("MUG-RED") == 34


def test_ls_38_cancelled_at_the_till_is_cancelled_in_the_shop(house: House) -> None:
    number = house.shop.place({"MUG-RED": 2})
    house.settle()

    house.till.void(number)
    house.settle()

    assert house.shop.statuses(number)[0] == "CANCELLED"
    assert house.order(number)["state"] == "cancelled"
    assert house.shop.stock("MUG-RED") == 34


@pytest.mark.parametrize("side", ["shop", "till"])
def test_ls_39_a_cancelled_order_will_not_be_delivered_in_the_shop(house: House, side: str) -> None:
    number = house.shop.place({"MUG-RED": 1})
    house.settle()

    if side == "shop":
        house.shop.change(number, paymentStatus="CANCELLED")
    else:
        house.till.void(number)
    house.settle()

    assert house.shop.statuses(number) == ("CANCELLED", "WILL_NOT_DELIVER")


def test_ls_40_a_cancelled_order_can_no_longer_be_updated(house: House) -> None:
    number = house.shop.place({"MUG-RED": 1})
    house.settle()
    house.shop.change(number, paymentStatus="CANCELLED")
    house.settle()
    house.shop.box.sandbox.set_switch("cancelled_is_final", False)

    house.shop.change(number, paymentStatus="PAID", fulfillmentStatus="SHIPPED")
    house.settle()

    assert house.till.sale(number)["state"] == "voided"
    assert house.order(number)["state"] == "cancelled"
    assert "can no longer be updated" in house.notes(number)
