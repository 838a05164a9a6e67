"""The database, and units of work on it: one transaction each, and each on behalf of one merchant.

Merchants never see each other's rows. That is seen to here and nowhere else: every statement made through a merchant's
session is filtered by `merchant_id` (see `store.isolation`), every new row is stamped with it.
"""

from __future__ import annotations

import os
import sqlite3
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session, sessionmaker

from store.isolation import GuardedSession, Scope

BUSY_SECONDS = 30
"""How long a writer waits for another one (SQLite) or for a locked row (PostgreSQL) before it gives up."""

IDLE_SECONDS = 300
"""PostgreSQL ends a transaction that its process left open this long, so that a hung process holds no locks."""


LOOK_SECONDS = 0.001
SYNCHRONOUS = ("full", "normal")


class Busy(Exception):
    """The database could not be written to because somebody else did not stop writing. Trying again is safe."""


class BadDatabaseUrl(ValueError):
    """The database URL names nothing that Wissel can use."""


class Database:
    """One SQLite file or one PostgreSQL database, with its connection pool. Safe to share between threads; a forked
    child gets connections of its own.

    `url` is `sqlite:///relative.db`, `sqlite:////absolute.db` or `postgresql://user:password@host/name`. `pool_size`
    connections are kept open, as many again may be opened for a moment. `sqlite:///path?synchronous=normal` is quicker,
    at the price that a power cut (not a crash) may take the last commits with it; the default `full` loses none.

    Raises BadDatabaseUrl for anything else.
    """

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self._url = _usable_url(url)
        self.url = url
        self.dialect = self._url.get_backend_name()
        self.engine = (
            _sqlite_engine(self._url, pool_size) if self.dialect == "sqlite" else _postgres_engine(self._url, pool_size)
        )
        self._writing = sessionmaker(self.engine, class_=GuardedSession, expire_on_commit=False)
        reading = self.engine.execution_options(wissel_read_only=True)
        self._reading = sessionmaker(reading, class_=GuardedSession, expire_on_commit=False)
        _forget_connections_after_fork(self.engine)

    @contextmanager
    def session(self, merchant_id: str, *, read_only: bool = False) -> Iterator[Session]:
        """A unit of work of one merchant: commits at the end, rolls back when the block raises.

        On SQLite a session is the only writer from its first statement on (BEGIN IMMEDIATE), so that what it reads
        stays true until it commits; `read_only` sessions see a snapshot and wait for nobody. Rows stay readable after
        the block.
        """
        with self._unit_of_work(Scope(merchant_id=merchant_id, read_only=read_only)) as session:
            yield session

    @contextmanager
    def system_session(self, *, read_only: bool = False) -> Iterator[Session]:
        """A unit of work over all merchants, for the relay, sign-in and set-up: nothing is filtered or stamped."""
        with self._unit_of_work(Scope(merchant_id=None, read_only=read_only)) as session:
            yield session

    def close(self) -> None:
        """Close the pooled connections. The database can be used again afterwards."""
        self.engine.dispose()

    @contextmanager
    def _unit_of_work(self, scope: Scope) -> Iterator[Session]:
        factory = self._reading if scope.read_only else self._writing
        with factory(info={"scope": scope}) as session:
            yield session
            session.commit()


def _usable_url(text: str) -> URL:
    try:
        url = make_url(text)
    except ArgumentError as broken:
        raise BadDatabaseUrl(
            "the database URL cannot be read; write sqlite:///path/to/wissel.db or postgresql://user:password@host/name"
        ) from broken
    backend = url.drivername.partition("+")[0]
    if backend in {"postgresql", "postgres"}:
        return url.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise BadDatabaseUrl(
            f"databases of the kind {backend!r} are not supported; use sqlite:///path or postgresql://"
        )
    if not url.database or url.database == ":memory:":
        raise BadDatabaseUrl(
            "an SQLite database in memory is invisible to other processes; name a file: sqlite:///var/wissel.db"
        )
    if url.query.get("synchronous", "full") not in SYNCHRONOUS:
        raise BadDatabaseUrl(f"synchronous may be {' or '.join(SYNCHRONOUS)}, not {url.query['synchronous']!r}")
    return url.set(drivername="sqlite+pysqlite")


def _sqlite_engine(url: URL, pool_size: int) -> Engine:
    Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    synchronous = url.query.get("synchronous", "full")
    engine = create_engine(
        url.difference_update_query(["synchronous"]),
        pool_size=pool_size,
        max_overflow=pool_size,
        connect_args={"timeout": BUSY_SECONDS, "isolation_level": None},
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, record: Any) -> None:
        _use_write_ahead_log(connection)
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA cache_size = -32000")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("wissel_read_only", False):
            connection.exec_driver_sql("BEGIN")
        else:
            _begin_writing(connection)

    return engine


def _begin_writing(connection: Connection) -> None:
    """Wait for the turn to write. SQLite's own waiting backs off to a tenth of a second per look, which with four busy
    writers let one of them wait for seconds; looking every millisecond keeps that below half a second."""
    database = connection.connection.driver_connection
    assert isinstance(database, sqlite3.Connection)
    give_up = time.monotonic() + BUSY_SECONDS
    database.execute("PRAGMA busy_timeout = 0")
    try:
        while time.monotonic() < give_up:
            try:
                database.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as busy:
                if busy.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    raise
                time.sleep(LOOK_SECONDS)
    finally:
        database.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    raise Busy(
        f"another process has been writing to the database for {BUSY_SECONDS} seconds; nothing was changed, try again"
    )


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Switch the file to WAL. The switch is permanent, and alone among statements does not wait for other users."""
    if connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
        return
    give_up = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.01)


def _postgres_engine(url: URL, pool_size: int) -> Engine:
    limits = f"-c lock_timeout={BUSY_SECONDS}s -c idle_in_transaction_session_timeout={IDLE_SECONDS}s -c timezone=UTC"
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        pool_recycle=1800,
        pool_use_lifo=True,
        connect_args={"connect_timeout": 10, "application_name": "wissel", "options": limits},
    )


def _forget_connections_after_fork(engine: Engine) -> None:
    """A connection used by two processes garbles both. The child drops what it inherited without closing it."""
    known = weakref.ref(engine)

    def forget() -> None:
        inherited = known()
        if inherited is not None:
            inherited.dispose(close=False)

    os.register_at_fork(after_in_child=forget)
