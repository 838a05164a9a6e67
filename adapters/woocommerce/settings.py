"""The settings a connection to WooCommerce may have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.settings import Settings

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
_READ = Settings(SETTINGS, _RANGES, _CHOICES)
number_setting, choice_setting, flag_setting = _READ.number, _READ.choice, _READ.flag
table_setting, words_setting = _READ.table, _READ.words
