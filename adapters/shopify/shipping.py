"""What one outlet sent, or handed over, becomes a fulfilment in the shop."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.base import Refused, Result
from adapters.fields import object_of, text
from adapters.shopify.assigning import bring
from adapters.shopify.parts import Part, Shipment, Standing, make_ready_to_send, standing, tracking_of, wanted_lines
from adapters.shopify.statuses import ship, track
from adapters.shopify.work import Work


def ship_fulfilment(work: Work) -> Result:
    """Make the part that one outlet sent a fulfilment over there; the same again with tracking adds the tracking.

    Looks first, because Shopify knows no idempotency key for it: a fulfilment we remember, or one at the outlet's location
    that is nobody's and holds nothing but wanted lines, made by an attempt whose answer was lost or by the shop's staff.
    Units sent there already are not sent again. What Shopify has at another location is moved to the outlet's first.
    Raises Refused for lines the order does not have, RetryLater while there are no fulfilment orders yet.
    """
    given = object_of(work.call.payload, "fulfilment")
    ours, outlet = text(given, "id"), text(given, "outlet")
    if not ours:
        raise Refused("The command ship_fulfilment names no fulfilment.")
    wanted = wanted_lines(work.call.payload.get("lines"))
    order = standing(work, work.order_id())
    tracking = None if given.get("pickup") is True else tracking_of(work.call.payload)
    known = bound(work, ours)
    if known:
        return _tracked(work, order, [each for each in order.shipments if each.number in known], tracking)
    if order.cancelled:
        raise Refused(f"Order {order.name} is cancelled in Shopify: nothing of it can be shown as sent.")
    order.demand_parts()
    _know(order, wanted)
    location = work.memory.external("outlet", outlet) if outlet else None
    found = _adopt(work, order, ours, wanted, location)
    left = _left(wanted, found)
    numbers = [each.number for each in found]
    if any(left.values()):
        made, remarks = _send(work, order, ours, left, location, given.get("pickup") is True, tracking)
        numbers += made
        if made:
            return Result(f"Order {order.name} in Shopify: {outlet or 'the outlet'} sent it, fulfilment {', '.join(numbers)}."
                          + _said(remarks))  # fmt: skip
    if found:
        return _tracked(work, order, found, tracking)
    return Result(f"Order {order.name} in Shopify was left as it is: all of this was sent there already.", did_nothing=True)


def bound(work: Work, ours: str) -> list[str]:
    """The numbers of the fulfilments that ours became; there are several where delivery methods differ."""
    found: list[str] = []
    while True:
        name = ours if not found else f"{ours}/{len(found) + 1}"
        number = work.memory.external("fulfilment", name)
        if number is None:
            return found
        found.append(number)


def _remember(work: Work, ours: str, number: str) -> None:
    have = len(bound(work, ours))
    work.memory.bind("fulfilment", ours if not have else f"{ours}/{have + 1}", number)


def _tracked(work: Work, order: Standing, shipments: list[Shipment], tracking: Mapping[str, str] | None) -> Result:
    """Add tracking to what was sent before, where it lacks it."""
    bare = [each for each in shipments if tracking and not each.has(tracking)]
    for each in bare:
        track(work, f"gid://shopify/Fulfillment/{each.number}", tracking or {})
    named = ", ".join(each.number for each in shipments) or "cancelled there since"
    if not bare:
        return Result(f"Order {order.name} in Shopify has this already (fulfilment {named}).", did_nothing=True)
    return Result(f"Order {order.name} in Shopify: fulfilment {named} got tracking {(tracking or {}).get('number', '')}.")


def _know(order: Standing, wanted: Mapping[str, int]) -> None:
    if not wanted:
        raise Refused("The command ship_fulfilment names no lines.")
    unknown = sorted(set(wanted) - order.lines())
    if unknown:
        raise Refused(f"Order {order.name} in Shopify has no line {', '.join(unknown)} to send: it was removed there.")


def _adopt(work: Work, order: Standing, ours: str, wanted: Mapping[str, int], location: str | None) -> list[Shipment]:
    """Fulfilments that are nobody's and hold nothing but what this one should: they are this one from now on."""
    found: list[Shipment] = []
    left = dict(wanted)
    for each in order.shipments:
        fits = all(units <= left.get(line, 0) for line, units in each.units.items()) and each.units
        here = location is None or each.location in ("", location)
        if fits and here and work.memory.ours("fulfilment", each.number) is None:
            _remember(work, ours, each.number)
            found.append(each)
            left = _left(left, [each])
    return found


def _left(wanted: Mapping[str, int], sent: list[Shipment]) -> dict[str, int]:
    left = dict(wanted)
    for each in sent:
        for line, units in each.units.items():
            left[line] = max(left.get(line, 0) - units, 0)
    return left


def _send(
    work: Work,
    order: Standing,
    ours: str,
    left: Mapping[str, int],
    location: str | None,
    pickup: bool,
    tracking: Mapping[str, str] | None,
) -> tuple[list[str], list[str]]:
    """Send what is left: (numbers of the fulfilments made, remarks)."""
    remarks: list[str] = []
    if location is not None and bring(work, order, left, location, remarks):
        order = standing(work, order.id)
    chosen, missing = _choose(order, left, location, pickup)
    held = [part for part in chosen if not make_ready_to_send(work, part)]
    if held:
        reasons = ", ".join(reason for part in held for reason in part.foreign)
        raise Refused(
            f"Order {order.name} in Shopify cannot be sent: {', '.join(map(str, held))} is on hold ({reasons}). Release it "
            "there, and repeat this."
        )
    if missing:
        remarks.append(f"{sum(missing.values())} units were sent there already, or removed")
    groups: dict[tuple[str, str], list[tuple[Part, Mapping[str, int]]]] = {}
    for part, units in chosen.items():
        groups.setdefault((part.location, part.method), []).append((part, units))
    made = []
    for (_, method), parts in groups.items():
        fulfilment = ship(work, parts, tracking if method != "PICK_UP" else None)
        number = fulfilment.rpartition("/")[2]
        _remember(work, ours, number)
        made.append(number)
    return made, remarks


def _choose(
    order: Standing, left: Mapping[str, int], location: str | None, pickup: bool
) -> tuple[dict[Part, dict[str, int]], dict[str, int]]:
    """Which fulfilment orders the units come out of, the outlet's own first, and what none has."""

    def rank(part: Part) -> tuple[bool, bool]:
        return (part.location != location, (part.method == "PICK_UP") != pickup)

    missing = {line: units for line, units in left.items() if units}
    chosen: dict[Part, dict[str, int]] = {}
    for part in sorted(order.open, key=rank):
        for line, units in part.units().items():
            taken = min(units, missing.get(line, 0))
            if taken:
                chosen.setdefault(part, {})[line] = taken
                missing[line] -= taken
    return chosen, {line: units for line, units in missing.items() if units}


def _said(remarks: list[str]) -> str:
    return f" ({'; '.join(remarks)})" if remarks else ""


