"""Outlets: the stores and warehouses of a merchant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from store.models import Outlet


def list_all(session: Session) -> Sequence[Outlet]:
    """All outlets, the preferred one (lowest priority number) first."""
    return session.scalars(select(Outlet).order_by(Outlet.priority, Outlet.code)).all()


def by_code(session: Session, code: str) -> Outlet | None:
    """One outlet by its code, or None."""
    return session.scalar(select(Outlet).where(Outlet.code == code))


def put(session: Session, code: str, **fields: Any) -> Outlet:
    """Create the outlet or change the fields given (`name`, `kind`, `country`, `priority`, ...)."""
    outlet = by_code(session, code)
    if outlet is None:
        outlet = Outlet(code=code, **{"name": code, **fields})
        session.add(outlet)
    else:
        for field, value in fields.items():
            setattr(outlet, field, value)
    session.flush()
    return outlet
