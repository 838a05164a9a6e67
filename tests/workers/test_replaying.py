"""The check that everything a test decided can be replayed would notice a difference."""

from __future__ import annotations

from typing import Any

import pytest
from redis import Redis
from sqlalchemy import select, update

from store.flow_models import Decision
from store.models import Merchant
from store.session import Database
from tests.replaying import assert_everything_replays
from tests.workers.deciding import Desk, open_desk


@pytest.fixture
def desk(sqlite_database: Database, redis_server: Redis, make_merchant: Any) -> Desk:
    merchant: Merchant = make_merchant(sqlite_database)
    desk = open_desk(sqlite_database, redis_server, merchant)
    desk.put_stock({("amsterdam", "A"): 5})
    desk.order("1", {"A": 2})
    return desk


def test_every_decision_of_a_test_is_replayed(desk: Desk) -> None:
    desk.tell(
        "payment.received", {"order": {"number": "1"}, "payment": {"reference": "p", "amount": "20", "currency": "EUR"}}
    )
    with desk.database.session(desk.merchant_id, read_only=True) as session:
        decided = len(session.scalars(select(Decision.id)).all())
    assert assert_everything_replays(desk.database) == decided > 0


def test_a_result_that_is_not_what_the_rules_say_is_noticed(desk: Desk) -> None:
    rewrite(desk, result_hash="0" * 64)
    with pytest.raises(AssertionError, match="came out otherwise when it was replayed"):
        assert_everything_replays(desk.database)
    forget(desk)


def test_settings_that_were_changed_afterwards_are_noticed(desk: Desk) -> None:
    with desk.database.session(desk.merchant_id, read_only=True) as session:
        decision = session.scalars(select(Decision)).first()
        assert decision is not None
        facts = [dict(part) for part in decision.facts]
    for part in facts:
        part["settings"] = {name: 2 if name == "most_outlets" else value for name, value in part["settings"].items()}
    rewrite(desk, facts=facts)
    with pytest.raises(AssertionError, match="came out otherwise when it was replayed"):
        assert_everything_replays(desk.database)
    forget(desk)


def rewrite(desk: Desk, **values: Any) -> None:
    with desk.database.session(desk.merchant_id) as session:
        session.execute(update(Decision).values(**values))


def forget(desk: Desk) -> None:
    """So that the check after this test finds nothing wrong."""
    with desk.database.session(desk.merchant_id) as session:
        for decision in session.scalars(select(Decision)).all():
            decision.version = "lost"
