"""Proofs and simulations of drafts: started here, carried out by workers, read while they run and afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask_smorest import Blueprint
from sqlalchemy.orm import Session

from api import paging, simulated
from api.auth import caller, requires
from api.problems import FieldError, Problem
from api.schemas import answers, jobs
from api.services import services
from engine.language import load_book
from engine.types import RuleBookError
from engine.vocabulary import VOCABULARY
from store import books, connections, drafts, rule_jobs
from store.rule_job_models import RuleJob

blueprint = Blueprint("rule-jobs", __name__, url_prefix="/v1/rule-jobs", description="Proofs and simulations of drafts.")

@blueprint.get("")
@blueprint.arguments(jobs.JobListing, location="query")
@blueprint.response(200, answers.page_of(jobs.JobAnswer))
@requires("read")
def listing(arguments: dict[str, Any]) -> dict[str, Any]:
    """The newest jobs of one kind, without their results."""
    before = paging.position_of("rule-jobs", arguments["cursor"])
    with services().database.session(caller().merchant_id, read_only=True) as session:
        rows = rule_jobs.recent(session, arguments["kind"], before=before, limit=arguments["limit"] + 1)
        shown = [shape(row) for row in rows[: arguments["limit"]]]
    more = len(rows) > arguments["limit"]
    return paging.page(shown, paging.cursor_for("rule-jobs", shown[-1]["id"] if more else None))


@blueprint.post("")
@blueprint.arguments(jobs.NewJob)
@blueprint.response(202, jobs.JobAnswer)
@requires("administer")
def start(arguments: dict[str, Any]) -> Any:
    """Start a proof or a simulation of a draft as it stands now. Changes to the draft made later do not count."""
    job = start_one(caller().merchant_id, caller().who, arguments["draft"], arguments["kind"], arguments["parameters"])
    return shape(job), 202, {"Location": f"/v1/rule-jobs/{job.id}"}


@blueprint.get("/<job_id>")
@blueprint.response(200, jobs.JobAnswer)
@requires("read")
def one(job_id: str) -> dict[str, Any]:
    """How far a job is, and its result once it is done."""
    with services().database.session(caller().merchant_id, read_only=True) as session:
        return shape(found(session, job_id), with_result=True)


@blueprint.get("/<job_id>/changes")
@blueprint.arguments(jobs.ChangeListing, location="query")
@blueprint.response(200, answers.page_of(jobs.ChangeAnswer))
@requires("read")
def changes(arguments: dict[str, Any], job_id: str) -> dict[str, Any]:
    """Every past decision that a simulation would have decided differently, oldest first, side by side."""
    position = paging.position_of("changes", arguments["cursor"]) or simulated.BEGINNING
    with services().database.session(caller().merchant_id, read_only=True) as session:
        page = simulated.changes(session, found(session, job_id), position, arguments["limit"], arguments["rule"])
    return paging.page(page.items, paging.cursor_for("changes", page.following))


@blueprint.delete("/<job_id>")
@blueprint.response(200, jobs.JobAnswer)
@requires("administer")
def cancel(job_id: str) -> dict[str, Any]:
    """Stop a job. One that is finished stays as it is."""
    return shape(cancel_one(caller().merchant_id, caller().who, job_id))


def start_one(merchant_id: str, who: str, draft_id: str, kind: str, parameters: Mapping[str, Any]) -> RuleJob:
    """Start a job about a draft and wake its worker. Raises Problem `not-found`, `invalid` (parameters, or a draft with
    errors) or `conflict` (the same is running already)."""
    with services().database.session(merchant_id, read_only=True) as session:
        try:
            texts = dict(drafts.get(session, draft_id).texts)
        except drafts.NoDraft as missing:
            raise Problem("not-found", str(missing)) from None
        wanted = checked(session, kind, parameters)
    version = version_of(texts)
    with services().database.session(merchant_id) as session:
        try:
            job = rule_jobs.start(
                session, kind=kind, draft_id=draft_id, texts=texts, texts_version=version, parameters=wanted, by=who
            )
        except rule_jobs.AlreadyRunning as running:
            raise Problem("conflict", str(running), more={"job": running.job.id}) from None
    services().bell.ring_rule_job(merchant_id, job.id)
    return job


def cancel_one(merchant_id: str, who: str, job_id: str) -> RuleJob:
    """Stop a job. Raises Problem `not-found`."""
    with services().database.session(merchant_id) as session:
        found(session, job_id)
        return rule_jobs.cancel(session, job_id, by=who)


def found(session: Session, job_id: str, kind: str = "") -> RuleJob:
    """One job, of a kind if one is given. Raises Problem `not-found`."""
    try:
        job = rule_jobs.get(session, job_id)
    except rule_jobs.NoRuleJob as missing:
        raise Problem("not-found", str(missing)) from None
    if kind and job.kind != kind:
        raise Problem("not-found", f"There is no such {kind} job.")
    return job


def version_of(texts: Mapping[str, str]) -> str:
    """The version that texts make. Raises Problem `invalid` for texts with errors: nothing can be said of those."""
    try:
        return load_book(texts).version
    except RuleBookError as broken:
        errors = [FieldError("draft", str(problem)) for problem in broken.problems[:20]]
        raise Problem("invalid", f"The draft has errors; correct them first: {broken.problems[0]}", errors=errors) from None


def checked(session: Session, kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as they are kept. Raises Problem `invalid` with everything that is wrong."""
    wanted = {name: value for name, value in given.items() if value not in (None, "", [])}
    errors = []
    allowed = jobs.PARAMETERS[kind]
    errors += [FieldError(name, f"does not belong to this; {kind} takes {', '.join(allowed)}") for name in wanted if name not in allowed]
    shops = {row.name for row in connections.list_all(session) if row.role == "shop"}
    if "shop" in wanted and wanted["shop"] not in shops:
        errors.append(FieldError("shop", f"is not a shop; there are: {', '.join(sorted(shops)) or 'none'}"))
    if "before" in wanted and books.texts(session, wanted["before"]) is None:
        errors.append(FieldError("before", "is not a version that was published"))
    if unknown := [name for name in wanted.get("decisions", ()) if name not in VOCABULARY.decisions]:
        errors.append(FieldError("decisions", f"{unknown[0][:40]} is not a decision; there are: {', '.join(VOCABULARY.decisions)}"))
    moments = {name: wanted[name] for name in ("from", "to") if isinstance(wanted.get(name), datetime)}
    if len(moments) == 2 and moments["from"] > moments["to"]:
        errors.append(FieldError("to", "lies before the beginning; give a later moment"))
    if errors:
        raise Problem("invalid", f"{errors[0].field} {errors[0].message}.", errors=errors)
    return {**wanted, **{name: moment.astimezone(UTC).isoformat() for name, moment in moments.items()}}


def shape(job: RuleJob, *, with_result: bool = False) -> dict[str, Any]:
    """A job as JSON."""
    answer = {
        "id": job.id, "kind": job.kind, "draft": job.draft_id, "texts_version": job.texts_version,
        "parameters": job.parameters, "state": job.state, "done": job.done, "total": job.total, "error": job.error,
        "asked_by": job.asked_by, "created_at": job.created_at.isoformat(),
        "started_at": job.started_at.isoformat() if job.started_at else None,
        "finished_at": job.finished_at.isoformat() if job.finished_at else None,
        "href": f"/v1/rule-jobs/{job.id}",
    }  # fmt: skip
    return {**answer, "result": job.result} if with_result else answer
