"""The rig of the till Lightspeed Retail: orders are placed there by us, packed and handed over by staff."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import requests

from adapters.base import Call, Connection, Result
from adapters.lightspeed_retail import LightspeedRetail, mapping, sandbox
from adapters.sandbox import RunningSandbox, SandboxState, running
from tests.adapters.lightspeed_retail_till import OUTLETS, an_order
from tests.adapters.memory import LocalMemory


class LightspeedRetailRig:
    """A running till of two outlets with the adapter pointed at it; what our commands did is read from its state."""

    platform = "lightspeed_retail"
    adapter = LightspeedRetail()

    def __init__(self, box: RunningSandbox, memory: LocalMemory, http: requests.Session) -> None:
        self.box, self.memory, self.http = box, memory, http

    @property
    def connection(self) -> Connection:
        return Connection(
            "c1",
            "till",
            self.platform,
            "till",
            self.box.url,
            self.memory.credentials(),
            sandbox.connection_settings(OUTLETS),
        )

    def do(self, operation: str, payload: Mapping[str, Any] | None = None, key: str = "k1") -> Result:
        return self.adapter.execute(Call(operation, payload or {}, key), self.connection, self.memory, self.http)

    def order(self, number: int) -> dict[str, Any]:
        """The payload of place_sale for an order of its own; unpaid, delivered by two outlets."""
        return an_order(id=f"order-{number}", number=f"N{number:05}")

    def fault(self, kind: str, **options: Any) -> None:
        self.box.sandbox.faults.add(kind, **options)

    def calm(self) -> None:
        self.box.sandbox.faults.clear()

    def state_of(self, order_id: str) -> dict[str, Any]:
        """Everything about an order at the till that a command of ours could do twice."""
        sale = self.box.state.get("sale", mapping.sale_id(order_id))
        if sale is None:
            return {}
        parts = [each for each in self.box.state.all("fulfilment") if each["sale_id"] == sale["id"]]
        return {
            "state": sale["state"],
            "lines": sorted(str(line["quantity"]) for line in sale["line_items"]),
            "paid": [Decimal(str(each["amount"])) for each in sale["payments"]],
            "parts": sorted((each["state"], str(each["outlet_id"])) for each in parts),
        }

    def counts(self) -> dict[str, int]:
        """How many there are of what must never be made twice, and the stock of everything."""
        state = self.box.state
        levels = sum(int(record["current_inventory_level"]) for record in state.all("inventory"))
        return {kind: len(state.all(kind)) for kind in ("sale", "fulfilment", "customer")} | {"stock": levels}


@contextmanager
def open_rig() -> Iterator[LightspeedRetailRig]:
    """A fresh till with plenty in stock that knows its products."""
    state = SandboxState()
    sandbox.seed(
        state, sandbox.DEMO_OUTLETS, sandbox.DEMO_PRODUCTS,
        {str(product["sku"]): dict.fromkeys(OUTLETS.values(), 5000) for product in sandbox.DEMO_PRODUCTS},
    )  # fmt: skip
    memory = LocalMemory(sandbox.connection_credentials())
    app = sandbox.create_app(state, webhook_retries=(0.05,), requests_per_minute=0)
    with running(app) as box, requests.Session() as http:
        http.trust_env = False
        rig = LightspeedRetailRig(box, memory, http)
        rig.do("check")
        yield rig
    state.close()
