"""Orders: finding them, locking them, telling their story."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, false, or_, select, tuple_
from sqlalchemy.orm import Session, selectinload
from sqlalchemy.orm.attributes import set_committed_value

from store.columns import new_id
from store.flow_models import Command, Decision, Event
from store.isolation import merchant_of
from store.models import Connection
from store.order_models import (
    Invoice,
    Notification,
    Order,
    OrderLine,
    OrderNumber,
    OrderTerm,
    StockMovement,
    StockReservation,
    Tracking,
)
from store.prepared import prepared, rows
from store.terms import fold, words
from store.upsert import insert_new

HIGHEST = "\U0010ffff"


class UnknownOrder(LookupError):
    """No order is meant by what was given."""


class AmbiguousOrder(LookupError):
    """Several orders could be meant. The message says how to name one."""


class BadCursor(ValueError):
    """A page cursor that this list never gave out."""


@dataclass(frozen=True, slots=True)
class Page:
    """Orders, newest first. `cursor` asks for the next page, None when this is the last one."""

    orders: Sequence[Order]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Story:
    """Everything kept about one order, each list in the order things happened. Commands have their attempts loaded."""

    order: Order
    numbers: Sequence[OrderNumber]
    events: Sequence[Event]
    decisions: Sequence[Decision]
    commands: Sequence[Command]
    notifications: Sequence[Notification]
    reservations: Sequence[StockReservation]
    movements: Sequence[StockMovement]
    trackings: Sequence[Tracking]
    invoices: Sequence[Invoice]


def _held() -> Select[Any]:
    order, line = Order.__table__.c, OrderLine.__table__.c
    waiting_for = select(line.order_id).where(line.sku.in_(bindparam("skus", expanding=True)))
    return (
        select(order.id, order.number)
        .where(order.state == "held", order.held_for == bindparam("held_for"), order.id.in_(waiting_for))
        .order_by(order.placed_at, order.id)
        .limit(bindparam("most"))
    )


_HELD = prepared(_held())


def get(session: Session, order_id: str) -> Order | None:
    """One order by our id, or None."""
    return session.get(Order, order_id)


def add(session: Session, **columns: Any) -> Order | None:
    """Write a new order without lines, fulfilments and payments; None when its origin has one of that external id. When
    somebody else is writing that one at the moment, this waits."""
    order = insert_new(session, Order, id=new_id(), merchant_id=merchant_of(session), **columns)
    if order is not None:
        for collection in ("lines", "fulfilments", "payments"):
            set_committed_value(order, collection, [])
    return order


def lock(session: Session, order_id: str) -> Order:
    """The order as it is now; nobody else can lock or change it until this session ends. Raises UnknownOrder."""
    order = session.scalar(_locking(select(Order).where(Order.id == order_id)))
    if order is None:
        raise UnknownOrder(f"there is no order {order_id!r}")
    return order


def by_external(session: Session, origin: str, external_id: str) -> Order | None:
    """The order that `origin` (a shop's connection id, or the source of an order posted without one) calls
    `external_id`, or None."""
    return session.scalar(select(Order).where(Order.origin == origin, Order.external_id == external_id))


_ORDER = Order.__table__.c
_ID_OF = prepared(
    select(_ORDER.id).where(_ORDER.origin == bindparam("origin"), _ORDER.external_id == bindparam("external_id"))
)


def id_of(session: Session, origin: str, external_id: str) -> str | None:
    """The id of the order that `by_external` means, or None."""
    found: str | None = rows(session, _ID_OF, origin=origin, external_id=external_id).scalar()
    return found


def by_reference(session: Session, ref: Mapping[str, Any]) -> Order:
    """The order that an event's `{"id"}` (ours) or `{"number"}` means; `{"shop"}` (connection name or id) narrows a
    number down.

    Raises UnknownOrder, and AmbiguousOrder when orders of several shops have that number.
    """
    order_id, number, shop = ref.get("id"), ref.get("number"), ref.get("shop")
    found: Sequence[Order]
    if order_id:
        found = session.scalars(select(Order).where(Order.id == str(order_id))).all()
        meant = f"with the id {order_id!r}"
    elif number:
        found = _by_number(session, str(number), None if shop is None else str(shop))
        meant = f"with the number {number!r}" + (f" in the shop {shop!r}" if shop else "")
    else:
        raise UnknownOrder('an order is named by {"id": ...} or {"number": ...}; neither was given')
    if not found:
        raise UnknownOrder(f"there is no order {meant}")
    if len(found) > 1:
        raise AmbiguousOrder(
            f'{len(found)} orders {meant}: name the shop as well, {{"number": ..., "shop": ...}}, or give the id'
        )
    return found[0]


def held(session: Session, held_for: str, skus: Collection[str], limit: int = 20) -> list[tuple[str, str]]:
    """Ids and numbers of the orders with any of these articles that are held for a reason (`stock`: all outlets fall
    short, `rule`: a rule says so), the one placed first coming first."""
    session.flush()
    found = rows(session, _HELD, held_for=held_for, skus=sorted(set(skus)), most=limit)
    return [(row.id, row.number) for row in found]


def add_number(session: Session, order: Order, kind: str, number: str) -> None:
    """The order is also known by this number (`receipt`, `invoice`, `parcel`, ...). Adding it again changes nothing."""
    if not number:
        return
    insert_new(
        session, OrderNumber, id=new_id(), merchant_id=order.merchant_id, order_id=order.id, kind=kind, number=number
    )


def numbers(session: Session, order_id: str) -> Sequence[OrderNumber]:
    """All numbers of an order."""
    return session.scalars(select(OrderNumber).where(OrderNumber.order_id == order_id).order_by(OrderNumber.id)).all()


def search(
    session: Session, text: str = "", state: str | None = None, cursor: str | None = None, limit: int = 50
) -> Page:
    """Orders that begin with `text` in any number they have anywhere, in the e-mail address or, word by word, in the
    customer's name; newest first. Case, accents, spaces and punctuation do not matter; no text finds all orders.

    Raises BadCursor.
    """
    wanted = select(Order).order_by(Order.placed_at.desc(), Order.id.desc()).limit(limit + 1)
    if text.strip():
        wanted = wanted.where(matches(text))
    if state:
        wanted = wanted.where(Order.state == state)
    if cursor:
        wanted = wanted.where(tuple_(Order.placed_at, Order.id) < _read_cursor(cursor))
    found = session.scalars(wanted).all()
    last = found[limit - 1] if len(found) > limit else None
    return Page(found[:limit], None if last is None else f"{last.placed_at.isoformat()}~{last.id}")


def story(session: Session, order_id: str) -> Story:
    """Everything that is kept about one order. Raises UnknownOrder."""
    parts = [selectinload(Order.lines), selectinload(Order.fulfilments), selectinload(Order.payments)]
    order = session.get(Order, order_id, options=parts)
    if order is None:
        raise UnknownOrder(f"there is no order {order_id!r}")
    commands = select(Command).options(selectinload(Command.attempts)).where(Command.order_id == order_id)
    return Story(
        order=order,
        numbers=numbers(session, order_id),
        events=session.scalars(
            select(Event).where(Event.order_id == order_id).order_by(Event.received_at, Event.id)
        ).all(),
        decisions=session.scalars(
            select(Decision).where(Decision.order_id == order_id).order_by(Decision.at, Decision.id)
        ).all(),
        commands=session.scalars(commands.order_by(Command.id)).all(),
        notifications=session.scalars(
            select(Notification).where(Notification.order_id == order_id).order_by(Notification.at, Notification.id)
        ).all(),
        reservations=session.scalars(
            select(StockReservation).where(StockReservation.order_id == order_id).order_by(StockReservation.id)
        ).all(),
        movements=session.scalars(
            select(StockMovement).where(StockMovement.order_id == order_id).order_by(StockMovement.id)
        ).all(),
        trackings=session.scalars(
            select(Tracking).where(Tracking.order_id == order_id).order_by(Tracking.at, Tracking.id)
        ).all(),
        invoices=session.scalars(
            select(Invoice).where(Invoice.order_id == order_id).order_by(Invoice.at, Invoice.id)
        ).all(),
    )


def _locking(wanted: Select[Order]) -> Select[Order]:
    """Locks the row and reads it afresh. Rows that only refer to the order can still be added by others meanwhile."""
    return wanted.with_for_update(key_share=True).execution_options(populate_existing=True)


def _by_number(session: Session, number: str, shop: str | None) -> Sequence[Order]:
    """Orders with this number in the shop; failing that, with this number anywhere."""
    wanted = select(Order).order_by(Order.id)
    if shop is not None:
        named = select(Connection.id).where(or_(Connection.id == shop, Connection.name == shop))
        wanted = wanted.where(Order.shop_id.in_(named))
    found = session.scalars(wanted.where(Order.number == number)).all()
    if found:
        return found
    elsewhere = select(OrderNumber.order_id).where(OrderNumber.number == number)
    return session.scalars(wanted.where(Order.id.in_(elsewhere))).all()


def matches(text: str) -> ColumnElement[bool]:
    """The condition that an order begins with `text` in any number, e-mail address or word of a name; see `search`."""
    whole, parts = fold(text), words(text)
    if not whole:
        return false()
    as_one = _has_term(whole)
    return or_(as_one, and_(*map(_has_term, parts))) if len(parts) > 1 else as_one


def _has_term(prefix: str) -> ColumnElement[bool]:
    found = select(OrderTerm.order_id).where(OrderTerm.term >= prefix, OrderTerm.term < prefix + HIGHEST)
    return Order.id.in_(found)


def _read_cursor(cursor: str) -> tuple[datetime, str]:
    placed_at, _, order_id = cursor.partition("~")
    try:
        moment = datetime.fromisoformat(placed_at)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or not order_id:
        raise BadCursor(f"the cursor {cursor!r} is not one that this list gave out; begin again without a cursor")
    return moment, order_id
