"""What would have to be otherwise for a rule to fire in a past decision, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.why import NotExplainable, book_of, judged
from engine.ast import Path, Rule
from engine.compiled import CompiledBook
from engine.types import Fact, Value
from engine.wording import Speaker, language_of
from engine.wording.sentences import fill, sentence
from store.flow_models import Decision


@dataclass(frozen=True, slots=True)
class Asked:
    """One rule of a past decision, with what its rule file saw."""

    book: CompiledBook
    decision: str
    rule: Rule
    facts: Sequence[Fact]
    settings: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What was found. `possible` says whether anything makes the rule fire, `reason` why not; `fired` that it had fired
    already; `sentences` are the changes, and `but` what would still be in the way of its demand."""

    possible: bool
    fired: bool = False
    reason: str = ""
    sentences: tuple[str, ...] = ()
    but: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "possible": self.possible,
            "fired": self.fired,
            "reason": self.reason,
            "changes": list(self.sentences),
            "but": self.but,
        }


def rule_of(decision: Decision, name: str, rule_id: str) -> Asked:
    """A rule of a past decision. Raises NotExplainable when it, its rule file or the rules of that time are not there."""
    facts, settings = judged(decision, name)
    book = book_of(decision)
    rule = next((rule for rule in book.book.decisions[name].rules if rule.id == rule_id), None)
    if rule is None:
        raise NotExplainable(f"{name} has no rule {rule_id[:60]}.")
    return Asked(book, name, rule, facts, settings)


def what_would_change(asked: Asked, lang: str) -> WhatIf:
    """The smallest set of changes with which the rule would have fired, confirmed by running the rules. Takes up to about
    two seconds."""
    from engine.counterfactual import Impossible, search  # the solver is loaded when somebody asks for it

    found = search(asked.book, asked.decision, asked.rule.id, asked.facts, asked.settings)
    if isinstance(found, Impossible):
        return WhatIf(False, reason=found.reason)
    speaker = Speaker(asked.book.book.decisions[asked.decision], language_of(lang), asked.book.vocabulary)
    said = [speaker.would_add(fact.type) for fact in found.added]
    for change in found.changes:
        text = speaker.would(Path(change.type, change.field), change.before, change.after)
        said.append(f"{text} ({change.id})" if change.repeated else text)
    sentences = tuple(f"{sentence(text)}." for text in said)
    but = fill(speaker.language.phrases["would lose"], {"by": found.overridden_by}) if found.overridden_by else ""
    return WhatIf(True, not sentences, "", sentences, f"{sentence(but)}." if but else "")
