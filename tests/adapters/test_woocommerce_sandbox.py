"""The WooCommerce sandbox behaves as a real shop was measured to, on its API and on its pages."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest
import requests

from adapters.woocommerce.auth import Keys
from adapters.woocommerce.sandbox import CONSUMER_KEY, CONSUMER_SECRET
from adapters.woocommerce.sandbox_shop import ShopError
from tests.adapters.woo import Woo, open_woo

OFFSET = 3600
"""Amsterdam in winter, which is what the date tests set."""


@pytest.fixture
def woo() -> Iterator[Woo]:
    with open_woo() as opened:
        yield opened


def code(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def signed(woo: Woo, path: str, secret: str = CONSUMER_SECRET, **changes: Any) -> dict[str, str]:
    """OAuth parameters worked out by hand, independent of our own client."""
    url = f"{woo.box.url}/wp-json/wc/v3/{path}"
    params = {
        "oauth_consumer_key": CONSUMER_KEY, "oauth_timestamp": str(int(time.time())), "oauth_nonce": f"n{time.monotonic_ns()}",
        "oauth_signature_method": "HMAC-SHA256", **changes,
    }  # fmt: skip
    query = "&".join(f"{quote(k, safe='')}={quote(str(v), safe='')}" for k, v in sorted(params.items()))
    base = "&".join(quote(part, safe="") for part in ("GET", url, query))
    digest = hashlib.sha1 if params["oauth_signature_method"] == "HMAC-SHA1" else hashlib.sha256
    made = base64.b64encode(hmac.new(f"{secret}&".encode(), base.encode(), digest).digest()).decode()
    return {**params, "oauth_signature": made}


def ask(woo: Woo, params: dict[str, str], path: str = "orders") -> requests.Response:
    return requests.get(f"{woo.box.url}/wp-json/wc/v3/{path}", params=params, timeout=5)


# Keys


def test_signatures_of_both_kinds_are_accepted(woo: Woo) -> None:
    for method in ("HMAC-SHA256", "HMAC-SHA1"):
        assert ask(woo, signed(woo, "orders", oauth_signature_method=method, search="a b")).status_code == 200


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"oauth_timestamp": "1700000000"}, "Invalid timestamp."),
        ({"oauth_consumer_key": "ck_x"}, "Consumer key is invalid."),
        ({"oauth_signature_method": "PLAINTEXT"}, "Invalid signature - signature method is invalid."),
        ({"secret": "cs_x"}, "Invalid signature - provided signature does not match."),
    ],
)
def test_a_wrong_signature_is_refused_with_the_reason(woo: Woo, changes: dict[str, Any], words: str) -> None:
    answer = ask(woo, signed(woo, "orders", **changes))
    assert (*code(answer), answer.json()["message"]) == (401, "woocommerce_rest_authentication_error", words)


def test_a_nonce_is_good_for_once(woo: Woo) -> None:
    params = signed(woo, "orders")
    assert ask(woo, params).status_code == 200
    assert ask(woo, params).json()["message"] == "Invalid nonce - nonce has already been used."


def test_a_time_a_quarter_of_an_hour_off_is_still_good(woo: Woo) -> None:
    for seconds, status in ((890, 200), (-890, 200), (910, 401), (-910, 401)):
        assert ask(woo, signed(woo, "orders", oauth_timestamp=str(int(time.time()) + seconds))).status_code == status


def test_missing_parts_are_named_and_nobody_is_nobody(woo: Woo) -> None:
    params = signed(woo, "orders")
    del params["oauth_nonce"], params["oauth_timestamp"]
    answer = ask(woo, params)
    assert (*code(answer), answer.json()["message"]) == (
        401, "woocommerce_rest_authentication_missing_parameter", "Missing OAuth parameters oauth_timestamp, oauth_nonce",
    )  # fmt: skip
    assert code(ask(woo, {})) == (401, "woocommerce_rest_cannot_view")
    assert requests.get(f"{woo.box.url}/wp-json/", timeout=5).json()["name"] == "Theehuis"


def test_a_plain_key_is_not_looked_at_without_tls(woo: Woo) -> None:
    params = {"consumer_key": CONSUMER_KEY, "consumer_secret": CONSUMER_SECRET}
    assert code(ask(woo, params)) == (401, "woocommerce_rest_cannot_view")
    answer = requests.get(f"{woo.box.url}/wp-json/wc/v3/orders", auth=(CONSUMER_KEY, CONSUMER_SECRET), timeout=5)
    assert answer.status_code == 401


def test_a_key_for_reading_writes_nothing(woo: Woo) -> None:
    order = woo.place()
    woo.box.state.set_setting("permissions", "read")
    assert code(woo.call("PUT", f"orders/{order}", {"status": "completed"})) == (401, "woocommerce_rest_authentication_error")
    assert woo.order(order)["status"] == "processing"


# Lists


def test_a_page_tells_how_much_there_is_and_one_past_the_end_that_there_is_nothing(woo: Woo) -> None:
    for _ in range(3):
        woo.place({"TEA": 1})
    page = woo.get("orders", per_page=2, page=2)
    assert (page.headers["X-WP-Total"], page.headers["X-WP-TotalPages"], len(page.json())) == ("3", "2", 1)
    assert 'rel="prev"' in page.headers["Link"]
    assert 'rel="next"' in woo.get("orders", per_page=2).headers["Link"]
    past = woo.get("orders", per_page=2, page=9)
    assert (past.status_code, past.json(), past.headers["X-WP-Total"], past.headers["X-WP-TotalPages"]) == (200, [], "0", "0")


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({"per_page": 101}, "per_page"), ({"per_page": 0}, "per_page"), ({"page": "x"}, "page"), ({"orderby": "colour"}, "orderby"),
        ({"status": "teleported"}, "status"), ({"modified_after": "2026-11-22"}, "modified_after"), ({"exclude": "a"}, "exclude"),
        ({"dates_are_gmt": "perhaps"}, "dates_are_gmt"), ({"order": "up"}, "order"),
    ],
)  # fmt: skip
def test_a_wrong_parameter_is_named(woo: Woo, params: dict[str, Any], name: str) -> None:
    woo.place()
    answer = woo.get("orders", **params)
    assert code(answer) == (400, "rest_invalid_param")
    assert name in answer.json()["data"]["params"]
    assert name in answer.json()["data"]["details"]


def test_any_status_has_drafts_of_checkouts_and_leaves_the_bin_out(woo: Woo) -> None:
    order, draft, binned = (woo.place(payment=payment) for payment in ("online", "draft", "online"))
    woo.shop.trash(binned)
    found = {str(each["id"]) for each in woo.get("orders", status="any").json()}
    assert found == {order, draft}
    assert [str(each["id"]) for each in woo.get("orders", status="trash").json()] == [binned]


def test_fields_can_be_chosen_and_links_come_along(woo: Woo) -> None:
    woo.place()
    (shown,) = woo.get("orders", _fields="id,status").json()
    assert set(shown) == {"id", "status", "_links"}


@pytest.mark.parametrize(
    ("text", "in_gmt", "shift"),
    [("{gmt}", "true", 0), ("{gmt}Z", None, 0), ("{gmt}+00:00", None, 0), ("{gmt}Z", "true", OFFSET), ("{gmt}", None, -OFFSET)],
)
def test_the_time_zone_matrix(woo: Woo, text: str, in_gmt: str | None, shift: int) -> None:
    """Which moment `modified_after` really means, and that it is strict to the second."""
    order = woo.place()
    moment = 1_795_316_007
    given = text.format(gmt=datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S"))
    params = {"modified_after": given} | ({"dates_are_gmt": in_gmt} if in_gmt else {})
    for seconds, found in ((0, False), (1, True)):
        woo.box.state.put("order", order, woo.order(order) | {"modified": moment + shift + seconds})
        assert bool(woo.get("orders", **params).json()) is found


# Orders


@pytest.mark.parametrize("taxed", [True, False])
def test_totals_are_sums_and_lines_are_without_tax(taxed: bool) -> None:
    with open_woo() as woo:
        woo.box.state.set_setting("prices_include_tax", taxed)
        shown = woo.get(f"orders/{woo.place({'MUG': 2, 'TEA': 1})}").json()
        parts = [*shown["line_items"], *shown["shipping_lines"]]
        net = sum(Decimal(part["total"]) for part in parts)
        tax = sum(Decimal(part["total_tax"]) for part in parts)
        assert (Decimal(shown["total"]), Decimal(shown["total_tax"])) == (net + tax, tax)
        assert shown["line_items"][0]["total"] == ("20.66" if taxed else "25.00")
        assert {line["rate_percent"] for line in shown["tax_lines"]} == {21, 9}


def test_dates_are_given_in_the_shops_own_time_and_in_gmt(woo: Woo) -> None:
    order = woo.place()
    woo.box.state.put("order", order, woo.order(order) | {"created": 1_795_316_007})
    shown = woo.get(f"orders/{order}").json()
    assert (shown["date_created"], shown["date_created_gmt"]) == ("2026-11-22T03:53:27", "2026-11-22T02:53:27")


def test_an_unknown_order_is_404_to_read_and_400_to_write(woo: Woo) -> None:
    assert code(woo.get("orders/99999")) == (404, "woocommerce_rest_shop_order_invalid_id")
    assert code(woo.call("PUT", "orders/99999", {"status": "completed"})) == (400, "woocommerce_rest_shop_order_invalid_id")
    assert code(woo.get("nowhere")) == (404, "rest_no_route")
    assert code(woo.call("PATCH", "orders", {})) == (404, "rest_no_route")


def test_what_nobody_knows_is_ignored_and_what_is_no_json_is_not(woo: Woo) -> None:
    order = woo.place()
    assert woo.call("PUT", f"orders/{order}", {"colour": "red"}).status_code == 200
    address, headers = Keys.of(woo.connection).prove("PUT", f"{woo.box.url}/wp-json/wc/v3/orders/{order}", {})
    assert code(requests.put(address, headers=headers, data="{", timeout=5)) == (400, "rest_invalid_json")


@pytest.mark.parametrize(
    ("payment", "units"), [("online", 9), ("bank", 9), ("cod", 9), ("unpaid", 10), ("draft", 10)]
)  # fmt: skip
def test_an_order_takes_stock_by_the_status_it_begins_with(woo: Woo, payment: str, units: int) -> None:
    woo.place({"MUG": 1}, payment=payment)
    assert woo.stock("MUG") == units


def test_stock_goes_and_comes_with_the_status_and_never_twice(woo: Woo) -> None:
    order = woo.place({"MUG": 1}, payment="unpaid")
    for status, units in (("processing", 9), ("completed", 9), ("packed", 9), ("on-hold", 9), ("cancelled", 10), ("failed", 10),
                          ("completed", 9), ("pending", 10)):  # fmt: skip
        woo.shop.set_status(order, status)
        assert woo.stock("MUG") == units, status


def test_a_status_of_the_shops_own_neither_takes_stock_nor_pays(woo: Woo) -> None:
    order = woo.place({"MUG": 1}, payment="unpaid")
    woo.shop.set_status(order, "packed")
    assert (woo.stock("MUG"), woo.order(order)["paid"]) == (10, None)


def test_a_variation_that_its_parent_counts_takes_from_its_parent(woo: Woo) -> None:
    woo.place({"SHIRT-L": 2, "SHIRT-M": 1})
    assert (woo.stock("SHIRT"), woo.stock("SHIRT-M")) == (7, 7)
    assert woo.get(f"products/{woo.id('SHIRT')}/variations/{woo.id('SHIRT-L')}").json()["manage_stock"] == "parent"


def test_a_bundle_takes_its_parts(woo: Woo) -> None:
    order = woo.place({"SET": 2})
    assert (woo.stock("MUG"), woo.stock("TEA")) == (8, 38)
    assert [line["total"] for line in woo.get(f"orders/{order}").json()["line_items"]][1:] == ["0.00", "0.00"]


def test_customers_cannot_buy_what_is_not_there_but_the_api_can(woo: Woo) -> None:
    with pytest.raises(ShopError, match="Only 10"):
        woo.place({"MUG": 11})
    answer = woo.call("POST", "orders", {"status": "processing", "line_items": [{"product_id": woo.id("MUG"), "quantity": 11}]})
    assert (answer.status_code, woo.stock("MUG")) == (201, -1)


@pytest.mark.parametrize(("payment", "taken"), [("unpaid", True), ("bank", False)])
def test_set_paid_works_where_the_order_waits_for_payment_only(woo: Woo, payment: str, taken: bool) -> None:
    order = woo.place(payment=payment)
    shown = woo.call("PUT", f"orders/{order}", {"set_paid": True, "transaction_id": "tr_9"}).json()
    assert (shown["date_paid_gmt"] is not None, shown["status"] == "processing") == (taken, taken)


def test_a_batch_with_an_unknown_status_makes_the_order_pending_and_gives_its_stock_back(woo: Woo) -> None:
    order = woo.place({"MUG": 1})
    answer = woo.call("POST", "orders/batch", {"update": [{"id": int(order), "status": "shipped"}, {"id": 99999, "status": "completed"}]})
    assert answer.status_code == 200
    assert [each.get("status") or each["error"]["code"] for each in answer.json()["update"]] == [
        "pending", "woocommerce_rest_shop_order_invalid_id",
    ]  # fmt: skip
    assert woo.stock("MUG") == 10
    assert woo.call("POST", "orders/batch", {"update": [{"id": int(order), "status": "wc-completed"}]}).json()["update"][0]["status"] == "completed"
    assert woo.call("POST", "orders/batch", {"update": [{"id": 1}] * 101}).status_code == 413


def test_the_status_refunded_makes_a_refund_by_itself_and_moves_no_stock(woo: Woo) -> None:
    order = woo.place({"MUG": 1})
    woo.call("PUT", f"orders/{order}", {"status": "refunded"})
    (refund,) = woo.get(f"orders/{order}/refunds").json()
    assert (refund["amount"], refund["refunded_payment"], woo.stock("MUG")) == (woo.order(order)["total"], False, 9)


def test_a_line_changes_with_its_id_is_added_without_and_its_amounts_stay(woo: Woo) -> None:
    order = woo.place({"MUG": 2})
    line = woo.get(f"orders/{order}").json()["line_items"][0]
    shown = woo.call("PUT", f"orders/{order}", {"line_items": [{"id": line["id"], "quantity": 3}, {"sku": "TEA", "quantity": 1}]}).json()
    assert [(each["sku"], each["quantity"], each["total"]) for each in shown["line_items"]] == [("MUG", 3, "20.66"), ("TEA", 1, "8.21")]
    assert woo.stock("MUG") == 7
    gone = woo.call("PUT", f"orders/{order}", {"line_items": [{"id": line["id"], "quantity": 0}]}).json()
    assert [each["sku"] for each in gone["line_items"]] == ["TEA"]
    assert woo.stock("MUG") == 10


def test_an_order_made_over_the_api_takes_what_it_is_given(woo: Woo) -> None:
    lines = [{"sku": "MUG", "quantity": 2}, {"sku": "NOBODY-KNOWS", "quantity": 1}]
    shown = woo.call("POST", "orders", {"set_paid": True, "line_items": lines, "billing": {"first_name": "Ana"}}).json()
    assert [(line["sku"], line["product_id"] > 0) for line in shown["line_items"]] == [("MUG", True), (None, False)]
    assert (shown["status"], shown["billing"]["first_name"]) == ("processing", "Ana")
    assert code(woo.call("POST", "orders", {"line_items": [{"quantity": 1}]})) == (400, "woocommerce_rest_required_product_reference")
    twice = woo.call("POST", "orders", {"set_paid": True, "line_items": lines}).json()
    assert twice["id"] != shown["id"]


def test_a_note_does_not_move_the_date_of_change_and_everything_else_does(woo: Woo) -> None:
    order = woo.place()
    old = woo.order(order)["modified"] - 50

    def moved(method: str, path: str, body: Any) -> bool:
        woo.box.state.put("order", order, woo.order(order) | {"modified": old})
        assert woo.call(method, path, body).status_code in (200, 201)
        return bool(woo.order(order)["modified"] != old)

    assert not moved("POST", f"orders/{order}/notes", {"note": "hello"})
    assert moved("PUT", f"orders/{order}", {"status": "processing"})
    assert moved("PUT", f"orders/{order}", {"meta_data": [{"key": "a", "value": "1"}]})
    assert moved("PUT", f"orders/{order}", {"meta_data": [{"key": "a", "value": "1"}]})
    assert moved("POST", f"orders/{order}/refunds", {"amount": "1.00", "api_refund": False})
    assert [each["key"] for each in woo.order(order)["meta_data"]].count("a") == 1


# Refunds


def test_a_refund_goes_through_the_gateway_unless_told_not_to(woo: Woo) -> None:
    order = woo.place(payment="bank")
    answer = woo.call("POST", f"orders/{order}/refunds", {"amount": "1.00"})
    assert code(answer) == (500, "woocommerce_rest_cannot_create_order_refund")
    assert answer.json()["data"] == 500
    assert woo.call("POST", f"orders/{order}/refunds", {"amount": "1.00", "api_refund": False}).status_code == 201
    too_much = woo.call("POST", f"orders/{order}/refunds", {"amount": "1000.00", "api_refund": False})
    assert (too_much.status_code, too_much.json()["message"]) == (500, "Invalid refund amount.")


def test_a_refund_of_a_line_restocks_it_and_an_unknown_line_is_ignored(woo: Woo) -> None:
    order = woo.place({"MUG": 2})
    line = woo.get(f"orders/{order}").json()["line_items"][0]["id"]
    lines = [{"id": line, "quantity": 1, "refund_total": 10.33, "refund_tax": [{"id": "1", "refund_total": 2.17}]}, {"id": 999, "quantity": 1}]
    shown = woo.call("POST", f"orders/{order}/refunds", {"api_refund": False, "line_items": lines}).json()
    assert (shown["amount"], [each["quantity"] for each in shown["line_items"]]) == ("12.50", [-1])
    assert shown["line_items"][0]["meta_data"][0]["value"] == str(line)
    assert woo.stock("MUG") == 9
    assert [each["amount"] for each in woo.get("refunds").json()] == ["12.50"]


# Products, customers, webhooks


def test_stock_is_ignored_without_a_word_where_it_is_not_counted(woo: Woo) -> None:
    assert woo.call("PUT", f"products/{woo.id('POSTER')}", {"stock_quantity": 5}).json()["stock_quantity"] is None
    path = f"products/{woo.id('SHIRT')}/variations/{woo.id('SHIRT-L')}"
    assert woo.call("PUT", path, {"stock_quantity": 5}).json()["manage_stock"] == "parent"
    assert woo.stock("SHIRT") == 9


@pytest.mark.parametrize(("value", "status", "kept"), [(5, 200, 5), ("6", 200, 6), (None, 200, 0), (-3, 200, -3), (2.5, 400, 10)])
def test_a_stock_number_is_whole(woo: Woo, value: Any, status: int, kept: int) -> None:
    answer = woo.call("PUT", f"products/{woo.id('MUG')}", {"stock_quantity": value})
    assert (answer.status_code, woo.stock("MUG")) == (status, kept)


def test_many_products_at_once_change_by_number_or_difference_and_failures_say_so(woo: Woo) -> None:
    update = [{"id": woo.id("MUG"), "inventory_delta": -2}, {"id": 99999, "stock_quantity": 1}, {"id": woo.id("TEA"), "stock_quantity": 7}]
    answer = woo.call("POST", "products/batch", {"update": update})
    assert [each.get("stock_quantity") or each["error"]["data"]["status"] for each in answer.json()["update"]] == [8, 400, 7]


def test_variations_are_found_by_sku_and_changed_at_their_own_address(woo: Woo) -> None:
    found = woo.get("products", sku="MUG,SHIRT-M").json()
    assert sorted((each["sku"], each["type"]) for each in found) == [("MUG", "simple"), ("SHIRT-M", "variation")]
    assert code(woo.call("PUT", f"products/{woo.id('SHIRT-M')}", {"stock_quantity": 1})) == (404, "woocommerce_rest_invalid_product_id")


def test_a_sku_belongs_to_one_article(woo: Woo) -> None:
    answer = woo.call("PUT", f"products/{woo.id('MUG')}", {"sku": "SHIRT-M"})
    assert code(answer) == (400, "product_invalid_sku")
    assert answer.json()["data"]["resource_id"] == woo.id("SHIRT-M")


def test_customers_are_found_by_their_whole_address_whatever_its_case(woo: Woo) -> None:
    woo.place()
    assert [each["email"] for each in woo.get("customers", email="SANNE@example.org").json()] == ["sanne@example.org"]
    assert woo.get("customers", email="anne@example.org").json() == []
    assert code(woo.get("customers", email="no address")) == (400, "rest_invalid_param")


def test_a_webhook_needs_a_topic_that_exists_and_is_deleted_for_good_or_not_at_all(woo: Woo) -> None:
    made = woo.call("POST", "webhooks", {"topic": "order.updated", "delivery_url": "https://hooks.example/x", "secret": "s"}).json()
    assert "secret" not in made
    assert code(woo.call("POST", "webhooks", {"topic": "order.shipped", "delivery_url": "https://h.example"})) == (
        400, "woocommerce_rest_shop_webhook_invalid_topic",
    )  # fmt: skip
    assert woo.call("DELETE", f"webhooks/{made['id']}").status_code == 501
    assert woo.call("DELETE", f"webhooks/{made['id']}", force="true").status_code == 200
    assert woo.get("webhooks").json() == []


# Pages


@pytest.mark.parametrize("page", ["/", "/admin/orders", "/admin/products", "/admin/orders/{order}"])
def test_every_page_has_one_heading_a_label_for_each_field_and_no_foreign_address(woo: Woo, page: str) -> None:
    order = woo.place()
    woo.tell(order, tracking={"number": "3S1"}, shop_status="shipped")
    answer = requests.get(f"{woo.box.url}{page.format(order=order)}", timeout=5)
    assert answer.status_code == 200
    assert answer.text.count("<h1") == 1
    assert "https://" not in answer.text
    fields = re.findall(r"<(?:input|select|textarea)(?![^>]*hidden)[^>]*\bid=\"([^\"]+)\"", answer.text)
    assert all(f'for="{field}"' in answer.text for field in fields)
    assert len(re.findall(r"<(?:input|select|textarea)(?![^>]*type=\"hidden\")", answer.text)) == len(fields)


def press(woo: Woo, path: str, **form: str) -> requests.Response:
    return requests.post(f"{woo.box.url}{path}", data=form, timeout=5)


def test_a_customer_orders_and_staff_do_everything_on_pages_without_script(woo: Woo) -> None:
    page = press(woo, "/orders", **{
        f"quantity:{woo.id('MUG')}": "2", f"quantity:{woo.id('TEA')}": "1", "shipping_method": "blocks", "payment": "unpaid",
        "discount": "5,00", "name": "Ana <b>Voorbeeld</b>", "email": "ana@example.org",
    })  # fmt: skip
    assert "&lt;b&gt;" in page.text
    assert "28.95 EUR" in page.text
    order = page.url.rpartition("/")[2]
    base = f"/admin/orders/{order}"
    press(woo, f"{base}/pay")
    assert woo.order(order)["status"] == "processing"
    line = woo.order(order)["line_items"][0]["id"]
    press(woo, f"{base}/line", line=str(line), quantity="1")
    assert woo.stock("MUG") == 9
    press(woo, f"{base}/note", note="Ligt klaar", customer="1")
    assert woo.notes(order) == [("Ligt klaar", True)]
    press(woo, f"{base}/refund", amount="1.00", reason="kras")
    press(woo, f"{base}/refund", amount="")
    assert woo.order(order)["status"] == "refunded"
    press(woo, f"{base}/bin", what="trash")
    press(woo, f"{base}/bin", what="restore")
    press(woo, f"{base}/status", status="cancelled")
    assert woo.order(order)["status"] == "cancelled"
    assert press(woo, f"{base}/bin", what="delete").url.endswith("/admin/orders")
    assert woo.box.state.get("order", order) is None


def test_stock_and_sku_are_changed_by_hand(woo: Woo) -> None:
    id = woo.id("MUG")
    press(woo, f"/admin/products/{id}", sku="MUG-2", quantity="3", counted="1")
    assert woo.stock("MUG-2") == 3
    press(woo, f"/admin/products/{id}", sku="MUG-2", quantity="3")
    assert woo.shop.product(id)["manage_stock"] is False


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/orders", {}),
        ("/orders", {"quantity:45": "many", "shipping_method": "post", "payment": "online"}),
        ("/orders", {"quantity:../x": "1", "shipping_method": "post", "payment": "online"}),
        ("/orders", {"quantity:99999": "1", "shipping_method": "post", "payment": "online"}),
        ("/orders", {"quantity:45": "1", "shipping_method": "pigeon", "payment": "online"}),
        ("/orders", {"quantity:45": "1", "shipping_method": "post", "payment": "shells"}),
        ("/orders", {"quantity:45": "1", "shipping_method": "post", "payment": "online", "discount": "a lot"}),
        ("/admin/orders/{order}/status", {"status": "teleported"}),
        ("/admin/orders/{order}/line", {"line": "x"}),
        ("/admin/orders/{order}/note", {"note": " "}),
        ("/admin/orders/{order}/refund", {"amount": "1000"}),
        ("/admin/orders/99999/pay", {}),
        ("/admin/products/45", {"sku": "", "quantity": "1", "counted": "1"}),
        ("/admin/products/45", {"sku": "MUG", "counted": "1"}),
    ],
)
def test_what_cannot_be_done_on_a_page_is_said_and_never_a_crash(woo: Woo, path: str, form: dict[str, str]) -> None:
    order = woo.place()
    answer = press(woo, path.format(order=order), **form)
    assert 400 <= answer.status_code < 500
    assert 'role="alert"' in answer.text
