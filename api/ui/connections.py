"""Connections: whether the systems answer, what waits for them, and starting again after a pause."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from flask import flash, url_for
from flask_login import current_user

from api.connections import listed, set_state
from api.ui import blueprint
from api.ui.frame import admin_page, back_to, page, reading, reason_given, show


@blueprint.get("/connections")
@page
def connections_page() -> Any:
    """How every connected system is doing."""
    with reading() as session:
        return show(session, "connections", "table", rows=[_readable(row) for row in listed(session)])


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    """The moments as moments, the cursors in a line each."""
    success = row["last_success"]
    cursors = {key: json.dumps(value)[:120] for key, value in row["cursors"].items()}
    return {**row, "last_success_at": datetime.fromisoformat(success) if success else None, "cursors": cursors}


@blueprint.post("/connections/<connection_id>/resume")
@admin_page
def connection_resume(connection_id: str) -> Any:
    """Send to it again."""
    found = set_state(current_user.merchant_id, connection_id, current_user.who, reason_given(), paused=False)
    flash(f"{found['name']} is told again what waits for it.", "good")
    return back_to(url_for("ui.connections_page"))


@blueprint.post("/connections/<connection_id>/pause")
@admin_page
def connection_pause(connection_id: str) -> Any:
    """Send nothing to it for a while."""
    found = set_state(current_user.merchant_id, connection_id, current_user.who, reason_given(), paused=True)
    flash(f"{found['name']} is paused. What it has to be told waits.", "warn")
    return back_to(url_for("ui.connections_page"))
