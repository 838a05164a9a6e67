"""The rest of the sandbox's API: products, customers, webhooks, taxes, and the extension Shipment Tracking."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flask import Response, request

from adapters.sandbox import sandbox
from adapters.woocommerce.sandbox_api import LARGEST_BATCH, WRITE, api
from adapters.woocommerce.sandbox_errors import ApiError, answer, invalid_param
from adapters.woocommerce.sandbox_index import Condition, among, matching, owned
from adapters.woocommerce.sandbox_query import body, dates, flag, indexed, listed
from adapters.woocommerce.sandbox_render import customer_json, hook_json, product_json, variation_json
from adapters.woocommerce.sandbox_shop import Shop

_TOPIC = re.compile(r"(order|product|customer|coupon)\.(created|updated|deleted|restored)|action\.(woocommerce|wc)_\w+")
_HOOK_STATUSES = ("active", "paused", "disabled")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")

# Products


@api.get("/wc/v3/products")
def products() -> Response:
    """Products, without variations unless asked for by sku."""
    state = sandbox().state
    skus = [sku for sku in request.args.get("sku", "").split(",") if sku]
    kind: Condition = among("sku", skus) if skus else ("owner = 0", [])
    return indexed(state, "product", [kind, *dates(state)], lambda each: product_json(state, each), "products")


@api.get("/wc/v3/products/<int:id>")
def product(id: int) -> Response:
    state = sandbox().state
    found = state.get("product", id)
    if found is None:
        raise ApiError("woocommerce_rest_product_invalid_id", "Invalid ID.", 404)
    return answer(product_json(state, found))


@api.route("/wc/v3/products/<int:id>", methods=WRITE)
def update_product(id: int) -> Response:
    found = sandbox().state.get("product", id)
    if found is None:
        raise ApiError("woocommerce_rest_product_invalid_id", "Invalid ID.", 400)
    if found["type"] == "variation":
        words = "To manipulate product variations you should use the /products/&lt;product_id&gt;/variations/&lt;id&gt; endpoint."
        raise ApiError("woocommerce_rest_invalid_product_id", words, 404)
    return answer(product_json(sandbox().state, _changed(found, body(), checked=True)))


@api.route("/wc/v3/products/batch", methods=WRITE)
def batch_products() -> Response:
    return _batch(None)


@api.get("/wc/v3/products/<int:id>/variations")
def variations(id: int) -> Response:
    state = sandbox().state
    return listed(state, owned(state, "product", id), lambda each: variation_json(state, each), f"products/{id}/variations")


@api.get("/wc/v3/products/<int:id>/variations/<int:variation_id>")
def variation(id: int, variation_id: int) -> Response:
    return answer(variation_json(sandbox().state, _variation(id, variation_id, 404)))


@api.route("/wc/v3/products/<int:id>/variations/<int:variation_id>", methods=WRITE)
def update_variation(id: int, variation_id: int) -> Response:
    return answer(variation_json(sandbox().state, _changed(_variation(id, variation_id, 400), body(), checked=True)))


@api.route("/wc/v3/products/<int:id>/variations/batch", methods=WRITE)
def batch_variations(id: int) -> Response:
    return _batch(id)


def _variation(parent: int, id: int, status: int) -> dict[str, Any]:
    found = sandbox().state.get("product", id)
    if found is None or found["parent_id"] != parent:
        raise ApiError("woocommerce_rest_product_variation_invalid_id", "Invalid ID.", status)
    return found


def _batch(parent: int | None) -> Response:
    """Updates of many. Always 200; what failed says so in its place."""
    updates = body().get("update") or []
    if len(updates) > LARGEST_BATCH:
        raise ApiError("woocommerce_rest_request_entity_too_large", "Unable to accept more than 100 items for this request.", 413)
    state, done = sandbox().state, []
    for item in updates:
        found = state.get("product", item.get("id", 0))
        if found is None or (parent is not None and found["parent_id"] != parent):
            problem = ApiError("woocommerce_rest_product_invalid_id", "Invalid ID.", 400)
            done.append({"id": item.get("id"), "error": problem.as_json()})
        else:
            done.append(product_json(state, _changed(found, item, checked=False)))
    return answer({"update": done})


def _changed(product: Mapping[str, Any], fields: Mapping[str, Any], *, checked: bool) -> dict[str, Any]:
    """A product with these changes. Numbers are ignored without a word where the shop does not count."""
    changes: dict[str, Any] = {
        name: fields[name] for name in ("name", "sku", "virtual", "manage_stock", "status") if name in fields
    }
    if "regular_price" in fields:
        changes["price"] = str(fields["regular_price"])
    _check_sku(product, changes)
    counts = changes.get("manage_stock", product["manage_stock"]) is True and not sandbox().switch("stock_kept_elsewhere")
    present = int(product["stock_quantity"] or 0)
    if counts and product["manage_stock"] is not True:
        changes["stock_quantity"] = present = 0
    if counts and "stock_quantity" in fields:
        changes["stock_quantity"] = _number(fields["stock_quantity"], checked=checked)
    elif counts and "inventory_delta" in fields:
        changes["stock_quantity"] = present + _number(fields["inventory_delta"], checked=checked)
    if "stock_quantity" in changes:
        sandbox().state.count("stock_writes")
    return Shop(sandbox()).change_product(product["id"], changes)


def _check_sku(product: Mapping[str, Any], changes: Mapping[str, Any]) -> None:
    sku = changes.get("sku")
    same: list[Condition] = [among("sku", [sku]), among("id", [product["id"]], no=True)]
    holder = next(iter(matching(sandbox().state, "product", same, "id", 1, 0)[0] if sku else ()), None)
    if holder is not None:
        words = "Invalid or duplicated SKU."
        raise ApiError("product_invalid_sku", words, 400, {"resource_id": holder["id"], "unique_sku": f"{sku}-1"})


def _number(value: object, *, checked: bool) -> int:
    """A stock number: an integer, also as text; null is 0."""
    if value is None:
        return 0
    if isinstance(value, bool) or not re.fullmatch("-?[0-9]{1,9}", str(value)):
        if checked:
            raise invalid_param("stock_quantity", "stock_quantity is not of type integer.", "rest_invalid_type")
        return 0
    return int(str(value))


# Customers


@api.get("/wc/v3/customers")
def customers() -> Response:
    state, email = sandbox().state, request.args.get("email")
    if email is not None and not _EMAIL.fullmatch(email):
        raise invalid_param("email", "Invalid parameter.", "rest_invalid_email")
    found = [each for each in state.all("customer") if email is None or each["email"] == email.lower()]
    render = lambda each: customer_json(state, each)  # noqa: E731
    return listed(state, found, render, "customers", orderings=("id", "name", "registered_date"), orderby="name", order="asc")


# Webhooks


@api.get("/wc/v3/webhooks")
def webhooks() -> Response:
    state, status = sandbox().state, request.args.get("status", "all")
    found = [each for each in state.all("hook") if status in ("all", each["status"])]
    return listed(state, found, lambda each: hook_json(state, each), "webhooks", orderings=("date", "id"))


@api.post("/wc/v3/webhooks")
def create_webhook() -> Response:
    """A new webhook is always active, whatever was sent."""
    state, fields = sandbox().state, body()
    _check_hook(fields)
    for name in ("topic", "delivery_url"):
        if not fields.get(name):
            raise ApiError("rest_missing_callback_param", f"Missing parameter(s): {name}", 400, {"params": [name]})
    with state.transaction():
        now = int(state.now())
        hook = state.put("hook", id := state.next("hook", 12), {
            "id": id, "name": str(fields.get("name") or "Webhook"), "status": "active", "topic": fields["topic"],
            "delivery_url": fields["delivery_url"], "secret": str(fields.get("secret") or "generated-and-never-shown"),
            "failures": 0, "unpinged": True, "created": now, "modified": now,
        })  # fmt: skip
    _courier().ping(hook)
    return answer(hook_json(state, hook), 201)


@api.get("/wc/v3/webhooks/<int:id>")
def webhook(id: int) -> Response:
    return answer(hook_json(sandbox().state, _hook(id)))


@api.route("/wc/v3/webhooks/<int:id>", methods=WRITE)
def update_webhook(id: int) -> Response:
    """Reviving a webhook does not forget its failures."""
    state, fields, old = sandbox().state, body(), _hook(id)
    _check_hook(fields)
    changes = {name: fields[name] for name in ("name", "status", "topic", "delivery_url", "secret") if fields.get(name)}
    moved = changes.get("delivery_url", old["delivery_url"]) != old["delivery_url"]
    hook = state.put("hook", id, {**old, **changes, "unpinged": old["unpinged"] or moved, "modified": int(state.now())})
    if moved:
        _courier().ping(hook)
    return answer(hook_json(state, hook))


@api.delete("/wc/v3/webhooks/<int:id>")
def delete_webhook(id: int) -> Response:
    hook = _hook(id)
    if not flag("force"):
        raise ApiError("woocommerce_rest_trash_not_supported", "Webhooks do not support trashing.", 501)
    sandbox().state.delete("hook", id)
    return answer(hook_json(sandbox().state, hook))


def _hook(id: int) -> dict[str, Any]:
    found = sandbox().state.get("hook", id)
    if found is None:
        raise ApiError("woocommerce_rest_shop_webhook_invalid_id", "Invalid ID.", 404)
    return found


def _check_hook(fields: Mapping[str, Any]) -> None:
    if "topic" in fields and not _TOPIC.fullmatch(str(fields["topic"])):
        raise ApiError("woocommerce_rest_shop_webhook_invalid_topic", "Webhook topic must be valid.", 400)
    if "delivery_url" in fields and not str(fields["delivery_url"]).startswith(("http://", "https://")):
        words = "Webhook delivery URL must be a valid URL starting with http:// or https://."
        raise ApiError("woocommerce_rest_shop_webhook_invalid_delivery_url", words, 400)
    if "status" in fields and fields["status"] not in _HOOK_STATUSES:
        raise invalid_param("status", f"status is not one of {', '.join(_HOOK_STATUSES)}.", "rest_not_in_enum")


def _courier() -> Any:
    return sandbox().courier


# Taxes, currency, and the extension Shipment Tracking


@api.get("/wc/v3/taxes")
def taxes() -> Response:
    return answer([
        {"id": each["id"], "country": "NL", "state": "", "postcode": "", "city": "", "rate": f"{each['rate']:.4f}",
         "name": "BTW", "priority": 1, "compound": False, "shipping": True, "order": 0, "class": "standard"}
        for each in sandbox().state.all("tax")
    ])  # fmt: skip


@api.get("/wc/v3/data/currencies/current")
def currency() -> Response:
    code = sandbox().state.setting("currency", "EUR")
    return answer({"code": code, "name": code, "symbol": "&euro;" if code == "EUR" else code})


@api.get("/wc-shipment-tracking/v3/orders/<int:id>/shipment-trackings")
def parcels(id: int) -> Response:
    return answer(_parcels(id)[1])


@api.post("/wc-shipment-tracking/v3/orders/<int:id>/shipment-trackings")
def create_parcel(id: int) -> Response:
    """The extension keeps its parcels in a field of the order."""
    order, present = _parcels(id)
    fields, shop = body(), Shop(sandbox())
    if not fields.get("tracking_number"):
        raise ApiError("rest_missing_callback_param", "Missing parameter(s): tracking_number", 400)
    names = ("tracking_provider", "custom_tracking_provider", "custom_tracking_link", "tracking_number", "date_shipped")
    parcel = {name: str(fields.get(name) or "") for name in names} | {"tracking_id": f"{shop.state.next('parcel', 1000):032x}"}
    kept = [each for each in order["meta_data"] if each["key"] != PARCELS]
    shop.change_order(id, {"meta_data": [*kept, *shop.meta({PARCELS: [*present, parcel]})]})
    return answer(parcel, 201)


PARCELS = "_wc_shipment_tracking_items"


def _parcels(id: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    if not sandbox().switch("shipment_tracking"):
        raise ApiError("rest_no_route", "No route was found matching the URL and request method.", 404)
    order = sandbox().state.get("order", id)
    if order is None:
        raise ApiError("woocommerce_rest_order_invalid_id", "Invalid order ID.", 404)
    return order, next((each["value"] for each in order["meta_data"] if each["key"] == PARCELS), [])
