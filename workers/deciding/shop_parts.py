"""What shops are told of the parts of an order: which outlet does what, what each outlet sent, and refunds.

Only shops that can show such things are asked (`engine.platforms`); what a shop was told is kept in the order's `told`, so
that nothing is said twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.money import to_text
from engine.platforms import PLATFORM
from engine.types import Run
from store import trackings
from store.models import Connection
from store.order_models import Fulfilment, Order, Payment, Tracking
from workers.deciding.scene import Scene
from workers.deciding.told import order_reference, order_subject, remember


def can(shop: Connection, outcome: str) -> bool:
    """Whether a shop of this platform can meet a demand of `status_to_shop`."""
    platform = PLATFORM.get(shop.platform)
    return platform is not None and platform.can(outcome)


def show_outlets(scene: Scene, shop: Connection, order: Order, run: Run) -> None:
    """Tell the shop which outlet does which part, when the rules say so and it was not told the same."""
    demand = run.first("assign outlets in shop")
    if demand is None or not order.fulfilments or not can(shop, demand.name):
        return
    parts = [_part(f) for f in order.fulfilments if f.status != "cancelled"]
    shown = {part["outlet"]: {line["line"]: line["quantity"] for line in part["lines"]} for part in parts}
    if order.told.get("shop.outlets") == shown:
        return
    scene.tell(
        shop, "assign_fulfilments", order_subject(order), {"order": order_reference(order), "fulfilments": parts}, because=demand.rule
    )
    scene.change("shop is told outlets", "", " + ".join(shown))
    remember(order, **{"shop.outlets": shown})


def ship(scene: Scene, shop: Connection, order: Order, run: Run) -> None:
    """Tell the shop what each outlet sent or handed over, one shipment for each, when the rules say so."""
    demands = run.targets("ship fulfilment")
    if not demands or not can(shop, "ship fulfilment"):
        return
    parcels = trackings.of_order(scene.session, order.id)
    for fulfilment in order.fulfilments:
        demand = demands.get(fulfilment.outlet)
        if demand is None:
            continue
        parcel = _parcel(fulfilment, parcels, alone=len(order.fulfilments) == 1)
        said = {"number": parcel.number if parcel else ""}
        if order.told.get(f"shop.shipped.{fulfilment.id}") == said:
            continue
        scene.tell(shop, "ship_fulfilment", order_subject(order), {
            "order": order_reference(order),
            "fulfilment": {"id": fulfilment.id, "outlet": fulfilment.outlet, "pickup": fulfilment.type == "pickup"},
            "lines": _part(fulfilment)["lines"],
            **({"tracking": {"number": parcel.number, "url": parcel.url, "carrier": parcel.carrier}} if parcel else {}),
            "notify_customer": run.first("mail customer") is not None,
        }, because=demand.rule)  # fmt: skip
        scene.change(f"shop is told {fulfilment.outlet}", "", "sent" if fulfilment.type == "delivery" else "handed over")
        remember(order, **{f"shop.shipped.{fulfilment.id}": said})


def refund(scene: Scene, shop: Connection, order: Order, run: Run, payment: Payment | None) -> None:
    """Tell the shop of one refund, when the rules say so."""
    demand = run.first("refund in shop")
    if demand is None or payment is None or payment.amount_minor >= 0 or not can(shop, demand.name):
        return
    amount = to_text(-payment.amount_minor, payment.currency)
    scene.tell(shop, "refund_order", order_subject(order), {
        "order": order_reference(order),
        "reference": payment.reference,
        "amount": amount,
        "currency": payment.currency,
        "lines": _refunded_lines(scene.data, order),
        "reason": str(scene.data.get("reason") or ""),
        "restock": False,
        "pay_back": demand.arguments["money"] == "paid_back",
    }, because=demand.rule)  # fmt: skip
    scene.change("shop is told", "", f"refund of {amount} {payment.currency}")


def _part(fulfilment: Fulfilment) -> dict[str, Any]:
    return {
        "id": fulfilment.id,
        "outlet": fulfilment.outlet,
        "lines": [{"line": line.line, "sku": line.sku, "quantity": line.quantity} for line in fulfilment.lines],
    }


def _parcel(fulfilment: Fulfilment, parcels: Any, *, alone: bool) -> Tracking | None:
    """The newest parcel of an outlet. One that nobody named an outlet for counts where one outlet does it all, since
    two parts must not show the same parcel."""
    own = [parcel for parcel in parcels if parcel.outlet == fulfilment.outlet or (alone and not parcel.outlet)]
    return own[-1] if own else None


def _refunded_lines(data: Mapping[str, Any], order: Order) -> list[dict[str, Any]]:
    """The lines given back, if whoever reported the refund named them: by line, else by SKU."""
    by_line = {line.line for line in order.lines}
    by_sku = {line.sku: line.line for line in order.lines}
    found = []
    for line in data.get("lines") or []:
        name = line.get("line") if line.get("line") in by_line else by_sku.get(line.get("sku") or "")
        if name and int(line.get("quantity") or 0) > 0:
            found.append({"line": name, "quantity": int(line["quantity"])})
    return found
