"""Reads foreign JSON without trusting it: absent, empty and nonsensical values become one thing each.

Amounts are exact: Decimal in, decimal text out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from adapters.base import Memory, NewEvent, Refused, Result, WebhookRejected
from engine.money import digits

_LARGEST = Decimal(10) ** 12


class Reader:
    """Reads numbers out of an order, naming the order and the field when one makes no sense.

    `name` is what people call the order. Raises Refused when it has none.
    """

    def __init__(self, values: Mapping[str, Any], name: str) -> None:
        self._values, self.name = values, name
        if not name:
            raise Refused("The shop gave an order without an id: look at it in the shop's admin.")

    def number(self, key: str, values: Mapping[str, Any] | None = None) -> Decimal:
        """A number, 0 when absent or an empty text. Raises Refused for anything else."""
        value = (self._values if values is None else values).get(key)
        if value is None or value == "":
            return Decimal(0)
        try:
            number = Decimal(value) if isinstance(value, int | str | Decimal) and not isinstance(value, bool) else None
        except InvalidOperation:
            number = None
        if number is None or not number.is_finite() or abs(number) > _LARGEST:
            raise Refused(
                f"Order {self.name} cannot be understood: its {key} is {str(value)[:40]!r}, which is not an amount."
            )
        return number

    def count(self, key: str, values: Mapping[str, Any]) -> int:
        """A whole number of at least 1. Raises Refused for anything else."""
        number = self.number(key, values)
        if number < 1 or number != number.to_integral_value():
            raise Refused(
                f"Order {self.name} cannot be understood: its {key} is {number}, which is not a whole number above 0."
            )
        return int(number)


class Amounts:
    """Amounts of one currency as text with as many decimals as it has; halves are rounded away from zero."""

    def __init__(self, currency: str) -> None:
        self._cent = Decimal(1).scaleb(-digits(currency))

    def rounded(self, amount: Decimal) -> Decimal:
        """The amount to the cent."""
        return amount.quantize(self._cent, ROUND_HALF_UP)

    def text(self, amount: Decimal) -> str:
        """The amount to the cent as text, without an exponent."""
        return f"{self.rounded(amount):f}"

    def balanced(
        self, total: Decimal, shipping: Decimal, discount: Decimal, lines: Iterable[Mapping[str, Any]]
    ) -> tuple[str, str]:
        """Shipping price and discount as text, with the cents in them that rounding the price of each unit leaves over,
        so that lines + shipping - discount = total (three of 4.125 cost 12.38 and not three times 4.13).

        `lines` are those of the snapshot. A difference that rounding cannot explain is left as it is, since then the
        shop's own numbers do not add up.
        """
        units, goods = 0, Decimal(0)
        for line in lines:
            units += line["quantity"]
            goods += Decimal(line["unit_price"]) * line["quantity"]
        postage, off = self.rounded(shipping), self.rounded(discount)
        left = self.rounded(total) - goods - postage + off
        if abs(left) <= self._cent * (units + 3) / 2:
            postage, off = postage + max(left, Decimal(0)), off + max(-left, Decimal(0))
        return f"{postage:f}", f"{off:f}"


def rate(percent: Decimal) -> str:
    """A tax rate in percent: 21.0 as `21`, 5.50 as `5.5`."""
    words = f"{percent:f}"
    return words.rstrip("0").rstrip(".") if "." in words else words


def text(values: Mapping[str, Any], key: str) -> str | None:
    """A text or whole number as trimmed text; None when absent, empty or something else."""
    value = values.get(key)
    return (str(value).strip() or None) if isinstance(value, str | int) and not isinstance(value, bool) else None


def object_of(values: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """An object, empty when absent or something else."""
    value = values.get(key)
    return value if isinstance(value, Mapping) else {}


def objects(values: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """The objects in a list; whatever else is in it, or instead of it, is left out."""
    value = values.get(key)
    items: Iterable[Any] = value if isinstance(value, list) else ()
    return [item for item in items if isinstance(item, Mapping)]


def utc_text(moment: datetime) -> str:
    """A moment as snapshots write it: whole seconds, UTC, ending in Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def fingerprint(data: Any) -> str:
    """24 characters that are the same for the same JSON content."""
    canonical = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode("utf-8", "replace")).hexdigest()[:24]


def snapshot_event(snapshot: Mapping[str, Any], *, known: bool, time: datetime, sequence: int | None) -> NewEvent:
    """`order.placed`, or `order.updated` when the order is `known` to us, with its whole snapshot.

    The id is made from the content: reading the same state twice gives the same event.
    """
    return NewEvent(
        id=f"order:{snapshot['external_id']}:{fingerprint(snapshot)}",
        type="order.updated" if known else "order.placed",
        subject=f"order:{snapshot['number']}",
        time=time,
        data={"order": snapshot},
        sequence=sequence,
    )


def deleted_order(memory: Memory, order_id: str, *, binned: datetime | None = None) -> Result:
    """What there is to tell of an order that was deleted over there: `order.cancelled` when we know it. `binned` is when it
    was put where it can be taken out again, and be deleted once more."""
    ours = memory.ours("order", order_id)
    if ours is None:
        return Result(f"Order {order_id} was deleted in the shop before we knew it.", did_nothing=True)
    event = NewEvent(
        id=f"order:{order_id}:deleted" + (f":{int(binned.timestamp())}" if binned else ""),
        type="order.cancelled",
        subject=f"order:{order_id}",
        time=binned or datetime.now(UTC),
        data={"order": {"id": ours}, "reason": "deleted in the shop"},
    )
    return Result(f"Order {order_id} was deleted in the shop.", (event,))


def body_object(body: bytes) -> dict[str, Any]:
    """The JSON object in the body of a webhook. Raises WebhookRejected (400) when it is none."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise WebhookRejected("The body is not JSON.") from None
    if not isinstance(value, dict):
        raise WebhookRejected("The body must be a JSON object.")
    return value
