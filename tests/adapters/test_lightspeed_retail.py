"""Paying, voiding, packing and completing sales in Lightspeed Retail, with answers lost on the way."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
import requests
from lightspeed_retail_till import ORDER, Till, of_type, open_till, with_settings

from adapters.base import Memory, Refused, Result, RetryLater
from adapters.lightspeed_retail import mapping

ORDER_REF = {"id": "order-1"}


@pytest.fixture
def till(memory: Memory, http: requests.Session) -> Iterator[Till]:
    with open_till(memory, http) as opened:
        yield opened


def pay(till: Till, amount: str = "50.00", **more: Any) -> Result:
    details = {"method": "Mollie", "reference": "tr_1", "at": "2026-09-21T15:00:00Z", **more}
    return till.do("add_payment", order=ORDER_REF, amount=amount, **details)


# Paying


def test_payments_known_at_once_are_booked_under_the_processors_name(till: Till) -> None:
    result = till.place(
        payments=[{"amount": "50.00", "method": "Mollie", "at": "2026-09-21T14:13:20Z", "reference": "tr_1"}]
    )
    (payment,) = till.sale()["payments"]
    assert (payment["type"]["name"], Decimal(str(payment["amount"]))) == ("Mollie", Decimal("50.00"))
    assert not of_type(result, "payment.received")
    assert not of_type(till.do("read_sale", sale_id=till.sale()["id"]), "payment.received")


def test_a_method_the_till_does_not_know_uses_the_mapping_then_the_default(till: Till) -> None:
    mapped = with_settings(till, payment_type_by_method={"klarna": "Bank deposit"})
    mapped.place(payments=[{"amount": "20.00", "method": "Klarna"}, {"amount": "30.00", "method": "Bitcoin"}])
    assert [payment["type"]["name"] for payment in till.sale()["payments"]] == ["Bank deposit", "Online payment"]


def test_a_method_with_no_payment_type_at_all_is_refused(till: Till) -> None:
    with pytest.raises(Refused, match=r"no payment type for Bitcoin\. It has: Cash"):
        with_settings(till, payment_type_default="").place(payments=[{"amount": "50.00", "method": "Bitcoin"}])


def test_payments_beyond_the_total_are_cut(till: Till) -> None:
    till.place(payments=[{"amount": "40.00", "method": "Mollie"}, {"amount": "40.00", "method": "Cash"}])
    assert [Decimal(str(payment["amount"])) for payment in till.sale()["payments"]] == [40, 10]


def test_a_payment_made_in_the_shop_is_added_and_the_sale_stays_whole(till: Till) -> None:
    till.place(total="54.95", shipping_price="4.95")
    before, fulfilments = till.sale(), till.fulfilments()
    result = pay(till, "54.95")
    after = till.sale()
    assert "0.00 remains" in result.summary and after["payments"][0]["type"]["name"] == "Mollie"
    for key in ("line_items", "note", "customer_id", "attributes", "state", "source", "date"):
        assert after[key] == before[key]
    assert [(row["outlet_id"], row["line_items"]) for row in till.fulfilments()] == [
        (row["outlet_id"], row["line_items"]) for row in fulfilments
    ]
    assert till.level("MUG-BLUE", "ams") == 10


def test_more_than_is_outstanding_is_cut_and_nothing_outstanding_does_nothing(till: Till) -> None:
    till.place()
    pay(till, "80.00")
    assert [Decimal(str(payment["amount"])) for payment in till.sale()["payments"]] == [50]
    assert pay(till, "80.00", reference="tr_2").did_nothing


@pytest.mark.parametrize("keeps_ids", [True, False])
def test_a_part_payment_whose_answer_was_lost_is_added_once(till: Till, keeps_ids: bool) -> None:
    till.box.sandbox.set_switch("keeps_payment_ids", keeps_ids)
    till.place()
    till.lose_answer("PUT /api/2026-07/sales/")
    with pytest.raises(RetryLater):
        pay(till, "20.00")
    if keeps_ids:
        assert not of_type(till.do("read_sale", sale_id=till.sale()["id"]), "payment.received")
    assert pay(till, "20.00").did_nothing
    assert len(till.sale()["payments"]) == 1
    assert not of_type(till.do("read_sale", sale_id=till.sale()["id"]), "payment.received")


def test_two_part_payments_of_the_same_amount_are_both_added(till: Till) -> None:
    till.place()
    pay(till, "20.00")
    pay(till, "20.00", reference="tr_2", at="2026-09-22T15:00:00Z")
    assert len(till.sale()["payments"]) == 2


def test_our_own_payment_is_no_news_even_when_the_till_renames_it(till: Till) -> None:
    till.box.sandbox.set_switch("keeps_payment_ids", False)
    till.place()
    pay(till)
    assert not of_type(till.do("read_sale", sale_id=till.sale()["id"]), "payment.received")


def test_no_payment_is_added_to_a_voided_or_unknown_sale(till: Till) -> None:
    with pytest.raises(Refused, match="no sale for this order"):
        pay(till)
    till.place()
    till.do("void_sale", order=ORDER_REF)
    with pytest.raises(Refused, match="voided"):
        pay(till)


# Voiding


def test_voiding_cancels_the_fulfilments_and_puts_the_goods_back_once(till: Till) -> None:
    till.place()
    result = till.do("void_sale", order=ORDER_REF)
    assert till.sale()["state"] == "voided"
    assert {(event.data["status"], event.sequence) for event in of_type(result, "fulfilment.status_changed")} == {
        ("cancelled", 2)
    }
    assert ("ams", 12) in {(event.data["outlet"], event.data["on_hand"]) for event in of_type(result, "stock.changed")}
    assert till.do("void_sale", order=ORDER_REF).did_nothing
    assert till.level("MUG-BLUE", "ams") == 12


def test_a_void_whose_answer_was_lost_is_done_once(till: Till) -> None:
    till.place()
    till.lose_answer("PUT /api/2026-07/sales/")
    with pytest.raises(RetryLater):
        till.do("void_sale", order=ORDER_REF)
    assert till.do("void_sale", order=ORDER_REF).did_nothing
    assert till.level("MUG-BLUE", "ams") == 12


def test_a_completed_sale_can_still_be_voided(till: Till) -> None:
    till.place()
    pay(till)
    till.do("complete_fulfilments", order=ORDER_REF)
    till.do("void_sale", order=ORDER_REF)
    assert till.sale()["state"] == "voided" and till.level("POT-CAST", "utr") == 3


def test_an_order_that_never_reached_the_till_needs_no_voiding(till: Till) -> None:
    assert till.do("void_sale", order=ORDER_REF).did_nothing


# Packing and completing


def test_an_unpaid_order_is_not_completed_and_people_are_told_to_take_the_payment(till: Till) -> None:
    till.place()
    with pytest.raises(Refused, match=r"50\.00 of sale .* is outstanding\. Take the customer's payment first"):
        till.do("complete_fulfilments", order=ORDER_REF)
    assert till.sale()["state"] == "pending"


@pytest.mark.parametrize("closes_itself", [True, False])
def test_a_paid_order_is_completed_and_its_sale_closed(till: Till, closes_itself: bool) -> None:
    till.box.sandbox.set_switch("closes_when_fulfilled", closes_itself)
    till.place()
    pay(till)
    result = till.do("complete_fulfilments", order=ORDER_REF)
    assert till.sale()["state"] == "closed"
    assert {event.data["status"] for event in of_type(result, "fulfilment.status_changed")} == {"completed"}
    assert till.do("complete_fulfilments", order=ORDER_REF).did_nothing
    assert till.level("MUG-BLUE", "ams") == 10


def test_completing_after_a_lost_answer_ends_closed(till: Till) -> None:
    till.box.sandbox.set_switch("closes_when_fulfilled", False)
    till.place()
    pay(till)
    till.lose_answer("fulfillments/fulfill")
    with pytest.raises(RetryLater):
        till.do("complete_fulfilments", order=ORDER_REF)
    till.do("complete_fulfilments", order=ORDER_REF)
    assert till.sale()["state"] == "closed"


def test_a_till_that_moves_stock_at_fulfilment_is_not_said_to_have_deducted_it(till: Till) -> None:
    till.box.sandbox.set_switch("stock_at_fulfilment", True)
    late = with_settings(till, stock_moves="at_fulfilment")
    (placed,) = of_type(late.place(), "sale.placed")
    assert placed.data["stock_deducted"] is False and till.level("MUG-BLUE", "ams") == 12
    pay(till)
    told = of_type(late.do("complete_fulfilments", order=ORDER_REF), "stock.changed")
    assert ("ams", 10) in {(event.data["outlet"], event.data["on_hand"]) for event in told}


@pytest.mark.parametrize("sets", [False, True])
def test_packing_works_whether_the_till_adds_or_sets_quantities(till: Till, sets: bool) -> None:
    till.box.sandbox.set_switch("steps_set_quantities", sets)
    till.place(lines=[{**ORDER["lines"][0], "quantity": 4}])
    (row,) = till.fulfilments()
    line = row["line_items"][0]["sale_line_item_id"]
    till.api(
        "POST",
        f"fulfillments/{row['id']}/pick",
        json={"version": 1, "line_items": [{"sale_line_item_id": line, "quantity": 2}]},
    )
    till.api(
        "POST",
        f"fulfillments/{row['id']}/pack",
        json={"version": 2, "line_items": [{"sale_line_item_id": line, "quantity": 1}]},
    )
    result = till.do("pack_fulfilments", order=ORDER_REF)
    assert till.fulfilments()[0]["state"] == "PACKED"
    (event,) = of_type(result, "fulfilment.status_changed")
    assert event.data["status"] == "packed" and event.data["lines"][0]["packed"] == 4


def test_packing_again_or_after_a_lost_answer_packs_nothing_twice(till: Till) -> None:
    till.place()
    till.lose_answer("/pack")
    with pytest.raises(RetryLater):
        till.do("pack_fulfilments", order=ORDER_REF)
    till.do("pack_fulfilments", order=ORDER_REF)
    assert till.do("pack_fulfilments", order=ORDER_REF).did_nothing
    assert [line["packed_quantity"] for row in till.fulfilments() for line in row["line_items"]] == ["2.00", "1.00"]


def test_a_fulfilment_that_staff_change_while_we_pack_it_is_tried_later(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    till.place()
    send = till.http.request

    def staff_come_between(method: str, url: str, **options: Any) -> requests.Response:
        if url.endswith("/pack"):
            monkeypatch.setattr(till.http, "request", send)
            till.press(f"/fulfilments/{url.split('/')[-2]}/start")
        return send(method, url, **options)

    monkeypatch.setattr(till.http, "request", staff_come_between)
    with pytest.raises(RetryLater, match="changed in the till"):
        till.do("pack_fulfilments", order=ORDER_REF)
    till.do("pack_fulfilments", order=ORDER_REF)
    assert {row["state"] for row in till.fulfilments()} == {"PACKED"}


def test_a_voided_sale_is_neither_packed_nor_completed(till: Till) -> None:
    till.place()
    till.do("void_sale", order=ORDER_REF)
    for operation in ("pack_fulfilments", "complete_fulfilments"):
        with pytest.raises(Refused, match="voided"):
            till.do(operation, order=ORDER_REF)


def test_what_staff_took_off_or_put_on_the_whole_sale_goes_back_with_an_update() -> None:
    sale = {
        "source": {"author": {"id": "u"}},
        "adjustments": [{"adjustment_type": "DISCOUNT", "name": "Regular", "total": Decimal("-2.50")}],
    }
    body = mapping.whole_sale(sale, [])
    assert body["pricing"]["adjustments"] == [
        {"type": "DISCOUNT", "name": "Regular", "amount": {"type": "FIXED", "value": "2.50"}}
    ]
