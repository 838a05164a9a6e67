"""The pages of the BigCommerce sandbox: the storefront, and what staff do by hand in the control panel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from adapters.bigcommerce import sandbox_fulfilment as fulfilment
from tests.adapters.bigcommerce_shop import order_of, place
from tests.adapters.rigs.base import CUSTOMER
from tests.adapters.rigs.bigcommerce import BigCommerceRig
from tests.adapters.sandbox_pages import wrong_with


@pytest.fixture
def rig() -> Iterator[BigCommerceRig]:
    with BigCommerceRig.open() as opened:
        yield opened


def post(rig: BigCommerceRig, path: str, **form: Any) -> requests.Response:
    return requests.post(f"{rig.box.url}{path}", data=form, timeout=5)


def test_every_page_has_one_heading_labelled_inputs_and_no_foreign_address(rig: BigCommerceRig) -> None:
    order = rig.place({"MUG": 2, "SET": 1, "GIFT": 1})
    rig.ship_by_staff(order, {"MUG": 1})
    rig.refund_by_staff(order, "5.00")
    ready = rig.place({"TEA": 1}, pickup=True)
    rig.do("set_order_status", {"order": rig.adopt(ready), "shop_status": "ready_for_pickup"})
    paths = (
        "/",
        "/admin/orders",
        f"/admin/orders/{order}",
        f"/admin/orders/{ready}",
        "/admin/products",
        "/sandbox/faults",
        "/sandbox/calls",
    )
    for path in paths:
        answer = requests.get(f"{rig.box.url}{path}", timeout=5)
        assert (path, answer.status_code, wrong_with(answer.text)) == (path, 200, [])


def test_an_empty_shop_says_what_to_do(rig: BigCommerceRig) -> None:
    assert "Place one in the shop" in requests.get(f"{rig.box.url}/admin/orders", timeout=5).text


@pytest.mark.parametrize(
    ("method", "payment", "status", "kind"),
    [("post", "online", "Awaiting Fulfillment", "delivery"), ("pickup:2", "bank", "Awaiting Payment", "pickup"), ("post", "cart", "Incomplete", "delivery")],
)  # fmt: skip
def test_a_customer_orders_with_delivery_or_pickup_paid_or_not(
    rig: BigCommerceRig, method: str, payment: str, status: str, kind: str
) -> None:
    mug = rig._variant("MUG")["id"]
    answer = post(
        rig, "/orders", **{f"quantity:{mug}": "2", "method": method, "payment": payment, "discount": "1,50", **CUSTOMER}
    )
    assert answer.status_code == 200
    (order,) = rig.box.state.all("order")
    assert order["status"] == status
    snapshot = rig.snapshot(str(order["id"]))
    assert (snapshot["fulfilment_type"], snapshot["discount"]) == (kind, "1.50")


@pytest.mark.parametrize("form", [{}, {"quantity:81": "x"}, {"quantity:81": "1"}, {"quantity:81": "1", "payment": "online", "method": "pickup:9"},
                                  {"quantity:99999": "1", "payment": "online", "method": "post"}, {"quantity:81": "1", "payment": "online", "method": "post", "discount": "lots"}])  # fmt: skip
def test_a_senseless_order_is_a_page_that_says_why(rig: BigCommerceRig, form: dict[str, str]) -> None:
    answer = post(rig, "/orders", **form)
    assert answer.status_code in (400, 404, 422)
    assert "<h1>" in answer.text
    assert rig.box.state.all("order") == []


def test_more_than_there_is_cannot_be_ordered(rig: BigCommerceRig) -> None:
    answer = post(
        rig,
        "/orders",
        **{f"quantity:{rig._variant('MUG')['id']}": "11", "method": "post", "payment": "online", **CUSTOMER},
    )
    assert answer.status_code == 422
    assert "Only 10" in answer.text
    assert rig.stock("MUG") == 10


def test_staff_ship_edit_refund_hold_and_archive(rig: BigCommerceRig) -> None:
    order = rig.place({"MUG": 3})
    line, admin = rig.line(order, "MUG"), f"/admin/orders/{order}"
    assert (
        post(
            rig, f"{admin}/ship", **{f"ship:{line}": "1", "tracking_number": "3S1", "tracking_carrier": "postnl"}
        ).status_code
        == 200
    )
    assert rig.shipments(order)[0]["tracking"] == "3S1"
    assert post(rig, f"{admin}/edit", **{f"want:{line}": "2"}).status_code == 200
    assert rig.lines(order)[line] == ("MUG", 2)
    assert post(rig, f"{admin}/edit", **{f"want:{line}": "0"}).status_code == 422, "one was sent already"
    assert post(rig, f"{admin}/refund", amount="5.00").status_code == 200
    assert rig.refunded(order) == 5
    assert post(rig, f"{admin}/refund", amount="500.00").status_code == 422
    assert post(rig, f"{admin}/status", status_id="12").status_code == 200
    assert order_of(rig, order)["status"] == "Manual Verification Required"
    assert post(rig, f"{admin}/status", status_id="77").status_code == 400
    assert post(rig, f"{admin}/note", staff_notes="call first").status_code == 200
    assert post(rig, f"{admin}/archive").status_code == 200
    assert (order_of(rig, order)["staff_notes"], order_of(rig, order)["is_deleted"]) == ("call first", True)


def test_staff_record_a_payment_and_capture_one(rig: BigCommerceRig) -> None:
    unpaid, authorised = rig.place({"TEA": 1}, paid=False), place(rig, {"TEA": 1}, "authorised")
    for order in (unpaid, authorised):
        assert post(rig, f"/admin/orders/{order}/pay").status_code == 200
        assert rig.payment_status(order) == "paid"
    assert post(rig, f"/admin/orders/{unpaid}/pay").status_code == 422


def test_staff_set_stock_by_hand(rig: BigCommerceRig) -> None:
    variant = rig._variant("MUG")["id"]
    assert post(rig, "/admin/products/stock", variant=variant, location=2, quantity=17).status_code == 200
    assert rig.stock("MUG", "utrecht") == 17
    assert post(rig, "/admin/products/stock", variant=variant, location=2, quantity=-1).status_code == 400


def test_an_order_nobody_placed_is_a_page_that_says_so(rig: BigCommerceRig) -> None:
    answer = requests.get(f"{rig.box.url}/admin/orders/4711", timeout=5)
    assert answer.status_code == 404
    assert fulfilment.shipments(rig.shop, 4711) == []
