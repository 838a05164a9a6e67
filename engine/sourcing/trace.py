"""The story of one sourcing for support: outlets x lines, and why each outlet was chosen or not."""

from __future__ import annotations

from typing import Any

from engine.sourcing.problem import Group, OutOfStepsError, Problem, Steps, build, demand_by_sku, in_order_of_merit
from engine.sourcing.types import Candidate, Effort, OrderLine, Sourcing, Stock

_NO_STOCK = Stock(0)


def trace(sourcing: Sourcing, most_outlets: int | None = None) -> dict[str, Any]:
    """The plan, the question and the matrix as plain data.

    `outlets` lists the chosen outlets first, then the others, excluded ones last, each in order of (priority, id); of
    the others at most so many are listed that there are `most_outlets` in all, and `outlets_left_out` counts the rest.
    """
    teller = _Teller(sourcing)
    ordered = sorted(
        sourcing.candidates,
        key=lambda c: (c.id not in teller.used, teller.barred(c) != "", c.priority, c.id),
    )
    shown = ordered if most_outlets is None else ordered[: max(most_outlets, len(teller.used))]
    return {
        "complete": sourcing.complete,
        "optimal": sourcing.optimal,
        "method": sourcing.method,
        "bound": {"outlets": sourcing.bound.outlets, "reason": sourcing.bound.reason},
        "score": {
            "units": sourcing.score.units,
            "outlets": list(sourcing.score.outlets),
            "preference": sourcing.score.preference,
            "priorities": list(sourcing.score.priorities),
        },
        "limits": {"max_outlets": sourcing.limits.max_outlets, "divide_lines": sourcing.limits.divide_lines},
        "lines": [{"id": line.id, "sku": line.sku, "quantity": line.quantity} for line in sourcing.lines],
        "allocations": [allocation._asdict() for allocation in sourcing.allocations],
        "shortages": [shortage._asdict() for shortage in sourcing.shortages],
        "outlets": [teller.row(candidate) for candidate in shown],
        "outlets_left_out": len(ordered) - len(shown),
    }


class _Teller:
    """Answers why, for one sourcing."""

    def __init__(self, sourcing: Sourcing) -> None:
        self.sourcing = sourcing
        self.used = set(sourcing.outlets)
        self.quantity = {(given.line, given.outlet): given.quantity for given in sourcing.allocations}
        self.demand = demand_by_sku(sourcing.lines)
        self.only_required = any(candidate.required for candidate in sourcing.candidates)
        self.problem: Problem = build(sourcing.lines, in_order_of_merit(sourcing.candidates), sourcing.limits)
        self.position = {outlet.id: position for position, outlet in enumerate(self.problem.outlets)}
        self.chosen = [self.position[outlet] for outlet in sourcing.outlets]
        self.steps = Steps(Effort())

    def row(self, candidate: Candidate) -> dict[str, Any]:
        """One outlet: what the rules said, whether it was chosen and why not, and its cells."""
        return {
            "id": candidate.id,
            "priority": candidate.priority,
            "preference": candidate.preference,
            "required": candidate.required,
            "excluded": {"rule": candidate.rule, "reason": candidate.reason} if candidate.excluded else None,
            "chosen": candidate.id in self.used,
            "why_not": "" if candidate.id in self.used else self.why_not(candidate),
            "lines": [self._cell(candidate, line) for line in self.sourcing.lines],
        }

    def _cell(self, candidate: Candidate, line: OrderLine) -> dict[str, Any]:
        stock = candidate.stock.get(line.sku, _NO_STOCK)
        quantity = self.quantity.get((line.id, candidate.id), 0)
        return {
            "line": line.id,
            "sku": line.sku,
            "wanted": line.quantity,
            "on_hand": stock.on_hand,
            "reserved": stock.reserved,
            "buffer": stock.buffer,
            "available": stock.available,
            "quantity": quantity,
            "why_not": "" if quantity else self._why_not_here(candidate, line, stock.available),
        }

    def _why_not_here(self, candidate: Candidate, line: OrderLine, available: int) -> str:
        barred = self.barred(candidate)
        if barred:
            return barred
        if available == 0:
            return "has none"
        if candidate.id in self.used:
            givers = [outlet for outlet in self.sourcing.outlets if (line.id, outlet) in self.quantity]
            if givers:
                return f"comes from {' and '.join(givers)}"
            return "what it has goes to other lines"
        return "outlet not chosen" if available >= line.quantity else f"has {available}, wanted {line.quantity}"

    def barred(self, candidate: Candidate) -> str:
        """Why the rules do not allow this outlet, or nothing when they do."""
        if candidate.excluded:
            by = f"excluded by rule {candidate.rule}" if candidate.rule else "excluded"
            return f"{by}: {candidate.reason}" if candidate.reason else by
        if self.only_required and not candidate.required:
            return "another outlet is required"
        return ""

    def why_not(self, candidate: Candidate) -> str:
        """Why this outlet is not in the plan, in short words."""
        barred = self.barred(candidate)
        if barred:
            return barred
        position = self.position.get(candidate.id)
        if position is None:
            return f"lacks {', '.join(self.demand)} (has none)"
        try:
            return self._beaten_by(candidate, position) or self._would_lack(position)
        except OutOfStepsError:
            return "the plan without it is better"

    def _beaten_by(self, candidate: Candidate, position: int) -> str:
        """The chosen outlet that this one could take the place of, and why that one is better; or nothing."""
        for mine in self.chosen:
            if not self._lost(position, mine):
                return _why_better(self.problem.outlets[mine], candidate)
        return ""

    def _lost(self, position: int, mine: int) -> list[Group]:
        """Articles of which fewer pieces would be fulfilled with this outlet in the place of a chosen one."""
        swapped = [position if other == mine else other for other in self.chosen]
        return [
            group
            for group in self.problem.groups
            if group.units(swapped, self.steps) < group.units(self.chosen, self.steps)
        ]

    def _would_lack(self, position: int) -> str:
        """What would be missing if this outlet took the place of the chosen one it could best replace."""
        losses = [(self._lost(position, mine), mine) for mine in self.chosen]
        lost, mine = min(losses, key=lambda loss: len(loss[0]))
        lacks = ", ".join(
            f"{group.sku} (has {group.amounts[position]}, wanted {self._wanted(group, mine)})" for group in lost
        )
        if len(self.chosen) == 1:
            serves = [group.sku for group in self.problem.groups if group.amounts[position] and group not in lost]
            could = f"could serve {', '.join(serves)} but needs more outlets: " if serves else ""
            return f"{could}lacks {lacks}"
        return f"could only take the place of {self.problem.outlets[mine].id}, and lacks {lacks}"

    def _wanted(self, group: Group, mine: int) -> int:
        outlet = self.problem.outlets[mine].id
        return sum(self.quantity.get((line.id, outlet), 0) for line in group.lines)


def _why_better(better: Candidate, worse: Candidate) -> str:
    if better.preference != worse.preference:
        return f"lower preference than {better.id} ({worse.preference} against {better.preference})"
    if better.priority != worse.priority:
        return f"lower priority than {better.id} ({worse.priority} after {better.priority})"
    return f"equal to {better.id}, whose id comes first"
