"""The words of sourcing: what is asked, what is there, what may be done, and what came out of it. All are immutable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, get_args

DivideLines = Literal["when_needed", "never", "freely"]
DIVIDE_LINES: tuple[str, ...] = get_args(DivideLines)

Method = Literal["nothing available", "one outlet", "dominance", "greedy meets bound", "search", "highs"]
METHODS: tuple[str, ...] = get_args(Method)

MAX_QUANTITY = 1_000_000
"""Most pieces of one line. Beyond it, HiGHS (floating point) could no longer be trusted to a single piece."""


MAX_PREFERENCE = 1_000_000
"""Most preference points an outlet may have, either way, for the same reason."""


class SourcingError(ValueError):
    """The question cannot be answered as asked. The message says what is wrong and where."""


class Stock(NamedTuple):
    """Pieces of one article at one outlet.

    `on_hand` may be negative (tills sell what they do not have); `reserved` is promised to other orders; `buffer` is
    kept for the outlet's own customers.
    """

    on_hand: int
    reserved: int = 0
    buffer: int = 0

    @property
    def available(self) -> int:
        """Pieces this order may take: what is on hand less what is reserved and kept back, never below zero."""
        return max(0, self.on_hand - self.reserved - self.buffer)


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One demanded line: `quantity` pieces of article `sku`. Ids are unique within the order; SKUs need not be."""

    id: str
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """One outlet that might fulfil, and what the rules said about it.

    `priority`: lower is better. `preference`: points, higher is better. `excluded`: may not be used, because of rule
    `rule` and for `reason`. `required`: when any candidate is required, only required ones may be used. `stock` maps
    SKU to stock; an article that is not in it is not available here.
    """

    id: str
    stock: Mapping[str, Stock]
    priority: int = 0
    preference: int = 0
    excluded: bool = False
    rule: str = ""
    reason: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """What the rules allow for the order as a whole.

    `max_outlets`: most outlets that may be used, None for any number. `divide_lines` says whether one line may come
    from several outlets: `when_needed` only if no allowed outlet has enough available for the whole line by itself,
    `never`, or `freely`. A line that one outlet fills in part, the rest being short, is not divided.
    """

    max_outlets: int | None = None
    divide_lines: DivideLines = "when_needed"


@dataclass(frozen=True, slots=True)
class Effort:
    """How much work an answer may cost, counted in steps and never in seconds, so that it is the same on any machine.

    `search_steps`: steps of our own search before HiGHS takes over; a million take about a second. `solver_work`:
    branch-and-bound nodes times non-zero coefficients that HiGHS may spend on each goal before the best answer so far
    is given, marked as not proven optimal.
    """

    search_steps: int = 2_000_000
    solver_work: int = 300_000


class Allocation(NamedTuple):
    """`quantity` pieces of order line `line` come from outlet `outlet`."""

    line: str
    outlet: str
    quantity: int


class Shortage(NamedTuple):
    """`quantity` pieces of order line `line` that no allowed plan can fulfil."""

    line: str
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Bound:
    """Why no plan that fulfils as many pieces uses fewer than `outlets` outlets, in a sentence for people."""

    outlets: int
    reason: str


@dataclass(frozen=True, slots=True)
class Score:
    """What a plan is judged by, in this order: more units, fewer outlets, more preference, earlier priorities, ids.

    `preference` is the sum over the outlets used. `priorities` are those of the outlets used, ascending, and the
    smaller tuple is better: the best-placed outlet counts first. `outlets` are the ids in order of (priority, id), and
    the smaller tuple is better, so that exactly one set of outlets is the best one.
    """

    units: int
    preference: int
    priorities: tuple[int, ...]
    outlets: tuple[str, ...]

    @property
    def key(self) -> tuple[int, int, int, tuple[int, ...], tuple[str, ...]]:
        """Smaller is better."""
        return -self.units, len(self.outlets), -self.preference, self.priorities, self.outlets


@dataclass(frozen=True, slots=True)
class Sourcing:
    """The chosen plan. Allocations and shortages are ordered by line id, then by outlet as in `score.outlets`.

    `optimal` is True unless HiGHS ran out of `Effort`. `lines`, `candidates` and `limits` are the question, kept for
    the trace; the stock in them must not be changed afterwards.
    """

    allocations: tuple[Allocation, ...]
    shortages: tuple[Shortage, ...]
    score: Score
    bound: Bound
    method: Method
    optimal: bool
    lines: tuple[OrderLine, ...] = field(repr=False)
    candidates: tuple[Candidate, ...] = field(repr=False)
    limits: Limits

    @property
    def outlets(self) -> tuple[str, ...]:
        """Ids of the outlets used, best priority first."""
        return self.score.outlets

    @property
    def complete(self) -> bool:
        """Whether nothing is short."""
        return not self.shortages

    def as_dict(self, most_outlets: int | None = None) -> dict[str, Any]:
        """The plan and the matrix outlets x lines as plain data, ready for JSON. See `trace.trace`."""
        from engine.sourcing.trace import trace  # the trace is made from results, so it is imported when asked for

        return trace(self, most_outlets)
