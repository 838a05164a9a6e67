"""The bell, rung to real RQ workers: nothing committed waits for the relay, and nothing is carried out twice at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from redis import Redis
from rq import Queue
from rq.job import Job

from adapters.base import Call, Memory, Result
from store.flow_models import Command
from store.models import Connection
from tests.workers.parts import Parts
from workers import services
from workers.bell import DECIDE_QUEUE, Bell, decide_job_id, drain_job_id, drain_queue
from workers.worker import OutboxWorker

Put = Callable[..., int]
Look = Callable[[int], Command]


def _work(parts: Parts) -> None:
    OutboxWorker(parts).run(burst=True)


def _queued(parts: Parts, connection: Connection) -> list[str]:
    return list(Queue(drain_queue(connection.id), connection=parts.redis).job_ids)


def test_a_rung_connection_is_drained_by_a_worker(put: Put, look: Look, parts: Parts, connection: Connection) -> None:
    command_id = put()
    parts.bell.ring([connection.id])
    _work(parts)
    assert look(command_id).status == "done"
    assert not parts.redis.exists(Job.key_for(drain_job_id(connection.id)))


def test_ringing_a_hundred_times_makes_one_job(parts: Parts, connection: Connection) -> None:
    for _ in range(100):
        parts.bell.ring([connection.id, connection.id])
    assert _queued(parts, connection) == [drain_job_id(connection.id)]


def test_each_connection_has_a_queue_of_its_own(put: Put, parts: Parts, make_connection: Callable[..., Connection]) -> None:
    one, other = make_connection("one"), make_connection("other")
    parts.bell.ring([one.id, other.id])
    assert _queued(parts, one) == [drain_job_id(one.id)]
    assert _queued(parts, other) == [drain_job_id(other.id)]


def test_jobs_carry_ids_only(parts: Parts, connection: Connection) -> None:
    parts.bell.ring([connection.id])
    parts.bell.ring_event("merchant-1", "event-1")
    assert tuple(Job.fetch(drain_job_id(connection.id), connection=parts.redis).args) == (connection.id,)
    assert tuple(Job.fetch(decide_job_id("event-1"), connection=parts.redis).args) == ("merchant-1", "event-1")


class _LateWorker(OutboxWorker):
    """A worker during whose last moments with a job something happens: the drainer has looked for the last time, its
    job id is still taken."""

    late: Callable[[], None]

    def handle_job_success(self, job: Job, *arguments: object, **options: object) -> None:
        late, self.late = self.late, lambda: None
        late()
        super().handle_job_success(job, *arguments, **options)


def test_a_command_put_after_the_drainers_last_look_does_not_wait_for_the_relay(
    put: Put, look: Look, parts: Parts, connection: Connection
) -> None:
    first, later = put("order:1"), []

    def late() -> None:
        assert look(first).status == "done"
        later.append(put("order:2"))
        parts.bell.ring([connection.id])
        assert parts.redis.exists(Job.key_for(drain_job_id(connection.id)))
        assert _queued(parts, connection) == [], "RQ refuses the id while the job that has it is being put away"

    parts.bell.ring([connection.id])
    worker = _LateWorker(parts)
    worker.late = late
    worker.run(burst=True)
    assert look(later[0]).status == "done"


def test_a_command_put_while_another_is_carried_out_is_seen_by_the_same_drain(
    put: Put, look: Look, parts: Parts, connection: Connection
) -> None:
    put("order:1")
    later = []

    def answer(call: Call, memory: Memory, http: object) -> Result:
        if not later:
            later.append(put("order:2"))
            parts.bell.ring([connection.id])
        return Result("Done.")

    parts.counting.answer = answer
    parts.bell.ring([connection.id])
    _work(parts)
    assert look(later[0]).status == "done"


def test_ringing_without_redis_fails_nobody(caplog: pytest.LogCaptureFixture) -> None:
    bell = Bell(Redis(unix_socket_path="/nowhere/redis.sock"))
    bell.ring(["connection-1"])
    bell.ring_event("merchant-1", "event-1")
    bell.revive(["connection-1"])
    assert "the relay will" in caplog.text


def test_a_job_that_breaks_frees_its_id_and_is_left_to_the_relay(parts: Parts, connection: Connection, put: Put, look: Look) -> None:
    command_id = put()
    parts.http_session_factory = lambda: 1 / 0  # type: ignore[assignment,return-value]
    parts.bell.ring([connection.id])
    _work(parts)
    assert look(command_id).status == "waiting"
    assert not parts.redis.exists(Job.key_for(drain_job_id(connection.id)))


def _dead_drainer(parts: Parts, connection: Connection) -> None:
    """What a worker leaves behind that was killed after it took a job: the id is taken, and nobody has the job."""
    parts.bell.ring([connection.id])
    Queue(drain_queue(connection.id), connection=parts.redis).pop_job_id()
    assert _queued(parts, connection) == []


def test_the_job_of_a_drainer_that_died_is_replaced(parts: Parts, connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    _dead_drainer(parts, connection)
    clock = [1000.0]
    monkeypatch.setattr("workers.bell.time.monotonic", lambda: clock[0])
    parts.bell.revive([connection.id])
    assert _queued(parts, connection) == [], "it may be just on its way from the queue into a worker's hands"
    clock[0] += 2
    parts.bell.revive([connection.id])
    assert _queued(parts, connection) == [drain_job_id(connection.id)]


def test_the_job_of_a_drainer_that_lives_is_left_alone(parts: Parts, connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    _dead_drainer(parts, connection)
    parts.bell.alive(drain_job_id(connection.id))
    clock = [1000.0]
    monkeypatch.setattr("workers.bell.time.monotonic", lambda: clock[0])
    for _ in range(3):
        parts.bell.revive([connection.id])
        clock[0] += 60
    assert _queued(parts, connection) == []


def test_a_job_that_waits_for_a_busy_worker_is_left_in_its_queue(parts: Parts, connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr("workers.bell.time.monotonic", lambda: clock[0])
    parts.bell.ring([connection.id])
    for _ in range(3):
        parts.bell.revive([connection.id])
        clock[0] += 60
    assert _queued(parts, connection) == [drain_job_id(connection.id)]


def test_a_worker_picks_up_connections_made_after_it_started(put: Put, look: Look, parts: Parts, make_connection: Callable[..., Connection]) -> None:
    parts = parts.with_settings(idle_seconds=0)
    old = make_connection("old")
    put(connection_id=old.id)
    made = []

    def answer(call: Call, memory: Memory, http: object) -> Result:
        if not made:
            new = make_connection("new")
            made.append(put(connection_id=new.id))
            parts.bell.ring([new.id])
        return Result("Done.")

    parts.counting.answer = answer
    parts.bell.ring([old.id])
    _work(parts)
    assert look(made[0]).status == "done"


def test_a_worker_decides_the_events_it_is_asked_to(parts: Parts) -> None:
    parts.bell.ring_event("merchant-1", "event-1")
    assert Queue(DECIDE_QUEUE, connection=parts.redis).job_ids == ["decide-event-1"]
    assert parts.bell.backlog() == 1
    _work(parts)
    assert parts.intake.decided == ["event-1"]
    assert not parts.redis.exists(Job.key_for(decide_job_id("event-1")))


def test_jobs_outside_a_worker_say_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "_installed", [])
    with pytest.raises(RuntimeError, match=r"jobs run in processes started by workers\.run"):
        services.current()
