"""The outbox as workers see it: who gets which command when, and what becomes of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store import commands, connections, leases
from store.columns import new_id
from store.flow_models import Command
from store.leases import Lease, Leased, Tried
from store.models import Connection, Merchant
from store.session import Database
from tests.workers.conftest import START

Put = Callable[..., int]
Look = Callable[[int], Command]
MINUTE = timedelta(minutes=1)


def _lease(
    database: Database, connection: Connection, at: datetime = START, limit: int = 10,
    retry_at: leases.RetryAt = lambda failures: START + failures * MINUTE,
) -> Lease:
    with database.system_session() as session:
        return leases.lease(session, connection.id, at=at, seconds=30, limit=limit, retry_at=retry_at)


def _ids(lease: Lease) -> list[int]:
    return [command.id for command in lease.commands]


def _tried(command: Leased, outcome: str = "done", **values: object) -> Tried:
    return Tried(command, outcome, outcome, "Said so.", START, START, **values)  # type: ignore[arg-type]


def _finish(database: Database, lease: Lease, *tried: Tried) -> list[int]:
    with database.system_session() as session:
        return leases.finish(session, lease.token, tried or [_tried(command) for command in lease.commands])


def test_one_command_of_each_subject_goes_at_a_time_in_order(put: Put, database: Database, connection: Connection) -> None:
    first, second, other = put("order:1"), put("order:1"), put("order:2")
    lease = _lease(database, connection)
    assert _ids(lease) == [first, other]
    assert _ids(_lease(database, connection)) == []
    _finish(database, lease)
    assert _ids(_lease(database, connection)) == [second]


def test_a_command_that_waits_for_its_next_try_holds_up_its_subject_only(put: Put, database: Database, connection: Connection) -> None:
    first, second, other = put("order:1"), put("order:1"), put("order:2")
    lease = _lease(database, connection, limit=1)
    _finish(database, lease, _tried(lease.commands[0], "retry", retry_at=START + MINUTE, failures=1))
    assert _ids(_lease(database, connection)) == [other]
    assert _ids(_lease(database, connection, at=START + MINUTE)) == [first]
    assert second not in _ids(_lease(database, connection, at=START + MINUTE))


def test_a_dead_command_holds_up_its_subject(put: Put, look: Look, database: Database, connection: Connection) -> None:
    first = put("order:1")
    put("order:1")
    lease = _lease(database, connection)
    _finish(database, lease, _tried(lease.commands[0], "refused"))
    assert look(first).status == "dead"
    assert _ids(_lease(database, connection, at=START + 1000 * MINUTE)) == []


def test_commands_of_another_connection_are_left_alone(
    put: Put, database: Database, connection: Connection, make_connection: Callable[..., Connection]
) -> None:
    shop = make_connection("shop")
    for_till, for_shop = put("order:1"), put("order:1", connection_id=shop.id)
    assert _ids(_lease(database, shop)) == [for_shop]
    assert _ids(_lease(database, connection)) == [for_till]


def test_a_command_is_not_due_before_its_time(put: Put, database: Database, connection: Connection) -> None:
    command_id = put(due_at=START + MINUTE)
    assert _ids(_lease(database, connection)) == []
    assert _ids(_lease(database, connection, at=START + MINUTE)) == [command_id]


def test_an_attempt_is_written_down_with_its_command(put: Put, look: Look, database: Database, connection: Connection) -> None:
    command_id = put()
    lease = _lease(database, connection)
    held = lease.commands[0]
    retry = _tried(held, "retry", retry_at=START + MINUTE, failures=1, detail="HTTP 503", exchanges=[{"status": 503}])
    _finish(database, lease, retry)
    command = look(command_id)
    assert (command.status, command.tries, command.failures, command.due_at) == ("waiting", 1, 1, START + MINUTE)
    assert (command.error_kind, command.error, command.lease, command.leased_until) == ("retry", "Said so.", None, None)
    attempt, = command.attempts
    assert (attempt.number, attempt.outcome, attempt.message) == (1, "retry", "Said so.\n\nHTTP 503")
    assert attempt.exchanges == [{"status": 503}]

    _finish(database, _lease(database, connection, at=START + MINUTE))
    command = look(command_id)
    assert (command.status, command.tries, command.failures, command.error, command.result) == ("done", 2, 0, "", "Said so.")
    assert command.done_at == START


def test_a_released_command_is_as_if_it_had_not_been_leased(put: Put, look: Look, database: Database, connection: Connection) -> None:
    command_id = put()
    lease = _lease(database, connection)
    with database.system_session() as session:
        leases.release(session, lease.token, [command_id])
    command = look(command_id)
    assert (command.status, command.tries, command.attempts) == ("waiting", 0, [])
    assert _ids(_lease(database, connection)) == [command_id]


def test_a_lease_that_runs_out_leaves_a_lost_attempt_and_the_same_key(put: Put, look: Look, database: Database, connection: Connection) -> None:
    command_id = put()
    key = _lease(database, connection).commands[0].idempotency_key
    assert _ids(_lease(database, connection, at=START + timedelta(seconds=30))) == []
    again = _lease(database, connection, at=START + timedelta(seconds=31))
    assert _ids(again) == [command_id]
    assert again.commands[0].idempotency_key == key
    assert again.commands[0].number == 2
    attempt, = look(command_id).attempts
    assert (attempt.number, attempt.outcome) == (1, "lost")
    assert "whether the system heard of it is not known" in attempt.message


def test_a_lease_can_be_held_longer(put: Put, database: Database, connection: Connection) -> None:
    put()
    lease = _lease(database, connection)
    with database.system_session() as session:
        leases.extend(session, lease.token, START + 2 * MINUTE)
    assert _ids(_lease(database, connection, at=START + MINUTE)) == []
    assert _ids(_lease(database, connection, at=START + 3 * MINUTE)) != []


def test_who_lost_the_lease_writes_nothing_down(put: Put, look: Look, database: Database, connection: Connection) -> None:
    command_id = put()
    late = _lease(database, connection)
    later = _lease(database, connection, at=START + MINUTE)
    assert _finish(database, late) == [command_id]
    assert look(command_id).status == "leased"
    assert _finish(database, later) == []
    assert [attempt.outcome for attempt in look(command_id).attempts] == ["lost", "done"]


def test_a_command_that_loses_worker_after_worker_waits_longer_each_time_and_dies(
    put: Put, look: Look, database: Database, connection: Connection
) -> None:
    def enough(failures: int) -> datetime | None:
        return None if failures >= 3 else START

    command_id = put()
    at = START
    for _ in range(3):
        assert _ids(_lease(database, connection, at=at, retry_at=enough)) == [command_id]
        at += MINUTE
    assert _ids(_lease(database, connection, at=at, retry_at=enough)) == []
    command = look(command_id)
    assert (command.status, command.error_kind, command.tries) == ("dead", "lost", 3)


def test_a_command_that_lost_its_worker_is_leased_alone_the_next_time(put: Put, database: Database, connection: Connection) -> None:
    ids = [put(f"order:{number}") for number in range(3)]
    assert _ids(_lease(database, connection)) == ids
    after = START + MINUTE
    fresh = put("order:9")
    assert _ids(_lease(database, connection, at=after)) == [fresh], "what did nothing wrong does not ride with a suspect"
    assert [_ids(_lease(database, connection, at=after)) for _ in ids] == [[command_id] for command_id in ids]


def test_workers_that_ask_at_the_same_moment_get_different_commands(put: Put, database: Database, connection: Connection) -> None:
    ids = [put(f"order:{number}") for number in range(40)]
    got: list[int] = []
    ready = threading.Barrier(4)

    def take() -> None:
        ready.wait()
        while lease := _ids(_lease(database, connection, limit=3)):
            got.extend(lease)

    workers = [threading.Thread(target=take) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    # PostgreSQL skips rows that another worker is just taking, so what one did not see another did.
    got += _ids(_lease(database, connection, limit=100))
    assert sorted(got) == ids


def test_the_relay_is_told_which_connections_have_something_to_do_now(
    put: Put, database: Database, merchant: Merchant, connection: Connection, make_connection: Callable[..., Connection]
) -> None:
    def with_work(at: datetime = START) -> set[str]:
        with database.system_session(read_only=True) as session:
            return set(leases.connections_with_work(session, at))

    idle, paused = make_connection("idle"), make_connection("paused", state="paused")
    put("order:1", connection_id=paused.id)
    put("order:1", connection_id=idle.id, due_at=START + 5 * MINUTE)
    assert with_work() == set()
    put("order:1")
    put("order:1")
    assert with_work() == {connection.id}
    lease = _lease(database, connection)
    assert with_work() == set(), "the first is in hand, the second waits for it"
    assert with_work(START + MINUTE) == {connection.id}, "the lease ran out"
    _finish(database, lease, _tried(lease.commands[0], "refused"))
    assert with_work(START + MINUTE) == set(), "the second waits for a dead one: only people can help"
    with database.session(merchant.id) as session:
        row = connections.get(session, paused.id)
        assert row is not None
        connections.resume(session, row)
    assert with_work() == {paused.id}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(
    st.sampled_from(["put", "put", "work", "work", "crash", "cancel"]), st.integers(0, 3),
    st.sampled_from(["done", "done", "retry", "refused", "throttled"]),
), max_size=30))
def test_whatever_happens_each_subject_is_carried_out_in_the_order_it_was_put(
    steps: list[tuple[str, int, str]], put: Put, database: Database, merchant: Merchant, make_connection: Callable[..., Connection]
) -> None:
    connection = make_connection(new_id())
    at, finished, stopped = START, list[tuple[str, int]](), set[str]()
    for step, number, outcome in steps:
        at += MINUTE
        if step == "put":
            put(f"order:{number}", connection_id=connection.id)
        elif step == "cancel":
            with database.session(merchant.id) as session:
                for command in commands.listed(session, status="dead", connection_id=connection.id, limit=1).commands:
                    commands.cancel(session, command.id, who="sam", at=at)
                    stopped.discard(command.subject)
        else:
            lease = _lease(database, connection, at=at, limit=2, retry_at=lambda failures, now=at: now)  # type: ignore[misc]
            subjects = [command.subject for command in lease.commands]
            assert len(set(subjects)) == len(subjects)
            assert stopped.isdisjoint(subjects)
            if step == "crash":
                at += 2 * MINUTE
                continue
            retry_at = None if outcome in ("done", "refused") else at
            _finish(database, lease, *[_tried(command, outcome, retry_at=retry_at) for command in lease.commands])
            if outcome == "done":
                finished += [(command.subject, command.id) for command in lease.commands]
            elif outcome == "refused":
                stopped.update(subjects)
    for subject in {subject for subject, _ in finished}:
        ids = [command_id for its, command_id in finished if its == subject]
        assert ids == sorted(set(ids))
