"""The shop behind the sandbox: its documents, its clock, changes as one step, and the callbacks that tell of them.

Documents keep the vendor's own field names; what begins with an underscore is the sandbox's own and never leaves it.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from email.utils import format_datetime
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

from adapters.base import Connection
from adapters.bigcommerce.progress import STATUS_NAMES
from adapters.bigcommerce.webhook import SECRET_HEADER, secret_of
from adapters.sandbox import Sandbox, SandboxState

STORE_ID = 1_025_646
DELAY_SECONDS = 0.2
"""How long what happens in the background takes: stock writes and payments of refunds."""

_FOUR = Decimal("0.0001")


class ShopError(Exception):
    """The shop refuses: `status` is the HTTP status its API answers with, `errors` its words per field (V3)."""

    def __init__(self, message: str, status: int = 422, errors: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message, self.status, self.errors = message, status, dict(errors or {})


class OrderIndex:
    """What lists of orders filter and sort by, kept so that not every order is read for every page."""

    def __init__(self, state: SandboxState) -> None:
        self.rows: dict[int, tuple[int, int, int]] = {int(o["id"]): self.row(o) for o in state.all("order")}

    @staticmethod
    def row(order: Mapping[str, Any]) -> tuple[int, int, int]:
        """When it changed, when it was made, its status."""
        return int(order["_modified"]), int(order["_created"]), int(order["status_id"])


_INDEXES: WeakKeyDictionary[SandboxState, OrderIndex] = WeakKeyDictionary()


class Shop:
    """The shop of one sandbox. Every change is one transaction; its callbacks are posted after it is committed."""

    def __init__(self, box: Sandbox) -> None:
        self.box, self.state = box, box.state
        self._events: list[tuple[str, dict[str, Any]]] = []
        self._changed: dict[int, tuple[int, int, int]] = {}
        self._depth = 0

    @cached_property
    def store_hash(self) -> str:
        return str(self.state.setting("store_hash", ""))

    @property
    def index(self) -> OrderIndex:
        with self.state.lock:
            if self.state not in _INDEXES:
                _INDEXES[self.state] = OrderIndex(self.state)
            return _INDEXES[self.state]

    @contextmanager
    def change(self) -> Iterator[None]:
        """One step that either happens or does not; nests."""
        self._depth += 1
        try:
            with self.state.transaction():
                yield
        except BaseException:
            self._events, self._changed = [], {}
            raise
        finally:
            self._depth -= 1
        if self._depth == 0:
            self.index.rows |= self._changed
            self._changed = {}
            self._send()

    # Orders

    def order(self, order_id: object) -> dict[str, Any]:
        """One order. Raises ShopError (404)."""
        order = self.state.get("order", str(order_id))
        if order is None:
            raise ShopError("The requested resource was not found.", 404)
        return order

    def save(self, order: dict[str, Any], *, created: bool = False, quiet: bool = False) -> dict[str, Any]:
        """Write an order, its derived fields brought up to date, and tell of it."""
        now = int(self.state.now())
        order["_modified"] = max(now, int(order.get("_modified", 0)))
        order["date_modified"] = rfc2822(order["_modified"])
        order["status"] = STATUS_NAMES[order["status_id"]]
        order["items_total"] = sum(line["quantity"] for line in order["_lines"])
        order["items_shipped"] = sum(line["quantity_shipped"] for line in order["_lines"])
        self._changed[int(order["id"])] = OrderIndex.row(order)
        stored = self.state.put("order", order["id"], order)
        if not quiet:
            self.event(f"store/order/{'created' if created else 'updated'}", {"type": "order", "id": order["id"]})
        return stored

    def attach(self, kind: str, order_id: object, document: dict[str, Any]) -> dict[str, Any]:
        """Write a new document that belongs to an order."""
        key = f"{kind}:{order_id}"
        ids = (self.state.get("of", key) or {"ids": []})["ids"]
        self.state.put("of", key, {"ids": [*ids, document["id"]]})
        return self.state.put(kind, document["id"], document)

    def of(self, kind: str, order_id: object) -> list[dict[str, Any]]:
        """The documents that belong to an order, oldest first; found by the order, since there may be very many in all."""
        ids = (self.state.get("of", f"{kind}:{order_id}") or {"ids": []})["ids"]
        return [found for id in ids if (found := self.state.get(kind, id)) is not None]

    def set_status(self, order: dict[str, Any], status: int) -> None:
        """Move an order to another status; the caller saves it."""
        old, order["status_id"] = order["status_id"], status
        if old != status:
            self.event("store/order/statusUpdated", {
                "type": "order", "id": order["id"], "status": {"previous_status_id": old, "new_status_id": status},
            })  # fmt: skip

    # What happens in the background

    def later(self, kind: str, **arguments: Any) -> None:
        """Do something a moment from now, or at once when the switch `slow_background` is off."""
        if not self.box.switch("slow_background"):
            self._do(kind, arguments)
            return
        number = self.state.next("later")
        self.state.put("later", number, {"id": number, "kind": kind, "arguments": arguments})
        timer = threading.Timer(DELAY_SECONDS, _catch_up, (self.box,))
        timer.daemon = True
        timer.start()

    def settle(self) -> None:
        """Do now what would happen in the background."""
        for task in self.state.all("later"):
            with self.change():
                if self.state.get("later", task["id"]) is not None:
                    self.state.delete("later", task["id"])
                    self._do(task["kind"], task["arguments"])

    def _do(self, kind: str, arguments: Mapping[str, Any]) -> None:
        from adapters.bigcommerce import sandbox_payments, sandbox_stock

        tasks: Mapping[str, Callable[..., None]] = {"adjust": sandbox_stock.apply, "payment": sandbox_payments.finish}
        tasks[kind](self, **arguments)

    # Callbacks

    def event(self, scope: str, data: dict[str, Any]) -> None:
        """Something to tell of once the step is committed."""
        self._events.append((scope, data))

    def _send(self) -> None:
        events, self._events = self._events, []
        for scope, data in events:
            body = {
                "scope": scope, "store_id": str(STORE_ID), "data": data,
                "hash": hashlib.sha1(json.dumps([scope, data], sort_keys=True).encode()).hexdigest(),  # noqa: S324 - theirs
                "created_at": int(self.state.now()), "producer": f"stores/{self.store_hash}",
            }  # fmt: skip
            for hook in self._hooks(scope):
                headers = {str(name): str(value) for name, value in (hook.get("headers") or {}).items()}
                self.box.courier.post(scope, hook["destination"], json.dumps(body).encode(), extra=headers)

    def _hooks(self, scope: str) -> list[dict[str, Any]]:
        hooks = [*self.state.all("hook"), *self._default_hook()]
        return [
            hook
            for hook in hooks
            if hook["is_active"] and re.fullmatch(re.escape(hook["scope"]).replace(r"\*", ".*"), scope)
        ]

    def _default_hook(self) -> list[dict[str, Any]]:
        """The address set on the sandbox's own pages hears of everything, as if the adapter had subscribed."""
        if not self.box.webhook_url:
            return []
        ours = Connection("", "", "bigcommerce", "shop", "", {"access_token": str(self.state.setting("token", ""))})
        return [
            {
                "scope": "store/*",
                "destination": self.box.webhook_url,
                "is_active": True,
                "headers": {SECRET_HEADER: secret_of(ours)},
            }
        ]

    # Time

    def iso(self) -> str:
        """This moment as V3 writes it."""
        return iso(self.state.now())


def _catch_up(box: Sandbox) -> None:
    """A timer's part; the sandbox may have been closed meanwhile."""
    with suppress(sqlite3.ProgrammingError):
        Shop(box).settle()


def rfc2822(seconds: float) -> str:
    """A moment as V2 writes it: `Mon, 02 Nov 2026 09:14:05 +0000`."""
    return format_datetime(datetime.fromtimestamp(int(seconds), UTC))


def iso(seconds: float) -> str:
    """A moment as V3 writes it."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(seconds))).strftime("%Y-%m-%dT%H:%M:%SZ")


def money(amount: Any) -> str:
    """An amount as V2 writes it, with four decimals."""
    return f"{Decimal(str(amount)).quantize(_FOUR, ROUND_HALF_UP):f}"


def cents(amount: Any) -> Decimal:
    """An amount rounded to the cent."""
    return Decimal(str(amount)).quantize(Decimal("0.01"), ROUND_HALF_UP)


def without_tax(amount: Decimal, rate: Any) -> Decimal:
    """A price without its tax."""
    return (amount / (1 + Decimal(str(rate)) / 100)).quantize(_FOUR, ROUND_HALF_UP)


def public(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document as the API gives it."""
    return {name: value for name, value in document.items() if not name.startswith("_")}
