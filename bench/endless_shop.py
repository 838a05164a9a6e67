"""A shop of any size that speaks as E-Series does and makes its orders as they are asked for: one a minute, all of one kind.

The sandbox keeps its orders and looks through all of them with each request, which is right for a sandbox and would make
measuring a hundred thousand orders a measurement of the sandbox.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from adapters.lightspeed_ecom.sandbox import create_app
from adapters.lightspeed_ecom.sandbox_seed import seed
from adapters.lightspeed_ecom.sandbox_shop import Basket, Shop
from adapters.sandbox import SandboxState, sandbox, to_json

SECONDS = 60
"""Between two orders."""
OPEN_OF = 50
"""One order of so many is still open; the others were sent long ago."""
STORE, TOKEN = 1003, "secret_bench"
PERSON = {
    "name": "Sanne de Wit", "email": "sanne@example.org", "phone": "+31600000000", "street": "Dorpsstraat 1",
    "city": "Utrecht", "postalCode": "3511 AA", "countryCode": "NL",
}  # fmt: skip


def model_order() -> dict[str, Any]:
    """An order as the sandbox makes it: two lines, paid, to be delivered."""
    state = SandboxState()
    articles = [{"sku": f"SKU-{number}", "name": f"Article {number}", "price": "12.50", "quantity": 9} for number in range(2)]
    seed(state, articles, [{"id": "post", "title": "Delivery", "type": "shipping", "price": "4.95"}])
    app = create_app(state)
    first = min(int(product["id"]) for product in state.all("product"))
    order = Shop(sandbox(app)).place_order(Basket([(first, None, 2), (first + 1, None, 1)], "post", "online", PERSON))
    state.close()
    return dict(json.loads(to_json(order)))


@contextmanager
def serving(orders: int) -> Iterator[str]:
    """Serve such a shop in a process of its own; yields its address. The newest order is two days old."""
    first = int(time.time()) - 2 * 86_400 - orders * SECONDS
    handler = type("Handler", (_Handler,), {"model": model_order(), "first": first, "orders": orders})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    pid = os.fork()
    if pid == 0:
        server.serve_forever()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    model: Mapping[str, Any]
    first: int
    orders: int

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: int(values[0]) for name, values in parse_qs(parts.query).items() if values[0].isdigit()}
        document = self._page(query) if parts.path.endswith("/orders") else {"formatsAndUnits": {"currency": "EUR"}, "settings": {}}
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _page(self, query: Mapping[str, int]) -> dict[str, Any]:
        low = max(0, -(-(query.get("updatedFrom", 0) - self.first) // SECONDS))
        high = min(self.orders - 1, (query.get("updatedTo", self.first + self.orders * SECONDS) - self.first) // SECONDS)
        numbers = range(high, low - 1, -1)
        offset, limit = query.get("offset", 0), query.get("limit", 100)
        items = [self._order(number) for number in numbers[offset : offset + limit]]
        return {"total": len(numbers), "count": len(items), "offset": offset, "limit": limit, "items": items}

    def _order(self, number: int) -> dict[str, Any]:
        moment, id = self.first + number * SECONDS, f"E{number:06d}"
        when = time.strftime("%Y-%m-%d %H:%M:%S +0000", time.gmtime(moment))
        return {
            **self.model, "id": id, "vendorOrderNumber": id, "internalId": number, "orderNumber": number,
            "fulfillmentStatus": "SHIPPED" if number % OPEN_OF else "AWAITING_PROCESSING",
            "createTimestamp": moment, "updateTimestamp": moment, "createDate": when, "updateDate": when,
        }  # fmt: skip

    def log_message(self, format: str, *args: object) -> None:
        """Nothing to say: the caller measures."""
