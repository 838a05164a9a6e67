"""Connecting systems through the API: tried on a real sandbox before anything is kept, and on record afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api import connection_calls
from store.models import Merchant
from tests.api.connecting import Till, connect, kept, noted, open_till, secrets_of
from tests.api.house import House, Shopkeeper, cloud_event, open_shop, placed, post


@pytest.fixture
def till() -> Iterator[Till]:
    with open_till() as opened:
        yield opened


def names(client: FlaskClient, keeper: Shopkeeper) -> list[str]:
    return [row["name"] for row in client.get("/v1/connections", headers=keeper.bearer).json["items"]]


def test_what_can_be_connected_is_told_with_what_it_takes(client: FlaskClient, keeper: Shopkeeper) -> None:
    found = {row["platform"]: row for row in client.get("/v1/connections/platforms", headers=keeper.bearer).json["items"]}

    ecom = found["lightspeed_ecom"]
    assert ecom["title"] == "Lightspeed eCom (E-Series)" and ecom["base_url"] == "https://app.ecwid.com"
    assert {each["name"] for each in ecom["credentials"]} == {"store_id", "token", "client_secret"}
    assert all(each["hint"] for row in found.values() for each in row["credentials"])
    assert all(each["meaning"] for row in found.values() for each in row["settings"])
    assert {"shop_status", "payment_status"} <= set(ecom["statuses"])


def test_a_system_that_takes_its_credentials_is_connected_and_active(client: FlaskClient, keeper: Shopkeeper, till: Till) -> None:
    answer = client.post("/v1/connections", json=till.wanted(reason="second shop"), headers=keeper.bearer)

    assert answer.status_code == 201
    assert answer.json["message"].startswith("Connected: 2 outlets")
    found = answer.json["connection"]
    assert (found["state"], found["role"], found["name"]) == ("active", "till", "second-till")
    assert {each["name"] for each in found["credentials"] if each["set"]} == set(till.credentials)
    assert all(each["since"] for each in found["credentials"] if each["set"])
    assert secrets_of(keeper, found["id"]) == dict(till.credentials)
    assert noted(keeper, "add connection") == [
        f"key admin key: connection:second-till: second shop (Lightspeed Retail (X-Series) at {till.box.url}, tested)"
    ]


def test_a_system_that_refuses_is_not_kept_and_its_own_words_are_told(client: FlaskClient, keeper: Shopkeeper, till: Till) -> None:
    wrong = till.wanted(credentials={"access_token": "not-the-right-token"})
    answer = client.post("/v1/connections", json=wrong, headers=keeper.bearer)

    assert answer.status_code == 422
    assert answer.json["type"] == "/docs/problems#not-connected" and answer.json["kind"] == "unauthorised"
    assert "The access token is not valid." in answer.json["detail"]
    assert "second-till" not in names(client, keeper)


def test_a_system_in_trouble_is_told_from_one_that_refuses(client: FlaskClient, keeper: Shopkeeper, till: Till) -> None:
    for fault, kind in (("500", "retry"), ("429", "throttled"), ("html", "retry"), ("drop", "retry")):
        till.box.sandbox.faults.add(fault)
        answer = client.post("/v1/connections", json=till.wanted(), headers=keeper.bearer)
        assert (answer.status_code, answer.json["kind"]) == (422, kind), fault
    assert "second-till" not in names(client, keeper)


def test_a_system_that_does_not_answer_holds_nobody_up_for_long(
    client: FlaskClient, keeper: Shopkeeper, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_calls, "SECONDS", 0.2)
    till.box.sandbox.faults.add("timeout", seconds=2)
    answer = client.post("/v1/connections", json=till.wanted(), headers=keeper.bearer)

    assert (answer.status_code, answer.json["kind"]) == (422, "retry")


def test_only_a_few_systems_are_asked_at_once(client: FlaskClient, keeper: Shopkeeper, till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_calls, "AT_ONCE", 0)
    answer = client.post("/v1/connections", json=till.wanted(), headers=keeper.bearer)

    assert (answer.status_code, answer.json["kind"]) == (422, "busy")
    assert till.calls() == []


def test_a_draft_is_kept_paused_and_untried_until_a_test_starts_it(client: FlaskClient, keeper: Shopkeeper, till: Till) -> None:
    draft = connect(client, keeper, till, draft=True)
    assert till.calls() == []
    assert kept(keeper, draft).state == "paused"

    assert client.post(f"/v1/connections/{draft}/resume", json={}, headers=keeper.bearer).status_code == 409
    started = client.post(f"/v1/connections/{draft}/test", json={"resume": True}, headers=keeper.bearer)

    assert started.status_code == 200 and started.json["message"].startswith("Connected")
    assert kept(keeper, draft).state == "active"
    assert len(noted(keeper, "resume connection")) == 1


def test_a_draft_may_lack_credentials_and_a_test_says_which(client: FlaskClient, keeper: Shopkeeper, till: Till) -> None:
    draft = connect(client, keeper, till, draft=True, credentials={})
    answer = client.post(f"/v1/connections/{draft}/test", json={"resume": True}, headers=keeper.bearer)

    assert answer.status_code == 422 and "has no access token" in answer.json["detail"]
    assert kept(keeper, draft).state == "paused"


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"platform": ""}, "platform", "there are: lightspeed_ecom, lightspeed_retail"),
    ({"name": "Two Words"}, "name", "small letters"),
    ({"name": "x" * 41}, "name", "Longer than"),
    ({"base_url": "http://10.0.0.1"}, "base_url", "must begin with https"),
    ({"base_url": "https://10.0.0.1"}, "base_url", "private, local or otherwise reserved"),
    ({"base_url": ""}, "base_url", "is missing"),
    ({"credentials": {}}, "credentials.access_token", "is missing"),
    ({"credentials": {"access_tokn": "x"}}, "credentials.access_tokn", "is no credential"),
    ({"credentials": {"access_token": 7}}, "credentials.access_token", "must be a text"),
    ({"credentials": {"access_token": "two\nlines"}}, "credentials.access_token", "line break"),
    ({"credentials": {"access_token": "x" * 4001}}, "credentials.access_token", "longer than 4,000"),
    ({"settings": {"register": "1"}}, "settings.register", 'Did you mean "register_id"?'),
    ({"settings": {"register_id": 7}}, "settings.register_id", "must be a text"),
    ({"settings": {"outlets": "all"}}, "settings.outlets", "must be a table"),
    ({"settings": {"outlets": {"utrecht": ["x"]}}}, "settings.outlets", "texts only"),
    ({"settings": {"poll_seconds": -1}}, "settings.poll_seconds", "from 0 to"),
    ({"settings": {"poll_seconds": True}}, "settings.poll_seconds", "must be a number"),
    ({"settings": []}, "settings", "Not a valid mapping"),
]  # fmt: skip


def test_each_thing_that_is_wrong_is_named_before_anybody_is_asked(client: FlaskClient, keeper: Shopkeeper, till: Till) -> None:
    for change, field, says in WRONG:
        answer = client.post("/v1/connections", json=till.wanted(**change), headers=keeper.bearer)
        assert answer.status_code == 422
        assert any(error["field"] == field and says in error["message"] for error in answer.json["errors"]), answer.json
    assert till.calls() == []


def test_a_name_is_used_once_even_by_an_archived_connection(client: FlaskClient, keeper: Shopkeeper, till: Till) -> None:
    client.post(f"/v1/connections/{keeper.till}/archive", json={}, headers=keeper.bearer)
    answer = client.post("/v1/connections", json=till.wanted(name="tulip-till"), headers=keeper.bearer)

    assert answer.status_code == 409 and "Choose another name" in answer.json["detail"]
    assert till.calls() == []


def test_new_credentials_replace_the_old_ones_only_when_they_work(client: FlaskClient, keeper: Shopkeeper, till: Till) -> None:
    connection = connect(client, keeper, till)
    refused = client.post(f"/v1/connections/{connection}/rotate", json={"credentials": {"access_token": "wrong-token", "refresh_token": "wrong-too"}}, headers=keeper.bearer)
    assert refused.status_code == 422
    assert secrets_of(keeper, connection) == dict(till.credentials)

    till.box.state.set_setting("access_token", "the-new-token")
    rotated = client.post(f"/v1/connections/{connection}/rotate", json={"credentials": {"access_token": "the-new-token"}}, headers=keeper.bearer)

    assert rotated.status_code == 200
    assert secrets_of(keeper, connection) == {**till.credentials, "access_token": "the-new-token"}
    assert noted(keeper, "rotate credentials") == ["key admin key: connection:second-till: credentials access_token"]


def test_new_credentials_can_start_a_connection_that_was_paused_for_the_old_ones(client: FlaskClient, keeper: Shopkeeper, till: Till) -> None:
    connection = connect(client, keeper, till)
    client.post(f"/v1/connections/{connection}/pause", json={"reason": "401"}, headers=keeper.bearer)
    keeper.house.redis.set(f"wissel:hold:{connection}", "[0, \"x\"]")

    client.post(
        f"/v1/connections/{connection}/rotate", json={"credentials": {"client_secret": "another-secret"}, "resume": True}, headers=keeper.bearer
    )

    assert kept(keeper, connection).state == "active"
    assert keeper.house.redis.get(f"wissel:hold:{connection}") is None


def test_optional_credentials_can_be_cleared_and_needed_ones_cannot(client: FlaskClient, keeper: Shopkeeper, till: Till) -> None:
    connection = connect(client, keeper, till)
    body = {"clear": ["refresh_token", "access_token"]}
    assert client.post(f"/v1/connections/{connection}/rotate", json=body, headers=keeper.bearer).status_code == 200

    assert set(secrets_of(keeper, connection)) == set(till.credentials) - {"refresh_token"}
    assert client.post(f"/v1/connections/{connection}/rotate", json={}, headers=keeper.bearer).status_code == 422


def test_a_token_that_the_system_renews_during_a_test_is_kept(client: FlaskClient, keeper: Shopkeeper, till: Till) -> None:
    connection = connect(client, keeper, till, draft=True, credentials={**till.credentials, "expires": "1"})
    client.post(f"/v1/connections/{connection}/test", json={"resume": True}, headers=keeper.bearer)

    assert secrets_of(keeper, connection)["access_token"] == till.box.state.setting("access_token") != till.credentials["access_token"]


def test_a_token_that_the_system_renews_is_kept_even_when_the_new_credentials_do_not_work(
    client: FlaskClient, keeper: Shopkeeper, till: Till
) -> None:
    connection = connect(client, keeper, till, draft=True, credentials={**till.credentials, "expires": "1"})
    client.post(f"/v1/connections/{connection}/test", json={"resume": True}, headers=keeper.bearer)
    till.box.sandbox.faults.add("500", match="/registers")
    rotating = {"credentials": {"expires": "2"}}
    answer = client.post(f"/v1/connections/{connection}/rotate", json=rotating, headers=keeper.bearer)

    assert answer.status_code == 422
    assert secrets_of(keeper, connection)["refresh_token"] == till.box.state.setting("refresh_token")


def test_another_address_is_asked_first_and_settings_are_simply_kept(client: FlaskClient, keeper: Shopkeeper, till: Till) -> None:
    connection = connect(client, keeper, till)
    elsewhere = client.patch(f"/v1/connections/{connection}", json={"base_url": "http://127.0.0.1:7"}, headers=keeper.bearer)
    assert elsewhere.status_code == 422 and kept(keeper, connection).base_url == till.box.url
    till.calls()

    settings = {**till.wanted()["settings"], "stock_moves": "at_fulfilment", "poll_seconds": 120, "api_version": "2026-07"}
    changed = client.patch(f"/v1/connections/{connection}", json={"settings": settings, "reason": "slower"}, headers=keeper.bearer)

    assert changed.status_code == 200 and till.calls() == []
    assert changed.json["settings"]["poll_seconds"] == 120 and changed.json["health"]["poll_seconds"] == 120
    assert "api_version" not in changed.json["settings"], "a default is not kept, so that a later one holds"
    assert noted(keeper, "change connection") == ["key admin key: connection:second-till: slower (settings poll_seconds, stock_moves)"]


def test_a_connection_that_something_depends_on_cannot_be_removed_and_says_what(client: FlaskClient, keeper: Shopkeeper) -> None:
    post(client, keeper, cloud_event("order.placed", placed(), source="tulip-shop"))
    client.post(f"/v1/connections/{keeper.shop}/pause", json={}, headers=keeper.bearer)
    answer = client.delete(f"/v1/connections/{keeper.shop}", headers=keeper.bearer)

    assert answer.status_code == 409
    assert "1 orders" in answer.json["detail"] and "archive it instead" in answer.json["detail"]
    assert "tulip-shop" in names(client, keeper)


def test_an_unused_connection_is_removed_once_it_is_paused(client: FlaskClient, keeper: Shopkeeper, till: Till) -> None:
    connection = connect(client, keeper, till)
    client.post(f"/v1/connections/{connection}/webhooks", json={}, headers=keeper.bearer)
    assert client.delete(f"/v1/connections/{connection}", headers=keeper.bearer).status_code == 409
    client.post(f"/v1/connections/{connection}/pause", json={}, headers=keeper.bearer)

    assert client.delete(f"/v1/connections/{connection}", headers=keeper.bearer).status_code == 204
    assert client.get(f"/v1/connections/{connection}", headers=keeper.bearer).status_code == 404
    assert till.box.state.all("webhook") == []
    assert noted(keeper, "remove connection") == ["key admin key: connection:second-till: "]


def test_an_archived_connection_takes_and_sends_nothing_and_can_be_restored_as_a_draft(client: FlaskClient, keeper: Shopkeeper, till: Till) -> None:
    connection = connect(client, keeper, till)
    said = client.post(f"/v1/connections/{connection}/archive", json={"reason": "closed"}, headers=keeper.bearer)

    assert "second-till is archived" in said.json["message"]
    assert "second-till" not in names(client, keeper)
    assert client.get(f"/v1/connections/{connection}", headers=keeper.bearer).json["health"]["words"] == "Archived"
    for path in ("test", "rotate", "pause", "webhooks"):
        answer = client.post(f"/v1/connections/{connection}/{path}", json={}, headers=keeper.bearer)
        assert (answer.status_code, "restore it first" in answer.json["detail"]) == (409, True), path
    assert client.post(f"/v1/hooks/{connection}", data=b"{}").status_code == 404

    restored = client.post(f"/v1/connections/{connection}/restore", json={}, headers=keeper.bearer).json
    assert restored["state"] == "paused" and not any(each["set"] for each in restored["credentials"])


CHANGING = (
    ("POST", ""), ("PATCH", "/{id}"), ("DELETE", "/{id}"), ("POST", "/{id}/archive"), ("POST", "/{id}/restore"), ("POST", "/{id}/test"),
    ("POST", "/{id}/rotate"), ("POST", "/{id}/pause"), ("POST", "/{id}/resume"), ("GET", "/{id}/webhooks"), ("POST", "/{id}/webhooks"),
    ("DELETE", "/{id}/webhooks"), ("GET", "/{id}/locations"), ("PUT", "/{id}/links"), ("GET", "/platforms"),
)  # fmt: skip


def test_only_a_key_for_administering_may_set_connections_up(client: FlaskClient, keeper: Shopkeeper) -> None:
    for method, path in CHANGING:
        for role, status in (("support", 403), ("events", 403), (None, 401)):
            headers = keeper.headers(role) if role else {}
            answer = client.open(f"/v1/connections{path.format(id=keeper.shop)}", method=method, json={}, headers=headers)
            assert answer.status_code == status, (method, path, role, answer.json)


BODIES = {
    "/{id}": {"base_url": "https://evil.example"}, "/{id}/rotate": {"credentials": {"token": "x"}}, "/{id}/links": {"links": {"utrecht": "1"}},
}  # fmt: skip


def test_another_merchants_connection_is_not_there_at_all(
    app: Flask, house: House, keeper: Shopkeeper, make_merchant: Callable[..., Merchant]
) -> None:
    rival = open_shop(house, make_merchant, "rival")
    for method, path in (*CHANGING, ("GET", "/{id}"), ("GET", "/{id}/links")):
        if "{id}" in path:
            body = BODIES.get(path, {}) if method in ("POST", "PUT", "PATCH") else None
            answer = app.test_client().open(f"/v1/connections{path.format(id=keeper.shop)}", method=method, json=body, headers=rival.bearer)
            assert answer.status_code == 404, (method, path, answer.json)
    assert kept(keeper, keeper.shop).state == "active" and kept(keeper, keeper.shop).base_url == "http://127.0.0.1:9"
    assert noted(keeper, "pause connection") == []


def test_an_address_inside_is_never_called_not_even_when_it_was_saved_before_it_was_forbidden(
    house: House, keeper: Shopkeeper, till: Till
) -> None:
    from adapters.outbound import Outbound

    client = house.app().test_client()
    connection = connect(client, keeper, till)
    till.calls()
    house.outbound = Outbound()
    answer = client.post(f"/v1/connections/{connection}/test", json={}, headers=keeper.bearer)

    assert (answer.status_code, answer.json["kind"]) == (422, "refused")
    assert "WISSEL_ALLOWED_PRIVATE_HOSTS" in answer.json["detail"]
    assert till.calls() == []


def test_credentials_that_cannot_be_decrypted_are_entered_again(house: House, keeper: Shopkeeper, till: Till) -> None:
    from store.secrets import Cipher

    client = house.app().test_client()
    connection = connect(client, keeper, till)
    house.cipher = Cipher(Cipher.new_key())
    tested = client.post(f"/v1/connections/{connection}/test", json={}, headers=keeper.bearer)
    assert tested.status_code == 422 and "enter them again" in tested.json["detail"]
    assert not any(each["set"] for each in client.get(f"/v1/connections/{connection}", headers=keeper.bearer).json["credentials"])

    entered = client.post(f"/v1/connections/{connection}/rotate", json={"credentials": dict(till.credentials)}, headers=keeper.bearer)
    assert entered.status_code == 200 and secrets_of(keeper, connection) == dict(till.credentials)


def test_both_databases_keep_connections_alike(database: Any, redis_server: Any, make_merchant: Callable[..., Merchant], till: Till) -> None:
    house = House(database, redis_server)
    keeper, client = open_shop(house, make_merchant), house.app().test_client()
    connection = connect(client, keeper, till)
    client.get(f"/v1/connections/{connection}/locations", headers=keeper.bearer)
    client.post(f"/v1/connections/{connection}/webhooks", json={}, headers=keeper.bearer)
    client.post(f"/v1/connections/{connection}/pause", json={}, headers=keeper.bearer)

    found = client.get(f"/v1/connections/{connection}", headers=keeper.bearer).json
    assert found["health"]["words"] == "Paused" and len(found["webhooks"]["topics"]) == 2
    assert client.delete(f"/v1/connections/{connection}", headers=keeper.bearer).status_code == 204


def test_a_system_is_connected_only_once_so_that_no_order_is_sent_twice(client: FlaskClient, keeper: Shopkeeper, till: Till) -> None:
    connection = connect(client, keeper, till)
    again = client.post("/v1/connections", json=till.wanted(name="third-till"), headers=keeper.bearer)

    assert again.status_code == 409 and "connected already, as second-till" in again.json["detail"]
    assert again.json["errors"][0]["field"] == "base_url"
    client.post(f"/v1/connections/{connection}/archive", json={}, headers=keeper.bearer)
    anew = client.post("/v1/connections", json=till.wanted(name="third-till"), headers=keeper.bearer)
    assert anew.status_code == 409 and "Restore that one" in anew.json["detail"]
    assert client.post(f"/v1/connections/{connection}/restore", json={}, headers=keeper.bearer).status_code == 200


def test_two_stores_at_one_address_are_told_apart(client: FlaskClient, keeper: Shopkeeper) -> None:
    def store(name: str, number: str) -> int:
        wanted = {"platform": "lightspeed_ecom", "name": name, "credentials": {"store_id": number}, "draft": True}
        return client.post("/v1/connections", json=wanted, headers=keeper.bearer).status_code

    assert [store("one", "1001"), store("two", "1002"), store("three", "1001")] == [201, 201, 409]
