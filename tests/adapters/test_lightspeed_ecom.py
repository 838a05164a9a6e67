"""The E-Series adapter's operations against a running sandbox, over HTTP."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.base import AdapterError, Call, Connection, Refused, RetryLater, Throttled, Unauthorised
from adapters.lightspeed_ecom import LightspeedEcom, adapter
from tests.adapters.ecom import Ecom
from tests.adapters.memory import LocalMemory

# check


def test_check_names_the_store_it_reached(ecom: Ecom) -> None:
    assert "Sandbox shop" in ecom.do("check").summary


@pytest.mark.parametrize(
    "change",
    [{"token": "secret_wrong"}, {"store_id": "1004"}, {"token": ""}, {"token": "secret_€"}, {"token": "secret_a\n"}],
)
def test_wrong_or_missing_credentials_are_unauthorised(ecom: Ecom, change: dict[str, str]) -> None:
    ecom.credentials |= change
    with pytest.raises(Unauthorised) as caught:
        ecom.do("check")
    assert "secret_" not in caught.value.message + caught.value.detail


@pytest.mark.parametrize("scope", ["read_store_profile", "read_orders", "read_catalog"])
def test_check_finds_a_missing_scope(ecom: Ecom, scope: str) -> None:
    ecom.box.state.set_setting(
        "scopes", [s for s in ("read_store_profile", "read_orders", "read_catalog") if s != scope]
    )
    with pytest.raises(Unauthorised, match=scope):
        ecom.do("check")


# read_order


def test_an_order_we_do_not_know_is_placed_and_a_known_one_updated(ecom: Ecom) -> None:
    order_id = ecom.place()
    placed = ecom.do("read_order", {"external_id": order_id}).events[0]
    assert (placed.type, placed.subject, placed.data["order"]["number"]) == (
        "order.placed",
        f"order:{order_id}",
        order_id,
    )
    ecom.memory.bind("order", "o1", order_id)
    ecom.staff(order_id, paymentStatus="PAID")
    updated = ecom.do("read_order", {"external_id": order_id}).events[0]
    assert (updated.type, updated.data["order"]["payment_status"]) == ("order.updated", "paid")
    assert updated.id != placed.id


def test_reading_the_same_state_twice_gives_the_same_event(ecom: Ecom) -> None:
    order_id = ecom.place()
    first, second = (ecom.do("read_order", {"external_id": order_id}, key).events[0] for key in ("a", "b"))
    assert first == second


def test_an_abandoned_cart_is_told_when_a_webhook_asks_for_it(ecom: Ecom) -> None:
    cart = ecom.place(payment="cart")
    assert ecom.do("read_order", {"external_id": cart}).events[0].data["order"]["payment_status"] == "incomplete"


def test_the_outlet_of_a_shipping_method_comes_from_the_settings(ecom: Ecom) -> None:
    ecom.settings = {"outlet_by_shipping_method": {"bike": "utrecht"}, "outlet_by_location": {"loc-1": "delft"}}
    found = {
        method: ecom.do("read_order", {"external_id": ecom.place((501, None, 1), method=method)})
        .events[0]
        .data["order"]
        for method in ("post", "shop", "bike")
    }
    assert {method: order["shipping_method"]["outlet"] for method, order in found.items()} == {
        "post": None, "shop": "delft", "bike": "utrecht",
    }  # fmt: skip
    assert {method: order["fulfilment_type"] for method, order in found.items()} == {
        "post": "delivery", "shop": "pickup", "bike": "delivery",
    }  # fmt: skip


def test_an_unknown_order_is_refused_in_the_shops_words(ecom: Ecom) -> None:
    with pytest.raises(Refused, match="NOPE was not found"):
        ecom.do("read_order", {"external_id": "NOPE"})


@pytest.mark.parametrize("order_id", ["", "  ", ".", "..", "a/../../x", "?", "#", "%2e%2e", "é", "x" * 5000, 7, None])
def test_a_senseless_order_id_is_refused(ecom: Ecom, order_id: object) -> None:
    with pytest.raises(Refused):
        ecom.do("read_order", {"external_id": order_id})


def test_order_ids_with_the_shops_own_prefix_are_encoded(ecom: Ecom) -> None:
    ecom.box.state.set_setting("order_prefix", "SALE/2026 #")
    order_id = ecom.place()
    assert order_id.startswith("SALE/2026 #")
    assert ecom.do("read_order", {"external_id": order_id}).events[0].data["order"]["number"] == order_id


def test_a_deleted_order_that_we_know_is_cancelled(ecom: Ecom) -> None:
    order_id = ecom.place()
    ecom.memory.bind("order", "o1", order_id)
    still_there = ecom.do("read_order", {"external_id": order_id, "deleted": True})
    assert still_there.events[0].type == "order.updated"
    requests.delete(
        f"{ecom.box.url}/api/v3/1003/orders/{order_id}", headers={"Authorization": "Bearer secret_test"}, timeout=5
    )
    event = ecom.do("read_order", {"external_id": order_id, "deleted": True}).events[0]
    assert (event.type, event.data["order"]) == ("order.cancelled", {"id": "o1"})
    assert ecom.do("read_order", {"external_id": "NEVERSEEN", "deleted": True}).did_nothing


def test_the_currency_is_read_once_or_comes_from_the_settings(ecom: Ecom) -> None:
    order_id = ecom.place()
    for key in ("a", "b"):
        assert ecom.do("read_order", {"external_id": order_id}, key).events[0].data["order"]["currency"] == "EUR"
    assert len(ecom.box.state.requests("GET", "/profile")) == 1
    ecom.settings = {"currency": "sek"}
    assert ecom.do("read_order", {"external_id": order_id}).events[0].data["order"]["currency"] == "SEK"


# read_orders


def test_a_poll_finds_changed_orders_but_no_carts(ecom: Ecom) -> None:
    first, _, second = (
        ecom.place((501, None, 1)),
        ecom.place((501, None, 1), payment="cart"),
        ecom.place((501, None, 1)),
    )
    found = ecom.do("read_orders").events
    assert {event.data["order"]["number"] for event in found} == {first, second}


def test_a_poll_pages_through_everything(ecom: Ecom) -> None:
    placed = {ecom.place((503, 7001, 1), payment="unpaid") for _ in range(8)}
    ecom.box.sandbox.set_switch("oversell", True)
    placed |= {ecom.place((501, None, 1)) for _ in range(200)}
    assert {event.data["order"]["number"] for event in ecom.do("read_orders").events} == placed


def test_the_next_poll_goes_on_from_the_last_change_with_an_overlap(ecom: Ecom) -> None:
    order_id = ecom.place()
    changed = ecom.order(order_id)["updateTimestamp"]
    ecom.do("read_orders", key="a")
    ecom.do("read_orders", key="b")
    assert f"updatedFrom={changed - 300}" in ecom.box.state.requests("GET", "/orders")[-1].query


def test_a_repeated_attempt_of_a_poll_starts_where_its_first_attempt_did(ecom: Ecom) -> None:
    old = ecom.order(ecom.place((501, None, 1)))
    ecom.box.state.put("order", old["id"], old | {"updateTimestamp": int(time.time()) - 3600})
    ecom.place((501, None, 1))
    first = ecom.do("read_orders", key="a").events
    again = ecom.do("read_orders", key="a").events
    assert len(first) == 2
    assert again == first
    assert len(ecom.do("read_orders", key="b").events) == 1


def test_a_poll_after_a_long_silence_goes_window_by_window(ecom: Ecom) -> None:
    now = int(time.time())
    for days in (6, 3, 0):
        order = ecom.order(ecom.place((501, None, 1)))
        ecom.box.state.put("order", order["id"], order | {"updateTimestamp": now - days * 86_400 - 60})
    ecom.memory.put("orders.cursor", {"key": "", "from": 0, "next": now - 7 * 86_400})
    assert len(ecom.do("read_orders").events) == 3
    windows = [request.query for request in ecom.box.state.requests("GET", "/orders")]
    assert sum("updatedTo" in query for query in windows) == 7
    assert "updatedTo" not in windows[-1]


def test_a_poll_with_very_many_orders_stops_and_the_next_goes_on(ecom: Ecom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "POLL_ORDERS", 1)
    now = int(time.time())
    for days in (6, 3):
        order = ecom.order(ecom.place((501, None, 1)))
        ecom.box.state.put("order", order["id"], order | {"updateTimestamp": now - days * 86_400 - 60})
    ecom.memory.put("orders.cursor", {"key": "", "from": 0, "next": now - 7 * 86_400})
    numbers = [
        {event.data["order"]["number"] for event in ecom.do("read_orders", key=str(turn)).events} for turn in range(4)
    ]
    assert len(set().union(*numbers)) == 2
    assert len(numbers[0]) == 1


# set_stock


def test_stock_is_written_once_and_only_when_it_differs(ecom: Ecom) -> None:
    assert not ecom.do("set_stock", {"sku": "MOK-ROOD", "quantity": 4}).did_nothing
    assert ecom.do("set_stock", {"sku": "MOK-ROOD", "quantity": 4}).did_nothing
    assert ecom.quantity(501) == 4
    assert ecom.writes() == ["PUT /api/v3/1003/products/501"]
    assert ecom.memory.external("product", "MOK-ROOD") == "501"


def test_the_stock_of_a_variation_is_its_own(ecom: Ecom) -> None:
    ecom.do("set_stock", {"sku": "SHIRT-L", "quantity": 9})
    assert (ecom.quantity(503, 7001), ecom.quantity(503, 7002)) == (8, 9)
    assert ecom.memory.external("product", "SHIRT-L") == "503/7002"


def test_less_than_nothing_becomes_nothing(ecom: Ecom) -> None:
    ecom.do("set_stock", {"sku": "KAN-01", "quantity": -3})
    assert ecom.quantity(502) == 0


def test_a_sku_that_moved_to_another_product_is_found_again(ecom: Ecom) -> None:
    ecom.memory.bind("product", "MOK-ROOD", "999")
    ecom.memory.bind("product", "KAN-01", "501")
    ecom.do("set_stock", {"sku": "MOK-ROOD", "quantity": 4})
    ecom.do("set_stock", {"sku": "KAN-01", "quantity": 2})
    assert (ecom.quantity(501), ecom.quantity(502)) == (4, 2)
    assert ecom.memory.external("product", "KAN-01") == "502"


def test_an_unknown_sku_is_refused_with_advice(ecom: Ecom) -> None:
    with pytest.raises(Refused, match="no product with sku NOPE"):
        ecom.do("set_stock", {"sku": "NOPE", "quantity": 1})


@pytest.mark.parametrize("payload", [{"sku": "MOK-ROOD"}, {"quantity": 1}, {"sku": "MOK-ROOD", "quantity": "4"},
                                     {"sku": "MOK-ROOD", "quantity": 1.5}, {"sku": "MOK-ROOD", "quantity": True}, {"sku": 5, "quantity": 1}])  # fmt: skip
def test_stock_without_a_sku_or_a_whole_number_is_refused(ecom: Ecom, payload: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        ecom.do("set_stock", payload)
    assert ecom.writes() == []


def test_a_shop_that_leaves_stock_to_its_till_refuses_and_pauses_nothing(ecom: Ecom) -> None:
    ecom.box.sandbox.set_switch("api_refuses_stock", True)
    with pytest.raises(Refused, match="managed by the connected point of sale"):
        ecom.do("set_stock", {"sku": "MOK-ROOD", "quantity": 4})


@pytest.mark.parametrize("kind", ["500", "drop", "half_json"])
def test_a_lost_answer_does_not_write_stock_twice(ecom: Ecom, kind: str) -> None:
    ecom.fault(kind, match="PUT", after_effect=True)
    with pytest.raises(RetryLater):
        ecom.do("set_stock", {"sku": "MOK-ROOD", "quantity": 4})
    assert ecom.do("set_stock", {"sku": "MOK-ROOD", "quantity": 4}).did_nothing
    assert ecom.box.state.counter("stock_writes") == 1


# products


def test_a_product_is_read_with_its_skus_and_the_shops_own_stock(ecom: Ecom) -> None:
    events = ecom.do("read_product", {"external_id": "503"}).events
    changed = [event.data for event in events if event.type == "product.changed"]
    stock = [event.data for event in events if event.type == "stock.changed"]
    assert changed[1] == {"sku": "SHIRT-M", "name": "T-shirt (M)", "external_id": "503/7001"}
    assert stock == [{"sku": "SHIRT-M", "shop_quantity": 8}, {"sku": "SHIRT-L", "shop_quantity": 3}]
    assert ecom.memory.external("product", "SHIRT-L") == "503/7002"
    assert ecom.do("read_product", {"external_id": "503/7001"}).events == events


def test_the_catalogue_is_bound_whole(ecom: Ecom) -> None:
    events = ecom.do("read_products").events
    assert [event.data["sku"] for event in events] == ["MOK-ROOD", "KAN-01", "SHIRT", "SHIRT-M", "SHIRT-L"]
    assert {ours: ecom.memory.external("product", ours) for ours in ("KAN-01", "SHIRT-M")} == {
        "KAN-01": "502",
        "SHIRT-M": "503/7001",
    }
    assert {event.type for event in events} == {"product.changed"}


# Everything that can go wrong


OPERATIONS: list[tuple[str, dict[str, Any]]] = [
    ("check", {}), ("read_orders", {}), ("read_products", {}), ("read_product", {"external_id": "501"}),
    ("set_stock", {"sku": "MOK-ROOD", "quantity": 1}), ("read_order", {"external_id": "ORDER"}),
    ("set_order_status", {"order": {"number": "ORDER"}, "shop_status": "shipped"}),
]  # fmt: skip


@pytest.mark.parametrize("operation", OPERATIONS, ids=[name for name, _ in OPERATIONS])
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("500", RetryLater),
        ("429", Throttled),
        ("drop", RetryLater),
        ("html", RetryLater),
        ("half_json", RetryLater),
        ("empty", RetryLater),
    ],
)
def test_every_fault_gives_its_kind_of_error_and_the_next_attempt_works(
    ecom: Ecom, operation: tuple[str, dict[str, Any]], kind: str, expected: type[AdapterError]
) -> None:
    name, payload = operation
    order_id = ecom.place()
    payload = {key: order_id if value == "ORDER" else value for key, value in payload.items()}
    if name == "set_order_status":
        payload["order"] = {"number": order_id}
    ecom.fault(kind)
    with pytest.raises(AdapterError) as caught:
        ecom.do(name, payload)
    assert type(caught.value) is expected
    assert not ecom.do(name, payload).did_nothing


def test_a_throttled_call_says_until_when(ecom: Ecom) -> None:
    ecom.fault("429", seconds=30)
    with pytest.raises(Throttled) as caught:
        ecom.do("check")
    assert caught.value.until is not None
    assert 20 < (caught.value.until - datetime.now(UTC)).total_seconds() <= 30


def test_a_shop_that_does_not_answer_is_tried_later(ecom: Ecom) -> None:
    ecom.settings = {"timeout_seconds": 0.1}
    ecom.fault("timeout", seconds=30)
    with pytest.raises(RetryLater, match="in time"):
        ecom.do("check")


@pytest.mark.parametrize("setting", [{"timeout_seconds": "soon"}, {"timeout_seconds": 0}, {"timeout_seconds": True}, {"poll_overlap_seconds": -1},
                                     {"first_poll_days": 1e9}, {"outlet_by_location": ["a"]}])  # fmt: skip
def test_a_senseless_setting_is_refused_by_name(ecom: Ecom, setting: dict[str, Any]) -> None:
    ecom.settings = setting
    with pytest.raises(Refused, match=next(iter(setting))):
        ecom.do("read_orders")


@pytest.mark.parametrize("broken", [
    {"total": 5}, {"items": [1], "total": 1}, {"items": {}, "total": 1}, {"items": [], "total": "many"}, [],
])  # fmt: skip
def test_a_page_that_makes_no_sense_is_worth_another_try(
    ecom: Ecom, monkeypatch: pytest.MonkeyPatch, broken: Any
) -> None:
    monkeypatch.setattr("adapters.lightspeed_ecom.sandbox_api._page", lambda found: broken)
    with pytest.raises(RetryLater):
        ecom.do("read_products")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(payload=st.dictionaries(
    st.sampled_from(["external_id", "order", "sku", "quantity", "shop_status", "payment_status", "tracking", "notify_customer"]),
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=2)
                 | st.dictionaries(st.sampled_from(["id", "number", "url"]), inner, max_size=2), max_leaves=4), max_size=5),
       operation=st.sampled_from(sorted(LightspeedEcom.capabilities.operations)))  # fmt: skip
def test_any_payload_is_carried_out_or_refused_but_never_crashes(
    ecom: Ecom, operation: str, payload: dict[str, Any]
) -> None:
    try:
        ecom.do(operation, payload)
    except AdapterError as error:
        assert error.message


def test_no_server_at_all_is_tried_later() -> None:
    connection = Connection(
        "c", "shop", "lightspeed_ecom", "shop", "http://127.0.0.1:9", {"store_id": "1", "token": "t"}
    )
    with pytest.raises(RetryLater), requests.Session() as http:
        LightspeedEcom().execute(Call("check", {}, "k"), connection, LocalMemory(), http)
