"""Authorisation and the V2 part of the API as the sandbox speaks it: bare lists, 204 for empty ones, RFC 2822 dates."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import wraps
from typing import Any

from flask import Blueprint, Response, g, request
from werkzeug.datastructures import MultiDict

from adapters.bigcommerce import sandbox_fulfilment as fulfilment
from adapters.bigcommerce import sandbox_shop as staff
from adapters.bigcommerce.progress import STATUS_NAMES
from adapters.bigcommerce.sandbox_core import Shop, ShopError, public
from adapters.bigcommerce.sandbox_orders import address_document, consignments, document, taxes
from adapters.sandbox import sandbox, to_json

PROBLEMS = "https://developer.bigcommerce.com/api-docs/getting-started/api-status-codes"
MOST_ROWS = 250

api = Blueprint("bigcommerce_v2", __name__, url_prefix="/stores/<store>/v2")


def error(status: int, words: str, errors: Mapping[str, str] | None = None) -> Response:
    """The vendor's error, in the shape of the version that was called."""
    if "/v2/" in f"{request.path}/":
        body: Any = [{"status": status, "message": words, **({"details": dict(errors)} if errors else {})}]
    else:
        body = {"status": status, "title": words, "type": PROBLEMS, "errors": dict(errors or {})}
    kind = "application/json" if isinstance(body, list) else "application/problem+json"
    return Response(to_json(body), status, mimetype=kind)


def authorise() -> Response | None:
    """The token must belong to this store; its scopes are looked at by each call."""
    state = sandbox().state
    known = state.get("token", request.headers.get("X-Auth-Token", ""))
    store = (request.view_args or {}).get("store")
    if known is None or store != state.setting("store_hash"):
        return error(401, "No access token was found in your request, or it is not valid for this store.")
    g.client_id, g.scopes = known["client_id"], frozenset(known["scopes"])
    return None


def refuse(problem: ShopError) -> Response:
    """A refusal of the shop as an answer of the API."""
    return error(problem.status, problem.message, problem.errors)


api.before_request(authorise)
api.register_error_handler(ShopError, refuse)


def scope(*names: str, status: int = 200) -> Callable[[Callable[..., Any]], Callable[..., Response]]:
    """A view that needs one of these scopes; it gives a JSON value, a Response, or None for 204. Whoever may modify may
    read."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Response]:
        @wraps(view)
        def guarded(store: str, **arguments: Any) -> Response:
            if not any(allowed(name) for name in names):
                return error(403, "You don't have a required scope to access the endpoint")
            found = view(**arguments)
            if isinstance(found, Response):
                return found
            if found is None:
                return Response(status=204)
            return Response(to_json(found), status, mimetype="application/json")

        return guarded

    return decorate


def allowed(name: str) -> bool:
    """Whether the token has a scope; the modifying one includes its `_read_only`."""
    wider = {name, name.removesuffix("_read_only"), name.replace("_read_only", "_manage")}
    return bool(wider & set(g.scopes))


def shop() -> Shop:
    """The shop of the current request."""
    return Shop(sandbox())


def body_object() -> dict[str, Any]:
    """The JSON object that was sent. Raises ShopError."""
    value = body_json()
    if not isinstance(value, dict):
        raise ShopError("The request body is not a JSON object.", 400)
    return value


def body_json() -> Any:
    """The JSON that was sent. Raises ShopError (415, 400)."""
    if not request.is_json:
        raise ShopError("The content type must be application/json.", 415)
    value = request.get_json(silent=True)
    if value is None:
        raise ShopError("The request body is not JSON.", 400)
    return value


def number(arguments: MultiDict[str, str], name: str, default: int) -> int:
    """A number in the query. Raises ShopError (400)."""
    text = arguments.get(name, "")
    if not text:
        return default
    if not text.isdigit() or len(text) > 15:
        raise ShopError(f"The field '{name}' is invalid.", 400)
    return int(text)


def v2_page(rows: Sequence[Any]) -> list[Any] | None:
    """One page of a V2 list; nothing (204) when it is empty."""
    page, size = max(1, number(request.args, "page", 1)), min(max(1, number(request.args, "limit", 50)), MOST_ROWS)
    found = list(rows[(page - 1) * size : page * size])
    return found or None


READ, WRITE = "store_v2_orders_read_only", "store_v2_orders"


@api.get("/store")
@scope("store_v2_information_read_only")
def store_information() -> dict[str, Any]:
    state = sandbox().state
    return {
        "id": state.setting("store_hash"), "name": state.setting("store_name", "Sandbox shop"), "domain": "shop.example",
        "secure_url": "https://shop.example", "currency": state.setting("currency", "EUR"), "plan_name": "Sandbox",
        "timezone": {"name": "Europe/Amsterdam"}, "prices_include_tax": True, "country_code": "NL",
    }  # fmt: skip


@api.get("/time")
@scope(READ, "store_v2_information_read_only")
def store_time() -> dict[str, int]:
    return {"time": int(sandbox().state.now())}


@api.get("/order_statuses")
@scope(READ)
def order_statuses() -> list[dict[str, Any]]:
    return [_status(id) for id in STATUS_NAMES]


@api.get("/order_statuses/<int:status_id>")
@scope(READ)
def order_status(status_id: int) -> dict[str, Any]:
    if status_id not in STATUS_NAMES:
        raise ShopError("The requested resource was not found.", 404)
    return _status(status_id)


def _status(id: int) -> dict[str, Any]:
    labels = sandbox().state.setting("custom_labels", {})
    return {
        "id": id, "name": STATUS_NAMES[id], "system_label": STATUS_NAMES[id],
        "custom_label": labels.get(str(id), STATUS_NAMES[id]), "system_description": f"{STATUS_NAMES[id]}.", "order": id,
    }  # fmt: skip


# Orders


@api.get("/orders")
@scope(READ)
def orders() -> list[Any] | None:
    """Filtered by an index of dates first, since most lists ask for what changed."""
    place, query = shop(), request.args
    chosen = _in_range(place, query)
    exact = {
        name: query[name]
        for name in (
            "status_id",
            "customer_id",
            "email",
            "channel_id",
            "external_order_id",
            "cart_id",
            "payment_method",
        )
        if query.get(name)
    }
    rows = (
        [order for id in _sorted(place, chosen) if _fits(order := place.order(id), exact)]
        if exact
        else _sorted(place, chosen)
    )
    page = v2_page(rows)
    found = [row if isinstance(row, dict) else place.order(row) for row in page or ()]
    if query.get("is_deleted") is not None:
        found = [order for order in found if order["is_deleted"] == (query["is_deleted"] == "true")]
    return [
        document(place, order, query.get("include", ""), query.get("consignment_structure", "")) for order in found
    ] or None


def _in_range(place: Shop, query: MultiDict[str, str]) -> list[int]:
    """Orders between the smallest and the largest of everything that has an order."""
    ids = number(query, "min_id", 0), number(query, "max_id", 10**15)
    modified = _seconds(query, "min_date_modified", 0), _seconds(query, "max_date_modified", 10**12)
    created = _seconds(query, "min_date_created", 0), _seconds(query, "max_date_created", 10**12)
    return [
        id
        for id, (changed, made, _) in list(place.index.rows.items())
        if ids[0] <= id <= ids[1] and modified[0] <= changed <= modified[1] and created[0] <= made <= created[1]
    ]


def _fits(order: Mapping[str, Any], exact: Mapping[str, str]) -> bool:
    return all(
        str(order["billing_address"].get("email", "") if name == "email" else order.get(name)).lower() == wanted.lower()
        for name, wanted in exact.items()
    )


def _sorted(place: Shop, chosen: Collection[int]) -> list[int]:
    field, _, direction = request.args.get("sort", "id:asc").partition(":")
    rows = place.index.rows
    keys: dict[str, Callable[[int], Any]] = {
        "id": lambda id: id, "date_modified": lambda id: (rows[id][0], id), "date_created": lambda id: (rows[id][1], id),
    }  # fmt: skip
    if field not in keys:
        raise ShopError("The field 'sort' is invalid.", 400)
    return sorted(chosen, key=keys[field], reverse=direction == "desc")


def _seconds(query: MultiDict[str, str], name: str, default: int) -> int:
    """A moment in the query: RFC 2822 or ISO 8601."""
    text = query.get(name)
    if text is None:
        return default
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(text)
        except (ValueError, TypeError):
            continue
        return int((moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).timestamp())
    raise ShopError(f"The field '{name}' is invalid.", 400)


@api.get("/orders/count")
@scope(READ)
def orders_count() -> dict[str, Any]:
    counts = dict.fromkeys(STATUS_NAMES, 0)
    for _, _, status in shop().index.rows.values():
        counts[status] += 1
    statuses = [{"id": id, "name": name, "count": counts[id]} for id, name in STATUS_NAMES.items()]
    return {"statuses": statuses, "count": sum(counts.values())}


@api.get("/orders/<int:order_id>")
@scope(READ)
def order(order_id: int) -> dict[str, Any]:
    place = shop()
    return document(
        place, place.order(order_id), request.args.get("include", ""), request.args.get("consignment_structure", "")
    )


_WRITABLE = ("staff_notes", "customer_message", "external_order_id", "external_id", "payment_method", "external_source")


@api.put("/orders/<int:order_id>")
@scope(WRITE)
def update_order(order_id: int) -> dict[str, Any]:
    place, fields = shop(), body_object()
    found = place.order(order_id)
    status = fields.get("status_id", found["status_id"])
    if isinstance(status, bool) or status not in STATUS_NAMES:
        raise ShopError("The field 'status_id' is invalid.", 400)
    with place.change():
        for line in fields.get("products") or ():
            staff.edit(place, order_id, int(line.get("id") or 0), int(line.get("quantity") or 0))
        found = place.order(order_id)
        changed = {name: fields[name] for name in _WRITABLE if name in fields}
        if changed:
            found = place.save(found | changed, quiet=status != found["status_id"])
        if status != found["status_id"]:
            found = staff.change_status(place, order_id, status)
    return document(place, found)


@api.delete("/orders/<int:order_id>")
@scope(WRITE)
def delete_order(order_id: int) -> None:
    staff.archive(shop(), order_id)


@api.get("/orders/<int:order_id>/products")
@scope(READ)
def order_products(order_id: int) -> list[Any] | None:
    return v2_page([public(line) for line in shop().order(order_id)["_lines"]])


@api.get("/orders/<int:order_id>/products/<int:line_id>")
@scope(READ)
def order_product(order_id: int, line_id: int) -> dict[str, Any]:
    for line in shop().order(order_id)["_lines"]:
        if line["id"] == line_id:
            return public(line)
    raise ShopError("The requested resource was not found.", 404)


@api.get("/orders/<int:order_id>/shipping_addresses")
@api.get("/orders/<int:order_id>/shippingaddresses")
@scope(READ)
def shipping_addresses(order_id: int) -> list[Any] | None:
    place = shop()
    found = place.order(order_id)
    return v2_page([address_document(place, found, each) for each in found["_addresses"]])


@api.get("/orders/<int:order_id>/consignments")
@scope(READ)
def order_consignments(order_id: int) -> dict[str, Any]:
    place = shop()
    return consignments(
        place, place.order(order_id), with_lines="consignments.line_items" in request.args.get("include", "")
    )


@api.get("/orders/<int:order_id>/taxes")
@scope(READ)
def order_taxes(order_id: int) -> list[Any] | None:
    return v2_page(taxes(shop().order(order_id)))


@api.get("/orders/<int:order_id>/fees")
@scope(READ)
def order_fees(order_id: int) -> list[Any] | None:
    return v2_page(shop().order(order_id)["_fees"])


@api.get("/orders/<int:order_id>/<any(coupons, messages):kind>")
@scope(READ)
def order_extras(order_id: int, kind: str) -> None:
    shop().order(order_id)


# Shipments


@api.get("/orders/<int:order_id>/shipments")
@scope(READ)
def shipments(order_id: int) -> list[Any] | None:
    place = shop()
    place.order(order_id)
    return v2_page(fulfilment.shipments(place, order_id))


@api.post("/orders/<int:order_id>/shipments")
@scope(WRITE, status=201)
def create_shipment(order_id: int) -> dict[str, Any]:
    return fulfilment.ship(shop(), order_id, body_object())


@api.get("/orders/<int:order_id>/shipments/count")
@scope(READ)
def shipments_count(order_id: int) -> dict[str, int]:
    return {"count": len(fulfilment.shipments(shop(), order_id))}


@api.get("/orders/<int:order_id>/shipments/<int:shipment_id>")
@scope(READ)
def shipment(order_id: int, shipment_id: int) -> dict[str, Any]:
    return fulfilment.shipment_of(shop(), order_id, shipment_id)


@api.put("/orders/<int:order_id>/shipments/<int:shipment_id>")
@scope(WRITE)
def update_shipment(order_id: int, shipment_id: int) -> dict[str, Any]:
    return fulfilment.change_shipment(shop(), order_id, shipment_id, body_object())


@api.delete("/orders/<int:order_id>/shipments/<int:shipment_id>")
@scope(WRITE)
def remove_shipment(order_id: int, shipment_id: int) -> None:
    fulfilment.delete_shipment(shop(), order_id, shipment_id)
