"""Migrations make exactly what the models say, also when several processes begin at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import inspect, text

from store.migrate import SchemaDiffers, check, migrate
from store.models import Base
from store.session import Database


@pytest.fixture(params=["sqlite", "postgresql"])
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without a single table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/new.db"
        return
    server: Any = request.getfixturevalue("postgres_server")
    name = f"fresh_{request.getfixturevalue('worker_id')}"
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield server.get_uri(database=name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def tables_of(url: str) -> set[str]:
    database = Database(url)
    found = set(inspect(database.engine).get_table_names())
    database.close()
    return found


def test_the_migrations_make_what_the_models_say(new_url: str) -> None:
    migrate(new_url)
    check(new_url)
    assert tables_of(new_url) == {*Base.metadata.tables, "alembic_version"}


def test_migrating_again_changes_nothing(new_url: str) -> None:
    migrate(new_url)
    migrate(new_url)
    check(new_url)


def test_several_processes_can_migrate_at_once(new_url: str) -> None:
    program = f"from store.migrate import migrate; migrate({new_url!r})"
    processes = [subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True) for _ in range(3)]
    failures = [process.communicate()[1] for process in processes if process.wait() != 0]
    assert failures == []
    check(new_url)


def test_a_column_that_only_the_database_has_is_noticed(new_url: str) -> None:
    migrate(new_url)
    database = Database(new_url)
    with database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE outlets ADD COLUMN colour TEXT"))
    database.close()
    with pytest.raises(SchemaDiffers, match="colour"):
        check(new_url)


def test_a_migration_that_breaks_leaves_the_database_as_it_was(new_url: str) -> None:
    database = Database(new_url)
    with database.engine.begin() as connection:
        connection.execute(text("CREATE TABLE orders (id INTEGER)"))
    database.close()
    with pytest.raises(Exception, match="orders"):
        migrate(new_url)
    assert tables_of(new_url) == {"orders"}
