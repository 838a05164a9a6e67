"""From order lines and outlets to the numbers that the search works on: who has how much of what, in order of merit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Literal

from engine.sourcing.types import (
    DIVIDE_LINES,
    MAX_PREFERENCE,
    MAX_QUANTITY,
    Candidate,
    Effort,
    Limits,
    OrderLine,
    Score,
    SourcingError,
)

MAX_PACKED = 150
"""Most lines of one article that our own search packs: it goes one call deeper for each."""


class OutOfStepsError(Exception):
    """The search has used up its steps; somebody else must answer."""


def mask_of(positions: Iterable[int], size: int) -> int:
    """The integer whose bits at these positions, all below `size`, are set. Takes time in proportion to `size`."""
    digits = bytearray(b"0") * size
    for position in positions:
        digits[size - 1 - position] = 49  # the digit 1
    return int(digits, 2) if size else 0


class Steps:
    """Counts down the work that our own search may still do."""

    def __init__(self, effort: Effort) -> None:
        self.left = effort.search_steps

    def take(self, count: int = 1) -> None:
        """Use `count` steps. Raises OutOfStepsError when they are gone."""
        self.left -= count
        if self.left < 0:
            raise OutOfStepsError


@dataclass(frozen=True, slots=True)
class Group:
    """The lines that want one article, and what each outlet has of it.

    `amounts[i]` is what the outlet at position i has available, capped at `demand`. `whole[j]` says whether line j must
    come from one outlet. `kind`: `whole` is one line from one outlet; `pooled` lines take whatever all outlets have
    together; `packed` lines share an article while at least one of them must stay whole.
    """

    sku: str
    lines: tuple[OrderLine, ...]
    whole: tuple[bool, ...]
    demand: int
    amounts: list[int]
    kind: Literal["whole", "pooled", "packed"]

    def units(self, chosen: Sequence[int], steps: Steps) -> int:
        """Most pieces of this article that the outlets at these positions can fulfil."""
        amounts = [self.amounts[position] for position in chosen]
        if self.kind == "whole":
            return max(amounts, default=0)
        if self.kind == "pooled":
            return min(self.demand, sum(amounts))
        return pack(amounts, self, steps)[0]


@dataclass(frozen=True, slots=True)
class Problem:
    """`outlets` may be used, and each has something that is wanted. They stand in order of merit: preference, then
    priority, then id, so that of two outlets that can do the same, the one at the lower position is the better."""

    groups: list[Group]
    outlets: list[Candidate]


def check(lines: Sequence[OrderLine], candidates: Sequence[Candidate], limits: Limits) -> None:
    """Raise SourcingError with a sentence when the question makes no sense."""
    if not lines:
        raise SourcingError("The order has no lines, so there is nothing to source.")
    if not candidates:
        raise SourcingError("There is no outlet to source from; give at least one candidate outlet.")
    _check_unique("order line", [line.id for line in lines])
    _check_unique("outlet", [candidate.id for candidate in candidates])
    for line in lines:
        if type(line.quantity) is not int:
            raise SourcingError(f"Order line {line.id}: the quantity {line.quantity!r} is not a whole number.")
        if not 0 < line.quantity <= MAX_QUANTITY:
            raise SourcingError(
                f"Order line {line.id}: the quantity is {line.quantity}; it must be from 1 to {MAX_QUANTITY}."
            )
    for candidate in candidates:
        if type(candidate.stock) is not dict and not isinstance(candidate.stock, Mapping):
            raise SourcingError(f"Outlet {candidate.id}: stock must map articles to what is there of them.")
        if type(candidate.priority) is not int or type(candidate.preference) is not int:
            raise SourcingError(f"Outlet {candidate.id}: priority and preference must be whole numbers.")
        if abs(candidate.preference) > MAX_PREFERENCE:
            raise SourcingError(
                f"Outlet {candidate.id}: the preference is {candidate.preference};"
                f" it must be from -{MAX_PREFERENCE} to {MAX_PREFERENCE}."
            )
    most = limits.max_outlets
    if most is not None and (type(most) is not int or most < 1):
        raise SourcingError(f"At most {most!r} outlets are allowed; the limit must be a whole number from 1, or none.")
    if limits.divide_lines not in DIVIDE_LINES:
        raise SourcingError(f"Lines cannot be divided {limits.divide_lines!r}; say one of {', '.join(DIVIDE_LINES)}.")


def _check_unique(what: str, ids: list[str]) -> None:
    if len(set(ids)) == len(ids):
        return
    seen: set[str] = set()
    for one in ids:
        if one in seen:
            raise SourcingError(f"Ids must be unique: {what} {one} is given more than once.")
        seen.add(one)


def in_order_of_merit(candidates: Iterable[Candidate]) -> list[Candidate]:
    """The outlets that may be used: not excluded and, when any is required, required. The best comes first."""
    everyone = list(candidates)
    only_required = any(candidate.required for candidate in everyone)
    allowed = [c for c in everyone if not c.excluded and (c.required or not only_required)]
    return sorted(allowed, key=lambda c: (-c.preference, c.priority, c.id))


def pieces_of(sku: str, outlets: Sequence[Candidate]) -> list[int]:
    """What each outlet has available of an article: `Stock.available`, written out because it runs for every cell.

    Raises SourcingError when the stock is not made of whole, sensible numbers.
    """
    result = []
    for outlet in outlets:
        stock = outlet.stock.get(sku)
        if stock is None:
            result.append(0)
            continue
        try:
            on_hand, reserved, buffer = stock
            pieces = on_hand - reserved - buffer
        except TypeError as error:
            raise _bad_stock(outlet, sku) from error
        if type(pieces) is not int or reserved < 0 or buffer < 0:
            raise _bad_stock(outlet, sku)
        result.append(pieces if pieces > 0 else 0)
    return result


def _bad_stock(outlet: Candidate, sku: str) -> SourcingError:
    return SourcingError(
        f"Outlet {outlet.id}, article {sku}: stock must be whole pieces, and none may be reserved or kept back"
        f" below zero; it is {outlet.stock.get(sku)}."
    )


def demand_by_sku(lines: Iterable[OrderLine]) -> dict[str, int]:
    """Pieces wanted of each article, articles in order."""
    demand: dict[str, int] = {}
    for line in sorted(lines, key=lambda line: (line.sku, line.id)):
        demand[line.sku] = demand.get(line.sku, 0) + line.quantity
    return demand


def build(lines: Sequence[OrderLine], allowed: Sequence[Candidate], limits: Limits) -> Problem:
    """Put the question in numbers. `allowed` stands in order of merit; outlets that have nothing wanted are left out."""
    demand = demand_by_sku(lines)
    columns = [[min(pieces, wanted) for pieces in pieces_of(sku, allowed)] for sku, wanted in demand.items()]
    helps = [any(row) for row in zip(*columns, strict=True)]
    outlets = list(compress(allowed, helps))
    if len(outlets) < len(allowed):
        columns = [list(compress(column, helps)) for column in columns]
    by_sku: dict[str, list[OrderLine]] = {sku: [] for sku in demand}
    for line in sorted(lines, key=lambda line: line.id):
        by_sku[line.sku].append(line)
    groups = [_group(by_sku[sku], column, limits) for sku, column in zip(demand, columns, strict=True)]
    return Problem(groups, outlets)


def _group(lines: list[OrderLine], amounts: list[int], limits: Limits) -> Group:
    most = max(amounts, default=0)
    whole = tuple(stays_whole(line.quantity, most, limits) for line in lines)
    kind: Literal["whole", "pooled", "packed"]
    if len(lines) == 1 and whole[0]:
        kind = "whole"
    elif not any(stays and line.quantity > 1 for line, stays in zip(lines, whole, strict=True)):
        kind = "pooled"
    else:
        kind = "packed"
    return Group(lines[0].sku, tuple(lines), whole, sum(line.quantity for line in lines), amounts, kind)


def stays_whole(quantity: int, most: int, limits: Limits) -> bool:
    """Whether a line of `quantity` pieces may come from one outlet only, when no allowed outlet has more than `most`."""
    if limits.divide_lines == "when_needed":
        return most >= quantity
    return limits.divide_lines == "never"


def pack(amounts: Sequence[int], group: Group, steps: Steps) -> tuple[int, list[int | None]]:
    """Which outlet each whole line of a packed group goes to so that most pieces are fulfilled.

    `amounts` is what each outlet has. Gives the pieces fulfilled, counting the lines that may be divided, and for each
    line of the group the index into `amounts` it is given to, or None when it may be divided or gets nothing. Trying
    every way takes long only for many lines of one article; then OutOfStepsError is raised.
    """
    order = sorted((j for j, stays in enumerate(group.whole) if stays), key=lambda j: (-group.lines[j].quantity, j))
    if len(order) > MAX_PACKED:
        raise OutOfStepsError
    quantities = [group.lines[j].quantity for j in order]
    loose = group.demand - sum(quantities)
    ceiling = min(group.demand, sum(amounts))
    # w whole lines go to at most w outlets, and whatever a smaller outlet could take, a larger unused one can take too.
    largest = sorted(range(len(amounts)), key=lambda i: (-amounts[i], i))[: len(order)]
    left = {index: amounts[index] for index in largest}
    taken: list[int | None] = [None] * len(order)
    best_units, best_taken = -1, list(taken)

    def place(depth: int, filled: int) -> None:
        nonlocal best_units, best_taken
        steps.take()
        units = min(ceiling, filled + loose)
        if depth == len(order) or not any(left.values()):
            if units > best_units:
                best_units, best_taken = units, list(taken)
            return
        if min(ceiling, units + sum(quantities[depth:])) <= best_units:
            return
        quantity = quantities[depth]
        tried: set[int] = set()
        # The smallest remainder that still holds the line comes first: it keeps large remainders for later lines.
        for index in sorted(left, key=lambda i: (left[i] < quantity, abs(left[i] - quantity), i)):
            before = left[index]
            if before == 0 or before in tried:
                continue
            tried.add(before)
            piece = min(before, quantity)
            left[index], taken[depth] = before - piece, index
            place(depth + 1, filled + piece)
            left[index], taken[depth] = before, None
            if best_units == ceiling:
                return

    place(0, 0)
    result: list[int | None] = [None] * len(group.lines)
    for j, index in zip(order, best_taken, strict=True):
        result[j] = index
    return best_units, result


def weights(outlets: Sequence[Candidate]) -> list[int]:
    """One number per outlet such that, of two sets of equally many outlets, the one with the larger sum is better.

    The number holds, from high to low: the preference points; one digit per distinct priority, the best priority
    highest, so that a sum counts the outlets of each priority; one bit per outlet in order of (priority, id). Equal
    counts of equal priorities are what makes two ascending tuples of priorities equal, and the first difference
    decides, which is how `Score` compares.
    """
    count = len(outlets)
    priorities = sorted({outlet.priority for outlet in outlets})
    by_rank = sorted(range(count), key=lambda i: (outlets[i].priority, outlets[i].id))
    digit = count.bit_length()
    # Priorities that are all different or all equal need no digits: the order of ranks says the same.
    digits = len(priorities) if 1 < len(priorities) < count else 0
    place = {priority: digit * (len(priorities) - 1 - nth) + count for nth, priority in enumerate(priorities)}
    above = count + digit * digits
    result = [0] * count
    for rank, i in enumerate(by_rank):
        result[i] = (outlets[i].preference << above) + (1 << (count - 1 - rank))
        if digits:
            result[i] += 1 << place[outlets[i].priority]
    return result


def score(outlets: Sequence[Candidate], units: int) -> Score:
    """What a plan that uses these outlets for so many units is judged by."""
    ordered = sorted(outlets, key=lambda c: (c.priority, c.id))
    return Score(
        units, sum(c.preference for c in ordered), tuple(c.priority for c in ordered), tuple(c.id for c in ordered)
    )
