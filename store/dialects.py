"""The one statement that SQLAlchemy has in two places: INSERT that knows what to do about rows that are there already."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, cast

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from store.models import Base

if TYPE_CHECKING:
    from sqlalchemy.dialects.sqlite import Insert


def insert_into(session: Session, model: type[Base]) -> Insert:
    """An INSERT that knows ON CONFLICT, in the words of the session's database. Both databases spell it alike."""
    if session.get_bind().dialect.name == "postgresql":
        return cast("Insert", postgresql.insert(model))
    return sqlite.insert(model)


def insert_unless_known(session: Session, model: type[Base]) -> Insert:
    """INSERT ... ON CONFLICT DO NOTHING, made once per database and model: SQLAlchemy knows a statement that it has seen
    before by the object. For `session.connection()`, so nothing is stamped or checked."""
    return _unless_known(session.get_bind().dialect.name, model)


@cache
def _unless_known(dialect: str, model: type[Base]) -> Insert:
    table = cast("Table", model.__table__)
    if dialect == "postgresql":
        return cast("Insert", postgresql.insert(table).on_conflict_do_nothing())
    return sqlite.insert(table).on_conflict_do_nothing()
