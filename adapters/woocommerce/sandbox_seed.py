"""Fills a sandbox shop with products and shipping methods."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from adapters.sandbox import SandboxState

DEMO: dict[str, Any] = {
    "products": [
        {"sku": "MOK-ROOD", "name": "Mok rood", "price": "12.50", "quantity": 12},
        {"sku": "KAN-01", "name": "Theekan", "price": "25.00", "quantity": 5},
        {"sku": "SHIRT", "name": "T-shirt", "price": "19.95", "quantity": None, "variations": [
            {"sku": "SHIRT-M", "quantity": 8, "options": {"Size": "M"}},
            {"sku": "SHIRT-L", "quantity": 3, "options": {"Size": "L"}},
        ]},
        {"sku": "BON-25", "name": "Cadeaubon", "price": "25.00", "tax_rate": 0, "quantity": None, "virtual": True},
    ],
    "shipping_methods": [
        {"id": "post", "title": "Bezorgen", "price": "4.95"},
        {"id": "ophalen", "title": "Ophalen in de winkel", "pickup": True},
    ],
}  # fmt: skip
"""What a sandbox started by hand without a seed file sells."""


def seed(
    state: SandboxState,
    products: Sequence[Mapping[str, Any]] = (),
    shipping_methods: Sequence[Mapping[str, Any]] = (),
    *,
    store_name: str = "Sandbox shop",
    currency: str = "EUR",
    prices_include_tax: bool = True,
    custom_statuses: Mapping[str, str] | None = None,
) -> None:
    """Fill a shop.

    Products: `{"sku", "name", "price": "12.50", "quantity": 4 (None: not counted), "tax_rate"? (21), "virtual"? (false),
    "parts"? ({sku: units}, makes a bundle), "variations"?: [{"sku", "quantity" (None: its parent counts), "options":
    {"Size": "L"}, "price"?}]}`. Shipping methods: `{"id", "title", "price"? (with tax), "pickup"? (false),
    "address"?, "blocks"? (false: pickup as the classic checkout has it)}`. `custom_statuses` are the shop's own: slug -> name.
    """
    with state.transaction():
        for name, value in (
            ("store_name", store_name), ("currency", currency), ("prices_include_tax", prices_include_tax),
            ("custom_statuses", dict(custom_statuses or {})),
        ):  # fmt: skip
            state.set_setting(name, value)
        for product in products:
            _add_product(state, product)
        for number, method in enumerate(shipping_methods, 1):
            _add_method(state, method, number)


def demo_seed(articles: Iterable[Any], outlets: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What `seed` takes, from articles and outlets in the shape of the demo's. WooCommerce has no outlets: stock is one
    number, and each outlet that offers pickup is a pickup location of the checkout."""
    products = [
        {
            "sku": each.sku, "name": each.name, "price": each.price, "tax_rate": each.tax_rate,
            "quantity": sum(each.stock.values()) if each.stock else None, "virtual": bool(getattr(each, "gift_card", False)),
            **({"parts": dict(each.parts)} if getattr(each, "parts", None) else {}),
        }
        for each in articles
    ]  # fmt: skip
    methods: list[dict[str, Any]] = [{"id": "post", "title": "Parcel post", "price": "4.95"}]
    methods += [
        {"id": f"pickup-{each['code']}", "title": each["name"], "pickup": True, "blocks": True, "address": each.get("postcode", "")}
        for each in outlets if each.get("offers_pickup")
    ]  # fmt: skip
    return {"products": products, "shipping_methods": methods, "store_name": "The Teahouse"}


def _add_product(state: SandboxState, given: Mapping[str, Any]) -> None:
    variations = given.get("variations") or ()
    parts = [{"id": _id_of(state, sku), "quantity": units} for sku, units in (given.get("parts") or {}).items()]
    kind = "variable" if variations else "bundle" if parts else "simple"
    parent = _document(state, given, kind, 0)
    parent |= {"variations": [], "parts": parts}
    for each in variations:
        document = _document(state, {**given, "quantity": None, **each}, "variation", parent["id"])
        document["manage_stock"] = True if each.get("quantity") is not None else "parent" if parent["manage_stock"] else False
        document["attributes"] = [
            {"id": 0, "name": name, "option": option} for name, option in (each.get("options") or {}).items()
        ]
        document["name"] = f"{given['name']} - {', '.join(o['option'] for o in document['attributes'])}"
        state.put("product", document["id"], document)
        parent["variations"].append(document["id"])
    state.put("product", parent["id"], parent)


def _document(state: SandboxState, given: Mapping[str, Any], kind: str, parent_id: int) -> dict[str, Any]:
    rate, now = str(given.get("tax_rate", 21)), int(state.now())
    _tax(state, rate)
    quantity = given.get("quantity")
    return {
        "id": state.next("post", 45), "type": kind, "parent_id": parent_id, "name": given["name"], "sku": given["sku"],
        "price": str(given["price"]), "tax_rate": rate, "virtual": bool(given.get("virtual")),
        "manage_stock": quantity is not None, "stock_quantity": quantity, "attributes": [], "created": now, "modified": now,
    }  # fmt: skip


def _id_of(state: SandboxState, sku: str) -> int:
    return next(int(each["id"]) for each in state.all("product") if each["sku"] == sku)


def _tax(state: SandboxState, percent: str) -> None:
    """A tax rate of the shop; goods without tax need none."""
    if float(percent) and all(float(each["rate"]) != float(percent) for each in state.all("tax")):
        id = state.next("tax")
        state.put("tax", id, {"id": id, "rate": float(percent)})


def _add_method(state: SandboxState, given: Mapping[str, Any], number: int) -> None:
    pickup = bool(given.get("pickup"))
    kind = ("pickup_location" if given.get("blocks") else "local_pickup") if pickup else "flat_rate"
    _tax(state, "21")
    state.put("shipping_method", given["id"], {
        "id": given["id"], "title": given["title"], "method_id": kind, "instance_id": str(number), "pickup": pickup,
        "price": str(given.get("price", "0")), "tax_rate": "21", "address": given.get("address", ""),
    })  # fmt: skip
