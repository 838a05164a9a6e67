"""Any past decision again, from its stored facts and its version of the rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from engine.compiled import CompiledBook
from engine.replaying import kept, replayed
from engine.types import RuleTrace
from store.flow_models import Decision


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
    again = replayed(versions.get(decision.version), decision.facts, decision.trace["sourcing"] is not None)
    return Replay(again.steps, again.sourcing, again.hash == decision.result_hash)


def explained(versions: Versions, decision: Decision, name: str) -> Sequence[RuleTrace]:
    """Every rule of one rule file against the facts of that time: why it fired, or what it missed."""
    book = versions.get(decision.version)
    facts, settings = kept(next(j for j in decision.facts if j["decision"] == name))
    return book.explain(name, facts, settings)
