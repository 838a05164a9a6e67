"""The formatter keeps every comment and every meaning, and has nothing more to say the second time."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.language import load_book
from engine.language.layout import format_text, formatted
from engine.language.spans import read_document
from tests.engine.remarked import remarked_rules
from tests.engine.strategies import SMALL

RULES = Path(__file__).parents[2] / "rules"
relaxed = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def comments_of(text: str) -> list[str]:
    document = read_document(text)
    return sorted(document.text[c.start : c.end].rstrip() for c in document.comments)


@pytest.mark.parametrize("path", sorted(RULES.rglob("*.yaml")), ids=lambda path: path.name)
def test_shipped_files_are_in_good_form(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert format_text(text) == text, "run: flask rules format"


@relaxed
@given(remarked_rules())
def test_meaning_and_comments_survive_and_a_second_time_changes_nothing(text: str) -> None:
    new, problems = formatted(text)

    assert problems == ()
    assert load_book({"trial.yaml": new}, SMALL).meaning == load_book({"trial.yaml": text}, SMALL).meaning
    assert comments_of(new) == comments_of(text)
    assert format_text(new) == new


UNTIDY = """# our rules

rules:  # all of them
  # ---- held ----
  -   # odd
    then: [hold order, ignore order]   # both
    id: "b"
    priority:   5
    when:
    - order.total<50 EUR    # cheap


    # rich
    - any:   # one of
      - order.customer.group in [a,b , "c d"]
      # inside

      - order.split   is  not false
      # at the end of any
    # at the end of when
    description: >
      Long text
      over lines.
  - {id: c, then: ['hold order because "no: #1"']}
# the rules end here
decision: order_intake


settings:
    a: 1    # one

    long_name: [a, "b c"] # two
# the end
"""
TIDY = """# the rules end here
decision: order_intake

settings:
  a: 1                   # one

  long_name: [a, "b c"]  # two

# our rules

rules:  # all of them
  # ---- held ----
  # odd
  - id: b
    # at the end of when
    description: Long text over lines.
    priority: 5
    when:
      - order.total < 50 EUR  # cheap

      # rich
      - any:  # one of
          - order.customer.group in [a, b, "c d"]
          # inside

          - order.split is not false
          # at the end of any
    then:  # both
      - hold order
      - ignore order

  - id: c
    then:
      - hold order because "no: #1"
# the end
"""


def test_an_untidy_file_becomes_tidy_and_its_comments_stay_where_they_belong() -> None:
    assert format_text(UNTIDY) == TIDY
    assert format_text(TIDY) == TIDY


def test_tables_stand_in_columns() -> None:
    text = """decision: status_to_shop
rules:
- id: x
  table:
    rows:
    - [packed, any, [shopify,magento], ready_for_pickup, the customer may come]  # first
    # second
    - [[packed, completed], '< 50 EUR', ~,  shipped, ~]
    - ["new", "any", any, shipped, 'a, b']
    then: [set shop status,because]
    when: [fulfilment.status, order.total  <, shop.platform]
    hit: first
"""

    assert format_text(text) == """decision: status_to_shop

rules:
  - id: x
    table:
      hit: first
      when: [fulfilment.status, order.total <, shop.platform]
      then: [set shop status, because]
      rows:
        - [packed,              any,        [shopify, magento], ready_for_pickup, the customer may come]  # first
        # second
        - [[packed, completed], "< 50 EUR", any,                shipped,          ~]
        - ["new",               "any",      any,                shipped,          "a, b"]
"""


def test_words_of_a_sentence_stay_those_of_the_admin() -> None:
    text = "decision: order_intake\n\nrules:\n  - id: a\n    when:\n      - order.age>48 hours\n    then:\n      - hold order\n"

    assert "      - order.age > 48 hours\n" in format_text(text)


def test_a_sentence_that_makes_no_sense_stays_as_it_is() -> None:
    text = 'decision: order_intake\n\nrules:\n  - id: a\n    when:\n      - order.total <<  "50\n    then:\n      - hold order\n'

    assert format_text(text) == text


@pytest.mark.parametrize("text", ["a: [", "a: &x 1\n", "\x00", "- a\n", "", "# only a comment\n", "a: 1\na: 2\n"])
def test_a_text_that_cannot_be_read_is_returned_as_it_is_with_the_reason(text: str) -> None:
    new, problems = formatted(text)

    assert new == text
    assert problems and problems[0].message


def test_line_breaks_and_the_byte_order_mark_stay_those_of_the_file() -> None:
    text = "\ufeffdecision: order_intake\r\nrules:\r\n- id: a\r\n  then: [hold order]\r\n"

    assert format_text(text) == "\ufeffdecision: order_intake\r\n\r\nrules:\r\n  - id: a\r\n    then:\r\n      - hold order\r\n"


def test_a_block_of_text_keeps_its_lines() -> None:
    text = "decision: order_intake\nsettings:\n    words: |\n         one\n           two\nrules: []\n"

    new = format_text(text)

    assert "  words: |\n    one\n      two\n" in new
    assert format_text(new) == new


@relaxed
@given(st.text(st.sampled_from(list("ab:-# \n[]{},\"'|>~")), max_size=60))
def test_any_text_is_formatted_without_loss_or_left_alone(text: str) -> None:
    new, problems = formatted(text)

    if problems:
        assert new == text
    else:
        assert format_text(new) == new
        assert comments_of(new) == comments_of(text)
