"""Splitting an order over outlets in a Shopify shop, and showing there what each of them sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.base import Refused, Result, RetryLater
from tests.adapters.conformance import until
from tests.adapters.rigs.shopify import ShopifyRig


@pytest.fixture
def shop() -> Iterator[ShopifyRig]:
    with ShopifyRig.open() as rig:
        yield rig


def assign(rig: ShopifyRig, order: str, *parts: tuple[str, dict[str, int]]) -> Result:
    fulfilments = [
        {"id": f"{order}-{outlet}", "outlet": outlet, "lines": rig.part(order, **units)} for outlet, units in parts
    ]
    return rig.do("assign_fulfilments", {"order": rig.adopt(order), "fulfilments": fulfilments})


def send(rig: ShopifyRig, order: str, outlet: str, units: dict[str, int], **more: Any) -> Result:
    fulfilment = {"id": f"{order}-{outlet}", "outlet": outlet, "pickup": more.pop("pickup", False)}
    payload = {"order": rig.adopt(order), "fulfilment": fulfilment, "lines": rig.part(order, **units), "notify_customer": False}
    return rig.do("ship_fulfilment", payload | more)


TRACKING = {"number": "3SABC", "url": "https://t.example/3SABC", "carrier": "PostNL"}


# Assigning


def test_a_whole_order_moves_to_the_outlet_that_does_it(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 2, "TEA": 1})
    assert shop.assigned(order) == {"amsterdam": {"MUG": 2, "TEA": 1}}
    assign(shop, order, ("utrecht", {"MUG": 2, "TEA": 1}))
    assert shop.assigned(order) == {"utrecht": {"MUG": 2, "TEA": 1}}
    assert (shop.stock("MUG", "amsterdam"), shop.stock("MUG", "utrecht")) == (6, 2)
    assert assign(shop, order, ("utrecht", {"MUG": 2, "TEA": 1})).did_nothing
    assert shop.writes() == ["fulfillmentOrderMove"]


def test_one_line_is_shared_by_two_outlets(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 3, "POT": 1})
    assign(shop, order, ("amsterdam", {"MUG": 1}), ("utrecht", {"MUG": 2, "POT": 1}))
    assert shop.assigned(order) == {"amsterdam": {"MUG": 1}, "utrecht": {"MUG": 2, "POT": 1}}


def test_what_lies_where_it_should_is_not_touched(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 8})
    before = shop.assigned(order)
    assert before == {"amsterdam": {"MUG": 6}, "utrecht": {"MUG": 2}}
    assert assign(shop, order, ("amsterdam", {"MUG": 6}), ("utrecht", {"MUG": 2})).did_nothing
    assign(shop, order, ("amsterdam", {"MUG": 4}), ("utrecht", {"MUG": 4}))
    assert shop.assigned(order) == {"amsterdam": {"MUG": 4}, "utrecht": {"MUG": 4}}


def test_a_part_that_was_begun_is_opened_moved_and_begun_again(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 1})
    shop.do("set_order_status", {"order": shop.adopt(order), "shop_status": "processing"})
    assign(shop, order, ("utrecht", {"MUG": 1}))
    assert (shop.assigned(order), shop.shop_status(order)) == ({"utrecht": {"MUG": 1}}, "processing")


@pytest.mark.parametrize("may_move", [True, False])
def test_a_held_part_moves_and_stays_held(shop: ShopifyRig, may_move: bool) -> None:
    shop.box.sandbox.set_switch("held_may_move", may_move)
    order = shop.place({"MUG": 1})
    shop.do("set_order_status", {"order": shop.adopt(order), "shop_status": "on_hold"})
    assign(shop, order, ("utrecht", {"MUG": 1}))
    assert (shop.assigned(order), shop.shop_status(order)) == ({"utrecht": {"MUG": 1}}, "on_hold")


def test_what_the_shop_cannot_move_is_refused_in_its_words_after_the_rest(shop: ShopifyRig) -> None:
    level = shop.shop.level(shop.shop.variant_by_sku("POT")[1]["item"], int(shop.locations()["utrecht"]))
    assert level is not None
    shop.box.state.delete("level", f"{level['item']}:{level['location']}")
    order = shop.place({"POT": 1})
    with pytest.raises(Refused, match="cannot go to utrecht: 1 items are not stocked here"):
        assign(shop, order, ("utrecht", {"POT": 1}))
    assert shop.assigned(order) == {"amsterdam": {"POT": 1}}


def test_an_outlet_without_a_location_keeps_its_part_apart_where_it_is(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 3})
    result = assign(shop, order, ("utrecht", {"MUG": 1}), ("depot", {"MUG": 1}), ("amsterdam", {"MUG": 1}))
    assert "Without a location there: depot" in result.summary
    assert shop.assigned(order) == {"amsterdam": {"MUG": 2}, "utrecht": {"MUG": 1}}
    parts = [part for part in shop.shop.order(int(order))["fulfilment_orders"] if part["status"] == "OPEN"]
    assert len(parts) == 3
    again = assign(shop, order, ("utrecht", {"MUG": 1}), ("depot", {"MUG": 1}), ("amsterdam", {"MUG": 1}))
    assert again.did_nothing


def test_no_linked_outlet_at_all_is_refused_with_advice(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 1})
    with pytest.raises(Refused, match="None of the outlets depot is linked"):
        assign(shop, order, ("depot", {"MUG": 1}))


def test_assigning_waits_for_the_fulfilment_orders(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 1})
    ours = {"order": shop.adopt(order), "fulfilments": [{"id": "f", "outlet": "utrecht", "lines": shop.part(order, MUG=1)}]}
    document = shop.shop.order(int(order))
    shop.box.state.put("order", order, document | {"fulfilment_orders": [], "route_at": shop.box.state.now() + 60})
    with pytest.raises(RetryLater):
        shop.do("assign_fulfilments", ours)


def test_a_lost_answer_moves_nothing_twice(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 3})
    shop.fault("drop", match="fulfillmentOrderMove", after_effect=True)
    parts = (("amsterdam", {"MUG": 1}), ("utrecht", {"MUG": 2}))
    with pytest.raises(RetryLater):
        assign(shop, order, *parts)
    assert assign(shop, order, *parts).did_nothing
    assert shop.assigned(order) == {"amsterdam": {"MUG": 1}, "utrecht": {"MUG": 2}}


def test_a_cancelled_order_is_not_assigned(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 1})
    shop.cancel(order)
    assert assign(shop, order, ("utrecht", {"MUG": 1})).did_nothing


_UNITS = st.integers(0, 3)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["MUG", "POT", "TEA"]), _UNITS, _UNITS), min_size=1, max_size=3, unique_by=lambda row: row[0]), st.booleans())
def test_any_split_over_the_outlets_is_shown_and_nothing_is_lost(shop: ShopifyRig, rows: list[tuple[str, int, int]], begun: bool) -> None:
    rows = [row for row in rows if row[1] + row[2]]
    if not rows:
        return
    shop.box.sandbox.set_switch("oversell", True)
    order = shop.place({sku: here + there for sku, here, there in rows})
    if begun:
        shop.do("set_order_status", {"order": shop.adopt(order), "shop_status": "processing"}, order)
    wanted = {
        "amsterdam": {sku: here for sku, here, _ in rows if here}, "utrecht": {sku: there for sku, _, there in rows if there},
    }  # fmt: skip
    assign(shop, order, *((outlet, units) for outlet, units in wanted.items() if units))
    assert shop.assigned(order) == {outlet: units for outlet, units in wanted.items() if units}
    for outlet, units in wanted.items():
        if units:
            send(shop, order, outlet, units)
    assert shop.shop_status(order) == "completed"


# Sending


def test_what_an_outlet_sent_becomes_a_fulfilment_at_its_location(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 3})
    assign(shop, order, ("amsterdam", {"MUG": 1}), ("utrecht", {"MUG": 2}))
    send(shop, order, "utrecht", {"MUG": 2}, tracking=TRACKING)
    assert shop.shipments(order) == [{"outlet": "utrecht", "lines": {"MUG": 2}, "tracking": "3SABC"}]
    assert shop.shop_status(order) == "partly_shipped"
    send(shop, order, "amsterdam", {"MUG": 1})
    assert shop.shop_status(order) == "completed"
    assert shop.memory.external("fulfilment", f"{order}-utrecht") is not None


def test_sending_twice_makes_one_fulfilment_and_later_tracking_is_added_to_it(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 1})
    send(shop, order, "amsterdam", {"MUG": 1})
    assert send(shop, order, "amsterdam", {"MUG": 1}).did_nothing
    send(shop, order, "amsterdam", {"MUG": 1}, tracking=TRACKING)
    assert send(shop, order, "amsterdam", {"MUG": 1}, tracking=TRACKING).did_nothing
    assert shop.shipments(order) == [{"outlet": "amsterdam", "lines": {"MUG": 1}, "tracking": "3SABC"}]
    assert shop.writes() == ["fulfillmentCreate", "fulfillmentTrackingInfoUpdate"]


@pytest.mark.parametrize("kind", ["drop", "500", "half_json"])
def test_a_lost_answer_sends_nothing_twice(shop: ShopifyRig, kind: str) -> None:
    order = shop.place({"MUG": 3})
    assign(shop, order, ("amsterdam", {"MUG": 1}), ("utrecht", {"MUG": 2}))
    shop.fault(kind, match="fulfillmentCreate", after_effect=True)
    with pytest.raises(RetryLater):
        send(shop, order, "utrecht", {"MUG": 2}, tracking=TRACKING)
    assert send(shop, order, "utrecht", {"MUG": 2}, tracking=TRACKING).did_nothing
    send(shop, order, "amsterdam", {"MUG": 1})
    assert [each["outlet"] for each in shop.shipments(order)] == ["utrecht", "amsterdam"]
    assert shop.box.state.counter("fulfilments_made") == 2


def test_what_lies_elsewhere_is_moved_to_the_outlet_before_it_is_sent(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 2})
    send(shop, order, "utrecht", {"MUG": 1})
    assert shop.shipments(order) == [{"outlet": "utrecht", "lines": {"MUG": 1}, "tracking": None}]
    assert shop.assigned(order) == {"amsterdam": {"MUG": 1}}
    assert (shop.stock("MUG", "amsterdam"), shop.stock("MUG", "utrecht")) == (5, 3)


def test_what_staff_sent_already_is_not_sent_again(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 3})
    shop.ship_by_staff(order, {"MUG": 2})
    send(shop, order, "amsterdam", {"MUG": 3}, tracking=TRACKING)
    assert [each["lines"] for each in shop.shipments(order)] == [{"MUG": 2}, {"MUG": 1}]
    assert send(shop, order, "amsterdam", {"MUG": 3}).did_nothing


def test_a_pickup_that_was_handed_over_has_no_tracking(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 1}, pickup=True)
    send(shop, order, "amsterdam", {"MUG": 1}, pickup=True, tracking=TRACKING)
    assert (shop.shop_status(order), shop.tracking(order)) == ("completed", set())


def test_our_hold_is_taken_off_before_sending_and_that_of_others_is_named(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 1})
    shop.do("set_order_status", {"order": shop.adopt(order), "shop_status": "on_hold"})
    send(shop, order, "amsterdam", {"MUG": 1})
    assert shop.shop_status(order) == "completed"
    other = shop.place({"MUG": 1})
    part = shop.shop.order(int(other))["fulfilment_orders"][0]
    shop.shop.hold(part["id"], reason="INCORRECT_ADDRESS", notes=None, handle="x", ours=False)
    with pytest.raises(Refused, match="Incorrect address"):
        send(shop, other, "amsterdam", {"MUG": 1})


def test_an_order_with_goods_and_a_gift_card_is_sent_by_delivery_method(shop: ShopifyRig) -> None:
    shop.box.sandbox.set_switch("fulfils_gift_cards", False)
    order = shop.place({"MUG": 1, "GIFT": 1})
    send(shop, order, "amsterdam", {"MUG": 1, "GIFT": 1}, tracking=TRACKING)
    assert shop.writes() == ["fulfillmentCreate", "fulfillmentCreate"]
    assert shop.shop_status(order) == "completed"
    assert send(shop, order, "amsterdam", {"MUG": 1, "GIFT": 1}).did_nothing


def test_an_outlet_without_a_location_sends_from_where_the_shop_has_it(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 1})
    send(shop, order, "depot", {"MUG": 1})
    assert shop.shipments(order) == [{"outlet": "amsterdam", "lines": {"MUG": 1}, "tracking": None}]


def test_a_line_that_was_removed_over_there_is_refused_by_name(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 1})
    payload = {"order": shop.adopt(order), "fulfilment": {"id": "f", "outlet": "amsterdam"}, "lines": [{"line": "99", "quantity": 1}]}
    with pytest.raises(Refused, match="has no line 99"):
        shop.do("ship_fulfilment", payload)


def test_a_cancelled_order_cannot_be_shown_as_sent(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 1})
    shop.adopt(order)
    lines = shop.part(order, MUG=1)
    shop.cancel(order)
    with pytest.raises(Refused, match="is cancelled"):
        shop.do("ship_fulfilment", {"order": {"id": f"our-{order}"}, "fulfilment": {"id": "f", "outlet": "amsterdam"}, "lines": lines})


def test_an_order_of_very_many_lines_is_read_whole_and_sent_whole(shop: ShopifyRig) -> None:
    shop.box.sandbox.set_switch("oversell", True)
    order = shop.shop.place(_basket([("TEA", 1)] * 70))
    found = shop.snapshot(str(order["id"]))
    assert len(found["lines"]) == 70
    lines = [{"line": line["id"], "sku": "TEA", "quantity": 1} for line in found["lines"]]
    payload = {"order": {"external_id": str(order["id"])}, "fulfilment": {"id": "f", "outlet": "amsterdam"}, "lines": lines}
    shop.do("ship_fulfilment", payload)
    assert shop.shop_status(str(order["id"])) == "completed"
    assert shop.do("ship_fulfilment", payload).did_nothing
    assert sum(each["lines"]["TEA"] for each in shop.shipments(str(order["id"]))) == 70


def _basket(lines: list[tuple[str, int]]) -> Any:
    from adapters.shopify.sandbox_basket import Basket
    from tests.adapters.rigs.base import CUSTOMER

    return Basket(lines, customer=CUSTOMER)


@pytest.mark.parametrize("payload", [
    {}, {"fulfilment": {}}, {"fulfilment": {"id": "f"}}, {"fulfilment": {"id": "f"}, "lines": []},
    {"fulfilment": {"id": "f"}, "lines": [{"line": "1", "quantity": "2"}]}, {"fulfilment": {"id": "f"}, "lines": [{"line": 5, "quantity": 2}]},
])  # fmt: skip
def test_sending_without_a_fulfilment_or_lines_is_refused(shop: ShopifyRig, payload: dict[str, Any]) -> None:
    order = shop.place({"MUG": 1})
    with pytest.raises(Refused):
        shop.do("ship_fulfilment", {"order": {"external_id": order}} | payload)
    assert shop.writes() == []


# Stock that moves along


def told(rig: ShopifyRig, **units: int) -> None:
    rows = [{"outlet": outlet, "quantity": count} for outlet, count in units.items()]
    rig.do("set_outlet_stock", {"sku": "MUG", "levels": rows}, str(units))


def levels(rig: ShopifyRig) -> dict[str, int]:
    return {outlet: rig.stock("MUG", outlet) for outlet in ("amsterdam", "utrecht")}


def test_a_move_does_not_count_an_order_twice_that_our_numbers_have_counted(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 2})
    told(shop, amsterdam=6, utrecht=2)  # Ours: Utrecht does it. Shopify had taken it off Amsterdam.
    assign(shop, order, ("utrecht", {"MUG": 2}))
    assert levels(shop) == {"amsterdam": 6, "utrecht": 2}


def test_a_move_before_our_numbers_arrive_leaves_them_to_arrive(shop: ShopifyRig) -> None:
    told(shop, amsterdam=6, utrecht=4)
    order = shop.place({"MUG": 2})
    assign(shop, order, ("utrecht", {"MUG": 2}))
    assert levels(shop) == {"amsterdam": 6, "utrecht": 2}


def test_numbers_are_kept_also_when_the_move_comes_with_sending_or_is_cut_short(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 2})
    told(shop, amsterdam=6, utrecht=2)
    shop.fault("drop", match="fulfillmentOrderMove", after_effect=True)
    with pytest.raises(RetryLater):
        send(shop, order, "utrecht", {"MUG": 2})
    assert levels(shop) == {"amsterdam": 8, "utrecht": 0}
    send(shop, order, "utrecht", {"MUG": 2})
    assert levels(shop) == {"amsterdam": 6, "utrecht": 2}


def test_the_shop_makes_fulfilment_orders_in_the_background(shop: ShopifyRig) -> None:
    shop.box.sandbox.set_switch("routes_later", True)
    shop.box.state.set_setting("routing_seconds", 0.05)
    order = shop.place({"MUG": 1})
    until(lambda: bool(shop.assigned(order)), "the fulfilment order is made")
    assert shop.assigned(order) == {"amsterdam": {"MUG": 1}}
