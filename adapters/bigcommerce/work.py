"""One command with everything it needs, and the order it is about as the shop has it now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters.base import NewEvent, Refused
from adapters.bigcommerce.client import Client, data_rows, number_id
from adapters.bigcommerce.mapping import Shop, has_lines, how_far, lines_of, order_event, pickups_of
from adapters.bigcommerce.progress import (
    ON_HOLD,
    PARTLY_REFUNDED,
    PARTLY_SHIPPED,
    REFUNDED,
    payment_status,
    status_id,
    units,
)
from adapters.bigcommerce.settings import flag_setting, setting, table_setting
from adapters.fields import objects
from adapters.progress import order_reference
from adapters.work import AnyWork

WHOLE: Mapping[str, str] = {"include": "consignments.line_items,fees", "consignment_structure": "object"}
"""Parameters that make an order come with its lines and addresses inside."""


@dataclass(frozen=True, slots=True)
class Work(AnyWork[Client]):
    """One call with everything it needs."""

    def object(self, name: str) -> Mapping[str, Any]:
        """An object the payload must have. Raises Refused when it does not."""
        value = self.call.payload.get(name)
        if not isinstance(value, Mapping):
            raise Refused(f"The command {self.call.operation} lacks {name}.")
        return value

    def lines(self, values: Mapping[str, Any] | None = None) -> list[tuple[str, int]]:
        """(line id, units) of the payload's lines. Raises Refused for units that are none."""
        return [_line(each) for each in objects(self.call.payload if values is None else values, "lines")]

    def order_id(self) -> int:
        """The order of the payload, as the number it has over there. Raises Refused when it names none."""
        return number_id(order_reference(self.call.payload, self.memory, "BigCommerce"))

    def order(self, order_id: int) -> dict[str, Any]:
        """One order with its lines. Raises Refused when there is none."""
        order = self.client.v2(f"orders/{order_id}", **WHOLE)
        if order.get("id") != order_id:
            raise Refused(f"The shop has no order {order_id}.")
        return self.complete(order)

    def complete(self, order: dict[str, Any]) -> dict[str, Any]:
        """The order with its lines, asked for once more when they did not come with it."""
        if has_lines(order):
            return order
        path = f"orders/{order.get('id')}/consignments"
        return order | {"consignments": self.client.v2(path, include="consignments.line_items")}

    def shipments(self, order_id: int) -> list[dict[str, Any]]:
        """Every shipment of an order, oldest first."""
        return sorted(self.client.v2_all(f"orders/{order_id}/shipments"), key=lambda each: units(each.get("id")))

    def pickups(self, order_id: int) -> list[dict[str, Any]]:
        """The pickup records of an order: what was made ready and what was collected. The list is not paged."""
        found = data_rows(self.client.v3("orders/pickups", **{"order_id:in": order_id}), "orders/pickups")
        return [each for each in found if each.get("order_id") == order_id]

    def event(self, order: dict[str, Any], *, briefly: bool = False) -> NewEvent:
        """What there is to tell of an order. `briefly` leaves out the tracking of orders that are done (first imports)."""
        order_id = number_id(order.get("id"))
        known = self.memory.ours("order", str(order_id)) is not None
        sent = units(order.get("items_shipped")) > 0
        shop = Shop(
            currency=str(setting(self.connection, "currency")).upper(),
            outlet_by_shipping_method=table_setting(self.connection, "outlet_by_shipping_method"),
            outlet_by_location=self._outlets(order),
            status_means_paid=flag_setting(self.connection, "status_means_paid"),
            bundle_parent_ships=flag_setting(self.connection, "bundle_parent_ships"),
            before_hold=self.before_hold(order),
            shipments=self.shipments(order_id) if sent and (not briefly or status_id(order) == PARTLY_SHIPPED) else (),
            collected=self.collected(order),
        )
        return order_event(order, shop, known=known)

    def _outlets(self, order: Mapping[str, Any]) -> dict[str, str]:
        """Which of our outlets the order's pickup locations are linked to."""
        places = (
            str(each["location"]["id"])
            for each in pickups_of(order)
            if isinstance(each.get("location"), Mapping) and each["location"].get("id")
        )
        return {place: outlet for place in places if (outlet := self.memory.ours("outlet", place))}

    def present(self, order: Mapping[str, Any]) -> tuple[str, str]:
        """Our words for the order's status and payment as they are now."""
        paid = payment_status(
            order,
            status_means_paid=flag_setting(self.connection, "status_means_paid"),
            before_hold=self.before_hold(order),
        )
        parents = flag_setting(self.connection, "bundle_parent_ships")
        return how_far(order, collected=self.collected(order), bundle_parent_ships=parents), paid

    def collected(self, order: Mapping[str, Any]) -> bool:
        """Whether a refunded order was collected: a refund overwrites the status, only the pickup records still tell."""
        hidden = status_id(order) in (REFUNDED, PARTLY_REFUNDED) and bool(pickups_of(order))
        return hidden and is_collected(self.pickups(number_id(order.get("id"))))

    def before_hold(self, order: Mapping[str, Any]) -> str:
        """Our word for the payment from before we held the order, while it is on hold."""
        kept = self.memory.get(held(order.get("id"))) if status_id(order) == ON_HOLD else None
        return kept if isinstance(kept, str) else ""

    def line(self, order: Mapping[str, Any], line_id: str) -> Mapping[str, Any]:
        """One line of the order. Raises Refused when it is not there any more."""
        for item in lines_of(order):
            if str(item.get("id")) == line_id:
                return item
        raise Refused(f"Order {order.get('id')} has no line {line_id} any more: look at the order in the shop.")


def held(order_id: object) -> str:
    """Where we remember how a held order was paid."""
    return f"held:{order_id}"


def is_collected(pickups: list[dict[str, Any]]) -> bool:
    """Whether everything that was made ready was collected."""
    items = [item for each in pickups for item in objects(each, "pickup_items")]
    return bool(items) and all(item.get("collected_at") or item.get("status") == "COLLECTED" for item in items)


def _line(values: Mapping[str, Any]) -> tuple[str, int]:
    line, quantity = values.get("line"), values.get("quantity")
    if not line or isinstance(quantity, bool) or not isinstance(quantity, int) or quantity < 1:
        raise Refused(f"A line of the command names no line or no whole number of units: {dict(values)!r}.")
    return str(line), quantity
