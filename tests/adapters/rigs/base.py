"""What the conformance suite needs of a shop platform: its sandbox being served, used as customers and staff use it.

A platform's rig is one subclass of `Rig` in `tests/adapters/rigs/<platform>.py`. What a customer or an employee does
goes through the sandbox's own shop (`sandbox_shop`), never through the adapter; what the adapter achieved is read from
the sandbox's state, never through the adapter. `lightspeed_ecom.py` beside this file is the model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, ClassVar, Self

import requests
from flask import Flask

from adapters.base import Adapter, Call, Connection, Result
from adapters.sandbox import RunningSandbox, SandboxState, running
from engine.platforms import PLATFORM, Platform
from tests.adapters.memory import LocalMemory

SHIPPING = Decimal("4.95")
"""What every delivery costs on top; a pickup costs nothing."""

CUSTOMER = {
    "email": "sanne@example.org", "name": "Sanne de Wit", "street": "Dorpsstraat 1", "city": "Utrecht",
    "postcode": "3511 AA", "country": "NL", "phone": "+31600000000",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Article:
    """What a rig's shop sells, in the shape of the demo's articles: price with tax, tax rate in percent, units per
    outlet. A gift card needs no shipping; `parts` (sku -> units) makes a bundle, whose price is its own."""

    sku: str
    name: str
    price: str
    tax_rate: str
    stock: Mapping[str, int]
    gift_card: bool = False
    parts: Mapping[str, int] = field(default_factory=dict)


ARTICLES = (
    Article("MUG", "Mug", "12.50", "21", {"amsterdam": 6, "utrecht": 4}),
    Article("POT", "Teapot", "49.00", "21", {"amsterdam": 3, "utrecht": 2}),
    Article("TEA", "Earl Grey", "8.95", "9", {"amsterdam": 30, "utrecht": 18}),
    Article("GIFT", "Gift card of 25", "25.00", "0", {}, gift_card=True),
    Article("SET", "Mug with tea", "19.95", "21", {}, parts={"MUG": 1, "TEA": 1}),
)
OUTLETS: tuple[Mapping[str, Any], ...] = (
    {"code": "amsterdam", "name": "Amsterdam store", "kind": "store", "postcode": "1012 JS", "offers_pickup": True},
    {"code": "utrecht", "name": "Utrecht store", "kind": "store", "postcode": "3511 AA", "offers_pickup": True},
)
PRICES = {article.sku: Decimal(article.price) for article in ARTICLES}


class Lacks(Exception):
    """What was asked does not exist on this platform; the test that asked is skipped with these words."""


class Rig:
    """A running sandbox of one platform with its adapter pointed at it.

    A subclass names its `platform` and `adapter`, and implements everything below that raises NotImplementedError.
    `lacks` names what the platform itself does not have (keys of `MAY_LACK`) with the reason for people: a test that
    needs it is skipped with that reason. What an adapter cannot do is said by its Capabilities and not here.
    """

    platform: ClassVar[str]
    adapter: ClassVar[Adapter]
    lacks: ClassVar[Mapping[str, str]] = {}
    another_shop: ClassVar[Mapping[str, str]]
    """The credentials in which another shop differs. Where one signing secret serves many shops (an app's secret) it is
    not among them, so that only the shop named in a webhook tells whose it is."""

    MAY_LACK: ClassVar[Mapping[str, str]] = {
        "bundles": "articles made of others, such as SET",
        "gift_cards": "articles that need no shipping, such as GIFT",
        "edit": "changing or removing an order line after placing",
        "delete": "deleting an order for good",
        "ship_by_staff": "staff shipping a whole order",
        "part_shipments": "staff shipping a part of an order",
        "part_refunds": "staff paying back a part of an order",
        "refund_amounts": "the amount that was paid back",
        "webhooks": "webhooks",
        "place_unpaid": "placing an order now and paying it later",
    }

    def __init__(self, box: RunningSandbox, memory: LocalMemory, http: requests.Session) -> None:
        self.box, self.memory, self.http = box, memory, http
        self.settings: dict[str, Any] = {}

    # What the platform is

    @classmethod
    def declared(cls) -> Platform:
        """What engine/platforms.py says of the platform."""
        return PLATFORM[cls.platform]

    @classmethod
    def seed(cls, state: SandboxState, articles: Sequence[Any], outlets: Sequence[Mapping[str, Any]]) -> None:
        """Fill an empty shop with articles (`Article` or demo.Article: the latter has no gift_card and no parts), with
        the outlets as its locations where it has such, and with a delivery of `SHIPPING` and a pickup. Articles the
        platform lacks are left out."""
        raise NotImplementedError

    @classmethod
    def app(cls, state: SandboxState, **options: Any) -> Flask:
        """The sandbox's application: `create_app(state, **options)`, with options of `create_sandbox`."""
        raise NotImplementedError

    def credentials(self) -> Mapping[str, str]:
        """Credentials that open the sandbox."""
        raise NotImplementedError

    @property
    def connection(self) -> Connection:
        """How our side is connected: the sandbox's url, credentials that work, and `self.settings`."""
        return Connection("c1", "webshop", self.platform, "shop", self.box.url, self.credentials(), self.settings)

    def elsewhere(self) -> Connection:
        """The connection of another shop, see `another_shop`."""
        return replace(self.connection, credentials={**self.connection.credentials, **self.another_shop})

    def locations(self) -> Mapping[str, str]:
        """Our outlet code -> the id over there; empty for a platform without locations."""
        return {}

    def subscribe(self, url: str) -> None:
        """Have the sandbox send its webhooks to `url`."""
        if "register_webhooks" in self.adapter.capabilities.operations:
            self.do("register_webhooks", {"url": url}, key="subscribe")
        else:
            self.box.state.set_setting("webhook_url", url)

    # What customers and staff do over there. Order ids are external ids (`external_id` of the snapshot).

    def place(
        self,
        basket: Mapping[str, int],
        *,
        pickup: bool = False,
        paid: bool = True,
        email: str = CUSTOMER["email"],
        name: str = CUSTOMER["name"],
        discount: str = "0.00",
    ) -> str:
        """A customer orders; `CUSTOMER` has the address. A delivery costs `SHIPPING` on top, a discount goes off the
        order as a whole. `email` may be empty (a guest without one). Returns the external id."""
        customer = {**CUSTOMER, "email": email, "name": name}
        return str(self.take_order(basket, customer, pickup=pickup, paid=paid, discount=Decimal(discount)))

    def take_order(
        self, basket: Mapping[str, int], customer: Mapping[str, str], *, pickup: bool, paid: bool, discount: Decimal
    ) -> object:
        """What `place` asks of the sandbox's shop; `customer` is like `CUSTOMER`. Returns the order's id."""
        raise NotImplementedError

    def pay(self, order: str) -> None:
        """An order placed unpaid is paid in full."""
        raise NotImplementedError

    def cancel(self, order: str) -> None:
        """Staff cancel the order."""
        raise NotImplementedError

    def ship_by_staff(self, order: str, lines: Mapping[str, int] | None = None) -> None:
        """Staff mark these units (sku -> units), or all that is open, as sent."""
        raise NotImplementedError

    def refund_by_staff(self, order: str, amount: str | None = None) -> None:
        """Staff pay back an amount, or all that was paid."""
        raise NotImplementedError

    def edit(self, order: str, sku: str, quantity: int) -> None:
        """Staff change how many units of a line are wanted; 0 removes the line."""
        raise NotImplementedError

    def delete(self, order: str) -> None:
        """Staff delete the order for good."""
        raise NotImplementedError

    def rename(self, sku: str, new: str) -> None:
        """Staff give an article another sku."""
        raise NotImplementedError

    def reprice(self, sku: str, price: str) -> None:
        """Staff change a price (with tax); it may be 0 and may have three decimals (`4.125`)."""
        raise NotImplementedError

    def touch(self, order: str) -> None:
        """Staff change something harmless (a note), so that a webhook goes out. The order is not cancelled."""
        raise NotImplementedError

    def sell(self, sku: str, quantity: int) -> None:
        """The shop's own number changes by an order or by hand, so that a product or stock webhook goes out."""
        raise NotImplementedError

    # What is the case over there, read from the sandbox's own state

    def shop_status(self, order: str) -> str:
        """How far the order is, as the snapshot's `shop_status` would say it."""
        raise NotImplementedError

    def payment_status(self, order: str) -> str:
        """As the snapshot's `payment_status` would say it."""
        raise NotImplementedError

    def shipments(self, order: str) -> list[dict[str, Any]]:
        """Each shipment or fulfilment: `{"outlet": our code or None, "lines": {sku: units}, "tracking": number or
        None}`. Empty for a platform that has none."""
        return []

    def assigned(self, order: str) -> dict[str, dict[str, int]]:
        """Which outlet is to send what, as the platform shows it: our code -> {sku: units}; empty where it shows
        nothing."""
        return {}

    def tracking(self, order: str) -> set[str]:
        """All tracking numbers the customer can see."""
        return {each["tracking"] for each in self.shipments(order) if each["tracking"]}

    def refunded(self, order: str) -> Decimal:
        """What was paid back so far."""
        raise NotImplementedError

    def stock(self, sku: str, outlet: str | None = None) -> int:
        """How many units can be sold, in all or at one of our outlets (only asked with locations)."""
        raise NotImplementedError

    def lines(self, order: str) -> dict[str, tuple[str, int]]:
        """Line id of the snapshot -> (sku, units still wanted)."""
        raise NotImplementedError

    def writes(self) -> list[str]:
        """The API calls that changed something (or wanted to) since `forget_calls`: "METHOD /path", or the mutation's
        name where everything is POST."""
        return [
            f"{call.method} {call.path}" for call in self.box.state.requests() if call.method not in ("GET", "HEAD")
        ]

    # The same for every platform

    def do(self, operation: str, payload: Mapping[str, Any] | None = None, key: str = "k1") -> Result:
        """Carry out one operation through the adapter; the same key is the same command again."""
        return self.adapter.execute(Call(operation, payload or {}, key), self.connection, self.memory, self.http)

    def can(self, operation: str) -> bool:
        return operation in self.adapter.capabilities.operations

    def need(self, *what: str) -> None:
        """Raises Lacks for the first thing the platform does not have."""
        for each in what:
            assert each in self.MAY_LACK, f"{each} is not among MAY_LACK"
            if each in self.lacks:
                raise Lacks(f"{self.adapter.capabilities.title}: {self.lacks[each]}")

    def need_operation(self, operation: str) -> None:
        """Raises Lacks when the adapter's Capabilities do not have it."""
        if not self.can(operation):
            raise Lacks(f"{self.adapter.capabilities.title} has no operation {operation}")

    def need_status(self, kind: str, word: str) -> None:
        """Raises Lacks when the adapter's Capabilities cannot write that status."""
        if word not in self.adapter.capabilities.statuses.get(kind, ()):
            raise Lacks(f"{self.adapter.capabilities.title} cannot express {kind} {word}")

    def fault(self, kind: str, **options: Any) -> None:
        self.box.sandbox.faults.add(kind, **options)

    def calm(self) -> None:
        """Switch all faults off."""
        self.box.sandbox.faults.clear()

    def forget_calls(self) -> None:
        self.box.state.clear_requests()

    def snapshot(self, order: str) -> dict[str, Any]:
        """The order as the adapter reads it."""
        (event,) = self.do("read_order", {"external_id": order}, key=f"snapshot {order}").events
        return dict(event.data["order"])

    def adopt(self, order: str) -> dict[str, str]:
        """What the intake does with a new order: bind our id to theirs. Returns the `order` of later payloads."""
        snapshot = self.snapshot(order)
        self.memory.bind("order", f"our-{order}", snapshot["external_id"])
        return {"id": f"our-{order}", "number": snapshot["number"]}

    def line(self, order: str, sku: str) -> str:
        """The id of the line with this sku."""
        return next(id for id, (each, _) in self.lines(order).items() if each == sku)

    def part(self, order: str, **units: int) -> list[dict[str, Any]]:
        """`lines` of a payload: `rig.part(order, MUG=1)`."""
        return [{"line": self.line(order, sku), "sku": sku, "quantity": count} for sku, count in units.items()]

    @classmethod
    @contextmanager
    def serve(
        cls, state: SandboxState, *, inbox_url: str = "", memory: LocalMemory | None = None, **options: Any
    ) -> Iterator[Self]:
        """Serve a sandbox over a state that is seeded already."""
        with (
            running(cls.app(state, requests_per_minute=0, webhook_retries=(0.05,), **options)) as box,
            requests.Session() as http,
        ):
            http.trust_env = False
            rig = cls(box, memory or LocalMemory(), http)
            rig.memory.replace_credentials(rig.connection.credentials)
            for outlet, location in rig.locations().items():
                rig.memory.bind("outlet", outlet, location)
            if inbox_url:
                rig.subscribe(inbox_url)
            yield rig

    @classmethod
    @contextmanager
    def open(cls, inbox_url: str = "") -> Iterator[Self]:
        """A fresh shop with `ARTICLES` and `OUTLETS`, at rest, its call log empty."""
        state = SandboxState()
        cls.seed(state, ARTICLES, OUTLETS)
        with cls.serve(state, inbox_url=inbox_url) as rig:
            rig.forget_calls()
            yield rig
        state.close()


def with_secrets(connection: Connection, suffix: str) -> Connection:
    """The same connection with credentials that are wrong: each with something at its end."""
    return replace(connection, credentials={name: value + suffix for name, value in connection.credentials.items()})
