"""One decision's trace: the verdict, the rules that fired, those that did not and why, the facts, the outlets, the commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import request

from api.decisions import whole
from api.orders import by_id
from api.problems import Problem
from api.ui import blueprint
from api.ui.frame import as_json, page, reading, show
from api.why import Why, explain_decision
from store import decisions, events, orders, overview

SHOWN = (("", "Fired and near misses"), ("fired", "Fired only"), ("all", "All rules"))


@blueprint.get("/decisions/<decision_id>")
@page
def decision(decision_id: str) -> Any:
    """Why, and why not."""
    rules = request.args.get("rules", "")
    with reading() as session:
        row = decisions.get(session, decision_id)
        if row is None:
            raise Problem("not-found", f"There is no decision {decision_id[:40]}.")
        why, unavailable = explain_decision(row)
        return show(
            session, "decision", row=row, why=[_part(each, row.trace) for each in why], unavailable=unavailable,
            event=events.get(session, row.event_id), order=orders.get(session, row.order_id) if row.order_id else None,
            matrix=row.trace.get("sourcing"), trace=row.trace, facts=_facts(row.facts), settings=_settings(row.facts), rules=rules, shown=SHOWN,
            commands=overview.commands_of_decision(session, decision_id), systems=by_id(session),
        )  # fmt: skip


@blueprint.get("/decisions/<decision_id>.json")
@page
def decision_json(decision_id: str) -> Any:
    """The same as data."""
    with reading() as session:
        return as_json(whole(session, decision_id))


def _part(why: Why, trace: Mapping[str, Any]) -> dict[str, Any]:
    """One rule file for the page: what it came to, its rules, and which demands lost against an earlier rule."""
    step = next((step for step in trace["steps"] if step["decision"] == why.decision), {})
    lost: dict[str, list[str]] = {}
    for entry in step.get("overridden", []):
        lost.setdefault(entry["outcome"]["rule"], []).append(f"{spoken(entry['outcome'])}: rule {entry['by']} came first")
    return {
        "decision": why.decision,
        "description": why.description,
        "outcomes": [{"text": spoken(outcome), **outcome} for outcome in step.get("outcomes", [])],
        "errors": step.get("errors", []),
        "rules": why.rules,
        "lost": lost,
    }


def spoken(outcome: Mapping[str, Any]) -> str:
    """An outcome in words: `exclude outlet amsterdam`, `set shop status shipped`."""
    values = [_plain(value) for value in outcome.get("arguments", {}).values()]
    return " ".join(part for part in (outcome["name"], outcome.get("target", ""), *values) if part)


def _plain(value: Any) -> str:
    """A value of a fact or outcome as people write it; typed values are kept as small objects."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return " ".join(_plain(part) for part in value.values())
    if isinstance(value, list):
        return ", ".join(_plain(part) for part in value)
    return str(value)


def _facts(judged: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every fact once, with the rule files that saw it, as rows of field and value."""
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for part in judged:
        for fact in part["facts"]:
            values = {name: _plain(value) for name, value in sorted(fact["values"].items())}
            key = (fact["type"], fact["id"], repr(values))
            row = found.setdefault(key, {"type": fact["type"], "id": fact["id"], "values": values, "seen_by": []})
            row["seen_by"].append(part["decision"])
    return list(found.values())


def _settings(judged: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """The settings each rule file went by, in words."""
    return {part["decision"]: {name: _plain(value) for name, value in part["settings"].items()} for part in judged}

