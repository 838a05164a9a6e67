"""Reads orders, articles, customers and sources.

Whatever can be long is read by keyset: always the first page of "what comes after the last one seen". Rows that change
meanwhile move to the end and are met again; none is skipped, whatever the shop does with pages past the end.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from adapters.base import NewEvent, Refused, Result
from adapters.fields import text
from adapters.magento.client import Filter, criteria
from adapters.magento.mapping import (
    ORDER_FIELDS,
    PRODUCT_FIELDS,
    SHIPMENT_FIELDS,
    Shop,
    order_event,
    product_events,
    shop_time,
)
from adapters.magento.settings import number_setting, text_setting, words_setting
from adapters.magento.work import Work
from adapters.paging import grown, shrinking
from adapters.polling import Cursor

POLL_ORDERS = 1000
"""A poll takes up page after page until it has this many orders; the next poll goes on from there."""

_UNSURE = 5.0
"""Seconds by which two clocks and the time of a call may differ without one of them having been turned."""

_FIRST = "1970-01-01 00:00:00"


@dataclass(frozen=True, slots=True)
class Place:
    """The last row seen: when it changed, and its id."""

    changed: str = _FIRST
    id: int = 0


def read_order(work: Work) -> Result:
    """Read one order."""
    order_id = work.text("external_id")
    order = work.client.order(order_id)
    event = order_event(order, _shipments(work, [order]), Shop.of(work.connection, work.memory))
    return Result(f"Read order {order['increment_id']}.", (event,))


def read_orders(work: Work) -> Result:
    """Poll for orders changed since the last poll, with an overlap.

    The position is the shop's own time. When its clock was turned back, as its answers tell, the poll starts as much
    earlier, since changes then carry times that lie before the position.
    """
    cursor = Cursor(work.memory, "orders.cursor", work.call)
    first = time.time() - number_setting(work.connection, "first_poll_days") * 86_400
    position = cursor.position({"changed": shop_time(first), "at": first})
    overlap = number_setting(work.connection, "poll_overlap_seconds")
    newest = str(position["changed"])
    size = int(number_setting(work.connection, "page_size"))
    events: list[NewEvent] = []
    problems: list[str] = []
    place = Place(_earlier(newest, overlap))
    orders, left, size = _orders_after(work, place, size)
    if (start := _turned_back(work, position, overlap)) < _earlier(place.changed, _UNSURE):
        place, newest = Place(start), start
        orders, left, size = _orders_after(work, place, size)
    while orders:
        _add_events(work, orders, events, problems)
        place = _last(orders)
        enough = len(events) + len(problems) >= POLL_ORDERS and place.changed > newest
        if enough or len(orders) >= left:
            break
        orders, left, size = _orders_after(work, place, size)
    cursor.keep(position, {"changed": max(newest, place.changed) if place.id else newest, "at": time.time()})
    problem = f" Left out: {'; '.join(problems)[:500]}" if problems else ""
    return Result(f"Read {len(events)} changed orders.{problem}", events, did_nothing=not events)


def read_page(work: Work) -> Result:
    """One page of a first import, the oldest change first."""
    payload = work.call.payload
    kind, since, cursor = payload.get("kind"), payload.get("since"), payload.get("cursor")
    if kind not in ("orders", "products"):
        raise Refused(f"Magento imports orders or products, not {kind!r}.")
    at = cursor if isinstance(cursor, Mapping) else {}
    place = Place(str(at.get("changed") or _since(since)), int(at.get("id") or 0))
    most = int(number_setting(work.connection, "page_size"))
    size = int(at.get("size") or most)
    events: list[NewEvent] = []
    problems: list[str] = []
    if kind == "orders":
        items, left, size = _orders_after(work, place, size)
        _add_events(work, items, events, problems)
    else:
        items, left, size = _products_after(work, place, size)
        for product in items:
            events += _learned(work, product)
    total = int(at.get("total") or left)
    following = None
    if items and len(items) < left:
        last = _last(items) if kind == "orders" else Place(place.changed, int(items[-1]["id"]))
        following = {**payload, "cursor": {"changed": last.changed, "id": last.id, "total": total, "size": grown(size, most)}}
    problem = f" Left out: {'; '.join(problems)[:500]}" if problems else ""
    return Result(
        f"Read a page of {len(items)} {kind}.{problem}", events, did_nothing=not events, then=following,
        progress=(len(items), total),
    )  # fmt: skip


def read_product(work: Work) -> Result:
    """Read one article by its id (or `sku:…`): bind its sku, report its name and the number the shop can sell."""
    external_id = work.text("external_id")
    key, _, sku = external_id.partition(":")
    found = work.products([("sku", "eq", sku)] if key == "sku" and sku else [("entity_id", "eq", external_id)])
    if not found:
        raise Refused(f"The shop has no article {external_id[:80]}.")
    product = found[0]
    events = _learned(work, product, sellable=_sellable(work, product))
    return Result(f"Read article {product.get('sku')}.", events)


def read_products(work: Work) -> Result:
    """Read the whole catalogue: bind every sku and report it."""
    events: list[NewEvent] = []
    place, size = Place(), int(number_setting(work.connection, "page_size"))
    while True:
        items, left, size = _products_after(work, place, size)
        for product in items:
            events += _learned(work, product)
        if not items or len(items) >= left:
            return Result(f"Read {len(events)} skus.", events, did_nothing=not events)
        place = Place(place.changed, int(items[-1]["id"]))


def read_customer(work: Work) -> Result:
    """The customer account with this e-mail address, whatever its case. Guests have no account."""
    email = work.text("email")
    fields = "id,email,firstname,lastname,created_at,updated_at"
    accounts, _ = work.client.search(
        "customers/search", criteria([("email", "eq", email)], sort=(("entity_id", "ASC"),), fields=fields)
    )
    for account in accounts:
        if (text(account, "email") or "").casefold() == email.casefold():
            name = " ".join(filter(None, (text(account, "firstname"), text(account, "lastname"))))
            about = {"email": text(account, "email"), "name": name, "external_id": str(account.get("id"))}
            moment = work.moment(account)
            event = NewEvent(
                f"customer:{account.get('id')}:{int(moment.timestamp())}", "customer.changed", f"customer:{about['email']}",
                moment, about,
            )  # fmt: skip
            return Result(f"Found customer {account.get('id')}.", (event,))
    return Result("The shop has no customer account with this e-mail address.", did_nothing=True)


def read_locations(work: Work) -> Result:
    """The sources of the shop, which are where its stock lies."""
    sources = work.client.everything("inventory/sources", key="source_code")
    data = [
        {
            "external_id": text(source, "source_code"), "name": text(source, "name") or text(source, "source_code"),
            "code": text(source, "source_code"), "city": text(source, "city"), "country": text(source, "country_id"),
            "active": source.get("enabled") is not False,
        }
        for source in sources
        if text(source, "source_code")
    ]  # fmt: skip
    return Result(f"The shop has {len(data)} sources.", data=data, did_nothing=True)


def _orders_after(work: Work, place: Place, size: int) -> tuple[list[dict[str, Any]], int, int]:
    """The orders that changed next after a place, how many there are, and the page size that was small enough."""
    stores = words_setting(work.connection, "store_ids")
    groups: list[Sequence[Filter]] = [[("updated_at", "gteq", place.changed)]]
    if place.id:
        # Groups must all hold, filters in a group are alternatives: later, or in the same second with a higher id.
        groups.append([("updated_at", "gt", place.changed), ("entity_id", "gt", place.id)])
    if stores:
        groups.append([("store_id", "in", ",".join(stores))])
    sort = (("updated_at", "ASC"), ("entity_id", "ASC"))

    def ask(count: int) -> tuple[list[dict[str, Any]], int]:
        return work.client.search("orders", criteria(*groups, sort=sort, size=count, fields=ORDER_FIELDS))

    (orders, left), size = shrinking(ask, size)
    return orders, left, size


def _products_after(work: Work, place: Place, size: int) -> tuple[list[dict[str, Any]], int, int]:
    groups: list[Sequence[Filter]] = [[("entity_id", "gt", place.id)]]
    if place.changed > _FIRST:
        groups.append([("updated_at", "gteq", place.changed)])

    def ask(count: int) -> tuple[list[dict[str, Any]], int]:
        query = criteria(*groups, sort=(("entity_id", "ASC"),), size=count, fields=PRODUCT_FIELDS)
        return work.client.search("products", query)

    (items, left), size = shrinking(ask, size, one="article")
    return [item for item in items if isinstance(item.get("id"), int)], left, size


def _add_events(work: Work, orders: Sequence[Mapping[str, Any]], events: list[NewEvent], problems: list[str]) -> None:
    """An order that makes no sense is named and keeps no other out."""
    shop, shipments = Shop.of(work.connection, work.memory), _shipments(work, orders)
    for order in orders:
        try:
            events.append(order_event(order, shipments, shop))
        except Refused as error:
            problems.append(error.message)


def _shipments(work: Work, orders: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The shipments of those orders that have any, for their tracking numbers."""
    sent = [str(order["entity_id"]) for order in orders if _was_sent(order)]
    return work.client.shipments(*sent, fields=SHIPMENT_FIELDS)


def _was_sent(order: Mapping[str, Any]) -> bool:
    items = order.get("items")
    return isinstance(items, list) and any(isinstance(item, Mapping) and item.get("qty_shipped") for item in items)


def _last(orders: Sequence[Mapping[str, Any]]) -> Place:
    last = orders[-1]
    return Place(str(last.get("updated_at") or _FIRST), int(last.get("entity_id") or 0))


def _learned(work: Work, product: Mapping[str, Any], sellable: int | None = None) -> tuple[NewEvent, ...]:
    work.bind_product(product)
    return tuple(product_events(product, sellable))


def _sellable(work: Work, product: Mapping[str, Any]) -> int | None:
    """What the website can sell of an article; None where the shop does not count it (a bundle, an own type)."""
    website = text_setting(work.connection, "website")
    path = f"inventory/export-stock-salable-qty/website/{website}"
    try:
        found, _ = work.client.search(path, criteria([("sku", "eq", product.get("sku"))]))
    except Refused:
        return None
    number = next((each.get("qty") for each in found if each.get("sku") == product.get("sku")), None)
    return int(number) if number is not None and product.get("type_id") in ("simple", "virtual") else None


def _earlier(changed: str, seconds: float) -> str:
    moment = datetime.strptime(f"{changed} +0000", "%Y-%m-%d %H:%M:%S %z")
    return shop_time(max(0.0, moment.timestamp() - seconds))


def _turned_back(work: Work, position: Mapping[str, Any], overlap: float) -> str:
    """Where to start if the shop's clock now shows less than it did at the last poll."""
    if work.client.clock is None:
        return str(position["changed"])
    then = work.client.clock - max(0.0, time.time() - float(position["at"]))
    return shop_time(max(0.0, then - overlap))


def _since(since: object) -> str:
    if since is None or since == "":
        return _FIRST
    try:
        moment = datetime.fromisoformat(str(since))
    except ValueError:
        raise Refused(f"{str(since)[:40]!r} is not a date to read from: write it as 2026-01-31T00:00:00Z.") from None
    return shop_time(moment.timestamp())
