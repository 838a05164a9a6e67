"""Decisions: what was known, which rules fired, which did not and why, what was told to whom."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from api import paging, shapes
from api.auth import caller, requires
from api.orders import by_id
from api.problems import Problem
from api.schemas import answers
from api.services import services
from api.what_if import rule_of, what_would_change
from api.why import NotExplainable, explain_decision, replay
from store import decisions, overview

blueprint = Blueprint("decisions", __name__, url_prefix="/v1/decisions", description="Decisions and their traces.")


@blueprint.get("")
@blueprint.arguments(answers.Listing, location="query")
@blueprint.response(200, answers.page_of(answers.DecisionBrief))
@requires("read")
def listing(arguments: dict[str, Any]) -> dict[str, Any]:
    """Decisions, newest first."""
    position = paging.position_of("decisions", arguments["cursor"])
    limit = arguments["limit"]
    with services().database.session(caller().merchant_id, read_only=True) as session:
        rows = decisions.recent(session, before=position, limit=limit + 1)
        items = [shapes.decision_brief(row) for row in rows[:limit]]
    return paging.page(items, paging.cursor_for("decisions", items[-1]["id"] if len(rows) > limit else None))


@blueprint.get("/<decision_id>")
@blueprint.arguments(answers.InLanguage, location="query")
@blueprint.response(200, answers.DecisionAnswer)
@requires("read")
def one(arguments: dict[str, Any], decision_id: str) -> dict[str, Any]:
    """One decision: facts, trace, every rule that fired or did not and why in a sentence, and the commands it made."""
    with services().database.session(caller().merchant_id, read_only=True) as session:
        return whole(session, decision_id, arguments["lang"])


@blueprint.get("/<decision_id>/replay")
@blueprint.response(200, answers.ReplayAnswer)
@requires("read")
def again(decision_id: str) -> dict[str, Any]:
    """Take the decision again from its kept facts and its version of the rules, and compare."""
    with services().database.session(caller().merchant_id, read_only=True) as session:
        found = decisions.get(session, decision_id)
        if found is None:
            raise Problem("not-found", f"There is no decision {decision_id[:40]}.")
        try:
            result = replay(found)
        except NotExplainable as error:
            raise Problem("conflict", str(error)) from None
    return {"same": result.same, "then": result.then, "now": result.now}


@blueprint.get("/<decision_id>/change")
@blueprint.arguments(answers.WhatIfAsked, location="query")
@blueprint.response(200, answers.WhatIfAnswer)
@requires("read")
def change(arguments: dict[str, Any], decision_id: str) -> dict[str, Any]:
    """What would have to be otherwise for a rule to fire: the smallest set of changes that was found, and tried."""
    with services().database.session(caller().merchant_id, read_only=True) as session:
        found = decisions.get(session, decision_id)
        if found is None:
            raise Problem("not-found", f"There is no decision {decision_id[:40]}.")
        try:
            asked = rule_of(found, arguments["decision"], arguments["rule"])
        except NotExplainable as error:
            raise Problem("not-found", str(error)) from None
    return what_would_change(asked, arguments["lang"]).as_json()


def whole(session: Session, decision_id: str, lang: str = "en") -> dict[str, Any]:
    """One decision with all that led to it, as JSON, reasons in the language `lang`. Raises Problem `not-found`."""
    decision = decisions.get(session, decision_id)
    if decision is None:
        raise Problem("not-found", f"There is no decision {decision_id[:40]}.")
    why, unavailable = explain_decision(decision, lang)
    known = by_id(session)
    return {
        **shapes.decision_brief(decision),
        "facts": decision.facts,
        "trace": decision.trace,
        "language": lang,
        "why": [each.as_json() for each in why],
        "why_unavailable": unavailable or None,
        "commands": [shapes.command(row, known, with_attempts=True) for row in overview.commands_of_decision(session, decision_id)],
    }
