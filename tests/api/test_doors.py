"""Who may do what: keys and their roles, signing in, and the headers every answer carries."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from store import people
from tests.api.house import PASSWORD, House, Settings, Shopkeeper, cloud_event, placed, post, sign_in, token


def test_every_address_states_who_may_use_it(app: Flask) -> None:
    open_to_all = {"ui.static", "vendor.static", "api-docs.openapi_json", "health.alive", "health.ready", "health.metrics"}
    unstated = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.endpoint not in open_to_all and not hasattr(app.view_functions[rule.endpoint], "permission")
    }

    assert unstated == set()


@pytest.mark.parametrize("header", [{}, {"Authorization": "Basic abc"}, {"Authorization": "Bearer wsl_000000000000_nope"}])
def test_without_a_valid_key_nothing_is_answered(client: FlaskClient, keeper: Shopkeeper, header: dict[str, str]) -> None:
    answer = client.get("/v1/orders", headers=header)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_revoked_key_opens_nothing_from_then_on(client: FlaskClient, keeper: Shopkeeper) -> None:
    assert client.get("/v1/orders", headers=keeper.headers("support")).status_code == 200
    with keeper.house.database.session(keeper.merchant.id) as session:
        key = next(each for each in people.list_api_keys(session) if each.role == "support")
        people.revoke_api_key(session, key.id)

    assert client.get("/v1/orders", headers=keeper.headers("support")).status_code == 401


def test_a_key_for_events_may_only_post(client: FlaskClient, keeper: Shopkeeper) -> None:
    events = keeper.headers("events")
    posted = client.post("/v1/events", json=cloud_event("order.placed", placed()), headers=events)

    assert posted.status_code == 201
    assert client.get(f"/v1/orders/{posted.json['order']}", headers=events).status_code == 403
    assert client.post("/v1/commands/1/retry", headers=events, json={}).status_code == 403


def test_a_key_for_support_reads_and_repairs_but_posts_nothing(client: FlaskClient, keeper: Shopkeeper) -> None:
    post(client, keeper, cloud_event("order.placed", placed(), source="tulip-shop"))
    command = keeper.fail(keeper.till, "422: archived")
    support = keeper.headers("support")

    assert client.get("/v1/orders", headers=support).status_code == 200
    assert client.post(f"/v1/commands/{command}/retry", headers=support, json={}).status_code == 200
    assert client.post("/v1/events", json=cloud_event("order.placed", placed("2")), headers=support).status_code == 403
    assert client.post(f"/v1/connections/{keeper.shop}/pause", headers=support, json={}).status_code == 403


def test_a_wrong_password_and_an_unknown_address_are_answered_alike(client: FlaskClient, keeper: Shopkeeper) -> None:
    wrong, unknown = (sign_in(client, email, "not the password") for email in ("admin@tulip.example", "nobody@tulip.example"))

    assert wrong.status_code == unknown.status_code == 422
    assert "is not right" in wrong.get_data(as_text=True)
    assert client.get("/").status_code == 302


def test_a_form_without_its_token_does_nothing(app: Flask, admin: FlaskClient, keeper: Shopkeeper) -> None:
    answer = admin.post(f"/connections/{keeper.shop}/pause", data={"reason": "forged"})

    assert answer.status_code == 400
    assert admin.get("/connections").get_data(as_text=True).count("Active") == 2


def test_signing_in_starts_a_new_session(client: FlaskClient, keeper: Shopkeeper) -> None:
    client.get("/sign-in")
    before = client.get_cookie("wissel_session")
    sign_in(client, "admin@tulip.example")
    after = client.get_cookie("wissel_session")

    assert before is not None and after is not None and before.value != after.value
    assert after.http_only and after.same_site == "Lax"


def test_over_tls_cookies_are_secure_and_hsts_is_sent(house: House, keeper: Shopkeeper) -> None:
    secure = replace(house.config, https=True)
    client = House(house.database, house.redis, secure).app().test_client()
    answer = client.get("/sign-in", base_url="https://wissel.example")

    assert "Secure" in answer.headers["Set-Cookie"]
    assert "max-age" in answer.headers["Strict-Transport-Security"]


def test_a_new_password_ends_the_sessions_there_are(admin: FlaskClient, keeper: Shopkeeper) -> None:
    assert admin.get("/").status_code == 200
    with keeper.house.database.system_session() as session:
        user = people.by_email(session, "admin@tulip.example")
        assert user is not None
        people.set_password(user, "another good password")

    assert admin.get("/").status_code == 302


def test_signing_out_needs_a_form_and_ends_the_session(admin: FlaskClient) -> None:
    assert admin.get("/sign-out").status_code == 405
    assert admin.post("/sign-out", data={"csrf_token": token(admin, "/")}).status_code == 303
    assert admin.get("/").status_code == 302


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_signing_in_never_leads_to_another_site(client: FlaskClient, keeper: Shopkeeper, target: str) -> None:
    form = {"email": "admin@tulip.example", "password": PASSWORD, "csrf_token": token(client, "/sign-in")}
    answer = client.post("/sign-in", query_string={"next": target}, data=form)

    assert answer.headers["Location"] == "/"


@pytest.mark.parametrize("redis_is_there", [True, False])
def test_guessing_passwords_is_slowed_down_with_and_without_redis(house: House, keeper: Shopkeeper, redis_is_there: bool) -> None:
    import redis

    connection = house.redis if redis_is_there else redis.Redis.from_url("redis://127.0.0.1:1")
    client = House(house.database, connection).app().test_client()
    statuses = [sign_in(client, "admin@tulip.example", f"guess number {index}").status_code for index in range(12)]

    assert statuses[0] == 422
    assert statuses[-1] == 429


def test_support_may_not_change_settings_or_pause_a_connection(support: FlaskClient, keeper: Shopkeeper) -> None:
    form = {"csrf_token": token(support, "/"), "name": "safety_stock", "value": "3"}

    assert support.post("/rules/outlet_assignment/settings", data=form).status_code == 403
    assert support.post(f"/connections/{keeper.shop}/pause", data=form).status_code == 403


@pytest.mark.parametrize("address", ["/sign-in", "/docs", "/v1/orders", "/nowhere", "/healthz", "/static/ui.css"])
def test_every_answer_forbids_frames_scripts_of_others_and_guessing_of_types(client: FlaskClient, address: str) -> None:
    headers = client.get(address).headers

    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


def test_the_demo_account_is_named_only_in_a_demo(house: House, keeper: Shopkeeper) -> None:
    demo = House(house.database, house.redis, Settings(demo=True)).app().test_client()

    assert "wissel-demo" in demo.get("/sign-in").get_data(as_text=True)
    assert "wissel-demo" not in house.app().test_client().get("/sign-in").get_data(as_text=True)
