"""The Magento sandbox speaks the shop's API, as an OAuth client of somebody else's making sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from requests_oauthlib import OAuth1, OAuth1Session

from adapters.magento import sandbox_index, sandbox_search
from adapters.magento import sandbox_oauth as oauth
from adapters.magento.sandbox_basket import Basket
from adapters.magento.sandbox_search import only
from adapters.magento.sandbox_stock import ShopError
from adapters.sandbox import SandboxState
from tests.adapters.rigs.base import CUSTOMER
from tests.adapters.rigs.magento import MagentoRig

KEYS: dict[str, Any] = {
    "client_key": oauth.CONSUMER_KEY, "client_secret": oauth.CONSUMER_SECRET, "resource_owner_key": oauth.ACCESS_TOKEN,
    "resource_owner_secret": oauth.ACCESS_TOKEN_SECRET, "signature_method": "HMAC-SHA256",
}  # fmt: skip


class Api:
    """The sandbox through requests_oauthlib."""

    def __init__(self, rig: MagentoRig, http: requests.Session) -> None:
        self.rig, self.http = rig, http
        self.base = f"{rig.box.url}/rest/default/V1/"

    def get(self, path: str, **query: str) -> requests.Response:
        return self.http.get(self.base + path, params=query, timeout=10)

    def post(self, path: str, body: Any) -> requests.Response:
        return self.http.post(self.base + path, json=body, timeout=10)

    def found(self, path: str, **query: str) -> Any:
        answer = self.get(path, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def api() -> Iterator[Api]:
    with MagentoRig.open() as rig, OAuth1Session(**KEYS) as http:
        http.trust_env = False
        yield Api(rig, http)


def search(*filters: tuple[str, str, str], size: int = 10, page: int = 1) -> dict[str, str]:
    """One filter in each group."""
    found = {"searchCriteria[pageSize]": str(size), "searchCriteria[currentPage]": str(page)}
    for number, (field, condition, value) in enumerate(filters):
        group = f"searchCriteria[filter_groups][{number}][filters][0]"
        found |= {f"{group}[field]": field, f"{group}[condition_type]": condition, f"{group}[value]": value}
    return found


# Authorisation


def test_a_day_in_the_shop_through_another_oauth_client(api: Api) -> None:
    order = api.rig.place({"MUG": 2}, paid=False)
    item = api.found(f"orders/{order}")["items"][0]["item_id"]
    assert api.post(f"order/{order}/invoice", {"capture": False, "notify": False}).json() == 1
    track = {"track_number": "3SLAB1", "title": "PostNL", "carrier_code": "custom"}
    source = {"extension_attributes": {"source_code": "utrecht"}}
    body = {"items": [{"order_item_id": item, "qty": 1}], "notify": True, "tracks": [track], "arguments": source}
    shipment = api.post(f"order/{order}/ship", body).json()
    assert api.found(f"shipment/{shipment}")["tracks"][0]["track_number"] == "3SLAB1"
    assert api.found(f"orders/{order}/statuses") == "processing"
    assert api.post(f"orders/{order}/comments", {"statusHistory": {"comment": "packed", "status": "packed"}}).json() is True
    assert api.found(f"orders/{order}/statuses") == "packed"
    assert api.post(f"order/{order}/refund", {"notify": False}).json() == 1
    assert api.found(f"orders/{order}")["state"] == "closed"
    assert api.rig.stock("MUG", "utrecht") == 3


@pytest.mark.parametrize("query", [
    {"searchCriteria[filter_groups][0][filters][0][field]": "customer_email", "searchCriteria[filter_groups][0][filters][0][value]": "o'brien+a b&c=d%20@example.org ü/[]"},
    {"searchCriteria": ""}, {"searchCriteria[pageSize]": "1", "fields": "items[entity_id,payment[method]],total_count"},
])  # fmt: skip
def test_signatures_hold_for_odd_queries(api: Api, query: dict[str, str]) -> None:
    assert api.get("orders", **query).status_code == 200


@pytest.mark.parametrize(("change", "status", "words"), [
    ({"client_secret": "wrong"}, 401, "signature is invalid"), ({"resource_owner_secret": "wrong"}, 401, "signature is invalid"),
    ({"client_key": "wrong"}, 401, "consumer with the ID"), ({"resource_owner_key": "wrong"}, 401, "token is not valid"),
    ({"signature_method": "HMAC-SHA1"}, 400, "not supported"), ({"signature_method": "PLAINTEXT"}, 400, "not supported"),
    ({"timestamp": "9999999999"}, 400, "oauth_timestamp"),
])  # fmt: skip
def test_calls_that_are_signed_wrongly_are_refused(api: Api, change: dict[str, str], status: int, words: str) -> None:
    answer = requests.get(f"{api.base}orders?searchCriteria=", auth=OAuth1(**{**KEYS, **change}), timeout=10)
    assert (answer.status_code, words in answer.json()["message"]) == (status, True)


def test_a_nonce_counts_once(api: Api) -> None:
    auth = OAuth1(**KEYS, nonce="once", timestamp="1790000000")
    first, second = (requests.get(f"{api.base}orders?searchCriteria=", auth=auth, timeout=10) for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 401)
    assert second.json() == {"message": "The nonce is already being used by the consumer with ID %1.", "parameters": [1]}


def test_a_signature_for_one_call_is_none_for_another(api: Api) -> None:
    signed = requests.Request("GET", f"{api.base}orders?searchCriteria=", auth=OAuth1(**KEYS)).prepare().headers["Authorization"]
    answer = requests.get(f"{api.base}products?searchCriteria=", headers={"Authorization": signed}, timeout=10)
    assert (answer.status_code, answer.json()["message"]) == (401, "The signature is invalid. Verify and try again.")


@pytest.mark.parametrize("header", [None, "Bearer sandbox-access-token", "Bearer x", "OAuth", "OAuth oauth_nonce=x", "Basic eDp5"])
def test_without_a_signature_nothing_is_told(api: Api, header: str | None) -> None:
    answer = requests.get(f"{api.base}orders/1", headers={"Authorization": header} if header else {}, timeout=10)
    assert answer.status_code in (400, 401)
    if answer.status_code == 401:
        assert answer.json()["parameters"] == {"resources": "Magento_Sales::actions_view"}


# Searching


def test_groups_must_all_hold_and_filters_in_a_group_are_alternatives(api: Api) -> None:
    first, second, third = (api.rig.place({"TEA": n}) for n in (1, 2, 3))
    group = "searchCriteria[filterGroups][0][filters]"
    either = {f"{group}[{n}][{name}]": value for n, id in enumerate((first, third)) for name, value in (("field", "entity_id"), ("value", id))}
    assert [each["entity_id"] for each in api.found("orders", **either)["items"]] == [int(first), int(third)]
    both = search(("entity_id", "gteq", second), ("entity_id", "lt", third))
    assert [each["entity_id"] for each in api.found("orders", **both)["items"]] == [int(second)]


@pytest.mark.parametrize(("filter", "found"), [
    (("sku", "eq", "mug"), ["MUG"]), (("sku", "in", "MUG,TEA"), ["MUG", "TEA"]), (("sku", "nin", "MUG,TEA,SET,GIFT"), ["POT"]),
    (("sku", "like", "%E%"), ["TEA", "SET"]), (("name", "nlike", "%a%"), ["Mug"]), (("price", "gt", "20"), ["POT", "GIFT"]),
    (("price", "lteq", "12.5"), ["MUG", "TEA"]), (("type_id", "neq", "simple"), ["GIFT", "SET"]),
    (("special_price", "null", ""), ["MUG", "POT", "TEA", "GIFT", "SET"]), (("weight", "notnull", ""), []),
])  # fmt: skip
def test_conditions(api: Api, filter: tuple[str, str, str], found: list[str]) -> None:
    key = "name" if filter[0] == "name" else "sku"
    assert [each[key] for each in api.found("products", **search(filter))["items"]] == found


def test_sorting_goes_by_the_first_field_and_then_the_next(api: Api) -> None:
    query = search() | {
        "searchCriteria[sortOrders][0][field]": "type_id", "searchCriteria[sortOrders][0][direction]": "DESC",
        "searchCriteria[sortOrders][1][field]": "price", "searchCriteria[sortOrders][1][direction]": "ASC",
    }  # fmt: skip
    assert [each["sku"] for each in api.found("products", **query)["items"]] == ["GIFT", "TEA", "MUG", "POT", "SET"]


def test_a_page_past_the_end_is_the_last_one_again_where_that_is_not_mended(api: Api) -> None:
    for repeats, found in ((True, ["SET"]), (False, [])):
        api.rig.box.sandbox.set_switch("last_page_repeats", repeats)
        page = api.found("products", **search(size=2, page=9))
        assert ([each["sku"] for each in page["items"]], page["total_count"]) == (found, 5)


def test_without_a_size_everything_is_on_one_page(api: Api) -> None:
    page = api.found("products", searchCriteria="")
    assert (len(page["items"]), page["search_criteria"]) == (5, {"filter_groups": []})


FIELDS = st.sampled_from(["entity_id", "updated_at", "increment_id", "state", "customer_email", "store_id", "grand_total"])
FILTERS = st.tuples(FIELDS, st.sampled_from(["eq", "in", "gt", "gteq", "lt", "lteq", "neq"]),
                    st.sampled_from(["82", "81,83", "2026-11-24 10:00:01", "PROCESSING", "new", "", "000000002", "Sanne@Example.org", "x"]))  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    groups=st.lists(st.lists(FILTERS, min_size=1, max_size=2), max_size=2), sort=st.lists(st.tuples(FIELDS, st.sampled_from(["ASC", "DESC"])), max_size=2),
    size=st.integers(1, 4), page=st.integers(1, 3), repeats=st.booleans(),
)  # fmt: skip
def test_the_index_finds_what_a_look_at_every_order_finds(
    groups: list[list[tuple[str, str, str]]], sort: list[tuple[str, str]], size: int, page: int, repeats: bool
) -> None:
    criteria = {
        "filter_groups": [{"filters": [dict(zip(("field", "condition_type", "value"), each, strict=True)) for each in group]} for group in groups],
        "sort_orders": [{"field": field, "direction": direction} for field, direction in sort], "page_size": size, "current_page": page,
    }  # fmt: skip
    found = sandbox_index.search(indexed(), "order", criteria, last_page_repeats=repeats)
    if found is not None:
        wanted = sandbox_search.search(indexed().all("order"), criteria, last_page_repeats=repeats)
        assert found == wanted


@cache
def indexed() -> SandboxState:
    """Six orders, one of them changed and one deleted after the index was made."""
    state = SandboxState()
    for number in range(1, 7):
        state.put("order", 80 + number, {
            "entity_id": 80 + number, "increment_id": f"{number:09d}", "updated_at": f"2026-11-24 10:00:0{number // 3}", "store_id": number % 2,
            "state": ("new", "processing", "complete")[number % 3], "grand_total": number,
            **({"customer_email": "sanne@example.org"} if number % 2 else {}),
        })  # fmt: skip
        if number == 3:
            sandbox_index.prepare(state)
    state.put("order", 82, (state.get("order", 82) or {}) | {"state": "closed"})
    state.delete("order", 85)
    return state


def test_a_list_without_criteria_is_refused_with_the_name_in_the_parameters(api: Api) -> None:
    answer = api.get("orders")
    assert answer.status_code == 400
    assert answer.json() == {"message": '"%fieldName" is required. Enter and try again.', "parameters": {"fieldName": "searchCriteria"}}


@pytest.mark.parametrize("query", [search(("sku", "sounds", "mug")), {"searchCriteria[pageSize]": "-1"}, {"searchCriteria[pageSize]": "x"},
                                   {"searchCriteria[filter_groups]": "x", "searchCriteria[filter_groups][0]": "y"},
                                   {"searchCriteria": "", "fields": "items[sku"}, {"searchCriteria": "", "fields": "]"}])  # fmt: skip
def test_senseless_criteria_are_refused(api: Api, query: dict[str, str]) -> None:
    assert api.get("products", **query).status_code == 400


def test_fields_narrow_an_answer() -> None:
    value = {"items": [{"a": 1, "b": {"c": 2, "d": 3}, "e": [{"f": 4, "g": 5}]}], "total_count": 1}
    assert only(value, "items[a,b[c],e[g],nothing],total_count") == {"items": [{"a": 1, "b": {"c": 2}, "e": [{"g": 5}]}], "total_count": 1}
    with pytest.raises(ShopError):
        only(value, "items[a")


# Answers


def test_a_field_without_a_value_is_absent_and_numbers_are_numbers(api: Api) -> None:
    order = api.found(f"orders/{api.rig.place({'MUG': 1}, email='')}")
    assert "customer_email" not in order
    assert "customer_id" not in order
    assert "total_refunded" not in order
    assert isinstance(order["grand_total"], float)
    assert "shipping_address" not in order
    assert not [name for name in (*order, *order["items"][0]) if name.startswith("_")]


def test_a_store_view_or_none_may_stand_in_the_address(api: Api) -> None:
    for prefix, status in (("rest/V1", 200), ("rest/all/V1", 200), ("rest/default/V1", 200), ("rest/nope/V1", 404), ("rest/V2", 404)):
        answer = api.http.get(f"{api.rig.box.url}/{prefix}/products?searchCriteria=", timeout=10)
        assert (prefix, answer.status_code) == (prefix, status)
    assert answer.json() == {"message": "Request does not match any route."}


@pytest.mark.parametrize(("path", "body", "words"), [
    ("orders/{id}/hold", {}, None), ("orders/{id}/unhold", {}, "You cannot remove the hold."),
    ("order/{id}/ship", {"items": [{"order_item_id": 1, "qty": 1}]}, "not part of the original order"),
    ("order/{id}/ship", {"items": [{"order_item_id": "{item}", "qty": 3}]}, "greater than the unshipped"),
    ("order/{id}/ship", {"items": [{"order_item_id": "{item}", "qty": 0}]}, "without products"),
    ("order/{id}/ship", {}, "Not all of your products"),
    ("order/{id}/refund", {"arguments": {"adjustment_positive": 1}}, "most money available"),
    ("order/{id}/refund", {"items": [{"order_item_id": "{item}", "qty": 9}]}, "greater than the unrefunded"),
    ("order/{id}/refund", {"items": [{"order_item_id": "{item}", "qty": 0}], "arguments": {"shipping_amount": 0}}, "must be positive"),
    ("order/{id}/invoice", {}, "does not allow an invoice"),
    ("orders/{id}/comments", {"statusHistory": {"comment": "x", "status": "complete"}}, "not part of the order status history"),
    ("orders/{id}/comments", {}, "is required"), ("orders/9999/comments", {"statusHistory": {}}, "doesn't exist"),
    ("shipment/track", {"entity": {"parent_id": 77}}, "doesn't exist"), ("shipment/track", {}, "is required"),
    ("invoice/77/refund", {}, "doesn't exist"), ("inventory/source-items", {"sourceItems": []}, "Input data is empty"),
    ("inventory/source-items", {"sourceItems": [{"sku": "MUG", "source_code": "utrecht", "quantity": 1}]}, "known status"),
    ("inventory/source-items", {"sourceItems": [{"sku": "MUG", "source_code": "utrecht", "quantity": "1", "status": 1}]}, "numeric"),
    ("inventory/source-items", {"sourceItems": [{"sku": "MUG", "source_code": "nowhere", "quantity": 1, "status": 1}]}, "Could not save"),
    ("inventory/source-items", {"sourceItems": [{"source_code": "utrecht"}]}, "can not be empty"), ("orders/{id}/cancel", [], "Decoding"),
])  # fmt: skip
def test_what_cannot_be_done_is_refused_in_the_shops_words(api: Api, path: str, body: Any, words: str | None) -> None:
    order = api.rig.place({"MUG": 2})
    item = int(api.rig.line(order, "MUG"))
    for each in body.get("items", ()) if isinstance(body, dict) else ():
        each["order_item_id"] = item if each["order_item_id"] == "{item}" else each["order_item_id"]
    answer = api.post(path.format(id=order), body)
    if words is None:
        assert answer.json() is True
    else:
        assert answer.status_code in (400, 404)
        assert words in answer.json()["message"]


def test_one_wrong_stock_item_keeps_all_others_out(api: Api) -> None:
    items = [{"sku": "MUG", "source_code": source, "quantity": 9, "status": 1} for source in ("utrecht", "nowhere")]
    assert api.post("inventory/source-items", {"sourceItems": items}).status_code == 400
    assert api.rig.stock("MUG", "utrecht") == 4


def test_an_unknown_sku_is_taken_as_many_versions_do(api: Api) -> None:
    items = [{"sku": "NOPE", "source_code": "utrecht", "quantity": 9, "status": 1}]
    assert api.post("inventory/source-items", {"sourceItems": items}).json() == []
    api.rig.box.sandbox.set_switch("unknown_sku_is_refused", True)
    assert api.post("inventory/source-items", {"sourceItems": items}).status_code == 400


def test_cancelling_what_is_invoiced_answers_false_with_200(api: Api) -> None:
    order = api.rig.place({"MUG": 1})
    answer = api.post(f"orders/{order}/cancel", {})
    assert (answer.status_code, answer.json()) == (200, False)


def test_a_pickup_that_is_not_ready_is_told_with_200(api: Api) -> None:
    order = int(api.rig.place({"MUG": 1}))
    answer = api.post("order/notify-orders-are-ready-for-pickup", {"orderIds": [order]})
    assert answer.json() == {"successful": False, "errors": [{"id": order, "message": "The order is not ready for pickup"}]}


# Stock


def test_an_order_reserves_and_only_sending_takes_from_a_source(api: Api) -> None:
    def numbers() -> tuple[Any, Any]:
        item = api.found("inventory/source-items", **search(("sku", "eq", "MUG"), ("source_code", "eq", "amsterdam")))["items"][0]
        return item["quantity"], api.found("inventory/get-product-salable-quantity/MUG/2")

    order = api.rig.place({"MUG": 2})
    assert numbers() == (6, 8.0)
    api.rig.ship_by_staff(order)
    assert numbers() == (4, 8.0)


def test_the_stock_of_the_website_and_what_it_can_sell(api: Api) -> None:
    assert api.found("inventory/stock-resolver/website/base")["stock_id"] == 2
    assert api.get("inventory/stock-resolver/website/nope").status_code == 404
    links = api.found("inventory/stock-source-links", **search(("stock_id", "eq", "2")))["items"]
    assert [link["source_code"] for link in links] == ["amsterdam", "utrecht"]
    page = api.found("inventory/export-stock-salable-qty/website/base", **search(("sku", "eq", "MUG")))
    assert page["items"] == [{"sku": "MUG", "qty": 10, "is_salable": True}]


def test_a_disabled_source_sells_nothing(api: Api) -> None:
    source = api.rig.box.state.get("source", "utrecht") or {}
    api.rig.box.state.put("source", "utrecht", source | {"enabled": False})
    assert api.rig.stock("MUG") == 6
    with pytest.raises(ShopError):
        api.rig.place({"MUG": 7})


def test_the_priority_algorithm_proposes_sources(api: Api) -> None:
    body = {"inventoryRequest": {"stock_id": 2, "items": [{"sku": "MUG", "qty": 8}]}, "algorithmCode": "priority"}
    answer = api.post("inventory/source-selection-algorithm-result", body).json()
    assert [(each["source_code"], each["qty_to_deduct"]) for each in answer["source_selection_items"]] == [("amsterdam", 6), ("utrecht", 2)]
    assert answer["shippable"] is True


# States


def test_the_state_is_worked_out_anew_at_each_step(api: Api) -> None:
    shop, states = api.rig.shop, []
    order = int(api.rig.place({"MUG": 2, "TEA": 1}, paid=False))
    steps: list[Callable[[], object]] = [
        lambda: None, lambda: api.rig.ship_by_staff(str(order), {"MUG": 1}), lambda: api.rig.pay(str(order)),
        lambda: api.rig.ship_by_staff(str(order)), lambda: shop.refund_all(order),
    ]  # fmt: skip
    for step in steps:
        step()
        states.append((shop.order(order)["state"], shop.order(order)["status"]))
    assert states == [("new", "pending"), ("processing", "processing"), ("processing", "processing"), ("complete", "complete"), ("closed", "closed")]


def test_an_order_of_gift_cards_alone_is_complete_once_it_is_paid(api: Api) -> None:
    order = api.rig.place({"GIFT": 1})
    assert (api.rig._order(order)["state"], api.rig._order(order)["is_virtual"]) == ("complete", 1)
    assert api.rig.snapshot(order)["shop_status"] == "completed"


def test_a_hold_keeps_what_was_before_it(api: Api) -> None:
    order = int(api.rig.place({"MUG": 1}))
    api.rig.shop.comment(order, "x", "packed")
    api.rig.shop.hold(order)
    assert api.rig.shop.order(order)["state"] == "holded"
    api.rig.shop.unhold(order)
    assert (api.rig.shop.order(order)["state"], api.rig.shop.order(order)["status"]) == ("processing", "packed")


@pytest.mark.parametrize("basket", [Basket([]), Basket([("MUG", 0)]), Basket([("MUG", 99)]), Basket([("MUG", 1)], "barter"),
                                    Basket([("MUG", 1)], method="instore_pickup"), Basket([("MUG", 1)], method="drone")])  # fmt: skip
def test_an_order_that_makes_no_sense_is_not_placed(api: Api, basket: Basket) -> None:
    with pytest.raises(ShopError):
        api.rig.shop.place_order(basket)
    assert api.rig.box.state.all("order") == []
    assert api.rig.stock("MUG") == 10


def test_a_discount_is_spread_to_the_cent(api: Api) -> None:
    basket = Basket([("MUG", 3), ("TEA", 1), ("POT", 1)], customer=CUSTOMER, discount=Decimal("10.01"))
    order = api.rig.shop.place_order(basket)
    assert sum(item["discount_amount"] for item in order["items"]) == Decimal("10.01")
    assert order["grand_total"] == 3 * Decimal("12.50") + Decimal("8.95") + 49 + Decimal("4.95") - Decimal("10.01")
    assert order["subtotal"] + order["tax_amount"] + order["discount_tax_compensation_amount"] + order["shipping_amount"] + order["discount_amount"] == order["grand_total"]  # fmt: skip
