"""What a customer of the sandbox brings to the checkout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

PAYMENTS: Mapping[str, tuple[str, str, str, str]] = {
    "online": ("Paid online", "processing", "ideal", "iDEAL"),
    "bank": ("Bank transfer, to be checked by hand", "on-hold", "bacs", "Direct bank transfer"),
    "unpaid": ("Payment not yet finished", "pending", "ideal", "iDEAL"),
    "cod": ("Cash on delivery", "processing", "cod", "Cash on delivery"),
    "draft": ("Leave the checkout", "checkout-draft", "", ""),
}
"""How an order can be placed: label, status, payment method and its title."""


@dataclass(frozen=True, slots=True)
class Basket:
    """What a customer wants: (product or variation id, quantity) for each line. `shipping_method` is the id of a method
    of the shop, `pickup_location` the name of the place for a pickup."""

    lines: Sequence[tuple[int, int]]
    shipping_method: str
    payment: str
    customer: Mapping[str, str]
    comment: str = ""
    discount: Decimal = Decimal(0)


def _names(given: Mapping[str, str]) -> tuple[str, str]:
    first, _, last = given.get("name", "").strip().partition(" ")
    return first, last.strip()


def shipping_address(given: Mapping[str, str]) -> dict[str, str]:
    """An address as orders keep it."""
    first, last = _names(given)
    return {
        "first_name": first, "last_name": last, "company": given.get("company", ""), "address_1": given.get("street", ""),
        "address_2": "", "city": given.get("city", ""), "state": "", "postcode": given.get("postcode", ""),
        "country": given.get("country", ""), "phone": "",
    }  # fmt: skip


def billing_address(given: Mapping[str, str]) -> dict[str, str]:
    """The same with what only billing addresses have."""
    return shipping_address(given) | {"email": given.get("email", ""), "phone": given.get("phone", "")}
