"""The shop's status words and ours, and which status may follow which.

Source: the vendor's schema, OrderDisplayFinancialStatus and OrderDisplayFulfillmentStatus, version 2026-07 (2026-10 adds
FULFILLMENT_NOT_REQUIRED). There is no word for cancelled; an order has a date for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.fields import object_of
from adapters.shopify.client import nodes

OPEN_STATES = frozenset({"OPEN", "IN_PROGRESS", "ON_HOLD", "SCHEDULED", "INCOMPLETE"})
"""A fulfilment order in one of these still has something to send."""

CUSTOM = "custom"

PAYMENT_TO_OURS: Mapping[str, str] = {
    "AUTHORIZED": "unpaid", "EXPIRED": "unpaid", "PAID": "paid", "PARTIALLY_PAID": "partly_paid",
    "PARTIALLY_REFUNDED": "partly_refunded", "PENDING": "unpaid", "REFUNDED": "refunded", "VOIDED": "cancelled",
}  # fmt: skip
NOT_OUR_WORDS = frozenset({"AUTHORIZED", "EXPIRED"})
"""Payment words that ours say less about: they are kept as a tag."""

FULFILMENT_TO_OURS: Mapping[str, str] = {
    "FULFILLED": "completed", "FULFILLMENT_NOT_REQUIRED": "completed", "IN_PROGRESS": "processing", "ON_HOLD": "on_hold",
    "OPEN": "awaiting_processing", "PARTIALLY_FULFILLED": "partly_shipped", "PENDING_FULFILLMENT": "processing",
    "REQUEST_DECLINED": "awaiting_processing", "RESTOCKED": "awaiting_processing", "SCHEDULED": "awaiting_processing",
    "UNFULFILLED": "awaiting_processing",
}  # fmt: skip

PAYMENT_MAY_FOLLOW: Mapping[str, frozenset[str]] = {
    "unpaid": frozenset({"paid"}), "partly_paid": frozenset({"paid"}), "incomplete": frozenset({"paid"}),
}  # fmt: skip

_ENDS = frozenset({"completed", "cancelled"})
FULFILMENT_MAY_FOLLOW: Mapping[str, frozenset[str]] = {
    "awaiting_processing": _ENDS | {"processing", "on_hold", "ready_for_pickup"},
    "on_hold": _ENDS | {"awaiting_processing", "processing", "ready_for_pickup"},
    "processing": _ENDS | {"on_hold", "ready_for_pickup"},
    "ready_for_pickup": _ENDS | {"on_hold"},
    "partly_shipped": _ENDS | {"processing", "on_hold", "ready_for_pickup"},
    "completed": frozenset(),
    "cancelled": frozenset(),
}
"""A status moves on and never back, whatever order the news arrives in; only a hold of ours is taken off again."""


def payment_status(word: object, *, authorised_is_paid: bool = False) -> str:
    """Our payment status for the shop's word; `custom` for words we do not know, unpaid where the shop has none."""
    if word is None:
        return "unpaid"
    if word == "AUTHORIZED" and authorised_is_paid:
        return "paid"
    return PAYMENT_TO_OURS.get(str(word), CUSTOM)


def shop_status(order: Mapping[str, Any], *, ready: bool = False, sent: bool = True) -> str:
    """Our shop status of an order as the API gives it, with its fulfilment orders.

    `ready` says that it was prepared for pickup, which no field of the API shows. `sent` false says that nothing which
    needs shipping has left: a gift card that the shop mailed by itself does not make an order partly shipped.
    """
    if order.get("cancelledAt"):
        return "cancelled"
    word = str(order.get("displayFulfillmentStatus"))
    if word == "PARTIALLY_FULFILLED" and not sent:
        word = _word_of_open(order)
    found = FULFILMENT_TO_OURS.get(word, CUSTOM)
    return "ready_for_pickup" if ready and found in ("awaiting_processing", "processing") else found


def _word_of_open(order: Mapping[str, Any]) -> str:
    """The word of an order whose goods are all still there: held or begun when all its open parts are."""
    open_parts = [
        each.get("status") for each in nodes(order, "fulfillmentOrders")
        if each.get("status") in OPEN_STATES and object_of(each, "deliveryMethod").get("methodType") != "NONE"
    ]  # fmt: skip
    return next((word for word in ("ON_HOLD", "IN_PROGRESS") if open_parts and set(open_parts) == {word}), "UNFULFILLED")


def ready_key(order_number: str) -> str:
    """Under which key a connection's memory keeps that an order was prepared for pickup."""
    return f"ready:{order_number}"
