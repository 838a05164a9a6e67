"""The till over HTTP: addresses, tokens and their renewal, paging, and reference data kept for a while.

External facts: vendor documentation, pages "Authorization", "Refresh token flow", "Pagination", "Rate limiting".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import requests

from adapters.base import Connection, Memory, Refused, RetryLater, Unauthorised
from adapters.http import read_json, read_object, send
from adapters.lightspeed_retail.mapping import plain
from adapters.lightspeed_retail.settings import setting

USER_AGENT = "Wissel/1 (order orchestration; lightspeed_retail)"
PAGE_SIZE = 200
FULFILMENT_PAGE_SIZE = 100
INVENTORY_PAGE_SIZE = 5000
REFERENCE_SECONDS = 900
RENEW_BEFORE_SECONDS = 60


class Till:
    """One retailer's till. Lives for one call; what lasts is in `memory`.

    Every method raises the four adapter errors of `adapters.http.send`. Ids are text everywhere: a fulfilment's id is a
    number beyond what a JSON number holds exactly.
    """

    def __init__(self, connection: Connection, memory: Memory, http: requests.Session) -> None:
        self.connection, self.memory, self._http = connection, memory, http
        self._base = connection.base_url.rstrip("/")
        self._version = quote(str(setting(connection, "api_version")), safe="")

    # One request

    def get(self, path: str, **params: Any) -> Any:
        """The JSON answer to a read."""
        return read_json(self._request("GET", path, params=params))

    def get_or_none(self, path: str) -> Any:
        """The `data` of one entity, None when the till does not have it (or no longer)."""
        response = self._request("GET", path, expect=(404,))
        if response.status_code == 404:
            return None
        data = read_object(response).get("data")
        return data if isinstance(data, dict) and not data.get("deleted_at") else None

    def write(self, method: str, path: str, body: Any, *, expect: tuple[int, ...] = ()) -> requests.Response:
        """Send `body`; an answer whose status is in `expect` is given back instead of raised."""
        return self._request(method, path, json=plain(body), expect=expect)

    def _request(self, method: str, path: str, **options: Any) -> requests.Response:
        url = f"{self._base}/api/{self._version}/{path}"
        token = self._token()
        headers = {"User-Agent": USER_AGENT, "Accept": "application/json"}
        try:
            return send(self._http, method, url, headers={**headers, "Authorization": f"Bearer {token}"}, **options)
        except Unauthorised as error:
            # A token may die before its time (another process renewed it): renew once, then believe the refusal.
            if "HTTP 401" not in error.detail or not self.memory.credentials().get("refresh_token"):
                raise
        token = self._renew(token)
        return send(self._http, method, url, headers={**headers, "Authorization": f"Bearer {token}"}, **options)

    # Tokens

    def _token(self) -> str:
        credentials = self.memory.credentials()
        token = credentials.get("access_token", "")
        if credentials.get("refresh_token") and (
            not token or _expires(credentials) < time.time() + RENEW_BEFORE_SECONDS
        ):
            return self._renew(token)
        if not token:
            raise Unauthorised(
                f"The connection {self.connection.name} has no access token: connect it to the till again."
            )
        return token

    def _renew(self, used: str) -> str:
        """A token other than `used`. A renewal revokes the old refresh token, so one process at a time does it, looks
        first whether another has just done it, and stores the new pair before using it."""
        with self.memory.lock("token"):
            credentials = self.memory.credentials()
            current = credentials.get("access_token", "")
            if current and current != used:
                return current
            missing = [key for key in ("refresh_token", "client_id", "client_secret") if not credentials.get(key)]
            if missing:
                raise Unauthorised(f"The till's token has expired and cannot be renewed without {', '.join(missing)}.")
            answer = self._ask_for_token(credentials)
            fresh = {**credentials, "access_token": str(answer["access_token"]), "expires": _expiry(answer)}
            if answer.get("refresh_token"):
                fresh["refresh_token"] = str(answer["refresh_token"])
            self.memory.replace_credentials(fresh)
            return fresh["access_token"]

    def _ask_for_token(self, credentials: Mapping[str, str]) -> dict[str, Any]:
        form = {key: credentials[key] for key in ("refresh_token", "client_id", "client_secret")}
        try:
            answer = read_object(
                send(
                    self._http, "POST", f"{self._base}/api/1.0/token", data={**form, "grant_type": "refresh_token"},
                    headers={"User-Agent": USER_AGENT, "Accept": "application/json"},
                )
            )  # fmt: skip
        except Refused as error:
            raise Unauthorised(
                f"The till did not renew our access ({error.message}): connect {self.connection.name} to it again.",
                detail=error.detail,
            ) from error
        if not answer.get("access_token"):
            raise RetryLater("The till answered a token renewal without a token.")
        return answer

    # Lists

    def changes(self, path: str, after: int, pages: int) -> Iterator[tuple[list[dict[str, Any]], int]]:
        """Pages of a versioned list in growing order, at most `pages`: (rows, highest version so far).

        The version is one growing number over everything the retailer has, so it is also the cursor of a change feed.
        """
        for _ in range(pages):
            answer = self.get(path, after=after, page_size=PAGE_SIZE)
            rows = rows_of(answer)
            if not rows:
                return
            highest = (answer.get("version") or {}).get("max") if isinstance(answer, dict) else None
            if highest is None:
                # A list without versions has one page.
                yield rows, after
                return
            if int(highest) <= after:
                raise RetryLater(f"The till's list of {path} does not move on beyond version {after}.")
            after = int(highest)
            yield rows, after

    def everything(self, path: str) -> list[dict[str, Any]]:
        """A whole (short) versioned list."""
        return [row for rows, _ in self.changes(path, 0, pages=1000) for row in rows]

    def inventory(
        self, after: int, *, size: int = INVENTORY_PAGE_SIZE, newest_first: bool = False
    ) -> list[dict[str, Any]]:
        """Stock records with a version above `after`. A read although it is a POST; unasked it sorts newest first."""
        body = {"after": after, "size": size, "sort_direction": "desc" if newest_first else "asc"}
        return rows_of(read_json(self.write("POST", "inventory", body)))

    def inventory_of(self, product_id: str) -> list[dict[str, Any]]:
        """The stock of one product at every outlet."""
        return rows_of(self.get(f"inventory/{quote(product_id, safe='')}", page_size=INVENTORY_PAGE_SIZE))

    def fulfilments(self, **filters: Any) -> Iterator[dict[str, Any]]:
        """Fulfilments by `sale_id`, `outlet_id`, `fulfillment_state` (lists repeat the filter)."""
        page = 1
        while True:
            rows = rows_of(self.get("fulfillments", **filters, page_number=page, page_size=FULFILMENT_PAGE_SIZE))
            yield from rows
            if len(rows) < FULFILMENT_PAGE_SIZE:
                return
            page += 1

    def search(self, kind: str, **criteria: Any) -> list[dict[str, Any]]:
        """Search hits. How exactly the till compares is not documented: compare again."""
        return rows_of(self.get("search", type=kind, page_size=1000, **criteria))

    # Single entities

    def sale(self, sale_id: str) -> dict[str, Any] | None:
        """One sale, None when the till has none with that id."""
        found = self.get_or_none(f"sales/{quote(sale_id, safe='')}")
        return found if isinstance(found, dict) else None

    def put_sale(self, sale_id: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Replace a sale; the sale as it is now."""
        return data_of(self.write("PUT", f"sales/{quote(sale_id, safe='')}", body))

    # Reference data

    def reference(self, path: str, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
        """The first row of a short list (`taxes`, `payment_types`, `outlets`) that is `wanted`, or None.

        Lists are kept in memory for a quarter of an hour; what is not found there is looked for afresh.
        """
        return next((row for row in self.reference_list(path) if wanted(row)), None) or next(
            (row for row in self.reference_list(path, fresh=True) if wanted(row)), None
        )

    def reference_list(self, path: str, *, fresh: bool = False) -> list[dict[str, Any]]:
        """All rows of a short list, perhaps a quarter of an hour old."""
        kept = self.memory.get(f"reference:{path}")
        if not fresh and isinstance(kept, dict) and kept["at"] > time.time() - REFERENCE_SECONDS:
            return list(kept["rows"])
        rows = [plain(row) for row in self.everything(path) if not row.get("deleted_at")]
        self.memory.put(f"reference:{path}", {"at": int(time.time()), "rows": rows})
        return rows


def rows_of(answer: Any) -> list[dict[str, Any]]:
    """The rows of a list, bare or under `data`. Raises RetryLater when it is neither."""
    rows = answer.get("data") if isinstance(answer, dict) else answer
    if rows is None:
        return []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise RetryLater("The till answered something else than a list.")
    return rows


def understood(response: requests.Response) -> None:
    """Raises RetryLater when the answer to a write is not the till's own (a maintenance page with status 200), so that
    nobody can say whether it was carried out."""
    if response.status_code != 204:
        read_json(response)


def data_of(response: requests.Response) -> dict[str, Any]:
    """The entity in an answer. Raises RetryLater when there is none."""
    data = read_object(response).get("data")
    if not isinstance(data, dict):
        raise RetryLater("The till's answer lacks the entity it should hold.")
    return data


def _expiry(answer: Mapping[str, Any]) -> str:
    """When the new token dies, in Unix seconds as text: documented lives differ, so only the answer is believed."""
    if answer.get("expires"):
        return str(answer["expires"])
    return str(int(time.time()) + int(answer["expires_in"])) if str(answer.get("expires_in") or "").isdigit() else ""


def _expires(credentials: Mapping[str, str]) -> float:
    """When the access token dies, in Unix seconds; never, when the till did not say (a personal token)."""
    text = str(credentials.get("expires") or "")
    try:
        return float(text)
    except ValueError:
        pass
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return float("inf")
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
