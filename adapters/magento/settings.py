"""The settings a connection to Magento 2 may have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.base import Connection, Refused

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

_RANGES: Mapping[str, tuple[float, float]] = {
    "stock_id": (0, 1_000_000), "page_size": (1, 300), "timeout_seconds": (0.01, 120), "poll_overlap_seconds": (0, 86_400),
    "first_poll_days": (0, 365),
}  # fmt: skip


def number_setting(connection: Connection, name: str) -> float:
    """A number from the settings. Raises Refused when it is none or out of its range."""
    value = connection.settings.get(name, SETTINGS[name][1])
    low, high = _RANGES[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise Refused(_wrong(connection, name, f"a number from {low} to {high}", value))
    return float(value)


def text_setting(connection: Connection, name: str) -> str:
    """A text from the settings, trimmed. Raises Refused when it is none."""
    value = connection.settings.get(name, SETTINGS[name][1])
    if not isinstance(value, str):
        raise Refused(_wrong(connection, name, "a text", value))
    return value.strip()


def switch_setting(connection: Connection, name: str) -> bool:
    """True or false from the settings. Raises Refused for anything else."""
    value = connection.settings.get(name, SETTINGS[name][1])
    if not isinstance(value, bool):
        raise Refused(_wrong(connection, name, "true or false", value))
    return value


def table_setting(connection: Connection, name: str) -> Mapping[str, str]:
    """A table from the settings. Raises Refused when it is none."""
    value = connection.settings.get(name) or {}
    if not isinstance(value, Mapping):
        raise Refused(_wrong(connection, name, "a table", value))
    return {str(key): str(code) for key, code in value.items()}


def words_setting(connection: Connection, name: str) -> tuple[str, ...]:
    """A list of texts or numbers from the settings, as texts. Raises Refused when it is none."""
    value = connection.settings.get(name, SETTINGS[name][1])
    if not isinstance(value, list | tuple) or not all(isinstance(each, str | int) for each in value):
        raise Refused(_wrong(connection, name, "a list", value))
    return tuple(str(each) for each in value)


def _wrong(connection: Connection, name: str, kind: str, value: object) -> str:
    return f"Setting {name} of connection {connection.name!r} must be {kind}, not {value!r}."
