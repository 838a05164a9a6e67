"""An order's money in the till's terms, to the cent."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import Refused
from adapters.lightspeed_retail.pricing import PricedLine, divide, price_lines, spread


def line(unit_price: str, quantity: int = 1, rate: str = "21", id: str = "a", outlet: str = "ams") -> dict:
    return {
        "id": id,
        "sku": f"SKU-{id}",
        "name": id,
        "quantity": quantity,
        "unit_price": unit_price,
        "tax_rate": rate,
        "outlet": outlet,
    }


def total(lines: list[PricedLine]) -> Decimal:
    return sum(((each.price + each.tax) * each.quantity for each in lines), Decimal(0))


def test_12_50_with_21_percent_is_10_33_and_2_17_tax() -> None:
    (priced,) = price_lines({"total": "12.50"}, [line("12.50")], "")
    assert (priced.price, priced.tax) == (Decimal("10.33"), Decimal("2.17"))


def test_a_rate_of_zero_has_no_tax() -> None:
    (priced,) = price_lines({"total": "12.50"}, [line("12.50", rate="0")], "")
    assert (priced.price, priced.tax) == (Decimal("12.50"), Decimal("0.00"))


def test_a_discount_is_spread_over_the_lines_in_proportion() -> None:
    priced = price_lines({"total": "27.00", "discount": "3.00"}, [line("10.00", id="a"), line("20.00", id="b")], "")
    assert [each.unit for each in priced] == [900, 1800]


def test_a_line_total_that_does_not_divide_by_its_quantity_becomes_two_lines_a_cent_apart() -> None:
    priced = price_lines({"total": "10.00", "discount": "0.50"}, [line("3.50", quantity=3)], "")
    assert [(each.quantity, each.unit) for each in priced] == [(2, 333), (1, 334)]


def test_a_discount_beyond_the_goods_comes_off_the_shipping() -> None:
    priced = price_lines({"total": "2.00", "discount": "13.00", "shipping_price": "5.00"}, [line("10.00")], "SHIP")
    assert [(each.sku, each.unit) for each in priced] == [("SKU-a", 0), ("SHIP", 200)]


def test_shipping_is_a_line_taxed_like_the_goods_that_weigh_most() -> None:
    priced = price_lines(
        {"total": "36.00", "shipping_price": "6.00"},
        [line("10.00", rate="21"), line("20.00", rate="9", id="b")],
        "SHIP",
    )
    assert (priced[-1].sku, priced[-1].outlet, priced[-1].rate, priced[-1].unit) == ("SHIP", None, Decimal(9), 600)


def test_the_shipping_rate_can_be_set() -> None:
    priced = price_lines({"total": "16.00", "shipping_price": "6.00"}, [line("10.00")], "SHIP", "0")
    assert priced[-1].tax == 0


def test_units_of_one_order_line_at_two_outlets_are_rounded_together() -> None:
    parts = [line("3.335", quantity=1, outlet="ams"), line("3.335", quantity=2, outlet="utr")]
    priced = price_lines({"total": "10.01"}, parts, "")
    assert total(priced) == Decimal("10.01")
    assert sum(each.quantity for each in priced if each.outlet == "utr") == 2


def test_a_cent_that_a_shop_without_tax_in_its_prices_rounds_otherwise_is_taken_in() -> None:
    priced = price_lines({"total": "10.01"}, [line("2.50", quantity=4)], "")
    assert total(priced) == Decimal("10.01")


@pytest.mark.parametrize(
    ("order", "lines", "words"),
    [
        ({"total": "13.00"}, [line("12.50")], "make 12.50"),
        ({"total": "100.06"}, [line("1.00", quantity=100)], "make 100.00"),
        ({"total": "17.45", "shipping_price": "4.95"}, [line("12.50")], "shipping_product_sku"),
        ({"total": "-2.50", "discount": "15.00"}, [line("12.50")], "below zero"),
        ({"total": "12.50", "discount": "-1"}, [line("13.50")], "cannot be negative"),
        ({"total": "12.505"}, [line("12.50")], "whole number of cents"),
        ({"total": "twelve"}, [line("12.50")], "not an amount"),
        ({"total": "NaN"}, [line("12.50")], "not an amount"),
        ({"total": "12.50"}, [line("1e40")], "not an amount"),
        ({"total": "12.50"}, [line("12.50", rate="121")], "rates from 0"),
        ({"total": "12.50"}, [line("12.50", quantity=0)], "at least 1"),
        ({"total": "6.25"}, [line("12.50", quantity=Decimal("0.5"))], "at least 1"),  # type: ignore[arg-type]
        ({"total": "0"}, [], "no lines"),
    ],
)
def test_money_that_the_till_cannot_hold_is_refused_with_a_sentence(order: dict, lines: list[dict], words: str) -> None:
    with pytest.raises(Refused, match=words):
        price_lines(order, lines, "")


prices = st.decimals("0", "2000", places=2)
rates = st.sampled_from(["0", "6", "9", "12", "21", "25", "5.5"])
order_lines = st.lists(st.tuples(prices, st.integers(1, 12), rates, st.integers(0, 12)), min_size=1, max_size=6)


@given(order_lines, st.decimals("0", "50", places=2), st.decimals("0", "1", places=3))
def test_the_sale_is_the_orders_total_to_the_cent(rows: list[tuple], shipping: Decimal, part_off: Decimal) -> None:
    lines = []
    for index, (price, quantity, rate, at_first) in enumerate(rows):
        split = [min(at_first, quantity), quantity - min(at_first, quantity)]
        lines += [
            line(str(price), n, rate, str(index), outlet) for n, outlet in zip(split, ("ams", "utr"), strict=True) if n
        ]
    whole = sum((price * quantity for price, quantity, *_ in rows), Decimal(0)) + shipping
    discount = (whole * part_off).quantize(Decimal("0.01"))
    order = {"total": str(whole - discount), "discount": str(discount), "shipping_price": str(shipping)}
    priced = price_lines(order, lines, "SHIP")
    assert total(priced) == whole - discount
    assert sum(each.quantity for each in priced if each.outlet) == sum(quantity for _, quantity, *_ in rows)
    assert all(each.price >= 0 and each.tax >= 0 for each in priced)


@given(prices, rates)
def test_price_and_tax_make_the_unit_price_and_the_tax_is_right_to_half_a_cent(price: Decimal, rate: str) -> None:
    (priced,) = price_lines({"total": str(price)}, [line(str(price), rate=rate)], "")
    assert priced.price + priced.tax == price
    exact = price - price * 100 / (100 + Decimal(rate))
    assert abs(priced.tax - exact) <= Decimal("0.005")
    assert priced.price == (price * 100 / (100 + Decimal(rate))).quantize(Decimal("0.01"), ROUND_HALF_UP)


@given(st.integers(0, 10_000), st.lists(st.integers(0, 10_000), min_size=1, max_size=8))
def test_shares_add_up_and_none_exceeds_its_weight(amount: int, weights: list[int]) -> None:
    amount = min(amount, sum(weights))
    shares = spread(amount, weights)
    assert sum(shares) == amount
    assert all(0 <= share <= weight for share, weight in zip(shares, weights, strict=True))


@given(st.integers(-10_000, 100_000), st.integers(1, 500))
def test_a_divided_total_is_whole_again_and_differs_by_a_cent_at_most(amount: int, units: int) -> None:
    parts = divide(amount, units)
    assert sum(count * each for count, each in parts) == amount
    assert sum(count for count, _ in parts) == units
    assert max(each for _, each in parts) - min(each for _, each in parts) <= 1
