"""Whatever happens to stock, in whatever order: the levels are what the ledger adds up to, now and at every moment before."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete
from sqlalchemy.orm import Session
from store_making import AT, an_order

from store import stock
from store.models import Merchant
from store.order_models import Order, OrderTerm, StockLevel, StockMovement, StockReservation
from store.session import Database

outlets = st.sampled_from(["amsterdam", "utrecht"])
skus = st.sampled_from(["MUG", "CUP"])
orders = st.integers(0, 2)

steps = st.one_of(
    st.tuples(st.just("count"), outlets, skus, st.integers(-2, 9), st.none() | st.integers(1, 9), st.integers(-3, 3)),
    st.tuples(st.just("move"), outlets, skus, st.integers(-4, 4)),
    st.tuples(st.just("reserve"), orders, st.lists(st.tuples(outlets, skus, st.integers(1, 3)), max_size=3)),
    st.tuples(st.just("release"), orders, st.none() | outlets),
    st.tuples(st.just("take"), orders, st.none() | outlets),
)


def act(session: Session, step: tuple[Any, ...], order_ids: list[str], at: Any) -> None:
    match step:
        case ("count", outlet, sku, on_hand, sequence, shift):
            counted_at = at + timedelta(minutes=shift)
            stock.set_level(
                session, outlet, sku, on_hand, sequence=sequence, at=at, counted_at=counted_at, event_id=None
            )
        case ("move", outlet, sku, delta):
            stock.move(session, outlet, sku, delta, reason="moved", event_id=None, at=at)
        case ("reserve", order, wants):
            with suppress(stock.NotEnoughStock):
                stock.reserve(session, order_ids[order], wants, event_id=None, at=at)
        case ("release", order, outlet):
            stock.release(session, order_ids[order], outlet=outlet, reason="cancelled", event_id=None, at=at)
        case ("take", order, outlet):
            stock.take(session, order_ids[order], outlet=outlet, event_id=None, at=at)


def recorded(session: Session) -> dict[stock.Place, tuple[int, int]]:
    """What the levels say, without places where nothing is or was."""
    known = stock.levels(session, ["MUG", "CUP"])
    return {place: (level.on_hand, level.reserved) for place, level in known.items()}


def without_nothing(found: dict[stock.Place, tuple[int, int]]) -> dict[stock.Place, tuple[int, int]]:
    return {place: pair for place, pair in found.items() if pair != (0, 0)}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(steps, max_size=12))
def test_levels_always_equal_their_ledger_at_every_moment(
    database: Database, merchant: Merchant, happened: list[tuple[Any, ...]]
) -> None:
    truth = []
    with database.session(merchant.id) as session:
        for model in (StockLevel, StockMovement, StockReservation, OrderTerm, Order):
            session.execute(delete(model))
        order_ids = [an_order(session, str(number)).id for number in range(3)]
    for minute, step in enumerate(happened):
        at = AT + timedelta(minutes=minute)
        with database.session(merchant.id) as session:
            act(session, step, order_ids, at)
        with database.session(merchant.id, read_only=True) as session:
            now_known = recorded(session)
            truth.append((at, now_known))
            assert all(reserved >= 0 for _, reserved in now_known.values())
            assert stock.audit(session) == []
            promised = sum(sum(stock.reserved_by(session, order_id).values()) for order_id in order_ids)
            assert promised == sum(reserved for _, reserved in now_known.values())
    with database.session(merchant.id, read_only=True) as session:
        for at, known in truth:
            assert without_nothing(stock.as_of(session, at)) == without_nothing(known)
            mugs = {place: pair for place, pair in known.items() if place[1] == "MUG"}
            assert without_nothing(stock.as_of(session, at, ["MUG"])) == without_nothing(mugs)
        assert stock.as_of(session, AT - timedelta(minutes=1)) == {}
