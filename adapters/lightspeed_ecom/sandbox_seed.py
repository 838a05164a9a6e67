"""Fills a sandbox shop with products and shipping methods, and names its statuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from adapters.lightspeed_ecom.sandbox_shop import FULFILMENT_STATUSES, PAYMENT_STATUSES, now_fields, updated_fields
from adapters.sandbox import SandboxState

DEMO: dict[str, Any] = {
    "products": [
        {"sku": "MOK-ROOD", "name": "Mok rood", "price": "12.50", "quantity": 12},
        {"sku": "KAN-01", "name": "Theekan", "price": "25.00", "quantity": 5},
        {"sku": "SHIRT", "name": "T-shirt", "price": "19.95", "quantity": None, "variations": [
            {"sku": "SHIRT-M", "quantity": 8, "options": {"Size": "M"}},
            {"sku": "SHIRT-L", "quantity": 3, "options": {"Size": "L"}},
        ]},
    ],
    "shipping_methods": [
        {"title": "Bezorgen", "type": "shipping", "price": "4.95"},
        {"title": "Ophalen in de winkel", "type": "pickup"},
        {"title": "Fietskoerier", "type": "delivery", "price": "7.50"},
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
) -> None:
    """Fill a shop.

    Products: `{"sku", "name", "price": "12.50", "quantity": 4 (None: unlimited), "id"?, "tax_rate"? (21),
    "variations"?: [{"sku", "quantity", "options": {"Size": "L"}, "price"?, "id"?}]}`. Shipping methods: `{"title",
    "type": "shipping" | "pickup" | "delivery", "price"?, "location_id"?, "id"?}`. A product or method that is there
    already (same id) is replaced.
    """
    with state.transaction():
        for name, value in (
            ("store_name", store_name),
            ("currency", currency),
            ("prices_include_tax", prices_include_tax),
        ):
            state.set_setting(name, value)
        for product in products:
            document = _product(state, product)
            state.put("product", document["id"], document)
        for method in shipping_methods:
            id = str(method.get("id") or f"{state.next('shipping_option')}-1700000000000")
            state.put("shipping_option", id, {
                "id": id, "title": method["title"], "fulfilmentType": method["type"], "enabled": True,
                "locationId": method.get("location_id"), "ratesCalculationType": "flat",
                "flatRate": {"rateType": "ABSOLUTE", "rate": Decimal(str(method.get("price", 0)))},
            })  # fmt: skip


def _product(state: SandboxState, given: Mapping[str, Any]) -> dict[str, Any]:
    document = {
        "id": int(given.get("id") or state.next("product", 501)), "sku": given["sku"], "name": given["name"],
        "price": Decimal(str(given["price"])), "enabled": True,
        "tax": {"taxable": True, "defaultLocationIncludedTaxRate": Decimal(str(given.get("tax_rate", 21)))},
        **_stock(given.get("quantity")), "created": now_fields(state, "x")["xDate"], "createTimestamp": now_fields(state, "x")["xTimestamp"],
        **updated_fields(state),
    }  # fmt: skip
    variations = [
        {
            "id": int(each.get("id") or state.next("combination", 7001)), "combinationNumber": number, "sku": each["sku"],
            "options": [{"name": name, "value": value} for name, value in each.get("options", {}).items()],
            **_stock(each.get("quantity")), **({"price": Decimal(str(each["price"]))} if "price" in each else {}),
        }
        for number, each in enumerate(given.get("variations", ()), 1)
    ]  # fmt: skip
    return document | ({"combinations": variations} if variations else {})


def _stock(quantity: int | None) -> dict[str, Any]:
    if quantity is None:
        return {"unlimited": True, "inStock": True}
    return {"quantity": quantity, "unlimited": False, "inStock": quantity > 0}


def name_statuses(state: SandboxState) -> None:
    """The shop's names for its statuses, as `GET /profile/order_statuses` gives them."""
    for kind, words in (("PAYMENT_STATUS", PAYMENT_STATUSES), ("FULFILLMENT_STATUS", FULFILMENT_STATUSES)):
        for word in words:
            if state.get("order_status", word) is None:
                state.put("order_status", word, {
                    "statusId": word, "orderStatusType": kind, "defaultStatus": word in ("AWAITING_PAYMENT", "AWAITING_PROCESSING"),
                    "enabled": True, "name": word.replace("_", " ").capitalize(),
                    "sendNotificationWhenStatusIsAssigned": not word.startswith("CUSTOM_"),
                })  # fmt: skip
