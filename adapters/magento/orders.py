"""The lines of an order as people count them, out of Magento's items.

A configurable product is two items: the parent carries price and the chosen article's SKU, the child nothing. It is one
line, by the parent. A bundle is a parent and its parts, all of them lines: the parts are what is picked and sent. Which of
them Magento ships depends on the bundle (together: the parent; separately: each part): see `adapters.magento.bundles`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from adapters.fields import Reader, objects, text

ENDED = ("canceled", "closed")
"""States of an order that is over. Its lines are shown as they were ordered: nothing is wanted any more."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line. `bundle` is the item it is a part of; `priced` says whether its amounts count (in a bundle they are
    either the parent's or the parts'). Quantities are Magento's own."""

    item: Mapping[str, Any]
    bundle: Mapping[str, Any] | None
    is_bundle: bool
    priced: bool
    ordered: Decimal
    shipped: Decimal
    invoiced: Decimal
    refunded: Decimal
    canceled: Decimal

    @property
    def id(self) -> str:
        return str(self.item.get("item_id") or "")

    @property
    def sku(self) -> str:
        return text(self.item, "sku") or ""

    @property
    def ships(self) -> bool:
        """Whether somebody has to send it: not what is virtual, and not a bundle, whose parts are sent."""
        virtual = self.item.get("is_virtual") in (1, "1", True) or self.item.get("product_type") in ("virtual", "downloadable")
        return not virtual and not self.is_bundle

    @property
    def open(self) -> Decimal:
        """Units still to be sent, as Magento counts them (`Order\\Item::getSimpleQtyToShip`)."""
        return max(Decimal(0), self.ordered - self.shipped - self.refunded - self.canceled)

    def wanted(self, state: str) -> Decimal:
        """Units the customer still wants: not what was cancelled, nor what was paid back before it was sent."""
        if state in ENDED:
            return self.ordered
        unsent = max(Decimal(0), self.refunded - self.shipped) if self.ships else Decimal(0)
        return max(Decimal(0), self.ordered - self.canceled - unsent)


def lines_of(order: Mapping[str, Any]) -> list[Line]:
    """The lines in the order of the shop. Raises Refused for quantities that make no sense."""
    read = Reader(order, str(order.get("increment_id") or order.get("entity_id") or ""))
    items = objects(order, "items")
    by_id = {item.get("item_id"): item for item in items}
    found: list[Line] = []
    for item in items:
        parent = by_id.get(item.get("parent_item_id")) if item.get("parent_item_id") else None
        if parent is None:
            parts = [each for each in items if each.get("parent_item_id") and each["parent_item_id"] == item.get("item_id")]
            is_bundle = item.get("product_type") == "bundle" and bool(parts)
            priced = not is_bundle or not _parts_priced(read, parts)
            found.append(_line(read, item, None, is_bundle, priced))
        elif parent.get("product_type") == "bundle":
            siblings = [each for each in items if each.get("parent_item_id") == parent.get("item_id")]
            found.append(_line(read, item, parent, False, _parts_priced(read, siblings)))
    return found


def _parts_priced(read: Reader, parts: list[Mapping[str, Any]]) -> bool:
    """Whether a bundle's price is that of its parts; then the parent's own amounts are only their sum."""
    return any(read.number("row_total", part) for part in parts)


def _line(read: Reader, item: Mapping[str, Any], bundle: Mapping[str, Any] | None, is_bundle: bool, priced: bool) -> Line:
    ordered, shipped = read.number("qty_ordered", item), read.number("qty_shipped", item)
    money = [read.number(f"qty_{what}", item) for what in ("invoiced", "refunded", "canceled")]
    if bundle is not None and not priced:
        # Invoicing, refunding and cancelling happen to the item that has the price; its parts do not follow reliably.
        sets = read.number("qty_ordered", bundle) or Decimal(1)
        whole = [read.number(f"qty_{what}", bundle) * ordered / sets for what in ("invoiced", "refunded", "canceled")]
        money = [max(pair) for pair in zip(money, whole, strict=True)]
    return Line(item, bundle, is_bundle, priced, ordered, shipped, *money)
