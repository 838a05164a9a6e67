"""A rule's whole way, in a real browser: written with a typo, mended, proved, simulated, published, seen at work, rolled back."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.running_house import RunningHouse

SECONDS = 60_000
RULES = """decision: outlet_assignment
layer: true

rules:
  - id: utrecht-rests
    description: Utrecht has its day off.
    priority: 20
    when:
      - outlet.cod is utrecht
      - outlet.code is amsterdam
    then:
      - exclude outlet because "Utrecht has its day off"
"""


def test_a_rule_is_written_mended_proved_simulated_published_seen_at_work_and_rolled_back(page: Page, running: RunningHouse) -> None:
    before = _place_an_order(page, running)
    _sign_in(page, running)
    _reads(page, running, before, "utrecht-rests", there=False)

    _write_with_a_typo_and_mend_it(page, running)
    _prove_and_mend(page)
    _say_what_is_expected_now(page)
    _simulate(page)
    _publish(page)
    with_rule = _place_an_order(page, running)
    _reads(page, running, with_rule, "utrecht-rests", there=True)

    _roll_back(page, running)
    after = _place_an_order(page, running)
    _reads(page, running, after, "utrecht-rests", there=False)


def _sign_in(page: Page, running: RunningHouse) -> None:
    page.goto(f"{running.wissel}/sign-in")
    page.get_by_label("E-mail", exact=False).fill(running.email)
    page.get_by_label("Password").fill(running.password)
    page.get_by_role("button", name="Sign in").click()


def _place_an_order(page: Page, running: RunningHouse) -> str:
    """Order an Oolong, which only Utrecht has."""
    page.goto(running.shop)
    page.get_by_label("Oolong", exact=False).fill("1")
    page.get_by_label("Name", exact=True).fill("Sanne de Wit")
    page.get_by_label("E-mail", exact=False).fill("sanne@example.org")
    page.get_by_role("button", name="Place the order").click()
    return page.url.rsplit("/", 1)[1]


def _reads(page: Page, running: RunningHouse, number: str, rule: str, *, there: bool) -> None:
    """Open the trace of the order's own decision, and see whether the rule speaks in it."""
    link = page.get_by_role("link", name=number).first
    for _ in range(120):
        page.goto(f"{running.wissel}/?q={number}")
        if link.is_visible():
            break
        page.wait_for_timeout(250)
    link.click()
    page.locator("a[href^='/decisions/']").last.click()
    page.goto(f"{page.url}?rules=all")
    expect(page.locator("main")).to_contain_text("lines-stay-whole")
    if there:
        expect(page.locator("main")).to_contain_text(rule)
    else:
        expect(page.locator("main")).not_to_contain_text(rule)


def _write_with_a_typo_and_mend_it(page: Page, running: RunningHouse) -> None:
    page.goto(f"{running.wissel}/rules/outlet_assignment")
    page.get_by_role("button", name="Change these rules").click()
    text = page.get_by_role("textbox", name="Text", exact=True)
    text.fill(RULES)
    problems = page.locator("#problems")
    expect(problems).to_contain_text("`outlet` has no field `cod`. Did you mean `outlet.code`?")
    problems.get_by_role("link", name="line 9").click()
    expect(page.locator("#where")).to_contain_text("has no field `cod`")
    _select(page, "outlet.cod")
    page.keyboard.type("outlet.cod")
    expect(page.get_by_role("option").first).to_contain_text("outlet.code")
    page.keyboard.press("Tab")
    expect(text).to_have_value(RULES.replace("outlet.cod ", "outlet.code "))
    expect(problems).to_contain_text("No problems")
    page.keyboard.press("Control+s")
    expect(page.locator("#saved")).to_have_text("Saved")


def _prove_and_mend(page: Page) -> None:
    page.get_by_role("tab", name="Proof").click()
    page.get_by_role("button", name="Prove this draft").click()
    proof = page.locator("#proof")
    expect(proof).to_contain_text("Never matches", timeout=SECONDS)
    expect(proof).to_contain_text("utrecht-rests")
    expect(page.locator(".gutter .has-warning")).to_have_count(1)

    page.get_by_role("tab", name="Cards").click()
    page.get_by_role("button", name="utrecht-rests").click()
    page.get_by_role("button", name="Remove condition").nth(1).click()
    expect(page.get_by_role("textbox", name="Text", exact=True)).to_have_value(
        RULES.replace("outlet.cod ", "outlet.code ").replace("      - outlet.code is amsterdam\n", "")
    )
    page.get_by_role("tab", name="Proof").click()
    page.get_by_role("button", name="Prove again").click()
    expect(proof.locator("summary", has_text="utrecht-rests")).to_have_count(0, timeout=SECONDS)
    expect(proof).not_to_contain_text("of an earlier text", timeout=SECONDS)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#saved")).to_have_text("Saved")


def _say_what_is_expected_now(page: Page) -> None:
    """The base book promises otherwise of Utrecht in one example: the merchant restates it."""
    page.get_by_role("tab", name="Examples").click()
    expect(page.locator("#tests")).to_contain_text("1 of", timeout=SECONDS)
    page.get_by_role("button", name="Expect what it comes to").click()
    expect(page.locator("#tests")).to_contain_text("pass", timeout=SECONDS)
    expect(page.locator("#tests .tag.bad")).to_have_count(0, timeout=SECONDS)


def _simulate(page: Page) -> None:
    page.locator(".crumbs a").last.click()
    draft = page.url
    page.get_by_role("link", name="Simulate").click()
    page.get_by_role("button", name="Start the simulation").click()
    expect(page.locator("main")).to_contain_text("utrecht-rests", timeout=SECONDS)
    page.goto(draft)


def _publish(page: Page) -> None:
    expect(page.locator("main")).to_contain_text("Nothing is in the way.")
    page.get_by_label("What changes, and why", exact=False).fill("Utrecht rests today")
    page.get_by_role("button", name="Publish", exact=False).click()
    expect(page.get_by_role("status").first).to_contain_text("decides from the next event on")


def _roll_back(page: Page, running: RunningHouse) -> None:
    page.goto(f"{running.wissel}/rules/versions")
    page.get_by_text("Roll back to version 1…").click()
    page.get_by_label("Reason (kept on record)").fill("Utrecht is back")
    page.get_by_role("button", name="Roll back to version 1", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("the rules of version 1 again")


def _select(page: Page, part: str) -> None:
    """Select the first occurrence of a part of the text, as with the mouse."""
    page.evaluate(
        "part => { const area = document.getElementById('text'); const at = area.value.indexOf(part);"
        " area.focus(); area.setSelectionRange(at, at + part.length); }",
        part,
    )
