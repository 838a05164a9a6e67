"""Calls to a WooCommerce shop prove their key the way the shop wants it, and understand what it answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import requests
import woocommerce
from werkzeug.serving import make_server, make_ssl_devcert

from adapters.base import Refused, RetryLater, Throttled, Unauthorised
from adapters.sandbox import SandboxState
from adapters.woocommerce.auth import Keys
from adapters.woocommerce.client import Client
from adapters.woocommerce.sandbox import CONSUMER_KEY, CONSUMER_SECRET, create_app, seed
from tests.adapters.woo import METHODS, PRODUCTS, Woo, open_woo


@pytest.fixture
def woo() -> Iterator[Woo]:
    with open_woo() as opened:
        yield opened


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, SandboxState]]:
    """The sandbox over TLS: its address, its certificate, its state."""
    pair = make_ssl_devcert(str(tmp_path_factory.mktemp("tls") / "key"), host="localhost")
    state = SandboxState()
    seed(state, PRODUCTS, METHODS, store_name="Theehuis")
    server = make_server("127.0.0.1", 0, create_app(state), threaded=True, ssl_context=pair)
    thread = threading.Thread(target=lambda: server.serve_forever(0.05), daemon=True)
    thread.start()
    yield f"https://localhost:{server.server_port}", pair[0], state
    server.shutdown()
    thread.join(5)
    server.server_close()


def over_tls(woo: Woo, tls: tuple[str, str, SandboxState], **settings: Any) -> Client:
    url, certificate, _ = tls
    woo.http.verify = certificate
    return Client(replace(woo.connection, base_url=url, settings=settings), woo.http)


# Keys


@pytest.mark.parametrize("authentication", ["header", "query", "signed"])
def test_over_plain_http_every_call_is_signed_and_the_secret_stays_here(woo: Woo, authentication: str) -> None:
    woo.settings["authentication"] = authentication
    address, headers = Keys.of(woo.connection).prove("GET", f"{woo.box.url}/wp-json/wc/v3/orders", {"search": "a b+c&d='é%"})
    assert CONSUMER_SECRET not in address + str(headers)
    assert ("oauth_signature" in address) is (authentication == "query")
    assert woo.client.orders(search="a b+c&d='é%", status="any").items == []


@pytest.mark.parametrize("authentication", ["header", "query"])
def test_over_tls_the_key_is_sent_as_it_is_in_a_header_or_in_the_query(
    woo: Woo, tls: tuple[str, str, SandboxState], authentication: str
) -> None:
    client = over_tls(woo, tls, authentication=authentication)
    assert client.index()["name"] == "Theehuis"
    assert len(client.products(per_page=100).items) == 6
    address, headers = client._keys.prove("GET", "https://shop.example/wp-json/", {})
    assert ("consumer_secret" in address, "Authorization" in headers) == (authentication == "query", authentication == "header")


def test_a_key_that_the_shop_does_not_see_is_answered_with_what_may_be_in_its_way(woo: Woo, tls: tuple[str, str, SandboxState]) -> None:
    client = over_tls(woo, tls)
    client._keys = Keys("ck_unseen", CONSUMER_SECRET, "header")
    with pytest.raises(Unauthorised, match="set authentication to query"):
        client.orders()


def test_plain_permalinks_have_the_api_in_the_query(woo: Woo) -> None:
    woo.settings["plain_permalinks"] = True
    order = woo.place()
    for authentication in ("header", "query"):
        woo.settings["authentication"] = authentication
        assert woo.client.order(order)["number"] == order
        assert woo.client.update_order(order, {"customer_note": "x y"})["customer_note"] == "x y"


def test_a_signature_out_of_time_is_made_again_by_the_shops_clock(woo: Woo) -> None:
    for seconds in (7200, -7200):
        woo.box.sandbox.faults.clear()
        woo.fault("clock_skew", seconds=seconds)
        woo.box.state.clear_requests()
        client = woo.client
        assert client.orders().items == []
        assert client.orders().items == []
        assert [call.status for call in woo.box.state.requests()] == [401, 200, 200]


@pytest.mark.parametrize(
    ("credentials", "words"),
    [({}, "lacks consumer_key and consumer_secret"), ({"consumer_secret": ""}, "lacks"), ({"consumer_key": "ck_\nx"}, "copy it again")],
)
def test_a_key_that_cannot_be_one_is_named_before_any_call(woo: Woo, credentials: dict[str, str], words: str) -> None:
    woo.credentials = {**woo.credentials, **credentials} if credentials else {}
    with pytest.raises(Unauthorised, match=words):
        woo.do("check")
    assert woo.box.state.requests() == []


def test_the_check_says_what_the_key_may_not_do_and_where_to_change_that(woo: Woo) -> None:
    woo.box.state.set_setting("permissions", "read")
    with pytest.raises(Unauthorised, match=r"may not write.*Read/Write.*REST API"):
        woo.do("check")
    woo.box.state.set_setting("permissions", "write")
    with pytest.raises(Unauthorised, match="may not read orders"):
        woo.do("check")
    woo.box.state.set_setting("permissions", "read_write")
    woo.box.state.set_setting("user_role", "customer")
    with pytest.raises(Unauthorised, match="shop manager"):
        woo.do("check")
    woo.box.state.set_setting("user_role", "shop_manager")
    assert "Theehuis" in woo.do("check").summary


def test_the_check_writes_nothing(woo: Woo) -> None:
    woo.do("check")
    assert woo.writes() == ["POST /wp-json/wc/v3/orders/batch"]
    assert woo.box.state.counters() == {}


# Answers


def test_web_pages_of_firewalls_and_hosts_mean_later_and_never_that_the_key_is_wrong(woo: Woo) -> None:
    woo.box.sandbox.set_switch("firewall", True)
    with pytest.raises(RetryLater, match="firewall"):
        woo.do("check")
    woo.box.sandbox.set_switch("firewall", False)
    woo.box.sandbox.set_switch("maintenance", True)
    with pytest.raises(RetryLater, match="503"):
        woo.do("check")


def test_a_host_with_a_limit_is_given_the_time_it_asks_for(woo: Woo) -> None:
    woo.fault("429", seconds=30)
    with pytest.raises(Throttled) as caught:
        woo.do("read_orders")
    assert caught.value.until is not None


def test_an_address_without_the_api_is_refused_with_what_to_look_at(woo: Woo) -> None:
    with pytest.raises(Refused, match="permalinks"):
        Client(replace(woo.connection, base_url=f"{woo.box.url}/shop"), woo.http).orders()
    woo.settings["tracking"] = "extension"
    with pytest.raises(Refused, match="Shipment Tracking"):
        woo.do("check")


def test_what_is_wrong_with_a_parameter_is_said_in_the_shops_own_words(woo: Woo) -> None:
    order = woo.place()
    with pytest.raises(Refused, match="status is not one of auto-draft, pending"):
        woo.client.update_order(order, {"status": "teleported"})


def test_an_id_that_is_none_reaches_no_address(woo: Woo) -> None:
    for id in ("../users", "7Q2XK", "", "0", "1/2", "1?x=1"):
        with pytest.raises(Refused, match="whole numbers"):
            woo.client.order(id)
    assert woo.box.state.requests() == []


def test_no_error_shows_the_key(woo: Woo) -> None:
    woo.credentials = {**woo.credentials, "consumer_secret": "cs_very-secret"}
    for authentication in ("header", "query"):
        woo.settings["authentication"] = authentication
        with pytest.raises(Unauthorised) as caught:
            woo.do("check")
        said = caught.value.message + caught.value.detail
        assert "very-secret" not in said
        assert CONSUMER_KEY not in said


# The vendor's own client


@pytest.fixture
def official(woo: Woo) -> woocommerce.API:
    return woocommerce.API(woo.box.url, CONSUMER_KEY, CONSUMER_SECRET)


def test_the_vendors_own_client_works_over_plain_http(woo: Woo, official: woocommerce.API) -> None:
    order = int(woo.place())
    listed = official.get("orders", params={"status": "processing", "per_page": 5, "search": "sanne@example.org"})
    assert (listed.status_code, listed.headers["X-WP-Total"], listed.json()[0]["id"]) == (200, "1", order)
    assert official.put(f"orders/{order}", {"status": "completed"}).json()["status"] == "completed"
    assert official.post(f"orders/{order}/notes", {"note": "Dag €"}).status_code == 201
    hook = official.post("webhooks", {"topic": "order.updated", "delivery_url": "https://hooks.example/x"}).json()["id"]
    assert official.delete(f"webhooks/{hook}", params={"force": True}).status_code == 200
    assert official.delete(f"orders/{order}").json()["status"] == "trash"


def test_the_vendors_own_client_works_over_tls_with_the_key_in_header_or_query(tls: tuple[str, str, SandboxState]) -> None:
    url, certificate, _ = tls
    for in_query in (False, True):
        client = woocommerce.API(url, CONSUMER_KEY, CONSUMER_SECRET, query_string_auth=in_query, verify_ssl=certificate)
        assert client.get("products", params={"sku": "MUG"}).json()[0]["stock_quantity"] == 10
        wrong = woocommerce.API(url, CONSUMER_KEY, "cs_x", query_string_auth=in_query, verify_ssl=certificate)
        answer = wrong.get("products")
        assert (answer.status_code, answer.json()["code"]) == (401, "woocommerce_rest_authentication_error")


def test_the_vendors_own_client_is_refused_with_a_wrong_secret(woo: Woo) -> None:
    answer = woocommerce.API(woo.box.url, CONSUMER_KEY, "cs_x").get("orders")
    assert (answer.status_code, answer.json()["message"]) == (401, "Invalid signature - provided signature does not match.")


def test_a_tls_shop_behind_a_proxy_that_does_not_say_so_sees_no_key_but_a_signature(woo: Woo) -> None:
    """So it was measured: without the proxy's word WordPress does not look at Basic at all."""
    told = {"X-Forwarded-Proto": "https"}
    url = f"{woo.box.url}/wp-json/wc/v3/orders"
    ask = lambda: requests.get(url, auth=(CONSUMER_KEY, CONSUMER_SECRET), headers=told, timeout=5)  # noqa: E731
    assert ask().status_code == 200
    woo.box.sandbox.set_switch("proxy_tells_tls", False)
    assert (ask().status_code, ask().json()["code"]) == (401, "woocommerce_rest_cannot_view")
    address, headers = Keys(CONSUMER_KEY, CONSUMER_SECRET, "signed").prove("GET", url.replace("http:", "https:"), {"search": "a b"})
    assert address.startswith("https:")
    assert requests.get(address.replace("https:", "http:"), headers={**headers, **told}, timeout=5).status_code == 200
