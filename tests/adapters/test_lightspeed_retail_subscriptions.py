"""The till's webhooks for us, and its outlets for people who link them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from lightspeed_retail_till import Till, open_till

from adapters.base import Memory

URL = "https://wissel.example/v1/hooks/01C"


@pytest.fixture
def till(memory: Memory, http: requests.Session) -> Iterator[Till]:
    with open_till(memory, http) as opened:
        yield opened


def hooks(till: Till) -> list[tuple[str, str, bool]]:
    return sorted((row["type"], row["url"], row["active"]) for row in till.state.all("webhook"))


def both(url: str) -> list[tuple[str, str, bool]]:
    return [(type_, f"{url}?type={type_}", True) for type_ in ("inventory.update", "sale.update")]


def test_the_outlets_of_the_till_are_told_with_what_helps_to_recognise_them(till: Till) -> None:
    found = till.do("read_locations").data

    assert {row["name"] for row in found} == {"Amsterdam", "Utrecht"}
    assert set(found[0]) == {"external_id", "name", "code", "city", "postcode", "country", "active"}
    assert found[0]["city"] and found[0]["country"] == "NL"


def test_webhooks_are_registered_once_however_often_they_are_asked_for(till: Till) -> None:
    assert till.do("read_webhooks").data == []
    first, again = till.do("register_webhooks", url=URL), till.do("register_webhooks", url=URL)

    assert hooks(till) == both(URL)
    assert "2 made" in first.summary and again.did_nothing
    assert till.do("read_webhooks").data == first.data
    assert {(row["topic"], row["state"]) for row in first.data} == {("sale.update", "active"), ("inventory.update", "active")}


def test_a_subscription_that_was_switched_off_or_leads_elsewhere_is_mended_and_twins_go(till: Till) -> None:
    till.do("register_webhooks", url="https://old.example/v1/hooks/01C")
    rows = {row["type"]: row for row in till.state.all("webhook")}
    till.api("PUT", f"webhooks/{rows['sale.update']['id']}", json={**rows["sale.update"], "active": False})
    till.api("POST", "webhooks", json={"active": True, "type": "sale.update", "url": f"{URL}?type=sale.update&twin=1"})
    others: dict[str, Any] = {"active": True, "type": "sale.update", "url": "https://somebody.example/hook"}
    till.api("POST", "webhooks", json=others)

    result = till.do("register_webhooks", url=URL)

    assert hooks(till) == sorted([*both(URL), ("sale.update", others["url"], True)])
    assert "1 twins removed" in result.summary


def test_removing_takes_our_webhooks_away_and_nobody_elses(till: Till) -> None:
    till.api("POST", "webhooks", json={"active": True, "type": "sale.update", "url": "https://somebody.example/hook"})
    till.do("register_webhooks", url=URL)

    assert "2 webhooks removed" in till.do("remove_webhooks").summary
    assert [row[1] for row in hooks(till)] == ["https://somebody.example/hook"]
    assert till.do("remove_webhooks").did_nothing
