"""Why, and why not: every rule of a decision against the facts it saw, worked out again from what was kept."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from typing import Any

from api.services import services
from engine import facts_json
from engine.types import RuleTrace
from store.flow_models import Decision

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Why:
    """One rule file: all its rules in agenda order, each fired or with the condition that failed nearest."""

    decision: str
    description: str
    rules: tuple[RuleTrace, ...]

    def as_json(self) -> dict[str, Any]:
        rules = [{**asdict(rule), "fired": bool(rule.fired_for)} for rule in self.rules]
        return {"decision": self.decision, "description": self.description, "rules": rules}


def explain_decision(decision: Decision) -> tuple[list[Why], str]:
    """Every rule file that ran, explained; and when that cannot be done, a sentence that says why.

    What was decided stays readable in the trace even when the rule book of that time cannot be loaded any more.
    """
    try:
        book = services().books.get(decision.version)
        found = []
        for judged in decision.facts:
            rules = book.book.decisions[judged["decision"]]
            facts = [facts_json.decode_fact(fact) for fact in judged["facts"]]
            traces = book.explain(rules.name, facts, facts_json.decode_values(judged["settings"]))
            found.append(Why(rules.name, rules.description, traces))
    except (LookupError, ValueError) as error:
        log.warning("a decision cannot be explained", extra={"decision_id": decision.id, "reason": str(error)})
        return [], f"The rules of that time cannot be read any more ({error}). What they decided stands in the trace."
    return found, ""
