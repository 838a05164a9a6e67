"""What the sandbox's orders cost. Lines keep amounts without tax, as texts of two decimals, tax apart; the order's own
totals are sums of these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

CENT = Decimal("0.01")


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def text(amount: Decimal | int) -> str:
    return f"{cents(Decimal(amount)):f}"


def split(gross: Decimal, percent: Decimal) -> tuple[Decimal, Decimal]:
    """An amount with tax as the amount without and its tax."""
    net = cents(gross * 100 / (100 + percent))
    return net, gross - net


def priced(amount: Decimal, percent: Decimal, *, with_tax: bool) -> tuple[Decimal, Decimal]:
    """What something costs without tax, and its tax, in a shop whose prices are with or without."""
    return split(cents(amount), percent) if with_tax else (cents(amount), cents(amount * percent / 100))


def charge(line: dict[str, Any], unit_price: Decimal, off: Decimal, *, with_tax: bool) -> None:
    """Set a line's amounts: before coupons (`subtotal`) and after `off`, which is an amount with tax."""
    rate, units = Decimal(line["rate"]), line["quantity"]
    net, tax = priced(unit_price * units, rate, with_tax=with_tax)
    after_net, after_tax = split(max(net + tax - off, Decimal(0)), rate) if off else (net, tax)
    line |= {
        "subtotal": text(net), "subtotal_tax": text(tax), "total": text(after_net), "total_tax": text(after_tax),
    }  # fmt: skip


def shares(discount: Decimal, grosses: Sequence[Decimal]) -> list[Decimal]:
    """A discount divided over lines by what they cost, to the cent."""
    whole, left = sum(grosses, Decimal(0)), cents(discount)
    found = []
    for gross in grosses[:-1]:
        share = min(cents(discount * gross / whole), left) if whole else Decimal(0)
        found.append(share)
        left -= share
    return [*found, left] if grosses else []


def gross(line: Mapping[str, Any]) -> Decimal:
    return Decimal(line["total"]) + Decimal(line["total_tax"])


def total_up(order: dict[str, Any]) -> None:
    """Set the order's totals to the sums of its lines, shipping and fees."""
    lines, shipping, fees = order["line_items"], order["shipping_lines"], order["fee_lines"]
    discount = _sum(lines, "subtotal") - _sum(lines, "total")
    discount_tax = _sum(lines, "subtotal_tax") - _sum(lines, "total_tax")
    cart_tax, shipping_tax = _sum([*lines, *fees], "total_tax"), _sum(shipping, "total_tax")
    order |= {
        "discount_total": text(discount), "discount_tax": text(discount_tax), "shipping_total": text(_sum(shipping, "total")),
        "shipping_tax": text(shipping_tax), "cart_tax": text(cart_tax), "total_tax": text(cart_tax + shipping_tax),
        "total": text(_sum([*lines, *fees, *shipping], "total") + cart_tax + shipping_tax),
    }  # fmt: skip


def _sum(lines: Iterable[Mapping[str, Any]], name: str) -> Decimal:
    return sum((Decimal(line[name]) for line in lines), Decimal(0))
