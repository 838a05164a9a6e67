"""Reading orders: one, those that changed, and page by page through a shop's history.

Lists are read by key and not by page number: offset paging shifts while orders change. A page is what changed since a
date, oldest first; when a whole page shares one second, that second is read by growing id. Sources: vendor OpenAPI
orders.v2 (filters, `sort`), public issue trackers (a filter the shop ignores answers all orders).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from adapters.base import NewEvent, Refused, Result, RetryLater
from adapters.bigcommerce.client import number_id
from adapters.bigcommerce.mapping import moment
from adapters.bigcommerce.progress import FINAL, status_id, units
from adapters.bigcommerce.settings import number_setting
from adapters.bigcommerce.work import WHOLE, Work
from adapters.fields import deleted_order
from adapters.paging import grown, shrinking
from adapters.polling import Cursor

CALLS_AT_ONCE = 60
"""A read of many orders stops after so many calls, well within the smallest plan's 150 in 30 seconds, so that what it
learned is kept and others get their turn."""

_CURSOR = "orders.cursor"
_UNSURE = 120
"""Seconds by which two clocks and the time of a call may differ without one of them having been turned."""

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Position:
    """Where reading goes on: changes of second `since` (UNIX) and later; within that second beyond order `after` when that
    is not None."""

    since: int
    after: int | None = None

    def json(self) -> list[int | None]:
        return [self.since, self.after]

    @staticmethod
    def of(value: Any) -> Position:
        """The reverse of `json`. Raises Refused for something that is no position."""
        if isinstance(value, Sequence) and len(value) == 2 and isinstance(value[0], int):
            after = value[1]
            if after is None or isinstance(after, int):
                return Position(value[0], after)
        raise Refused(f"{str(value)[:80]!r} is no position to go on reading from: start the import again.")


def read_order(work: Work) -> Result:
    """Read one order. One that was archived or deleted before it was done is reported as cancelled."""
    order_id = number_id(work.text("external_id"))
    try:
        order = work.order(order_id)
    except Refused:
        if work.call.payload.get("deleted") is True:
            return deleted_order(work.memory, str(order_id))
        raise
    if is_archived(order):
        return deleted_order(work.memory, str(order_id))
    return Result(f"Read order {order_id}.", (work.event(order),))


def read_orders(work: Work) -> Result:
    """Poll for orders changed since the last poll, with an overlap.

    A poll that took up enough stops; the next one goes on exactly there. The position is the shop's own time: when its
    clock was turned back, as the Date of its answers tells, the poll starts as much earlier, since changes then carry times
    that lie before the position.
    """
    cursor = Cursor(work.memory, _CURSOR, work.call)
    now = int(time.time())
    first = now - int(number_setting(work.connection, "first_poll_days") * _DAY)
    start = cursor.position({"at": [first, None], "asked": now})
    overlap = int(number_setting(work.connection, "poll_overlap_seconds"))
    at = Position.of(start["at"])
    newest, most = at.since, int(number_setting(work.connection, "poll_orders"))
    following: Position | None = at if at.after is not None else Position(max(0, at.since - overlap))
    size = most_at_once = int(number_setting(work.connection, "page_size"))
    events: list[NewEvent] = []
    begun = False
    while following is not None and len(events) < most and work.client.calls < CALLS_AT_ONCE:
        (rows, beyond), size = shrinking(partial(page_of_orders, work, following), size)
        if not begun and (then := _clock_then(work, start["asked"])) < newest - _UNSURE:
            begun, newest, following = True, then, Position(max(0, then - overlap))
            continue
        found, done, following = _told(work, rows, beyond)
        begun, newest, size = True, max([newest, *map(_changed, done)]), grown(size, most_at_once)
        events += found
    reached = [newest, None] if following is None else [following.since, following.after or 0]
    cursor.keep(start, {"at": reached, "asked": now})
    return Result(f"Read {len(events)} changed orders.", events, did_nothing=not events)


def _clock_then(work: Work, asked: Any) -> int:
    """What the shop's clock would have shown at the last poll if it always ran as it does now."""
    if work.client.clock is None:
        return sys.maxsize
    return max(0, int(work.client.clock - max(0.0, time.time() - float(asked))))


def read_page(work: Work) -> Result:
    """One page of a first import of orders, oldest change first."""
    cursor = work.call.payload.get("cursor")
    kept: Mapping[str, Any] = cursor if isinstance(cursor, Mapping) else _first_cursor(work)
    most = int(number_setting(work.connection, "page_size"))
    size = min(most, max(1, units(kept.get("size") or most)))
    (rows, following), size = shrinking(partial(page_of_orders, work, Position.of(kept.get("at"))), size)
    events, done, following = _told(work, rows, following, briefly=True)
    total, then = kept.get("total"), None
    if following is not None:
        then = {**work.call.payload, "cursor": {"at": following.json(), "total": total, "size": grown(size, most)}}
    return Result(
        f"Read {len(done)} orders.", events, did_nothing=not events, then=then,
        progress=(len(done), total if isinstance(total, int) else None),
    )  # fmt: skip


def page_of_orders(work: Work, position: Position, size: int) -> tuple[list[dict[str, Any]], Position | None]:
    """At most `size` orders from a position on, by change and id, and where the next page starts (None: there is none).

    A full page may end amid the orders of a second: those are left to the next page. Raises RetryLater when the shop
    ignored our filter.
    """
    if position.after is not None:
        return _within_a_second(work, position, size)
    rows = work.client.v2_list(
        "orders", min_date_modified=_text(position.since), sort="date_modified:asc", limit=size, **WHOLE
    )
    if any(_changed(row) < position.since for row in rows):
        raise RetryLater(
            "The shop answered orders from before the date we asked for.",
            detail=f"min_date_modified={_text(position.since)}",
        )
    rows.sort(key=lambda row: (_changed(row), number_id(row.get("id"))))
    if len(rows) < size:
        return rows, None
    last = _changed(rows[-1])
    complete = [row for row in rows if _changed(row) < last]
    return (complete, Position(last)) if complete else ([], Position(last, 0))


def _within_a_second(work: Work, position: Position, size: int) -> tuple[list[dict[str, Any]], Position | None]:
    """Orders that changed in one second, by growing id. The end of the range is a second later, since whether it counts is
    not documented."""
    after = position.after or 0
    rows = work.client.v2_list(
        "orders", min_date_modified=_text(position.since), max_date_modified=_text(position.since + 1), min_id=after + 1,
        sort="id:asc", limit=size, **WHOLE,
    )  # fmt: skip
    if any(number_id(row.get("id")) <= after for row in rows):
        raise RetryLater("The shop answered orders that we did not ask for.", detail=f"min_id={after + 1}")
    found = [row for row in rows if _changed(row) == position.since]
    if len(rows) < size:
        return found, Position(position.since + 1)
    return found, Position(position.since, max(number_id(row.get("id")) for row in rows))


def _told(
    work: Work, rows: list[dict[str, Any]], following: Position | None, *, briefly: bool = False
) -> tuple[list[NewEvent], list[dict[str, Any]], Position | None]:
    """What there is to tell of these orders: events, the orders told of, and where to go on.

    An order that was sent needs calls of its own, so a page can come to more of them than the shop allows at once: then it
    stops early, after at least one order.
    """
    events: list[NewEvent] = []
    for index, row in enumerate(rows):
        if index and work.client.calls >= CALLS_AT_ONCE:
            last = rows[index - 1]
            return events, rows[:index], Position(_changed(last), number_id(last.get("id")))
        events += _events(work, row, briefly=briefly)
    return events, rows, following


def is_archived(order: Mapping[str, Any]) -> bool:
    """Whether an order was archived before it was done; archiving a finished order is tidying up."""
    return order.get("is_deleted") is True and status_id(order) not in FINAL


def _events(work: Work, row: dict[str, Any], *, briefly: bool = False) -> Sequence[NewEvent]:
    if is_archived(row):
        return deleted_order(work.memory, str(number_id(row.get("id")))).events
    return (work.event(work.complete(row), briefly=briefly),)


def _first_cursor(work: Work) -> dict[str, Any]:
    """Start of an import: where, and how many orders there are when all are read (the shop counts only all)."""
    since = work.call.payload.get("since")
    if since is None:
        return {"at": [0, None], "total": units(work.client.v2("orders/count").get("count"))}
    try:
        return {"at": [int(datetime.fromisoformat(str(since)).timestamp()), None], "total": None}
    except ValueError:
        raise Refused(f"The import cannot start at {str(since)[:40]!r}: it is no ISO 8601 time.") from None


def _changed(row: Mapping[str, Any]) -> int:
    return int(moment(row, "date_modified", "date_created").timestamp())


def _text(seconds: int) -> str:
    """A moment as the filters take it (ISO 8601, whole seconds)."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
