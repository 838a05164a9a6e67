"""Invoices, shipments and credit memos of the sandbox: checked, made, and booked on their order and on the stock."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from adapters.magento import sandbox_sales as sales
from adapters.magento.sandbox_sales import Item, Order, cents, item_value, number
from adapters.magento.sandbox_stock import ShopError

if TYPE_CHECKING:
    from adapters.magento.sandbox_shop import Shop

_NOTHING = Decimal(0)
_HIDDEN = "Could not save a shipment, see error log for details"


def invoice(shop: Shop, order: Order, body: Mapping[str, Any], *, capture: bool) -> int:
    """Invoice the given items, or all that are open; paid either way, through the gateway when `capture`."""
    if not sales.can_invoice(order):
        raise _invalid("Invoice", "The order does not allow an invoice to be created.")
    units = _units(order, body, sales.open_to_invoice, "invoice", "uninvoiced")
    goods = sum((item_value(item, units[item["item_id"]]) for item in order["items"] if item["item_id"] in units), _NOTHING)
    shipping = number(order, "shipping_incl_tax") if not number(order, "total_invoiced") else _NOTHING
    total = goods + shipping
    id = shop.state.next("invoice")
    for item in order["items"]:
        item["qty_invoiced"] = number(item, "qty_invoiced") + units.get(item["item_id"], _NOTHING)
    for name in ("total_invoiced", "total_paid"):
        order[name] = order[f"base_{name}"] = number(order, name) + total
    order["total_due"] = order["base_total_due"] = number(order, "grand_total") - number(order, "total_paid")
    order["payment"]["amount_paid"] = order["payment"]["base_amount_paid"] = number(order, "total_paid")
    order["shipping_invoiced"] = number(order, "shipping_amount")
    if capture:
        order["payment"]["last_trans_id"] = f"tr_{order['entity_id']}_{id}"
        shop.state.count("gateway_captures")
    shop.state.put("invoice", id, {
        "entity_id": id, "increment_id": f"{id:09d}", "order_id": order["entity_id"], "state": 2, "store_id": 1,
        "created_at": shop.now(), "updated_at": shop.now(), "grand_total": total, "base_grand_total": total,
        "base_total_refunded": _NOTHING, "shipping_incl_tax": shipping, "total_qty": sum(units.values(), _NOTHING),
        "order_currency_code": order["order_currency_code"], "base_currency_code": order["base_currency_code"],
        **({"transaction_id": order["payment"]["last_trans_id"]} if capture else {}),
        "items": [_document_item(shop, order, line, quantity) for line, quantity in units.items()], "comments": [],
    })  # fmt: skip
    sales.recompute(order, in_process=True)
    shop.save(order)
    return id


def ship(shop: Shop, order: Order, body: Mapping[str, Any]) -> int:
    """Send the given items, or all that are open, from one source."""
    if not sales.can_ship(order):
        raise _invalid("Shipment", "The order does not allow a shipment to be created.")
    units = _units(order, body, sales.open_to_ship, "ship", "unshipped")
    if not any(units.values()):
        raise _invalid("Shipment", "You can't create a shipment without products.")
    extra = (body.get("arguments") or {}).get("extension_attributes") or {}
    source = extra.get("source_code") or shop.stock.source_without_code()
    _take(shop, order, units, source)
    for item in order["items"]:
        item["qty_shipped"] = number(item, "qty_shipped") + units.get(item["item_id"], _NOTHING)
        for part in _parts_along(order, item, units.get(item["item_id"], _NOTHING)):
            part[0]["qty_shipped"] = number(part[0], "qty_shipped") + part[1]
    id = shop.state.next("shipment")
    shop.state.put("shipment", id, {
        "entity_id": id, "increment_id": f"{id:09d}", "order_id": order["entity_id"], "store_id": 1, "created_at": shop.now(),
        "updated_at": shop.now(), "total_qty": sum(units.values(), _NOTHING), "packages": [],
        "items": [_document_item(shop, order, line, quantity, base=False) for line, quantity in units.items()],
        "tracks": [_track(shop, order, id, track) for track in body.get("tracks") or ()],
        "comments": _comments(shop, id, body), "extension_attributes": {"source_code": source},
    })  # fmt: skip
    shop.state.count("shipments_created")
    if body.get("notify"):
        shop.mail(order, "shipment")
    sales.recompute(order, in_process=True)
    shop.save(order)
    return id


def add_track(shop: Shop, entity: Mapping[str, Any]) -> dict[str, Any]:
    """Add a tracking number to a shipment that is there."""
    shipment = shop.state.get("shipment", entity.get("parent_id") or 0)
    if shipment is None:
        raise ShopError("The entity that was requested doesn't exist. Verify the entity and try again.", 404)
    order = shop.order(shipment["order_id"])
    track = _track(shop, order, shipment["entity_id"], entity)
    shop.state.put("shipment", shipment["entity_id"], shipment | {"tracks": [*shipment["tracks"], track], "updated_at": shop.now()})
    shop.save(order)
    return track


def notify_pickup(shop: Shop, order_id: int) -> None:
    """Mail the customer that the order waits; make its shipment from the pickup location if there is none."""
    order = shop.order(order_id)
    location = order["extension_attributes"].get("pickup_location_code")
    if not any(each["order_id"] == order_id for each in shop.state.all("shipment")):
        if not location or not sales.can_ship(order) or not _fulfillable(shop, order, location):
            raise ShopError("The order is not ready for pickup")
        ship(shop, order, {"arguments": {"extension_attributes": {"source_code": location}}})
        order = shop.order(order_id)
    order["extension_attributes"] |= {"notification_sent": 1, "send_notification": 1}
    shop.mail(order, "ready for pickup")
    shop.save(order)


def refund(shop: Shop, order: Order, body: Mapping[str, Any], *, invoice_id: int | None = None, online: bool = False) -> int:
    """A credit memo over the given items, or all that were invoiced; shipping that is left is added unless told."""
    if not sales.can_refund(order):
        raise _invalid("Credit Memo", "The order does not allow a creditmemo to be created.")
    units = _units(order, body, sales.open_to_refund, "creditmemo", "unrefunded")
    given = body.get("arguments") or {}
    goods = sum((item_value(item, units[item["item_id"]]) for item in order["items"] if item["item_id"] in units), _NOTHING)
    left = number(order, "shipping_incl_tax") - number(order, "_shipping_refunded")
    shipping = left if given.get("shipping_amount") is None else _with_tax(order, Decimal(str(given["shipping_amount"])))
    if shipping > left + Decimal("0.01"):
        raise ShopError("Maximum shipping amount allowed to refund is: %1", parameters=[str(left)])
    more, less = (Decimal(str(given.get(f"adjustment_{sign}") or 0)) for sign in ("positive", "negative"))
    total = cents(goods + shipping + more - less)
    available = number(order, "total_paid") - number(order, "total_refunded")
    if cents(total) > cents(available):
        raise _invalid("Credit Memo", f"The most money available to refund is {available:f}.")
    if total <= 0:
        raise _invalid("Credit Memo", "The credit memo's total must be positive.")
    _give_back(shop, order, units, (given.get("extension_attributes") or {}).get("return_to_stock_items") or ())
    for item in order["items"]:
        quantity = units.get(item["item_id"], _NOTHING)
        item["qty_refunded"] = number(item, "qty_refunded") + quantity
        item["amount_refunded"] = number(item, "amount_refunded") + item_value(item, quantity)
    order["_shipping_refunded"] = number(order, "_shipping_refunded") + shipping
    order["shipping_refunded"] = cents(number(order, "_shipping_refunded") * 100 / 121)
    order["shipping_tax_refunded"] = number(order, "_shipping_refunded") - order["shipping_refunded"]
    for name in ("total_refunded", f"total_{'online' if online else 'offline'}_refunded"):
        order[name] = order[f"base_{name}"] = number(order, name) + total
    if online:
        shop.state.count("gateway_refunds")
    paid_on = shop.state.get("invoice", invoice_id) if invoice_id else None
    if paid_on is not None:
        shop.state.put("invoice", invoice_id or 0, paid_on | {"base_total_refunded": number(paid_on, "base_total_refunded") + total})
    id = shop.state.next("creditmemo")
    shop.state.put("creditmemo", id, {
        "entity_id": id, "increment_id": f"{id:09d}", "order_id": order["entity_id"], "state": 3, "store_id": 1,
        "created_at": shop.now(), "updated_at": shop.now(), "grand_total": total, "base_grand_total": total,
        "adjustment_positive": more, "adjustment_negative": less, "shipping_incl_tax": shipping,
        "order_currency_code": order["order_currency_code"], "base_currency_code": order["base_currency_code"],
        **({"invoice_id": invoice_id} if invoice_id else {}),
        "items": [_document_item(shop, order, line, quantity) for line, quantity in units.items()],
        "comments": _comments(shop, id, body),
    })  # fmt: skip
    sales.recompute(order)
    shop.save(order)
    return id


def _units(order: Order, body: Mapping[str, Any], open_of: Any, act: str, word: str) -> dict[int, Decimal]:
    """Item id -> units, as asked, or all that is open when no items are named. Raises ShopError for more than that."""
    items = {item["item_id"]: item for item in order["items"]}
    asked = body.get("items") or []
    if not asked:
        return {id: open_of(order, item) for id, item in items.items() if open_of(order, item)}
    units: dict[int, Decimal] = {}
    for each in asked:
        item = items.get(each.get("order_item_id"))
        kind = {"invoice": "Invoice", "ship": "Shipment", "creditmemo": "Credit Memo"}[act]
        if item is None:
            raise _invalid(kind, f"The {kind.lower()} contains product item that is not part of the original order.")
        quantity = Decimal(str(each.get("qty", 0)))
        if quantity < 0 or quantity > open_of(order, item):
            message = f'The quantity to {act} must not be greater than the {word} quantity for product SKU "{item["sku"]}".'
            raise _invalid(kind, message)
        units[item["item_id"]] = quantity
    return units


def _take(shop: Shop, order: Order, units: Mapping[int, Decimal], source: str) -> None:
    items = {item["item_id"]: item for item in order["items"]}
    try:
        for id, quantity in units.items():
            for sku, count in _goods(shop, order, items[id], quantity):
                shop.stock.take(sku, source, count)
                shop.stock.reserve(sku, -count)
                shop.tell_product(sku)
    except ShopError as error:
        raise ShopError(_HIDDEN if shop.box.switch("hide_shipment_cause") else error.message) from error


def _give_back(shop: Shop, order: Order, units: Mapping[int, Decimal], returned: Any) -> None:
    """What was not sent frees its reservation; of what was sent, the items named go back to where they came from."""
    for item in order["items"]:
        quantity = units.get(item["item_id"], _NOTHING)
        sent = number(item, "qty_shipped") - number(item, "qty_refunded")
        unsent = max(_NOTHING, quantity - max(_NOTHING, sent))
        for sku, count in _goods(shop, order, item, unsent):
            shop.stock.reserve(sku, -count)
        if item["item_id"] in returned:
            for sku, count in _goods(shop, order, item, quantity - unsent):
                shop.stock.give(sku, _source_of(shop, order, item), count)
                shop.tell_product(sku)


def _goods(shop: Shop, order: Order, item: Item, units: Decimal) -> list[tuple[str, Decimal]]:
    """The articles with stock that so many units of a shipped item are."""
    if not units or item["product_type"] in ("virtual", "downloadable"):
        return []
    if item["product_type"] == "bundle":
        return [(part["sku"], count) for part, count in _ratio(order, item, units)]
    return [(item["sku"], units)]


def _parts_along(order: Order, item: Item, units: Decimal) -> list[tuple[Item, Decimal]]:
    """The parts of a bundle that leave with it when it is sent as one."""
    together = item["product_type"] == "bundle" and not item.get("_separately")
    return _ratio(order, item, units) if together and units else []


def _ratio(order: Order, item: Item, units: Decimal) -> list[tuple[Item, Decimal]]:
    return [(part, units * number(part, "qty_ordered") / number(item, "qty_ordered")) for part in sales.children_of(order, item)]


def _fulfillable(shop: Shop, order: Order, source: str) -> bool:
    for item in order["items"]:
        for sku, count in _goods(shop, order, item, sales.open_to_ship(order, item)):
            held = shop.stock.item(sku, source)
            if held is None or not held["status"] or Decimal(held["quantity"]) < count:
                return False
    return True


def _source_of(shop: Shop, order: Order, item: Item) -> str:
    for shipment in shop.state.all("shipment")[::-1]:
        if shipment["order_id"] == order["entity_id"] and any(each["order_item_id"] == item["item_id"] for each in shipment["items"]):
            return str(shipment["extension_attributes"]["source_code"])
    return shop.stock.source_without_code()


def _with_tax(order: Order, net: Decimal) -> Decimal:
    return cents(net * number(order, "shipping_incl_tax") / (number(order, "shipping_amount") or 1))


def _document_item(shop: Shop, order: Order, item_id: int, quantity: Decimal, *, base: bool = True) -> dict[str, Any]:
    """An item of an invoice, shipment or credit memo; shipments have no amounts in base currency."""
    item = next(each for each in order["items"] if each["item_id"] == item_id)
    return {
        "entity_id": shop.state.next("document_item"), "name": item["name"], "sku": item["sku"], "product_id": item["product_id"],
        "order_item_id": item_id, "qty": quantity, "price": item["price"],
        "row_total": cents(Decimal(str(item["price"])) * quantity), **({"base_price": item["price"], "base_cost": 0} if base else {}),
    }  # fmt: skip


def _track(shop: Shop, order: Order, shipment: int, given: Mapping[str, Any]) -> dict[str, Any]:
    for name in ("track_number", "title", "carrier_code"):
        if not isinstance(given.get(name), str) or not given[name]:
            raise ShopError('"%1" is required. Enter and try again.', parameters=[name])
    return {
        "order_id": order["entity_id"], "created_at": shop.now(), "entity_id": shop.state.next("track"), "parent_id": shipment,
        "updated_at": shop.now(), "weight": given.get("weight", 0), "qty": given.get("qty", 0),
        "description": given.get("description", ""), "track_number": given["track_number"], "title": given["title"],
        "carrier_code": given["carrier_code"],
    }  # fmt: skip


def _comments(shop: Shop, parent: int, body: Mapping[str, Any]) -> list[dict[str, Any]]:
    given = body.get("comment")
    if not isinstance(given, Mapping) or not given.get("comment"):
        return []
    return [{
        "is_customer_notified": int(bool(body.get("appendComment"))), "parent_id": parent, "comment": given["comment"],
        "is_visible_on_front": given.get("is_visible_on_front", 0), "created_at": shop.now(), "entity_id": shop.state.next("document_comment"),
    }]  # fmt: skip


def _invalid(kind: str, message: str) -> ShopError:
    return ShopError(f"{kind} Document Validation Error(s):\n{message}")


