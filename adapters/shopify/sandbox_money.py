"""The amounts of a sandbox order, and the words the shop derives from its state."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from adapters.shopify.sandbox_book import OPEN_STATES, current, fulfilled, unfulfilled

ZERO = Decimal(0)
CENT = Decimal("0.01")


def cents(amount: Decimal) -> Decimal:
    return Decimal(amount).quantize(CENT, ROUND_HALF_UP)


def line_discount(line: Mapping[str, Any], units: int) -> Decimal:
    """The share that so many units have in the line's discount."""
    return cents(Decimal(line["discount"]) * units / line["quantity"]) if line["quantity"] else ZERO


def line_net(line: Mapping[str, Any], units: int) -> Decimal:
    """Price of so many units after discount; with or without tax, as the order's prices are."""
    return cents(Decimal(line["price"]) * units) - line_discount(line, units)


def tax_in(amount: Decimal, rate: Decimal, included: bool) -> Decimal:
    """The tax inside, or on top of, an amount. `rate` in percent."""
    rate = Decimal(rate)
    return cents(amount * rate / (100 + rate if included else 100))


def line_tax(order: Mapping[str, Any], line: Mapping[str, Any], units: int) -> Decimal:
    return tax_in(line_net(line, units), line["tax_rate"], order["taxes_included"])


def shipping_tax(order: Mapping[str, Any], line: Mapping[str, Any]) -> Decimal:
    return tax_in(Decimal(line["price"]), line["tax_rate"], order["taxes_included"])


def shipping_refunded(order: Mapping[str, Any]) -> Decimal:
    return sum((Decimal(each["shipping"]) for each in order["refunds"]), ZERO)


def total(order: Mapping[str, Any], *, now: bool) -> Decimal:
    """What the order costs: as ordered, or `now`, after removals and refunds."""
    result = ZERO
    for line in order["lines"]:
        units = current(order, line) if now else line["quantity"]
        result += line_net(line, units) + (ZERO if order["taxes_included"] else line_tax(order, line, units))
    for line in order["shipping"]:
        result += Decimal(line["price"]) + (ZERO if order["taxes_included"] else shipping_tax(order, line))
    return result + Decimal(order["tip"]) - (shipping_refunded(order) if now else ZERO)


def tax(order: Mapping[str, Any], *, now: bool) -> Decimal:
    lines = sum(
        (line_tax(order, line, current(order, line) if now else line["quantity"]) for line in order["lines"]), ZERO
    )
    return lines + sum((shipping_tax(order, line) for line in order["shipping"]), ZERO)


def moved(order: Mapping[str, Any], *kinds: str) -> Decimal:
    """The sum of its successful transactions of these kinds."""
    return sum(
        (Decimal(each["amount"]) for each in order["transactions"] if each["kind"] in kinds and each["status"] == "SUCCESS"),
        ZERO,
    )


def payments(order: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The transactions that brought money."""
    return [each for each in order["transactions"] if each["kind"] in ("SALE", "CAPTURE") and each["status"] == "SUCCESS"]


def received(order: Mapping[str, Any]) -> Decimal:
    return moved(order, "SALE", "CAPTURE")


def paid_back(order: Mapping[str, Any]) -> Decimal:
    return moved(order, "REFUND")


def outstanding(order: Mapping[str, Any]) -> Decimal:
    """What the customer still owes (negative: is owed)."""
    if order["cancelled"]:
        return ZERO
    return total(order, now=True) - received(order) + paid_back(order)


def financial_status(order: Mapping[str, Any]) -> str:
    """The payment status the shop shows."""
    money, back = received(order), paid_back(order)
    if back > 0:
        return "REFUNDED" if back >= money else "PARTIALLY_REFUNDED"
    if money >= total(order, now=True) and not (order["cancelled"] and not money):
        return "PAID"
    if money > 0:
        return "PARTIALLY_PAID"
    if order["cancelled"] or moved(order, "VOID"):
        return "VOIDED"
    return "AUTHORIZED" if moved(order, "AUTHORIZATION") else "PENDING"


def fulfilment_status(order: Mapping[str, Any]) -> str:
    """The fulfilment status the shop shows. There is no word for cancelled."""
    open_parts = [each for each in order["fulfilment_orders"] if each["status"] in OPEN_STATES]
    sent = any(fulfilled(order, line["id"]) for line in order["lines"])
    left = any(unfulfilled(order, line) for line in order["lines"])
    if sent:
        return "PARTIALLY_FULFILLED" if left else "FULFILLED"
    for word in ("ON_HOLD", "SCHEDULED", "IN_PROGRESS"):
        if open_parts and all(each["status"] == word for each in open_parts):
            return word
    return "UNFULFILLED"
