"""The shop's orders and products as events in our words. Amounts are exact: Decimal in, decimal text out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from adapters.base import NewEvent, Refused
from adapters.fields import Amounts, Reader, fingerprint, object_of, objects, rate, snapshot_event, text, utc_text
from adapters.lightspeed_ecom.progress import CUSTOM, payment_status, shop_status

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
    moment = _moment(order, "update")
    return snapshot_event(snapshot_of(order, shop), known=known, time=moment, sequence=int(moment.timestamp()))


def snapshot_of(order: Mapping[str, Any], shop: Shop) -> dict[str, Any]:
    """The whole order in our words.

    `unit_price` includes tax also where the shop's prices do not; it is rounded to the cent per unit. `shipping_price`
    is everything charged on top of the lines (shipping, handling fee, surcharges, cents left over by rounding),
    `discount` everything taken off the order as a whole; so lines + shipping_price - discount = total. `total` is before gift cards and store credit,
    which are ways to pay. A status of the shop's own is `custom` and its word is kept in `tags`.
    """
    read = Reader(order, str(order.get("id") or order.get("vendorOrderNumber") or ""))
    payer, receiver = object_of(order, "billingPerson"), object_of(order, "shippingPerson")
    money = Amounts(shop.currency)
    total = read.number("totalBeforeGiftCardRedemption") or read.number("total")
    lines = [_line(item, order, money, read) for item in objects(order, "items")]
    off = read.number("couponDiscount") + read.number("discount")
    shipping_price, discount = money.balanced(total, _shipping_price(order, read), off, lines)
    return {
        "number": read.name,
        "external_id": read.name,
        "placed_at": utc_text(_moment(order, "create")),
        "updated_at": utc_text(_moment(order, "update")),
        "currency": shop.currency,
        "total": money.text(total),
        "shipping_price": shipping_price,
        "discount": discount,
        "payment_status": payment_status(order.get("paymentStatus")),
        "shop_status": shop_status(order.get("fulfillmentStatus")),
        "payment": {"method": text(order, "paymentMethod"), "processor": text(order, "paymentModule")},
        "fulfilment_type": _fulfilment_type(object_of(order, "shippingOption")),
        "shipping_method": _shipping_method(object_of(order, "shippingOption"), shop),
        "customer": {
            "external_id": text(order, "customerId"),
            "email": text(order, "email"),
            "name": text(payer, "name") or text(receiver, "name"),
            "first_name": text(payer, "firstName") or text(receiver, "firstName"),
            "last_name": text(payer, "lastName") or text(receiver, "lastName"),
            "phone": text(payer, "phone") or text(receiver, "phone"),
            "group": text(order, "customerGroup"),
        },
        "shipping_address": _address(receiver),
        "billing_address": _address(payer),
        "comment": text(order, "orderComments"),
        "prices_include_tax": True,
        "tracking": _tracking(order),
        "tags": _custom_words(order),
        "lines": lines,
    }


def stock_of(product: Mapping[str, Any]) -> Iterator[tuple[str, str, int | None, str]]:
    """Each sku of a product: sku, external id (`501`, or `501/7001` for a variation), quantity (None: unlimited), name."""
    product_id, name = str(product.get("id") or ""), text(product, "name") or ""
    if not product_id:
        return
    if text(product, "sku"):
        yield str(product["sku"]), product_id, _quantity(product), name
    for variation in objects(product, "combinations"):
        if text(variation, "sku") and variation.get("id"):
            options = [text(option, "value") or "" for option in objects(variation, "options")]
            full = f"{name} ({', '.join(options)})" if any(options) else name
            yield str(variation["sku"]), f"{product_id}/{variation['id']}", _quantity(variation), full


def product_events(product: Mapping[str, Any], *, with_stock: bool) -> Iterator[NewEvent]:
    """`product.changed` for each sku, and `stock.changed` with the shop's own number where it counts stock."""
    moment = _moment(product, "update")
    version = int(moment.timestamp())
    for sku, external_id, quantity, name in stock_of(product):
        about = {"sku": sku, "name": name, "external_id": external_id}
        yield NewEvent(
            id=f"product:{external_id}:{version}:{fingerprint(about)}", type="product.changed", subject=f"product:{sku}",
            time=moment, data=about, sequence=version,
        )  # fmt: skip
        if with_stock and quantity is not None:
            stock = {"sku": sku, "shop_quantity": quantity}
            yield NewEvent(
                id=f"stock:{external_id}:{version}:{fingerprint(stock)}", type="stock.changed", subject=f"product:{sku}",
                time=moment, data=stock, sequence=version,
            )  # fmt: skip


def _line(item: Mapping[str, Any], order: Mapping[str, Any], money: Amounts, read: Reader) -> dict[str, Any]:
    quantity = read.count("quantity", item)
    added = _taxes_on_top(item, order, read)
    return {
        "id": str(item.get("id") or ""),
        "sku": text(item, "sku") or "",
        "name": text(item, "name") or "",
        "quantity": quantity,
        "unit_price": money.text(read.number("price", item) + added / quantity),
        "tax_rate": rate(sum((read.number("value", tax) for tax in objects(item, "taxes")), Decimal(0))),
        "external_product": text(item, "productId"),
    }


def _taxes_on_top(item: Mapping[str, Any], order: Mapping[str, Any], read: Reader) -> Decimal:
    """Tax of a whole line that its price does not yet hold."""
    added = [tax for tax in objects(item, "taxes") if not _included(tax, order)]
    on_goods = "taxOnDiscountedSubtotal"
    return sum((read.number(on_goods if tax.get(on_goods) is not None else "total", tax) for tax in added), Decimal(0))


def _shipping_price(order: Mapping[str, Any], read: Reader) -> Decimal:
    option, fee = object_of(order, "shippingOption"), object_of(order, "handlingFee")
    taxes = [*objects(order, "taxesOnShipping"), *objects(fee, "taxes")]
    on_top = sum((read.number("total", tax) for tax in taxes if not _included(tax, order)), Decimal(0))
    surcharges = sum((read.number("total", each) for each in objects(order, "customSurcharges")), Decimal(0))
    return read.number("shippingRate", option) + read.number("value", fee) + surcharges + on_top


def _included(tax: Mapping[str, Any], order: Mapping[str, Any]) -> bool:
    """Whether a tax is inside the price: the tax itself says so, else the order does."""
    said = tax.get("includeInPrice")
    return bool(said if said is not None else order.get("pricesIncludeTax", True))


def _fulfilment_type(option: Mapping[str, Any]) -> str:
    """The vendor spells the field with one and with two l; `DELIVERY` is the shop's own courier, for us a delivery too."""
    word = str(option.get("fulfillmentType") or option.get("fulfilmentType") or "").upper()
    return "pickup" if word == "PICKUP" or (not word and option.get("isPickup") is True) else "delivery"


def _shipping_method(option: Mapping[str, Any], shop: Shop) -> dict[str, str | None]:
    method, location = text(option, "shippingMethodId"), text(option, "locationId")
    outlet = shop.outlet_by_shipping_method.get(method or "") or shop.outlet_by_location.get(location or "")
    return {"id": method, "name": text(option, "shippingMethodName"), "outlet": outlet}


def _address(person: Mapping[str, Any]) -> dict[str, str | None]:
    lines = [line.strip() for line in (text(person, "street") or "").splitlines()]
    return {
        "name": text(person, "name"),
        # Two lines stay two lines: tills have a field for each and a limit on both.
        "street": "\n".join(line for line in lines if line) or None,
        "city": text(person, "city"),
        "postcode": text(person, "postalCode"),
        "country": text(person, "countryCode"),
        "region": text(person, "stateOrProvinceCode"),
        "phone": text(person, "phone"),
    }


def _tracking(order: Mapping[str, Any]) -> list[dict[str, str | None]]:
    """The order's own tracking number first, then those of its shipments, each once."""
    carrier = text(object_of(order, "shippingOption"), "shippingCarrierName")
    found = [{"number": text(order, "trackingNumber"), "url": text(order, "trackingUrl"), "carrier": carrier}]
    for shipment in objects(order, "shipments"):
        tracking, service = object_of(shipment, "tracking"), object_of(shipment, "shippingService")
        found.append({"number": text(tracking, "trackingNumber"), "url": text(tracking, "trackingUrl"),
                      "carrier": text(service, "carrierName") or carrier})  # fmt: skip
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
