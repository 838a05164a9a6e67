"""The screens of the sandbox till: what staff see and do there."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import requests
from lightspeed_retail_till import OUTLETS, Till, open_till

from adapters.base import Memory
from adapters.lightspeed_retail import mapping, sandbox

ORDER_REF = {"id": "order-1"}
SALE_ID = mapping.sale_id("order-1")
CASH = sandbox.seeded_id("payment_type", "Cash")
MUG = sandbox.seeded_id("product", "MUG-BLUE")
UTRECHT = sandbox.seeded_id("outlet", "Utrecht")


@pytest.fixture
def till(memory: Memory, http: requests.Session) -> Iterator[Till]:
    with open_till(memory, http) as opened:
        yield opened


def page(till: Till, path: str) -> str:
    answer = till.http.get(f"{till.box.url}{path}")
    assert answer.status_code == 200
    return answer.text


def fulfilment_at(till: Till, outlet: str) -> str:
    outlet_id = sandbox.seeded_id("outlet", OUTLETS[outlet])
    return next(row["id"] for row in till.fulfilments() if row["outlet_id"] == outlet_id)


@pytest.mark.parametrize("path", ["/", "/sales", "/sell", "/stock", "/customers", "/?outlet=none"])
def test_every_screen_has_one_heading_and_no_foreign_address_also_when_empty(till: Till, path: str) -> None:
    for _ in range(2):
        html = page(till, path)
        assert html.count("<h1>") == 1
        assert not re.findall(r'(?:src|href|action)="(?:https?:)?//', html)
        till.place()


def test_fulfilments_shows_each_part_with_receipt_type_customer_items_and_note(till: Till) -> None:
    till.place()
    html = page(till, "/")
    for words in (
        till.sale()["receipt_number"],
        "New",
        "Delivery",
        "Ada Lovelace",
        "Mug, blue",
        '<td class="number">2',
        "Leave with neighbour",
        "Unpaid: 50.00",
    ):
        assert words in html
    assert "Cast iron teapot" not in page(till, f"/?outlet={sandbox.seeded_id('outlet', 'Amsterdam')}")


def test_a_split_order_stays_open_until_every_part_is_packed(till: Till) -> None:
    till.place()
    till.press(f"/fulfilments/{fulfilment_at(till, 'ams')}/pack")
    assert "Order of 2 parts: Open" in page(till, "/")
    till.press(f"/fulfilments/{fulfilment_at(till, 'utr')}/pack")
    assert "Order of 2 parts: Packed" in page(till, "/")


def test_marking_an_unpaid_order_as_shipped_is_blocked_until_staff_add_a_payment(till: Till) -> None:
    till.place()
    for outlet in OUTLETS:
        blocked = till.press(f"/fulfilments/{fulfilment_at(till, outlet)}/done")
        assert "was not moved on" in blocked.text and "Take the customer" in blocked.text
    till.press(f"/sales/{SALE_ID}/payment", amount="50.00", type=CASH)
    for outlet in OUTLETS:
        till.press(f"/fulfilments/{fulfilment_at(till, outlet)}/done").raise_for_status()
    assert "No open orders" in page(till, "/")
    assert "Delivery, completed" in page(till, "/sales")
    assert till.sale()["state"] == "closed"


def test_pickup_orders_are_marked_as_picked_up(till: Till) -> None:
    till.place(fulfilment_type="pickup")
    assert "Mark as picked up" in page(till, "/") and "Mark as shipped" not in page(till, "/")


def test_the_processor_of_an_online_payment_is_named_in_sales_history(till: Till) -> None:
    till.place(payments=[{"amount": "50.00", "method": "Lightspeed Payments"}])
    assert "Lightspeed Payments" in page(till, "/sales")
    assert "Nothing matches" in page(till, "/sales?q=nobody")


@pytest.mark.parametrize("amount", ["0", "-5", "50.01", "x", ""])
def test_a_payment_that_makes_no_sense_is_refused_on_the_screen(till: Till, amount: str) -> None:
    till.place()
    assert till.press(f"/sales/{SALE_ID}/payment", amount=amount, type=CASH).status_code == 422
    assert till.sale()["payments"] == []


def test_a_sale_over_the_counter_lowers_stock_at_its_outlet(till: Till) -> None:
    form = {"product": MUG, "quantity": "2", "register": sandbox.seeded_id("register", "Utrecht till"), "type": CASH}
    till.press("/sell/counter", **form).raise_for_status()
    assert till.level("MUG-BLUE", "utr") == 3
    assert till.press("/sell/counter", **{**form, "quantity": "0"}).status_code == 422
    assert till.press("/sell/counter", **{**form, "product": "x"}).status_code == 422


def test_stock_is_adjusted_by_hand(till: Till) -> None:
    till.press("/stock", product=MUG, outlet=UTRECHT, quantity="-2").raise_for_status()
    assert till.level("MUG-BLUE", "utr") == 3
    assert till.press("/stock", product=MUG, outlet=UTRECHT, quantity="").status_code == 422


def test_what_does_not_exist_is_a_page_that_says_so(till: Till) -> None:
    answer = till.http.get(f"{till.box.url}/sales/nope")
    assert answer.status_code == 404 and "There is no sale nope." in answer.text


def test_picking_more_than_ordered_in_the_scanner_app_is_refused(till: Till) -> None:
    till.place()
    row = next(row for row in till.fulfilments() if row["id"] == fulfilment_at(till, "ams"))
    line = row["line_items"][0]["sale_line_item_id"]
    assert till.press(f"/scanner/{row['id']}", **{line: "9"}).status_code == 422
    till.press(f"/scanner/{row['id']}", **{line: "2"}).raise_for_status()
    till.press(f"/scanner/{row['id']}", **{line: "1"}).raise_for_status()
    assert till.fulfilments()[0]["line_items"][0]["picked_quantity"] == "1.00"
    assert "1 picked" in page(till, "/")
