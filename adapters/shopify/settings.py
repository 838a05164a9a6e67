"""The settings a connection to Shopify may have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from adapters.base import Connection, Refused
from adapters.settings import Settings

SETTINGS: Mapping[str, tuple[str, Any]] = {
    "api_version": (
        "Version of the Admin API, as YYYY-MM. Shopify supports each for at least twelve months.",
        "2026-07",
    ),
    "outlet_by_shipping_method": (
        "Which of our outlets a shipping rate is tied to: {code of the rate: outlet code}. A pickup is tied to its location.",
        {},
    ),
    "authorised_is_paid": (
        "Whether an authorised payment that was not captured yet counts as paid. By default it counts as unpaid.",
        False,
    ),
    "hold_reason": (
        "The reason shown for our holds, one of Shopify's words such as OTHER, AWAITING_PAYMENT or INVENTORY_OUT_OF_STOCK.",
        "OTHER",
    ),
    "refund_on_cancel": ("Whether cancelling an order in Shopify also pays back what was paid.", False),
    "restock_on_cancel": (
        "Whether cancelling an order in Shopify puts its goods back in stock there. By default our own stock is told to it.",
        False,
    ),
    "outside_refund_gateway": (
        "Under which payment method Shopify records a refund that was paid back elsewhere, such as manual or cash. Empty: "
        "lines and note are recorded, and no amount.",
        "manual",
    ),
    "stock_location": (
        "Id of the location that one number for the whole shop is written to. Empty: the only location, where there is one.",
        "",
    ),
    "stock_reason": ("The reason Shopify shows for our stock changes, one of its words such as correction.", "correction"),
    "timeout_seconds": ("How long to wait for an answer, 1 to 120 seconds.", 20),
    "page_orders": ("How many orders to ask for at once, 1 to 100. Fewer are asked for when Shopify finds it too costly.", 25),
    "poll_overlap_seconds": ("How far each poll reaches back before the last change it saw, 0 to 86400 seconds.", 600),
    "first_poll_days": ("How many days back the very first poll reaches, 0 to 60.", 1),
    "routing_seconds": (
        "How old an order without fulfilment orders must be before it is read as it is, 0 to 3600 seconds. Shopify makes "
        "them a moment after the order.",
        120,
    ),
}
"""Name -> meaning, default."""

_RANGES = {
    "timeout_seconds": (0.01, 120), "poll_overlap_seconds": (0, 86_400), "first_poll_days": (0, 60),
    "page_orders": (1, 100), "routing_seconds": (0, 3600),
}  # fmt: skip
_READ = Settings(SETTINGS, _RANGES)
number_setting, text_setting, flag_setting, table_setting = _READ.number, _READ.text, _READ.flag, _READ.table
_VERSION = re.compile(r"20[0-9]{2}-(01|04|07|10)|unstable")


def api_version(connection: Connection) -> str:
    """The version that requests name. Raises Refused for something that is no version."""
    version = text_setting(connection, "api_version")
    if not _VERSION.fullmatch(version):
        raise Refused(f"Setting api_version of connection {connection.name!r} must be like 2026-07, not {version!r}.")
    return version
