"""Who may do what with a draft, and what is refused: other merchants, wrong names, sizes, bodies that make no sense."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from store.models import Merchant
from tests.api.house import House, Shopkeeper, open_shop, sign_in
from tests.api.test_rule_editor import FILE, GOOD, Desk, texts_of

WRITING = ("save", "edit", "format", "keep", "restate", "prove", "finding")
ASKING = ("check", "complete", "cases", "case", "try", "test", "proof")


@pytest.fixture
def desk(admin: FlaskClient) -> Desk:
    return Desk(admin)


@pytest.fixture
def onlooker(desk: Desk, support: FlaskClient) -> Desk:
    """Someone of support looking at the admin's draft."""
    return Desk(support, desk.draft)


@pytest.fixture
def rival(app: Flask, house: House, make_merchant: Callable[..., Merchant], desk: Desk) -> Desk:
    """Another merchant's admin who knows the draft's address."""
    open_shop(house, make_merchant, "rival")
    browser = app.test_client()
    sign_in(browser, "admin@rival.example")
    return Desk(browser, desk.draft)


@pytest.mark.parametrize("what", ASKING)
def test_support_may_look_and_try(onlooker: Desk, what: str) -> None:
    assert onlooker.ask(what, line=1, column=1, query="", case="hand", facts="facts:\n  order: {}\n").status_code == 200


@pytest.mark.parametrize("what", WRITING)
def test_support_may_change_nothing(onlooker: Desk, keeper: Shopkeeper, what: str) -> None:
    before = texts_of(keeper, onlooker.draft)
    answer = onlooker.ask(what, base="none", operation={"op": "remove_rule", "rule": "big-orders"}, name="x", facts="")

    assert answer.status_code == 403
    assert texts_of(keeper, onlooker.draft) == before


@pytest.mark.parametrize("what", ["publish", "discard", "rebase", "prove", "layer", FILE])
def test_no_form_of_a_draft_is_for_support(onlooker: Desk, what: str) -> None:
    assert onlooker.form(what, revision="1", comment="x", text="x").status_code == 403


def test_support_sees_the_text_but_no_way_to_change_it(onlooker: Desk) -> None:
    page = onlooker.page(FILE)

    assert "readonly" in page
    assert ">Save<" not in page and "Add rule" not in page


@pytest.mark.parametrize("what", [*WRITING, *ASKING])
def test_without_its_token_no_question_is_answered(desk: Desk, what: str) -> None:
    answer = desk.browser.post(f"/rules/drafts/{desk.draft}/{what}.json", json={"file": FILE, "text": GOOD, "base": "none"})

    assert answer.status_code == 400
    assert answer.content_type == "application/problem+json"


@pytest.mark.parametrize("what", [*WRITING, *ASKING])
def test_another_merchants_draft_is_not_there(rival: Desk, what: str) -> None:
    answer = rival.ask(what, base="none", operation={"op": "remove_rule"}, facts="facts: {order: {}}", name="x", line=1, column=1, case="", query="")

    assert answer.status_code == 404


def test_no_page_or_form_of_another_merchants_draft_is_there(rival: Desk, keeper: Shopkeeper) -> None:
    before = texts_of(keeper, rival.draft)
    for address in ("", f"/{FILE}", "/outlet_assignment.yaml"):
        assert rival.browser.get(f"/rules/drafts/{rival.draft}{address}").status_code == 404
    for what in ("publish", "discard", "rebase", "prove", FILE):
        assert rival.form(what, revision="1", comment="x", text=GOOD, base="none").status_code == 404

    assert texts_of(keeper, rival.draft) == before


def test_a_decision_of_another_merchant_is_nothing_to_try(desk: Desk, house: House, make_merchant: Callable[..., Merchant]) -> None:
    from tests.api.house import cloud_event, placed, post

    rival = open_shop(house, make_merchant, "rival")
    rival.put_stock({("warehouse", "MUG-BLUE"): 10})
    theirs = post(house.app().test_client(), rival, cloud_event("order.placed", placed("SECRET1"))).json["decision"]

    assert desk.ask("case", case=f"decision:{theirs}").status_code == 404
    assert "SECRET1" not in desk.ask("cases", query="SECRET1").json["html"]


@pytest.mark.parametrize("name", ["../secret.yaml", "layer/../../etc/passwd", "layer/nothing.yaml", "/etc/passwd", "nothing.yaml", "layer/x/y.yaml", ""])
def test_a_file_that_is_none_is_refused_by_name(desk: Desk, keeper: Shopkeeper, name: str) -> None:
    before = texts_of(keeper, desk.draft)

    assert desk.save(file=name).status_code == 404
    assert desk.ask("check", file=name).status_code == 404
    assert texts_of(keeper, desk.draft) == before


def test_the_base_book_is_read_only_here(desk: Desk, keeper: Shopkeeper) -> None:
    before = texts_of(keeper, desk.draft)
    answer = desk.save("decision: outlet_assignment\nrules: []\n", base="x", file="outlet_assignment.yaml")

    assert answer.status_code == 403
    assert "layer/outlet_assignment.yaml" in answer.json["detail"]
    assert texts_of(keeper, desk.draft) == before


@pytest.mark.parametrize("size", [4_100_000, 10_000_000])
def test_a_text_of_any_size_is_refused_clearly(desk: Desk, keeper: Shopkeeper, size: int) -> None:
    before = texts_of(keeper, desk.draft)
    long = "# " + "x" * size
    by_page, by_form = desk.save(long), desk.form(FILE, text=long, base="none")

    assert by_page.status_code in (413, 422) and by_form.status_code == 413
    assert "characters" in str(by_page.json) or "bytes" in str(by_page.json)
    assert texts_of(keeper, desk.draft) == before


@pytest.mark.parametrize(
    "body",
    [{}, {"file": FILE}, {"file": 3, "text": ""}, {"file": FILE, "text": None}, [], {"file": FILE, "text": "a\x00b"}, {"file": FILE, "text": "\ud800"}],
)
def test_what_makes_no_sense_is_refused_and_never_breaks(desk: Desk, body: Any) -> None:
    for what in (*WRITING, *(set(ASKING) - {"case"})):  # which facts a case has does not depend on the text
        answer = desk.browser.post(f"/rules/drafts/{desk.draft}/{what}.json", json=body, headers={"X-CSRFToken": desk.csrf})
        assert 400 <= answer.status_code < 500, (what, answer.status_code)
