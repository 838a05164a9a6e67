"""New orders for the outlets a person is authorised for."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_login import current_user

from api.ui import blueprint
from api.ui.frame import page, reading, show
from store import books, notifications, outlets

NEWEST = 100


@blueprint.get("/notifications")
@page
def notifications_page() -> Any:
    """The newest notifications, each with the way to its fulfilment."""
    wanted = request.args.get("outlet", "")
    with reading() as session:
        mine = [each for each in outlets.list_all(session) if current_user.outlets is None or each.code in current_user.outlets]
        codes = {each.code for each in mine}
        shown = [wanted] if wanted in codes else current_user.outlets if not wanted else []
        return show(
            session, "notifications", "table", rows=notifications.newest(session, shown, NEWEST), outlets=mine, outlet=wanted,
            settings=books.settings(session, "staff_notification"),
        )  # fmt: skip
