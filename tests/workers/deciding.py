"""A merchant with published rules, a shop and a till, to decide events for without sending anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from redis import Redis
from sqlalchemy import select

from adapters.base import NewEvent
from engine.language import load_book
from store import books, connections, orders, products, stock
from store.flow_models import Command, Decision
from store.models import Merchant
from store.order_models import Order
from store.secrets import Cipher
from store.session import Database
from workers.bell import Bell
from workers.deciding.books import CompiledBooks
from workers.deciding.intake import Intake, Taken

RULES = Path(__file__).parents[2] / "rules"
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
_numbers = count(1)


def shipped_rules() -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(RULES.glob("*.yaml"))}


@dataclass
class Desk:
    """Takes events in as the connections of one merchant."""

    database: Database
    merchant_id: str
    intake: Intake
    shop: str
    till: str
    clock: list[int] = field(default_factory=lambda: [0])

    def tell(self, event_type: str, data: Mapping[str, Any], *, by: str = "till", id: str = "", **more: Any) -> Taken:
        """An event from the shop, the till or (`api`) somebody else, a minute after the one before."""
        self.clock[0] += 1
        event = NewEvent(
            id=id or f"event-{next(_numbers)}",
            type=event_type,
            subject="",
            time=more.pop("time", NOON + timedelta(minutes=self.clock[0])),
            data=data,
            sequence=more.pop("sequence", None),
        )
        connection = {"shop": self.shop, "till": self.till}.get(by)
        return self.intake.take_in(self.merchant_id, by, event, connection_id=connection, **more)

    def order(self, number: str, basket: Mapping[str, int], *, by: str = "shop", id: str = "", **more: Any) -> Taken:
        """The shop reports an order as it stands now."""
        return self.tell("order.placed", {"order": snapshot(number, basket, self.clock[0] + 1, **more)}, by=by, id=id)

    def put_stock(self, levels: Mapping[tuple[str, str], int]) -> None:
        with self.database.session(self.merchant_id) as session:
            for (outlet, sku), units in levels.items():
                products.put(session, sku)
                stock.set_level(session, outlet, sku, units, at=NOON, event_id=None)

    def found(self, number: str) -> Order:
        with self.database.session(self.merchant_id, read_only=True) as session:
            order_id = orders.by_reference(session, {"number": number}).id
        with self.database.session(self.merchant_id, read_only=True) as session:
            return orders.story(session, order_id).order

    def commands(self, operation: str = "") -> list[Command]:
        with self.database.session(self.merchant_id, read_only=True) as session:
            everything = session.scalars(select(Command).order_by(Command.id)).all()
            return [c for c in everything if operation in ("", c.operation)]

    def decision(self, taken: Taken) -> Decision:
        with self.database.session(self.merchant_id, read_only=True) as session:
            return session.scalars(select(Decision).where(Decision.id == taken.decision_id)).one()


def snapshot(number: str, basket: Mapping[str, int], minute: int = 0, **more: Any) -> dict[str, Any]:
    """An order as a shop reports it: every article costs 10 euro."""
    return {
        "number": number, "external_id": number, "placed_at": NOON.isoformat(),
        "updated_at": (NOON + timedelta(minutes=minute)).isoformat(), "currency": "EUR",
        "total": str(10 * sum(basket.values())), "payment_status": "paid", "shop_status": "awaiting_processing",
        "payment": {"method": "Card", "processor": "Acme Pay"}, "fulfilment_type": "delivery",
        "shipping_address": {"country": "NL", "postcode": "1012 AB"}, "customer": {"email": "eve@example.org", "name": "Eve"},
        "lines": [
            {"id": str(i), "sku": sku, "quantity": n, "unit_price": "10", "tax_rate": "21"}
            for i, (sku, n) in enumerate(basket.items(), 1)
        ],
        **more,
    }  # fmt: skip


def open_desk(database: Database, redis: Redis, merchant: Merchant, platform: str = "lightspeed_ecom") -> Desk:
    """Publish the shipped rules for a merchant and connect a shop of that platform and a till."""
    cipher = Cipher(Cipher.new_key())
    texts = shipped_rules()
    with database.session(merchant.id) as session:
        books.publish(session, texts, load_book(texts).version, by="test")
        made = {
            role: connections.add(
                session, name=role, platform=platform, role=role, base_url="http://127.0.0.1:9", credentials={}, cipher=cipher
            ).id
            for role, platform in (("shop", platform), ("till", "lightspeed_retail"))
        }
    intake = Intake(database, CompiledBooks(database, compare="always"), Bell(redis))
    return Desk(database, merchant.id, intake, made["shop"], made["till"])
