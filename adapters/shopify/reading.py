"""Reads orders, customers and locations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.base import NewEvent, Refused, Result, RetryLater, Unauthorised
from adapters.fields import deleted_order, object_of, text, utc_text
from adapters.http import TooLarge
from adapters.polling import Cursor
from adapters.shopify.client import TooCostly, next_page, nodes, number_of
from adapters.shopify.mapping import Shop, is_routed, moment_of, needs_sent, order_event, sent_units
from adapters.shopify.progress import ready_key
from adapters.shopify.queries import COUNT_ORDERS, CUSTOMER, LOCATIONS, MORE_LINES, ORDER, ORDERS, SENT, SHOP
from adapters.shopify.settings import number_setting
from adapters.shopify.webhook import shop_domain
from adapters.shopify.work import Work, quoted

SCOPES: Mapping[str, str] = {
    "write_orders": "orders, payments, cancelling and refunds",
    "write_merchant_managed_fulfillment_orders": "fulfilment by location",
    "write_inventory": "stock",
    "read_locations": "locations",
    "read_products": "articles",
    "read_customers": "customers",
}
"""What the app must be allowed, and for what. A write scope includes the read scope."""

POLL_ORDERS = 500
"""A poll stops after so many orders; the next one goes on from there."""

MOST_IN_ONE_LIST = 20_000
"""A list may be paged through up to 25,000 objects; before that it is begun anew where it is."""

_CURSOR = "orders.cursor"
_PAGE_SIZE = "orders.page"
_WHERE = "Dev Dashboard > your app > Versions > Access scopes, or in the shop's admin under Settings > Apps > Develop apps"


class Found:
    """The events of a list of orders. One order that makes no sense is named and keeps none of the others away."""

    def __init__(self, work: Work) -> None:
        self.events: list[NewEvent] = []
        self._work, self._shop = work, work.shop()
        self._problems: list[str] = []

    def add(self, order: Mapping[str, Any]) -> None:
        try:
            self.events.append(_event(self._work, order, self._shop))
        except Refused as problem:
            self._problems.append(problem.message)

    @property
    def remark(self) -> str:
        return f" {len(self._problems)} could not be read: {'; '.join(self._problems[:3])}" if self._problems else ""


def check(work: Work) -> Result:
    """Prove the token, and every scope that is needed."""
    data = work.client.query(SHOP)
    shop = object_of(data, "shop")
    domain, name = text(shop, "myshopifyDomain") or "", text(shop, "name") or "without a name"
    rows = object_of(data, "currentAppInstallation").get("accessScopes")
    have = {str(each.get("handle")) for each in rows if isinstance(each, Mapping)} if isinstance(rows, list) else set()
    missing = [scope for scope in SCOPES if scope not in have and scope.replace("read_", "write_", 1) not in have]
    if missing:
        named = "; ".join(f"{scope} for {SCOPES[scope]}" for scope in missing)
        raise Unauthorised(f"The app is not allowed all that is needed. Missing: {named}. Grant it at {_WHERE}.")
    if domain != shop_domain(work.connection):
        raise Refused(
            f"This is the shop {domain}: enter https://{domain} as the connection's address, or {domain} as its credential "
            "shop, else its webhooks will be rejected."
        )
    served, asked = work.client.served_version, str(work.connection.settings.get("api_version") or "")
    remark = f" Shopify answers with API version {served} instead of {asked}." if asked and served and served != asked else ""
    return Result(f"Connected to {name} ({domain}).{remark}")


def read_order(work: Work) -> Result:
    """Read one order. A deleted order that we know is reported as cancelled.

    With `prepared` (the webhook about it said so) the order counts as ready for pickup from now on.
    """
    order_id = work.external_order()
    order = work.client.query(ORDER, id=order_id).get("order")
    if not isinstance(order, Mapping):
        if work.call.payload.get("deleted") is True:
            return deleted_order(work.memory, number_of(order_id))
        raise Refused(
            f"Shopify shows no order {number_of(order_id)}: it was deleted, or is older than the app may read (the scope "
            "read_all_orders)."
        )
    if work.call.payload.get("prepared") is True:
        work.memory.put(ready_key(number_of(order_id)), True)
    if _is_young(work, order):
        raise RetryLater(f"Shopify has not worked out yet how order {order.get('name')} is fulfilled.")
    return Result(f"Read order {text(order, 'name') or number_of(order_id)}.", (_event(work, order, work.shop()),))


def read_orders(work: Work) -> Result:
    """Poll for orders changed since the last poll, with an overlap, since the shop's search index lags."""
    cursor = Cursor(work.memory, _CURSOR, work.call)
    days = timedelta(days=number_setting(work.connection, "first_poll_days"))
    position = str(cursor.position(utc_text(datetime.now(UTC) - days)))
    start = _earlier(position, number_setting(work.connection, "poll_overlap_seconds"))
    found = Found(work)
    newest, waiting = position, ""
    for page, _ in _pages(work, start):
        for order in page:
            changed = utc_text(moment_of(order, "updatedAt"))
            if _is_young(work, order):
                waiting = min(waiting or changed, changed)
            else:
                found.add(order)
            newest = max(newest, changed)
        if len(found.events) >= POLL_ORDERS and newest > position:
            break
    else:
        # A clock over there that was ahead may be set right: what changes then lies before what was seen.
        newest = min(newest, utc_text(datetime.now(UTC)))
    # An order that was left for later keeps the position before it.
    cursor.keep(position, min(newest, waiting) if waiting else newest)
    return Result(
        f"Read {len(found.events)} changed orders.{found.remark}", found.events, did_nothing=not found.events
    )


def read_page(work: Work) -> Result:
    """One page of a first import, oldest change first.

    The position is the shop's own cursor, which holds the last change and not a row number: orders that change meanwhile
    move to the end and come once more. Before a list grows too long it is begun anew at the last change seen.
    """
    given = work.call.payload.get("cursor")
    cursor: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
    since = text(cursor, "since") or text(work.call.payload, "since") or ""
    if since:
        since = utc_text(moment_of({"since": since}, "since"))
    query = f"updated_at:>={quoted(since)}" if since else ""
    total = cursor.get("total") if cursor else _count(work, query)
    page, after = _page(work, query, text(cursor, "after"))
    found = Found(work)
    for order in page:
        if not _is_young(work, order):
            found.add(order)
    seen = int(cursor.get("seen") or 0) + len(page)
    then: dict[str, Any] | None = None
    if after is not None:
        position: dict[str, Any] = {"since": since or None, "after": after, "seen": seen, "total": total}
        if seen >= MOST_IN_ONE_LIST:
            last = max(utc_text(moment_of(order, "updatedAt")) for order in page)
            position = {"since": last, "after": None, "seen": 0, "total": total}
        then = {**work.call.payload, "cursor": position}
    return Result(
        f"Read {len(found.events)} orders.{found.remark}", found.events, did_nothing=not found.events, then=then,
        progress=(len(page), total),
    )  # fmt: skip


def read_customer(work: Work) -> Result:
    """Look for a customer by e-mail, without regard to case."""
    email = work.text("email")
    found = work.client.query(CUSTOMER, email=email).get("customerByIdentifier")
    customer: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    known = text(object_of(customer, "defaultEmailAddress"), "emailAddress") or ""
    if not customer or known.lower() != email.lower():
        return Result(f"Shopify has no customer with the address {email}.", did_nothing=True)
    number = number_of(customer.get("id"))
    names = " ".join(filter(None, (text(customer, "firstName"), text(customer, "lastName"))))
    data = {"email": known, "external_id": number} | ({"name": names} if names else {})
    event = NewEvent(
        id=f"customer:{number}:{work.key(sorted(data.items()))}", type="customer.changed", subject=f"customer:{known}",
        time=datetime.now(UTC), data=data,
    )  # fmt: skip
    return Result(f"Found customer {names or known}.", (event,))


def read_locations(work: Work) -> Result:
    """The shop's locations, for linking them to our outlets."""
    rows = [
        {
            "external_id": number_of(each.get("id")), "name": text(each, "name") or "", "code": "",
            "city": text(object_of(each, "address"), "city") or "",
            "country": text(object_of(each, "address"), "countryCode") or "", "active": each.get("isActive") is True,
        }
        for each in work.client.pages(LOCATIONS, "locations")
    ]  # fmt: skip
    return Result(f"Shopify has {len(rows)} locations.", data=rows)


# Pages of orders


def _pages(work: Work, since: str) -> Iterator[tuple[Sequence[Mapping[str, Any]], str | None]]:
    query, after = f"updated_at:>={quoted(since)}", None
    while True:
        page, after = _page(work, query, after)
        yield page, after
        if after is None:
            return


def _page(work: Work, query: str, after: str | None) -> tuple[Sequence[Mapping[str, Any]], str | None]:
    """One page. What a query may cost is not known for certain: asking too much is answered by asking for half of it."""
    kept = work.memory.get(_PAGE_SIZE)
    largest = int(number_setting(work.connection, "page_orders"))
    size = min(kept, largest) if isinstance(kept, int) and kept > 0 else largest
    while True:
        try:
            data = work.client.query(ORDERS, q=query, first=size, after=after)
            return nodes(data, "orders"), next_page(data, "orders")
        except (TooCostly, TooLarge):
            if size == 1:
                raise
            size = max(size // 2, 1)
            work.memory.put(_PAGE_SIZE, size)


def _count(work: Work, query: str) -> int | None:
    found = object_of(work.client.query(COUNT_ORDERS, q=query), "ordersCount").get("count")
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def _event(work: Work, order: Mapping[str, Any], shop: Shop) -> NewEvent:
    order_id = str(order.get("id"))
    whole = _with_all_lines(work, order)
    sent = sent_units(object_of(work.client.query(SENT, id=order_id), "order")) if needs_sent(whole) else {}
    known = work.memory.ours("order", number_of(order_id)) is not None
    return order_event(whole, shop, known=known, sent=sent)


def _with_all_lines(work: Work, order: Mapping[str, Any]) -> Mapping[str, Any]:
    """The order with the lines that did not fit on its page."""
    after = next_page(order, "lineItems")
    rows = list(nodes(order, "lineItems"))
    while after is not None:
        more = object_of(work.client.query(MORE_LINES, id=str(order.get("id")), after=after), "order")
        rows += nodes(more, "lineItems")
        after = next_page(more, "lineItems")
    return {**order, "lineItems": {"nodes": rows}}


def _is_young(work: Work, order: Mapping[str, Any]) -> bool:
    """Whether the order's fulfilment orders are still being made. One that has none for long is read as it is. The
    shop's clock and ours may differ, so an order from the future is young too."""
    if is_routed(order):
        return False
    age = datetime.now(UTC) - moment_of(order, "createdAt")
    return age < timedelta(seconds=number_setting(work.connection, "routing_seconds"))


def _earlier(moment: str, seconds: float) -> str:
    try:
        return utc_text(moment_of({"position": moment}, "position") - timedelta(seconds=seconds))
    except OverflowError:
        return moment
