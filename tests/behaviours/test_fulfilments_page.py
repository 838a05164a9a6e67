"""LS-41 to LS-54: the Fulfilments page of the till."""

from __future__ import annotations

import pytest
import requests

from tests.behaviours.house import BLOCKED, House, words


def test_ls_41_and_ls_43_open_orders_are_on_the_fulfilments_page_and_completed_ones_only_in_sales_history(house: House) -> None:
    still_open, done = house.shop.place({"MUG-RED": 1}), house.shop.place({"MUG-RED": 1})
    house.settle()
    house.till.step(done, "done")
    house.settle()

    page, history = words(house.till.page("/")), words(house.till.page("/sales"))
    open_receipt, done_receipt = house.till.sale(still_open)["receipt_number"], house.till.sale(done)["receipt_number"]
    assert open_receipt in page
    assert done_receipt not in page
    assert open_receipt in history
    assert done_receipt in history


def test_ls_42_and_ls_50_a_fulfilment_lists_what_to_pack_and_how_many(house: House) -> None:
    number = house.shop.place({"MUG-RED": 2, "TEA-EARL": 3})
    house.settle()

    (part,) = house.till.fulfilments(number).values()
    assert {(line["product_id"], line["quantity"]) for line in part["line_items"]} == {
        (house.till.product("MUG-RED"), "2.00"),
        (house.till.product("TEA-EARL"), "3.00"),
    }
    shown = house.order(number)["fulfilments"][0]["lines"]
    assert {(line["sku"], line["quantity"]) for line in shown} == {("MUG-RED", 2), ("TEA-EARL", 3)}


def test_ls_44_and_ls_45_the_page_shows_receipt_status_type_customer_item_quantity_and_sale_note(house: House) -> None:
    number = house.shop.place({"MUG-RED": 2}, comment="Leave it with the neighbours")
    house.settle()

    page = words(house.till.page("/"))
    for shown in (house.till.sale(number)["receipt_number"], "New", "Delivery", "Sanne de Wit", "Mug, red", "2",
                  "Leave it with the neighbours"):  # fmt: skip
        assert shown in page


def _scan(house: House, number: str, **form: str) -> None:
    (part,) = house.till.fulfilments(number).values()
    lines = {line["sale_line_item_id"]: form.pop("picked", "0") for line in part["line_items"]}
    requests.post(f"{house.till.box.url}/scanner/{part['id']}", data={**lines, **form}, timeout=10)


def test_ls_46_and_ls_49_what_the_scanner_app_picked_is_known_at_once(house: House) -> None:
    number = house.shop.place({"MUG-RED": 3})
    house.settle()

    _scan(house, number, picked="2")
    house.settle()

    (line,) = house.order(number)["fulfilments"][0]["lines"]
    assert (line["picked"], line["quantity"]) == (2, 3)
    assert house.order(number)["fulfilments"][0]["status"] == "in_progress"


def test_ls_47_fulfilment_notes_and_the_assigned_user_of_the_scanner_app_are_known(house: House) -> None:
    number = house.shop.place({"MUG-RED": 1})
    house.settle()
    user = next(u for u in house.till.state.all("user") if u["display_name"] == "Anna de Wit")

    _scan(house, number, picked="0", note="One is damaged", user=user["id"])
    house.settle()

    part = house.order(number)["fulfilments"][0]
    assert part["note"] == "One is damaged"
    assert len(part["assigned_users"]) == 1


@pytest.mark.parametrize("shipping", ["parcel", "pickup-any"])
def test_ls_48_a_payment_added_in_sales_history_unblocks_the_order(house: House, shipping: str) -> None:
    number = house.shop.place({"MUG-RED": 1}, payment="unpaid", shipping=shipping)
    house.settle()
    assert house.order(number)["blocked_reason"]

    house.till.pay_in_sales_history(number, "12.50")
    house.settle()
    assert not house.order(number)["blocked_reason"]

    assert BLOCKED not in house.till.step(number, "done")
    house.settle()
    assert house.order(number)["state"] == "completed"


def test_ls_51_the_status_is_new_then_in_progress_then_packed(house: House) -> None:
    number = house.shop.place({"MUG-RED": 1})
    house.settle()

    seen = [house.order(number)["fulfilments"][0]["status"]]
    for step in ("start", "pack"):
        house.till.step(number, step)
        house.settle()
        seen.append(house.order(number)["fulfilments"][0]["status"])

    assert seen == ["new", "in_progress", "packed"]


def test_ls_53_a_completed_order_leaves_the_fulfilments_page(house: House) -> None:
    number = house.shop.place({"MUG-RED": 1})
    house.settle()
    receipt = house.till.sale(number)["receipt_number"]
    assert receipt in words(house.till.page("/"))

    house.till.step(number, "done")
    house.settle()

    assert receipt not in words(house.till.page("/"))
    assert receipt in words(house.till.page("/sales"))
    assert house.order(number)["state"] == "completed"


def test_ls_54_an_order_that_is_not_fully_paid_cannot_be_fulfilled(house: House) -> None:
    number = house.shop.place({"MUG-RED": 1}, payment="unpaid")
    house.settle()

    shown = house.till.step(number, "done")
    house.settle()

    assert BLOCKED in shown
    assert house.till.states(number) == {"Warehouse Almere": "OPEN"}
    assert "take the customer's payment first" in house.order(number)["blocked_reason"]


def test_ls_54_another_system_that_says_an_unpaid_order_is_completed_is_refused(house: House) -> None:
    number = house.shop.place({"MUG-RED": 1}, payment="unpaid")
    house.settle()

    answer = house.post_event("fulfilment.status_changed", {"order": {"number": number}, "outlet": "warehouse", "status": "completed"})

    assert answer.json()["status"] == "failed"
    assert "take the customer's payment first" in answer.text
    assert house.order(number)["fulfilments"][0]["status"] == "new"
