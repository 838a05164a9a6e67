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
from engine import facts_json
from engine.types import Money
from engine.vocabulary import VOCABULARY
from store import decisions, events, orders, overview

FACT_ORDER = {name: place for place, name in enumerate(VOCABULARY.facts)}
SHOWN = (("", "Folded"), ("fired", "Fired only"), ("all", "Unfolded"))


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
    step: Mapping[str, Any] = next((step for step in trace["steps"] if step["decision"] == why.decision), {})
    lost: dict[str, list[str]] = {}
    for entry in step.get("overridden", []):
        lost.setdefault(entry["outcome"]["rule"], []).append(f"{spoken(why.decision, entry['outcome'])}: rule {entry['by']} came first")
    return {
        "decision": why.decision,
        "description": why.description,
        "outcomes": [{"text": spoken(why.decision, outcome), **outcome} for outcome in step.get("outcomes", [])],
        "errors": step.get("errors", []),
        "rules": sorted(why.rules, key=lambda rule: not rule.fired_for),
        "fired": sum(1 for rule in why.rules if rule.fired_for),
        "lost": lost,
    }


@blueprint.app_template_filter("things")
def things(bound: Mapping[str, str]) -> str:
    """Which of several facts a rule was about; of the order and the event there is only one, so they go without saying."""
    several = [id_ for type_, id_ in bound.items() if type_ not in VOCABULARY.facts or VOCABULARY.facts[type_].repeated]
    return " + ".join(several)


def spoken(decision: str, outcome: Mapping[str, Any]) -> str:
    """An outcome as an admin would write it: `keep 2 pieces back (amsterdam)`, `set shop status shipped`."""
    spec = VOCABULARY.decisions[decision].by_name.get(outcome["name"]) if decision in VOCABULARY.decisions else None
    sentence = spec.form if spec else outcome["name"]
    for name, value in outcome.get("arguments", {}).items():
        sentence = sentence.replace(f"{{{name}}}", _plain(value))
    return f"{sentence} ({outcome['target']})" if outcome.get("target") else sentence


def _plain(value: Any) -> str:
    """A kept value of a fact, outcome or setting as people write it."""
    typed = facts_json.decode_value(value)
    if isinstance(typed, bool):
        return "yes" if typed else "no"
    if isinstance(typed, tuple) and not isinstance(typed, Money):
        return ", ".join(typed)
    return str(typed)


def _facts(judged: list[dict[str, Any]]) -> dict[str, tuple[list[str], list[dict[str, Any]]]]:
    """Every fact with the rule files that saw it, by type: the fields there are, and the facts. A fact that changed on
    the way stands there again, with only `values` that changed."""
    found: list[dict[str, Any]] = []
    newest: dict[tuple[str, str], dict[str, Any]] = {}
    for part in judged:
        for fact in part["facts"]:
            key, values = (fact["type"], fact["id"]), {name: _plain(value) for name, value in sorted(fact["values"].items())}
            before = newest.get(key)
            if before is not None and before["whole"] == values:
                before["seen_by"].append(part["decision"])
                continue
            changed = values if before is None else _changes(before["whole"], values)
            row = {
                "type": fact["type"], "id": fact["id"], "whole": values, "values": changed, "later": before is not None,
                "seen_by": [part["decision"]],
            }  # fmt: skip
            newest[key] = row
            found.append(row)
    by_type: dict[str, tuple[list[str], list[dict[str, Any]]]] = {}
    for row in sorted(found, key=lambda row: (FACT_ORDER.get(row["type"], len(FACT_ORDER)), row["id"])):
        columns, rows = by_type.setdefault(row["type"], ([], []))
        columns.extend(name for name in row["whole"] if name not in columns)
        rows.append(row)
    return by_type


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    gone = {name: "(missing)" for name in before if name not in after}
    return {name: value for name, value in after.items() if before.get(name) != value} | gone


def _settings(judged: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """The settings each rule file went by, in words."""
    return {part["decision"]: {name: _plain(value) for name, value in part["settings"].items()} for part in judged}

