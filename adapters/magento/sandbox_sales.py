"""What may happen to a sandbox order and what it does to it: Magento's state machine, worked out anew at each save.

Pure: documents in Magento's field names in, changed documents out. Follows `Sales/Model/Order.php`, `Order/Item.php` and
`ResourceModel/Order/Handler/State.php` of magento2.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

CENT = Decimal("0.01")
_NOTHING = Decimal(0)

STATUSES: tuple[tuple[str, str, str, bool], ...] = (
    ("pending", "Pending", "new", True),
    ("pending_payment", "Pending Payment", "pending_payment", True),
    ("payment_review", "Payment Review", "payment_review", True),
    ("fraud", "Suspected Fraud", "payment_review", False),
    ("processing", "Processing", "processing", True),
    ("packed", "Packed", "processing", False),
    ("complete", "Complete", "complete", True),
    ("closed", "Closed", "closed", True),
    ("canceled", "Canceled", "canceled", True),
    ("holded", "On Hold", "holded", True),
)
"""Status, label, state, whether it is the state's default. `packed` is one that this shop made itself."""

Order = dict[str, Any]
Item = dict[str, Any]


def number(values: Mapping[str, Any], key: str) -> Decimal:
    """A number of a document, 0 when absent."""
    value = values.get(key)
    return Decimal(str(value)) if value is not None else _NOTHING


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def default_status(state: str) -> str:
    return next(status for status, _, of, default in STATUSES if of == state and default)


def statuses_of(state: str) -> list[str]:
    """The statuses assigned to a state."""
    return [status for status, _, of, _ in STATUSES if of == state]


def parent_of(order: Order, item: Item) -> Item | None:
    return next((each for each in order["items"] if each["item_id"] == item.get("parent_item_id")), None)


def children_of(order: Order, item: Item) -> list[Item]:
    return [each for each in order["items"] if each.get("parent_item_id") == item["item_id"]]


def is_dummy(order: Order, item: Item, *, shipping: bool) -> bool:
    """Whether an item does not count: of a parent and its children only one side is shipped, and one is invoiced."""
    parent, children = parent_of(order, item), children_of(order, item)
    if parent is not None:
        return not _counts_by_part(parent, shipping)
    return bool(children) and _counts_by_part(item, shipping)


def _counts_by_part(parent: Item, shipping: bool) -> bool:
    if parent["product_type"] != "bundle":
        return False
    return parent.get("_separately") is True if shipping else parent.get("_dynamic") is True


def open_to_ship(order: Order, item: Item) -> Decimal:
    if item.get("is_virtual") or is_dummy(order, item, shipping=True):
        return _NOTHING
    gone = sum((number(item, f"qty_{what}") for what in ("shipped", "refunded", "canceled")), _NOTHING)
    return max(_NOTHING, number(item, "qty_ordered") - gone)


def open_to_invoice(order: Order, item: Item) -> Decimal:
    if is_dummy(order, item, shipping=False):
        return _NOTHING
    return max(_NOTHING, number(item, "qty_ordered") - number(item, "qty_invoiced") - number(item, "qty_canceled"))


def open_to_refund(order: Order, item: Item) -> Decimal:
    if is_dummy(order, item, shipping=False):
        return _NOTHING
    return max(_NOTHING, number(item, "qty_invoiced") - number(item, "qty_refunded"))


def can_unhold(order: Order) -> bool:
    return bool(order["state"] == "holded")


def can_hold(order: Order) -> bool:
    return order["state"] not in ("canceled", "payment_review", "complete", "closed", "holded")


def can_invoice(order: Order) -> bool:
    if order["state"] in ("holded", "payment_review", "canceled", "complete", "closed"):
        return False
    return any(open_to_invoice(order, item) for item in order["items"])


def can_ship(order: Order) -> bool:
    if order["state"] in ("holded", "payment_review", "canceled") or order["is_virtual"]:
        return False
    return any(open_to_ship(order, item) for item in order["items"])


def can_refund(order: Order) -> bool:
    if order["state"] in ("holded", "payment_review", "canceled", "closed"):
        return False
    return abs(number(order, "total_paid") - number(order, "total_refunded")) >= Decimal("0.0001")


def can_cancel(order: Order) -> bool:
    if order["state"] in ("holded", "payment_review", "canceled", "complete", "closed"):
        return False
    return any(open_to_invoice(order, item) for item in order["items"])


def cancel_items(order: Order) -> dict[int, Decimal]:
    """Cancel what is neither invoiced nor sent; gives the units by item. The order is cancelled unless something invoiced
    is left."""
    state, gone = "canceled", dict[int, Decimal]()
    for item in order["items"]:
        if state != "processing" and open_to_refund(order, item):
            state = "processing" if open_to_ship(order, item) > _to_cancel(order, item) else "complete"
        units = _to_cancel(order, item)
        if units:
            item["qty_canceled"] = number(item, "qty_canceled") + units
            gone[item["item_id"]] = units
    uninvoiced = number(order, "grand_total") - number(order, "total_invoiced")
    order["total_canceled"] = uninvoiced
    set_state(order, state)
    return gone


def _to_cancel(order: Order, item: Item) -> Decimal:
    """Units of an item that are neither invoiced nor sent."""
    units = open_to_invoice(order, item)
    unsent = number(item, "qty_ordered") - sum((number(item, f"qty_{what}") for what in ("shipped", "refunded", "canceled")), _NOTHING)
    return min(units, max(_NOTHING, unsent))


def set_state(order: Order, state: str, status: str = "") -> None:
    order["state"], order["status"] = state, status or default_status(state)


def recompute(order: Order, *, in_process: bool = False) -> None:
    """What saving an order does to its state; `in_process` when an invoice or shipment was just made."""
    if order["state"] in ("new", "pending_payment") and in_process:
        set_state(order, "processing")
    if order["state"] in ("canceled", "holded") or can_invoice(order):
        return
    if order["state"] in ("processing", "complete") and not can_refund(order) and not can_ship(order):
        paid_back = number(order, "total_refunded") > 0
        set_state(order, "closed" if paid_back or number(order, "grand_total") > 0 else "complete")
    elif order["state"] == "processing" and not can_ship(order):
        set_state(order, "complete")


def item_value(item: Item, quantity: Decimal) -> Decimal:
    """What so many units of an item come to in an invoice or credit memo: with tax, less discount."""
    row = sum((number(item, name) for name in ("row_total", "tax_amount", "discount_tax_compensation_amount")), _NOTHING)
    return cents((row - number(item, "discount_amount")) * quantity / number(item, "qty_ordered"))


def public(order: Order) -> Order:
    """An order as the API gives it: nothing of ours, and no field without a value."""
    items = [{name: value for name, value in item.items() if not name.startswith("_") and value is not None} for item in order["items"]]
    return {name: value for name, value in order.items() if value is not None and not name.startswith("_")} | {"items": items}
