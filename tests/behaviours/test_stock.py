"""LS-01 to LS-07: stock and outlets."""

from __future__ import annotations

import requests

from store import outlets
from tests.behaviours.house import House


def test_ls_01_without_a_linked_outlet_no_stock_reaches_the_shop(house: House) -> None:
    with house.services.database.session(house.merchant_id) as session:
        for outlet in outlets.list_all(session):
            outlet.online = False
    before = house.shop.stock("MUG-RED")

    house.till.adjust("MUG-RED", "Amsterdam store", 5)
    house.settle()

    assert house.shop.stock("MUG-RED") == before
    assert not [c for c in house.commands("set_stock") if c.payload == {"sku": "MUG-RED", "quantity": before + 5}]


def test_ls_02_all_articles_of_all_linked_outlets_reach_the_shop_as_one_sum(house: House) -> None:
    assert house.shop.stock("MUG-RED") == 24 + 6 + 4
    assert house.shop.stock("TEA-OOLONG") == 9

    with house.services.database.session(house.merchant_id) as session:
        outlets.put(session, "utrecht", online=False)
    house.till.adjust("MUG-RED", "Amsterdam store", -1)
    house.settle()

    assert house.shop.stock("MUG-RED") == 24 + 5


def test_ls_03_stock_is_tracked_without_switching_anything_on(house: House) -> None:
    told = {c.payload["sku"] for c in house.commands("set_stock")}

    assert told == {p["sku"] for p in house.shop.state.all("product")}


def test_ls_04_a_sale_on_either_side_changes_the_stock_of_both(house: House) -> None:
    house.till.sell_in_store("MUG-RED", 2, "Amsterdam store")
    house.settle()
    assert house.shop.stock("MUG-RED") == 32

    house.shop.place({"MUG-RED": 3})
    house.settle()
    assert sum(house.till.level("MUG-RED", o) for o in ("Warehouse Almere", "Amsterdam store", "Utrecht store")) == 29
    assert house.shop.stock("MUG-RED") == 29


def test_ls_05_the_till_is_the_source_when_the_shop_shows_more(house: House) -> None:
    house.shop.box.sandbox.set_switch("pos_linked", False)
    offer = next(p["id"] for p in house.shop.state.all("product") if p["sku"] == "POT-GLASS")

    requests.post(f"{house.shop.box.url}/admin/products/stock", data={"offer": str(offer), "quantity": "50"}, timeout=10)
    house.settle()

    assert house.shop.stock("POT-GLASS") == 3
    assert house.get("/v1/stock?sku=POT-GLASS")["items"][0]["on_hand"] == 3


def test_ls_06_a_change_at_the_till_shows_in_the_shop_at_once(house: House) -> None:
    house.till.adjust("POT-CAST", "Utrecht store", -1)
    house.settle()

    assert house.shop.stock("POT-CAST") == 4


def test_ls_07_stock_cannot_be_edited_in_the_shop(house: House) -> None:
    offer = next(p["id"] for p in house.shop.state.all("product") if p["sku"] == "POT-GLASS")

    answer = requests.post(f"{house.shop.box.url}/admin/products/stock", data={"offer": str(offer), "quantity": "50"}, timeout=10)

    assert answer.status_code == 409
    assert house.shop.stock("POT-GLASS") == 3
