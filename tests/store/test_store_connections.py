"""Connections, what is bound at them, and what adapters remember."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import redis
from sqlalchemy import select
from store_making import CIPHER, a_connection, an_order

from store import bindings, commands, connections, events
from store.connection_health import Health, Tries, health
from store.connections import InUse, NameTaken, UnknownConnection
from store.flow_models import Attempt
from store.memory import StoreMemory
from store.models import Connection, Merchant
from store.secrets import Cipher
from store.session import Database


@pytest.fixture
def memory(database: Database, merchant: Merchant, redis_server: redis.Redis) -> StoreMemory:
    """The memory of one connection."""
    with database.session(merchant.id) as session:
        connection = a_connection(session)
    return StoreMemory(database, merchant.id, connection.id, CIPHER, redis_server)


def test_connections_are_found_by_name_and_by_role(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id) as session:
        till = a_connection(session, "till", role="till")
        shops = [a_connection(session, name) for name in ("red", "blue")]
    with database.session(merchant.id, read_only=True) as session:
        assert connections.by_name(session, "till").id == till.id
        assert [shop.id for shop in connections.by_role(session, "shop")] == [shop.id for shop in shops]
        assert [each.name for each in connections.list_all(session)] == ["blue", "red", "till"]
        with pytest.raises(UnknownConnection, match="no connection 'green'; there are: blue, red, till"):
            connections.by_name(session, "green")


def test_the_credentials_of_a_connection_are_kept_encrypted(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id) as session:
        connection = a_connection(session, credentials={"token": "hunter2"})
    assert connection.credentials is not None
    assert b"hunter2" not in connection.credentials
    assert CIPHER.decrypt(connection.credentials) == {"token": "hunter2"}


def test_a_paused_connection_says_why_until_it_is_resumed(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id) as session:
        connection = a_connection(session)
        connections.pause(session, connection, "the key was refused")
    assert (connection.state, connection.paused_reason) == ("paused", "the key was refused")
    with database.session(merchant.id) as session:
        connections.resume(session, connections.by_name(session, "shop"))
    with database.session(merchant.id, read_only=True) as session:
        again = connections.get(session, connection.id)
        assert again is not None
        assert (again.state, again.paused_reason) == ("active", "")


def test_a_pair_of_ids_is_found_both_ways_at_its_connection_and_kind_only(
    database: Database, merchant: Merchant
) -> None:
    with database.session(merchant.id) as session:
        shop, till = a_connection(session), a_connection(session, "till")
        bindings.bind(session, shop.id, "order", "ours", "theirs")
        bindings.bind(session, shop.id, "order", "ours", "theirs")
        assert bindings.external(session, shop.id, "order", "ours") == "theirs"
        assert bindings.ours(session, shop.id, "order", "theirs") == "ours"
        assert bindings.external(session, till.id, "order", "ours") is None
        assert bindings.ours(session, shop.id, "product", "theirs") is None


def test_binding_anew_replaces_what_either_side_was_bound_to(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id) as session:
        shop = a_connection(session).id
        bindings.bind(session, shop, "order", "a", "1")
        bindings.bind(session, shop, "order", "b", "2")
        bindings.bind(session, shop, "order", "a", "2")
        assert bindings.all_of(session, shop, "order") == {"a": "2"}
        assert bindings.ours(session, shop, "order", "1") is None


def test_what_a_memory_is_told_is_known_to_other_processes_at_once(
    memory: StoreMemory, database: Database, merchant: Merchant
) -> None:
    memory.bind("order", "ours", "theirs")
    memory.put("cursor", {"version": 7, "seen": ["a"]})
    memory.put("cursor", {"version": 8})
    memory.replace_credentials({"token": "new"})
    with database.session(merchant.id, read_only=True) as session:
        connection = connections.by_name(session, "shop")
        assert bindings.external(session, connection.id, "order", "ours") == "theirs"
        assert CIPHER.decrypt(connection.credentials) == {"token": "new"}
    assert memory.external("order", "ours") == "theirs"
    assert memory.ours("order", "theirs") == "ours"
    assert memory.get("cursor") == {"version": 8}
    assert memory.credentials() == {"token": "new"}


def test_a_memory_forgets_what_is_set_to_none(memory: StoreMemory) -> None:
    assert memory.get("cursor") is None
    memory.put("cursor", 0)
    assert memory.get("cursor") == 0
    memory.put("cursor", None)
    assert memory.get("cursor") is None


def test_the_memory_of_a_removed_connection_says_so(
    database: Database, merchant: Merchant, redis_server: redis.Redis
) -> None:
    gone = StoreMemory(database, merchant.id, "gone", CIPHER, redis_server)
    with pytest.raises(UnknownConnection, match="was removed"):
        gone.credentials()


def test_two_that_bind_at_once_leave_one_pair(memory: StoreMemory) -> None:
    start = threading.Barrier(4)

    def bind(number: int) -> None:
        start.wait()
        memory.bind("order", "ours", f"theirs {number % 2}")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(bind, range(4)))
    external = memory.external("order", "ours")
    assert external is not None
    assert memory.ours("order", external) == "ours"
    assert memory.ours("order", "theirs 1" if external == "theirs 0" else "theirs 0") is None


def test_a_lock_of_a_memory_has_one_holder_at_a_time(memory: StoreMemory) -> None:
    holding, most = [], []

    def hold(number: int) -> None:
        with memory.lock("token"):
            holding.append(number)
            most.append(len(holding))
            holding.remove(number)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(hold, range(12)))
    assert most == [1] * 12


def test_since_when_a_credential_is_set_changes_only_with_it(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id) as session:
        connection = a_connection(session, credentials={"token": "old", "secret": "same", "unused": ""})
        connection.credentials_since = dict.fromkeys(("token", "secret"), "2026-01-01T00:00:00+00:00")
        connections.set_credentials(connection, {"token": "new", "secret": "same"}, CIPHER)
        since = connections.credential_names(connection, CIPHER)

    assert since["secret"] == datetime(2026, 1, 1, tzinfo=UTC)
    assert since["token"] is not None and since["token"] > datetime(2026, 2, 1, tzinfo=UTC)
    assert set(since) == {"token", "secret"}


def test_every_stored_credential_is_encrypted_under_the_first_key_and_damaged_ones_are_named(
    database: Database, make_merchant: Callable[..., Merchant]
) -> None:
    old, new = Cipher.new_key(), Cipher.new_key()
    for slug in ("one", "two"):
        with database.session(make_merchant(database, slug).id) as session:
            a_connection(session, "till", cipher=Cipher(old), credentials={"token": slug})
            broken = a_connection(session, f"broken-{slug}", cipher=Cipher(Cipher.new_key()))
            connections.archive(session, a_connection(session, "gone", cipher=Cipher(old)), "")

    rotated = connections.rotate_keys(database, Cipher(f"{new},{old}"))

    assert rotated.encrypted == 2
    assert len(rotated.unreadable) == 2 and f"broken-two ({broken.id})" in rotated.unreadable
    with database.system_session(read_only=True) as session:
        tills = session.scalars(select(Connection).where(Connection.name == "till")).all()
        assert sorted(Cipher(new).decrypt(row.credentials)["token"] for row in tills) == ["one", "two"]


def test_two_connections_of_a_merchant_never_have_one_name_not_even_an_archived_one(
    database: Database, merchant: Merchant, make_merchant: Callable[..., Merchant]
) -> None:
    with database.session(merchant.id) as session:
        connections.archive(session, a_connection(session), "not used any more")
        with pytest.raises(NameTaken, match="'shop' already"):
            a_connection(session)
    with database.session(make_merchant(database, "other").id) as session:
        a_connection(session)


def test_an_archived_connection_is_kept_forgets_its_credentials_and_is_told_nothing_more(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id) as session:
        shop = a_connection(session)
        for number in range(3):
            commands.put(session, connection_id=shop.id, operation="set_stock", subject=f"sku:{number}", payload={})
        assert connections.archive(session, shop, "sold") == 3
    with database.session(merchant.id, read_only=True) as session:
        assert connections.list_all(session) == [] and connections.by_role(session, "shop") == []
        assert [row.id for row in connections.list_all(session, archived=True)] == [shop.id]
        assert shop.credentials is None and shop.credentials_since == {}
        assert {row.status for row in commands.listed(session).commands} == {"cancelled"}
    with database.system_session(read_only=True) as session:
        assert connections.of_hook(session, shop.id) is None


def test_a_connection_is_removed_only_when_it_is_paused_and_nothing_depends_on_it(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id) as session:
        used, unused = a_connection(session, "used"), a_connection(session, "unused")
        for row in (used, unused):
            bindings.bind(session, row.id, "outlet", "utrecht", "1")
            commands.put(session, connection_id=row.id, operation="read_orders", subject="poll:read_orders", payload={})
        an_order(session, "1", shop_id=used.id)
        with pytest.raises(InUse, match="pause it first"):
            connections.remove(session, unused)
        for row in (used, unused):
            connections.pause(session, row, "")
        assert connections.dependents(session, used.id) == connections.Dependents(orders=1, events=0, commands=0)
        with pytest.raises(InUse, match="1 orders, 0 events and 0 commands; archive it"):
            connections.remove(session, used)
        connections.remove(session, unused)
        assert [row.name for row in connections.list_all(session)] == ["used"]
        assert bindings.all_of(session, unused.id, "outlet") == {}


def test_the_health_of_a_connection_tells_failures_from_being_asked_to_slow_down(database: Database, merchant: Merchant) -> None:
    at = datetime.now(UTC)
    with database.session(merchant.id) as session:
        shop, till, idle = (a_connection(session, name) for name in ("shop", "till", "idle"))
        for minutes, outcome in ((5, "done"), (10, "refused"), (20, "throttled"), (90, "done"), (100, "retry"), (2000, "lost")):
            command = commands.put(session, connection_id=shop.id, operation="set_stock", subject=f"sku:{minutes}", payload={})
            command.status, command.done_at = ("done", at - timedelta(minutes=minutes)) if outcome == "done" else ("dead", None)
            session.add(Attempt(command_id=command.id, number=1, outcome=outcome, started_at=at - timedelta(minutes=minutes), exchanges=[]))
        commands.put(session, connection_id=till.id, operation="read_changes", subject="p", payload={}, collapse_key="poll:read_changes")
        event_id = events.keep(
            session, source="shop", external_id="1", type="hook.received", subject="", time=at, data={}, body_hash="x", connection_id=shop.id
        )
        session.flush()
        found = health(session, [shop, till, idle], at)

    assert (found[shop.id].hour, found[shop.id].day) == (Tries(made=2, failed=1, throttled=1), Tries(made=4, failed=2, throttled=1))
    assert found[shop.id].hour.rate == 0.5
    assert found[shop.id].last_success == at - timedelta(minutes=5)
    assert event_id and found[shop.id].last_event is not None
    assert found[till.id].last_poll is not None and found[till.id].hour.rate is None
    assert found[idle.id] == Health()


def test_an_outlet_can_be_unbound_again(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id) as session:
        shop = a_connection(session).id
        bindings.bind(session, shop, "outlet", "utrecht", "loc-1")
        assert bindings.unbind(session, shop, "outlet", "utrecht")
        assert not bindings.unbind(session, shop, "outlet", "utrecht")
        assert bindings.external(session, shop, "outlet", "utrecht") is None
