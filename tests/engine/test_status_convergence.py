"""The status rules by themselves, for every state two sides can be in: they come to rest within a few steps, never move a
shop back, and never ask a shop for a word it does not have. Nothing is remembered here, so the rules alone must see to it.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from engine.compiled import compile_book
from engine.language import load_book
from engine.platforms import PLATFORM, SHOPS
from engine.status import SHOP_PROGRESS
from engine.status_matrix import PROGRESS_AT_TILL
from engine.status_scenes import HERE, THERE, facts_of
from engine.types import Value

BOOK = compile_book(load_book({path.name: path.read_text() for path in (Path(__file__).parents[2] / "rules").glob("*.yaml")}))
MOVED = next(each for each in HERE if each.name == "packed")
SHOWN = next(each for each in THERE if each.name == "shows_custom")
TASTES: Mapping[str, Mapping[str, Value]] = {
    "as shipped": {},
    "tells everything": {
        "tell_pickup_packed_everywhere": True, "show_holds_in_shop": True, "shop_status_when_shipped": "delivered",
        "shop_status_when_picked_up": "shipped", "bigcommerce_status_when_shipped": "shipped",
        "complete_unpaid_orders": True,
    },
    "tells little": {
        "tell_pickup_packed": False, "tell_delivery_packed": False, "show_parts_in_shop": False, "show_outlets_in_shop": False,
        "ready_for_pickup_packs": False,
    },
}  # fmt: skip
"""Settings a merchant may have."""
RELEASES = ("on_hold", "custom")
"""Statuses that any other may follow: they say nothing of how far an order is."""
STEPS = 4
"""The longest way to rest: what the shop shows completes the sale, the completed sale completes the order in the shop, and
one step more on each side to see that nothing follows."""


@dataclass(frozen=True)
class Both:
    """What both sides show."""

    shop: str
    till: str
    paid: bool
    cancelled: bool = False


def _settings(decision: str, taste: str) -> dict[str, Value]:
    known = BOOK.book.decisions[decision].settings
    return {name: value for name, value in TASTES[taste].items() if name in known}


def _told_shop(platform: str, kind: str, taste: str, now: Both) -> str:
    """The status the shop is told, empty for none."""
    order: dict[str, Value] = {
        "shop_status": now.shop, "fulfilment_status": "cancelled" if now.cancelled else now.till,
        "state": "cancelled" if now.cancelled else "completed" if now.till == "completed" else "open",
        "payment_status": "paid" if now.paid else "unpaid", "shop_payment_status": "paid" if now.paid else "unpaid",
    }  # fmt: skip
    run = BOOK.run("status_to_shop", facts_of(MOVED, platform, kind, **order), _settings("status_to_shop", taste))
    for outcome in run.outcomes:
        assert outcome.name.startswith("leave ") or PLATFORM[platform].can(outcome.name, str(next(iter(outcome.arguments.values()), "")))
    told = run.first("set shop status")
    return str(told.arguments["status"]) if told else ""


def _after_the_till(platform: str, kind: str, taste: str, now: Both) -> Both:
    """What the till does about what the shop shows."""
    order: dict[str, Value] = {
        "shop_status": now.shop, "fulfilment_status": now.till, "payment_status": "paid" if now.paid else "unpaid",
        "shop_payment_status": "paid" if now.paid else "unpaid", "state": "completed" if now.till == "completed" else "open",
    }  # fmt: skip
    run = BOOK.run("status_to_till", facts_of(SHOWN, platform, kind, **order), _settings("status_to_till", taste))
    if run.first("cancel sale"):
        return replace(now, cancelled=True)
    reached = "completed" if run.first("complete fulfilments") else "packed" if run.first("pack fulfilments") else now.till
    assert PROGRESS_AT_TILL.index(reached) >= PROGRESS_AT_TILL.index(now.till), f"the till is moved back by {now}"
    assert reached != "completed" or now.paid or now.till == "completed" or TASTES[taste].get("complete_unpaid_orders")
    return replace(now, till=reached)


def _step(platform: str, kind: str, taste: str, now: Both) -> Both:
    """One message each way. The shop does whatever it is told."""
    told = _told_shop(platform, kind, taste, now)
    if told and told != now.shop:
        assert now.shop in RELEASES or SHOP_PROGRESS[told] >= SHOP_PROGRESS[now.shop], f"{now} is moved back to {told}"
        now = replace(now, shop=told)
    return now if now.cancelled else _after_the_till(platform, kind, taste, now)


@pytest.mark.parametrize("taste", sorted(TASTES))
@pytest.mark.parametrize("platform", SHOPS)
def test_from_every_state_both_sides_come_to_rest(platform: str, taste: str) -> None:
    states = itertools.product(("delivery", "pickup"), PLATFORM[platform].shows, PROGRESS_AT_TILL, (True, False), (True, False))
    for kind, shop, till, paid, cancelled in states:
        way = [Both(shop, till, paid, cancelled)]
        while len(way) <= STEPS:
            way.append(_step(platform, kind, taste, way[-1]))
            if way[-1] == way[-2]:
                break
        assert way[-1] == way[-2], f"{platform}, {kind}: it goes on from {way}"


@pytest.mark.parametrize("taste", sorted(TASTES))
@pytest.mark.parametrize("platform", SHOPS)
def test_at_rest_goods_that_are_gone_are_gone_on_both_sides(platform: str, taste: str) -> None:
    gone = {"shipped", "out_for_delivery", "delivered", "completed"}
    for kind, shop, till in itertools.product(("delivery", "pickup"), PLATFORM[platform].shows, PROGRESS_AT_TILL):
        now = Both(shop, till, paid=True)
        for _ in range(STEPS):
            now = _step(platform, kind, taste, now)
        if not now.cancelled:
            assert (now.till == "completed") == (now.shop in gone) or now.shop in ("returned", "will_not_deliver"), (shop, till, now)
