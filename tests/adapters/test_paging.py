"""Pages that are too large are asked for in smaller ones, and what is too large by itself is said clearly."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import requests
from flask import Flask, Response, request
from werkzeug.serving import make_server

from adapters.base import Refused
from adapters.http import send
from adapters.paging import grown, shrinking

MEGABYTE = b"x" * 1_000_000


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    """A shop whose orders are a megabyte each, and one order of eight."""
    app = Flask(__name__)

    @app.get("/orders")
    def orders() -> Response:
        return Response((MEGABYTE for _ in range(request.args.get("limit", 100, type=int))), mimetype="text/plain")

    @app.get("/giants")
    def giants() -> Response:
        return Response((MEGABYTE for _ in range(8 * request.args.get("limit", 1, type=int))), mimetype="text/plain")

    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_a_page_of_fifty_megabytes_is_read_in_pages_that_fit(shop: str) -> None:
    asked: list[int] = []

    def ask(size: int) -> int:
        asked.append(size)
        return len(send(requests.Session(), "GET", f"{shop}/orders", params={"limit": size}).content)

    read, size = shrinking(ask, 50)
    assert asked == [50, 25, 12, 6, 3]
    assert (read, size) == (3_000_000, 3)


def test_one_thing_that_is_too_large_is_refused_with_what_to_do(shop: str) -> None:
    def ask(size: int) -> Response:
        return send(requests.Session(), "GET", f"{shop}/giants", params={"limit": size})  # type: ignore[return-value]

    with pytest.raises(Refused, match=r"single product over there is larger than 5 MB.*shorten what it holds"):
        shrinking(ask, 4, one="product")


def test_pages_grow_again_after_large_things_were_left_behind() -> None:
    sizes = [1]
    while sizes[-1] < 100:
        sizes.append(grown(sizes[-1], 100))
    assert sizes[:4] == [1, 2, 3, 4]
    assert len(sizes) < 25
