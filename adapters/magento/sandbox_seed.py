"""Fills a sandbox shop with articles, sources and the stock made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from adapters.magento.sandbox_stock import STOCK_ID, Stock
from adapters.sandbox import SandboxState

DEMO: dict[str, Any] = {
    "products": [
        {"sku": "MOK-ROOD", "name": "Mok rood", "price": "12.50", "stock": {"utrecht": 6, "amsterdam": 4}},
        {"sku": "KAN-01", "name": "Theekan", "price": "25.00", "stock": {"utrecht": 3, "amsterdam": 2}},
        {"sku": "SHIRT-M", "name": "T-shirt M", "price": "19.95", "stock": {"utrecht": 8}},
        {"sku": "SHIRT", "name": "T-shirt", "price": "19.95", "type": "configurable", "children": ["SHIRT-M"]},
        {"sku": "SET", "name": "Mok met kan", "price": "34.00", "type": "bundle", "parts": {"MOK-ROOD": 1, "KAN-01": 1}},
    ],
    "sources": [
        {"code": "utrecht", "name": "Winkel Utrecht", "city": "Utrecht", "pickup": True},
        {"code": "amsterdam", "name": "Winkel Amsterdam", "city": "Amsterdam", "pickup": True},
    ],
}  # fmt: skip
"""What a sandbox started by hand without a seed file sells."""

METHODS = (("flatrate_flatrate", "Flat Rate - Fixed", "4.95"), ("freeshipping_freeshipping", "Free Shipping", "0.00"))
PICKUP = ("instore_pickup", "In-Store Pickup Delivery")

_SHOP_STOCK = 2
_LONG_AGO = "2026-01-01 00:00:00"
_COUNTRY = "NL"


def seed(
    state: SandboxState,
    products: Sequence[Mapping[str, Any]] = (),
    sources: Sequence[Mapping[str, Any]] = (),
    *,
    store_name: str = "Main Website",
    currency: str = "EUR",
    shipping_price: str = METHODS[0][2],
) -> None:
    """Fill a shop.

    Products: `{"sku", "name", "price": "12.50" (with tax), "tax_rate"? (21), "type"?: "simple" | "virtual" | "bundle" |
    "configurable", "stock"?: {source: units}, "parts"?: {sku: units} (bundle), "separately"?: True (its parts are shipped one by
    one), "dynamic"?: True (its parts have the prices), "children"?: [sku] (configurable)}`. Sources: `{"code", "name", "city"?,
    "pickup"?, "enabled"?}`; without any, all stock lies in `default`. An article or source that is there already is replaced.
    """
    with state.transaction():
        for name, value in (("store_name", store_name), ("currency", currency), ("shipping_price", shipping_price)):
            state.set_setting(name, value)
        _put_source(state, {"code": "default", "name": "Default Source"}, STOCK_ID, 1)
        for priority, source in enumerate(sources, 1):
            _put_source(state, source, _SHOP_STOCK, priority)
        state.set_setting("stock_id", _SHOP_STOCK if sources else STOCK_ID)
        state.put("stock", STOCK_ID, _stock(STOCK_ID, "Default Stock", not sources))
        if sources:
            state.put("stock", _SHOP_STOCK, _stock(_SHOP_STOCK, "Shop stock", True))
        for product in products:
            put_product(state, product)


def _put_source(state: SandboxState, given: Mapping[str, Any], stock: int, priority: int) -> None:
    code = str(given["code"])
    state.put("source", code, {
        "source_code": code, "name": given["name"], "enabled": given.get("enabled", True), "country_id": given.get("country", _COUNTRY),
        "city": given.get("city") or given["name"], "street": "Dorpsstraat 1", "postcode": str(given.get("postcode") or "00000"),
        "use_default_carrier_config": True, "carrier_links": [],
        "extension_attributes": {
            "is_pickup_location_active": bool(given.get("pickup")), "frontend_name": given["name"], "frontend_description": "",
        },
    })  # fmt: skip
    state.put("stock_source_link", f"{stock}|{code}", {"stock_id": stock, "source_code": code, "priority": priority})


def _stock(stock_id: int, name: str, sells: bool) -> dict[str, Any]:
    channels = [{"type": "website", "code": "base"}] if sells else []
    return {"stock_id": stock_id, "name": name, "extension_attributes": {"sales_channels": channels}}


def put_product(state: SandboxState, given: Mapping[str, Any]) -> None:
    """Add or replace one article; see `seed`."""
    kind = str(given.get("type", "simple"))
    known = next((each for each in state.all("product") if each["sku"].lower() == given["sku"].lower()), None)
    attributes = {"tax_class_id": "2", "url_key": str(given["sku"]).lower()}
    if kind == "bundle":
        attributes |= {"shipment_type": "1" if given.get("separately") else "0", "price_type": "0" if given.get("dynamic") else "1"}
    product_id = known["id"] if known else state.next("product", 501)
    state.put("product", product_id, {
        "id": product_id, "sku": given["sku"], "name": given["name"], "attribute_set_id": 4, "price": Decimal(str(given["price"])),
        "status": 1, "visibility": 4, "type_id": kind, "created_at": _LONG_AGO, "updated_at": _LONG_AGO,
        "extension_attributes": {"website_ids": [1]}, "product_links": [], "options": [], "media_gallery_entries": [],
        "tier_prices": [],
        "custom_attributes": [{"attribute_code": code, "value": value} for code, value in attributes.items()],
        "_tax_rate": Decimal(str(given.get("tax_rate", 21))), "_parts": dict(given.get("parts", {})),
        "_children": list(given.get("children", ())),
    })  # fmt: skip
    for source, units in given.get("stock", {}).items():
        Stock(state).save(str(given["sku"]), source, Decimal(units), 1 if units > 0 else 0)
