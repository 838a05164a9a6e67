"""Whatever happens on both sides, in whatever order and however often we hear of it: shop and till end where the status
matrix lets them, with few messages, and no shop is told what it cannot express.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from adapters.base import NewEvent
from engine.language import load_book
from engine.platforms import SHOPS
from engine.types import Fact, Run
from store import books, connections, orders, outlets, products, stock
from store.columns import now
from store.flow_models import Command
from store.models import Merchant
from store.order_models import Order
from store.secrets import Cipher
from store.session import Database
from tests.workers.deciding import NOON, shipped_rules, snapshot
from tests.workers.two_sides import GONE, Clock, Message, Shop, Till
from workers.deciding import facts
from workers.deciding.books import CompiledBooks
from workers.deciding.intake import Intake

KINDS = ("shop", "till", "deliver", "deliver twice", "deliver last", "work", "poll")
TASTES: Mapping[str, Mapping[str, Any]] = {
    "as shipped": {},
    "tells everything": {
        "tell_pickup_packed_everywhere": True, "show_holds_in_shop": True, "shop_status_when_shipped": "delivered",
        "shop_status_when_picked_up": "shipped", "bigcommerce_status_when_shipped": "shipped",
    },
    "tells little": {
        "tell_pickup_packed": False, "tell_delivery_packed": False, "show_parts_in_shop": False, "show_outlets_in_shop": False,
    },
}  # fmt: skip
"""Settings of `status_to_shop` that a merchant may have."""
_numbers = count(1)


class NoBell:
    """Nobody has to be woken: the test carries everything out itself."""

    def ring(self, connection_ids: Iterable[str]) -> None: ...
    def ring_event(self, merchant_id: str, event_id: str) -> None: ...


@dataclass
class Street:
    """One database with a merchant per platform, each with a shop, a till and stock for everybody."""

    database: Database
    intake: Intake
    merchants: dict[str, tuple[str, dict[str, str]]]


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Street]:
    path = tmp_path_factory.mktemp("street") / "wissel.db"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    made = {platform: _merchant(database, platform) for platform in SHOPS}
    yield Street(database, Intake(database, CompiledBooks(database), NoBell()), made)
    database.close()


def _merchant(database: Database, platform: str) -> tuple[str, dict[str, str]]:
    cipher, texts = Cipher(Cipher.new_key()), shipped_rules()
    with database.system_session() as session:
        merchant = Merchant(slug=platform.replace("_", "-"), name=platform)
        session.add(merchant)
    with database.session(merchant.id) as session:
        for code in ("amsterdam", "utrecht"):
            outlets.put(session, code, name=code.title(), kind="store")
        books.publish(session, texts, load_book(texts).version, by="test")
        for outlet, sku in (("amsterdam", "A"), ("utrecht", "B")):
            products.put(session, sku)
            stock.set_level(session, outlet, sku, 1_000_000, at=NOON, event_id=None)
        ids = {
            role: connections.add(
                session, name=role, platform=name, role=role, base_url="http://127.0.0.1:9", credentials={}, cipher=cipher
            ).id
            for role, name in (("shop", platform), ("till", "lightspeed_retail"))
        }
    return merchant.id, ids


class World:
    """One order, from both sides."""

    def __init__(
        self, street: Street, platform: str, fulfilment_type: str, outlets: int, paid: bool, taste: str = "as shipped"
    ) -> None:
        self.street, (self.merchant, self.connections) = street, street.merchants[platform]
        self.settings = TASTES[taste]
        with street.database.session(self.merchant) as session:
            for name in {name for each in TASTES.values() for name in each}:
                books.set_setting(session, "status_to_shop", name, self.settings.get(name))
        self.clock = Clock()
        self.basket = {"A": 1, "B": 1} if outlets == 2 else {"A": 2}
        number = f"order-{next(_numbers)}"
        self.shop = Shop(platform, number, self.basket, fulfilment_type, self.clock, payment="paid" if paid else "unpaid")
        self.till = Till(number, self.clock)
        self.changes = self.messages = 0
        self.heard: list[Message] = []
        self.deliver(self.shop.message())
        self.id = self.order().id

    def step(self, kind: str, choice: int) -> None:
        waiting = self.waiting()
        if kind == "shop":
            self.changes += self.shop.staff(choice)
        elif kind == "till":
            self.changes += self.till.staff(choice)
        elif kind == "work":
            self.work(choice)
        elif kind == "poll":
            self.deliver(self.shop.message())
        elif waiting:
            message = waiting[-1 if kind == "deliver last" else choice % len(waiting)]
            if kind != "deliver twice":
                (self.shop.outbox if message in self.shop.outbox else self.till.outbox).remove(message)
            self.deliver(message)

    def waiting(self) -> list[Message]:
        return [*self.shop.outbox, *self.till.outbox]

    def deliver(self, message: Message) -> None:
        data = dict(message.data)
        if message.by == "shop":
            shown = data["order"]
            data = {"order": snapshot(
                self.shop.number, self.basket, message.minute, shop_status=shown["status"], payment_status=shown["payment"],
                fulfilment_type=self.shop.fulfilment_type, total=str(10 * sum(self.basket.values())),
            )}  # fmt: skip
        event = NewEvent(
            id=message.id, type=message.type, subject="", time=NOON + timedelta(minutes=message.minute), data=data,
            sequence=message.sequence,
        )  # fmt: skip
        taken = self.street.intake.take_in(self.merchant, message.by, event, connection_id=self.connections[message.by])
        assert taken.status == "decided", (message, taken)

    def commands(self) -> list[Command]:
        with self.street.database.session(self.merchant, read_only=True) as session:
            return list(session.scalars(select(Command).where(Command.subject == f"order:{self.id}").order_by(Command.id)))

    def work(self, choice: int = 0) -> bool:
        """One side carries out its next command, in the order of the outbox."""
        due = [command for command in self.commands() if command.status == "waiting"]
        firsts = [next(iter([c for c in due if c.connection_id == each]), None) for each in self.connections.values()]
        ready = [command for command in firsts if command is not None]
        if not ready:
            return False
        command = ready[choice % len(ready)]
        side: Shop | Till = self.shop if command.connection_id == self.connections["shop"] else self.till
        side.carry_out(command.operation, command.payload)
        with self.street.database.session(self.merchant) as session:
            row = session.get_one(Command, command.id)
            row.status, row.done_at, row.tries = "done", now(), 1
        return True

    def settle(self) -> None:
        """Everything that is under way arrives, and what it causes too."""
        for _ in range(200):
            if waiting := self.waiting():
                self.step("deliver", 0 if len(waiting) % 2 else len(waiting) - 1)
            elif not self.work():
                return
        raise AssertionError(f"it never ends: {[(c.operation, c.payload) for c in self.commands()]}")

    def order(self) -> Order:
        with self.street.database.session(self.merchant, read_only=True) as session:
            found = orders.by_reference(session, {"number": self.shop.number}).id
        with self.street.database.session(self.merchant, read_only=True) as session:
            return orders.story(session, found).order

    def asked_again(self, decision: str, by: str) -> Run:
        """What the rules say about the order as it stands, whatever was told before."""
        order = self.order()
        with self.street.database.session(self.merchant, read_only=True) as session:
            book = self.street.intake.books.compiled(session, books.current_version(session))
            sides = {role: connections.get(session, id) for role, id in self.connections.items()}
            return book.run(decision, [
                Fact("event", "event", {"type": "order.updated", "from": by, "platform": "api", "imported": False}),
                *[facts.connection_fact(role, row) for role, row in sides.items() if row is not None],
                facts.order_fact(order, known=True),
                *facts.fulfilment_facts(order.fulfilments),
            ], self.settings if decision == "status_to_shop" else {})  # fmt: skip


def _demanded(run: Run, name: str) -> str:
    found = run.first(name)
    return str(next(iter(found.arguments.values()), "yes")) if found else ""


def _both_ends_are_allowed(world: World) -> None:
    order, shop, till = world.order(), world.shop, world.till
    wanted = _demanded(world.asked_again("status_to_shop", "till"), "set shop status")
    assert not wanted or wanted == shop.status or not shop.takes(wanted), f"the shop shows {shop.status} and should show {wanted}"
    assert (order.shop_status, order.shop_payment_status) == (shop.status, shop.payment), "we do not know what the shop shows"
    if order.state == "cancelled":
        assert till.voided, "cancelled here, alive on the till"
        return
    assert {part.outlet: part.status for part in order.fulfilments} == till.parts, "we do not know how far the outlets are"
    assert not till.voided
    run = world.asked_again("status_to_till", "shop")
    assert not run.first("cancel sale")
    if run.first("complete fulfilments"):
        assert set(till.parts.values()) == {"completed"}, f"{shop.status} in the shop, {till.parts} on the till"
    if run.first("pack fulfilments"):
        assert set(till.parts.values()) <= {"packed", "completed"}, f"{shop.status} in the shop, {till.parts} on the till"
    if order.fulfilment_status == "completed" and shop.status not in ("returned", "will_not_deliver"):
        assert shop.status in GONE, f"everything is gone, and the shop shows {shop.status}"
    assert till.paid or order.payment_status in ("unpaid", "refunded"), f"{order.payment_status} here, unpaid on the till"


def _a_bounded_number_of_messages(world: World, outlets: int) -> None:
    """The first decision hands the order over and names the outlets: two messages. Each outlet's part is sent once. After
    that a message answers something that a person did: at most one to each side for the statuses, one for the money, and
    one more to the shop when what the till then did leads on further. Echoes answer nothing."""
    told = world.commands()
    assert len(told) <= 2 + outlets + 4 * world.changes, [(c.operation, c.payload) for c in told]


STEPS = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 23)), max_size=16)


@pytest.mark.parametrize("platform", SHOPS)
def test_what_staff_of_the_shop_undo_before_we_saw_it_done_is_told_again(street: Street, platform: str) -> None:
    world = World(street, platform, "delivery", 1, paid=True)
    world.settle()
    world.till.complete()
    while world.till.outbox:
        world.step("deliver", 0)
    while world.work():
        pass
    assert world.shop.status in GONE
    world.shop.reopen()
    world.step("deliver last", 0)
    world.settle()

    _both_ends_are_allowed(world)
    assert world.shop.status in GONE


def test_money_that_came_and_partly_went_before_we_heard_of_it_is_paid_on_the_till(street: Street) -> None:
    world = World(street, "magento", "pickup", 1, paid=False)
    world.settle()
    for _ in range(2):
        assert world.shop.money_moves()
    world.step("deliver last", 0)
    world.settle()

    assert (world.shop.payment, world.till.paid) == ("partly_refunded", True)


def test_what_waited_for_money_goes_on_wherever_it_is_paid(street: Street) -> None:
    world = World(street, "lightspeed_ecom", "delivery", 2, paid=False)
    world.settle()
    world.shop.becomes("out_for_delivery")
    world.settle()
    assert set(world.till.parts.values()) == {"new"}
    world.till.pay("sales_history")
    world.settle()

    assert set(world.till.parts.values()) == {"completed"}


def test_what_a_shop_shows_of_a_cancelled_order_is_known(street: Street) -> None:
    world = World(street, "shopify", "delivery", 1, paid=True)
    world.settle()
    world.till.void()
    world.settle()

    assert (world.order().state, world.order().shop_status) == ("cancelled", "cancelled")


@pytest.mark.parametrize("outlets", [1, 2])
@pytest.mark.parametrize("fulfilment_type", ["delivery", "pickup"])
@pytest.mark.parametrize("platform", SHOPS)
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS, paid=st.booleans(), taste=st.sampled_from(sorted(TASTES)))
def test_both_sides_end_where_the_matrix_lets_them(
    street: Street, platform: str, fulfilment_type: str, outlets: int, steps: list[tuple[str, int]], paid: bool, taste: str
) -> None:
    world = World(street, platform, fulfilment_type, outlets, paid, taste)
    for kind, choice in steps:
        world.step(kind, choice)
    world.settle()

    _both_ends_are_allowed(world)
    _a_bounded_number_of_messages(world, outlets)
    before = len(world.commands())
    world.deliver(world.shop.message(again="-polled"))
    world.settle()
    assert len(world.commands()) == before, "saying the same once more told somebody something"
