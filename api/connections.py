"""Connections: how the systems we talk to are doing."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from flask_smorest import Blueprint
from redis import RedisError
from sqlalchemy.orm import Session

from api import paging, shapes
from api.auth import caller, requires
from api.problems import Problem
from api.schemas import answers
from api.services import services
from store import audit, commands, connections, overview
from store.models import Connection

log = logging.getLogger(__name__)

blueprint = Blueprint("connections", __name__, url_prefix="/v1/connections", description="Connected systems.")

CIRCUIT_KEY = "wissel:circuit:{}:pybreaker:state"
"""Where the workers' circuit breaker keeps its state in Redis."""


@blueprint.get("")
@blueprint.response(200, answers.page_of(answers.ConnectionAnswer))
@requires("read")
def listing() -> dict[str, Any]:
    """All connections with their state, how much waits for them and when they last did what they were told."""
    with services().database.session(caller().merchant_id, read_only=True) as session:
        return paging.page(listed(session), None)


@blueprint.post("/<connection_id>/resume")
@blueprint.arguments(answers.Repair)
@blueprint.response(200, answers.ConnectionAnswer)
@requires("administer")
def resume(arguments: dict[str, Any], connection_id: str) -> dict[str, Any]:
    """Send to a paused system again."""
    return set_state(caller().merchant_id, connection_id, caller().who, arguments["reason"], paused=False)


@blueprint.post("/<connection_id>/pause")
@blueprint.arguments(answers.Repair)
@blueprint.response(200, answers.ConnectionAnswer)
@requires("administer")
def pause(arguments: dict[str, Any], connection_id: str) -> dict[str, Any]:
    """Send nothing to a system until it is resumed; what it has to be told waits."""
    return set_state(caller().merchant_id, connection_id, caller().who, arguments["reason"], paused=True)


def set_state(merchant_id: str, connection_id: str, who: str, reason: str, *, paused: bool) -> dict[str, Any]:
    """Pause or resume a connection, on record. Raises Problem `not-found`."""
    with services().database.session(merchant_id) as session:
        connection = connections.get(session, connection_id)
        if connection is None:
            raise Problem("not-found", f"There is no connection {connection_id[:40]}.")
        if paused:
            connections.pause(session, connection, reason or f"paused by {who}")
        else:
            connections.resume(session, connection)
        action = "pause connection" if paused else "resume connection"
        audit.record(session, who=who, action=action, about=f"connection:{connection.name}", reason=reason)
        answer = next(each for each in listed(session) if each["id"] == connection_id)
    if not paused:
        services().bell.ring([connection_id])
    return answer


def listed(session: Session) -> list[dict[str, Any]]:
    """All connections of the session's merchant with how they are doing."""
    depths = commands.depths(session)
    successes = overview.last_success(session)
    cursors = overview.cursors(session)
    rows = connections.list_all(session)
    circuits = circuit_states([row.id for row in rows])
    return [
        {**_shape(row, depths.get(row.id), successes.get(row.id), circuits[row.id]), "cursors": cursors.get(row.id, {})}
        for row in rows
    ]


def _shape(row: Connection, depth: commands.Depth | None, success: datetime | None, circuit: str) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "platform": row.platform,
        "role": row.role,
        "base_url": row.base_url,
        "state": row.state,
        "paused_reason": row.paused_reason,
        "waiting": depth.waiting + depth.leased if depth else 0,
        "dead": depth.dead if depth else 0,
        "oldest_due": shapes.moment(depth.oldest_due) if depth else None,
        "last_success": shapes.moment(success),
        "circuit": circuit,
        "hooks": f"/v1/hooks/{row.id}",
    }


def circuit_states(connection_ids: list[str]) -> dict[str, str]:
    """closed, open or half-open per connection; `unknown` while Redis cannot be reached."""
    if not connection_ids:
        return {}
    try:
        found = services().redis.mget([CIRCUIT_KEY.format(each) for each in connection_ids])
    except RedisError:
        return dict.fromkeys(connection_ids, "unknown")
    states = ["closed" if value is None else value.decode() if isinstance(value, bytes) else str(value) for value in found]
    return dict(zip(connection_ids, states, strict=True))
