"""Support's pages in a real browser: readable in light and dark, on a phone and a wide screen, with and without scripts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from redis import Redis
from werkzeug.serving import make_server

from store.models import Merchant
from store.session import Database
from tests.api.house import PASSWORD, House, Shopkeeper, cloud_event, open_shop, placed, post
from tests.api.seeding import seed

POOR_CONTRAST = """() => {
  const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }).reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] > 0.99) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.checkVisibility() || element.closest(".sr, .skip")) continue;
    const style = getComputedStyle(element);
    const [front, back] = [light(parse(style.color)), light(behind(element))];
    const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
    if (ratio < (large ? 3 : 4.5)) poor.push(`${ratio.toFixed(2)} ${element.textContent.trim().slice(0, 40)}`);
  }
  return poor;
}"""
SMALL_TARGETS = """() => [...document.querySelectorAll("button, .button, input, select, .chips a, nav a")]
  .filter((element) => element.checkVisibility() && element.type !== "hidden" && !element.closest(".skip"))
  .map((element) => [element.getBoundingClientRect(), element])
  .filter(([box, element]) => (box.height < 24 && element.type !== "checkbox") || box.width < 16)
  .map(([box, element]) => `${Math.round(box.width)}x${Math.round(box.height)} ${element.textContent.trim().slice(0, 30)}`)"""


@dataclass
class Served:
    """The application on an address of its own, with orders in every state."""

    address: str
    keeper: Shopkeeper
    made: dict[str, str]

    @property
    def pages(self) -> list[str]:
        browser = self.keeper.house.app().test_client()
        story = browser.get(f"/v1/orders/{self.made['split']}", headers=self.keeper.bearer).json
        dead = browser.get("/v1/commands?status=dead", headers=self.keeper.bearer).json["items"][0]["id"]
        failed = browser.get("/v1/events?status=failed", headers=self.keeper.bearer).json["items"][0]["id"]
        return [
            "/", "/?q=nothing", f"/orders/{self.made['split']}", f"/orders/{self.made['dead']}", f"/decisions/{story['decisions'][0]['id']}",
            "/events", f"/events/{failed}", "/deliveries", f"/deliveries/{dead}", "/connections", "/notifications", "/stock", "/rules",
            "/rules/outlet_assignment", "/docs",
        ]  # fmt: skip


@pytest.fixture
def served(sqlite_database: Database, redis_server: Redis, make_merchant: Callable[..., Merchant]) -> Iterator[Served]:
    keeper = open_shop(House(sqlite_database, redis_server), make_merchant)
    server = make_server("127.0.0.1", 0, keeper.house.app(), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Served(f"http://127.0.0.1:{server.port}", keeper, seed(keeper))
    server.shutdown()
    thread.join()
    server.server_close()


def _signed_in(context: BrowserContext, served: Served, who: str = "admin") -> Page:
    page = context.new_page()
    page.goto(f"{served.address}/sign-in")
    page.get_by_label("E-mail address").fill(f"{who}@tulip.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Orders")).to_be_visible()
    return page


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (360, "dark"), (1280, "light"), (1280, "dark")])
def test_every_page_is_readable_whatever_the_screen(browser: Browser, served: Served, width: int, scheme: Any) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = _signed_in(context, served)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    for address in served.pages:
        page.goto(served.address + address)
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
        assert page.evaluate(POOR_CONTRAST) == [], address
        assert page.evaluate(SMALL_TARGETS) == [], address
    context.close()
    assert complaints == []


def test_support_finds_and_repairs_an_order_without_any_script(browser: Browser, served: Served) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = _signed_in(context, served, "support")
    page.get_by_label("Any number, e-mail address or name").fill("mo@example.net")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="7Q2XT").click()
    expect(page.get_by_text("product VASE is archived in the till").first).to_be_visible()
    page.get_by_text("Try again…").click()
    page.get_by_label("Reason (kept on record)").fill("the article is back")
    page.get_by_role("button", name="Try again").click()

    expect(page.get_by_role("status").first).to_contain_text("is tried again now")
    expect(page.get_by_text("Could not be told")).to_have_count(0)
    context.close()


def test_search_narrows_down_while_one_types(browser: Browser, served: Served) -> None:
    context = browser.new_context()
    page = _signed_in(context, served)
    page.get_by_label("Any number, e-mail address or name").press_sequentially("7q2xm")

    expect(page.get_by_role("row")).to_have_count(2)
    expect(page).to_have_url(f"{served.address}/?q=7q2xm")
    context.close()


def test_an_order_page_follows_what_happens_until_nothing_is_under_way(browser: Browser, served: Served) -> None:
    keeper = served.keeper
    answer = post(keeper.house.app().test_client(), keeper, cloud_event("order.placed", placed("LIVE1"), source="tulip-shop"))
    context = browser.new_context()
    page = _signed_in(context, served)
    page.goto(f"{served.address}/orders/{answer.json['order']}")
    expect(page.get_by_text("Being told")).to_be_visible()
    while keeper.house.app().test_client().get(f"/v1/orders/{answer.json['order']}", headers=keeper.bearer).json["commands"][0]["status"] != "done":
        keeper.succeed(keeper.till, "The sale was made.")

    expect(page.get_by_text("The sale was made.")).to_be_visible(timeout=15_000)
    context.close()


def test_the_keyboard_alone_reaches_the_content_and_shows_where_it_is(browser: Browser, served: Served) -> None:
    context = browser.new_context()
    page = _signed_in(context, served)
    page.goto(served.address)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")

    focused = page.evaluate("[document.activeElement.closest('main') !== null, getComputedStyle(document.activeElement).outlineStyle]")
    assert focused == [True, "solid"]
    context.close()
