"""The shop behind the sandbox: products, orders, what changes when something happens, and the webhooks that tell it.

Documents are kept in the vendor's own field names, so that the API gives them as they are.
"""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from adapters.lightspeed_ecom.progress import FULFILMENT_TO_OURS, PAYMENT_TO_OURS
from adapters.sandbox import Sandbox, SandboxState

CUSTOM_STATUSES = (1, 2, 3)
PAYMENT_STATUSES = (*PAYMENT_TO_OURS, *(f"CUSTOM_PAYMENT_STATUS_{number}" for number in CUSTOM_STATUSES))
FULFILMENT_STATUSES = (*FULFILMENT_TO_OURS, *(f"CUSTOM_FULFILLMENT_STATUS_{number}" for number in CUSTOM_STATUSES))

PAYMENTS: Mapping[str, tuple[str, str, str, str]] = {
    "online": ("Paid online", "PAID", "Credit or debit card", "Lightspeed Payments"),
    "bank": ("Bank transfer, to be checked by hand", "AWAITING_PAYMENT", "Bank transfer", ""),
    "unpaid": ("Pay later", "AWAITING_PAYMENT", "Pay later", ""),
    "cart": ("Leave the checkout: an abandoned cart", "INCOMPLETE", "", ""),
}
"""How an order can be placed: label, payment status, payment method as shown, payment module."""

_MAILED = {"PAID", "CANCELLED", "SHIPPED", "READY_FOR_PICKUP", "OUT_FOR_DELIVERY", "DELIVERED"}
_ID_CHARACTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_CENT = Decimal("0.01")


class ShopError(Exception):
    """The shop refuses: `status` is the HTTP status its API answers with."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message, self.status = message, status


@dataclass(frozen=True, slots=True)
class Basket:
    """What a customer wants: (product id, combination id or None, quantity) for each line."""

    lines: Sequence[tuple[int, int | None, int]]
    shipping_method: str
    payment: str
    customer: Mapping[str, str]
    comment: str = ""
    discount: Decimal = Decimal(0)


def now_fields(state: SandboxState, which: str) -> dict[str, Any]:
    """`createDate` and `createTimestamp` (or `update…`) of this second, by the sandbox's clock."""
    now = int(state.now())
    return {
        f"{which}Date": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%S +0000"),
        f"{which}Timestamp": now,
    }


class Shop:
    """The shop of one sandbox. Every change is one transaction; its webhooks are posted after it is committed."""

    def __init__(self, box: Sandbox) -> None:
        self.box, self.state = box, box.state
        self._events: list[dict[str, Any]] = []

    # Customers

    def place_order(self, basket: Basket) -> dict[str, Any]:
        """A customer orders (or leaves a cart behind). Raises ShopError when that is not possible."""
        if basket.payment not in PAYMENTS:
            raise ShopError("Choose how the order is paid.")
        with self.state.transaction():
            items = [self._item(number, *line) for number, line in enumerate(basket.lines, 1)]
            if not items:
                raise ShopError("Choose at least one product.")
            order = self._new_order(basket, items)
            if order["paymentStatus"] != "INCOMPLETE":
                self._take_stock(order)
            self._announce_order("created", order)
        self._send()
        return order

    def _new_order(self, basket: Basket, items: list[dict[str, Any]]) -> dict[str, Any]:
        option = self._shipping_option(basket.shipping_method)
        _, status, method, module = PAYMENTS[basket.payment]
        person = _person(basket.customer)
        email = basket.customer.get("email", "").strip()
        inclusive = self.state.setting("prices_include_tax", True)
        subtotal = sum((item["price"] * item["quantity"] for item in items), Decimal(0))
        tax = sum((item["tax"] for item in items), Decimal(0))
        discount = min(max(basket.discount, Decimal(0)), subtotal)
        rate = Decimal(str((option.get("flatRate") or {}).get("rate", 0)))
        return self._store_new({
            "email": email, "customerId": self._customer(email, person),
            "paymentStatus": status, "fulfillmentStatus": "AWAITING_PROCESSING", "paymentMethod": method, "paymentModule": module,
            "subtotal": subtotal, "discount": discount, "couponDiscount": Decimal(0), "tax": tax,
            "total": subtotal + rate - discount + (Decimal(0) if inclusive else tax), "pricesIncludeTax": inclusive,
            "billingPerson": person, "shippingPerson": person,
            "shippingOption": {
                "shippingMethodId": option["id"], "shippingMethodName": option["title"], "shippingRate": rate,
                "fulfillmentType": option["fulfilmentType"].upper(), "isPickup": option["fulfilmentType"] == "pickup",
                "locationId": option.get("locationId"),
            },
            "orderComments": basket.comment.strip(), "externalFulfillment": False, "items": items,
        })  # fmt: skip

    def create_order(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """An order made over the API, statuses as given."""
        _check(fields)
        with self.state.transaction():
            defaults = {"paymentStatus": "AWAITING_PAYMENT", "fulfillmentStatus": "AWAITING_PROCESSING", "items": []}
            order = self._store_new({**defaults, **fields})
            if order["paymentStatus"] != "INCOMPLETE":
                self._take_stock(order)
            self._announce_order("created", order)
        self._send()
        return order

    def _store_new(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        internal = self.state.next("order", 700_000_001)
        order_id = self._free_id()
        order = {
            "id": order_id, "internalId": internal, "orderNumber": internal, "vendorOrderNumber": order_id,
            **fields, **now_fields(self.state, "create"), **now_fields(self.state, "update"),
        }  # fmt: skip
        self.state.count("orders_created")
        return self.state.put("order", order_id, order)

    def _free_id(self) -> str:
        while True:
            found = str(self.state.setting("order_prefix", "")) + "".join(
                secrets.choice(_ID_CHARACTERS) for _ in range(5)
            )
            if self.state.get("order", found) is None:
                return found

    def _item(self, number: int, product_id: int, combination_id: int | None, quantity: int) -> dict[str, Any]:
        product = self.state.get("product", product_id)
        sold = product if combination_id is None else _combination(product, combination_id)
        if product is None or sold is None:
            raise ShopError(f"There is no product {product_id}.", 404)
        if quantity < 1:
            raise ShopError(f"Order at least one of {product['name']}.")
        price = Decimal(sold.get("price") or product["price"])
        rate, inclusive = (
            Decimal(product["tax"]["defaultLocationIncludedTaxRate"]),
            self.state.setting("prices_include_tax", True),
        )
        tax = (price * quantity * rate / (100 + rate if inclusive else 100)).quantize(_CENT)
        item = {
            "id": number, "productId": product["id"], "sku": sold["sku"], "name": product["name"], "quantity": quantity,
            "price": price, "productPrice": price, "tax": tax,
            "taxes": [{"name": "BTW", "value": rate, "total": tax, "includeInPrice": inclusive}],
            "isShippingRequired": True, "trackQuantity": not sold.get("unlimited", False),
        }  # fmt: skip
        return item if combination_id is None else item | {"combinationId": combination_id}

    def _shipping_option(self, id: str) -> dict[str, Any]:
        option = self.state.get("shipping_option", id)
        if option is None:
            raise ShopError("Choose a shipping method.")
        return option

    def _customer(self, email: str, person: Mapping[str, Any]) -> int | None:
        """The id of the customer with this e-mail address, made when new."""
        if not email:
            return None
        known = self.state.get("customer", email.lower())
        if known is None:
            known = {
                "id": self.state.next("customer", 8001),
                "email": email,
                "billingPerson": dict(person),
                "registered": now_fields(self.state, "x")["xDate"],
            }
            self.state.put("customer", email.lower(), known)
            self._event("customer.created", known["id"], {"customerEmail": email})
        return int(known["id"])

    # Staff and API

    def update_order(self, order_id: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Change some fields of an order. Cancelling ends its delivery and puts its goods back; a cancelled order can no
        longer be updated, except to say that it will not be delivered."""
        _check(fields)
        with self.state.transaction():
            old = self.order(order_id)
            final = old["paymentStatus"] == "CANCELLED" and self.box.switch("cancelled_is_final")
            if final and dict(fields) != {"fulfillmentStatus": "WILL_NOT_DELIVER"}:
                raise ShopError("A cancelled order can no longer be updated", 409)
            new = {**old, **fields, **now_fields(self.state, "update")}
            if new["paymentStatus"] == "CANCELLED" != old["paymentStatus"]:
                new["fulfillmentStatus"] = "WILL_NOT_DELIVER"
                if old["paymentStatus"] != "INCOMPLETE" and self.box.switch("restock_on_cancel"):
                    self._take_stock(old, sign=-1)
            if old["paymentStatus"] == "INCOMPLETE" != new["paymentStatus"]:
                self._take_stock(new)
            self._mail(old, new)
            self.state.put("order", order_id, new)
            self.state.count("orders_updated")
            self._announce_order("updated", new, old)
        self._send()
        return new

    def delete_order(self, order_id: str) -> None:
        """Delete an order for good."""
        with self.state.transaction():
            order = self.order(order_id)
            self.state.delete("order", order_id)
            self.state.put(
                "deleted_order",
                order_id,
                {"id": order["internalId"], "orderId": order_id, "date": now_fields(self.state, "x")["xDate"]},
            )
            self._event("order.deleted", order["internalId"])
        self._send()

    def order(self, order_id: str) -> dict[str, Any]:
        """One order. Raises ShopError (404)."""
        order = self.state.get("order", order_id)
        if order is None:
            raise ShopError(f"Order with id {order_id[:40]} was not found", 404)
        return order

    def _mail(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        """The shop mails the customer about some statuses, unless the order says not to."""
        for kind in ("paymentStatus", "fulfillmentStatus"):
            if new[kind] != old[kind] and new[kind] in _MAILED and not new.get("disableAllCustomerNotifications"):
                number = self.state.count("mails_sent")
                self.state.put(
                    "mail",
                    number,
                    {
                        "order": new["id"],
                        "status": new[kind],
                        "to": new.get("email"),
                        **now_fields(self.state, "create"),
                    },
                )

    # Stock

    def set_quantity(self, product_id: int, combination_id: int | None, *, to: int | None = None, by: int = 0) -> int:
        """Set the stock of a product or variation, or change it `by` so many. Gives the new number."""
        with self.state.transaction():
            new = self._change_quantity(product_id, combination_id, to=to, by=by)
            self.state.count("stock_writes")
        self._send()
        return new

    def save_product(self, product_id: int, fields: Mapping[str, Any]) -> None:
        """Change fields of a product that are not its stock."""
        with self.state.transaction():
            product = self.product(product_id)
            self.state.put("product", product_id, {**product, **fields, **updated_fields(self.state)})
            self._event("product.updated", product_id)
        self._send()

    def product(self, product_id: int) -> dict[str, Any]:
        """One product. Raises ShopError (404)."""
        product = self.state.get("product", product_id)
        if product is None:
            raise ShopError(f"Product with id {product_id} was not found", 404)
        return product

    def _take_stock(self, order: Mapping[str, Any], sign: int = 1) -> None:
        """An order takes its goods (`sign` -1: gives them back)."""
        for item in order.get("items") or ():
            product = self.state.get("product", item.get("productId", 0))
            sold = product if item.get("combinationId") is None else _combination(product, item["combinationId"])
            if product is None or sold is None or sold.get("unlimited"):
                continue
            short = sign > 0 and sold["quantity"] < item["quantity"]
            if short and not self.box.switch("oversell"):
                raise ShopError(f"Only {sold['quantity']} of {item['sku']} are in stock.")
            self._change_quantity(product["id"], item.get("combinationId"), by=-sign * item["quantity"])

    def _change_quantity(
        self, product_id: int, combination_id: int | None, *, to: int | None = None, by: int = 0
    ) -> int:
        product = self.product(product_id)
        sold = product if combination_id is None else _combination(product, combination_id)
        if sold is None:
            raise ShopError(f"Product variation with id {combination_id} was not found", 404)
        new = int(sold.get("quantity") or 0) + by if to is None else to
        sold |= {"quantity": new, "unlimited": False, "inStock": new > 0}
        self.state.put("product", product_id, product | updated_fields(self.state))
        self._event("product.updated", product_id)
        return new

    # Webhooks

    def _announce_order(self, what: str, order: Mapping[str, Any], old: Mapping[str, Any] | None = None) -> None:
        data = {
            "orderId": order["id"],
            "newPaymentStatus": order["paymentStatus"],
            "newFulfillmentStatus": order["fulfillmentStatus"],
        }
        was_cart = old is not None and old["paymentStatus"] == "INCOMPLETE"
        if old is not None and not was_cart:
            data |= {"oldPaymentStatus": old["paymentStatus"], "oldFulfillmentStatus": old["fulfillmentStatus"]}
        if order["paymentStatus"] == "INCOMPLETE":
            what = f"unfinished_order.{what}"
        else:
            # A cart that its customer finishes after all becomes an order at that moment.
            what = "order.created" if was_cart else f"order.{what}"
        self._event(what, order["internalId"], data)

    def _event(self, kind: str, entity: int, data: Mapping[str, Any] | None = None) -> None:
        event = {"eventId": str(uuid.uuid4()), "eventCreated": int(self.state.now()), "storeId": self.state.setting("store_id", 0),
                 "entityId": entity, "eventType": kind}  # fmt: skip
        self._events.append(event if data is None else event | {"data": dict(data)})

    def _send(self) -> None:
        """Post what happened, one product event per product and change."""
        events, self._events = self._events, []
        url = self.box.webhook_url
        for event in _without_repeats(events):
            kind = event["eventType"]
            address = f"{url}{'&' if '?' in url else '?'}eventtype={kind}" if url else ""
            self.box.courier.post(kind, address, json.dumps(event).encode())


def _without_repeats(events: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({(event["eventType"], event["entityId"]): event for event in events}.values())


def _combination(product: dict[str, Any] | None, combination_id: int) -> dict[str, Any] | None:
    combinations = (product or {}).get("combinations") or ()
    return next((each for each in combinations if each["id"] == combination_id), None)


def updated_fields(state: SandboxState) -> dict[str, Any]:
    """`updated` and `updateTimestamp` of this second, as products have them."""
    fields = now_fields(state, "update")
    return {"updated": fields["updateDate"], "updateTimestamp": fields["updateTimestamp"]}


def _person(customer: Mapping[str, str]) -> dict[str, Any]:
    name = customer.get("name", "").strip()
    first, _, last = name.partition(" ")
    given = {
        "name": name, "firstName": first, "lastName": last.strip(), "street": customer.get("street", ""),
        "city": customer.get("city", ""), "postalCode": customer.get("postalCode", ""),
        "countryCode": customer.get("countryCode", ""), "phone": customer.get("phone", ""),
    }  # fmt: skip
    return {key: value.strip() for key, value in given.items() if value.strip()}


def _check(fields: Mapping[str, Any]) -> None:
    for name, words in (("paymentStatus", PAYMENT_STATUSES), ("fulfillmentStatus", FULFILMENT_STATUSES)):
        if name in fields and fields[name] not in words:
            raise ShopError(f"{name} {str(fields[name])[:40]} is wrong")
    items = fields.get("items", ())
    if not isinstance(items, list | tuple) or not all(isinstance(each, dict) and _counts(each) for each in items):
        raise ShopError("items is wrong")


def _counts(item: Mapping[str, Any]) -> bool:
    quantity = item.get("quantity")
    return isinstance(quantity, int) and not isinstance(quantity, bool) and quantity > 0
