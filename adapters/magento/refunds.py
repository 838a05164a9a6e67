"""Refunds: a credit memo for exactly the amount that was paid back, once for each reference.

Magento works out an amount from quantities itself; what our amount is more or less goes into its adjustment fields, so the
memo is the amount to the cent. `shipping_amount` is sent as 0 unless everything is paid back: left out, Magento adds whatever
shipping is left, and whether it means it with or without tax is a setting of the shop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from adapters.base import Refused, Result
from adapters.fields import Amounts, Reader, objects, text
from adapters.magento.comments import released
from adapters.magento.orders import Line, lines_of
from adapters.magento.progress import mark
from adapters.magento.work import Work

_NOTHING = Decimal(0)
_PAID, _CENT = 2, Decimal("0.005")
"""State of an invoice that is paid."""

Units = dict[str, Decimal]


def refund_order(work: Work) -> Result:
    """Record one refund, or have the gateway pay it (`pay_back`). Raises Refused for more than is left of what was paid."""
    reference, amount = work.text("reference"), _amount(work)
    order: Mapping[str, Any] = work.order()
    order_id, number = str(order["entity_id"]), str(order.get("increment_id"))
    found = _memo(work, order_id, reference)
    if found is not None:
        return _known(work, reference, found, f"Refund {reference} of order {number} is there already.")
    left = _left(order)
    money = Amounts(str(order.get("order_currency_code") or "EUR"))
    currency = text(work.call.payload, "currency") or order.get("order_currency_code")
    if currency != order.get("order_currency_code"):
        raise Refused(f"Order {number} is in {order.get('order_currency_code')}: a refund in {currency} cannot be recorded there.")
    if amount > left + _CENT:
        raise Refused(
            f"{money.text(amount)} {currency} is more than the {money.text(max(_NOTHING, left))} {currency} left to pay back of order {number}."
        )
    remarks: list[str] = []
    order = released(work, order, remarks)
    lines = lines_of(order)
    units = _wanted(work, lines, remarks)
    if abs(left - amount) < _CENT:
        units = {line.id: _refundable(line) for line in lines if line.priced and _refundable(line)}
    body = _body(work, order, lines, units, amount, reference, restock=work.call.payload.get("restock") is True)
    _post(work, order, amount, body, online=work.call.payload.get("pay_back") is True)
    made = _memo(work, order_id, reference)
    if made is None:
        raise Refused(f"The shop made no credit memo for refund {reference} of order {number}: look at the order there.")
    booked = Reader(made, number).number("grand_total")
    if abs(booked - amount) >= _CENT:
        remarks.append(f"the shop booked {money.text(booked)}: correct it there")
    also = f" ({'; '.join(remarks)})" if remarks else ""
    return _known(work, reference, made, f"Refunded {money.text(amount)} {currency} of order {number}{also}.", new=True)


def refund_rest(work: Work, order: Mapping[str, Any], *, restock: bool) -> list[str]:
    """Record that everything that is left was paid back; says so, or nothing when nothing is left."""
    left, reference = _left(order), f"cancel-{order['entity_id']}"
    if left < _CENT or _memo(work, str(order["entity_id"]), reference) is not None:
        return []
    lines = lines_of(order)
    units = {line.id: _refundable(line) for line in lines if line.priced and _refundable(line)}
    work.client.post(f"order/{order['entity_id']}/refund", _body(work, order, lines, units, left, reference, restock=restock))
    return [f"recorded the refund of {Amounts(str(order.get('order_currency_code') or 'EUR')).text(left)}"]


def _body(
    work: Work, order: Mapping[str, Any], lines: Sequence[Line], units: Units, amount: Decimal, reference: str, *, restock: bool
) -> dict[str, Any]:
    """The credit memo that comes to the amount."""
    money = Amounts(str(order.get("order_currency_code") or "EUR"))
    read = Reader(order, str(order.get("increment_id")))
    goods = money.rounded(sum((_value(read, line) * units.get(line.id, _NOTHING) for line in lines if line.ordered), _NOTHING))
    shipping = read.number("shipping_incl_tax") - read.number("shipping_refunded") - read.number("shipping_tax_refunded")
    whole = all(units.get(line.id, _NOTHING) == _refundable(line) for line in lines if line.priced)
    arguments: dict[str, Any] = {}
    if not (whole and abs(goods + shipping - amount) < _CENT):
        # Adjustments are given in the shop's base currency (`Creditmemo::setAdjustmentPositive`).
        difference = money.rounded((amount - goods) / (read.number("base_to_order_rate") or 1))
        arguments["shipping_amount"] = 0
        arguments["adjustment_positive"] = max(_NOTHING, difference)
        arguments["adjustment_negative"] = max(_NOTHING, -difference)
    if restock and units:
        arguments["extension_attributes"] = {"return_to_stock_items": [int(line_id) for line_id in units]}
    # No items would mean all of them, so an amount alone names one item with quantity 0.
    named = units or {next((line.id for line in lines if line.priced), "0"): _NOTHING}
    reason = text(work.call.payload, "reason")
    return {
        "items": [{"order_item_id": int(line_id), "qty": quantity} for line_id, quantity in named.items()],
        "notify": work.notifies,
        "appendComment": False,
        "comment": {"comment": f"{reason or 'Refund'} {mark(f'refund {reference}')}", "is_visible_on_front": 0},
        "arguments": arguments,
    }


def _post(work: Work, order: Mapping[str, Any], amount: Decimal, body: Mapping[str, Any], *, online: bool) -> None:
    if not online:
        work.client.post(f"order/{order['entity_id']}/refund", body)
        return
    number = order.get("increment_id")
    invoices = work.client.everything("invoices", [("order_id", "eq", order["entity_id"])], key="entity_id")
    covering = [invoice for invoice in invoices if invoice.get("state") == _PAID and _free(invoice, str(number)) >= amount - _CENT]
    if not covering:
        raise Refused(
            f"No single invoice of order {number} has that much left: the gateway pays back by invoice. Refund it in the shop's "
            "admin, or ask for parts."
        )
    work.client.post(f"invoice/{covering[0]['entity_id']}/refund", {**body, "isOnline": True})


def _wanted(work: Work, lines: Sequence[Line], remarks: list[str]) -> Units:
    """The lines of the payload as far as Magento can still refund them; amounts do not depend on it."""
    by_id, units = {line.id: line for line in lines}, dict[str, Decimal]()
    for each in work.payload_objects("lines"):
        line, quantity = by_id.get(str(each.get("line"))), each.get("quantity")
        if isinstance(quantity, bool) or not isinstance(quantity, int) or quantity < 1:
            raise Refused(f"A refunded line needs a whole quantity above 0, not {quantity!r}.")
        if line is None:
            remarks.append(f"the shop has no line {each.get('line')}")
        elif not line.priced:
            remarks.append(f"{line.sku} has no price of its own there")
        elif quantity > _refundable(line):
            remarks.append(f"only {_refundable(line).normalize():f} x {line.sku} can be paid back there as goods")
        if line is not None and line.priced and _refundable(line):
            units[line.id] = min(Decimal(quantity), _refundable(line))
    return units


def _refundable(line: Line) -> Decimal:
    return max(_NOTHING, line.invoiced - line.refunded)


def _value(read: Reader, line: Line) -> Decimal:
    """What a unit is worth in a credit memo: its row with tax, less its discount."""
    if not line.priced:
        return _NOTHING
    row = sum((read.number(name, line.item) for name in ("row_total", "tax_amount", "discount_tax_compensation_amount")), _NOTHING)
    return (row - abs(read.number("discount_amount", line.item))) / line.ordered


def _left(order: Mapping[str, Any]) -> Decimal:
    read = Reader(order, str(order.get("increment_id")))
    return read.number("total_paid") - read.number("total_refunded")


def _free(invoice: Mapping[str, Any], number: str) -> Decimal:
    read = Reader(invoice, number)
    return read.number("grand_total") - read.number("base_total_refunded") * (read.number("base_to_order_rate") or 1)


def _memo(work: Work, order_id: str, reference: str) -> Mapping[str, Any] | None:
    """The credit memo that carries a refund's mark."""
    wanted = mark(f"refund {reference}")
    memos = work.client.everything("creditmemos", [("order_id", "eq", order_id)], key="entity_id")
    return next((m for m in memos if any(wanted in (text(c, "comment") or "") for c in objects(m, "comments"))), None)


def _known(work: Work, reference: str, memo: Mapping[str, Any], said: str, *, new: bool = False) -> Result:
    if work.memory.external("refund", reference) != str(memo["entity_id"]):
        work.memory.bind("refund", reference, str(memo["entity_id"]))
    return Result(said, did_nothing=not new)


def _amount(work: Work) -> Decimal:
    """The amount of the payload. Raises Refused for anything but a number above 0."""
    amount = Reader({"amount": work.call.payload.get("amount")}, "refund").number("amount")
    if amount <= 0:
        raise Refused(f"A refund needs an amount above 0, not {work.call.payload.get('amount')!r}.")
    return amount
