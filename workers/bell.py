"""The bell: tells the workers that a connection has something to do.

One RQ job `drain` per connection, unique by its id, on a queue of the connection's own; its only argument is the
connection's id. The database is the truth: a bell that is lost costs a moment, until the relay rings again.

A ring must not get lost between the drainer's last look into the outbox and the moment its job id is free again. So
`ring` first raises a flag and then enqueues; the drainer lowers the flag before each look (`heard`); and the worker asks
once more after the job id is free (`answer`). A flag still raised then belongs to a command nobody has looked for, and
the bell rings anew. docs/decisions/0005 has the argument in full.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import cast

from redis import ConnectionPool, Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue
from rq.exceptions import DuplicateJobError, NoSuchJobError
from rq.job import Job

from workers.settings import WorkerSettings

log = logging.getLogger(__name__)

DECIDE_QUEUE = "decide"
RULES_QUEUE = "rules"
IMPORTS_QUEUE = "imports"
DRAIN_QUEUE_PREFIX = "connection-"
_DRAIN_JOB_PREFIX = "drain-"

_QUEUE_KEY = Queue.redis_queue_namespace_prefix
_FLAG_SECONDS = 86_400


class Bell:
    """Wakes workers. `ring` and `ring_event` never raise: when Redis is away, the relay makes up for it."""

    def __init__(self, redis: Redis, settings: WorkerSettings | None = None) -> None:
        self._redis = _impatient(redis)
        self._settings = settings or WorkerSettings()
        self._missing_since: dict[str, float] = {}

    def ring(self, connection_ids: Iterable[str]) -> None:
        """Have the outboxes of these connections drained. Call it after the commit."""
        wanted = list(connection_ids)
        try:
            for connection_id, is_rung in zip(wanted, self._raise_flags(wanted), strict=True):
                if not is_rung:
                    self._enqueue_drain(connection_id)
        except RedisError as error:
            log.warning("the bell could not be rung, the relay will: %s", error, extra={"connection_id": ", ".join(wanted)})

    def ring_event(self, merchant_id: str, event_id: str) -> None:
        """Have a worker decide an event that was kept. Call it after the commit."""
        try:
            self._enqueue(DECIDE_QUEUE, "workers.jobs.decide", (merchant_id, event_id), decide_job_id(event_id))
        except RedisError as error:
            log.warning("the bell could not be rung, the relay will: %s", error, extra={"event_id": event_id})

    def ring_rule_job(self, merchant_id: str, job_id: str) -> None:
        """Have the worker for proofs and simulations see to a job. Call it after the commit."""
        try:
            self._enqueue(RULES_QUEUE, "workers.jobs.rule_job", (merchant_id, job_id), rule_job_id(job_id))
        except RedisError as error:
            log.warning("the bell could not be rung, the relay will: %s", error, extra={"rule_job_id": job_id})

    def ring_import(self, merchant_id: str, import_id: str) -> None:
        """Have the background process decide what a first import brought. Call it after the commit."""
        try:
            self._enqueue(IMPORTS_QUEUE, "workers.jobs.decide_import", (merchant_id, import_id), import_job_id(import_id))
        except RedisError as error:
            log.warning("the bell could not be rung, the relay will: %s", error, extra={"import_id": import_id})

    def heard(self, connection_id: str) -> None:
        """The drainer is about to look into the outbox: it will see everything rung for until now."""
        self._redis.delete(_flag(connection_id))

    def keep_ringing(self, connection_id: str) -> None:
        """The drainer stops although there may be more to do: have the next one follow at once."""
        self._redis.set(_flag(connection_id), 1, ex=_FLAG_SECONDS)

    def answer(self, connection_id: str) -> None:
        """The drainer's job id is free again: ring for what came in after its last look."""
        if self._redis.exists(_flag(connection_id)):
            self._enqueue_drain(connection_id)

    def alive(self, job_id: str) -> None:
        """Whoever carries out this job gives a sign of life."""
        self._redis.set(_alive(job_id), 1, px=int(self._settings.alive_seconds * 1000))

    def gone(self, job_id: str) -> None:
        """Whoever carried out this job has ended."""
        self._redis.delete(_alive(job_id))

    def revive(self, connection_ids: Iterable[str]) -> None:
        """Ring, and first clear away the jobs of drainers that died: RQ keeps those ids for minutes, and as long as one
        is taken no new job gets in. Used by the relay, which calls it again and again."""
        for connection_id in connection_ids:
            if self._free_if_lost(drain_queue(connection_id), drain_job_id(connection_id)):
                self.ring([connection_id])

    def revive_events(self, events: Iterable[tuple[str, str]]) -> None:
        """The same for events to decide, given as (merchant id, event id)."""
        for merchant_id, event_id in events:
            if self._free_if_lost(DECIDE_QUEUE, decide_job_id(event_id)):
                self.ring_event(merchant_id, event_id)

    def revive_rule_jobs(self, jobs: Iterable[tuple[str, str]]) -> None:
        """The same for proofs and simulations, given as (merchant id, job id)."""
        for merchant_id, job_id in jobs:
            if self._free_if_lost(RULES_QUEUE, rule_job_id(job_id)):
                self.ring_rule_job(merchant_id, job_id)

    def revive_imports(self, found: Iterable[tuple[str, str]]) -> None:
        """The same for first imports with something to decide, given as (merchant id, import id)."""
        for merchant_id, import_id in found:
            if self._free_if_lost(IMPORTS_QUEUE, import_job_id(import_id)):
                self.ring_import(merchant_id, import_id)

    def others_wait(self) -> bool:
        """Whether a job for which a worker must be free at once is queued: an event to decide, a connection to drain."""
        keys = cast("set[bytes]", self._redis.smembers(Queue.redis_queues_keys))
        names = [key.decode().removeprefix(_QUEUE_KEY) for key in keys]
        pipeline = self._redis.pipeline(transaction=False)
        for name in names:
            if name == DECIDE_QUEUE or name.startswith(DRAIN_QUEUE_PREFIX):
                pipeline.llen(_QUEUE_KEY + name)
        return any(pipeline.execute())

    def backlog(self) -> int:
        """How many events wait for a worker to decide them."""
        return int(self._redis.llen(Queue(DECIDE_QUEUE, connection=self._redis).key))

    def _free_if_lost(self, queue: str, job_id: str) -> bool:
        """Free a job id whose worker died. Returns whether ringing makes sense: not when Redis is away."""
        try:
            if self._in_hand(queue, job_id):
                self._missing_since.pop(job_id, None)
            elif time.monotonic() - self._missing_since.setdefault(job_id, time.monotonic()) >= self._settings.lost_seconds:
                log.warning("job %s was lost with its worker, another one takes over", job_id)
                del self._missing_since[job_id]
                forget_job(self._redis, job_id)
        except RedisError as error:
            log.warning("Redis cannot be reached: %s", error)
            return False
        return True

    def _in_hand(self, queue: str, job_id: str) -> bool:
        """Whether a job's id is free, its worker alive, or the job still waits for a worker."""
        return bool(
            not self._redis.exists(Job.key_for(job_id))
            or self._redis.exists(_alive(job_id))
            or self._redis.lpos(Queue(queue, connection=self._redis).key, job_id) is not None
        )

    def _raise_flags(self, connection_ids: Sequence[str]) -> list[bool]:
        """Raise the flags, and only then look which drain jobs there are; all in one round trip."""
        pipeline = self._redis.pipeline(transaction=False)
        for connection_id in connection_ids:
            pipeline.set(_flag(connection_id), 1, ex=_FLAG_SECONDS)
        for connection_id in connection_ids:
            pipeline.exists(Job.key_for(drain_job_id(connection_id)))
        return [bool(there) for there in pipeline.execute()[len(connection_ids) :]]

    def _enqueue_drain(self, connection_id: str) -> None:
        self._enqueue(drain_queue(connection_id), "workers.jobs.drain", (connection_id,), drain_job_id(connection_id))

    def _enqueue(self, queue: str, function: str, arguments: tuple[str, ...], job_id: str) -> None:
        limit = int(self._settings.slice_seconds + self._settings.call_seconds)
        with suppress(DuplicateJobError):
            Queue(queue, connection=self._redis).enqueue_call(
                function, args=arguments, job_id=job_id, unique=True, result_ttl=0, timeout=limit, description=job_id
            )


def _impatient(redis: Redis) -> Redis:
    """The same server, asked once more at most: a ring must not hold up the request that caused it."""
    pool = redis.connection_pool
    options = pool.connection_kwargs | {"retry": Retry(NoBackoff(), 1), "socket_connect_timeout": 1, "socket_timeout": 2}
    return Redis(connection_pool=ConnectionPool(connection_class=pool.connection_class, **options))


def drain_queue(connection_id: str) -> str:
    """The RQ queue of a connection."""
    return DRAIN_QUEUE_PREFIX + connection_id


def drain_job_id(connection_id: str) -> str:
    """The id of the one RQ job that drains a connection."""
    return _DRAIN_JOB_PREFIX + connection_id


def decide_job_id(event_id: str) -> str:
    """The id of the one RQ job that decides an event."""
    return f"decide-{event_id}"


def rule_job_id(job_id: str) -> str:
    """The id of the one RQ job that carries out a slice of a proof or simulation."""
    return f"rule-{job_id}"


def import_job_id(import_id: str) -> str:
    """The id of the one RQ job that decides what an import brought."""
    return f"import-{import_id}"


def drained_connection(job_id: str) -> str | None:
    """The connection whose drain job this is; None for other jobs."""
    return job_id.removeprefix(_DRAIN_JOB_PREFIX) if job_id.startswith(_DRAIN_JOB_PREFIX) else None


def forget_job(redis: Redis, job_id: str) -> None:
    """Free a job id that RQ still holds, of a job that failed or whose worker died."""
    try:
        Job.fetch(job_id, connection=redis).delete()
    except NoSuchJobError:
        redis.delete(Job.key_for(job_id))


def _flag(connection_id: str) -> str:
    return f"wissel:rung:{connection_id}"


def _alive(job_id: str) -> str:
    return f"wissel:alive:{job_id}"
