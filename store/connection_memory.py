"""What is remembered about a connection, read within a session. Adapters write it through `store.memory`."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from store.models import ConnectionMemory


def values_of(session: Session, connection_id: str, keys: Collection[str]) -> dict[str, Any]:
    """The values remembered under these keys; those never remembered are left out."""
    wanted = select(ConnectionMemory.key, ConnectionMemory.value).where(
        ConnectionMemory.connection_id == connection_id, ConnectionMemory.key.in_(keys)
    )
    return dict(session.execute(wanted).all())
