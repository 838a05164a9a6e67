"""The processes of the workers: they are started, started again when they die, and stop when asked to."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess

import psutil
import pytest
from redis import Redis

from store import commands
from store.columns import now
from store.models import Connection, Merchant
from store.secrets import Cipher
from store.session import Database
from tests.workers import supervised

PATIENCE_SECONDS = 45


def wait_until(met: Callable[[], bool], what: str) -> None:
    """Wait for a condition that must come true."""
    patience = time.monotonic() + PATIENCE_SECONDS
    pause = threading.Event()
    while not met():
        assert time.monotonic() < patience, f"waited in vain until {what}"
        pause.wait(0.05)


@pytest.fixture
def supervisor(
    sqlite_database: Database, redis_server: Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[BaseProcess]:
    monkeypatch.setenv("TEST_DATABASE_URL", sqlite_database.url)
    monkeypatch.setenv("TEST_REDIS_URL", redis_url)
    monkeypatch.setenv("TEST_KEY", Cipher.new_key())
    process = multiprocessing.get_context("spawn").Process(target=supervised.run)
    process.start()
    yield process
    for child in psutil.Process(process.pid).children(recursive=True) if process.is_alive() else []:
        child.kill()
    process.kill()
    process.join()


def test_processes_that_die_are_started_again_and_stop_when_asked(
    supervisor: BaseProcess, sqlite_database: Database, make_merchant: Callable[..., Merchant]
) -> None:
    merchant = make_merchant(sqlite_database)
    with sqlite_database.session(merchant.id) as session:
        connection = Connection(name="till", platform="counting", role="till", base_url="http://x.example")
        session.add(connection)

    def put(subject: str) -> int:
        with sqlite_database.session(merchant.id) as session:
            return commands.put(session, connection_id=connection.id, operation="place_sale", subject=subject, payload={}, due_at=now()).id

    def is_done(command_id: int) -> bool:
        with sqlite_database.session(merchant.id, read_only=True) as session:
            return commands.get(session, command_id).status == "done"

    first = put("order:1")
    wait_until(lambda: is_done(first), "the relay rang and a worker carried the command out")

    children = {child.pid for child in psutil.Process(supervisor.pid).children() if "spawn_main" in " ".join(child.cmdline())}
    assert len(children) == 3, "one relay, one worker, and one for rules"
    for pid in children:
        os.kill(pid, signal.SIGKILL)
    second = put("order:2")
    wait_until(lambda: is_done(second), "new processes carried the next command out")

    assert supervisor.pid is not None
    os.kill(supervisor.pid, signal.SIGTERM)
    supervisor.join(PATIENCE_SECONDS)
    assert supervisor.exitcode == 0
    assert not any(psutil.pid_exists(pid) for pid in children)
