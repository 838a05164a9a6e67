"""The editor of one file of a draft: text and structured view of the same text, checked while one types.

The server is the only parser: the page posts the text on the screen and gets problems, structure or new text back.
Nothing is kept before somebody saves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import flash, make_response, render_template, request, url_for
from flask_login import current_user
from sqlalchemy.orm import Session

from api.problems import Problem
from api.reading import MOST_SWALLOWED
from api.ui import blueprint, rule_files
from api.ui.frame import admin_page, as_json, back_to, page, reading, show, writing
from api.ui.rule_files import LARGEST_POST, RuleFile, the_draft
from api.ui.rule_proofs import marks
from api.ui.rule_structure import structure
from engine.aside import find_problems
from engine.language import text_version
from engine.types import Problem as RuleProblem
from engine.vocabulary import VOCABULARY
from store import drafts
from store.book_files import FILE_CHARACTERS
from store.rule_models import RuleDraft

SHOWN_PROBLEMS = 100
"""Most problems listed at once; there is no use in reading more."""


@blueprint.url_value_preprocessor
def allow_whole_files(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """A rule file is longer than other forms. This runs before anything looks into the form; the views refuse what is too
    long even for a rule file, and say so."""
    del endpoint, values
    if request.path.startswith("/rules/drafts/"):
        request.max_content_length = request.max_form_memory_size = LARGEST_POST + MOST_SWALLOWED


@blueprint.get("/rules/drafts/<draft_id>/<path:name>")
@page
def rule_file(draft_id: str, name: str) -> Any:
    """One file: its text, and the same as cards. Readable by everybody, changed by admins."""
    with reading() as session:
        draft = the_draft(session, draft_id)
        file = rule_files.find(draft, name)
        return show(session, "rule_editor", **_context(draft, file))


def _context(draft: RuleDraft, file: RuleFile) -> dict[str, Any]:
    problems = find_problems(rule_files.on_screen(draft, file, file.text)).problems
    shown = structure(file, draft.texts, "")
    return {
        "draft": draft, "file": file, "files": rule_files.files_of(draft, file.decision), "structure": shown,
        "may_edit": _may_edit(draft, file), "may_edit_draft": _may_edit_draft(draft), "problems": own(problems, file.name)[:SHOWN_PROBLEMS],
        "elsewhere": elsewhere(problems, file.name), "spec": VOCABULARY.decisions.get(file.decision),
    }  # fmt: skip


def _may_edit(draft: RuleDraft, file: RuleFile) -> bool:
    return _may_edit_draft(draft) and file.editable


def _may_edit_draft(draft: RuleDraft) -> bool:
    return bool(current_user.role == "admin" and draft.state == "open")


@blueprint.post("/rules/drafts/<draft_id>/<path:name>")
@admin_page
def rule_file_save(draft_id: str, name: str) -> Any:
    """Save as a plain form does. When somebody else changed the file meanwhile, both texts are shown and nothing is lost."""
    if (request.content_length or 0) > LARGEST_POST:
        raise Problem("too-large", f"A rule file may have {FILE_CHARACTERS:,} characters at most; this form has more bytes than that. Nothing was saved.")
    text, base = request.form.get("text", "").replace("\r\n", "\n"), request.form.get("base", "")
    try:
        with writing() as session:
            draft = rule_files.save(session, draft_id, name, text, base, current_user.who)
    except drafts.DraftClosed as closed:
        raise Problem("conflict", f"{_sentence(closed)}.") from None
    except drafts.DraftConflict as conflict:
        with reading() as session:
            theirs = rule_files.find(conflict.draft, name)
            answer = show(session, "rule_conflict", draft=conflict.draft, file=theirs, mine=text)
            answer.status_code = 409
            return answer
    flash(f"Saved as revision {draft.revision} of the draft. It decides nothing before it is published.", "good")
    return back_to(url_for("ui.rule_file", draft_id=draft_id, name=name))


@blueprint.post("/rules/drafts/<draft_id>/save.json")
@admin_page
def rule_save(draft_id: str) -> Any:
    """Save without leaving the page. 409 with their text when somebody else changed the file meanwhile."""
    posted = rule_files.posted()
    name, text = rule_files.word(posted, "file"), rule_files.text_in(posted)
    try:
        with writing() as session:
            draft = rule_files.save(session, draft_id, name, text, rule_files.word(posted, "base"), current_user.who)
    except drafts.DraftClosed as closed:
        raise Problem("conflict", f"{_sentence(closed)}.") from None
    except drafts.DraftConflict as conflict:
        theirs = rule_files.find(conflict.draft, name)
        with reading() as session:
            html = render_template("rule_conflict/_notice.html", draft=conflict.draft, file=theirs, mine=text)
        return make_response({"html": html, "text": theirs.text, "base": theirs.fingerprint}, 409)
    return as_json({"revision": draft.revision, "base": rule_files.find(draft, name).fingerprint})


@blueprint.post("/rules/drafts/<draft_id>/check.json")
@page
def rule_check(draft_id: str) -> Any:
    """What is wrong with the whole draft, with this file as it stands on the screen, and its structure."""
    posted = rule_files.posted()
    with reading() as session:
        draft = the_draft(session, draft_id)
        file = rule_files.find(draft, rule_files.word(posted, "file"))
        return as_json(judged(session, draft, file, rule_files.text_in(posted), rule_files.word(posted, "open", "")))


def judged(session: Session, draft: RuleDraft, file: RuleFile, text: str, opened: str) -> dict[str, Any]:
    """Problems and structure of a text, as the page takes them. What was proved of these very texts is marked too."""
    texts = rule_files.on_screen(draft, file, text)
    problems = find_problems(texts).problems
    shown = structure(RuleFile(file.name, file.decision, file.kind, text, file.written), texts, opened)
    mine = own((*problems, *marks(session, draft.id, file.name, text_version(texts))), file.name)
    return {
        "problems": [as_mark(problem) for problem in mine[:SHOWN_PROBLEMS]],
        "list": render_template("rule_editor/_problems.html", problems=mine[:SHOWN_PROBLEMS], total=len(mine), draft=draft,
                                elsewhere=elsewhere(problems, file.name)),
        "structure": render_template("rule_editor/_structure.html", structure=shown, draft=draft, file=file, may_edit=_may_edit(draft, file)),
        "spans": shown.spans,
        "open": shown.opened,
        "broken": shown.broken,
    }  # fmt: skip


def own(problems: Sequence[RuleProblem], name: str) -> list[RuleProblem]:
    """The problems of one file, errors first."""
    return sorted((each for each in problems if each.file in (name, "")), key=lambda each: (each.severity != "error", each.line))


def elsewhere(problems: Sequence[RuleProblem], name: str) -> dict[str, int]:
    """How many errors other files have: file -> count."""
    found: dict[str, int] = {}
    for problem in problems:
        if problem.file not in (name, "") and problem.severity == "error":
            found[problem.file] = found.get(problem.file, 0) + 1
    return found


def as_mark(problem: RuleProblem) -> dict[str, Any]:
    """A problem as the text editor marks it."""
    said = f"{problem.message} {problem.hint}".strip()
    return {"line": problem.line, "column": problem.column, "severity": problem.severity, "message": said}


def _sentence(error: Exception) -> str:
    text = str(error)
    return text[:1].upper() + text[1:]


