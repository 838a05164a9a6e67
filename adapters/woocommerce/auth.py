"""How calls prove who makes them.

Over TLS the key is sent as it is, in a header (HTTP Basic) or in the query. Over plain HTTP each call is signed instead
(OAuth 1.0a without a token: the signing key is the consumer secret and `&`), since WooCommerce looks at Basic and at
keys in the query only when it believes that the call came over TLS. Behind a proxy that does not tell WordPress so it
does not, and takes a signature made for the address with `http:`. Source: `class-wc-rest-authentication.php`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from oauthlib.oauth1 import SIGNATURE_HMAC_SHA256, SIGNATURE_TYPE_AUTH_HEADER, SIGNATURE_TYPE_QUERY
from oauthlib.oauth1 import Client as Signer

from adapters.base import Connection, Unauthorised
from adapters.woocommerce.settings import choice_setting


@dataclass(frozen=True, slots=True)
class Keys:
    """The key of one connection, and how it travels: `header`, `query` (nothing in the Authorization header) or `signed`
    (also over TLS, for shops that believe they are called without it)."""

    consumer_key: str = field(repr=False)
    consumer_secret: str = field(repr=False)
    way: str

    @staticmethod
    def of(connection: Connection) -> Keys:
        """From the connection's credentials. Raises Unauthorised when they are missing or cannot be a key."""
        names = ("consumer_key", "consumer_secret")
        missing = [name for name in names if not connection.credentials.get(name)]
        if missing:
            raise Unauthorised(
                f"The connection {connection.name!r} lacks {' and '.join(missing)}: fill in its credentials."
            )
        key, secret = (connection.credentials[name] for name in names)
        if not all(part.isascii() and part.isprintable() and " " not in part for part in (key, secret)):
            raise Unauthorised(
                f"The key of connection {connection.name!r} holds characters that no key has: copy it again."
            )
        return Keys(key, secret, choice_setting(connection, "authentication"))

    def prove(
        self, method: str, url: str, params: Mapping[str, Any], clock_ahead: float = 0.0
    ) -> tuple[str, dict[str, str]]:
        """The whole address of one call and its headers. `clock_ahead` is by how many seconds the shop's clock is ahead
        of ours: a signature is good for 15 minutes around the shop's own time."""
        secure = url.startswith("https:")
        if secure and self.way != "signed":
            return self._plainly(url, params)
        kind = SIGNATURE_TYPE_QUERY if self.way == "query" else SIGNATURE_TYPE_AUTH_HEADER
        signer: Any = Signer(
            self.consumer_key, client_secret=self.consumer_secret, signature_method=SIGNATURE_HMAC_SHA256,
            signature_type=kind, timestamp=str(int(time.time() + clock_ahead)),
        )  # fmt: skip
        address, headers, _ = signer.sign(_address(url.replace("https:", "http:", 1), params), http_method=method)
        return (address.replace("http:", "https:", 1) if secure else address), dict(headers)

    def _plainly(self, url: str, params: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
        if self.way == "query":
            keys = {"consumer_key": self.consumer_key, "consumer_secret": self.consumer_secret}
            return _address(url, {**params, **keys}), {}
        pair = base64.b64encode(f"{self.consumer_key}:{self.consumer_secret}".encode()).decode()
        return _address(url, params), {"Authorization": f"Basic {pair}"}


def _address(url: str, params: Mapping[str, Any]) -> str:
    """Everything but letters and digits is encoded: PHP and the signature must see the same."""
    query = urlencode(params, quote_via=quote, safe="")
    return f"{url}{'&' if '?' in url else '?'}{query}" if query else url


def webhook_secret(connection: Connection) -> str:
    """What the shop signs its webhooks with: the credential `webhook_secret`, or one made from the consumer secret, which
    tells nobody that secret. Empty without either."""
    given, source = (connection.credentials.get(name, "") for name in ("webhook_secret", "consumer_secret"))
    return given or (hmac.new(source.encode(), b"wissel webhooks", hashlib.sha256).hexdigest() if source else "")
