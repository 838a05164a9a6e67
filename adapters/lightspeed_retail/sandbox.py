"""A stand-in for Lightspeed Retail (X-Series): its API 2026-07, its webhooks, and the screens staff work on.

`python -m adapters.lightspeed_retail.sandbox` serves it; tests use `create_app` with `adapters.sandbox.running`. Ids of
seeded things follow from their names, so a demo connection can be written down beforehand (`connection_settings`).
"""

from __future__ import annotations

import time
import uuid
from argparse import Namespace
from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from flask import Flask

from adapters.lightspeed_retail import sandbox_hooks
from adapters.lightspeed_retail.sandbox_api import Limit, error, http_date
from adapters.lightspeed_retail.sandbox_books import Document, now
from adapters.lightspeed_retail.sandbox_directory import api
from adapters.lightspeed_retail.sandbox_pages import till_pages
from adapters.sandbox import Profile, SandboxState, create_sandbox, main
from adapters.sandbox.app import DEFAULT_SECRET

DEFAULT_PORT = 8802
CLIENT_ID = "wissel-demo"
ACCESS_TOKEN = "sandbox-access-token"
REFRESH_TOKEN = "sandbox-refresh-token"
SHIPPING_SKU = "SHIPPING"

SWITCHES = {
    "closes_when_fulfilled": ("A paid sale closes by itself when its last fulfilment is done", True),
    "steps_touch_sale": ("Picking and packing changes the sale too, and sends sale.update", True),
    "stock_at_fulfilment": (
        "Stock of online sales moves when they are fulfilled rather than when they are placed",
        False,
    ),
    "steps_set_quantities": ("Pick and pack set a quantity rather than adding to it", False),
    "same_id_conflicts": ("A second sale with the same id is refused (409) rather than replacing the first", True),
    "keeps_payment_ids": ("Payments keep the id their sender gave them", True),
    "signs_base64": ("Webhook signatures are written in base64 rather than hex", False),
    "signs_payload": ("Webhook signatures cover the payload only rather than the whole form", False),
}

NAVIGATION = (
    ("Fulfilments", "/"),
    ("Sales history", "/sales"),
    ("Sell", "/sell"),
    ("Stock", "/stock"),
    ("Customers", "/customers"),
)

_NAMESPACE = uuid.UUID("0d6f5f0e-6f0c-5f7b-8a55-6d1c2b9e4e10")


def seeded_id(kind: str, name: str) -> str:
    """The id that a seeded thing gets."""
    return str(uuid.uuid5(_NAMESPACE, f"{kind}:{name}"))


def create_app(
    state: SandboxState,
    *,
    webhook_url: str = "",
    secret: str = DEFAULT_SECRET,
    requests_per_minute: int | None = None,
    webhook_retries: tuple[float, ...] = (1.0, 3.0, 10.0, 30.0),
) -> Flask:
    """The sandbox's application over `state`. `secret` is the app's client secret: it signs webhooks and renews tokens.

    `requests_per_minute` replaces the real limit of 300 x registers + 50 requests in five minutes (0: no limit).
    """
    profile = Profile(
        name="lightspeed_retail",
        title="Lightspeed Retail",
        api_prefixes=("/api/",),
        error=error,
        sign=lambda body, secret: sandbox_hooks.sign(state, body, secret),
        retry_after=http_date,
        requests_per_minute=0,
        switches=SWITCHES,
        navigation=NAVIGATION,
    )
    app = create_sandbox(
        profile, state, import_name="adapters.lightspeed_retail", webhook_url=webhook_url, secret=secret,
        requests_per_minute=requests_per_minute, webhook_retries=webhook_retries,
    )  # fmt: skip
    if requests_per_minute is None:
        app.extensions["lightspeed_retail_limit"] = Limit()
    if not state.setting("client_id"):
        _set_credentials(state)
    state.set_setting("client_secret", secret)
    app.register_blueprint(api)
    app.register_blueprint(till_pages)
    if not state.all("tax"):
        _seed_basics(state)
    return app


def _set_credentials(state: SandboxState) -> None:
    values = {
        "client_id": CLIENT_ID,
        "access_token": ACCESS_TOKEN,
        "refresh_token": REFRESH_TOKEN,
        "authorization_code": "sandbox-code",
        "token_expires": int(time.time()) + 86400,
    }
    for name, value in values.items():
        state.set_setting(name, value)


def connection_credentials(secret: str = DEFAULT_SECRET) -> dict[str, str]:
    """What a connection to a fresh sandbox needs. When its token has expired, the refresh token makes a new one."""
    return {
        "access_token": ACCESS_TOKEN, "refresh_token": REFRESH_TOKEN, "client_id": CLIENT_ID, "client_secret": secret,
    }  # fmt: skip


def connection_settings(outlets: Mapping[str, str]) -> dict[str, Any]:
    """The settings of a connection to a seeded sandbox; `outlets` maps our outlet code to the seeded outlet's name."""
    return {
        "register_id": seeded_id("register", "Online"),
        "author_id": seeded_id("user", "wissel"),
        "outlets": {code: seeded_id("outlet", name) for code, name in outlets.items()},
        "shipping_product_sku": SHIPPING_SKU,
        "payment_type_default": "Online payment",
    }


def seed(
    state: SandboxState,
    outlets: Iterable[Mapping[str, Any]],
    products: Iterable[Mapping[str, Any]],
    stock: Mapping[str, Mapping[str, int]] | None = None,
) -> None:
    """Fill an empty sandbox.

    `outlets`: `{"name", "currency", "country", "city"}` (all but the name optional); the first one gets the register
    "Online". `products`: `{"sku", "name", "price" (tax included), "tax_rate"}`. `stock`: SKU -> outlet name -> level.
    """
    if not state.all("tax"):
        _seed_basics(state)
    for outlet in outlets:
        _seed_outlet(state, outlet)
    for product in products:
        _seed_product(state, product)
        for outlet in state.all("outlet"):
            level = (stock or {}).get(str(product["sku"]), {}).get(outlet["name"], 0)
            _seed_level(state, str(product["sku"]), outlet, level)


def _save(state: SandboxState, kind: str, document: Document) -> Document:
    document["version"] = state.next("version", start=1000)
    return state.put(kind, document["id"], document)


def _seed_basics(state: SandboxState) -> None:
    rates = {"No Tax": "0", "VAT 21%": "0.21", "VAT 9%": "0.09", "VAT 25%": "0.25", "VAT 12%": "0.12", "VAT 6%": "0.06"}
    for name, rate in rates.items():
        row = {"id": seeded_id("rate", name), "name": name, "rate": Decimal(rate), "display_name": name}
        _save(state, "tax", {"id": seeded_id("tax", name), "name": name, "display_name": name, "rates": [row],
                             "is_default": name == "VAT 21%", "deleted_at": None})  # fmt: skip
    types = ("Cash", "Credit Card", "Lightspeed Payments", "Mollie", "Bank deposit", "Online payment")
    for position, name in enumerate(types, start=1):
        _save(state, "payment_type", {"id": seeded_id("payment_type", name), "name": name, "type_id": position,
                                      "disabled": False, "internal": False, "deleted_at": None})  # fmt: skip
    for username, title, account in (
        ("wissel", "Wissel", "admin"),
        ("anna", "Anna de Wit", "cashier"),
        ("bram", "Bram Smit", "manager"),
    ):
        _save(state, "user", {"id": seeded_id("user", username), "username": username, "display_name": title,
                              "account_type": account, "restricted_outlet_ids": [], "is_primary_user": username == "wissel",
                              "created_at": now(), "updated_at": now(), "deleted_at": None})  # fmt: skip
    _save(state, "product", _product(SHIPPING_SKU, "Shipping", Decimal(0), Decimal(21), has_inventory=False))


def _seed_outlet(state: SandboxState, outlet: Mapping[str, Any]) -> None:
    name, first = str(outlet["name"]), not state.all("outlet")
    id = seeded_id("outlet", name)
    currency = str(outlet.get("currency", "EUR"))
    _save(state, "outlet", {
        "id": id, "name": name, "default_tax_id": seeded_id("tax", "VAT 21%"), "currency": currency,
        "currency_symbol": {"EUR": "€", "USD": "$", "GBP": "£"}.get(currency, currency), "display_prices": "inclusive",
        "time_zone": "Europe/Amsterdam", "attributes": [], "physical_city": outlet.get("city", name),
        "physical_country_id": outlet.get("country", "NL"), "deleted_at": None,
    })  # fmt: skip
    for register in ("Online", f"{name} till") if first else (f"{name} till",):
        _save(state, "register", {
            "id": seeded_id("register", register), "name": register, "outlet_id": id, "is_open": True,
            "invoice_prefix": f"{register[0].upper()}{name[:2].upper()}-", "invoice_suffix": "", "invoice_sequence": 1001,
            "deleted_at": None,
        })  # fmt: skip


def _seed_product(state: SandboxState, product: Mapping[str, Any]) -> None:
    rate = Decimal(str(product.get("tax_rate", "21")))
    document = _product(
        str(product["sku"]), str(product["name"]), Decimal(str(product["price"])), rate, has_inventory=True
    )
    _save(state, "product", document)


def _product(sku: str, name: str, price: Decimal, rate: Decimal, *, has_inventory: bool) -> Document:
    net = (price * 100 / (100 + rate)).quantize(Decimal("0.01"), ROUND_HALF_UP)
    tax_name = f"VAT {rate.normalize():f}%" if rate else "No Tax"
    return {
        "id": seeded_id("product", sku), "name": name, "variant_name": name, "handle": sku.lower(), "sku": sku,
        "active": True, "is_active": True, "has_inventory": has_inventory, "price_including_tax": price,
        "price_excluding_tax": net, "created_at": now(), "updated_at": now(), "deleted_at": None,
        "hidden": {"tax_id": seeded_id("tax", tax_name)},
    }  # fmt: skip


def _seed_level(state: SandboxState, sku: str, outlet: Document, level: int) -> None:
    product_id = seeded_id("product", sku)
    record = {
        "id": seeded_id("inventory", f"{sku}:{outlet['id']}"), "product_id": product_id, "outlet_id": outlet["id"],
        "current_inventory_level": level, "quantity_to_procure": 0, "average_cost": None, "reorder_method": None,
        "reorder_point": None, "reorder_amount": None, "reorder_target": None, "deleted_at": None,
        "version": state.next("version", start=1000),
    }  # fmt: skip
    state.put("inventory", f"{product_id}:{outlet['id']}", record)


DEMO_OUTLETS = ({"name": "Amsterdam"}, {"name": "Utrecht"})
DEMO_PRODUCTS = (
    {"sku": "MUG-BLUE", "name": "Mug, blue", "price": "12.50", "tax_rate": "21"},
    {"sku": "TEA-EARL", "name": "Earl Grey, 100 g", "price": "8.95", "tax_rate": "9"},
    {"sku": "POT-CAST", "name": "Cast iron teapot", "price": "49.00", "tax_rate": "21"},
)
DEMO_STOCK = {
    "MUG-BLUE": {"Amsterdam": 12, "Utrecht": 5},
    "TEA-EARL": {"Amsterdam": 30, "Utrecht": 18},
    "POT-CAST": {"Amsterdam": 0, "Utrecht": 3},
}


def seed_demo(state: SandboxState) -> None:
    """A small retailer with two outlets, for a look around."""
    seed(state, DEMO_OUTLETS, DEMO_PRODUCTS, DEMO_STOCK)


def _create(state: SandboxState, arguments: Namespace) -> Flask:
    app = create_app(
        state,
        webhook_url=arguments.webhook_url,
        secret=arguments.secret,
        requests_per_minute=arguments.requests_per_minute,
    )
    if not state.all("outlet"):
        seed_demo(state)
    return app


if __name__ == "__main__":
    main(_create, description=__doc__ or "", default_port=DEFAULT_PORT, seed=seed)
