"""One click in a base rule that changes the merchant's layer over it: replace it, switch it off, or on again."""

from __future__ import annotations

from typing import Any

from flask import flash, request, url_for
from flask_login import current_user

from api.problems import Problem
from api.ui import blueprint, rule_files
from api.ui.frame import admin_page, back_to, writing
from api.ui.rule_files import the_draft
from api.ui.rule_structure import base_of
from engine.language.edit import EditError, edit
from engine.vocabulary import VOCABULARY
from store import drafts

SAID = {"replace_rule": "is yours to change now", "switch_off": "is switched off", "switch_on": "is switched on again"}


@blueprint.post("/rules/drafts/<draft_id>/layer")
@admin_page
def rule_draft_layer(draft_id: str) -> Any:
    """Replace one base rule in the merchant's own rules, switch it off there, or on again."""
    decision, rule, operation = (request.form.get(name, "") for name in ("decision", "rule", "operation"))
    if decision not in VOCABULARY.decisions or operation not in SAID:
        raise Problem("invalid", "The form does not say which rule is meant.")
    name = rule_files.layer_of(decision)
    try:
        with writing() as session:
            draft = the_draft(session, draft_id)
            file = rule_files.find(draft, name)
            base = base_of(draft.texts, decision)
            more = {"base_text": base.text} if base is not None and operation == "replace_rule" else {}
            text = edit(file.text, {"op": operation, "id": rule, **more})
            rule_files.save(session, draft_id, name, text, file.fingerprint, current_user.who)
    except (EditError, drafts.DraftClosed, drafts.DraftConflict) as late:
        said = str(late).rstrip(".")
        raise Problem("conflict", f"{said[:1].upper()}{said[1:]}.") from None
    flash(f"{rule} {SAID[operation]} in this draft.", "good")
    return back_to(url_for("ui.rule_file", draft_id=draft_id, name=name, _anchor=f"rule-{rule}"))
