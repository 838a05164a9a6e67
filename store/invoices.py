"""Invoices and credit notes that other systems made."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from store.columns import new_id
from store.isolation import merchant_of
from store.order_models import Invoice
from store.upsert import insert_new


def keep(session: Session, order_id: str, *, number: str, kind: str, total_minor: int, currency: str) -> bool:
    """Keep an invoice once. Returns whether it is new."""
    return insert_new(
        session, Invoice, id=new_id(), merchant_id=merchant_of(session), order_id=order_id, number=number, kind=kind,
        total_minor=total_minor, currency=currency,
    ) is not None  # fmt: skip


def of_order(session: Session, order_id: str) -> Sequence[Invoice]:
    """The order's invoices and credit notes, oldest first."""
    return session.scalars(select(Invoice).where(Invoice.order_id == order_id).order_by(Invoice.id)).all()
