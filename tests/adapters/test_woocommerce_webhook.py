"""WooCommerce's webhooks are believed when they are signed, and our subscriptions are each there once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import Connection, WebhookHint, WebhookRejected
from adapters.sandbox import sandbox
from adapters.woocommerce import WooCommerce
from adapters.woocommerce.sandbox_hooks import FAILURES_UNTIL_DISABLED
from adapters.woocommerce.subscriptions import TOPICS
from adapters.woocommerce.webhook import signature
from tests.adapters.inbox import Inbox, open_inbox
from tests.adapters.woo import Woo, open_woo

SECRET = "our-own-secret"
CONNECTION = Connection("c1", "webshop", "woocommerce", "shop", "https://shop.example", {"webhook_secret": SECRET})
BODY = json.dumps({"id": 45, "status": "processing", "date_modified_gmt": "2026-11-22T02:53:27", "note": "€ 5 / Ana"}).encode()
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def verify(body: bytes, headers: Mapping[str, str]) -> list[WebhookHint]:
    return list(WooCommerce().verify(body, headers, {}, CONNECTION))


def signed(body: bytes, topic: str = "order.updated", delivery: str = "d1", webhook: str = "12") -> dict[str, str]:
    return {
        "Content-Type": "application/json", "X-WC-Webhook-Topic": topic, "X-WC-Webhook-ID": webhook,
        "X-WC-Webhook-Delivery-ID": delivery, "X-WC-Webhook-Signature": signature(body, SECRET),
    }  # fmt: skip


def hints(body: Any, **headers: str) -> list[WebhookHint]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return verify(raw, signed(raw, **headers))


# Signatures


def test_the_signature_is_hmac_sha256_in_base64_over_the_raw_body() -> None:
    """The value was worked out with another program: openssl dgst -sha256 -hmac secret -binary | base64."""
    assert signature(b'{"id":45,"a":"\\u20ac \\/"}', "secret") == "lN1fqUYJGGLk/E9k5fPCcL7UlWpE+tturd3qVMyKEpg="


def test_a_body_written_in_another_way_has_another_signature() -> None:
    escaped = BODY.replace(b"/", b"\\/")
    assert json.loads(escaped) == json.loads(BODY)
    with pytest.raises(WebhookRejected) as caught:
        verify(escaped, signed(BODY))
    assert caught.value.status == 401


def test_a_webhook_says_to_read_what_it_is_about() -> None:
    (hint,) = hints(BODY)
    assert (hint.operation, hint.payload, hint.subject, hint.native_type) == (
        "read_order", {"external_id": "45"}, "order:45", "order.updated",
    )  # fmt: skip
    assert hint.time.isoformat() == "2026-11-22T02:53:27+00:00"
    (product,) = hints({"id": 10, "type": "simple"}, topic="product.updated")
    assert (product.operation, product.payload) == ("read_product", {"external_id": "10"})
    (gone,) = hints({"id": 45}, topic="order.deleted")
    assert gone.payload == {"external_id": "45", "deleted": True}


@pytest.mark.parametrize("missing", ["X-WC-Webhook-Signature", "secret"])
def test_without_signature_or_secret_nothing_is_believed(missing: str) -> None:
    headers = signed(BODY)
    connection = replace(CONNECTION, credentials={}) if missing == "secret" else CONNECTION
    headers.pop(missing, None)
    with pytest.raises(WebhookRejected) as caught:
        WooCommerce().verify(BODY, headers, {}, connection)
    assert caught.value.status == 401


# Pings


def test_an_unsigned_ping_is_answered_well() -> None:
    assert verify(b"webhook_id=12", FORM) == []
    assert verify(b"webhook_id=12", {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}) == []


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"webhook_id=12", {}),
        (b"webhook_id=12", {"Content-Type": "application/json"}),
        (b"webhook_id=12", {**FORM, "X-WC-Webhook-Topic": "order.deleted"}),
        (b"webhook_id=12&id=45", FORM),
        (b"webhook_id=", FORM),
        (b"webhook_id=x", FORM),
        (b"webhook_id=12\n", FORM),
        (b"id=45", FORM),
        (b"", FORM),
        (BODY, FORM),
    ],
)
def test_nothing_else_is_accepted_unsigned(body: bytes, headers: dict[str, str]) -> None:
    with pytest.raises(WebhookRejected) as caught:
        verify(body, headers)
    assert caught.value.status == 401


# Which events are the same


def test_ten_orders_delivered_in_one_second_with_one_delivery_id_are_ten_events() -> None:
    ids = {hints({"id": id, "date_modified_gmt": "2026-11-22T02:53:27"}, delivery="same")[0].event_id for id in range(1, 11)}
    assert len(ids) == 10


def test_the_two_webhooks_of_one_checkout_are_one_event() -> None:
    created, updated = hints(BODY, topic="order.created", delivery="a", webhook="12"), hints(BODY, delivery="b", webhook="13")
    assert created[0].event_id == updated[0].event_id


def test_an_order_deleted_twice_is_two_events_and_a_duplicate_is_one() -> None:
    first, again, second = (hints({"id": 45}, topic="order.deleted", delivery=each)[0].event_id for each in ("a", "a", "b"))
    assert first == again != second


# What says nothing


@pytest.mark.parametrize(
    ("body", "topic"),
    [
        ({"code": "woocommerce_rest_cannot_view", "message": "Sorry", "data": {"status": 401}}, "order.updated"),
        ({"id": 45, "status": "checkout-draft"}, "order.updated"),
        ({"id": 45, "status": "auto-draft"}, "order.created"),
        ({"id": 7}, "customer.updated"),
        ({"id": 7}, "coupon.created"),
        ({"action": "woocommerce_add_to_cart", "arg": 45}, "action.woocommerce_add_to_cart"),
        ({"id": 45}, ""),
        ({"id": True}, "order.updated"),
        ({"id": "45"}, "order.updated"),
        ({"id": 0}, "order.updated"),
        ({"id": 10**30}, "order.updated"),
    ],
)
def test_what_is_no_news_of_an_order_or_article_is_fine_and_says_nothing(body: Any, topic: str) -> None:
    assert hints(body, topic=topic) == []


@pytest.mark.parametrize("body", [b"", b"[]", b"3", b"\xff", b"{" * 100_000, b'{"id": 45'])
def test_a_signed_body_that_makes_no_sense_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(WebhookRejected) as caught:
        hints(body)
    assert caught.value.status == 400


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "status", "date_modified_gmt"]), inner),
                    max_leaves=6), st.sampled_from(TOPICS))  # fmt: skip
def test_a_signed_body_of_any_shape_never_breaks(entity: Any, topic: str) -> None:
    try:
        hints(entity, topic=topic)
    except WebhookRejected as rejected:
        assert rejected.status == 400


# Subscriptions


@pytest.fixture
def woo() -> Iterator[Woo]:
    with open_woo() as opened:
        yield opened


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with open_inbox() as opened:
        yield opened


def register(woo: Woo, url: str, key: str = "r") -> Any:
    return woo.do("register_webhooks", {"url": url}, key)


def settle(woo: Woo) -> None:
    assert woo.box.sandbox.courier.settle(10)


def test_every_topic_is_subscribed_once_with_our_own_secret(woo: Woo, inbox: Inbox) -> None:
    data = register(woo, inbox.url).data
    assert sorted(each["topic"] for each in data) == sorted(TOPICS)
    assert {hook["secret"] for hook in woo.box.state.all("hook")} == {woo.credentials["webhook_secret"]}
    settle(woo)
    assert [body.partition(b"=")[0] for _, body in inbox.got] == [b"webhook_id"] * len(TOPICS)
    assert register(woo, inbox.url, "again").did_nothing


def test_what_is_switched_off_wrong_or_there_twice_is_mended_and_others_are_left_alone(woo: Woo, inbox: Inbox) -> None:
    register(woo, "https://old.example/hook")
    settle(woo)
    hooks = woo.box.state.all("hook")
    woo.box.state.put("hook", hooks[0]["id"], hooks[0] | {"status": "disabled"})
    twin = woo.call("POST", "webhooks", {"name": "Wissel c1", "topic": "order.updated", "delivery_url": inbox.url, "secret": "s"}).json()
    foreign = woo.call("POST", "webhooks", {"name": "Boekhouding", "topic": "order.updated", "delivery_url": "https://b.example"}).json()
    data = register(woo, inbox.url).data
    assert {(each["topic"], each["state"]) for each in data} == {(topic, "active") for topic in TOPICS}
    ours = [hook for hook in woo.box.state.all("hook") if hook["name"] == "Wissel c1"]
    assert {hook["delivery_url"] for hook in ours} == {inbox.url}
    assert len(ours) == len(TOPICS)
    assert twin["id"] in {hook["id"] for hook in ours}
    woo.do("remove_webhooks")
    assert [hook["id"] for hook in woo.box.state.all("hook")] == [foreign["id"]]


def test_a_new_secret_reaches_the_shop(woo: Woo, inbox: Inbox) -> None:
    register(woo, inbox.url)
    woo.credentials = {**woo.credentials, "webhook_secret": "renewed"}
    assert "mended" in register(woo, inbox.url, "renewed").summary
    assert {hook["secret"] for hook in woo.box.state.all("hook")} == {"renewed"}


def test_an_interrupted_registration_leaves_no_twins(woo: Woo, inbox: Inbox) -> None:
    woo.fault("drop", after_effect=True, match="POST /wp-json/wc/v3/webhooks")
    with pytest.raises(Exception, match="failed"):
        register(woo, inbox.url)
    register(woo, inbox.url)
    assert sorted(hook["topic"] for hook in woo.box.state.all("hook")) == sorted(TOPICS)


def test_left_empty_the_secret_is_made_from_the_keys_and_tells_nothing_of_it(woo: Woo, inbox: Inbox) -> None:
    woo.credentials = {**woo.credentials, "webhook_secret": ""}
    register(woo, inbox.url)
    (secret,) = {hook["secret"] for hook in woo.box.state.all("hook")}
    assert woo.credentials["consumer_secret"] not in secret
    assert len(secret) == 64
    woo.place()
    settle(woo)
    headers, body = news(inbox)[0]
    assert WooCommerce().verify(body, headers, {}, woo.connection)
    other = replace(woo.connection, credentials={**woo.credentials, "consumer_secret": "cs_other"})
    with pytest.raises(WebhookRejected):
        WooCommerce().verify(body, headers, {}, other)


# The sandbox sends them as the shop does


def subscribed(woo: Woo, url: str, topic: str = "order.updated") -> int:
    answer = woo.call("POST", "webhooks", {"topic": topic, "delivery_url": url, "secret": SECRET, "status": "paused"})
    return int(answer.json()["id"])


def news(inbox: Inbox) -> list[tuple[dict[str, str], bytes]]:
    return [(headers, body) for headers, body in inbox.got if not body.startswith(b"webhook_id=")]


def test_a_delivery_is_what_reading_the_order_would_give_and_is_signed_over_those_bytes(woo: Woo, inbox: Inbox) -> None:
    subscribed(woo, inbox.url, "order.created")
    order = woo.place()
    settle(woo)
    ((headers, body),) = news(inbox)
    assert body == woo.get(f"orders/{order}").content
    assert headers["X-WC-Webhook-Signature"] == signature(body, SECRET)
    assert (headers["X-WC-Webhook-Topic"], headers["X-WC-Webhook-Resource"], headers["X-WC-Webhook-Event"]) == (
        "order.created", "order", "created",
    )  # fmt: skip
    assert b"\\/" in body
    assert b"\\u20ac" in body
    assert headers["Content-Type"] == "application/json"


def test_what_waits_is_delivered_once_and_as_things_are_then(inbox: Inbox) -> None:
    """Nothing is delivered before the sandbox runs, like before WordPress's cron does."""
    with open_woo() as woo:
        settle(woo)
        woo.box.sandbox.courier.stop()
        subscribed(woo, inbox.url)
        order = woo.place()
        for note in ("a", "b", "c", "d"):
            woo.shop.change_order(order, {"customer_note": note})
        woo.shop.trash(order)
        woo.box.sandbox.courier.start()
        settle(woo)
        ((_, body),) = news(inbox)
        assert (json.loads(body)["customer_note"], json.loads(body)["status"]) == ("d", "trash")


def test_seven_failures_in_a_row_switch_a_webhook_off_and_nothing_is_tried_again(woo: Woo, inbox: Inbox) -> None:
    hook = subscribed(woo, inbox.url)
    settle(woo)
    inbox.answers = [500] * 6 + [200] + [404] * FAILURES_UNTIL_DISABLED
    order = woo.place()
    settle(woo)
    for number in range(5 + 1 + FAILURES_UNTIL_DISABLED):
        assert woo.get(f"webhooks/{hook}").json()["status"] == "active"
        woo.shop.change_order(order, {"customer_note": str(number)})
        settle(woo)
    assert woo.get(f"webhooks/{hook}").json()["status"] == "disabled"
    delivered = len(news(inbox))
    assert delivered == 6 + 1 + FAILURES_UNTIL_DISABLED
    woo.shop.change_order(order, {"customer_note": "unheard"})
    settle(woo)
    assert len(news(inbox)) == delivered


def test_reviving_a_webhook_does_not_forget_its_failures(woo: Woo, inbox: Inbox) -> None:
    hook = subscribed(woo, inbox.url)
    settle(woo)
    woo.box.state.put("hook", hook, (woo.box.state.get("hook", hook) or {}) | {"status": "disabled", "failures": 7})
    assert woo.call("PUT", f"webhooks/{hook}", {"status": "active"}).json()["status"] == "active"
    inbox.answers = [500]
    woo.place()
    settle(woo)
    assert woo.get(f"webhooks/{hook}").json()["status"] == "disabled"


def test_a_redirect_counts_as_delivered_though_nobody_follows_it(woo: Woo, inbox: Inbox) -> None:
    hook = subscribed(woo, inbox.url)
    settle(woo)
    inbox.answers = [302]
    woo.place()
    settle(woo)
    assert (woo.box.state.get("hook", hook) or {})["failures"] == 0


def test_pings_come_until_one_is_answered_with_exactly_200(woo: Woo, inbox: Inbox) -> None:
    inbox.answers = [204, 200, 202, 200, 200]
    subscribed(woo, inbox.url)
    settle(woo)
    order = woo.place()
    settle(woo)
    for note in ("a", "b"):
        woo.shop.change_order(order, {"customer_note": note})
        settle(woo)
    assert [body.startswith(b"webhook_id=") for _, body in inbox.got] == [True, False, True, False, True, False]


def test_a_webhook_whose_user_lost_its_rights_delivers_an_error_signed_like_news(woo: Woo, inbox: Inbox) -> None:
    subscribed(woo, inbox.url)
    woo.box.sandbox.set_switch("hooks_without_rights", True)
    woo.place()
    settle(woo)
    ((headers, body),) = news(inbox)
    assert json.loads(body)["code"] == "woocommerce_rest_cannot_view"
    assert verify(body, headers) == []


def test_one_delivery_id_stands_for_all_that_a_webhook_delivers_within_a_second(inbox: Inbox) -> None:
    with open_woo() as woo:
        subscribed(woo, inbox.url)
        settle(woo)
        woo.box.state.now = lambda: 1_800_000_000.0  # type: ignore[method-assign]
        for _ in range(3):
            woo.place()
        settle(woo)
        assert len({headers["X-WC-Webhook-Delivery-ID"] for headers, _ in news(inbox)}) == 1
        assert len({verify(body, headers)[0].event_id for headers, body in news(inbox)}) == 3


def test_the_address_set_on_the_sandboxs_own_page_hears_everything(woo: Woo, inbox: Inbox) -> None:
    woo.box.state.set_setting("webhook_url", inbox.url)
    woo.place({"MUG": 1})
    settle(woo)
    assert {headers["X-WC-Webhook-Topic"] for headers, _ in news(inbox)} >= {"order.created", "product.updated"}
    headers, body = news(inbox)[0]
    assert headers["X-WC-Webhook-Signature"] == signature(body, sandbox(woo.box.app).courier.secret)
