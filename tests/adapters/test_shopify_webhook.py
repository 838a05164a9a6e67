"""Shopify's webhooks: signature, shop, what to read; and the subscriptions that bring them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.base import Connection, Refused, WebhookRejected
from adapters.shopify import Shopify
from adapters.shopify.webhook import SIGNATURE_HEADER, TOPICS, signature
from tests.adapters.inbox import Inbox
from tests.adapters.rigs.shopify import ShopifyRig

SECRET = "app-secret"
CONNECTION = Connection("c1", "webshop", "shopify", "shop", "https://teahouse.myshopify.com", {"client_secret": SECRET})


@pytest.fixture
def shop() -> Iterator[ShopifyRig]:
    with ShopifyRig.open() as rig:
        yield rig


def hints(topic: str, body: Any, connection: Connection = CONNECTION, **headers: str) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {
        "X-Shopify-Topic": topic, "X-Shopify-Shop-Domain": "teahouse.myshopify.com", "X-Shopify-Webhook-Id": "w-1",
        "X-Shopify-Triggered-At": "2026-11-02T09:14:06.123456789Z", SIGNATURE_HEADER: signature(raw, SECRET),
    }  # fmt: skip
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    return Shopify().verify(raw, {name: value for name, value in given.items() if value != "-"}, {}, connection)


FO = "gid://shopify/FulfillmentOrder/7801"
EDIT = {"order_edit": {"order_id": 6123450001, "line_items": {"additions": [], "removals": []}}}


@pytest.mark.parametrize(("topic", "body", "subject", "operation", "payload"), [
    ("orders/create", {"id": 6123450001}, "order:6123450001", "read_order", {"external_id": "6123450001"}),
    ("orders/updated", {"id": 9007199254740993}, "order:9007199254740993", "read_order", {"external_id": "9007199254740993"}),
    ("orders/paid", {"id": 1}, "order:1", "read_order", {"external_id": "1"}),
    ("orders/cancelled", {"id": 1}, "order:1", "read_order", {"external_id": "1"}),
    ("orders/delete", {"id": 1}, "order:1:deleted", "read_order", {"external_id": "1", "deleted": True}),
    ("orders/edited", EDIT, "order:6123450001", "read_order", {"external_id": "6123450001"}),
    ("refunds/create", {"id": 5, "order_id": 1}, "order:1", "read_order", {"external_id": "1"}),
    ("fulfillments/update", {"id": 5, "order_id": 1}, "order:1", "read_order", {"external_id": "1"}),
    ("fulfillment_orders/order_routing_complete", {"fulfillment_order": {"id": FO, "status": "open"}}, "fulfilment_order:7801", "read_order", {"external_id": FO}),
    ("fulfillment_orders/moved", {"original_fulfillment_order": {"id": FO}}, "fulfilment_order:7801", "read_order", {"external_id": FO}),
    ("fulfillment_orders/line_items_prepared_for_pickup", {"fulfillment_order": {"id": FO}}, "fulfilment_order:7801:prepared", "read_order",
     {"external_id": FO, "prepared": True}),
    ("products/update", {"id": 501}, "product:501", "read_product", {"external_id": "501"}),
    ("inventory_levels/update", {"inventory_item_id": 5501, "location_id": 101}, "inventory_item:5501", "read_product",
     {"external_id": "gid://shopify/InventoryItem/5501"}),
    ("app/uninstalled", {"id": 1}, "connection", "check", {}),
])  # fmt: skip
def test_each_topic_says_what_to_read(topic: str, body: Any, subject: str, operation: str, payload: dict[str, Any]) -> None:
    [hint] = hints(topic, body)
    assert (hint.subject, hint.operation, hint.payload, hint.native_type) == (subject, operation, payload, topic)
    assert (hint.event_id, hint.time) == ("w-1", datetime(2026, 11, 2, 9, 14, 6, 123456, UTC))


@pytest.mark.parametrize("topic", ["products/delete", "inventory_levels/disconnect", "locations/update", "carts/update", ""])
def test_topics_that_need_no_reading_are_fine(topic: str) -> None:
    assert hints(topic, {"id": 1}) == ()


def test_the_delivery_id_is_the_dedupe_key_and_a_missing_one_is_made_from_the_content() -> None:
    first, again = (hints("orders/paid", {"id": 1}, X_Shopify_Webhook_Id="-")[0].event_id for _ in range(2))
    assert first == again != hints("orders/updated", {"id": 1}, X_Shopify_Webhook_Id="-")[0].event_id


def test_without_a_time_in_the_headers_the_body_or_now_counts() -> None:
    [hint] = hints("orders/paid", {"id": 1, "updated_at": "2026-11-02T10:14:05+01:00"}, X_Shopify_Triggered_At="-")
    assert hint.time == datetime(2026, 11, 2, 9, 14, 5, tzinfo=UTC)
    [hint] = hints("orders/paid", {"id": 1}, X_Shopify_Triggered_At="soon")
    assert abs((hint.time - datetime.now(UTC)).total_seconds()) < 60


@pytest.mark.parametrize("headers", [
    {"X_Shopify_Hmac_Sha256": "-"}, {"X_Shopify_Hmac_Sha256": ""}, {"X_Shopify_Hmac_Sha256": "é"}, {"X_Shopify_Hmac_Sha256": signature(b"other", SECRET)},
    {"X_Shopify_Shop_Domain": "another.myshopify.com"}, {"X_Shopify_Shop_Domain": "-"},
])  # fmt: skip
def test_a_wrong_signature_or_another_shop_is_rejected(headers: dict[str, str]) -> None:
    with pytest.raises(WebhookRejected) as caught:
        hints("orders/paid", {"id": 1}, **headers)
    assert caught.value.status == 401


def test_header_names_are_read_without_regard_to_case() -> None:
    raw = b'{"id": 1}'
    given = {"x-shopify-topic": "orders/paid", "X-SHOPIFY-SHOP-DOMAIN": "TEAHOUSE.myshopify.com", SIGNATURE_HEADER.upper(): signature(raw, SECRET)}
    assert len(Shopify().verify(raw, given, {}, CONNECTION)) == 1


def test_a_connection_without_a_secret_takes_no_webhook() -> None:
    with pytest.raises(WebhookRejected, match="no client_secret"):
        hints("orders/paid", {"id": 1}, replace(CONNECTION, credentials={}))


@pytest.mark.parametrize("shop", ["other.myshopify.com", "https://other.myshopify.com/", " OTHER.myshopify.com/ "])
def test_the_credential_shop_is_stronger_than_the_address(shop: str) -> None:
    named = replace(CONNECTION, credentials={"client_secret": SECRET, "shop": shop})
    assert hints("orders/paid", {"id": 1}, named, X_Shopify_Shop_Domain="other.myshopify.com")
    with pytest.raises(WebhookRejected):
        hints("orders/paid", {"id": 1}, named)


@pytest.mark.parametrize(("topic", "body"), [
    ("orders/paid", b"{"), ("orders/paid", b"[]"), ("orders/paid", {}), ("orders/paid", {"id": "7"}), ("orders/paid", {"id": True}),
    ("orders/paid", {"id": -1}), ("orders/edited", {"order_edit": 5}), ("fulfillment_orders/moved", {}), ("orders/paid", b"[" * 9000),
    ("fulfillment_orders/split", {"fulfillment_order": {"id": "gid://shopify/Order/1"}}), ("inventory_levels/update", {}), ("orders/paid", {"id": 10**30}),
])  # fmt: skip
def test_a_signed_body_that_makes_no_sense_is_a_bad_request(topic: str, body: Any) -> None:
    with pytest.raises(WebhookRejected) as caught:
        hints(topic, body)
    assert caught.value.status == 400


# From the sandbox


def test_webhooks_of_the_sandbox_carry_every_header_and_lead_to_reads_that_work(shop: ShopifyRig, inbox: Inbox) -> None:
    shop.do("register_webhooks", {"url": inbox.url})
    order = shop.place({"MUG": 2}, pickup=True)
    part = shop.shop.order(int(order))["fulfilment_orders"][0]["id"]
    shop.shop.prepare([part])
    shop.ship_by_staff(order)
    shop.refund_by_staff(order)
    shop.touch(order)
    assert shop.box.sandbox.courier.settle()
    topics = set()
    for headers, body in inbox.got:
        for name in ("Topic", "Hmac-Sha256", "Shop-Domain", "API-Version", "Webhook-Id", "Event-Id", "Triggered-At"):
            assert headers[f"X-Shopify-{name}"]
        topics.add(headers["X-Shopify-Topic"])
        for hint in Shopify().verify(body, headers, {}, shop.connection):
            shop.do(hint.operation, hint.payload, hint.event_id)
    assert topics == {
        "orders/create", "orders/paid", "orders/updated", "orders/fulfilled", "fulfillments/create", "refunds/create",
        "fulfillment_orders/order_routing_complete", "fulfillment_orders/line_items_prepared_for_pickup",
        "inventory_levels/update",
    }  # fmt: skip
    assert len({headers["X-Shopify-Webhook-Id"] for headers, _ in inbox.got}) == len(inbox.got)


def test_an_order_that_staff_prepared_is_known_to_be_ready(shop: ShopifyRig, inbox: Inbox) -> None:
    shop.do("register_webhooks", {"url": inbox.url})
    order = shop.place({"MUG": 1}, pickup=True)
    shop.shop.prepare([shop.shop.order(int(order))["fulfilment_orders"][0]["id"]])
    assert shop.box.sandbox.courier.settle()
    for headers, body in inbox.got:
        for hint in Shopify().verify(body, headers, {}, shop.connection):
            shop.do(hint.operation, hint.payload, hint.event_id)
    assert shop.snapshot(order)["shop_status"] == "ready_for_pickup"


# Subscriptions


URL = "https://wissel.example/v1/hooks/c1"


def subscriptions(rig: ShopifyRig) -> list[dict[str, Any]]:
    return rig.box.state.all("subscription")


def test_every_topic_is_subscribed_to_once(shop: ShopifyRig) -> None:
    result = shop.do("register_webhooks", {"url": URL})
    assert {row["topic"] for row in result.data} == set(TOPICS)
    assert {row["state"] for row in result.data} == {"active"}
    assert shop.do("register_webhooks", {"url": URL}, "again").did_nothing
    assert len(subscriptions(shop)) == len(TOPICS)
    assert shop.do("read_webhooks").data == result.data


def test_subscriptions_are_mended_and_made_single(shop: ShopifyRig) -> None:
    shop.do("register_webhooks", {"url": "https://old.example/v1/hooks/c1"})
    rows = subscriptions(shop)
    shop.box.state.put("subscription", 9001, rows[0] | {"id": 9001, "uri": URL})
    shop.box.state.put("subscription", rows[1]["id"], rows[1] | {"include_fields": ["id"], "uri": URL})
    shop.box.state.delete("subscription", rows[2]["id"])
    result = shop.do("register_webhooks", {"url": URL}, "again")
    assert "1 made" in result.summary
    assert "1 removed" in result.summary
    assert sorted(row["topic"] for row in result.data) == sorted(TOPICS)
    assert {(row["uri"], tuple(row["include_fields"])) for row in subscriptions(shop)} == {(URL, ())}


def test_what_other_programs_subscribed_to_is_left_alone(shop: ShopifyRig) -> None:
    foreign = {"id": 5, "topic": "ORDERS_CREATE", "uri": "https://erp.example/hook", "format": "JSON", "filter": None,
               "include_fields": [], "name": None, "created": 1, "updated": 1}  # fmt: skip
    shop.box.state.put("subscription", 5, foreign)
    shop.do("register_webhooks", {"url": URL})
    shop.do("remove_webhooks", {})
    assert subscriptions(shop) == [foreign]
    assert shop.do("remove_webhooks", {}, "again").did_nothing


def test_what_cannot_be_subscribed_to_is_named(shop: ShopifyRig) -> None:
    shop.box.state.set_setting("scopes", ["write_orders", "read_locations"])
    with pytest.raises(Refused, match=r"products/update: .*permission"):
        shop.do("register_webhooks", {"url": URL})


def test_an_address_the_shop_does_not_take_is_refused(shop: ShopifyRig) -> None:
    shop.box.sandbox.set_switch("https_webhooks_only", True)
    with pytest.raises(Refused, match="protocol http"):
        shop.do("register_webhooks", {"url": "http://wissel.example/v1/hooks/c1"})
    with pytest.raises(Refused, match="not an address"):
        shop.do("register_webhooks", {"url": "nonsense"})
