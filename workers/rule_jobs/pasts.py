"""Past decisions, read in batches: what each rule file was asked then, ready to be asked again."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVarTuple

from sqlalchemy import ColumnElement, LargeBinary, Select, and_, func, not_, or_, select, type_coerce
from sqlalchemy.orm import Session

from engine import facts_json
from engine.types import Fact
from store.flow_models import Decision
from store.order_models import Order

Place = tuple[datetime, str]
"""Where a decision stands among all: its moment, then its id."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One question to one rule file: the facts, and the settings that were in force. `of_past` is False for questions
    nobody asked then."""

    decision: str
    facts: list[Fact]
    settings: Mapping[str, Any] = field(default_factory=dict)
    of_past: bool = True


@dataclass(frozen=True, slots=True)
class Past:
    """One stored decision: its questions in the order they were asked."""

    id: str
    event_id: str
    order_id: str
    version: str
    at: datetime
    judged: tuple[Judged, ...]

    @property
    def place(self) -> Place:
        return self.at, self.id


@dataclass(frozen=True, slots=True)
class Kept:
    """A decision as it is stored, its facts still packed."""

    id: str
    event_id: str
    order_id: str | None
    version: str
    at: datetime
    facts: bytes

    def unpacked(self) -> Past:
        """Raises ValueError or KeyError for facts that cannot be read."""
        judged = tuple(
            Judged(asked["decision"], [facts_json.decode_fact(fact) for fact in asked["facts"]], asked["settings"])
            for asked in json.loads(zlib.decompress(self.facts))
        )
        return Past(self.id, self.event_id, self.order_id or "", self.version, self.at, judged)


Columns = TypeVarTuple("Columns")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which past decisions: those made from `since` up to and including `until`, of one shop (its connection id) or of
    all. Decisions about no order belong to every shop."""

    since: datetime
    until: datetime
    shop_id: str = ""

    def count(self, session: Session) -> int:
        """How many there are."""
        return session.scalar(self._narrowed(select(func.count()).select_from(Decision))) or 0

    def newest(self, session: Session, count: int) -> Place | None:
        """Where the `count`-th newest stands; None when there are not so many."""
        ordered = self._narrowed(select(Decision.at, Decision.id)).order_by(Decision.at.desc(), Decision.id.desc())
        found = session.execute(ordered.offset(count - 1).limit(1)).first()
        return None if found is None else (found[0], found[1])

    def batch(self, session: Session, after: Place | None, limit: int) -> Sequence[Kept]:
        """The next decisions in the order they were made."""
        columns = (
            Decision.id, Decision.event_id, Decision.order_id, Decision.version, Decision.at,
            type_coerce(Decision.facts, LargeBinary),
        )  # fmt: skip
        found = self._narrowed(select(*columns)).order_by(Decision.at, Decision.id).limit(limit)
        if after is not None:
            at, decision_id = after
            found = found.where(Decision.at >= at, not_(and_(Decision.at == at, Decision.id <= decision_id)))
        return [Kept(*row) for row in session.execute(found)]

    def _narrowed(self, found: Select[*Columns]) -> Select[*Columns]:
        wanted: list[ColumnElement[bool]] = [Decision.at >= self.since, Decision.at <= self.until]
        if self.shop_id:
            found = found.outerjoin(Order, Order.id == Decision.order_id)
            wanted.append(or_(Order.shop_id == self.shop_id, Decision.order_id.is_(None)))
        return found.where(*wanted)


def of_shop(past: Past, name: str) -> Past:
    """Only the questions that concern a shop, by its name; those that name no shop concern all."""
    mine = tuple(j for j in past.judged if all(f.id == name for f in j.facts if f.type == "shop"))
    return Past(past.id, past.event_id, past.order_id, past.version, past.at, mine)


def fact_of(facts: Sequence[Fact], kind: str) -> Fact | None:
    """The first fact of a type."""
    return next((fact for fact in facts if fact.type == kind), None)
