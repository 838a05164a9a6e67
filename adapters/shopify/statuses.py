"""Tells the shop how far an order is, without ever taking a step back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from adapters.base import Refused, Result, RetryLater
from adapters.fields import object_of
from adapters.progress import leads_on
from adapters.shopify.client import UserErrors
from adapters.shopify.mutations import (
    CANCEL,
    HOLD,
    MARK_PAID,
    PREPARED,
    RELEASE,
    REPORT_PROGRESS,
    SET_TRACKING,
    SHIP,
)
from adapters.shopify.parts import Part, Standing, hold_of, make_ready_to_send, standing, tracking_of
from adapters.shopify.progress import FULFILMENT_MAY_FOLLOW, PAYMENT_MAY_FOLLOW, payment_status, ready_key
from adapters.shopify.queries import JOB
from adapters.shopify.settings import flag_setting
from adapters.shopify.work import Work
from engine.platforms import PLATFORM

PAYMENTS = frozenset(PLATFORM["shopify"].payment_statuses)
STATUSES = frozenset(PLATFORM["shopify"].shop_statuses)

_LONGEST_NOTE = 250
_ALREADY_PREPARED = "NO_LINE_ITEMS_TO_PREPARE_FOR_FULFILLMENT_ORDER"


def set_order_status(work: Work) -> Result:
    """Write the wanted statuses and tracking, as far as they lead on from what the shop has now.

    Reads first. Equal, a step back and a cancelled order change nothing; the summary says which it was. Statuses are not
    fields over there but deeds on fulfilment orders: progress reported, held, prepared for pickup, sent. Raises Refused
    for an unknown order and for a status Shopify cannot express, RetryLater while Shopify is still at it.
    """
    payment, status = _known(work, "payment_status", PAYMENTS), _known(work, "shop_status", STATUSES)
    order = standing(work, work.order_id())
    done: list[str] = []
    remarks: list[str] = []
    if order.cancelled:
        remarks.append("the order is cancelled" + (" already" if status == "cancelled" else ""))
    else:
        if payment:
            _pay(work, order, payment, done, remarks)
        # What was asked for in the background is followed up, whatever became of the order since.
        steps = status == "cancelled" and isinstance(work.memory.get(_job_key(order)), str)
        if steps or (status and leads_on("fulfilment", order.status, status, FULFILMENT_MAY_FOLLOW, remarks)):
            steps = True
            order.demand_parts()
            _STEPS[str(status)](work, order, done, remarks)
        if not (steps and status in ("completed", "cancelled")):
            _track(work, order, done, remarks)
    said = "; ".join(remarks)
    if not done:
        return Result(
            f"Order {order.name} in Shopify was left as it is: {said or 'nothing to change'}.", did_nothing=True
        )
    return Result(f"Order {order.name} in Shopify: {', '.join(done)}{f' ({said})' if said else ''}.")


Step = Callable[[Work, Standing, list[str], list[str]], None]


def _known(work: Work, name: str, words: frozenset[str]) -> str | None:
    wanted = work.call.payload.get(name)
    if wanted is None or (isinstance(wanted, str) and wanted in words):
        return wanted
    raise Refused(f"Shopify cannot express {name} {wanted!r}. It can: {', '.join(sorted(words))}.")


def _pay(work: Work, order: Standing, wanted: str, done: list[str], remarks: list[str]) -> None:
    if not leads_on("payment", payment_status(order.payment), wanted, PAYMENT_MAY_FOLLOW, remarks):
        return
    if not order.can_be_paid:
        remarks.append("Shopify does not let it be marked as paid: nothing is owed, or a payment is under way")
        return
    work.client.change(MARK_PAID, id=order.id)
    done.append("marked as paid")


# Steps


def _release(work: Work, order: Standing, done: list[str], remarks: list[str]) -> None:
    """Awaiting processing: our holds go, those of others stay."""
    for part in order.open:
        if part.holds:
            work.client.change(RELEASE, id=part.id, holds=list(part.holds))
            done.append(f"released {part}")
        if part.foreign:
            remarks.append(f"{part} stays on hold: {', '.join(part.foreign)}")


def _process(work: Work, order: Standing, done: list[str], remarks: list[str]) -> None:
    for part in order.open:
        if part.method == "NONE" or part.status == "IN_PROGRESS":
            continue
        if part.method in ("PICK_UP", "RETAIL"):
            remarks.append(f"Shopify shows no progress of a pickup ({part})")
            continue
        if not make_ready_to_send(work, part):
            remarks.append(f"{part} is on hold: {', '.join(part.foreign)}")
            continue
        work.client.change(REPORT_PROGRESS, id=part.id)
        done.append(f"{part} is in progress")


def _hold(work: Work, order: Standing, done: list[str], remarks: list[str]) -> None:
    for part in order.open:
        if part.method == "NONE" or part.holds:
            continue
        if "HOLD" not in part.actions:
            remarks.append(f"{part} cannot be held")
            continue
        work.client.change(HOLD, id=part.id, hold=hold_of(work, _note(work)))
        done.append(f"{part} is on hold")


def _ready(work: Work, order: Standing, done: list[str], remarks: list[str]) -> None:
    """Ready for pickup. Shopify mails the customer itself, which nothing can keep it from."""
    pickups = [part for part in order.open if part.method == "PICK_UP"]
    if not pickups:
        remarks.append("nothing of it is to be picked up")
        return
    for part in pickups:
        if not make_ready_to_send(work, part):
            remarks.append(f"{part} is on hold: {', '.join(part.foreign)}")
            continue
        try:
            work.client.change(PREPARED, input={"lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": part.id}]})
        except UserErrors as problem:
            if _ALREADY_PREPARED not in problem.codes:
                raise
            remarks.append(f"{part} was ready already")
        else:
            done.append(f"{part} is ready for pickup")
            if work.call.payload.get("notify_customer") is False:
                remarks.append("Shopify mails the customer about it by itself")
    work.memory.put(ready_key(order.number), True)


def _complete(work: Work, order: Standing, done: list[str], remarks: list[str]) -> None:
    """Send whatever is still open: one fulfilment per location and delivery method, as Shopify demands."""
    held = [part for part in order.open if not make_ready_to_send(work, part)]
    groups: dict[tuple[str, str], list[Part]] = {}
    for part in order.open:
        if part not in held:
            groups.setdefault((part.location, part.method), []).append(part)
    for (_, method), parts in groups.items():
        ship(work, [(part, part.units()) for part in parts], tracking_of(work.call.payload) if method != "PICK_UP" else None)
        done.append(f"fulfilled {', '.join(map(str, parts))}")
    if held:
        reasons = ", ".join(reason for part in held for reason in part.foreign)
        raise Refused(
            f"Order {order.name} in Shopify cannot be fulfilled whole: {', '.join(map(str, held))} on hold ({reasons}). "
            "Release it there, and repeat this."
        )


def _cancel(work: Work, order: Standing, done: list[str], remarks: list[str]) -> None:
    """Cancelling runs in the background over there: it is done when the order says so."""
    key = _job_key(order)
    job = work.memory.get(key)
    if not isinstance(job, str):
        method = {"originalPaymentMethodsRefund": True} if flag_setting(work.connection, "refund_on_cancel") else None
        payload = work.client.change(
            CANCEL, id=order.id, reason="OTHER", restock=flag_setting(work.connection, "restock_on_cancel"), method=method,
            notify=work.call.payload.get("notify_customer") is True, note=_note(work),
        )  # fmt: skip
        job = str(object_of(payload, "job").get("id") or "")
        work.memory.put(key, job)
    if job and object_of(work.client.query(JOB, id=job), "job").get("done") is False:
        raise RetryLater(f"Shopify is still cancelling order {order.name}.")
    work.memory.put(key, None)
    if not standing(work, order.id).cancelled:
        raise Refused(f"Shopify did not cancel order {order.name}: look at it there.")
    done.append("cancelled")


def _job_key(order: Standing) -> str:
    """Under which key the memory keeps the job that cancels an order."""
    return f"cancel:{order.number}"


def _note(work: Work) -> str | None:
    reason = work.call.payload.get("reason")
    return reason.strip()[:_LONGEST_NOTE] or None if isinstance(reason, str) else None


_STEPS: Mapping[str, Step] = {
    "awaiting_processing": _release, "processing": _process, "on_hold": _hold, "ready_for_pickup": _ready,
    "completed": _complete, "cancelled": _cancel,
}  # fmt: skip


# Sending


def ship(work: Work, parts: list[tuple[Part, Mapping[str, int]]], tracking: Mapping[str, str] | None) -> str:
    """Make one fulfilment of units by order line, out of fulfilment orders of one location and one delivery method.
    Gives its global id."""
    rows: list[dict[str, Any]] = []
    for part, units in parts:
        left, lines = dict(units), []
        for row in part.rows:
            taken = min(left.get(row.line, 0), row.remaining)
            if taken:
                left[row.line] -= taken
                lines.append({"id": row.id, "quantity": taken})
        rows.append({"fulfillmentOrderId": part.id, "fulfillmentOrderLineItems": lines})
    wanted: dict[str, Any] = {
        "lineItemsByFulfillmentOrder": rows, "notifyCustomer": work.call.payload.get("notify_customer") is True,
    }  # fmt: skip
    if tracking:
        wanted["trackingInfo"] = dict(tracking)
    payload = work.client.change(SHIP, fulfillment=wanted)
    return str(object_of(payload, "fulfillment").get("id") or "")


def track(work: Work, fulfilment: str, tracking: Mapping[str, str]) -> None:
    """Give a fulfilment (global id) its tracking."""
    notify = work.call.payload.get("notify_customer") is True
    work.client.change(SET_TRACKING, id=fulfilment, tracking=dict(tracking), notify=notify)


def _track(work: Work, order: Standing, done: list[str], remarks: list[str]) -> None:
    """Tracking of an order as a whole goes to the newest shipment that has none."""
    tracking = tracking_of(work.call.payload)
    if tracking is None or any(each.has(tracking) for each in order.shipments):
        return
    bare = [each for each in order.shipments if not each.tracking]
    if not bare:
        remarks.append("there is no shipment for the tracking number yet" if not order.shipments else "all shipments have tracking")
        return
    track(work, f"gid://shopify/Fulfillment/{bare[-1].number}", tracking)
    done.append(f"tracking {tracking.get('number') or tracking.get('url')}")
