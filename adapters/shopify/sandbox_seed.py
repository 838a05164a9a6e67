"""Fills a sandbox shop with locations and articles."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from adapters.sandbox import SandboxState
from adapters.shopify.sandbox_book import Row

DOMAIN = "sandbox-shop.myshopify.com"

DEMO: dict[str, Any] = {
    "locations": [
        {"code": "amsterdam", "name": "Amsterdam store", "city": "Amsterdam", "pickup": True},
        {"code": "utrecht", "name": "Utrecht store", "city": "Utrecht", "pickup": True},
    ],
    "products": [
        {"sku": "MOK-ROOD", "name": "Mok rood", "price": "12.50", "stock": {"amsterdam": 8, "utrecht": 4}},
        {"sku": "KAN-01", "name": "Theekan", "price": "25.00", "stock": {"amsterdam": 2, "utrecht": 3}},
        {"sku": "BON-25", "name": "Cadeaubon 25", "price": "25.00", "tax_rate": 0, "gift_card": True},
        {"sku": "SET-THEE", "name": "Mok met kan", "price": "35.00", "parts": {"MOK-ROOD": 1, "KAN-01": 1}},
    ],
}
"""What a sandbox started by hand without a seed file sells."""


def seed(
    state: SandboxState,
    products: Sequence[Mapping[str, Any]] = (),
    locations: Sequence[Mapping[str, Any]] = (),
    *,
    shop_name: str = "Sandbox shop",
    domain: str = DOMAIN,
    currency: str = "EUR",
    prices_include_tax: bool = True,
) -> None:
    """Fill a shop.

    Locations: `{"code", "name", "city"?, "pickup"? (False), "ships"? (True), "active"? (True), "id"?}`. Products:
    `{"sku", "name", "price", "tax_rate"? (21), "stock": {location code: units}, "gift_card"? (False), "digital"? (False),
    "parts"? {sku: units}, "variants"? [{"sku", "title", "price"?, "stock"}]}`; a product is stocked at every location
    that its stock names. What is there already (same code or sku) is left as it is.
    """
    with state.transaction():
        for name, value in (
            ("shop_name", shop_name), ("domain", domain), ("currency", currency), ("prices_include_tax", prices_include_tax),
        ):  # fmt: skip
            state.set_setting(name, value)
        now = int(state.now())
        for each in locations:
            _location(state, each, now)
        codes = {row["code"]: row["id"] for row in state.all("location")}
        known = {variant["sku"] for row in state.all("product") for variant in row["variants"]}
        for each in products:
            if each["sku"] not in known:
                _product(state, each, codes, now)


def _location(state: SandboxState, given: Mapping[str, Any], now: int) -> None:
    if any(row["code"] == given["code"] for row in state.all("location")):
        return
    number = int(given.get("id") or state.next("location", 101))
    state.put("location", number, {
        "id": number, "code": given["code"], "name": given["name"], "city": given.get("city", given["name"]),
        "address1": "Dorpsstraat 1", "zip": given.get("postcode", "1000 AA"), "country": given.get("country", "NL"),
        "active": given.get("active", True), "ships": given.get("ships", True), "pickup": given.get("pickup", False),
        "created": now,
    })  # fmt: skip


def _product(state: SandboxState, given: Mapping[str, Any], codes: Mapping[str, int], now: int) -> None:
    number = state.next("product", 501)
    wanted = given.get("variants") or [{"sku": given["sku"], "title": None, "stock": given.get("stock", {})}]
    variants: list[Row] = []
    for each in wanted:
        variant = _variant(state, given, each, now)
        variants.append(variant)
        state.put("variant", variant["id"], {"product": number})
        state.put("item", variant["item"], {"product": number})
        for code, units in each.get("stock", {}).items():
            if variant["tracked"] and code in codes:
                state.put("level", f"{variant['item']}:{codes[code]}", {
                    "item": variant["item"], "location": codes[code], "available": int(units), "committed": 0,
                    "updated": now, "created": now,
                })  # fmt: skip
    state.put("product", number, {
        "id": number, "title": given["name"], "handle": re.sub("[^a-z0-9]+", "-", given["name"].lower()).strip("-"),
        "gift_card": given.get("gift_card", False), "created": now, "updated": now, "variants": variants,
    })  # fmt: skip


def _variant(state: SandboxState, given: Mapping[str, Any], each: Mapping[str, Any], now: int) -> Row:
    counted = not (given.get("gift_card") or given.get("digital") or given.get("parts"))
    return {
        "id": state.next("variant", 4401), "item": state.next("item", 5501), "sku": each["sku"], "title": each.get("title"),
        "price": Decimal(str(each.get("price", given["price"]))), "tax_rate": Decimal(str(given.get("tax_rate", 21))),
        "tracked": counted, "requires_shipping": not (given.get("gift_card") or given.get("digital")),
        "parts": dict(given.get("parts") or {}) or None, "updated": now,
    }  # fmt: skip


def demo_seed(articles: Sequence[Any], outlets: Sequence[Mapping[str, Any]], **shop: Any) -> dict[str, Any]:
    """The arguments of `seed` for articles and outlets like those of the demo: an article has `sku`, `name`, `price` with
    tax, `tax_rate` and `stock` (outlet code -> units), and may have `gift_card` and `parts`."""
    return {
        "locations": [
            {"code": each["code"], "name": each["name"], "postcode": each.get("postcode", "1000 AA"),
             "pickup": bool(each.get("offers_pickup"))}
            for each in outlets
        ],
        "products": [
            {"sku": each.sku, "name": each.name, "price": each.price, "tax_rate": each.tax_rate,
             "stock": dict(each.stock), "gift_card": getattr(each, "gift_card", False),
             "parts": dict(getattr(each, "parts", None) or {})}
            for each in articles
        ],
        **shop,
    }  # fmt: skip
