"""The toy shop's operations in our words, and its webhooks."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import requests

from adapters.base import (
    Call,
    Capabilities,
    Connection,
    Memory,
    NewEvent,
    Refused,
    Result,
    Unauthorised,
    WebhookHint,
    WebhookRejected,
)
from adapters.fields import fingerprint, objects
from adapters.http import DEFAULT_TIMEOUT, read_object, send
from adapters.paging import shrinking
from adapters.polling import Cursor
from adapters.progress import leads_on, order_reference
from tests.adapters.toy import mapping
from tests.adapters.toy.declared import TOY

SIGNATURE = "X-Toy-Signature"


@dataclass(frozen=True, slots=True)
class Work:
    """One call with everything it needs."""

    call: Call
    connection: Connection
    memory: Memory
    http: requests.Session

    @property
    def page(self) -> int:
        return int(self.connection.settings.get("page_size", 50))

    @property
    def payload(self) -> Mapping[str, Any]:
        return self.call.payload

    def ask(self, method: str, path: str, *, expect: tuple[int, ...] = (), **options: Any) -> dict[str, Any]:
        """One request. Everything that can go wrong is an AdapterError already when it leaves `send`."""
        key = self.connection.credentials.get("token", "")
        if not key:
            raise Unauthorised(f"The connection {self.connection.name!r} lacks its token: fill it in.")
        answer = send(
            self.http, method, f"{self.connection.base_url.rstrip('/')}/api/{path}",
            headers={"Authorization": f"Bearer {key}"}, expect=expect,
            timeout=(DEFAULT_TIMEOUT[0], float(self.connection.settings.get("timeout_seconds", 20))), **options,
        )  # fmt: skip
        return {} if answer.status_code in expect else read_object(answer)

    def order(self) -> dict[str, Any]:
        """The order that a command of ours is about."""
        return self.ask("GET", f"orders/{quote(order_reference(self.payload, self.memory, TOY.title), safe='')}")

    def text(self, name: str) -> str:
        value = self.payload.get(name)
        if not isinstance(value, str) or not value.strip():
            raise Refused(f"The command {self.call.operation} lacks {name}.")
        return value.strip()


def check(work: Work) -> Result:
    """Prove the token."""
    return Result(f"Connected to {work.ask('GET', 'shop').get('name')}.")


def read_order(work: Work) -> Result:
    """Read one order, whole."""
    order = work.ask("GET", f"orders/{quote(work.text('external_id'), safe='')}")
    return Result(f"Read order {order['id']}.", (_order_event(work, order),))


def read_orders(work: Work) -> Result:
    """Poll: what changed since the last poll, by the shop's growing version number, one page at a time."""
    cursor = Cursor(work.memory, "orders.cursor", work.call)
    position = int(cursor.position(0))
    orders, _, more = _page(work, position)
    cursor.keep(position, max([position, *(int(order["version"]) for order in orders)]))
    events = tuple(_order_event(work, order) for order in orders)
    return Result(f"Read {len(events)} changed orders.", events, did_nothing=not events, then={} if more else None)


def read_page(work: Work) -> Result:
    """One page of a first import. An order that changes meanwhile gets a higher version and comes again at the end."""
    if work.payload.get("kind") == "products":
        articles = objects(work.ask("GET", "articles"), "articles")
        learned = tuple(event for article in articles for event in _article_events(work, article))
        return Result(f"Read {len(articles)} articles.", learned, progress=(len(articles), len(articles)))
    orders, total, more = _page(work, int(work.payload.get("cursor") or 0), since=work.payload.get("since") or "")
    events = tuple(_order_event(work, order) for order in orders)
    following = {**work.payload, "cursor": int(orders[-1]["version"])} if more else None
    return Result(f"Read {len(orders)} orders.", events, then=following, progress=(len(orders), total))


def _page(work: Work, after: int, **more: str) -> tuple[list[Mapping[str, Any]], int, bool]:
    """Orders in order of their versions, how many there are in all, and whether more follow. Where orders are so large
    that a page of them is more than we hold in memory, fewer are asked for."""
    answer, size = shrinking(
        lambda limit: work.ask("GET", "orders", params={"after": after, "limit": limit, **more}), work.page
    )
    orders = objects(answer, "orders")
    return orders, int(answer["total"]), len(orders) == size


def read_product(work: Work) -> Result:
    """Read one article."""
    article = work.ask("GET", f"articles/{quote(work.text('external_id'), safe='')}")
    return Result(f"Read article {article['code']}.", _article_events(work, article))


def read_products(work: Work) -> Result:
    """Read all articles; a toy shop has few."""
    events = [e for article in objects(work.ask("GET", "articles"), "articles") for e in _article_events(work, article)]
    return Result(f"Read {len(events) // 2} articles.", events, did_nothing=not events)


def read_customer(work: Work) -> Result:
    """Find a customer. The shop's search finds parts of addresses too, so the answer is compared whole."""
    email = work.text("email")
    found = objects(work.ask("GET", "customers", params={"email": email}), "customers")
    match = next((each for each in found if str(each.get("email")).casefold() == email.casefold()), None)
    if match is None:
        return Result(f"The shop has no customer {email}.", did_nothing=True)
    data = {"email": str(match["email"]), "name": str(match["name"]), "external_id": str(match["id"])}
    event = NewEvent(
        f"customer:{match['id']}:{fingerprint(data)}", "customer.changed", f"customer:{email}", datetime.now(UTC), data
    )
    return Result(f"Found customer {email}.", (event,))


def set_order_status(work: Work) -> Result:
    """Write what leads on from what the shop has, and nothing else."""
    status = _word(work, "shop_status", TOY.shop_statuses)
    payment = _word(work, "payment_status", TOY.payment_statuses)
    order = work.order()
    remarks: list[str] = []
    fields: dict[str, str] = {}
    present = mapping.shop_status(order)
    if status and leads_on("status", present, status, mapping.STATUS_MAY_FOLLOW, remarks):
        fields["status"] = mapping.STATUS_TO_THEIRS[status]
    if payment and leads_on("payment", mapping.payment_status(order), payment, mapping.PAYMENT_MAY_FOLLOW, remarks):
        fields["payment"] = "paid"
    number = (work.payload.get("tracking") or {}).get("number")
    if (
        number
        and present != "cancelled"
        and number not in [each.get("tracking") for each in objects(order, "shipments")]
    ):
        fields["tracking"] = number
    if not fields:
        return Result(
            f"Order {order['id']} was left as it is: {'; '.join(remarks) or 'nothing to change'}.", did_nothing=True
        )
    work.ask("PATCH", f"orders/{order['id']}", json=fields)
    return Result(f"Order {order['id']} now has {', '.join(f'{k} {v}' for k, v in fields.items())}.")


def ship_fulfilment(work: Work) -> Result:
    """Make a shipment of what one outlet sent. The shop keeps a reference on it, ours: so it is found again when the
    answer was lost, and what staff sent meanwhile is not sent twice."""
    order, reference = work.order(), str(work.payload["fulfilment"]["id"])
    number = (work.payload.get("tracking") or {}).get("number")
    mine = next((each for each in objects(order, "shipments") if each.get("reference") == reference), None)
    if mine is not None and (not number or mine.get("tracking") == number):
        return Result(f"The shop has this shipment of order {order['id']} already.", did_nothing=True)
    if mine is not None:
        work.ask("PATCH", f"orders/{order['id']}/shipments/{mine['id']}", json={"tracking": number})
        return Result(f"Added tracking {number} to a shipment of order {order['id']}.")
    lines = {
        str(line["id"]): min(wanted, int(line["units"]) - int(line["sent"]))
        for line in objects(order, "lines")
        for wanted in [_wanted(work, str(line["id"]))]
        if min(wanted, int(line["units"]) - int(line["sent"])) > 0
    }
    if not lines or mapping.shop_status(order) == "cancelled":
        return Result(f"Nothing is open on order {order['id']} in the shop.", did_nothing=True)
    work.ask(
        "POST", f"orders/{order['id']}/shipments", json={"reference": reference, "lines": lines, "tracking": number}
    )
    return Result(f"Told the shop that {sum(lines.values())} units of order {order['id']} were sent.")


def refund_order(work: Work) -> Result:
    """Record a refund once: ours is found by its reference."""
    order, reference, amount = work.order(), work.text("reference"), Decimal(work.text("amount"))
    if any(each.get("reference") == reference for each in objects(order, "refunds")):
        return Result(f"The shop has refund {reference} already.", did_nothing=True)
    left = Decimal(str(order["total"])) - sum(
        (Decimal(str(each["amount"])) for each in objects(order, "refunds")), Decimal(0)
    )
    if amount > left:
        raise Refused(f"Order {order['id']} has {left:.2f} left to pay back, which is less than {amount:.2f}.")
    body = {"reference": reference, "amount": str(amount), "pay_back": work.payload.get("pay_back") is True}
    work.ask("POST", f"orders/{order['id']}/refunds", json=body)
    return Result(f"Refunded {amount:.2f} of order {order['id']}.")


def set_stock(work: Work) -> Result:
    """Tell the shop how many it may sell; it refuses less than nothing."""
    sku, wanted = work.text("sku"), work.payload.get("quantity")
    if isinstance(wanted, bool) or not isinstance(wanted, int):
        raise Refused(f"The command set_stock needs a whole quantity, not {wanted!r}.")
    article = _article(work, sku)
    if int(article["stock"]) == max(wanted, 0):
        return Result(f"The shop already has {max(wanted, 0)} of {sku}.", did_nothing=True)
    work.ask("PUT", f"articles/{article['id']}/stock", json={"stock": max(wanted, 0)})
    return Result(f"The shop has {max(wanted, 0)} of {sku} now.")


def _article(work: Work, sku: str) -> Mapping[str, Any]:
    """The article we remember if it still has this sku, else a search."""
    remembered = work.memory.external("product", sku)
    if remembered is not None:
        known = work.ask("GET", f"articles/{quote(remembered, safe='')}", expect=(404,))
        if known.get("code") == sku:
            return known
    for article in objects(work.ask("GET", "articles", params={"code": sku}), "articles"):
        if article.get("code") == sku:
            work.memory.bind("product", sku, str(article["id"]))
            return article
    raise Refused(f"The shop has no article with code {sku}: add it there, or correct the sku.")


def _article_events(work: Work, article: Mapping[str, Any]) -> tuple[NewEvent, NewEvent]:
    work.memory.bind("product", str(article["code"]), str(article["id"]))
    return mapping.article_events(article)


def _order_event(work: Work, order: Mapping[str, Any]) -> NewEvent:
    return mapping.order_event(order, known=work.memory.ours("order", str(order.get("id"))) is not None)


def _wanted(work: Work, line_id: str) -> int:
    return sum(int(each["quantity"]) for each in work.payload["lines"] if str(each["line"]) == line_id)


def _word(work: Work, kind: str, words: Mapping[str, str]) -> str | None:
    wanted = work.payload.get(kind)
    if wanted is None or (isinstance(wanted, str) and wanted in words):
        return wanted
    raise Refused(f"A toy shop cannot express {kind} {wanted!r}. It can: {', '.join(sorted(words))}.")


_OPERATIONS: Mapping[str, Callable[[Work], Result]] = {
    each.__name__: each
    for each in (
        check, read_order, read_orders, read_page, read_product, read_products, read_customer, set_order_status,
        ship_fulfilment, refund_order, set_stock,
    )
}  # fmt: skip


class ToyShop:
    """See `adapters.base.Adapter`."""

    capabilities = Capabilities(
        platform=TOY.name,
        title=TOY.title,
        role=TOY.role,
        operations=frozenset(_OPERATIONS),
        statuses={"shop_status": frozenset(TOY.shop_statuses), "payment_status": frozenset(TOY.payment_statuses)},
        labels={"shop_status": TOY.shop_statuses, "payment_status": TOY.payment_statuses},
        credentials=("shop_id", "token", "hook_secret"),
        settings={
            "timeout_seconds": ("How long to wait for an answer, in seconds.", 20),
            "page_size": ("How many orders are read at once.", 50),
        },
        rate_per_minute=600,
        guide="In the toy shop under Keys.",
        credential_hints={
            "shop_id": "The number in the address of the shop's admin.",
            "token": "The key that may read and write orders.",
            "hook_secret": "What the shop signs its webhooks with.",
        },
    )

    def execute(self, call: Call, connection: Connection, memory: Memory, http: requests.Session) -> Result:
        operation = _OPERATIONS.get(call.operation)
        if operation is None:
            raise Refused(f"A toy shop has no operation {call.operation!r}. It has: {', '.join(sorted(_OPERATIONS))}.")
        return operation(Work(call, connection, memory, http))

    def verify(
        self, body: bytes, headers: Mapping[str, str], query: Mapping[str, str], connection: Connection
    ) -> Sequence[WebhookHint]:
        """The signature covers the raw body. Only ids are used of it: the entity itself is read over the API."""
        secret = connection.credentials.get("hook_secret", "")
        given = {name.lower(): value for name, value in headers.items()}.get(SIGNATURE.lower(), "")
        if (
            not secret
            or not given
            or not hmac.compare_digest(signature(body, secret).encode(), given.encode("utf-8", "replace"))
        ):
            raise WebhookRejected(f"The header {SIGNATURE} does not belong to this body and this connection.", 401)
        try:
            said = json.loads(body)
            event_id, topic, shop, entity, at = (said[name] for name in ("event", "topic", "shop", "id", "at"))
            moment = datetime.fromtimestamp(int(at), UTC)
        except (ValueError, TypeError, KeyError, RecursionError, OverflowError, OSError):
            raise WebhookRejected("The body is not a toy shop's webhook.") from None
        if str(shop) != connection.credentials.get("shop_id"):
            raise WebhookRejected("This webhook is of another shop.")
        kind = {"order": "read_order", "article": "read_product"}.get(str(topic).partition(".")[0])
        if kind is None:
            return ()
        return (WebhookHint(str(event_id), str(topic), f"{kind}:{entity}", moment, kind, {"external_id": str(entity)}),)


def signature(body: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
