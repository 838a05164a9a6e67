"""The gate in front of publishing: rules go live only when they are well-formed, pass their examples, run, and break no
promise. The API, the pages and the command line all come through here.

Judging takes seconds and happens outside any transaction; then one short transaction looks whether the world is still as
it was judged, and publishes. Whatever is refused leaves the published book as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy.orm import Session

from engine import examples
from engine.aside import Found, find_problems, try_examples
from engine.ast import Book
from engine.guard import exercise
from engine.language import LAYER_FOLDER, load_book, text_version
from engine.language.diff import diff_texts
from engine.types import Problem
from store import audit, books, drafts, rule_jobs
from store.book_files import BadFiles, check_files
from store.rule_models import Publication
from store.session import Database

COMMENT = 500
"""Longest comment or reason, in characters."""
CHANGES = 30
"""So many sentences about what changed are kept with a version."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that stands in the way. `kind` is files, rules, examples, trial, proof, comment or nothing-new; `file`,
    `line` and `column` say where, empty and 0 when it is nowhere in particular."""

    kind: str
    message: str
    file: str = ""
    line: int = 0
    column: int = 0
    hint: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}: " if self.file else ""
        return f"{where}{self.message}" + (f" {self.hint}" if self.hint else "")


class Refused(Exception):
    """The rules were not published; `reasons` lists everything that stands in the way."""

    def __init__(self, reasons: Iterable[Reason]) -> None:
        self.reasons = tuple(reasons)
        more = f" (and {len(self.reasons) - 1} more)" if len(self.reasons) > 1 else ""
        super().__init__(f"{self.reasons[0]}{more}")


class Superseded(Exception):
    """Somebody published another version meanwhile; nothing was published. `publication` is what decides now."""

    def __init__(self, publication: Publication | None) -> None:
        self.publication = publication
        if publication is None:
            super().__init__("no version decides now, but the draft is based on one; start a new draft")
            return
        super().__init__(
            f"{publication.by} published version {publication.number} on {publication.at:%Y-%m-%d %H:%M} UTC, after "
            "this was begun; nothing was published. Bring the draft up to date with it, then publish again"
        )


class NoVersion(LookupError):
    """The merchant never published such a version."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Rules that may be published: the book made from them, and what is known of it."""

    book: Book
    evidence: Mapping[str, Any]


def judge(texts: Mapping[str, str]) -> Judged:
    """See whether these files (name to text) may be published. Takes a second or two, and touches no database.

    Raises Refused: with every error of the rules; or with every example that fails and everything the trial run met.
    """
    _check_loads(texts)
    with ThreadPoolExecutor(1) as pool:  # each waits for a process of its own
        trial = pool.submit(exercise, texts)
        found = try_examples(texts)
    if found.errors:
        raise Refused([_from_problem("rules", problem) for problem in found.errors])
    failed = [result for result in (found.report or {}).get("results", ()) if not result["passed"]]
    reasons = [_failed_example(result) for result in failed]
    reasons += [_from_problem("trial", problem) for problem in trial.result()]
    if reasons:
        raise Refused(reasons)
    return Judged(load_book(texts), _evidence(found))


def _check_loads(texts: Mapping[str, str]) -> None:
    """Raises Refused when these are no rule files, or have errors."""
    try:
        check_files(texts)
    except BadFiles as bad:
        raise Refused([Reason("files", bad.message, bad.file)]) from None
    if not any(not examples.is_examples(name) for name in texts):
        raise Refused([Reason("files", "There is no rule file among these files.", hint="Add at least one.")])
    errors = find_problems(texts).errors
    if errors:
        raise Refused([_from_problem("rules", problem) for problem in errors])


def publish_draft(
    database: Database, merchant_id: str, draft_id: str, *, revision: int, who: str, comment: str
) -> Publication:
    """Make a draft the version that decides.

    Raises NoDraft, DraftClosed and DraftConflict (see `store.drafts`), Superseded, or Refused.
    """
    with database.session(merchant_id, read_only=True) as session:
        draft = drafts.get(session, draft_id)
        if draft.state != "open":
            raise drafts.DraftClosed(draft)
        if draft.revision != revision:
            raise drafts.DraftConflict(draft, revision)
        before = _Before.of(session, draft.texts)
        before.must_be(draft.based_on)
        proof = _proof(session, draft.texts)
    said = _comment(comment)
    judged = judge(draft.texts)
    changes = before.changes(draft.texts)
    with database.session(merchant_id) as session:
        before.must_decide_still(session)
        drafts.close_published(session, draft_id, revision=revision, by=who)
        origin = {"draft": draft_id, "draft_name": draft.name, "begun_by": draft.created_by}
        simulated = rule_jobs.latest(session, draft_id, "simulate", judged.book.version)
        if simulated is not None and simulated.state == "done":
            origin["simulation"] = simulated.id
        return _publish(session, judged, who, said, {"from": origin, "changes": changes, **proof})


def publish_texts(
    database: Database, merchant_id: str, texts: Mapping[str, str], *, who: str, comment: str, origin: str
) -> Publication:
    """Make these files (name to text) the version that decides. `origin` says where they are from.

    Raises Refused, or Superseded when another version was published while these were judged.
    """
    said = _comment(comment)
    with database.session(merchant_id, read_only=True) as session:
        before = _Before.of(session, texts)
        proof = _proof(session, texts)
    judged = judge(texts)
    changes = before.changes(texts)
    with database.session(merchant_id) as session:
        before.must_decide_still(session)
        return _publish(session, judged, who, said, {"from": {"files": origin}, "changes": changes, **proof})


def roll_back(database: Database, merchant_id: str, reference: str, *, who: str, reason: str) -> Publication:
    """Publish an earlier version again. Its examples passed when it went live, so it is only loaded and run: going back
    must not fail over an example. `reference` is what `store.books.find` takes.

    Raises NoVersion; Refused when it decides already, or can no longer be loaded or run; Superseded when another version
    was published meanwhile.
    """
    with database.session(merchant_id, read_only=True) as session:
        target = books.find(session, reference)
        if target is None:
            raise NoVersion(f"there is no version {reference[:64]}")
        texts = books.texts(session, target.version) or {}
        before = _Before.of(session, texts)
    said = _comment(reason)
    errors = [_from_problem("rules", problem) for problem in find_problems(texts).errors if not _of_examples(problem)]
    reasons = errors or [_from_problem("trial", problem) for problem in exercise(texts)]
    if reasons:
        raise Refused(reasons)
    known = {key: value for key, value in (target.evidence or {}).items() if key not in ("from", "changes")}
    changes = before.changes(texts)
    with database.session(merchant_id) as session:
        before.must_decide_still(session)
        more = {"from": {"version": target.number}, "changes": changes}
        return _publish(session, Judged(load_book(texts), known), who, said, more, kind="rollback")


@dataclass(frozen=True, slots=True)
class _Before:
    """What decided when somebody set out to publish."""

    publication: Publication | None
    texts: Mapping[str, str]

    @classmethod
    def of(cls, session: Session, wanted: Mapping[str, str]) -> _Before:
        """Raises Refused when the wanted files decide already."""
        newest = books.newest(session)
        texts = (books.texts(session, newest.version) if newest else None) or {}
        if newest is not None and texts == dict(wanted):
            message = f"These are the very files of version {newest.number}, which decides now."
            raise Refused([Reason("nothing-new", message)])
        return cls(newest, texts)

    @property
    def version(self) -> str | None:
        return self.publication.version if self.publication else None

    def must_be(self, version: str | None) -> None:
        """Raises Superseded when another version decides than a draft is based on."""
        if self.version != version:
            raise Superseded(self.publication)

    def must_decide_still(self, session: Session) -> None:
        """Take the turn to publish. Raises Superseded when somebody published another version meanwhile."""
        newest = books.wait_for_turn(session)
        if (newest.version if newest else None) != self.version:
            raise Superseded(newest)

    def changes(self, texts: Mapping[str, str]) -> list[str]:
        """What becomes different, in sentences; nothing for the first version."""
        return list(diff_texts(self.texts, texts).words)[:CHANGES] if self.publication else []


def _publish(
    session: Session, judged: Judged, who: str, comment: str, known: Mapping[str, Any], kind: str = "publish"
) -> Publication:
    book = judged.book
    publication = books.publish(
        session, book.texts, book.version, who, comment, meaning=book.meaning, kind=kind,
        evidence={**judged.evidence, **known},
    )  # fmt: skip
    went_back = f"Back to version {known['from']['version']}. " if kind == "rollback" else ""
    audit.record(
        session, who=who, action="roll back rules" if kind == "rollback" else "publish rules",
        about=f"rules version:{publication.number}", reason=f"{went_back}{comment}",
    )  # fmt: skip
    return publication


def _proof(session: Session, texts: Mapping[str, str]) -> dict[str, Any]:
    """What a finished proof of these very files found, as evidence; nothing when there is none. Raises Refused for
    invariants that it broke: an admin stated them so that nothing goes live that breaks them."""
    job = rule_jobs.proof_of(session, text_version(texts))
    if job is None:
        return {}
    proofs = (job.result or {}).get("proofs", {})
    findings = proofs.get("findings", ())
    broken = [finding for finding in findings if finding["kind"] == "invariant"]
    if broken:
        raise Refused(_from_finding(finding) for finding in broken)
    return {"proof": {"job": job.id, "findings": len(findings), "proved": len(proofs.get("proved", ()))}}


def _comment(text: str) -> str:
    said = " ".join(text.replace("\x00", "").split())
    if not said:
        raise Refused([Reason("comment", "Say in a few words what changes and why; it stays beside the version.")])
    return said[:COMMENT]


def _evidence(found: Found) -> dict[str, Any]:
    report = found.report or {}
    coverage = report.get("coverage", {})
    return {
        "examples": {"passed": report.get("passed", 0), "failed": report.get("failed", 0)},
        "coverage": {part: coverage[part] for part in ("rules", "conditions", "rows") if part in coverage},
        "warnings": len(found.problems),
    }


def _of_examples(problem: Problem) -> bool:
    return examples.is_examples(problem.file)


def _from_problem(kind: str, problem: Problem) -> Reason:
    said = asdict(problem)
    return Reason(kind, **{key: said[key] for key in ("message", "file", "line", "column", "hint")})


def _from_finding(finding: Mapping[str, Any]) -> Reason:
    place = finding.get("place") or {}
    where = (str(place.get("file", "")), int(place.get("line", 0)), int(place.get("column", 0)))
    return Reason("proof", finding["message"], *where, hint=finding.get("hint", ""))


def _failed_example(result: Mapping[str, Any]) -> Reason:
    message = f"The example “{result['name']}” fails: {' '.join(result['reasons'])}"
    return Reason("examples", message, result["file"], result["line"], 1, _restate(result))


def _restate(result: Mapping[str, Any]) -> str:
    """What to do about an example of the base book, which a merchant does not edit."""
    if result["file"].startswith(LAYER_FOLDER):
        return ""
    own = f"{LAYER_FOLDER}{result['decision']}.examples.yaml"
    return f"If the new answer is what you mean, put an example of the same name that expects it into {own}."
