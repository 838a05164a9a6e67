"""The rig of Shopify."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from flask import Flask

from adapters.sandbox import SandboxState
from adapters.shopify import Shopify
from adapters.shopify import sandbox_money as money
from adapters.shopify.progress import FULFILMENT_TO_OURS, payment_status
from adapters.shopify.sandbox import connection_credentials, create_app, demo_seed, seed
from adapters.shopify.sandbox_basket import Basket
from adapters.shopify.sandbox_book import OPEN_STATES, Row, current, fulfilled, unfulfilled
from adapters.shopify.sandbox_shop import Shop
from tests.adapters.rigs.base import Rig


class ShopifyRig(Rig):
    platform = "shopify"
    adapter = Shopify()
    another_shop = {"shop": "another-shop.myshopify.com"}

    @classmethod
    def seed(cls, state: SandboxState, articles: Sequence[Any], outlets: Sequence[Mapping[str, Any]]) -> None:
        seed(state, **demo_seed(articles, outlets))

    @classmethod
    def app(cls, state: SandboxState, **options: Any) -> Flask:
        # Points enough for any test; that they run out is tested by itself.
        return create_app(state, **{"cost_bucket": 1_000_000, "restore_rate": 100_000, **options})

    def credentials(self) -> Mapping[str, str]:
        return connection_credentials()

    def locations(self) -> Mapping[str, str]:
        return {row["code"]: str(row["id"]) for row in self.box.state.all("location")}

    @property
    def shop(self) -> Shop:
        return Shop(self.box.sandbox)

    # Customers and staff

    def take_order(
        self, basket: Mapping[str, int], customer: Mapping[str, str], *, pickup: bool, paid: bool, discount: Decimal
    ) -> object:
        delivery, payment = "pickup" if pickup else "post", "online" if paid else "bank"
        return self.shop.place(Basket(list(basket.items()), delivery, payment, customer, discount=discount))["id"]

    def pay(self, order: str) -> None:
        self.shop.pay(int(order))

    def cancel(self, order: str) -> None:
        self.shop.cancel(int(order), reason="STAFF")

    def ship_by_staff(self, order: str, lines: Mapping[str, int] | None = None) -> None:
        self.shop.send_open(int(order), lines)

    def refund_by_staff(self, order: str, amount: str | None = None) -> None:
        self.shop.pay_back(int(order), None if amount is None else Decimal(amount))

    def edit(self, order: str, sku: str, quantity: int) -> None:
        self.shop.edit(int(order), sku, quantity)

    def delete(self, order: str) -> None:
        self.shop.delete(int(order))

    def rename(self, sku: str, new: str) -> None:
        self.shop.change_variant(self._variant(sku)["id"], sku=new)

    def reprice(self, sku: str, price: str) -> None:
        self.shop.change_variant(self._variant(sku)["id"], price=Decimal(price))

    def touch(self, order: str) -> None:
        document = self.shop.order(int(order))
        self.shop.update(int(order), tags=[*document["tags"], f"looked-at-{len(document['tags'])}"])

    def sell(self, sku: str, quantity: int) -> None:
        level = self.shop.levels(self._variant(sku)["item"])[0]
        self.shop.set_level(level, available=level["available"] - quantity)

    # What is the case over there

    def shop_status(self, order: str) -> str:
        document = self.shop.order(int(order))
        if document["cancelled"]:
            return "cancelled"
        open_parts = [part for part in document["fulfilment_orders"] if part["status"] in OPEN_STATES]
        word = money.fulfilment_status(document)
        goods = [line for line in document["lines"] if line["requires_shipping"]]
        if word == "PARTIALLY_FULFILLED" and not any(fulfilled(document, line["id"]) for line in goods):
            word = "UNFULFILLED"
        if word in ("UNFULFILLED", "IN_PROGRESS") and any(part["prepared"] for part in open_parts):
            return "ready_for_pickup"
        return FULFILMENT_TO_OURS[word]

    def payment_status(self, order: str) -> str:
        return payment_status(money.financial_status(self.shop.order(int(order))))

    def shipments(self, order: str) -> list[dict[str, Any]]:
        document = self.shop.order(int(order))
        skus, codes = self._skus(document), {place: code for code, place in self.locations().items()}
        return [
            {
                "outlet": codes.get(str(each["location"])),
                "lines": _summed((skus[row["line"]], row["quantity"]) for row in each["lines"]),
                "tracking": next((row["number"] for row in each["tracking"]), None),
            }
            for each in document["fulfilments"]
            if each["status"] == "SUCCESS" and each["method"] != "NONE"
        ]

    def assigned(self, order: str) -> dict[str, dict[str, int]]:
        document = self.shop.order(int(order))
        skus, codes = self._skus(document), {place: code for code, place in self.locations().items()}
        found: dict[str, dict[str, int]] = {}
        for part in document["fulfilment_orders"]:
            if part["status"] in OPEN_STATES and part["method"] != "NONE":
                place = found.setdefault(codes[str(part["location"])], {})
                for row in part["lines"]:
                    place[skus[row["line"]]] = place.get(skus[row["line"]], 0) + row["remaining"]
        return found

    def refunded(self, order: str) -> Decimal:
        return money.paid_back(self.shop.order(int(order)))

    def stock(self, sku: str, outlet: str | None = None) -> int:
        item = self._variant(sku)["item"]
        if outlet is None:
            return self.shop.available(item)
        level = self.shop.level(item, int(self.locations()[outlet]))
        return level["available"] if level else 0

    def lines(self, order: str) -> dict[str, tuple[str, int]]:
        document = self.shop.order(int(order))
        wanted = {
            line["id"]: max(current(document, line), fulfilled(document, line["id"]) + unfulfilled(document, line))
            for line in document["lines"]
        }
        return {str(line["id"]): (line["sku"], wanted[line["id"]]) for line in document["lines"] if wanted[line["id"]]}

    def writes(self) -> list[str]:
        """The names of the mutations that were asked for."""
        found = []
        for call in self.box.state.requests("POST", "graphql.json"):
            text = json.loads(call.body).get("query", "") if call.body else ""
            match = re.match(r"\s*mutation\b[^{]*?\{\s*([A-Za-z]+)", re.sub(r"\([^()]*\)", "", text))
            if match:
                found.append(match[1])
        return found

    def _variant(self, sku: str) -> Row:
        return self.shop.variant_by_sku(sku)[1]

    @staticmethod
    def _skus(document: Row) -> dict[int, str]:
        return {line["id"]: line["sku"] for line in document["lines"]}


def _summed(pairs: Any) -> dict[str, int]:
    found: dict[str, int] = {}
    for sku, units in pairs:
        found[sku] = found.get(sku, 0) + units
    return found


open_rig = ShopifyRig.open
