"""Rule books: checking, formatting and testing texts; the versions there are, what differs, and going back to one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from flask import request
from flask_smorest import Blueprint
from marshmallow import Schema, ValidationError
from sqlalchemy.orm import Session

from api import paging, publishing, rule_shapes
from api.auth import caller, requires
from api.errors import ProblemSchema
from api.problems import FieldError, Problem
from api.reading import read_body, read_json
from api.rule_shapes import as_problems
from api.schemas import answers, rules
from api.schemas.fields import field_errors, shown
from api.services import services
from engine.aside import find_problems, format_files, try_examples
from engine.language.diff import diff_texts
from store import books
from store.book_files import check_files
from store.rule_models import Publication

blueprint = Blueprint("rulebooks", __name__, url_prefix="/v1/rulebooks", description="Rule books: their texts and versions.")

BODY = 12_000_000
"""Most bytes of a request that brings rule files: a whole book, and what JSON adds to it."""
Read = TypeVar("Read", bound=Schema)


def body_of(schema: type[Schema]) -> dict[str, Any]:
    """The request's JSON, which may be as large as a rule book. Raises Problem `too-large`, `not-json` or `invalid`."""
    document = read_json(read_body(request, BODY))
    if not isinstance(document, Mapping):
        raise Problem("invalid", f"The body is an object, not {shown(document)}.")
    try:
        return dict(schema().load(document))
    except ValidationError as error:
        errors = field_errors(error.messages)
        raise Problem("invalid", f"{errors[0].field}: {errors[0].message}", errors=errors) from None


def takes(schema: type[Schema]) -> dict[str, Any]:
    """How a body that `body_of` reads looks in the OpenAPI document."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def _texts() -> dict[str, str]:
    """The book that a request is about. Raises Problem."""
    given = body_of(rules.BookBody)
    if given.get("files") is not None:
        texts = given["files"]
    elif given.get("file") is not None and given.get("text") is not None:
        with services().database.session(caller().merchant_id, read_only=True) as session:
            newest = books.newest(session)
            around = (books.texts(session, newest.version) if newest else None) or {}
        texts = {**around, given["file"]: given["text"]}
    else:
        raise Problem("invalid", "Send `files`, or `file` with `text`.", errors=[FieldError("files", "is missing")])
    with as_problems():
        check_files(texts)
    return dict(texts)


@blueprint.post("/check")
@blueprint.doc(**takes(rules.BookBody))
@blueprint.response(200, rules.CheckAnswer)
@blueprint.alt_response(413, schema=ProblemSchema, description="Larger than a rule book may be.")
@requires("read")
def check() -> dict[str, Any]:
    """Everything wrong with rule files and their examples, with line, column and what would be right.

    Always 200 when the files could be looked at: see `ok`.
    """
    return rule_shapes.findings(find_problems(_texts()).problems)


@blueprint.post("/format")
@blueprint.doc(**takes(rules.FilesBody))
@blueprint.response(200, rules.FormatAnswer)
@requires("read")
def format_() -> dict[str, Any]:
    """The files in good form: laid out alike, comments kept, meaning the same. A file that cannot be read stays as it is."""
    texts = body_of(rules.FilesBody)["files"]
    with as_problems():
        check_files(texts)
    found = format_files(texts)
    done = texts if found.texts is None else found.texts
    changed = sorted(name for name, text in done.items() if text != texts[name])
    return {**rule_shapes.findings(found.problems), "files": dict(done), "changed": changed}


@blueprint.post("/test")
@blueprint.doc(**takes(rules.BookBody))
@blueprint.response(200, rules.TestAnswer)
@requires("read")
def test() -> dict[str, Any]:
    """Run the examples of a book, and say what of its rules, conditions and table rows they cover."""
    found = try_examples(_texts())
    return {**rule_shapes.findings(found.problems), "report": found.report}


@blueprint.get("")
@blueprint.arguments(rules.VersionListing, location="query")
@blueprint.response(200, answers.page_of(rules.VersionAnswer))
@requires("read")
def listing(arguments: dict[str, Any]) -> dict[str, Any]:
    """The versions, newest first; the first one decides."""
    before, limit = paging.position_of("rulebooks", arguments["cursor"]), arguments["limit"]
    with services().database.session(caller().merchant_id, read_only=True) as session:
        rows = books.publications(session, limit + 1, before)
    position = rows[limit - 1].number if len(rows) > limit else None
    return paging.page([rule_shapes.publication(row) for row in rows[:limit]], paging.cursor_for("rulebooks", position))


@blueprint.get("/<version>")
@blueprint.response(200, rules.VersionAnswer)
@requires("read")
def one(version: str) -> dict[str, Any]:
    """One version with its texts: by number, by hash or the beginning of one (eight characters at least), or `current`."""
    with services().database.session(caller().merchant_id, read_only=True) as session:
        row, texts = version_of(session, version)
    return rule_shapes.publication(row, texts)


@blueprint.get("/<version>/diff/<other>")
@blueprint.response(200, rules.DiffAnswer)
@requires("read")
def diff(version: str, other: str) -> dict[str, Any]:
    """What `other` has differently from `version`, by decision and rule."""
    with services().database.session(caller().merchant_id, read_only=True) as session:
        (_, old), (_, new) = version_of(session, version), version_of(session, other)
    return diff_texts(old, new).as_dict()


@blueprint.post("/<version>/rollback")
@blueprint.arguments(rules.RollbackBody)
@blueprint.response(201, rules.VersionAnswer)
@blueprint.alt_response(422, schema=ProblemSchema, description="It decides already, or can no longer be loaded.")
@requires("administer")
def rollback(arguments: dict[str, Any], version: str) -> dict[str, Any]:
    """Publish an earlier version again. The next event is decided by it; history stays as it is."""
    with as_problems():
        made = publishing.roll_back(
            services().database, caller().merchant_id, version, who=caller().who, reason=arguments["reason"]
        )
    return rule_shapes.publication(made)


def version_of(session: Session, reference: str) -> tuple[Publication, dict[str, str]]:
    """A version of the merchant with its texts. Raises Problem `not-found`."""
    found = books.find(session, reference)
    if found is None:
        raise Problem("not-found", f"There is no version {reference[:64]}.")
    return found, books.texts(session, found.version) or {}
