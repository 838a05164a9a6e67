"""What the BigCommerce adapter writes: shipments, pickups, outlets; each once, whatever the shop does by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from adapters.base import Refused, RetryLater
from adapters.bigcommerce import sandbox_fulfilment as fulfilment
from tests.adapters.bigcommerce_shop import api, order_of, telling
from tests.adapters.rigs.bigcommerce import BigCommerceRig


@pytest.fixture
def rig() -> Iterator[BigCommerceRig]:
    with BigCommerceRig.open() as opened:
        yield opened


def sending(
    rig: BigCommerceRig,
    order: str,
    ours: Any,
    id: str,
    units: dict[str, int],
    *,
    tracking: Any = None,
    pickup: bool = False,
) -> dict[str, Any]:
    lines = [
        {"line": line, "sku": sku, "quantity": units[sku]}
        for line, (sku, _) in rig.lines(order).items()
        if sku in units
    ]
    return {
        "order": ours, "fulfilment": {"id": id, "outlet": "utrecht", "pickup": pickup}, "lines": lines, "tracking": tracking,
        "notify_customer": True,
    }  # fmt: skip


def parcel(number: str, carrier: str = "PostNL", url: str | None = None) -> dict[str, str | None]:
    return {"number": number, "carrier": carrier, "url": url}


# Shipments


@pytest.mark.parametrize("by_itself", [True, False])
def test_the_status_follows_the_shipments_whether_or_not_the_shop_does_it_by_itself(
    rig: BigCommerceRig, by_itself: bool
) -> None:
    rig.box.sandbox.set_switch("shipment_changes_status", by_itself)
    order = rig.place({"MUG": 2, "TEA": 1})
    ours = rig.adopt(order)
    rig.do("ship_fulfilment", sending(rig, order, ours, "f1", {"MUG": 2}), key="a")
    assert order_of(rig, order)["status"] == "Partially Shipped"
    rig.do("ship_fulfilment", sending(rig, order, ours, "f2", {"TEA": 1}), key="b")
    assert order_of(rig, order)["status"] == "Shipped"
    again = rig.do("ship_fulfilment", sending(rig, order, ours, "f2", {"TEA": 1}), key="c")
    assert again.did_nothing


def test_a_status_the_shop_left_behind_its_shipments_is_moved_on(rig: BigCommerceRig) -> None:
    rig.box.sandbox.set_switch("shipment_changes_status", False)
    order = rig.place({"MUG": 1})
    ours = rig.adopt(order)
    rig.ship_by_staff(order)
    result = rig.do("ship_fulfilment", sending(rig, order, ours, "f1", {"MUG": 1}))
    assert (order_of(rig, order)["status"], result.did_nothing) == ("Shipped", False)


def test_a_shipment_whose_answer_was_lost_is_found_by_its_comment(rig: BigCommerceRig) -> None:
    order = rig.place({"MUG": 2})
    ours = rig.adopt(order)
    rig.fault("drop", match="POST /stores/abc123/v2/orders", after_effect=True)
    with pytest.raises(RetryLater):
        rig.do("ship_fulfilment", sending(rig, order, ours, "f1", {"MUG": 1}), key="a")
    rig.do("ship_fulfilment", sending(rig, order, ours, "f1", {"MUG": 1}), key="a")
    assert rig.shipments(order) == [{"outlet": "utrecht", "lines": {"MUG": 1}, "tracking": None}]
    assert rig.memory.external("fulfilment", "f1") == str(fulfilment.shipments(rig.shop, int(order))[0]["id"])


def test_tracking_goes_to_the_shipment_of_its_own_fulfilment(rig: BigCommerceRig) -> None:
    order = rig.place({"MUG": 2, "TEA": 1})
    ours = rig.adopt(order)
    for id, units in (("f1", {"MUG": 2}), ("f2", {"TEA": 1})):
        rig.do("ship_fulfilment", sending(rig, order, ours, id, units), key=id)
    rig.do("ship_fulfilment", sending(rig, order, ours, "f1", {"MUG": 2}, tracking=parcel("3S1")), key="later")
    assert {tuple(each["lines"]): each["tracking"] for each in rig.shipments(order)} == {
        ("MUG",): "3S1",
        ("TEA",): None,
    }


@pytest.mark.parametrize(
    ("tracking", "carrier", "link"),
    [(parcel("1", "DHL"), "dhl", ""), (parcel("1", "Bakfiets & Zn"), "", ""), (parcel("1", "Own van", "https://t.example/1"), "", "https://t.example/1"),
     (parcel("1", "Fietskoerier"), "fietskoeriers", "")],
)  # fmt: skip
def test_carriers_are_told_by_their_code_and_unknown_ones_by_their_address(
    rig: BigCommerceRig, tracking: dict[str, Any], carrier: str, link: str
) -> None:
    rig.settings["carriers"] = {"Fietskoerier": "fietskoeriers"}
    order = rig.place({"MUG": 1})
    rig.do("ship_fulfilment", sending(rig, order, rig.adopt(order), "f1", {"MUG": 1}, tracking=tracking))
    (shipment,) = fulfilment.shipments(rig.shop, int(order))
    assert (shipment["tracking_carrier"], shipment["tracking_link"]) == (carrier, link)


def test_units_sent_by_staff_are_not_sent_again(rig: BigCommerceRig) -> None:
    order = rig.place({"MUG": 3})
    ours = rig.adopt(order)
    rig.ship_by_staff(order, {"MUG": 2})
    rig.do("ship_fulfilment", sending(rig, order, ours, "f1", {"MUG": 3}))
    assert [each["lines"] for each in rig.shipments(order)] == [{"MUG": 2}, {"MUG": 1}]


def test_a_parcel_that_staff_sent_gets_our_tracking(rig: BigCommerceRig) -> None:
    order = rig.place({"MUG": 1})
    ours = rig.adopt(order)
    rig.ship_by_staff(order)
    rig.do("ship_fulfilment", sending(rig, order, ours, "f1", {"MUG": 1}, tracking=parcel("3S9")))
    assert rig.tracking(order) == {"3S9"}


def test_a_bundle_goes_out_with_the_last_of_its_parts(rig: BigCommerceRig) -> None:
    order = rig.place({"SET": 1})
    ours = rig.adopt(order)
    rig.do("ship_fulfilment", sending(rig, order, ours, "f1", {"MUG": 1}), key="a")
    assert order_of(rig, order)["status"] == "Partially Shipped"
    rig.do("ship_fulfilment", sending(rig, order, ours, "f2", {"TEA": 1}), key="b")
    assert [each["lines"] for each in rig.shipments(order)] == [{"MUG": 1}, {"TEA": 1, "SET": 1}]
    assert order_of(rig, order)["status"] == "Shipped"


def test_a_gift_card_is_in_no_shipment_and_keeps_no_order_open(rig: BigCommerceRig) -> None:
    order = rig.place({"MUG": 1, "GIFT": 1})
    ours = rig.adopt(order)
    rig.do("ship_fulfilment", sending(rig, order, ours, "f1", {"MUG": 1, "GIFT": 1}))
    assert [each["lines"] for each in rig.shipments(order)] == [{"MUG": 1}]
    assert rig.snapshot(order)["shop_status"] == "shipped"


def test_a_line_that_was_removed_over_there_is_refused_by_its_number(rig: BigCommerceRig) -> None:
    order = rig.place({"MUG": 1, "TEA": 1})
    ours = rig.adopt(order)
    command = sending(rig, order, ours, "f1", {"TEA": 1})
    rig.edit(order, "TEA", 0)
    with pytest.raises(Refused, match=f"no line {command['lines'][0]['line']} any more"):
        rig.do("ship_fulfilment", command)


def test_a_cancelled_order_is_not_sent(rig: BigCommerceRig) -> None:
    order = rig.place({"MUG": 1})
    ours = rig.adopt(order)
    rig.cancel(order)
    assert rig.do("ship_fulfilment", sending(rig, order, ours, "f1", {"MUG": 1})).did_nothing
    assert rig.shipments(order) == []


@pytest.mark.parametrize(
    "lines", [[{"line": "1"}], [{"line": "1", "quantity": True}], [{"quantity": 1}], [{"line": "1", "quantity": 0}]]
)
def test_senseless_lines_are_refused(rig: BigCommerceRig, lines: Any) -> None:
    order = rig.place({"MUG": 1})
    command = sending(rig, order, rig.adopt(order), "f1", {}) | {"lines": lines}
    with pytest.raises(Refused, match="no line or no whole number"):
        rig.do("ship_fulfilment", command)


def test_a_shipped_order_gets_its_shipment_with_tracking_before_the_status(rig: BigCommerceRig) -> None:
    order = rig.place({"MUG": 1})
    ours = rig.adopt(order)
    rig.forget_calls()
    rig.do("set_order_status", telling(ours, shop_status="shipped", tracking=parcel("3S1")))
    assert rig.writes() == [f"POST /stores/abc123/v2/orders/{order}/shipments", f"PUT /stores/abc123/v2/orders/{order}"]
    assert rig.tracking(order) == {"3S1"}


def test_tracking_of_a_whole_order_goes_to_a_parcel_that_has_none_and_no_further(rig: BigCommerceRig) -> None:
    order = rig.place({"MUG": 1})
    ours = rig.adopt(order)
    early = rig.do("set_order_status", telling(ours, tracking=parcel("3S1")), key="early")
    assert (early.did_nothing, "waits for its shipment" in early.summary) == (True, True)
    rig.ship_by_staff(order)
    for number in ("3S1", "3S2"):
        result = rig.do("set_order_status", telling(ours, tracking=parcel(number)), key=number)
    assert (result.did_nothing, "have tracking already" in result.summary) == (True, True)
    assert rig.tracking(order) == {"3S1"}


# Pickups


def test_a_pickup_is_recorded_ready_once_and_then_collected(rig: BigCommerceRig) -> None:
    order = rig.place({"MUG": 2, "TEA": 1}, pickup=True)
    ours = rig.adopt(order)
    rig.do("set_order_status", telling(ours, shop_status="ready_for_pickup"), key="ready")
    (record,) = fulfilment.pickups(rig.shop, {int(order)})
    assert [(item["quantity"], item["status"]) for item in record["pickup_items"]] == [
        (2, "AWAITING_COLLECTION"),
        (1, "AWAITING_COLLECTION"),
    ]
    rig.do("ship_fulfilment", sending(rig, order, ours, "f1", {"MUG": 2, "TEA": 1}, pickup=True), key="collected")
    (record,) = fulfilment.pickups(rig.shop, {int(order)})
    assert {item["status"] for item in record["pickup_items"]} == {"COLLECTED"}
    assert rig.do(
        "ship_fulfilment", sending(rig, order, ours, "f1", {"MUG": 2, "TEA": 1}, pickup=True), key="again"
    ).did_nothing
    rig.do("set_order_status", telling(ours, shop_status="completed"), key="completed")
    assert order_of(rig, order)["status"] == "Completed"
    assert rig.box.state.counter("pickups_made") == 1


def test_a_record_is_collected_when_the_last_of_it_was_handed_over(rig: BigCommerceRig) -> None:
    order = rig.place({"MUG": 2, "TEA": 1}, pickup=True)
    ours = rig.adopt(order)
    rig.do("set_order_status", telling(ours, shop_status="ready_for_pickup"), key="ready")
    rig.do("ship_fulfilment", sending(rig, order, ours, "f1", {"MUG": 2}, pickup=True), key="a")
    rig.do("ship_fulfilment", sending(rig, order, ours, "f1", {"MUG": 2}, pickup=True), key="a again")
    (record,) = fulfilment.pickups(rig.shop, {int(order)})
    assert {item["status"] for item in record["pickup_items"]} == {"AWAITING_COLLECTION"}
    rig.do("ship_fulfilment", sending(rig, order, ours, "f2", {"TEA": 1}, pickup=True), key="b")
    (record,) = fulfilment.pickups(rig.shop, {int(order)})
    assert {item["status"] for item in record["pickup_items"]} == {"COLLECTED"}


def test_a_hand_over_told_twice_counts_once(rig: BigCommerceRig) -> None:
    order = rig.place({"MUG": 2}, pickup=True)
    ours = rig.adopt(order)
    rig.do("set_order_status", telling(ours, shop_status="ready_for_pickup"), key="ready")
    for key in ("a", "b"):
        rig.do("ship_fulfilment", sending(rig, order, ours, "f1", {"MUG": 1}, pickup=True), key=key)
    (record,) = fulfilment.pickups(rig.shop, {int(order)})
    assert [item["status"] for item in record["pickup_items"]] == ["AWAITING_COLLECTION"]


def test_a_pickup_collected_without_having_been_ready_is_recorded_at_once(rig: BigCommerceRig) -> None:
    order = rig.place({"MUG": 1}, pickup=True)
    ours = rig.adopt(order)
    rig.do("set_order_status", telling(ours, shop_status="completed"))
    (record,) = fulfilment.pickups(rig.shop, {int(order)})
    assert [item["status"] for item in record["pickup_items"]] == ["COLLECTED"]


# Which outlet does what


def test_outlets_are_kept_with_the_order_and_written_only_when_they_change(rig: BigCommerceRig) -> None:
    order = rig.place({"MUG": 2, "TEA": 1})
    ours = rig.adopt(order)
    parts = [
        {"id": "f2", "outlet": "utrecht", "lines": [{"line": rig.line(order, "TEA"), "sku": "TEA", "quantity": 1}]},
        {"id": "f1", "outlet": "amsterdam", "lines": [{"line": rig.line(order, "MUG"), "sku": "MUG", "quantity": 2}]},
    ]
    rig.do("assign_fulfilments", {"order": ours, "fulfilments": parts}, key="a")
    (field,) = api(rig, "GET", f"v3/orders/{order}/metafields?namespace=wissel").json()["data"]
    assert (field["key"], field["permission_set"]) == ("outlets", "read")
    assert [part["outlet"] for part in json.loads(field["value"])] == ["amsterdam", "utrecht"]
    assert rig.do("assign_fulfilments", {"order": ours, "fulfilments": parts[::-1]}, key="b").did_nothing
    rig.do("assign_fulfilments", {"order": ours, "fulfilments": parts[:1]}, key="c")
    assert rig.assigned(order) == {"utrecht": {"TEA": 1}}
