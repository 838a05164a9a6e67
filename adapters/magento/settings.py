"""The settings a connection to Magento 2 may have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.settings import Settings

SETTINGS: Mapping[str, tuple[str, Any]] = {
    "store_code": ("Store view whose address the API is called at: its code, `default`, or `all` for all of them.", "all"),
    "auth": (
        "How calls are authorised: `oauth` signs each with the integration's four keys; `bearer` sends the access token alone, "
        "which the shop must allow (oauth/consumer/enable_integration_as_bearer).",
        "oauth",
    ),
    "store_ids": ("Ids of the store views whose orders are read. Empty: those of all store views.", []),
    "pickup_methods": ("Shipping methods that mean the customer collects the order.", ["instore_pickup"]),
    "outlet_by_shipping_method": (
        "Which of our outlets a shipping method is tied to: {method: outlet code}. A pickup location that the customer chose "
        "goes before it.",
        {},
    ),
    "packed_status": (
        "Status that an order gets when it is packed: one the shop made and assigned to the state `processing`. Empty: packed is "
        "told in a comment.",
        "",
    ),
    "default_source": (
        "Source that sends what an outlet without a linked source sends, and that a number for the whole shop is kept in. "
        "Empty: only linked outlets can send.",
        "",
    ),
    "open_orders_in_source": (
        "Whether a source counts units of open orders until they are sent, which is how Magento counts. False: a stock level is "
        "written as it is, for merchants whose levels hold those units already.",
        True,
    ),
    "in_stock_at_zero": ("Whether a source without units stays `in stock`, for shops that sell on back-order.", False),
    "stock_id": ("Id of the stock that the shop sells from. 0: read from the website of the order.", 0),
    "website": ("Code of the website whose sellable numbers are read.", "base"),
    "carrier_code": ("Code that tracking numbers are filed under. `custom` always exists.", "custom"),
    "refund_on_cancel": ("Whether cancelling an invoiced order also records the refund of what was paid.", False),
    "restock_on_cancel": ("Whether such a refund also puts units that were sent back into the shop's stock.", False),
    "webhook_header": ("Header in which an installed webhook module sends the signature.", "X-Webhook-Signature"),
    "page_size": ("Orders or articles read at once, 1 to 300.", 100),
    "timeout_seconds": ("How long to wait for an answer, 1 to 120 seconds.", 30),
    "poll_overlap_seconds": ("How far each poll reaches back before the last change it saw, 0 to 86400 seconds.", 60),
    "first_poll_days": ("How many days back the very first poll reaches, 0 to 365.", 1),
}  # fmt: skip
"""Name -> meaning, default."""

_READ = Settings(
    SETTINGS,
    ranges={
        "stock_id": (0, 1_000_000), "page_size": (1, 300), "timeout_seconds": (0.01, 120), "poll_overlap_seconds": (0, 86_400),
        "first_poll_days": (0, 365),
    },
    choices={"auth": ("oauth", "bearer")},
)  # fmt: skip

number_setting, text_setting, flag_setting = _READ.number, _READ.text, _READ.flag
table_setting, words_setting, choice_setting = _READ.table, _READ.words, _READ.choice
