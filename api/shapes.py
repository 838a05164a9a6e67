"""How kept rows look as JSON. The pages' `.json` twins and the API answer with the same shapes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from engine.money import to_text
from store.flow_models import Attempt, Command, Decision, Event
from store.models import Connection
from store.order_models import Fulfilment, Invoice, Notification, Order, OrderLine, Payment, Tracking

Json = dict[str, Any]


def moment(at: datetime | None) -> str | None:
    """RFC 3339 in UTC."""
    return at.isoformat().replace("+00:00", "Z") if at else None


def order_brief(order: Order, connections: Mapping[str, Connection]) -> Json:
    """An order as a row of a list. `connections` by id."""
    shop = connections.get(order.shop_id or "")
    return {
        "id": order.id,
        "number": order.number,
        "state": order.state,
        "state_reason": order.state_reason,
        "placed_at": moment(order.placed_at),
        "updated_at": moment(order.updated_at),
        "currency": order.currency,
        "total": to_text(order.total_minor, order.currency),
        "paid": to_text(order.paid_minor, order.currency),
        "payment_status": order.payment_status,
        "shop": shop.name if shop else None,
        "shop_status": order.shop_status,
        "fulfilment_type": order.fulfilment_type,
        "fulfilment_status": order.fulfilment_status,
        "customer": {"email": order.customer_email, "name": order.customer_name},
        "outlets": [f.outlet for f in order.fulfilments if f.status != "cancelled"],
        "href": f"/v1/orders/{order.id}",
    }


def order(order: Order, connections: Mapping[str, Connection]) -> Json:
    """An order with everything that hangs on it, but without its story."""
    till = connections.get(order.till_id or "")
    return {
        **order_brief(order, connections),
        "external_id": order.external_id,
        "till": till.name if till else None,
        "on_till": order.on_till,
        "shop_payment_status": order.shop_payment_status,
        "blocked_reason": order.blocked_reason,
        "tags": list(order.tags),
        "lines": [order_line(line, order.currency) for line in order.lines],
        "fulfilments": [fulfilment(part) for part in order.fulfilments],
        "payments": [payment(row) for row in order.payments],
        "snapshot": order.snapshot,
    }


def order_line(line: OrderLine, currency: str) -> Json:
    return {
        "line": line.line,
        "sku": line.sku,
        "name": line.name,
        "quantity": line.quantity,
        "unit_price": to_text(line.unit_price_minor, currency),
        "tax_rate": line.tax_rate,
        "back_ordered": line.back_ordered,
        "needs_shipping": line.needs_shipping,
    }


def fulfilment(part: Fulfilment) -> Json:
    return {
        "id": part.id,
        "outlet": part.outlet,
        "type": part.type,
        "status": part.status,
        "status_at": moment(part.status_at),
        "external_id": part.external_id,
        "receipt_number": part.receipt_number,
        "note": part.note,
        "assigned_users": list(part.assigned_users),
        "lines": [
            {"line": row.line, "sku": row.sku, "quantity": row.quantity, "picked": row.picked, "packed": row.packed, "fulfilled": row.fulfilled}
            for row in part.lines
        ],
    }


def payment(row: Payment) -> Json:
    return {
        "reference": row.reference,
        "amount": to_text(row.amount_minor, row.currency),
        "currency": row.currency,
        "method": row.method,
        "processor": row.processor,
        "from": row.from_role,
        "screen": row.screen,
        "counts": row.counts,
        "reason": row.reason,
        "at": moment(row.at),
    }


def tracking(row: Tracking) -> Json:
    return {"number": row.number, "url": row.url, "carrier": row.carrier, "at": moment(row.at)}


def invoice(row: Invoice) -> Json:
    return {
        "number": row.number,
        "kind": row.kind,
        "total": to_text(row.total_minor, row.currency),
        "currency": row.currency,
        "at": moment(row.at),
    }


def event(row: Event, *, decision_id: str | None = None, with_data: bool = True) -> Json:
    found: Json = {
        "id": row.id,
        "type": row.type,
        "source": row.source,
        "external_id": row.external_id,
        "subject": row.subject,
        "time": moment(row.time),
        "received_at": moment(row.received_at),
        "decided_at": moment(row.decided_at),
        "sequence": row.sequence,
        "status": row.status,
        "reason": row.reason,
        "order": row.order_id,
        "decision": decision_id,
        "caused_by": row.caused_by,
        "href": f"/v1/events/{row.id}",
    }
    if with_data:
        found["data"] = row.data
    return found


def decision_brief(row: Decision) -> Json:
    return {
        "id": row.id,
        "event": row.event_id,
        "order": row.order_id,
        "summary": row.summary,
        "version": row.version,
        "duration_us": row.duration_us,
        "at": moment(row.at),
        "href": f"/v1/decisions/{row.id}",
    }


def command(row: Command, connections: Mapping[str, Connection], *, with_attempts: bool = False) -> Json:
    connection = connections.get(row.connection_id)
    found: Json = {
        "id": row.id,
        "connection": connection.name if connection else None,
        "operation": row.operation,
        "subject": row.subject,
        "status": row.status,
        "tries": row.tries,
        "due_at": moment(row.due_at),
        "created_at": moment(row.created_at),
        "done_at": moment(row.done_at),
        "error_kind": row.error_kind,
        "error": row.error,
        "result": row.result,
        "event": row.event_id,
        "decision": row.decision_id,
        "order": row.order_id,
        "href": f"/v1/commands/{row.id}",
    }
    if with_attempts:
        found["attempts"] = [attempt(each) for each in row.attempts]
    return found


def attempt(row: Attempt) -> Json:
    """One try. The exchanges were masked when they were written."""
    return {
        "number": row.number,
        "trigger": row.trigger,
        "started_at": moment(row.started_at),
        "finished_at": moment(row.finished_at),
        "outcome": row.outcome,
        "message": row.message,
        "exchanges": row.exchanges or [],
    }


def notification(row: Notification) -> Json:
    return {"id": row.id, "order": row.order_id, "outlet": row.outlet, "text": row.text, "at": moment(row.at)}
