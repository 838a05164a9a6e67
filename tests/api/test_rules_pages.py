"""The rules as people read them: every decision with its rules in order, found by any word, with where each comes from."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from engine.language import load_book
from store import books
from tests.api.house import Shopkeeper

LAYER = """decision: outlet_assignment
layer: true
switch_off: [foreign-outlet]
replace:
  - id: outlet-closed
    description: A closed outlet still ships, but reluctantly.
    priority: 20
    when:
      - outlet.open is false
    then:
      - prefer outlet by -50
rules:
  - id: teapots-from-utrecht
    description: Utrecht packs teapots best.
    priority: 30
    when:
      - line.name contains teapot
      - any:
          - outlet.code is utrecht
          - outlet.kind is warehouse
    then:
      - prefer outlet by 5
"""


@pytest.fixture
def layered(keeper: Shopkeeper) -> None:
    """The merchant published a layer that adds, replaces and switches off."""
    with keeper.house.database.session(keeper.merchant.id) as session:
        version = books.current_version(session)
        texts = {**(books.texts(session, version or "") or {}), "layer/outlet_assignment.yaml": LAYER}
        books.publish(session, texts, load_book(texts).version, by="ada@tulip.example", comment="Teapots")


def _rows(page: str) -> list[str]:
    return re.findall(r'<tr class="[^"]*" id="outlet_assignment-[^"]*">.*?</tr>', page, re.DOTALL)


def test_the_rules_of_a_decision_stand_in_the_order_in_which_they_speak(admin: FlaskClient) -> None:
    page = admin.get("/rules").get_data(as_text=True)
    priorities = [int(found) for row in _rows(page) for found in re.findall(r'data-label="Order">(\d+)<', row)]

    assert priorities == sorted(priorities)
    assert len(priorities) == 11


def test_each_rule_says_where_it_comes_from(admin: FlaskClient, layered: None) -> None:
    rows = {found[1]: row for row in _rows(admin.get("/rules/outlet_assignment").get_data(as_text=True))
            if (found := re.search(r'id="outlet_assignment-([^"]*)"', row))}  # fmt: skip

    assert "Added by you" in rows["teapots-from-utrecht"]
    assert "Changed by you" in rows["outlet-closed"] and "prefer outlet by -50" in rows["outlet-closed"]
    assert "Switched off" in rows["foreign-outlet"]
    assert "Base" in rows["warehouse-first"]


def test_a_group_of_conditions_reads_as_one(admin: FlaskClient, layered: None) -> None:
    page = admin.get("/rules/outlet_assignment").get_data(as_text=True)

    assert re.search(r'deep-0">any of</li><li class="deep-1">outlet.code is utrecht</li>', page)


@pytest.mark.parametrize("words", ["safety stock", "store-keeps", "outlet.kind is store", "keep pieces"])
def test_a_rule_is_found_by_any_of_its_words(admin: FlaskClient, words: str) -> None:
    page = admin.get("/rules", query_string={"q": words}).get_data(as_text=True)

    assert "store-keeps-safety-stock" in page
    assert "cancelled-is-final" not in page


def test_a_search_that_finds_nothing_says_so(admin: FlaskClient) -> None:
    page = admin.get("/rules?q=zeppelin").get_data(as_text=True)

    assert "Nothing matches" in page and "zeppelin" in page


def test_the_list_says_whether_the_examples_pass_and_what_was_proved(admin: FlaskClient) -> None:
    page = admin.get("/rules").get_data(as_text=True)

    assert "Not proved" in page
    assert "examples pass" in page or "No examples" in page


def test_support_reads_the_rules_and_is_offered_no_change(support: FlaskClient) -> None:
    for address in ("/rules", "/rules/outlet_assignment", "/rules/drafts"):
        page = support.get(address).get_data(as_text=True)
        assert "Change the" not in page and "Begin a draft" not in page and "Save" not in page


def test_a_table_is_one_rule_whose_rows_can_be_unfolded(admin: FlaskClient, keeper: Shopkeeper) -> None:
    table = """decision: staff_notification
layer: true
rules:
  - id: who-hears
    table:
      hit: first
      when: [outlet.kind, order.total]
      then: [notify outlet]
      rows:
        - [store, "> 100 EUR", yes]
        - [warehouse, any, yes]
"""
    with keeper.house.database.session(keeper.merchant.id) as session:
        texts = {**(books.texts(session, books.current_version(session) or "") or {}), "layer/staff_notification.yaml": table}
        books.publish(session, texts, load_book(texts).version, by="ada@tulip.example")
    page = admin.get("/rules/staff_notification").get_data(as_text=True)

    assert page.count('id="staff_notification-who-hears') == 1
    assert "Table of 2 rows, the first that holds counts" in page
    assert "order.total &gt; 100.00 EUR" in page
