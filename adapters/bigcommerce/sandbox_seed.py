"""Fills a sandbox shop with locations, products, shipping methods and pickup methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from adapters.bigcommerce.sandbox_core import iso
from adapters.sandbox import SandboxState

DEMO: dict[str, Any] = {
    "locations": [{"code": "main", "label": "Main warehouse", "city": "Almere"}, {"code": "centrum", "label": "Centrum store", "city": "Utrecht", "pickup": True}],
    "products": [
        {"sku": "MOK-ROOD", "name": "Mok rood", "price": "12.50", "stock": {"main": 12, "centrum": 3}},
        {"sku": "KAN-01", "name": "Theekan", "price": "25.00", "stock": {"main": 5}},
        {"name": "T-shirt", "price": "19.95", "variants": [
            {"sku": "SHIRT-M", "options": {"Size": "M"}, "stock": {"main": 8}}, {"sku": "SHIRT-L", "options": {"Size": "L"}, "stock": {"main": 3}},
        ]},
    ],
    "shipping_methods": [{"id": "post", "name": "Bezorgen", "price": "4.95"}],
}  # fmt: skip
"""What a sandbox started by hand without a seed file sells."""


def seed(
    state: SandboxState,
    locations: Sequence[Mapping[str, Any]] = (),
    products: Sequence[Mapping[str, Any]] = (),
    shipping_methods: Sequence[Mapping[str, Any]] = (),
    *,
    store_name: str = "Sandbox shop",
    currency: str = "EUR",
) -> None:
    """Fill a shop.

    Locations: `{"code", "label", "city"?, "country"?, "postcode"?, "pickup"?: True}`; the first is the default one, a
    pickup makes a pickup method there. Products: `{"sku", "name", "price": "12.50" (tax included), "tax_rate"? (21),
    "stock"?: {location code: units}, "tracking"?: "product" | "variant" | "none", "kind"?: "physical" | "digital" |
    "giftcertificate", "parts"?: {sku: units}, "variants"?: [{"sku", "options": {"Size": "L"}, "price"?, "stock"?}]}`.
    Shipping methods: `{"id", "name", "price"}`.
    """
    with state.transaction():
        state.set_setting("store_name", store_name)
        state.set_setting("currency", currency)
        ids = {str(each["code"]): _location(state, each) for each in locations}
        for each in products:
            _product(state, each, ids)
        for each in shipping_methods:
            state.put(
                "shipping_method",
                each["id"],
                {"id": each["id"], "name": each["name"], "price": str(each.get("price", "0"))},
            )


def _location(state: SandboxState, given: Mapping[str, Any]) -> int:
    number, now = state.next("location", 1), iso(state.now())
    state.put("location", number, {
        "id": number, "code": given["code"], "label": given["label"], "description": "", "type_id": "PHYSICAL", "enabled": True,
        "managed_by_external_source": False, "storefront_visibility": bool(given.get("pickup")), "time_zone": "Europe/Amsterdam",
        "address": {
            "address1": given.get("street", "Dorpsstraat 1"), "address2": "", "city": given.get("city", given["label"]), "state": "",
            "zip": given.get("postcode", ""), "country_code": given.get("country", "NL"), "email": "shop@example.org", "phone": "",
            "geo_coordinates": {"latitude": 52.1, "longitude": 5.1},
        },
        "operating_hours": {
            day: {"open": True, "opening": "09:00", "closing": "18:00"}
            for day in ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
        },
        "special_hours": [], "created_at": now, "updated_at": now, "_default": number == 1,
    })  # fmt: skip
    if given.get("pickup"):
        method = state.next("pickup_method", 1)
        state.put("pickup_method", method, {
            "id": method, "location_id": number, "display_name": f"Pick up: {given['label']}", "location_identity": number,
            "collection_instructions": "Bring your order number.", "collection_time_description": "Monday to Sunday, 9 to 18",
            "date_created": now, "date_modified": now,
        })  # fmt: skip
    return number


def _product(state: SandboxState, given: Mapping[str, Any], locations: Mapping[str, int]) -> None:
    number, now = state.next("product", 77), iso(state.now())
    kind, parts = str(given.get("kind", "physical")), dict(given.get("parts") or {})
    variants = list(given.get("variants") or [{"sku": given["sku"], "stock": given.get("stock", {}), "options": {}}])
    tracking = "none" if kind != "physical" or parts else "variant" if given.get("variants") else "product"
    document = {
        "id": number, "name": given["name"], "sku": "" if given.get("variants") else given["sku"], "type": "digital" if kind == "digital" else "physical",
        "price": Decimal(str(given["price"])), "inventory_tracking": given.get("tracking", tracking), "is_visible": True,
        "date_created": now, "date_modified": now, "base_variant_id": None, "_kind": kind, "_tax_rate": str(given.get("tax_rate", 21)),
        "_parts": parts, "variants": [],
    }  # fmt: skip
    for each in variants:
        variant = state.next("variant", 81)
        document["variants"].append({
            "id": variant, "sku": each["sku"], "sku_id": None if not each.get("options") else variant,
            "price": Decimal(str(each["price"])) if "price" in each else None,
            "option_values": [
                {"id": 100 + variant, "label": value, "option_id": 10, "option_display_name": name}
                for name, value in (each.get("options") or {}).items()
            ],
        })  # fmt: skip
        for code, units in (each.get("stock") or {}).items():
            state.put("level", f"{locations[code]}:{variant}", {
                "location_id": locations[code], "variant_id": variant, "onhand": int(units), "safety_stock": int(given.get("safety_stock", 0)),
            })  # fmt: skip
    state.put("product", number, document)
