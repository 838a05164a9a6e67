"""Statements of the hot path, made once: SQLAlchemy then neither builds nor recognises them anew with every event.

They go around the filter of `store.isolation`, which works on statements while they run; instead they get the same
condition here, when they are made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, cast

from sqlalchemy import Insert, Result, Select, Table, bindparam, insert
from sqlalchemy.orm import Session
from sqlalchemy.sql import visitors

from store.isolation import check_writable, merchant_of
from store.models import Base


def prepared(statement: Select[Any]) -> Select[Any]:
    """The query, narrowed to one merchant's rows in every table it reads, subqueries included."""

    def narrowed(found: Any) -> Any:
        if not isinstance(found, Select):
            return None
        for table in found.get_final_froms():
            if isinstance(table, Table) and "merchant_id" in table.c:
                found = found.where(table.c.merchant_id == bindparam("merchant_id"))
        return found

    def inner(element: Any, **_: Any) -> Any:
        return None if element is statement else narrowed(element)

    return cast("Select[Any]", narrowed(visitors.replacement_traverse(statement, {}, inner)))


def rows(session: Session, statement: Select[Any], **values: Any) -> Result[Any]:
    """Run a prepared query for the session's merchant. It does not see what the session has not written yet: flush first
    where that can matter."""
    return session.connection().execute(statement, {"merchant_id": merchant_of(session), **values})


def append(session: Session, model: type[Base], new: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that the session need not know as objects, stamped with its merchant. All of them name the same
    columns; those left out get their defaults. Rows they refer to must have been written."""
    if new:
        session.connection().execute(_insert(model), _stamped(session, new))


def append_numbered(session: Session, model: type[Base], new: Sequence[Mapping[str, Any]]) -> list[int]:
    """As `append`; returns the ids that the database counted up, in the order of the rows."""
    if not new:
        return []
    return list(session.connection().execute(_insert_numbered(model), _stamped(session, new)).scalars())


@cache
def _insert(model: type[Base]) -> Insert:
    return insert(cast("Table", model.__table__))


@cache
def _insert_numbered(model: type[Base]) -> Insert:
    table = cast("Table", model.__table__)
    return insert(table).returning(table.c.id, sort_by_parameter_order=True)


def _stamped(session: Session, new: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    check_writable(session)
    merchant_id = merchant_of(session)
    return [{**row, "merchant_id": merchant_id} for row in new]
