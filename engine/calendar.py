"""What a moment is called where the merchant lives: its day, time of day and weekday, and how long ago it was.

Rules ask `order.placed_at.weekday is saturday` or `event.received_at.time after 17:00`. The answers are worked out once,
when a decision's facts are put together, and kept with them, so that a replay needs neither clock nor time zone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, tzinfo

from engine.types import Fact, Value
from engine.vocabulary import VOCABULARY, WEEKDAYS, Vocabulary


def in_time(facts: Iterable[Fact], zone: tzinfo, at: datetime, vocabulary: Vocabulary = VOCABULARY) -> list[Fact]:
    """The facts with the companions of their moments in a time zone, and the order's age at the moment `at`. Whatever
    companions they had are replaced."""
    return [_in_time(fact, zone, at, _moments(fact.type, vocabulary)) for fact in facts]


def _in_time(fact: Fact, zone: tzinfo, at: datetime, moments: tuple[str, ...]) -> Fact:
    known = [(name, value) for name in moments if isinstance(value := fact.values.get(name), datetime)]
    if not known:
        return fact
    values = dict(fact.values)
    for name, value in known:
        values.update(companions(name, value, zone))
    placed = values.get("placed_at") if fact.type == "order" else None
    if isinstance(placed, datetime):
        values["age"] = max(0, int((at - placed).total_seconds()))
    return Fact(fact.type, fact.id, values)


def companions(name: str, moment: datetime, zone: tzinfo) -> Mapping[str, Value]:
    """Day, time of day (to the second) and weekday of a moment in a time zone, under the names of its companions."""
    there = moment.astimezone(zone)
    return {
        f"{name}.date": there.date(),
        f"{name}.time": there.time().replace(microsecond=0),
        f"{name}.weekday": WEEKDAYS[there.weekday()],
    }


def _moments(fact_type: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    known = vocabulary.facts.get(fact_type)
    return known.moments if known else ()
