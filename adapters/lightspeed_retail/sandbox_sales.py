"""How the sandbox reads a sale that comes in over the API (or from its own screens), and what it refuses."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from adapters.lightspeed_retail.sandbox_books import (
    FULFILMENT_ATTRIBUTES,
    Books,
    Document,
    TillError,
    new_id,
    now,
    number,
    outstanding,
    shown,
)

STATES = ("parked", "pending", "voided", "closed")
ATTRIBUTES = ("onaccount", "layby", "pickup", "delivery", "service")
EXCLUSIVE = (("onaccount", "layby"), ("pickup", "delivery"))


def create_sale(books: Books, request: Any) -> Document:
    """A new sale. Raises TillError 409 for an id that is there already, 422 for what makes no sense."""
    body = _object(request, "The sale")
    id = str(body.get("id") or new_id())
    if books.state.get("sale", id) is not None:
        if books.box.switch("same_id_conflicts"):
            raise TillError(409, f"A sale with id {id} already exists.")
        return replace_sale(books, id, body)
    source = _source(books, body)
    register = books.need("register", source["register_id"], status=422)
    sequence = int(register["invoice_sequence"])
    register["invoice_sequence"] = sequence + 1
    books.save("register", register)
    invoice = str(body.get("invoice_number") or f"{register['invoice_prefix']}{sequence}{register['invoice_suffix']}")
    sale: Document = {
        "id": id, "state": "", "attributes": [], "customer_id": None, "invoice_number": invoice,
        "receipt_number": invoice, "short_code": new_id()[:6], "note": "", "date": str(body.get("date") or now()),
        "created_at": now(), "updated_at": now(), "source": source, "line_items": [], "payments": [], "taxes": [],
        "totals": {"price": 0, "tax": 0, "price_incl_tax": 0}, "adjustments": [], "ecom_custom_charges": [],
        "external_applications": [], "return": {"is_return": False, "return_sale_ids": []},
        "hidden": {"taken": {}, "outlets": {}, "details": [], "fulfilments": []},
    }  # fmt: skip
    books.state.count("sales_created")
    return _fill(books, sale, body)


def replace_sale(books: Books, id: str, request: Any) -> Document:
    """Replace a sale by what came in: lines and payments left out are gone. A closed sale can only be voided."""
    sale, body = books.sale(id), _object(request, "The sale")
    if sale["state"] == "voided":
        raise TillError(409, "A voided sale can no longer be changed.")
    if sale["state"] == "closed":
        if body.get("state") != "voided":
            raise TillError(409, "A closed sale can only be voided.")
        books.void(sale)
        return books.keep_sale(sale)
    sale["source"] = {**sale["source"], **{k: v for k, v in _source(books, body, sale["source"]).items() if v}}
    return _fill(books, sale, body)


def _fill(books: Books, sale: Document, body: Mapping[str, Any]) -> Document:
    state, attributes = body.get("state"), list(body.get("attributes") or ())
    if state not in STATES:
        raise TillError(422, f"state must be one of {', '.join(STATES)}.")
    if unknown := [word for word in attributes if word not in ATTRIBUTES]:
        raise TillError(422, f"Unknown sale attribute {unknown[0]}.")
    if any(set(pair) <= set(attributes) for pair in EXCLUSIVE):
        raise TillError(422, "onaccount and layby, and pickup and delivery, exclude each other.")
    if body.get("customer_id"):
        books.need("customer", body["customer_id"], status=422)
    before = {str(line["id"]): line for line in sale["line_items"]}
    sale |= {"attributes": attributes, "customer_id": body.get("customer_id"), "note": str(body.get("note") or "")}
    sale["hidden"]["details"] = _details(books, body)
    requests = [_object(line, "A line item") for line in body.get("line_items") or ()]
    sale["line_items"] = [_line(books, line) for line in requests]
    sale["hidden"]["outlets"] = _outlets(books, sale, body, requests, set(before))
    known = {str(payment["id"]): payment for payment in sale["payments"]}
    sale["payments"] = [_payment(books, _object(p, "A payment"), known) for p in body.get("payments") or ()]
    if state == "voided":
        books.void(sale)
        return books.keep_sale(sale)
    books.spread_over_outlets(sale)
    sale["state"] = state
    sale = books.keep_sale(sale)
    if state == "closed":
        _must_be_complete(books, sale)
    return sale


def _must_be_complete(books: Books, sale: Document) -> None:
    if outstanding(sale) > 0 and not set(sale["attributes"]) & {"onaccount", "layby"}:
        raise TillError(422, f"The sale cannot be closed: {outstanding(sale):.2f} has not been paid.")
    if any(row["state"] != "FULFILLED" for row in books.fulfilments_of(sale)):
        raise TillError(422, "The sale cannot be closed before everything is fulfilled.")


def _source(books: Books, body: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> Document:
    source = _object(body.get("source"), "source")
    author = (before or {}).get("author", {}).get("id") if not source.get("author_id") else source["author_id"]
    if not author:
        raise TillError(422, "source.author_id is required.")
    books.need("user", author, status=422)
    register_id = source.get("register_id") or (before or {}).get("register_id") or books.state.all("register")[0]["id"]
    register = books.need("register", register_id, status=422)
    return {
        "author": {"id": author}, "register_id": register_id, "outlet_id": register["outlet_id"],
        "id": source.get("id"), "type": source.get("type") or "USER",
    }  # fmt: skip


def _details(books: Books, body: Mapping[str, Any]) -> list[Document]:
    details = [_object(row, "fulfillment_details") for row in body.get("fulfillment_details") or ()]
    for row in details:
        if token := row.pop("shipping_address_token", None):
            found = next((each for each in books.state.all("address") if each["hidden"]["token"] == token), None)
            if found is None:
                raise TillError(422, "The shipping address token is unknown.")
            row["shipping_address_id"] = str(found["id"])
        if row.get("shipping_address_id"):
            books.need("address", row["shipping_address_id"], status=422)
    return details


def _line(books: Books, line: Mapping[str, Any]) -> Document:
    product = books.need("product", _object(line.get("product"), "product").get("id"), status=422)
    pricing, tax = _object(line.get("pricing"), "pricing"), _object(line.get("tax"), "tax")
    books.need("tax", tax.get("id"), status=422)
    quantity = number(line.get("quantity"), "quantity")
    if not quantity:
        raise TillError(422, "quantity must not be zero.")
    price, unit_tax = number(pricing.get("price"), "pricing.price"), number(tax.get("amount"), "tax.amount")
    note = next((row.get("value") for row in line.get("attributes") or () if row.get("name") == "line_note"), None)
    return {
        "id": str(line.get("id") or new_id()), "product": {"id": product["id"]}, "quantity": quantity,
        "pricing": {"price": price, "total": price * quantity, "discount": pricing.get("discount") or 0},
        "tax": {"id": tax["id"], "amount": unit_tax, "total": unit_tax * quantity},
        "status": str(line.get("status") or "SAVED"), **({"note": note} if note else {}),
    }  # fmt: skip


def _outlets(
    books: Books, sale: Document, body: Mapping[str, Any], requests: list[Document], before: set[str]
) -> dict[str, str]:
    """Line id -> the outlet that fulfils it: what the line says, or else the sale's own outlet.

    When lines are marked with a method only those are fulfilled. On an update marks are not given again, and a line
    that does not name its outlet again moves to the sale's own: the strictest reading of "an update replaces".
    """
    if not set(sale["attributes"]) & set(FULFILMENT_ATTRIBUTES):
        return {}
    methods = [(line.get("_metadata") or {}).get("fulfillment_method") for line in requests]
    if len({method for method in methods if method}) > 1:
        raise TillError(422, "All fulfilled line items of a sale must share one fulfillment method.")
    kept: dict[str, str] = sale["hidden"]["outlets"]
    own = body.get("fulfillment_outlet_id") or sale["source"]["outlet_id"]
    result = {}
    for line, request, method in zip(sale["line_items"], requests, methods, strict=True):
        if line["id"] in before and line["id"] not in kept:
            continue
        if any(methods) and not method and line["id"] not in kept:
            continue
        outlet_id = request.get("fulfilment_outlet_id") or own
        result[line["id"]] = books.need("outlet", outlet_id, status=422)["id"]
    return result


def _payment(books: Books, payment: Mapping[str, Any], known: Mapping[str, Document]) -> Document:
    id = str(payment.get("id") or new_id())
    if id in known:
        return known[id]
    type = books.need("payment_type", _object(payment.get("type"), "payment type").get("config_id"), status=422)
    amount = number(payment.get("amount"), "payment amount")
    if not amount:
        raise TillError(422, "A payment must not be zero.")
    source: Document = {"id": new_id()}
    if register_id := (payment.get("source") or {}).get("register_id"):
        register = books.need("register", register_id, status=422)
        source |= {"register_id": register_id, "outlet_id": register["outlet_id"]}
    books.state.count("payments_added")
    return {
        "id": id if books.box.switch("keeps_payment_ids") else new_id(), "amount": amount,
        "date": str(payment.get("date") or now()),
        "type": {"config_id": type["id"], "id": str(type["type_id"]), "name": type["name"]}, "source": source,
    }  # fmt: skip


def return_sale(books: Books, id: str) -> Document:
    """A parked return of everything in a closed sale; it becomes final when it is paid out and closed."""
    sale = books.sale(id)
    if sale["state"] != "closed" or sale["return"]["is_return"]:
        raise TillError(409, "Only a closed sale can be returned.")
    returned: Document = {
        **shown(sale), "id": new_id(), "state": "parked", "attributes": [], "payments": [],
        "invoice_number": f"{sale['invoice_number']}-R{len(sale['return']['return_sale_ids']) + 1}",
        "created_at": now(), "return": {"is_return": True, "original_sale_id": id, "return_sale_ids": []},
        "hidden": {"taken": {}, "outlets": {}, "details": [], "fulfilments": []},
    }  # fmt: skip
    returned["receipt_number"] = returned["invoice_number"]
    returned["line_items"] = [_returned_line(line) for line in sale["line_items"]]
    returned = books.keep_sale(returned)
    sale["return"]["return_sale_ids"].append(returned["id"])
    books.keep_sale(sale)
    return returned


def _returned_line(line: Document) -> Document:
    quantity = -Decimal(str(line["quantity"]))
    return {
        **line, "id": new_id(), "quantity": quantity, "return": {"is_return": True},
        "pricing": {**line["pricing"], "total": Decimal(str(line["pricing"]["price"])) * quantity},
        "tax": {**line["tax"], "total": Decimal(str(line["tax"]["amount"])) * quantity},
    }  # fmt: skip


def _object(value: Any, what: str) -> Document:
    if not isinstance(value, dict):
        raise TillError(422, f"{what} must be an object.")
    return value


# What staff do on the till's screens


def take_payment(books: Books, sale: Document, amount: Any, type_id: str, register_id: str | None = None) -> Document:
    """Add a payment to a pending sale. With a register it went through the sell screen; without, it was typed in Sales
    history and no money moved. An in-store sale that is now paid is closed; an online one waits for its fulfilment."""
    if sale["state"] != "pending":
        raise TillError(409, f"A {sale['state']} sale takes no payment.")
    value, rest = number(amount, "The amount"), outstanding(sale)
    if not 0 < value <= rest:
        raise TillError(422, f"The amount must be above 0 and at most {rest:.2f}, which is what is outstanding.")
    source = {"register_id": register_id} if register_id else {}
    payment = {"amount": value, "type": {"config_id": type_id}, "source": source}
    sale["payments"].append(_payment(books, payment, {}))
    rows = books.fulfilments_of(sale)
    if outstanding(sale) <= 0 and all(row["state"] == "FULFILLED" for row in rows):
        sale["state"] = "closed"
    return books.keep_sale(sale)


def sell_in_store(books: Books, register_id: str, product_id: str, quantity: Any, type_id: str) -> Document:
    """A sale over the counter: paid, closed and out of stock at once."""
    product = books.need("product", product_id, status=422)
    price = number(product["price_excluding_tax"], "price")
    tax = number(product["price_including_tax"], "price") - price
    count = number(quantity, "The quantity")
    if count <= 0:
        raise TillError(422, "The quantity must be above 0.")
    author = books.state.all("user")[-1]["id"]
    line = {"product": {"id": product_id}, "quantity": count, "pricing": {"price": price},
            "tax": {"id": product["hidden"]["tax_id"], "amount": tax}}  # fmt: skip
    payment = {"amount": (price + tax) * count, "type": {"config_id": type_id}, "source": {"register_id": register_id}}
    source = {"author_id": author, "register_id": register_id}
    return create_sale(books, {"state": "closed", "source": source, "line_items": [line], "payments": [payment]})


def refund(books: Books, sale_id: str) -> Document:
    """Take everything back and pay it out the way it was paid."""
    original = books.sale(sale_id)
    returned = return_sale(books, sale_id)
    for payment in original["payments"]:
        source = {"register_id": original["source"]["register_id"]}
        row = {"amount": -Decimal(str(payment["amount"])), "type": payment["type"], "source": source}
        returned["payments"].append(_payment(books, row, {}))
    returned["state"] = "closed"
    return books.keep_sale(returned)
