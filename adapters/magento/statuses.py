"""Tells the shop how far an order is, without ever taking a step back.

Magento's status is never written over its state: each word of ours becomes the action that leads there (hold, ship, notify,
cancel, invoice), or a comment where Magento has no such thing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from adapters.base import Refused, Result
from adapters.fields import fingerprint, text
from adapters.magento import shipping, stock
from adapters.magento.comments import add_comment, hold, released
from adapters.magento.orders import lines_of
from adapters.magento.progress import (
    MAY_FOLLOW,
    PAYMENT_MAY_FOLLOW,
    Words,
    is_pickup,
    marks,
    payment_status,
    pickup_location,
    shop_status,
)
from adapters.magento.refunds import refund_rest
from adapters.magento.settings import flag_setting, text_setting
from adapters.magento.work import Work
from adapters.progress import leads_on
from engine.platforms import PLATFORM

Order = Mapping[str, Any]
Remarks = list[str]


def set_order_status(work: Work) -> Result:
    """Do what leads the order to the wanted statuses, as far as they lead on from what the shop has now.

    Reads first. Equal, a step back, and a cancelled order change nothing; the summary says which it was. Raises Refused for
    an unknown order and for a status Magento cannot express.
    """
    wanted_payment = _known(work, "payment_status", PLATFORM["magento"].payment_statuses)
    wanted_status = _known(work, "shop_status", PLATFORM["magento"].shop_statuses)
    order = work.order()
    words, remarks, done = Words.of(work.connection), list[str](), list[str]()
    present = shop_status(order, words)
    if wanted_payment and present == "cancelled":
        remarks.append("the order is cancelled")
    elif wanted_payment:
        done += _pay(work, order, wanted_payment, remarks)
        order = work.order() if done else order
    if wanted_status and leads_on("fulfilment", present, wanted_status, MAY_FOLLOW, remarks):
        done += _ACTIONS[wanted_status](work, order, remarks)
    added = shipping.add_tracking(work, order) if present != "cancelled" else ""
    if added:
        (done if added.startswith("added") else remarks).append(added)
    name = f"Order {order.get('increment_id')} in the shop"
    if not done:
        return Result(f"{name} was left as it is: {'; '.join(remarks) or 'nothing to change'}.", did_nothing=True)
    return Result(f"{name}: {', '.join(done)}{' (' + '; '.join(remarks) + ')' if remarks else ''}.")


def _known(work: Work, name: str, words: Mapping[str, str]) -> str | None:
    wanted = work.call.payload.get(name)
    if wanted is None or (isinstance(wanted, str) and wanted in words):
        return wanted
    raise Refused(f"Magento cannot express {name} {wanted!r}. It can: {', '.join(sorted(words))}.")


def _pay(work: Work, order: Order, wanted: str, remarks: Remarks) -> list[str]:
    """Invoice what is open and mark it paid without calling the gateway (`capture` false). An order on hold goes back on
    hold, also when we were cut off in between."""
    order_id = str(order["entity_id"])
    key, done = f"rehold:{order_id}", list[str]()
    if leads_on("payment", payment_status(order), wanted, PAYMENT_MAY_FOLLOW, remarks):
        if order.get("state") == "holded":
            work.memory.put(key, True)
        released(work, order, [])
        work.client.post(f"order/{order_id}/invoice", {"capture": False, "notify": work.notifies})
        done.append("invoiced as paid")
    if work.memory.get(key) is True:
        current = work.client.order(order_id)
        if current.get("state") != "holded":
            hold(work, current)
        work.memory.put(key, None)
    return done


def _release(work: Work, order: Order, remarks: Remarks) -> list[str]:
    released(work, order, [])
    return ["taken off hold"]


def _hold(work: Work, order: Order, remarks: Remarks) -> list[str]:
    reason = text(work.call.payload, "reason") or ""
    tag = f"on_hold {fingerprint(reason)[:8]}"
    if reason and tag not in marks(order):
        add_comment(work, order, f"On hold: {reason}.", tag)
    hold(work, order)
    return ["put on hold"]


def _packed(work: Work, order: Order, remarks: Remarks) -> list[str]:
    """A status of the shop's own if it has one for packed, else a comment."""
    status = text_setting(work.connection, "packed_status")
    if not status and "awaiting_shipment" in marks(order):
        remarks.append("packed is told already")
        return []
    if status and order.get("state") != "processing":
        remarks.append(f"its state is {order.get('state')}, in which {status} does not exist")
        if "awaiting_shipment" in marks(order):
            return []
        status = ""
    add_comment(work, order, "Packed.", "awaiting_shipment", status=status)
    return [f"status {status}" if status else "commented as packed"]


def _ready(work: Work, order: Order, remarks: Remarks) -> list[str]:
    """Magento's own call mails the customer and makes the shipment. Where nobody is to be mailed, or the shop has another
    way to collect orders, a comment says it."""
    order_id, source = str(order["entity_id"]), pickup_location(order)
    order = released(work, order, remarks)
    if not source or not work.notifies:
        add_comment(work, order, "Ready for pickup.", "ready_for_pickup", notify=work.notifies)
        return ["commented as ready for pickup"]
    open_units = stock.units_of((line, line.open) for line in lines_of(order) if line.ships and line.open)
    if remark := stock.make_room(work, source, open_units):
        remarks.append(remark)
    answer = work.client.post("order/notify-orders-are-ready-for-pickup", {"orderIds": [int(order_id)]})
    errors = answer.get("errors") or answer.get("failed") if isinstance(answer, Mapping) else None
    if errors:
        # The documentation shows `failed`, the source answers `errors`, in texts or objects; the status is 200 in any case.
        said = "; ".join(str(each.get("message") if isinstance(each, Mapping) else each) for each in errors)
        raise Refused(f"The shop could not tell the customer that order {order.get('increment_id')} is ready: {said}")
    return ["ready for pickup, the customer was mailed"]


def _complete(work: Work, order: Order, remarks: Remarks) -> list[str]:
    """Send what is open. Collected exists in Magento as our comment only."""
    order = released(work, order, remarks)
    made = shipping.send_all(work, order, remarks)
    done = [f"{made} shipment{'s' if made > 1 else ''} made of what was open"] if made else []
    if is_pickup(order, Words.of(work.connection)):
        add_comment(work, order if not made else work.client.order(str(order["entity_id"])), "Collected.", "completed")
        return [*done, "commented as collected"]
    if not made:
        remarks.append("nothing is left to send: it is complete once it is paid")
    return done


def _cancel(work: Work, order: Order, remarks: Remarks) -> list[str]:
    """Cancel what is not invoiced. Magento cancels an invoiced part only by paying it back: that is recorded when the
    settings say so, else left to people, and a comment says that the rest must not be sent."""
    order_id, reason = str(order["entity_id"]), text(work.call.payload, "reason") or ""
    order = released(work, order, remarks)
    if reason and "cancelling" not in marks(order):
        add_comment(work, order, f"To be cancelled: {reason}.", "cancelling")
    cancelled = work.client.post(f"orders/{order_id}/cancel", {}) is True
    order = work.client.order(order_id)
    if order.get("state") == "canceled":
        return ["cancelled"]
    if not any(line.invoiced or line.shipped for line in lines_of(order)):
        raise Refused(f"Order {order.get('increment_id')} cannot be cancelled in the shop: its state is {order.get('state')}.")
    done = ["cancelled as far as it is not invoiced"] if cancelled else []
    if flag_setting(work.connection, "refund_on_cancel"):
        done += refund_rest(work, order, restock=flag_setting(work.connection, "restock_on_cancel"))
        order = work.client.order(order_id)
    elif payment_status(order) in ("paid", "partly_paid", "partly_refunded"):
        remarks.append("it is invoiced: pay it back with a credit memo in the shop, or let refund_on_cancel record that")
    add_comment(work, order, "Cancelled: the rest is not to be sent.", "cancelled")
    return [*done, "commented as cancelled"]


_ACTIONS: Mapping[str, Callable[[Work, Order, Remarks], list[str]]] = {
    "awaiting_processing": _release,
    "on_hold": _hold,
    "awaiting_shipment": _packed,
    "ready_for_pickup": _ready,
    "completed": _complete,
    "cancelled": _cancel,
}
