"""Connections: the external systems of a merchant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from store.columns import now
from store.commands import CANCELLED, OPEN
from store.flow_models import Attempt, Command, Event
from store.import_models import Import
from store.imports import UNFINISHED
from store.models import Binding, Connection, ConnectionMemory, Merchant
from store.order_models import Order
from store.secrets import CannotDecrypt, Cipher
from store.session import Database

ARCHIVED = "archived"


class UnknownConnection(LookupError):
    """No connection of this merchant is called that. The message lists the ones there are."""


class NameTaken(ValueError):
    """Another connection of this merchant, perhaps an archived one, has that name."""


class InUse(Exception):
    """A connection cannot be removed; the text says what stands in the way."""


def list_all(session: Session, *, archived: bool = False) -> Sequence[Connection]:
    """All connections, by name; archived ones only when asked for."""
    found = select(Connection).order_by(Connection.name)
    return session.scalars(found if archived else found.where(Connection.state != ARCHIVED)).all()


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
    """The connections with a role (`shop`, `till`) that are in use, oldest first."""
    found = select(Connection).where(Connection.role == role, Connection.state != ARCHIVED)
    return session.scalars(found.order_by(Connection.id)).all()


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
    """Configure an external system. `credentials` are kept encrypted. Raises NameTaken."""
    if session.scalar(select(Connection.id).where(Connection.name == name)) is not None:
        raise NameTaken(f"there is a connection {name!r} already")
    connection = Connection(name=name, platform=platform, role=role, base_url=base_url, settings=dict(settings or {}))
    set_credentials(connection, credentials, cipher)
    session.add(connection)
    session.flush()
    return connection


def set_credentials(connection: Connection, credentials: Mapping[str, str], cipher: Cipher) -> None:
    """Keep new credentials encrypted, and since when those that changed are set. Empty ones are left out."""
    kept = {name: value for name, value in credentials.items() if value}
    try:
        before = cipher.decrypt(connection.credentials)
    except CannotDecrypt:
        before = {}
    since, at = connection.credentials_since or {}, now().isoformat(timespec="seconds")
    connection.credentials_since = {
        name: since.get(name, at) if before.get(name) == value else at for name, value in kept.items()
    }
    connection.credentials = cipher.encrypt(kept)


def credential_names(connection: Connection, cipher: Cipher) -> dict[str, datetime | None]:
    """Which credentials are set and since when; None for those set before that was noted. Raises CannotDecrypt."""
    since = connection.credentials_since or {}
    return {
        name: datetime.fromisoformat(since[name]) if name in since else None
        for name, value in cipher.decrypt(connection.credentials).items()
        if value
    }


def pause(session: Session, connection: Connection, reason: str) -> None:
    """Send nothing to this system until it is resumed; commands wait. `reason` is shown to people."""
    connection.state, connection.paused_reason = "paused", reason
    session.flush()


def resume(session: Session, connection: Connection) -> None:
    """Send to this system again."""
    connection.state, connection.paused_reason = "active", ""
    session.flush()


def archive(session: Session, connection: Connection, reason: str) -> int:
    """Keep a connection for its history only: its credentials are forgotten, what it was still to be told is given up.
    Returns how many commands were."""
    connection.state, connection.paused_reason = ARCHIVED, reason
    connection.credentials, connection.credentials_since = None, {}
    given_up = (
        update(Command)
        .where(Command.connection_id == connection.id, Command.status.in_(OPEN))
        .values(status=CANCELLED, done_at=now(), result="The connection was archived.", lease=None, leased_until=None)
        .returning(Command.id)
    )
    count = len(session.execute(given_up).all())
    # A first import that still had pages to read will never read them, and must not stand in the way of another one.
    session.execute(
        update(Import)
        .where(Import.connection_id == connection.id, Import.state.in_(UNFINISHED), Import.read_at.is_(None))
        .values(state=CANCELLED, error="The connection was archived.", finished_at=now())
        .execution_options(synchronize_session=False)
    )
    session.flush()
    return count


@dataclass(frozen=True, slots=True)
class Dependents:
    """What a connection has to do with and would be torn apart without it."""

    orders: int
    events: int
    commands: int

    def __bool__(self) -> bool:
        return bool(self.orders or self.events or self.commands)


def dependents(session: Session, connection_id: str) -> Dependents:
    """What depends on a connection: orders taken or placed there, events it told of, and commands that came of one.
    Its regular reads that brought nothing do not count."""

    def count(model: Any, *conditions: Any) -> int:
        return session.scalar(select(func.count()).select_from(model).where(*conditions)) or 0

    caused = or_(Command.event_id.is_not(None), Command.decision_id.is_not(None), Command.order_id.is_not(None))
    return Dependents(
        orders=count(Order, or_(Order.shop_id == connection_id, Order.till_id == connection_id)),
        events=count(Event, Event.connection_id == connection_id),
        commands=count(Command, Command.connection_id == connection_id, caused),
    )


def remove(session: Session, connection: Connection) -> None:
    """Delete a connection with everything that is only its own. Raises InUse when something depends on it, or when it is
    still active."""
    if connection.state == "active":
        raise InUse("pause it first, so that nothing is under way")
    found = dependents(session, connection.id)
    if found:
        raise InUse(f"it has {found.orders} orders, {found.events} events and {found.commands} commands; archive it instead")
    mine = select(Command.id).where(Command.connection_id == connection.id)
    session.execute(delete(Attempt).where(Attempt.command_id.in_(mine)).execution_options(synchronize_session=False))
    for model in (Command, Binding, ConnectionMemory, Import):
        session.execute(
            delete(model).where(model.connection_id == connection.id).execution_options(synchronize_session=False)
        )
    session.delete(connection)
    session.flush()


@dataclass(frozen=True, slots=True)
class Rotated:
    """What became of the stored credentials: how many are under the first key, and which cannot be read by any."""

    encrypted: int
    unreadable: Sequence[str]


def rotate_keys(database: Database, cipher: Cipher) -> Rotated:
    """Encrypt the credentials of every connection of every merchant under the first key. Each is locked and written by
    itself, so workers may go on and an interrupted run is simply repeated."""
    with database.system_session(read_only=True) as session:
        ids = session.scalars(select(Connection.id).where(Connection.credentials.is_not(None)).order_by(Connection.id)).all()
    done, unreadable = 0, []
    for connection_id in ids:
        with database.system_session() as session:
            row = session.get(Connection, connection_id, with_for_update=True)
            if row is None or row.credentials is None:
                continue
            try:
                row.credentials = cipher.rotate(row.credentials)
                done += 1
            except CannotDecrypt:
                unreadable.append(f"{row.name} ({row.id})")
    return Rotated(done, unreadable)


def of_hook(session: Session, name: str, merchant_slug: str | None = None) -> Connection | None:
    """The connection a webhook address means: its id, or its name where it is the only one of that name (of that
    merchant, when the address names one). For a system session: the sender is not known yet."""
    wanted = select(Connection).where(Connection.state != ARCHIVED)
    if merchant_slug is not None:
        wanted = wanted.join(Merchant, Merchant.id == Connection.merchant_id).where(Merchant.slug == merchant_slug)
    found = session.scalars(wanted.where(or_(Connection.id == name, Connection.name == name)).limit(2)).all()
    by_id = next((connection for connection in found if connection.id == name), None)
    return by_id or (found[0] if len(found) == 1 else None)
