"""The shop's orders and articles as events in our words. Amounts are exact: decimal text in, decimal text out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from adapters.base import NewEvent, Refused
from adapters.fields import Amounts, Reader, fingerprint, object_of, objects, rate, snapshot_event, text, utc_text
from adapters.shopify.client import nodes, number_of
from adapters.shopify.progress import CUSTOM, NOT_OUR_WORDS, payment_status, shop_status

_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Shop:
    """What a snapshot needs to know besides the order.

    `outlet_of` gives our outlet for a location's number, `ready` whether an order (its number over there) was prepared
    for pickup; for the rest see `adapters.shopify.settings`.
    """

    outlet_of: Callable[[str], str | None]
    ready: Callable[[str], bool]
    outlet_by_shipping_method: Mapping[str, str]
    authorised_is_paid: bool = False


@dataclass(frozen=True, slots=True)
class Sum:
    """What lines and shipping come to, tax included."""

    goods: Decimal
    discount: Decimal
    shipping: Decimal

    @property
    def total(self) -> Decimal:
        return self.goods - self.discount + self.shipping


def order_event(order: Mapping[str, Any], shop: Shop, *, known: bool, sent: Mapping[str, int]) -> NewEvent:
    """`order.placed`, or `order.updated` when the order is `known` to us, with its whole snapshot.

    `sequence` is the shop's update time in seconds. `sent` has the units sent by line id, for orders with refunds.
    Raises Refused when the order makes no sense.
    """
    snapshot = snapshot_of(order, shop, sent)
    moment = moment_of(order, "updatedAt")
    return snapshot_event(snapshot, known=known, time=moment, sequence=int(moment.timestamp()))


def snapshot_of(order: Mapping[str, Any], shop: Shop, sent: Mapping[str, int]) -> dict[str, Any]:
    """The whole order in our words.

    `unit_price` includes tax also where the shop's prices do not, rounded to the cent per unit. Quantities are those
    still wanted: units removed, or refunded before they were sent, are gone; units that came back stay, since they were
    sold. `shipping_price` is everything charged on top of the lines, `discount` everything taken off, so that lines +
    shipping_price - discount = total. Payment and delivery words that ours do not have are kept in `tags`.
    """
    number = number_of(order.get("id"))
    read = Reader(order, text(order, "name") or "")
    if not number:
        raise Refused(f"Order {read.name} has no usable id: look at it in the shop's admin.")
    currency = text(order, "currencyCode") or ""
    amounts = Amounts(currency)
    wanted = {_id(line): wanted_units(line, sent, read) for line in nodes(order, "lineItems")}
    lines = [_line(line, wanted[_id(line)], order, read, amounts) for line in nodes(order, "lineItems") if wanted[_id(line)]]
    sums = _sum(order, lines, wanted, read)
    methods = _methods(order)
    customer, payer, receiver = object_of(order, "customer"), object_of(order, "billingAddress"), object_of(order, "shippingAddress")
    return {
        "number": read.name,
        "external_id": number,
        "placed_at": utc_text(moment_of(order, "processedAt", "createdAt")),
        "updated_at": utc_text(moment_of(order, "updatedAt", "createdAt")),
        "currency": currency,
        "total": amounts.text(sums.total),
        "shipping_price": amounts.text(sums.shipping),
        "discount": amounts.text(sums.discount),
        "payment_status": payment_status(order.get("displayFinancialStatus"), authorised_is_paid=shop.authorised_is_paid),
        "shop_status": shop_status(order, ready=shop.ready(number), sent=_goods_were_sent(order, wanted)),
        "payment": _payment(order),
        "fulfilment_type": "pickup" if methods and methods <= {"PICK_UP"} else "delivery",
        "shipping_method": _shipping_method(order, methods, shop),
        "customer": {
            "external_id": number_of(customer.get("id")) or None,
            "email": text(order, "email") or text(object_of(customer, "defaultEmailAddress"), "emailAddress"),
            "name": _name(customer) or text(payer, "name") or text(receiver, "name"),
            "first_name": text(customer, "firstName") or text(payer, "firstName") or text(receiver, "firstName"),
            "last_name": text(customer, "lastName") or text(payer, "lastName") or text(receiver, "lastName"),
            "phone": text(order, "phone") or text(receiver, "phone") or text(payer, "phone"),
            "group": None,
        },
        "shipping_address": _address(receiver),
        "billing_address": _address(payer),
        "comment": text(order, "note"),
        "prices_include_tax": True,
        "tracking": _tracking(order),
        "tags": _tags(order, methods),
        "lines": lines,
    }


def wanted_units(line: Mapping[str, Any], sent: Mapping[str, int], read: Reader) -> int:
    """Units of a line still wanted: what is not refunded or removed, or else what was sent or is still to be sent."""
    ordered, current = _units(line, "quantity", read), _units(line, "currentQuantity", read)
    if current >= ordered:
        return ordered
    return max(current, min(ordered, sent.get(_id(line), 0) + _units(line, "unfulfilledQuantity", read)))


def needs_sent(order: Mapping[str, Any]) -> bool:
    """Whether wanted units cannot be told without knowing what was sent."""
    return any(line.get("currentQuantity") != line.get("quantity") for line in nodes(order, "lineItems"))


def sent_units(order: Mapping[str, Any]) -> dict[str, int]:
    """Units sent by line id, from an order's successful fulfilments."""
    found: dict[str, int] = {}
    for each in objects(order, "fulfillments"):
        for row in nodes(each, "fulfillmentLineItems") if each.get("status") == "SUCCESS" else ():
            line, units = number_of(object_of(row, "lineItem").get("id")), row.get("quantity")
            if line and isinstance(units, int) and not isinstance(units, bool):
                found[line] = found.get(line, 0) + units
    return found


def is_routed(order: Mapping[str, Any]) -> bool:
    """Whether the shop has made the order's fulfilment orders, or will make none."""
    return bool(nodes(order, "fulfillmentOrders")) or bool(order.get("cancelledAt")) or order.get("displayFulfillmentStatus") == "FULFILLED"


def moment_of(values: Mapping[str, Any], *keys: str) -> datetime:
    """The first usable time among these keys. Raises Refused when there is none."""
    for key in keys:
        try:
            moment = datetime.fromisoformat(str(values.get(key)).replace("Z", "+00:00"))
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    raise Refused(f"{str(values.get('name') or values.get('id') or 'Something')[:60]} in the shop has no usable {keys[0]}.")


# Money


def money(values: Mapping[str, Any], key: str, read: Reader) -> Decimal:
    """An amount in the shop's own currency, 0 when absent."""
    return read.number("amount", object_of(object_of(values, key), "shopMoney"))


def _sum(order: Mapping[str, Any], lines: Sequence[Mapping[str, Any]], wanted: Mapping[str, int], read: Reader) -> Sum:
    """What the snapshot comes to. The shop's own total is kept where it is about the same units; what the parts do not
    explain (tips, duties, a rounding) counts as shipping, or as discount when it is taken off."""
    rows = nodes(order, "lineItems")
    goods = sum((Decimal(line["unit_price"]) * line["quantity"] for line in lines), Decimal(0))
    discount = sum((_discount(line, wanted[_id(line)], read) for line in rows), Decimal(0))
    ordered = all(wanted[_id(line)] == _units(line, "quantity", read) for line in rows)
    now = all(wanted[_id(line)] == _units(line, "currentQuantity", read) for line in rows)
    shipping = _shipping(order, read, now=not ordered and now)
    found = Sum(goods, discount, shipping)
    if not (ordered or now):
        return found
    gap = money(order, "totalPriceSet" if ordered else "currentTotalPriceSet", read) - found.total
    return Sum(goods, discount + max(-gap, Decimal(0)), shipping + max(gap, Decimal(0)))


def _shipping(order: Mapping[str, Any], read: Reader, *, now: bool) -> Decimal:
    total = Decimal(0)
    for line in nodes(order, "shippingLines"):
        if line.get("isRemoved") is True:
            continue
        full = money(line, "discountedPriceSet", read)
        price = money(line, "currentDiscountedPriceSet", read) if now else full
        if order.get("taxesIncluded") is False and full:
            price += _cents(_taxes(line, read) * price / full)
        total += price
    return max(total, Decimal(0))


def _discount(line: Mapping[str, Any], units: int, read: Reader) -> Decimal:
    """The share of so many units in the discounts of a line."""
    whole = sum((money(each, "allocatedAmountSet", read) for each in objects(line, "discountAllocations")), Decimal(0))
    ordered = _units(line, "quantity", read)
    return _cents(whole * units / ordered) if ordered else Decimal(0)


def _taxes(line: Mapping[str, Any], read: Reader) -> Decimal:
    return sum((money(each, "priceSet", read) for each in objects(line, "taxLines")), Decimal(0))


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, ROUND_HALF_UP)


def _line(
    line: Mapping[str, Any], units: int, order: Mapping[str, Any], read: Reader, amounts: Amounts
) -> dict[str, Any]:
    # Tax comes on top of the discounted price; spread over all units ordered it is exact for each of them.
    on_top = _taxes(line, read) / _units(line, "quantity", read) if order.get("taxesIncluded") is False else Decimal(0)
    variant, product = number_of(object_of(line, "variant").get("id")), number_of(object_of(line, "product").get("id"))
    title, variant_title = text(line, "title") or "", text(line, "variantTitle")
    return {
        "id": _id(line),
        "sku": text(line, "sku") or "",
        "name": f"{title} ({variant_title})" if variant_title and variant_title != "Default Title" else title,
        "quantity": units,
        "unit_price": amounts.text(money(line, "originalUnitPriceSet", read) + on_top),
        "tax_rate": rate(_percent(line, read)),
        "external_product": f"{product}/{variant}" if product and variant else None,
        "needs_shipping": line.get("requiresShipping") is not False and line.get("isGiftCard") is not True,
    }


def _percent(line: Mapping[str, Any], read: Reader) -> Decimal:
    """All tax rates of a line together, in percent; a rate comes as a fraction."""
    return sum((read.number("rate", each) * 100 for each in objects(line, "taxLines")), Decimal(0))


# The rest of a snapshot


def _id(line: Mapping[str, Any]) -> str:
    return number_of(line.get("id"))


def _units(line: Mapping[str, Any], key: str, read: Reader) -> int:
    """A whole number of at least 0."""
    number = read.number(key, line)
    if number < 0 or number != number.to_integral_value():
        raise Refused(f"Order {read.name} cannot be understood: the {key} of a line is {number}, which is not a whole number.")
    return int(number)


def _methods(order: Mapping[str, Any]) -> set[str]:
    """How the order's goods reach the customer: SHIPPING, PICK_UP, LOCAL, … Without fulfilment orders: unknown."""
    found = {str(object_of(each, "deliveryMethod").get("methodType") or "") for each in nodes(order, "fulfillmentOrders")}
    return found - {"", "NONE"}


def _goods_were_sent(order: Mapping[str, Any], wanted: Mapping[str, int]) -> bool:
    """Whether anything that needs shipping has left."""
    return any(
        isinstance(line.get("unfulfilledQuantity"), int) and line["unfulfilledQuantity"] < wanted[_id(line)]
        for line in nodes(order, "lineItems") if line.get("requiresShipping") is not False
    )  # fmt: skip


def _shipping_method(order: Mapping[str, Any], methods: set[str], shop: Shop) -> dict[str, str | None]:
    """The chosen rate. What is collected or brought by a store's own courier is tied to the location it comes from."""
    line: Mapping[str, Any] = next((each for each in nodes(order, "shippingLines") if each.get("isRemoved") is not True), {})
    code = text(line, "code")
    outlet = shop.outlet_by_shipping_method.get(code or "")
    if outlet is None and methods and methods <= {"PICK_UP", "LOCAL"}:
        places = {
            number_of(object_of(object_of(each, "assignedLocation"), "location").get("id"))
            for each in nodes(order, "fulfillmentOrders")
            if object_of(each, "deliveryMethod").get("methodType") in methods
        } - {""}
        outlet = shop.outlet_of(places.pop()) if len(places) == 1 else None
    return {"id": code or text(line, "title"), "name": text(line, "title"), "outlet": outlet}


def _payment(order: Mapping[str, Any]) -> dict[str, str | None]:
    """How the customer chose to pay, as people read it, and the gateway behind it; later payments change neither."""
    rows = objects(order, "transactions")
    names = order.get("paymentGatewayNames")
    chosen = next((name for name in names if isinstance(name, str)), None) if isinstance(names, list) else None
    gateway = chosen or text(rows[0] if rows else {}, "gateway")
    shown = next((text(row, "formattedGateway") for row in rows if text(row, "gateway") == gateway), None)
    return {"method": shown or gateway, "processor": gateway}


def _name(customer: Mapping[str, Any]) -> str | None:
    return " ".join(filter(None, (text(customer, "firstName"), text(customer, "lastName")))) or None


def _address(address: Mapping[str, Any]) -> dict[str, str | None]:
    lines = [text(address, key) for key in ("address1", "address2")]
    return {
        "name": text(address, "name"),
        "street": "\n".join(line for line in lines if line) or None,
        "city": text(address, "city"),
        "postcode": text(address, "zip"),
        "country": text(address, "countryCodeV2"),
        "region": text(address, "provinceCode"),
        "phone": text(address, "phone"),
    }


def _tracking(order: Mapping[str, Any]) -> list[dict[str, str | None]]:
    """The tracking numbers of everything sent, each once, in the order of the fulfilments."""
    found: dict[str, dict[str, str | None]] = {}
    for each in objects(order, "fulfillments"):
        for row in objects(each, "trackingInfo") if each.get("status") == "SUCCESS" else ():
            number = text(row, "number")
            if number:
                found.setdefault(number, {"number": number, "url": text(row, "url"), "carrier": text(row, "company")})
    return list(found.values())


def _tags(order: Mapping[str, Any], methods: set[str]) -> list[str]:
    """Words without a word of ours, so that a rule can still look at them."""
    found = []
    paid, sent = order.get("displayFinancialStatus"), order.get("displayFulfillmentStatus")
    if str(paid) in NOT_OUR_WORDS or payment_status(paid) == CUSTOM:
        found.append(f"financialStatus:{paid}")
    if str(sent) in ("SCHEDULED", "REQUEST_DECLINED") or shop_status({"displayFulfillmentStatus": sent}) == CUSTOM:
        found.append(f"fulfillmentStatus:{sent}")
    if len(methods) > 1 or methods & {"LOCAL", "PICKUP_POINT", "RETAIL"}:
        found += [f"deliveryMethod:{method}" for method in sorted(methods)]
    if order.get("test") is True:
        found.append("test")
    return found


# Articles


def variant_names(variant: Mapping[str, Any]) -> tuple[str, str, str]:
    """The sku of a variant (may be empty), its id as we bind it (`501/4401`), and its name."""
    product = object_of(variant, "product")
    external = f"{number_of(product.get('id'))}/{number_of(variant.get('id'))}"
    title, own = text(product, "title") or "", text(variant, "title")
    name = f"{title} ({own})" if own and own != "Default Title" and product.get("hasOnlyDefaultVariant") is not True else title
    return text(variant, "sku") or "", external, name


def variant_events(variant: Mapping[str, Any], quantity: int | None) -> Iterator[NewEvent]:
    """`product.changed` for a variant with a sku, and `stock.changed` when there is a number to tell."""
    sku, external_id, name = variant_names(variant)
    if not sku:
        return
    moment = moment_of(variant, "updatedAt")
    version = int(moment.timestamp())
    about = {"sku": sku, "name": name, "external_id": external_id}
    yield NewEvent(
        id=f"product:{external_id}:{version}:{fingerprint(about)}", type="product.changed", subject=f"product:{sku}",
        time=moment, data=about, sequence=version,
    )  # fmt: skip
    if quantity is not None:
        stock = {"sku": sku, "shop_quantity": quantity}
        yield NewEvent(
            id=f"stock:{external_id}:{version}:{fingerprint(stock)}", type="stock.changed", subject=f"product:{sku}",
            time=moment, data=stock, sequence=version,
        )  # fmt: skip
