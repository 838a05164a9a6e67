"""Stock goes to every shop as our number, by outlet where it counts so, and articles are known by their sku."""

from __future__ import annotations

import pytest

from adapters.base import Refused
from tests.adapters.conformance import insist, until
from tests.adapters.rigs.base import Rig


def set_stock(rig: Rig, sku: str, quantity: int, key: str, outlet: str = "amsterdam") -> bool:
    """Tell one number, at an outlet where the platform counts there. Gives whether anything was done."""
    if rig.can("set_outlet_stock"):
        payload = {"sku": sku, "levels": [{"outlet": outlet, "quantity": quantity}]}
        return not insist(rig, "set_outlet_stock", payload, key).did_nothing
    return not insist(rig, "set_stock", {"sku": sku, "quantity": quantity}, key).did_nothing


def stock(rig: Rig, sku: str, outlet: str = "amsterdam") -> int:
    return rig.stock(sku, outlet if rig.can("set_outlet_stock") else None)


def test_stock_is_set_to_our_number_and_telling_it_again_does_nothing(rig: Rig) -> None:
    assert set_stock(rig, "MUG", 7, "k1")
    until(lambda: stock(rig, "MUG") == 7, "the stock is 7")
    rig.forget_calls()
    assert not set_stock(rig, "MUG", 7, "k2")
    assert rig.writes() == []


def test_a_sale_over_there_in_between_does_not_spoil_the_number(rig: Rig) -> None:
    set_stock(rig, "TEA", 20, "k1")
    until(lambda: stock(rig, "TEA") == 20, "the stock is 20")
    rig.sell("TEA", 3)
    set_stock(rig, "TEA", 20, "k2")
    until(lambda: stock(rig, "TEA") == 20, "the stock is 20 again")


def test_less_than_nothing_is_told_as_far_as_the_shop_takes_it(rig: Rig) -> None:
    set_stock(rig, "MUG", -3, "k1")
    until(lambda: stock(rig, "MUG") in (0, -3), "the stock is nothing or less")
    assert not set_stock(rig, "MUG", -3, "k2")


def test_each_outlet_has_its_own_number(rig: Rig) -> None:
    rig.need_operation("set_outlet_stock")
    levels = [{"outlet": "amsterdam", "quantity": 1}, {"outlet": "utrecht", "quantity": 9}]
    insist(rig, "set_outlet_stock", {"sku": "MUG", "levels": levels}, "k1")
    until(lambda: (rig.stock("MUG", "amsterdam"), rig.stock("MUG", "utrecht")) == (1, 9), "both are told")


def test_an_outlet_that_is_not_linked_is_named_and_the_others_are_told(rig: Rig) -> None:
    rig.need_operation("set_outlet_stock")
    levels = [{"outlet": "amsterdam", "quantity": 1}, {"outlet": "rotterdam", "quantity": 9}]
    assert "rotterdam" in insist(rig, "set_outlet_stock", {"sku": "MUG", "levels": levels}, "k1").summary
    until(lambda: rig.stock("MUG", "amsterdam") == 1, "the linked outlet is told")
    with pytest.raises(Refused, match="link"):
        rig.do("set_outlet_stock", {"sku": "MUG", "levels": levels[1:]}, key="k2")


def test_a_shop_that_counts_by_outlet_takes_one_number_or_says_why_not(rig: Rig) -> None:
    rig.need_operation("set_outlet_stock")
    try:
        insist(rig, "set_stock", {"sku": "MUG", "quantity": 5}, "k1")
    except Refused as refusal:
        assert "outlet" in refusal.message or "location" in refusal.message
    else:
        until(lambda: rig.stock("MUG") == 5, "all outlets together have 5")


def test_an_unknown_sku_is_refused_by_name_with_what_to_do(rig: Rig) -> None:
    with pytest.raises(Refused) as caught:
        set_stock(rig, "NOPE-1", 5, "k1")
    assert "NOPE-1" in caught.value.message


def test_an_article_that_was_renamed_is_never_mistaken_for_another(rig: Rig) -> None:
    set_stock(rig, "MUG", 5, "k1")
    until(lambda: stock(rig, "MUG") == 5, "the first number arrives")
    rig.rename("MUG", "MUG-2")
    with pytest.raises(Refused, match="MUG"):
        set_stock(rig, "MUG", 1, "k2")
    rig.rename("POT", "MUG")
    set_stock(rig, "MUG", 2, "k3")
    until(lambda: (stock(rig, "MUG"), stock(rig, "MUG-2")) == (2, 5), "the article now called MUG is told")


def test_the_shops_own_number_is_read(rig: Rig) -> None:
    rig.need_operation("read_products")
    rig.do("read_products")
    product = rig.memory.external("product", "MUG")
    assert product is not None
    rig.sell("MUG", 2)
    until(lambda: shop_quantity(rig, product) == rig.stock("MUG") == 8, "the shop's own number is told")


def shop_quantity(rig: Rig, product: str) -> int | None:
    events = rig.do("read_product", {"external_id": product}).events
    return next((e.data["shop_quantity"] for e in events if e.type == "stock.changed" and e.data["sku"] == "MUG"), None)
