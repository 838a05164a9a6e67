"""Marking a sale's fulfilments as packed, although the till's own texts disagree about what a quantity means there.

The contract says that packing *sets* a line's packed quantity, the release notes (2026-01) that it *adds* to it. So we
read first, send only what is missing, read again, and where the till turns out to set, send the whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from adapters.base import Call, Refused, Result, RetryLater
from adapters.lightspeed_retail import events
from adapters.lightspeed_retail.client import Till, understood
from adapters.lightspeed_retail.mapping import amount, plain
from adapters.lightspeed_retail.sales import sale_id_of

Quantities = dict[str, Decimal]


def pack_fulfilments(till: Till, call: Call) -> Result:
    """Mark everything of the sale that is not yet packed or handed over as packed.

    Raises RetryLater when staff changed a fulfilment in the meantime, Refused when the till shows something else than
    packed afterwards.
    """
    id = sale_id_of(till, call)
    with till.memory.lock(f"sale:{id}"):
        sale = till.sale(id)
        if sale is None:
            raise Refused("The till has no sale for this order, so there is nothing to pack.")
        if sale.get("state") == "voided":
            raise Refused("The sale is voided in the till, so it cannot be packed.")
        open_ones = [row for row in till.fulfilments(sale_id=id) if _missing(row)]
        for fulfilment in open_ones:
            _pack(till, fulfilment)
        found = list(till.fulfilments(sale_id=id))
    learned = events.of_sale(till, sale, found)
    if not open_ones:
        return Result(f"Everything of sale {events.receipt(sale)} is packed already.", learned, did_nothing=True)
    return Result(f"{len(open_ones)} fulfilment(s) of sale {events.receipt(sale)} packed.", learned)


def _pack(till: Till, fulfilment: Mapping[str, Any]) -> None:
    missing = _missing(fulfilment)
    _send(till, fulfilment, missing)
    after = _again(till, fulfilment)
    left = _missing(after)
    if left and all(_packed(after)[line] == sent for line, sent in missing.items()):
        _send(till, after, {line: _packed(after)[line] + rest for line, rest in left.items()})
        left = _missing(_again(till, fulfilment))
    if left:
        raise Refused(
            f"The till was told to pack fulfilment {fulfilment['id']}, but still shows {sum(left.values())} unit(s) unpacked. "
            "Look at it on the till's Fulfilments page."
        )


def _missing(fulfilment: Mapping[str, Any]) -> Quantities:
    """What is neither packed nor handed over yet, by sale line."""
    rest = {
        str(line["sale_line_item_id"]): amount(line.get("quantity"))
        - amount(line.get("packed_quantity"))
        - amount(line.get("fulfilled_quantity"))
        for line in fulfilment.get("line_items") or ()
    }
    return {line: quantity for line, quantity in rest.items() if quantity > 0}


def _packed(fulfilment: Mapping[str, Any]) -> Quantities:
    return {
        str(line["sale_line_item_id"]): amount(line.get("packed_quantity"))
        for line in fulfilment.get("line_items") or ()
    }


def _send(till: Till, fulfilment: Mapping[str, Any], quantities: Quantities) -> None:
    picked = {str(line["sale_line_item_id"]): amount(line.get("picked_quantity")) for line in fulfilment["line_items"]}
    rows = []
    for line, quantity in quantities.items():
        from_picked = min(picked[line], quantity)
        breakdown = {"quantity_from_picked": from_picked, "quantity_from_not_started": quantity - from_picked}
        rows.append({"sale_line_item_id": line, "quantity": quantity, "source_breakdown": breakdown})
    body = {"version": fulfilment["version"], "line_items": rows}
    answer = till.write("POST", f"fulfillments/{fulfilment['id']}/pack", plain(body), expect=(409,))
    if answer.status_code == 409:
        raise RetryLater(
            f"Fulfilment {fulfilment['id']} changed in the till while we packed it; it will be read again."
        )
    understood(answer)


def _again(till: Till, fulfilment: Mapping[str, Any]) -> dict[str, Any]:
    for row in till.fulfilments(sale_id=fulfilment["sale_id"]):
        if row["id"] == fulfilment["id"]:
            return row
    raise RetryLater(f"Fulfilment {fulfilment['id']} is gone from the till; the sale will be read again.")
