"""How `POST /v1/events` looks in the OpenAPI document: one shape per event type, with an example each."""

from __future__ import annotations

from typing import Any

from api.schemas.data import TYPES

_LINE = {"id": "1", "sku": "MUG-BLUE", "name": "Mug, blue", "quantity": 2, "unit_price": "12.50", "tax_rate": "21"}
_ORDER = {"number": "7Q2XK"}
EXAMPLES: dict[str, dict[str, Any]] = {
    "order.placed": {
        "order": {
            "number": "7Q2XK", "currency": "EUR", "total": "29.95", "shipping_price": "4.95", "payment_status": "paid",
            "fulfilment_type": "delivery", "customer": {"email": "jo@example.com", "name": "Jo Visser"},
            "shipping_address": {"street": "Dam 1", "city": "Amsterdam", "postcode": "1012JS", "country": "NL"},
            "lines": [_LINE],
        }
    },
    "order.updated": {
        "order": {"number": "7Q2XK", "currency": "EUR", "total": "29.95", "shop_status": "processing", "lines": [_LINE]}
    },
    "order.cancelled": {"order": _ORDER, "reason": "customer changed their mind"},
    "payment.received": {
        "order": _ORDER, "amount": "29.95", "currency": "EUR", "method": "iDEAL", "screen": "shop", "reference": "pay_81",
    },
    "payment.refunded": {"order": _ORDER, "amount": "12.50", "currency": "EUR", "method": "iDEAL", "reference": "re_12"},
    "stock.changed": {"outlet": "amsterdam", "sku": "MUG-BLUE", "on_hand": 7},
    "fulfilment.status_changed": {"order": _ORDER, "outlet": "amsterdam", "status": "packed"},
    "shipment.tracking_added": {
        "order": _ORDER, "number": "3SWISL0001", "url": "https://tracking.example/3SWISL0001", "carrier": "PostNL",
    },
    "customer.changed": {"email": "jo@example.com", "name": "Jo Visser"},
    "invoice.created": {"order": _ORDER, "number": "F-2026-118", "kind": "invoice", "total": "29.95", "currency": "EUR"},
    "product.changed": {"sku": "MUG-BLUE", "name": "Mug, blue"},
    "sale.placed": {"order": _ORDER, "sale_id": "0af7b241", "receipt_number": "1042", "stock_deducted": True},
}  # fmt: skip


def example(type_: str) -> dict[str, Any]:
    """A whole event of that type that would be accepted."""
    return {
        "specversion": "1.0", "id": f"example-{type_}", "source": "web-shop", "type": type_,
        "time": "2026-11-22T09:30:00Z", "data": EXAMPLES[type_],
    }  # fmt: skip


_ENVELOPE = {
    "specversion": {"type": "string", "enum": ["1.0"]},
    "id": {"type": "string", "maxLength": 200, "description": "Unique per source; the same id again is the same event."},
    "source": {
        "type": "string", "maxLength": 200,
        "description": "Who tells it. The name of one of your connections binds the event to that system.",
    },
    "time": {"type": "string", "format": "date-time", "description": "When it happened. Required."},
    "subject": {"type": "string", "maxLength": 200},
    "sequence": {"type": "string", "description": "A growing number; orders events about one subject."},
}  # fmt: skip


def _event_schema(type_: str) -> dict[str, Any]:
    return {
        "type": "object",
        "title": type_,
        "description": TYPES[type_].meaning,
        "required": ["specversion", "id", "source", "type", "time", "data"],
        "properties": {**_ENVELOPE, "type": {"type": "string", "enum": [type_]}, "data": {"$ref": f"#/components/schemas/{TYPES[type_].schema.__name__}"}},
    }


def _reference(type_: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{component(type_)}"}


def component(type_: str) -> str:
    """The name of the component that describes events of that type."""
    return "Event_" + type_.replace(".", "_")


def register(spec: Any) -> None:
    """Add a component per event type to the OpenAPI document."""
    for schema in dict.fromkeys(type_.schema for type_ in TYPES.values()):
        spec.components.schema(schema.__name__, schema=schema)
    for type_ in TYPES:
        spec.components.schema(component(type_), _event_schema(type_))


_ANY_EVENT = {"oneOf": [_reference(type_) for type_ in TYPES]}
_EXAMPLES = {type_: {"summary": TYPES[type_].meaning, "value": example(type_)} for type_ in TYPES}

POSTING: dict[str, Any] = {
    "security": [{"apiKey": []}],
    "parameters": [
        {
            "in": "header", "name": "Prefer", "schema": {"type": "string", "enum": ["respond-async"]},
            "description": "Answer before deciding (RFC 7240).",
        },
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/cloudevents+json": {"schema": _ANY_EVENT, "examples": _EXAMPLES},
            "application/cloudevents-batch+json": {"schema": {"type": "array", "maxItems": 500, "items": _ANY_EVENT}},
            "application/json": {"schema": _ANY_EVENT},
        },
    },
}  # fmt: skip
