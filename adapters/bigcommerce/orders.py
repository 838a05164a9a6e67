"""Reading orders: one, those that changed, and page by page through a shop's history.

Lists are read by key and not by page number: offset paging shifts while orders change. A page is what changed since a
date, oldest first; when a whole page shares one second, that second is read by growing id. Sources: vendor OpenAPI
orders.v2 (filters, `sort`), public issue trackers (a filter the shop ignores answers all orders).
"""

from __future__ import annotations

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
from adapters.paging import grown, shrinking
from adapters.polling import Cursor

_CURSOR = "orders.cursor"
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
            return _gone(work, order_id)
        raise
    if is_archived(order):
        return _gone(work, order_id)
    return Result(f"Read order {order_id}.", (work.event(order),))


def read_orders(work: Work) -> Result:
    """Poll for orders changed since the last poll, with an overlap."""
    cursor = Cursor(work.memory, _CURSOR, work.call)
    start = cursor.position([int(time.time() - number_setting(work.connection, "first_poll_days") * _DAY), None])
    position, most = Position.of(start), int(number_setting(work.connection, "poll_orders"))
    if position.after is None:
        position = Position(max(0, position.since - int(number_setting(work.connection, "poll_overlap_seconds"))))
    events: list[NewEvent] = []
    newest, seen = Position.of(start).since, set[str]()
    size = most_at_once = int(number_setting(work.connection, "page_size"))
    while True:
        (rows, following), size = shrinking(partial(page_of_orders, work, position), size)
        events += [event for row in rows for event in _events(work, row) if event.id not in seen]
        seen |= {event.id for event in events}
        newest = max([newest, *(_changed(row) for row in rows)])
        if following is None:
            cursor.keep(start, [newest, None])
            break
        position, size = following, grown(size, most_at_once)
        if len(events) >= most and position.since > Position.of(start).since:
            cursor.keep(start, position.json())
            break
    return Result(f"Read {len(events)} changed orders.", events, did_nothing=not events)


def read_page(work: Work) -> Result:
    """One page of a first import of orders, oldest change first."""
    cursor = work.call.payload.get("cursor")
    kept: Mapping[str, Any] = cursor if isinstance(cursor, Mapping) else _first_cursor(work)
    done = set(kept.get("seen") or ())
    most_at_once = int(number_setting(work.connection, "page_size"))
    size = min(most_at_once, max(1, units(kept.get("size") or most_at_once)))
    (rows, following), size = shrinking(partial(page_of_orders, work, Position.of(kept.get("at"))), size)
    # What was read of the last second is read again, in case more changed within it.
    fresh = [row for row in rows if f"{row.get('id')}@{_changed(row)}" not in done]
    events = [event for row in fresh for event in _events(work, row, briefly=True)]
    then = None
    if following is not None:
        seen = [f"{row.get('id')}@{_changed(row)}" for row in rows if _changed(row) >= following.since]
        seen = seen if rows else sorted(done)
        then = {**work.call.payload, "cursor": {"at": following.json(), "total": kept.get("total"), "seen": seen, "size": grown(size, most_at_once)}}
    total = kept.get("total")
    return Result(
        f"Read {len(fresh)} orders.", events, did_nothing=not events, then=then,
        progress=(len(fresh), total if isinstance(total, int) else None),
    )  # fmt: skip


def page_of_orders(work: Work, position: Position, size: int) -> tuple[list[dict[str, Any]], Position | None]:
    """At most `size` orders from a position on, and where the next page starts (None: there is none). Raises RetryLater
    when the shop ignored our filter."""
    if position.after is not None:
        return _within_a_second(work, position, size)
    rows = work.client.v2_list(
        "orders", min_date_modified=_text(position.since), sort="date_modified:asc", limit=size, **WHOLE
    )
    if any(_changed(row) < position.since for row in rows):
        raise RetryLater(
            "The shop answered orders from before the date we asked for.", detail=f"min_date_modified={_text(position.since)}"
        )
    if len(rows) < size:
        return rows, None
    last = max(_changed(row) for row in rows)
    if last > _changed(rows[0]):
        return rows, Position(last)
    return [], Position(last, 0)


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


def is_archived(order: Mapping[str, Any]) -> bool:
    """Whether an order was archived before it was done; archiving a finished order is tidying up."""
    return order.get("is_deleted") is True and status_id(order) not in FINAL


def _events(work: Work, row: dict[str, Any], *, briefly: bool = False) -> Sequence[NewEvent]:
    if is_archived(row):
        return _gone(work, number_id(row.get("id"))).events
    return (work.event(work.complete(row), briefly=briefly),)


def _gone(work: Work, order_id: int) -> Result:
    ours = work.memory.ours("order", str(order_id))
    if ours is None:
        return Result(f"Order {order_id} was deleted in the shop before we knew it.", did_nothing=True)
    event = NewEvent(
        id=f"order:{order_id}:deleted", type="order.cancelled", subject=f"order:{order_id}", time=datetime.now(UTC),
        data={"order": {"id": ours}, "reason": "deleted in the shop"},
    )  # fmt: skip
    return Result(f"Order {order_id} was deleted in the shop.", (event,))


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
