"""The REST API `wc/v3` over HTTP: one method per call we make, numbers exact.

WooCommerce has no rate limit of its own; hosts and firewalls have, and answer with web pages.
"""

from __future__ import annotations

import json as jsonlib
import re
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from html import unescape
from typing import Any

import requests

from adapters.base import AdapterError, Connection, Refused, RetryLater, Unauthorised
from adapters.http import DEFAULT_TIMEOUT, error_for, error_text, read_json, read_object, send
from adapters.woocommerce.auth import Keys
from adapters.woocommerce.settings import flag_setting, number_setting

API = "wc/v3"
TRACKING_API = "wc-shipment-tracking/v3"
"""Of the extension Shipment Tracking, and of the plugins that copy its paths."""

_MOST_PAGES = 1000
_PARAMS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list. `total` is how many things the filters find in all, None when the shop did not say."""

    items: list[dict[str, Any]]
    total: int | None


class Client:
    """Calls one shop. Every method raises the errors of `adapters.http.send`; a web page where JSON was due is
    RetryLater, also with status 403, which is how firewalls answer."""

    def __init__(self, connection: Connection, http: requests.Session) -> None:
        if not connection.base_url:
            raise Refused(f"The connection {connection.name!r} has no address: fill in the shop's own.")
        self._keys = Keys.of(connection)
        self._http = http
        self._base = connection.base_url.rstrip("/")
        self._plain = flag_setting(connection, "plain_permalinks")
        self._timeout = (DEFAULT_TIMEOUT[0], number_setting(connection, "timeout_seconds"))
        self._clock_ahead = 0.0

    @property
    def host(self) -> str:
        return self._base.partition("//")[2]

    # Shop

    def index(self) -> dict[str, Any]:
        """What the site says of itself: name, time zone, namespaces of its API."""
        return read_object(self.call("GET", ""))

    def statuses(self) -> list[dict[str, Any]]:
        """Every order status, the shop's own included: `slug`, `name`. Shops before 9.9 may lack the call (404: empty)."""
        answer = self.call("GET", f"{API}/orders/statuses", expect={404})
        return _objects(answer) if answer.status_code != 404 else []

    def write_nothing(self) -> None:
        """Prove that the key may write, by a batch of no changes."""
        read_json(self.call("POST", f"{API}/orders/batch", json={}))

    # Orders

    def order(self, order_id: str) -> dict[str, Any]:
        """One order. Raises Refused for an unknown one."""
        found = self.find_order(order_id)
        if found is None:
            raise Refused(f"The shop has no order with id {order_id}: it was deleted there, or is of another shop.")
        return found

    def find_order(self, order_id: str) -> dict[str, Any] | None:
        """One order, also from the bin; None when there is none with this id."""
        path = f"{API}/orders/{_id(order_id, 'order')}"
        answer = self.call("GET", path, expect={404})
        if answer.status_code == 404:
            if error_code(answer) == "rest_no_route":
                raise self._error("GET", path, answer)
            return None
        order = read_object(answer)
        if not isinstance(order.get("id"), int):
            raise RetryLater("The shop answered an order without an id.", detail=f"asked for order {order_id}")
        return order

    def orders(self, **filters: Any) -> Page:
        """One page of orders."""
        return self._page(f"{API}/orders", filters)

    def update_order(self, order_id: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Change the given fields, which gives the order as it is then. Never through a batch: those skip validation, and
        an unknown status there makes the order `pending`."""
        return read_object(self.call("PUT", f"{API}/orders/{_id(order_id, 'order')}", json=fields))

    def notes(self, order_id: str) -> list[dict[str, Any]]:
        """All notes of an order."""
        return _objects(self.call("GET", f"{API}/orders/{_id(order_id, 'order')}/notes"))

    def add_note(self, order_id: str, text: str, *, to_customer: bool) -> None:
        """Add a note; one to the customer is mailed."""
        body = {"note": text, "customer_note": to_customer}
        read_object(self.call("POST", f"{API}/orders/{_id(order_id, 'order')}/notes", json=body))

    def refunds(self, order_id: str) -> list[dict[str, Any]]:
        """All refunds of an order."""
        return list(self.every(f"{API}/orders/{_id(order_id, 'order')}/refunds"))

    def add_refund(self, order_id: str, body: Mapping[str, Any]) -> requests.Response:
        """Record a refund; 500 is returned like an answer, since a refusal comes as one."""
        return self.call("POST", f"{API}/orders/{_id(order_id, 'order')}/refunds", json=body, expect={500})

    def parcels(self, order_id: str) -> list[dict[str, Any]]:
        """The tracking numbers of an order in the extension. Raises Refused when it is not installed."""
        return _objects(self.call("GET", f"{TRACKING_API}/orders/{_id(order_id, 'order')}/shipment-trackings"))

    def add_parcel(self, order_id: str, body: Mapping[str, Any]) -> None:
        """Add a tracking number in the extension."""
        read_object(
            self.call("POST", f"{TRACKING_API}/orders/{_id(order_id, 'order')}/shipment-trackings", json=body)
        )

    # Products

    def products(self, **filters: Any) -> Page:
        """One page of products; with `sku` also variations."""
        return self._page(f"{API}/products", filters)

    def product(self, external_id: str) -> dict[str, Any] | None:
        """A product (`10`) or a variation of one (`26/27`); None when there is none. A variation's own id alone also
        finds it."""
        path = _product_path(external_id)
        answer = self.call("GET", path, expect={404})
        if answer.status_code != 404:
            return read_object(answer)
        if error_code(answer) == "rest_no_route":
            raise self._error("GET", path, answer)
        return None

    def variations(self, product_id: str) -> Iterator[dict[str, Any]]:
        """All variations of a product."""
        return self.every(f"{API}/products/{_id(product_id, 'product')}/variations")

    def update_product(self, external_id: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Change a product or variation, which gives it as it is then."""
        return read_object(self.call("PUT", _product_path(external_id), json=fields))

    # Customers

    def customers(self, email: str) -> list[dict[str, Any]]:
        """The accounts with this e-mail address; none when WordPress takes it for no address (400)."""
        answer = self.call("GET", f"{API}/customers", params={"email": email, "role": "all"}, expect={400})
        if answer.status_code == 400 and error_code(answer) != "rest_invalid_param":
            raise error_for(answer, explain=explain)
        return _objects(answer) if answer.status_code != 400 else []

    # Webhooks

    def webhooks(self) -> list[dict[str, Any]]:
        """All webhooks of the shop, whoever made them."""
        return list(self.every(f"{API}/webhooks"))

    def add_webhook(self, body: Mapping[str, Any]) -> dict[str, Any]:
        return read_object(self.call("POST", f"{API}/webhooks", json=body))

    def update_webhook(self, webhook_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return read_object(self.call("PUT", f"{API}/webhooks/{_id(webhook_id, 'webhook')}", json=body))

    def delete_webhook(self, webhook_id: str) -> None:
        """Delete a webhook for good; one that is gone is fine."""
        path = f"{API}/webhooks/{_id(webhook_id, 'webhook')}"
        read_json(self.call("DELETE", path, params={"force": "true"}, expect={404, 400}))

    # The call itself

    def every(self, path: str) -> Iterator[dict[str, Any]]:
        """All things of a list by page numbers: for lists that hardly change while they are read."""
        for number in range(1, _MOST_PAGES + 1):
            page = self._page(path, {"per_page": 100, "page": number, "orderby": "id", "order": "asc"})
            yield from page.items
            if len(page.items) < 100:
                return
        raise RetryLater(f"The shop gave more than {_MOST_PAGES} pages.", detail=f"GET {path}")

    def call(
        self, method: str, path: str, *, params: Mapping[str, Any] | None = None, json: Any = None,
        expect: Collection[int] = (),
    ) -> requests.Response:  # fmt: skip
        """One call with the key proven. A signature that is out of time is made again by the shop's clock, which its
        answer tells."""
        answer = self._send(method, path, params or {}, json, {*expect, 401, 403, 404})
        if answer.status_code == 401 and "timestamp" in explain(answer) and self._learn_clock(answer):
            answer = self._send(method, path, params or {}, json, {*expect, 401, 403, 404})
        if 200 <= answer.status_code < 300 or (answer.status_code in expect and _is_json(answer)):
            return answer
        raise self._error(method, path, answer)

    def _send(
        self, method: str, path: str, params: Mapping[str, Any], json: Any, expect: Collection[int]
    ) -> requests.Response:
        url = f"{self._base}/?rest_route=/{path}" if self._plain else f"{self._base}/wp-json/{path}"
        address, headers = self._keys.prove(method, url, params, self._clock_ahead)
        # Caches in front of shops do keep answers of the API; a stale list would hide orders.
        headers |= {"Accept": "application/json", "Cache-Control": "no-cache"}
        return send(
            self._http, method, address, headers=headers, json=json, timeout=self._timeout, explain=explain, expect=expect
        )

    def _error(self, method: str, path: str, answer: requests.Response) -> AdapterError:
        where = f"{method} {self._base}/{path}"
        if answer.status_code == 403 and not _is_json(answer):
            return RetryLater(
                "Something in front of the shop (a firewall, a security plugin, the host) refuses our calls with a web page, "
                "HTTP 403: ask the host to let our address in.",
                detail=where,
            )
        if answer.status_code == 404 and (not _is_json(answer) or error_code(answer) == "rest_no_route"):
            return Refused(
                f"The shop at {self.host} has no {path or 'REST API'} at this address: check the address of the connection, "
                "that WooCommerce (and the extension, if one is meant) is active, and the setting plain_permalinks.",
                detail=f"{where}: HTTP 404",
            )
        error = error_for(answer, where=where, explain=explain)
        error.message = self._without_secrets(error.message)
        if isinstance(error, Unauthorised):
            return Unauthorised(f"{error.message} {_ADVICE.get(error_code(answer), '')}".strip(), detail=error.detail)
        return error

    def _without_secrets(self, text: str) -> str:
        for secret in (self._keys.consumer_secret, self._keys.consumer_key):
            text = text.replace(secret, "***")
        return text

    def _learn_clock(self, answer: requests.Response) -> bool:
        try:
            theirs = parsedate_to_datetime(answer.headers.get("Date", "")).timestamp()
        except (ValueError, TypeError, IndexError):
            return False
        self._clock_ahead = theirs - time.time()
        return True

    def _page(self, path: str, filters: Mapping[str, Any]) -> Page:
        answer = self.call("GET", path, params=filters)
        total = answer.headers.get("X-WP-Total", "")
        return Page(_objects(answer), int(total) if total.isascii() and total.isdigit() else None)


_ADVICE = {
    "woocommerce_rest_cannot_view": (
        "When the key is right, the shop does not see it: either its user may not do this, or the Authorization header is "
        "removed on the way (set authentication to query), or a proxy does not tell WordPress that calls come over TLS (set it "
        "to signed)."
    ),
    "woocommerce_rest_authentication_error": (
        "Look under WooCommerce, Settings, Advanced, REST API: the key needs the permission Read/Write."
    ),
}


def explain(response: requests.Response) -> str:
    """WooCommerce's own words: the message, and for wrong parameters which and why."""
    try:
        value = jsonlib.loads(response.content)
    except (ValueError, RecursionError):
        return "" if response.content.lstrip()[:1] == b"<" else error_text(response)
    if not isinstance(value, dict) or not isinstance(value.get("message"), str):
        return error_text(response)
    data = value.get("data")
    params = data.get("params") if isinstance(data, dict) else None
    parts = [unescape(re.sub(r"<[^>]*>", "", value["message"]))]
    parts += [str(words) for words in list(params.values())[:_PARAMS_SHOWN]] if isinstance(params, dict) else []
    text = " ".join(" ".join(parts).split())
    return text[:300]


def error_code(response: requests.Response) -> str:
    """The error's code, empty when there is none."""
    try:
        value = jsonlib.loads(response.content)
    except (ValueError, RecursionError):
        return ""
    return str(value.get("code") or "") if isinstance(value, dict) else ""


def _is_json(response: requests.Response) -> bool:
    try:
        return isinstance(jsonlib.loads(response.content), dict | list)
    except (ValueError, RecursionError):
        return False


def _objects(response: requests.Response) -> list[dict[str, Any]]:
    """The list in an answer. Raises RetryLater when it is something else."""
    value = read_json(response)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise RetryLater("The shop answered something else than a list.", detail=f"HTTP {response.status_code}")
    return value


def _id(text: str, what: str) -> str:
    """An id as a piece of a path: they are whole numbers here."""
    if not re.fullmatch("[1-9][0-9]{0,17}", text):
        raise Refused(f"{text[:40]!r} is not the id of any {what} in a WooCommerce shop: ids are whole numbers.")
    return text


def _product_path(external_id: str) -> str:
    product_id, _, variation_id = external_id.partition("/")
    path = f"{API}/products/{_id(product_id, 'product')}"
    return f"{path}/variations/{_id(variation_id, 'variation')}" if variation_id else path
