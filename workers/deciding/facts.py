"""Rows and event data as facts for the rules. The only place that knows which column a field comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy.orm import Session

from engine.types import Fact, Money, Value
from store import products
from store.flow_models import Event
from store.models import Connection, Outlet
from store.order_models import Fulfilment, Order, OrderLine, Payment, StockLevel, Tracking
from store.products import Article


def present(values: Mapping[str, Any]) -> dict[str, Value]:
    """Only what is known: a missing value is an absent key."""
    return {name: value for name, value in values.items() if value is not None and value != ""}


def event_fact(event: Event, connection: Connection | None) -> Fact:
    return Fact("event", "event", present({
        "type": event.type,
        "from": connection.role if connection else "other",
        "platform": connection.platform if connection else "api",
        "imported": event.import_id is not None,
        "time": event.time,
        "received_at": event.received_at,
    }))  # fmt: skip


def connection_fact(kind: str, connection: Connection) -> Fact:
    return Fact(kind, connection.name, present({"name": connection.name, "platform": connection.platform}))


def circumstances(event: Event, teller: Connection | None, shop: Connection | None) -> list[Fact]:
    """What happened, who told it, and the shop of the order if it came from one."""
    return [event_fact(event, teller), *([connection_fact("shop", shop)] if shop else [])]


def order_fact(
    order: Order,
    *,
    known: bool,
    previous_shop_status: str | None = None,
    previous_shop_payment_status: str | None = None,
    tracking: Tracking | None = None,
) -> Fact:
    """The order as it stands; `previous_*` is what the shop said before this event."""
    snapshot = order.snapshot
    method = snapshot.get("shipping_method") or {}
    address = snapshot.get("shipping_address") or {}
    payment = snapshot.get("payment") or {}
    customer = snapshot.get("customer") or {}
    return Fact("order", order.id, present({
        "number": order.number,
        "state": order.state,
        "known": known,
        "fulfilment_type": order.fulfilment_type,
        "fulfilment_status": order.fulfilment_status,
        "split": len(order.fulfilments) > 1,
        "shop_status": order.shop_status,
        "previous_shop_status": previous_shop_status,
        "told_shop_status": order.told.get("shop.shop_status"),
        "shop_payment_status": order.shop_payment_status,
        "previous_shop_payment_status": previous_shop_payment_status,
        "payment_status": order.payment_status,
        "on_till": order.on_till,
        "total": Money(order.total_minor, order.currency),
        "paid": Money(order.paid_minor, order.currency),
        "payment_method": payment.get("method"),
        "payment_processor": payment.get("processor"),
        "shipping_method.id": method.get("id"),
        "shipping_method.name": method.get("name"),
        "shipping_method.outlet": method.get("outlet"),
        "shipping_address.country": address.get("country"),
        "shipping_address.postcode": address.get("postcode"),
        "shipping_address.city": address.get("city"),
        "customer.email": order.customer_email,
        "customer.name": order.customer_name,
        "customer.group": customer.get("group"),
        "comment": snapshot.get("comment"),
        "has_goods": any(line.needs_shipping for line in order.lines),
        "line_count": len(order.lines),
        "unit_count": sum(line.quantity for line in order.lines),
        "placed_at": order.placed_at,
        "tracking_number": tracking.number if tracking else None,
        "tags": tuple(order.tags) or None,
    }))  # fmt: skip


def articles(session: Session, order: Order) -> dict[str, Article]:
    """What we know of the order's articles, by SKU."""
    return products.articles(session, [line.sku for line in order.lines])


def line_facts(lines: Iterable[OrderLine], currency: str, articles: Mapping[str, Article]) -> list[Fact]:
    """`articles` are those we know, by SKU."""
    return [_line_fact(line, currency, articles.get(line.sku)) for line in lines]


def _line_fact(line: OrderLine, currency: str, article: Article | None) -> Fact:
    grams = article.weight_grams if article else None
    return Fact("line", line.line, present({
        "id": line.line,
        "sku": line.sku,
        "name": line.name,
        "quantity": line.quantity,
        "unit_price": Money(line.unit_price_minor, currency),
        "known_product": article is not None,
        "weight": grams,
        "total_weight": None if grams is None else grams * line.quantity,
        "total": Money(line.unit_price_minor * line.quantity, currency),
        "hazardous": article.hazardous if article else None,
        "needs_shipping": line.needs_shipping,
    }))  # fmt: skip


def outlet_facts(outlets: Iterable[Outlet]) -> list[Fact]:
    return [
        Fact("outlet", o.code, present({
            "code": o.code,
            "name": o.name,
            "kind": o.kind,
            "country": o.country,
            "postcode": o.postcode,
            "open": o.open,
            "online": o.online,
            "offers_pickup": o.offers_pickup,
            "priority": o.priority,
        }))
        for o in outlets
    ]  # fmt: skip


def stock_facts(levels: Iterable[StockLevel]) -> list[Fact]:
    return [
        Fact("stock", f"{level.outlet}/{level.sku}", {
            "outlet": level.outlet,
            "sku": level.sku,
            "on_hand": level.on_hand,
            "reserved": level.reserved,
            "available": level.on_hand - level.reserved,
        })
        for level in levels
    ]  # fmt: skip


def fulfilment_facts(fulfilments: Iterable[Fulfilment], changed: Mapping[str, str] | None = None) -> list[Fact]:
    """`changed` maps the ids of fulfilments that this event moved to the status they had before."""
    before = changed or {}
    return [
        Fact("fulfilment", f.outlet, present({
            "outlet": f.outlet,
            "status": f.status,
            "previous_status": before.get(f.id),
            "type": f.type,
            "changed": f.id in before,
        }))
        for f in fulfilments
    ]  # fmt: skip


def payment_facts(payments: Iterable[Payment]) -> list[Fact]:
    return [
        Fact("payment", p.reference, present({
            "method": p.method,
            "processor": p.processor,
            "from": p.from_role,
            "screen": p.screen,
            "amount": Money(p.amount_minor, p.currency),
        }))
        for p in payments
    ]  # fmt: skip
