"""Reads orders, products and customers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.base import NewEvent, Refused, Result
from adapters.fields import deleted_order, object_of, text
from adapters.polling import Cursor
from adapters.woocommerce.mapping import Shop, gmt, gmt_text, moment, order_event
from adapters.woocommerce.products import (
    articles_of,
    is_virtual,
    known_sku,
    learn,
    learn_unknown,
    product_events,
    whole,
)
from adapters.woocommerce.progress import NO_ORDERS, TRASHED
from adapters.woocommerce.settings import number_setting
from adapters.woocommerce.sweep import BEGINNING, Place, sweep
from adapters.woocommerce.work import Work

POLL_ORDERS = 1000
"""A poll goes on page after page until it has this many orders; the next poll goes on from there."""

_CURSOR = "orders.cursor"
_ODD_SHOWN = 3


def read_order(work: Work) -> Result:
    """Read one order. One that was deleted or lies in the bin is reported as cancelled when we know it; a checkout that
    is still under way is no order yet."""
    order_id = work.text("external_id")
    order = work.client.find_order(order_id) if work.payload.get("deleted") is True else work.client.order(order_id)
    if order is None:
        return _gone(work, order_id)
    if order.get("status") == TRASHED:
        return _gone(work, order_id, order)
    if order.get("status") in NO_ORDERS:
        return Result(f"Order {order_id} is still being made: there is nothing to read yet.", did_nothing=True)
    return Result(f"Read order {text(order, 'number')}.", _order_events(work, [order], []))


def read_orders(work: Work) -> Result:
    """Poll for orders changed since the last poll, with an overlap; also for those put into the bin.

    The position is what was seen last, but never ahead of our own clock at the time: a shop whose clock was ahead and
    was set right would otherwise hide its changes.
    """
    started = datetime.now(UTC)
    first = started - timedelta(days=number_setting(work.connection, "first_poll_days"))
    cursor = Cursor(work.memory, _CURSOR, work.call)
    position = cursor.position(gmt_text(first))
    overlap = timedelta(seconds=number_setting(work.connection, "poll_overlap_seconds"))
    begin = (gmt(position) or first) - overlap
    place: Place | None = Place(begin)
    size = int(number_setting(work.connection, "page_size"))
    events, odd = _binned(work, begin, size), list[str]()
    reached = gmt(position) or first
    # A poll that stopped within its overlap, or within one crowded second, would begin there again for ever.
    while place is not None and (len(events) < POLL_ORDERS or place.page or gmt_text(reached) <= position):
        page = sweep(work.client.orders, place, size, status="any")
        events += _order_events(work, page.rows, odd)
        reached, place = max(reached, page.reached.second), page.following
    cursor.keep(position, gmt_text(min(reached, started) if place is None else reached))
    return Result(f"Read {len(events)} changed orders.{_told(odd)}", events, did_nothing=not events)


def read_page(work: Work) -> Result:
    """One page of a first import: orders or products, the one whose last change is longest ago first."""
    kind = work.text("kind")
    if kind not in ("orders", "products"):
        raise Refused(f"The command read_page reads orders or products, not {kind!r}.")
    cursor = work.payload.get("cursor")
    given = cursor if isinstance(cursor, Mapping) else {}
    place = Place.from_json(given) if given else Place(_since(work.payload.get("since")))
    ask = work.client.orders if kind == "orders" else work.client.products
    page = sweep(ask, place, int(number_setting(work.connection, "page_size")), status="any")
    odd: list[str] = []
    if kind == "orders":
        events = _order_events(work, page.rows, odd)
    else:
        events = _product_events(work, page.rows, with_stock=False)
    all_in_all = given.get("in_all") if given else page.left
    following = None
    if page.following is not None:
        following = {**work.payload, "cursor": {**page.following.as_json(), "in_all": all_in_all}}
    return Result(
        f"Read {len(page.rows)} {kind}.{_told(odd)}", events, did_nothing=not page.rows, then=following,
        progress=(len(page.rows), all_in_all if isinstance(all_in_all, int) else None),
    )  # fmt: skip


def read_product(work: Work) -> Result:
    """Read one product or variation: bind its skus and report names and the shop's own stock."""
    external_id = work.text("external_id")
    product = work.client.product(external_id)
    if product is None:
        return Result(f"The shop has no product {external_id} any more.", did_nothing=True)
    if "/" in external_id:
        product = {**product, "type": "variation", "parent_id": external_id.partition("/")[0]}
    events = _product_events(work, [product], with_stock=True)
    return Result(f"Read product {external_id}.", events, did_nothing=not events)


def read_products(work: Work) -> Result:
    """Read the whole catalogue: bind every sku and report it."""
    size = int(number_setting(work.connection, "page_size"))
    place: Place | None = Place(BEGINNING)
    events: list[NewEvent] = []
    while place is not None:
        page = sweep(work.client.products, place, size, status="any")
        events += _product_events(work, page.rows, with_stock=False)
        place = page.following
    return Result(f"Read {len(events)} skus.", events, did_nothing=not events)


def read_customer(work: Work) -> Result:
    """Find a customer by e-mail: the account, or else the newest order of a guest. Case makes no difference, everything
    else does."""
    email = work.text("email")
    accounts = (each for each in work.client.customers(email) if _same(each, email))
    found = next(accounts, None)
    if found is not None:
        about = {"email": text(found, "email"), "name": _full_name(found), "external_id": text(found, "id")}
    else:
        page = work.client.orders(search=email, status="any", orderby="date", order="desc", per_page=20)
        guest = next((payer for each in page.items if _same(payer := object_of(each, "billing"), email)), None)
        if guest is None:
            return Result(f"The shop has no customer with e-mail {email}.", did_nothing=True)
        about = {"email": text(guest, "email"), "name": _full_name(guest)}
    about = {key: value for key, value in about.items() if value}
    event = NewEvent(
        id=f"customer:{about['email']}:{work.call.idempotency_key}", type="customer.changed",
        subject=f"customer:{str(about['email']).lower()}", time=datetime.now(UTC), data=about,
    )  # fmt: skip
    return Result(f"Found {about['email']}.", (event,))


def _order_events(work: Work, orders: Sequence[Mapping[str, Any]], odd: list[str]) -> list[NewEvent]:
    """The events of these orders. Among several, one that cannot be understood is named in `odd` and keeps no other out;
    a single one raises Refused."""
    real = [each for each in orders if each.get("status") not in {*NO_ORDERS, TRASHED}]
    learn_unknown(work.client, work.memory, real)
    shop = Shop.of(work.connection, work.words, known_sku(work.memory), is_virtual(work.memory))
    events = []
    for each in real:
        try:
            events.append(order_event(each, shop, known=work.memory.ours("order", str(each.get("id"))) is not None))
        except Refused as refused:
            if work.call.operation == "read_order":
                raise
            odd.append(refused.message)
    return events


def _told(odd: Sequence[str]) -> str:
    """What could not be read, for people."""
    if not odd:
        return ""
    more = f" (and {len(odd) - _ODD_SHOWN} more)" if len(odd) > _ODD_SHOWN else ""
    return f" Left out: {' '.join(odd[:_ODD_SHOWN])}{more}"


def _product_events(work: Work, products: Iterable[Mapping[str, Any]], *, with_stock: bool) -> list[NewEvent]:
    events: list[NewEvent] = []
    for each in products:
        product, variations = whole(work.client, each)
        learn(work.memory, articles_of(product, variations))
        events += product_events(product, variations, with_stock=with_stock)
    return events


def _gone(work: Work, order_id: str, order: Mapping[str, Any] | None = None) -> Result:
    """An order that was deleted; in the bin (`order`) it can be deleted more than once."""
    return deleted_order(work.memory, order_id, binned=None if order is None else moment(order, "modified"))


def _binned(work: Work, since: datetime, size: int) -> list[NewEvent]:
    """What became of orders in the bin, which `any` leaves out."""
    place: Place | None = Place(since)
    events: list[NewEvent] = []
    while place is not None:
        page = sweep(work.client.orders, place, size, status=TRASHED)
        events += [event for row in page.rows for event in _gone(work, str(row["id"]), row).events]
        place = page.following
    return events


def _since(value: object) -> datetime:
    """The beginning of an import. Raises Refused for what is no moment."""
    if not value:
        return BEGINNING
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        raise Refused(f"The command read_page begins at a moment such as 2026-11-01T00:00:00Z, not {value!r}.") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def _same(person: Mapping[str, Any], email: str) -> bool:
    return (text(person, "email") or "").lower() == email.lower()


def _full_name(person: Mapping[str, Any]) -> str | None:
    """The name of an account, or else of its billing address."""
    for each in (person, object_of(person, "billing")):
        name = " ".join(text(each, key) or "" for key in ("first_name", "last_name")).strip()
        if name:
            return name
    return None
