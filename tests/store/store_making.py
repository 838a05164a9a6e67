"""Things that store tests make."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from store import connections
from store.models import Connection
from store.order_models import Order, OrderLine
from store.secrets import Cipher

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
CIPHER = Cipher(Cipher.new_key())


def an_order(session: Session, number: str, *, lines: dict[str, int] | None = None, **fields: Any) -> Order:
    """An order with these lines (sku -> quantity), written to the database."""
    values: dict[str, Any] = {
        "origin": "source:test",
        "external_id": f"external {number}",
        "currency": "EUR",
        "snapshot_at": AT,
        "placed_at": AT,
    }
    order = Order(number=number, **{**values, **fields})
    session.add(order)
    session.flush()
    for position, (sku, quantity) in enumerate((lines or {}).items(), start=1):
        session.add(OrderLine(order_id=order.id, position=position, line=str(position), sku=sku, quantity=quantity))
    session.flush()
    return order


def a_connection(session: Session, name: str = "shop", **fields: Any) -> Connection:
    """A configured system."""
    values: dict[str, Any] = {
        "platform": "lightspeed_ecom",
        "role": "shop",
        "base_url": "http://localhost",
        "credentials": {"key": "k", "secret": "s"},
        "cipher": CIPHER,
    }
    return connections.add(session, name=name, **{**values, **fields})
