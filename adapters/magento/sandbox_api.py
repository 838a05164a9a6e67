"""The REST API V1 as the sandbox speaks it: same paths, authorisation, answers and errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import lru_cache, wraps
from typing import Any

from flask import Blueprint, Response, request

from adapters.magento import sandbox_documents as documents
from adapters.magento import sandbox_index
from adapters.magento.sandbox_oauth import authorise
from adapters.magento.sandbox_sales import public
from adapters.magento.sandbox_search import only, parse, search
from adapters.magento.sandbox_shop import NO_ENTITY, Shop
from adapters.magento.sandbox_stock import ShopError
from adapters.sandbox import from_json, sandbox, to_json

NO_ROUTE = "Request does not match any route."
MOST_PER_PAGE = 300
"""With input limits on."""

STORES = ("default", "all", "en")

api = Blueprint("magento_api", __name__, url_prefix="/rest")

_ORDERS, _PRODUCTS, _SOURCES = "Magento_Sales::actions_view", "Magento_Catalog::products", "Magento_InventoryApi::source"
_parsed = lru_cache(maxsize=50_000)(from_json)


def error(status: int, words: str, parameters: Any = None) -> Response:
    """The vendor's error. Placeholders are left in the message, their values beside it."""
    if status == 500:
        words = "Internal Error. Details are available in Magento log file. Report ID: webapi-65a1b2c3d4e5f"
    body = {"message": words} | ({"parameters": parameters} if parameters else {})
    return Response(to_json(body), status, mimetype="application/json")


@api.errorhandler(ShopError)
def _refuse(problem: ShopError) -> Response:
    return error(problem.status, problem.message, problem.parameters)


def route(method: str, path: str, resource: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A call, with a store view in front of it or without. Its view gives any JSON value."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def guarded(store: str = "default", **arguments: Any) -> Response:
            if store not in STORES:
                raise ShopError(NO_ROUTE, 404)
            authorise(resource)
            value = view(**arguments)
            fields = request.args.get("fields")
            return Response(to_json(only(value, fields) if fields else value), mimetype="application/json")

        for number, rule in enumerate((f"/V1/{path}", f"/<store>/V1/{path}")):
            api.add_url_rule(rule, f"{view.__name__}_{number}", guarded, methods=[method])
        return view

    return decorate


@api.route("/<path:rest>", methods=["GET", "POST", "PUT", "DELETE"])
def _unknown(rest: str) -> Response:
    raise ShopError(NO_ROUTE, 404)


# Orders


@route("GET", "orders", _ORDERS)
def orders() -> dict[str, Any]:
    found = _search_kind("order")
    return found | {"items": [public(order) for order in found["items"]]}


@route("GET", "orders/<int:order_id>", _ORDERS)
def order(order_id: int) -> dict[str, Any]:
    return public(_shop().order(order_id))


@route("GET", "orders/<int:order_id>/statuses", _ORDERS)
def order_status(order_id: int) -> str:
    return str(_shop().order(order_id)["status"])


@route("GET", "orders/items", _ORDERS)
def order_items() -> dict[str, Any]:
    return _search([item for order in _rows("order") for item in public(order)["items"]])


@route("POST", "orders/<int:order_id>/comments", "Magento_Sales::comment")
def comment(order_id: int) -> bool:
    given = _body().get("statusHistory")
    if not isinstance(given, dict):
        raise ShopError('"%fieldName" is required. Enter and try again.', parameters={"fieldName": "statusHistory"})
    return _shop().comment(
        order_id, str(given.get("comment") or ""), str(given.get("status") or ""),
        notify=bool(given.get("is_customer_notified")), front=bool(given.get("is_visible_on_front")),
    )  # fmt: skip


@route("POST", "orders/<int:order_id>/cancel", "Magento_Sales::cancel")
def cancel(order_id: int) -> bool:
    _body()
    return _shop().cancel(order_id)


@route("POST", "orders/<int:order_id>/hold", "Magento_Sales::hold")
def hold(order_id: int) -> bool:
    _body()
    return _shop().hold(order_id)


@route("POST", "orders/<int:order_id>/unhold", "Magento_Sales::unhold")
def unhold(order_id: int) -> bool:
    _body()
    return _shop().unhold(order_id)


@route("POST", "order/<int:order_id>/ship", "Magento_Sales::ship")
def ship(order_id: int) -> int:
    shop, body = _shop(), _body()
    with shop.change():
        return documents.ship(shop, shop.order(order_id), body)


@route("POST", "order/<int:order_id>/invoice", "Magento_Sales::invoice")
def invoice(order_id: int) -> int:
    shop, body = _shop(), _body()
    with shop.change():
        return documents.invoice(shop, shop.order(order_id), body, capture=body.get("capture") is True)


@route("POST", "order/<int:order_id>/refund", "Magento_Sales::creditmemo")
def refund(order_id: int) -> int:
    shop, body = _shop(), _body()
    with shop.change():
        return documents.refund(shop, shop.order(order_id), body)


@route("POST", "invoice/<int:invoice_id>/refund", "Magento_Sales::creditmemo")
def refund_invoice(invoice_id: int) -> int:
    shop, body = _shop(), _body()
    with shop.change():
        found = _one("invoice", invoice_id)
        order = shop.order(found["order_id"])
        online = body.get("isOnline") is True
        if online and not found.get("transaction_id"):
            raise ShopError("We cannot create online refund for Refund #%1 because it has no transaction.", parameters=[invoice_id])
        return documents.refund(shop, order, body, invoice_id=invoice_id, online=online)


@route("POST", "order/notify-orders-are-ready-for-pickup", "Magento_InventoryInStorePickupApi::notify_orders_are_ready_for_pickup")
def notify_pickup() -> dict[str, Any]:
    """Always 200; what went wrong is in the answer."""
    errors: list[dict[str, Any]] = []
    for order_id in _body().get("orderIds") or ():
        shop = _shop()
        try:
            with shop.change():
                documents.notify_pickup(shop, int(order_id))
        except ShopError as problem:
            errors.append({"id": order_id, "message": problem.message})
    return {"successful": not errors, "errors": errors}


# Shipments, invoices, credit memos


@route("GET", "shipments", "Magento_Sales::shipment")
def shipments() -> dict[str, Any]:
    return _search_kind("shipment")


@route("GET", "shipment/<int:id>", "Magento_Sales::shipment")
def shipment(id: int) -> dict[str, Any]:
    return _one("shipment", id)


@route("POST", "shipment/track", "Magento_Sales::shipment")
def track() -> dict[str, Any]:
    shop, entity = _shop(), _body().get("entity")
    if not isinstance(entity, dict):
        raise ShopError('"%fieldName" is required. Enter and try again.', parameters={"fieldName": "entity"})
    with shop.change():
        return documents.add_track(shop, entity)


@route("GET", "invoices", "Magento_Sales::sales_invoice")
def invoices() -> dict[str, Any]:
    return _search_kind("invoice")


@route("GET", "creditmemos", "Magento_Sales::sales_creditmemo")
def creditmemos() -> dict[str, Any]:
    return _search_kind("creditmemo")


@route("GET", "creditmemo/<int:id>", "Magento_Sales::sales_creditmemo")
def creditmemo(id: int) -> dict[str, Any]:
    return _one("creditmemo", id)


# Articles, customers, stores


@route("GET", "products", _PRODUCTS)
def products() -> dict[str, Any]:
    # The database calls the id entity_id: that is what articles are searched by, and id what they are answered with.
    found = _search([{"entity_id": each["id"], **each} for each in _rows("product")])
    return found | {"items": [_product(each) for each in found["items"]]}


@route("GET", "products/<sku>", _PRODUCTS)
def product(sku: str) -> dict[str, Any]:
    found = next((each for each in _rows("product") if each["sku"].lower() == sku.lower()), None)
    if found is None:
        raise ShopError("The product that was requested doesn't exist. Verify the product and try again.", 404)
    return _product(found)


@route("GET", "customers/search", "Magento_Customer::customer")
def customers() -> dict[str, Any]:
    found = _search([{"entity_id": each["id"], **each} for each in _rows("customer")])
    return found | {"items": [{name: value for name, value in each.items() if name != "entity_id"} for each in found["items"]]}


@route("GET", "store/storeViews", "Magento_Backend::store")
def store_views() -> list[dict[str, Any]]:
    return [{"id": 1, "code": "default", "name": "Default Store View", "website_id": 1, "store_group_id": 1, "is_active": 1}]


@route("GET", "store/websites", "Magento_Backend::store")
def websites() -> list[dict[str, Any]]:
    name = sandbox().state.setting("store_name", "Main Website")
    return [{"id": 0, "code": "admin", "name": "Admin", "default_group_id": 0}, {"id": 1, "code": "base", "name": name, "default_group_id": 1}]


# Stock


@route("GET", "inventory/sources", _SOURCES)
def sources() -> dict[str, Any]:
    return _search(_rows("source"))


@route("GET", "inventory/stock-source-links", _SOURCES)
def stock_source_links() -> dict[str, Any]:
    return _search(_rows("stock_source_link"))


@route("GET", "inventory/stocks", "Magento_InventorySalesApi::stock")
def stocks() -> dict[str, Any]:
    return _search(_rows("stock"))


@route("GET", "inventory/stock-resolver/<kind>/<code>", "Magento_InventorySalesApi::stock")
def stock_resolver(kind: str, code: str) -> dict[str, Any]:
    for stock in _rows("stock"):
        if {"type": kind, "code": code} in stock["extension_attributes"]["sales_channels"]:
            return stock
    raise ShopError("No linked stock found", 404)


@route("GET", "inventory/source-items", _SOURCES)
def source_items() -> dict[str, Any]:
    return _search(_rows("source_item"))


@route("POST", "inventory/source-items", _SOURCES)
def save_source_items() -> list[Any]:
    """All or none; the first thing wrong is the one told."""
    given = _body().get("sourceItems")
    if not isinstance(given, list) or not given:
        raise ShopError("Input data is empty")
    shop = _shop()
    with shop.change():
        for item in given:
            _check_item(item)
            shop.set_source_item(str(item["sku"]), str(item["source_code"]), Decimal(str(item["quantity"])), int(item["status"]))
    return []


@route("POST", "inventory/source-items-delete", _SOURCES)
def delete_source_items() -> list[Any]:
    for item in _body().get("sourceItems") or ():
        _shop().stock.unassign(str(item.get("sku")), str(item.get("source_code")))
    return []


@route("GET", "inventory/get-product-salable-quantity/<sku>/<int:stock_id>", "Magento_InventorySalesApi::stock")
def salable_quantity(sku: str, stock_id: int) -> Decimal:
    return _shop().stock.salable(sku)


@route("GET", "inventory/export-stock-salable-qty/website/<code>", "Magento_InventorySalesApi::stock")
def export_salable(code: str) -> dict[str, Any]:
    found, stock = _search(_rows("product")), _shop().stock
    rows = [(each["sku"], stock.salable(each["sku"])) for each in found["items"]]
    return found | {"items": [{"sku": sku, "qty": units, "is_salable": units > 0} for sku, units in rows]}


@route("POST", "inventory/source-selection-algorithm-result", "Magento_InventorySourceSelectionApi::source_selection_algorithm_post")
def source_selection() -> dict[str, Any]:
    wanted = _body().get("inventoryRequest") or {}
    return _shop().stock.selection(wanted.get("items") or ())


def _check_item(item: Any) -> None:
    given = item if isinstance(item, dict) else {}
    for name in ("sku", "source_code"):
        if not str(given.get(name) or "").strip():
            raise ShopError("Validation Failed: \"%field\" can not be empty.", parameters={"field": name})
    if isinstance(given.get("quantity"), bool) or not isinstance(given.get("quantity"), int | float):
        raise ShopError('Validation Failed: "%field" should be numeric.', parameters={"field": "quantity"})
    if given.get("status") not in (0, 1):
        raise ShopError('Validation Failed: "%field" should a known status.', parameters={"field": "status"})
    if sandbox().state.get("source", given["source_code"]) is None:
        raise ShopError("Could not save Source Item")
    known = any(each["sku"].lower() == str(given["sku"]).lower() for each in _rows("product"))
    if not known and sandbox().switch("unknown_sku_is_refused"):
        raise ShopError("Could not save Source Item")


def _search(rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return search(rows, _criteria(), last_page_repeats=sandbox().switch("last_page_repeats"))


def _search_kind(kind: str) -> dict[str, Any]:
    """Like `_search` over all documents of a kind, without reading them all where the index can answer."""
    box = sandbox()
    found = sandbox_index.search(box.state, kind, _criteria(), last_page_repeats=box.switch("last_page_repeats"))
    return _search(_rows(kind)) if found is None else found


def _criteria() -> dict[str, Any]:
    criteria = parse(request.args)
    if sandbox().switch("input_limits") and criteria.get("page_size", 0) > MOST_PER_PAGE:
        raise ShopError("Maximum SearchCriteria pageSize is %1", parameters=[MOST_PER_PAGE])
    return criteria


def _rows(kind: str) -> list[dict[str, Any]]:
    """All documents of a kind to look at; they are shared and must not be changed."""
    return [_parsed(text) for (text,) in sandbox().state._all("SELECT body FROM documents WHERE kind = ? ORDER BY position", kind)]


def _one(kind: str, id: int) -> dict[str, Any]:
    found = sandbox().state.get(kind, id)
    if found is None:
        raise ShopError(NO_ENTITY, 404)
    return found


def _product(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if not name.startswith("_") and name != "entity_id"}


def _shop() -> Shop:
    return Shop(sandbox())


def _body() -> dict[str, Any]:
    if not request.is_json:
        raise ShopError("Server cannot understand Content-Type HTTP header media type %1", parameters=[request.content_type or ""])
    try:
        value = json.loads(request.get_data() or b"null")
    except ValueError:
        raise ShopError("Decoding error: %1", parameters=["Syntax error"]) from None
    if not isinstance(value, dict):
        raise ShopError("Decoding error: %1", parameters=["Syntax error"])
    return value
