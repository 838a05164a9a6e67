"""The Magento adapter where Magento is not like other shops: its items, its states, its documents."""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from adapters.base import Refused, RetryLater, Unauthorised
from adapters.magento import sandbox_documents as documents
from adapters.magento.sandbox_basket import Basket
from adapters.magento.sandbox_oauth import RESOURCES
from adapters.magento.sandbox_sales import set_state
from adapters.magento.sandbox_seed import put_product
from tests.adapters.conformance import adds_up, checked, refunding, shipping, telling
from tests.adapters.rigs.base import CUSTOMER
from tests.adapters.rigs.magento import MagentoRig


@pytest.fixture
def rig() -> Iterator[MagentoRig]:
    with MagentoRig.open() as opened:
        for product in (
            {"sku": "SHIRT-M", "name": "Shirt M", "price": "20.00", "stock": {"amsterdam": 5, "utrecht": 5}},
            {"sku": "SHIRT", "name": "Shirt", "price": "20.00", "type": "configurable", "children": ["SHIRT-M"]},
            {"sku": "KIT", "name": "Kit", "price": "9.00", "type": "bundle", "parts": {"MUG": 1, "TEA": 2}, "separately": True},
            {"sku": "MIX", "name": "Mix", "price": "0", "type": "bundle", "parts": {"MUG": 1, "TEA": 1}, "dynamic": True},
        ):  # fmt: skip
            put_product(opened.box.state, product)
        yield opened


def staff(rig: MagentoRig, order: str, **fields: Any) -> None:
    """Write fields of an order past the shop."""
    rig.box.state.put("order", order, rig._order(order) | fields)


def do(rig: MagentoRig, order: dict[str, str], key: str = "k", **wanted: Any) -> Any:
    return rig.do("set_order_status", telling(order, **wanted), key=key)


def send(rig: MagentoRig, external: str, ours: dict[str, str], id: str, outlet: str, lines: list[dict[str, Any]], **more: Any) -> Any:
    payload = {"order": ours, "fulfilment": {"id": id, "outlet": outlet, "pickup": False}, "lines": lines, "notify_customer": False}
    return rig.do("ship_fulfilment", payload | more, key=id)


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
    send(rig, order, ours, "f1", "amsterdam", [{"line": line["id"], "sku": "SHIRT-M", "quantity": 2}])
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
    send(rig, order, ours, "f1", "amsterdam", rig.part(order, MUG=1))
    assert rig.snapshot(order)["shop_status"] == "partly_shipped"
    send(rig, order, ours, "f2", "utrecht", rig.part(order, TEA=2))
    assert [each["outlet"] for each in rig.shipments(order)] == ["amsterdam", "utrecht"]
    assert rig.snapshot(order)["shop_status"] == "completed"


def test_a_bundle_that_is_sent_as_one_goes_with_its_last_part(rig: MagentoRig) -> None:
    order = rig.place({"SET": 1})
    ours = rig.adopt(order)
    first = send(rig, order, ours, "f1", "amsterdam", rig.part(order, MUG=1))
    assert first.did_nothing
    assert "last part" in first.summary
    assert rig.shipments(order) == []
    assert send(rig, order, ours, "f1", "amsterdam", rig.part(order, MUG=1)).did_nothing, "sent again it counts once"
    send(rig, order, ours, "f2", "utrecht", rig.part(order, TEA=1))
    assert [each["lines"] for each in rig.shipments(order)] == [{"SET": 1}]
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
    adds_up(snapshot)


# States


@pytest.mark.parametrize(("payment", "state", "word"), [("redirect", "pending_payment", "unpaid"), ("bank", "new", "unpaid")])
def test_an_order_whose_money_did_not_arrive_waits_unpaid(rig: MagentoRig, payment: str, state: str, word: str) -> None:
    order = str(rig.shop.place_order(Basket([("MUG", 1)], payment, customer=CUSTOMER))["entity_id"])
    assert rig._order(order)["state"] == state
    snapshot = rig.snapshot(order)
    assert (snapshot["payment_status"], snapshot["shop_status"]) == (word, "awaiting_processing")


def test_a_state_of_a_module_is_custom_and_its_words_are_tags(rig: MagentoRig) -> None:
    order = rig.place({"MUG": 1})
    staff(rig, order, state="in_printing", status="printing")
    snapshot = rig.snapshot(order)
    assert (snapshot["shop_status"], snapshot["tags"]) == ("custom", ["state:in_printing", "status:printing"])
    assert do(rig, rig.adopt(order), shop_status="completed").did_nothing


def test_the_shops_own_packed_status_is_used_where_it_may_be(rig: MagentoRig) -> None:
    rig.settings["packed_status"] = "packed"
    order, unpaid = rig.place({"MUG": 1}), rig.place({"MUG": 1}, paid=False)
    do(rig, rig.adopt(order), shop_status="awaiting_shipment")
    assert rig._order(order)["status"] == "packed"
    assert rig.snapshot(order)["shop_status"] == "awaiting_shipment"
    said = do(rig, rig.adopt(unpaid), key="k2", shop_status="awaiting_shipment").summary
    assert "does not exist" in said
    assert rig._order(unpaid)["status"] == "pending", "a status of another state would be refused"


def test_comments_always_carry_the_status_the_order_has(rig: MagentoRig) -> None:
    order = rig.place({"MUG": 1})
    staff(rig, order, status="fraud")
    do(rig, rig.adopt(order), shop_status="awaiting_shipment")
    sent = next(call for call in rig.box.state.requests("POST") if call.path.endswith("/comments"))
    assert '"status": "fraud"' in sent.body


def test_the_customer_is_mailed_that_an_order_is_ready_and_it_is_sent_from_there(rig: MagentoRig) -> None:
    order = rig.place({"MUG": 2}, pickup=True)
    ours = rig.adopt(order)
    do(rig, ours, shop_status="ready_for_pickup", notify_customer=True)
    assert [mail["kind"] for mail in rig.box.state.all("mail")] == ["ready for pickup"]
    assert [each["outlet"] for each in rig.shipments(order)] == ["utrecht"]
    assert rig.snapshot(order)["shop_status"] == "ready_for_pickup"
    assert do(rig, ours, key="k2", shop_status="ready_for_pickup", notify_customer=True).did_nothing


def test_a_pickup_that_the_shop_cannot_announce_is_refused_in_its_words(rig: MagentoRig) -> None:
    rig.settings["open_orders_in_source"] = False
    order = rig.place({"MUG": 2}, pickup=True)
    rig.shop.set_source_item("MUG", "utrecht", Decimal(0), 0)
    with pytest.raises(Refused, match="not ready for pickup"):
        do(rig, rig.adopt(order), shop_status="ready_for_pickup", notify_customer=True)


def test_handing_over_the_last_part_of_a_pickup_ends_it(rig: MagentoRig) -> None:
    order = rig.place({"MUG": 1}, pickup=True)
    ours = rig.adopt(order)
    do(rig, ours, shop_status="ready_for_pickup", notify_customer=True)
    rig.do("ship_fulfilment", shipping(rig, order, ours, "f1", "utrecht", {"MUG": 1}, pickup=True), key="s")
    assert rig.snapshot(order)["shop_status"] == "completed"


def test_completed_sends_each_part_from_the_outlet_it_was_assigned_to(rig: MagentoRig) -> None:
    order = rig.place({"MUG": 2, "TEA": 1})
    ours = rig.adopt(order)
    rig.do("assign_fulfilments", {"order": ours, "fulfilments": [
        {"id": "a", "outlet": "amsterdam", "lines": rig.part(order, MUG=1)},
        {"id": "b", "outlet": "utrecht", "lines": rig.part(order, MUG=1, TEA=1)},
    ]}, key="a")  # fmt: skip
    do(rig, ours, shop_status="completed")
    assert {each["outlet"]: each["lines"] for each in rig.shipments(order)} == {
        "amsterdam": {"MUG": 1}, "utrecht": {"MUG": 1, "TEA": 1},
    }  # fmt: skip


def test_without_an_assignment_the_shops_own_proposal_decides(rig: MagentoRig) -> None:
    order = rig.place({"MUG": 8})
    do(rig, rig.adopt(order), shop_status="completed")
    assert {each["outlet"]: each["lines"] for each in rig.shipments(order)} == {"amsterdam": {"MUG": 6}, "utrecht": {"MUG": 2}}


def test_an_order_on_hold_is_released_before_it_is_sent(rig: MagentoRig) -> None:
    order = rig.place({"MUG": 1})
    ours = rig.adopt(order)
    do(rig, ours, shop_status="on_hold", reason="address unclear")
    assert "was released" in send(rig, order, ours, "f1", "amsterdam", rig.part(order, MUG=1)).summary
    assert rig.snapshot(order)["shop_status"] == "completed"


def test_a_pickup_on_hold_is_released_when_it_is_ready(rig: MagentoRig) -> None:
    order = rig.place({"MUG": 1}, pickup=True)
    ours = rig.adopt(order)
    do(rig, ours, key="h", shop_status="on_hold")
    do(rig, ours, key="r", shop_status="ready_for_pickup")
    assert rig.snapshot(order)["shop_status"] == "ready_for_pickup"


@pytest.mark.parametrize("kind", ["drop", "half_json"])
@pytest.mark.parametrize("call", ["unhold", "invoice", "/hold"])
def test_a_payment_on_hold_is_booked_and_the_order_stays_on_hold(rig: MagentoRig, call: str, kind: str) -> None:
    order = rig.place({"MUG": 1}, paid=False)
    ours = rig.adopt(order)
    do(rig, ours, key="h", shop_status="on_hold")
    rig.fault(kind, match=call, after_effect=True)
    with pytest.raises(RetryLater):
        do(rig, ours, key="p", payment_status="paid")
    do(rig, ours, key="p", payment_status="paid")
    assert (rig.payment_status(order), rig.shop_status(order)) == ("paid", "on_hold")
    assert len(rig.box.state.all("invoice")) == 1


def test_cash_at_the_till_never_reaches_the_gateway(rig: MagentoRig) -> None:
    order = rig.place({"MUG": 1}, paid=False)
    do(rig, rig.adopt(order), payment_status="paid")
    assert rig.box.state.counter("gateway_captures") == 0


# Cancelling


def test_cancelling_an_invoiced_order_leaves_the_money_to_people(rig: MagentoRig) -> None:
    order = rig.place({"MUG": 1})
    said = do(rig, rig.adopt(order), shop_status="cancelled", reason="out of stock").summary
    assert "credit memo" in said
    assert rig.refunded(order) == 0
    snapshot = rig.snapshot(order)
    assert (snapshot["shop_status"], snapshot["payment_status"]) == ("cancelled", "paid")
    assert any("out of stock" in entry["comment"] for entry in rig._order(order)["status_histories"])


def test_cancelling_records_the_refund_when_the_merchant_wants_that(rig: MagentoRig) -> None:
    rig.settings["refund_on_cancel"] = True
    order = rig.place({"MUG": 1, "TEA": 1}, discount="2.00")
    before = rig.stock("MUG")
    do(rig, rig.adopt(order), shop_status="cancelled")
    snapshot = rig.snapshot(order)
    assert (snapshot["shop_status"], snapshot["payment_status"]) == ("cancelled", "refunded")
    assert rig._order(order)["state"] == "closed"
    assert rig.box.state.counter("gateway_refunds") == 0
    assert rig.stock("MUG") == before + 1, "the reservation is given back"


def test_cancelling_what_is_partly_invoiced_cancels_the_rest(rig: MagentoRig) -> None:
    shop, order = rig.shop, rig.place({"MUG": 2, "TEA": 1}, paid=False)
    line = int(rig.line(order, "MUG"))
    with shop.change():
        documents.invoice(shop, shop.order(int(order)), {"items": [{"order_item_id": line, "qty": 1}]}, capture=False)
    said = do(rig, rig.adopt(order), shop_status="cancelled").summary
    assert "as far as it is not invoiced" in said
    assert sum(item["qty_canceled"] for item in rig._order(order)["items"]) == 2
    assert rig.snapshot(order)["shop_status"] == "cancelled"


def test_an_order_in_payment_review_cannot_be_cancelled_and_says_so(rig: MagentoRig) -> None:
    order = rig.place({"MUG": 1}, paid=False)
    document = rig._order(order)
    set_state(document, "payment_review")
    rig.box.state.put("order", order, document)
    with pytest.raises(Refused, match="payment_review"):
        do(rig, rig.adopt(order), shop_status="cancelled")


# Shipments


def test_an_outlet_without_a_source_is_refused_unless_there_is_a_default(rig: MagentoRig) -> None:
    order = rig.place({"MUG": 1})
    ours = rig.adopt(order)
    with pytest.raises(Refused, match="rotterdam is not linked"):
        send(rig, order, ours, "f1", "rotterdam", rig.part(order, MUG=1))
    rig.settings["default_source"] = "utrecht"
    send(rig, order, ours, "f1", "rotterdam", rig.part(order, MUG=1))
    assert [each["outlet"] for each in rig.shipments(order)] == ["utrecht"]


def test_goods_that_left_although_the_source_had_too_few_are_sent_all_the_same(rig: MagentoRig) -> None:
    order = rig.place({"MUG": 5})
    rig.shop.set_source_item("MUG", "utrecht", Decimal(1), 1)
    said = send(rig, order, rig.adopt(order), "f1", "utrecht", rig.part(order, MUG=5)).summary
    assert "raised" in said
    assert rig.stock("MUG", "utrecht") == 0


def test_a_shipment_the_shop_refuses_is_told_in_its_words(rig: MagentoRig) -> None:
    rig.settings["open_orders_in_source"] = False
    order = rig.place({"MUG": 5})
    rig.shop.set_source_item("MUG", "utrecht", Decimal(1), 1)
    ours = rig.adopt(order)
    with pytest.raises(Refused, match="Not all of your products are available"):
        send(rig, order, ours, "f1", "utrecht", rig.part(order, MUG=5))
    rig.box.sandbox.set_switch("hide_shipment_cause", True)
    with pytest.raises(Refused, match="see error log"):
        send(rig, order, ours, "f1", "utrecht", rig.part(order, MUG=5))


@pytest.mark.parametrize(("carrier", "code"), [("PostNL", "custom"), ("DHL", "dhl"), (None, "custom")])
def test_known_carriers_get_their_own_code(rig: MagentoRig, carrier: str | None, code: str) -> None:
    order = rig.place({"MUG": 1})
    track = {"number": "3S1", "url": "https://track.example/3S1", "carrier": carrier}
    send(rig, order, rig.adopt(order), "f1", "amsterdam", rig.part(order, MUG=1), tracking=track)
    assert rig.box.state.all("shipment")[0]["tracks"][0]["carrier_code"] == code


def test_a_line_that_is_gone_over_there_is_refused_by_name(rig: MagentoRig) -> None:
    order = rig.place({"MUG": 1})
    with pytest.raises(Refused, match="no line 999"):
        send(rig, order, rig.adopt(order), "f1", "amsterdam", [{"line": "999", "sku": "POT", "quantity": 1}])


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
    send(rig, order, ours, "f1", "utrecht", rig.part(order, MUG=2))
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


# Polling


def test_a_poll_ends_although_pages_past_the_end_repeat_the_last(rig: MagentoRig) -> None:
    orders = [rig.place({"TEA": 1}) for _ in range(6)]
    rig.settings |= {"page_size": 3}
    found = [event.data["order"]["external_id"] for event in rig.do("read_orders").events]
    assert found == orders


def test_orders_too_large_for_one_page_are_read_a_few_at_a_time(rig: MagentoRig) -> None:
    orders = [rig.place({"TEA": 1}) for _ in range(5)]
    for order in orders:
        staff(rig, order, status_histories=[{"entity_id": 1, "comment": "x" * 2_000_000}])
    assert [event.data["order"]["external_id"] for event in rig.do("read_orders").events] == orders
    page = rig.do("read_page", {"kind": "orders", "since": None, "cursor": None})
    assert 1 <= len(page.events) <= 2
    assert page.then is not None


def test_orders_of_other_stores_are_left_out(rig: MagentoRig) -> None:
    mine, other = rig.place({"TEA": 1}), rig.place({"TEA": 1})
    staff(rig, other, store_id=2)
    rig.settings["store_ids"] = [1]
    assert [event.data["order"]["external_id"] for event in rig.do("read_orders").events] == [mine]


def test_a_poll_goes_on_where_the_last_one_ended(rig: MagentoRig) -> None:
    old = rig.place({"TEA": 1})
    staff(rig, old, updated_at=time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() - 3600)))
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
    staff(rig, old, updated_at="2026-01-01 00:00:00")
    everything = rig.do("read_page", {"kind": "orders", "since": None, "cursor": None})
    assert (everything.progress, everything.then) == ((2, 2), None)
    since = rig.do("read_page", {"kind": "orders", "since": "2026-06-01T00:00:00Z", "cursor": None})
    assert [checked(event)["order"]["external_id"] for event in since.events] == [new]
    with pytest.raises(Refused, match="not a date"):
        rig.do("read_page", {"kind": "orders", "since": "soon", "cursor": None})
