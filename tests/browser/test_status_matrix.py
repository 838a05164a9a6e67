"""The status matrix in a real browser: readable on a phone, a wide screen and paper, in light and dark, without scripts."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.test_pages import POOR_CONTRAST, SMALL_TARGETS, Served, _signed_in, served  # noqa: F401 - a fixture


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (900, "light"), (1440, "light")])
def test_the_matrix_is_readable_whatever_the_screen(browser: Browser, served: Served, width: int, scheme: Any) -> None:  # noqa: F811
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = _signed_in(context, served)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(f"{served.address}/rules/matrix?shops=all")
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(POOR_CONTRAST) == []
    assert page.evaluate(SMALL_TARGETS) == []
    context.close()
    assert complaints == []


def test_support_finds_what_a_shop_shows_without_any_script_and_reads_the_rule(browser: Browser, served: Served) -> None:  # noqa: F811
    context = browser.new_context(java_script_enabled=False, viewport={"width": 1280, "height": 800})
    page = _signed_in(context, served, "support")
    page.get_by_role("link", name="Rules").click()
    page.get_by_role("link", name="Status matrix").click()
    page.get_by_role("link", name="BigCommerce").click()
    page.get_by_role("link", name="Pickup", exact=True).click()
    row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name="Packed"))
    expect(row).to_have_count(1)
    expect(row.get_by_role("cell")).to_contain_text("Awaiting Pickup")
    row.get_by_role("link", name="status-matrix, row").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Status to shop")
    expect(page.locator(":target")).to_contain_text("order.fulfilment_status is packed")
    expect(page.locator(":target")).to_be_visible()
    context.close()


def test_headings_and_what_happens_stay_in_sight(browser: Browser, served: Served) -> None:  # noqa: F811
    context = browser.new_context(viewport={"width": 1440, "height": 700})
    page = _signed_in(context, served)
    page.goto(f"{served.address}/rules/matrix?shops=all")
    page.get_by_role("rowheader", name="Cancelled and held").scroll_into_view_if_needed()
    expect(page.get_by_role("columnheader", name="Magento").first).to_be_in_viewport()
    page.set_viewport_size({"width": 800, "height": 700})
    page.get_by_role("rowheader", name="In progress").scroll_into_view_if_needed()
    page.locator(".wide").first.evaluate("(each) => { each.scrollLeft = 10000 }")
    expect(page.get_by_role("rowheader", name="In progress")).to_be_in_viewport()
    context.close()


def test_on_paper_exceptions_are_spelled_out_and_controls_left_out(browser: Browser, served: Served) -> None:  # noqa: F811
    context = browser.new_context()
    page = _signed_in(context, served)
    page.goto(f"{served.address}/rules/matrix?shops=lightspeed_ecom")
    page.emulate_media(media="print")
    expect(page.get_by_text("Holds while the shop shows Awaiting Processing.").first).to_be_visible()
    expect(page.get_by_role("link", name="Pickup", exact=True)).to_be_hidden()
    context.close()
