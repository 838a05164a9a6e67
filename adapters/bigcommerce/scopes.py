"""OAuth scopes: which ones we need, what for, and what to tell an admin whose API account lacks one.

Source: vendor documentation, docs/start/authentication/api-accounts.mdx.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

ORDERS, TRANSACTIONS = "store_v2_orders", "store_v2_transactions_read_only"
PRODUCTS, CUSTOMERS = "store_v2_products_read_only", "store_v2_customers_read_only"
INFORMATION, INVENTORY = "store_v2_information_read_only", "store_inventory"
LOCATIONS, FULFILMENT = "store_locations_read_only", "store_order_fulfillment_manage"

SCOPES: Mapping[str, str] = {
    INFORMATION: "Information & settings: read-only",
    ORDERS: "Orders: modify",
    TRANSACTIONS: "Order transactions: read-only",
    FULFILMENT: "Order fulfillment: modify",
    PRODUCTS: "Products: read-only",
    INVENTORY: "Store inventory: modify",
    LOCATIONS: "Store locations: read-only",
    CUSTOMERS: "Customers: read-only",
}
"""Every scope the adapter uses -> how the page that grants it calls it."""

_PATHS = (
    ("v2/store", INFORMATION),
    ("v3/orders/pickups", FULFILMENT),
    ("v3/inventory/locations", LOCATIONS),
    ("v3/inventory", INVENTORY),
    ("v3/catalog", PRODUCTS),
    ("v3/customers", CUSTOMERS),
    ("v2/order", ORDERS),
    ("v3/orders", ORDERS),
)


def scope_for(path: str) -> str:
    """The scope that a path needs; empty for what every account may do (webhooks)."""
    if path.endswith("/transactions"):
        return TRANSACTIONS
    return next((scope for start, scope in _PATHS if path.startswith(start)), "")


def what_to_grant(missing: Iterable[str]) -> str:
    """What an admin has to do about missing scopes: they are fixed when an API account is made, so that an existing
    connection has to be reconnected."""
    named = "; ".join(f"{SCOPES[scope]} ({scope})" for scope in missing)
    return (
        f"The API account lacks: {named}. The scopes of an API account are fixed when it is made, so this connection has to "
        "be reconnected: make a new account with all of our scopes (BigCommerce: Settings > Store-level API accounts) and "
        "enter its access token here. If the token belongs to an app from the marketplace, update the app with these scopes "
        "and have the shop's owner authorise it again."
    )
