"""First imports at work: pages are taken in as they are read, and decided behind everything live.

Reading and deciding are apart. A page's events are kept in one short transaction, so that the connection is free again
for live commands; they are decided one by one in the background process, each in a transaction of its own, while no live
event waits. Reading holds back while much is still to be decided, so stopping an import stops nearly everything at once.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from redis import RedisError
from sqlalchemy.orm import Session

from adapters.base import Connection, NewEvent, Result
from store import events, imports
from store.events import EventConflict
from store.import_models import Import
from store.imports import Found
from store.leases import Leased
from store.session import Database
from workers import services
from workers.bell import Bell, import_job_id
from workers.decide import decide_guarded
from workers.deciding.intake import body_hash
from workers.limits import HeldBack

log = logging.getLogger(__name__)

MOST_UNDECIDED = 500
"""With so many events of an import still to be decided no further page of it is read."""
LOOK_AGAIN = timedelta(seconds=1)
"""How long reading waits before it looks whether deciding has caught up."""
SLICE_SECONDS = 5.0
"""So long the events of one import are decided before others of the background process have their turn."""
COURTESY_SECONDS = 0.002
"""Pause after each decision. Whoever waits to write to SQLite looks every millisecond, and gets in."""

_AT_ONCE = 50
_ALIVE_SECONDS = 1.0
_LOOK_SECONDS = 0.01


class Pages:
    """Takes in the pages of first imports that a connection's commands bring."""

    def __init__(self, database: Database, bell: Bell, connection: Connection, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._bell = bell
        self._connection = connection
        self._clock = clock

    def unwanted(self, command: Leased) -> str:
        """Why a page need not be read (any more), empty when it has to be. Raises HeldBack while so much is undecided
        that reading has to wait."""
        import_id = page_of(command)
        if import_id is None:
            return ""
        with self._database.session(command.merchant_id, read_only=True) as session:
            row = session.get(Import, import_id)
            if row is None or not imports.wants(row, _number(command)):
                return _not_wanted(row)
            if imports.backlog(session, import_id) >= MOST_UNDECIDED:
                raise HeldBack(self._clock() + LOOK_AGAIN, "Much of what this import read is still to be decided.")
        return ""

    def take_in(self, command: Leased, result: Result) -> str:
        """Keep what a page brought, move the import on and put the command for its next page, all or nothing. Returns a
        sentence for the delivery log; does nothing when the page was taken in before."""
        import_id = page_of(command)
        if import_id is None:
            raise ValueError(f"command {command.id} reads no page of an import")
        with self._database.session(command.merchant_id) as session:
            row = imports.get(session, import_id, lock=True)
            if not imports.wants(row, _number(command), is_read=True):
                return _not_wanted(row)
            found = self._keep(session, row, command, result)
            imports.move_on(session, row, found, following=result.then, progress=result.progress, at=self._clock())
            imports.settle(session, import_id)
        self._bell.ring_import(command.merchant_id, import_id)
        return f"{found.taken} were new." + (f" {found.failed} could not be kept." if found.failed else "")

    def _keep(self, session: Session, row: Import, command: Leased, result: Result) -> Found:
        taken = duplicates = failed = 0
        for event in result.events:
            try:
                is_known = self._keep_one(session, row, command, event)
            except EventConflict as conflict:
                log.warning("an adapter gave one id to two different events: %s", conflict, extra={"command_id": command.id})
                failed += 1
            else:
                taken, duplicates = taken + (not is_known), duplicates + is_known
        return Found(taken, duplicates, failed)

    def _keep_one(self, session: Session, row: Import, command: Leased, event: NewEvent) -> bool:
        _, is_known = events.keep(
            session, source=self._connection.name, external_id=event.id, type=event.type, subject=event.subject,
            time=event.time, data=dict(event.data), body_hash=body_hash(event.type, event.data),
            connection_id=self._connection.id, sequence=event.sequence, caused_by=command.id, import_id=row.id,
        )  # fmt: skip
        return is_known


def page_of(command: Leased) -> str | None:
    """The import whose page this command reads; None when it does something else."""
    return imports.import_of(command.subject) if command.operation == imports.PAGE else None


def _number(command: Leased) -> int:
    number = command.payload.get("page")
    return number if isinstance(number, int) else -1


def _not_wanted(row: Import | None) -> str:
    if row is None:
        return "There is no such import any more; nothing was taken in."
    if row.state in (imports.PAUSED, imports.CANCELLED):
        return f"The import is {row.state}; nothing was taken in."
    return "This page was taken in before."


def decide_slice(here: services.Services, merchant_id: str, import_id: str, seconds: float | None = None) -> None:
    """Decide events of an import for a while (SLICE_SECONDS), the first told first, and only while no live event waits.
    Calls the import done when nothing is left."""
    seconds = SLICE_SECONDS if seconds is None else seconds
    turn = _Turn(here, import_id, time.monotonic() + seconds)
    tried: set[str] = set()
    while not turn.is_over():
        with here.database.session(merchant_id, read_only=True) as session:
            due = [event_id for event_id in imports.undecided(session, import_id, _AT_ONCE) if event_id not in tried]
        if not due:
            break
        for event_id in due:
            if not turn.comes():
                return
            decide_guarded(here, merchant_id, event_id)
            tried.add(event_id)
            time.sleep(COURTESY_SECONDS)
    with here.database.session(merchant_id) as session:
        imports.settle(session, import_id)


def has_more(database: Database, merchant_id: str, import_id: str) -> bool:
    """Whether an import has events that nobody has decided about yet."""
    with database.session(merchant_id, read_only=True) as session:
        return bool(imports.undecided(session, import_id, 1))


class _Turn:
    """The time one import has, less what live events need."""

    def __init__(self, here: services.Services, import_id: str, until: float) -> None:
        self._bell = here.bell
        self._job_id = import_job_id(import_id)
        self._until = until
        self._alive_at = float("-inf")

    def is_over(self) -> bool:
        return services.stopping.is_set() or time.monotonic() > self._until

    def comes(self) -> bool:
        """Wait until no live event waits. False when the time is over meanwhile."""
        while not self.is_over():
            try:
                self._give_sign_of_life()
                if not self._bell.backlog():
                    return True
            except RedisError as away:
                log.warning("Redis cannot be reached: %s", away)
                return True
            time.sleep(_LOOK_SECONDS)
        return False

    def _give_sign_of_life(self) -> None:
        if time.monotonic() - self._alive_at >= _ALIVE_SECONDS:
            self._bell.alive(self._job_id)
            self._alive_at = time.monotonic()
