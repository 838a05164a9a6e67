"""Our id and theirs for the same thing at one connection."""

from __future__ import annotations

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from store.columns import new_id, now
from store.isolation import merchant_of
from store.models import Binding
from store.upsert import insert_into


def external(session: Session, connection_id: str, kind: str, ours: str) -> str | None:
    """Their id for our `ours`, or None when it is not known there."""
    return session.scalar(
        select(Binding.external).where(
            Binding.connection_id == connection_id, Binding.kind == kind, Binding.ours == ours
        )
    )


def ours(session: Session, connection_id: str, kind: str, external: str) -> str | None:
    """Our id for their `external`, or None when we do not know it."""
    return session.scalar(
        select(Binding.ours).where(
            Binding.connection_id == connection_id, Binding.kind == kind, Binding.external == external
        )
    )


def bind(session: Session, connection_id: str, kind: str, ours: str, external: str) -> None:
    """Both ids mean the same thing from now on. What either was bound to before no longer counts; binding the same pair
    again changes nothing."""
    same_kind = select(Binding).where(Binding.connection_id == connection_id, Binding.kind == kind)
    touching = session.scalars(same_kind.where(or_(Binding.ours == ours, Binding.external == external))).all()
    if any(pair.ours == ours and pair.external == external for pair in touching):
        return
    if touching:
        session.execute(delete(Binding).where(Binding.id.in_([pair.id for pair in touching])))
    values = {"id": new_id(), "merchant_id": merchant_of(session), "connection_id": connection_id, "kind": kind}
    new = insert_into(session, Binding).values(**values, ours=ours, external=external, created_at=now())
    session.execute(
        new.on_conflict_do_update(index_elements=["connection_id", "kind", "ours"], set_={"external": external})
    )


def unbind(session: Session, connection_id: str, kind: str, ours: str) -> bool:
    """Our id is bound to nothing from now on. Returns whether it was."""
    mine = (Binding.connection_id == connection_id, Binding.kind == kind, Binding.ours == ours)
    return bool(session.execute(delete(Binding).where(*mine).returning(Binding.id)).all())


def all_of(session: Session, connection_id: str, kind: str) -> dict[str, str]:
    """Every pair of one kind at a connection: our id -> theirs."""
    pairs = select(Binding.ours, Binding.external).where(Binding.connection_id == connection_id, Binding.kind == kind)
    return dict(session.execute(pairs).all())
