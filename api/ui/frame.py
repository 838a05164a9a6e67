"""What all pages share: the session of the person's merchant, whole page or fragment, times and labels in templates."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import wraps
from typing import Any

from flask import Response, current_app, g, make_response, redirect, render_template, request
from flask_login import current_user, login_required
from markupsafe import Markup, escape
from sqlalchemy.orm import Session

from api.auth import states
from api.problems import Problem
from api.services import services
from api.ui import blueprint, words
from store import notifications, outlets, overview
from store.columns import now
from store.models import Merchant

BELL_DAYS = 1


@contextmanager
def reading() -> Iterator[Session]:
    """A reading session of the signed-in person's merchant. Templates are rendered within it."""
    with services().database.session(current_user.merchant_id, read_only=True) as session:
        yield session


@contextmanager
def writing() -> Iterator[Session]:
    """A writing session of the signed-in person's merchant."""
    with services().database.session(current_user.merchant_id) as session:
        yield session


def page(view: Callable[..., Any]) -> Callable[..., Any]:
    """A view for people who are signed in."""
    guarded: Callable[..., Any] = states("signed in")(login_required(view))
    return guarded


def admin_page(view: Callable[..., Any]) -> Callable[..., Any]:
    """A view for admins only."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if current_user.role != "admin":
            raise Problem("not-allowed", "Only an admin may do this. Ask one of your admins.")
        return view(*args, **kwargs)

    inner: Callable[..., Any] = states("admin")(login_required(guarded))
    return inner


def show(session: Session, screen: str, part: str = "", **context: Any) -> Response:
    """The whole page `<screen>/page.html`, or only its part `<screen>/_<part>.html` when htmx asks for it."""
    fragment = part and request.headers.get("HX-Request") == "true" and "HX-History-Restore-Request" not in request.headers
    template = f"{screen}/_{part}.html" if fragment else f"{screen}/page.html"
    if not fragment:
        context.update(_frame(session))
    g.merchant = session.get(Merchant, current_user.merchant_id)
    g.places = {place.code: place.name for place in outlets.list_all(session)}
    answer = make_response(render_template(template, **context))
    answer.headers["Vary"] = "HX-Request, Cookie"
    return answer


def as_json(document: Any) -> Response:
    """The data behind a page, readable by people too."""
    text = json.dumps(document, indent=2, ensure_ascii=False)
    return current_app.response_class(text, content_type="application/json; charset=utf-8")


def back_to(address: str) -> Any:
    """See the outcome of a form on the page it came from."""
    return redirect(address, code=303)


def reason_given() -> str:
    """Why a person steps in, from the form."""
    return request.form.get("reason", "").replace("\x00", "").strip()[:500]


def _frame(session: Session) -> dict[str, Any]:
    """What the header shows: how much waits for people, and new orders for this person's outlets."""
    return {
        "trouble": overview.trouble(session),
        "bell": notifications_for_bell(session),
    }


@blueprint.app_context_processor
def _what_there_is() -> dict[str, Any]:
    """Pages link to each other only where the other one is there."""
    return {"endpoints": current_app.view_functions}


def notifications_for_bell(session: Session) -> int:
    """New orders of the last day for the outlets this person is authorised for (at most 99)."""
    since = now().timestamp() - BELL_DAYS * 86_400
    found = notifications.newest(session, current_user.outlets, 99)
    return sum(1 for row in found if row.at.timestamp() >= since)


@blueprint.app_template_filter("when")
def when(at: datetime | None) -> Markup:
    """A moment: absolute in a time element, relative beside it."""
    if at is None:
        return Markup("–")
    merchant = g.get("merchant")
    zone = merchant.time_zone if merchant else "UTC"
    return Markup('<time datetime="{}" class="nowrap">{}</time> <small class="nowrap">{}</small>').format(
        at.isoformat(), words.absolute(at, zone), words.relative(at, now())
    )


@blueprint.app_template_filter("when_short")
def when_short(at: datetime | None) -> Markup:
    """A moment relative to now, absolute on pointing at it and for screen readers."""
    if at is None:
        return Markup("–")
    merchant = g.get("merchant")
    full = words.absolute(at, merchant.time_zone if merchant else "UTC")
    return Markup('<time datetime="{}" title="{}" class="nowrap">{}</time>').format(at.isoformat(), full, words.relative(at, now()))


@blueprint.app_template_filter("due")
def due(at: datetime) -> Markup:
    """When something waiting will be tried: relative to now; what is due already only waits for a worker."""
    return Markup("now") if at <= now() else when_short(at)


@blueprint.app_template_filter("outlet")
def outlet(code: str) -> str:
    """An outlet by the name people know."""
    return str(g.get("places", {}).get(code) or code)


@blueprint.app_template_filter("tag")
def tag(state: str, kind: str) -> Markup:
    """A state as symbol and word."""
    symbol, word, tone = words.label(kind, state)
    return Markup('<span class="tag {}"><i aria-hidden="true">{}</i>{}</span>').format(tone, symbol, word)


@blueprint.app_template_filter("pretty")
def pretty(value: Any) -> Markup:
    """JSON for people."""
    return escape(json.dumps(value, indent=2, ensure_ascii=False, default=str))


_FILTERS: dict[str, Callable[..., Any]] = {
    "money": words.money, "words": words.sentence, "readable": words.readable, "event_words": words.event_words, "platform": words.platform_words,
    "duration": words.duration, "command_words": words.command_words,
}  # fmt: skip
for _name, _function in _FILTERS.items():
    blueprint.add_app_template_filter(_function, _name)
blueprint.add_app_template_global(words.label, "label")
