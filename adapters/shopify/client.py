"""GraphQL over HTTP: errors of every layer become the four kinds the workers understand.

Source: shopify.dev, "Admin GraphQL API", rate limits and error codes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import requests

from adapters.base import Connection, Memory, Refused, RetryLater, Throttled, Unauthorised
from adapters.fields import object_of, objects
from adapters.http import DEFAULT_TIMEOUT, read_object, send
from adapters.shopify.settings import api_version, number_setting
from adapters.shopify.tokens import Tokens

MAX_PAGES = 400
_LONGEST_WAIT = timedelta(minutes=10)
_RETRY_CODES = frozenset({"INTERNAL_SERVER_ERROR", "IDEMPOTENCY_CONCURRENT_REQUEST", "TIMEOUT"})


class TooCostly(Refused):
    """The query costs more than one query may: ask for less at once."""


KEY_SPENT = frozenset({"IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"})
"""An attempt with this idempotency key was refused: the next one needs another key."""


class UserErrors(Refused):
    """A mutation or query was refused. `codes` are the machine words of its errors, where it has some."""

    def __init__(self, message: str, codes: frozenset[str], *, detail: str = "") -> None:
        super().__init__(message, detail=detail)
        self.codes = codes


def gid(kind: str, number: str) -> str:
    """A global id; given one already, that one."""
    return number if number.startswith("gid://") else f"gid://shopify/{kind}/{number}"


def number_of(global_id: object) -> str:
    """The number at the end of a global id, without arguments; empty for anything else."""
    found = re.fullmatch(r"gid://shopify/[A-Za-z]+/([0-9]{1,19})(\?.*)?", str(global_id))
    return found[1] if found else ""


def nodes(values: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """The nodes of a connection."""
    return objects(object_of(values, key), "nodes")


def next_page(values: Mapping[str, Any], key: str) -> str | None:
    """The cursor behind which a connection goes on, None at its end."""
    info = object_of(object_of(values, key), "pageInfo")
    cursor = info.get("endCursor")
    return str(cursor) if info.get("hasNextPage") is True and cursor else None


class Client:
    """Calls one shop. Every method raises the errors of `adapters.http.send`, and for what GraphQL says itself: Throttled
    with `until`, Unauthorised for a missing scope, TooCostly, UserErrors, RetryLater, Refused."""

    def __init__(self, connection: Connection, memory: Memory, http: requests.Session) -> None:
        self._http, self._connection = http, connection
        self._address = _address(connection)
        self._url = f"{self._address}/admin/api/{api_version(connection)}/graphql.json"
        self._tokens = Tokens(connection, memory, http, self._address)
        self._timeout = (DEFAULT_TIMEOUT[0], number_setting(connection, "timeout_seconds"))
        self.served_version = ""

    def query(self, text: str, **variables: Any) -> Mapping[str, Any]:
        """The `data` of a query. Variables that are None are sent as null."""
        answer = self._post({"query": text, "variables": variables})
        _raise_errors(answer)
        data = answer.get("data")
        if not isinstance(data, Mapping):
            raise RetryLater("Shopify answered without data.", detail=f"POST {self._url}")
        return data

    def change(self, text: str, **variables: Any) -> Mapping[str, Any]:
        """The payload of a mutation. Raises UserErrors with the shop's own words."""
        data = self.query(text, **variables)
        name, payload = next(iter(data.items()), ("", None))
        if not isinstance(payload, Mapping):
            raise RetryLater("Shopify answered a change without saying what came of it.", detail=str(name))
        problems = [*objects(payload, "userErrors"), *objects(payload, "orderCancelUserErrors")]
        if problems:
            words = "; ".join(str(each.get("message") or "no reason given") for each in problems[:5])
            codes = frozenset(str(each["code"]) for each in problems if each.get("code"))
            if codes & _RETRY_CODES:
                raise RetryLater(f"Shopify is in trouble: {words}", detail=", ".join(sorted(codes)))
            raise UserErrors(f"Shopify refuses: {words}", codes, detail=f"{name}: {', '.join(sorted(codes)) or 'no code'}")
        return payload

    def pages(self, text: str, key: str, **variables: Any) -> Iterator[Mapping[str, Any]]:
        """Every node of the connection `key` at the root of a query that takes `$after`."""
        after: str | None = None
        for _ in range(MAX_PAGES):
            data = self.query(text, after=after, **variables)
            yield from nodes(data, key)
            after = next_page(data, key)
            if after is None:
                return
        raise RetryLater(f"Shopify gave more than {MAX_PAGES} pages.", detail=key)

    def _post(self, body: Mapping[str, Any]) -> dict[str, Any]:
        token = self._tokens.current()
        try:
            response = self._send(body, token)
        except Unauthorised as error:
            # A bought token may die before its time: buy another once, then believe the refusal.
            if "HTTP 401" not in error.detail or not self._tokens.can_renew:
                raise
            response = self._send(body, self._tokens.renew(token))
        self.served_version = response.headers.get("X-Shopify-API-Version", "")
        return read_object(response)

    def _send(self, body: Mapping[str, Any], token: str) -> requests.Response:
        headers = {"X-Shopify-Access-Token": token, "Accept": "application/json"}
        try:
            return send(self._http, "POST", self._url, headers=headers, json=dict(body), timeout=self._timeout)
        except Refused as error:
            if "HTTP 404" not in error.detail:
                raise
            raise Refused(
                f"There is no Shopify shop at {self._address}, or no API version {api_version(self._connection)}: correct the "
                "connection's address or its setting api_version.",
                detail=error.detail,
            ) from error


def _address(connection: Connection) -> str:
    """The shop's address: the connection's base URL, or else made of the credential shop."""
    if connection.base_url:
        return connection.base_url.rstrip("/")
    shop = connection.credentials.get("shop", "").strip().lower()
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*\.myshopify\.com", shop):
        raise Unauthorised(f"The connection {connection.name!r} names no shop: fill in its address, such as https://teahouse.myshopify.com.")
    return f"https://{shop}"


def _raise_errors(answer: Mapping[str, Any]) -> None:
    """What the top-level errors of an answer stand for; nothing when there are none."""
    given = answer.get("errors")
    if not given:
        return
    problems = objects(answer, "errors")
    words = "; ".join(str(each.get("message") or "") for each in problems[:3]) or str(given)[:200]
    codes = {str(object_of(each, "extensions").get("code") or "") for each in problems}
    if "THROTTLED" in codes:
        raise Throttled("Shopify asks us to slow down: the points are spent.", until=_until(answer), detail="THROTTLED")
    if "ACCESS_DENIED" in codes:
        raise Unauthorised(
            f"Shopify refuses a field: {words} Grant the app that scope, and install it again.", detail="ACCESS_DENIED"
        )
    if "MAX_COST_EXCEEDED" in codes:
        raise TooCostly(f"Shopify refuses: {words}", detail="MAX_COST_EXCEEDED")
    if codes & _RETRY_CODES:
        raise RetryLater(f"Shopify is in trouble: {words}", detail=", ".join(sorted(codes)))
    detail = ", ".join(sorted(filter(None, codes))) or "no code"
    raise UserErrors(f"Shopify refuses: {words}", frozenset(codes), detail=detail)


def _until(answer: Mapping[str, Any]) -> datetime | None:
    """When the bucket will hold enough points again: (requested - available) / restored per second."""
    cost = object_of(object_of(answer, "extensions"), "cost")
    status = object_of(cost, "throttleStatus")
    requested, available, rate = (
        _points(cost.get("requestedQueryCost")), _points(status.get("currentlyAvailable")), _points(status.get("restoreRate")),
    )  # fmt: skip
    if requested is None or available is None or not rate:
        return None
    wait = timedelta(seconds=max(float((requested - available) / rate), 0))
    return datetime.now(UTC) + min(wait, _LONGEST_WAIT)


def _points(value: Any) -> Decimal | None:
    return Decimal(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None
