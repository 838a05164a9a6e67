"""Native webhooks: only a signed one is taken, once, and it becomes a read of the system that sent it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from adapters.lightspeed_ecom.webhook import SIGNATURE_HEADER, signature
from store.models import Merchant
from tests.api.house import House, Shopkeeper, open_shop

SECRET = "shop secret"


def _hook(event_id: str = "e-1", order: str = "7Q2XK", **more: Any) -> dict[str, Any]:
    created = 1_780_000_000
    return {"eventId": event_id, "eventCreated": created, "eventType": "order.created", "data": {"orderId": order}, **more}


def _send(client: FlaskClient, address: str, body: dict[str, Any], secret: str = SECRET) -> Any:
    signed = signature(body["eventCreated"], body["eventId"], secret)
    return client.post(address, data=json.dumps(body), headers={SIGNATURE_HEADER: signed}, content_type="application/json")


def test_a_signed_webhook_makes_us_read_what_it_speaks_of(client: FlaskClient, keeper: Shopkeeper) -> None:
    answer = _send(client, f"/v1/hooks/{keeper.shop}", _hook())

    assert (answer.status_code, answer.json) == (200, {"accepted": 1})
    (command,) = client.get("/v1/commands", headers=keeper.bearer).json["items"]
    assert (command["connection"], command["operation"]) == ("tulip-shop", "read_order")


@pytest.mark.parametrize("address", ["/v1/hooks/tulip-shop", "/v1/hooks/tulip/tulip-shop"])
def test_the_address_may_name_the_connection(client: FlaskClient, keeper: Shopkeeper, address: str) -> None:
    assert _send(client, address, _hook()).status_code == 200


def test_the_same_webhook_again_is_answered_but_read_once(client: FlaskClient, keeper: Shopkeeper) -> None:
    for _ in range(3):
        assert _send(client, f"/v1/hooks/{keeper.shop}", _hook()).status_code == 200

    assert len(client.get("/v1/events", headers=keeper.bearer).json["items"]) == 1


def test_a_system_that_uses_one_id_for_two_things_loses_neither(client: FlaskClient, keeper: Shopkeeper) -> None:
    for order in ("A1", "B2", "B2"):
        assert _send(client, f"/v1/hooks/{keeper.shop}", _hook(order=order)).status_code == 200

    subjects = {event["subject"] for event in client.get("/v1/events", headers=keeper.bearer).json["items"]}
    assert subjects == {"order:A1", "order:B2"}


def test_an_unsigned_or_wrongly_signed_webhook_is_refused(client: FlaskClient, keeper: Shopkeeper) -> None:
    unsigned = client.post(f"/v1/hooks/{keeper.shop}", data=json.dumps(_hook()), content_type="application/json")
    wrong = _send(client, f"/v1/hooks/{keeper.shop}", _hook(), secret="somebody else's")

    for answer in (unsigned, wrong):
        assert (answer.status_code, answer.content_type) == (401, "application/problem+json")
        assert SECRET not in answer.get_data(as_text=True)
    assert client.get("/v1/events", headers=keeper.bearer).json["items"] == []


@pytest.mark.parametrize("address", ["/v1/hooks/nothing", "/v1/hooks/tulip/nothing", "/v1/hooks/nobody/tulip-shop"])
def test_an_address_without_a_connection_is_not_found(client: FlaskClient, keeper: Shopkeeper, address: str) -> None:
    assert _send(client, address, _hook()).status_code == 404


def test_a_name_two_merchants_use_means_nobody_and_the_merchant_has_to_be_named(
    house: House, client: FlaskClient, keeper: Shopkeeper, make_merchant: Callable[..., Merchant]
) -> None:
    rival = open_shop(house, make_merchant, "rival")
    with house.database.session(rival.merchant.id) as session:
        from store import connections

        shop = connections.get(session, rival.shop)
        assert shop is not None
        shop.name = "tulip-shop"

    assert _send(client, "/v1/hooks/tulip-shop", _hook()).status_code == 404
    assert _send(client, "/v1/hooks/rival/tulip-shop", _hook()).status_code == 200
    assert client.get("/v1/events", headers=keeper.bearer).json["items"] == []


def test_a_webhook_of_five_megabytes_is_too_large(client: FlaskClient, keeper: Shopkeeper) -> None:
    assert client.post(f"/v1/hooks/{keeper.shop}", data=b"x" * 5_000_000).status_code == 413


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'{"eventId": 1}', b"[" * 100_000])
def test_a_webhook_that_makes_no_sense_is_a_problem_document(client: FlaskClient, keeper: Shopkeeper, body: bytes) -> None:
    answer = client.post(f"/v1/hooks/{keeper.shop}", data=body, headers={SIGNATURE_HEADER: "x"})

    assert answer.status_code in (400, 401)
    assert answer.content_type == "application/problem+json"


def test_text_that_cannot_be_stored_is_refused_even_when_signed(client: FlaskClient, keeper: Shopkeeper) -> None:
    for order in ("A\x00", "\ud800"):
        assert _send(client, f"/v1/hooks/{keeper.shop}", _hook(order=order)).status_code == 422
