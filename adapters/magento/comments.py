"""Comments on an order, always with a status that the shop allows, and holds taken off and put back.

Leaving the status out made orders vanish from the admin's lists in versions up to 2.4.3 (#34180); one that is not assigned
to the order's state is refused (`The status "%1" is not part of the order status history`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.base import Refused
from adapters.magento.progress import mark
from adapters.magento.work import Work


def add_comment(work: Work, order: Mapping[str, Any], words: str, tag: str, *, status: str = "", notify: bool = False) -> None:
    """Write a comment that can be known again by its mark. It is shown to the customer only when they are mailed."""
    work.client.post(f"orders/{order['entity_id']}/comments", {"statusHistory": {
        "comment": f"{words} {mark(tag)}",
        "status": status or str(order.get("status") or ""),
        "is_customer_notified": int(notify),
        "is_visible_on_front": int(notify),
        "parent_id": order["entity_id"],
    }})  # fmt: skip


def hold(work: Work, order: Mapping[str, Any]) -> None:
    """Put an order on hold. Raises Refused when the shop does not let it."""
    if work.client.post(f"orders/{order['entity_id']}/hold", {}) is not True:
        raise Refused(f"Order {order.get('increment_id')} cannot be put on hold in the shop: its state is {order.get('state')}.")


def released(work: Work, order: Mapping[str, Any], remarks: list[str]) -> Mapping[str, Any]:
    """The order off hold: nothing can be invoiced, sent, refunded or cancelled on hold."""
    if order.get("state") != "holded":
        return order
    if work.client.post(f"orders/{order['entity_id']}/unhold", {}) is not True:
        raise Refused(f"Order {order.get('increment_id')} is on hold in the shop and cannot be released: release it there.")
    remarks.append("it was on hold and was released for it")
    return work.client.order(str(order["entity_id"]))
