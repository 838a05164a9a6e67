"""A first import from a real shop sandbox: everything once, live orders first, and no stop that loses anything."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

import demo
from adapters.base import NewEvent
from store import imports
from store.columns import now
from store.flow_models import Attempt, Command, Decision, Event
from store.import_models import Import
from store.models import AuditEntry, Connection
from store.order_models import Notification, Order
from tests.behaviours.house import House, open_house
from tests.browser.running_house import ROOT, wait_until
from tests.replaying import assert_everything_replays
from workers.drain import Drainer
from workers.errands import errand_for
from workers.imports import decide_slice
from workers.relay import Relay
from workers.worker import OutboxWorker, RulesWorker

DAY = 86_400
OPEN, SENT, OLD = "open", "sent", "old"


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory, redis_socket: str) -> Path:
    """The folder of a house at rest, to copy."""
    folder = tmp_path_factory.mktemp("house")
    with open_house(folder, f"sqlite:///{folder / 'wissel.db'}", f"unix://{redis_socket}"):
        pass
    return folder


@pytest.fixture
def house(tmp_path: Path, furnished: Path, redis_url: str) -> Iterator[House]:
    folder = tmp_path / "house"
    shutil.copytree(furnished, folder)
    with open_house(folder, f"sqlite:///{folder / 'wissel.db'}", redis_url) as opened:
        in_small_pages(opened)
        yield opened
        assert_everything_replays(opened.services.database)


def in_small_pages(house: House) -> None:
    """Ten orders a page instead of a hundred, and systems that may be asked at any time."""
    with house.services.database.session(house.merchant_id) as session:
        for name, settings in ((demo.SHOP, {"page_size": 10, "rate_per_minute": 0}), (demo.TILL, {"rate_per_minute": 0})):
            row = session.get_one(Connection, house.ids[name])
            row.settings = {**row.settings, **settings}


def fill(house: House, kinds: Sequence[str]) -> list[str]:
    """Orders that the shop already had before it was connected, a day between each; gives their numbers."""
    model = house.shop.order(house.shop.place({"TEA-EARL": 1}))
    house.shop.box.sandbox.courier.settle(10)
    house.settle()
    numbers = [f"H{number:04d}" for number in range(len(kinds))]
    with house.shop.state.transaction():
        for number, (id, kind) in enumerate(zip(numbers, kinds, strict=True)):
            moment = int(time.time()) - (400 * DAY if kind == OLD else 40 * DAY) + number * 3600
            when = time.strftime("%Y-%m-%d %H:%M:%S +0000", time.gmtime(moment))
            house.shop.state.put("order", id, {
                **model, "id": id, "vendorOrderNumber": id, "fulfillmentStatus": "SHIPPED" if kind == SENT else "AWAITING_PROCESSING",
                "createTimestamp": moment, "updateTimestamp": moment, "createDate": when, "updateDate": when,
            })  # fmt: skip
        house.shop.state.delete("order", model["id"])
    return numbers


def start(house: House, kind: str = "orders") -> str:
    with house.services.database.session(house.merchant_id) as session:
        row = imports.start(session, house.ids[demo.SHOP], kind=kind, since=None, by="Ada")
    house.services.bell.ring([row.connection_id])
    return row.id


def look(house: House, import_id: str) -> Import:
    with house.services.database.session(house.merchant_id, read_only=True) as session:
        return imports.get(session, import_id)


def outcome(house: House, import_id: str) -> imports.Outcome:
    with house.services.database.session(house.merchant_id, read_only=True) as session:
        return imports.outcome(session, import_id)


def work(house: House) -> None:
    """Let all workers carry out what is queued, once."""
    Relay(house.services).tick()
    OutboxWorker(house.services).run(burst=True)
    RulesWorker(house.services).run(burst=True)


def finish(house: House, import_id: str, state: str = "done") -> Import:
    deadline = time.monotonic() + 60
    while (row := look(house, import_id)).state != state:
        assert time.monotonic() < deadline, f"the import stays {row.state}: {house.pending()}"
        work(house)
    house.settle()
    return look(house, import_id)


def read(house: House, import_id: str, orders: int) -> None:
    """Drain the shop's outbox until so many orders of an import were read, and decide none of them."""
    while look(house, import_id).done < orders:
        with errand_for(house.services, house.ids[demo.SHOP]) as errand:
            assert errand is not None
            Drainer(house.services, errand, stop=lambda: look(house, import_id).done >= orders).run()


def act(house: House, action: Any, import_id: str) -> None:
    with house.services.database.session(house.merchant_id) as session:
        row = action(session, import_id, by="Ada")
    house.services.bell.ring([row.connection_id])


def told(house: House) -> Counter[str]:
    """How often each order was told by imports."""
    with house.services.database.session(house.merchant_id, read_only=True) as session:
        found = session.scalars(select(Event.subject).where(Event.import_id.is_not(None), Event.type != "product.changed"))
        return Counter(found)


def test_old_orders_are_known_and_open_ones_reach_the_till(house: House) -> None:
    numbers = fill(house, [SENT] * 25 + [OLD] * 3 + [OPEN] * 2)
    before = len(house.till.sales())
    row = finish(house, start(house))
    assert (row.done, row.total, row.taken, row.duplicates, row.failed) == (30, 30, 30, 0, 0)
    assert told(house) == {f"order:{number}": 1 for number in numbers}
    assert outcome(house, row.id) == imports.Outcome(0, 0, {"ignored": 25, "held": 3, "open": 2})
    assert len(house.till.sales()) == before + 2
    with house.services.database.session(house.merchant_id, read_only=True) as session:
        told_staff = set(session.scalars(select(Order.number).join(Notification, Notification.order_id == Order.id)))
        assert told_staff & set(numbers) == set(numbers[-2:])
        assert session.scalars(select(AuditEntry.action).where(AuditEntry.who == "Ada")).all() == ["import"]
        held = session.scalars(select(Order.state_reason).where(Order.state == "held")).first()
    assert held == "a first import found it still open long after it was placed"


def test_importing_once_more_finds_what_is_known(house: House) -> None:
    fill(house, [SENT] * 30)
    finish(house, start(house))
    row = finish(house, start(house))
    assert (row.done, row.taken, row.duplicates, row.failed) == (30, 0, 30, 0)


def test_products_are_imported_too(house: House) -> None:
    row = finish(house, start(house, "products"))
    assert (row.state, row.failed) == ("done", 0)
    assert row.done == row.total == len(house.shop.state.all("product"))


def test_a_live_order_is_decided_before_the_orders_of_an_import(house: House) -> None:
    fill(house, [SENT] * 40)
    import_id = start(house)
    read(house, import_id, orders=8)
    waiting = outcome(house, import_id).undecided
    assert waiting >= 8

    number = house.shop.place({"MUG-RED": 1})
    house.shop.box.sandbox.courier.settle(10)
    while not is_decided(house, number):
        OutboxWorker(house.services).run(burst=True)
    assert outcome(house, import_id).undecided >= waiting
    finish(house, import_id)
    assert house.order(number)["state"] == "open"


def test_nothing_of_an_import_is_decided_while_a_live_event_waits(house: House) -> None:
    fill(house, [SENT] * 40)
    import_id = start(house)
    read(house, import_id, orders=8)
    waiting = outcome(house, import_id).undecided
    product = NewEvent("live", "product.changed", "product:NEW", now(), {"sku": "NEW", "name": "New"})
    house.services.intake.take_in(house.merchant_id, "erp", product, defer=True)
    decide_slice(house.services, house.merchant_id, import_id, seconds=0.1)
    assert outcome(house, import_id).undecided == waiting
    OutboxWorker(house.services).run(burst=True)
    decide_slice(house.services, house.merchant_id, import_id, seconds=30)
    assert outcome(house, import_id).undecided == 0


def is_decided(house: House, number: str) -> bool:
    with house.services.database.session(house.merchant_id, read_only=True) as session:
        return session.scalar(select(Decision.id).join(Order, Order.id == Decision.order_id).where(Order.number == number)) is not None


def test_a_live_command_of_the_same_shop_goes_before_the_next_page(house: House) -> None:
    fill(house, [SENT] * 40)
    import_id = start(house)
    number = house.shop.place({"MUG-RED": 1})
    house.shop.box.sandbox.courier.settle(10)
    finish(house, import_id)
    with house.services.database.session(house.merchant_id, read_only=True) as session:
        tries = session.execute(
            select(Command.operation).join(Attempt).where(Command.connection_id == house.ids[demo.SHOP])
            .where(Command.operation.in_(("read_page", "read_order"))).order_by(Attempt.id)
        ).scalars().all()  # fmt: skip
    live = [position for position, operation in enumerate(tries) if operation == "read_order"][-1]
    assert tries[live:].count("read_page") >= 2
    assert house.order(number)["state"] == "open"


def test_what_an_import_tells_the_till_lets_live_orders_go_first(house: House) -> None:
    fill(house, [OPEN] * 3)
    finish(house, start(house))
    with house.services.database.session(house.merchant_id, read_only=True) as session:
        background = {
            command.background
            for command in session.scalars(select(Command).join(Event, Event.id == Command.event_id).where(Event.import_id.is_not(None)))
        }
    assert background == {True}


def test_a_shop_that_asks_to_slow_down_gets_its_pause_and_nothing_is_lost(house: House) -> None:
    numbers = fill(house, [SENT] * 40)
    house.shop.box.sandbox.faults.add("429", count=2, match="/orders")
    house.shop.box.sandbox.faults.add("half_json", count=1, match="/orders")
    row = finish(house, start(house))
    assert row.taken == 40
    assert told(house) == {f"order:{number}": 1 for number in numbers}


def test_a_paused_import_rests_and_goes_on_where_it_was(house: House) -> None:
    numbers = fill(house, [SENT] * 40)
    import_id = start(house)
    read(house, import_id, orders=5)
    act(house, imports.pause, import_id)
    done = look(house, import_id).done
    for _ in range(3):
        work(house)
    resting = look(house, import_id)
    assert (resting.state, resting.done) == ("paused", done)
    assert outcome(house, import_id).undecided == 0
    act(house, imports.resume, import_id)
    assert finish(house, import_id).taken == 40
    assert told(house) == {f"order:{number}": 1 for number in numbers}


def test_a_cancelled_import_reads_nothing_more_and_what_it_read_is_decided(house: House) -> None:
    fill(house, [SENT] * 40)
    import_id = start(house)
    read(house, import_id, orders=5)
    act(house, imports.cancel, import_id)
    for _ in range(3):
        work(house)
    row = look(house, import_id)
    assert (row.state, row.read_at) == ("cancelled", None)
    assert outcome(house, import_id) == imports.Outcome(0, 0, {"ignored": row.taken})


def test_a_shop_that_cannot_be_read_fails_the_import_until_it_can(house: House) -> None:
    numbers = fill(house, [SENT] * 20)
    large = house.shop.order(numbers[7])
    house.shop.state.put("order", numbers[7], {**large, "privateAdminNotes": "x" * 5_100_000})
    import_id = start(house)
    failed = finish(house, import_id, "failed")
    assert "single order over there is larger than 5 MB" in failed.error
    house.shop.state.put("order", numbers[7], large)
    act(house, imports.resume, import_id)
    assert finish(house, import_id).taken == 20
    assert told(house) == {f"order:{number}": 1 for number in numbers}


@contextmanager
def workers(folder: Path, database_url: str, redis_url: str) -> Iterator[subprocess.Popen[bytes]]:
    """Workers in a process of their own, killed without warning at the end."""
    process = subprocess.Popen(
        [sys.executable, "-c", "from tests.workers.importing_worker import run; run()"], cwd=ROOT,
        env={
            **os.environ, "WISSEL_DATA_DIR": str(folder), "DATABASE_URL": database_url, "REDIS_URL": redis_url,
            "WISSEL_LEASE_SECONDS": "1", "WISSEL_RETRY_SECONDS": "1", "WISSEL_ALLOWED_PRIVATE_HOSTS": "127.0.0.1",
        },
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_workers_killed_in_the_middle_of_an_import_pass_over_nothing_and_repeat_nothing(
    tmp_path: Path, furnished: Path, redis_url: str
) -> None:
    folder = tmp_path / "house"
    shutil.copytree(furnished, folder)
    database_url = f"sqlite:///{folder / 'wissel.db'}"
    with open_house(folder, database_url, redis_url) as house:
        in_small_pages(house)
        numbers = fill(house, [SENT] * 90 + [OPEN] * 2)
        before = len(house.till.sales())
        import_id = start(house)
        for reached in (1, 25, 60):
            with workers(folder, database_url, redis_url):
                wait_until(partial(_has_decided, house, import_id, reached))
        with workers(folder, database_url, redis_url):
            wait_until(lambda: look(house, import_id).state == "done" and not house.pending())
        row = look(house, import_id)
        assert (row.taken, row.failed, row.done) == (92, 0, 92)
        assert told(house) == {f"order:{number}": 1 for number in numbers}
        assert outcome(house, import_id) == imports.Outcome(0, 0, {"ignored": 90, "open": 2})
        assert len(house.till.sales()) == before + 2


def _has_decided(house: House, import_id: str, count: int) -> bool:
    return look(house, import_id).taken - outcome(house, import_id).undecided >= count
