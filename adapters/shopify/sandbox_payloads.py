"""Webhook bodies: the REST shape of orders, fulfilments, refunds, transactions and products.

Keys as the vendor's examples have them; what the sandbox does not know is null or empty, as it is in small shops.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from adapters.shopify import sandbox_money as money
from adapters.shopify.sandbox_book import current, fulfilled, gid, moment, unfulfilled

COUNTRIES = {
    "AT": "Austria", "BE": "Belgium", "CA": "Canada", "CH": "Switzerland", "CZ": "Czechia", "DE": "Germany", "DK": "Denmark",
    "ES": "Spain", "FI": "Finland", "FR": "France", "GB": "United Kingdom", "IE": "Ireland", "IT": "Italy",
    "LU": "Luxembourg", "NL": "Netherlands", "NO": "Norway", "PL": "Poland", "PT": "Portugal", "SE": "Sweden",
    "US": "United States",
}  # fmt: skip


def text(amount: Decimal | int) -> str:
    return f"{Decimal(amount):.2f}"


def bag(amount: Decimal | int, currency: str) -> dict[str, Any]:
    """An amount in the shop's and the customer's currency, which are the same here."""
    one = {"amount": text(amount), "currency_code": currency}
    return {"shop_money": one, "presentment_money": dict(one)}


def order_payload(book: Any, order: Mapping[str, Any]) -> dict[str, Any]:
    """An order, the same for every topic about orders."""
    currency = order["currency"]
    total, now = money.total(order, now=False), money.total(order, now=True)
    shipping = sum((Decimal(each["price"]) for each in order["shipping"]), Decimal(0))
    discount = sum((Decimal(line["discount"]) for line in order["lines"]), Decimal(0))
    goods = sum((money.cents(Decimal(line["price"]) * line["quantity"]) for line in order["lines"]), Decimal(0))
    now_discount = sum((money.line_discount(line, current(order, line)) for line in order["lines"]), Decimal(0))
    now_goods = sum((money.line_net(line, current(order, line)) for line in order["lines"]), Decimal(0))
    word = {"FULFILLED": "fulfilled", "PARTIALLY_FULFILLED": "partial"}.get(money.fulfilment_status(order))
    return {
        "id": order["id"], "admin_graphql_api_id": gid("Order", order["id"]), "app_id": 580111, "browser_ip": None,
        "buyer_accepts_marketing": False, "cancel_reason": order["cancel_reason"] and order["cancel_reason"].lower(),
        "cancelled_at": moment(order["cancelled"]), "cart_token": None, "checkout_token": None, "client_details": None,
        "closed_at": moment(order["closed"]), "confirmation_number": f"C{order['number']}", "confirmed": True,
        "contact_email": order["email"], "created_at": moment(order["created"]), "currency": currency,
        "current_shipping_price_set": bag(shipping - money.shipping_refunded(order), currency),
        "current_subtotal_price": text(now_goods), "current_subtotal_price_set": bag(now_goods, currency),
        "current_total_additional_fees_set": None, "current_total_discounts": text(now_discount),
        "current_total_discounts_set": bag(now_discount, currency), "current_total_duties_set": None,
        "current_total_price": text(now), "current_total_price_set": bag(now, currency),
        "current_total_tax": text(money.tax(order, now=True)),
        "current_total_tax_set": bag(money.tax(order, now=True), currency), "customer_locale": "nl-NL", "device_id": None,
        "discount_codes": [], "duties_included": False, "email": order["email"] or "", "estimated_taxes": False,
        "financial_status": money.financial_status(order).lower(), "fulfillment_status": word, "landing_site": None,
        "landing_site_ref": None, "line_item_groups": [], "location_id": None, "merchant_business_entity_id": "MTU0ODM4MDAwOQ",
        "merchant_of_record_app_id": None, "name": order["name"], "note": order["note"], "note_attributes": [],
        "number": order["number"] - 1000, "order_number": order["number"],
        "order_status_url": f"https://{book.domain}/orders/{order['id']}", "original_total_additional_fees_set": None,
        "original_total_duties_set": None, "payment_gateway_names": order["gateways"], "phone": order["phone"],
        "po_number": None, "presentment_currency": order["presentment"], "processed_at": moment(order["created"]), "reference": None,
        "referring_site": None, "source_identifier": None, "source_name": "web", "source_url": None,
        "subtotal_price": text(goods - discount), "subtotal_price_set": bag(goods - discount, currency),
        "tags": ", ".join(order["tags"]), "tax_exempt": False,
        "tax_lines": [_tax(money.tax(order, now=False), Decimal(21), currency)], "taxes_included": order["taxes_included"],
        "test": False, "token": f"{order['id']:032x}", "total_cash_rounding_payment_adjustment_set": bag(0, currency),
        "total_cash_rounding_refund_adjustment_set": bag(0, currency), "total_discounts": text(discount),
        "total_discounts_set": bag(discount, currency), "total_line_items_price": text(goods),
        "total_line_items_price_set": bag(goods, currency), "total_outstanding": text(money.outstanding(order)),
        "total_price": text(total), "total_price_set": bag(total, currency),
        "total_shipping_price_set": bag(shipping, currency), "total_tax": text(money.tax(order, now=False)),
        "total_tax_set": bag(money.tax(order, now=False), currency), "total_tip_received": text(order["tip"]),
        "total_weight": 0, "updated_at": moment(order["updated"]), "user_id": None,
        "billing_address": address_payload(order["billing_address"]), "customer": _customer(book, order),
        "discount_applications": _discounts(discount), "fulfillments": [
            fulfilment_payload(book, order, each) for each in order["fulfilments"]
        ],
        "line_items": [line_payload(order, line, line["quantity"]) for line in order["lines"]], "payment_terms": None,
        "refunds": [refund_payload(order, each) for each in order["refunds"]], "returns": [],
        "shipping_address": address_payload(order["shipping_address"]),
        "shipping_lines": [_shipping(order, each) for each in order["shipping"]],
    }  # fmt: skip


def line_payload(order: Mapping[str, Any], line: Mapping[str, Any], quantity: int) -> dict[str, Any]:
    currency = order["currency"]
    sent, left = fulfilled(order, line["id"]), unfulfilled(order, line)
    discounts = [] if not line["discount"] else [
        {"amount": text(line["discount"]), "amount_set": bag(line["discount"], currency), "discount_application_index": 0}
    ]  # fmt: skip
    return {
        "id": line["id"], "admin_graphql_api_id": gid("LineItem", line["id"]), "attributed_staffs": [],
        "current_quantity": current(order, line), "fulfillable_quantity": left, "fulfillment_service": "manual",
        "fulfillment_status": None if not sent else "partial" if left else "fulfilled", "gift_card": line["gift_card"],
        "grams": 0, "name": line["title"], "price": text(line["price"]), "price_set": bag(line["price"], currency),
        "product_exists": True, "product_id": line["product"], "properties": [], "quantity": quantity,
        "requires_shipping": line["requires_shipping"],
        "sales_line_item_group_id": line["group"]["id"] if line["group"] else None, "sku": line["sku"], "taxable": True,
        "title": line["title"], "total_discount": "0.00", "total_discount_set": bag(0, currency),
        "variant_id": line["variant"], "variant_inventory_management": "shopify", "variant_title": line["variant_title"],
        "vendor": "Sandbox", "tax_lines": [
            _tax(money.line_tax(order, line, line["quantity"]), Decimal(line["tax_rate"]), currency)
        ],
        "duties": [], "discount_allocations": discounts,
    }  # fmt: skip


def fulfilment_payload(book: Any, order: Mapping[str, Any], fulfilment: Mapping[str, Any]) -> dict[str, Any]:
    """A fulfilment, alone or inside an order."""
    lines = {line["id"]: line for line in order["lines"]}
    numbers = [row["number"] for row in fulfilment["tracking"] if row["number"]]
    urls = [row["url"] for row in fulfilment["tracking"] if row["url"]]
    company = next((row["company"] for row in fulfilment["tracking"] if row["company"]), None)
    return {
        "id": fulfilment["id"], "admin_graphql_api_id": gid("Fulfillment", fulfilment["id"]),
        "created_at": moment(fulfilment["created"]), "updated_at": moment(fulfilment["updated"]),
        "location_id": fulfilment["location"], "name": fulfilment["name"], "order_id": order["id"], "origin_address": {},
        "receipt": {}, "service": "manual", "shipment_status": fulfilment["event"] and fulfilment["event"].lower(),
        "status": fulfilment["status"].lower(), "tracking_company": company,
        "tracking_number": numbers[0] if numbers else None, "tracking_numbers": numbers,
        "tracking_url": urls[0] if urls else None, "tracking_urls": urls, "email": order["email"],
        "destination": address_payload(order["shipping_address"]),
        "line_items": [line_payload(order, lines[row["line"]], row["quantity"]) for row in fulfilment["lines"]],
    }  # fmt: skip


def refund_payload(order: Mapping[str, Any], refund: Mapping[str, Any]) -> dict[str, Any]:
    lines = {line["id"]: line for line in order["lines"]}
    currency = order["currency"]
    rows = [
        {
            "id": row["id"], "line_item": line_payload(order, lines[row["line"]], lines[row["line"]]["quantity"]),
            "line_item_id": row["line"], "location_id": row["location"], "quantity": row["quantity"],
            "restock_type": row["restock"].lower(), "subtotal": float(row["subtotal"]),
            "subtotal_set": bag(row["subtotal"], currency), "total_tax": float(row["tax"]),
            "total_tax_set": bag(row["tax"], currency),
        }
        for row in refund["lines"]
    ]  # fmt: skip
    paid = [transaction_payload(order, each) for each in order["transactions"] if each["id"] in refund["transactions"]]
    return {
        "id": refund["id"], "admin_graphql_api_id": gid("Refund", refund["id"]), "created_at": moment(refund["created"]),
        "note": refund["note"], "order_id": order["id"], "processed_at": moment(refund["created"]),
        "restock": any(row["restock"] in ("CANCEL", "RETURN") for row in refund["lines"]),
        "total_duties_set": bag(0, currency), "user_id": None, "order_adjustments": [], "transactions": paid,
        "refund_line_items": rows, "refund_shipping_lines": [], "duties": [], "return": None, "additional_fees": [],
        "total_additional_fees_set": bag(0, currency),
    }  # fmt: skip


def transaction_payload(order: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"], "order_id": order["id"], "kind": row["kind"].lower(), "gateway": row["gateway"],
        "status": row["status"].lower(), "message": None, "created_at": moment(row["created"]), "test": False,
        "authorization": None, "location_id": None, "user_id": None, "parent_id": row["parent"],
        "processed_at": moment(row["created"]), "device_id": None, "error_code": None, "source_name": "web", "receipt": {},
        "amount": text(row["amount"]), "currency": order["currency"], "payment_id": f"c{order['id']}.{row['id']}",
        "total_unsettled_set": _unsettled(order["currency"]), "payment_details": None, "manual_payment_gateway": row["gateway"] in ("manual", "Bank Deposit"),
        "amount_rounding": None, "admin_graphql_api_id": gid("OrderTransaction", row["id"]),
    }  # fmt: skip


def edit_payload(number: int, order_id: int, line_id: int, difference: int, now: int) -> dict[str, Any]:
    """An order whose line was changed by so many units."""
    change = [{"id": line_id, "delta": abs(difference)}]
    nothing: dict[str, list[Any]] = {"additions": [], "removals": []}
    return {"order_edit": {
        "id": number, "order_id": order_id, "notify_customer": False, "staff_note": "", "app_id": None, "user_id": None,
        "created_at": moment(now), "committed_at": moment(now), "discounts": {"line_item": nothing},
        "shipping_lines": nothing,
        "line_items": {"additions": change if difference > 0 else [], "removals": change if difference < 0 else []},
    }}  # fmt: skip


def product_payload(book: Any, product: Mapping[str, Any]) -> dict[str, Any]:
    variants = [
        {
            "id": each["id"], "admin_graphql_api_id": gid("ProductVariant", each["id"]), "barcode": None,
            "compare_at_price": None, "created_at": moment(product["created"]), "inventory_item_id": each["item"],
            "inventory_policy": "deny", "inventory_quantity": book.available(each["item"]),
            "old_inventory_quantity": book.available(each["item"]), "position": number, "price": text(each["price"]),
            "product_id": product["id"], "sku": each["sku"], "taxable": True, "title": each["title"] or "Default Title",
            "updated_at": moment(each["updated"]), "option1": each["title"] or "Default Title", "option2": None,
            "option3": None, "image_id": None,
        }
        for number, each in enumerate(product["variants"], 1)
    ]  # fmt: skip
    return {
        "id": product["id"], "admin_graphql_api_id": gid("Product", product["id"]), "body_html": None,
        "created_at": moment(product["created"]), "handle": product["handle"], "product_type": "",
        "published_at": moment(product["created"]), "template_suffix": None, "title": product["title"],
        "updated_at": moment(product["updated"]), "vendor": "Sandbox", "status": "active", "published_scope": "web",
        "tags": "", "variants": variants, "options": [], "images": [], "image": None, "media": [],
        "variant_gids": [
            {"admin_graphql_api_id": gid("ProductVariant", each["id"]), "updated_at": moment(each["updated"])}
            for each in product["variants"]
        ],
        "has_variants_that_requires_components": any(each.get("parts") for each in product["variants"]), "category": None,
    }  # fmt: skip


def address_payload(address: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if address is None:
        return None
    return {
        "first_name": address["first"], "last_name": address["last"], "name": address["name"],
        "address1": address["address1"], "address2": address["address2"], "city": address["city"], "zip": address["zip"],
        "province": None, "province_code": None, "country": COUNTRIES.get(address["country"], address["country"]),
        "country_code": address["country"], "company": None, "phone": address["phone"], "latitude": None, "longitude": None,
    }  # fmt: skip


def _customer(book: Any, order: Mapping[str, Any]) -> dict[str, Any] | None:
    found = book.state.get("customer", order["customer"]) if order["customer"] else None
    if found is None:
        return None
    home = address_payload(order["billing_address"]) or {}
    return {
        "id": found["id"], "admin_graphql_api_id": gid("Customer", found["id"]), "created_at": moment(found["created"]),
        "updated_at": moment(found["updated"]), "first_name": found["first"], "last_name": found["last"],
        "email": found["email"], "phone": found["phone"], "state": "disabled", "note": None, "verified_email": True,
        "multipass_identifier": None, "tax_exempt": False, "tax_exemptions": [], "currency": order["currency"], "tags": "",
        "default_address": {
            "id": found["id"] + 1_000_000, "customer_id": found["id"], "default": True, "country_name": home.get("country"),
            **{key: value for key, value in home.items() if key not in ("latitude", "longitude")},
        },
    }  # fmt: skip


def _unsettled(currency: str) -> dict[str, Any]:
    """Amounts of transactions name their currency by another key."""
    one = {"amount": "0.00", "currency": currency}
    return {"shop_money": one, "presentment_money": dict(one)}


def _shipping(order: Mapping[str, Any], line: Mapping[str, Any]) -> dict[str, Any]:
    currency, price = order["currency"], Decimal(line["price"])
    return {
        "id": line["id"], "carrier_identifier": None, "code": line["code"],
        "current_discounted_price_set": bag(price - money.shipping_refunded(order), currency), "discounted_price": text(price),
        "discounted_price_set": bag(price, currency), "is_removed": line["removed"], "phone": None, "price": text(price),
        "price_set": bag(price, currency), "requested_fulfillment_service_id": None, "source": "shopify",
        "title": line["title"], "tax_lines": [_tax(money.shipping_tax(order, line), Decimal(line["tax_rate"]), currency)],
        "discount_allocations": [],
    }  # fmt: skip


def _tax(amount: Decimal, rate: Decimal, currency: str) -> dict[str, Any]:
    return {
        "channel_liable": False, "price": text(amount), "price_set": bag(amount, currency), "rate": float(rate / 100),
        "title": "NL VAT",
    }  # fmt: skip


def _discounts(discount: Decimal) -> list[dict[str, Any]]:
    if not discount:
        return []
    return [{
        "target_type": "line_item", "type": "manual", "value": text(discount), "value_type": "fixed_amount",
        "allocation_method": "across", "target_selection": "all", "title": "Discount", "description": "Discount",
    }]  # fmt: skip


# Fulfilment orders: these webhooks carry global ids, and no order


def brief(part: Mapping[str, Any]) -> dict[str, Any]:
    """A fulfilment order as its webhooks name it."""
    return {"id": gid("FulfillmentOrder", part["id"]), "status": str(part["status"]).lower()}


def hold_payload(topic: str, part: Mapping[str, Any], hold: Mapping[str, Any]) -> dict[str, Any]:
    """`fulfillment_holds/*` are about each hold, `fulfillment_orders/*` about the first and the last."""
    if topic == "fulfillment_orders/hold_released":
        return {"fulfillment_order": brief(part)}
    if topic.startswith("fulfillment_holds/"):
        return {"fulfillment_order": {"id": gid("FulfillmentOrder", part["id"])}, "fulfillment_hold": _hold(hold)}
    return {
        "fulfillment_order": {**brief(part), "fulfillment_holds": [_hold(each) for each in part["holds"]]},
        "created_fulfillment_hold": _hold(hold), "held_fulfillment_order_line_items": _rows(part),
        "remaining_fulfillment_order": brief(part),
    }  # fmt: skip


def progress_payload(topic: str, part: Mapping[str, Any], before: str) -> dict[str, Any]:
    """Progress that was reported, or taken back."""
    app, user = {"id": gid("App", 1)}, {"id": gid("StaffMember", 1)}
    if topic == "fulfillment_orders/progress_reported":
        report = {"progress_reported_by_app": app, "progress_reported_by_user": user, "reason_notes": ""}
        return {"fulfillment_order": brief(part), "initial_status": before.lower(), "progress_report": report}
    return {"fulfillment_order": brief(part), "progress_stopped_by_app": app, "progress_stopped_by_user": user}


def prepared_payload(part: Mapping[str, Any]) -> dict[str, Any]:
    method = {"method_type": "pickup"}
    return {"fulfillment_order": {**brief(part), "preparable": False, "delivery_method": method}}


def split_payload(part: Mapping[str, Any], new: Mapping[str, Any], requested: list[tuple[int, int]]) -> dict[str, Any]:
    return {
        "fulfillment_order": brief(part), "remaining_fulfillment_order": brief(new),
        "replacement_fulfillment_order": brief(part),
        "split_line_items": [{"id": gid("FulfillmentOrderLineItem", row), "quantity": units} for row, units in requested],
    }  # fmt: skip


def moved_payload(
    part: Mapping[str, Any], moved: Mapping[str, Any], source: int, target: int, requested: list[tuple[int, int]]
) -> dict[str, Any]:
    def named(each: Mapping[str, Any]) -> dict[str, Any]:
        return {**brief(each), "assigned_location_id": gid("Location", each["location"])}

    return {
        "original_fulfillment_order": named(part), "moved_fulfillment_order": named(moved),
        "source_location": {"id": gid("Location", source)}, "destination_location_id": gid("Location", target),
        "fulfillment_order_line_items_requested": [
            {"id": gid("FulfillmentOrderLineItem", row), "quantity": units} for row, units in requested
        ],
    }  # fmt: skip


def _hold(hold: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": gid("FulfillmentHold", hold["id"]), "handle": hold["handle"], "held_by_app": {"id": gid("App", 1)},
        "held_by_requesting_app": hold["ours"], "reason": hold["reason"].lower(), "reason_notes": hold["notes"] or "",
    }  # fmt: skip


def _rows(part: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"id": gid("FulfillmentOrderLineItem", row["id"]), "quantity": row["remaining"]} for row in part["lines"] if row["remaining"]
    ]
