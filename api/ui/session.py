"""Signing in and out."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, flash, make_response, redirect, render_template, request, session, url_for
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user

from api.auth import states
from api.services import services
from api.ui import blueprint
from store import audit, people
from store.models import User

log = logging.getLogger(__name__)

DEMO_EMAILS = ("admin@demo.example", "support@demo.example")
"""Who can sign in to the demo; shown on the sign-in page of a demo only."""

WRONG = "The e-mail address or the password is not right."

limiter = Limiter(get_remote_address, strategy="moving-window")


class Person(UserMixin):
    """Someone signed in. The id kept in the cookie carries the epoch of the account's sessions, so that a new password
    or an end to all sessions ends this one too."""

    def __init__(self, user: User) -> None:
        self.user_id = user.id
        self.merchant_id = user.merchant_id
        self.name = user.name
        self.email = user.email
        self.role = user.role
        self.outlets: list[str] | None = user.outlets
        self.epoch = user.session_epoch

    def get_id(self) -> str:
        return f"{self.user_id}:{self.epoch}"

    @property
    def who(self) -> str:
        """How the audit log names this person."""
        return str(self.email)


def install(app: Flask) -> None:
    """Set up sign-in for the application. Attempts are counted in Redis, or in this process while Redis is away."""
    manager = LoginManager()
    manager.login_view = "ui.sign_in"
    manager.login_message = None
    manager.session_protection = "basic"
    manager.user_loader(_load)
    manager.init_app(app)
    found = app.extensions["wissel"]
    app.config["RATELIMIT_STORAGE_URI"] = "redis://"
    app.config["RATELIMIT_STORAGE_OPTIONS"] = {"connection_pool": found.redis.connection_pool}
    app.config["RATELIMIT_KEY_PREFIX"] = "wissel:sign-in"
    app.config["RATELIMIT_IN_MEMORY_FALLBACK_ENABLED"] = True
    limiter.init_app(app)


def _load(identity: str) -> Person | None:
    user_id, _, epoch = identity.partition(":")
    with services().database.system_session(read_only=True) as rows:
        user = people.get(rows, user_id)
    if user is None or not user.active or str(user.session_epoch) != epoch:
        return None
    return Person(user)


@blueprint.get("/sign-in")
@states("anyone")
def sign_in() -> Any:
    """The sign-in page."""
    if current_user.is_authenticated:
        return redirect(url_for("ui.orders_list"), 303)
    return _form("")


@blueprint.post("/sign-in")
@states("anyone")
@limiter.limit("10 per minute; 60 per hour", deduct_when=lambda answer: answer.status_code != 303)
@limiter.limit(
    "10 per minute; 60 per hour",
    key_func=lambda: "e-mail:" + request.form.get("email", "").strip().lower()[:200],
    deduct_when=lambda answer: answer.status_code != 303,
)
def sign_in_try() -> Any:
    """Sign in with e-mail address and password. Only failed attempts count towards the limit."""
    email, password = request.form.get("email", "")[:200].replace("\x00", ""), request.form.get("password", "")
    with services().database.system_session() as rows:
        user = people.by_email(rows, email)
        good = people.verify_password(user, password)
        if good and user is not None:
            entry = audit.record(rows, who=user.email, action="sign in", about=f"user:{user.email}")
            entry.merchant_id = user.merchant_id
    if not good or user is None:
        log.warning("sign-in refused", extra={"reason": "wrong e-mail address or password"})
        return _form(email, WRONG)
    session.clear()
    login_user(Person(user))
    return redirect(_onward(request.args.get("next", "")), 303)


@blueprint.post("/sign-out")
@states("anyone")
def sign_out() -> Any:
    """End this session."""
    logout_user()
    session.clear()
    flash("You are signed out.", "good")
    return redirect(url_for("ui.sign_in"), 303)


def _form(email: str, error: str = "") -> Response:
    page = render_template("session/page.html", email=email, error=error, demo=DEMO_EMAILS if services().config.demo else ())
    return make_response(page, 422 if error else 200)


def _onward(target: str) -> str:
    """Where to go after signing in: a page of ours, never another site."""
    parts = urlsplit(target.replace("\\", "/"))
    if parts.scheme or parts.netloc or not target.startswith("/") or target.startswith("//"):
        return url_for("ui.orders_list")
    return target
