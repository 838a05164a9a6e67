"""How far an order is in the shop: its fulfilment orders, which location has what to send, and what was sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.base import Refused, RetryLater
from adapters.fields import object_of, objects, text
from adapters.shopify.client import next_page, nodes, number_of
from adapters.shopify.mutations import OPEN, RELEASE
from adapters.shopify.progress import OPEN_STATES, ready_key, shop_status
from adapters.shopify.queries import MORE_OPEN_LINES, MORE_SENT_LINES, PROGRESS
from adapters.shopify.settings import text_setting
from adapters.shopify.work import Work

HANDLE = "wissel"
"""Our holds are known by this handle."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a fulfilment order: its own id, the number of the order line, units still to send."""

    id: str
    line: str
    remaining: int


@dataclass(frozen=True, slots=True)
class Part:
    """A fulfilment order. `location` is the number of the assigned location, empty when that is gone; `holds` are the ids
    of our holds, `foreign` the reasons of those of others."""

    id: str
    status: str
    actions: frozenset[str]
    method: str
    location: str
    place: str
    holds: tuple[str, ...]
    foreign: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATES and any(row.remaining for row in self.rows)

    def units(self) -> dict[str, int]:
        """Units still to send by order line."""
        found: dict[str, int] = {}
        for row in self.rows:
            if row.remaining:
                found[row.line] = found.get(row.line, 0) + row.remaining
        return found

    def __str__(self) -> str:
        return f"fulfilment order {number_of(self.id)} at {self.place}"


@dataclass(frozen=True, slots=True)
class Shipment:
    """A successful fulfilment: its number, the number of its location, units by order line, and tracking rows."""

    number: str
    location: str
    units: Mapping[str, int]
    tracking: tuple[Mapping[str, Any], ...]

    def has(self, tracking: Mapping[str, str]) -> bool:
        """Whether it carries this tracking already."""
        return any(
            row.get("number") == tracking.get("number") and (not tracking.get("url") or row.get("url") == tracking["url"])
            for row in self.tracking
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """An order as it stands."""

    id: str
    name: str
    cancelled: bool
    payment: str | None
    can_be_paid: bool
    status: str
    parts: tuple[Part, ...]
    shipments: tuple[Shipment, ...]

    @property
    def number(self) -> str:
        return number_of(self.id)

    @property
    def open(self) -> list[Part]:
        return [part for part in self.parts if part.is_open]

    @property
    def goods(self) -> list[Part]:
        """Open parts that somebody has to pack; not gift cards and downloads."""
        return [part for part in self.open if part.method != "NONE"]

    def lines(self) -> set[str]:
        """Every order line that is in a fulfilment order or was sent."""
        return {row.line for part in self.parts for row in part.rows} | {
            line for each in self.shipments for line in each.units
        }

    def demand_parts(self) -> None:
        """Raises RetryLater while the shop is still making the order's fulfilment orders."""
        if not self.parts and not self.cancelled:
            raise RetryLater(
                f"Shopify shows no fulfilment orders of {self.name}: it has not made them yet, or the app lacks the scope "
                "write_merchant_managed_fulfillment_orders."
            )


def standing(work: Work, order_id: str) -> Standing:
    """Read how far an order is. Raises Refused when there is no such order."""
    parts: list[Part] = []
    order: Mapping[str, Any] = {}
    after: str | None = None
    while True:
        found = work.client.query(PROGRESS, id=order_id, after=after).get("order")
        if not isinstance(found, Mapping):
            raise Refused(f"Shopify has no order {number_of(order_id)} any more.")
        order = order or found
        parts += [_part(work, each) for each in nodes(found, "fulfillmentOrders")]
        after = next_page(found, "fulfillmentOrders")
        if after is None:
            break
    number = number_of(order_id)
    digital = {row.line for part in parts if part.method == "NONE" for row in part.rows}
    shipments = tuple(_shipments(work, order))
    sent = any(set(each.units) - digital for each in shipments)
    return Standing(
        id=order_id, name=text(order, "name") or number, cancelled=bool(order.get("cancelledAt")),
        payment=text(order, "displayFinancialStatus"), can_be_paid=order.get("canMarkAsPaid") is True,
        status=shop_status(order, ready=work.memory.get(ready_key(number)) is True, sent=sent), parts=tuple(parts),
        shipments=shipments,
    )  # fmt: skip


def _part(work: Work, part: Mapping[str, Any]) -> Part:
    holds = objects(part, "fulfillmentHolds")
    ours = [each for each in holds if each.get("heldByRequestingApp") is True and each.get("handle") == HANDLE]
    assigned = object_of(part, "assignedLocation")
    rows = list(nodes(part, "lineItems"))
    after = next_page(part, "lineItems")
    while after is not None:
        more = object_of(work.client.query(MORE_OPEN_LINES, id=str(part.get("id")), after=after), "fulfillmentOrder")
        rows += nodes(more, "lineItems")
        after = next_page(more, "lineItems")
    return Part(
        id=str(part.get("id")), status=str(part.get("status")),
        actions=frozenset(str(each.get("action")) for each in objects(part, "supportedActions")),
        method=str(object_of(part, "deliveryMethod").get("methodType") or "NONE"),
        location=number_of(object_of(assigned, "location").get("id")), place=text(assigned, "name") or "no location",
        holds=tuple(str(each.get("id")) for each in ours),
        foreign=tuple(str(each.get("displayReason") or "a hold") for each in holds if each not in ours),
        rows=tuple(_row(each) for each in rows),
    )  # fmt: skip


def _row(row: Mapping[str, Any]) -> Row:
    remaining = row.get("remainingQuantity")
    units = remaining if isinstance(remaining, int) and not isinstance(remaining, bool) else 0
    return Row(str(row.get("id")), number_of(object_of(row, "lineItem").get("id")), max(units, 0))


def _shipments(work: Work, order: Mapping[str, Any]) -> Iterator[Shipment]:
    for each in objects(order, "fulfillments"):
        if each.get("status") != "SUCCESS":
            continue
        rows = list(nodes(each, "fulfillmentLineItems"))
        after = next_page(each, "fulfillmentLineItems")
        while after is not None:
            more = object_of(work.client.query(MORE_SENT_LINES, id=str(each.get("id")), after=after), "fulfillment")
            rows += nodes(more, "fulfillmentLineItems")
            after = next_page(more, "fulfillmentLineItems")
        units: dict[str, int] = {}
        for row in rows:
            line, count = number_of(object_of(row, "lineItem").get("id")), row.get("quantity")
            if line and isinstance(count, int) and not isinstance(count, bool):
                units[line] = units.get(line, 0) + count
        yield Shipment(
            number_of(each.get("id")), number_of(object_of(each, "location").get("id")), units,
            tuple(objects(each, "trackingInfo")),
        )  # fmt: skip


def hold_of(work: Work, notes: str | None) -> dict[str, Any]:
    """A hold of ours as the API takes it."""
    return {"reason": text_setting(work.connection, "hold_reason"), "handle": HANDLE, "reasonNotes": notes}


def make_ready_to_send(work: Work, part: Part) -> bool:
    """Take our own hold off a fulfilment order, and open a scheduled one. False when others still hold it."""
    if part.holds:
        work.client.change(RELEASE, id=part.id, holds=list(part.holds))
    elif part.status == "SCHEDULED" and "MARK_AS_OPEN" in part.actions:
        work.client.change(OPEN, id=part.id)
    return not part.foreign


def wanted_lines(lines: Any) -> dict[str, int]:
    """`[{"line", "quantity"}]` of a payload as units by order line. Raises Refused when it makes no sense."""
    found: dict[str, int] = {}
    for row in lines if isinstance(lines, Sequence) and not isinstance(lines, str) else ():
        line, units = (row.get("line"), row.get("quantity")) if isinstance(row, Mapping) else (None, None)
        if not isinstance(line, str) or not line or isinstance(units, bool) or not isinstance(units, int) or units < 0:
            raise Refused("A line of the command has no line id or no whole quantity.")
        if units:
            found[line] = found.get(line, 0) + units
    return found


def tracking_of(payload: Mapping[str, Any]) -> dict[str, str] | None:
    """The tracking of a payload as the API takes it; None when there is none."""
    given = payload.get("tracking")
    values: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
    found = {
        theirs: value
        for theirs, value in (("number", text(values, "number")), ("url", text(values, "url")), ("company", text(values, "carrier")))
        if value
    }
    return found if "number" in found or "url" in found else None
