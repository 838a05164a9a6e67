"""Every platform is connected through the same door: tested, its webhooks registered, its locations linked."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis

import wiring
from store.session import Database
from tests.adapters.rigs import rig_of
from tests.api.house import House, open_shop

SHOPS = [adapter.capabilities.platform for adapter in wiring.ADAPTERS if adapter.capabilities.role == "shop"]


@pytest.mark.parametrize("platform", SHOPS)
def test_a_shop_of_each_platform_is_connected_and_set_up(
    sqlite_database: Database, redis_server: Redis, make_merchant: Any, platform: str
) -> None:
    house = House(sqlite_database, redis_server)
    house.adapters = {adapter.capabilities.platform: adapter for adapter in wiring.ADAPTERS}
    keeper, client = open_shop(house, make_merchant), house.app().test_client()
    capabilities = house.adapters[platform].capabilities
    with rig_of(platform).open() as rig:
        there = rig.connection
        wanted = {
            "platform": platform, "name": "new-shop", "base_url": there.base_url, "credentials": dict(there.credentials), "settings": dict(there.settings),
        }  # fmt: skip
        broken = {name: "wrong-" + value[::-1] for name, value in there.credentials.items()}
        refused = client.post("/v1/connections", json={**wanted, "credentials": broken}, headers=keeper.bearer)
        assert refused.status_code == 422 and refused.json["kind"] in ("unauthorised", "refused"), refused.json
        assert not any(value in str(refused.json) for value in broken.values() if len(value) > 12)

        made = client.post("/v1/connections", json=wanted, headers=keeper.bearer)
        assert made.status_code == 201, made.json
        address = f"/v1/connections/{made.json['connection']['id']}"
        if "register_webhooks" in capabilities.operations:
            found = client.post(f"{address}/webhooks", json={}, headers=keeper.bearer)
            assert found.status_code == 200 and found.json["topics"], found.json
            assert all(topic["topic"] and topic["state"] == "active" for topic in found.json["topics"])
            assert client.get(f"{address}/webhooks", headers=keeper.bearer).json["topics"] == found.json["topics"]
            assert client.delete(f"{address}/webhooks", headers=keeper.bearer).json["topics"] == []
        if "read_locations" in capabilities.operations:
            links = client.get(f"{address}/locations", headers=keeper.bearer).json["links"]
            assert {row["outlet"] for row in links if row["proposed"]} == {"amsterdam", "utrecht"}, links
    page = client.get("/v1/connections/platforms", headers=keeper.bearer).json["items"]
    (shown,) = [row for row in page if row["platform"] == platform]
    assert shown["guide"] and all(each["hint"] for each in shown["credentials"])
