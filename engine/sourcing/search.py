"""Branch and bound for what the reductions leave of a cover: first how few outlets, then which of them.

Simple needs (met by any one outlet of a set) are searched as bits of an integer with a memory over what is still
uncovered; needs that several outlets meet together are branched on first, one outlet at a time. Work is counted in
steps, so that the search gives up at the same point on any machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
from operator import le

from engine.sourcing.cover import Need
from engine.sourcing.problem import Steps, pack

MAX_DEPTH = 60
"""Deepest search tried; the few orders that would need more outlets than this go to HiGHS."""


def bits(mask: int) -> Iterator[int]:
    """Positions of the bits that are set, lowest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


class CoverSearch:
    """The best plan for `needs` from outlets at the positions `active`, `worth[i]` being the weight of active[i]."""

    def __init__(self, needs: Sequence[Need], active: Sequence[int], worth: Sequence[int], steps: Steps) -> None:
        self.active, self.worth, self.steps = active, worth, steps
        index = {position: i for i, position in enumerate(active)}
        simple = sorted((need for need in needs if need.simple), key=lambda need: (len(need.amounts), need.group.sku))
        self.pooled = [need for need in needs if not need.simple]
        self.full = (1 << len(simple)) - 1
        self.cover = [0] * len(active)
        """Per outlet the simple needs it meets; the need that fewest outlets meet is bit 0."""
        self.holders: list[int] = []
        """Per simple need the outlets that meet it."""
        for bit, need in enumerate(simple):
            self.holders.append(sum(1 << index[position] for position in need.amounts))
            for position in need.amounts:
                self.cover[index[position]] |= 1 << bit
        self.widest = _widest(self.cover)
        """The sets of simple needs that one outlet meets, without those inside another."""
        self.widest_of = [[mask for mask in self.widest if mask >> bit & 1] for bit in range(len(simple))]
        self.widest_holding = [
            sum(1 << i for i, mask in enumerate(self.widest) if mask >> bit & 1) for bit in range(len(simple))
        ]
        self.most = max((mask.bit_count() for mask in self.widest), default=1)
        self.can: dict[tuple[int, int], bool] = {}
        self.best: dict[tuple[int, int], int | None] = {}
        self.alone: dict[int, bool] = {}
        self.amounts = [[need.amounts.get(position, 0) for position in active] for need in self.pooled]
        self.by_amount = [sorted(bits(_mask(row)), key=lambda i: (-row[i], i)) for row in self.amounts]
        self.top_worth = [0, *accumulate(sorted(worth, reverse=True))]
        self.packs: dict[tuple[str, tuple[int, ...]], bool] = {}
        self.found: int | None = None

    def solve(self, outlets: int) -> int | None:
        """The weight of the best plan of exactly so many outlets, or None when so few cannot meet all needs.

        Must be asked for ever more outlets, from a number that is surely not too many.
        """
        if not self.pooled:
            return self.best_cover(self.full, outlets)
        self.found = None
        if self.coverable(self.full, outlets):
            self._share(self.full, (), (1 << len(self.active)) - 1, outlets, 0)
        return self.found

    def chosen(self, weight: int) -> list[int]:
        """Positions of the outlets that this weight of a plan stands for: its lowest bits name them by rank."""
        ranked = sorted(range(len(self.active)), key=lambda i: -(self.worth[i] & ((1 << len(self.active)) - 1)))
        return [self.active[i] for rank, i in enumerate(ranked) if weight >> (len(ranked) - 1 - rank) & 1]

    # What several outlets meet together --------------------------------------------------------------------------

    def _share(self, open_needs: int, chosen: tuple[int, ...], free: int, outlets: int, weight: int) -> None:
        """Add outlets until every pooled need is met, then let the best cover meet the simple needs left.

        `free` holds the outlets that may still be added here: one that was tried is not added again beside its
        successors, so that no set of outlets is looked at twice.
        """
        self.steps.take(1 + len(self.pooled) * (len(chosen) + len(self.active) // 8) // 8)
        if self.found is not None and weight + self.top_worth[min(outlets, len(self.active))] <= self.found:
            return
        missing = self._unmet(chosen)
        if not missing:
            rest = self.best_cover(open_needs, outlets)
            if rest is not None:
                self._offer(weight + rest)
            return
        if outlets <= 1:
            if outlets == 1:
                self._share_last(open_needs, chosen, free, weight, missing)
            return
        branch = self._branch(open_needs, free, outlets, missing)
        self.steps.take(len(branch))
        tried: list[tuple[int, int, list[int]]] = []
        for i in branch:
            met = self.cover[i] & open_needs
            gives = [min(self.amounts[nth][i], cap) for nth, cap in missing.items()]
            free &= ~(1 << i)
            # A better outlet that was tried here and does as much belongs in every plan that this one is good for.
            if any(better < i and met & ~more == 0 and all(map(le, gives, gave)) for better, more, gave in tried):
                continue
            tried.append((i, met, gives))
            if self.coverable(open_needs & ~met, outlets - 1):
                self._share(open_needs & ~met, (*chosen, i), free, outlets - 1, weight + self.worth[i])

    def _unmet(self, chosen: tuple[int, ...]) -> dict[int, int]:
        """Per pooled need that is not met how many pieces of an outlet can still matter."""
        result = {}
        for nth, need in enumerate(self.pooled):
            row = self.amounts[nth]
            missing = need.missing - sum(row[i] for i in chosen)
            if need.group.kind == "packed":
                if missing > 0 or not self._met(need, chosen):
                    result[nth] = need.target
            elif missing > 0:
                result[nth] = missing
        return result

    def _branch(self, open_needs: int, free: int, outlets: int, missing: dict[int, int]) -> list[int]:
        """The outlets of which every plan must hold at least one, for the need where they are fewest."""
        best: list[int] | None = None
        for nth, cap in missing.items():
            row = self.amounts[nth]
            helpers = [i for i in self.by_amount[nth] if free >> i & 1]
            if self.pooled[nth].group.kind != "packed" and sum(row[i] for i in helpers[:outlets]) < cap:
                return []
            if best is None or len(helpers) < len(best):
                best = helpers
        if open_needs:
            holders = self.holders[(open_needs & -open_needs).bit_length() - 1] & free
            if best is None or holders.bit_count() < len(best):
                return list(bits(holders))
        return best or []

    def _share_last(
        self, open_needs: int, chosen: tuple[int, ...], free: int, weight: int, missing: dict[int, int]
    ) -> None:
        """Find the best single outlet that meets all that is left."""
        for bit in bits(open_needs):
            free &= self.holders[bit]
        for i in bits(free):
            if all(
                self._met(self.pooled[nth], (*chosen, i))
                if self.pooled[nth].group.kind == "packed"
                else self.amounts[nth][i] >= cap
                for nth, cap in missing.items()
            ):
                self._offer(weight + self.worth[i])
                return

    def _offer(self, weight: int) -> None:
        if self.found is None or weight > self.found:
            self.found = weight

    def _met(self, need: Need, chosen: tuple[int, ...]) -> bool:
        all_amounts = need.group.amounts
        amounts = [all_amounts[position] for position in need.taken]
        amounts += [all_amounts[self.active[i]] for i in chosen]
        if sum(amounts) < need.target:
            return False
        key = (need.group.sku, tuple(sorted(amounts)))
        known = self.packs.get(key)
        if known is None:
            known = self.packs[key] = pack(amounts, need.group, self.steps)[0] == need.target
        return known

    # How few -----------------------------------------------------------------------------------------------------

    def coverable(self, open_needs: int, outlets: int) -> bool:
        """Whether so many outlets can meet these simple needs."""
        if not open_needs:
            return True
        if outlets <= 1:
            return outlets == 1 and self._one_covers(open_needs)
        if open_needs.bit_count() > outlets * self.most:
            return False
        key = (open_needs, outlets)
        known = self.can.get(key)
        if known is None:
            known = self.can[key] = self._search_cover(open_needs, outlets)
        return known

    def _one_covers(self, open_needs: int) -> bool:
        known = self.alone.get(open_needs)
        if known is None:
            together = -1
            for bit in bits(open_needs):
                together &= self.widest_holding[bit]
                if not together:
                    break
            known = self.alone[open_needs] = together != 0
        return known

    def _search_cover(self, open_needs: int, outlets: int) -> bool:
        branch = self.widest_of[(open_needs & -open_needs).bit_length() - 1]
        left = {open_needs & ~mask for mask in branch}
        self.steps.take(len(left))
        if outlets == 2:
            return any(self._one_covers(rest) for rest in left)
        failed: list[int] = []
        for rest in sorted(left, key=lambda rest: (rest.bit_count(), rest)):
            if any(rest & hopeless == hopeless for hopeless in failed):
                continue  # what contains a set that cannot be covered cannot be covered either
            if self.coverable(rest, outlets - 1):
                return True
            failed.append(rest)
        return False

    # Which -------------------------------------------------------------------------------------------------------

    def best_cover(self, open_needs: int, outlets: int) -> int | None:
        """The greatest weight with which exactly so many outlets meet these simple needs, none of them in vain."""
        if not open_needs:
            return None  # the outlets left over would be in vain
        key = (open_needs, outlets)
        if key in self.best:
            return self.best[key]
        result: int | None = None
        if self.coverable(open_needs, outlets):
            result = self._best_single(open_needs) if outlets == 1 else self._best_of_branches(open_needs, outlets)
        self.best[key] = result
        return result

    def _best_single(self, open_needs: int) -> int:
        together = -1
        for bit in bits(open_needs):
            together &= self.holders[bit]
        return self.worth[(together & -together).bit_length() - 1]

    def _best_of_branches(self, open_needs: int, outlets: int) -> int | None:
        holders = self.holders[(open_needs & -open_needs).bit_length() - 1]
        self.steps.take(holders.bit_count())
        result: int | None = None
        seen: list[int] = []
        for i in bits(holders):
            met = self.cover[i] & open_needs
            if any(met & ~other == 0 for other in seen):
                continue  # a better outlet does the same here
            seen.append(met)
            rest = self.best_cover(open_needs & ~met, outlets - 1)
            if rest is not None and (result is None or rest + self.worth[i] > result):
                result = rest + self.worth[i]
        return result


def _mask(flags: Sequence[int]) -> int:
    return sum(1 << i for i, flag in enumerate(flags) if flag)


def _widest(masks: Sequence[int]) -> list[int]:
    kept: list[int] = []
    for mask in sorted(set(masks), key=lambda mask: (-mask.bit_count(), mask)):
        if not any(mask & ~other == 0 for other in kept):
            kept.append(mask)
    return kept
