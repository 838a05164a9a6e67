"""LS-08 to LS-15: orders and payments arriving at the till."""

from __future__ import annotations

import pytest

from tests.behaviours.house import House, words


def test_ls_08_an_order_appears_in_sales_history_and_on_the_fulfilments_page_as_soon_as_it_is_placed(house: House) -> None:
    number = house.shop.place({"MUG-RED": 1})
    house.settle()

    receipt = house.till.sale(number)["receipt_number"]
    assert receipt in words(house.till.page("/sales"))
    assert receipt in words(house.till.page("/"))


@pytest.mark.parametrize("payment", ["online", "bank", "unpaid"])
def test_ls_09_paid_and_unpaid_orders_both_reach_the_till(house: House, payment: str) -> None:
    number = house.shop.place({"MUG-RED": 1}, payment=payment)
    house.settle()

    assert house.till.states(number) == {"Warehouse Almere": "OPEN"}


def test_ls_10_fulfilments_of_a_new_order_are_new(house: House) -> None:
    number = house.shop.place({"MUG-RED": 1})
    house.settle()

    assert "New" in words(house.till.page("/"))
    assert [f["status"] for f in house.order(number)["fulfilments"]] == ["new"]


def test_ls_11_a_sale_at_the_till_makes_no_order_in_the_shop_but_its_stock_follows(house: House) -> None:
    house.till.sell_in_store("MUG-BLUE", 1, "Amsterdam store")
    house.settle()

    assert house.shop.state.all("order") == []
    assert house.get("/v1/orders")["items"] == []
    assert house.shop.stock("MUG-BLUE") == 9


def test_ls_12_the_payment_processor_is_named_in_sales_history(house: House) -> None:
    number = house.shop.place({"MUG-RED": 1}, payment="online")
    house.settle()

    payments = house.till.sale(number)["payments"]
    assert [p["type"]["name"] for p in payments] == ["Lightspeed Payments"]
    assert "Lightspeed Payments" in words(house.till.page("/sales"))


def test_ls_13_an_offline_payment_arrives_as_not_paid(house: House) -> None:
    number = house.shop.place({"MUG-RED": 1}, payment="bank")
    house.settle()

    assert house.till.sale(number)["payments"] == []
    assert house.order(number)["payment_status"] == "unpaid"


def test_ls_13_an_offline_payment_that_staff_had_already_recorded_arrives_as_not_paid_too(house: House) -> None:
    order = {
        "number": "OFF-1", "external_id": "OFF-1", "placed_at": "2026-09-21T14:13:20Z", "updated_at": "2026-09-21T14:13:20Z",
        "currency": "EUR", "total": "12.50", "payment_status": "paid", "payment": {"method": "Cash"},
        "fulfilment_type": "delivery", "lines": [{"id": "1", "sku": "MUG-RED", "quantity": 1, "unit_price": "12.50", "tax_rate": "21"}],
    }  # fmt: skip
    answer = house.post_event("order.placed", {"order": order}, source="webshop")
    house.settle()

    assert answer.status_code == 201
    assert house.order("OFF-1")["payment_status"] == "unpaid"
    assert house.till.sale("OFF-1")["payments"] == []


def test_ls_14_the_products_are_deducted_from_stock_when_the_order_arrives(house: House) -> None:
    house.shop.place({"MUG-RED": 4}, payment="unpaid")
    house.settle()

    assert house.till.level("MUG-RED", "Warehouse Almere") == 20
    stock = {s["outlet"]: s for s in house.get("/v1/stock?sku=MUG-RED")["items"]}
    assert (stock["warehouse"]["on_hand"], stock["warehouse"]["reserved"]) == (20, 0)


def test_ls_15_an_order_may_be_dealt_with_in_the_shop_or_at_the_till(house: House) -> None:
    in_shop, at_till = house.shop.place({"MUG-RED": 1}), house.shop.place({"MUG-RED": 1})
    house.settle()

    house.shop.change(in_shop, fulfillmentStatus="SHIPPED")
    house.till.step(at_till, "pack")
    house.till.step(at_till, "done")
    house.settle()

    assert house.till.states(in_shop) == {"Warehouse Almere": "FULFILLED"}
    assert house.shop.statuses(at_till) == ("PAID", "SHIPPED")
    assert house.order(in_shop)["state"] == house.order(at_till)["state"] == "completed"
