"""Why, and why not: every rule of a decision against the facts it saw, worked out again from what was kept."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from api.services import services
from engine.ast import Rule
from engine.compiled import CompiledBook
from engine.explain import Explanation
from engine.replaying import kept, replayed
from engine.types import Fact, RuleTrace, Value
from engine.wording import Language, Reasons, language_of
from store.flow_models import Decision

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Said:
    """One rule against the facts: its trace, the sentence of the rule, why it fired or not, and what it said in vain."""

    trace: RuleTrace
    rule: str
    why: str
    lost: tuple[str, ...]

    @property
    def fired(self) -> bool:
        return bool(self.trace.fired_for)

    def as_json(self) -> dict[str, Any]:
        trace = self.trace
        return {
            "rule": trace.rule,
            "description": trace.description,
            "priority": trace.priority,
            "fired": self.fired,
            "fired_for": [dict(bound) for bound in trace.fired_for],
            "nearest": dict(trace.nearest),
            "misses": trace.misses,
            "conditions": [
                {"text": c.text, "result": c.result, "found": c.found, "wanted": c.wanted, "line": c.line}
                for c in trace.conditions
            ],
            "combinations": trace.combinations,
            "then": list(trace.then),
            "note": trace.note,
            "sentence": self.rule,
            "why": self.why,
            "lost": list(self.lost),
        }


@dataclass(frozen=True)
class Why:
    """One rule file of a decision, explained. Rules are looked at when somebody asks for them."""

    explanation: Explanation
    language: Language

    @property
    def decision(self) -> str:
        return self.explanation.rules.name

    @property
    def description(self) -> str:
        return self.explanation.rules.description

    @cached_property
    def ranked(self) -> tuple[Rule, ...]:
        """Rules that fired in agenda order, then the nearest misses first."""
        return self.explanation.nearest_first()

    @property
    def fired(self) -> Sequence[Rule]:
        return [rule for rule in self.ranked if self.explanation.fired(rule)]

    @property
    def missed(self) -> Sequence[Rule]:
        return [rule for rule in self.ranked if not self.explanation.fired(rule)]

    def said(self, rules: Sequence[Rule]) -> Iterator[Said]:
        """Everything about these rules, in words."""
        reasons = self._reasons
        for rule in rules:
            trace = self.explanation.trace(rule)
            lost = tuple(reasons.lost(each) for each in trace.lost)
            yield Said(trace, reasons.rule(rule), reasons.why(rule), lost)

    @cached_property
    def _reasons(self) -> Reasons:
        return Reasons(self.explanation, self.language)

    def as_json(self) -> dict[str, Any]:
        rules = [said.as_json() for said in self.said(self.ranked)]
        return {"decision": self.decision, "description": self.description, "rules": rules}


class NotExplainable(Exception):
    """A decision cannot be taken again; the message says why, for people."""


def book_of(decision: Decision) -> CompiledBook:
    """The rule book that decided. Raises NotExplainable when it cannot be read any more."""
    try:
        return services().books.get(decision.version)
    except (LookupError, ValueError) as error:
        raise _gone(decision, error) from None


def judged(decision: Decision, name: str) -> tuple[list[Fact], dict[str, Value]]:
    """The facts and settings that one rule file saw. Raises NotExplainable when that file was not asked."""
    found: Mapping[str, Any] | None = next((each for each in decision.facts if each["decision"] == name), None)
    if found is None:
        raise NotExplainable(f"The rules of {name[:40]} were not asked in this decision.")
    try:
        return kept(found)
    except (LookupError, ValueError) as error:
        raise _gone(decision, error) from None


def explain_decision(decision: Decision, code: str = "en", only: str = "") -> tuple[list[Why], str]:
    """Every rule file that ran (or `only` that one), explained in a language; and when that cannot be done, a sentence
    that says why.

    What was decided stays readable in the trace even when the rule book of that time cannot be loaded any more.
    """
    language = language_of(code)
    try:
        book = book_of(decision)
        names = [each["decision"] for each in decision.facts if only in ("", each["decision"])]
        return [Why(book.explanation(name, *judged(decision, name)), language) for name in names], ""
    except NotExplainable as error:
        return [], str(error)
    except LookupError as error:
        return [], str(_gone(decision, error))


@dataclass(frozen=True, slots=True)
class Replay:
    """A decision taken again: the hash of its result then and now."""

    then: str
    now: str

    @property
    def same(self) -> bool:
        return self.then == self.now


def replay(decision: Decision) -> Replay:
    """Take a decision again from its kept facts and its version of the rules. Raises NotExplainable."""
    try:
        again = replayed(book_of(decision), decision.facts, decision.trace["sourcing"] is not None)
    except (LookupError, ValueError) as error:
        raise _gone(decision, error) from None
    return Replay(decision.result_hash, again.hash)


def _gone(decision: Decision, error: Exception) -> NotExplainable:
    log.warning("a decision cannot be explained", extra={"decision_id": decision.id, "reason": str(error)})
    sentence = f"The rules of that time cannot be read any more ({error}). What they decided stands in the trace."
    return NotExplainable(sentence)
