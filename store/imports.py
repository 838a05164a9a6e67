"""First imports: what a system already holds is read page by page, taken in, and decided behind everything live.

One page is one command in the connection's outbox (`read_page`, subject `import:<id>`). Its events, the import's new
position and the command for the next page are written in one transaction; the page's number says whether a command that
is tried again was taken in before. So a worker may die anywhere: no page is passed over and none counts twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, exists, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from store import audit, commands
from store.columns import now
from store.flow_models import Command, Event
from store.import_models import Import
from store.order_models import Order

PAGE = "read_page"
"""The operation that reads one page."""

KINDS = ("orders", "products")
WAITING, RUNNING, PAUSED, DONE, FAILED, CANCELLED = "waiting", "running", "paused", "done", "failed", "cancelled"
READING = (WAITING, RUNNING)
UNFINISHED = (WAITING, RUNNING, PAUSED)

_SUBJECT = "import:"
_LAST_PAGES = 20
_STILL = (commands.WAITING, commands.LEASED)
"""Commands that will read or are reading."""


class NoImport(LookupError):
    """There is no such import."""


class UnderWay(Exception):
    """The connection already has an unfinished import of this kind: `running`. Nothing was started."""

    def __init__(self, running: Import) -> None:
        super().__init__(
            f"{running.asked_by} started an import of {running.kind} from this connection on "
            f"{running.created_at:%Y-%m-%d %H:%M} UTC and it is {running.state}: wait for it, or cancel it"
        )
        self.running = running


class WrongState(Exception):
    """An import is not in a state in which this can be done to it; the text says which it is in."""


@dataclass(frozen=True, slots=True)
class Found:
    """What one page brought: `taken` events were new, `duplicates` known already, `failed` could not be kept."""

    taken: int = 0
    duplicates: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of what an import brought, so far. `undecided` events wait for their turn, `failed` ones broke while
    being decided; orders are counted by their state now (open, held, ignored, completed, cancelled)."""

    undecided: int
    failed: int
    orders: Mapping[str, int]


def subject_of(import_id: str) -> str:
    """The subject of an import's commands."""
    return _SUBJECT + import_id


def import_of(subject: str) -> str | None:
    """The import whose command has this subject; None for other subjects."""
    return subject.removeprefix(_SUBJECT) if subject.startswith(_SUBJECT) else None


def start(session: Session, connection_id: str, *, kind: str, since: datetime | None, by: str) -> Import:
    """Begin to read what the connection's system holds, `since` a moment or all of it. Ring the connection's bell after
    the commit. Raises UnderWay; ValueError for another kind."""
    if kind not in KINDS:
        raise ValueError(f"an import is one of {', '.join(KINDS)}, not {kind!r}")
    row = Import(connection_id=connection_id, kind=kind, since=since, asked_by=by)
    _write_alone(session, row)
    _put_page(session, row)
    what = f"{kind} since {since.isoformat(timespec='seconds')}" if since else f"all {kind}"
    audit.record(session, who=by, action="import", about=f"connection:{connection_id}", reason=what)
    return row


def _write_alone(session: Session, row: Import, **values: Any) -> None:
    """Write an unfinished import, a new one or one that is to go on, unless the connection has another one."""
    try:
        with session.begin_nested():
            for name, value in values.items():
                setattr(row, name, value)
            session.add(row)
            session.flush()
    except IntegrityError:
        running = unfinished(session, row.connection_id, row.kind)
        if running is None:
            raise
        raise UnderWay(running) from None


def unfinished(session: Session, connection_id: str, kind: str) -> Import | None:
    """The import of this kind that waits, runs or is paused at a connection, if there is one."""
    with session.no_autoflush:
        return session.scalar(
            select(Import).where(
                Import.connection_id == connection_id, Import.kind == kind, Import.state.in_(UNFINISHED)
            ).order_by(Import.id.desc()).limit(1)
        )  # fmt: skip


def get(session: Session, import_id: str, *, lock: bool = False) -> Import:
    """One import. With `lock` nobody else changes it until this session ends. Raises NoImport."""
    row = session.get(Import, import_id, with_for_update=True if lock else None, populate_existing=lock)
    if row is None:
        raise NoImport(f"there is no import {import_id[:40]}")
    return row


def recent(
    session: Session, *, connection_id: str | None = None, before: str | None = None, limit: int = 50
) -> Sequence[Import]:
    """The newest imports, newest first; `before` is the id of the last one of the page before."""
    found = select(Import).order_by(Import.id.desc()).limit(limit)
    if connection_id is not None:
        found = found.where(Import.connection_id == connection_id)
    return session.scalars(found if before is None else found.where(Import.id < before)).all()


def latest_done(session: Session, connection_id: str, kind: str) -> Import | None:
    """The newest import of this kind that came to its end: what changed since it began is what catching up has to read."""
    return session.scalar(
        select(Import)
        .where(Import.connection_id == connection_id, Import.kind == kind, Import.state == DONE)
        .order_by(Import.id.desc()).limit(1)
    )  # fmt: skip


def pause(session: Session, import_id: str, *, by: str) -> Import:
    """Read no further until somebody resumes it; a page that is being read now is still taken in. Raises NoImport,
    WrongState."""
    row = get(session, import_id, lock=True)
    if row.state not in READING:
        raise WrongState(f"the import is {row.state}: only one that waits or runs can be paused")
    if row.read_at is not None:
        raise WrongState("all pages have been read, and what they brought is being decided: there is nothing to pause")
    row.state = PAUSED
    _give_up_pages(session, row, "The import was paused.")
    _audit(session, row, "pause import", by)
    return row


def resume(session: Session, import_id: str, *, by: str) -> Import:
    """Go on where it stopped: paused, failed, or running with nobody reading, because its command was cancelled by hand.
    Ring the connection's bell after the commit. Raises NoImport, WrongState, UnderWay."""
    row = get(session, import_id, lock=True)
    if row.state not in (PAUSED, FAILED) and not is_stuck(session, row):
        raise WrongState(f"the import is {row.state}: only one that is paused or failed can be resumed")
    _write_alone(session, row, state=RUNNING if row.pages else WAITING, error="", finished_at=None)
    if row.read_at is None and not _is_being_read(session, row):
        _give_up_pages(session, row, "The import was resumed.")
        _put_page(session, row)
    _audit(session, row, "resume import", by)
    settle(session, row.id)
    return row


def cancel(session: Session, import_id: str, *, by: str) -> Import:
    """Stop an import for good. What was taken in stays and is decided. Raises NoImport, WrongState."""
    row = get(session, import_id, lock=True)
    if row.state not in (*UNFINISHED, FAILED):
        raise WrongState(f"the import is {row.state}: there is nothing to cancel")
    row.state, row.finished_at = CANCELLED, now()
    _give_up_pages(session, row, f"The import was cancelled by {by}.")
    _audit(session, row, "cancel import", by)
    return row


def is_stuck(session: Session, row: Import) -> bool:
    """Whether an import should be reading and has no command that would: somebody cancelled it in the outbox."""
    return row.state in READING and row.read_at is None and not _is_being_read(session, row)


def wants(row: Import, page: int, *, is_read: bool = False) -> bool:
    """Whether page number `page` (from 0) is the next one of an import that goes on. A failed import wants it too: somebody
    had its command tried again in the outbox. A paused one wants it only when it `is_read` already."""
    going_on = (*READING, FAILED, PAUSED) if is_read else (*READING, FAILED)
    return row.state in going_on and row.read_at is None and row.pages == page


def move_on(
    session: Session, row: Import, found: Found, *, following: Mapping[str, Any] | None, progress: tuple[int, int | None] | None,
    at: datetime,
) -> None:
    """Count one page of a locked import as taken in and put the command for the next one; `following` is its payload as
    the adapter gave it, None after the last page. A paused import moves on, but no further command is put."""
    units, total = progress or (found.taken + found.duplicates + found.failed, None)
    row.pages, row.done, row.total = row.pages + 1, row.done + units, row.total if total is None else total
    row.taken, row.duplicates, row.failed = row.taken + found.taken, row.duplicates + found.duplicates, row.failed + found.failed
    row.started_at, row.moved_at = row.started_at or at, at
    if row.state in (WAITING, FAILED):
        row.state, row.error = RUNNING, ""
    if following is None:
        row.read_at = at
    else:
        row.cursor = following.get("cursor")
        if row.state == RUNNING:
            _put_page(session, row)
    session.flush()


def fail(session: Session, import_id: str, error: str) -> None:
    """The system will not let its next page be read; `error` tells people why. It can be resumed."""
    session.execute(
        update(Import).where(Import.id == import_id, Import.state.in_(READING)).values(state=FAILED, error=error, finished_at=now()),
        execution_options={"synchronize_session": False},
    )


def settle(session: Session, import_id: str) -> bool:
    """Call an import done when all of it is read and decided. Returns whether it became so."""
    session.flush()
    done = session.execute(
        update(Import)
        .where(Import.id == import_id, Import.state == RUNNING, Import.read_at.is_not(None), ~_undecided_exists(Import.id))
        .values(state=DONE, finished_at=now()),
        execution_options={"synchronize_session": "fetch"},
    )
    return bool(cast("CursorResult[Any]", done).rowcount)


def undecided(session: Session, import_id: str, limit: int) -> Sequence[str]:
    """Ids of events of an import that nobody has decided about yet, the first ones told first."""
    return session.scalars(
        select(Event.id)
        .where(Event.import_id == import_id, Event.status == "received")
        .order_by(Event.received_at, Event.id).limit(limit)
    ).all()  # fmt: skip


def backlog(session: Session, import_id: str) -> int:
    """How many events of an import nobody has decided about yet."""
    counted = select(func.count()).select_from(Event).where(Event.import_id == import_id, Event.status == "received")
    return session.scalar(counted) or 0


def neglected(session: Session, limit: int = 100) -> Sequence[tuple[str, str]]:
    """(merchant id, import id) of imports with something to decide, or all decided and not yet called done. In a system
    session: of all merchants."""
    waiting = select(Event.import_id).where(Event.status == "received", Event.import_id.is_not(None))
    found = select(Import.merchant_id, Import.id).where(
        or_(Import.id.in_(waiting), (Import.state == RUNNING) & Import.read_at.is_not(None))
    )
    return [(row[0], row[1]) for row in session.execute(found.order_by(Import.id).limit(limit))]


def outcome(session: Session, import_id: str) -> Outcome:
    """What became of what an import brought, so far."""
    by_status = select(Event.status, func.count()).where(Event.import_id == import_id).group_by(Event.status)
    events = {row[0]: row[1] for row in session.execute(by_status)}
    brought = select(Event.order_id).where(Event.import_id == import_id, Event.order_id.is_not(None))
    by_state = select(Order.state, func.count()).where(Order.id.in_(brought)).group_by(Order.state)
    orders = {row[0]: row[1] for row in session.execute(by_state)}
    return Outcome(events.get("received", 0), events.get("failed", 0), orders)


def per_minute(session: Session, row: Import) -> float | None:
    """How many orders or products an import reads a minute, by its last pages; None while it has too few."""
    read = select(Command.done_at).where(
        Command.connection_id == row.connection_id, Command.subject == subject_of(row.id), Command.status == commands.DONE
    )
    moments = [at for at in session.scalars(read.order_by(Command.id.desc()).limit(_LAST_PAGES)) if at is not None]
    if len(moments) < 2 or not row.pages or moments[0] <= moments[-1]:
        return None
    minutes = (moments[0] - moments[-1]).total_seconds() / 60
    return (len(moments) - 1) / minutes * row.done / row.pages


def _put_page(session: Session, row: Import) -> None:
    payload = {
        "kind": row.kind, "since": row.since.isoformat() if row.since else None, "cursor": row.cursor, "page": row.pages,
    }  # fmt: skip
    commands.put(
        session, connection_id=row.connection_id, operation=PAGE, subject=subject_of(row.id), payload=payload,
        background=True,
    )  # fmt: skip


def _is_being_read(session: Session, row: Import) -> bool:
    """Whether a command will read the next page, or reads it now. One whose page was taken in already may still be leased
    for a moment, and does not count."""
    still = select(Command.payload).where(
        Command.connection_id == row.connection_id, Command.subject == subject_of(row.id), Command.status.in_(_STILL)
    )
    return any(payload.get("page") == row.pages for payload in session.scalars(still))


def _give_up_pages(session: Session, row: Import, why: str) -> None:
    """Cancel the import's commands that no worker has in hand."""
    session.execute(
        update(Command)
        .where(
            Command.connection_id == row.connection_id, Command.subject == subject_of(row.id),
            Command.status.in_(commands.REPLACEABLE),
        )
        .values(status=commands.CANCELLED, done_at=now(), result=why),
        execution_options={"synchronize_session": False},
    )  # fmt: skip


def _undecided_exists(import_id: Any) -> Any:
    return exists().where(Event.import_id == import_id, Event.status == "received")


def _audit(session: Session, row: Import, action: str, by: str) -> None:
    audit.record(session, who=by, action=action, about=f"import:{row.id}")
