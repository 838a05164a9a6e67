"""The sandbox's inventory: what each location has on hand of each variant, and adjustments of it.

An article counts its stock by variant, by product, or not at all (`inventory_tracking`); a number that was never set is
undefined, so that the first adjustment of an article at a location has to be absolute.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from adapters.bigcommerce.sandbox_core import Shop, ShopError

CHANNEL = 1
MOST_ITEMS = 2000


def items(shop: Shop) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """(product, variant) of everything that is counted."""
    for product in shop.state.all("product"):
        if product["inventory_tracking"] != "none":
            yield from ((product, variant) for variant in product["variants"])


def find(shop: Shop, item: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The article an adjustment names. Raises ShopError in the vendor's words."""
    for product in shop.state.all("product"):
        for variant in product["variants"]:
            if "sku" in item and variant["sku"] == item["sku"]:
                return _counted(product, variant, f"sku {item['sku']}")
            if "variant_id" in item and variant["id"] == item["variant_id"]:
                if product["inventory_tracking"] == "product":
                    raise ShopError(
                        f"[Item with variant_id {variant['id']} is tracked by product, please update stock by product id]"
                    )
                return _counted(product, variant, f"variant_id {variant['id']}")
            if "product_id" in item and product["id"] == item["product_id"]:
                if product["inventory_tracking"] == "variant":
                    raise ShopError(
                        f"[Item with product_id {product['id']} is tracked by variant, please update stock by variant id]"
                    )
                return _counted(product, variant, f"product_id {product['id']}")
    raise ShopError("Items not found", errors={"items": "One of sku, product_id or variant_id must name an item"})


def _counted(product: dict[str, Any], variant: dict[str, Any], identity: str) -> tuple[dict[str, Any], dict[str, Any]]:
    if product["inventory_tracking"] == "none":
        raise ShopError(f"[Item with {identity} is not tracked]")
    return product, variant


def level(shop: Shop, location: int, variant: int) -> dict[str, Any] | None:
    """What a location has of a variant; None when it was never set."""
    return shop.state.get("level", f"{location}:{variant}")


def put_level(shop: Shop, location: int, variant: int, onhand: int, safety: int | None = None) -> None:
    """Set what a location has on hand, without telling of it."""
    before = level(shop, location, variant) or {"safety_stock": 0}
    shop.state.put("level", f"{location}:{variant}", {
        "location_id": location, "variant_id": variant, "onhand": onhand,
        "safety_stock": before["safety_stock"] if safety is None else safety,
    })  # fmt: skip


def available(shop: Shop, location: int, variant: int) -> int:
    """What can be sold: on hand minus safety stock."""
    found = level(shop, location, variant)
    return max(0, found["onhand"] - found["safety_stock"]) if found else 0


def total(shop: Shop, variant: int) -> int:
    """What can be sold over all open locations."""
    return sum(available(shop, place["id"], variant) for place in shop.state.all("location") if place["enabled"])


def adjust(shop: Shop, wanted: Any, *, relative: bool) -> str:
    """Take an adjustment: check it now, apply it a moment later. Returns the transaction's id."""
    if not isinstance(wanted, list) or not wanted or not all(isinstance(each, dict) for each in wanted):
        raise ShopError("JSON data is missing or invalid", errors={"items": "must not be empty"})
    if len(wanted) > MOST_ITEMS:
        raise ShopError("Too many items", 413)
    changes = []
    for item in wanted:
        product, variant = find(shop, item)
        location, quantity = _location(shop, item), item.get("quantity")
        if isinstance(quantity, bool) or not isinstance(quantity, int) or (quantity < 0 and not relative):
            raise ShopError(
                "Payload contains invalid fields", errors={"items.0.quantity": "must be a whole number of at least 0"}
            )
        if relative:
            _check_relative(shop, location, product, variant, item, quantity)
        changes.append({"location": location, "product": product["id"], "variant": variant["id"], "quantity": quantity})
    with shop.change():
        number = shop.state.next("stock_transaction")
        shop.state.count("stock_writes")
        shop.later("adjust", changes=changes, relative=relative)
    return f"9c1f5a3e6c0b4d{number:010x}"


def _check_relative(
    shop: Shop,
    location: int,
    product: Mapping[str, Any],
    variant: Mapping[str, Any],
    item: Mapping[str, Any],
    quantity: int,
) -> None:
    before = level(shop, location, variant["id"])
    if before is None:
        named = next(f"{name} {item[name]}" for name in ("sku", "variant_id", "product_id") if name in item)
        raise ShopError(f"Items with identity: [{named}] requires absolute adjustment before relative")
    if before["onhand"] + quantity < before["safety_stock"]:
        raise ShopError(
            f"Not enough stock of {variant['sku']} at location {location}", errors={"quantity": "below safety stock"}
        )


def _location(shop: Shop, item: Mapping[str, Any]) -> int:
    place = shop.state.get("location", str(item.get("location_id")))
    if place is None:
        raise ShopError("Location not found", errors={"items.0.location_id": "unknown location"})
    if not place["enabled"]:
        raise ShopError(f"Location {place['id']} is disabled")
    return int(place["id"])


def apply(shop: Shop, changes: list[Mapping[str, Any]], relative: bool) -> None:
    """The background part of an adjustment."""
    for each in changes:
        before = level(shop, each["location"], each["variant"])
        onhand = each["quantity"] + (before["onhand"] if before and relative else 0)
        put_level(shop, each["location"], each["variant"], onhand)
        tell(shop, each["product"], each["variant"], each["location"], "absolute", each["quantity"])


def take(shop: Shop, product: Mapping[str, Any], variant: int, quantity: int, location: int | None = None) -> None:
    """An order takes units (a negative number gives them back), from one location or from the default one first."""
    if product["inventory_tracking"] == "none" or not quantity:
        return
    places = [place["id"] for place in shop.state.all("location") if place["enabled"]]
    places.sort(key=lambda place: place != (location or default_location(shop)))
    if quantity > total(shop, variant) and not shop.box.switch("oversell"):
        raise ShopError(f"Only {total(shop, variant)} of {product['name']} are in stock.")
    left = quantity
    for place in places:
        part = min(left, available(shop, place, variant)) if left > 0 and place != places[-1] else left
        if part:
            put_level(shop, place, variant, (level(shop, place, variant) or {"onhand": 0})["onhand"] - part)
            tell(shop, product["id"], variant, place, "relative", -part)
        left -= part
        if left <= 0:
            return


def tell(shop: Shop, product: int, variant: int, location: int, method: str, value: int) -> None:
    """Callbacks of a change in stock."""
    by = "order/updated" if method == "relative" else "updated"
    inventory = {"product_id": product, "method": method, "value": value}
    shop.event(f"store/product/inventory/{by}", {"type": "product", "id": product, "inventory": inventory})
    shop.event(
        f"store/sku/inventory/{by}", {"type": "sku", "id": variant, "inventory": {**inventory, "variant_id": variant}}
    )
    shop.event(
        f"store/channel/{CHANNEL}/inventory/product/stock_changed",
        {"variant_id": variant, "product_id": product, "location_id": location},
    )


def default_location(shop: Shop) -> int:
    """The location that the storefront sells from."""
    return int(next((place["id"] for place in shop.state.all("location") if place["_default"]), 1))


def item_document(shop: Shop, product: Mapping[str, Any], variant: Mapping[str, Any]) -> dict[str, Any]:
    """One article as `GET /v3/inventory/items` gives it."""
    places = []
    for place in shop.state.all("location"):
        found = level(shop, place["id"], variant["id"]) or {"onhand": 0, "safety_stock": 0}
        places.append({
            "location_id": place["id"], "location_code": place["code"], "location_name": place["label"],
            "available_to_sell": max(0, found["onhand"] - found["safety_stock"]), "total_inventory_onhand": found["onhand"],
            "location_enabled": place["enabled"],
            "settings": {"safety_stock": found["safety_stock"], "is_in_stock": found["onhand"] > 0, "warning_level": 0, "bin_picking_number": ""},
        })  # fmt: skip
    return {
        "identity": {"sku": variant["sku"], "variant_id": variant["id"], "product_id": product["id"]},
        "locations": places,
    }
