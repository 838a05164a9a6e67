"""The pages about rules in a real browser: readable in light and dark, on a phone and a wide screen; without scripts they save."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_pages import POOR_CONTRAST, SMALL_TARGETS, Served, _signed_in, served  # noqa: F401 - a fixture

TEXT = """decision: outlet_assignment
layer: true

rules:
  - id: big-orders   # agreed
    when:
      - ordr.total > 100 EUR
      - any:
          - outlet.kind is warehouse
          - order.customer.group in [consumer, staff]
    then:
      - prefer outlet by 10 because "it is big"

  - id: by-size
    description: Rows.
    table:
      hit: first
      when: [order.total, outlet.kind]
      then: [prefer outlet]
      rows:
        - ["> 100 EUR", warehouse, 10]
        - [any, store, 5]
"""
LAYER = "layer/outlet_assignment.yaml"


def _draft(page: Page, served: Served) -> str:  # noqa: F811
    page.goto(f"{served.address}/rules/outlet_assignment")
    page.get_by_role("button", name="Change these rules").click()
    return page.url.removesuffix(f"/{LAYER}")


def _is_readable(page: Page, width: int, where: str) -> None:
    page.evaluate("document.querySelectorAll('details:not(.keys)').forEach((each) => { each.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width, where
    assert page.evaluate(POOR_CONTRAST) == [], where
    assert page.evaluate(SMALL_TARGETS) == [], where


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1400, "light")])
def test_every_page_about_drafts_is_readable_whatever_the_screen(browser: Browser, served: Served, width: int, scheme: Any) -> None:  # noqa: F811
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = _signed_in(context, served)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    draft = _draft(page, served)
    page.locator("#text").fill(TEXT)
    expect(page.locator("#problems")).to_contain_text("There is no fact `ordr`")
    for rule in ("big-orders", "by-size"):
        page.get_by_role("button", name=rule).click()
        expect(page.locator(".rulecard.open")).to_contain_text(rule)
        _is_readable(page, width, rule)
    page.locator("#text").fill(TEXT.replace("ordr", "order"))
    for tab, said in (("try", "It comes to"), ("tests", "examples cover"), ("proof", "Nothing was proved")):
        page.locator(f"#tab-{tab}").click()
        expect(page.locator(f"#panel-{tab}")).to_contain_text(said, timeout=30_000)
        _is_readable(page, width, tab)
    page.keyboard.press("Control+s")
    expect(page.locator("#saved")).to_have_text("Saved")
    for address in ("", "/outlet_assignment.yaml", "/layer/outlet_assignment.examples.yaml", "/diff"):
        page.goto(draft + address)
        _is_readable(page, width, address)
    page.goto(f"{served.address}/rules/drafts")
    _is_readable(page, width, "drafts")
    context.close()
    assert complaints == []


def test_without_scripts_a_file_is_read_and_saved_and_two_admins_see_both_texts(browser: Browser, served: Served) -> None:  # noqa: F811
    context = browser.new_context(java_script_enabled=False)
    page = _signed_in(context, served)
    draft = _draft(page, served)
    other = context.new_page()
    other.goto(f"{draft}/{LAYER}")
    page.get_by_role("textbox", name="Text", exact=True).fill(TEXT)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_contain_text("Saved as revision 2")
    expect(page.locator("#problems")).to_contain_text("There is no fact `ordr`")
    expect(page.locator("#structure")).to_contain_text("outlet.kind is warehouse")

    other.get_by_role("textbox", name="Text", exact=True).fill("# my own idea\n")
    other.get_by_role("button", name="Save").click()
    expect(other.get_by_role("heading", level=1)).to_have_text("Somebody else saved this file")
    expect(other.get_by_role("textbox", name="Your text")).to_have_value("# my own idea\n")
    expect(other.locator("pre")).to_contain_text("big-orders")
    context.close()


def test_both_sides_change_one_text_and_one_undo_takes_it_back(browser: Browser, served: Served) -> None:  # noqa: F811
    context = browser.new_context()
    page = _signed_in(context, served)
    _draft(page, served)
    text = page.get_by_role("textbox", name="Text", exact=True)
    begun = text.input_value()
    page.get_by_role("textbox", name="New rule").fill("parcels")
    page.get_by_role("button", name="+ Add rule").click()
    expect(text).to_have_value(f"{begun.removesuffix(' []' + chr(10))}\n  - id: parcels\n    when:\n      - order.state is received\n    then:\n      - exclude outlet\n")
    page.get_by_label("Field").focus()
    page.get_by_label("Field").select_option("order.total")
    expect(page.get_by_label("Field")).to_be_focused()
    expect(text).to_have_value(f"{begun.removesuffix(' []' + chr(10))}\n  - id: parcels\n    when:\n      - order.total is 50.00 EUR\n    then:\n      - exclude outlet\n")
    page.get_by_label("Value").fill("70 EUR")
    page.get_by_label("Because").fill("parcels are dear")
    page.keyboard.press("Enter")
    expect(text).to_have_value(f"{begun.removesuffix(' []' + chr(10))}\n  - id: parcels\n    when:\n      - order.total is 70 EUR\n    then:\n      - exclude outlet because \"parcels are dear\"\n")

    text.press("Control+End")
    page.keyboard.type("# a word of mine")
    expect(page.locator(".rulecard.open")).to_have_count(1)
    for _ in range(80):
        page.keyboard.press("Control+z")
    expect(text).to_have_value(begun)
    expect(page.locator("[data-open=parcels]")).to_have_count(0)
    context.close()


def test_words_that_fit_are_offered_and_taken_with_the_keyboard(browser: Browser, served: Served) -> None:  # noqa: F811
    context = browser.new_context()
    page = _signed_in(context, served)
    _draft(page, served)
    text = page.get_by_role("textbox", name="Text", exact=True)
    text.fill("decision: outlet_assignment\nlayer: true\n\nrules:\n  - id: a\n    when:\n      - ")
    text.press("Control+End")
    page.keyboard.type("outlet.ki")
    option = page.locator("#completions").get_by_role("option", name="outlet.kind")
    expect(option).to_be_visible()
    assert text.get_attribute("aria-activedescendant") == "completion-0"
    page.keyboard.press("Enter")
    page.keyboard.type(" is ")
    page.keyboard.press("Control+Space")
    expect(page.get_by_role("option", name="warehouse", exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#completions")).to_be_hidden()
    page.keyboard.type("store")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    expect(text).to_have_value(
        "decision: outlet_assignment\nlayer: true\n\nrules:\n  - id: a\n    when:\n      - outlet.kind is store\n      - "
    )
    context.close()


def test_the_keyboard_alone_writes_a_rule_and_leaves_the_text(browser: Browser, served: Served) -> None:  # noqa: F811
    context = browser.new_context(viewport={"width": 390, "height": 900})
    page = _signed_in(context, served)
    page.goto(f"{served.address}/rules/order_intake")
    page.get_by_role("button", name="Change these rules").focus()
    page.keyboard.press("Enter")
    text = page.get_by_role("textbox", name="Text", exact=True)
    text.focus()
    expect(page.locator("#where")).to_contain_text("Line 1")  # scripts have come
    expect(text).to_be_focused()
    page.keyboard.press("Control+End")
    page.keyboard.press("Tab")
    expect(text).to_be_focused()
    expect(text).to_have_value("decision: order_intake\nlayer: true\n\nrules: []\n  ")
    page.keyboard.press("Control+z")
    expect(text).to_have_value("decision: order_intake\nlayer: true\n\nrules: []\n")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(text).not_to_be_focused()
    context.close()
