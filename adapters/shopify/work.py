"""What every operation of the adapter works with."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters.base import Refused
from adapters.shopify.client import Client, gid, number_of
from adapters.shopify.mapping import Shop
from adapters.shopify.progress import ready_key
from adapters.shopify.queries import FIND_ORDER, ORDER_OF
from adapters.shopify.settings import flag_setting, table_setting
from adapters.work import AnyWork

_NAMESPACE = uuid.UUID("6f2f3b55-7d0e-4a53-9d0e-0f2b6f1f8d6a")


@dataclass(frozen=True, slots=True)
class Work(AnyWork[Client]):
    """One call with everything it needs."""

    def text(self, name: str) -> str:
        """A text the payload must have, short enough for a query. Raises Refused when it does not."""
        value = AnyWork.text(self, name)
        if len(value) > 500:
            raise Refused(f"The {name} of the command {self.call.operation} is longer than 500 characters.")
        return value

    def key(self, *parts: object) -> str:
        """An idempotency key: the same for the same command, and for the same parts of it."""
        return str(uuid.uuid5(_NAMESPACE, "\n".join((self.call.idempotency_key, *map(str, parts)))))

    def shop(self) -> Shop:
        """What snapshots need to know."""
        return Shop(
            outlet_of=lambda location: self.memory.ours("outlet", location),
            ready=lambda order: self.memory.get(ready_key(order)) is True,
            outlet_by_shipping_method=table_setting(self.connection, "outlet_by_shipping_method"),
            authorised_is_paid=flag_setting(self.connection, "authorised_is_paid"),
        )

    def order_id(self) -> str:
        """The global id of payload["order"]: what is bound to our id, or else found by its number (`#1042`)."""
        given = self.call.payload.get("order")
        order: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
        ours = order.get("id")
        bound = self.memory.external("order", ours) if isinstance(ours, str) and ours else None
        found = bound or order.get("external_id")
        if isinstance(found, str) and re.fullmatch("[0-9]{1,19}", found):
            return gid("Order", found)
        number = order.get("number")
        if isinstance(number, str) and number.strip() and len(number) <= 100:
            return self._by_name(number.strip())
        raise Refused(f"The command {self.call.operation} names no order that Shopify knows.")

    def _by_name(self, name: str) -> str:
        rows = self.client.query(FIND_ORDER, q=f"name:{quoted(name)}").get("orders")
        found = [each for each in (rows or {}).get("nodes") or () if each.get("name") == name]
        if len(found) != 1:
            raise Refused(f"Shopify has {'no order' if not found else 'more than one order'} named {name!r}.")
        return str(found[0]["id"])

    def external_order(self) -> str:
        """The global id of payload["external_id"]: an order's number, or a fulfilment order of it."""
        given = self.text("external_id")
        if given.startswith("gid://shopify/FulfillmentOrder/") and number_of(given):
            part = self.client.query(ORDER_OF, id=given).get("fulfillmentOrder")
            if not isinstance(part, Mapping):
                raise Refused(f"Shopify shows no fulfillment order {number_of(given)}: it is gone, or of another service.")
            return str(part.get("orderId"))
        number = number_of(given) or given
        if not re.fullmatch("[0-9]{1,19}", number):
            raise Refused(f"{given[:60]!r} is not the id of an order in Shopify.")
        return gid("Order", number)


def quoted(value: str) -> str:
    """A value in the vendor's search syntax."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
