"""Connections: whether the systems answer, what waits for them, and starting again after a pause."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import flash, request, url_for
from flask_login import current_user

from api import connection_health, connection_links, connection_settings, connection_setup
from api.connections import credentials_of, set_state, statuses_of
from api.problems import Problem
from api.services import services
from api.ui import blueprint
from api.ui.frame import admin_page, back_to, page, reading, reason_given, show
from store import commands, connections, imports, overview


@blueprint.get("/connections")
@page
def connections_page() -> Any:
    """How every connected system is doing."""
    with reading() as session:
        rows = connections.list_all(session, archived=True)
        used = [row for row in rows if row.state != connections.ARCHIVED]
        return show(
            session, "connections", "table", states=connection_health.states(session, used),
            archived=[row for row in rows if row.state == connections.ARCHIVED],
        )  # fmt: skip


@blueprint.get("/connections/<connection_id>")
@page
def connection_page(connection_id: str) -> Any:
    """One connection: its health at a glance, what is set up there, and what it can do."""
    row = connection_setup.saved(current_user.merchant_id, connection_id, archived=True)
    adapter = services().adapters.get(row.platform)
    capabilities = adapter.capabilities if adapter else None
    with reading() as session:
        (state,) = connection_health.states(session, [row])
        mended = commands.listed(session, connection_id=row.id, operation="register_webhooks", limit=1).commands
        return show(
            session, "connections_one", row=row, state=state, verdict=state.verdict, capabilities=capabilities,
            webhooks=connection_links.webhooks_of(session, row), links=connection_links.links_of(session, row),
            hooks=connection_links.hooks_address(row.id), credentials=_with_moments(credentials_of(row)),
            settings=_settings(row.settings, capabilities), statuses=statuses_of(capabilities) if capabilities else {},
            cursors={key: json.dumps(value)[:120] for key, value in overview.cursors(session).get(row.id, {}).items()},
            mended=mended[0] if mended else None, imported=bool(imports.recent(session, connection_id=row.id, limit=1)), moment=datetime.fromisoformat,
        )  # fmt: skip


def _with_moments(credentials: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**each, "since": datetime.fromisoformat(each["since"]) if each["since"] else None} for each in credentials]


def _settings(own: dict[str, Any], capabilities: Any) -> list[dict[str, Any]]:
    """Every setting with what holds: its own value, or the default."""
    if capabilities is None:
        return [{"name": name, "meaning": "", "own": True, "text": connection_settings.as_text(value)} for name, value in own.items()]
    known = connection_settings.settings_of(capabilities, services().config.poll_seconds)
    names = {each.name for each in known}
    rows = [
        {
            "name": each.name, "meaning": each.meaning, "own": each.name in own,
            "text": connection_settings.as_text(own[each.name]) if each.name in own else each.usual,
        }
        for each in known
    ]  # fmt: skip
    others = [{"name": name, "meaning": "Not known to this version.", "own": True, "text": connection_settings.as_text(own[name])} for name in own if name not in names]
    return rows + others


@blueprint.post("/connections/<connection_id>/resume")
@admin_page
def connection_resume(connection_id: str) -> Any:
    """Send to it again."""
    found = set_state(current_user.merchant_id, connection_id, current_user.who, reason_given(), paused=False)
    flash(f"{found['name']} is told again what waits for it.", "good")
    return _back(connection_id)


@blueprint.post("/connections/<connection_id>/pause")
@admin_page
def connection_pause(connection_id: str) -> Any:
    """Send nothing to it for a while."""
    found = set_state(current_user.merchant_id, connection_id, current_user.who, reason_given(), paused=True)
    flash(f"{found['name']} is paused. What it has to be told waits.", "warn")
    return _back(connection_id)


@blueprint.post("/connections/<connection_id>/test")
@admin_page
def connection_test(connection_id: str) -> Any:
    """Ask the system whether it takes our credentials; a draft starts when it does."""
    resume = request.form.get("resume") == "yes"
    return _asked(connection_id, lambda: connection_setup.test(current_user.merchant_id, connection_id, current_user.who, resume=resume))


@blueprint.post("/connections/<connection_id>/webhooks")
@admin_page
def connection_webhooks(connection_id: str) -> Any:
    """Register, look at, or remove its webhooks."""
    who, merchant_id = current_user.who, current_user.merchant_id
    acts: dict[str, Callable[[], Any]] = {
        "register": lambda: connection_links.register_webhooks(merchant_id, connection_id, who, reason_given()),
        "look": lambda: connection_links.read_webhooks(merchant_id, connection_id),
        "remove": lambda: connection_links.remove_webhooks(merchant_id, connection_id, who, reason_given()),
    }
    return _asked(connection_id, acts.get(request.form.get("act", ""), acts["look"]))


def _asked(connection_id: str, ask: Callable[[], Any]) -> Any:
    """Say what the system said, on the connection's page."""
    try:
        flash(ask().message, "good")
    except Problem as problem:
        if problem.kind.slug != "not-connected":
            raise
        flash(problem.detail, "bad")
    return _back(connection_id)


def _back(connection_id: str) -> Any:
    return back_to(url_for("ui.connection_page", connection_id=connection_id))
