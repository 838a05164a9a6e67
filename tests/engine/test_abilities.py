"""Rules that ask a shop for what its platform cannot do."""

from __future__ import annotations

import pytest

from engine.language import check, load_book
from engine.platforms import PLATFORM, SHOPS
from engine.types import Problem

BOOK = """\
decision: status_to_shop
description: What the shop is told.
rules:
  - id: told
    description: A rule.
    priority: 10
    when:
{when}
    then:
      - {then}
"""


def errors(when: str, then: str) -> list[Problem]:
    """`when` has a line for each condition."""
    text = BOOK.format(when="\n".join(f"      {line}" for line in when.splitlines()), then=then)
    load_book({"status_to_shop.yaml": text})
    return [p for p in check({"status_to_shop.yaml": text}) if p.severity == "error"]


@pytest.mark.parametrize("platform", SHOPS)
def test_every_word_a_platform_knows_may_be_asked_of_it(platform: str) -> None:
    for status in PLATFORM[platform].shop_statuses:
        assert errors(f"- shop.platform is {platform}", f"set shop status {status}") == []
    for status in PLATFORM[platform].payment_statuses:
        assert errors(f"- shop.platform is {platform}", f"set shop payment {status}") == []
    for outcome in PLATFORM[platform].outcomes - {"refund in shop"}:
        assert errors(f"- shop.platform is {platform}", outcome) == []


def test_a_status_the_shop_cannot_show_is_refused_with_the_place_and_those_it_can() -> None:
    (found,) = errors("- shop.platform is shopify", "set shop status awaiting_shipment")
    assert found.message == "Shopify cannot be told the status awaiting_shipment, which `told` asks for."
    assert "ready_for_pickup" in found.hint
    assert (found.line, found.column) == (10, 9)


def test_a_rule_for_several_shops_names_those_that_are_able() -> None:
    (found,) = errors("- shop.platform in [shopify, bigcommerce, magento]", "set shop status shipped")
    assert found.message.startswith("Shopify and Magento 2 cannot be told the status shipped")
    assert found.hint == "Say for which shops it is meant: `shop.platform in [bigcommerce]`."


def test_a_rule_without_a_platform_is_meant_for_all_of_them() -> None:
    (found,) = errors("- order.state is open", "set shop status shipped")
    assert found.hint == "Say for which shops it is meant: `shop.platform in [lightspeed_ecom, bigcommerce, woocommerce]`."
    assert errors("- order.state is open", "set shop payment paid") == []


@pytest.mark.parametrize("when", [
    "- any:\n    - shop.platform is bigcommerce\n    - all:\n        - shop.platform is woocommerce\n        - order.state is open",
    "- none:\n    - shop.platform in [shopify, magento]",
    "- shop.platform not in [shopify, magento]",
    "- shop.platform is not shopify\n- shop.platform is not magento",
])  # fmt: skip
def test_conditions_are_understood_however_they_are_grouped(when: str) -> None:
    assert errors(when, "set shop status shipped") == []


def test_shipments_by_outlet_are_refused_where_there_is_no_such_thing() -> None:
    (found,) = errors("- shop.platform is woocommerce\n- fulfilment.status is completed", "ship fulfilment")
    assert found.message == "WooCommerce cannot do what `told` asks: `ship fulfilment`."
    assert found.hint == "Only Shopify, BigCommerce, Magento 2 can do that."
