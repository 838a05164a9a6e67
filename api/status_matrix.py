"""The status matrix of a version or draft: what each shop is told of every step, and what the till does about every status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from flask_smorest import Blueprint
from marshmallow import Schema, fields
from sqlalchemy.orm import Session

from api import rule_shapes
from api.auth import caller, requires
from api.errors import ProblemSchema
from api.problems import FieldError, Problem
from api.rule_shapes import as_problems
from api.rulebooks import version_of
from api.services import services
from engine.aside import fill_matrix
from engine.facts_json import canonical_hash
from engine.language import text_version
from engine.platforms import SHOPS
from engine.status_matrix import fill
from engine.types import Problem as RuleProblem
from store import books, connections, drafts
from store.rule_models import RuleDraft

blueprint = Blueprint("status-matrix", __name__, url_prefix="/v1", description="What shops and tills are told, as a matrix.")

KEPT = 16
"""Matrices kept per process."""


class MatrixAnswer(Schema):
    version = fields.String(metadata={"description": "SHA-256 of the files it was worked out from."})
    number = fields.Integer(allow_none=True, metadata={"description": "Number of the version; null for a draft."})
    platforms = fields.List(fields.Dict(), metadata={"description": "The columns: `name`, `title` and the merchant's `connections`."})
    to_shop = fields.List(fields.Dict(), metadata={"description": "What each shop is told of every step on our side."})
    to_till = fields.List(fields.Dict(), metadata={"description": "What the till is told of every status in the shop; null where a shop has no such status."})
    rules = fields.Dict(metadata={"description": "By `decision/rule`: where the rules stand that decided."})


class NoMatrix(Exception):
    """The matrix of a draft cannot be worked out. `problems` say why."""

    def __init__(self, problems: tuple[RuleProblem, ...]) -> None:
        super().__init__("its rules have errors")
        self.problems = problems


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a matrix hangs on: the texts, and the merchant's own settings, by their hash."""

    version: str
    settings: str
    texts: Mapping[str, str] = field(compare=False, default_factory=dict)
    own: Mapping[str, Mapping[str, Any]] = field(compare=False, default_factory=dict)


@lru_cache(maxsize=KEPT)
def _of_version(asked: _Asked) -> Mapping[str, Any]:
    return fill(services().books.get(asked.version), asked.own).as_dict()


@lru_cache(maxsize=KEPT)
def _of_texts(asked: _Asked) -> Mapping[str, Any]:
    found = fill_matrix(asked.texts, asked.own)
    if found.matrix is None:
        raise NoMatrix(found.errors)
    return found.matrix


def of_version(session: Session, version: str) -> Mapping[str, Any]:
    """The matrix of a published version, with the merchant's settings of now. Shapes as
    `engine.status_matrix.Matrix.as_dict`. Raises LookupError when the version cannot be loaded any more."""
    own = books.all_settings(session)
    return _of_version(_Asked(version, canonical_hash(own), own=own))


def of_draft(session: Session, draft: RuleDraft) -> Mapping[str, Any]:
    """The matrix of a draft as it stands, worked out where it can harm nobody. Raises NoMatrix."""
    own = books.all_settings(session)
    return _of_texts(_Asked(text_version(draft.texts), canonical_hash(own), draft.texts, own))


def connected(session: Session) -> dict[str, list[str]]:
    """The merchant's shops: names of connections by platform, in the order of the matrix."""
    shops = [row for row in connections.by_role(session, "shop") if row.platform in SHOPS]
    return {name: [row.name for row in shops if row.platform == name] for name in SHOPS if any(row.platform == name for row in shops)}


@blueprint.get("/rulebooks/<version>/status-matrix")
@blueprint.response(200, MatrixAnswer)
@blueprint.alt_response(404, schema=ProblemSchema, description="There is no such version.")
@requires("read")
def version_matrix(version: str) -> dict[str, Any]:
    """The status matrix of a version (number, hash or `current`), with the merchant's settings of now.

    Every cell is what the rules say about one representative order: paid, of one article, 50 euro.
    """
    with services().database.session(caller().merchant_id, read_only=True) as session:
        row, _ = version_of(session, version)
        try:
            return _answer(session, of_version(session, row.version), row.version, row.number)
        except (LookupError, ValueError) as gone:
            raise Problem("invalid", f"Version {row.number} cannot be loaded any more: {gone}.") from None


@blueprint.get("/rule-drafts/<draft_id>/status-matrix")
@blueprint.response(200, MatrixAnswer)
@blueprint.alt_response(422, schema=ProblemSchema, description="Its rules have errors; `errors` lists them.")
@requires("read")
def draft_matrix(draft_id: str) -> dict[str, Any]:
    """The status matrix that a draft would give."""
    with services().database.session(caller().merchant_id, read_only=True) as session, as_problems():
        draft = drafts.get(session, draft_id)
        try:
            return _answer(session, of_draft(session, draft), text_version(draft.texts), None)
        except NoMatrix as missing:
            raise Problem("invalid", "The draft's rules have errors.", errors=as_fields(missing)) from None


def as_fields(missing: NoMatrix) -> list[FieldError]:
    """What stands in the way, as fields of a problem document."""
    return [
        FieldError(f"{each.file}:{each.line}:{each.column}" if each.file else "rules", f"{each.message} {each.hint}".strip())
        for each in missing.problems[: rule_shapes.MOST_ERRORS]
    ]


def _answer(session: Session, matrix: Mapping[str, Any], version: str, number: int | None) -> dict[str, Any]:
    known = connected(session)
    platforms = [{**each, "connections": known.get(each["name"], [])} for each in matrix["platforms"]]
    return {**matrix, "version": version, "number": number, "platforms": platforms}
