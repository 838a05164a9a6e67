"""What is learned from Lightspeed Retail: sales, payments, tracking, stock, products, changes since the last poll."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from lightspeed_retail_till import ORDER, OUTLETS, Till, of_type, open_till, with_settings

from adapters.base import Memory, Refused
from adapters.lightspeed_retail import mapping, sandbox

ORDER_REF = {"id": "order-1"}
SALE_ID = mapping.sale_id("order-1")
PAYMENT = {"method": "Mollie", "reference": "tr_1", "at": "2026-09-21T15:00:00Z"}


@pytest.fixture
def till(memory: Memory, http: requests.Session) -> Iterator[Till]:
    with open_till(memory, http) as opened:
        yield opened


def fulfilment_at(till: Till, outlet: str) -> str:
    outlet_id = sandbox.seeded_id("outlet", OUTLETS[outlet])
    return next(row["id"] for row in till.fulfilments() if row["outlet_id"] == outlet_id)


def sell_in_store(till: Till, sku: str = "MUG-BLUE", quantity: int = 3) -> None:
    till.press("/sell/counter", product=sandbox.seeded_id("product", sku), quantity=quantity,
               register=sandbox.seeded_id("register", "Utrecht till"), type=sandbox.seeded_id("payment_type", "Cash")).raise_for_status()  # fmt: skip


# check


def test_check_counts_outlets_and_names_what_is_not_linked(till: Till) -> None:
    assert till.do("check").summary == "Connected: 2 outlets, online sales go to register Online."


def test_check_names_outlets_that_are_not_linked(memory: Memory, till: Till) -> None:
    memory.bindings.clear()  # type: ignore[attr-defined]
    result = with_settings(till, outlets={"ams": "Amsterdam"}).do("check")
    assert result.summary.endswith("Not linked: Utrecht.")
    assert memory.external("outlet", "ams") == sandbox.seeded_id("outlet", "Amsterdam")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"outlets": {"rtm": "Rotterdam"}},
            "links rtm to 'Rotterdam', which the till does not have. It has: Amsterdam, Utrecht",
        ),
        ({"register_id": "no-such"}, r"names no register of the till. It has: Online \("),
        ({"author_id": ""}, "author_id"),
    ],
)
def test_check_says_which_setting_is_wrong(till: Till, settings: dict, words: str) -> None:
    with pytest.raises(Refused, match=words):
        with_settings(till, **settings).do("check")


# read_sale


def test_each_step_of_a_fulfilment_is_told_in_our_words(till: Till) -> None:
    till.place()
    till.do("add_payment", order=ORDER_REF, amount="50.00", **PAYMENT)
    id = fulfilment_at(till, "ams")
    seen = []
    for step in ("start", "pack", "done"):
        till.press(f"/fulfilments/{id}/{step}").raise_for_status()
        events = of_type(till.do("read_sale", sale_id=SALE_ID), "fulfilment.status_changed")
        seen.append(next((event.data["status"], event.sequence) for event in events if event.data["fulfilment"] == id))
    assert seen == [("in_progress", 2), ("packed", 3), ("completed", 4)]


def test_what_the_scanner_app_notes_is_told(till: Till) -> None:
    till.place()
    row = next(row for row in till.fulfilments() if row["id"] == fulfilment_at(till, "ams"))
    till.press(f"/scanner/{row['id']}", note="One mug is chipped", user=sandbox.seeded_id("user", "anna"),
               **{row["line_items"][0]["sale_line_item_id"]: "1"}).raise_for_status()  # fmt: skip
    events = of_type(till.do("read_sale", sale_id=SALE_ID), "fulfilment.status_changed")
    data = next(event.data for event in events if event.data["fulfilment"] == row["id"])
    assert (data["note"], data["assigned_users"], data["status"]) == (
        "One mug is chipped",
        ["Anna de Wit"],
        "in_progress",
    )
    assert data["lines"] == [{"sku": "MUG-BLUE", "quantity": 2, "picked": 1, "packed": 0, "fulfilled": 0}]


def test_reading_twice_tells_the_same_events(till: Till) -> None:
    till.place()
    first, second = till.do("read_sale", sale_id=SALE_ID), till.do("read_sale", sale_id=SALE_ID)
    assert [(event.id, event.data) for event in first.events] == [(event.id, event.data) for event in second.events]


@pytest.mark.parametrize(
    ("path", "screen"),
    [("/sell/pay", "sell_screen"), (f"/sales/{SALE_ID}/payment", "sales_history")],
)
def test_a_payment_by_staff_is_told_with_the_screen_it_was_made_on(till: Till, path: str, screen: str) -> None:
    till.place()
    till.press(path, sale=SALE_ID, amount="20.00", type=sandbox.seeded_id("payment_type", "Cash"),
               register=sandbox.seeded_id("register", "Amsterdam till")).raise_for_status()  # fmt: skip
    (event,) = of_type(till.do("read_sale", sale_id=SALE_ID), "payment.received")
    assert event.data["order"] == ORDER_REF and event.data["screen"] == screen
    assert (event.data["amount"], event.data["currency"], event.data["method"]) == ("20.00", "EUR", "Cash")
    assert event.data["paid_total"] == "20.00"


def test_a_later_payment_changes_nothing_about_what_was_told_of_an_earlier_one(till: Till) -> None:
    till.place()
    cash = sandbox.seeded_id("payment_type", "Cash")
    till.press(f"/sales/{SALE_ID}/payment", amount="20.00", type=cash)
    (first,) = of_type(till.do("read_sale", sale_id=SALE_ID), "payment.received")
    till.press(f"/sales/{SALE_ID}/payment", amount="30.00", type=cash)
    both = of_type(till.do("read_sale", sale_id=SALE_ID), "payment.received")
    assert [event.data["paid_total"] for event in both] == ["20.00", "50.00"]
    assert (both[0].id, both[0].data) == (first.id, first.data)


def test_a_sale_voided_by_staff_cancels_the_order(till: Till) -> None:
    till.place()
    till.press(f"/sales/{SALE_ID}/void").raise_for_status()
    (event,) = of_type(till.do("read_sale", sale_id=SALE_ID), "order.cancelled")
    assert event.data == {"order": ORDER_REF, "reason": "voided in the till"}


def test_a_refund_is_told_with_what_the_customer_got_back(till: Till) -> None:
    till.place()
    till.do("add_payment", order=ORDER_REF, amount="50.00", **PAYMENT)
    till.do("complete_fulfilments", order=ORDER_REF)
    till.press(f"/sales/{SALE_ID}/refund").raise_for_status()
    returned = till.sale()["return"]["return_sale_ids"][0]
    (event,) = till.do("read_sale", sale_id=returned).events
    assert (event.type, event.data["amount"], event.data["order"]) == ("payment.refunded", "50.00", ORDER_REF)


@pytest.mark.parametrize(
    ("note", "told"),
    [
        ("Tracking: 3STEST1234567", ("3STEST1234567", "", "")),
        (
            "fragile\r\nTracking (PostNL): 3STEST https://track.example/3STEST\nthanks",
            ("3STEST", "https://track.example/3STEST", "PostNL"),
        ),
        ("Volgnummer: 99", ("99", "", "")),
    ],
)
def test_tracking_typed_in_the_note_is_told(till: Till, note: str, told: tuple[str, str, str]) -> None:
    till.place()
    till.press(f"/sales/{SALE_ID}/note", note=f"{till.sale()['note']}\n{note}").raise_for_status()
    (event,) = of_type(till.do("read_sale", sale_id=SALE_ID), "shipment.tracking_added")
    assert (event.data["number"], event.data["url"], event.data["carrier"]) == told


def test_staff_may_write_tracking_their_own_way(till: Till) -> None:
    till.place()
    till.press(f"/sales/{SALE_ID}/note", note="TT=123")
    own = with_settings(till, tracking_pattern=r"TT=(?P<number>\d+)")
    assert of_type(own.do("read_sale", sale_id=SALE_ID), "shipment.tracking_added")[0].data["number"] == "123"


@pytest.mark.parametrize("pattern", ["(", r"TT=(\d+)"])
def test_a_tracking_pattern_that_cannot_work_is_named(till: Till, pattern: str) -> None:
    till.place()
    till.press(f"/sales/{SALE_ID}/note", note="TT=123")
    with pytest.raises(Refused, match="tracking_pattern"):
        with_settings(till, tracking_pattern=pattern).do("read_sale", sale_id=SALE_ID)


def test_a_sale_made_in_the_store_is_no_news_but_its_stock_is(till: Till) -> None:
    sell_in_store(till)
    (sale,) = till.state.all("sale")
    assert till.do("read_sale", sale_id=sale["id"]).events == []
    result = till.do("read_stock", sku="MUG-BLUE")
    assert {event.data["outlet"]: event.data["on_hand"] for event in result.events} == {"ams": 12, "utr": 2}


def test_a_sale_that_is_gone_is_no_error(till: Till) -> None:
    assert till.do("read_sale", sale_id="00000000-0000-0000-0000-000000000000").did_nothing


# Stock and products


def test_stock_of_a_product_new_to_us_is_told_by_its_sku(till: Till) -> None:
    result = till.do("read_stock", product_id=sandbox.seeded_id("product", "TEA-EARL"))
    assert {event.data["sku"] for event in result.events} == {"TEA-EARL"}
    assert till.memory.external("product", "TEA-EARL") == sandbox.seeded_id("product", "TEA-EARL")


def test_stock_levels_carry_the_tills_growing_version(till: Till) -> None:
    before = till.do("read_stock", sku="MUG-BLUE").events
    sell_in_store(till)
    after = till.do("read_stock", sku="MUG-BLUE").events
    by_outlet = {event.data["outlet"]: event for event in before}
    changed = next(event for event in after if event.data["outlet"] == "utr")
    assert changed.sequence > by_outlet["utr"].sequence and changed.id != by_outlet["utr"].id
    assert next(event.id for event in after if event.data["outlet"] == "ams") == by_outlet["ams"].id


def test_stock_at_an_outlet_that_is_not_linked_is_not_told(memory: Memory, till: Till) -> None:
    memory.bindings.clear()  # type: ignore[attr-defined]
    with_settings(till, outlets={"utr": "Utrecht"}).do("check")
    assert {event.data["outlet"] for event in till.do("read_stock", sku="MUG-BLUE").events} == {"utr"}


def test_an_unknown_sku_or_product_is_refused(till: Till) -> None:
    with pytest.raises(Refused, match="no product with SKU NOPE"):
        till.do("read_stock", sku="NOPE")
    with pytest.raises(Refused):
        till.do("read_stock", product_id="00000000-0000-0000-0000-000000000000")


def test_products_are_bound_once_and_told_only_when_new_or_changed(till: Till) -> None:
    first = till.do("read_products")
    assert {event.data["sku"] for event in first.events} == {"SHIPPING", "MUG-BLUE", "TEA-EARL", "POT-CAST"}
    assert till.memory.external("product", "POT-CAST") == sandbox.seeded_id("product", "POT-CAST")
    assert till.do("read_products").did_nothing
    sandbox.seed(till.state, [], [{"sku": "NEW-1", "name": "New", "price": "1.00"}])
    assert [event.data["sku"] for event in till.do("read_products").events] == ["NEW-1"]


def test_more_products_than_a_page_are_all_read(till: Till) -> None:
    sandbox.seed(till.state, [], [{"sku": f"P-{n}", "name": "P", "price": "1.00"} for n in range(450)])
    assert len(till.do("read_products").events) == 454


# read_changes


def test_the_first_poll_tells_all_stock_and_the_next_only_what_changed(till: Till) -> None:
    till.do("read_products")
    assert len(of_type(till.do("read_changes"), "stock.changed")) == 6
    assert till.do("read_changes").did_nothing
    sell_in_store(till)
    (event,) = till.do("read_changes").events
    assert event.data == {"outlet": "utr", "sku": "MUG-BLUE", "on_hand": 2}


def test_a_poll_tells_what_a_webhook_would_have_told_with_the_same_ids(till: Till) -> None:
    till.place()
    till.press(f"/sales/{SALE_ID}/payment", amount="50.00", type=sandbox.seeded_id("payment_type", "Cash"))
    till.press(f"/fulfilments/{fulfilment_at(till, 'ams')}/pack")
    polled = [
        event for event in till.do("read_changes").events if event.type not in ("stock.changed", "product.changed")
    ]
    assert [event.id for event in polled] == [event.id for event in till.do("read_sale", sale_id=SALE_ID).events]
    assert [event.id for event in till.do("read_changes").events] == []


def test_steps_that_leave_no_trace_on_the_sale_are_found_among_the_open_fulfilments(till: Till) -> None:
    till.box.sandbox.set_switch("steps_touch_sale", False)
    till.place()
    till.do("read_changes")
    till.press(f"/fulfilments/{fulfilment_at(till, 'utr')}/pack")
    (event,) = till.do("read_changes").events
    assert (event.data["outlet"], event.data["status"]) == ("utr", "packed")
    assert till.do("read_changes").did_nothing


def test_open_sales_are_watched_until_their_last_step_has_been_told(till: Till) -> None:
    till.do("read_changes")
    till.place()
    till.place(id="order-2", number="2", lines=[{**ORDER["lines"][0], "quantity": 4}])
    till.do("add_payment", order=ORDER_REF, amount="50.00", **PAYMENT)
    till.do("complete_fulfilments", order=ORDER_REF)
    till.do("void_sale", order={"id": "order-2"})
    till.do("read_changes")
    till.do("read_changes")
    till.state.clear_requests()
    assert till.do("read_changes").did_nothing
    assert not till.state.requests("GET", "/fulfillments")


def test_a_new_products_stock_is_told_by_the_poll_that_finds_the_product(till: Till) -> None:
    till.do("read_changes")
    sandbox.seed(till.state, [], [{"sku": "NEW-1", "name": "New", "price": "1.00"}], {"NEW-1": {"Utrecht": 7}})
    result = till.do("read_changes")
    assert [event.data["sku"] for event in of_type(result, "product.changed")] == ["NEW-1"]
    assert ("utr", 7) in {(event.data["outlet"], event.data["on_hand"]) for event in of_type(result, "stock.changed")}


def test_a_poll_whose_result_was_lost_tells_it_all_again(till: Till) -> None:
    till.do("read_changes")
    till.place()
    till.box.sandbox.set_switch("steps_touch_sale", False)
    till.press(f"/fulfilments/{fulfilment_at(till, 'utr')}/pack")
    first = till.do("read_changes", key="poll-7")
    again = till.do("read_changes", key="poll-7")
    assert first.events and [event.id for event in again.events] == [event.id for event in first.events]
    assert till.do("read_changes", key="poll-8").did_nothing


def test_sales_from_before_we_came_are_not_read(till: Till) -> None:
    for _ in range(3):
        sell_in_store(till, quantity=1)
    till.do("read_changes")
    query = till.state.requests("GET", "/sales")[-1].query
    assert not query.startswith("after=0&")


def test_completed_sales_and_refunds_are_polled_too(till: Till) -> None:
    till.place()
    till.do("add_payment", order=ORDER_REF, amount="50.00", **PAYMENT)
    till.do("read_changes")
    for outlet in ("ams", "utr"):
        till.press(f"/fulfilments/{fulfilment_at(till, outlet)}/done")
    till.press(f"/sales/{SALE_ID}/refund")
    result = till.do("read_changes")
    assert {event.data["status"] for event in of_type(result, "fulfilment.status_changed")} == {"completed"}
    assert [event.data["amount"] for event in of_type(result, "payment.refunded")] == ["50.00"]


def test_many_sales_are_polled_page_by_page(till: Till) -> None:
    till.do("read_changes")
    till.place()
    for _ in range(3):
        till.press(f"/sales/{SALE_ID}/note", note="again")
    for number in range(120):
        till.place(id=f"o-{number}", number=str(number), customer={}, lines=[
            {"id": "a", "sku": "TEA-EARL", "name": "Tea", "quantity": 1, "unit_price": "50.00", "tax_rate": "9", "outlet": "ams"}])  # fmt: skip
    result = till.do("read_changes")
    assert {event.data["order"]["id"] for event in of_type(result, "fulfilment.status_changed")} == {
        "order-1", *(f"o-{number}" for number in range(120))
    }  # fmt: skip
