"""The toy shop itself: its API, its own logic, and the webhooks it sends."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from flask import Blueprint, Flask, Response, request

from adapters.sandbox import Profile, Sandbox, SandboxState, create_sandbox, sandbox, to_json
from tests.adapters.toy.adapter import SIGNATURE, signature

SHOP_ID, TOKEN, SECRET = "7", "toy-token-1234", "toy-secret-1234"
POSTAGE = Decimal("4.95")

api = Blueprint("toy_api", __name__, url_prefix="/api")


class ToyError(Exception):
    """The shop refuses."""

    def __init__(self, words: str, status: int = 422) -> None:
        super().__init__(words)
        self.words, self.status = words, status


class Toys:
    """What customers, staff and the API do. Every change gives its order or article a higher version."""

    def __init__(self, box: Sandbox) -> None:
        self.box, self.state = box, box.state

    def place(
        self, basket: Mapping[str, int], buyer: Mapping[str, str], *, collect: bool, paid: bool, discount: Decimal
    ) -> dict[str, Any]:
        articles = {code: self.by_code(code) for code in basket}
        lines = [
            {"id": str(n), "code": code, "name": articles[code]["name"], "article": str(articles[code]["id"]), "units": units,
             "sent": 0, "price": articles[code]["price"], "tax": articles[code]["tax"], "digital": articles[code]["digital"]}
            for n, (code, units) in enumerate(basket.items(), 1)
        ]  # fmt: skip
        for code, units in basket.items():
            if not articles[code]["digital"]:
                self.set_stock(articles[code]["id"], int(articles[code]["stock"]) - units)
        order = {
            "id": f"T{self.state.next('order', 1001)}", "currency": "EUR", "placed_at": int(self.state.now()), "status": "open",
            "payment": "paid" if paid else "due", "pays_with": "card", "collect": collect, "postage": Decimal(0) if collect else POSTAGE,
            "discount": discount, "buyer": {**buyer, "id": self._customer(buyer)}, "lines": lines, "shipments": [], "refunds": [],
            "note": "",
        }  # fmt: skip
        self.state.count("orders_created")
        return self.save(order, "order.placed")

    def save(self, order: dict[str, Any], topic: str = "order.changed") -> dict[str, Any]:
        """Work out what follows from the parts of an order, keep it, and tell whoever listens."""
        wanted = sum(line["units"] for line in order["lines"])
        sent = sum(line["sent"] for line in order["lines"])
        if sent and order["status"] in ("open", "waiting", "partly_sent"):
            order["status"] = "done" if sent >= wanted else "partly_sent"
        goods = sum((Decimal(str(line["price"])) * line["units"] for line in order["lines"]), Decimal(0))
        order["total"] = (goods + order["postage"] - order["discount"]).quantize(Decimal("0.01"))
        back = sum((Decimal(str(each["amount"])) for each in order["refunds"]), Decimal(0))
        if back:
            order["payment"] = "refunded" if back >= order["total"] else "part_refunded"
        order |= {"version": self.state.next("version"), "changed_at": int(self.state.now())}
        self.state.put("order", order["id"], order)
        self._tell(topic, order["id"])
        return order

    def change(self, order_id: str, **fields: Any) -> dict[str, Any]:
        order = self.order(order_id)
        if order["status"] == "cancelled":
            raise ToyError("A cancelled order cannot be changed")
        if fields.get("status") == "cancelled" and any(line["sent"] for line in order["lines"]):
            raise ToyError("What was sent cannot be cancelled")
        number = fields.pop("tracking", None)
        if number:
            open_ = {
                line["id"]: line["units"] - line["sent"] for line in order["lines"] if line["units"] > line["sent"]
            }
            self._send(order, "", open_, number)
        elif fields.get("status") == "done":
            for line in order["lines"]:
                line["sent"] = line["units"]
        return self.save({**order, **fields} if not (number and fields.get("status") == "done") else order)

    def ship(self, order_id: str, reference: str, lines: Mapping[str, int], tracking: str | None) -> dict[str, Any]:
        order = self.order(order_id)
        if order["status"] == "cancelled":
            raise ToyError("A cancelled order cannot be sent")
        self._send(order, reference, lines, tracking)
        self.state.count("shipments_made")
        return self.save(order)

    def _send(self, order: dict[str, Any], reference: str, lines: Mapping[str, int], tracking: str | None) -> None:
        for line in order["lines"]:
            line["sent"] += lines.get(line["id"], 0)
            if line["sent"] > line["units"]:
                raise ToyError(f"Only {line['units']} of {line['code']} were ordered")
        order["shipments"].append(
            {"id": self.state.next("shipment"), "reference": reference, "lines": dict(lines), "tracking": tracking}
        )

    def refund(self, order_id: str, reference: str, amount: Decimal) -> dict[str, Any]:
        order = self.order(order_id)
        order["refunds"].append({"reference": reference, "amount": amount})
        if sum((Decimal(str(each["amount"])) for each in order["refunds"]), Decimal(0)) > order["total"]:
            raise ToyError("More than what was paid")
        self.state.count("refunds_made")
        return self.save(order)

    def set_stock(self, article_id: Any, stock: int) -> dict[str, Any]:
        return self.change_article(article_id, stock=stock)

    def change_article(self, article_id: Any, **fields: Any) -> dict[str, Any]:
        article = self.state.get("article", article_id)
        if article is None:
            raise ToyError("There is no such article", 404)
        article |= {**fields, "version": self.state.next("version"), "changed_at": int(self.state.now())}
        self.state.put("article", article_id, article)
        self._tell("article.changed", str(article_id))
        return article

    def order(self, order_id: str) -> dict[str, Any]:
        order = self.state.get("order", order_id)
        if order is None:
            raise ToyError(f"There is no order {order_id}", 404)
        return order

    def by_code(self, code: str) -> dict[str, Any]:
        return next(each for each in self.state.all("article") if each["code"] == code)

    def _customer(self, buyer: Mapping[str, str]) -> str:
        if not buyer["email"]:
            return ""
        known = self.state.get("customer", buyer["email"].lower())
        if known is None:
            known = {"id": str(self.state.next("customer")), "email": buyer["email"], "name": buyer["name"]}
            self.state.put("customer", buyer["email"].lower(), known)
        return str(known["id"])

    def _tell(self, topic: str, id: str) -> None:
        said = {
            "event": f"e{self.state.next('event')}",
            "topic": topic,
            "shop": SHOP_ID,
            "id": id,
            "at": int(self.state.now()),
        }
        self.box.courier.post(topic, self.box.webhook_url, json.dumps(said).encode())


def error(status: int, words: str) -> Response:
    return Response(to_json({"error": words}), status, mimetype="application/json")


PROFILE = Profile(
    name="toy", title="Toy shop", api_prefixes=("/api/",), error=error,
    sign=lambda body, secret: {SIGNATURE: signature(body, secret)},
)  # fmt: skip


def seed(state: SandboxState, articles: Sequence[Mapping[str, Any]]) -> None:
    """Articles: `{"code", "name", "price", "tax", "stock", "digital"}`."""
    for article in articles:
        id = state.next("article", 501)
        state.put(
            "article", id, {"id": id, "version": state.next("version"), "changed_at": int(state.now()), **article}
        )


def create_app(state: SandboxState, **options: Any) -> Flask:
    app = create_sandbox(PROFILE, state, import_name="tests.adapters.toy", secret=SECRET, **options)
    app.register_blueprint(api)
    return app


@api.before_request
def _authorise() -> Response | None:
    return None if request.headers.get("Authorization") == f"Bearer {TOKEN}" else error(401, "Wrong key")


@api.errorhandler(ToyError)
def _refuse(problem: ToyError) -> Response:
    return error(problem.status, problem.words)


def _json(value: Any) -> Response:
    return Response(to_json(value), mimetype="application/json")


@api.get("/shop")
def shop() -> Response:
    return _json({"id": SHOP_ID, "name": "The toy shop"})


@api.get("/orders")
def orders() -> Response:
    """By version, so that paging never misses what changes meanwhile."""
    after, limit = int(request.args.get("after", 0)), int(request.args.get("limit", 20))
    everything = sandbox().state.all("order")
    found = sorted((each for each in everything if each["version"] > after), key=lambda each: int(each["version"]))
    return _json({"orders": found[:limit], "total": len(everything)})


@api.get("/orders/<id>")
def order(id: str) -> Response:
    return _json(Toys(sandbox()).order(id))


@api.patch("/orders/<id>")
def change(id: str) -> Response:
    with sandbox().state.transaction():
        return _json(Toys(sandbox()).change(id, **request.get_json()))


@api.post("/orders/<id>/shipments")
def ship(id: str) -> Response:
    body = request.get_json()
    with sandbox().state.transaction():
        return _json(Toys(sandbox()).ship(id, body["reference"], body["lines"], body["tracking"]))


@api.patch("/orders/<id>/shipments/<int:shipment>")
def track(id: str, shipment: int) -> Response:
    toys = Toys(sandbox())
    with sandbox().state.transaction():
        order = toys.order(id)
        for each in order["shipments"]:
            each |= request.get_json() if each["id"] == shipment else {}
        return _json(toys.save(order))


@api.post("/orders/<id>/refunds")
def refund(id: str) -> Response:
    body = request.get_json()
    with sandbox().state.transaction():
        return _json(Toys(sandbox()).refund(id, body["reference"], Decimal(body["amount"])))


@api.get("/articles")
def articles() -> Response:
    code = request.args.get("code")
    return _json({"articles": [each for each in sandbox().state.all("article") if code in (None, each["code"])]})


@api.get("/articles/<id>")
def article(id: str) -> Response:
    found = sandbox().state.get("article", id)
    if found is None:
        raise ToyError("There is no such article", 404)
    return _json(found)


@api.put("/articles/<id>/stock")
def stock(id: str) -> Response:
    return _json(Toys(sandbox()).set_stock(id, int(request.get_json()["stock"])))


@api.get("/customers")
def customers() -> Response:
    part = request.args.get("email", "").lower()
    return _json({"customers": [each for each in sandbox().state.all("customer") if part in each["email"].lower()]})
