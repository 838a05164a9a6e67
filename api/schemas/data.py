"""What each event type carries: one schema per type, in `TYPES`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError, post_load, validates_schema

from api.schemas.fields import (
    MOST_PIECES,
    PROSE,
    WORD,
    Address,
    Amount,
    Country,
    Currency,
    Items,
    Link,
    Moment,
    Part,
    Rate,
    Strict,
    Text,
    Truth,
    Whole,
    Word,
)
from engine.vocabulary import FULFILMENT_STATUSES, FULFILMENT_TYPES, PAYMENT_SCREENS, PAYMENT_STATUSES, SHOP_STATUSES


class OrderReference(Strict):
    """Which order is meant: our id, or a number it has anywhere (with the name of the shop when numbers clash)."""

    id = Text(26, empty=False)
    number = Text(empty=False)
    shop = Text(WORD, empty=False)

    @validates_schema
    def _one_way(self, data: dict[str, Any], **_: Any) -> None:
        if not data.get("id") and not data.get("number"):
            raise ValidationError("needs an id or a number, to say which order is meant")


class PostalAddress(Strict):
    name = Text()
    street = Text()
    city = Text()
    postcode = Text(WORD)
    country = Country()
    region = Text()
    phone = Text()


class OrderCustomer(Strict):
    external_id = Text()
    email = Address()
    name = Text()
    first_name = Text()
    last_name = Text()
    phone = Text()
    group = Text()


class OrderPayment(Strict):
    """How the customer chose to pay. `processor` is set for integrated methods only."""

    method = Text()
    processor = Text()


class ShippingMethod(Strict):
    """`outlet` is the code of the outlet this method is tied to, when it is."""

    id = Text()
    name = Text()
    outlet = Text(WORD, empty=False)


class Parcel(Strict):
    number = Text(required=True, empty=False)
    url = Link()
    carrier = Text()


class SnapshotLine(Strict):
    """One order line. Two lines may have the same `sku` as long as their ids differ; without ids they are numbered.
    `currency` may be repeated here and must then be the order's."""

    id = Text(WORD, empty=False)
    sku = Text(required=True, empty=False)
    name = Text()
    quantity = Whole(1, required=True)
    unit_price = Amount(required=True, metadata={"description": "Price of one unit, tax included."})
    tax_rate = Rate()
    currency = Currency()
    external_product = Text()
    needs_shipping = Truth(metadata={"description": "False for gift cards, downloads and a bundle whose parts are lines; true when left out."})

    @post_load
    def _defaults(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        return {"name": "", "tax_rate": "0", **{key: value for key, value in data.items() if value is not None}}


class Snapshot(Strict):
    """The whole order as the shop knows it now."""

    number = Text(required=True, empty=False)
    external_id = Text(empty=False, metadata={"description": "Its id in the shop; the number when left out."})
    placed_at = Moment(metadata={"description": "The event's time when left out."})
    updated_at = Moment(metadata={"description": "The event's time when left out."})
    currency = Currency(required=True)
    total = Amount(required=True, metadata={"description": "What the customer pays, tax and shipping included."})
    shipping_price = Amount()
    discount = Amount()
    payment_status = Word(PAYMENT_STATUSES)
    shop_status = Word(SHOP_STATUSES)
    payment = Part(OrderPayment)
    fulfilment_type = Word(FULFILMENT_TYPES)
    shipping_method = Part(ShippingMethod)
    customer = Part(OrderCustomer)
    shipping_address = Part(PostalAddress)
    billing_address = Part(PostalAddress)
    comment = Text(PROSE)
    prices_include_tax = Truth()
    tracking = Items(Part(Parcel), most=100)
    tags = Items(Text(), most=100)
    lines = Items(Part(SnapshotLine), required=True, least=1)

    @validates_schema
    def _lines_agree(self, data: dict[str, Any], **_: Any) -> None:
        errors: dict[int, dict[str, list[str]]] = {}
        seen: dict[str, int] = {}
        for index, line in enumerate(data["lines"]):
            line.setdefault("id", str(index + 1))
            if line["id"] in seen:
                message = f'is "{line["id"]}" like lines[{seen[line["id"]]}]; every line needs an id of its own'
                errors.setdefault(index, {})["id"] = [message]
            seen[line["id"]] = index
            if line.get("currency", data["currency"]) != data["currency"]:
                message = f"is {line['currency']}, but the order is in {data['currency']}; an order has one currency"
                errors.setdefault(index, {})["currency"] = [message]
        if errors:
            raise ValidationError({"lines": errors})

    @post_load
    def _defaults(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        for line in data["lines"]:
            line.pop("currency", None)
        defaults = {
            "external_id": data["number"], "shipping_price": "0.00", "discount": "0.00", "payment_status": "unpaid",
            "shop_status": "awaiting_processing", "payment": {}, "fulfilment_type": "delivery", "shipping_method": {},
            "customer": {}, "shipping_address": {}, "billing_address": {}, "comment": "", "prices_include_tax": True,
            "tracking": [], "tags": [],
        }  # fmt: skip
        return {**defaults, **{key: value for key, value in data.items() if value is not None}}


class OrderData(Strict):
    order = Part(Snapshot, required=True)


class AboutOrder(Strict):
    order = Part(OrderReference, required=True)


class OrderCancelled(AboutOrder):
    reason = Text(PROSE)


class PaymentData(AboutOrder):
    """`amount` is what was paid (or, for payment.refunded, paid back); `paid_total` the sum paid so far."""

    amount = Amount(required=True)
    currency = Currency(required=True)
    method = Text()
    processor = Text()
    screen = Word(PAYMENT_SCREENS)
    reference = Text(empty=False)
    paid_total = Amount()


class StockChanged(Strict):
    """One of three: counted pieces (`on_hand`, may be below zero where a till oversold), a difference (`delta`), or
    what a shop shows (`shop_quantity`)."""

    sku = Text(required=True, empty=False)
    outlet = Text(WORD, empty=False)
    on_hand = Whole(-MOST_PIECES)
    delta = Whole(-MOST_PIECES)
    shop_quantity = Whole(-MOST_PIECES)

    @validates_schema
    def _one_of_three(self, data: dict[str, Any], **_: Any) -> None:
        given = [name for name in ("on_hand", "delta", "shop_quantity") if data.get(name) is not None]
        if len(given) != 1:
            raise ValidationError("needs exactly one of on_hand, delta and shop_quantity")
        if given != ["shop_quantity"] and not data.get("outlet"):
            raise ValidationError({"outlet": ["is missing; the stock of which outlet changed?"]})


class FulfilledLine(Strict):
    sku = Text(required=True, empty=False)
    quantity = Whole(0, required=True)
    picked = Whole(0)
    packed = Whole(0)
    fulfilled = Whole(0)


class FulfilmentStatusChanged(AboutOrder):
    fulfilment = Text(empty=False, metadata={"description": "Its id in the system that reports it."})
    outlet = Text(WORD, required=True, empty=False)
    type = Word(FULFILMENT_TYPES)
    status = Word(FULFILMENT_STATUSES, required=True)
    receipt_number = Text()
    note = Text(PROSE)
    assigned_users = Items(Text(), most=100)
    lines = Items(Part(FulfilledLine))


class TrackingAdded(AboutOrder):
    number = Text(required=True, empty=False)
    url = Link()
    carrier = Text()
    outlet = Text(WORD, metadata={"description": "Code of the outlet that sent the parcel, when it is known."})


class CustomerChanged(Strict):
    email = Address(required=True, empty=False)
    name = Text()
    external_id = Text()


class InvoiceCreated(AboutOrder):
    number = Text(required=True, empty=False)
    kind = Word(("invoice", "credit_note"), required=True)
    total = Amount(required=True)
    currency = Currency(required=True)


class ProductChanged(Strict):
    sku = Text(required=True, empty=False)
    name = Text()
    external_id = Text()
    weight_grams = Whole(0)
    hazardous = Truth()


class SalePlaced(AboutOrder):
    """The till took the order over."""

    sale_id = Text(required=True, empty=False)
    receipt_number = Text()
    stock_deducted = Truth()


@dataclass(frozen=True, slots=True)
class EventType:
    """One event type: what it means, what it carries, and the subject its events have when none is given."""

    name: str
    meaning: str
    schema: type[Strict]
    subject: Callable[[Mapping[str, Any]], str]


def _order_subject(data: Mapping[str, Any]) -> str:
    order = data["order"]
    return f"order:{order.get('number') or order['id']}"


def _stock_subject(data: Mapping[str, Any]) -> str:
    return ":".join(part for part in ("stock", data.get("outlet", ""), data["sku"]) if part)


TYPES: Mapping[str, EventType] = {
    type_.name: type_
    for type_ in (
        EventType("order.placed", "A customer placed an order.", OrderData, _order_subject),
        EventType("order.updated", "An order changed; carries the whole order as it is now.", OrderData, _order_subject),
        EventType("order.cancelled", "An order was cancelled.", OrderCancelled, _order_subject),
        EventType("payment.received", "Money came in for an order.", PaymentData, _order_subject),
        EventType("payment.refunded", "Money went back to the customer.", PaymentData, _order_subject),
        EventType("stock.changed", "There are more or fewer pieces of an article.", StockChanged, _stock_subject),
        EventType("fulfilment.status_changed", "An outlet got further with its part.", FulfilmentStatusChanged, _order_subject),
        EventType("shipment.tracking_added", "A parcel of an order can be followed.", TrackingAdded, _order_subject),
        EventType("customer.changed", "A customer's details changed.", CustomerChanged, lambda data: f"customer:{data['email']}"),
        EventType("invoice.created", "An invoice or credit note was made.", InvoiceCreated, _order_subject),
        EventType("product.changed", "An article is new or was renamed.", ProductChanged, lambda data: f"product:{data['sku']}"),
        EventType("sale.placed", "A till took an order over.", SalePlaced, _order_subject),
    )
}
