"""The rig of Magento 2."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from flask import Flask

from adapters.magento import Magento
from adapters.magento import sandbox_documents as documents
from adapters.magento.sandbox import connection_credentials, create_app, demo_seed
from adapters.magento.sandbox_basket import Basket
from adapters.magento.sandbox_sales import is_dummy, open_to_ship
from adapters.magento.sandbox_seed import seed
from adapters.magento.sandbox_shop import Shop
from adapters.sandbox import SandboxState
from tests.adapters.rigs.base import SHIPPING, Rig


class MagentoRig(Rig):
    platform = "magento"
    adapter = Magento()
    lacks = {
        "edit": "editing an order cancels it and makes another one",
        "delete": "orders are never deleted",
    }
    another_shop = {"webhook_secret": "of another shop"}

    @classmethod
    def seed(cls, state: SandboxState, articles: Sequence[Any], outlets: Sequence[Mapping[str, Any]]) -> None:
        seed(state, **demo_seed(articles, outlets), shipping_price=str(SHIPPING))

    @classmethod
    def app(cls, state: SandboxState, **options: Any) -> Flask:
        return create_app(state, **options)

    def credentials(self) -> Mapping[str, str]:
        return connection_credentials()

    def locations(self) -> Mapping[str, str]:
        return {"amsterdam": "amsterdam", "utrecht": "utrecht"}

    @property
    def shop(self) -> Shop:
        return Shop(self.box.sandbox)

    # Customers and staff

    def take_order(
        self, basket: Mapping[str, int], customer: Mapping[str, str], *, pickup: bool, paid: bool, discount: Decimal
    ) -> object:
        method, location = ("instore_pickup", "utrecht") if pickup else ("flatrate_flatrate", "")
        payment = "online" if paid else "bank"
        wanted = Basket(list(basket.items()), payment, method, location, customer, discount)
        return self.shop.place_order(wanted)["entity_id"]

    def pay(self, order: str) -> None:
        self.shop.pay(int(order))

    def cancel(self, order: str) -> None:
        if not self.shop.cancel(int(order)):
            self.shop.refund_all(int(order))

    def ship_by_staff(self, order: str, lines: Mapping[str, int] | None = None) -> None:
        shop = self.shop
        document = shop.order(int(order))
        items = [
            {"order_item_id": item["item_id"], "qty": lines[item["sku"]]}
            for item in document["items"]
            if lines and item["sku"] in lines and open_to_ship(document, item)
        ]
        with shop.change():
            body = {"items": items, "arguments": {"extension_attributes": {"source_code": "amsterdam"}}}
            documents.ship(shop, document, body)

    def refund_by_staff(self, order: str, amount: str | None = None) -> None:
        shop = self.shop
        if amount is None:
            shop.refund_all(int(order))
            return
        document = shop.order(int(order))
        nothing = [{"order_item_id": document["items"][0]["item_id"], "qty": 0}]
        body = {"items": nothing, "arguments": {"shipping_amount": 0, "adjustment_positive": amount}}
        with shop.change():
            documents.refund(shop, document, body)

    def rename(self, sku: str, new: str) -> None:
        self.shop.save_product(self._product(sku)["id"], {"sku": new})

    def reprice(self, sku: str, price: str) -> None:
        self.shop.save_product(self._product(sku)["id"], {"price": Decimal(price)})

    def touch(self, order: str) -> None:
        self.shop.comment(int(order), "Looked at.")

    def sell(self, sku: str, quantity: int) -> None:
        left = self.stock(sku, "amsterdam") - quantity
        self.shop.set_source_item(sku, "amsterdam", Decimal(left), 1)

    # What is the case over there

    def shop_status(self, order: str) -> str:
        document = self._order(order)
        notes = " ".join(entry["comment"] for entry in document["status_histories"])
        goods = [item for item in document["items"] if not item["is_virtual"] and not is_dummy(document, item, shipping=True)]
        sent = sum(item["qty_shipped"] for item in goods)
        everything = sent and all(item["qty_shipped"] + item["qty_canceled"] >= item["qty_ordered"] for item in goods)
        if document["state"] == "canceled" or "Cancelled:" in notes or (document["state"] == "closed" and not sent):
            return "cancelled"
        if document["state"] == "holded":
            return "on_hold"
        told = document["extension_attributes"].get("notification_sent") or "Ready for pickup." in notes
        if told and "Collected." not in notes:
            return "ready_for_pickup"
        if document["state"] in ("complete", "closed") or everything:
            return "completed"
        return "partly_shipped" if sent else "awaiting_processing"

    def payment_status(self, order: str) -> str:
        document = self._order(order)
        total, paid, refunded = (Decimal(document.get(name) or 0) for name in ("grand_total", "total_paid", "total_refunded"))
        if refunded:
            return "refunded" if refunded == paid else "partly_refunded"
        if document["state"] == "canceled":
            return "cancelled"
        return "paid" if paid == total else "unpaid"

    def shipments(self, order: str) -> list[dict[str, Any]]:
        return [
            {
                "outlet": each["extension_attributes"]["source_code"],
                "lines": {item["sku"]: int(item["qty"]) for item in each["items"]},
                "tracking": next((track["track_number"] for track in each["tracks"]), None),
            }
            for each in self.box.state.all("shipment")
            if str(each["order_id"]) == order
        ]

    def tracking(self, order: str) -> set[str]:
        mine = (each for each in self.box.state.all("shipment") if str(each["order_id"]) == order)
        return {track["track_number"] for each in mine for track in each["tracks"]}

    def assigned(self, order: str) -> dict[str, dict[str, int]]:
        notes = [entry["comment"] for entry in self._order(order)["status_histories"]]
        found = next((note for note in notes if note.startswith("Outlets: ")), "Outlets: .")
        parts = found.removeprefix("Outlets: ").partition(".")[0].split("; ")
        return {
            part.partition(": ")[0]: {sku: int(units) for units, sku in re.findall(r"(\d+) x ([^,]+)", part)} for part in parts if part
        }

    def refunded(self, order: str) -> Decimal:
        return Decimal(self._order(order).get("total_refunded") or 0)

    def stock(self, sku: str, outlet: str | None = None) -> int:
        if outlet is None:
            return int(self.shop.stock.salable(sku))
        return int((self.shop.stock.item(sku, outlet) or {"quantity": 0})["quantity"])

    def lines(self, order: str) -> dict[str, tuple[str, int]]:
        wanted = {
            str(item["item_id"]): (item["sku"], int(item["qty_ordered"] - item["qty_canceled"])) for item in self._order(order)["items"]
        }
        return {id: (sku, units) for id, (sku, units) in wanted.items() if units}

    def _order(self, order: str) -> dict[str, Any]:
        return self.shop.order(int(order))

    def _product(self, sku: str) -> dict[str, Any]:
        return next(each for each in self.box.state.all("product") if each["sku"] == sku)


open_rig = MagentoRig.open
