"""BigCommerce's status ids and payment words in ours, both ways, and which status may follow which.

The ids are fixed, their labels can be renamed by the shop. Source: vendor OpenAPI orders.v2 and the statuses page.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from adapters.fields import text
from adapters.progress import CUSTOM
from engine.platforms import PLATFORM

INCOMPLETE, PENDING, SHIPPED, PARTLY_SHIPPED, REFUNDED, CANCELLED, DECLINED = range(7)
AWAITING_PAYMENT, AWAITING_PICKUP, AWAITING_SHIPMENT, COMPLETED, AWAITING_FULFILMENT, ON_HOLD, DISPUTED, PARTLY_REFUNDED = (
    range(7, 15)
)  # fmt: skip

STATUS_NAMES: Mapping[int, str] = {
    0: "Incomplete", 1: "Pending", 2: "Shipped", 3: "Partially Shipped", 4: "Refunded", 5: "Cancelled", 6: "Declined",
    7: "Awaiting Payment", 8: "Awaiting Pickup", 9: "Awaiting Shipment", 10: "Completed", 11: "Awaiting Fulfillment",
    12: "Manual Verification Required", 13: "Disputed", 14: "Partially Refunded",
}  # fmt: skip

UNFINISHED = frozenset({INCOMPLETE, PENDING})
"""The customer is still in the checkout, or left it."""

FINAL = frozenset({SHIPPED, REFUNDED, CANCELLED, DECLINED, COMPLETED})
"""Nothing is left to do: archiving such an order is tidying up and no cancellation."""

TO_THEIRS: Mapping[str, int] = {
    "awaiting_processing": AWAITING_FULFILMENT, "awaiting_shipment": AWAITING_SHIPMENT,
    "ready_for_pickup": AWAITING_PICKUP, "partly_shipped": PARTLY_SHIPPED, "shipped": SHIPPED, "completed": COMPLETED,
    "on_hold": ON_HOLD, "cancelled": CANCELLED,
}  # fmt: skip
"""What we can write. Only 11 is written for awaiting_processing: 7 says that it is not paid."""

assert set(TO_THEIRS) == set(PLATFORM["bigcommerce"].shop_statuses)

_TO_OURS: Mapping[int, str] = {
    INCOMPLETE: "awaiting_processing", PENDING: "awaiting_processing", AWAITING_PAYMENT: "awaiting_processing",
    DECLINED: "cancelled", **{theirs: ours for ours, theirs in TO_THEIRS.items()},
}  # fmt: skip

_LATER = frozenset({"partly_shipped", "shipped", "completed", "cancelled"})
MAY_FOLLOW: Mapping[str, frozenset[str]] = {
    "awaiting_processing": frozenset(TO_THEIRS) - {"awaiting_processing"},
    "on_hold": frozenset(TO_THEIRS) - {"on_hold"},
    "awaiting_shipment": _LATER | {"on_hold", "ready_for_pickup"},
    "ready_for_pickup": _LATER,
    "partly_shipped": frozenset({"shipped", "completed", "cancelled"}),
    "shipped": frozenset({"completed"}),
    "completed": frozenset(),
    "cancelled": frozenset(),
}
"""A status moves on and never back, whatever order the news arrives in. What was sent whole cannot be cancelled any more."""

_PAYMENT_TO_OURS: Mapping[str, str] = {
    "authorized": "unpaid", "capture pending": "unpaid", "held for review": "unpaid", "declined": "unpaid",
    "captured": "paid", "paid": "paid", "partially refunded": "partly_refunded", "refunded": "refunded",
    "void": "cancelled", "void pending": "cancelled",
}  # fmt: skip
"""An authorisation is no payment yet: it counts once the money is captured."""

OFFLINE = frozenset({"", "pending"})
"""Payment words that say nothing about the money: the status has to."""


def status_id(order: Mapping[str, Any]) -> int:
    """The order's status id; -1 when it makes no sense."""
    value = order.get("status_id")
    return value if isinstance(value, int) and not isinstance(value, bool) else -1


def payment_word(order: Mapping[str, Any]) -> str:
    """The order's own payment word, lower case, empty when it has none."""
    return (text(order, "payment_status") or "").lower()


def units(value: object) -> int:
    """A number of units as a whole number; 0 when it makes no sense."""
    try:
        return int(Decimal(str(value)))
    except (ArithmeticError, ValueError):
        return 0


def shop_status(order: Mapping[str, Any], *, sent: int, wanted: int, collected: bool = False) -> str:
    """Our word for how far the order is.

    A refund overwrites the status, so a refunded order's progress is told by how many of its wanted units were `sent` and
    whether its pickups were `collected`. `custom` for Disputed and statuses we do not know.
    """
    status = status_id(order)
    if status not in (REFUNDED, PARTLY_REFUNDED):
        return _TO_OURS.get(status, CUSTOM)
    if collected:
        return "completed"
    if sent <= 0:
        return "awaiting_processing"
    return "shipped" if sent >= wanted else "partly_shipped"


def payment_status(order: Mapping[str, Any], *, status_means_paid: bool = True, before_hold: str = "") -> str:
    """Our word for whether the order is paid.

    Where the payment itself says nothing (offline methods), the status says it, unless `status_means_paid` is off;
    `before_hold` is the word from before we put the order on hold, which the status then no longer shows. An order that
    costs nothing is paid.
    """
    status, word = status_id(order), payment_word(order)
    if status in UNFINISHED:
        return "incomplete"
    if word == "refunded" or status == REFUNDED:
        return "refunded"
    if word == "partially refunded" or status == PARTLY_REFUNDED:
        return "partly_refunded"
    known = _PAYMENT_TO_OURS.get(word)
    if known == "unpaid" and status in (CANCELLED, DECLINED):
        return "cancelled"
    if known is not None:
        return known
    return CUSTOM if word not in OFFLINE else _by_status(order, status, status_means_paid, before_hold)


def _by_status(order: Mapping[str, Any], status: int, status_means_paid: bool, before_hold: str) -> str:
    if status in (CANCELLED, DECLINED):
        return "cancelled"
    if _is_free(order):
        return "paid"
    if status == ON_HOLD and before_hold:
        return before_hold
    if status in (AWAITING_PAYMENT, ON_HOLD, DISPUTED):
        return "unpaid"
    return "paid" if status_means_paid else "unpaid"


def _is_free(order: Mapping[str, Any]) -> bool:
    try:
        return Decimal(str(order.get("total_inc_tax"))) == 0
    except ArithmeticError:
        return False
