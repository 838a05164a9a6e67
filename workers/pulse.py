"""Signs of life of a drainer while it is busy with a call that takes long."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import TracebackType

from redis import RedisError
from sqlalchemy.exc import SQLAlchemyError

from store import leases
from store.session import Database
from workers.bell import Bell, drain_job_id
from workers.settings import WorkerSettings

log = logging.getLogger(__name__)


class Pulse:
    """Beats while a drainer works: tells the relay that it lives, and holds its lease. It is a thread of the drainer's
    own process and stops with it, so that a dead drainer is noticed within seconds, however long its call could take."""

    def __init__(self, database: Database, bell: Bell, connection_id: str, settings: WorkerSettings) -> None:
        self._database = database
        self._bell = bell
        self._job_id = drain_job_id(connection_id)
        self._settings = settings
        self._token: str | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"pulse-{connection_id}", daemon=True)

    def __enter__(self) -> Pulse:
        self._bell.alive(self._job_id)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()
        try:
            self._bell.gone(self._job_id)
        except RedisError as lost:
            log.warning("Redis cannot be reached: %s", lost)

    @contextmanager
    def holding(self, token: str) -> Iterator[None]:
        """Keep this lease from running out while the block is busy."""
        self._token = token
        try:
            yield
        finally:
            self._token = None

    def _beat(self) -> None:
        interval = min(self._settings.alive_seconds, self._settings.lease_seconds) / 3
        while not self._over.wait(interval):
            try:
                self._bell.alive(self._job_id)
                if self._token is not None:
                    with self._database.system_session() as session:
                        leases.extend(session, self._token, datetime.now(UTC) + timedelta(seconds=self._settings.lease_seconds))
            except (RedisError, SQLAlchemyError) as error:
                log.warning("a sign of life could not be given: %s", error, extra={"job_id": self._job_id})
