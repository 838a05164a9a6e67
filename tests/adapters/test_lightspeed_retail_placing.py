"""Placing an order as a sale in Lightspeed Retail: once, to the cent, at the outlets chosen."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
import requests
from lightspeed_retail_till import ORDER, Till, an_order, of_type, open_till, with_settings

from adapters.base import Memory, Refused, RetryLater
from adapters.lightspeed_retail import mapping, sandbox

ORDER_REF = {"id": "order-1"}


@pytest.fixture
def till(memory: Memory, http: requests.Session) -> Iterator[Till]:
    with open_till(memory, http) as opened:
        yield opened


def test_an_order_becomes_a_pending_sale_of_exactly_its_total(till: Till) -> None:
    result = till.place()
    sale = till.sale()
    assert sale["state"] == "pending" and sale["attributes"] == ["delivery"]
    assert Decimal(str(sale["totals"]["price_incl_tax"])) == Decimal("50.00")
    assert sale["source"]["id"] == "7Q2XK" and sale["source"]["type"] == "ECWID"
    (placed,) = of_type(result, "sale.placed")
    assert placed.data == {
        "order": ORDER_REF, "sale_id": sale["id"], "receipt_number": sale["receipt_number"], "stock_deducted": True,
    }  # fmt: skip


def test_an_order_for_two_outlets_gives_two_new_fulfilments(till: Till) -> None:
    result = till.place()
    events = of_type(result, "fulfilment.status_changed")
    assert {event.data["outlet"]: event.data["lines"][0] for event in events} == {
        "ams": {"sku": "MUG-BLUE", "quantity": 2, "picked": 0, "packed": 0, "fulfilled": 0},
        "utr": {"sku": "POT-CAST", "quantity": 1, "picked": 0, "packed": 0, "fulfilled": 0},
    }
    assert {(event.data["status"], event.data["type"]) for event in events} == {("new", "delivery")}


def test_one_order_line_may_be_divided_over_two_outlets(till: Till) -> None:
    mug = {"id": "a", "sku": "MUG-BLUE", "name": "Mug", "unit_price": "12.50", "tax_rate": "21"}
    result = till.place(lines=[{**mug, "quantity": 3, "outlet": "ams"}, {**mug, "quantity": 1, "outlet": "utr"}])
    quantities = {
        event.data["outlet"]: event.data["lines"][0]["quantity"]
        for event in of_type(result, "fulfilment.status_changed")
    }
    assert quantities == {"ams": 3, "utr": 1}


def test_placing_lowers_stock_at_each_outlet_and_tells_the_new_levels(till: Till) -> None:
    result = till.place()
    told = {
        (event.data["outlet"], event.data["sku"]): event.data["on_hand"] for event in of_type(result, "stock.changed")
    }
    assert told == {("ams", "MUG-BLUE"): 10, ("utr", "MUG-BLUE"): 5, ("ams", "POT-CAST"): 0, ("utr", "POT-CAST"): 2}
    assert (till.level("MUG-BLUE", "ams"), till.level("POT-CAST", "utr")) == (10, 2)


def test_a_pickup_order_becomes_a_pickup_sale(till: Till) -> None:
    result = till.place(fulfilment_type="pickup")
    assert till.sale()["attributes"] == ["pickup"]
    assert {event.data["type"] for event in of_type(result, "fulfilment.status_changed")} == {"pickup"}
    assert till.state.counter("addresses_created") == 0


def test_placing_twice_makes_one_sale_and_tells_the_same_events(till: Till) -> None:
    first, second = till.place(), till.place()
    assert second.did_nothing and not first.did_nothing
    assert [event.id for event in second.events] == [event.id for event in first.events]
    assert till.state.counter("sales_created") == 1


@pytest.mark.parametrize(
    "lost", ["POST /api/2026-07/sales", "POST /api/2026-07/customers", "addresses", "GET /api/2026-07/fulfillments"]
)
def test_an_answer_lost_after_its_effect_leaves_no_twin(till: Till, lost: str) -> None:
    till.lose_answer(lost)
    with pytest.raises(RetryLater):
        till.place()
    till.place()
    counters = till.state.counters()
    assert (counters["sales_created"], counters["customers_created"], counters["addresses_created"]) == (1, 1, 1)
    assert len(till.fulfilments()) == 2
    assert till.level("MUG-BLUE", "ams") == 10


def test_two_workers_placing_one_order_at_once_make_one_sale(till: Till) -> None:
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda _: till.place(), range(2)))
    assert till.state.counter("sales_created") == 1
    assert sorted(result.did_nothing for result in results) == [False, True]


def test_a_sale_that_somebody_else_placed_a_moment_before_is_taken_over(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = till.http.request

    def somebody_is_faster(method: str, url: str, **options: Any) -> requests.Response:
        if method == "POST" and url.endswith("/sales"):
            requests.post(url, json=options["json"], headers=options["headers"], timeout=5)
        return send(method, url, **options)

    monkeypatch.setattr(till.http, "request", somebody_is_faster)
    result = till.place()
    assert till.state.counter("sales_created") == 1
    assert len(of_type(result, "fulfilment.status_changed")) == 2


def test_a_sale_of_another_order_under_our_id_is_refused(till: Till) -> None:
    till.place()
    with pytest.raises(Refused, match="for order 7Q2XK"):
        till.place(number="OTHER")


def test_shipping_is_a_line_on_the_shipping_product_that_nobody_packs(till: Till) -> None:
    result = till.place(total="54.95", shipping_price="4.95")
    assert len(till.sale()["line_items"]) == 3
    assert Decimal(str(till.sale()["totals"]["price_incl_tax"])) == Decimal("54.95")
    skus = {line["sku"] for event in of_type(result, "fulfilment.status_changed") for line in event.data["lines"]}
    assert skus == {"MUG-BLUE", "POT-CAST"}


def test_units_that_became_two_sale_lines_are_told_as_one(till: Till) -> None:
    lines = [{**ORDER["lines"][0], "quantity": 3, "unit_price": "3.50"}]
    result = till.place(lines=lines, total="10.00", discount="0.50")
    assert len(till.sale()["line_items"]) == 2
    (event,) = of_type(result, "fulfilment.status_changed")
    assert event.data["lines"] == [{"sku": "MUG-BLUE", "quantity": 3, "picked": 0, "packed": 0, "fulfilled": 0}]


def test_the_note_holds_order_customer_address_and_remarks(till: Till) -> None:
    till.place(comment="Ring twice\nTracking: 666")
    assert till.sale()["note"].splitlines() == [
        "Order: 7Q2XK (Lightspeed eCom)",
        "Customer: Ada Lovelace Ada@Example.org +31201234567",
        "Address: Ada Lovelace, Damrak 1, 1012 LG, Amsterdam, NL, +31201234567"[:-14],
        "Remarks: Ring twice; Tracking: 666",
    ]


def test_what_a_customer_writes_never_passes_for_tracking(till: Till) -> None:
    result = till.place(comment="Tracking: 666")
    assert not of_type(result, "shipment.tracking_added")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"lines": [{**ORDER["lines"][0], "sku": "NOPE", "quantity": 4}]}, "no product with SKU NOPE"),
        (
            {"lines": [{**ORDER["lines"][0], "quantity": 4, "outlet": "rotterdam"}]},
            "Outlet rotterdam is linked to no outlet",
        ),
        ({"lines": [{**ORDER["lines"][0], "quantity": 4, "outlet": None}]}, "No outlet is chosen for MUG-BLUE"),
        ({"lines": [{**ORDER["lines"][0], "quantity": 4, "tax_rate": "17"}]}, "no sales tax of 17 %"),
        ({"currency": "SEK"}, "sells in EUR"),
        ({"total": "49.00"}, "make 50.00"),
        ({"fulfilment_type": "drone"}, "not by 'drone'"),
        ({"payments": [{"amount": "-1", "method": "Mollie"}]}, "above zero"),
        ({"lines": []}, "no lines"),
    ],
)
def test_an_order_the_till_cannot_hold_is_refused_and_leaves_nothing(till: Till, changes: dict, words: str) -> None:
    with pytest.raises(Refused, match=words):
        till.place(**changes)
    assert till.state.counter("sales_created") == 0
    assert till.state.counter("customers_created") == 0
    assert till.memory.external("order", "order-1") is None


def test_a_command_without_what_it_needs_is_refused(till: Till) -> None:
    with pytest.raises(Refused, match=r"lacks order\.total, lines"):
        till.do("place_sale", order={"id": "x", "number": "1", "currency": "EUR"})
    with pytest.raises(Refused, match="no operation 'dance'"):
        till.do("dance")


@pytest.mark.parametrize("name", ["register_id", "author_id"])
def test_a_missing_setting_is_named(till: Till, name: str) -> None:
    with pytest.raises(Refused, match=name):
        with_settings(till, **{name: ""}).place()


def test_a_total_without_tax_uses_the_tax_named_no_tax(till: Till) -> None:
    till.place(lines=[{**ORDER["lines"][0], "quantity": 4, "tax_rate": "0"}])
    (line,) = till.sale()["line_items"]
    assert line["tax"]["id"] == sandbox.seeded_id("tax", "No Tax")


def test_the_same_order_always_gets_the_same_sale_id() -> None:
    assert mapping.sale_id("order-1") == mapping.sale_id("order-1") != mapping.sale_id("order-2")
    assert an_order()["order"]["id"] == "order-1"
