"""Figures of a simulation, before and after. A tally of some decisions is plain JSON, and tallies can be added up, so that
every slice keeps its own.

Which outcomes are counted follows from the vocabulary alone: a decision that is added to it appears in the figures by
itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engine.types import Outcome
from engine.vocabulary import VOCABULARY, OutcomeSpec
from workers.rule_jobs.differing import label
from workers.rule_jobs.retaking import Course, Step

BEFORE, AFTER = 0, 1
TOLD = ("status_to_shop", "status_to_till")
"""Decisions whose outcomes tell another system something."""

OrderState = list[Any]
"""[state, outlets, units back-ordered, delivered to the customer] of one order under one book."""

_SPECS: Mapping[tuple[str, str], OutcomeSpec] = {
    (decision.name, outcome.name): outcome for decision in VOCABULARY.decisions.values() for outcome in decision.outcomes
}


class Tally:
    """Counts over some decisions, in the order they were made."""

    def __init__(self, wanted: frozenset[str]) -> None:
        self._wanted = wanted
        self.outcomes: dict[str, dict[str, list[int]]] = {}
        self.orders: dict[str, list[OrderState | None]] = {}
        self.told: dict[str, list[list[str]]] = {}
        self.seen: set[str] = set()

    def add(self, order_id: str, courses: tuple[Course, Course]) -> None:
        """Count one past decision as both books take it."""
        if order_id:
            self.seen.add(order_id)
        for side, course in enumerate(courses):
            for step in course.steps:
                if not self._wanted or step.run.decision in self._wanted:
                    self._count(side, order_id, step)
            state = _order_state(course)
            if order_id and state is not None:
                self.orders.setdefault(order_id, [None, None])[side] = state

    def _count(self, side: int, order_id: str, step: Step) -> None:
        decision = step.run.decision
        counts = self.outcomes.setdefault(decision, {})
        for name in dict.fromkeys(_counted(decision, outcome) for outcome in step.run.outcomes):
            counts.setdefault(name, [0, 0])[side] += 1
        if decision in TOLD and order_id:
            for name in _news(decision, step):
                _append(self.told.setdefault(order_id, [[], []])[side], name)

    def as_dict(self) -> dict[str, Any]:
        """For keeping; `added_up` reads it."""
        return {"outcomes": self.outcomes, "orders": self.orders, "told": self.told, "seen": sorted(self.seen)}


def _order_state(course: Course) -> OrderState | None:
    """What a course says about taking its order in and sourcing it; None when it says nothing of that."""
    if course.state not in ("open", "held", "ignored"):
        return None
    order = next((fact for step in course.steps for fact in step.facts if fact.type == "order"), None)
    delivered = order is None or order.values.get("fulfilment_type") != "pickup"
    return [course.state, list(course.outlets), course.short, delivered]


def _counted(decision: str, outcome: Outcome) -> str:
    """Under which name an outcome is counted: with the values of slots that have few."""
    spec = _SPECS.get((decision, outcome.name))
    few = {slot.name: outcome.arguments[slot.name] for slot in spec.slots if slot.values} if spec else {}
    return label(outcome.name, few) if few else outcome.name


def _news(decision: str, step: Step) -> Iterable[str]:
    for outcome in step.run.outcomes:
        spec = _SPECS.get((decision, outcome.name))
        if spec is not None and not spec.derives and not outcome.name.startswith(("leave ", "refuse ")):
            yield f"{decision}/{spec.group}/{_counted(decision, outcome)}"


def _append(said: list[str], name: str) -> None:
    """Add what a system is told, unless it was told the same of this kind last."""
    kind = name.rsplit("/", 1)[0]
    last = next((old for old in reversed(said) if old.rsplit("/", 1)[0] == kind), None)
    if last != name:
        said.append(name)


def added_up(tallies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """All tallies of a simulation as figures: see `docs/how-to-simulate.md` for what each means."""
    outcomes: dict[str, dict[str, list[int]]] = {}
    orders: dict[str, list[OrderState | None]] = {}
    told: dict[str, list[list[str]]] = {}
    for tally in tallies:
        for decision, counts in tally["outcomes"].items():
            for name, pair in counts.items():
                total = outcomes.setdefault(decision, {}).setdefault(name, [0, 0])
                total[BEFORE] += pair[BEFORE]
                total[AFTER] += pair[AFTER]
        orders.update(tally["orders"])
        for order_id, sides in tally["told"].items():
            known = told.setdefault(order_id, [[], []])
            for side in (BEFORE, AFTER):
                for name in sides[side]:
                    _append(known[side], name)
    return {
        "seen": len(set().union(*(tally["seen"] for tally in tallies))),
        "orders": len(orders),
        "sides": [_side([state for pair in orders.values() if (state := pair[side])]) for side in (BEFORE, AFTER)],
        "told": _told(told, orders),
        "outcomes": {decision: dict(sorted(outcomes[decision].items())) for decision in VOCABULARY.decisions if decision in outcomes},
    }


def _side(states: Sequence[OrderState]) -> dict[str, Any]:
    """The figures of one book over the orders it was asked about."""
    sourced = [state for state in states if state[0] == "open" and state[1]]
    delivered = [state for state in sourced if state[3]]
    return {
        "states": dict(Counter(state[0] for state in states)),
        "sourced": len(sourced),
        "split": sum(len(state[1]) > 1 for state in sourced),
        "delivered": len(delivered),
        "parcels": sum(len(state[1]) for state in delivered),
        "outlets": dict(sorted(Counter(outlet for state in sourced for outlet in state[1]).items())),
        "unfilled": sum(state[2] for state in sourced),
    }


def _told(
    told: Mapping[str, Sequence[Sequence[str]]], orders: Mapping[str, Sequence[OrderState | None]]
) -> dict[str, dict[str, list[int]]]:
    """How often each thing is told. About an order that a book never takes in, nothing is."""
    counts: dict[str, dict[str, list[int]]] = {}
    for order_id, sides in told.items():
        states = orders.get(order_id, (None, None))
        for side in (BEFORE, AFTER):
            stands = states[side]
            is_out = stands is not None and stands[0] != "open"
            for name in () if is_out else sides[side]:
                decision, _, said = name.split("/", 2)
                counts.setdefault(decision, {}).setdefault(said, [0, 0])[side] += 1
    return {decision: dict(sorted(counts[decision].items())) for decision in sorted(counts)}
