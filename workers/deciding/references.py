"""Finding and locking the order an event speaks of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from store import orders
from store.order_models import Order
from workers.deciding.scene import Refusal, Scene, Waiting


def locked_order(scene: Scene) -> Order:
    """The order named by the event's data, locked until the decision is committed.

    Raises Waiting when nobody told us about it yet, Refusal when the reference fits several orders.
    """
    reference: Mapping[str, Any] = scene.data["order"]
    try:
        order = orders.by_reference(scene.session, reference)
    except orders.UnknownOrder as unknown:
        if "id" in reference:
            raise Refusal(str(unknown)) from None
        raise Waiting(
            f"waits for order {reference['number']}, which nobody has told us about yet", waiting_subject(reference["number"])
        ) from None
    except orders.AmbiguousOrder as ambiguous:
        raise Refusal(str(ambiguous)) from None
    scene.order = orders.lock(scene.session, order.id)
    return scene.order


def waiting_subject(number: str) -> str:
    """What events that wait for an order are filed under."""
    return f"order-number:{number}"
