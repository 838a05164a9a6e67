"""The shop WooCommerce: its operations in our words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import requests

from adapters.base import (
    Call,
    Capabilities,
    Connection,
    Memory,
    Refused,
    Result,
    Unauthorised,
    WebhookHint,
)
from adapters.woocommerce import webhook
from adapters.woocommerce.client import TRACKING_API, Client
from adapters.woocommerce.outlets import assign_fulfilments
from adapters.woocommerce.progress import PLATFORM_NAME, Words
from adapters.woocommerce.reading import (
    read_customer,
    read_order,
    read_orders,
    read_page,
    read_product,
    read_products,
)
from adapters.woocommerce.refunds import refund_order
from adapters.woocommerce.settings import SETTINGS, choice_setting
from adapters.woocommerce.statuses import set_order_status
from adapters.woocommerce.stock import set_stock
from adapters.woocommerce.subscriptions import read_webhooks, register_webhooks, remove_webhooks
from adapters.woocommerce.work import TITLE, Work
from engine.platforms import PLATFORM

_PLATFORM = PLATFORM[PLATFORM_NAME]


def check(work: Work) -> Result:
    """Prove the key for reading orders, articles, customers and webhooks and for writing, without changing anything, and
    that the shop has what the settings name."""
    asked: tuple[tuple[str, Callable[[], object]], ...] = (
        ("read orders", lambda: work.client.orders(per_page=1)),
        ("read products", lambda: work.client.products(per_page=1)),
        ("read customers", lambda: work.client.customers("nobody@example.org")),
        ("read webhooks", work.client.webhooks),
        ("write", work.client.write_nothing),
    )
    for what, ask in asked:
        try:
            ask()
        except Unauthorised as error:
            raise Unauthorised(
                f"The key may not {what}: make one with the permission Read/Write for a user who is shop manager or "
                f"administrator (WooCommerce, Settings, Advanced, REST API). {error.message}",
                detail=error.detail,
            ) from None
    _check_slugs(work)
    index = work.client.index()
    if choice_setting(work.connection, "tracking") == "extension" and TRACKING_API not in (index.get("namespaces") or ()):
        raise Refused("The setting tracking is extension, but the shop has no Shipment Tracking: install it, or choose note.")
    return Result(f"Connected to {index.get('name') or 'a shop without a name'} ({work.client.host}).")


def _check_slugs(work: Work) -> None:
    """Every slug of `status_slugs` must be a status of the shop."""
    if not work.words.slugs:
        return
    present = {str(each.get("slug")).removeprefix("wc-") for each in work.client.statuses()}
    wrong = {word: slug for word, slug in work.words.slugs.items() if slug not in present}
    if wrong and present:
        names = ", ".join(f"{slug} ({word})" for word, slug in sorted(wrong.items()))
        raise Refused(
            f"Setting status_slugs names what is no status of this shop: {names}. It has: {', '.join(sorted(present))}."
        )


class WooCommerce:
    """See `adapters.base.Adapter`. The shop takes orders; it knows no outlets and no shipments, so an order stays open
    there until its last outlet is done."""

    capabilities = Capabilities(
        platform=PLATFORM_NAME,
        title=TITLE,
        role="shop",
        operations=frozenset(
            {
                "assign_fulfilments", "check", "read_customer", "read_order", "read_orders", "read_page", "read_product",
                "read_products", "read_webhooks", "refund_order", "register_webhooks", "remove_webhooks",
                "set_order_status", "set_stock",
            }
        ),
        statuses={
            "shop_status": frozenset(_PLATFORM.shop_statuses),
            "payment_status": frozenset(_PLATFORM.payment_statuses),
        },
        labels={"shop_status": _PLATFORM.shop_statuses, "payment_status": _PLATFORM.payment_statuses},
        credentials=("consumer_key", "consumer_secret", "webhook_secret"),
        credential_hints={
            "consumer_key": "Begins with ck_ and is shown once, when the key is made.",
            "consumer_secret": "Begins with cs_ and is shown once, when the key is made.",
            "webhook_secret": "Any long random text, with which the shop signs what it sends us; left empty, one is made.",
        },
        optional_credentials=("webhook_secret",),
        settings=SETTINGS,
        rate_per_minute=300,
        guide=(
            "In the admin of the shop open WooCommerce, Settings, Advanced, REST API and add a key with the permission "
            "Read/Write for a user who is administrator or shop manager. The address is that of the shop's home page."
        ),
    )  # fmt: skip

    def execute(self, call: Call, connection: Connection, memory: Memory, http: requests.Session) -> Result:
        """See `adapters.base.Adapter.execute`."""
        operation = _OPERATIONS.get(call.operation)
        if operation is None:
            raise Refused(f"{TITLE} has no operation {call.operation!r}. It has: {', '.join(sorted(_OPERATIONS))}.")
        return operation(Work(call, connection, memory, Client(connection, http), Words(connection)))

    def verify(
        self, body: bytes, headers: Mapping[str, str], query: Mapping[str, str], connection: Connection
    ) -> Sequence[WebhookHint]:
        """See `adapters.base.Adapter.verify`."""
        return webhook.verify(body, headers, connection)


_OPERATIONS: Mapping[str, Callable[[Work], Result]] = {
    operation.__name__: operation
    for operation in (
        assign_fulfilments, check, read_customer, read_order, read_orders, read_page, read_product, read_products,
        read_webhooks, refund_order, register_webhooks, remove_webhooks, set_order_status, set_stock,
    )
}  # fmt: skip
