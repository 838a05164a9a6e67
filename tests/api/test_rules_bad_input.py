"""Rule books that nobody should be able to do harm with: each is refused in words that say what is wrong, where, and what to
do next; nothing of it is kept, and what was published decides the next event as before."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from engine.language import text_version
from store import books, drafts, people
from store.flow_models import Decision
from store.models import Merchant
from tests.api.house import Shopkeeper, cloud_event, open_shop, placed, token
from tests.api.house import post as post_event
from tests.api.rule_making import SHIPPED, begin, current, publish, with_layer
from tests.api.test_rule_editor import Desk
from tests.api.test_rules_cli import lay, run

LAYER = "layer/order_intake.yaml"
HEAD = "decision: order_intake\nlayer: true\n"


def rule(name: str = "mine", when: str = "order.total > 5 EUR", then: str = "hold order") -> str:
    """One rule in a list of rules."""
    return f"  - id: {name}\n    when:\n      - {when}\n    then:\n      - {then}\n"


def layer(*rules: str) -> str:
    return HEAD + "rules:\n" + "".join(rules)


MANY = HEAD + "rules:\n" + "".join(f"- {{id: r{n}, then: [hold order]}}\n" for n in range(100_000))
LAUGHS = HEAD + "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
REFUSED: dict[str, tuple[str, int, str, str]] = {
    # what is wrong: (text of the layer, line, words of the reason, words of what to do next)
    "100,000 rules": (MANY, 4, "more than 25,000 items", "at most 20,000 rules"),
    "derived facts in a circle": (
        layer(rule("chicken", "order.tags contains egg", "tag order chicken"), rule("egg", "order.tags contains chicken", "tag order egg")),
        4, "chicken -> egg -> chicken", "ask about something else",
    ),
    "a derived fact that waits for itself": (layer(rule("echo", "order.tags contains echo", "tag order echo")), 4, "`echo` derives", "ask about"),
    "a pattern that is too large": (layer(rule(when='order.comment matches "((a{1000}){1000}){1000}"')), 6, "pattern", "RE2"),
    "a pattern that looks back": (layer(rule(when=r'order.comment matches "(a+)\\1"')), 6, "pattern", "RE2"),
    "a bomb of aliases": (LAUGHS, 4, "Aliases (`*name`) are not allowed", "Write the text out"),
    "an anchor and an alias of itself": (HEAD + "rules: &a [*a]\n", 3, "Anchors (`&name`) are not allowed", "Write the text"),
    "a merge of keys from elsewhere": (HEAD + "x: &x {id: mine}\nrules:\n  - <<: *x\n    then: [hold order]\n", 5, "Aliases", "Write"),
    "a tag that builds things": (HEAD + "rules: !!python/object/apply:os.system [id]\n", 3, "Tags (`!name`) are not allowed", "Write"),
    "two rules of one id": (layer(rule("twin"), rule("twin")), 9, "`twin` is taken on line 4", "unique"),
    "a rule of an id that the base book has": (layer(rule("cancelled-before-we-knew-it")), 4, "`cancelled-before-we-knew-it`", "replace"),
    "a key twice": (layer(rule()) + "layer: true\n", 9, "`layer` stands here a second time; the first is on line 2", ""),
    "a replaced rule that no longer exists": (HEAD + "replace:\n" + rule("gone"), 4, "have no `gone`", "remove it here"),
    "a switched off rule that no longer exists": (HEAD + "switch_off: [gone]\n", 3, "have no `gone`", "remove it here"),
    "nesting without end": (HEAD + "rules: " + "[" * 100_000 + "\n", 3, "Nested deeper than 24 levels", "Divide"),
}  # fmt: skip


@pytest.fixture
def unharmed(client: FlaskClient, keeper: Shopkeeper) -> Iterator[None]:
    """Whatever happens in the test: the same version decides, none was added, and the next event is decided by it."""
    before = current(keeper)
    yield
    with keeper.house.database.session(keeper.merchant.id, read_only=True) as session:
        assert [row.version for row in books.publications(session)] == [before]
    answer = post_event(client, keeper, cloud_event("order.placed", placed("AFTER"))).json
    with keeper.house.database.session(keeper.merchant.id, read_only=True) as session:
        assert session.get_one(Decision, answer["decision"]).version == before


@pytest.mark.parametrize("what", REFUSED)
def test_it_is_told_what_is_wrong_where_and_what_to_do(client: FlaskClient, keeper: Shopkeeper, unharmed: None, what: str) -> None:
    text, line, reason, hint = REFUSED[what]
    draft, headers = begin(client, keeper, files={**SHIPPED, LAYER: text})
    answer = client.post(f"/v1/rule-drafts/{draft['id']}/publish", json={"comment": "mischief"}, headers=headers)
    found = [error["message"] for error in answer.json["errors"] if error["field"].startswith(f"{LAYER}:{line}:")]

    assert (answer.status_code, answer.json["type"]) == (422, "/docs/problems#rules-refused")
    assert "nothing was published" in answer.json["detail"]
    assert any(reason in message and hint in message for message in found), answer.json["errors"][:3]
    assert len(answer.data) < 100_000


@pytest.mark.parametrize("what", ["100,000 rules", "a bomb of aliases", "a replaced rule that no longer exists"])
def test_a_page_tells_the_same(admin: FlaskClient, client: FlaskClient, keeper: Shopkeeper, unharmed: None, what: str) -> None:
    text, line, reason, hint = REFUSED[what]
    draft, _ = begin(client, keeper, files={**SHIPPED, LAYER: text})
    form = {"csrf_token": token(admin, "/rules"), "revision": "1", "comment": "mischief"}
    answer = admin.post(f"/rules/drafts/{draft['id']}/publish", data=form)
    page = unescape(answer.get_data(as_text=True))

    assert answer.status_code == 422
    assert f"{LAYER}:{line}:" in page and reason in page and hint in page
    assert admin.get(f"/rules/drafts/{draft['id']}/{LAYER}").status_code == 200


@pytest.mark.parametrize("what", ["100,000 rules", "a bomb of aliases", "derived facts in a circle", "a switched off rule that no longer exists"])
def test_the_command_line_tells_the_same(app: Flask, keeper: Shopkeeper, unharmed: None, tmp_path: Path, what: str) -> None:
    text, line, reason, hint = REFUSED[what]
    folder = lay(tmp_path / "book", {**SHIPPED, LAYER: text})
    for words in (("check", folder), ("import", folder, "--publish", "--comment", "mischief")):
        done = run(app, *words)
        said = done.output + done.stderr
        assert done.exit_code == 1 and isinstance(done.exception, SystemExit)
        assert f"{LAYER}:{line}:" in said and reason in said and hint in said


LARGE = {
    "one file of ten megabytes": {"order_intake.yaml": "# " + "x" * 10_000_000},
    "ten megabytes in three files": {f"{number}.yaml": "# " + "x" * 3_400_000 for number in range(3)},
    "ten megabytes of three bytes each": {"order_intake.yaml": "# " + "€" * 3_400_000},
}


@pytest.mark.parametrize("what", LARGE)
def test_ten_megabytes_are_refused_on_the_command_line_before_anything_is_kept(
    app: Flask, keeper: Shopkeeper, unharmed: None, tmp_path: Path, what: str
) -> None:
    folder = lay(tmp_path / "book", LARGE[what])
    for words in (("check", folder), ("test", folder), ("import", folder), ("import", folder, "--publish", "--comment", "x"), ("diff", folder, "1")):
        done = run(app, *words)
        assert done.exit_code == 1 and isinstance(done.exception, SystemExit), done.output
        assert re.search(r"at most [48],000,000|the 4,000,000 characters", done.output), done.output
    assert _drafts(keeper) == []


@pytest.mark.parametrize("what", LARGE)
def test_ten_megabytes_are_refused_over_http_before_anything_is_kept(
    client: FlaskClient, keeper: Shopkeeper, unharmed: None, what: str
) -> None:
    mine, headers = begin(client, keeper)
    for method, path in (("POST", "/v1/rulebooks/check"), ("POST", "/v1/rule-drafts"), ("PUT", f"/v1/rule-drafts/{mine['id']}")):
        answer = client.open(path, method=method, json={"files": LARGE[what]}, headers=headers)
        assert (answer.status_code, answer.json["type"]) == (413, "/docs/problems#too-large"), path
        assert ",000,000" in answer.json["detail"] and answer.json["title"]
    assert [draft.id for draft in _drafts(keeper)] == [mine["id"]]
    assert client.get(f"/v1/rule-drafts/{mine['id']}", headers=headers).json["revision"] == 1


def _drafts(keeper: Shopkeeper) -> list[Any]:
    with keeper.house.database.session(keeper.merchant.id, read_only=True) as session:
        return list(drafts.list_open(session))


def test_a_pattern_that_explodes_elsewhere_decides_as_quickly_as_any_other(client: FlaskClient, keeper: Shopkeeper) -> None:
    """With an engine that goes back and tries again, this test would run for longer than the universe is old."""
    publish(client, keeper, {**SHIPPED, LAYER: layer(rule(when='order.comment matches "(a+)+$"'))})
    held = post_event(client, keeper, cloud_event("order.placed", placed("1", comment="a" * 1_500))).json
    taken = post_event(client, keeper, cloud_event("order.placed", placed("2", comment="a" * 1_500 + "!"))).json

    assert _fired(client, keeper, held) and not _fired(client, keeper, taken)


def _fired(client: FlaskClient, keeper: Shopkeeper, answer: dict[str, Any]) -> bool:
    """Whether the rule `mine` of the layer decided about an order."""
    decision = client.get(f"/v1/decisions/{answer['decision']}", headers=keeper.bearer).json
    return "mine" in json.dumps(decision["trace"])


WRITES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "begin a draft": ("POST", "/v1/rule-drafts", {}),
    "save a draft": ("PUT", "/v1/rule-drafts/{draft}", {"files": with_layer("theirs")}),
    "discard a draft": ("DELETE", "/v1/rule-drafts/{draft}", {}),
    "rebase a draft": ("POST", "/v1/rule-drafts/{draft}/rebase", {}),
    "publish a draft": ("POST", "/v1/rule-drafts/{draft}/publish", {"comment": "mischief"}),
    "roll back": ("POST", "/v1/rulebooks/1/rollback", {"reason": "mischief"}),
    "start a proof": ("POST", "/v1/rule-jobs", {"draft": "{draft}", "kind": "prove"}),
    "cancel a proof": ("DELETE", "/v1/rule-jobs/{job}", {}),
}
CALLERS = {"nobody": 401, "somebody with a revoked key": 401, "events": 403, "support": 403, "another merchant": 404}


@pytest.mark.parametrize("caller", CALLERS)
def test_without_permission_nothing_is_written_and_it_is_said_who_may(
    client: FlaskClient, keeper: Shopkeeper, unharmed: None, make_merchant: Callable[..., Merchant], caller: str
) -> None:
    draft, mine = begin(client, keeper, files=with_layer())
    job = client.post("/v1/rule-jobs", json={"draft": draft["id"], "kind": "prove"}, headers=mine).json["id"]
    headers = {"If-Match": '"1"', **_caller(keeper, make_merchant, caller)}
    for what, (method, path, body) in WRITES.items():
        if caller == "another merchant" and what in ("begin a draft", "roll back"):
            continue  # that is about their own rules
        sent = json.loads(json.dumps(body).replace("{draft}", draft["id"]))
        answer = client.open(path.format(draft=draft["id"], job=job), method=method, json=sent, headers=headers)
        assert (answer.status_code, answer.content_type) == (CALLERS[caller], "application/problem+json"), (what, answer.json)
        assert draft["name"] not in answer.get_data(as_text=True)
        if CALLERS[caller] == 403:
            assert "admin" in answer.json["detail"], what
    assert client.get(f"/v1/rule-drafts/{draft['id']}", headers=mine).json == draft
    assert client.get(f"/v1/rule-jobs/{job}", headers=mine).json["state"] == "waiting"
    assert len(_drafts(keeper)) == 1


def _caller(keeper: Shopkeeper, make_merchant: Callable[..., Merchant], caller: str) -> dict[str, str]:
    if caller == "nobody":
        return {}
    if caller == "another merchant":
        return open_shop(keeper.house, make_merchant, "rival").bearer
    if caller in keeper.keys:
        return keeper.headers(caller)
    with keeper.house.database.session(keeper.merchant.id) as session:
        key, secret = people.create_api_key(session, name="lost", role="admin")
        people.revoke_api_key(session, key.id)
    return {"Authorization": f"Bearer {secret}"}


def test_going_back_to_another_merchants_version_by_its_hash_finds_nothing(
    client: FlaskClient, keeper: Shopkeeper, unharmed: None, make_merchant: Callable[..., Merchant]
) -> None:
    rival = open_shop(keeper.house, make_merchant, "rival")
    theirs = text_version(with_layer("secret-rule"))
    with keeper.house.database.session(rival.merchant.id) as session:
        books.publish(session, with_layer("secret-rule"), theirs, by="rival")
    for reference in (theirs, theirs[:8], "2"):
        answer = client.post(f"/v1/rulebooks/{reference}/rollback", json={"reason": "mischief"}, headers=keeper.bearer)
        assert answer.status_code == 404 and "secret-rule" not in answer.get_data(as_text=True)
        assert client.post("/v1/rule-drafts", json={"version": reference}, headers=keeper.bearer).status_code == 404


LONG = layer(*(rule(f"rule-{number}") for number in range(6_000)))


def test_a_text_too_long_for_cards_is_still_checked_and_saved(admin: FlaskClient, keeper: Shopkeeper) -> None:
    desk = Desk(admin)
    checked = desk.ask("check", LONG + "  - id: rule-0\n", LAYER)

    assert (checked.status_code, checked.json["spans"]) == (200, [])
    assert "too long to be shown as cards" in checked.json["structure"] and checked.json["problems"]
    assert desk.ask("edit", LONG, LAYER, operation={"op": "remove_rule", "rule": "rule-0"}).status_code == 413
    assert desk.ask("complete", LONG, LAYER, line=7, column=1).json["items"] == []
    assert desk.ask("try", LONG, LAYER, facts="#" * 200_001).status_code == 422
    assert desk.save(LONG, file=LAYER).status_code == 200
    assert "too long to be shown as cards" in desk.page(LAYER)
