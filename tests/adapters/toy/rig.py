"""The toy shop as the conformance suite uses it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from flask import Flask

from adapters.sandbox import SandboxState
from engine.platforms import Platform
from tests.adapters.rigs.base import Rig
from tests.adapters.toy import mapping, sandbox
from tests.adapters.toy.adapter import ToyShop
from tests.adapters.toy.declared import TOY


class ToyRig(Rig):
    platform = "toy"
    adapter = ToyShop()
    lacks = {"bundles": "an article is one article", "delete": "orders are kept for ever"}
    another_shop = {"shop_id": "8"}

    @classmethod
    def declared(cls) -> Platform:
        return TOY

    @classmethod
    def seed(cls, state: SandboxState, articles: Sequence[Any], outlets: Sequence[Mapping[str, Any]]) -> None:
        sandbox.seed(state, [
            {"code": each.sku, "name": each.name, "price": Decimal(each.price), "tax": Decimal(each.tax_rate),
             "stock": sum(each.stock.values()), "digital": getattr(each, "gift_card", False)}
            for each in articles if not getattr(each, "parts", None)
        ])  # fmt: skip

    @classmethod
    def app(cls, state: SandboxState, **options: Any) -> Flask:
        return sandbox.create_app(state, **options)

    def credentials(self) -> Mapping[str, str]:
        return {"shop_id": sandbox.SHOP_ID, "token": sandbox.TOKEN, "hook_secret": sandbox.SECRET}

    @property
    def toys(self) -> sandbox.Toys:
        return sandbox.Toys(self.box.sandbox)

    # Customers and staff

    def take_order(
        self, basket: Mapping[str, int], customer: Mapping[str, str], *, pickup: bool, paid: bool, discount: Decimal
    ) -> object:
        return self.toys.place(basket, customer, collect=pickup, paid=paid, discount=discount)["id"]

    def pay(self, order: str) -> None:
        self.toys.change(order, payment="paid")

    def cancel(self, order: str) -> None:
        self.toys.change(order, status="cancelled")

    def ship_by_staff(self, order: str, lines: Mapping[str, int] | None = None) -> None:
        document = self.toys.order(order)
        wanted = lines or {line["code"]: line["units"] - line["sent"] for line in document["lines"]}
        units = {line["id"]: wanted[line["code"]] for line in document["lines"] if wanted.get(line["code"])}
        self.toys.ship(order, "", units, None)

    def refund_by_staff(self, order: str, amount: str | None = None) -> None:
        self.toys.refund(order, "", Decimal(amount or self.toys.order(order)["total"]))

    def edit(self, order: str, sku: str, quantity: int) -> None:
        document = self.toys.order(order)
        for line in document["lines"]:
            line |= {"units": quantity} if line["code"] == sku else {}
        document["lines"] = [line for line in document["lines"] if line["units"]]
        self.toys.save(document)

    def rename(self, sku: str, new: str) -> None:
        self.toys.change_article(self.toys.by_code(sku)["id"], code=new)

    def reprice(self, sku: str, price: str) -> None:
        self.toys.change_article(self.toys.by_code(sku)["id"], price=Decimal(price))

    def touch(self, order: str) -> None:
        self.toys.change(order, note=self.toys.order(order)["note"] + "Looked at. ")

    def sell(self, sku: str, quantity: int) -> None:
        article = self.toys.by_code(sku)
        self.toys.set_stock(article["id"], int(article["stock"]) - quantity)

    # What is the case over there

    def shop_status(self, order: str) -> str:
        return mapping.shop_status(self.toys.order(order))

    def payment_status(self, order: str) -> str:
        return mapping.payment_status(self.toys.order(order))

    def shipments(self, order: str) -> list[dict[str, Any]]:
        document = self.toys.order(order)
        codes = {line["id"]: line["code"] for line in document["lines"]}
        return [
            {
                "outlet": None,
                "lines": {codes[id]: units for id, units in each["lines"].items()},
                "tracking": each["tracking"],
            }
            for each in document["shipments"]
        ]

    def refunded(self, order: str) -> Decimal:
        return sum((Decimal(str(each["amount"])) for each in self.toys.order(order)["refunds"]), Decimal(0))

    def stock(self, sku: str, outlet: str | None = None) -> int:
        return int(self.toys.by_code(sku)["stock"])

    def lines(self, order: str) -> dict[str, tuple[str, int]]:
        return {line["id"]: (line["code"], line["units"]) for line in self.toys.order(order)["lines"]}
