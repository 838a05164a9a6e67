"""Tells the shop how far an order is and that it is paid, without ever taking a step back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.base import Refused, Result
from adapters.bigcommerce import pickups, refunds
from adapters.bigcommerce.mapping import fulfilment_type, lines_of
from adapters.bigcommerce.progress import (
    AWAITING_FULFILMENT,
    AWAITING_PAYMENT,
    MAY_FOLLOW,
    OFFLINE,
    ON_HOLD,
    REFUNDED,
    TO_THEIRS,
    payment_word,
    status_id,
)
from adapters.bigcommerce.settings import flag_setting
from adapters.bigcommerce.shipping import add_tracking, open_units, tracking_fields
from adapters.bigcommerce.work import Work, held
from adapters.fields import text
from adapters.progress import leads_on
from engine.platforms import PLATFORM

_PAYMENTS = PLATFORM["bigcommerce"].payment_statuses


def set_order_status(work: Work) -> Result:
    """Write the wanted status, payment and tracking, as far as they lead on from what the shop has now.

    Reads first. Sends `status_id` and nothing else, since lines and fees in the same call would lose their discounts.
    Shipments and pickup records are written before the status: the shop mails with the status and takes tracking from
    there. Whether it mails is the shop's own setting; the API has no say in it.
    """
    order_id = work.order_id()
    wanted = _known(work, "shop_status", TO_THEIRS)
    paid = _known(work, "payment_status", _PAYMENTS) is not None
    order = work.order(order_id)
    remarks: list[str] = []
    done: list[str] = []
    present, payment = work.present(order)
    if payment == "incomplete":
        return _left(order_id, ["its customer has not finished it"])
    if paid:
        done += _pay(work, order, payment, present, remarks)
    if wanted and _may_write(work, order, present, wanted, remarks):
        done += _move(work, order, wanted)
    elif present != "cancelled":
        done += _track(work, order, remarks)
    if not done:
        return _left(order_id, remarks)
    if work.call.payload.get("notify_customer") is False:
        remarks.append("whether the customer is mailed is set in the shop")
    return Result(
        f"Order {order_id} in the shop now has {', '.join(done)}{' (' + '; '.join(remarks) + ')' if remarks else ''}."
    )


def _left(order_id: int, remarks: list[str]) -> Result:
    return Result(
        f"Order {order_id} in the shop was left as it is: {'; '.join(remarks) or 'nothing to change'}.",
        did_nothing=True,
    )


def _known(work: Work, name: str, words: Mapping[str, Any]) -> str | None:
    wanted = work.call.payload.get(name)
    if wanted is None or (isinstance(wanted, str) and wanted in words):
        return wanted
    raise Refused(f"BigCommerce cannot express {name} {wanted!r}. It can: {', '.join(sorted(words))}.")


def _may_write(work: Work, order: Mapping[str, Any], present: str, wanted: str, remarks: list[str]) -> bool:
    if status_id(order) == REFUNDED and wanted != "cancelled":
        remarks.append("the order is refunded")
        return False
    if status_id(order) == AWAITING_PAYMENT and wanted == "awaiting_processing":
        remarks.append("it waits for its payment")
        return False
    return leads_on(
        "status",
        present,
        wanted,
        MAY_FOLLOW,
        remarks,
        keep_custom=not flag_setting(work.connection, "replace_custom_status"),
    )


def _pay(work: Work, order: dict[str, Any], payment: str, present: str, remarks: list[str]) -> list[str]:
    """The order is paid: capture what is only authorised, and let an order that waited for its payment go on."""
    order_id, word = int(order["id"]), payment_word(order)
    if payment != "unpaid":
        remarks.append(f"payment is {payment} already")
        return []
    if word == "capture pending":
        remarks.append("its payment is being captured")
        return []
    if present == "cancelled":
        remarks.append("the order is cancelled")
        return []
    if word == "authorized":
        work.client.write("POST", f"v3/orders/{order_id}/payment_actions/capture", {})
        return ["its payment captured"]
    if status_id(order) == AWAITING_PAYMENT:
        _write_status(work, order_id, AWAITING_FULFILMENT)
        order["status_id"] = AWAITING_FULFILMENT
        return ["payment paid"]
    if status_id(order) == ON_HOLD and word in OFFLINE:
        work.memory.put(held(order_id), "paid")
        return ["payment paid once it is released"]
    remarks.append(
        f"the shop cannot show that it is paid (status {text(order, 'status')}, payment {word or 'not online'})"
    )
    return []


def _move(work: Work, order: dict[str, Any], wanted: str) -> list[str]:
    """Everything a new status brings with it, the status itself last."""
    order_id = int(order["id"])
    done: list[str] = []
    if wanted == "ready_for_pickup":
        pickups.make_ready(work, order)
    elif wanted == "completed" and fulfilment_type(order) == "pickup":
        pickups.collect(work, order)
    elif wanted == "on_hold":
        work.memory.put(held(order_id), work.present(order)[1])
    elif wanted == "cancelled" and flag_setting(work.connection, "refund_on_cancel"):
        done += refunds.give_back(work, order)
    elif wanted in ("shipped", "partly_shipped", "completed"):
        done += _track(work, order, [], whole=wanted == "shipped")
    status = TO_THEIRS[wanted]
    if status == AWAITING_FULFILMENT and work.before_hold(order) == "unpaid" and payment_word(order) in OFFLINE:
        status = AWAITING_PAYMENT
    _write_status(work, order_id, status)
    return [*done, f"status {wanted}"]


def _track(work: Work, order: Mapping[str, Any], remarks: list[str], *, whole: bool = False) -> list[str]:
    """Tracking lives on shipments. `whole`: the order becomes Shipped, so what has no shipment gets one with it."""
    fields = tracking_fields(work)
    if not fields:
        return []
    order_id = int(order["id"])
    shipments = work.shipments(order_id)
    if any(text(each, "tracking_number") == fields["tracking_number"] for each in shipments):
        remarks.append("its tracking is there already")
        return []
    bare = [each for each in shipments if not text(each, "tracking_number")]
    if bare:
        # Nobody said whose parcel it is: a number at the wrong parcel is better than one that nobody sees.
        return [said for said in [add_tracking(work, order_id, bare[0])] if said]
    if whole and not shipments:
        return _ship_everything(work, order, fields)
    remarks.append(
        "its tracking waits for its shipment" if not shipments else "all its shipments have tracking already"
    )
    return []


def _ship_everything(work: Work, order: Mapping[str, Any], fields: Mapping[str, str]) -> list[str]:
    order_id = int(order["id"])
    by_address: dict[int, list[dict[str, int]]] = {}
    for item, count in open_units(
        order, [(str(each["id"]), int(each["quantity"])) for each in lines_of(order) if each.get("quantity")]
    ):
        by_address.setdefault(int(item["order_address_id"]), []).append(
            {"order_product_id": int(item["id"]), "quantity": count}
        )
    for address, items in by_address.items():
        work.client.write(
            "POST", f"v2/orders/{order_id}/shipments", {"order_address_id": address, "items": items, **fields}
        )
    return [f"tracking {fields['tracking_number']}"] if by_address else []


def _write_status(work: Work, order_id: int, status: int) -> None:
    work.client.write("PUT", f"v2/orders/{order_id}", {"status_id": status})
