from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.status import PROGRESS, payment_roll_up, roll_up
from engine.vocabulary import FULFILMENT_STATUSES, PAYMENT_STATUSES

statuses = st.lists(st.sampled_from(FULFILMENT_STATUSES), max_size=6)
active = st.sampled_from(tuple(PROGRESS))


@given(statuses, st.randoms())
def test_the_order_of_the_parts_does_not_matter(parts: list[str], rng: random.Random) -> None:
    shuffled = list(parts)
    rng.shuffle(shuffled)
    assert roll_up(shuffled) == roll_up(parts)


@given(statuses)
def test_hearing_of_a_part_twice_changes_nothing(parts: list[str]) -> None:
    assert roll_up([*parts, *parts]) == roll_up(parts)


@given(st.lists(active, min_size=1, max_size=6))
def test_the_whole_is_never_further_than_any_part(parts: list[str]) -> None:
    assert all(PROGRESS[roll_up(parts)] <= PROGRESS[part] for part in parts)
    assert roll_up(parts) in parts


@given(st.lists(active, min_size=1, max_size=6), st.data())
def test_a_part_that_gets_further_never_sets_the_whole_back(parts: list[str], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(parts) - 1))
    further = data.draw(st.sampled_from([s for s in PROGRESS if PROGRESS[s] >= PROGRESS[parts[index]]]))
    moved = [*parts[:index], further, *parts[index + 1 :]]
    assert PROGRESS[roll_up(moved)] >= PROGRESS[roll_up(parts)]


@given(st.lists(active, min_size=1, max_size=4))
def test_a_cancelled_part_does_not_hold_the_rest_back(parts: list[str]) -> None:
    assert roll_up([*parts, "cancelled"]) == roll_up(parts)


def test_an_order_whose_parts_are_all_cancelled_is_cancelled() -> None:
    assert roll_up(["cancelled", "cancelled"]) == "cancelled"


def test_an_order_without_parts_is_new() -> None:
    assert roll_up([]) == "new"


@pytest.mark.parametrize(
    ("total", "received", "refunded", "shop_says", "expected"),
    [
        (5000, 0, 0, "", "unpaid"),
        (5000, 4999, 0, "", "partly_paid"),
        (5000, 5000, 0, "", "paid"),
        (5000, 6000, 0, "", "paid"),
        (0, 0, 0, "", "paid"),
        (5000, 5000, 1, "", "partly_refunded"),
        (5000, 5000, 5000, "", "refunded"),
        (5000, 5000, 0, "refunded", "refunded"),
        (5000, 5000, 0, "partly_refunded", "partly_refunded"),
        (5000, 5000, 0, "cancelled", "cancelled"),
    ],
)
def test_the_payment_status_follows_from_what_came_in_and_went_back(
    total: int, received: int, refunded: int, shop_says: str, expected: str
) -> None:
    assert payment_roll_up(total, received, refunded, shop_says) == expected


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6), st.sampled_from(("", *PAYMENT_STATUSES)))
def test_every_combination_has_a_payment_status_of_the_vocabulary(total: int, received: int, refunded: int, shop: str) -> None:
    assert payment_roll_up(total, received, refunded, shop) in PAYMENT_STATUSES
