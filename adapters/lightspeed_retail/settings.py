"""What a Lightspeed Retail connection can be told, with defaults, and how the settings are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.base import Connection, Refused

DEFAULT_TRACKING_PATTERN = (
    r"(?im)^\s*(?:track(?:ing|ing number|ing code| ?& ?trace)|volgnummer|kollinummer|spårningsnummer)"
    r"(?:\s*\((?P<carrier>[^)\n]+)\))?\s*:\s*(?P<number>\S+)(?:\s+(?P<url>https?://\S+))?\s*$"
)

SETTINGS: Mapping[str, tuple[str, Any]] = {
    "api_version": ("Date version of the API, part of every address. Test before changing it.", "2026-07"),
    "register_id": ("Id of the register that online sales are booked on.", ""),
    "author_id": ("Id of the till user in whose name online sales are booked.", ""),
    "outlets": ("Our outlet code -> name or id of the outlet in the till.", {}),
    "shipping_product_sku": ("SKU of the product without stock that stands for shipping costs.", ""),
    "shipping_tax_rate": ("Tax rate of shipping in percent; empty: that of the lines that weigh most.", ""),
    "payment_type_by_method": ("Name of a payment method or processor -> name of the payment type in the till.", {}),
    "payment_type_default": ("Name of the payment type for methods the till does not know.", ""),
    "stock_moves": ("When a sale to be fulfilled lowers the till's stock: at_sale or at_fulfilment.", "at_sale"),
    "tracking_pattern": (
        "How staff write a tracking number in the sale's note (RE2; groups number, url, carrier), "
        'for example "Tracking (PostNL): 3STEST1234567".',
        DEFAULT_TRACKING_PATTERN,
    ),
    "signature_encoding": ("How a webhook's signature is written: auto (hex, then base64), hex or base64.", "auto"),
    "signature_over": ("What a webhook's signature covers: body (the raw form) or payload (only its JSON).", "body"),
}


def setting(connection: Connection, name: str) -> Any:
    """A setting of the connection, or its default when it is missing or empty."""
    value = connection.settings.get(name)
    return SETTINGS[name][1] if value in (None, "", {}) else value


def required(connection: Connection, name: str) -> str:
    """A setting that has to be there. Raises Refused saying what it means."""
    value = str(setting(connection, name) or "")
    if not value:
        raise Refused(f"The connection {connection.name} lacks the setting {name}. {SETTINGS[name][0]}")
    return value
