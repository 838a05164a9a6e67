"""The shop behind the sandbox: what customers and staff do, what changes then, and which webhooks tell it.

Times are kept in UNIX seconds of the sandbox's clock; `sandbox_render` writes them as the API does.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from adapters.sandbox import Sandbox
from adapters.woocommerce import sandbox_stock as stock
from adapters.woocommerce.sandbox_basket import PAYMENTS, Basket, billing_address, shipping_address
from adapters.woocommerce.sandbox_errors import ApiError, ShopError
from adapters.woocommerce.sandbox_money import charge, gross, priced, shares, text, total_up

STATUSES: Mapping[str, str] = {
    "pending": "Pending payment", "processing": "Processing", "on-hold": "On hold", "completed": "Completed",
    "cancelled": "Cancelled", "refunded": "Refunded", "failed": "Failed", "checkout-draft": "Draft",
}  # fmt: skip
HIDDEN_STATUSES = ("auto-draft", "trash")
_TAKES_STOCK = frozenset({"processing", "completed", "on-hold"})
_GIVES_STOCK_BACK = frozenset({"cancelled", "pending"})
_MAILED = frozenset({"processing", "completed", "on-hold", "refunded"})
_CAN_BE_PAID = frozenset({"pending", "failed"})

GATEWAYS_THAT_REFUND = frozenset({"ideal"})


class Shop:
    """The shop of one sandbox. Every change is one transaction; its webhooks are queued after it is committed."""

    def __init__(self, box: Sandbox) -> None:
        self.box, self.state = box, box.state
        self._events: list[tuple[str, int]] = []

    @property
    def now(self) -> int:
        return int(self.state.now())

    # Customers

    def place_order(self, basket: Basket) -> dict[str, Any]:
        """A customer orders, or leaves a checkout behind. Raises ShopError when that is not possible."""
        if basket.payment not in PAYMENTS:
            raise ShopError("Choose how the order is paid.")
        _, status, method, title = PAYMENTS[basket.payment]
        with self.state.transaction():
            lines = [line for id, units in basket.lines for line in self.lines_of(id, units)]
            if not lines:
                raise ShopError("Choose at least one product.")
            self._discount(lines, basket.discount)
            order = self.new_order({
                "status": "pending", "created_via": "store-api", "line_items": lines, "customer_note": basket.comment.strip(),
                "shipping_lines": [self._shipping(basket.shipping_method)], "billing": billing_address(basket.customer),
                "shipping": shipping_address(basket.customer), "payment_method": method, "payment_method_title": title,
                "customer_id": 0 if status == "checkout-draft" else self._customer(basket.customer),
                "transaction_id": f"tr_{secrets.token_hex(5)}" if basket.payment == "online" else "",
                "coupon_lines": self._coupon(lines, basket.discount),
            })  # fmt: skip
            if status in _TAKES_STOCK and not self.box.switch("oversell"):
                stock.check(self.state, order)
            self._enter(order, "completed" if status == "processing" and not self.needs_processing(order) else status)
            self.save(order, "order.created", "order.updated")
        self.send()
        return order

    def lines_of(self, id: int, units: int) -> list[dict[str, Any]]:
        """The order lines of an article: one, or for a bundle one for itself and one for each of its parts."""
        product = self.state.get("product", id)
        if product is None:
            raise ShopError(f"There is no product {id}.", 404)
        if units < 1:
            raise ShopError(f"Order at least one of {product['name']}.")
        whole = self._line(product, units, Decimal(product["price"]))
        parts = [
            self._line(self.product(part["id"]), part["quantity"] * units, Decimal(0)) for part in product.get("parts", ())
        ]
        if parts:
            key = secrets.token_hex(16)
            whole["meta_data"] += self.meta({"_bundle_cart_key": key, "_bundled_items": key})
            for part in parts:
                part["meta_data"] += self.meta({
                    "_bundled_by": key, "_bundled_item_priced_individually": "no", "_bundled_item_needs_shipping": "yes",
                })  # fmt: skip
        return [whole, *parts]

    def _line(self, product: Mapping[str, Any], units: int, price: Decimal) -> dict[str, Any]:
        variation = product["type"] == "variation"
        line = {
            "id": self.state.next("item"), "name": product["name"], "quantity": units, "rate": str(product["tax_rate"]),
            "product_id": product["parent_id"] if variation else product["id"],
            "variation_id": product["id"] if variation else 0,
            "meta_data": self.meta({each["name"].lower(): each["option"] for each in product.get("attributes", ())}),
        }  # fmt: skip
        charge(line, price, Decimal(0), with_tax=self.prices_include_tax)
        return line

    @property
    def prices_include_tax(self) -> bool:
        return bool(self.state.setting("prices_include_tax", True))

    def _discount(self, lines: list[dict[str, Any]], discount: Decimal) -> None:
        grosses = [gross(line) for line in lines]
        off = min(max(discount, Decimal(0)), sum(grosses, Decimal(0)))
        if off:
            for line, share in zip(lines, shares(off, grosses), strict=True):
                product = self.state.get("product", line["variation_id"] or line["product_id"]) or {"price": 0}
                price = Decimal(0) if Decimal(line["total"]) == 0 else Decimal(product["price"])
                charge(line, price, share, with_tax=self.prices_include_tax)

    def _coupon(self, lines: Sequence[Mapping[str, Any]], discount: Decimal) -> list[dict[str, Any]]:
        if discount <= 0:
            return []
        net = sum((Decimal(line["subtotal"]) - Decimal(line["total"]) for line in lines), Decimal(0))
        tax = sum((Decimal(line["subtotal_tax"]) - Decimal(line["total_tax"]) for line in lines), Decimal(0))
        return [{
            "id": self.state.next("item"), "code": "welcome", "discount": text(net), "discount_tax": text(tax),
            "meta_data": [], "discount_type": "fixed_cart", "nominal_amount": discount, "free_shipping": False,
        }]  # fmt: skip

    def _shipping(self, id: str) -> dict[str, Any]:
        method = self.state.get("shipping_method", id)
        if method is None:
            raise ShopError("Choose a shipping method.")
        net, tax = priced(Decimal(method["price"]), Decimal(method["tax_rate"]), with_tax=True)
        place = {"pickup_location": method["title"], "pickup_address": method["address"]} if method["pickup"] else {}
        return {
            "id": self.state.next("item"), "method_title": method["title"], "method_id": method["method_id"],
            "instance_id": method["instance_id"], "total": text(net), "total_tax": text(tax), "rate": method["tax_rate"],
            "meta_data": self.meta(place if method["method_id"] == "pickup_location" else {}),
        }  # fmt: skip

    def _customer(self, given: Mapping[str, str]) -> int:
        """The account with this e-mail address, made when new; 0 for guests."""
        email = given.get("email", "").strip()
        if not email or not self.box.switch("accounts"):
            return 0
        known = self.state.get("customer", email.lower())
        if known is None:
            billing = billing_address(given)
            known = self.state.put("customer", email.lower(), {
                "id": self.state.next("user", 2), "email": email.lower(), "first_name": billing["first_name"],
                "last_name": billing["last_name"], "billing": billing, "shipping": shipping_address(given),
                "created": self.now, "modified": self.now,
            })  # fmt: skip
        return int(known["id"])

    # Orders: staff and API

    def new_order(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """A new order with its totals; the caller lets it enter its status and saves it."""
        id = self.state.next("post", 45)
        order: dict[str, Any] = {
            "id": id, "number": str(id), "order_key": f"wc_order_{secrets.token_urlsafe(9)}", "status": "pending",
            "currency": self.state.setting("currency", "EUR"), "prices_include_tax": self.prices_include_tax,
            "customer_id": 0, "customer_note": "", "billing": billing_address({}), "shipping": shipping_address({}),
            "payment_method": "", "payment_method_title": "", "transaction_id": "", "created_via": "admin",
            "line_items": [], "shipping_lines": [], "fee_lines": [], "coupon_lines": [], "meta_data": [], "refunds": [],
            "created": self.now, "modified": self.now, "paid": None, "completed": None, **fields,
        }  # fmt: skip
        total_up(order)
        self.state.count("orders_created")
        return order

    def save(self, order: dict[str, Any], *topics: str) -> None:
        """Write an order that was changed, and tell it."""
        order["modified"] = self.now
        self.state.put("order", order["id"], order)
        self._events += [(topic, order["id"]) for topic in topics or ("order.updated",)]

    def order(self, id: int | str) -> dict[str, Any]:
        """One order, also from the bin. Raises ShopError (404)."""
        order = self.state.get("order", id)
        if order is None:
            raise ShopError("Invalid ID.", 404)
        return order

    def set_status(self, id: int | str, status: str) -> dict[str, Any]:
        """Staff choose another status."""
        with self.state.transaction():
            order = self.order(id)
            self._enter(order, status)
            self.save(order)
        self.send()
        return order

    def _enter(self, order: dict[str, Any], status: str) -> None:
        """What happens when an order enters a status: stock, dates, a refund, a mail, a note."""
        before, order["status"] = order["status"], status
        if status in _TAKES_STOCK:
            self._events += [("product.updated", id) for id in stock.take(self.state, order, self)]
        elif status in _GIVES_STOCK_BACK:
            self._events += [("product.updated", id) for id in stock.give_back(self.state, order, self)]
        pays = "processing" if self.needs_processing(order) else "completed"
        if status in (pays, "completed") and order["paid"] is None:
            order["paid"] = self.now
        if status == "completed" and before != "completed":
            order["completed"] = self.now
        if status == "refunded" and before != "refunded" and self.left(order) > 0:
            self._keep_refund(order, self.left(order), "Order fully refunded.", [], paid=False)
        if status != before:
            self.note(order["id"], f"Order status changed from {before} to {status}.", system=True)
            if status in _MAILED:
                self.mail(order, status)

    enter = _enter

    def pay(self, id: int | str, transaction: str = "") -> dict[str, Any]:
        """The customer pays, or somebody says so (`set_paid`): only from pending and failed, ignored elsewhere."""
        with self.state.transaction():
            order = self.order(id)
            if order["status"] in _CAN_BE_PAID:
                order["transaction_id"] = transaction or order["transaction_id"]
                order["paid"] = order["paid"] or self.now
                self._enter(order, "processing" if self.needs_processing(order) else "completed")
            self.save(order)
        self.send()
        return order

    def needs_processing(self, order: Mapping[str, Any]) -> bool:
        """Whether anything in it has to be packed."""
        products = (self.state.get("product", line["variation_id"] or line["product_id"]) for line in order["line_items"])
        return any(product is None or not product["virtual"] for product in products)

    def change_order(self, id: int | str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Change fields that have no consequences (texts, addresses, meta data)."""
        with self.state.transaction():
            order = self.order(id) | dict(fields)
            self.save(order)
        self.send()
        return order

    def change_line(self, id: int | str, line_id: int, quantity: int, *, amounts: bool = True) -> dict[str, Any]:
        """Another quantity for a line, 0 removes it. Staff's page works the amounts out, the API does not (`amounts`).
        Stock follows where the order has taken it."""
        with self.state.transaction():
            order = self.order(id)
            line = next((each for each in order["line_items"] if each["id"] == line_id), None)
            if line is None:
                raise ShopError(f"The order has no line {line_id}.", 404)
            before, line["quantity"] = line["quantity"], quantity
            if order["status"] in _TAKES_STOCK:
                self._events += [("product.updated", each) for each in stock.follow(self.state, line, self)]
            if quantity <= 0:
                order["line_items"].remove(line)
            elif amounts:
                for name in ("subtotal", "subtotal_tax", "total", "total_tax"):
                    line[name] = text(Decimal(line[name]) * quantity / before)
            total_up(order)
            self.save(order)
        self.send()
        return order

    def trash(self, id: int | str) -> dict[str, Any]:
        """Put an order in the bin. Its stock stays taken."""
        with self.state.transaction():
            order = self.order(id)
            order |= {"status": "trash", "status_before": order["status"]}
            self.save(order, "order.deleted")
        self.send()
        return order

    def restore(self, id: int | str) -> dict[str, Any]:
        """Take an order out of the bin."""
        with self.state.transaction():
            order = self.order(id)
            order["status"] = order.pop("status_before", "pending")
            self.save(order, "order.restored", "order.updated")
        self.send()
        return order

    def delete(self, id: int | str) -> None:
        """Delete an order for good, which no webhook tells."""
        self.order(id)
        self.state.delete("order", id)

    def note(self, id: int | str, words: str, *, customer: bool = False, system: bool = False) -> dict[str, Any]:
        """Add a note; a note to the customer is mailed. The order's date of change does not move."""
        note = self.state.put("note", number := self.state.next("note"), {
            "id": number, "order": int(id), "author": "system" if system else "admin", "note": words,
            "customer_note": customer, "created": self.now,
        })  # fmt: skip
        if customer:
            self.mail(self.order(id), "note")
        self.state.count("notes_added")
        return note

    def mail(self, order: Mapping[str, Any], about: str) -> None:
        """The shop mails the customer."""
        number = self.state.count("mails_sent")
        self.state.put("mail", number, {"order": order["id"], "about": about, "to": order["billing"]["email"], "created": self.now})

    # Refunds

    def left(self, order: Mapping[str, Any]) -> Decimal:
        """What can still be paid back."""
        return Decimal(order["total"]) - sum((Decimal(each["amount"]) for each in order["refunds"]), Decimal(0))

    def refund(
        self, id: int | str, amount: Decimal, reason: str = "", lines: Sequence[Mapping[str, Any]] = (), *,
        through_gateway: bool = False, restock: bool = False, meta: Sequence[Mapping[str, Any]] = (),
    ) -> dict[str, Any]:  # fmt: skip
        """Record a refund, paid back by the gateway or by hand. When everything is paid back the order becomes
        refunded. Raises ApiError as the API has it."""
        with self.state.transaction():
            order = self.order(id)
            if amount <= 0 or amount > self.left(order):
                raise ApiError("woocommerce_rest_cannot_create_order_refund", "Invalid refund amount.", 500, bare=True)
            if through_gateway and order["payment_method"] not in GATEWAYS_THAT_REFUND:
                words = "The payment gateway for this order does not support automatic refunds."
                words = words if order["payment_method"] else "The payment gateway for this order does not exist."
                raise ApiError("woocommerce_rest_cannot_create_order_refund", words, 500, bare=True)
            refund = self._keep_refund(order, amount, reason, lines, paid=through_gateway, meta=meta)
            if restock:
                self._events += [("product.updated", each) for each in stock.restock(self.state, order, lines, self)]
            if self.left(order) <= 0 and order["status"] != "refunded":
                self._enter(order, "refunded")
            self.save(order)
        self.send()
        return refund

    def _keep_refund(
        self, order: dict[str, Any], amount: Decimal, reason: str, lines: Sequence[Mapping[str, Any]], *, paid: bool,
        meta: Sequence[Mapping[str, Any]] = (),
    ) -> dict[str, Any]:  # fmt: skip
        refund = {
            "id": self.state.next("post", 45), "order": order["id"], "amount": text(amount), "reason": reason,
            "refunded_payment": paid, "created": self.now, "lines": [dict(line) for line in lines],
            "meta_data": [*meta],
        }  # fmt: skip
        self.state.put("refund", refund["id"], refund)
        self.state.count("refunds_made")
        order["refunds"].append({"id": refund["id"], "reason": reason, "amount": refund["amount"]})
        return refund

    # Products

    def product(self, id: int | str) -> dict[str, Any]:
        """One product or variation. Raises ShopError (404)."""
        product = self.state.get("product", id)
        if product is None:
            raise ShopError("Invalid ID.", 404)
        return product

    def change_product(self, id: int | str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Change fields of a product or variation, stock included."""
        with self.state.transaction():
            product = self.product(id) | dict(fields) | {"modified": self.now}
            self.state.put("product", product["id"], product)
            self._events.append(("product.updated", product["id"]))
        self.send()
        return product

    def delete_product(self, id: int | str) -> None:
        """Delete a product; lines of orders lose their sku."""
        self.product(id)
        self.state.delete("product", id)

    # Shared

    def meta(self, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Meta data as lines and orders keep it."""
        return [{"id": self.state.next("meta", 68), "key": key, "value": value} for key, value in values.items()]

    def send(self) -> None:
        """Queue the webhooks of what happened."""
        events, self._events = self._events, []
        courier: Any = self.box.courier
        for topic, id in events:
            courier.announce(topic, id)
