"""Insert unless it is there already, in one statement that is safe when several processes do it at once."""

from __future__ import annotations

from typing import Any, TypeVar

from sqlalchemy.orm import Session

from store import terms
from store.dialects import insert_into
from store.models import Base

Row = TypeVar("Row", bound=Base)

__all__ = ["insert_into", "insert_new"]


def insert_new(session: Session, model: type[Row], **values: Any) -> Row | None:
    """Insert one row and return it, or None when a unique key of it is taken.

    When another transaction is inserting the same key, this waits for it and then goes by what it did.
    """
    statement = insert_into(session, model).values(**values).on_conflict_do_nothing().returning(model)
    row = session.scalars(statement).one_or_none()
    if row is not None:
        terms.write(session, [row])
    return row
