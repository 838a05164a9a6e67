"""The workers of a whole house are killed in the middle of calls, again and again: the systems notice nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from tests.behaviours.house import House, open_house
from tests.browser.running_house import ROOT, wait_until

KILLS = 4
ORDERS = 4


@contextmanager
def workers(folder: Path, database_url: str, redis_url: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker and a relay in processes of their own; killed without warning at the end."""
    process = subprocess.Popen(
        [sys.executable, "-c", "import wiring; wiring.run_workers()"],
        cwd=ROOT,
        env={
            **os.environ, "WISSEL_DATA_DIR": str(folder), "DATABASE_URL": database_url, "REDIS_URL": redis_url,
            "WISSEL_LEASE_SECONDS": "1", "WISSEL_RETRY_SECONDS": "1", "WISSEL_ALLOWED_PRIVATE_HOSTS": "127.0.0.1",
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_workers_killed_in_the_middle_of_calls_lose_nothing_and_do_nothing_twice(tmp_path: Path, redis_url: str) -> None:
    folder, database_url = tmp_path / "house", f"sqlite:///{tmp_path / 'wissel.db'}"
    folder.mkdir()
    with open_house(folder, database_url, redis_url) as house:
        before = house.till.level("MUG-RED", "Warehouse Almere")
        numbers = [house.shop.place({"MUG-RED": 1, "TEA-EARL": 2}, email=f"c{i}@example.org") for i in range(ORDERS)]
        for kill in range(KILLS):
            with workers(folder, database_url, redis_url):
                _wait_for_requests(house, 2 + 3 * kill % 7)
        with workers(folder, database_url, redis_url):
            wait_until(lambda: _at_rest(house, numbers))

        for number in numbers:
            sale = house.till.sale(number)
            assert sum(Decimal(str(p["amount"])) for p in sale["payments"]) == Decimal("30.40")
            assert Counter({outlet: len(f["line_items"]) for outlet, f in house.till.fulfilments(number).items()}) == {
                "Warehouse Almere": 2
            }
        assert len(house.till.sales()) == ORDERS
        assert sorted(c["email"] for c in house.till.state.all("customer")) == sorted(f"c{i}@example.org" for i in range(ORDERS))
        assert house.till.level("MUG-RED", "Warehouse Almere") == before - ORDERS
        assert house.shop.stock("MUG-RED") == 34 - ORDERS


def _wait_for_requests(house: House, more: int) -> None:
    """Until the sandboxes have been asked so many times more; the worker is then somewhere in the middle of something."""
    start = _requests(house)
    wait_until(lambda: _requests(house) >= start + more or not house.pending())


def _requests(house: House) -> int:
    return len(house.till.state.requests(path="/api/")) + len(house.shop.state.requests(path="/api/"))


def _at_rest(house: House, numbers: list[str]) -> bool:
    orders = [house.get(f"/v1/orders?q={number}")["items"] for number in numbers]
    return all(found and found[0]["state"] == "open" for found in orders) and not house.pending() and len(house.till.sales()) == ORDERS
