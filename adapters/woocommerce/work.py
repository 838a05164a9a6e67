"""One call of an operation with everything it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters.base import Refused
from adapters.progress import order_reference
from adapters.woocommerce.client import Client
from adapters.woocommerce.progress import Words
from adapters.work import AnyWork

TITLE = "WooCommerce"


@dataclass(frozen=True, slots=True)
class Work(AnyWork[Client]):
    """One call with everything it needs."""

    words: Words

    @property
    def payload(self) -> Mapping[str, Any]:
        return self.call.payload

    def order(self) -> dict[str, Any]:
        """The order that the payload is about, as the shop has it now. Raises Refused when it is not there.

        An order that we know only by its number is looked up by that number as an id, which it is unless a plugin
        numbers orders in its own way: then another order may have that id, and nothing is done.
        """
        reference = order_reference(self.payload, self.memory, TITLE)
        order = self.client.order(reference)
        ref = self.payload.get("order")
        given = ref if isinstance(ref, Mapping) else {}
        bound = self.memory.external("order", str(given.get("id"))) or given.get("external_id")
        if not bound and str(order.get("number")) != reference:
            raise Refused(
                f"The shop has an order with id {reference}, but its number is {order.get('number')}: read the order anew, "
                "so that its id is known."
            )
        return order


def order_id(order: Mapping[str, Any]) -> str:
    return str(order["id"])
