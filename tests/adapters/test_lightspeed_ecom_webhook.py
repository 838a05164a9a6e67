"""E-Series webhooks: whose they are, and what they make us read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import Connection, WebhookRejected
from adapters.lightspeed_ecom import LightspeedEcom
from adapters.lightspeed_ecom.webhook import SIGNATURE_HEADER, signature

SECRET = "demo-client-secret"
CONNECTION = Connection(
    "c1", "webshop", "lightspeed_ecom", "shop", "", {"store_id": "1003", "token": "t", "client_secret": SECRET}
)
CREATED = {
    "eventId": "5f3c1f0e-1a2b-4c3d-8e4f-000000000001", "eventCreated": 1790000000, "storeId": 1003, "entityId": 700000001,
    "eventType": "order.created",
    "data": {"orderId": "7Q2XK", "newPaymentStatus": "AWAITING_PAYMENT", "newFulfillmentStatus": "AWAITING_PROCESSING"},
}  # fmt: skip


def verify(event: Any, *, header: str | None = None, connection: Connection = CONNECTION) -> Any:
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    signed = header if header is not None else signature(event["eventCreated"], event["eventId"], SECRET)
    return LightspeedEcom().verify(body, {SIGNATURE_HEADER: signed}, {"eventtype": "whatever"}, connection)


def test_the_vendors_test_vector_is_accepted() -> None:
    [hint] = verify(CREATED, header="/mInjpZUaTEZtLweJS0uvdevCyi81dY28DxMDKc3P/I=")
    assert (hint.operation, hint.payload, hint.subject) == ("read_order", {"external_id": "7Q2XK"}, "order:7Q2XK")
    assert (hint.event_id, hint.native_type) == (CREATED["eventId"], "order.created")
    assert hint.time.isoformat() == "2026-09-21T14:13:20+00:00"


def test_header_names_know_no_case() -> None:
    header = {SIGNATURE_HEADER.lower(): signature(1790000000, CREATED["eventId"], SECRET)}
    assert LightspeedEcom().verify(json.dumps(CREATED).encode(), header, {}, CONNECTION)


@pytest.mark.parametrize("header", ["", "nonsense", "/mInjpZUaTEZtLweJS0uvdevCyi81dY28DxMDKc3P/I", "é€", signature(1790000001, CREATED["eventId"], SECRET),
                                    signature(1790000000, CREATED["eventId"], "other")])  # fmt: skip
def test_a_missing_or_wrong_signature_is_401(header: str) -> None:
    with pytest.raises(WebhookRejected) as caught:
        verify(CREATED, header=header)
    assert caught.value.status == 401


def test_a_connection_without_a_secret_accepts_nothing() -> None:
    bare = Connection("c1", "webshop", "lightspeed_ecom", "shop", "", {"store_id": "1003", "client_secret": ""})
    with pytest.raises(WebhookRejected) as caught:
        verify(CREATED, header=signature(1790000000, CREATED["eventId"], ""), connection=bare)
    assert caught.value.status == 401


def test_a_webhook_of_another_store_is_refused() -> None:
    with pytest.raises(WebhookRejected, match="store 1004") as caught:
        verify(CREATED | {"storeId": 1004})
    assert caught.value.status == 400


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"12", b"null", b"\xff\xfe", b"[" * 100_000, b"{}", b'{"eventId": 5, "eventCreated": 1, "eventType": "x"}',
                                  b'{"eventId": "a", "eventCreated": "1", "eventType": "x"}', b'{"eventId": "a", "eventCreated": 1e400, "eventType": "x"}',
                                  b'{"eventId": "a", "eventCreated": 999999999999999, "eventType": "x"}', b'{"eventId": "a", "eventCreated": true, "eventType": "x"}',
                                  b'{"eventId": "a", "eventCreated": 1, "eventType": null}'])  # fmt: skip
def test_a_body_that_makes_no_sense_is_400(body: bytes) -> None:
    with pytest.raises(WebhookRejected) as caught:
        verify(body, header="signed")
    assert caught.value.status == 400


@pytest.mark.parametrize(("kind", "operation", "payload"), [
    ("order.created", "read_order", {"external_id": "7Q2XK"}), ("order.updated", "read_order", {"external_id": "7Q2XK"}),
    ("unfinished_order.created", "read_order", {"external_id": "7Q2XK"}), ("unfinished_order.updated", "read_order", {"external_id": "7Q2XK"}),
    ("order.deleted", "read_order", {"external_id": "7Q2XK", "deleted": True}),
    ("product.updated", "read_product", {"external_id": "700000001"}), ("product.created", "read_product", {"external_id": "700000001"}),
])  # fmt: skip
def test_each_event_says_what_to_read(kind: str, operation: str, payload: dict[str, Any]) -> None:
    [hint] = verify(CREATED | {"eventType": kind})
    assert (hint.operation, hint.payload) == (operation, payload)
    assert hint.operation in LightspeedEcom.capabilities.operations


@pytest.mark.parametrize(
    "kind",
    ["customer.created", "product.deleted", "unfinished_order.deleted", "application.installed", "brand.new", ""],
)
def test_events_we_need_nothing_of_are_accepted_and_read_nothing(kind: str) -> None:
    assert list(verify(CREATED | {"eventType": kind})) == []


@pytest.mark.parametrize("data", [None, {}, {"orderId": ""}, {"orderId": 5}, [], "x"])
def test_old_stores_without_an_order_id_fall_back_to_the_entity(data: Any) -> None:
    [hint] = verify(CREATED | {"data": data})
    assert hint.payload == {"external_id": "700000001"}


@pytest.mark.parametrize("entity", [None, "", True, [], "x" * 500])
def test_an_event_about_nothing_is_400(entity: Any) -> None:
    with pytest.raises(WebhookRejected) as caught:
        verify(CREATED | {"data": None, "entityId": entity})
    assert caught.value.status == 400


@given(st.binary(max_size=200), st.text(max_size=60))
def test_no_body_and_no_header_crash_the_check(body: bytes, header: str) -> None:
    with pytest.raises(WebhookRejected):
        verify(body, header=header)
