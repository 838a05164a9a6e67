"""Events: what systems told us, and deciding the failed ones again."""

from __future__ import annotations

from typing import Any

from flask import flash, request, url_for
from flask_login import current_user

from api import paging, shapes
from api.events import reprocess_one
from api.orders import by_id
from api.problems import Problem
from api.ui import blueprint
from api.ui.frame import as_json, back_to, page, reading, reason_given, show
from store import decisions, events, overview

PER_PAGE = 50
FILTERS = (("", "All"), ("failed", "Failed"), ("waiting", "Waits for its order"), ("received", "Being decided"), ("decided", "Decided"))


@blueprint.get("/events")
@page
def events_list() -> Any:
    """The newest events, or those in one state."""
    status = request.args.get("status", "")
    if status not in dict(FILTERS):
        raise Problem("bad-request", f"There is no event state {status[:40]!r}.")
    import_id = request.args.get("import", "")[:40]
    before = paging.position_of("events-page", request.args.get("cursor"))
    with reading() as session:
        rows = events.recent(session, status=status or None, import_id=import_id or None, before=before, limit=PER_PAGE + 1)
        cursor = paging.cursor_for("events-page", rows[PER_PAGE - 1].id) if len(rows) > PER_PAGE else None
        return show(
            session, "events", "table", rows=rows[:PER_PAGE], status=status, filters=FILTERS, cursor=cursor, import_id=import_id,
            systems=by_id(session), numbers=overview.order_numbers(session, [row.order_id for row in rows]),
        )  # fmt: skip


@blueprint.get("/events/<event_id>")
@page
def event(event_id: str) -> Any:
    """One event: what was told, by whom, and what came of it."""
    with reading() as session:
        row = events.get(session, event_id)
        if row is None:
            raise Problem("not-found", f"There is no event {event_id[:40]}.")
        return show(
            session, "event", row=row, systems=by_id(session), decision=decisions.of_event(session, event_id), data=row.data,
            numbers=overview.order_numbers(session, [row.order_id]),
        )  # fmt: skip


@blueprint.get("/events/<event_id>.json")
@page
def event_json(event_id: str) -> Any:
    """The same as data."""
    with reading() as session:
        row = events.get(session, event_id)
        if row is None:
            raise Problem("not-found", f"There is no event {event_id[:40]}.")
        decision = decisions.of_event(session, event_id)
        return as_json(shapes.event(row, decision_id=decision.id if decision else None))


@blueprint.post("/events/<event_id>/reprocess")
@page
def event_reprocess(event_id: str) -> Any:
    """Decide a failed event again."""
    taken = reprocess_one(current_user.merchant_id, event_id, current_user.who, reason_given())
    if taken.status == "decided":
        flash(f"Decided: {taken.summary}", "good")
    else:
        flash(f"It still cannot be decided: {taken.reason}", "bad")
    return back_to(url_for("ui.order", order_id=taken.order_id) if taken.order_id else url_for("ui.event", event_id=event_id))
