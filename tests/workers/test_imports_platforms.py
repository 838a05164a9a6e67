"""A first import works with every shop platform: its products, then its orders, each once, however the platform pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from redis import Redis
from sqlalchemy import select

from adapters.base import Adapter
from adapters.outbound import Outbound
from engine.language import load_book
from store import bindings, books, connections, imports
from store.import_models import Import
from store.models import Merchant
from store.order_models import Order
from store.secrets import Cipher
from store.session import Database
from tests.adapters.rigs import RIGS, rig_of
from tests.adapters.rigs.base import Rig
from workers.bell import Bell
from workers.deciding.books import CompiledBooks
from workers.deciding.intake import Intake
from workers.drain import Drainer
from workers.errands import errand_for
from workers.imports import decide_slice
from workers.settings import WorkerSettings

RULES = Path(__file__).parents[2] / "rules"
PLATFORMS = [name for name in RIGS if name != "toy"]


@dataclass
class Services:
    """The services of a worker, everything real."""

    adapters: Mapping[str, Adapter]
    database: Database
    redis: Redis
    cipher: Cipher
    bell: Bell
    worker_settings: WorkerSettings
    intake: Intake
    http_session_factory: Callable[[], requests.Session] = Outbound.of(["127.0.0.1"]).session


@pytest.fixture(params=PLATFORMS)
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    with rig_of(request.param).open() as opened:
        yield opened


@pytest.fixture
def here(sqlite_database: Database, redis_server: Redis, cipher: Cipher, rig: Rig) -> Services:
    settings, bell = WorkerSettings(), Bell(redis_server)
    intake = Intake(sqlite_database, CompiledBooks(sqlite_database), bell)
    return Services({rig.platform: rig.adapter}, sqlite_database, redis_server, cipher, bell, settings, intake)


@pytest.fixture
def shop(here: Services, rig: Rig, make_merchant: Callable[..., Merchant]) -> tuple[str, str]:
    """The ids of a merchant with the shipped rules, and of its shop."""
    merchant = make_merchant(here.database)
    texts = {path.name: path.read_text() for path in sorted(RULES.glob("*.yaml"))}
    with here.database.session(merchant.id) as session:
        books.publish(session, texts, load_book(texts).version, by="tests")
        row = connections.add(
            session, name="shop", platform=rig.platform, role="shop", base_url=rig.box.url, credentials=rig.connection.credentials,
            cipher=here.cipher,
        )  # fmt: skip
        row.settings = {**rig.connection.settings, "rate_per_minute": 0}
        for outlet, location in rig.locations().items():
            bindings.bind(session, row.id, "outlet", outlet, location)
    return merchant.id, row.id


def run(here: Services, shop: tuple[str, str], kind: str) -> Import:
    """Import until nothing is left to read or decide."""
    merchant_id, shop_id = shop
    with here.database.session(merchant_id) as session:
        import_id = imports.start(session, shop_id, kind=kind, since=None, by="tests").id
    for _ in range(50):
        with errand_for(here, shop_id) as errand:
            assert errand is not None
            Drainer(here, errand).run()
        decide_slice(here, merchant_id, import_id, seconds=30)
        with here.database.session(merchant_id, read_only=True) as session:
            row = imports.get(session, import_id)
        if row.state not in imports.READING:
            break
    assert row.state == "done", f"{row.state}: {row.error}"
    return row


def test_products_and_orders_are_imported_once(here: Services, shop: tuple[str, str], rig: Rig) -> None:
    placed = [rig.place({"TEA": 1}, email=f"c{number}@example.org") for number in range(4)]
    rig.cancel(placed[0])

    products = run(here, shop, "products")
    orders = run(here, shop, "orders")
    again = run(here, shop, "orders")

    assert products.failed == orders.failed == 0
    assert (orders.taken, orders.done) == (4, 4)
    assert (again.taken, again.duplicates) == (0, 4)
    with here.database.session(shop[0], read_only=True) as session:
        assert set(session.scalars(select(Order.external_id))) == set(placed)
        states = {order.external_id: order.state for order in session.scalars(select(Order))}
        outcome = imports.outcome(session, orders.id)
    assert states[placed[0]] == "ignored"
    assert (outcome.failed, outcome.undecided) == (0, 0)
