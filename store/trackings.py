"""Tracking numbers of parcels."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from store.columns import new_id
from store.isolation import merchant_of
from store.order_models import Tracking
from store.upsert import insert_new


def keep(
    session: Session, order_id: str, *, number: str, url: str, carrier: str, outlet: str = ""
) -> tuple[Tracking, bool]:
    """Keep a tracking number once; `outlet` is who sent the parcel. Returns it and whether it is new."""
    added = insert_new(
        session, Tracking, id=new_id(), merchant_id=merchant_of(session), order_id=order_id, number=number, url=url,
        carrier=carrier, outlet=outlet,
    )  # fmt: skip
    if added is not None:
        return added, True
    return session.scalars(select(Tracking).where(Tracking.order_id == order_id, Tracking.number == number)).one(), False


def of_order(session: Session, order_id: str) -> Sequence[Tracking]:
    """The order's tracking numbers, oldest first."""
    return session.scalars(select(Tracking).where(Tracking.order_id == order_id).order_by(Tracking.id)).all()
