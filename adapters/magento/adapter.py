"""The shop Magento 2: its operations in our words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import requests

from adapters.base import Call, Capabilities, Connection, Memory, Refused, Result, Unauthorised, WebhookHint
from adapters.fields import text
from adapters.magento import reading, webhook
from adapters.magento.client import OAUTH_KEYS, Client, criteria
from adapters.magento.refunds import refund_order
from adapters.magento.settings import SETTINGS
from adapters.magento.shipping import assign_fulfilments, ship_fulfilment
from adapters.magento.statuses import set_order_status
from adapters.magento.stock import set_outlet_stock, set_stock
from adapters.magento.work import Work
from engine.platforms import PLATFORM

_PLATFORM = PLATFORM["magento"]

GUIDE = (
    "In the shop's admin open System > Integrations, add an integration, and under API tick: Sales > Operations > Orders (all "
    "of its actions), Catalog > Products, Customers > All Customers, Stores > Inventory > Sources and Stocks, and Stores > "
    "Settings > All Stores. Save and activate it: the four keys it shows go here. Magento Open Source sends no webhooks, so "
    "orders are found by asking regularly (setting poll_seconds); a webhook module makes that faster and needs a secret."
)

_READS = (
    "orders", "products", "shipments", "invoices", "creditmemos", "inventory/sources", "inventory/source-items", "customers/search",
    "store/websites",
)  # fmt: skip
_WRITES = ("order/0/ship", "order/0/invoice", "order/0/refund", "orders/0/cancel", "orders/0/hold", "orders/0/unhold")
"""Harmless: no order has the id 0, and permissions are checked before the order is looked for."""


class Magento:
    """See `adapters.base.Adapter`. Stock is told per source, orders are found by polling."""

    capabilities = Capabilities(
        platform="magento",
        title=_PLATFORM.title,
        role="shop",
        operations=frozenset(
            {
                "check", "read_order", "read_orders", "read_page", "read_product", "read_products", "read_customer",
                "read_locations", "set_order_status", "ship_fulfilment", "assign_fulfilments", "refund_order", "set_stock",
                "set_outlet_stock",
            }
        ),
        statuses={
            "shop_status": frozenset(_PLATFORM.shop_statuses),
            "payment_status": frozenset(_PLATFORM.payment_statuses),
        },
        labels={"shop_status": _PLATFORM.shop_statuses, "payment_status": _PLATFORM.payment_statuses},
        credentials=(*OAUTH_KEYS, "webhook_secret"),
        optional_credentials=("webhook_secret",),
        told_apart_by=("store_ids",),
        credential_hints={
            "consumer_key": "The consumer key of the integration.",
            "consumer_secret": "The consumer secret of the integration.",
            "access_token": "The access token of the integration.",
            "access_token_secret": "The access token secret of the integration.",
            "webhook_secret": "Only with a webhook module: the secret it signs with; without one webhooks are rejected.",
        },
        settings=SETTINGS,
        rate_per_minute=600,
        guide=GUIDE,
    )  # fmt: skip

    def execute(self, call: Call, connection: Connection, memory: Memory, http: requests.Session) -> Result:
        """See `adapters.base.Adapter.execute`."""
        operation = _OPERATIONS.get(call.operation)
        if operation is None:
            raise Refused(f"Magento has no operation {call.operation!r}. It has: {', '.join(sorted(_OPERATIONS))}.")
        return operation(Work(call, connection, memory, Client(connection, http, memory)))

    def verify(
        self, body: bytes, headers: Mapping[str, str], query: Mapping[str, str], connection: Connection
    ) -> Sequence[WebhookHint]:
        """See `adapters.base.Adapter.verify`."""
        return webhook.verify(body, headers, connection)


def check(work: Work) -> Result:
    """Prove the keys, and every permission of the integration: each list is asked for one row, each write is tried on an
    order that cannot exist. Raises Unauthorised naming the permissions that are missing."""
    missing: list[str] = []
    for path in _READS:
        _try(lambda path=path: work.client.get(path, criteria(size=1)), missing)  # type: ignore[misc]
    comment = {"comment": "", "status": "", "is_customer_notified": 0, "is_visible_on_front": 0, "parent_id": 0}
    writes: list[tuple[str, Mapping[str, object]]] = [(path, {}) for path in _WRITES]
    writes += [
        ("orders/0/comments", {"statusHistory": comment}),
        ("inventory/source-items", {"sourceItems": []}),
        ("order/notify-orders-are-ready-for-pickup", {"orderIds": []}),
    ]
    for path, body in writes:
        _try(lambda path=path, body=body: work.client.post(path, body), missing)  # type: ignore[misc]
    if missing:
        raise Unauthorised("The integration may not do everything that is needed: " + " ".join(dict.fromkeys(missing)))
    websites = work.client.get("store/websites")
    names = [text(each, "name") for each in websites if isinstance(each, Mapping) and each.get("id")]
    return Result(f"Connected to {', '.join(filter(None, names)) or 'the shop'} at {work.connection.base_url}.")


def _try(ask: Callable[[], object], missing: list[str]) -> None:
    """A missing permission is collected; wrong keys are not, they fail at once; a refusal in itself proves permission."""
    try:
        ask()
    except Refused as refusal:
        if "does not know this call" in refusal.message:
            raise
    except Unauthorised as error:
        if "authorized to access" not in error.message:
            raise
        missing.append(error.message)


_OPERATIONS: Mapping[str, Callable[[Work], Result]] = {
    "check": check,
    "read_order": reading.read_order,
    "read_orders": reading.read_orders,
    "read_page": reading.read_page,
    "read_product": reading.read_product,
    "read_products": reading.read_products,
    "read_customer": reading.read_customer,
    "read_locations": reading.read_locations,
    "set_order_status": set_order_status,
    "ship_fulfilment": ship_fulfilment,
    "assign_fulfilments": assign_fulfilments,
    "refund_order": refund_order,
    "set_stock": set_stock,
    "set_outlet_stock": set_outlet_stock,
}
