"""A page of an import counts once, however often its command is carried out, and whatever happens to the import meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.base import Connection, NewEvent, Result
from store import commands, events, imports, models
from store.import_models import Import
from store.leases import Leased
from store.models import Merchant
from store.session import Database
from tests.workers.parts import Parts
from workers.imports import MOST_UNDECIDED, Pages
from workers.limits import HeldBack

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Shop:
    """An import of one shop, and its pages as a worker takes them in."""

    def __init__(self, parts: Parts, row: models.Connection) -> None:
        self.database, self.merchant_id, self.connection_id = parts.database, row.merchant_id, row.id
        seen = Connection(row.id, row.name, row.platform, row.role, row.base_url)
        self.pages = Pages(parts.database, parts.bell, seen, lambda: AT)
        with self.database.session(self.merchant_id) as session:
            self.import_id = imports.start(session, row.id, kind="orders", since=None, by="Ada").id

    def command(self) -> Leased:
        """The command for the next page, as a worker leased it."""
        with self.database.session(self.merchant_id) as session:
            found = commands.listed(session, operation="read_page", status="waiting").commands
            (row,) = found
            row.status = "leased"
            return Leased(
                row.id, self.merchant_id, row.operation, row.subject, row.payload, row.idempotency_key, 1, 0, "automatic", False, True
            )

    def take_in(self, command: Leased, *numbers: int, last: bool = False, **more: Any) -> str:
        told = [
            NewEvent(f"order:{number}", "order.placed", f"order:{number}", AT, {"order": {"number": number, **more}}) for number in numbers
        ]
        then = None if last else {**command.payload, "cursor": numbers[-1]}
        return self.pages.take_in(command, Result("Read.", told, then=then, progress=(len(numbers), 9)))

    def act(self, action: Callable[..., Import]) -> None:
        with self.database.session(self.merchant_id) as session:
            action(session, self.import_id, by="Ada")

    def look(self) -> Import:
        with self.database.session(self.merchant_id, read_only=True) as session:
            return imports.get(session, self.import_id)

    def waiting(self) -> int:
        with self.database.session(self.merchant_id, read_only=True) as session:
            return len(commands.listed(session, operation="read_page", status="waiting").commands)


@pytest.fixture
def shop(parts: Parts, connection: models.Connection) -> Shop:
    return Shop(parts, connection)


def test_a_page_whose_command_is_carried_out_twice_counts_once(shop: Shop) -> None:
    command = shop.command()
    assert shop.take_in(command, 1, 2, 3) == "3 were new."
    assert shop.take_in(command, 1, 2, 3) == "This page was taken in before."
    row = shop.look()
    assert (row.pages, row.done, row.taken, row.duplicates, row.cursor) == (1, 3, 3, 0, 3)
    assert shop.waiting() == 1
    assert shop.pages.unwanted(command) == "This page was taken in before."


def test_what_another_page_told_counts_as_known(shop: Shop) -> None:
    shop.take_in(shop.command(), 1, 2)
    shop.take_in(shop.command(), 2, 3, last=True)
    row = shop.look()
    assert (row.taken, row.duplicates, row.failed, row.read_at) == (3, 1, 0, AT)
    assert shop.waiting() == 0


def test_one_id_with_two_contents_is_counted_as_failed(shop: Shop) -> None:
    shop.take_in(shop.command(), 1)
    assert shop.take_in(shop.command(), 1, 2, comment="another") == "1 were new. 1 could not be kept."
    assert (shop.look().taken, shop.look().failed) == (2, 1)


def test_a_page_that_was_read_while_people_paused_the_import_is_taken_in(shop: Shop) -> None:
    command = shop.command()
    shop.act(imports.pause)
    assert shop.take_in(command, 1, 2) == "2 were new."
    assert (shop.look().state, shop.look().pages, shop.waiting()) == ("paused", 1, 0)
    shop.act(imports.resume)
    assert shop.command().payload["page"] == 1


def test_a_page_of_a_cancelled_import_is_dropped(shop: Shop, database: Database) -> None:
    command = shop.command()
    shop.act(imports.cancel)
    assert shop.take_in(command, 1) == "The import is cancelled; nothing was taken in."
    assert shop.pages.unwanted(command) == "The import is cancelled; nothing was taken in."
    with database.session(shop.merchant_id, read_only=True) as session:
        assert events.recent(session) == []


def test_a_paused_import_whose_page_is_leased_reads_nothing(shop: Shop) -> None:
    command = shop.command()
    shop.act(imports.pause)
    assert shop.pages.unwanted(command) == "The import is paused; nothing was taken in."


def test_reading_waits_while_much_is_undecided(shop: Shop) -> None:
    shop.take_in(shop.command(), *range(MOST_UNDECIDED))
    with pytest.raises(HeldBack, match="still to be decided"):
        shop.pages.unwanted(shop.command())


def test_the_page_of_an_import_of_another_merchant_is_not_known(shop: Shop, make_merchant: Callable[..., Merchant]) -> None:
    command = shop.command()
    other = make_merchant(shop.database, "rose")
    foreign = Leased(
        command.id, other.id, command.operation, command.subject, command.payload, command.idempotency_key, 1, 0, "automatic", False, True
    )
    assert shop.pages.unwanted(foreign) == "There is no such import any more; nothing was taken in."
