"""Checks E-Series webhooks and says what to read.

The signature covers `eventCreated.eventId` and not the body, so nothing in the body but ids is used: the entity itself
is read over the API (vendor documentation, "Webhooks").
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from adapters.base import Connection, WebhookHint, WebhookRejected
from adapters.fields import body_object

SIGNATURE_HEADER = "X-Ecwid-Webhook-Signature"

_ORDER_EVENTS = frozenset(
    {"order.created", "order.updated", "order.deleted", "unfinished_order.created", "unfinished_order.updated"}
)
_PRODUCT_EVENTS = frozenset({"product.created", "product.updated"})
_LONGEST_ID = 200
_LAST_MOMENT = 253_402_300_799


def signature(event_created: object, event_id: object, client_secret: str) -> str:
    """The value of the signature header: Base64 of HMAC-SHA256 over `eventCreated.eventId`."""
    message = f"{event_created}.{event_id}".encode("utf-8", "replace")
    return base64.b64encode(hmac.new(client_secret.encode(), message, hashlib.sha256).digest()).decode("ascii")


def verify(body: bytes, headers: Mapping[str, str], connection: Connection) -> Sequence[WebhookHint]:
    """See `adapters.base.Adapter.verify`. Events that need no reading give no hints and are fine."""
    given = {name.lower(): value for name, value in headers.items()}.get(SIGNATURE_HEADER.lower(), "")
    secret = connection.credentials.get("client_secret", "")
    if not secret:
        raise WebhookRejected(f"Connection {connection.name!r} has no client_secret to check webhooks with.", 401)
    if not given:
        raise WebhookRejected(f"The header {SIGNATURE_HEADER} is missing.", 401)
    event = _event(body)
    expected = signature(event["eventCreated"], event["eventId"], secret)
    if not hmac.compare_digest(expected.encode(), given.strip().encode("utf-8", "replace")):
        raise WebhookRejected("The signature does not belong to this event and this connection's client_secret.", 401)
    if str(event.get("storeId")) != str(connection.credentials.get("store_id")):
        raise WebhookRejected(
            f"This webhook is of store {str(event.get('storeId'))[:40]}, not of this connection's store."
        )
    return _hints(event)


def _event(body: bytes) -> dict[str, Any]:
    """The parts of the body that the signature covers, checked; 400 when they make no sense."""
    event = body_object(body)
    event_id, created = event.get("eventId"), event.get("eventCreated")
    if not isinstance(event_id, str) or not 0 < len(event_id) <= _LONGEST_ID:
        raise WebhookRejected("eventId must be a text.")
    if isinstance(created, bool) or not isinstance(created, int) or not 0 <= created <= _LAST_MOMENT:
        raise WebhookRejected("eventCreated must be UNIX seconds.")
    if not isinstance(event.get("eventType"), str):
        raise WebhookRejected("eventType must be a text.")
    return event


def _hints(event: Mapping[str, Any]) -> Sequence[WebhookHint]:
    kind = event["eventType"]
    if kind in _ORDER_EVENTS:
        return (_hint(event, "order", _order_id(event), "read_order", kind == "order.deleted"),)
    if kind in _PRODUCT_EVENTS:
        return (_hint(event, "product", _entity_id(event), "read_product"),)
    return ()


def _hint(event: Mapping[str, Any], noun: str, external_id: str, operation: str, deleted: bool = False) -> WebhookHint:
    return WebhookHint(
        event_id=event["eventId"],
        native_type=event["eventType"],
        subject=f"{noun}:{external_id}",
        time=datetime.fromtimestamp(event["eventCreated"], UTC),
        operation=operation,
        payload={"external_id": external_id} | ({"deleted": True} if deleted else {}),
    )


def _order_id(event: Mapping[str, Any]) -> str:
    """The public order id. `entityId` is an internal number, only of old stores the same as the order's."""
    data = event.get("data")
    order_id = data.get("orderId") if isinstance(data, Mapping) else None
    return order_id if isinstance(order_id, str) and 0 < len(order_id) <= _LONGEST_ID else _entity_id(event)


def _entity_id(event: Mapping[str, Any]) -> str:
    entity = event.get("entityId")
    if isinstance(entity, bool) or not isinstance(entity, int | str) or not 0 < len(str(entity)) <= _LONGEST_ID:
        raise WebhookRejected("The event names no entity: entityId is missing.")
    return str(entity)
