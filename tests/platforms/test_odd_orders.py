"""Orders that are not like most, on every platform: changed after they were assigned, free, with gift cards and bundles."""

from __future__ import annotations

import pytest

from tests.adapters.rigs.base import SHIPPING
from tests.platforms.house import NAMES, PlatformHouse


def need(house: PlatformHouse, what: str) -> None:
    if what in house.shop.lacks:
        pytest.skip(f"{house.shop.adapter.capabilities.title}: {house.shop.lacks[what]}")


@pytest.mark.parametrize(("sku", "units"), [("SAUCER", 1), ("SAUCER", 0)], ids=["fewer", "line deleted"])
def test_an_order_edited_after_its_assignment_goes_on_as_it_was_and_says_so(
    house: PlatformHouse, sku: str, units: int
) -> None:
    need(house, "edit")
    external = house.shop.place({"CUP": 1, "SAUCER": 2})
    house.rest()
    before = house.order(external)
    house.shop.edit(external, sku, units)
    house.rest()
    order = house.order(external)
    assert "lines were changed in the shop" in order["state_reason"]
    assert [(line["sku"], line["quantity"]) for line in order["lines"]] == [("CUP", 1), ("SAUCER", 2)]
    assert [part["id"] for part in order["fulfilments"]] == [part["id"] for part in before["fulfilments"]]
    assert house.till.states(order["id"]) == {NAMES["amsterdam"]: "OPEN", NAMES["utrecht"]: "OPEN"}
    assert house.house.pending() == []


def test_an_order_cancelled_in_the_shop_is_cancelled_at_the_till_with_its_stock(house: PlatformHouse) -> None:
    before = house.levels()
    external = house.shop.place({"CUP": 1, "SAUCER": 2})
    house.rest()
    house.shop.cancel(external)
    house.rest()
    order = house.order(external)
    assert order["state"] == "cancelled"
    assert house.till.sale(order["id"])["state"] == "voided"
    assert house.levels() == before
    assert house.house.pending() == []


def test_a_free_order_is_fulfilled_like_any_other(house: PlatformHouse) -> None:
    house.shop.reprice("SPOON", "0")
    try:
        external = house.shop.place({"SPOON": 1}, pickup=True)
        house.rest()
        order = house.order(external)
        house.till.step(order["id"], "done")
        house.rest()
    finally:
        house.shop.reprice("SPOON", "4.50")
    house.rest()
    order = house.order(external)
    assert (order["total"], order["state"], order["payment_status"]) == ("0.00", "completed", "paid")
    assert house.house.pending() == []


def test_a_gift_card_is_sold_and_never_packed(house: PlatformHouse) -> None:
    need(house, "gift_cards")
    external = house.shop.place({"CUP": 1, "VOUCHER": 1})
    house.rest()
    order = house.order(external)
    assert house.till.states(order["id"]) == {NAMES["amsterdam"]: "OPEN"}
    assert order["total"] == order["paid"] == f"{12.50 + 25 + float(SHIPPING):.2f}"
    house.till.step(order["id"], "done")
    house.rest()
    assert house.order(external)["state"] == "completed"
    assert house.house.pending() == []


def test_the_parts_of_a_bundle_come_from_where_they_are(house: PlatformHouse) -> None:
    need(house, "bundles")
    before = house.levels()
    external = house.shop.place({"PAIR": 1})
    house.rest()
    order = house.order(external)
    assert house.till.states(order["id"]) == {NAMES["amsterdam"]: "OPEN", NAMES["utrecht"]: "OPEN"}
    house.till.step(order["id"], "done")
    house.rest()
    assert house.order(external)["state"] == "completed"
    assert {sku: before[sku] - level for sku, level in house.levels().items()} == {"CUP": 1, "SAUCER": 1}
    assert house.house.pending() == []
