"""A connection's webhooks at its system, and its outlets linked to ours, through the API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from tests.api.connecting import Till, connect, kept, noted, open_till
from tests.api.house import Shopkeeper


@pytest.fixture
def till() -> Iterator[Till]:
    with open_till() as opened:
        yield opened


def test_webhooks_are_registered_at_our_public_address_read_back_and_removed(client: FlaskClient, keeper: Shopkeeper, till: Till) -> None:
    connection = connect(client, keeper, till)
    address = f"/v1/connections/{connection}/webhooks"

    made = client.post(address, json={}, headers=keeper.bearer).json
    assert made["address"] == f"https://wissel.example/v1/hooks/{connection}"
    assert {row["url"] for row in till.box.state.all("webhook")} == {
        f"{made['address']}?type=sale.update", f"{made['address']}?type=inventory.update",
    }  # fmt: skip
    hook = till.box.state.all("webhook")[0]
    till.box.state.put("webhook", hook["id"], {**hook, "active": False})
    assert {row["state"] for row in client.get(address, headers=keeper.bearer).json["topics"]} == {"active", "switched off"}

    assert client.delete(address, headers=keeper.bearer).json["topics"] == []
    assert till.box.state.all("webhook") == []
    assert len(noted(keeper, "register webhooks")) == len(noted(keeper, "remove webhooks")) == 1


def test_a_platform_without_webhooks_says_so(client: FlaskClient, keeper: Shopkeeper) -> None:
    answer = client.post(f"/v1/connections/{keeper.shop}/webhooks", json={}, headers=keeper.bearer)

    assert answer.status_code == 422 and "cannot be asked to register webhooks" in answer.json["detail"]


def test_outlets_are_proposed_with_the_reason_and_linked_by_hand(client: FlaskClient, keeper: Shopkeeper, till: Till) -> None:
    connection = connect(client, keeper, till)
    seen = client.get(f"/v1/connections/{connection}/locations", headers=keeper.bearer).json
    proposed = {row["outlet"]: (row["proposed"], row["because"]) for row in seen["links"]}
    there = {row["name"]: row["external_id"] for row in seen["locations"]}

    assert proposed == {
        "amsterdam": (there["Amsterdam"], "both are called Amsterdam"), "utrecht": (there["Utrecht"], "both are called Utrecht"),
        "warehouse": ("", ""),
    }  # fmt: skip
    links = {"amsterdam": there["Amsterdam"], "warehouse": there["Utrecht"]}
    saved = client.put(f"/v1/connections/{connection}/links", json={"links": links}, headers=keeper.bearer).json
    assert {row["outlet"]: row["linked"] for row in saved["links"]} == {**links, "utrecht": ""}
    again = client.put(f"/v1/connections/{connection}/links", json={"links": {"warehouse": None, "utrecht": there["Utrecht"]}}, headers=keeper.bearer).json
    assert {row["outlet"]: row["linked"] for row in again["links"]} == {"amsterdam": there["Amsterdam"], "utrecht": there["Utrecht"], "warehouse": ""}
    assert len(noted(keeper, "link outlets")) == 2


def test_a_link_that_makes_no_sense_is_refused_whole(client: FlaskClient, keeper: Shopkeeper, till: Till) -> None:
    connection = connect(client, keeper, till)
    seen = client.get(f"/v1/connections/{connection}/locations", headers=keeper.bearer).json["locations"]
    there = {row["name"]: row["external_id"] for row in seen}
    wrong = (("rotterdam", "x", "none of our outlets"), ("utrecht", "nowhere", "that the system does not have"),
             ("utrecht", there["Amsterdam"], "one place cannot be two outlets"))  # fmt: skip
    for code, external, says in wrong:
        links = {"amsterdam": there["Amsterdam"], code: external}
        answer = client.put(f"/v1/connections/{connection}/links", json={"links": links}, headers=keeper.bearer)
        assert answer.status_code == 422 and says in answer.json["detail"]
    assert all(row["linked"] == "" for row in client.get(f"/v1/connections/{connection}/links", headers=keeper.bearer).json["links"])


def test_what_is_linked_by_hand_no_longer_follows_from_the_setting(client: FlaskClient, keeper: Shopkeeper, till: Till) -> None:
    settings = {**till.wanted()["settings"], "outlets": {"amsterdam": "Amsterdam", "utrecht": "Utrecht"}}
    connection = connect(client, keeper, till, settings=settings)
    seen = client.get(f"/v1/connections/{connection}/locations", headers=keeper.bearer).json
    there = {row["name"]: row["external_id"] for row in seen["locations"]}
    assert {row["outlet"]: row["linked"] for row in seen["links"]} == {"amsterdam": there["Amsterdam"], "utrecht": there["Utrecht"], "warehouse": ""}

    links = {"utrecht": None, "warehouse": there["Utrecht"]}
    client.put(f"/v1/connections/{connection}/links", json={"links": links}, headers=keeper.bearer)
    client.post(f"/v1/connections/{connection}/test", json={}, headers=keeper.bearer)

    found = client.get(f"/v1/connections/{connection}/links", headers=keeper.bearer).json["links"]
    assert {row["outlet"]: row["linked"] for row in found} == {"amsterdam": there["Amsterdam"], "utrecht": "", "warehouse": there["Utrecht"]}
    assert kept(keeper, connection).settings["outlets"] == {"amsterdam": "Amsterdam"}
