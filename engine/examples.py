"""Examples run against a compiled rule book: which pass, why one fails, and what of the book they cover."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.compiled import CompiledBook
from engine.coverage import Coverage, Gatherer
from engine.language.example_text import (
    ExampleError,
    append_example,
    example_text,
    outcome_sentence,
    without_personal_data,
)
from engine.language.examples import Example, Expectation, book_examples, is_examples, read_examples
from engine.outcomes import same_setting_type
from engine.types import Outcome, RuleTrace, Run
from engine.values import MET, kind, show
from engine.vocabulary import DecisionSpec

__all__ = [
    "Coverage", "Example", "ExampleError", "Expectation", "Report", "Result", "append_example", "book_examples",
    "example_text", "is_examples", "outcome_sentence", "read_examples", "run_examples", "without_personal_data",
]  # fmt: skip

NEAREST = 3
"""Of how many rules that could have said what was expected a failing example tells the failed condition."""


@dataclass(frozen=True, slots=True)
class Result:
    """One example: whether it passed, and if not, each thing that is wrong with it in a sentence.

    `expected` and `got` are sentences of outcomes, `fired` the ids of the rules that held, `overridden` what was said
    but lost, as sentences.
    """

    example: Example
    passed: bool
    reasons: tuple[str, ...]
    expected: tuple[str, ...]
    got: tuple[str, ...]
    fired: tuple[str, ...]
    overridden: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        return {
            "decision": self.example.decision,
            "name": self.example.name,
            "file": self.example.place.file,
            "line": self.example.place.line,
            "passed": self.passed,
            "reasons": list(self.reasons),
            "expected": list(self.expected),
            "got": list(self.got),
            "fired": list(self.fired),
            "overridden": list(self.overridden),
        }


@dataclass(frozen=True, slots=True)
class Report:
    """What became of all examples, and how much of the rule book they cover."""

    results: tuple[Result, ...]
    coverage: Coverage

    @property
    def failed(self) -> tuple[Result, ...]:
        """The results that did not pass."""
        return tuple(result for result in self.results if not result.passed)

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON: `passed` and `failed` are numbers, `results` and `coverage` the details."""
        failed = len(self.failed)
        return {
            "passed": len(self.results) - failed,
            "failed": failed,
            "results": [result.as_dict() for result in self.results],
            "coverage": self.coverage.as_dict(),
        }


def run_examples(book: CompiledBook, examples: Iterable[Example]) -> Report:
    """Run examples against a rule book. Never raises: an example that cannot be run is one that failed."""
    gatherer = Gatherer(book)
    results = []
    for example in examples:
        if example.decision not in book.book.decisions:
            reason = f"The rule book has no decision {example.decision}."
            results.append(Result(example, False, (reason,), _texts(example.expect), (), (), ()))
            continue
        results.append(_one(book, example))
        gatherer.add(example)
    return Report(tuple(results), gatherer.coverage())


def _one(book: CompiledBook, example: Example) -> Result:
    spec = book.vocabulary.decisions[example.decision]
    run = book.run(example.decision, example.facts, example.settings)
    got = [(outcome, outcome_sentence(outcome, spec, book.vocabulary)) for outcome in run.outcomes]
    reasons = [
        *_wrong_settings(book, example),
        *(reason for wanted in example.expect for reason in _unmet(book, example, run, wanted, got)),
        *_forbidden(example, got),
    ]
    if example.only:
        reasons += [
            f"got `{text}` of rule {outcome.rule}, which is not expected"
            for outcome, text in got
            if not any(says(outcome, wanted) for wanted in example.expect)
        ]
    return Result(
        example, not reasons, tuple(reasons), _texts(example.expect), tuple(dict.fromkeys(text for _, text in got)),
        tuple(dict.fromkeys(firing.rule for firing in run.firings)), tuple(_lost(run, spec, book)),
    )  # fmt: skip


def says(outcome: Outcome, wanted: Expectation) -> bool:
    """Whether an outcome is what an expectation speaks of. Kinds are compared too, for Python holds that True == 1."""
    return (
        outcome.name == wanted.outcome
        and wanted.target in (None, outcome.target)
        and wanted.reason in ("", outcome.reason)
        and {name: (kind(v), v) for name, v in outcome.arguments.items()}
        == {name: (kind(v), v) for name, v in wanted.arguments.items()}
    )


def _texts(expectations: Sequence[Expectation]) -> tuple[str, ...]:
    return tuple(wanted.text for wanted in expectations)


def _lost(run: Run, spec: DecisionSpec, book: CompiledBook) -> list[str]:
    return [
        f"`{outcome_sentence(lost.outcome, spec, book.vocabulary)}` of rule {lost.outcome.rule} lost to rule {lost.by}"
        for lost in run.overridden
    ]


def _wrong_settings(book: CompiledBook, example: Example) -> list[str]:
    """Settings of an example that the rule file does not have, or has of another type: they would be ignored."""
    defaults = book.book.decisions[example.decision].settings
    wrong = []
    for name, value in example.settings.items():
        if name not in defaults:
            known = ", ".join(sorted(defaults)) or "none"
            wrong.append(f"there is no setting `{name}` in {example.decision}; there are: {known}")
        elif not same_setting_type(defaults[name], value):
            default = show(defaults[name])
            wrong.append(f"the setting `{name}` is {show(value)}, which is not of the type of its default {default}")
    return wrong


def _forbidden(example: Example, got: Sequence[tuple[Outcome, str]]) -> list[str]:
    return [
        f"got `{text}` of rule {outcome.rule}, which must never come out here"
        for outcome, text in got
        if any(says(outcome, wanted) for wanted in example.never)
    ]


def _unmet(
    book: CompiledBook, example: Example, run: Run, wanted: Expectation, got: Sequence[tuple[Outcome, str]]
) -> list[str]:
    if any(says(outcome, wanted) for outcome, _ in got):
        return []
    group = book.vocabulary.decisions[example.decision].by_name[wanted.outcome].group
    spec = book.vocabulary.decisions[example.decision]
    instead = [
        f"`{text}` (rule {outcome.rule})"
        for outcome, text in got
        if outcome.name == wanted.outcome
        or (group and spec.by_name[outcome.name].group == group and wanted.target in (None, outcome.target))
    ]
    text = f"expected `{wanted.text}`, got {' and '.join(dict.fromkeys(instead)) or 'nothing of the kind'}"
    lost = [lost for lost in run.overridden if says(lost.outcome, wanted)]
    if lost:
        return [f"{text}: rule {lost[0].outcome.rule} did say it, but rule {lost[0].by} came first"]
    nearest = _nearest(book, example, wanted)
    return [f"{text}{': ' if nearest else ''}{'; '.join(nearest)}"]


def _nearest(book: CompiledBook, example: Example, wanted: Expectation) -> list[str]:
    """Rules that say what was expected but did not hold, each with the first condition that failed."""
    traces = {trace.rule: trace for trace in book.explain(example.decision, example.facts, example.settings)}
    rules = book.book.decisions[example.decision].rules
    speakers = [traces[rule.id] for rule in rules if any(demand.outcome == wanted.outcome for demand in rule.then)]
    silent = sorted((trace for trace in speakers if not trace.fired_for), key=_misses)
    return [f"rule {trace.rule} did not hold: {_missed(trace)}" for trace in silent[:NEAREST]]


def _misses(trace: RuleTrace) -> int:
    return sum(condition.result != MET for condition in trace.conditions)


def _missed(trace: RuleTrace) -> str:
    missed = next((condition for condition in trace.conditions if condition.result != MET), None)
    if missed is None:
        return trace.note or "no facts of its kind are there"
    return f"{missed.text.strip()} (found {missed.found or 'nothing'})"


def summary(report: Mapping[str, Any]) -> str:
    """One sentence about a report in its JSON form."""
    total = report["passed"] + report["failed"]
    if not total:
        return "There are no examples."
    return f"All {total} examples pass." if not report["failed"] else f"{report['failed']} of {total} examples fail."
