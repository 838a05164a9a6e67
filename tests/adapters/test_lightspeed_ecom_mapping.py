"""E-Series orders and products in our words."""

from __future__ import annotations

import copy
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import Refused
from adapters.lightspeed_ecom.mapping import Shop, order_event, product_events, snapshot_of
from adapters.lightspeed_ecom.progress import PAYMENT_TO_OURS, payment_status, shop_status

SHOP = Shop("EUR", {}, {})
# The vendor's documented fields; the same order as in the till's tests.
ORDER: dict[str, Any] = json.loads(
    """{"id":"7Q2XK","internalId":700000001,"orderNumber":700000001,"vendorOrderNumber":"7Q2XK","email":"sanne@example.org","customerId":8001,
 "paymentStatus":"AWAITING_PAYMENT","fulfillmentStatus":"AWAITING_PROCESSING","paymentMethod":"Bankoverschrijving","paymentModule":"",
 "total":50.0,"subtotal":50.0,"tax":8.68,"pricesIncludeTax":true,"createDate":"2026-09-21 14:13:20 +0000","createTimestamp":1790000000,"updateTimestamp":1790000000,
 "shippingPerson":{"name":"Sanne de Wit","firstName":"Sanne","lastName":"de Wit","street":"Dorpsstraat 1","city":"Utrecht","countryCode":"NL","postalCode":"3511 AA","phone":"+31600000000"},
 "shippingOption":{"shippingMethodId":"2-1700000000000","shippingMethodName":"Bezorgen","shippingRate":0,"fulfillmentType":"SHIPPING","isPickup":false,"locationId":null},
 "orderComments":"Graag bij de buren","externalFulfillment":false,
 "items":[{"id":91,"productId":501,"sku":"MOK-ROOD","name":"Mok rood","quantity":2,"price":12.5,"productPrice":12.5,"tax":4.34,"taxes":[{"name":"BTW","value":21,"total":4.34,"includeInPrice":true}],"isShippingRequired":true},
          {"id":92,"productId":502,"sku":"KAN-01","name":"Theekan","quantity":1,"price":25.0,"productPrice":25.0,"tax":4.34,"taxes":[{"name":"BTW","value":21,"total":4.34,"includeInPrice":true}],"isShippingRequired":true}]}""",
    parse_float=Decimal,
)


def order(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(ORDER) | changes


def added_up(snapshot: dict[str, Any]) -> Decimal:
    lines = sum((Decimal(line["unit_price"]) * line["quantity"] for line in snapshot["lines"]), Decimal(0))
    return lines + Decimal(snapshot["shipping_price"]) - Decimal(snapshot["discount"])


def test_an_order_reads_as_a_whole_snapshot() -> None:
    assert snapshot_of(order(), SHOP) == {
        "number": "7Q2XK", "external_id": "7Q2XK", "placed_at": "2026-09-21T14:13:20Z", "updated_at": "2026-09-21T14:13:20Z",
        "currency": "EUR", "total": "50.00", "shipping_price": "0.00", "discount": "0.00",
        "payment_status": "unpaid", "shop_status": "awaiting_processing",
        "payment": {"method": "Bankoverschrijving", "processor": None},
        "fulfilment_type": "delivery", "shipping_method": {"id": "2-1700000000000", "name": "Bezorgen", "outlet": None},
        "customer": {"external_id": "8001", "email": "sanne@example.org", "name": "Sanne de Wit", "first_name": "Sanne",
                     "last_name": "de Wit", "phone": "+31600000000", "group": None},
        "shipping_address": {"name": "Sanne de Wit", "street": "Dorpsstraat 1", "city": "Utrecht", "postcode": "3511 AA",
                             "country": "NL", "region": None, "phone": "+31600000000"},
        "billing_address": {"name": None, "street": None, "city": None, "postcode": None, "country": None, "region": None, "phone": None},
        "comment": "Graag bij de buren", "prices_include_tax": True, "tracking": [], "tags": [],
        "lines": [
            {"id": "91", "sku": "MOK-ROOD", "name": "Mok rood", "quantity": 2, "unit_price": "12.50", "tax_rate": "21", "external_product": "501"},
            {"id": "92", "sku": "KAN-01", "name": "Theekan", "quantity": 1, "unit_price": "25.00", "tax_rate": "21", "external_product": "502"},
        ],
    }  # fmt: skip


def test_the_event_is_named_by_its_content_and_ordered_by_the_shops_clock() -> None:
    first, known = order_event(order(), SHOP, known=False), order_event(order(), SHOP, known=True)
    assert (first.type, known.type) == ("order.placed", "order.updated")
    assert first.id == known.id
    assert (first.sequence, first.time.isoformat()) == (1790000000, "2026-09-21T14:13:20+00:00")
    later = order_event(order(updateTimestamp=1790000001), SHOP, known=True)
    assert later.id != first.id


def test_prices_without_tax_become_prices_with_tax() -> None:
    items = [
        {
            "id": 1,
            "sku": "A",
            "quantity": 2,
            "price": Decimal("10.33"),
            "taxes": [{"value": 21, "total": Decimal("4.34"), "includeInPrice": False}],
        }
    ]
    snapshot = snapshot_of(
        order(
            pricesIncludeTax=False, items=items, total=Decimal("31.05"), shippingOption={"shippingRate": Decimal("5.00")},
            taxesOnShipping=[{"name": "BTW", "value": 21, "total": Decimal("1.05"), "includeInPrice": False}],
        ),
        SHOP,
    )  # fmt: skip
    assert (snapshot["lines"][0]["unit_price"], snapshot["shipping_price"]) == ("12.50", "6.05")
    assert added_up(snapshot) == Decimal(snapshot["total"])


def test_tax_on_top_is_the_tax_on_the_discounted_goods() -> None:
    items = [{"id": 1, "sku": "A", "quantity": 1, "price": Decimal("100"),
              "taxes": [{"value": 21, "total": Decimal("20"), "taxOnDiscountedSubtotal": Decimal("18.90"), "taxOnShipping": Decimal("1.10")}]}]  # fmt: skip
    snapshot = snapshot_of(
        order(
            pricesIncludeTax=False,
            items=items,
            couponDiscount=Decimal("4"),
            discount=Decimal("6"),
            total=Decimal("108.90"),
        ),
        SHOP,
    )
    assert (snapshot["lines"][0]["unit_price"], snapshot["discount"]) == ("118.90", "10.00")
    assert added_up(snapshot) == Decimal(snapshot["total"])


def test_fees_and_surcharges_count_as_shipping_so_that_the_order_adds_up() -> None:
    snapshot = snapshot_of(
        order(total=Decimal("61.45"), shippingOption={"shippingRate": Decimal("4.95")}, handlingFee={"name": "Inpakken", "value": Decimal("1.50")},
              customSurcharges=[{"id": "s", "total": Decimal("5.00")}]), SHOP)  # fmt: skip
    assert snapshot["shipping_price"] == "11.45"
    assert added_up(snapshot) == Decimal(snapshot["total"])


def test_a_gift_card_pays_and_does_not_make_the_order_cheaper() -> None:
    assert snapshot_of(order(total=Decimal(20), totalBeforeGiftCardRedemption=Decimal(50)), SHOP)["total"] == "50.00"


def test_amounts_have_the_decimals_of_their_currency() -> None:
    assert snapshot_of(order(total=1250), Shop("JPY", {}, {}))["total"] == "1250"
    assert snapshot_of(order(total=Decimal("1.2345")), Shop("KWD", {}, {}))["total"] == "1.235"


@given(st.decimals(min_value=0, max_value=10**9, places=2), st.integers(1, 999))
def test_amounts_are_exact_to_the_cent(price: Decimal, quantity: int) -> None:
    items = [{"id": 1, "sku": "A", "quantity": quantity, "price": price, "taxes": []}]
    line = snapshot_of(order(items=items), SHOP)["lines"][0]
    assert Decimal(line["unit_price"]) == price
    assert line["tax_rate"] == "0"


@pytest.mark.parametrize(("option", "expected"), [
    ({"fulfillmentType": "SHIPPING"}, "delivery"), ({"fulfillmentType": "DELIVERY"}, "delivery"), ({"fulfillmentType": "PICKUP"}, "pickup"),
    ({"fulfilmentType": "pickup"}, "pickup"), ({"fulfilmentType": "shipping", "isPickup": True}, "delivery"), ({"isPickup": True}, "pickup"),
    ({}, "delivery"), (None, "delivery"),
])  # fmt: skip
def test_both_spellings_of_the_fulfilment_type_are_read(option: Any, expected: str) -> None:
    assert snapshot_of(order(shippingOption=option), SHOP)["fulfilment_type"] == expected


def test_the_shipping_method_decides_the_outlet_before_its_location() -> None:
    shop = Shop("EUR", {"m1": "utrecht"}, {"l1": "delft", "7": "gouda"})
    found = [snapshot_of(order(shippingOption={"shippingMethodId": m, "locationId": place}), shop)["shipping_method"]["outlet"]
             for m, place in (("m1", "l1"), ("m2", "l1"), ("m2", None), ("m2", 7))]  # fmt: skip
    assert found == ["utrecht", "delft", None, "gouda"]


def test_two_street_lines_stay_two_lines() -> None:
    assert (
        snapshot_of(order(shippingPerson={"street": "Dorpsstraat 1\r\n\n  bij Jansen "}), SHOP)["shipping_address"][
            "street"
        ]
        == "Dorpsstraat 1\nbij Jansen"
    )


def test_tracking_is_read_from_the_order_and_its_shipments_each_once() -> None:
    shipments = [
        {"tracking": {"trackingNumber": "3SA"}},
        {"tracking": {"trackingNumber": "3SB", "trackingUrl": "u"}, "shippingService": {"carrierName": "PostNL"}},
    ]
    tracking = snapshot_of(order(trackingNumber="3SA", trackingUrl="https://t/3SA", shipments=shipments), SHOP)[
        "tracking"
    ]
    assert tracking == [
        {"number": "3SA", "url": "https://t/3SA", "carrier": None},
        {"number": "3SB", "url": "u", "carrier": "PostNL"},
    ]


def test_dates_are_read_as_text_where_there_are_no_seconds() -> None:
    old = {
        key: value
        for key, value in order(updateDate="2026-09-22 10:00:00 +0200").items()
        if not key.endswith("Timestamp")
    }
    snapshot = snapshot_of(old, SHOP)
    assert (snapshot["placed_at"], snapshot["updated_at"]) == ("2026-09-21T14:13:20Z", "2026-09-22T08:00:00Z")


@pytest.mark.parametrize("word", ["CUSTOM_PAYMENT_STATUS_1", "QUEUED", "", None, 5])
def test_a_status_without_a_word_of_ours_is_custom(word: object) -> None:
    assert (payment_status(word), shop_status(word)) == ("custom", "custom")


@pytest.mark.parametrize("word", sorted(PAYMENT_TO_OURS))
def test_no_payment_status_of_the_vendor_is_custom(word: str) -> None:
    assert payment_status(word) != "custom"


@pytest.mark.parametrize("change", [
    {"total": "fifty"}, {"total": [1]}, {"total": True}, {"total": Decimal("1e40")}, {"total": Decimal("1e999999")}, {"id": None, "vendorOrderNumber": None},
    {"items": [{"quantity": 0}]}, {"items": [{"quantity": Decimal("1.5")}]}, {"items": [{"quantity": -1}]}, {"items": [{"price": "x", "quantity": 1}]},
    {"createTimestamp": None, "updateTimestamp": None, "createDate": "yesterday"}, {"createTimestamp": 10**15, "updateTimestamp": -1, "createDate": None},
])  # fmt: skip
def test_an_order_that_makes_no_sense_is_refused_by_name(change: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        order_event(order(**change), SHOP, known=False)


@given(st.dictionaries(
    st.sampled_from([*ORDER, "shipments", "handlingFee", "taxesOnShipping", "customSurcharges", "billingPerson"]),
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.decimals(allow_nan=True),
                 lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["taxes", "quantity", "total", "value", "tracking", "street"]), inner, max_size=3),
                 max_leaves=6), max_size=8))  # fmt: skip
def test_any_answer_is_read_or_refused_but_never_crashes(change: dict[str, Any]) -> None:
    try:
        event = order_event(order(**change), SHOP, known=False)
    except Refused:
        return
    json.dumps(event.data)


def test_a_product_that_counts_nothing_has_no_stock_to_report() -> None:
    product = {"id": 1, "sku": "A", "name": "Gift card", "unlimited": True, "quantity": 3, "updateTimestamp": 5}
    assert [event.type for event in product_events(product, with_stock=True)] == ["product.changed"]


def test_a_product_without_a_sku_is_nothing_to_us() -> None:
    assert (
        list(product_events({"id": 1, "name": "Nameless", "quantity": 3, "updateTimestamp": 5}, with_stock=True)) == []
    )
