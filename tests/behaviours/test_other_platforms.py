"""LS-41, LS-52, LS-58, LS-59, LS-64, LS-69, LS-70 and LS-74 for the shop platforms beside Lightspeed eCom: what each shows
when a delivery or a pickup gets further on the till. Section 10 of the articles is the table below; the Magento column is
ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
import requests

import demo
from adapters.bigcommerce.scopes import SCOPES
from engine.platforms import PLATFORM
from tests.behaviours.house import words
from tests.platforms.house import PlatformHouse, open_platform_house
from tests.replaying import assert_everything_replays

UNTOUCHED = "awaiting_processing"
TABLE = {
    "shopify": {"packed": UNTOUCHED, "shipped": "completed", "packed pickup": UNTOUCHED, "picked up": "completed"},
    "bigcommerce": {
        "packed": "awaiting_shipment", "shipped": "completed", "packed pickup": "ready_for_pickup", "picked up": "completed",
    },
    "woocommerce": {"packed": UNTOUCHED, "shipped": "completed", "packed pickup": UNTOUCHED, "picked up": "completed"},
    "magento": {"packed": UNTOUCHED, "shipped": "completed", "packed pickup": "ready_for_pickup", "picked up": "completed"},
}  # fmt: skip
"""Platform, then what staff do on the till, then what the shop shows, in our words."""
WORDS = {
    ("shopify", "shipped"): "Fulfilled", ("shopify", "picked up"): "Fulfilled",
    ("bigcommerce", "packed"): "Awaiting Shipment", ("bigcommerce", "packed pickup"): "Awaiting Pickup",
    ("bigcommerce", "shipped"): "Completed", ("bigcommerce", "picked up"): "Completed",
    ("woocommerce", "shipped"): "Completed", ("woocommerce", "picked up"): "Completed",
}  # fmt: skip
"""The words of the articles: Afgehandeld, In afwachting van levering, In afwachting van afhaling, Voltooid."""

COLLECTED = {"magento": "SAUCER"}
"""Magento's customers choose where they collect; this one chooses Utrecht, where the saucers are."""


@dataclass
class Lived:
    """A delivery and a pickup that went through the till step by step: what the shop showed after each."""

    house: PlatformHouse
    delivery: str
    pickup: str
    on_page: bool = False
    shown: dict[str, str] = field(default_factory=dict)
    till: dict[str, set[str]] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module", params=sorted(TABLE))
def lived(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, redis_socket: str) -> Iterator[Lived]:
    folder = tmp_path_factory.mktemp(request.param)
    with open_platform_house(folder, request.param, f"unix://{redis_socket}") as house:
        yield _live(house)
        assert_everything_replays(house.house.services.database)


def _live(house: PlatformHouse) -> Lived:
    """Both orders go on at once, so that the house has to come to rest only once for each step."""
    life = Lived(house, house.shop.place({"CUP": 1}), house.shop.place({COLLECTED.get(house.shop.platform, "CUP"): 1}, pickup=True))
    house.rest()
    ours = {kind: house.orders(external)[0] for kind, external in (("delivery", life.delivery), ("pickup", life.pickup))}
    page = words(house.till.page("/"))
    life.on_page = all(house.till.sale(each)["receipt_number"] in page for each in ours.values())
    life.types = {kind: house.order(external)["fulfilments"][0]["type"] for kind, external in (("delivery", life.delivery), ("pickup", life.pickup))}
    for step, names in (("pack", ("packed", "packed pickup")), ("done", ("shipped", "picked up"))):
        for each in ours.values():
            house.till.step(each, step)
        house.rest()
        for name, external, kind in zip(names, (life.delivery, life.pickup), ours, strict=True):
            life.shown[name] = house.shop.shop_status(external)
            life.till[name] = set(house.till.states(ours[kind]).values())
    return life


def test_ls_41_orders_of_every_shop_are_on_the_fulfilments_page_and_are_fulfilled_there(lived: Lived) -> None:
    assert lived.on_page
    assert lived.types == {"delivery": "delivery", "pickup": "pickup"}
    assert (lived.till["packed"], lived.till["shipped"]) == ({"PACKED"}, {"FULFILLED"})


def test_ls_58_and_ls_59_a_packed_delivery_shows_in_bigcommerce_only(lived: Lived) -> None:
    assert lived.shown["packed"] == _table(lived)["packed"]


def test_ls_64_a_shipped_delivery_is_done_in_every_shop(lived: Lived) -> None:
    assert lived.till["shipped"] == {"FULFILLED"}
    assert lived.shown["shipped"] == _table(lived)["shipped"]


def test_ls_69_and_ls_70_a_packed_pickup_awaits_the_customer_in_bigcommerce_and_not_in_shopify_or_woocommerce(lived: Lived) -> None:
    assert lived.shown["packed pickup"] == _table(lived)["packed pickup"]


def test_ls_74_a_picked_up_order_is_done_in_every_shop(lived: Lived) -> None:
    assert lived.till["picked up"] == {"FULFILLED"}
    assert lived.shown["picked up"] == _table(lived)["picked up"]


def test_ls_58_to_ls_74_staff_of_the_shop_read_the_words_of_the_articles(lived: Lived) -> None:
    platform = lived.house.shop.platform
    read = {step: PLATFORM[platform].shop_statuses[status] for step, status in lived.shown.items()}

    for (name, step), word in WORDS.items():
        if name == platform:
            assert read[step] == word


def test_ls_58_to_ls_74_the_status_matrix_says_the_same(lived: Lived) -> None:
    matrix = lived.house.house.get("/v1/rulebooks/current/status-matrix")
    said = {}
    for name, row, kind in (
        ("packed", "packed", "delivery"), ("shipped", "completed", "delivery"),
        ("packed pickup", "packed", "pickup"), ("picked up", "completed", "pickup"),
    ):  # fmt: skip
        (found,) = [each for each in matrix["to_shop"] if (each["name"], each["fulfilment_type"]) == (row, kind)]
        told = found["cells"][lived.house.shop.platform]["told"]
        said[name] = next((each["ours"] for each in told if each["demand"] == "set shop status"), UNTOUCHED)
    assert said == lived.shown


def test_ls_52_a_bigcommerce_connection_without_the_rights_for_fulfilment_has_to_be_connected_again(lived: Lived) -> None:
    house = lived.house
    if house.shop.platform != "bigcommerce":
        pytest.skip("only BigCommerce grants its rights once and for all when an app is connected")
    box, token = house.shop.box, house.shop.connection.credentials["access_token"]
    whole = box.state.get("token", token)
    assert whole is not None
    box.state.put("token", token, {**whole, "scopes": [s for s in whole["scopes"] if s != "store_order_fulfillment_manage"]})
    try:
        said = _checked(house)
        assert "has to be reconnected" in said
        assert SCOPES["store_order_fulfillment_manage"] in said
    finally:
        box.state.put("token", token, whole)
    assert "has to be reconnected" not in _checked(house)


def _checked(house: PlatformHouse) -> str:
    """What the API says when the shop's connection is checked."""
    answer = requests.post(
        f"{house.house.url}/v1/connections/{house.house.ids[demo.SHOP]}/test",
        headers={"Authorization": f"Bearer {house.house.key}"}, json={}, timeout=30,
    )  # fmt: skip
    return answer.text


def _table(lived: Lived) -> dict[str, str]:
    return TABLE[lived.house.shop.platform]
