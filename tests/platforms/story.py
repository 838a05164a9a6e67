"""One order's life on any platform: placed, paid, split over two outlets, sent from the till, told back to the shop."""

from __future__ import annotations

from typing import Any

from tests.platforms.house import NAMES, PlatformHouse

TRACKING = "3STEST0000042"


def live(house: PlatformHouse) -> str:
    """Let an order live, with the house at rest after every step. Returns its external id."""
    later = "place_unpaid" not in house.shop.lacks
    external = house.shop.place({"CUP": 1, "SAUCER": 2}, paid=not later)
    house.rest()
    if later:
        house.shop.pay(external)
        house.rest()
    (ours,) = house.orders(external)
    house.till.step(ours, "pack")
    house.till.step(ours, "done", NAMES["amsterdam"])
    house.rest()
    house.till.note(ours, f"Tracking: {TRACKING}")
    house.till.step(ours, "done", NAMES["utrecht"])
    house.rest()
    return external


def outcome(house: PlatformHouse, external: str) -> dict[str, Any]:
    """What an order has come to on our side, at the till and in the shop, without anything that differs from order to
    order (ids, numbers, times)."""
    order = house.order(external)
    sale = house.till.sale(order["id"])
    shop = house.shop
    return {
        "order": {
            name: order[name]
            for name in (
                "state",
                "payment_status",
                "shop_status",
                "shop_payment_status",
                "fulfilment_status",
                "total",
                "paid",
                "on_till",
            )
        },
        "lines": sorted((line["sku"], line["quantity"]) for line in order["lines"]),
        "parts": sorted((part["outlet"], part["status"]) for part in order["fulfilments"]),
        "sale": {name: sale.get(name) for name in ("state", "status", "total_price", "total_price_incl")},
        "sold": sorted(line["quantity"] for line in sale["line_items"]),
        "till": house.till.states(order["id"]),
        "shop status": (shop.shop_status(external), shop.payment_status(external)),
        "shipments": sorted(
            (str(s["outlet"]), sorted(s["lines"].items()), bool(s["tracking"])) for s in shop.shipments(external)
        ),
        "outlets": shop.assigned(external),
        "tracking": shop.tracking(external),
        "refunded": shop.refunded(external),
    }


def effects(house: PlatformHouse) -> dict[str, Any]:
    """What is counted over all orders: anything done twice or lost shows here."""
    return {
        "sales": len(house.till.sales()),
        "fulfilments": len(house.till.state.all("fulfilment")),
        "customers": len(house.till.state.all("customer")),
        **{f"till {sku}": level for sku, level in house.levels().items()},
        **{f"shop {sku}": level for sku, level in house.shop_levels().items()},
    }


def lived(house: PlatformHouse) -> dict[str, Any]:
    """Let an order live and tell what it came to, and what it changed in all."""
    before = effects(house)
    external = live(house)
    after = effects(house)
    changed = {name: after[name] - before[name] for name in after}
    return {**outcome(house, external), "changed": changed, "pending": house.house.pending()}
