"""Makes an order out of what a customer put into the basket: items, taxes, discounts, addresses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from adapters.magento.sandbox_sales import cents, default_status
from adapters.magento.sandbox_seed import METHODS, PICKUP
from adapters.magento.sandbox_stock import ShopError
from adapters.sandbox import SandboxState

PAYMENTS: Mapping[str, tuple[str, str, str, str]] = {
    "online": ("Paid online", "demo_gateway", "Card or bank, online", "processing"),
    "bank": ("Bank transfer", "banktransfer", "Bank Transfer Payment", "new"),
    "redirect": ("Leave at the payment page", "demo_gateway", "Card or bank, online", "pending_payment"),
}
"""How an order can be paid: label, method code, method title, state it starts in."""

SHIPPING_TAX = Decimal(21)


@dataclass(frozen=True, slots=True)
class Basket:
    """What a customer wants: (sku, units) for each line; the pickup location is a source code for in-store pickup."""

    lines: Sequence[tuple[str, int]]
    payment: str = "online"
    method: str = METHODS[0][0]
    pickup_location: str = ""
    customer: Mapping[str, str] = field(default_factory=dict)
    discount: Decimal = Decimal(0)
    comment: str = ""


class Till:
    """Works out the items and totals of one order."""

    def __init__(self, state: SandboxState, basket: Basket) -> None:
        self.state, self.basket = state, basket
        self._products = {each["sku"].lower(): each for each in state.all("product")}
        self.items: list[dict[str, Any]] = []
        for sku, units in basket.lines:
            self._add(sku, units)
        if not self.items:
            raise ShopError("Choose at least one article.")
        self._discount()

    def product(self, sku: str) -> dict[str, Any]:
        """One article. Raises ShopError (404)."""
        found = self._products.get(sku.lower())
        if found is None:
            raise ShopError("The product that was requested doesn't exist. Verify the product and try again.", 404)
        return found

    @property
    def is_virtual(self) -> bool:
        return all(item["is_virtual"] for item in self.items)

    def order(self, now: str) -> dict[str, Any]:
        """The new order without its ids."""
        _, code, title, state = PAYMENTS[self.basket.payment]
        priced = [item for item in self.items if not item.get("_free")]
        totals = {
            name: sum((item[name] for item in priced), Decimal(0))
            for name in ("row_total", "row_total_incl_tax", "tax_amount", "discount_amount", "discount_tax_compensation_amount")
        }
        rate = self._shipping_price()
        net = cents(rate * 100 / (100 + SHIPPING_TAX))
        grand = totals["row_total_incl_tax"] - totals["discount_amount"] + rate
        amounts = {
            "grand_total": grand, "subtotal": totals["row_total"], "subtotal_incl_tax": totals["row_total_incl_tax"],
            "tax_amount": totals["tax_amount"] + rate - net, "shipping_amount": net, "shipping_incl_tax": rate,
            "shipping_tax_amount": rate - net, "discount_amount": -totals["discount_amount"],
            "discount_tax_compensation_amount": totals["discount_tax_compensation_amount"],
        }  # fmt: skip
        currency = self.state.setting("currency", "EUR")
        return {
            "state": state if state != "processing" else "new", "status": default_status(state if state != "processing" else "new"),
            "store_id": 1, "store_name": f"{self.state.setting('store_name')}\nMain Website Store\nDefault Store View",
            "created_at": now, "updated_at": now, "order_currency_code": currency, "base_currency_code": currency,
            "store_currency_code": currency, "global_currency_code": currency, "base_to_order_rate": 1, "base_to_global_rate": 1,
            **amounts, **{f"base_{name}": value for name, value in amounts.items()},
            "total_due": grand, "base_total_due": grand, "total_item_count": len(priced),
            "total_qty_ordered": sum(item["qty_ordered"] for item in self.items if not item.get("parent_item_id")),
            "is_virtual": int(self.is_virtual), "email_sent": 1, "protect_code": "0a1b2c", "weight": 0,
            "customer_note": self.basket.comment.strip() or None,
            "shipping_description": None if self.is_virtual else self._method()[1],
            "items": self.items, **self._customer(),
            "payment": {
                "account_status": None, "additional_information": [title], "amount_ordered": grand, "base_amount_ordered": grand,
                "cc_last4": None, "method": code, "shipping_amount": net,
            },
            "status_histories": [],
            "extension_attributes": self._extras(title),
        }  # fmt: skip

    def _add(self, sku: str, units: int) -> None:
        product = self.product(sku)
        if units < 1:
            raise ShopError(f"Order at least one of {product['name']}.")
        if product["type_id"] == "configurable":
            child = self.product(product["_children"][0])
            parent = self._item(product, units, sku=child["sku"], price=Decimal(child["price"]))
            self._item(child, units, price=Decimal(0), parent=parent["item_id"])
        elif product["type_id"] == "bundle":
            self._bundle(product, units)
        else:
            self._item(product, units, price=Decimal(product["price"]))

    def _bundle(self, product: dict[str, Any], units: int) -> None:
        attributes = {each["attribute_code"]: each["value"] for each in product["custom_attributes"]}
        dynamic = attributes["price_type"] == "0"
        parts = [(self.product(sku), count) for sku, count in product["_parts"].items()]
        price = sum((Decimal(part["price"]) * count for part, count in parts), Decimal(0)) if dynamic else Decimal(product["price"])
        parent = self._item(product, units, price=price)
        parent |= {"_separately": attributes["shipment_type"] == "1", "_dynamic": dynamic, "_free": dynamic}
        for part, count in parts:
            self._item(part, units * count, price=Decimal(part["price"]) if dynamic else Decimal(0), parent=parent["item_id"])

    def _item(
        self, product: dict[str, Any], units: int, *, price: Decimal, sku: str = "", parent: int | None = None
    ) -> dict[str, Any]:
        rate, row = Decimal(product["_tax_rate"]), cents(price * units)
        tax = cents(row * rate / (100 + rate))
        virtual = product["type_id"] in ("virtual", "downloadable")
        net = price * 100 / (100 + rate)
        item: dict[str, Any] = {
            "item_id": self.state.next("order_item", 301), "parent_item_id": parent, "product_id": product["id"],
            "product_type": product["type_id"], "sku": sku or product["sku"], "name": product["name"], "store_id": 1,
            "is_virtual": int(virtual), "is_qty_decimal": 0, "free_shipping": 0, "no_discount": 0, "qty_ordered": units,
            "qty_invoiced": 0, "qty_shipped": 0, "qty_refunded": 0, "qty_canceled": 0,
            "price": net.quantize(Decimal("0.0001")), "base_price": net.quantize(Decimal("0.0001")), "original_price": price,
            "price_incl_tax": price, "row_total": row - tax, "base_row_total": row - tax, "row_total_incl_tax": row,
            "tax_percent": rate, "tax_amount": tax, "base_tax_amount": tax, "discount_amount": Decimal(0), "discount_percent": 0,
            "discount_tax_compensation_amount": Decimal(0), "row_invoiced": 0, "amount_refunded": 0,
        }  # fmt: skip
        self.items.append(item)
        return item

    def _discount(self) -> None:
        """Spread the basket's discount over the items; their tax is on what is left, the rest is compensation."""
        priced = [item for item in self.items if item["row_total_incl_tax"] and not item.get("_free")]
        whole = sum((item["row_total_incl_tax"] for item in priced), Decimal(0))
        left = min(max(self.basket.discount, Decimal(0)), whole)
        for number, item in enumerate(priced, 1):
            share = left if number == len(priced) else cents(self.basket.discount * item["row_total_incl_tax"] / whole)
            share = min(share, left, item["row_total_incl_tax"])
            left -= share
            rate = item["tax_percent"]
            tax = cents((item["row_total_incl_tax"] - share) * rate / (100 + rate))
            item |= {"discount_amount": share, "discount_tax_compensation_amount": item["tax_amount"] - tax, "tax_amount": tax}

    def _method(self) -> tuple[str, str, str]:
        if self.basket.method == PICKUP[0]:
            location = self.state.get("source", self.basket.pickup_location)
            if location is None or not location["extension_attributes"]["is_pickup_location_active"]:
                raise ShopError("Choose where to collect the order.")
            return (*PICKUP, "0.00")
        found = next((method for method in METHODS if method[0] == self.basket.method), None)
        if found is None:
            raise ShopError("The shipping method is missing. Select the shipping method and try again.")
        return found

    def _shipping_price(self) -> Decimal:
        if self.is_virtual:
            return Decimal(0)
        code, _, price = self._method()
        return Decimal(self.state.setting("shipping_price", price)) if code == METHODS[0][0] else Decimal(price)

    def _customer(self) -> dict[str, Any]:
        given = self.basket.customer
        first, _, last = given.get("name", "").strip().partition(" ")
        email = given.get("email", "").strip()
        account = self._account(email, first, last.strip()) if email else None
        return {
            "customer_email": email or None, "customer_firstname": first or None, "customer_lastname": last.strip() or None,
            "customer_id": account, "customer_is_guest": int(account is None), "customer_group_id": 1 if account else 0,
            "customer_note_notify": 0, "billing_address": self._address("billing"),
        }  # fmt: skip

    def _account(self, email: str, first: str, last: str) -> int:
        known = self.state.get("customer", email.casefold())
        if known is None:
            known = self.state.put("customer", email.casefold(), {
                "id": self.state.next("customer", 8001), "group_id": 1, "email": email, "firstname": first, "lastname": last,
                "created_at": "2026-01-01 00:00:00", "updated_at": "2026-01-01 00:00:00", "store_id": 1, "website_id": 1,
                "addresses": [],
            })  # fmt: skip
        return int(known["id"])

    def _address(self, kind: str) -> dict[str, Any]:
        given = self.basket.customer
        first, _, last = given.get("name", "").strip().partition(" ")
        found = {
            "address_type": kind, "firstname": first, "lastname": last.strip(), "email": given.get("email", "").strip(),
            "street": [line for line in (given.get("street", ""), given.get("street2", "")) if line], "city": given.get("city", ""),
            "postcode": given.get("postcode", ""), "country_id": given.get("country", "NL"), "telephone": given.get("phone", ""),
        }  # fmt: skip
        return {name: value for name, value in found.items() if value or name in ("city", "postcode", "telephone", "firstname", "lastname")}

    def _extras(self, title: str) -> dict[str, Any]:
        found: dict[str, Any] = {"payment_additional_info": [{"key": "method_title", "value": title}]}
        if not self.is_virtual:
            method = self._method()[0]
            address = self._address("shipping")
            if method == PICKUP[0]:
                source = self.state.get("source", self.basket.pickup_location) or {}
                found |= {"pickup_location_code": source["source_code"], "notification_sent": 0, "send_notification": 0}
                address |= {"street": [source["street"]], "city": source["city"], "postcode": source["postcode"], "country_id": source["country_id"]}
            found["shipping_assignments"] = [{"shipping": {"address": address, "method": method}, "items": []}]
        return found
