"""Support's pages: what they show, that they work without JavaScript, and that repairs do what they say."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from flask.testing import FlaskClient

from tests.api.house import Shopkeeper, cloud_event, placed, post, token
from tests.api.seeding import pause_till, seed


@pytest.fixture
def made(keeper: Shopkeeper) -> dict[str, str]:
    return seed(keeper)


@pytest.fixture
def ids(made: dict[str, str], client: FlaskClient, keeper: Shopkeeper) -> dict[str, str]:
    """Addresses that need an id, filled in."""
    story = client.get(f"/v1/orders/{made['split']}", headers=keeper.bearer).json
    dead = client.get("/v1/commands?status=dead", headers=keeper.bearer).json["items"][0]
    failed = client.get("/v1/events?status=failed", headers=keeper.bearer).json["items"][0]
    return {**made, "decision": story["decisions"][0]["id"], "dead_command": str(dead["id"]), "failed_event": failed["id"]}


PAGES = (
    "/", "/?q=7Q2", "/?q=nothing", "/?state=trouble", "/?state=held", "/orders/{split}", "/orders/{held}",
    "/orders/{dead}?failed=1", "/orders/{plain}?side=till&sort=oldest", "/events", "/events?status=failed",
    "/events/{failed_event}", "/decisions/{decision}", "/decisions/{decision}?rules=all", "/deliveries", "/deliveries?status=failed",
    "/deliveries/{dead_command}", "/deliveries/retry-failed?hours=24", "/connections", "/notifications", "/notifications?outlet=utrecht",
    "/rules", "/rules/outlet_assignment", "/rules/reference", "/rules/reference?q=weekday", "/stock", "/stock?sku=MUG", "/stock?as_of=2026-11-22T09:30", "/docs", "/docs/problems",
)  # fmt: skip


class Structure(HTMLParser):
    """What a page is made of: headings, fields without a label, ids used twice, addresses of other hosts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.h1 = 0
        self.fields: list[dict[str, str | None]] = []
        self.labelled: set[str | None] = set()
        self.ids: list[str] = []
        self.foreign: list[str] = []
        self.inline: list[str] = []
        self.captionless = 0
        self._in_label = 0
        self._tables: list[bool] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.h1 += tag == "h1"
        if given.get("id"):
            self.ids.append(str(given["id"]))
        if tag == "label":
            self._in_label += 1
            self.labelled.add(given.get("for"))
        if tag in ("input", "select", "textarea") and given.get("type") not in ("hidden", "submit") and not self._in_label:
            self.fields.append(given)
        if tag in ("script", "link", "img", "form") and str(given.get("src") or given.get("href") or given.get("action") or "").startswith(("http", "//")):
            self.foreign.append(str(given))
        if tag == "style" or "style" in given or any(name.startswith("on") for name in given) or (tag == "script" and "src" not in given):
            self.inline.append(f"{tag} {given}")
        if tag == "table":
            self._tables.append(False)
        if tag == "caption":
            self._tables[-1] = True

    def handle_endtag(self, tag: str) -> None:
        if tag == "label":
            self._in_label -= 1
        if tag == "table":
            self.captionless += not self._tables.pop()


@pytest.mark.parametrize("address", PAGES)
def test_every_page_is_well_made_and_needs_no_other_host(admin: FlaskClient, ids: dict[str, str], address: str) -> None:
    answer = admin.get(address.format(**ids))
    page = Structure(answer.get_data(as_text=True))

    assert answer.status_code == 200
    assert page.h1 == 1
    assert [field for field in page.fields if field.get("id") not in page.labelled] == []
    assert len(page.ids) == len(set(page.ids))
    assert page.foreign == [] and page.inline == []
    assert page.captionless == 0


@pytest.mark.parametrize("address", ["/", "/events", "/deliveries", "/connections", "/notifications", "/stock", "/rules"])
def test_every_page_of_a_merchant_without_anything_says_what_will_appear(admin: FlaskClient, address: str) -> None:
    assert admin.get(address).status_code == 200


@pytest.mark.parametrize("search", ["7Q2XK", "7q2x", "jo@example.com", "visser", "1041", "3SWISL0001", "0af7b241-1041"])
def test_an_order_is_found_by_any_number_it_has_anywhere(admin: FlaskClient, made: dict[str, str], search: str) -> None:
    page = admin.get("/", query_string={"q": search}).get_data(as_text=True)

    assert f"/orders/{made['plain']}" in page


def test_the_three_kinds_of_emptiness_are_told_apart(admin: FlaskClient, keeper: Shopkeeper) -> None:
    assert "No orders yet" in admin.get("/").get_data(as_text=True)
    seed(keeper)
    assert "Nothing matches" in admin.get("/?q=zzz").get_data(as_text=True)


def test_an_order_page_answers_at_once_what_is_wrong_and_offers_the_repair(admin: FlaskClient, made: dict[str, str]) -> None:
    page = admin.get(f"/orders/{made['dead']}").get_data(as_text=True)

    assert "tulip-till could not be told to take the order over" in page
    assert "product VASE is archived in the till" in page
    assert "Could not be told" in page
    assert "/retry" in page


def test_a_held_order_says_why(admin: FlaskClient, made: dict[str, str]) -> None:
    assert "short of 4 of 5 CHAIR" in admin.get(f"/orders/{made['held']}").get_data(as_text=True)


def test_orders_that_need_a_person_are_a_filter_away(admin: FlaskClient, made: dict[str, str]) -> None:
    page = admin.get("/?state=trouble").get_data(as_text=True)

    assert "7Q2XT" in page and "7Q2XP" in page
    assert "7Q2XK" not in page


def test_a_decision_shows_what_fired_what_did_not_and_the_value_that_was_found(admin: FlaskClient, ids: dict[str, str]) -> None:
    page = admin.get(f"/decisions/{ids['decision']}?rules=all").get_data(as_text=True)

    assert "Did not hold, because the order is delivered and customers can pick up at the outlet." in page
    assert "<code>order.fulfilment_type is pickup</code> <small>found delivery, wanted pickup</small>" in page
    assert "no outlet has both LAMP and RUG-160" in page
    assert "lacks RUG-160" in page
    assert "A store keeps some units of each article" in page


def test_the_same_decision_is_there_as_data(admin: FlaskClient, ids: dict[str, str]) -> None:
    document = admin.get(f"/decisions/{ids['decision']}.json").json

    (assignment,) = [part for part in document["why"] if part["decision"] == "outlet_assignment"]
    pickup = next(rule for rule in assignment["rules"] if rule["rule"] == "no-pickup-here")
    assert pickup["fired"] is False
    assert pickup["conditions"][0] | {"line": 0} == {
        "text": "order.fulfilment_type is pickup", "result": "not met", "found": "delivery", "wanted": "pickup", "line": 0,
    }  # fmt: skip


def test_htmx_gets_the_part_that_changes_and_everyone_else_the_whole_page(admin: FlaskClient, made: dict[str, str]) -> None:
    whole, part = admin.get("/?q=7Q2"), admin.get("/?q=7Q2", headers={"HX-Request": "true"})

    assert "<html" in whole.get_data(as_text=True)
    assert "<html" not in part.get_data(as_text=True) and "7Q2XK" in part.get_data(as_text=True)
    assert "HX-Request" in whole.headers["Vary"] and "HX-Request" in part.headers["Vary"]


def test_an_order_page_refreshes_itself_only_while_something_is_under_way(
    admin: FlaskClient, client: FlaskClient, keeper: Shopkeeper
) -> None:
    order = post(client, keeper, cloud_event("order.placed", placed("MOVE"), source="tulip-shop")).json["order"]
    assert "every 3s" in admin.get(f"/orders/{order}").get_data(as_text=True)

    keeper.succeed(keeper.till, "done")
    keeper.succeed(keeper.shop, "done")

    assert "every 3s" not in admin.get(f"/orders/{order}").get_data(as_text=True)


def test_retrying_a_command_puts_it_back_and_is_kept_on_record(admin: FlaskClient, ids: dict[str, str]) -> None:
    page = f"/deliveries/{ids['dead_command']}"
    answer = admin.post(f"{page}/retry", data={"csrf_token": token(admin, page), "reason": "unarchived it", "back": page})

    assert (answer.status_code, answer.headers["Location"]) == (303, page)
    assert "Waiting" in admin.get(page).get_data(as_text=True)


def test_retrying_twice_says_what_is_the_matter(admin: FlaskClient, ids: dict[str, str], keeper: Shopkeeper) -> None:
    page = f"/deliveries/{ids['dead_command']}"
    csrf = token(admin, page)
    admin.post(f"{page}/cancel", data={"csrf_token": csrf})

    answer = admin.post(f"{page}/retry", data={"csrf_token": csrf})

    assert answer.status_code == 409
    assert "cancelled" in answer.get_data(as_text=True)


def test_retrying_all_that_failed_asks_first_and_states_the_count(admin: FlaskClient, ids: dict[str, str]) -> None:
    page = admin.get("/deliveries/retry-failed?hours=24").get_data(as_text=True)
    assert "Try again 2 commands?" in page
    since = page.split('name="since" value="')[1].split('"')[0]

    answer = admin.post("/deliveries/retry-failed", data={"csrf_token": token(admin, "/"), "since": since, "reason": "till is back"})

    assert answer.status_code == 303
    assert "Nothing matches" in admin.get("/deliveries?status=dead").get_data(as_text=True)


def test_reprocessing_a_failed_event_says_what_came_of_it(admin: FlaskClient, ids: dict[str, str]) -> None:
    page = f"/events/{ids['failed_event']}"
    answer = admin.post(f"{page}/reprocess", data={"csrf_token": token(admin, page)}, follow_redirects=True)

    assert "It still cannot be decided" in answer.get_data(as_text=True)


def test_a_paused_connection_says_why_and_an_admin_resumes_it(admin: FlaskClient, keeper: Shopkeeper) -> None:
    pause_till(keeper)
    page = admin.get("/connections").get_data(as_text=True)
    assert "the token has expired" in page

    admin.post(f"/connections/{keeper.till}/resume", data={"csrf_token": token(admin, "/connections"), "reason": "new token"})

    assert "the token has expired" not in admin.get("/connections").get_data(as_text=True)


def test_notifications_are_those_of_the_outlets_one_is_authorised_for(support: FlaskClient, admin: FlaskClient, made: dict[str, str]) -> None:
    mine, all_of_them = (browser.get("/notifications").get_data(as_text=True) for browser in (support, admin))

    assert f"/orders/{made['split']}#part-amsterdam" in mine
    assert "#part-utrecht" not in mine and "#part-warehouse" not in mine
    assert "#part-utrecht" in all_of_them
    assert "#part-utrecht" not in support.get("/notifications?outlet=utrecht").get_data(as_text=True)


def test_a_setting_counts_from_the_next_event_on(admin: FlaskClient, client: FlaskClient, keeper: Shopkeeper) -> None:
    page = "/rules/staff_notification"
    form = {"csrf_token": token(admin, page), "name": "notify_staff", "value": "false"}
    assert admin.post(f"{page}/settings", data=form).status_code == 303
    post(client, keeper, cloud_event("order.placed", placed("QUIET"), source="tulip-shop"))

    assert client.get("/v1/notifications", headers=keeper.bearer).json["items"] == []
    assert "switched off" in admin.get("/notifications").get_data(as_text=True)


@pytest.mark.parametrize(("name", "value"), [("notify_staff", "maybe"), ("nothing", "1")])
def test_a_setting_that_makes_no_sense_is_refused(admin: FlaskClient, name: str, value: str) -> None:
    page = "/rules/staff_notification"
    answer = admin.post(f"{page}/settings", data={"csrf_token": token(admin, page), "name": name, "value": value})

    assert answer.status_code == 422


def test_stock_can_be_seen_as_it_was(admin: FlaskClient, keeper: Shopkeeper) -> None:
    assert "MUG-BLUE" in admin.get("/stock").get_data(as_text=True)
    assert "Nothing matches" in admin.get("/stock?as_of=2020-01-01T00:00").get_data(as_text=True)


def test_what_people_wrote_never_becomes_part_of_the_page(admin: FlaskClient, client: FlaskClient, keeper: Shopkeeper) -> None:
    nasty = "<script>alert(1)</script>"
    order = post(client, keeper, cloud_event("order.placed", placed("X1", customer={"email": "x@example.com", "name": nasty}))).json
    for page in ("/", f"/orders/{order['order']}", f"/decisions/{order['decision']}", f"/events/{order['event']}", f"/?q={nasty}"):
        assert nasty not in admin.get(page).get_data(as_text=True)


@pytest.mark.parametrize("address", ["/orders/none", "/events/none", "/decisions/none", "/deliveries/999", "/rules/none", "/nowhere"])
def test_what_is_not_there_is_a_friendly_page(admin: FlaskClient, address: str) -> None:
    answer = admin.get(address)

    assert answer.status_code == 404
    assert answer.mimetype == "text/html"
    assert "To the orders" in answer.get_data(as_text=True)


@pytest.mark.parametrize("address", ["/?state=odd", "/events?status=odd", "/deliveries?status=odd", "/stock?as_of=odd", "/deliveries/retry-failed?hours=odd"])
def test_a_filter_that_makes_no_sense_is_named(admin: FlaskClient, address: str) -> None:
    assert admin.get(address).status_code == 400
