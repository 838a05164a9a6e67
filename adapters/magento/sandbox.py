"""A local stand-in for a Magento 2 shop: `python -m adapters.magento.sandbox --help`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Flask

from adapters.magento import sandbox_index
from adapters.magento import sandbox_oauth as oauth
from adapters.magento.sandbox_api import api, error
from adapters.magento.sandbox_pages import pages
from adapters.magento.sandbox_seed import DEMO, seed
from adapters.magento.settings import SETTINGS
from adapters.magento.webhook import signature
from adapters.sandbox import Profile, SandboxState, create_sandbox, main
from adapters.sandbox.app import DEFAULT_SECRET

DEFAULT_PORT = 8806

PROFILE = Profile(
    name="magento",
    title="Magento 2",
    api_prefixes=("/rest/",),
    error=error,
    sign=lambda body, secret: {SETTINGS["webhook_header"][1]: signature(body, secret)},
    # Magento limits no integration: the limit is that of the web server in front of it.
    requests_per_minute=0,
    switches={
        "last_page_repeats": ("A page past the end is the last page again", True),
        "bearer_tokens": ("Access tokens alone are accepted", False),
        "hide_shipment_cause": ("Why a shipment could not be saved stands in the log only", False),
        "unknown_sku_is_refused": ("Stock of an unknown sku is refused instead of accepted", False),
        "input_limits": ("More than 300 things per page are refused", False),
        "backorders": ("Customers may order more than is in stock", False),
    },
    navigation=(("Shop", "/"), ("Orders", "/admin/orders"), ("Products", "/admin/products")),
)


def create_app(state: SandboxState, **options: Any) -> Flask:
    """The sandbox of one shop. `options` are those of `create_sandbox`: webhook_url (with one, the webhook module is
    installed), secret, webhook_retries, requests_per_minute. A permission can be taken away with the state setting
    `resources`."""
    sandbox_index.prepare(state)
    app = create_sandbox(PROFILE, state, import_name="adapters.magento", **options)
    app.register_blueprint(api)
    app.register_blueprint(pages)
    return app


def connection_credentials() -> dict[str, str]:
    """The keys that the sandbox accepts."""
    return {
        "consumer_key": oauth.CONSUMER_KEY,
        "consumer_secret": oauth.CONSUMER_SECRET,
        "access_token": oauth.ACCESS_TOKEN,
        "access_token_secret": oauth.ACCESS_TOKEN_SECRET,
        "webhook_secret": DEFAULT_SECRET,
    }


def demo_seed(articles: Sequence[Any], outlets: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What `seed` takes for a demo shop: articles with sku, name, price, tax_rate and stock per outlet, and perhaps
    `gift_card` and `parts`; outlets with code, name, offers_pickup and postcode, which become sources."""
    products = [
        {
            "sku": each.sku, "name": each.name, "price": each.price, "tax_rate": each.tax_rate, "stock": dict(each.stock),
            "parts": dict(getattr(each, "parts", {})),
            "type": "virtual" if getattr(each, "gift_card", False) else "bundle" if getattr(each, "parts", {}) else "simple",
        }
        for each in articles
    ]  # fmt: skip
    sources = [
        {"code": each["code"], "name": each["name"], "pickup": each.get("offers_pickup", False), "postcode": each.get("postcode", "")}
        for each in outlets
    ]
    return {"products": products, "sources": sources}


def _create(state: SandboxState, arguments: argparse.Namespace) -> Flask:
    if not state.all("product"):
        seed(state, **DEMO)
    return create_app(
        state, webhook_url=arguments.webhook_url, secret=arguments.secret, requests_per_minute=arguments.requests_per_minute
    )


if __name__ == "__main__":
    main(_create, description=__doc__ or "", default_port=DEFAULT_PORT, seed=seed)
