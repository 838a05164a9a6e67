"""LS-55 to LS-74: delivery orders and pickup orders."""

from __future__ import annotations

import pytest

from tests.behaviours.house import BLOCKED, House, words


@pytest.mark.parametrize("shipping", ["parcel", "courier"])
def test_ls_55_a_delivery_order_has_type_delivery(house: House, shipping: str) -> None:
    number = house.shop.place({"MUG-RED": 1}, shipping=shipping)
    house.settle()

    (part,) = house.till.fulfilments(number).values()
    assert part["type"] == "DISPATCH"
    assert "Delivery" in words(house.till.page("/"))


def test_ls_56_and_ls_57_mark_as_packed_makes_a_delivery_packed(house: House) -> None:
    number = house.shop.place({"MUG-RED": 1})
    house.settle()

    house.till.step(number, "pack")
    house.settle()

    assert house.till.states(number) == {"Warehouse Almere": "PACKED"}
    assert house.order(number)["fulfilment_status"] == "packed"


def test_ls_59_a_packed_delivery_changes_nothing_in_the_shop(house: House) -> None:
    number = house.shop.place({"MUG-RED": 1})
    house.settle()
    before = house.shop.statuses(number)

    house.till.step(number, "pack")
    house.settle()

    assert house.shop.statuses(number) == before
    assert house.commands("set_order_status") == []
    assert "packed does not travel for deliveries" in house.notes(number)


def test_ls_60_and_ls_64_mark_as_shipped_completes_both_sides(house: House) -> None:
    number = house.shop.place({"MUG-RED": 1})
    house.settle()

    house.till.step(number, "pack")
    house.till.step(number, "done")
    house.settle()

    assert house.till.sale(number)["state"] == "closed"
    assert house.shop.statuses(number) == ("PAID", "SHIPPED")


def test_ls_64_a_merchant_may_want_shipped_orders_to_show_as_delivered(house: House) -> None:
    house.set("status_to_shop", shop_status_when_shipped="delivered")
    number = house.shop.place({"MUG-RED": 1})
    house.settle()

    house.till.step(number, "done")
    house.settle()

    assert house.shop.statuses(number) == ("PAID", "DELIVERED")


@pytest.mark.parametrize("shipping", ["parcel", "pickup-any"])
def test_ls_61_and_ls_73_an_unpaid_order_needs_a_payment_before_it_leaves(house: House, shipping: str) -> None:
    number = house.shop.place({"MUG-RED": 1}, payment="unpaid", shipping=shipping)
    house.settle()

    assert BLOCKED in house.till.step(number, "done")
    house.till.pay_at_sell_screen(number)
    assert BLOCKED not in house.till.step(number, "done")
    house.settle()

    assert house.order(number)["state"] == "completed"
    assert house.shop.statuses(number)[0] == "PAID"


def test_ls_62_tracking_typed_into_the_sale_note_reaches_the_shop(house: House) -> None:
    number = house.shop.place({"MUG-RED": 1})
    house.settle()

    house.till.note(number, "Tracking: 3STEST0000001")
    house.settle()

    assert house.shop.order(number)["trackingNumber"] == "3STEST0000001"
    assert house.order("3STEST0000001")["number"] == number


def test_ls_63_the_customer_is_mailed_when_the_order_is_shipped(house: House) -> None:
    number = house.shop.place({"MUG-RED": 1})
    house.settle()
    house.till.step(number, "done")
    house.settle()

    assert [m for m in house.shop.state.all("mail") if m["order"] == number and "SHIPPED" in str(m)]


def test_ls_65_a_pickup_order_has_type_pickup_and_goes_where_customers_can_come(house: House) -> None:
    number = house.shop.place({"MUG-RED": 1}, shipping="pickup-any")
    house.settle()

    ((outlet, part),) = house.till.fulfilments(number).items()
    assert part["type"] == "PICKUP"
    assert outlet == "Amsterdam store"
    assert "Pickup" in words(house.till.page("/"))


def test_ls_66_and_ls_68_mark_as_packed_makes_a_pickup_packed(house: House) -> None:
    number = house.shop.place({"MUG-RED": 1}, shipping="pickup-any")
    house.settle()

    house.till.step(number, "pack")
    house.settle()

    assert house.till.states(number) == {"Amsterdam store": "PACKED"}
    assert house.order(number)["fulfilment_status"] == "packed"


def test_ls_67_an_unpaid_pickup_order_may_be_packed_but_not_handed_over(house: House) -> None:
    number = house.shop.place({"MUG-RED": 1}, payment="unpaid", shipping="pickup-any")
    house.settle()

    assert BLOCKED not in house.till.step(number, "pack")
    assert BLOCKED in house.till.step(number, "done")
    house.settle()

    assert house.order(number)["fulfilment_status"] == "packed"


def test_ls_70_a_merchant_may_keep_a_packed_pickup_from_the_shop(house: House) -> None:
    house.set("status_to_shop", tell_pickup_packed=False)
    number = house.shop.place({"MUG-RED": 1}, shipping="pickup-any")
    house.settle()

    house.till.step(number, "pack")
    house.settle()

    assert house.shop.statuses(number) == ("PAID", "AWAITING_PROCESSING")


def test_ls_71_the_customer_is_mailed_when_the_order_can_be_collected(house: House) -> None:
    number = house.shop.place({"MUG-RED": 1}, shipping="pickup-any")
    house.settle()
    house.till.step(number, "pack")
    house.settle()

    assert [m for m in house.shop.state.all("mail") if m["order"] == number and "READY_FOR_PICKUP" in str(m)]


def test_ls_72_and_ls_74_mark_as_picked_up_completes_both_sides(house: House) -> None:
    number = house.shop.place({"MUG-RED": 1}, shipping="pickup-any")
    house.settle()
    house.till.step(number, "pack")
    house.settle()

    house.till.step(number, "done")
    house.settle()

    assert house.till.sale(number)["state"] == "closed"
    assert house.shop.statuses(number) == ("PAID", "DELIVERED")
    assert house.order(number)["state"] == "completed"
