"""The sandbox's stock: sources, stocks made of them, reservations, and what sending takes out of a source.

As Magento's inventory does it: an order reserves at the stock, a shipment takes units out of its source and gives the
reservation back, cancelling and refunding what was not sent gives it back too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from adapters.sandbox import SandboxState

STOCK_ID = 1
NOT_ENOUGH = "Not all of your products are available in the requested quantity."


class ShopError(Exception):
    """The shop refuses. `parameters` fill the message's placeholders, which is left to whoever reads the answer."""

    def __init__(self, message: str, status: int = 400, parameters: list[Any] | dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message, self.status, self.parameters = message, status, parameters


class Stock:
    """The stock of one sandbox shop."""

    def __init__(self, state: SandboxState) -> None:
        self.state = state

    def item(self, sku: str, source: str) -> dict[str, Any] | None:
        """One source item."""
        return self.state.get("source_item", _key(sku, source))

    def items_of(self, sku: str) -> list[dict[str, Any]]:
        """All source items of an article."""
        return [item for item in self.state.all("source_item") if item["sku"].lower() == sku.lower()]

    def save(self, sku: str, source: str, quantity: Decimal, status: int) -> None:
        """Write a source item, new or over the old one."""
        self.state.put(
            "source_item", _key(sku, source), {"sku": sku, "source_code": source, "quantity": quantity, "status": status}
        )

    def unassign(self, sku: str, source: str) -> None:
        """Take an article out of a source."""
        self.state.delete("source_item", _key(sku, source))

    def take(self, sku: str, source: str, units: Decimal) -> None:
        """A shipment takes units out of a source. Raises ShopError when it does not have them."""
        item = self.item(sku, source)
        if item is None or not item["status"] or Decimal(item["quantity"]) < units:
            raise ShopError(NOT_ENOUGH)
        left = Decimal(item["quantity"]) - units
        # Some versions leave the status at 1 (#36569); out of stock is what later ones do.
        self.save(item["sku"], source, left, 1 if left > 0 else 0)

    def give(self, sku: str, source: str, units: Decimal) -> None:
        """Units come back to a source."""
        item = self.item(sku, source) or {"sku": sku, "quantity": 0}
        self.save(item["sku"], source, Decimal(item["quantity"]) + units, 1)

    def reserve(self, sku: str, units: Decimal) -> None:
        """Reserve units for an order; a negative number gives them back."""
        kept = self.state.get("reservation", sku.lower()) or {"quantity": 0}
        self.state.put("reservation", sku.lower(), {"sku": sku, "quantity": Decimal(kept["quantity"]) - units})

    def salable(self, sku: str) -> Decimal:
        """What customers can order: what enabled sources of the stock have in stock, less reservations."""
        linked = set(self.sources())
        held = sum(
            (Decimal(item["quantity"]) for item in self.items_of(sku) if item["source_code"] in linked and item["status"]),
            Decimal(0),
        )
        reserved = self.state.get("reservation", sku.lower()) or {"quantity": 0}
        return held + Decimal(reserved["quantity"])

    def sources(self) -> list[str]:
        """The enabled sources of the stock, first priority first."""
        enabled = {source["source_code"] for source in self.state.all("source") if source["enabled"]}
        stock = self.state.setting("stock_id", STOCK_ID)
        mine = (link for link in self.state.all("stock_source_link") if link["stock_id"] == stock)
        links = sorted(mine, key=lambda link: link["priority"])
        return [link["source_code"] for link in links if link["source_code"] in enabled]

    def source_without_code(self) -> str:
        """Where a shipment without `source_code` goes out: the only source, or else `default`."""
        sources = self.sources()
        return sources[0] if len(sources) == 1 else "default"

    def selection(self, wanted: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """The priority algorithm's answer: which source sends how many of what."""
        chosen: list[dict[str, Any]] = []
        shippable = True
        for each in wanted:
            left = Decimal(str(each.get("qty") or 0))
            for source in self.sources():
                item = self.item(str(each.get("sku")), source)
                has = Decimal(item["quantity"]) if item and item["status"] else Decimal(0)
                if item is None or has <= 0:
                    continue
                taken = min(left, has)
                left -= taken
                chosen.append({"source_code": source, "sku": item["sku"], "qty_to_deduct": taken, "qty_available": has})
            shippable = shippable and left <= 0
        return {"source_selection_items": chosen, "shippable": shippable}


def _key(sku: str, source: str) -> str:
    return f"{sku.lower()}|{source}"
