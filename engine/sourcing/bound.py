"""Why fewer outlets cannot do: lower bounds that a person can check against the stock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from engine.sourcing.cover import Need
from engine.sourcing.types import Bound

_MOST_PAIRS = 40
"""Up to so many needs every pair is looked at for one that no outlet meets."""


@dataclass(frozen=True, slots=True)
class Lower:
    """At least so many outlets are needed, because of `reason`."""

    outlets: int
    reason: str


def lower_bound(needs: Sequence[Need]) -> Lower:
    """The best of three simple bounds: needs without a common outlet, one such pair, and counting."""
    bounds = [_apart(needs), _counted(needs)]
    if max(bound.outlets for bound in bounds) < 2 and len(needs) <= _MOST_PAIRS:
        helped = [(need, need.helpers) for need in needs]
        for (one, helpers), (other, others) in combinations(helped, 2):
            if not helpers & others:
                bounds.append(Lower(2, _not_together([one, other])))
                break
    return max(bounds, key=lambda bound: bound.outlets)


def explain_bound(lower: Lower, used: int) -> Bound:
    """The bound of a plan that is known to use the fewest outlets."""
    if used == 1:
        return Bound(1, "one outlet suffices")
    if lower.outlets == used:
        return Bound(used, lower.reason)
    fewer = "no single outlet" if used == 2 else f"no {used - 1} outlets"
    return Bound(used, f"{fewer} can fulfil as much together; every choice was ruled out")


def _takes(need: Need) -> int:
    """Fewest outlets that this need takes by itself."""
    missing, outlets = need.missing, 0
    for amount in sorted(need.amounts.values(), reverse=True):
        if missing <= 0:
            break
        missing -= amount
        outlets += 1
    return max(1, outlets)


def _apart(needs: Sequence[Need]) -> Lower:
    """Needs of which no outlet helps with two: what they take adds up."""
    union = 0
    picked: list[Need] = []
    helped = [(need.helpers.bit_count() / _takes(need), need.group.sku, need) for need in needs]
    for _, _, need in sorted(helped, key=lambda entry: entry[:2]):
        helpers = need.helpers
        if not helpers & union:
            picked.append(need)
            union |= helpers
    picked.sort(key=lambda need: need.group.sku)
    return Lower(sum(_takes(need) for need in picked), _not_together(picked))


def _not_together(picked: Sequence[Need]) -> str:
    names = [need.group.sku for need in picked]
    parts = []
    if len(picked) == 2:
        parts.append(f"no outlet has both {names[0]} and {names[1]}")
    elif len(picked) > 2:
        parts.append(f"no outlet has any two of {', '.join(names[:-1])} and {names[-1]}")
    for need in picked:
        takes = _takes(need)
        if takes > 1:
            fewer = "no outlet has" if takes == 2 else f"no {takes - 1} outlets together have"
            parts.append(f"{fewer} {need.missing} of {need.group.sku}")
    return "; ".join(parts)


def _counted(needs: Sequence[Need]) -> Lower:
    """No outlet meets more than so many of the simple needs."""
    meets: dict[int, int] = {}
    simple = [need for need in needs if need.simple]
    for need in simple:
        for position in need.amounts:
            meets[position] = meets.get(position, 0) + 1
    most = max(meets.values(), default=1)
    return Lower(-(-len(simple) // most), f"no outlet has more than {most} of these {len(simple)} articles")
