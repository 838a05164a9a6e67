"""The pages about connections: they work without scripts, say what is wrong where it is wrong, and show support all but
the buttons."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from store import connections
from store.models import Connection
from tests.api.connecting import Till, connect, open_till
from tests.api.house import House, Shopkeeper, sign_in, token
from tests.api.test_pages import Structure


@pytest.fixture
def till() -> Iterator[Till]:
    with open_till() as opened:
        yield opened


def row(keeper: Shopkeeper, name: str) -> Connection:
    with keeper.house.database.session(keeper.merchant.id, read_only=True) as session:
        return connections.by_name(session, name)


def text(browser: FlaskClient, address: str) -> str:
    return browser.get(address).get_data(as_text=True)


def press(browser: FlaskClient, address: str, **fields: str) -> str:
    """Send a form and see the page it leads to."""
    answer = browser.post(address, data={"csrf_token": token(browser, "/connections"), **fields}, follow_redirects=True)
    assert answer.status_code == 200, answer.get_data(as_text=True)[:500]
    return answer.get_data(as_text=True)


def test_a_system_is_connected_step_by_step_without_any_script(admin: FlaskClient, keeper: Shopkeeper, till: Till) -> None:
    assert "/connections/new/lightspeed_retail" in text(admin, "/connections/new")
    empty = text(admin, "/connections/new/lightspeed_retail")
    assert 'value="lightspeed-retail"' in empty and "Id of the register that online sales are booked on." in empty

    page = press(admin, "/connections/new/lightspeed_retail", **till.form(admin))
    made = row(keeper, "second-till")
    assert "second-till is connected. Connected: 2 outlets" in page and "Next steps" in page
    page = press(admin, f"/connections/{made.id}/webhooks", act="register")
    assert "Its webhooks are registered." in page and "In order" in page and "sale.update" in page

    page = press(admin, f"/connections/{made.id}/locations")
    assert "2 links are proposed" in page and "both are called Amsterdam" in page
    there = {each["name"]: each["id"] for each in till.box.state.all("outlet")}
    page = press(admin, f"/connections/{made.id}/outlets", outlet_amsterdam=there["Amsterdam"], outlet_utrecht=there["Utrecht"], outlet_warehouse="")
    assert "2 of 3 outlets linked" in page
    assert "Next steps" not in text(admin, f"/connections/{made.id}")


def test_what_is_wrong_is_said_at_its_field_and_in_a_summary_with_links(admin: FlaskClient, keeper: Shopkeeper, till: Till) -> None:
    fields = till.form(admin, name="No Name", base_url="https://10.0.0.1", credential_access_token="", setting_poll_seconds="soon")
    answer = admin.post("/connections/new/lightspeed_retail", data=fields)
    page = answer.get_data(as_text=True)

    assert answer.status_code == 422 and "<title>Error:" in page and "There is a problem" in page
    for field in ("name", "base_url", "credential_access_token", "setting_poll_seconds"):
        assert f'href="#{field}"' in page and f'id="{field}-error"' in page, field
    assert 'value="No Name"' in page and till.calls() == []


def test_a_refusal_is_shown_in_the_systems_own_words_and_nothing_is_kept(admin: FlaskClient, keeper: Shopkeeper, till: Till) -> None:
    fields = till.form(admin, credential_access_token="wrong-token", credential_refresh_token="")
    page = admin.post("/connections/new/lightspeed_retail", data=fields).get_data(as_text=True)

    assert "The system does not take it" in page and "The access token is not valid." in page
    with pytest.raises(connections.UnknownConnection):
        row(keeper, "second-till")


def test_a_draft_is_saved_without_a_test_and_started_by_one(admin: FlaskClient, keeper: Shopkeeper, till: Till) -> None:
    page = press(admin, "/connections/new/lightspeed_retail", **till.form(admin, act="draft"))
    draft = row(keeper, "second-till")
    assert "Draft, not started" in page and "Test and start" in page and till.calls() == []

    page = press(admin, f"/connections/{draft.id}/test", resume="yes")
    assert "Connected: 2 outlets" in page and row(keeper, "second-till").state == "active"


def test_credentials_are_replaced_when_they_work_and_the_page_shows_none(admin: FlaskClient, client: FlaskClient, keeper: Shopkeeper, till: Till) -> None:
    connection = connect(client, keeper, till)
    client.post(f"/v1/connections/{connection}/pause", json={"reason": "the token expired"}, headers=keeper.bearer)
    assert "replace them" in text(admin, f"/connections/{connection}")
    wrong = {"csrf_token": token(admin, "/connections"), "credential_access_token": "wrong-token", "credential_refresh_token": "wrong-too"}
    refused = admin.post(f"/connections/{connection}/credentials", data=wrong)
    assert refused.status_code == 422 and "The system does not take it" in refused.get_data(as_text=True)

    page = press(admin, f"/connections/{connection}/credentials", credential_client_secret="a-new-secret", clear="refresh_token", resume="yes")
    assert "The new credentials of second-till are in use." in page
    kept = row(keeper, "second-till")
    assert kept.state == "active"
    assert set(keeper.house.cipher.decrypt(kept.credentials)) == {"access_token", "client_id", "client_secret"}


def test_settings_are_changed_with_their_meaning_beside_them(admin: FlaskClient, client: FlaskClient, keeper: Shopkeeper, till: Till) -> None:
    connection = connect(client, keeper, till)
    page = text(admin, f"/connections/{connection}/settings")
    assert "When a sale to be fulfilled lowers the till&#39;s stock" in page and f'value="{till.settings["register_id"]}"' in page
    same = {f"setting_{name}": str(value) for name, value in row(keeper, "second-till").settings.items()}
    wrong = {**same, "csrf_token": token(admin, "/connections"), "base_url": till.box.url, "setting_outlets": "utrecht"}
    assert "lines like" in admin.post(f"/connections/{connection}/settings", data=wrong).get_data(as_text=True)

    press(admin, f"/connections/{connection}/settings", base_url=till.box.url, **{**same, "setting_outlets": "utrecht = Utrecht"})
    assert row(keeper, "second-till").settings == {**till.wanted()["settings"], "outlets": {"utrecht": "Utrecht"}}


def test_taking_one_away_says_what_depends_on_it(admin: FlaskClient, client: FlaskClient, keeper: Shopkeeper, till: Till) -> None:
    connection = connect(client, keeper, till, draft=True)
    assert "Nothing: no order" in text(admin, f"/connections/{connection}/remove")
    assert "second-till is removed." in press(admin, f"/connections/{connection}/remove", act="remove")

    page = press(admin, f"/connections/{keeper.shop}/remove", act="archive")
    assert "tulip-shop is archived" in page and "kept for its history" in page
    assert "1 archived" in text(admin, "/connections")
    assert "Draft, not started" in press(admin, f"/connections/{keeper.shop}/remove", act="restore")


def test_a_system_that_cannot_be_asked_is_told_on_the_page(admin: FlaskClient, keeper: Shopkeeper) -> None:
    assert "has no access token" in press(admin, f"/connections/{keeper.till}/test")
    assert "has no access token" in press(admin, f"/connections/{keeper.till}/webhooks", act="look")
    assert "has no access token" in press(admin, f"/connections/{keeper.till}/locations")


def test_support_sees_how_it_is_and_can_change_nothing(app: Flask, support: FlaskClient, client: FlaskClient, keeper: Shopkeeper, till: Till) -> None:
    connection = connect(client, keeper, till)
    page = text(support, f"/connections/{connection}")
    assert "Health" in page and "Nothing done yet" in page
    assert "Connect a system" not in text(support, "/connections")
    for word in (">Register webhooks</button>", "Replace them", "Pause", "Archive"):
        assert word not in page, word
    fields = {"csrf_token": token(support, "/connections"), "act": "register"}
    for path in ("test", "webhooks", "locations", "outlets", "credentials", "settings", "remove", "pause"):
        assert support.post(f"/connections/{connection}/{path}", data=fields).status_code == 403, path
    for path in ("credentials", "settings", "remove"):
        assert support.get(f"/connections/{connection}/{path}").status_code == 403
    assert support.get("/connections/new").status_code == 403
    assert support.get(f"/connections/{connection}/outlets").status_code == 200


def test_no_form_works_without_its_token(admin: FlaskClient, client: FlaskClient, keeper: Shopkeeper, till: Till) -> None:
    connection = connect(client, keeper, till)
    fields = {**till.form(admin, name="third"), "act": "remove", "csrf_token": "forged"}
    for path in ("test", "webhooks", "locations", "outlets", "credentials", "settings", "remove", "pause", "resume"):
        assert admin.post(f"/connections/{connection}/{path}", data=fields).status_code == 400, path
    assert admin.post("/connections/new/lightspeed_retail", data=fields).status_code == 400


def test_every_page_is_well_made(admin: FlaskClient, client: FlaskClient, keeper: Shopkeeper, till: Till) -> None:
    connection = connect(client, keeper, till)
    client.get(f"/v1/connections/{connection}/locations", headers=keeper.bearer)
    client.post(f"/v1/connections/{connection}/webhooks", json={}, headers=keeper.bearer)
    pages = ["/connections", "/connections/new", "/connections/new/lightspeed_ecom", "/connections/new/lightspeed_retail"]
    pages += [f"/connections/{each}{part}" for each in (connection, keeper.shop) for part in ("", "/credentials", "/settings", "/outlets", "/remove")]
    for address in pages:
        answer = admin.get(address)
        page = Structure(answer.get_data(as_text=True))
        assert (answer.status_code, page.h1, page.captionless) == (200, 1, 0), address
        assert [field for field in page.fields if field.get("id") not in page.labelled] == [], address
        assert len(page.ids) == len(set(page.ids)) and page.foreign == [] and page.inline == [], address


def test_a_platform_or_connection_that_is_not_there_is_said_to_be_missing(admin: FlaskClient) -> None:
    for address in ("/connections/new/nothing", "/connections/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/connections/x/credentials"):
        assert admin.get(address).status_code == 404


def test_a_connection_of_a_platform_that_is_gone_is_still_shown(keeper: Shopkeeper) -> None:
    house = House(keeper.house.database, keeper.house.redis)
    house.adapters = {}
    browser = house.app().test_client()
    sign_in(browser, "admin@tulip.example")

    assert "No adapter for it" in text(browser, "/connections")
    assert browser.get(f"/connections/{keeper.shop}").status_code == 200
