"""Help with writing: words that fit where the caret stands, and the text in good form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.problems import Problem
from api.ui import blueprint, rule_files
from api.ui.frame import admin_page, as_json, page, reading
from api.ui.rule_files import the_draft
from api.ui.rule_structure import LONGEST
from engine.aside import format_files
from engine.language.completion import complete
from store.book_files import FILE_CHARACTERS


@blueprint.post("/rules/drafts/<draft_id>/format.json")
@admin_page
def rule_format(draft_id: str) -> Any:
    """The text on the screen in good form, comments kept. Nothing is saved."""
    posted = rule_files.posted()
    with reading() as session:
        draft = the_draft(session, draft_id)
        file, text = rule_files.find(draft, rule_files.word(posted, "file")), rule_files.text_in(posted)
        rule_files.with_file(draft, file.name, text)
    found = format_files({file.name: text})
    if found.texts is None:
        raise Problem("too-large", " ".join(f"{problem.message} {problem.hint}" for problem in found.problems))
    return as_json({"text": found.texts[file.name]})


@blueprint.post("/rules/drafts/<draft_id>/complete.json")
@page
def rule_complete(draft_id: str) -> Any:
    """Words that fit where the caret stands; none in a text so long that finding them would take longer than typing them."""
    posted = rule_files.posted()
    with reading() as session:
        draft = the_draft(session, draft_id)
        file = rule_files.find(draft, rule_files.word(posted, "file"))
        text = rule_files.text_in(posted)
    line, column, texts = _place(posted, "line"), _place(posted, "column"), rule_files.with_file(draft, file.name, text)
    return as_json({"items": complete(text, line, column, texts) if len(text) <= LONGEST else []})


def _place(posted: Mapping[str, Any], name: str) -> int:
    value = posted.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= FILE_CHARACTERS:
        raise Problem("invalid", f"{name} must be a whole number from 1.")
    return value
