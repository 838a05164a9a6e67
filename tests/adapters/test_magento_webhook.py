"""Webhooks of a module at Magento: hints to read, believed only with the shared secret's signature."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import Connection, WebhookRejected
from adapters.magento import Magento

SECRET = "shared secret"


def connection(**settings: Any) -> Connection:
    return Connection("c1", "webshop", "magento", "shop", "https://shop.example", {"webhook_secret": SECRET}, settings)


def verify(body: Any, header: str = "X-Webhook-Signature", secret: str = SECRET, prefix: str = "", **settings: Any) -> list[Any]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    signature = prefix + hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
    return list(Magento().verify(raw, {header: signature}, {}, connection(**settings)))


@pytest.mark.parametrize(("body", "operation", "external_id"), [
    ({"event": "sales_order_save_after", "order": {"entity_id": 81}}, "read_order", "81"),
    ({"topic": "order.updated", "data": {"entity_id": "81", "increment_id": "000000081"}}, "read_order", "81"),
    ({"order_id": 81}, "read_order", "81"), ({"entity_id": 81, "increment_id": "000000081", "state": "new"}, "read_order", "81"),
    ({"type": "shipment", "entity": {"entity_id": 7, "order_id": 81}}, "read_order", "81"),
    ({"event": "catalog_product_save_after", "product": {"entity_id": 501, "sku": "MUG"}}, "read_product", "501"),
    ({"event": "product.saved", "data": {"sku": "MUG/RED"}}, "read_product", "sku:MUG/RED"), ({"sku": "MUG", "product_id": 501}, "read_product", "501"),
])  # fmt: skip
def test_whatever_a_module_calls_it_the_entity_is_read(body: dict[str, Any], operation: str, external_id: str) -> None:
    (hint,) = verify(body)
    assert (hint.operation, hint.payload) == (operation, {"external_id": external_id})
    assert hint.subject == f"{operation.removeprefix('read_')}:{external_id}"


@pytest.mark.parametrize("body", [{}, {"event": "customer_save_after", "customer": {"entity_id": 3}}, {"event": "ping"}, {"id": 4},
                                  {"order": {"entity_id": "81; drop"}}, {"order": {"entity_id": True}}, {"order": []}])  # fmt: skip
def test_what_names_no_order_and_no_article_is_fine_and_says_nothing(body: dict[str, Any]) -> None:
    assert verify(body) == []


def test_the_modules_own_id_tells_deliveries_apart_and_else_the_body_does() -> None:
    order = {"order": {"entity_id": 81}}
    assert verify(order | {"event_id": "e1"})[0].event_id == "e1"
    assert verify(order)[0].event_id == verify(order)[0].event_id
    assert verify(order)[0].event_id != verify({"order": {"entity_id": 81, "updated_at": "2026-11-24 10:00:00"}})[0].event_id


def test_header_and_spelling_of_the_signature_are_the_modules() -> None:
    body = {"order_id": 81}
    assert verify(body, header="X-Hub-Signature-256", prefix="sha256=", webhook_header="X-Hub-Signature-256")
    with pytest.raises(WebhookRejected, match="X-Hub-Signature-256 is missing"):
        verify(body, webhook_header="X-Hub-Signature-256")


@pytest.mark.parametrize("secret", ["", "another secret", SECRET + " "])
def test_another_secret_is_rejected(secret: str) -> None:
    with pytest.raises(WebhookRejected) as caught:
        verify({"order_id": 81}, secret=secret)
    assert caught.value.status == 401


def test_without_a_secret_of_ours_everything_is_rejected() -> None:
    bare = Connection("c1", "webshop", "magento", "shop", "https://shop.example", {})
    body = b'{"order_id": 81}'
    signature = hmac.new(b"", body, hashlib.sha256).hexdigest()
    with pytest.raises(WebhookRejected, match="no webhook_secret"):
        Magento().verify(body, {"X-Webhook-Signature": signature}, {}, bare)


@given(st.binary(max_size=200) | st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda x: st.lists(x, max_size=3) | st.dictionaries(st.sampled_from(["order", "data", "entity_id", "id", "sku", "event"]), x, max_size=4), max_leaves=8))
def test_no_signed_body_breaks_it(body: Any) -> None:
    try:
        assert len(verify(body)) <= 1
    except WebhookRejected as rejected:
        assert rejected.status == 400
