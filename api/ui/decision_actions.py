"""What a person can do with a past decision: take it again, ask what would have to change, keep it as an example."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, request
from flask_login import current_user
from sqlalchemy.orm import Session

from api.problems import Problem
from api.ui import blueprint
from api.ui.decisions import decision_row, language_asked
from api.ui.frame import admin_page, back_to, page, reading, show, writing
from api.what_if import rule_of, what_would_change
from api.why import NotExplainable, book_of, judged, replay
from engine.language.example_text import ExampleError, append_example, example_text, without_personal_data
from engine.language.examples import NAME_LENGTH, SUFFIX
from engine.vocabulary import VOCABULARY
from store import books, drafts
from store.book_files import BadFiles
from store.flow_models import Decision
from store.rule_models import RuleDraft


@blueprint.get("/decisions/<decision_id>/replay")
@page
def decision_replay(decision_id: str) -> Any:
    """The decision taken again: whether the result is identical, by hash."""
    with reading() as rows:
        row = decision_row(rows, decision_id)
        try:
            return show(rows, "decision/replay", "result", row=row, result=replay(row))
        except NotExplainable as error:
            raise Problem("conflict", str(error)) from None


@blueprint.get("/decisions/<decision_id>/change")
@page
def decision_change(decision_id: str) -> Any:
    """The smallest set of changes with which a rule would have fired."""
    name, rule_id, lang = _asked("decision"), _asked("rule"), language_asked()
    with reading() as rows:
        try:
            asked = rule_of(decision_row(rows, decision_id), name, rule_id)
        except NotExplainable as error:
            raise Problem("not-found", str(error)) from None
    found = what_would_change(asked, lang)  # takes a second or so: not while a database connection is held
    with reading() as rows:
        row = decision_row(rows, decision_id)
        return show(rows, "decision/change", "result", row=row, decision=name, rule=asked.rule, found=found, lang=lang)


@blueprint.get("/decisions/<decision_id>/example")
@page
def decision_example(decision_id: str) -> Any:
    """The decision as an example: its text to copy or download, and for admins a form that keeps it in a draft."""
    with reading() as rows:
        row = decision_row(rows, decision_id)
        name, title = _asked("decision"), request.args.get("name", "").strip() or row.summary
        personal = _asked("personal") == "1"
        text = _example(row, name, title, personal)
        return show(
            rows, "decision/example", row=row, decision=name, name=title[:NAME_LENGTH], text=text, personal=personal,
            drafts=drafts.list_open(rows), file=_file(name), most=NAME_LENGTH,
        )  # fmt: skip


@blueprint.get("/decisions/<decision_id>/example.yaml")
@page
def decision_example_file(decision_id: str) -> Any:
    """The example as a file."""
    with reading() as rows:
        row = decision_row(rows, decision_id)
        name = _asked("decision")
        text = _example(row, name, request.args.get("name", "").strip() or row.summary, _asked("personal") == "1")
    headers = {"Content-Disposition": f'attachment; filename="{name}{SUFFIX}"'}
    return Response(text, content_type="application/yaml; charset=utf-8", headers=headers)


@blueprint.post("/decisions/<decision_id>/example")
@admin_page
def decision_example_keep(decision_id: str) -> Any:
    """Keep the decision as an example in a draft: the one chosen, or a new one."""
    name, title = request.form.get("decision", ""), request.form.get("name", "").replace("\x00", "").strip()
    with writing() as rows:
        row = decision_row(rows, decision_id)
        text = _example(row, name, title or row.summary, request.form.get("personal") == "1")
        try:
            draft = _keep(rows, request.form.get("draft", ""), name, text)
        except drafts.NoDraft as error:
            raise Problem("not-found", f"{error}.") from None
        except (drafts.DraftClosed, drafts.DraftConflict, BadFiles, ExampleError) as error:
            raise Problem("conflict", f"The example was not kept: {error}") from None
        flash(f"Kept as an example in {_file(name)} of the draft “{draft.name}”.", "good")
        return back_to(f"/rules/drafts/{draft.id}")


def _keep(rows: Session, draft_id: str, name: str, text: str) -> RuleDraft:
    file = _file(name)
    if draft_id:
        draft = drafts.get(rows, draft_id)
        texts = {**draft.texts, file: append_example(draft.texts.get(file, ""), text)}
        return drafts.save(rows, draft.id, texts=texts, revision=draft.revision, by=current_user.who)
    version = books.current_version(rows)
    texts = dict((books.texts(rows, version) if version else None) or {})
    texts[file] = append_example(texts.get(file, ""), text)
    return drafts.create(rows, name="Examples of past decisions", texts=texts, by=current_user.who)


def _example(row: Decision, name: str, title: str, personal: bool) -> str:
    """The text of the example. Without `personal`, who the customer is stays out of it, unless other rules would fire."""
    if name not in VOCABULARY.decisions:
        raise Problem("not-found", f"There is no decision {name[:40]}.")
    try:
        facts, settings = judged(row, name)
        book = book_of(row)
        run = book.run(name, facts, settings)
        if not personal:
            masked = without_personal_data(facts)
            other = book.run(name, masked, settings)
            if [firing.rule for firing in other.firings] == [firing.rule for firing in run.firings]:
                facts, run = list(masked), other
        return example_text(name, title, facts, settings, run)
    except NotExplainable as error:
        raise Problem("not-found", str(error)) from None
    except ExampleError as error:
        raise Problem("conflict", str(error)) from None


def _file(name: str) -> str:
    """Examples kept from decisions are the merchant's own, so they stand beside the merchant's layer."""
    return f"layer/{name}{SUFFIX}"


def _asked(name: str) -> str:
    return request.args.get(name, "")
