"""The REST API as the sandbox speaks it: who may call, the index of the site, orders, notes and refunds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import Blueprint, Response, request

from adapters.sandbox import sandbox
from adapters.woocommerce.sandbox_auth import authenticate, check_permission
from adapters.woocommerce.sandbox_errors import ApiError, answer, invalid_param, web_page
from adapters.woocommerce.sandbox_index import among, owned
from adapters.woocommerce.sandbox_money import charge, text, total_up
from adapters.woocommerce.sandbox_query import body, dates, flag, indexed, listed, statuses, whole
from adapters.woocommerce.sandbox_render import home, note_json, order_json, refund_json, zone
from adapters.woocommerce.sandbox_shop import HIDDEN_STATUSES, Shop

WRITE = ("POST", "PUT", "PATCH")
LARGEST_BATCH = 100
_TEXT_FIELDS = (
    "customer_note", "payment_method", "payment_method_title", "transaction_id", "customer_id", "created_via", "currency",
)  # fmt: skip

api = Blueprint("woocommerce_api", __name__, url_prefix="/wp-json")


@api.before_request
def _authorise() -> Response | None:
    """A firewall may stand before everything; then the key and what its user may do."""
    box = sandbox()
    if box.switch("firewall"):
        return web_page(403, "403 Forbidden")
    if box.switch("maintenance"):
        return web_page(503, "503 Service Temporarily Unavailable")
    if request.path.rstrip("/") == "/wp-json":
        return None
    permissions = authenticate()
    may = "view" if request.method in ("GET", "HEAD") else "edit"
    if permissions is None:
        raise ApiError(f"woocommerce_rest_cannot_{may}", f"Sorry, you cannot {may} this resource.", 401)
    check_permission(permissions)
    if box.state.setting("user_role", "administrator") not in ("administrator", "shop_manager"):
        raise ApiError(f"woocommerce_rest_cannot_{may}", f"Sorry, you are not allowed to {may} this resource.", 403)
    return None


@api.errorhandler(ApiError)
def _refuse(problem: ApiError) -> Response:
    headers = {"WWW-Authenticate": 'Basic realm="WooCommerce API"'} if problem.status == 401 else {}
    return answer(problem.as_json(), problem.status, headers)


@api.get("/", strict_slashes=False)
def index() -> Response:
    """What the site says of itself to anybody."""
    state = sandbox().state
    spaces = ["oembed/1.0", "wc/v1", "wc/v2", "wc/v3", "wp/v2"]
    spaces += ["wc-shipment-tracking/v3"] if sandbox().switch("shipment_tracking") else []
    return answer({
        "name": state.setting("store_name", "Sandbox shop"), "description": "", "url": home(state), "home": home(state),
        "gmt_offset": "1", "timezone_string": zone(state).key, "namespaces": spaces,
    })  # fmt: skip


# Orders


@api.get("/wc/v3/orders")
def orders() -> Response:
    state = sandbox().state
    wanted = [slug for slug in request.args.get("status", "any").split(",") if slug]
    known = {"any", *statuses(), *HIDDEN_STATUSES}
    for slug in wanted:
        if slug not in known:
            words = f"status[0] is not one of {', '.join(sorted(known))}."
            raise invalid_param("status", words, "rest_not_in_enum")
    slugs = among("status", HIDDEN_STATUSES, no=True) if "any" in wanted else among("status", wanted)
    narrowed = {"customer", "product", "search"} & set(request.args)
    return indexed(
        state, "order", [slugs, *dates(state)], lambda each: order_json(state, each), "orders", _matches if narrowed else None
    )


@api.post("/wc/v3/orders")
def create_order() -> Response:
    shop, fields = _shop(), body()
    status = _status(fields.get("status", "pending"))
    with shop.state.transaction():
        lines = [_new_line(shop, item) for item in _list(fields, "line_items")]
        order = shop.new_order({
            **{name: fields[name] for name in _TEXT_FIELDS if name in fields}, "created_via": fields.get("created_via", "rest-api"),
            "line_items": lines, "meta_data": _merged([], fields, shop),
            "shipping_lines": [_new_shipping(shop, item) for item in _list(fields, "shipping_lines")],
        })  # fmt: skip
        _addresses(order, fields)
        shop.enter(order, status)
        shop.save(order, "order.created")
    shop.send()
    if fields.get("set_paid") is True:
        order = shop.pay(order["id"], str(fields.get("transaction_id") or ""))
    return answer(order_json(shop.state, order), 201)


@api.get("/wc/v3/orders/statuses")
def order_statuses() -> Response:
    return answer([{"slug": slug, "name": name} for slug, name in statuses().items()])


@api.route("/wc/v3/orders/batch", methods=WRITE)
def batch_orders() -> Response:
    """Many changes at once. Items skip the schema: a status that does not exist makes the order pending."""
    shop, fields = _shop(), body()
    operations = [(kind, item) for kind in ("update", "delete") for item in _list(fields, kind)]
    if len(operations) > LARGEST_BATCH:
        raise ApiError("woocommerce_rest_request_entity_too_large", "Unable to accept more than 100 items for this request.", 413)
    done: dict[str, list[Any]] = {}
    for kind, item in operations:
        try:
            id = str(item.get("id") if isinstance(item, dict) else item)
            shown = order_json(shop.state, _changed(shop, id, item if kind == "update" else {"status": "trash"}, checked=False))
        except ApiError as problem:
            shown = {"id": item.get("id") if isinstance(item, dict) else item, "error": problem.as_json()}
        done.setdefault(kind, []).append(shown)
    return answer(done)


@api.get("/wc/v3/orders/<int:id>")
def order(id: int) -> Response:
    return answer(order_json(sandbox().state, _order(id, 404)))


@api.route("/wc/v3/orders/<int:id>", methods=WRITE)
def update_order(id: int) -> Response:
    shop = _shop()
    return answer(order_json(shop.state, _changed(shop, str(id), body(), checked=True)))


@api.delete("/wc/v3/orders/<int:id>")
def delete_order(id: int) -> Response:
    shop, found = _shop(), _order(id, 404)
    shown = order_json(shop.state, found)
    if flag("force"):
        shop.delete(id)
    elif found["status"] == "trash":
        raise ApiError("woocommerce_rest_already_trashed", "The order has already been deleted.", 410)
    else:
        shown = order_json(shop.state, shop.trash(id))
    return answer(shown)


def _changed(shop: Shop, id: str, fields: Mapping[str, Any], *, checked: bool) -> dict[str, Any]:
    """One order with these changes made. An unknown id is 400 here and not 404. Fields nobody knows are ignored."""
    found = _order(id, 400)
    slug = fields.get("status")
    if slug is not None:
        slug = _status(slug) if checked else _loosely(slug)
    if slug == "trash":
        return shop.trash(id)
    for item in _list(fields, "line_items"):
        _change_line(shop, id, item)
    with shop.state.transaction():
        found = shop.order(id)
        found |= {name: fields[name] for name in _TEXT_FIELDS if name in fields}
        found["meta_data"] = _merged(found["meta_data"], fields, shop)
        _addresses(found, fields)
        total_up(found)
        if slug is not None:
            shop.enter(found, slug)
        shop.save(found)
    shop.send()
    if fields.get("set_paid") is True:
        return shop.pay(id, str(fields.get("transaction_id") or ""))
    return found


def _change_line(shop: Shop, id: str, item: Mapping[str, Any]) -> None:
    """With an id the line changes, its amounts only when they are given; without one it is a new line."""
    if not item.get("id"):
        order = shop.order(id)
        shop.change_order(id, {"line_items": [*order["line_items"], _new_line(shop, item)]})
        return
    gone = "product_id" in item and item["product_id"] is None
    if gone or "quantity" in item:
        shop.change_line(id, int(item["id"]), 0 if gone else int(item["quantity"]), amounts=False)
    order = shop.order(id)
    line = next((each for each in order["line_items"] if each["id"] == item["id"]), None)
    if line is not None and {"total", "subtotal"} & set(item):
        for name in ("total", "subtotal"):
            net = Decimal(str(item.get(name, line[name])))
            line |= {name: text(net), f"{name}_tax": text(net * Decimal(line["rate"]) / 100)}
        shop.change_order(id, {"line_items": order["line_items"]})


# Notes


@api.get("/wc/v3/orders/<int:id>/notes")
def notes(id: int) -> Response:
    _order(id, 404)
    state, kind = sandbox().state, request.args.get("type", "any")
    found = [each for each in owned(state, "note", id) if kind in ("any", _kind_of(each))]
    return answer([note_json(state, each) for each in reversed(found)])


@api.post("/wc/v3/orders/<int:id>/notes")
def create_note(id: int) -> Response:
    _order(id, 404)
    fields, shop = body(), _shop()
    if not isinstance(fields.get("note"), str):
        raise ApiError("rest_missing_callback_param", "Missing parameter(s): note", 400, {"params": ["note"]})
    return answer(note_json(shop.state, shop.note(id, fields["note"], customer=fields.get("customer_note") is True)), 201)


@api.delete("/wc/v3/orders/<int:id>/notes/<int:note_id>")
def delete_note(id: int, note_id: int) -> Response:
    state = sandbox().state
    found = state.get("note", note_id)
    if found is None or found["order"] != id:
        raise ApiError("woocommerce_rest_invalid_id", "Invalid resource ID.", 404)
    if not flag("force"):
        raise ApiError("woocommerce_rest_trash_not_supported", "Webhooks do not support trashing.", 501)
    state.delete("note", note_id)
    return answer(note_json(state, found))


def _kind_of(note: Mapping[str, Any]) -> str:
    return "customer" if note["customer_note"] else "internal"


# Refunds


@api.get("/wc/v3/orders/<int:id>/refunds")
def refunds(id: int) -> Response:
    found, state = _order(id, 404), sandbox().state
    mine = [each | {"modified": each["created"]} for each in owned(state, "refund", id)]
    return listed(state, mine, lambda each: refund_json(state, each, found), f"orders/{id}/refunds")


@api.post("/wc/v3/orders/<int:id>/refunds")
def create_refund(id: int) -> Response:
    found, fields, shop = _order(id, 404), body(), _shop()
    lines = _list(fields, "line_items")
    refund = shop.refund(
        id, _refund_amount(fields, lines), str(fields.get("reason") or ""), lines,
        through_gateway=fields.get("api_refund", True) is True, restock=fields.get("api_restock", True) is True,
        meta=_merged([], fields, shop),
    )  # fmt: skip
    return answer(refund_json(shop.state, refund, found), 201)


def _refund_amount(fields: Mapping[str, Any], lines: list[dict[str, Any]]) -> Decimal:
    """The amount given, or else what the lines add up to."""
    try:
        if fields.get("amount") is not None:
            return Decimal(str(fields["amount"]))
        taxes = [tax for line in lines for tax in line.get("refund_tax") or ()]
        return sum((Decimal(str(each.get("refund_total") or 0)) for each in [*lines, *taxes]), Decimal(0))
    except InvalidOperation:
        raise ApiError("woocommerce_rest_invalid_order_refund", "Refund amount must be greater than zero.", 400) from None


@api.get("/wc/v3/refunds")
def all_refunds() -> Response:
    state = sandbox().state
    found = [each | {"modified": each["created"]} for each in state.all("refund") if state.get("order", each["order"])]
    return listed(state, found, lambda each: refund_json(state, each, state.get("order", each["order"]) or {}), "refunds")


# Parts


def _shop() -> Shop:
    return Shop(sandbox())


def _order(id: int | str, status: int) -> dict[str, Any]:
    found = sandbox().state.get("order", id)
    if found is None:
        raise ApiError("woocommerce_rest_shop_order_invalid_id", "Invalid ID.", status)
    return found


def _status(slug: object) -> str:
    known = ["auto-draft", *statuses()]
    if slug not in known:
        raise invalid_param("status", f"status is not one of {', '.join(known)}.", "rest_not_in_enum")
    return str(slug)


def _loosely(slug: object) -> str:
    bare = str(slug).removeprefix("wc-")
    return bare if bare in statuses() else "pending"


def _list(fields: Mapping[str, Any], name: str) -> list[Any]:
    value = fields.get(name) or []
    if not isinstance(value, list):
        raise invalid_param(name, f"{name} is not of type array.", "rest_invalid_type")
    return value


def _merged(present: list[dict[str, Any]], fields: Mapping[str, Any], shop: Shop) -> list[dict[str, Any]]:
    """Meta data with what was sent: matched by id, or else by key; null takes an entry away."""
    found = [dict(each) for each in present]
    for item in _list(fields, "meta_data"):
        same = next((e for e in found if e["id"] == item.get("id") or e["key"] == item.get("key")), None)
        if same is not None and item.get("value") is None:
            found.remove(same)
        elif same is not None:
            same["value"] = item["value"]
        elif item.get("value") is not None:
            found += shop.meta({str(item.get("key")): item["value"]})
    return found


def _addresses(order: dict[str, Any], fields: Mapping[str, Any]) -> None:
    for name in ("billing", "shipping"):
        given = fields.get(name)
        if isinstance(given, dict):
            order[name] = {**order[name], **{key: str(value or "") for key, value in given.items() if key in order[name]}}


def _new_line(shop: Shop, item: Mapping[str, Any]) -> dict[str, Any]:
    """A line for a product, by id or sku. An sku nobody knows makes a line without a product."""
    id = item.get("variation_id") or item.get("product_id")
    if not id and not item.get("sku"):
        raise ApiError("woocommerce_rest_required_product_reference", "Product ID or SKU is required.", 400)
    skus = {each["sku"]: each["id"] for each in shop.state.all("product")}
    id = id or skus.get(item["sku"])
    units = int(item.get("quantity", 1))
    if id:
        return shop.lines_of(int(id), units)[0]
    line = {"id": shop.state.next("item"), "name": str(item.get("name") or ""), "quantity": units, "rate": "0",
            "product_id": 0, "variation_id": 0, "meta_data": []}  # fmt: skip
    charge(line, Decimal(str(item.get("total") or 0)), Decimal(0), with_tax=True)
    return line


def _new_shipping(shop: Shop, item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": shop.state.next("item"), "method_title": str(item.get("method_title") or ""), "method_id": str(item.get("method_id") or ""),
        "instance_id": str(item.get("instance_id") or ""), "total": text(Decimal(str(item.get("total") or 0))), "total_tax": "0.00",
        "rate": "0", "meta_data": _merged([], item, shop),
    }  # fmt: skip


def _matches(order: Mapping[str, Any]) -> bool:
    """Whether `customer`, `product` and `search` let it through. Search looks at ids, names and addresses, not at meta."""
    customer, product = whole("customer", 0), whole("product", 0)
    if customer and order["customer_id"] != customer:
        return False
    if product and all(product not in (line["product_id"], line["variation_id"]) for line in order["line_items"]):
        return False
    words = request.args.get("search", "").lower()
    texts = [order["number"], *order["billing"].values(), *order["shipping"].values(), *(e["name"] for e in order["line_items"])]
    return not words or any(words in re.sub(r"\s+", " ", str(each)).lower() for each in texts)
