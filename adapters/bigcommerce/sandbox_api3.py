"""The V3 part of the API as the sandbox speaks it: everything in an envelope, ISO 8601 dates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask import Blueprint, g, request

from adapters.bigcommerce import sandbox_fulfilment as fulfilment
from adapters.bigcommerce import sandbox_payments as payments
from adapters.bigcommerce import sandbox_stock as stock
from adapters.bigcommerce.sandbox_api import authorise, body_json, body_object, number, refuse, scope, shop
from adapters.bigcommerce.sandbox_core import Shop, ShopError, public
from adapters.sandbox import sandbox

api = Blueprint("bigcommerce_v3", __name__, url_prefix="/stores/<store>/v3")
api.before_request(authorise)
api.register_error_handler(ShopError, refuse)

READ, PAYMENTS = (
    ("store_v2_orders_read_only", "store_v2_transactions_read_only"),
    ("store_v2_orders", "store_v2_transactions"),
)
MOST_HOOKS = 10


def page(rows: Sequence[Any], *, size: int = 50, most: int = 250) -> dict[str, Any]:
    """One page of a V3 list in its envelope."""
    current, per_page = max(1, number(request.args, "page", 1)), min(max(1, number(request.args, "limit", size)), most)
    found = list(rows[(current - 1) * per_page : current * per_page])
    pages = max(1, -(-len(rows) // per_page))
    links = {"current": f"?page={current}&limit={per_page}"}
    if current < pages:
        links["next"] = f"?page={current + 1}&limit={per_page}"
    if current > 1:
        links["previous"] = f"?page={current - 1}&limit={per_page}"
    return {"data": found, "meta": {"pagination": {
        "total": len(rows), "count": len(found), "per_page": per_page, "current_page": current, "total_pages": pages, "links": links,
    }}}  # fmt: skip


def one(document: Mapping[str, Any]) -> dict[str, Any]:
    """One object in its envelope."""
    return {"data": document, "meta": {}}


def listed(name: str) -> set[str] | None:
    """The values of an `…:in` filter; None when it is not there."""
    text = request.args.get(name)
    return None if text is None else {part.strip() for part in text.split(",") if part.strip()}


def _numbers(name: str) -> set[int] | None:
    found = listed(name)
    if found is None:
        return None
    if not all(part.isdigit() for part in found):
        raise ShopError("Payload contains invalid fields", errors={name: "must be a list of numbers"})
    return {int(part) for part in found}


# Payments


@api.get("/orders/<int:order_id>/transactions")
@scope("store_v2_transactions_read_only")
def transactions(order_id: int) -> dict[str, Any]:
    place = shop()
    place.order(order_id)
    return page(payments.transactions(place, order_id))


@api.post("/orders/<int:order_id>/payment_actions/<any(capture, void):action>")
@scope(*PAYMENTS, status=201)
def payment_action(order_id: int, action: str) -> dict[str, Any]:
    (payments.capture if action == "capture" else payments.void)(shop(), order_id)
    return {}


@api.post("/orders/<int:order_id>/payment_actions/refund_quotes")
@scope(*PAYMENTS, status=201)
def refund_quote(order_id: int) -> dict[str, Any]:
    return one(payments.quote(shop(), order_id, body_object().get("items")))


@api.post("/orders/<int:order_id>/payment_actions/refunds")
@scope(*PAYMENTS, status=201)
def create_refund(order_id: int) -> dict[str, Any]:
    body = body_object()
    return one(payments.refund(shop(), order_id, body.get("items"), body.get("payments")))


@api.get("/orders/<int:order_id>/payment_actions/refunds")
@scope(*READ)
def order_refunds(order_id: int) -> dict[str, Any]:
    place = shop()
    place.order(order_id)
    return page(payments.refunds(place, order_id))


@api.get("/orders/payment_actions/refunds")
@scope(*READ)
def all_refunds() -> dict[str, Any]:
    chosen = _numbers("order_id:in")
    if chosen is None:
        return page(shop().state.all("refund"))
    return page([each for order_id in sorted(chosen) for each in payments.refunds(shop(), order_id)])


@api.get("/orders/payment_actions/refunds/<int:refund_id>")
@scope(*READ)
def one_refund(refund_id: int) -> dict[str, Any]:
    return one(_found("refund", refund_id))


# Own data on orders


@api.get("/orders/<int:order_id>/metafields")
@scope(*READ)
def metafields(order_id: int) -> dict[str, Any]:
    shop().order(order_id)
    wanted = {name: request.args[name] for name in ("namespace", "key") if name in request.args}
    rows = shop().of("metafield", order_id)
    return page([public(each) for each in rows if all(each[name] == value for name, value in wanted.items())])


@api.post("/orders/<int:order_id>/metafields")
@scope("store_v2_orders")
def create_metafield(order_id: int) -> dict[str, Any]:
    place, body = shop(), body_object()
    place.order(order_id)
    required = ("permission_set", "namespace", "key", "value")
    missing = {name: "must be a text" for name in required if not isinstance(body.get(name), str) or not body[name]}
    if missing:
        raise ShopError("JSON data is missing or invalid", errors=missing)
    with place.change():
        if any(
            (each["namespace"], each["key"]) == (body["namespace"], body["key"])
            for each in place.of("metafield", order_id)
        ):
            raise ShopError("The metafield with this namespace and key exists already.", 409)
        id = place.state.next("metafield", 41)
        fields = {name: body[name] for name in (*required, "description") if name in body}
        found = place.attach("metafield", order_id, {
            "id": id, "description": "", **fields, "resource_type": "order", "resource_id": order_id, "date_created": place.iso(),
            "date_modified": place.iso(), "owner_client_id": g.client_id,
        })  # fmt: skip
    return one(found)


@api.put("/orders/<int:order_id>/metafields/<int:metafield_id>")
@scope("store_v2_orders")
def update_metafield(order_id: int, metafield_id: int) -> dict[str, Any]:
    place, body = shop(), body_object()
    found = _found("metafield", metafield_id)
    if found["resource_id"] != order_id:
        raise ShopError("The requested resource was not found.", 404)
    fields = {name: body[name] for name in ("value", "description", "permission_set") if name in body}
    with place.change():
        return one(place.state.put("metafield", metafield_id, found | fields | {"date_modified": place.iso()}))


# Pickups


@api.get("/orders/pickups")
@scope("store_order_fulfillment_read_only", "store_order_fulfillment_manage")
def get_pickups() -> dict[str, Any]:
    return {"data": fulfilment.pickups(shop(), _numbers("order_id:in"), _numbers("pickup_id:in")), "meta": {}}


@api.post("/orders/pickups")
@scope("store_order_fulfillment_manage")
def create_pickups() -> dict[str, Any]:
    return {"data": fulfilment.make_pickups(shop(), body_json()), "meta": {}}


@api.put("/orders/pickups")
@scope("store_order_fulfillment_manage")
def update_pickups() -> dict[str, Any]:
    return {"data": fulfilment.change_pickups(shop(), body_json()), "meta": {}}


@api.get("/pickup/methods")
@scope("store_fulfillment_methods_read_only", "store_fulfillment_methods_manage")
def pickup_methods() -> dict[str, Any]:
    return page(shop().state.all("pickup_method"))


# Inventory and locations


@api.get("/inventory/locations")
@scope("store_locations_read_only")
def locations() -> dict[str, Any]:
    rows = shop().state.all("location")
    ids, codes = _numbers("location_id:in"), listed("location_code:in")
    for name, field in (
        ("is_default", "_default"),
        ("is_active", "enabled"),
        ("managed_by_external_source", "managed_by_external_source"),
    ):
        if name in request.args:
            rows = [each for each in rows if bool(each[field]) == (request.args[name].lower() in ("true", "1"))]
    rows = [each for each in rows if (ids is None or each["id"] in ids) and (codes is None or each["code"] in codes)]
    return page([public(each) for each in rows])


@api.get("/inventory/items")
@scope("store_inventory_read_only")
def inventory_items() -> dict[str, Any]:
    place = shop()
    skus, variants, products = listed("sku:in"), _numbers("variant_id:in"), _numbers("product_id:in")
    places = _numbers("location_id:in")
    rows = [
        stock.item_document(place, product, variant)
        for product, variant in stock.items(place)
        if (skus is None or variant["sku"] in skus)
        and (variants is None or variant["id"] in variants)
        and (products is None or product["id"] in products)
    ]
    for row in rows if places is not None else ():
        row["locations"] = [each for each in row["locations"] if each["location_id"] in (places or ())]
    return page(rows, most=1000)


@api.put("/inventory/adjustments/absolute")
@scope("store_inventory")
def adjust_absolute() -> dict[str, Any]:
    return {"transaction_id": stock.adjust(shop(), body_object().get("items"), relative=False)}


@api.post("/inventory/adjustments/relative")
@scope("store_inventory")
def adjust_relative() -> dict[str, Any]:
    return {"transaction_id": stock.adjust(shop(), body_object().get("items"), relative=True)}


# Catalogue and customers


@api.get("/catalog/products")
@scope("store_v2_products_read_only")
def products() -> dict[str, Any]:
    rows = shop().state.all("product")
    if "sku" in request.args:
        rows = [each for each in rows if each["sku"] == request.args["sku"]]
    after, ids = number(request.args, "id:greater", 0), _numbers("id:in")
    rows = [
        each
        for each in rows
        if each["id"] > after and (ids is None or each["id"] in ids) and each["_kind"] != "giftcertificate"
    ]
    rows.sort(key=lambda each: each["id"], reverse=request.args.get("direction") == "desc")
    return page([_product(each) for each in rows])


@api.get("/catalog/products/<int:product_id>")
@scope("store_v2_products_read_only")
def product(product_id: int) -> dict[str, Any]:
    return one(_product(_found("product", product_id)))


@api.get("/catalog/variants")
@scope("store_v2_products_read_only")
def variants() -> dict[str, Any]:
    wanted = request.args.get("sku")
    rows = [
        {"product_id": product["id"], **variant}
        for product in shop().state.all("product")
        for variant in product["variants"]
        if (wanted is None or variant["sku"] == wanted) and product["_kind"] != "giftcertificate"
    ]
    return page(rows)


def _product(document: Mapping[str, Any]) -> dict[str, Any]:
    place, found = shop(), public(document)
    default = stock.default_location(place)
    levels = [stock.available(place, default, variant["id"]) for variant in document["variants"]]
    found |= {"inventory_level": sum(levels)}
    if "variants" in (listed("include") or ()):
        return found | {
            "variants": [
                v | {"product_id": document["id"], "inventory_level": n}
                for v, n in zip(document["variants"], levels, strict=True)
            ]
        }
    return {name: value for name, value in found.items() if name != "variants"}


@api.get("/customers")
@scope("store_v2_customers_read_only")
def customers() -> dict[str, Any]:
    emails = listed("email:in")
    wanted = None if emails is None else {email.lower() for email in emails}
    return page([each for each in shop().state.all("customer") if wanted is None or each["email"].lower() in wanted])


# Webhooks


@api.get("/hooks")
@scope("default")
def hooks() -> dict[str, Any]:
    rows = [public(each) for each in _own_hooks(shop())]
    tests: Mapping[str, Callable[[dict[str, Any], str], bool]] = {
        "is_active": lambda hook, text: hook["is_active"] == (text.lower() == "true"),
        "scope": lambda hook, text: bool(hook["scope"] == text),
        "destination": lambda hook, text: bool(hook["destination"] == text),
    }
    return page(
        [
            each
            for each in rows
            if all(test(each, request.args[name]) for name, test in tests.items() if name in request.args)
        ]
    )


@api.post("/hooks")
@scope("default")
def create_hook() -> dict[str, Any]:
    place, body = shop(), body_object()
    fields = _hook_fields(body, {"is_active": False, "headers": None})
    same = [each for each in _own_hooks(place) if each["scope"] == fields["scope"]]
    if any(each["destination"] == fields["destination"] for each in same):
        raise ShopError("A webhook with this scope and destination exists already.", 409)
    if len(same) >= MOST_HOOKS:
        raise ShopError(f"At most {MOST_HOOKS} webhooks per scope are allowed.")
    now = int(place.state.now())
    with place.change():
        id = place.state.next("hook", 18_048_287)
        base = {
            "id": id,
            "client_id": g.client_id,
            "store_hash": place.state.setting("store_hash"),
            "created_at": now,
            "updated_at": now,
        }
        return one(place.state.put("hook", id, base | fields))


@api.get("/hooks/<int:hook_id>")
@scope("default")
def hook(hook_id: int) -> dict[str, Any]:
    return one(_own_hook(hook_id))


@api.put("/hooks/<int:hook_id>")
@scope("default")
def update_hook(hook_id: int) -> dict[str, Any]:
    place, known = shop(), _own_hook(hook_id)
    with place.change():
        return one(
            place.state.put(
                "hook", hook_id, known | _hook_fields(body_object(), known) | {"updated_at": int(place.state.now())}
            )
        )


@api.delete("/hooks/<int:hook_id>")
@scope("default")
def delete_hook(hook_id: int) -> dict[str, Any]:
    known = _own_hook(hook_id)
    shop().state.delete("hook", hook_id)
    return one(known)


def _hook_fields(body: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a hook, checked. Only port 443, except towards this machine."""
    fields = {name: body.get(name, known.get(name)) for name in ("scope", "destination", "is_active", "headers")}
    if not isinstance(fields["scope"], str) or not fields["scope"].startswith("store/"):
        raise ShopError("JSON data is missing or invalid", errors={"scope": "is not a scope"})
    address = fields["destination"]
    if not isinstance(address, str) or not address.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        raise ShopError("JSON data is missing or invalid", errors={"destination": "must be served on port 443"})
    if fields["headers"] is not None and not isinstance(fields["headers"], dict):
        raise ShopError("JSON data is missing or invalid", errors={"headers": "must be an object"})
    return fields | {"is_active": bool(fields["is_active"])}


def _own_hooks(place: Shop) -> list[dict[str, Any]]:
    """Hooks of the account that asks: others' are not visible to it."""
    return [each for each in place.state.all("hook") if each["client_id"] == g.client_id]


def _own_hook(hook_id: int) -> dict[str, Any]:
    return next((each for each in _own_hooks(shop()) if each["id"] == hook_id), None) or _found("hook", 0)


def _found(kind: str, id: int) -> dict[str, Any]:
    document = sandbox().state.get(kind, id)
    if document is None:
        raise ShopError("The requested resource was not found.", 404)
    return document
