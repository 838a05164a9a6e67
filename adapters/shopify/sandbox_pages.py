"""The sandbox's pages: the storefront where a customer orders, and the part of the admin that staff would use."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from adapters.sandbox import sandbox
from adapters.shopify import sandbox_money as money
from adapters.shopify.sandbox_basket import DELIVERIES, PAYMENTS, Basket
from adapters.shopify.sandbox_book import Row, ShopError, current, fulfilled
from adapters.shopify.sandbox_objects import actions
from adapters.shopify.sandbox_shop import Shop

ORDERS_SHOWN = 200

pages = Blueprint("shopify_pages", __name__)


@pages.errorhandler(ShopError)
def _refuse(problem: ShopError) -> tuple[str, int]:
    return render_template("sandbox/problem.html", message=problem.message, status=400), 400


@pages.app_template_filter("words")
def _words(value: str) -> str:
    """A word of the API as staff see it: `PARTIALLY_FULFILLED` is *Partially fulfilled*."""
    return str(value).replace("_", " ").capitalize()


def _shop() -> Shop:
    return Shop(sandbox())


@pages.get("/")
def storefront() -> str:
    """Place an order."""
    shop = _shop()
    return render_template(
        "shopify/storefront.html", offers=list(_offers(shop)), methods=DELIVERIES, payments=PAYMENTS,
        places=[each for each in shop.locations() if each["pickup"]],
    )  # fmt: skip


@pages.post("/orders")
def place_order() -> Response:
    form = request.form
    names = ("name", "email", "phone", "street", "city", "postcode", "country")
    order = _shop().place(
        Basket(
            list(_chosen()), form.get("delivery", ""), form.get("payment", ""), {name: form.get(name, "") for name in names},
            form.get("note", ""), _amount("discount"), form.get("place", type=int),
        )
    )  # fmt: skip
    return redirect(url_for("shopify_pages.order", number=order["id"]), 303)


@pages.get("/admin/orders")
def orders() -> str:
    """All orders, newest first."""
    shop = _shop()
    newest = sorted(shop.index(), reverse=True)[:ORDERS_SHOWN]
    return render_template("shopify/orders.html", orders=[_summary(shop.order(number)) for number in newest])


@pages.get("/admin/orders/<int:number>")
def order(number: int) -> str:
    """One order with everything staff can do to it."""
    shop = _shop()
    found = shop.route_due(shop.order(number))
    lines = [
        {**line, "current": current(found, line), "sent": fulfilled(found, line["id"])} for line in found["lines"]
    ]
    return render_template(
        "shopify/order.html", order=_summary(found), lines=lines, titles={line["id"]: line["title"] for line in lines},
        parts=[{**part, "actions": actions(part), "place": _place(shop, part["location"])} for part in found["fulfilment_orders"]
               if not part["replaced"]],
        places=shop.locations(), names={each["id"]: each["name"] for each in shop.locations()},
        mails=[each for each in shop.state.all("mail") if each["order"] == number], can_be_paid=shop.can_be_paid(found),
    )  # fmt: skip


@pages.post("/admin/orders/<int:number>/<deed>")
def act(number: int, deed: str) -> Response:
    """A button that staff press on an order."""
    shop = _shop()
    if deed == "delete":
        shop.delete(number)
        return redirect(url_for("shopify_pages.orders"), 303)
    deeds: dict[str, Callable[[Shop, int], Any]] = {
        "pay": lambda shop, number: shop.pay(number),
        "cancel": lambda shop, number: shop.cancel(number, reason="STAFF", restock="restock" in request.form,
                                                   pay_back="pay_back" in request.form),
        "refund": lambda shop, number: shop.pay_back(number, _amount("amount") or None),
        "note": lambda shop, number: shop.update(number, note=request.form.get("note", "").strip() or None),
        "edit": lambda shop, number: shop.edit(number, request.form.get("sku", ""), _count("quantity")),
        "part": _act_on_part,
    }  # fmt: skip
    if deed not in deeds:
        raise ShopError("There is no such button.")
    deeds[deed](shop, number)
    return redirect(url_for("shopify_pages.order", number=number), 303)


def _act_on_part(shop: Shop, number: int) -> None:
    """A button on one fulfilment order."""
    form, part = request.form, _count("part")
    tracking = {"number": form.get("tracking", "").strip(), "company": form.get("carrier", "").strip() or None}
    deeds: dict[str, Callable[[], Any]] = {
        "progress": lambda: shop.report_progress(part),
        "open": lambda: shop.reopen(part),
        "hold": lambda: shop.hold(part, reason="OTHER", notes=None, handle="staff", ours=False),
        "release": lambda: shop.release(part, None),
        "ready": lambda: shop.prepare([part]),
        "fulfil": lambda: shop.fulfil([(part, None)], tracking if tracking["number"] else None, notify=True),
        "move": lambda: shop.move(part, _count("place")),
    }  # fmt: skip
    if form.get("do", "") not in deeds:
        raise ShopError("There is no such button.")
    deeds[form["do"]]()


@pages.get("/admin/products")
def products() -> str:
    """Every article with its stock at each location."""
    shop = _shop()
    return render_template("shopify/products.html", products=list(_offers(shop)), places=shop.locations())


@pages.post("/admin/products/stock")
def set_stock() -> Response:
    shop = _shop()
    variant = shop.variant(_count("variant"))
    level = shop.level(variant[1]["item"], _count("place")) if variant else None
    if level is None:
        raise ShopError("That article is not stocked there.")
    shop.set_level(level, available=_count("quantity", negative=True))
    return redirect(url_for("shopify_pages.products"), 303)


def _summary(order: Row) -> Row:
    status = "CANCELLED" if order["cancelled"] else money.fulfilment_status(order)
    return {**order, "status": status, "paid": money.financial_status(order), "total": money.total(order, now=True),
            "refunded": money.paid_back(order)}  # fmt: skip


def _place(shop: Shop, number: int) -> str:
    return str(shop.location(number)["name"])


def _offers(shop: Shop) -> Iterator[dict[str, Any]]:
    """Everything that can be bought, with what each location has."""
    for product, variant in shop.variants():
        title = f"{product['title']}, {variant['title']}" if variant["title"] else product["title"]
        levels = {each["location"]: each["available"] for each in shop.levels(variant["item"])}
        yield {**variant, "label": title, "levels": levels, "quantity": sum(levels.values()) if variant["tracked"] else None}


def _chosen() -> Iterator[tuple[str, int]]:
    """The lines of the order form: `quantity:MUG=2`."""
    for name, text in request.form.items():
        kind, _, sku = name.partition(":")
        if kind == "quantity" and text.strip() not in ("", "0"):
            if not re.fullmatch("[0-9]{1,6}", text.strip()):
                raise ShopError("Quantities are whole numbers.")
            yield sku, int(text)


def _count(name: str, *, negative: bool = False) -> int:
    text = request.form.get(name, "").strip()
    if not re.fullmatch(f"{'-?' if negative else ''}[0-9]{{1,12}}", text):
        raise ShopError(f"The field {name} must be a whole number.")
    return int(text)


def _amount(name: str) -> Decimal:
    text = request.form.get(name, "").strip().replace(",", ".") or "0"
    if not re.fullmatch(r"[0-9]{1,7}(\.[0-9]{1,2})?", text):
        raise ShopError(f"The {name} must be an amount such as 2.50.")
    return Decimal(text)
