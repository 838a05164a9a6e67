"""First imports: how they are asked for, and what is answered."""

from __future__ import annotations

from marshmallow import RAISE, Schema, fields, validate

from api.schemas.answers import Listing

KINDS = ("orders", "products")
STATES = ("waiting", "running", "paused", "done", "failed", "cancelled")


class NewImport(Schema):
    class Meta:
        unknown = RAISE

    connection = fields.String(
        required=True, validate=validate.Length(max=40), metadata={"description": "Id or name of the connection to read from."}
    )
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    since = fields.AwareDateTime(
        load_default=None, allow_none=True, metadata={"description": "Only what changed since this moment; null: everything."}
    )


class ImportListing(Listing):
    connection = fields.String(
        load_default="", validate=validate.Length(max=40), metadata={"description": "Only this connection, by id or name."}
    )


class ImportAnswer(Schema):
    id = fields.String()
    connection = fields.String(metadata={"description": "Name of the connection."})
    kind = fields.String(validate=validate.OneOf(KINDS))
    since = fields.String(allow_none=True, metadata={"format": "date-time"})
    state = fields.String(validate=validate.OneOf(STATES))
    stuck = fields.Boolean(metadata={"description": "It should be reading, but its command was cancelled: resume it."})
    error = fields.String(metadata={"description": "Why it failed."})
    pages = fields.Integer()
    done = fields.Integer(metadata={"description": "Orders or products read, of `total`."})
    total = fields.Integer(allow_none=True, metadata={"description": "Null where the system does not say."})
    taken = fields.Integer(metadata={"description": "Events that were new."})
    duplicates = fields.Integer(metadata={"description": "Events that were known already."})
    failed = fields.Integer(metadata={"description": "Events that could not be kept, or that broke while being decided."})
    undecided = fields.Integer(metadata={"description": "Events that still wait to be decided."})
    orders = fields.Dict(
        keys=fields.String(), values=fields.Integer(), metadata={"description": "The orders it told, by the state they are in now."}
    )
    per_minute = fields.Float(allow_none=True, metadata={"description": "How many are read a minute at present."})
    ends_at = fields.String(allow_none=True, metadata={"format": "date-time", "description": "When all is probably read."})
    asked_by = fields.String()
    created_at = fields.String(metadata={"format": "date-time"})
    started_at = fields.String(allow_none=True, metadata={"format": "date-time"})
    moved_at = fields.String(allow_none=True, metadata={"format": "date-time", "description": "When its last page was taken in."})
    read_at = fields.String(allow_none=True, metadata={"format": "date-time", "description": "When all was read."})
    finished_at = fields.String(allow_none=True, metadata={"format": "date-time"})
    href = fields.String()
