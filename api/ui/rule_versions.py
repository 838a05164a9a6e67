"""The versions of the rules: what was published when, by whom and why, what differs between two, and going back to one."""

from __future__ import annotations

from typing import Any

from flask import flash, request, url_for
from flask_login import current_user

from api import paging, publishing
from api.problems import Problem
from api.rule_shapes import SHORT, as_problems
from api.rulebooks import version_of
from api.services import services
from api.ui import blueprint
from api.ui.frame import admin_page, back_to, page, reading, reason_given, show, writing
from engine.language.diff import BookDiff, Change, diff_texts
from store import books, drafts
from store.rule_models import Publication

PER_PAGE = 20
MARKS = {
    "added": ("+", "good"), "removed": ("−", "bad"), "changed": ("≠", "busy"), "moved": ("⇅", "idle"), "reworded": ("✎", "idle"),
    "switched off": ("○", "warn"), "switched on": ("●", "good"), "replaced": ("≠", "busy"), "restored": ("↩", "idle"),
}  # fmt: skip
"""How a kind of change looks: a symbol and a tone; the word stands beside them."""


@blueprint.get("/rules/versions")
@page
def rule_versions() -> Any:
    """What was published, newest first; the first one decides."""
    before = paging.position_of("versions-page", request.args.get("cursor"))
    with reading() as session:
        rows = books.publications(session, PER_PAGE + 1, before)
        cursor = paging.cursor_for("versions-page", rows[PER_PAGE - 1].number) if len(rows) > PER_PAGE else None
        newest = books.newest(session)
        return show(
            session, "versions", rows=rows[:PER_PAGE], newest=newest, cursor=cursor, short=SHORT,
            latest=books.publications(session, 100), open_drafts=drafts.list_open(session),
        )  # fmt: skip


@blueprint.get("/rules/versions/compare")
@page
def rule_versions_compare() -> Any:
    """From the form that asks for two versions to the page that compares them."""
    first, second = (request.args.get(name, "").strip()[:64] for name in ("from", "to"))
    if not first or not second:
        raise Problem("bad-request", "Say which two versions to compare.")
    return back_to(url_for("ui.rule_version_diff", version=first, other=second))


@blueprint.get("/rules/versions/<version>")
@page
def rule_version(version: str) -> Any:
    """One version: why it was published, what was known of it, and its files to the letter."""
    with reading() as session:
        row, texts = version_of(session, version)
        newest = books.newest(session)
        assert newest is not None
        return show(
            session, "version", row=row, texts=dict(sorted(texts.items())), newest=newest, short=SHORT,
            decides=newest.id == row.id, same_text=newest.version == row.version,
            same_meaning=newest.meaning == row.meaning if newest.meaning and row.meaning else None,
        )  # fmt: skip


@blueprint.get("/rules/versions/<version>/diff/<other>")
@page
def rule_version_diff(version: str, other: str) -> Any:
    """What `other` has differently from `version`, rule by rule."""
    with reading() as session:
        (old, before), (new, after) = version_of(session, version), version_of(session, other)
        return show(session, "version_diff", old=old, new=new, diff=diff_texts(before, after), marks=MARKS, short=SHORT)


@blueprint.post("/rules/versions/<version>/rollback")
@admin_page
def rule_rollback(version: str) -> Any:
    """Publish an earlier version again."""
    with as_problems():
        made = publishing.roll_back(
            services().database, current_user.merchant_id, version, who=current_user.who, reason=reason_given()
        )
    flash(f"Version {made.number} decides from the next event on: the rules of version {_origin(made)} again.", "good")
    return back_to(url_for("ui.rule_versions"))


@blueprint.post("/rules/versions/<version>/draft")
@admin_page
def rule_version_draft(version: str) -> Any:
    """Begin a draft with the texts of a version."""
    with writing() as session, as_problems():
        row, texts = version_of(session, version)
        draft = drafts.create(
            session, name=f"From version {row.number}", texts=texts, by=current_user.who, origin=f"From version {row.number}"
        )
    return back_to(url_for("ui.rule_draft", draft_id=draft.id))


def _origin(made: Publication) -> Any:
    return (made.evidence or {}).get("from", {}).get("version", made.number)


@blueprint.app_template_filter("change_mark")
def change_mark(change: Change) -> tuple[str, str]:
    """Symbol and tone of a change."""
    return MARKS[change.kind]


@blueprint.app_template_filter("unexplained")
def unexplained(diff: BookDiff) -> list[Any]:
    """The files whose difference no rule explains: comments, layout, or text that cannot be loaded."""
    return [file for file in diff.files if not file.explained]
