"""Writes the sandbox's documents as the API gives them: vendor's field names, texts for amounts, times local and GMT."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from adapters.sandbox import SandboxState
from adapters.woocommerce.sandbox_money import text

VERSION = "9.9.5"
HOME = "https://shop.example.test"
_PRODUCT: dict[str, Any] = {
    **dict.fromkeys(
        ("description", "short_description", "global_unique_id", "price_html", "purchase_note", "external_url", "button_text",
         "shipping_class", "weight", "post_password", "generated_slug", "permalink_template"), "",
    ),
    **{
        name: []
        for name in ("categories", "brands", "tags", "images", "default_attributes", "downloads", "related_ids",
                     "upsell_ids", "cross_sell_ids", "grouped_products")
    },
    **dict.fromkeys(("featured", "on_sale", "sold_individually"), False),
    **dict.fromkeys(("purchasable", "reviews_allowed", "shipping_taxable"), True),
    **dict.fromkeys(("total_sales", "rating_count", "menu_order", "shipping_class_id"), 0),
    **dict.fromkeys(("date_on_sale_from", "date_on_sale_from_gmt", "date_on_sale_to", "date_on_sale_to_gmt", "low_stock_amount")),
    "average_rating": "0.00", "catalog_visibility": "visible", "download_limit": -1, "download_expiry": -1,
    "dimensions": {"length": "", "width": "", "height": ""},
}  # fmt: skip
"""What is the same for every product here."""

_NOT_OF_VARIATIONS = (
    "slug", "short_description", "featured", "catalog_visibility", "price_html", "total_sales", "external_url", "button_text",
    "reviews_allowed", "post_password", "average_rating", "rating_count", "related_ids", "upsell_ids", "cross_sell_ids",
    "purchase_note", "categories", "brands", "tags", "images", "has_options", "default_attributes", "variations",
    "grouped_products", "permalink_template", "generated_slug", "sold_individually", "shipping_required", "shipping_taxable",
)  # fmt: skip
_EMPTY_TEXTS = ("customer_ip_address", "customer_user_agent", "cart_hash")


def zone(state: SandboxState) -> ZoneInfo:
    """The shop's own time zone."""
    return ZoneInfo(str(state.setting("timezone", "Europe/Amsterdam")))


def home(state: SandboxState) -> str:
    return str(state.setting("home", HOME))


def local(state: SandboxState, seconds: int | None) -> str | None:
    """A time as the shop's clock on the wall shows it, without an offset."""
    return None if seconds is None else datetime.fromtimestamp(seconds, zone(state)).strftime("%Y-%m-%dT%H:%M:%S")


def gmt(seconds: int | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _dates(state: SandboxState, document: Mapping[str, Any], *names: str) -> dict[str, str | None]:
    """Each time twice, as the API has it."""
    found: dict[str, str | None] = {}
    for name in names:
        found |= {f"date_{name}": local(state, document[name]), f"date_{name}_gmt": gmt(document[name])}
    return found


def order_json(state: SandboxState, order: Mapping[str, Any]) -> dict[str, Any]:
    """An order."""
    dates = _dates(state, order, "created", "modified", "completed", "paid")
    lines = [_line(state, line) for line in order["line_items"]]
    payable = order["status"] in ("pending", "failed") and Decimal(order["total"]) > 0
    amounts = ("discount_total", "discount_tax", "shipping_total", "shipping_tax", "cart_tax", "total", "total_tax")
    copied = (
        "id", "number", "order_key", "status", "currency", "prices_include_tax", "customer_id", "billing", "payment_method",
        "payment_method_title", "transaction_id", "created_via", "customer_note", "meta_data",
    )  # fmt: skip
    return {
        **{name: order[name] for name in (*copied, *amounts)}, **dict.fromkeys(_EMPTY_TEXTS, ""), **dates, "parent_id": 0,
        "version": VERSION, "shipping": order["shipping"], "line_items": lines, "tax_lines": _tax_lines(state, order),
        "shipping_lines": [_shipping_line(state, each) for each in order["shipping_lines"]],
        "fee_lines": [{**each, "taxes": _taxes(state, each)} for each in order["fee_lines"]],
        "coupon_lines": order["coupon_lines"],
        "refunds": [{"id": r["id"], "reason": r["reason"], "total": f"-{r['amount']}"} for r in order["refunds"]],
        "payment_url": f"{home(state)}/checkout/order-pay/{order['id']}/?pay_for_order=true&key={order['order_key']}",
        "is_editable": order["status"] in ("pending", "on-hold", "auto-draft"), "needs_payment": payable,
        "needs_processing": any(not _virtual(state, line) for line in order["line_items"]),
        "currency_symbol": {"EUR": "€", "SEK": "kr"}.get(order["currency"], order["currency"]),
        "_links": _links(state, f"orders/{order['id']}", "orders"),
    }  # fmt: skip


def refund_json(state: SandboxState, refund: Mapping[str, Any], order: Mapping[str, Any]) -> dict[str, Any]:
    """A refund; its lines have negative quantities and amounts."""
    items = {item["id"]: item for item in order["line_items"]}
    lines = [_refund_line(state, items[each["id"]], each) for each in refund["lines"] if each.get("id") in items]
    return {
        "id": refund["id"], "parent_id": order["id"], "date_created": local(state, refund["created"]),
        "date_created_gmt": gmt(refund["created"]), "amount": refund["amount"], "reason": refund["reason"], "refunded_by": 1,
        "refunded_payment": refund["refunded_payment"], "meta_data": refund["meta_data"], "line_items": lines,
        "tax_lines": [], "shipping_lines": [], "fee_lines": [],
        "_links": _links(state, f"orders/{order['id']}/refunds/{refund['id']}", f"orders/{order['id']}/refunds"),
    }  # fmt: skip


def _refund_line(state: SandboxState, item: Mapping[str, Any], refunded: Mapping[str, Any]) -> dict[str, Any]:
    net = Decimal(str(refunded.get("refund_total") or 0))
    taxes = [{"id": int(t["id"]), "total": f"-{t['refund_total']}"} for t in refunded.get("refund_tax") or ()]
    tax = sum((Decimal(str(t["refund_total"])) for t in refunded.get("refund_tax") or ()), Decimal(0))
    key = {"id": 0, "key": "_refunded_item_id", "value": str(item["id"]), "display_key": "_refunded_item_id",
           "display_value": str(item["id"])}  # fmt: skip
    return {
        "id": item["id"], "name": item["name"], "product_id": item["product_id"], "variation_id": item["variation_id"],
        "quantity": -int(refunded.get("quantity") or 0), "tax_class": "", "subtotal": text(-net), "subtotal_tax": text(-tax),
        "total": text(-net), "total_tax": text(-tax), "taxes": taxes, "meta_data": [key], "sku": _sku(state, item),
        "price": Decimal(0), "image": {"id": 0, "src": ""}, "parent_name": None,
    }  # fmt: skip


def note_json(state: SandboxState, note: Mapping[str, Any]) -> dict[str, Any]:
    """A note on an order."""
    path = f"orders/{note['order']}/notes"
    return {
        "id": note["id"], "author": note["author"], "date_created": local(state, note["created"]),
        "date_created_gmt": gmt(note["created"]), "note": note["note"], "customer_note": note["customer_note"],
        "_links": _links(state, f"{path}/{note['id']}", path),
    }  # fmt: skip


def product_json(state: SandboxState, product: Mapping[str, Any]) -> dict[str, Any]:
    """A product, or a variation as `/products?sku=` shows it."""
    stock = product["stock_quantity"] if product["manage_stock"] is True else None
    if product["manage_stock"] == "parent":
        stock = (state.get("product", product["parent_id"]) or {}).get("stock_quantity")
    dates = _dates(state, product, "created", "modified")
    path = f"products/{product['id']}"
    if product["type"] == "variation":
        path = f"products/{product['parent_id']}/variations/{product['id']}"
    return {
        **_PRODUCT, "has_options": bool(product.get("variations")),
        "id": product["id"], "name": product["name"], "slug": f"product-{product['id']}",
        "permalink": f"{home(state)}/product/{product['id']}/", **dates, "type": product["type"],
        "status": product.get("status", "publish"), "sku": product["sku"], "price": product["price"],
        "regular_price": product["price"], "sale_price": "", "virtual": product["virtual"], "downloadable": product["virtual"],
        "tax_status": "taxable", "tax_class": product.get("tax_class", ""), "manage_stock": product["manage_stock"],
        "stock_quantity": stock, "stock_status": "instock" if stock is None or stock > 0 else "outofstock",
        "backorders": "no", "backorders_allowed": False, "backordered": False, "parent_id": product["parent_id"],
        "shipping_required": not product["virtual"], "attributes": product.get("attributes", []),
        "variations": product.get("variations", []), "meta_data": [], "_links": _links(state, path, path.rpartition("/")[0]),
    }  # fmt: skip


def variation_json(state: SandboxState, product: Mapping[str, Any]) -> dict[str, Any]:
    """A variation as its own address shows it."""
    whole = product_json(state, product)
    return {key: value for key, value in whole.items() if key not in _NOT_OF_VARIATIONS} | {"image": None}


def customer_json(state: SandboxState, customer: Mapping[str, Any]) -> dict[str, Any]:
    """A customer's account."""
    dates = _dates(state, customer, "created", "modified")
    return {
        "id": customer["id"], **dates, "email": customer["email"], "first_name": customer["first_name"],
        "last_name": customer["last_name"], "role": "customer", "username": customer["email"].partition("@")[0],
        "billing": customer["billing"], "shipping": customer["shipping"], "is_paying_customer": True,
        "avatar_url": f"{home(state)}/avatar.png", "meta_data": [],
        "_links": _links(state, f"customers/{customer['id']}", "customers"),
    }  # fmt: skip


def hook_json(state: SandboxState, hook: Mapping[str, Any]) -> dict[str, Any]:
    """A webhook; its secret is never given back."""
    resource, _, event = hook["topic"].partition(".")
    dates = _dates(state, hook, "created", "modified")
    return {
        "id": hook["id"], "name": hook["name"], "status": hook["status"], "topic": hook["topic"], "resource": resource,
        "event": event, "hooks": [], "delivery_url": hook["delivery_url"], **dates,
        "_links": _links(state, f"webhooks/{hook['id']}", "webhooks"),
    }  # fmt: skip


def _line(state: SandboxState, line: Mapping[str, Any]) -> dict[str, Any]:
    units = line["quantity"]
    parent = state.get("product", line["product_id"]) if line["variation_id"] else None
    shown = [{**m, "display_key": m["key"], "display_value": m["value"]} for m in line["meta_data"]]
    return {
        "id": line["id"], "name": line["name"], "product_id": line["product_id"], "variation_id": line["variation_id"],
        "quantity": units, "tax_class": "", "subtotal": line["subtotal"], "subtotal_tax": line["subtotal_tax"],
        "total": line["total"], "total_tax": line["total_tax"], "taxes": _taxes(state, line), "meta_data": shown,
        "sku": _sku(state, line), "price": Decimal(line["total"]) / units if units else Decimal(0),
        "image": {"id": 0, "src": ""}, "parent_name": parent["name"] if parent else None,
    }  # fmt: skip


def _shipping_line(state: SandboxState, line: Mapping[str, Any]) -> dict[str, Any]:
    shown = {name: line[name] for name in ("id", "method_title", "method_id", "instance_id", "total", "total_tax", "meta_data")}
    return {**shown, "taxes": _taxes(state, line), "tax_status": "taxable"}


def _sku(state: SandboxState, line: Mapping[str, Any]) -> str | None:
    """The sku of the product as it is today; None once the product is deleted."""
    product = state.get("product", line["variation_id"] or line["product_id"])
    return None if product is None else str(product["sku"])


def _virtual(state: SandboxState, line: Mapping[str, Any]) -> bool:
    product = state.get("product", line["variation_id"] or line["product_id"])
    return product is not None and bool(product["virtual"])


def _taxes(state: SandboxState, line: Mapping[str, Any]) -> list[dict[str, Any]]:
    rate = _tax(state, line.get("rate", 0))
    if rate is None:
        return []
    return [{"id": rate["id"], "total": line["total_tax"], "subtotal": line.get("subtotal_tax", "")}]


def _tax_lines(state: SandboxState, order: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = []
    for rate in state.all("tax"):
        goods = [e for e in (*order["line_items"], *order["fee_lines"]) if _same(e.get("rate", 0), rate)]
        shipping = [e for e in order["shipping_lines"] if _same(e.get("rate", 0), rate)]
        if goods or shipping:
            found.append({
                "id": order["id"] * 1000 + rate["id"], "rate_code": f"NL-BTW-{rate['id']}", "rate_id": rate["id"],
                "label": "BTW", "compound": False,
                "tax_total": text(sum((Decimal(e["total_tax"]) for e in goods), Decimal(0))),
                "shipping_tax_total": text(sum((Decimal(e["total_tax"]) for e in shipping), Decimal(0))),
                "rate_percent": Decimal(str(rate["rate"])), "meta_data": [],
            })  # fmt: skip
    return found


def _tax(state: SandboxState, percent: object) -> dict[str, Any] | None:
    return next((rate for rate in state.all("tax") if _same(percent, rate)), None)


def _same(percent: object, rate: Mapping[str, Any]) -> bool:
    return Decimal(str(percent)) == Decimal(str(rate["rate"]))


def _links(state: SandboxState, path: str, collection: str) -> dict[str, Any]:
    base = f"{home(state)}/wp-json/wc/v3"
    return {"self": [{"href": f"{base}/{path}"}], "collection": [{"href": f"{base}/{collection}"}]}
