"""Records refunds, once each, and has the shop's payment provider pay them back when asked."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from adapters.base import Refused, Result
from adapters.fields import Amounts, objects, text
from adapters.http import error_for, read_object
from adapters.woocommerce.client import error_code, explain
from adapters.woocommerce.progress import amount, reader, refunded_amount
from adapters.woocommerce.work import Work, order_id

REFERENCE = "_wissel_reference"
"""Field of a refund that holds our reference, which is how a refund is known whose answer was lost."""

_REFUSAL = "woocommerce_rest_cannot_create_order_refund"


def refund_order(work: Work) -> Result:
    """Record one refund. The shop makes the order `refunded` by itself when everything is paid back; writing that status
    besides would record a second refund."""
    order = work.order()
    reference = work.text("reference")
    wanted, name = _amount(work, order), text(order, "number")
    if _recorded(work, order, reference) is not None:
        return Result(f"Order {name} in the shop has refund {reference} already.", did_nothing=True)
    _check_left(order, wanted)
    lines = _lines(work, order)
    _record(
        work, order, reference, wanted, lines, reason=str(work.payload.get("reason") or ""),
        restock=work.payload.get("restock") is True, pay_back=work.payload.get("pay_back") is True,
    )  # fmt: skip
    paid = "paid back" if work.payload.get("pay_back") is True else "recorded as paid back"
    return Result(f"{wanted} of order {name} is {paid} in the shop ({reference}).")


def pay_back_everything(work: Work, order: Mapping[str, Any]) -> list[str]:
    """Have the payment provider pay back whatever is left of a paid order. Says what was done. Raises Refused when the
    provider cannot."""
    left = amount(order, "total") - refunded_amount(order)
    reference = f"cancel {order_id(order)}"
    if work.words.payment_status(order) not in ("paid", "partly_refunded") or left <= 0:
        return []
    if _recorded(work, order, reference) is not None:
        return []
    reason = str(work.payload.get("reason") or "cancelled")
    _record(work, order, reference, left, [], reason=reason, restock=False, pay_back=True)
    return [f"{left} paid back"]


def _record(
    work: Work, order: Mapping[str, Any], reference: str, wanted: Decimal, lines: list[dict[str, Any]], *, reason: str,
    restock: bool, pay_back: bool,
) -> None:  # fmt: skip
    answer = work.client.add_refund(order_id(order), {
        "amount": Amounts(text(order, "currency") or "EUR").text(wanted), "reason": reason, "api_refund": pay_back,
        "api_restock": restock, "meta_data": [{"key": REFERENCE, "value": reference}],
        **({"line_items": lines} if lines else {}),
    })  # fmt: skip
    if answer.status_code == 500:
        if error_code(answer) != _REFUSAL:
            raise error_for(answer, explain=explain)
        advice = (
            "Pay it back by hand at the payment provider and record it without paying back."
            if pay_back
            else "Look at the order in the shop's admin."
        )
        raise Refused(f"The shop refused to refund {wanted} of order {order.get('number')}: {explain(answer)} {advice}")
    work.memory.bind("refund", reference, str(read_object(answer).get("id")))


def _recorded(work: Work, order: Mapping[str, Any], reference: str) -> str | None:
    """The id of our refund over there, when it was made."""
    known = work.memory.external("refund", reference)
    if known is not None or not objects(order, "refunds"):
        return known
    for refund in work.client.refunds(order_id(order)):
        if any(m.get("key") == REFERENCE and str(m.get("value")) == reference for m in objects(refund, "meta_data")):
            work.memory.bind("refund", reference, str(refund.get("id")))
            return str(refund.get("id"))
    return None


def _amount(work: Work, order: Mapping[str, Any]) -> Decimal:
    """The amount to pay back. Raises Refused when it makes no sense."""
    given, currency = work.payload.get("amount"), text(order, "currency") or ""
    if str(work.payload.get("currency") or currency) != currency:
        raise Refused(f"Order {order.get('number')} is in {currency}, not in {work.payload.get('currency')}.")
    try:
        wanted = Decimal(str(given))
    except InvalidOperation:
        raise Refused(f"The command refund_order needs an amount such as 12.50, not {given!r}.") from None
    if not wanted.is_finite() or wanted <= 0:
        raise Refused(f"The command refund_order needs an amount above zero, not {given!r}.")
    return wanted


def _check_left(order: Mapping[str, Any], wanted: Decimal) -> None:
    left, currency = amount(order, "total") - refunded_amount(order), text(order, "currency") or ""
    if wanted > left:
        money = Amounts(currency)
        raise Refused(
            f"{money.text(wanted)} {currency} is more than the {money.text(left)} {currency} that is left of order "
            f"{order.get('number')} in the shop."
        )


def _lines(work: Work, order: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The refunded lines with their share of amount and taxes. The shop ignores ids it does not know, so they are
    checked. Raises Refused for a line the order does not have, or not so often."""
    items = {text(item, "id"): item for item in objects(order, "line_items")}
    read, money = reader(order), Amounts(text(order, "currency") or "EUR")
    lines = []
    for wanted in work.payload.get("lines") or ():
        item, units = items.get(str(wanted.get("line"))), wanted.get("quantity")
        if item is None:
            raise Refused(f"Order {order.get('number')} in the shop has no line {wanted.get('line')!r} to refund.")
        ordered = read.count("quantity", item)
        if isinstance(units, bool) or not isinstance(units, int) or not 1 <= units <= ordered:
            raise Refused(f"Line {wanted['line']} of order {order.get('number')} has {ordered} units; {units!r} cannot be refunded.")
        share = Decimal(units) / ordered
        lines.append({
            "id": item["id"], "quantity": units, "refund_total": float(money.rounded(read.number("total", item) * share)),
            "refund_tax": [
                {"id": text(tax, "id"), "refund_total": float(money.rounded(read.number("total", tax) * share))}
                for tax in objects(item, "taxes") if text(tax, "total")
            ],
        })  # fmt: skip
    return lines
