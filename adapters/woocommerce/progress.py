"""The shop's order statuses and our words, both ways, and which status may follow which.

WooCommerce has one status for how far an order is and whether it is paid, without a state machine: every status may
follow every other. Its own are fixed; shops add theirs, which mean something to us when the setting `status_slugs` says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from adapters.base import Connection, Refused
from adapters.fields import Reader, objects, text
from adapters.progress import CUSTOM
from adapters.woocommerce.settings import table_setting, words_setting
from engine.platforms import PLATFORM

PLATFORM_NAME = "woocommerce"
SLUG_OF: Mapping[str, str] = {
    "awaiting_processing": "processing", "completed": "completed", "on_hold": "on-hold", "cancelled": "cancelled",
}  # fmt: skip
"""Our words that WooCommerce itself has a status for."""

NOTED = frozenset(PLATFORM[PLATFORM_NAME].shop_statuses) - frozenset(SLUG_OF)
"""Our words that are a status of the shop's own, or else a note."""

WORD_OF: Mapping[str, str] = {
    "pending": "awaiting_processing", "failed": "awaiting_processing", "processing": "awaiting_processing",
    "completed": "completed", "cancelled": "cancelled",
}  # fmt: skip
NO_ORDERS = frozenset({"checkout-draft", "auto-draft"})
"""Statuses of what is not yet an order: a checkout under way, an order that staff are typing in."""

TRASHED = "trash"

_OPEN = ("on_hold", "awaiting_shipment", "ready_for_pickup", "partly_shipped", "shipped", "completed", "cancelled")
MAY_FOLLOW: Mapping[str, frozenset[str]] = {
    "awaiting_processing": frozenset(_OPEN),
    "on_hold": frozenset({"awaiting_processing", *_OPEN}),
    "awaiting_shipment": frozenset({"ready_for_pickup", "partly_shipped", "shipped", "completed", "cancelled"}),
    "ready_for_pickup": frozenset({"partly_shipped", "shipped", "completed", "cancelled"}),
    "partly_shipped": frozenset({"shipped", "completed"}),
    "shipped": frozenset({"completed"}),
    "completed": frozenset(),
    "cancelled": frozenset(),
}
"""A status moves on and never back, whatever order the news arrives in."""


class Words:
    """The words of one shop: WooCommerce's own and those that the connection's settings name."""

    def __init__(self, connection: Connection) -> None:
        slugs = table_setting(connection, "status_slugs")
        wrong = sorted(set(slugs) - NOTED)
        if wrong:
            raise Refused(
                f"Setting status_slugs of connection {connection.name!r} names {', '.join(wrong)}; it can name "
                f"{', '.join(sorted(NOTED))}."
            )
        self.slugs: Mapping[str, str] = {word: slug.removeprefix("wc-") for word, slug in slugs.items() if slug}
        self._words = {slug: word for word, slug in self.slugs.items()} | dict(WORD_OF)
        self._unpaid_methods = words_setting(connection, "unpaid_methods")

    def slug(self, word: str) -> str | None:
        """The status that shows our word; None for a word that only a note can show."""
        return SLUG_OF.get(word) or self.slugs.get(word)

    def shop_status(self, order: Mapping[str, Any]) -> str:
        """How far the order is, in our words; `custom` for a status of the shop's own that no setting names.

        `on-hold` is where WooCommerce keeps orders that wait for their payment; only a paid order there is on hold.
        A refunded order is as far as it was before: completed, or not.
        """
        slug = text(order, "status") or ""
        if slug == "on-hold":
            return "on_hold" if self._is_paid(order) else "awaiting_processing"
        if slug == "refunded":
            return "completed" if order.get("date_completed_gmt") else "awaiting_processing"
        return "awaiting_processing" if slug in NO_ORDERS else self._words.get(slug, CUSTOM)

    def payment_status(self, order: Mapping[str, Any]) -> str:
        """Whether it is paid, in our words: by the day of payment and the sum of the refunds."""
        slug = text(order, "status") or ""
        if slug in NO_ORDERS:
            return "incomplete"
        total, refunded = amount(order, "total"), refunded_amount(order)
        if slug == "refunded" or (refunded > 0 and refunded >= total):
            return "refunded"
        if refunded > 0:
            return "partly_refunded"
        if self._is_paid(order):
            return "paid"
        return "cancelled" if slug == "cancelled" else "unpaid"

    def _is_paid(self, order: Mapping[str, Any]) -> bool:
        """An order of nothing is paid. Cash on delivery gets its day of payment when it is processed, long before there
        is any cash."""
        if amount(order, "total") == 0:
            return True
        if text(order, "payment_method") in self._unpaid_methods:
            return bool(text(order, "transaction_id") or order.get("date_completed_gmt"))
        return bool(order.get("date_paid_gmt"))


def reader(order: Mapping[str, Any]) -> Reader:
    """Reads amounts of an order, naming it by its number."""
    return Reader(order, text(order, "number") or text(order, "id") or "")


def amount(order: Mapping[str, Any], key: str) -> Decimal:
    """An amount of an order. Raises Refused when it is none."""
    return reader(order).number(key)


def refunded_amount(order: Mapping[str, Any]) -> Decimal:
    """What was paid back so far: refunds are listed with negative totals."""
    read = reader(order)
    return sum((abs(read.number("total", refund)) for refund in objects(order, "refunds")), Decimal(0))
