"""A first import from E-Series: all orders or products, one page per call.

The API lists orders by offset only and in no order one may rely on, and an order that changes meanwhile leaves its place
in any list. So orders are read window by window of their last change, oldest first, each window so narrow that one answer
holds it: a closed window in the past can only lose orders, to a later window, and nothing is passed over. Source for
filters and paging: vendor documentation (docs.ecwid.com); that both ends of a window belong to it is unconfirmed, so
windows share their border second.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from adapters.base import Refused
from adapters.http import TooLarge
from adapters.lightspeed_ecom.client import Client
from adapters.paging import grown, shrinking, too_large

_ROOM = 0.8
"""A window is made to hold this part of a page, for orders are not spread evenly."""
_MOST_GROWTH = 8
"""A window after one with few orders, or none, is at most so much wider; and never wider than half of what is left, which finds
the first order of a young shop soon."""
_MOST_REQUESTS = 30
"""So many answers of one call may be of no use (windows without orders, windows with too many) before it lets others go first."""
_OVERLAP = 10
"""Products that each page reads once more, in case some before them were deleted while others were added."""


@dataclass(frozen=True, slots=True)
class Window:
    """Where reading orders goes on: those last changed from second `start` on, over `width` seconds (None: until now),
    `size` at once and at `most`. `shared` says that the window before ended with this second. Within a second that holds more than a
    page, `below` is the offset up to which it is still to be read. `total` is how many orders there were at the
    beginning."""

    start: int
    width: int | None
    size: int
    most: int
    shared: bool = False
    below: int | None = None
    total: int | None = None

    def is_open(self, now: float) -> bool:
        """Whether it reaches the present. Then it has no end: the shop's clock may be ahead of ours."""
        return self.width is None or self.start + self.width >= int(now)

    def narrower(self, found: int, now: float) -> Window:
        """One that probably holds less than a page, when this one holds `found` orders."""
        span = int(now) - self.start if self.width is None else self.width
        return replace(self, width=max(0, min(span - 1, int(span * self.size * _ROOM / found))))

    def half(self) -> Window:
        """Half of it, and pages of half the size. Raises Refused when that is less than one order."""
        if self.size <= 1:
            raise too_large("order")
        width = None if self.width is None else self.width // 2
        return replace(self, width=width, size=self.size // 2)

    def following(self, found: int, now: float) -> Window:
        """The window after this one, which held `found` orders."""
        width = self.width or 0
        start = self.start + max(width, 1)
        growth = min(_MOST_GROWTH, self.size * _ROOM / found) if found else _MOST_GROWTH
        wider = max(1, min(int(width * growth), (int(now) - start) // 2))
        return replace(self, start=start, width=wider, size=grown(self.size, self.most), shared=width > 0, below=None)


def begin(since: str | None, size: int) -> Window:
    """Where the first page begins: at a moment (ISO 8601) or at the very first order."""
    return Window(int(_moment(since).timestamp()) if since else 0, None, size, size)


@dataclass(frozen=True, slots=True)
class Orders:
    """The next orders: `units` of them were not on an earlier page, `total` is how many there were at the beginning, and
    reading goes on with `following` (None: these were the last)."""

    items: Sequence[Mapping[str, Any]]
    units: int
    total: int | None
    following: Window | None


def orders_page(client: Client, window: Window) -> Orders:
    """Read the next page of orders."""
    for _ in range(_MOST_REQUESTS):
        now = time.time()
        if window.below is not None:
            return _part_of_a_second(client, window, window.below)
        end = {} if window.is_open(now) else {"updatedTo": window.start + (window.width or 0)}
        try:
            items, total = client.orders_page(0, window.size, updatedFrom=window.start, **end)
        except TooLarge:
            window = window.half() if end else replace(window.half(), width=_half_until(window, now))
            continue
        window = replace(window, total=total) if window.total is None else window
        if total <= window.size and len(items) >= total:
            following = window.following(total, now) if end else None
            if items or following is None:
                return Orders(items, _not_seen(items, window), window.total, following)
            window = following
        elif window.width == 0:
            window = replace(window, below=total)
        else:
            window = window.narrower(total, now)
    return Orders((), 0, window.total, window)


def _half_until(window: Window, now: float) -> int:
    return max(0, (int(now) - window.start) // 2)


def _part_of_a_second(client: Client, window: Window, below: int) -> Orders:
    """A page of a second in which more orders were changed than a page holds, the last ones first: orders that leave the
    second meanwhile move later ones down, and those were read already."""

    def ask(size: int) -> tuple[list[dict[str, Any]], int]:
        return client.orders_page(
            max(0, below - size), min(size, below), updatedFrom=window.start, updatedTo=window.start
        )

    (items, _), size = shrinking(ask, window.size)
    left = below - size
    if left > 0:
        following = replace(window, below=left, size=size)
    elif window.start >= int(time.time()) - 1:
        # More orders may still be changed in a second that is hardly over: it is read again until it is.
        following = replace(window, below=None, size=size, width=None, shared=True)
    else:
        following = replace(window, size=size).following(size, time.time())
    return Orders(items, len(items), window.total, following)


def _not_seen(items: Sequence[Mapping[str, Any]], window: Window) -> int:
    """How many of these orders an earlier page did not have: it had those of the border second."""
    return sum(not (window.shared and item.get("updateTimestamp") == window.start) for item in items)


def products_page(
    client: Client, cursor: Mapping[str, Any], most: int
) -> tuple[Sequence[Mapping[str, Any]], int, int, dict[str, Any] | None]:
    """The next products, how many of them were not on an earlier page, how many there are, and the next cursor. When
    products were deleted meanwhile, the rest moved forward: reading goes back by as many."""
    offset, size = int(cursor.get("offset", 0)), int(cursor.get("size", most))
    (items, total), size = shrinking(lambda count: client.products_page(offset, count), size, one="product")
    end, read = offset + len(items), int(cursor.get("read", 0))
    if not items or end >= total:
        return items, max(0, end - read), total, None
    gone = max(0, int(cursor.get("total", total)) - total)
    start = max(0, offset - gone - _OVERLAP) if gone else end - min(_OVERLAP, len(items) // 2)
    following = {"offset": start, "size": grown(size, most), "total": total, "read": max(end, read)}
    return items, max(0, end - read), total, following


def window_of(cursor: Any, since: str | None, size: int) -> Window:
    """The window a cursor stands for; without one the first, read `size` orders at once. Raises Refused when it is none of
    ours."""
    if cursor is None:
        return begin(since, size)
    try:
        return Window(**cursor)
    except TypeError:
        raise Refused("The position of this import cannot be read: cancel it and start again.") from None


def cursor_of(window: Window) -> dict[str, Any]:
    return asdict(window)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(f"{text!r} is not a moment: write it as 2026-01-31T00:00:00+00:00.") from None
    return moment if moment.tzinfo else moment.astimezone()
