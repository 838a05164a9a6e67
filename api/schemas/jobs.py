"""Proofs and simulations: how they are asked for, and what is answered."""

from __future__ import annotations

from marshmallow import RAISE, Schema, fields, validate

from api.schemas.answers import Listing

KINDS = ("prove", "simulate")
STATES = ("waiting", "running", "done", "failed", "cancelled")
PARAMETERS = {"prove": ("seconds",), "simulate": ("from", "to", "shop", "last", "decisions", "before")}
MOST_DECISIONS = 200_000


class Parameters(Schema):
    """What is looked at; all may be left out."""

    class Meta:
        unknown = RAISE
        include = {
            "from": fields.AwareDateTime(metadata={"description": "simulate: only decisions from this moment on."}),
        }

    to = fields.AwareDateTime(metadata={"description": "simulate: only decisions up to this moment."})
    shop = fields.String(validate=validate.Length(max=40), metadata={"description": "simulate: only this shop, by the connection's name."})
    last = fields.Integer(
        validate=validate.Range(1, MOST_DECISIONS), metadata={"description": "simulate: only the newest so many of these decisions."}
    )
    decisions = fields.List(
        fields.String(), validate=validate.Length(max=50), metadata={"description": "simulate: only these rule files are compared."}
    )
    before = fields.String(
        validate=validate.Length(max=64), metadata={"description": "simulate: the version compared with; by default the one that decides now."}
    )
    seconds = fields.Integer(validate=validate.Range(1, 60), metadata={"description": "prove: how long it may take."})


class NewJob(Schema):
    class Meta:
        unknown = RAISE

    draft = fields.String(required=True, validate=validate.Length(max=40), metadata={"description": "Id of the draft."})
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    parameters = fields.Nested(Parameters, load_default=dict)


class JobListing(Listing):
    kind = fields.String(load_default="simulate", validate=validate.OneOf(KINDS))


class ChangeListing(Listing):
    rule = fields.String(
        load_default="", validate=validate.Length(max=200), metadata={"description": "Only decisions in which this rule made the difference."}
    )


class JobAnswer(Schema):
    id = fields.String()
    kind = fields.String(validate=validate.OneOf(KINDS))
    draft = fields.String(allow_none=True)
    texts_version = fields.String(metadata={"description": "Names the very texts it is about."})
    parameters = fields.Dict()
    state = fields.String(validate=validate.OneOf(STATES))
    done = fields.Integer(metadata={"description": "Steps that are through, of `total`."})
    total = fields.Integer()
    error = fields.String()
    asked_by = fields.String()
    created_at = fields.String(metadata={"format": "date-time"})
    started_at = fields.String(allow_none=True, metadata={"format": "date-time"})
    finished_at = fields.String(allow_none=True, metadata={"format": "date-time"})
    href = fields.String()
    result = fields.Dict(allow_none=True, metadata={"description": "What came out; null until it is done."})


class ChangeAnswer(Schema):
    decision = fields.String(metadata={"description": "Id of the past decision."})
    event = fields.String()
    order = fields.String()
    number = fields.String(metadata={"description": "Number of the order."})
    at = fields.String(metadata={"format": "date-time"})
    causes = fields.List(
        fields.List(fields.String()),
        metadata={"description": "[decision, rule, role] of each rule that made the difference; role: gained, lost or changed."},
    )
    steps = fields.List(fields.Dict(), metadata={"description": "What differs, as sentences: {decision, about, before, after}."})
    part = fields.Integer()
