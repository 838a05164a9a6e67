"""A local stand-in for a Shopify shop: `python -m adapters.shopify.sandbox --help`."""

from __future__ import annotations

import argparse
from typing import Any

from flask import Flask

from adapters.sandbox import Profile, SandboxState, create_sandbox, main
from adapters.sandbox.app import DEFAULT_SECRET
from adapters.shopify.sandbox_api import api, called, error
from adapters.shopify.sandbox_pages import pages
from adapters.shopify.sandbox_seed import DEMO, DOMAIN, demo_seed, seed
from adapters.shopify.webhook import SIGNATURE_HEADER, signature

TOKEN = "shpat_sandbox"
CLIENT_ID = "sandbox-client-id"
DEFAULT_PORT = 8803

__all__ = ["DEFAULT_PORT", "PROFILE", "connection_credentials", "create_app", "demo_seed", "seed"]


def sign(body: bytes, secret: str) -> dict[str, str]:
    """The vendor's signature over the raw body."""
    return {SIGNATURE_HEADER: signature(body, secret)}


PROFILE = Profile(
    name="shopify",
    title="Shopify",
    api_prefixes=("/admin/api/", "/admin/oauth/"),
    error=error,
    sign=sign,
    # GraphQL has no limit of requests but a bucket of points, see sandbox_graphql.
    requests_per_minute=0,
    switches={
        "routes_later": ("Fulfilment orders are made a moment after the order", False),
        "search_lags": ("Lists find an order only some seconds after its change", False),
        "linear_costs": ("A connection costs its whole `first`", False),
        "prepared_is_in_progress": ("Prepared for pickup shows as in progress", False),
        "held_may_move": ("Fulfilment orders on hold may be moved", True),
        "refuses_negatives": ("Stock below zero is refused", True),
        "https_webhooks_only": ("Webhooks go to https addresses only", False),
        "fulfils_gift_cards": ("Gift cards are fulfilled as soon as they are paid", True),
        "oversell": ("Customers may order more than is in stock", False),
    },
    called=called,
    navigation=(("Shop", "/"), ("Orders", "/admin/orders"), ("Products", "/admin/products")),
)


def create_app(
    state: SandboxState,
    *,
    token: str = TOKEN,
    client_id: str = CLIENT_ID,
    cost_bucket: float = 2000,
    restore_rate: float = 100,
    **options: Any,
) -> Flask:
    """The sandbox of one shop.

    `token` is a static token; `client_id` with the secret buys others for a day. `cost_bucket` and `restore_rate` are the
    points an app may spend and gets back per second (2000 and 100 on a standard plan). `options` are those of
    `create_sandbox`: webhook_url (an address outside the API's list of subscriptions), secret (the app's client secret),
    webhook_retries, requests_per_minute. State settings: `scopes`, `token_seconds`, `routing_seconds`, `job_seconds`.
    """
    for name, value in (
        ("token", token), ("client_id", client_id), ("cost_bucket", cost_bucket), ("restore_rate", restore_rate),
    ):  # fmt: skip
        state.set_setting(name, value)
    if not state.setting("domain"):
        state.set_setting("domain", DOMAIN)
    app = create_sandbox(PROFILE, state, import_name="adapters.shopify", **options)
    app.register_blueprint(api)
    app.register_blueprint(pages)
    return app


def connection_credentials() -> dict[str, str]:
    """Credentials with which a connection opens a sandbox made with the defaults."""
    return {"shop": DOMAIN, "token": TOKEN, "client_id": "", "client_secret": DEFAULT_SECRET}


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--token", default=TOKEN, help="token that the API accepts (default %(default)s)")
    parser.add_argument("--client-id", default=CLIENT_ID, help="client id that buys tokens (default %(default)s)")
    parser.add_argument("--cost-bucket", type=float, default=2000, help="points an app may spend (default %(default)s)")
    parser.add_argument("--restore-rate", type=float, default=100, help="points that come back per second (%(default)s)")


def _create(state: SandboxState, arguments: argparse.Namespace) -> Flask:
    if not state.all("product"):
        seed(state, **DEMO)
    return create_app(
        state, token=arguments.token, client_id=arguments.client_id, cost_bucket=arguments.cost_bucket,
        restore_rate=arguments.restore_rate, webhook_url=arguments.webhook_url, secret=arguments.secret,
        requests_per_minute=arguments.requests_per_minute,
    )  # fmt: skip


if __name__ == "__main__":
    main(_create, description=__doc__ or "", default_port=DEFAULT_PORT, seed=seed, extra=_arguments)
