"""Shipments: what each outlet sent, from its source, once; and which outlet is to send what.

Magento has no idempotency keys, so every shipment we make carries a comment with the mark of its fulfilment, and is looked
for before it is made. Quantities are given with each call: without them Magento sends everything that is open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from adapters.base import Refused, Result
from adapters.fields import Reader, fingerprint, objects, text
from adapters.magento import stock
from adapters.magento.bundles import ships_together, whole_sets
from adapters.magento.comments import add_comment, released
from adapters.magento.orders import Line, lines_of
from adapters.magento.progress import Words, mark, newest_mark, pickup_location, shop_status
from adapters.magento.settings import number_setting, text_setting
from adapters.magento.work import Work

Units = list[tuple[Line, Decimal]]

_KNOWN_CARRIERS = ("ups", "usps", "fedex", "dhl")
"""Codes of carriers in Magento itself, which make tracking links."""


def ship_fulfilment(work: Work) -> Result:
    """Make the part one outlet sent a shipment from its source, or add tracking to the shipment it already is.

    What was sent there already is not sent again. Raises Refused for an outlet without a source and when the shop refuses.
    """
    fulfilment = work.call.payload.get("fulfilment")
    part = fulfilment if isinstance(fulfilment, Mapping) else {}
    id, outlet = text(part, "id"), text(part, "outlet")
    if not id or not outlet:
        raise Refused("The command ship_fulfilment names no fulfilment and outlet.")
    order: Mapping[str, Any] = work.order()
    order_id, number = str(order["entity_id"]), str(order.get("increment_id"))
    track = _track(work)
    shipments = work.client.shipments(order_id)
    known = _marked(shipments, id) or _bound(work, shipments, id)
    if known is not None:
        _collected(work, order, part)
        return _add_track(work, number, id, known, track)
    source = source_of(work, outlet)
    remarks: list[str] = []
    units = _open_units(order, work.payload_objects("lines"), remarks)
    if not units:
        found = next((each for each in reversed(shipments) if _source(each) in (source, "")), None)
        if track and found is not None and track["track_number"] not in _numbers(shipments):
            return _add_track(work, number, id, found, track)
        said = f"Nothing of order {number} is left to send: {'; '.join(remarks) or 'all of it was sent'}."
        return Result(said, did_nothing=not _collected(work, order, part))
    order = released(work, order, remarks)
    _know_of(work, order_id, outlet, units)
    if not send_from(work, order, source, units, id, track, remarks):
        return Result(f"Order {number} in the shop was left as it is: {'; '.join(remarks)}.", did_nothing=True)
    made = _marked(work.client.shipments(order_id), id)
    if made is not None:
        work.memory.bind("fulfilment", id, str(made["entity_id"]))
    _collected(work, work.client.order(order_id), part)
    said = ", ".join(f"{_plain(quantity)} x {line.sku}" for line, quantity in units)
    return Result(f"Order {number}: sent {said} from source {source}{_also(remarks)}.")


def assign_fulfilments(work: Work) -> Result:
    """Write in a comment which outlet does what, and count its units in that outlet's source until they are sent."""
    order = work.order()
    given: stock.Allocation = {}
    for part in work.payload_objects("fulfilments"):
        outlet = text(part, "outlet") or ""
        for line in objects(part, "lines"):
            given.setdefault(outlet, {})[str(line.get("line"))] = [str(line.get("sku") or ""), _quantity(line)]
    words = "; ".join(
        f"{outlet}: " + ", ".join(f"{units} x {sku}" for sku, units in parts.values()) for outlet, parts in sorted(given.items())
    )
    tag = f"outlets {fingerprint(given)[:8]}"
    news = newest_mark(order, "outlets ") != tag
    if news:
        add_comment(work, order, f"Outlets: {words or 'none'}.", tag)
    stock.allocate(work, str(order["entity_id"]), given)
    said = f"Order {order.get('increment_id')}: {words or 'no outlet'}."
    return Result(said, did_nothing=not news)


def send_from(
    work: Work, order: Mapping[str, Any], source: str, units: Units, parcel: str, track: Mapping[str, str] | None, remarks: list[str]
) -> bool:
    """One shipment of these units from one source, known by its parcel's mark. False when nothing can be sent yet."""
    items, goods = _items(work, order, units, parcel, remarks)
    if not items:
        return False
    if remark := stock.make_room(work, source, stock.units_of(goods)):
        remarks.append(remark)
    body: dict[str, Any] = {
        "items": items,
        "notify": work.notifies,
        "appendComment": False,
        "comment": {"comment": f"Sent. {mark(f'fulfilment {parcel}')}", "is_visible_on_front": 0},
        "tracks": [track] if track else [],
    }
    if source:
        body["arguments"] = {"extension_attributes": {"source_code": source}}
    work.client.post(f"order/{order['entity_id']}/ship", body)
    if goods != units:
        stock.correct(work, stock.units_of(goods))
    return True


def send_all(work: Work, order: Mapping[str, Any], remarks: list[str]) -> int:
    """Send whatever is open, each part from the source that it was assigned to; the rest from the pickup location, the
    default source, or those that Magento itself proposes. Gives how many shipments were made."""
    made = 0
    track = _track(work)
    for source, units in _by_source(work, order, _all_open(order)).items():
        parcel = f"{order['entity_id']}-{source}-{fingerprint([line.id for line, _ in units])[:8]}"
        made += send_from(work, order, source, units, parcel, track, remarks)
    return made


def add_tracking(work: Work, order: Mapping[str, Any]) -> str:
    """Add the payload's tracking number to the order's last shipment without one, or else its last; says what came of it,
    empty when there is nothing to add."""
    track = _track(work)
    if track is None:
        return ""
    shipments = work.client.shipments(str(order["entity_id"]))
    if track["track_number"] in _numbers(shipments):
        return ""
    if not shipments:
        return f"tracking number {track['track_number']} waits for a shipment"
    without = [each for each in shipments if not objects(each, "tracks")]
    _post_track(work, (without or shipments)[-1], track)
    return f"added tracking number {track['track_number']}"


def source_of(work: Work, outlet: str) -> str:
    """The source that an outlet is. Raises Refused when it is not linked and there is no default."""
    source = work.memory.external("outlet", outlet) or text_setting(work.connection, "default_source")
    if not source:
        raise Refused(
            f"Outlet {outlet} is not linked to a source of the shop: link it on the connection's page, or set default_source."
        )
    return source


# What is open, and from where


def _all_open(order: Mapping[str, Any]) -> Units:
    return [(line, line.open) for line in lines_of(order) if line.ships and line.open]


def _open_units(order: Mapping[str, Any], wanted: Sequence[Mapping[str, Any]], remarks: list[str]) -> Units:
    """The lines of the payload as far as they are still open; the rest is remarked."""
    lines = {line.id: line for line in lines_of(order)}
    units: Units = []
    for each in wanted:
        line = lines.get(str(each.get("line"))) or next((x for x in lines.values() if x.sku == each.get("sku") and x.ships), None)
        if line is None:
            raise Refused(f"Order {order.get('increment_id')} has no line {each.get('line')} ({each.get('sku')}) in the shop.")
        quantity = min(Decimal(_quantity(each)), line.open)
        if quantity < _quantity(each) and line.ships:
            remarks.append(f"{_plain(_quantity(each) - quantity)} x {line.sku} was sent, cancelled or paid back already")
        if quantity and line.ships:
            units.append((line, quantity))
    return units


def _items(
    work: Work, order: Mapping[str, Any], units: Units, parcel: str, remarks: list[str]
) -> tuple[list[dict[str, Any]], Units]:
    """The order items to ship, and the units that Magento takes out of the source for them. Parts of a bundle that is sent as
    one become sets of it, once a set is complete."""
    items: list[dict[str, Any]] = []
    goods: Units = []
    sets: dict[Any, Units] = {}
    for line, quantity in units:
        if line.bundle is not None and ships_together(work, line.bundle):
            sets.setdefault(line.bundle.get("item_id"), []).append((line, quantity))
        else:
            items.append({"order_item_id": int(line.id), "qty": _plain(quantity)})
            goods.append((line, quantity))
    for bundle_id, parts in sets.items():
        siblings = [line for line in lines_of(order) if line.bundle is not None and line.bundle.get("item_id") == bundle_id]
        complete = whole_sets(work, str(order["entity_id"]), parcel, parts, siblings)
        if complete:
            items.append({"order_item_id": int(bundle_id), "qty": _plain(complete)})
            ordered = Reader(parts[0][0].bundle or {}, str(order.get("increment_id"))).number("qty_ordered")
            goods += [(line, line.ordered * complete / ordered) for line in siblings]
        else:
            remarks.append("Magento sends a set as one: it goes with its last part")
    return items, goods


def _by_source(work: Work, order: Mapping[str, Any], units: Units) -> dict[str, Units]:
    """Which source sends what of the open units."""
    left = {line.id: quantity for line, quantity in units}
    lines = {line.id: line for line, _ in units}
    found: dict[str, Units] = {}
    for outlet, parts in stock.allocation_of(work, str(order["entity_id"])).items():
        source = work.memory.external("outlet", outlet)
        for line_id, (_, count) in parts.items():
            taken = min(left.get(line_id, Decimal(0)), Decimal(str(count)))
            if source and taken > 0:
                left[line_id] -= taken
                found.setdefault(source, []).append((lines[line_id], taken))
    rest = [(lines[line_id], quantity) for line_id, quantity in left.items() if quantity > 0]
    fallback = pickup_location(order) or text_setting(work.connection, "default_source")
    if rest and fallback:
        found.setdefault(fallback, []).extend(rest)
    elif rest:
        for source, parts_of in _proposed(work, order, rest).items():
            found.setdefault(source, []).extend(parts_of)
    return found


def _proposed(work: Work, order: Mapping[str, Any], units: Units) -> dict[str, Units]:
    """The sources Magento would send from, by their priority. What no source has goes with the first one."""
    body = {"inventoryRequest": {"stock_id": _stock_id(work, order), "items": [
        {"sku": sku, "qty": _plain(quantity)} for sku, quantity in stock.units_of(units).items()
    ]}, "algorithmCode": "priority"}  # fmt: skip
    answer = work.client.post("inventory/source-selection-algorithm-result", body)
    chosen = objects(answer, "source_selection_items") if isinstance(answer, Mapping) else []
    found: dict[str, Units] = {}
    first = next((str(each.get("source_code")) for each in chosen), "")
    for line, quantity in units:
        left = quantity
        for each in chosen:
            if str(each.get("sku") or "").lower() == line.sku.lower() and left > 0:
                taken = min(left, Decimal(str(each.get("qty_to_deduct") or 0)))
                if taken > 0:
                    found.setdefault(str(each.get("source_code")), []).append((line, taken))
                    left -= taken
        if left > 0:
            found.setdefault(first, []).append((line, left))
    return found


def _stock_id(work: Work, order: Mapping[str, Any]) -> int:
    """The stock of the order's website, remembered by store view."""
    fixed = int(number_setting(work.connection, "stock_id"))
    key = f"stock_id:{order.get('store_id')}"
    kept = fixed or work.memory.get(key)
    if isinstance(kept, int) and not isinstance(kept, bool):
        return kept
    stores, websites = work.client.get("store/storeViews"), work.client.get("store/websites")
    views = {each.get("id"): each.get("website_id") for each in stores if isinstance(each, Mapping)}
    codes = {each.get("id"): each.get("code") for each in websites if isinstance(each, Mapping)}
    code = codes.get(views.get(order.get("store_id")))
    if not code:
        raise Refused(f"Order {order.get('increment_id')} belongs to no website of the shop: set the connection setting stock_id.")
    found = work.client.get(f"inventory/stock-resolver/website/{code}")
    stock_id = found.get("stock_id") if isinstance(found, Mapping) else None
    if not isinstance(stock_id, int):
        raise Refused(f"The shop has no stock for website {code}: set the connection setting stock_id.")
    work.memory.put(key, stock_id)
    return stock_id


def _collected(work: Work, order: Mapping[str, Any], part: Mapping[str, Any]) -> bool:
    """Comment that an order was collected once its last part was handed over: Magento has no word for it."""
    if part.get("pickup") is not True or _all_open(order) or shop_status(order, Words.of(work.connection)) != "ready_for_pickup":
        return False
    add_comment(work, order, "Collected.", "completed")
    return True


def _know_of(work: Work, order_id: str, outlet: str, units: Units) -> None:
    """Count what is about to be sent in its source, if nobody told us before that this outlet sends it."""
    present = stock.allocation_of(work, order_id)
    if not any(line.id in parts for parts in present.values() for line, _ in units):
        own = {line.id: [line.sku, _plain(quantity)] for line, quantity in units}
        stock.allocate(work, order_id, {**present, outlet: {**present.get(outlet, {}), **own}})


# Shipments and tracking


def _marked(shipments: Sequence[Mapping[str, Any]], parcel: str) -> Mapping[str, Any] | None:
    """The shipment that carries a parcel's mark."""
    wanted = mark(f"fulfilment {parcel}")
    return next((s for s in shipments if any(wanted in (text(c, "comment") or "") for c in objects(s, "comments"))), None)


def _bound(work: Work, shipments: Sequence[Mapping[str, Any]], fulfilment: str) -> Mapping[str, Any] | None:
    bound = work.memory.external("fulfilment", fulfilment)
    return next((each for each in shipments if bound and str(each.get("entity_id")) == bound), None)


def _add_track(work: Work, number: str, id: str, shipment: Mapping[str, Any], track: Mapping[str, str] | None) -> Result:
    shipment_id = str(shipment["entity_id"])
    if work.memory.external("fulfilment", id) != shipment_id:
        work.memory.bind("fulfilment", id, shipment_id)
    if track is None or track["track_number"] in _numbers([shipment]):
        return Result(f"Order {number}: shipment {shipment_id} is there already.", did_nothing=True)
    _post_track(work, shipment, track)
    return Result(f"Order {number}: added tracking number {track['track_number']} to shipment {shipment_id}.")


def _post_track(work: Work, shipment: Mapping[str, Any], track: Mapping[str, str]) -> None:
    entity = {"order_id": shipment["order_id"], "parent_id": shipment["entity_id"], "weight": 0, "qty": 0, "description": "", **track}
    work.client.post("shipment/track", {"entity": entity})


def _track(work: Work) -> dict[str, str] | None:
    """The payload's tracking as Magento writes it."""
    given = work.call.payload.get("tracking")
    tracking = given if isinstance(given, Mapping) else {}
    number = text(tracking, "number")
    if not number:
        return None
    carrier = text(tracking, "carrier") or "Parcel"
    code = text_setting(work.connection, "carrier_code") or "custom"
    if code == "custom" and carrier.lower() in _KNOWN_CARRIERS:
        code = carrier.lower()
    return {"track_number": number, "title": carrier, "carrier_code": code}


def _numbers(shipments: Sequence[Mapping[str, Any]]) -> set[str]:
    return {text(track, "track_number") or "" for each in shipments for track in objects(each, "tracks")}


def _source(shipment: Mapping[str, Any]) -> str:
    extra = shipment.get("extension_attributes")
    return str(extra.get("source_code") or "") if isinstance(extra, Mapping) else ""


def _quantity(line: Mapping[str, Any]) -> int:
    value = line.get("quantity")
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise Refused(f"A line needs a whole quantity above 0, not {value!r}.")
    return value


def _plain(quantity: Decimal) -> int | float:
    return int(quantity) if quantity == quantity.to_integral_value() else float(quantity)


def _also(remarks: Sequence[str]) -> str:
    return f" ({'; '.join(remarks)})" if remarks else ""
