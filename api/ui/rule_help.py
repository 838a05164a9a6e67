"""Help with writing: words that fit where the caret stands, and the text in good form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.language.completion import complete
from engine.language.layout import format_text

from api.problems import Problem
from api.ui import blueprint, rule_files
from api.ui.frame import admin_page, as_json, page, reading
from api.ui.rule_files import the_draft


@blueprint.post("/rules/drafts/<draft_id>/format.json")
@admin_page
def rule_format(draft_id: str) -> Any:
    """The text on the screen in good form, comments kept. Nothing is saved."""
    posted = rule_files.posted()
    with reading() as session:
        draft = the_draft(session, draft_id)
        rule_files.find(draft, rule_files.word(posted, "file"))
    return as_json({"text": format_text(rule_files.text_in(posted))})


@blueprint.post("/rules/drafts/<draft_id>/complete.json")
@page
def rule_complete(draft_id: str) -> Any:
    """Words that fit where the caret stands."""
    posted = rule_files.posted()
    with reading() as session:
        draft = the_draft(session, draft_id)
        file = rule_files.find(draft, rule_files.word(posted, "file"))
        text = rule_files.text_in(posted)
    return as_json({"items": complete(text, _place(posted, "line"), _place(posted, "column"), rule_files.with_file(draft, file.name, text))})


def _place(posted: Mapping[str, Any], name: str) -> int:
    value = posted.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= rule_files.FILE_CHARACTERS:
        raise Problem("invalid", f"{name} must be a whole number from 1.")
    return value
