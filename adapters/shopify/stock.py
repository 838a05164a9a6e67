"""Reads articles, and tells the shop how many it may sell: by location, with compare-and-set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from adapters.base import NewEvent, Refused, Result, RetryLater
from adapters.fields import object_of, objects, text, utc_text
from adapters.shopify.client import KEY_SPENT, UserErrors, gid, next_page, nodes, number_of
from adapters.shopify.mapping import moment_of, variant_events, variant_names
from adapters.shopify.mutations import ACTIVATE, SET_STOCK
from adapters.shopify.queries import (
    COUNT_VARIANTS,
    ITEM,
    LOCATIONS,
    PRODUCT,
    VARIANT,
    VARIANTS,
    VARIANTS_BY_SKU,
)
from adapters.shopify.settings import text_setting
from adapters.shopify.work import Work, quoted

PAGE_SIZE = 100
PAGES_AT_ONCE = 20
"""A read of the whole catalogue goes on in another command after so many pages."""

_ATTEMPTS = 4
"""How often a level that changed under our hands is read and written again."""

_STALE = frozenset({"CHANGE_FROM_QUANTITY_STALE", "COMPARE_QUANTITY_STALE"})

Node = Mapping[str, Any]


def read_product(work: Work) -> Result:
    """Read a product, given by its number, the id we bound (`501/4401`), or the global id of its inventory item: bind its
    skus, report names, and what the shop says it may sell."""
    given = work.text("external_id")
    events: list[NewEvent] = []
    skus = 0
    for variant in _variants_of(work, given):
        _bind(work, variant)
        skus += bool(variant_names(variant)[0])
        events += variant_events(variant, _sellable(work, variant))
    return Result(f"Read product {given} with {skus} skus.", events, did_nothing=not events)


def read_products(work: Work) -> Result:
    """Read the whole catalogue, some pages at a time: bind every sku and report it."""
    events: list[NewEvent] = []
    after = text(work.call.payload, "after")
    for _ in range(PAGES_AT_ONCE):
        data = work.client.query(VARIANTS, q="", first=PAGE_SIZE, after=after)
        events += _changed(work, nodes(data, "productVariants"))
        after = next_page(data, "productVariants")
        if after is None:
            break
    then = {"after": after} if after is not None else None
    return Result(f"Read {len(events)} skus.", events, did_nothing=not events, then=then)


def read_page(work: Work) -> Result:
    """One page of articles for a first import, by growing id."""
    given = work.call.payload.get("cursor")
    cursor: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
    since = text(work.call.payload, "since")
    query = f"updated_at:>={quoted(_moment(since))}" if since else ""
    total = cursor.get("total") if cursor else _count(work, query)
    data = work.client.query(VARIANTS, q=query, first=PAGE_SIZE, after=text(cursor, "after"))
    rows = nodes(data, "productVariants")
    events = _changed(work, rows)
    after = next_page(data, "productVariants")
    then = {**work.call.payload, "cursor": {"after": after, "total": total}} if after is not None else None
    return Result(f"Read {len(events)} skus.", events, did_nothing=not events, then=then, progress=(len(rows), total))


def set_stock(work: Work) -> Result:
    """Tell the shop one number. It counts by location, so the number goes to the location of the setting
    `stock_location`, or to the only one there is."""
    sku, wanted = work.text("sku"), _whole(work, work.call.payload.get("quantity"))
    location = text_setting(work.connection, "stock_location")
    if not location:
        active = [each for each in work.client.pages(LOCATIONS, "locations") if each.get("isActive") is True]
        if len(active) != 1:
            raise Refused(
                f"Shopify counts stock by location and this shop has {len(active)}: link our outlets to them, or name one in "
                "the connection's setting stock_location."
            )
        location = number_of(active[0].get("id"))
    return _write(work, sku, {number_of(location) or location: wanted}, "")


def set_outlet_stock(work: Work) -> Result:
    """Tell the shop how many each linked outlet may sell. Outlets without a location are left out and named."""
    sku, levels = work.text("sku"), work.call.payload.get("levels")
    if not isinstance(levels, Sequence) or isinstance(levels, str) or not levels:
        raise Refused("The command set_outlet_stock lacks levels.")
    wanted: dict[str, int] = {}
    unlinked: list[str] = []
    for level in levels:
        outlet = text(level, "outlet") if isinstance(level, Mapping) else None
        if outlet is None:
            raise Refused("A level of the command set_outlet_stock names no outlet.")
        location = work.memory.external("outlet", outlet)
        if location is None:
            unlinked.append(outlet)
        else:
            # Several outlets may be one location over there; then it has what they have together.
            wanted[location] = wanted.get(location, 0) + _whole(work, level.get("quantity"))
    if not wanted:
        raise Refused(
            f"None of the outlets {', '.join(unlinked)} is linked to a location of this shop: link them on the connection's page."
        )
    work.memory.put(_told_key(sku), {location: max(units, 0) for location, units in wanted.items()})
    return _write(work, sku, wanted, f" Not linked: {', '.join(sorted(unlinked))}." if unlinked else "")


def as_told(work: Work, skus: Iterable[str]) -> dict[str, dict[str, int]]:
    """What we told last of each sku by location, of those where the shop shows just that.

    Shopify takes its own part of an order off one location when it is placed, and moves it along with the fulfilment
    order. Where it shows our number we have counted the order already, at the outlet that does it, and a move would count
    it twice: such numbers are written again after moving.
    """
    found: dict[str, dict[str, int]] = {}
    for sku in skus:
        told = work.memory.get(_told_key(sku))
        if not isinstance(told, Mapping) or not told:
            continue
        try:
            present = levels_of(object_of(find_variant(work, sku), "inventoryItem"))
        except Refused:
            continue  # Gone or renamed: then there is nothing to keep.
        if all(present.get(location) == units for location, units in told.items()):
            found[sku] = {str(location): int(units) for location, units in told.items()}
    return found


def tell_again(work: Work, told: Mapping[str, Mapping[str, int]]) -> None:
    """Write numbers again that a move has changed, unless others were told since."""
    for sku, levels in told.items():
        if work.memory.get(_told_key(sku)) == levels:
            _write(work, sku, levels, "")


def _told_key(sku: str) -> str:
    """Under which key the memory keeps what was told last of an article."""
    return f"told:{sku}"


def _write(work: Work, sku: str, wanted: Mapping[str, int], remark: str) -> Result:
    wanted = {location: max(units, 0) for location, units in wanted.items()}
    told: list[str] = []
    salt = 0
    for _ in range(_ATTEMPTS):
        item = object_of(find_variant(work, sku), "inventoryItem")
        if item.get("tracked") is False:
            raise Refused(f"Shopify does not count the stock of {sku}: switch on Track quantity for it there.")
        present = levels_of(item)
        missing = {location: units for location, units in wanted.items() if location not in present}
        changes = {
            location: (present[location], units)
            for location, units in wanted.items() if location in present and present[location] != units
        }  # fmt: skip
        if not missing and not changes:
            done = f"Set the stock of {sku} in Shopify: {', '.join(told)}." if told else f"Shopify already has these numbers of {sku}."
            return Result(done + remark, did_nothing=not told)
        try:
            _activate(work, item, missing, salt)
            _set(work, item, changes, salt)
        except UserErrors as problem:
            # Somebody sold or counted in between, or the answer to such a refusal was lost: look again, decide again.
            if not problem.codes & (_STALE | KEY_SPENT):
                raise
            salt += bool(problem.codes & KEY_SPENT)
            continue
        told += [f"{units} at {location} (new there)" for location, units in missing.items()]
        told += [f"{units} at {location} (was {was})" for location, (was, units) in changes.items()]
        if not missing:
            return Result(f"Set the stock of {sku} in Shopify: {', '.join(told)}.{remark}")
        # An article that was stocked there before may have come back with its old number: look once more.
    raise RetryLater(f"The stock of {sku} keeps changing in Shopify while it is written.")


def _activate(work: Work, item: Node, missing: Mapping[str, int], salt: int) -> None:
    """Stock the item at locations that did not have it."""
    for location, units in missing.items():
        work.client.change(
            ACTIVATE, item=str(item.get("id")), location=gid("Location", location), available=units,
            key=work.key("activate", item.get("id"), location, units, salt),
        )  # fmt: skip


def _set(work: Work, item: Node, changes: Mapping[str, tuple[int, int]], salt: int) -> None:
    if not changes:
        return
    rows = [
        {"inventoryItemId": str(item.get("id")), "locationId": gid("Location", location), "quantity": units,
         "changeFromQuantity": was}
        for location, (was, units) in changes.items()
    ]  # fmt: skip
    given = {"name": "available", "reason": text_setting(work.connection, "stock_reason"), "quantities": rows}
    work.client.change(SET_STOCK, input=given, key=work.key("stock", sorted(changes.items()), salt))


def find_variant(work: Work, sku: str) -> Node:
    """The variant with this sku, with its levels: the one we remember, or else a search. Raises Refused when there is
    none, or more than one."""
    remembered = work.memory.external("product", sku)
    if remembered is not None:
        found = _variant(work, remembered.rpartition("/")[2])
        if text(found, "sku") == sku:
            return found
    data = work.client.query(VARIANTS_BY_SKU, q=f"sku:{quoted(sku)}")
    found_rows = [each for each in nodes(data, "productVariants") if text(each, "sku") == sku]
    if not found_rows:
        raise Refused(f"Shopify has no article with sku {sku}: add it there, or correct the sku.")
    if len(found_rows) > 1:
        raise Refused(f"Shopify has more than one article with sku {sku}: give each its own there.")
    _bind(work, found_rows[0])
    return _variant(work, number_of(found_rows[0].get("id")))


def _variant(work: Work, number: str) -> Node:
    return object_of(work.client.query(VARIANT, id=gid("ProductVariant", number)), "productVariant")


def levels_of(item: Node) -> dict[str, int]:
    """What may be sold by location number."""
    found: dict[str, int] = {}
    for level in nodes(item, "inventoryLevels"):
        location = number_of(object_of(level, "location").get("id"))
        for row in objects(level, "quantities"):
            if location and row.get("name") == "available" and isinstance(row.get("quantity"), int):
                found[location] = int(row["quantity"])
    return found


def _sellable(work: Work, variant: Node) -> int | None:
    """What the shop says may be sold: at the locations linked to our outlets, or in all where none is. None where it does
    not count."""
    item = object_of(variant, "inventoryItem")
    if item.get("tracked") is not True:
        return None
    levels = levels_of(item)
    linked = [units for location, units in levels.items() if work.memory.ours("outlet", location) is not None]
    return sum(linked) if linked else sum(levels.values())


def _variants_of(work: Work, given: str) -> Iterator[Node]:
    if given.startswith("gid://shopify/InventoryItem/"):
        item = work.client.query(ITEM, id=given).get("inventoryItem")
        if not isinstance(item, Mapping):
            raise Refused(f"Shopify has no inventory item {number_of(given)} any more.")
        yield from nodes(item, "variants")
        return
    product = number_of(given) or given.partition("/")[0]
    if not (product.isascii() and product.isdigit() and len(product) < 20):
        raise Refused(f"{given[:60]!r} is not the id of a product in Shopify.")
    after: str | None = None
    while True:
        found = work.client.query(PRODUCT, id=gid("Product", product), after=after).get("product")
        if not isinstance(found, Mapping):
            raise Refused(f"Shopify has no product {product} any more.")
        yield from nodes(found, "variants")
        after = next_page(found, "variants")
        if after is None:
            return


def _changed(work: Work, rows: Sequence[Node]) -> list[NewEvent]:
    events: list[NewEvent] = []
    for variant in rows:
        _bind(work, variant)
        events += variant_events(variant, None)
    return events


def _bind(work: Work, variant: Node) -> None:
    sku, external_id, _ = variant_names(variant)
    if sku and work.memory.external("product", sku) != external_id:
        work.memory.bind("product", sku, external_id)


def _count(work: Work, query: str) -> int | None:
    found = object_of(work.client.query(COUNT_VARIANTS, q=query), "productVariantsCount").get("count")
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def _whole(work: Work, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refused(f"The command {work.call.operation} needs a whole quantity, not {value!r}.")
    return value


def _moment(since: str) -> str:
    moment: datetime = moment_of({"since": since}, "since")
    return utc_text(moment)
