"""The shop Shopify: its operations in our words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import requests

from adapters.base import Call, Capabilities, Connection, Memory, Refused, Result, WebhookHint
from adapters.shopify import reading, stock, subscriptions, webhook
from adapters.shopify.assigning import assign_fulfilments
from adapters.shopify.client import Client
from adapters.shopify.refunds import refund_order
from adapters.shopify.settings import SETTINGS
from adapters.shopify.shipping import ship_fulfilment
from adapters.shopify.statuses import PAYMENTS, STATUSES, set_order_status
from adapters.shopify.work import Work
from engine.platforms import PLATFORM

_PLATFORM = PLATFORM["shopify"]


def read_page(work: Work) -> Result:
    """One page of a first import: of orders or of products."""
    kind = work.call.payload.get("kind")
    if kind == "orders":
        return reading.read_page(work)
    if kind == "products":
        return stock.read_page(work)
    raise Refused(f"The command read_page can read orders or products, not {kind!r}.")


_OPERATIONS: Mapping[str, Callable[[Work], Result]] = {
    "assign_fulfilments": assign_fulfilments,
    "check": reading.check,
    "read_customer": reading.read_customer,
    "read_locations": reading.read_locations,
    "read_order": reading.read_order,
    "read_orders": reading.read_orders,
    "read_page": read_page,
    "read_product": stock.read_product,
    "read_products": stock.read_products,
    "read_webhooks": subscriptions.read_webhooks,
    "refund_order": refund_order,
    "register_webhooks": subscriptions.register_webhooks,
    "remove_webhooks": subscriptions.remove_webhooks,
    "set_order_status": set_order_status,
    "set_outlet_stock": stock.set_outlet_stock,
    "set_stock": stock.set_stock,
    "ship_fulfilment": ship_fulfilment,
}


class Shopify:
    """See `adapters.base.Adapter`. The shop takes orders, and shows per location what is in stock and who sends what."""

    capabilities = Capabilities(
        platform="shopify",
        title="Shopify",
        role="shop",
        operations=frozenset(_OPERATIONS),
        statuses={"shop_status": STATUSES, "payment_status": PAYMENTS},
        labels={"shop_status": _PLATFORM.shop_statuses, "payment_status": _PLATFORM.payment_statuses},
        credentials=("shop", "token", "client_id", "client_secret"),
        optional_credentials=("shop", "token", "client_id"),
        credential_hints={
            "shop": "The shop's own name in its webhooks, such as teahouse.myshopify.com; empty when the base address is that.",
            "token": "The Admin API access token (shpat_…) of an app made in the shop's admin; empty for an app of the Dev "
            "Dashboard, which gets its tokens by client id and secret.",
            "client_id": "The client id of an app of the Dev Dashboard; empty when there is a token.",
            "client_secret": "The app's client secret (API secret key): it signs the webhooks, and buys tokens.",
        },
        guide="Make an app for the shop in the Dev Dashboard (or use one made in the shop's admin before 2026), give it the "
        f"Admin API scopes {', '.join(reading.SCOPES)}, install it in the shop, and copy its credentials. The base address is "
        "the shop's own, such as https://teahouse.myshopify.com, and not the one customers use.",
        settings=SETTINGS,
        rate_per_minute=600,
    )

    def execute(self, call: Call, connection: Connection, memory: Memory, http: requests.Session) -> Result:
        """See `adapters.base.Adapter.execute`."""
        operation = _OPERATIONS.get(call.operation)
        if operation is None:
            raise Refused(f"Shopify has no operation {call.operation!r}. It has: {', '.join(sorted(_OPERATIONS))}.")
        return operation(Work(call, connection, memory, Client(connection, memory, http)))

    def verify(
        self, body: bytes, headers: Mapping[str, str], query: Mapping[str, str], connection: Connection
    ) -> Sequence[WebhookHint]:
        """See `adapters.base.Adapter.verify`."""
        return webhook.verify(body, headers, connection)
