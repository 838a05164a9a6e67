"""Notes on orders: for staff, or for the customer, who is then mailed."""

from __future__ import annotations

from collections.abc import Mapping
from html import unescape

from adapters.woocommerce.settings import table_setting
from adapters.woocommerce.work import Work

DEFAULT_TEXTS: Mapping[str, str] = {
    "awaiting_shipment": "Packed, waiting for the carrier.",
    "ready_for_pickup": "Your order is ready for pickup.",
    "partly_shipped": "A part of your order is on its way.",
    "shipped": "Your order is on its way.",
    "tracking": "Your parcel: {carrier} {number} {url}",
    "on_hold": "On hold: {reason}",
    "cancelled": "Cancelled: {reason}",
    "outlets": "To be sent by: {parts}",
}
"""What notes say unless the setting `note_texts` says it in the shop's language."""


def wording(work: Work, name: str, **values: str | None) -> str:
    """The text of a note with its values filled in. What a merchant wrote is text and no program: only `{name}` of a
    value given is replaced."""
    words = table_setting(work.connection, "note_texts").get(name) or DEFAULT_TEXTS[name]
    for key, value in values.items():
        words = words.replace("{" + key + "}", value or "")
    return " ".join(words.split())


def say(work: Work, order_id: str, words: str, *, to_customer: bool = False) -> bool:
    """Add a note unless the order has the same one, which is how a note is known whose answer was lost. Returns whether
    it was added."""
    if any(_plain(note.get("note")) == _plain(words) for note in work.client.notes(order_id)):
        return False
    work.client.add_note(order_id, words, to_customer=to_customer)
    return True


def _plain(words: object) -> str:
    return " ".join(unescape(str(words)).split())
