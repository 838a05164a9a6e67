"""What we tell a WooCommerce shop, and what it makes of it: statuses, notes, tracking, outlets, refunds, stock."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from adapters.base import Refused, RetryLater
from tests.adapters.woo import Woo, open_woo


@pytest.fixture
def woo() -> Iterator[Woo]:
    with open_woo() as opened:
        yield opened


# Statuses


def test_a_status_of_the_shops_own_is_written_and_read_where_the_settings_name_it(woo: Woo) -> None:
    woo.settings["status_slugs"] = {"awaiting_shipment": "packed"}
    order = woo.place()
    assert "status packed" in woo.tell(order, shop_status="awaiting_shipment").summary
    assert woo.order(order)["status"] == "packed"
    assert woo.snapshot(order)["shop_status"] == "awaiting_shipment"
    assert woo.notes(order) == []


def test_the_check_refuses_a_slug_that_the_shop_does_not_have(woo: Woo) -> None:
    woo.settings["status_slugs"] = {"awaiting_shipment": "packed", "shipped": "verzonden"}
    with pytest.raises(Refused, match=r"verzonden \(shipped\).*packed"):
        woo.do("check")
    woo.settings["status_slugs"] = {"awaiting_shipment": "wc-packed"}
    woo.do("check")


def test_a_word_without_a_status_is_a_note_once_and_never_goes_back(woo: Woo) -> None:
    order = woo.place()
    woo.tell(order, shop_status="awaiting_shipment")
    woo.tell(order, shop_status="shipped")
    assert woo.tell(order, shop_status="awaiting_shipment").did_nothing
    assert woo.tell(order, shop_status="shipped").did_nothing
    assert woo.notes(order) == [("Packed, waiting for the carrier.", False), ("Your order is on its way.", False)]
    assert woo.order(order)["status"] == "processing"
    woo.tell(order, shop_status="completed")
    assert woo.order(order)["status"] == "completed"


def test_what_was_noted_counts_only_while_the_shop_shows_the_status_it_was_noted_at(woo: Woo) -> None:
    order = woo.place()
    woo.tell(order, shop_status="shipped")
    woo.shop.set_status(order, "on-hold")
    woo.tell(order, shop_status="awaiting_processing")
    assert woo.order(order)["status"] == "processing"


def test_only_a_customer_who_is_to_be_told_gets_the_note_by_mail_in_the_shops_language(woo: Woo) -> None:
    woo.settings["note_texts"] = {"ready_for_pickup": "Je bestelling ligt klaar."}
    order = woo.place(method="classic")
    mails = woo.box.state.counter("mails_sent")
    woo.do("set_order_status", {"order": woo.known(order), "shop_status": "ready_for_pickup", "notify_customer": True})
    assert woo.notes(order) == [("Je bestelling ligt klaar.", True)]
    assert woo.box.state.counter("mails_sent") == mails + 1


def test_a_custom_status_is_kept_unless_the_settings_say_otherwise(woo: Woo) -> None:
    order = woo.place()
    woo.shop.set_status(order, "wacht")
    result = woo.tell(order, shop_status="completed")
    assert result.did_nothing
    assert "one of the shop's own" in result.summary
    woo.settings["replace_custom_status"] = True
    woo.tell(order, shop_status="completed")
    assert woo.order(order)["status"] == "completed"


@pytest.mark.parametrize("payment", ["unpaid", "bank"])
def test_processing_is_never_written_to_an_order_nobody_paid(woo: Woo, payment: str) -> None:
    """In this shop it would say that the money is there."""
    order = woo.place(payment=payment)
    assert woo.tell(order, shop_status="awaiting_processing").did_nothing
    assert woo.order(order)["paid"] is None


@pytest.mark.parametrize(("payment", "status"), [("unpaid", "processing"), ("bank", "processing"), ("cod", "processing")])
def test_a_payment_is_told_however_the_order_waits_for_it(woo: Woo, payment: str, status: str) -> None:
    order = woo.place(payment=payment)
    assert woo.snapshot(order)["payment_status"] == "unpaid"
    woo.tell(order, payment_status="paid")
    assert woo.snapshot(order)["payment_status"] == "paid"
    assert woo.order(order)["status"] == status
    assert woo.tell(order, payment_status="paid").did_nothing


def test_a_payment_the_shop_ignores_is_noticed(woo: Woo) -> None:
    order = woo.place(payment="unpaid")
    woo.shop.set_status(order, "wacht")
    with pytest.raises(Refused, match=r"cannot take a payment .* while its status is wacht"):
        woo.tell(order, payment_status="paid")


def test_payment_and_status_are_told_together(woo: Woo) -> None:
    order = woo.place(payment="unpaid")
    woo.tell(order, payment_status="paid", shop_status="completed")
    assert woo.order(order)["status"] == "completed"
    assert woo.order(order)["paid"]


def test_an_order_of_virtual_articles_completes_itself_when_it_is_paid(woo: Woo) -> None:
    order = woo.place({"GIFT": 1}, payment="unpaid")
    woo.tell(order, payment_status="paid")
    assert woo.snapshot(order)["shop_status"] == "completed"
    assert woo.tell(order, shop_status="awaiting_processing").did_nothing


def test_a_hold_says_why_to_staff_and_takes_no_mail(woo: Woo) -> None:
    order = woo.place()
    for _ in range(2):
        woo.tell(order, shop_status="on_hold", reason="address unclear")
    assert woo.notes(order) == [("On hold: address unclear", False)]
    assert woo.snapshot(order)["shop_status"] == "on_hold"


def test_an_order_in_the_bin_or_still_in_the_checkout_is_left_alone(woo: Woo) -> None:
    binned, draft = woo.place(), woo.place(payment="draft")
    woo.shop.trash(binned)
    assert "bin" in woo.tell(binned, shop_status="completed").summary
    assert "not yet an order" in woo.tell(draft, shop_status="completed").summary
    assert woo.writes() == []


def test_an_order_known_by_its_number_only_is_not_mistaken_for_another_one_with_that_id(woo: Woo) -> None:
    first = woo.place()
    woo.shop.change_order(first, {"number": "WEB-1"})
    with pytest.raises(Refused, match="its number is WEB-1"):
        woo.do("set_order_status", {"order": {"number": first}, "shop_status": "completed", "notify_customer": False})
    second = woo.place()
    woo.do("set_order_status", {"order": {"number": second}, "shop_status": "completed", "notify_customer": False})
    assert [woo.order(each)["status"] for each in (first, second)] == ["processing", "completed"]


def test_statuses_are_never_written_in_a_batch(woo: Woo) -> None:
    """There a status that the shop does not have would make the order pending."""
    order = woo.place()
    for word in ("on_hold", "awaiting_processing", "shipped", "completed"):
        woo.tell(order, shop_status=word)
    assert not [call for call in woo.writes() if "batch" in call]


# Cancelling


def test_a_cancelled_order_gives_its_stock_back_and_keeps_its_money(woo: Woo) -> None:
    order = woo.place({"MUG": 2})
    assert woo.stock("MUG") == 8
    woo.tell(order, shop_status="cancelled", reason="customer changed their mind")
    assert (woo.stock("MUG"), woo.order(order)["refunds"]) == (10, [])
    assert woo.notes(order) == [("Cancelled: customer changed their mind", False)]


def test_a_cancelled_order_is_paid_back_where_the_settings_say_so(woo: Woo) -> None:
    woo.settings["refund_on_cancel"] = True
    order = woo.place()
    for _ in range(2):
        woo.tell(order, shop_status="cancelled")
    assert [each["amount"] for each in woo.order(order)["refunds"]] == ["38.90"]
    found = woo.snapshot(order)
    assert (found["shop_status"], found["payment_status"]) == ("cancelled", "refunded")


def test_an_order_that_cannot_be_paid_back_is_cancelled_all_the_same_and_that_is_said(woo: Woo) -> None:
    woo.settings["refund_on_cancel"] = True
    order = woo.place(payment="bank")
    woo.shop.set_status(order, "processing")
    with pytest.raises(Refused, match=r"is cancelled .* not paid back: .*automatic refunds"):
        woo.tell(order, shop_status="cancelled")
    assert woo.order(order)["status"] == "cancelled"


# Tracking

PARCEL = {"number": "3S1", "url": "https://track.example/3S1", "carrier": "PostNL"}


def test_tracking_in_a_note_is_mailed_to_a_customer_who_is_to_be_told(woo: Woo) -> None:
    order = woo.place()
    for _ in range(2):
        woo.tell(order, tracking=PARCEL, notify_customer=True)
    woo.tell(order, tracking={"number": "3S2"}, notify_customer=False)
    assert woo.notes(order) == [("Your parcel: PostNL 3S1 https://track.example/3S1", True), ("Your parcel: 3S2", False)]
    assert [each["number"] for each in woo.snapshot(order)["tracking"]] == ["3S1", "3S2"]


def test_tracking_in_fields_holds_several_numbers(woo: Woo) -> None:
    woo.settings |= {"tracking": "meta", "tracking_meta": {"number": "_track", "url": "_track_url"}}
    order = woo.place()
    for parcel in (PARCEL, PARCEL, {"number": "3S2", "url": "https://track.example/3S2"}):
        woo.tell(order, tracking=parcel)
    fields = {each["key"]: each["value"] for each in woo.order(order)["meta_data"]}
    assert fields == {"_track": "3S1, 3S2", "_track_url": "https://track.example/3S1, https://track.example/3S2"}
    assert [each["url"] for each in woo.snapshot(order)["tracking"]] == ["https://track.example/3S1", "https://track.example/3S2"]


def test_tracking_goes_to_the_extension_where_the_shop_has_it(woo: Woo) -> None:
    woo.settings["tracking"] = "extension"
    order = woo.place()
    with pytest.raises(Refused, match="active"):
        woo.tell(order, tracking=PARCEL)
    woo.box.sandbox.set_switch("shipment_tracking", True)
    woo.do("check")
    for _ in range(2):
        woo.tell(order, tracking=PARCEL)
    assert woo.snapshot(order)["tracking"] == [{"number": "3S1", "url": "https://track.example/3S1", "carrier": "PostNL"}]
    assert woo.notes(order) == []


# Outlets


def test_another_division_over_outlets_replaces_the_first_and_staff_read_both(woo: Woo) -> None:
    order = woo.place({"MUG": 2})
    ours = woo.known(order)
    line = woo.snapshot(order)["lines"][0]["id"]

    def assign(**units: int) -> bool:
        parts = [{"id": f"f-{outlet}", "outlet": outlet, "lines": [{"line": line, "sku": "MUG", "quantity": count}]}
                 for outlet, count in units.items()]  # fmt: skip
        return not woo.do("assign_fulfilments", {"order": ours, "fulfilments": parts}).did_nothing

    assert assign(amsterdam=1, utrecht=1)
    assert not assign(amsterdam=1, utrecht=1)
    assert assign(utrecht=2)
    assert [text for text, _ in woo.notes(order)] == [
        "To be sent by: amsterdam 1 × MUG; utrecht 1 × MUG", "To be sent by: utrecht 2 × MUG",
    ]  # fmt: skip


# Refunds


def refund(woo: Woo, order: str, reference: str, amount: str, **more: Any) -> str:
    payload = {"order": woo.known(order), "reference": reference, "amount": amount, "currency": "EUR", "lines": [], "reason": "came back",
               "restock": False, "pay_back": False, **more}  # fmt: skip
    return woo.do("refund_order", payload).summary


def test_a_refund_is_recorded_without_moving_money_or_stock_unless_asked(woo: Woo) -> None:
    order = woo.place({"MUG": 2})
    line = woo.snapshot(order)["lines"][0]["id"]
    refund(woo, order, "r1", "12.50", lines=[{"line": line, "quantity": 1}])
    (kept,) = woo.box.state.all("refund")
    assert (kept["refunded_payment"], kept["amount"], woo.stock("MUG")) == (False, "12.50", 8)
    assert [(each["quantity"], each["refund_total"], each["refund_tax"]) for each in kept["lines"]] == [
        (1, Decimal("10.33"), [{"id": "1", "refund_total": Decimal("2.17")}])
    ]
    refund(woo, order, "r2", "12.50", lines=[{"line": line, "quantity": 1}], restock=True, pay_back=True)
    assert woo.box.state.all("refund")[1]["refunded_payment"] is True
    assert woo.stock("MUG") == 9


def test_a_whole_refund_makes_one_record_and_the_status_follows_by_itself(woo: Woo) -> None:
    order = woo.place()
    refund(woo, order, "r1", "38.90")
    assert (len(woo.box.state.all("refund")), woo.order(order)["status"]) == (1, "refunded")
    assert [call for call in woo.writes() if "PUT" in call] == []


def test_a_refund_whose_answer_was_lost_is_found_by_our_reference(woo: Woo) -> None:
    order = woo.place()
    woo.fault("drop", after_effect=True, match="POST /wp-json/wc/v3/orders")
    with pytest.raises(RetryLater):
        refund(woo, order, "r1", "5.00")
    assert "already" in refund(woo, order, "r1", "5.00")
    assert len(woo.box.state.all("refund")) == 1


def test_a_payment_method_that_cannot_pay_back_is_refused_with_what_to_do(woo: Woo) -> None:
    order = woo.place(payment="bank")
    with pytest.raises(Refused, match=r"automatic refunds.*by hand"):
        refund(woo, order, "r1", "5.00", pay_back=True)
    assert woo.box.state.all("refund") == []


def test_a_shop_in_trouble_is_asked_again_and_not_taken_for_a_refusal(woo: Woo) -> None:
    order = woo.place()
    woo.fault("500", match="/refunds")
    with pytest.raises(RetryLater):
        refund(woo, order, "r1", "5.00")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"currency": "USD"}, "in EUR, not in USD"),
        ({"amount": "lots"}, "amount such as 12.50"),
        ({"amount": "-1.00"}, "above zero"),
        ({"amount": "NaN"}, "above zero"),
        ({"amount": "40.00"}, r"40\.00 EUR is more than the 38\.90 EUR"),
        ({"lines": [{"line": "999999", "quantity": 1}]}, "no line '999999'"),
        ({"lines": [{"line": "MUG", "quantity": 3}]}, "2 units"),
    ],
)
def test_a_refund_that_makes_no_sense_is_refused_and_says_why(woo: Woo, changes: dict[str, Any], words: str) -> None:
    order = woo.place()
    if changes.get("lines", [{}])[0].get("line") == "MUG":
        changes = {"lines": [{"line": woo.snapshot(order)["lines"][0]["id"], "quantity": 3}]}
    with pytest.raises(Refused, match=words):
        refund(woo, order, "r1", **{"amount": "5.00", **changes})
    assert woo.box.state.all("refund") == []


# Stock


def set_stock(woo: Woo, sku: str, quantity: Any, key: str = "k") -> bool:
    return not woo.do("set_stock", {"sku": sku, "quantity": quantity}, key).did_nothing


def test_stock_of_products_and_variations_is_written_and_may_be_below_zero(woo: Woo) -> None:
    assert set_stock(woo, "MUG", 7)
    assert set_stock(woo, "SHIRT-M", -2)
    assert not set_stock(woo, "SHIRT-M", -2)
    assert (woo.stock("MUG"), woo.stock("SHIRT-M")) == (7, -2)
    assert woo.memory.external("product", "SHIRT-M") == f"{woo.id('SHIRT')}/{woo.id('SHIRT-M')}"


@pytest.mark.parametrize(("sku", "words"), [("POSTER", "Track stock quantity"), ("SHIRT-L", "together with its other variations")])
def test_a_number_that_the_shop_would_ignore_is_refused_or_makes_it_count(woo: Woo, sku: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        set_stock(woo, sku, 5)
    assert woo.writes() == []
    woo.settings["start_counting"] = True
    assert set_stock(woo, sku, 5)
    assert woo.stock(sku) == 5


def test_a_number_that_an_extension_keeps_to_itself_is_noticed(woo: Woo) -> None:
    woo.box.sandbox.set_switch("stock_kept_elsewhere", True)
    with pytest.raises(Refused, match=r"shows 10 instead of 5.*extension"):
        set_stock(woo, "MUG", 5)


def test_a_sku_that_two_articles_have_is_refused_with_both(woo: Woo) -> None:
    woo.shop.change_product(woo.id("TEA"), {"sku": "MUG"})
    with pytest.raises(Refused, match="2 articles with sku MUG"):
        set_stock(woo, "MUG", 5)


def test_a_sku_with_a_comma_is_no_list_of_skus(woo: Woo) -> None:
    with pytest.raises(Refused, match="no article with sku MUG,TEA"):
        set_stock(woo, "MUG,TEA", 5)


def test_an_article_that_was_deleted_and_made_again_is_found_again(woo: Woo) -> None:
    set_stock(woo, "MUG", 5)
    woo.shop.delete_product(woo.id("MUG"))
    with pytest.raises(Refused, match="no article with sku MUG"):
        set_stock(woo, "MUG", 6)
    woo.shop.change_product(woo.id("TEA"), {"sku": "MUG"})
    assert set_stock(woo, "MUG", 6)
    assert woo.stock("MUG") == 6


@pytest.mark.parametrize("quantity", [2.5, "5", None, True])
def test_half_a_unit_is_not_written(woo: Woo, quantity: Any) -> None:
    with pytest.raises(Refused, match="whole quantity"):
        set_stock(woo, "MUG", quantity)


# Settings


@pytest.mark.parametrize(
    ("name", "value", "operation"),
    [
        ("authentication", "magic", "check"), ("timeout_seconds", "long", "check"), ("status_slugs", [1], "check"),
        ("plain_permalinks", "yes", "check"), ("page_size", 0, "read_orders"), ("unpaid_methods", "cod", "check"),
        ("poll_overlap_seconds", 1, "read_orders"), ("tracking", "pigeon", "check"),
    ],
)  # fmt: skip
def test_a_setting_that_makes_no_sense_is_refused_by_its_name(woo: Woo, name: str, value: Any, operation: str) -> None:
    woo.settings[name] = value
    with pytest.raises(Refused, match=f"Setting {name} of connection 'webshop' must be"):
        woo.do(operation)


@pytest.mark.parametrize(
    ("operation", "payload"),
    [("read_order", {}), ("read_page", {"kind": "invoices"}), ("set_stock", {"quantity": 1}), ("refund_order", {}), ("read_customer", {}),
     ("assign_fulfilments", {}), ("register_webhooks", {}), ("read_page", {"kind": "orders", "since": "soon"}),
     ("read_page", {"kind": "orders", "cursor": {"second": "now"}}), ("read_product", {"external_id": "x"})],
)  # fmt: skip
def test_a_command_that_lacks_something_is_refused(woo: Woo, operation: str, payload: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        woo.do(operation, payload)
