"""Tokens, points and errors of the Shopify client."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from adapters.base import Call, Connection, Refused, RetryLater, Throttled, Unauthorised
from adapters.sandbox import SandboxState, running
from adapters.shopify import Shopify
from adapters.shopify.client import Client, UserErrors
from adapters.shopify.sandbox import CLIENT_ID, connection_credentials, create_app
from tests.adapters.memory import LocalMemory
from tests.adapters.rigs.base import ARTICLES, OUTLETS
from tests.adapters.rigs.shopify import ShopifyRig


@pytest.fixture
def shop() -> Iterator[ShopifyRig]:
    with ShopifyRig.open() as rig:
        yield rig


BOUGHT = {**connection_credentials(), "token": "", "client_id": CLIENT_ID}


def check(rig: ShopifyRig, credentials: dict[str, str], memory: LocalMemory | None = None) -> str:
    connection = replace(rig.connection, credentials=credentials)
    return Shopify().execute(Call("check", {}, "k"), connection, memory or LocalMemory(credentials), rig.http).summary


# Tokens


def test_a_token_is_bought_with_client_id_and_secret_and_kept(shop: ShopifyRig) -> None:
    memory = LocalMemory(BOUGHT)
    for _ in range(3):
        check(shop, BOUGHT, memory)
    assert shop.box.state.counter("tokens_made") == 1
    kept = memory.credentials()
    assert kept["access_token"].startswith("shpat_")
    assert kept["client_secret"] == BOUGHT["client_secret"]


def test_a_token_is_bought_again_before_it_is_over(shop: ShopifyRig) -> None:
    memory = LocalMemory(BOUGHT)
    shop.box.state.set_setting("token_seconds", 120)  # Less than is kept in reserve.
    check(shop, BOUGHT, memory)
    check(shop, BOUGHT, memory)
    assert shop.box.state.counter("tokens_made") == 2


def test_a_token_that_died_before_its_time_is_replaced_once(shop: ShopifyRig) -> None:
    memory = LocalMemory(BOUGHT)
    check(shop, BOUGHT, memory)
    shop.box.state.delete("token", memory.credentials()["access_token"])
    check(shop, BOUGHT, memory)
    assert shop.box.state.counter("tokens_made") == 2


def test_a_token_that_another_process_bought_is_taken_over(shop: ShopifyRig) -> None:
    memory = LocalMemory(BOUGHT)
    client = Client(replace(shop.connection, credentials=BOUGHT), memory, shop.http)
    check(shop, BOUGHT, memory)
    client.query("{ shop { name } }")
    assert shop.box.state.counter("tokens_made") == 1


@pytest.mark.parametrize("change", [{"client_secret": "wrong"}, {"client_id": "wrong"}])
def test_an_app_that_gets_no_token_is_unauthorised_with_advice(shop: ShopifyRig, change: dict[str, str]) -> None:
    with pytest.raises(Unauthorised, match="Dev Dashboard"):
        check(shop, {**BOUGHT, **change})


@pytest.mark.parametrize("change", [
    {"token": "shpat_wrong"}, {"token": ""}, {"token": "shpat_€"}, {"token": "shpat_a\n"}, {"token": "", "client_id": "x", "client_secret": ""},
])  # fmt: skip
def test_wrong_or_missing_credentials_are_unauthorised(shop: ShopifyRig, change: dict[str, str]) -> None:
    with pytest.raises(Unauthorised) as caught:
        check(shop, {**connection_credentials(), **change})
    assert "shpat_" not in caught.value.message + caught.value.detail


def test_a_connection_without_an_address_goes_to_the_shop_it_names() -> None:
    asked: list[str] = []

    class Nowhere(requests.Session):
        def request(self, method: str, url: str, **_: Any) -> Any:  # type: ignore[override]
            asked.append(url)
            raise requests.ConnectionError("nobody there")

    named = Connection("c", "shop", "shopify", "shop", "", {"shop": "teahouse.myshopify.com", "token": "t"})
    with pytest.raises(RetryLater), Nowhere() as http:
        Shopify().execute(Call("check", {}, "k"), named, LocalMemory(), http)
    assert asked == ["https://teahouse.myshopify.com/admin/api/2026-07/graphql.json"]
    with pytest.raises(Unauthorised, match="names no shop"), Nowhere() as http:
        Shopify().execute(Call("check", {}, "k"), replace(named, credentials={"shop": "evil.example/x", "token": "t"}), LocalMemory(), http)


# Points


def test_spent_points_throttle_until_enough_came_back() -> None:
    state = SandboxState()
    ShopifyRig.seed(state, ARTICLES, OUTLETS)
    with running(create_app(state, cost_bucket=40, restore_rate=2)) as box, requests.Session() as http:
        rig = ShopifyRig(box, LocalMemory(connection_credentials()), http)
        with pytest.raises(Throttled) as caught:
            for turn in range(60):
                rig.do("read_locations", key=str(turn))
        assert caught.value.until is not None
        assert 0 < (caught.value.until - datetime.now(UTC)).total_seconds() <= 20
        asked = box.state.requests()[-1]
        assert asked.status == 200
        assert '"THROTTLED"' in asked.answer


def test_a_throttled_write_is_carried_out_once_in_the_end(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 1})
    shop.fault("429", match="fulfillmentOrderReportProgress", seconds=30)
    payload = {"order": shop.adopt(order), "shop_status": "processing"}
    with pytest.raises(Throttled):
        shop.do("set_order_status", payload)
    shop.do("set_order_status", payload)
    assert shop.shop_status(order) == "processing"


# Errors of every layer


def answer(shop: ShopifyRig, monkeypatch: pytest.MonkeyPatch, body: Any) -> None:
    monkeypatch.setattr("adapters.shopify.sandbox_api.run", lambda *given, **more: body)


@pytest.mark.parametrize(("code", "kind"), [
    ("THROTTLED", Throttled), ("ACCESS_DENIED", Unauthorised), ("MAX_COST_EXCEEDED", Refused), ("INTERNAL_SERVER_ERROR", RetryLater),
    ("IDEMPOTENCY_CONCURRENT_REQUEST", RetryLater), ("IDEMPOTENCY_KEY_PARAMETER_MISMATCH", Refused), ("BAD_REQUEST", Refused), ("", Refused),
])  # fmt: skip
def test_each_error_of_graphql_is_one_of_the_four_kinds(shop: ShopifyRig, monkeypatch: pytest.MonkeyPatch, code: str, kind: type[Exception]) -> None:
    answer(shop, monkeypatch, {"errors": [{"message": "Their words.", "extensions": {"code": code}}]})
    with pytest.raises(kind) as caught:
        shop.do("check")
    assert type(caught.value).__mro__.index(kind) <= 1
    if kind is not Throttled:
        assert "Their words." in str(caught.value)


@pytest.mark.parametrize("body", [{}, {"data": None}, {"data": []}, {"data": "x"}, [], {"errors": []}])
def test_an_answer_without_data_is_tried_later(shop: ShopifyRig, monkeypatch: pytest.MonkeyPatch, body: Any) -> None:
    answer(shop, monkeypatch, body)
    with pytest.raises(RetryLater):
        shop.do("check")


def test_errors_that_are_no_list_are_the_shops_words(shop: ShopifyRig, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(shop, monkeypatch, {"errors": "Not today"})
    with pytest.raises(Refused, match="Not today"):
        shop.do("check")


def test_user_errors_are_refused_in_the_shops_words_with_their_codes(shop: ShopifyRig) -> None:
    client = Client(shop.connection, shop.memory, shop.http)
    text = "mutation M($id: ID!) { fulfillmentOrderReportProgress(id: $id) { userErrors { field message code } } }"
    with pytest.raises(UserErrors, match="Fulfillment order does not exist") as caught:
        client.change(text, id="gid://shopify/FulfillmentOrder/1")
    assert caught.value.codes == {"FULFILLMENT_ORDER_NOT_FOUND"}


@pytest.mark.parametrize(("status", "kind"), [(401, Unauthorised), (402, Unauthorised), (403, Unauthorised), (423, Refused), (404, Refused), (503, RetryLater)])
def test_errors_of_http_are_one_of_the_four_kinds(shop: ShopifyRig, monkeypatch: pytest.MonkeyPatch, status: int, kind: type[Exception]) -> None:
    from adapters.shopify import sandbox_api

    monkeypatch.setattr(sandbox_api, "run", lambda *given, **more: (_ for _ in ()).throw(_http(status)))
    with pytest.raises(kind):
        shop.do("check")


def _http(status: int) -> Exception:
    from flask import abort
    from werkzeug.exceptions import HTTPException

    from adapters.shopify.sandbox_api import error

    if status not in (402, 423):
        try:
            abort(status)
        except HTTPException as problem:
            return problem
    return HTTPException(response=error(status, "Unavailable Shop"))


def test_an_answer_that_is_too_large_is_asked_for_in_smaller_pages(shop: ShopifyRig, monkeypatch: pytest.MonkeyPatch) -> None:
    orders = {shop.place({"TEA": 1}) for _ in range(6)}
    monkeypatch.setattr("adapters.http.MAX_BODY_BYTES", 9000)
    found = shop.do("read_orders")
    assert {event.data["order"]["external_id"] for event in found.events} == orders
