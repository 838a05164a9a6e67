"""How values compare: a table of what holds, and of the traps that must not."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ast import OPERATORS
from engine.types import Money
from engine.values import compare, compile_pattern, fits, show

EUR, USD = Money(5000, "EUR"), Money(5000, "USD")
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
NAIVE = NOON.replace(tzinfo=None)
UNLIKE = ("1", 1, True, EUR, USD, NOON, NOON.date(), ("1",))
"""Values of eight kinds, some of which Python holds equal."""


@pytest.mark.parametrize("operator", [name for name in OPERATORS if name not in ("exists", "is missing", "contains")])
def test_values_of_different_kinds_never_match(operator: str) -> None:
    for left, right in itertools.permutations(UNLIKE, 2):
        assert not compare(operator, left, (right,) if operator in ("in", "not in") else right, right)


@pytest.mark.parametrize(
    ("left", "operator", "right"),
    [
        ("a", "is", "a"),
        ("a", "is not", "A"),
        (1, "is", Decimal("1.0")),
        (Decimal("1.5"), ">", 1),
        (EUR, "is", Money(5000, "EUR")),
        (EUR, "<=", Money(5000, "EUR")),
        (EUR, "<", Money(5001, "EUR")),
        (True, "is not", False),
        (NOON, "is", NOON.astimezone(timezone(timedelta(hours=1)))),
        (NOON, "before", NOON + timedelta(microseconds=1)),
        (date(2026, 11, 23), "after", date(2026, 11, 22)),
        ("b", "in", ("a", "b")),
        ("b", "not in", ("a", "B")),
        ("b", "not in", ()),
        (EUR, "in", (USD, EUR)),
        ("abc", "contains", "bc"),
        (("a", "b"), "contains", "b"),
        ("abc", "starts with", "ab"),
        ("1012 AB", "matches", "[0-9]{4} ?[A-Z]{2}"),
    ],
)
def test_what_holds(left: Any, operator: str, right: Any) -> None:
    assert compare(operator, left, right)


@pytest.mark.parametrize(
    ("left", "operator", "right"),
    [
        ("a", "<", "b"),
        (False, "<", True),
        (NAIVE, "is", NAIVE),
        (NAIVE, "before", NOON),
        (Decimal("NaN"), "is not", 1),
        (Decimal("NaN"), "<", 1),
        (Decimal("Infinity"), ">", 1),
        (EUR, "not in", (USD,)),
        (EUR, "in", EUR),
        (("ab",), "contains", "a"),
        ("abc", "contains", "B"),
        ("x1012 AB", "matches", "[0-9]{4} ?[A-Z]{2}"),
        ("a\nb", "matches", "a.b"),
        ("a", "matches", "("),
        ("\ud800", "matches", ".*"),
        (1, "matches", "1"),
        ("1", "contains", 1),
    ],
)
def test_what_does_not_hold(left: Any, operator: str, right: Any) -> None:
    assert not compare(operator, left, right)


@pytest.mark.parametrize("operator", OPERATORS)
def test_a_missing_value_meets_only_is_missing(operator: str) -> None:
    assert compare(operator, None, "a", "b") is (operator == "is missing")
    if operator not in ("exists", "is missing"):
        assert not compare(operator, "a", None, "b")


def test_what_is_there_exists_even_when_it_is_empty() -> None:
    for value in ("", 0, False, ()):
        assert compare("exists", value)
        assert not compare("is missing", value)


def test_between_includes_both_ends() -> None:
    assert [compare("between", number, 1, 3) for number in (0, 1, 2, 3, 4)] == [False, True, True, True, False]
    assert not compare("between", EUR, Money(0, "EUR"), Money(9000, "USD"))
    assert not compare("between", 2, 1, None)


@pytest.mark.parametrize(
    "pattern", ["(", "a{1001}", "(?=a)", "a" * 1001, "((a{100}){100}){100}", "\\", "[z-a]", "\ud800"]
)
def test_a_pattern_that_is_malformed_or_too_large_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        compile_pattern(pattern)


@given(st.text(), st.text(max_size=20))
def test_a_pattern_never_makes_matching_fail(value: str, pattern: str) -> None:
    assert compare("matches", value, pattern) in (True, False)


@given(
    st.sampled_from(OPERATORS), *[st.one_of(st.none(), *(st.just(v) for v in (*UNLIKE, NAIVE, Decimal("sNaN"))))] * 3
)
def test_no_comparison_fails_whatever_it_is_given(operator: str, left: Any, right: Any, upper: Any) -> None:
    assert compare(operator, left, right, upper) in (True, False)


@pytest.mark.parametrize(
    ("value", "field_type", "is_so"),
    [
        (True, "integer", False),
        (1, "boolean", False),
        (1, "number", True),
        (Decimal(1), "integer", False),
        (Decimal("NaN"), "number", False),
        ("new", "enum", True),
        ("old", "enum", False),
        (5000, "money", False),
        (EUR, "list", False),
        (("a",), "list", True),
        ((1,), "list", False),
        (NOON, "date", False),
        (NAIVE, "moment", False),
        (1500, "weight", True),
        (None, "text", False),
    ],
)
def test_whether_a_value_fits_a_field(value: Any, field_type: str, is_so: bool) -> None:
    assert fits(value, field_type, ("new",)) is is_so


def test_values_are_shown_as_people_read_them() -> None:
    shown = [
        show(value)
        for value in (True, 3, Decimal("1E+2"), EUR, Money(-5, "JPY"), NOON, NOON.date(), ("a", "b"), (EUR, USD), None)
    ]

    assert shown == [
        "true", "3", "100", "50.00 EUR", "-5 JPY", "2026-11-22T12:00:00Z", "2026-11-22", "[a, b]", "[50.00 EUR, 50.00 USD]", "nothing",
    ]  # fmt: skip
