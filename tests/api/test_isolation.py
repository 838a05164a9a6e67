"""No merchant ever sees anything of another one, whichever address is asked."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from store.models import Merchant
from store.session import Database
from tests.api.house import House, Shopkeeper, open_shop, sign_in
from tests.api.rule_making import begin, publish, with_layer
from tests.api.seeding import seed

FORM = {
    "revision": "1", "reason": "mischief", "decision": "order_intake", "rule": "very-large", "operation": "switch_off",
    "text": "", "base": "none",
}  # fmt: skip
"""What forms bring along, so that nothing is refused for being incomplete before it is looked for."""
QUERY = {"decision": "order_intake", "rule": "very-large"}
"""The same for addresses that ask about something."""
PUBLIC = {"filename", "decision", "merchant", "connection", "platform"}
"""Arguments of addresses that name no row of a merchant, or whose caller proves who it is by a signature."""
QUERY = {"decision": "order_intake", "rule": "take-in"}
"""What addresses ask for beside the id, for the same reason."""
LISTS = ("/v1/orders", "/v1/events", "/v1/decisions", "/v1/commands", "/v1/notifications", "/v1/stock")


@pytest.fixture
def tulip(house: House, keeper: Shopkeeper) -> dict[str, str]:
    """Everything one merchant has: the id of one row for each kind of argument in an address."""
    made = seed(keeper)
    browser = house.app().test_client()
    story = browser.get(f"/v1/orders/{made['plain']}", headers=keeper.bearer).json
    version = publish(browser, keeper, with_layer())["version"]
    draft = begin(browser, keeper)[0]["id"]
    job = browser.post("/v1/rule-jobs", json={"draft": draft, "kind": "simulate"}, headers=keeper.bearer).json["id"]
    reading = browser.post("/v1/imports", json={"connection": keeper.shop, "kind": "orders"}, headers=keeper.bearer).json["id"]
    return {
        "import_id": reading, "act": "cancel", "order_id": made["plain"], "event_id": story["events"][0]["id"], "decision_id": story["decisions"][0]["id"],
        "command_id": str(story["commands"][0]["id"]), "connection_id": keeper.shop, "version": version, "other": version,
        "draft_id": draft, "name": "layer/order_intake.yaml", "job_id": job, "part": "0",
    }  # fmt: skip


@pytest.fixture
def other(house: House, make_merchant: Callable[..., Merchant], tulip: dict[str, str]) -> Shopkeeper:
    """Another merchant, who has nothing yet."""
    return open_shop(house, make_merchant, "rival")


def _addresses(app: Flask, ids: dict[str, str]) -> list[tuple[str, str]]:
    """Every (method, address) of the application that names a row by id."""
    found = []
    for rule in app.url_map.iter_rules():
        if rule.arguments and rule.arguments <= set(ids):
            address = re.sub(r"<(?:[^:<>]+:)?(\w+)>", lambda found: ids[found[1]], rule.rule)
            found.extend((method, address) for method in (rule.methods or set()) - {"HEAD", "OPTIONS"})
    return found


def test_every_argument_of_an_address_is_put_to_the_test(app: Flask, tulip: dict[str, str]) -> None:
    arguments = {argument for rule in app.url_map.iter_rules() for argument in rule.arguments}

    assert arguments == {*tulip, *PUBLIC}


def test_every_address_with_an_id_of_another_merchant_finds_nothing(app: Flask, tulip: dict[str, str], other: Shopkeeper) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    page = app.test_client()
    sign_in_without_token(page, "admin@rival.example")
    addresses = _addresses(app, tulip)

    assert len(addresses) >= 20
    for method, address in addresses:
        if address.startswith("/v1/"):
            body = {} if method == "POST" else None
            answer = app.test_client().open(address, method=method, headers=other.bearer, json=body, query_string=QUERY)
        else:
            answer = page.open(address, method=method, data=FORM if method == "POST" else None)
        unread = method == "POST" and address.endswith(".json")  # refused for its body before anything is looked for
        assert answer.status_code in ((404, 400) if unread else (404,)), (method, address, answer.status_code)
        text = answer.get_data(as_text=True)
        assert "7Q2XK" not in text and "jo@example.com" not in text, (method, address)


def sign_in_without_token(browser: object, email: str) -> None:
    from tests.api.house import PASSWORD

    answer = browser.post("/sign-in", data={"email": email, "password": PASSWORD})  # type: ignore[attr-defined]
    assert answer.status_code == 303


def test_nothing_the_others_tried_changed_anything(app: Flask, keeper: Shopkeeper, tulip: dict[str, str], other: Shopkeeper) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    page = app.test_client()
    sign_in_without_token(page, "admin@rival.example")
    before = _what_tulip_has(app, keeper, tulip)
    for method, address in _addresses(app, tulip):
        headers = {**other.bearer, "If-Match": '"1"'}
        if method != "GET" and address.startswith("/v1/"):
            app.test_client().open(address, method=method, headers=headers, json={"reason": "mischief", "comment": "mischief", "files": {}})
        elif method != "GET":
            page.open(address, method=method, data=FORM)

    assert _what_tulip_has(app, keeper, tulip) == before


def _what_tulip_has(app: Flask, keeper: Shopkeeper, ids: dict[str, str]) -> list[Any]:
    things = (f"orders/{ids['order_id']}", f"rule-drafts/{ids['draft_id']}", f"rule-jobs/{ids['job_id']}", "rulebooks", "rulebooks/current", "connections")
    return [app.test_client().get(f"/v1/{thing}", headers=keeper.bearer).json for thing in things]


@pytest.mark.parametrize("address", LISTS)
def test_every_list_of_a_new_merchant_is_empty(app: Flask, tulip: dict[str, str], other: Shopkeeper, address: str) -> None:
    assert app.test_client().get(address, headers=other.bearer).json["items"] == []


def test_search_never_finds_what_belongs_to_another_merchant(app: Flask, tulip: dict[str, str], other: Shopkeeper) -> None:
    browser = app.test_client()
    sign_in(browser, "admin@rival.example")

    for text in ("7Q2XK", "jo@example.com", "Visser", "1041", "3SWISL0001"):
        assert browser.get("/v1/orders", query_string={"q": text}, headers=other.bearer).json["items"] == []
        assert "Nothing matches" in browser.get("/", query_string={"q": text}).get_data(as_text=True)


def test_an_order_reference_to_another_merchants_order_finds_nothing(
    app: Flask, tulip: dict[str, str], other: Shopkeeper
) -> None:
    from tests.api.house import cloud_event, post

    data = {"order": {"id": tulip["order_id"]}, "amount": "1.00", "currency": "USD", "reference": "x"}
    answer = post(app.test_client(), other, cloud_event("payment.received", data))

    assert answer.json["status"] == "failed"
    assert "there is no order" in answer.json["summary"]


def test_both_databases_keep_merchants_apart(database: Database, redis_server: object, make_merchant: Callable[..., Merchant]) -> None:
    from tests.api.house import cloud_event, placed, post

    house = House(database, redis_server)  # type: ignore[arg-type]
    app = house.app()
    one, two = open_shop(house, make_merchant, "one"), open_shop(house, make_merchant, "two")
    one.put_stock({("warehouse", "MUG-BLUE"): 10})
    order = post(app.test_client(), one, cloud_event("order.placed", placed())).json["order"]

    assert app.test_client().get(f"/v1/orders/{order}", headers=one.bearer).status_code == 200
    assert app.test_client().get(f"/v1/orders/{order}", headers=two.bearer).status_code == 404
