"""The till's screens: Fulfilments, Sales history, Sell, Stock, Customers. What staff do here is what the API then shows."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from adapters.lightspeed_retail.sandbox_api import adjust, take_step
from adapters.lightspeed_retail.sandbox_books import UNPAID, Books, Document, TillError, number, outstanding, paid
from adapters.lightspeed_retail.sandbox_sales import refund, sell_in_store, take_payment
from adapters.sandbox import sandbox
from adapters.sandbox.pages import problem_page

till_pages = Blueprint("till", __name__, template_folder="templates")

STATUS = {"OPEN": "New", "STARTED": "In progress", "PICKED": "In progress", "PACKED": "Packed"}
TYPE = {"DISPATCH": "Delivery", "PICKUP": "Pickup", "SERVICE": "Service"}
DONE_BUTTON = {"DISPATCH": "Mark as shipped", "PICKUP": "Mark as picked up"}
_SHOWN = 100


def books() -> Books:
    return Books(sandbox())


@till_pages.errorhandler(TillError)
def _trouble(error: TillError) -> Response:
    return problem_page(error.message, error.status)


@till_pages.app_template_filter("euros")
def _euros(value: Any) -> str:
    return f"{Decimal(str(value)):.2f}"


@till_pages.app_template_filter("units")
def _units(value: Any) -> str:
    """A quantity without needless decimals."""
    return f"{Decimal(str(value)).normalize():f}"


@till_pages.app_template_filter("when")
def _when(text: str) -> str:
    return text[:16].replace("T", " ")


def status_of(row: Document) -> str:
    """A fulfilment's status in the words on the screen."""
    return STATUS.get(row["state"], f"{TYPE[row['type']]}, completed")


def order_status(rows: list[Document]) -> str:
    """The status of the order as a whole: an order cannot be partly done, so parts that differ leave it Open (LS-19)."""
    words = {status_of(row) for row in rows}
    return words.pop() if len(words) == 1 else "Open"


def name_of(ledger: Books, kind: str, id: str | None, key: str = "name") -> str:
    return str((ledger.state.get(kind, id) or {}).get(key, "")) if id else ""


def _fulfilment_row(ledger: Books, row: Document) -> Document:
    sale = ledger.sale(row["sale_id"])
    siblings = ledger.fulfilments_of(sale)
    return {
        **row, "sale": sale, "status": status_of(row), "type_word": TYPE[row["type"]], "done_button": DONE_BUTTON[row["type"]],
        "customer": name_of(ledger, "customer", sale["customer_id"]), "outlet": name_of(ledger, "outlet", row["outlet_id"]),
        "due": outstanding(sale), "parts": len(siblings), "order_status": order_status(siblings),
        "lines": [{**line, "name": name_of(ledger, "product", line["product_id"]),
                   "sku": name_of(ledger, "product", line["product_id"], "sku")} for line in row["line_items"]],
        "users": [name_of(ledger, "user", user, "display_name") for user in row["user_ids"]],
    }  # fmt: skip


@till_pages.get("/")
def fulfilments() -> str:
    """All open orders from the shops, newest first, perhaps of one outlet (LS-43, LS-18)."""
    ledger, outlet_id = books(), request.args.get("outlet", "")
    blocked = ledger.state.get("sale", request.args.get("blocked", ""))
    rows = [row for row in ledger.open_fulfilments() if not outlet_id or row["outlet_id"] == outlet_id][::-1]
    return render_template(
        "till/fulfilments.html", rows=[_fulfilment_row(ledger, row) for row in rows], outlets=ledger.state.all("outlet"),
        outlet_id=outlet_id, unpaid=UNPAID, blocked=blocked if blocked and outstanding(blocked) > 0 else None,
    )  # fmt: skip


@till_pages.post("/fulfilments/<id>/<any(start,pack,done):step>")
def move_on(id: str, step: str) -> BaseResponse:
    """The buttons of the Fulfilments page. An unpaid sale is not handed over (LS-54)."""
    ledger, blocked = books(), None
    row = ledger.need("fulfilment", id)
    try:
        with ledger.change():
            _move_on(ledger, row, step)
    except TillError as trouble:
        if trouble.message != UNPAID:
            raise
        blocked = row["sale_id"]
    return redirect(url_for("till.fulfilments", outlet=request.args.get("outlet") or None, blocked=blocked), 303)


def _move_on(ledger: Books, row: Document, step: str) -> None:
    if step == "start":
        row["hidden"]["started"] = True
        ledger.keep_fulfilment(row, "PICKED")
        ledger.after_step(ledger.sale(row["sale_id"]))
        return
    done = ("packed_quantity", "fulfilled_quantity") if step == "pack" else ("fulfilled_quantity",)
    lines = [
        {"sale_line_item_id": line["sale_line_item_id"], "quantity": str(rest)}
        for line in row["line_items"]
        if (rest := Decimal(line["quantity"]) - sum(Decimal(line[key]) for key in done))
    ]
    take_step(
        ledger,
        row,
        "pack" if step == "pack" else "fulfill",
        {"version": row["version"], "line_items": lines},
        adding=True,
    )


@till_pages.route("/scanner/<id>", methods=["GET", "POST"])
def scanner(id: str) -> BaseResponse | str:
    """What only the Scanner app can do: count picked units, note a problem, assign a user (LS-46, LS-47, LS-49)."""
    ledger = books()
    row = ledger.need("fulfilment", id)
    if request.method == "GET":
        return render_template("till/scanner.html", row=_fulfilment_row(ledger, row), users=ledger.state.all("user"))
    with ledger.change():
        row = ledger.need("fulfilment", id)
        row["note"], user = request.form.get("note", "").strip(), request.form.get("user", "")
        row["user_ids"] = [ledger.need("user", user, status=422)["id"]] if user else []
        row["hidden"]["started"] = True
        for line in row["line_items"]:
            wanted = number(request.form.get(line["sale_line_item_id"]) or 0, "The picked quantity")
            step = wanted - Decimal(line["picked_quantity"])
            if step:
                ledger.move(row, ("not_started",), "picked", line["sale_line_item_id"], step)
        ledger.keep_fulfilment(row, "PICKED")
        ledger.after_step(ledger.sale(row["sale_id"]))
    return redirect(url_for("till.fulfilments"), 303)


@till_pages.get("/sales")
def sales() -> str:
    """Sales history: every sale, online or in store, newest first, with who processed the payment (LS-12, LS-53)."""
    ledger, wanted = books(), request.args.get("q", "").strip().lower()
    rows = [_sale_row(ledger, sale) for sale in ledger.state.all("sale")[::-1]]
    rows = [
        row
        for row in rows
        if not wanted or wanted in f"{row['receipt_number']} {row['customer']} {row['note']}".lower()
    ]
    return render_template("till/sales.html", rows=rows[:_SHOWN], wanted=wanted)


def _sale_row(ledger: Books, sale: Document) -> Document:
    rows = ledger.fulfilments_of(sale)
    return {
        **sale, "customer": name_of(ledger, "customer", sale["customer_id"]), "paid": paid(sale), "due": outstanding(sale),
        "processors": ", ".join(dict.fromkeys(payment["type"]["name"] for payment in sale["payments"])),
        "order_status": order_status(rows) if rows else "", "outlet": name_of(ledger, "outlet", sale["source"]["outlet_id"]),
    }  # fmt: skip


@till_pages.get("/sales/<id>")
def sale(id: str) -> str:
    """One sale, to look at and to edit."""
    ledger = books()
    found = _sale_row(ledger, ledger.sale(id))
    lines = [{**line, "name": name_of(ledger, "product", line["product"]["id"])} for line in found["line_items"]]
    return render_template(
        "till/sale.html", sale=found, lines=lines, payment_types=ledger.state.all("payment_type"),
        fulfilments=[_fulfilment_row(ledger, row) for row in ledger.fulfilments_of(found)],
    )  # fmt: skip


@till_pages.post("/sales/<id>/<any(payment,note,void,refund):action>")
def edit_sale(id: str, action: str) -> BaseResponse:
    """Edit in Sales history: add a payment (which takes no money, LS-48), change the note, void, refund."""
    ledger, form = books(), request.form
    with ledger.change():
        found = ledger.sale(id)
        if action == "payment":
            take_payment(ledger, found, form.get("amount", ""), form.get("type", ""))
        elif action == "note":
            found["note"] = form.get("note", "").replace("\r\n", "\n")
            ledger.keep_sale(found)
        elif action == "refund":
            refund(ledger, id)
        elif found["state"] != "voided":
            ledger.void(found)
            ledger.keep_sale(found)
    return redirect(url_for("till.sale", id=id), 303)


@till_pages.get("/sell")
def sell() -> str:
    """The sell screen: take payment for an open sale, or sell something over the counter."""
    ledger = books()
    unpaid = [_sale_row(ledger, row) for row in ledger.state.all("sale")[::-1] if row["state"] == "pending"]
    return render_template(
        "till/sell.html", unpaid=[row for row in unpaid if row["due"] > 0], chosen=request.args.get("sale", ""),
        registers=ledger.state.all("register"), payment_types=ledger.state.all("payment_type"),
        products=[row for row in ledger.state.all("product") if row["has_inventory"]],
    )  # fmt: skip


@till_pages.post("/sell/pay")
def pay() -> BaseResponse:
    """Take the customer's payment at a register."""
    ledger, form = books(), request.form
    with ledger.change():
        found = ledger.sale(form.get("sale", ""))
        take_payment(
            ledger, found, form.get("amount") or outstanding(found), form.get("type", ""), form.get("register", "")
        )
    return redirect(url_for("till.sale", id=found["id"]), 303)


@till_pages.post("/sell/counter")
def counter() -> BaseResponse:
    """Sell something over the counter."""
    ledger, form = books(), request.form
    with ledger.change():
        made = sell_in_store(
            ledger, form.get("register", ""), form.get("product", ""), form.get("quantity"), form.get("type", "")
        )
    return redirect(url_for("till.sale", id=made["id"]), 303)


@till_pages.get("/stock")
def stock() -> str:
    """Products with their stock at each outlet."""
    ledger = books()
    levels = {
        (row["product_id"], row["outlet_id"]): row["current_inventory_level"] for row in ledger.state.all("inventory")
    }
    products = [row for row in ledger.state.all("product") if row["has_inventory"]]
    return render_template("till/stock.html", products=products, outlets=ledger.state.all("outlet"), levels=levels)


@till_pages.post("/stock")
def adjust_stock() -> BaseResponse:
    """Adjust one level by hand, up (found) or down (damaged)."""
    ledger, form = books(), request.form
    quantity = number(form.get("quantity"), "The quantity")
    with ledger.change():
        adjust(ledger, {"product_id": form.get("product", ""), "outlet_id": form.get("outlet", ""), "quantity": quantity,
                        "reason": "STOCK_FOUND" if quantity > 0 else "DAMAGE"})  # fmt: skip
    return redirect(url_for("till.stock"), 303)


@till_pages.get("/customers")
def customers() -> str:
    """Customer profiles with their sales."""
    ledger = books()
    count: dict[str, int] = {}
    for row in ledger.state.all("sale"):
        count[str(row["customer_id"])] = count.get(str(row["customer_id"]), 0) + 1
    return render_template("till/customers.html", rows=ledger.state.all("customer")[::-1][:_SHOWN], count=count)
