"""Stock per source at Magento, above all: units of open orders are counted once, in every order of events."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from adapters.base import Refused, RetryLater
from adapters.magento.sandbox_seed import seed
from adapters.sandbox import SandboxState
from tests.adapters.conformance import assigning, refunding, shipping, telling
from tests.adapters.rigs.magento import MagentoRig

_keys = itertools.count(1)


@pytest.fixture
def rig() -> Iterator[MagentoRig]:
    with MagentoRig.open() as opened:
        yield opened


class Goods:
    """One article, MUG: how many of it are free by our own books, and an order of it in the shop."""

    def __init__(self, rig: MagentoRig, units: int = 2) -> None:
        self.rig = rig
        self.free = {"amsterdam": 6, "utrecht": 4}
        self.push()
        self.order = rig.place({"MUG": units})
        self.ours = rig.adopt(self.order)

    def assign(self, **outlets: int) -> None:
        """We promise units; the shop is told which outlet does what."""
        parts = {outlet: {"MUG": units} for outlet, units in outlets.items()}
        self.rig.do("assign_fulfilments", assigning(self.rig, self.order, self.ours, **parts), key=f"a{next(_keys)}")

    def push(self) -> None:
        levels = [{"outlet": outlet, "quantity": units} for outlet, units in self.free.items()]
        self.rig.do("set_outlet_stock", {"sku": "MUG", "levels": levels}, key=f"p{next(_keys)}")

    def ship(self, outlet: str, units: int) -> None:
        payload = shipping(self.rig, self.order, self.ours, f"f-{outlet}", outlet, {"MUG": units})
        self.rig.do("ship_fulfilment", payload, key=f"s{next(_keys)}")

    def settled(self) -> bool:
        """Whether customers can buy exactly what is free."""
        return self.rig.stock("MUG") == sum(self.free.values())

    def sources(self) -> dict[str, int]:
        return {outlet: self.rig.stock("MUG", outlet) for outlet in self.free}


def test_an_open_order_is_in_its_source_until_it_is_sent(rig: MagentoRig) -> None:
    goods = Goods(rig)
    goods.free["amsterdam"] -= 2
    goods.assign(amsterdam=2)
    goods.push()
    assert (goods.sources(), goods.settled()) == ({"amsterdam": 6, "utrecht": 4}, True)
    goods.ship("amsterdam", 2)
    assert (goods.sources(), goods.settled()) == ({"amsterdam": 4, "utrecht": 4}, True)


def test_a_level_that_arrives_before_the_assignment_ends_in_the_same_numbers(rig: MagentoRig) -> None:
    goods = Goods(rig)
    goods.free["amsterdam"] -= 2
    goods.push()
    assert not goods.settled(), "the shop counts the order twice until it is told whose it is"
    goods.assign(amsterdam=2)
    assert (goods.sources(), goods.settled()) == ({"amsterdam": 6, "utrecht": 4}, True)
    goods.ship("amsterdam", 2)
    assert (goods.sources(), goods.settled()) == ({"amsterdam": 4, "utrecht": 4}, True)


def test_a_shipment_nobody_was_told_of_ends_in_the_same_numbers(rig: MagentoRig) -> None:
    goods = Goods(rig)
    goods.free["amsterdam"] -= 2
    goods.push()
    goods.ship("amsterdam", 2)
    assert (goods.sources(), goods.settled()) == ({"amsterdam": 4, "utrecht": 4}, True)


def test_the_last_units_can_be_sent_although_the_level_is_nothing(rig: MagentoRig) -> None:
    goods = Goods(rig, units=6)
    goods.free["amsterdam"] = 0
    goods.assign(amsterdam=6)
    goods.push()
    goods.ship("amsterdam", 6)
    assert (goods.sources(), goods.settled()) == ({"amsterdam": 0, "utrecht": 4}, True)


def test_each_outlet_of_a_split_order_keeps_its_own_units(rig: MagentoRig) -> None:
    goods = Goods(rig, units=3)
    goods.free = {"amsterdam": 4, "utrecht": 3}
    goods.assign(amsterdam=2, utrecht=1)
    goods.push()
    assert (goods.sources(), goods.settled()) == ({"amsterdam": 6, "utrecht": 4}, True)
    goods.ship("amsterdam", 2)
    goods.push()
    assert (goods.sources(), goods.settled()) == ({"amsterdam": 4, "utrecht": 4}, True)
    goods.ship("utrecht", 1)
    goods.push()
    assert (goods.sources(), goods.settled()) == ({"amsterdam": 4, "utrecht": 3}, True)


def test_another_outlet_that_takes_over_gets_the_units(rig: MagentoRig) -> None:
    goods = Goods(rig)
    goods.free["amsterdam"] -= 2
    goods.assign(amsterdam=2)
    goods.push()
    goods.free = {"amsterdam": 6, "utrecht": 2}
    goods.assign(utrecht=2)
    goods.push()
    assert (goods.sources(), goods.settled()) == ({"amsterdam": 6, "utrecht": 4}, True)


def test_what_staff_sent_themselves_is_no_longer_added(rig: MagentoRig) -> None:
    goods = Goods(rig)
    goods.free["amsterdam"] -= 2
    goods.assign(amsterdam=2)
    goods.push()
    rig.ship_by_staff(goods.order)
    goods.push()
    assert (goods.sources(), goods.settled()) == ({"amsterdam": 4, "utrecht": 4}, True)


@pytest.mark.parametrize("paid", [True, False])
def test_a_cancelled_order_gives_its_units_back(rig: MagentoRig, paid: bool) -> None:
    goods = Goods(rig)
    goods.order = rig.place({"MUG": 2}, paid=paid)
    goods.ours = rig.adopt(goods.order)
    goods.assign(amsterdam=2)
    rig.cancel(goods.order)
    goods.push()
    assert goods.sources() == {"amsterdam": 6, "utrecht": 4}
    assert rig.memory.get(f"allocated:{goods.order}") is None, "an order that is over is forgotten"


def test_a_refund_before_sending_gives_its_units_back(rig: MagentoRig) -> None:
    goods = Goods(rig)
    goods.free["amsterdam"] -= 2
    goods.assign(amsterdam=2)
    goods.push()
    lines = [{"line": rig.line(goods.order, "MUG"), "quantity": 1}]
    rig.do("refund_order", refunding(goods.ours, "r1", "12.50", lines=lines), key="r1")
    goods.free["amsterdam"] += 1
    goods.push()
    assert goods.settled()


def test_several_open_orders_add_up(rig: MagentoRig) -> None:
    first, second = Goods(rig), Goods(rig, units=3)
    for goods, units in ((first, 2), (second, 3)):
        goods.assign(amsterdam=units)
    second.free = {"amsterdam": 1, "utrecht": 4}
    second.push()
    assert (second.sources(), second.settled()) == ({"amsterdam": 6, "utrecht": 4}, True)
    first.ship("amsterdam", 2)
    second.push()
    assert (second.sources(), second.settled()) == ({"amsterdam": 4, "utrecht": 4}, True)


def test_orders_nobody_assigned_are_not_added(rig: MagentoRig) -> None:
    goods = Goods(rig)
    goods.push()
    assert goods.sources() == {"amsterdam": 6, "utrecht": 4}
    assert rig.stock("MUG") == 8, "the shop keeps an order it took out of what it sells, until we promise it ourselves"


def test_merchants_whose_levels_hold_open_orders_switch_it_off(rig: MagentoRig) -> None:
    rig.settings["open_orders_in_source"] = False
    goods = Goods(rig)
    goods.assign(amsterdam=2)
    goods.push()
    assert goods.sources() == {"amsterdam": 6, "utrecht": 4}
    goods.free["amsterdam"] = 3
    goods.push()
    assert goods.sources() == {"amsterdam": 3, "utrecht": 4}


def test_an_order_completed_in_one_go_leaves_the_levels_we_told(rig: MagentoRig) -> None:
    goods = Goods(rig, units=3)
    goods.free = {"amsterdam": 4, "utrecht": 3}
    goods.assign(amsterdam=2, utrecht=1)
    goods.push()
    rig.do("set_order_status", telling(goods.ours, shop_status="completed"), key="c")
    assert (goods.sources(), goods.settled()) == ({"amsterdam": 4, "utrecht": 3}, True)


@pytest.mark.parametrize("kind", ["drop", "half_json", "500"])
@pytest.mark.parametrize("nth", range(1, 6))
def test_an_assignment_whose_answer_was_lost_ends_in_the_same_numbers(rig: MagentoRig, nth: int, kind: str) -> None:
    goods = Goods(rig)
    goods.free["amsterdam"] -= 2
    goods.push()
    for _ in range(nth - 1):
        rig.fault("slow", seconds=0)
    rig.fault(kind, after_effect=True)
    try:
        goods.assign(amsterdam=2)
    except RetryLater:
        rig.calm()
        goods.assign(amsterdam=2)
    rig.calm()
    assert goods.settled()


def test_a_set_that_left_from_two_outlets_leaves_both_at_their_levels(rig: MagentoRig) -> None:
    order = rig.place({"SET": 4})
    ours = rig.adopt(order)
    rig.do("assign_fulfilments", assigning(rig, order, ours, amsterdam={"MUG": 4}, utrecht={"TEA": 4}), key="a")
    levels = {"MUG": {"amsterdam": 2, "utrecht": 1}, "TEA": {"amsterdam": 30, "utrecht": 14}}
    for sku, free in levels.items():
        told = [{"outlet": outlet, "quantity": units} for outlet, units in free.items()]
        rig.do("set_outlet_stock", {"sku": sku, "levels": told}, key=f"t{sku}")
    rig.do("ship_fulfilment", shipping(rig, order, ours, "f1", "amsterdam", {"MUG": 4}), key="s1")
    rig.do("ship_fulfilment", shipping(rig, order, ours, "f2", "utrecht", {"TEA": 4}), key="s2")
    assert rig.shop_status(order) == "completed"
    assert {sku: {outlet: rig.stock(sku, outlet) for outlet in free} for sku, free in levels.items()} == levels
    assert rig.stock("MUG") == 3


def test_orders_that_are_over_are_forgotten_although_nobody_tells_their_stock(rig: MagentoRig) -> None:
    rig.memory.put("open:mug", [str(number) for number in range(1000, 1099)])
    goods = Goods.__new__(Goods)
    goods.rig, goods.order = rig, rig.place({"MUG": 1})
    goods.ours = rig.adopt(goods.order)
    goods.assign(amsterdam=1)
    assert rig.memory.get("open:mug") == [goods.order]


# One number for the whole shop


def test_one_number_changes_as_few_sources_as_possible(rig: MagentoRig) -> None:
    for wanted, left in ((12, {"amsterdam": 8, "utrecht": 4}), (5, {"amsterdam": 1, "utrecht": 4}), (0, {"amsterdam": 0, "utrecht": 0})):
        rig.do("set_stock", {"sku": "MUG", "quantity": wanted}, key=f"s{wanted}")
        assert {outlet: rig.stock("MUG", outlet) for outlet in left} == left


def test_one_number_goes_to_the_default_source_when_there_is_one(rig: MagentoRig) -> None:
    rig.settings["default_source"] = "utrecht"
    rig.do("set_stock", {"sku": "MUG", "quantity": 30})
    assert (rig.stock("MUG", "amsterdam"), rig.stock("MUG", "utrecht")) == (6, 24)


def test_a_shop_without_sources_of_its_own_keeps_its_stock_in_the_default_one() -> None:
    state = SandboxState()
    seed(state, [{"sku": "MUG", "name": "Mug", "price": "12.50", "stock": {"default": 3}}])
    with MagentoRig.serve(state) as rig:
        rig.do("set_stock", {"sku": "MUG", "quantity": 8}, key="a")
        order = rig.place({"MUG": 2})
        rig.settings["default_source"] = "default"
        payload = {"order": rig.adopt(order), "fulfilment": {"id": "f1", "outlet": "shop", "pickup": False}, "lines": rig.part(order, MUG=2)}
        rig.do("set_stock", {"sku": "MUG", "quantity": 6}, key="b")
        rig.do("ship_fulfilment", payload, key="c")
        assert rig.stock("MUG", "default") == 6 == rig.stock("MUG")
    state.close()


# What is written


def test_the_status_is_always_sent_and_follows_the_number(rig: MagentoRig) -> None:
    for wanted, status in ((0, 0), (3, 1)):
        rig.do("set_outlet_stock", {"sku": "MUG", "levels": [{"outlet": "amsterdam", "quantity": wanted}]}, key=f"k{wanted}")
        item = rig.shop.stock.item("MUG", "amsterdam")
        assert item is not None
        assert (item["quantity"], item["status"]) == (wanted, status)


def test_a_shop_with_back_orders_stays_in_stock_at_nothing(rig: MagentoRig) -> None:
    rig.settings["in_stock_at_zero"] = True
    rig.do("set_outlet_stock", {"sku": "MUG", "levels": [{"outlet": "amsterdam", "quantity": 0}]})
    item = rig.shop.stock.item("MUG", "amsterdam")
    assert item is not None
    assert (item["quantity"], item["status"]) == (0, 1)


def test_a_wrong_status_is_mended_although_the_number_is_right(rig: MagentoRig) -> None:
    rig.shop.set_source_item("MUG", "amsterdam", Decimal(6), 0)
    result = rig.do("set_outlet_stock", {"sku": "MUG", "levels": [{"outlet": "amsterdam", "quantity": 6}]})
    assert not result.did_nothing
    assert rig.stock("MUG") == 10


def test_two_outlets_in_one_source_are_added(rig: MagentoRig) -> None:
    rig.memory.bind("outlet", "kiosk", "amsterdam")
    levels = [{"outlet": "amsterdam", "quantity": 3}, {"outlet": "kiosk", "quantity": 2}]
    rig.do("set_outlet_stock", {"sku": "MUG", "levels": levels})
    assert rig.stock("MUG", "amsterdam") == 5


@pytest.mark.parametrize("sku", ["SET", "NOPE", "MU", "MUG%", "MUG,TEA", "mug/tea"])
def test_what_has_no_stock_of_its_own_is_refused(rig: MagentoRig, sku: str) -> None:
    with pytest.raises(Refused, match=sku.split("%")[0]):
        rig.do("set_outlet_stock", {"sku": sku, "levels": [{"outlet": "amsterdam", "quantity": 1}]})
    assert rig.box.state.counter("stock_writes") == 0


@pytest.mark.parametrize("quantity", ["3", None, True, 1.5])
def test_a_level_that_is_no_whole_number_is_refused(rig: MagentoRig, quantity: Any) -> None:
    for operation, payload in (("set_stock", {"quantity": quantity}), ("set_outlet_stock", {"levels": [{"outlet": "amsterdam", "quantity": quantity}]})):
        with pytest.raises(Refused, match="whole quantity"):
            rig.do(operation, {"sku": "MUG", **payload})


def test_a_sku_with_a_slash_is_never_part_of_a_path(rig: MagentoRig) -> None:
    rig.rename("MUG", "MUG/RED %2F &?")
    sku = "MUG/RED %2F &?"
    rig.do("read_products")
    rig.do("set_outlet_stock", {"sku": sku, "levels": [{"outlet": "amsterdam", "quantity": 9}]}, key="a")
    assert rig.stock(sku, "amsterdam") == 9
    product = rig.memory.external("product", sku)
    events = rig.do("read_product", {"external_id": product or ""}).events
    assert [event.data.get("shop_quantity") for event in events] == [None, 13]


def test_the_case_of_a_sku_does_not_matter(rig: MagentoRig) -> None:
    rig.do("set_outlet_stock", {"sku": "mug", "levels": [{"outlet": "amsterdam", "quantity": 9}]})
    assert rig.stock("MUG", "amsterdam") == 9
