"""Simulations: what a draft would have decided in the past. Anybody may look, admins start and stop them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import flash, request, url_for
from flask_login import current_user
from sqlalchemy.orm import Session

from api import paging, simulated
from api import rule_jobs as jobs
from api.problems import FieldError, Problem
from api.schemas.jobs import MOST_DECISIONS
from api.ui import blueprint
from api.ui.frame import admin_page, as_json, back_to, page, reading, show
from engine.language import text_version
from engine.vocabulary import VOCABULARY
from store import books, connections, drafts, rule_jobs, setup
from store.rule_job_models import RuleJob
from store.rule_models import RuleDraft

AT_ONCE = 50
LAST = 10_000
"""How many decisions the form suggests."""
ROLES = {"gained": "decides now", "lost": "decides no more", "changed": "says otherwise"}
"""How a rule made the difference, in words."""


@blueprint.get("/rules/simulations")
@page
def simulations_list() -> Any:
    """Every simulation, newest first."""
    before = paging.position_of("simulations", request.args.get("cursor"))
    with reading() as session:
        rows = rule_jobs.recent(session, "simulate", before=before, limit=AT_ONCE + 1)
        more = len(rows) > AT_ONCE
        return show(
            session, "simulations", rows=rows[:AT_ONCE], names=_draft_names(session, rows), summary=_summary, period=_period,
            cursor=paging.cursor_for("simulations", rows[AT_ONCE - 1].id if more else None), drafts=drafts.list_open(session),
        )  # fmt: skip


@blueprint.get("/rules/simulations/new")
@admin_page
def simulation_new() -> Any:
    """The form that starts one, for a draft."""
    with reading() as session:
        return _form(session, _draft(session, request.args.get("draft", "")))


@blueprint.post("/rules/simulations")
@admin_page
def simulation_start() -> Any:
    """Start one from the form; what is wrong is said in the form."""
    draft_id = request.form.get("draft", "")
    try:
        job = jobs.start_one(current_user.merchant_id, current_user.who, draft_id, "simulate", _given())
    except Problem as problem:
        if problem.kind.slug == "conflict":
            flash("A simulation of this draft is running already. Here it is.", "warn")
            return back_to(url_for("ui.simulation", job_id=problem.more["job"]))
        if problem.kind.slug != "invalid":
            raise
        with reading() as session:
            answer = _form(session, _draft(session, draft_id), problem)
        answer.status_code = 422
        return answer
    return back_to(url_for("ui.simulation", job_id=job.id))


@blueprint.get("/rules/simulations/<job_id>")
@page
def simulation(job_id: str) -> Any:
    """How far it is, and then what came out."""
    with reading() as session:
        job = jobs.found(session, job_id, "simulate")
        if request.args.get("format") == "json":
            return as_json(jobs.shape(job, with_result=True))
        return show(session, "simulation", "result", **_context(session, job), simulated=simulated, groups=_groups(job))


@blueprint.post("/rules/simulations/<job_id>/cancel")
@admin_page
def simulation_cancel(job_id: str) -> Any:
    """Stop one."""
    jobs.cancel_one(current_user.merchant_id, current_user.who, job_id)
    return back_to(url_for("ui.simulation", job_id=job_id))


@blueprint.get("/rules/simulations/<job_id>/changes")
@page
def simulation_changes(job_id: str) -> Any:
    """Every decision that would have been taken differently, or those that one rule made different."""
    rule = request.args.get("rule", "")[:200]
    position = paging.position_of("changes", request.args.get("cursor")) or simulated.BEGINNING
    with reading() as session:
        job = jobs.found(session, job_id, "simulate")
        found = simulated.changes(session, job, position, AT_ONCE, rule)
        cursor = paging.cursor_for("changes", found.following)
        return show(session, "simulation_changes", **_context(session, job), items=found.items, rule=rule, cursor=cursor)


@blueprint.get("/rules/simulations/<job_id>/changes/<int(max=1000000):part>/<decision_id>")
@page
def simulation_change(job_id: str, part: int, decision_id: str) -> Any:
    """One decision side by side: as the rules of then took it, and as the draft would."""
    with reading() as session:
        job = jobs.found(session, job_id, "simulate")
        changed = simulated.change(session, job, decision_id, part)
        if changed is None:
            raise Problem("not-found", "This simulation has no such changed decision.")
        return show(session, "simulation_change", **_context(session, job), changed=changed, at=_moment(changed["at"]))


def _context(session: Session, job: RuleJob) -> dict[str, Any]:
    draft = session.get(RuleDraft, job.draft_id) if job.draft_id else None
    versions = {row.version: row.number for row in books.publications(session, 500)}
    return {
        "job": job, "draft": draft, "period": _period(job), "roles": ROLES, "moment": _moment, "versions": versions,
        "is_stale": draft is not None and draft.state == "open" and _version(draft) != job.texts_version,
    }  # fmt: skip


def _version(draft: RuleDraft) -> str:
    return text_version(draft.texts)


def _groups(job: RuleJob) -> dict[str, list[dict[str, Any]]]:
    """The rules that made a difference, by decision; the decision with most changes first."""
    found: dict[str, list[dict[str, Any]]] = {}
    for group in (job.result or {}).get("groups", ()):
        found.setdefault(group["decision"], []).append(group)
    return found


def _draft(session: Session, draft_id: str) -> RuleDraft:
    try:
        return drafts.get(session, draft_id)
    except drafts.NoDraft as missing:
        raise Problem("not-found", f"{missing}: choose one under Rules.") from None


def _draft_names(session: Session, rows: Any) -> dict[str, str]:
    wanted = {row.draft_id for row in rows if row.draft_id}
    return {draft_id: draft.name for draft_id in wanted if (draft := session.get(RuleDraft, draft_id))}


def _form(session: Session, draft: RuleDraft, problem: Problem | None = None) -> Any:
    shops = [row.name for row in connections.list_all(session) if row.role == "shop"]
    today = datetime.now(setup.of(session).zone).date()
    values = request.form if problem else {"from": (today - timedelta(days=30)).isoformat(), "last": str(LAST)}
    return show(
        session, "simulation_new", draft=draft, shops=shops, decisions=VOCABULARY.decisions, values=values, most=MOST_DECISIONS,
        versions=books.publications(session, 50), errors={error.field: error.message for error in problem.errors} if problem else {},
        problem=problem, today=today,
    )  # fmt: skip


def _given() -> dict[str, Any]:
    """The form's fields as parameters. Days are days of the merchant's time zone; the last one counts as a whole.
    Raises Problem `invalid`."""
    form, errors = request.form, []
    with reading() as session:
        zone = setup.of(session).zone
    given: dict[str, Any] = {"shop": form.get("shop", "")[:40], "before": form.get("before", "")[:64]}
    given["decisions"] = [name[:60] for name in form.getlist("decisions")][:50]
    for name, days in (("from", 0), ("to", 1)):
        try:
            given[name] = _day(form.get(name, ""), zone, days)
        except ValueError:
            errors.append(FieldError(name, "is not a day; write it as 2026-11-24"))
    last = form.get("last", "").strip()
    if last and not (last.isdecimal() and last.isascii() and 1 <= int(last[:9]) <= MOST_DECISIONS):
        errors.append(FieldError("last", f"must be a whole number from 1 to {MOST_DECISIONS:,}"))
    elif last:
        given["last"] = int(last)
    if errors:
        raise Problem("invalid", f"{errors[0].field} {errors[0].message}.", errors=errors)
    return given


def _day(text: str, zone: ZoneInfo, days: int) -> datetime | None:
    if not text.strip():
        return None
    day = date.fromisoformat(text.strip()[:40])
    if not 1970 <= day.year <= 9000:
        raise ValueError(f"{day} is no day of any order")
    return datetime.combine(day + timedelta(days=days), time(), zone).astimezone(UTC) - timedelta(microseconds=days)


def _period(job: RuleJob) -> str:
    """What was selected, in words."""
    wanted, words = job.parameters, []
    if "from" in wanted or "to" in wanted:
        words.append(" ".join(f"{name} {wanted[name][:10]}" for name in ("from", "to") if name in wanted))
    if "last" in wanted:
        words.append(f"at most the last {wanted['last']:,} decisions")
    if "shop" in wanted:
        words.append(f"of {wanted['shop']}")
    if "decisions" in wanted:
        words.append("only " + ", ".join(name.replace("_", " ") for name in wanted["decisions"]))
    return ", ".join(words) or "everything so far"


def _summary(job: RuleJob) -> str:
    return simulated.headline(job.result) if job.state == "done" and job.result else job.error


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
