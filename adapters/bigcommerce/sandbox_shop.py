"""What customers and staff do in the sandbox's shop: order, pay, ship, collect, refund, edit, cancel, archive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from adapters.bigcommerce import sandbox_payments as payments
from adapters.bigcommerce import sandbox_stock as stock
from adapters.bigcommerce.progress import (
    AWAITING_FULFILMENT,
    AWAITING_PAYMENT,
    CANCELLED,
    COMPLETED,
    SHIPPED,
    UNFINISHED,
)
from adapters.bigcommerce.sandbox_core import Shop, ShopError, cents, money, rfc2822
from adapters.bigcommerce.sandbox_orders import add_up, new_line, new_order, price_line

PAYMENTS: Mapping[str, tuple[str, str, str, int]] = {
    "online": ("Paid online", "Credit Card", "captured", AWAITING_FULFILMENT),
    "authorised": ("Authorised, not captured yet", "Credit Card", "authorized", AWAITING_FULFILMENT),
    "bank": ("Bank deposit, to be checked by hand", "Bank Deposit", "", AWAITING_PAYMENT),
    "cod": ("Cash on delivery", "Cash on Delivery", "", AWAITING_FULFILMENT),
    "cart": ("Leave the checkout: an incomplete order", "", "", 0),
}
"""How an order can be placed: label, payment method as shown, payment status, order status."""

__all__ = ["PAYMENTS", "Basket", "Shop", "ShopError"]


@dataclass(frozen=True, slots=True)
class Basket:
    """What a customer wants: (variant id, quantity) for each line, and how it gets to them.

    `method` is the id of a shipping method or, as `pickup:3`, of a pickup method.
    """

    lines: Sequence[tuple[int, int]]
    method: str
    payment: str
    customer: Mapping[str, str]
    comment: str = ""
    discount: Decimal = Decimal(0)


def place(shop: Shop, basket: Basket) -> dict[str, Any]:
    """A customer goes through the checkout: the order is made incomplete, and moves on when it is placed."""
    if basket.payment not in PAYMENTS:
        raise ShopError("Choose how the order is paid.")
    if not basket.lines:
        raise ShopError("Choose at least one product.")
    with shop.change():
        order = _checkout(shop, basket)
        shop.save(order, created=True)
        _, method, payment, status = PAYMENTS[basket.payment]
        if status:
            order |= {"payment_method": method, "payment_status": payment}
            if Decimal(order["total_inc_tax"]) == 0:
                order |= {"payment_method": "", "payment_status": ""}
                status = AWAITING_FULFILMENT
            _take_stock(shop, order)
            shop.set_status(order, status)
            shop.save(order)
            shop.state.count("orders_placed")
            _first_transaction(shop, order)
    return shop.order(order["id"])


def _first_transaction(shop: Shop, order: dict[str, Any]) -> None:
    event = {"captured": "purchase", "authorized": "authorization"}.get(order["payment_status"], "pending")
    if order["payment_method"]:
        document = payments.transact(shop, order, event, cents(order["total_inc_tax"]))
        if event != "pending":
            order["payment_provider_id"] = document["gateway_transaction_id"]
            shop.save(order)


def _checkout(shop: Shop, basket: Basket) -> dict[str, Any]:
    person = _person(basket.customer)
    order = new_order(shop, {
        "billing_address": {**person, "form_fields": []}, "customer_id": _customer(shop, person), "customer_message": basket.comment.strip(),
        "discount_amount": money(max(Decimal(0), basket.discount)),
    })  # fmt: skip
    where = _destination(shop, order, basket.method, person)
    for variant_id, quantity in basket.lines:
        product, variant = product_of(shop, variant_id)
        if quantity < 1:
            raise ShopError(f"Order at least one of {product['name']}.")
        goes = where if product["_kind"] == "physical" else {}
        line = new_line(shop, order["id"], product, variant, quantity, **goes)
        order["_lines"].append(line)
        for sku, units in product["_parts"].items():
            part, part_variant = product_by_sku(shop, sku)
            order["_lines"].append(
                new_line(shop, order["id"], part, part_variant, units * quantity, parent=line["id"], **goes)
            )
    order["order_is_digital"] = not any(line["type"] == "physical" for line in order["_lines"])
    return add_up(order)


def _destination(shop: Shop, order: dict[str, Any], method: str, person: Mapping[str, str]) -> dict[str, int]:
    """Where physical lines go: an address to send to, or a pickup at a location."""
    kind, _, number = method.rpartition(":")
    if kind == "pickup":
        found = shop.state.get("pickup_method", number)
        if found is None:
            raise ShopError("Choose a place to pick up.")
        place = shop.state.get("location", found["location_id"]) or {}
        consignment = {
            "id": shop.state.next("consignment", 81), "pickup_method_id": found["id"],
            "pickup_method_display_name": found["display_name"], "collection_instructions": found["collection_instructions"],
            "collection_time_description": found["collection_time_description"], "location": _pickup_place(place),
        }  # fmt: skip
        order["_pickups"].append(consignment)
        return {"pickup": consignment["id"]}
    option = shop.state.get("shipping_method", number)
    if option is None:
        raise ShopError("Choose a shipping method.")
    address = {"id": shop.state.next("address", 51), **person, "shipping_method": option["name"]}
    order["_addresses"].append(address)
    order |= {"shipping_address_count": 1, "_shipping": str(option["price"])}
    return {"address": address["id"]}


def _pickup_place(place: Mapping[str, Any]) -> dict[str, Any]:
    address = place.get("address", {})
    return {
        "id": place.get("id", 0), "name": place.get("label", ""), "code": place.get("code", ""),
        "address_line_1": address.get("address1", ""), "address_line_2": address.get("address2", ""),
        "city": address.get("city", ""), "state": address.get("state", ""), "postal_code": address.get("zip", ""),
        "country_alpha2": address.get("country_code", ""), "email": address.get("email", ""), "phone": address.get("phone", ""),
    }  # fmt: skip


def product_of(shop: Shop, variant_id: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Product and variant. Raises ShopError (404)."""
    for product in shop.state.all("product"):
        for variant in product["variants"]:
            if variant["id"] == variant_id:
                return product, variant
    raise ShopError(f"There is no product variant {variant_id}.", 404)


def product_by_sku(shop: Shop, sku: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Product and variant with this sku. Raises ShopError (404)."""
    for product in shop.state.all("product"):
        for variant in product["variants"]:
            if variant["sku"] == sku:
                return product, variant
    raise ShopError(f"There is no product with sku {sku}.", 404)


def save_product(shop: Shop, product: dict[str, Any]) -> None:
    """Write a changed product and tell of it."""
    with shop.change():
        shop.state.put("product", product["id"], product | {"date_modified": shop.iso()})
        shop.event("store/product/updated", {"type": "product", "id": product["id"]})


def pay(shop: Shop, order_id: object) -> None:
    """An order that waited for its payment is paid; an authorisation is captured."""
    order = shop.order(order_id)
    if order["payment_status"] == "authorized":
        payments.capture(shop, order_id)
        return
    if order["status_id"] != AWAITING_PAYMENT:
        raise ShopError("This order does not wait for a payment.")
    with shop.change():
        shop.set_status(order, AWAITING_FULFILMENT)
        shop.save(order)
        payments.transact(shop, order, "settled", cents(order["total_inc_tax"]))


def change_status(shop: Shop, order_id: object, status: int) -> dict[str, Any]:
    """Staff or the API choose a status. Leaving the checkout takes the goods out of stock."""
    with shop.change():
        order = shop.order(order_id)
        if order["status_id"] in UNFINISHED and status not in UNFINISHED:
            _take_stock(shop, order)
        shop.set_status(order, status)
        if status in (SHIPPED, COMPLETED) and not order["date_shipped"]:
            order["date_shipped"] = rfc2822(shop.state.now())
        return shop.save(order)


def cancel(shop: Shop, order_id: object) -> None:
    """Staff cancel an order: the status and nothing else, no money and no stock moves."""
    change_status(shop, order_id, CANCELLED)


def note(shop: Shop, order_id: object, text: str) -> None:
    """Staff write a note only they see."""
    with shop.change():
        order = shop.order(order_id)
        order["staff_notes"] = text
        shop.save(order)


def edit(shop: Shop, order_id: object, line_id: int, quantity: int) -> None:
    """Staff change how many units of a line are wanted; 0 removes it. Discounts on the line are gone, as over there."""
    with shop.change():
        order = shop.order(order_id)
        lines = []
        for line in order["_lines"]:
            if line["id"] != line_id and line["parent_order_product_id"] != line_id:
                lines.append(line)
                continue
            wanted = (
                quantity if line["id"] == line_id else line["quantity"] * quantity // max(1, _quantity(order, line_id))
            )
            if wanted < line["quantity_shipped"]:
                raise ShopError("More units were shipped already.")
            if wanted:
                lines.append(
                    price_line(line | {"quantity": wanted, "applied_discounts": []}, Decimal(line["price_inc_tax"]))
                )
        if len(lines) == len(order["_lines"]) and not any(line["id"] == line_id for line in lines):
            raise ShopError(f"Order item {line_id} was not found.", 404)
        order["_lines"] = lines
        shop.save(add_up(order))


def _quantity(order: Mapping[str, Any], line_id: int) -> int:
    return next((int(line["quantity"]) for line in order["_lines"] if line["id"] == line_id), 0)


def archive(shop: Shop, order_id: object) -> None:
    """Staff archive an order: it stays readable, marked as deleted."""
    with shop.change():
        order = shop.order(order_id)
        order["is_deleted"] = True
        shop.save(order)
        shop.event("store/order/archived", {"type": "order", "id": order["id"]})


def _take_stock(shop: Shop, order: Mapping[str, Any]) -> None:
    """An order takes its goods: a pickup at its location, a delivery from the default one first."""
    parents = {line["parent_order_product_id"] for line in order["_lines"]}
    places = {each["id"]: each["location"]["id"] for each in order["_pickups"]}
    for line in order["_lines"]:
        product = shop.state.get("product", line["_product"])
        if product is not None and line["id"] not in parents:
            stock.take(shop, product, line["_variant"], line["quantity"], places.get(line["order_pickup_method_id"]))


def _person(customer: Mapping[str, str]) -> dict[str, str]:
    first, _, last = customer.get("name", "").strip().partition(" ")
    given = {
        "first_name": first, "last_name": last.strip(), "company": "", "street_1": customer.get("street", ""), "street_2": "",
        "city": customer.get("city", ""), "state": customer.get("city", ""), "zip": customer.get("postcode", ""),
        "country": {"NL": "Netherlands", "BE": "Belgium", "SE": "Sweden"}.get(customer.get("country", ""), customer.get("country", "")),
        "country_iso2": customer.get("country", ""), "phone": customer.get("phone", ""), "email": customer.get("email", ""),
    }  # fmt: skip
    return {name: value.strip() for name, value in given.items()}


def _customer(shop: Shop, person: Mapping[str, str]) -> int:
    """The id of the customer with this e-mail address, made when new; 0 for a guest without one."""
    email = person["email"]
    if not email:
        return 0
    known = shop.state.get("customer", email.lower())
    if known is None:
        known = {
            "id": shop.state.next("customer", 11), "email": email, "first_name": person["first_name"],
            "last_name": person["last_name"], "company": "", "phone": person["phone"], "customer_group_id": 0,
            "date_created": shop.iso(), "date_modified": shop.iso(),
        }  # fmt: skip
        shop.state.put("customer", email.lower(), known)
        shop.event("store/customer/created", {"type": "customer", "id": known["id"]})
    return int(known["id"])
