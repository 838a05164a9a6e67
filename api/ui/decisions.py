"""One decision's trace: the verdict, why the rules that fired did, why the others did not, the facts, the outlets, the
commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from flask import request, session
from sqlalchemy.orm import Session

from api.decisions import whole
from api.orders import by_id
from api.problems import Problem
from api.ui import blueprint
from api.ui.frame import as_json, page, reading, show
from api.why import Said, Why, explain_decision
from engine import facts_json
from engine.types import Money
from engine.vocabulary import VOCABULARY
from engine.wording import LANGUAGES
from store import decisions, events, orders, overview
from store.flow_models import Decision

FACT_ORDER = {name: place for place, name in enumerate(VOCABULARY.facts)}
SHOWN = (("", "Nearest"), ("all", "All rules"))
NEAREST = 5
"""How many rules that did not fire are shown before somebody asks for the others."""


@dataclass(frozen=True)
class Part:
    """One rule file for the page: what it came to, the rules that fired, the nearest misses, and how many more there are."""

    decision: str
    description: str
    outcomes: Sequence[Mapping[str, Any]]
    errors: Sequence[str]
    fired: Sequence[Said]
    missed: Sequence[Said]
    more: int
    count: int


@blueprint.get("/decisions/<decision_id>")
@page
def decision(decision_id: str) -> Any:
    """Why, and why not."""
    rules, lang = request.args.get("rules", ""), language_asked()
    with reading() as rows:
        row = decision_row(rows, decision_id)
        why, unavailable = explain_decision(row, lang)
        most = None if rules == "all" else NEAREST
        return show(
            rows, "decision", row=row, parts=[_part(each, row.trace, most) for each in why], unavailable=unavailable,
            event=events.get(rows, row.event_id), order=orders.get(rows, row.order_id) if row.order_id else None,
            matrix=row.trace.get("sourcing"), trace=row.trace, facts=_facts(row.facts), settings=_settings(row.facts), rules=rules, shown=SHOWN,
            commands=overview.commands_of_decision(rows, decision_id), systems=by_id(rows), lang=lang, languages=_languages(),
        )  # fmt: skip


@blueprint.get("/decisions/<decision_id>.json")
@page
def decision_json(decision_id: str) -> Any:
    """The same as data."""
    with reading() as rows:
        return as_json(whole(rows, decision_id, language_asked()))


@blueprint.get("/decisions/<decision_id>/others")
@page
def decision_others(decision_id: str) -> Any:
    """The rules of one rule file that did not fire, the nearest misses first, from the first that was not shown yet."""
    lang = language_asked()
    with reading() as rows:
        row = decision_row(rows, decision_id)
        why, unavailable = explain_decision(row, lang, request.args.get("decision", ""))
        if not why:
            raise Problem("not-found", unavailable or "These rules were not asked in this decision.")
        said = list(why[0].said(why[0].missed[NEAREST:]))
        return show(rows, "decision/others", "list", row=row, decision=why[0].decision, said=said, lang=lang)


def decision_row(rows: Session, decision_id: str) -> Decision:
    """A decision of the signed-in person's merchant. Raises Problem `not-found`."""
    row = decisions.get(rows, decision_id)
    if row is None:
        raise Problem("not-found", f"There is no decision {decision_id[:40]}.")
    return row


def language_asked() -> str:
    """The language of reasons: the one asked for, which is remembered, or the one asked for before."""
    asked = request.args.get("lang", "")
    if asked in LANGUAGES:
        session["lang"] = asked
    kept = session.get("lang", "")
    return kept if kept in LANGUAGES else next(iter(LANGUAGES))


def _languages() -> tuple[tuple[str, str], ...]:
    return tuple((code, language.name) for code, language in LANGUAGES.items())


def _part(why: Why, trace: Mapping[str, Any], most: int | None) -> Part:
    step: Mapping[str, Any] = next((step for step in trace["steps"] if step["decision"] == why.decision), {})
    outcomes = [{"text": spoken(why.decision, outcome), **outcome} for outcome in step.get("outcomes", [])]
    missed = why.missed
    return Part(
        why.decision,
        why.description,
        outcomes,
        step.get("errors", []),
        list(why.said(why.fired)),
        list(why.said(list(islice(missed, most)))),
        max(0, len(missed) - most) if most is not None else 0,
        len(why.ranked),
    )


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
        sentence = sentence.replace(f"{{{name}}}", plain(value))
    return f"{sentence} ({outcome['target']})" if outcome.get("target") else sentence


def plain(value: Any) -> str:
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
            key, values = (fact["type"], fact["id"]), {name: plain(value) for name, value in sorted(fact["values"].items())}
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
    return {part["decision"]: {name: plain(value) for name, value in part["settings"].items()} for part in judged}
