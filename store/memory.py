"""What an adapter may remember between calls, kept in the database."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from redis import Redis
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from store import bindings, connections
from store.connections import UnknownConnection
from store.dialects import insert_into
from store.isolation import merchant_of
from store.models import Connection, ConnectionMemory
from store.secrets import Cipher
from store.session import Database

LOCK_SECONDS = 60


class StoreMemory:
    """The memory of one connection. Each write is a transaction of its own, committed when the call returns, so that a
    crash directly after a call abroad leaves no twin behind: never use one inside a session of the same process, which
    on SQLite would wait for itself. Locks are kept in Redis, which all processes share.
    """

    def __init__(
        self,
        database: Database,
        merchant_id: str,
        connection_id: str,
        cipher: Cipher,
        redis: Redis,
    ) -> None:
        self._database = database
        self._merchant_id = merchant_id
        self._connection_id = connection_id
        self._cipher = cipher
        self._redis = redis

    def external(self, kind: str, ours: str) -> str | None:
        """Their id for ours, or None."""
        with self._reading() as session:
            return bindings.external(session, self._connection_id, kind, ours)

    def ours(self, kind: str, external: str) -> str | None:
        """Our id for theirs, or None."""
        with self._reading() as session:
            return bindings.ours(session, self._connection_id, kind, external)

    def bind(self, kind: str, ours: str, external: str) -> None:
        """Both ids mean the same thing from now on; what either was bound to before no longer counts."""
        with self._writing() as session:
            bindings.bind(session, self._connection_id, kind, ours, external)

    def get(self, key: str) -> Any:
        """What was put under this key, or None."""
        found = select(ConnectionMemory.value).where(
            ConnectionMemory.connection_id == self._connection_id, ConnectionMemory.key == key
        )
        with self._reading() as session:
            return session.scalar(found)

    def put(self, key: str, value: Any) -> None:
        """Remember any JSON value; None forgets the key."""
        mine = (ConnectionMemory.connection_id == self._connection_id, ConnectionMemory.key == key)
        with self._writing() as session:
            if value is None:
                session.execute(delete(ConnectionMemory).where(*mine))
                return
            new = insert_into(session, ConnectionMemory).values(
                merchant_id=merchant_of(session), connection_id=self._connection_id, key=key, value=value
            )
            session.execute(new.on_conflict_do_update(index_elements=["connection_id", "key"], set_={"value": value}))

    def credentials(self) -> Mapping[str, str]:
        """The credentials as they are now: another process may have replaced them since the call began."""
        with self._reading() as session:
            return self._cipher.decrypt(self._connection(session).credentials)

    def replace_credentials(self, credentials: Mapping[str, str]) -> None:
        """Keep new credentials, for example a rotated token."""
        with self._writing() as session:
            connections.set_credentials(self._connection(session), credentials, self._cipher)

    def lock(self, name: str) -> AbstractContextManager[None]:
        """One holder at a time over all processes. A holder that died loses it after a minute; whoever waits longer than
        that gives up with `redis.exceptions.LockError`."""
        held: AbstractContextManager[None] = self._redis.lock(
            f"wissel:memory:{self._connection_id}:{name}",
            timeout=LOCK_SECONDS,
            blocking_timeout=LOCK_SECONDS,
            raise_on_release_error=False,
        )
        return held

    def _reading(self) -> AbstractContextManager[Session]:
        return self._database.session(self._merchant_id, read_only=True)

    def _writing(self) -> AbstractContextManager[Session]:
        return self._database.session(self._merchant_id)

    def _connection(self, session: Session) -> Connection:
        connection = session.get(Connection, self._connection_id)
        if connection is None:
            raise UnknownConnection(f"the connection {self._connection_id} was removed")
        return connection
