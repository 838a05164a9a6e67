"""Orders: the list one searches, and one order's story."""

from __future__ import annotations

from typing import Any

from flask import flash, request, url_for
from flask_login import current_user
from sqlalchemy.orm import Session

from api import paging
from api.orders import by_id, release_one
from api.orders import story as story_json
from api.problems import Problem
from api.ui import blueprint
from api.ui.agreement import agreement
from api.ui.frame import as_json, back_to, page, reading, reason_given, show
from api.ui.timeline import timeline
from engine.vocabulary import ORDER_STATES
from store import orders, overview, stock
from store.order_models import Order

PER_PAGE = 50
MOST_FOUND = 200
FILTERS = (("", "All"), ("trouble", "Needs a person"), *((state, "") for state in ORDER_STATES))


@blueprint.get("/")
@page
def orders_list() -> Any:
    """Orders by any number, e-mail address or name; by state; or those that need a person."""
    text, state = request.args.get("q", "")[:200], request.args.get("state", "")
    if state not in {value for value, _ in FILTERS}:
        raise Problem("bad-request", f"There is no order state {state[:40]!r}.")
    with reading() as session:
        found, cursor = _find(session, text, state)
        overview.load_fulfilments(session, found)
        open_commands = overview.open_commands(session, [order.id for order in found])
        rows = [(order, agreement(order, open_commands.get(order.id, {}))) for order in found]
        return show(
            session, "orders", "table", rows=rows, text=text, state=state, filters=FILTERS, cursor=cursor, systems=by_id(session)
        )


def _find(session: Session, text: str, state: str) -> tuple[list[Order], str | None]:
    if state == "trouble":
        among = {order.id for order in orders.search(session, text, limit=MOST_FOUND).orders} if text.strip() else None
        return list(overview.troubled_orders(session, among, limit=MOST_FOUND)), None
    position = paging.position_of("orders-page", request.args.get("cursor"))
    found = orders.search(session, text, state or None, position, PER_PAGE)
    return list(found.orders), paging.cursor_for("orders-page", found.cursor)


@blueprint.get("/orders/<order_id>")
@page
def order(order_id: str) -> Any:
    """One order's story: where it stands on every side, what went wrong, and everything that happened."""
    with reading() as session:
        try:
            story = orders.story(session, order_id)
        except orders.UnknownOrder:
            raise Problem("not-found", f"There is no order {order_id[:40]}.") from None
        side, failed = request.args.get("side", ""), request.args.get("failed") == "1"
        oldest_first = request.args.get("sort") == "oldest"
        systems = by_id(session)
        told = overview.open_commands(session, [order_id]).get(order_id, {})
        return show(
            session, "order", "story",
            story=story, order=story.order, systems=systems, agreement=agreement(story.order, told),
            moving=any(c.status in ("waiting", "leased") for c in story.commands) or any(e.status == "received" for e in story.events),
            groups=timeline(story, systems, side=side, failed_only=failed, oldest_first=oldest_first),
            side=side, failed=failed, sort="oldest" if oldest_first else "newest",
            reserved=stock.reserved_by(session, order_id),
        )  # fmt: skip


@blueprint.get("/orders/<order_id>.json")
@page
def order_json(order_id: str) -> Any:
    """The same as data."""
    with reading() as session:
        return as_json(story_json(session, order_id))


@blueprint.post("/orders/<order_id>/release")
@page
def order_release(order_id: str) -> Any:
    """Take a held or ignored order in: a person has looked at it."""
    taken = release_one(current_user.merchant_id, order_id, current_user.who, reason_given())
    flash(f"Released: {taken.summary or taken.reason}", "good" if taken.status == "decided" else "bad")
    return back_to(url_for("ui.order", order_id=order_id))
