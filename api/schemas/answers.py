"""What the API answers, and the arguments its lists take. Descriptions here become the OpenAPI document."""

from __future__ import annotations

from marshmallow import EXCLUDE, Schema, fields, validate

from api.paging import MOST
from engine.vocabulary import ORDER_STATES
from engine.wording import LANGUAGES

EVENT_STATUSES = ("received", "waiting", "decided", "failed")
COMMAND_STATUSES = ("waiting", "leased", "done", "superseded", "dead", "cancelled")


class Listing(Schema):
    """Arguments every list takes."""

    class Meta:
        unknown = EXCLUDE

    limit = fields.Integer(load_default=50, validate=validate.Range(1, MOST), metadata={"description": f"1 to {MOST}."})
    cursor = fields.String(load_default=None, metadata={"description": "Continues a list; from `cursor` of the page before."})


class OrderListing(Listing):
    q = fields.String(
        load_default="", validate=validate.Length(max=200),
        metadata={"description": "Any number the order has anywhere, e-mail address or name; beginnings are enough."},
    )  # fmt: skip
    state = fields.String(load_default=None, validate=validate.OneOf(ORDER_STATES), metadata={"description": "Only orders in this state."})


class EventListing(Listing):
    status = fields.String(load_default=None, validate=validate.OneOf(EVENT_STATUSES))


class CommandListing(Listing):
    status = fields.String(load_default=None, validate=validate.OneOf(COMMAND_STATUSES))
    connection = fields.String(load_default=None, metadata={"description": "Name of the connection."})
    order = fields.String(load_default=None, metadata={"description": "Id of the order."})
    failed = fields.Boolean(load_default=False, metadata={"description": "Only what is dead or waits after a failure."})


class NotificationListing(Listing):
    outlet = fields.String(load_default=None, metadata={"description": "Code of the outlet."})


class StockListing(Listing):
    sku = fields.String(load_default=None, metadata={"description": "Beginning of the SKU; with as_of the whole SKU."})
    as_of = fields.AwareDateTime(load_default=None, metadata={"description": "Stock as it was at that moment (RFC 3339)."})


class InLanguage(Schema):
    """In which language reasons are given."""

    class Meta:
        unknown = EXCLUDE

    lang = fields.String(
        load_default="en", validate=validate.OneOf(tuple(LANGUAGES)), metadata={"description": "Language of the reasons."}
    )


class WhatIfAsked(InLanguage):
    """Which rule of a decision is asked about."""

    decision = fields.String(required=True, validate=validate.Length(max=100), metadata={"description": "Name of its rule file."})
    rule = fields.String(required=True, validate=validate.Length(max=200), metadata={"description": "Id of the rule."})


class Repair(Schema):
    """Why a person steps in; kept in the audit log."""

    reason = fields.String(load_default="", validate=validate.Length(max=500), metadata={"description": "Kept on record."})


class TakenAnswer(Schema):
    """What became of a posted event."""

    event = fields.String(metadata={"description": "Our id of the event."})
    status = fields.String(validate=validate.OneOf(EVENT_STATUSES))
    order = fields.String(allow_none=True)
    decision = fields.String(allow_none=True)
    summary = fields.String(metadata={"description": "One sentence: what was decided, or why nothing could be."})
    trace = fields.String(allow_none=True, metadata={"description": "Where the decision can be read."})


class BatchItem(Schema):
    status = fields.Integer(metadata={"description": "The status this event would have got alone."})
    id = fields.String(allow_none=True, metadata={"description": "The id it was posted with."})
    replay = fields.Boolean(metadata={"description": "Whether it was known already."})
    answer = fields.Nested(TakenAnswer)
    problem = fields.Dict(metadata={"description": "A problem document, when it was refused."})


class BatchAnswer(Schema):
    """One result per event, in the order they were posted."""

    accepted = fields.Integer()
    refused = fields.Integer()
    results = fields.List(fields.Nested(BatchItem))


class HookAnswer(Schema):
    accepted = fields.Integer(metadata={"description": "How many changes the webhook told of."})


class Customer(Schema):
    email = fields.String()
    name = fields.String()


class OrderBrief(Schema):
    id = fields.String()
    number = fields.String()
    state = fields.String(validate=validate.OneOf(ORDER_STATES))
    state_reason = fields.String()
    placed_at = fields.String(metadata={"format": "date-time"})
    updated_at = fields.String(metadata={"format": "date-time"})
    currency = fields.String()
    total = fields.String(metadata={"example": "29.95"})
    paid = fields.String(metadata={"example": "29.95"})
    payment_status = fields.String()
    shop = fields.String(allow_none=True)
    shop_status = fields.String()
    fulfilment_type = fields.String()
    fulfilment_status = fields.String()
    customer = fields.Nested(Customer)
    outlets = fields.List(fields.String())
    href = fields.String()


class LineAnswer(Schema):
    line = fields.String()
    sku = fields.String()
    name = fields.String()
    quantity = fields.Integer()
    unit_price = fields.String()
    tax_rate = fields.String()
    back_ordered = fields.Integer()
    needs_shipping = fields.Boolean()


class EventAnswer(Schema):
    id = fields.String()
    type = fields.String()
    source = fields.String()
    external_id = fields.String(metadata={"description": "The id its sender gave it."})
    subject = fields.String()
    time = fields.String(metadata={"format": "date-time"})
    received_at = fields.String(metadata={"format": "date-time"})
    decided_at = fields.String(allow_none=True, metadata={"format": "date-time"})
    sequence = fields.Integer(allow_none=True)
    status = fields.String(validate=validate.OneOf(EVENT_STATUSES))
    reason = fields.String(metadata={"description": "Why deciding failed."})
    order = fields.String(allow_none=True)
    decision = fields.String(allow_none=True)
    caused_by = fields.Integer(allow_none=True, metadata={"description": "The command whose answer this is."})
    data = fields.Dict()
    href = fields.String()


class DecisionBrief(Schema):
    id = fields.String()
    event = fields.String()
    order = fields.String(allow_none=True)
    summary = fields.String()
    version = fields.String(metadata={"description": "The rule book that decided."})
    duration_us = fields.Integer()
    at = fields.String(metadata={"format": "date-time"})
    href = fields.String()


class AttemptAnswer(Schema):
    number = fields.Integer()
    trigger = fields.String(validate=validate.OneOf(("automatic", "manual")))
    started_at = fields.String(metadata={"format": "date-time"})
    finished_at = fields.String(allow_none=True, metadata={"format": "date-time"})
    outcome = fields.String()
    message = fields.String()
    exchanges = fields.List(fields.Dict(), metadata={"description": "Requests and answers; secrets and personal data masked."})


class CommandAnswer(Schema):
    id = fields.Integer()
    connection = fields.String(allow_none=True)
    operation = fields.String()
    subject = fields.String()
    status = fields.String(validate=validate.OneOf(COMMAND_STATUSES))
    tries = fields.Integer()
    due_at = fields.String(metadata={"format": "date-time"})
    created_at = fields.String(metadata={"format": "date-time"})
    done_at = fields.String(allow_none=True, metadata={"format": "date-time"})
    error_kind = fields.String()
    error = fields.String()
    result = fields.String()
    event = fields.String(allow_none=True)
    decision = fields.String(allow_none=True)
    order = fields.String(allow_none=True)
    attempts = fields.List(fields.Nested(AttemptAnswer))
    href = fields.String()


class OrderAnswer(OrderBrief):
    """An order and its whole story: every event, decision and command, oldest first."""

    external_id = fields.String()
    till = fields.String(allow_none=True)
    on_till = fields.Boolean()
    shop_payment_status = fields.String()
    blocked_reason = fields.String()
    tags = fields.List(fields.String())
    lines = fields.List(fields.Nested(LineAnswer))
    fulfilments = fields.List(fields.Dict())
    payments = fields.List(fields.Dict())
    trackings = fields.List(fields.Dict())
    invoices = fields.List(fields.Dict())
    numbers = fields.List(fields.Dict(), metadata={"description": "Every number the order has anywhere."})
    snapshot = fields.Dict(metadata={"description": "The newest data of the shop."})
    events = fields.List(fields.Nested(EventAnswer))
    decisions = fields.List(fields.Nested(DecisionBrief))
    commands = fields.List(fields.Nested(CommandAnswer))


class ConditionAnswer(Schema):
    """One condition against the facts the rule is shown with."""

    text = fields.String(metadata={"description": "The condition in the rule language; those of a group are indented below it."})
    result = fields.String(validate=validate.OneOf(("met", "not met", "missing")))
    found = fields.String(metadata={"description": "What it was; empty when missing."})
    wanted = fields.String(metadata={"description": "What it was compared with."})
    line = fields.Integer(metadata={"description": "Its line in the rule file."})


class RuleWhyAnswer(Schema):
    """One rule: why it fired, or why not."""

    rule = fields.String()
    description = fields.String()
    priority = fields.Integer()
    fired = fields.Boolean()
    fired_for = fields.List(fields.Dict(), metadata={"description": "The facts it held for: fact type to id, once per combination."})
    nearest = fields.Dict(metadata={"description": "The facts that failed the fewest conditions, when it held for none."})
    misses = fields.Integer(metadata={"description": "How many conditions failed for them."})
    conditions = fields.List(fields.Nested(ConditionAnswer), metadata={"description": "For the first facts it held for, or the nearest."})
    combinations = fields.Integer(metadata={"description": "How many combinations of facts there were to try."})
    then = fields.List(fields.String(), metadata={"description": "What it demands, in the rule language."})
    note = fields.String()
    sentence = fields.String(metadata={"description": "The rule as a sentence."})
    why = fields.String(metadata={"description": "Why it fired or did not, as a sentence with the values found."})
    lost = fields.List(fields.String(), metadata={"description": "What it said in vain, and which rule came first."})


class WhyAnswer(Schema):
    """One rule file that was asked."""

    decision = fields.String()
    description = fields.String()
    rules = fields.List(fields.Nested(RuleWhyAnswer))


class ReplayAnswer(Schema):
    """A decision taken again from what was kept of it."""

    same = fields.Boolean(metadata={"description": "Whether it gives the identical result."})
    then = fields.String(metadata={"description": "SHA-256 of the result when it was decided."})
    now = fields.String(metadata={"description": "SHA-256 of the result when it was taken again."})


class WhatIfAnswer(Schema):
    """What would have to be otherwise for a rule to fire."""

    possible = fields.Boolean(metadata={"description": "Whether anything was found that makes it fire."})
    fired = fields.Boolean(metadata={"description": "Whether it had fired already."})
    reason = fields.String(metadata={"description": "Why nothing was found."})
    changes = fields.List(fields.String(), metadata={"description": "The changes, a sentence each; the rules were run with them."})
    but = fields.String(metadata={"description": "Which rule would still come first, if one would."})


class DecisionAnswer(DecisionBrief):
    """One decision with all that led to it."""

    facts = fields.List(fields.Dict(), metadata={"description": "Per rule file: the facts and settings it saw."})
    trace = fields.Dict(metadata={"description": "Rules that fired, outcomes, sourcing matrix, changes, notes."})
    language = fields.String(metadata={"description": "Language of the sentences in `why`."})
    why = fields.List(
        fields.Nested(WhyAnswer), metadata={"description": "Per rule file: the rules that fired, then the others, nearest misses first."}
    )
    why_unavailable = fields.String(allow_none=True)
    commands = fields.List(fields.Nested(CommandAnswer))


class ConnectionAnswer(Schema):
    id = fields.String()
    name = fields.String()
    platform = fields.String()
    role = fields.String()
    base_url = fields.String()
    state = fields.String(validate=validate.OneOf(("active", "paused", "archived")))
    paused_reason = fields.String()
    waiting = fields.Integer()
    dead = fields.Integer()
    oldest_due = fields.String(allow_none=True, metadata={"format": "date-time"})
    last_success = fields.String(allow_none=True, metadata={"format": "date-time"})
    circuit = fields.String(metadata={"description": "closed, open or half-open."})
    hooks = fields.String(metadata={"description": "Where the system sends its webhooks."})
    cursors = fields.Dict(metadata={"description": "How far each of its feeds has been read."})


class StockAnswer(Schema):
    outlet = fields.String()
    sku = fields.String()
    on_hand = fields.Integer()
    reserved = fields.Integer()
    available = fields.Integer()


class NotificationAnswer(Schema):
    id = fields.String()
    order = fields.String()
    outlet = fields.String()
    text = fields.String()
    at = fields.String(metadata={"format": "date-time"})


def page_of(item: type[Schema]) -> type[Schema]:
    """The schema of a page of `item`."""
    return Schema.from_dict(
        {
            "items": fields.List(fields.Nested(item)),
            "cursor": fields.String(allow_none=True, metadata={"description": "Give it back to continue."}),
            "next": fields.String(allow_none=True, metadata={"description": "The address of the next page."}),
        },
        name=f"{item.__name__}Page",
    )
