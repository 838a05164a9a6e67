"""Simulations of drafts for one merchant, in the process of the test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from redis import Redis
from sqlalchemy import select

from engine.language import load_book
from engine.replaying import run_as_dict
from store import books, rule_jobs
from store.columns import now
from store.flow_models import Decision
from store.models import Merchant
from store.rule_job_models import RuleJob
from store.session import Database
from tests.workers.deciding import NOON, Desk, open_desk
from workers.bell import Bell
from workers.rule_jobs.pasts import Selection
from workers.rule_jobs.retaking import Retaker, World
from workers.rule_jobs.runner import run_slice
from workers.settings import WorkerSettings

NO_WAREHOUSE = ("outlet_assignment.yaml", "prefer_warehouse: true", "prefer_warehouse: false")
SMALL_ORDERS = ("order_intake.yaml", "largest_order: 25000.00 EUR", "largest_order: 30.00 EUR")


@dataclass
class House:
    """Simulates drafts for one merchant, in this process."""

    desk: Desk
    redis: Redis
    database: Database
    worker_settings: WorkerSettings = field(default_factory=WorkerSettings)

    def __post_init__(self) -> None:
        self.bell = Bell(self.redis)

    def texts(self, *changes: tuple[str, str, str]) -> dict[str, str]:
        """The published texts with changes (file, old text, new text)."""
        with self.database.session(self.desk.merchant_id, read_only=True) as session:
            texts = dict(books.texts(session, str(books.current_version(session))) or {})
        for file, old, new in changes:
            assert old in texts[file], old
            texts[file] = texts[file].replace(old, new)
        return texts

    def start(self, *changes: tuple[str, str, str], **parameters: Any) -> str:
        texts = self.texts(*changes)
        with self.database.session(self.desk.merchant_id) as session:
            return rule_jobs.start(
                session, kind="simulate", texts=texts, texts_version=load_book(texts).version, by="ada", parameters=parameters
            ).id

    def job(self, job_id: str) -> RuleJob:
        with self.database.session(self.desk.merchant_id, read_only=True) as session:
            return rule_jobs.get(session, job_id)

    def simulate(self, *changes: tuple[str, str, str], **parameters: Any) -> dict[str, Any]:
        job_id = self.start(*changes, **parameters)
        run_slice(self, self.desk.merchant_id, job_id, seconds=120)  # type: ignore[arg-type]
        job = self.job(job_id)
        assert job.state == "done", job.error
        result: dict[str, Any] = job.result
        return result

    def changed(self, job_id: str) -> list[dict[str, Any]]:
        with self.database.session(self.desk.merchant_id, read_only=True) as session:
            return [changed for part in rule_jobs.parts(session, job_id) for changed in part["changed"]]

    def stored_steps(self) -> list[Any]:
        """What every rule file said in every decision, as it is kept."""
        with self.database.session(self.desk.merchant_id, read_only=True) as session:
            return [row.trace["steps"] for row in session.scalars(select(Decision).order_by(Decision.at, Decision.id))]

    def taken_again(self) -> list[Any]:
        """The same, as the published book says it now."""
        world = World(tuple, lambda moment, skus: (), lambda: None, lambda decision: {}, ZoneInfo("Europe/Amsterdam"))
        with self.database.session(self.desk.merchant_id, read_only=True) as session:
            version, book = self.desk.intake.books.current(self.desk.merchant_id)  # type: ignore[attr-defined]
            everything = Selection(NOON - timedelta(days=99), now() + timedelta(days=99)).batch(session, None, 1000)
        defaults = {name: rules.settings for name, rules in book.book.decisions.items()}
        retaker = Retaker(book, lambda old, name: defaults[name] if old == version else None, world)
        return [[run_as_dict(step.run) for step in retaker.take(kept.unpacked()).steps] for kept in everything]


MakeMerchant = Callable[..., Merchant]


def opened(database: Database, redis: Redis, make_merchant: MakeMerchant) -> House:
    desk = open_desk(database, redis, make_merchant(database, "tulip"))
    desk.put_stock({("warehouse", "A"): 10, ("amsterdam", "A"): 9, ("utrecht", "B"): 5, ("amsterdam", "C"): 2})
    return House(desk, redis, database)
