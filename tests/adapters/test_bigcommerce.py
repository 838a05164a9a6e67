"""The BigCommerce adapter against its sandbox: what a connection needs, reading, polling, politeness."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from adapters.base import Call, Throttled, Unauthorised
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
def test_check_names_each_missing_scope_and_says_that_the_connection_must_be_reconnected(
    rig: BigCommerceRig, scope: str
) -> None:
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
    missing = [
        "store_v2_orders",
        "store_v2_transactions_read_only",
        "store_order_fulfillment_manage",
        "store_inventory",
        "store_locations_read_only",
        "store_v2_customers_read_only",
    ]
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
        body = {
            "order_address_id": address,
            "items": [{"order_product_id": line, "quantity": 1}],
            "tracking_number": number,
            "tracking_carrier": "postnl",
        }
        assert api(rig, "POST", f"v2/orders/{order}/shipments", body).status_code == 201
    tracking = rig.snapshot(order)["tracking"]
    assert [(each["number"], each["carrier"]) for each in tracking] == [("3S1", "postnl"), ("3S2", "postnl")]


def test_an_order_refunded_after_it_was_collected_is_still_completed(rig: BigCommerceRig) -> None:
    order = rig.place({"MUG": 1}, pickup=True)
    ours = rig.adopt(order)
    rig.do("set_order_status", telling(ours, shop_status="completed"), key="done")
    rig.refund_by_staff(order)
    snapshot = rig.snapshot(order)
    assert (order_of(rig, order)["status"], snapshot["shop_status"], snapshot["payment_status"]) == (
        "Refunded",
        "completed",
        "refunded",
    )


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
