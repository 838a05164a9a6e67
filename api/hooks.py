"""`POST /v1/hooks/...`: the native, signed webhooks of connected systems.

A webhook is only a hint that something happened: it is kept as an event, and deciding it asks the system itself.
"""

from __future__ import annotations

import hashlib
import json
import logging
from typing import Any

from flask import Response, jsonify, request
from flask_smorest import Blueprint

from adapters import base
from api.auth import states
from api.problems import Problem
from api.reading import check_values, read_body
from api.schemas import answers
from api.services import services
from store import connections
from store.events import EventConflict
from store.models import Connection
from store.secrets import CannotDecrypt

log = logging.getLogger(__name__)

blueprint = Blueprint("hooks", __name__, url_prefix="/v1/hooks", description="Native webhooks of connected systems.")

SIGNED: dict[str, Any] = {
    "security": [],
    "requestBody": {"required": True, "content": {"*/*": {"schema": {"description": "Whatever the system sends."}}}},
}


@blueprint.post("/<connection>")
@blueprint.doc(**SIGNED)
@blueprint.response(200, answers.HookAnswer)
@states("signature")
def by_connection(connection: str) -> Response:
    """A native webhook for a connection, named by its id, or by its name where only one merchant uses that name.

    The signature proves the sender; there is no API key.
    """
    return _take(None, connection)


@blueprint.post("/<merchant>/<connection>")
@blueprint.doc(**SIGNED)
@blueprint.response(200, answers.HookAnswer)
@states("signature")
def by_merchant(merchant: str, connection: str) -> Response:
    """A native webhook for a merchant's connection, both by name."""
    return _take(merchant, connection)


def _take(merchant: str | None, name: str) -> Response:
    body = read_body(request, services().config.max_body_bytes)
    with services().database.system_session(read_only=True) as session:
        row = connections.of_hook(session, name, merchant)
    if row is None:
        raise Problem("not-found", "No webhooks are taken at this address.")
    hints = _verified(row, body)
    for hint in hints:
        _keep(row, hint)
    return jsonify({"accepted": len(hints)})


def _verified(row: Connection, body: bytes) -> list[base.WebhookHint]:
    adapter = services().adapters.get(row.platform)
    if adapter is None:
        raise Problem("not-found", "No webhooks are taken at this address.")
    try:
        credentials = services().cipher.decrypt(row.credentials)
    except CannotDecrypt:
        log.error("credentials cannot be read", extra={"connection_id": row.id})
        raise Problem("unavailable", "The signing secret of this connection cannot be read at the moment.") from None
    connection = base.Connection(row.id, row.name, row.platform, row.role, row.base_url, credentials, row.settings)
    try:
        return list(adapter.verify(body, dict(request.headers), request.args.to_dict(), connection))
    except base.WebhookRejected as rejected:
        log.warning("webhook rejected", extra={"connection_id": row.id, "reason": rejected.message})
        slug = {401: "bad-signature", 413: "too-large"}.get(rejected.status, "bad-request")
        raise Problem(slug, rejected.message, status=rejected.status) from None


def _keep(row: Connection, hint: base.WebhookHint) -> None:
    """Keep one hint. The same webhook again is recognised; a system that uses one id for two things loses neither.

    Raises Problem `invalid` when it holds text that cannot be stored.
    """
    data = {"native_type": hint.native_type, "operation": hint.operation, "payload": dict(hint.payload), "subject": hint.subject}
    check_values({"id": hint.event_id, **data})
    event = base.NewEvent(hint.event_id, "hook.received", hint.subject, hint.time, data)
    source = f"{row.name}/hooks"
    try:
        services().intake.take_in(row.merchant_id, source, event, connection_id=row.id)
    except EventConflict:
        content = hashlib.sha256(json.dumps(data, sort_keys=True, default=str).encode()).hexdigest()[:16]
        other = base.NewEvent(f"{hint.event_id[:180]}:{content}", event.type, event.subject, event.time, data)
        services().intake.take_in(row.merchant_id, source, other, connection_id=row.id)
