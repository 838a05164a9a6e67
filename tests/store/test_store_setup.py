"""A process remembers how merchants are set up, and notices every change that any process makes."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from store import books, outlets, setup
from store.models import Merchant, Outlet
from store.session import Database


def _setup(database: Database, merchant_id: str) -> setup.Setup:
    with database.session(merchant_id, read_only=True) as session:
        return setup.of(session)


def _names(database: Database, merchant_id: str) -> set[str]:
    return {outlet.name for outlet in _setup(database, merchant_id).outlets}


def test_a_setup_is_read_once_while_nothing_changes(database: Database, merchant: Merchant) -> None:
    assert _setup(database, merchant.id) is _setup(database, merchant.id)


@pytest.mark.parametrize(
    "change", ["UPDATE outlets SET name = 'Harbour' WHERE code = 'quay'", "DELETE FROM outlets WHERE code = 'quay'"]
)
def test_a_change_made_by_hand_is_noticed(database: Database, merchant: Merchant, change: str) -> None:
    with database.session(merchant.id) as session:
        outlets.put(session, "quay", name="Quay")
    assert "Quay" in _names(database, merchant.id)
    with database.engine.begin() as connection:
        connection.execute(text(change))
    assert "Quay" not in _names(database, merchant.id)


def test_a_new_setting_counts_at_once(database: Database, merchant: Merchant) -> None:
    assert _setup(database, merchant.id).settings == {}
    with database.session(merchant.id) as session:
        books.set_setting(session, "stock_propagation", "safety stock", 3)
    assert _setup(database, merchant.id).settings == {"stock_propagation": {"safety stock": 3}}


def test_what_was_rolled_back_is_not_remembered(database: Database, merchant: Merchant) -> None:
    with pytest.raises(RuntimeError), database.session(merchant.id) as session:
        outlets.put(session, "quay")
        assert "quay" in setup.of(session).outlet_by_code
        raise RuntimeError
    assert "quay" not in _setup(database, merchant.id).outlet_by_code


def test_remembered_rows_belong_to_no_session(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id) as session:
        own = outlets.put(session, "quay", name="Quay")
        known = setup.of(session).outlet_by_code["quay"]
        own.name = "Harbour"
        assert (known is own, known.name) == (False, "Quay")
    assert isinstance(_setup(database, merchant.id).outlet_by_code["quay"], Outlet)


def test_a_new_time_zone_counts_at_once(database: Database, merchant: Merchant) -> None:
    assert _setup(database, merchant.id).zone.key == "Europe/Amsterdam"
    with database.system_session() as session:
        session.get_one(Merchant, merchant.id).time_zone = "Asia/Tokyo"
    assert _setup(database, merchant.id).zone.key == "Asia/Tokyo"


def test_a_time_zone_nobody_knows_is_utc(database: Database, merchant: Merchant) -> None:
    with database.system_session() as session:
        session.get_one(Merchant, merchant.id).time_zone = "Mars/Olympus Mons"
    assert _setup(database, merchant.id).zone.key == "UTC"
