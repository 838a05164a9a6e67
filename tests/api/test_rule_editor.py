"""Drafts and their editor: written, checked, tried, published; nobody's text is ever overwritten or lost."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from store import books, drafts
from tests.api.house import Shopkeeper, token

FILE = "layer/outlet_assignment.yaml"
GOOD = """decision: outlet_assignment
layer: true

rules:
  - id: big-orders   # asked for by the warehouse
    description: Big orders go out of the warehouse.
    priority: 40
    when:
      - order.total > 100 EUR
      - outlet.kind is warehouse
    then:
      - prefer outlet by 10 because "it is big"
"""


class Desk:
    """One person's browser with one draft open."""

    def __init__(self, browser: FlaskClient, draft: str = "") -> None:
        self.browser = browser
        self.csrf = token(browser, "/rules")
        self.draft = draft or self._begin()

    def _begin(self) -> str:
        answer = self.browser.post("/rules/drafts", data={"csrf_token": self.csrf, "name": "Big orders"})
        return str(answer.headers["Location"].rsplit("/", 1)[1])

    def ask(self, what: str, text: str = GOOD, file: str = FILE, **more: Any) -> Any:
        headers = {"X-CSRFToken": self.csrf}
        return self.browser.post(f"/rules/drafts/{self.draft}/{what}.json", json={"file": file, "text": text, **more}, headers=headers)

    def save(self, text: str = GOOD, base: str = "none", file: str = FILE) -> Any:
        return self.ask("save", text, file, base=base)

    def page(self, file: str = "") -> str:
        return self.browser.get(f"/rules/drafts/{self.draft}" + (f"/{file}" if file else "")).get_data(as_text=True)

    def form(self, what: str, **fields: str) -> Any:
        return self.browser.post(f"/rules/drafts/{self.draft}/{what}", data={"csrf_token": self.csrf, **fields})


@pytest.fixture
def desk(admin: FlaskClient) -> Desk:
    return Desk(admin)


def texts_of(keeper: Shopkeeper, draft: str) -> dict[str, str]:
    with keeper.house.database.session(keeper.merchant.id, read_only=True) as session:
        return dict(drafts.get(session, draft).texts)


def test_a_draft_begins_as_what_decides_now(desk: Desk, keeper: Shopkeeper) -> None:
    with keeper.house.database.session(keeper.merchant.id, read_only=True) as session:
        published = books.texts(session, books.current_version(session) or "")

    assert texts_of(keeper, desk.draft) == published
    assert "Nothing differs from what decides now" in desk.page()


def test_a_file_is_saved_by_a_plain_form_and_by_the_page(desk: Desk, keeper: Shopkeeper) -> None:
    answer = desk.form(FILE, text=GOOD.replace("\n", "\r\n"), base="none")
    assert answer.status_code == 303
    assert texts_of(keeper, desk.draft)[FILE] == GOOD

    base = desk.page(FILE).split('name="base" value="')[1].split('"')[0]
    answer = desk.save(GOOD.replace("10", "20"), base)

    assert answer.json["revision"] == 3
    assert "prefer outlet by 20" in texts_of(keeper, desk.draft)[FILE]


def test_a_typo_is_told_with_its_line_and_the_nearest_name(desk: Desk) -> None:
    answer = desk.ask("check", GOOD.replace("order.total", "ordr.total")).json

    assert answer["problems"] == [
        {"line": 9, "column": 9, "severity": "error",
         "message": "There is no fact `ordr`. Did you mean `order`? It sees: event, shop, order, line, outlet, stock, setting."}
    ]  # fmt: skip
    assert 'data-line="9"' in answer["list"]


def test_errors_in_other_files_are_pointed_at(desk: Desk) -> None:
    desk.save("decision: order_intake\nlayer: true\nrules: 3\n", file="layer/order_intake.yaml")

    assert "layer/order_intake.yaml</a> has 1 error" in desk.ask("check").json["list"]


def test_the_opened_rule_is_made_of_fields_with_only_the_choices_that_fit(desk: Desk) -> None:
    cards = desk.ask("check", open="big-orders").json["structure"]

    assert '<option value="order.total" title="What the customer pays, tax and shipping included." selected>' in cards
    assert '<option value="&gt;" selected>' in cards and '<option value="starts with"' not in cards
    assert '<option value="warehouse" selected>' in cards and '<option value="store" >' in cards
    assert 'value="100 EUR"' in cards


def test_two_admins_at_one_file_are_told_and_nothing_is_overwritten(desk: Desk, keeper: Shopkeeper) -> None:
    desk.save()
    answer = desk.save(GOOD.replace("10", "99"), base="none")

    assert answer.status_code == 409
    assert answer.json["text"] == GOOD
    assert "Nothing was overwritten" in answer.json["html"]
    assert texts_of(keeper, desk.draft)[FILE] == GOOD


def test_a_plain_form_that_comes_too_late_shows_both_texts(desk: Desk, keeper: Shopkeeper) -> None:
    desk.save()
    answer = desk.form(FILE, text=GOOD.replace("it is big", "it is huge"), base="none")
    page = answer.get_data(as_text=True)

    assert answer.status_code == 409
    assert "it is huge" in page and "it is big" in page
    assert texts_of(keeper, desk.draft)[FILE] == GOOD


def test_two_admins_at_two_files_of_one_draft_do_not_get_in_each_others_way(desk: Desk, keeper: Shopkeeper) -> None:
    other = GOOD.replace("outlet_assignment", "staff_notification").replace("prefer outlet by 10", "notify outlet").replace("big-orders", "big-news")
    assert desk.save().status_code == 200
    assert desk.save(other, file="layer/staff_notification.yaml").status_code == 200

    assert {FILE, "layer/staff_notification.yaml"} <= set(texts_of(keeper, desk.draft))


def test_saving_the_same_twice_changes_nothing(desk: Desk) -> None:
    assert desk.save().json["revision"] == 2
    assert desk.save().json["revision"] == 2


def test_an_order_is_tried_condition_by_condition_against_the_text_on_the_screen(desk: Desk) -> None:
    facts = "facts:\n  order: {total: 20 EUR, fulfilment_type: delivery}\n  outlet:\n    - {id: warehouse, kind: warehouse, open: true}\n"
    html = desk.ask("try", facts=facts).json["html"]
    assert "Not met" in html and "found 20.00 EUR" in html

    html = desk.ask("try", facts=facts.replace("20 EUR", "200 EUR")).json["html"]

    assert "Different from what decides now" in html
    assert "prefer outlet by 10 for warehouse because &#34;it is big&#34;" in html


def test_facts_with_a_mistake_are_told_by_their_line(desk: Desk) -> None:
    html = desk.ask("try", facts="facts:\n  order: {totl: 20 EUR}\n").json["html"]

    assert "Line 2" in html and "total" in html


def test_a_decision_that_was_taken_is_tried_and_kept_as_an_example(desk: Desk, client: FlaskClient, keeper: Shopkeeper) -> None:
    from tests.api.house import cloud_event, placed, post

    post(client, keeper, cloud_event("order.placed", placed("TEA-1")))
    cases = desk.ask("cases", query="TEA-1").json["html"]
    case = cases.split('<option value="decision:')[1].split('"')[0]
    taken = desk.ask("case", case=f"decision:{case}").json
    kept = desk.ask("keep", facts=taken["facts"], name="Tea goes out").json

    assert taken["name"] == "Order TEA-1"
    assert kept["file"] == "layer/outlet_assignment.examples.yaml"
    assert "Tea goes out" in texts_of(keeper, desk.draft)[kept["file"]]
    assert "Tea goes out" in desk.ask("test").json["html"]


def test_an_example_that_fails_is_explained_and_blocks_publishing(desk: Desk, keeper: Shopkeeper) -> None:
    desk.save()
    wrong = """decision: outlet_assignment
examples:
  - name: Small orders too
    facts:
      order: {total: 5 EUR}
      outlet: [{id: warehouse, kind: warehouse}]
    expect: ['prefer outlet by 10 for warehouse because "it is big"']
"""
    desk.save(wrong, file="layer/outlet_assignment.examples.yaml")
    page = desk.page()
    refused = desk.form("publish", revision="3", comment="try")

    assert "1 example fails" in page and "Small orders too" in page
    assert refused.status_code == 422
    assert "was not published" in refused.get_data(as_text=True)
    with keeper.house.database.session(keeper.merchant.id, read_only=True) as session:
        assert len(books.publications(session)) == 1


def test_a_base_example_that_fails_is_restated_among_the_merchants_own(desk: Desk, keeper: Shopkeeper) -> None:
    text = GOOD.replace("order.total > 100 EUR", "order.fulfilment_type is delivery")
    desk.save(text)
    failing = desk.ask("test", text).json["html"]
    name = failing.split('data-restate="')[1].split('"')[0]

    kept = desk.ask("restate", text, name=name).json

    assert kept["file"] == "layer/outlet_assignment.examples.yaml"
    assert "it is big" in texts_of(keeper, desk.draft)[kept["file"]]
    assert "data-restate" not in desk.ask("test", text).json["html"]
    assert desk.ask("restate", text, name=name).status_code == 409


def test_a_draft_is_published_with_its_comment_and_decides_from_then_on(desk: Desk, client: FlaskClient, keeper: Shopkeeper) -> None:
    from tests.api.house import cloud_event, placed, post

    desk.save(GOOD.replace("100 EUR", "1 EUR"))
    assert desk.form("publish", revision="2", comment="Big orders first").status_code == 303

    decision = post(client, keeper, cloud_event("order.placed", placed("BIG-1"))).json["decision"]
    page = desk.browser.get(f"/decisions/{decision}?rules=all").get_data(as_text=True)

    assert "big-orders" in page
    assert "was published by" in desk.page()
    assert desk.save(GOOD, "x").status_code == 409


def test_publishing_needs_a_comment_and_the_newest_revision(desk: Desk) -> None:
    desk.save()

    assert desk.form("publish", revision="2", comment=" ").status_code == 422
    assert desk.form("publish", revision="1", comment="x").status_code == 409
    assert desk.form("publish", revision="soon", comment="x").status_code == 400


def test_a_draft_that_was_overtaken_says_so_and_is_brought_up_to_date(desk: Desk, keeper: Shopkeeper, admin: FlaskClient) -> None:
    desk.save()
    other = Desk(admin)
    other.save("decision: staff_notification\nlayer: true\nrules: []\n", file="layer/staff_notification.yaml")
    assert other.form("publish", revision="2", comment="meanwhile").status_code == 303

    assert "was published since this draft was begun" in desk.page()
    assert desk.form("publish", revision="2", comment="late").status_code == 409
    assert desk.form("rebase", revision="2").status_code == 303
    assert desk.form("publish", revision="3", comment="in time").status_code == 303


def test_files_that_both_changed_are_asked_about(desk: Desk, admin: FlaskClient, keeper: Shopkeeper) -> None:
    desk.save()
    other = Desk(admin)
    other.save(GOOD.replace("it is big", "it is heavy"))
    other.form("publish", revision="2", comment="meanwhile")
    asked = desk.form("rebase", revision="2")
    page = asked.get_data(as_text=True)

    assert asked.status_code == 409
    assert "it is big" in page and "it is heavy" in page
    assert desk.form("rebase", revision="2", **{f"choice:{FILE}": "theirs"}).status_code == 303
    assert "it is heavy" in texts_of(keeper, desk.draft)[FILE]


def test_a_draft_put_aside_stays_readable_and_cannot_be_changed(desk: Desk) -> None:
    assert desk.form("discard", revision="1", reason="not needed").status_code == 303

    assert "was discarded by" in desk.page()
    assert desk.save().status_code == 409


def test_what_people_wrote_never_becomes_part_of_the_page(desk: Desk, admin: FlaskClient) -> None:
    nasty = "<script>alert(1)</script>"
    other = Desk(admin)
    text = GOOD.replace("Big orders go out", nasty).replace("it is big", nasty).replace("outlet.kind is warehouse", f'order.comment is "{nasty}"')
    desk.save(text)
    answers = [desk.page(FILE), desk.page(), str(desk.ask("check", text, open="big-orders").json["structure"]),
               str(other.ask("try", text, facts=f'facts:\n  order: {{comment: "{nasty}"}}\n').json["html"])]  # fmt: skip

    assert not any(nasty in answer for answer in answers)


@pytest.mark.parametrize("address", ["/rules/drafts", "/rules/drafts/{draft}", "/rules/drafts/{draft}/" + FILE, "/rules/drafts/{draft}/outlet_assignment.yaml",
                                     "/rules/drafts/{draft}/layer/outlet_assignment.examples.yaml", "/rules/drafts/{draft}/outlet_assignment.examples.yaml"])  # fmt: skip
def test_every_page_of_a_draft_is_well_made(desk: Desk, address: str) -> None:
    from tests.api.test_pages import Structure

    desk.save()
    answer = desk.browser.get(address.format(draft=desk.draft))
    page = Structure(answer.get_data(as_text=True))

    assert answer.status_code == 200
    assert page.h1 == 1
    assert [field for field in page.fields if field.get("id") not in page.labelled and not field.get("aria-label")] == []
    assert len(page.ids) == len(set(page.ids))
    assert page.foreign == [] and page.inline == []
    assert page.captionless == 0
