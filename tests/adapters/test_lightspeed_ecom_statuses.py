"""The E-Series adapter tells the shop how far an order is: once, forwards only, and never a cancelled one."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.base import Refused, RetryLater
from adapters.lightspeed_ecom.progress import (
    FULFILMENT_MAY_FOLLOW,
    FULFILMENT_TO_OURS,
    FULFILMENT_TO_THEIRS,
    PAYMENT_MAY_FOLLOW,
    PAYMENT_TO_OURS,
    PAYMENT_TO_THEIRS,
)
from engine.status import SHOP_PROGRESS
from tests.adapters.ecom import Ecom


def status(ecom: Ecom, order_id: str, **wanted: Any) -> Any:
    return ecom.do("set_order_status", {"order": {"id": "o1", "number": order_id}, **wanted})


def test_a_status_is_written_once_and_alone(ecom: Ecom) -> None:
    order_id = ecom.place()
    first = status(
        ecom, order_id, shop_status="shipped", tracking={"number": "3SABC", "url": "https://track.example/3SABC"}
    )
    assert not first.did_nothing
    order = ecom.order(order_id)
    assert (order["fulfillmentStatus"], order["trackingNumber"]) == ("SHIPPED", "3SABC")
    assert len(order["items"]) == 2
    [write] = ecom.box.state.requests("PUT")
    assert "items" not in write.body
    again = status(
        ecom, order_id, shop_status="shipped", tracking={"number": "3SABC", "url": "https://track.example/3SABC"}
    )
    assert again.did_nothing
    assert len(ecom.box.state.requests("PUT")) == 1


def test_the_order_is_found_by_our_id_before_its_number(ecom: Ecom) -> None:
    order_id = ecom.place()
    ecom.memory.bind("order", "o1", order_id)
    ecom.do("set_order_status", {"order": {"id": "o1", "number": "OTHER"}, "shop_status": "processing"})
    assert ecom.order(order_id)["fulfillmentStatus"] == "PROCESSING"


@pytest.mark.parametrize("present", sorted(FULFILMENT_TO_THEIRS))
@pytest.mark.parametrize("wanted", sorted(FULFILMENT_TO_THEIRS))
def test_a_fulfilment_status_never_steps_back(present: str, wanted: str) -> None:
    may = wanted in FULFILMENT_MAY_FOLLOW[present]
    assert may == (
        SHOP_PROGRESS[wanted] > SHOP_PROGRESS[present] and (present, wanted) != ("delivered", "will_not_deliver")
    )


@pytest.mark.parametrize(
    ("present", "wanted", "expected"),
    [("DELIVERED", "shipped", "DELIVERED"), ("OUT_FOR_DELIVERY", "shipped", "OUT_FOR_DELIVERY"), ("SHIPPED", "delivered", "DELIVERED"),
     ("WILL_NOT_DELIVER", "processing", "WILL_NOT_DELIVER"), ("READY_FOR_PICKUP", "delivered", "DELIVERED")],
)  # fmt: skip
def test_the_shop_keeps_the_further_status(ecom: Ecom, present: str, wanted: str, expected: str) -> None:
    order_id = ecom.place()
    ecom.staff(order_id, fulfillmentStatus=present)
    result = status(ecom, order_id, shop_status=wanted)
    assert ecom.order(order_id)["fulfillmentStatus"] == expected
    assert result.did_nothing == (present == expected)


@pytest.mark.parametrize(("present", "wanted", "expected"), [
    ("AWAITING_PAYMENT", "paid", "PAID"), ("PAID", "unpaid", "PAID"), ("REFUNDED", "paid", "REFUNDED"), ("PAID", "partly_refunded", "PARTIALLY_REFUNDED"),
    ("PAID", "cancelled", "CANCELLED"), ("AWAITING_PAYMENT", "partly_refunded", "AWAITING_PAYMENT"),
])  # fmt: skip
def test_a_payment_status_moves_on_and_never_back(ecom: Ecom, present: str, wanted: str, expected: str) -> None:
    order_id = ecom.place()
    ecom.staff(order_id, paymentStatus=present)
    status(ecom, order_id, payment_status=wanted)
    assert ecom.order(order_id)["paymentStatus"] == expected


@pytest.mark.parametrize("final", [True, False])
def test_a_cancelled_order_is_left_alone(ecom: Ecom, final: bool) -> None:
    ecom.box.sandbox.set_switch("cancelled_is_final", final)
    order_id = ecom.place()
    ecom.staff(order_id, paymentStatus="CANCELLED")
    for wanted in (
        {"shop_status": "shipped"},
        {"payment_status": "paid"},
        {"tracking": {"number": "3S"}},
        {"shop_status": "will_not_deliver"},
    ):
        assert status(ecom, order_id, **wanted).did_nothing
    assert ecom.box.state.requests("PUT") == []


def test_a_cancelled_order_may_still_be_told_that_it_will_not_be_delivered(ecom: Ecom) -> None:
    order_id = ecom.place()
    ecom.staff(order_id, paymentStatus="CANCELLED")
    ecom.box.state.put("order", order_id, ecom.order(order_id) | {"fulfillmentStatus": "AWAITING_PROCESSING"})
    assert not status(ecom, order_id, shop_status="will_not_deliver").did_nothing
    assert ecom.order(order_id)["fulfillmentStatus"] == "WILL_NOT_DELIVER"


def test_cancelling_through_us_ends_the_delivery_too(ecom: Ecom) -> None:
    order_id = ecom.place()
    status(ecom, order_id, payment_status="cancelled")
    order = ecom.order(order_id)
    assert (order["paymentStatus"], order["fulfillmentStatus"]) == ("CANCELLED", "WILL_NOT_DELIVER")


def test_a_status_of_the_shops_own_is_kept_unless_the_settings_say_otherwise(ecom: Ecom) -> None:
    order_id = ecom.place()
    ecom.staff(order_id, fulfillmentStatus="CUSTOM_FULFILLMENT_STATUS_2", paymentStatus="CUSTOM_PAYMENT_STATUS_1")
    kept = status(ecom, order_id, shop_status="shipped", payment_status="paid")
    assert kept.did_nothing
    assert "kept" in kept.summary
    snapshot = ecom.do("read_order", {"external_id": order_id}).events[0].data["order"]
    assert (snapshot["shop_status"], snapshot["payment_status"]) == ("custom", "custom")
    assert snapshot["tags"] == [
        "paymentStatus:CUSTOM_PAYMENT_STATUS_1",
        "fulfillmentStatus:CUSTOM_FULFILLMENT_STATUS_2",
    ]
    ecom.settings = {"replace_custom_status": True}
    status(ecom, order_id, shop_status="shipped")
    assert ecom.order(order_id)["fulfillmentStatus"] == "SHIPPED"


@pytest.mark.parametrize("wanted", [{"shop_status": "custom"}, {"shop_status": "QUEUED"}, {"payment_status": "partly_paid"},
                                    {"payment_status": "incomplete"}, {"shop_status": ["shipped"]}, {"shop_status": 3}])  # fmt: skip
def test_a_status_the_shop_cannot_express_is_refused_with_the_ones_it_can(ecom: Ecom, wanted: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="cannot express"):
        status(ecom, ecom.place(), **wanted)
    assert ecom.box.state.requests("PUT") == []


@pytest.mark.parametrize("payload", [{}, {"order": {}}, {"order": "7Q2XK"}, {"order": None, "shop_status": "shipped"}])
def test_a_status_without_an_order_is_refused(ecom: Ecom, payload: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="names no order"):
        ecom.do("set_order_status", payload)


def test_the_customer_is_mailed_only_when_we_say_so(ecom: Ecom) -> None:
    order_id = ecom.place()
    status(ecom, order_id, shop_status="ready_for_pickup", notify_customer=False)
    assert ecom.box.state.counter("mails_sent") == 0
    status(ecom, order_id, shop_status="delivered", notify_customer=True)
    assert ecom.box.state.counter("mails_sent") == 1


def test_mails_that_staff_switched_off_stay_off(ecom: Ecom) -> None:
    order_id = ecom.place()
    ecom.staff(order_id, disableAllCustomerNotifications=True)
    status(ecom, order_id, shop_status="shipped", notify_customer=True)
    assert ecom.box.state.counter("mails_sent") == 0


def test_a_write_that_changed_nothing_over_there_is_refused(ecom: Ecom, monkeypatch: pytest.MonkeyPatch) -> None:
    order_id = ecom.place()
    monkeypatch.setattr("adapters.lightspeed_ecom.sandbox_api._ORDER_FIELDS", frozenset())
    with pytest.raises(Refused, match="changed nothing"):
        status(ecom, order_id, shop_status="shipped")


@pytest.mark.parametrize("kind", ["500", "drop", "html", "half_json", "empty"])
def test_a_lost_answer_does_not_write_or_mail_twice(ecom: Ecom, kind: str) -> None:
    order_id = ecom.place()
    ecom.fault(kind, match="PUT", after_effect=True)
    with pytest.raises(RetryLater):
        status(ecom, order_id, shop_status="shipped")
    assert status(ecom, order_id, shop_status="shipped").did_nothing
    assert (ecom.box.state.counter("orders_updated"), ecom.box.state.counter("mails_sent")) == (1, 1)


def test_both_status_tables_are_the_reverse_of_each_other() -> None:
    assert {PAYMENT_TO_OURS[theirs]: theirs for theirs in PAYMENT_TO_THEIRS.values()} == dict(PAYMENT_TO_THEIRS)
    assert {FULFILMENT_TO_OURS[theirs]: theirs for theirs in FULFILMENT_TO_THEIRS.values()} == dict(
        FULFILMENT_TO_THEIRS
    )
    assert set(PAYMENT_MAY_FOLLOW) == set(PAYMENT_TO_OURS.values())
