"""The pages of the Shopify sandbox: the storefront, and what staff do by hand in the admin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from adapters.sandbox import SandboxState, running
from adapters.shopify.sandbox import TOKEN, create_app, seed
from tests.adapters.rigs.base import CUSTOMER
from tests.adapters.rigs.shopify import ShopifyRig
from tests.adapters.sandbox_pages import from_command_line, wrong_with


@pytest.fixture
def shop() -> Iterator[ShopifyRig]:
    with ShopifyRig.open() as rig:
        yield rig


def post(rig: ShopifyRig, path: str, **data: Any) -> requests.Response:
    return rig.http.post(f"{rig.box.url}{path}", data=data, timeout=5)


def form(**more: str) -> dict[str, str]:
    names = ("name", "email", "phone", "street", "city", "postcode", "country")
    return {name: CUSTOMER[name] for name in names} | {"delivery": "post", "payment": "online", "discount": "0"} | more


def test_every_page_has_one_heading_labelled_inputs_and_no_foreign_address(shop: ShopifyRig) -> None:
    orders = [shop.place({"MUG": 8}), shop.place({"MUG": 1}, pickup=True, paid=False), shop.place({"GIFT": 1})]
    shop.ship_by_staff(orders[0], {"MUG": 1})
    shop.refund_by_staff(orders[0], "1.00")
    shop.cancel(orders[1])
    for path in ("/", "/admin/orders", "/admin/products", *(f"/admin/orders/{order}" for order in orders)):
        answer = shop.http.get(f"{shop.box.url}{path}", timeout=5)
        assert (path, answer.status_code, wrong_with(answer.text)) == (path, 200, [])


def test_a_visitor_orders_and_staff_carry_on_by_hand(shop: ShopifyRig) -> None:
    placed = post(shop, "/orders", **form(**{"quantity:MUG": "2", "quantity:POT": "0", "payment": "bank", "discount": "1,50"}))
    assert placed.status_code == 200
    [order] = shop.box.state.all("order")
    here = f"/admin/orders/{order['id']}"
    number = str(order["fulfilment_orders"][0]["id"])
    for do in ("progress", "open", "hold", "release"):
        assert post(shop, f"{here}/part", part=number, do=do).status_code == 200
    post(shop, f"{here}/part", part=number, do="move", place="102")
    post(shop, f"{here}/pay")
    post(shop, f"{here}/edit", sku="MUG", quantity="1")
    post(shop, f"{here}/part", part=number, do="fulfil", tracking="3S", carrier="PostNL")
    post(shop, f"{here}/refund", amount="2,50")
    post(shop, f"{here}/note", note="Called")
    external = str(order["id"])
    assert shop.shipments(external) == [{"outlet": "utrecht", "lines": {"MUG": 1}, "tracking": "3S"}]
    assert (shop.payment_status(external), shop.refunded(external)) == ("partly_refunded", 2.5)
    assert shop.shop.order(order["id"])["note"] == "Called"
    post(shop, f"{here}/delete")
    assert shop.box.state.all("order") == []


def test_a_pickup_is_placed_prepared_and_cancelled(shop: ShopifyRig) -> None:
    post(shop, "/orders", **form(**{"quantity:TEA": "1", "delivery": "pickup", "place": "102"}))
    [order] = shop.box.state.all("order")
    part = order["fulfilment_orders"][0]
    assert (part["location"], part["method"]) == (102, "PICK_UP")
    answer = post(shop, f"/admin/orders/{order['id']}/part", part=part["id"], do="ready")
    assert "ready for pickup" in answer.text
    post(shop, f"/admin/orders/{order['id']}/cancel", restock="1", pay_back="1")
    assert (shop.shop_status(str(order["id"])), shop.payment_status(str(order["id"]))) == ("cancelled", "refunded")


def test_stock_is_set_by_hand_at_a_location(shop: ShopifyRig) -> None:
    variant = shop.shop.variant_by_sku("MUG")[1]["id"]
    post(shop, "/admin/products/stock", variant=variant, place=102, quantity=77)
    assert shop.stock("MUG", "utrecht") == 77


@pytest.mark.parametrize("wrong", [
    {}, {"quantity:MUG": "1", "payment": "iou"}, {"quantity:MUG": "-1"}, {"quantity:MUG": "1", "discount": "much"}, {"quantity:MUG": "9999999999"},
    {"quantity:MUG": "99"}, {"quantity:NOPE": "1"}, {"quantity:MUG": "²"}, {"quantity:MUG": "1", "delivery": "pickup", "place": "9"},
    {"quantity:MUG": "1", "discount": "NaN"},
])  # fmt: skip
def test_an_order_form_filled_in_wrongly_is_refused_with_a_reason(shop: ShopifyRig, wrong: dict[str, str]) -> None:
    answer = post(shop, "/orders", **form(**wrong))
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert shop.box.state.all("order") == []


@pytest.mark.parametrize("path", ["part", "part?x", "fly", "edit", "refund", "pay", "cancel"])
def test_a_button_that_cannot_be_pressed_says_why(shop: ShopifyRig, path: str) -> None:
    order = shop.place({"MUG": 1})
    shop.cancel(order)
    answer = post(shop, f"/admin/orders/{order}/{path}", part="x", amount="many", sku="NOPE", quantity="-")
    assert answer.status_code == 400
    assert post(shop, "/admin/orders/77/pay").status_code == 400
    assert post(shop, "/admin/products/stock", variant="9", place="9", quantity="1").status_code == 400


def test_a_name_with_markup_is_shown_and_not_obeyed(shop: ShopifyRig) -> None:
    seed(shop.box.state, [{"sku": "X", "name": "<script>alert(1)</script>", "price": 1, "stock": {"amsterdam": 1}}])
    answer = shop.http.get(f"{shop.box.url}/admin/products", timeout=5)
    assert "<script>" not in answer.text
    assert "&lt;script&gt;" in answer.text


def test_an_empty_shop_says_how_to_fill_it(http: requests.Session) -> None:
    with running(create_app(SandboxState())) as box:
        assert "--seed" in http.get(box.url, timeout=5).text


def test_the_sandbox_runs_from_the_command_line_and_keeps_its_state(tmp_path: Path) -> None:
    def order_count(place: bool) -> int:
        with from_command_line("adapters.shopify.sandbox", tmp_path / "shop.sqlite") as url:
            if place:
                filled = form(**{"quantity:MOK-ROOD": "1"})
                assert requests.post(f"{url}/orders", data=filled, timeout=5).status_code == 200
            answer = requests.post(f"{url}/admin/api/2026-07/graphql.json", json={"query": "{ ordersCount { count } }"},
                                   headers={"X-Shopify-Access-Token": TOKEN}, timeout=5)  # fmt: skip
            return int(answer.json()["data"]["ordersCount"]["count"])

    assert [order_count(place=True), order_count(place=False)] == [1, 1]
