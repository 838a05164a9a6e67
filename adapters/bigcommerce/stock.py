"""Tells the shop how many it may sell, in one number or per location.

Always absolute: a repeated write has the effect of one, and a new article or location takes no relative one. Writes are
asynchronous over there: a read may still show the old number, so a write is left out only when the shop shows the number
*and* it is the one we wrote last. Source: vendor OpenAPI inventory.v3.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.base import Refused, Result
from adapters.bigcommerce.catalogue import variants_of
from adapters.bigcommerce.client import number_id
from adapters.bigcommerce.progress import units
from adapters.bigcommerce.settings import setting
from adapters.bigcommerce.work import Work
from adapters.fields import objects

MOST_ITEMS = 2000
"""The most that one adjustment holds."""


def set_stock(work: Work) -> Result:
    """One number for the whole shop: what its only location, or the one in the settings, has."""
    wanted = _units(work.call.payload.get("quantity"))
    return _set(work, {_only_location(work): wanted}, [])


def set_outlet_stock(work: Work) -> Result:
    """A number for each linked outlet; others are skipped and named."""
    levels, skipped = dict[int, int](), list[str]()
    for level in objects(work.call.payload, "levels"):
        outlet = str(level.get("outlet") or "")
        location = work.memory.external("outlet", outlet)
        if location is None:
            skipped.append(outlet)
        else:
            levels[number_id(location)] = _units(level.get("quantity"))
    if not levels:
        raise Refused(
            f"None of the outlets ({', '.join(skipped) or 'none given'}) is linked to a location of the shop: link them on the "
            "connection's page."
        )
    return _set(work, levels, skipped)


def _set(work: Work, levels: Mapping[int, int], skipped: list[str]) -> Result:
    sku = work.text("sku")
    external_id, present = _find(work, sku)
    last = work.memory.get(_written(external_id))
    before: Mapping[str, Any] = last if isinstance(last, Mapping) else {}
    changed = {
        location: wanted
        for location, wanted in sorted(levels.items())
        if present.get(location) != wanted or before.get(str(location)) != wanted
    }
    left_out = f" Not linked: {', '.join(skipped)}." if skipped else ""
    if not changed:
        return Result(f"The shop already has these numbers of {sku}.{left_out}", did_nothing=True)
    items = [{"location_id": location, "sku": sku, "quantity": wanted} for location, wanted in changed.items()]
    # Forgotten first: should the answer get lost, nobody may take the old number for the last one written.
    work.memory.put(_written(external_id), {name: count for name, count in before.items() if int(name) not in changed})
    for start in range(0, len(items), MOST_ITEMS):
        work.client.write(
            "PUT",
            "v3/inventory/adjustments/absolute",
            {"reason": "Stock of the outlets", "items": items[start : start + MOST_ITEMS]},
        )
    work.memory.put(
        _written(external_id), {**before, **{str(location): wanted for location, wanted in changed.items()}}
    )
    said = ", ".join(f"{wanted} at location {location}" for location, wanted in changed.items())
    return Result(f"Set the stock of {sku} in the shop to {said}.{left_out}")


def _find(work: Work, sku: str) -> tuple[str, dict[int, int]]:
    """Where a sku lives and what it has on hand at each location: the variant we remember, or else a search."""
    remembered = work.memory.external("product", sku)
    if remembered and remembered.partition("/")[0].isdigit():
        found = _stock_of(work, remembered, sku)
        if found is not None:
            return remembered, found
    for external_id in _search(work, sku):
        found = _stock_of(work, external_id, sku)
        if found is not None:
            if external_id != remembered:
                work.memory.bind("product", sku, external_id)
            return external_id, found
        raise Refused(f"The shop does not count the stock of {sku}: switch on Track inventory for it there.")
    raise Refused(f"The shop has no product with sku {sku}: add it there, or correct the sku.")


def _search(work: Work, sku: str) -> list[str]:
    """Variants with exactly this sku, as `product/variant`. A product without options may keep the sku itself."""
    found = [
        f"{each.get('product_id')}/{each.get('id')}" for each in work.client.v3_all("catalog/variants", sku=sku) if each.get("sku") == sku
    ]  # fmt: skip
    if found:
        return found
    products = work.client.v3_all("catalog/products", sku=sku, include="variants")
    return [external_id for product in products for each, external_id, _ in variants_of(product) if each == sku]


def _stock_of(work: Work, external_id: str, sku: str) -> dict[int, int] | None:
    """On hand by location; None when the variant is gone, not counted, or goes by another sku now."""
    product_id, _, variant_id = external_id.partition("/")
    rows = work.client.v3_all("inventory/items", **{"product_id:in": product_id})
    for row in rows:
        identity = row.get("identity")
        if (
            isinstance(identity, Mapping)
            and str(identity.get("variant_id")) == variant_id
            and identity.get("sku") == sku
        ):
            return {
                units(each.get("location_id")): units(each.get("total_inventory_onhand"))
                for each in objects(row, "locations")
            }
    return None


def _only_location(work: Work) -> int:
    """The location that a single number goes to. Raises Refused when there are several to choose from."""
    chosen = setting(work.connection, "stock_location")
    if chosen:
        return number_id(chosen)
    active = list(work.client.v3_all("inventory/locations", is_active="true"))
    if len(active) != 1:
        raise Refused(
            f"The shop counts stock at {len(active)} locations, so one number says too little: link the outlets to its "
            "locations, or name the location that takes the number in the connection setting stock_location."
        )
    return number_id(active[0].get("id"))


def _written(external_id: str) -> str:
    return f"stock.written:{external_id}"


def _units(value: Any) -> int:
    """A whole number of units. A location cannot have less than none, so below zero becomes zero."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refused(f"Stock is a whole number, not {value!r}.")
    return max(value, 0)
