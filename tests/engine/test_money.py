from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.money import LARGEST, to_minor, to_text


@given(st.integers(-LARGEST, LARGEST), st.sampled_from(("EUR", "JPY", "KWD", "SEK")))
def test_an_amount_survives_the_way_to_text_and_back(minor: int, currency: str) -> None:
    assert to_minor(to_text(minor, currency), currency) == minor


@pytest.mark.parametrize(("amount", "currency", "minor"), [("12.50", "EUR", 1250), ("12.5", "EUR", 1250), ("1200", "JPY", 1200), ("1.234", "KWD", 1234), (7, "SEK", 700)])
def test_an_amount_is_counted_in_the_minor_units_of_its_currency(amount: str, currency: str, minor: int) -> None:
    assert to_minor(amount, currency) == minor


@pytest.mark.parametrize("amount", ["12.345", "0.001"])
def test_more_decimals_than_the_currency_has_are_refused(amount: str) -> None:
    with pytest.raises(ValueError, match="more decimals than EUR has"):
        to_minor(amount, "EUR")


@pytest.mark.parametrize("amount", ["", "twelve", "NaN", "Infinity", "1e400", "12,50"])
def test_what_is_no_amount_is_refused(amount: str) -> None:
    with pytest.raises(ValueError):
        to_minor(amount, "EUR")


def test_an_amount_larger_than_any_order_is_refused() -> None:
    with pytest.raises(ValueError, match="larger than any amount"):
        to_minor("1" + "0" * 20, "EUR")
