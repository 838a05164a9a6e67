"""How a draft stands: what is wrong, what its examples come to, what was proved and simulated of it, what it changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from api.ui import rule_files, rule_list
from engine.aside import find_problems
from engine.language import text_version
from engine.types import Problem
from engine.vocabulary import VOCABULARY
from store import books, rule_jobs
from store.rule_job_models import RuleJob
from store.rule_models import Publication, RuleDraft


def proofs_in(job: RuleJob | None) -> Mapping[str, Any]:
    """What a finished proof found: `findings`, `proved`, `not_analysed`, `seconds`; empty while it runs."""
    result = job.result if job is not None and job.state == "done" else None
    found: Mapping[str, Any] = (result or {}).get("proofs", {})
    return found


@dataclass
class FileState:
    """One file: its errors and warnings, and whether it differs from what the draft is based on (`changed`, `new`, or
    empty)."""

    file: rule_files.RuleFile
    change: str
    errors: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)


@dataclass
class DraftState:
    """All of it. `proof` and `simulation` are the newest jobs; `proof_is_current` tells whether the proof is about the
    texts as they are now. `blocked` lists in sentences what keeps the draft from being published."""

    version: str
    decisions: list[tuple[str, list[FileState]]]
    problems: tuple[Problem, ...]
    report: Mapping[str, Any] | None
    proof: RuleJob | None
    simulation: RuleJob | None
    based_on: Publication | None
    newest: Publication | None
    changed: list[str]
    blocked: list[str] = field(default_factory=list)

    @property
    def errors(self) -> list[Problem]:
        return [problem for problem in self.problems if problem.severity == "error"]

    @property
    def warnings(self) -> list[Problem]:
        return [problem for problem in self.problems if problem.severity != "error"]

    @property
    def outdated(self) -> bool:
        """Whether something else was published since."""
        return (self.newest.version if self.newest else None) != (self.based_on.version if self.based_on else None)

    def is_current(self, job: RuleJob | None) -> bool:
        """Whether a job is about the texts as they are now."""
        return job is not None and job.texts_version == self.version


def state_of(session: Session, draft: RuleDraft) -> DraftState:
    """Look at everything a draft is judged by."""
    texts, version = draft.texts, text_version(draft.texts)
    problems = find_problems(texts).problems
    errors = [problem for problem in problems if problem.severity == "error"]
    base = (books.texts(session, draft.based_on) if draft.based_on else None) or {}
    state = DraftState(
        version, _decisions(draft, base, problems), problems, None if errors else rule_list.examples_report(version, texts),
        rule_jobs.latest(session, draft.id, "prove"), rule_jobs.latest(session, draft.id, "simulate"),
        books.find(session, draft.based_on) if draft.based_on else None, books.newest(session),
        sorted(name for name in {*texts, *base} if texts.get(name) != base.get(name)),
    )  # fmt: skip
    state.blocked = list(_blocked(draft, state))
    return state


def _decisions(draft: RuleDraft, base: Mapping[str, str], problems: tuple[Problem, ...]) -> list[tuple[str, list[FileState]]]:
    there = {rule_files.decision_of(name) for name in draft.texts}
    names = [name for name in VOCABULARY.decisions if name in there] + sorted(there - set(VOCABULARY.decisions))
    return [(name, [_file(file, base, problems) for file in _files(draft, name)]) for name in names]


def _files(draft: RuleDraft, decision: str) -> list[rule_files.RuleFile]:
    if decision in VOCABULARY.decisions:
        return rule_files.files_of(draft, decision)
    return [rule_files.find(draft, name) for name in sorted(draft.texts) if rule_files.decision_of(name) == decision]


def _file(file: rule_files.RuleFile, base: Mapping[str, str], problems: tuple[Problem, ...]) -> FileState:
    change = "" if not file.written or base.get(file.name) == file.text else "changed" if file.name in base else "new"
    state = FileState(file, change)
    for problem in problems:
        if problem.file == file.name:
            (state.errors if problem.severity == "error" else state.warnings).append(problem)
    return state


def _blocked(draft: RuleDraft, state: DraftState) -> list[str]:
    reasons = []
    if draft.state != "open":
        return [f"The draft was {draft.state} by {draft.updated_by}."]
    if state.outdated and state.newest is not None:
        reasons.append(f"Version {state.newest.number} was published since this draft was begun: bring the draft up to date first.")
    if not state.changed:
        reasons.append("Nothing differs from what decides now.")
    if state.errors:
        reasons.append(f"{_count(len(state.errors), 'error')} in the rules or examples.")
    if state.report and state.report["failed"]:
        reasons.append(f"{_count(state.report['failed'], 'example')} {'fails' if state.report['failed'] == 1 else 'fail'}.")
    if state.is_current(state.proof):
        broken = [finding for finding in proofs_in(state.proof).get("findings", ()) if finding["kind"] == "invariant"]
        reasons += [f"The proof found: {finding['message']}" for finding in broken]
    return reasons


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


