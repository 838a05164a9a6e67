"""How values compare: strict, typed, the same in both evaluators.

A value of one kind never equals, precedes or follows a value of another: `"1"`, `1` and `true` are three different
things, and 10 EUR is neither equal nor unequal to 10 USD. What cannot be compared does not match, whatever the
operator; the checker refuses such comparisons when a rule is written, so they only arise from odd facts.
"""

from __future__ import annotations

import operator as python_operator
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Any, Protocol, runtime_checkable

import re2

from engine.ast import Aggregate, Condition, Literal, LiteralList, Operand
from engine.types import Fact, Money, Value

MET = "met"
NOT_MET = "not met"
MISSING = "missing"

PATTERN_LENGTH = 1000
"""Longest text of a `matches` pattern, in characters."""
PATTERN_MEMORY = 1 << 20
"""What RE2 may spend on one compiled pattern, in bytes."""

Right = Value | tuple[Value, ...]
"""What may stand on the right of an operator once evaluated: a value, or the values of a list."""

_FIELD_KINDS = {
    "text": "text",
    "enum": "text",
    "boolean": "boolean",
    "integer": "number",
    "number": "number",
    "money": "money",
    "weight": "number",
    "duration": "number",
    "moment": "moment",
    "date": "date",
    "time": "time",
    "list": "list",
}
_WHOLE = ("integer", "weight", "duration")
_ORDERINGS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": python_operator.lt,
    "<=": python_operator.le,
    ">": python_operator.gt,
    ">=": python_operator.ge,
    "before": python_operator.lt,
    "after": python_operator.gt,
}


def kind(value: object) -> str:
    """What a value is for comparison: `text`, `boolean`, `number`, `moment`, `date`, `time`, `list`, `money` with its
    currency.

    Empty when it can be compared with nothing: a moment without time zone, a time with one, a number that is not finite.
    """
    match value:
        case bool():
            return "boolean"
        case str():
            return "text"
        case int():
            return "number"
        case Decimal():
            return "number" if value.is_finite() else ""
        case Money():
            return f"money {value.currency}"
        case datetime():
            return "moment" if value.tzinfo is not None else ""
        case date():
            return "date"
        case time():
            return "time" if value.tzinfo is None else ""
        case tuple():
            return "list"
    return ""


def fits(value: object, field_type: str, values: tuple[str, ...] = ()) -> bool:
    """Whether a value is of a field type of the vocabulary; `values` is the domain of an enum."""
    of = kind(value)
    if not of or of.split(" ")[0] != _FIELD_KINDS[field_type]:
        return False
    if field_type in _WHOLE:
        return isinstance(value, int)
    if isinstance(value, tuple) and field_type == "list":
        return all(isinstance(item, str) for item in value)
    return field_type != "enum" or value in values


def equal(left: Value, right: Value) -> bool | None:
    """Whether two values are the same; None when they are of different kinds and so cannot be compared."""
    of = kind(left)
    if not of or of != kind(right):
        return None
    return left == right


def compare(operator: str, left: Value | None, right: Right | None = None, upper: Value | None = None) -> bool:
    """Whether `left operator right` holds. None stands for a missing value; with one, only `is missing` can hold.

    `operator` is one of `ast.OPERATORS`; `upper` is the upper end of `between`, both ends included. For `in` and
    `not in` the right side is a tuple of values. Text compares case-sensitively, by code point.
    """
    if operator == "exists":
        return left is not None
    if operator == "is missing":
        return left is None
    if left is None or right is None or (operator == "between" and upper is None):
        return False
    return _COMPARISONS[operator](left, right, upper)


def _is(left: Value, right: Any, _upper: Any) -> bool:
    return equal(left, right) is True


def _is_not(left: Value, right: Any, _upper: Any) -> bool:
    return equal(left, right) is False


def _ordered(operator: str) -> Callable[[Any, Any, Any], bool]:
    test = _ORDERINGS[operator]

    def ordered(left: Any, right: Any, _upper: Any) -> bool:
        of = kind(left)
        return _orderable(of) and of == kind(right) and test(left, right)

    return ordered


def _orderable(of: str) -> bool:
    return of in ("number", "moment", "date", "time") or of.startswith("money")


def _between(left: Any, right: Any, upper: Any) -> bool:
    of = kind(left)
    return _orderable(of) and of == kind(right) == kind(upper) and right <= left <= upper


def _in(left: Value, right: Any, _upper: Any) -> bool:
    return (
        isinstance(right, tuple) and not isinstance(right, Money) and any(equal(left, item) is True for item in right)
    )


def _not_in(left: Value, right: Any, _upper: Any) -> bool:
    return (
        isinstance(right, tuple) and not isinstance(right, Money) and all(equal(left, item) is False for item in right)
    )


def _contains(left: Any, right: Any, _upper: Any) -> bool:
    return kind(left) in ("text", "list") and isinstance(right, str) and right in left


def _starts_with(left: Any, right: Any, _upper: Any) -> bool:
    return isinstance(left, str) and isinstance(right, str) and left.startswith(right)


def _matches(left: Any, right: Any, _upper: Any) -> bool:
    if not isinstance(left, str) or not isinstance(right, str):
        return False
    try:
        return compile_pattern(right).fullmatch(left) is not None
    except (ValueError, UnicodeError):
        return False


_COMPARISONS: Mapping[str, Callable[[Value, Any, Any], bool]] = {
    "is": _is,
    "is not": _is_not,
    **{operator: _ordered(operator) for operator in _ORDERINGS},
    "between": _between,
    "in": _in,
    "not in": _not_in,
    "contains": _contains,
    "starts with": _starts_with,
    "matches": _matches,
}


@lru_cache(maxsize=1024)
def compile_pattern(pattern: str) -> Any:
    """A compiled RE2 pattern (linear time, whatever the text).

    Raises ValueError with the reason when the pattern is malformed or too large.
    """
    if len(pattern) > PATTERN_LENGTH:
        raise ValueError(f"the pattern is longer than {PATTERN_LENGTH} characters")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = PATTERN_MEMORY
    try:
        return re2.compile(pattern, options)
    except re2.error as refusal:
        reason = refusal.args[0] if refusal.args else "malformed"
        raise ValueError(reason.decode() if isinstance(reason, bytes) else str(reason)) from None


def operand_value(operand: Operand | Aggregate | None, bound: Mapping[str, Fact], settings: Mapping[str, Value]) -> Right | None:
    """What an operand stands for, given the fact bound to each fact type; None when it is missing.

    A count or sum needs `settings` to be the `engine.totals.Known` of the run; with other settings it is missing.
    """
    if operand is None:
        return None
    if isinstance(operand, Aggregate):
        total: Value | None = settings.total(operand, bound) if isinstance(settings, Totals) else None
        return total
    if isinstance(operand, Literal):
        return operand.value
    if isinstance(operand, LiteralList):
        return operand.values
    if operand.type == "setting":
        return settings.get(operand.field)
    fact = bound.get(operand.type)
    return None if fact is None else fact.values.get(operand.field)


@runtime_checkable
class Totals(Protocol):
    """Settings that can count and add up the facts of the run as well."""

    def total(self, aggregate: Aggregate, bound: Mapping[str, Fact]) -> Value | None: ...


NOTHING = Money(0, "")
"""The sum of no amounts at all: zero in whatever currency it is compared with."""


def sides(
    condition: Condition, bound: Mapping[str, Fact], settings: Mapping[str, Value]
) -> tuple[Right | None, Right | None, Right | None]:
    """What stands left, right and above (of `between`) in a condition for one combination of facts."""
    left = operand_value(condition.left, bound, settings)
    right = operand_value(condition.right, bound, settings)
    upper = operand_value(condition.upper, bound, settings)
    if left == NOTHING and isinstance(left, Money):
        like = right[0] if isinstance(condition.right, LiteralList) and right else right  # type: ignore[index]
        left = Money(0, like.currency) if isinstance(like, Money) else left
    return left, right, upper


def judge(condition: Condition, bound: Mapping[str, Fact], settings: Mapping[str, Value]) -> str:
    """One condition against one combination of facts: `met`, `not met`, or `missing` when a value it needs is absent."""
    return verdict(condition, bound, settings)[0]


def verdict(
    condition: Condition, bound: Mapping[str, Fact], settings: Mapping[str, Value]
) -> tuple[str, tuple[Right | None, Right | None, Right | None]]:
    """What `judge` says, and what was found left, right and above (of `between`)."""
    found = left, right, upper = sides(condition, bound, settings)
    if compare(condition.operator, left, right, upper):  # type: ignore[arg-type]  # a left side is never a list of values
        return MET, found
    if condition.operator == "exists":
        return NOT_MET, found
    absent = left is None or (condition.right is not None and right is None)
    absent = absent or (condition.upper is not None and upper is None)
    return MISSING if absent and condition.operator != "is missing" else NOT_MET, found


def show(value: Right | None) -> str:
    """A value as people read it in a trace."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case Money() | str():
            return str(value)
        case tuple():
            return "[" + ", ".join(show(item) for item in value) + "]"
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if value.tzinfo else value.isoformat()
        case date():
            return value.isoformat()
        case time():
            return value.isoformat("seconds" if value.second else "minutes")
        case Decimal():
            return f"{value:f}" if value.is_finite() else str(value)
    return str(value)
