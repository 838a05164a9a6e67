"""Orders in the sandbox as documents: lines, totals, and the shapes that V2 gives them in."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from adapters.bigcommerce.sandbox_core import Shop, cents, money, public, rfc2822, without_tax

SHIPPING_TAX = 21


def new_line(
    shop: Shop, order_id: int, product: Mapping[str, Any], variant: Mapping[str, Any], quantity: int, *,
    address: int = 0, pickup: int = 0, parent: int | None = None,
) -> dict[str, Any]:  # fmt: skip
    """A line of an order. A part of a bundle (`parent`) is priced by its parent."""
    gift = product["_kind"] == "giftcertificate"
    line = {
        "id": shop.state.next("line", 6001), "order_id": order_id, "product_id": 0 if gift else product["id"],
        "variant_id": 0 if gift else variant["id"], "order_pickup_method_id": pickup, "order_address_id": address,
        "name": product["name"], "name_customer": product["name"], "name_merchant": product["name"], "sku": variant["sku"],
        "upc": "", "type": product["_kind"], "quantity": quantity, "quantity_shipped": 0, "quantity_refunded": 0,
        "is_refunded": False, "refund_amount": "0.0000", "return_id": 0, "parent_order_product_id": parent,
        "is_bundled_product": parent is not None, "applied_discounts": [], "configurable_fields": [],
        "gift_certificate_id": None, "brand": "", "bin_picking_number": "", "external_id": None, "option_set_id": None,
        "wrapping_id": 0, "wrapping_name": None, "wrapping_message": "", "base_wrapping_cost": "0.0000",
        "wrapping_cost_ex_tax": "0.0000", "wrapping_cost_inc_tax": "0.0000", "wrapping_cost_tax": "0.0000",
        "event_name": None, "event_date": None, "fixed_shipping_cost": "0.0000", "ebay_item_id": "", "ebay_transaction_id": "",
        "weight": "0.0000", "width": "0.0000", "height": "0.0000", "depth": "0.0000",
        "product_options": [
            {
                "id": number, "option_id": number, "order_product_id": 0, "product_option_id": number,
                "display_name": option["option_display_name"], "display_value": option["label"], "value": str(option["id"]),
                "type": "Multiple choice", "name": option["option_display_name"], "display_style": "Rectangle",
                "display_name_customer": option["option_display_name"], "display_name_merchant": option["option_display_name"],
                "display_value_customer": option["label"], "display_value_merchant": option["label"],
            }
            for number, option in enumerate(variant.get("option_values", ()), 1)
        ],
        "_rate": str(product["_tax_rate"]), "_product": product["id"], "_variant": variant["id"],
    }  # fmt: skip
    return price_line(
        line, Decimal(0) if parent is not None else Decimal(str(variant.get("price") or product["price"]))
    )


def price_line(line: dict[str, Any], price: Decimal) -> dict[str, Any]:
    """The line with everything that follows from a unit's price (tax included) and its quantity."""
    untaxed, whole = without_tax(price, line["_rate"]), price * line["quantity"]
    whole_untaxed = without_tax(whole, line["_rate"])
    costs = dict.fromkeys(("base_cost_price", "cost_price_inc_tax", "cost_price_ex_tax", "cost_price_tax"), "0.0000")
    return line | costs | {
        "base_price": money(price), "price_inc_tax": money(price), "price_ex_tax": money(untaxed), "price_tax": money(price - untaxed),
        "base_total": money(whole), "total_inc_tax": money(whole), "total_ex_tax": money(whole_untaxed),
        "total_tax": money(whole - whole_untaxed), "discounted_total_inc_tax": money(whole),
    }  # fmt: skip


def add_up(order: dict[str, Any]) -> dict[str, Any]:
    """Bring the totals of an order in line with its lines. The total is rounded to the cent, its parts are not."""
    goods = sum((Decimal(line["total_inc_tax"]) for line in order["_lines"]), Decimal(0))
    untaxed = sum((Decimal(line["total_ex_tax"]) for line in order["_lines"]), Decimal(0))
    shipping, fees = (
        Decimal(order["_shipping"]),
        sum((Decimal(fee["cost_inc_tax"]) for fee in order["_fees"]), Decimal(0)),
    )
    shipping_untaxed = without_tax(shipping, SHIPPING_TAX)
    off = Decimal(order["discount_amount"]) + Decimal(order["coupon_discount"])
    total = max(Decimal(0), cents(goods + shipping + fees - off))
    total_untaxed = max(Decimal(0), untaxed + shipping_untaxed + fees - off)
    return order | {
        "subtotal_inc_tax": money(goods), "subtotal_ex_tax": money(untaxed), "subtotal_tax": money(goods - untaxed),
        "base_shipping_cost": money(shipping), "shipping_cost_inc_tax": money(shipping),
        "shipping_cost_ex_tax": money(shipping_untaxed), "shipping_cost_tax": money(shipping - shipping_untaxed),
        "total_inc_tax": money(total), "total_ex_tax": money(total_untaxed), "total_tax": money(max(Decimal(0), total - total_untaxed)),
    }  # fmt: skip


def new_order(shop: Shop, fields: Mapping[str, Any]) -> dict[str, Any]:
    """An order without lines, at status 0."""
    number, now = shop.state.next("order", 118), int(shop.state.now())
    zero = dict.fromkeys((
        "base_handling_cost", "handling_cost_ex_tax", "handling_cost_inc_tax", "handling_cost_tax", "base_wrapping_cost",
        "wrapping_cost_ex_tax", "wrapping_cost_inc_tax", "wrapping_cost_tax", "discount_amount", "coupon_discount",
        "store_credit_amount", "gift_certificate_amount", "refunded_amount",
    ), "0.0000")  # fmt: skip
    currency = str(shop.state.setting("currency", "EUR"))
    return {
        "id": number, "customer_id": 0, "status_id": 0, "status": "Incomplete", "payment_status": "", "payment_method": "",
        "payment_provider_id": "", "date_created": rfc2822(now), "date_modified": rfc2822(now), "date_shipped": "",
        "cart_id": f"a8458391-ef68-4fe5-9ec1-{number:012d}", "currency_id": 1, "currency_code": currency,
        "currency_exchange_rate": "1.0000000000", "default_currency_id": 1, "default_currency_code": currency,
        "store_default_currency_code": currency, "store_default_to_transactional_exchange_rate": "1.0000000000",
        "is_tax_inclusive_pricing": True, "is_email_opt_in": False, "order_is_digital": False, "is_deleted": False,
        "order_source": "www", "channel_id": 1, "staff_notes": "", "customer_message": "", "external_source": None,
        "external_id": None, "external_merchant_id": None, "external_order_id": "", "ebay_order_id": "0",
        "geoip_country": "Netherlands", "geoip_country_iso2": "NL", "ip_address": "", "ip_address_v6": "",
        "customer_locale": "en", "credit_card_type": None, "shipping_address_count": 0, "shipping_cost_tax_class_id": 2,
        "handling_cost_tax_class_id": 2, "wrapping_cost_tax_class_id": 3, "custom_status": "", **zero,
        "_created": now, "_modified": now, "_lines": [], "_addresses": [], "_pickups": [], "_fees": [], "_shipping": "0", **fields,
    }  # fmt: skip


def document(shop: Shop, order: Mapping[str, Any], include: str = "", structure: str = "") -> dict[str, Any]:
    """An order as V2 gives it, with its lines inside when asked for."""
    wanted = set(include.split(",")) if include else set()
    path = f"/orders/{order['id']}"
    found = public(order) | {"items_shipped": order["items_shipped"]}
    for name, tail in (("products", "products"), ("shipping_addresses", "shippingaddresses"), ("coupons", "coupons")):
        found[name] = link(shop, f"{path}/{tail}")
    found["consignments"], found["fees"] = link(shop, f"{path}/consignments"), link(shop, f"{path}/fees")
    if wanted & {"consignments", "consignments.line_items"} and structure == "object":
        found["consignments"] = consignments(shop, order, with_lines="consignments.line_items" in wanted)
    if "fees" in wanted:
        found["fees"] = order["_fees"]
    return found


def link(shop: Shop, resource: str) -> dict[str, str]:
    """A sub-resource as V2 points to it."""
    return {"url": f"https://api.bigcommerce.com/stores/{shop.store_hash}/v2{resource}", "resource": resource}


def consignments(shop: Shop, order: Mapping[str, Any], *, with_lines: bool) -> dict[str, Any]:
    """What goes where."""

    def lines(chosen: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if with_lines:
            return [public(line) for line in chosen]
        return [link(shop, f"/orders/{order['id']}/products/{line['id']}") for line in chosen]

    by_mail = [line for line in order["_lines"] if line["type"] == "giftcertificate"]
    downloads = [line for line in order["_lines"] if line["type"] == "digital"]
    email = order["billing_address"].get("email", "")
    return {
        "pickups": [
            public(each) | {"line_items": lines([line for line in order["_lines"] if line["order_pickup_method_id"] == each["id"]])}
            for each in order["_pickups"]
        ],
        "shipping": [
            _shipping_consignment(shop, order, each, lines([line for line in order["_lines"] if line["order_address_id"] == each["id"]]))
            for each in order["_addresses"]
        ],
        "downloads": [{"recipient_email": email, "line_items": lines(downloads)}] if downloads else [],
        "email": {"gift_certificates": [{"recipient_email": email, "line_items": lines(by_mail)}] if by_mail else []},
    }  # fmt: skip


_COSTS = (
    "base_cost", "cost_ex_tax", "cost_inc_tax", "cost_tax", "base_handling_cost", "handling_cost_ex_tax", "handling_cost_inc_tax",
    "handling_cost_tax",
)  # fmt: skip


def _shipping_consignment(
    shop: Shop, order: Mapping[str, Any], address: Mapping[str, Any], lines: list[dict[str, Any]]
) -> dict[str, Any]:
    """Amounts are numbers here, texts in the address of its own."""
    found = {name: value for name, value in address_document(shop, order, address).items() if name != "order_id"}
    quotes = link(shop, f"/orders/{order['id']}/consignments/shipping/{address['id']}/shipping_quotes")
    return found | {name: float(found[name]) for name in _COSTS} | {"line_items": lines, "shipping_quotes": quotes}


def address_document(shop: Shop, order: Mapping[str, Any], address: Mapping[str, Any]) -> dict[str, Any]:
    """A shipping address as `GET /orders/{id}/shipping_addresses` gives it."""
    lines = [line for line in order["_lines"] if line["order_address_id"] == address["id"]]
    untaxed = without_tax(Decimal(order["_shipping"]), SHIPPING_TAX)
    return {
        **address, "order_id": order["id"], "items_total": sum(line["quantity"] for line in lines),
        "items_shipped": sum(line["quantity_shipped"] for line in lines), "base_cost": money(order["_shipping"]),
        "cost_ex_tax": money(untaxed), "cost_inc_tax": money(order["_shipping"]), "cost_tax": money(Decimal(order["_shipping"]) - untaxed),
        "cost_tax_class_id": 2, "base_handling_cost": "0.0000", "handling_cost_ex_tax": "0.0000",
        "handling_cost_inc_tax": "0.0000", "handling_cost_tax": "0.0000", "handling_cost_tax_class_id": 2,
        "shipping_zone_id": 1, "shipping_zone_name": "Netherlands", "form_fields": [],
        "shipping_quotes": link(shop, f"/orders/{order['id']}/shippingaddresses/{address['id']}/shippingquotes"),
    }  # fmt: skip


def taxes(order: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Taxes of an order, one row for each line."""
    return [
        {
            "id": number, "order_id": order["id"], "order_address_id": line["order_address_id"], "tax_rate_id": 1,
            "tax_class_id": 0, "name": "BTW", "class": "Default Tax Class", "rate": money(line["_rate"]), "priority": 1,
            "priority_amount": line["total_tax"], "line_amount": line["total_tax"], "order_product_id": str(line["id"]),
            "order_pickup_method_id": line["order_pickup_method_id"], "line_item_type": "item",
        }
        for number, line in enumerate(order["_lines"], 1)
    ]  # fmt: skip
