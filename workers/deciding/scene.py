"""One event being decided: the state it touches, what the rules said, and what is to be told to whom.

Handlers read and change rows through the session and speak to the rest of the world only by `tell`, which puts a
command into the outbox of the same transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy.orm import Session

from engine import facts_json
from engine.calendar import in_time
from engine.compiled import CompiledBook
from engine.outcomes import effective_settings
from engine.replaying import run_as_dict
from engine.settings_json import typed_all
from engine.types import Fact, Run, Value
from store import commands
from store.flow_models import Event
from store.models import Connection
from store.order_models import Order
from store.setup import Setup


class Refusal(Exception):
    """The event makes no sense in the present state of things. It is kept as failed, with this sentence."""


class Waiting(Exception):
    """The event speaks of an order nobody told us about yet. It is decided when that order arrives."""

    def __init__(self, sentence: str, subject: str) -> None:
        super().__init__(sentence)
        self.subject = subject


@dataclass(frozen=True, slots=True)
class FollowUp:
    """An event of our own that this decision gives rise to, decided after the commit."""

    id: str
    type: str
    subject: str
    data: Mapping[str, Any]


@dataclass
class Scene:
    """Everything one event needs while it is decided."""

    session: Session
    event: Event
    setup: Setup
    book: CompiledBook
    order: Order | None = None
    judged: list[dict[str, Any]] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    changes: list[dict[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    told: list[dict[str, str]] = field(default_factory=list)
    sourcing: dict[str, Any] | None = None
    follow_ups: list[FollowUp] = field(default_factory=list)
    awakened: list[str] = field(default_factory=list)
    decision_id: str | None = None
    summary: str = ""
    commands: list[commands.Wanted] = field(default_factory=list)

    @cached_property
    def connection(self) -> Connection | None:
        """The connection that told the event, if one did."""
        return self.setup.connection_by_id.get(self.event.connection_id or "")

    @property
    def version(self) -> str:
        """The version of the rules that decides."""
        return str(self.setup.version)

    @property
    def data(self) -> Mapping[str, Any]:
        """The event's data, shapes as in `docs/how-to-post-events.md`."""
        data: Mapping[str, Any] = self.event.data
        return data

    @property
    def at(self) -> datetime:
        """When the event reached us: the only clock deciding knows."""
        return self.event.received_at

    def judge(self, decision: str, facts: Sequence[Fact]) -> Run:
        """Let one rule file decide; facts, settings and result go into the trace."""
        settings = self.settings(decision)
        facts = in_time(facts, self.setup.zone, self.at)
        run = self.book.run(decision, facts, settings)
        self.judged.append({
            "decision": decision,
            "facts": [facts_json.encode_fact(fact) for fact in facts],
            "settings": facts_json.encode_values(settings),
        })  # fmt: skip
        self.steps.append(run_as_dict(run))
        self._keep_derived(run)
        return run

    def settings(self, decision: str) -> Mapping[str, Value]:
        """The rule file's settings with the merchant's own values over the defaults."""
        defaults = self.book.book.decisions[decision].settings
        settings, errors = effective_settings(defaults, typed_all(defaults, self.setup.settings.get(decision, {})))
        self.notes.extend(errors)
        return settings

    def _keep_derived(self, run: Run) -> None:
        """Tags that rules set stay on the order, so that later decisions see them."""
        for fact in run.derived:
            if fact.type == "order" and self.order is not None:
                self.order.tags = list(fact.values.get("tags", ()))  # type: ignore[arg-type]

    def change(self, what: str, before: object, after: object) -> None:
        """Record that something became something else; says nothing when it did not."""
        if before != after:
            self.changes.append({"what": what, "from": str(before), "to": str(after)})

    def note(self, sentence: str) -> None:
        """Record what a reader of the trace should know."""
        self.notes.append(sentence)

    def tell(
        self,
        connection: Connection,
        operation: str,
        subject: str,
        payload: Mapping[str, Any],
        *,
        because: str = "",
        collapse_key: str | None = None,
    ) -> None:
        """Want one command in the outbox; it is written with the decision. A newer command with the same `collapse_key` replaces waiting ones."""
        background = self.event.import_id is not None
        self.commands.append(commands.Wanted(connection.id, operation, subject, dict(payload), collapse_key, background))
        self.told.append({"connection": connection.name, "operation": operation, "subject": subject, "because": because})

    def last_payloads(self, connection: Connection, operation: str, subjects: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """What a system was last asked by one operation, by subject, what this decision asks of it included."""
        found = commands.last_payloads(self.session, connection.id, operation, subjects)
        for wanted in self.commands:
            if (wanted.connection_id, wanted.operation) == (connection.id, operation) and wanted.subject in subjects:
                found[wanted.subject] = wanted.payload
        return found

    def follow(self, event_id: str, event_type: str, subject: str, data: Mapping[str, Any]) -> None:
        """Give rise to an event of our own."""
        self.follow_ups.append(FollowUp(event_id, event_type, subject, data))

    def by_role(self, role: str) -> Sequence[Connection]:
        """The merchant's connections of one role, oldest first."""
        return self.setup.by_role(role)

    def shop_of(self, order: Order) -> Connection | None:
        """The shop the order came from, if it came from one."""
        return self.setup.connection_by_id.get(order.shop_id or "")

    def till_of(self, order: Order) -> Connection | None:
        """The till that carries the order out: the one that took it over, else the merchant's first."""
        if order.till_id:
            return self.setup.connection_by_id.get(order.till_id)
        return next(iter(self.by_role("till")), None)

    def trace(self) -> dict[str, Any]:
        """The trace as it is stored."""
        return {
            "steps": self.steps,
            "sourcing": self.sourcing,
            "changes": self.changes,
            "notes": self.notes,
            "told": self.told,
        }
