"""Reads orders or products in the order of their last change, without skipping any while they change.

Rows move between pages while one reads, so pages are never counted: each page begins at the second of the last row
seen, without the rows seen of that second. Times have a resolution of one second and `modified_after` is strict.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.base import Refused
from adapters.paging import grown, shrinking
from adapters.woocommerce.client import Page
from adapters.woocommerce.mapping import gmt, gmt_text

LONGEST_EXCLUDE = 300
"""Ids that fit into an address, which servers limit to 8,000 characters."""

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
"""Before the first WooCommerce shop."""

_SECOND = timedelta(seconds=1)

Ask = Callable[..., Page]
"""One page of a list, by its filters."""


@dataclass(frozen=True, slots=True)
class Place:
    """How far a sweep is: everything changed before `second` was seen, and of that second the rows with ids `seen`.

    When more rows than an address can exclude changed in one second (an import, a bulk edit), that second is read by
    page numbers: `page` is the next one and `total` how many rows there were, since a changed number means that rows
    moved and the second has to be read again.
    """

    second: datetime
    seen: tuple[int, ...] = ()
    size: int = 0
    page: int = 0
    total: int | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "second": gmt_text(self.second), "seen": list(self.seen), "size": self.size, "page": self.page,
            "total": self.total,
        }  # fmt: skip

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Place:
        """Raises Refused for a cursor that is none of ours."""
        second, seen = gmt(value.get("second")), value.get("seen") or []
        numbers = [value.get(name) or 0 for name in ("size", "page", "total")]
        if second is None or not isinstance(seen, list) or not all(isinstance(each, int) for each in [*seen, *numbers]):
            raise Refused("The command's cursor makes no sense: begin again without one.")
        return Place(second, tuple(seen), numbers[0], numbers[1], value.get("total"))


@dataclass(frozen=True, slots=True)
class Swept:
    """One page: its rows, where to go on (None at the end), and how many rows were still to come before it."""

    rows: list[dict[str, Any]]
    following: Place | None
    left: int | None
    reached: Place


def sweep(ask: Ask, place: Place, most: int, **filters: Any) -> Swept:
    """The next page of at most `most` rows, fewer when they are large. Raises what `ask` raises."""
    if place.page:
        return _one_second(ask, place, most, filters)
    if len(place.seen) > LONGEST_EXCLUDE:
        return _one_second(ask, Place(place.second, size=place.size, page=1), most, filters)
    exclude = {"exclude": ",".join(map(str, place.seen))} if place.seen else {}
    page, size = shrinking(
        lambda size: ask(
            **filters, **exclude, modified_after=gmt_text(place.second - _SECOND), dates_are_gmt="true",
            orderby="modified", order="asc", per_page=size,
        ),
        min(place.size or most, most),
    )  # fmt: skip
    rows = page.items
    last = max((_second(row) for row in rows), default=place.second)
    ids = tuple(row["id"] for row in rows if _second(row) == last)
    seen = (*place.seen, *ids) if last == place.second else ids
    reached = Place(last, seen, grown(size, most))
    return Swept(rows, reached if len(rows) >= size else None, page.total, reached)


def _one_second(ask: Ask, place: Place, most: int, filters: Mapping[str, Any]) -> Swept:
    size = min(place.size or most, most)
    page, asked = shrinking(
        lambda size: ask(
            **filters, modified_after=gmt_text(place.second - _SECOND), modified_before=gmt_text(place.second + _SECOND),
            dates_are_gmt="true", orderby="id", order="asc", per_page=size, page=place.page,
        ),
        size,
    )  # fmt: skip
    first_again = Place(place.second, size=asked, page=1)
    if asked != size or (place.page > 1 and page.total != place.total):
        return Swept(page.items, first_again, page.total, first_again)
    following = Place(place.second, size=asked, page=place.page + 1, total=page.total)
    if len(page.items) < asked:
        following = Place(place.second + _SECOND, size=asked)
    return Swept(page.items, following, page.total, following)


def _second(row: Mapping[str, Any]) -> datetime:
    """When a row was changed. Raises Refused when it does not say."""
    found = gmt(row.get("date_modified_gmt")) or gmt(row.get("date_created_gmt"))
    if found is None or not isinstance(row.get("id"), int):
        raise Refused(f"{str(row.get('id') or 'Something')[:40]} in the shop has no id or no usable date of change.")
    return found
