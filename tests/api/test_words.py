from __future__ import annotations

import pytest

from api.ui.words import money


@pytest.mark.parametrize(
    ("minor", "currency", "shown"),
    [(1234567, "EUR", "€ 12,345.67"), (-500, "JPY", "−JPY 500"), (5, "KWD", "KWD 0.005"), (31000, "SEK", "SEK 310.00")],
)
def test_an_amount_is_shown_with_the_decimals_of_its_currency(minor: int, currency: str, shown: str) -> None:
    assert money(minor, currency) == shown
