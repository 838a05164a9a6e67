"""Whatever goes wrong between us and a shop, its order ends as it would have: nothing twice, nothing lost.

Faults of calls strike every single call of the order's life, before its effect and again after it (`house.Trouble`).
Faults of webhooks strike every webhook.
"""

from __future__ import annotations

from typing import Any

import pytest

from adapters.sandbox.faults import REQUEST_FAULTS, WEBHOOK_FAULTS
from tests.platforms.house import PlatformHouse
from tests.platforms.story import lived


def test_without_faults_an_order_is_split_sent_and_told_back(house: PlatformHouse, usual: dict[str, Any]) -> None:
    assert usual["order"]["state"] == "completed"
    assert usual["parts"] == [("amsterdam", "completed"), ("utrecht", "completed")]
    assert set(usual["till"].values()) == {"FULFILLED"}
    assert usual["shop status"][1] == "paid"
    assert usual["shop status"][0] in ("shipped", "completed", "delivered")
    assert usual["changed"]["sales"] == 1
    assert usual["changed"]["fulfilments"] == 2
    assert (usual["changed"]["till CUP"], usual["changed"]["till SAUCER"]) == (-1, -2)
    assert usual["pending"] == []


@pytest.mark.parametrize("kind", REQUEST_FAULTS)
def test_calls_that_fail_change_nothing_in_the_end(house: PlatformHouse, usual: dict[str, Any], kind: str) -> None:
    house.trouble.start(kind)
    try:
        assert lived(house) == usual
    finally:
        house.trouble.stop()
        house.shop.calm()
    assert house.trouble.struck >= 6


@pytest.mark.parametrize("kind", WEBHOOK_FAULTS)
def test_webhooks_that_go_wrong_change_nothing_in_the_end(
    house: PlatformHouse, usual: dict[str, Any], kind: str
) -> None:
    if "webhooks" in house.shop.lacks:
        pytest.skip(f"{house.shop.adapter.capabilities.title}: {house.shop.lacks['webhooks']}")
    house.shop.fault(kind, count=-1)
    try:
        assert lived(house) == usual
    finally:
        house.shop.calm()


@pytest.mark.parametrize("hours", [3, -3])
def test_a_clock_that_is_wrong_changes_nothing_in_the_end(
    house: PlatformHouse, usual: dict[str, Any], hours: int
) -> None:
    house.shop.fault("clock_skew", seconds=hours * 3600)
    try:
        assert lived(house) == usual
    finally:
        house.shop.calm()


@pytest.mark.parametrize("hours", [3, -3])
def test_a_clock_that_goes_wrong_and_is_set_right_hides_no_order(house: PlatformHouse, hours: int) -> None:
    placed = []
    try:
        house.shop.fault("clock_skew", seconds=hours * 3600)
        placed.append(house.shop.place({"CUP": 1}))
        house.rest()
    finally:
        house.shop.calm()
    placed.append(house.shop.place({"CUP": 1}))
    house.rest()
    assert [len(house.orders(external)) for external in placed] == [1, 1]
