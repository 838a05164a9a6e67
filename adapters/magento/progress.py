"""How far an order is, in our words: read from Magento's state, its quantities, and the comments we left.

`state` is Magento's machine and decides; `status` is a label the shop may invent. Ready (where nobody is to be mailed),
collected, and cancelled after an invoice exist nowhere but in comments, so those we write carry a mark that we can read
again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from adapters.base import Connection
from adapters.fields import Reader, object_of, objects, text
from adapters.magento.orders import lines_of
from adapters.magento.settings import text_setting, words_setting
from adapters.progress import CUSTOM

DEFAULT_STATUSES: Mapping[str, frozenset[str]] = {
    "new": frozenset({"pending"}),
    "pending_payment": frozenset({"pending_payment", "pending_paypal"}),
    "payment_review": frozenset({"payment_review", "fraud"}),
    "processing": frozenset({"processing", "fraud"}),
    "complete": frozenset({"complete"}),
    "closed": frozenset({"closed"}),
    "canceled": frozenset({"canceled"}),
    "holded": frozenset({"holded"}),
}
"""State -> the statuses every shop has for it. Others are the shop's own words."""

MAY_FOLLOW: Mapping[str, frozenset[str]] = {
    "awaiting_processing": frozenset({"on_hold", "awaiting_shipment", "ready_for_pickup", "completed", "cancelled"}),
    "on_hold": frozenset({"awaiting_processing", "ready_for_pickup", "completed", "cancelled"}),
    "awaiting_shipment": frozenset({"on_hold", "ready_for_pickup", "completed", "cancelled"}),
    "partly_shipped": frozenset({"on_hold", "ready_for_pickup", "completed", "cancelled"}),
    "ready_for_pickup": frozenset({"completed", "cancelled"}),
    "completed": frozenset(),
    "cancelled": frozenset(),
}
PAYMENT_MAY_FOLLOW: Mapping[str, frozenset[str]] = {
    "unpaid": frozenset({"paid"}), "partly_paid": frozenset({"paid"}), "paid": frozenset(), "partly_refunded": frozenset(),
    "refunded": frozenset(), "cancelled": frozenset(),
}  # fmt: skip

_CENT = Decimal("0.005")


def mark(word: str) -> str:
    """What a comment of ours ends with, so that we know it again."""
    return f"(wissel: {word})"


def marks(order: Mapping[str, Any]) -> set[str]:
    """The marks in an order's comments."""
    return {found for entry in objects(order, "status_histories") for found in marks_in(text(entry, "comment") or "")}


def newest_mark(order: Mapping[str, Any], beginning: str) -> str:
    """The last mark that begins so, empty when there is none."""
    entries = sorted(objects(order, "status_histories"), key=lambda entry: int(entry.get("entity_id") or 0))
    found = [each for entry in entries for each in marks_in(text(entry, "comment") or "") if each.startswith(beginning)]
    return found[-1] if found else ""


def marks_in(comment: str) -> list[str]:
    """The marks in one comment."""
    return re.findall(r"\(wissel: ([^()]+)\)", comment)


@dataclass(frozen=True, slots=True)
class Words:
    """How a shop uses Magento, as far as reading its statuses needs it."""

    packed_status: str
    pickup_methods: tuple[str, ...]

    @classmethod
    def of(cls, connection: Connection) -> Words:
        return cls(text_setting(connection, "packed_status"), words_setting(connection, "pickup_methods"))


def shop_status(order: Mapping[str, Any], words: Words) -> str:
    """How far the order is; `custom` for a state that Magento itself does not have."""
    state, told = str(order.get("state") or ""), marks(order)
    lines = lines_of(order)
    sent = any(line.shipped for line in lines)
    if state == "canceled" or (state != "complete" and "cancelled" in told):
        return "cancelled"
    if state == "holded":
        return "on_hold"
    if state == "closed":
        # Paid back in full. What was never sent will not be; what was sent stays sent.
        return "completed" if sent or not any(line.ships for line in lines) else "cancelled"
    if state not in DEFAULT_STATUSES:
        return CUSTOM
    sendable = [line for line in lines if line.ships and line.wanted(state)]
    if state == "complete" or (sendable and all(line.shipped >= line.wanted(state) for line in sendable)):
        return "ready_for_pickup" if _waits_at_the_counter(order, told, words) else "completed"
    if sent:
        return "partly_shipped"
    if "ready_for_pickup" in told:
        return "ready_for_pickup"
    packed = words.packed_status and order.get("status") == words.packed_status
    return "awaiting_shipment" if packed else "awaiting_processing"


def _waits_at_the_counter(order: Mapping[str, Any], told: set[str], words: Words) -> bool:
    """Magento sends a pickup order when it is ready and has no word for collected, so our own comment says that."""
    ready = object_of(order, "extension_attributes").get("notification_sent") in (1, "1", True) or "ready_for_pickup" in told
    return is_pickup(order, words) and ready and "completed" not in told


def payment_status(order: Mapping[str, Any]) -> str:
    """What was paid and paid back, from the totals. An order of nothing is paid."""
    read = Reader(order, str(order.get("increment_id") or order.get("entity_id") or ""))
    total, paid, refunded = (read.number(name) for name in ("grand_total", "total_paid", "total_refunded"))
    if refunded > _CENT:
        return "refunded" if refunded >= paid - _CENT else "partly_refunded"
    if order.get("state") == "canceled" and paid < _CENT:
        return "cancelled"
    if paid >= total - _CENT:
        return "paid"
    return "partly_paid" if paid > _CENT else "unpaid"


def is_pickup(order: Mapping[str, Any], words: Words) -> bool:
    """Whether the customer collects it."""
    return bool(pickup_location(order)) or (shipping_of(order).get("method") in words.pickup_methods)


def pickup_location(order: Mapping[str, Any]) -> str:
    """The source at which the customer collects it, by Magento's own in-store pickup; else empty."""
    return text(object_of(order, "extension_attributes"), "pickup_location_code") or ""


def shipping_of(order: Mapping[str, Any]) -> Mapping[str, Any]:
    """Address and method: `{"address", "method"}`. There is no shipping address at the top of an order."""
    for assignment in objects(object_of(order, "extension_attributes"), "shipping_assignments"):
        return object_of(assignment, "shipping")
    return {}


def own_words(order: Mapping[str, Any]) -> list[str]:
    """States and statuses of the shop's own, so that a rule can look at them."""
    state, status = str(order.get("state") or ""), text(order, "status")
    found = [f"state:{state}"] if state not in DEFAULT_STATUSES else []
    return [*found, f"status:{status}"] if status and status not in DEFAULT_STATUSES.get(state, frozenset()) else found
