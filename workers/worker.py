"""The RQ workers: one kind carries out drains and decisions in its own process, one job at a time, the other one what may
wait: proofs, simulations, and decisions about what first imports brought.

They do not fork for each job. A drain lasts for many commands, so isolation by fork would buy little, and deciding
lives on compiled rule books that a fresh process would have to make again. What a crash would cost is covered by the
supervisor (`workers.run`), which starts a new process, and by the relay.
"""

from __future__ import annotations

import logging
import signal
import time
from types import FrameType
from typing import Any

from rq import Queue, SimpleWorker
from rq.executions import Execution
from rq.job import Job
from rq.worker.base import DequeueStrategy
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from store.models import Connection
from workers import services
from workers.bell import DECIDE_QUEUE, IMPORTS_QUEUE, RULES_QUEUE, drain_queue, drained_connection, forget_job
from workers.imports import has_more
from workers.rule_jobs.runner import is_unfinished
from workers.services import Services

log = logging.getLogger(__name__)


class HouseWorker(SimpleWorker):  # type: ignore[misc]
    """A worker that finds the services of the house installed, and finishes what is under way before it leaves."""

    log_result_lifespan = False
    first_queues: tuple[str, ...] = ()
    """What it listens to when it starts."""

    def __init__(self, here: Services, **options: Any) -> None:
        self._here = here
        super().__init__(
            list(self.first_queues), connection=here.redis, worker_ttl=here.worker_settings.idle_seconds + 15,
            log_job_description=False, **options,
        )

    def run(self, *, burst: bool = False) -> None:
        """Work until asked to stop (SIGTERM: after the command under way), or with `burst` until nothing is queued."""
        services.install(self._here)
        services.stopping.clear()
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            self.work(burst=burst, logging_level="WARNING", dequeue_strategy=DequeueStrategy.ROUND_ROBIN)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Finish the command under way, take no more, and leave."""
        services.stopping.set()
        super().request_stop(signum, frame)


class RulesWorker(HouseWorker):
    """Listens to proofs, simulations and first imports, and to nothing else, so that they delay neither deciding nor
    telling."""

    first_queues = (RULES_QUEUE, IMPORTS_QUEUE)

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        """Carry out one slice, free its id whatever happened, and let the next one follow behind those of others.

        After a slice that broke only the relay rings, once a second."""
        succeeded: bool = super().perform_job(job, queue, execution)
        if not succeeded:
            forget_job(self.connection, job.id)
        elif queue.name == IMPORTS_QUEUE:
            if has_more(self._here.database, *job.args):
                self._here.bell.ring_import(*job.args)
        elif is_unfinished(self._here.database, *job.args):
            self._here.bell.ring_rule_job(*job.args)
        return succeeded


class OutboxWorker(HouseWorker):
    """Listens to the queue of every connection, also of those made after it started, and to the decisions to be made.
    Queues take turns, so that a busy connection delays no other."""

    first_queues = (DECIDE_QUEUE,)

    def __init__(self, here: Services, **options: Any) -> None:
        self._looked_at = float("-inf")
        self._ordered_queues: list[Queue] = []
        super().__init__(here, **options)

    def dequeue_job_and_maintain_ttl(self, timeout: int | None, max_idle_time: int | None = None) -> tuple[Job, Queue] | None:
        """Wait for a job, and look for new connections in between."""
        while True:
            self._listen()
            found: tuple[Job, Queue] | None = super().dequeue_job_and_maintain_ttl(timeout, self._here.worker_settings.idle_seconds if timeout else None)
            if found is not None or timeout is None:
                return found

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        """Carry a job out, free its id whatever happened, and ring again for what came in too late for it.

        After a job that broke only the relay rings, once a second: what broke at once would break at once again."""
        succeeded: bool = super().perform_job(job, queue, execution)
        connection_id = drained_connection(job.id)
        if not succeeded:
            forget_job(self.connection, job.id)
        elif connection_id is not None:
            self._here.bell.answer(connection_id)
        return succeeded

    def _listen(self) -> None:
        """Bring the queues up to date with the connections there are."""
        if time.monotonic() - self._looked_at < self._here.worker_settings.idle_seconds:
            return
        try:
            with self._here.database.system_session(read_only=True) as session:
                wanted = [DECIDE_QUEUE, *map(drain_queue, session.scalars(select(Connection.id)))]
        except SQLAlchemyError as error:
            log.warning("new connections could not be looked for: %s", error)
            return
        self._looked_at = time.monotonic()
        listening = {queue.name: queue for queue in self._ordered_queues}
        if set(wanted) != set(listening):
            fresh = [self.queue_class(name, connection=self.connection) for name in wanted if name not in listening]
            self._ordered_queues = [queue for name, queue in listening.items() if name in set(wanted)] + fresh
            self.queues = self._ordered_queues[:]
