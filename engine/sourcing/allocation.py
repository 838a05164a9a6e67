"""From chosen outlets to pieces: which line gets how many from which outlet, and what stays short."""

from __future__ import annotations

from collections.abc import Sequence

from engine.sourcing import highs
from engine.sourcing.problem import Group, OutOfStepsError, Problem, Steps, pack
from engine.sourcing.types import Allocation, Effort, OrderLine, Shortage


def allocate(problem: Problem, chosen: Sequence[int], effort: Effort) -> tuple[tuple[Allocation, ...], bool]:
    """Share out the lines over the outlets at these positions so that most pieces are fulfilled.

    Also says whether that most is proven, which it is unless HiGHS had to share out lines of one article and stopped at
    its limit.
    """
    result: list[Allocation] = []
    proven = True
    for group in problem.groups:
        left = {position: group.amounts[position] for position in sorted(chosen) if group.amounts[position]}
        fixed: dict[int, int] = {}
        if group.kind == "packed" and left:
            fixed, exact = _packed(group, left, effort)
            proven = proven and exact
        result += _share(problem, group, left, fixed)
    used = [problem.outlets[position] for position in chosen]
    place = {outlet.id: (outlet.priority, outlet.id) for outlet in used}
    result.sort(key=lambda allocation: (allocation.line, place[allocation.outlet]))
    return tuple(result), proven


def shortages(lines: Sequence[OrderLine], allocations: Sequence[Allocation]) -> tuple[Shortage, ...]:
    """What the allocations leave open of each line."""
    given: dict[str, int] = {}
    for allocation in allocations:
        given[allocation.line] = given.get(allocation.line, 0) + allocation.quantity
    short = [Shortage(line.id, line.sku, line.quantity - given.get(line.id, 0)) for line in lines]
    return tuple(shortage for shortage in short if shortage.quantity)


def _packed(group: Group, left: dict[int, int], effort: Effort) -> tuple[dict[int, int], bool]:
    """Which position each whole line of the group goes to, by index of the line."""
    amounts, proven = list(left.values()), True
    try:
        assigned = pack(amounts, group, Steps(effort))[1]
    except OutOfStepsError:
        assigned, proven = highs.pack(amounts, group, effort)
    positions = list(left)
    return {nth: positions[index] for nth, index in enumerate(assigned) if index is not None}, proven


def _share(problem: Problem, group: Group, left: dict[int, int], fixed: dict[int, int]) -> list[Allocation]:
    result: list[Allocation] = []

    def give(line: OrderLine, position: int, wanted: int) -> int:
        pieces = min(wanted, left[position])
        if pieces:
            left[position] -= pieces
            result.append(Allocation(line.id, problem.outlets[position].id, pieces))
        return pieces

    for nth, position in fixed.items():
        give(group.lines[nth], position, group.lines[nth].quantity)
    rest = [
        nth for nth in range(len(group.lines)) if nth not in fixed and (group.kind != "packed" or not group.whole[nth])
    ]
    for nth in sorted(rest, key=lambda nth: (-group.lines[nth].quantity, group.lines[nth].id)):
        line, wanted = group.lines[nth], group.lines[nth].quantity
        best_whole = next((position for position, pieces in left.items() if pieces >= wanted), None)
        # A line that no chosen outlet has whole takes the largest amounts first: it falls into the fewest parts.
        order = sorted(left, key=lambda position: (-left[position], position)) if best_whole is None else [best_whole]
        for position in order[:1] if group.whole[nth] else order:
            wanted -= give(line, position, wanted)
            if not wanted:
                break
    return result
