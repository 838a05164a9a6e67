"""The settings a connection to WooCommerce may have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.base import Connection, Refused

SETTINGS: Mapping[str, tuple[str, Any]] = {
    "authentication": (
        "How the key travels: header, query (for hosts that remove the Authorization header), or signed (for shops behind a "
        "proxy that does not tell WordPress that calls come over TLS).",
        "header",
    ),
    "plain_permalinks": (
        "Whether the site uses plain permalinks, so that its API is at /?rest_route= instead of /wp-json.",
        False,
    ),
    "status_slugs": (
        "The shop's own order statuses: {our status: slug} for awaiting_shipment, ready_for_pickup, partly_shipped and "
        "shipped. A status without a slug becomes a note on the order.",
        {},
    ),
    "replace_custom_status": (
        "Whether a status that the shop made itself and that is not in status_slugs may be overwritten. By default it is "
        "kept and reported.",
        False,
    ),
    "tracking": (
        "How tracking numbers are shown: note (a note on the order, mailed when the customer is to be told), meta (fields "
        "of the order, see tracking_meta) or extension (the extension Shipment Tracking or one that speaks like it).",
        "note",
    ),
    "tracking_meta": (
        "With tracking meta: which field of the order takes what.",
        {"number": "_tracking_number", "url": "_tracking_url", "carrier": "_tracking_provider"},
    ),
    "note_texts": (
        "Texts of notes in the language of the shop: {status or tracking: text}. {number}, {url}, {carrier} and {reason} are "
        "filled in.",
        {},
    ),
    "pickup_methods": (
        "Which shipping methods are pickups, by method id.",
        ["local_pickup", "pickup_location"],
    ),
    "outlet_by_shipping_method": (
        "Which of our outlets a shipping method is tied to: {method id:instance id, or method id alone: outlet code}.",
        {},
    ),
    "outlet_by_pickup_location": (
        "Which of our outlets a pickup location of the block checkout is: {its name: outlet code}.",
        {},
    ),
    "unpaid_methods": (
        "Payment methods of orders that are processed before anybody paid: they count as paid once they are completed or "
        "have a transaction.",
        ["cod"],
    ),
    "start_counting": (
        "Whether stock may be written to articles of which the shop does not count stock, which makes it count from then "
        "on. By default such a write is refused.",
        False,
    ),
    "refund_on_cancel": (
        "Whether a paid order that we cancel is paid back in full through the shop's payment provider.",
        False,
    ),
    "page_size": ("How many orders or articles are read at once, 1 to 100.", 100),
    "timeout_seconds": ("How long to wait for an answer, 1 to 120 seconds.", 20),
    "poll_overlap_seconds": ("How far each poll reaches back before the last change it saw, 2 to 86400 seconds.", 60),
    "first_poll_days": ("How many days back the very first poll reaches, 0 to 365.", 1),
}
"""Name -> meaning, default."""

_RANGES = {
    "timeout_seconds": (0.01, 120),
    "poll_overlap_seconds": (2, 86_400),
    "first_poll_days": (0, 365),
    "page_size": (1, 100),
}
_CHOICES = {"authentication": ("header", "query", "signed"), "tracking": ("note", "meta", "extension")}


def number_setting(connection: Connection, name: str) -> float:
    """A number from the settings. Raises Refused when it is none or out of its range."""
    value = connection.settings.get(name, SETTINGS[name][1])
    low, high = _RANGES[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise _wrong(connection, name, f"a number from {low} to {high}", value)
    return float(value)


def choice_setting(connection: Connection, name: str) -> str:
    """One of a few words. Raises Refused when it is none of them."""
    value = connection.settings.get(name) or SETTINGS[name][1]
    if value not in _CHOICES[name]:
        raise _wrong(connection, name, f"one of {', '.join(_CHOICES[name])}", value)
    return str(value)


def flag_setting(connection: Connection, name: str) -> bool:
    """Yes or no. Raises Refused when it is neither."""
    value = connection.settings.get(name, SETTINGS[name][1])
    if not isinstance(value, bool):
        raise _wrong(connection, name, "true or false", value)
    return value


def table_setting(connection: Connection, name: str) -> Mapping[str, str]:
    """A table of texts, the default where it is not set. Raises Refused when it is none."""
    value = connection.settings.get(name, SETTINGS[name][1]) or {}
    if not isinstance(value, Mapping):
        raise _wrong(connection, name, "a table", value)
    return {str(key): str(text) for key, text in value.items()}


def words_setting(connection: Connection, name: str) -> frozenset[str]:
    """A list of words. Raises Refused when it is none."""
    value = connection.settings.get(name, SETTINGS[name][1])
    if not isinstance(value, list | tuple) or not all(isinstance(word, str) for word in value):
        raise _wrong(connection, name, "a list of words", value)
    return frozenset(value)


def _wrong(connection: Connection, name: str, wanted: str, value: object) -> Refused:
    return Refused(f"Setting {name} of connection {connection.name!r} must be {wanted}, not {value!r}.")
