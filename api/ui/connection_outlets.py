"""Which of our outlets is which location of a system: proposed where something speaks for it, decided by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import flash, request, url_for
from flask_login import current_user

from api import connection_links, connection_setup
from api.problems import Problem
from api.ui import blueprint
from api.ui.connection_new import errors_by_field
from api.ui.frame import admin_page, back_to, page, reading, reason_given, show


@blueprint.get("/connections/<connection_id>/outlets")
@page
def connection_outlets(connection_id: str) -> Any:
    """Our outlets beside the system's locations, as last read."""
    return _page(connection_id)


@blueprint.post("/connections/<connection_id>/locations")
@admin_page
def connection_locations(connection_id: str) -> Any:
    """Ask the system which locations it has."""
    try:
        flash(connection_links.read_locations(current_user.merchant_id, connection_id).message, "good")
    except Problem as problem:
        if problem.kind.slug != "not-connected":
            raise
        flash(problem.detail, "bad")
    return back_to(url_for("ui.connection_outlets", connection_id=connection_id))


@blueprint.post("/connections/<connection_id>/outlets")
@admin_page
def connection_link(connection_id: str) -> Any:
    """Link as chosen."""
    wanted = {name.removeprefix("outlet_"): value for name, value in request.form.items() if name.startswith("outlet_")}
    try:
        connection_links.link(current_user.merchant_id, connection_id, current_user.who, wanted, reason_given())
    except Problem as problem:
        if problem.kind.slug != "invalid":
            raise
        return _page(connection_id, problem)
    flash("The links are saved.", "good")
    return back_to(url_for("ui.connection_outlets", connection_id=connection_id))


def _page(connection_id: str, problem: Problem | None = None) -> Any:
    row = connection_setup.saved(current_user.merchant_id, connection_id)
    errors = {where.replace("links.", "outlet_"): message for where, message in errors_by_field(problem).items()}
    with reading() as session:
        found = connection_links.links_of(session, row)
        answer = show(
            session, "connections_outlets", row=row, links=found, problem=problem, errors=errors, values=request.form if problem else {},
            seen_at=datetime.fromisoformat(found.seen_at) if found.seen_at else None,
        )  # fmt: skip
    answer.status_code = 422 if problem else 200
    return answer
