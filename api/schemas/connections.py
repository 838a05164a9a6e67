"""What the API takes and answers about connections. Credentials go in and never come out."""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from api.schemas.answers import ConnectionAnswer

REASON = {"description": "Kept in the audit log."}
CREDENTIALS = {"description": "Name to value, as the platform lists them. Never answered again.", "example": {"token": "…"}}
SETTINGS = {"description": "Name to value, as the platform lists them; what is left out has its default."}


class Asked(Schema):
    """Why; kept in the audit log."""

    reason = fields.String(load_default="", validate=validate.Length(max=500), metadata=REASON)


class Started(Asked):
    resume = fields.Boolean(load_default=False, metadata={"description": "Start a paused connection when it works."})


class Added(Asked):
    platform = fields.String(load_default="", validate=validate.Length(max=40), metadata={"description": "One of /v1/connections/platforms."})
    name = fields.String(load_default="", validate=validate.Length(max=40), metadata={"description": "How it is called; cannot be changed.", "example": "webshop"})
    base_url = fields.String(load_default="", metadata={"description": "The system's own address; left out, the platform's usual one."})
    credentials = fields.Dict(keys=fields.String(), load_default=dict, metadata=CREDENTIALS)
    settings = fields.Dict(keys=fields.String(), load_default=dict, metadata=SETTINGS)
    draft = fields.Boolean(load_default=False, metadata={"description": "Keep it paused and untried."})


class Changed(Asked):
    base_url = fields.String(load_default=None, metadata={"description": "Another address; the system there is asked first."})
    settings = fields.Dict(keys=fields.String(), load_default=None, metadata={"description": "All settings; what is left out has its default."})


class Rotated(Started):
    credentials = fields.Dict(keys=fields.String(), load_default=dict, metadata=CREDENTIALS)
    clear = fields.List(fields.String(), load_default=list, metadata={"description": "Optional credentials to forget."})


class Linked(Asked):
    links = fields.Dict(
        keys=fields.String(), values=fields.String(allow_none=True), load_default=dict,
        metadata={"description": "Our outlet code to their location id, null for none. Outlets left out stay as they are."},
    )  # fmt: skip


class TriesAnswer(Schema):
    made = fields.Integer()
    failed = fields.Integer()
    throttled = fields.Integer()
    rate = fields.Float(allow_none=True, metadata={"description": "Share of failures, null without any try."})


class HealthAnswer(Schema):
    verdict = fields.String(validate=validate.OneOf(("good", "warn", "bad", "idle")))
    words = fields.String()
    last_event = fields.String(allow_none=True, metadata={"format": "date-time"})
    last_success = fields.String(allow_none=True, metadata={"format": "date-time"})
    last_poll = fields.String(allow_none=True, metadata={"format": "date-time"})
    poll_seconds = fields.Float(allow_none=True)
    hour = fields.Nested(TriesAnswer)
    day = fields.Nested(TriesAnswer)
    complete = fields.Boolean(metadata={"description": "False: too many tries in a day to look at all; the newest count."})
    held_until = fields.String(allow_none=True, metadata={"format": "date-time"})
    held_because = fields.String()
    per_minute = fields.Integer(metadata={"description": "Requests a minute we allow ourselves; 0: no limit."})
    used = fields.Integer(allow_none=True, metadata={"description": "Requests of the last minute."})


class CredentialAnswer(Schema):
    """Whether a credential is set. Its value is never told."""

    name = fields.String()
    set = fields.Boolean()
    optional = fields.Boolean()
    since = fields.String(allow_none=True, metadata={"format": "date-time"})


class WebhooksAnswer(Schema):
    supported = fields.Boolean()
    address = fields.String(metadata={"description": "Where the system sends them; empty: not registered from here."})
    seen_at = fields.String(allow_none=True, metadata={"format": "date-time"})
    topics = fields.List(fields.Dict())
    message = fields.String(metadata={"description": "What the system said just now."})


class OneConnectionAnswer(ConnectionAnswer):
    """A connection with everything about it but its secrets."""

    health = fields.Nested(HealthAnswer)
    credentials = fields.List(fields.Nested(CredentialAnswer))
    settings = fields.Dict()
    webhooks = fields.Nested(WebhooksAnswer)
    operations = fields.List(fields.String())
    statuses = fields.Dict(metadata={"description": "Kind of status to our word to theirs."})


class SettingAnswer(Schema):
    name = fields.String()
    meaning = fields.String()
    kind = fields.String(validate=validate.OneOf(("truth", "number", "text", "list", "table")))
    default = fields.Raw(allow_none=True)


class PlatformAnswer(Schema):
    """What can be connected, and what that takes."""

    platform = fields.String()
    title = fields.String()
    role = fields.String()
    guide = fields.String()
    base_url = fields.String(metadata={"description": "Its usual address; empty: the system's own must be given."})
    credentials = fields.List(fields.Dict())
    settings = fields.List(fields.Nested(SettingAnswer))
    operations = fields.List(fields.String())
    statuses = fields.Dict()


class TestedAnswer(Schema):
    message = fields.String(metadata={"description": "What the system said."})
    connection = fields.Nested(OneConnectionAnswer)


class LinkAnswer(Schema):
    outlet = fields.String()
    name = fields.String()
    linked = fields.String(metadata={"description": "Their id; empty: not linked."})
    proposed = fields.String()
    because = fields.String(metadata={"description": "Why it is proposed."})


class LinksAnswer(Schema):
    seen_at = fields.String(allow_none=True, metadata={"format": "date-time"})
    locations = fields.List(fields.Dict())
    links = fields.List(fields.Nested(LinkAnswer))


class ArchivedAnswer(Schema):
    message = fields.String()
