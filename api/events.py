"""`POST /v1/events`: where systems tell what happened. Also reading back what was told and deciding it again."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from flask import Response, jsonify, request
from flask_smorest import Blueprint
from sqlalchemy.exc import SQLAlchemyError

from api import paging, shapes
from api.auth import caller, requires
from api.checks import Checks
from api.errors import STORE_IS_DOWN, ProblemSchema, store_down
from api.problems import Problem
from api.reading import read_body, read_json
from api.schemas import answers
from api.schemas.envelope import Posted, from_headers, load_event
from api.schemas.posting import POSTING
from api.services import Taken, services
from store import audit, decisions, events
from store.events import EventConflict

log = logging.getLogger(__name__)

blueprint = Blueprint("events", __name__, url_prefix="/v1/events", description="Events: what systems tell us.")

STRUCTURED = ("application/cloudevents+json", "application/json")
BATCH = "application/cloudevents-batch+json"
MOST_IN_BATCH = 500


@blueprint.post("")
@blueprint.doc(**POSTING)
@blueprint.response(201, answers.TakenAnswer, description="Decided.")
@blueprint.alt_response(202, schema=answers.TakenAnswer, description="Kept, not decided: it waits, failed, or you asked for it.")
@blueprint.alt_response(200, schema=answers.BatchAnswer, description="A batch: one result per event.")
@blueprint.alt_response(409, schema=ProblemSchema, description="This id was used before with other content.")
@blueprint.alt_response(422, schema=ProblemSchema, description="Some fields are not right.")
@requires("post")
def post() -> Response:
    """Tell what happened: one CloudEvent or a batch of them.

    Decided at once (201) unless `Prefer: respond-async` asks to be answered first (202). An event that is kept but cannot
    be decided is answered 202 with status failed and the reason; it is never lost. The same event again gets the same
    answer, marked `Idempotent-Replay: true`.
    """
    body = read_body(request, services().config.max_body_bytes)
    later = any(part.strip().lower() == "respond-async" for part in request.headers.get("Prefer", "").split(","))
    if request.mimetype == BATCH:
        answer = _post_batch(read_json(body), later)
    elif "ce-specversion" in request.headers and request.mimetype not in STRUCTURED[:1]:
        answer = _post_one(from_headers(dict(request.headers), read_json(body)), later)
    elif request.mimetype in STRUCTURED:
        answer = _post_one(read_json(body), later)
    else:
        detail = f"The content type is {request.mimetype or 'missing'}; send one of {', '.join((*STRUCTURED, BATCH))}."
        raise Problem("wrong-media-type", detail, headers={"Accept-Post": ", ".join((*STRUCTURED, BATCH))})
    if later:
        answer.headers["Preference-Applied"] = "respond-async"
    return answer


def _post_one(document: Any, later: bool) -> Response:
    with Checks(caller().merchant_id, caller().setup) as checks:
        taken = _take_in(load_event(document), checks, later)
    answer = jsonify(taken_answer(taken))
    answer.status_code = taken_status(taken)
    answer.headers["Location"] = f"/v1/events/{taken.event_id}"
    if taken.duplicate:
        answer.headers["Idempotent-Replay"] = "true"
    return answer


def _post_batch(documents: Any, later: bool) -> Response:
    """Each event stands for itself: one that is wrong does not keep the others out."""
    if not isinstance(documents, list):
        raise Problem("invalid", "A batch is a list of CloudEvents.")
    if len(documents) > MOST_IN_BATCH:
        raise Problem("too-large", f"A batch may hold {MOST_IN_BATCH} events at most; this one has {len(documents)}.")
    results: list[dict[str, Any]] = []
    down = False
    with Checks(caller().merchant_id, caller().setup) as checks:
        for document in documents:
            result = _refused(document, store_down()) if down else _batch_item(document, checks, later)
            down = down or result["status"] == 503
            results.append(result)
    accepted = sum(1 for result in results if result["status"] < 300)
    return jsonify({"accepted": accepted, "refused": len(results) - accepted, "results": results})


def _batch_item(document: Any, checks: Checks, later: bool) -> dict[str, Any]:
    try:
        taken = _take_in(load_event(document), checks, later)
    except Problem as problem:
        return _refused(document, problem)
    except STORE_IS_DOWN:
        return _refused(document, store_down())
    except SQLAlchemyError as error:
        log.exception("an event of a batch broke", extra={"reason": type(error).__name__})
        return _refused(document, Problem("internal", "This event could not be kept; repeat it."))
    return {"status": taken_status(taken), "replay": taken.duplicate, **{"id": document["id"]}, "answer": taken_answer(taken)}


def _refused(document: Any, problem: Problem) -> dict[str, Any]:
    given = document.get("id") if isinstance(document, Mapping) else None
    return {
        "status": problem.status,
        "id": given if isinstance(given, str) else None,
        "problem": problem.document(request.path),
    }


def _take_in(posted: Posted, checks: Checks, later: bool) -> Taken:
    checks.run(posted)
    connection = checks.connection(posted.source)
    try:
        return services().intake.take_in(
            caller().merchant_id,
            posted.source,
            posted.event,
            connection_id=connection.id if connection else None,
            defer=later,
        )
    except EventConflict as conflict:
        raise Problem("event-conflict", str(conflict)) from None


def taken_status(taken: Taken) -> int:
    """201 once decided, 202 while it is only kept."""
    return 201 if taken.status == "decided" else 202


def taken_answer(taken: Taken) -> dict[str, Any]:
    """What the sender hears."""
    return {
        "event": taken.event_id,
        "status": taken.status,
        "order": taken.order_id,
        "decision": taken.decision_id,
        "summary": taken.summary or taken.reason,
        "trace": f"/v1/decisions/{taken.decision_id}" if taken.decision_id else None,
    }


@blueprint.get("")
@blueprint.arguments(answers.EventListing, location="query")
@blueprint.response(200, answers.page_of(answers.EventAnswer))
@requires("read")
def listing(arguments: dict[str, Any]) -> dict[str, Any]:
    """Events, newest first, without their data."""
    position = paging.position_of("events", arguments["cursor"])
    limit = arguments["limit"]
    with services().database.session(caller().merchant_id, read_only=True) as session:
        rows = events.recent(session, status=arguments["status"], before=position, limit=limit + 1)
        items = [shapes.event(row, with_data=False) for row in rows[:limit]]
    return paging.page(items, paging.cursor_for("events", items[-1]["id"] if len(rows) > limit else None))


@blueprint.get("/<event_id>")
@blueprint.response(200, answers.EventAnswer)
@requires("read")
def one(event_id: str) -> dict[str, Any]:
    """One event as it was kept, and what came of it."""
    with services().database.session(caller().merchant_id, read_only=True) as session:
        row = events.get(session, event_id)
        if row is None:
            raise _unknown(event_id)
        decision = decisions.of_event(session, event_id)
        return shapes.event(row, decision_id=decision.id if decision else None)


@blueprint.post("/<event_id>/reprocess")
@blueprint.arguments(answers.Repair)
@blueprint.response(200, answers.TakenAnswer)
@requires("repair")
def reprocess(arguments: dict[str, Any], event_id: str) -> dict[str, Any]:
    """Decide a failed event again, after what broke was mended."""
    return taken_answer(reprocess_one(caller().merchant_id, event_id, caller().who, arguments["reason"]))


def reprocess_one(merchant_id: str, event_id: str, who: str, reason: str) -> Taken:
    """Decide a failed event again, on record. Raises Problem `not-found`, or `conflict` when it did not fail."""
    with services().database.session(merchant_id) as session:
        row = events.get(session, event_id)
        if row is None:
            raise _unknown(event_id)
        if row.status != "failed":
            raise Problem("conflict", f"Only a failed event can be decided again; this one is {row.status}.")
        audit.record(session, who=who, action="reprocess event", about=f"event:{event_id}", reason=reason)
    return services().intake.reprocess(merchant_id, event_id)


def _unknown(event_id: str) -> Problem:
    return Problem("not-found", f"There is no event {event_id[:40]}.")
