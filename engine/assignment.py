"""From what the rules said about outlets to the question sourcing answers. Pure, so that a past decision can be replayed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import cast

from engine import sourcing
from engine.types import Fact, Outcome, Run

DEFAULT_DIVIDE = "when_needed"


def plan(run: Run, facts: Sequence[Fact]) -> sourcing.Sourcing:
    """Source the order in `facts` under what `run` of `outlet_assignment` allows, prefers and keeps back."""
    return sourcing.source(_demand(facts), _candidates(run, facts), _limits(run))


def required(run: Run) -> set[str]:
    """Codes of the outlets that rules require; when there are any, no other outlet may be used."""
    return {str(o.arguments["outlet"]) for o in run.all("require outlet")}


def allowed(run: Run, codes: Sequence[str]) -> list[str]:
    """Those of the outlets that the rules leave, in the order given."""
    wanted, excluded = required(run), run.targets("exclude outlet")
    return [code for code in codes if code not in excluded and (not wanted or code in wanted)]


def pieces_kept_back(run: Run, code: str) -> int:
    """Units of each article that the outlet keeps for its own customers."""
    demand = run.targets("keep back").get(code)
    return max(0, cast(int, demand.arguments["pieces"])) if demand else 0


def _demand(facts: Sequence[Fact]) -> list[sourcing.OrderLine]:
    return [
        sourcing.OrderLine(fact.id, cast(str, fact.values["sku"]), cast(int, fact.values["quantity"]))
        for fact in facts
        if fact.type == "line" and fact.values.get("needs_shipping") is not False
    ]


def _candidates(run: Run, facts: Sequence[Fact]) -> list[sourcing.Candidate]:
    excluded, wanted, points = run.targets("exclude outlet"), required(run), _points(run)
    shelves = _shelves(run, facts)
    return [
        sourcing.Candidate(
            id=fact.id,
            priority=cast(int, fact.values["priority"]),
            preference=points[fact.id],
            excluded=fact.id in excluded,
            rule=_rule(excluded.get(fact.id)),
            reason=_reason(excluded.get(fact.id)),
            required=fact.id in wanted,
            stock=shelves.get(fact.id, {}),
        )
        for fact in facts
        if fact.type == "outlet"
    ]


def _points(run: Run) -> Mapping[str, int]:
    points: dict[str, int] = defaultdict(int)
    for preference in run.all("prefer outlet"):
        points[preference.target] += cast(int, preference.arguments["points"])
    return points


def _shelves(run: Run, facts: Sequence[Fact]) -> dict[str, dict[str, sourcing.Stock]]:
    shelves: dict[str, dict[str, sourcing.Stock]] = {}
    for fact in facts:
        if fact.type == "stock":
            values = cast(Mapping[str, int], fact.values)
            code, sku = str(values["outlet"]), str(values["sku"])
            kept = pieces_kept_back(run, code)
            shelves.setdefault(code, {})[sku] = sourcing.Stock(values["on_hand"], values["reserved"], kept)
    return shelves


def _limits(run: Run) -> sourcing.Limits:
    limit, divide = run.first("use at most outlets"), run.first("divide lines")
    return sourcing.Limits(
        max_outlets=max(1, cast(int, limit.arguments["count"])) if limit else None,
        divide_lines=cast(sourcing.DivideLines, divide.arguments["when"] if divide else DEFAULT_DIVIDE),
    )


def _rule(outcome: Outcome | None) -> str:
    return outcome.rule if outcome else ""


def _reason(outcome: Outcome | None) -> str:
    return outcome.reason if outcome else ""
