"""How versions, drafts and what is said about them look as JSON, and as problem documents when something is in the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import contextmanager
from typing import Any

from api.problems import FieldError, Problem
from api.publishing import NoVersion, Reason, Refused, Superseded
from api.shapes import Json, moment
from engine.types import Problem as RuleProblem
from store import drafts
from store.book_files import BadFiles
from store.rule_models import Publication, RuleDraft

SHORT = 12
"""Characters of a version that are enough for people to tell it from others."""
MOST_ERRORS = 100


def publication(row: Publication, files: Mapping[str, str] | None = None) -> Json:
    """A version as it was published; with `files` also what it was made from."""
    shown: Json = {
        "number": row.number,
        "version": row.version,
        "meaning": row.meaning,
        "kind": row.kind,
        "replaces": row.replaces,
        "by": row.by,
        "comment": row.comment,
        "at": moment(row.at),
        "evidence": row.evidence or {},
        "href": f"/v1/rulebooks/{row.number}",
    }
    return shown if files is None else {**shown, "files": dict(files)}


def draft(row: RuleDraft, *, files: bool = False) -> Json:
    """A draft; with `files` also its texts."""
    shown: Json = {
        "id": row.id,
        "name": row.name,
        "state": row.state,
        "revision": row.revision,
        "based_on": row.based_on,
        "created_by": row.created_by,
        "created_at": moment(row.created_at),
        "updated_by": row.updated_by,
        "updated_at": moment(row.updated_at),
        "href": f"/v1/rule-drafts/{row.id}",
    }
    return {**shown, "files": dict(row.texts)} if files else shown


def rule_problem(problem: RuleProblem) -> Json:
    """One problem of a rule file."""
    return {
        "file": problem.file, "line": problem.line, "column": problem.column, "severity": problem.severity,
        "message": problem.message, "hint": problem.hint,
    }  # fmt: skip


def findings(problems: Iterable[RuleProblem]) -> Json:
    """What checking found: `ok` when none of the problems is an error."""
    shown = [rule_problem(problem) for problem in problems]
    errors = sum(1 for problem in shown if problem["severity"] == "error")
    return {"ok": not errors, "errors": errors, "warnings": len(shown) - errors, "problems": shown}


@contextmanager
def as_problems() -> Any:
    """Whatever stands in the way of a draft or a version, as a problem document."""
    try:
        yield
    except tuple(_PROBLEMS) as error:
        raise _PROBLEMS[type(error)](error) from None


def _bad_files(error: BadFiles) -> Problem:
    slug = "too-large" if error.too_large else "invalid"
    field = f"files.{error.file}" if error.file else "files"
    return Problem(slug, f"{error}.", errors=[FieldError(field, error.message)])


def _draft_conflict(error: drafts.DraftConflict) -> Problem:
    return Problem("draft-conflict", f"{error}.", more={"yours": error.yours, "current": draft(error.draft, files=True)})


def _closed(error: drafts.DraftClosed) -> Problem:
    return Problem("conflict", f"{error}.", more={"current": draft(error.draft)})


def _rebase_conflict(error: drafts.RebaseConflict) -> Problem:
    clashes = [clash._asdict() for clash in error.clashes]
    errors = [FieldError(f"choices.{clash.file}", "was changed on both sides; say mine or theirs") for clash in error.clashes]
    return Problem(
        "rebase-conflict", f"{error}.", errors=errors, more={"clashes": clashes, "published": publication(error.publication)}
    )


def _superseded(error: Superseded) -> Problem:
    more = {} if error.publication is None else {"published": publication(error.publication)}
    return Problem("superseded", f"{error}.", more=more)


def _refused(error: Refused) -> Problem:
    errors = [FieldError(place_of(reason), reason.message + (f" {reason.hint}" if reason.hint else "")) for reason in error.reasons]
    count = len(error.reasons)
    detail = f"{count} {'thing stands' if count == 1 else 'things stand'} in the way; nothing was published. {error}"
    kinds = sorted({reason.kind for reason in error.reasons})
    return Problem("rules-refused", detail, errors=errors[:MOST_ERRORS], more={"kinds": kinds})


def place_of(reason: Reason) -> str:
    """Where a reason stands: `file:line:column`, or its kind when it stands nowhere in particular."""
    return f"{reason.file}:{reason.line}:{reason.column}" if reason.file and reason.line else reason.file or reason.kind


_PROBLEMS: Mapping[type[Exception], Callable[[Any], Problem]] = {
    BadFiles: _bad_files,
    drafts.NoDraft: lambda error: Problem("not-found", f"{error}."),
    NoVersion: lambda error: Problem("not-found", f"{error}."),
    drafts.DraftConflict: _draft_conflict,
    drafts.DraftClosed: _closed,
    drafts.AlreadyUpToDate: lambda error: Problem("conflict", f"{error}."),
    drafts.RebaseConflict: _rebase_conflict,
    Superseded: _superseded,
    Refused: _refused,
}
