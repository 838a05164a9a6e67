"""Merchants never see or touch each other's rows, whichever way a statement is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from sqlalchemy import Column, Integer, String, Table, delete, exists, func, insert, select, text, union_all, update
from sqlalchemy.orm import Session, aliased, selectinload

from store.columns import UtcDateTime
from store.isolation import WrongMerchant, merchant_of
from store.models import Base, Merchant, MerchantOwned, Outlet
from store.order_models import Order, OrderLine
from store.session import Database
from store.upsert import insert_new

OWNED = sorted(
    (m.class_ for m in Base.registry.mappers if issubclass(m.class_, MerchantOwned)), key=lambda m: m.__name__
)

Two = tuple[Merchant, Merchant]
_numbers = count(1)


@pytest.fixture
def both(database: Database, make_merchant: Callable[..., Merchant]) -> Two:
    """Two merchants in one database."""
    return make_merchant(database, "tulip"), make_merchant(database, "rose")


def a_row(session: Session, model: type[Base], merchant: Merchant) -> Any:
    """A row of any model that refers to rows of the same merchant, not yet added. Rows it refers to are."""
    table = model.__table__
    assert isinstance(table, Table)
    return model(**{column.key: _value(session, column, merchant) for column in table.columns if _is_needed(column)})


def kept_row(session: Session, model: type[Base], merchant: Merchant) -> Any:
    row = a_row(session, model, merchant)
    session.add(row)
    session.flush()
    return row


def _is_needed(column: Column[Any]) -> bool:
    counted_up = column.primary_key and column.autoincrement is True
    return not (column.nullable or column.default is not None or counted_up)


def _value(session: Session, column: Column[Any], merchant: Merchant) -> Any:
    for key in column.foreign_keys:
        if key.column.table.name == "merchants":
            return merchant.id
        parent = next(m.class_ for m in Base.registry.mappers if m.local_table is key.column.table)
        return getattr(kept_row(session, parent, merchant), key.column.key)
    if isinstance(column.type, UtcDateTime):
        return datetime(2026, 1, 1, tzinfo=UTC)
    if isinstance(column.type, String):
        return str(next(_numbers))[-(column.type.length or 9) :]
    return next(_numbers) if isinstance(column.type, Integer) else {"any": "document"}


@contextmanager
def as_merchant(database: Database, merchant: Merchant) -> Iterator[Session]:
    """A session whose changes are not kept."""
    with database.session(merchant.id) as session:
        yield session
        session.rollback()


def key_of(row: Any) -> Any:
    return tuple(getattr(row, column.key) for column in row.__table__.primary_key.columns)


@pytest.fixture(params=OWNED, ids=lambda model: model.__name__)
def model(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def rows(database: Database, both: Two, model: Any) -> tuple[Any, Any]:
    """One row of the model of each merchant."""
    mine, theirs = both
    with database.system_session() as session:
        return kept_row(session, model, mine), kept_row(session, model, theirs)


def test_every_query_finds_ones_own_rows_only(database: Database, both: Two, model: Any, rows: Any) -> None:
    mine, theirs = rows
    other = aliased(model)
    with as_merchant(database, both[0]) as session:
        owners = {row.merchant_id for row in session.scalars(select(model))}
        owners |= {row.merchant_id for row in session.scalars(select(other))}
        owners |= set(session.scalars(select(model.merchant_id)))
        owners |= set(session.scalars(select(select(model.merchant_id).subquery().c.merchant_id)))
        owners |= set(session.scalars(union_all(select(model.merchant_id), select(other.merchant_id))))
        assert owners == {both[0].id}
        assert session.get(model, key_of(mine)) is not None
        assert session.get(model, key_of(theirs)) is None
        of_others = exists().where(model.merchant_id == both[1].id)
        assert session.scalars(select(Outlet.code).where(of_others)).all() == []
        number = select(func.count()).where(model.merchant_id == both[1].id).scalar_subquery()
        assert set(session.scalars(select(number).select_from(Outlet))) == {0}
        with pytest.raises(WrongMerchant, match="plain table"):
            session.scalar(select(of_others))


def test_updates_and_deletes_touch_ones_own_rows_only(database: Database, both: Two, model: Any, rows: Any) -> None:
    key = model.__table__.primary_key.columns.values()[-1].key
    with database.system_session(read_only=True) as session:
        mine = session.scalar(select(func.count()).where(model.merchant_id == both[0].id))
    with as_merchant(database, both[0]) as session:
        changed = session.execute(
            update(model).values({key: getattr(model, key)}), execution_options={"synchronize_session": False}
        )
        assert changed.rowcount == mine  # type: ignore[attr-defined]
    if not any(
        model.__table__ in {key.column.table for key in other.foreign_keys} for other in Base.metadata.sorted_tables
    ):
        with as_merchant(database, both[0]) as session:
            assert session.execute(delete(model)).rowcount == mine  # type: ignore[attr-defined]


def test_nothing_can_be_inserted_for_another_merchant(database: Database, both: Two, model: Any) -> None:
    with database.system_session() as session:
        foreign = a_row(session, model, both[1])
    values = {column.key: getattr(foreign, column.key) for column in model.__table__.columns if _is_needed(column)}
    with pytest.raises(WrongMerchant, match=both[1].id), as_merchant(database, both[0]) as session:
        session.add(foreign)
        session.flush()
    with pytest.raises(WrongMerchant, match=both[1].id), as_merchant(database, both[0]) as session:
        session.execute(insert(model), [values])
    with pytest.raises(WrongMerchant, match=both[1].id), as_merchant(database, both[0]) as session:
        session.execute(insert(model).values(**values))
    with pytest.raises(WrongMerchant, match="one by one"), as_merchant(database, both[0]) as session:
        session.execute(insert(model).values([values]))
    with pytest.raises(WrongMerchant, match="one by one"), as_merchant(database, both[0]) as session:
        session.execute(insert(model).from_select(["merchant_id"], select(Merchant.id)))
    with pytest.raises(WrongMerchant, match=both[1].id), as_merchant(database, both[0]) as session:
        insert_new(session, model, **values)


def test_a_row_of_another_merchant_cannot_be_changed_or_deleted_through_a_session(
    database: Database, both: Two, model: Any, rows: Any
) -> None:
    _, theirs = rows
    with pytest.raises(WrongMerchant), as_merchant(database, both[0]) as session:
        session.add(theirs)
        session.delete(theirs)
        session.flush()
    with pytest.raises(WrongMerchant), as_merchant(database, both[0]) as session:
        session.add(theirs)
        theirs.merchant_id = both[0].id[::-1]
        session.flush()


def test_rows_never_move_to_another_merchant(database: Database, both: Two, model: Any, rows: Any) -> None:
    with pytest.raises(WrongMerchant, match="never move"), as_merchant(database, both[0]) as session:
        session.execute(update(model).values(merchant_id=both[1].id))
    with pytest.raises(WrongMerchant, match="list of primary keys"), as_merchant(database, both[0]) as session:
        session.execute(update(model), [{"merchant_id": both[1].id}])
    with pytest.raises(WrongMerchant, match=both[1].id), as_merchant(database, both[0]) as session:
        row = session.scalars(select(model)).first()
        row.merchant_id = both[1].id
        session.flush()


def test_what_cannot_be_filtered_is_refused(database: Database, both: Two) -> None:
    table = Outlet.__table__
    assert isinstance(table, Table)
    for statement in (
        select(table),
        table.delete(),
        table.insert(),
        select(func.count()).select_from(table),
        text("SELECT 1"),
    ):
        with pytest.raises(WrongMerchant), as_merchant(database, both[0]) as session:
            session.execute(statement)


def test_the_old_bulk_methods_which_check_nothing_are_refused(sqlite_database: Database) -> None:
    for method in ("bulk_save_objects", "bulk_insert_mappings", "bulk_update_mappings"):
        with sqlite_database.session("any") as session, pytest.raises(WrongMerchant, match="add_all"):
            getattr(session, method)(Outlet, [{"code": "x"}])


def test_rows_reached_through_rows_are_filtered_too(database: Database, both: Two) -> None:
    mine = both[0]
    with database.system_session() as session:
        order = kept_row(session, Order, mine)
        for owner in both:
            line = a_row(session, OrderLine, owner)
            line.order_id = order.id
            session.add(line)
    with as_merchant(database, mine) as session:
        assert {line.merchant_id for line in session.get_one(Order, order.id).lines} == {mine.id}
        joined = select(OrderLine).join(Order).where(Order.id == order.id)
        assert {line.merchant_id for line in session.scalars(joined)} == {mine.id}
    with as_merchant(database, mine) as session:
        loaded = session.scalars(select(Order).where(Order.id == order.id).options(selectinload(Order.lines))).one()
        assert {line.merchant_id for line in loaded.lines} == {mine.id}


def test_new_rows_are_stamped_with_the_merchant(database: Database, both: Two) -> None:
    with database.session(both[1].id) as session:
        session.add(Outlet(code="one", name="One"))
        session.execute(insert(Outlet), [{"code": "two", "name": "Two"}])
        session.execute(insert(Outlet).values(code="three", name="Three"))
        insert_new(session, Outlet, code="four", name="Four")
        codes = set(session.scalars(select(Outlet.code)))
    assert {"one", "two", "three", "four"} <= codes


def test_a_merchant_sees_itself_only(database: Database, both: Two) -> None:
    with database.session(both[0].id, read_only=True) as session:
        assert [merchant.id for merchant in session.scalars(select(Merchant))] == [both[0].id]


def test_a_system_session_sees_all_merchants_but_speaks_for_none(database: Database, both: Two) -> None:
    with database.system_session(read_only=True) as session:
        assert {merchant.id for merchant in session.scalars(select(Merchant))} == {both[0].id, both[1].id}
        with pytest.raises(WrongMerchant, match="the session of one merchant"):
            merchant_of(session)
