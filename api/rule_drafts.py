"""Drafts of rule books: several people may work on them, and nobody's work is overwritten (`If-Match`)."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, request
from flask_smorest import Blueprint

from api import paging, publishing, rule_shapes
from api.auth import caller, requires
from api.errors import ProblemSchema
from api.problems import Problem
from api.rule_shapes import as_problems
from api.rulebooks import body_of, takes, version_of
from api.schemas import answers, rules
from api.services import services
from store import books, drafts
from store.rule_models import RuleDraft

blueprint = Blueprint("rule-drafts", __name__, url_prefix="/v1/rule-drafts", description="Versions of rules in the making.")

IF_MATCH: dict[str, Any] = {
    "parameters": [
        {"in": "header", "name": "If-Match", "required": True, "schema": {"type": "string"}, "description": "The ETag of the draft."}
    ]
}
_CONFLICT = {"schema": ProblemSchema, "description": "Somebody saved in between; nothing was changed. `current` is what is there."}


@blueprint.get("")
@blueprint.response(200, answers.page_of(rules.DraftAnswer))
@requires("read")
def listing() -> dict[str, Any]:
    """The open drafts, the one changed last first, without their texts."""
    with services().database.session(caller().merchant_id, read_only=True) as session:
        return paging.page([rule_shapes.draft(row) for row in drafts.list_open(session)], None)


@blueprint.post("")
@blueprint.doc(**takes(rules.NewDraft))
@blueprint.response(201, rules.DraftAnswer)
@blueprint.alt_response(422, schema=ProblemSchema, description="These files cannot be kept.")
@requires("administer")
def create() -> Response:
    """Begin a draft: with the texts of a version, or with files. It may hold rules that are not right yet."""
    given = body_of(rules.NewDraft)
    with services().database.session(caller().merchant_id) as session, as_problems():
        texts, origin = given.get("files"), "From files"
        if texts is None and (given.get("version", "current") != "current" or books.newest(session) is not None):
            found, texts = version_of(session, given.get("version", "current"))
            origin = f"From version {found.number}"
        draft = drafts.create(session, name=given.get("name", ""), texts=texts or {}, by=caller().who, origin=origin)
    answer = _answer(draft)
    answer.status_code = 201
    answer.headers["Location"] = f"/v1/rule-drafts/{draft.id}"
    return answer


@blueprint.get("/<draft_id>")
@blueprint.response(200, rules.DraftAnswer)
@requires("read")
def one(draft_id: str) -> Response:
    """One draft with its texts. The ETag is its revision."""
    return _answer(_get(draft_id))


@blueprint.put("/<draft_id>")
@blueprint.doc(**takes(rules.DraftBody), **IF_MATCH)
@blueprint.response(200, rules.DraftAnswer)
@blueprint.alt_response(409, **_CONFLICT)
@requires("administer")
def save(draft_id: str) -> Response:
    """Keep these texts as the next revision. They replace all the draft's texts."""
    revision = _revision(draft_id)
    given = body_of(rules.DraftBody)
    with services().database.session(caller().merchant_id) as session, as_problems():
        draft = drafts.save(
            session, draft_id, texts=given["files"], revision=revision, by=caller().who, name=given.get("name")
        )
    return _answer(draft)


@blueprint.delete("/<draft_id>")
@blueprint.doc(**IF_MATCH)
@blueprint.response(204)
@blueprint.alt_response(409, **_CONFLICT)
@requires("administer")
def discard(draft_id: str) -> None:
    """Put a draft aside. It can still be read by its id."""
    revision = _revision(draft_id)
    with services().database.session(caller().merchant_id) as session, as_problems():
        drafts.discard(session, draft_id, revision=revision, by=caller().who)


@blueprint.post("/<draft_id>/rebase")
@blueprint.doc(**IF_MATCH)
@blueprint.arguments(rules.RebaseBody)
@blueprint.response(200, rules.RebaseAnswer)
@blueprint.alt_response(409, schema=ProblemSchema, description="Both sides changed the same files; see `clashes`.")
@requires("administer")
def rebase(arguments: dict[str, Any], draft_id: str) -> Response:
    """Bring a draft up to date with the version published since: files that one side only changed are taken from it."""
    revision = _revision(draft_id)
    with services().database.session(caller().merchant_id) as session, as_problems():
        done = drafts.rebase(
            session, draft_id, revision=revision, by=caller().who, choices=arguments["choices"]
        )
    return _answer(done.draft, taken=list(done.taken))


@blueprint.post("/<draft_id>/publish")
@blueprint.doc(**IF_MATCH)
@blueprint.arguments(rules.PublishBody)
@blueprint.response(201, rules.VersionAnswer)
@blueprint.alt_response(409, schema=ProblemSchema, description="Another version was published, or the draft saved, in between.")
@blueprint.alt_response(422, schema=ProblemSchema, description="Something stands in the way; `errors` lists all of it.")
@requires("administer")
def publish(arguments: dict[str, Any], draft_id: str) -> dict[str, Any]:
    """Make a draft the version that decides: when its rules are right, its examples pass, and it can be run."""
    revision = _revision(draft_id)
    with as_problems():
        made = publishing.publish_draft(
            services().database, caller().merchant_id, draft_id, revision=revision, who=caller().who,
            comment=arguments["comment"],
        )  # fmt: skip
    return rule_shapes.publication(made)


def _get(draft_id: str) -> RuleDraft:
    with services().database.session(caller().merchant_id, read_only=True) as session, as_problems():
        return drafts.get(session, draft_id)


def _revision(draft_id: str) -> int:
    """The revision a request is about. Raises Problem `not-found` for no such draft, `no-revision` without one."""
    _get(draft_id)
    said = request.headers.get("If-Match", "").strip().removeprefix("W/").strip('"')
    if not said:
        raise Problem("no-revision", 'If-Match is missing: send the ETag of the draft, as in `If-Match: "3"`.')
    if not said.isascii() or not said.isdigit() or len(said) > 9:
        raise Problem("bad-request", f"If-Match is {said[:40]!r}; it must be the ETag of the draft, a whole number.")
    return int(said)


def _answer(draft: RuleDraft, **more: Any) -> Response:
    answer = jsonify({**rule_shapes.draft(draft, files=True), **more})
    answer.headers["ETag"] = f'"{draft.revision}"'
    return answer
