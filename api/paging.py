"""Lists a page at a time. A cursor is opaque and signed: it continues exactly the list it came from."""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from itsdangerous import BadSignature, URLSafeSerializer

from api.problems import FieldError, Problem
from api.services import services

MOST = 200


def cursor_for(listing: str, position: Any) -> str | None:
    """A cursor that continues `listing` at `position`; None at the end."""
    return None if position is None else str(_serializer(listing).dumps(position))


def position_of(listing: str, cursor: str | None) -> Any:
    """Where a cursor points.

    Raises Problem `invalid` for a cursor that we did not give out for this listing.
    """
    if not cursor:
        return None
    try:
        return _serializer(listing).loads(cursor)
    except BadSignature:
        error = FieldError("cursor", "is not a cursor of this list; leave it out to start at the beginning")
        raise Problem("invalid", f"cursor {error.message}.", errors=[error]) from None


def page(items: list[Any], cursor: str | None) -> dict[str, Any]:
    """A page as JSON: the items, and where the next page is."""
    following = None
    if cursor is not None and request.endpoint is not None:
        arguments = {key: value for key, value in request.args.items() if key != "cursor"}
        address: dict[str, Any] = {**(request.view_args or {}), **arguments, "cursor": cursor}
        following = url_for(request.endpoint, **address)
    return {"items": items, "cursor": cursor, "next": following}


def _serializer(listing: str) -> URLSafeSerializer:
    return URLSafeSerializer(services().config.secret_key, salt=f"cursor:{listing}")
