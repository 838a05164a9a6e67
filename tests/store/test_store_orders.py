"""Orders are found by whatever is known of them, and tell their whole story."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import delete, event
from store_making import AT, a_connection, an_order

from store import commands, decisions, events, invoices, notifications, orders, stock, terms, trackings
from store.columns import now
from store.models import Merchant
from store.order_models import Fulfilment, FulfilmentLine, Order, OrderTerm, Payment
from store.orders import AmbiguousOrder, BadCursor, UnknownOrder
from store.session import Database


def found(database: Database, merchant: Merchant, text: str, state: str | None = None) -> list[str]:
    with database.session(merchant.id, read_only=True) as session:
        return sorted(order.number for order in orders.search(session, text, state).orders)


@pytest.mark.parametrize(
    "text",
    [
        "#2024-0017",
        "2024 0017",
        "20240017",
        "2024",
        "gid://shop/77",
        "R-991",
        "r 991",
        "3SABC",
        "3s abc-123",
        "INV/2026/5",
        "CN-7",
        "tr_9Xk",
        "PICK-4",
        "RCPT 12",
        "zoe@example.com",
        "ZOE@EXAMPLE",
        "Zoë",
        "zoe",
        "jans",
        "de vries jans",
        "vries, zoe",
        "O'Neil",
    ],
)
def test_an_order_is_found_by_any_number_it_has_anywhere_and_by_its_customer(
    database: Database, merchant: Merchant, text: str
) -> None:
    with database.session(merchant.id) as session:
        order = an_order(
            session,
            "#2024-0017",
            external_id="gid://shop/77",
            customer_email="Zoe@Example.com",
            customer_name="Zoë de Vries-Janssen O'Neil",
        )
        an_order(session, "#9", external_id="88", customer_email="other@example.com", customer_name="Ann Lee")
        orders.add_number(session, order, "receipt", "R-991")
        trackings.keep(session, order.id, number="3S ABC 123", url="", carrier="PostNL")
        invoices.keep(session, order.id, number="INV/2026/5", kind="invoice", total_minor=1, currency="EUR")
        invoices.keep(session, order.id, number="CN-7", kind="credit_note", total_minor=-1, currency="EUR")
        session.add(
            Payment(
                order_id=order.id,
                reference="tr_9xK",
                amount_minor=1,
                currency="EUR",
                from_role="shop",
                screen="shop",
                at=AT,
            )
        )
        fulfilment = Fulfilment(order_id=order.id, outlet="utrecht", type="delivery", external_id="pick-4")
        session.add(fulfilment)
        session.flush()
        fulfilment.receipt_number = "rcpt-12"
    assert found(database, merchant, text) == ["#2024-0017"]


@pytest.mark.parametrize(
    "text", ["0017", "ann vries", "example.com", "%", "_", "'", '"; DROP TABLE orders; --', "#", "\x00", "x" * 5000]
)
def test_what_no_order_begins_with_finds_nothing(database: Database, merchant: Merchant, text: str) -> None:
    with database.session(merchant.id) as session:
        an_order(session, "2024-0017", customer_email="zoe@example.com", customer_name="Zoë de Vries")
        an_order(session, "9", customer_name="Ann Lee")
    assert found(database, merchant, text) == []


def test_an_order_is_found_by_its_old_number_and_by_its_new_one(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id) as session:
        order = an_order(session, "draft-1")
        session.commit()
        order.number = "final-1"
    assert found(database, merchant, "draft") == found(database, merchant, "final") == ["final-1"]


def test_orders_of_another_merchant_are_not_found(
    database: Database, merchant: Merchant, make_merchant: Callable[..., Merchant]
) -> None:
    other = make_merchant(database, "rose")
    with database.session(other.id) as session:
        an_order(session, "77", customer_email="zoe@example.com")
    assert found(database, merchant, "77") == found(database, merchant, "zoe@") == found(database, merchant, "") == []


def test_search_terms_can_be_written_anew_for_everything(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id) as session:
        order = an_order(session, "77", customer_name="Zoë")
        orders.add_number(session, order, "receipt", "R-1")
        session.execute(delete(OrderTerm))
    assert found(database, merchant, "R-1") == []
    with database.system_session() as session:
        terms.rebuild(session)
    assert (
        found(database, merchant, "R-1")
        == found(database, merchant, "zoe")
        == found(database, merchant, "77")
        == ["77"]
    )


def test_pages_give_every_order_once_newest_first_even_at_the_same_moment(
    database: Database, merchant: Merchant
) -> None:
    with database.session(merchant.id) as session:
        for number in range(7):
            an_order(session, str(number), placed_at=AT + timedelta(hours=number // 3), customer_email="a@example.com")
    seen, cursor = [], None
    with database.session(merchant.id, read_only=True) as session:
        while True:
            page = orders.search(session, "a@example", cursor=cursor, limit=2)
            seen += [order.number for order in page.orders]
            cursor = page.cursor
            if cursor is None:
                break
    assert seen == ["6", "5", "4", "3", "2", "1", "0"]


def test_search_can_be_narrowed_down_to_a_state(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id) as session:
        an_order(session, "1", state="held")
        an_order(session, "2", state="assigned")
    assert found(database, merchant, "", "held") == ["1"]


@pytest.mark.parametrize("cursor", ["x", "~", "2026-01-01~", "2026-01-01T00:00:00~x", "~01ABC", "\x00"])
def test_a_cursor_that_no_list_gave_out_is_refused(sqlite_database: Database, cursor: str) -> None:
    with sqlite_database.system_session() as session, pytest.raises(BadCursor, match="begin again"):
        orders.search(session, cursor=cursor)


def test_a_reference_names_an_order_by_id_by_number_or_by_any_number_it_has(
    database: Database, merchant: Merchant
) -> None:
    with database.session(merchant.id) as session:
        order = an_order(session, "7Q2XK")
        orders.add_number(session, order, "receipt", "R-1")
        orders.add_number(session, order, "receipt", "R-1")
        assert len(orders.numbers(session, order.id)) == 1
        for ref in ({"id": order.id}, {"number": "7Q2XK"}, {"number": "R-1"}, {"id": order.id, "number": "other"}):
            assert orders.by_reference(session, ref).id == order.id


def test_a_number_that_two_shops_use_is_ambiguous_until_the_shop_is_named(
    database: Database, merchant: Merchant
) -> None:
    with database.session(merchant.id) as session:
        blue, red = a_connection(session, "blue"), a_connection(session, "red")
        first = an_order(session, "1001", shop_id=blue.id, origin=blue.id)
        second = an_order(session, "1001", shop_id=red.id, origin=red.id)
        with pytest.raises(AmbiguousOrder, match=r"2 orders with the number '1001': name the shop"):
            orders.by_reference(session, {"number": "1001"})
        assert orders.by_reference(session, {"number": "1001", "shop": "blue"}).id == first.id
        assert orders.by_reference(session, {"number": "1001", "shop": red.id}).id == second.id


@pytest.mark.parametrize(
    ("ref", "says"),
    [
        ({"id": "nope"}, "no order with the id 'nope'"),
        ({"number": "nope"}, "no order with the number 'nope'$"),
        ({"number": "nope", "shop": "blue"}, "in the shop 'blue'"),
        ({}, "neither was given"),
    ],
)
def test_a_reference_to_no_order_says_what_was_looked_for(
    database: Database, merchant: Merchant, ref: dict[str, str], says: str
) -> None:
    with database.session(merchant.id) as session, pytest.raises(UnknownOrder, match=says):
        orders.by_reference(session, ref)


def test_a_locked_order_is_read_afresh_and_changed_by_one_at_a_time(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id) as session:
        order_id = an_order(session, "1").id
    start = threading.Barrier(5)

    def pay(_: int) -> None:
        start.wait()
        with database.session(merchant.id) as session:
            assert orders.get(session, order_id) is not None
            order = orders.lock(session, order_id)
            order.paid_minor += 1

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(pay, range(5)))
    with database.session(merchant.id, read_only=True) as session:
        assert session.get_one(Order, order_id).paid_minor == 5


def test_locking_an_order_that_is_not_there_says_so(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id) as session, pytest.raises(UnknownOrder, match="no order 'nope'"):
        orders.lock(session, "nope")


def test_orders_held_for_an_article_are_found_first_placed_first(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id) as session:
        late = an_order(session, "late", lines={"MUG": 1}, state="held", held_for="stock", placed_at=AT + timedelta(1))
        early = an_order(session, "early", lines={"MUG": 1, "CUP": 1}, state="held", held_for="stock")
        an_order(session, "by rule", lines={"MUG": 1}, state="held", held_for="rule")
        an_order(session, "other", lines={"CUP": 1}, state="held", held_for="stock")
        an_order(session, "sent", lines={"MUG": 1}, state="assigned")
        assert orders.held(session, "stock", ["MUG"]) == [(early.id, "early"), (late.id, "late")]
        assert [number for _, number in orders.held(session, "rule", ["MUG", "CUP"])] == ["by rule"]


def test_the_story_of_an_order_has_everything_in_the_order_it_happened(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id) as session:
        shop = a_connection(session)
        order = an_order(session, "1", lines={"MUG": 2})
        stock.set_level(session, "utrecht", "MUG", 5, at=AT, event_id=None)
        told = []
        for number in ("1", "2"):
            kept, _ = events.keep(
                session, source="s", external_id=number, type="t", subject="", time=AT, data={}, body_hash="h"
            )
            kept.order_id = order.id
            decision = decisions.keep(
                session,
                event_id=kept.id,
                order_id=order.id,
                version="v",
                summary=number,
                facts=[],
                facts_hash="",
                trace={},
                result_hash="",
            )
            session.flush()
            told.append(kept.id)
            commands.put(
                session,
                connection_id=shop.id,
                operation="op" + number,
                subject="s",
                payload={},
                event_id=kept.id,
                decision_id=decision,
                order_id=order.id,
            )
        stock.reserve(session, order.id, [("utrecht", "MUG", 2)], event_id=None, at=AT)
        stock.take(session, order.id, event_id=None, at=AT)
        notifications.keep(session, order.id, "utrecht", "A new order", AT)
        trackings.keep(session, order.id, number="3S", url="", carrier="")
        invoices.keep(session, order.id, number="I", kind="invoice", total_minor=1, currency="EUR")
        orders.add_number(session, order, "receipt", "R")
    with database.session(merchant.id, read_only=True) as session:
        story = orders.story(session, order.id)
        assert [line.sku for line in story.order.lines] == ["MUG"]
        assert [kept.id for kept in story.events] == told
        assert [decision.summary for decision in story.decisions] == ["1", "2"]
        assert [(command.operation, command.attempts) for command in story.commands] == [("op1", []), ("op2", [])]
        assert [row.delta for row in story.reservations] == [2, -2]
        assert [row.delta for row in story.movements] == [-2]
        assert [row.text for row in story.notifications] == ["A new order"]
        assert [row.number for row in (*story.trackings, *story.invoices, *story.numbers)] == ["3S", "I", "R"]
        with pytest.raises(UnknownOrder):
            orders.story(session, "nope")


def test_a_story_takes_the_same_number_of_statements_however_long_it_is(database: Database, merchant: Merchant) -> None:
    def statements(fulfilments: int) -> int:
        with database.session(merchant.id) as session:
            order = an_order(session, str(fulfilments), lines={"MUG": 1})
            for outlet in range(fulfilments):
                fulfilment = Fulfilment(order_id=order.id, outlet=str(outlet), type="delivery")
                fulfilment.lines.append(FulfilmentLine(line="1", sku="MUG", quantity=1))
                session.add(fulfilment)
        seen = []

        def note(*arguments: object) -> None:
            seen.append(arguments[2])

        event.listen(database.engine, "before_cursor_execute", note)
        with database.session(merchant.id, read_only=True) as session:
            story = orders.story(session, order.id)
            assert sum(len(fulfilment.lines) for fulfilment in story.order.fulfilments) == fulfilments
        event.remove(database.engine, "before_cursor_execute", note)
        return len(seen)

    assert statements(1) == statements(6)


def test_the_moment_of_change_is_kept_with_an_order(database: Database, merchant: Merchant) -> None:
    before = now()
    with database.session(merchant.id) as session:
        order = an_order(session, "1")
    with database.session(merchant.id) as session:
        orders.lock(session, order.id).state = "held"
    with database.session(merchant.id, read_only=True) as session:
        changed = session.get_one(Order, order.id)
        assert before <= changed.created_at < changed.updated_at
