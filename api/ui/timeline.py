"""An order's story as a timeline: events are what happened; what was decided and told hangs on the event that caused it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from api.ui.words import label
from store.flow_models import Command, Decision, Event
from store.models import Connection
from store.orders import Story

SIDES = ("shop", "till", "api", "wissel")


@dataclass(frozen=True, slots=True)
class Group:
    """One event with its decisions and the commands they made. `side` says who told it: shop, till, api or ourselves."""

    at: datetime
    side: str
    told_by: str
    event: Event | None
    decisions: Sequence[Decision] = ()
    commands: Sequence[Command] = field(default_factory=tuple)
    caused_by: Command | None = None

    @property
    def failed(self) -> bool:
        """Whether something in it waits for a person."""
        return (self.event is not None and self.event.status == "failed") or any(c.status == "dead" for c in self.commands)

    @property
    def tone(self) -> str:
        """The worst tone in the group, for its dot."""
        tones = [label("event", self.event.status).tone] if self.event else []
        tones += [label("command", command.status).tone for command in self.commands]
        return next((tone for tone in ("bad", "warn", "busy", "good") if tone in tones), "idle")


def timeline(
    story: Story, systems: Mapping[str, Connection], *, side: str = "", failed_only: bool = False, oldest_first: bool = False
) -> list[Group]:
    """The groups of a story in order of time; by default the newest first. `side` keeps what one side told or was told."""
    decisions, commands = defaultdict(list), defaultdict(list)
    for decision in story.decisions:
        decisions[decision.event_id].append(decision)
    for command in story.commands:
        commands[command.event_id or ""].append(command)
    by_id = {command.id: command for command in story.commands}
    groups = [
        Group(
            at=event.received_at,
            side=_side(event, systems),
            told_by=_told_by(event, systems),
            event=event,
            decisions=decisions[event.id],
            commands=commands.pop(event.id, []),
            caused_by=by_id.get(event.caused_by) if event.caused_by else None,
        )
        for event in story.events
    ]
    groups += [
        Group(at=command.created_at, side="wissel", told_by="", event=None, commands=[command])
        for rest in commands.values()
        for command in rest
    ]
    kept = [group for group in groups if (not failed_only or group.failed) and _concerns(group, side, systems)]
    return sorted(kept, key=lambda group: (group.at, group.event.id if group.event else ""), reverse=not oldest_first)


def _side(event: Event, systems: Mapping[str, Connection]) -> str:
    connection = systems.get(event.connection_id or "")
    if connection is not None:
        return connection.role
    return "wissel" if event.source == "wissel" else "api"


def _told_by(event: Event, systems: Mapping[str, Connection]) -> str:
    connection = systems.get(event.connection_id or "")
    return connection.name if connection else "Wissel" if event.source == "wissel" else event.source


def _concerns(group: Group, side: str, systems: Mapping[str, Connection]) -> bool:
    if not side or group.side == side:
        return True
    return any(systems[command.connection_id].role == side for command in group.commands if command.connection_id in systems)
