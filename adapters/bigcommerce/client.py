"""BigCommerce's REST API over HTTP: V2 bare lists (empty ones are 204 without a body), V3 in an envelope.

Sources: vendor OpenAPI documents (orders, inventory, locations, pickup, webhooks) and the page on rate limits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import requests

from adapters.base import Connection, Refused, RetryLater, Throttled, Unauthorised
from adapters.bigcommerce.scopes import scope_for, what_to_grant
from adapters.bigcommerce.settings import number_setting
from adapters.http import DEFAULT_TIMEOUT, MAX_REASON_CHARACTERS, error_text, read_json, read_object, retry_after, send

BASE_URL = "https://api.bigcommerce.com"
PAGE_SIZE = 250
"""The most that one answer holds in most lists."""

_MOST_PAGES = 400
_LONGEST_RESET_MS = 3_600_000


class Client:
    """Calls one store. Every method raises the errors of `adapters.http.send`; a missing scope is Unauthorised with what to
    grant, and when the rate window has no requests left it is Throttled without asking."""

    def __init__(self, connection: Connection, http: requests.Session) -> None:
        missing = [name for name in ("store_hash", "access_token") if not connection.credentials.get(name)]
        if missing:
            raise Unauthorised(
                f"The connection {connection.name!r} lacks {' and '.join(missing)}: fill in its credentials."
            )
        store, token = connection.credentials["store_hash"], connection.credentials["access_token"]
        if not (token.isascii() and token.isprintable() and " " not in token):
            raise Unauthorised(
                f"The token of connection {connection.name!r} holds characters that no token has: copy it again."
            )
        self._http = http
        self._base = f"{(connection.base_url or BASE_URL).rstrip('/')}/stores/{segment(store)}"
        self._headers = {"X-Auth-Token": token, "Accept": "application/json"}
        self._token = token
        self._timeout = (DEFAULT_TIMEOUT[0], number_setting(connection, "timeout_seconds"))
        self._wait_until: datetime | None = None
        self.calls = 0
        """How many calls were made so far."""
        self.clock: float | None = None
        """What the shop's clock showed in its last answer, UNIX seconds."""

    # One object or one page

    def v2(self, path: str, **params: str | int) -> dict[str, Any]:
        """One V2 object."""
        return read_object(self.call("GET", f"v2/{path}", params=params))

    def v2_list(self, path: str, **params: str | int) -> list[dict[str, Any]]:
        """One page of a V2 list; 204 without a body is an empty one."""
        response = self.call("GET", f"v2/{path}", params=params)
        if response.status_code == 204 or not response.content.strip():
            return _nothing(response)
        return _rows(read_json(response), path)

    def v3(self, path: str, **params: str | int) -> dict[str, Any]:
        """The whole answer of a V3 call: `data` and `meta`."""
        return read_object(self.call("GET", f"v3/{path}", params=params))

    def v3_object(self, path: str, **params: str | int) -> dict[str, Any]:
        """The `data` of a V3 call that must be an object."""
        data = self.v3(path, **params).get("data")
        if not isinstance(data, dict):
            raise RetryLater("The shop answered no object.", detail=f"GET v3/{path}")
        return data

    # Whole lists

    def v2_all(self, path: str, **params: str | int) -> Iterator[dict[str, Any]]:
        """A V2 list page by page until a short page; for lists that do not change while they are read."""
        for page in range(1, _MOST_PAGES):
            rows = self.v2_list(path, **{"limit": PAGE_SIZE, **params, "page": page})
            yield from rows
            if len(rows) < int(params.get("limit", PAGE_SIZE)):
                return
        raise RetryLater(f"The shop gave more than {_MOST_PAGES} pages.", detail=f"GET v2/{path}")

    def v3_all(self, path: str, **params: str | int) -> Iterator[dict[str, Any]]:
        """A V3 list page by page, as its pagination says."""
        for page in range(1, _MOST_PAGES):
            answer = self.v3(path, **{"limit": PAGE_SIZE, **params, "page": page})
            yield from _rows(answer.get("data"), path)
            if page >= total_pages(answer):
                return
        raise RetryLater(f"The shop gave more than {_MOST_PAGES} pages.", detail=f"GET v3/{path}")

    # Writing

    def write(self, method: str, path: str, body: Any) -> Any:
        """Write JSON and return the answer's JSON (V2: the object, V3: the envelope)."""
        return read_json(self.call(method, path, json=body))

    def delete(self, path: str, **params: str | int) -> None:
        """Delete something; that it is gone already is fine."""
        response = self.call("DELETE", path, params=params, expect=(404,))
        if response.status_code not in (204, 404):
            read_json(response)

    def allowed(self, method: str, path: str, body: Any = None) -> bool:
        """Whether the token's scopes let a call through, however it is answered otherwise. Unauthorised for a wrong token."""
        statuses = (403, 400, 404, 405, 409, 415, 422)
        response = self._send(method, path, json=body, expect=statuses)
        if response.status_code in (200, 201):
            read_json(response)
        return response.status_code != 403

    def call(
        self, method: str, path: str, *, params: Mapping[str, str | int] | None = None, json: Any = None,
        expect: Sequence[int] = (),
    ) -> requests.Response:  # fmt: skip
        """One request. Statuses in `expect` are returned like a 2xx."""
        response = self._send(method, path, params=params, json=json, expect=(*expect, 403))
        if response.status_code == 403:
            raise self._forbidden(response, method, path)
        return response

    def _send(
        self, method: str, path: str, *, params: Mapping[str, str | int] | None = None, json: Any = None,
        expect: Sequence[int] = (),
    ) -> requests.Response:  # fmt: skip
        if self._wait_until is not None and self._wait_until > datetime.now(UTC):
            raise Throttled("The shop's rate limit is used up.", until=self._wait_until)
        self.calls += 1
        response = send(
            self._http, method, f"{self._base}/{path}", headers=self._headers, params=params, json=json,
            timeout=self._timeout, explain=self._explain, expect=(*expect, 429),
        )  # fmt: skip
        self.clock = _date(response) or self.clock
        if response.status_code == 429:
            raise Throttled(
                "The shop asks us to slow down.", until=_reset(response) or retry_after(response),
                detail=f"{method} {path}: HTTP 429",
            )  # fmt: skip
        self._wait_until = _reset(response) if _left(response) == 0 else None
        return response

    def _forbidden(self, response: requests.Response, method: str, path: str) -> Unauthorised:
        scope, words, detail = scope_for(path), self._explain(response), f"{method} {path}: HTTP 403"
        if not scope:
            return Unauthorised(f"The shop refuses our credentials, HTTP 403 ({words}).", detail=detail)
        return Unauthorised(f"The shop refuses this ({words}). {what_to_grant([scope])}", detail=detail)

    def _explain(self, response: requests.Response) -> str:
        """The shop's own words, without our token should it echo it."""
        return f"{error_text(response)}{_fields(response)}".replace(self._token, "***")


def _fields(response: requests.Response) -> str:
    """What a V3 refusal says of single fields, which its title leaves out."""
    try:
        errors = response.json().get("errors")
    except (ValueError, AttributeError, RecursionError):
        return ""
    named = [f"{name}: {words}" for name, words in list(errors.items())[:5]] if isinstance(errors, Mapping) else []
    return f" ({'; '.join(named)})"[:MAX_REASON_CHARACTERS] if named else ""


def segment(text: str) -> str:
    """An id as one piece of a path. Raises Refused for what cannot be one."""
    if text in ("", ".", ".."):
        raise Refused(f"{text!r} is not an id in this shop.")
    return quote(text, safe="")


def number_id(text: object) -> int:
    """An id as the number it is in this shop. Raises Refused."""
    word = str(text)
    if not (word.isascii() and word.isdigit()) or len(word) > 15:
        raise Refused(f"{word[:40]!r} is not an id in this shop: ids here are numbers.")
    return int(word)


def pagination(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """`meta.pagination` of a V3 answer, empty when it has none."""
    meta = answer.get("meta")
    found = meta.get("pagination") if isinstance(meta, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def total_pages(answer: Mapping[str, Any]) -> int:
    """How many pages a V3 list has; 1 when the answer does not say."""
    pages = pagination(answer).get("total_pages")
    return pages if isinstance(pages, int) and not isinstance(pages, bool) else 1


def data_rows(answer: Any, path: str = "") -> list[dict[str, Any]]:
    """The rows in `data` of a V3 answer. Raises RetryLater when there is no list."""
    return _rows(answer.get("data") if isinstance(answer, Mapping) else None, path)


def _rows(value: Any, path: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise RetryLater("The shop answered no list.", detail=f"GET {path}")
    return value


def _nothing(response: requests.Response) -> list[dict[str, Any]]:
    """An empty list is 204; 200 without a body is something gone wrong on the way."""
    if response.status_code != 204:
        raise RetryLater("The shop answered nothing instead of JSON.", detail=f"HTTP {response.status_code}, 0 bytes")
    return []


def _date(response: requests.Response) -> float | None:
    """The answer's Date header."""
    try:
        return parsedate_to_datetime(response.headers.get("Date", "")).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _left(response: requests.Response) -> int:
    """Requests left in this window; -1 when the answer does not say (unlimited plans)."""
    text = response.headers.get("X-Rate-Limit-Requests-Left", "").strip()
    return int(text) if text.isascii() and text.isdigit() else -1


def _reset(response: requests.Response) -> datetime | None:
    """When the window ends; None for an overloaded store, whose 429 has no such headers: back off more each time."""
    for name, unit in (("X-Rate-Limit-Time-Reset-Ms", 1), ("X-Retry-After", 1000)):
        text = response.headers.get(name, "").strip()
        if text.isascii() and text.isdigit():
            return datetime.now(UTC) + timedelta(milliseconds=min(int(text) * unit, _LONGEST_RESET_MS))
    return None
