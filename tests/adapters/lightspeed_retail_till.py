"""A sandbox till being served, an adapter connected to it, and an order to place: what the tests of this system share."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import requests

from adapters.base import Call, Connection, Memory, NewEvent, Result
from adapters.lightspeed_retail import LightspeedRetail, mapping, sandbox
from adapters.sandbox import RunningSandbox, SandboxState, running

OUTLETS = {"ams": "Amsterdam", "utr": "Utrecht"}
ORDER: dict[str, Any] = {
    "order": {
        "id": "order-1", "number": "7Q2XK", "placed_at": "2026-09-21T14:13:20Z", "currency": "EUR", "total": "50.00",
        "shipping_price": "0.00", "discount": "0.00", "fulfilment_type": "delivery", "comment": "Leave with neighbour",
        "shop_platform": "lightspeed_ecom",
    },
    "customer": {"email": "Ada@Example.org", "first_name": "Ada", "last_name": "Lovelace", "phone": "+31201234567",
                 "match_by": "email", "create": True},
    "address": {"name": "Ada Lovelace", "street": "Damrak 1", "city": "Amsterdam", "postcode": "1012 LG", "country": "NL"},
    "lines": [
        {"id": "a", "sku": "MUG-BLUE", "name": "Mug, blue", "quantity": 2, "unit_price": "12.50", "tax_rate": "21", "outlet": "ams"},
        {"id": "b", "sku": "POT-CAST", "name": "Teapot", "quantity": 1, "unit_price": "25.00", "tax_rate": "21", "outlet": "utr"},
    ],
    "payments": [],
}  # fmt: skip
"""An unpaid order for delivery of 50.00 that two outlets fulfil."""

_keys = itertools.count(1)


def an_order(**changes: Any) -> dict[str, Any]:
    """`ORDER` with members of `order` changed, or whole parts replaced (`lines=[...]`, `customer={...}`)."""
    payload = copy.deepcopy(ORDER)
    for key, value in changes.items():
        if key in payload:
            payload[key] = value
        else:
            payload["order"][key] = value
    return payload


@dataclass
class Till:
    """A connection to a running sandbox."""

    box: RunningSandbox
    memory: Memory
    http: requests.Session
    settings: dict[str, Any] = field(default_factory=lambda: sandbox.connection_settings(OUTLETS))
    adapter: LightspeedRetail = field(default_factory=LightspeedRetail)

    @property
    def connection(self) -> Connection:
        return Connection(
            "c1", "till", "lightspeed_retail", "till", self.box.url, self.memory.credentials(), self.settings
        )

    @property
    def state(self) -> SandboxState:
        return self.box.state

    def do(self, operation: str, /, key: str = "", **payload: Any) -> Result:
        """Carry out one operation; each call is a command of its own unless a key is given."""
        call = Call(operation, payload, key or f"key-{next(_keys)}")
        return self.adapter.execute(call, self.connection, self.memory, self.http)

    def place(self, **changes: Any) -> Result:
        """Place `ORDER`, changed as `an_order` does."""
        return self.do("place_sale", **an_order(**changes))

    def sale(self, order_id: str = "order-1") -> dict[str, Any]:
        """The order's sale as the sandbox keeps it."""
        found = self.state.get("sale", mapping.sale_id(order_id))
        assert found is not None
        return found

    def fulfilments(self) -> list[dict[str, Any]]:
        return self.state.all("fulfilment")

    def level(self, sku: str, outlet: str) -> int:
        """The sandbox's stock of a SKU at one of our outlets."""
        outlet_id = sandbox.seeded_id("outlet", OUTLETS[outlet])
        record = self.state.get("inventory", f"{sandbox.seeded_id('product', sku)}:{outlet_id}")
        assert record is not None
        return int(record["current_inventory_level"])

    def press(self, path: str, **form: Any) -> requests.Response:
        """Press a button on one of the till's screens."""
        return self.http.post(f"{self.box.url}{path}", data=form)

    def lose_answer(self, match: str) -> None:
        """The next such call takes effect, but its answer never arrives."""
        self.box.sandbox.faults.add("drop", match=match, after_effect=True)

    def api(self, method: str, path: str, **options: Any) -> requests.Response:
        """A call to the API past the adapter."""
        headers = {"Authorization": f"Bearer {self.memory.credentials()['access_token']}"}
        return self.http.request(method, f"{self.box.url}/api/2026-07/{path}", headers=headers, **options)


@contextmanager
def open_till(memory: Memory, http: requests.Session, **options: Any) -> Iterator[Till]:
    """A seeded sandbox and a connection to it that has credentials and knows the products."""
    state = SandboxState()
    sandbox.seed_demo(state)
    memory.replace_credentials(sandbox.connection_credentials())
    with running(sandbox.create_app(state, webhook_retries=(0.05,), **options)) as box:
        till = Till(box, memory, http)
        till.do("check")
        yield till


def of_type(result: Result, type: str) -> list[NewEvent]:
    return [event for event in result.events if event.type == type]


def with_settings(till: Till, **settings: Any) -> Till:
    """The same connection with other settings."""
    return replace(till, settings={**till.settings, **settings})
