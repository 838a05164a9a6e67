"""What every part of a proof of one decision works with, and gathers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from engine.ast import Path, Place
from engine.prove.encoding import Encoding
from engine.prove.findings import Finding, Note
from engine.prove.logic import Formula
from engine.prove.questions import Answer, Case, Confirm, Questions
from engine.prove.shrinking import shrink
from engine.prove.words import Words


@dataclass
class Task:
    """One decision. `lean` is a world with one fact of each type, `wide` one with two of each repeated type, made when it
    is first needed. `dead` are the ids of rules that can never hold, `unsettled` of those that may or may not,
    `silenced` of rows that are never reached."""

    lean: Questions
    make_wide: Callable[[], Questions]
    words: Words
    findings: list[Finding] = field(default_factory=list)
    proved: list[str] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    dead: set[str] = field(default_factory=set)
    unsettled: set[str] = field(default_factory=set)
    silenced: set[str] = field(default_factory=set)
    _wide: Questions | None = None

    @property
    def wide(self) -> Questions:
        if self._wide is None:
            self._wide = self.make_wide()
        return self._wide

    @property
    def name(self) -> str:
        return self.lean.decision.name

    @property
    def encoding(self) -> Encoding:
        """The rules over the lean world."""
        return self.lean.encoding

    def note(self, message: str, *rules: str) -> None:
        """Something is not settled."""
        self.notes.append(Note(self.name, message, rules))

    def found(
        self, kind: str, rules: Iterable[str], message: str, hint: str, place: Place, case: Case | None = None
    ) -> None:
        """A finding, with the order that shows it."""
        shown = self.words.outcomes(case) if case else ()
        facts, settings = (case.facts, case.settings) if case else (None, {})
        self.findings.append(
            Finding(kind, self.name, tuple(rules), message, hint, facts, settings, shown, place, case is not None)
        )

    def example(
        self, questions: Questions, assumptions: Sequence[Formula], confirm: Confirm, mentioned: Iterable[Path]
    ) -> Answer:
        """An order that shows it, as small as can be, or that there is none."""
        answer = questions.find(assumptions, confirm)
        return Answer(case=shrink(questions, answer.case, confirm, mentioned)) if answer.case else answer
