"""The tour of the README, in a real browser: one order from the shop to the outlet and back."""

from __future__ import annotations

from pathlib import Path

import psutil
from playwright.sync_api import Page, expect

from tests.browser.running_house import RunningHouse, start

SECONDS = 30_000


def test_an_order_goes_from_the_shop_to_the_till_and_its_status_comes_back(page: Page, running: RunningHouse, tmp_path: Path) -> None:
    number = _place_an_order(page, running)
    _see_it_arrive(page, running, number)
    _pack_and_ship_it(page, running)

    page.goto(f"{running.shop}/admin/orders/{number}")
    _reload_until(page, "Fulfilment status: Shipped")

    page.goto(f"{running.wissel}/?q={number}")
    page.get_by_role("link", name=number).first.click()
    expect(page.locator("main")).to_contain_text("Shop and till say the same")
    expect(page.locator("main")).to_contain_text("set the status to shipped")
    _read_the_trace(page)

    _restart_goes_on(page, running, number, tmp_path)


def _place_an_order(page: Page, running: RunningHouse) -> str:
    page.goto(running.shop)
    page.get_by_label("Glass teapot").fill("1")
    page.get_by_label("Oolong", exact=False).fill("1")
    page.get_by_label("Name", exact=True).fill("Sanne de Wit")
    page.get_by_label("E-mail", exact=False).fill("sanne@example.org")
    page.get_by_role("button", name="Place the order").click()
    return page.url.rsplit("/", 1)[1]


def _see_it_arrive(page: Page, running: RunningHouse, number: str) -> None:
    page.goto(f"{running.wissel}/sign-in")
    page.get_by_label("E-mail", exact=False).fill(running.email)
    page.get_by_label("Password").fill(running.password)
    page.get_by_role("button", name="Sign in").click()
    page.goto(f"{running.wissel}/?q={number}")
    _reload_until(page, "amsterdam", within="main")
    expect(page.locator("main")).to_contain_text("utrecht", ignore_case=True)


def _pack_and_ship_it(page: Page, running: RunningHouse) -> None:
    page.goto(running.till)
    _reload_until(page, "Sanne de Wit")
    for name in ("Mark as packed", "Mark as shipped"):
        buttons = page.get_by_role("button", name=name)
        for left in (1, 0):
            buttons.first.click()
            expect(buttons).to_have_count(left)


def _reload_until(page: Page, text: str, within: str = "body") -> None:
    for _ in range(60):
        if text.lower() in page.locator(within).inner_text().lower():
            return
        page.wait_for_timeout(500)
        page.reload()
    expect(page.locator(within)).to_contain_text(text, ignore_case=True)


def _read_the_trace(page: Page) -> None:
    page.locator("a[href^='/decisions/']").last.click()
    expect(page.locator("main")).to_contain_text("lines-stay-whole")
    page.get_by_role("link", name="All rules").click()
    expect(page.locator("main")).to_contain_text("unusually-large")


def _restart_goes_on(page: Page, running: RunningHouse, number: str, tmp_path: Path) -> None:
    children = psutil.Process(running.process.pid).children(recursive=True)
    assert running.interrupt() == 0
    assert not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children)

    again = start(tmp_path / "var")
    try:
        page.goto(f"{again.shop}/admin/orders/{number}")
        expect(page.locator("body")).to_contain_text("Fulfilment status: Shipped")
        page.goto(f"{again.wissel}/?q={number}")
        expect(page.locator("main")).to_contain_text(number)
    finally:
        again.interrupt()
