"""Stock per source, and the units of open orders in it.

Magento sells what its sources hold less the reservations of open orders, and takes units out of a source only when they are
sent. Our levels are what is free: units that an order of ours waits for are out of them already. Written as they are, those
units would be missing twice, and the source would be too low to send them. So what is written to a source is our level plus
what open orders that we assigned to its outlet have not sent yet; sending then brings the source down to our level.

Which outlet an order's lines were assigned to is remembered (`allocated:<order>`); how much of that is still open is read
from the shop each time. An assignment that arrives after the level it is already out of corrects the source itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from adapters.base import Refused, Result
from adapters.fields import text
from adapters.magento.client import criteria
from adapters.magento.orders import ENDED, Line, lines_of
from adapters.magento.settings import flag_setting, text_setting
from adapters.magento.work import Work

_COUNTED = ("simple", "virtual", "downloadable")
_OPEN_FIELDS = (
    "entity_id,increment_id,state,items[item_id,parent_item_id,product_type,sku,is_virtual,row_total,qty_ordered,"
    "qty_invoiced,qty_shipped,qty_refunded,qty_canceled]"
)
_ORDERS_PER_QUERY, _SKUS_PER_QUERY = 300, 15
"""Web servers refuse addresses of more than about 8,000 characters."""

_TIDY_EVERY = 100
"""Orders of an article whose stock nobody tells; then those that are over are forgotten."""

_WHOLE = ""
"""In what was told last: the number for the shop as a whole."""

Allocation = dict[str, dict[str, list[Any]]]
"""Outlet -> line id -> [sku, units] of one order."""


def set_stock(work: Work) -> Result:
    """One number for the whole shop: its sources together hold it, changed in as few of them as possible."""
    sku, wanted = _counted_sku(work), _whole(work.call.payload.get("quantity"), "quantity")
    with work.memory.lock("stock"):
        _remember(work, sku, {_WHOLE: wanted})
        changed = _settle(work, sku)
    if not changed:
        return Result(f"The shop already has {wanted} of {sku}.", did_nothing=True)
    return Result(f"Set the stock of {sku} in the shop: {changed}.")


def set_outlet_stock(work: Work) -> Result:
    """One number for each outlet, written to the sources they are linked to. Others are named and left alone. Raises
    Refused when none is linked."""
    sku = _counted_sku(work)
    levels = {str(each.get("outlet")): _whole(each.get("quantity"), "quantity") for each in work.payload_objects("levels")}
    linked = {outlet: level for outlet, level in levels.items() if work.memory.external("outlet", outlet)}
    strangers = ", ".join(outlet for outlet in levels if outlet not in linked)
    if not linked:
        raise Refused(
            f"No outlet is linked to a source of the shop ({strangers or 'none was given'}): link outlets on the connection's page."
        )
    with work.memory.lock("stock"):
        _remember(work, sku, linked)
        changed = _settle(work, sku)
    also = f" Not linked and left out: {strangers}." if strangers else ""
    if not changed:
        return Result(f"The sources already have these levels of {sku}.{also}", did_nothing=True)
    return Result(f"Set the stock of {sku}: {changed}.{also}")


def allocate(work: Work, order_id: str, given: Allocation) -> None:
    """Remember which outlet sends what of an order, and bring sources up to date that were told a level without it."""
    with work.memory.lock("stock"):
        before = allocation_of(work, order_id)
        if before != given:
            work.memory.put(f"allocated:{order_id}", given)
        for sku in sorted(_skus(before) | _skus(given)):
            waiting = _waiting(work, sku)
            if order_id not in waiting and sku in _skus(given):
                work.memory.put(_open_key(sku), [*waiting, order_id])
            if not _told(work, sku) and len(waiting) % _TIDY_EVERY == _TIDY_EVERY - 1:
                _open_units(work, sku)
            _settle(work, sku)


def correct(work: Work, skus: Iterable[str]) -> None:
    """Bring the sources up to date where units of these articles left in another way than they were assigned."""
    with work.memory.lock("stock"):
        for sku in sorted(set(skus)):
            _settle(work, sku)


def make_room(work: Work, source: str, units: Mapping[str, Decimal]) -> str:
    """See that a source holds what is about to be sent from it; gives a remark when it did not.

    Magento refuses to send what a source does not have, even when it left the building (#2847 of its inventory module).
    """
    if not flag_setting(work.connection, "open_orders_in_source") or not units:
        return ""
    found = {(text(item, "sku") or "").lower(): _number(item) for item in _source_items(work, list(units), source)}
    short = {sku: wanted for sku, wanted in units.items() if found.get(sku.lower(), Decimal(0)) < wanted}
    if not short:
        return ""
    _save(work, [_item(work, sku, source, wanted) for sku, wanted in short.items()])
    return f"source {source} had too few of {', '.join(short)} and was raised to what was sent"


def allocation_of(work: Work, order_id: str) -> Allocation:
    """Which outlet sends what of an order, as we were told last."""
    kept = work.memory.get(f"allocated:{order_id}")
    return dict(kept) if isinstance(kept, Mapping) else {}


# How a source's number is made


def _settle(work: Work, sku: str) -> str:
    """Write to the sources what was told last plus what open orders wait for; says what changed. Nothing was told:
    nothing is written."""
    told = _told(work, sku)
    if not told:
        return ""
    waiting = _open_units(work, sku)
    present = {text(item, "source_code") or "": item for item in _source_items(work, [sku])}
    if _WHOLE in told:
        targets = _spread(work, Decimal(told[_WHOLE]) + sum(waiting.values(), Decimal(0)), present)
    else:
        targets = {}
        for outlet, level in told.items():
            source = work.memory.external("outlet", outlet)
            if source:
                targets[source] = targets.get(source, Decimal(0)) + level + waiting.get(outlet, Decimal(0))
    wanted = {source: _item(work, sku, source, units) for source, units in targets.items()}
    changed = [item for source, item in wanted.items() if _differs(present.get(source), item)]
    _save(work, changed)
    return ", ".join(f"{item['source_code']} {_number(present.get(item['source_code'], {})).normalize():f} → {item['quantity']}" for item in changed)


def _spread(work: Work, total: Decimal, present: Mapping[str, Mapping[str, Any]]) -> dict[str, Decimal]:
    """A total over the sources that have the article: the difference goes to the default source, or else the fullest."""
    levels = {source: _number(item) for source, item in present.items()}
    default = text_setting(work.connection, "default_source")
    first = default or max(levels, key=lambda source: levels[source], default="default")
    levels.setdefault(first, Decimal(0))
    rest = total - sum(levels.values(), Decimal(0))
    for source in sorted(levels, key=lambda each: (each != first, -levels[each], each)):
        taken = max(rest, -levels[source])
        levels[source] += taken
        rest -= taken
    return levels


def _open_units(work: Work, sku: str) -> dict[str, Decimal]:
    """Units of an article that open orders of ours still wait for, by outlet. Orders that wait no more are forgotten."""
    orders = _waiting(work, sku)
    if not orders or not flag_setting(work.connection, "open_orders_in_source"):
        return {}
    found: list[dict[str, Any]] = []
    for some in _batched(orders, _ORDERS_PER_QUERY):
        found += work.client.everything("orders", [("entity_id", "in", ",".join(some))], key="entity_id", fields=_OPEN_FIELDS)
    total: dict[str, Decimal] = {}
    still: list[str] = []
    for order in found:
        order_id = str(order.get("entity_id"))
        waiting = _open_in(work, order_id, order, sku)
        if waiting:
            still.append(order_id)
        elif not any(line.open for line in lines_of(order)) or order.get("state") in ENDED:
            work.memory.put(f"allocated:{order_id}", None)
        for outlet, units in waiting.items():
            total[outlet] = total.get(outlet, Decimal(0)) + units
    if still != orders:
        work.memory.put(_open_key(sku), still)
    return total


def _open_in(work: Work, order_id: str, order: Mapping[str, Any], sku: str) -> dict[str, Decimal]:
    if order.get("state") in ENDED:
        return {}
    lines = [line for line in lines_of(order) if line.ships and line.sku.lower() == sku.lower()]
    left = sum((line.open for line in lines), Decimal(0))
    shares: dict[str, Decimal] = {}
    for outlet, parts in allocation_of(work, order_id).items():
        units = sum((Decimal(str(count)) for name, count in parts.values() if name.lower() == sku.lower()), Decimal(0))
        shares[outlet] = shares.get(outlet, Decimal(0)) + units
    shares = {outlet: units for outlet, units in shares.items() if units}
    if len(shares) > 1 and left < sum(shares.values()):
        shares = _less_sent(work, order_id, lines, shares)
    waiting: dict[str, Decimal] = {}
    for outlet, units in shares.items():
        taken = min(units, left)
        left -= taken
        if taken > 0:
            waiting[outlet] = taken
    return waiting


def _less_sent(work: Work, order_id: str, lines: Sequence[Line], shares: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """The shares of a split order without what each outlet's source has sent."""
    ids = {line.id for line in lines}
    sent: dict[str, Decimal] = {}
    for shipment in work.client.shipments(order_id):
        extra = shipment.get("extension_attributes")
        source = str(extra.get("source_code") or "") if isinstance(extra, Mapping) else ""
        for item in shipment.get("items") or ():
            if isinstance(item, Mapping) and str(item.get("order_item_id")) in ids:
                sent[source] = sent.get(source, Decimal(0)) + _number(item, "qty")
    return {outlet: units - sent.get(work.memory.external("outlet", outlet) or "", Decimal(0)) for outlet, units in shares.items()}


# What was told, and what the shop has


def _counted_sku(work: Work) -> str:
    """The payload's sku, once the shop is known to have an article with it that can have stock."""
    sku = work.text("sku")
    kind = text(work.product(sku), "type_id") or "simple"
    if kind not in _COUNTED:
        raise Refused(f"{sku} is a {kind} article: its stock follows from its parts. Set the stock of those.")
    return sku


def _told(work: Work, sku: str) -> Mapping[str, int]:
    """The levels of an article that we were told last, by outlet."""
    kept = work.memory.get(_told_key(sku))
    return kept if isinstance(kept, Mapping) else {}


def _remember(work: Work, sku: str, levels: Mapping[str, int]) -> None:
    kept = _told(work, sku)
    told = dict(kept) if _WHOLE not in levels and _WHOLE not in kept else {}
    work.memory.put(_told_key(sku), told | {outlet: max(0, level) for outlet, level in levels.items()})


def _waiting(work: Work, sku: str) -> list[str]:
    kept = work.memory.get(_open_key(sku))
    return [str(each) for each in kept] if isinstance(kept, list) else []


def _batched(values: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    """The values in lists of at most so many."""
    return (values[start : start + size] for start in range(0, len(values), size))


def _source_items(work: Work, skus: Sequence[str], source: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for some in _batched(skus, _SKUS_PER_QUERY):
        # Alternatives instead of one `in`, whose commas a SKU may hold itself.
        groups = [[("sku", "eq", sku) for sku in some], *([[("source_code", "eq", source)]] if source else [])]
        found += work.client.search("inventory/source-items", criteria(*groups, size=300))[0]
    return found


def _item(work: Work, sku: str, source: str, units: Decimal) -> dict[str, Any]:
    """A source item as it is written. The status is always sent: the shop derives it from nothing (#2823)."""
    quantity = int(units) if units == units.to_integral_value() else float(units)
    status = 1 if units > 0 or flag_setting(work.connection, "in_stock_at_zero") else 0
    return {"sku": sku, "source_code": source, "quantity": quantity, "status": status}


def _differs(present: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> bool:
    if present is None:
        return True
    return _number(present) != Decimal(str(wanted["quantity"])) or str(present.get("status")) != str(wanted["status"])


def _save(work: Work, items: Sequence[Mapping[str, Any]]) -> None:
    if items:
        work.client.post("inventory/source-items", {"sourceItems": list(items)})


def _number(item: Mapping[str, Any], key: str = "quantity") -> Decimal:
    value = item.get(key)
    return Decimal(str(value)) if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else Decimal(0)


def _whole(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refused(f"A stock level needs a whole {name}, not {value!r}.")
    return value


def _skus(allocation: Mapping[str, Mapping[str, Sequence[Any]]]) -> set[str]:
    return {str(part[0]) for parts in allocation.values() for part in parts.values()}


def _open_key(sku: str) -> str:
    return f"open:{sku.lower()}"


def _told_key(sku: str) -> str:
    return f"told:{sku.lower()}"


def units_of(lines: Iterable[tuple[Line, Decimal]]) -> dict[str, Decimal]:
    """Units by sku."""
    found: dict[str, Decimal] = {}
    for line, units in lines:
        found[line.sku] = found.get(line.sku, Decimal(0)) + units
    return found
