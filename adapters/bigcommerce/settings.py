"""The settings a connection to BigCommerce may have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.settings import Settings

SETTINGS: Mapping[str, tuple[str, Any]] = {
    "currency": ("Currency of all orders (ISO 4217). Empty: the one each order says its customer pays in.", ""),
    "outlet_by_shipping_method": (
        "Which of our outlets a shipping method is tied to: {name of the method as the customer sees it: outlet code}. "
        "A pickup names its location itself.",
        {},
    ),
    "status_means_paid": (
        "Whether an order without an online payment counts as paid once staff moved it to Awaiting Fulfillment or "
        "further. Switch it off when goods are sent before the money comes (cash on delivery, invoices).",
        True,
    ),
    "bundle_parent_ships": (
        "Whether the article that others belong to is packed itself (a lamp with its bulbs) and not only a name for "
        "its parts (a gift set).",
        False,
    ),
    "replace_custom_status": (
        "Whether Disputed and statuses we do not know may be overwritten. By default they are kept and reported.",
        False,
    ),
    "refund_on_cancel": (
        "Whether cancelling an order also gives the money back: an authorisation is voided, what was paid is refunded.",
        False,
    ),
    "carriers": (
        "BigCommerce's code for each carrier name of ours (an AfterShip courier code): {name: code}. Well-known carriers "
        "are known; others get the tracking address and no code.",
        {},
    ),
    "stock_location": (
        "Location id that takes the one stock number of a shop whose outlets are not linked. Empty: its only location.",
        "",
    ),
    "require_signature": (
        "Whether webhooks without BigCommerce's signature are refused although our secret header is right. Switch it on "
        "once the webhook log shows that all of them are signed.",
        False,
    ),
    "page_size": (
        "How many orders or products one call reads at most, 1 to 250; fewer are asked for where they are very large.",
        100,
    ),
    "poll_orders": ("How many changed orders one regular read takes at most, 50 to 5000.", 1000),
    "poll_overlap_seconds": ("How far each poll reaches back before the last change it saw, 0 to 86400 seconds.", 300),
    "first_poll_days": ("How many days back the very first poll reaches, 0 to 365.", 1),
    "timeout_seconds": ("How long to wait for an answer, 1 to 120 seconds.", 20),
}
"""Name -> meaning, default."""

_RANGES = {
    "page_size": (1, 250), "poll_orders": (2, 5000), "poll_overlap_seconds": (0, 86_400), "first_poll_days": (0, 365),
    "timeout_seconds": (0.01, 120),
}  # fmt: skip
_READ = Settings(SETTINGS, _RANGES)
setting, number_setting, flag_setting, table_setting = _READ.value, _READ.number, _READ.flag, _READ.table
