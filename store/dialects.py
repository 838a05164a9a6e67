"""The one statement that the two databases import from different places."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

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
