"""What outlets do with their parts of an order, as the till reports it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.status import roll_up
from store import orders, outlets, stock
from store.order_models import Fulfilment, FulfilmentLine, Order
from workers.deciding import statuses
from workers.deciding import stock as stock_handlers
from workers.deciding.references import locked_order
from workers.deciding.scene import Refusal, Scene


def sale_placed(scene: Scene) -> None:
    """`sale.placed`: the till took the order over. If it deducted the stock, our promise becomes a movement."""
    order = locked_order(scene)
    data = scene.data
    scene.change("on the till", "" if not order.on_till else "yes", "yes")
    order.on_till = True
    if scene.connection is not None:
        order.till_id = scene.connection.id
    for kind, number in (("sale", data.get("sale_id")), ("receipt", data.get("receipt_number"))):
        if number:
            orders.add_number(scene.session, order, kind, str(number))
    if data.get("stock_deducted"):
        _deduct(scene, order)


def _deduct(scene: Scene, order: Order) -> None:
    """The till deducted the stock. Where it has reported the level since, more is left to sell than we thought."""
    sold_at = scene.event.time
    more = stock.reported_since(scene.session, order.id, sold_at)
    if stock.take(scene.session, order.id, event_id=scene.event.id, at=scene.at, sold_at=sold_at):
        scene.note("The till deducted the stock: what was reserved is now sold.")
    if more:
        stock_handlers.after_change(scene, more)


def status_changed(scene: Scene) -> None:
    """`fulfilment.status_changed`: one outlet got further, or back."""
    order = locked_order(scene)
    if order.state == "cancelled":
        scene.note("Refused: the order is cancelled and can no longer be updated.")
        return
    fulfilment = _find(scene, order)
    if _is_old(scene, fulfilment):
        scene.note("What was said here is older than what we know: it is kept, nothing changed.")
        return
    status = scene.data["status"]
    if status == "completed" and not statuses.gate(scene, order, known=True):
        if scene.connection is None or scene.connection.role != "till":
            raise Refusal(f"order {order.number} may not be completed: {order.blocked_reason}")
        scene.note(f"The till completed it although {order.blocked_reason}.")
    before = fulfilment.status
    _take_over(scene, order, fulfilment, status)
    whole_before, order.fulfilment_status = order.fulfilment_status, roll_up(f.status for f in order.fulfilments)
    scene.change("order as a whole", whole_before, order.fulfilment_status)
    if before != status and whole_before == order.fulfilment_status and len(order.fulfilments) > 1:
        _note_half_way(scene, order, status)
    _complete(scene, order)
    if before != status:
        statuses.to_shop(scene, order, changed={fulfilment.id: before})


def _find(scene: Scene, order: Order) -> Fulfilment:
    """The fulfilment spoken of: by the till's id, else by outlet. A till may divide an order further by itself."""
    external, outlet = scene.data.get("fulfilment"), scene.data.get("outlet")
    for fulfilment in order.fulfilments:
        if external and fulfilment.external_id == external:
            return fulfilment
    for fulfilment in order.fulfilments:
        if outlet and fulfilment.outlet == outlet:
            return fulfilment
    by_till = scene.connection is not None and scene.connection.role == "till"
    if outlet and by_till and order.fulfilments and outlets.by_code(scene.session, outlet):
        return _divided_by_till(scene, order, outlet)
    known = ", ".join(f.outlet for f in order.fulfilments) or "none"
    raise Refusal(f"order {order.number} has no fulfilment at outlet {outlet or '(none named)'}: it has {known}")


def _divided_by_till(scene: Scene, order: Order, outlet: str) -> Fulfilment:
    by_sku = {line.sku: line for line in order.lines}
    fulfilment = Fulfilment(
        merchant_id=order.merchant_id, outlet=outlet, type=order.fulfilment_type, status="new", status_at=scene.event.time
    )
    fulfilment.lines = [
        FulfilmentLine(
            merchant_id=order.merchant_id, line=by_sku[line["sku"]].line, sku=line["sku"], quantity=int(line["quantity"])
        )
        for line in scene.data.get("lines") or []
        if line.get("sku") in by_sku
    ]
    order.fulfilments.append(fulfilment)
    scene.session.flush()
    scene.note(f"The till itself gave a part of the order to {outlet}.")
    return fulfilment


def _is_old(scene: Scene, fulfilment: Fulfilment) -> bool:
    if scene.event.sequence is not None and fulfilment.status_sequence is not None:
        return scene.event.sequence < fulfilment.status_sequence
    return fulfilment.external_id is not None and scene.event.time < fulfilment.status_at


def _take_over(scene: Scene, order: Order, fulfilment: Fulfilment, status: str) -> None:
    data = scene.data
    scene.change(f"fulfilment {fulfilment.outlet}", fulfilment.status, status)
    fulfilment.status, fulfilment.status_at = status, scene.event.time
    if scene.event.sequence is not None:
        fulfilment.status_sequence = scene.event.sequence
    fulfilment.external_id = data.get("fulfilment") or fulfilment.external_id
    fulfilment.receipt_number = data.get("receipt_number") or fulfilment.receipt_number
    fulfilment.note = data.get("note") or fulfilment.note
    fulfilment.assigned_users = list(data.get("assigned_users") or fulfilment.assigned_users or [])
    for kind, number in (("fulfilment", fulfilment.external_id), ("receipt", fulfilment.receipt_number)):
        if number:
            orders.add_number(scene.session, order, kind, number)
    _take_over_lines(fulfilment, data.get("lines") or [])


def _take_over_lines(fulfilment: Fulfilment, reported: list[Mapping[str, Any]]) -> None:
    for report in reported:
        for line in fulfilment.lines:
            if line.sku == report.get("sku"):
                line.picked = int(report.get("picked") or 0)
                line.packed = int(report.get("packed") or 0)
                line.fulfilled = int(report.get("fulfilled") or 0)
                break


def _note_half_way(scene: Scene, order: Order, status: str) -> None:
    there = sum(1 for f in order.fulfilments if f.status == status)
    scene.note(
        f"{there} of {len(order.fulfilments)} outlets reached {status.replace('_', ' ')}: "
        f"the order as a whole stays {order.fulfilment_status.replace('_', ' ')}."
    )


def _complete(scene: Scene, order: Order) -> None:
    if order.fulfilment_status != "completed" or order.state == "completed":
        return
    scene.change("order", order.state, "completed")
    order.state = "completed"
    if stock.take(scene.session, order.id, event_id=scene.event.id, at=scene.at):
        stock_handlers.propagate(scene, stock_handlers.counted(order))
