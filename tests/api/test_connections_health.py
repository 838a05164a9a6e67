"""What pages and API tell of how connections are doing, and webhooks that are looked after by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from store import commands, connections
from tests.api.connecting import Till, connect, open_till
from tests.api.house import House, Shopkeeper, cloud_event, placed, post
from workers.breaker import Breaker
from workers.drain import Drainer
from workers.errands import errand_for
from workers.limits import Holds, Meter
from workers.schedule import Schedule
from workers.settings import WorkerSettings


@pytest.fixture
def till() -> Iterator[Till]:
    with open_till() as opened:
        yield opened


def health(client: FlaskClient, keeper: Shopkeeper, connection: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/v1/connections/{connection}", headers=keeper.bearer).json["health"]
    return found


def test_what_the_workers_keep_in_redis_is_told(client: FlaskClient, keeper: Shopkeeper) -> None:
    redis = keeper.house.redis
    meter = Meter(redis, keeper.till, 70, longest_pause=0)
    for _ in range(3):
        meter.pass_through()
    until = datetime.now(UTC) + timedelta(minutes=2)
    Holds(redis).put(keeper.till, until, "HTTP 429 from the till.")

    found = health(client, keeper, keeper.till)
    assert (found["used"], found["per_minute"]) == (3, 70)
    assert found["held_because"] == "HTTP 429 from the till." and found["held_until"].startswith(until.strftime("%Y-%m-%dT%H:%M"))
    assert (found["verdict"], found["words"]) == ("warn", "Asked us to slow down")

    breaker = Breaker(redis, keeper.till, WorkerSettings(breaker_failures=1))
    breaker._storage.state = "open"
    assert health(client, keeper, keeper.till)["words"] == "Does not answer"


def test_the_worst_that_is_true_is_what_is_said(client: FlaskClient, keeper: Shopkeeper) -> None:
    assert health(client, keeper, keeper.till)["words"] == "Nothing done yet"
    post(client, keeper, cloud_event("order.placed", placed(), source="tulip-shop"))
    keeper.succeed(keeper.till, "Sale 1 was made.")
    found = health(client, keeper, keeper.till)
    assert found["words"] == "Works" and found["last_success"] is not None
    for number in range(3):
        post(client, keeper, cloud_event("order.placed", placed(f"N{number}"), source="tulip-shop"))
        keeper.fail(keeper.till, "500", kind="retry", dead=False)
    found = health(client, keeper, keeper.till)
    assert found["hour"] == {"made": 4, "failed": 3, "throttled": 0, "rate": 0.75}
    assert found["words"] == "Most tries fail"
    client.post(f"/v1/connections/{keeper.till}/pause", json={}, headers=keeper.bearer)
    assert health(client, keeper, keeper.till)["words"] == "Paused"


def test_what_waits_too_long_and_what_was_given_up_is_told(client: FlaskClient, keeper: Shopkeeper) -> None:
    with keeper.house.database.session(keeper.merchant.id) as session:
        commands.put(
            session, connection_id=keeper.till, operation="read_stock", subject="p", payload={}, due_at=datetime.now(UTC) - timedelta(hours=1)
        )
    assert health(client, keeper, keeper.till)["words"] == "Behind"
    keeper.fail(keeper.till, "422: archived")
    assert health(client, keeper, keeper.till)["words"] == "1 given up"


def test_without_redis_the_rest_is_still_told(keeper: Shopkeeper) -> None:
    import redis

    house = House(keeper.house.database, redis.Redis.from_url("redis://127.0.0.1:1"))
    found = health(house.app().test_client(), keeper, keeper.till)

    assert found["used"] is None and found["words"] == "Not known (Redis is away)"
    for act in ("pause", "resume"):
        assert house.app().test_client().post(f"/v1/connections/{keeper.till}/{act}", json={}, headers=keeper.bearer).status_code == 200


class Working(House):
    """The house with what workers need."""

    worker_settings = WorkerSettings(webhook_seconds=3600, hooks_url="https://wissel.example/v1/hooks")

    @property
    def http_session_factory(self) -> Any:
        return self.outbound.session


def test_webhooks_that_a_system_switched_off_are_mended_by_themselves_and_only_where_they_were_registered(
    keeper: Shopkeeper, till: Till
) -> None:
    house = Working(keeper.house.database, keeper.house.redis)
    house.cipher = keeper.house.cipher
    client = house.app().test_client()
    now = datetime.now(UTC)
    schedule = Schedule(house.database, {"lightspeed_retail": house.adapters["lightspeed_retail"]}, house.worker_settings, lambda: now)
    connection = connect(client, keeper, till, settings={**till.wanted()["settings"], "poll_seconds": 0})
    with house.database.session(keeper.merchant.id) as session:
        for row in connections.list_all(session):
            row.settings = {**row.settings, "poll_seconds": 0}
    assert schedule.tick() == 0, "nobody has registered any"

    client.post(f"/v1/connections/{connection}/webhooks", json={}, headers=keeper.bearer)
    hook = till.box.state.all("webhook")[0]
    till.box.state.put("webhook", hook["id"], {**hook, "active": False})
    assert schedule.tick() == 1 and schedule.tick() == 0
    with errand_for(house, connection) as errand:  # type: ignore[arg-type]
        assert errand is not None
        Drainer(house, errand).run()  # type: ignore[arg-type]

    assert all(row["active"] for row in till.box.state.all("webhook")) and len(till.box.state.all("webhook")) == 2
    found = client.get(f"/v1/connections/{connection}", headers=keeper.bearer).json
    assert {topic["state"] for topic in found["webhooks"]["topics"]} == {"active"}
    assert schedule.tick() == 0
    now += timedelta(hours=2)
    assert schedule.tick() == 1
