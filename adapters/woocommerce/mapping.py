"""The shop's orders as events in our words. Amounts are exact: Decimal in, decimal text out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal
from typing import Any

from adapters.base import Connection, NewEvent, Refused
from adapters.fields import Amounts, Reader, object_of, objects, rate, snapshot_event, text, utc_text
from adapters.progress import CUSTOM
from adapters.woocommerce.progress import Words, amount, reader
from adapters.woocommerce.settings import table_setting, words_setting
from engine.money import digits

OWN_TRACKING = "_wissel_tracking"
"""Field of an order where we keep the tracking numbers that were told in notes."""

EXTENSION_TRACKING = "_wc_shipment_tracking_items"
"""Field where Shipment Tracking, and the plugins that speak like it, keep theirs."""


@dataclass(frozen=True, slots=True)
class Shop:
    """What a snapshot needs to know besides the order: the shop's words and settings, the sku we know for a product that
    the shop has no more, and whether an article is virtual (nothing to pack). Articles are named as `10` or `26/27`."""

    words: Words
    pickup_methods: frozenset[str]
    outlet_by_shipping_method: Mapping[str, str]
    outlet_by_pickup_location: Mapping[str, str]
    tracking_meta: Mapping[str, str]
    known_sku: Callable[[str], str | None]
    is_virtual: Callable[[str], bool]

    @staticmethod
    def of(
        connection: Connection, words: Words, known_sku: Callable[[str], str | None], is_virtual: Callable[[str], bool]
    ) -> Shop:
        locations = table_setting(connection, "outlet_by_pickup_location")
        return Shop(
            words=words,
            pickup_methods=frozenset(words_setting(connection, "pickup_methods")),
            outlet_by_shipping_method=table_setting(connection, "outlet_by_shipping_method"),
            outlet_by_pickup_location={name.strip().lower(): outlet for name, outlet in locations.items()},
            tracking_meta=table_setting(connection, "tracking_meta"),
            known_sku=known_sku,
            is_virtual=is_virtual,
        )


def order_event(order: Mapping[str, Any], shop: Shop, *, known: bool) -> NewEvent:
    """`order.placed`, or `order.updated` when the order is `known` to us, with its whole snapshot.

    The id is made from the content: reading the same state twice gives the same event. `sequence` is the second of the
    last change; two changes within one second share it, so of equal sequences the later read stands. Raises Refused
    when the order makes no sense.
    """
    changed = moment(order, "modified")
    return snapshot_event(snapshot_of(order, shop), known=known, time=changed, sequence=int(changed.timestamp()))


def snapshot_of(order: Mapping[str, Any], shop: Shop) -> dict[str, Any]:
    """The whole order in our words.

    WooCommerce's line totals are without tax, also where its prices are with: `unit_price` is what one unit cost with
    tax and before coupons, rounded up to the cent, and what that rounds up too much is part of `discount`.
    `shipping_price` is everything charged on top of the lines (shipping, fees), `discount` everything taken off (coupons,
    fees below zero); so lines + shipping_price - discount = total, to the cent. Refunds change none of it. A status of the
    shop's own is `custom` and its slug is kept in `tags`.
    """
    read = reader(order)
    currency = (text(order, "currency") or "").upper()
    if len(currency) != 3:
        raise Refused(f"Order {read.name} cannot be understood: its currency is {currency[:40]!r}.")
    money = Amounts(currency)
    lines = [_line(item, order, shop, read, currency) for item in objects(order, "line_items")]
    lines = [line for line in lines if line["quantity"] > 0]
    shipping, discount = _beside_the_lines(order, lines, read, money)
    payer, receiver = object_of(order, "billing"), _receiver(order)
    return {
        "number": read.name,
        "external_id": text(order, "id"),
        "placed_at": utc_text(moment(order, "created")),
        "updated_at": utc_text(moment(order, "modified")),
        "currency": currency,
        "total": money.text(amount(order, "total")),
        "shipping_price": money.text(shipping),
        "discount": money.text(discount),
        "payment_status": shop.words.payment_status(order),
        "shop_status": shop.words.shop_status(order),
        "payment": {"method": text(order, "payment_method_title"), "processor": text(order, "payment_method")},
        "fulfilment_type": "pickup" if _pickup(order, shop) else "delivery",
        "shipping_method": _shipping_method(order, shop),
        "customer": {
            "external_id": text(order, "customer_id") if order.get("customer_id") else None,
            "email": text(payer, "email"),
            "name": _name(payer) or _name(receiver),
            "first_name": text(payer, "first_name") or text(receiver, "first_name"),
            "last_name": text(payer, "last_name") or text(receiver, "last_name"),
            "phone": text(payer, "phone") or text(receiver, "phone"),
            "group": None,
        },
        "shipping_address": _address(receiver, text(payer, "phone")),
        "billing_address": _address(payer, None),
        "comment": text(order, "customer_note"),
        "prices_include_tax": True,
        "tracking": parcels_of(order, shop.tracking_meta),
        "tags": [f"status:{text(order, 'status')}"] if shop.words.shop_status(order) == CUSTOM else [],
        "lines": lines,
    }


def article_of(item: Mapping[str, Any]) -> str:
    """The article of an order line: `10`, or `26/27` for a variation; empty for a line without one."""
    product, variation = text(item, "product_id") or "0", text(item, "variation_id") or "0"
    if product == "0":
        return ""
    return product if variation == "0" else f"{product}/{variation}"


def parcels_of(order: Mapping[str, Any], fields: Mapping[str, str]) -> list[dict[str, str | None]]:
    """The tracking numbers that fields of the order hold, each once: those we keep, those of the extension, and those in
    the fields named (`number`, `url`, `carrier` -> field), where several are separated by commas."""
    meta = {str(each.get("key")): each.get("value") for each in objects(order, "meta_data")}
    found = [_parcel(each, "number", "url", "carrier") for each in _list(meta.get(OWN_TRACKING))]
    found += [
        _parcel(each, "tracking_number", "custom_tracking_link", "tracking_provider", "custom_tracking_provider")
        for each in _list(meta.get(EXTENSION_TRACKING))
    ]
    numbers, urls = (_several(meta.get(fields.get(name, ""))) for name in ("number", "url"))
    carrier = text({"carrier": meta.get(fields.get("carrier", ""))}, "carrier")
    for index, number in enumerate(numbers):
        found.append({"number": number, "url": urls[index] if index < len(urls) else None, "carrier": carrier})
    return list({each["number"]: each for each in reversed(found) if each["number"]}.values())[::-1]


def moment(entity: Mapping[str, Any], which: str) -> datetime:
    """When it was `created` or `modified`. Only the fields in GMT are used: the others are the shop's local time without
    an offset, which is ambiguous for an hour every autumn. Raises Refused when there are none."""
    for kind in (which, "created"):
        found = gmt(entity.get(f"date_{kind}_gmt"))
        if found is not None:
            return found
    raise Refused(f"{str(entity.get('id') or 'Something')[:40]} in the shop has no usable date of creation or change.")


def gmt(value: object) -> datetime | None:
    """A date as WooCommerce writes GMT: without a suffix."""
    try:
        return datetime.strptime(str(value).removesuffix("Z"), "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def gmt_text(moment: datetime) -> str:
    """The reverse: what goes with `dates_are_gmt=true`. With a `Z` the shop would shift it by its own offset."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _line(
    item: Mapping[str, Any], order: Mapping[str, Any], shop: Shop, read: Reader, currency: str
) -> dict[str, Any]:
    quantity = read.count("quantity", item) if read.number("quantity", item) > 0 else 0
    article = article_of(item)
    return {
        "id": text(item, "id") or "",
        # The line shows the product's sku of today, and none once the product is deleted.
        "sku": text(item, "sku") or (shop.known_sku(article) if article else None) or "",
        "name": text(item, "name") or "",
        "quantity": quantity,
        "unit_price": _unit_price(item, quantity, read, currency),
        "tax_rate": rate(_tax_rate(item, order, read)),
        "external_product": article or None,
        "needs_shipping": _needs_shipping(item, order, article, shop),
    }


def _unit_price(item: Mapping[str, Any], quantity: int, read: Reader, currency: str) -> str:
    """What one unit cost before coupons, with tax; where staff set a price above it, that one."""
    listed = read.number("subtotal", item) + read.number("subtotal_tax", item)
    charged = read.number("total", item) + read.number("total_tax", item)
    cent = Decimal(1).scaleb(-digits(currency))
    each = max(listed, charged, Decimal(0)) / max(quantity, 1)
    return f"{each.quantize(cent, ROUND_CEILING):f}"


def _beside_the_lines(
    order: Mapping[str, Any], lines: list[dict[str, Any]], read: Reader, money: Amounts
) -> tuple[Decimal, Decimal]:
    """What is charged on top of the lines, and what is taken off.

    The discount is what is left over between the shop's own total and the lines: coupons, the rounding of unit prices and
    of taxes. It is never below zero: then the rest is charged on top.
    """
    extra = [*objects(order, "shipping_lines"), *objects(order, "fee_lines")]
    grosses = [read.number("total", each) + read.number("total_tax", each) for each in extra]
    on_top = money.rounded(sum((gross for gross in grosses if gross > 0), Decimal(0)))
    goods = sum((Decimal(line["unit_price"]) * line["quantity"] for line in lines), Decimal(0))
    off = goods + on_top - money.rounded(amount(order, "total"))
    return (on_top, off) if off >= 0 else (on_top - off, Decimal(0))


def _tax_rate(item: Mapping[str, Any], order: Mapping[str, Any], read: Reader) -> Decimal:
    """The tax of a line in percent: the sum of the rates that apply to it, or else worked out from its amounts."""
    percents = {text(tax, "rate_id"): read.number("rate_percent", tax) for tax in objects(order, "tax_lines")}
    applied = [text(tax, "id") for tax in objects(item, "taxes") if text(tax, "subtotal") or text(tax, "total")]
    if applied and all(each in percents for each in applied):
        return sum((percents[each] for each in applied), Decimal(0))
    net, tax = read.number("subtotal", item), read.number("subtotal_tax", item)
    return (tax * 100 / net).quantize(Decimal("0.1")) if net > 0 else Decimal(0)


def _needs_shipping(item: Mapping[str, Any], order: Mapping[str, Any], article: str, shop: Shop) -> bool:
    """Whether there is something to pack: not for virtual articles, nor for a bundle whose parts are lines of their own.

    Source for bundles: the extension Product Bundles (`class-wc-pb-order.php`). A part says whether it is packed by
    itself; when none is, the bundle is packed as one.
    """
    if _meta(item, "_bundled_by"):
        return _meta(item, "_bundled_item_needs_shipping") != "no" and not shop.is_virtual(article)
    parts = [each for each in objects(order, "line_items") if _meta(each, "_bundled_by")]
    key = _meta(item, "_bundle_cart_key")
    own = [each for each in parts if key and _meta(each, "_bundled_by") == key]
    if any(_meta(each, "_bundled_item_needs_shipping") != "no" for each in own):
        return False
    return not (article and shop.is_virtual(article))


def _meta(item: Mapping[str, Any], key: str) -> str | None:
    return next((text(each, "value") for each in objects(item, "meta_data") if each.get("key") == key), None)


def _pickup(order: Mapping[str, Any], shop: Shop) -> bool:
    return any(text(each, "method_id") in shop.pickup_methods for each in objects(order, "shipping_lines"))


def _shipping_method(order: Mapping[str, Any], shop: Shop) -> dict[str, str | None]:
    """The shipping method as `method:instance`; there is no outlet in it, so that settings say which it is tied to."""
    chosen = next(iter(objects(order, "shipping_lines")), {})
    method, instance = text(chosen, "method_id"), text(chosen, "instance_id")
    id = f"{method}:{instance}" if method and instance else method
    location = (_meta(chosen, "pickup_location") or "").lower()
    table = shop.outlet_by_shipping_method
    outlet = shop.outlet_by_pickup_location.get(location) or table.get(id or "") or table.get(method or "")
    return {"id": id, "name": text(chosen, "method_title"), "outlet": outlet}


def _receiver(order: Mapping[str, Any]) -> Mapping[str, Any]:
    """The shipping address, or the billing address of an order that has none."""
    receiver = object_of(order, "shipping")
    named = ("address_1", "address_2", "city", "postcode", "first_name", "last_name", "company")
    return receiver if any(text(receiver, key) for key in named) else object_of(order, "billing")


def _name(person: Mapping[str, Any]) -> str | None:
    return " ".join(text(person, key) or "" for key in ("first_name", "last_name")).strip() or text(person, "company")


def _address(person: Mapping[str, Any], phone: str | None) -> dict[str, str | None]:
    return {
        "name": _name(person),
        # Two lines stay two lines: tills have a field for each and a limit on both.
        "street": "\n".join(line for key in ("address_1", "address_2") if (line := text(person, key))) or None,
        "city": text(person, "city"),
        "postcode": text(person, "postcode"),
        "country": text(person, "country"),
        "region": text(person, "state"),
        "phone": text(person, "phone") or phone,
    }


def _parcel(each: Mapping[str, Any], number: str, url: str, *carriers: str) -> dict[str, str | None]:
    carrier = next((name for key in carriers if (name := text(each, key))), None)
    return {"number": text(each, number), "url": text(each, url), "carrier": carrier}


def _list(value: object) -> list[Mapping[str, Any]]:
    """A list of objects, also one that a plugin keeps as JSON text, or as an object with numbers for keys."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return []
    if isinstance(value, Mapping):
        value = list(value.values())
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _several(value: object) -> list[str]:
    return [part.strip() for part in str(value).split(",") if part.strip()] if isinstance(value, str) else []
