"""What we tell a shop arrives there: statuses, shipments, outlets, cancellations, refunds."""

from __future__ import annotations

from decimal import Decimal

import pytest

from adapters.base import Refused
from tests.adapters.conformance import (
    assigning,
    cancelled_there,
    cancelling,
    insist,
    is_cancelled,
    is_note,
    refunding,
    shipped_units,
    shipping,
    telling,
    until,
)
from tests.adapters.rigs.base import PRICES, SHIPPING, Rig

BASKET = {"MUG": 2, "TEA": 1}
TOTAL = 2 * PRICES["MUG"] + PRICES["TEA"] + SHIPPING
DONE = ("completed", "shipped", "delivered")
"""Words for an order of which nothing is open any more."""

# Statuses


def test_every_status_it_declares_can_be_written_and_is_read_back(rig: Rig) -> None:
    words = rig.adapter.capabilities.statuses["shop_status"] - {"awaiting_processing", "cancelled"}
    for word in sorted(words):
        order = rig.place({"MUG": 1}, pickup=word == "ready_for_pickup")
        ours = rig.adopt(order)
        rig.forget_calls()
        insist(rig, "set_order_status", telling(ours, shop_status=word), f"set {word}")
        assert rig.writes(), word
        assert rig.shop_status(order) == ("awaiting_processing" if is_note(rig, word) else word), word
        assert rig.snapshot(order)["shop_status"] == rig.shop_status(order)
        rig.sell("MUG", -1)


def test_telling_a_status_again_changes_nothing(rig: Rig) -> None:
    for word in sorted(rig.adapter.capabilities.statuses["shop_status"] - {"awaiting_processing"}):
        order = rig.place({"MUG": 1}, pickup=word == "ready_for_pickup")
        ours = rig.adopt(order)
        insist(rig, "set_order_status", telling(ours, shop_status=word), f"first {word}")
        rig.forget_calls()
        again = insist(rig, "set_order_status", telling(ours, shop_status=word), f"second {word}")
        assert again.did_nothing, word
        assert rig.writes() == [], word
        rig.sell("MUG", -1)


def test_an_order_on_hold_is_released(rig: Rig) -> None:
    rig.need_status("shop_status", "on_hold")
    order = rig.place(BASKET)
    ours = rig.adopt(order)
    insist(rig, "set_order_status", telling(ours, shop_status="on_hold", reason="address unclear"), "hold")
    assert rig.shop_status(order) == "on_hold"
    insist(rig, "set_order_status", telling(ours, shop_status="awaiting_processing"), "release")
    assert rig.shop_status(order) == "awaiting_processing"


def test_a_status_never_goes_back(rig: Rig) -> None:
    last = next(word for word in DONE if word in rig.adapter.capabilities.statuses["shop_status"])
    order = rig.place(BASKET)
    ours = rig.adopt(order)
    insist(rig, "set_order_status", telling(ours, shop_status=last), "last")
    rig.forget_calls()
    for word in ("awaiting_processing", "processing", "awaiting_shipment", "ready_for_pickup", "partly_shipped"):
        if word in rig.adapter.capabilities.statuses["shop_status"] and not is_note(rig, word):
            assert insist(rig, "set_order_status", telling(ours, shop_status=word), word).did_nothing, word
    assert rig.shop_status(order) == last
    assert rig.writes() == []


def test_a_status_it_cannot_express_is_refused_with_those_it_can(rig: Rig) -> None:
    ours = rig.adopt(rig.place(BASKET))
    with pytest.raises(Refused) as caught:
        rig.do("set_order_status", telling(ours, shop_status="teleported"))
    assert "teleported" in caught.value.message
    assert "awaiting_processing" in caught.value.message
    assert rig.writes() == []


def test_an_order_nobody_knows_is_refused(rig: Rig) -> None:
    word = sorted(rig.adapter.capabilities.statuses["shop_status"])[0]
    with pytest.raises(Refused):
        rig.do("set_order_status", {"order": {}, "shop_status": word, "notify_customer": False})


def test_a_payment_at_the_till_is_told(rig: Rig) -> None:
    rig.need("place_unpaid")
    rig.need_status("payment_status", "paid")
    order = rig.place(BASKET, paid=False)
    ours = rig.adopt(order)
    insist(rig, "set_order_status", telling(ours, payment_status="paid"), "paid")
    assert rig.payment_status(order) == "paid" == rig.snapshot(order)["payment_status"]
    rig.forget_calls()
    assert insist(rig, "set_order_status", telling(ours, payment_status="paid"), "again").did_nothing
    assert rig.writes() == []


def test_our_own_write_read_back_says_what_we_wrote_and_is_one_event(rig: Rig) -> None:
    order = rig.place(BASKET)
    ours = rig.adopt(order)
    word = next(w for w in ("processing", "on_hold", *DONE) if w in rig.adapter.capabilities.statuses["shop_status"])
    insist(rig, "set_order_status", telling(ours, shop_status=word), "write")
    rig.forget_calls()
    first, second = (rig.do("read_order", {"external_id": order}, key=key).events[0] for key in ("x", "y"))
    assert first.id == second.id
    assert first.data["order"]["shop_status"] == word
    assert rig.writes() == []


# Cancelling


def test_an_order_is_cancelled_before_anything_was_sent(rig: Rig) -> None:
    order = rig.place(BASKET)
    ours = rig.adopt(order)
    insist(rig, "set_order_status", telling(ours, **cancelling(rig), reason="customer changed their mind"), "cancel")
    assert cancelled_there(rig, order)
    assert is_cancelled(rig.snapshot(order))


def test_an_order_is_cancelled_before_it_is_paid(rig: Rig) -> None:
    rig.need("place_unpaid")
    order = rig.place(BASKET, paid=False)
    ours = rig.adopt(order)
    insist(rig, "set_order_status", telling(ours, **cancelling(rig)), "cancel")
    assert cancelled_there(rig, order)


def test_cancelling_what_was_sent_takes_nothing_back_and_says_what_came_of_it(rig: Rig) -> None:
    rig.need("ship_by_staff")
    order = rig.place(BASKET)
    ours = rig.adopt(order)
    rig.ship_by_staff(order)
    sent = shipped_units(rig, order)
    try:
        said = insist(rig, "set_order_status", telling(ours, **cancelling(rig)), "cancel").summary
    except Refused as refusal:
        said = refusal.message
    assert said
    assert shipped_units(rig, order) == sent


def test_a_cancelled_order_takes_no_other_status(rig: Rig) -> None:
    order = rig.place(BASKET)
    ours = rig.adopt(order)
    rig.cancel(order)
    last = next(word for word in DONE if word in rig.adapter.capabilities.statuses["shop_status"])
    rig.forget_calls()
    result = insist(rig, "set_order_status", telling(ours, shop_status=last), "late")
    assert result.did_nothing
    assert cancelled_there(rig, order)
    assert rig.writes() == []


# Tracking without shipments


def test_tracking_is_told_where_an_order_has_only_statuses(rig: Rig) -> None:
    last = next(word for word in ("shipped", "completed") if word in rig.adapter.capabilities.statuses["shop_status"])
    order = rig.place(BASKET)
    ours = rig.adopt(order)
    parcel = {"number": "3STEST001", "url": "https://track.example/3STEST001"}
    insist(rig, "set_order_status", telling(ours, shop_status=last, tracking=parcel), "ship")
    assert rig.tracking(order) == {"3STEST001"}


def test_tracking_told_of_a_whole_order_is_seen_by_the_customer_however_many_parcels_there_are(rig: Rig) -> None:
    """Staff type a number into the sale at the till when they send; it does not say which outlet's parcel it is, and a
    number at the wrong parcel is better than one that nobody sees."""
    rig.need_operation("ship_fulfilment")
    order = rig.place(BASKET)
    ours = rig.adopt(order)
    insist(rig, "ship_fulfilment", shipping(rig, order, ours, "f1", "amsterdam", {"MUG": 1}), "s1")
    insist(rig, "ship_fulfilment", shipping(rig, order, ours, "f2", "utrecht", {"MUG": 1, "TEA": 1}), "s2")
    for number in ("3S001", "3S001", "3S002"):
        parcel = {"number": number, "url": f"https://track.example/{number}"}
        insist(rig, "set_order_status", telling(ours, tracking=parcel), f"t {number}")
    assert rig.tracking(order) == {"3S001", "3S002"}
    assert shipped_units(rig, order) == BASKET


# Shipments


def test_two_outlets_send_their_parts_and_the_order_stays_open_until_the_last(rig: Rig) -> None:
    rig.need_operation("ship_fulfilment")
    order = rig.place(BASKET)
    ours = rig.adopt(order)
    insist(rig, "ship_fulfilment", shipping(rig, order, ours, "f1", "amsterdam", {"MUG": 1}, "3S001"), "s1")
    assert shipped_units(rig, order) == {"MUG": 1}
    assert rig.shop_status(order) == "partly_shipped" == rig.snapshot(order)["shop_status"]
    insist(rig, "ship_fulfilment", shipping(rig, order, ours, "f2", "utrecht", {"MUG": 1, "TEA": 1}, "3S002"), "s2")
    assert shipped_units(rig, order) == BASKET
    assert rig.shop_status(order) in DONE
    assert rig.tracking(order) == {"3S001", "3S002"}
    assert len(rig.shipments(order)) == 2
    assert {each["number"] for each in rig.snapshot(order)["tracking"]} == {"3S001", "3S002"}


def test_a_shipment_comes_from_the_outlet_that_sent_it(rig: Rig) -> None:
    rig.need_operation("ship_fulfilment")
    order = rig.place(BASKET)
    ours = rig.adopt(order)
    insist(rig, "ship_fulfilment", shipping(rig, order, ours, "f1", "utrecht", {"MUG": 2}, "3S001"), "s1")
    (shipment,) = rig.shipments(order)
    assert (shipment["outlet"] or "utrecht", shipment["lines"], shipment["tracking"]) == (
        "utrecht",
        {"MUG": 2},
        "3S001",
    )


def test_tracking_that_comes_later_is_added_to_the_same_shipment(rig: Rig) -> None:
    rig.need_operation("ship_fulfilment")
    order = rig.place(BASKET)
    ours = rig.adopt(order)
    insist(rig, "ship_fulfilment", shipping(rig, order, ours, "f1", "amsterdam", BASKET), "s1")
    assert rig.tracking(order) == set()
    insist(rig, "ship_fulfilment", shipping(rig, order, ours, "f1", "amsterdam", BASKET, "3S009"), "s2")
    assert rig.tracking(order) == {"3S009"}
    assert len(rig.shipments(order)) == 1


def test_what_staff_sent_already_is_not_sent_again(rig: Rig) -> None:
    rig.need_operation("ship_fulfilment")
    rig.need("ship_by_staff")
    order = rig.place(BASKET)
    ours = rig.adopt(order)
    rig.ship_by_staff(order)
    insist(rig, "ship_fulfilment", shipping(rig, order, ours, "f1", "amsterdam", BASKET), "s1")
    assert shipped_units(rig, order) == BASKET


def test_what_staff_sent_in_part_leaves_the_rest_to_us(rig: Rig) -> None:
    rig.need_operation("ship_fulfilment")
    rig.need("ship_by_staff", "part_shipments")
    order = rig.place(BASKET)
    ours = rig.adopt(order)
    rig.ship_by_staff(order, {"MUG": 1})
    insist(rig, "ship_fulfilment", shipping(rig, order, ours, "f1", "amsterdam", BASKET, "3S001"), "s1")
    assert shipped_units(rig, order) == BASKET


def test_a_pickup_is_handed_over_once(rig: Rig) -> None:
    rig.need_operation("ship_fulfilment")
    order = rig.place(BASKET, pickup=True)
    ours = rig.adopt(order)
    if "ready_for_pickup" in rig.adapter.capabilities.statuses["shop_status"]:
        insist(rig, "set_order_status", telling(ours, shop_status="ready_for_pickup"), "ready")
        assert rig.shop_status(order) == "ready_for_pickup"
    payload = shipping(rig, order, ours, "f1", "utrecht", BASKET, pickup=True)
    insist(rig, "ship_fulfilment", payload, "s1")
    insist(rig, "set_order_status", telling(ours, shop_status="completed"), "done")
    assert rig.shop_status(order) in DONE
    rig.forget_calls()
    assert insist(rig, "ship_fulfilment", payload, "s2").did_nothing
    assert rig.writes() == []


# Outlets


def test_the_shop_shows_which_outlet_does_what(rig: Rig) -> None:
    rig.need_operation("assign_fulfilments")
    order = rig.place(BASKET)
    ours = rig.adopt(order)
    parts = {"amsterdam": {"MUG": 1}, "utrecht": {"MUG": 1, "TEA": 1}}
    rig.forget_calls()
    insist(rig, "assign_fulfilments", assigning(rig, order, ours, **parts), "a1")
    assert rig.writes()
    assert rig.assigned(order) in (parts, {})
    rig.forget_calls()
    assert insist(rig, "assign_fulfilments", assigning(rig, order, ours, **parts), "a2").did_nothing
    assert rig.writes() == []


def test_another_outlet_takes_over(rig: Rig) -> None:
    rig.need_operation("assign_fulfilments")
    order = rig.place(BASKET)
    ours = rig.adopt(order)
    insist(
        rig, "assign_fulfilments", assigning(rig, order, ours, amsterdam={"MUG": 1}, utrecht={"MUG": 1, "TEA": 1}), "a1"
    )
    insist(rig, "assign_fulfilments", assigning(rig, order, ours, utrecht=BASKET), "a2")
    assert rig.assigned(order) in ({"utrecht": BASKET}, {})


def test_what_was_assigned_is_sent_from_there(rig: Rig) -> None:
    rig.need_operation("assign_fulfilments")
    rig.need_operation("ship_fulfilment")
    order = rig.place(BASKET)
    ours = rig.adopt(order)
    insist(
        rig, "assign_fulfilments", assigning(rig, order, ours, amsterdam={"MUG": 1}, utrecht={"MUG": 1, "TEA": 1}), "a1"
    )
    insist(rig, "ship_fulfilment", shipping(rig, order, ours, "f1", "amsterdam", {"MUG": 1}, "3S001"), "s1")
    insist(rig, "ship_fulfilment", shipping(rig, order, ours, "f2", "utrecht", {"MUG": 1, "TEA": 1}, "3S002"), "s2")
    assert shipped_units(rig, order) == BASKET
    assert rig.shop_status(order) in DONE
    assert {each["outlet"] for each in rig.shipments(order)} <= {"amsterdam", "utrecht", None}


# Refunds


def test_a_part_and_then_the_rest_is_paid_back(rig: Rig) -> None:
    rig.need_operation("refund_order")
    order = rig.place(BASKET)
    ours = rig.adopt(order)
    insist(rig, "refund_order", refunding(ours, "r1", "12.50"), "r1")
    assert (rig.refunded(order), rig.payment_status(order)) == (Decimal("12.50"), "partly_refunded")
    assert rig.snapshot(order)["payment_status"] == "partly_refunded"
    insist(rig, "refund_order", refunding(ours, "r2", str(TOTAL - Decimal("12.50"))), "r2")
    assert (rig.refunded(order), rig.payment_status(order)) == (TOTAL, "refunded")
    assert rig.snapshot(order)["payment_status"] == "refunded"


def test_a_line_is_paid_back(rig: Rig) -> None:
    rig.need_operation("refund_order")
    order = rig.place(BASKET)
    ours = rig.adopt(order)
    lines = [{"line": rig.line(order, "MUG"), "quantity": 1}]
    insist(rig, "refund_order", refunding(ours, "r1", "12.50", lines=lines), "r1")
    assert rig.refunded(order) == Decimal("12.50")


def test_the_gateway_pays_back_when_asked(rig: Rig) -> None:
    rig.need_operation("refund_order")
    order = rig.place(BASKET)
    ours = rig.adopt(order)
    insist(rig, "refund_order", refunding(ours, "r1", str(TOTAL), pay_back=True), "r1")
    until(lambda: rig.refunded(order) == TOTAL, "the gateway pays back")


def test_a_refund_is_known_by_its_reference_and_not_made_again(rig: Rig) -> None:
    rig.need_operation("refund_order")
    order = rig.place(BASKET)
    ours = rig.adopt(order)
    insist(rig, "refund_order", refunding(ours, "r1", "12.50"), "k1")
    assert insist(rig, "refund_order", refunding(ours, "r1", "12.50"), "k2").did_nothing
    assert rig.refunded(order) == Decimal("12.50")


def test_more_than_what_is_left_is_refused_with_both_amounts(rig: Rig) -> None:
    rig.need_operation("refund_order")
    order = rig.place(BASKET)
    ours = rig.adopt(order)
    insist(rig, "refund_order", refunding(ours, "r1", "12.50"), "r1")
    with pytest.raises(Refused) as caught:
        insist(rig, "refund_order", refunding(ours, "r2", str(TOTAL)), "r2")
    assert str(TOTAL) in caught.value.message
    assert str(TOTAL - Decimal("12.50")) in caught.value.message
    assert rig.refunded(order) == Decimal("12.50")
