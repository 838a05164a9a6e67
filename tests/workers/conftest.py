"""A connection, and helpers to fill and look into its outbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis import Redis

from store import commands
from store.flow_models import Command
from store.models import Connection, Merchant
from store.secrets import Cipher
from store.session import Database
from tests.replaying import assert_everything_replays
from tests.workers.parts import Parts, make_parts

DATABASES = ("database", "sqlite_database", "postgres_database")
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _everything_replays(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test decided is decided once more when it is over, and must come out the same."""
    databases = [name for name in DATABASES if name in request.fixturenames]
    found: list[Database] = [request.getfixturevalue(name) for name in databases]
    yield
    for database in found:
        assert_everything_replays(database)


@pytest.fixture
def cipher() -> Cipher:
    return Cipher(Cipher.new_key())


@pytest.fixture
def make_connection(database: Database, merchant: Merchant, cipher: Cipher) -> Callable[..., Connection]:
    """Makes active connections of the merchant to the system `counting` of the tests."""

    def make(name: str = "till", **values: Any) -> Connection:
        given = {"platform": "counting", "role": "till", "base_url": "http://127.0.0.1:9", "credentials": cipher.encrypt({})}
        with database.session(merchant.id) as session:
            row = Connection(name=name, **(given | values))
            session.add(row)
        return row

    return make


@pytest.fixture
def connection(make_connection: Callable[..., Connection]) -> Connection:
    return make_connection()


@pytest.fixture
def put(database: Database, merchant: Merchant, connection: Connection) -> Callable[..., int]:
    """Puts a command into the outbox of `connection` and returns its id."""

    def put_one(subject: str = "order:1", operation: str = "place_sale", **values: Any) -> int:
        given: dict[str, Any] = {"connection_id": connection.id, "payload": {}, "due_at": START - timedelta(days=1)}
        with database.session(merchant.id) as session:
            return commands.put(session, subject=subject, operation=operation, **(given | values)).id

    return put_one


@pytest.fixture
def look(database: Database, merchant: Merchant) -> Callable[[int], Command]:
    """Reads a command with its attempts."""

    def look_up(command_id: int) -> Command:
        with database.session(merchant.id, read_only=True) as session:
            return commands.get(session, command_id)

    return look_up


@pytest.fixture
def parts(database: Database, redis_server: Redis, cipher: Cipher) -> Parts:
    """Services with a small adapter and a front door that keeps what it is told."""
    return make_parts(database, redis_server, cipher)
