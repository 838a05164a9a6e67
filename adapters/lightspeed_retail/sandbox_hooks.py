"""The sandbox's webhooks: entities in the shape of API 0.9, as a signed form, sent to whoever subscribed."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

from adapters.sandbox import SandboxState, to_json

if TYPE_CHECKING:
    from adapters.lightspeed_retail.sandbox_books import Books, Document

TYPES = (
    "sale.update",
    "product.update",
    "customer.update",
    "inventory.update",
    "register_closure.create",
    "consignment.send",
    "consignment.receive",
)

OLD_STATUS = {
    ("pending", "onaccount"): "ONACCOUNT",
    ("closed", "onaccount"): "ONACCOUNT_CLOSED",
    ("pending", "layby"): "LAYBY",
    ("closed", "layby"): "LAYBY_CLOSED",
    ("pending", "delivery"): "AWAITING_DISPATCH",
    ("closed", "delivery"): "DISPATCHED_CLOSED",
    ("pending", "pickup"): "AWAITING_PICKUP",
    ("closed", "pickup"): "PICKED_UP_CLOSED",
}
OLD_STATE = {"parked": "SAVED", "pending": "OPEN", "voided": "VOIDED", "closed": "CLOSED"}


def sign(state: SandboxState, body: bytes, secret: str) -> dict[str, str]:
    """The signature header: over the whole form as hex, or as the connection's settings allow otherwise."""
    if state.setting("switch:signs_payload", False):
        body = parse_qs(body.decode())["payload"][0].encode()
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    value = base64.b64encode(digest).decode() if state.setting("switch:signs_base64", False) else digest.hex()
    return {"X-Signature": f"signature={value},algorithm=HMAC-SHA256"}


def send_webhook(books: Books, type: str, id: str) -> None:
    """Post the entity as it is now to every subscription of that type, and to the address set on the Webhooks page."""
    kind = type.partition(".")[0]
    document = books.state.get(kind, id)
    if document is None:
        return
    payload = to_json(OLD_SHAPES[kind](books, document))
    body = urlencode({"payload": payload, "domain_prefix": "democorner", "environment": "prod"}).encode()
    urls = [row["url"] for row in books.state.all("webhook") if row["active"] and row["type"] == type]
    if books.box.webhook_url:
        urls.append(typed(books.box.webhook_url, type))
    for url in dict.fromkeys(urls) or [""]:
        books.box.courier.post(type, url, body, content_type="application/x-www-form-urlencoded; charset=UTF-8")


def typed(url: str, type: str) -> str:
    """One address for all types: the type goes into the query, since the body does not say it."""
    if "type" in parse_qs(urlsplit(url).query):
        return url
    return f"{url}{'&' if urlsplit(url).query else '?'}{urlencode({'type': type})}"


def _old_sale(books: Books, sale: Document) -> Document:
    attribute = next((word for word in sale["attributes"] if (sale["state"], word) in OLD_STATUS), "")
    return {
        "id": sale["id"], "register_id": sale["source"]["register_id"], "user_id": sale["source"]["author"]["id"],
        "customer_id": sale["customer_id"], "sale_date": sale["date"], "invoice_number": sale["invoice_number"],
        "status": OLD_STATUS.get((sale["state"], attribute), OLD_STATE[sale["state"]]), "note": sale["note"],
        "source": sale["source"]["type"], "source_id": sale["source"]["id"], "total_price": sale["totals"]["price"],
        "total_tax": sale["totals"]["tax"], "updated_at": sale["updated_at"], "version": sale["version"],
        "register_sale_attributes": sale["attributes"],
        "register_sale_products": [
            {"id": line["id"], "product_id": line["product"]["id"], "quantity": line["quantity"],
             "price": line["pricing"]["price"], "tax": line["tax"]["amount"], "tax_id": line["tax"]["id"]}
            for line in sale["line_items"]
        ],
        "register_sale_payments": [
            {"id": payment["id"], "amount": payment["amount"], "payment_date": payment["date"],
             "retailer_payment_type_id": payment["type"]["config_id"], "name": payment["type"]["name"]}
            for payment in sale["payments"]
        ],
    }  # fmt: skip


def _old_inventory(books: Books, record: Document) -> Document:
    return {
        "id": record["id"], "product_id": record["product_id"], "outlet_id": record["outlet_id"],
        "count": record["current_inventory_level"], "attributed_cost": "0.00", "reorder_point": "0",
        "restock_level": "0", "version": record["version"],
    }  # fmt: skip


def _old_customer(books: Books, customer: Document) -> Document:
    keys = ("id", "name", "first_name", "last_name", "email", "phone", "customer_code", "updated_at", "version")
    return {key: customer.get(key) for key in keys}


def _old_product(books: Books, product: Document) -> Document:
    rows = [row for row in books.state.all("inventory") if row["product_id"] == product["id"]]
    inventory = [{"outlet_id": row["outlet_id"], "count": row["current_inventory_level"]} for row in rows]
    return {**{key: product[key] for key in ("id", "handle", "name", "sku", "version")}, "inventory": inventory}


OLD_SHAPES: dict[str, Any] = {
    "sale": _old_sale,
    "inventory": _old_inventory,
    "customer": _old_customer,
    "product": _old_product,
}
