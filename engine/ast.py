"""Rules as typed trees: what the parser makes, the checker proves, the compilers read and the formatter writes.

Every node keeps where it stood in the text, so that every message can point at it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.types import Value


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a rule text; lines and columns count from 1."""

    file: str = ""
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class Path:
    """A field of a fact type: `order.shipping_address.country` is type `order`, field `shipping_address.country`.
    `type` may be `setting`: then `field` names a setting of the same rule file."""

    type: str
    field: str
    place: Place = dataclasses.field(default_factory=Place, compare=False)  # `field` means the line above here

    def __str__(self) -> str:
        return f"{self.type}.{self.field}"


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant, already converted to the type it is compared with (`50 EUR` is a Money, `2 kg` is 2000)."""

    value: Value
    place: Place = field(default_factory=Place, compare=False)


@dataclass(frozen=True, slots=True)
class LiteralList:
    """The right side of `in` and `not in`."""

    values: tuple[Value, ...]
    place: Place = field(default_factory=Place, compare=False)


Operand = Path | Literal | LiteralList


@dataclass(frozen=True, slots=True)
class Aggregate:
    """`count of lines where ...` or `sum of line.quantity where ...`: one value out of all facts of a type.

    `kind` is `count` or `sum`, `type` the fact type gone through, `field` what is summed (empty for a count). Facts
    count for which every condition of `where` is met; a path of `type` there means the fact gone through, any other
    path a fact that the rule binds. `result` is the field type of the value: `integer` for a count, the summed field's
    own type for a sum.
    """

    kind: str
    type: str
    field: str = ""
    where: tuple[Condition, ...] = ()
    result: str = "integer"
    place: Place = dataclasses.field(default_factory=Place, compare=False)

    def __str__(self) -> str:
        return f"{self.kind} of {self.type}{f'.{self.field}' if self.field else ''}"


OPERATORS = (
    "is", "is not", "<", "<=", ">", ">=", "in", "not in", "exists", "is missing", "contains", "starts with", "matches",
    "between", "before", "after",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Condition:
    """`left operator right`. `right` is None for `exists` and `is missing`; `upper` is set for `between` only
    (both ends included). A comparison with a missing field, on either side, does not match."""

    left: Path | Aggregate
    operator: str
    right: Operand | None = None
    upper: Operand | None = None
    place: Place = field(default_factory=Place, compare=False)


@dataclass(frozen=True, slots=True)
class Group:
    """`all`: every child matches; `any`: at least one does; `none`: not one does (a missing field is no match)."""

    kind: str
    children: tuple[Condition | Group, ...]
    place: Place = field(default_factory=Place, compare=False)


@dataclass(frozen=True, slots=True)
class Demand:
    """One `then` line: an outcome of the vocabulary with its slots filled, and why."""

    outcome: str
    slots: Mapping[str, Operand]
    reason: str = ""
    place: Place = field(default_factory=Place, compare=False)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. Lower `priority` comes first; ties go by id, rows of one table by their number. `binds` are the fact
    types it speaks of, sorted, in which `setting` never occurs; `stratum` says after how many rounds of derived facts
    it may be judged.

    A row of a decision table is a rule too: `table` is the id of the rule whose table it stands in, `row` its number
    from 1, and `hit` the table's policy: `every` row that holds fires, or only the `first` for each combination of
    facts. `layer` is `layer` when the merchant's own layer added or replaced the rule, otherwise empty.
    """

    id: str
    description: str
    priority: int
    when: Group
    then: tuple[Demand, ...]
    binds: tuple[str, ...]
    stratum: int = 0
    place: Place = field(default_factory=Place, compare=False)
    table: str = ""
    row: int = 0
    hit: str = "every"
    layer: str = field(default="", compare=False)

    @property
    def key(self) -> tuple[int, str, int]:
        """Where the rule stands on the agenda."""
        return self.priority, self.table or self.id, self.row


@dataclass(frozen=True, slots=True)
class Invariant:
    """What an admin says must hold of a decision, whatever the facts: when the conditions are met, it `never` gives
    these outcomes and `always` gives those. Proved by `engine.prove`; a run does not look at it."""

    id: str
    description: str
    when: Group
    never: tuple[Demand, ...]
    always: tuple[Demand, ...]
    binds: tuple[str, ...] = ()
    place: Place = field(default_factory=Place, compare=False)


@dataclass(frozen=True, slots=True)
class DecisionRules:
    """The rules of one decision: a base file with the merchant's layer over it. `settings` are its named values with
    their defaults; `rules` are in agenda order."""

    name: str
    description: str
    settings: Mapping[str, Value]
    rules: tuple[Rule, ...]
    text: str = field(default="", compare=False)
    invariants: tuple[Invariant, ...] = ()


@dataclass(frozen=True, slots=True)
class Book:
    """A checked rule book: everything one published version decides.

    `texts` are the files it was made from (file name to text), `version` the SHA-256 of them, so that it names the
    content exactly. `meaning` is the SHA-256 of the canonical rules: two books with one meaning decide and explain the
    same, whatever their comments, layout and examples; such books are equal.
    """

    version: str = field(compare=False)
    decisions: Mapping[str, DecisionRules]
    texts: Mapping[str, str] = field(default_factory=dict, compare=False)
    meaning: str = ""
