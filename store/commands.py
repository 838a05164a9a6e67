"""The outbox: what systems have to be told, put there in the transaction of the decision that wants it.

Commands of one (connection, subject) are carried out in the order of their ids, each waiting for the one before:

- waiting, leased and dead commands hold up the later ones of their subject; a payment cannot follow a sale that never
  arrived. `waits_for` names the command that holds another up, so that people know which one to mend.
- done, superseded and cancelled commands hold up nothing.

Commands in the background, those of first imports, are carried out while no other command of the connection is due.

How workers take commands and report back stands in `store.leases`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, Row, Table, and_, bindparam, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased, selectinload

from store import audit
from store.columns import new_id, now
from store.flow_models import Attempt, Command, Event
from store.prepared import append_numbered, prepared, rows

WAITING, LEASED, DONE, SUPERSEDED, DEAD, CANCELLED = "waiting", "leased", "done", "superseded", "dead", "cancelled"

OPEN = (WAITING, LEASED, DEAD)
"""What holds up the later commands of the same subject."""

_FORGET_AT_ONCE = 500

REPLACEABLE = (WAITING, DEAD)
"""What a newer command with the same collapse key replaces. A leased one may be on its way: it runs, then the newer."""

_C = Command.__table__.c
_REPLACEABLE = prepared(
    select(_C.id, _C.connection_id, _C.collapse_key, _C.operation, _C.payload, _C.tries, _C.idempotency_key, _C.background)
    .where(
        _C.connection_id.in_(bindparam("connections", expanding=True)),
        _C.collapse_key.in_(bindparam("collapse_keys", expanding=True)),
        _C.status.in_(REPLACEABLE),
    )
    .order_by(_C.id)
    .with_for_update()
)
_SUPERSEDE = (
    update(cast("Table", Command.__table__))
    .where(_C.id == bindparam("old"))
    .values(status=SUPERSEDED, result=bindparam("result"), done_at=bindparam("done_at"))
)
_LAST_PAYLOADS = prepared(
    select(_C.subject, _C.payload).where(
        _C.id.in_(
            select(func.max(_C.id))
            .where(
                _C.connection_id == bindparam("connection_id"),
                _C.operation == bindparam("operation"),
                _C.subject.in_(bindparam("subjects", expanding=True)),
                _C.status.in_((WAITING, LEASED, DONE)),
            )
            .group_by(_C.subject)
        )
    )
)


class UnknownCommand(LookupError):
    """There is no such command."""


class WrongState(Exception):
    """A command is not in a state in which this can be done to it; the text says what to do instead."""


def put(
    session: Session,
    *,
    connection_id: str,
    operation: str,
    subject: str,
    payload: Mapping[str, Any],
    collapse_key: str | None = None,
    event_id: str | None = None,
    decision_id: str | None = None,
    order_id: str | None = None,
    due_at: datetime | None = None,
    merchant_id: str | None = None,
    background: bool = False,
) -> Command:
    """Put one command into the outbox, in the session's transaction.

    With a `collapse_key` it replaces the waiting and dead commands of the connection that have the same one. When one
    of those was tried before and asks for exactly the same, the new command takes over its idempotency key: that try
    may have had its effect, and to the system the two are one. `merchant_id` is needed only in a system session; a
    merchant's own session stamps its rows. A `background` command lets others go first, unless it replaces one of those.
    """
    command = Command(
        connection_id=connection_id, operation=operation, subject=subject, payload=dict(payload), collapse_key=collapse_key,
        event_id=event_id, decision_id=decision_id, order_id=order_id, background=background,
    )  # fmt: skip
    if due_at is not None:
        command.due_at = due_at
    if merchant_id is not None:
        command.merchant_id = merchant_id
    if collapse_key is not None:
        replaced = _replaceable(session, connection_id, collapse_key)
        for old in replaced:
            if old.tries and (old.operation, old.payload) == (operation, command.payload):
                command.idempotency_key = old.idempotency_key
        command.background = background and all(old.background for old in replaced)
        session.add(command)
        session.flush()
        for old in replaced:
            old.status, old.done_at, old.result = SUPERSEDED, now(), f"Replaced by command {command.id}."
    else:
        session.add(command)
    session.flush()
    return command


def _replaceable(session: Session, connection_id: str, collapse_key: str) -> Sequence[Command]:
    return session.scalars(
        select(Command)
        .where(Command.connection_id == connection_id, Command.collapse_key == collapse_key, Command.status.in_(REPLACEABLE))
        .order_by(Command.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


@dataclass(frozen=True, slots=True)
class Wanted:
    """A command to be put into the outbox; fields as in `put`."""

    connection_id: str
    operation: str
    subject: str
    payload: Mapping[str, Any]
    collapse_key: str | None = None
    background: bool = False


def put_all(
    session: Session, wanted: Sequence[Wanted], *, event_id: str, decision_id: str, order_id: str | None
) -> None:
    """Put the commands of one decision into the outbox, in this order, as `put` does one by one."""
    if not wanted:
        return
    session.flush()
    replaced = _all_replaceable(session, wanted)
    common = {"event_id": event_id, "decision_id": decision_id, "order_id": order_id}
    new = [{**asdict(one), **common, **_taken_over(one, replaced)} for one in wanted]
    ids = append_numbered(session, Command, new)
    _supersede(session, wanted, ids, replaced)


_Place = tuple[str, str | None]
"""(connection, collapse key)."""


def _all_replaceable(session: Session, wanted: Sequence[Wanted]) -> dict[_Place, list[Row[Any]]]:
    """The waiting and dead commands that these replace, locked."""
    found: dict[_Place, list[Row[Any]]] = {}
    keys = {one.collapse_key for one in wanted if one.collapse_key is not None}
    if keys:
        connections = {one.connection_id for one in wanted}
        for row in rows(session, _REPLACEABLE, connections=sorted(connections), collapse_keys=sorted(keys)):
            found.setdefault((row.connection_id, row.collapse_key), []).append(row)
    return found


def _taken_over(one: Wanted, replaced: Mapping[_Place, Sequence[Row[Any]]]) -> dict[str, Any]:
    """What a command takes over from those it replaces: the key of the newest that was tried and asks for the same, and
    their turn, for whoever waited for them must not wait longer."""
    old = replaced.get((one.connection_id, one.collapse_key), ())
    tried = [row.idempotency_key for row in old if row.tries and (row.operation, row.payload) == (one.operation, one.payload)]
    return {
        "idempotency_key": tried[-1] if tried else new_id(),
        "background": one.background and all(row.background for row in old),
    }


def _supersede(
    session: Session, wanted: Sequence[Wanted], ids: Sequence[int], replaced: Mapping[_Place, Sequence[Row[Any]]]
) -> None:
    """The newest of the new commands with a collapse key replaces all others that have it."""
    newest = {(one.connection_id, one.collapse_key): new for one, new in zip(wanted, ids, strict=True) if one.collapse_key}
    pairs = [(old.id, new) for place, new in newest.items() for old in replaced.get(place, ())]
    pairs += [
        (old, newest[one.connection_id, one.collapse_key])
        for one, old in zip(wanted, ids, strict=True)
        if one.collapse_key and newest[one.connection_id, one.collapse_key] != old
    ]
    done = [{"old": old, "result": f"Replaced by command {new}.", "done_at": now()} for old, new in pairs]
    if done:
        session.connection().execute(_SUPERSEDE, done)


def get(session: Session, command_id: int) -> Command:
    """One command with its attempts. Raises UnknownCommand."""
    command = session.scalar(select(Command).where(Command.id == command_id).options(selectinload(Command.attempts)),
                             execution_options={"populate_existing": True})
    if command is None:
        raise UnknownCommand(f"There is no command {command_id}.")
    return command


@dataclass(frozen=True, slots=True)
class Page:
    """Some commands, newest first; `before` continues the list, None at its end."""

    commands: list[Command]
    before: int | None


def listed(
    session: Session,
    *,
    status: str | None = None,
    connection_id: str | None = None,
    order_id: str | None = None,
    operation: str | None = None,
    failed: bool = False,
    before: int | None = None,
    limit: int = 50,
) -> Page:
    """The delivery log, newest first. `failed` keeps the dead and those that wait for another try after a failure."""
    query = select(Command).order_by(Command.id.desc()).limit(limit + 1)
    wanted = {"status": status, "connection_id": connection_id, "order_id": order_id, "operation": operation}
    for name, value in wanted.items():
        if value is not None:
            query = query.where(getattr(Command, name) == value)
    if failed:
        query = query.where(_failed())
    if before is not None:
        query = query.where(Command.id < before)
    found = list(session.scalars(query))
    return Page(found[:limit], found[limit - 1].id if len(found) > limit else None)


def waits_for(session: Session, commands: Iterable[Command]) -> dict[int, Command]:
    """Which earlier command holds each of these up, by the id of the one that waits; those held up by none are left
    out. When the holder is dead, people have to retry or cancel it before the later ones can go."""
    waiting = [command.id for command in commands if command.status == WAITING]
    if not waiting:
        return {}
    later, earlier = aliased(Command), aliased(Command)
    first = (
        select(later.id, func.min(earlier.id))
        .join(earlier, and_(
            earlier.connection_id == later.connection_id, earlier.subject == later.subject,
            earlier.id < later.id, earlier.status.in_(OPEN),
        ))
        .where(later.id.in_(waiting))
        .group_by(later.id)
    )
    holder_of = {row[0]: row[1] for row in session.execute(first)}
    holders = {row.id: row for row in session.scalars(select(Command).where(Command.id.in_(holder_of.values())))}
    return {waiting_id: holders[holder_id] for waiting_id, holder_id in holder_of.items()}


@dataclass(frozen=True, slots=True)
class Depth:
    """How full a connection's outbox is. `oldest_due` is when its longest waiting command could first have gone, those in the
    background left out: they are meant to wait."""

    waiting: int
    leased: int
    dead: int
    oldest_due: datetime | None


def depths(session: Session) -> dict[str, Depth]:
    """How full the outbox of each connection is; connections without open commands are left out."""
    found = session.execute(
        select(Command.connection_id, Command.status, func.count(), func.min(Command.due_at).filter(~Command.background))
        .where(Command.status.in_(OPEN))
        .group_by(Command.connection_id, Command.status)
    ).all()
    counts: dict[str, dict[str, int]] = {}
    oldest_due: dict[str, datetime] = {}
    for connection_id, status, count, oldest in found:
        counts.setdefault(connection_id, {})[status] = count
        if status == WAITING and oldest is not None:
            oldest_due[connection_id] = oldest
    return {
        connection_id: Depth(found.get(WAITING, 0), found.get(LEASED, 0), found.get(DEAD, 0), oldest_due.get(connection_id))
        for connection_id, found in counts.items()
    }


def retry(session: Session, command_id: int, *, who: str, reason: str = "", at: datetime | None = None) -> Command:
    """Have a dead or waiting command tried at once, with a fresh count of failures. Ring its connection's bell after
    the commit. Raises UnknownCommand, WrongState."""
    command = _changed(
        session, command_id, (Command.status.in_(REPLACEABLE),), _tried_again(at or now()),
        refusal="is {status}: only a command that waits or is dead can be retried",
    )
    audit.record(session, who=who, action="retry command", about=f"command:{command.id}", reason=reason)
    return command


def retry_all_failed_since(
    session: Session, since: datetime, *, who: str, reason: str = "", connection_id: str | None = None, at: datetime | None = None
) -> dict[str, int]:
    """Have every command tried at once that died at or after `since`, and every one that waits for another try after a
    failure. Returns how many per connection; ring those bells after the commit."""
    matching = [or_(and_(Command.status == DEAD, Command.done_at >= since), and_(Command.status == WAITING, Command.failures > 0))]
    if connection_id is not None:
        matching.append(Command.connection_id == connection_id)
    changed = update(Command).where(*matching).values(**_tried_again(at or now())).returning(Command.connection_id)
    counts = dict(Counter(session.scalars(changed)))
    what = f"{sum(counts.values())} commands failed since {since.isoformat(timespec='seconds')}"
    audit.record(session, who=who, action="retry failed commands",
                 about=f"connection:{connection_id}" if connection_id else "all connections",
                 reason=f"{reason} ({what})" if reason else what)
    return counts


def cancel(session: Session, command_id: int, *, who: str, reason: str = "", at: datetime | None = None) -> Command:
    """Give a waiting or dead command up, so that later ones of its subject can go. Raises UnknownCommand, WrongState."""
    command = _changed(
        session, command_id, (Command.status.in_(REPLACEABLE),),
        {"status": CANCELLED, "done_at": at or now(), "result": f"Cancelled by {who}."},
        refusal="is {status}: only a command that waits or is dead can be cancelled",
    )
    audit.record(session, who=who, action="cancel command", about=f"command:{command.id}", reason=reason)
    return command


def _changed(
    session: Session, command_id: int, allowed: Sequence[ColumnElement[bool]], values: Mapping[str, Any], *, refusal: str
) -> Command:
    """Change a command only while it is in an allowed state: a worker may take it at the same moment."""
    changed = session.execute(
        update(Command).where(Command.id == command_id, *allowed).values(**values).returning(Command.id)
    ).all()
    command = get(session, command_id)
    if not changed:
        raise WrongState(f"Command {command_id} {refusal.format(status='being carried out now' if command.status == LEASED else command.status)}.")
    return command


def _tried_again(at: datetime) -> dict[str, Any]:
    return {"status": WAITING, "due_at": at, "failures": 0, "trigger": "manual", "done_at": None}


def _failed() -> ColumnElement[bool]:
    return or_(Command.status == DEAD, and_(Command.status == WAITING, Command.failures > 0))


def last_asked(session: Session, connection_id: str, collapse_key: str) -> tuple[datetime | None, bool]:
    """When a command with this collapse key was last put for the connection, and whether one is still under way."""
    query = (
        select(Command.created_at, Command.status)
        .where(Command.connection_id == connection_id, Command.collapse_key == collapse_key)
        .order_by(Command.id.desc())
        .limit(1)
    )
    row = session.execute(query).first()
    return (None, False) if row is None else (row[0], row[1] in (WAITING, LEASED))


def last_payloads(session: Session, connection_id: str, operation: str, subjects: Collection[str]) -> dict[str, Mapping[str, Any]]:
    """What the system was last asked by one operation, by subject. Commands that came to nothing do not count."""
    found = rows(session, _LAST_PAYLOADS, connection_id=connection_id, operation=operation, subjects=sorted(set(subjects)))
    return {row.subject: row.payload for row in found}


def under_way(session: Session, connection_id: str, operation: str, subject: str) -> bool:
    """Whether a system is still to be told something: a command of that operation waits, is being tried or was given up."""
    found = select(Command.id).where(
        Command.connection_id == connection_id, Command.subject == subject, Command.status.in_(OPEN), Command.operation == operation
    )  # fmt: skip
    return session.scalar(found.limit(1)) is not None


def forget_quiet(session: Session, connection_id: str, collapse_key: str, *, keep: int) -> int:
    """Delete finished commands with this collapse key that brought nothing to light, but for the newest `keep`, with
    their attempts. A system that is asked for news every few seconds would otherwise fill the outbox with silence.
    Returns how many went."""
    ids = session.scalars(
        select(Command.id)
        .where(
            Command.connection_id == connection_id, Command.collapse_key == collapse_key,
            Command.status.in_((DONE, SUPERSEDED)), ~exists().where(Event.caused_by == Command.id),
        )
        .order_by(Command.id.desc())
        .offset(keep)
        .limit(_FORGET_AT_ONCE)
    ).all()
    if ids:
        session.execute(delete(Attempt).where(Attempt.command_id.in_(ids)))
        session.execute(delete(Command).where(Command.id.in_(ids)))
    return len(ids)
