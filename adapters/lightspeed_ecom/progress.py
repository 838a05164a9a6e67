"""The shop's status words and ours, both ways, and which status may follow which.

Values from the vendor's own enums; the shop may add statuses of its own (`CUSTOM_…`), which are never translated.
"""

from __future__ import annotations

from collections.abc import Mapping

PAYMENT_TO_OURS: Mapping[str, str] = {
    "INCOMPLETE": "incomplete",
    "AWAITING_PAYMENT": "unpaid",
    "PAID": "paid",
    "PARTIALLY_REFUNDED": "partly_refunded",
    "REFUNDED": "refunded",
    "CANCELLED": "cancelled",
}
FULFILMENT_TO_OURS: Mapping[str, str] = {
    "AWAITING_PROCESSING": "awaiting_processing",
    "PROCESSING": "processing",
    "READY_FOR_PICKUP": "ready_for_pickup",
    "SHIPPED": "shipped",
    "OUT_FOR_DELIVERY": "out_for_delivery",
    "DELIVERED": "delivered",
    "RETURNED": "returned",
    "WILL_NOT_DELIVER": "will_not_deliver",
}
PAYMENT_TO_THEIRS: Mapping[str, str] = {
    ours: theirs for theirs, ours in PAYMENT_TO_OURS.items() if ours != "incomplete"
}
"""What we can set. A cart becomes an order only by its customer, so `incomplete` is read and never written."""

FULFILMENT_TO_THEIRS: Mapping[str, str] = {ours: theirs for theirs, ours in FULFILMENT_TO_OURS.items()}

CUSTOM = "custom"

PAYMENT_MAY_FOLLOW: Mapping[str, frozenset[str]] = {
    "incomplete": frozenset({"unpaid", "paid", "cancelled"}),
    "unpaid": frozenset({"paid", "cancelled"}),
    "paid": frozenset({"partly_refunded", "refunded", "cancelled"}),
    "partly_refunded": frozenset({"refunded", "cancelled"}),
    "refunded": frozenset(),
    "cancelled": frozenset(),
}
FULFILMENT_MAY_FOLLOW: Mapping[str, frozenset[str]] = {
    "awaiting_processing": frozenset(
        {"processing", "ready_for_pickup", "shipped", "out_for_delivery", "delivered", "returned", "will_not_deliver"}
    ),
    "processing": frozenset(
        {"ready_for_pickup", "shipped", "out_for_delivery", "delivered", "returned", "will_not_deliver"}
    ),
    "ready_for_pickup": frozenset({"shipped", "out_for_delivery", "delivered", "returned", "will_not_deliver"}),
    "shipped": frozenset({"out_for_delivery", "delivered", "returned", "will_not_deliver"}),
    "out_for_delivery": frozenset({"delivered", "returned", "will_not_deliver"}),
    "delivered": frozenset({"returned"}),
    "returned": frozenset(),
    "will_not_deliver": frozenset(),
}
"""A status moves on and never back, whatever order the news arrives in."""


def payment_status(word: object) -> str:
    """Our payment status for the shop's word; `custom` for words of the shop's own and words we do not know."""
    return PAYMENT_TO_OURS.get(str(word), CUSTOM)


def shop_status(word: object) -> str:
    """Our shop status for the shop's fulfilment word; `custom` like in `payment_status`."""
    return FULFILMENT_TO_OURS.get(str(word), CUSTOM)
