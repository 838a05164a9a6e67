"""The rig of Lightspeed eCom (E-Series), and the model of all others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from flask import Flask

from adapters.lightspeed_ecom import LightspeedEcom
from adapters.lightspeed_ecom.progress import payment_status, shop_status
from adapters.lightspeed_ecom.sandbox import STORE_ID, TOKEN, create_app
from adapters.lightspeed_ecom.sandbox_seed import seed
from adapters.lightspeed_ecom.sandbox_shop import Basket, Shop
from adapters.sandbox import SandboxState
from adapters.sandbox.app import DEFAULT_SECRET
from tests.adapters.rigs.base import SHIPPING, Rig


class LightspeedEcomRig(Rig):
    platform = "lightspeed_ecom"
    adapter = LightspeedEcom()
    lacks = {
        "bundles": "a bundle is one article with one sku",
        "gift_cards": "gift cards are a way to pay and not an article with stock",
        "part_shipments": "the fulfilment status belongs to the whole order",
        "refund_amounts": "an order says that it was refunded and not how much",
    }
    another_shop = {"store_id": str(STORE_ID + 1)}

    @classmethod
    def seed(cls, state: SandboxState, articles: Sequence[Any], outlets: Sequence[Mapping[str, Any]]) -> None:
        products = [
            {"sku": each.sku, "name": each.name, "price": each.price, "tax_rate": each.tax_rate,
             "quantity": sum(each.stock.values())}
            for each in articles
            if not getattr(each, "gift_card", False) and not getattr(each, "parts", None)
        ]  # fmt: skip
        methods = [
            {"id": "post", "title": "Parcel post", "type": "shipping", "price": str(SHIPPING)},
            {"id": "pickup", "title": "Pick up in a store", "type": "pickup"},
        ]
        seed(state, products, methods)

    @classmethod
    def app(cls, state: SandboxState, **options: Any) -> Flask:
        return create_app(state, **options)

    def credentials(self) -> Mapping[str, str]:
        return {"store_id": str(STORE_ID), "token": TOKEN, "client_secret": DEFAULT_SECRET}

    @property
    def shop(self) -> Shop:
        return Shop(self.box.sandbox)

    # Customers and staff

    def take_order(
        self, basket: Mapping[str, int], customer: Mapping[str, str], *, pickup: bool, paid: bool, discount: Decimal
    ) -> object:
        theirs = {**customer, "postalCode": customer["postcode"], "countryCode": customer["country"]}
        lines = [(self._product(sku)["id"], None, units) for sku, units in basket.items()]
        method, payment = "pickup" if pickup else "post", "online" if paid else "bank"
        return self.shop.place_order(Basket(lines, method, payment, theirs, discount=discount))["id"]

    def pay(self, order: str) -> None:
        self.shop.update_order(order, {"paymentStatus": "PAID"})

    def cancel(self, order: str) -> None:
        self.shop.update_order(order, {"paymentStatus": "CANCELLED"})

    def ship_by_staff(self, order: str, lines: Mapping[str, int] | None = None) -> None:
        assert lines is None, self.lacks["part_shipments"]
        self.shop.update_order(order, {"fulfillmentStatus": "SHIPPED"})

    def refund_by_staff(self, order: str, amount: str | None = None) -> None:
        self.shop.update_order(order, {"paymentStatus": "REFUNDED" if amount is None else "PARTIALLY_REFUNDED"})

    def edit(self, order: str, sku: str, quantity: int) -> None:
        document = self._order(order)
        items = [item | ({"quantity": quantity} if item["sku"] == sku else {}) for item in document["items"]]
        items = [item for item in items if item["quantity"]]
        total = sum((item["price"] * item["quantity"] for item in items), Decimal(0))
        rate = document["shippingOption"]["shippingRate"]
        self.shop.update_order(order, {"items": items, "subtotal": total, "total": total + rate - document["discount"]})

    def delete(self, order: str) -> None:
        self.shop.delete_order(order)

    def rename(self, sku: str, new: str) -> None:
        self.shop.save_product(self._product(sku)["id"], {"sku": new})

    def reprice(self, sku: str, price: str) -> None:
        self.shop.save_product(self._product(sku)["id"], {"price": Decimal(price)})

    def touch(self, order: str) -> None:
        notes = self._order(order).get("privateAdminNotes") or ""
        self.shop.update_order(order, {"privateAdminNotes": f"{notes}Looked at. "})

    def sell(self, sku: str, quantity: int) -> None:
        self.shop.set_quantity(self._product(sku)["id"], None, by=-quantity)

    # What is the case over there

    def shop_status(self, order: str) -> str:
        return shop_status(self._order(order)["fulfillmentStatus"])

    def payment_status(self, order: str) -> str:
        return payment_status(self._order(order)["paymentStatus"])

    def tracking(self, order: str) -> set[str]:
        number = self._order(order).get("trackingNumber")
        return {number} if number else set()

    def refunded(self, order: str) -> Decimal:
        document = self._order(order)
        return Decimal(document["total"]) if document["paymentStatus"] == "REFUNDED" else Decimal(0)

    def stock(self, sku: str, outlet: str | None = None) -> int:
        return int(self._product(sku)["quantity"])

    def lines(self, order: str) -> dict[str, tuple[str, int]]:
        return {str(item["id"]): (item["sku"], int(item["quantity"])) for item in self._order(order)["items"]}

    def _order(self, order: str) -> dict[str, Any]:
        return self.shop.order(order)

    def _product(self, sku: str) -> dict[str, Any]:
        return next(each for each in self.box.state.all("product") if each["sku"] == sku)


open_rig = LightspeedEcomRig.open
