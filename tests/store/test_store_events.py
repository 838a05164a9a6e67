"""Events are kept once each, however often and by however many they are told."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from store import events
from store.columns import now
from store.flow_models import Event
from store.models import Merchant
from store.session import Database

AT = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)


def told(session: Session, external_id: str = "17", **changes: Any) -> tuple[Event, bool]:
    values = {
        "source": "shop",
        "type": "order.placed",
        "subject": "order:7Q2XK",
        "time": AT,
        "data": {"order": {"number": "7Q2XK", "name": "Zoë"}},
        "body_hash": "a" * 64,
    }
    return events.keep(session, external_id=external_id, **{**values, **changes})


def test_an_event_is_kept_as_it_was_told(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id) as session:
        event, duplicate = told(session, sequence=2**40, caused_by=7)
    assert not duplicate
    with database.session(merchant.id, read_only=True) as session:
        kept = events.get(session, event.id)
    assert kept is not None
    assert (kept.source, kept.external_id, kept.type, kept.subject) == ("shop", "17", "order.placed", "order:7Q2XK")
    assert (kept.time, kept.sequence, kept.caused_by, kept.status) == (AT, 2**40, 7, "received")
    assert kept.data == {"order": {"number": "7Q2XK", "name": "Zoë"}}


def test_an_event_told_twice_is_kept_once_and_called_a_duplicate(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id) as session:
        first, _ = told(session)
    with database.session(merchant.id) as session:
        again, duplicate = told(session)
    assert duplicate
    assert again.id == first.id


def test_the_same_id_with_other_content_is_a_conflict_that_names_the_event_kept(
    database: Database, merchant: Merchant
) -> None:
    with database.session(merchant.id) as session:
        first, _ = told(session)
    with (
        pytest.raises(events.EventConflict, match="received before with other content") as conflict,
        database.session(merchant.id) as s,
    ):
        told(s, body_hash="b" * 64)
    assert conflict.value.event_id == first.id


def test_the_same_id_from_another_source_or_for_another_merchant_is_another_event(
    database: Database, merchant: Merchant, make_merchant: Any
) -> None:
    other = make_merchant(database, "rose")
    with database.session(merchant.id) as session:
        first, _ = told(session)
        second, duplicate = told(session, source="till")
        assert not duplicate
    with database.session(other.id) as session:
        third, duplicate = told(session)
        assert not duplicate
    assert len({first.id, second.id, third.id}) == 3


def test_one_event_told_by_eight_at_once_is_kept_once(database: Database, merchant: Merchant) -> None:
    start = threading.Barrier(8)

    def tell(_: int) -> tuple[str, bool]:
        start.wait()
        with database.session(merchant.id) as session:
            event, duplicate = told(session)
            return event.id, duplicate

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(tell, range(8)))
    assert Counter(duplicate for _, duplicate in answers) == {True: 7, False: 1}
    assert len({event_id for event_id, _ in answers}) == 1
    with database.session(merchant.id) as session:
        assert session.scalar(select(func.count()).select_from(Event)) == 1


def test_an_event_whose_keeper_fails_is_kept_by_the_next(database: Database, merchant: Merchant) -> None:
    with pytest.raises(ZeroDivisionError), database.session(merchant.id) as session:
        told(session)
        raise ZeroDivisionError
    with database.session(merchant.id) as session:
        _, duplicate = told(session)
    assert not duplicate


def test_events_nobody_decided_about_are_found_once_they_are_old_enough(
    database: Database, merchant: Merchant, make_merchant: Any
) -> None:
    other = make_merchant(database, "rose")
    for owner, number in ((merchant, 1), (other, 2), (merchant, 3)):
        with database.session(owner.id) as session:
            event, _ = told(session, str(number))
            event.received_at = now() - timedelta(seconds=60 - number)
            event.status = "decided" if number == 3 else "received"
    with database.system_session(read_only=True) as session:
        assert [event.external_id for event in events.waiting(session, timedelta(seconds=30))] == ["1", "2"]
        assert events.waiting(session, timedelta(seconds=90)) == []
        assert len(events.waiting(session, timedelta(0), limit=1)) == 1


def test_events_that_wait_for_an_order_are_found_by_its_number(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id) as session:
        event, _ = told(session, subject="order-number:9")
        event.status = "waiting"
        told(session, "18", subject="order-number:9")
    with database.session(merchant.id) as session:
        assert events.waiting_for(session, "order-number:9") == [event.id]


def test_the_newest_events_come_first_page_by_page(database: Database, merchant: Merchant) -> None:
    with database.session(merchant.id) as session:
        ids = [told(session, str(number))[0].id for number in range(5)]
    with database.session(merchant.id, read_only=True) as session:
        first = events.recent(session, limit=3)
        rest = events.recent(session, before=first[-1].id, limit=3)
    assert [event.id for event in (*first, *rest)] == ids[::-1]
