"""Orders as events in our words. Amounts are exact: Decimal in, decimal text out.

An order comes with its lines and addresses inside (`include=consignments.line_items,fees&consignment_structure=object`),
so that one call reads many orders whole. Field meanings: vendor OpenAPI orders.v2.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

from adapters.base import NewEvent, Refused
from adapters.bigcommerce.progress import STATUS_NAMES, payment_status, payment_word, shop_status, status_id, units
from adapters.fields import Amounts, Reader, object_of, objects, rate, snapshot_event, text, utc_text
from adapters.progress import CUSTOM

EXTRAS = ("shipping_cost_inc_tax", "handling_cost_inc_tax", "wrapping_cost_inc_tax")
GIFT_CERTIFICATE = "gift-certificate"
"""The sku of a gift certificate line, which has none of its own."""

_NOTHING = ("0", "0.0", "0.0000")
_TIGHT, _LOOSE = Decimal("0.0001"), Decimal("0.0061")
_PLACES = (Decimal(1), Decimal("0.1"), Decimal("0.01"), Decimal("0.001"))


@dataclass(frozen=True, slots=True)
class Shop:
    """What a snapshot needs to know besides the order: settings of the connection, which outlet a location is, what the
    order's payment was before we held it, its shipments and whether its pickups were collected."""

    currency: str = ""
    outlet_by_shipping_method: Mapping[str, str] = field(default_factory=dict)
    outlet_by_location: Mapping[str, str] = field(default_factory=dict)
    status_means_paid: bool = True
    bundle_parent_ships: bool = False
    before_hold: str = ""
    shipments: Sequence[Mapping[str, Any]] = ()
    collected: bool = False


def order_event(order: Mapping[str, Any], shop: Shop, *, known: bool) -> NewEvent:
    """`order.placed`, or `order.updated` when the order is `known` to us, with its whole snapshot.

    The id is made from the content. `sequence` is the time of the last change in seconds; of equal ones the later read
    stands. Raises Refused when the order makes no sense.
    """
    changed = moment(order, "date_modified", "date_created")
    return snapshot_event(snapshot_of(order, shop), known=known, time=changed, sequence=int(changed.timestamp()))


def snapshot_of(order: Mapping[str, Any], shop: Shop) -> dict[str, Any]:
    """The whole order in our words.

    `unit_price` includes tax and is rounded to the cent per unit. `shipping_price` is everything charged on top of the
    lines (shipping, handling, wrapping, fees), `discount` everything taken off (manual discount, coupons, promotions), so
    lines + shipping_price - discount = total also where the shop rounds whole lines and not units. `total` is before gift
    certificates and store credit, which are ways to pay.
    """
    read = Reader(order, text(order, "id") or "")
    currency = shop.currency or text(order, "default_currency_code") or text(order, "currency_code") or ""
    if len(currency) != 3:
        raise Refused(f"Order {read.name} names no currency: set the connection setting currency.")
    money = Amounts(currency.upper())
    payer, receiver = object_of(order, "billing_address"), _receiver(order)
    lines = [_line(item, order, shop, read, money) for item in wanted_lines(order)]
    total, on_top, off = _totals(order, lines, read, money)
    return {
        "number": read.name,
        "external_id": read.name,
        "placed_at": utc_text(moment(order, "date_created")),
        "updated_at": utc_text(moment(order, "date_modified", "date_created")),
        "currency": currency.upper(),
        "total": money.text(total),
        "shipping_price": money.text(on_top),
        "discount": money.text(off),
        "payment_status": _payment(order, shop),
        "shop_status": how_far(order, collected=shop.collected, bundle_parent_ships=shop.bundle_parent_ships),
        "payment": {"method": text(order, "payment_method"), "processor": text(order, "payment_provider_id") and text(order, "payment_method")},
        "fulfilment_type": fulfilment_type(order),
        "shipping_method": _shipping_method(order, receiver, shop),
        "customer": {
            "external_id": text(order, "customer_id") if order.get("customer_id") else None,
            "email": text(payer, "email") or text(receiver, "email"),
            "name": _name(payer) or _name(receiver),
            "first_name": text(payer, "first_name") or text(receiver, "first_name"),
            "last_name": text(payer, "last_name") or text(receiver, "last_name"),
            "phone": text(payer, "phone") or text(receiver, "phone"),
            "group": None,
        },
        "shipping_address": _address(receiver),
        "billing_address": _address(payer),
        "comment": text(order, "customer_message"),
        "prices_include_tax": True,
        "tracking": _tracking(shop.shipments),
        "tags": _custom_words(order, shop),
        "lines": lines,
    }  # fmt: skip


def lines_of(order: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Every line of the order, by id, whatever its consignment."""
    found = {str(item.get("id")): item for each in _consignments(order) for item in objects(each, "line_items")}
    return sorted(found.values(), key=lambda item: units(item.get("id")))


def wanted_lines(order: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The lines without those reduced to nothing. A senseless quantity stays, to be refused where it is read."""
    return [item for item in lines_of(order) if str(item.get("quantity")) not in _NOTHING]


def has_lines(order: Mapping[str, Any]) -> bool:
    """Whether the order came with its consignments and their lines, as asked for."""
    return isinstance(object_of(order, "consignments").get("shipping"), list) and all(
        isinstance(each.get("line_items"), list) and not any("resource" in item for item in objects(each, "line_items"))
        for each in _consignments(order)
    )


def pickups_of(order: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The pickup consignments."""
    return objects(object_of(order, "consignments"), "pickups")


def fulfilment_type(order: Mapping[str, Any]) -> str:
    """`pickup` when all that has to be handed over is picked up; an order with both is a delivery."""
    sent = [
        item for each in objects(object_of(order, "consignments"), "shipping") for item in objects(each, "line_items")
    ]
    return "pickup" if pickups_of(order) and not any(units(item.get("quantity")) for item in sent) else "delivery"


def parents_of(items: Iterable[Mapping[str, Any]]) -> set[str]:
    """Ids of lines that other lines belong to: bundles."""
    return {str(item["parent_order_product_id"]) for item in items if item.get("parent_order_product_id")}


def how_far(order: Mapping[str, Any], *, collected: bool = False, bundle_parent_ships: bool = False) -> str:
    """Our word for how far the order is, by its status and what was sent of its lines."""
    sent, wanted = sent_of(order, bundle_parent_ships=bundle_parent_ships)
    return shop_status(order, sent=sent, wanted=wanted, collected=collected)


def sent_of(order: Mapping[str, Any], *, bundle_parent_ships: bool = False) -> tuple[int, int]:
    """(units sent, units to be sent) of everything that is sent to an address; downloads, pickups and bundles that are no
    article themselves do not count, as they do in the order's own `items_total`."""
    items = wanted_lines(order)
    parents = set() if bundle_parent_ships else parents_of(items)
    goods = [item for item in items if is_sent(item) and str(item.get("id")) not in parents]
    return sum(units(item.get("quantity_shipped")) for item in goods), sum(
        units(item.get("quantity")) for item in goods
    )


def is_sent(item: Mapping[str, Any]) -> bool:
    """Whether a line goes to an address in a parcel."""
    return item.get("type") not in ("digital", "giftcertificate") and units(item.get("order_address_id")) > 0


def sku_of(item: Mapping[str, Any]) -> str:
    """The line's sku, or a stand-in for what has none: gift certificates and articles made up for one order."""
    if text(item, "sku"):
        return str(text(item, "sku"))
    if item.get("type") == "giftcertificate":
        return GIFT_CERTIFICATE
    return f"product-{item['product_id']}" if item.get("product_id") else f"line-{item.get('id')}"


def moment(entity: Mapping[str, Any], *keys: str) -> datetime:
    """The first usable date (V2: RFC 2822) as an aware UTC time. Raises Refused when there is none."""
    for key in keys:
        try:
            found = parsedate_to_datetime(str(entity.get(key) or ""))
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    raise Refused(f"{str(entity.get('id') or 'Something')[:40]} in the shop has no usable date of creation or change.")


def tax_rate(ex_tax: Decimal, inc_tax: Decimal) -> Decimal:
    """The shortest rate in percent that explains both prices; the order itself names none.

    Prices have four decimals; where a shop rounds them to two, a rate that fits to the cent is good enough.
    """
    if ex_tax <= 0 or inc_tax <= ex_tax:
        return Decimal(0)
    exact = (inc_tax / ex_tax - 1) * 100
    whole_cents = ex_tax == ex_tax.quantize(_PLACES[2]) and inc_tax == inc_tax.quantize(_PLACES[2])
    for tolerance in (_LOOSE,) if whole_cents else (_TIGHT, _LOOSE):
        for places in _PLACES:
            candidate = exact.quantize(places)
            if abs(ex_tax * (1 + candidate / 100) - inc_tax) <= tolerance:
                return candidate
    return exact.quantize(_PLACES[-1])


def _totals(
    order: Mapping[str, Any], lines: Sequence[Mapping[str, Any]], read: Reader, money: Amounts
) -> tuple[Decimal, Decimal, Decimal]:
    """Total, what is charged on top of the lines, what is taken off: chosen so that they add up to the cent."""
    goods = sum((Decimal(line["unit_price"]) * line["quantity"] for line in lines), Decimal(0))
    on_top = sum((read.number(key) for key in EXTRAS), Decimal(0))
    on_top += sum((read.number("cost_inc_tax", fee) for fee in objects(order, "fees")), Decimal(0))
    on_top, total = money.rounded(on_top), money.rounded(read.number("total_inc_tax"))
    redeemed = money.rounded(read.number("gift_certificate_amount") + read.number("store_credit_amount"))
    before = goods + on_top - money.rounded(read.number("discount_amount") + read.number("coupon_discount"))
    # Whether the total is before or after what was redeemed is not documented: the order's own sum tells.
    if redeemed and abs(total + redeemed - before) < abs(total - before):
        total += redeemed
    off = goods + on_top - total
    return (total, on_top, off) if off >= 0 else (total, on_top - off, Decimal(0))


def _line(
    item: Mapping[str, Any], order: Mapping[str, Any], shop: Shop, read: Reader, money: Amounts
) -> dict[str, Any]:
    inc_tax = read.number("price_inc_tax", item)
    whole = (read.number("total_ex_tax", item), read.number("total_inc_tax", item))
    single = (read.number("price_ex_tax", item), inc_tax)
    return {
        "id": str(item.get("id") or ""),
        "sku": sku_of(item),
        "name": text(item, "name") or sku_of(item),
        "quantity": read.count("quantity", item),
        "unit_price": money.text(inc_tax),
        # The price of a unit is before discounts; the total of a line may be after them.
        "tax_rate": rate(tax_rate(*(single if single[0] > 0 else whole))),
        "external_product": text(item, "product_id") if item.get("product_id") else None,
        "needs_shipping": _needs_shipping(item, order, shop),
    }  # fmt: skip


def _needs_shipping(item: Mapping[str, Any], order: Mapping[str, Any], shop: Shop) -> bool:
    """Downloads and gift certificates go by e-mail; a bundle is packed as its parts."""
    if item.get("type") in ("digital", "giftcertificate"):
        return False
    return shop.bundle_parent_ships or str(item.get("id")) not in parents_of(wanted_lines(order))


def _consignments(order: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    groups = object_of(order, "consignments")
    for kind in ("shipping", "pickups", "downloads"):
        yield from objects(groups, kind)
    yield from objects(object_of(groups, "email"), "gift_certificates")


def _receiver(order: Mapping[str, Any]) -> Mapping[str, Any]:
    """The address of the first delivery; a pickup has none."""
    return next(iter(objects(object_of(order, "consignments"), "shipping")), {})


def _shipping_method(order: Mapping[str, Any], receiver: Mapping[str, Any], shop: Shop) -> dict[str, str | None]:
    if fulfilment_type(order) == "pickup":
        pickup = pickups_of(order)[0]
        name, location = text(pickup, "pickup_method_display_name"), text(object_of(pickup, "location"), "id")
        outlet = shop.outlet_by_shipping_method.get(name or "") or shop.outlet_by_location.get(location or "")
        return {"id": text(pickup, "pickup_method_id"), "name": name, "outlet": outlet}
    name = text(receiver, "shipping_method")
    return {"id": None, "name": name, "outlet": shop.outlet_by_shipping_method.get(name or "")}


def _payment(order: Mapping[str, Any], shop: Shop) -> str:
    return payment_status(order, status_means_paid=shop.status_means_paid, before_hold=shop.before_hold)


def _name(person: Mapping[str, Any]) -> str | None:
    names = (text(person, "first_name"), text(person, "last_name"))
    return " ".join(name for name in names if name) or text(person, "company")


def _address(person: Mapping[str, Any]) -> dict[str, str | None]:
    street = [line for line in (text(person, "street_1"), text(person, "street_2")) if line]
    return {
        "name": _name(person), "street": "\n".join(street) or None, "city": text(person, "city"),
        "postcode": text(person, "zip"), "country": text(person, "country_iso2"), "region": text(person, "state"),
        "phone": text(person, "phone"),
    }  # fmt: skip


def _tracking(shipments: Sequence[Mapping[str, Any]]) -> list[dict[str, str | None]]:
    found = [
        {
            "number": text(each, "tracking_number"),
            "url": text(each, "tracking_link") or text(each, "generated_tracking_link"),
            "carrier": text(each, "tracking_carrier") or text(each, "shipping_provider"),
        }
        for each in shipments
    ]
    return list({each["number"]: each for each in reversed(found) if each["number"]}.values())[::-1]


def _custom_words(order: Mapping[str, Any], shop: Shop) -> list[str]:
    """Statuses that have no word of ours, so that a rule can still look at them."""
    words = []
    if how_far(order) == CUSTOM:
        status = status_id(order)
        words.append(f"status:{STATUS_NAMES.get(status) or text(order, 'status') or status}")
    if _payment(order, shop) == CUSTOM:
        words.append(f"payment:{payment_word(order)}")
    return words
