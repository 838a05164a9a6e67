"""The REST API v3 of E-Series over HTTP: one method per call we make, paging included, numbers exact.

Source: vendor documentation (docs.ecwid.com, api-docs.ecwid.com) and the vendor's own Java client.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

import requests

from adapters.base import Connection, Refused, RetryLater, Unauthorised
from adapters.http import DEFAULT_TIMEOUT, read_object, send
from adapters.lightspeed_ecom.settings import number_setting
from adapters.paging import grown, shrinking

BASE_URL = "https://app.ecwid.com"
PAGE_SIZE = 100
"""The most that one answer holds."""

_MOST_PAGES = 1000


class Client:
    """Calls one store. Every method raises the errors of `adapters.http.send`, and Refused when a write that was
    answered with 200 changed nothing."""

    def __init__(self, connection: Connection, http: requests.Session) -> None:
        missing = [name for name in ("store_id", "token") if not connection.credentials.get(name)]
        if missing:
            raise Unauthorised(
                f"The connection {connection.name!r} lacks {' and '.join(missing)}: fill in its credentials."
            )
        store, token = connection.credentials["store_id"], connection.credentials["token"]
        if not (token.isascii() and token.isprintable() and " " not in token):
            raise Unauthorised(
                f"The token of connection {connection.name!r} holds characters that no token has: copy it again."
            )
        self._http = http
        self._base = f"{(connection.base_url or BASE_URL).rstrip('/')}/api/v3/{_segment(store)}"
        # In a header and not as ?token=, which would end up in the logs of every proxy on the way.
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._timeout = (DEFAULT_TIMEOUT[0], number_setting(connection, "timeout_seconds"))

    def profile(self) -> dict[str, Any]:
        """The store: name, currency, tax settings."""
        return self._get("profile")

    def order(self, order_id: str) -> dict[str, Any]:
        """One order by its public id (`7Q2XK`)."""
        order = self._get(f"orders/{_segment(order_id)}")
        if not order.get("id"):
            raise RetryLater("The shop answered an order without an id.", detail=f"asked for order {order_id}")
        return order

    def orders(self, **filters: str | int) -> Iterator[dict[str, Any]]:
        """All orders that the filters of `GET /orders` find; carts (INCOMPLETE) only when asked for."""
        return self._pages("orders", filters)

    def orders_page(self, offset: int, limit: int, **filters: str | int) -> tuple[list[dict[str, Any]], int]:
        """Some of the orders that the filters find, and how many they find in all."""
        return self._page("orders", offset, limit, filters)

    def update_order(self, order_id: str, fields: Mapping[str, Any]) -> None:
        """Change the given fields and no others. Never send `items`: missing ones would be removed."""
        self._put(f"orders/{_segment(order_id)}", fields)

    def products(self, **filters: str | int) -> Iterator[dict[str, Any]]:
        """All products that the filters of `GET /products` find, variations inside."""
        return self._pages("products", filters)

    def products_page(self, offset: int, limit: int) -> tuple[list[dict[str, Any]], int]:
        """Some of all products, and how many there are."""
        return self._page("products", offset, limit, {})

    def product(self, product_id: str) -> dict[str, Any]:
        """One product with its variations (`combinations`)."""
        return self._get(f"products/{_segment(product_id)}")

    def set_quantity(self, product_id: str, combination_id: str | None, quantity: int) -> None:
        """Write the absolute stock of a product or of one of its variations."""
        path = f"products/{_segment(product_id)}"
        if combination_id is not None:
            path += f"/combinations/{_segment(combination_id)}"
        self._put(path, {"quantity": quantity})

    def _get(self, path: str, params: Mapping[str, str | int] | None = None) -> dict[str, Any]:
        response = send(
            self._http, "GET", f"{self._base}/{path}", headers=self._headers, params=params, timeout=self._timeout
        )
        return read_object(response)

    def _put(self, path: str, body: Mapping[str, Any]) -> None:
        response = send(
            self._http, "PUT", f"{self._base}/{path}", headers=self._headers, json=body, timeout=self._timeout
        )
        answer = read_object(response)
        if answer.get("updateCount") == 0:
            raise Refused("The shop accepted the change and changed nothing.", detail=f"PUT {path}: updateCount 0")

    def _page(
        self, path: str, offset: int, limit: int, filters: Mapping[str, str | int]
    ) -> tuple[list[dict[str, Any]], int]:
        page = self._get(path, {**filters, "offset": offset, "limit": limit})
        items, total = page.get("items"), page.get("total")
        if (
            not isinstance(items, list)
            or not isinstance(total, int)
            or not all(isinstance(item, dict) for item in items)
        ):
            raise RetryLater("The shop answered a page without items.", detail=f"GET {path} at offset {offset}")
        return items, total

    def _pages(self, path: str, filters: Mapping[str, str | int]) -> Iterator[dict[str, Any]]:
        offset, size = 0, PAGE_SIZE
        for _ in range(_MOST_PAGES):
            (items, total), size = shrinking(partial(self._page, path, offset, filters=filters), size, one=path[:-1])
            yield from items
            offset, size = offset + len(items), grown(size, PAGE_SIZE)
            if not items or offset >= total:
                return
        raise RetryLater(f"The shop gave more than {_MOST_PAGES} pages.", detail=f"GET {path}")


def _segment(text: str) -> str:
    """An id as one piece of a path; ids may carry the shop's own prefix, slashes included."""
    if text in ("", ".", ".."):
        raise Refused(f"{text!r} is not an id in this shop.")
    return quote(text, safe="")
