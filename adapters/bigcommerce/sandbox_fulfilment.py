"""Goods leaving the sandbox's shop: shipments and pickup records."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from adapters.bigcommerce.progress import CANCELLED, COMPLETED, PARTLY_SHIPPED, SHIPPED, UNFINISHED
from adapters.bigcommerce.sandbox_core import Shop, ShopError, iso, rfc2822

MOST_PICKUPS = 100


def ship(shop: Shop, order_id: object, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Make a shipment: an address, items with units, tracking."""
    with shop.change():
        order = shop.order(order_id)
        address, items = fields.get("order_address_id"), fields.get("items")
        if not any(each["id"] == address for each in order["_addresses"]):
            raise ShopError("The field 'order_address_id' is invalid.", 400)
        if not isinstance(items, list) or not items:
            raise ShopError("The required field 'items' was not supplied.", 400)
        if order["status_id"] in UNFINISHED:
            raise ShopError("An incomplete order cannot be shipped.", 400)
        for item in items:
            _ship_line(order, address, item)
        number = shop.state.next("shipment", 12)
        shipment = {
            "id": number, "order_id": order["id"], "customer_id": order["customer_id"], "order_address_id": address,
            "date_created": rfc2822(shop.state.now()), "merchant_shipping_cost": "0.0000",
            "shipping_method": str(fields.get("shipping_method") or order["_addresses"][0]["shipping_method"]),
            "comments": str(fields.get("comments") or ""), "billing_address": public_person(order["billing_address"]),
            "shipping_address": public_person(order["_addresses"][0]),
            "items": [
                {
                    "order_product_id": item["order_product_id"], "quantity": item["quantity"],
                    "product_id": next(line["product_id"] for line in order["_lines"] if line["id"] == item["order_product_id"]),
                }
                for item in items
            ],
            **_tracking(fields),
        }  # fmt: skip
        shop.attach("shipment", order["id"], shipment)
        shop.state.count("shipments_made")
        shop.event("store/shipment/created", {"type": "shipment", "id": number, "orderId": order["id"]})
        if shop.box.switch("shipment_changes_status") and order["status_id"] not in (CANCELLED, COMPLETED):
            goods = [line for line in order["_lines"] if line["order_address_id"]]
            whole = all(line["quantity_shipped"] >= line["quantity"] for line in goods)
            shop.set_status(order, SHIPPED if whole else PARTLY_SHIPPED)
        shop.save(order)
    return shipment


def public_person(address: Mapping[str, Any]) -> dict[str, Any]:
    """An address as shipments show it."""
    names = (
        "first_name",
        "last_name",
        "company",
        "street_1",
        "street_2",
        "city",
        "state",
        "zip",
        "country",
        "country_iso2",
        "phone",
        "email",
    )
    return {name: address.get(name, "") for name in names}


def _ship_line(order: dict[str, Any], address: Any, item: Any) -> None:
    if not isinstance(item, dict):
        raise ShopError("The field 'items' is invalid.", 400)
    line = next((each for each in order["_lines"] if each["id"] == item.get("order_product_id")), None)
    quantity = item.get("quantity")
    if line is None or line["order_address_id"] != address:
        raise ShopError("The field 'order_product_id' is invalid.", 400)
    if (
        isinstance(quantity, bool)
        or not isinstance(quantity, int)
        or not 0 < quantity <= line["quantity"] - line["quantity_shipped"]
    ):
        raise ShopError("The field 'quantity' is invalid: it exceeds what is left to ship.", 400)
    line["quantity_shipped"] += quantity


def _tracking(fields: Mapping[str, Any]) -> dict[str, str]:
    number, link = str(fields.get("tracking_number") or ""), str(fields.get("tracking_link") or "")
    carrier, provider = str(fields.get("tracking_carrier") or ""), str(fields.get("shipping_provider") or "")
    made = f"https://www.example.com/track/{number}" if number and (carrier or provider) and not link else ""
    return {
        "tracking_number": number, "tracking_carrier": carrier, "shipping_provider": provider, "tracking_link": link,
        "generated_tracking_link": made, "shipping_provider_display_name": provider,
    }  # fmt: skip


def change_shipment(shop: Shop, order_id: object, shipment_id: object, fields: Mapping[str, Any]) -> dict[str, Any]:
    """Change a shipment's tracking or comment; its items cannot be changed."""
    with shop.change():
        shipment = shipment_of(shop, order_id, shipment_id)
        if "items" in fields:
            raise ShopError("The field 'items' cannot be changed.", 400)
        shipment |= _tracking({**shipment, **fields}) | {
            name: fields[name] for name in ("comments", "shipping_method") if name in fields
        }
        shop.state.put("shipment", shipment["id"], shipment)
        shop.event(
            "store/shipment/updated", {"type": "shipment", "id": shipment["id"], "orderId": shipment["order_id"]}
        )
        shop.save(shop.order(order_id))
    return shipment


def delete_shipment(shop: Shop, order_id: object, shipment_id: object) -> None:
    """Delete a shipment: its units are open again, the order's status stays."""
    with shop.change():
        shipment, order = shipment_of(shop, order_id, shipment_id), shop.order(order_id)
        for item in shipment["items"]:
            for line in order["_lines"]:
                if line["id"] == item["order_product_id"]:
                    line["quantity_shipped"] -= item["quantity"]
        shop.state.delete("shipment", shipment["id"])
        shop.event("store/shipment/deleted", {"type": "shipment", "id": shipment["id"], "orderId": order["id"]})
        shop.save(order)


def shipment_of(shop: Shop, order_id: object, shipment_id: object) -> dict[str, Any]:
    """One shipment. Raises ShopError (404)."""
    shipment = shop.state.get("shipment", str(shipment_id))
    if shipment is None or str(shipment["order_id"]) != str(order_id):
        raise ShopError("The requested resource was not found.", 404)
    return shipment


def shipments(shop: Shop, order_id: int) -> list[dict[str, Any]]:
    """Every shipment of an order, oldest first."""
    return shop.of("shipment", order_id)


def ship_rest(shop: Shop, order_id: object, units: Mapping[int, int] | None = None) -> None:
    """Staff ship these units (line -> units), or everything that is open."""
    order = shop.order(order_id)
    for address in order["_addresses"]:
        items = [
            {"order_product_id": line["id"], "quantity": count}
            for line in order["_lines"]
            if line["order_address_id"] == address["id"]
            and (count := line["quantity"] - line["quantity_shipped"] if units is None else units.get(line["id"], 0))
        ]
        if items:
            ship(shop, order_id, {"order_address_id": address["id"], "items": items})


def pickups(shop: Shop, orders: set[int] | None = None, ids: set[int] | None = None) -> list[dict[str, Any]]:
    """Pickup records, narrowed to orders or ids."""
    found = (
        shop.state.all("pickup")
        if orders is None
        else [each for order in sorted(orders) for each in shop.of("pickup", order)]
    )
    return [each for each in found if ids is None or each["id"] in ids]


def make_pickups(shop: Shop, wanted: Any) -> list[dict[str, Any]]:
    """Make pickup records. Raises ShopError for the first that makes no sense; then none is made."""
    if (
        not isinstance(wanted, list)
        or not wanted
        or len(wanted) > MOST_PICKUPS
        or not all(isinstance(each, dict) for each in wanted)
    ):
        raise ShopError("JSON data is missing or invalid", errors={"pickups": "between 1 and 100 pickups are needed"})
    with shop.change():
        return [_make_pickup(shop, each) for each in wanted]


def _make_pickup(shop: Shop, wanted: Mapping[str, Any]) -> dict[str, Any]:
    order = shop.order(wanted.get("order_id"))
    methods = {each["pickup_method_id"] for each in order["_pickups"]}
    if wanted.get("pickup_method_id") not in methods:
        raise ShopError("Payload contains invalid fields", errors={"pickup_method_id": "is not a pickup of this order"})
    items = wanted.get("pickup_items")
    if not isinstance(items, list) or not items or not wanted.get("ready_at"):
        raise ShopError(
            "Payload contains invalid fields", errors={"pickup_items": "ready_at and pickup_items are required"}
        )
    collected = _moment(wanted["collected_at"]) if wanted.get("collected_at") else None
    number, now = shop.state.next("pickup", 31), shop.iso()
    record = {
        "id": number, "pickup_method_id": wanted["pickup_method_id"], "order_id": order["id"], "ready_at": _moment(wanted["ready_at"]),
        "created_at": now, "updated_at": now, "pickup_items": [_pickup_item(shop, order, item, collected) for item in items],
    }  # fmt: skip
    shop.state.count("pickups_made")
    return shop.attach("pickup", order["id"], record)


def _pickup_item(shop: Shop, order: Mapping[str, Any], item: Any, collected: str | None) -> dict[str, Any]:
    line = next(
        (each for each in order["_lines"] if isinstance(item, dict) and each["id"] == item.get("order_product_id")),
        None,
    )
    if line is None or not line["order_pickup_method_id"]:
        raise ShopError("Payload contains invalid fields", errors={"order_product_id": "is not picked up"})
    taken = sum(
        each["quantity"]
        for record in pickups(shop, {order["id"]})
        for each in record["pickup_items"]
        if each["order_product_id"] == line["id"]
    )
    quantity = item.get("quantity")
    if isinstance(quantity, bool) or not isinstance(quantity, int) or not 0 < quantity <= line["quantity"] - taken:
        raise ShopError("Payload contains invalid fields", errors={"quantity": "exceeds what is left to pick up"})
    return {
        "id": shop.state.next("pickup_item", 301), "order_product_id": line["id"], "quantity": quantity,
        "status": "COLLECTED" if collected else "AWAITING_COLLECTION", "collected_at": collected,
    }  # fmt: skip


def change_pickups(shop: Shop, wanted: Any) -> list[dict[str, Any]]:
    """Change when pickups are ready or were collected; without `collected_at` they are not collected."""
    if not isinstance(wanted, list) or not wanted or not all(isinstance(each, dict) for each in wanted):
        raise ShopError("JSON data is missing or invalid")
    with shop.change():
        return [_change_pickup(shop, each) for each in wanted]


def _change_pickup(shop: Shop, wanted: Mapping[str, Any]) -> dict[str, Any]:
    record = shop.state.get("pickup", str(wanted.get("pickup_id")))
    if record is None or "id" not in wanted:
        raise ShopError("Payload contains invalid fields", errors={"pickup_id": "unknown pickup"})
    collected = _moment(wanted["collected_at"]) if wanted.get("collected_at") else None
    status = "COLLECTED" if collected else "AWAITING_COLLECTION"
    record |= {
        "updated_at": shop.iso(),
        **({"ready_at": _moment(wanted["ready_at"])} if wanted.get("ready_at") else {}),
    }
    record["pickup_items"] = [item | {"status": status, "collected_at": collected} for item in record["pickup_items"]]
    return shop.state.put("pickup", record["id"], record)


def _moment(value: Any) -> str:
    """A time given as UNIX seconds or ISO 8601, as V3 writes it."""
    try:
        return iso(
            int(value) if str(value).isdigit() else datetime.fromisoformat(str(value)).astimezone(UTC).timestamp()
        )
    except (ValueError, OverflowError):
        raise ShopError("Payload contains invalid fields", errors={"ready_at": "is no time"}) from None
