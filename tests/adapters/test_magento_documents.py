"""Shipments and credit memos that the Magento adapter makes."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from adapters.base import Refused
from tests.adapters.conformance import refunding, telling
from tests.adapters.magento import open_shop, send
from tests.adapters.rigs.magento import MagentoRig


@pytest.fixture
def rig() -> Iterator[MagentoRig]:
    with open_shop() as opened:
        yield opened


# Shipments


def test_an_outlet_without_a_source_is_refused_unless_there_is_a_default(rig: MagentoRig) -> None:
    order = rig.place({"MUG": 1})
    ours = rig.adopt(order)
    with pytest.raises(Refused, match="rotterdam is not linked"):
        send(rig, ours, "f1", "rotterdam", rig.part(order, MUG=1))
    rig.settings["default_source"] = "utrecht"
    send(rig, ours, "f1", "rotterdam", rig.part(order, MUG=1))
    assert [each["outlet"] for each in rig.shipments(order)] == ["utrecht"]


def test_goods_that_left_although_the_source_had_too_few_are_sent_all_the_same(rig: MagentoRig) -> None:
    order = rig.place({"MUG": 5})
    rig.shop.set_source_item("MUG", "utrecht", Decimal(1), 1)
    said = send(rig, rig.adopt(order), "f1", "utrecht", rig.part(order, MUG=5)).summary
    assert "raised" in said
    assert rig.stock("MUG", "utrecht") == 0


def test_a_shipment_the_shop_refuses_is_told_in_its_words(rig: MagentoRig) -> None:
    rig.settings["open_orders_in_source"] = False
    order = rig.place({"MUG": 5})
    rig.shop.set_source_item("MUG", "utrecht", Decimal(1), 1)
    ours = rig.adopt(order)
    with pytest.raises(Refused, match="Not all of your products are available"):
        send(rig, ours, "f1", "utrecht", rig.part(order, MUG=5))
    rig.box.sandbox.set_switch("hide_shipment_cause", True)
    with pytest.raises(Refused, match="see error log"):
        send(rig, ours, "f1", "utrecht", rig.part(order, MUG=5))


@pytest.mark.parametrize(("carrier", "code"), [("PostNL", "custom"), ("DHL", "dhl"), (None, "custom")])
def test_known_carriers_get_their_own_code(rig: MagentoRig, carrier: str | None, code: str) -> None:
    order = rig.place({"MUG": 1})
    track = {"number": "3S1", "url": "https://track.example/3S1", "carrier": carrier}
    send(rig, rig.adopt(order), "f1", "amsterdam", rig.part(order, MUG=1), tracking=track)
    assert rig.box.state.all("shipment")[0]["tracks"][0]["carrier_code"] == code


def test_a_line_that_is_gone_over_there_is_refused_by_name(rig: MagentoRig) -> None:
    order = rig.place({"MUG": 1})
    with pytest.raises(Refused, match="no line 999"):
        send(rig, rig.adopt(order), "f1", "amsterdam", [{"line": "999", "sku": "POT", "quantity": 1}])


def test_an_order_is_found_by_its_number_which_is_not_its_id(rig: MagentoRig) -> None:
    order = rig.place({"MUG": 1})
    number = rig._order(order)["increment_id"]
    assert number != order
    rig.do("set_order_status", telling({"number": number}, shop_status="on_hold"))
    assert rig.shop_status(order) == "on_hold"
    with pytest.raises(Refused, match="no order with number"):
        rig.do("set_order_status", telling({"number": "000009999"}, shop_status="on_hold"))


# Refunds


def test_a_line_refund_is_the_amount_asked_for_whatever_the_line_cost(rig: MagentoRig) -> None:
    order = rig.place({"MUG": 2, "TEA": 1}, discount="3.33")
    ours = rig.adopt(order)
    for number, amount in enumerate(("12.50", "3.00", "14.00")):
        lines = [{"line": rig.line(order, "MUG" if number < 2 else "TEA"), "quantity": 1}]
        rig.do("refund_order", refunding(ours, f"r{number}", amount, lines=lines), key=f"r{number}")
    assert [memo["grand_total"] for memo in rig.box.state.all("creditmemo")] == [Decimal("12.5"), Decimal(3), Decimal(14)]
    items = {item["sku"]: item["qty_refunded"] for item in rig._order(order)["items"]}
    assert items == {"MUG": 2, "TEA": 1}


def test_paying_everything_back_includes_shipping_and_closes_the_order(rig: MagentoRig) -> None:
    order = rig.place({"MUG": 1})
    result = rig.do("refund_order", refunding(rig.adopt(order), "r1", "17.45"))
    assert rig._order(order)["state"] == "closed"
    memo = rig.box.state.all("creditmemo")[0]
    assert (memo["shipping_incl_tax"], memo["adjustment_positive"]) == (Decimal("4.95"), 0)
    assert rig.memory.external("refund", "r1") == str(memo["entity_id"])
    assert "17.45 EUR" in result.summary


def test_goods_go_back_on_the_shelf_they_were_sent_from_only_when_asked(rig: MagentoRig) -> None:
    order = rig.place({"MUG": 2})
    ours = rig.adopt(order)
    send(rig, ours, "f1", "utrecht", rig.part(order, MUG=2))
    before = rig.stock("MUG", "utrecht")
    lines = [{"line": rig.line(order, "MUG"), "quantity": 1}]
    rig.do("refund_order", refunding(ours, "r1", "12.50", lines=lines), key="r1")
    assert rig.stock("MUG", "utrecht") == before
    rig.do("refund_order", refunding(ours, "r2", "12.50", lines=lines, restock=True), key="r2")
    assert rig.stock("MUG", "utrecht") == before + 1


def test_the_gateway_pays_by_invoice_and_till_refunds_never_reach_it(rig: MagentoRig) -> None:
    order = rig.place({"MUG": 2})
    ours = rig.adopt(order)
    rig.do("refund_order", refunding(ours, "r1", "5.00"), key="r1")
    assert rig.box.state.counter("gateway_refunds") == 0
    rig.do("refund_order", refunding(ours, "r2", "5.00", pay_back=True), key="r2")
    assert rig.box.state.counter("gateway_refunds") == 1


@pytest.mark.parametrize("wrong", [{"amount": "0"}, {"amount": "-1"}, {"amount": "much"}, {"amount": None}, {"currency": "USD"},
                                   {"lines": [{"line": "1", "quantity": 0}]}])  # fmt: skip
def test_a_senseless_refund_is_refused(rig: MagentoRig, wrong: dict[str, Any]) -> None:
    payload = refunding(rig.adopt(rig.place({"MUG": 1})), "r1", "1.00") | wrong
    with pytest.raises(Refused):
        rig.do("refund_order", payload)
    assert rig.box.state.all("creditmemo") == []


def test_nothing_can_be_paid_back_of_what_was_never_paid(rig: MagentoRig) -> None:
    ours = rig.adopt(rig.place({"MUG": 1}, paid=False))
    with pytest.raises(Refused, match=r"1\.00 EUR is more than the 0\.00 EUR"):
        rig.do("refund_order", refunding(ours, "r1", "1.00"))
