"""What is recorded of the HTTP exchanges of an attempt, and how requests are counted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

import adapters.base
from adapters.base import Call, Memory, Result, Throttled
from adapters.http import read_json, send
from adapters.outbound import new_session
from store.columns import now
from store.flow_models import Command
from store.models import Connection
from tests.workers.parts import Parts
from workers.drain import Drainer
from workers.errands import errand_for, per_minute
from workers.exchanges import MAX_EXCHANGES, Recorder
from workers.limits import HeldBack, Holds, Meter

Put = Callable[..., int]
Look = Callable[[int], Command]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status = 503 if self.path == "/down" else 200
        body = b'{"id":"sale-1","email":"jan@example.nl","auth":"' + self.headers.get("Authorization", "").encode() + b'"}'
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """The test looks at what was recorded instead."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    served = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{served.server_port}"
    served.shutdown()
    thread.join()
    served.server_close()


@pytest.fixture
def meter(redis_server: Redis) -> Meter:
    return Meter(redis_server, "connection-1", 0, longest_pause=0)


def test_an_attempt_shows_what_was_sent_and_what_came_back(
    put: Put, look: Look, parts: Parts, make_connection: Callable[..., Connection], server: str
) -> None:
    connection = make_connection("shown", base_url=server, credentials=parts.cipher.encrypt({"token": "s3cr3t-value"}))
    command_id = put(connection_id=connection.id)

    def answer(call: Call, memory: Memory, http: requests.Session) -> Result:
        send(http, "POST", f"{server}/sales", json={"first_name": "Jan", "sku": "BIKE-1"}, headers={"Authorization": "Bearer s3cr3t-value"})
        send(http, "POST", f"{server}/down")
        return Result("Not reached.")

    parts.counting.answer = answer
    with errand_for(parts, connection.id) as errand:
        assert errand is not None
        Drainer(parts, errand).run()
    first, second = look(command_id).attempts[0].exchanges
    assert (first["method"], first["url"], first["status"]) == ("POST", f"{server}/sales", 200)
    assert first["request"]["body"] == '{"first_name":"•••","sku":"BIKE-1"}'
    assert first["request"]["headers"]["Authorization"] == "•••"
    assert first["response"]["body"] == '{"id":"sale-1","email":"•••","auth":"•••"}'
    assert first["ms"] >= 0
    assert datetime.fromisoformat(first["at"]) <= now()
    assert (second["url"], second["status"]) == (f"{server}/down", 503)
    assert "s3cr3t" not in str([first, second])
    assert "jan@" not in str([first, second])


def test_a_request_that_got_no_answer_is_recorded_with_its_error(meter: Meter) -> None:
    with new_session(["127.0.0.1"]) as http:
        recorder = Recorder(http, meter)
        with pytest.raises(requests.ConnectionError):
            http.get("http://127.0.0.1:9/sales?token=abc")
        exchange, = recorder.take()
    assert exchange["url"] == "http://127.0.0.1:9/sales?token=•••"
    assert "ConnectionError" in exchange["error"]
    assert "abc" not in exchange["error"]
    assert "status" not in exchange


def test_a_long_read_is_shown_by_its_beginning_and_its_end(meter: Meter, server: str) -> None:
    with new_session(["127.0.0.1"]) as http:
        recorder = Recorder(http, meter)
        for page in range(MAX_EXCHANGES + 10):
            read_json(send(http, "POST", f"{server}/pages/{page}"))
        taken = recorder.take()
        assert recorder.take() == []
    assert taken[0]["url"].endswith("/pages/0")
    assert taken[-1]["url"].endswith(f"/pages/{MAX_EXCHANGES + 9}")
    assert len(taken) == MAX_EXCHANGES + 1
    assert taken[MAX_EXCHANGES // 2] == {"left_out": 10}


def test_credentials_of_the_machine_never_replace_those_of_the_adapter(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with new_session(["127.0.0.1"]) as http:
        answer = http.post(server, headers={"Authorization": "Bearer ours"})
    assert answer.json()["auth"] == "Bearer ours"


def _meter(redis: Redis, per_minute: int, slept: list[float] | None = None, longest_pause: float = 0) -> Meter:
    return Meter(redis, "connection-1", per_minute, longest_pause=longest_pause, sleep=(slept if slept is not None else []).append)


def test_no_more_requests_pass_in_a_minute_than_allowed_over_all_processes(redis_server: Redis) -> None:
    one, other = _meter(redis_server, 3), _meter(redis_server, 3)
    one.pass_through()
    other.pass_through()
    one.pass_through()
    with pytest.raises(HeldBack) as held:
        other.pass_through()
    assert timedelta(seconds=50) < held.value.until - now() <= timedelta(seconds=61)


def test_the_first_request_of_a_command_is_taken_before_it_starts(redis_server: Redis) -> None:
    meter = _meter(redis_server, 2)
    meter.reserve()
    meter.reserve()
    meter.pass_through()
    meter.reserve()
    with pytest.raises(HeldBack):
        _meter(redis_server, 2).reserve()
    meter.pass_through()
    with pytest.raises(HeldBack):
        meter.reserve()


def test_a_command_under_way_waits_for_its_turn_if_that_is_soon(redis_server: Redis) -> None:
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        redis_server.flushall()

    meter = Meter(redis_server, "connection-1", 1, longest_pause=100, sleep=sleep)
    meter.pass_through()
    meter.pass_through()
    assert len(slept) == 1
    assert 50 < slept[0] <= 61


def test_a_wait_that_is_too_long_ends_the_attempt_as_throttled(redis_server: Redis, server: str) -> None:
    with new_session(["127.0.0.1"]) as http:
        Recorder(http, _meter(redis_server, 1, longest_pause=5))
        send(http, "POST", server)
        with pytest.raises(Throttled, match="Our own rate limit") as throttled:
            send(http, "POST", server)
    assert throttled.value.until is not None
    assert throttled.value.until > now()


def test_without_a_limit_or_without_redis_everything_passes(redis_server: Redis) -> None:
    for _ in range(100):
        _meter(redis_server, 0).pass_through()
    _meter(Redis(unix_socket_path="/nowhere/redis.sock", retry=Retry(NoBackoff(), 0)), 1).pass_through()


def test_a_hold_ends_by_itself_and_can_be_lifted(redis_server: Redis) -> None:
    holds, until = Holds(redis_server), now() + timedelta(minutes=1)
    holds.put("connection-1", until, "Slow down.")
    hold = holds.of("connection-1")
    assert hold is not None
    assert (hold.reason, abs(hold.until - until) < timedelta(milliseconds=1)) == ("Slow down.", True)
    assert 59_000 < redis_server.pttl("wissel:hold:connection-1") <= 60_000  # type: ignore[operator]
    assert holds.of("connection-2") is None
    holds.lift("connection-1")
    assert holds.of("connection-1") is None
    holds.put("connection-1", datetime(2020, 1, 1, tzinfo=UTC), "Long over.")
    assert holds.of("connection-1") is None


@pytest.mark.parametrize(("setting", "expected"), [(7, 7), (0, 0), (-1, 60), ("many", 60), (True, 60), (None, 60)])
def test_a_connection_may_have_a_rate_limit_of_its_own(setting: object, expected: int, parts: Parts) -> None:
    assert per_minute(adapters.base.Connection("1", "till", "counting", "till", "http://x", settings={"rate_per_minute": setting}), 60) == expected
