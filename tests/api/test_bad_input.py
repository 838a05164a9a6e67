"""Bad input is a 4xx problem document that says which field is wrong and why; it never breaks anything."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.schemas.data import TYPES
from tests.api.house import Shopkeeper, cloud_event, placed, post


def _line(**changes: Any) -> dict[str, Any]:
    return {"id": "1", "sku": "MUG-BLUE", "quantity": 1, "unit_price": "12.50", **changes}


@pytest.mark.parametrize(
    ("changes", "field", "why"),
    [
        ({"lines": []}, "data.order.lines", "between 1 and 500 entries; it has none"),
        ({"lines": [_line(quantity=-1)]}, "data.order.lines[0].quantity", "between 1 and"),
        ({"lines": [_line(quantity=0)]}, "data.order.lines[0].quantity", "between 1 and"),
        ({"lines": [_line(quantity=1.5)]}, "data.order.lines[0].quantity", "whole number"),
        ({"lines": [_line(quantity="2")]}, "data.order.lines[0].quantity", 'not the text "2"'),
        ({"lines": [_line(quantity=True)]}, "data.order.lines[0].quantity", "whole number"),
        ({"lines": [_line(quantity=10**30)]}, "data.order.lines[0].quantity", "between 1 and"),
        ({"lines": [_line(), _line()]}, "data.order.lines[1].id", "an id of its own"),
        ({"lines": [_line(currency="USD")]}, "data.order.lines[0].currency", "the order is in EUR"),
        ({"lines": [_line(unit_price="-1")]}, "data.order.lines[0].unit_price", "negative"),
        ({"lines": [_line(unit_price="1.005")]}, "data.order.lines[0].unit_price", "two decimals"),
        ({"lines": [_line(unit_price="1e3")]}, "data.order.lines[0].unit_price", "must be a number"),
        ({"lines": [_line(quantiy=1)]}, "data.order.lines[0].quantiy", 'Did you mean "quantity"?'),
        ({"currency": "euro"}, "data.order.currency", "three capitals"),
        ({"placed_at": "2026-11-22T09:30:00"}, "data.order.placed_at", "time zone is missing"),
        ({"placed_at": "2026-02-30T09:30:00Z"}, "data.order.placed_at", "not a moment that exists"),
        ({"placed_at": "0001-01-01T00:00:00+14:00"}, "data.order.placed_at", "not a moment that exists"),
        ({"payment_status": "payed"}, "data.order.payment_status", 'Did you mean "paid"?'),
        ({"tracking": [{"number": "1", "url": "javascript:alert(1)"}]}, "data.order.tracking[0].url", "web address"),
        ({"shipping_method": {"outlet": "amsterdm"}}, "data.order.shipping_method.outlet", 'Did you mean "amsterdam"?'),
        ({"number": "x" * 201}, "data.order.number", "200 characters"),
        ({"comment": "a\x00b"}, "data.order.comment", "NUL"),
        ({"comment": "\ud800"}, "data.order.comment", "surrogate"),
    ],
)
def test_a_wrong_field_is_named_with_the_reason(
    client: FlaskClient, keeper: Shopkeeper, changes: dict[str, Any], field: str, why: str
) -> None:
    answer = post(client, keeper, cloud_event("order.placed", placed(**changes)))

    assert answer.status_code == 422, answer.json
    assert answer.content_type == "application/problem+json"
    errors = {error["field"]: error["message"] for error in answer.json["errors"]}
    assert field in errors
    assert why in errors[field]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"specversion": "0.3"}, "specversion"), ({"id": ""}, "id"), ({"id": None}, "id"), ({"source": 5}, "source"),
        ({"time": "yesterday"}, "time"), ({"time": None}, "time"), ({"datacontenttype": "text/xml"}, "datacontenttype"),
        ({"Bad-Name": "x"}, "Bad-Name"), ({"extension": {"a": 1}}, "extension"), ({"sequence": "-1"}, "sequence"),
        ({"sequence": 2**63}, "sequence"), ({"data_base64": "e30="}, "data_base64"), ({"data": None}, "data"),
        ({"data": []}, "data"), ({"source": "wissel"}, "source"), ({"type": None}, "type"),
    ],
)  # fmt: skip
def test_a_wrong_envelope_is_named_with_the_reason(
    client: FlaskClient, keeper: Shopkeeper, changes: dict[str, Any], field: str
) -> None:
    answer = post(client, keeper, {**cloud_event("order.placed", placed()), **changes})

    assert answer.status_code == 422, answer.json
    assert field in [error["field"] for error in answer.json["errors"]]


def test_an_unknown_type_is_answered_with_the_nearest_one(client: FlaskClient, keeper: Shopkeeper) -> None:
    answer = post(client, keeper, cloud_event("fulfillment.status_changed", {}))

    assert answer.status_code == 422
    assert answer.json["type"] == "/docs/problems#unknown-type"
    assert 'Did you mean "fulfilment.status_changed"?' in answer.json["detail"]


def test_a_payment_in_another_currency_than_its_order_is_refused(client: FlaskClient, keeper: Shopkeeper) -> None:
    post(client, keeper, cloud_event("order.placed", placed("P1")))
    payment = {"order": {"number": "P1"}, "amount": "25.00", "currency": "USD", "reference": "p1"}

    answer = post(client, keeper, cloud_event("payment.received", payment))

    assert answer.status_code == 422
    assert answer.json["errors"] == [{"field": "data.currency", "message": "is USD, but order P1 is in EUR"}]


def test_stock_of_an_unknown_outlet_is_refused_and_lists_the_known_ones(client: FlaskClient, keeper: Shopkeeper) -> None:
    answer = post(client, keeper, cloud_event("stock.changed", {"outlet": "rotterdam", "sku": "LAMP", "on_hand": 1}))

    assert answer.status_code == 422
    assert "warehouse, amsterdam, utrecht" in answer.json["errors"][0]["message"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400), (b"{", 400), (b"nonsense", 400), (b"\xff\xfe", 400), (b'{"a": NaN}', 400), (b'{"a": Infinity}', 400),
        (b'{"a": 1e999999999}', 400), (b'{"a": ' + b"9" * 5000 + b"}", 400), (b'{"id": 1, "id": 2}', 422), (b"null", 422),
        (b"[]", 422), (b'"text"', 422), (b"[" * 100_000, 422), (b'{"a":' * 50_000, 422), (b"[" * 40 + b"]" * 40, 422),
    ],
)  # fmt: skip
def test_a_body_that_is_no_event_is_a_problem_document(
    client: FlaskClient, keeper: Shopkeeper, body: bytes, status: int
) -> None:
    answer = client.post("/v1/events", data=body, headers=keeper.bearer, content_type="application/cloudevents+json")

    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert answer.json["detail"]


def test_five_megabytes_are_too_large(client: FlaskClient, keeper: Shopkeeper) -> None:
    body = json.dumps({**cloud_event("order.placed", placed()), "data": "x" * 5_000_000})
    answer = client.post("/v1/events", data=body, headers=keeper.bearer, content_type="application/json")

    assert answer.status_code == 413
    assert "1,000,000 bytes" in answer.json["detail"]


def test_another_content_type_is_answered_with_those_that_are_taken(client: FlaskClient, keeper: Shopkeeper) -> None:
    answer = client.post("/v1/events", data="<xml/>", headers=keeper.bearer, content_type="text/xml")

    assert answer.status_code == 415
    assert "application/cloudevents+json" in answer.headers["Accept-Post"]


def test_thousands_of_unknown_fields_are_refused_without_guessing_at_each(client: FlaskClient, keeper: Shopkeeper) -> None:
    answer = post(client, keeper, cloud_event("product.changed", {f"field{index}": 1 for index in range(20_000)}))

    assert answer.status_code == 422
    assert len(answer.json["errors"]) < 20


@pytest.mark.parametrize("path", ["/v1/orders?q=%00", "/v1/orders/%00", "/v1/events/a%00b", "/v1/stock?sku=%00"])
def test_nul_in_an_address_is_refused(client: FlaskClient, keeper: Shopkeeper, path: str) -> None:
    answer = client.get(path, headers=keeper.bearer)

    assert answer.status_code in (400, 404)
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=many", "state=lost", "cursor=forged", "cursor=eyJhIjoxfQ.AAAA"]
)
def test_a_wrong_argument_of_a_list_is_named(client: FlaskClient, keeper: Shopkeeper, query: str) -> None:
    answer = client.get(f"/v1/orders?{query}", headers=keeper.bearer)

    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == query.split("=")[0]


def test_a_command_id_beyond_any_number_is_not_found(client: FlaskClient, keeper: Shopkeeper) -> None:
    assert client.get(f"/v1/commands/{10**30}", headers=keeper.bearer).status_code == 404


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
_FIELDS = st.sampled_from(["order", "lines", "sku", "quantity", "number", "outlet", "amount", "currency", "on_hand", "email"])
_DATA = st.dictionaries(_FIELDS, _JSON | st.dictionaries(_FIELDS, _JSON, max_size=4) | st.just(placed()["order"]), max_size=4)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(type_=st.sampled_from(sorted(TYPES)), data=_DATA | _JSON, more=st.dictionaries(st.text(max_size=8), _JSON, max_size=2))
def test_whatever_is_posted_is_answered_without_breaking(
    client: FlaskClient, keeper: Shopkeeper, type_: str, data: Any, more: dict[str, Any]
) -> None:
    answer = post(client, keeper, {**cloud_event(type_, data), **more})

    assert answer.status_code in (201, 202, 400, 409, 422), answer.json
