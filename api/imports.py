"""`/v1/imports`: reading what a connected system already holds; started and steered here, carried out by workers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from api import connection_setup, paging, shapes
from api.auth import caller, requires
from api.problems import FieldError, Problem
from api.schemas import answers
from api.schemas import imports as schemas
from api.services import services
from store import connections, imports
from store.columns import now
from store.import_models import Import
from store.models import Connection

blueprint = Blueprint("imports", __name__, url_prefix="/v1/imports", description="First imports, and catching up after an outage.")

ACTS: Mapping[str, Callable[..., Import]] = {"pause": imports.pause, "resume": imports.resume, "cancel": imports.cancel}


@dataclass(frozen=True, slots=True)
class Shown:
    """An import with everything a reader wants to know about it. `per_minute` and `ends_at` are None while unknown."""

    row: Import
    connection: Connection | None
    outcome: imports.Outcome
    stuck: bool
    per_minute: float | None
    ends_at: datetime | None

    @property
    def is_unfinished(self) -> bool:
        return self.row.state in imports.UNFINISHED

    @property
    def failed(self) -> int:
        return self.row.failed + self.outcome.failed


@blueprint.get("")
@blueprint.arguments(schemas.ImportListing, location="query")
@blueprint.response(200, answers.page_of(schemas.ImportAnswer))
@requires("read")
def listing(arguments: dict[str, Any]) -> dict[str, Any]:
    """Imports, newest first."""
    before = paging.position_of("imports", arguments["cursor"])
    with services().database.session(caller().merchant_id, read_only=True) as session:
        wanted = _connection(session, arguments["connection"]).id if arguments["connection"] else None
        rows = imports.recent(session, connection_id=wanted, before=before, limit=arguments["limit"] + 1)
        items = [shape(each) for each in shown(session, rows[: arguments["limit"]])]
    more = len(rows) > arguments["limit"]
    return paging.page(items, paging.cursor_for("imports", items[-1]["id"] if more else None))


@blueprint.post("")
@blueprint.arguments(schemas.NewImport)
@blueprint.response(202, schemas.ImportAnswer)
@requires("administer")
def start(arguments: dict[str, Any]) -> Any:
    """Read all orders or products that a system holds, or those that changed since a moment. Live events go first."""
    with services().database.session(caller().merchant_id, read_only=True) as session:
        connection_id = _connection(session, arguments["connection"], field="connection").id
    row = start_one(caller().merchant_id, caller().who, connection_id, arguments["kind"], arguments["since"])
    return _one(row.id), 202, {"Location": f"/v1/imports/{row.id}"}


@blueprint.get("/<import_id>")
@blueprint.response(200, schemas.ImportAnswer)
@requires("read")
def one(import_id: str) -> dict[str, Any]:
    """How far an import is, and what became of what it read."""
    return _one(import_id)


@blueprint.post("/<import_id>/pause")
@blueprint.response(200, schemas.ImportAnswer)
@requires("administer")
def pause(import_id: str) -> dict[str, Any]:
    """Read no further until it is resumed. What was read is decided."""
    return _acted("pause", import_id)


@blueprint.post("/<import_id>/resume")
@blueprint.response(200, schemas.ImportAnswer)
@requires("administer")
def resume(import_id: str) -> dict[str, Any]:
    """Go on where it was paused or failed."""
    return _acted("resume", import_id)


@blueprint.post("/<import_id>/cancel")
@blueprint.response(200, schemas.ImportAnswer)
@requires("administer")
def cancel(import_id: str) -> dict[str, Any]:
    """Stop it for good. What was taken in stays."""
    return _acted("cancel", import_id)


def start_one(merchant_id: str, who: str, connection_id: str, kind: str, since: datetime | None) -> Import:
    """Begin an import and wake the workers. Raises Problem `not-found`, `invalid` (a moment to come, a system that cannot be
    read page by page) or `conflict` (one is under way; `import` names it)."""
    row = connection_setup.saved(merchant_id, connection_id)
    if not can_import(row):
        adapter = services().adapters.get(row.platform)
        title = adapter.capabilities.title if adapter else row.platform
        raise _invalid("connection", f"{row.name} cannot be read page by page: {title} has no such operation")
    if since is not None and since > now():
        raise _invalid("since", "lies in the future; give a moment of the past, or none for everything")
    if row.state != "active":
        raise Problem("conflict", f"{row.name} is {row.state} ({row.paused_reason}): make it work first, then import.")
    try:
        with services().database.session(merchant_id) as session:
            started = imports.start(session, connection_id, kind=kind, since=since, by=who)
    except imports.UnderWay as running:
        raise Problem("conflict", f"{_capital(str(running))}.", more={"import": running.running.id}) from None
    services().bell.ring([connection_id])
    return started


def act_on(merchant_id: str, who: str, import_id: str, act: str) -> Import:
    """Pause, resume or cancel an import. Raises Problem `not-found` or `conflict`."""
    try:
        with services().database.session(merchant_id) as session:
            row = ACTS[act](session, import_id, by=who)
    except imports.NoImport as missing:
        raise Problem("not-found", f"{_capital(str(missing))}.") from None
    except (imports.WrongState, imports.UnderWay) as refused:
        raise Problem("conflict", f"{_capital(str(refused))}.") from None
    services().bell.ring([row.connection_id])
    return row


def can_import(row: Connection) -> bool:
    """Whether this system can be read page by page."""
    adapter = services().adapters.get(row.platform)
    return adapter is not None and imports.PAGE in adapter.capabilities.operations


def shown(session: Session, rows: Any) -> list[Shown]:
    """Imports with what became of them."""
    known = {row.id: row for row in connections.list_all(session, archived=True)}
    found = []
    for row in rows:
        outcome = imports.outcome(session, row.id)
        per_minute = imports.per_minute(session, row)
        found.append(Shown(
            row, known.get(row.connection_id), outcome, imports.is_stuck(session, row), per_minute, _end(row, per_minute)
        ))  # fmt: skip
    return found


def shape(one: Shown) -> dict[str, Any]:
    """An import as JSON."""
    row = one.row
    moments = ("since", "created_at", "started_at", "moved_at", "read_at", "finished_at")
    plain = ("id", "kind", "state", "error", "pages", "done", "total", "taken", "duplicates", "asked_by")
    return {
        **{name: getattr(row, name) for name in plain}, **{name: shapes.moment(getattr(row, name)) for name in moments},
        "connection": one.connection.name if one.connection else "", "stuck": one.stuck, "failed": one.failed,
        "undecided": one.outcome.undecided, "orders": dict(one.outcome.orders), "per_minute": one.per_minute,
        "ends_at": shapes.moment(one.ends_at), "href": f"/v1/imports/{row.id}",
    }  # fmt: skip


def _acted(act: str, import_id: str) -> dict[str, Any]:
    act_on(caller().merchant_id, caller().who, import_id, act)
    return _one(import_id)


def _one(import_id: str) -> dict[str, Any]:
    with services().database.session(caller().merchant_id, read_only=True) as session:
        try:
            row = imports.get(session, import_id)
        except imports.NoImport as missing:
            raise Problem("not-found", f"{_capital(str(missing))}.") from None
        return shape(shown(session, [row])[0])


def _connection(session: Session, id_or_name: str, field: str = "") -> Connection:
    for row in connections.list_all(session, archived=True):
        if id_or_name in (row.id, row.name):
            return row
    if field:
        raise _invalid(field, "is not one of your connections; give its id or its name")
    raise Problem("not-found", f"There is no connection {id_or_name[:40]}.")


def _end(row: Import, per_minute: float | None) -> datetime | None:
    if row.total is None or not per_minute or row.state not in imports.READING or row.read_at is not None:
        return None
    return now() + timedelta(minutes=max(0, row.total - row.done) / per_minute)


def _invalid(field: str, message: str) -> Problem:
    return Problem("invalid", f"{field} {message}.", errors=[FieldError(field, message)])


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
