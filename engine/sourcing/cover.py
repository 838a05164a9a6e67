"""The fewest and best outlets that fulfil all that can be fulfilled: a set cover, with amounts where lines are divided.

A *need* is one article: it is met by any outlet that alone has enough of it, or by several together. Outlets are
numbered in order of merit, and sets of outlets are bits of an integer. This half makes the question small: an outlet
is dropped only when a better one can stand in for it in every plan, a need only when meeting another always meets it,
and an outlet is taken when no plan can do without it. `search` answers what is left.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from engine.sourcing.problem import Group, Problem, Steps, mask_of


@dataclass(slots=True)
class Need:
    """One article that is still wanted.

    `target` pieces are what all outlets together can fulfil; `taken` are the outlets already chosen that have some of
    it, and `missing` is what they leave open. `amounts` maps the positions of the other outlets that have some to how
    much. `enough` holds the bits of the outlets that meet the need by themselves. `simple`: only those matter, because
    all the others together would not do.
    """

    group: Group
    target: int
    missing: int
    amounts: dict[int, int]
    enough: int = 0
    simple: bool = False
    taken: list[int] = field(default_factory=list)

    def met(self, steps: Steps) -> bool:
        """Whether the outlets already taken fulfil it."""
        if self.missing:
            return False
        return self.group.kind != "packed" or self.group.units(self.taken, steps) == self.target

    def take(self, position: int) -> None:
        """Use the outlet at this position."""
        self.missing = max(0, self.missing - self.amounts.pop(position))
        self.taken.append(position)

    def settle(self) -> None:
        """Work out which outlets are enough alone, and whether any others matter.

        Lines that share an article while some must stay whole may leave pieces stuck, so for them only an outlet that
        has the whole target is sure to be enough.
        """
        alone = self.missing if self.group.kind != "packed" or not self.taken else self.target
        partly = sum(amount for amount in self.amounts.values() if amount < alone)
        if self.group.kind == "whole" or (partly < self.missing and alone == self.missing):
            self.simple = True
            self.amounts = {i: amount for i, amount in self.amounts.items() if amount >= alone}
        self.enough = self.bits(i for i, amount in self.amounts.items() if amount >= alone)

    @property
    def helpers(self) -> int:
        """Bits of the outlets that have some of it that matters."""
        return self.enough if self.simple else self.bits(self.amounts)

    def bits(self, positions: Iterable[int]) -> int:
        """These positions as bits."""
        return mask_of(positions, len(self.group.amounts))


def needs_of(problem: Problem, steps: Steps) -> list[Need]:
    """What all outlets together can fulfil, article by article; articles that nobody has are left out."""
    everyone = range(len(problem.outlets))
    needs = []
    for group in problem.groups:
        target = group.units(everyone, steps)
        if target:
            amounts = {i: min(amount, target) for i, amount in enumerate(group.amounts) if amount}
            needs.append(Need(group, target, target, amounts))
            needs[-1].settle()
    return needs


def reduce(needs: list[Need], steps: Steps) -> tuple[list[int], list[int], list[Need]]:
    """Make the question smaller without losing its best answer.

    Gives the outlets that are in the best plan for sure, the outlets that may still be in it (in order of merit), and
    the needs that are left.
    """
    forced: list[int] = []
    size = (-1, -1)
    active: list[int] = []
    while size != (len(needs), len(active)):
        size = len(needs), len(active)
        needs = _drop_implied([need for need in needs if not need.met(steps)])
        active = _drop_dominated(needs)
        must = _indispensable(needs)
        forced += must
        for need in needs if must else ():
            for position in must:
                if position in need.amounts:
                    need.take(position)
            need.settle()
    return forced, active, needs


def _drop_implied(needs: list[Need]) -> list[Need]:
    """Leave out a need that any one outlet enough for another (simple) need is always enough for."""
    kept: list[Need] = []
    for need in sorted(needs, key=lambda need: (not need.simple, need.enough.bit_count(), need.group.sku)):
        if not any(other.simple and other.enough & ~need.enough == 0 for other in kept):
            kept.append(need)
    return kept


def _drop_dominated(needs: list[Need]) -> list[int]:
    """Drop every outlet for which a better one can stand in, and give the positions that are left.

    A better outlet that is enough alone for everything the other has any of can replace it in any plan, and when both
    are in a plan the other is superfluous. So the best plan never holds the other.
    """
    everyone = 0
    enough_of: dict[int, list[int]] = {}
    for need in needs:
        for position in need.amounts:
            enough_of.setdefault(position, []).append(need.enough)
    active = []
    for position in sorted(enough_of):
        better = everyone
        for enough in enough_of[position]:
            better &= enough
            if not better:
                break
        else:
            if better:
                continue
        everyone |= 1 << position
        active.append(position)
    if len(active) < len(enough_of):
        for need in needs:
            need.amounts = {i: amount for i, amount in need.amounts.items() if everyone >> i & 1}
            need.settle()
    return active


def _indispensable(needs: Iterable[Need]) -> list[int]:
    """Outlets without which some need can no longer be met."""
    must: set[int] = set()
    for need in needs:
        if need.simple:
            if len(need.amounts) == 1:
                must.update(need.amounts)
        elif need.missing:
            spare = sum(need.amounts.values()) - need.missing
            must.update(position for position, amount in need.amounts.items() if amount > spare)
    return sorted(must)


def greedy(needs: Iterable[Need], steps: Steps) -> list[int]:
    """A plan that adds, again and again, the outlet that meets most of what is left. Good, and not always the best.

    Pieces of a need count as parts of it; of equally helpful outlets the better one is taken.
    """
    left = [(need, dict(need.amounts), need.missing) for need in needs]
    chosen: list[int] = []
    while left:
        helps: dict[int, float] = {}
        for _, amounts, missing in left:
            for position, amount in amounts.items():
                helps[position] = helps.get(position, 0.0) + (min(1.0, amount / missing) if missing else 1.0)
        best = min(helps, key=lambda position: (-helps[position], position))
        chosen.append(best)
        after = []
        for need, amounts, missing in left:
            still = max(0, missing - amounts.pop(best, 0))
            stuck = need.group.kind == "packed" and need.group.units([*need.taken, *chosen], steps) < need.target
            if still or stuck:
                after.append((need, amounts, still))
        left = after
    return chosen
