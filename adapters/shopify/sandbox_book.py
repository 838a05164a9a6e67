"""What the sandbox shop writes down: orders as whole documents, an index over them, and the events of each change."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from adapters.sandbox import Sandbox, SandboxState, to_json

Order = dict[str, Any]
Row = dict[str, Any]

OPEN_STATES = ("OPEN", "IN_PROGRESS", "ON_HOLD", "SCHEDULED", "INCOMPLETE")
"""A fulfilment order in one of these still has something to send."""

API_VERSION = "2026-07"
"""The version that shapes webhooks; the app's setting over there."""


class ShopError(Exception):
    """The shop refuses. `code` is the user error's code where the mutation has codes."""

    def __init__(self, message: str, *, code: str | None = None, field: Iterable[str] | None = None) -> None:
        super().__init__(message)
        self.message, self.code = message, code
        self.field = list(field) if field is not None else None


class Entry(NamedTuple):
    """An order in the index: what lists are sorted and filtered by."""

    updated: int
    created: int
    name: str
    email: str


class Index(dict[int, Entry]):
    """Every order by its number, and in the order of its last change, which is sorted anew when something changed."""

    _changes: list[tuple[int, int]] | None = None

    def put(self, number: int, entry: Entry) -> None:
        self[number] = entry
        self._changes = None

    def drop(self, number: int) -> None:
        self.pop(number, None)
        self._changes = None

    def by_change(self) -> list[tuple[int, int]]:
        """(update time, number) of every order, oldest change first."""
        if self._changes is None:
            self._changes = sorted((entry.updated, number) for number, entry in self.items())
        return self._changes


_INDEXES: MutableMapping[SandboxState, Index] = WeakKeyDictionary()


def gid(kind: str, number: int | str) -> str:
    """A global id: `gid://shopify/Order/6123450001`."""
    return f"gid://shopify/{kind}/{number}"


def number_of(kind: str, global_id: str) -> int:
    """The number in a global id of this kind. Raises ShopError for anything else."""
    head, _, tail = str(global_id).partition("?")[0].rpartition("/")
    if head != f"gid://shopify/{kind}" or not (tail.isascii() and tail.isdigit() and len(tail) < 20):
        raise ShopError(f"Invalid global id '{str(global_id)[:60]}'", field=["id"])
    return int(tail)


def moment(seconds: float | None) -> str | None:
    """A time as the API writes it."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Book:
    """The documents of one sandbox shop. Every change happens inside `change()`: one transaction, and its webhooks are
    sent when it is committed."""

    def __init__(self, box: Sandbox) -> None:
        self.box, self.state = box, box.state
        self._depth = 0
        self._events: dict[tuple[str, str], Callable[[], Mapping[str, Any]]] = {}

    @contextmanager
    def change(self) -> Iterator[None]:
        """Several steps as one. An exception undoes them and nothing is told."""
        self._depth += 1
        try:
            with self.state.transaction():
                yield
        except BaseException:
            if self._depth == 1:
                self._events.clear()
                _INDEXES.pop(self.state, None)
            raise
        finally:
            self._depth -= 1
        if self._depth == 0:
            self._send()

    @property
    def now(self) -> int:
        return int(self.state.now())

    def new_id(self, kind: str, start: int) -> int:
        return self.state.next(kind, start)

    @property
    def domain(self) -> str:
        """The shop's own address: `teahouse.myshopify.com`."""
        return str(self.state.setting("domain", ""))

    # Orders

    def order(self, order_id: int) -> Order:
        """One order. Raises ShopError when there is none."""
        found = self.state.get("order", order_id)
        if found is None:
            raise ShopError("Order does not exist", field=["id"], code="NOT_FOUND")
        return found

    def save(self, order: Order, *topics: str) -> Order:
        """Keep a changed order; `orders/updated` and `topics` will be told, each once, with the order as it is then."""
        order["updated"] = self.now
        kept = self.state.put("order", order["id"], order)
        self.index().put(order["id"], Entry(order["updated"], order["created"], order["name"], order["email"] or ""))
        for topic in ("orders/updated", *topics):
            self.tell(topic, str(order["id"]), lambda: self.order_payload(order["id"]))
        return kept

    def index(self) -> Index:
        """Every order by its number; made from the documents once."""
        with self.state.lock:
            found = _INDEXES.get(self.state)
            if found is None:
                found = Index({
                    each["id"]: Entry(each["updated"], each["created"], each["name"], each["email"] or "")
                    for each in self.state.all("order")
                })  # fmt: skip
                _INDEXES[self.state] = found
            return found

    def forget(self, order_id: int) -> None:
        """Remove an order for good."""
        self.index().drop(order_id)
        self.state.delete("order", order_id)
        self.tell("orders/delete", str(order_id), lambda: {"id": order_id})

    def order_of(self, kind: str, number: int, message: str, code: str | None = None) -> Order:
        """The order that a fulfilment order (`fo`) or fulfilment (`fulfilment`) belongs to."""
        found = self.state.get(kind, number)
        if found is None:
            raise ShopError(message, code=code, field=["id"])
        return self.order(found["order"])

    def order_payload(self, order_id: int) -> Mapping[str, Any]:
        """The order as webhooks carry it; made by a subclass."""
        raise NotImplementedError

    # Events

    def tell(self, topic: str, about: str, payload: Callable[[], Mapping[str, Any]]) -> None:
        """Tell subscribers when the change is committed; the same about the same thing only once."""
        self._events[topic, about] = payload

    def _send(self) -> None:
        events, self._events = self._events, {}
        for (topic, about), make in events.items():
            try:
                payload = make()
            except ShopError:
                continue  # Deleted within the same change.
            body = to_json(payload).encode()
            event_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{self.domain}/{topic}/{about}/{uuid.uuid4()}"))
            for subscription in self._subscribed(topic):
                self.box.courier.post(
                    topic, subscription["uri"], _narrowed(body, subscription), "application/json",
                    self._headers(topic, event_id, subscription),
                )  # fmt: skip

    def _headers(self, topic: str, event_id: str, subscription: Mapping[str, Any]) -> dict[str, str]:
        headers = {
            "X-Shopify-Topic": topic,
            "X-Shopify-Shop-Domain": self.domain,
            "X-Shopify-API-Version": API_VERSION,
            "X-Shopify-Webhook-Id": str(uuid.uuid4()),
            "X-Shopify-Event-Id": event_id,
            "X-Shopify-Triggered-At": datetime.fromtimestamp(self.state.now(), UTC).isoformat().replace("+00:00", "Z"),
        }
        return headers | ({"X-Shopify-Name": subscription["name"]} if subscription.get("name") else {})

    def _subscribed(self, topic: str) -> list[dict[str, Any]]:
        """Subscriptions made over the API, and the address of the app's own configuration, which no list shows."""
        own = [{"uri": self.box.webhook_url, "include_fields": []}] if self.box.webhook_url else []
        word = topic.upper().replace("/", "_")
        return own + [each for each in self.state.all("subscription") if each["topic"] == word]


def _narrowed(body: bytes, subscription: Mapping[str, Any]) -> bytes:
    wanted = subscription.get("include_fields") or []
    if not wanted:
        return body
    return to_json({key: value for key, value in json.loads(body, parse_float=Decimal).items() if key in wanted}).encode()


def fulfilled(order: Mapping[str, Any], line_id: int) -> int:
    """Units of a line that were sent."""
    return sum(
        row["quantity"]
        for each in order["fulfilments"] if each["status"] == "SUCCESS"
        for row in each["lines"] if row["line"] == line_id
    )  # fmt: skip


def refunded(order: Mapping[str, Any], line_id: int) -> int:
    """Units of a line that were refunded."""
    return sum(row["quantity"] for each in order["refunds"] for row in each["lines"] if row["line"] == line_id)


def current(order: Mapping[str, Any], line: Mapping[str, Any]) -> int:
    """Units of a line without those removed or refunded."""
    return int(line["quantity"]) - int(line["removed"]) - refunded(order, line["id"])


def unfulfilled(order: Mapping[str, Any], line: Mapping[str, Any]) -> int:
    """Units of a line still to be sent."""
    if order["cancelled"]:
        return 0
    if order["route_at"] is not None:
        return current(order, line)
    return sum(
        row["remaining"]
        for each in order["fulfilment_orders"] if each["status"] in OPEN_STATES
        for row in each["lines"] if row["line"] == line["id"]
    )  # fmt: skip
