"""Connections, what is bound at them, and what adapters remember."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from store_making import CIPHER, a_connection

from store import bindings, connections
from store.connections import UnknownConnection
from store.memory import StoreMemory
from store.models import Merchant
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
