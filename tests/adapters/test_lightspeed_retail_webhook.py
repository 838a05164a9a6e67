"""Native webhooks of Lightspeed Retail: signature, type, what to read, recognising duplicates."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import Connection, WebhookHint, WebhookRejected
from adapters.lightspeed_retail import LightspeedRetail

SECRET = "demo-client-secret"
VECTOR = (
    b"payload=%7B%22id%22%3A%220db6c587-0000-11ee-8000-000000000001%22%2C%22product_id%22%3A%221b2c0000-0000-11ee-8000-0000000000a1"
    b"%22%2C%22outlet_id%22%3A%222c3d0000-0000-11ee-8000-0000000000b1%22%2C%22count%22%3A4%2C%22attributed_cost%22%3A%2212.50%22"
    b"%2C%22reorder_point%22%3A%220%22%2C%22restock_level%22%3A%220%22%7D&domain_prefix=democorner"
)
VECTOR_SIGNATURE = "b3d489b57888d41fb00fc12c16e904d04b1f4da173da4a35e96f23818a746c8d"
PAYLOAD_SIGNATURE = "2ba9e8be24813f1b3686b01a24f988466b87dac0a34830e42b1b2831ec2782c5"

CONNECTION = Connection("c1", "till", "lightspeed_retail", "till", "http://till.test", {"client_secret": SECRET}, {})
SALE = {
    "id": "s-1",
    "status": "AWAITING_DISPATCH",
    "register_sale_products": [],
    "updated_at": "2026-09-21 14:13:20",
    "version": 7,
}


def verify(
    body: bytes, signature: str | None, query: dict[str, str] | None = None, **settings: Any
) -> list[WebhookHint]:
    headers = {"X-Signature": signature} if signature is not None else {}
    return list(LightspeedRetail().verify(body, headers, query or {}, replace(CONNECTION, settings=settings)))


def form(entity: Any, **fields: str) -> bytes:
    return urlencode({"payload": json.dumps(entity), **fields}).encode()


def signed(body: bytes, secret: str = SECRET) -> str:
    return f"signature={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()},algorithm=HMAC-SHA256"


def hints(entity: Any, query: dict[str, str] | None = None) -> list[WebhookHint]:
    body = form(entity)
    return verify(body, signed(body), query)


def test_the_documented_vector_is_accepted_and_says_which_stock_to_read() -> None:
    (hint,) = verify(VECTOR, f"signature={VECTOR_SIGNATURE},algorithm=HMAC-SHA256")
    assert hint.native_type == "inventory.update"
    assert (hint.operation, hint.payload) == ("read_stock", {"product_id": "1b2c0000-0000-11ee-8000-0000000000a1"})
    assert hint.subject == "product:1b2c0000-0000-11ee-8000-0000000000a1"


def test_a_signature_over_the_payload_only_is_accepted_when_set() -> None:
    header = f"signature={PAYLOAD_SIGNATURE},algorithm=HMAC-SHA256"
    assert verify(VECTOR, header, signature_over="payload")
    with pytest.raises(WebhookRejected):
        verify(VECTOR, header)


def test_a_signature_may_be_hex_or_base64_unless_the_setting_says_which() -> None:
    as_base64 = f"signature={base64.b64encode(bytes.fromhex(VECTOR_SIGNATURE)).decode()},algorithm=HMAC-SHA256"
    assert verify(VECTOR, as_base64)
    assert verify(VECTOR, as_base64, signature_encoding="base64")
    with pytest.raises(WebhookRejected):
        verify(VECTOR, as_base64, signature_encoding="hex")


@pytest.mark.parametrize(
    "header",
    [None, "", "algorithm=HMAC-SHA256", f"signature={'0' * 64},algorithm=HMAC-SHA256", "signature=,algorithm=HMAC-SHA256",
     "signature=ééé,algorithm=HMAC-SHA256", f"signature={VECTOR_SIGNATURE},algorithm=HMAC-MD5", signed(VECTOR, "other"),
     signed(VECTOR + b" ")],
)  # fmt: skip
def test_a_missing_or_wrong_signature_is_401(header: str | None) -> None:
    with pytest.raises(WebhookRejected) as rejected:
        verify(VECTOR, header)
    assert rejected.value.status == 401


def test_without_a_client_secret_nothing_is_believed() -> None:
    with pytest.raises(WebhookRejected) as rejected:
        LightspeedRetail().verify(VECTOR, {"x-signature": signed(VECTOR, "")}, {}, replace(CONNECTION, credentials={}))
    assert rejected.value.status == 401


@pytest.mark.parametrize(
    "body", [b"", b"payload=", b"payload=nonsense", b"payload=%5B1%5D", b"\xff\xfe", b"payload=null", b"&" * 200]
)
def test_a_signed_body_that_makes_no_sense_is_400(body: bytes) -> None:
    with pytest.raises(WebhookRejected) as rejected:
        verify(body, signed(body))
    assert rejected.value.status == 400


def test_a_huge_body_is_413() -> None:
    body = b"payload=" + b"1" * 1_000_001
    with pytest.raises(WebhookRejected) as rejected:
        verify(body, signed(body))
    assert rejected.value.status == 413


def test_a_changed_sale_says_which_sale_to_read() -> None:
    (hint,) = hints(SALE)
    assert (hint.native_type, hint.subject, hint.operation, hint.payload) == (
        "sale.update",
        "sale:s-1",
        "read_sale",
        {"sale_id": "s-1"},
    )
    assert hint.time.isoformat() == "2026-09-21T14:13:20+00:00"


def test_the_type_in_the_address_goes_before_guessing() -> None:
    (hint,) = hints({"id": "s-1"}, {"type": "sale.update"})
    assert hint.operation == "read_sale"


@pytest.mark.parametrize(
    ("entity", "query"),
    [
        ({"id": "p-1", "handle": "mug", "sku": "MUG"}, {}),
        ({"id": "c-1", "customer_code": "ADA", "email": "ada@example.org"}, {}),
        ({"id": "x-1"}, {"type": "register_closure.create"}),
        ({"id": "x-1"}, {"type": "something.new"}),
        ({"id": "x-1"}, {}),
    ],
)
def test_what_needs_no_reading_is_accepted_without_a_hint(entity: dict, query: dict[str, str]) -> None:
    assert hints(entity, query) == []


def test_a_sale_without_an_id_is_400() -> None:
    with pytest.raises(WebhookRejected) as rejected:
        hints({"register_sale_products": []})
    assert rejected.value.status == 400


def test_the_same_message_twice_is_one_event_and_a_newer_version_another() -> None:
    (first,), (again,), (newer,) = hints(SALE), hints(SALE), hints({**SALE, "version": 8})
    assert first.event_id == again.event_id != newer.event_id


def test_two_products_do_not_share_an_event() -> None:
    one, other = (
        {"id": "i", "outlet_id": "o", "product_id": product, "count": 1, "version": 3} for product in ("p", "q")
    )
    assert hints(one)[0].event_id != hints(other)[0].event_id


@given(st.binary(max_size=300), st.text(max_size=80))
def test_whatever_arrives_is_accepted_or_rejected_with_a_status(body: bytes, header: str) -> None:
    for signature in (header, signed(body)):
        try:
            verify(body, signature)
        except WebhookRejected as rejected:
            assert rejected.status in (400, 401)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
                        st.sampled_from(["id", "product_id", "outlet_id", "product", "version", "updated_at", "line_items"]), inner), max_leaves=8))  # fmt: skip
def test_a_signed_payload_of_any_shape_never_breaks(entity: Any) -> None:
    for query in ({}, {"type": "sale.update"}, {"type": "inventory.update"}):
        try:
            hints(entity, query)
        except WebhookRejected as rejected:
            assert rejected.status == 400
