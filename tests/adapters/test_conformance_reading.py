"""Every shop's orders, articles and customers arrive in our words, complete and to the cent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

import pytest
from werkzeug.wrappers import Response

from adapters.base import AdapterError, Refused, Unauthorised
from tests.adapters.conformance import adds_up, checked, insist, is_cancelled, secrets_of, until
from tests.adapters.rigs.base import PRICES, SHIPPING, Rig, with_secrets

# Credentials


def test_check_names_the_shop_it_reached(rig: Rig) -> None:
    assert len(rig.do("check").summary) > len("Connected.")


def test_wrong_credentials_are_unauthorised_for_every_operation_and_never_shown(rig: Rig) -> None:
    wrong = with_secrets(rig.connection, "-wrong")
    rig.memory.replace_credentials(wrong.credentials)
    type(rig).connection, right = property(lambda self: wrong), type(rig).connection  # type: ignore[assignment]
    try:
        for operation in sorted(rig.adapter.capabilities.operations):
            with pytest.raises(AdapterError) as caught:
                rig.do(operation, {"external_id": "1", "sku": "MUG", "quantity": 1, "url": "https://hooks.example/x"})
            assert operation != "check" or isinstance(caught.value, Unauthorised)
            said = caught.value.message + caught.value.detail
            assert not [secret for secret in secrets_of(wrong.credentials) if secret in said]
    finally:
        type(rig).connection = right  # type: ignore[method-assign]


# Orders


def test_a_delivery_arrives_with_everything_that_was_ordered(rig: Rig) -> None:
    order = rig.place({"MUG": 2, "TEA": 1})
    (event,) = rig.do("read_order", {"external_id": order}).events
    snapshot = checked(event)["order"]
    assert event.type == "order.placed"
    assert event.subject == f"order:{snapshot['number']}"
    assert snapshot["external_id"] == order
    assert (snapshot["fulfilment_type"], snapshot["payment_status"], snapshot["shop_status"]) == (
        "delivery", "paid", "awaiting_processing",
    )  # fmt: skip
    assert {line["sku"]: (line["quantity"], line["unit_price"], line["tax_rate"]) for line in snapshot["lines"]} == {
        "MUG": (2, "12.50", "21"), "TEA": (1, "8.95", "9"),
    }  # fmt: skip
    assert all(line.get("needs_shipping", True) for line in snapshot["lines"])
    assert snapshot["total"] == str(2 * PRICES["MUG"] + PRICES["TEA"] + SHIPPING)
    adds_up(snapshot)
    assert snapshot["customer"]["email"] == "sanne@example.org"
    assert snapshot["customer"]["name"] == "Sanne de Wit"
    address = snapshot["shipping_address"]
    assert (address["street"], address["city"], address["postcode"], address["country"]) == (
        "Dorpsstraat 1", "Utrecht", "3511 AA", "NL",
    )  # fmt: skip


def test_a_pickup_is_a_pickup_and_costs_nothing_on_top(rig: Rig) -> None:
    snapshot = rig.snapshot(rig.place({"MUG": 1}, pickup=True))
    assert (snapshot["fulfilment_type"], snapshot["total"]) == ("pickup", "12.50")
    adds_up(snapshot)


def test_an_order_placed_unpaid_is_paid_later(rig: Rig) -> None:
    rig.need("place_unpaid")
    order = rig.place({"MUG": 1}, paid=False)
    assert rig.snapshot(order)["payment_status"] == "unpaid"
    rig.pay(order)
    assert rig.snapshot(order)["payment_status"] == "paid" == rig.payment_status(order)


def test_an_order_we_know_is_updated_and_not_placed_again(rig: Rig) -> None:
    order = rig.place({"MUG": 1})
    rig.adopt(order)
    assert rig.do("read_order", {"external_id": order}).events[0].type == "order.updated"


def test_reading_twice_without_a_change_is_the_same_event(rig: Rig) -> None:
    order = rig.place({"MUG": 1, "TEA": 2})
    first, second = (rig.do("read_order", {"external_id": order}, key=key).events[0] for key in ("a", "b"))
    assert (first.id, first.data) == (second.id, second.data)


def test_an_unknown_order_is_refused_by_its_id(rig: Rig) -> None:
    unknown = rig.place({"MUG": 1})
    unknown = unknown[:-1] + ("1" if unknown[-1] != "1" else "2") if not unknown.isdigit() else str(int(unknown) + 9999)
    with pytest.raises(Refused) as caught:
        rig.do("read_order", {"external_id": unknown})
    assert caught.value.message


def test_a_discount_comes_off_the_order_and_everything_still_adds_up(rig: Rig) -> None:
    snapshot = rig.snapshot(rig.place({"MUG": 2, "TEA": 1}, discount="5.00"))
    assert snapshot["total"] == str(2 * PRICES["MUG"] + PRICES["TEA"] + SHIPPING - 5)
    adds_up(snapshot)


@pytest.mark.parametrize("price", ["4.125", "0.335", "19.999"])
def test_prices_with_three_decimals_still_add_up_to_the_cent(rig: Rig, price: str) -> None:
    rig.reprice("MUG", price)
    order = rig.place({"MUG": 3, "TEA": 1})
    (event,) = rig.do("read_order", {"external_id": order}).events
    snapshot = checked(event)["order"]
    exact = 3 * Decimal(price) + PRICES["TEA"] + SHIPPING
    assert abs(Decimal(snapshot["total"]) - exact) < Decimal("0.02")
    adds_up(snapshot)


def test_an_order_of_nothing_but_free_articles_is_an_order(rig: Rig) -> None:
    rig.reprice("MUG", "0")
    order = rig.place({"MUG": 2}, pickup=True)
    (event,) = rig.do("read_order", {"external_id": order}).events
    snapshot = checked(event)["order"]
    assert (snapshot["total"], snapshot["lines"][0]["unit_price"]) == ("0.00", "0.00")
    assert snapshot["payment_status"] == "paid"
    adds_up(snapshot)


def test_a_gift_card_needs_no_shipping_and_the_mug_beside_it_does(rig: Rig) -> None:
    rig.need("gift_cards")
    snapshot = rig.snapshot(rig.place({"GIFT": 1, "MUG": 1}))
    assert {line["sku"]: line.get("needs_shipping", True) for line in snapshot["lines"]} == {"GIFT": False, "MUG": True}
    adds_up(snapshot)


def test_a_bundle_ships_each_of_its_parts_once_and_costs_its_own_price(rig: Rig) -> None:
    rig.need("bundles")
    snapshot = rig.snapshot(rig.place({"SET": 2}))
    shipped = {line["sku"]: line["quantity"] for line in snapshot["lines"] if line.get("needs_shipping", True)}
    assert shipped in ({"SET": 2}, {"MUG": 2, "TEA": 2})
    assert snapshot["total"] == str(2 * PRICES["SET"] + SHIPPING)
    adds_up(snapshot)


def test_an_edited_order_shows_the_units_still_wanted(rig: Rig) -> None:
    rig.need("edit")
    order = rig.place({"MUG": 2, "TEA": 1})
    rig.adopt(order)
    before = {line["sku"]: line["id"] for line in rig.snapshot(order)["lines"]}
    rig.edit(order, "MUG", 1)
    (event,) = rig.do("read_order", {"external_id": order}).events
    snapshot = checked(event)["order"]
    assert {line["sku"]: line["quantity"] for line in snapshot["lines"]} == {"MUG": 1, "TEA": 1}
    assert {line["sku"]: line["id"] for line in snapshot["lines"]} == before
    assert snapshot["total"] == str(PRICES["MUG"] + PRICES["TEA"] + SHIPPING)
    adds_up(snapshot)


def test_a_line_deleted_over_there_is_left_out(rig: Rig) -> None:
    rig.need("edit")
    order = rig.place({"MUG": 2, "TEA": 1})
    rig.adopt(order)
    rig.edit(order, "TEA", 0)
    snapshot = rig.snapshot(order)
    assert {line["sku"]: line["quantity"] for line in snapshot["lines"]} == {"MUG": 2}
    adds_up(snapshot)


def test_an_order_cancelled_by_staff_arrives_cancelled(rig: Rig) -> None:
    order = rig.place({"MUG": 1})
    rig.adopt(order)
    rig.cancel(order)
    (event,) = rig.do("read_order", {"external_id": order}).events
    assert is_cancelled(checked(event)["order"])


def test_an_order_deleted_over_there_is_cancelled_here_and_refused_when_nobody_said_so(rig: Rig) -> None:
    rig.need("delete")
    order = rig.place({"MUG": 1})
    ours = rig.adopt(order)
    rig.delete(order)
    (event,) = rig.do("read_order", {"external_id": order, "deleted": True}).events
    data = checked(event)
    assert is_cancelled(data["order"]) if event.type == "order.updated" else data["order"]["id"] == ours["id"]


def test_what_staff_sent_and_paid_back_is_seen(rig: Rig) -> None:
    rig.need("ship_by_staff")
    order = rig.place({"MUG": 1})
    rig.adopt(order)
    rig.ship_by_staff(order)
    assert rig.snapshot(order)["shop_status"] == rig.shop_status(order) in ("shipped", "completed", "delivered")
    rig.refund_by_staff(order)
    assert rig.snapshot(order)["payment_status"] == rig.payment_status(order) == "refunded"


def test_what_staff_sent_in_part_is_seen(rig: Rig) -> None:
    rig.need("ship_by_staff", "part_shipments")
    order = rig.place({"MUG": 2})
    rig.adopt(order)
    rig.ship_by_staff(order, {"MUG": 1})
    assert rig.snapshot(order)["shop_status"] == rig.shop_status(order) == "partly_shipped"


def test_what_staff_paid_back_in_part_is_seen(rig: Rig) -> None:
    rig.need("part_refunds")
    order = rig.place({"MUG": 2})
    rig.adopt(order)
    rig.refund_by_staff(order, "5.00")
    assert rig.snapshot(order)["payment_status"] == rig.payment_status(order) == "partly_refunded"


# Polling


def polled(rig: Rig, key: str) -> list[str]:
    """The external ids of a poll, in order, page by page."""
    found: list[str] = []
    payload: object = {}
    while payload is not None:
        result = insist(rig, "read_orders", payload, key)  # type: ignore[arg-type]
        found += [checked(event)["order"]["external_id"] for event in result.events]
        payload, key = result.then, key + "+"
    return found


def test_a_poll_finds_the_order_whose_webhook_was_lost(rig: Rig) -> None:
    polled(rig, "p1")
    order = rig.place({"MUG": 1})
    until(lambda: order in polled(rig, "p2"), "the poll finds the order")
    assert order in polled(rig, "p2"), "a repeated attempt of the same command finds what its first attempt found"


def test_a_poll_finds_a_change_whose_webhook_was_lost(rig: Rig) -> None:
    rig.need("place_unpaid")
    order = rig.place({"MUG": 1}, paid=False)
    rig.adopt(order)
    until(lambda: order in polled(rig, "p1"), "the poll finds the order")
    rig.pay(order)
    keys = iter(f"p{number}" for number in range(2, 10_000))

    def finds_it_paid() -> bool:
        events = insist(rig, "read_orders", {}, next(keys)).events
        return any(event.data["order"]["payment_status"] == "paid" for event in events)

    until(finds_it_paid, "the poll finds the payment")


def test_a_poll_that_fails_half_way_loses_nothing(rig: Rig) -> None:
    polled(rig, "p1")
    orders = {rig.place({"TEA": 1}) for _ in range(3)}
    for kind in ("500", "drop", "half_json"):
        rig.fault(kind, count=1)
        with pytest.raises(AdapterError):
            rig.do("read_orders", {}, key="p2")
        rig.calm()
    until(lambda: orders <= set(polled(rig, "p2")), "the poll finds all orders")


def test_a_first_import_reads_every_order_while_orders_change(rig: Rig) -> None:
    rig.need_operation("read_page")
    orders = [rig.place({"TEA": 1}, email=f"buyer{number}@example.org") for number in range(30)]
    rig.settings |= {name: 7 for name in ("page_size", "import_page_size") if name in rig.adapter.capabilities.settings}
    changing = iter([orders[3], orders[20], orders[5], orders[29], orders[0], orders[11]])
    payload: object = {"kind": "orders", "since": None, "cursor": None}
    seen: list[str] = []
    units, pages = 0, 0
    while payload is not None:
        result = insist(rig, "read_page", payload, f"page {pages}")  # type: ignore[arg-type]
        seen += [checked(event)["order"]["external_id"] for event in result.events]
        payload, pages = result.then, pages + 1
        assert result.progress is not None
        units += result.progress[0]
        rig.touch(next(changing, orders[7]))
        assert pages < 100, "a page is read again and again"
    assert set(seen) >= set(orders)
    assert units >= len(orders)
    assert pages > 1, "there are several pages"


def test_a_first_import_reads_every_article(rig: Rig) -> None:
    rig.need_operation("read_page")
    payload: object = {"kind": "products", "since": None, "cursor": None}
    skus: set[str] = set()
    page = 0
    while payload is not None:
        result = insist(rig, "read_page", payload, f"page {page}")  # type: ignore[arg-type]
        skus |= {checked(event)["sku"] for event in result.events if event.type == "product.changed"}
        payload, page = result.then, page + 1
        assert page < 100, "a page is read again and again"
    assert skus >= {"MUG", "POT", "TEA"}


class Heavy:
    """A sandbox whose orders are large: a megabyte of blanks follows an answer for each time it names `BUYER`."""

    BUYER = "heavy@example.org"

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        answer = Response.from_app(self._app, environ)
        body = answer.get_data()
        answer.set_data(body + b" " * (1_000_000 * body.count(self.BUYER.encode())))
        return answer(environ, start_response)


def test_pages_of_many_megabytes_are_read_in_smaller_ones(rig: Rig) -> None:
    polled(rig, "p1")
    orders = {rig.place({"TEA": 1}, email=Heavy.BUYER) for _ in range(12)}
    rig.box.app.wsgi_app = Heavy(rig.box.app.wsgi_app)  # type: ignore[method-assign]
    keys = iter(f"p{number}" for number in range(2, 10_000))
    found: set[str] = set()

    def all_found() -> bool:
        found.update(polled(rig, next(keys)))
        return orders <= found

    until(all_found, "all large orders are found")


# Articles


def test_the_catalogue_is_read_with_every_sku(rig: Rig) -> None:
    rig.need_operation("read_products")
    events = rig.do("read_products").events
    assert {checked(event)["sku"] for event in events if event.type == "product.changed"} >= {"MUG", "POT", "TEA"}


# Customers


def test_a_customer_is_found_by_e_mail_whatever_its_case(rig: Rig) -> None:
    rig.need_operation("read_customer")
    rig.place({"MUG": 1}, email="Sanne@Example.org")
    for email in ("sanne@example.org", "SANNE@EXAMPLE.ORG"):
        (event,) = rig.do("read_customer", {"email": email}, key=email).events
        assert event.type == "customer.changed"
        assert checked(event)["email"].lower() == "sanne@example.org"


def test_several_orders_with_one_e_mail_are_one_customer(rig: Rig) -> None:
    rig.need_operation("read_customer")
    for name in ("Sanne de Wit", "S. de Wit"):
        rig.place({"MUG": 1}, name=name)
    assert len(rig.do("read_customer", {"email": "sanne@example.org"}).events) == 1


@pytest.mark.parametrize(
    "email", ["nobody@example.org", "anne@example.org", "sanne@example.or", "x' OR email:*@example.org"]
)
def test_only_the_whole_e_mail_address_finds_a_customer(rig: Rig, email: str) -> None:
    rig.need_operation("read_customer")
    rig.place({"MUG": 1})
    found = rig.do("read_customer", {"email": email})
    assert found.did_nothing
    assert not found.events


@pytest.mark.parametrize(
    "email", ["o'brien+shop@example.org", 'a"b@example.org', "müller@example.org", "and&more=x@example.org"]
)
def test_an_odd_e_mail_address_is_found_as_it_is(rig: Rig, email: str) -> None:
    rig.need_operation("read_customer")
    rig.place({"MUG": 1}, email=email)
    (event,) = rig.do("read_customer", {"email": email}).events
    assert event.data["email"] == email


def test_an_order_of_a_guest_without_e_mail_has_no_customer_to_match(rig: Rig) -> None:
    order = rig.place({"MUG": 1}, email="", name="Jan Gast")
    (event,) = rig.do("read_order", {"external_id": order}).events
    customer = checked(event)["order"]["customer"]
    assert not customer.get("email")
    assert customer["name"] == "Jan Gast"


# Locations


def test_every_location_is_told_with_a_name_to_link_it_by(rig: Rig) -> None:
    rig.need_operation("read_locations")
    found = rig.do("read_locations").data
    assert {each["external_id"] for each in found} >= set(rig.locations().values())
    assert all(set(each) == {"external_id", "name", "code", "city", "country", "active"} for each in found)
    assert all(each["name"] for each in found)
