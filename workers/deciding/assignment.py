"""From an order that was taken in to fulfilments at outlets: customer, outlets, stock, notifications, and the till."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine import assignment, sourcing
from engine.money import to_text
from engine.types import Fact
from store import customers, notifications, orders, stock
from store.columns import new_id
from store.models import Connection, Outlet
from store.order_models import Fulfilment, FulfilmentLine, Order
from workers.deciding import facts, statuses, told
from workers.deciding import stock as stock_handlers
from workers.deciding.scene import Scene


def assign(scene: Scene, order: Order) -> None:
    """Source an order: choose outlets, reserve stock, notify staff, hand it to the till, and tell shops the new stock.

    When the rules exclude every outlet or want shortages to wait, the order is held and nothing is reserved.
    """
    places = scene.setup.outlets
    known = _facts(scene, order, places)
    run = scene.judge("outlet_assignment", known)
    codes = [place.code for place in places]
    unknown = sorted(assignment.required(run) - set(codes))
    if unknown:
        _hold(scene, order, "rule", f"outlet {unknown[0]} is required for it, but no outlet has that code")
        return
    plan = assignment.plan(run, known)
    scene.sourcing = plan.as_dict()
    allowed = assignment.allowed(run, codes)
    if not allowed:
        _hold(scene, order, "rule", "the rules leave no outlet for it")
        return
    short = {s.line: s.quantity for s in plan.shortages}
    if short and not run.first("back-order shortage"):
        _hold(scene, order, "stock", _shortage_sentence(order, short))
        return
    parts = _with_the_rest(order, _parts(plan, short, allowed[0]), allowed[0])
    _carry_out(scene, order, plan, parts, short, places)


def _facts(scene: Scene, order: Order, places: Sequence[Outlet]) -> list[Fact]:
    """What the rules see of the order, the outlets and their stock, which stays locked until the decision is kept."""
    levels = stock.levels(scene.session, sorted({line.sku for line in order.lines}), lock=True)
    return [
        *facts.circumstances(scene.event, scene.connection, scene.shop_of(order)),
        facts.order_fact(order, known=False),
        *facts.line_facts(order.lines, order.currency, facts.articles(scene.session, order)),
        *facts.outlet_facts(places),
        *facts.stock_facts(levels.values()),
    ]


def _hold(scene: Scene, order: Order, held_for: str, reason: str) -> None:
    scene.change("order", order.state, "held")
    order.state, order.held_for, order.state_reason = "held", held_for, reason
    scene.note(f"The order is held: {reason}.")
    statuses.show_in_shop(scene, order)


def _shortage_sentence(order: Order, short: Mapping[str, int]) -> str:
    parts = [f"{short[line.line]} of {line.quantity} {line.sku}" for line in order.lines if line.line in short]
    return f"all outlets together are short of {', '.join(parts)}"


def _carry_out(
    scene: Scene,
    order: Order,
    plan: sourcing.Sourcing,
    parts: Mapping[str, Mapping[str, int]],
    short: Mapping[str, int],
    places: Sequence[Outlet],
) -> None:
    scene.change("order", order.state, "open")
    order.state, order.held_for, order.state_reason = "open", "", ""
    _write_fulfilments(scene, order, parts)
    wants = [(a.outlet, _sku(order, a.line), a.quantity) for a in plan.allocations]
    stock.reserve(scene.session, order.id, wants, event_id=scene.event.id, at=scene.at)
    if short:
        scene.note(f"Back-ordered: {_shortage_sentence(order, short)}.")
    for line in order.lines:
        line.back_ordered = short.get(line.line, 0)
    statuses.gate(scene, order, known=False)
    _notify(scene, order, [o for o in places if o.code in parts])
    _hand_to_till(scene, order, parts)
    statuses.show_in_shop(scene, order)
    stock_handlers.propagate(scene, stock_handlers.counted(order))


def _parts(plan: sourcing.Sourcing, short: Mapping[str, int], fallback: str) -> dict[str, dict[str, int]]:
    """Units per outlet and order line. Back-ordered units are packed where most of the order is, at the first outlet
    used, else at `fallback`."""
    parts: dict[str, dict[str, int]] = {outlet: {} for outlet in plan.outlets}
    for allocation in plan.allocations:
        units = parts.setdefault(allocation.outlet, {})
        units[allocation.line] = units.get(allocation.line, 0) + allocation.quantity
    for line, quantity in short.items():
        units = parts.setdefault(plan.outlets[0] if plan.outlets else fallback, {})
        units[line] = units.get(line, 0) + quantity
    return parts


def _with_the_rest(order: Order, parts: dict[str, dict[str, int]], fallback: str) -> dict[str, dict[str, int]]:
    """Lines for which nothing is packed go along with the first part, so that a till's sale adds up to the order."""
    for line in order.lines:
        if not line.needs_shipping:
            units = parts.setdefault(next(iter(parts), fallback), {})
            units[line.line] = line.quantity
    return parts


def _sku(order: Order, line: str) -> str:
    return next(row.sku for row in order.lines if row.line == line)


def _write_fulfilments(scene: Scene, order: Order, parts: Mapping[str, Mapping[str, int]]) -> None:
    for outlet, units in parts.items():
        order.fulfilments.append(Fulfilment(
            id=new_id(),
            merchant_id=order.merchant_id,
            outlet=outlet,
            type=order.fulfilment_type,
            status="new",
            status_at=scene.at,
            lines=[
                FulfilmentLine(merchant_id=order.merchant_id, line=line, sku=_sku(order, line), quantity=quantity)
                for line, quantity in units.items()
            ],
        ))  # fmt: skip
    order.fulfilment_status = "new"
    scene.change("outlets" if len(parts) > 1 else "outlet", "", " + ".join(parts))


def _notify(scene: Scene, order: Order, places: Sequence[Outlet]) -> None:
    run = scene.judge("staff_notification", [
        *facts.circumstances(scene.event, scene.connection, scene.shop_of(order)),
        facts.order_fact(order, known=False),
        *facts.outlet_facts(places),
    ])  # fmt: skip
    for code in run.targets("notify outlet"):
        notifications.keep(scene.session, order.id, code, f"New order {order.number} to {_verb(order)}", scene.at)


def _verb(order: Order) -> str:
    return "hand over" if order.fulfilment_type == "pickup" else "ship"


def _hand_to_till(scene: Scene, order: Order, parts: Mapping[str, Mapping[str, int]]) -> None:
    till = scene.till_of(order)
    if till is None:
        scene.note("No till is connected: the order stays here until one is.")
        return
    order.till_id = till.id
    paying = [p for p in order.payments if p.counts and p.amount_minor > 0]
    scene.tell(till, "place_sale", told.order_subject(order), {
        "order": _order_payload(scene, order),
        "customer": _customer(scene, order, till),
        "address": order.snapshot.get("shipping_address") or {},
        "lines": _line_payload(order, parts),
        "payments": [
            {
                "amount": to_text(p.amount_minor, p.currency),
                "method": p.processor or p.method,
                "reference": p.reference,
                "at": p.at.isoformat(),
            }
            for p in paying
        ],
        "note": _note(order),
    }, because="import order")  # fmt: skip
    told.remember(order, **{"till.paid_minor": sum(p.amount_minor for p in paying)})


def _order_payload(scene: Scene, order: Order) -> dict[str, Any]:
    shop = scene.shop_of(order)
    return {
        "id": order.id,
        "number": order.number,
        "placed_at": order.placed_at.isoformat(),
        "currency": order.currency,
        "total": to_text(order.total_minor, order.currency),
        "shipping_price": str(order.snapshot.get("shipping_price") or "0"),
        "discount": str(order.snapshot.get("discount") or "0"),
        "fulfilment_type": order.fulfilment_type,
        "comment": order.snapshot.get("comment") or "",
        "shop_platform": shop.platform if shop else "api",
    }


def _line_payload(order: Order, parts: Mapping[str, Mapping[str, int]]) -> list[dict[str, Any]]:
    return [
        {
            "id": line.line,
            "sku": line.sku,
            "name": line.name,
            "quantity": units[line.line],
            "unit_price": to_text(line.unit_price_minor, order.currency),
            "tax_rate": line.tax_rate,
            "outlet": outlet,
        }
        for outlet, units in parts.items()
        for line in order.lines
        if line.line in units
    ]


def _note(order: Order) -> str:
    """What staff at the till read beside the sale: the order's number and what the customer wrote."""
    return "\n".join(filter(None, [f"Order {order.number}", order.snapshot.get("comment") or ""]))


def _customer(scene: Scene, order: Order, till: Connection) -> dict[str, Any]:
    """Which profile the sale gets, as the rules say. A profile we know keeps its name."""
    run = scene.judge("customer_matching", [
        *facts.circumstances(scene.event, scene.connection, scene.shop_of(order)),
        facts.connection_fact("till", till),
        facts.order_fact(order, known=False),
    ])  # fmt: skip
    match, named = run.first("match customer"), run.first("name customer")
    name = str(named.arguments["name"]) if named else ""
    if order.customer_email:
        customers.keep(scene.session, order.customer_email, name)
    known = order.snapshot.get("customer") or {}
    return {
        "email": order.customer_email,
        "name": name,
        "first_name": known.get("first_name") or "",
        "last_name": known.get("last_name") or "",
        "phone": known.get("phone") or "",
        "match_by": str(match.arguments["key"]) if match else "none",
        "create": run.first("create customer") is not None,
    }


def numbers(scene: Scene, order: Order) -> None:
    """File the numbers the order is known by at the shop."""
    orders.add_number(scene.session, order, "order", order.number)
    if order.external_id != order.number:
        orders.add_number(scene.session, order, "shop id", order.external_id)
