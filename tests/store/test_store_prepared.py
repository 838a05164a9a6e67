"""Statements made once keep merchants apart like all others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from store import stock
from store.isolation import ReadOnlySession
from store.models import Merchant
from store.order_models import StockLevel, StockMovement
from store.prepared import append, prepared, rows
from store.session import Database

AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LEVEL = StockLevel.__table__.c
NEWEST = select(func.max(LEVEL.on_hand)).scalar_subquery()


@pytest.mark.parametrize("query", [select(LEVEL.on_hand), select(LEVEL.on_hand).where(LEVEL.on_hand == NEWEST)])
def test_a_prepared_query_sees_one_merchants_rows_also_in_subqueries(
    database: Database, make_merchant: Callable[..., Merchant], query: object
) -> None:
    ours, theirs = make_merchant(database, "ours"), make_merchant(database, "theirs")
    for merchant, units in ((ours, 3), (theirs, 9)):
        with database.session(merchant.id) as session:
            stock.set_level(session, "quay", "MUG", units, at=AT, event_id=None)
    made = prepared(query)  # type: ignore[arg-type]
    with database.session(ours.id) as session:
        assert rows(session, made).scalars().all() == [3]


def test_appended_rows_are_stamped_and_readers_may_not_append(database: Database, merchant: Merchant) -> None:
    row = {"outlet": "quay", "sku": "MUG", "delta": 1, "reason": "count", "at": AT, "merchant_id": "somebody else"}
    with database.session(merchant.id) as session:
        append(session, StockMovement, [row])
        assert session.scalars(select(StockMovement.merchant_id)).all() == [merchant.id]
    with pytest.raises(ReadOnlySession), database.session(merchant.id, read_only=True) as session:
        append(session, StockMovement, [row])
