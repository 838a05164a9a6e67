"""The rig of WooCommerce."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from flask import Flask

from adapters.sandbox import SandboxState
from adapters.woocommerce import WooCommerce
from adapters.woocommerce.mapping import parcels_of
from adapters.woocommerce.outlets import FIELD
from adapters.woocommerce.progress import Words
from adapters.woocommerce.sandbox import connection_credentials, create_app, demo_seed, seed
from adapters.woocommerce.sandbox_basket import Basket
from adapters.woocommerce.sandbox_render import order_json
from adapters.woocommerce.sandbox_shop import Shop
from adapters.woocommerce.settings import SETTINGS
from tests.adapters.rigs.base import SHIPPING, Rig


class WooCommerceRig(Rig):
    platform = "woocommerce"
    adapter = WooCommerce()
    lacks = {"part_shipments": "the status belongs to the whole order, and there are no shipments"}
    another_shop = {"webhook_secret": "another"}

    @classmethod
    def seed(cls, state: SandboxState, articles: Sequence[Any], outlets: Sequence[Mapping[str, Any]]) -> None:
        methods = [
            {"id": "post", "title": "Parcel post", "price": str(SHIPPING)},
            {"id": "pickup", "title": "Pick up in a store", "pickup": True},
        ]
        seed(state, **{**demo_seed(articles, outlets), "shipping_methods": methods})

    @classmethod
    def app(cls, state: SandboxState, **options: Any) -> Flask:
        return create_app(state, **options)

    def credentials(self) -> Mapping[str, str]:
        return connection_credentials()

    @property
    def shop(self) -> Shop:
        return Shop(self.box.sandbox)

    # Customers and staff

    def take_order(
        self, basket: Mapping[str, int], customer: Mapping[str, str], *, pickup: bool, paid: bool, discount: Decimal
    ) -> object:
        lines = [(self._product(sku)["id"], units) for sku, units in basket.items()]
        method, payment = "pickup" if pickup else "post", "online" if paid else "unpaid"
        return self.shop.place_order(Basket(lines, method, payment, customer, discount=discount))["id"]

    def pay(self, order: str) -> None:
        self.shop.pay(order, "tr_later")

    def cancel(self, order: str) -> None:
        self.shop.set_status(order, "cancelled")

    def ship_by_staff(self, order: str, lines: Mapping[str, int] | None = None) -> None:
        assert lines is None, self.lacks["part_shipments"]
        self.shop.set_status(order, "completed")

    def refund_by_staff(self, order: str, amount: str | None = None) -> None:
        self.shop.refund(order, self.shop.left(self._order(order)) if amount is None else Decimal(amount))

    def edit(self, order: str, sku: str, quantity: int) -> None:
        self.shop.change_line(order, int(self.line(order, sku)), quantity)

    def delete(self, order: str) -> None:
        self.shop.trash(order)
        self.shop.delete(order)

    def rename(self, sku: str, new: str) -> None:
        self.shop.change_product(self._product(sku)["id"], {"sku": new})

    def reprice(self, sku: str, price: str) -> None:
        self.shop.change_product(self._product(sku)["id"], {"price": price})

    def touch(self, order: str) -> None:
        """A note alone would not move the order's date of change, nor send a webhook."""
        looked = self.shop.meta({"looked_at": self.box.state.count("looked_at")})
        self.shop.change_order(order, {"meta_data": [*self._order(order)["meta_data"], *looked]})

    def sell(self, sku: str, quantity: int) -> None:
        product = self._product(sku)
        self.shop.change_product(product["id"], {"stock_quantity": product["stock_quantity"] - quantity})

    # What is the case over there

    def shop_status(self, order: str) -> str:
        return Words(self.connection).shop_status(self._shown(order))

    def payment_status(self, order: str) -> str:
        return Words(self.connection).payment_status(self._shown(order))

    def assigned(self, order: str) -> dict[str, dict[str, int]]:
        parts = next((each["value"] for each in self._order(order)["meta_data"] if each["key"] == FIELD), [])
        return {part["outlet"]: {line["sku"]: line["quantity"] for line in part["lines"]} for part in parts}

    def tracking(self, order: str) -> set[str]:
        """Those in the order's fields: a note to the customer that names one is never without."""
        found = parcels_of(self._shown(order), SETTINGS["tracking_meta"][1])
        notes = " ".join(each["note"] for each in self.box.state.all("note") if each["order"] == int(order))
        assert all(each["number"] in notes for each in found)
        return {str(each["number"]) for each in found}

    def refunded(self, order: str) -> Decimal:
        return sum((Decimal(each["amount"]) for each in self._order(order)["refunds"]), Decimal(0))

    def stock(self, sku: str, outlet: str | None = None) -> int:
        return int(self._product(sku)["stock_quantity"])

    def lines(self, order: str) -> dict[str, tuple[str, int]]:
        items = order_json(self.box.state, self._order(order))["line_items"]
        return {str(item["id"]): (item["sku"], item["quantity"]) for item in items}

    def writes(self) -> list[str]:
        """A batch of nothing, which proves that a key may write, writes nothing."""
        calls = [call for call in self.box.state.requests() if call.method not in ("GET", "HEAD")]
        return [f"{c.method} {c.path}" for c in calls if not (c.path.endswith("/orders/batch") and c.body == "{}")]

    def _order(self, order: str) -> dict[str, Any]:
        return self.shop.order(order)

    def _shown(self, order: str) -> dict[str, Any]:
        return order_json(self.box.state, self._order(order))

    def _product(self, sku: str) -> dict[str, Any]:
        return next(each for each in self.box.state.all("product") if each["sku"] == sku)


open_rig = WooCommerceRig.open
