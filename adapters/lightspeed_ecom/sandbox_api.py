"""The REST API v3 as the sandbox speaks it: same paths, authorisation, paging, answers and errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import wraps
from typing import Any

from flask import Blueprint, Response, current_app, g, request
from flask.sansio.blueprints import BlueprintSetupState

from adapters.lightspeed_ecom.sandbox_shop import Shop, ShopError
from adapters.sandbox import sandbox, to_json
from adapters.sandbox.app import RateLimit

PAGE_SIZE = 100
SCOPES = (
    "read_store_profile", "update_store_profile", "read_orders", "update_orders", "create_orders", "read_catalog",
    "update_catalog", "read_customers",
)  # fmt: skip
FAILURES_PER_MINUTE = 20
"""A token that keeps failing is blocked after so many requests in a minute."""

_ORDER_FIELDS = frozenset({
    "email", "orderComments", "privateAdminNotes", "fulfillmentStatus", "trackingNumber", "trackingUrl", "pickupTime",
    "paymentStatus", "paymentMethod", "paymentModule", "paymentReference", "externalTransactionId", "customerId",
    "customerGroup", "total", "subtotal", "tax", "couponDiscount", "discount", "items", "billingPerson", "shippingPerson",
    "shippingOption", "taxesOnShipping", "handlingFee", "externalFulfillment", "externalOrderId", "pricesIncludeTax",
    "disableAllCustomerNotifications", "orderExtraFields", "customSurcharges", "totalBeforeGiftCardRedemption",
    "giftCardRedemption",
})  # fmt: skip
_DATE_FORMS = ("%Y-%m-%d %H:%M:%S %z", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d")

api = Blueprint("ecom_api", __name__, url_prefix="/api/v3/<store>")


@api.record
def _count_failures(setup: BlueprintSetupState) -> None:
    setup.app.extensions["ecom_failures"] = RateLimit(FAILURES_PER_MINUTE)


def error(status: int, words: str) -> Response:
    """The vendor's error: the reason in the status line and as JSON."""
    body = to_json({"errorMessage": words, "errorCode": _CODES.get(status, "ERROR")})
    answer = Response(body, mimetype="application/json")
    answer.status = f"{status} {words.encode('ascii', 'replace').decode()}"
    return answer


_CODES = {400: "BAD_REQUEST", 401: "UNAUTHORIZED", 403: "FORBIDDEN", 404: "NOT_FOUND", 409: "CONFLICT", 415: "UNSUPPORTED",
          429: "TOO_MANY_REQUESTS", 500: "INTERNAL"}  # fmt: skip


@api.before_request
def _authorise() -> Response | None:
    """Bearer token and store must belong together."""
    state = sandbox().state
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    public = state.setting("public_token")
    if scheme == "Bearer" and request.view_args and request.view_args["store"] == str(state.setting("store_id")):
        if token == state.setting("token"):
            g.scopes = frozenset(state.setting("scopes", SCOPES))
            return None
        if public and token == public:
            g.scopes = frozenset({"read_store_profile", "read_catalog"})
            return None
    wait = current_app.extensions["ecom_failures"].wait_needed()
    if wait:
        answer = error(429, "Token is blocked for failing too often")
        answer.headers["Retry-After"] = str(int(wait) + 1)
        return answer
    if not token:
        return error(401, "Access token is missing")
    return error(403, "Access token is invalid for this store")


@api.errorhandler(ShopError)
def _refuse(problem: ShopError) -> Response:
    return error(problem.status, problem.message)


def scope(name: str) -> Callable[[Callable[..., Any]], Callable[..., Response]]:
    """A view that needs a scope; it gives a JSON value and is not told the store."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Response]:
        @wraps(view)
        def guarded(store: str, **arguments: Any) -> Response:
            if name not in g.scopes:
                return error(403, f"The token lacks the scope {name}")
            return Response(to_json(view(**arguments)), mimetype="application/json")

        return guarded

    return decorate


# Profile


@api.get("/profile")
@scope("read_store_profile")
def profile() -> dict[str, Any]:
    state = sandbox().state
    return {
        "generalInfo": {"storeId": state.setting("store_id")},
        "settings": {"storeName": state.setting("store_name", "Sandbox shop"), "closed": False},
        "formatsAndUnits": {"currency": state.setting("currency", "EUR"), "timezone": "Europe/Amsterdam"},
        "taxSettings": {"pricesIncludeTax": state.setting("prices_include_tax", True)},
    }


@api.get("/profile/shippingOptions")
@scope("read_store_profile")
def shipping_options() -> list[dict[str, Any]]:
    return sandbox().state.all("shipping_option")


@api.get("/profile/order_statuses")
@scope("read_store_profile")
def order_statuses() -> list[dict[str, Any]]:
    return sandbox().state.all("order_status")


@api.put("/profile/order_status/<status>")
@scope("update_store_profile")
def update_order_status(status: str) -> dict[str, int]:
    state = sandbox().state
    known = state.get("order_status", status)
    if known is None:
        raise ShopError(f"Status {status} was not found", 404)
    changes = {
        name: value
        for name, value in _body().items()
        if name in ("enabled", "name", "sendNotificationWhenStatusIsAssigned")
    }
    state.put("order_status", status, known | changes)
    return {"updateCount": 1 if changes else 0}


# Orders


@api.get("/orders")
@scope("read_orders")
def orders() -> dict[str, Any]:
    found = [order for order in sandbox().state.all("order")[::-1] if _matches(order)]
    return _page(found)


@api.get("/orders/deleted")
@scope("read_orders")
def deleted_orders() -> dict[str, Any]:
    return _page(sandbox().state.all("deleted_order"))


@api.post("/orders")
@scope("create_orders")
def create_order() -> dict[str, Any]:
    order = _shop().create_order(_known(_body()))
    return {"id": order["internalId"], "orderId": order["id"]}


@api.get("/orders/<path:order_id>")
@scope("read_orders")
def order(order_id: str) -> dict[str, Any]:
    return _shop().order(order_id)


@api.put("/orders/<path:order_id>")
@scope("update_orders")
def update_order(order_id: str) -> dict[str, int]:
    shop, fields = _shop(), _known(_body())
    shop.order(order_id)
    if not fields:
        return {"updateCount": 0}
    shop.update_order(order_id, fields)
    return {"updateCount": 1}


@api.delete("/orders/<path:order_id>")
@scope("update_orders")
def delete_order(order_id: str) -> dict[str, int]:
    _shop().delete_order(order_id)
    return {"deleteCount": 1}


# Products


@api.get("/products")
@scope("read_catalog")
def products() -> dict[str, Any]:
    wanted = request.args.get("sku")
    found = [each for each in sandbox().state.all("product") if wanted is None or wanted in _skus(each)]
    return _page(found)


@api.get("/products/<int:product_id>")
@scope("read_catalog")
def product(product_id: int) -> dict[str, Any]:
    return _shop().product(product_id)


@api.put("/products/<int:product_id>")
@scope("update_catalog")
def update_product(product_id: int) -> dict[str, int]:
    shop, body = _shop(), _body()
    shop.product(product_id)
    if "quantity" in body:
        _write_stock(product_id, None, to=_whole(body["quantity"], "quantity"))
    others = {name: value for name, value in body.items() if name in ("name", "price", "sku", "enabled", "unlimited")}
    if others:
        shop.save_product(product_id, others)
    return {"updateCount": 1 if others or "quantity" in body else 0}


@api.put("/products/<int:product_id>/inventory")
@scope("update_catalog")
def adjust_product(product_id: int) -> dict[str, Any]:
    return _adjust(product_id, None)


@api.get("/products/<int:product_id>/combinations")
@scope("read_catalog")
def combinations(product_id: int) -> list[dict[str, Any]]:
    return list(_shop().product(product_id).get("combinations", ()))


@api.put("/products/<int:product_id>/combinations/<int:combination_id>")
@scope("update_catalog")
def update_combination(product_id: int, combination_id: int) -> dict[str, int]:
    body = _body()
    if "quantity" not in body:
        return {"updateCount": 0}
    _write_stock(product_id, combination_id, to=_whole(body["quantity"], "quantity"))
    return {"updateCount": 1}


@api.put("/products/<int:product_id>/combinations/<int:combination_id>/inventory")
@scope("update_catalog")
def adjust_combination(product_id: int, combination_id: int) -> dict[str, Any]:
    return _adjust(product_id, combination_id)


# Customers


@api.get("/customers")
@scope("read_customers")
def customers() -> dict[str, Any]:
    wanted = request.args.get("email", "").lower()
    return _page([each for each in sandbox().state.all("customer") if wanted in each["email"].lower()])


def _shop() -> Shop:
    return Shop(sandbox())


def _body() -> dict[str, Any]:
    if not request.is_json:
        raise ShopError("Content type must be application/json", 415)
    value = request.get_json(silent=True)
    if not isinstance(value, dict):
        raise ShopError("The body is not a JSON object")
    return value


def _known(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name in _ORDER_FIELDS}


def _whole(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ShopError(f"{name} must be an integer")
    return value


def _adjust(product_id: int, combination_id: int | None) -> dict[str, Any]:
    new = _write_stock(product_id, combination_id, by=_whole(_body().get("quantityDelta"), "quantityDelta"))
    return {"updateCount": 1} | ({"warning": "Quantity is negative"} if new < 0 else {})


def _write_stock(product_id: int, combination_id: int | None, *, to: int | None = None, by: int = 0) -> int:
    if sandbox().switch("api_refuses_stock"):
        raise ShopError("Stock is managed by the connected point of sale", 409)
    return _shop().set_quantity(product_id, combination_id, to=to, by=by)


def _skus(product: Mapping[str, Any]) -> set[str]:
    return {product["sku"], *(each["sku"] for each in product.get("combinations", ()))}


def _matches(order: Mapping[str, Any]) -> bool:
    """Whether an order fits the query. Carts are left out unless their status is asked for."""
    query = request.args
    payment = _words(query.get("paymentStatus"))
    if order["paymentStatus"] == "INCOMPLETE" and "INCOMPLETE" not in payment:
        return False
    listed = (("ids", order["id"]), ("paymentStatus", order["paymentStatus"]), ("fulfillmentStatus", order["fulfillmentStatus"]),
              ("email", order.get("email")), ("customerId", str(order.get("customerId"))))  # fmt: skip
    for name, value in listed:
        if query.get(name) and value not in _words(query[name]):
            return False
    for name, seconds in (("created", order["createTimestamp"]), ("updated", order["updateTimestamp"])):
        if not _seconds(f"{name}From", 0) <= seconds <= _seconds(f"{name}To", sandbox().state.now() + 1e9):
            return False
    return query.get("keywords", "").lower() in to_json(order).lower()


def _words(text: str | None) -> set[str]:
    return {word for word in (text or "").split(",") if word}


def _seconds(name: str, default: float) -> float:
    """A moment in the query: UNIX seconds or one of the vendor's date forms, UTC."""
    text = request.args.get(name)
    if text is None:
        return default
    if text.isascii() and text.isdigit():
        return float(text)
    for form in _DATE_FORMS:
        try:
            moment = datetime.strptime(text, form)
        except ValueError:
            continue
        return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).timestamp()
    raise ShopError(f"{name} is not a date")


def _page(found: Iterable[dict[str, Any]]) -> dict[str, Any]:
    everything = list(found)
    offset = max(request.args.get("offset", 0, type=int), 0)
    limit = min(max(request.args.get("limit", PAGE_SIZE, type=int), 1), PAGE_SIZE)
    items = everything[offset : offset + limit]
    return {"total": len(everything), "count": len(items), "offset": offset, "limit": limit, "items": items}
