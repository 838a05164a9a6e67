"""Native webhooks: a form with JSON inside, signed with the app's secret, in an older shape than the API's answers.

A webhook is taken as a hint to read the entity it names: its shape is that of API 0.9, it may come twice, late or never,
and it has no id of its own. It does not say its type either, so subscribe with the type in the address
(`...?type=sale.update`); without that the type is recognised by the entity's fields. External facts: vendor
documentation, pages "Webhooks" and "Verifying webhooks".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from adapters.base import Connection, WebhookHint, WebhookRejected
from adapters.lightspeed_retail.mapping import moment
from adapters.lightspeed_retail.settings import setting

log = logging.getLogger(__name__)

MAX_BYTES = 1_000_000
_SIGNATURE = re.compile(r"(?:^|,)\s*signature=([^,]*)", re.IGNORECASE)
_ALGORITHM = re.compile(r"(?:^|,)\s*algorithm=([^,\s]*)", re.IGNORECASE)

_FIELDS_OF = {
    "sale.update": ("register_sale_products", "line_items"),
    "inventory.update": ("outlet_id", "product_id"),
    "customer.update": ("customer_code",),
    "product.update": ("handle",),
}
"""Which fields give a type away when nothing else does; one of them for a sale, all of them for the others."""

Read = Callable[[Mapping[str, Any]], tuple[str, str, dict[str, Any]] | None]
"""An entity -> (subject, operation, payload), None when it does not say enough."""


def _sale(entity: Mapping[str, Any]) -> tuple[str, str, dict[str, Any]] | None:
    id = _id(entity)
    return (f"sale:{id}", "read_sale", {"sale_id": id}) if id else None


def _stock(entity: Mapping[str, Any]) -> tuple[str, str, dict[str, Any]] | None:
    product = _id(entity, "product_id") or _id(entity.get("product"))
    return (f"product:{product}", "read_stock", {"product_id": product}) if product else None


def _id(entity: Any, key: str = "id") -> str:
    """An id as text; empty when there is none or it is something no id can be."""
    value = entity.get(key) if isinstance(entity, Mapping) else None
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) and len(str(value)) <= 100 else ""


READS: Mapping[str, Read] = {"sale.update": _sale, "inventory.update": _stock}
"""What to read for which type. Product and customer changes need no reading: prices and profiles are the till's own
business, and stock in a product webhook may be stale."""


def verify(
    body: bytes, headers: Mapping[str, str], query: Mapping[str, str], connection: Connection
) -> Sequence[WebhookHint]:
    """See `adapters.base.Adapter.verify`. Types that need no reading, known or not, are accepted without a hint."""
    if len(body) > MAX_BYTES:
        raise WebhookRejected(f"The webhook is larger than {MAX_BYTES} bytes.", 413)
    form = _form(body)
    payload = form.get("payload", [""])[0]
    _check_signature(body, payload, headers, connection)
    entity = _entity(payload)
    native_type = query.get("type") or form.get("type", [""])[0] or _recognise(entity)
    read = READS.get(native_type)
    found = read(entity) if read else None
    if found is None:
        if read:
            raise WebhookRejected(f"The {native_type} webhook does not say which entity it is about.")
        return ()
    subject, operation, arguments = found
    return (
        WebhookHint(
            event_id=_event_id(native_type, subject, entity, payload),
            native_type=native_type,
            subject=subject,
            time=moment(entity["updated_at"]) if entity.get("updated_at") else datetime.now(UTC),
            operation=operation,
            payload=arguments,
        ),
    )


def _form(body: bytes) -> dict[str, list[str]]:
    try:
        form = parse_qs(body.decode("utf-8"), keep_blank_values=True, max_num_fields=50)
    except ValueError as error:
        raise WebhookRejected("The webhook is no UTF-8 form.") from error
    return form


def _entity(payload: str) -> dict[str, Any]:
    try:
        entity = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise WebhookRejected("The webhook's field payload is no JSON.") from error
    if not isinstance(entity, dict):
        raise WebhookRejected("The webhook's field payload is no JSON object.")
    return entity


def _recognise(entity: Mapping[str, Any]) -> str:
    if any(field in entity for field in _FIELDS_OF["sale.update"]):
        return "sale.update"
    return next((type for type, fields in _FIELDS_OF.items() if all(field in entity for field in fields)), "unknown")


def _event_id(native_type: str, subject: str, entity: Mapping[str, Any], payload: str) -> str:
    """There is no event id, so (type, entity, version, content) must do: the very same message twice is one event."""
    version = entity.get("version") or entity.get("updated_at") or ""
    return f"{native_type}:{subject}:{version}:{hashlib.sha256(payload.encode()).hexdigest()[:16]}"


def _check_signature(body: bytes, payload: str, headers: Mapping[str, str], connection: Connection) -> None:
    """Raises WebhookRejected with 401 unless the signature is that of these bytes.

    The vendor documents neither how the signature is written nor whether the form or only its payload is signed: both
    are settings, and which writing matched is logged.
    """
    secret = connection.credentials.get("client_secret", "")
    if not secret:
        raise WebhookRejected(f"The connection {connection.name} has no client_secret to check signatures with.", 401)
    header = next((value for name, value in headers.items() if name.lower() == "x-signature"), "")
    given, algorithm = _SIGNATURE.search(header), _ALGORITHM.search(header)
    if not given:
        raise WebhookRejected(
            "The webhook is not signed: X-Signature is missing. Only webhooks of an app are signed.", 401
        )
    if algorithm and algorithm.group(1).upper() != "HMAC-SHA256":
        raise WebhookRejected(f"The webhook is signed with {algorithm.group(1)[:40]!r}, not HMAC-SHA256.", 401)
    over = payload.encode() if setting(connection, "signature_over") == "payload" else body
    digest = hmac.new(secret.encode(), over, hashlib.sha256).digest()
    encoding = setting(connection, "signature_encoding")
    writings = ("hex", "base64") if encoding == "auto" else (encoding,)
    matched = [writing for writing in writings if _same(given.group(1).strip(), writing, digest)]
    if not matched:
        raise WebhookRejected("The webhook's signature is wrong.", 401)
    log.debug("webhook signature of %s matched as %s", connection.name, matched[0])


def _same(given: str, writing: str, digest: bytes) -> bool:
    """Compare in constant time; something that is not written so at all is simply another signature."""
    try:
        value = bytes.fromhex(given) if writing == "hex" else base64.b64decode(given, validate=True)
    except (ValueError, binascii.Error):
        return False
    return hmac.compare_digest(value, digest)
