"""Drafts of the rule book: begun, looked over, published or put aside. What is written in one stands in `rule_editor`."""

from __future__ import annotations

from typing import Any

from flask import flash, request, url_for
from flask_login import current_user

from api import publishing
from api.problems import Problem
from api.services import services
from api.ui import blueprint, rule_files, words
from api.ui.frame import admin_page, back_to, page, reading, reason_given, show, writing
from api.ui.rule_draft_state import state_of
from api.ui.rule_files import the_draft
from engine.language.diff import diff_texts
from engine.vocabulary import VOCABULARY
from store import books, drafts


@blueprint.get("/rules/drafts")
@page
def rule_drafts() -> Any:
    """The drafts being worked on."""
    with reading() as session:
        return show(session, "rule_drafts", drafts=drafts.list_open(session), now=books.newest(session))


@blueprint.post("/rules/drafts")
@admin_page
def rule_draft_new() -> Any:
    """Begin a draft of what decides now; with `decision` go straight to the merchant's own rules for it."""
    decision = request.form.get("decision", "")
    about = words.sentence(decision) if decision in VOCABULARY.decisions else "Changes"
    with writing() as session:
        version = books.current_version(session)
        texts = (books.texts(session, version) if version else None) or {}
        name = request.form.get("name", "").strip() or f"{about}, by {current_user.name}"
        draft = drafts.create(session, name=name, texts=texts, by=current_user.who, origin="Of what decides now.")
    if decision in VOCABULARY.decisions:
        return back_to(url_for("ui.rule_file", draft_id=draft.id, name=rule_files.layer_of(decision)))
    return back_to(url_for("ui.rule_draft", draft_id=draft.id))


@blueprint.get("/rules/drafts/<draft_id>")
@page
def rule_draft(draft_id: str) -> Any:
    """One draft: its files, how each of them stands, what is still in the way of publishing."""
    return _draft_page(draft_id)


def _draft_page(draft_id: str, refused: tuple[str, ...] = (), comment: str = "", status: int = 200) -> Any:
    with reading() as session:
        draft = the_draft(session, draft_id)
        answer = show(session, "rule_draft", draft=draft, state=state_of(session, draft), refused=refused, comment=comment)
        answer.status_code = status
        return answer


@blueprint.get("/rules/drafts/<draft_id>/diff")
@page
def rule_draft_diff(draft_id: str) -> Any:
    """What the draft has differently from what decides now, rule by rule."""
    with reading() as session:
        draft, now = the_draft(session, draft_id), books.newest(session)
        published = (books.texts(session, now.version) if now else None) or {}
        return show(session, "rule_draft_diff", draft=draft, now=now, diff=diff_texts(published, draft.texts))


@blueprint.post("/rules/drafts/<draft_id>/publish")
@admin_page
def rule_draft_publish(draft_id: str) -> Any:
    """Let the draft decide from now on, if nothing stands in the way; otherwise say everything that does."""
    comment = request.form.get("comment", "")
    try:
        publication = publishing.publish_draft(
            services().database, current_user.merchant_id, draft_id, revision=_revision(), who=current_user.who, comment=comment
        )
    except drafts.NoDraft:
        raise Problem("not-found", f"There is no draft {draft_id[:40]}.") from None
    except publishing.Refused as refused:
        return _draft_page(draft_id, tuple(str(reason) for reason in refused.reasons), comment, 422)
    except (drafts.DraftClosed, drafts.DraftConflict, publishing.Superseded) as late:
        return _draft_page(draft_id, (_sentence(late),), comment, 409)
    flash(f"Version {publication.number} decides from the next event on.", "good")
    return back_to(url_for("ui.rules_list"))


@blueprint.post("/rules/drafts/<draft_id>/discard")
@admin_page
def rule_draft_discard(draft_id: str) -> Any:
    """Put a draft aside; it stays readable."""
    try:
        with writing() as session:
            the_draft(session, draft_id)
            draft = drafts.discard(session, draft_id, revision=_revision(), by=current_user.who, reason=reason_given())
    except (drafts.DraftClosed, drafts.DraftConflict) as late:
        return _draft_page(draft_id, (_sentence(late),), "", 409)
    flash(f"The draft “{draft.name}” was put aside. Nothing of it decides anything.", "good")
    return back_to(url_for("ui.rule_drafts"))


@blueprint.post("/rules/drafts/<draft_id>/rebase")
@admin_page
def rule_draft_rebase(draft_id: str) -> Any:
    """Bring a draft up to date with what was published meanwhile; files that both changed are asked about."""
    choices = {name.removeprefix("choice:"): choice for name, choice in request.form.items() if name.startswith("choice:")}
    try:
        with writing() as session:
            the_draft(session, draft_id)
            rebased = drafts.rebase(session, draft_id, revision=_revision(), by=current_user.who, choices=choices)
    except drafts.RebaseConflict as conflict:
        with reading() as session:
            answer = show(session, "rule_rebase", draft=the_draft(session, draft_id), conflict=conflict)
            answer.status_code = 409
            return answer
    except (drafts.DraftClosed, drafts.DraftConflict, drafts.AlreadyUpToDate) as late:
        return _draft_page(draft_id, (_sentence(late),), "", 409)
    taken = ", ".join(rebased.taken) or "nothing"
    flash(f"The draft stands on version {rebased.publication.number} now. Taken from it: {taken}.", "good")
    return back_to(url_for("ui.rule_draft", draft_id=draft_id))


def _revision() -> int:
    text = request.form.get("revision", "")
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise Problem("bad-request", "The form does not say which revision of the draft it is about. Reload the page and try again.")
    return int(text)


def _sentence(error: Exception) -> str:
    text = str(error)
    return text[:1].upper() + text[1:]
