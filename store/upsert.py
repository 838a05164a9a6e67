"""Insert unless it is there already, in one statement that is safe when several processes do it at once."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeVar, cast

from sqlalchemy import FromClause, Table
from sqlalchemy.orm import Session, make_transient_to_detached

from store import terms
from store.dialects import insert_into, insert_unless_known
from store.isolation import check_writable, stamp
from store.models import Base

Row = TypeVar("Row", bound=Base)

__all__ = ["insert_into", "insert_new"]


def insert_new(session: Session, model: type[Row], **values: Any) -> Row | None:
    """Insert one row and return it, or None when a unique key of it is taken. Its id must not be one that the database
    counts up.

    When another transaction is inserting the same key, this waits for it and then goes by what it did. Rows that this one
    may refer to are written first. This is the hottest write there is, so the row is not read back.
    """
    check_writable(session)
    row = _complete(model, values)
    stamp(session, row)
    if any(row.__table__ in _referred_to(model) for row in session.new):
        session.flush()
    written = {column.key: getattr(row, column.key) for column in model.__table__.columns}
    statement = insert_unless_known(session, model)
    done = session.connection().execute(statement, written, execution_options={"preserve_rowcount": True})
    if done.rowcount == 0:
        return None
    make_transient_to_detached(row)
    session.add(row)
    terms.write(session, [row])
    return row


@cache
def _referred_to(model: type[Base]) -> frozenset[FromClause]:
    return frozenset(key.column.table for key in cast("Table", model.__table__).foreign_keys)


def _complete(model: type[Row], values: dict[str, Any]) -> Row:
    """A new row with every column set, as SQLAlchemy would have done while writing it."""
    row = model(**values)
    for column in model.__table__.columns:
        if column.key not in values:
            default: Any = column.default
            value = None if default is None else default.arg(None) if default.is_callable else default.arg
            setattr(row, column.key, value)
    return row
