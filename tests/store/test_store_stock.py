"""Stock: never promised twice, and always what its ledger adds up to."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import event, func, select, update
from sqlalchemy.orm import Session
from store_making import AT, an_order

from store import events, stock
from store.columns import now
from store.models import Merchant
from store.order_models import StockLevel, StockMovement, StockReservation
from store.session import Database
from store.stock import NotEnoughStock, Shortage


def count(session: Session, outlet: str, sku: str, on_hand: int, **more: object) -> bool:
    return stock.set_level(session, outlet, sku, on_hand, event_id=None, **{"at": AT, **more})  # type: ignore[arg-type]


def on_hand_and_reserved(session: Session, outlet: str = "amsterdam", sku: str = "MUG") -> tuple[int, int]:
    level = stock.levels(session, [sku])[outlet, sku]
    return level.on_hand, level.reserved


def test_a_count_sets_the_level_and_writes_the_difference_into_the_ledger(
    database: Database, merchant: Merchant
) -> None:
    with database.session(merchant.id) as session:
        assert count(session, "amsterdam", "MUG", 5)
        assert count(session, "amsterdam", "MUG", 3)
        assert count(session, "amsterdam", "MUG", 3)
    with database.session(merchant.id, read_only=True) as session:
        assert on_hand_and_reserved(session) == (3, 0)
        assert session.scalars(select(StockMovement.delta).order_by(StockMovement.id)).all() == [5, -2]


def test_a_report_with_a_lower_or_the_same_sequence_changes_nothing(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id) as session:
        assert count(session, "amsterdam", "MUG", 5, sequence=2**40)
        assert not count(session, "amsterdam", "MUG", 9, sequence=2**40 - 1, at=AT + timedelta(hours=1))
        stock.move(session, "amsterdam", "MUG", -1, reason="sale", event_id=None, at=AT)
        assert not count(session, "amsterdam", "MUG", 5, sequence=2**40)
        assert on_hand_and_reserved(session) == (4, 0)
        assert count(session, "amsterdam", "MUG", 6, sequence=2**40 + 1, at=AT - timedelta(hours=1))
        assert on_hand_and_reserved(session) == (6, 0)


def test_without_a_sequence_the_later_count_wins(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id) as session:
        assert count(session, "amsterdam", "MUG", 5, at=AT)
        assert not count(session, "amsterdam", "MUG", 9, at=AT - timedelta(seconds=1))
        assert count(session, "amsterdam", "MUG", 7, at=AT)
        assert not count(
            session, "amsterdam", "MUG", 9, at=AT + timedelta(hours=1), counted_at=AT - timedelta(seconds=1)
        )
        assert on_hand_and_reserved(session) == (7, 0)


def test_reserving_takes_all_wanted_units_or_none(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id) as session:
        order = an_order(session, "1")
        count(session, "amsterdam", "MUG", 5)
        count(session, "utrecht", "CUP", 1)
        with pytest.raises(NotEnoughStock, match="utrecht has 1 of CUP free, 2 wanted") as short:
            stock.reserve(session, order.id, [("amsterdam", "MUG", 5), ("utrecht", "CUP", 2)], event_id=None, at=AT)
        assert short.value.shortages == [Shortage("utrecht", "CUP", wanted=2, available=1)]
        assert stock.reserved_by(session, order.id) == {}
        assert on_hand_and_reserved(session) == (5, 0)
        stock.reserve(session, order.id, [("amsterdam", "MUG", 2), ("amsterdam", "MUG", 3)], event_id=None, at=AT)
        assert stock.reserved_by(session, order.id) == {("amsterdam", "MUG"): 5}
        assert on_hand_and_reserved(session) == (5, 5)


def test_an_article_nobody_has_heard_of_cannot_be_reserved(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id) as session, pytest.raises(NotEnoughStock, match="has 0 of MUG free"):
        stock.reserve(session, "order", [("amsterdam", "MUG", 1)], event_id=None, at=AT)


@pytest.mark.parametrize("quantity", [0, -1])
def test_reserving_less_than_one_unit_is_refused(sqlite_database: Database, quantity: int) -> None:
    with sqlite_database.system_session() as session, pytest.raises(ValueError, match="at least one"):
        stock.reserve(session, "order", [("amsterdam", "MUG", quantity)], event_id=None, at=AT)


def test_released_stock_is_free_again_outlet_by_outlet(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id) as session:
        order = an_order(session, "1")
        count(session, "amsterdam", "MUG", 5)
        count(session, "utrecht", "MUG", 5)
        stock.reserve(session, order.id, [("amsterdam", "MUG", 1), ("utrecht", "MUG", 2)], event_id=None, at=AT)
        given = stock.release(session, order.id, outlet="utrecht", reason="cancelled", event_id=None, at=AT)
        assert given == {("utrecht", "MUG"): 2}
        assert stock.reserved_by(session, order.id) == {("amsterdam", "MUG"): 1}
        assert on_hand_and_reserved(session, "utrecht") == (5, 0)
        stock.release(session, order.id, reason="cancelled", event_id=None, at=AT)
        assert stock.release(session, order.id, reason="cancelled", event_id=None, at=AT) == {}
        assert stock.audit(session) == []


def test_taken_stock_leaves_both_the_outlet_and_the_reservation_once(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id) as session:
        order = an_order(session, "1")
        count(session, "amsterdam", "MUG", 5)
        stock.reserve(session, order.id, [("amsterdam", "MUG", 2)], event_id=None, at=AT)
    for taken in ({("amsterdam", "MUG"): 2}, {}):
        with database.session(merchant.id) as session:
            assert stock.take(session, order.id, event_id=None, at=AT) == taken
            assert on_hand_and_reserved(session) == (3, 0)
            assert stock.audit(session) == []


@pytest.mark.parametrize(("reported_after", "left"), [(True, 3), (False, 1)])
def test_a_sale_that_the_last_report_has_out_already_is_not_deducted_again(
    database: Database, merchant: Merchant, reported_after: bool, left: int
) -> None:
    sold_at = AT + timedelta(minutes=1)
    with database.session(merchant.id) as session:
        order = an_order(session, "1")
        count(session, "amsterdam", "MUG", 5)
        stock.reserve(session, order.id, [("amsterdam", "MUG", 2)], event_id=None, at=AT)
        count(session, "amsterdam", "MUG", 3, counted_at=sold_at + timedelta(seconds=1 if reported_after else -1))
        assert stock.take(session, order.id, event_id=None, at=now(), sold_at=sold_at) == {("amsterdam", "MUG"): 2}
        assert on_hand_and_reserved(session) == (left, 0)
        assert stock.audit(session) == []


def test_levels_read_under_a_lock_are_fresh_after_a_savepoint_was_rolled_back(
    database: Database, merchant: Merchant
) -> None:
    with database.session(merchant.id) as session:
        count(session, "amsterdam", "MUG", 5)
    with database.session(merchant.id) as session:
        with pytest.raises(ZeroDivisionError), session.begin_nested():
            stock.move(session, "amsterdam", "MUG", -4, reason="sale", event_id=None, at=AT)
            stock.move(session, "utrecht", "MUG", 4, reason="delivery", event_id=None, at=AT)
            raise ZeroDivisionError
        known = stock.levels(session, ["MUG"], lock=True)
        assert {place: level.on_hand for place, level in known.items()} == {("amsterdam", "MUG"): 5}
        stock.move(session, "utrecht", "MUG", 1, reason="delivery", event_id=None, at=AT)
        assert stock.audit(session) == []


def test_the_hot_path_of_an_order_asks_the_database_for_little(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id) as session:
        for sku in ("MUG", "CUP", "JUG"):
            count(session, "amsterdam", sku, 5)
        order_id = an_order(session, "1").id
    seen: list[str] = []

    def note(*arguments: object) -> None:
        seen.append(str(arguments[2]).split()[0])

    event.listen(database.engine, "before_cursor_execute", note)
    with database.session(merchant.id) as session:
        keep_event(session)
        stock.levels(session, ["MUG", "CUP", "JUG"], lock=True)
        wants = [("amsterdam", sku, 1) for sku in ("MUG", "CUP", "JUG")]
        stock.reserve(session, order_id, wants, event_id=None, at=AT)
    event.remove(database.engine, "before_cursor_execute", note)
    asked = Counter(word for word in seen if word in ("SELECT", "INSERT", "UPDATE"))
    assert asked == {"INSERT": 2, "SELECT": 1, "UPDATE": 1}


def keep_event(session: Session) -> None:
    events.keep(session, source="s", external_id="1", type="t", subject="", time=AT, data={}, body_hash="h")


def test_the_audit_names_levels_that_differ_from_their_ledger(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id) as session:
        count(session, "amsterdam", "MUG", 5)
        session.execute(update(StockLevel).values(on_hand=7, reserved=1))
        session.add(StockMovement(outlet="utrecht", sku="CUP", delta=2, reason="count", at=AT))
    with database.session(merchant.id, read_only=True) as session:
        assert stock.audit(session) == [
            stock.Difference("amsterdam", "MUG", on_hand=(7, 5), reserved=(1, 0)),
            stock.Difference("utrecht", "CUP", on_hand=(0, 2), reserved=(0, 0)),
        ]


def test_many_orders_at_once_never_get_more_than_there_is(database: Database, merchant: Merchant) -> None:
    """Twelve orders want one or two of the last seven mugs, and a cup that is plentiful, in either order of mention."""
    with database.session(merchant.id) as session:
        count(session, "amsterdam", "MUG", 7)
        count(session, "amsterdam", "CUP", 100)
        ids = [an_order(session, str(number)).id for number in range(12)]
    start = threading.Barrier(len(ids))

    def order(number: int) -> int:
        mugs = 1 + number % 2
        wants = [("amsterdam", "MUG", mugs), ("amsterdam", "CUP", 1)][:: 1 if number % 3 else -1]
        start.wait()
        try:
            with database.session(merchant.id) as session:
                stock.reserve(session, ids[number], wants, event_id=None, at=now())
        except NotEnoughStock:
            return 0
        return mugs

    with ThreadPoolExecutor(len(ids)) as pool:
        given = list(pool.map(order, range(len(ids))))
    with database.session(merchant.id, read_only=True) as session:
        assert on_hand_and_reserved(session) == (7, sum(given))
        assert on_hand_and_reserved(session, sku="CUP") == (100, sum(1 for mugs in given if mugs))
        assert 7 - sum(given) < max(1 + number % 2 for number, mugs in enumerate(given) if not mugs)
        assert stock.audit(session) == []


def test_of_many_orders_for_the_last_pieces_exactly_as_many_win(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id) as session:
        count(session, "amsterdam", "MUG", 3)
        ids = [an_order(session, str(number)).id for number in range(8)]
    start = threading.Barrier(len(ids))

    def order(order_id: str) -> bool:
        start.wait()
        try:
            with database.session(merchant.id) as session:
                stock.reserve(session, order_id, [("amsterdam", "MUG", 1)], event_id=None, at=now())
        except NotEnoughStock:
            return False
        return True

    with ThreadPoolExecutor(len(ids)) as pool:
        assert Counter(pool.map(order, ids)) == {True: 3, False: 5}


def test_an_order_taken_and_released_at_once_ends_its_promise_once(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id) as session:
        count(session, "amsterdam", "MUG", 5)
        order_id = an_order(session, "1").id
        stock.reserve(session, order_id, [("amsterdam", "MUG", 2)], event_id=None, at=AT)
    start = threading.Barrier(4)

    def end(take: bool) -> None:
        start.wait()
        with database.session(merchant.id) as session:
            if take:
                stock.take(session, order_id, event_id=None, at=now())
            else:
                stock.release(session, order_id, reason="cancelled", event_id=None, at=now())

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(end, [True, False, True, False]))
    with database.session(merchant.id, read_only=True) as session:
        on_hand, reserved = on_hand_and_reserved(session)
        assert reserved == 0
        assert on_hand in (3, 5)
        assert session.scalar(select(func.count()).select_from(StockReservation)) == 2
        assert stock.audit(session) == []


def test_two_first_reports_of_an_article_at_once_make_one_level(database: Database, merchant: Merchant) -> None:
    start = threading.Barrier(4)

    def arrive(_: int) -> None:
        start.wait()
        with database.session(merchant.id) as session:
            stock.move(session, "amsterdam", "MUG", 1, reason="delivery", event_id=None, at=now())

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(arrive, range(4)))
    with database.session(merchant.id, read_only=True) as session:
        assert on_hand_and_reserved(session) == (4, 0)
        assert stock.audit(session) == []
