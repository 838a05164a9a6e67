"""Who calls the sandbox's API: the same three ways, and the same refusals, as `class-wc-rest-authentication.php`."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import threading
from typing import Any
from urllib.parse import quote, unquote

from flask import Flask, current_app, request

from adapters.sandbox import sandbox
from adapters.woocommerce.sandbox_errors import ApiError

WINDOW_SECONDS = 15 * 60
_OAUTH = ("oauth_consumer_key", "oauth_timestamp", "oauth_nonce", "oauth_signature", "oauth_signature_method")
_HASHES = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}


class Nonces:
    """Which nonces were used within the window."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._used: dict[str, int] = {}

    def use(self, nonce: str, timestamp: int, now: float) -> bool:
        """Use a nonce; False when it was used before."""
        with self._lock:
            self._used = {each: at for each, at in self._used.items() if at >= now - WINDOW_SECONDS}
            if nonce in self._used:
                return False
            self._used[nonce] = timestamp
            return True


def prepare(app: Flask) -> None:
    app.extensions["woocommerce_nonces"] = Nonces()


def authenticate() -> str | None:
    """The permissions of the key that made this call (`read`, `write`, `read_write`), None for nobody. Raises ApiError
    when somebody tried and failed."""
    if is_ssl():
        found = _with_plain_key()
        if found is not None:
            return found
    return _with_signature()


def is_ssl() -> bool:
    """Whether WordPress believes that the call came over TLS. Behind a proxy it only does when it is told."""
    told = request.headers.get("X-Forwarded-Proto") == "https" and sandbox().switch("proxy_tells_tls")
    return request.is_secure or told


def check_permission(permissions: str) -> None:
    """Whether the key may use this method. Raises ApiError (401)."""
    needed = "read" if request.method in ("GET", "HEAD") else "write"
    if permissions != "read_write" and permissions != needed and request.method != "OPTIONS":
        raise _failed(f"The API key provided does not have {needed} permissions.")


def _with_plain_key() -> str | None:
    key, secret = request.args.get("consumer_key", ""), request.args.get("consumer_secret", "")
    if not (key and secret) and request.authorization is not None and request.authorization.type == "basic":
        key, secret = request.authorization.username or "", request.authorization.password or ""
    state = sandbox().state
    if not key or not secret or key != state.setting("consumer_key"):
        return None
    if not hmac.compare_digest(secret.encode(), str(state.setting("consumer_secret")).encode()):
        raise _failed("Consumer secret is invalid.")
    return str(state.setting("permissions", "read_write"))


def _with_signature() -> str | None:
    params: dict[str, str] = {name: values[-1] for name, values in request.args.lists()}
    params |= _from_header(request.headers.get("Authorization", "").strip())
    missing = [name for name in _OAUTH if not params.get(name)]
    if len(missing) == len(_OAUTH):
        return None
    if missing:
        words = f"Missing OAuth parameter{'s' if len(missing) > 1 else ''} {', '.join(missing)}"
        raise ApiError("woocommerce_rest_authentication_missing_parameter", words, 401)
    state = sandbox().state
    if params["oauth_consumer_key"] != state.setting("consumer_key"):
        raise _failed("Consumer key is invalid.")
    _check_signature(params, str(state.setting("consumer_secret")))
    _check_moment(params["oauth_timestamp"], params["oauth_nonce"])
    return str(state.setting("permissions", "read_write"))


def _from_header(header: str) -> dict[str, str]:
    if not header.startswith("OAuth "):
        return {}
    found = re.findall(r'(oauth_[a-z_-]*)=(?:"([^"]*)"|([^,]*))', header)
    return {name: unquote(quoted or bare) for name, quoted, bare in found}


def _check_signature(params: dict[str, str], secret: str) -> None:
    given = unquote(params["oauth_signature"].replace(" ", "+"))
    pairs = sorted((name, value) for name, value in params.items() if name != "oauth_signature")
    method = params["oauth_signature_method"]
    if method not in _HASHES:
        raise _failed("Invalid signature - signature method is invalid.")
    query = "%26".join(_encoded(f"{_encoded(name)}={_encoded(value)}") for name, value in pairs)
    base = f"{request.method}&{quote(_called(), safe='')}&{query}"
    made = base64.b64encode(hmac.new(f"{secret}&".encode(), base.encode(), _HASHES[method]).digest())
    if not hmac.compare_digest(made, given.encode("utf-8", "replace")):
        raise _failed("Invalid signature - provided signature does not match.")


def _called() -> str:
    """The address that was called, without its query: that of the home page with plain permalinks."""
    path = request.environ.get("woocommerce.path") or request.path
    return f"{'https' if is_ssl() else 'http'}://{request.host}{path}"


def _check_moment(timestamp: str, nonce: str) -> None:
    now = sandbox().state.now()
    seconds = int(timestamp) if timestamp.isascii() and timestamp.isdigit() else 0
    if abs(seconds - now) > WINDOW_SECONDS:
        raise _failed("Invalid timestamp.")
    nonces: Any = current_app.extensions["woocommerce_nonces"]
    if not nonces.use(nonce, seconds, now):
        raise _failed("Invalid nonce - nonce has already been used.")


def _encoded(value: str) -> str:
    return quote(value, safe="")


def _failed(words: str) -> ApiError:
    return ApiError("woocommerce_rest_authentication_error", words, 401)
