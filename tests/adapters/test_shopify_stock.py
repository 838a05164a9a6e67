"""Stock and refunds in a Shopify shop: compare-and-set by location, and money that goes back once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from adapters.base import Refused, Result, RetryLater
from adapters.shopify.sandbox_basket import Basket
from adapters.shopify.sandbox_book import ShopError
from tests.adapters.rigs.base import CUSTOMER
from tests.adapters.rigs.shopify import ShopifyRig


@pytest.fixture
def shop() -> Iterator[ShopifyRig]:
    with ShopifyRig.open() as rig:
        yield rig


def levels(rig: ShopifyRig, sku: str, key: str = "k", **units: int) -> Result:
    rows = [{"outlet": outlet, "quantity": count} for outlet, count in units.items()]
    return rig.do("set_outlet_stock", {"sku": sku, "levels": rows}, key)


def sent_input(rig: ShopifyRig) -> dict[str, Any]:
    """The variables of the last stock mutation."""
    bodies = [json.loads(call.body) for call in rig.box.state.requests("POST", "graphql.json")]
    return dict([body for body in bodies if "inventorySetQuantities" in body["query"]][-1]["variables"]["input"])


# Stock


def test_each_outlet_is_written_once_and_only_when_it_differs(shop: ShopifyRig) -> None:
    levels(shop, "MUG", amsterdam=6, utrecht=9)
    assert (shop.stock("MUG", "amsterdam"), shop.stock("MUG", "utrecht")) == (6, 9)
    assert levels(shop, "MUG", "b", amsterdam=6, utrecht=9).did_nothing
    assert shop.writes() == ["inventorySetQuantities"]
    [row] = sent_input(shop)["quantities"]
    assert (row["quantity"], row["changeFromQuantity"]) == (9, 4)


def test_an_outlet_without_a_location_is_named_and_left_out(shop: ShopifyRig) -> None:
    assert "Not linked: depot" in levels(shop, "MUG", amsterdam=1, depot=5).summary
    with pytest.raises(Refused, match="None of the outlets depot is linked"):
        levels(shop, "MUG", depot=5)


def test_outlets_that_are_one_location_over_there_are_added_up(shop: ShopifyRig) -> None:
    shop.memory.bind("outlet", "depot", shop.locations()["utrecht"])
    levels(shop, "MUG", utrecht=2, depot=5)
    assert shop.stock("MUG", "utrecht") == 7


def test_a_sale_in_between_is_seen_and_decided_anew(shop: ShopifyRig, monkeypatch: pytest.MonkeyPatch) -> None:
    from adapters.shopify import stock

    look = stock.find_variant

    def look_then_sell(work: Any, sku: str) -> Any:
        found = look(work, sku)
        if not shop.writes():
            shop.sell("MUG", 1)  # After we looked, before we write.
        return found

    monkeypatch.setattr(stock, "find_variant", look_then_sell)
    levels(shop, "MUG", amsterdam=3)
    assert shop.stock("MUG", "amsterdam") == 3
    assert shop.writes() == ["inventorySetQuantities", "inventorySetQuantities"]
    assert sent_input(shop)["quantities"][0]["changeFromQuantity"] == 5


def test_stock_that_never_stands_still_is_tried_later(shop: ShopifyRig, monkeypatch: pytest.MonkeyPatch) -> None:
    from adapters.shopify import stock

    look = stock.find_variant

    def look_then_sell(work: Any, sku: str) -> Any:
        found = look(work, sku)
        shop.sell("MUG", 1)
        return found

    monkeypatch.setattr(stock, "find_variant", look_then_sell)
    with pytest.raises(RetryLater, match="keeps changing"):
        levels(shop, "MUG", amsterdam=30)


def test_an_article_that_a_location_does_not_stock_is_stocked_there(shop: ShopifyRig) -> None:
    item = shop.shop.variant_by_sku("POT")[1]["item"]
    shop.box.state.delete("level", f"{item}:{shop.locations()['utrecht']}")
    levels(shop, "POT", amsterdam=3, utrecht=4)
    assert shop.stock("POT", "utrecht") == 4
    assert shop.writes() == ["inventoryActivate"]
    assert levels(shop, "POT", "b", utrecht=4).did_nothing


def test_less_than_nothing_becomes_nothing(shop: ShopifyRig) -> None:
    levels(shop, "MUG", amsterdam=-2)
    assert shop.stock("MUG", "amsterdam") == 0


@pytest.mark.parametrize("kind", ["500", "drop", "half_json"])
def test_a_lost_answer_does_not_write_stock_twice(shop: ShopifyRig, kind: str) -> None:
    shop.fault(kind, match="inventorySetQuantities", after_effect=True)
    with pytest.raises(RetryLater):
        levels(shop, "MUG", amsterdam=3)
    assert levels(shop, "MUG", amsterdam=3).did_nothing
    assert shop.box.state.counter("stock_writes") == 1


def test_an_unknown_sku_and_one_that_is_there_twice_are_refused_with_advice(shop: ShopifyRig) -> None:
    with pytest.raises(Refused, match="no article with sku NOPE: add it there"):
        levels(shop, "NOPE", amsterdam=1)
    shop.rename("POT", "MUG")
    with pytest.raises(Refused, match="more than one article with sku MUG"):
        levels(shop, "MUG", amsterdam=1)


def test_a_sku_with_quotes_is_searched_for_as_it_is(shop: ShopifyRig) -> None:
    shop.rename("MUG", "MUG 'XL' \\ x:1")
    levels(shop, "MUG 'XL' \\ x:1", amsterdam=1)
    assert shop.stock("MUG 'XL' \\ x:1", "amsterdam") == 1


def test_a_renamed_article_is_not_written_under_its_old_name(shop: ShopifyRig) -> None:
    levels(shop, "MUG", amsterdam=1)
    shop.rename("MUG", "MUG-2")
    with pytest.raises(Refused, match="sku MUG"):
        levels(shop, "MUG", "b", amsterdam=9)
    levels(shop, "MUG-2", "c", amsterdam=9)
    assert shop.stock("MUG-2", "amsterdam") == 9


def test_an_article_that_the_shop_does_not_count_is_refused_with_advice(shop: ShopifyRig) -> None:
    with pytest.raises(Refused, match="Track quantity"):
        levels(shop, "GIFT", amsterdam=1)


def test_one_number_needs_one_location(shop: ShopifyRig) -> None:
    with pytest.raises(Refused, match="this shop has 2"):
        shop.do("set_stock", {"sku": "MUG", "quantity": 5})
    shop.settings = {"stock_location": shop.locations()["utrecht"]}
    shop.do("set_stock", {"sku": "MUG", "quantity": 5})
    assert (shop.stock("MUG", "utrecht"), shop.stock("MUG", "amsterdam")) == (5, 6)


@pytest.mark.parametrize("payload", [
    {"sku": "MUG"}, {"levels": []}, {"sku": "MUG", "levels": "x"}, {"sku": "MUG", "levels": [5]}, {"sku": "MUG", "levels": [{"outlet": "utrecht"}]},
    {"sku": "MUG", "levels": [{"outlet": "utrecht", "quantity": 1.5}]}, {"sku": "MUG", "levels": [{"outlet": "utrecht", "quantity": True}]},
])  # fmt: skip
def test_stock_without_a_sku_or_whole_numbers_is_refused(shop: ShopifyRig, payload: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        shop.do("set_outlet_stock", payload)
    assert shop.writes() == []


def test_a_product_tells_what_may_be_sold_at_our_outlets(shop: ShopifyRig) -> None:
    events = shop.do("read_product", {"external_id": "501"}).events
    assert [event.data for event in events] == [
        {"sku": "MUG", "name": "Mug", "external_id": "501/4401"}, {"sku": "MUG", "shop_quantity": 10},
    ]  # fmt: skip
    item = shop.shop.variant_by_sku("MUG")[1]["item"]
    assert shop.do("read_product", {"external_id": f"gid://shopify/InventoryItem/{item}"}).events == events
    assert shop.do("read_product", {"external_id": "501/4401"}).events == events
    del shop.memory.bindings["outlet", "utrecht"]
    assert shop.do("read_product", {"external_id": "501"}).events[1].data["shop_quantity"] == 6
    for gone in ("999", "gid://shopify/InventoryItem/999", "x"):
        with pytest.raises(Refused):
            shop.do("read_product", {"external_id": gone})


def test_the_catalogue_is_read_in_more_than_one_command_when_it_is_long(shop: ShopifyRig, monkeypatch: pytest.MonkeyPatch) -> None:
    from adapters.shopify import stock

    monkeypatch.setattr(stock, "PAGE_SIZE", 1)
    monkeypatch.setattr(stock, "PAGES_AT_ONCE", 2)
    payload: Any = {}
    skus: list[str] = []
    while payload is not None:
        result = shop.do("read_products", payload, f"p{len(skus)}")
        skus += [event.data["sku"] for event in result.events]
        payload = result.then
    assert skus == ["MUG", "POT", "TEA", "GIFT", "SET"]


# Refunds


def refund(rig: ShopifyRig, order: str, amount: str, reference: str = "R1", **more: Any) -> Result:
    payload = {"order": rig.adopt(order), "reference": reference, "amount": amount, "currency": "EUR", "lines": [],
               "reason": "broken", "restock": False, "pay_back": False}  # fmt: skip
    return rig.do("refund_order", payload | more)


def refunds(rig: ShopifyRig, order: str) -> list[dict[str, Any]]:
    return list(rig.shop.order(int(order))["refunds"])


def test_a_refund_is_recorded_once(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 2})
    refund(shop, order, "10.00")
    assert refund(shop, order, "10.00").did_nothing
    assert (shop.refunded(order), shop.payment_status(order)) == (Decimal(10), "partly_refunded")
    assert refunds(shop, order)[0]["note"] == "broken [R1]"
    refund(shop, order, "19.95", "R2")
    assert shop.payment_status(order) == "refunded"


@pytest.mark.parametrize("kind", ["drop", "500"])
def test_a_lost_answer_pays_nothing_twice(shop: ShopifyRig, kind: str) -> None:
    order = shop.place({"MUG": 2})
    shop.fault(kind, match="refundCreate", after_effect=True)
    with pytest.raises(RetryLater):
        refund(shop, order, "10.00", pay_back=True)
    assert refund(shop, order, "10.00", pay_back=True).did_nothing
    assert shop.refunded(order) == 10
    assert shop.memory.external("refund", "R1") == str(refunds(shop, order)[0]["id"])


def test_paying_back_goes_through_the_payments_it_came_by(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 2})
    refund(shop, order, "10.00", pay_back=True)
    paid, back = shop.shop.order(int(order))["transactions"]
    assert (back["kind"], back["gateway"], back["parent"]) == ("REFUND", "shopify_payments", paid["id"])


def test_what_was_paid_back_elsewhere_is_recorded_under_the_gateway_of_the_settings(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 2})
    refund(shop, order, "1.00")
    shop.settings = {"outside_refund_gateway": "cash"}
    refund(shop, order, "2.00", "R2")
    shop.settings = {"outside_refund_gateway": ""}
    refund(shop, order, "4.00", "R3")
    gateways = [each["gateway"] for each in shop.shop.order(int(order))["transactions"] if each["kind"] == "REFUND"]
    assert (gateways, shop.refunded(order), len(refunds(shop, order))) == (["manual", "cash"], Decimal(3), 3)


def test_more_than_is_left_is_refused_with_both_amounts(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 2})
    with pytest.raises(Refused, match=r"29\.95 EUR left to refund: 30\.00 EUR is too much"):
        refund(shop, order, "30.00")
    assert shop.writes() == []
    with pytest.raises(Refused, match="in EUR: a refund in SEK"):
        refund(shop, order, "1.00", currency="SEK")


def test_more_than_the_payments_can_give_back_is_refused(shop: ShopifyRig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.shopify.sandbox_objects.Objects._open_amount", lambda *given: Decimal(5))
    order = shop.place({"MUG": 2})
    with pytest.raises(Refused, match=r"can give back 5\.00, not 10\.00"):
        refund(shop, order, "10.00", pay_back=True)
    assert shop.refunded(order) == 0


def test_lines_that_were_not_sent_are_taken_out_of_what_is_to_be_sent(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 3})
    left = shop.stock("MUG", "amsterdam")
    refund(shop, order, "12.50", lines=shop.part(order, MUG=1), restock=True)
    assert refunds(shop, order)[0]["lines"][0]["restock"] == "CANCEL"
    assert (shop.assigned(order), shop.stock("MUG", "amsterdam")) == ({"amsterdam": {"MUG": 2}}, left + 1)
    assert shop.snapshot(order)["lines"][0]["quantity"] == 2


def test_lines_that_were_sent_come_back_to_where_they_were_sent_from(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 3})
    shop.ship_by_staff(order)
    left = shop.stock("MUG", "amsterdam")
    refund(shop, order, "12.50", lines=shop.part(order, MUG=1), restock=True)
    refund(shop, order, "12.50", "R2", lines=shop.part(order, MUG=1))
    kinds = [row["restock"] for each in refunds(shop, order) for row in each["lines"]]
    assert (kinds, shop.stock("MUG", "amsterdam")) == (["RETURN", "NO_RESTOCK"], left + 1)
    found = shop.snapshot(order)
    assert (found["lines"][0]["quantity"], found["total"]) == (3, "42.45")


@pytest.mark.parametrize("amount", ["many", "", "-1", "NaN", None, 5, "1e99"])
def test_a_refund_without_an_amount_is_refused(shop: ShopifyRig, amount: Any) -> None:
    with pytest.raises(Refused):
        refund(shop, shop.place({"MUG": 1}), amount)


def test_an_order_of_nothing_can_be_refunded_nothing(shop: ShopifyRig) -> None:
    shop.reprice("MUG", "0")
    order = str(shop.shop.place(Basket([("MUG", 1)], "pickup", "online", CUSTOMER))["id"])
    assert not refund(shop, order, "0").did_nothing
    with pytest.raises(Refused, match=r"0\.00 EUR left"):
        refund(shop, order, "0.01", "R2")


def test_an_order_paid_in_another_currency_is_left_to_people(shop: ShopifyRig) -> None:
    shop.box.state.set_setting("presentment_currency", "USD")
    with pytest.raises(Refused, match="paid order #1001 in USD"):
        refund(shop, shop.place({"MUG": 1}), "1.00")


def test_an_article_that_comes_back_with_an_old_number_is_set_right(shop: ShopifyRig, monkeypatch: pytest.MonkeyPatch) -> None:
    item = shop.shop.variant_by_sku("POT")[1]["item"]
    shop.box.state.delete("level", f"{item}:{shop.locations()['utrecht']}")
    connect = type(shop.shop).connect
    monkeypatch.setattr(type(shop.shop), "connect", lambda self, item, place, available: connect(self, item, place, 99))
    levels(shop, "POT", utrecht=4)
    assert (shop.stock("POT", "utrecht"), shop.writes()) == (4, ["inventoryActivate", "inventorySetQuantities"])


def test_a_key_that_a_refused_attempt_has_spent_is_replaced(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 2}, paid=False)
    shop.adopt(order)
    payload = {"reference": "R1", "amount": "5.00", "currency": "EUR", "lines": [], "reason": "", "restock": False, "pay_back": False}
    shop.pay(order)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(shop.shop), "refund", _refuse)
        for _ in range(2):
            with pytest.raises(Refused, match="Not now"):
                shop.do("refund_order", payload | {"order": {"external_id": order}})
    shop.do("refund_order", payload | {"order": {"external_id": order}})
    assert (shop.refunded(order), shop.box.state.counter("refunds_made")) == (5, 1)


def _refuse(*_: Any, **__: Any) -> Any:
    raise ShopError("Not now.")


def test_a_refusal_whose_answer_was_lost_does_not_block_stock(shop: ShopifyRig) -> None:
    from adapters.shopify.sandbox_stocking import Stocking

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stocking, "m_inventorySetQuantities", _refuse)
        shop.fault("drop", match="inventorySetQuantities", after_effect=True)
        with pytest.raises(RetryLater):
            levels(shop, "MUG", amsterdam=3)
    levels(shop, "MUG", amsterdam=3)
    assert shop.stock("MUG", "amsterdam") == 3
