"""What each platform can be told: the one table that adapters, the rule checker and the pages share.

A shop's status words are translated here, ours to the word its staff read; what is not in the table cannot be written
there. Words a platform can show but not be told (Shopify's *partially fulfilled*) are not in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.vocabulary import PAYMENT_STATUSES, SHOP_STATUSES


@dataclass(frozen=True)
class Platform:
    """One platform as rules see it.

    `shop_statuses` and `payment_statuses` map the words of ours it can be told to the words its staff read; `outcomes`
    names the other demands of `status_to_shop` it can meet; `stock_per_outlet` says whether it counts stock by location;
    `shown_only` are statuses it can come to show and cannot be told, `may_be_noted` those it can be told that may come to
    nothing but a note on the order.
    """

    name: str
    title: str
    role: str
    shop_statuses: Mapping[str, str] = field(default_factory=dict)
    payment_statuses: Mapping[str, str] = field(default_factory=dict)
    outcomes: frozenset[str] = frozenset()
    stock_per_outlet: bool = False
    shown_only: Mapping[str, str] = field(default_factory=dict)
    may_be_noted: frozenset[str] = frozenset()

    @property
    def shows(self) -> Mapping[str, str]:
        """Every status of ours that an order there may show, with the words its staff read."""
        return {**self.shop_statuses, **self.shown_only}

    def can(self, outcome: str, status: str = "") -> bool:
        """Whether the platform can meet a demand of `status_to_shop`; `status` is the word in `set shop status …`."""
        if outcome == "set shop status":
            return status in self.shop_statuses
        if outcome == "set shop payment":
            return status in self.payment_statuses
        return outcome not in ABILITIES or outcome in self.outcomes


ABILITIES = frozenset({"ship fulfilment", "assign outlets in shop", "refund in shop"})
"""Demands that not every shop can meet, besides its status words."""

_EVERYTHING = ABILITIES

PLATFORM: Mapping[str, Platform] = {
    platform.name: platform
    for platform in (
        Platform(
            "lightspeed_ecom", "Lightspeed eCom (E-Series)", "shop",
            {
                "awaiting_processing": "Awaiting Processing", "processing": "Processing",
                "ready_for_pickup": "Ready for Pickup", "shipped": "Shipped", "out_for_delivery": "Out for Delivery",
                "delivered": "Delivered", "returned": "Returned", "will_not_deliver": "Will Not Deliver",
            },
            {
                "unpaid": "Awaiting Payment", "paid": "Paid", "partly_refunded": "Partially Refunded",
                "refunded": "Refunded", "cancelled": "Cancelled",
            },
            shown_only={"custom": "a status of the shop's own"},
        ),
        Platform(
            "shopify", "Shopify", "shop",
            {
                "awaiting_processing": "Unfulfilled", "processing": "In progress", "on_hold": "On hold",
                "ready_for_pickup": "Ready for pickup", "completed": "Fulfilled", "cancelled": "Cancelled",
            },
            {"paid": "Paid"}, _EVERYTHING, stock_per_outlet=True, shown_only={"partly_shipped": "Partially fulfilled"},
        ),
        Platform(
            "bigcommerce", "BigCommerce", "shop",
            {
                "awaiting_processing": "Awaiting Fulfillment", "awaiting_shipment": "Awaiting Shipment",
                "ready_for_pickup": "Awaiting Pickup", "partly_shipped": "Partially Shipped", "shipped": "Shipped",
                "completed": "Completed", "on_hold": "Manual Verification Required", "cancelled": "Cancelled",
            },
            {"paid": "Awaiting Fulfillment"}, _EVERYTHING, stock_per_outlet=True,
        ),
        Platform(
            "woocommerce", "WooCommerce", "shop",
            {
                "awaiting_processing": "Processing", "awaiting_shipment": "a note, or the shop's own status",
                "ready_for_pickup": "a note, or the shop's own status",
                "partly_shipped": "a note, or the shop's own status", "shipped": "a note, or the shop's own status",
                "completed": "Completed", "on_hold": "On hold", "cancelled": "Cancelled",
            },
            {"paid": "Processing"}, frozenset({"assign outlets in shop", "refund in shop"}),
            shown_only={"custom": "a status of the shop's own"},
            may_be_noted=frozenset({"awaiting_shipment", "ready_for_pickup", "partly_shipped", "shipped"}),
        ),
        Platform(
            "magento", "Magento 2", "shop",
            {
                "awaiting_processing": "Pending or Processing", "on_hold": "On Hold",
                "awaiting_shipment": "a comment, or the shop's own status", "ready_for_pickup": "Ready for pickup",
                "completed": "Complete", "cancelled": "Canceled",
            },
            {"paid": "Processing"}, _EVERYTHING, stock_per_outlet=True,
            shown_only={"partly_shipped": "Processing, a part of it shipped"}, may_be_noted=frozenset({"awaiting_shipment"}),
        ),
        Platform("lightspeed_retail", "Lightspeed Retail (X-Series)", "till"),
    )
}  # fmt: skip
"""By name. Platforms without an entry are known to the vocabulary only: nothing is said of what they can do."""

SHOPS: tuple[str, ...] = tuple(name for name, platform in PLATFORM.items() if platform.role == "shop")

assert all(set(platform.shows) <= set(SHOP_STATUSES) for platform in PLATFORM.values())
assert all(set(platform.payment_statuses) <= set(PAYMENT_STATUSES) for platform in PLATFORM.values())
