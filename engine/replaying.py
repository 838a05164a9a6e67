"""A decision taken again from what was kept of it: the same rules, facts and settings must give the same result, by hash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine import assignment, facts_json
from engine.compiled import CompiledBook
from engine.types import Fact, Outcome, Run, Value


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a decision says when it is taken again: its steps as they are kept, the sourcing matrix if it had one, and the
    hash of both."""

    steps: Sequence[dict[str, Any]]
    sourcing: dict[str, Any] | None
    hash: str


def replayed(book: CompiledBook, judged: Sequence[Mapping[str, Any]], with_sourcing: bool) -> Replayed:
    """Take a decision again. `judged` is what was kept: per rule file its name, facts and settings.

    Raises UnknownDecisionError when the book has no such rule file, ValueError for facts that are not readable.
    """
    steps: list[dict[str, Any]] = []
    sourcing: dict[str, Any] | None = None
    for each in judged:
        facts, settings = kept(each)
        run = book.run(each["decision"], facts, settings)
        steps.append(run_as_dict(run))
        if with_sourcing and each["decision"] == "outlet_assignment":
            sourcing = assignment.plan(run, facts).as_dict()
    return Replayed(steps, sourcing, facts_json.canonical_hash([steps, sourcing]))


def kept(judged: Mapping[str, Any]) -> tuple[list[Fact], dict[str, Value]]:
    """The facts and settings that one rule file saw, as they were kept. Raises ValueError or KeyError."""
    return [facts_json.decode_fact(fact) for fact in judged["facts"]], facts_json.decode_values(judged["settings"])


def run_as_dict(run: Run) -> dict[str, Any]:
    """A run as it is kept, and as its hash is made from."""
    return {
        "decision": run.decision,
        "firings": [
            {"rule": f.rule, "bound": dict(f.bound), "outcomes": [_outcome(o) for o in f.outcomes]} for f in run.firings
        ],
        "outcomes": [_outcome(o) for o in run.outcomes],
        "overridden": [{"outcome": _outcome(o.outcome), "by": o.by} for o in run.overridden],
        "derived": [facts_json.encode_fact(f) for f in run.derived],
        "errors": list(run.errors),
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "name": outcome.name,
        "target": outcome.target,
        "arguments": facts_json.encode_values(outcome.arguments),
        "reason": outcome.reason,
        "rule": outcome.rule,
    }
