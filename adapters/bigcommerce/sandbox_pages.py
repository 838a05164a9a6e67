"""The sandbox's pages: the storefront where a customer orders, and the part of the control panel that staff would use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from adapters.bigcommerce import sandbox_fulfilment as fulfilment
from adapters.bigcommerce import sandbox_payments as payments
from adapters.bigcommerce import sandbox_shop as staff
from adapters.bigcommerce import sandbox_stock as stock
from adapters.bigcommerce.progress import AWAITING_PAYMENT, STATUS_NAMES, UNFINISHED
from adapters.bigcommerce.sandbox_core import Shop, ShopError, cents
from adapters.bigcommerce.sandbox_shop import PAYMENTS, Basket
from adapters.sandbox import sandbox

ORDERS_SHOWN = 200

pages = Blueprint("bigcommerce_pages", __name__, template_folder="templates")


@pages.errorhandler(ShopError)
def _refuse(problem: ShopError) -> tuple[str, int]:
    return render_template("sandbox/problem.html", message=problem.message, status=problem.status), problem.status


def _shop() -> Shop:
    return Shop(sandbox())


@pages.get("/")
def storefront() -> str:
    """Place an order."""
    state = sandbox().state
    return render_template(
        "bigcommerce/storefront.html", offers=list(_offers()), methods=state.all("shipping_method"),
        pickups=state.all("pickup_method"), payments=PAYMENTS,
    )  # fmt: skip


@pages.post("/orders")
def place_order() -> Response:
    form = request.form
    customer = {
        name: form.get(name, "") for name in ("name", "email", "phone", "street", "city", "postcode", "country")
    }
    basket = Basket(
        list(_chosen()),
        form.get("method", ""),
        form.get("payment", ""),
        customer,
        form.get("comment", ""),
        _amount("discount"),
    )
    return _to_order(staff.place(_shop(), basket)["id"])


@pages.get("/admin/orders")
def orders() -> str:
    """All orders, newest first."""
    shop = _shop()
    newest = sorted(shop.index.rows, reverse=True)[:ORDERS_SHOWN]
    return render_template("bigcommerce/orders.html", orders=[shop.order(id) for id in newest])


@pages.get("/admin/orders/<int:order_id>")
def order(order_id: int) -> str:
    """One order with everything staff can do to it."""
    shop = _shop()
    found = shop.order(order_id)
    return render_template(
        "bigcommerce/order.html", order=found, statuses=STATUS_NAMES, shipments=fulfilment.shipments(shop, order_id),
        pickups=fulfilment.pickups(shop, {order_id}), refunds=payments.refunds(shop, order_id),
        transactions=payments.transactions(shop, order_id),
        metafields=shop.of("metafield", order_id),
        left=cents(found["total_inc_tax"]) - payments.refunded(shop, order_id), unfinished=found["status_id"] in UNFINISHED,
        payable=found["status_id"] == AWAITING_PAYMENT or found["payment_status"] == "authorized",
    )  # fmt: skip


@pages.post("/admin/orders/<int:order_id>/status")
def set_status(order_id: int) -> Response:
    status = request.form.get("status_id", type=int)
    if status is None or status not in STATUS_NAMES:
        raise ShopError("Choose a status.", 400)
    staff.change_status(_shop(), order_id, status)
    return _to_order(order_id)


@pages.post("/admin/orders/<int:order_id>/pay")
def pay(order_id: int) -> Response:
    staff.pay(_shop(), order_id)
    return _to_order(order_id)


@pages.post("/admin/orders/<int:order_id>/ship")
def ship(order_id: int) -> Response:
    """Ship the units given per line, all of them in one parcel."""
    shop, units = _shop(), {line: count for line, count in _units("ship") if count}
    found = shop.order(order_id)
    tracking = {
        name: request.form.get(name, "").strip() for name in ("tracking_number", "tracking_carrier", "tracking_link")
    }
    for address in found["_addresses"]:
        items = [
            {"order_product_id": line["id"], "quantity": units[line["id"]]}
            for line in found["_lines"]
            if line["order_address_id"] == address["id"] and line["id"] in units
        ]
        if items:
            fulfilment.ship(shop, order_id, {"order_address_id": address["id"], "items": items, **tracking})
    return _to_order(order_id)


@pages.post("/admin/orders/<int:order_id>/edit")
def edit(order_id: int) -> Response:
    shop = _shop()
    present = {line["id"]: line["quantity"] for line in shop.order(order_id)["_lines"]}
    for line, count in _units("want"):
        if present.get(line) != count:
            staff.edit(shop, order_id, line, count)
    return _to_order(order_id)


@pages.post("/admin/orders/<int:order_id>/refund")
def refund(order_id: int) -> Response:
    shop, amount = _shop(), _amount("amount")
    give_back(shop, order_id, amount)
    shop.settle()
    return _to_order(order_id)


def give_back(shop: Shop, order_id: int, amount: Decimal) -> None:
    """Staff pay back an amount by the first way that the quote offers."""
    items = [{"item_type": "ORDER", "item_id": order_id, "amount": float(amount), "reason": "By staff"}]
    way = payments.quote(shop, order_id, items)["refund_methods"][0]
    payments.refund(
        shop, order_id, items, [{name: each[name] for name in ("provider_id", "amount", "offline")} for each in way]
    )


@pages.post("/admin/orders/<int:order_id>/note")
def note(order_id: int) -> Response:
    staff.note(_shop(), order_id, request.form.get("staff_notes", "").strip())
    return _to_order(order_id)


@pages.post("/admin/orders/<int:order_id>/archive")
def archive(order_id: int) -> Response:
    staff.archive(_shop(), order_id)
    return _to_order(order_id)


@pages.get("/admin/products")
def products() -> str:
    """Every sku with its stock at each location."""
    shop = _shop()
    places = shop.state.all("location")
    rows = [
        {
            "sku": variant["sku"], "label": _label(product, variant), "price": variant["price"] or product["price"], "id": variant["id"],
            "counted": product["inventory_tracking"] != "none",
            "levels": [(place["id"], stock.level(shop, place["id"], variant["id"])) for place in places],
        }
        for product in shop.state.all("product")
        for variant in product["variants"]
    ]  # fmt: skip
    return render_template("bigcommerce/products.html", products=rows, places=places)


@pages.post("/admin/products/stock")
def set_stock() -> Response:
    """Stock of one article at one location, set by hand."""
    variant, place, quantity = (request.form.get(name, type=int) for name in ("variant", "location", "quantity"))
    if variant is None or place is None or quantity is None or quantity < 0:
        raise ShopError("Stock is a whole number of at least 0.", 400)
    shop = _shop()
    _, found = staff.product_of(shop, variant)
    stock.adjust(shop, [{"location_id": place, "sku": found["sku"], "quantity": quantity}], relative=False)
    shop.settle()
    return redirect(url_for("bigcommerce_pages.products"), 303)


def _to_order(order_id: int) -> Response:
    return redirect(url_for("bigcommerce_pages.order", order_id=order_id), 303)


def _offers() -> Iterator[dict[str, Any]]:
    """Everything that can be bought."""
    shop = _shop()
    for product in shop.state.all("product"):
        for variant in product["variants"]:
            counted = product["inventory_tracking"] != "none"
            yield {
                "id": variant["id"], "sku": variant["sku"], "label": _label(product, variant),
                "price": variant["price"] or product["price"], "left": stock.total(shop, variant["id"]) if counted else None,
            }  # fmt: skip


def _label(product: dict[str, Any], variant: dict[str, Any]) -> str:
    return ", ".join([product["name"], *(option["label"] for option in variant["option_values"])])


def _chosen() -> Iterator[tuple[int, int]]:
    """The lines of the order form: `quantity:81=2`."""
    yield from ((variant, count) for variant, count in _units("quantity") if count)


def _units(kind: str) -> Iterator[tuple[int, int]]:
    """Fields `kind:id=units` of a form. Raises ShopError for what is no whole number."""
    for name, text in request.form.items():
        field, _, id = name.partition(":")
        if field == kind and text.strip():
            if not re.fullmatch("[0-9]{1,6}", text.strip()) or not re.fullmatch("[0-9]{1,9}", id):
                raise ShopError("Quantities are whole numbers.", 400)
            yield int(id), int(text)


def _amount(name: str) -> Decimal:
    text = request.form.get(name, "").strip().replace(",", ".") or "0"
    if not re.fullmatch(r"[0-9]{1,7}(\.[0-9]{1,2})?", text):
        raise ShopError("An amount is written such as 2.50.", 400)
    return Decimal(text)
