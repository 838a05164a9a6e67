"""Reading back: lists a page at a time, stories, repairs by key, the OpenAPI document, health and numbers."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from api.logs import JsonLines
from api.problems import KINDS
from store.session import Database
from tests.api.house import House, Shopkeeper, cloud_event, placed, post
from tests.api.seeding import pause_till, seed


@pytest.mark.parametrize("address", ["/v1/orders", "/v1/events", "/v1/decisions", "/v1/commands", "/v1/stock"])
def test_a_list_read_page_by_page_gives_everything_once(client: FlaskClient, keeper: Shopkeeper, address: str) -> None:
    seed(keeper)
    everything = client.get(f"{address}?limit=200", headers=keeper.bearer).json["items"]
    read, following = [], f"{address}?limit=2"
    while following:
        page = client.get(following, headers=keeper.bearer).json
        assert len(page["items"]) <= 2
        read += page["items"]
        following = page["next"]

    assert read == everything
    assert len(read) > 4


def test_a_cursor_of_one_list_is_refused_by_another(client: FlaskClient, keeper: Shopkeeper) -> None:
    seed(keeper)
    cursor = client.get("/v1/orders?limit=1", headers=keeper.bearer).json["cursor"]

    assert client.get(f"/v1/events?cursor={cursor}", headers=keeper.bearer).status_code == 422


def test_orders_are_found_by_text_and_state(client: FlaskClient, keeper: Shopkeeper) -> None:
    seed(keeper)
    found = client.get("/v1/orders?q=visser", headers=keeper.bearer).json["items"]
    held = client.get("/v1/orders?state=held", headers=keeper.bearer).json["items"]

    assert [order["number"] for order in found] == ["7Q2XK"]
    assert [order["number"] for order in held] == ["7Q2XP"]


def test_an_order_tells_its_whole_story(client: FlaskClient, keeper: Shopkeeper) -> None:
    made = seed(keeper)
    order = client.get(f"/v1/orders/{made['plain']}", headers=keeper.bearer).json

    assert order["state"] == "completed"
    assert {number["kind"] for number in order["numbers"]} >= {"receipt", "sale", "tracking"}
    assert [event["type"] for event in order["events"]][:2] == ["order.placed", "sale.placed"]
    (sale,) = [command for command in order["commands"] if command["operation"] == "place_sale"]
    assert sale["attempts"][0]["exchanges"][0]["request"]["body"]["customer"]["email"] == "•••"
    assert order["events"][1]["caused_by"] == sale["id"]


def test_an_order_json_page_and_the_api_say_the_same(admin: FlaskClient, client: FlaskClient, keeper: Shopkeeper) -> None:
    made = seed(keeper)
    address = f"/orders/{made['split']}"

    assert admin.get(f"{address}.json").json == client.get(f"/v1{address}", headers=keeper.bearer).json


def test_a_decision_explains_every_rule_with_what_it_found(client: FlaskClient, keeper: Shopkeeper) -> None:
    made = seed(keeper)
    order = client.get(f"/v1/orders/{made['split']}", headers=keeper.bearer).json
    decision = client.get(f"/v1/decisions/{order['decisions'][0]['id']}", headers=keeper.bearer).json

    assert decision["why_unavailable"] is None
    assert {part["decision"] for part in decision["why"]} == {part["decision"] for part in decision["facts"]}
    assert decision["trace"]["sourcing"]["bound"]["reason"]


def test_a_decision_of_a_lost_rule_book_still_shows_its_trace(client: FlaskClient, keeper: Shopkeeper) -> None:
    order = post(client, keeper, cloud_event("order.placed", placed())).json
    with keeper.house.database.session(keeper.merchant.id) as session:
        from store import decisions

        row = decisions.get(session, order["decision"])
        assert row is not None
        row.version = "gone"
    decision = client.get(order["trace"], headers=keeper.bearer).json

    assert "no rule book version gone" in decision["why_unavailable"]
    assert decision["trace"]["steps"]


def test_a_command_is_retried_and_cancelled_by_key_and_the_record_says_by_whom(client: FlaskClient, keeper: Shopkeeper) -> None:
    seed(keeper)
    dead = client.get("/v1/commands?status=dead", headers=keeper.bearer).json["items"][0]["id"]
    support = keeper.headers("support")

    retried = client.post(f"/v1/commands/{dead}/retry", headers=support, json={"reason": "unarchived"}).json
    cancelled = client.post(f"/v1/commands/{dead}/cancel", headers=support, json={}).json
    again = client.post(f"/v1/commands/{dead}/cancel", headers=support, json={})

    assert (retried["status"], cancelled["status"], again.status_code) == ("waiting", "cancelled", 409)
    with keeper.house.database.session(keeper.merchant.id, read_only=True) as session:
        from store import audit

        entries = {(entry.action, entry.who, entry.reason) for entry in audit.entries(session)}
    assert ("retry command", "key support key", "unarchived") in entries


def test_only_a_failed_event_can_be_reprocessed(client: FlaskClient, keeper: Shopkeeper) -> None:
    decided = post(client, keeper, cloud_event("order.placed", placed())).json["event"]
    failed = post(client, keeper, cloud_event("order.cancelled", {"order": {"id": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}})).json["event"]

    assert client.post(f"/v1/events/{decided}/reprocess", headers=keeper.bearer, json={}).status_code == 409
    assert client.post(f"/v1/events/{failed}/reprocess", headers=keeper.bearer, json={}).json["status"] == "failed"


def test_connections_say_how_they_are_and_an_admin_resumes_one(client: FlaskClient, keeper: Shopkeeper) -> None:
    seed(keeper)
    pause_till(keeper)
    keeper.house.redis.set(f"wissel:circuit:{keeper.shop}:pybreaker:state", "open")
    shop, till = client.get("/v1/connections", headers=keeper.bearer).json["items"]

    assert (shop["state"], shop["circuit"], till["state"], till["dead"]) == ("active", "open", "paused", 1)
    assert till["last_success"]
    resumed = client.post(f"/v1/connections/{keeper.till}/resume", headers=keeper.bearer, json={})
    assert resumed.json["state"] == "active"


def test_the_circuit_is_read_where_the_workers_keep_it(client: FlaskClient, keeper: Shopkeeper) -> None:
    from adapters.base import RetryLater
    from workers.breaker import Breaker
    from workers.settings import WorkerSettings

    def fail() -> None:
        raise RetryLater("it is down")

    breaker = Breaker(keeper.house.redis, keeper.shop, WorkerSettings(breaker_failures=1))
    with pytest.raises(RetryLater):
        breaker.call(fail)

    assert client.get("/v1/connections", headers=keeper.bearer).json["items"][0]["circuit"] == "open"


def test_stock_is_listed_now_and_as_it_was(client: FlaskClient, keeper: Shopkeeper) -> None:
    now = client.get("/v1/stock?sku=LAMP", headers=keeper.bearer).json["items"]
    before = client.get("/v1/stock?as_of=2020-01-01T00:00:00Z", headers=keeper.bearer).json["items"]

    assert now == [{"outlet": "utrecht", "sku": "LAMP", "on_hand": 4, "reserved": 0, "available": 4}]
    assert before == []


def test_the_openapi_document_describes_every_operation_and_all_its_references_exist(client: FlaskClient, app: Flask) -> None:
    text = client.get("/openapi.json").get_data(as_text=True)
    spec = json.loads(text)
    references = {part.split('"')[0] for part in text.split('"$ref": "#/components/')[1:]}
    known = {f"{kind}/{name}" for kind, names in spec["components"].items() for name in names}
    described = {(path.replace("{", "<").replace("}", ">"), method) for path, below in spec["paths"].items() for method in below}
    undocumented = {
        rule.rule for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/v1/") and not any(rule.rule.split("<")[0] == path.split("<")[0] for path, _ in described)
    }  # fmt: skip

    assert references <= known
    assert undocumented == set()
    for below in spec["paths"].values():
        assert all(below[method].get("summary") for method in ("get", "post") if method in below)


def test_every_problem_that_is_given_out_is_explained_on_the_page_it_links_to(client: FlaskClient) -> None:
    page = client.get("/docs/problems").get_data(as_text=True)

    for slug in KINDS:
        assert f'id="{slug}"' in page


@pytest.mark.parametrize(
    ("method", "address", "status"),
    [("GET", "/v1/nothing", 404), ("DELETE", "/v1/orders", 405), ("PUT", "/v1/events", 405), ("GET", "/orders/x.json", 302)],
)
def test_programs_get_problem_documents_for_every_error(client: FlaskClient, method: str, address: str, status: int) -> None:
    answer = client.open(address, method=method)

    assert answer.status_code == status
    if status >= 400:
        assert answer.content_type == "application/problem+json"
        assert set(answer.json) >= {"type", "title", "status", "detail", "instance"}


def test_a_bug_of_ours_hides_its_inside_and_gives_an_error_id(app: Flask, keeper: Shopkeeper, caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> str:
        raise RuntimeError("the password is hunter2")

    app.add_url_rule("/v1/broken", view_func=broken)
    with caplog.at_level(logging.ERROR):
        answer = app.test_client().get("/v1/broken")

    assert answer.status_code == 500
    assert "hunter2" not in answer.get_data(as_text=True)
    logged = json.loads(JsonLines().format(next(record for record in caplog.records if record.getMessage() == "request broke")))
    assert logged["error_id"] in answer.json["detail"]


def test_while_the_database_is_away_senders_are_asked_to_come_back(
    house: House, keeper: Shopkeeper, tmp_path: Path, client: FlaskClient
) -> None:
    (tmp_path / "gone").mkdir()
    away = Database(f"sqlite:///{tmp_path}/gone/wissel.db")
    (tmp_path / "gone").rmdir()
    app = House(away, house.redis).app()
    answer = post(app.test_client(), keeper, cloud_event("order.placed", placed()))

    assert (answer.status_code, answer.content_type) == (503, "application/problem+json")
    assert answer.headers["Retry-After"] == "5"
    ready = app.test_client().get("/readyz")
    assert (ready.status_code, ready.json["database"]) == (503, False)


def test_without_redis_events_are_still_taken_in(house: House, keeper: Shopkeeper) -> None:
    lame = House(house.database, redis.Redis.from_url("redis://127.0.0.1:1"))
    client = lame.app().test_client()

    assert post(client, keeper, cloud_event("order.placed", placed(), source="tulip-shop")).status_code == 201
    assert client.get("/readyz").json == {"status": "degraded", "database": True, "redis": False}
    assert client.get("/v1/connections", headers=keeper.bearer).json["items"][0]["circuit"] == "unknown"


def test_numbers_for_prometheus_are_counted_when_asked_for(client: FlaskClient, keeper: Shopkeeper) -> None:
    seed(keeper)
    numbers = client.get("/metrics").get_data(as_text=True)

    assert 'wissel_events{status="failed"} 1.0' in numbers
    assert f'wissel_commands{{connection="{keeper.till}",name="tulip-till",status="dead"}} 1.0' in numbers
    assert f'wissel_connection_paused{{connection="{keeper.till}",name="tulip-till"}} 0.0' in numbers


def test_numbers_are_not_for_strangers(house: House, keeper: Shopkeeper) -> None:
    open_here = house.app().test_client()
    with_token = House(house.database, house.redis, replace(house.config, metrics_token="t0ken")).app().test_client()

    assert open_here.get("/metrics").status_code == 200
    assert open_here.get("/metrics", environ_base={"REMOTE_ADDR": "203.0.113.9"}).status_code == 404
    assert open_here.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 404
    assert with_token.get("/metrics").status_code == 404
    assert with_token.get("/metrics", headers={"Authorization": "Bearer t0ken"}).status_code == 200


def test_a_request_is_logged_in_one_line_without_what_it_carried(
    client: FlaskClient, keeper: Shopkeeper, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="api.requests"):
        answer = post(client, keeper, cloud_event("order.placed", placed()))
    line = JsonLines().format(caplog.records[-1])

    assert json.loads(line)["request_id"] == answer.headers["X-Request-Id"]
    assert json.loads(line)["merchant_id"] == keeper.merchant.id
    assert "jo@example.com" not in line and keeper.keys["admin"] not in line
