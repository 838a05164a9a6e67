"""BigCommerce's callbacks: who may send them, what they make us read, and the subscriptions they come from."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks import Webhook

from adapters.base import Connection, Refused, WebhookHint, WebhookRejected
from adapters.bigcommerce import BigCommerce
from adapters.bigcommerce.hooks import SCOPES
from adapters.bigcommerce.webhook import SECRET_HEADER, secret_of
from tests.adapters.bigcommerce_shop import api
from tests.adapters.inbox import Inbox, open_inbox
from tests.adapters.rigs.bigcommerce import BigCommerceRig

CLIENT_SECRET = "client-secret"
CREDENTIALS = {"store_hash": "abc123", "access_token": "token", "client_secret": CLIENT_SECRET}


def connection(**more: Any) -> Connection:
    credentials = CREDENTIALS | more.pop("credentials", {})
    return Connection("c1", "webshop", "bigcommerce", "shop", "", credentials, more)


def callback(scope: str = "store/order/updated", data: Any = None, **fields: Any) -> bytes:
    event = {
        "scope": scope, "store_id": "1025646", "data": {"type": "order", "id": 118} if data is None else data, "hash": "6f1c2f0b",
        "created_at": 1_793_610_862, "producer": "stores/abc123", **fields,
    }  # fmt: skip
    return json.dumps(event).encode()


def headers(body: bytes, *, secret: str = CLIENT_SECRET, age: float = 0, id: str = "msg_1") -> dict[str, str]:
    moment = datetime.fromtimestamp(int(time.time() - age), UTC)
    signature = Webhook(secret.encode()).sign(id, moment, body.decode())
    return {
        SECRET_HEADER: secret_of(connection()), "webhook-id": id, "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": signature,
    }  # fmt: skip


def unsigned(**more: str) -> dict[str, str]:
    return {SECRET_HEADER: secret_of(connection()), **more}


def verify(body: bytes, given: dict[str, str], found: Connection | None = None) -> list[WebhookHint]:
    return list(BigCommerce().verify(body, given, {}, found or connection()))


def rejected(body: bytes, given: dict[str, str], found: Connection | None = None) -> WebhookRejected:
    with pytest.raises(WebhookRejected) as caught:
        verify(body, given, found)
    return caught.value


# Who may send


def test_a_callback_with_our_header_and_a_right_signature_is_taken() -> None:
    (hint,) = verify(callback(), headers(callback()))
    assert (hint.operation, hint.payload, hint.subject) == ("read_order", {"external_id": "118"}, "order:118")
    assert (hint.event_id, hint.native_type) == ("msg_1", "store/order/updated")
    assert hint.time == datetime.fromtimestamp(1_793_610_862, UTC)


def test_header_names_come_in_any_case() -> None:
    assert verify(callback(), {name.upper(): value for name, value in headers(callback()).items()})


def test_a_callback_without_signature_is_taken_by_its_header_alone_unless_the_setting_says_otherwise() -> None:
    (hint,) = verify(callback(), unsigned())
    assert hint.event_id == "store/order/updated:6f1c2f0b:1793610862"
    assert rejected(callback(), unsigned(), connection(require_signature=True)).status == 401


def test_two_changes_with_the_same_hash_are_two_events() -> None:
    ids = {verify(callback(created_at=moment), unsigned())[0].event_id for moment in (1_793_610_862, 1_793_610_863)}
    assert len(ids) == 2


@pytest.mark.parametrize("change", [
    {SECRET_HEADER: "wrong"}, {SECRET_HEADER: ""}, {"webhook-signature": "v1,AAAA"}, {"webhook-signature": "v1"},
    {"webhook-signature": "v1,ä"}, {"webhook-signature": "nonsense"}, {"webhook-id": "msg_2"}, {"webhook-timestamp": "1"},
    {"webhook-timestamp": "soon"}, {"webhook-timestamp": ""}, {"webhook-signature": "v2,AAAA v1,BBBB"},
])  # fmt: skip
def test_a_wrong_header_is_rejected(change: dict[str, str]) -> None:
    assert rejected(callback(), headers(callback()) | change).status == 401


def test_one_right_signature_among_several_is_enough() -> None:
    given = headers(callback())
    given["webhook-signature"] = f"v1,{'A' * 43}= {given['webhook-signature']}"
    assert verify(callback(), given)


def test_a_changed_body_is_rejected() -> None:
    assert rejected(callback(data={"type": "order", "id": 119}), headers(callback())).status == 401


@pytest.mark.parametrize("age", [301, 3600, -301, -3600])
def test_a_replay_from_outside_five_minutes_is_rejected(age: float) -> None:
    assert rejected(callback(), headers(callback(), age=age)).status == 401
    no_secret = connection(credentials={"client_secret": ""})
    assert rejected(callback(), headers(callback(), age=age), no_secret).status == 401


@pytest.mark.parametrize("age", [0, 290, -290])
def test_a_clock_that_is_a_little_off_is_forgiven(age: float) -> None:
    assert verify(callback(), headers(callback(), age=age))
    assert verify(callback(), headers(callback(), age=age), connection(credentials={"client_secret": ""}))


def test_a_callback_of_another_store_is_rejected() -> None:
    body = callback(producer="stores/other")
    assert rejected(body, headers(body)).status == 400


def test_a_connection_without_token_cannot_check_anything() -> None:
    assert rejected(callback(), unsigned(), connection(credentials={"access_token": ""})).status == 401


def test_the_secret_can_be_chosen_and_says_nothing_of_the_token() -> None:
    chosen = connection(credentials={"webhook_secret": "our own words"})
    assert secret_of(chosen) == "our own words"
    assert "token" not in secret_of(connection())
    assert verify(callback(), {SECRET_HEADER: "our own words"}, chosen)


@pytest.mark.parametrize("body", [
    b"", b"[]", b"\xff", b"{" * 5000, b"null", callback(created_at="now"), callback(created_at=True), callback(created_at=-1),
    callback(created_at=10**12), callback(data=[]), callback(scope=7), callback(hash=None), callback(producer=None),
    callback(data={}), callback(data={"id": "a/b"}), callback(data={"id": True}), callback(data={"id": "9" * 40}),
])  # fmt: skip
def test_a_senseless_body_is_rejected_and_no_crash(body: bytes) -> None:
    assert rejected(body, unsigned()).status == 400


def test_a_huge_body_is_rejected() -> None:
    assert rejected(callback(padding="x" * 1_000_001), unsigned()).status == 413


# What is read


@pytest.mark.parametrize(
    ("scope", "data", "operation", "payload"),
    [
        ("store/order/created", {"type": "order", "id": 5}, "read_order", {"external_id": "5"}),
        ("store/order/statusUpdated", {"type": "order", "id": 5, "status": {"new_status_id": 11}}, "read_order", {"external_id": "5"}),
        ("store/order/archived", {"type": "order", "id": 5}, "read_order", {"external_id": "5", "deleted": True}),
        ("store/order/transaction/created", {"type": "transaction", "order_id": "5", "transaction_id": 9}, "read_order", {"external_id": "5"}),
        ("store/order/refund/created", {"type": "order", "id": 5, "refund": {"refund_id": 1}}, "read_order", {"external_id": "5"}),
        ("store/channel/1/order/updated", {"order_id": 5}, "read_order", {"external_id": "5"}),
        ("store/shipment/created", {"type": "shipment", "id": 12, "orderId": 5}, "read_order", {"external_id": "5"}),
        ("store/product/updated", {"type": "product", "id": 77}, "read_product", {"external_id": "77"}),
        ("store/product/inventory/updated", {"type": "product", "id": 77, "inventory": {"product_id": 77}}, "read_product", {"external_id": "77"}),
        ("store/sku/updated", {"type": "sku", "id": 9, "sku": {"product_id": 77, "variant_id": 81}}, "read_product", {"external_id": "77"}),
        ("store/channel/1/inventory/product/stock_changed", {"variant_id": 81, "product_id": 77, "location_id": 2}, "read_product", {"external_id": "77"}),
    ],
)  # fmt: skip
def test_a_callback_says_what_to_read(scope: str, data: Any, operation: str, payload: Any) -> None:
    (hint,) = verify(callback(scope, data), unsigned())
    assert (hint.operation, hint.payload) == (operation, payload)


@pytest.mark.parametrize(
    ("scope", "data"),
    [("store/order/message/created", {"id": 5}), ("store/product/deleted", {"id": 5}), ("store/app/uninstalled", {}),
     ("store/inventory/location/updated", {"location_id": 1}), ("store/customer/updated", {"id": 5}), ("odd", {})],
)  # fmt: skip
def test_a_callback_that_needs_no_reading_is_fine(scope: str, data: Any) -> None:
    assert verify(callback(scope, data), unsigned()) == []


# Subscriptions


@pytest.fixture
def rig() -> Iterator[BigCommerceRig]:
    with BigCommerceRig.open() as opened:
        yield opened


def hooks(rig: BigCommerceRig) -> list[dict[str, Any]]:
    return rig.box.state.all("hook")


def test_subscriptions_are_made_once(rig: BigCommerceRig) -> None:
    made = rig.do("register_webhooks", {"url": "https://hooks.example/x"}, key="a")
    assert {each["topic"] for each in made.data} == set(SCOPES)
    assert all(each["state"] == "active" for each in made.data)
    rig.forget_calls()
    assert rig.do("register_webhooks", {"url": "https://hooks.example/x"}, key="b").did_nothing
    assert rig.writes() == []
    assert rig.do("read_webhooks").data == made.data


def test_a_subscription_switched_off_moved_doubled_or_with_an_old_secret_is_mended(rig: BigCommerceRig) -> None:
    url = "https://hooks.example/x"
    rig.do("register_webhooks", {"url": url}, key="a")
    first, second, third, *_ = hooks(rig)
    put = rig.box.state.put
    put("hook", first["id"], first | {"is_active": False})
    put("hook", second["id"], second | {"destination": "https://old.example/x"})
    put("hook", third["id"], third | {"headers": {SECRET_HEADER: "old"}})
    put("hook", 99, third | {"id": 99, "destination": "https://older.example/x"})
    assert {each["state"] for each in rig.do("read_webhooks").data} == {"active", "switched off"}
    rig.do("register_webhooks", {"url": url}, key="b")
    assert len(hooks(rig)) == len(SCOPES)
    assert all(each["is_active"] and each["destination"] == url for each in hooks(rig))
    assert {each["headers"][SECRET_HEADER] for each in hooks(rig)} == {secret_of(rig.connection)}


def test_other_programs_hooks_are_left_alone(rig: BigCommerceRig) -> None:
    foreign = {
        "scope": "store/order/*",
        "destination": "https://theirs.example/x",
        "is_active": True,
        "headers": {"X-Theirs": "1"},
    }
    assert api(rig, "POST", "v3/hooks", foreign).status_code == 200
    rig.do("register_webhooks", {"url": "https://hooks.example/x"}, key="a")
    assert len(rig.do("remove_webhooks").data) == 0
    assert [each["destination"] for each in hooks(rig)] == ["https://theirs.example/x"]


def test_an_address_bigcommerce_cannot_call_is_refused_with_the_reason(rig: BigCommerceRig) -> None:
    with pytest.raises(Refused, match="https"):
        rig.do("register_webhooks", {"url": "http://shop.example:8080/x"})


def test_the_secret_is_in_no_answer(rig: BigCommerceRig) -> None:
    result = rig.do("register_webhooks", {"url": "https://hooks.example/x"})
    assert secret_of(rig.connection) not in json.dumps([result.summary, result.data])


# Over the wire


@pytest.fixture
def subscribed() -> Iterator[tuple[BigCommerceRig, Inbox]]:
    with open_inbox() as inbox, BigCommerceRig.open(inbox.url) as opened:
        yield opened, inbox


def test_a_checkout_is_told_as_created_at_status_0_and_then_updated(subscribed: tuple[BigCommerceRig, Inbox]) -> None:
    rig, inbox = subscribed
    order = rig.place({"MUG": 1})
    assert rig.box.sandbox.courier.settle()
    told = [body["scope"] for body in inbox.bodies() if body["scope"].startswith("store/order")]
    assert told[0] == "store/order/created"
    assert told.count("store/order/updated") >= 2
    assert "store/order/transaction/created" in told
    moved = next(body["data"]["status"] for body in inbox.bodies() if body["scope"] == "store/order/statusUpdated")
    assert moved == {"previous_status_id": 0, "new_status_id": 11}
    for given, body in [(dict(each), body) for each, body in inbox.got]:
        assert {hint.subject for hint in rig.adapter.verify(body, given, {}, rig.connection)} <= {
            f"order:{order}",
            f"product:{rig._product('MUG')['id']}",
        }


def test_a_callback_signed_with_a_wrong_secret_is_rejected_although_its_header_is_right(
    subscribed: tuple[BigCommerceRig, Inbox],
) -> None:
    rig, inbox = subscribed
    rig.fault("bad_signature", count=-1)
    rig.place({"MUG": 1})
    assert rig.box.sandbox.courier.settle()
    given, body = inbox.got[0]
    with pytest.raises(WebhookRejected):
        rig.adapter.verify(body, given, {}, rig.connection)


def test_a_hook_that_is_switched_off_is_not_called(subscribed: tuple[BigCommerceRig, Inbox]) -> None:
    rig, inbox = subscribed
    for hook in hooks(rig):
        rig.box.state.put("hook", hook["id"], hook | {"is_active": False})
    rig.place({"MUG": 1})
    assert rig.box.sandbox.courier.settle()
    assert inbox.got == []


def test_the_address_set_on_the_sandboxs_own_page_hears_of_everything() -> None:
    with open_inbox() as inbox, BigCommerceRig.open() as rig:
        rig.box.state.set_setting("webhook_url", inbox.url)
        rig.place({"MUG": 1})
        assert rig.box.sandbox.courier.settle()
        hints = [rig.adapter.verify(body, given, {}, rig.connection) for given, body in inbox.got]
        assert any(hint.operation == "read_order" for found in hints for hint in found)
