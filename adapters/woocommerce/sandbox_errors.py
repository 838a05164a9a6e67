"""How the sandbox says no: WordPress's error object, and its JSON as PHP writes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from flask import Response

_BLOCKED = (
    "<!doctype html><html><head><title>{status}</title></head><body><center><h1>{words}</h1></center><hr>"
    "<center>nginx</center></body></html>"
)


class ApiError(Exception):
    """The shop refuses. `data` is what goes beside the status in the error's `data`; `bare` makes `data` the bare
    status, as refunds have it."""

    def __init__(
        self, code: str, message: str, status: int = 400, data: Mapping[str, Any] | None = None, *, bare: bool = False
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.status, self.data, self.bare = code, message, status, dict(data or {}), bare

    def as_json(self) -> dict[str, Any]:
        data: Any = self.status if self.bare else {"status": self.status, **self.data}
        return {"code": self.code, "message": self.message, "data": data}


class ShopError(ApiError):
    """What a customer or an employee cannot do."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__("sandbox_refused", message, status)


def invalid_param(name: str, words: str, code: str = "rest_invalid_param") -> ApiError:
    """A parameter that the schema does not allow."""
    detail = {name: {"code": code, "message": words, "data": None}}
    return ApiError(
        "rest_invalid_param", f"Invalid parameter(s): {name}", 400, {"params": {name: words}, "details": detail}
    )


def php_json(value: Any) -> str:
    """JSON as PHP writes it: slashes and everything beyond ASCII escaped, no spaces."""
    return json.dumps(value, default=_number, separators=(",", ":")).replace("/", "\\/")


def answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer of the API."""
    response = Response(php_json(value), status, content_type="application/json; charset=UTF-8")
    response.headers.update(dict(headers or {}))
    return response


def error(status: int, words: str) -> Response:
    """What is not WooCommerce's own refusal. Limits are set by hosts, who answer with a web page."""
    if status == 429:
        return web_page(429, "Too Many Requests")
    code = {404: "rest_no_route", 405: "rest_no_route", 413: "rest_upload_too_large"}.get(status, "internal_server_error")
    if code == "rest_no_route":
        status, words = 404, "No route was found matching the URL and request method."
    return answer({"code": code, "message": words, "data": {"status": status}}, status)


def web_page(status: int, words: str) -> Response:
    """A page of the host or of a firewall where JSON was due."""
    return Response(_BLOCKED.format(status=status, words=words), status, mimetype="text/html")


def _number(value: Any) -> float | int:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
