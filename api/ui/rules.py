"""The rule book that decides now, to be read and searched; and its settings, which admins may change."""

from __future__ import annotations

from typing import Any

from flask import flash, request, url_for
from flask_login import current_user

from api.problems import FieldError, Problem
from api.services import services
from api.setting_values import read_setting, setting_text
from api.ui import blueprint, rule_files, rule_list
from api.ui.frame import admin_page, back_to, page, reading, reason_given, show, writing
from engine.ast import Book, DecisionRules
from store import audit, books, drafts, rule_jobs


def published() -> Book:
    """The rules that decide for this person's merchant. Raises Problem `not-found` before the first publication."""
    try:
        return services().books.current(current_user.merchant_id)[1].book
    except LookupError as missing:
        raise Problem("not-found", str(missing)) from None


def _rules(book: Book, decision: str) -> DecisionRules:
    rules = book.decisions.get(decision)
    if rules is None:
        raise Problem("not-found", f"There is no rule file {decision[:40]}.")
    return rules


@blueprint.get("/rules")
@page
def rules_list() -> Any:
    """Every decision with its rules in the order in which they speak; `q` finds rules by any of their words."""
    book = published()
    searched = request.args.get("q", "").strip()[:200]
    decisions = rule_list.decisions_of(book)
    found = {row.name: [rule for rule in row.rows if rule.holds(searched)] for row in decisions} if searched else {}
    with reading() as session:
        return show(
            session, "rules", book=book, decisions=decisions, text=searched, found=found, own=books.all_settings(session),
            now=books.newest(session), open_drafts=drafts.list_open(session), report=rule_list.examples_report(book.version, book.texts),
            proof=rule_jobs.proof_of(session, book.version), publications=books.publications(session, 3),
        )  # fmt: skip


@blueprint.get("/rules/<decision>")
@page
def rules_one(decision: str) -> Any:
    """One decision: its rules in words, the settings that hold for this merchant, and the files as they are written."""
    book = published()
    rules = _rules(book, decision)
    with reading() as session:
        own = books.settings(session, decision)
        values = {name: (setting_text(default), own.get(name)) for name, default in rules.settings.items()}
        files = {name: text for name, text in sorted(book.texts.items()) if rule_files.decision_of(name) == decision}
        return show(
            session, "rule", rules=rules, row=rule_list.decision_row(book, decision), book=book, values=values, files=files,
            open_drafts=drafts.list_open(session),
        )  # fmt: skip


@blueprint.post("/rules/<decision>/settings")
@admin_page
def rules_setting(decision: str) -> Any:
    """Give one setting a value of the merchant's own; an empty one goes back to the rule file's."""
    rules = _rules(published(), decision)
    name, text = request.form.get("name", ""), request.form.get("value", "").replace("\x00", "").strip()[:1000]
    if name not in rules.settings:
        raise Problem("invalid", f"{decision} has no setting {name[:40]}.", errors=[FieldError("name", "is not a setting")])
    try:
        value = read_setting(text, rules.settings[name]) if text else None
    except ValueError as wrong:
        raise Problem("invalid", f"{name} {wrong}.", errors=[FieldError(name, str(wrong))]) from None
    with writing() as session:
        books.set_setting(session, decision, name, value)
        change = f"{name} = {text}" if text else f"{name} as in the rule file"
        audit.record(
            session, who=current_user.who, action="change setting", about=f"{decision}.{name}",
            reason=f"{change}. {reason_given()}".strip(),
        )  # fmt: skip
    flash(f"{decision}: {change}. It counts from the next event on.", "good")
    return back_to(url_for("ui.rules_one", decision=decision))
