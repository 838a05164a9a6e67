"""Shows in the shop which outlet does what: fulfilment orders are moved, and split, to the locations of our outlets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.base import Refused, Result
from adapters.fields import object_of, objects, text
from adapters.shopify.client import UserErrors, gid, nodes, number_of
from adapters.shopify.mutations import HOLD, MOVE, OPEN, RELEASE, REPORT_PROGRESS, SPLIT
from adapters.shopify.parts import Part, Standing, hold_of, standing, wanted_lines
from adapters.shopify.queries import WHERE_TO
from adapters.shopify.stock import as_told, tell_again
from adapters.shopify.work import Work

MOST_MOVES = 60
"""Far more than an order needs: a shop that undoes every move must not keep us busy for ever."""


@dataclass(frozen=True, slots=True)
class Move:
    """Units by order line that should leave a fulfilment order for a location."""

    part: Part
    location: str
    units: Mapping[str, int]

    @property
    def is_whole(self) -> bool:
        return dict(self.units) == self.part.units()

    def rows(self) -> list[dict[str, Any]]:
        """The units as the API takes them: by line of the fulfilment order."""
        left, found = dict(self.units), []
        for row in self.part.rows:
            taken = min(left.get(row.line, 0), row.remaining)
            if taken:
                left[row.line] -= taken
                found.append({"id": row.id, "quantity": taken})
        return found


def assign_fulfilments(work: Work) -> Result:
    """Bring every line that is still to be sent to the location of the outlet that does it.

    One move at a time, reading again after each, because a move may make fulfilment orders anew. Outlets without a
    location keep their part where it is, split off where it lies among others. Raises Refused when Shopify cannot move
    something, with its words and after doing the rest, RetryLater while there are no fulfilment orders yet.
    """
    order = standing(work, work.order_id())
    if order.cancelled:
        return Result(f"Order {order.name} is cancelled in Shopify: nothing is assigned there.", did_nothing=True)
    order.demand_parts()
    wanted, unlinked = _wanted(work)
    done: list[str] = []
    problems: list[str] = []
    refused: set[tuple[str, str]] = set()
    counted = Counted(work, order, work.call.payload.get("fulfilments"))
    for _ in range(MOST_MOVES):
        move = next((each for each in _moves(order, wanted) if (each.part.id, each.location) not in refused), None)
        if move is not None:
            counted.before_moving()
            told = _carry_out(work, order, move)
            if told:
                problems.append(told)
                refused.add((move.part.id, move.location))
            else:
                done.append(f"{sum(move.units.values())} units from {move.part.place} to {_outlet(work, move.location)}")
        elif not _split_off(work, order, wanted, unlinked, refused):
            break
        else:
            done.append("split off a part")
        order = standing(work, order.id)
    counted.after_moving()
    if problems:
        raise Refused(f"Order {order.name} in Shopify could not be assigned as wanted: {'; '.join(dict.fromkeys(problems))}")
    said = f" Without a location there: {', '.join(sorted(outlet for outlet, _ in unlinked))}." if unlinked else ""
    if not done:
        return Result(f"Order {order.name} in Shopify is assigned like this already.{said}", did_nothing=True)
    return Result(f"Order {order.name} in Shopify: moved {', '.join(done)}.{said}")


def bring(work: Work, order: Standing, units: Mapping[str, int], location: str, remarks: list[str]) -> bool:
    """Before an outlet's part is sent: move to its location what Shopify has elsewhere. Whether anything was moved; what
    cannot be moved is remarked, and sent from where it is."""
    here = dict.fromkeys(units, 0)
    for part in order.open:
        for line, count in part.units().items() if part.location == location else ():
            here[line] = here.get(line, 0) + count
    lacking = {line: count - here[line] for line, count in units.items() if count > here[line]}
    moved = False
    counted = Counted(work, order, [work.call.payload])
    for part in order.open:
        taken = {
            line: min(count, lacking.get(line, 0)) for line, count in part.units().items()
            if part.location != location and lacking.get(line)
        }  # fmt: skip
        if not taken:
            continue
        counted.before_moving()
        told = _carry_out(work, order, Move(part, location, taken))
        if told:
            remarks.append(told)
            continue
        moved = True
        for line, count in taken.items():
            lacking[line] -= count
    counted.after_moving()
    return moved


class Counted:
    """Stock that our numbers have counted an order in already: a move must not count it twice (see `stock.as_told`).

    It is kept in memory while things are moved, so that an attempt that was cut short is tidied up by the next one.
    """

    def __init__(self, work: Work, order: Standing, fulfilments: Any) -> None:
        self._work, self._key = work, f"counted:{order.number}"
        rows = fulfilments if isinstance(fulfilments, Sequence) and not isinstance(fulfilments, str) else ()
        self._skus = sorted({
            str(line["sku"]) for each in rows if isinstance(each, Mapping) for line in objects(each, "lines") if line.get("sku")
        })  # fmt: skip
        kept = work.memory.get(self._key)
        self._told: Mapping[str, Any] | None = kept if isinstance(kept, Mapping) else None

    def before_moving(self) -> None:
        if self._told is None:
            self._told = as_told(self._work, self._skus)
            self._work.memory.put(self._key, self._told)

    def after_moving(self) -> None:
        if self._told is not None:
            tell_again(self._work, self._told)
            self._work.memory.put(self._key, None)


def _wanted(work: Work) -> tuple[dict[str, dict[str, int]], list[tuple[str, dict[str, int]]]]:
    """Units by order line and location, and the parts of outlets that have no location."""
    given = work.call.payload.get("fulfilments")
    wanted: dict[str, dict[str, int]] = {}
    unlinked: list[tuple[str, dict[str, int]]] = []
    for each in given if isinstance(given, Sequence) and not isinstance(given, str) else ():
        part: Mapping[str, Any] = each if isinstance(each, Mapping) else {}
        outlet, units = text(part, "outlet"), wanted_lines(part.get("lines"))
        if not outlet:
            raise Refused("A fulfilment of the command assign_fulfilments names no outlet.")
        location = work.memory.external("outlet", outlet)
        if location is None:
            unlinked.append((outlet, units))
            continue
        for line, count in units.items():
            by_place = wanted.setdefault(line, {})
            by_place[location] = by_place.get(location, 0) + count
    if not wanted and not unlinked:
        raise Refused("The command assign_fulfilments names no fulfilments.")
    if not wanted:
        raise Refused(
            f"None of the outlets {', '.join(outlet for outlet, _ in unlinked)} is linked to a location of this shop: link them "
            "on the connection's page."
        )
    return wanted, unlinked


def _moves(order: Standing, wanted: Mapping[str, Mapping[str, int]]) -> list[Move]:
    """What should be moved. Units that lie where they should stay there; only what is too much goes elsewhere."""
    needs = {line: dict(by_place) for line, by_place in wanted.items()}
    surplus: dict[Part, dict[str, int]] = {}
    for part in order.goods:
        for line, units in part.units().items():
            stays = min(units, needs.get(line, {}).get(part.location, 0))
            if stays:
                needs[line][part.location] -= stays
            if units > stays:
                surplus.setdefault(part, {})[line] = units - stays
    moves: dict[tuple[str, str], tuple[Part, dict[str, int]]] = {}
    for part, lines in surplus.items():
        for line, units in lines.items():
            left = units
            for location, need in needs.get(line, {}).items():
                taken = min(left, need)
                if taken:
                    needs[line][location] -= taken
                    left -= taken
                    moves.setdefault((part.id, location), (part, {}))[1][line] = taken
    return [Move(part, location, units) for (_, location), (part, units) in moves.items()]


def _carry_out(work: Work, order: Standing, move: Move) -> str:
    """Make one move. Gives why it cannot be made, or nothing. What was begun, or held by us, is so again afterwards."""
    part = move.part
    begun = part.status == "IN_PROGRESS" and "MARK_AS_OPEN" in part.actions
    held = "MOVE" not in part.actions and bool(part.holds) and not part.foreign
    if begun:
        work.client.change(OPEN, id=part.id)
    elif held:
        work.client.change(RELEASE, id=part.id, holds=list(part.holds))
    elif "MOVE" not in part.actions:
        return f"{part} cannot be moved: it is {part.status.lower().replace('_', ' ')}, or with a fulfilment service"
    words, now = _try(work, move)
    if begun:
        work.client.change(REPORT_PROGRESS, id=now)
    if held:
        work.client.change(HOLD, id=now, hold=hold_of(work, None))
    return f"{part} cannot go to {_outlet(work, move.location)}: {words}" if words else ""


def _try(work: Work, move: Move) -> tuple[str, str]:
    """Why a move cannot be made, or nothing; and which fulfilment order has the units now."""
    words = _objection(work, move)
    if words:
        return words, move.part.id
    try:
        lines = None if move.is_whole else move.rows()
        payload = work.client.change(MOVE, id=move.part.id, to=gid("Location", move.location), lines=lines)
    except UserErrors as problem:
        return problem.message, move.part.id
    return "", str(object_of(payload, "movedFulfillmentOrder").get("id") or move.part.id)


def _objection(work: Work, move: Move) -> str:
    """What the shop says against a location before it is tried; empty when it says nothing."""
    found = object_of(
        work.client.query(WHERE_TO, id=move.part.id, location=gid("Location", move.location)), "fulfillmentOrder"
    )
    for row in nodes(found, "locationsForMove"):
        if number_of(object_of(row, "location").get("id")) == move.location and row.get("movable") is False:
            return text(row, "message") or "Shopify does not say why"
    return ""


def _split_off(
    work: Work,
    order: Standing,
    wanted: Mapping[str, Mapping[str, int]],
    unlinked: list[tuple[str, dict[str, int]]],
    refused: set[tuple[str, str]],
) -> bool:
    """Give the part of an outlet without a location a fulfilment order of its own. Whether one was split."""
    places = [part for part in order.goods if _has_more_than_wanted(order, part.location, wanted)]
    for outlet, units in unlinked:
        own = next((part for part in places if part.units() == units), None)
        if own is not None:
            places.remove(own)
            continue
        for part in places:
            have = part.units()
            holds_all = bool(units) and all(have.get(line, 0) >= count for line, count in units.items())
            if not holds_all or "SPLIT" not in part.actions or (part.id, outlet) in refused:
                continue
            refused.add((part.id, outlet))
            rows = Move(part, "", units).rows()
            try:
                work.client.change(SPLIT, splits=[{"fulfillmentOrderId": part.id, "fulfillmentOrderLineItems": rows}])
            except UserErrors:
                continue  # It stays where it is, which is no harm: the outlet has no location there anyway.
            return True
    return False


def _has_more_than_wanted(order: Standing, location: str, wanted: Mapping[str, Mapping[str, int]]) -> bool:
    """Whether some of what lies at a location belongs to an outlet without one."""
    here: dict[str, int] = {}
    for part in order.goods:
        for line, count in part.units().items() if part.location == location else ():
            here[line] = here.get(line, 0) + count
    return any(count > wanted.get(line, {}).get(location, 0) for line, count in here.items())


def _outlet(work: Work, location: str) -> str:
    return work.memory.ours("outlet", location) or location
