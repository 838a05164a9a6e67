"""The one place where real parts are chosen and put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import redis
import requests

from adapters.base import Adapter
from adapters.bigcommerce.adapter import BigCommerce
from adapters.lightspeed_ecom.adapter import LightspeedEcom
from adapters.lightspeed_retail.adapter import LightspeedRetail
from adapters.magento.adapter import Magento
from adapters.outbound import Outbound
from adapters.shopify.adapter import Shopify
from adapters.woocommerce.adapter import WooCommerce
from api import logs
from config import Config
from config import from_environment as environment
from store.migrate import migrate
from store.secrets import Cipher
from store.session import Database
from workers.bell import Bell
from workers.deciding.books import CompiledBooks
from workers.deciding.intake import Intake
from workers.run import supervise
from workers.settings import WorkerSettings

ADAPTERS: tuple[Adapter, ...] = (
    LightspeedEcom(), Shopify(), BigCommerce(), WooCommerce(), Magento(), LightspeedRetail(),
)  # fmt: skip
"""Every external system we can speak to."""


@dataclass(frozen=True)
class Services:
    """Everything the API and the workers are given."""

    config: Config
    database: Database
    redis: redis.Redis
    adapters: Mapping[str, Adapter]
    cipher: Cipher
    books: CompiledBooks
    bell: Bell
    intake: Intake
    worker_settings: WorkerSettings
    outbound: Outbound
    http_session_factory: Callable[[], requests.Session]


def build(config: Config) -> Services:
    """Put the parts together. Opens no connection yet, so it may be called before a fork."""
    database = Database(config.database_url)
    connection = redis.Redis.from_url(config.redis_url)
    settings = WorkerSettings(
        retry_delays=config.retry_seconds, lease_seconds=config.lease_seconds, poll_seconds=config.poll_seconds,
        webhook_seconds=config.webhook_seconds, hooks_url=f"{config.public_url}/v1/hooks",
        # Nobody takes a command over before its lease has run out, so a drainer need not count as alive much longer.
        alive_seconds=min(10, config.lease_seconds),
    )  # fmt: skip
    bell = Bell(connection, settings)
    books = CompiledBooks(database, config.compare_engines)
    outbound = Outbound.of(config.allowed_private_hosts)
    return Services(
        config=config,
        database=database,
        redis=connection,
        adapters={adapter.capabilities.platform: adapter for adapter in ADAPTERS},
        cipher=Cipher(",".join(config.encryption_keys)),
        books=books,
        bell=bell,
        intake=Intake(database, books, bell),
        worker_settings=settings,
        outbound=outbound,
        http_session_factory=outbound.session,
    )


def prepare(config: Config) -> None:
    """Bring the database to the newest schema. Safe when several processes do it at once."""
    migrate(config.database_url)


def from_environment() -> Services:
    """The parts for a process of its own, set up from the environment. A function at the top of a module, because new
    worker processes import it by name."""
    logs.configure()
    return build(environment())


def run_workers() -> None:
    """Be the workers and the relay until SIGTERM."""
    supervise(from_environment, workers=environment().worker_processes)
