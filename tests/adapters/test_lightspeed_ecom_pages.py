"""The pages of the E-Series sandbox: the storefront, and what staff do by hand in the admin."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from adapters.lightspeed_ecom.sandbox import create_app, seed
from adapters.sandbox import RunningSandbox, SandboxState, running
from tests.adapters.ecom import CUSTOMER, STORE, TOKEN, Ecom
from tests.adapters.sandbox_pages import ROOT, from_command_line, wrong_with


def test_every_page_has_one_heading_labelled_inputs_and_no_foreign_address(ecom: Ecom) -> None:
    order_id = ecom.place()
    for path in (
        "/",
        "/admin/orders",
        f"/admin/orders/{order_id}",
        "/admin/products",
        "/sandbox/faults",
        "/sandbox/webhooks",
        "/sandbox/calls",
    ):
        answer = requests.get(f"{ecom.box.url}{path}", timeout=5)
        assert (path, answer.status_code, wrong_with(answer.text)) == (path, 200, [])


def post(box: RunningSandbox, path: str, data: dict[str, Any]) -> requests.Response:
    return requests.post(f"{box.url}{path}", data=data, timeout=5)


def test_a_visitor_orders_and_staff_carry_on_by_hand(ecom: Ecom) -> None:
    form = {
        **CUSTOMER,
        "quantity:501": "2",
        "quantity:503-7002": "1",
        "quantity:502": "0",
        "shipping_method": "bike",
        "payment": "online",
        "discount": "1,50",
    }
    placed = post(ecom.box, "/orders", form)
    assert placed.status_code == 200
    [order] = ecom.box.state.all("order")
    assert ([item["sku"] for item in order["items"]], float(order["total"]), order["paymentModule"]) == (
        ["MOK-ROOD", "SHIRT-L"],
        45.45,
        "Lightspeed Payments",
    )
    post(ecom.box, "/admin/orders/status", {"order": order["id"], "fulfillmentStatus": "OUT_FOR_DELIVERY"})
    post(ecom.box, "/admin/orders/tracking", {"order": order["id"], "trackingNumber": "3S", "trackingUrl": ""})
    assert (ecom.order(order["id"])["fulfillmentStatus"], ecom.order(order["id"])["trackingNumber"]) == (
        "OUT_FOR_DELIVERY",
        "3S",
    )
    post(ecom.box, "/admin/orders/delete", {"order": order["id"]})
    assert ecom.box.state.all("order") == []


@pytest.mark.parametrize("wrong", [{}, {"quantity:501": "1"}, {"quantity:501": "1", "shipping_method": "post", "payment": "iou"}, {"quantity:501": "-1"},
                                   {"quantity:abc": "1"}, {"quantity:501": "1", "discount": "much"}, {"quantity:501": "9999999999"},
                                   {"quantity:501": "99", "shipping_method": "post", "payment": "bank"}, {"quantity:501": "1", "discount": "NaN"},
                                   {"quantity:999": "1", "shipping_method": "post", "payment": "bank"}, {"quantity:²": "1"}])  # fmt: skip
def test_an_order_form_filled_in_wrongly_is_refused_with_a_reason(ecom: Ecom, wrong: dict[str, str]) -> None:
    answer = post(ecom.box, "/orders", wrong)
    assert 400 <= answer.status_code < 500
    assert 'role="alert"' in answer.text
    assert ecom.box.state.all("order") == []


def test_stock_is_locked_in_the_admin_while_a_till_is_linked(ecom: Ecom) -> None:
    refused = post(ecom.box, "/admin/products/stock", {"offer": "501", "quantity": "99"})
    assert refused.status_code == 409
    assert "managed by the linked Retail POS" in refused.text
    assert ecom.quantity(501) == 10
    ecom.box.sandbox.set_switch("pos_linked", False)
    post(ecom.box, "/admin/products/stock", {"offer": "501", "quantity": "99"})
    post(ecom.box, "/admin/products/stock", {"offer": "503-7001", "quantity": "7"})
    assert (ecom.quantity(501), ecom.quantity(503, 7001)) == (99, 7)


def test_a_name_with_markup_is_shown_and_not_obeyed(ecom: Ecom) -> None:
    seed(ecom.box.state, [{"sku": "X", "name": "<script>alert(1)</script>", "price": 1, "quantity": 1}], [])
    answer = requests.get(f"{ecom.box.url}/admin/products", timeout=5)
    assert "<script>" not in answer.text
    assert "&lt;script&gt;" in answer.text


def test_an_empty_shop_says_how_to_fill_it(http: requests.Session) -> None:
    with running(create_app(SandboxState(), store_id=STORE, token=TOKEN)) as box:
        assert "--seed" in http.get(box.url, timeout=5).text


def test_the_sandbox_runs_from_the_command_line_and_keeps_its_state(tmp_path: Path) -> None:
    def order_count(place: bool) -> int:
        own = ("--token", TOKEN, "--store-id", str(STORE))
        with from_command_line("adapters.lightspeed_ecom.sandbox", tmp_path / "shop.sqlite", *own) as url:
            if place:
                form = {**CUSTOMER, "quantity:501": "1", "shipping_method": "1-1700000000000", "payment": "bank"}
                assert requests.post(f"{url}/orders", data=form, timeout=5).status_code == 200
            headers = {"Authorization": f"Bearer {TOKEN}"}
            return int(requests.get(f"{url}/api/v3/{STORE}/orders", headers=headers, timeout=5).json()["total"])

    assert [order_count(place=True), order_count(place=False)] == [1, 1]


def test_a_seed_file_fills_an_empty_shop_and_a_broken_one_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "seed.json"
    broken.write_text("{", encoding="utf-8")
    command = [sys.executable, "-m", "adapters.lightspeed_ecom.sandbox", "--port", "0", "--seed", str(broken)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=30, check=False)
    assert done.returncode == 2
    assert "cannot read the seed file" in done.stderr
