"""Records refunds in the shop, and lets its payment provider pay where that is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from adapters.base import Refused, Result
from adapters.fields import Amounts, object_of, objects, text
from adapters.shopify.client import KEY_SPENT, UserErrors, gid, number_of
from adapters.shopify.mutations import REFUND
from adapters.shopify.parts import standing, wanted_lines
from adapters.shopify.queries import REFUNDABLE
from adapters.shopify.settings import text_setting
from adapters.shopify.work import Work

_HIGHEST = Decimal(10) ** 12


def refund_order(work: Work) -> Result:
    """Record a refund once.

    Looks for our reference first, in memory and in the notes of the refunds there; the request carries an idempotency key
    besides. With `pay_back` the money goes back through the payments it came by, else it is recorded as paid back outside
    (setting `outside_refund_gateway`). Raises Refused for more than is left, naming both amounts, and for another currency.
    """
    payload = work.call.payload
    reference = work.text("reference")
    if work.memory.external("refund", reference) is not None:
        return Result("Shopify has this refund already.", did_nothing=True)
    order_id = work.order_id()
    lines = wanted_lines(payload.get("lines"))
    asked = [{"lineItemId": gid("LineItem", line), "quantity": units} for line, units in lines.items()]
    order = object_of(work.client.query(REFUNDABLE, id=order_id, lines=asked), "order")
    if not order:
        raise Refused(f"Shopify has no order {number_of(order_id)} any more.")
    name = text(order, "name") or number_of(order_id)
    mark = f"[{reference}]"
    known = next((each for each in objects(order, "refunds") if mark in (text(each, "note") or "")), None)
    if known is not None:
        work.memory.bind("refund", reference, number_of(known.get("id")))
        return Result(f"Shopify has this refund of order {name} already.", did_nothing=True)
    amount = _amount(work, order, name)
    refund: dict[str, Any] = {
        "orderId": order_id, "note": f"{_reason(payload)}{mark}",
        "notify": payload.get("notify_customer") is True, "refundLineItems": _lines(work, order_id, lines),
        "transactions": _payments(work, order, order_id, amount),
    }  # fmt: skip
    answer = _send(work, reference, refund)
    work.memory.bind("refund", reference, number_of(object_of(answer, "refund").get("id")))
    how = "paid back by its payment provider" if payload.get("pay_back") is True else "recorded as paid back elsewhere"
    return Result(f"Order {name} in Shopify: refund of {amount} {how}.")


def _send(work: Work, reference: str, refund: dict[str, Any]) -> Mapping[str, Any]:
    """Make the refund. A key whose attempt was refused is spent: that nothing came of it is certain then, and the next
    attempt gets another one."""
    counter = f"refund.attempts:{reference}"
    kept = work.memory.get(counter)
    attempt = kept if isinstance(kept, int) else 0
    try:
        return work.client.change(REFUND, input=refund, key=work.key("refund", reference, attempt))
    except UserErrors as problem:
        if not problem.codes & KEY_SPENT:
            raise
    work.memory.put(counter, attempt + 1)
    return work.client.change(REFUND, input=refund, key=work.key("refund", reference, attempt + 1))


def _amount(work: Work, order: Mapping[str, Any], name: str) -> Decimal:
    currency, given = text(order, "currencyCode") or "", text(work.call.payload, "currency")
    if given and given.upper() != currency:
        raise Refused(f"Order {name} in Shopify is in {currency}: a refund in {given.upper()} cannot be recorded there.")
    paid_in = text(order, "presentmentCurrencyCode") or currency
    if paid_in != currency:
        raise Refused(
            f"The customer paid order {name} in {paid_in}, and Shopify refunds in that currency only: refund it there by hand."
        )
    value = work.call.payload.get("amount")
    try:
        amount = Decimal(value) if isinstance(value, str) else Decimal(-1)
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or not 0 <= amount <= _HIGHEST:
        raise Refused(f"The command refund_order needs an amount such as 12.50, not {value!r}.")
    amount = Amounts(currency).rounded(amount)
    left = _money(order, "totalReceivedSet") - _money(order, "totalRefundedSet")
    if amount > left:
        shown = Amounts(currency)
        raise Refused(
            f"Order {name} in Shopify has {shown.text(left)} {currency} left to refund: {shown.text(amount)} {currency} is too much."
        )
    return amount


def _lines(work: Work, order_id: str, lines: Mapping[str, int]) -> list[dict[str, Any]]:
    """The lines as the API takes them. Units not sent yet are cancelled, units sent come back; without restocking neither
    changes stock over there."""
    if not lines:
        return []
    restock = work.call.payload.get("restock") is True
    order = standing(work, order_id)
    rows: list[dict[str, Any]] = []
    for line, units in lines.items():
        unsent = min(units, sum(part.units().get(line, 0) for part in order.open))
        home = next((part.location for part in order.open if part.units().get(line) and part.location), "")
        source = next((each.location for each in order.shipments if line in each.units and each.location), "")
        for count, kind, location in ((unsent, "CANCEL", home), (units - unsent, "RETURN", source or home)):
            if not count:
                continue
            row: dict[str, Any] = {"lineItemId": gid("LineItem", line), "quantity": count}
            if restock and location:
                row |= {"restockType": kind, "locationId": gid("Location", location)}
            else:
                row["restockType"] = "NO_RESTOCK"
            rows.append(row)
    return rows


def _payments(work: Work, order: Mapping[str, Any], order_id: str, amount: Decimal) -> list[dict[str, Any]]:
    """Where the money comes from: the payments of the order, or the gateway that stands for paying elsewhere."""
    if not amount:
        return []
    currency = Amounts(text(order, "currencyCode") or "")
    if work.call.payload.get("pay_back") is not True:
        gateway = text_setting(work.connection, "outside_refund_gateway")
        outside = {"orderId": order_id, "kind": "REFUND", "gateway": gateway, "amount": currency.text(amount)}
        return [outside] if gateway else []
    left, rows = amount, []
    for each in objects(object_of(order, "suggestedRefund"), "suggestedTransactions"):
        most = _money(each, "maximumRefundableSet") or _money(each, "amountSet")
        parent = object_of(each, "parentTransaction").get("id")
        taken = min(left, most)
        if taken > 0 and parent:
            rows.append({"orderId": order_id, "kind": "REFUND", "gateway": text(each, "gateway") or "manual",
                         "parentId": str(parent), "amount": currency.text(taken)})  # fmt: skip
            left -= taken
    if left > 0:
        raise Refused(
            f"The payments of order {text(order, 'name')} in Shopify can give back {currency.text(amount - left)}, not "
            f"{currency.text(amount)}: pay the rest another way."
        )
    return rows


def _money(values: Mapping[str, Any], key: str) -> Decimal:
    value = object_of(object_of(values, key), "shopMoney").get("amount")
    try:
        return Decimal(value) if isinstance(value, str | int | Decimal) and not isinstance(value, bool) else Decimal(0)
    except InvalidOperation:
        return Decimal(0)


def _reason(payload: Mapping[str, Any]) -> str:
    reason = text(payload, "reason")
    return f"{reason[:200]} " if reason else ""


