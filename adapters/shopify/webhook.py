"""Checks Shopify webhooks and says what to read.

The signature is over the raw body; of the headers nothing is signed. A replay is recognised by `X-Shopify-Webhook-Id`,
and does no harm where that was changed: all that follows is a read. Source: shopify.dev, "Webhooks delivery structure"
and "Verify webhook deliveries".
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from adapters.base import Connection, WebhookHint, WebhookRejected
from adapters.fields import body_object

SIGNATURE_HEADER = "X-Shopify-Hmac-Sha256"
_LONGEST_ID = 200

TOPICS: tuple[str, ...] = (
    "orders/create", "orders/updated", "orders/paid", "orders/cancelled", "orders/fulfilled", "orders/partially_fulfilled",
    "orders/edited", "orders/delete", "refunds/create", "fulfillments/create", "fulfillments/update",
    "fulfillment_orders/order_routing_complete", "fulfillment_orders/moved", "fulfillment_orders/split",
    "fulfillment_orders/placed_on_hold", "fulfillment_orders/hold_released", "fulfillment_orders/progress_reported",
    "fulfillment_orders/manually_reported_progress_stopped", "fulfillment_orders/line_items_prepared_for_pickup",
    "fulfillment_orders/cancelled", "products/create", "products/update", "inventory_levels/update", "app/uninstalled",
)  # fmt: skip
"""What we subscribe to."""


def signature(body: bytes, client_secret: str) -> str:
    """The value of the signature header: Base64 of HMAC-SHA256 over the raw body."""
    return base64.b64encode(hmac.new(client_secret.encode(), body, hashlib.sha256).digest()).decode("ascii")


def shop_domain(connection: Connection) -> str:
    """The shop's own address as its webhooks name it (`teahouse.myshopify.com`): the credential shop, or else the host of
    the connection's base URL."""
    given = connection.credentials.get("shop", "").strip().lower().rstrip("/")
    if given:
        return (urlsplit(given).hostname or "") if "://" in given else given
    return urlsplit(connection.base_url).hostname or ""


def verify(body: bytes, headers: Mapping[str, str], connection: Connection) -> Sequence[WebhookHint]:
    """See `adapters.base.Adapter.verify`. Topics that need no reading give no hints and are fine."""
    lower = {name.lower(): value for name, value in headers.items()}
    given, secret = lower.get(SIGNATURE_HEADER.lower(), ""), connection.credentials.get("client_secret", "")
    if not secret:
        raise WebhookRejected(f"Connection {connection.name!r} has no client_secret to check webhooks with.", 401)
    if not given:
        raise WebhookRejected(f"The header {SIGNATURE_HEADER} is missing.", 401)
    if not hmac.compare_digest(signature(body, secret).encode(), given.strip().encode("utf-8", "replace")):
        raise WebhookRejected("The signature does not belong to this body and this connection's client_secret.", 401)
    # One app's secret signs for every shop that installed it: the shop must be looked at too.
    domain = lower.get("x-shopify-shop-domain", "").strip().lower()
    if domain != shop_domain(connection):
        raise WebhookRejected(f"This webhook is of {domain[:80] or 'no shop'}, not of this connection's shop.", 401)
    return _hints(lower, body_object(body), body)


def _hints(headers: Mapping[str, str], body: Mapping[str, Any], raw: bytes) -> Sequence[WebhookHint]:
    topic = headers.get("x-shopify-topic", "").strip().lower()
    family = topic.partition("/")[0]
    wanted = _READS.get(topic) or _READS.get(family)
    if wanted is None or topic in _NOTHING_TO_READ:
        return ()
    operation, subject, payload = wanted(topic, body)
    delivery = headers.get("x-shopify-webhook-id", "").strip()
    if not 0 < len(delivery) <= _LONGEST_ID:
        delivery = hashlib.sha256(topic.encode("utf-8", "replace") + b"\n" + raw).hexdigest()
    hint = WebhookHint(
        event_id=delivery, native_type=topic, subject=subject, time=_moment(headers, body), operation=operation,
        payload=payload,
    )  # fmt: skip
    return (hint,)


_Read = tuple[str, str, dict[str, Any]]


def _order(topic: str, body: Mapping[str, Any]) -> _Read:
    number = _number(body, "id")
    if topic == "orders/delete":
        # A subject of its own: a read without this knowledge must not take its place.
        return "read_order", f"order:{number}:deleted", {"external_id": number, "deleted": True}
    return "read_order", f"order:{number}", {"external_id": number}


def _edited(topic: str, body: Mapping[str, Any]) -> _Read:
    edit = body.get("order_edit")
    number = _number(edit if isinstance(edit, Mapping) else {}, "order_id")
    return "read_order", f"order:{number}", {"external_id": number}


def _of_order(topic: str, body: Mapping[str, Any]) -> _Read:
    number = _number(body, "order_id")
    return "read_order", f"order:{number}", {"external_id": number}


def _fulfilment_order(topic: str, body: Mapping[str, Any]) -> _Read:
    """These name a fulfilment order only; reading the order begins with asking whose it is."""
    for key in ("fulfillment_order", "original_fulfillment_order"):
        part = body.get(key)
        found = part.get("id") if isinstance(part, Mapping) else None
        if isinstance(found, str) and found.startswith("gid://shopify/FulfillmentOrder/") and len(found) <= _LONGEST_ID:
            subject = f"fulfilment_order:{found.rpartition('/')[2]}"
            if topic.endswith("/line_items_prepared_for_pickup"):
                return "read_order", f"{subject}:prepared", {"external_id": found, "prepared": True}
            return "read_order", subject, {"external_id": found}
    raise WebhookRejected("The body names no fulfillment order.")


def _product(topic: str, body: Mapping[str, Any]) -> _Read:
    number = _number(body, "id")
    return "read_product", f"product:{number}", {"external_id": number}


def _level(topic: str, body: Mapping[str, Any]) -> _Read:
    number = _number(body, "inventory_item_id")
    return "read_product", f"inventory_item:{number}", {"external_id": f"gid://shopify/InventoryItem/{number}"}


def _uninstalled(topic: str, body: Mapping[str, Any]) -> _Read:
    """Our token is dead: the check says so and pauses the connection."""
    return "check", "connection", {}


_READS: Mapping[str, Callable[[str, Mapping[str, Any]], _Read]] = {
    "orders": _order, "orders/edited": _edited, "refunds": _of_order, "order_transactions": _of_order,
    "fulfillments": _of_order, "fulfillment_orders": _fulfilment_order, "products": _product, "inventory_levels": _level,
    "app/uninstalled": _uninstalled,
}  # fmt: skip
"""By topic, or else by its first word."""

_NOTHING_TO_READ = frozenset({"products/delete", "inventory_levels/disconnect"})


def _number(values: Mapping[str, Any], key: str) -> str:
    """An id of their REST shape: a whole number, beyond 2^53 too."""
    value = values.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 10**19:
        raise WebhookRejected(f"The body names no {key}.")
    return str(value)


def _moment(headers: Mapping[str, str], body: Mapping[str, Any]) -> datetime:
    """When it happened: the header, else what the body says, else now."""
    for text in (headers.get("x-shopify-triggered-at"), body.get("updated_at"), body.get("created_at")):
        try:
            moment = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return datetime.now(UTC)
