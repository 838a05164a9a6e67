"""One way out over HTTP for every adapter: whatever goes wrong becomes one of the four kinds of `AdapterError`.

The session is given by the caller, who records each exchange with it. Nothing here retries: retrying is the worker's
business, and it knows the idempotency key.
"""

from __future__ import annotations

import json as jsonlib
import re
import time
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

from adapters.base import AdapterError, Refused, RetryLater, Throttled, Unauthorised

DEFAULT_TIMEOUT = (3.05, 20.0)
"""Seconds to connect and to wait for the next bytes."""

MAX_BODY_BYTES = 5_000_000
MAX_REASON_CHARACTERS = 300
LONGEST_PAUSE = timedelta(hours=24)
"""A Retry-After beyond this is taken as this: a typing error over there must not silence a connection for a year."""

_BODY_DEADLINE_FACTOR = 3
"""A body may take this many read timeouts in all, so that a server dripping single bytes cannot hold a worker."""

_REASON_KEYS = ("errorMessage", "error_description", "message", "detail", "title", "error", "errors")


class TooLarge(RetryLater):
    """The answer holds more than `MAX_BODY_BYTES`. Asking for less at once may help: see `adapters.paging`."""


Explain = Callable[[requests.Response], str]
"""Takes the system's own words out of an error answer; empty when it finds none."""


def send(
    http: requests.Session,
    method: str,
    url: str,
    *,
    timeout: tuple[float, float] = DEFAULT_TIMEOUT,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, Any] | None = None,
    json: Any = None,
    data: Any = None,
    explain: Explain | None = None,
    expect: Collection[int] = (),
) -> requests.Response:
    """Make one request and return its 2xx answer, body read (at most `MAX_BODY_BYTES`).

    Statuses in `expect` (404 where absence is an answer) are returned like a 2xx.

    Raises
    - RetryLater: no connection, a time-out, a cut answer, one beyond the limit (TooLarge), 408, 425, 5xx, a temporary redirect
    - Throttled: 429, with `until` when Retry-After (seconds or HTTP date) says so
    - Unauthorised: 401, 402, 403
    - Refused: every other 4xx, a permanent redirect (the base URL is wrong), an address or header that cannot be sent

    Redirects are never followed, since that would hand our credentials to another address; TLS is always verified
    (a session may bring its own CA bundle, `verify=False` is overruled). `explain` replaces `error_text`.
    """
    where = f"{method} {_without_query(url)}"
    try:
        response = http.request(
            method,
            url,
            timeout=timeout,
            headers=dict(headers or {}),
            params=dict(params or {}),
            json=json,
            data=data,
            allow_redirects=False,
            stream=True,
            verify=http.verify or True,
        )
        read_body(response, deadline=time.monotonic() + timeout[1] * _BODY_DEADLINE_FACTOR)
    except (requests.Timeout, urllib3.exceptions.TimeoutError) as error:
        raise RetryLater(
            "The system did not answer in time.", detail=f"{where}: no answer in {timeout[1]} s"
        ) from error
    except (
        requests.exceptions.InvalidURL,
        requests.exceptions.MissingSchema,
        requests.exceptions.InvalidSchema,
    ) as error:
        raise Refused(
            f"The address {_without_query(url)!r} is not a usable URL: correct the connection's base URL.", detail=where
        ) from error
    except (requests.exceptions.InvalidHeader, UnicodeError) as error:
        raise Refused(
            "A header holds characters that HTTP cannot carry: look at the connection's credentials.", detail=where
        ) from error
    except requests.exceptions.SSLError as error:
        raise RetryLater(
            "The system's TLS certificate could not be verified.", detail=f"{where}: {_clip(error)}"
        ) from error
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise RetryLater("The connection to the system failed.", detail=f"{where}: {_clip(error)}") from error
    if 200 <= response.status_code < 300 or response.status_code in expect:
        return response
    raise error_for(response, where=where, explain=explain)


def error_for(response: requests.Response, *, where: str = "", explain: Explain | None = None) -> AdapterError:
    """The error an answer outside 2xx stands for, with the system's own words in `message`."""
    status = response.status_code
    said = _mask((explain or error_text)(response), response)
    detail = f"{where}: HTTP {status}" if where else f"HTTP {status}"
    words = f" ({said})" if said else ""
    if status == 429:
        return Throttled(f"The system asks us to slow down{words}.", until=retry_after(response), detail=detail)
    if status in (401, 402, 403):
        return Unauthorised(f"The system refuses our credentials, HTTP {status}{words}.", detail=detail)
    if status in (301, 308):
        return Refused(
            f"The system has moved to {_redirect_target(response)}: correct the connection's base URL.", detail=detail
        )
    if status < 400:
        return RetryLater(
            f"The system redirects to {_redirect_target(response)}; redirects are not followed.", detail=detail
        )
    if status in (408, 425) or status >= 500:
        return RetryLater(f"The system is in trouble, HTTP {status}{words}.", detail=detail)
    return Refused(said or f"The system refused the request, HTTP {status}.", detail=detail)


def read_json(response: requests.Response) -> dict[str, Any] | list[Any]:
    """The JSON object or list in an answer, numbers with a point as Decimal.

    Raises RetryLater when the body is anything else: empty, HTML (a maintenance page), cut short, a bare value.
    """
    where = f"HTTP {response.status_code}, {len(response.content)} bytes"
    if not response.content.strip():
        raise RetryLater("The system answered nothing instead of JSON.", detail=where)
    if response.content.lstrip()[:1] == b"<":
        raise RetryLater("The system answered HTML instead of JSON.", detail=where)
    try:
        value = jsonlib.loads(response.content, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise RetryLater(
            "The system answered something that is not JSON, perhaps cut short.", detail=f"{where}: {_clip(error)}"
        ) from error
    if not isinstance(value, dict | list):
        raise RetryLater("The system answered a bare value instead of a JSON object.", detail=where)
    return value


def read_object(response: requests.Response) -> dict[str, Any]:
    """Like `read_json`, for answers that must be an object."""
    value = read_json(response)
    if not isinstance(value, dict):
        raise RetryLater(
            "The system answered a list where an object was expected.", detail=f"HTTP {response.status_code}"
        )
    return value


def read_body(response: requests.Response, *, deadline: float | None = None) -> bytes:
    """The body of an answer opened with `stream=True`, kept on the response as `content`; safe to call again.

    A recorder that wants the body must call this instead of `response.content`, which knows no limit. Raises TooLarge
    beyond `MAX_BODY_BYTES`, RetryLater after `deadline` (monotonic seconds).
    """
    if isinstance(response._content, bytes):
        return response._content
    parts: list[bytes] = []
    size = 0
    try:
        while part := response.raw.read1(65_536, decode_content=True):
            size += len(part)
            parts.append(part)
            if size > MAX_BODY_BYTES:
                raise TooLarge(
                    f"The answer is larger than {MAX_BODY_BYTES} bytes.", detail=f"HTTP {response.status_code}"
                )
            if deadline is not None and time.monotonic() > deadline:
                raise RetryLater("The answer came too slowly to wait for its end.", detail=f"{size} bytes so far")
    finally:
        response._content = b"".join(parts)
        response._content_consumed = True  # type: ignore[attr-defined]
        response.close()
    return response._content


def retry_after(response: requests.Response) -> datetime | None:
    """When Retry-After says we may call again (aware, UTC), None when it is missing or makes no sense."""
    text = response.headers.get("Retry-After", "").strip()
    now = datetime.now(UTC)
    if re.fullmatch(r"\d{1,9}(\.\d+)?", text):
        return now + min(timedelta(seconds=float(text)), LONGEST_PAUSE)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return min(max(moment, now), now + LONGEST_PAUSE)


def error_text(response: requests.Response) -> str:
    """The system's own words in an error answer: a known JSON key, short plain text, or else the status line."""
    try:
        value = jsonlib.loads(response.content)
    except (ValueError, RecursionError):
        value = None
    found = _words(value)
    if not found and response.headers.get("Content-Type", "").startswith("text/plain"):
        found = response.content.decode("utf-8", "replace")
    return _clip(found or response.reason or "")


def _words(value: Any) -> str:
    """The first human text in an error object; lists and objects of messages are joined."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "; ".join(words for words in (_words(item) for item in value[:5]) if words)
    if isinstance(value, dict):
        for key in _REASON_KEYS:
            if value.get(key):
                return _words(value[key])
        return "; ".join(
            f"{key}: {_words(item)}" for key, item in list(value.items())[:5] if isinstance(item, str | list)
        )
    return ""


def _mask(text: str, response: requests.Response) -> str:
    """Some systems echo the token they did not like: it must not end up in a message for people."""
    sent = response.request.headers.get("Authorization", "") if response.request is not None else ""
    secret = str(sent).rpartition(" ")[2]
    return text.replace(secret, "***") if len(secret) >= 4 else text


def _clip(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= MAX_REASON_CHARACTERS else text[: MAX_REASON_CHARACTERS - 1] + "…"


def _without_query(url: str) -> str:
    return url.partition("?")[0]


def _redirect_target(response: requests.Response) -> str:
    """Where a redirect points, without query: that part may carry secrets."""
    try:
        parts = urlsplit(response.headers.get("Location", ""))
    except ValueError:
        return "an unreadable address"
    return _clip(f"{parts.scheme}://{parts.netloc}{parts.path}" if parts.netloc else parts.path or "nowhere")


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
