"""A first import from E-Series reads everything page by page, whatever happens in the shop meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from adapters.base import NewEvent, Refused, RetryLater
from tests.adapters.ecom import Ecom

NOW = int(time.time())
DAY = 86_400


@pytest.fixture(autouse=True)
def small_pages(ecom: Ecom) -> None:
    """Twenty orders a page: the same as a hundred, only sooner."""
    ecom.settings["page_size"] = 20


def fill(ecom: Ecom, moments: Sequence[int], **fields: Any) -> list[str]:
    """Orders that were last changed at these moments (UNIX seconds); gives their ids."""
    model = ecom.order(ecom.place())
    ecom.box.state.delete("order", model["id"])
    ids = [f"T{number:04d}" for number in range(len(moments))]
    with ecom.box.state.transaction():
        for id, moment in zip(ids, moments, strict=True):
            dated = {
                f"{which}{name}": value
                for which in ("create", "update")
                for name, value in (("Timestamp", moment), ("Date", stamp(moment)))
            }
            ecom.box.state.put("order", id, {**model, "id": id, "vendorOrderNumber": id, **dated, **fields})
    return ids


def stamp(moment: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S +0000", time.gmtime(moment))


class Reading:
    """Pages read one after the other, as the worker does."""

    def __init__(self, ecom: Ecom, kind: str = "orders", since: str | None = None) -> None:
        self.ecom = ecom
        self.payload: dict[str, Any] | None = {"kind": kind, "since": since, "cursor": None}
        self.pages: list[Sequence[NewEvent]] = []
        self.units, self.totals = 0, list[int | None]()

    def one(self) -> bool:
        """Read a page. Returns whether there is another."""
        assert self.payload is not None
        result = self.ecom.do("read_page", self.payload, key=f"page {len(self.pages)}")
        assert result.progress is not None
        self.units += result.progress[0]
        self.totals.append(result.progress[1])
        self.pages.append(result.events)
        self.payload = None if result.then is None else dict(result.then)
        return self.payload is not None

    def all(self, between: Callable[[int], None] = lambda page: None) -> list[NewEvent]:
        while self.one():
            between(len(self.pages))
            assert len(self.pages) < 500, "reading does not end"
        return [event for page in self.pages for event in page]


def ids_of(events: Sequence[NewEvent]) -> list[str]:
    return [event.data["order"]["external_id"] for event in events]


def test_every_order_is_read_the_longest_unchanged_first(ecom: Ecom) -> None:
    moments = [NOW - 900 * DAY + number * 3 * DAY for number in range(40)] + [
        NOW - 1000 + number for number in range(30)
    ]
    wanted = fill(ecom, moments)
    reading = Reading(ecom)
    events = reading.all()
    first = list(dict.fromkeys(ids_of(events)))
    assert first == wanted
    assert reading.units == 70
    assert set(reading.totals) == {70}
    assert max(len(page) for page in reading.pages) <= 20


def test_orders_that_change_meanwhile_are_not_passed_over(ecom: Ecom) -> None:
    wanted = fill(ecom, [NOW - 40 * DAY + number * 600 for number in range(100)])

    def staff_work(page: int) -> None:
        for number in range(page * 7, 100, 13):
            ecom.staff(wanted[number], privateAdminNotes=f"seen on page {page}")

    events = Reading(ecom).all(staff_work)
    assert set(ids_of(events)) == set(wanted)
    newest = {event.data["order"]["external_id"]: event for event in events}
    assert all(newest[id].sequence == ecom.order(id)["updateTimestamp"] for id in wanted)


def test_more_orders_in_one_second_than_a_page_holds_are_all_read(ecom: Ecom) -> None:
    wanted = fill(ecom, [NOW - 5 * DAY] * 70 + [NOW - 4 * DAY] * 3)
    reading = Reading(ecom)

    def staff_work(page: int) -> None:
        ecom.staff(wanted[page * 6], privateAdminNotes="looked at")

    assert set(ids_of(reading.all(staff_work))) == set(wanted)


def test_only_what_changed_since_a_moment_is_read(ecom: Ecom) -> None:
    wanted = fill(ecom, [NOW - 30 * DAY, NOW - 3 * DAY, NOW - DAY])
    since = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(NOW - 10 * DAY))
    assert ids_of(Reading(ecom, since=since).all()) == wanted[1:]


def test_a_shop_without_orders_is_read_at_once(ecom: Ecom) -> None:
    reading = Reading(ecom)
    assert reading.all() == []
    assert (len(reading.pages), reading.totals) == (1, [0])


def test_the_same_page_read_twice_tells_the_same_events(ecom: Ecom) -> None:
    fill(ecom, [NOW - number * DAY for number in range(45, 0, -1)])
    reading = Reading(ecom)
    payload = reading.payload
    reading.one()
    again = ecom.do("read_page", payload, key="page 0")
    assert [event.id for event in again.events] == [event.id for event in reading.pages[0]]


def test_pages_that_are_too_large_are_read_in_smaller_ones(ecom: Ecom) -> None:
    moments = [NOW - 90 * DAY + number * DAY for number in range(7)] + [NOW - 9 * DAY] * 7
    wanted = fill(ecom, moments, orderExtraFields=[{"value": "x" * 900_000}])
    reading = Reading(ecom)
    assert set(ids_of(reading.all())) == set(wanted)
    assert max(len(page) for page in reading.pages) <= 5


def test_an_order_too_large_for_any_page_is_said_clearly(ecom: Ecom) -> None:
    fill(ecom, [NOW - 9 * DAY], orderExtraFields=[{"value": "x" * 5_100_000}])
    with pytest.raises(Refused, match="single order over there is larger than 5 MB"):
        Reading(ecom).all()


def test_one_order_that_makes_no_sense_is_left_out_and_named(ecom: Ecom) -> None:
    wanted = fill(ecom, [NOW - 9 * DAY, NOW - 8 * DAY, NOW - 7 * DAY])
    ecom.box.state.put("order", wanted[1], {**ecom.order(wanted[1]), "total": "a lot"})
    result = ecom.do("read_page", {"kind": "orders", "since": None, "cursor": None})
    assert ids_of(result.events) == [wanted[0], wanted[2]]
    assert f"Left out: order {wanted[1]}" in result.summary


def test_a_page_that_fails_is_not_taken_for_a_large_one(ecom: Ecom) -> None:
    fill(ecom, [NOW - 9 * DAY])
    ecom.fault("500")
    with pytest.raises(RetryLater, match="trouble"):
        Reading(ecom).one()


def test_products_are_read_page_by_page_though_some_are_deleted_meanwhile(ecom: Ecom) -> None:
    model = ecom.box.state.all("product")[0]
    for product in ecom.box.state.all("product"):
        ecom.box.state.delete("product", product["id"])
    for number in range(1000, 1090):
        ecom.box.state.put("product", number, {**model, "id": number, "sku": f"SKU-{number}"})
    gone = set(range(1000, 1009)) | {1041, 1042}

    def delete(page: int) -> None:
        for number in gone if page == 1 else ():
            ecom.box.state.delete("product", number)

    reading = Reading(ecom, "products")
    events = reading.all(delete)
    told = {event.data["sku"] for event in events if event.type == "product.changed"}
    assert told >= {f"SKU-{number}" for number in range(1000, 1090) if number not in gone}
    assert ecom.memory.external("product", "SKU-1089") == "1089"
    assert reading.units <= 90


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({"kind": "customers", "cursor": None}, "no pages of 'customers'"),
        ({"kind": "orders", "cursor": {"offset": 3}}, "position of this import cannot be read"),
        ({"kind": "orders", "since": "yesterday", "cursor": None}, "'yesterday' is not a moment"),
    ],
)
def test_a_page_that_makes_no_sense_is_refused(ecom: Ecom, payload: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused, match=said):
        ecom.do("read_page", payload)
