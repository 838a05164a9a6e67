"""Tells the shop how far an order is, without ever taking a step back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.base import Connection, Memory, Refused, Result
from adapters.lightspeed_ecom.client import Client
from adapters.lightspeed_ecom.progress import (
    FULFILMENT_MAY_FOLLOW,
    FULFILMENT_TO_THEIRS,
    PAYMENT_MAY_FOLLOW,
    PAYMENT_TO_THEIRS,
    payment_status,
    shop_status,
)
from adapters.progress import leads_on, order_reference

_CANCELLED = "cancelled"
_WILL_NOT_DELIVER = "will_not_deliver"


def set_order_status(payload: Mapping[str, Any], connection: Connection, memory: Memory, client: Client) -> Result:
    """Write the wanted statuses and tracking, as far as they lead on from what the shop has now.

    Reads first and sends status fields only. Equal, a step back, a status of the shop's own and a cancelled order
    (which takes nothing but `will_not_deliver`) change nothing; the summary says which it was. With
    `notify_customer` false the shop is told not to mail, a switch that stays on the order until we mail again.
    Raises Refused for an unknown order and for a status this shop cannot express.
    """
    order_id = order_reference(payload, memory, "Lightspeed eCom")
    wanted_payment = _known(payload, "payment_status", PAYMENT_TO_THEIRS)
    wanted_status = _known(payload, "shop_status", FULFILMENT_TO_THEIRS)
    order = client.order(order_id)
    keep_custom = connection.settings.get("replace_custom_status") is not True
    fields: dict[str, Any] = {}
    remarks: list[str] = []

    cancelled = payment_status(order.get("paymentStatus")) == _CANCELLED
    if wanted_payment:
        present = payment_status(order.get("paymentStatus"))
        if leads_on("payment", present, wanted_payment, PAYMENT_MAY_FOLLOW, remarks, keep_custom=keep_custom):
            fields["paymentStatus"] = PAYMENT_TO_THEIRS[wanted_payment]
    if wanted_status:
        present = shop_status(order.get("fulfillmentStatus"))
        if cancelled and wanted_status != _WILL_NOT_DELIVER:
            remarks.append("the order is cancelled")
        elif leads_on("fulfilment", present, wanted_status, FULFILMENT_MAY_FOLLOW, remarks, keep_custom=keep_custom):
            fields["fulfillmentStatus"] = FULFILMENT_TO_THEIRS[wanted_status]
    if not cancelled:
        fields |= _tracking(payload, order)

    if not fields:
        return Result(f"Order {order_id} in the shop was left as it is: {'; '.join(remarks) or 'nothing to change'}.",
                      did_nothing=True)  # fmt: skip
    silence = _silence(payload, order, order_id, memory)
    client.update_order(order_id, fields | silence)
    if silence:
        memory.put(_silenced(order_id), silence["disableAllCustomerNotifications"])
    written = ", ".join(f"{name} {value}" for name, value in fields.items())
    return Result(
        f"Order {order_id} in the shop now has {written}{' (' + '; '.join(remarks) + ')' if remarks else ''}."
    )


def _known(payload: Mapping[str, Any], name: str, words: Mapping[str, str]) -> str | None:
    wanted = payload.get(name)
    if wanted is None or (isinstance(wanted, str) and wanted in words):
        return wanted
    raise Refused(f"Lightspeed eCom cannot express {name} {wanted!r}. It can: {', '.join(sorted(words))}.")


def _tracking(payload: Mapping[str, Any], order: Mapping[str, Any]) -> dict[str, str]:
    """Tracking fields that differ from what the shop has."""
    tracking = payload.get("tracking")
    given = tracking if isinstance(tracking, Mapping) else {}
    wanted = {"trackingNumber": given.get("number"), "trackingUrl": given.get("url")}
    return {name: str(value) for name, value in wanted.items() if value and str(value) != order.get(name)}


def _silence(payload: Mapping[str, Any], order: Mapping[str, Any], order_id: str, memory: Memory) -> dict[str, bool]:
    """The shop's switch against mails, when it has to move. A switch that the shop's own staff set stays set."""
    notify, silent = payload.get("notify_customer"), order.get("disableAllCustomerNotifications") is True
    if notify is False and not silent:
        return {"disableAllCustomerNotifications": True}
    if notify is True and silent and memory.get(_silenced(order_id)) is True:
        return {"disableAllCustomerNotifications": False}
    return {}


def _silenced(order_id: str) -> str:
    return f"silenced:{order_id}"
