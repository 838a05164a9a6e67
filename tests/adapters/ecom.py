"""A running E-Series sandbox with the adapter pointed at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from adapters.base import Call, Connection, Result
from adapters.lightspeed_ecom import LightspeedEcom
from adapters.lightspeed_ecom.sandbox_shop import Basket, Shop
from adapters.sandbox import RunningSandbox
from tests.adapters.memory import LocalMemory

STORE = 1003
TOKEN = "secret_test"
CLIENT_SECRET = "demo-client-secret"

PRODUCTS: list[dict[str, Any]] = [
    {"sku": "MOK-ROOD", "name": "Mok rood", "price": "12.50", "quantity": 10},
    {"sku": "KAN-01", "name": "Theekan", "price": "25.00", "quantity": 5},
    {
        "sku": "SHIRT",
        "name": "T-shirt",
        "price": "19.95",
        "quantity": None,
        "variations": [
            {"sku": "SHIRT-M", "quantity": 8, "options": {"Size": "M"}},
            {"sku": "SHIRT-L", "quantity": 3, "options": {"Size": "L"}, "price": "21.95"},
        ],
    },
]
METHODS: list[dict[str, Any]] = [
    {"id": "post", "title": "Bezorgen", "type": "shipping", "price": "4.95"},
    {"id": "shop", "title": "Ophalen", "type": "pickup", "location_id": "loc-1"},
    {"id": "bike", "title": "Fietskoerier", "type": "delivery"},
]
CUSTOMER = {
    "name": "Sanne de Wit", "email": "sanne@example.org", "phone": "+31600000000", "street": "Dorpsstraat 1",
    "city": "Utrecht", "postalCode": "3511 AA", "countryCode": "NL",
}  # fmt: skip


@dataclass
class Ecom:
    """The sandbox, and the adapter's calls on it."""

    box: RunningSandbox
    memory: LocalMemory
    http: requests.Session
    settings: dict[str, Any] = field(default_factory=dict)
    credentials: dict[str, str] = field(
        default_factory=lambda: {"store_id": str(STORE), "token": TOKEN, "client_secret": CLIENT_SECRET}
    )

    @property
    def connection(self) -> Connection:
        return Connection("c1", "webshop", "lightspeed_ecom", "shop", self.box.url, self.credentials, self.settings)

    def do(self, operation: str, payload: Mapping[str, Any] | None = None, key: str = "k1") -> Result:
        return LightspeedEcom().execute(Call(operation, payload or {}, key), self.connection, self.memory, self.http)

    def place(
        self, *lines: tuple[int, int | None, int], payment: str = "bank", method: str = "post", **more: Any
    ) -> str:
        """A customer orders; gives the order id."""
        basket = Basket(lines or ((501, None, 2), (502, None, 1)), method, payment, CUSTOMER, **more)
        return str(Shop(self.box.sandbox).place_order(basket)["id"])

    def staff(self, order_id: str, **fields: Any) -> None:
        """Staff change an order in the shop's admin."""
        Shop(self.box.sandbox).update_order(order_id, fields)

    def order(self, order_id: str) -> dict[str, Any]:
        found = self.box.state.get("order", order_id)
        assert found is not None
        return found

    def quantity(self, product_id: int, combination_id: int | None = None) -> int:
        product = self.box.state.get("product", product_id)
        assert product is not None
        sold = (
            product if combination_id is None else next(c for c in product["combinations"] if c["id"] == combination_id)
        )
        return int(sold["quantity"])

    def writes(self) -> list[str]:
        """The calls that wanted to change something."""
        return [f"{r.method} {r.path}" for r in self.box.state.requests() if r.method != "GET"]

    def fault(self, kind: str, **options: Any) -> None:
        self.box.sandbox.faults.add(kind, **options)
