"""Decision tables: each row is a rule, and a mistake is reported in its cell."""

from __future__ import annotations

import pytest

from engine.language import load_book
from engine.language.formatter import format_decision
from tests.engine.rule_texts import decision_of, problems_of

TABLE = """decision: status_to_shop
rules:
  - id: tell
    priority: 50
    when: [order.number exists]
    table:
      when: [fulfilment.status, order.total, shop.platform, order.line_count >, order.comment]
      then: [set shop status, because, mail customer]
      rows:
        - [packed,              any,        [shopify, magento], 3,   "two # words",   ready_for_pickup, come and collect, yes]
        - [[packed, completed], "< 50 EUR", any,                any, starts with ab,  shipped,          ~,                ~]
"""

AS_RULES = """decision: status_to_shop
rules:
  - id: tell#1
    priority: 50
    when:
      - order.number exists
      - fulfilment.status is packed
      - shop.platform in [shopify, magento]
      - order.line_count > 3
      - 'order.comment is "two # words"'
    then:
      - set shop status ready_for_pickup because "come and collect"
      - mail customer because "come and collect"
  - id: tell#2
    priority: 50
    when:
      - order.number exists
      - fulfilment.status in [packed, completed]
      - order.total < 50.00 EUR
      - order.comment starts with ab
    then:
      - set shop status shipped
"""


def test_each_row_of_a_table_is_a_rule() -> None:
    assert format_decision(decision_of(TABLE)) == AS_RULES


def test_a_table_and_its_rows_written_as_rules_are_one_version() -> None:
    assert load_book({"a.yaml": TABLE}).meaning == load_book({"a.yaml": AS_RULES}).meaning


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("packed,  ", "pakced,  ", ["10:12: `pakced` is not a value of fulfilment.status. Did you mean `packed`? Its values are: new, in_progress, packed, completed, cancelled."]),
        ('"< 50 EUR"', '"< 50"', ["11:33: `50` is a number, but order.total takes an amount of money. Write `50 EUR`."]),
        ("shipped,  ", "shippd,  ", ["11:87: `shippd` is not a value of the status of `set shop status`. Did you mean `shipped`? Its values are: awaiting_processing, on_hold, processing, awaiting_shipment, ready_for_pickup, partly_shipped, shipped, out_for_delivery, delivered, completed, returned, will_not_deliver, cancelled, custom."]),
        ("yes]", "no]", ["10:123: `mail customer` takes `yes` or `~`."]),
        ("fulfilment.status", "fulfilment.stat", ["7:14: `fulfilment` has no field `stat`. Did you mean `fulfilment.status`?"]),
        ("line_count >,", "line_count >>,", ['7:79: `>` is not a value. Write text that is not a plain word in quotes: "text".']),
        ("set shop status,", "set shop stats,", ["8:14: `set shop stats` is not an outcome a column can give. Did you mean `set shop status`?"]),
        ("set shop status,", "tag line,", ["8:14: `tag line` is not an outcome a column can give. There are: assign outlets in shop, leave shop payment, leave shop status, mail customer, refund in shop, send tracking, set order risk, set shop payment, set shop status, ship fulfilment, tag order."]),
        ("   ~]", "]", ["11:11: Row 2 does not have 8 cells. Write one cell for each heading, `any` or `~` where none is needed."]),
        ("shipped,  ", "~,  ", ["11:11: Row 2 demands nothing. Fill a column under `then`."]),
        ("[shopify, m", "[[shopify], m", ["10:45: A cell is one value or a list of values."]),
        ("yes]", "[[a]]]", ["10:123: A cell is one value or a list of values."]),
        ("rows:", "row:", ["7:7: A table has three lists: `when`, `then` and `rows`. Write headings under `when` and `then`, a list for each row."]),
        ("shop.platform,", "[shop.platform],", ["7:7: A heading of this table is not text, or it has no outcome or no row. Every column has a heading."]),
        ("when: [order.number exists]", "then: [mail customer]", ["5:11: A rule with a table has no `then:` of its own. Add a column to the table."]),
        ("    priority: 50", "    table: {}", ["6:5: The key `table` stands here a second time; the first is on line 4. Remove one of them.", "4:12: A table has three lists: `when`, `then` and `rows`. Write headings under `when` and `then`, a list for each row."]),
    ],
)  # fmt: skip
def test_a_mistake_in_a_table_is_reported_in_its_cell(old: str, new: str, said: list[str]) -> None:
    assert old in TABLE

    assert sorted(problems_of(TABLE.replace(old, new, 1))) == sorted(said)


def test_the_id_of_a_row_is_taken() -> None:
    text = TABLE + "  - id: tell#2\n    then: [mail customer]\n"

    assert problems_of(text) == [
        "12:9: The rule id `tell#2` is taken on line 11. Give this one another id: they are unique in the whole book."
    ]


def test_a_table_has_a_limited_number_of_rows() -> None:
    rows = "        - [packed, shipped]\n" * 10_001
    table = f"    table:\n      when: [fulfilment.status]\n      then: [set shop status]\n      rows:\n{rows}"

    assert problems_of(f"decision: status_to_shop\nrules:\n  - id: a\n{table}") == [
        "5:7: A table has at most 10,000 rows; this one has 10,001."
    ]
