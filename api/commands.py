"""Commands: what systems are told, how that went, and stepping in when it did not go."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from api import paging, shapes
from api.auth import caller, requires
from api.orders import by_id
from api.problems import FieldError, Problem
from api.schemas import answers
from api.services import services
from store import commands, connections
from store.flow_models import Command

blueprint = Blueprint("commands", __name__, url_prefix="/v1/commands", description="Commands to systems, with every attempt.")

BIGGEST_ID = 2**63 - 1
ID = f"<int(max={BIGGEST_ID}):command_id>"


@blueprint.get("")
@blueprint.arguments(answers.CommandListing, location="query")
@blueprint.response(200, answers.page_of(answers.CommandAnswer))
@requires("read")
def listing(arguments: dict[str, Any]) -> dict[str, Any]:
    """The delivery log, newest first."""
    position = paging.position_of("commands", arguments["cursor"])
    with services().database.session(caller().merchant_id, read_only=True) as session:
        page = commands.listed(
            session,
            status=arguments["status"],
            connection_id=connection_id_of(session, arguments["connection"]),
            order_id=arguments["order"],
            failed=arguments["failed"],
            before=position,
            limit=arguments["limit"],
        )
        known = by_id(session)
        items = [shapes.command(row, known) for row in page.commands]
    return paging.page(items, paging.cursor_for("commands", page.before))


@blueprint.get(f"/{ID}")
@blueprint.response(200, answers.CommandAnswer)
@requires("read")
def one(command_id: int) -> dict[str, Any]:
    """One command with the requests and answers of every attempt, masked."""
    with services().database.session(caller().merchant_id, read_only=True) as session:
        return shapes.command(_get(session, command_id), by_id(session), with_attempts=True)


@blueprint.post(f"/{ID}/retry")
@blueprint.arguments(answers.Repair)
@blueprint.response(200, answers.CommandAnswer)
@requires("repair")
def retry(arguments: dict[str, Any], command_id: int) -> dict[str, Any]:
    """Try a dead or waiting command again at once."""
    return retry_one(caller().merchant_id, command_id, caller().who, arguments["reason"])


@blueprint.post(f"/{ID}/cancel")
@blueprint.arguments(answers.Repair)
@blueprint.response(200, answers.CommandAnswer)
@requires("repair")
def cancel(arguments: dict[str, Any], command_id: int) -> dict[str, Any]:
    """Give a waiting or dead command up, so that later ones about the same thing can go."""
    return cancel_one(caller().merchant_id, command_id, caller().who, arguments["reason"])


def retry_one(merchant_id: str, command_id: int, who: str, reason: str) -> dict[str, Any]:
    """Have a command tried again and wake its worker. Raises Problem `not-found` or `conflict`."""
    return _repair(commands.retry, merchant_id, command_id, who, reason)


def cancel_one(merchant_id: str, command_id: int, who: str, reason: str) -> dict[str, Any]:
    """Give a command up and wake the worker for what waited behind it. Raises Problem `not-found` or `conflict`."""
    return _repair(commands.cancel, merchant_id, command_id, who, reason)


def _repair(act: Any, merchant_id: str, command_id: int, who: str, reason: str) -> dict[str, Any]:
    with services().database.session(merchant_id) as session:
        try:
            command = act(session, command_id, who=who, reason=reason)
        except commands.UnknownCommand as unknown:
            raise Problem("not-found", str(unknown)) from None
        except commands.WrongState as wrong:
            raise Problem("conflict", str(wrong)) from None
        answer = shapes.command(command, by_id(session), with_attempts=True)
        connection_id = command.connection_id
    services().bell.ring([connection_id])
    return answer


def _get(session: Session, command_id: int) -> Command:
    try:
        return commands.get(session, command_id)
    except commands.UnknownCommand as unknown:
        raise Problem("not-found", str(unknown)) from None


def connection_id_of(session: Session, name: str | None) -> str | None:
    """The id of the connection of that name; None for none. Raises Problem `invalid` for an unknown name."""
    if not name:
        return None
    try:
        return connections.by_name(session, name).id
    except connections.UnknownConnection as unknown:
        raise Problem("invalid", f"connection: {unknown}", errors=[FieldError("connection", str(unknown))]) from None
