"""The most units from a limited number of outlets, when the limit is below what fulfilling everything would take.

Then the fewest outlets that fulfil as many units, and of those the best.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate

from engine.sourcing.problem import Group, Problem, Steps, pack

_UNIT = 256
"""Prices are whole numbers of this part of a piece."""

_TURNS = 40
"""Steps downhill when prices are set."""


def undominated(problem: Problem) -> list[int]:
    """Positions of the outlets that no better outlet can stand in for, whatever else is chosen.

    A better outlet can when it has as much of each article whose line comes from one outlet, and all that is wanted of
    each other article of which this one has some.
    """
    everyone = 0
    as_much = [_as_much(group) for group in problem.groups]
    kept = []
    for position in range(len(problem.outlets)):
        better = everyone
        for group, at_least in zip(problem.groups, as_much, strict=True):
            amount = group.amounts[position]
            if amount:
                better &= at_least.get(amount if group.kind == "whole" else group.demand, 0)
            if not better:
                kept.append(position)
                break
        everyone |= 1 << position
    return kept


def _as_much(group: Group) -> dict[int, int]:
    """Per amount the bits of the outlets that have at least that much."""
    result: dict[int, int] = {}
    together = 0
    for position in sorted(range(len(group.amounts)), key=lambda i: -group.amounts[i]):
        together |= 1 << position
        result[group.amounts[position]] = together
    return result


class LimitedSearch:
    """Branch and bound over sets of at most some number of the outlets at `positions`; `worth` holds their weights.

    It branches on the article that fewest outlets can still help with: one of them is used, or none, and then what is
    short of that article stays short. Two bounds on the units: an outlet never adds more to a larger set than to a
    smaller one, so the outlets still to come add at most what the best of them would add now; and no article gets more
    than what is chosen and what may still be chosen have of it. Lines that must stay whole and share an article are
    bounded as if they need not, and counted exactly once a set is complete.
    """

    def __init__(self, problem: Problem, positions: Sequence[int], worth: Sequence[int], steps: Steps) -> None:
        self.groups = [group for group in problem.groups if any(group.amounts)]
        self.positions, self.steps = positions, steps
        shift = 1 - min(worth, default=0)
        self.worth = [weight + shift for weight in worth]
        """Weights made positive, which changes nothing between sets of equally many outlets."""
        self.top_worth = [0, *accumulate(sorted(self.worth, reverse=True))]
        amounts = [group.amounts for group in self.groups]
        self.rows = [{nth: row[position] for nth, row in enumerate(amounts) if row[position]} for position in positions]
        """Per outlet what it has, by number of the group."""
        self.costs = [1 + len(row) // 6 for row in self.rows]
        """Steps that looking at an outlet counts for."""
        self.targets = [group.units(positions, steps) for group in self.groups]
        self.whole = [group.kind == "whole" for group in self.groups]
        self.packed = [nth for nth, group in enumerate(self.groups) if group.kind == "packed"]
        self.prices = [_UNIT] * len(self.groups)
        self.packs: dict[tuple[int, tuple[int, ...]], int] = {}
        self.units = -1
        self.weight = 0
        self.chosen: tuple[int, ...] = ()

    def solve(self, most: int) -> tuple[int, ...]:
        """Positions of the best outlets."""
        start = self._greedy(most)
        self.units, self.weight = -1, 0
        self._judge(start)
        best = self._search(min(most, len(self.positions))) or start
        while len(best) > 1:
            # Fewer outlets are better only if they fulfil as many units, so anything that fulfils less is too little.
            wanted = self.units
            self.units, self.weight = wanted - 1, sum(self.worth)
            fewer = self._search(len(best) - 1)
            if self.units < wanted:
                break
            best = fewer
        return tuple(self.positions[i] for i in best)

    def greedy(self, most: int) -> tuple[int, ...]:
        """Positions of at most so many outlets, always adding the one that adds most. Not always the best plan."""
        return tuple(self.positions[i] for i in self._greedy(most))

    def _greedy(self, most: int) -> tuple[int, ...]:
        filled = [0] * len(self.groups)
        chosen: tuple[int, ...] = ()
        while len(chosen) < min(most, len(self.positions)):
            left = [i for i in range(len(self.positions)) if i not in chosen]
            best = max(left, key=lambda i: (sum(self._gains(i, filled).values()), -i))
            if not self._gains(best, filled):
                break
            chosen += (best,)
            filled = self._with(best, filled)
        return chosen

    def _search(self, most: int) -> tuple[int, ...]:
        self.chosen = ()
        self._set_prices(most)
        self._extend((), [0] * len(self.groups), 0, list(range(len(self.positions))), most)
        return self.chosen

    def _extend(self, chosen: tuple[int, ...], filled: list[int], weight: int, free: list[int], more: int) -> None:
        """Judge every plan that could win and holds `chosen` and up to so many more of the outlets in `free`.

        `filled` is what the chosen outlets have of each article. Each round takes one article and tries the outlets
        that can help with it; after that none of them is free any more.
        """
        while True:
            self.steps.take(1 + sum(self.costs[i] for i in free))
            gains = {i: self._gains(i, filled) for i in free}
            free = [i for i in free if gains[i] or any(nth in self.rows[i] for nth in self.packed)]
            if not free:
                self._judge(chosen)
                return
            base, adds = self._ceiling(filled, gains)
            top = sorted((adds[i] for i in free), reverse=True)[:more]
            ceiling = (base + sum(top)) // _UNIT
            if ceiling < self.units or (ceiling == self.units and weight + self.top_worth[more] <= self.weight):
                return
            # An outlet that keeps even the best company below the best plan so far is in no better plan.
            least = self.units * _UNIT - base - sum(top[: more - 1])
            free = [i for i in free if adds[i] >= least]
            if more == 1:
                self._add_last(chosen, filled, weight, {i: sum(gains[i].values()) for i in free})
                return
            branch = sorted(self._branch(gains, free), key=lambda i: (-sum(gains[i].values()), i))
            tried: list[tuple[int, dict[int, int]]] = []
            for i in branch:
                free.remove(i)
                gives = self.rows[i] if self.packed else gains[i]
                # A better outlet that was tried here and adds as much belongs in every plan that this one is good for.
                if any(better < i and _within(gives, gave) for better, gave in tried):
                    continue
                tried.append((i, gives))
                self._extend((*chosen, i), self._with(i, filled), weight + self.worth[i], list(free), more - 1)

    def _add_last(self, chosen: tuple[int, ...], filled: list[int], weight: int, adds: dict[int, int]) -> None:
        units = sum(map(min, filled, self.targets))
        for i, add in adds.items():
            if units + add > self.units or (units + add == self.units and weight + self.worth[i] > self.weight):
                self._judge((*chosen, i))

    def _ceiling(self, filled: list[int], gains: dict[int, dict[int, int]]) -> tuple[int, dict[int, int]]:
        """Upper bound, in price units, on the pieces that more outlets can bring it to: a base and a share per outlet."""
        prices, whole = self.prices, self.whole
        reach = [0] * len(filled)
        adds = {}
        for i, gain in gains.items():
            worth = 0
            for nth, pieces in gain.items():
                worth += prices[nth] * pieces
                if not whole[nth]:
                    reach[nth] += pieces
                elif pieces > reach[nth]:
                    reach[nth] = pieces
            adds[i] = worth
        base = 0
        for had, target, price, pieces in zip(filled, self.targets, prices, reach, strict=True):
            room = target - had
            if room > 0:
                base += had * _UNIT + (_UNIT - price) * (pieces if pieces < room else room)
            else:
                base += target * _UNIT
        return base, adds

    def _set_prices(self, most: int) -> None:
        """Look for the prices that give the lowest ceiling for so many outlets, downhill in shrinking steps."""
        self.prices = [_UNIT] * len(self.groups)
        gains = [self._gains(i, [0] * len(self.groups)) for i in range(len(self.positions))]
        prices, lowest = list(self.prices), math.inf
        for turn in range(_TURNS):
            self.steps.take(sum(self.costs))
            worth = [sum(prices[nth] * pieces for nth, pieces in row.items()) for row in gains]
            top = sorted(range(len(gains)), key=lambda i: (-worth[i], i))[:most]
            ceiling = sum(worth[i] for i in top)
            ceiling += sum((_UNIT - price) * target for price, target in zip(prices, self.targets, strict=True))
            if ceiling < lowest:
                lowest, self.prices = ceiling, list(prices)
            stride = _UNIT / (2 + turn)
            for nth, target in enumerate(self.targets):
                slope = sum(gains[i].get(nth, 0) for i in top) / target - 1
                prices[nth] = max(0, min(_UNIT, round(prices[nth] - stride * slope)))

    def _branch(self, gains: dict[int, dict[int, int]], free: list[int]) -> list[int]:
        """The outlets that can still help with the article that fewest can help with."""
        helpers: dict[int, list[int]] = {}
        for i in free:
            for nth in gains[i]:
                helpers.setdefault(nth, []).append(i)
        return min(helpers.values(), key=len, default=free)

    def _gains(self, i: int, filled: list[int]) -> dict[int, int]:
        """What this outlet would add at most, by number of the group."""
        result = {}
        for nth, has in self.rows[i].items():
            gain = has - filled[nth] if self.whole[nth] else min(has, self.targets[nth] - filled[nth])
            if gain > 0:
                result[nth] = gain
        return result

    def _with(self, i: int, filled: list[int]) -> list[int]:
        result = list(filled)
        for nth, has in self.rows[i].items():
            result[nth] = max(has, filled[nth]) if self.whole[nth] else has + filled[nth]
        return result

    def _judge(self, chosen: tuple[int, ...]) -> None:
        units = 0
        for nth, group in enumerate(self.groups):
            amounts = [self.rows[i].get(nth, 0) for i in chosen]
            if group.kind == "packed":
                units += self._packed_units(nth, amounts)
            else:
                units += max(amounts, default=0) if self.whole[nth] else min(group.demand, sum(amounts))
        weight = sum(self.worth[i] for i in chosen)
        if units > self.units or (units == self.units and weight > self.weight):
            self.units, self.weight, self.chosen = units, weight, chosen

    def _packed_units(self, nth: int, amounts: list[int]) -> int:
        key = (nth, tuple(sorted(amounts)))
        known = self.packs.get(key)
        if known is None:
            known = self.packs[key] = pack(amounts, self.groups[nth], self.steps)[0]
        return known


def _within(gives: dict[int, int], gave: dict[int, int]) -> bool:
    return all(pieces <= gave.get(nth, 0) for nth, pieces in gives.items())
