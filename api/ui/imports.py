"""First imports: reading what a system already holds. Anybody may watch, admins start, pause, resume and cancel."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flask import flash, request, url_for
from flask_login import current_user
from sqlalchemy.orm import Session

from api import connection_setup
from api import imports as actions
from api.problems import FieldError, Problem
from api.ui import blueprint
from api.ui.connection_new import errors_by_field
from api.ui.frame import admin_page, back_to, page, reading, show
from store import imports, setup
from store.columns import now
from store.connection_health import health
from store.models import Connection

LAST = 20
"""So many imports of a connection are shown."""
MARGIN = timedelta(hours=1)
"""Catching up begins so much earlier, for clocks differ and changes arrive late."""
LONG_AGO = timedelta(minutes=10)
DID = {"pause": "The import rests. What was read is decided.", "resume": "The import goes on.", "cancel": "The import is cancelled."}


@blueprint.get("/connections/<connection_id>/import")
@page
def connection_import(connection_id: str) -> Any:
    """The imports from a connection, how far they are, and the form that starts one."""
    return _page(connection_setup.saved(current_user.merchant_id, connection_id, archived=True))


@blueprint.post("/connections/<connection_id>/import")
@admin_page
def import_start(connection_id: str) -> Any:
    """Start one from the form; what is wrong is said in the form."""
    row = connection_setup.saved(current_user.merchant_id, connection_id)
    try:
        kind, since = _given(row)
        actions.start_one(current_user.merchant_id, current_user.who, connection_id, kind, since)
    except Problem as problem:
        if problem.kind.slug not in ("invalid", "conflict"):
            raise
        return _page(row, problem)
    flash("The import has begun. It goes on when you leave this page.", "good")
    return _back(connection_id)


@blueprint.post("/imports/<import_id>/<any(pause, resume, cancel):act>")
@admin_page
def import_act(import_id: str, act: str) -> Any:
    """Pause, resume or cancel one."""
    row = actions.act_on(current_user.merchant_id, current_user.who, import_id, act)
    flash(DID[act], "good" if act == "resume" else "warn")
    return _back(row.connection_id)


def _page(row: Connection, problem: Problem | None = None) -> Any:
    with reading() as session:
        found = actions.shown(session, imports.recent(session, connection_id=row.id, limit=LAST))
        current = [each for each in found if each.is_unfinished or _can_go_on(each, found)]
        answer = show(
            session, "imports", "progress", row=row, current=current, finished=[each for each in found if each not in current],
            busy=any(each.row.state in imports.READING for each in found), can_import=actions.can_import(row),
            kinds=_free_kinds(found), choices=_choices(session, row), today=_today(session), problem=problem,
            errors=errors_by_field(problem), values=request.form if problem else {},
        )  # fmt: skip
    if problem is not None:
        answer.status_code = problem.kind.status
    return answer


def _can_go_on(one: actions.Shown, found: list[actions.Shown]) -> bool:
    """Whether a failed import is the newest of its kind, so that people will want to resume it."""
    newest = next(each for each in found if each.row.kind == one.row.kind)
    return one.row.state == imports.FAILED and one is newest


def _free_kinds(found: list[actions.Shown]) -> list[str]:
    """What can be imported now: one import of a kind at a time."""
    return [kind for kind in imports.KINDS if not any(each.is_unfinished and each.row.kind == kind for each in found)]


def _choices(session: Session, row: Connection) -> list[tuple[str, str, datetime | None]]:
    """Since when can be read: (value, words, moment)."""
    moments = _moments(session, row)
    named = {"import": "What changed since the last import began", "success": "What changed since it last answered us"}
    return [
        ("all", "Everything it holds", None),
        *((name, named[name], moments[name]) for name in named if name in moments),
        ("day", "What changed since a day", None),
    ]


def _moments(session: Session, row: Connection) -> dict[str, datetime]:
    """Moments that catching up can begin at, without the margin."""
    done = [imports.latest_done(session, row.id, kind) for kind in imports.KINDS]
    began = [each.created_at for each in done if each is not None]
    success = health(session, [row])[row.id].last_success
    found = {"import": max(began)} if began else {}
    return {**found, "success": success} if success is not None and success < now() - LONG_AGO else found


def _given(row: Connection) -> tuple[str, datetime | None]:
    """The form's fields. Raises Problem `invalid`."""
    kind, begin = request.form.get("kind", ""), request.form.get("from", "all")
    if kind not in imports.KINDS:
        raise _invalid("kind", f"must be one of {', '.join(imports.KINDS)}")
    with reading() as session:
        moments, zone = _moments(session, row), setup.of(session).zone
    if begin == "all":
        return kind, None
    if begin in moments:
        return kind, moments[begin] - MARGIN
    if begin != "day":
        raise _invalid("from", "must be one of those listed")
    try:
        day = date.fromisoformat(request.form.get("day", "").strip())
        return kind, datetime.combine(day, time(), zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _invalid("day", "must be a day, such as 2026-01-31") from None


def _today(session: Session) -> date:
    return datetime.now(setup.of(session).zone).date()


def _invalid(field: str, message: str) -> Problem:
    return Problem("invalid", f"{field} {message}.", errors=[FieldError(field, message)])


def _back(connection_id: str) -> Any:
    return back_to(url_for("ui.connection_import", connection_id=connection_id))
