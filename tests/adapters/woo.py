"""A running WooCommerce sandbox with the adapter pointed at it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests

from adapters.base import Call, Connection, Result
from adapters.sandbox import RunningSandbox, SandboxState, running
from adapters.woocommerce import WooCommerce
from adapters.woocommerce.client import Client
from adapters.woocommerce.sandbox import connection_credentials, create_app, seed
from adapters.woocommerce.sandbox_basket import Basket
from adapters.woocommerce.sandbox_shop import Shop
from tests.adapters.memory import LocalMemory

PRODUCTS: list[dict[str, Any]] = [
    {"sku": "MUG", "name": "Mok rood", "price": "12.50", "quantity": 10},
    {"sku": "TEA", "name": "Thee", "price": "8.95", "tax_rate": 9, "quantity": 40},
    {"sku": "SHIRT", "name": "T-shirt", "price": "19.95", "quantity": 9, "variations": [
        {"sku": "SHIRT-M", "quantity": 8, "options": {"Size": "M"}},
        {"sku": "SHIRT-L", "quantity": None, "options": {"Size": "L"}},
    ]},
    {"sku": "POSTER", "name": "Poster, printed to order", "price": "30.00", "quantity": None},
    {"sku": "GIFT", "name": "Cadeaubon", "price": "25.00", "tax_rate": 0, "quantity": None, "virtual": True},
    {"sku": "SET", "name": "Mok met thee", "price": "19.95", "quantity": None, "parts": {"MUG": 1, "TEA": 1}},
]  # fmt: skip
METHODS: list[dict[str, Any]] = [
    {"id": "post", "title": "Bezorgen", "price": "4.95"},
    {"id": "classic", "title": "Ophalen", "pickup": True},
    {"id": "blocks", "title": "Winkel Utrecht", "pickup": True, "blocks": True, "address": "3511 AA"},
]
CUSTOMER = {
    "name": "Sanne de Wit", "email": "sanne@example.org", "phone": "+31600000000", "street": "Dorpsstraat 1",
    "city": "Utrecht", "postcode": "3511 AA", "country": "NL",
}  # fmt: skip


@dataclass
class Woo:
    """The sandbox, and the adapter's calls on it."""

    box: RunningSandbox
    memory: LocalMemory
    http: requests.Session
    settings: dict[str, Any] = field(default_factory=dict)
    credentials: dict[str, str] = field(default_factory=connection_credentials)

    @property
    def connection(self) -> Connection:
        return Connection("c1", "webshop", "woocommerce", "shop", self.box.url, self.credentials, self.settings)

    @property
    def shop(self) -> Shop:
        return Shop(self.box.sandbox)

    @property
    def client(self) -> Client:
        return Client(self.connection, self.http)

    def do(self, operation: str, payload: Mapping[str, Any] | None = None, key: str = "k1") -> Result:
        return WooCommerce().execute(Call(operation, payload or {}, key), self.connection, self.memory, self.http)

    def get(self, path: str, **params: Any) -> requests.Response:
        """A call of the API with the key proven, whatever is answered."""
        return self.client._send("GET", f"wc/v3/{path}", params, None, range(400, 600))

    def call(self, method: str, path: str, json: Any = None, **params: Any) -> requests.Response:
        return self.client._send(method, f"wc/v3/{path}", params, json, range(400, 600))

    def id(self, sku: str) -> int:
        return next(int(each["id"]) for each in self.box.state.all("product") if each["sku"] == sku)

    def place(self, units: Mapping[str, int] | None = None, *, payment: str = "online", method: str = "post", **more: Any) -> str:
        """A customer orders; gives the order id."""
        customer = CUSTOMER | {key: more.pop(key) for key in ("name", "email") if key in more}
        lines = [(self.id(sku), count) for sku, count in (units or {"MUG": 2, "TEA": 1}).items()]
        return str(self.shop.place_order(Basket(lines, method, payment, customer, **more))["id"])

    def known(self, order: str) -> dict[str, str]:
        """The order once the intake has bound it."""
        self.memory.bind("order", f"our-{order}", order)
        return {"id": f"our-{order}", "number": order}

    def tell(self, order: str, **wanted: Any) -> Result:
        return self.do("set_order_status", {"order": self.known(order), "notify_customer": False, **wanted})

    def order(self, order: str) -> dict[str, Any]:
        return self.shop.order(order)

    def snapshot(self, order: str) -> dict[str, Any]:
        (event,) = self.do("read_order", {"external_id": order}).events
        return dict(event.data["order"])

    def notes(self, order: str) -> list[tuple[str, bool]]:
        """Notes by people and programs: text, whether the customer gets it."""
        found = (each for each in self.box.state.all("note") if each["order"] == int(order) and each["author"] != "system")
        return [(each["note"], each["customer_note"]) for each in found]

    def stock(self, sku: str) -> int | None:
        value = self.shop.product(self.id(sku))["stock_quantity"]
        return None if value is None else int(value)

    def writes(self) -> list[str]:
        """The calls that wanted to change something."""
        return [f"{r.method} {r.path}" for r in self.box.state.requests() if r.method != "GET"]

    def fault(self, kind: str, **options: Any) -> None:
        self.box.sandbox.faults.add(kind, **options)


@contextmanager
def open_woo(**options: Any) -> Iterator[Woo]:
    """A shop with `PRODUCTS` and a status `packed` of its own."""
    state = SandboxState()
    seed(state, PRODUCTS, METHODS, store_name="Theehuis", custom_statuses={"packed": "Packed", "wacht": "Wacht op klant"})
    with running(create_app(state, **options)) as box, requests.Session() as http:
        http.trust_env = False
        yield Woo(box, LocalMemory(), http)
    state.close()
