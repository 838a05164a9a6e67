"""Rule books over HTTP: checked, tested, compared, published through drafts and gone back from."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.language import text_version
from store import audit
from tests.api.house import Shopkeeper
from tests.api.rule_making import FAILING, SHIPPED, begin, current, publish, put, with_layer

WRONG = "decision: order_intake\nrules:\n  - id: a\n    when:\n      - order.totl > 5 EUR\n    then:\n      - hold order\n"


def post(client: FlaskClient, keeper: Shopkeeper, path: str, body: Any, role: str = "admin") -> Any:
    return client.post(f"/v1/rulebooks/{path}", json=body, headers=keeper.headers(role))


def test_a_problem_comes_with_file_line_column_and_what_would_be_right(client: FlaskClient, keeper: Shopkeeper) -> None:
    answer = post(client, keeper, "check", {"files": {"order_intake.yaml": WRONG}}, "support")
    (problem,) = answer.json["problems"]
    assert (answer.status_code, answer.json["ok"], answer.json["errors"]) == (200, False, 1)
    assert (problem["file"], problem["line"], problem["column"], problem["severity"]) == ("order_intake.yaml", 5, 9, "error")
    assert "order.total" in problem["hint"]


def test_the_shipped_rules_are_right_and_their_examples_pass(client: FlaskClient, keeper: Shopkeeper) -> None:
    assert post(client, keeper, "check", {"files": SHIPPED}).json["ok"]
    tested = post(client, keeper, "test", {"files": SHIPPED}).json
    assert tested["ok"] and tested["report"]["failed"] == 0 and tested["report"]["passed"] > 20
    assert 0 < tested["report"]["coverage"]["rules"]["share"] <= 1


def test_one_file_is_looked_at_in_its_place_in_the_book_that_decides(client: FlaskClient, keeper: Shopkeeper) -> None:
    layer = "decision: order_intake\nlayer: true\nswitch_off: [{}]\n"
    known = SHIPPED["order_intake.yaml"].split("- id: ")[1].split("\n")[0]
    assert post(client, keeper, "check", {"file": "layer/order_intake.yaml", "text": layer.format(known)}).json["ok"]
    gone = post(client, keeper, "check", {"file": "layer/order_intake.yaml", "text": layer.format("gone")}).json
    assert not gone["ok"] and "gone" in gone["problems"][0]["message"]


def test_a_failing_example_says_what_was_expected_and_what_came(client: FlaskClient, keeper: Shopkeeper) -> None:
    tested = post(client, keeper, "test", {"files": {**SHIPPED, "more.examples.yaml": FAILING}}).json
    (failed,) = (result for result in tested["report"]["results"] if not result["passed"])
    assert (failed["name"], failed["expected"]) == ("Every order is ignored", ["ignore order"])


UNFIT: dict[str, tuple[Any, int]] = {
    "a list": ([], 422),
    "files is a list": ({"files": []}, 422),
    "a number for a text": ({"files": {"a.yaml": 1}}, 422),
    "a path": ({"files": {"../a.yaml": ""}}, 422),
    "a NUL": ({"files": {"a.yaml": "\x00"}}, 422),
    "many files": ({"files": {f"{number}.yaml": "" for number in range(101)}}, 413),
    "a long file": ({"files": {"a.yaml": "x" * 4_000_001}}, 413),
    "a large book": ({"files": {f"{number}.yaml": "x" * 2_500_000 for number in range(4)}}, 413),
    "a huge body": ({"files": {"a.yaml": "x" * 12_000_000}}, 413),
    "a typo": ({"fiels": {}}, 422),
}


@pytest.mark.parametrize("path", ["/v1/rulebooks/check", "/v1/rulebooks/test", "/v1/rulebooks/format", "/v1/rule-drafts"])
def test_what_cannot_be_a_rule_book_is_a_clear_refusal(client: FlaskClient, keeper: Shopkeeper, path: str) -> None:
    for name, (body, status) in UNFIT.items():
        answer = client.post(path, json=body, headers=keeper.bearer)
        assert (answer.status_code, answer.content_type) == (status, "application/problem+json"), name
        assert len(answer.data) < 5_000, name


def test_files_come_back_in_good_form_and_broken_ones_as_they_are(client: FlaskClient, keeper: Shopkeeper) -> None:
    untidy = SHIPPED["order_intake.yaml"].replace("    priority: ", "    priority:     ", 1)
    answer = post(client, keeper, "format", {"files": {**SHIPPED, "order_intake.yaml": untidy, "x.yaml": "a: ["}}, "support").json
    assert (answer["files"]["order_intake.yaml"], answer["changed"]) == (SHIPPED["order_intake.yaml"], ["order_intake.yaml"])
    assert (answer["ok"], answer["files"]["x.yaml"], answer["problems"][0]["file"]) == (False, "a: [", "x.yaml")
    assert post(client, keeper, "format", {}).status_code == 422


def test_a_check_says_what_it_needs(client: FlaskClient, keeper: Shopkeeper) -> None:
    for body in ({}, {"file": "order_intake.yaml"}, {"text": ""}):
        answer = post(client, keeper, "check", body)
        assert answer.status_code == 422 and "`files`" in answer.json["detail"]


def test_a_book_of_ten_megabytes_is_refused_and_what_decides_stays(client: FlaskClient, keeper: Shopkeeper) -> None:
    before = current(keeper)
    draft, headers = begin(client, keeper)
    files = {f"{number}.yaml": "# " + "x" * 3_300_000 for number in range(3)}
    answer = client.put(f"/v1/rule-drafts/{draft['id']}", json={"files": files}, headers=headers)
    assert answer.status_code == 413 and "at most 8,000,000" in answer.json["detail"]
    assert current(keeper) == before


def test_a_hundred_thousand_rules_are_refused_in_words(client: FlaskClient, keeper: Shopkeeper) -> None:
    text = "decision: order_intake\nrules:\n" + "".join(f"- {{id: r{n}, then: [hold order]}}\n" for n in range(100_000))
    answer = post(client, keeper, "check", {"files": {"order_intake.yaml": text}})
    assert answer.status_code == 200 and answer.json["errors"] >= 1
    assert "more than 25,000" in answer.json["problems"][0]["message"]


_texts = st.dictionaries(
    st.sampled_from(["order_intake.yaml", "layer/order_intake.yaml", "order_intake.examples.yaml"]),
    st.one_of(
        st.text(max_size=80),
        st.tuples(st.sampled_from(sorted(SHIPPED.values())), st.integers(0, 3000), st.text(max_size=4)).map(
            lambda cut: cut[0][: cut[1]] + cut[2] + cut[0][cut[1] + 1 :]
        ),
    ),
)


@given(files=_texts)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_breaks_the_check(client: FlaskClient, keeper: Shopkeeper, files: dict[str, str]) -> None:
    answer = client.post("/v1/rulebooks/check", data=json.dumps({"files": files}), headers=keeper.bearer)
    assert answer.status_code in (200, 422), answer.json


def test_versions_are_listed_by_page_and_found_by_number_and_hash(client: FlaskClient, keeper: Shopkeeper) -> None:
    for rule in ("one", "two", "three"):
        put(keeper, with_layer(rule), f"hold by {rule}")
    first = client.get("/v1/rulebooks?limit=3", headers=keeper.headers("support")).json
    assert [row["number"] for row in first["items"]] == [4, 3, 2]
    second = client.get(first["next"], headers=keeper.bearer).json
    assert ([row["number"] for row in second["items"]], second["next"]) == ([1], None)
    newest = first["items"][0]
    assert (newest["version"], newest["by"], newest["comment"]) == (text_version(with_layer("three")), "key admin key", "hold by three")
    assert newest["replaces"] == first["items"][1]["version"]
    for name in ("current", "4", newest["version"], newest["version"][:8]):
        found = client.get(f"/v1/rulebooks/{name}", headers=keeper.bearer).json
        assert (found["number"], found["files"]) == (4, with_layer("three"))
    for name in ("9", "0", "nope", newest["version"][:7] + "z", "9999999999999"):
        assert client.get(f"/v1/rulebooks/{name}", headers=keeper.bearer).status_code == 404


def test_the_difference_between_two_versions_is_by_rule(client: FlaskClient, keeper: Shopkeeper) -> None:
    put(keeper, with_layer())
    shown = client.get("/v1/rulebooks/1/diff/2", headers=keeper.headers("support")).json
    assert "rule very-large new" in " ".join(shown["words"])
    assert not shown["decides_the_same"]
    assert client.get("/v1/rulebooks/2/diff/2", headers=keeper.bearer).json["words"] == []
    assert client.get("/v1/rulebooks/1/diff/9", headers=keeper.bearer).status_code == 404


def test_a_draft_goes_from_the_current_texts_to_a_version(client: FlaskClient, keeper: Shopkeeper) -> None:
    draft, headers = begin(client, keeper, name="Large orders")
    assert draft["files"]["order_intake.yaml"] == SHIPPED["order_intake.yaml"]
    saved = client.put(f"/v1/rule-drafts/{draft['id']}", json={"files": with_layer()}, headers=headers)
    assert (saved.status_code, saved.json["revision"], saved.headers["ETag"]) == (200, 2, '"2"')
    headers["If-Match"] = saved.headers["ETag"]
    made = client.post(f"/v1/rule-drafts/{draft['id']}/publish", json={"comment": "hold large ones"}, headers=headers)
    assert (made.status_code, made.json["number"]) == (201, 2)
    assert made.json["evidence"]["examples"]["failed"] == 0 and made.json["evidence"]["examples"]["passed"] > 20
    assert made.json["evidence"]["from"] == {"draft": draft["id"], "draft_name": "Large orders", "begun_by": "key admin key"}
    assert current(keeper) == text_version(with_layer())
    again = client.post(f"/v1/rule-drafts/{draft['id']}/publish", json={"comment": "again"}, headers=headers)
    assert again.status_code == 409 and again.json["current"]["state"] == "published"


def test_a_draft_may_begin_with_an_earlier_version(client: FlaskClient, keeper: Shopkeeper) -> None:
    put(keeper, with_layer())
    draft, _ = begin(client, keeper, version="1")
    assert "layer/order_intake.yaml" not in draft["files"]
    assert draft["based_on"] == text_version(with_layer())
    assert client.post("/v1/rule-drafts", json={"version": "9"}, headers=keeper.bearer).status_code == 404


def test_the_second_saver_gets_both_revisions_and_nothing_is_overwritten(client: FlaskClient, keeper: Shopkeeper) -> None:
    draft, headers = begin(client, keeper)
    path = f"/v1/rule-drafts/{draft['id']}"
    client.put(path, json={"files": with_layer("first")}, headers=headers)
    second = client.put(path, json={"files": with_layer("second")}, headers=headers)
    assert (second.status_code, second.json["type"]) == (409, "/docs/problems#draft-conflict")
    assert (second.json["yours"], second.json["current"]["revision"]) == (1, 2)
    assert second.json["current"]["files"] == with_layer("first")
    assert client.get(path, headers=keeper.bearer).json["files"] == with_layer("first")
    assert client.delete(path, headers=headers).status_code == 409


def test_a_save_says_which_revision_it_changes(client: FlaskClient, keeper: Shopkeeper) -> None:
    draft, headers = begin(client, keeper)
    saids = {None: 428, "": 428, "*": 400, '"x"': 400, '"²"': 400, "-1": 400, '"9"': 409, 'W/"1"': 200}
    for said, status in saids.items():
        sent = keeper.bearer if said is None else {**headers, "If-Match": said}
        assert client.put(f"/v1/rule-drafts/{draft['id']}", json={"files": with_layer()}, headers=sent).status_code == status, said


def test_a_discarded_draft_is_not_listed_any_more(client: FlaskClient, keeper: Shopkeeper) -> None:
    draft, headers = begin(client, keeper, name="Not needed")
    assert [row["name"] for row in client.get("/v1/rule-drafts", headers=keeper.headers("support")).json["items"]] == ["Not needed"]
    assert client.delete(f"/v1/rule-drafts/{draft['id']}", headers=headers).status_code == 204
    assert client.get("/v1/rule-drafts", headers=keeper.bearer).json["items"] == []
    assert client.get(f"/v1/rule-drafts/{draft['id']}", headers=keeper.bearer).json["state"] == "discarded"


def test_who_publishes_over_somebody_elses_version_is_told_and_can_bring_the_draft_up_to_date(
    client: FlaskClient, keeper: Shopkeeper
) -> None:
    draft, headers = begin(client, keeper, files={**SHIPPED, "payment_gating.yaml": SHIPPED["payment_gating.yaml"] + "# mine\n"})
    put(keeper, with_layer(), "meanwhile")
    path = f"/v1/rule-drafts/{draft['id']}"
    refused = client.post(f"{path}/publish", json={"comment": "mine"}, headers=headers)
    assert (refused.status_code, refused.json["type"]) == (409, "/docs/problems#superseded")
    assert (refused.json["published"]["number"], refused.json["published"]["by"]) == (2, "key admin key")
    rebased = client.post(f"{path}/rebase", json={}, headers=headers)
    assert (rebased.status_code, rebased.json["taken"]) == (200, ["layer/order_intake.yaml"])
    headers["If-Match"] = rebased.headers["ETag"]
    assert client.post(f"{path}/publish", json={"comment": "mine"}, headers=headers).status_code == 201
    files = client.get("/v1/rulebooks/current", headers=keeper.bearer).json["files"]
    assert files["payment_gating.yaml"].endswith("# mine\n") and "layer/order_intake.yaml" in files


def test_files_that_both_sides_changed_are_shown_from_both_sides(client: FlaskClient, keeper: Shopkeeper) -> None:
    draft, headers = begin(client, keeper, files=with_layer("mine"))
    put(keeper, with_layer("theirs"))
    path = f"/v1/rule-drafts/{draft['id']}/rebase"
    clash = client.post(path, json={}, headers=headers)
    assert (clash.status_code, clash.json["type"]) == (409, "/docs/problems#rebase-conflict")
    (shown,) = clash.json["clashes"]
    assert (shown["file"], shown["base"]) == ("layer/order_intake.yaml", None)
    assert "id: mine" in shown["mine"] and "id: theirs" in shown["theirs"]
    assert client.post(path, json={"choices": {shown["file"]: "both"}}, headers=headers).status_code == 422
    taken = client.post(path, json={"choices": {shown["file"]: "theirs"}}, headers=headers)
    assert (taken.status_code, taken.json["files"]) == (200, with_layer("theirs"))


def test_going_back_is_one_call_with_a_reason(client: FlaskClient, keeper: Shopkeeper) -> None:
    before = current(keeper)
    put(keeper, with_layer())
    assert post(client, keeper, "1/rollback", {}).status_code == 422
    back = post(client, keeper, "1/rollback", {"reason": "too many orders were held"})
    assert (back.status_code, back.json["number"], back.json["kind"], back.json["version"]) == (201, 3, "rollback", before)
    assert current(keeper) == before
    refused = post(client, keeper, "1/rollback", {"reason": "again"})
    assert refused.status_code == 422 and "decides now" in refused.json["detail"]
    assert post(client, keeper, "77/rollback", {"reason": "again"}).status_code == 404


def test_what_was_done_to_rules_is_on_record(client: FlaskClient, keeper: Shopkeeper) -> None:
    publish(client, keeper, with_layer(), comment="hold large ones")
    post(client, keeper, "1/rollback", {"reason": "a mistake"})
    with keeper.house.database.session(keeper.merchant.id, read_only=True) as session:
        done = {(entry.who, entry.action, entry.about, entry.reason) for entry in audit.entries(session)}
    assert ("key admin key", "publish rules", "rules version:2", "hold large ones") in done
    assert ("key admin key", "roll back rules", "rules version:3", "Back to version 1. a mistake") in done
    assert "create draft" in {action for _, action, _, _ in done}


def test_support_reads_and_checks_but_changes_nothing(client: FlaskClient, keeper: Shopkeeper) -> None:
    draft, headers = begin(client, keeper)
    before, path = current(keeper), f"/v1/rule-drafts/{draft['id']}"
    support = {**headers, **keeper.headers("support")}
    for address in ("/v1/rulebooks", "/v1/rulebooks/1", "/v1/rulebooks/1/diff/1", "/v1/rule-drafts", path):
        assert client.get(address, headers=support).status_code == 200
        assert client.get(address, headers=keeper.headers("events")).status_code == 403
    assert client.post("/v1/rule-drafts", json={}, headers=support).status_code == 403
    assert client.put(path, json={"files": with_layer()}, headers=support).status_code == 403
    assert client.delete(path, headers=support).status_code == 403
    assert client.post(f"{path}/publish", json={"comment": "x"}, headers=support).status_code == 403
    assert client.post(f"{path}/rebase", json={}, headers=support).status_code == 403
    assert post(client, keeper, "1/rollback", {"reason": "x"}, "support").status_code == 403
    assert post(client, keeper, "check", {"files": SHIPPED}, "events").status_code == 403
    assert current(keeper) == before


def test_another_merchants_key_finds_neither_draft_nor_version(
    client: FlaskClient, keeper: Shopkeeper, make_merchant: Any
) -> None:
    from tests.api.house import open_shop

    version = put(keeper, with_layer()).version
    draft, headers = begin(client, keeper)
    rival = open_shop(keeper.house, make_merchant, "rival")
    theirs, before = {**headers, **rival.bearer}, current(keeper)
    path = f"/v1/rule-drafts/{draft['id']}"
    assert client.get(path, headers=theirs).status_code == 404
    assert client.put(path, json={"files": SHIPPED}, headers=theirs).status_code == 404
    assert client.delete(path, headers=theirs).status_code == 404
    assert client.post(f"{path}/publish", json={"comment": "x"}, headers=theirs).status_code == 404
    assert client.post(f"{path}/rebase", json={}, headers=theirs).status_code == 404
    for name in ("2", version, version[:8]):
        assert client.get(f"/v1/rulebooks/{name}", headers=theirs).status_code == 404
        assert client.get(f"/v1/rulebooks/{name}/diff/1", headers=theirs).status_code == 404
        assert client.post(f"/v1/rulebooks/{name}/rollback", json={"reason": "x"}, headers=theirs).status_code == 404
        assert client.post("/v1/rule-drafts", json={"version": name}, headers=theirs).status_code == 404
    assert client.get("/v1/rule-drafts", headers=theirs).json["items"] == []
    assert (current(keeper), len(client.get("/v1/rulebooks", headers=theirs).json["items"])) == (before, 1)


def test_rules_are_described_in_the_openapi_document(client: FlaskClient, keeper: Shopkeeper) -> None:
    paths = client.get("/openapi.json").json["paths"]
    body = paths["/v1/rulebooks/check"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/BookBody"}
    assert {"get", "put", "delete"} <= set(paths["/v1/rule-drafts/{draft_id}"])
    assert client.get("/docs").status_code == 200
