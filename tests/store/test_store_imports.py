"""First imports in the store: one at a time, page after page, and never two steps at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from store import commands, connections, events, imports, leases
from store.flow_models import Command, Event
from store.import_models import Import
from store.imports import Found, UnderWay, WrongState
from store.models import Connection, Merchant
from store.session import Database

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def shop(database: Database, merchant: Merchant) -> Connection:
    with database.session(merchant.id) as session:
        row = Connection(name="shop", platform="lightspeed_ecom", role="shop", base_url="http://127.0.0.1:9")
        session.add(row)
    return row


@pytest.fixture
def row(database: Database, merchant: Merchant, shop: Connection) -> Import:
    with database.session(merchant.id) as session:
        return imports.start(session, shop.id, kind="orders", since=None, by="Ada")


@pytest.fixture
def session(database: Database, merchant: Merchant) -> Iterator[Session]:
    with database.session(merchant.id) as session:
        yield session


def pages(session: Session, row: Import, *statuses: str) -> list[Command]:
    found = commands.listed(session, connection_id=row.connection_id, operation="read_page").commands
    return [command for command in found[::-1] if command.status in (statuses or ("waiting",))]


def keep(session: Session, row: Import, number: int, **values: object) -> Event:
    event, _ = events.keep(
        session, source="shop", external_id=f"order:{number}", type="order.placed", subject=f"order:{number}", time=AT,
        data={}, body_hash="h", connection_id=row.connection_id, import_id=row.id,
    )  # fmt: skip
    return event


def move_on(session: Session, row: Import, following: dict[str, object] | None, units: int = 10) -> Import:
    """What a worker does when a page was read."""
    for command in pages(session, row):
        command.status = "done"
    locked = imports.get(session, row.id, lock=True)
    imports.move_on(session, locked, Found(units), following=following, progress=(units, 30), at=AT)
    return locked


def test_an_import_begins_with_one_command_in_the_background(session: Session, row: Import) -> None:
    (page,) = pages(session, row)
    assert (page.subject, page.background) == (f"import:{row.id}", True)
    assert page.payload == {"kind": "orders", "since": None, "cursor": None, "page": 0}
    assert row.state == "waiting"


def test_a_connection_has_one_unfinished_import_of_each_kind(session: Session, row: Import, shop: Connection) -> None:
    with pytest.raises(UnderWay, match="Ada started an import of orders") as refused:
        imports.start(session, shop.id, kind="orders", since=AT, by="Bo")
    assert refused.value.running.id == row.id
    assert imports.start(session, shop.id, kind="products", since=None, by="Bo").state == "waiting"
    assert len(pages(session, row)) == 2


def test_each_page_puts_the_next_until_the_last(session: Session, row: Import) -> None:
    moved = move_on(session, row, {"cursor": {"from": 17}})
    assert (moved.state, moved.pages, moved.done, moved.total, moved.cursor) == ("running", 1, 10, 30, {"from": 17})
    (page,) = pages(session, row)
    assert (page.payload["cursor"], page.payload["page"]) == ({"from": 17}, 1)
    move_on(session, row, None, 20)
    assert imports.settle(session, row.id)
    assert (imports.get(session, row.id).state, imports.get(session, row.id).done, pages(session, row)) == ("done", 30, [])


def test_an_import_is_not_done_before_all_it_brought_is_decided(session: Session, row: Import) -> None:
    event = keep(session, row, 1)
    move_on(session, row, None)
    assert not imports.settle(session, row.id)
    assert imports.neglected(session) == [(row.merchant_id, row.id)]
    event.status = "decided"
    assert imports.settle(session, row.id)
    assert imports.neglected(session) == []


def test_a_paused_import_reads_no_further_until_it_is_resumed(session: Session, row: Import) -> None:
    move_on(session, row, {"cursor": 1})
    imports.pause(session, row.id, by="Ada")
    assert pages(session, row) == []
    with pytest.raises(WrongState, match="is paused"):
        imports.pause(session, row.id, by="Ada")
    imports.resume(session, row.id, by="Ada")
    (page,) = pages(session, row)
    assert (page.payload["cursor"], page.payload["page"]) == (1, 1)


def test_a_page_that_was_being_read_when_the_import_was_paused_counts(session: Session, row: Import) -> None:
    imports.pause(session, row.id, by="Ada")
    locked = imports.get(session, row.id, lock=True)
    assert not imports.wants(locked, 0)
    assert imports.wants(locked, 0, is_read=True)
    imports.move_on(session, locked, Found(5), following={"cursor": 1}, progress=None, at=AT)
    assert (locked.state, locked.pages, locked.done, pages(session, row)) == ("paused", 1, 5, [])


def test_a_page_taken_in_twice_is_wanted_once(session: Session, row: Import) -> None:
    moved = move_on(session, row, {"cursor": 1})
    assert not imports.wants(moved, 0, is_read=True)
    assert imports.wants(moved, 1)


def test_a_cancelled_import_is_over(session: Session, row: Import) -> None:
    assert imports.cancel(session, row.id, by="Ada").state == "cancelled"
    assert pages(session, row) == []
    for act in (imports.cancel, imports.pause, imports.resume):
        with pytest.raises(WrongState, match="is cancelled"):
            act(session, row.id, by="Ada")


def test_a_failed_import_goes_on_where_it_failed(session: Session, row: Import) -> None:
    move_on(session, row, {"cursor": 1})
    (page,) = pages(session, row)
    page.status = "dead"
    imports.fail(session, row.id, "An order is too large.")
    session.expire_all()
    failed = imports.get(session, row.id)
    assert (failed.state, failed.error) == ("failed", "An order is too large.")
    assert imports.resume(session, row.id, by="Ada").error == ""
    assert [command.payload["page"] for command in pages(session, row)] == [1]
    assert [command.id for command in pages(session, row, "cancelled")] == [page.id]


def test_a_failed_import_is_not_resumed_beside_a_new_one(session: Session, row: Import, shop: Connection) -> None:
    imports.fail(session, row.id, "No.")
    session.expire_all()
    imports.start(session, shop.id, kind="orders", since=None, by="Bo")
    with pytest.raises(UnderWay, match="Bo started"):
        imports.resume(session, row.id, by="Ada")


def test_an_import_whose_command_was_cancelled_by_hand_can_be_resumed(session: Session, row: Import) -> None:
    assert not imports.is_stuck(session, row)
    commands.cancel(session, pages(session, row)[0].id, who="Ada")
    assert imports.is_stuck(session, row)
    imports.resume(session, row.id, by="Ada")
    assert len(pages(session, row)) == 1


def test_live_commands_go_before_the_pages_of_an_import(session: Session, row: Import) -> None:
    commands.put(session, connection_id=row.connection_id, operation="read_order", subject="order:1", payload={}, due_at=AT)

    def lease() -> list[str]:
        at = datetime.now(UTC) + timedelta(seconds=1)
        held = leases.lease(session, row.connection_id, at=at, seconds=9, limit=10, retry_at=lambda failures: None)
        return [command.operation for command in held.commands]

    assert [lease(), lease(), lease()] == [["read_order"], ["read_page"], []]


def test_a_command_that_replaces_a_live_one_does_not_stand_back(session: Session, row: Import) -> None:
    def put(key: str, *, background: bool) -> Command:
        return commands.put(
            session, connection_id=row.connection_id, operation="set_stock", subject=key, payload={}, collapse_key=key,
            background=background,
        )  # fmt: skip

    put("stock:1", background=False)
    assert not put("stock:1", background=True).background
    put("stock:2", background=True)
    assert put("stock:2", background=True).background


def test_events_of_an_import_are_left_to_the_import(session: Session, row: Import) -> None:
    first, second = keep(session, row, 1), keep(session, row, 2)
    assert events.waiting(session, timedelta(0)) == []
    assert imports.undecided(session, row.id, 9) == [first.id, second.id]
    first.status = "failed"
    assert imports.backlog(session, row.id) == 1
    assert imports.outcome(session, row.id) == imports.Outcome(1, 1, {})


def test_an_import_that_still_had_pages_to_read_ends_with_its_connection(session: Session, row: Import, shop: Connection) -> None:
    read = imports.start(session, shop.id, kind="products", since=None, by="Ada")
    move_on(session, read, None)
    connections.archive(session, session.get_one(Connection, shop.id), "sold")
    session.expire_all()

    assert imports.get(session, row.id).state == "cancelled" and imports.get(session, read.id).state == "running"
    connections.resume(session, session.get_one(Connection, shop.id))
    assert imports.start(session, shop.id, kind="orders", since=None, by="Ada").state == "waiting"
