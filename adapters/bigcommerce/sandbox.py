"""A local stand-in for a BigCommerce store: `python -m adapters.bigcommerce.sandbox --help`."""

from __future__ import annotations

import argparse
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from flask import Flask
from standardwebhooks import Webhook

from adapters.bigcommerce import sandbox_api, sandbox_api3
from adapters.bigcommerce.sandbox_limits import QUOTA, limit
from adapters.bigcommerce.sandbox_pages import pages
from adapters.bigcommerce.sandbox_seed import DEMO, seed
from adapters.bigcommerce.scopes import SCOPES
from adapters.bigcommerce.webhook import ID_HEADER, SIGNATURE_HEADER, TIME_HEADER
from adapters.sandbox import Profile, SandboxState, create_sandbox, main
from adapters.sandbox.app import DEFAULT_SECRET

STORE_HASH = "abc123"
TOKEN = "sandbox-access-token"
CLIENT_ID = "m9r6keqmo7h7f23btnpwernbez1kglkl"
DEFAULT_PORT = 8804


def _unsigned(body: bytes, secret: str) -> dict[str, str]:
    """Replaced per sandbox: a signature needs its clock."""
    return {}


PROFILE = Profile(
    name="bigcommerce",
    title="BigCommerce",
    api_prefixes=("/stores/",),
    error=sandbox_api.error,
    sign=_unsigned,
    # The API's own limit is per 30 seconds and told in headers: see sandbox_limits.
    requests_per_minute=0,
    switches={
        "slow_background": ("Stock writes, captures and refunds take effect a moment after their answer", True),
        "shipment_changes_status": ("A shipment moves the order to Shipped or Partially Shipped by itself", True),
        "refund_changes_status": ("A refund moves the order to Refunded or Partially Refunded by itself", True),
        "sign_webhooks": ("Webhooks carry the Standard Webhooks signature", True),
        "overloaded_429": ("A 429 comes without rate limit headers (store overload)", False),
        "oversell": ("Customers may order more than is in stock", False),
    },
    navigation=(("Shop", "/"), ("Orders", "/admin/orders"), ("Products", "/admin/products")),
)


def create_app(
    state: SandboxState,
    *,
    store_hash: str = STORE_HASH,
    token: str = TOKEN,
    requests_per_minute: int | None = None,
    **options: Any,
) -> Flask:
    """The sandbox of one store. `options` are those of `create_sandbox`: webhook_url, secret (the API account's client
    secret), webhook_retries; half of `requests_per_minute` may be made in 30 seconds (0: no limit).

    A token and its scopes is a document: `state.put("token", token, {"client_id", "scopes": [...]})`; scopes are written
    `store_v2_orders` (modify, and read) or `store_v2_orders_read_only`.
    """
    state.set_setting("store_hash", store_hash)
    state.set_setting("token", token)
    if state.get("token", token) is None:
        state.put("token", token, {"client_id": CLIENT_ID, "scopes": ["default", *SCOPES]})
    profile = replace(PROFILE, sign=lambda body, secret: _sign(state, body, secret))
    app = create_sandbox(profile, state, import_name="adapters.bigcommerce", requests_per_minute=0, **options)
    limit(app, QUOTA if requests_per_minute is None else -(-requests_per_minute // 2))
    for part in (sandbox_api.api, sandbox_api3.api, pages):
        app.register_blueprint(part)
    return app


def _sign(state: SandboxState, body: bytes, secret: str) -> dict[str, str]:
    """The vendor's signature: Standard Webhooks, keyed with the client secret's bytes."""
    if not state.setting("switch:sign_webhooks", True):
        return {}
    message, now = f"msg_{uuid.uuid4().hex}", datetime.fromtimestamp(int(state.now()), UTC)
    signature = Webhook(secret.encode()).sign(message, now, body.decode())
    return {ID_HEADER: message, TIME_HEADER: str(int(now.timestamp())), SIGNATURE_HEADER: signature}


def connection_credentials() -> dict[str, str]:
    """Credentials that a sandbox with default options accepts."""
    return {"store_hash": STORE_HASH, "access_token": TOKEN, "client_secret": DEFAULT_SECRET}


def demo_seed(articles: Sequence[Any], outlets: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What `seed` fills a shop with that sells these articles (`demo.Article`) and has these outlets as locations.

    Articles may have `gift_card` (a gift certificate) and `parts` (a bundle: sku -> units).
    """
    return {
        "locations": [
            {
                "code": each["code"], "label": each["name"], "city": _city(each), "postcode": each.get("postcode", ""),
                "pickup": bool(each.get("offers_pickup")),
            }
            for each in outlets
        ],
        "products": [
            {
                "sku": each.sku, "name": each.name, "price": each.price, "tax_rate": each.tax_rate, "stock": dict(each.stock),
                "kind": "giftcertificate" if getattr(each, "gift_card", False) else "physical", "parts": dict(getattr(each, "parts", {})),
            }
            for each in articles
        ],
        "shipping_methods": [{"id": "post", "name": "Parcel post", "price": "4.95"}],
        "store_name": "The Teahouse",
    }  # fmt: skip


def _city(outlet: Mapping[str, Any]) -> str:
    """The town in an outlet's name: `Utrecht store`, `Warehouse Almere`."""
    words = str(outlet["name"]).split()
    return words[-1] if outlet.get("kind") == "warehouse" else words[0]


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--store-hash", default=STORE_HASH, help="store in the API's paths (default %(default)s)")
    parser.add_argument("--token", default=TOKEN, help="access token that the API accepts (default %(default)s)")


def _create(state: SandboxState, arguments: argparse.Namespace) -> Flask:
    if not state.all("product"):
        seed(state, **DEMO)
    return create_app(
        state, store_hash=arguments.store_hash, token=arguments.token, webhook_url=arguments.webhook_url,
        secret=arguments.secret, requests_per_minute=arguments.requests_per_minute,
    )  # fmt: skip


if __name__ == "__main__":
    main(_create, description=__doc__ or "", default_port=DEFAULT_PORT, seed=seed, extra=_arguments)
