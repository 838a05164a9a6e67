"""How workers take commands from the outbox and report back.

A worker *leases* some commands of a connection for a moment, carries them out without holding a transaction, and
*finishes* them in one transaction with their attempts. Whoever holds a lease that has run out has lost it: the next
worker that looks records the attempt as lost and the command is tried again with the same idempotency key. So a
command is carried out at least once, and by adapters that honour the key its effect happens once.

These functions work in a system session: a worker serves the connections of all merchants.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, bindparam, exists, false, insert, or_, select, true, update
from sqlalchemy.orm import Session, aliased

from store.columns import new_id
from store.commands import DEAD, DONE, LEASED, OPEN, WAITING
from store.flow_models import Attempt, Command
from store.models import Connection

LOST = "lost"
LOST_MESSAGE = "The worker that held this command is gone; whether the system heard of it is not known."

RetryAt = Callable[[int], datetime | None]
"""When to try again after so many failures in a row; None when it has been enough."""


@dataclass(frozen=True, slots=True)
class Leased:
    """A command as its worker sees it. `number` is that of the attempt about to be made, from 1."""

    id: int
    merchant_id: str
    operation: str
    subject: str
    payload: Mapping[str, Any] = field(repr=False)
    idempotency_key: str
    number: int
    failures: int
    trigger: str
    suspect: bool
    """Whether the worker that tried it last died; such a command is leased alone, lest it takes others along."""
    background: bool = False
    """Whether it belongs to a first import and must leave room for others."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Commands held until `until`.."""

    token: str
    until: datetime
    commands: Sequence[Leased]


@dataclass(frozen=True, slots=True)
class Tried:
    """How one attempt ended. `outcome` is done, retry, throttled, refused or unauthorised; `kind` says it in more
    detail (bug, timeout). Unless done, the command waits until `retry_at`, or is dead when that is None. `failures` is
    the new count towards dead. `exchanges` are masked already."""

    command: Leased
    outcome: str
    kind: str
    message: str
    started_at: datetime
    finished_at: datetime
    detail: str = ""
    failures: int = 0
    retry_at: datetime | None = None
    exchanges: Sequence[Mapping[str, Any]] = ()


def lease(session: Session, connection_id: str, *, at: datetime, seconds: float, limit: int, retry_at: RetryAt) -> Lease:
    """Take up to `limit` due commands of a connection, the longest due first: never two of one subject, and none that
    an earlier one of its subject holds up. Commands in the background are taken only when no other is due. Two workers
    that ask at once get different commands."""
    _reclaim(session, connection_id, at, retry_at)
    rows = _take(session, connection_id, at, limit, background=False) or _take(session, connection_id, at, limit, background=True)
    taken = rows[:1] if rows and rows[0].suspect else [row for row in rows if not row.suspect]
    held = Lease(new_id(), at + timedelta(seconds=seconds), taken)
    if taken:
        session.execute(
            update(Command).where(Command.id.in_([row.id for row in taken]))
            .values(status=LEASED, lease=held.token, leased_until=held.until),
            execution_options={"synchronize_session": False},
        )
    return held


def _take(session: Session, connection_id: str, at: datetime, limit: int, *, background: bool) -> list[Leased]:
    due = (
        select(
            Command.id, Command.merchant_id, Command.operation, Command.subject, Command.payload, Command.idempotency_key,
            Command.tries, Command.failures, Command.trigger, Command.error_kind,
        )
        .where(*_due(connection_id, at), Command.background == (true() if background else false()))
        .order_by(Command.due_at, Command.id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=Command)
    )
    return [
        Leased(id_, merchant, operation, subject, payload, key, tries + 1, failures, trigger, kind == LOST, background)
        for id_, merchant, operation, subject, payload, key, tries, failures, trigger, kind in session.execute(due)
    ]


def _due(connection_id: str | ColumnElement[str], at: datetime) -> tuple[ColumnElement[bool], ...]:
    earlier = aliased(Command)
    held_up = exists().where(
        earlier.connection_id == Command.connection_id, earlier.subject == Command.subject,
        earlier.status.in_(OPEN), earlier.id < Command.id,
    )
    return (Command.connection_id == connection_id, Command.status == WAITING, Command.due_at <= at, ~held_up)


def _run_out(connection_id: str | ColumnElement[str], at: datetime) -> ColumnElement[bool]:
    return and_(Command.connection_id == connection_id, Command.status == LEASED, Command.leased_until < at)


def _reclaim(session: Session, connection_id: str, at: datetime, retry_at: RetryAt) -> None:
    """Put commands whose lease ran out back, each with an attempt that was lost."""
    rows = session.execute(
        select(
            Command.id, Command.merchant_id, Command.operation, Command.subject, Command.payload, Command.idempotency_key,
            Command.tries, Command.failures, Command.trigger, Command.lease, Command.leased_until,
        ).where(_run_out(connection_id, at)).with_for_update(skip_locked=True)
    ).all()
    for id_, merchant, operation, subject, payload, key, tries, failures, trigger, token, until in rows:
        again = at if failures == 0 else retry_at(failures + 1)
        command = Leased(id_, merchant, operation, subject, payload, key, tries + 1, failures, trigger, True)
        _write(session, token, [Tried(command, LOST, LOST, LOST_MESSAGE, until, at, failures=failures + 1, retry_at=again)])


def extend(session: Session, token: str, until: datetime) -> None:
    """Hold the commands of a lease longer."""
    session.execute(
        update(Command).where(Command.lease == token, Command.status == LEASED).values(leased_until=until),
        execution_options={"synchronize_session": False},
    )


def release(session: Session, token: str, command_ids: Collection[int]) -> None:
    """Put commands back that were leased but not tried."""
    if command_ids:
        session.execute(
            update(Command).where(Command.id.in_(command_ids), Command.lease == token, Command.status == LEASED)
            .values(status=WAITING, lease=None, leased_until=None),
            execution_options={"synchronize_session": False},
        )


def put_off(session: Session, token: str, command_id: int, until: datetime) -> None:
    """Put a command back that was leased and not tried, not to be looked at before `until`."""
    session.execute(
        update(Command).where(Command.id == command_id, Command.lease == token, Command.status == LEASED)
        .values(status=WAITING, lease=None, leased_until=None, due_at=until),
        execution_options={"synchronize_session": False},
    )


def finish(session: Session, token: str, tried: Sequence[Tried]) -> list[int]:
    """Write down how attempts ended and what becomes of their commands. Returns the ids of those whose lease was lost
    meanwhile: about them nothing is written, since another worker has taken over."""
    ids = [one.command.id for one in tried]
    mine = set(session.scalars(
        select(Command.id).where(Command.id.in_(ids), Command.lease == token, Command.status == LEASED).with_for_update()
    ))
    _write(session, token, [one for one in tried if one.command.id in mine])
    return [id_ for id_ in ids if id_ not in mine]


_commands: Table = Command.__table__  # type: ignore[assignment]
_attempts: Table = Attempt.__table__  # type: ignore[assignment]

_UPDATE = update(_commands).where(_commands.c.id == bindparam("_id"), _commands.c.lease == bindparam("_lease")).values(
    {name: bindparam(name) for name in (
        "status", "tries", "failures", "due_at", "error_kind", "error", "result", "done_at",
    )} | {"trigger": "automatic", "lease": None, "leased_until": None}
)


def _write(session: Session, token: str, tried: Sequence[Tried]) -> None:
    if tried:
        connection = session.connection()
        connection.execute(_UPDATE, [_command_values(one) | {"_id": one.command.id, "_lease": token} for one in tried])
        connection.execute(insert(_attempts), [_attempt_values(one) for one in tried])


def _command_values(one: Tried) -> dict[str, Any]:
    done = one.outcome == DONE
    return {
        "status": DONE if done else DEAD if one.retry_at is None else WAITING,
        "tries": one.command.number,
        "failures": one.failures,
        "due_at": one.retry_at or one.finished_at,
        "error_kind": "" if done else one.kind,
        "error": "" if done else one.message,
        "result": one.message if done else "",
        "done_at": None if one.retry_at is not None else one.finished_at,
    }


def _attempt_values(one: Tried) -> dict[str, Any]:
    return {
        "merchant_id": one.command.merchant_id,
        "command_id": one.command.id,
        "number": one.command.number,
        "trigger": one.command.trigger,
        "started_at": one.started_at,
        "finished_at": one.finished_at,
        "outcome": one.outcome,
        "message": f"{one.message}\n\n{one.detail}" if one.detail else one.message,
        "exchanges": list(one.exchanges),
    }


def connections_with_work(session: Session, at: datetime) -> Iterable[str]:
    """Active connections that have a command to carry out now, or one whose worker is gone."""
    query = select(Connection.id).where(
        Connection.state == "active",
        or_(exists().where(*_due(Connection.id, at)), exists().where(_run_out(Connection.id, at))),  # type: ignore[arg-type]
    )
    return session.scalars(query).all()
