"""The till Lightspeed Retail (X-Series, formerly Vend): its operations in our words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import requests

from adapters.base import Call, Capabilities, Connection, Memory, Refused, Result, WebhookHint
from adapters.lightspeed_retail import packing, reading, sales, subscriptions, webhook
from adapters.lightspeed_retail.client import Till
from adapters.lightspeed_retail.settings import SETTINGS

Operation = Callable[[Till, Call], Result]

OPERATIONS: Mapping[str, tuple[Operation, tuple[str, ...]]] = {
    "check": (reading.check, ()),
    "read_sale": (reading.read_sale, ("sale_id",)),
    "read_changes": (reading.read_changes, ()),
    "read_stock": (reading.read_stock, ("product_id|sku",)),
    "read_products": (reading.read_products, ()),
    "place_sale": (sales.place_sale, ("order.id", "order.number", "order.currency", "order.total", "lines")),
    "add_payment": (sales.add_payment, ("order.id", "amount")),
    "void_sale": (sales.void_sale, ("order.id",)),
    "complete_fulfilments": (sales.complete_fulfilments, ("order.id",)),
    "pack_fulfilments": (packing.pack_fulfilments, ("order.id",)),
    "read_locations": (subscriptions.read_locations, ()),
    "read_webhooks": (subscriptions.read_webhooks, ()),
    "register_webhooks": (subscriptions.register_webhooks, ("url",)),
    "remove_webhooks": (subscriptions.remove_webhooks, ()),
}
"""Each operation with the parts of the payload it cannot do without (`a|b`: one of them)."""


class LightspeedRetail:
    """See `adapters.base.Adapter`. The till is where stock is kept and orders are packed and handed over."""

    capabilities = Capabilities(
        platform="lightspeed_retail",
        title="Lightspeed Retail (X-Series)",
        role="till",
        operations=frozenset(OPERATIONS),
        statuses={
            "fulfilment_status": frozenset({"new", "in_progress", "packed", "completed", "cancelled"}),
            "payment_status": frozenset({"unpaid", "partly_paid", "paid", "refunded", "cancelled"}),
        },
        credentials=("access_token", "refresh_token", "client_id", "client_secret", "expires"),
        settings=SETTINGS,
        # 300 x registers + 50 in five minutes; one register is the least a retailer has.
        rate_per_minute=70,
        guide=(
            "Setup, Personal tokens makes an access token for one retailer; webhooks are signed only for an app "
            "(developers portal), whose client id and secret also renew its tokens. Scopes: sales, fulfillments and "
            "inventory read and write, products, customers read and write, outlets, registers, payment_types and users "
            "read, webhooks. The address is that of the till: https://<name>.retail.lightspeed.app."
        ),
        credential_hints={
            "access_token": "The personal token, or the app's newest access token.",
            "refresh_token": "Of an app: renews the access token before it dies. Leave empty for a personal token.",
            "client_id": "Of an app: its client id, for renewing tokens.",
            "client_secret": "Of an app: renews tokens and proves that webhooks come from the till.",
            "expires": "When the access token dies, in Unix seconds or RFC 3339. Leave empty for a personal token.",
        },
        optional_credentials=("refresh_token", "client_id", "client_secret", "expires"),
    )

    def execute(self, call: Call, connection: Connection, memory: Memory, http: requests.Session) -> Result:
        """See `adapters.base.Adapter.execute`."""
        if call.operation not in OPERATIONS:
            raise Refused(
                f"Lightspeed Retail has no operation {call.operation!r}. It has: {', '.join(sorted(OPERATIONS))}."
            )
        operation, needed = OPERATIONS[call.operation]
        missing = [path for path in needed if not any(_given(call.payload, each) for each in path.split("|"))]
        if missing:
            raise Refused(f"The command {call.operation} lacks {', '.join(missing)}.")
        return operation(Till(connection, memory, http), call)

    def verify(
        self, body: bytes, headers: Mapping[str, str], query: Mapping[str, str], connection: Connection
    ) -> Sequence[WebhookHint]:
        """See `adapters.base.Adapter.verify`."""
        return webhook.verify(body, headers, query, connection)


def _given(payload: object, path: str) -> bool:
    for key in path.split("."):
        payload = payload.get(key) if isinstance(payload, Mapping) else None
    return payload not in (None, "")
