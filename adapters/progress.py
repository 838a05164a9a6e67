"""What adapters of shops share when they tell a shop how far an order is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.base import Memory, Refused

CUSTOM = "custom"
"""Our word for a status that the shop made itself."""


def order_reference(payload: Mapping[str, Any], memory: Memory, title: str) -> str:
    """The order's id over there, from what is bound to our id or else its number. Raises Refused when there is neither."""
    order = payload.get("order")
    reference = order if isinstance(order, Mapping) else {}
    found = memory.external("order", str(reference["id"])) if reference.get("id") else None
    external_id = found or reference.get("external_id") or reference.get("number")
    if not external_id:
        raise Refused(f"The command names no order that {title} knows.")
    return str(external_id)


def leads_on(
    what: str,
    present: str,
    wanted: str,
    may_follow: Mapping[str, frozenset[str]],
    remarks: list[str],
    *,
    keep_custom: bool = True,
) -> bool:
    """Whether to write `wanted` over `present`: a status moves on and never back, whatever order the news arrives in.

    `may_follow` names for each word the words that lead on from it. When the answer is no, a remark says why.
    """
    if present == wanted:
        remarks.append(f"{what} is {wanted} already")
    elif present == CUSTOM and keep_custom:
        remarks.append(f"its {what} status is one of the shop's own and is kept")
    elif present != CUSTOM and wanted not in may_follow.get(present, frozenset()):
        remarks.append(f"{what} {wanted} would be a step back from {present}")
    else:
        return True
    return False
