"""The shop behind the sandbox: what customers, staff and the API do to orders and articles.

Every change is one transaction; webhooks of the (optional) module go out after it is committed.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from adapters.magento import sandbox_documents as documents
from adapters.magento import sandbox_sales as sales
from adapters.magento.sandbox_basket import PAYMENTS, Basket, Till
from adapters.magento.sandbox_sales import Item, Order, number
from adapters.magento.sandbox_stock import ShopError, Stock
from adapters.sandbox import Sandbox, to_json

NO_ENTITY = "The entity that was requested doesn't exist. Verify the entity and try again."
WEBHOOK_LABELS = ("sales_order_save_after", "catalog_product_save_after")


class Shop:
    """The shop of one sandbox."""

    def __init__(self, box: Sandbox) -> None:
        self.box, self.state = box, box.state
        self.stock = Stock(box.state)
        self._depth = 0
        self._events: list[tuple[str, dict[str, Any]]] = []

    # Customers

    def place_order(self, basket: Basket) -> Order:
        """A customer orders. Raises ShopError when that is not possible."""
        if basket.payment not in PAYMENTS:
            raise ShopError("Choose how the order is paid.")
        with self.change():
            till = Till(self.state, basket)
            order = till.order(self.now())
            order["entity_id"] = self.state.next("order", 81)
            order["increment_id"] = f"{self.state.next('increment'):09d}"
            for item in order["items"]:
                item["order_id"] = order["entity_id"]
            self._reserve(order)
            self.state.count("orders_created")
            if PAYMENTS[basket.payment][3] == "processing":
                documents.invoice(self, self.save(order), {}, capture=True)
            else:
                self.save(order)
        return self.order(order["entity_id"])

    def pay(self, order_id: int) -> None:
        """The customer's money arrived: everything open is invoiced and paid."""
        with self.change():
            documents.invoice(self, self.order(order_id), {}, capture=True)

    # Staff and API

    def cancel(self, order_id: int) -> bool:
        """Cancel what is not invoiced. False when nothing can be cancelled."""
        with self.change():
            order = self.order(order_id)
            if not sales.can_cancel(order):
                return False
            gone = sales.cancel_items(order)
            for item in order["items"]:
                if item["item_id"] in gone:
                    for sku, units in self.stocked(order, item, gone[item["item_id"]]):
                        self.stock.reserve(sku, -units)
            sales.recompute(order)
            self.save(order)
        return True

    def hold(self, order_id: int) -> bool:
        """Put an order on hold. Raises ShopError when its state does not allow that."""
        with self.change():
            order = self.order(order_id)
            if not sales.can_hold(order):
                raise ShopError("A hold action is not available.")
            order |= {"hold_before_state": order["state"], "hold_before_status": order["status"]}
            sales.set_state(order, "holded")
            self.save(order)
        return True

    def unhold(self, order_id: int) -> bool:
        """Take an order off hold. Raises ShopError when it is not on hold."""
        with self.change():
            order = self.order(order_id)
            if not sales.can_unhold(order):
                raise ShopError("You cannot remove the hold.")
            sales.set_state(order, order.pop("hold_before_state"), order.pop("hold_before_status"))
            self.save(order)
        return True

    def comment(self, order_id: int, words: str, status: str = "", *, notify: bool = False, front: bool = False) -> bool:
        """Add a comment, with a status that its state allows. Raises ShopError for another one."""
        with self.change():
            order = self.order(order_id)
            if status and status != order["status"] and status not in sales.statuses_of(order["state"]):
                message = 'Unable to add comment: The status "%1" is not part of the order status history.'
                raise ShopError(message, parameters=[status])
            order["status"] = status or order["status"]
            order["status_histories"].insert(0, {
                "comment": words, "created_at": self.now(), "entity_id": self.state.next("history"), "entity_name": "order",
                "is_customer_notified": int(notify), "is_visible_on_front": int(front), "parent_id": order_id,
                "status": order["status"],
            })  # fmt: skip
            if notify:
                self.mail(order, "comment")
            self.save(order)
        return True

    def refund_all(self, order_id: int) -> None:
        """Staff pay everything back that is left, adjusting what quantities come to for amounts paid back before."""
        with self.change():
            order = self.order(order_id)
            goods = sum((sales.item_value(item, sales.open_to_refund(order, item)) for item in order["items"]), Decimal(0))
            whole = goods + number(order, "shipping_incl_tax") - number(order, "_shipping_refunded")
            more = number(order, "total_paid") - number(order, "total_refunded") - whole
            adjustments = {"adjustment_positive": max(Decimal(0), more), "adjustment_negative": max(Decimal(0), -more)}
            documents.refund(self, order, {"arguments": adjustments})

    def edit(self, order_id: int, sku: str, units: int) -> Order:
        """Staff edit an order: Magento cancels it and makes another one (`000000012-1`). 0 removes the line."""
        with self.change():
            old = self.order(order_id)
            wanted = {item["sku"]: int(item["qty_ordered"]) for item in old["items"] if not item.get("parent_item_id")} | {sku: units}
            billing, extra = old["billing_address"], old["extension_attributes"]
            if not self.cancel(order_id):
                raise ShopError("Only orders that are not invoiced can be edited.")
            new = self.place_order(Basket(
                [(each, count) for each, count in wanted.items() if count], "bank",
                extra["shipping_assignments"][0]["shipping"]["method"], extra.get("pickup_location_code", ""),
                {"name": f"{billing['firstname']} {billing['lastname']}", "email": old.get("customer_email") or "",
                 "street": (billing.get("street") or [""])[0], "city": billing["city"], "postcode": billing["postcode"]},
            ))  # fmt: skip
            edits = int(old.get("edit_increment", 0)) + 1
            original = old.get("original_increment_id") or old["increment_id"]
            new |= {
                "increment_id": f"{original}-{edits}", "original_increment_id": original, "edit_increment": edits,
                "relation_parent_id": str(order_id), "relation_parent_real_id": old["increment_id"],
            }  # fmt: skip
            self.save(new)
            old = self.order(order_id) | {"relation_child_id": str(new["entity_id"]), "relation_child_real_id": new["increment_id"]}
            self.save(old)
        return new

    # Articles and stock

    def set_source_item(self, sku: str, source: str, quantity: Decimal, status: int) -> None:
        """Write the stock of an article at a source."""
        with self.change():
            self.stock.save(sku, source, quantity, status)
            self.state.count("stock_writes")
            self.tell_product(sku)

    def save_product(self, product_id: int, fields: Mapping[str, Any]) -> None:
        """Change an article. A new sku takes its stock along."""
        with self.change():
            product = self.state.get("product", product_id)
            if product is None:
                raise ShopError(NO_ENTITY, 404)
            new = {**product, **fields, "updated_at": self.now()}
            self.state.put("product", product_id, new)
            if new["sku"] != product["sku"]:
                for item in self.stock.items_of(product["sku"]):
                    self.stock.unassign(item["sku"], item["source_code"])
                    self.stock.save(new["sku"], item["source_code"], Decimal(item["quantity"]), item["status"])
            self.tell_product(new["sku"])

    # Keeping orders

    def order(self, order_id: int) -> Order:
        """One order with what we keep beside it. Raises ShopError (404)."""
        found = self.state.get("order", order_id)
        if found is None:
            raise ShopError(NO_ENTITY, 404)
        return found

    def save(self, order: Order) -> Order:
        """Keep an order as of now, and tell the webhook module."""
        order["updated_at"] = self.now()
        self.state.put("order", order["entity_id"], order)
        self.state.count("orders_saved")
        about = {name: order[name] for name in ("entity_id", "increment_id", "state", "status", "updated_at")}
        self._tell(WEBHOOK_LABELS[0], {"order": about})
        return order

    def now(self) -> str:
        """The shop's time as it writes moments."""
        return datetime.fromtimestamp(self.state.now(), UTC).strftime("%Y-%m-%d %H:%M:%S")

    def mail(self, order: Order, kind: str) -> None:
        """The customer gets a mail."""
        number_ = self.state.count("mails_sent")
        self.state.put("mail", number_, {"order": order["entity_id"], "kind": kind, "to": order.get("customer_email"), "at": self.now()})

    @contextmanager
    def change(self) -> Iterator[None]:
        """One change of the shop; nests. Webhooks leave when the outermost is done."""
        self._depth += 1
        try:
            with self.state.transaction():
                yield
        except BaseException:
            if self._depth == 1:
                self._events.clear()
            raise
        finally:
            self._depth -= 1
        if self._depth == 0:
            told, self._events = self._events, []
            for label, body in {json.dumps(body, default=str): (label, body) for label, body in told}.values():
                event = {"event": label, "event_id": str(uuid.uuid4()), **body}
                self.box.courier.post(label, self.box.webhook_url, to_json(event).encode())

    def tell_product(self, sku: str) -> None:
        """The webhook module tells that an article or its stock changed."""
        found = next((each for each in self.state.all("product") if each["sku"].lower() == sku.lower()), None)
        if found is not None:
            self._tell(WEBHOOK_LABELS[1], {"product": {"entity_id": found["id"], "sku": found["sku"], "updated_at": self.now()}})

    def _tell(self, label: str, body: dict[str, Any]) -> None:
        # Magento has no webhooks of its own: without an address, no module is installed.
        if self.box.webhook_url:
            self._events.append((label, body))

    # Reservations

    def _reserve(self, order: Order) -> None:
        for item in order["items"]:
            for sku, units in self.stocked(order, item, number(item, "qty_ordered")):
                if self.stock.salable(sku) < units and not self.box.switch("backorders"):
                    raise ShopError("The requested qty is not available")
                self.stock.reserve(sku, units)

    def stocked(self, order: Order, item: Item, units: Decimal) -> Iterator[tuple[str, Decimal]]:
        """The articles with stock that so many units of an item are: itself, its chosen child, or a bundle's parts."""
        if item["product_type"] in ("virtual", "downloadable"):
            return
        if item["product_type"] == "bundle":
            if not sales.is_dummy(order, item, shipping=False) and number(item, "qty_canceled"):
                for part in sales.children_of(order, item):
                    yield part["sku"], units * number(part, "qty_ordered") / number(item, "qty_ordered")
            return
        parent = sales.parent_of(order, item)
        if parent is None or parent["product_type"] == "bundle":
            yield item["sku"], units
