"""The sandbox's pages: the storefront where a customer orders, and the part of the admin that staff would use."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from adapters.magento import sandbox_documents as documents
from adapters.magento import sandbox_sales as sales
from adapters.magento.sandbox_basket import PAYMENTS, Basket
from adapters.magento.sandbox_seed import METHODS, PICKUP
from adapters.magento.sandbox_shop import Shop
from adapters.magento.sandbox_stock import ShopError
from adapters.sandbox import sandbox

ORDERS_SHOWN = 200

pages = Blueprint("magento_pages", __name__)


@pages.errorhandler(ShopError)
def _refuse(problem: ShopError) -> tuple[str, int]:
    return render_template("sandbox/problem.html", message=problem.message, status=problem.status), problem.status


@pages.app_template_filter("units")
def _units(value: Any) -> str:
    number = Decimal(str(value or 0))
    return f"{int(number)}" if number == number.to_integral_value() else f"{number.normalize():f}"


@pages.app_template_filter("status_label")
def _label(status: str) -> str:
    return next((label for code, label, _, _ in sales.STATUSES if code == status), status)


@pages.get("/")
def storefront() -> str:
    """Place an order."""
    state, stock = sandbox().state, Shop(sandbox()).stock
    offers = [product | {"salable": _salable(product, stock)} for product in state.all("product")]
    locations = [s for s in state.all("source") if s["enabled"] and s["extension_attributes"]["is_pickup_location_active"]]
    return render_template(
        "magento/storefront.html", offers=offers, locations=locations, methods=METHODS, pickup=PICKUP, payments=PAYMENTS
    )


@pages.post("/orders")
def place_order() -> Response:
    form = request.form
    customer = {name: form.get(name, "") for name in ("name", "email", "phone", "street", "city", "postcode", "country")}
    chosen = form.get("shipping_method", "")
    method, _, location = chosen.partition(":")
    order = Shop(sandbox()).place_order(Basket(
        list(_chosen()), form.get("payment", ""), method, location, customer, _money(form.get("discount", "")), form.get("comment", ""),
    ))  # fmt: skip
    return redirect(url_for("magento_pages.order", order_id=order["entity_id"]), 303)


@pages.get("/admin/orders")
def orders() -> str:
    """All orders, newest first."""
    return render_template("magento/orders.html", orders=sandbox().state.all("order")[::-1][:ORDERS_SHOWN])


@pages.get("/admin/orders/<int:order_id>")
def order(order_id: int) -> str:
    """One order with everything staff can do to it."""
    state, found = sandbox().state, Shop(sandbox()).order(order_id)
    of = {kind: [each for each in state.all(kind) if each["order_id"] == order_id] for kind in ("shipment", "invoice", "creditmemo")}
    return render_template(
        "magento/order.html", order=found, shipments=of["shipment"], invoices=of["invoice"], creditmemos=of["creditmemo"],
        mails=[mail for mail in state.all("mail") if mail["order"] == order_id], statuses=sales.statuses_of(found["state"]),
        sources=[state.get("source", code) for code in Shop(sandbox()).stock.sources()],
        open={item["item_id"]: sales.open_to_ship(found, item) for item in found["items"]}, can=sales,
        refundable=sales.number(found, "total_paid") - sales.number(found, "total_refunded"),
    )  # fmt: skip


@pages.post("/admin/orders/<int:order_id>/<act>")
def change(order_id: int, act: str) -> Response:
    """A button of the order page."""
    shop, chosen = Shop(sandbox()), _ACTS.get(act)
    if chosen is None:
        raise ShopError("There is no such button.", 404)
    with shop.change():
        chosen(shop, order_id, request.form)
    return redirect(url_for("magento_pages.order", order_id=order_id), 303)


@pages.get("/admin/products")
def products() -> str:
    """Every article with its stock at each source."""
    state, stock = sandbox().state, Shop(sandbox()).stock
    sources = [source["source_code"] for source in state.all("source")]
    rows = [
        product | {"salable": _salable(product, stock), "held": {item["source_code"]: item["quantity"] for item in stock.items_of(product["sku"])}}
        for product in state.all("product")
    ]
    return render_template("magento/products.html", products=rows, sources=sources)


@pages.post("/admin/products/stock")
def set_stock() -> Response:
    quantity = request.form.get("quantity", type=int)
    sku, source = request.form.get("sku", ""), request.form.get("source", "")
    if quantity is None or sandbox().state.get("source", source) is None:
        raise ShopError("Stock is a whole number at one of the sources.")
    Shop(sandbox()).set_source_item(sku, source, Decimal(quantity), 1 if quantity > 0 else 0)
    return redirect(url_for("magento_pages.products"), 303)


def _ship(shop: Shop, order_id: int, form: Mapping[str, str]) -> None:
    items = [
        {"order_item_id": int(name.partition(":")[2]), "qty": int(text)}
        for name, text in form.items()
        if re.fullmatch("ship:[0-9]{1,9}", name) and re.fullmatch("[1-9][0-9]{0,5}", text.strip())
    ]
    if not items:
        raise ShopError("Say how many units of which item are sent.")
    track = {"track_number": form.get("track_number", "").strip(), "title": form.get("carrier", "").strip() or "Parcel", "carrier_code": "custom"}
    documents.ship(shop, shop.order(order_id), {
        "items": items, "notify": True, "tracks": [track] if track["track_number"] else [],
        "arguments": {"extension_attributes": {"source_code": form.get("source", "")}},
    })  # fmt: skip


def _refund(shop: Shop, order_id: int, form: Mapping[str, str]) -> None:
    """An amount without items, or everything."""
    amount, order = _money(form.get("amount", "")), shop.order(order_id)
    if not amount:
        shop.refund_all(order_id)
        return
    item = next(each for each in order["items"] if not sales.is_dummy(order, each, shipping=False))
    documents.refund(shop, order, {
        "items": [{"order_item_id": item["item_id"], "qty": 0}], "arguments": {"shipping_amount": 0, "adjustment_positive": amount},
    })  # fmt: skip


def _must(done: bool) -> None:
    if not done:
        raise ShopError("The order cannot be cancelled: what is invoiced has to be paid back.")


_ACTS: Mapping[str, Callable[[Shop, int, Mapping[str, str]], object]] = {
    "invoice": lambda shop, order_id, form: shop.pay(order_id),
    "ship": _ship,
    "refund": _refund,
    "cancel": lambda shop, order_id, form: _must(shop.cancel(order_id)),
    "hold": lambda shop, order_id, form: shop.hold(order_id),
    "unhold": lambda shop, order_id, form: shop.unhold(order_id),
    "ready": lambda shop, order_id, form: documents.notify_pickup(shop, order_id),
    "comment": lambda shop, order_id, form: shop.comment(order_id, form.get("comment", "").strip(), form.get("status", "")),
}


def _salable(product: Mapping[str, Any], stock: Any) -> int | None:
    """None for what has no stock of its own."""
    return int(stock.salable(product["sku"])) if product["type_id"] == "simple" else None


def _chosen() -> list[tuple[str, int]]:
    """The lines of the order form: `quantity:501=2`."""
    found = []
    for name, text in request.form.items():
        kind, _, key = name.partition(":")
        if kind == "quantity" and text.strip() not in ("", "0"):
            product = sandbox().state.get("product", key)
            if product is None or not re.fullmatch("[0-9]{1,6}", text.strip()):
                raise ShopError("Quantities are whole numbers of articles of this shop.")
            found.append((product["sku"], int(text)))
    return found


def _money(given: str) -> Decimal:
    text = given.strip().replace(",", ".") or "0"
    if not re.fullmatch(r"[0-9]{1,7}(\.[0-9]{1,2})?", text):
        raise ShopError("An amount looks like 2.50.")
    return Decimal(text)
