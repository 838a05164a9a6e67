"""What people do in the structured view, as edits of the text: choices become sentences here, `engine.language.edit` writes
them into the text and leaves everything else as it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.problems import Problem
from api.ui import blueprint, rule_files, rule_sentences
from api.ui.frame import admin_page, as_json, reading
from api.ui.rule_editor import judged
from api.ui.rule_files import RuleFile, the_draft
from api.ui.rule_sentences import Words, as_text
from api.ui.rule_structure import LONGEST, base_of, words_of
from engine.language.edit import EditError, edit
from engine.language.formatter import scalar
from engine.language.outline import outline

DIRECT = ("remove_rule", "remove_condition", "move_condition", "remove_demand", "remove_row", "move_row", "remove_column", "switch_off", "switch_on", "replace_rule")
"""Operations that the page names as `engine.language.edit` knows them."""
BESIDE = ("switch_off", "replace_rule")


@blueprint.post("/rules/drafts/<draft_id>/edit.json")
@admin_page
def rule_edit(draft_id: str) -> Any:
    """The text after one change in the structured view, and what is to be said of it. Nothing is saved."""
    posted = rule_files.posted()
    operation, chosen = posted.get("operation"), posted.get("chosen") or {}
    if not isinstance(operation, dict) or not isinstance(chosen, dict):
        raise Problem("invalid", "The editor's message makes no sense.")
    opened = rule_files.word(posted, "open", "")
    with reading() as session:
        draft = the_draft(session, draft_id)
        file = rule_files.find(draft, rule_files.word(posted, "file"))
        text = rule_files.text_in(posted)
        if len(text) > LONGEST:
            raise Problem("too-large", f"This file has more than {LONGEST:,} characters: change it in its text, not by cards.")
        texts = rule_files.with_file(draft, file.name, text)
        try:
            wanted = translated(RuleFile(file.name, file.decision, file.kind, text, file.written), texts, operation, chosen)
            new = edit(text, wanted)
        except EditError as error:
            raise Problem("invalid", str(error)) from None
        if wanted["op"] in ("add_rule", "replace_rule"):
            opened = wanted["id"]
        return as_json({"text": new, **judged(session, draft, file, new, opened)})


def translated(file: RuleFile, texts: Mapping[str, str], operation: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """The operation as `engine.language.edit` takes it. Raises Problem for one that nobody can choose."""
    op = as_text(operation, "op")
    if op in DIRECT:
        return _direct(file, texts, {**operation, **({"id": as_text(chosen, "id")} if op in BESIDE and "id" not in operation else {})})
    words = words_of(file, texts)
    if words is None:
        raise Problem("invalid", "Name the decision in the text first.")
    make = _CHOICES.get(op)
    if make is None:
        raise Problem("invalid", f"There is no operation {op[:40]}.")
    return {**{key: value for key, value in operation.items() if key != "op"}, **make(file, words, operation, chosen)}


def _direct(file: RuleFile, texts: Mapping[str, str], operation: Mapping[str, Any]) -> dict[str, Any]:
    if operation["op"] == "move_row":
        return {**operation, "to": max(0, _whole(operation, "row") + _whole(operation, "by"))}
    if operation["op"] != "replace_rule":
        return dict(operation)
    base = base_of(texts, file.decision)
    if base is None:
        raise Problem("invalid", "There is no base book to replace a rule of.")
    return {**operation, "base_text": base.text}


def _whole(operation: Mapping[str, Any], name: str) -> int:
    value = operation.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Problem("invalid", f"The change needs `{name}`, a whole number.")
    return value


def _condition(file: RuleFile, words: Words, operation: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    del file, operation
    text = as_text(chosen, "text") if "text" in chosen else rule_sentences.condition(words, _texts(chosen))
    return {"op": "set_condition", "text": text}


def _new_condition(file: RuleFile, words: Words, operation: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    del chosen
    return {"op": "add_condition", "text": words.first_condition(_conditions(file, operation))}


def _new_group(file: RuleFile, words: Words, operation: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    del chosen
    return {"op": "add_condition", "kind": "any", "text": words.first_condition(_conditions(file, operation))}


def _conditions(file: RuleFile, operation: Mapping[str, Any]) -> list[str]:
    """The conditions a rule has."""
    found = outline(file.text)
    rule = next((each for each in (*found["rules"], *found["invariants"]) if each["id"] == operation.get("rule")), None)
    texts, nodes = [], list(rule["when"]) if rule else []
    while nodes:
        node = nodes.pop()
        nodes += node.get("children", ())
        texts.append(node.get("text", ""))
    return texts


def _group(file: RuleFile, words: Words, operation: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    del file, words, operation
    return {"op": "set_group", "kind": as_text(chosen, "kind")}


def _demand(file: RuleFile, words: Words, operation: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    del file, operation
    if "text" in chosen:
        return {"op": "set_demand", "text": as_text(chosen, "text")}
    outcome = words.spec.by_name.get(as_text(chosen, "outcome"))
    if outcome is None:
        raise Problem("invalid", "There is no such outcome.")
    slots = {name.removeprefix("slot:"): value for name, value in _texts(chosen).items() if name.startswith("slot:")}
    if as_text(chosen, "changed") == "outcome":
        slots = {}
    return {"op": "set_demand", "text": rule_sentences.demand(outcome, slots, as_text(chosen, "reason"))}


def _new_demand(file: RuleFile, words: Words, operation: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    del file, operation, chosen
    return {"op": "add_demand", "text": words.first_demand()}


def _new_rule(file: RuleFile, words: Words, operation: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    del file, operation
    return {"op": "add_rule", "section": "rules", "id": as_text(chosen, "id").strip(), "when": [words.first_condition()], "then": [words.first_demand()]}


def _new_invariant(file: RuleFile, words: Words, operation: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    return {**_new_rule(file, words, operation, chosen), "section": "invariants"}


def _new_table(file: RuleFile, words: Words, operation: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """A table of one column and one outcome, to grow from."""
    del file, operation
    field, _, value = words.first_condition().partition(" is ")
    rule = as_text(chosen, "id").strip()
    outcome = words.spec.outcomes[0]
    cell = "yes" if not outcome.slots else rule_sentences.Kind(outcome.slots[0].type, outcome.slots[0].values).first
    lines = [f"- id: {scalar(rule)}", "  table:", "    hit: first", f"    when: [{field}]", f"    then: [{outcome.name}]", "    rows:", f"      - [{value}, {cell}]"]
    return {"op": "add_rule", "section": "rules", "id": rule, "text": "\n".join(lines)}


def _new_row(file: RuleFile, words: Words, operation: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """A row like the last one: there is mostly little to change in it."""
    del words, chosen
    rules: Sequence[Mapping[str, Any]] = outline(file.text)["rules"]
    table = next((rule["table"] for rule in rules if rule["id"] == operation.get("rule")), None)
    if not table:
        raise Problem("invalid", "There is no such table.")
    cells = table["rows"][-1]["cells"] if table["rows"] else ["any"] * len(table["when"]) + ["yes"] * len(table["then"])
    return {"op": "add_row", "cells": list(cells), "at": len(table["rows"])}


def _new_column(file: RuleFile, words: Words, operation: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """A column that asks nothing yet, or an outcome that no row demands yet."""
    del file, words, operation
    part, _, heading = as_text(chosen, "heading").partition(":")
    return {"op": "add_column", "part": part, "heading": heading, "text": "any" if part == "when" else "~"}


def _typed(op: str) -> Any:
    def make(file: RuleFile, words: Words, operation: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
        del file, words, operation
        return {"op": op, "text": as_text(chosen, "text")}

    return make


def _hit(file: RuleFile, words: Words, operation: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    del file, words, operation
    return {"op": "set_hit", "hit": as_text(chosen, "hit")}


def _setting(file: RuleFile, words: Words, operation: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """An empty field goes back to the default of the base."""
    del file, words, operation
    text = as_text(chosen, "text").strip()
    return {"op": "set_setting", **({"value": text} if text else {})}


_CHOICES: Mapping[str, Any] = {
    "choose_condition": _condition, "choose_new_condition": _new_condition, "choose_new_group": _new_group, "choose_group": _group,
    "choose_demand": _demand, "choose_new_demand": _new_demand, "choose_new_rule": _new_rule, "choose_new_table": _new_table, "choose_new_invariant": _new_invariant, "choose_new_row": _new_row, "choose_new_column": _new_column,
    "choose_cell": _typed("set_cell"), "choose_description": _typed("set_description"), "choose_priority": _typed("set_priority"),
    "choose_hit": _hit, "choose_setting": _setting,
}  # fmt: skip


def _texts(chosen: Mapping[str, Any]) -> dict[str, str]:
    return {name: value for name, value in chosen.items() if isinstance(value, str)}
