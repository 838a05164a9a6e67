"""What support gets to see of an HTTP exchange: no secret, no personal data, and still enough to understand it."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers import masking
from workers.masking import MASK

SALE = {
    "id": "b8ca-1",
    "register_id": "r-1",
    "invoice_number": "4711",
    "customer": {"id": "c-9", "name": "Jan de Vries", "customer_group_id": "g-1", "country": "NL", "loyal": True, "points": 12,
                 "contact": {"first": "Jan", "phone": "+31 6 1234"}},
    "shippingPerson": {"name": "Piet Jansen", "street": "Damrak 1", "postalCode": "1012 LG", "countryCode": "NL"},
    "billing_address": {"line1": "Dam 1", "id": "a-1"},
    "email": "jan@example.nl",
    "line_items": [{"sku": "BIKE-1", "name": "City bike", "price": "499.00"}],
    "note": "call jan@example.nl, card 4111 1111 1111 1111",
    "access_token": "abcdef123456",
}


def test_a_sale_stays_readable_and_its_customer_does_not() -> None:
    shown = json.loads(masking.body(json.dumps(SALE).encode(), "application/json"))
    assert shown == {
        "id": "b8ca-1",
        "register_id": "r-1",
        "invoice_number": "4711",
        "customer": {"id": "c-9", "name": MASK, "customer_group_id": "g-1", "country": "NL", "loyal": True, "points": 12,
                     "contact": {"first": MASK, "phone": MASK}},
        "shippingPerson": {"name": MASK, "street": MASK, "postalCode": MASK, "countryCode": "NL"},
        "billing_address": {"line1": MASK, "id": "a-1"},
        "email": MASK,
        "line_items": [{"sku": "BIKE-1", "name": "City bike", "price": "499.00"}],
        "note": f"call {MASK}, card {MASK}",
        "access_token": MASK,
    }


@pytest.mark.parametrize("key", [
    "password", "oauth_consumer_key", "order_key", "client_secret", "refreshToken", "access_token", "apiKey", "api_key", "X-Signature", "hmac", "sessionId",
    "Authorization", "webhook_secret", "email", "customerEmail", "first_name", "lastname", "phone", "mobile", "postcode",
    "street", "physical_address_1", "addressShippingName", "company_name", "date_of_birth", "iban", "vat_number", "ipAddress",
])
def test_what_is_secret_or_personal_is_recognised_by_its_key(key: str) -> None:
    assert masking.value({key: "something"}) == {key: MASK}


@pytest.mark.parametrize("key", [
    "id", "sku", "name", "product_name", "design", "assigned", "status", "total", "customer_id", "address_id", "register_id",
    "outlet", "invoice_number", "pinned", "loyalty", "description",
])
def test_what_is_neither_stays(key: str) -> None:
    assert masking.value({key: "something"}) == {key: "something"}


def test_only_harmless_headers_are_shown() -> None:
    shown = masking.headers({
        "Authorization": "Bearer abc", "X-Signature": "s", "Set-Cookie": "a=b", "Content-Type": "application/json", "Retry-After": "3",
        "Idempotency-Key": "01J",
    })
    assert shown == {
        "Authorization": MASK, "X-Signature": MASK, "Set-Cookie": MASK, "Content-Type": "application/json", "Retry-After": "3",
        "Idempotency-Key": "01J",
    }


def test_an_address_keeps_its_path_and_harmless_query() -> None:
    shown = masking.url("https://user:pass@api.example/v1/orders/12?token=abc&email=jan%40example.nl&page=2&sort=a%20b")
    assert shown == f"https://api.example/v1/orders/12?token={MASK}&email={MASK}&page=2&sort=a%20b"


def test_a_form_is_masked_by_its_fields() -> None:
    shown = masking.body("grant_type=refresh_token&refresh_token=abc&client_secret=x&scope=sales", "application/x-www-form-urlencoded")
    assert shown == f"grant_type=refresh_token&refresh_token={MASK}&client_secret={MASK}&scope=sales"


def test_xml_and_plain_text_are_masked_where_they_name_things() -> None:
    assert masking.body("<Sale><Id>7</Id><c:Email a='b'>x</c:Email><Phone>1</Phone></Sale>", "text/xml") == (
        f"<Sale><Id>7</Id><c:Email a='b'>{MASK}</c:Email><Phone>{MASK}</Phone></Sale>"
    )
    assert masking.text("login failed: password: hunter2, user 7") == f"login failed: password: {MASK}, user 7"
    assert masking.text("Authorization was Bearer eyJhbGciOi") .endswith(f"Bearer {MASK}")


def test_json_that_was_cut_short_is_masked_as_text() -> None:
    shown = masking.body('{"sale": {"id": 7, "email": "jan@example.nl", "first_name": "Jan", "access_token": "abc')
    assert "jan@" not in shown
    assert '"Jan"' not in shown
    assert "abc" not in shown
    assert '"id": 7' in shown


def test_the_credentials_of_the_connection_are_found_anywhere() -> None:
    secrets = masking.known_secrets(["s3cr3t-token", "nl"])
    assert masking.url("https://x.example/s3cr3t-token/sales", secrets) == f"https://x.example/{MASK}/sales"
    assert masking.body('{"echo": "you sent s3cr3t-token"}', secrets=secrets) == f'{{"echo":"you sent {MASK}"}}'
    assert masking.text("nl stays, s3cr3t-token goes", secrets) == f"nl stays, {MASK} goes"


def test_numbers_that_are_no_cards_stay() -> None:
    assert masking.text("barcode 8710398527455, order 4111111111111112") == "barcode 8710398527455, order 4111111111111112"
    assert masking.text("card 4111-1111-1111-1111") == f"card {MASK}"


def test_long_bodies_are_clipped_and_bytes_that_are_no_text_left_out() -> None:
    shown = masking.body(json.dumps([{"sku": "BIKE-1"}] * 5_000))
    assert shown.endswith(" more characters)")
    assert len(shown) < masking.MAX_BODY_CHARACTERS + 50
    assert masking.body(b"\x00\x01\x02") == "(3 bytes that are no text)"
    assert masking.body(None) == ""


def test_nesting_without_end_does_no_harm() -> None:
    deep = "[" * 5_000 + "]" * 5_000
    assert len(masking.body(deep)) < 11_000


WORDS = st.text(string.ascii_lowercase, min_size=1, max_size=8)


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4), max_leaves=20,
), st.sampled_from(["customer", "billingAddress", "email", "password"]))
def test_wherever_a_person_or_a_secret_stands_none_of_it_is_shown(around: object, key: str) -> None:
    marked = {"deep": [around, {key: {"name": "Zebedee", "more": [{"lines": "Zebedee"}]}, "id": 1}]}
    assert "Zebedee" not in masking.body(json.dumps(marked))


@given(st.text(max_size=300))
def test_any_text_can_be_masked_and_masking_again_changes_nothing_it_hid(text: str) -> None:
    masked = masking.body(text)
    assert isinstance(masked, str)
    assert isinstance(masking.url(text), str)
