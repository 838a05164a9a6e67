"""Which addresses may be called: checked when they are saved, and again where each call really goes."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from adapters.base import Refused, RetryLater
from adapters.http import send
from adapters.outbound import BadAddress, Outbound
from tests.adapters.inbox import Inbox

PUBLIC = "93.184.216.34"
"""An address of no private range; no test ever connects to it."""


@contextmanager
def names(monkeypatch: pytest.MonkeyPatch, *answers: str) -> Iterator[list[str]]:
    """A name server that says something else each time it is asked; the last answer stays. Yields what was connected to."""
    left, connected = list(answers), list[str]()
    real = socket.getaddrinfo

    def answer(host: str, port: Any, *args: Any, **options: Any) -> Any:
        if not str(host).endswith(".example"):
            return real(host, port, *args, **options)
        address = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, int(port or 0)))]

    def connect(self: socket.socket, address: Any) -> None:
        connected.append(address[0])
        raise ConnectionRefusedError("no test connects to the world")

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    monkeypatch.setattr(socket.socket, "connect", connect)
    yield connected


@pytest.mark.parametrize(
    "url",
    ["https://127.0.0.1", "https://localhost", "https://2130706433", "https://0x7f.1", "https://0", "https://[::1]",
     "https://10.0.0.1/shop", "https://172.16.3.4", "https://192.168.1.1", "https://100.64.0.1", "https://169.254.169.254/latest/meta-data",
     "https://[fe80::1]", "https://[fd00:ec2::254]", "https://[::ffff:10.0.0.1]", "https://[64:ff9b::a00:1]", "https://[2002:a00:1::]",
     "https://224.0.0.1", "https://[ff02::1]", "https://255.255.255.255", "https://168.63.129.16", "https://198.18.0.1"],
)  # fmt: skip
def test_an_address_inside_is_refused_however_it_is_written(url: str) -> None:
    with pytest.raises(BadAddress, match="leads to a private, local or otherwise reserved address"):
        Outbound().check(url)
    with pytest.raises(Refused, match="private, local or otherwise reserved"):
        send(Outbound().session(), "GET", url)


@pytest.mark.parametrize(
    ("url", "says"),
    [("", "is missing"), ("shop.example", "must begin with https"), ("ftp://shop.example", "must begin with https"),
     ("file:///etc/passwd", "must begin with https"), ("gopher://shop.example", "must begin with https"),
     ("http://shop.example", "nobody on the way can read"), ("https://user:secret@shop.example", "must not hold a user name"),
     ("https://shop.example@evil.example", "must not hold a user name"), ("https://shop.example:22", "uses port 22; allowed are 443 and 8443"),
     ("https://shop.example:99999", "is no address"), ("https://[::1", "is no address"), ("https://", "names no host"), ("https://..", "names no host"), ("https://localhost.", "names no host"),
     ("https://[fe80::1%25eth0]", "names no host"), ("https://a b.example", "holds a space"), ("https://shop.example\\@evil.example", "a backslash"),
     ("https://shop.example\r\nHost: x", "holds a space"), ("https://shop.example/?token=abc", "leave out everything from the"),
     ("https://shop.example/#x", "leave out everything from the"), ("https://shop.example/" + "x" * 200, "longer than 200")],
)  # fmt: skip
def test_what_is_no_base_url_is_refused_with_what_would_do(url: str, says: str) -> None:
    with pytest.raises(BadAddress, match=says):
        Outbound().check(url)


@pytest.mark.parametrize("url", ["https://shop.example", "https://shop.example:8443/store/", "https://shop.example:443", "https://bücher.example"])
def test_a_public_shop_is_taken_without_a_slash_at_its_end(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    with names(monkeypatch, PUBLIC):
        assert Outbound().check(f" {url} ") == url.rstrip("/")


def test_a_host_of_the_own_network_can_be_allowed_with_all_its_ports_or_with_one(inbox: Inbox) -> None:
    port = int(inbox.url.rpartition(":")[2].partition("/")[0])
    base = f"http://127.0.0.1:{port}"

    for allowed in (["127.0.0.1"], [f" 127.0.0.1:{port} "]):
        assert Outbound.of(allowed).check(base) == base
        assert send(Outbound.of(allowed).session(), "POST", inbox.url, data=b"{}").status_code == 200
    with pytest.raises(BadAddress):
        Outbound.of([f"127.0.0.1:{port + 1}"]).check(base)
    with pytest.raises(Refused, match="WISSEL_ALLOWED_PRIVATE_HOSTS"):
        send(Outbound.of(["localhost"]).session(), "POST", inbox.url, data=b"{}")
    assert len(inbox.got) == 2


def test_a_name_that_leads_elsewhere_after_it_was_checked_gains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    outbound = Outbound()
    with names(monkeypatch, PUBLIC, "127.0.0.1") as connected:
        assert outbound.check("https://rebinding.example") == "https://rebinding.example"
        with pytest.raises(Refused, match="private, local or otherwise reserved"):
            send(outbound.session(), "GET", "https://rebinding.example/admin")
    assert connected == []


def test_a_call_goes_to_the_very_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    with names(monkeypatch, PUBLIC, "127.0.0.1") as connected, pytest.raises(RetryLater):
        send(Outbound().session(), "GET", "https://rebinding.example/")
    assert connected == [PUBLIC]


def test_a_host_with_one_private_address_among_public_ones_is_refused_when_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    both = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in (PUBLIC, "10.1.2.3")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: both)

    with pytest.raises(BadAddress, match="private"):
        Outbound().check("https://two.example")


def test_a_host_that_cannot_be_found_is_a_failure_to_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*args: Any, **options: Any) -> Any:
        raise socket.gaierror("unknown")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    assert Outbound().check("https://gone.example") == "https://gone.example"
    with pytest.raises(RetryLater, match="connection to the system failed"):
        send(Outbound().session(), "GET", "https://gone.example")


def test_the_address_in_a_refusal_shows_no_password_and_no_query() -> None:
    with pytest.raises(Refused) as refused:
        send(Outbound().session(), "GET", "http://user:hunter2@shop.example/?token=hunter3")
    assert "hunter" not in refused.value.message + refused.value.detail


def test_redirects_are_not_followed(inbox: Inbox) -> None:
    inbox.answers = [302]
    with pytest.raises(RetryLater, match="not followed"):
        send(Outbound.of(["127.0.0.1"]).session(), "POST", inbox.url, data=b"{}")
    assert len(inbox.got) == 1


def test_a_session_with_a_time_to_be_over_in_makes_no_call_after_it(inbox: Inbox) -> None:
    http = Outbound.of(["127.0.0.1"]).session(seconds=0)
    with pytest.raises(RetryLater, match="takes too long"):
        send(http, "POST", inbox.url, data=b"{}")
    assert inbox.got == []


def test_a_server_that_drips_its_answer_is_left_when_the_time_is_over() -> None:
    over = threading.Event()

    def drip(listener: socket.socket) -> None:
        taken, _ = listener.accept()
        with taken, contextlib.suppress(OSError):
            taken.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while not over.wait(0.01):
                taken.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=[listener])
        thread.start()
        with pytest.raises(RetryLater, match="too slowly"):
            send(Outbound.of(["127.0.0.1"]).session(seconds=0.2), "GET", f"http://127.0.0.1:{listener.getsockname()[1]}/")
        over.set()
        thread.join()
