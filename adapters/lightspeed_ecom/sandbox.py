"""A local stand-in for a Lightspeed eCom (E-Series) shop: `python -m adapters.lightspeed_ecom.sandbox --help`."""

from __future__ import annotations

import argparse
import json
from typing import Any

from flask import Flask

from adapters.lightspeed_ecom.sandbox_api import api, error
from adapters.lightspeed_ecom.sandbox_pages import pages
from adapters.lightspeed_ecom.sandbox_seed import DEMO, name_statuses, seed
from adapters.lightspeed_ecom.webhook import SIGNATURE_HEADER, signature
from adapters.sandbox import Profile, SandboxState, create_sandbox, main

STORE_ID = 1003
TOKEN = "secret_sandbox"
DEFAULT_PORT = 8801


def sign(body: bytes, secret: str) -> dict[str, str]:
    """The vendor's signature: over `eventCreated.eventId`, not over the body."""
    event = json.loads(body)
    return {SIGNATURE_HEADER: signature(event["eventCreated"], event["eventId"], secret)}


PROFILE = Profile(
    name="lightspeed_ecom",
    title="Lightspeed eCom (E-Series)",
    api_prefixes=("/api/",),
    error=error,
    sign=sign,
    # The vendor's pages disagree on other 2xx; whoever answers 200 is right by all of them, so we insist on it.
    delivered=lambda status: status == 200,
    requests_per_minute=600,
    switches={
        "pos_linked": ("A Retail POS is linked: stock cannot be changed by hand in the admin", True),
        "api_refuses_stock": ("The API refuses stock writes while a POS is linked", False),
        "restock_on_cancel": ("Cancelling an order puts its goods back", True),
        "cancelled_is_final": ("A cancelled order can no longer be updated", True),
        "oversell": ("Customers may order more than is in stock", False),
    },
    navigation=(("Shop", "/"), ("Orders", "/admin/orders"), ("Products", "/admin/products")),
)


def create_app(state: SandboxState, *, store_id: int = STORE_ID, token: str = TOKEN, **options: Any) -> Flask:
    """The sandbox of one store. `options` are those of `create_sandbox`: webhook_url, secret (the app's client
    secret), webhook_retries, requests_per_minute. A scope can be taken away with the state setting `scopes`."""
    state.set_setting("store_id", store_id)
    state.set_setting("token", token)
    name_statuses(state)
    app = create_sandbox(PROFILE, state, import_name="adapters.lightspeed_ecom", **options)
    app.register_blueprint(api)
    app.register_blueprint(pages)
    return app


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--store-id", type=int, default=STORE_ID, help="store id in the API's paths (default %(default)s)"
    )
    parser.add_argument("--token", default=TOKEN, help="token that the API accepts (default %(default)s)")


def _create(state: SandboxState, arguments: argparse.Namespace) -> Flask:
    if not state.all("product"):
        seed(state, **DEMO)
    return create_app(
        state, store_id=arguments.store_id, token=arguments.token, webhook_url=arguments.webhook_url,
        secret=arguments.secret, requests_per_minute=arguments.requests_per_minute,
    )  # fmt: skip


if __name__ == "__main__":
    main(_create, description=__doc__ or "", default_port=DEFAULT_PORT, seed=seed, extra=_arguments)
