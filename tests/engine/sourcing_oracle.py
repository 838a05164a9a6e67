"""Sourcing by trying everything: every set of outlets, and for each every way to share out every line, piece by piece.

Written from the definition alone, with none of the engine's shortcuts, so that agreeing with it means something.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import combinations

from engine.sourcing import Candidate, Limits, OrderLine

Key = tuple[int, int, int, tuple[int, ...], tuple[str, ...]]


def allowed(candidates: list[Candidate]) -> list[Candidate]:
    required = [c for c in candidates if c.required]
    return [c for c in (required or candidates) if not c.excluded]


def has(candidate: Candidate, sku: str) -> int:
    stock = candidate.stock.get(sku)
    return 0 if stock is None else max(0, stock.on_hand - stock.reserved - stock.buffer)


def may_divide(line: OrderLine, candidates: list[Candidate], limits: Limits) -> bool:
    if limits.divide_lines == "when_needed":
        return not any(has(c, line.sku) >= line.quantity for c in allowed(candidates))
    return limits.divide_lines == "freely"


def ways(quantity: int, left: tuple[int, ...], divide: bool) -> Iterator[tuple[int, ...]]:
    """Every way to take at most `quantity` pieces from what the outlets have left."""
    if not divide:
        yield tuple(0 for _ in left)
        for index, pieces in enumerate(left):
            for taken in range(1, min(quantity, pieces) + 1):
                yield tuple(taken if i == index else 0 for i in range(len(left)))
        return
    if not left:
        yield ()
        return
    for taken in range(min(quantity, left[0]) + 1):
        for rest in ways(quantity - taken, left[1:], True):
            yield (taken, *rest)


def most_units(lines: list[OrderLine], used: tuple[Candidate, ...], candidates: list[Candidate], limits: Limits) -> int:
    total = 0
    for sku in {line.sku for line in lines}:
        wanted = [(line.quantity, may_divide(line, candidates, limits)) for line in lines if line.sku == sku]

        @cache
        def most(nth: int, left: tuple[int, ...], wanted: tuple[tuple[int, bool], ...] = tuple(wanted)) -> int:
            if nth == len(wanted):
                return 0
            return max(
                sum(way) + most(nth + 1, tuple(had - taken for had, taken in zip(left, way, strict=True)))
                for way in ways(wanted[nth][0], left, wanted[nth][1])
            )

        total += most(0, tuple(has(c, sku) for c in used))
    return total


def best_key(lines: list[OrderLine], candidates: list[Candidate], limits: Limits) -> Key:
    """The best achievable (-units, outlets, -preference, priorities, ids)."""
    able = allowed(candidates)
    most = len(able) if limits.max_outlets is None else min(limits.max_outlets, len(able))
    keys = []
    for size in range(most + 1):
        for used in combinations(able, size):
            ranked = sorted(used, key=lambda c: (c.priority, c.id))
            units = most_units(lines, used, candidates, limits)
            preference = sum(c.preference for c in used)
            keys.append((-units, size, -preference, tuple(c.priority for c in ranked), tuple(c.id for c in ranked)))
    return min(keys)
