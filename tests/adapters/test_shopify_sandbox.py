"""The Shopify sandbox behaves like the real API: GraphQL is parsed, validated, priced and executed, and the vendor's own
client library works against it unchanged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import shopify

from adapters.sandbox import SandboxState, running
from adapters.shopify.sandbox import CLIENT_ID, TOKEN, create_app
from adapters.shopify.sandbox_search import matches, terms
from adapters.shopify.sandbox_shop import ShopError
from tests.adapters.rigs.base import ARTICLES, OUTLETS
from tests.adapters.rigs.shopify import ShopifyRig

SECRET = "sandbox-secret"


@pytest.fixture
def shop() -> Iterator[ShopifyRig]:
    with ShopifyRig.open() as rig:
        yield rig


def post(rig: ShopifyRig, query: str, *, token: str = TOKEN, version: str = "2026-07", **variables: Any) -> requests.Response:
    return rig.http.post(
        f"{rig.box.url}/admin/api/{version}/graphql.json", json={"query": query, "variables": variables},
        headers={"X-Shopify-Access-Token": token}, timeout=5,
    )  # fmt: skip


def ask(rig: ShopifyRig, query: str, **options: Any) -> dict[str, Any]:
    answer = post(rig, query, **options)
    assert answer.status_code == 200
    return dict(answer.json())


def code(answer: dict[str, Any]) -> str:
    return str(answer["errors"][0].get("extensions", {}).get("code"))


# The vendor's own library


@pytest.fixture
def library(shop: ShopifyRig) -> Iterator[ShopifyRig]:
    """ShopifyAPI with a session on the sandbox. The library puts a shop's name before the domain it is told, so that
    `127` before `0.0.1` is the address of this machine."""
    shopify.Session.setup(protocol="http", myshopify_domain="0.0.1", port=shop.box.port, api_key=CLIENT_ID, secret=SECRET)
    with shopify.Session.temp("127", "2026-07", TOKEN):
        yield shop
    shopify.Session.setup(protocol="https", myshopify_domain="myshopify.com", port=None)


def execute(query: str, **variables: Any) -> dict[str, Any]:
    return dict(json.loads(shopify.GraphQL().execute(query, variables)))


def test_the_official_library_reads_and_ships_an_order(library: ShopifyRig) -> None:
    order = library.place({"MUG": 2})
    found = execute("""query($id: ID!) { order(id: $id) { name displayFulfillmentStatus
        fulfillmentOrders(first: 5) { edges { node { id lineItems(first: 5) { edges { node { id remainingQuantity } } } } } } } }""",
        id=f"gid://shopify/Order/{order}")["data"]["order"]  # fmt: skip
    assert (found["name"], found["displayFulfillmentStatus"]) == ("#1001", "UNFULFILLED")
    part = found["fulfillmentOrders"]["edges"][0]["node"]
    wanted = {"lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": part["id"]}], "trackingInfo": {"company": "DHL", "number": "JD01"}}
    done = execute("""mutation($f: FulfillmentInput!) { fulfillmentCreate(fulfillment: $f) {
        fulfillment { status trackingInfo { number company url } } userErrors { field message } } }""", f=wanted)  # fmt: skip
    assert done["data"]["fulfillmentCreate"] == {
        "fulfillment": {"status": "SUCCESS", "trackingInfo": [{"number": "JD01", "company": "DHL", "url": None}]}, "userErrors": [],
    }  # fmt: skip
    assert (library.shop_status(order), library.tracking(order)) == ("completed", {"JD01"})


def test_the_official_library_pages_through_orders_and_chooses_an_operation(library: ShopifyRig) -> None:
    orders = {library.place({"TEA": 1}) for _ in range(5)}
    text = """query Page($after: String) { orders(first: 2, after: $after, sortKey: CREATED_AT) { edges { cursor node { legacyResourceId } }
        pageInfo { hasNextPage endCursor } } } query Other { shop { name } }"""  # fmt: skip
    found, after = set(), None
    while True:
        page = json.loads(shopify.GraphQL().execute(text, {"after": after}, "Page"))["data"]["orders"]
        found |= {edge["node"]["legacyResourceId"] for edge in page["edges"]}
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert found == orders


# Tokens, versions, scopes


def test_only_a_token_opens_the_api(shop: ShopifyRig) -> None:
    answer = post(shop, "{ shop { name } }", token="shpat_other")
    assert (answer.status_code, answer.json()) == (
        401, {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"},
    )  # fmt: skip


def test_tokens_are_bought_with_client_credentials(shop: ShopifyRig) -> None:
    url = f"{shop.box.url}/admin/oauth/access_token"
    body = {"client_id": CLIENT_ID, "client_secret": SECRET, "grant_type": "client_credentials"}
    for how in ("json", "data"):
        answer = shop.http.post(url, timeout=5, **{how: body}).json()
        assert (answer["expires_in"], "write_orders" in answer["scope"]) == (86399, True)
        assert ask(shop, "{ shop { name } }", token=answer["access_token"])["data"]["shop"]["name"] == "Sandbox shop"
    shop.box.state.set_setting("scopes", ["read_products"])
    assert "errors" not in ask(shop, "{ locations(first: 1) { nodes { id } } }", token=answer["access_token"])
    narrow = shop.http.post(url, json=body, timeout=5).json()
    assert (narrow["scope"], code(ask(shop, "{ locations(first: 1) { nodes { id } } }", token=narrow["access_token"]))) == ("read_products", "ACCESS_DENIED")
    for change in ({"client_id": "x"}, {"client_secret": "x"}, {"grant_type": "password"}):
        assert shop.http.post(url, json=body | change, timeout=5).status_code == 400


@pytest.mark.parametrize(("asked", "status", "served"), [
    ("2026-07", 200, "2026-07"), ("2024-10", 200, "2026-01"), ("unstable", 200, "2026-10"), ("2031-01", 404, None), ("latest", 404, None),
])  # fmt: skip
def test_unsupported_versions_fall_forward_and_unknown_ones_do_not_exist(shop: ShopifyRig, asked: str, status: int, served: str | None) -> None:
    answer = post(shop, "{ publicApiVersions { handle supported } }", version=asked)
    assert (answer.status_code, answer.headers.get("X-Shopify-API-Version")) == (status, served)


def test_a_missing_scope_denies_a_field_and_shortens_the_list_of_fulfilment_orders(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 1})
    shop.box.state.set_setting("scopes", ["read_orders"])
    answer = ask(shop, "query($id: ID!) { order(id: $id) { fulfillmentOrders(first: 5) { nodes { id } } } }", id=f"gid://shopify/Order/{order}")
    assert answer["data"]["order"]["fulfillmentOrders"]["nodes"] == []
    for query in ("{ customers(first: 1) { nodes { id } } }", "{ locations(first: 1) { nodes { id } } }", "{ products(first: 1) { nodes { id } } }"):
        assert code(ask(shop, query)) == "ACCESS_DENIED"
    answer = ask(shop, 'mutation { orderMarkAsPaid(input: {id: "gid://shopify/Order/1"}) { userErrors { message } } }')
    assert code(answer) == "ACCESS_DENIED"


# GraphQL itself


@pytest.mark.parametrize("query", [
    "{ shop { nome } }", "{ shop", "", "{ orders { nodes { id } } }", "{ orders(first: 999) { nodes { id } } }", "query { order { id } }",
    '{ orders(first: 1, after: "nonsense") { nodes { id } } }', '{ order(id: "6123450001") { id } }', "query A { shop { name } } query B { shop { name } }",
    "mutation { fulfillmentOrderMove(id: 5) { userErrors { message } } }", "{" * 3000, 'query($id: ID!) { order(id: $id) { id } }',
])  # fmt: skip
def test_a_query_that_is_wrong_is_answered_with_errors(shop: ShopifyRig, query: str) -> None:
    assert ask(shop, query)["errors"][0]["message"]


@pytest.mark.parametrize("body", [b"", b"[]", b"5", b"{", b'{"query": "{ shop { name } }", "variables": []}', b'{"query": "{ shop { name } }", "variables": 5}'])
def test_a_body_that_is_no_request_is_a_bad_request_or_an_error(shop: ShopifyRig, body: bytes) -> None:
    headers = {"X-Shopify-Access-Token": TOKEN, "Content-Type": "application/json"}
    answer = shop.http.post(f"{shop.box.url}/admin/api/2026-07/graphql.json", data=body, headers=headers, timeout=5)
    assert answer.status_code in (200, 400)
    assert answer.json().get("errors") or answer.json()["data"]


def test_anything_is_found_by_its_global_id(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 1})
    part = shop.shop.order(int(order))["fulfilment_orders"][0]["id"]
    ids = [f"gid://shopify/Order/{order}", f"gid://shopify/FulfillmentOrder/{part}", "gid://shopify/Location/101", "gid://shopify/ProductVariant/4401",
           "gid://shopify/InventoryItem/5501", "gid://shopify/Product/501", "gid://shopify/Customer/7001", "gid://shopify/Nothing/1", "x"]  # fmt: skip
    found = ask(shop, "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }", ids=ids)["data"]["nodes"]
    assert [each and each["id"] for each in found] == [*ids[:7], None, None]


# Points


def test_every_answer_tells_its_cost_and_the_difference_is_given_back(shop: ShopifyRig) -> None:
    shop.place({"MUG": 1})
    cost = ask(shop, "{ orders(first: 50) { nodes { id lineItems(first: 50) { nodes { id } } } } }")["extensions"]["cost"]
    assert cost["requestedQueryCost"] > cost["actualQueryCost"] > 0
    assert cost["throttleStatus"]["maximumAvailable"] == 1_000_000


def test_points_that_are_spent_throttle_with_status_200(shop: ShopifyRig) -> None:
    state = SandboxState()
    ShopifyRig.seed(state, ARTICLES, OUTLETS)
    with running(create_app(state, cost_bucket=20, restore_rate=0.01)) as box, requests.Session() as http:
        rig = ShopifyRig(box, shop.memory, http)
        answers = [ask(rig, "{ locations(first: 4) { nodes { id } } }") for _ in range(12)]
        assert code(answers[-1]) == "THROTTLED"
        assert "data" not in answers[-1]
        assert answers[-1]["extensions"]["cost"]["actualQueryCost"] is None


def test_a_query_beyond_1000_points_is_refused(shop: ShopifyRig) -> None:
    shop.box.sandbox.set_switch("linear_costs", True)
    answer = ask(shop, "{ orders(first: 50) { nodes { lineItems(first: 50) { nodes { id } } } } }")
    assert code(answer) == "MAX_COST_EXCEEDED"


# Idempotency and compare-and-set


SET = """mutation($q: [InventoryQuantityInput!]!%s) { inventorySetQuantities(input: {name: "available", reason: "correction", quantities: $q}) %s {
    inventoryAdjustmentGroup { id changes { name delta quantityAfterChange } } userErrors { code field message } } }"""
KEYED = SET % (", $key: String!", "@idempotent(key: $key)")


def quantity(units: int, **more: Any) -> list[dict[str, Any]]:
    return [{"inventoryItemId": "gid://shopify/InventoryItem/5501", "locationId": "gid://shopify/Location/101", "quantity": units, **more}]


def stock_code(answer: dict[str, Any]) -> str:
    return str(answer["data"]["inventorySetQuantities"]["userErrors"][0]["code"])


def test_stock_needs_a_key_and_what_it_changes_from(shop: ShopifyRig) -> None:
    assert code(ask(shop, SET % ("", ""), q=quantity(9, changeFromQuantity=6))) == "BAD_REQUEST"
    assert code(ask(shop, KEYED, q=quantity(9), key="a")) == "INVALID_FIELD_ARGUMENTS"
    assert not ask(shop, SET % ("", ""), version="2026-01", q=quantity(9))["data"]["inventorySetQuantities"]["userErrors"]
    assert shop.stock("MUG", "amsterdam") == 9


def test_the_same_key_changes_stock_once_and_answers_the_same(shop: ShopifyRig) -> None:
    first, again = (ask(shop, KEYED, q=quantity(9, changeFromQuantity=6), key="a")["data"] for _ in range(2))
    assert first == again
    assert first["inventorySetQuantities"]["inventoryAdjustmentGroup"]["changes"][0] == {"name": "available", "delta": 3, "quantityAfterChange": 9}
    assert stock_code(ask(shop, KEYED, q=quantity(8, changeFromQuantity=9), key="a")) == "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"


def test_a_stale_number_is_refused_and_its_key_is_spent(shop: ShopifyRig) -> None:
    answer = ask(shop, KEYED, q=quantity(9, changeFromQuantity=5), key="a")["data"]["inventorySetQuantities"]
    assert answer["userErrors"][0]["code"] == "CHANGE_FROM_QUANTITY_STALE"
    assert stock_code(ask(shop, KEYED, q=quantity(9, changeFromQuantity=5), key="a")) == "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"
    assert not ask(shop, KEYED, q=quantity(9, changeFromQuantity=None), key="b")["data"]["inventorySetQuantities"]["userErrors"]


@pytest.mark.parametrize(("change", "wanted"), [
    ({"locationId": "gid://shopify/Location/9"}, "INVALID_LOCATION"), ({"inventoryItemId": "gid://shopify/InventoryItem/9"}, "INVALID_INVENTORY_ITEM"),
    ({"quantity": -1}, "INVALID_QUANTITY_NEGATIVE"), ({"quantity": 2_000_000_000}, "INVALID_QUANTITY_TOO_HIGH"),
    ({"inventoryItemId": "gid://shopify/InventoryItem/5504"}, "ITEM_NOT_STOCKED_AT_LOCATION"),
])  # fmt: skip
def test_stock_that_makes_no_sense_is_refused_by_code(shop: ShopifyRig, change: dict[str, Any], wanted: str) -> None:
    row = quantity(1, changeFromQuantity=None)[0] | change
    assert ask(shop, KEYED, q=[row], key="a")["data"]["inventorySetQuantities"]["userErrors"][0]["code"] == wanted


# Fulfilment orders


def test_fulfilment_orders_of_two_locations_or_methods_are_not_sent_together(shop: ShopifyRig) -> None:
    shop.box.sandbox.set_switch("fulfils_gift_cards", False)
    order = shop.shop.order(int(shop.place({"MUG": 8, "GIFT": 1})))
    places = {part["location"]: part["id"] for part in order["fulfilment_orders"]}
    with pytest.raises(ShopError, match="assigned to a single location"):
        shop.shop.fulfil([(number, None) for number in places.values()], None, notify=False)
    first = [part["id"] for part in order["fulfilment_orders"] if part["location"] == 101]
    assert len(first) == 2
    with pytest.raises(ShopError, match="same delivery method type"):
        shop.shop.fulfil([(number, None) for number in first], None, notify=False)


def test_a_move_fails_for_what_was_begun_closed_or_is_not_stocked_there(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 1})
    part = shop.shop.order(int(order))["fulfilment_orders"][0]["id"]
    shop.shop.report_progress(part)
    with pytest.raises(ShopError) as caught:
        shop.shop.move(part, 102)
    assert caught.value.code == "CANNOT_MOVE_FULFILLMENT_ORDER_WITH_REPORTED_PROGRESS"
    shop.shop.reopen(part)
    shop.box.state.delete("level", "5501:102")
    with pytest.raises(ShopError, match="not stocked"):
        shop.shop.move(part, 102)
    shop.ship_by_staff(order)
    with pytest.raises(ShopError, match="closed"):
        shop.shop.move(part, 102)


def test_a_move_to_a_location_that_has_a_part_already_makes_both_anew(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 8})
    one, two = shop.shop.order(int(order))["fulfilment_orders"]
    _, moved = shop.shop.move(one["id"], 102, [(one["lines"][0]["id"], 2)])
    assert moved["id"] not in (one["id"], two["id"])
    assert shop.assigned(order) == {"amsterdam": {"MUG": 4}, "utrecht": {"MUG": 4}}
    shown = ask(shop, "query($id: ID!) { order(id: $id) { all: fulfillmentOrders(first: 9) { nodes { id } } shown: fulfillmentOrders(first: 9, displayable: true) { nodes { id } } } }",
                id=f"gid://shopify/Order/{order}")["data"]["order"]  # fmt: skip
    assert (len(shown["all"]["nodes"]), len(shown["shown"]["nodes"])) == (3, 2)


def test_an_app_may_hold_ten_times_and_each_handle_once(shop: ShopifyRig) -> None:
    part = shop.shop.order(int(shop.place({"MUG": 1})))["fulfilment_orders"][0]["id"]
    for number in range(10):
        shop.shop.hold(part, reason="OTHER", notes=None, handle=f"h{number}")
    for handle, expected in (("h1", "DUPLICATE_FULFILLMENT_HOLD_HANDLE"), ("h11", "FULFILLMENT_ORDER_HOLD_LIMIT_REACHED")):
        with pytest.raises(ShopError) as caught:
            shop.shop.hold(part, reason="OTHER", notes=None, handle=handle)
        assert caught.value.code == expected
    shop.shop.release(part, None)
    assert shop.shop.part_of(part)[1]["holds"] == []


def test_a_shipment_that_is_undone_is_to_be_sent_again(shop: ShopifyRig) -> None:
    order = shop.place({"MUG": 2})
    shop.ship_by_staff(order)
    number = shop.shop.order(int(order))["fulfilments"][0]["id"]
    done = ask(shop, "mutation($id: ID!) { fulfillmentCancel(id: $id) { fulfillment { status } userErrors { message } } }", id=f"gid://shopify/Fulfillment/{number}")
    assert done["data"]["fulfillmentCancel"]["fulfillment"]["status"] == "CANCELLED"
    assert (shop.shop_status(order), shop.assigned(order)) == ("awaiting_processing", {"amsterdam": {"MUG": 2}})


def test_stock_follows_an_order_from_available_to_committed_to_gone(shop: ShopifyRig) -> None:
    def level() -> tuple[int, int]:
        found = shop.shop.level(5501, 101)
        assert found is not None
        return found["available"], found["committed"]

    order = shop.place({"MUG": 2})
    assert level() == (4, 2)
    shop.ship_by_staff(order)
    assert level() == (4, 0)
    other = shop.place({"MUG": 2})
    shop.cancel(other)
    assert level() == (4, 0)


def test_nothing_is_sold_that_is_not_there(shop: ShopifyRig) -> None:
    with pytest.raises(ShopError, match="Only 10 of MUG"):
        shop.place({"MUG": 11})
    assert shop.shop.index() == {}


# Search


@pytest.mark.parametrize(("query", "found"), [
    ("updated_at:>='2026-11-02T09:00:00Z'", True), ("updated_at:>'2026-11-02T09:00:00Z'", False), ("updated_at:<2026-11-03", True), ("", True), (None, True),
    ("name:'#1001'", True), ("name:#1002", False), ("name:#10*", True), ("tag:vip AND name:'#1001'", True), ("tag:other", False), ("unknown:x", True),
    ("updated_at:>=soon", False), ("sku:'it\\'s'", True), ("1001", True), ("zebra", False), ("id:>=7", True), ("id:8", False),
])  # fmt: skip
def test_the_search_syntax_is_the_vendors(query: str | None, found: bool) -> None:
    values = {"updated_at": 1793610000, "name": "#1001", "tag": ["VIP"], "sku": "it's", "id": 7}
    assert matches(terms(query), values) is found


def test_orders_are_counted_and_filtered_by_state(shop: ShopifyRig) -> None:
    orders = [shop.place({"TEA": 1}) for _ in range(3)]
    shop.cancel(orders[0])
    text = "query($q: String) { ordersCount(query: $q, limit: 2) { count precision } }"
    assert ask(shop, text, q="")["data"]["ordersCount"] == {"count": 2, "precision": "AT_LEAST"}
    assert ask(shop, text, q="status:cancelled")["data"]["ordersCount"] == {"count": 1, "precision": "EXACT"}
    assert ask(shop, text, q="sku:TEA fulfillment_status:unfulfilled financial_status:paid status:open")["data"]["ordersCount"]["count"] == 2
