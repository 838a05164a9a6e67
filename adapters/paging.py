"""Reading many things page by page without falling over a page that is too large.

A page of a hundred orders is usually a few hundred kilobytes. A merchant who keeps designs or long notes in orders has
pages of tens of megabytes, which `adapters.http` refuses to hold in memory. Then fewer are asked for at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from adapters.base import Refused
from adapters.http import MAX_BODY_BYTES, TooLarge

T = TypeVar("T")


def shrinking(ask: Callable[[int], T], size: int, *, one: str = "order") -> tuple[T, int]:
    """Ask for a page of `size` things, and for half as many again and again while the answer is too large.

    Returns the answer and the size it was asked with, which the next page should begin with (see `grown`); `ask` may be
    called with every size down to 1. Raises Refused when a single one is too large, and whatever else `ask` raises.
    """
    while True:
        try:
            return ask(size), size
        except TooLarge as error:
            if size <= 1:
                raise too_large(one) from error
            size //= 2


def grown(size: int, most: int) -> int:
    """The size of the next page after one of `size` went well: a little larger, up to `most`. Growing slowly means that
    a stretch of large things costs one refused answer in several pages, and that it is left behind afterwards."""
    return min(most, size + max(1, size // 4))


def too_large(one: str) -> Refused:
    """The error for a single thing that is larger than any answer may be."""
    megabytes = MAX_BODY_BYTES // 1_000_000
    return Refused(
        f"A single {one} over there is larger than {megabytes} MB and cannot be read: shorten what it holds (notes, custom "
        "fields, embedded files) or delete it there, then go on."
    )
