"""The sandbox's pages: the storefront where a customer orders, and the part of the admin that staff would use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from adapters.lightspeed_ecom.sandbox_shop import (
    FULFILMENT_STATUSES,
    PAYMENT_STATUSES,
    PAYMENTS,
    Basket,
    Shop,
    ShopError,
)
from adapters.sandbox import sandbox

ORDERS_SHOWN = 200

pages = Blueprint("ecom_pages", __name__)


@pages.errorhandler(ShopError)
def _refuse(problem: ShopError) -> tuple[str, int]:
    return render_template("sandbox/problem.html", message=problem.message, status=problem.status), problem.status


@pages.app_template_filter("status")
def _status(word: str) -> str:
    """The shop's own name of a status beside its code: `Awaiting processing`."""
    named = sandbox().state.get("order_status", word)
    return str(named["name"]) if named else word


@pages.get("/")
def storefront() -> str:
    """Place an order."""
    state = sandbox().state
    return render_template(
        "ecom/storefront.html", offers=list(_offers()), methods=state.all("shipping_option"), payments=PAYMENTS
    )


@pages.post("/orders")
def place_order() -> Response:
    form = request.form
    customer = {
        name: form.get(name, "") for name in ("name", "email", "phone", "street", "city", "postalCode", "countryCode")
    }
    order = Shop(sandbox()).place_order(
        Basket(
            list(_chosen()),
            form.get("shipping_method", ""),
            form.get("payment", ""),
            customer,
            form.get("comment", ""),
            _discount(),
        )
    )
    return redirect(url_for("ecom_pages.order", order_id=order["id"]), 303)


@pages.get("/admin/orders")
def orders() -> str:
    """All orders, newest first."""
    return render_template("ecom/orders.html", orders=sandbox().state.all("order")[::-1][:ORDERS_SHOWN])


@pages.get("/admin/orders/<path:order_id>")
def order(order_id: str) -> str:
    """One order with everything staff can do to it."""
    box = sandbox()
    found = Shop(box).order(order_id)
    return render_template(
        "ecom/order.html", order=found, payment_statuses=PAYMENT_STATUSES, fulfilment_statuses=FULFILMENT_STATUSES,
        final=found["paymentStatus"] == "CANCELLED" and box.switch("cancelled_is_final"),
        mails=[mail for mail in box.state.all("mail") if mail["order"] == order_id],
    )  # fmt: skip


@pages.post("/admin/orders/status")
def set_status() -> Response:
    return _change(("paymentStatus", "fulfillmentStatus"))


@pages.post("/admin/orders/tracking")
def set_tracking() -> Response:
    return _change(("trackingNumber", "trackingUrl"))


@pages.post("/admin/orders/delete")
def delete_order() -> Response:
    Shop(sandbox()).delete_order(request.form.get("order", ""))
    return redirect(url_for("ecom_pages.orders"), 303)


@pages.get("/admin/products")
def products() -> str:
    """Every sku with its stock."""
    return render_template("ecom/products.html", products=list(_offers()), locked=sandbox().switch("pos_linked"))


@pages.post("/admin/products/stock")
def set_stock() -> Response:
    """Stock by hand, which is locked while a point of sale is linked."""
    if sandbox().switch("pos_linked"):
        raise ShopError("Stock cannot be changed here: it is managed by the linked Retail POS.", 409)
    quantity = request.form.get("quantity", type=int)
    if quantity is None:
        raise ShopError("Stock is a whole number.")
    Shop(sandbox()).set_quantity(*_offer(request.form.get("offer", "")), to=quantity)
    return redirect(url_for("ecom_pages.products"), 303)


def _change(names: tuple[str, ...]) -> Response:
    order_id = request.form.get("order", "")
    fields = {name: request.form[name].strip() for name in names if name in request.form}
    Shop(sandbox()).update_order(order_id, fields)
    return redirect(url_for("ecom_pages.order", order_id=order_id), 303)


def _offers() -> Iterator[dict[str, Any]]:
    """Everything that can be bought: products, or their variations where there are any."""
    for product in sandbox().state.all("product"):
        if not product.get("combinations"):
            yield {"key": str(product["id"]), "label": product["name"], **product}
        for each in product.get("combinations", ()):
            options = ", ".join(option["value"] for option in each["options"])
            yield {
                "price": product["price"],
                **each,
                "key": f"{product['id']}-{each['id']}",
                "label": f"{product['name']}, {options}",
            }


def _chosen() -> Iterator[tuple[int, int | None, int]]:
    """The lines of the order form: `quantity:501=2`, `quantity:503-7001=1`."""
    for name, text in request.form.items():
        kind, _, key = name.partition(":")
        if kind == "quantity" and text.strip() not in ("", "0"):
            if not re.fullmatch("[0-9]{1,6}", text.strip()):
                raise ShopError("Quantities are whole numbers.")
            yield *_offer(key), int(text)


def _offer(key: str) -> tuple[int, int | None]:
    """Product and variation of an offer's key."""
    found = re.fullmatch("([0-9]{1,9})(?:-([0-9]{1,9}))?", key)
    if found is None:
        raise ShopError("Choose a product.")
    return int(found[1]), int(found[2]) if found[2] else None


def _discount() -> Decimal:
    text = request.form.get("discount", "").strip().replace(",", ".") or "0"
    if not re.fullmatch(r"[0-9]{1,7}(\.[0-9]{1,2})?", text):
        raise ShopError("The discount must be an amount such as 2.50.")
    return Decimal(text)
