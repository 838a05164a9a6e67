"""Shopify orders and articles in our words."""

from __future__ import annotations

import copy
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import Refused
from adapters.shopify.mapping import Shop, needs_sent, order_event, sent_units, snapshot_of, variant_events
from adapters.shopify.progress import FULFILMENT_TO_OURS, PAYMENT_TO_OURS, payment_status, shop_status

SHOP = Shop(outlet_of={"101": "utrecht"}.get, ready=lambda order: False, outlet_by_shipping_method={})


def bag(amount: str) -> dict[str, Any]:
    return {"shopMoney": {"amount": amount, "currencyCode": "EUR"}}


def line(number: int = 150001, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/LineItem/{number}", "sku": "TEE-RED-M", "title": "Tee", "variantTitle": "M", "quantity": 2,
        "currentQuantity": 2, "unfulfilledQuantity": 2, "requiresShipping": True, "isGiftCard": False,
        "product": {"id": "gid://shopify/Product/501"}, "variant": {"id": "gid://shopify/ProductVariant/4401"},
        "originalUnitPriceSet": bag("30.00"), "discountAllocations": [],
        "taxLines": [{"rate": Decimal("0.21"), "priceSet": bag("10.41")}],
    } | changes  # fmt: skip


def part(method: str = "SHIPPING", status: str = "OPEN", location: str = "101") -> dict[str, Any]:
    return {
        "id": "gid://shopify/FulfillmentOrder/7801", "status": status, "deliveryMethod": {"methodType": method},
        "assignedLocation": {"location": {"id": f"gid://shopify/Location/{location}"}},
    }  # fmt: skip


def order(*lines: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """An order of 64.90 with shipping 4.90."""
    address = {"name": "Eva Jansen", "firstName": "Eva", "lastName": "Jansen", "address1": "Dorpsstraat 12", "address2": "bij Jo",
               "zip": "3511 AB", "city": "Utrecht", "provinceCode": None, "countryCodeV2": "NL", "phone": None}  # fmt: skip
    return copy.deepcopy({
        "id": "gid://shopify/Order/6123450001", "name": "#1042", "createdAt": "2026-11-02T10:14:05+01:00",
        "processedAt": "2026-11-02T10:14:05+01:00", "updatedAt": "2026-11-02T10:14:06+01:00", "cancelledAt": None,
        "test": False, "displayFinancialStatus": "PAID", "displayFulfillmentStatus": "UNFULFILLED",
        "paymentGatewayNames": ["shopify_payments"], "currencyCode": "EUR", "taxesIncluded": True,
        "email": "eva.jansen@example.com", "phone": None, "note": "Graag bij de buren",
        "totalPriceSet": bag("64.90"), "currentTotalPriceSet": bag("64.90"),
        "customer": {"id": "gid://shopify/Customer/7001", "firstName": "Eva", "lastName": "Jansen"},
        "shippingAddress": address, "billingAddress": address,
        "shippingLines": {"nodes": [{"title": "Standard", "code": "standard-nl", "isRemoved": False,
                                     "discountedPriceSet": bag("4.90"), "currentDiscountedPriceSet": bag("4.90"),
                                     "taxLines": []}]},
        "lineItems": {"nodes": list(lines or (line(),)), "pageInfo": {"hasNextPage": False}},
        "transactions": [{"kind": "SALE", "status": "SUCCESS", "gateway": "shopify_payments", "formattedGateway": "Card"}],
        "fulfillmentOrders": {"nodes": [part()]}, "fulfillments": [],
    }) | changes  # fmt: skip


def read(found: dict[str, Any], sent: dict[str, int] | None = None, shop: Shop = SHOP) -> dict[str, Any]:
    return snapshot_of(found, shop, sent or {})


def added_up(snapshot: dict[str, Any]) -> Decimal:
    lines = sum((Decimal(each["unit_price"]) * each["quantity"] for each in snapshot["lines"]), Decimal(0))
    return lines + Decimal(snapshot["shipping_price"]) - Decimal(snapshot["discount"])


def test_an_order_reads_as_a_whole_snapshot() -> None:
    address = {"name": "Eva Jansen", "street": "Dorpsstraat 12\nbij Jo", "city": "Utrecht", "postcode": "3511 AB",
               "country": "NL", "region": None, "phone": None}  # fmt: skip
    assert read(order()) == {
        "number": "#1042", "external_id": "6123450001", "placed_at": "2026-11-02T09:14:05Z",
        "updated_at": "2026-11-02T09:14:06Z", "currency": "EUR", "total": "64.90", "shipping_price": "4.90",
        "discount": "0.00", "payment_status": "paid", "shop_status": "awaiting_processing",
        "payment": {"method": "Card", "processor": "shopify_payments"}, "fulfilment_type": "delivery",
        "shipping_method": {"id": "standard-nl", "name": "Standard", "outlet": None},
        "customer": {"external_id": "7001", "email": "eva.jansen@example.com", "name": "Eva Jansen", "first_name": "Eva",
                     "last_name": "Jansen", "phone": None, "group": None},
        "shipping_address": address, "billing_address": address, "comment": "Graag bij de buren",
        "prices_include_tax": True, "tracking": [], "tags": [],
        "lines": [{"id": "150001", "sku": "TEE-RED-M", "name": "Tee (M)", "quantity": 2, "unit_price": "30.00",
                   "tax_rate": "21", "external_product": "501/4401", "needs_shipping": True}],
    }  # fmt: skip


def test_the_event_is_named_by_its_content_and_ordered_by_the_shops_clock() -> None:
    placed = order_event(order(), SHOP, known=False, sent={})
    known = order_event(order(), SHOP, known=True, sent={})
    assert (placed.type, known.type, placed.id) == ("order.placed", "order.updated", known.id)
    assert (placed.subject, placed.sequence) == ("order:#1042", 1793610846)


# Money


def test_prices_without_tax_become_prices_with_tax() -> None:
    rows = order(
        line(originalUnitPriceSet=bag("10.33"), taxLines=[{"rate": Decimal("0.21"), "priceSet": bag("4.34")}]),
        taxesIncluded=False, totalPriceSet=bag("31.05"), currentTotalPriceSet=bag("31.05"),
        shippingLines={"nodes": [{"title": "Post", "code": "p", "isRemoved": False, "discountedPriceSet": bag("5.00"),
                                  "taxLines": [{"priceSet": bag("1.05")}]}]},
    )  # fmt: skip
    found = read(rows)
    assert (found["lines"][0]["unit_price"], found["shipping_price"], found["total"]) == ("12.50", "6.05", "31.05")
    assert added_up(found) == Decimal(found["total"])


def test_discounts_of_lines_are_a_discount_of_the_order() -> None:
    found = read(order(line(discountAllocations=[{"allocatedAmountSet": bag("6.00")}]), totalPriceSet=bag("58.90")))
    assert (found["lines"][0]["unit_price"], found["discount"], found["total"]) == ("30.00", "6.00", "58.90")


def test_three_decimals_are_rounded_per_unit_and_the_order_still_adds_up() -> None:
    found = read(order(line(originalUnitPriceSet=bag("4.125")), totalPriceSet=bag("13.15")))
    assert (found["lines"][0]["unit_price"], found["total"]) == ("4.13", "13.15")
    assert added_up(found) == Decimal("13.15")


def test_a_tip_is_charged_on_top() -> None:
    found = read(order(totalPriceSet=bag("69.90"), currentTotalPriceSet=bag("69.90")))
    assert (found["shipping_price"], found["total"]) == ("9.90", "69.90")


def test_a_line_that_was_removed_is_left_out_and_not_paid_for() -> None:
    gone = line(150002, currentQuantity=0, unfulfilledQuantity=0, originalUnitPriceSet=bag("5.00"))
    found = read(order(line(), gone, totalPriceSet=bag("74.90"), currentTotalPriceSet=bag("64.90")))
    assert ([each["id"] for each in found["lines"]], found["total"]) == (["150001"], "64.90")
    assert added_up(found) == Decimal("64.90")


def test_a_line_that_was_reduced_is_wanted_as_often_as_is_left() -> None:
    rows = order(line(currentQuantity=1, unfulfilledQuantity=1), currentTotalPriceSet=bag("34.90"))
    found = read(rows)
    assert (found["lines"][0]["quantity"], found["total"], added_up(found)) == (1, "34.90", Decimal("34.90"))


def test_what_came_back_after_it_was_sent_was_sold_all_the_same() -> None:
    rows = order(line(currentQuantity=0, unfulfilledQuantity=0), currentTotalPriceSet=bag("4.90"),
                 displayFinancialStatus="PARTIALLY_REFUNDED", displayFulfillmentStatus="FULFILLED")  # fmt: skip
    assert needs_sent(rows)
    found = read(rows, sent={"150001": 2})
    assert (found["lines"][0]["quantity"], found["total"], found["payment_status"]) == (2, "64.90", "partly_refunded")


def test_some_sent_some_back_and_some_removed_still_adds_up() -> None:
    rows = order(line(quantity=5, currentQuantity=2, unfulfilledQuantity=1), totalPriceSet=bag("154.90"))
    found = read(rows, sent={"150001": 3})
    assert found["lines"][0]["quantity"] == 4
    assert added_up(found) == Decimal(found["total"]) == Decimal("124.90")


def test_units_sent_are_counted_from_successful_fulfilments_only() -> None:
    rows = {"nodes": [{"quantity": 2, "lineItem": {"id": "gid://shopify/LineItem/1"}}]}
    found = {"fulfillments": [{"status": "SUCCESS", "fulfillmentLineItems": rows}, {"status": "CANCELLED", "fulfillmentLineItems": rows}]}
    assert sent_units(found) == {"1": 2}


def test_an_order_of_nothing_costs_nothing() -> None:
    free = order(line(originalUnitPriceSet=bag("0.00"), taxLines=[]), totalPriceSet=bag("0.00"), shippingLines={"nodes": []})
    found = read(free)
    assert (found["total"], found["lines"][0]["unit_price"], found["lines"][0]["tax_rate"]) == ("0.00", "0.00", "0")


@given(st.decimals(min_value=0, max_value=10**6, places=3), st.integers(1, 50), st.decimals(min_value=0, max_value=10, places=2))
def test_the_shops_own_total_always_holds(price: Decimal, units: int, shipping: Decimal) -> None:
    total = (price * units).quantize(Decimal("0.01")) + shipping
    rows = order(
        line(quantity=units, currentQuantity=units, originalUnitPriceSet=bag(str(price)), taxLines=[]),
        totalPriceSet=bag(str(total)), currentTotalPriceSet=bag(str(total)),
        shippingLines={"nodes": [{"title": "x", "discountedPriceSet": bag(str(shipping)), "taxLines": []}]},
    )  # fmt: skip
    found = read(rows)
    assert added_up(found) == Decimal(found["total"]) == total
    assert min(Decimal(found["discount"]), Decimal(found["shipping_price"])) >= 0


# Lines


def test_gift_cards_and_digital_goods_need_no_shipping() -> None:
    rows = order(line(isGiftCard=True), line(150002, requiresShipping=False), line(150003), totalPriceSet=bag("184.90"))
    assert [each["needs_shipping"] for each in read(rows)["lines"]] == [False, False, True]


def test_an_article_without_a_variant_is_named_by_its_title() -> None:
    found = read(order(line(variantTitle=None, variant=None, product=None, sku=None)))["lines"][0]
    assert (found["name"], found["sku"], found["external_product"]) == ("Tee", "", None)


# Words


@pytest.mark.parametrize("word", sorted(PAYMENT_TO_OURS))
def test_no_payment_status_of_the_vendor_is_custom(word: str) -> None:
    assert payment_status(word) != "custom"


@pytest.mark.parametrize("word", sorted(FULFILMENT_TO_OURS))
def test_no_fulfilment_status_of_the_vendor_is_custom(word: str) -> None:
    assert shop_status({"displayFulfillmentStatus": word}) != "custom"


def test_a_word_that_is_new_over_there_is_custom_and_kept_as_a_tag() -> None:
    found = read(order(displayFinancialStatus="CHARGED_BACK", displayFulfillmentStatus="LOST"))
    assert (found["payment_status"], found["shop_status"]) == ("custom", "custom")
    assert found["tags"] == ["financialStatus:CHARGED_BACK", "fulfillmentStatus:LOST"]


def test_a_cancelled_order_says_so_whatever_its_fulfilment_status() -> None:
    assert read(order(cancelledAt="2026-11-03T09:00:00Z"))["shop_status"] == "cancelled"


def test_an_authorised_payment_counts_as_the_setting_says() -> None:
    rows = order(displayFinancialStatus="AUTHORIZED")
    assert (read(rows)["payment_status"], read(rows)["tags"]) == ("unpaid", ["financialStatus:AUTHORIZED"])
    assert read(rows, shop=Shop(SHOP.outlet_of, SHOP.ready, {}, authorised_is_paid=True))["payment_status"] == "paid"


def test_a_gift_card_that_was_mailed_does_not_make_an_order_partly_shipped() -> None:
    card = line(150002, isGiftCard=True, requiresShipping=False, unfulfilledQuantity=0)
    rows = order(line(), card, displayFulfillmentStatus="PARTIALLY_FULFILLED")
    assert read(rows)["shop_status"] == "awaiting_processing"
    held = rows | {"fulfillmentOrders": {"nodes": [part(status="ON_HOLD"), part("NONE", "CLOSED")]}}
    assert read(held)["shop_status"] == "on_hold"
    assert read(order(line(unfulfilledQuantity=1), card, displayFulfillmentStatus="PARTIALLY_FULFILLED"))["shop_status"] == "partly_shipped"


def test_an_order_prepared_for_pickup_is_ready_until_it_is_collected() -> None:
    ready = Shop(SHOP.outlet_of, lambda order: order == "6123450001", {})
    parts = {"nodes": [part("PICK_UP")]}
    assert read(order(fulfillmentOrders=parts), shop=ready)["shop_status"] == "ready_for_pickup"
    assert read(order(fulfillmentOrders=parts, displayFulfillmentStatus="FULFILLED"), shop=ready)["shop_status"] == "completed"


@pytest.mark.parametrize(("methods", "kind", "outlet", "tags"), [
    (["SHIPPING"], "delivery", None, []), (["PICK_UP"], "pickup", "utrecht", []), (["PICK_UP", "NONE"], "pickup", "utrecht", []),
    (["LOCAL"], "delivery", "utrecht", ["deliveryMethod:LOCAL"]), (["PICKUP_POINT"], "delivery", None, ["deliveryMethod:PICKUP_POINT"]),
    (["PICK_UP", "SHIPPING"], "delivery", None, ["deliveryMethod:PICK_UP", "deliveryMethod:SHIPPING"]), ([], "delivery", None, []),
])  # fmt: skip
def test_the_delivery_method_decides_type_and_outlet(methods: list[str], kind: str, outlet: str | None, tags: list[str]) -> None:
    found = read(order(fulfillmentOrders={"nodes": [part(method) for method in methods]}))
    assert (found["fulfilment_type"], found["shipping_method"]["outlet"], found["tags"]) == (kind, outlet, tags)


def test_a_rate_of_the_settings_decides_the_outlet() -> None:
    shop = Shop(SHOP.outlet_of, SHOP.ready, {"standard-nl": "delft"})
    assert read(order(), shop=shop)["shipping_method"]["outlet"] == "delft"


def test_tracking_numbers_are_read_each_once_from_what_was_sent() -> None:
    rows = [{"status": "SUCCESS", "trackingInfo": [{"company": "PostNL", "number": "3SA", "url": "u"}, {"number": "3SA"}]},
            {"status": "CANCELLED", "trackingInfo": [{"number": "3SB"}]}, {"status": "SUCCESS", "trackingInfo": [{"number": "3SC"}]}]  # fmt: skip
    assert [each["number"] for each in read(order(fulfillments=rows))["tracking"]] == ["3SA", "3SC"]


# Nonsense


@pytest.mark.parametrize("change", [
    {"totalPriceSet": bag("fifty")}, {"totalPriceSet": bag("1e40")}, {"id": None}, {"name": None}, {"updatedAt": "yesterday", "createdAt": None},
    {"lineItems": {"nodes": [line(quantity=-1)]}}, {"lineItems": {"nodes": [line(quantity=Decimal("1.5"))]}},
    {"lineItems": {"nodes": [line(originalUnitPriceSet=bag("x"))]}},
])  # fmt: skip
def test_an_order_that_makes_no_sense_is_refused_by_name(change: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        order_event(order(**change), SHOP, known=False, sent={})


_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.decimals(allow_nan=True),
    lambda inner: st.lists(inner, max_size=2)
    | st.dictionaries(st.sampled_from(["nodes", "quantity", "currentQuantity", "id", "shopMoney", "amount", "taxLines"]), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*order()]), _ANY, max_size=8))
def test_any_answer_is_read_or_refused_but_never_crashes(change: dict[str, Any]) -> None:
    try:
        event = order_event(order(**change), SHOP, known=False, sent={})
    except Refused:
        return
    json.dumps(event.data)


# Articles


def variant(**changes: Any) -> dict[str, Any]:
    return {
        "id": "gid://shopify/ProductVariant/4401", "sku": "TEE-M", "title": "M", "updatedAt": "2026-11-02T09:00:00Z",
        "product": {"id": "gid://shopify/Product/501", "title": "Tee", "hasOnlyDefaultVariant": False},
    } | changes  # fmt: skip


def test_a_variant_is_reported_with_its_number_where_it_is_counted() -> None:
    changed, stock = variant_events(variant(), 7)
    assert changed.data == {"sku": "TEE-M", "name": "Tee (M)", "external_id": "501/4401"}
    assert stock.data == {"sku": "TEE-M", "shop_quantity": 7}
    assert [event.type for event in variant_events(variant(), None)] == ["product.changed"]
    assert list(variant_events(variant(sku=None), 7)) == []


def test_the_payment_method_is_what_the_customer_chose_whatever_was_recorded_later() -> None:
    rows = [{"kind": "SALE", "status": "PENDING", "gateway": "Bank Deposit", "formattedGateway": "Bank deposit"},
            {"kind": "SALE", "status": "SUCCESS", "gateway": "manual", "formattedGateway": "Manual"}]  # fmt: skip
    paid = order(transactions=rows, paymentGatewayNames=["Bank Deposit", "manual"])
    waiting = order(transactions=rows[:1], paymentGatewayNames=["Bank Deposit"])
    assert read(paid)["payment"] == read(waiting)["payment"] == {"method": "Bank deposit", "processor": "Bank Deposit"}
