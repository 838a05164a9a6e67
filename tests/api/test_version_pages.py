"""The pages about versions and about who did what: what they show, to whom, and that going back works without JavaScript."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from store import audit
from store.rule_models import Publication
from tests.api.house import Shopkeeper, open_shop, sign_in, token
from tests.api.rule_making import SHIPPED, begin, current, put, with_layer
from tests.api.test_pages import Structure


@pytest.fixture
def two(keeper: Shopkeeper) -> Publication:
    """The shipped rules, then a version that holds very large orders."""
    made = put(keeper, with_layer(), "Hold very large orders")
    with keeper.house.database.session(keeper.merchant.id) as session:
        audit.record(session, who=made.by, action="publish rules", about="rules version:2", reason=made.comment)
    return made


def text_of(browser: FlaskClient, address: str, status: int = 200) -> str:
    answer = browser.get(address)
    assert answer.status_code == status, address
    return answer.get_data(as_text=True)


def roll_back(browser: FlaskClient, version: str, reason: str) -> Any:
    form = {"csrf_token": token(browser, "/rules/versions"), "reason": reason}
    return browser.post(f"/rules/versions/{version}/rollback", data=form)


PAGES = (
    "/rules/versions", "/rules/versions/1", "/rules/versions/2", "/rules/versions/1/diff/2", "/rules/versions/2/diff/1",
    "/rules/versions/2/diff/2", "/rules/versions/current", "/audit", "/audit?q=large", "/audit?action=publish+rules&who=key+admin+key",
    "/audit?from=2026-01-01&to=9998-12-31", "/audit?q=nothing+like+it", "/audit?about=rules+version:2",
)  # fmt: skip


@pytest.mark.parametrize("who", ["admin", "support"])
def test_every_page_is_well_made(request: pytest.FixtureRequest, two: Publication, who: str) -> None:
    browser = request.getfixturevalue(who)
    for address in PAGES:
        page = Structure(text_of(browser, address))
        assert page.h1 == 1, address
        assert [field for field in page.fields if field.get("id") not in page.labelled] == [], address
        assert len(page.ids) == len(set(page.ids)), address
        assert page.foreign == [] and page.inline == [] and page.captionless == 0, address


def test_the_history_says_who_published_what_why_and_what_it_changed(admin: FlaskClient, two: Publication) -> None:
    page = text_of(admin, "/rules/versions")
    assert "Hold very large orders" in page and "key admin key" in page
    assert "order_intake: rule very-large new." in page
    assert "examples pass" in page and "rules covered" in page and "Not proved" in page
    assert page.index("Version 2") < page.index("Decides now") < page.index("Version 1</a>")


def test_a_difference_is_shown_by_rule_with_both_sides_marked_in_words(admin: FlaskClient, two: Publication) -> None:
    page = text_of(admin, "/rules/versions/1/diff/2")
    assert "rule <code>very-large</code>" in page and "Added" in page
    assert "<ins>id: very-large</ins>" in page and "after:" in page
    back = text_of(admin, "/rules/versions/2/diff/1")
    assert "Removed" in back and "<del>id: very-large</del>" in back and "before:" in back
    assert "the very same files" in text_of(admin, "/rules/versions/2/diff/2")


def test_two_versions_chosen_in_the_form_are_compared(admin: FlaskClient, two: Publication) -> None:
    answer = admin.get("/rules/versions/compare?from=1&to=2")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/rules/versions/1/diff/2")
    text_of(admin, "/rules/versions/compare?from=1", 400)


def test_comments_alone_are_a_version_that_decides_the_same(admin: FlaskClient, keeper: Shopkeeper) -> None:
    for note in ("# first\n", "# <b>note</b>\n"):
        put(keeper, {**SHIPPED, "order_intake.yaml": SHIPPED["order_intake.yaml"] + note}, "a note")
    page = text_of(admin, "/rules/versions/2/diff/3")
    assert "Both decide exactly the same." in page and "<ins># &lt;b&gt;note&lt;/b&gt;</ins>" in page
    assert "decides exactly the same as what decides now" in text_of(admin, "/rules/versions/2")
    assert "compare to see" in text_of(admin, "/rules/versions/1")


def test_going_back_takes_a_reason_and_is_one_form(admin: FlaskClient, keeper: Shopkeeper, two: Publication) -> None:
    before = current(keeper)
    refused = roll_back(admin, "1", " ")
    assert refused.status_code == 422 and "Say in a few words" in refused.get_data(as_text=True)
    assert current(keeper) == before
    assert roll_back(admin, "1", "Too many orders were held").status_code == 303
    page = text_of(admin, "/rules/versions")
    assert "Version 3 decides from the next event on: the rules of version 1 again." in page
    assert "Back to version 1" in page and "Too many orders were held" in page and "admin@tulip.example" in page
    assert current(keeper) == two.replaces
    again = roll_back(admin, "1", "again")
    assert again.status_code == 422 and "decides now" in again.get_data(as_text=True)


def test_support_reads_but_goes_back_to_nothing(support: FlaskClient, keeper: Shopkeeper, two: Publication) -> None:
    before = current(keeper)
    page = text_of(support, "/rules/versions")
    assert "Roll back" not in page and "Compare" in page
    assert roll_back(support, "1", "mischief").status_code == 403
    form = {"csrf_token": token(support, "/rules/versions")}
    assert support.post("/rules/versions/1/draft", data=form).status_code == 403
    assert current(keeper) == before


def test_a_form_without_its_token_goes_back_to_nothing(admin: FlaskClient, keeper: Shopkeeper, two: Publication) -> None:
    before = current(keeper)
    assert admin.post("/rules/versions/1/rollback", data={"reason": "forged"}).status_code == 400
    assert current(keeper) == before


def test_a_draft_is_begun_with_an_old_version(admin: FlaskClient, client: FlaskClient, keeper: Shopkeeper, two: Publication) -> None:
    form = {"csrf_token": token(admin, "/rules/versions")}
    assert admin.post("/rules/versions/1/draft", data=form).status_code == 303
    (draft,) = client.get("/v1/rule-drafts", headers=keeper.bearer).json["items"]
    assert (draft["name"], draft["created_by"]) == ("From version 1", "admin@tulip.example")


def test_a_version_that_is_not_there_is_said_in_a_sentence(admin: FlaskClient, two: Publication) -> None:
    for address in ("/rules/versions/9", "/rules/versions/nope", "/rules/versions/1/diff/9", "/rules/versions/%00"):
        assert admin.get(address).status_code in (400, 404), address


def test_older_versions_are_a_page_further(admin: FlaskClient, keeper: Shopkeeper) -> None:
    from store import books

    with keeper.house.database.session(keeper.merchant.id) as session:
        for number in range(25):
            books.publish(session, {"order_intake.yaml": f"# {number}"}, f"{number:064x}", "tests", f"change {number}")
    page = text_of(admin, "/rules/versions")
    assert "change 24" in page and "change 5</b>" in page and "change 4</b>" not in page
    older = page.split('href="/rules/versions?cursor=')[1].split('"')[0]
    assert "change 4</b>" in text_of(admin, f"/rules/versions?cursor={older}")


def test_the_audit_log_finds_by_person_thing_words_and_day(admin: FlaskClient, client: FlaskClient, keeper: Shopkeeper, two: Publication) -> None:
    begin(client, keeper, name="Another draft")
    assert "Another draft" in text_of(admin, "/audit")
    assert "Another draft" not in text_of(admin, "/audit?action=publish+rules")
    assert "Hold very large orders" in text_of(admin, "/audit?action=publish+rules")
    assert 'href="/rules/versions/2"' in text_of(admin, "/audit?q=very+LARGE")
    assert "Nothing matches" in text_of(admin, "/audit?q=100%25")
    assert "Nothing matches" in text_of(admin, "/audit?to=2020-01-01")
    assert "Another draft" not in text_of(admin, "/audit?about=rules+version:2")
    for wrong in ("from=yesterday", "to=2026-02-30", "from=9999-99-99", "to=9999-12-31"):
        assert admin.get(f"/audit?{wrong}").status_code == 422
    assert admin.get("/audit?cursor=forged").status_code == 422


def test_the_audit_log_goes_on_where_the_page_before_ended(admin: FlaskClient, keeper: Shopkeeper) -> None:
    with keeper.house.database.session(keeper.merchant.id) as session:
        for number in range(120):
            audit.record(session, who="ann", action="count", about=f"number:{number}", reason=f"reason-{number}.")
    seen, address = [], "/audit?who=ann"
    for _ in range(3):
        page = text_of(admin, address)
        seen += [int(part.split(".")[0]) for part in page.split("reason-")[1:]]
        if "Older entries" in page:
            address = page.split('class="button" href="')[-1].split('"')[0].replace("&amp;", "&")
    assert sorted(seen) == list(range(120))


def test_a_merchant_sees_neither_versions_nor_deeds_of_another(
    app: Any, keeper: Shopkeeper, two: Publication, make_merchant: Any
) -> None:
    open_shop(keeper.house, make_merchant, "rival")
    rival = app.test_client()
    sign_in(rival, "admin@rival.example")
    assert "Hold very large orders" not in text_of(rival, "/rules/versions")
    for version in ("2", two.version, two.version[:8]):
        text_of(rival, f"/rules/versions/{version}", 404)
        text_of(rival, f"/rules/versions/1/diff/{version}", 404)
        assert roll_back(rival, version, "mischief").status_code == 404
    assert "Hold very large orders" not in text_of(rival, "/audit")
