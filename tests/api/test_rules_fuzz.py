"""Whatever programs and browsers send about rules: the answer is a sentence, never an error of ours and never a stack trace."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.house import Shopkeeper
from tests.api.rule_making import begin, current, with_layer
from tests.api.test_rule_editor import FILE, GOOD, Desk

MESSAGES = (
    "save", "edit", "format", "keep", "restate", "prove", "finding", "check", "complete", "cases", "case", "try", "test", "proof",
)  # fmt: skip
MODEST = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

NASTY = [
    "", "\x00", "\ud800", "../../etc/passwd", "/etc/passwd", "..\\..\\x", "layer/../x.yaml", "a" * 5_000, "{{7*7}}", "<script>alert(1)</script>",
    "'\"><b>", "%s%n", "\u202e", "ﬀ", "é" * 300, "current", "1", "-1", "0", "9" * 30, "²", FILE, "layer/order_intake.yaml", "order_intake",
]  # fmt: skip
words = st.one_of(st.sampled_from(NASTY), st.text(max_size=20))
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(min_value=-3, max_value=12), st.floats(), words, st.just(10**400), st.just(GOOD)
)
KEYS = [
    "file", "files", "text", "base", "operation", "chosen", "open", "query", "case", "facts", "name", "line", "column", "finding", "job",
    "draft", "kind", "parameters", "version", "comment", "reason", "choices", "op", "rule", "path", "index", "row", "to", "by", "at", "id",
    "section", "list", "cells", "column", "value", "from", "last", "decisions", "seconds", "before", "shop", "field", "operator", "outcome",
]  # fmt: skip
OPS = [
    "add_rule", "remove_rule", "set_description", "set_priority", "set_condition", "add_condition", "remove_condition", "move_condition",
    "set_group", "set_demand", "add_demand", "remove_demand", "set_cell", "add_row", "remove_row", "move_row", "set_hit", "switch_off",
    "switch_on", "replace_rule", "set_setting", "choose_condition", "choose_new_condition", "choose_new_group", "choose_group", "choose_demand",
    "choose_new_demand", "choose_new_rule", "choose_new_table", "choose_new_invariant", "choose_new_row", "choose_new_column", "choose_cell",
    "choose_description", "choose_priority", "choose_hit", "choose_setting", "remove_column", "add_column",
]  # fmt: skip
anything = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5), max_leaves=12)
operations = st.fixed_dictionaries(
    {"op": st.sampled_from(OPS), "rule": st.sampled_from(["big-orders", "x", 3])},
    optional=dict.fromkeys(("path", "index", "row", "column", "to", "by", "at", "text", "kind", "list", "cells", "id", "name", "value", "section", "hit"), anything),
)
parts = ("field", "operator", "value", "upper", "text", "outcome", "reason", "id", "kind", "changed", "heading", "hit")
chosen = st.dictionaries(st.sampled_from(parts), anything, max_size=5)
bodies = st.one_of(
    anything,
    st.dictionaries(st.sampled_from(KEYS), anything, max_size=8),
    st.fixed_dictionaries({"file": st.just(FILE), "text": st.one_of(st.just(GOOD), words)}, optional=dict.fromkeys(KEYS[3:20], anything)),
    st.fixed_dictionaries({"file": st.just(FILE), "text": st.just(GOOD), "operation": operations, "chosen": chosen}),
)


def answered(answer: Any, *about: Any) -> None:
    """It was answered, in words. (Who saves too late gets both texts to look at instead of a problem document.)"""
    text = answer.get_data(as_text=True)
    assert answer.status_code < 500, (answer.status_code, about, text[:500])
    assert "Traceback" not in text and "werkzeug" not in text.lower()
    if answer.status_code >= 400 and answer.content_type.startswith("application") and "html" not in answer.json:
        assert answer.content_type == "application/problem+json"
        assert answer.json["detail"], about


API = [
    ("POST", "/v1/rulebooks/check"), ("POST", "/v1/rulebooks/test"), ("POST", "/v1/rulebooks/format"), ("POST", "/v1/rulebooks/1/rollback"),
    ("POST", "/v1/rule-drafts"), ("PUT", "/v1/rule-drafts/{draft}"), ("POST", "/v1/rule-drafts/{draft}/rebase"),
    ("POST", "/v1/rule-drafts/{draft}/publish"), ("POST", "/v1/rule-jobs"),
]  # fmt: skip


def test_no_body_breaks_the_api(client: FlaskClient, keeper: Shopkeeper) -> None:
    draft, headers = begin(client, keeper, files=with_layer())
    before = current(keeper)

    @MODEST
    @given(address=st.sampled_from(API), body=bodies)
    def send(address: tuple[str, str], body: Any) -> None:
        method, path = address
        if method == "POST" and path.endswith(("publish", "rollback")) and isinstance(body, dict):
            body = {key: value for key, value in body.items() if key not in ("comment", "reason")}
        sent = {"data": json.dumps(body), "headers": {**headers, "Content-Type": "application/json"}}
        answered(client.open(path.format(draft=draft["id"]), method=method, **sent), path, body)

    send()
    assert current(keeper) == before


def test_no_message_breaks_the_editor(admin: FlaskClient, keeper: Shopkeeper) -> None:
    desk, before = Desk(admin), current(keeper)
    desk.save()

    @MODEST
    @given(what=st.sampled_from(MESSAGES), body=bodies)
    def send(what: str, body: Any) -> None:
        headers = {"X-CSRFToken": desk.csrf, "Content-Type": "application/json"}
        answered(admin.post(f"/rules/drafts/{desk.draft}/{what}.json", data=json.dumps(body), headers=headers), what, body)

    send()
    assert current(keeper) == before


FORMS = [
    "/rules/drafts", "/rules/drafts/{draft}/publish", "/rules/drafts/{draft}/discard", "/rules/drafts/{draft}/rebase",
    "/rules/drafts/{draft}/layer", "/rules/drafts/{draft}/" + FILE, "/rules/simulations", "/rules/versions/1/rollback",
    "/rules/order_intake/settings", "/rules/outlet_assignment/settings", "/decisions/x/example",
]  # fmt: skip
FIELDS = ["name", "value", "decision", "revision", "comment", "reason", "rule", "operation", "text", "base", "draft", "from", "to", "last",
          "shop", "before", "decisions", "choice:order_intake.yaml", "personal", "safety_stock"]  # fmt: skip
forms = st.dictionaries(st.sampled_from(FIELDS), st.one_of(words, st.sampled_from(["1", "2026-02-30", "order_intake", "switch_off", "replace_rule", "safety_stock"])))


def test_no_form_breaks_the_pages(app: Flask, admin: FlaskClient, keeper: Shopkeeper) -> None:
    desk, before = Desk(admin), current(keeper)
    app.config["WTF_CSRF_ENABLED"] = False

    @MODEST
    @given(address=st.sampled_from(FORMS), form=forms)
    def send(address: str, form: dict[str, str]) -> None:
        if address.endswith("rollback"):
            form.pop("reason", None)
        if address.endswith("publish"):
            form.pop("comment", None)
        form = {name: value.encode("utf-8", "surrogatepass").decode("utf-8", "replace") for name, value in form.items()}
        answered(admin.post(address.format(draft=desk.draft), data=form), address, form)

    send()
    assert current(keeper) == before


ADDRESSES = [
    "/v1/rulebooks/{}", "/v1/rulebooks/{}/diff/{}", "/v1/rule-drafts/{}", "/v1/rule-jobs/{}", "/v1/rule-jobs/{}/changes", "/v1/rulebooks?cursor={}",
    "/v1/rule-jobs?cursor={}&kind={}", "/rules/{}", "/rules?q={}", "/rules/drafts/{}", "/rules/drafts/{}/{}", "/rules/versions/{}",
    "/rules/versions/{}/diff/{}", "/rules/versions/compare?from={}&to={}", "/rules/versions?cursor={}", "/rules/simulations?cursor={}",
    "/rules/simulations/{}", "/rules/simulations/new?draft={}", "/rules/simulations/{}/changes?cursor={}&rule={}", "/audit?who={}&from={}&to={}&q={}",
    "/audit?cursor={}&about={}", "/decisions/{}/change?rule={}", "/decisions/{}/example?decision={}", "/decisions/{}?lang={}",
]  # fmt: skip


def test_no_address_breaks_anything(admin: FlaskClient, keeper: Shopkeeper) -> None:
    @MODEST
    @given(address=st.sampled_from(ADDRESSES), parts=st.tuples(words, words, words, words))
    def ask(address: str, parts: tuple[str, ...]) -> None:
        filled = address.format(*(quote(part.encode("utf-8", "surrogatepass"), safe="") for part in parts))
        answered(admin.get(filled, headers=keeper.bearer), filled)

    ask()
