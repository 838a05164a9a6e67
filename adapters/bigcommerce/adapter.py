"""The shop BigCommerce: its operations in our words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import requests

from adapters.base import Call, Capabilities, Connection, Memory, Refused, Result, Unauthorised, WebhookHint
from adapters.bigcommerce import catalogue, hooks, orders, webhook
from adapters.bigcommerce.client import BASE_URL, Client
from adapters.bigcommerce.progress import TO_THEIRS
from adapters.bigcommerce.refunds import refund_order
from adapters.bigcommerce.scopes import (
    CUSTOMERS,
    FULFILMENT,
    INFORMATION,
    INVENTORY,
    LOCATIONS,
    ORDERS,
    PRODUCTS,
    SCOPES,
    TRANSACTIONS,
    what_to_grant,
)
from adapters.bigcommerce.settings import SETTINGS
from adapters.bigcommerce.shipping import assign_fulfilments, ship_fulfilment
from adapters.bigcommerce.statuses import set_order_status
from adapters.bigcommerce.stock import set_outlet_stock, set_stock
from adapters.bigcommerce.work import Work
from adapters.fields import text
from engine.platforms import PLATFORM

_NO_ORDER = 2_147_483_647
"""An order number no shop has come to: a write to it fails by its scope, or else because there is no such order."""

_PROBES: Sequence[tuple[str, str, str, Any]] = (
    (ORDERS, "PUT", f"v2/orders/{_NO_ORDER}", {"staff_notes": ""}),
    (TRANSACTIONS, "GET", f"v3/orders/{_NO_ORDER}/transactions", None),
    (FULFILMENT, "POST", "v3/orders/pickups", []),
    (PRODUCTS, "GET", "v3/catalog/products?limit=1", None),
    (INVENTORY, "PUT", "v3/inventory/adjustments/absolute", {"items": []}),
    (LOCATIONS, "GET", "v3/inventory/locations?limit=1", None),
    (CUSTOMERS, "GET", "v3/customers?limit=1", None),
)
"""One call for each scope that changes nothing: reads, and writes without contents or of an order that is not there."""


class BigCommerce:
    """See `adapters.base.Adapter`. The shop takes orders and counts stock by location; which outlet does what is ours to
    decide, since BigCommerce has nothing to move, split or hold."""

    capabilities = Capabilities(
        platform="bigcommerce",
        title="BigCommerce",
        role="shop",
        operations=frozenset(
            {
                "check", "read_order", "read_orders", "read_product", "read_products", "read_page", "read_customer",
                "read_locations", "register_webhooks", "read_webhooks", "remove_webhooks", "set_order_status",
                "ship_fulfilment", "assign_fulfilments", "refund_order", "set_stock", "set_outlet_stock",
            }
        ),
        statuses={
            "shop_status": frozenset(TO_THEIRS),
            "payment_status": frozenset(PLATFORM["bigcommerce"].payment_statuses),
        },
        credentials=("store_hash", "access_token", "client_secret", "webhook_secret"),
        settings=SETTINGS,
        rate_per_minute=240,
        guide=(
            "In BigCommerce: Settings > Store-level API accounts > Create API account (V2/V3). Give it these scopes: "
            + "; ".join(SCOPES.values())
            + ". Scopes cannot be added later: an account that lacks one has to be made anew and this connection given the new "
            "token. Save the file that is offered: it holds everything asked for here."
        ),
        credential_hints={
            "store_hash": "The part of the API path between /stores/ and /v3/, for example abc123.",
            "access_token": "ACCESS TOKEN in the file of the API account.",
            "client_secret": "CLIENT SECRET in the same file; with it BigCommerce's signature on webhooks is checked.",
            "webhook_secret": "Any long random text; left empty, one is made from the access token.",
        },
        optional_credentials=("client_secret", "webhook_secret"),
        default_base_url=BASE_URL,
        told_apart_by=("store_hash",),
        labels={
            "shop_status": PLATFORM["bigcommerce"].shop_statuses,
            "payment_status": PLATFORM["bigcommerce"].payment_statuses,
        },
    )  # fmt: skip

    def execute(self, call: Call, connection: Connection, memory: Memory, http: requests.Session) -> Result:
        """See `adapters.base.Adapter.execute`."""
        operation = _OPERATIONS.get(call.operation)
        if operation is None:
            raise Refused(f"BigCommerce has no operation {call.operation!r}. It has: {', '.join(sorted(_OPERATIONS))}.")
        return operation(Work(call, connection, memory, Client(connection, http)))

    def verify(
        self, body: bytes, headers: Mapping[str, str], query: Mapping[str, str], connection: Connection
    ) -> Sequence[WebhookHint]:
        """See `adapters.base.Adapter.verify`."""
        return webhook.verify(body, headers, connection)


def check(work: Work) -> Result:
    """Prove the token and every scope, those for writing included. Raises Unauthorised naming all scopes that are missing
    and what to do about them."""
    missing = []
    store: Mapping[str, Any] = {}
    if work.client.allowed("GET", "v2/store"):
        store = work.client.v2("store")
    else:
        missing.append(INFORMATION)
    missing += [scope for scope, method, path, body in _PROBES if not work.client.allowed(method, path, body)]
    if missing:
        raise Unauthorised(what_to_grant(missing))
    named = text(store, "name") or "without a name"
    return Result(f"Connected to store {work.connection.credentials['store_hash']} ({named}).")


def read_page(work: Work) -> Result:
    """One page of a first import of orders or products."""
    kind = work.text("kind")
    if kind not in ("orders", "products"):
        raise Refused(f"{kind!r} cannot be imported from BigCommerce: orders and products can.")
    return orders.read_page(work) if kind == "orders" else catalogue.read_page(work)


_OPERATIONS: Mapping[str, Callable[[Work], Result]] = {
    "check": check,
    "read_order": orders.read_order,
    "read_orders": orders.read_orders,
    "read_product": catalogue.read_product,
    "read_products": catalogue.read_products,
    "read_page": read_page,
    "read_customer": catalogue.read_customer,
    "read_locations": catalogue.read_locations,
    "register_webhooks": hooks.register_webhooks,
    "read_webhooks": hooks.read_webhooks,
    "remove_webhooks": hooks.remove_webhooks,
    "set_order_status": set_order_status,
    "ship_fulfilment": ship_fulfilment,
    "assign_fulfilments": assign_fulfilments,
    "refund_order": refund_order,
    "set_stock": set_stock,
    "set_outlet_stock": set_outlet_stock,
}
