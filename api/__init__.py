"""The HTTP door: events and webhooks come in, stories and traces are read, people sign in. Decides nothing itself."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask_wtf.csrf import CSRFError, CSRFProtect

from api import (
    cli_connections,
    cli_versions,
    commands,
    connections,
    decisions,
    docs,
    errors,
    events,
    headers,
    health,
    hooks,
    imports,
    logs,
    orders,
    rule_drafts,
    rule_jobs,
    rulebooks,
    status_matrix,
    stock,
    ui,
)  # fmt: skip
from api.problems import Problem
from api.schemas import fields, posting
from api.services import Services
from api.ui import session

DESCRIPTION = (
    "Wissel decides what happens with orders. Systems post events; every decision can be read with its reasons. "
    "All requests need a key: `Authorization: Bearer wsl_...`. Errors are problem documents (RFC 9457)."
)
FIELD_TYPES: dict[Any, tuple[str, str | None]] = {
    fields.Text: ("string", None), fields.Word: ("string", None), fields.Whole: ("integer", None),
    fields.Truth: ("boolean", None), fields.Amount: ("string", "decimal"), fields.Rate: ("string", "decimal"),
    fields.Moment: ("string", "date-time"), fields.Currency: ("string", "iso-4217"), fields.Country: ("string", "iso-3166"),
    fields.Address: ("string", "email"), fields.Link: ("string", "uri"),
}  # fmt: skip
"""How our own fields look in the OpenAPI document."""


def create_app(services: Services) -> Flask:
    """The web application over these services. Opens no connection before the first request."""
    app = Flask(__name__, static_folder=None)
    config = services.config
    app.extensions["wissel"] = services
    app.config.update(
        SECRET_KEY=config.secret_key,
        SESSION_COOKIE_NAME="wissel_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=config.https,
        PERMANENT_SESSION_LIFETIME=12 * 3600,
        MAX_CONTENT_LENGTH=config.max_body_bytes,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=config.https,
        API_TITLE="Wissel",
        API_VERSION="v1",
        OPENAPI_VERSION="3.0.3",
        OPENAPI_URL_PREFIX="/",
        API_SPEC_OPTIONS={
            "info": {"description": DESCRIPTION},
            "components": {"securitySchemes": {"apiKey": {"type": "http", "scheme": "bearer"}}},
            "security": [{"apiKey": []}],
        },
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]
    logs.install(app)
    headers.install(app, https=config.https)
    errors.install(app)
    protection = CSRFProtect(app)
    app.register_error_handler(CSRFError, _no_token)
    session.install(app)
    _register_api(app, protection)
    for blueprint in (ui.blueprint, ui.vendor, docs.blueprint, health.blueprint):
        app.register_blueprint(blueprint)
    app.cli.add_command(cli_versions.group)
    app.cli.add_command(cli_connections.group)
    return app


def _register_api(app: Flask, protection: CSRFProtect) -> None:
    """The blueprints for programs. They know no cookies, so nothing can be forged in a person's name."""
    api = errors.ProblemApi()
    for field, (kind, form) in FIELD_TYPES.items():
        api.register_field(field, kind, form)
    api.init_app(app)
    app.extensions["wissel_api"] = api
    posting.register(api.spec)
    for module in (events, hooks, orders, decisions, commands, connections, imports, stock, rulebooks, rule_drafts, rule_jobs, status_matrix):
        api.register_blueprint(module.blueprint)
        protection.exempt(module.blueprint)


def _no_token(error: CSRFError) -> Any:
    detail = "This form is too old or did not come from our own page. Go back, reload the page and try again."
    return errors.answer_problem(Problem("bad-request", detail))
