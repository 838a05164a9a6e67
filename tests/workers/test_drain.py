"""Draining a connection's outbox: what becomes of each kind of answer, and when a drainer leaves off."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from rq.timeouts import JobTimeoutException

from adapters.base import Call, Memory, NewEvent, Refused, Result, RetryLater, Throttled, Unauthorised
from store import audit, commands, connections
from store.columns import now
from store.flow_models import Command
from store.models import Connection, Merchant
from tests.workers.parts import Parts
from workers import jobs, services
from workers.drain import HELD, NOTHING_DUE, PAUSED, SLICE_OVER, STOPPING, Drainer, Report
from workers.errands import errand_for
from workers.limits import Holds

Put = Callable[..., int]
Look = Callable[[int], Command]


def _drain(
    parts: Parts, connection: Connection, clock: Callable[[], datetime] = now, stop: Callable[[], bool] = lambda: False
) -> Report:
    with errand_for(parts, connection.id, clock) as errand:
        assert errand is not None
        return Drainer(parts, errand, stop=stop).run()


def _raising(error: Exception) -> Callable[..., Result]:
    def answer(call: Call, memory: Memory, http: object) -> Result:
        raise error

    return answer


def _event(event_id: str = "sale-7", **data: object) -> NewEvent:
    return NewEvent(event_id, "sale.changed", "order:1", datetime(2026, 3, 1, tzinfo=UTC), data)


def test_everything_due_is_carried_out_in_the_order_of_each_subject(put: Put, look: Look, parts: Parts, connection: Connection) -> None:
    wanted = [("order:1", "place_sale"), ("order:2", "place_sale"), ("order:1", "add_payment"), ("order:2", "set_status")]
    ids = [put(subject, operation, payload={"subject": subject}) for subject, operation in wanted]
    report = _drain(parts, connection)
    assert (report.done, report.ended) == (4, NOTHING_DUE)
    assert [look(each).status for each in ids] == ["done"] * 4
    for subject in ("order:1", "order:2"):
        asked = [call.operation for call in parts.counting.calls if call.payload["subject"] == subject]
        assert asked == [operation for its, operation in wanted if its == subject]


def test_thousands_of_commands_need_few_leases(put: Put, parts: Parts, connection: Connection) -> None:
    for number in range(300):
        put(f"order:{number}")
    report = _drain(parts, connection)
    assert report.done == 300
    assert len({call.idempotency_key for call in parts.counting.calls}) == 300


def test_what_a_call_taught_us_is_taken_in_before_the_command_is_done(put: Put, look: Look, parts: Parts, connection: Connection) -> None:
    command_id = put()
    parts.counting.answer = lambda call, memory, http: Result("Sale 7 placed.", [_event()])
    parts.intake.break_with = RuntimeError("the database is away")
    _drain(parts, connection)
    command = look(command_id)
    assert (command.status, command.error_kind, command.failures) == ("waiting", "bug", 1)
    assert "Something broke on our side: RuntimeError: the database is away" in command.error
    assert "Traceback" in command.attempts[0].message

    parts.intake.break_with = None
    with parts.database.session(connection.merchant_id) as session:
        commands.retry(session, command_id, who="sam")
    _drain(parts, connection)
    assert look(command_id).status == "done"
    assert parts.intake.told == [("till", "sale-7", connection.id, command_id)]
    assert len({call.idempotency_key for call in parts.counting.calls}) == 1


def test_one_id_for_two_different_events_does_not_stop_the_command(put: Put, look: Look, parts: Parts, connection: Connection) -> None:
    parts.intake.take_in(connection.merchant_id, "till", _event(total="1.00"))
    command_id = put()
    parts.counting.answer = lambda call, memory, http: Result("Read.", [_event(total="2.00"), _event("sale-8")])
    _drain(parts, connection)
    assert look(command_id).status == "done"
    assert "Not taken in: event 'sale-7'" in look(command_id).result
    assert "sale-8" in parts.intake.events


def test_a_failure_is_tried_again_later_and_dies_after_the_last_try(put: Put, look: Look, parts: Parts, connection: Connection) -> None:
    parts = parts.with_settings(retry_delays=(60, 600), max_failures=3, breaker_failures=99)
    command_id = put()
    parts.counting.answer = _raising(RetryLater("The system did not answer in time.", detail="POST /sales"))
    at = datetime.now(UTC)
    waits = []
    for _ in range(3):
        _drain(parts, connection, clock=lambda now=at: now)
        command = look(command_id)
        waits.append((command.due_at - at).total_seconds())
        at = command.due_at
    assert 60 <= waits[0] <= 72
    assert 600 <= waits[1] <= 720
    assert (command.status, command.error_kind, command.error) == ("dead", "retry", "The system did not answer in time.")
    assert [attempt.number for attempt in command.attempts] == [1, 2, 3]
    assert len({call.idempotency_key for call in parts.counting.calls}) == 1


def test_a_refusal_is_shown_to_people_at_once(put: Put, look: Look, parts: Parts, connection: Connection) -> None:
    command_id = put()
    parts.counting.answer = _raising(Refused("Product 12 does not exist.", detail="HTTP 404"))
    _drain(parts, connection)
    command = look(command_id)
    assert (command.status, command.tries, command.error_kind, command.error) == ("dead", 1, "refused", "Product 12 does not exist.")


def test_a_throttled_connection_is_left_alone_until_the_system_allows_it(put: Put, look: Look, parts: Parts, connection: Connection) -> None:
    first, second = put("order:1"), put("order:2")
    until = datetime.now(UTC) + timedelta(minutes=2)
    parts.counting.answer = _raising(Throttled("Slow down.", until=until))
    report = _drain(parts, connection)
    assert report.ended == HELD
    assert len(parts.counting.calls) == 1
    command = look(first)
    assert (command.status, command.due_at, command.failures, command.attempts[0].outcome) == ("waiting", until, 0, "throttled")
    assert (look(second).status, look(second).tries) == ("waiting", 0)
    assert Holds(parts.redis).of(connection.id).reason == "Slow down."  # type: ignore[union-attr]
    assert _drain(parts, connection).ended == HELD
    assert len(parts.counting.calls) == 1

    Holds(parts.redis).lift(connection.id)
    parts.counting.answer = lambda call, memory, http: Result("Done.")
    _drain(parts, connection, clock=lambda: until)
    assert [look(each).status for each in (first, second)] == ["done", "done"]


def test_being_throttled_however_often_kills_no_command(put: Put, look: Look, parts: Parts, connection: Connection) -> None:
    parts = parts.with_settings(max_failures=2)
    command_id = put()
    at = datetime.now(UTC)
    parts.counting.answer = _raising(Throttled("Slow down."))
    for _ in range(5):
        Holds(parts.redis).lift(connection.id)
        _drain(parts, connection, clock=lambda now=at: now)
        at = look(command_id).due_at
    assert (look(command_id).status, look(command_id).tries) == ("waiting", 5)


def test_wrong_credentials_pause_the_connection_and_nothing_is_lost(
    put: Put, look: Look, parts: Parts, connection: Connection, merchant: Merchant
) -> None:
    first, second = put("order:1"), put("order:2")
    parts.counting.answer = _raising(Unauthorised("The system refuses our credentials, HTTP 401."))
    report = _drain(parts, connection)
    assert report.ended == PAUSED
    with parts.database.session(merchant.id) as session:
        row = connections.get(session, connection.id)
        assert row is not None
        assert (row.state, row.paused_reason) == ("paused", "The system refuses our credentials, HTTP 401.")
        assert [entry.action for entry in audit.entries(session, about=f"connection:{connection.id}")] == ["pause connection"]
        connections.resume(session, row)
    assert [(look(each).status, look(each).failures) for each in (first, second)] == [("waiting", 0), ("waiting", 0)]
    parts.counting.answer = lambda call, memory, http: Result("Done.")
    assert _drain(parts, connection).done == 2


def test_credentials_that_cannot_be_decrypted_pause_the_connection(put: Put, parts: Parts, make_connection: Callable[..., Connection]) -> None:
    connection = make_connection("locked", credentials=b"made with another key")
    put(connection_id=connection.id)
    services.install(parts)
    jobs.drain(connection.id)
    with parts.database.system_session(read_only=True) as session:
        row = connections.get(session, connection.id)
    assert row is not None
    assert row.state == "paused"
    assert "enter them again" in row.paused_reason


def test_a_paused_connection_is_not_called(put: Put, parts: Parts, make_connection: Callable[..., Connection]) -> None:
    connection = make_connection("resting", state="paused")
    put(connection_id=connection.id)
    services.install(parts)
    jobs.drain(connection.id)
    assert parts.counting.calls == []


def test_a_bug_in_an_adapter_is_told_with_its_traceback_and_tried_again(put: Put, look: Look, parts: Parts, connection: Connection) -> None:
    command_id = put()
    parts.counting.answer = lambda call, memory, http: {}["total"]  # type: ignore[index]
    _drain(parts, connection)
    command = look(command_id)
    assert (command.status, command.error_kind) == ("waiting", "bug")
    assert command.error == "Something broke on our side: KeyError: 'total'"
    assert "test_drain.py" in command.attempts[0].message


def test_an_operation_the_system_cannot_do_is_refused_without_a_call(put: Put, look: Look, parts: Parts, connection: Connection) -> None:
    command_id = put(operation="sing")
    _drain(parts, connection)
    assert (look(command_id).status, look(command_id).error) == ("dead", "Counting system cannot carry out 'sing'.")
    assert parts.counting.calls == []


def test_a_platform_without_adapter_is_refused_in_words(put: Put, look: Look, parts: Parts, make_connection: Callable[..., Connection]) -> None:
    connection = make_connection("odd", platform="abacus")
    command_id = put(connection_id=connection.id)
    _drain(parts, connection)
    assert look(command_id).error == "There is no adapter for the platform 'abacus'."


def test_personal_data_and_credentials_in_an_error_are_masked(
    put: Put, look: Look, parts: Parts, make_connection: Callable[..., Connection]
) -> None:
    connection = make_connection("secretive", credentials=parts.cipher.encrypt({"token": "s3cr3t-value"}))
    command_id = put(connection_id=connection.id)
    parts.counting.answer = _raising(Refused("jan@example.nl may not use s3cr3t-value here."))
    _drain(parts, connection)
    assert look(command_id).error == "••• may not use ••• here."


def test_a_system_that_is_down_is_left_in_peace_and_then_asked_by_one_command(
    put: Put, look: Look, parts: Parts, connection: Connection
) -> None:
    parts = parts.with_settings(breaker_failures=3, breaker_seconds=3600)
    ids = [put(f"order:{number}") for number in range(10)]
    parts.counting.answer = _raising(RetryLater("Connection refused."))
    assert _drain(parts, connection).ended == HELD
    assert len(parts.counting.calls) == 3
    assert sum(look(each).tries for each in ids) == 3
    with errand_for(parts, connection.id) as errand:
        assert errand is not None
        assert errand.breaker.state == "open"
    Holds(parts.redis).lift(connection.id)
    assert _drain(parts, connection).ended == HELD
    assert len(parts.counting.calls) == 3, "while it is open nothing is called"

    _long_ago(parts, connection)
    _drain(parts, connection)
    assert len(parts.counting.calls) == 4, "one command tries, and the circuit opens again"

    parts.counting.answer = lambda call, memory, http: Result("Done.")
    _long_ago(parts, connection)
    later = datetime.now(UTC) + timedelta(hours=2)
    report = _drain(parts, connection, clock=lambda: later)
    assert report.done == 10
    with errand_for(parts, connection.id) as errand:
        assert errand is not None
        assert errand.breaker.state == "closed"


def _long_ago(parts: Parts, connection: Connection) -> None:
    """As if the circuit had opened two hours ago."""
    Holds(parts.redis).lift(connection.id)
    opened_at = f"wissel:circuit:{connection.id}:pybreaker:opened_at"
    assert parts.redis.exists(opened_at)
    parts.redis.decrby(opened_at, 7200)


def test_refusals_open_no_circuit(put: Put, parts: Parts, connection: Connection) -> None:
    parts = parts.with_settings(breaker_failures=2)
    for number in range(6):
        put(f"order:{number}")
    parts.counting.answer = _raising(Refused("No."))
    assert _drain(parts, connection).ended == NOTHING_DUE
    assert len(parts.counting.calls) == 6


def test_a_used_up_rate_limit_holds_the_rest_back_untried(put: Put, look: Look, parts: Parts, make_connection: Callable[..., Connection]) -> None:
    connection = make_connection("slow", settings={"rate_per_minute": 2})
    ids = [put(f"order:{number}", connection_id=connection.id) for number in range(3)]

    def ask(call: Call, memory: Memory, http: object) -> Result:
        errand.meter.pass_through()
        return Result("Done.")

    parts.counting.answer = ask
    with errand_for(parts, connection.id) as errand:
        assert errand is not None
        report = Drainer(parts, errand).run()
    assert (report.done, report.ended) == (2, HELD)
    assert [(look(each).status, look(each).tries) for each in ids] == [("done", 1), ("done", 1), ("waiting", 0)]
    hold = Holds(parts.redis).of(connection.id)
    assert hold is not None
    assert "rate limit of this connection is used up" in hold.reason


def test_a_drainer_asked_to_stop_finishes_its_command_and_puts_the_others_back(
    put: Put, look: Look, parts: Parts, connection: Connection
) -> None:
    ids = [put(f"order:{number}") for number in range(4)]
    report = _drain(parts, connection, stop=lambda: len(parts.counting.calls) >= 2)
    assert (report.done, report.ended) == (2, STOPPING)
    assert [look(each).status for each in ids] == ["done", "done", "waiting", "waiting"]


def test_a_drainer_leaves_off_when_its_slice_of_time_is_over_and_has_the_next_one_follow(
    put: Put, parts: Parts, connection: Connection
) -> None:
    parts = parts.with_settings(slice_seconds=0, batch_limit=1)
    put("order:1")
    put("order:2")
    report = _drain(parts, connection)
    assert report.ended == SLICE_OVER
    parts.bell.answer(connection.id)
    assert parts.redis.exists(f"rq:job:drain-{connection.id}")


def test_a_command_that_takes_too_long_is_tried_again_and_ends_the_drain(put: Put, look: Look, parts: Parts, connection: Connection) -> None:
    first, second = put("order:1"), put("order:2")
    parts.counting.answer = _raising(JobTimeoutException("alarm"))
    report = _drain(parts, connection)
    assert report.ended == SLICE_OVER
    assert (look(first).error_kind, look(first).status) == ("timeout", "waiting")
    assert "longer than 300 seconds" in look(first).error
    assert (look(second).status, look(second).tries) == ("waiting", 0)


def test_what_was_done_is_written_down_even_when_the_worker_is_torn_out(put: Put, look: Look, parts: Parts, connection: Connection) -> None:
    first, second = put("order:1"), put("order:2")

    def answer(call: Call, memory: Memory, http: object) -> Result:
        if len(parts.counting.calls) == 2:
            raise SystemExit
        return Result("Done.")

    parts.counting.answer = answer
    with pytest.raises(SystemExit):
        _drain(parts, connection)
    assert [look(each).status for each in (first, second)] == ["done", "waiting"]


def test_a_lease_is_held_while_a_call_takes_long(put: Put, look: Look, parts: Parts, connection: Connection) -> None:
    parts = parts.with_settings(lease_seconds=0.3, alive_seconds=0.3)
    command_id = put()

    def answer(call: Call, memory: Memory, http: object) -> Result:
        first = look(command_id).leased_until
        assert first is not None
        while look(command_id).leased_until == first:
            pass
        assert parts.redis.exists(f"wissel:alive:drain-{connection.id}")
        return Result("Done at last.")

    parts.counting.answer = answer
    assert _drain(parts, connection).done == 1
    assert look(command_id).status == "done"
    assert not parts.redis.exists(f"wissel:alive:drain-{connection.id}")


def test_an_adapter_remembers_through_the_memory_it_is_lent(put: Put, parts: Parts, connection: Connection) -> None:
    put("order:1")
    put("order:2")
    seen = []

    def answer(call: Call, memory: Memory, http: object) -> Result:
        seen.append(memory.get("cursor"))
        memory.put("cursor", (memory.get("cursor") or 0) + 1)
        return Result("Done.")

    parts.counting.answer = answer
    _drain(parts, connection)
    assert seen == [None, 1]
