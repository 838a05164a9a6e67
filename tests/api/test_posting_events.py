"""Posting events: what is accepted, what comes back, and that nothing counts twice."""

from __future__ import annotations

import json
from typing import Any

from flask.testing import FlaskClient

from tests.api.house import Shopkeeper, cloud_event, placed, post


def test_an_order_is_decided_at_once_and_the_answer_links_to_its_trace(client: FlaskClient, keeper: Shopkeeper) -> None:
    answer = post(client, keeper, cloud_event("order.placed", placed(), source="tulip-shop"))

    assert answer.status_code == 201, answer.json
    assert answer.json["status"] == "decided"
    assert answer.headers["Location"] == f"/v1/events/{answer.json['event']}"
    trace = client.get(answer.json["trace"], headers=keeper.bearer)
    assert trace.status_code == 200
    assert trace.json["order"] == answer.json["order"]


def test_an_event_whose_source_is_a_connection_is_bound_to_it(client: FlaskClient, keeper: Shopkeeper) -> None:
    answer = post(client, keeper, cloud_event("order.placed", placed(), source="tulip-shop"))

    order = client.get(f"/v1/orders/{answer.json['order']}", headers=keeper.bearer).json
    assert order["shop"] == "tulip-shop"


def test_the_same_event_again_gets_the_first_answer(client: FlaskClient, keeper: Shopkeeper) -> None:
    event = cloud_event("order.placed", placed(), source="tulip-shop")
    first, second = post(client, keeper, event), post(client, keeper, event)

    assert (second.status_code, second.json) == (first.status_code, first.json)
    assert "Idempotent-Replay" not in first.headers
    assert second.headers["Idempotent-Replay"] == "true"
    assert len(client.get("/v1/orders", headers=keeper.bearer).json["items"]) == 1


def test_spelling_the_same_content_otherwise_is_still_the_same_event(client: FlaskClient, keeper: Shopkeeper) -> None:
    event = cloud_event("stock.changed", {"outlet": "amsterdam", "sku": "LAMP", "on_hand": 7})
    post(client, keeper, event)
    respelt = {**event, "time": "2026-11-22T10:30:00+01:00", "data": dict(reversed(event["data"].items()))}

    assert post(client, keeper, respelt).headers["Idempotent-Replay"] == "true"


def test_the_same_id_with_other_content_is_a_conflict(client: FlaskClient, keeper: Shopkeeper) -> None:
    event = cloud_event("order.placed", placed("1"))
    post(client, keeper, event)

    answer = post(client, keeper, {**event, "data": placed("2")})

    assert answer.status_code == 409
    assert answer.json["type"] == "/docs/problems#event-conflict"


def test_respond_async_is_answered_before_anything_is_decided(client: FlaskClient, keeper: Shopkeeper) -> None:
    answer = post(client, keeper, cloud_event("order.placed", placed()), Prefer="respond-async")

    assert (answer.status_code, answer.json["status"]) == (202, "received")
    assert answer.headers["Preference-Applied"] == "respond-async"
    assert answer.json["trace"] is None


def test_an_event_that_cannot_be_decided_is_kept_and_says_why(client: FlaskClient, keeper: Shopkeeper) -> None:
    answer = post(client, keeper, cloud_event("order.cancelled", {"order": {"id": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}}))

    assert (answer.status_code, answer.json["status"]) == (202, "failed")
    assert "there is no order" in answer.json["summary"]
    kept = client.get(f"/v1/events/{answer.json['event']}", headers=keeper.bearer).json
    assert kept["status"] == "failed"


def test_an_event_about_an_order_still_to_come_waits_for_it(client: FlaskClient, keeper: Shopkeeper) -> None:
    payment = {"order": {"number": "LATER"}, "amount": "25.00", "currency": "EUR", "reference": "p1"}
    answer = post(client, keeper, cloud_event("payment.received", payment))

    assert (answer.status_code, answer.json["status"]) == (202, "waiting")


def test_a_batch_takes_what_is_right_and_says_what_is_wrong(client: FlaskClient, keeper: Shopkeeper) -> None:
    good, bad = cloud_event("order.placed", placed("B1")), cloud_event("order.placed", placed("B2", lines=[]))
    answer = client.post(
        "/v1/events", data=json.dumps([good, bad, 7]), headers=keeper.bearer, content_type="application/cloudevents-batch+json"
    )

    assert answer.status_code == 200
    assert (answer.json["accepted"], answer.json["refused"]) == (1, 2)
    assert [item["status"] for item in answer.json["results"]] == [201, 422, 422]
    assert answer.json["results"][0]["answer"]["status"] == "decided"
    assert answer.json["results"][1]["problem"]["errors"][0]["field"] == "data.order.lines"


def test_a_batch_of_more_than_five_hundred_is_too_large(client: FlaskClient, keeper: Shopkeeper) -> None:
    answer = client.post(
        "/v1/events", data=json.dumps([{}] * 501), headers=keeper.bearer, content_type="application/cloudevents-batch+json"
    )

    assert answer.status_code == 413


def test_binary_mode_carries_the_attributes_in_headers(client: FlaskClient, keeper: Shopkeeper) -> None:
    answer = client.post(
        "/v1/events", json=placed("BIN"), headers={
            **keeper.bearer, "ce-specversion": "1.0", "ce-id": "b%201", "ce-source": "tulip-shop", "ce-type": "order.placed",
            "ce-time": "2026-11-22T09:30:00Z",
        },
    )  # fmt: skip

    assert answer.status_code == 201
    kept = client.get(f"/v1/events/{answer.json['event']}", headers=keeper.bearer).json
    assert kept["external_id"] == "b 1"


def test_plain_json_is_taken_as_a_structured_event(client: FlaskClient, keeper: Shopkeeper) -> None:
    answer = client.post("/v1/events", json=cloud_event("order.placed", placed()), headers=keeper.bearer)

    assert answer.status_code == 201


def test_two_lines_may_share_an_article_when_their_ids_differ(client: FlaskClient, keeper: Shopkeeper) -> None:
    data: dict[str, Any] = placed()
    data["order"]["lines"] = [{"sku": "MUG-BLUE", "quantity": 1, "unit_price": "12.50"} for _ in range(2)]
    answer = post(client, keeper, cloud_event("order.placed", data))

    order = client.get(f"/v1/orders/{answer.json['order']}", headers=keeper.bearer).json
    assert [(line["line"], line["quantity"]) for line in order["lines"]] == [("1", 1), ("2", 1)]


def test_an_article_nobody_knows_is_accepted_and_the_decision_holds_the_order(client: FlaskClient, keeper: Shopkeeper) -> None:
    answer = post(client, keeper, cloud_event("order.placed", placed("H1", {"NOBODY-KNOWS": 1})))

    assert answer.status_code == 201
    order = client.get(f"/v1/orders/{answer.json['order']}", headers=keeper.bearer).json
    assert order["state"] == "held"
    assert "article we do not know" in order["state_reason"]


def test_every_documented_example_is_accepted(client: FlaskClient, keeper: Shopkeeper) -> None:
    from api.schemas.data import TYPES
    from api.schemas.posting import example

    statuses = {type_: post(client, keeper, example(type_)).status_code for type_ in TYPES}

    assert set(statuses.values()) <= {201, 202}, statuses
