"""Connections: the external systems of a merchant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from store.models import Connection, Merchant
from store.secrets import Cipher


class UnknownConnection(LookupError):
    """No connection of this merchant is called that. The message lists the ones there are."""


def list_all(session: Session) -> Sequence[Connection]:
    """All connections, by name."""
    return session.scalars(select(Connection).order_by(Connection.name)).all()


def get(session: Session, connection_id: str) -> Connection | None:
    """One connection by id, or None."""
    return session.get(Connection, connection_id)


def by_name(session: Session, name: str) -> Connection:
    """One connection by its name. Raises UnknownConnection."""
    found = session.scalar(select(Connection).where(Connection.name == name))
    if found is None:
        names = ", ".join(session.scalars(select(Connection.name).order_by(Connection.name))) or "none yet"
        raise UnknownConnection(f"there is no connection {name!r}; there are: {names}")
    return found


def by_role(session: Session, role: str) -> Sequence[Connection]:
    """The connections with a role (`shop`, `till`), oldest first."""
    return session.scalars(select(Connection).where(Connection.role == role).order_by(Connection.id)).all()


def add(
    session: Session,
    *,
    name: str,
    platform: str,
    role: str,
    base_url: str,
    credentials: Mapping[str, str],
    cipher: Cipher,
    settings: Mapping[str, Any] | None = None,
) -> Connection:
    """Configure an external system. `credentials` are kept encrypted."""
    connection = Connection(
        name=name,
        platform=platform,
        role=role,
        base_url=base_url,
        credentials=cipher.encrypt(credentials),
        settings=dict(settings or {}),
    )
    session.add(connection)
    session.flush()
    return connection


def pause(session: Session, connection: Connection, reason: str) -> None:
    """Send nothing to this system until it is resumed; commands wait. `reason` is shown to people."""
    connection.state, connection.paused_reason = "paused", reason
    session.flush()


def resume(session: Session, connection: Connection) -> None:
    """Send to this system again."""
    connection.state, connection.paused_reason = "active", ""
    session.flush()


def of_hook(session: Session, name: str, merchant_slug: str | None = None) -> Connection | None:
    """The connection a webhook address means: its id, or its name where it is the only one of that name (of that
    merchant, when the address names one). For a system session: the sender is not known yet."""
    wanted = select(Connection)
    if merchant_slug is not None:
        wanted = wanted.join(Merchant, Merchant.id == Connection.merchant_id).where(Merchant.slug == merchant_slug)
    found = session.scalars(wanted.where(or_(Connection.id == name, Connection.name == name)).limit(2)).all()
    by_id = next((connection for connection in found if connection.id == name), None)
    return by_id or (found[0] if len(found) == 1 else None)
