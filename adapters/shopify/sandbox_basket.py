"""What a customer of the sandbox shop wants, and how it may be paid and delivered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

PAYMENTS: Mapping[str, tuple[str, str, str]] = {
    "online": ("Paid online", "SALE", "shopify_payments"),
    "authorised": ("Card authorised, captured later", "AUTHORIZATION", "shopify_payments"),
    "bank": ("Bank transfer, paid later", "", "Bank Deposit"),
}
"""How an order can be paid: label, kind of transaction, gateway."""

DELIVERIES: Mapping[str, tuple[str, str, str]] = {
    "post": ("Parcel post", "SHIPPING", "standard"),
    "courier": ("Local delivery", "LOCAL", "local"),
    "pickup": ("Pick up in a store", "PICK_UP", "pickup"),
}
SHIPPING_RATE = Decimal("4.95")


@dataclass(frozen=True, slots=True)
class Basket:
    """What a customer wants: (sku, units) for each line; `pickup_location` for a pickup, the first one when absent."""

    lines: Sequence[tuple[str, int]]
    delivery: str = "post"
    payment: str = "online"
    customer: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    discount: Decimal = Decimal(0)
    pickup_location: int | None = None


def names_of(person: Mapping[str, str]) -> tuple[str | None, str | None]:
    """First name and the rest of the name."""
    first, _, last = person.get("name", "").strip().partition(" ")
    return first or None, last.strip() or None


def address_of(person: Mapping[str, str]) -> dict[str, Any]:
    """The address as orders keep it."""
    first, last = names_of(person)
    given = {key: (person.get(key) or "").strip() or None for key in ("street", "city", "postcode", "country", "phone")}
    street, _, more = (given["street"] or "").partition("\n")
    return {
        "first": first, "last": last, "name": person.get("name", "").strip() or None, "address1": street or None,
        "address2": more.strip() or None, "city": given["city"], "zip": given["postcode"],
        "country": (given["country"] or "NL").upper(), "phone": given["phone"],
    }  # fmt: skip
