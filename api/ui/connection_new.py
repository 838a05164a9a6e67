"""Adding a connection, step by step: choose the platform, fill in, test, save."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import flash, request, url_for
from flask_login import current_user

from adapters.base import Adapter
from api import connection_settings, connection_setup
from api.connections import by_title
from api.problems import Problem
from api.services import services
from api.ui import blueprint
from api.ui.connection_kept import given_back, keep
from api.ui.frame import admin_page, back_to, reading, reason_given, show
from store import connections


@blueprint.get("/connections/new")
@admin_page
def connection_choose() -> Any:
    """Which platform is to be connected."""
    with reading() as session:
        return show(session, "connections_new", platforms=[adapter.capabilities for adapter in by_title()])


@blueprint.get("/connections/new/<platform>")
@admin_page
def connection_new(platform: str) -> Any:
    """What that platform needs."""
    return _form(connection_setup.adapter_of(platform))


@blueprint.post("/connections/new/<platform>")
@admin_page
def connection_add(platform: str) -> Any:
    """Test what was filled in, and save it when it works; or save it as a draft, untried."""
    adapter = connection_setup.adapter_of(platform)
    draft = request.form.get("act") == "draft"
    credentials = {**given_back(f"new {platform}", request.form.get("kept", "")), **credentials_entered(adapter)}
    settings, errors = connection_settings.from_form(adapter.capabilities, settings_entered(adapter))
    try:
        wanted = connection_setup.read_wanted(
            adapter, request.form.get("name", "").strip(), request.form.get("base_url", ""), credentials, settings, errors, draft=draft
        )
        row, answer = connection_setup.add(current_user.merchant_id, current_user.who, wanted, draft=draft, reason=reason_given())
    except Problem as problem:
        if problem.kind.slug not in ("invalid", "not-connected", "conflict"):
            raise
        return _form(adapter, problem, credentials)
    flash(f"{row.name} is connected. {answer.message}" if answer else f"{row.name} is kept as a draft; nothing is sent to it.", "good" if answer else "warn")
    return back_to(url_for("ui.connection_page", connection_id=row.id))


def credentials_entered(adapter: Adapter) -> dict[str, str]:
    """The credentials typed into the form; those left empty are left out."""
    given = {name: request.form.get(f"credential_{name}", "") for name in adapter.capabilities.credentials}
    return {name: value for name, value in given.items() if value.strip()}


def settings_entered(adapter: Adapter) -> dict[str, str]:
    """The texts of the settings' fields."""
    names = (each.name for each in connection_settings.settings_of(adapter.capabilities))
    return {name: request.form.get(f"setting_{name}", "").replace("\x00", "") for name in names}


def errors_by_field(problem: Problem | None) -> dict[str, str]:
    """What is wrong, by the id of the field it is wrong with."""
    prefixes = {"credentials.": "credential_", "settings.": "setting_"}
    found: dict[str, str] = {}
    for error in problem.errors if problem else ():
        where = error.field
        for path, prefix in prefixes.items():
            where = where.replace(path, prefix) if where.startswith(path) else where
        found.setdefault(where, error.message)
    return found


def _form(adapter: Adapter, problem: Problem | None = None, credentials: Mapping[str, str] | None = None) -> Any:
    capabilities = adapter.capabilities
    clean, _ = connection_setup.read_credentials(capabilities, credentials or {})
    with reading() as session:
        taken = {row.name for row in connections.list_all(session, archived=True)}
        answer = show(
            session, "connections_form", capabilities=capabilities, problem=problem, errors=errors_by_field(problem),
            settings=connection_settings.settings_of(capabilities, services().config.poll_seconds),
            values=request.form if problem else {"name": _free_name(capabilities.platform, taken), "base_url": capabilities.default_base_url},
            kept=keep(f"new {capabilities.platform}", clean), kept_names=sorted(clean),
        )  # fmt: skip
    answer.status_code = 422 if problem else 200
    return answer


def _free_name(platform: str, taken: set[str]) -> str:
    """A name to begin with."""
    name = platform.replace("_", "-")[:36]
    return next(each for each in (name, *(f"{name}-{number}" for number in range(2, 1000))) if each not in taken)
