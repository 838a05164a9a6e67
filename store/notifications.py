"""Notifications of new orders for the staff of outlets."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from store.columns import new_id
from store.isolation import merchant_of
from store.order_models import Notification
from store.upsert import insert_new


def keep(session: Session, order_id: str, outlet: str, text: str, at: datetime) -> None:
    """Notify an outlet of an order, once."""
    insert_new(
        session, Notification, id=new_id(), merchant_id=merchant_of(session), order_id=order_id, outlet=outlet, text=text, at=at
    )


def newest(session: Session, outlets: Collection[str] | None, limit: int = 50) -> Sequence[Notification]:
    """The newest notifications for these outlets (None: all), newest first."""
    found = select(Notification).order_by(Notification.id.desc()).limit(limit)
    return session.scalars(found if outlets is None else found.where(Notification.outlet.in_(outlets))).all()
