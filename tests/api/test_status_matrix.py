"""The status matrix: worked out from the rules that decide, for the merchant's own settings and layer, on a page and as JSON."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from engine.language import load_book
from engine.platforms import PLATFORM, SHOPS
from store import books, connections, drafts
from store.flow_models import Decision
from tests.api.house import Shopkeeper
from tests.api.seeding import seed

READY = """decision: status_to_shop
layer: true
rules:
  - id: shopify-ready
    description: Our Shopify customers are told when they may come.
    priority: 30
    when:
      - shop.platform is shopify
      - order.fulfilment_type is pickup
      - order.fulfilment_status is packed
    then:
      - set shop status ready_for_pickup
"""


def _matrix(keeper: Shopkeeper, client: FlaskClient, path: str = "/v1/rulebooks/current/status-matrix") -> dict[str, Any]:
    answer = client.get(path, headers=keeper.headers("support"))
    assert answer.status_code == 200, answer.get_data(as_text=True)
    found: dict[str, Any] = answer.get_json()
    return found


def _cell(matrix: dict[str, Any], table: str, name: str, kind: str, platform: str) -> dict[str, Any] | None:
    (row,) = [row for row in matrix[table] if (row["name"], row["fulfilment_type"]) == (name, kind)]
    found: dict[str, Any] | None = row["cells"][platform]
    return found


def _theirs(cell: dict[str, Any] | None) -> str:
    """The word staff of the shop read, or that it is not updated."""
    assert cell is not None
    return next((told["theirs"] for told in cell["told"] if told["theirs"]), "not updated" if not cell["updated"] else "")


def _draft(keeper: Shopkeeper, text: str) -> str:
    with keeper.house.database.session(keeper.merchant.id) as session:
        texts = books.texts(session, str(books.current_version(session))) or {}
        return str(drafts.create(session, name="Ready", texts={**texts, "layer/status_to_shop.yaml": text}, by="ada").id)


def _connect(keeper: Shopkeeper, platform: str) -> None:
    with keeper.house.database.session(keeper.merchant.id) as session:
        connections.add(
            session, name=f"my-{platform}", platform=platform, role="shop", base_url="http://127.0.0.1:9", credentials={},
            cipher=keeper.house.cipher,
        )  # fmt: skip


def _page(browser: FlaskClient, path: str = "/rules/matrix") -> str:
    answer = browser.get(path)
    assert answer.status_code == 200
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True).partition("<main")[2])).split())


def _columns(browser: FlaskClient, path: str) -> list[str]:
    text = browser.get(path).get_data(as_text=True)
    return [name.split("<")[0].strip() for name in re.findall(r'<th scope="col" class="[^"]*">([^/]+)', text.partition("</thead>")[0])]


PUBLISHED_TABLE = {
    ("packed", "delivery"): ["not updated", "not updated", "Awaiting Shipment", "not updated", "not updated"],
    ("completed", "delivery"): ["Shipped", "Fulfilled", "Completed", "Completed", "Complete"],
    ("packed", "pickup"): ["Ready for Pickup", "not updated", "Awaiting Pickup", "not updated", "Ready for pickup"],
    ("completed", "pickup"): ["Delivered", "Fulfilled", "Completed", "Completed", "Complete"],
    ("cancelled", "delivery"): ["Will Not Deliver", "Cancelled", "Cancelled", "Cancelled", "Canceled"],
    ("in_progress", "pickup"): ["not updated"] * 5,
}
"""What the till's vendor publishes for its four shops, and what we chose for Magento."""


@pytest.mark.parametrize(("name", "kind"), sorted(PUBLISHED_TABLE))
def test_the_shipped_rules_give_the_table_that_the_vendor_publishes(keeper: Shopkeeper, client: FlaskClient, name: str, kind: str) -> None:
    matrix = _matrix(keeper, client)

    assert [_theirs(_cell(matrix, "to_shop", name, kind, shop)) for shop in SHOPS] == PUBLISHED_TABLE[name, kind]


def test_every_cell_says_which_rule_decided_and_a_silent_one_says_why(keeper: Shopkeeper, client: FlaskClient) -> None:
    matrix = _matrix(keeper, client)

    cells = [cell for table in ("to_shop", "to_till") for row in matrix[table] for cell in row["cells"].values() if cell]
    assert all(cell["rule"] in matrix["rules"] for cell in cells)
    assert all(cell["told"] or cell["reason"] for cell in cells)
    row = matrix["rules"][_cell(matrix, "to_shop", "packed", "delivery", "bigcommerce")["rule"]]  # type: ignore[index]
    assert (row["decision"], row["id"], row["file"]) == ("status_to_shop", "status-matrix", "status_to_shop.yaml")


def test_no_cell_promises_what_the_platform_cannot_be_told(keeper: Shopkeeper, client: FlaskClient) -> None:
    matrix = _matrix(keeper, client)

    for row in matrix["to_shop"]:
        for name, cell in row["cells"].items():
            assert cell["cannot"] == []
            for told in cell["told"]:
                assert PLATFORM[name].can(told["demand"], told["ours"]), (row["name"], name, told)


def test_what_a_shop_never_shows_is_left_open_rather_than_made_up(keeper: Shopkeeper, client: FlaskClient) -> None:
    matrix = _matrix(keeper, client)

    assert _cell(matrix, "to_till", "shows_out_for_delivery", "delivery", "shopify") is None
    shown = _cell(matrix, "to_till", "shows_out_for_delivery", "delivery", "lightspeed_ecom")
    assert shown is not None and [told["demand"] for told in shown["told"]] == ["complete fulfilments"]
    assert [(each["field"], each["values"], each["reason"]) for each in shown["exceptions"]] == [
        ("payment_status", ["unpaid"], "the order is not fully paid")
    ]


def test_a_cell_names_the_statuses_of_the_shop_for_which_it_does_not_hold(keeper: Shopkeeper, client: FlaskClient) -> None:
    cell = _cell(_matrix(keeper, client), "to_shop", "packed", "pickup", "lightspeed_ecom")

    assert cell is not None and cell["usual"] == "awaiting_processing"
    (exception,) = cell["exceptions"]
    assert not exception["updated"]
    assert exception["values"] == ["shipped", "out_for_delivery", "delivered", "returned", "will_not_deliver"]


def test_the_merchants_own_settings_count(keeper: Shopkeeper, client: FlaskClient) -> None:
    with keeper.house.database.session(keeper.merchant.id) as session:
        books.set_setting(session, "status_to_shop", "tell_pickup_packed", False)
        books.set_setting(session, "status_to_shop", "show_holds_in_shop", True)
    matrix = _matrix(keeper, client)

    silent = _cell(matrix, "to_shop", "packed", "pickup", "bigcommerce")
    assert silent is not None and (silent["updated"], silent["reason"]) == (False, "packed pickup orders are not shown in the shop")
    assert _theirs(_cell(matrix, "to_shop", "held", "delivery", "woocommerce")) == "On hold"
    assert _theirs(_cell(matrix, "to_shop", "released", "delivery", "woocommerce")) == "Processing"


def test_the_merchants_own_rules_count_and_older_versions_stay_readable(keeper: Shopkeeper, client: FlaskClient) -> None:
    with keeper.house.database.session(keeper.merchant.id) as session:
        texts = {**(books.texts(session, str(books.current_version(session))) or {}), "layer/status_to_shop.yaml": READY}
        books.publish(session, texts, load_book(texts).version, by="ada")

    now, before = _matrix(keeper, client), _matrix(keeper, client, "/v1/rulebooks/1/status-matrix")
    cell = _cell(now, "to_shop", "packed", "pickup", "shopify")
    assert (now["number"], _theirs(cell)) == (2, "Ready for pickup")
    assert cell is not None and now["rules"][cell["rule"]]["own"] is True
    assert (before["number"], _theirs(_cell(before, "to_shop", "packed", "pickup", "shopify"))) == (1, "not updated")


@pytest.mark.parametrize("path", ["/v1/rulebooks/77/status-matrix", "/v1/rule-drafts/none/status-matrix"])
def test_what_is_not_there_is_not_found(keeper: Shopkeeper, client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers=keeper.headers("support"))

    assert (answer.status_code, answer.content_type) == (404, "application/problem+json")


def test_the_page_shows_the_merchants_shops_and_on_demand_all_or_one(keeper: Shopkeeper, support: FlaskClient) -> None:
    _connect(keeper, "magento")

    assert _columns(support, "/rules/matrix") == ["Lightspeed eCom", "Magento"]
    assert _columns(support, "/rules/matrix?shops=all") == ["Lightspeed eCom", "Magento", "Shopify", "BigCommerce", "WooCommerce"]
    assert _columns(support, "/rules/matrix?shops=bigcommerce") == ["BigCommerce"]


def test_the_page_is_filtered_by_kind_of_order_in_its_address(support: FlaskClient) -> None:
    both, pickup = _page(support), _page(support, "/rules/matrix?type=pickup&shops=bigcommerce")

    assert "Shipped → delivery" in both and "Collected ⌂ pickup" in both
    assert "delivery" not in pickup.partition("What happens")[2].partition("How to read it")[0].replace("Out for delivery", "")
    assert "Packed ⌂ pickup Awaiting Pickup Ready for pickup + the shop mails the customer" in pickup


def test_filters_that_make_no_sense_show_everything(support: FlaskClient) -> None:
    assert _page(support, "/rules/matrix?type=carrier&shops=%3Cscript%3E") == _page(support)


def test_a_cell_leads_to_the_row_that_decided(support: FlaskClient) -> None:
    link = re.search(r'href="(/rules/status_to_shop)#(row-status_to_shop-status-matrix-\d+)"', support.get("/rules/matrix").get_data(as_text=True))
    assert link is not None

    assert f'id="{link[2]}"' in support.get(link[1]).get_data(as_text=True)


def test_the_rules_pages_and_a_decision_about_statuses_lead_to_the_matrix(keeper: Shopkeeper, support: FlaskClient) -> None:
    for path in ("/rules", "/rules/status_to_shop", "/rules/status_to_till"):
        assert 'href="/rules/matrix"' in support.get(path).get_data(as_text=True), path
    assert 'href="/rules/matrix"' not in support.get("/rules/order_intake").get_data(as_text=True)
    seed(keeper)
    with keeper.house.database.session(keeper.merchant.id, read_only=True) as session:
        decided = {row.id: {each["decision"] for each in row.facts} for row in session.scalars(select(Decision))}
    for id, files in decided.items():
        page = support.get(f"/decisions/{id}").get_data(as_text=True)
        assert ('href="/rules/matrix#to_shop"' in page) == ("status_to_shop" in files), files
    assert any("status_to_shop" in files for files in decided.values())


def test_a_draft_shows_what_it_would_change(keeper: Shopkeeper, support: FlaskClient, client: FlaskClient) -> None:
    draft = _draft(keeper, READY)
    page = _page(support, f"/rules/drafts/{draft}/matrix?shops=all")

    assert "1 cell differs from what decides now. They are marked." in page
    assert "Ready for pickup + the shop mails the customer shopify-ready ✎ yours ≠ Now it is – Not updated Packed does not travel to Shopify" in page
    assert f"/rules/drafts/{draft}/layer/status_to_shop.yaml" in support.get(f"/rules/drafts/{draft}/matrix?shops=all").get_data(as_text=True)
    answer = _matrix(keeper, client, f"/v1/rule-drafts/{draft}/status-matrix")
    assert (answer["number"], _theirs(_cell(answer, "to_shop", "packed", "pickup", "shopify"))) == (None, "Ready for pickup")
    assert _page(support, f"/rules/drafts/{draft}/matrix?shops=magento").count("No cell shown here differs") == 1


def test_a_draft_with_errors_says_which(keeper: Shopkeeper, support: FlaskClient, client: FlaskClient) -> None:
    draft = _draft(keeper, READY.replace("shop.platform", "shop.platfrom"))

    assert "The draft has errors, so nothing can be worked out yet. layer/status_to_shop.yaml, line" in _page(support, f"/rules/drafts/{draft}/matrix")
    answer = client.get(f"/v1/rule-drafts/{draft}/status-matrix", headers=keeper.headers("support"))
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["field"].startswith("layer/status_to_shop.yaml:")


def test_a_draft_of_somebody_else_is_not_shown(keeper: Shopkeeper, support: FlaskClient) -> None:
    assert support.get("/rules/drafts/nothing/matrix").status_code == 404


def test_a_book_without_rules_about_statuses_has_an_empty_matrix(keeper: Shopkeeper, support: FlaskClient, client: FlaskClient) -> None:
    with keeper.house.database.session(keeper.merchant.id) as session:
        texts = books.texts(session, str(books.current_version(session))) or {}
        few = {name: text for name, text in texts.items() if name.startswith("order_intake")}
        draft = drafts.create(session, name="Few", texts=few, by="ada").id

    assert _page(support, f"/rules/drafts/{draft}/matrix").count("The rule book has no rules for this.") == 2
    answer = _matrix(keeper, client, f"/v1/rule-drafts/{draft}/status-matrix")
    assert (answer["to_shop"], answer["to_till"], answer["rules"]) == ([], [], {})
