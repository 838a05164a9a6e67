"""The one way out over HTTP: every mishap becomes one of the four kinds of adapter error."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime

import pytest
import requests
from flask import Flask, Response
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.serving import make_server

from adapters.base import AdapterError, Refused, RetryLater, Throttled, Unauthorised
from adapters.http import MAX_BODY_BYTES, TooLarge, error_for, read_json, retry_after, send

TIMEOUT = (1.0, 0.5)


@contextmanager
def answering(answer: Callable[[], Response]) -> Iterator[str]:
    app = Flask(__name__)
    app.add_url_rule("/x", view_func=answer, methods=["GET", "POST"])
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=lambda: server.serve_forever(0.05), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/x"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def speaking(raw: bytes, *, drip: bytes = b"") -> Iterator[str]:
    """A server that says these bytes whatever it is asked, then drips or closes."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                connection.sendall(raw)
                try:
                    while drip and not stop.wait(0.05):
                        connection.sendall(drip)
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/x"
    finally:
        stop.set()
        listener.close()


def failure(answer: Response, **options: object) -> AdapterError:
    with answering(lambda: answer) as url, pytest.raises(AdapterError) as caught:
        send(requests.Session(), "GET", url, timeout=TIMEOUT, **options)  # type: ignore[arg-type]
    return caught.value


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Refused),
        (404, Refused),
        (409, Refused),
        (415, Refused),
        (422, Refused),
        (401, Unauthorised),
        (402, Unauthorised),
        (403, Unauthorised),
        (429, Throttled),
        (408, RetryLater),
        (425, RetryLater),
        (500, RetryLater),
        (502, RetryLater),
        (503, RetryLater),
        (599, RetryLater),
    ],
)
def test_every_error_status_has_its_kind(status: int, kind: type[AdapterError]) -> None:
    assert type(failure(Response("", status))) is kind


@pytest.mark.parametrize(
    ("body", "mimetype", "expected"),
    [
        ('{"errorMessage": "No such order", "errorCode": "X"}', "application/json", "No such order"),
        ('{"errors": {"sku": ["is taken"]}}', "application/json", "sku: is taken"),
        ('{"error": {"message": "deep"}}', "application/json", "deep"),
        ('[{"message": "one"}, {"message": "two"}]', "application/json", "one; two"),
        ("plainly wrong", "text/plain", "plainly wrong"),
        ("<h1>no</h1>", "text/html", "NOT FOUND"),
    ],
)
def test_a_refusal_carries_the_systems_own_words(body: str, mimetype: str, expected: str) -> None:
    assert failure(Response(body, 404, mimetype=mimetype)).message == expected


def test_a_long_refusal_is_clipped() -> None:
    assert len(failure(Response("word " * 500, 400, mimetype="text/plain")).message) == 300


def test_a_token_echoed_by_the_system_is_masked() -> None:
    error = failure(
        Response("secret_abc is revoked", 403, mimetype="text/plain"), headers={"Authorization": "Bearer secret_abc"}
    )
    assert "secret_abc" not in error.message + error.detail
    assert "*** is revoked" in error.message


def test_details_for_people_hold_no_query_string() -> None:
    assert "hush" not in failure(Response("", 500), params={"token": "hush"}).detail


@pytest.mark.parametrize(("value", "seconds"), [("30", 30), ("0", 0), ("1.5", 1.5), ("999999999", 86400)])
def test_retry_after_in_seconds_says_when_to_call_again(value: str, seconds: float) -> None:
    error = failure(Response("", 429, headers={"Retry-After": value}))
    assert isinstance(error, Throttled)
    assert error.until is not None
    assert abs((error.until - datetime.now(UTC)).total_seconds() - seconds) < 5


def test_retry_after_as_a_date_says_when_to_call_again() -> None:
    moment = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=5)
    error = failure(Response("", 429, headers={"Retry-After": format_datetime(moment, usegmt=True)}))
    assert isinstance(error, Throttled)
    assert error.until == moment


@given(st.text(st.characters(codec="latin-1", exclude_characters="\r\n")))
def test_any_retry_after_gives_an_aware_moment_or_none(value: str) -> None:
    response = requests.Response()
    response.headers["Retry-After"] = value
    until = retry_after(response)
    assert until is None or until.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("status", "kind"), [(301, Refused), (308, Refused), (302, RetryLater), (303, RetryLater), (307, RetryLater)]
)
def test_a_redirect_is_never_followed(status: int, kind: type[AdapterError]) -> None:
    error = failure(Response("", status, headers={"Location": "https://elsewhere.example/a?token=hush"}))
    assert type(error) is kind
    assert "https://elsewhere.example/a" in error.message
    assert "hush" not in error.message


def test_no_server_is_worth_another_try() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(RetryLater):
        send(requests.Session(), "GET", f"http://127.0.0.1:{port}/x", timeout=TIMEOUT)


@pytest.mark.parametrize("url", ["nonsense", "http://", "ftp://127.0.0.1/x", "http://[", "http://a b/"])
def test_an_unusable_address_is_refused_or_tried_again_but_never_crashes(url: str) -> None:
    with pytest.raises(AdapterError):
        send(requests.Session(), "GET", url, timeout=TIMEOUT)


def test_silence_is_a_time_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(RetryLater) as caught:
        send(requests.Session(), "GET", f"http://127.0.0.1:{silent.getsockname()[1]}/x", timeout=(1.0, 0.1))
    assert "in time" in caught.value.message


def test_a_body_cut_short_is_worth_another_try() -> None:
    with speaking(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"a": 1}') as url, pytest.raises(RetryLater):
        send(requests.Session(), "GET", url, timeout=TIMEOUT)


def test_a_chunked_body_cut_short_is_worth_another_try() -> None:
    with (
        speaking(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{"a": 1}\r\n') as url,
        pytest.raises(RetryLater),
    ):
        send(requests.Session(), "GET", url, timeout=TIMEOUT)


def test_a_server_dripping_bytes_cannot_hold_a_worker() -> None:
    with (
        speaking(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", drip=b" ") as url,
        pytest.raises(RetryLater) as caught,
    ):
        send(requests.Session(), "GET", url, timeout=(1.0, 0.2))
    assert "too slowly" in caught.value.message


def test_what_is_not_http_is_worth_another_try() -> None:
    with speaking(b"SSH-2.0-OpenSSH\r\n") as url, pytest.raises(RetryLater):
        send(requests.Session(), "GET", url, timeout=TIMEOUT)


def test_an_oversized_answer_is_not_read_to_its_end() -> None:
    error = failure(Response(b"x" * (MAX_BODY_BYTES + 1), 200))
    assert type(error) is TooLarge
    assert "larger" in error.message


def test_verification_cannot_be_switched_off_by_the_session() -> None:
    seen: dict[str, object] = {}

    class Recorder(requests.adapters.HTTPAdapter):
        def send(self, request: requests.PreparedRequest, **options: object) -> requests.Response:  # type: ignore[override]
            seen.update(options)
            raise requests.ConnectionError("enough")

    http = requests.Session()
    http.verify = False
    http.mount("https://", Recorder())
    with pytest.raises(RetryLater):
        send(http, "GET", "https://shop.example/x")
    assert seen["verify"] is not False


@pytest.mark.parametrize(
    "body", ["", "   ", "<html>", '{"a": ', "12", "null", '"text"', '{"a": NaN}', "[" * 100_000, "\xff\xfe"]
)
def test_anything_but_a_json_object_or_list_is_worth_another_try(body: str) -> None:
    with answering(lambda: Response(body.encode("latin-1"))) as url:
        response = send(requests.Session(), "GET", url)
        with pytest.raises(RetryLater):
            read_json(response)


def test_numbers_in_json_stay_exact() -> None:
    with answering(lambda: Response('{"total": 0.1, "count": 3, "list": [12.50]}')) as url:
        assert read_json(send(requests.Session(), "GET", url)) == {
            "total": Decimal("0.1"),
            "count": 3,
            "list": [Decimal("12.50")],
        }


@given(st.integers(300, 599), st.binary(max_size=200))
def test_any_error_answer_becomes_an_adapter_error(status: int, body: bytes) -> None:
    response = requests.Response()
    response.status_code, response._content = status, body
    assert isinstance(error_for(response), AdapterError)
