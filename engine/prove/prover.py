"""A whole rule book, decision by decision, within a time box."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import z3

from engine.ast import Book, DecisionRules
from engine.compiled import CompiledBook, compile_book
from engine.prove.conflicts import conflicts, rows
from engine.prove.contradictions import hidden, never
from engine.prove.findings import Finding, Note, Proofs
from engine.prove.gaps import gaps, missing_rows
from engine.prove.invariants import invariant
from engine.prove.questions import Clock, OutOfTime, Questions
from engine.prove.survey import AGGREGATED, Survey, survey
from engine.prove.task import Task
from engine.prove.words import Words, listed
from engine.types import Value
from engine.vocabulary import VOCABULARY, Vocabulary

Progress = Callable[[int, int], None]
Settings = Mapping[str, Mapping[str, Value]]
Subject = TypeVar("Subject")
_Step = tuple[str, str, Callable[[Task], None]]
"""What is asked (for what is said when there was no time for it), about whom, and how."""

NEVER, HIDDEN, CONFLICT = "whether they can hold", "whether they ever decide anything", "whether they conflict"
INVARIANT, GAP, ROWS = "whether these invariants hold", "whether it always says these", "the rows of these tables"
NAMED = 100
"""Most rules that one note names."""


def prove(
    book: Book,
    *,
    seconds: float = 30,
    settings: Settings | None = None,
    vocabulary: Vocabulary = VOCABULARY,
    progress: Progress | None = None,
) -> Proofs:
    """What can be said about a rule book for all orders at once.

    Takes about `seconds` at most; what it did not get to, `not_analysed` says. `settings` are a merchant's values by
    decision: they are tried first in examples, but what is proved holds for any settings. `progress` is told how many
    steps of how many are done. The same book gives the same answer, but for steps that ran out of time.
    """
    began = time.monotonic()
    clock = Clock.of(seconds)
    engine = compile_book(book, vocabulary)
    steps = {name: list(_steps(rules, vocabulary)) for name, rules in sorted(book.decisions.items())}
    total = sum(map(len, steps.values()))
    done, left = 0, total
    found = Proofs()
    for name, wanted in steps.items():
        part = clock.part(len(wanted) / left if left else 1.0)
        left -= len(wanted)
        if not wanted:
            continue
        merchant = (settings or {}).get(name, {})
        one = _Decision(book.decisions[name], vocabulary, engine, part, merchant)
        for number in one.run(wanted):
            if progress is not None:
                progress(done + number, total)
        done += len(wanted)
        found = replace(
            found,
            findings=(*found.findings, *one.findings()),
            proved=(*found.proved, *one.proved),
            not_analysed=(*found.not_analysed, *one.notes),
        )
    return replace(found, seconds=time.monotonic() - began)


def _steps(rules: DecisionRules, vocabulary: Vocabulary) -> Iterator[_Step]:
    """All that is asked about a decision: what was promised first, then rule by rule."""
    for stated in rules.invariants:
        yield INVARIANT, stated.id, _step(invariant, stated)
    if rules.rules:
        for group in vocabulary.decisions[rules.name].complete:
            yield GAP, group, _step(gaps, group)
    for rule in rules.rules:
        yield NEVER, rule.id, _step(never, rule)
    for rule in rules.rules:
        yield HIDDEN, rule.id, _step(hidden, rule)
    for rule in rules.rules:
        yield CONFLICT, rule.id, _step(conflicts, rule)
    for table in dict.fromkeys(rule.table for rule in rules.rules if rule.table):
        yield ROWS, table, _step(rows, table)
        yield ROWS, table, _step(missing_rows, table)


def _step(ask: Callable[[Task, Subject], None], subject: Subject) -> Callable[[Task], None]:
    return lambda task: ask(task, subject)


class _Decision:
    """The proof of one decision, step by step."""

    def __init__(
        self, rules: DecisionRules, vocabulary: Vocabulary, engine: CompiledBook, clock: Clock, merchant: Mapping[str, Value]
    ) -> None:
        self.rules = rules
        self.vocabulary = vocabulary
        self.engine = engine
        self.clock = clock
        self.merchant = {name: value for name, value in merchant.items() if name in rules.settings}
        self.notes: list[Note] = []
        self._task: Task | None = None

    @property
    def proved(self) -> tuple[str, ...]:
        return tuple(self._task.proved) if self._task else ()

    def findings(self) -> tuple[Finding, ...]:
        """In order of the rules they are about, invariants and gaps first."""
        return tuple(self._task.findings) if self._task else ()

    def run(self, steps: Sequence[_Step]) -> Iterator[int]:
        """Take the steps; yields how many are done. What there is no time for is noted."""
        missed: dict[str, list[str]] = {}
        for number, (what, about, ask) in enumerate(steps, 1):
            try:
                self.clock.check()
                if self._task is None:
                    self._task = self._begin()
                ask(self._task)
            except OutOfTime:
                missed.setdefault(what, []).append(about)
            except z3.Z3Exception as error:
                self.notes.append(Note(self.rules.name, f"The solver gave up on {what}: {error}.", (about,)))
            yield number
        self.notes = [*(self._task.notes if self._task else ()), *self.notes]
        for what, names in missed.items():
            message = f"There was no time to find out about {self.rules.name} {what}: {listed(names)}."
            self.notes.append(Note(self.rules.name, message, tuple(dict.fromkeys(names))[:NAMED]))

    def _begin(self) -> Task:
        found = survey(self.rules, self.vocabulary.decisions[self.rules.name], self.vocabulary, self.merchant)
        return Task(self._questions(found, 1), lambda: self._questions(found, 2), Words(found))

    def _questions(self, found: Survey, several: int) -> Questions:
        """A solver for a world with so many facts of each repeated type."""
        facts = self.vocabulary.facts
        sizes = {
            name: AGGREGATED if name in found.counted else several if facts[name].repeated else 1 for name in found.types
        }
        return Questions(found, self.clock, self.engine, sizes, self.merchant)
