"""The settings a connection to E-Series may have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.settings import Settings

SETTINGS: Mapping[str, tuple[str, Any]] = {
    "currency": ("Currency of the shop (ISO 4217). Empty: read from the shop's profile.", ""),
    "outlet_by_shipping_method": (
        "Which of our outlets a shipping method is tied to: {shippingMethodId: outlet code}.",
        {},
    ),
    "outlet_by_location": (
        "Which of our outlets a location of the shop is: {locationId: outlet code}. Used for a shipping method that has "
        "a location and is not in outlet_by_shipping_method.",
        {},
    ),
    "replace_custom_status": (
        "Whether a status that the shop made itself may be overwritten. By default it is kept and reported.",
        False,
    ),
    "timeout_seconds": ("How long to wait for an answer, 1 to 120 seconds.", 20),
    "poll_overlap_seconds": ("How far each poll reaches back before the last change it saw, 0 to 86400 seconds.", 300),
    "page_size": ("How many orders or products a page of a first import holds, 1 to 100.", 100),
    "first_poll_days": ("How many days back the very first poll reaches, 0 to 365.", 1),
}
"""Name -> meaning, default."""

_RANGES = {
    "timeout_seconds": (0.01, 120),
    "poll_overlap_seconds": (0, 86_400),
    "page_size": (1, 100),
    "first_poll_days": (0, 365),
}
_READ = Settings(SETTINGS, _RANGES)
number_setting, table_setting = _READ.number, _READ.table
