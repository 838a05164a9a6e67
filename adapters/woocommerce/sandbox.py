"""A local stand-in for a WooCommerce shop: `python -m adapters.woocommerce.sandbox --help`."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Flask

from adapters.sandbox import Profile, SandboxState, create_sandbox, main, sandbox
from adapters.sandbox.app import DEFAULT_SECRET
from adapters.woocommerce import sandbox_api_shop, sandbox_index  # noqa: F401 - the first adds its views to the API
from adapters.woocommerce.sandbox_api import api
from adapters.woocommerce.sandbox_auth import prepare
from adapters.woocommerce.sandbox_errors import error
from adapters.woocommerce.sandbox_hooks import HookCourier
from adapters.woocommerce.sandbox_pages import pages
from adapters.woocommerce.sandbox_seed import DEMO, demo_seed, seed

CONSUMER_KEY = "ck_" + "5a" * 20
CONSUMER_SECRET = "cs_" + "c7" * 20
DEFAULT_PORT = 8805

__all__ = ["DEFAULT_PORT", "PROFILE", "connection_credentials", "create_app", "demo_seed", "seed"]

PROFILE = Profile(
    name="woocommerce",
    title="WooCommerce",
    api_prefixes=("/wp-json",),
    error=error,
    sign=lambda body, secret: {},
    delivered=lambda status: 200 <= status <= 302,
    # The shop itself has no limit.
    requests_per_minute=0,
    switches={
        "oversell": ("Customers may order more than is in stock", False),
        "accounts": ("Customers get an account when they order", True),
        "shipment_tracking": ("The extension Shipment Tracking is installed", False),
        "proxy_tells_tls": ("A proxy tells WordPress that calls come over TLS (X-Forwarded-Proto)", True),
        "stock_kept_elsewhere": ("An extension keeps stock: numbers are ignored without a word", False),
        "firewall": ("A firewall refuses every call with a web page, HTTP 403", False),
        "maintenance": ("The host answers every call with a web page, HTTP 503", False),
        "hooks_without_rights": ("The user who owns the webhooks lost its rights", False),
    },
    navigation=(("Shop", "/"), ("Orders", "/admin/orders"), ("Products", "/admin/products")),
)


class PlainPermalinks:
    """Sites with plain permalinks have their API at `/?rest_route=/wc/v3/…`; both ways lead to the same views."""

    def __init__(self, app: Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        route = parse_qs(environ.get("QUERY_STRING", "")).get("rest_route")
        if route and environ.get("PATH_INFO") in ("/", "/index.php"):
            environ["woocommerce.path"] = environ["PATH_INFO"]
            environ["PATH_INFO"] = f"/wp-json/{route[0].strip('/')}"
        return self._app(environ, start_response)


def create_app(
    state: SandboxState, *, consumer_key: str = CONSUMER_KEY, consumer_secret: str = CONSUMER_SECRET, **options: Any
) -> Flask:
    """The sandbox of one shop. `options` are those of `create_sandbox`: webhook_url (all webhooks go there, besides
    those that were subscribed), secret (that these are signed with), requests_per_minute (of the host). Webhooks are
    never tried again, whatever `webhook_retries` says. State settings: `permissions` of the key (read_write),
    `user_role` of its user (administrator), `timezone` of the shop (Europe/Amsterdam)."""
    sandbox_index.prepare(state)
    state.set_setting("consumer_key", consumer_key)
    state.set_setting("consumer_secret", consumer_secret)
    app = create_sandbox(PROFILE, state, import_name="adapters.woocommerce", **options)
    box = sandbox(app)
    box.courier = HookCourier(
        state, box.faults, secret=box.courier.secret, no_rights=lambda: box.switch("hooks_without_rights"),
        own_url=lambda: box.webhook_url,
    )  # fmt: skip
    prepare(app)
    app.register_blueprint(api)
    app.register_blueprint(pages)
    app.wsgi_app = PlainPermalinks(app.wsgi_app)  # type: ignore[method-assign]
    return app


def connection_credentials() -> dict[str, str]:
    """Credentials that work for a sandbox with the default key."""
    return {"consumer_key": CONSUMER_KEY, "consumer_secret": CONSUMER_SECRET, "webhook_secret": DEFAULT_SECRET}


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--consumer-key", default=CONSUMER_KEY, help="key that the API accepts (default %(default)s)")
    parser.add_argument("--consumer-secret", default=CONSUMER_SECRET, help="its secret (default %(default)s)")


def _create(state: SandboxState, arguments: argparse.Namespace) -> Flask:
    if not state.all("product"):
        seed(state, **DEMO)
    return create_app(
        state, consumer_key=arguments.consumer_key, consumer_secret=arguments.consumer_secret,
        webhook_url=arguments.webhook_url, secret=arguments.secret, requests_per_minute=arguments.requests_per_minute,
    )  # fmt: skip


if __name__ == "__main__":
    main(_create, description=__doc__ or "", default_port=DEFAULT_PORT, seed=seed, extra=_arguments)
