"""The shop behind the sandbox: what its customers and its staff do, and what the API does to orders as a whole."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any

from adapters.shopify import sandbox_money as money
from adapters.shopify.sandbox_basket import DELIVERIES, PAYMENTS, SHIPPING_RATE, Basket, address_of, names_of
from adapters.shopify.sandbox_book import OPEN_STATES, Order, Row, ShopError, current, fulfilled, unfulfilled
from adapters.shopify.sandbox_payloads import edit_payload, refund_payload, transaction_payload
from adapters.shopify.sandbox_sending import Sending


class Shop(Sending):
    """Orders as a whole."""

    # Customers

    def place(self, basket: Basket) -> Order:
        """A customer orders. Raises ShopError when that is not possible."""
        if basket.payment not in PAYMENTS or basket.delivery not in DELIVERIES:
            raise ShopError("Choose how the order is delivered and paid.")
        with self.change():
            lines = [line for sku, units in basket.lines for line in self._lines(sku, units)]
            if not lines:
                raise ShopError("Choose at least one product.")
            self._spread_discount(lines, basket.discount)
            order = self._new_order(basket, lines)
            self._pay_as_chosen(order, basket.payment)
            wait = float(self.state.setting("routing_seconds", 2)) if self.box.switch("routes_later") else 0.0
            if wait:
                order["route_at"] = self.state.now() + wait
            else:
                self.route(order)
            self._fulfil_gift_cards(order)
            self.save(order, "orders/create", *(["orders/paid"] if money.financial_status(order) == "PAID" else []))
            self.state.count("orders_created")
        if wait:
            threading.Thread(target=self._route_after, args=(wait, order["id"]), daemon=True).start()
        return self.order(order["id"])

    def _route_after(self, seconds: float, order_id: int) -> None:
        """The shop's background work on a new order; a restart leaves it to whoever reads the order next."""
        if not self.box.closing.wait(seconds):
            with suppress(ShopError):
                Shop(self.box).route_due(self.order(order_id))

    def _lines(self, sku: str, units: int) -> list[Row]:
        """The order lines for an article; a bundle becomes lines of its parts, which share its price."""
        product, variant = self.variant_by_sku(sku)
        if units < 1:
            raise ShopError(f"Order at least one of {product['title']}.")
        if not variant.get("parts"):
            return [self._line(product, variant, units, Decimal(variant["price"]), None)]
        group = {
            "id": self.new_id("group", 3001), "title": product["title"], "quantity": units, "variant": variant["id"],
            "product": product["id"], "sku": sku,
        }  # fmt: skip
        parts = [(*self.variant_by_sku(part), count) for part, count in variant["parts"].items()]
        whole = sum((Decimal(each["price"]) * count for _, each, count in parts), Decimal(0))
        left, found = Decimal(variant["price"]), []
        for number, (home, each, count) in enumerate(parts, 1):
            share = Decimal(each["price"]) * Decimal(variant["price"]) / whole if whole else Decimal(0)
            price = money.cents(left / count if number == len(parts) else share)
            left -= price * count
            found.append(self._line(home, each, units * count, price, group))
        return found

    def _line(self, product: Row, variant: Row, units: int, price: Decimal, group: Row | None) -> Row:
        if variant["tracked"] and self.available(variant["item"]) < units and not self.box.switch("oversell"):
            raise ShopError(f"Only {self.available(variant['item'])} of {variant['sku']} are in stock.")
        return {
            "id": self.new_id("line", 150001), "product": product["id"], "variant": variant["id"], "item": variant["item"],
            "sku": variant["sku"], "title": product["title"], "variant_title": variant["title"], "quantity": units,
            "removed": 0, "price": price, "discount": Decimal(0), "tax_rate": Decimal(str(variant["tax_rate"])),
            "requires_shipping": variant["requires_shipping"], "gift_card": product["gift_card"], "group": group,
        }  # fmt: skip

    @staticmethod
    def _spread_discount(lines: list[Row], discount: Decimal) -> None:
        """Take a discount on the order off its lines, in proportion to their price."""
        whole = sum((line["price"] * line["quantity"] for line in lines), Decimal(0))
        left = min(max(discount, Decimal(0)), whole)
        share = left
        for number, line in enumerate(lines, 1):
            part = left if number == len(lines) else money.cents(share * line["price"] * line["quantity"] / (whole or 1))
            line["discount"] = part
            left -= part

    def _new_order(self, basket: Basket, lines: list[Row]) -> Order:
        number = self.state.next("order_number", 1001)
        title, method, code = DELIVERIES[basket.delivery]
        place = self._pickup_location(basket) if method in ("PICK_UP", "LOCAL") else None
        address = address_of(basket.customer) if method != "PICK_UP" else None
        email = basket.customer.get("email", "").strip()
        rate = SHIPPING_RATE if method != "PICK_UP" and any(line["requires_shipping"] for line in lines) else Decimal(0)
        shipping = {
            "id": self.new_id("shipping_line", 8801), "title": place["name"] if place and method == "PICK_UP" else title,
            "code": code, "price": rate, "tax_rate": Decimal(21), "removed": False, "method": method,
        }  # fmt: skip
        return {
            "id": self.new_id("order", 6123450001), "name": f"#{number}", "number": number, "created": self.now,
            "updated": self.now, "cancelled": None, "cancel_reason": None, "closed": None, "note": basket.note.strip() or None,
            "tags": [], "email": email or None, "phone": basket.customer.get("phone", "").strip() or None,
            "currency": self.state.setting("currency", "EUR"),
            "presentment": self.state.setting("presentment_currency") or self.state.setting("currency", "EUR"),
            "taxes_included": bool(self.state.setting("prices_include_tax", True)), "tip": Decimal(0),
            "customer": self._customer(email, basket.customer), "shipping_address": address,
            "billing_address": address_of(basket.customer), "lines": lines, "shipping": [shipping], "method": method,
            "pickup_location": place["id"] if place else None, "transactions": [], "fulfilment_orders": [],
            "fulfilments": [], "refunds": [], "route_at": None, "gateways": [PAYMENTS[basket.payment][2]], "edited": False,
        }  # fmt: skip

    def _pickup_location(self, basket: Basket) -> Row:
        if basket.pickup_location is not None:
            return self.location(basket.pickup_location)
        found = next((each for each in self.locations() if each["pickup"]), None)
        if found is None:
            raise ShopError("No location offers pickup.")
        return found

    def _customer(self, email: str, person: Mapping[str, str]) -> int | None:
        """The number of the customer with this e-mail address, made when new."""
        if not email:
            return None
        known = self.state.get("customer_email", email.lower())
        if known is not None:
            return int(known["id"])
        number, (first, last) = self.new_id("customer", 7001), names_of(person)
        self.state.put("customer_email", email.lower(), {"id": number})
        self.state.put("customer", number, {
            "id": number, "email": email, "first": first, "last": last, "phone": person.get("phone") or None,
            "created": self.now, "updated": self.now,
        })  # fmt: skip
        return number

    # Money

    def _pay_as_chosen(self, order: Order, payment: str) -> None:
        _, kind, gateway = PAYMENTS[payment]
        owed = money.total(order, now=True)
        if owed > 0:
            # What is to be paid by hand is a sale that waits.
            self._transaction(order, kind or "SALE", gateway, owed, status="SUCCESS" if kind else "PENDING")

    def _transaction(
        self, order: Order, kind: str, gateway: str, amount: Decimal, parent: int | None = None, status: str = "SUCCESS"
    ) -> Row:
        row = {
            "id": self.new_id("transaction", 4101), "kind": kind, "status": status, "gateway": gateway, "amount": amount,
            "parent": parent, "created": self.now,
        }  # fmt: skip
        order["transactions"].append(row)
        payload = transaction_payload(order, row)
        if status == "SUCCESS":
            self.tell("order_transactions/create", str(row["id"]), lambda: payload)
        return row

    def can_be_paid(self, order: Order) -> bool:
        return not order["cancelled"] and money.outstanding(order) > 0 and money.financial_status(order) != "PAID"

    def pay(self, order_id: int) -> Order:
        """The order is paid in full: what was authorised is captured, the rest recorded."""
        with self.change():
            order = self.order(order_id)
            if not self.can_be_paid(order):
                raise ShopError("Order cannot be marked as paid.", field=["id"])
            held = next((each for each in order["transactions"] if each["kind"] == "AUTHORIZATION"), None)
            kind, parent = ("CAPTURE", held["id"]) if held else ("SALE", None)
            self._transaction(order, kind, order["gateways"][0], money.outstanding(order), parent)
            self._fulfil_gift_cards(order)
            self.save(order, "orders/paid")
        return self.order(order_id)

    def _fulfil_gift_cards(self, order: Order) -> None:
        """Gift cards are mailed by the shop itself as soon as they are paid."""
        if order["route_at"] is not None or not self.box.switch("fulfils_gift_cards") or not self._is_paid(order):
            return
        cards = {line["id"] for line in order["lines"] if line["gift_card"]}
        for part in order["fulfilment_orders"]:
            if part["status"] == "OPEN" and part["lines"] and {row["line"] for row in part["lines"]} <= cards:
                self._record(order, [part], self._take(part, None), None)

    @staticmethod
    def _is_paid(order: Order) -> bool:
        return money.financial_status(order) == "PAID"

    def refund(
        self,
        order_id: int,
        *,
        lines: Sequence[tuple[int, int, str, int | None]] = (),
        payments: Sequence[tuple[Decimal, str, int | None]] = (),
        shipping: Decimal = Decimal(0),
        note: str | None = None,
        over: bool = False,
    ) -> Row:
        """Refund: lines are (line, units, restock type, location), payments (amount, gateway, parent transaction)."""
        with self.change():
            order = self.route_due(self.order(order_id))
            left = money.received(order) - money.paid_back(order)
            amount = sum((each for each, _, _ in payments), Decimal(0))
            if amount > left and not over:
                raise ShopError(f"Refund amount cannot be more than the {left:.2f} that was received.", field=["transactions"])
            rows = [self._refund_line(order, *each) for each in lines]
            refund: Row = {
                "id": self.new_id("refund", 9301), "note": note, "created": self.now, "lines": rows, "amount": amount,
                "shipping": shipping, "transactions": [],
            }  # fmt: skip
            order["refunds"].append(refund)
            for each, gateway, parent in payments:
                refund["transactions"].append(self._transaction(order, "REFUND", gateway, each, parent)["id"])
            self._tell_refund(order, refund)
            self.save(order)
            self.state.count("refunds_made")
        return refund

    def _refund_line(self, order: Order, line_id: int, units: int, restock: str, location: int | None) -> Row:
        line = next((each for each in order["lines"] if each["id"] == line_id), None)
        if line is None or not 0 < units <= current(order, line):
            raise ShopError("Refund line item quantity cannot be refunded.", field=["refundLineItems"])
        unsent = min(units, unfulfilled(order, line))
        self._drop(order, line_id, unsent, restock=restock in ("CANCEL", "RETURN"))
        if units > unsent and restock in ("CANCEL", "RETURN"):
            self.shift(line["item"], location or self.locations()[0]["id"], available=units - unsent)
        return {
            "id": self.new_id("refund_line", 9501), "line": line_id, "quantity": units, "restock": restock,
            "location": None if restock == "NO_RESTOCK" else location, "subtotal": money.line_net(line, units),
            "tax": money.line_tax(order, line, units),
        }  # fmt: skip

    def _drop(self, order: Order, line_id: int, units: int, *, restock: bool) -> None:
        """Take units that will not be sent out of the open fulfilment orders."""
        for part in order["fulfilment_orders"]:
            for row in part["lines"] if part["status"] in OPEN_STATES else ():
                taken = min(units, row["remaining"]) if row["line"] == line_id else 0
                if taken:
                    units -= taken
                    row["remaining"] -= taken
                    row["total"] -= taken
                    self.shift(row["item"], part["location"], available=taken if restock else 0, committed=-taken)
            if part["status"] in OPEN_STATES and not any(row["remaining"] for row in part["lines"]):
                part |= {"status": "CLOSED", "updated": self.now}

    def _tell_refund(self, order: Order, refund: Row) -> None:
        order_id, number = order["id"], refund["id"]

        def payload() -> Mapping[str, Any]:
            kept = self.order(order_id)
            return refund_payload(kept, next(each for each in kept["refunds"] if each["id"] == number))

        self.tell("refunds/create", str(number), payload)

    def pay_back(self, order_id: int, amount: Decimal | None = None) -> Row:
        """Staff pay back an amount, or all that was paid with all its lines."""
        order = self.order(order_id)
        left = money.received(order) - money.paid_back(order)
        parent = next(iter(money.payments(order)), None)
        gateway, parent_id = (parent["gateway"], parent["id"]) if parent else ("manual", None)
        lines = [
            (line["id"], current(order, line), "RETURN" if fulfilled(order, line["id"]) else "CANCEL", None)
            for line in order["lines"] if amount is None and current(order, line)
        ]  # fmt: skip
        return self.refund(order_id, lines=lines, payments=[(left if amount is None else amount, gateway, parent_id)])

    # Staff

    def cancel(
        self, order_id: int, *, reason: str = "OTHER", restock: bool = True, pay_back: bool = False, notify: bool = False
    ) -> Order:
        """Cancel an order for good."""
        with self.change():
            order = self.route_due(self.order(order_id))
            if order["cancelled"]:
                raise ShopError("Order has already been cancelled.", code="INVALID", field=["orderId"])
            if any(each["status"] == "SUCCESS" and each["method"] != "NONE" for each in order["fulfilments"]):
                raise ShopError(
                    "Cannot cancel an order with outstanding fulfillments.", code="INVALID", field=["orderId"]
                )
            if pay_back and money.received(order) > money.paid_back(order):
                self.pay_back_all(order)
            self.close_open_parts(order, restock=restock)
            order |= {"cancelled": self.now, "cancel_reason": reason, "route_at": None}
            if money.moved(order, "AUTHORIZATION") and not money.received(order):
                self._transaction(order, "VOID", order["gateways"][0], money.moved(order, "AUTHORIZATION"))
            self.save(order, "orders/cancelled")
            if notify:
                self.mail(order, "cancelled")
        return self.order(order_id)

    def pay_back_all(self, order: Order) -> None:
        """All money goes back the way it came; the lines stay as they are."""
        left = money.received(order) - money.paid_back(order)
        parent = money.payments(order)[0]
        self._transaction(order, "REFUND", parent["gateway"], left, parent["id"])

    def edit(self, order_id: int, sku: str, units: int) -> Order:
        """Staff change how many units of a line are wanted; 0 removes the line, a new sku adds one."""
        with self.change():
            order = self.route_due(self.order(order_id))
            line = next((each for each in order["lines"] if each["sku"] == sku), None)
            if line is None:
                [line] = self._lines(sku, units)
                order["lines"].append(line)
                difference = units
            else:
                difference = units - current(order, line)
                if units < fulfilled(order, line["id"]):
                    raise ShopError(f"{fulfilled(order, line['id'])} of {sku} were sent already.")
                line["quantity"] += max(difference, 0)
            if difference > 0:
                self._make(order, self._home(order), order["method"], [(line, difference)])
            else:
                line["removed"] -= difference
                self._drop(order, line["id"], -difference, restock=True)
            order["edited"] = True
            payload = edit_payload(self.new_id("order_edit", 1201), order_id, line["id"], difference, self.now)
            self.tell("orders/edited", str(order_id), lambda: payload)
            self.save(order)
        return self.order(order_id)

    @staticmethod
    def _home(order: Order) -> int:
        return int(order["fulfilment_orders"][0]["location"])

    def update(self, order_id: int, **fields: Any) -> Order:
        """Change the note or the tags, or archive and reopen (`closed`)."""
        with self.change():
            order = self.order(order_id)
            order |= fields
            self.save(order)
        return self.order(order_id)

    def delete(self, order_id: int) -> None:
        with self.change():
            order = self.order(order_id)
            self.close_open_parts(order)
            self.forget(order_id)

    def send_open(self, order_id: int, wanted: Mapping[str, int] | None = None, tracking: Mapping[str, Any] | None = None) -> None:
        """Staff send these units (sku -> units), or all that is open, location by location."""
        order = self.route_due(self.order(order_id))
        left = dict(wanted) if wanted is not None else None
        skus = {line["id"]: line["sku"] for line in order["lines"]}
        for part in order["fulfilment_orders"]:
            if part["status"] not in ("OPEN", "IN_PROGRESS"):
                continue
            portion = []
            for row in part["lines"]:
                sku = skus[row["line"]]
                units = row["remaining"] if left is None else min(left.get(sku, 0), row["remaining"])
                if units:
                    portion.append((row["id"], units))
                    if left is not None:
                        left[sku] -= units
            if portion:
                self.fulfil([(part["id"], portion)], tracking, notify=False)
