"""`/v1/connections`: the systems we talk to. Adding and changing them is for admins' keys; secrets go in and never out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from adapters.base import Capabilities
from adapters.outbound import BadAddress
from api import connection_health, connection_links, connection_settings, connection_setup, paging, shapes
from api.auth import caller, requires
from api.connection_health import State
from api.problems import FieldError, Problem
from api.schemas import answers
from api.schemas import connections as schemas
from api.services import services
from store import audit, connections, overview
from store.models import Connection
from store.secrets import CannotDecrypt

blueprint = Blueprint("connections", __name__, url_prefix="/v1/connections", description="Connected systems.")


@blueprint.get("")
@blueprint.response(200, answers.page_of(answers.ConnectionAnswer))
@requires("read")
def listing() -> dict[str, Any]:
    """All connections with their state, how much waits for them and when they last did what they were told."""
    with services().database.session(caller().merchant_id, read_only=True) as session:
        return paging.page(listed(session), None)


@blueprint.get("/platforms")
@blueprint.response(200, answers.page_of(schemas.PlatformAnswer))
@requires("administer")
def platforms() -> dict[str, Any]:
    """What can be connected: where its credentials are found, and which settings it has."""
    return paging.page([_platform(each.capabilities) for each in by_title()], None)


@blueprint.post("")
@blueprint.arguments(schemas.Added)
@blueprint.response(201, schemas.TestedAnswer)
@requires("administer")
def add(arguments: dict[str, Any]) -> dict[str, Any]:
    """Connect a system. It is asked first whether it takes the credentials, and kept only when it does, or as a draft."""
    if not arguments["platform"]:
        raise connection_setup.invalid([FieldError("platform", f"is missing; there are: {', '.join(sorted(services().adapters))}")])
    adapter = connection_setup.adapter_of(arguments["platform"])
    settings, errors = connection_settings.from_json(adapter.capabilities, arguments["settings"])
    wanted = connection_setup.read_wanted(
        adapter, arguments["name"], arguments["base_url"], arguments["credentials"], settings, errors, draft=arguments["draft"]
    )
    row, answer = connection_setup.add(
        caller().merchant_id, caller().who, wanted, draft=arguments["draft"], reason=arguments["reason"]
    )
    return _told(row.id, answer.message if answer else "Kept as a draft, untried.")


@blueprint.get("/<connection_id>")
@blueprint.response(200, schemas.OneConnectionAnswer)
@requires("read")
def one(connection_id: str) -> dict[str, Any]:
    """One connection: its health, settings, webhooks, and which credentials are set."""
    return _one(connection_id)


@blueprint.patch("/<connection_id>")
@blueprint.arguments(schemas.Changed)
@blueprint.response(200, schemas.OneConnectionAnswer)
@requires("administer")
def change(arguments: dict[str, Any], connection_id: str) -> dict[str, Any]:
    """Change address or settings. At another address the system is asked first whether it takes the credentials."""
    row = connection_setup.saved(caller().merchant_id, connection_id)
    capabilities = connection_setup.adapter_of(row.platform).capabilities
    settings, errors = None, list[FieldError]()
    if arguments["settings"] is not None:
        settings, errors = connection_settings.from_json(capabilities, arguments["settings"])
    base_url = arguments["base_url"]
    if base_url is not None:
        try:
            base_url = connection_setup.check_address(capabilities, base_url)
        except BadAddress as bad:
            errors.append(FieldError("base_url", str(bad)))
    if errors:
        raise connection_setup.invalid(errors)
    connection_setup.change(
        caller().merchant_id, connection_id, caller().who, base_url=base_url, settings=settings, reason=arguments["reason"]
    )
    return _one(connection_id)


@blueprint.delete("/<connection_id>")
@blueprint.response(204)
@requires("administer")
def remove(connection_id: str) -> None:
    """Remove a connection that is paused and that nothing depends on; archive one that something does depend on."""
    connection_setup.remove(caller().merchant_id, connection_id, caller().who)


@blueprint.post("/<connection_id>/archive")
@blueprint.arguments(schemas.Asked)
@blueprint.response(200, schemas.ArchivedAnswer)
@requires("administer")
def archive(arguments: dict[str, Any], connection_id: str) -> dict[str, Any]:
    """Keep a connection for its history only: its credentials are forgotten and what it was to be told is given up."""
    return {"message": connection_setup.archive(caller().merchant_id, connection_id, caller().who, arguments["reason"])}


@blueprint.post("/<connection_id>/restore")
@blueprint.arguments(schemas.Asked)
@blueprint.response(200, schemas.OneConnectionAnswer)
@requires("administer")
def restore(arguments: dict[str, Any], connection_id: str) -> dict[str, Any]:
    """Make a draft of an archived connection."""
    connection_setup.restore(caller().merchant_id, connection_id, caller().who, arguments["reason"])
    return _one(connection_id)


@blueprint.post("/<connection_id>/test")
@blueprint.arguments(schemas.Started)
@blueprint.response(200, schemas.TestedAnswer)
@requires("administer")
def test(arguments: dict[str, Any], connection_id: str) -> dict[str, Any]:
    """Ask the system now whether it takes our credentials."""
    answer = connection_setup.test(
        caller().merchant_id, connection_id, caller().who, resume=arguments["resume"], reason=arguments["reason"]
    )
    return _told(connection_id, answer.message)


@blueprint.post("/<connection_id>/rotate")
@blueprint.arguments(schemas.Rotated)
@blueprint.response(200, schemas.TestedAnswer)
@requires("administer")
def rotate(arguments: dict[str, Any], connection_id: str) -> dict[str, Any]:
    """Put new credentials in place of the old ones, once the system takes them. Those not given stay."""
    row = connection_setup.saved(caller().merchant_id, connection_id)
    given, errors = connection_setup.read_credentials(connection_setup.adapter_of(row.platform).capabilities, arguments["credentials"])
    if errors:
        raise connection_setup.invalid(errors)
    answer = connection_setup.rotate(
        caller().merchant_id, connection_id, caller().who, given, cleared=arguments["clear"], resume=arguments["resume"],
        reason=arguments["reason"],
    )  # fmt: skip
    return _told(connection_id, answer.message)


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


@blueprint.get("/<connection_id>/webhooks")
@blueprint.response(200, schemas.WebhooksAnswer)
@requires("administer")
def webhooks(connection_id: str) -> dict[str, Any]:
    """Ask the system which webhooks it sends us."""
    return _webhooks(connection_id, connection_links.read_webhooks(caller().merchant_id, connection_id).message)


@blueprint.post("/<connection_id>/webhooks")
@blueprint.arguments(schemas.Asked)
@blueprint.response(200, schemas.WebhooksAnswer)
@requires("administer")
def register_webhooks(arguments: dict[str, Any], connection_id: str) -> dict[str, Any]:
    """Have the system send its webhooks here; what is there already is mended."""
    found = connection_links.register_webhooks(caller().merchant_id, connection_id, caller().who, arguments["reason"])
    return _webhooks(connection_id, found.message)


@blueprint.delete("/<connection_id>/webhooks")
@blueprint.response(200, schemas.WebhooksAnswer)
@requires("administer")
def remove_webhooks(connection_id: str) -> dict[str, Any]:
    """Have the system send us nothing any more."""
    return _webhooks(connection_id, connection_links.remove_webhooks(caller().merchant_id, connection_id, caller().who).message)


@blueprint.get("/<connection_id>/locations")
@blueprint.response(200, schemas.LinksAnswer)
@requires("administer")
def locations(connection_id: str) -> dict[str, Any]:
    """Ask the system which locations it has, and propose which of our outlets they are."""
    connection_links.read_locations(caller().merchant_id, connection_id)
    return _links(connection_id)


@blueprint.get("/<connection_id>/links")
@blueprint.response(200, schemas.LinksAnswer)
@requires("read")
def links(connection_id: str) -> dict[str, Any]:
    """Which of our outlets is which of the system's locations. The system is not asked."""
    return _links(connection_id)


@blueprint.put("/<connection_id>/links")
@blueprint.arguments(schemas.Linked)
@blueprint.response(200, schemas.LinksAnswer)
@requires("administer")
def link(arguments: dict[str, Any], connection_id: str) -> dict[str, Any]:
    """Link outlets to locations, or unlink them."""
    connection_links.link(caller().merchant_id, connection_id, caller().who, arguments["links"], arguments["reason"])
    return _links(connection_id)


def set_state(merchant_id: str, connection_id: str, who: str, reason: str, *, paused: bool) -> dict[str, Any]:
    """Pause or resume a connection, on record. Raises Problem `not-found`, or `conflict` for one that is archived, and for
    resuming a draft."""
    row = connection_setup.saved(merchant_id, connection_id)
    if not paused and row.paused_reason == connection_setup.DRAFT:
        raise Problem("conflict", f"{row.name} is a draft: test it first (with `resume`, that starts it).")
    if paused:
        with services().database.session(merchant_id) as session:
            kept = connections.get(session, connection_id)
            if kept is not None:
                connections.pause(session, kept, reason or f"paused by {who}")
                audit.record(session, who=who, action="pause connection", about=f"connection:{row.name}", reason=reason)
    else:
        connection_setup.start(merchant_id, connection_id, who, reason)
    with services().database.session(merchant_id, read_only=True) as session:
        return next(each for each in listed(session) if each["id"] == connection_id)


def listed(session: Session) -> list[dict[str, Any]]:
    """All connections of the session's merchant that are in use, with how they are doing."""
    cursors = overview.cursors(session)
    return [_brief(state, cursors.get(state.row.id, {})) for state in connection_health.states(session, connections.list_all(session))]


def by_title() -> list[Any]:
    """Every adapter, by the name of its platform."""
    return sorted(services().adapters.values(), key=lambda each: each.capabilities.title.lower())


def credentials_of(row: Connection) -> list[dict[str, Any]]:
    """Which credentials a connection can have and has, and since when; never what they are."""
    adapter = services().adapters.get(row.platform)
    try:
        known = connections.credential_names(row, services().cipher)
    except CannotDecrypt:
        known = {}
    named = adapter.capabilities.credentials if adapter else ()
    optional = adapter.capabilities.optional_credentials if adapter else ()
    return [
        {"name": name, "set": name in known, "optional": name in optional, "since": shapes.moment(known.get(name))}
        for name in dict.fromkeys((*named, *known))
    ]


def statuses_of(capabilities: Capabilities) -> dict[str, dict[str, str]]:
    """What can be told there: kind of status -> our word -> the word its staff see."""
    return {
        kind: {word: capabilities.labels.get(kind, {}).get(word, "") for word in sorted(words)}
        for kind, words in sorted(capabilities.statuses.items())
    }


def _brief(state: State, cursors: Mapping[str, Any]) -> dict[str, Any]:
    row = state.row
    return {
        "id": row.id,
        "name": row.name,
        "platform": row.platform,
        "role": row.role,
        "base_url": row.base_url,
        "state": row.state,
        "paused_reason": row.paused_reason,
        "waiting": state.waiting,
        "dead": state.depth.dead,
        "oldest_due": shapes.moment(state.depth.oldest_due),
        "last_success": shapes.moment(state.kept.last_success),
        "circuit": state.circuit,
        "hooks": f"/v1/hooks/{row.id}",
        "cursors": dict(cursors),
    }


def _one(connection_id: str) -> dict[str, Any]:
    row = connection_setup.saved(caller().merchant_id, connection_id, archived=True)
    adapter = services().adapters.get(row.platform)
    with services().database.session(caller().merchant_id, read_only=True) as session:
        (state,) = connection_health.states(session, [row])
        return {
            **_brief(state, overview.cursors(session).get(row.id, {})),
            "health": connection_health.as_json(state),
            "credentials": credentials_of(row),
            "settings": dict(row.settings),
            "webhooks": _webhook_state(session, row, ""),
            "operations": sorted(adapter.capabilities.operations) if adapter else [],
            "statuses": statuses_of(adapter.capabilities) if adapter else {},
        }


def _told(connection_id: str, message: str) -> dict[str, Any]:
    return {"message": message, "connection": _one(connection_id)}


def _platform(capabilities: Capabilities) -> dict[str, Any]:
    return {
        "platform": capabilities.platform,
        "title": capabilities.title,
        "role": capabilities.role,
        "guide": capabilities.guide,
        "base_url": capabilities.default_base_url,
        "credentials": [
            {"name": name, "hint": capabilities.credential_hints.get(name, ""), "optional": name in capabilities.optional_credentials}
            for name in capabilities.credentials
        ],
        "settings": [
            {"name": each.name, "meaning": each.meaning, "kind": each.kind, "default": each.default}
            for each in connection_settings.settings_of(capabilities)
        ],
        "operations": sorted(capabilities.operations),
        "statuses": statuses_of(capabilities),
    }


def _webhooks(connection_id: str, message: str) -> dict[str, Any]:
    row = connection_setup.saved(caller().merchant_id, connection_id)
    with services().database.session(caller().merchant_id, read_only=True) as session:
        return _webhook_state(session, row, message)


def _webhook_state(session: Session, row: Connection, message: str) -> dict[str, Any]:
    found = connection_links.webhooks_of(session, row)
    return {
        "supported": found.supported, "address": found.address, "seen_at": found.seen_at, "topics": list(found.topics), "message": message,
    }  # fmt: skip


def _links(connection_id: str) -> dict[str, Any]:
    row = connection_setup.saved(caller().merchant_id, connection_id)
    with services().database.session(caller().merchant_id, read_only=True) as session:
        found = connection_links.links_of(session, row)
    return {
        "seen_at": found.seen_at,
        "locations": list(found.locations),
        "links": [
            {"outlet": each.outlet.code, "name": each.outlet.name, "linked": each.linked, "proposed": each.proposed, "because": each.because}
            for each in found.rows
        ],
    }
