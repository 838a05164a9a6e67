"""The Admin API's addresses as the sandbox serves them: GraphQL, and tokens by client credentials."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, current_app, request
from flask.sansio.blueprints import BlueprintSetupState

from adapters.sandbox import sandbox, to_json
from adapters.shopify.sandbox_graphql import Bucket, run
from adapters.shopify.sandbox_queries import VERSIONS

SCOPES = (
    "read_customers", "read_locations", "read_products", "write_fulfillments", "write_inventory",
    "write_merchant_managed_fulfillment_orders", "write_orders",
)  # fmt: skip
TOKEN_SECONDS = 86_399

api = Blueprint("shopify_api", __name__, url_prefix="/admin")


@api.record
def _fill_bucket(setup: BlueprintSetupState) -> None:
    state = sandbox(setup.app).state  # type: ignore[arg-type]
    setup.app.extensions["shopify_bucket"] = Bucket(
        float(state.setting("cost_bucket", 2000)), float(state.setting("restore_rate", 100))
    )


def bucket() -> Bucket:
    """The points of the app that calls this sandbox."""
    found = current_app.extensions["shopify_bucket"]
    assert isinstance(found, Bucket)
    return found


def error(status: int, words: str) -> Response:
    """The vendor's error outside GraphQL."""
    return Response(to_json({"errors": words}), status, mimetype="application/json")


def called() -> str:
    """What a GraphQL request is about: the beginning of its text without line breaks, `mutation Ship(…) { fulfillmentCreate(…`."""
    body = request.get_json(silent=True)
    text = body.get("query") if isinstance(body, dict) else None
    return " ".join(str(text).split())[:600] if text else ""


@api.post("/api/<version>/graphql.json")
def graphql(version: str) -> Response:
    """One GraphQL request."""
    served = _served(version)
    if served is None:
        return error(404, "Not Found")
    scopes = _scopes_of(request.headers.get("X-Shopify-Access-Token", ""))
    if scopes is None:
        return error(401, "[API] Invalid API key or access token (unrecognized login or wrong password)")
    body = request.get_json(silent=True)
    if not isinstance(body, dict) or not isinstance(body.get("variables") or {}, dict):
        return error(400, "The request body is not a GraphQL request.")
    answer = run(sandbox(), bucket(), body, scopes=scopes, version=served)
    response = Response(to_json(answer), mimetype="application/json")
    response.headers["X-Shopify-API-Version"] = served
    response.headers["X-Request-Id"] = secrets.token_hex(16)
    return response


@api.post("/oauth/access_token")
def access_token() -> Response:
    """A token for 24 hours, for the app's own client id and secret."""
    given: Mapping[str, Any] = request.get_json(silent=True) or request.form
    box, state = sandbox(), sandbox().state
    if not isinstance(given, Mapping) or given.get("grant_type") != "client_credentials":
        return _refused("unsupported_grant_type", "The grant type is not supported.")
    right_id = hmac.compare_digest(str(given.get("client_id")).encode(), str(state.setting("client_id")).encode())
    if not right_id:
        return _refused("application_cannot_be_found", "The application cannot be found.")
    if not hmac.compare_digest(str(given.get("client_secret")).encode(), box.courier.secret.encode()):
        return _refused("invalid_client", "The client secret is wrong.")
    token = f"shpat_{secrets.token_hex(16)}"
    seconds = int(state.setting("token_seconds", TOKEN_SECONDS))
    scopes = list(state.setting("scopes", SCOPES))
    state.put("token", token, {"expires": state.now() + seconds, "scopes": scopes})
    state.count("tokens_made")
    body = {"access_token": token, "scope": ",".join(scopes), "expires_in": seconds}
    return Response(to_json(body), mimetype="application/json")


def _refused(code: str, words: str) -> Response:
    return Response(to_json({"error": code, "error_description": words}), 400, mimetype="application/json")


def _served(version: str) -> str | None:
    """The version that answers: an unsupported one falls forward to the oldest, one that does not exist yet is unknown."""
    if version == "unstable":
        return VERSIONS[-1]
    if not re.fullmatch(r"20[0-9]{2}-(01|04|07|10)", version) or version > VERSIONS[-1]:
        return None
    return version if version in VERSIONS else VERSIONS[0]


def _scopes_of(token: str) -> tuple[str, ...] | None:
    """The scopes of a token, None when it is unknown or over. A bought token keeps those it was bought with."""
    state = sandbox().state
    found = state.get("token", token) if token else None
    static = bool(token) and token == state.setting("token")
    if static:
        return tuple(state.setting("scopes", SCOPES))
    return None if found is None or found["expires"] <= state.now() else tuple(found["scopes"])
