"""What is remembered about a connection beside what its adapter keeps: its webhooks, and what its system last said when a
person or the schedule asked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from store.models import ConnectionMemory

WEBHOOKS_ADDRESS = "hooks:address"
"""Where its webhooks were registered to come; absent until they are."""

WEBHOOKS_SEEN = "hooks:seen"
LOCATIONS_SEEN = "locations:seen"
"""What the system last said of its webhooks and its locations: {at, data}."""

SEEN_AS: Mapping[str, str] = {
    "read_webhooks": WEBHOOKS_SEEN, "register_webhooks": WEBHOOKS_SEEN, "remove_webhooks": WEBHOOKS_SEEN,
    "read_locations": LOCATIONS_SEEN,
}  # fmt: skip
"""Operations whose answer is remembered, and under which key."""

MOST_ROWS = 2_000
MOST_FIELDS = 12
MOST_CHARACTERS = 200


def values_of(session: Session, connection_id: str, keys: Collection[str]) -> dict[str, Any]:
    """The values remembered under these keys; those never remembered are left out."""
    wanted = select(ConnectionMemory.key, ConnectionMemory.value).where(
        ConnectionMemory.connection_id == connection_id, ConnectionMemory.key.in_(keys)
    )
    return dict(session.execute(wanted).all())


def as_seen(data: Any, at: datetime) -> dict[str, Any]:
    """What a system answered, as it is remembered: rows of short texts, and when it said so."""
    rows = [row for row in data if isinstance(row, Mapping)] if isinstance(data, list | tuple) else []
    return {"at": at.isoformat(timespec="seconds"), "data": [_short(row) for row in rows[:MOST_ROWS]]}


def _short(row: Mapping[str, Any]) -> dict[str, Any]:
    members = list(row.items())[:MOST_FIELDS]
    return {str(key): value if isinstance(value, bool) or value is None else str(value)[:MOST_CHARACTERS] for key, value in members}
