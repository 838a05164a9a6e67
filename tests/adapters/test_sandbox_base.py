"""The sandbox every system's sandbox is built on, driven over real HTTP."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator

import pytest
import requests
from flask import Flask, Response, jsonify, request

from adapters.sandbox import Profile, RunningSandbox, SandboxState, create_sandbox, running, sandbox
from tests.adapters.inbox import Inbox


def error(status: int, words: str) -> Response:
    answer = jsonify({"wrong": words})
    answer.status_code = status
    return answer


def sign(body: bytes, secret: str) -> dict[str, str]:
    return {"X-Signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


PROFILE = Profile(
    name="toy",
    title="Toy",
    api_prefixes=("/api/",),
    error=error,
    sign=sign,
    switches={"strict": ("Be strict", False)},
    navigation=(("Home", "/"),),
)


def toy(state: SandboxState | None = None, **options: object) -> Flask:
    app = create_sandbox(PROFILE, state or SandboxState(), import_name=__name__, **options)  # type: ignore[arg-type]

    @app.post("/api/things")
    def make() -> Response:
        box = sandbox()
        with box.state.transaction():
            id = box.state.next("thing")
            box.state.put("thing", id, {"id": id, **(request.get_json() or {})})
            box.state.count("things_made")
        box.courier.post("thing.made", box.webhook_url, json.dumps({"id": id}).encode())
        return jsonify({"id": id, "words": "a body long enough to be cut"})

    return app


@pytest.fixture
def box() -> Iterator[RunningSandbox]:
    with running(toy()) as served:
        yield served


def make(box: RunningSandbox) -> requests.Response:
    return requests.post(f"{box.url}/api/things", json={"colour": "red"}, timeout=5)


def fault(box: RunningSandbox, kind: str, **options: object) -> None:
    requests.post(f"{box.url}/_sandbox/faults", json={"kind": kind, **options}, timeout=5).raise_for_status()


def test_the_request_log_and_the_counters_show_what_a_call_did(box: RunningSandbox) -> None:
    assert make(box).json()["id"] == 1
    [logged] = box.state.requests("POST", "/api/things")
    assert (logged.status, json.loads(logged.body)) == (200, {"colour": "red"})
    assert box.state.counters() == {"things_made": 1}
    assert requests.get(f"{box.url}/_sandbox/counters", timeout=5).json() == {"things_made": 1}
    assert [entry["path"] for entry in requests.get(f"{box.url}/_sandbox/requests?method=POST", timeout=5).json()] == [
        "/api/things"
    ]
    requests.delete(f"{box.url}/_sandbox/requests", timeout=5)
    assert box.state.requests() == []


@pytest.mark.parametrize(
    ("kind", "status", "starts"),
    [
        ("500", 500, '{"wrong"'),
        ("429", 429, '{"wrong"'),
        ("html", 200, "<!doctype html>"),
        ("empty", 200, ""),
        ("half_json", 200, "{"),
    ],
)
def test_a_fault_before_the_effect_spoils_the_answer_and_does_nothing(
    box: RunningSandbox, kind: str, status: int, starts: str
) -> None:
    fault(box, kind)
    answer = make(box)
    assert answer.status_code == status
    assert answer.text.startswith(starts)
    assert box.state.counters() == {}
    assert make(box).json()["id"] == 1


def test_a_throttling_fault_says_how_long_to_wait(box: RunningSandbox) -> None:
    fault(box, "429", seconds=7)
    assert make(box).headers["Retry-After"] == "7"


@pytest.mark.parametrize("kind", ["500", "half_json", "html", "empty"])
def test_a_fault_after_the_effect_carries_the_call_out_and_spoils_its_answer(box: RunningSandbox, kind: str) -> None:
    fault(box, kind, after_effect=True)
    answer = make(box)
    assert answer.status_code == 500 or not answer.text.endswith('"}\n')
    assert box.state.counters() == {"things_made": 1}
    assert box.state.requests()[0].fault == f"{kind}, after taking effect"


@pytest.mark.parametrize(("after", "made"), [(False, 0), (True, 1)])
def test_a_dropped_connection_loses_the_answer_with_or_without_the_effect(
    box: RunningSandbox, after: bool, made: int
) -> None:
    fault(box, "drop", after_effect=after)
    with pytest.raises(requests.ConnectionError):
        make(box)
    assert box.state.counter("things_made") == made
    assert box.state.requests()[0].status == 0


def test_a_timeout_fault_outlasts_the_patience_of_the_caller(box: RunningSandbox) -> None:
    fault(box, "timeout", seconds=60)
    with pytest.raises(requests.ReadTimeout):
        requests.post(f"{box.url}/api/things", json={}, timeout=0.2)
    assert box.state.counter("things_made") == 0


def test_a_slow_answer_arrives_whole(box: RunningSandbox) -> None:
    fault(box, "slow", seconds=0.05)
    assert make(box).json()["id"] == 1


def test_a_fault_strikes_as_often_as_told_and_only_what_matches(box: RunningSandbox) -> None:
    fault(box, "500", count=2, match="POST /api/things")
    fault(box, "500", count=-1, match="PUT")
    assert [make(box).status_code for _ in range(3)] == [500, 500, 200]
    assert [item["match"] for item in requests.get(f"{box.url}/_sandbox/faults", timeout=5).json()] == ["PUT"]
    assert requests.delete(f"{box.url}/_sandbox/faults", timeout=5).json() == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "meteor"},
        {"kind": "500", "count": -2},
        {"kind": "slow", "seconds": 1e9},
        {"kind": "500", "count": "many"},
        {},
        {"kind": "slow", "seconds": "nan"},
    ],
)
def test_a_senseless_fault_is_refused_with_the_reason(box: RunningSandbox, wrong: dict[str, object]) -> None:
    answer = requests.post(f"{box.url}/_sandbox/faults", json=wrong, timeout=5)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert box.sandbox.faults.list() == ()


def test_more_requests_than_the_limit_are_throttled_with_retry_after() -> None:
    with running(toy(requests_per_minute=2)) as box:
        answers = [make(box) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert 0 < int(answers[2].headers["Retry-After"]) <= 60
        assert box.state.counter("things_made") == 2


def test_state_survives_a_restart(tmp_path: object) -> None:
    path = f"{tmp_path}/state.sqlite"
    for expected in (1, 2):
        state = SandboxState(path)
        with running(toy(state)) as box:
            assert make(box).json()["id"] == expected
        state.close()


def test_a_transaction_that_fails_leaves_nothing_behind() -> None:
    state = SandboxState()
    with pytest.raises(RuntimeError), state.transaction():
        state.put("thing", 1, {"a": 1})
        with state.transaction():
            state.put("thing", 2, {"a": 2})
        raise RuntimeError
    assert state.all("thing") == []


def test_a_webhook_is_signed_and_logged_as_delivered(inbox: Inbox) -> None:
    with running(toy(webhook_url=inbox.url, secret="key")) as box:
        make(box)
        assert box.sandbox.courier.settle()
        [(headers, body)] = inbox.got
        assert headers["X-Signature"] == sign(body, "key")["X-Signature"]
        assert requests.get(f"{box.url}/_sandbox/webhooks", timeout=5).json()[0]["state"] == "delivered"


def test_a_webhook_is_tried_again_and_finally_given_up(inbox: Inbox) -> None:
    with running(toy(webhook_url=inbox.url, webhook_retries=(0.01, 0.01))) as box:
        inbox.answers = [500, 200]
        make(box)
        assert box.sandbox.courier.settle()
        inbox.answers = [500, 302, 404]
        make(box)
        assert box.sandbox.courier.settle()
        first, second = box.sandbox.courier.log()
        assert (first["state"], [a["outcome"] for a in first["attempts"]]) == ("delivered", ["HTTP 500", "HTTP 200"])
        assert (second["state"], [a["outcome"] for a in second["attempts"]]) == (
            "given up",
            ["HTTP 500", "HTTP 302", "HTTP 404"],
        )


def test_webhook_faults_duplicate_lose_and_missign(inbox: Inbox) -> None:
    with running(toy(webhook_url=inbox.url, secret="key")) as box:
        for kind in ("duplicate_webhooks", "no_webhooks", "bad_signature"):
            fault(box, kind, match="thing")
            make(box)
        assert box.sandbox.courier.settle()
        assert [body["id"] for body in inbox.bodies()] == [1, 1, 3]
        good = [headers["X-Signature"] == sign(body, "key")["X-Signature"] for headers, body in inbox.got]
        assert good == [True, True, False]


def test_a_reordered_webhook_arrives_after_the_one_that_follows_it(inbox: Inbox) -> None:
    with running(toy(webhook_url=inbox.url)) as box:
        fault(box, "reorder_webhooks")
        make(box)
        make(box)
        assert box.sandbox.courier.settle()
        assert [body["id"] for body in inbox.bodies()] == [2, 1]


def test_a_waiting_webhook_survives_a_restart(inbox: Inbox) -> None:
    state = SandboxState()
    app = toy(state, webhook_url=inbox.url)
    app.test_client().post("/api/things", json={})
    assert [item["state"] for item in state.all("_webhook")] == ["waiting"]
    with running(toy(state)) as box:
        assert box.sandbox.courier.settle()
    assert [body["id"] for body in inbox.bodies()] == [1]


def test_without_an_address_a_webhook_is_logged_and_not_sent(box: RunningSandbox) -> None:
    make(box)
    assert box.sandbox.courier.log()[0]["state"].startswith("not sent: no webhook address")


@pytest.mark.parametrize("page", ["/sandbox/faults", "/sandbox/webhooks", "/sandbox/calls"])
def test_every_shared_page_has_one_heading_labels_and_no_foreign_address(box: RunningSandbox, page: str) -> None:
    make(box)
    answer = requests.get(f"{box.url}{page}", timeout=5)
    assert answer.status_code == 200
    assert answer.text.count("<h1") == 1
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "https://" not in answer.text
    assert "http-equiv" not in answer.text
    assert 'http-equiv="refresh"' in requests.get(f"{box.url}{page}?refresh=on", timeout=5).text
    assert requests.get(f"{box.url}/sandbox/static/sandbox.css", timeout=5).status_code == 200


def test_the_fault_form_and_the_switches_work_without_script(box: RunningSandbox) -> None:
    page = requests.post(
        f"{box.url}/sandbox/faults", data={"kind": "500", "count": "3", "match": "", "seconds": "2"}, timeout=5
    )
    assert "3 times" in page.text
    requests.post(f"{box.url}/sandbox/faults/clear", data={"id": "1"}, timeout=5)
    assert box.sandbox.faults.list() == ()
    requests.post(f"{box.url}/sandbox/switches", data={"name": "strict", "on": "1"}, timeout=5)
    assert box.sandbox.switch("strict")
    requests.post(f"{box.url}/_sandbox/switches", json={"strict": False}, timeout=5)
    assert not box.sandbox.switch("strict")
    assert requests.post(f"{box.url}/sandbox/switches", data={"name": "other"}, timeout=5).status_code == 400
    assert requests.post(f"{box.url}/sandbox/webhook-url", data={"url": "ftp://x"}, timeout=5).status_code == 400


def test_a_form_on_another_site_cannot_press_our_buttons(box: RunningSandbox) -> None:
    answer = requests.post(
        f"{box.url}/sandbox/faults", data={"kind": "500"}, headers={"Sec-Fetch-Site": "cross-site"}, timeout=5
    )
    assert answer.status_code == 403
    assert box.sandbox.faults.list() == ()


def test_unknown_addresses_speak_the_systems_language_on_its_api_and_are_a_page_elsewhere(box: RunningSandbox) -> None:
    api = requests.get(f"{box.url}/api/nowhere", timeout=5)
    assert (api.status_code, list(api.json())) == (404, ["wrong"])
    page = requests.get(f"{box.url}/nowhere", timeout=5)
    assert (page.status_code, page.headers["Content-Type"].partition(";")[0]) == (404, "text/html")
