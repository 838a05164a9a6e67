"""Any past decision again, from its stored facts and its version of the rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from engine import assignment, facts_json
from engine.compiled import CompiledBook
from engine.types import Fact, RuleTrace
from store.flow_models import Decision
from workers.deciding.scene import step_as_dict


class Versions(Protocol):
    """Compiled rule books by version."""

    def get(self, version: str) -> CompiledBook: ...


@dataclass(frozen=True, slots=True)
class Replay:
    """What a decision says when it is taken again: `same` when it equals what was stored."""

    steps: Sequence[dict[str, Any]]
    sourcing: dict[str, Any] | None
    same: bool


def replay(versions: Versions, decision: Decision) -> Replay:
    """Take a decision again with the rules, settings and facts of that time."""
    book = versions.get(decision.version)
    steps: list[dict[str, Any]] = []
    sourcing: dict[str, Any] | None = None
    for judged in decision.facts:
        facts = _facts(judged)
        run = book.run(judged["decision"], facts, facts_json.decode_values(judged["settings"]))
        steps.append(step_as_dict(run))
        if judged["decision"] == "outlet_assignment" and decision.trace["sourcing"] is not None:
            sourcing = assignment.plan(run, facts).as_dict()
    same = facts_json.canonical_hash([steps, sourcing]) == decision.result_hash
    return Replay(steps, sourcing, same)


def explained(versions: Versions, decision: Decision, name: str) -> Sequence[RuleTrace]:
    """Every rule of one rule file against the facts of that time: why it fired, or what it missed."""
    book = versions.get(decision.version)
    judged = next(j for j in decision.facts if j["decision"] == name)
    return book.explain(name, _facts(judged), facts_json.decode_values(judged["settings"]))


def _facts(judged: dict[str, Any]) -> list[Fact]:
    return [facts_json.decode_fact(fact) for fact in judged["facts"]]
