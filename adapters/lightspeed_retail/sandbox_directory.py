"""The rest of the sandbox's wire protocol: lists, customers with their addresses, search, webhook subscriptions."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable

from flask import Response, request

from adapters.lightspeed_retail.sandbox_api import answer, api, body, books, page, visible, whole
from adapters.lightspeed_retail.sandbox_books import Books, Document, TillError, new_id, now, shown
from adapters.lightspeed_retail.sandbox_hooks import TYPES
from adapters.sandbox import sandbox

__all__ = ["api", "create_customer"]

POSTCODES = {
    "NL": r"\d{4} ?[A-Za-z]{2}",
    "BE": r"\d{4}",
    "DE": r"\d{5}",
    "SE": r"\d{3} ?\d{2}",
    "US": r"\d{5}(-\d{4})?",
}


def _list_of(kind: str) -> Callable[[str], Response]:
    def view(version: str) -> Response:
        return page(kind)

    return view


def _one_of(kind: str) -> Callable[[str, str], Response]:
    def view(version: str, id: str) -> Response:
        return answer({"data": shown(books().need(kind, id))})

    return view


for _path, _kind in {"outlets": "outlet", "registers": "register", "payment_types": "payment_type", "taxes": "tax",
                     "users": "user", "products": "product", "customers": "customer"}.items():  # fmt: skip
    api.add_url_rule(f"/<version>/{_path}", f"list_{_kind}", _list_of(_kind))
    api.add_url_rule(f"/<version>/{_path}/<id>", f"get_{_kind}", _one_of(_kind))


@api.post("/<version>/customers")
def post_customer(version: str) -> Response:
    ledger, sent = books(), body()
    with ledger.change():
        customer = create_customer(ledger, sent)
    return answer({"data": customer}, 201)


def create_customer(ledger: Books, sent: Document) -> Document:
    """A new profile. Raises TillError 422 when a required key is missing or the customer code is taken."""
    missing = [key for key in ("first_name", "last_name") if key not in sent]
    if missing:
        raise TillError(422, f"{', '.join(missing)} is required (null is allowed).")
    code = str(sent.get("customer_code") or new_id()[:8])
    if any(row["customer_code"] == code for row in ledger.state.all("customer")):
        raise TillError(422, f"The customer code {code} is taken.")
    name = " ".join(str(sent[key]) for key in ("first_name", "last_name") if sent[key])
    customer = {**sent, "id": new_id(), "name": name, "customer_code": code, "created_at": now(), "updated_at": now(),
                "deleted_at": None}  # fmt: skip
    ledger.state.count("customers_created")
    customer = ledger.save("customer", customer)
    ledger.announce("customer.update", customer["id"])
    return customer


@api.put("/<version>/customers/<id>")
def put_customer(version: str, id: str) -> Response:
    ledger, sent = books(), body()
    with ledger.change():
        customer = ledger.need("customer", id)
        customer |= {key: value for key, value in sent.items() if key not in ("id", "version")} | {"updated_at": now()}
        customer["name"] = " ".join(str(customer[key]) for key in ("first_name", "last_name") if customer.get(key))
        customer = ledger.save("customer", customer)
        ledger.announce("customer.update", id)
        ledger.state.count("customers_changed")
    return answer({"data": customer})


@api.get("/<version>/customers/<id>/addresses")
def list_addresses(version: str, id: str) -> Response:
    books().need("customer", id)
    return answer({"data": [shown(row) for row in sandbox().state.all("address") if row["customer_id"] == id]})


@api.post("/<version>/customers/<id>/addresses")
def post_address(version: str, id: str) -> Response:
    ledger, sent = books(), body()
    ledger.need("customer", id)
    _check_address(sent)
    with ledger.change():
        key, token_ = 9007199254740992000 + ledger.state.next("address"), secrets.token_urlsafe(9)
        address = {
            **sent,
            "id": key,
            "customer_id": id,
            "created_at": now(),
            "updated_at": now(),
            "hidden": {"token": token_},
        }
        ledger.state.put("address", key, address)
        ledger.state.count("addresses_created")
    return answer({"data": {**shown(address), "id_token": token_}}, 201)


def _check_address(sent: Document) -> None:
    for key in ("address_line_1", "city", "postcode", "country_code", "type"):
        if not sent.get(key):
            raise TillError(400, f"{key} is required.")
    for key, most in (("address_line_1", 50), ("address_line_2", 50), ("city", 28), ("state", 35)):
        if len(str(sent.get(key) or "")) > most:
            raise TillError(400, f"{key} may have at most {most} characters.")
    country = str(sent["country_code"])
    if country in POSTCODES and not re.fullmatch(POSTCODES[country], str(sent["postcode"])):
        raise TillError(400, f"{sent['postcode']} is not a postcode of {country}.")
    if country in ("US", "CA") and not sent.get("state_code"):
        raise TillError(400, f"state_code is required for {country}.")


SEARCHABLE = {
    "sales": ("state", "invoice_number", "customer_id"),
    "customers": ("email", "first_name", "last_name", "customer_code", "phone", "mobile", "company_name"),
    "products": ("sku",),
}


@api.get("/<version>/search")
def search(version: str) -> Response:
    """Matches beginnings, upper and lower case alike: a caller who wants equality must compare again."""
    kind = request.args.get("type", "")
    if kind not in SEARCHABLE:
        raise TillError(400, "type must be sales, products or customers.")
    rows = [row for row in sandbox().state.all(kind[:-1]) if visible(row)]
    for key in SEARCHABLE[kind]:
        if wanted := request.args.get(key, "").lower():
            rows = [row for row in rows if str(row.get(key) or "").lower().startswith(wanted)]
    if kind == "sales":
        rows = [row for row in rows if _sale_found(row)]
    offset, size = whole("offset", 0), min(whole("page_size", 100), 1000)
    return answer({"data": [shown(row) for row in rows[offset : offset + size]]})


def _sale_found(sale: Document) -> bool:
    source, wanted = sale["source"], request.args
    return (
        set(wanted.getlist("attributes")) <= set(sale["attributes"])
        and wanted.get("outlet_id", source["outlet_id"]) == source["outlet_id"]
        and wanted.get("register_id", source["register_id"]) == source["register_id"]
        and wanted.get("date_from", "") <= sale["date"] <= (wanted.get("date_to") or "9999")
    )


# Webhook subscriptions


@api.get("/<version>/webhooks")
def list_webhooks(version: str) -> Response:
    return answer({"data": sandbox().state.all("webhook")})


@api.post("/<version>/webhooks")
def post_webhook(version: str) -> Response:
    ledger, sent = books(), _webhook(body())
    with ledger.change():
        if any((row["type"], row["url"]) == (sent["type"], sent["url"]) for row in ledger.state.all("webhook")):
            return answer({"error": "A webhook with this type and url already exists."}, 409)
        made = ledger.state.put("webhook", sent["id"], sent)
    return answer({"data": made}, 201)


@api.get("/<version>/webhooks/<id>")
def get_webhook(version: str, id: str) -> Response:
    return answer({"data": books().need("webhook", id)})


@api.put("/<version>/webhooks/<id>")
def put_webhook(version: str, id: str) -> Response:
    old = books().need("webhook", id)
    return answer({"data": sandbox().state.put("webhook", id, {**_webhook(body()), "id": old["id"]})})


@api.delete("/<version>/webhooks/<id>")
def delete_webhook(version: str, id: str) -> Response:
    books().need("webhook", id)
    sandbox().state.delete("webhook", id)
    return Response(status=204)


def _webhook(sent: Document) -> Document:
    if sent.get("type") not in TYPES or not str(sent.get("url") or "").startswith(("http://", "https://")):
        raise TillError(422, f"A webhook needs a url and one type of: {', '.join(TYPES)}.")
    return {"id": new_id(), "retailer_id": "democorner", "active": bool(sent.get("active", True)), "type": sent["type"],
            "url": sent["url"]}  # fmt: skip
