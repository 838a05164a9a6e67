"""Money in the sandbox: transactions, capture and void, refund quotes and refunds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from adapters.bigcommerce.progress import AWAITING_PAYMENT, PARTLY_REFUNDED, REFUNDED
from adapters.bigcommerce.sandbox_core import Shop, ShopError, cents

PROVIDERS: Mapping[str, tuple[str, str]] = {
    "Credit Card": ("braintree", "Braintree"), "Bank Deposit": ("bankdeposit", "Bank Deposit"),
    "Cash on Delivery": ("cod", "Cash on Delivery"), "Manual": ("custom", "Manual"),
}  # fmt: skip
"""Payment method as shown -> gateway code, its name. All but the first are offline."""


def transactions(shop: Shop, order_id: int) -> list[dict[str, Any]]:
    """Every transaction of an order."""
    return shop.of("transaction", order_id)


def transact(shop: Shop, order: Mapping[str, Any], event: str, amount: Decimal, gateway: str = "") -> dict[str, Any]:
    """Write a transaction and tell of it; without a `gateway` it goes through that of the order's payment method."""
    number = shop.state.next("transaction", 7001)
    gateway = gateway or PROVIDERS.get(order["payment_method"], ("custom", ""))[0]
    online = gateway == "braintree"
    document: dict[str, Any] = {
        "id": number, "order_id": str(order["id"]), "event": event, "method": "credit_card" if online else "offline",
        "amount": float(amount), "currency": order["default_currency_code"], "gateway": gateway,
        "gateway_transaction_id": f"{gateway}-{number}", "status": "ok", "test": False, "fraud_review": False,
        "date_created": shop.iso(), "payment_method_id": f"{gateway}.{'card' if online else 'offline'}",
        "offline": None if online else {"display_name": order["payment_method"]}, "custom": None,
    }  # fmt: skip
    shop.attach("transaction", order["id"], document)
    shop.event("store/order/transaction/created", {
        "type": "transaction", "order_id": str(order["id"]), "transaction_id": number, "transaction_status": "ok",
        "transaction_type": event, "result": {"code": "ok", "message": "", "type": "payment"},
    })  # fmt: skip
    return document


def capture(shop: Shop, order_id: object) -> None:
    """Take the money of an authorisation, in the background."""
    _start(shop, order_id, "capture pending", "captured")


def void(shop: Shop, order_id: object) -> None:
    """Let an authorisation go, in the background."""
    _start(shop, order_id, "void pending", "void")


def _start(shop: Shop, order_id: object, pending: str, done: str) -> None:
    with shop.change():
        order = shop.order(order_id)
        if order["payment_status"] != "authorized":
            raise ShopError("The payment of this order is not authorized.", 400)
        order["payment_status"] = pending
        shop.save(order)
        shop.later("payment", order=order["id"], becomes=done)


def finish(shop: Shop, order: int, becomes: str) -> None:
    """The background part of a capture, a void or a refund."""
    document = shop.order(order)
    if becomes == "captured":
        transact(shop, document, "capture", cents(document["total_inc_tax"]))
    if becomes == "void":
        transact(shop, document, "void", cents(document["total_inc_tax"]))
    if becomes in ("refunded", "partially refunded"):
        becomes = "refunded" if refunded(shop, order) >= cents(document["total_inc_tax"]) else "partially refunded"
        if shop.box.switch("refund_changes_status"):
            shop.set_status(document, REFUNDED if becomes == "refunded" else PARTLY_REFUNDED)
    document["payment_status"] = becomes
    shop.save(document)


def refunds(shop: Shop, order_id: int) -> list[dict[str, Any]]:
    """Every refund of an order, oldest first."""
    return shop.of("refund", order_id)


def refunded(shop: Shop, order_id: int) -> Decimal:
    """What was paid back so far."""
    return sum((cents(each["total_amount"]) for each in refunds(shop, order_id)), Decimal(0))


def quote(shop: Shop, order_id: object, items: Any) -> dict[str, Any]:
    """What a refund of these items comes to, and how the money can go back."""
    order = shop.order(order_id)
    amount, tax = Decimal(0), Decimal(0)
    for item in _items(items):
        part, part_tax = _value(shop, order, item)
        amount, tax = amount + part, tax + part_tax
    left = cents(order["total_inc_tax"]) - refunded(shop, order["id"])
    if amount <= 0 or amount > left:
        raise ShopError(f"The refund amount {amount} exceeds the {left} that can be refunded.")
    if order["status_id"] in (0, 1, AWAITING_PAYMENT) or order["payment_status"] in ("authorized", "void"):
        raise ShopError("This order has no payment that can be refunded.")
    return {
        "order_id": order["id"], "total_refund_amount": float(amount), "total_refund_tax_amount": float(tax), "rounding": 0,
        "adjustment": 0, "tax_inclusive": True, "refund_methods": _methods(order, amount),
    }  # fmt: skip


def _methods(order: Mapping[str, Any], amount: Decimal) -> list[list[dict[str, Any]]]:
    gateway, name = PROVIDERS.get(order["payment_method"], ("custom", "Manual"))
    offline = gateway != "braintree"
    ways = [[{
        "provider_id": gateway, "provider_description": name, "amount": float(amount), "offline": offline,
        "offline_provider": offline, "offline_reason": "This payment method is processed by hand." if offline else "",
    }]]  # fmt: skip
    if not offline:
        ways.append(
            [
                {
                    "provider_id": "custom",
                    "provider_description": "Custom",
                    "amount": float(amount),
                    "offline": True,
                    "offline_provider": True,
                    "offline_reason": "",
                }
            ]
        )
    if order["customer_id"]:
        ways.append(
            [
                {
                    "provider_id": "storecredit",
                    "provider_description": "Store credit",
                    "amount": float(amount),
                    "offline": False,
                    "offline_provider": False,
                    "offline_reason": "",
                }
            ]
        )
    return ways


def _items(items: Any) -> list[dict[str, Any]]:
    if not isinstance(items, list) or not items or not all(isinstance(each, dict) for each in items):
        raise ShopError("Payload contains invalid fields", errors={"items": "must not be empty"})
    return items


def _value(shop: Shop, order: dict[str, Any], item: Mapping[str, Any]) -> tuple[Decimal, Decimal]:
    kind, number = item.get("item_type"), item.get("item_id")
    if kind == "PRODUCT":
        line = next((each for each in order["_lines"] if each["id"] == number), None)
        count = item.get("quantity")
        if line is None or not isinstance(count, int) or isinstance(count, bool):
            raise ShopError(f"Order item {number} was not found.")
        if not 0 < count <= line["quantity"] - line["quantity_refunded"]:
            raise ShopError(f"Only {line['quantity'] - line['quantity_refunded']} of item {number} can be refunded.")
        whole, untaxed = Decimal(line["total_inc_tax"]), Decimal(line["total_ex_tax"])
        part = Decimal(count) / line["quantity"]
        return cents(whole * part), cents((whole - untaxed) * part)
    if kind in ("ORDER", "SHIPPING", "HANDLING", "TAX", "FEE"):
        try:
            return cents(item["amount"]), Decimal(0)
        except (KeyError, ArithmeticError):
            raise ShopError("Payload contains invalid fields", errors={"amount": "must be a number"}) from None
    raise ShopError("Payload contains invalid fields", errors={"item_type": "unknown"})


def refund(shop: Shop, order_id: object, items: Any, payments: Any) -> dict[str, Any]:
    """Make a refund. Its payment goes through in the background. Raises ShopError when it is not as quoted."""
    quoted = quote(shop, order_id, items)
    amount = cents(quoted["total_refund_amount"])
    _check_payments(quoted, payments, amount)
    with shop.change():
        order = shop.order(order_id)
        number = shop.state.next("refund", 501)
        document = {
            "id": number, "order_id": order["id"], "user_id": 1, "created": shop.iso(), "reason": _reason(items),
            "total_amount": float(amount), "total_tax": quoted["total_refund_tax_amount"], "uses_merchant_override_values": False,
            "items": [_refund_item(shop, order, item) for item in _items(items)],
            "payments": [
                {
                    "id": shop.state.next("refund_payment", 901), "provider_id": each["provider_id"], "amount": each["amount"],
                    "offline": bool(each.get("offline")), "is_declined": False, "declined_message": "",
                    "transaction_id": str(transact(shop, order, "refund", cents(each["amount"]), each["provider_id"])["id"]),
                }
                for each in payments
            ],
        }  # fmt: skip
        shop.attach("refund", order["id"], document)
        shop.state.count("refunds_made")
        shop.save(order)
        shop.event("store/order/refund/created", {"type": "order", "id": order["id"], "refund": {"refund_id": number}})
        shop.later("payment", order=order["id"], becomes="refunded")
    return document


def _check_payments(quoted: Mapping[str, Any], payments: Any, amount: Decimal) -> None:
    if not isinstance(payments, list) or not payments or not all(isinstance(each, dict) for each in payments):
        raise ShopError("Payload contains invalid fields", errors={"payments": "must not be empty"})
    known = {way["provider_id"] for ways in quoted["refund_methods"] for way in ways}
    if {each.get("provider_id") for each in payments} - known:
        raise ShopError("Unknown payment provider.")
    if sum((cents(each.get("amount", 0)) for each in payments), Decimal(0)) != amount:
        raise ShopError(f"The refund payments must come to {amount}.")


def _refund_item(shop: Shop, order: dict[str, Any], item: Mapping[str, Any]) -> dict[str, Any]:
    amount, _ = _value(shop, order, item)
    if item["item_type"] == "PRODUCT":
        line = next(each for each in order["_lines"] if each["id"] == item["item_id"])
        line["quantity_refunded"] += item["quantity"]
        line["is_refunded"] = line["quantity_refunded"] >= line["quantity"]
    return {
        "item_type": item["item_type"], "item_id": item["item_id"], "reason": item.get("reason", ""),
        "quantity": item.get("quantity", 1), "requested_amount": float(amount),
    }  # fmt: skip


def _reason(items: Sequence[Mapping[str, Any]]) -> str:
    return next((str(item["reason"]) for item in items if item.get("reason")), "")
