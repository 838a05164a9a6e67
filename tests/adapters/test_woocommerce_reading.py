"""A WooCommerce shop is read without missing anything, though its times are whole seconds and its pages move."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from adapters.base import AdapterError, Call, Refused
from adapters.woocommerce import WooCommerce, reading, sweep
from tests.adapters.woo import Woo, open_woo


@pytest.fixture
def woo() -> Iterator[Woo]:
    with open_woo() as opened:
        yield opened


def polled(woo: Woo, key: str) -> list[str]:
    return [event.data["order"].get("external_id") or event.type for event in woo.do("read_orders", key=key).events]


def at(woo: Woo, order: str, seconds: int) -> None:
    """Make an order's last change lie at another moment."""
    woo.box.state.put("order", order, woo.order(order) | {"modified": seconds})


def imported(woo: Woo, kind: str = "orders", between: Any = None, **payload: Any) -> tuple[list[str], list[tuple[int, int | None]]]:
    """A whole first import: what was read, and the progress of each page."""
    command: Any = {"kind": kind, "since": None, "cursor": None, **payload}
    seen: list[str] = []
    progress: list[tuple[int, int | None]] = []
    while command is not None:
        result = woo.do("read_page", command, key=f"page {len(progress)}")
        key = "order" if kind == "orders" else None
        seen += [e.data[key]["external_id"] if key else e.data["sku"] for e in result.events]
        assert result.progress is not None
        progress.append(result.progress)
        command = result.then
        if between is not None:
            between(len(progress))
        assert len(progress) < 60
    return seen, progress


# Polls


def test_a_poll_asks_in_gmt_for_what_changed_and_reaches_back_a_little(woo: Woo) -> None:
    """The shop is an hour or two ahead of GMT: every other way to write this time would miss or repeat that much."""
    order = woo.place()
    assert polled(woo, "p1") == [order]
    woo.settings["poll_overlap_seconds"] = 2
    at(woo, order, int(time.time()) - 3600)
    second = woo.place()
    assert polled(woo, "p2") == [second]
    assert polled(woo, "p3") == [second]
    asked = [call.query for call in woo.box.state.requests("GET", "/orders") if "status=any" in call.query]
    assert all("dates_are_gmt=true" in query and "Z" not in query.partition("modified_after=")[2][:30] for query in asked)


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Auckland", "UTC"])
def test_a_poll_finds_the_newest_change_wherever_the_shop_lies(woo: Woo, zone: str) -> None:
    woo.box.state.set_setting("timezone", zone)
    woo.settings["poll_overlap_seconds"] = 2
    polled(woo, "p1")
    order = woo.place()
    assert polled(woo, "p2") == [order]


def test_a_poll_goes_on_where_the_last_one_stopped_and_a_repeated_one_does_not(woo: Woo) -> None:
    woo.settings |= {"poll_overlap_seconds": 2, "page_size": 2}
    now = int(time.time())
    orders = [woo.place({"TEA": 1}) for _ in range(5)]
    for age, order in enumerate(reversed(orders)):
        at(woo, order, now - 100 * age - 10)
    assert polled(woo, "p1") == orders
    assert polled(woo, "p1") == orders
    assert polled(woo, "p2") == orders[-1:]


def test_checkouts_under_way_are_not_orders(woo: Woo) -> None:
    draft, order = woo.place(payment="draft"), woo.place()
    assert polled(woo, "p1") == [order]
    assert woo.do("read_order", {"external_id": draft}).did_nothing


def test_a_poll_finds_known_orders_in_the_bin(woo: Woo) -> None:
    order, unknown = woo.place(), woo.place()
    woo.known(order)
    for each in (order, unknown):
        woo.shop.trash(each)
    events = woo.do("read_orders").events
    assert [(event.type, event.data) for event in events] == [
        ("order.cancelled", {"order": {"id": f"our-{order}"}, "reason": "deleted in the shop"})
    ]
    again = woo.do("read_order", {"external_id": order, "deleted": True}).events[0]
    assert again.id == events[0].id
    woo.shop.restore(order)
    assert woo.snapshot(order)["shop_status"] == "awaiting_processing"


def test_an_order_deleted_for_good_is_cancelled_when_the_shop_says_so(woo: Woo) -> None:
    order = woo.place()
    woo.known(order)
    woo.shop.delete(order)
    with pytest.raises(Refused, match=f"no order with id {order}"):
        woo.do("read_order", {"external_id": order})
    assert woo.do("read_order", {"external_id": order, "deleted": True}).events[0].type == "order.cancelled"
    assert woo.do("read_order", {"external_id": "99999", "deleted": True}).did_nothing


@pytest.mark.parametrize("seconds", [7200, -7200])
def test_a_shop_whose_clock_was_wrong_and_is_set_right_hides_nothing(woo: Woo, seconds: int) -> None:
    woo.fault("clock_skew", seconds=seconds)
    early = woo.place({"TEA": 1})
    assert early in polled(woo, "p1")
    woo.box.sandbox.faults.clear()
    late = woo.place({"TEA": 1})
    assert late in polled(woo, "p2")


def test_many_changes_within_the_overlap_do_not_hold_a_poll_in_place(woo: Woo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "POLL_ORDERS", 2)
    woo.settings |= {"page_size": 2, "poll_overlap_seconds": 600}
    now = int(time.time())
    orders = [woo.place({"TEA": 1}) for _ in range(7)]
    for age, order in enumerate(reversed(orders)):
        at(woo, order, now - 20 * age - 10)
    found: list[str] = []
    for number in range(8):
        found += polled(woo, f"p{number}")
    assert set(found) == set(orders)


def test_an_order_that_makes_no_sense_keeps_no_other_out_and_is_named(woo: Woo) -> None:
    odd, fine = woo.place(), woo.place()
    woo.shop.change_order(odd, {"total": "1e99"})
    result = woo.do("read_orders")
    assert [event.data["order"]["external_id"] for event in result.events] == [fine]
    assert f"Order {odd} cannot be understood: its total" in result.summary
    assert imported(woo)[0] == [fine]
    with pytest.raises(Refused, match="total"):
        woo.do("read_order", {"external_id": odd})


def test_a_wrong_address_is_not_taken_for_a_deleted_order(woo: Woo) -> None:
    order = woo.place()
    woo.known(order)
    connection = replace(woo.connection, base_url=f"{woo.box.url}/shop")
    call = Call("read_order", {"external_id": order, "deleted": True}, "k")
    with pytest.raises(Refused, match="permalinks"):
        WooCommerce().execute(call, connection, woo.memory, woo.http)


# First imports


def test_an_import_reads_oldest_change_first_and_tells_how_far_it_is(woo: Woo) -> None:
    woo.settings["page_size"] = 2
    now = int(time.time())
    orders = [woo.place({"TEA": 1}) for _ in range(5)]
    for age, order in enumerate(orders):
        at(woo, order, now - 1000 - 10 * age)
    seen, progress = imported(woo)
    assert seen == orders[::-1]
    assert progress == [(2, 5), (2, 5), (1, 5)]


def test_an_import_begins_where_it_is_told_to(woo: Woo) -> None:
    old, new = woo.place(), woo.place()
    at(woo, old, 1_700_000_000)
    seen, _ = imported(woo, since="2026-01-01T00:00:00+01:00")
    assert seen == [new]


@pytest.mark.parametrize("longest", [300, 3])
def test_orders_changed_in_one_second_are_all_read_though_pages_are_smaller(
    woo: Woo, monkeypatch: pytest.MonkeyPatch, longest: int
) -> None:
    """Also when they are too many to leave out by id in an address."""
    monkeypatch.setattr(sweep, "LONGEST_EXCLUDE", longest)
    woo.settings["page_size"] = 2
    second = int(time.time()) - 1000
    orders = [woo.place({"TEA": 1}) for _ in range(9)]
    for order in orders:
        at(woo, order, second)
    last = woo.place({"TEA": 1})
    seen, _ = imported(woo)
    assert set(seen) == {*orders, last}


@pytest.mark.parametrize("longest", [300, 3])
def test_orders_that_leave_their_second_while_it_is_read_make_no_other_be_skipped(
    woo: Woo, monkeypatch: pytest.MonkeyPatch, longest: int
) -> None:
    monkeypatch.setattr(sweep, "LONGEST_EXCLUDE", longest)
    woo.settings["page_size"] = 2
    second = int(time.time()) - 1000
    orders = [woo.place({"TEA": 1}) for _ in range(12)]
    for order in orders:
        at(woo, order, second)

    def touch(page: int) -> None:
        if page in (2, 3, 5):
            woo.shop.change_order(orders[page], {"customer_note": f"looked at {page}"})

    seen, _ = imported(woo, between=touch)
    assert set(seen) == set(orders)


def test_a_page_that_is_too_large_is_asked_for_in_smaller_pieces(woo: Woo) -> None:
    orders = [woo.place({"TEA": 1}) for _ in range(6)]
    for order in orders:
        woo.shop.change_order(order, {"meta_data": [{"id": 1, "key": "_design", "value": "x" * 1_500_000}]})
    seen, _ = imported(woo)
    assert set(seen) == set(orders)


def test_an_order_too_large_to_read_is_refused_with_what_to_do(woo: Woo) -> None:
    order = woo.place({"TEA": 1})
    woo.shop.change_order(order, {"meta_data": [{"id": 1, "key": "_design", "value": "x" * 6_000_000}]})
    with pytest.raises(Refused, match=r"single order .* larger than"):
        imported(woo)


def test_an_import_reads_every_article_and_its_variations(woo: Woo) -> None:
    woo.settings["page_size"] = 2
    seen, progress = imported(woo, "products")
    assert sorted(seen) == ["GIFT", "MUG", "POSTER", "SET", "SHIRT", "SHIRT-L", "SHIRT-M", "TEA"]
    assert progress == [(2, 6), (2, 6), (2, 6), (0, 6)]


def test_a_read_that_is_cut_off_goes_on_from_its_last_page(woo: Woo) -> None:
    orders = {woo.place({"TEA": 1}) for _ in range(5)}
    woo.settings["page_size"] = 2
    first = woo.do("read_page", {"kind": "orders", "since": None, "cursor": None})
    woo.fault("half_json")
    with pytest.raises(AdapterError):
        woo.do("read_page", first.then or {})
    seen = {event.data["order"]["external_id"] for event in first.events}
    rest, _ = imported(woo, **(first.then or {}))
    assert seen | set(rest) == orders


# Articles


def test_a_variation_is_read_by_its_own_id_as_webhooks_name_it(woo: Woo) -> None:
    events = woo.do("read_product", {"external_id": str(woo.id("SHIRT-M"))}).events
    assert [(event.type, event.data) for event in events] == [
        ("product.changed", {"sku": "SHIRT-M", "name": "T-shirt (M)", "external_id": f"{woo.id('SHIRT')}/{woo.id('SHIRT-M')}"}),
        ("stock.changed", {"sku": "SHIRT-M", "shop_quantity": 8}),
    ]


def test_only_articles_that_the_shop_counts_have_a_number(woo: Woo) -> None:
    def numbers(sku: str) -> dict[str, int]:
        events = woo.do("read_product", {"external_id": str(woo.id(sku))}).events
        return {event.data["sku"]: event.data["shop_quantity"] for event in events if event.type == "stock.changed"}

    assert numbers("MUG") == {"MUG": 10}
    assert numbers("POSTER") == {}
    assert numbers("SHIRT") == {"SHIRT": 9, "SHIRT-M": 8}


def test_a_product_that_is_gone_says_nothing(woo: Woo) -> None:
    assert woo.do("read_product", {"external_id": "99999"}).did_nothing


def test_whether_an_article_is_packed_is_asked_once(woo: Woo) -> None:
    order = woo.place({"GIFT": 1, "MUG": 1, "SHIRT-M": 1})
    woo.box.state.clear_requests()
    for _ in range(2):
        assert [line["needs_shipping"] for line in woo.snapshot(order)["lines"]] == [False, True, True]
    asked = [call.path for call in woo.box.state.requests() if "/products" in call.path]
    assert len(asked) == 2


def test_an_article_that_becomes_virtual_is_one_from_its_next_reading(woo: Woo) -> None:
    order = woo.place({"MUG": 1})
    assert woo.snapshot(order)["lines"][0]["needs_shipping"] is True
    for virtual in (True, False):
        woo.shop.change_product(woo.id("MUG"), {"virtual": virtual})
        woo.do("read_product", {"external_id": str(woo.id("MUG"))})
        assert woo.snapshot(order)["lines"][0]["needs_shipping"] is not virtual


def test_lines_of_a_renamed_article_show_its_new_sku_and_of_a_deleted_one_the_last_we_knew(woo: Woo) -> None:
    order = woo.place({"MUG": 1})
    woo.do("read_products")
    woo.shop.change_product(woo.id("MUG"), {"sku": "MUG-2"})
    assert woo.snapshot(order)["lines"][0]["sku"] == "MUG-2"
    woo.shop.delete_product(woo.id("MUG-2"))
    assert woo.snapshot(order)["lines"][0]["sku"] in ("MUG", "MUG-2")


# Customers


def test_an_account_is_found_before_the_orders_of_a_guest(woo: Woo) -> None:
    woo.box.sandbox.set_switch("accounts", False)
    woo.place(name="Gast Gerrit", email="Gerrit@example.org")
    (guest,) = woo.do("read_customer", {"email": "gerrit@example.org"}).events
    assert guest.data == {"email": "Gerrit@example.org", "name": "Gast Gerrit"}
    woo.box.sandbox.set_switch("accounts", True)
    woo.place(name="Gerrit Gast", email="gerrit@example.org")
    (account,) = woo.do("read_customer", {"email": "GERRIT@example.org"}).events
    assert account.data == {"email": "gerrit@example.org", "name": "Gerrit Gast", "external_id": "2"}
