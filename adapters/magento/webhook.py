"""Checks webhooks of a module that the shop installed.

Magento Open Source sends none, and modules differ in what they send. Ours to settle is: the header named by the setting
`webhook_header` carries the hex HMAC-SHA256 of the raw body, keyed with the credential `webhook_secret`. The body is JSON that
names an order or an article, at its top or inside `order`, `product`, `entity` or `data`. It is a hint to read, nothing more.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from adapters.base import Connection, WebhookHint, WebhookRejected
from adapters.fields import object_of, text
from adapters.magento.settings import text_setting

_TOPICS = ("event", "topic", "type")
_OWN_IDS = ("event_id", "webhook_id", "delivery_id")


def signature(body: bytes, secret: str) -> str:
    """The value of the signature header."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def verify(body: bytes, headers: Mapping[str, str], connection: Connection) -> Sequence[WebhookHint]:
    """See `adapters.base.Adapter.verify`. Events about other things give no hints and are fine."""
    header = text_setting(connection, "webhook_header")
    given = {name.lower(): value for name, value in headers.items()}.get(header.lower(), "").strip().removeprefix("sha256=")
    secret = connection.credentials.get("webhook_secret", "")
    if not secret:
        raise WebhookRejected(f"Connection {connection.name!r} has no webhook_secret to check webhooks with.", 401)
    if not given:
        raise WebhookRejected(f"The header {header} is missing.", 401)
    if not hmac.compare_digest(signature(body, secret).encode(), given.lower().encode("utf-8", "replace")):
        raise WebhookRejected("The signature does not belong to this body and this connection's webhook_secret.", 401)
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        raise WebhookRejected("The body is not JSON.") from None
    if not isinstance(event, dict):
        raise WebhookRejected("The body must be a JSON object.")
    return _hints(event, body)


def _hints(event: Mapping[str, Any], body: bytes) -> Sequence[WebhookHint]:
    topic = next((text(event, name) for name in _TOPICS if text(event, name)), None) or "webhook"
    data = object_of(event, "data")
    order = object_of(event, "order") or object_of(data, "order")
    product = object_of(event, "product") or object_of(data, "product")
    entity = order or product or object_of(event, "entity") or data or event
    about_product = bool(product) or (not order and ("product" in topic or ("sku" in entity and "increment_id" not in entity)))
    names = ("product_id", "entity_id", "id") if about_product else ("order_id", "entity_id", "id")
    found = next((text(entity, name) for name in names if re.fullmatch(r"[0-9]{1,18}", text(entity, name) or "")), None)
    if found is None and about_product and text(entity, "sku"):
        found = f"sku:{text(entity, 'sku')}"
    if found is None or not (about_product or order or "order" in topic or "increment_id" in entity or "order_id" in entity):
        return ()
    noun = "product" if about_product else "order"
    own = next((text(event, name) for name in _OWN_IDS if text(event, name)), None)
    return (
        WebhookHint(
            event_id=(own or hashlib.sha256(body).hexdigest())[:200],
            native_type=topic[:100],
            subject=f"{noun}:{found}",
            time=_time(entity),
            operation=f"read_{noun}",
            payload={"external_id": found},
        ),
    )


def _time(entity: Mapping[str, Any]) -> datetime:
    try:
        return datetime.strptime(str(entity.get("updated_at")), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return datetime.now(UTC)
