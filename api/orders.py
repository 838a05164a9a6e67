"""Orders: finding one by any number, and reading its whole story."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from adapters.base import NewEvent
from api import paging, shapes
from api.auth import caller, requires
from api.events import taken_answer
from api.problems import Problem
from api.schemas import answers
from api.services import Taken, services
from store import audit, connections, orders, overview
from store.columns import new_id, now
from store.events import OUR_SOURCE
from store.models import Connection

blueprint = Blueprint("orders", __name__, url_prefix="/v1/orders", description="Orders and their stories.")


@blueprint.get("")
@blueprint.arguments(answers.OrderListing, location="query")
@blueprint.response(200, answers.page_of(answers.OrderBrief))
@requires("read")
def listing(arguments: dict[str, Any]) -> dict[str, Any]:
    """Orders, newest first, found by the beginning of any number, e-mail address or name."""
    position = paging.position_of("orders", arguments["cursor"])
    with services().database.session(caller().merchant_id, read_only=True) as session:
        found = orders.search(session, arguments["q"], arguments["state"], position, arguments["limit"])
        overview.load_fulfilments(session, found.orders)
        known = by_id(session)
        items = [shapes.order_brief(order, known) for order in found.orders]
    return paging.page(items, paging.cursor_for("orders", found.cursor))


@blueprint.get("/<order_id>")
@blueprint.response(200, answers.OrderAnswer)
@requires("read")
def one(order_id: str) -> dict[str, Any]:
    """One order with its lines, fulfilments and payments, and everything that happened to it."""
    with services().database.session(caller().merchant_id, read_only=True) as session:
        return story(session, order_id)


@blueprint.post("/<order_id>/release")
@blueprint.arguments(answers.Repair)
@blueprint.response(200, answers.TakenAnswer)
@requires("repair")
def release(arguments: dict[str, Any], order_id: str) -> dict[str, Any]:
    """Take a held or ignored order in, because a person has looked at it: the intake rules are passed over."""
    return taken_answer(release_one(caller().merchant_id, order_id, caller().who, arguments["reason"]))


def release_one(merchant_id: str, order_id: str, who: str, reason: str) -> Taken:
    """Take a held or ignored order in, on record. Raises Problem `not-found`, or `conflict` when it is neither."""
    with services().database.session(merchant_id) as session:
        order = orders.get(session, order_id)
        if order is None:
            raise Problem("not-found", f"There is no order {order_id[:40]}.")
        if order.state not in ("held", "ignored"):
            raise Problem("conflict", f"Only a held or ignored order can be released; this one is {order.state}.")
        audit.record(session, who=who, action="release order", about=f"order:{order_id}", reason=reason)
    event = NewEvent(
        id=f"release:{new_id()}",
        type="order.reconsidered",
        subject=f"order:{order_id}",
        time=now(),
        data={"order": {"id": order_id}, "release": True, "by": who, "reason": reason},
    )
    return services().intake.take_in(merchant_id, OUR_SOURCE, event)


def story(session: Session, order_id: str) -> dict[str, Any]:
    """One order's whole story as JSON. Raises Problem `not-found`."""
    try:
        found = orders.story(session, order_id)
    except orders.UnknownOrder:
        raise Problem("not-found", f"There is no order {order_id[:40]}.") from None
    known = by_id(session)
    decided = {decision.event_id: decision.id for decision in found.decisions}
    return {
        **shapes.order(found.order, known),
        "numbers": [{"kind": number.kind, "number": number.number} for number in found.numbers],
        "trackings": [shapes.tracking(row) for row in found.trackings],
        "invoices": [shapes.invoice(row) for row in found.invoices],
        "events": [shapes.event(row, decision_id=decided.get(row.id)) for row in found.events],
        "decisions": [shapes.decision_brief(row) for row in found.decisions],
        "commands": [shapes.command(row, known, with_attempts=True) for row in found.commands],
    }


def by_id(session: Session) -> dict[str, Connection]:
    """The merchant's connections by id."""
    return {connection.id: connection for connection in connections.list_all(session, archived=True)}
