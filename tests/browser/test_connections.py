"""Connecting a till in a real browser, from choosing the platform to linked outlets, in light and dark, narrow and wide."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from redis import Redis
from werkzeug.serving import make_server

from store.models import Merchant
from store.session import Database
from tests.api.connecting import Till, connect, open_till
from tests.api.house import PASSWORD, House, Shopkeeper, open_shop
from tests.browser.test_pages import POOR_CONTRAST, SMALL_TARGETS


@dataclass
class Served:
    """The application on an address of its own, and a till that is not connected yet."""

    address: str
    keeper: Shopkeeper
    till: Till


@pytest.fixture
def served(sqlite_database: Database, redis_server: Redis, make_merchant: Callable[..., Merchant]) -> Iterator[Served]:
    keeper = open_shop(House(sqlite_database, redis_server), make_merchant)
    server = make_server("127.0.0.1", 0, keeper.house.app(), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    with open_till() as till:
        yield Served(f"http://127.0.0.1:{server.port}", keeper, till)
    server.shutdown()
    thread.join()
    server.server_close()


def sign_in(page: Page, served: Served) -> None:
    page.goto(f"{served.address}/sign-in")
    page.get_by_label("E-mail address").fill("admin@tulip.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Orders", exact=True)).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False])
def test_an_admin_connects_a_till_and_goes_through_all_steps(browser: Browser, served: Served, scripts: bool) -> None:
    context = browser.new_context(java_script_enabled=scripts)
    page = context.new_page()
    sign_in(page, served)
    page.get_by_role("link", name="Connections", exact=True).click()
    page.get_by_role("link", name="Connect a system").click()
    page.get_by_role("link", name="Connect Lightspeed Retail").click()
    page.get_by_label("Name", exact=True).fill("second-till")
    page.get_by_label("Address", exact=True).fill(served.till.box.url)
    page.get_by_label("Access token", exact=True).fill("not-the-right-token")
    page.get_by_role("button", name="Test and save").click()

    expect(page.get_by_role("heading", name="The system does not take it")).to_be_visible()
    expect(page.get_by_text("The access token is not valid.").first).to_be_visible()
    expect(page.get_by_label("Access token", exact=True)).to_have_value("")
    page.get_by_label("Access token", exact=True).fill(served.till.credentials["access_token"])
    page.get_by_label("Register id").fill(served.till.settings["register_id"])
    page.get_by_label("Author id").fill(served.till.settings["author_id"])
    page.get_by_role("button", name="Test and save").click()

    expect(page.get_by_role("heading", name="second-till", exact=True)).to_be_visible()
    page.get_by_role("button", name="Register webhooks").first.click()
    expect(page.get_by_text("Its webhooks are registered.")).to_be_visible()
    page.get_by_role("link", name="link the outlets").click()
    page.get_by_role("button", name="Read the locations").click()
    expect(page.get_by_text("both are called Utrecht")).to_be_visible()
    page.get_by_role("button", name="Save the links").click()
    expect(page.get_by_text("2 of 3 outlets linked")).to_be_visible()
    page.get_by_role("link", name="second-till", exact=True).click()
    expect(page.get_by_role("heading", name="Next steps")).to_have_count(0)
    context.close()


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (360, "dark"), (1280, "light"), (1280, "dark")])
def test_every_page_about_connections_is_readable_whatever_the_screen(browser: Browser, served: Served, width: int, scheme: Any) -> None:
    client = served.keeper.house.app().test_client()
    connection = connect(client, served.keeper, served.till)
    client.get(f"/v1/connections/{connection}/locations", headers=served.keeper.bearer)
    client.post(f"/v1/connections/{connection}/webhooks", json={}, headers=served.keeper.bearer)
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    sign_in(page, served)
    one = f"/connections/{connection}"
    for address in ("/connections", "/connections/new", "/connections/new/lightspeed_ecom", one, f"{one}/credentials", f"{one}/settings",
                    f"{one}/outlets", f"{one}/remove"):  # fmt: skip
        page.goto(served.address + address)
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
        assert page.evaluate(POOR_CONTRAST) == [], address
        assert page.evaluate(SMALL_TARGETS) == [], address
    context.close()
    assert complaints == []
