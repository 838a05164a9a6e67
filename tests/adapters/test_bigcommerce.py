"""The BigCommerce adapter against its sandbox: what a connection needs, reading, polling, politeness."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import pytest

from adapters.base import Call, NewEvent, Refused, RetryLater, Throttled, Unauthorised
from adapters.bigcommerce import sandbox_shop as staff
from adapters.bigcommerce.client import Client
from adapters.bigcommerce.sandbox_limits import window
from adapters.bigcommerce.sandbox_seed import seed
from adapters.bigcommerce.scopes import SCOPES
from adapters.bigcommerce.work import Work
from adapters.sandbox import SandboxState
from tests.adapters.bigcommerce_shop import api, grant, order_of, place, telling
from tests.adapters.rigs.base import ARTICLES, OUTLETS
from tests.adapters.rigs.bigcommerce import BigCommerceRig


@pytest.fixture
def rig() -> Iterator[BigCommerceRig]:
    with BigCommerceRig.open() as opened:
        yield opened


# What a connection needs


def test_check_names_the_store_and_changes_nothing(rig: BigCommerceRig) -> None:
    order = rig.place({"MUG": 1})
    before = order_of(rig, order)
    assert "The Teahouse" in rig.do("check").summary
    assert order_of(rig, order) == before
    assert rig.box.state.counter("stock_writes") == rig.box.state.counter("pickups_made") == 0


@pytest.mark.parametrize("scope", SCOPES)
def test_check_names_each_missing_scope_and_says_that_the_connection_must_be_reconnected(rig: BigCommerceRig, scope: str) -> None:
    grant(rig, set(SCOPES) - {scope})
    with pytest.raises(Unauthorised) as caught:
        rig.do("check")
    said = caught.value.message
    assert f"{SCOPES[scope]} ({scope})" in said
    assert all(other not in said for other in SCOPES if other != scope)
    assert "reconnected" in said
    assert "update the app" in said


def test_a_connection_from_before_fulfilment_hears_all_that_it_lacks_at_once(rig: BigCommerceRig) -> None:
    old = {"store_v2_orders_read_only", "store_v2_products_read_only", "store_v2_information_read_only"}
    grant(rig, old)
    with pytest.raises(Unauthorised) as caught:
        rig.do("check")
    missing = ["store_v2_orders", "store_v2_transactions_read_only", "store_order_fulfillment_manage", "store_inventory", "store_locations_read_only", "store_v2_customers_read_only"]
    assert all(f"({scope})" in caught.value.message for scope in missing)


def test_a_scope_that_is_missing_later_on_is_named_by_the_command_that_needs_it(rig: BigCommerceRig) -> None:
    ours = rig.adopt(rig.place({"MUG": 1}))
    grant(rig, {"store_v2_orders_read_only"})
    with pytest.raises(Unauthorised, match=r"Orders: modify \(store_v2_orders\)"):
        rig.do("set_order_status", telling(ours, shop_status="on_hold"))


def test_a_scope_for_modifying_lets_read_as_well(rig: BigCommerceRig) -> None:
    grant(rig, {scope.replace("_read_only", "") for scope in SCOPES})
    assert rig.do("check").summary


# Reading orders


def test_an_order_still_in_the_checkout_is_incomplete_and_not_paid(rig: BigCommerceRig) -> None:
    snapshot = rig.snapshot(place(rig, {"MUG": 1}, "cart"))
    assert snapshot["payment_status"] == "incomplete"


def test_an_incomplete_order_is_told_nothing(rig: BigCommerceRig) -> None:
    ours = rig.adopt(place(rig, {"MUG": 1}, "cart"))
    rig.forget_calls()
    assert rig.do("set_order_status", telling(ours, shop_status="completed", payment_status="paid")).did_nothing
    assert rig.writes() == []


def test_an_order_archived_before_it_was_done_is_cancelled_and_a_finished_one_is_not(rig: BigCommerceRig) -> None:
    waiting, done = rig.place({"MUG": 1}), rig.place({"MUG": 1})
    ours = rig.adopt(waiting)
    rig.adopt(done)
    rig.ship_by_staff(done)
    for order in (waiting, done):
        staff.archive(rig.shop, order)
    (event,) = rig.do("read_order", {"external_id": waiting}).events
    assert (event.type, event.data["order"]["id"]) == ("order.cancelled", ours["id"])
    (event,) = rig.do("read_order", {"external_id": done, "deleted": True}).events
    assert (event.type, event.data["order"]["shop_status"]) == ("order.updated", "shipped")


def test_an_order_archived_before_we_knew_it_is_nothing_to_us(rig: BigCommerceRig) -> None:
    order = rig.place({"MUG": 1})
    staff.archive(rig.shop, order)
    assert rig.do("read_order", {"external_id": order}).did_nothing


def test_lines_that_did_not_come_with_the_order_are_asked_for(rig: BigCommerceRig) -> None:
    order = rig.place({"MUG": 2})
    plain = api(rig, "GET", f"v2/orders/{order}").json()
    assert "resource" in plain["consignments"]
    work = Work(Call("read_order", {}, "k"), rig.connection, rig.memory, Client(rig.connection, rig.http))
    lines = work.event(work.complete(plain)).data["order"]["lines"]
    assert [(line["sku"], line["quantity"]) for line in lines] == [("MUG", 2)]


def test_a_pickup_names_our_outlet_of_its_location(rig: BigCommerceRig) -> None:
    snapshot = rig.snapshot(place(rig, {"MUG": 1}, method="pickup:2"))
    assert (snapshot["fulfilment_type"], snapshot["shipping_method"]["outlet"]) == ("pickup", "utrecht")


def test_tracking_of_every_shipment_is_read_once(rig: BigCommerceRig) -> None:
    order = rig.place({"MUG": 2})
    rig.adopt(order)
    line, address = int(rig.line(order, "MUG")), order_of(rig, order)["_addresses"][0]["id"]
    for number in ("3S1", "3S2"):
        body = {"order_address_id": address, "items": [{"order_product_id": line, "quantity": 1}], "tracking_number": number, "tracking_carrier": "postnl"}
        assert api(rig, "POST", f"v2/orders/{order}/shipments", body).status_code == 201
    tracking = rig.snapshot(order)["tracking"]
    assert [(each["number"], each["carrier"]) for each in tracking] == [("3S1", "postnl"), ("3S2", "postnl")]


def test_an_order_refunded_after_it_was_collected_is_still_completed(rig: BigCommerceRig) -> None:
    order = rig.place({"MUG": 1}, pickup=True)
    ours = rig.adopt(order)
    rig.do("set_order_status", telling(ours, shop_status="completed"), key="done")
    rig.refund_by_staff(order)
    snapshot = rig.snapshot(order)
    assert (order_of(rig, order)["status"], snapshot["shop_status"], snapshot["payment_status"]) == ("Refunded", "completed", "refunded")


def test_an_authorisation_is_no_payment_until_it_is_captured(rig: BigCommerceRig) -> None:
    order = place(rig, {"MUG": 1}, "authorised")
    ours = rig.adopt(order)
    assert rig.snapshot(order)["payment_status"] == "unpaid"
    rig.do("set_order_status", telling(ours, payment_status="paid"), key="capture")
    rig.forget_calls()
    pending = rig.do("set_order_status", telling(ours, payment_status="paid"), key="again")
    assert (pending.did_nothing, "being captured" in pending.summary) == (True, True)
    assert rig.writes() == []
    rig.shop.settle()
    assert rig.snapshot(order)["payment_status"] == "paid"


def test_cash_on_delivery_counts_as_paid_only_where_the_setting_says_so(rig: BigCommerceRig) -> None:
    order = place(rig, {"MUG": 1}, "cod")
    assert rig.snapshot(order)["payment_status"] == "paid"
    rig.settings["status_means_paid"] = False
    assert rig.snapshot(order)["payment_status"] == "unpaid"


def test_a_held_order_that_was_not_paid_waits_for_its_payment_again_when_released(rig: BigCommerceRig) -> None:
    order = rig.place({"MUG": 1}, paid=False)
    ours = rig.adopt(order)
    rig.do("set_order_status", telling(ours, shop_status="on_hold"), key="hold")
    assert rig.snapshot(order)["payment_status"] == "unpaid"
    rig.do("set_order_status", telling(ours, shop_status="awaiting_processing"), key="release")
    assert order_of(rig, order)["status"] == "Awaiting Payment"


def test_a_held_order_that_is_paid_meanwhile_goes_on_as_paid(rig: BigCommerceRig) -> None:
    order = rig.place({"MUG": 1}, paid=False)
    ours = rig.adopt(order)
    for wanted in ({"shop_status": "on_hold"}, {"payment_status": "paid"}, {"shop_status": "awaiting_processing"}):
        rig.do("set_order_status", telling(ours, **wanted), key=str(wanted))
    assert order_of(rig, order)["status"] == "Awaiting Fulfillment"
    assert rig.snapshot(order)["payment_status"] == "paid"


def test_an_offline_order_that_was_paid_stays_paid_while_it_is_held(rig: BigCommerceRig) -> None:
    order = rig.place({"MUG": 1}, paid=False)
    ours = rig.adopt(order)
    rig.pay(order)
    rig.do("set_order_status", telling(ours, shop_status="on_hold"), key="hold")
    assert rig.snapshot(order)["payment_status"] == "paid"


def test_a_disputed_order_keeps_its_status_unless_the_setting_says_otherwise(rig: BigCommerceRig) -> None:
    order = rig.place({"MUG": 1})
    ours = rig.adopt(order)
    staff.change_status(rig.shop, order, 13)
    assert rig.snapshot(order)["tags"] == ["status:Disputed"]
    assert rig.do("set_order_status", telling(ours, shop_status="shipped"), key="a").did_nothing
    rig.settings["replace_custom_status"] = True
    assert not rig.do("set_order_status", telling(ours, shop_status="shipped"), key="b").did_nothing


# Polling and importing


def test_orders_that_all_changed_in_one_second_are_read_to_the_last(rig: BigCommerceRig) -> None:
    rig.settings |= {"page_size": 4, "poll_orders": 5}
    orders = {rig.place({"TEA": 1}) for _ in range(11)}
    for order in orders:
        document = rig.shop.order(order)
        rig.box.state.put("order", order, document | {"_modified": document["_created"], "date_modified": "Mon, 02 Nov 2026 09:14:05 +0000"})
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
    assert sorted(each for event in _imported(rig, "orders") for each in [event.data["order"]["external_id"]]) == sorted(orders)
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
def test_orders_that_need_calls_of_their_own_are_read_in_portions(rig: BigCommerceRig, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.bigcommerce.orders.CALLS_AT_ONCE", 4)
    orders = []
    for _ in range(9):
        orders.append(rig.place({"TEA": 2}))
        rig.ship_by_staff(orders[-1], {"TEA": 1})
    if kind == "read_page":
        found = [event.data["order"]["external_id"] for event in _imported(rig, "orders")]
        assert sorted(found) == sorted(orders), "each exactly once"
        return
    polls = [[event.data["order"]["external_id"] for event in rig.do("read_orders", key=f"poll {key}").events] for key in range(3)]
    assert all(0 < len(poll) <= 4 for poll in polls)
    assert {order for poll in polls for order in poll} == set(orders)


def test_a_poll_that_stopped_goes_on_exactly_there_however_far_polls_reach_back(rig: BigCommerceRig) -> None:
    rig.settings |= {"page_size": 3, "poll_orders": 3, "poll_overlap_seconds": 86_400}
    orders = {rig.place({"TEA": 1}) for _ in range(8)}
    polls = [{event.data["order"]["external_id"] for event in rig.do("read_orders", key=str(key)).events} for key in range(3)]
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


# The rate limit


def test_a_full_window_is_said_with_the_time_of_its_end() -> None:
    state = SandboxState()
    BigCommerceRig.seed(state, ARTICLES, OUTLETS)
    with BigCommerceRig.serve(state) as rig:
        limited = window(rig.box.app)
        limited.quota = 3
        rig.do("read_locations")
        rig.do("read_locations")
        with pytest.raises(Throttled) as caught:
            rig.do("read_products")
            rig.do("read_products")
        assert caught.value.until is not None
        assert timedelta(0) < caught.value.until - datetime.now(UTC) <= timedelta(seconds=30)


def test_a_command_stops_by_itself_when_the_window_is_used_up(rig: BigCommerceRig) -> None:
    order = rig.adopt(rig.place({"MUG": 1}))
    limited = window(rig.box.app)
    limited.quota = 150
    limited.spend(left=1)
    rig.forget_calls()
    with pytest.raises(Throttled):
        rig.do("set_order_status", telling(order, shop_status="on_hold"))
    assert [call.status for call in rig.box.state.requests()] == [200], "the second request is not even tried"


def test_an_overloaded_store_says_no_time_so_that_the_worker_backs_off(rig: BigCommerceRig) -> None:
    rig.box.sandbox.set_switch("overloaded_429", True)
    rig.fault("429")
    with pytest.raises(Throttled) as caught:
        rig.do("read_locations")
    assert caught.value.until is None


def test_a_429_with_headers_says_when_to_come_back(rig: BigCommerceRig) -> None:
    rig.fault("429", seconds=7)
    with pytest.raises(Throttled) as caught:
        rig.do("read_locations")
    assert caught.value.until is not None
    assert abs(caught.value.until - datetime.now(UTC) - timedelta(seconds=7)) < timedelta(seconds=2)


# Articles


def test_a_product_with_options_is_read_variant_by_variant(rig: BigCommerceRig) -> None:
    shirt = {"name": "T-shirt", "price": "19.95", "variants": [
        {"sku": "SHIRT-M", "options": {"Size": "M"}, "stock": {"amsterdam": 8, "utrecht": 1}}, {"sku": "SHIRT-L", "options": {"Size": "L"}},
    ]}  # fmt: skip
    state = SandboxState()
    seed(state, [{"code": "amsterdam", "label": "Amsterdam"}, {"code": "utrecht", "label": "Utrecht"}], [shirt], [])
    with BigCommerceRig.serve(state) as other:
        product = other._product("SHIRT-M")["id"]
        events = other.do("read_product", {"external_id": str(product)}).events
    names = {event.data["sku"]: event.data["name"] for event in events if event.type == "product.changed"}
    stock = {event.data["sku"]: event.data["shop_quantity"] for event in events if event.type == "stock.changed"}
    assert names == {"SHIRT-M": "T-shirt (M)", "SHIRT-L": "T-shirt (L)"}
    assert stock == {"SHIRT-M": 9, "SHIRT-L": 0}
