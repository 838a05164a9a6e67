"""Puts together what is needed to carry out commands of one connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from adapters.base import Connection
from store import connections, models
from store.columns import now
from store.memory import StoreMemory
from store.secrets import Cipher
from workers import masking
from workers.backoff import Backoff
from workers.breaker import Breaker
from workers.exchanges import Recorder
from workers.execute import Errand
from workers.imports import Pages
from workers.limits import Meter
from workers.services import Services

USUAL_IMPORT_SHARE = 0.5


def connection_of(row: models.Connection, cipher: Cipher) -> Connection:
    """A configured connection as adapters see it. Raises store.secrets.CannotDecrypt."""
    return Connection(
        row.id, row.name, row.platform, row.role, row.base_url, cipher.decrypt(row.credentials), dict(row.settings)
    )


@contextmanager
def errand_for(services: Services, connection_id: str, clock: Callable[[], datetime] = now) -> Iterator[Errand | None]:
    """What it takes to carry out a connection's commands; None when there is no such connection or it is paused."""
    with services.database.system_session(read_only=True) as session:
        row = connections.get(session, connection_id)
    if row is None or row.state != "active":
        yield None
        return
    connection = connection_of(row, services.cipher)
    settings = services.worker_settings
    adapter = services.adapters.get(connection.platform)
    meter = Meter(services.redis, connection.id, per_minute(connection, adapter.capabilities.rate_per_minute if adapter else 0),
                  longest_pause=settings.longest_pause, background_share=import_share(connection))
    with services.http_session_factory() as http:
        yield Errand(
            connection=connection,
            adapter=adapter,
            memory=StoreMemory(services.database, row.merchant_id, row.id, services.cipher, services.redis),
            http=http,
            recorder=Recorder(http, meter, masking.known_secrets(connection.credentials.values())),
            meter=meter,
            breaker=Breaker(services.redis, connection.id, settings),
            intake=services.intake,
            pages=Pages(services.database, services.bell, connection, clock),
            backoff=Backoff(settings),
            settings=settings,
            clock=clock,
        )


def per_minute(connection: Connection, usual: int) -> int:
    """The rate limit of a connection: its setting `rate_per_minute` when that is a number, else what is usual."""
    own = connection.settings.get("rate_per_minute")
    return own if isinstance(own, int) and not isinstance(own, bool) and own >= 0 else usual


def import_share(connection: Connection) -> float:
    """How much of the rate limit first imports may use: the connection's setting `import_percent` when that is a number from
    1 to 100, else half."""
    own = connection.settings.get("import_percent")
    return own / 100 if isinstance(own, int) and not isinstance(own, bool) and 1 <= own <= 100 else USUAL_IMPORT_SHARE
