"""The shop Lightspeed eCom (E-Series): its operations in our words."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import requests

from adapters.base import Call, Capabilities, Connection, Memory, NewEvent, Refused, Result, WebhookHint
from adapters.fields import deleted_order
from adapters.lightspeed_ecom import importing, webhook
from adapters.lightspeed_ecom.client import BASE_URL, Client
from adapters.lightspeed_ecom.mapping import Shop, order_event, product_events, stock_of
from adapters.lightspeed_ecom.settings import SETTINGS, number_setting, table_setting
from adapters.lightspeed_ecom.statuses import set_order_status
from adapters.polling import Cursor
from adapters.work import AnyWork
from engine.platforms import PLATFORM

POLL_WINDOW_SECONDS = 86_400
POLL_ORDERS = 1000
"""A poll takes up window after window until it has this many orders; the next poll goes on from there."""

_PLATFORM = PLATFORM["lightspeed_ecom"]
_CURSOR = "orders.cursor"
_CURRENCY = "shop.currency"


class Work(AnyWork[Client]):
    """One call with everything it needs."""


class LightspeedEcom:
    """See `adapters.base.Adapter`. The shop takes orders; stock and fulfilment live elsewhere and are told to it."""

    capabilities = Capabilities(
        platform="lightspeed_ecom",
        title="Lightspeed eCom (E-Series)",
        role="shop",
        operations=frozenset(
            {
                "check",
                "read_order",
                "read_orders",
                "read_page",
                "read_product",
                "read_products",
                "set_order_status",
                "set_stock",
            }
        ),
        statuses={
            "shop_status": frozenset(_PLATFORM.shop_statuses),
            "payment_status": frozenset(_PLATFORM.payment_statuses),
        },
        labels={"shop_status": _PLATFORM.shop_statuses, "payment_status": _PLATFORM.payment_statuses},
        credentials=("store_id", "token", "client_secret"),
        settings=SETTINGS,
        rate_per_minute=600,
        guide=(
            "In the shop's admin under Apps, My apps, create a private app with the scopes for orders, catalogue and "
            "profile. The store id stands at the foot of every admin page."
        ),
        credential_hints={
            "store_id": "The number at the foot of every page of the shop's admin.",
            "token": "The app's secret token; it begins with secret_.",
            "client_secret": "The app's client secret: webhooks are signed with it.",
        },
        default_base_url=BASE_URL,
        told_apart_by=("store_id",),
    )

    def execute(self, call: Call, connection: Connection, memory: Memory, http: requests.Session) -> Result:
        """See `adapters.base.Adapter.execute`."""
        operation = _OPERATIONS.get(call.operation)
        if operation is None:
            raise Refused(
                f"Lightspeed eCom has no operation {call.operation!r}. It has: {', '.join(sorted(_OPERATIONS))}."
            )
        return operation(Work(call, connection, memory, Client(connection, http)))

    def verify(
        self, body: bytes, headers: Mapping[str, str], query: Mapping[str, str], connection: Connection
    ) -> Sequence[WebhookHint]:
        """See `adapters.base.Adapter.verify`."""
        return webhook.verify(body, headers, connection)


def check(work: Work) -> Result:
    """Prove token and store id, and the scopes for reading profile, orders and products."""
    profile = work.client.profile()
    for found in (work.client.orders(ids="0"), work.client.products(sku="0")):
        next(found, None)
    settings = profile.get("settings")
    name = settings.get("storeName") if isinstance(settings, Mapping) else None
    return Result(f"Connected to store {work.connection.credentials['store_id']} ({name or 'without a name'}).")


def read_order(work: Work) -> Result:
    """Read one order. A deleted order that we know is reported as cancelled."""
    order_id = work.text("external_id")
    try:
        order = work.client.order(order_id)
    except Refused:
        if work.call.payload.get("deleted") is True:
            return deleted_order(work.memory, order_id)
        raise
    event = _order_event(work, order, _shop(work))
    return Result(f"Read order {order_id}.", (event,))


def read_orders(work: Work) -> Result:
    """Poll for orders changed since the last poll, with an overlap. Carts are not among them.

    The position moves on only with the next command: a repeated attempt of the same command starts where its first
    attempt did, because what that one learned may have been lost with the worker.
    """
    cursor = Cursor(work.memory, _CURSOR, work.call)
    first_days = number_setting(work.connection, "first_poll_days")
    position = int(cursor.position(time.time() - first_days * POLL_WINDOW_SECONDS))
    shop = _shop(work)
    now = int(time.time())
    start = max(0, position - int(number_setting(work.connection, "poll_overlap_seconds")))
    events: list[NewEvent] = []
    newest = position
    while True:
        end = start + POLL_WINDOW_SECONDS
        # The last window stays open: the shop's clock may be ahead of ours.
        until = {"updatedTo": end} if end < now else {}
        for order in work.client.orders(updatedFrom=start, **until):
            event = _order_event(work, order, shop)
            events.append(event)
            newest = max(newest, event.sequence or 0)
        if not until:
            # A clock over there that was ahead may be set right: what changes then lies before what was seen.
            newest = min(newest, now)
            break
        if len(events) >= POLL_ORDERS and newest > position:
            break
        start = newest = max(newest, end)
    cursor.keep(position, newest)
    return Result(f"Read {len(events)} changed orders.", events, did_nothing=not events)


def read_page(work: Work) -> Result:
    """Read the next page of a first import: orders, the longest unchanged first, or products in the shop's own order."""
    kind = work.call.payload.get("kind")
    if kind == "orders":
        return _orders_page(work)
    if kind == "products":
        return _products_page(work)
    raise Refused(f"Lightspeed eCom has no pages of {kind!r}; it has orders and products.")


def _orders_page(work: Work) -> Result:
    payload = work.call.payload
    window = importing.window_of(payload.get("cursor"), payload.get("since"), _page_size(work))
    page = importing.orders_page(work.client, window)
    shop, found, problems = _shop(work), list[NewEvent](), list[str]()
    for order in page.items:
        try:
            found.append(_order_event(work, order, shop))
        except Refused as problem:  # One order that makes no sense must not end the import of all others.
            problems.append(f"order {order.get('id')}: {problem.message}")
    found.sort(key=lambda event: event.time)
    left_out = f" Left out: {'; '.join(problems)[:500]}" if problems else ""
    then = None if page.following is None else {**payload, "cursor": importing.cursor_of(page.following)}
    progress = (page.units, page.total)
    return Result(f"Read {len(found)} orders.{left_out}", found, did_nothing=not found, then=then, progress=progress)


def _page_size(work: Work) -> int:
    return int(number_setting(work.connection, "page_size"))


def _products_page(work: Work) -> Result:
    payload = work.call.payload
    products, units, total, following = importing.products_page(
        work.client, payload.get("cursor") or {}, _page_size(work)
    )
    events: list[NewEvent] = []
    for product in products:
        _bind(work, product)
        events += product_events(product, with_stock=False)
    then = None if following is None else {**payload, "cursor": following}
    return Result(f"Read {len(products)} products.", events, did_nothing=not events, then=then, progress=(units, total))


def read_product(work: Work) -> Result:
    """Read one product: bind its skus and report names and the shop's own stock."""
    product_id = work.text("external_id").partition("/")[0]
    product = work.client.product(product_id)
    _bind(work, product)
    events = tuple(product_events(product, with_stock=True))
    return Result(
        f"Read product {product_id} with {len(list(stock_of(product)))} skus.", events, did_nothing=not events
    )


def read_products(work: Work) -> Result:
    """Read the whole catalogue: bind every sku and report it."""
    events: list[NewEvent] = []
    for product in work.client.products():
        _bind(work, product)
        events += product_events(product, with_stock=False)
    return Result(f"Read {len(events)} skus.", events, did_nothing=not events)


def set_stock(work: Work) -> Result:
    """Tell the shop how many it may sell. A shop cannot offer less than nothing, so below zero becomes zero."""
    sku, wanted = work.text("sku"), work.call.payload.get("quantity")
    if isinstance(wanted, bool) or not isinstance(wanted, int):
        raise Refused(f"The command set_stock needs a whole quantity, not {wanted!r}.")
    wanted = max(wanted, 0)
    external_id, present = _find_stock(work, sku)
    if present == wanted:
        return Result(f"The shop already has {wanted} of {sku}.", did_nothing=True)
    product_id, _, combination_id = external_id.partition("/")
    work.client.set_quantity(product_id, combination_id or None, wanted)
    before = "unlimited" if present is None else present
    return Result(f"Set the stock of {sku} in the shop from {before} to {wanted}.")


def _find_stock(work: Work, sku: str) -> tuple[str, int | None]:
    """Where a sku lives in the shop and how many it has: the product we remember, or else a search."""
    remembered = work.memory.external("product", sku)
    if remembered is not None:
        try:
            product = work.client.product(remembered.partition("/")[0])
        except Refused:
            product = {}  # Deleted over there; the sku may live on in another product.
        for each, external_id, quantity, _ in stock_of(product):
            if each == sku:
                return external_id, quantity
    for product in work.client.products(sku=sku):
        for each, external_id, quantity, _ in stock_of(product):
            if each == sku:
                work.memory.bind("product", sku, external_id)
                return external_id, quantity
    raise Refused(f"The shop has no product with sku {sku}: add it there, or correct the sku.")


def _bind(work: Work, product: Mapping[str, Any]) -> None:
    for sku, external_id, _, _ in stock_of(product):
        if work.memory.external("product", sku) != external_id:
            work.memory.bind("product", sku, external_id)


def _order_event(work: Work, order: Mapping[str, Any], shop: Shop) -> NewEvent:
    return order_event(order, shop, known=work.memory.ours("order", str(order.get("id"))) is not None)


def _shop(work: Work) -> Shop:
    """What snapshots need to know; the currency is read once, since an order does not name it."""
    currency = str(work.connection.settings.get("currency") or work.memory.get(_CURRENCY) or "")
    if not currency:
        units = work.client.profile().get("formatsAndUnits")
        currency = str(units.get("currency") or "") if isinstance(units, Mapping) else ""
        if len(currency) != 3:
            raise Refused("The shop's profile names no currency: set the connection setting currency.")
        work.memory.put(_CURRENCY, currency)
    return Shop(
        currency=currency.upper(),
        outlet_by_shipping_method=table_setting(work.connection, "outlet_by_shipping_method"),
        outlet_by_location=table_setting(work.connection, "outlet_by_location"),
    )


def _set_order_status(work: Work) -> Result:
    return set_order_status(work.call.payload, work.connection, work.memory, work.client)


_OPERATIONS: Mapping[str, Callable[[Work], Result]] = {
    "check": check,
    "read_order": read_order,
    "read_orders": read_orders,
    "read_page": read_page,
    "read_product": read_product,
    "read_products": read_products,
    "set_order_status": _set_order_status,
    "set_stock": set_stock,
}
