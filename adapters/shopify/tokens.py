"""Access tokens: a static one, or one for 24 hours bought with client id and secret.

Source: shopify.dev, "Using the client credentials grant". Such a token has no refresh token; it is bought again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

import requests

from adapters.base import Connection, Memory, Refused, RetryLater, Unauthorised
from adapters.http import read_object, send

RENEW_BEFORE_SECONDS = 300
_LOCK = "token"


class Tokens:
    """The token of one connection. `address` is the shop's own address without a path."""

    def __init__(self, connection: Connection, memory: Memory, http: requests.Session, address: str) -> None:
        self._connection, self._memory, self._http, self._address = connection, memory, http, address
        kept = memory.credentials()
        given = connection.credentials
        self._id, self._secret = given.get("client_id", ""), given.get("client_secret", "")
        self._static = given.get("token", "")
        self._bought = kept if not self._static else {}

    @property
    def can_renew(self) -> bool:
        return not self._static and bool(self._id and self._secret)

    def current(self) -> str:
        """A token to use now. Raises Unauthorised when the credentials are not enough for one."""
        if self._static:
            return _usable(self._static, self._connection)
        if not (self._id and self._secret):
            raise Unauthorised(
                f"The connection {self._connection.name!r} lacks a token, or else client_id and client_secret: fill in its "
                "credentials."
            )
        token = self._bought.get("access_token", "")
        if token and _expires(self._bought) > time.time() + RENEW_BEFORE_SECONDS:
            return token
        return self.renew(token)

    def renew(self, used: str) -> str:
        """A token other than `used`: one process at a time buys one, the others take what it got."""
        with self._memory.lock(_LOCK):
            kept = self._memory.credentials()
            current = kept.get("access_token", "")
            if current and current != used and _expires(kept) > time.time() + RENEW_BEFORE_SECONDS:
                self._bought = kept
                return current
            token, seconds = self._buy()
            fresh = {**kept, "access_token": token, "access_token_expires": str(int(time.time() + seconds))}
            self._memory.replace_credentials(fresh)
            self._bought = fresh
        return token

    def _buy(self) -> tuple[str, float]:
        body = {"client_id": self._id, "client_secret": self._secret, "grant_type": "client_credentials"}
        try:
            answer = read_object(
                send(self._http, "POST", f"{self._address}/admin/oauth/access_token", json=body,
                     headers={"Accept": "application/json"})
            )  # fmt: skip
        except Refused as error:
            raise Unauthorised(
                f"Shopify gives no token for this client id and secret ({error.message}): look at the app's settings in the "
                "Dev Dashboard, and whether it is installed in this shop.",
                detail=error.detail,
            ) from error
        token, seconds = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(token, str) or not token:
            raise RetryLater("Shopify answered a request for a token without a token.")
        lasts = float(seconds) if isinstance(seconds, int) and not isinstance(seconds, bool) else 3600.0
        return _usable(token, self._connection), lasts


def _usable(token: str, connection: Connection) -> str:
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise Unauthorised(f"The token of connection {connection.name!r} holds characters that no token has: copy it again.")
    return token


def _expires(credentials: Mapping[str, str]) -> float:
    text = credentials.get("access_token_expires", "")
    return float(text) if text.isascii() and text.isdigit() else 0.0
