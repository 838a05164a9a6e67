"""The till's words and ours, both ways, as tables; and the few shapes that are built from them.

Fulfilment states, types and sale states: vendor documentation, pages "Fulfillments" and "Sales states and attributes".
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from adapters.lightspeed_retail.pricing import PricedLine

FULFILMENT_STATUS = {
    "OPEN": "new",
    "STARTED": "in_progress",
    "PICKED": "in_progress",
    "PACKED": "packed",
    "FULFILLED": "completed",
}
FULFILMENT_TYPE = {"DISPATCH": "delivery", "PICKUP": "pickup"}
FULFILMENT_METHOD = {ours: theirs for theirs, ours in FULFILMENT_TYPE.items()}

SOURCE_TYPE = {
    "lightspeed_ecom": "ECWID",
    "shopify": "SHOPIFY",
    "bigcommerce": "BIGCOMMERCE",
    "woocommerce": "WOOCOMMERCE",
    "magento": "MAGENTO",
}
SHOP_TITLE = {
    "lightspeed_ecom": "Lightspeed eCom",
    "shopify": "Shopify",
    "bigcommerce": "BigCommerce",
    "woocommerce": "WooCommerce",
    "magento": "Magento",
}

MAX_ADDRESS_LINE = 50
MAX_CITY = 28
COUNTRIES_WITH_STATE_CODES = frozenset({"US", "CA"})

_NAMESPACE = uuid.UUID("5b0a5c6e-2a5f-5d0c-9a6b-7f1f1f0e7a11")


def sale_id(order_id: str) -> str:
    """The id our order's sale gets in the till: the same for every attempt, so that there is never a second sale."""
    return str(uuid.uuid5(_NAMESPACE, f"order:{order_id}"))


def payment_id(sale: str, reference: str) -> str:
    """The id a payment gets in the till, the same for every attempt to add it."""
    return str(uuid.uuid5(_NAMESPACE, f"payment:{sale}:{reference}"))


def amount(value: Any) -> Decimal:
    """A number of the till (a JSON number, or text in some of its answers) as an exact number of cents and more."""
    return Decimal(str(value if value not in (None, "") else 0))


def money(value: Any) -> str:
    """An amount as our events carry it: "50.00"."""
    return f"{amount(value):.2f}"


def count(value: Any) -> int:
    """A quantity or stock level as whole units, rounded down: half a unit cannot be sold."""
    return int(amount(value).to_integral_value(ROUND_FLOOR))


def moment(value: Any) -> datetime:
    """One of the till's timestamps (RFC 3339, or its older form without zone, which is UTC); now when unreadable."""
    try:
        parsed = datetime.fromisoformat(str(value).strip().replace(" ", "T"))
    except ValueError:
        return datetime.now(UTC)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def plain(value: Any) -> Any:
    """`value` ready for JSON: exact numbers become JSON numbers with the same digits (their shortest text is theirs)."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


# --- sales ----------------------------------------------------------------------------------------------------------


def total(sale: Mapping[str, Any]) -> Decimal:
    """The sale's total with tax."""
    return amount((sale.get("totals") or {}).get("price_incl_tax"))


def payments(sale: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The sale's payments that still stand."""
    return [payment for payment in sale.get("payments") or () if not payment.get("deleted_at")]


def outstanding(sale: Mapping[str, Any]) -> Decimal:
    """What remains to be paid: there is no payment status in the till, only the difference."""
    return total(sale) - sum((amount(payment.get("amount")) for payment in payments(sale)), Decimal(0))


def sale_note(order: Mapping[str, Any], customer: Mapping[str, Any], address: Mapping[str, Any], note: str) -> str:
    """The note staff read beside the sale: order, customer, address, remarks.

    Every line begins with a word of ours, so that nothing a customer typed can pass for a tracking line.
    """
    shop = SHOP_TITLE.get(str(order.get("shop_platform") or ""), "Online")
    name = " ".join(part for part in (customer_name(customer), customer.get("email"), customer.get("phone")) if part)
    where = ", ".join(part for part in (_one_line(address.get(key)) for key in _ADDRESS_KEYS) if part)
    said = [_one_line(row) for row in f"{note}\n{order.get('comment') or ''}".splitlines()]
    remarks = "; ".join(row for row in dict.fromkeys(said) if row and row != f"Order {order['number']}")
    rows = (("Order", f"{order['number']} ({shop})"), ("Customer", name), ("Address", where), ("Remarks", remarks))
    return "\n".join(f"{label}: {_one_line(text)}" for label, text in rows if text)


_ADDRESS_KEYS = ("name", "street", "postcode", "city", "region", "country", "phone")


def _one_line(text: Any) -> str:
    return " ".join(str(text or "").split())


def customer_name(customer: Mapping[str, Any]) -> str:
    """The customer's whole name, however the shop delivered it; empty when it did not."""
    parts = f"{customer.get('first_name') or ''} {customer.get('last_name') or ''}".strip()
    return parts or str(customer.get("name") or "").strip()


def new_customer(customer: Mapping[str, Any], code: str) -> dict[str, Any]:
    """A profile for a customer the till does not know. Without a name the e-mail address is the name (LS-28)."""
    first, last = str(customer.get("first_name") or "").strip(), str(customer.get("last_name") or "").strip()
    if not first and not last:
        first, _, last = str(customer.get("name") or "").strip().partition(" ")
    email = str(customer.get("email") or "").strip()
    profile = {
        "first_name": first or (None if last else email or None),
        "last_name": last.strip() or None,
        "email": email or None,
        "phone": customer.get("phone") or None,
        "customer_code": code,
    }
    return {key: value for key, value in profile.items() if value is not None or key in ("first_name", "last_name")}


def new_address(address: Mapping[str, Any]) -> dict[str, Any]:
    """A delivery address as the till takes it: two lines of 50 characters, a city of 28. The sale's note has it whole."""
    rows = [_one_line(row) for row in str(address.get("street") or "").splitlines()]
    lines = _wrap(" ".join(row for row in rows if row)) if any(len(row) > MAX_ADDRESS_LINE for row in rows) else rows
    first, second = lines[0] if lines else "", " ".join(lines[1:])[:MAX_ADDRESS_LINE]
    country = str(address.get("country") or "").strip().upper()
    region = _one_line(address.get("region"))
    result = {
        "type": "SHIPPING",
        "address_line_1": first[:MAX_ADDRESS_LINE],
        "address_line_2": second or None,
        "city": _one_line(address.get("city"))[:MAX_CITY],
        "postcode": _one_line(address.get("postcode")),
        "country_code": country,
    }
    if region:
        result["state_code" if country in COUNTRIES_WITH_STATE_CODES else "state"] = region
    return result


def _wrap(text: str) -> list[str]:
    """`text` broken between words where the first address line is full."""
    cut = text.rfind(" ", 0, MAX_ADDRESS_LINE + 1)
    cut = cut if cut > 0 else MAX_ADDRESS_LINE
    return [text[:cut].strip(), text[cut:].strip()]


def sale_lines(
    priced: Sequence[PricedLine], products: Mapping[str, str], taxes: Mapping[Decimal, str],
    outlets: Mapping[str, str], fulfilment_type: str,
) -> list[dict[str, Any]]:  # fmt: skip
    """The sale's lines in the till's words. `products` maps SKU, `taxes` rate, `outlets` our code to the till's ids.

    The line spells `fulfilment_outlet_id` with one l, the sale `fulfillment_outlet_id` with two; a key spelt wrongly
    is ignored and the sale's own outlet fulfils.
    """
    rows = []
    for line in priced:
        row: dict[str, Any] = {
            "product": {"id": products[line.sku]},
            "quantity": line.quantity,
            "pricing": {"price": plain(line.price)},
            "tax": {"id": taxes[line.rate], "amount": plain(line.tax)},
        }
        if line.outlet is not None:
            row["fulfilment_outlet_id"] = outlets[line.outlet]
            row["_metadata"] = {"fulfillment_method": FULFILMENT_METHOD[fulfilment_type]}
        rows.append(row)
    return rows


def main_outlet(priced: Sequence[PricedLine]) -> str:
    """The outlet that fulfils most units (the first of equals): it becomes the sale's own."""
    weight: dict[str, int] = {}
    for line in priced:
        if line.outlet is not None:
            weight[line.outlet] = weight.get(line.outlet, 0) + line.quantity
    return max(weight, key=lambda outlet: weight[outlet])


def whole_sale(sale: Mapping[str, Any], fulfilments: Iterable[Mapping[str, Any]], **changes: Any) -> dict[str, Any]:
    """The body of an update: everything the sale has, with `changes`. What an update leaves out may be deleted.

    The outlets that fulfil are not part of a sale that is read, so they come from its fulfilments.
    """
    fulfilments = list(fulfilments)
    source = sale.get("source") or {}
    body: dict[str, Any] = {
        key: sale[key]
        for key in ("state", "attributes", "customer_id", "date", "note", "short_code", "invoice_number")
        if sale.get(key) not in (None, "")
    }
    body["source"] = _without_none(
        author_id=(source.get("author") or {}).get("id"), register_id=source.get("register_id"),
        id=source.get("id"), type=source.get("type"),
    )  # fmt: skip
    outlet_of = {line["sale_line_item_id"]: f["outlet_id"] for f in fulfilments for line in f.get("line_items") or ()}
    body["line_items"] = [_line_request(line, outlet_of) for line in sale.get("line_items") or ()]
    body["payments"] = [_payment_request(payment) for payment in payments(sale)]
    if sale.get("adjustments"):
        body["pricing"] = {"adjustments": [_adjustment_request(row) for row in sale["adjustments"]]}
    if fulfilments:
        body["fulfillment_outlet_id"] = max(fulfilments, key=lambda f: len(f.get("line_items") or ()))["outlet_id"]
        body["fulfillment_details"] = [_details_request(fulfilments[0])]
    return dict(plain({**body, **changes}))


def _line_request(line: Mapping[str, Any], outlet_of: Mapping[str, str]) -> dict[str, Any]:
    pricing, tax = line.get("pricing") or {}, line.get("tax") or {}
    return _without_none(
        id=line.get("id"),
        product={"id": line["product"]["id"]},
        quantity=line["quantity"],
        pricing=_without_none(price=pricing.get("price"), cost=pricing.get("cost"), discount=pricing.get("discount"),
                              loyalty_amount=pricing.get("loyalty_amount")),
        tax={"id": tax.get("id"), "amount": tax.get("amount")},
        status=line.get("status"),
        attributes=[{"name": "line_note", "value": line["note"]}] if line.get("note") else None,
        fulfilment_outlet_id=outlet_of.get(str(line.get("id"))),
    )  # fmt: skip


def _payment_request(payment: Mapping[str, Any]) -> dict[str, Any]:
    register = (payment.get("source") or {}).get("register_id")
    return _without_none(
        id=payment.get("id"), amount=payment.get("amount"), date=payment.get("date"),
        type={"config_id": (payment.get("type") or {}).get("config_id")},
        source={"register_id": register} if register else None,
    )  # fmt: skip


def _adjustment_request(adjustment: Mapping[str, Any]) -> dict[str, Any]:
    """A discount, fee or tip that staff gave on the whole sale: read as a total, written as a fixed amount."""
    value = {"type": "FIXED", "value": str(abs(amount(adjustment.get("total"))))}
    return {"type": adjustment.get("adjustment_type"), "name": str(adjustment.get("name") or ""), "amount": value}


def _details_request(fulfilment: Mapping[str, Any]) -> dict[str, Any]:
    return _without_none(
        type=fulfilment.get("type"), shipping_address_id=fulfilment.get("shipping_address_id"),
        note=fulfilment.get("note") or None,
    )  # fmt: skip


def _without_none(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
