"""Whatever goes wrong between us and a shop, its order ends as it would have: nothing twice, nothing lost.

Faults of calls strike every single call of the order's life when it is first made (`house.Trouble`), faults of webhooks
strike every webhook. Troubles seldom come alone, so each story has several: calls that fail in two ways, something wrong
with the webhooks, and in some the clock.
"""

from __future__ import annotations

from typing import Any

import pytest

from adapters.sandbox.faults import CLOCK_FAULTS, REQUEST_FAULTS, WEBHOOK_FAULTS
from tests.platforms.house import PlatformHouse
from tests.platforms.story import lived

HOURS = 3 * 3600
TOGETHER = (
    (("429", "500"), "duplicate_webhooks", HOURS),
    (("timeout", "slow"), "reorder_webhooks", -HOURS),
    (("drop", "half_json"), "no_webhooks", 0),
    (("html", "empty"), "bad_signature", 0),
)
"""How calls fail, what befalls webhooks, and by how many seconds the shop's clock is ahead."""


def test_every_fault_there_is_is_switched_on() -> None:
    calls = {kind for kinds, _, _ in TOGETHER for kind in kinds}
    assert calls == set(REQUEST_FAULTS)
    assert {webhooks for _, webhooks, _ in TOGETHER} == set(WEBHOOK_FAULTS)
    assert set(CLOCK_FAULTS) == {"clock_skew"}


def test_without_faults_an_order_is_split_sent_and_told_back(house: PlatformHouse, usual: dict[str, Any]) -> None:
    assert usual["order"]["state"] == "completed"
    assert usual["parts"] == [("amsterdam", "completed"), ("utrecht", "completed")]
    assert set(usual["till"].values()) == {"FULFILLED"}
    assert usual["shop status"][1] == "paid"
    assert usual["shop status"][0] in ("shipped", "completed", "delivered")
    assert usual["tracking"]
    assert usual["changed"] == {
        "sales": 1, "fulfilments": 2, "customers": 0, "till CUP": -1, "till SAUCER": -2, "shop CUP": -1, "shop SAUCER": -2,
    }  # fmt: skip
    assert usual["pending"] == []


def test_what_was_sent_from_two_outlets_shows_as_the_shop_can_show_it(
    house: PlatformHouse, usual: dict[str, Any]
) -> None:
    if house.shop.can("ship_fulfilment"):
        assert [(outlet, lines) for outlet, lines, _ in usual["shipments"]] in (
            [("amsterdam", [("CUP", 1)]), ("utrecht", [("SAUCER", 2)])],
            [("None", [("CUP", 1)]), ("None", [("SAUCER", 2)])],
        )
    if house.shop.can("assign_fulfilments"):
        assert usual["outlets"] in ({"amsterdam": {"CUP": 1}, "utrecht": {"SAUCER": 2}}, {})


@pytest.mark.parametrize(
    ("calls", "webhooks", "skew"),
    TOGETHER,
    ids=lambda value: "+".join(value) if isinstance(value, tuple) else str(value),
)
def test_whatever_goes_wrong_the_order_ends_as_it_would_have(
    house: PlatformHouse, usual: dict[str, Any], calls: tuple[str, ...], webhooks: str, skew: int
) -> None:
    house.shop.fault(webhooks, count=-1)
    if skew:
        house.shop.fault("clock_skew", seconds=skew)
    house.trouble.start(*calls)
    try:
        assert lived(house) == usual
    finally:
        house.trouble.stop()
        house.shop.calm()
    assert all(house.trouble.struck[kind] >= 3 for kind in calls), house.trouble.struck


def test_a_clock_that_goes_wrong_and_is_set_right_hides_no_order(house: PlatformHouse) -> None:
    """After a clock that was ahead, polls alone must find what is placed: their position may not lie in the future."""
    placed = []
    for skew, webhooks_afterwards in ((HOURS, False), (-HOURS, True)):
        house.shop.fault("clock_skew", seconds=skew)
        try:
            placed.append(house.shop.place({"CUP": 1}))
            house.rest()
            house.shop.calm()
            if not webhooks_afterwards:
                house.shop.fault("no_webhooks", count=-1)
            placed.append(house.shop.place({"CUP": 1}))
            house.rest()
        finally:
            house.shop.calm()
    assert [len(house.orders(external)) for external in placed] == [1, 1, 1, 1]
