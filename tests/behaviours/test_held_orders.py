"""Orders that wait for a person."""

from __future__ import annotations

import requests

from tests.behaviours.house import House


def _release(house: House, order_id: str) -> requests.Response:
    return requests.post(
        f"{house.url}/v1/orders/{order_id}/release",
        json={"reason": "the customer was called"},
        headers={"Authorization": f"Bearer {house.key}"},
        timeout=10,
    )


def test_an_unusually_large_order_waits_until_a_person_releases_it(house: House) -> None:
    house.set("order_intake", largest_order="40.00 EUR")
    number = house.shop.place({"POT-CAST": 1})
    house.settle()
    held = house.order(number)
    assert (held["state"], held["state_reason"]) == ("held", "it is larger than the limit for automatic handling")
    assert "Take it in anyway" in house.page(f"/orders/{held['id']}")

    answer = _release(house, held["id"])
    house.settle()

    assert answer.status_code == 200
    assert house.order(number)["state"] == "open"
    assert house.till.states(number) == {"Warehouse Almere": "OPEN"}
    assert "Released by" in house.notes(number)


def test_only_an_order_that_waits_can_be_released(house: House) -> None:
    number = house.shop.place({"MUG-RED": 1})
    house.settle()

    answer = _release(house, house.order(number)["id"])

    assert answer.status_code == 409
    assert "Only a held or ignored order can be released" in answer.json()["detail"]
    assert len(house.till.sales()) == 1


def test_releasing_an_order_that_is_still_short_keeps_it_waiting_and_says_why(house: House) -> None:
    number = house.post_order("SHORT-2", {"POT-GLASS": 9})
    house.settle()

    answer = _release(house, house.order(number)["id"])
    house.settle()

    assert "short of 6 of 9 POT-GLASS" in answer.json()["summary"]
    assert house.order(number)["state"] == "held"
