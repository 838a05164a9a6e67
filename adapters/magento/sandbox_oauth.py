"""Who may call the sandbox: OAuth 1.0a signatures checked by hand, access tokens alone only when the shop allows them.

Written from RFC 5849 and not with the client's library, so that a mistake in one is not repeated in the other. Nonces and
times as `Integration/Model/Oauth/Nonce/Generator.php`: a nonce counts once, a time may lie ten minutes ahead and no more.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import quote, unquote, unquote_plus

from flask import request

from adapters.magento.sandbox_stock import ShopError
from adapters.sandbox import sandbox

CONSUMER_KEY = "sandbox-consumer-key"
CONSUMER_SECRET = "sandbox-consumer-secret"
ACCESS_TOKEN = "sandbox-access-token"
ACCESS_TOKEN_SECRET = "sandbox-access-token-secret"
AHEAD_SECONDS = 600

RESOURCES = (
    "Magento_Sales::actions_view", "Magento_Sales::ship", "Magento_Sales::invoice", "Magento_Sales::sales_invoice",
    "Magento_Sales::shipment", "Magento_Sales::sales_creditmemo", "Magento_Sales::creditmemo", "Magento_Sales::cancel",
    "Magento_Sales::hold", "Magento_Sales::unhold", "Magento_Sales::comment", "Magento_InventoryApi::source",
    "Magento_Catalog::products", "Magento_Customer::customer", "Magento_Backend::store", "Magento_InventorySalesApi::stock",
    "Magento_InventorySourceSelectionApi::source_selection_algorithm_post",
    "Magento_InventoryInStorePickupApi::notify_orders_are_ready_for_pickup",
)  # fmt: skip


def authorise(resource: str) -> None:
    """Raises ShopError unless the request is signed by the integration and the integration may do that."""
    scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
    state = sandbox().state
    if scheme == "OAuth":
        _check_signature({name: unquote(value) for name, value in re.findall(r'([a-z_]+)="([^"]*)"', rest)})
    elif scheme != "Bearer" or not sandbox().switch("bearer_tokens") or rest != ACCESS_TOKEN:
        raise _forbidden(resource)
    if resource not in state.setting("resources", RESOURCES):
        raise _forbidden(resource)


def _forbidden(resource: str) -> ShopError:
    message = "The consumer isn't authorized to access %resources."
    return ShopError(message, 401, {"resources": resource})


def _check_signature(given: Mapping[str, str]) -> None:
    state = sandbox().state
    needed = ("oauth_consumer_key", "oauth_token", "oauth_nonce", "oauth_timestamp", "oauth_signature_method", "oauth_signature")
    if missing := [name for name in needed if not given.get(name)]:
        raise ShopError("oauth_problem=parameter_absent&oauth_parameters_absent=%1", parameters=["&".join(missing)])
    if given.get("oauth_version", "1.0") != "1.0":
        raise ShopError('The "%1" Oauth version isn\'t supported.', parameters=[given["oauth_version"]])
    if given["oauth_signature_method"] != "HMAC-SHA256":
        raise ShopError('Signature method %1 is not supported', parameters=[given["oauth_signature_method"]])
    if given["oauth_consumer_key"] != CONSUMER_KEY:
        raise ShopError("A consumer with the ID %1 was not found", 401, [given["oauth_consumer_key"]])
    time = given["oauth_timestamp"]
    if not re.fullmatch("[0-9]{1,12}", time) or not 0 < int(time) <= state.now() + AHEAD_SECONDS:
        raise ShopError("The timestamp value in the oauth_timestamp parameter is invalid.")
    with state.transaction():
        if state.get("nonce", given["oauth_nonce"]) is not None:
            raise ShopError("The nonce is already being used by the consumer with ID %1.", 401, [1])
        state.put("nonce", given["oauth_nonce"], {"at": time})
    if given["oauth_token"] != ACCESS_TOKEN:
        raise ShopError("The token is not valid", 401)
    if not hmac.compare_digest(signature(given), given["oauth_signature"]):
        raise ShopError("The signature is invalid. Verify and try again.", 401)


def signature(given: Mapping[str, str]) -> str:
    """What the request must be signed with: RFC 5849, section 3.4, with HMAC-SHA256."""
    pairs = [(name, value) for name, value in given.items() if name not in ("oauth_signature", "realm")]
    for part in request.query_string.decode("latin-1").split("&"):
        if part:
            name, _, value = part.partition("=")
            pairs.append((unquote_plus(name), unquote_plus(value)))
    encoded = sorted((_encode(name), _encode(value)) for name, value in pairs)
    parameters = "&".join(f"{name}={value}" for name, value in encoded)
    base = "&".join((request.method, _encode(request.base_url), _encode(parameters)))
    key = f"{_encode(CONSUMER_SECRET)}&{_encode(ACCESS_TOKEN_SECRET)}"
    return base64.b64encode(hmac.new(key.encode(), base.encode(), hashlib.sha256).digest()).decode("ascii")


def _encode(text: str) -> str:
    return quote(text, safe="-._~")
