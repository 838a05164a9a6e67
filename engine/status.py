"""How the statuses of parts become one status of the whole.

Shops know one fulfilment status per order, tills one per fulfilment. The whole has reached what its least far part has
reached: a fold that does not care about the order or repetition of what it is given, and never runs ahead of a part.
"""

from __future__ import annotations

from collections.abc import Iterable

PROGRESS = {"new": 0, "in_progress": 1, "packed": 2, "completed": 3}

SHOP_PROGRESS = {
    "awaiting_processing": 0, "custom": 0, "on_hold": 0, "processing": 1, "awaiting_shipment": 2, "ready_for_pickup": 2,
    "partly_shipped": 2, "shipped": 3, "out_for_delivery": 4, "delivered": 5, "completed": 5, "returned": 6,
    "will_not_deliver": 6, "cancelled": 6,
}  # fmt: skip


def roll_up(statuses: Iterable[str]) -> str:
    """The fulfilment status of an order from those of its fulfilments.

    Cancelled parts do not hold the rest back; when all are cancelled so is the whole; without parts it is new.
    """
    parts = list(statuses)
    active = [s for s in parts if s != "cancelled"]
    if active:
        return min(active, key=PROGRESS.__getitem__)
    return "cancelled" if parts else "new"


def payment_roll_up(total: int, received: int, refunded: int, shop_says: str = "") -> str:
    """The payment status of an order, amounts in minor units.

    `received` and `refunded` are sums of the payments that count. What the shop says about refunds and cancellation
    counts too, because it reports them without an amount.
    """
    if shop_says == "cancelled":
        return "cancelled"
    if shop_says == "refunded" or (refunded > 0 and refunded >= received):
        return "refunded"
    if shop_says == "partly_refunded" or refunded > 0:
        return "partly_refunded"
    if received >= total:
        return "paid"
    return "partly_paid" if received > 0 else "unpaid"
