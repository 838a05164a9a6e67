"""Brings a database to the newest schema. Also for developers: `python -m store.migrate --help`."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import func, select

from store.session import Database

SCRIPTS = Path(__file__).parent / "migrations"

LOCK = 0x57697373656C
"""The advisory lock PostgreSQL migrations are made under ("Wissel" in ASCII); any number nobody else uses will do."""


class SchemaDiffers(Exception):
    """The models say something else than the migrations; the message lists what."""


def migrate(url: str) -> None:
    """Create or upgrade the schema, in one transaction: all of it or none. Several processes may do so at once; one
    works while the others wait, and then find nothing left to do."""
    with _config(url) as config:
        command.upgrade(config, "head")


def check(url: str) -> None:
    """Compare a migrated database with the models. Raises SchemaDiffers."""
    with _config(url) as config:
        try:
            command.check(config)
        except CommandError as differs:
            raise SchemaDiffers(
                f"{differs}; write a migration: python -m store.migrate --new 'what changes'"
            ) from differs


def write_migration(message: str) -> None:
    """Write a migration for what the models have and the migrations have not, to be read before it is committed."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/newest.db"
        migrate(url)
        revision = f"{len(list((SCRIPTS / 'versions').glob('[0-9]*.py'))) + 1:04d}"
        with _config(url) as config:
            command.revision(config, message, autogenerate=True, rev_id=revision)


@contextmanager
def _config(url: str) -> Iterator[Config]:
    database = Database(url)
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.set_main_option("path_separator", "os")
    try:
        with database.engine.begin() as connection:
            if database.dialect == "postgresql":
                connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
            config.attributes["connection"] = connection
            yield config
    finally:
        database.close()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Bring a Wissel database to the newest schema.")
    parser.add_argument("url", nargs="?", help="sqlite:///path or postgresql://...")
    parser.add_argument("--check", action="store_true", help="only compare the database with the models")
    parser.add_argument("--new", metavar="MESSAGE", help="write a migration for what changed in the models")
    given = parser.parse_args()
    if given.new:
        write_migration(given.new)
    elif given.url is None:
        parser.error("which database? give its URL, for example sqlite:///var/wissel.db")
    elif given.check:
        check(given.url)
    else:
        migrate(given.url)


if __name__ == "__main__":
    main()
