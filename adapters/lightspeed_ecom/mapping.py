"""The shop's orders and products as events in our words. Amounts are exact: Decimal in, decimal text out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from adapters.base import NewEvent, Refused
from adapters.lightspeed_ecom.progress import CUSTOM, payment_status, shop_status
from engine.money import digits

_LARGEST = Decimal(10) ** 12
_LAST_MOMENT = 253_402_300_799
"""The end of the year 9999, the last moment a datetime can hold."""


@dataclass(frozen=True, slots=True)
class Shop:
    """What a snapshot needs to know of the shop besides the order: see `adapters.lightspeed_ecom.settings`."""

    currency: str
    outlet_by_shipping_method: Mapping[str, str]
    outlet_by_location: Mapping[str, str]


def order_event(order: Mapping[str, Any], shop: Shop, *, known: bool) -> NewEvent:
    """`order.placed`, or `order.updated` when the order is `known` to us, with its whole snapshot.

    The id is made from the content: reading the same state twice gives the same event. `sequence` is the shop's
    update time in seconds; two changes within one second share it, so of equal sequences the later read stands.
    Raises Refused when the order makes no sense.
    """
    snapshot = snapshot_of(order, shop)
    return NewEvent(
        id=f"order:{snapshot['external_id']}:{_fingerprint(snapshot)}",
        type="order.updated" if known else "order.placed",
        subject=f"order:{snapshot['number']}",
        time=_moment(order, "update"),
        data={"order": snapshot},
        sequence=int(_moment(order, "update").timestamp()),
    )


def snapshot_of(order: Mapping[str, Any], shop: Shop) -> dict[str, Any]:
    """The whole order in our words.

    `unit_price` includes tax also where the shop's prices do not; it is rounded to the cent per unit. `shipping_price`
    is everything charged on top of the lines (shipping, handling fee, surcharges), `discount` everything taken off
    the order as a whole; so lines + shipping_price - discount = total. `total` is before gift cards and store credit,
    which are ways to pay. A status of the shop's own is `custom` and its word is kept in `tags`.
    """
    read = _Reader(order, str(order.get("id") or order.get("vendorOrderNumber") or ""))
    payer, receiver = _object(order, "billingPerson"), _object(order, "shippingPerson")
    money = _Money(shop.currency, read)
    return {
        "number": read.name,
        "external_id": read.name,
        "placed_at": _text_of(_moment(order, "create")),
        "updated_at": _text_of(_moment(order, "update")),
        "currency": shop.currency,
        "total": money.text(read.number("totalBeforeGiftCardRedemption") or read.number("total")),
        "shipping_price": money.text(_shipping_price(order, read)),
        "discount": money.text(read.number("couponDiscount") + read.number("discount")),
        "payment_status": payment_status(order.get("paymentStatus")),
        "shop_status": shop_status(order.get("fulfillmentStatus")),
        "payment": {"method": _text(order, "paymentMethod"), "processor": _text(order, "paymentModule")},
        "fulfilment_type": _fulfilment_type(_object(order, "shippingOption")),
        "shipping_method": _shipping_method(_object(order, "shippingOption"), shop),
        "customer": {
            "external_id": _text(order, "customerId"),
            "email": _text(order, "email"),
            "name": _text(payer, "name") or _text(receiver, "name"),
            "first_name": _text(payer, "firstName") or _text(receiver, "firstName"),
            "last_name": _text(payer, "lastName") or _text(receiver, "lastName"),
            "phone": _text(payer, "phone") or _text(receiver, "phone"),
            "group": _text(order, "customerGroup"),
        },
        "shipping_address": _address(receiver),
        "billing_address": _address(payer),
        "comment": _text(order, "orderComments"),
        "prices_include_tax": True,
        "tracking": _tracking(order),
        "tags": _custom_words(order),
        "lines": [_line(item, order, money) for item in _objects(order, "items")],
    }


def stock_of(product: Mapping[str, Any]) -> Iterator[tuple[str, str, int | None, str]]:
    """Each sku of a product: sku, external id (`501`, or `501/7001` for a variation), quantity (None: unlimited), name."""
    product_id, name = str(product.get("id") or ""), _text(product, "name") or ""
    if not product_id:
        return
    if _text(product, "sku"):
        yield str(product["sku"]), product_id, _quantity(product), name
    for variation in _objects(product, "combinations"):
        if _text(variation, "sku") and variation.get("id"):
            options = [_text(option, "value") or "" for option in _objects(variation, "options")]
            full = f"{name} ({', '.join(options)})" if any(options) else name
            yield str(variation["sku"]), f"{product_id}/{variation['id']}", _quantity(variation), full


def product_events(product: Mapping[str, Any], *, with_stock: bool) -> Iterator[NewEvent]:
    """`product.changed` for each sku, and `stock.changed` with the shop's own number where it counts stock."""
    moment = _moment(product, "update")
    version = int(moment.timestamp())
    for sku, external_id, quantity, name in stock_of(product):
        about = {"sku": sku, "name": name, "external_id": external_id}
        yield NewEvent(
            id=f"product:{external_id}:{version}:{_fingerprint(about)}", type="product.changed", subject=f"product:{sku}",
            time=moment, data=about, sequence=version,
        )  # fmt: skip
        if with_stock and quantity is not None:
            stock = {"sku": sku, "shop_quantity": quantity}
            yield NewEvent(
                id=f"stock:{external_id}:{version}:{_fingerprint(stock)}", type="stock.changed", subject=f"product:{sku}",
                time=moment, data=stock, sequence=version,
            )  # fmt: skip


class _Reader:
    """Reads numbers out of an order, naming the order and the field when one makes no sense."""

    def __init__(self, values: Mapping[str, Any], name: str) -> None:
        self._values, self.name = values, name
        if not name:
            raise Refused("The shop gave an order without an id: look at it in the shop's admin.")

    def number(self, key: str, values: Mapping[str, Any] | None = None) -> Decimal:
        """A number, 0 when absent. Raises Refused for anything else."""
        value = (self._values if values is None else values).get(key)
        if value is None:
            return Decimal(0)
        try:
            number = Decimal(value) if isinstance(value, int | str | Decimal) and not isinstance(value, bool) else None
        except InvalidOperation:
            number = None
        if number is None or not number.is_finite() or abs(number) > _LARGEST:
            raise Refused(
                f"Order {self.name} cannot be understood: its {key} is {str(value)[:40]!r}, which is not an amount."
            )
        return number

    def count(self, key: str, values: Mapping[str, Any]) -> int:
        """A whole number of at least 1. Raises Refused for anything else."""
        number = self.number(key, values)
        if number < 1 or number != number.to_integral_value():
            raise Refused(
                f"Order {self.name} cannot be understood: its {key} is {number}, which is not a whole number above 0."
            )
        return int(number)


class _Money:
    """Amounts of one order as text with as many decimals as its currency has."""

    def __init__(self, currency: str, read: _Reader) -> None:
        self.read = read
        self._cent = Decimal(1).scaleb(-digits(currency))

    def text(self, amount: Decimal) -> str:
        return f"{amount.quantize(self._cent, ROUND_HALF_UP):f}"


def _line(item: Mapping[str, Any], order: Mapping[str, Any], money: _Money) -> dict[str, Any]:
    quantity = money.read.count("quantity", item)
    added = _taxes_on_top(item, order, money.read)
    return {
        "id": str(item.get("id") or ""),
        "sku": _text(item, "sku") or "",
        "name": _text(item, "name") or "",
        "quantity": quantity,
        "unit_price": money.text(money.read.number("price", item) + added / quantity),
        "tax_rate": _rate(sum((money.read.number("value", tax) for tax in _objects(item, "taxes")), Decimal(0))),
        "external_product": _text(item, "productId"),
    }


def _taxes_on_top(item: Mapping[str, Any], order: Mapping[str, Any], read: _Reader) -> Decimal:
    """Tax of a whole line that its price does not yet hold."""
    added = [tax for tax in _objects(item, "taxes") if not _included(tax, order)]
    on_goods = "taxOnDiscountedSubtotal"
    return sum((read.number(on_goods if tax.get(on_goods) is not None else "total", tax) for tax in added), Decimal(0))


def _shipping_price(order: Mapping[str, Any], read: _Reader) -> Decimal:
    option, fee = _object(order, "shippingOption"), _object(order, "handlingFee")
    taxes = [*_objects(order, "taxesOnShipping"), *_objects(fee, "taxes")]
    on_top = sum((read.number("total", tax) for tax in taxes if not _included(tax, order)), Decimal(0))
    surcharges = sum((read.number("total", each) for each in _objects(order, "customSurcharges")), Decimal(0))
    return read.number("shippingRate", option) + read.number("value", fee) + surcharges + on_top


def _included(tax: Mapping[str, Any], order: Mapping[str, Any]) -> bool:
    """Whether a tax is inside the price: the tax itself says so, else the order does."""
    said = tax.get("includeInPrice")
    return bool(said if said is not None else order.get("pricesIncludeTax", True))


def _rate(percent: Decimal) -> str:
    """21.0 as `21`, 5.50 as `5.5`."""
    text = f"{percent:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _fulfilment_type(option: Mapping[str, Any]) -> str:
    """The vendor spells the field with one and with two l; `DELIVERY` is the shop's own courier, for us a delivery too."""
    word = str(option.get("fulfillmentType") or option.get("fulfilmentType") or "").upper()
    return "pickup" if word == "PICKUP" or (not word and option.get("isPickup") is True) else "delivery"


def _shipping_method(option: Mapping[str, Any], shop: Shop) -> dict[str, str | None]:
    method, location = _text(option, "shippingMethodId"), _text(option, "locationId")
    outlet = shop.outlet_by_shipping_method.get(method or "") or shop.outlet_by_location.get(location or "")
    return {"id": method, "name": _text(option, "shippingMethodName"), "outlet": outlet}


def _address(person: Mapping[str, Any]) -> dict[str, str | None]:
    lines = [line.strip() for line in (_text(person, "street") or "").splitlines()]
    return {
        "name": _text(person, "name"),
        # Two lines stay two lines: tills have a field for each and a limit on both.
        "street": "\n".join(line for line in lines if line) or None,
        "city": _text(person, "city"),
        "postcode": _text(person, "postalCode"),
        "country": _text(person, "countryCode"),
        "region": _text(person, "stateOrProvinceCode"),
        "phone": _text(person, "phone"),
    }


def _tracking(order: Mapping[str, Any]) -> list[dict[str, str | None]]:
    """The order's own tracking number first, then those of its shipments, each once."""
    carrier = _text(_object(order, "shippingOption"), "shippingCarrierName")
    found = [{"number": _text(order, "trackingNumber"), "url": _text(order, "trackingUrl"), "carrier": carrier}]
    for shipment in _objects(order, "shipments"):
        tracking, service = _object(shipment, "tracking"), _object(shipment, "shippingService")
        found.append({"number": _text(tracking, "trackingNumber"), "url": _text(tracking, "trackingUrl"),
                      "carrier": _text(service, "carrierName") or carrier})  # fmt: skip
    return list({each["number"]: each for each in reversed(found) if each["number"]}.values())[::-1]


def _custom_words(order: Mapping[str, Any]) -> list[str]:
    """Statuses that have no word of ours, so that a rule can still look at them."""
    words = []
    if payment_status(order.get("paymentStatus")) == CUSTOM:
        words.append(f"paymentStatus:{order.get('paymentStatus')}")
    if shop_status(order.get("fulfillmentStatus")) == CUSTOM:
        words.append(f"fulfillmentStatus:{order.get('fulfillmentStatus')}")
    return words


def _quantity(product: Mapping[str, Any]) -> int | None:
    """The shop's own number of a product or variation, None when it does not count (`unlimited`)."""
    quantity = product.get("quantity")
    return None if product.get("unlimited") or not isinstance(quantity, int) or isinstance(quantity, bool) else quantity


def _moment(entity: Mapping[str, Any], which: str) -> datetime:
    """When it was created or updated, from the UNIX seconds or else the text. Raises Refused when neither is there."""
    for kind in (which, "create"):
        seconds = entity.get(f"{kind}Timestamp")
        if isinstance(seconds, int) and not isinstance(seconds, bool) and 0 <= seconds <= _LAST_MOMENT:
            return datetime.fromtimestamp(seconds, UTC)
        try:
            text = str(entity.get(f"{kind}Date") or entity.get(f"{kind}d") or "")
            return datetime.strptime(text, "%Y-%m-%d %H:%M:%S %z").astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    raise Refused(f"{str(entity.get('id') or 'Something')[:40]} in the shop has no usable date of creation or change.")


def _text_of(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _text(values: Mapping[str, Any], key: str) -> str | None:
    """A text or number as trimmed text; None when absent, empty or something else."""
    value = values.get(key)
    return (str(value).strip() or None) if isinstance(value, str | int) and not isinstance(value, bool) else None


def _object(values: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = values.get(key)
    return value if isinstance(value, Mapping) else {}


def _objects(values: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = values.get(key)
    items: Iterable[Any] = value if isinstance(value, list) else ()
    return [item for item in items if isinstance(item, Mapping)]


def _fingerprint(data: Mapping[str, Any]) -> str:
    canonical = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode("utf-8", "replace")).hexdigest()[:24]
