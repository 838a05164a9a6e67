"""Units of work: all or nothing, durable, and readable while others write."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from sqlalchemy import select, text

from store import outlets, products
from store.columns import now
from store.isolation import ReadOnlySession
from store.models import Customer, Merchant, Outlet
from store.session import BadDatabaseUrl, Database


def test_a_unit_of_work_that_raises_leaves_nothing_behind(database: Database, merchant: Merchant) -> None:
    with pytest.raises(ZeroDivisionError), database.session(merchant.id) as session:
        products.put(session, "MUG")
        raise ZeroDivisionError
    with database.session(merchant.id) as session:
        assert products.by_sku(session, ["MUG"]) == {}


def test_rows_stay_readable_after_the_unit_of_work(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id) as session:
        mug = products.put(session, "MUG", name="Mug")
    assert mug.name == "Mug"


@pytest.mark.parametrize("everybody", [False, True])
def test_a_session_for_reading_refuses_to_write(database: Database, merchant: Merchant, everybody: bool) -> None:
    def opened():  # type: ignore[no-untyped-def]
        return database.system_session(read_only=True) if everybody else database.session(merchant.id, read_only=True)

    with pytest.raises(ReadOnlySession), opened() as session:
        session.add(Customer(merchant_id=merchant.id, email="a@example.com"))
    with pytest.raises(ReadOnlySession), opened() as session:
        session.execute(Outlet.__table__.delete())
    with pytest.raises(ReadOnlySession), opened() as session:
        session.scalars(select(Outlet)).first().name = "other"


def test_a_reader_does_not_wait_for_a_writer_and_sees_what_was_committed(
    database: Database, merchant: Merchant
) -> None:
    with database.session(merchant.id) as writer:
        products.put(writer, "MUG")
        with database.session(merchant.id, read_only=True) as reader:
            assert products.by_sku(reader, ["MUG"]) == {}
    with database.session(merchant.id, read_only=True) as reader:
        assert list(products.by_sku(reader, ["MUG"])) == ["MUG"]


def test_writers_on_sqlite_take_turns_so_that_no_update_is_lost(sqlite_database: Database) -> None:
    with sqlite_database.system_session() as session:
        merchant = Merchant(slug="tulip", name="0")
        session.add(merchant)

    def count_up() -> None:
        for _ in range(10):
            with sqlite_database.session(merchant.id) as session:
                row = session.get_one(Merchant, merchant.id)
                row.name = str(int(row.name) + 1)

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with sqlite_database.session(merchant.id, read_only=True) as session:
        assert session.get_one(Merchant, merchant.id).name == "40"


def test_an_sqlite_commit_is_on_the_disk_when_it_returns(sqlite_database: Database) -> None:
    full = 2
    with sqlite_database.system_session(read_only=True) as session:
        assert session.scalar(text("PRAGMA synchronous")) == full
        assert session.scalar(text("PRAGMA journal_mode")) == "wal"
        assert session.scalar(text("PRAGMA foreign_keys")) == 1


def test_an_sqlite_url_may_trade_surviving_a_power_cut_for_speed(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/wissel.db?synchronous=normal")
    with database.system_session(read_only=True) as session:
        assert session.scalar(text("PRAGMA synchronous")) == 1
    database.close()


def test_moments_come_back_aware_and_in_utc(database: Database, merchant: Merchant) -> None:
    at = now()
    with database.session(merchant.id) as session:
        session.add(Customer(email="a@example.com", created_at=at))
    with database.session(merchant.id, read_only=True) as session:
        assert session.scalars(select(Customer)).one().created_at == at


def test_a_forked_process_does_not_share_connections(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id, read_only=True) as session:
        assert len(outlets.list_all(session)) == 3
    child = os.fork()
    if child == 0:
        try:
            with database.session(merchant.id) as session:
                products.put(session, "FROM-CHILD")
        finally:
            # Leave without pytest's clean-up, which belongs to the parent.
            os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status == 0
    with database.session(merchant.id, read_only=True) as session:
        assert list(products.by_sku(session, ["FROM-CHILD"])) == ["FROM-CHILD"]


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://host/name", "'mysql' are not supported"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
        ("sqlite:///x.db?synchronous=off", "full or normal"),
        ("", "cannot be read"),
        ("no url at all", "cannot be read"),
    ],
)
def test_a_database_url_that_cannot_work_is_refused_with_what_to_write(url: str, says: str) -> None:
    with pytest.raises(BadDatabaseUrl, match=says):
        Database(url)


def test_a_bad_url_is_refused_without_telling_its_password() -> None:
    with pytest.raises(BadDatabaseUrl) as refused:
        Database("mysql://me:hunter2@host/name")
    assert "hunter2" not in str(refused.value)


def test_the_folder_of_an_sqlite_file_is_made(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/new/folder/wissel.db")
    with database.system_session() as session:
        assert session.scalar(text("SELECT 1")) == 1
    database.close()
    assert (tmp_path / "new" / "folder" / "wissel.db").exists()
