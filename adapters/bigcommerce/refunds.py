"""Refunds: quoted first, then made once.

The amount must be the quote's. There is no idempotency key: our reference is written into the refund's reason and looked
for before a refund is made. One refund at a time per order. Source: vendor OpenAPI orders.v3 (payment actions).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from adapters.base import Refused, Result, RetryLater
from adapters.bigcommerce.progress import payment_word
from adapters.bigcommerce.work import Work
from adapters.fields import Amounts, objects, text

_REASON_CHARACTERS = 200


def refund_order(work: Work) -> Result:
    """Record a refund once; with `pay_back` the payment provider gives the money back, otherwise it is only recorded.

    Raises Refused when more is asked for than is left, naming both.
    """
    reference, order_id = work.text("reference"), work.order_id()
    with work.memory.lock(f"bigcommerce.refund.{work.connection.id}.{order_id}"):
        order = work.client.v2(f"orders/{order_id}")
        wanted, money = _wanted(work, order)
        made = refunds_of(work, order_id)
        ours = next((each for each in made if _bears(each, reference)), None)
        if ours is None:
            _check_left(order, made, wanted, money)
            return _refund(work, order_id, wanted, money, reference)
    work.memory.bind("refund", reference, str(ours.get("id")))
    _check_declined(ours)
    return Result(f"Refund {reference} of order {order_id} is in the shop already.", did_nothing=True)


def refunds_of(work: Work, order_id: int) -> list[dict[str, Any]]:
    """Every refund of an order."""
    found = work.client.v3_all("orders/payment_actions/refunds", **{"order_id:in": order_id})
    return [each for each in found if each.get("order_id") == order_id]


def give_back(work: Work, order: Mapping[str, Any]) -> list[str]:
    """Void an authorisation, or refund what is left of what was paid, for an order that is being cancelled. Returns what
    was done."""
    order_id, word = int(order["id"]), payment_word(order)
    if word == "authorized":
        work.client.write("POST", f"v3/orders/{order_id}/payment_actions/void", {})
        return ["its payment voided"]
    if work.present(order)[1] not in ("paid", "partly_refunded"):
        return []
    money = Amounts(_currency(order))
    left = money.rounded(_amount(order.get("total_inc_tax")) - _given_back(refunds_of(work, order_id)))
    if left <= 0:
        return []
    with work.memory.lock(f"bigcommerce.refund.{work.connection.id}.{order_id}"):
        made = refunds_of(work, order_id)
        reference = f"cancel {order_id}"
        if not any(_bears(each, reference) for each in made):
            items = [
                {"item_type": "ORDER", "item_id": order_id, "amount": float(left), "reason": _reason(work, reference)}
            ]
            _create(work, order_id, items, left, money, reference, pay_back=True)
    return [f"{money.text(left)} refunded"]


def _wanted(work: Work, order: Mapping[str, Any]) -> tuple[Decimal, Amounts]:
    currency, asked = _currency(order), work.call.payload.get("currency")
    if asked and str(asked).upper() != currency:
        raise Refused(f"Order {order.get('id')} was paid in {currency}, so {asked} cannot be refunded.")
    money = Amounts(currency)
    wanted = money.rounded(_amount(work.call.payload.get("amount"), "refund_order"))
    if wanted <= 0:
        raise Refused(f"A refund must be more than nothing, not {money.text(wanted)}.")
    return wanted, money


def _check_left(order: Mapping[str, Any], made: Sequence[Mapping[str, Any]], wanted: Decimal, money: Amounts) -> None:
    left = money.rounded(_amount(order.get("total_inc_tax"))) - _given_back(made)
    if wanted > left:
        raise Refused(
            f"Order {order.get('id')} has {money.text(left)} left to refund, {money.text(wanted)} was asked for: refund less, "
            "or look at what was refunded in the shop."
        )


def _refund(work: Work, order_id: int, wanted: Decimal, money: Amounts, reference: str) -> Result:
    """Make the refund of lines, or of an amount when there are none or they do not come to the amount."""
    reason, pay_back = _reason(work, reference), work.call.payload.get("pay_back") is True
    whole = [{"item_type": "ORDER", "item_id": order_id, "amount": float(wanted), "reason": reason}]
    items = _items(work, order_id, wanted, money, reason) or whole
    _create(work, order_id, items, wanted, money, reference, pay_back=pay_back)
    goods = " Whether its goods go back to stock is set in the shop." if work.call.payload.get("restock") else ""
    how = "paid back" if pay_back else "recorded"
    return Result(f"Refund {reference} of {money.text(wanted)} for order {order_id} is {how} in the shop.{goods}")


def _items(work: Work, order_id: int, wanted: Decimal, money: Amounts, reason: str) -> list[dict[str, Any]]:
    """The lines to refund. What the amount is more than they cost (shipping) is refunded on the order; when it is less (a
    fee kept), or they cannot be refunded, there are no items and the amount stands alone."""
    lines = work.lines()
    if not lines:
        return []
    items: list[dict[str, Any]] = [
        {"item_type": "PRODUCT", "item_id": int(line), "quantity": count, "reason": reason}
        for line, count in lines
        if line.isdigit()
    ]
    try:
        quoted = money.rounded(_amount(_quote(work, order_id, items).get("total_refund_amount")))
    except Refused:
        return []
    if quoted > wanted:
        return []
    rest = wanted - quoted
    return (
        [*items, {"item_type": "ORDER", "item_id": order_id, "amount": float(rest), "reason": reason}]
        if rest
        else items
    )


def _create(
    work: Work,
    order_id: int,
    items: list[dict[str, Any]],
    wanted: Decimal,
    money: Amounts,
    reference: str,
    *,
    pay_back: bool,
) -> None:
    quote = _quote(work, order_id, items)
    quoted = money.rounded(_amount(quote.get("total_refund_amount")))
    if quoted != wanted:
        raise Refused(
            f"The shop would refund {money.text(quoted)} for this and not {money.text(wanted)}: make the refund in the shop."
        )
    body = {"items": items, "payments": _payments(quote, pay_back)}
    answer = work.client.write("POST", f"v3/orders/{order_id}/payment_actions/refunds", body)
    made = answer.get("data") if isinstance(answer, Mapping) else None
    if not isinstance(made, Mapping) or not made.get("id"):
        raise RetryLater("The shop answered a refund without an id.", detail=f"order {order_id}")
    work.memory.bind("refund", reference, str(made["id"]))
    _check_declined(made)


def _quote(work: Work, order_id: int, items: list[dict[str, Any]]) -> Mapping[str, Any]:
    answer = work.client.write("POST", f"v3/orders/{order_id}/payment_actions/refund_quotes", {"items": items})
    quote = answer.get("data") if isinstance(answer, Mapping) else None
    if not isinstance(quote, Mapping):
        raise RetryLater("The shop answered no refund quote.", detail=f"order {order_id}")
    return quote


def _payments(quote: Mapping[str, Any], pay_back: bool) -> list[dict[str, Any]]:
    """How the money goes back: one of the ways the quote offers, through the provider or only on record. Store credit is
    no money: it is taken only when there is nothing else."""
    ways = [
        [each for each in way if isinstance(each, Mapping)]
        for way in quote.get("refund_methods") or ()
        if isinstance(way, list)
    ]
    ways = [way for way in ways if way]
    ways = [way for way in ways if all(each.get("provider_id") != "storecredit" for each in way)] or ways
    fitting = [way for way in ways if all((each.get("offline") is True) != pay_back for each in way)]
    if pay_back and not fitting:
        why = next((str(each["offline_reason"]) for way in ways for each in way if each.get("offline_reason")), "")
        raise Refused(
            f"The payment provider cannot give this money back{f' ({why})' if why else ''}: pay it back by hand and record it."
        )
    chosen = (fitting or ways or [[]])[0]
    if not chosen:
        raise Refused("The shop offers no way to refund this order: look at its payments in the shop.")
    return [
        {"provider_id": each.get("provider_id"), "amount": float(_amount(each.get("amount"))), "offline": not pay_back}
        for each in chosen
    ]


def _reason(work: Work, reference: str) -> str:
    """The reason with our reference at its end, by which the refund is found again."""
    given = " ".join(str(work.call.payload.get("reason") or "Refund").split())
    return f"{given[:_REASON_CHARACTERS]} [{reference}]"


def _bears(refund: Mapping[str, Any], reference: str) -> bool:
    reasons = [text(refund, "reason"), *(text(item, "reason") for item in objects(refund, "items"))]
    return any(f"[{reference}]" in (reason or "") for reason in reasons)


def _check_declined(refund: Mapping[str, Any]) -> None:
    declined = [each for each in objects(refund, "payments") if each.get("is_declined") is True]
    if declined:
        why = text(declined[0], "declined_message") or "no reason given"
        raise Refused(f"Refund {refund.get('id')} was declined by the payment provider ({why}): pay it back by hand.")


def _given_back(made: Sequence[Mapping[str, Any]]) -> Decimal:
    return sum((_amount(each.get("total_amount")) for each in made), Decimal(0))


def _currency(order: Mapping[str, Any]) -> str:
    return (text(order, "default_currency_code") or text(order, "currency_code") or "EUR").upper()


def _amount(value: Any, what: str = "the order") -> Decimal:
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite() or isinstance(value, bool):
        raise Refused(f"{str(value)[:40]!r} is not an amount ({what}).")
    return found
