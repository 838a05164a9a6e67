"""The most units from a limited number of outlets, when the limit is below what fulfilling everything would take.

Then the fewest outlets that fulfil as many units, and of those the best.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from engine.sourcing_problem import Group, Problem, Steps


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
    """Branch and bound over sets of at most `most` of the outlets at `positions`; `worth` holds their weights.

    The bound: an outlet never adds more to a larger set than to a smaller one, so the outlets still to come add at most
    what the best of them would add now. Lines that must stay whole and share an article are bounded as if they need
    not, and counted exactly once a set is complete.
    """

    def __init__(self, problem: Problem, positions: Sequence[int], worth: Sequence[int], steps: Steps) -> None:
        self.problem, self.positions, self.steps = problem, positions, steps
        shift = 1 - min(worth, default=0)
        self.worth = [weight + shift for weight in worth]
        """Weights made positive, which changes nothing between sets of equally many outlets."""
        self.rows = [[group.amounts[position] for group in problem.groups] for position in positions]
        self.adds = [group.kind != "whole" for group in problem.groups]
        # Pieces of a packed article may be stuck, so more of it can help even when there seems to be enough.
        endless = sum(map(sum, self.rows))
        self.demand = [endless if group.kind == "packed" else group.demand for group in problem.groups]
        self.packed = any(group.kind == "packed" for group in problem.groups)
        self.top_worth = [0, *accumulate(sorted(self.worth, reverse=True))]
        self.units = -1
        self.weight = 0
        self.chosen: tuple[int, ...] = ()

    def solve(self, most: int) -> tuple[int, ...]:
        """Positions of the best outlets."""
        size = min(most, len(self.positions))
        everyone = list(range(len(self.positions)))
        self._extend((), [0] * len(self.demand), 0, 0, everyone, size)
        best = self.chosen
        while len(best) > 1:
            # Fewer outlets are better only if they fulfil as many units: ask for one unit more than is too few.
            wanted = self.units
            self.units, self.weight = wanted - 1, sum(self.worth)
            self._extend((), [0] * len(self.demand), 0, 0, everyone, len(best) - 1)
            if self.units < wanted:
                break
            best = self.chosen
        return tuple(self.positions[i] for i in best)

    def greedy(self, most: int) -> tuple[int, ...]:
        """Positions of at most so many outlets, always adding the one that adds most. Not always the best plan."""
        filled = [0] * len(self.demand)
        chosen: list[int] = []
        for _ in range(min(most, len(self.positions))):
            best = max(range(len(self.positions)), key=lambda i: (self._gain(i, filled), -i))
            if not self._gain(best, filled):
                break
            chosen.append(self.positions[best])
            filled = self._with(best, filled)
        return tuple(chosen)

    def _with(self, i: int, filled: list[int]) -> list[int]:
        return [
            min(demand, had + has) if adds else max(had, has)
            for had, has, adds, demand in zip(filled, self.rows[i], self.adds, self.demand, strict=True)
        ]

    def _extend(
        self, chosen: tuple[int, ...], filled: list[int], units: int, weight: int, free: list[int], more: int
    ) -> None:
        self.steps.take()
        if more == 0 or not free:
            self._judge(chosen, units, weight)
            return
        gains = [self._gain(i, filled) for i in free]
        order = sorted((k for k in range(len(free)) if gains[k]), key=lambda k: (-gains[k], free[k]))
        if not order:
            self._judge(chosen, units, weight)
            return
        for nth, k in enumerate(order):
            ceiling = units + sum(gains[j] for j in order[nth : nth + more])
            if ceiling < self.units:
                return
            if ceiling == self.units and weight + self.top_worth[more] <= self.weight:
                return
            i = free[k]
            rest = [free[j] for j in order[nth + 1 :]]
            self._extend((*chosen, i), self._with(i, filled), units + gains[k], weight + self.worth[i], rest, more - 1)

    def _gain(self, i: int, filled: list[int]) -> int:
        gain = 0
        for had, has, adds, demand in zip(filled, self.rows[i], self.adds, self.demand, strict=True):
            if adds:
                gain += min(has, demand - had)
            elif has > had:
                gain += has - had
        return gain

    def _judge(self, chosen: tuple[int, ...], units: int, weight: int) -> None:
        if self.packed:
            units = self.problem.units([self.positions[i] for i in chosen], self.steps)
        if units > self.units or (units == self.units and weight > self.weight):
            self.units, self.weight, self.chosen = units, weight, chosen
