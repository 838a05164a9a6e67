"""Checks BigCommerce's callbacks and says what to read.

A callback is proof of nothing but that something changed: it is thin, may come twice, late or never. Two things show
that it is from our shop: the secret header that we set when subscribing and that is echoed, and the signature by the
Standard Webhooks scheme, keyed with the API account's client secret, when it is there (whether every callback carries
one is not documented). Source: vendor documentation, docs/integrations/webhooks.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from adapters.base import Connection, WebhookHint, WebhookRejected
from adapters.bigcommerce.settings import setting
from adapters.fields import body_object

SECRET_HEADER = "X-Wissel-Secret"  # noqa: S105 - the name of the header, not its value
ID_HEADER, TIME_HEADER, SIGNATURE_HEADER = "webhook-id", "webhook-timestamp", "webhook-signature"
MAX_BYTES = 1_000_000
TOLERANCE_SECONDS = 300

_LONGEST_ID = 200
_LAST_MOMENT = 253_402_300_799
_PURPOSE = b"wissel webhooks"


def secret_of(connection: Connection) -> str:
    """The value of our secret header: the credential `webhook_secret`, or one derived from the access token, which gives
    nothing of the token away. After either changes, the subscriptions have to be registered again."""
    given = connection.credentials.get("webhook_secret", "")
    token = connection.credentials.get("access_token", "")
    return given or (hmac.new(token.encode(), _PURPOSE, hashlib.sha256).hexdigest() if token else "")


def verify(body: bytes, headers: Mapping[str, str], connection: Connection) -> Sequence[WebhookHint]:
    """See `adapters.base.Adapter.verify`. Callbacks that need no reading give no hints and are fine."""
    if len(body) > MAX_BYTES:
        raise WebhookRejected(f"The webhook is larger than {MAX_BYTES} bytes.", 413)
    given = {name.lower(): value for name, value in headers.items()}
    _check_secret(given, connection)
    _check_signature(body, given, connection)
    event = _event(body)
    if event["producer"] != f"stores/{connection.credentials.get('store_hash', '')}":
        raise WebhookRejected(f"This webhook is of {event['producer'][:60]!r}, not of this connection's store.")
    return _hints(event, given.get(ID_HEADER, ""))


def _check_secret(given: Mapping[str, str], connection: Connection) -> None:
    expected = secret_of(connection)
    if not expected:
        raise WebhookRejected(f"Connection {connection.name!r} has no access token to check webhooks with.", 401)
    header = given.get(SECRET_HEADER.lower(), "")
    if not header:
        raise WebhookRejected(f"The header {SECRET_HEADER} is missing.", 401)
    if not hmac.compare_digest(expected.encode(), header.strip().encode("utf-8", "replace")):
        raise WebhookRejected(f"The header {SECRET_HEADER} is wrong: register the webhooks again.", 401)


def _check_signature(body: bytes, given: Mapping[str, str], connection: Connection) -> None:
    """The signature when there is one, or when it is asked for; a time-stamp too old or too new is a replay."""
    client_secret = connection.credentials.get("client_secret", "")
    if not given.get(SIGNATURE_HEADER):
        if setting(connection, "require_signature") is True:
            raise WebhookRejected(f"The header {SIGNATURE_HEADER} is missing.", 401)
        return
    if not client_secret:
        _check_time(given.get(TIME_HEADER, ""))
        return
    try:
        Webhook(client_secret.encode()).verify(body, dict(given), json_parse=False)
    except WebhookVerificationError as error:
        raise WebhookRejected(f"The signature is not right: {error}.", 401) from None
    except (ValueError, UnicodeError):
        raise WebhookRejected("The signature is not written as the scheme says.", 401) from None


def _check_time(text: str) -> None:
    try:
        away = abs(datetime.now(UTC).timestamp() - float(text))
    except (ValueError, OverflowError):
        away = float("inf")
    if not away <= TOLERANCE_SECONDS:
        raise WebhookRejected(f"The header {TIME_HEADER} is missing or more than five minutes off.", 401)


def _event(body: bytes) -> dict[str, Any]:
    """The parts of the body that are used, checked; 400 when they make no sense."""
    event = body_object(body)
    for name in ("scope", "producer", "hash"):
        if not isinstance(event.get(name), str) or not 0 < len(event[name]) <= _LONGEST_ID:
            raise WebhookRejected(f"{name} must be a text.")
    created = event.get("created_at")
    if isinstance(created, bool) or not isinstance(created, int) or not 0 <= created <= _LAST_MOMENT:
        raise WebhookRejected("created_at must be UNIX seconds.")
    if not isinstance(event.get("data"), dict):
        raise WebhookRejected("data must be an object.")
    return event


def _hints(event: Mapping[str, Any], message_id: str) -> Sequence[WebhookHint]:
    found = _subject(event["scope"], event["data"])
    if found is None:
        return ()
    noun, external_id, more = found
    # Two changes of one order may share a hash, which may cover the data alone: the time goes with it.
    own_id = f"{event['scope']}:{event['hash']}:{event['created_at']}"
    return (
        WebhookHint(
            event_id=message_id if 0 < len(message_id) <= _LONGEST_ID else own_id,
            native_type=event["scope"],
            subject=f"{noun}:{external_id}",
            time=datetime.fromtimestamp(event["created_at"], UTC),
            operation=f"read_{noun}",
            payload={"external_id": external_id, **more},
        ),
    )


def _subject(scope: str, data: Mapping[str, Any]) -> tuple[str, str, dict[str, Any]] | None:
    """What a callback is about: noun, id, what else the read has to know. None for what needs no reading."""
    parts = scope.split("/")
    if parts[:2] == ["store", "channel"] and len(parts) > 3:
        parts = [parts[0], *parts[3:]]
    kind = parts[1] if len(parts) > 1 else ""
    if kind == "order" and "message" not in parts:
        archived = {"deleted": True} if parts[-1] == "archived" else {}
        return "order", _id(data, "order_id", "id"), archived
    if kind == "shipment":
        return "order", _id(data, "orderId", "order_id"), {}
    if kind in ("product", "sku", "inventory") and parts[-1] != "deleted" and "location" not in parts:
        inner: Mapping[str, Any] = next(
            (data[name] for name in ("inventory", "sku") if isinstance(data.get(name), Mapping)), {}
        )
        # `id` of a sku callback is an id of another kind, so only products go by it.
        return "product", _id({**data, **inner}, "product_id", *(("id",) if kind == "product" else ())), {}
    return None


def _id(data: Mapping[str, Any], *names: str) -> str:
    """The first of these ids that is there, as text. Raises WebhookRejected (400) when there is none."""
    for name in names:
        value = data.get(name)
        if (
            isinstance(value, int | str)
            and not isinstance(value, bool)
            and str(value).isdigit()
            and len(str(value)) <= 15
        ):
            return str(value)
    raise WebhookRejected(f"The webhook does not say what it is about: {' or '.join(names)} is missing.")
