"""The Shopify adapter reads a shop, over HTTP against the sandbox."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.base import AdapterError, Call, Connection, Refused, RetryLater, Throttled, Unauthorised
from adapters.shopify import Shopify, reading, stock
from adapters.shopify.sandbox_api import SCOPES
from adapters.shopify.sandbox_basket import Basket
from tests.adapters.memory import LocalMemory
from tests.adapters.rigs.base import CUSTOMER
from tests.adapters.rigs.shopify import ShopifyRig


@pytest.fixture
def shop() -> Iterator[ShopifyRig]:
    with ShopifyRig.open() as rig:
        yield rig


def numbers(result: Any) -> set[str]:
    return {event.data["order"]["external_id"] for event in result.events}


def age(rig: ShopifyRig, order: str, seconds: int) -> None:
    """Have an order changed so many seconds ago."""
    document = rig.shop.order(int(order))
    with rig.shop.change():
        moved = document | {"updated": int(time.time()) - seconds, "created": int(time.time()) - seconds}
        rig.box.state.put("order", order, moved)
    entry = rig.shop.index()[int(order)]
    rig.shop.index().put(int(order), entry._replace(updated=moved["updated"], created=moved["created"]))


# check


def test_check_names_the_shop(shop: ShopifyRig) -> None:
    assert "Sandbox shop (sandbox-shop.myshopify.com)" in shop.do("check").summary


@pytest.mark.parametrize("scope", sorted(reading.SCOPES))
def test_check_finds_a_missing_scope_and_says_where_to_grant_it(shop: ShopifyRig, scope: str) -> None:
    shop.box.state.set_setting("scopes", [each for each in SCOPES if each != scope])
    with pytest.raises(Unauthorised, match=f"{scope} for .*Dev Dashboard"):
        shop.do("check")


def test_check_finds_another_shop_than_the_credentials_name(shop: ShopifyRig) -> None:
    with pytest.raises(Refused, match=r"This is the shop sandbox-shop.myshopify.com"):
        Shopify().execute(Call("check", {}, "k"), shop.elsewhere(), shop.memory, shop.http)


def test_check_says_when_another_version_answers(shop: ShopifyRig) -> None:
    shop.settings = {"api_version": "2025-07"}
    assert "answers with API version 2026-01 instead of 2025-07" in shop.do("check").summary


def test_a_version_that_does_not_exist_is_refused_by_name(shop: ShopifyRig) -> None:
    shop.settings = {"api_version": "2031-01"}
    with pytest.raises(Refused, match="2031-01"):
        shop.do("check")


# read_order


def test_reading_the_same_state_twice_gives_the_same_event(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 2})
    first, second = (shop.do("read_order", {"external_id": order}, key).events[0] for key in ("a", "b"))
    assert (first, first.type) == (second, "order.placed")
    shop.memory.bind("order", "o1", order)
    assert shop.do("read_order", {"external_id": order}).events[0].type == "order.updated"


def test_a_pickup_names_the_outlet_of_its_location(shop: ShopifyRig) -> None:
    wanted = Basket([("MUG", 1)], "pickup", "online", CUSTOMER, pickup_location=int(shop.locations()["utrecht"]))
    found = shop.snapshot(str(shop.shop.place(wanted)["id"]))
    assert (found["fulfilment_type"], found["shipping_method"]) == (
        "pickup", {"id": "pickup", "name": "Utrecht store", "outlet": "utrecht"},
    )  # fmt: skip


def test_a_bundle_is_read_as_its_parts_which_share_its_price(shop: ShopifyRig) -> None:
    found = shop.snapshot(shop.place({"SET": 2}))
    assert [(line["sku"], line["quantity"], line["unit_price"]) for line in found["lines"]] == [("MUG", 2, "11.63"), ("TEA", 2, "8.32")]


def test_a_webhook_about_a_fulfilment_order_leads_to_its_order(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 1}, pickup=True)
    part = f"gid://shopify/FulfillmentOrder/{shop.shop.order(int(order))['fulfilment_orders'][0]['id']}"
    found = shop.do("read_order", {"external_id": part}).events[0].data["order"]
    assert (found["external_id"], found["shop_status"]) == (order, "awaiting_processing")
    found = shop.do("read_order", {"external_id": part, "prepared": True}).events[0].data["order"]
    assert found["shop_status"] == "ready_for_pickup"


def test_an_order_whose_fulfilment_is_not_worked_out_yet_is_read_later(shop: ShopifyRig) -> None:
    shop.box.sandbox.set_switch("routes_later", True)
    shop.box.state.set_setting("routing_seconds", 600)
    order = shop.place({"MUG": 1}, pickup=True)
    with pytest.raises(RetryLater, match="not worked out yet"):
        shop.do("read_order", {"external_id": order})
    assert shop.do("read_orders").did_nothing
    shop.settings = {"routing_seconds": 0}  # Long enough waited: better read as it is than never.
    assert numbers(shop.do("read_orders", key="b")) == {order}


def test_a_deleted_order_that_we_know_is_cancelled(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 1})
    shop.memory.bind("order", "o1", order)
    shop.delete(order)
    event = shop.do("read_order", {"external_id": order, "deleted": True}).events[0]
    assert (event.type, event.data["order"]) == ("order.cancelled", {"id": "o1"})
    assert shop.do("read_order", {"external_id": "77", "deleted": True}).did_nothing
    with pytest.raises(Refused, match="read_all_orders"):
        shop.do("read_order", {"external_id": "77"})


@pytest.mark.parametrize("order_id", ["", "  ", "#1001", "a/b", "gid://shopify/Product/1", "é", "9" * 40, 7, None, "-1", "x" * 999])
def test_a_senseless_order_id_is_refused(shop: ShopifyRig, order_id: object) -> None:
    with pytest.raises(Refused):
        shop.do("read_order", {"external_id": order_id})


# read_orders


def test_a_poll_finds_what_changed_and_goes_on_with_an_overlap(shop: ShopifyRig) -> None:
    old, new = shop.place({"MUG": 1}), shop.place({"MUG": 1})
    age(shop, old, 3600)
    assert numbers(shop.do("read_orders", key="a")) == {old, new}
    assert numbers(shop.do("read_orders", key="b")) == {new}
    assert numbers(shop.do("read_orders", key="b")) == {new}


def test_a_repeated_attempt_of_a_poll_starts_where_its_first_attempt_did(shop: ShopifyRig) -> None:
    old = shop.place({"MUG": 1})
    age(shop, old, 3600)
    shop.place({"MUG": 1})
    assert shop.do("read_orders", key="a").events == shop.do("read_orders", key="a").events
    assert old not in numbers(shop.do("read_orders", key="b"))


def test_a_poll_with_very_many_orders_stops_and_the_next_goes_on(shop: ShopifyRig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "POLL_ORDERS", 1)
    shop.settings = {"page_orders": 1, "poll_overlap_seconds": 0}
    orders = [shop.place({"TEA": 1}) for _ in range(3)]
    for turn, order in enumerate(orders):
        age(shop, order, 3000 - turn * 1000)
    found = [numbers(shop.do("read_orders", key=str(turn))) for turn in range(4)]
    assert len(found[0]) == 1
    assert set().union(*found) == set(orders)


def test_a_poll_finds_later_what_the_search_index_did_not_have_yet(shop: ShopifyRig) -> None:
    shop.box.sandbox.set_switch("search_lags", True)
    order = shop.place({"MUG": 1})
    assert shop.do("read_orders", key="a").did_nothing
    age(shop, order, 30)
    assert numbers(shop.do("read_orders", key="b")) == {order}


def test_an_order_that_was_left_for_later_keeps_the_position_before_it(shop: ShopifyRig) -> None:
    shop.settings = {"poll_overlap_seconds": 0}
    shop.box.sandbox.set_switch("routes_later", True)
    shop.box.state.set_setting("routing_seconds", 600)
    waiting = shop.place({"MUG": 1})
    age(shop, waiting, 60)
    shop.box.sandbox.set_switch("routes_later", False)
    other = shop.place({"MUG": 1})
    assert numbers(shop.do("read_orders", key="a")) == {other}
    shop.box.state.set_setting("clock_offset", 700)  # By now it is worked out.
    assert waiting in numbers(shop.do("read_orders", key="b"))


def test_a_shop_that_finds_a_page_too_costly_is_asked_for_less(shop: ShopifyRig) -> None:
    shop.box.sandbox.set_switch("linear_costs", True)
    orders = {shop.place({"TEA": 1}) for _ in range(5)}
    assert numbers(shop.do("read_orders")) == orders
    refused = [call for call in shop.box.state.requests() if "MAX_COST_EXCEEDED" in call.answer]
    assert refused
    shop.forget_calls()
    shop.do("read_orders", key="b")
    assert not [call for call in shop.box.state.requests() if "MAX_COST_EXCEEDED" in call.answer]


def test_every_query_fits_where_a_connection_costs_its_whole_length(shop: ShopifyRig) -> None:
    shop.box.sandbox.set_switch("linear_costs", True)
    order = shop.place({"MUG": 2, "TEA": 1})
    ours, lines = shop.adopt(order), shop.part(order, MUG=1)
    shop.do("assign_fulfilments", {"order": ours, "fulfilments": [{"id": "f", "outlet": "utrecht", "lines": lines}]})
    shop.do("ship_fulfilment", {"order": ours, "fulfilment": {"id": "f", "outlet": "utrecht"}, "lines": lines})
    shop.do("refund_order", {"order": ours, "reference": "r", "amount": "1.00", "lines": lines, "pay_back": True})
    shop.snapshot(order)
    shop.do("read_product", {"external_id": "501"})
    shop.do("read_products")
    shop.do("set_outlet_stock", {"sku": "MUG", "levels": [{"outlet": "utrecht", "quantity": 1}]})
    shop.do("register_webhooks", {"url": "http://127.0.0.1:9/v1/hooks/x"})
    shop.do("read_locations")
    assert not [call for call in shop.box.state.requests() if "MAX_COST_EXCEEDED" in call.answer]


def test_one_order_that_makes_no_sense_keeps_no_other_away(shop: ShopifyRig) -> None:
    good, bad = shop.place({"MUG": 1}), shop.place({"MUG": 1})
    document = shop.shop.order(int(bad))
    shop.box.state.put("order", bad, document | {"name": ""})
    result = shop.do("read_orders")
    assert numbers(result) == {good}
    assert "1 could not be read" in result.summary


# read_page


def pages(rig: ShopifyRig, kind: str, since: str | None = None) -> tuple[list[Any], list[Any]]:
    payload: Any = {"kind": kind, "since": since, "cursor": None}
    events, told = [], []
    while payload is not None:
        result = rig.do("read_page", payload, f"page {len(told)}")
        events += result.events
        told.append(result.progress)
        payload = result.then
    return events, told


def test_an_import_reads_every_order_page_by_page_oldest_change_first(shop: ShopifyRig) -> None:
    shop.settings = {"page_orders": 4}
    orders = [shop.place({"TEA": 1}) for _ in range(10)]
    age(shop, orders[7], 9000)
    events, told = pages(shop, "orders")
    found = [event.data["order"]["external_id"] for event in events]
    assert (sorted(found), found[0]) == (sorted(orders), orders[7])
    assert told == [(4, 10), (4, 10), (2, 10)]


def test_an_import_skips_no_order_that_changes_meanwhile(shop: ShopifyRig) -> None:
    shop.settings = {"page_orders": 2}
    orders = [shop.place({"TEA": 1}) for _ in range(6)]
    for turn, order in enumerate(orders):
        age(shop, order, 6000 - turn * 100)
    payload: Any = {"kind": "orders", "since": None, "cursor": None}
    found: list[str] = []
    for turn in range(20):
        result = shop.do("read_page", payload, f"page {turn}")
        found += [event.data["order"]["external_id"] for event in result.events]
        if turn < 2:
            shop.touch(orders[turn * 2])  # Read already: it moves to the end, and its neighbours must not be missed.
        payload = result.then
        if payload is None:
            break
    assert set(found) == set(orders)
    assert payload is None


def test_an_import_begins_its_list_anew_before_it_grows_too_long(shop: ShopifyRig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_IN_ONE_LIST", 4)
    shop.settings = {"page_orders": 2}
    orders = [shop.place({"TEA": 1}) for _ in range(9)]
    for turn, order in enumerate(orders):
        age(shop, order, 6000 - turn * 100)
    events, _ = pages(shop, "orders")
    assert {event.data["order"]["external_id"] for event in events} == set(orders)
    assert len(events) < 2 * len(orders)


def test_an_import_since_a_moment_leaves_older_orders_out(shop: ShopifyRig) -> None:
    old, new = shop.place({"MUG": 1}), shop.place({"MUG": 1})
    age(shop, old, 7200)
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3600))
    events, told = pages(shop, "orders", since)
    assert ([event.data["order"]["external_id"] for event in events], told) == ([new], [(1, 1)])


def test_an_import_of_products_binds_every_sku(shop: ShopifyRig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stock, "PAGE_SIZE", 2)
    events, told = pages(shop, "products")
    assert [event.data["sku"] for event in events] == ["MUG", "POT", "TEA", "GIFT", "SET"]
    assert told[0] == (2, 5)
    assert shop.memory.external("product", "TEA") == "503/4403"


@pytest.mark.parametrize("payload", [{}, {"kind": "customers"}, {"kind": "orders", "since": "yesterday"}, {"kind": "products", "since": "x"}])
def test_an_import_of_something_else_or_from_a_senseless_moment_is_refused(shop: ShopifyRig, payload: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        shop.do("read_page", payload)


# Customers, locations


def test_a_customer_is_found_by_e_mail_without_regard_to_case(shop: ShopifyRig) -> None:
    shop.place({"MUG": 1}, email="Sanne@Example.org")
    event = shop.do("read_customer", {"email": "sanne@example.ORG"}).events[0]
    assert (event.type, event.data) == (
        "customer.changed", {"email": "Sanne@Example.org", "external_id": "7001", "name": "Sanne de Wit"},
    )  # fmt: skip
    assert shop.do("read_customer", {"email": "sanne@example.or"}).did_nothing


def test_locations_are_listed_for_linking(shop: ShopifyRig) -> None:
    found = shop.do("read_locations").data
    assert found[1] == {"external_id": "102", "name": "Utrecht store", "code": "", "city": "Utrecht store", "country": "NL", "active": True}


# Everything that can go wrong


ORDER: dict[str, Any] = {"order": {"external_id": "ORDER"}}
OPERATIONS: list[tuple[str, dict[str, Any]]] = [
    ("check", {}), ("read_orders", {}), ("read_products", {}), ("read_product", {"external_id": "501"}),
    ("read_order", {"external_id": "ORDER"}), ("read_page", {"kind": "orders"}), ("read_page", {"kind": "products"}),
    ("read_customer", {"email": "sanne@example.org"}), ("read_locations", {}), ("read_webhooks", {}),
    ("set_outlet_stock", {"sku": "MUG", "levels": [{"outlet": "utrecht", "quantity": 1}]}),
    ("set_order_status", ORDER | {"shop_status": "processing"}),
    ("refund_order", ORDER | {"reference": "r", "amount": "1.00", "lines": [], "pay_back": True}),
]  # fmt: skip


@pytest.mark.parametrize("operation", OPERATIONS, ids=[f"{name}{n}" for n, (name, _) in enumerate(OPERATIONS)])
def test_every_fault_gives_its_kind_of_error_and_the_next_attempt_works(shop: ShopifyRig, operation: tuple[str, dict[str, Any]]) -> None:
    order = shop.place({"MUG": 1})
    name, payload = operation[0], {**operation[1]}
    if "order" in payload:
        payload["order"] = {"external_id": order}
    elif payload.get("external_id") == "ORDER":
        payload["external_id"] = order
    for kind in ("500", "429", "drop", "html", "half_json", "empty"):
        shop.fault(kind)
        with pytest.raises(Throttled if kind == "429" else RetryLater):
            shop.do(name, payload)
    result = shop.do(name, payload)
    assert result.data is not None or not result.did_nothing


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(payload=st.dictionaries(
    st.sampled_from(["external_id", "order", "sku", "quantity", "shop_status", "payment_status", "tracking", "notify_customer", "levels", "lines",
                     "fulfilment", "fulfilments", "amount", "reference", "currency", "kind", "since", "cursor", "email", "url", "after"]),
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=2)
                 | st.dictionaries(st.sampled_from(["id", "number", "url", "outlet", "lines", "line", "quantity", "after"]), inner, max_size=2), max_leaves=4), max_size=6),
       operation=st.sampled_from(sorted(Shopify.capabilities.operations)))  # fmt: skip
def test_any_payload_is_carried_out_or_refused_but_never_crashes(shop: ShopifyRig, operation: str, payload: dict[str, Any]) -> None:
    try:
        shop.do(operation, payload)
    except AdapterError as error:
        assert error.message


@pytest.mark.parametrize("setting", [{"timeout_seconds": "soon"}, {"timeout_seconds": 0}, {"poll_overlap_seconds": -1}, {"first_poll_days": 1e9},
                                     {"page_orders": 0}, {"api_version": "latest"}, {"api_version": 5}, {"outlet_by_shipping_method": ["a"]}])  # fmt: skip
def test_a_senseless_setting_is_refused_by_name(shop: ShopifyRig, setting: dict[str, Any]) -> None:
    shop.place({"MUG": 1})
    shop.settings = setting
    with pytest.raises(Refused, match=next(iter(setting))):
        shop.do("read_orders")


def test_no_server_at_all_is_tried_later() -> None:
    connection = Connection("c", "shop", "shopify", "shop", "http://127.0.0.1:9", {"shop": "x.myshopify.com", "token": "t"})
    with pytest.raises(RetryLater), requests.Session() as http:
        Shopify().execute(Call("check", {}, "k"), connection, LocalMemory(), http)
