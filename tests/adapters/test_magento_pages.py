"""The pages of the Magento sandbox: the storefront, and what staff do by hand in the admin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from requests_oauthlib import OAuth1

from adapters.magento.sandbox import connection_credentials, create_app
from adapters.magento.sandbox_seed import put_product
from adapters.sandbox import SandboxState, running
from tests.adapters.rigs.base import CUSTOMER
from tests.adapters.rigs.magento import MagentoRig
from tests.adapters.sandbox_pages import from_command_line, wrong_with


@pytest.fixture
def rig() -> Iterator[MagentoRig]:
    with MagentoRig.open() as opened:
        yield opened


def post(rig: MagentoRig, path: str, **data: str) -> requests.Response:
    return requests.post(f"{rig.box.url}{path}", data=data, timeout=10)


def test_every_page_has_one_heading_labelled_inputs_and_nothing_from_elsewhere(rig: MagentoRig) -> None:
    orders = [rig.place({"MUG": 1, "SET": 1}), rig.place({"MUG": 1}, pickup=True, paid=False), rig.place({"GIFT": 1})]
    rig.ship_by_staff(orders[0], {"MUG": 1})
    rig.refund_by_staff(orders[0], "1.00")
    rig.touch(orders[0])
    for path in ("/", "/admin/orders", "/admin/products", *(f"/admin/orders/{order}" for order in orders)):
        answer = requests.get(f"{rig.box.url}{path}", timeout=10)
        assert (path, answer.status_code, wrong_with(answer.text)) == (path, 200, [])


def test_a_visitor_orders_and_staff_carry_on_by_hand(rig: MagentoRig) -> None:
    form = {**CUSTOMER, "quantity:501": "2", "quantity:503": "1", "quantity:502": "0", "shipping_method": "flatrate_flatrate",
            "payment": "bank", "discount": "1,50", "comment": "ring twice"}  # fmt: skip
    assert post(rig, "/orders", **form).status_code == 200
    (order,) = rig.box.state.all("order")
    assert (order["state"], float(order["grand_total"]), order["customer_note"]) == ("new", 37.40, "ring twice")
    page, mug, tea = f"/admin/orders/{order['entity_id']}", *(str(item["item_id"]) for item in order["items"])
    for act, data, state in (
        ("hold", {}, "holded"), ("unhold", {}, "new"), ("invoice", {}, "processing"),
        ("comment", {"comment": "Looked at", "status": "packed"}, "processing"),
        ("ship", {f"ship:{mug}": "2", "source": "amsterdam", "track_number": "3S1", "carrier": "PostNL"}, "processing"),
        ("refund", {"amount": "2.50"}, "processing"), ("ship", {f"ship:{tea}": "1", "source": "utrecht"}, "complete"),
        ("refund", {"amount": ""}, "closed"),
    ):  # fmt: skip
        assert post(rig, f"{page}/{act}", **data).status_code == 200, act
        assert rig._order(str(order["entity_id"]))["state"] == state, act
    assert [each["outlet"] for each in rig.shipments(str(order["entity_id"]))] == ["amsterdam", "utrecht"]


def test_a_pickup_is_ordered_announced_and_cancelling_is_offered_only_before(rig: MagentoRig) -> None:
    form = {**CUSTOMER, "quantity:501": "1", "shipping_method": "instore_pickup:utrecht", "payment": "bank"}
    post(rig, "/orders", **form)
    (order,) = rig.box.state.all("order")
    page = f"/admin/orders/{order['entity_id']}"
    assert "Cancel</button>" in requests.get(rig.box.url + page, timeout=10).text
    post(rig, f"{page}/ready")
    assert [each["outlet"] for each in rig.shipments(str(order["entity_id"]))] == ["utrecht"]
    post(rig, f"{page}/invoice")
    assert "Cancel</button>" not in requests.get(rig.box.url + page, timeout=10).text
    refused = post(rig, f"{page}/cancel")
    assert (refused.status_code, "paid back" in refused.text) == (400, True)


@pytest.mark.parametrize("wrong", [{}, {"quantity:501": "1"}, {"quantity:501": "-1"}, {"quantity:abc": "1"}, {"quantity:501": "9" * 10},
                                   {"quantity:501": "1", "shipping_method": "flatrate_flatrate", "payment": "iou"},
                                   {"quantity:501": "1", "shipping_method": "instore_pickup:mars", "payment": "bank"},
                                   {"quantity:501": "1", "shipping_method": "instore_pickup", "payment": "bank"},
                                   {"quantity:501": "99", "shipping_method": "flatrate_flatrate", "payment": "bank"},
                                   {"quantity:501": "1", "discount": "NaN"}, {"quantity:²": "1"}])  # fmt: skip
def test_an_order_form_filled_in_wrongly_is_refused_with_a_reason(rig: MagentoRig, wrong: dict[str, str]) -> None:
    answer = post(rig, "/orders", **wrong)
    assert 400 <= answer.status_code < 500
    assert 'role="alert"' in answer.text
    assert rig.box.state.all("order") == []


@pytest.mark.parametrize(("path", "data"), [
    ("/admin/orders/999/hold", {}), ("/admin/orders/81/fly", {}), ("/admin/orders/81/ship", {}), ("/admin/orders/81/ship", {"ship:1": "1"}),
    ("/admin/orders/81/refund", {"amount": "much"}), ("/admin/orders/81/refund", {"amount": "999"}),
    ("/admin/orders/81/comment", {"status": "complete", "comment": "x"}), ("/admin/products/stock", {"sku": "MUG", "source": "amsterdam"}),
    ("/admin/products/stock", {"sku": "MUG", "source": "mars", "quantity": "1"}),
])  # fmt: skip
def test_a_button_that_makes_no_sense_is_refused_with_a_reason(rig: MagentoRig, path: str, data: dict[str, str]) -> None:
    order = rig.place({"MUG": 1})
    before = rig._order(order)
    answer = post(rig, path, **data)
    assert 400 <= answer.status_code < 500
    assert 'role="alert"' in answer.text
    assert rig._order(order) == before


def test_staff_count_stock_at_a_source(rig: MagentoRig) -> None:
    post(rig, "/admin/products/stock", sku="MUG", source="utrecht", quantity="9")
    assert (rig.stock("MUG", "utrecht"), rig.stock("MUG")) == (9, 15)


def test_a_name_with_markup_is_shown_and_not_obeyed(rig: MagentoRig) -> None:
    put_product(rig.box.state, {"sku": "X", "name": "<script>alert(1)</script>", "price": "1"})
    for path in ("/", "/admin/products"):
        text = requests.get(f"{rig.box.url}{path}", timeout=10).text
        assert "<script>" not in text
        assert "&lt;script&gt;" in text


def test_an_empty_shop_says_how_to_fill_it(http: requests.Session) -> None:
    with running(create_app(SandboxState())) as box:
        assert "--seed" in http.get(box.url, timeout=10).text


def test_the_sandbox_runs_from_the_command_line_and_keeps_its_state(tmp_path: Path) -> None:
    keys = connection_credentials()
    auth = OAuth1(keys["consumer_key"], keys["consumer_secret"], keys["access_token"], keys["access_token_secret"], signature_method="HMAC-SHA256")

    def order_count(place: bool) -> int:
        with from_command_line("adapters.magento.sandbox", tmp_path / "shop.sqlite") as url:
            if place:
                form = {**CUSTOMER, "quantity:501": "1", "shipping_method": "flatrate_flatrate", "payment": "bank"}
                assert requests.post(f"{url}/orders", data=form, timeout=10).status_code == 200
            return int(requests.get(f"{url}/rest/V1/orders?searchCriteria=", auth=auth, timeout=10).json()["total_count"])

    assert [order_count(place=True), order_count(place=False)] == [1, 1]
