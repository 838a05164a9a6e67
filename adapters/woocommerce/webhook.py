"""Checks WooCommerce webhooks and says what to read.

The signature is Base64 of HMAC-SHA256 over the raw body. Topic and ids travel in headers that it does not cover, so they
choose nothing but which read is made. Source: `class-wc-webhook.php`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from adapters.base import Connection, WebhookHint, WebhookRejected
from adapters.fields import body_object
from adapters.woocommerce.auth import webhook_secret
from adapters.woocommerce.mapping import gmt
from adapters.woocommerce.progress import NO_ORDERS
from adapters.woocommerce.subscriptions import TOPICS

SIGNATURE_HEADER = "X-WC-Webhook-Signature"
_PING = re.compile(rb"webhook_id=[0-9]{1,18}")
_FORM = "application/x-www-form-urlencoded"
_LARGEST_ID = 10**18


def signature(body: bytes, secret: str) -> str:
    """The value of the signature header."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode("ascii")


def verify(body: bytes, headers: Mapping[str, str], connection: Connection) -> Sequence[WebhookHint]:
    """See `adapters.base.Adapter.verify`. Events that need no reading give no hints and are fine, and so is the ping
    that the shop sends unsigned until it is answered with 200: nothing else is accepted unsigned.

    A shop whose webhook belongs to a user without rights delivers its own error, signed like an event: that says
    nothing either.
    """
    given = {name.lower(): value for name, value in headers.items()}
    if _is_ping(body, given):
        return ()
    secret = webhook_secret(connection)
    if not secret:
        raise WebhookRejected(f"Connection {connection.name!r} has no secret to check webhooks with.", 401)
    signed = given.get(SIGNATURE_HEADER.lower(), "")
    if not signed:
        raise WebhookRejected(f"The header {SIGNATURE_HEADER} is missing.", 401)
    if not hmac.compare_digest(signature(body, secret).encode(), signed.strip().encode("utf-8", "replace")):
        raise WebhookRejected("The signature does not belong to this body and this connection's secret.", 401)
    return _hints(body, given)


def _is_ping(body: bytes, headers: Mapping[str, str]) -> bool:
    """The exact shape: a form of one number, and none of the headers that deliveries have."""
    form = headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM
    return form and _PING.fullmatch(body) is not None and not any(name.startswith("x-wc-") for name in headers)


def _hints(body: bytes, headers: Mapping[str, str]) -> Sequence[WebhookHint]:
    topic = headers.get("x-wc-webhook-topic", "")
    entity = body_object(body)
    id = entity.get("id")
    if topic not in TOPICS or isinstance(id, bool) or not isinstance(id, int) or not 0 < id < _LARGEST_ID:
        return ()
    status = entity.get("status")
    if isinstance(status, str) and status in NO_ORDERS:
        return ()
    noun = topic.partition(".")[0]
    deleted = topic == "order.deleted"
    payload: dict[str, Any] = {"external_id": str(id)} | ({"deleted": True} if deleted else {})
    return (
        WebhookHint(
            event_id=_event_id(noun, id, deleted, entity, body, headers),
            native_type=topic,
            subject=f"{noun}:{id}",
            time=gmt(entity.get("date_modified_gmt")) or datetime.now(UTC),
            operation=f"read_{noun}",
            payload=payload,
        ),
    )


def _event_id(
    noun: str, id: int, deleted: bool, entity: Mapping[str, Any], body: bytes, headers: Mapping[str, str]
) -> str:
    """The shop's delivery id names a webhook and a second, so ten orders may share one. What was delivered tells better:
    order.created and order.updated of one checkout have the same body and are one event. Only a deletion, whose body is
    nothing but the id, needs the delivery id to be told from the next one."""
    if deleted:
        delivery = re.sub("[^0-9A-Za-z]", "", headers.get("x-wc-webhook-delivery-id", ""))[:64]
        return f"{noun}:{id}:deleted:{delivery}"
    changed = gmt(entity.get("date_modified_gmt"))
    second = int(changed.timestamp()) if changed else 0
    return f"{noun}:{id}:{second}:{hashlib.sha256(body).hexdigest()[:24]}"
