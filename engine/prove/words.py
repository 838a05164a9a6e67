"""Findings in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from engine.ast import Condition, Demand, Group, Rule
from engine.language.example_text import outcome_sentence
from engine.language.formatter import RuleWriter
from engine.prove.questions import Case
from engine.prove.survey import Survey
from engine.types import Value
from engine.values import show

SHOWN = 6
"""Most names in one sentence."""


class Words:
    """The words of one decision."""

    def __init__(self, survey: Survey) -> None:
        self.survey = survey
        self.writer = RuleWriter(survey.decision, survey.vocabulary)

    def part(self, part: Condition | Group) -> str:
        """A condition or group in one line."""
        if isinstance(part, Condition):
            return self.writer.condition(part)
        return f"{part.kind}: [{'; '.join(self.part(child) for child in part.children)}]"

    def parts(self, parts: Iterable[Condition | Group]) -> str:
        return listed([self.part(part) for part in parts])

    def demand(self, demand: Demand) -> str:
        """A demand without its reason."""
        return self.writer.demand(Demand(demand.outcome, demand.slots))

    def outcomes(self, case: Case) -> tuple[str, ...]:
        """What the engine answered, as sentences."""
        spec, vocabulary = self.survey.spec, self.survey.vocabulary
        return tuple(dict.fromkeys(outcome_sentence(one, spec, vocabulary) for one in case.run.outcomes))


def listed(texts: Sequence[str], last: str = "and") -> str:
    """`a`, `b` and `c`; the first few when there are many."""
    texts = list(dict.fromkeys(texts))
    if len(texts) > SHOWN:
        return f"{', '.join(f'`{text}`' for text in texts[:SHOWN])} {last} {len(texts) - SHOWN} more"
    quoted = [f"`{text}`" for text in texts]
    return f" {last} ".join((", ".join(quoted[:-1]), quoted[-1])) if len(quoted) > 1 else "".join(quoted)


def names(rules: Iterable[Rule], last: str = "and") -> str:
    """The ids of rules in a sentence."""
    return listed([rule.id for rule in rules], last)


def under(settings: Mapping[str, Value]) -> str:
    """When settings differ from the defaults, a clause that says so."""
    if not settings:
        return ""
    said = " and ".join(f"`setting.{name}` is {show(value)}" for name, value in sorted(settings.items()))
    return f", when {said}"
