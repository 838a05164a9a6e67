"""The outbox as those see it who put commands in and look after them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from store import audit, commands, events, leases
from store.flow_models import Command
from store.leases import Lease, Tried
from store.models import Connection, Merchant
from store.session import Database
from tests.workers.conftest import START

Put = Callable[..., int]
Look = Callable[[int], Command]


def _lease(database: Database, connection: Connection, at=START, limit: int = 10) -> Lease:
    with database.system_session() as session:
        return leases.lease(session, connection.id, at=at, seconds=30, limit=limit, retry_at=lambda failures: at)


def _finish(database: Database, lease: Lease, outcome: str = "done", retry_at=None, **values) -> None:
    tried = [Tried(command, outcome, outcome, "Said so.", START, START, retry_at=retry_at, **values) for command in lease.commands]
    with database.system_session() as session:
        leases.finish(session, lease.token, tried)


def test_a_command_whose_transaction_is_rolled_back_was_never_in_the_outbox(
    database: Database, merchant: Merchant, connection: Connection
) -> None:
    with pytest.raises(ZeroDivisionError), database.session(merchant.id) as session:
        commands.put(session, connection_id=connection.id, operation="place_sale", subject="order:1", payload={})
        raise ZeroDivisionError
    assert _lease(database, connection, at=START + timedelta(days=10_000)).commands == []


def test_a_newer_command_with_the_same_collapse_key_replaces_the_waiting_one(put: Put, look: Look) -> None:
    older = put(operation="set_status", payload={"status": "packed"}, collapse_key="status:1")
    other = put(operation="set_status", payload={"status": "packed"}, collapse_key="status:2")
    newer = put(operation="set_status", payload={"status": "shipped"}, collapse_key="status:1")
    assert [look(each).status for each in (older, other, newer)] == ["superseded", "waiting", "waiting"]
    assert look(older).result == f"Replaced by command {newer}."


def test_a_command_being_carried_out_is_not_replaced_but_followed(
    put: Put, look: Look, database: Database, connection: Connection
) -> None:
    older = put(collapse_key="status:1", operation="set_status")
    lease = _lease(database, connection)
    newer = put(collapse_key="status:1", operation="set_status")
    assert look(older).status == "leased"
    assert _lease(database, connection).commands == []
    _finish(database, lease)
    assert [command.id for command in _lease(database, connection).commands] == [newer]


def test_replacing_a_dead_command_frees_its_subject(put: Put, look: Look, database: Database, connection: Connection) -> None:
    dead = put(collapse_key="status:1", operation="set_status", payload={"status": "nonsense"})
    _finish(database, _lease(database, connection), "refused")
    assert look(dead).status == "dead"
    newer = put(collapse_key="status:1", operation="set_status", payload={"status": "packed"})
    assert look(dead).status == "superseded"
    assert [command.id for command in _lease(database, connection).commands] == [newer]


def test_a_replacement_that_asks_the_same_again_keeps_the_key_of_the_one_that_was_tried(
    put: Put, look: Look, database: Database, connection: Connection
) -> None:
    tried = put(operation="read_changes", collapse_key="poll")
    _finish(database, _lease(database, connection), "retry", retry_at=START + timedelta(hours=1))
    same = put(operation="read_changes", collapse_key="poll")
    assert look(same).idempotency_key == look(tried).idempotency_key


def test_a_replacement_that_asks_something_else_or_of_an_untried_command_has_a_key_of_its_own(
    put: Put, look: Look, database: Database, connection: Connection
) -> None:
    tried = put("order:1", operation="set_status", payload={"status": "packed"}, collapse_key="one")
    _finish(database, _lease(database, connection), "retry", retry_at=START + timedelta(hours=1))
    other = put("order:1", operation="set_status", payload={"status": "shipped"}, collapse_key="one")
    fresh, same = (put("order:2", operation="read_changes", collapse_key="two") for _ in range(2))
    keys = {look(each).idempotency_key for each in (tried, other, fresh, same)}
    assert len(keys) == 4


def test_the_delivery_log_can_be_read_page_by_page_and_by_what_failed(
    put: Put, database: Database, merchant: Merchant, connection: Connection
) -> None:
    ids = [put(f"order:{number}") for number in range(5)]
    _finish(database, _lease(database, connection, limit=1), "refused")
    _finish(database, _lease(database, connection, limit=1), "retry", retry_at=START + timedelta(hours=1), failures=1)
    with database.session(merchant.id, read_only=True) as session:
        first = commands.listed(session, limit=3)
        rest = commands.listed(session, limit=3, before=first.before)
        failed = commands.listed(session, failed=True)
        waiting = commands.listed(session, status="waiting", connection_id=connection.id, operation="place_sale")
    assert [row.id for row in first.commands + rest.commands] == ids[::-1]
    assert rest.before is None
    assert [row.id for row in failed.commands] == [ids[1], ids[0]]
    assert [row.id for row in waiting.commands] == ids[:0:-1]


def test_another_merchant_sees_none_of_it(put: Put, database: Database, make_merchant: Callable[..., Merchant]) -> None:
    command_id = put()
    other = make_merchant(database, "rose")
    with database.session(other.id) as session:
        assert commands.listed(session).commands == []
        assert commands.depths(session) == {}
        with pytest.raises(commands.UnknownCommand, match=f"no command {command_id}"):
            commands.cancel(session, command_id, who="rosa")


def test_what_holds_a_command_up_can_be_told(put: Put, look: Look, database: Database, merchant: Merchant, connection: Connection) -> None:
    sale, payment, status, free = put(), put(operation="add_payment"), put(operation="set_status"), put("order:2")
    _finish(database, _lease(database, connection, limit=1), "refused")
    with database.session(merchant.id, read_only=True) as session:
        held_up = commands.waits_for(session, [look(each) for each in (sale, payment, status, free)])
    assert {waiting: (holder.id, holder.status) for waiting, holder in held_up.items()} == {
        payment: (sale, "dead"), status: (sale, "dead"),
    }


def test_the_outbox_says_how_full_it_is(put: Put, database: Database, merchant: Merchant, connection: Connection) -> None:
    put(due_at=START - timedelta(hours=2))
    put(due_at=START - timedelta(hours=1), subject="order:2")
    put(due_at=START, subject="order:3")
    _finish(database, _lease(database, connection, limit=1), "refused")
    with database.session(merchant.id, read_only=True) as session:
        depth = commands.depths(session)[connection.id]
    assert (depth.waiting, depth.leased, depth.dead, depth.oldest_due) == (2, 0, 1, START - timedelta(hours=1))


def test_a_dead_command_can_be_retried_by_hand_and_the_attempt_says_so(
    put: Put, look: Look, database: Database, merchant: Merchant, connection: Connection
) -> None:
    command_id = put()
    _finish(database, _lease(database, connection), "refused", failures=1)
    with database.session(merchant.id) as session:
        commands.retry(session, command_id, who="sam@tulip.example", reason="stock was corrected", at=START)
    lease = _lease(database, connection)
    assert lease.commands[0].failures == 0
    _finish(database, lease)
    command = look(command_id)
    assert (command.status, command.trigger) == ("done", "automatic")
    assert [(each.number, each.trigger, each.outcome) for each in command.attempts] == [
        (1, "automatic", "refused"), (2, "manual", "done"),
    ]
    with database.session(merchant.id, read_only=True) as session:
        entry, = audit.entries(session, about=f"command:{command_id}")
    assert (entry.who, entry.action, entry.reason) == ("sam@tulip.example", "retry command", "stock was corrected")


def test_retrying_a_command_that_waits_for_a_later_try_brings_it_forward(
    put: Put, database: Database, merchant: Merchant, connection: Connection
) -> None:
    command_id = put(due_at=START + timedelta(hours=6))
    assert _lease(database, connection).commands == []
    with database.session(merchant.id) as session:
        commands.retry(session, command_id, who="sam", at=START)
    assert [command.id for command in _lease(database, connection).commands] == [command_id]


@pytest.mark.parametrize("act", [commands.retry, commands.cancel])
def test_what_is_under_way_or_done_can_be_neither_retried_nor_cancelled(
    act: Callable[..., Command], put: Put, database: Database, merchant: Merchant, connection: Connection
) -> None:
    command_id = put()
    lease = _lease(database, connection)
    with pytest.raises(commands.WrongState, match="is being carried out now"), database.session(merchant.id) as session:
        act(session, command_id, who="sam")
    _finish(database, lease)
    with pytest.raises(commands.WrongState, match="is done: only a command that waits or is dead"), database.session(merchant.id) as session:
        act(session, command_id, who="sam")


def test_cancelling_a_dead_command_lets_the_later_ones_of_its_subject_go(
    put: Put, look: Look, database: Database, merchant: Merchant, connection: Connection
) -> None:
    sale, payment = put(), put(operation="add_payment")
    _finish(database, _lease(database, connection), "refused")
    assert _lease(database, connection).commands == []
    with database.session(merchant.id) as session:
        commands.cancel(session, sale, who="sam", reason="rung up by hand")
    assert look(sale).status == "cancelled"
    assert [command.id for command in _lease(database, connection).commands] == [payment]
    with database.session(merchant.id, read_only=True) as session:
        assert [entry.action for entry in audit.entries(session)] == ["cancel command"]


def test_everything_that_failed_since_a_moment_can_be_retried_at_once(
    put: Put, look: Look, database: Database, merchant: Merchant, connection: Connection
) -> None:
    dead, waiting, done, untried = put("a"), put("b"), put("c"), put("d", due_at=START + timedelta(hours=1))
    _finish(database, _lease(database, connection, limit=1), "refused")
    _finish(database, _lease(database, connection, limit=1), "retry", retry_at=START + timedelta(hours=6), failures=3)
    _finish(database, _lease(database, connection, limit=1))
    with database.session(merchant.id) as session:
        later = commands.retry_all_failed_since(session, START + timedelta(seconds=1), who="sam", at=START)
        since = commands.retry_all_failed_since(session, START, who="sam", reason="till was down", at=START)
    assert later == {connection.id: 1}, "what waits after a failure is brought forward whenever it failed"
    assert since == {connection.id: 1}
    assert [command.id for command in _lease(database, connection).commands] == [dead, waiting]
    assert [look(each).status for each in (done, untried)] == ["done", "waiting"]
    with database.session(merchant.id, read_only=True) as session:
        assert "1 commands failed since" in audit.entries(session)[0].reason


def test_reads_that_brought_nothing_are_forgotten_but_for_the_newest(
    put: Put, database: Database, merchant: Merchant, connection: Connection
) -> None:
    ids = []
    for _ in range(5):
        ids.append(put(operation="read_changes", collapse_key="poll", subject="poll"))
        _finish(database, _lease(database, connection))
    with database.session(merchant.id) as session:
        events.keep(session, source="till", external_id="e1", type="sale.changed", subject="order:1", time=START, data={},
                    body_hash="h", caused_by=ids[0])
    with database.system_session() as session:
        assert commands.forget_quiet(session, connection.id, "poll", keep=2) == 2
        assert session.scalars(select(Command.id).order_by(Command.id)).all() == [ids[0], ids[3], ids[4]]
