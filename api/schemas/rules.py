"""Shapes of rule books and drafts: what may be sent, and what is answered."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from api.schemas.answers import Listing
from api.schemas.fields import Strict

COMMENT = 500
_FILES = {
    "description": "File name to text: `outlet_assignment.yaml`, `layer/outlet_assignment.yaml`, "
    "`outlet_assignment.examples.yaml`.",
    "example": {"order_intake.yaml": "decision: order_intake\nrules: []\n"},
}
Texts = fields.Dict(keys=fields.String(), values=fields.String(), metadata=_FILES)
_REFERENCE = "its number, its hash or at least eight characters of that, or `current`"


class BookBody(Strict):
    """A whole book, or one file to be looked at in its place in the book that decides now."""

    files = fields.Dict(keys=fields.String(), values=fields.String(), metadata=_FILES)
    file = fields.String(metadata={"description": "Name of the one file that `text` stands for.", "example": "layer/order_intake.yaml"})
    text = fields.String(metadata={"description": "Its text."})


class FilesBody(Strict):
    """Rule files."""

    files = fields.Dict(keys=fields.String(), values=fields.String(), required=True, metadata=_FILES)


class NewDraft(Strict):
    name = fields.String(load_default="", validate=validate.Length(max=200), metadata={"description": "What people call it."})
    version = fields.String(load_default="current", metadata={"description": f"Begin with the texts of this version: {_REFERENCE}."})
    files = fields.Dict(keys=fields.String(), values=fields.String(), metadata={**_FILES, "description": "Begin with these texts instead."})


class DraftBody(Strict):
    files = fields.Dict(keys=fields.String(), values=fields.String(), required=True, metadata=_FILES)
    name = fields.String(load_default=None, validate=validate.Length(max=200))


class PublishBody(Schema):
    comment = fields.String(load_default="", validate=validate.Length(max=COMMENT), metadata={"description": "What changes and why. Needed."})


class RollbackBody(Schema):
    reason = fields.String(load_default="", validate=validate.Length(max=COMMENT), metadata={"description": "Why. Needed; kept on record."})


class RebaseBody(Schema):
    choices = fields.Dict(
        keys=fields.String(), values=fields.String(validate=validate.OneOf(("mine", "theirs"))), load_default=dict,
        metadata={"description": "For files that both sides changed: whose text to take.", "example": {"order_intake.yaml": "mine"}},
    )  # fmt: skip


class VersionListing(Listing):
    pass


class RuleProblemAnswer(Schema):
    file = fields.String()
    line = fields.Integer()
    column = fields.Integer()
    severity = fields.String(validate=validate.OneOf(("error", "warning")))
    message = fields.String()
    hint = fields.String()


class CheckAnswer(Schema):
    ok = fields.Boolean(metadata={"description": "Whether none of the problems is an error."})
    errors = fields.Integer()
    warnings = fields.Integer()
    problems = fields.List(fields.Nested(RuleProblemAnswer))


class TestAnswer(CheckAnswer):
    __test__ = False
    report = fields.Dict(
        allow_none=True, metadata={"description": "`passed`, `failed`, `results` and `coverage`; null when there are errors."}
    )


class FormatAnswer(CheckAnswer):
    files = Texts
    changed = fields.List(fields.String(), metadata={"description": "Names of the files that were not in good form."})


class VersionAnswer(Schema):
    number = fields.Integer(metadata={"description": "Counts the versions of the merchant from 1."})
    version = fields.String(metadata={"description": "SHA-256 of the files: names their content exactly."})
    meaning = fields.String(allow_none=True, metadata={"description": "Equal meaning: decides exactly the same."})
    kind = fields.String(validate=validate.OneOf(("publish", "rollback")))
    replaces = fields.String(allow_none=True, metadata={"description": "The version that decided until then."})
    by = fields.String()
    comment = fields.String()
    at = fields.String(metadata={"format": "date-time"})
    evidence = fields.Dict(metadata={"description": "What was known of it: examples, coverage, proof, simulation, origin."})
    href = fields.String()
    files = Texts


class DiffAnswer(Schema):
    decides_the_same = fields.Boolean(allow_none=True, metadata={"description": "null: one of them can no longer be loaded."})
    words = fields.List(fields.String())
    decisions = fields.List(fields.Dict())
    files = fields.List(fields.Dict())
    problems = fields.List(fields.String())


class DraftAnswer(Schema):
    id = fields.String()
    name = fields.String()
    state = fields.String(validate=validate.OneOf(("open", "published", "discarded")))
    revision = fields.Integer(metadata={"description": "Also the ETag; give it back in If-Match."})
    based_on = fields.String(allow_none=True, metadata={"description": "The version it is published over."})
    created_by = fields.String()
    created_at = fields.String(metadata={"format": "date-time"})
    updated_by = fields.String()
    updated_at = fields.String(metadata={"format": "date-time"})
    href = fields.String()
    files = Texts


class RebaseAnswer(DraftAnswer):
    taken = fields.List(fields.String(), metadata={"description": "Files that came from the version published meanwhile."})
