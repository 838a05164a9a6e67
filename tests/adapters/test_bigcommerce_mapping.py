"""BigCommerce orders in our words: every amount to the cent, whatever the shop rounds."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.base import Refused
from adapters.bigcommerce.mapping import Shop, order_event, snapshot_of, tax_rate
from adapters.bigcommerce.progress import MAY_FOLLOW, STATUS_NAMES, TO_THEIRS
from tests.adapters.bigcommerce_shop import sum_of


def line(id: int = 65, price: str = "12.5000", quantity: int = 2, **fields: Any) -> dict[str, Any]:
    untaxed = (Decimal(price) / Decimal("1.21")).quantize(Decimal("0.0001"))
    return {
        "id": id, "product_id": 77, "variant_id": 81, "sku": "MUG", "name": "Mug", "type": "physical", "quantity": quantity,
        "quantity_shipped": 0, "price_inc_tax": price, "price_ex_tax": str(untaxed), "order_address_id": 51,
        "order_pickup_method_id": 0, "parent_order_product_id": None, **fields,
    }  # fmt: skip


def order(*lines: dict[str, Any], total: str = "29.9500", **fields: Any) -> dict[str, Any]:
    shipping = {"id": 51, "first_name": "Eva", "last_name": "Jansen", "street_1": "Dorpsstraat 12", "street_2": "2 hoog", "city": "Utrecht",
                "zip": "3511 AB", "country_iso2": "NL", "shipping_method": "Parcel post", "line_items": list(lines or (line(),))}  # fmt: skip
    return {
        "id": 118, "status_id": 11, "payment_status": "captured", "payment_method": "Credit Card", "payment_provider_id": "pi_3Q",
        "date_created": "Mon, 02 Nov 2026 09:14:05 +0000", "date_modified": "Mon, 02 Nov 2026 10:14:22 +0100",
        "default_currency_code": "EUR", "currency_code": "USD", "total_inc_tax": total, "shipping_cost_inc_tax": "4.9500",
        "billing_address": {"first_name": "Eva", "last_name": "Jansen", "email": "eva@example.com"}, "customer_id": 11,
        "consignments": {"pickups": [], "shipping": [shipping], "downloads": [], "email": {}}, "fees": [], **fields,
    }  # fmt: skip


def snapshot(document: dict[str, Any], **shop: Any) -> dict[str, Any]:
    found = snapshot_of(document, Shop(**shop))
    assert sum_of(found["lines"]) + Decimal(found["shipping_price"]) - Decimal(found["discount"]) == Decimal(
        found["total"]
    )
    assert not found["discount"].startswith("-")
    assert not found["shipping_price"].startswith("-")
    return found


def test_dates_money_and_addresses_are_read() -> None:
    found = snapshot(order())
    assert (found["placed_at"], found["updated_at"]) == ("2026-11-02T09:14:05Z", "2026-11-02T09:14:22Z")
    assert (found["currency"], found["total"], found["shipping_price"], found["discount"]) == (
        "EUR",
        "29.95",
        "4.95",
        "0.00",
    )
    assert found["shipping_address"]["street"] == "Dorpsstraat 12\n2 hoog"
    assert found["payment"] == {"method": "Credit Card", "processor": "Credit Card"}
    assert snapshot(order(payment_provider_id=""))["payment"]["processor"] is None


def test_the_currency_is_what_the_customer_pays_in_unless_the_setting_says_otherwise() -> None:
    assert snapshot(order())["currency"] == "EUR"
    assert snapshot(order(), currency="SEK")["currency"] == "SEK"
    with pytest.raises(Refused, match="currency"):
        snapshot_of(order(default_currency_code="", currency_code=""), Shop())


def test_coupons_fees_and_manual_discounts_come_off_or_on_top() -> None:
    found = snapshot(order(
        total="26.4500", coupon_discount="5.0000", discount_amount="1.0000", fees=[{"cost_inc_tax": "2.5000"}],
    ))  # fmt: skip
    assert (found["shipping_price"], found["discount"]) == ("7.45", "6.00")


@pytest.mark.parametrize("total", ["29.9500", "19.9500"])
def test_a_gift_certificate_is_a_way_to_pay_wherever_the_shop_counts_it(total: str) -> None:
    found = snapshot(order(total=total, gift_certificate_amount="10.0000"))
    assert (found["total"], found["discount"]) == ("29.95", "0.00")


def test_a_promotion_the_shop_only_shows_in_the_total_is_a_discount() -> None:
    assert snapshot(order(total="24.9500"))["discount"] == "5.00"


def test_gift_certificates_and_downloads_need_no_shipping_and_have_a_sku_of_ours_when_they_have_none() -> None:
    document = order(total="79.9500")
    document["consignments"]["email"] = {
        "gift_certificates": [{"line_items": [line(66, "25.0000", 1, type="giftcertificate", sku="", product_id=0)]}]
    }
    document["consignments"]["downloads"] = [{"line_items": [line(67, "25.0000", 1, type="digital", sku="")]}]
    found = snapshot(document)
    assert {each["sku"]: each["needs_shipping"] for each in found["lines"]} == {
        "MUG": True,
        "gift-certificate": False,
        "product-77": False,
    }


def test_a_bundle_is_packed_as_its_parts_or_with_them_as_the_setting_says() -> None:
    set_, part = line(70, "19.9500", 1, sku="SET"), line(71, "0.0000", 1, parent_order_product_id=70)
    document = order(set_, part, total="24.9000")
    assert [each["needs_shipping"] for each in snapshot(document)["lines"]] == [False, True]
    assert [each["needs_shipping"] for each in snapshot(document, bundle_parent_ships=True)["lines"]] == [True, True]


def test_a_line_reduced_to_nothing_is_left_out() -> None:
    assert [each["id"] for each in snapshot(order(line(), line(66, quantity=0)))["lines"]] == ["65"]


def test_an_order_that_is_sent_and_picked_up_is_a_delivery() -> None:
    document = order()
    document["consignments"]["pickups"] = [
        {"id": 9, "pickup_method_id": 1, "location": {"id": 2}, "line_items": [line(66)]}
    ]
    document["total_inc_tax"] = "54.9500"
    assert snapshot(document)["fulfilment_type"] == "delivery"


@pytest.mark.parametrize(
    ("untaxed", "taxed", "rate"),
    [("10.3306", "12.5000", "21"), ("8.2110", "8.9500", "9"), ("10.33", "12.50", "21"), ("4.7393", "5.0000", "5.5"), ("5", "5", "0"),
     ("0", "5", "0"), ("5", "4", "0"), ("100.0000", "119.9880", "19.988"), ("0.2769", "0.3350", "21")],
)  # fmt: skip
def test_the_rate_is_the_shortest_that_explains_both_prices(untaxed: str, taxed: str, rate: str) -> None:
    assert tax_rate(Decimal(untaxed), Decimal(taxed)) == Decimal(rate)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.decimals("0", "500", places=4), st.integers(1, 20)), min_size=1, max_size=6),
    st.decimals("-5", "5", places=4),
    st.decimals("0", "30", places=4),
)
def test_every_order_adds_up_to_the_cent(goods: list[tuple[Decimal, int]], off: Decimal, gift: Decimal) -> None:
    lines = [line(60 + number, f"{price:.4f}", count) for number, (price, count) in enumerate(goods)]
    total = max(Decimal(0), sum((price * count for price, count in goods), Decimal("4.95")) + off)
    snapshot(order(*lines, total=f"{total:.4f}", gift_certificate_amount=f"{gift:.4f}"))


@pytest.mark.parametrize(
    ("fields", "shop_status", "payment_status"),
    [
        ({"status_id": 0, "payment_status": ""}, "awaiting_processing", "incomplete"),
        ({"status_id": 1}, "awaiting_processing", "incomplete"),
        ({"status_id": 7, "payment_status": ""}, "awaiting_processing", "unpaid"),
        ({"status_id": 11, "payment_status": ""}, "awaiting_processing", "paid"),
        ({"status_id": 11, "payment_status": "authorized"}, "awaiting_processing", "unpaid"),
        ({"status_id": 11, "payment_status": "capture pending"}, "awaiting_processing", "unpaid"),
        ({"status_id": 12, "payment_status": "held for review"}, "on_hold", "unpaid"),
        ({"status_id": 12, "payment_status": "captured"}, "on_hold", "paid"),
        ({"status_id": 6, "payment_status": "declined"}, "cancelled", "cancelled"),
        ({"status_id": 5, "payment_status": "captured"}, "cancelled", "paid"),
        ({"status_id": 5, "payment_status": "void pending"}, "cancelled", "cancelled"),
        ({"status_id": 5, "payment_status": ""}, "cancelled", "cancelled"),
        ({"status_id": 8}, "ready_for_pickup", "paid"),
        ({"status_id": 9}, "awaiting_shipment", "paid"),
        ({"status_id": 14, "payment_status": "partially refunded"}, "awaiting_processing", "partly_refunded"),
        ({"status_id": 4, "payment_status": "captured"}, "awaiting_processing", "refunded"),
        ({"status_id": 7, "payment_status": "", "total_inc_tax": "0.0000"}, "awaiting_processing", "paid"),
        ({"status_id": 11, "payment_status": "on the moon"}, "awaiting_processing", "custom"),
        ({"status_id": 13}, "custom", "paid"),
        ({"status_id": 99}, "custom", "paid"),
        ({"status_id": "eleven"}, "custom", "paid"),
    ],
)
def test_each_status_and_payment_has_a_word_of_ours(
    fields: dict[str, Any], shop_status: str, payment_status: str
) -> None:
    found = snapshot_of(order(**fields), Shop())
    assert (found["shop_status"], found["payment_status"]) == (shop_status, payment_status)
    assert bool(found["tags"]) == ("custom" in (shop_status, payment_status))


def test_a_refunded_order_is_as_far_as_what_was_sent_of_it() -> None:
    def far(*lines: dict[str, Any]) -> str:
        return str(snapshot_of(order(*lines, status_id=14), Shop())["shop_status"])

    assert far(line(quantity_shipped=2)) == "shipped"
    assert far(line(quantity_shipped=1)) == "partly_shipped"
    assert far(line(quantity_shipped=2), line(66, type="digital")) == "shipped", "a download is not sent"


def test_every_word_we_write_has_a_status_and_a_place_in_the_order_of_statuses() -> None:
    assert set(TO_THEIRS) == set(MAY_FOLLOW)
    assert set(TO_THEIRS.values()) <= set(STATUS_NAMES)
    for word, later in MAY_FOLLOW.items():
        if word != "on_hold":
            assert not any(word in MAY_FOLLOW[each] for each in later - {"on_hold"}), word


@pytest.mark.parametrize(
    "fields",
    [{"date_created": "", "date_modified": None}, {"date_created": "yesterday", "date_modified": "2026"}, {"total_inc_tax": "much"},
     {"total_inc_tax": True}, {"total_inc_tax": "NaN"}, {"id": None}, {"shipping_cost_inc_tax": [1]}],
)  # fmt: skip
def test_an_order_that_makes_no_sense_is_refused_with_what_is_wrong(fields: dict[str, Any]) -> None:
    with pytest.raises(Refused) as caught:
        order_event(order(**fields), Shop(), known=False)
    assert len(caught.value.message) > 30


@pytest.mark.parametrize("quantity", ["1.5", -1, "many", True])
def test_a_line_with_a_senseless_quantity_is_refused(quantity: object) -> None:
    document = order(line(quantity=1))
    document["consignments"]["shipping"][0]["line_items"][0]["quantity"] = quantity
    with pytest.raises(Refused):
        snapshot_of(document, Shop())


@pytest.mark.parametrize(
    "consignments", [None, [], "x", {"shipping": None}, {"shipping": [7, {"line_items": "x"}]}, {"email": []}]
)
def test_senseless_consignments_are_an_order_without_lines(consignments: object) -> None:
    assert snapshot_of(order(consignments=consignments), Shop())["lines"] == []
