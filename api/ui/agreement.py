"""Whether shop and till say the same about an order, in a word and a sentence: the first thing support wants to know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from api.ui.words import label
from store.order_models import Order


class Agreement(NamedTuple):
    """`word` is a key of the agreement labels; `sentence` says what stands where."""

    word: str
    sentence: str


_FITS: Mapping[str, frozenset[str]] = {
    "completed": frozenset({"shipped", "delivered", "out_for_delivery", "completed", "returned"}),
    "cancelled": frozenset({"will_not_deliver", "returned", "cancelled"}),
}
"""Which shop statuses go with how far the outlets are. What is not listed is never told to the shop, so nothing has to fit."""


def agreement(order: Order, open_commands: Mapping[str, int]) -> Agreement:
    """Judge by what is still to be told first, then by the statuses themselves. `open_commands`: status -> count."""
    dead, waiting = open_commands.get("dead", 0), open_commands.get("waiting", 0) + open_commands.get("leased", 0)
    if dead:
        return Agreement("stuck", f"{_count(dead, 'command was', 'commands were')} given up; see below.")
    if waiting:
        return Agreement("under_way", f"{_count(waiting, 'command is', 'commands are')} on the way.")
    if not order.shop_id or not order.on_till:
        return Agreement("alone", _alone(order))
    differences = [*_status_differs(order), *_payment_differs(order)]
    if differences:
        return Agreement("differ", " ".join(differences))
    return Agreement("agree", "Shop and till say the same.")


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _alone(order: Order) -> str:
    if order.state in ("ignored", "held", "received"):
        return "It has not been handed to the till."
    return "Only the shop knows this order." if order.shop_id else "No shop is connected to this order."


def _status_differs(order: Order) -> list[str]:
    fits = _FITS.get(order.fulfilment_status)
    if fits is None and order.shop_status in ("shipped", "delivered", "out_for_delivery", "completed"):
        fits = frozenset()
    if fits is None or order.shop_status in fits:
        return []
    return [f"Shop: {label('shop', order.shop_status).word}; outlets: {label('fulfilment', order.fulfilment_status).word}."]


def _payment_differs(order: Order) -> list[str]:
    ours, theirs = order.payment_status, order.shop_payment_status
    if ours == theirs:
        return []
    return [f"Payment: {label('payment', theirs).word.lower()} in the shop, {label('payment', ours).word.lower()} here."]
