"""How the Magento adapter reaches the shop and reads its orders."""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from adapters.base import Refused, Unauthorised
from adapters.magento import sandbox_documents as documents
from adapters.magento.sandbox_oauth import RESOURCES
from tests.adapters.conformance import adds_up, checked
from tests.adapters.magento import open_shop, overwrite, send
from tests.adapters.rigs.magento import MagentoRig


@pytest.fixture
def rig() -> Iterator[MagentoRig]:
    with open_shop() as opened:
        yield opened


# Permissions and addresses


@pytest.mark.parametrize("resource", [r for r in RESOURCES if r not in ("Magento_Sales::hold", "Magento_InventorySalesApi::stock")])
def test_check_names_the_permission_that_is_missing(rig: MagentoRig, resource: str) -> None:
    optional = {"Magento_InventorySourceSelectionApi::source_selection_algorithm_post"}
    rig.box.state.set_setting("resources", [each for each in RESOURCES if each != resource])
    if resource in optional:
        assert "Main Website" in rig.do("check").summary
        return
    with pytest.raises(Unauthorised, match=resource):
        rig.do("check")


def test_check_changes_nothing(rig: MagentoRig) -> None:
    order = rig.place({"MUG": 1})
    before = (rig._order(order), rig.box.state.counters())
    rig.do("check")
    assert (rig._order(order), rig.box.state.counters()) == before


def test_all_missing_permissions_are_named_at_once(rig: MagentoRig) -> None:
    rig.box.state.set_setting("resources", [each for each in RESOURCES if "ship" not in each])
    with pytest.raises(Unauthorised) as caught:
        rig.do("check")
    assert "Magento_Sales::ship." in caught.value.message
    assert "Magento_Sales::shipment." in caught.value.message
    assert "System > Integrations" in caught.value.message


def test_a_wrong_store_code_says_what_to_look_at(rig: MagentoRig) -> None:
    rig.settings["store_code"] = "nl_shop"
    with pytest.raises(Refused, match="store_code"):
        rig.do("check")


@pytest.mark.parametrize(("name", "value"), [("auth", "magic"), ("page_size", 0), ("page_size", "x"), ("store_ids", "1"),
                                             ("open_orders_in_source", "yes"), ("outlet_by_shipping_method", 3), ("website", 1)])  # fmt: skip
def test_a_senseless_setting_is_refused_by_name(rig: MagentoRig, name: str, value: object) -> None:
    order = rig.place({"MUG": 1})
    ours = rig.adopt(order)
    rig.settings[name] = value
    with pytest.raises(Refused, match=name):
        for operation, payload in (
            ("read_orders", {}), ("read_order", {"external_id": order}), ("read_product", {"external_id": "501"}),
            ("assign_fulfilments", {"order": ours, "fulfilments": [{"outlet": "amsterdam", "lines": rig.part(order, MUG=1)}]}),
            ("set_outlet_stock", {"sku": "MUG", "levels": [{"outlet": "amsterdam", "quantity": 3}]}),
        ):  # fmt: skip
            rig.do(operation, payload, key=operation)


def test_the_access_token_alone_works_only_where_the_shop_allows_it(rig: MagentoRig) -> None:
    rig.settings["auth"] = "bearer"
    with pytest.raises(Unauthorised, match="auth to oauth"):
        rig.do("check")
    rig.box.sandbox.set_switch("bearer_tokens", True)
    assert "Main Website" in rig.do("check").summary


def test_a_shop_whose_clock_is_behind_is_signed_for_by_its_own_clock(rig: MagentoRig) -> None:
    order = rig.place({"MUG": 1})
    rig.box.state.set_setting("clock_offset", -7200)
    assert rig.do("read_order", {"external_id": order}).events
    rig.forget_calls()
    rig.do("read_order", {"external_id": order})
    assert len(rig.box.state.requests()) == 1, "the shop's clock is remembered"


# Items


def test_a_configurable_article_is_one_line_with_the_sku_that_was_chosen(rig: MagentoRig) -> None:
    snapshot = rig.snapshot(rig.place({"SHIRT": 2}))
    assert [(line["sku"], line["quantity"], line["unit_price"]) for line in snapshot["lines"]] == [("SHIRT-M", 2, "20.00")]
    adds_up(snapshot)


def test_a_configurable_article_is_sent_by_its_parent(rig: MagentoRig) -> None:
    order = rig.place({"SHIRT": 2})
    ours = rig.adopt(order)
    line = rig.snapshot(order)["lines"][0]
    send(rig, ours, "f1", "amsterdam", [{"line": line["id"], "sku": "SHIRT-M", "quantity": 2}])
    assert rig.stock("SHIRT-M", "amsterdam") == 3
    assert rig.shop_status(order) == "completed" == rig.snapshot(order)["shop_status"]


def test_a_bundle_with_its_own_price_has_it_on_the_set_and_none_on_its_parts(rig: MagentoRig) -> None:
    snapshot = rig.snapshot(rig.place({"KIT": 2}))
    assert [(line["sku"], line["quantity"], line["unit_price"], line["needs_shipping"]) for line in snapshot["lines"]] == [
        ("KIT", 2, "9.00", False), ("MUG", 2, "0.00", True), ("TEA", 4, "0.00", True),
    ]  # fmt: skip
    adds_up(snapshot)


def test_a_bundle_priced_by_its_parts_has_their_prices_and_none_of_its_own(rig: MagentoRig) -> None:
    snapshot = rig.snapshot(rig.place({"MIX": 1}))
    assert {line["sku"]: line["unit_price"] for line in snapshot["lines"]} == {"MIX": "0.00", "MUG": "12.50", "TEA": "8.95"}
    adds_up(snapshot)


def test_parts_of_a_bundle_that_is_sent_separately_leave_from_two_outlets(rig: MagentoRig) -> None:
    order = rig.place({"KIT": 1})
    ours = rig.adopt(order)
    send(rig, ours, "f1", "amsterdam", rig.part(order, MUG=1))
    assert rig.snapshot(order)["shop_status"] == "partly_shipped"
    send(rig, ours, "f2", "utrecht", rig.part(order, TEA=2))
    assert [each["outlet"] for each in rig.shipments(order)] == ["amsterdam", "utrecht"]
    assert rig.snapshot(order)["shop_status"] == "completed"


def test_a_bundle_that_is_sent_as_one_goes_with_its_last_part(rig: MagentoRig) -> None:
    order = rig.place({"SET": 1})
    ours = rig.adopt(order)
    first = send(rig, ours, "f1", "amsterdam", rig.part(order, MUG=1))
    assert first.did_nothing
    assert "last part" in first.summary
    assert rig.shipments(order) == []
    assert send(rig, ours, "f1", "amsterdam", rig.part(order, MUG=1)).did_nothing, "sent again it counts once"
    send(rig, ours, "f2", "utrecht", rig.part(order, TEA=1))
    assert [each["lines"] for each in rig.shipments(order)] == [{"SET": 1}]
    assert rig.snapshot(order)["shop_status"] == "completed"


def test_only_sets_whose_parts_have_all_left_are_sent(rig: MagentoRig) -> None:
    order = rig.place({"SET": 2})
    ours = rig.adopt(order)
    for _ in range(2):
        send(rig, ours, "f1", "amsterdam", rig.part(order, MUG=1))
    send(rig, ours, "f2", "utrecht", rig.part(order, TEA=2))
    assert [each["lines"] for each in rig.shipments(order)] == [{"SET": 1}]
    send(rig, ours, "f3", "amsterdam", rig.part(order, MUG=1))
    assert [each["lines"] for each in rig.shipments(order)] == [{"SET": 1}, {"SET": 1}]
    assert rig.snapshot(order)["shop_status"] == "completed"


def test_an_order_that_makes_no_sense_is_named_and_keeps_no_other_out(rig: MagentoRig) -> None:
    broken, good = rig.place({"MUG": 1}), rig.place({"TEA": 1})
    document = rig._order(broken)
    document["items"][0]["qty_ordered"] = Decimal("1.5")
    rig.box.state.put("order", broken, document)
    result = rig.do("read_orders")
    assert [event.data["order"]["external_id"] for event in result.events] == [good]
    assert document["increment_id"] in result.summary


def test_an_edited_order_is_cancelled_and_its_successor_is_another_order(rig: MagentoRig) -> None:
    order = rig.place({"MUG": 2, "TEA": 1}, paid=False)
    child = rig.shop.edit(int(order), "MUG", 1)
    assert rig.snapshot(order)["shop_status"] == "cancelled"
    snapshot = rig.snapshot(str(child["entity_id"]))
    assert snapshot["number"] == rig._order(order)["increment_id"] + "-1"
    assert {line["sku"]: line["quantity"] for line in snapshot["lines"]} == {"MUG": 1, "TEA": 1}


def test_what_was_cancelled_in_part_leaves_the_rest_adding_up(rig: MagentoRig) -> None:
    shop, order = rig.shop, rig.place({"MUG": 2, "TEA": 1}, paid=False, discount="4.00")
    line = int(rig.line(order, "MUG"))
    with shop.change():
        documents.invoice(shop, shop.order(int(order)), {"items": [{"order_item_id": line, "qty": 1}]}, capture=False)
    rig.cancel(order)
    assert rig._order(order)["state"] == "processing"
    snapshot = rig.snapshot(order)
    assert {each["sku"]: each["quantity"] for each in snapshot["lines"]} == {"MUG": 1}
    assert (snapshot["discount"], snapshot["total"]) == ("1.48", "15.97"), "the discount on what was cancelled is gone with it"
    adds_up(snapshot)


# Polling


def test_a_poll_ends_although_pages_past_the_end_repeat_the_last(rig: MagentoRig) -> None:
    orders = [rig.place({"TEA": 1}) for _ in range(6)]
    rig.settings |= {"page_size": 3}
    found = [event.data["order"]["external_id"] for event in rig.do("read_orders").events]
    assert found == orders


def test_orders_that_changed_in_another_order_than_they_were_placed_are_all_read(rig: MagentoRig) -> None:
    orders = [rig.place({"TEA": 1}) for _ in range(7)]
    minute = time.strftime("%Y-%m-%d %H:%M", time.gmtime(time.time() - 3600))
    for order, second in zip(orders, (3, 1, 3, 2, 3, 3, 0), strict=True):
        overwrite(rig, order, updated_at=f"{minute}:0{second}")
    wanted = [orders[n] for n in (6, 1, 3, 0, 2, 4, 5)]
    rig.settings |= {"page_size": 2}
    assert [event.data["order"]["external_id"] for event in rig.do("read_orders").events] == wanted
    payload: Any = {"kind": "orders", "since": None, "cursor": None}
    found: list[str] = []
    while payload:
        page = rig.do("read_page", payload)
        found += [event.data["order"]["external_id"] for event in page.events]
        payload = page.then
    assert found == wanted


def test_orders_too_large_for_one_page_are_read_a_few_at_a_time(rig: MagentoRig) -> None:
    orders = [rig.place({"TEA": 1}) for _ in range(5)]
    for order in orders:
        overwrite(rig, order, status_histories=[{"entity_id": 1, "comment": "x" * 2_000_000}])
    assert [event.data["order"]["external_id"] for event in rig.do("read_orders").events] == orders
    page = rig.do("read_page", {"kind": "orders", "since": None, "cursor": None})
    assert 1 <= len(page.events) <= 2
    assert page.then is not None


def test_orders_of_other_stores_are_left_out(rig: MagentoRig) -> None:
    mine, other = rig.place({"TEA": 1}), rig.place({"TEA": 1})
    overwrite(rig, other, store_id=2)
    rig.settings["store_ids"] = [1]
    assert [event.data["order"]["external_id"] for event in rig.do("read_orders").events] == [mine]


def test_a_poll_goes_on_where_the_last_one_ended(rig: MagentoRig) -> None:
    old = rig.place({"TEA": 1})
    overwrite(rig, old, updated_at=time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() - 3600)))
    assert rig.do("read_orders", key="a").events
    new = rig.place({"TEA": 1})
    assert [event.data["order"]["external_id"] for event in rig.do("read_orders", key="b").events] == [old, new]
    assert [event.data["order"]["external_id"] for event in rig.do("read_orders", key="c").events] == [new]


def test_a_poll_misses_nothing_when_the_shops_clock_is_turned_back(rig: MagentoRig) -> None:
    rig.place({"TEA": 1})
    rig.do("read_orders", key="a")
    rig.box.state.set_setting("clock_offset", -1800)
    late = rig.place({"TEA": 1})
    assert late in [event.data["order"]["external_id"] for event in rig.do("read_orders", key="b").events]
    later = rig.place({"TEA": 1})
    assert later in [event.data["order"]["external_id"] for event in rig.do("read_orders", key="c").events]


def test_an_import_starts_where_it_is_told_and_knows_how_many_there_are(rig: MagentoRig) -> None:
    old, new = rig.place({"TEA": 1}), rig.place({"TEA": 1})
    overwrite(rig, old, updated_at="2026-01-01 00:00:00")
    everything = rig.do("read_page", {"kind": "orders", "since": None, "cursor": None})
    assert (everything.progress, everything.then) == ((2, 2), None)
    since = rig.do("read_page", {"kind": "orders", "since": "2026-06-01T00:00:00Z", "cursor": None})
    assert [checked(event)["order"]["external_id"] for event in since.events] == [new]
    with pytest.raises(Refused, match="not a date"):
        rig.do("read_page", {"kind": "orders", "since": "soon", "cursor": None})
