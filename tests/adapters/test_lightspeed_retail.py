"""Placing, paying, voiding, packing and completing sales in Lightspeed Retail, against the running sandbox."""

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


def pay(till: Till, amount: str = "50.00", **more: Any):
    details = {"method": "Mollie", "reference": "tr_1", "at": "2026-09-21T15:00:00Z", **more}
    return till.do("add_payment", order=ORDER_REF, amount=amount, **details)


# Placing


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
    quantities = {event.data["outlet"]: event.data["lines"][0]["quantity"] for event in of_type(result, "fulfilment.status_changed")}
    assert quantities == {"ams": 3, "utr": 1}


def test_placing_lowers_stock_at_each_outlet_and_tells_the_new_levels(till: Till) -> None:
    result = till.place()
    told = {(event.data["outlet"], event.data["sku"]): event.data["on_hand"] for event in of_type(result, "stock.changed")}
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


@pytest.mark.parametrize("lost", ["POST /api/2026-07/sales", "POST /api/2026-07/customers", "addresses", "GET /api/2026-07/fulfillments"])
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


def test_a_sale_that_somebody_else_placed_a_moment_before_is_taken_over(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
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
        ({"lines": [{**ORDER["lines"][0], "quantity": 4, "outlet": "rotterdam"}]}, "Outlet rotterdam is linked to no outlet"),
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


# Customers


def customer(**changes: Any) -> dict[str, Any]:
    return {**ORDER["customer"], **changes}


def make_customer(till: Till, **fields: Any) -> str:
    profile = {"first_name": "Old", "last_name": "Name", **fields}
    return till.api("POST", "customers", json=profile).json()["data"]["id"]


def test_a_new_customer_gets_a_profile_with_e_mail_and_name(till: Till) -> None:
    till.place()
    (profile,) = till.state.all("customer")
    assert (profile["first_name"], profile["last_name"], profile["email"]) == ("Ada", "Lovelace", "Ada@Example.org")
    assert till.sale()["customer_id"] == profile["id"]
    assert till.memory.external("customer", "ada@example.org") == profile["id"]


def test_a_customer_without_a_name_is_called_by_the_e_mail_address(till: Till) -> None:
    till.place(customer={"email": "x@example.org"})
    assert till.state.all("customer")[0]["name"] == "x@example.org"


def test_a_known_e_mail_links_the_profile_and_overwrites_nothing(till: Till) -> None:
    known = make_customer(till, email="ADA@example.ORG")
    till.place()
    assert till.sale()["customer_id"] == known
    assert till.state.get("customer", known)["name"] == "Old Name"
    assert not till.state.requests("PUT", "/customers")


def test_an_address_that_only_begins_alike_is_another_customer(till: Till) -> None:
    other = make_customer(till, email="ada@example.org.uk")
    till.place()
    assert till.sale()["customer_id"] != other


def test_of_several_profiles_with_one_e_mail_the_oldest_is_taken(till: Till) -> None:
    oldest = make_customer(till, email="ada@example.org")
    make_customer(till, email="Ada@example.org")
    till.place()
    assert till.sale()["customer_id"] == oldest


def test_a_remembered_profile_that_is_gone_is_looked_for_again(till: Till) -> None:
    till.memory.bind("customer", "ada@example.org", "00000000-0000-0000-0000-000000000000")
    till.place()
    assert till.sale()["customer_id"] == till.state.all("customer")[0]["id"]


def test_nobody_is_made_when_the_rules_say_so(till: Till) -> None:
    till.place(customer=customer(create=False))
    assert till.sale()["customer_id"] is None and not till.state.all("customer")


def test_a_profile_per_order_is_made_once_when_e_mail_does_not_match(till: Till) -> None:
    make_customer(till, email="ada@example.org")
    till.lose_answer("POST /api/2026-07/customers")
    with pytest.raises(RetryLater):
        till.place(customer=customer(match_by="none"))
    till.place(customer=customer(match_by="none"))
    assert till.state.counter("customers_created") == 2
    assert till.state.get("customer", till.sale()["customer_id"])["customer_code"] == "order-7Q2XK"


def test_an_address_is_made_once_per_profile(till: Till) -> None:
    till.place()
    till.place(id="order-2", number="8B3YL")
    assert till.state.counter("addresses_created") == 1
    assert {row["shipping_address_id"] for row in till.fulfilments()} == {str(till.state.all("address")[0]["id"])}


def test_a_refused_address_does_not_keep_the_order_from_the_till(till: Till) -> None:
    result = till.place(address={**ORDER["address"], "postcode": "99"})
    assert "is not a postcode of NL" in result.summary
    assert "99" in till.sale()["note"]


def test_long_addresses_are_cut_to_what_the_till_takes() -> None:
    street = "Zeer Lange Straatnaam van een Oude Hollandse Familie 1234 achterhuis links"
    made = mapping.new_address({"street": street, "city": "C" * 40, "postcode": "1012 LG", "country": "nl"})
    assert f"{made['address_line_1']} {made['address_line_2']}" == street
    assert len(made["address_line_1"]) <= 50 and len(made["city"]) == 28 and made["country_code"] == "NL"


def test_american_addresses_carry_a_state_code() -> None:
    made = mapping.new_address({"street": "1 Main St\nApt 2", "city": "X", "postcode": "10001", "country": "US", "region": "NY"})
    assert (made["state_code"], made["address_line_2"]) == ("NY", "Apt 2")


# Paying


def test_payments_known_at_once_are_booked_under_the_processors_name(till: Till) -> None:
    result = till.place(payments=[{"amount": "50.00", "method": "Mollie", "at": "2026-09-21T14:13:20Z", "reference": "tr_1"}])
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
    assert pay(till, "20.00").did_nothing
    assert len(till.sale()["payments"]) == 1


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
    assert {event.data["status"] for event in of_type(result, "fulfilment.status_changed")} == {"cancelled"}
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
    till.api("POST", f"fulfillments/{row['id']}/pick", json={"version": 1, "line_items": [{"sale_line_item_id": line, "quantity": 2}]})
    till.api("POST", f"fulfillments/{row['id']}/pack", json={"version": 2, "line_items": [{"sale_line_item_id": line, "quantity": 1}]})
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


def test_a_fulfilment_that_staff_change_while_we_pack_it_is_tried_later(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_the_same_order_always_gets_the_same_sale_id() -> None:
    assert mapping.sale_id("order-1") == mapping.sale_id("order-1") != mapping.sale_id("order-2")
    assert an_order()["order"]["id"] == "order-1"
