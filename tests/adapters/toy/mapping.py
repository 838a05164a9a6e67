"""The toy shop's words and ours."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from adapters.base import NewEvent
from adapters.fields import Amounts, Reader, fingerprint, object_of, objects, rate, snapshot_event, text, utc_text
from adapters.progress import CUSTOM

STATUS_TO_OURS: Mapping[str, str] = {
    "open": "awaiting_processing", "waiting": "on_hold", "partly_sent": "partly_shipped", "done": "completed",
    "cancelled": "cancelled",
}  # fmt: skip
STATUS_TO_THEIRS: Mapping[str, str] = {
    ours: theirs for theirs, ours in STATUS_TO_OURS.items() if ours != "partly_shipped"
}
PAYMENT_TO_OURS: Mapping[str, str] = {
    "due": "unpaid", "paid": "paid", "part_refunded": "partly_refunded", "refunded": "refunded",
}  # fmt: skip
STATUS_MAY_FOLLOW: Mapping[str, frozenset[str]] = {
    "awaiting_processing": frozenset({"on_hold", "completed", "cancelled"}),
    "on_hold": frozenset({"awaiting_processing", "completed", "cancelled"}),
    "partly_shipped": frozenset({"on_hold", "completed"}),
    "completed": frozenset(),
    "cancelled": frozenset(),
}
PAYMENT_MAY_FOLLOW: Mapping[str, frozenset[str]] = {"unpaid": frozenset({"paid"})}


def shop_status(order: Mapping[str, Any]) -> str:
    return STATUS_TO_OURS.get(str(order.get("status")), CUSTOM)


def payment_status(order: Mapping[str, Any]) -> str:
    return PAYMENT_TO_OURS.get(str(order.get("payment")), CUSTOM)


def order_event(order: Mapping[str, Any], *, known: bool) -> NewEvent:
    """The whole order as an event. `version` grows with every change in the shop, so it orders events better than the
    shop's clock does."""
    moment = datetime.fromtimestamp(int(order.get("changed_at") or 0), UTC)
    return snapshot_event(_snapshot(order), known=known, time=moment, sequence=int(order.get("version") or 0))


def _snapshot(order: Mapping[str, Any]) -> dict[str, Any]:
    read = Reader(order, str(order.get("id") or ""))
    money = Amounts(str(order.get("currency")))
    buyer = object_of(order, "buyer")
    address = {
        "name": text(buyer, "name"), "street": text(buyer, "street"), "city": text(buyer, "city"),
        "postcode": text(buyer, "postcode"), "country": text(buyer, "country"), "phone": text(buyer, "phone"),
    }  # fmt: skip
    lines = [_line(line, money, read) for line in objects(order, "lines")]
    shipping_price, discount = money.balanced(
        read.number("total"), read.number("postage"), read.number("discount"), lines
    )
    placed = datetime.fromtimestamp(int(order.get("placed_at") or 0), UTC)
    return {
        "number": read.name,
        "external_id": read.name,
        "placed_at": utc_text(placed),
        "updated_at": utc_text(placed),
        "currency": str(order.get("currency")),
        "total": money.text(read.number("total")),
        "shipping_price": shipping_price,
        "discount": discount,
        "payment_status": payment_status(order),
        "shop_status": shop_status(order),
        "payment": {"method": text(order, "pays_with"), "processor": None},
        "fulfilment_type": "pickup" if order.get("collect") is True else "delivery",
        "shipping_method": {"id": None, "name": None, "outlet": None},
        "customer": {"external_id": text(buyer, "id"), "email": text(buyer, "email"), "name": text(buyer, "name")},
        "shipping_address": address,
        "billing_address": address,
        "prices_include_tax": True,
        "tracking": [{"number": each["tracking"]} for each in objects(order, "shipments") if each.get("tracking")],
        "tags": [f"status:{order.get('status')}"] if shop_status(order) == CUSTOM else [],
        "lines": lines,
    }


def _line(line: Mapping[str, Any], money: Amounts, read: Reader) -> dict[str, Any]:
    return {
        "id": text(line, "id"),
        "sku": text(line, "code") or "",
        "name": text(line, "name") or "",
        "quantity": read.count("units", line),
        "unit_price": money.text(read.number("price", line)),
        "tax_rate": rate(read.number("tax", line)),
        "external_product": text(line, "article"),
        "needs_shipping": line.get("digital") is not True,
    }


def article_events(article: Mapping[str, Any]) -> tuple[NewEvent, NewEvent]:
    """Name and number of one article. A toy shop has no variants: one article, one code."""
    sku, external_id, version = str(article["code"]), str(article["id"]), int(article["version"])
    moment = datetime.fromtimestamp(int(article.get("changed_at") or 0), UTC)
    about = {"sku": sku, "name": text(article, "name") or "", "external_id": external_id}
    stock = {"sku": sku, "shop_quantity": int(article["stock"])}
    return (
        NewEvent(
            f"product:{external_id}:{fingerprint(about)}", "product.changed", f"product:{sku}", moment, about, version
        ),
        NewEvent(f"stock:{external_id}:{version}", "stock.changed", f"product:{sku}", moment, stock, version),
    )
