"""How orders take stock in the sandbox: once per line, remembered in the line's `_reduced_stock`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from adapters.sandbox import SandboxState
from adapters.woocommerce.sandbox_errors import ShopError

if TYPE_CHECKING:
    from adapters.woocommerce.sandbox_shop import Shop

_TAKEN = "_reduced_stock"


def check(state: SandboxState, order: Mapping[str, Any]) -> None:
    """Refuse a checkout for more than there is."""
    for line in order["line_items"]:
        product = _counted(state, line)
        if product is not None and product["stock_quantity"] < line["quantity"]:
            raise ShopError(f"Only {product['stock_quantity']} of {product['name']} are in stock.")


def take(state: SandboxState, order: Mapping[str, Any], shop: Shop) -> list[int]:
    """Take the goods of every line that has not taken them. Gives the ids of the products changed."""
    return [id for line in order["line_items"] for id in follow(state, line, shop)]


def give_back(state: SandboxState, order: Mapping[str, Any], shop: Shop) -> list[int]:
    """Give back what was taken."""
    return [id for line in order["line_items"] for id in _change(state, line, 0, shop)]


def follow(state: SandboxState, line: dict[str, Any], shop: Shop) -> list[int]:
    """Make a line have taken as much as it is for."""
    return _change(state, line, max(line["quantity"], 0), shop)


def restock(
    state: SandboxState, order: Mapping[str, Any], lines: Iterable[Mapping[str, Any]], shop: Shop
) -> list[int]:
    """Put refunded units back, those with a quantity, as far as they were taken."""
    items = {item["id"]: item for item in order["line_items"]}
    changed = []
    for line in lines:
        item = items.get(line.get("id"))
        if item is not None and line.get("quantity"):
            changed += _change(state, item, max(_taken(item) - int(line["quantity"]), 0), shop)
    return changed


def _change(state: SandboxState, line: dict[str, Any], wanted: int, shop: Shop) -> list[int]:
    taken = _taken(line)
    product = _counted(state, line)
    if wanted == taken or product is None:
        return []
    product |= {"stock_quantity": product["stock_quantity"] - (wanted - taken), "modified": shop.now}
    state.put("product", product["id"], product)
    line["meta_data"] = [each for each in line["meta_data"] if each["key"] != _TAKEN]
    if wanted:
        line["meta_data"] += shop.meta({_TAKEN: str(wanted)})
    return [product["id"]]


def _taken(line: Mapping[str, Any]) -> int:
    return next((int(each["value"]) for each in line["meta_data"] if each["key"] == _TAKEN), 0)


def _counted(state: SandboxState, line: Mapping[str, Any]) -> dict[str, Any] | None:
    """The product whose stock a line takes: a variation's own, or its parent's where the parent counts."""
    product = state.get("product", line["variation_id"] or line["product_id"])
    if product is not None and product["manage_stock"] == "parent":
        product = state.get("product", product["parent_id"])
    return product if product is not None and product["manage_stock"] is True else None
