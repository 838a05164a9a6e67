"""The REST API V1 of Magento 2 over HTTP: authorisation, search, errors in words, and bare values as answers.

Sources: the vendor's Web API documentation and OpenAPI (2.4.9), the source of `magento/magento2`, and its issue tracker;
numbers in comments are of issues there.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any, Literal
from urllib.parse import quote, urlencode

import requests
from oauthlib.oauth1 import SIGNATURE_HMAC_SHA256
from oauthlib.oauth1 import Client as OAuthClient

from adapters.base import Connection, Memory, Refused, RetryLater, Unauthorised
from adapters.fields import objects
from adapters.http import DEFAULT_TIMEOUT, error_for, read_json, send
from adapters.magento.settings import choice_setting, number_setting, text_setting

LIST_SIZE = 100
"""Things per page where a list is read whole; shops may refuse more than 300."""

OAUTH_KEYS = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")

_MOST_PAGES = 1000
_CLOCK = "clock.offset"

Method = Literal["GET", "POST"]
Filter = tuple[str, str, object]
"""Field, condition, value."""


def criteria(
    *groups: Sequence[Filter], sort: Sequence[tuple[str, str]] = (), size: int = LIST_SIZE, page: int = 1, fields: str = ""
) -> list[tuple[str, str]]:
    """The query of a search: all groups must hold, in a group one filter is enough."""
    found = [
        (f"searchCriteria[filter_groups][{g}][filters][{f}][{name}]", str(value))
        for g, group in enumerate(groups)
        for f, (field, condition, wanted) in enumerate(group)
        for name, value in (("field", field), ("condition_type", condition), ("value", wanted))
    ]
    for number, (field, direction) in enumerate(sort):
        found += [(f"searchCriteria[sortOrders][{number}][field]", field),
                  (f"searchCriteria[sortOrders][{number}][direction]", direction)]  # fmt: skip
    found += [("searchCriteria[pageSize]", str(size)), ("searchCriteria[currentPage]", str(page))]
    return [*found, ("fields", f"items[{fields}],total_count")] if fields else found


class Client:
    """Calls one shop. Every method raises the errors of `adapters.http.send`.

    Both sides' clocks need not agree: the shop's is learned from its answers and remembered, since it refuses signatures
    from its future.
    """

    def __init__(self, connection: Connection, http: requests.Session, memory: Memory) -> None:
        self._bearer = choice_setting(connection, "auth") == "bearer"
        needed = ("access_token",) if self._bearer else OAUTH_KEYS
        missing = [name for name in needed if not connection.credentials.get(name)]
        if missing:
            raise Unauthorised(f"The connection {connection.name!r} lacks {' and '.join(missing)}: fill in its credentials.")
        self._keys = {name: connection.credentials[name].strip() for name in needed}
        odd = [name for name, value in self._keys.items() if not (value.isascii() and value.isprintable() and " " not in value)]
        if odd:
            raise Unauthorised(f"The {odd[0]} of connection {connection.name!r} holds characters that no key has: copy it again.")
        if not connection.base_url:
            raise Refused(f"The connection {connection.name!r} needs the address of the shop.")
        store = text_setting(connection, "store_code")
        self._base = connection.base_url.rstrip("/") + "/rest" + (f"/{quote(store, safe='')}" if store else "") + "/V1/"
        self._http, self._memory = http, memory
        self._timeout = (DEFAULT_TIMEOUT[0], number_setting(connection, "timeout_seconds"))
        self._offset: float | None = None
        self.clock: float | None = None
        """What the shop's clock said in its last answer, UNIX seconds."""

    # Calls

    def get(self, path: str, query: Sequence[tuple[str, str]] = ()) -> Any:
        """The JSON value at a path, numbers with a point as Decimal; bare values too."""
        return self._call("GET", path, query)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send an object, which may be empty (it must be JSON all the same)."""
        return self._call("POST", path, body=body)

    def search(self, path: str, query: Sequence[tuple[str, str]]) -> tuple[list[dict[str, Any]], int]:
        """One page of a search and how many there are in all. Raises RetryLater when the answer is no page."""
        page = self.get(path, query)
        items = page.get("items") if isinstance(page, dict) else None
        total = page.get("total_count") if isinstance(page, dict) else None
        if items is None and total == 0:
            items = []
        if not isinstance(items, list) or isinstance(total, bool) or not isinstance(total, int):
            raise RetryLater("The shop answered a page without items.", detail=f"GET {path}")
        return [item for item in items if isinstance(item, dict)], total

    def everything(self, path: str, *groups: Sequence[Filter], key: str, fields: str = "") -> list[dict[str, Any]]:
        """All pages of a search in the order of `key`. The end is told by the count and not by an empty page: many
        versions repeat the last page for ever (#3787, #26986)."""
        found: list[dict[str, Any]] = []
        for page in range(1, _MOST_PAGES + 1):
            query = criteria(*groups, sort=((key, "ASC"),), page=page, fields=fields)
            items, total = self.search(path, query)
            found += items
            if not items or page * LIST_SIZE >= total:
                return found
        raise RetryLater(f"The shop gave more than {_MOST_PAGES} pages.", detail=f"GET {path}")

    def order(self, order_id: str) -> dict[str, Any]:
        """One order by its entity id. Raises Refused when there is none."""
        if not re.fullmatch(r"[0-9]{1,18}", order_id):
            raise Refused(f"{order_id[:40]!r} is not the id of an order in this shop: those are numbers.")
        order = self.get(f"orders/{order_id}")
        if not isinstance(order, dict) or not order.get("entity_id"):
            raise RetryLater("The shop answered an order without an id.", detail=f"asked for order {order_id}")
        return order

    def shipments(self, *order_ids: str, fields: str = "") -> list[dict[str, Any]]:
        """All shipments of these orders, tracks and comments inside."""
        if not order_ids:
            return []
        return self.everything("shipments", [("order_id", "in", ",".join(order_ids))], key="entity_id", fields=fields)

    # HTTP

    def _call(
        self, method: Method, path: str, query: Sequence[tuple[str, str]] = (), body: Mapping[str, Any] | None = None
    ) -> Any:
        url = self._base + path + ("?" + urlencode(query, quote_via=quote, safe="") if query else "")
        response = self._send(method, url, body)
        if response.status_code in (400, 401) and self._clock_was_wrong(response):
            response = self._send(method, url, body)
        if not 200 <= response.status_code < 300:
            raise self._error(response, f"{method} {self._base}{path}")
        self.clock = _date(response) or self.clock
        return value_of(response)

    def _send(self, method: Method, url: str, body: Mapping[str, Any] | None) -> requests.Response:
        headers = {"Accept": "application/json", "Content-Type": "application/json", **self._authorisation(method, url)}
        return send(
            self._http, method, url, headers=headers, data=None if body is None else json.dumps(body, default=float),
            timeout=self._timeout, expect=range(400, 500), explain=explain,
        )  # fmt: skip

    def _authorisation(self, method: Method, url: str) -> dict[str, str]:
        if self._bearer:
            return {"Authorization": f"Bearer {self._keys['access_token']}"}
        if self._offset is None:
            kept = self._memory.get(_CLOCK)
            self._offset = float(kept) if isinstance(kept, int | float) and not isinstance(kept, bool) else 0.0
        signer = OAuthClient(
            self._keys["consumer_key"], self._keys["consumer_secret"], self._keys["access_token"],
            self._keys["access_token_secret"], signature_method=SIGNATURE_HMAC_SHA256,
            timestamp=str(int(time.time() + self._offset)),
        )  # fmt: skip
        # A JSON body is no part of the signature (RFC 5849, 3.4.1.3).
        _, headers, _ = signer.sign(url, http_method=method)
        return {"Authorization": headers["Authorization"]}

    def _clock_was_wrong(self, response: requests.Response) -> bool:
        """Whether the shop refused our time of day and its own is now known."""
        said, theirs = explain(response), _date(response)
        if self._bearer or theirs is None or ("oauth_timestamp" not in said and "validating the nonce" not in said):
            return False
        offset = round(theirs - time.time())
        if offset == self._offset:
            return False
        self._offset = offset
        self._memory.put(_CLOCK, offset)
        return True

    def _error(self, response: requests.Response, where: str) -> Exception:
        error = error_for(response, where=where, explain=explain)
        if isinstance(error, Unauthorised) and "authorized to access" in error.message:
            hint = " Tick it at System > Integrations > API in the shop's admin, then re-authorise the integration."
            if self._bearer:
                hint += " Or the shop does not allow access tokens alone: set the connection's auth to oauth."
            return Unauthorised(error.message + hint, detail=error.detail)
        if "does not match any route" in error.message:
            return Refused(
                "The shop does not know this call: its address or the setting store_code is wrong, or a module is missing.",
                detail=error.detail,
            )
        return error


def explain(response: requests.Response) -> str:
    """The shop's own words in an error, placeholders filled in: `%1` by position, `%name` by name."""
    try:
        body = json.loads(response.content)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(body, Mapping):
        return ""
    said = [filled(body)] + [filled(error) for error in objects(body, "errors")]
    return "; ".join(" ".join(words.split()) for words in said if words)[:600]


def filled(error: Mapping[str, Any]) -> str:
    """An error's message with its parameters in their places; an unknown placeholder stays as it is."""
    message, given = error.get("message"), error.get("parameters")
    if not isinstance(message, str):
        return ""
    values: dict[str, object] = {}
    if isinstance(given, list):
        values = {str(number): value for number, value in enumerate(given, 1)}
    elif isinstance(given, Mapping):
        values = {str(name): value for name, value in given.items()}
    replace: Callable[[re.Match[str]], str] = lambda found: str(values.get(found[1], found[0]))[:100]  # noqa: E731
    return re.sub(r"%(\d+|[A-Za-z_]+)", replace, message)


def value_of(response: requests.Response) -> Any:
    """The JSON value of an answer: an object, a list, or a bare number, text or truth (`7`, `"processing"`, `true`)."""
    body = response.content.strip()
    if not body or body[:1] in b"<{[":
        return read_json(response)
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        where = f"HTTP {response.status_code}, {len(body)} bytes"
        raise RetryLater("The shop answered something that is not JSON, perhaps cut short.", detail=where) from error


def _date(response: requests.Response) -> float | None:
    try:
        return parsedate_to_datetime(response.headers.get("Date", "")).timestamp()
    except (ValueError, TypeError, IndexError):
        return None
