"""Magento's orders, articles and sources in our words. Amounts are exact: Decimal in, decimal text out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from adapters.base import Connection, Memory, NewEvent, Refused
from adapters.fields import Amounts, Reader, fingerprint, object_of, objects, rate, snapshot_event, text, utc_text
from adapters.magento.orders import ENDED, Line, lines_of
from adapters.magento.progress import (
    Words,
    is_pickup,
    own_words,
    payment_status,
    pickup_location,
    shipping_of,
    shop_status,
)
from adapters.magento.settings import table_setting

ORDER_FIELDS = (
    "entity_id,increment_id,state,status,store_id,created_at,updated_at,order_currency_code,grand_total,shipping_incl_tax,"
    "shipping_amount,total_paid,total_due,total_refunded,discount_amount,customer_id,customer_is_guest,customer_email,"
    "customer_firstname,customer_lastname,customer_group_id,customer_note,shipping_description,billing_address,"
    "payment[method],status_histories[entity_id,comment],"
    "items[item_id,parent_item_id,product_id,product_type,sku,name,is_virtual,qty_ordered,qty_invoiced,qty_shipped,"
    "qty_refunded,qty_canceled,price,price_incl_tax,row_total,row_total_incl_tax,tax_amount,tax_percent,discount_amount],"
    "extension_attributes[pickup_location_code,notification_sent,payment_additional_info,gift_cards_amount,"
    "customer_balance_amount,reward_currency_amount,shipping_assignments[shipping[address,method]]]"
)
"""What a snapshot needs of an order: whole ones are several times as large."""

PRODUCT_FIELDS = "id,sku,name,type_id,updated_at,created_at"
SHIPMENT_FIELDS = "entity_id,order_id,tracks[track_number,title,carrier_code]"

_PAID_WITH = ("gift_cards_amount", "customer_balance_amount", "reward_currency_amount")
"""Ways to pay that Adobe Commerce takes off the grand total."""


@dataclass(frozen=True, slots=True)
class Shop:
    """What a snapshot needs to know of the shop besides the order."""

    words: Words
    outlet_by_shipping_method: Mapping[str, str]
    memory: Memory

    @classmethod
    def of(cls, connection: Connection, memory: Memory) -> Shop:
        return cls(Words.of(connection), table_setting(connection, "outlet_by_shipping_method"), memory)


def order_event(order: Mapping[str, Any], shipments: Sequence[Mapping[str, Any]], shop: Shop) -> NewEvent:
    """`order.placed`, or `order.updated` when the order is known to us, with its whole snapshot. `sequence` is the shop's
    time of the last change in seconds. Raises Refused when the order makes no sense."""
    changed = moment(order, "updated_at")
    known = shop.memory.ours("order", str(order.get("entity_id"))) is not None
    snapshot = snapshot_of(order, shipments, shop)
    return snapshot_event(snapshot, known=known, time=changed, sequence=int(changed.timestamp()))


def snapshot_of(order: Mapping[str, Any], shipments: Sequence[Mapping[str, Any]], shop: Shop) -> dict[str, Any]:
    """The whole order in our words.

    `unit_price` includes tax and is rounded to the cent per unit. `shipping_price` is what shipping costs with tax and,
    where the shop charges something it shows nowhere (fees of modules, a cent of rounding), that too; `discount` is what the
    total is lower than the rest. So lines + shipping_price - discount = total. `total` is before gift cards and store
    credit. A line cancelled or paid back before it was sent is left out, and its amount with it.
    """
    number, order_id = text(order, "increment_id") or "", str(order.get("entity_id") or "")
    read = Reader(order, number)
    currency = (text(order, "order_currency_code") or "").upper()
    if len(currency) != 3:
        raise Refused(f"Order {number} names no currency.")
    state, shipping = str(order.get("state") or ""), shipping_of(order)
    totals = _Totals(order, lines_of(order), state, read, Amounts(currency))
    billing = object_of(order, "billing_address")
    first, last = text(order, "customer_firstname") or text(billing, "firstname"), text(order, "customer_lastname") or text(billing, "lastname")  # fmt: skip
    return {
        "number": number,
        "external_id": order_id,
        "placed_at": utc_text(moment(order, "created_at")),
        "updated_at": utc_text(moment(order, "updated_at")),
        "currency": currency,
        "total": totals.text(totals.total),
        "shipping_price": totals.text(totals.shipping),
        "discount": totals.text(totals.discount),
        "payment_status": payment_status(order),
        "shop_status": shop_status(order, shop.words),
        "payment": _payment(order),
        "fulfilment_type": "pickup" if is_pickup(order, shop.words) else "delivery",
        "shipping_method": {
            "id": text(shipping, "method"),
            "name": text(order, "shipping_description"),
            "outlet": outlet_of(order, shop),
        },
        "customer": {
            "external_id": text(order, "customer_id"),
            "email": text(order, "customer_email"),
            "name": " ".join(filter(None, (first, last))) or None,
            "first_name": first,
            "last_name": last,
            "phone": text(billing, "telephone"),
            "group": text(order, "customer_group_id"),
        },
        "shipping_address": _address(object_of(shipping, "address")),
        "billing_address": _address(billing),
        "comment": text(order, "customer_note"),
        "prices_include_tax": True,
        "tracking": _tracking(order_id, shipments),
        "tags": own_words(order),
        "lines": totals.lines(),
    }


class _Totals:
    """The amounts of an order with what is no longer wanted taken out."""

    def __init__(self, order: Mapping[str, Any], lines: list[Line], state: str, read: Reader, money: Amounts) -> None:
        self._lines, self._state, self._read, self.text = lines, state, read, money.text
        extra = object_of(order, "extension_attributes")
        total = money.rounded(read.number("grand_total") + sum((read.number(name, extra) for name in _PAID_WITH), Decimal(0)))
        self.shipping = money.rounded(read.number("shipping_incl_tax") or read.number("shipping_amount"))
        self._unit = {line.id: money.rounded(self._price(line)) for line in lines}
        difference = sum((self._unit[line.id] * line.ordered for line in lines), Decimal(0)) + self.shipping - total
        # A negative difference is a charge that the order shows nowhere else.
        self.discount = max(Decimal(0), difference)
        self.shipping += max(Decimal(0), -difference)
        self.discount = max(Decimal(0), money.rounded(self.discount - sum(map(self._discount_gone, lines), Decimal(0))))
        wanted = sum((self._unit[line.id] * line.wanted(state) for line in lines), Decimal(0))
        self.discount = min(self.discount, wanted + self.shipping)
        self.total = wanted + self.shipping - self.discount

    def lines(self) -> list[dict[str, Any]]:
        """The lines that are still wanted."""
        return [self._line(line) for line in self._lines if line.wanted(self._state)]

    def _line(self, line: Line) -> dict[str, Any]:
        return {
            "id": line.id,
            "sku": line.sku,
            "name": text(line.item, "name") or "",
            "quantity": self._read.count("wanted", {"wanted": line.wanted(self._state)}),
            "unit_price": self.text(self._unit[line.id]),
            "tax_rate": rate(self._read.number("tax_percent", line.item)),
            "external_product": text(line.item, "product_id"),
            "needs_shipping": line.ships,
        }

    def _price(self, line: Line) -> Decimal:
        """Price of a unit with tax. Of a whole row divided, since a price per unit may be rounded already."""
        if not line.priced or not line.ordered:
            return Decimal(0)
        row = self._read.number("row_total_incl_tax", line.item)
        return row / line.ordered if row else self._read.number("price_incl_tax", line.item)

    def _discount_gone(self, line: Line) -> Decimal:
        """The discount on units that are no longer wanted."""
        if not line.ordered or self._state in ENDED:
            return Decimal(0)
        gone = line.ordered - line.wanted(self._state)
        return abs(self._read.number("discount_amount", line.item)) * gone / line.ordered


def product_events(product: Mapping[str, Any], sellable: int | None = None) -> Iterator[NewEvent]:
    """`product.changed`, and `stock.changed` with the number that can be sold when it was asked."""
    sku, product_id = text(product, "sku"), text(product, "id")
    if not sku or not product_id:
        return
    time = moment(product, "updated_at")
    version = int(time.timestamp())
    about = {"sku": sku, "name": text(product, "name") or "", "external_id": product_id}
    yield NewEvent(f"product:{product_id}:{fingerprint(about)}", "product.changed", f"product:{sku}", time, about, version)
    if sellable is not None:
        stock = {"sku": sku, "shop_quantity": sellable}
        now = datetime.now(UTC).replace(microsecond=0)
        yield NewEvent(
            f"stock:{product_id}:{int(now.timestamp())}:{fingerprint(stock)}", "stock.changed", f"product:{sku}", now, stock
        )


def outlet_of(order: Mapping[str, Any], shop: Shop) -> str | None:
    """Our outlet that the customer or the shipping method chose."""
    location = pickup_location(order)
    chosen = shop.memory.ours("outlet", location) if location else None
    return chosen or shop.outlet_by_shipping_method.get(str(shipping_of(order).get("method") or ""))


def moment(entity: Mapping[str, Any], name: str) -> datetime:
    """A moment of the shop, which writes UTC without saying so (#28181). Raises Refused when there is none."""
    for each in (name, "created_at"):
        try:
            return datetime.strptime(str(entity.get(each) or ""), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        except ValueError:
            continue
    name_of = entity.get("increment_id") or entity.get("sku") or entity.get("entity_id") or "Something"
    raise Refused(f"{str(name_of)[:40]} in the shop has no usable date of creation or change.")


def shop_time(seconds: float) -> str:
    """UNIX seconds as the shop writes moments."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _payment(order: Mapping[str, Any]) -> dict[str, str | None]:
    """The way to pay as customers read it, if the shop kept its title, and its code."""
    code = text(object_of(order, "payment"), "method")
    known = objects(object_of(order, "extension_attributes"), "payment_additional_info")
    title = next((text(each, "value") for each in known if each.get("key") == "method_title"), None)
    return {"method": title or code, "processor": code}


def _address(given: Mapping[str, Any]) -> dict[str, str | None]:
    street = given.get("street")
    lines = [str(line).strip() for line in street] if isinstance(street, list) else [text(given, "street") or ""]
    names = (text(given, "firstname"), text(given, "middlename"), text(given, "lastname"))
    return {
        "name": " ".join(filter(None, names)) or None,
        "street": "\n".join(line for line in lines if line) or None,
        "city": text(given, "city"),
        "postcode": text(given, "postcode"),
        "country": text(given, "country_id"),
        "region": text(given, "region_code") or text(given, "region"),
        "phone": text(given, "telephone"),
    }


def _tracking(order_id: str, shipments: Sequence[Mapping[str, Any]]) -> list[dict[str, str | None]]:
    """The tracking numbers of the order's shipments, each once."""
    tracks = [track for each in shipments if str(each.get("order_id")) == order_id for track in objects(each, "tracks")]
    found = {text(track, "track_number"): text(track, "title") for track in reversed(tracks)}
    return [{"number": number, "url": None, "carrier": carrier} for number, carrier in found.items() if number][::-1]
