"""The rig of BigCommerce."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from flask import Flask

from adapters.bigcommerce import BigCommerce
from adapters.bigcommerce import sandbox_fulfilment as fulfilment
from adapters.bigcommerce import sandbox_payments as payments
from adapters.bigcommerce import sandbox_shop as staff
from adapters.bigcommerce import sandbox_stock as stock
from adapters.bigcommerce.progress import AWAITING_PAYMENT, CANCELLED, PARTLY_REFUNDED, REFUNDED
from adapters.bigcommerce.sandbox import connection_credentials, create_app, demo_seed
from adapters.bigcommerce.sandbox_core import Shop, cents
from adapters.bigcommerce.sandbox_pages import give_back
from adapters.bigcommerce.sandbox_seed import seed
from adapters.bigcommerce.sandbox_shop import Basket
from adapters.sandbox import SandboxState
from tests.adapters.rigs.base import Rig

_WORDS = {
    0: "awaiting_processing", 1: "awaiting_processing", 2: "shipped", 3: "partly_shipped", 5: "cancelled", 6: "cancelled",
    7: "awaiting_processing", 8: "ready_for_pickup", 9: "awaiting_shipment", 10: "completed", 11: "awaiting_processing",
    12: "on_hold", 13: "custom",
}  # fmt: skip
_PAID = {
    "captured": "paid",
    "paid": "paid",
    "refunded": "refunded",
    "partially refunded": "partly_refunded",
    "void": "cancelled",
}


class BigCommerceRig(Rig):
    platform = "bigcommerce"
    adapter = BigCommerce()
    lacks = {"delete": "an order can be archived and never deleted"}
    another_shop = {"store_hash": "xyz789"}

    @classmethod
    def seed(cls, state: SandboxState, articles: Sequence[Any], outlets: Sequence[Mapping[str, Any]]) -> None:
        seed(state, **demo_seed(articles, outlets))

    @classmethod
    def app(cls, state: SandboxState, **options: Any) -> Flask:
        return create_app(state, **options)

    def credentials(self) -> Mapping[str, str]:
        return connection_credentials()

    @property
    def shop(self) -> Shop:
        return Shop(self.box.sandbox)

    def locations(self) -> Mapping[str, str]:
        return {place["code"]: str(place["id"]) for place in self.box.state.all("location")}

    # Customers and staff

    def take_order(
        self, basket: Mapping[str, int], customer: Mapping[str, str], *, pickup: bool, paid: bool, discount: Decimal
    ) -> object:
        lines = [(self._variant(sku)["id"], units) for sku, units in basket.items()]
        method, payment = "pickup:1" if pickup else "post", "online" if paid else "bank"
        return staff.place(self.shop, Basket(lines, method, payment, customer, discount=discount))["id"]

    def pay(self, order: str) -> None:
        staff.pay(self.shop, order)

    def cancel(self, order: str) -> None:
        staff.cancel(self.shop, order)

    def ship_by_staff(self, order: str, lines: Mapping[str, int] | None = None) -> None:
        units = None if lines is None else {int(self.line(order, sku)): count for sku, count in lines.items()}
        fulfilment.ship_rest(self.shop, order, units)

    def refund_by_staff(self, order: str, amount: str | None = None) -> None:
        whole = cents(self._order(order)["total_inc_tax"]) - self.refunded(order)
        give_back(self.shop, int(order), whole if amount is None else Decimal(amount))
        self.shop.settle()

    def edit(self, order: str, sku: str, quantity: int) -> None:
        staff.edit(self.shop, order, int(self.line(order, sku)), quantity)

    def rename(self, sku: str, new: str) -> None:
        product = self._product(sku)
        variants = [each | ({"sku": new} if each["sku"] == sku else {}) for each in product["variants"]]
        staff.save_product(self.shop, product | {"sku": new, "variants": variants})

    def reprice(self, sku: str, price: str) -> None:
        staff.save_product(self.shop, self._product(sku) | {"price": Decimal(price)})

    def touch(self, order: str) -> None:
        staff.note(self.shop, order, f"{self._order(order)['staff_notes']}Looked at. ")

    def sell(self, sku: str, quantity: int) -> None:
        shop = self.shop
        with shop.change():
            stock.take(shop, self._product(sku), self._variant(sku)["id"], quantity)

    # What is the case over there

    def shop_status(self, order: str) -> str:
        document = self._order(order)
        if document["status_id"] not in (REFUNDED, PARTLY_REFUNDED):
            return _WORDS[document["status_id"]]
        lines = [line for line in document["_lines"] if line["order_address_id"]]
        open_units = sum(line["quantity"] - line["quantity_shipped"] for line in lines)
        if not any(line["quantity_shipped"] for line in lines):
            return "awaiting_processing"
        return "partly_shipped" if open_units else "shipped"

    def payment_status(self, order: str) -> str:
        document = self._order(order)
        if document["payment_status"] in _PAID:
            return _PAID[document["payment_status"]]
        if document["status_id"] == CANCELLED:
            return "cancelled"
        return "paid" if document["status_id"] != AWAITING_PAYMENT and document["payment_status"] == "" else "unpaid"

    def shipments(self, order: str) -> list[dict[str, Any]]:
        skus = {line["id"]: line["sku"] for line in self._order(order)["_lines"]}
        return [
            {
                "outlet": (re.match("Sent by ([^ ]+)", each["comments"]) or [None, None])[1],
                "lines": {skus[item["order_product_id"]]: item["quantity"] for item in each["items"]},
                "tracking": each["tracking_number"] or None,
            }
            for each in fulfilment.shipments(self.shop, int(order))
        ]

    def assigned(self, order: str) -> dict[str, dict[str, int]]:
        kept = [each for each in self.shop.of("metafield", order) if each["namespace"] == "wissel"]
        plan = json.loads(kept[0]["value"]) if kept else []
        return {part["outlet"]: {line["sku"]: line["quantity"] for line in part["lines"]} for part in plan}

    def refunded(self, order: str) -> Decimal:
        return payments.refunded(self.shop, int(order))

    def stock(self, sku: str, outlet: str | None = None) -> int:
        self.shop.settle()
        variant = self._variant(sku)["id"]
        if outlet is None:
            return stock.total(self.shop, variant)
        return stock.available(self.shop, int(self.locations()[outlet]), variant)

    def lines(self, order: str) -> dict[str, tuple[str, int]]:
        return {str(line["id"]): (line["sku"], line["quantity"]) for line in self._order(order)["_lines"]}

    def _order(self, order: str) -> dict[str, Any]:
        """The order once all that happens in the background has happened."""
        self.shop.settle()
        return self.shop.order(order)

    def _product(self, sku: str) -> dict[str, Any]:
        return staff.product_by_sku(self.shop, sku)[0]

    def _variant(self, sku: str) -> dict[str, Any]:
        return staff.product_by_sku(self.shop, sku)[1]


open_rig = BigCommerceRig.open
