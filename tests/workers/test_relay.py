"""The relay and the schedule: what the database says is due gets rung for, whatever was lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis
from rq import Queue
from rq.timeouts import JobTimeoutException
from sqlalchemy import select, update

from store import commands, events
from store.columns import now
from store.flow_models import Command, Event
from store.models import Connection, Merchant
from store.secrets import Cipher
from store.session import Database
from tests.workers.conftest import START
from tests.workers.parts import OPERATIONS, Parts, make_parts
from workers.bell import DECIDE_QUEUE, Bell, drain_job_id, drain_queue
from workers.decide import decide_guarded
from workers.limits import Holds
from workers.relay import Relay
from workers.schedule import KEPT_QUIET_POLLS, Schedule, poll_key
from workers.worker import OutboxWorker

Put = Callable[..., int]
Look = Callable[[int], Command]


def _queued(parts: Parts, connection: Connection) -> list[str]:
    return list(Queue(drain_queue(connection.id), connection=parts.redis).job_ids)


def _event(database: Database, merchant: Merchant, *, age: timedelta = timedelta(minutes=1)) -> str:
    with database.session(merchant.id) as session:
        event, _ = events.keep(session, source="shop", external_id="e1", type="order.placed", subject="order:1", time=START,
                               data={}, body_hash="h")
        event.received_at = now() - age
    return event.id


def test_a_command_nobody_rang_for_is_carried_out(put: Put, look: Look, parts: Parts, connection: Connection) -> None:
    command_id = put()
    Relay(parts).tick()
    OutboxWorker(parts).run(burst=True)
    assert look(command_id).status == "done"


def test_nothing_is_lost_when_redis_loses_everything(put: Put, look: Look, parts: Parts, connection: Connection) -> None:
    command_id = put()
    parts.bell.ring([connection.id])
    parts.redis.flushall()
    Relay(parts).tick()
    OutboxWorker(parts).run(burst=True)
    assert look(command_id).status == "done"


def test_a_try_that_is_to_be_made_later_is_made_when_its_time_has_come(put: Put, parts: Parts, connection: Connection) -> None:
    put(due_at=START + timedelta(hours=1))
    Relay(parts, clock=lambda: START).tick()
    assert _queued(parts, connection) == []
    Relay(parts, clock=lambda: START + timedelta(hours=1)).tick()
    assert _queued(parts, connection) == [drain_job_id(connection.id)]


def test_a_connection_that_is_left_alone_is_not_rung_for(put: Put, parts: Parts, connection: Connection) -> None:
    put()
    Holds(parts.redis).put(connection.id, now() + timedelta(minutes=1), "Slow down.")
    Relay(parts).tick()
    assert _queued(parts, connection) == []


def test_an_idle_outbox_is_not_rung_for(parts: Parts, connection: Connection) -> None:
    Relay(parts).tick()
    assert parts.redis.keys("rq:*") == []


def test_an_event_that_nobody_decided_is_asked_for_again(parts: Parts, merchant: Merchant) -> None:
    event_id = _event(parts.database, merchant)
    Relay(parts).tick()
    assert Queue(DECIDE_QUEUE, connection=parts.redis).job_ids == [f"decide-{event_id}"]
    OutboxWorker(parts).run(burst=True)
    assert parts.intake.decided == [event_id]


def test_an_event_that_just_came_in_is_left_to_whoever_took_it_in(parts: Parts, merchant: Merchant) -> None:
    _event(parts.database, merchant, age=timedelta(0))
    Relay(parts).tick()
    assert parts.bell.backlog() == 0


def test_an_event_that_takes_worker_after_worker_down_is_marked_failed(parts: Parts, merchant: Merchant) -> None:
    parts = parts.with_settings(event_tries=3)
    event_id = _event(parts.database, merchant)
    parts.intake.break_with = JobTimeoutException("hung in the rules")
    for _ in range(3):
        with pytest.raises(JobTimeoutException):
            decide_guarded(parts, merchant.id, event_id)
    decide_guarded(parts, merchant.id, event_id)
    with parts.database.session(merchant.id, read_only=True) as session:
        event = session.get(Event, event_id)
    assert event is not None
    assert (event.status, event.reason) == ("failed", "Deciding took the worker down 3 times; it is not tried again by itself.")


def test_a_database_that_is_away_for_a_moment_does_not_count_against_an_event(parts: Parts, merchant: Merchant) -> None:
    parts = parts.with_settings(event_tries=1)
    event_id = _event(parts.database, merchant)
    parts.intake.break_with = OSError("the database is away")
    for _ in range(3):
        with pytest.raises(OSError, match="away"):
            decide_guarded(parts, merchant.id, event_id)
    parts.intake.break_with = None
    decide_guarded(parts, merchant.id, event_id)
    assert parts.intake.decided == [event_id]


def test_the_relay_outlives_a_redis_that_is_away(put: Put, database: Database, cipher: Cipher, connection: Connection) -> None:
    put()
    away = Redis(unix_socket_path="/nowhere/redis.sock")
    Relay(make_parts(database, away, cipher)).tick()


def test_the_relay_outlives_a_database_that_is_away(redis_server: Redis, cipher: Cipher, tmp_path: object) -> None:
    empty = Database(f"sqlite:///{tmp_path}/never-migrated.db")
    Relay(make_parts(empty, redis_server, cipher)).tick()
    empty.close()


class _Polling:
    """A schedule over one connection that can be read, and its outbox."""

    def __init__(self, parts: Parts, merchant: Merchant) -> None:
        parts.counting.operations = OPERATIONS
        self.parts = parts
        self.merchant = merchant
        self.at = datetime(2026, 3, 1, tzinfo=UTC)

    def tick(self) -> int:
        return Schedule(self.parts.database, self.parts.adapters, self.parts.worker_settings, lambda: self.at).tick()

    def created(self, at: datetime) -> None:
        with self.parts.database.session(self.merchant.id) as session:
            session.execute(update(Command).values(created_at=at))

    def finish(self, status: str = "done") -> None:
        with self.parts.database.session(self.merchant.id) as session:
            session.execute(update(Command).where(Command.status == "waiting").values(status=status))

    def all(self) -> list[Command]:
        with self.parts.database.session(self.merchant.id, read_only=True) as session:
            return list(session.scalars(select(Command).order_by(Command.id)))


@pytest.fixture
def polling(parts: Parts, merchant: Merchant) -> _Polling:
    return _Polling(parts, merchant)


def test_a_connection_that_can_be_read_is_read_at_intervals(polling: _Polling, connection: Connection) -> None:
    assert polling.tick() == 1
    polling.finish()
    polling.created(polling.at)
    polling.at += timedelta(seconds=29)
    assert polling.tick() == 0
    polling.at += timedelta(seconds=1)
    assert polling.tick() == 1
    assert [(row.operation, row.subject, row.collapse_key) for row in polling.all()] == [
        ("read_changes", "poll:read_changes", "poll:read_changes")
    ] * 2


def test_a_read_under_way_or_waiting_for_its_next_try_is_not_asked_for_twice(polling: _Polling, connection: Connection) -> None:
    polling.tick()
    polling.created(polling.at)
    polling.at += timedelta(days=1)
    assert polling.tick() == 0


def test_a_dead_read_does_not_silence_a_connection_for_good(polling: _Polling, connection: Connection) -> None:
    polling.tick()
    polling.finish("dead")
    polling.created(polling.at)
    polling.at += timedelta(minutes=1)
    assert polling.tick() == 1
    assert [row.status for row in polling.all()] == ["superseded", "waiting"]


@pytest.mark.parametrize(("seconds", "asked"), [(300, False), (10, True), (0, False), ("often", False)])
def test_a_connection_may_have_an_interval_of_its_own_or_none(
    seconds: object, asked: bool, polling: _Polling, make_connection: Callable[..., Connection]
) -> None:
    make_connection("own", settings={"poll_seconds": seconds})
    first = polling.tick()
    polling.finish()
    polling.created(polling.at)
    polling.at += timedelta(seconds=60)
    assert polling.tick() == asked
    assert first == (isinstance(seconds, int) and seconds > 0)


def test_paused_connections_and_systems_that_cannot_be_read_are_not_asked(
    polling: _Polling, make_connection: Callable[..., Connection]
) -> None:
    make_connection("paused", state="paused")
    make_connection("unknown", platform="abacus")
    assert polling.tick() == 0


def test_silent_reads_do_not_fill_the_outbox(polling: _Polling, connection: Connection) -> None:
    for _ in range(KEPT_QUIET_POLLS + 5):
        polling.tick()
        polling.finish()
        polling.created(polling.at)
        polling.at += timedelta(minutes=1)
    assert len(polling.all()) == KEPT_QUIET_POLLS + 1
    with polling.parts.database.session(polling.merchant.id, read_only=True) as session:
        assert commands.last_asked(session, connection.id, poll_key("read_changes")) == (polling.at - timedelta(minutes=1), False)


def test_a_worker_that_died_while_deciding_is_noticed(parts: Parts, merchant: Merchant, monkeypatch: pytest.MonkeyPatch) -> None:
    event_id = _event(parts.database, merchant)
    parts.bell.ring_event(merchant.id, event_id)
    queue = Queue(DECIDE_QUEUE, connection=parts.redis)
    queue.pop_job_id()
    relay, clock = Relay(parts), [1000.0]
    monkeypatch.setattr("workers.bell.time.monotonic", lambda: clock[0])
    relay.tick()
    assert queue.job_ids == []
    clock[0] += 2
    relay.tick()
    assert queue.job_ids == [f"decide-{event_id}"]
    assert isinstance(parts.bell, Bell)
