"""The E-Series sandbox behaves like the real shop, on its API, its pages and its webhooks."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from adapters.base import Connection
from adapters.lightspeed_ecom import LightspeedEcom
from adapters.lightspeed_ecom.sandbox import create_app, seed
from adapters.lightspeed_ecom.sandbox_shop import ShopError
from adapters.sandbox import SandboxState, running
from tests.adapters.ecom import CLIENT_SECRET, METHODS, STORE, TOKEN, Ecom
from tests.adapters.inbox import Inbox
from tests.adapters.memory import LocalMemory

ORDER_FIELDS = {
    "id", "internalId", "orderNumber", "vendorOrderNumber", "email", "customerId", "paymentStatus", "fulfillmentStatus", "paymentMethod",
    "paymentModule", "total", "subtotal", "tax", "pricesIncludeTax", "createDate", "createTimestamp", "updateTimestamp", "shippingPerson",
    "shippingOption", "orderComments", "externalFulfillment", "items",
}  # fmt: skip
ITEM_FIELDS = {
    "id",
    "productId",
    "sku",
    "name",
    "quantity",
    "price",
    "productPrice",
    "tax",
    "taxes",
    "isShippingRequired",
}


def api(
    ecom: Ecom, method: str, path: str, *, token: str = TOKEN, store: int = STORE, **options: Any
) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return requests.request(method, f"{ecom.box.url}/api/v3/{store}/{path}", headers=headers, timeout=5, **options)


# The API


def test_an_order_has_the_documented_fields(ecom: Ecom) -> None:
    order = api(ecom, "GET", f"orders/{ecom.place()}").json()
    assert set(order) >= ORDER_FIELDS
    assert set(order["items"][0]) >= ITEM_FIELDS
    assert set(order["shippingOption"]) == {
        "shippingMethodId",
        "shippingMethodName",
        "shippingRate",
        "fulfillmentType",
        "isPickup",
        "locationId",
    }
    assert (order["total"], order["tax"], order["items"][0]["tax"], order["id"]) == (
        54.95,
        8.68,
        4.34,
        order["vendorOrderNumber"],
    )


@pytest.mark.parametrize(
    ("token", "store", "status"), [("", STORE, 401), ("secret_other", STORE, 403), (TOKEN, 1004, 403)]
)
def test_only_the_stores_own_token_opens_it(ecom: Ecom, token: str, store: int, status: int) -> None:
    answer = api(ecom, "GET", "orders", token=token, store=store)
    assert (answer.status_code, set(answer.json())) == (status, {"errorMessage", "errorCode"})


def test_a_token_that_keeps_failing_is_blocked_but_the_right_one_is_not(ecom: Ecom) -> None:
    answers = [api(ecom, "GET", "orders", token="secret_other").status_code for _ in range(21)]
    assert (answers[0], answers[-1]) == (403, 429)
    assert api(ecom, "GET", "orders").status_code == 200


def test_a_public_token_sees_the_catalogue_only(ecom: Ecom) -> None:
    ecom.box.state.set_setting("public_token", "public_x")
    assert api(ecom, "GET", "products", token="public_x").status_code == 200
    assert api(ecom, "GET", "orders", token="public_x").status_code == 403


def test_an_error_has_its_reason_in_the_status_line_and_in_json(ecom: Ecom) -> None:
    answer = api(ecom, "GET", "orders/NOPE")
    assert (answer.status_code, answer.reason) == (404, "Order with id NOPE was not found")
    assert answer.json()["errorMessage"] == answer.reason
    assert api(ecom, "GET", "nowhere").json()["errorCode"] == "NOT_FOUND"


def test_lists_are_paged(ecom: Ecom) -> None:
    page = api(ecom, "GET", "products?limit=2&offset=1").json()
    assert {name: page[name] for name in ("total", "count", "offset", "limit")} == {
        "total": 3,
        "count": 2,
        "offset": 1,
        "limit": 2,
    }
    assert api(ecom, "GET", "products?limit=5000").json()["limit"] == 100


def test_a_variation_is_found_by_its_sku_through_its_product(ecom: Ecom) -> None:
    assert [item["id"] for item in api(ecom, "GET", "products?sku=SHIRT-L").json()["items"]] == [503]


def test_orders_are_found_by_status_change_and_customer(ecom: Ecom) -> None:
    paid, unpaid, cart = (ecom.place((501, None, 1), payment=payment) for payment in ("online", "bank", "cart"))

    def found(query: str) -> set[str]:
        return {item["id"] for item in api(ecom, "GET", f"orders?{query}").json()["items"]}

    assert found("") == {paid, unpaid}
    assert found("paymentStatus=PAID") == {paid}
    assert found("paymentStatus=PAID,INCOMPLETE") == {paid, cart}
    assert found("email=sanne@example.org&fulfillmentStatus=AWAITING_PROCESSING") == {paid, unpaid}
    assert found(f"ids={unpaid},{paid}") == {paid, unpaid}
    assert found("updatedFrom=2026-01-01") == {paid, unpaid}
    assert found("updatedTo=2026-01-01 10:00:00 %2B0000") == set()
    assert found("keywords=theekan") == set()
    assert api(ecom, "GET", "orders?updatedFrom=soon").status_code == 400


def test_a_partial_update_leaves_the_rest_alone(ecom: Ecom) -> None:
    order_id = ecom.place()
    assert api(ecom, "PUT", f"orders/{order_id}", json={"fulfillmentStatus": "SHIPPED"}).json() == {"updateCount": 1}
    order = ecom.order(order_id)
    assert (order["fulfillmentStatus"], order["paymentStatus"], len(order["items"])) == (
        "SHIPPED",
        "AWAITING_PAYMENT",
        2,
    )


@pytest.mark.parametrize(("body", "status"), [
    ({"json": {"fulfillmentStatus": "QUEUED"}}, 400), ({"data": "x"}, 415), ({"json": [1]}, 400), ({"json": {"fulfillmentStatus": ["A"]}}, 400),
    ({"json": {"items": "all"}}, 400), ({"json": {"items": [{"quantity": "2"}]}}, 400),
])  # fmt: skip
def test_a_senseless_update_is_refused(ecom: Ecom, body: dict[str, Any], status: int) -> None:
    assert api(ecom, "PUT", f"orders/{ecom.place()}", **body).status_code == status


def test_an_update_of_nothing_counts_nothing(ecom: Ecom) -> None:
    assert api(ecom, "PUT", f"orders/{ecom.place()}", json={"unknownField": 1}).json() == {"updateCount": 0}


def test_a_cancelled_order_will_not_be_delivered_is_restocked_and_is_final(ecom: Ecom) -> None:
    order_id = ecom.place()
    assert ecom.quantity(501) == 8
    api(ecom, "PUT", f"orders/{order_id}", json={"paymentStatus": "CANCELLED"})
    assert (ecom.order(order_id)["fulfillmentStatus"], ecom.quantity(501)) == ("WILL_NOT_DELIVER", 10)
    assert api(ecom, "PUT", f"orders/{order_id}", json={"paymentStatus": "PAID"}).status_code == 409
    assert ecom.quantity(501) == 10


def test_without_restocking_the_goods_of_a_cancelled_order_stay_gone(ecom: Ecom) -> None:
    ecom.box.sandbox.set_switch("restock_on_cancel", False)
    order_id = ecom.place()
    ecom.staff(order_id, paymentStatus="CANCELLED")
    assert ecom.quantity(501) == 8


def test_stock_is_changed_relatively_too_and_warns_below_zero(ecom: Ecom) -> None:
    assert api(ecom, "PUT", "products/501/inventory", json={"quantityDelta": -2}).json() == {"updateCount": 1}
    assert "warning" in api(ecom, "PUT", "products/503/combinations/7002/inventory", json={"quantityDelta": -5}).json()
    assert (ecom.quantity(501), ecom.quantity(503, 7002)) == (8, -2)
    assert api(ecom, "PUT", "products/501/inventory", json={}).status_code == 400
    assert api(ecom, "PUT", "products/999", json={"quantity": 1}).status_code == 404
    assert api(ecom, "PUT", "products/503/combinations/1", json={"quantity": 1}).status_code == 404


def test_the_profile_names_statuses_and_shipping_methods(ecom: Ecom) -> None:
    statuses = {each["statusId"]: each for each in api(ecom, "GET", "profile/order_statuses").json()}
    assert len(statuses) == 9 + 11
    assert {each["fulfilmentType"] for each in api(ecom, "GET", "profile/shippingOptions").json()} == {
        "shipping",
        "pickup",
        "delivery",
    }
    renamed = api(ecom, "PUT", "profile/order_status/CUSTOM_PAYMENT_STATUS_1", json={"name": "Op rekening"})
    assert renamed.json() == {"updateCount": 1}
    assert ecom.box.state.get("order_status", "CUSTOM_PAYMENT_STATUS_1")["name"] == "Op rekening"  # type: ignore[index]


def test_an_order_made_over_the_api_and_its_deletion(ecom: Ecom) -> None:
    made = api(ecom, "POST", "orders", json={"email": "a@example.org", "total": 5}).json()
    assert set(made) == {"id", "orderId"}
    assert api(ecom, "DELETE", f"orders/{made['orderId']}").json() == {"deleteCount": 1}
    assert [item["orderId"] for item in api(ecom, "GET", "orders/deleted").json()["items"]] == [made["orderId"]]


def test_600_requests_a_minute_and_no_more() -> None:
    state = SandboxState()
    with running(create_app(state, store_id=STORE, token=TOKEN)) as box:
        assert box.sandbox.rate.per_minute == 600


def test_customers_are_one_per_e_mail_address(ecom: Ecom) -> None:
    ecom.place((501, None, 1))
    ecom.place((501, None, 1))
    assert api(ecom, "GET", "customers?email=sanne@example.org").json()["total"] == 1


# The shop


def test_an_order_of_more_than_there_is_is_refused_and_changes_nothing(ecom: Ecom) -> None:
    with pytest.raises(ShopError, match="Only 5"):
        ecom.place((501, None, 1), (502, None, 6))
    assert (ecom.quantity(501), ecom.box.state.all("order")) == (10, [])
    ecom.box.sandbox.set_switch("oversell", True)
    ecom.place((502, None, 6))
    assert ecom.quantity(502) == -1


def test_a_cart_takes_stock_only_when_it_becomes_an_order(ecom: Ecom) -> None:
    cart = ecom.place(payment="cart")
    assert ecom.quantity(501) == 10
    ecom.staff(cart, paymentStatus="PAID")
    assert ecom.quantity(501) == 8


def test_prices_without_tax_get_tax_on_top(http: requests.Session) -> None:
    state = SandboxState()
    seed(state, [{"sku": "A", "name": "A", "price": "10.33", "quantity": 5}], METHODS, prices_include_tax=False)
    with running(create_app(state, store_id=STORE, token=TOKEN)) as box:
        ecom = Ecom(box, LocalMemory(), http)
        order_id = ecom.place((501, None, 2), method="shop")
        snapshot = ecom.do("read_order", {"external_id": order_id}).events[0].data["order"]
    assert (snapshot["total"], snapshot["lines"][0]["unit_price"]) == ("25.00", "12.50")


# Webhooks


def received(ecom: Ecom, inbox: Inbox) -> list[dict[str, Any]]:
    assert ecom.box.sandbox.courier.settle()
    return inbox.bodies()


def test_a_new_order_sends_signed_events_that_the_adapter_accepts(ecom: Ecom, inbox: Inbox) -> None:
    ecom.box.state.set_setting("webhook_url", inbox.url)
    order_id = ecom.place()
    events = received(ecom, inbox)
    assert sorted(event["eventType"] for event in events) == [
        "customer.created",
        "order.created",
        "product.updated",
        "product.updated",
    ]
    connection = Connection(
        "c", "s", "lightspeed_ecom", "shop", "", {"store_id": str(STORE), "client_secret": CLIENT_SECRET}
    )
    hints = [hint for headers, body in inbox.got for hint in LightspeedEcom().verify(body, headers, {}, connection)]
    assert {(hint.operation, hint.payload["external_id"]) for hint in hints} == {
        ("read_order", order_id),
        ("read_product", "501"),
        ("read_product", "502"),
    }
    assert inbox.paths[0].endswith(f"?eventtype={events[0]['eventType']}")


def test_a_status_change_tells_old_and_new(ecom: Ecom, inbox: Inbox) -> None:
    order_id = ecom.place()
    ecom.box.state.set_setting("webhook_url", inbox.url)
    ecom.staff(order_id, paymentStatus="PAID")
    [event] = received(ecom, inbox)
    assert event["eventType"] == "order.updated"
    assert event["data"] == {
        "orderId": order_id, "oldPaymentStatus": "AWAITING_PAYMENT", "newPaymentStatus": "PAID",
        "oldFulfillmentStatus": "AWAITING_PROCESSING", "newFulfillmentStatus": "AWAITING_PROCESSING",
    }  # fmt: skip


def test_our_own_writes_come_back_as_webhooks(ecom: Ecom, inbox: Inbox) -> None:
    ecom.box.state.set_setting("webhook_url", inbox.url)
    ecom.do("set_stock", {"sku": "MOK-ROOD", "quantity": 4})
    assert [(event["eventType"], event["entityId"]) for event in received(ecom, inbox)] == [("product.updated", 501)]


def test_a_cart_is_an_unfinished_order_until_its_customer_finishes(ecom: Ecom, inbox: Inbox) -> None:
    ecom.box.state.set_setting("webhook_url", inbox.url)
    cart = ecom.place((501, None, 1), payment="cart")
    ecom.staff(cart, paymentStatus="PAID")
    kinds = [event["eventType"] for event in received(ecom, inbox) if "order" in event["eventType"]]
    assert kinds == ["unfinished_order.created", "order.created"]


def test_only_an_answer_of_200_counts_as_delivered(ecom: Ecom, inbox: Inbox) -> None:
    ecom.box.state.set_setting("webhook_url", inbox.url)
    inbox.answers = [202, 200]
    ecom.do("set_stock", {"sku": "MOK-ROOD", "quantity": 4})
    assert len(received(ecom, inbox)) == 2
    assert inbox.bodies()[0] == inbox.bodies()[1]
