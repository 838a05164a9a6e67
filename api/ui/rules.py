"""The rule book that decides now, to be read; and its settings, which admins may change."""

from __future__ import annotations

from typing import Any

from flask import flash, request, url_for
from flask_login import current_user

from api.problems import FieldError, Problem
from api.services import services
from api.setting_values import read_setting, setting_text
from api.ui import blueprint
from api.ui.frame import admin_page, back_to, page, reading, reason_given, show, writing
from engine.ast import Book, DecisionRules
from store import audit, books


def _book() -> Book:
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
    """The rule files, in the order in which they decide."""
    book = _book()
    with reading() as session:
        return show(
            session, "rules", book=book, decisions=book.decisions.values(), own=books.all_settings(session),
            publications=books.publications(session, 10),
        )  # fmt: skip


@blueprint.get("/rules/<decision>")
@page
def rules_one(decision: str) -> Any:
    """One rule file as it is written, with the settings that hold for this merchant."""
    book = _book()
    rules = _rules(book, decision)
    with reading() as session:
        own = books.settings(session, decision)
        values = {name: (setting_text(default), own.get(name)) for name, default in rules.settings.items()}
        return show(session, "rule", rules=rules, book=book, values=values)


@blueprint.post("/rules/<decision>/settings")
@admin_page
def rules_setting(decision: str) -> Any:
    """Give one setting a value of the merchant's own; an empty one goes back to the rule file's."""
    rules = _rules(_book(), decision)
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
