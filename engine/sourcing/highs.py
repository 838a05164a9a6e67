"""Sourcing as an integer program for HiGHS: what answers when our own search has used up its steps.

The goals are handed over one after the other, each fixed before the next, so that HiGHS only ever sees whole numbers
small enough for its floating point arithmetic. HiGHS runs on one thread and stops by counting nodes, never by time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import highspy

from engine.sourcing.problem import Group, Problem
from engine.sourcing.types import Effort

Row = Mapping[int, float]
"""Coefficient per variable."""

_CHUNK = 1 << 20
"""Largest goal in which several lower goals are put together as digits."""


_FEWEST_NODES = 25
"""A model so large that the work allowed is not even this many nodes is not branched on: its root alone takes long."""


class NoPlanError(Exception):
    """The constraints allow no plan, or the solver stopped before it found one."""


class Model:
    """A thin layer over highspy: integer variables, rows, and goals in order of importance."""

    def __init__(self, effort: Effort) -> None:
        self.highs = highspy.Highs()
        for option, value in (
            ("output_flag", False), ("threads", 1), ("mip_rel_gap", 0.0), ("mip_feasibility_tolerance", 1e-9),
            ("primal_feasibility_tolerance", 1e-9),
        ):  # fmt: skip
            self.highs.setOptionValue(option, value)
        self.work = effort.solver_work
        self.count = 0
        self.proven = True
        self.values: list[int] | None = None

    def variable(self, most: float) -> int:
        """A whole number from 0 to `most`."""
        self.highs.addVar(0.0, float(most))
        self.highs.changeColIntegrality(self.count, highspy.HighsVarType.kInteger)
        self.count += 1
        return self.count - 1

    def row(self, coefficients: Row, least: float = -highspy.kHighsInf, most: float = highspy.kHighsInf) -> None:
        """Keep a sum between two bounds."""
        indices = list(coefficients)
        self.highs.addRow(float(least), float(most), len(indices), indices, [float(coefficients[i]) for i in indices])

    def maximise(self, goal: Row) -> int:
        """Reach the most of this goal and hold on to it while later goals are sought. Gives its value.

        Raises NoPlanError when nothing is possible. When HiGHS stops at its limit, the best it has is kept, `proven`
        becomes False, and no later goal is sought.
        """
        if self.proven:
            for index in range(self.count):
                self.highs.changeColCost(index, float(goal.get(index, 0)))
            nodes = self.work // max(1, self.highs.getNumNz())
            self.highs.setOptionValue("mip_max_nodes", nodes if nodes >= _FEWEST_NODES else 0)
            self.highs.changeObjectiveSense(highspy.ObjSense.kMaximize)
            self.highs.run()
            self.proven = self.highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
            if self.highs.getInfo().primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible:
                self.values = [round(value) for value in self.highs.getSolution().col_value]
        if self.values is None:
            raise NoPlanError
        reached = sum(int(factor) * self.values[index] for index, factor in goal.items())
        if self.proven and goal:
            self.row(goal, least=reached - 0.5)
        return reached


def best_outlets(
    problem: Problem, positions: Sequence[int], targets: Sequence[int] | None, most: int | None, effort: Effort
) -> tuple[tuple[int, ...], bool]:
    """The best outlets among those at `positions`, and whether HiGHS proved it.

    `targets` are the pieces to fulfil of each group; without them as many as possible are fulfilled. Raises NoPlanError
    when at most `most` outlets cannot reach the targets, or when HiGHS stopped before it found any plan.
    """
    model = Model(effort)
    use = {position: model.variable(1) for position in positions}
    units: dict[int, float] = {}
    for nth, group in enumerate(problem.groups):
        _add_group(model, group, use, targets[nth] if targets is not None else None, units)
    if most is not None:
        model.row(dict.fromkeys(use.values(), 1.0), most=most)
    if targets is None:
        model.maximise(units)
    count = -model.maximise(dict.fromkeys(use.values(), -1.0))
    for goal in _merit(problem, use, count):
        model.maximise(goal)
    values = model.values or []
    return tuple(position for position, index in use.items() if values[index]), model.proven


def pack(amounts: Sequence[int], group: Group, effort: Effort) -> tuple[list[int | None], bool]:
    """Like `problem.pack`: which of the outlets each whole line goes to, and whether HiGHS proved it."""
    model = Model(effort)
    use = {index: model.variable(1) for index in range(len(amounts))}
    model.row(dict.fromkeys(use.values(), 1.0), least=len(amounts))
    units: dict[int, float] = {}
    given = _add_packed(model, group, list(amounts), use, units)
    model.maximise(units)
    values = model.values or []
    result: list[int | None] = [None] * len(group.lines)
    for (line, index), variable in given.items():
        if values[variable]:
            result[line] = index
    return result, model.proven


def _add_group(model: Model, group: Group, use: Mapping[int, int], target: int | None, units: dict[int, float]) -> None:
    amounts = {position: group.amounts[position] for position in use if group.amounts[position]}
    if target == 0 or not amounts:
        return
    if group.kind == "packed":
        mine: dict[int, float] = {}
        _add_packed(model, group, group.amounts, use, mine)
        if target is not None:
            model.row(mine, least=target)
        units.update(mine)
    elif group.kind == "pooled":
        pieces = {use[position]: float(min(amount, target or amount)) for position, amount in amounts.items()}
        if target is not None:
            model.row(pieces, least=target)
            return
        filled = model.variable(group.demand)
        model.row({filled: 1.0, **{index: -amount for index, amount in pieces.items()}}, most=0)
        units[filled] = 1.0
    elif target is not None:
        model.row({use[position]: 1.0 for position, amount in amounts.items() if amount >= target}, least=1)
    else:
        given = {position: model.variable(1) for position in amounts}
        model.row(dict.fromkeys(given.values(), 1.0), most=1)
        for position, index in given.items():
            model.row({index: 1.0, use[position]: -1.0}, most=0)
            units[index] = float(amounts[position])


def _add_packed(
    model: Model, group: Group, amounts: Sequence[int], use: Mapping[int, int], units: dict[int, float]
) -> dict[tuple[int, int], int]:
    """Lines of one article of which some stay whole. Gives, per (line, outlet), whether the line goes to that outlet."""
    loose = sum(line.quantity for line, stays in zip(group.lines, group.whole, strict=True) if not stays)
    taken: dict[int, dict[int, float]] = {position: {} for position in use if amounts[position]}
    given: dict[tuple[int, int], int] = {}
    for nth, line in enumerate(group.lines):
        if not group.whole[nth]:
            continue
        for position in taken:
            most = min(line.quantity, amounts[position])
            goes, pieces = model.variable(1), model.variable(most)
            model.row({pieces: 1.0, goes: -most}, most=0)
            given[nth, position] = goes
            taken[position][pieces] = 1.0
        model.row({given[nth, position]: 1.0 for position in taken}, most=1)
    if loose:
        parts = {position: model.variable(min(loose, amounts[position])) for position in taken}
        model.row(dict.fromkeys(parts.values(), 1.0), most=loose)
        for position, index in parts.items():
            taken[position][index] = 1.0
    for position, row in taken.items():
        model.row({**row, use[position]: -float(amounts[position])}, most=0)
        units.update(row)
    return given


def _merit(problem: Problem, use: Mapping[int, int], count: int) -> Iterable[Row]:
    """The goals below the number of outlets: preference, then priorities, then ids, a chunk of digits at a time."""
    outlets = {position: problem.outlets[position] for position in use}
    if len({outlet.preference for outlet in outlets.values()}) > 1:
        yield {use[position]: float(outlet.preference) for position, outlet in outlets.items()}
    ranked = sorted(use, key=lambda position: (outlets[position].priority, outlets[position].id))
    priorities = sorted({outlet.priority for outlet in outlets.values()})
    classes = [[p for p in ranked if outlets[p].priority == priority] for priority in priorities]
    yield from _digits([[use[p] for p in one] for one in classes], count + 1)
    yield from _digits([[use[p]] for p in ranked], 2)


def _digits(classes: Sequence[Sequence[int]], base: int) -> Iterable[Row]:
    """Goals that maximise the number of variables set in the first class, then in the second, and so on."""
    per_goal = 1
    while base ** (per_goal + 1) <= _CHUNK:
        per_goal += 1
    for start in range(0, len(classes), per_goal):
        chunk = classes[start : start + per_goal]
        yield {i: float(base ** (len(chunk) - 1 - nth)) for nth, members in enumerate(chunk) for i in members}
