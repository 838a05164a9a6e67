"""Webhooks of every shop: believed only when they are signed, and worth no more than a hint to go and look."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from adapters.base import Connection, WebhookHint, WebhookRejected
from tests.adapters.conformance import checked, insist, until
from tests.adapters.inbox import Inbox, open_inbox
from tests.adapters.rigs import RIGS, rig_of
from tests.adapters.rigs.base import Rig, with_secrets


class Wired:
    """A shop and the inbox that its webhooks arrive in."""

    def __init__(self, rig: Rig, inbox: Inbox) -> None:
        self.rig, self.inbox = rig, inbox

    def arrived(self) -> list[tuple[dict[str, str], bytes, dict[str, str]]]:
        """Every delivery so far: headers, body, query."""
        return [
            (headers, body, dict(parse_qsl(urlsplit(path).query)))
            for (headers, body), path in zip(self.inbox.got, self.inbox.paths, strict=False)
        ]

    def verify(
        self, delivery: tuple[dict[str, str], bytes, dict[str, str]], connection: Connection | None = None
    ) -> Sequence[WebhookHint]:
        headers, body, query = delivery
        return self.rig.adapter.verify(body, headers, query, connection or self.rig.connection)

    def hints(self) -> list[WebhookHint]:
        return [hint for delivery in self.arrived() for hint in self.verify(delivery)]

    def about(self, order: str) -> list[WebhookHint]:
        """What webhooks said of one order: hints whose read gives that order."""
        return [hint for hint in self.hints() if hint.operation == "read_order" and self._read(hint) == order]

    def _read(self, hint: WebhookHint) -> str | None:
        events = insist(self.rig, hint.operation, hint.payload, f"read {hint.event_id}").events
        return next((e.data["order"].get("external_id") for e in events if e.type.startswith("order.")), None)

    def settle(self) -> None:
        assert self.rig.box.sandbox.courier.settle(10)

    def any_delivery(self) -> tuple[dict[str, str], bytes, dict[str, str]]:
        """A delivery that says something of an order."""
        self.rig.place({"MUG": 1})
        until(lambda: any(self.verify(each) for each in self.arrived()), "a webhook arrives")
        return next(each for each in self.arrived() if self.verify(each))


@pytest.fixture(params=RIGS)
def wired(request: pytest.FixtureRequest) -> Generator[Wired, None, None]:
    kind = rig_of(request.param)
    if "webhooks" in kind.lacks:
        pytest.skip(f"{kind.adapter.capabilities.title}: {kind.lacks['webhooks']}")
    with open_inbox() as inbox, kind.open(inbox.url) as rig:
        yield Wired(rig, inbox)


def test_an_order_that_is_placed_is_announced(wired: Wired) -> None:
    order = wired.rig.place({"MUG": 1})
    until(lambda: bool(wired.about(order)), "a webhook announces the order")
    hint = wired.about(order)[0]
    (event,) = insist(wired.rig, hint.operation, hint.payload, "read").events
    assert checked(event)["order"]["external_id"] == order


def test_a_change_by_staff_is_announced(wired: Wired) -> None:
    order = wired.rig.place({"MUG": 1})
    until(lambda: bool(wired.about(order)), "the order is announced")
    before = {hint.event_id for hint in wired.hints()}
    wired.rig.touch(order)
    until(lambda: any(hint.event_id not in before for hint in wired.about(order)), "the change is announced")


def test_our_own_write_comes_back_as_a_read_that_says_what_we_wrote(wired: Wired) -> None:
    rig = wired.rig
    order = rig.place({"MUG": 1})
    ours = rig.adopt(order)
    wired.settle()
    word = next(
        w for w in ("processing", "on_hold", "completed") if w in rig.adapter.capabilities.statuses["shop_status"]
    )
    insist(rig, "set_order_status", {"order": ours, "shop_status": word, "notify_customer": False}, "write")
    wired.settle()
    rig.forget_calls()
    read = {
        rig.do("read_order", {"external_id": order}, key=f"echo {hint.event_id}").events[0].id
        for hint in wired.about(order)
    }
    assert len(read) == 1
    assert rig.snapshot(order)["shop_status"] == word
    assert rig.writes() == []


def test_a_sale_changes_the_number_the_shop_tells(wired: Wired) -> None:
    rig = wired.rig
    rig.need_operation("read_products")
    rig.do("read_products")
    wired.settle()
    rig.sell("MUG", 2)

    def told() -> bool:
        reads = [hint for hint in wired.hints() if hint.operation == "read_product"]
        events = [event for hint in reads for event in insist(rig, hint.operation, hint.payload, hint.event_id).events]
        return any(
            e.type == "stock.changed" and e.data["sku"] == "MUG" and e.data["shop_quantity"] == 8 for e in events
        )

    until(told, "the shop tells its number")


def test_the_same_delivery_is_the_same_event_however_often_it_comes(wired: Wired) -> None:
    delivery = wired.any_delivery()
    assert {hint.event_id for hint in wired.verify(delivery)} == {hint.event_id for hint in wired.verify(delivery)}


def test_a_duplicate_has_the_event_id_of_the_first(wired: Wired) -> None:
    wired.settle()
    seen = len(wired.arrived())
    wired.rig.fault("duplicate_webhooks", count=-1)
    wired.rig.place({"MUG": 1})
    wired.settle()
    ids = [hint.event_id for delivery in wired.arrived()[seen:] for hint in wired.verify(delivery)]
    assert ids
    assert all(ids.count(id) % 2 == 0 for id in ids)


def test_two_changes_are_two_events(wired: Wired) -> None:
    order = wired.rig.place({"MUG": 1})
    wired.settle()
    before = {hint.event_id for hint in wired.hints()}
    wired.rig.touch(order)
    wired.settle()
    assert {hint.event_id for hint in wired.hints()} - before


def test_webhooks_that_overtake_each_other_end_in_the_same_state(wired: Wired) -> None:
    rig = wired.rig
    rig.need("place_unpaid")
    order = rig.place({"MUG": 1}, paid=False)
    rig.adopt(order)
    rig.fault("reorder_webhooks", count=1)
    rig.touch(order)
    rig.pay(order)
    wired.settle()
    last = wired.about(order)[-1]
    (event,) = rig.do(last.operation, last.payload, key="last").events
    assert event.data["order"]["payment_status"] == "paid"


def test_a_wrong_signature_is_rejected(wired: Wired) -> None:
    wired.settle()
    seen = len(wired.arrived())
    wired.rig.fault("bad_signature", count=-1)
    wired.rig.place({"MUG": 1})
    until(lambda: len(wired.arrived()) > seen, "a webhook arrives")
    for delivery in wired.arrived()[seen:]:
        with pytest.raises(WebhookRejected) as caught:
            wired.verify(delivery)
        assert caught.value.status == 401


def test_a_body_changed_on_the_way_is_rejected_or_says_nothing_else(wired: Wired) -> None:
    headers, body, query = wired.any_delivery()
    genuine = [(hint.operation, hint.payload, hint.event_id) for hint in wired.verify((headers, body, query))]
    for forged in (body[:-1] + b" }", body.replace(b"1", b"2"), b"{}", b"", body + body):
        try:
            hints = wired.verify((headers, forged, query))
        except WebhookRejected as rejected:
            assert rejected.status in (400, 401)
        else:
            assert [(hint.operation, hint.payload, hint.event_id) for hint in hints] == genuine


def test_a_webhook_without_its_headers_is_rejected(wired: Wired) -> None:
    headers, body, query = wired.any_delivery()
    plain = {
        name: value for name, value in headers.items() if name.lower() in ("host", "content-type", "content-length")
    }
    with pytest.raises(WebhookRejected) as caught:
        wired.verify((plain, body, query))
    assert caught.value.status in (400, 401)


def test_header_names_may_be_of_any_case(wired: Wired) -> None:
    headers, body, query = wired.any_delivery()
    assert wired.verify(({name.lower(): value for name, value in headers.items()}, body, query))
    assert wired.verify(({name.upper(): value for name, value in headers.items()}, body, query))


def test_a_webhook_of_another_merchants_shop_is_rejected(wired: Wired) -> None:
    delivery = wired.any_delivery()
    for other in (wired.rig.elsewhere(), with_secrets(wired.rig.connection, "-other")):
        with pytest.raises(WebhookRejected) as caught:
            wired.verify(delivery, other)
        assert caught.value.status in (400, 401)


def test_a_connection_without_its_secret_believes_nothing(wired: Wired) -> None:
    delivery = wired.any_delivery()
    with pytest.raises(WebhookRejected):
        wired.verify(delivery, replace(wired.rig.connection, credentials={}))


def test_a_webhook_replayed_a_day_later_is_rejected_or_is_the_same_event(wired: Wired) -> None:
    """Where the signature covers a time, an old one is worth nothing; else the event's id tells that it was seen."""
    wired.rig.fault("clock_skew", seconds=-86_000)
    wired.rig.place({"MUG": 1})
    until(lambda: bool(wired.arrived()), "a webhook arrives")
    wired.settle()
    for delivery in wired.arrived():
        try:
            assert wired.verify(delivery) == wired.verify(delivery)
        except WebhookRejected as rejected:
            assert rejected.status in (400, 401)


# Subscriptions


def topics(data: Any) -> list[str]:
    return sorted(each["topic"] for each in data)


def test_subscribing_twice_leaves_one_of_each(wired: Wired) -> None:
    rig = wired.rig
    rig.need_operation("register_webhooks")
    first = rig.do("register_webhooks", {"url": wired.inbox.url}, key="a").data
    assert first
    rig.forget_calls()
    second = rig.do("register_webhooks", {"url": wired.inbox.url}, key="b")
    assert second.did_nothing
    assert rig.writes() == []
    assert topics(second.data) == topics(first) == topics(rig.do("read_webhooks").data)
    assert len(topics(first)) == len(set(topics(first)))
    assert all(set(each) == {"topic", "external_id", "state"} for each in first)


def test_a_new_address_replaces_the_old_one(wired: Wired) -> None:
    rig = wired.rig
    rig.need_operation("register_webhooks")
    with open_inbox() as moved:
        rig.do("register_webhooks", {"url": moved.url}, key="b")
        wired.settle()
        seen = len(wired.arrived())
        rig.place({"MUG": 1})
        until(lambda: bool(moved.got), "webhooks arrive at the new address")
        wired.settle()
        assert len(wired.arrived()) == seen


def test_unsubscribing_leaves_none(wired: Wired) -> None:
    rig = wired.rig
    rig.need_operation("remove_webhooks")
    rig.do("remove_webhooks")
    assert rig.do("read_webhooks").data == []
    wired.settle()
    seen = len(wired.arrived())
    rig.place({"MUG": 1})
    wired.settle()
    assert len(wired.arrived()) == seen
    assert rig.do("remove_webhooks", key="again").did_nothing
