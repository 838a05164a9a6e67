"""Short ways to write a rule file in a test and to see what is said about it."""

from __future__ import annotations

from collections.abc import Sequence

from engine.ast import DecisionRules
from engine.language import check, load_book
from engine.types import Problem
from engine.vocabulary import VOCABULARY, Vocabulary


def rule_file(
    when: Sequence[str] = (), then: Sequence[str] = ("hold shortage",), decision: str = "outlet_assignment"
) -> str:
    """A rule file with one rule. Conditions begin on line 11, in column 9; demands follow after one line."""
    conditions = "".join(f"      - {line}\n" for line in when)
    demands = "".join(f"      - {line}\n" for line in then)
    return (
        f"decision: {decision}\n"
        "settings:\n"
        "  limit: 3\n"
        "  most: 50.00 EUR\n"
        "  word: delivery\n"
        "  words: [delivery, other]\n"
        "  flag: true\n"
        "rules:\n"
        "  - id: only\n"
        f"    when:{'' if conditions else ' []'}\n{conditions}"
        f"    then:\n{demands}"
    )


def problem_of(*when: str, then: Sequence[str] = ("hold shortage",)) -> Problem:
    """The one problem of a file with one rule."""
    (problem,) = check({"rules.yaml": rule_file(when, then)})
    return problem


def problems_of(text: str | bytes, vocabulary: Vocabulary = VOCABULARY) -> list[str]:
    """All errors of one file, each as `line:column: message hint`."""
    found = [problem for problem in check({"rules.yaml": text}, vocabulary) if problem.severity == "error"]
    return [f"{p.line}:{p.column}: {p.message} {p.hint}".rstrip() for p in found]


def decision_of(text: str, vocabulary: Vocabulary = VOCABULARY) -> DecisionRules:
    """The one decision of a file that has no problems."""
    (decision,) = load_book({"rules.yaml": text}, vocabulary).decisions.values()
    return decision
