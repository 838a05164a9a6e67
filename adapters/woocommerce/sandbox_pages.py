"""The sandbox's pages: the storefront where a customer orders, and the part of the admin that staff would use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from adapters.sandbox import sandbox
from adapters.woocommerce.mapping import OWN_TRACKING
from adapters.woocommerce.outlets import FIELD as OUTLETS_FIELD
from adapters.woocommerce.sandbox_api_shop import PARCELS
from adapters.woocommerce.sandbox_basket import PAYMENTS, Basket
from adapters.woocommerce.sandbox_errors import ApiError, ShopError
from adapters.woocommerce.sandbox_index import matching, owned
from adapters.woocommerce.sandbox_money import gross
from adapters.woocommerce.sandbox_query import statuses
from adapters.woocommerce.sandbox_shop import Shop

ORDERS_SHOWN = 200
_MONEY = re.compile(r"[0-9]{1,7}([.,][0-9]{1,3})?")

pages = Blueprint("woocommerce_pages", __name__)


@pages.errorhandler(ApiError)
def _refuse(problem: ApiError) -> tuple[str, int]:
    """What the API calls its own failure (500) is the visitor's mistake on a page."""
    status = min(problem.status, 409)
    return render_template("sandbox/problem.html", message=problem.message, status=status), status


@pages.app_template_filter("status")
def _status(slug: str) -> str:
    """The shop's own name of a status: `Processing`."""
    return statuses().get(slug, "In the bin" if slug == "trash" else slug)


@pages.app_template_filter("gross")
def _gross(line: dict[str, Any]) -> Decimal:
    return gross(line)


@pages.get("/")
def storefront() -> str:
    """Place an order."""
    methods = sandbox().state.all("shipping_method")
    return render_template("woocommerce/storefront.html", offers=list(_offers()), methods=methods, payments=PAYMENTS)


@pages.post("/orders")
def place_order() -> Response:
    form = request.form
    customer = {name: form.get(name, "") for name in ("name", "email", "phone", "street", "city", "postcode", "country")}
    basket = Basket(
        list(_chosen()), form.get("shipping_method", ""), form.get("payment", ""), customer, form.get("comment", ""),
        _amount("discount") or Decimal(0),
    )  # fmt: skip
    order = Shop(sandbox()).place_order(basket)
    return redirect(url_for("woocommerce_pages.order", id=order["id"]), 303)


@pages.get("/admin/orders")
def orders() -> str:
    """All orders, newest first."""
    newest, _ = matching(sandbox().state, "order", [], "id DESC", ORDERS_SHOWN, 0)
    return render_template("woocommerce/orders.html", orders=newest)


@pages.get("/admin/orders/<int:id>")
def order(id: int) -> str:
    """One order with everything staff can do to it."""
    state, shop = sandbox().state, Shop(sandbox())
    found = shop.order(id)
    notes = owned(state, "note", id)[::-1]
    fields = [e for e in found["meta_data"] if e["key"] not in (OWN_TRACKING, OUTLETS_FIELD, PARCELS)]
    parcels = [p for e in found["meta_data"] if e["key"] in (OWN_TRACKING, PARCELS) for p in e["value"]]
    outlets = [p for e in found["meta_data"] if e["key"] == OUTLETS_FIELD for p in e["value"]]
    return render_template(
        "woocommerce/order.html", order=found, statuses=statuses(), notes=notes, fields=fields, parcels=parcels,
        outlets=outlets, left=shop.left(found), mails=owned(state, "mail", id),
    )  # fmt: skip


@pages.post("/admin/orders/<int:id>/status")
def set_status(id: int) -> Response:
    status = request.form.get("status", "")
    if status not in statuses():
        raise ShopError("Choose a status.")
    Shop(sandbox()).set_status(id, status)
    return _back(id)


@pages.post("/admin/orders/<int:id>/pay")
def pay(id: int) -> Response:
    Shop(sandbox()).pay(id, "tr_by_hand")
    return _back(id)


@pages.post("/admin/orders/<int:id>/line")
def change_line(id: int) -> Response:
    line, quantity = request.form.get("line", type=int), request.form.get("quantity", type=int)
    if line is None or quantity is None or not 0 <= quantity <= 100_000:
        raise ShopError("Quantities are whole numbers.")
    Shop(sandbox()).change_line(id, line, quantity)
    return _back(id)


@pages.post("/admin/orders/<int:id>/note")
def add_note(id: int) -> Response:
    words = request.form.get("note", "").strip()
    if not words:
        raise ShopError("Write something first.")
    Shop(sandbox()).note(id, words, customer=request.form.get("customer") == "1")
    return _back(id)


@pages.post("/admin/orders/<int:id>/refund")
def refund(id: int) -> Response:
    """Pay an amount back, or everything that is left."""
    shop = Shop(sandbox())
    amount = _amount("amount")
    shop.refund(id, shop.left(shop.order(id)) if amount is None else amount, request.form.get("reason", "").strip())
    return _back(id)


@pages.post("/admin/orders/<int:id>/bin")
def bin_order(id: int) -> Response:
    """Into the bin, out of it, or gone for good."""
    shop, what = Shop(sandbox()), request.form.get("what", "")
    if what == "delete":
        shop.delete(id)
        return redirect(url_for("woocommerce_pages.orders"), 303)
    if what == "restore":
        shop.restore(id)
    elif shop.order(id)["status"] != "trash":
        shop.trash(id)
    return _back(id)


@pages.get("/admin/products")
def products() -> str:
    """Every article with its stock."""
    return render_template("woocommerce/products.html", products=sandbox().state.all("product"))


@pages.post("/admin/products/<int:id>")
def change_product(id: int) -> Response:
    """Stock, sku, and whether stock is counted."""
    quantity, sku = request.form.get("quantity", type=int), request.form.get("sku", "").strip()
    counted = request.form.get("counted") == "1"
    if counted and quantity is None:
        raise ShopError("Stock is a whole number.")
    if not sku:
        raise ShopError("An article needs a sku here, so that it can be told apart.")
    stock = {"manage_stock": True, "stock_quantity": quantity} if counted else {"manage_stock": False}
    Shop(sandbox()).change_product(id, {"sku": sku, **stock})
    return redirect(url_for("woocommerce_pages.products"), 303)


def _back(id: int) -> Response:
    return redirect(url_for("woocommerce_pages.order", id=id), 303)


def _offers() -> Iterator[dict[str, Any]]:
    """Everything that can be bought: products, or their variations where there are any."""
    return (each for each in sandbox().state.all("product") if each["type"] != "variable")


def _chosen() -> Iterator[tuple[int, int]]:
    """The lines of the order form: `quantity:46=2`."""
    for name, text in request.form.items():
        kind, _, id = name.partition(":")
        if kind == "quantity" and text.strip() not in ("", "0"):
            if not re.fullmatch("[0-9]{1,5}", text.strip()) or not re.fullmatch("[0-9]{1,9}", id):
                raise ShopError("Quantities are whole numbers.")
            yield int(id), int(text)


def _amount(name: str) -> Decimal | None:
    text = request.form.get(name, "").strip()
    if not text:
        return None
    if not _MONEY.fullmatch(text):
        raise ShopError("Write an amount such as 2.50.")
    return Decimal(text.replace(",", "."))
