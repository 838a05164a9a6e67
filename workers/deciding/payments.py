"""Payments and refunds: which count, and what that makes of the order."""

from __future__ import annotations

from datetime import datetime

from engine.money import to_minor, to_text
from engine.status import payment_roll_up
from store.order_models import Order, Payment
from workers.deciding import facts, statuses
from workers.deciding.references import locked_order
from workers.deciding.scene import Refusal, Scene


def received(scene: Scene) -> None:
    """`payment.received`: a system reports money for an order."""
    _reported(scene, sign=1)


def refunded(scene: Scene) -> None:
    """`payment.refunded`: a system reports money given back."""
    _reported(scene, sign=-1)


def _reported(scene: Scene, *, sign: int) -> None:
    order = locked_order(scene)
    data = scene.data
    currency = data.get("currency") or order.currency
    if currency != order.currency:
        raise Refusal(
            f"the payment is in {currency} but order {order.number} is in {order.currency}: post it in the order's currency"
        )
    if order.state == "cancelled" and sign > 0:
        scene.note("The order is cancelled: the payment is kept but changes nothing.")
    payment = record(
        scene,
        order,
        reference=str(data.get("reference") or scene.event.external_id),
        amount_minor=sign * to_minor(data["amount"], currency),
        method=str(data.get("method") or ""),
        processor=str(data.get("processor") or ""),
        from_role=scene.connection.role if scene.connection else "other",
        screen=str(data.get("screen") or "unknown"),
        at=scene.event.time,
        known=True,
    )
    if payment is None:
        scene.note("This payment was already known.")
        return
    settle(scene, order)
    statuses.gate(scene, order, known=True)
    statuses.to_shop(scene, order, payment=payment)
    if order.state == "open":  # whoever was paid: what the shop shows may have waited for the money
        statuses.to_till(scene, order, known=True)


def record(
    scene: Scene,
    order: Order,
    *,
    reference: str,
    amount_minor: int,
    method: str,
    processor: str,
    from_role: str,
    screen: str,
    at: datetime,
    known: bool,
) -> Payment | None:
    """Keep a payment and let the rules say whether it counts. None when it was already known."""
    if any(p.reference == reference for p in order.payments):
        return None
    payment = Payment(
        order_id=order.id,
        reference=reference,
        amount_minor=amount_minor,
        currency=order.currency,
        method=method,
        processor=processor,
        from_role=from_role,
        screen=screen,
        at=at,
        merchant_id=order.merchant_id,
    )
    order.payments.append(payment)
    run = scene.judge("payment_gating", [
        *facts.circumstances(scene.event, scene.connection, scene.shop_of(order)),
        facts.order_fact(order, known=known),
        *facts.payment_facts([payment]),
    ])  # fmt: skip
    against = run.targets("disregard payment").get(reference)
    payment.counts = reference in run.targets("count payment")
    payment.reason = against.reason if against else ""
    label = "payment" if amount_minor >= 0 else "refund"
    amount = f"{to_text(abs(amount_minor), order.currency)} {order.currency}"
    if payment.counts:
        scene.change(label, "", f"{amount} by {processor or method or 'unknown method'} counts")
    else:
        scene.note(f"A {label} of {amount} does not count: {payment.reason or 'no rule lets it count'}.")
    return payment


def settle(scene: Scene, order: Order) -> None:
    """Work out what the order's payments amount to."""
    counting = [p.amount_minor for p in order.payments if p.counts]
    taken = sum(a for a in counting if a > 0)
    given_back = -sum(a for a in counting if a < 0)
    status = payment_roll_up(order.total_minor, taken, given_back, order.shop_payment_status)
    scene.change("payment", order.payment_status, status)
    order.paid_minor = taken - given_back
    order.payment_status = status
