"""Sums and lists over many rows, for support's pages and for monitoring. Nothing here decides anything."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, exists, func, or_, select, tuple_
from sqlalchemy.orm import Session, selectinload

from store.commands import OPEN
from store.flow_models import Command, Event
from store.models import ConnectionMemory
from store.order_models import Order, StockLevel


@dataclass(frozen=True, slots=True)
class Trouble:
    """What waits for a person: events that could not be decided, commands that were given up, orders held."""

    failed_events: int
    dead_commands: int
    held_orders: int

    @property
    def total(self) -> int:
        return self.failed_events + self.dead_commands + self.held_orders


def trouble(session: Session) -> Trouble:
    """How much waits for a person now."""

    def count(column: object, value: str) -> int:
        return session.scalar(select(func.count()).where(column == value)) or 0  # type: ignore[arg-type]

    return Trouble(count(Event.status, "failed"), count(Command.status, "dead"), count(Order.state, "held"))


def troubled_orders(session: Session, among: Collection[str] | None = None, *, limit: int = 200) -> Sequence[Order]:
    """Orders with a failed event or a dead command, and held ones, newest first; with `among` only those of these ids."""
    failed_event = exists().where(Event.order_id == Order.id, Event.status == "failed")
    dead_command = exists().where(Command.order_id == Order.id, Command.status == "dead")
    found = select(Order).where(or_(failed_event, dead_command, Order.state == "held"))
    if among is not None:
        found = found.where(Order.id.in_(among))
    return session.scalars(found.order_by(Order.placed_at.desc(), Order.id.desc()).limit(limit)).all()


def load_fulfilments(session: Session, orders: Sequence[Order]) -> None:
    """Load the fulfilments of a page of orders in one go, instead of one by one."""
    ids = [order.id for order in orders]
    wanted = select(Order).where(Order.id.in_(ids)).options(selectinload(Order.fulfilments))
    session.scalars(wanted.execution_options(populate_existing=True)).all()


def open_commands(session: Session, order_ids: Collection[str]) -> Mapping[str, Mapping[str, int]]:
    """How many commands about each of these orders are not done yet: order id -> status (waiting, leased, dead) -> count.
    Stock that changed because of an order is not about the order."""
    rows = session.execute(
        select(Command.order_id, Command.status, func.count())
        .where(Command.order_id.in_(order_ids), Command.status.in_(OPEN), Command.subject.startswith("order:"))
        .group_by(Command.order_id, Command.status)
    )
    found: dict[str, dict[str, int]] = {}
    for order_id, status, count in rows:
        if order_id is not None:
            found.setdefault(order_id, {})[status] = count
    return found


def order_numbers(session: Session, order_ids: Iterable[str | None]) -> Mapping[str, str]:
    """The numbers of orders, by id."""
    ids = {order_id for order_id in order_ids if order_id}
    return {row.id: row.number for row in session.execute(select(Order.id, Order.number).where(Order.id.in_(ids)))}


def commands_of_decision(session: Session, decision_id: str) -> Sequence[Command]:
    """What a decision had systems told, with every attempt."""
    wanted = select(Command).where(Command.decision_id == decision_id).options(selectinload(Command.attempts))
    return session.scalars(wanted.order_by(Command.id)).all()


def event_counts(session: Session) -> Mapping[str, int]:
    """Events by status. In a system session: of all merchants."""
    rows = session.execute(select(Event.status, func.count().label("events")).group_by(Event.status))
    return {row.status: row.events for row in rows}


def command_counts(session: Session) -> Mapping[tuple[str, str], int]:
    """Commands by (connection id, status). In a system session: of all merchants."""
    rows = session.execute(select(Command.connection_id, Command.status, func.count()).group_by(Command.connection_id, Command.status))
    return {(connection_id, status): count for connection_id, status, count in rows}


def last_success(session: Session) -> Mapping[str, datetime]:
    """When each connection last did what it was told, by connection id."""
    rows = session.execute(
        select(Command.connection_id, func.max(Command.done_at)).where(Command.status == "done").group_by(Command.connection_id)
    )
    return {connection_id: at for connection_id, at in rows if at is not None}


def cursors(session: Session) -> Mapping[str, Mapping[str, Any]]:
    """How far each connection's feeds have been read, by connection id and feed, as its adapter remembers it."""
    rows = session.execute(
        select(ConnectionMemory.connection_id, ConnectionMemory.key, ConnectionMemory.value).where(ConnectionMemory.key.contains("cursor"))
    )
    found: dict[str, dict[str, Any]] = {}
    for connection_id, key, value in rows:
        found.setdefault(connection_id, {})[key] = value
    return found


def stock_levels(session: Session, sku: str = "", *, after: tuple[str, str] | None = None, limit: int = 500) -> Sequence[StockLevel]:
    """Levels of articles whose SKU begins with `sku`, by (sku, outlet); `after` is the last pair of the page before."""
    found = select(StockLevel).order_by(StockLevel.sku, StockLevel.outlet).limit(limit)
    if sku:
        found = found.where(StockLevel.sku.startswith(sku, autoescape=True))
    if after is not None:
        found = found.where(tuple_(StockLevel.sku, StockLevel.outlet) > after)
    return session.scalars(found).all()


def failed_since(session: Session, since: datetime, connection_id: str | None = None) -> int:
    """How many commands `commands.retry_all_failed_since` would try again."""
    failed = or_(
        and_(Command.status == "dead", Command.done_at >= since), and_(Command.status == "waiting", Command.failures > 0)
    )
    found = select(func.count()).select_from(Command).where(failed)
    if connection_id is not None:
        found = found.where(Command.connection_id == connection_id)
    return session.scalar(found) or 0
