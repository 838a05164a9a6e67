"""How a merchant is set up: what changes seldom, and every event needs.

A process remembers it, and reads one short text with each event to see whether it still holds: triggers renew
`merchants.setup` in the transaction of every change, and never to a text that was there before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import bindparam, inspect, select
from sqlalchemy.orm import Session

from store import books, connections, outlets
from store.isolation import merchant_of
from store.models import Connection, Merchant, Outlet

_ZONE = select(Merchant.__table__.c.time_zone).where(Merchant.__table__.c.id == bindparam("merchant_id"))
Row = TypeVar("Row", Outlet, Connection)
_STAMP = select(Merchant.__table__.c.setup).where(Merchant.__table__.c.id == bindparam("merchant_id"))


@dataclass(frozen=True)
class Setup:
    """One merchant's outlets (the preferred one first), connections (by name), own settings (decision -> name -> value),
    time zone (a name of the tz database) and the rule book that decides, None before the first publication. Shared by
    threads: rows are for reading only."""

    stamp: str
    outlets: Sequence[Outlet]
    connections: Sequence[Connection]
    settings: Mapping[str, Mapping[str, Any]]
    version: str | None
    time_zone: str = "UTC"

    @cached_property
    def zone(self) -> ZoneInfo:
        """The merchant's time zone; UTC when nobody knows its name."""
        try:
            return ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError):
            return ZoneInfo("UTC")

    @cached_property
    def outlet_by_code(self) -> Mapping[str, Outlet]:
        return {outlet.code: outlet for outlet in self.outlets}

    @cached_property
    def connection_by_id(self) -> Mapping[str, Connection]:
        return {connection.id: connection for connection in self.connections}

    @cached_property
    def connection_by_name(self) -> Mapping[str, Connection]:
        return {connection.name: connection for connection in self.connections}

    def by_role(self, role: str) -> Sequence[Connection]:
        """The connections with a role (`shop`, `till`), oldest first."""
        return sorted((c for c in self.connections if c.role == role), key=lambda c: c.id)


_remembered: dict[str, Setup] = {}


def of(session: Session) -> Setup:
    """The setup of the session's merchant as this transaction sees it. What the session has not flushed is not seen."""
    merchant_id = merchant_of(session)
    stamp = session.connection().execute(_STAMP, {"merchant_id": merchant_id}).scalar() or ""
    return remembered(merchant_id, stamp) or _read(session, merchant_id, stamp)


def remembered(merchant_id: str, stamp: str) -> Setup | None:
    """The setup with this stamp, when this process has read it already."""
    found = _remembered.get(merchant_id)
    return found if found is not None and stamp and found.stamp == stamp else None


def _read(session: Session, merchant_id: str, stamp: str) -> Setup:
    """Read everything anew. The stamp was read before, so a change that slips in between is read again next time."""
    found = Setup(
        stamp=stamp,
        outlets=[_copy(row) for row in outlets.list_all(session)],
        connections=[_copy(row) for row in connections.list_all(session)],
        settings=books.all_settings(session),
        version=books.current_version(session),
        time_zone=session.connection().execute(_ZONE, {"merchant_id": merchant_id}).scalar() or "UTC",
    )
    _remembered[merchant_id] = found
    return found


def _copy(row: Row) -> Row:
    """The row as an object of no session, which nobody's transaction can change or expire."""
    return type(row)(**{column.key: getattr(row, column.key) for column in inspect(type(row)).column_attrs})
