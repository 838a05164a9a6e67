"""Polling and importing BigCommerce orders: every one exactly once, whatever changes meanwhile and however large they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import pytest

from adapters.base import NewEvent, Refused, RetryLater
from adapters.bigcommerce import sandbox_shop as staff
from tests.adapters.rigs.bigcommerce import BigCommerceRig


@pytest.fixture
def rig() -> Iterator[BigCommerceRig]:
    with BigCommerceRig.open() as opened:
        yield opened


def test_orders_that_all_changed_in_one_second_are_read_to_the_last(rig: BigCommerceRig) -> None:
    rig.settings |= {"page_size": 4, "poll_orders": 5}
    orders = {rig.place({"TEA": 1}) for _ in range(11)}
    for order in orders:
        document = rig.shop.order(order)
        rig.box.state.put(
            "order",
            order,
            document | {"_modified": document["_created"], "date_modified": "Mon, 02 Nov 2026 09:14:05 +0000"},
        )
    _rebuild_index(rig, 1_793_610_845)
    seen = [event.data["order"]["external_id"] for event in _imported(rig, "orders")]
    assert sorted(seen) == sorted(orders), "each exactly once"


def _rebuild_index(rig: BigCommerceRig, seconds: int) -> None:
    """All orders changed at one moment."""
    shop = rig.shop
    for order in shop.state.all("order"):
        shop.state.put("order", order["id"], order | {"_modified": seconds})
    shop.index.rows = {id: (seconds, created, status) for id, (_, created, status) in shop.index.rows.items()}


@pytest.mark.parametrize("size", [1, 2, 3, 11, 12])
def test_whatever_the_size_of_a_page_every_order_and_product_is_read_once(rig: BigCommerceRig, size: int) -> None:
    rig.settings["page_size"] = size
    orders = {rig.place({"TEA": 1}) for _ in range(11)}
    assert sorted(
        each for event in _imported(rig, "orders") for each in [event.data["order"]["external_id"]]
    ) == sorted(orders)
    assert sorted(event.data["sku"] for event in _imported(rig, "products")) == ["MUG", "POT", "SET", "TEA"]
    assert sorted(event.data["sku"] for event in rig.do("read_products").events) == ["MUG", "POT", "SET", "TEA"]


def test_orders_too_large_for_one_answer_are_read_few_at_a_time(rig: BigCommerceRig) -> None:
    orders = [rig.place({"TEA": 1}) for _ in range(8)]
    for order in orders:
        staff.note(rig.shop, order, "x" * 1_200_000)
    rig.forget_calls()
    assert sorted(event.data["order"]["external_id"] for event in _imported(rig, "orders")) == sorted(orders)
    assert {event.data["order"]["external_id"] for event in rig.do("read_orders").events} == set(orders)


def test_a_single_order_too_large_to_read_says_what_to_do(rig: BigCommerceRig) -> None:
    staff.note(rig.shop, rig.place({"TEA": 1}), "x" * 5_100_000)
    with pytest.raises(Refused, match="A single order over there is larger than 5 MB"):
        rig.do("read_orders")


def _imported(rig: BigCommerceRig, kind: str) -> list[NewEvent]:
    payload: Mapping[str, object] | None = {"kind": kind, "since": None, "cursor": None}
    events: list[NewEvent] = []
    for page in range(100):
        result = rig.do("read_page", payload, key=f"{kind} {page}")
        events += result.events
        payload = result.then
        if payload is None:
            return events
    raise AssertionError("a page is read again and again")


def test_a_poll_stops_at_its_limit_and_the_next_one_goes_on_from_there(rig: BigCommerceRig) -> None:
    rig.settings |= {"page_size": 2, "poll_orders": 2, "poll_overlap_seconds": 0, "first_poll_days": 30}
    now = int(datetime.now(UTC).timestamp())
    orders = [rig.place({"TEA": 1}) for _ in range(6)]
    shop = rig.shop
    for age, order in enumerate(reversed(orders)):
        document = shop.order(order)
        moment = now - 100 * (age + 1)
        stamp = datetime.fromtimestamp(moment, UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")
        shop.state.put("order", order, document | {"_modified": moment, "date_modified": stamp})
        shop.index.rows[int(order)] = (moment, moment, 11)
    seen: list[str] = []
    for key in range(6):
        seen += [event.data["order"]["external_id"] for event in rig.do("read_orders", key=f"poll {key}").events]
    assert list(dict.fromkeys(seen)) == orders


@pytest.mark.parametrize("kind", ["read_orders", "read_page"])
def test_orders_that_need_calls_of_their_own_are_read_in_portions(
    rig: BigCommerceRig, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.bigcommerce.orders.CALLS_AT_ONCE", 4)
    orders = []
    for _ in range(9):
        orders.append(rig.place({"TEA": 2}))
        rig.ship_by_staff(orders[-1], {"TEA": 1})
    if kind == "read_page":
        found = [event.data["order"]["external_id"] for event in _imported(rig, "orders")]
        assert sorted(found) == sorted(orders), "each exactly once"
        return
    polls = [
        [event.data["order"]["external_id"] for event in rig.do("read_orders", key=f"poll {key}").events]
        for key in range(3)
    ]
    assert all(0 < len(poll) <= 4 for poll in polls)
    assert {order for poll in polls for order in poll} == set(orders)


def test_a_poll_that_stopped_goes_on_exactly_there_however_far_polls_reach_back(rig: BigCommerceRig) -> None:
    rig.settings |= {"page_size": 3, "poll_orders": 3, "poll_overlap_seconds": 86_400}
    orders = {rig.place({"TEA": 1}) for _ in range(8)}
    polls = [
        {event.data["order"]["external_id"] for event in rig.do("read_orders", key=str(key)).events} for key in range(3)
    ]
    assert set.union(*polls) == orders


@pytest.mark.parametrize("hours", [3, -3])
def test_a_clock_that_was_turned_hides_no_order_from_polls(rig: BigCommerceRig, hours: int) -> None:
    def polled(key: str) -> set[str]:
        return {event.data["order"]["external_id"] for event in rig.do("read_orders", key=key).events}

    rig.place({"TEA": 1})
    polled("before")
    rig.fault("clock_skew", seconds=hours * 3600)
    wrong = rig.place({"TEA": 1})
    assert wrong in polled("wrong")
    rig.calm()
    right = rig.place({"TEA": 1})
    assert right in polled("right")
    assert right in polled("right"), "a repeated attempt begins where its first one did"


def test_a_shop_that_ignores_the_date_filter_is_not_believed(rig: BigCommerceRig) -> None:
    rig.place({"TEA": 1})
    shop = rig.shop
    (order,) = shop.state.all("order")
    shop.state.put("order", order["id"], order | {"date_modified": "Mon, 02 Nov 2020 09:14:05 +0000"})
    with pytest.raises(RetryLater, match="before the date"):
        rig.do("read_orders")


def test_an_import_says_how_many_orders_there_are(rig: BigCommerceRig) -> None:
    for _ in range(3):
        rig.place({"TEA": 1})
    result = rig.do("read_page", {"kind": "orders", "since": None, "cursor": None})
    assert (result.progress, result.then) == ((3, 3), None)


def test_an_import_starts_where_it_is_told(rig: BigCommerceRig) -> None:
    rig.place({"TEA": 1})
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert rig.do("read_page", {"kind": "orders", "since": soon, "cursor": None}).events == []
    with pytest.raises(Refused, match="ISO 8601"):
        rig.do("read_page", {"kind": "orders", "since": "tomorrow", "cursor": None})


@pytest.mark.parametrize("cursor", [{"at": "x"}, {"at": [1]}, {"at": None}])
def test_an_import_from_nowhere_is_refused(rig: BigCommerceRig, cursor: object) -> None:
    with pytest.raises(Refused, match="start the import again"):
        rig.do("read_page", {"kind": "orders", "since": None, "cursor": cursor})


def test_an_import_of_something_else_is_refused(rig: BigCommerceRig) -> None:
    with pytest.raises(Refused, match="orders and products"):
        rig.do("read_page", {"kind": "invoices"})
