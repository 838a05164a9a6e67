"""Which item of a bundle Magento ships: the bundle as a whole, or each part on its own.

That is a property of the article (`shipment_type`: 0 together, 1 separately); orders do not show it over REST. An article
whose property was changed after it was ordered is therefore shipped the new way, which Magento refuses; the error says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from adapters.fields import Reader, objects
from adapters.magento.client import criteria
from adapters.magento.orders import Line
from adapters.magento.work import Work


def ships_together(work: Work, bundle: Mapping[str, Any]) -> bool:
    """Whether the bundle is sent as one. Asked once for each article and remembered; a deleted article counts as together,
    which is Magento's default."""
    product_id = str(bundle.get("product_id") or "")
    kept = work.memory.get(f"bundle:{product_id}")
    if isinstance(kept, bool):
        return kept
    query = criteria([("entity_id", "eq", product_id)], size=1, fields="id,custom_attributes[attribute_code,value]")
    found = work.client.search("products", query)[0] if product_id else []
    attributes = {each.get("attribute_code"): each.get("value") for product in found for each in objects(product, "custom_attributes")}
    together = str(attributes.get("shipment_type") or "0") != "1"
    if found:
        work.memory.put(f"bundle:{product_id}", together)
    return together


def whole_sets(work: Work, order_id: str, parcel: str, parts: list[tuple[Line, Decimal]], siblings: list[Line]) -> Decimal:
    """How many sets are now complete and not yet sent, when these units of their parts leave in one parcel (its id).

    Parts of one set may leave from several outlets; Magento sends a set in one shipment, so it goes with the parcel that
    completes it. What left earlier is remembered by parcel: a repeated attempt counts once.
    """
    bundle = parts[0][0].bundle
    assert bundle is not None
    key = f"parts:{order_id}:{bundle.get('item_id')}"
    kept = work.memory.get(key)
    left: dict[str, dict[str, str]] = dict(kept) if isinstance(kept, Mapping) else {}
    left[parcel] = {line.id: str(quantity) for line, quantity in parts}
    work.memory.put(key, left)
    read = Reader(bundle, order_id)
    ordered, done = read.number("qty_ordered"), sum((read.number(f"qty_{what}") for what in ("shipped", "refunded", "canceled")), Decimal(0))
    complete = [
        sum((Decimal(units.get(line.id, "0")) for units in left.values()), Decimal(0)) * ordered / line.ordered
        for line in siblings
        if line.ordered
    ]
    sets = min(complete, default=Decimal(0)) // 1
    return max(Decimal(0), min(sets, ordered) - done)
