"""Sourcing: which outlets fulfil an order. Exact, and the same answer for the same question.

Rules say what is allowed and preferred; this module chooses. Of all allowed plans it gives the one that is best by, in
this order:

1. most units fulfilled;
2. fewest outlets;
3. most preference: the sum of the preference points of the outlets used;
4. best priorities: those of the outlets used, ascending, compared as tuples, smaller is better;
5. smallest ids: those of the outlets used, in order of (priority, id), compared as tuples.

These settle the set of outlets. Within it, a line goes whole to the best outlet that has all of it (most preference,
then priority, then id), and a line that must be divided takes the largest amounts first. What no allowed plan can
fulfil is a shortage; whether it is back-ordered or holds the order is for the caller to say.

How: `cover` makes the question small, `search` finds the fewest and best outlets, `limited`
answers when a limit on outlets leaves pieces unfulfilled, `highs` takes over when those have used up their
steps, and `trace` writes down why each outlet was chosen or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress

from engine.sourcing import highs
from engine.sourcing.allocation import allocate, shortages
from engine.sourcing.bound import Lower, explain_bound, lower_bound
from engine.sourcing.cover import Need, greedy, needs_of, reduce
from engine.sourcing.limited import LimitedSearch, undominated
from engine.sourcing.problem import (
    OutOfStepsError,
    Problem,
    Steps,
    build,
    check,
    demand_by_sku,
    in_order_of_merit,
    pieces_of,
    score,
    weights,
)
from engine.sourcing.search import MAX_DEPTH, CoverSearch
from engine.sourcing.types import (
    Allocation,
    Bound,
    Candidate,
    DivideLines,
    Effort,
    Limits,
    Method,
    OrderLine,
    Shortage,
    Sourcing,
    SourcingError,
    Stock,
)

__all__ = [
    "Allocation",
    "Bound",
    "Candidate",
    "DivideLines",
    "Effort",
    "Limits",
    "Method",
    "OrderLine",
    "Shortage",
    "Sourcing",
    "SourcingError",
    "Stock",
    "source",
]

_NO_LIMITS = Limits()
_NORMAL_EFFORT = Effort()


def source(
    lines: Iterable[OrderLine],
    candidates: Iterable[Candidate],
    limits: Limits = _NO_LIMITS,
    effort: Effort = _NORMAL_EFFORT,
) -> Sourcing:
    """Choose the outlets for these order lines. The order in which lines and candidates are given does not matter.

    Raises SourcingError when there are no lines or no candidates, when an id is given twice, or when a number makes no
    sense (a quantity below 1, stock that is not whole pieces).
    """
    all_lines = tuple(sorted(lines, key=lambda line: line.id))
    everyone = tuple(sorted(candidates, key=lambda candidate: candidate.id))
    check(all_lines, everyone, limits)
    allowed = in_order_of_merit(everyone)
    only = _first_that_has_all(all_lines, allowed)
    if only is not None:
        allocations = tuple(Allocation(line.id, only.id, line.quantity) for line in all_lines)
        units = sum(line.quantity for line in all_lines)
        bound = Bound(1, "one outlet suffices")
        return Sourcing(allocations, (), score([only], units), bound, "one outlet", True, all_lines, everyone, limits)
    problem = build(all_lines, allowed, limits)
    chosen, method, bound, proven = _choose(problem, limits.max_outlets, effort)
    allocations, packed = allocate(problem, chosen, effort)
    used = {allocation.outlet for allocation in allocations}
    units = sum(allocation.quantity for allocation in allocations)
    return Sourcing(
        allocations,
        shortages(all_lines, allocations),
        score([candidate for candidate in problem.outlets if candidate.id in used], units),
        bound,
        method,
        proven and packed,
        all_lines,
        everyone,
        limits,
    )


def _first_that_has_all(lines: Sequence[OrderLine], allowed: Sequence[Candidate]) -> Candidate | None:
    """The best outlet that has everything the order wants: no plan can beat it."""
    demand = list(demand_by_sku(lines).items())
    for candidate in allowed:
        for sku, wanted in demand:
            if sku not in candidate.stock or pieces_of(sku, (candidate,))[0] < wanted:
                break
        else:
            return candidate
    return None


def _choose(problem: Problem, most: int | None, effort: Effort) -> tuple[tuple[int, ...], Method, Bound, bool]:
    """Positions of the best outlets, how they were found, why fewer do not do, and whether that is proven."""
    if not problem.outlets:
        return (), "nothing available", Bound(0, "no allowed outlet has anything that was ordered"), True
    steps = Steps(effort)
    targets: list[int] | None = None
    lower: Lower | None = None
    positions: Sequence[int] = range(len(problem.outlets))
    try:
        needs = needs_of(problem, steps)
        fulfilled = {need.group.sku: need.target for need in needs}
        targets = [fulfilled.get(group.sku, 0) for group in problem.groups]
        lower = lower_bound(needs)
        forced, active, left = reduce(needs, steps)
        positions = sorted([*forced, *active])
        found = _cover(problem, (forced, active, left), lower, most, steps)
        if found is not None:
            chosen, method = found
            return chosen, method, explain_bound(lower, len(chosen)), True
        chosen = _within_limit(problem, most or 0, Steps(effort))
        return chosen, "one outlet" if len(chosen) == 1 else "search", _limit_bound(chosen, most), True
    except OutOfStepsError:
        return _ask_highs(problem, positions, targets, lower, most, effort)


def _cover(
    problem: Problem, reduced: tuple[list[int], list[int], list[Need]], lower: Lower, most: int | None, steps: Steps
) -> tuple[tuple[int, ...], Method] | None:
    """The fewest and best outlets that fulfil all that can be fulfilled, or None when that takes more than `most`."""
    forced, active, left = reduced
    ceiling = (len(problem.outlets) if most is None else most) - len(forced)
    if ceiling < (1 if left else 0):
        return None
    if not left:
        return tuple(sorted(forced)), "one outlet" if len(forced) == 1 else "dominance"
    search = CoverSearch(left, active, weights([problem.outlets[position] for position in active]), steps)
    least = max(1, lower.outlets - len(forced), lower_bound(left).outlets)
    method: Method = "greedy meets bound" if len(greedy(left, steps)) == least else "search"
    for outlets in range(least, min(ceiling, len(active)) + 1):
        if outlets > MAX_DEPTH:
            raise OutOfStepsError
        weight = search.solve(outlets)
        if weight is not None:
            chosen = tuple(sorted([*forced, *search.chosen(weight)]))
            return chosen, "one outlet" if len(chosen) == 1 else method
    return None


def _within_limit(problem: Problem, most: int, steps: Steps) -> tuple[int, ...]:
    positions = undominated(problem)
    worth = weights([problem.outlets[position] for position in positions])
    return tuple(sorted(LimitedSearch(problem, positions, worth, steps).solve(most)))


def _limit_bound(chosen: Sequence[int], most: int | None) -> Bound:
    count = len(chosen)
    allowed = f"only {most} outlet{'s are' if most != 1 else ' is'} allowed, which cannot fulfil all there is"
    fewer = "" if count == 1 else f"; no {count - 1} fulfil as many pieces as these {count}"
    return Bound(count, allowed + fewer)


def _ask_highs(
    problem: Problem,
    positions: Sequence[int],
    targets: Sequence[int] | None,
    lower: Lower | None,
    most: int | None,
    effort: Effort,
) -> tuple[tuple[int, ...], Method, Bound, bool]:
    """As `_choose`. The best plan that reaches `targets`, when they are known, uses only outlets at `positions`."""
    if targets is not None and lower is not None:
        # Without a plan here the limit is too low, or HiGHS stopped too early: the question below covers both.
        with suppress(highs.NoPlanError):
            chosen, proven = highs.best_outlets(problem, positions, targets, most, effort)
            bound = explain_bound(lower, len(chosen)) if proven else Bound(lower.outlets, lower.reason)
            return chosen, "highs", bound, proven
    worthwhile = undominated(problem)
    try:
        chosen, proven = highs.best_outlets(problem, worthwhile, None, most, effort)
    except highs.NoPlanError:
        search = LimitedSearch(problem, worthwhile, [0] * len(worthwhile), Steps(effort))
        chosen, proven = search.greedy(most or len(worthwhile)), False
    if proven:
        return chosen, "highs", explain_bound(Lower(0, ""), len(chosen)), True
    return chosen, "highs", Bound(1, "fewer outlets might do: HiGHS stopped at its limit"), False
