"""What can happen to an order, as representative facts: the rows of the status matrix.

One order stands for all: 50 euro, one article, placed at noon on a Wednesday, paid unless the row says otherwise. A rule
that looks at more than platform, kind, statuses and money may say otherwise for another order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from engine.calendar import in_time
from engine.types import Fact, Money, Value
from engine.vocabulary import SHOP_STATUSES

NOON = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)
_TOTAL = Money(5000, "EUR")
_OUTLETS = ("first", "second")


@dataclass(frozen=True)
class Happening:
    """One row: something that happens on one side, for deliveries, pickup or both.

    `event` is the type of event that tells it, `by` the role of who tells it. `order` are the fields of the order it
    differs in, `payment` those of the payment that came, `parts` how far each outlet is. `group` is the heading it
    stands under, `after` the row whose word the shop usually shows by then (empty: it shows a new order), `about` the
    groups of demands it is about, the most telling first: they also say why nothing is told.
    """

    name: str
    title: str
    group: str
    event: str
    by: str = "till"
    order: Mapping[str, Value] = field(default_factory=dict)
    payment: Mapping[str, Value] = field(default_factory=dict)
    parts: tuple[str, ...] = ("new",)
    after: str = ""
    about: tuple[str, ...] = ("shop_status",)
    types: tuple[str, ...] = ("delivery", "pickup")
    pickup_title: str = ""

    def title_for(self, fulfilment_type: str) -> str:
        """What happens, in words, to an order of that kind."""
        return self.pickup_title if self.pickup_title and fulfilment_type == "pickup" else self.title


def _moved(name: str, title: str, status: str, *, after: str, parts: tuple[str, ...] = (), pickup_title: str = "") -> Happening:
    return Happening(
        name, title, "Progress", "fulfilment.status_changed", order={"fulfilment_status": status}, after=after,
        parts=parts or (status,), pickup_title=pickup_title,
    )  # fmt: skip


def _money(name: str, title: str, event: str, screen: str, amount: int, order: Mapping[str, Value], after: str) -> Happening:
    payment: dict[str, Value] = {"from": "till", "screen": screen, "method": "Cash", "amount": Money(amount, "EUR")}
    return Happening(name, title, "Money", event, order=order, payment=payment, after=after, about=("shop_payment", "refund", "shop_status"))


_SENT: Mapping[str, Value] = {"state": "completed", "fulfilment_status": "completed"}
_UNPAID: Mapping[str, Value] = {"shop_payment_status": "unpaid", "payment_status": "paid"}

HERE: tuple[Happening, ...] = (
    Happening("assigned", "Outlet chosen", "Progress", "order.placed", by="shop"),
    _moved("in_progress", "In progress", "in_progress", after="assigned"),
    _moved("packed", "Packed", "packed", after="in_progress"),
    _moved("part_done", "One outlet is done, another is not", "new", parts=("completed", "new"), after="in_progress"),
    _moved("completed", "Shipped", "completed", after="packed", pickup_title="Collected"),
    Happening("tracking", "Tracking number known", "Progress", "shipment.tracking_added", by="other",
              order={"tracking_number": "3SWISSEL1", "fulfilment_status": "packed"}, parts=("packed",), after="packed",
              about=("tracking", "shop_status"), types=("delivery",)),
    _money("paid", "Paid at the sell screen", "payment.received", "sell_screen", 5000, _UNPAID, "assigned"),
    _money("paid_in_history", "Paid, noted in the sales history", "payment.received", "sales_history", 5000, _UNPAID, "assigned"),
    _money("partly_refunded", "Partly refunded", "payment.refunded", "sell_screen", -1000,
           {**_SENT, "payment_status": "partly_refunded"}, after="completed"),
    _money("refunded", "Refunded", "payment.refunded", "sell_screen", -5000, {**_SENT, "payment_status": "refunded"}, after="completed"),
    Happening("cancelled", "Cancelled", "Cancelled and held", "order.cancelled",
              order={"state": "cancelled", "fulfilment_status": "cancelled"}, parts=("cancelled",), after="assigned"),
    Happening("held", "Held", "Cancelled and held", "order.placed", by="shop", order={"state": "held"}, parts=()),
    Happening("released", "No longer held", "Cancelled and held", "order.reconsidered", by="other", after="held"),
)  # fmt: skip
"""What happens on our side, in the order of an order's life."""


def _shown(status: str) -> Happening:
    return Happening(
        f"shows_{status}", status, "Status", "order.updated", by="shop",
        order={"shop_status": status, "previous_shop_status": "awaiting_processing"}, about=("till_sale", "till_status"),
    )  # fmt: skip


def _payment_shown(name: str, title: str, before: str, after: str, ours: str) -> Happening:
    order: dict[str, Value] = {"shop_payment_status": after, "previous_shop_payment_status": before, "payment_status": ours}
    return Happening(name, title, "Payment", "order.updated", by="shop", order=order, about=("till_sale", "till_payment", "till_status"))


THERE: tuple[Happening, ...] = (
    *(_shown(status) for status in SHOP_STATUSES),
    _payment_shown("pays", "paid", "unpaid", "paid", "paid"),
    _payment_shown("refunds_partly", "partly_refunded", "paid", "partly_refunded", "partly_refunded"),
    _payment_shown("refunds", "refunded", "paid", "refunded", "refunded"),
    _payment_shown("cancels_payment", "cancelled", "paid", "cancelled", "cancelled"),
)
"""What a shop may come to show; the title is our word for it."""


def facts_of(happening: Happening, platform: str, fulfilment_type: str, **order: Value) -> list[Fact]:
    """The facts of one cell, with every field that facts of a real order have. `order` are fields over the row's own."""
    told_by = {"shop": platform, "till": "lightspeed_retail"}.get(happening.by, "api")
    values = {**_order(fulfilment_type, happening), **happening.order, **order}
    facts = [
        Fact("event", "event", {
            "type": happening.event, "from": happening.by, "platform": told_by, "imported": False, "time": NOON,
            "received_at": NOON,
        }),
        Fact("shop", "shop", {"name": "shop", "platform": platform}),
        Fact("till", "till", {"name": "till", "platform": "lightspeed_retail"}),
        Fact("order", "order", values),
        *_parts(happening, fulfilment_type, str(values["fulfilment_status"])),
        *([Fact("payment", "payment", dict(happening.payment))] if happening.payment else []),
    ]  # fmt: skip
    return in_time(facts, UTC, NOON)


def _order(fulfilment_type: str, happening: Happening) -> dict[str, Value]:
    return {
        "number": "1001", "state": "open", "known": happening.event != "order.placed", "fulfilment_type": fulfilment_type,
        "fulfilment_status": "new", "split": len(happening.parts) > 1, "shop_status": "awaiting_processing",
        "shop_payment_status": "paid", "payment_status": "paid", "on_till": happening.event != "order.placed",
        "total": _TOTAL, "paid": _TOTAL, "has_goods": True, "line_count": 1, "unit_count": 1, "placed_at": NOON,
    }  # fmt: skip


def _parts(happening: Happening, fulfilment_type: str, whole: str) -> Iterator[Fact]:
    """One part is as far as the whole order is; of several each stands as the row says."""
    parts = happening.parts if len(happening.parts) != 1 else (whole,)
    changed = happening.event == "fulfilment.status_changed"
    for number, (outlet, status) in enumerate(zip(_OUTLETS, parts, strict=False)):
        values: dict[str, Value] = {
            "outlet": outlet, "status": status, "type": fulfilment_type, "changed": changed and number == 0,
        }  # fmt: skip
        yield Fact("fulfilment", outlet, values | ({"previous_status": "in_progress"} if values["changed"] else {}))
