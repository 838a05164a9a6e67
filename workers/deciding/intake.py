"""The front door for everything that happened, whoever tells it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from sqlalchemy.orm import Session

from adapters.base import NewEvent
from engine.compiled import CompiledBook
from engine.facts_json import canonical_hash
from store import commands, decisions, events, setup
from store.flow_models import Event
from store.session import Database
from workers.deciding.handlers import HANDLERS
from workers.deciding.scene import FollowUp, Refusal, Scene, Waiting

log = logging.getLogger(__name__)


class Books(Protocol):
    """Published rule books, compiled."""

    def compiled(self, session: Session, version: str | None) -> CompiledBook: ...


class Ringer(Protocol):
    """Wakes the workers. Must never raise: what it loses, the relay finds."""

    def ring(self, connection_ids: Iterable[str]) -> None: ...
    def ring_event(self, merchant_id: str, event_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of an event: `status` is received (kept, a worker will decide), waiting (for an order nobody told us
    about yet), decided or failed."""

    event_id: str
    status: str
    duplicate: bool
    decision_id: str | None
    order_id: str | None
    summary: str
    reason: str


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of deciding: which bells to ring and which events to decide next. Empty when nothing was decided."""

    decision_id: str | None = None
    summary: str = ""
    rung: Collection[str] = ()
    followed: Sequence[str] = ()


def body_hash(event_type: str, data: Mapping[str, Any]) -> str:
    """SHA-256 over type and data, so that the same id with other content is noticed. Whether a snapshot is told as placed
    or updated depends on what was known when it was read, and makes no difference."""
    return canonical_hash(["order.placed" if event_type == "order.updated" else event_type, data])


class Intake:
    """Keeps events and decides them. Safe to call from many threads and processes at once."""

    def __init__(
        self, database: Database, books: Books, bell: Ringer, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._database = database
        self.books = books
        self._bell = bell
        self._clock = clock

    def take_in(
        self,
        merchant_id: str,
        source: str,
        event: NewEvent,
        *,
        connection_id: str | None = None,
        caused_by: int | None = None,
        defer: bool = False,
    ) -> Taken:
        """Keep an event and decide it, in one transaction. With `defer` a worker decides it later.

        A duplicate (same source and id) changes nothing and returns what became of the first one. When deciding
        breaks, the event is kept all the same, as failed, with the reason.

        Raises store.events.EventConflict when the id was used before for other content.
        """
        decided = Decided()
        with self._database.session(merchant_id) as session:
            row, duplicate = events.keep(
                session,
                source=source,
                external_id=event.id,
                type=event.type,
                subject=event.subject,
                time=event.time,
                data=dict(event.data),
                body_hash=body_hash(event.type, event.data),
                connection_id=connection_id,
                sequence=event.sequence,
                caused_by=caused_by,
            )
            if duplicate:
                return _known(session, row)
            if not defer:
                decided = self._decide(session, row)
            taken = _taken(row, decided.decision_id, decided.summary, duplicate=False)
        if defer:
            self._bell.ring_event(merchant_id, taken.event_id)
        self._after_commit(merchant_id, decided)
        return taken

    def decide(self, merchant_id: str, event_id: str, *, again: bool = False) -> Taken:
        """Decide an event that was kept but not decided; with `again` also one that failed. Anything else is left as it
        is, so that calling twice is harmless."""
        with self._database.session(merchant_id) as session:
            row = events.get(session, event_id, lock=True)
            if row is None:
                raise LookupError(f"there is no event {event_id}")
            if row.status not in ("received", "waiting") and not (again and row.status == "failed"):
                return _known(session, row)
            decided = self._decide(session, row)
            taken = _taken(row, decided.decision_id, decided.summary, duplicate=False)
        self._after_commit(merchant_id, decided)
        return taken

    def reprocess(self, merchant_id: str, event_id: str) -> Taken:
        """Decide a failed event again, after what broke was mended."""
        return self.decide(merchant_id, event_id, again=True)

    def _after_commit(self, merchant_id: str, decided: Decided) -> None:
        if decided.rung:
            self._bell.ring(sorted(decided.rung))
        for event_id in decided.followed:
            self._bell.ring_event(merchant_id, event_id)

    def _decide(self, session: Session, row: Event) -> Decided:
        """Decide within the session's transaction. Whatever breaks undoes only the deciding, never the keeping."""
        try:
            with session.begin_nested():
                scene = self._run(session, row)
        except Waiting as waiting:
            row.status, row.reason, row.subject = "waiting", str(waiting), waiting.subject
            return Decided()
        except Refusal as refusal:
            _fail(row, str(refusal), self._clock())
            return Decided()
        except Exception as error:
            log.exception("deciding failed", extra={"event_id": row.id, "event_type": row.type})
            _fail(row, f"deciding broke: {type(error).__name__}: {error}"[:2000], self._clock())
            return Decided()
        followed = [self._keep_follow_up(session, scene, follow).id for follow in scene.follow_ups]
        if row.import_id is not None:
            followed.clear()  # They belong to the import too, which has them decided in its turn.
        rung = {command.connection_id for command in scene.commands}
        return Decided(scene.decision_id, scene.summary, rung, [*followed, *scene.awakened])

    def _run(self, session: Session, row: Event) -> Scene:
        started = time.perf_counter_ns()
        known = setup.of(session)
        scene = Scene(session, row, known, self.books.compiled(session, known.version))
        handler = HANDLERS.get(row.type)
        if handler is None:
            raise Refusal(f"nobody here knows what to do with an event of type {row.type}")
        handler(scene)
        row.status, row.reason, row.decided_at = "decided", "", self._clock()
        row.order_id = scene.order.id if scene.order is not None else None
        self._write(session, scene, (time.perf_counter_ns() - started) // 1000)
        return scene

    def _write(self, session: Session, scene: Scene, duration_us: int) -> None:
        trace = scene.trace()
        scene.summary = summarise(scene)
        scene.decision_id = decisions.keep(
            session,
            event_id=scene.event.id,
            order_id=scene.event.order_id,
            version=scene.version,
            summary=scene.summary,
            facts=scene.judged,
            trace=trace,
            facts_hash=canonical_hash(scene.judged),
            result_hash=result_hash(trace),
            duration_us=duration_us,
            at=scene.at,
        )
        commands.put_all(
            session,
            scene.commands,
            event_id=scene.event.id,
            decision_id=scene.decision_id,
            order_id=scene.event.order_id,
        )

    def _keep_follow_up(self, session: Session, scene: Scene, follow: FollowUp) -> Event:
        row, _ = events.keep(
            session,
            source=events.OUR_SOURCE,
            external_id=follow.id,
            type=follow.type,
            subject=follow.subject,
            time=scene.at,
            data=dict(follow.data),
            body_hash=body_hash(follow.type, follow.data),
            import_id=scene.event.import_id,
        )
        return row


def result_hash(trace: Mapping[str, Any]) -> str:
    """What a replay has to arrive at again: what every rule file said, and the sourcing."""
    return canonical_hash([trace["steps"], trace["sourcing"]])


def summarise(scene: Scene) -> str:
    """One sentence for people: what changed, else what was noted, else that nothing had to be done."""
    if scene.changes:
        return "; ".join(f"{c['what']}: {c['from']} → {c['to']}" if c["from"] else f"{c['what']}: {c['to']}" for c in scene.changes[:4])
    if scene.notes:
        return " ".join(scene.notes[:2])
    if scene.told:
        return "; ".join(f"{t['connection']} is told to {t['operation'].replace('_', ' ')}" for t in scene.told[:3])
    return "Nothing had to be done."


def _fail(row: Event, reason: str, at: datetime) -> None:
    row.status, row.reason, row.decided_at = "failed", reason, at


def _taken(row: Event, decision_id: str | None, summary: str, *, duplicate: bool) -> Taken:
    return Taken(
        event_id=row.id,
        status=row.status,
        duplicate=duplicate,
        decision_id=decision_id,
        order_id=row.order_id,
        summary=summary,
        reason=row.reason,
    )


def _known(session: Session, row: Event) -> Taken:
    """What became of an event that had been dealt with before."""
    decision = decisions.of_event(session, row.id) if row.status == "decided" else None
    return _taken(row, decision.id if decision else None, decision.summary if decision else "", duplicate=True)
