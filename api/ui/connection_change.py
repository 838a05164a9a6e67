"""Changing a connection: new credentials, address and settings, and taking it away."""

from __future__ import annotations

from typing import Any

from flask import flash, request, url_for
from flask_login import current_user

from adapters.outbound import BadAddress
from api import connection_settings, connection_setup
from api.connections import credentials_of
from api.problems import FieldError, Problem
from api.services import services
from api.ui import blueprint
from api.ui.connection_kept import given_back, keep
from api.ui.connection_new import credentials_entered, errors_by_field, settings_entered
from api.ui.frame import admin_page, back_to, reading, reason_given, show
from store import connections
from store.models import Connection

SHOWN_AGAIN = ("invalid", "not-connected")
"""Problems that a form is shown again with."""


@blueprint.get("/connections/<connection_id>/credentials")
@admin_page
def connection_credentials(connection_id: str) -> Any:
    """Which credentials are set, and fields for new ones."""
    return _credentials(connection_setup.saved(current_user.merchant_id, connection_id))


@blueprint.post("/connections/<connection_id>/credentials")
@admin_page
def connection_rotate(connection_id: str) -> Any:
    """Test new credentials; they replace the old ones when the system takes them."""
    row = connection_setup.saved(current_user.merchant_id, connection_id)
    adapter = connection_setup.adapter_of(row.platform)
    entered = {**given_back(f"rotate {row.id}", request.form.get("kept", "")), **credentials_entered(adapter)}
    given, errors = connection_setup.read_credentials(adapter.capabilities, entered)
    try:
        if errors:
            raise connection_setup.invalid(errors)
        answer = connection_setup.rotate(
            current_user.merchant_id, connection_id, current_user.who, given, cleared=request.form.getlist("clear"),
            resume=request.form.get("resume") == "yes", reason=reason_given(),
        )  # fmt: skip
    except Problem as problem:
        if problem.kind.slug not in SHOWN_AGAIN:
            raise
        return _credentials(row, problem, given)
    flash(f"The new credentials of {row.name} are in use. {answer.message}", "good")
    return _back(row)


def _credentials(row: Connection, problem: Problem | None = None, given: dict[str, str] | None = None) -> Any:
    with reading() as session:
        answer = show(
            session, "connections_credentials", row=row, capabilities=connection_setup.adapter_of(row.platform).capabilities,
            credentials={each["name"]: each for each in credentials_of(row)}, problem=problem, errors=errors_by_field(problem),
            values=request.form if problem else {}, kept=keep(f"rotate {row.id}", given or {}), kept_names=sorted(given or {}),
            draft=row.paused_reason == connection_setup.DRAFT,
        )  # fmt: skip
    answer.status_code = 422 if problem else 200
    return answer


@blueprint.get("/connections/<connection_id>/settings")
@admin_page
def connection_settings_page(connection_id: str) -> Any:
    """Its address and settings, each with its meaning and default."""
    return _settings(connection_setup.saved(current_user.merchant_id, connection_id))


@blueprint.post("/connections/<connection_id>/settings")
@admin_page
def connection_settings_save(connection_id: str) -> Any:
    """Keep them; at another address the system is asked first."""
    row = connection_setup.saved(current_user.merchant_id, connection_id)
    adapter = connection_setup.adapter_of(row.platform)
    settings, errors = connection_settings.from_form(adapter.capabilities, settings_entered(adapter))
    try:
        try:
            base_url = connection_setup.check_address(adapter.capabilities, request.form.get("base_url", ""))
        except BadAddress as bad:
            raise connection_setup.invalid([FieldError("base_url", str(bad)), *errors]) from None
        if errors:
            raise connection_setup.invalid(errors)
        connection_setup.change(
            current_user.merchant_id, connection_id, current_user.who, base_url=base_url, settings=settings, reason=reason_given()
        )
    except Problem as problem:
        if problem.kind.slug not in SHOWN_AGAIN:
            raise
        return _settings(row, problem)
    flash(f"The settings of {row.name} are saved.", "good")
    return _back(row)


def _settings(row: Connection, problem: Problem | None = None) -> Any:
    capabilities = connection_setup.adapter_of(row.platform).capabilities
    own = {f"setting_{name}": connection_settings.as_text(value) for name, value in row.settings.items()}
    with reading() as session:
        answer = show(
            session, "connections_settings", row=row, capabilities=capabilities, problem=problem, errors=errors_by_field(problem),
            settings=connection_settings.settings_of(capabilities, services().config.poll_seconds),
            values=request.form if problem else {"base_url": row.base_url, **own},
        )  # fmt: skip
    answer.status_code = 422 if problem else 200
    return answer


@blueprint.get("/connections/<connection_id>/remove")
@admin_page
def connection_remove_page(connection_id: str) -> Any:
    """What depends on it, and what can be done."""
    row = connection_setup.saved(current_user.merchant_id, connection_id, archived=True)
    with reading() as session:
        return show(session, "connections_remove", row=row, used=connections.dependents(session, row.id))


@blueprint.post("/connections/<connection_id>/remove")
@admin_page
def connection_remove(connection_id: str) -> Any:
    """Archive, remove or restore it."""
    row = connection_setup.saved(current_user.merchant_id, connection_id, archived=True)
    who, merchant_id, act = current_user.who, current_user.merchant_id, request.form.get("act")
    if act == "remove":
        connection_setup.remove(merchant_id, connection_id, who, reason_given())
        flash(f"{row.name} is removed.", "good")
        return back_to(url_for("ui.connections_page"))
    if act == "restore":
        connection_setup.restore(merchant_id, connection_id, who, reason_given())
        flash(f"{row.name} is a draft again: enter its credentials and test them.", "good")
        return _back(row)
    if act != "archive":
        raise Problem("bad-request", "Say what to do: archive, remove or restore.")
    flash(connection_setup.archive(merchant_id, connection_id, who, reason_given()), "good")
    return _back(row)


def _back(row: Connection) -> Any:
    return back_to(url_for("ui.connection_page", connection_id=row.id))
