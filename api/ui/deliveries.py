"""The delivery log: what systems were told, every try, and stepping in."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask import flash, request, url_for
from flask_login import current_user
from sqlalchemy.orm import Session

from api import paging
from api.commands import ID, cancel_one, connection_id_of, retry_one
from api.orders import by_id
from api.problems import Problem
from api.services import services
from api.ui import blueprint
from api.ui.frame import back_to, page, reading, reason_given, show, writing
from store import commands, overview
from store.columns import now
from store.flow_models import Command

PER_PAGE = 50
FILTERS = (
    ("", "All"), ("failed", "Failing"), ("dead", "Given up"), ("waiting", "Waiting"), ("leased", "Under way"), ("done", "Done"),
    ("superseded", "Replaced"), ("cancelled", "Cancelled"),
)  # fmt: skip
SINCE = (("1", "the last hour"), ("24", "the last day"), ("168", "the last week"))


@blueprint.get("/deliveries")
@page
def deliveries() -> Any:
    """Commands, newest first, by state and system."""
    status, system = request.args.get("status", ""), request.args.get("connection", "")
    if status not in dict(FILTERS):
        raise Problem("bad-request", f"There is no delivery state {status[:40]!r}.")
    before = paging.position_of("deliveries", request.args.get("cursor"))
    with reading() as session:
        found = commands.listed(
            session,
            status=None if status in ("", "failed") else status,
            failed=status == "failed",
            connection_id=connection_id_of(session, system),
            before=before,
            limit=PER_PAGE,
        )
        return show(
            session, "deliveries", "table", rows=found.commands, cursor=paging.cursor_for("deliveries", found.before),
            held_up=commands.waits_for(session, found.commands), status=status, system=system, filters=FILTERS,
            systems=by_id(session), since=SINCE, numbers=overview.order_numbers(session, [row.order_id for row in found.commands]),
        )  # fmt: skip


@blueprint.get(f"/deliveries/{ID}")
@page
def delivery(command_id: int) -> Any:
    """One command: what was to be told, every attempt with request and answer, and what holds it up."""
    with reading() as session:
        row = _get(session, command_id)
        return show(
            session, "delivery", row=row, systems=by_id(session), holder=commands.waits_for(session, [row]).get(row.id),
            numbers=overview.order_numbers(session, [row.order_id]),
        )  # fmt: skip


@blueprint.post(f"/deliveries/{ID}/retry")
@page
def delivery_retry(command_id: int) -> Any:
    """Try again at once."""
    retry_one(current_user.merchant_id, command_id, current_user.who, reason_given())
    flash(f"Command {command_id} is tried again now.", "good")
    return back_to(_back(command_id))


@blueprint.post(f"/deliveries/{ID}/cancel")
@page
def delivery_cancel(command_id: int) -> Any:
    """Give it up, so that later ones can go."""
    cancel_one(current_user.merchant_id, command_id, current_user.who, reason_given())
    flash(f"Command {command_id} is cancelled.", "good")
    return back_to(_back(command_id))


@blueprint.get("/deliveries/retry-failed")
@page
def deliveries_confirm() -> Any:
    """How many commands would be tried again; nothing happens before that is confirmed."""
    since, system = _since(request.args), request.args.get("connection", "")
    with reading() as session:
        count = overview.failed_since(session, since, connection_id_of(session, system))
        return show(session, "retry", count=count, since=since, system=system, systems=by_id(session))


@blueprint.post("/deliveries/retry-failed")
@page
def deliveries_retry() -> Any:
    """Try everything again that failed since a moment."""
    since, system = _since(request.form), request.form.get("connection", "")
    with writing() as session:
        counts = commands.retry_all_failed_since(
            session, since, who=current_user.who, reason=reason_given(), connection_id=connection_id_of(session, system)
        )
    services().bell.ring(sorted(counts))
    flash(f"{sum(counts.values())} commands are tried again now.", "good")
    return back_to(url_for("ui.deliveries", connection=system or None))


def _since(given: Any) -> datetime:
    """A moment from the form: in full, or as hours ago."""
    try:
        if given.get("since"):
            moment = datetime.fromisoformat(given["since"])
            if moment.tzinfo is None:
                raise ValueError(moment)
            return moment
        return now() - timedelta(hours=min(max(int(given.get("hours", "24")), 1), 24 * 365))
    except (ValueError, OverflowError):
        raise Problem("bad-request", "Since when? Give a moment with its time zone, or a number of hours.") from None


def _back(command_id: int) -> str:
    """The page the button stood on, when it is one of ours."""
    target = request.form.get("back", "")
    return target if target.startswith("/") and not target.startswith(("//", "/\\")) else url_for("ui.delivery", command_id=command_id)


def _get(session: Session, command_id: int) -> Command:
    try:
        return commands.get(session, command_id)
    except commands.UnknownCommand as unknown:
        raise Problem("not-found", str(unknown)) from None
