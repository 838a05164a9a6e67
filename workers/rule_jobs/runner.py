"""One slice of a proof or simulation: taken, held, carried on from where the last one ended, and let go.

What a slice found is kept with the lease in one transaction, so a worker that dies costs one slice, and one that was only
thought dead writes nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from redis import RedisError
from rq.timeouts import JobTimeoutException
from sqlalchemy.exc import SQLAlchemyError

from store import rule_jobs
from store.rule_job_models import RuleJob
from store.session import Busy, Database
from workers import services
from workers.bell import rule_job_id
from workers.rule_jobs import proving, simulating
from workers.rule_jobs.slices import CannotDo, LeaseLost, Slice

log = logging.getLogger(__name__)

SLICE_SECONDS = 5.0
"""So long a job works before others have their turn."""

KINDS: Mapping[str, Callable[[Slice], Any]] = {"prove": proving.run, "simulate": simulating.run}
"""What carries out each kind: returns the result, or None when there is more to do."""


def run_slice(here: services.Services, merchant_id: str, job_id: str, seconds: float | None = None) -> None:
    """Carry a job on for a while (SLICE_SECONDS). Does nothing when it is finished, gone, or in another worker's hands."""
    seconds = SLICE_SECONDS if seconds is None else seconds
    hold_seconds = here.worker_settings.alive_seconds
    with here.database.session(merchant_id) as session:
        job = rule_jobs.claim(session, job_id, seconds=hold_seconds)
    if job is None or job.lease is None:
        return
    began = time.monotonic()

    def is_over() -> bool:
        return services.stopping.is_set() or time.monotonic() - began >= seconds

    with Hold(here, job, hold_seconds) as hold:
        try:
            result = KINDS[job.kind](Slice(here, job, job.lease, is_over, hold.is_lost))
        except LeaseLost:
            return
        except CannotDo as refusal:
            _fail(here.database, job, str(refusal))
            return
        except (JobTimeoutException, SQLAlchemyError, RedisError, Busy):
            raise  # tried again: the trouble is not the job's
        except Exception as error:
            log.exception("a rule job failed", extra={"rule_job_id": job.id})
            _fail(here.database, job, f"It broke: {type(error).__name__}: {error}")
            return
    if result is None:
        _end(here.database, job, lambda session: rule_jobs.release(session, job.id, str(job.lease)))
    else:
        _end(here.database, job, lambda session: rule_jobs.finish(session, job.id, str(job.lease), result))


def is_unfinished(database: Database, merchant_id: str, job_id: str) -> bool:
    """Whether there is more to do for a job."""
    with database.session(merchant_id, read_only=True) as session:
        return rule_jobs.is_free(session, job_id)


def _end(database: Database, job: RuleJob, act: Callable[[Any], bool]) -> None:
    with database.session(job.merchant_id) as session:
        if not act(session):
            log.info("a rule job was cancelled or taken over", extra={"rule_job_id": job.id})


def _fail(database: Database, job: RuleJob, why: str) -> None:
    _end(database, job, lambda session: rule_jobs.fail(session, job.id, str(job.lease), why))


@dataclass
class Hold:
    """Keeps a job's lease and tells the relay that its worker lives, from a thread that dies with the process."""

    here: services.Services
    job: RuleJob
    seconds: float

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._lost = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"hold-{self.job.id}", daemon=True)

    def is_lost(self) -> bool:
        """Whether the job was cancelled, or given to another worker."""
        return self._lost.is_set()

    def __enter__(self) -> Hold:
        self._alive()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()
        try:
            self.here.bell.gone(rule_job_id(self.job.id))
        except RedisError as away:
            log.warning("Redis cannot be reached: %s", away)

    def _alive(self) -> None:
        try:
            self.here.bell.alive(rule_job_id(self.job.id))
        except RedisError as away:
            log.warning("a sign of life could not be given: %s", away, extra={"rule_job_id": self.job.id})

    def _beat(self) -> None:
        while not self._over.wait(min(1.0, self.seconds / 3)):
            self._alive()
            try:
                with self.here.database.session(self.job.merchant_id) as session:
                    if not rule_jobs.extend(session, self.job.id, str(self.job.lease), seconds=self.seconds):
                        self._lost.set()
            except (SQLAlchemyError, Busy) as error:
                log.warning("a lease could not be held: %s", error, extra={"rule_job_id": self.job.id})
