"""Whose profile in Lightspeed Retail an online order is booked on, and where it goes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from lightspeed_retail_till import ORDER, Till, open_till

from adapters.base import Memory, RetryLater
from adapters.lightspeed_retail import mapping

ORDER_REF = {"id": "order-1"}


@pytest.fixture
def till(memory: Memory, http: requests.Session) -> Iterator[Till]:
    with open_till(memory, http) as opened:
        yield opened


def customer(**changes: Any) -> dict[str, Any]:
    return {**ORDER["customer"], **changes}


def make_customer(till: Till, **fields: Any) -> str:
    profile = {"first_name": "Old", "last_name": "Name", **fields}
    return till.api("POST", "customers", json=profile).json()["data"]["id"]


def test_a_new_customer_gets_a_profile_with_e_mail_and_name(till: Till) -> None:
    till.place()
    (profile,) = till.state.all("customer")
    assert (profile["first_name"], profile["last_name"], profile["email"]) == ("Ada", "Lovelace", "Ada@Example.org")
    assert till.sale()["customer_id"] == profile["id"]
    assert till.memory.external("customer", "ada@example.org") == profile["id"]


def test_a_customer_without_a_name_is_called_by_the_e_mail_address(till: Till) -> None:
    till.place(customer={"email": "x@example.org"})
    assert till.state.all("customer")[0]["name"] == "x@example.org"


def test_a_known_e_mail_links_the_profile_and_overwrites_nothing(till: Till) -> None:
    known = make_customer(till, email="ADA@example.ORG")
    till.place()
    assert till.sale()["customer_id"] == known
    assert till.state.get("customer", known)["name"] == "Old Name"
    assert not till.state.requests("PUT", "/customers")


def test_an_address_that_only_begins_alike_is_another_customer(till: Till) -> None:
    other = make_customer(till, email="ada@example.org.uk")
    till.place()
    assert till.sale()["customer_id"] != other


def test_of_several_profiles_with_one_e_mail_the_oldest_is_taken(till: Till) -> None:
    oldest = make_customer(till, email="ada@example.org")
    make_customer(till, email="Ada@example.org")
    till.place()
    assert till.sale()["customer_id"] == oldest


def test_a_remembered_profile_that_is_gone_is_looked_for_again(till: Till) -> None:
    till.memory.bind("customer", "ada@example.org", "00000000-0000-0000-0000-000000000000")
    till.place()
    assert till.sale()["customer_id"] == till.state.all("customer")[0]["id"]


def test_nobody_is_made_when_the_rules_say_so(till: Till) -> None:
    till.place(customer=customer(create=False))
    assert till.sale()["customer_id"] is None and not till.state.all("customer")


def test_a_profile_per_order_is_made_once_when_e_mail_does_not_match(till: Till) -> None:
    make_customer(till, email="ada@example.org")
    till.lose_answer("POST /api/2026-07/customers")
    with pytest.raises(RetryLater):
        till.place(customer=customer(match_by="none"))
    till.place(customer=customer(match_by="none"))
    assert till.state.counter("customers_created") == 2
    assert till.state.get("customer", till.sale()["customer_id"])["customer_code"] == "order-7Q2XK"


def test_an_address_is_made_once_per_profile(till: Till) -> None:
    till.place()
    till.place(id="order-2", number="8B3YL")
    assert till.state.counter("addresses_created") == 1
    assert {row["shipping_address_id"] for row in till.fulfilments()} == {str(till.state.all("address")[0]["id"])}


def test_a_refused_address_does_not_keep_the_order_from_the_till(till: Till) -> None:
    result = till.place(address={**ORDER["address"], "postcode": "99"})
    assert "is not a postcode of NL" in result.summary
    assert "99" in till.sale()["note"]


def test_long_addresses_are_cut_to_what_the_till_takes() -> None:
    street = "Zeer Lange Straatnaam van een Oude Hollandse Familie 1234 achterhuis links"
    made = mapping.new_address({"street": street, "city": "C" * 40, "postcode": "1012 LG", "country": "nl"})
    assert f"{made['address_line_1']} {made['address_line_2']}" == street
    assert len(made["address_line_1"]) <= 50 and len(made["city"]) == 28 and made["country_code"] == "NL"


def test_american_addresses_carry_a_state_code() -> None:
    made = mapping.new_address(
        {"street": "1 Main St\nApt 2", "city": "X", "postcode": "10001", "country": "US", "region": "NY"}
    )
    assert (made["state_code"], made["address_line_2"]) == ("NY", "Apt 2")
