"""The values the engine takes and gives. All are immutable; nothing here knows HTTP, SQL, Redis or a clock.

A *fact* is one thing the rules can look at: the order, one order line, one outlet. A *decision* is one rule file
(`outlet_assignment`, `status_to_shop`). Running a decision over facts yields a `Run`: which rules fired, for which
facts, and which outcomes that gives once conflicts are resolved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import NamedTuple

from engine.money import to_text


class Money(NamedTuple):
    """An amount in minor units (cents) of one currency (ISO 4217). Two currencies never compare."""

    minor: int
    currency: str

    def __str__(self) -> str:
        return f"{to_text(self.minor, self.currency)} {self.currency}"


Value = str | int | bool | Decimal | Money | date | datetime | time | tuple[str, ...]
"""What a field may hold. Weights are integers in grams, durations integers in seconds, moments aware and in UTC,
times of day without zone, lists are tuples of text. A missing value is an absent key, never None."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing the rules can look at.

    `type` is a fact type of the vocabulary (`outlet`), `id` is unique within that type for one run, `values` maps
    field names without the type (`shipping_method.outlet`) to values; unknown or missing fields are left out.
    """

    type: str
    id: str
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One demand made by one rule: `exclude outlet` for outlet `amsterdam` because "closed today".

    `name` is the outcome's name in the vocabulary, `target` the id of the fact it speaks of (empty when the outcome
    speaks of the decision as a whole), `arguments` the values of its slots, evaluated.
    """

    name: str
    target: str
    arguments: Mapping[str, Value]
    rule: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Firing:
    """One rule that held for one combination of facts. `bound` maps fact type to fact id."""

    rule: str
    bound: Mapping[str, str]
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class Overridden:
    """An outcome that lost: an earlier rule already said otherwise for the same target."""

    outcome: Outcome
    by: str


@dataclass(frozen=True, slots=True)
class Run:
    """What one decision said about one set of facts. Deterministic: same book, facts and settings, same run."""

    decision: str
    firings: tuple[Firing, ...]
    outcomes: tuple[Outcome, ...]
    overridden: tuple[Overridden, ...] = ()
    derived: tuple[Fact, ...] = ()
    errors: tuple[str, ...] = ()

    def all(self, name: str) -> tuple[Outcome, ...]:
        """Every surviving outcome of that name, in agenda order."""
        return tuple(o for o in self.outcomes if o.name == name)

    def first(self, name: str) -> Outcome | None:
        """The first surviving outcome of that name, or None."""
        return next((o for o in self.outcomes if o.name == name), None)

    def targets(self, name: str) -> dict[str, Outcome]:
        """Surviving outcomes of that name by the id of the fact they speak of."""
        return {o.target: o for o in self.outcomes if o.name == name}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a rule text. Lines and columns count from 1."""

    file: str
    line: int
    column: int
    message: str
    hint: str = ""
    severity: str = "error"

    def __str__(self) -> str:
        hint = f" {self.hint}" if self.hint else ""
        return f"{self.file}:{self.line}:{self.column}: {self.severity}: {self.message}{hint}"


class RuleBookError(ValueError):
    """A rule book cannot be used. `problems` says what is wrong, where, and what to do next."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(p) for p in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class ConditionTrace:
    """One condition of one rule against actual facts. `result` is `met`, `not met` or `missing`."""

    text: str
    result: str
    found: str = ""
    wanted: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class RuleTrace:
    """One rule against the facts: fired for which facts, or the nearest miss with the conditions that failed.

    `fired_for` lists the combinations of facts (type to id) the rule held for; `nearest` is the combination that
    failed the fewest conditions when it held for none; `conditions` belong to the first firing or the nearest miss,
    of which `misses` counts those that would have to change. `lost` is what the rule said in vain, with who won.
    """

    rule: str
    description: str
    priority: int
    fired_for: tuple[Mapping[str, str], ...]
    nearest: Mapping[str, str] = field(default_factory=dict)
    conditions: tuple[ConditionTrace, ...] = ()
    combinations: int = 0
    then: tuple[str, ...] = ()
    note: str = ""
    misses: int = 0
    lost: tuple[Overridden, ...] = ()
