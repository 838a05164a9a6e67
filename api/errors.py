"""The one place where anything that goes wrong becomes an answer: problem documents for programs, pages for people."""

from __future__ import annotations

import json
import logging
from typing import Any

from flask import Flask, Response, current_app, render_template, request
from flask_smorest import Api
from marshmallow import Schema, fields
from sqlalchemy.exc import DataError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from api.problems import BY_STATUS, KINDS, FieldError, Problem
from api.schemas.fields import field_errors
from store.columns import new_id

log = logging.getLogger(__name__)

PROBLEM_TYPE = "application/problem+json"
MOST_ERRORS = 50
STORE_IS_DOWN = (OperationalError, InterfaceError, DisconnectionError, PoolTimeout)


class FieldErrorSchema(Schema):
    field = fields.String(metadata={"description": "Path of the field.", "example": "data.order.lines[0].quantity"})
    message = fields.String(metadata={"example": "must be between 1 and 1000000; it is the number -1"})


class ProblemSchema(Schema):
    """A problem document as in RFC 9457."""

    type = fields.String(required=True, metadata={"description": "Address of the page that explains this kind of problem."})
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True, metadata={"description": "What is wrong in this case."})
    instance = fields.String(required=True, metadata={"description": "The path that was asked for."})
    errors = fields.List(fields.Nested(FieldErrorSchema))


class ProblemApi(Api):
    """flask-smorest whose errors are problem documents."""

    ERROR_SCHEMA = ProblemSchema

    def handle_http_exception(self, error: HTTPException) -> Response:
        return answer_problem(_from_http(error))


def install(app: Flask) -> None:
    """Register the handlers that no request gets past."""
    app.register_error_handler(Problem, answer_problem)
    app.register_error_handler(Exception, _answer_unforeseen)
    for kind in STORE_IS_DOWN:
        app.register_error_handler(kind, _answer_store_down)
    app.register_error_handler(DataError, _answer_unstorable)


def for_programs() -> bool:
    """Whether the request came to an address that programs use rather than people."""
    path = request.path
    return path.startswith("/v1/") or path.endswith(".json") or path in ("/metrics", "/healthz", "/readyz")


def answer_problem(problem: Problem) -> Response:
    """The problem as a document, or as a page for people."""
    if for_programs():
        document = problem.document(request.path)
        answer = current_app.response_class(json.dumps(document), status=problem.status, content_type=PROBLEM_TYPE)
    else:
        answer = current_app.response_class(
            render_template("error.html", problem=problem, next_step=problem.kind.next_step), status=problem.status
        )
    answer.headers.update(problem.headers)
    return answer


def _from_http(error: HTTPException) -> Problem:
    """What Flask, Werkzeug or the argument parser raised, as a problem."""
    status = error.code or 500
    data = getattr(error, "data", None) or {}
    errors = _argument_errors(data.get("messages"))
    slug = BY_STATUS.get(status, "internal" if status >= 500 else "bad-request")
    detail = error.description or KINDS[slug].title
    if errors:
        detail = f"{errors[0].field} {errors[0].message}"
    elif status == 404:
        detail = f"There is nothing at {request.path[:200]}."
    headers = {name: value for name, value in error.get_headers() if name.lower() in ("allow", "retry-after")}
    return Problem(slug, str(detail), errors=errors, status=status, headers=headers)


def _argument_errors(messages: Any) -> list[FieldError]:
    """Errors of query or form arguments; webargs nests them under where they came from."""
    if not isinstance(messages, dict):
        return []
    return field_errors([] if not messages else next(iter(messages.values())))[:MOST_ERRORS]


def _answer_unforeseen(error: Exception) -> Response:
    if isinstance(error, HTTPException):
        return answer_problem(_from_http(error))
    error_id = new_id()
    log.exception("request broke", extra={"error_id": error_id, "path": request.path, "method": request.method})
    detail = f"This should not have happened. We know it as error {error_id}; nothing of this request was kept."
    return answer_problem(Problem("internal", detail))


def _answer_store_down(error: Exception) -> Response:
    log.error("database unreachable", extra={"path": request.path, "reason": type(error).__name__})
    return answer_problem(store_down())


def store_down() -> Problem:
    """What callers hear while the database cannot be reached."""
    detail = "The database cannot be reached at the moment. Nothing of this request was kept; repeat it as it is."
    return Problem("unavailable", detail, headers={"Retry-After": "5"})


def _answer_unstorable(error: Exception) -> Response:
    log.warning("value refused by the database", extra={"path": request.path, "reason": type(error).__name__})
    return answer_problem(Problem("invalid", "A value of this request does not fit where it belongs; nothing was kept."))
