"""What a WooCommerce order amounts to in our words."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.base import Connection, Refused
from adapters.woocommerce.mapping import Shop, order_event, snapshot_of
from adapters.woocommerce.progress import Words
from tests.adapters.conformance import adds_up

ORDER: dict[str, Any] = {
    "id": 45, "number": "45", "status": "processing", "currency": "EUR", "total": "45.89", "total_tax": "7.96",
    "date_created": "2026-10-25T02:30:00", "date_created_gmt": "2026-10-25T00:30:00", "date_modified_gmt": "2026-10-25T01:30:00",
    "date_paid_gmt": "2026-10-25T00:31:00", "date_completed_gmt": None, "customer_id": 0, "customer_note": "Bel aan",
    "payment_method": "ideal", "payment_method_title": "iDEAL", "transaction_id": "tr_1",
    "billing": {"first_name": "Ana", "last_name": "Voorbeeld", "email": "ana@example.test", "phone": "+310", "country": "NL",
                "address_1": "Dam 1", "address_2": "", "city": "Amsterdam", "postcode": "1012JS", "company": "", "state": ""},
    "shipping": {"first_name": "Ben", "last_name": "Buur", "company": "", "address_1": "Kade 2", "address_2": "3 hoog",
                 "city": "Utrecht", "postcode": "3511AA", "country": "NL", "state": "", "phone": ""},
    "line_items": [{"id": 44, "name": "Lab shirt", "product_id": 10, "variation_id": 0, "quantity": 2, "sku": "LAB-1",
                    "subtotal": "32.98", "subtotal_tax": "6.92", "total": "32.98", "total_tax": "6.92",
                    "taxes": [{"id": 1, "total": "6.924793", "subtotal": "6.924793"}], "meta_data": []}],
    "tax_lines": [{"rate_id": 1, "rate_percent": 21}, {"rate_id": 2, "rate_percent": Decimal("5.5")}],
    "shipping_lines": [{"id": 46, "method_id": "flat_rate", "instance_id": "3", "method_title": "Bezorging", "total": "4.95",
                        "total_tax": "1.04", "meta_data": []}],
    "fee_lines": [], "refunds": [], "meta_data": [],
}  # fmt: skip
TABLES = {
    "status_slugs": {"awaiting_shipment": "packed", "shipped": "wc-verzonden"},
    "outlet_by_shipping_method": {"flat_rate:7": "warehouse", "local_pickup": "amsterdam"},
    "outlet_by_pickup_location": {" Winkel Utrecht": "utrecht"},
}


def shop(sku: str | None = None, virtual: tuple[str, ...] = (), **changed: Any) -> Shop:
    connection = Connection("c", "webshop", "woocommerce", "shop", "https://shop.example", {}, {**TABLES, **changed})
    return Shop.of(connection, Words(connection), lambda _: sku, lambda id: id in virtual)


def an_order(**changes: Any) -> dict[str, Any]:
    return json.loads(json.dumps(ORDER, default=str), parse_float=Decimal) | changes


def line(**changes: Any) -> dict[str, Any]:
    return {**ORDER["line_items"][0], **changes}


def snapshot(**changes: Any) -> dict[str, Any]:
    return snapshot_of(an_order(**changes), shop())


def meta(**values: Any) -> list[dict[str, Any]]:
    return [{"id": 1, "key": key, "value": value} for key, value in values.items()]


# Amounts


def test_line_prices_are_with_tax_though_the_shop_gives_them_without() -> None:
    found = snapshot(total="45.89")
    assert (found["lines"][0]["unit_price"], found["shipping_price"], found["discount"], found["total"]) == (
        "19.95", "5.99", "0.00", "45.89",
    )  # fmt: skip
    adds_up(found)


def test_a_coupon_comes_off_the_order_and_not_off_the_price() -> None:
    found = snapshot(line_items=[line(total="28.85", total_tax="6.05")], total="40.89")
    assert (found["lines"][0]["unit_price"], found["discount"]) == ("19.95", "5.00")
    adds_up(found)


def test_a_fee_is_charged_on_top_and_a_negative_fee_comes_off() -> None:
    fees = [{"total": "2.00", "total_tax": "0.42"}, {"total": "-10.00", "total_tax": "0.00"}]
    found = snapshot(fee_lines=fees, total="38.31")
    assert (found["shipping_price"], found["discount"]) == ("8.41", "10.00")
    adds_up(found)


def test_a_price_that_staff_set_above_the_list_is_what_a_unit_costs() -> None:
    found = snapshot(line_items=[line(total="41.32", total_tax="8.68")], total="55.99")
    assert (found["lines"][0]["unit_price"], found["discount"]) == ("25.00", "0.00")
    adds_up(found)


def test_a_quantity_that_the_api_changed_without_its_amounts_still_adds_up() -> None:
    found = snapshot(line_items=[line(quantity=3)])
    assert (found["lines"][0]["unit_price"], found["discount"]) == ("13.30", "0.00")
    adds_up(found)
    odd = snapshot(line_items=[line(quantity=7)])
    assert (odd["lines"][0]["unit_price"], odd["discount"]) == ("5.70", "0.00")


def test_what_rounding_a_unit_price_adds_is_taken_off_the_order() -> None:
    found = snapshot(line_items=[line(quantity=3, subtotal="8.26", subtotal_tax="1.74", total="8.26", total_tax="1.74")], total="15.99")
    assert (found["lines"][0]["unit_price"], found["discount"]) == ("3.34", "0.02")
    adds_up(found)


def test_what_an_extension_adds_to_the_total_alone_is_charged_on_top() -> None:
    found = snapshot(total="50.00")
    assert (found["shipping_price"], found["discount"]) == ("10.10", "0.00")
    adds_up(found)


def test_a_currency_without_cents_has_none() -> None:
    found = snapshot(currency="JPY", total="4589", line_items=[line(subtotal="3298", subtotal_tax="692", total="3298", total_tax="692")],
                     shipping_lines=[{"method_id": "flat_rate", "total": "495", "total_tax": "104"}])  # fmt: skip
    assert (found["total"], found["lines"][0]["unit_price"], found["shipping_price"]) == ("4589", "1995", "599")
    adds_up(found)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 99_999), st.integers(0, 99_999)), min_size=1, max_size=5),
       st.integers(0, 5_000), st.integers(-300, 300))  # fmt: skip
def test_every_order_adds_up_whatever_its_lines_cost(lines: list[tuple[int, int, int]], shipping: int, fee: int) -> None:
    def text(cents: int) -> str:
        return str(Decimal(cents) / 100)

    items = [line(id=n, quantity=q, subtotal=text(list_), subtotal_tax="0", total=text(min(list_, paid)), total_tax="0")
             for n, (q, list_, paid) in enumerate(lines)]  # fmt: skip
    total = sum(min(list_, paid) for _, list_, paid in lines) + shipping + fee
    found = snapshot(
        line_items=items, total=text(max(total, 0)), fee_lines=[{"total": text(fee), "total_tax": "0"}],
        shipping_lines=[{"method_id": "flat_rate", "total": text(shipping), "total_tax": "0"}],
    )  # fmt: skip
    adds_up(found)
    assert Decimal(found["discount"]) >= 0
    assert Decimal(found["shipping_price"]) >= 0


@pytest.mark.parametrize("wrong", ["NaN", "1e99", "12,50", True, [], {}])
def test_an_amount_that_is_none_is_refused_with_the_order_and_the_field(wrong: Any) -> None:
    with pytest.raises(Refused, match=r"Order 45 .*total"):
        snapshot(total=wrong)


def test_an_order_without_id_currency_or_date_is_refused() -> None:
    for changes in ({"id": None, "number": ""}, {"currency": ""}, {"date_created_gmt": None, "date_modified_gmt": "soon"}):
        with pytest.raises(Refused):
            order_event(an_order(**changes), shop(), known=False)


# Lines


def test_the_tax_rate_is_the_sum_of_the_rates_that_apply() -> None:
    both = [{"id": 1, "total": "1", "subtotal": "1"}, {"id": 2, "total": "1", "subtotal": "1"}]
    other = [{"id": 1, "total": "1", "subtotal": "1"}, {"id": 2, "total": "", "subtotal": ""}]
    assert [snapshot(line_items=[line(taxes=t)])["lines"][0]["tax_rate"] for t in (both, other, [])] == ["26.5", "21", "21"]


def test_a_line_removed_by_setting_it_to_nothing_is_left_out() -> None:
    assert [each["id"] for each in snapshot(line_items=[line(quantity=0), line(id=9)])["lines"]] == ["9"]


def test_half_a_unit_is_refused() -> None:
    with pytest.raises(Refused, match="quantity"):
        snapshot(line_items=[line(quantity="1.5")])


def test_a_line_whose_product_was_deleted_keeps_the_sku_we_know() -> None:
    order = an_order(line_items=[line(sku=None, product_id=26, variation_id=27)])
    assert [snapshot_of(order, shop(sku))["lines"][0]["sku"] for sku in ("OLD-1", None)] == ["OLD-1", ""]
    assert snapshot_of(order, shop())["lines"][0]["external_product"] == "26/27"


def test_a_line_without_any_product_has_no_article() -> None:
    found = snapshot(line_items=[line(product_id=0, sku="")])["lines"][0]
    assert (found["sku"], found["external_product"], found["needs_shipping"]) == ("", None, True)


def test_a_virtual_article_needs_no_shipping() -> None:
    assert snapshot_of(an_order(), shop(virtual=("10",)))["lines"][0]["needs_shipping"] is False


def test_a_bundle_is_packed_by_its_parts_unless_it_is_packed_as_one() -> None:
    def bundle(packed: str) -> list[bool]:
        whole = line(id=1, meta_data=meta(_bundle_cart_key="k"))
        part = line(id=2, meta_data=meta(_bundled_by="k", _bundled_item_needs_shipping=packed))
        other = line(id=3, meta_data=meta(_bundle_cart_key="another"))
        return [each["needs_shipping"] for each in snapshot(line_items=[whole, part, other])["lines"]]

    assert bundle("yes") == [False, True, True]
    assert bundle("no") == [True, False, True]


# Statuses


@pytest.mark.parametrize(
    ("changes", "shop_status", "payment_status"),
    [
        ({}, "awaiting_processing", "paid"),
        ({"status": "pending", "date_paid_gmt": None}, "awaiting_processing", "unpaid"),
        ({"status": "failed", "date_paid_gmt": None}, "awaiting_processing", "unpaid"),
        ({"status": "on-hold", "date_paid_gmt": None}, "awaiting_processing", "unpaid"),
        ({"status": "on-hold"}, "on_hold", "paid"),
        ({"status": "completed"}, "completed", "paid"),
        ({"status": "cancelled"}, "cancelled", "paid"),
        ({"status": "cancelled", "date_paid_gmt": None}, "cancelled", "cancelled"),
        ({"status": "refunded", "refunds": [{"total": "-45.89"}]}, "awaiting_processing", "refunded"),
        ({"status": "refunded", "date_completed_gmt": "2026-10-25T02:00:00"}, "completed", "refunded"),
        ({"status": "completed", "refunds": [{"total": "-5.00"}]}, "completed", "partly_refunded"),
        ({"status": "processing", "refunds": [{"total": "-40.00"}, {"total": "-5.89"}]}, "awaiting_processing", "refunded"),
        ({"status": "checkout-draft"}, "awaiting_processing", "incomplete"),
        ({"status": "packed"}, "awaiting_shipment", "paid"),
        ({"status": "verzonden"}, "shipped", "paid"),
        ({"status": "wacht"}, "custom", "paid"),
        ({"total": "0.00", "date_paid_gmt": None}, "awaiting_processing", "paid"),
        ({"payment_method": "cod", "transaction_id": ""}, "awaiting_processing", "unpaid"),
        ({"payment_method": "cod", "transaction_id": "till 7"}, "awaiting_processing", "paid"),
        ({"payment_method": "cod", "transaction_id": "", "status": "completed", "date_completed_gmt": "2026-10-26T00:00:00"},
         "completed", "paid"),
    ],
)  # fmt: skip
def test_one_status_there_is_two_words_here(changes: dict[str, Any], shop_status: str, payment_status: str) -> None:
    found = snapshot(**changes)
    assert (found["shop_status"], found["payment_status"]) == (shop_status, payment_status)


def test_a_status_of_the_shops_own_is_kept_as_a_tag() -> None:
    assert (snapshot(status="wacht")["tags"], snapshot(status="packed")["tags"]) == (["status:wacht"], [])


def test_slugs_for_words_that_need_none_are_refused() -> None:
    with pytest.raises(Refused, match=r"names completed; it can name awaiting_shipment"):
        shop(status_slugs={"completed": "klaar"})


# People, places, times


def test_who_gets_it_and_who_pays_are_told_apart() -> None:
    found = snapshot()
    assert (found["customer"]["email"], found["customer"]["name"], found["customer"]["external_id"]) == ("ana@example.test", "Ana Voorbeeld", None)
    assert (found["shipping_address"]["name"], found["shipping_address"]["street"]) == ("Ben Buur", "Kade 2\n3 hoog")
    assert found["shipping_address"]["phone"] == "+310"
    assert snapshot(customer_id=7)["customer"]["external_id"] == "7"


def test_an_order_without_a_shipping_address_goes_to_who_pays() -> None:
    empty = dict.fromkeys(ORDER["shipping"], "") | {"country": "NL"}
    assert snapshot(shipping=empty)["shipping_address"]["street"] == "Dam 1"


@pytest.mark.parametrize(
    ("line", "kind", "outlet"),
    [
        ({"method_id": "flat_rate", "instance_id": "7"}, "delivery", "warehouse"),
        ({"method_id": "flat_rate", "instance_id": "8"}, "delivery", None),
        ({"method_id": "local_pickup", "instance_id": "2"}, "pickup", "amsterdam"),
        ({"method_id": "pickup_location", "instance_id": "1", "meta_data": meta(pickup_location="winkel utrecht ")}, "pickup", "utrecht"),
        ({"method_id": "pickup_location", "instance_id": "1", "meta_data": meta(pickup_location="Elders")}, "pickup", None),
    ],
)
def test_the_shipping_method_says_whether_it_is_a_pickup_and_where(line: dict[str, Any], kind: str, outlet: str | None) -> None:
    found = snapshot(shipping_lines=[line])
    assert (found["fulfilment_type"], found["shipping_method"]["outlet"]) == (kind, outlet)


def test_times_are_taken_from_the_fields_in_gmt() -> None:
    """02:30 on the night the clocks go back is two moments."""
    found = snapshot()
    assert (found["placed_at"], found["updated_at"]) == ("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z")
    event = order_event(an_order(), shop(), known=True)
    assert (event.type, event.sequence, event.subject) == ("order.updated", 1792891800, "order:45")


def test_a_plugin_that_numbers_orders_changes_the_number_and_not_the_id() -> None:
    found = snapshot(number="WEB-2026-1")
    assert (found["number"], found["external_id"]) == ("WEB-2026-1", "45")


def test_tracking_is_read_from_wherever_the_shop_keeps_it_each_number_once() -> None:
    extension = [{"tracking_provider": "", "custom_tracking_provider": "PostNL", "custom_tracking_link": "https://t/1", "tracking_number": "3S1"}]
    fields = meta(
        _wc_shipment_tracking_items=extension, _tracking_number="3S2, 3S3", _tracking_url="https://t/2", _tracking_provider="DHL",
        _wissel_tracking=json.dumps([{"number": "3S1", "url": "", "carrier": "PostNL"}]),
    )  # fmt: skip
    found = snapshot(meta_data=fields)["tracking"]
    assert [(each["number"], each["url"], each["carrier"]) for each in found] == [
        ("3S1", None, "PostNL"), ("3S2", "https://t/2", "DHL"), ("3S3", None, "DHL"),
    ]  # fmt: skip


def test_what_changes_nothing_for_us_is_the_same_event() -> None:
    plain = order_event(an_order(), shop(), known=True)
    other = order_event(an_order(meta_data=meta(_views=7), payment_url="https://x", _links={"self": []}), shop(), known=True)
    assert plain.id == other.id


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(ORDER)), st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.decimals(allow_nan=True),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "key", "value", "total", "quantity", "meta_data"]), inner),
    max_leaves=6)))  # fmt: skip
def test_an_order_of_any_shape_is_read_or_refused_and_never_a_crash(changes: dict[str, Any]) -> None:
    try:
        order_event(ORDER | changes, shop(), known=False)
    except Refused as refused:
        assert refused.message
