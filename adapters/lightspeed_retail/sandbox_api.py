"""The wire protocol of the sandbox: `/api/1.0/token` and `/api/{version}/…` as in API 2026-07.

Statuses and bodies: vendor documentation 2026-07 and its pages on errors, pagination and rate limiting. Where the vendor
is silent the sandbox has a switch.
"""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections import deque
from decimal import Decimal
from email.utils import formatdate
from hmac import compare_digest
from typing import Any

from flask import Blueprint, Response, current_app, g, request

from adapters.lightspeed_retail.sandbox_books import Books, Document, TillError, new_id, now, number, shown
from adapters.lightspeed_retail.sandbox_sales import create_sale, replace_sale, return_sale
from adapters.sandbox import sandbox, to_json

api = Blueprint("lightspeed_retail_api", __name__, url_prefix="/api")

LIMIT_SECONDS = 300
TITLES = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
          409: "Conflict", 422: "Unprocessable Entity", 429: "Too Many Requests"}  # fmt: skip
SIGN_OF_REASON = {
    "DAMAGE": -1,
    "EXPIRY": -1,
    "INTERNAL_USE": -1,
    "THEFT": -1,
    "DONATION": -1,
    "STOCK_FOUND": 1,
    "SAMPLE_FOR_SALE": 1,
}


def error(status: int, message: str) -> Response:
    """An error in the till's words."""
    if status == 429:
        message = "Rate limiting enforced"
    return answer({"error": TITLES.get(status, "Server Error"), "message": message}, status)


def answer(body: Any, status: int = 200) -> Response:
    """A JSON answer; Decimal becomes a JSON number."""
    return Response(to_json(body), status, mimetype="application/json")


def http_date(seconds: float) -> str:
    """Retry-After as this system writes it: a date, not seconds."""
    return formatdate(time.time() + seconds, usegmt=True)


class Limit:
    """300 x registers + 50 requests in five minutes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times: deque[float] = deque()

    def take(self, most: int) -> tuple[int, float]:
        """(requests left, seconds to wait: 0 when this one may pass)."""
        at = time.monotonic()
        with self._lock:
            while self._times and self._times[0] <= at - LIMIT_SECONDS:
                self._times.popleft()
            if len(self._times) >= most:
                return 0, self._times[0] + LIMIT_SECONDS - at
            self._times.append(at)
            return most - len(self._times), 0.0


@api.before_request
def _admit() -> Response | None:
    """Count the request, and let it in with the token of the day."""
    box = sandbox()
    if request.path == "/api/1.0/token":
        return None
    wait = 0.0
    limit: Limit | None = current_app.extensions.get("lightspeed_retail_limit")
    if limit is not None:
        most = 300 * len(box.state.all("register")) + 50
        left, wait = limit.take(most)
        g.limit = (most, left)
    if wait:
        refused = error(429, "")
        refused.headers["Retry-After"] = http_date(wait)
        return refused
    if not request.headers.get("User-Agent"):
        return error(400, "A User-Agent header is required.")
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    current = str(box.state.setting("access_token", ""))
    if scheme != "Bearer" or not current or not compare_digest(token.encode(), current.encode()):
        return error(401, "The access token is not valid.")
    if time.time() >= float(box.state.setting("token_expires", 0)):
        return error(401, "The access token has expired.")
    return None


@api.after_request
def _limits(response: Response) -> Response:
    if "limit" in g:
        response.headers["X-RateLimit-Limit"], response.headers["X-RateLimit-Remaining"] = map(str, g.limit)
    return response


@api.errorhandler(TillError)
def _trouble(trouble: TillError) -> Response:
    return error(trouble.status, trouble.message)


def books() -> Books:
    return Books(sandbox())


def body() -> Document:
    """The JSON object sent. Raises TillError 400."""
    value = request.get_json(force=True, silent=True)
    if not isinstance(value, dict):
        raise TillError(400, "The body must be a JSON object.")
    return value


def page(kind: str, default: int = 100, most: int = 1000) -> Response:
    """A versioned list: rows above `after`, ascending, with the page's lowest and highest version."""
    after, before, size = whole("after", 0), whole("before", 0), min(whole("page_size", default), most)
    rows = sorted((row for row in sandbox().state.all(kind) if row["version"] > after), key=lambda row: row["version"])
    rows = [row for row in rows if (not before or row["version"] < before) and visible(row)][:size]
    version = {"min": rows[0]["version"], "max": rows[-1]["version"]} if rows else {"min": None, "max": None}
    return answer({"data": [shown(row) for row in rows], "version": version})


def visible(row: Document) -> bool:
    """Whether a list shows the row: deleted ones only when asked for."""
    return not row.get("deleted_at") or request.args.get("deleted") == "true"


def whole(name: str, default: int) -> int:
    """A whole number from the query. Raises TillError 400."""
    text = request.args.get(name, "")
    if not text:
        return default
    if not re.fullmatch(r"\d{1,18}", text):
        raise TillError(400, f"{name} must be a whole number.")
    return int(text)


# Tokens


@api.post("/1.0/token")
def token() -> Response:
    """Code or refresh token for an access token; a refresh token works once and takes the old access token with it."""
    state, form = sandbox().state, request.form
    with state.transaction():
        known = (state.setting("client_id", ""), state.setting("client_secret", ""))
        if (form.get("client_id"), form.get("client_secret")) != known:
            return error(401, "The client credentials are not valid.")
        given = {"refresh_token": form.get("refresh_token"), "authorization_code": form.get("code")}
        expected = {"refresh_token": "refresh_token", "authorization_code": "authorization_code"}
        kind = form.get("grant_type", "")
        if kind not in expected or not given[kind] or given[kind] != state.setting(expected[kind], ""):
            return error(400, f"The {kind or 'grant_type'} is not valid.")
        life = int(state.setting("token_seconds", 86400))
        fresh = {"access_token": secrets.token_urlsafe(24), "refresh_token": secrets.token_urlsafe(24)}
        for name, value in fresh.items():
            state.set_setting(name, value)
        state.set_setting("token_expires", int(time.time()) + life)
        state.count("tokens_issued")
    granted = {**fresh, "token_type": "Bearer", "expires": int(time.time()) + life, "expires_in": life}
    return answer({**granted, "domain_prefix": "democorner", "scope": "sales:read sales:write"})


# Sales


@api.get("/<version>/sales")
def list_sales(version: str) -> Response:
    return page("sale")


@api.post("/<version>/sales")
def post_sale(version: str) -> Response:
    ledger = books()
    with ledger.change():
        sale = create_sale(ledger, body())
    return answer({"data": shown(sale)})


@api.get("/<version>/sales/<id>")
def get_sale(version: str, id: str) -> Response:
    return answer({"data": shown(books().sale(id))})


@api.put("/<version>/sales/<id>")
def put_sale(version: str, id: str) -> Response:
    ledger = books()
    with ledger.change():
        sale = replace_sale(ledger, id, body())
    return answer({"data": shown(sale)})


@api.post("/<version>/sales/<id>/actions/return")
def post_return(version: str, id: str) -> Response:
    ledger = books()
    with ledger.change():
        sale = return_sale(ledger, id)
    return answer({"data": shown(sale)})


# Fulfilments


@api.get("/<version>/fulfillments")
def list_fulfilments(version: str) -> Response:
    size, number_ = whole("page_size", 10), whole("page_number", 1)
    if not 1 <= size <= 100 or number_ < 1:
        raise TillError(400, "page_size must be between 1 and 100 and page_number at least 1.")
    filters = {"outlet_id": "outlet_id", "fulfillment_type": "type", "fulfillment_state": "state"}
    ledger, sale_ids = books(), request.args.getlist("sale_id")
    sales = [sale for id in dict.fromkeys(sale_ids) if (sale := ledger.state.get("sale", id))]
    rows = [row for sale in sales for row in ledger.fulfilments_of(sale)] if sale_ids else ledger.listed_fulfilments()
    for parameter, key in filters.items():
        if wanted := request.args.getlist(parameter):
            rows = [row for row in rows if row[key] in wanted]
    return answer({"data": [shown(row) for row in rows[(number_ - 1) * size : number_ * size]]})


@api.post("/<version>/fulfillments/fulfill")
def post_fulfil_sale(version: str) -> Response:
    ledger = books()
    with ledger.change():
        rows = ledger.fulfil_all(ledger.sale(str(body().get("sale_id"))))
    return answer({"data": [{"id": row["id"], "version": row["version"]} for row in rows]})


@api.post("/<version>/fulfillments/<id>/<any(pick,pack,fulfill):step>")
def post_step(version: str, id: str, step: str) -> Response:
    ledger, sent = books(), body()
    with ledger.change():
        row = take_step(ledger, ledger.need("fulfilment", id), step, sent)
    return answer({"data": {"id": row["id"], "version": row["version"]}})


STEPS = {
    "pick": ("picked", ("not_started",)),
    "pack": ("packed", ("picked", "not_started")),
    "fulfill": ("fulfilled", ("packed", "picked", "not_started")),
}


def take_step(ledger: Books, row: Document, step: str, sent: Document, *, adding: bool = False) -> Document:
    """Pick, pack or hand over some units. Raises TillError 409 for a stale version or an unpaid sale.

    `adding` is for the screens, where a quantity always means that many more."""
    target, sources = STEPS[step]
    sale = ledger.sale(row["sale_id"])
    if row["hidden"]["voided"] or sale["state"] == "voided":
        raise TillError(409, "This sale is voided.")
    if sent.get("version") != row["version"]:
        raise TillError(409, f"The fulfillment has version {row['version']}, not {sent.get('version')}. Read it again.")
    if step == "fulfill":
        ledger.must_be_paid(sale)
    for line in sent.get("line_items") or ():
        line_id, quantity = str(line.get("sale_line_item_id")), number(line.get("quantity"), "quantity")
        _check_breakdown(line, quantity)
        if not adding and ledger.box.switch("steps_set_quantities"):
            known = {each["sale_line_item_id"]: Decimal(each[f"{target}_quantity"]) for each in row["line_items"]}
            quantity -= known.get(line_id, Decimal(0))
        if quantity:
            ledger.move(row, sources, target, line_id, quantity)
    row = ledger.keep_fulfilment(row, {"pick": "PICKED", "pack": "PACKED", "fulfill": "FULFILLED"}[step])
    ledger.after_step(sale)
    return row


def _check_breakdown(line: Document, quantity: Decimal) -> None:
    breakdown = line.get("source_breakdown")
    if breakdown is None:
        return
    if quantity < 0:
        raise TillError(422, "source_breakdown is not allowed with a negative quantity.")
    if sum((number(part, "source_breakdown") for part in breakdown.values()), Decimal(0)) != quantity:
        raise TillError(422, "source_breakdown must add up to the quantity.")


@api.get("/<version>/fulfillments/<id>/history")
def get_history(version: str, id: str) -> Response:
    return answer({"data": books().need("fulfilment", id)["hidden"]["history"], "next_cursor": ""})


# Stock


@api.post("/<version>/inventory")
def read_inventory(version: str) -> Response:
    wanted = body()
    size = min(int(number(wanted.get("size", 1000), "size")), 5000)
    rows = [
        row for row in sandbox().state.all("inventory") if row["version"] > int(number(wanted.get("after", 0), "after"))
    ]
    if wanted.get("product_id"):
        rows = [row for row in rows if row["product_id"] == wanted["product_id"]]
    rows.sort(key=lambda row: row["version"], reverse=wanted.get("sort_direction", "desc") != "asc")
    return answer(rows[:size])


@api.get("/<version>/inventory/<product_id>")
def get_inventory(version: str, product_id: str) -> Response:
    books().need("product", product_id)
    return answer([row for row in sandbox().state.all("inventory") if row["product_id"] == product_id])


@api.get("/<version>/stock_adjustments")
def list_adjustments(version: str) -> Response:
    return page("adjustment")


@api.post("/<version>/stock_adjustments")
def post_adjustments(version: str) -> Response:
    ledger, rows = books(), body().get("stock_adjustments")
    if not isinstance(rows, list) or not 1 <= len(rows) <= 1000:
        raise TillError(422, "stock_adjustments must hold 1 to 1000 adjustments.")
    with ledger.change():
        made = [adjust(ledger, row) for row in rows]
    return answer({"data": made}, 201)


def adjust(ledger: Books, row: Document) -> Document:
    """One relative stock adjustment, whose sign must fit its reason. Raises TillError 422."""
    quantity, reason = number(row.get("quantity"), "quantity"), str(row.get("reason"))
    if reason not in SIGN_OF_REASON and reason != "CUSTOM":
        raise TillError(422, f"Unknown reason {reason}.")
    if not quantity or quantity * SIGN_OF_REASON.get(reason, quantity) < 0:
        raise TillError(422, f"A quantity of {quantity} does not fit the reason {reason}.")
    if ledger.level(str(row.get("product_id")), str(row.get("outlet_id"))) is None:
        raise TillError(422, "The product is not tracked at that outlet.")
    ledger.move_stock(row["product_id"], row["outlet_id"], quantity)
    user = ledger.state.all("user")[0]["id"]
    made = {"id": new_id(), "user_id": user, "product_id": row["product_id"], "outlet_id": row["outlet_id"],
            "quantity": str(quantity), "reason": reason, "created_at": now(), "updated_at": now()}  # fmt: skip
    return ledger.save("adjustment", made)
