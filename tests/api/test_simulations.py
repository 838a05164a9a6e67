"""Simulations and proofs as people and programs start, watch and read them."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from engine.language import text_version
from store import books, drafts, rule_jobs
from tests.api.house import Shopkeeper, cloud_event, placed, post, token
from workers.rule_jobs.runner import run_slice
from workers.settings import WorkerSettings


class Worker:
    """Carries jobs out as the worker for rules does, in this process."""

    def __init__(self, keeper: Shopkeeper) -> None:
        self.database, self.redis, self.bell = keeper.house.database, keeper.house.redis, keeper.house.bell
        self.worker_settings = WorkerSettings()
        self._merchant = keeper.merchant.id

    def finish(self, job_id: str) -> None:
        run_slice(self, self._merchant, job_id, seconds=60)  # type: ignore[arg-type]


@pytest.fixture
def worker(keeper: Shopkeeper) -> Worker:
    return Worker(keeper)


@pytest.fixture
def draft(client: FlaskClient, keeper: Shopkeeper) -> str:
    """A draft that holds every order above 30 euro, and three orders of the past, one of them above."""
    for number, pieces in (("A1", 1), ("A2", 3), ("A3", 2)):
        assert post(client, keeper, cloud_event("order.placed", placed(number, {"MUG-BLUE": pieces}))).status_code == 201
    return draft_with(keeper, {"order_intake.yaml": ("largest_order: 25000.00 EUR", "largest_order: 30.00 EUR")})


def draft_with(keeper: Shopkeeper, changes: dict[str, tuple[str, str]]) -> str:
    with keeper.house.database.session(keeper.merchant.id) as session:
        texts = dict(books.texts(session, str(books.current_version(session))) or {})
        for file, (old, new) in changes.items():
            assert old in texts[file]
            texts[file] = texts[file].replace(old, new)
        return drafts.create(session, name="Smaller orders", texts=texts, by="ada").id


def started(client: FlaskClient, keeper: Shopkeeper, draft: str, **parameters: Any) -> Any:
    body = {"draft": draft, "kind": "simulate", "parameters": parameters}
    return client.post("/v1/rule-jobs", json=body, headers=keeper.bearer)


def form(browser: FlaskClient, draft: str, **fields: str) -> Any:
    page = f"/rules/simulations/new?draft={draft}"
    return browser.post("/rules/simulations", data={"draft": draft, "csrf_token": token(browser, page), **fields})


def text(answer: Any) -> str:
    return " ".join(answer.get_data(as_text=True).split())


def test_a_simulation_runs_from_the_form_to_the_result(
    admin: FlaskClient, draft: str, worker: Worker, keeper: Shopkeeper
) -> None:
    answer = form(admin, draft)
    address = answer.headers["Location"]
    running = admin.get(address)
    worker.finish(address.rsplit("/", 1)[1])
    done = admin.get(address)

    assert answer.status_code == 303
    assert "<progress" in text(running)
    assert "hx-trigger" in text(running)
    assert "Of 3 orders 1 would have been decided differently" in text(done)
    assert "hx-trigger" not in text(done)
    assert "unusually-large" in text(done)
    assert 'href="/orders/' not in text(done)  # the samples lead to one decision side by side


def test_htmx_gets_only_the_part_that_changes(admin: FlaskClient, draft: str, worker: Worker) -> None:
    address = form(admin, draft).headers["Location"]
    part = admin.get(address, headers={"HX-Request": "true"})

    assert text(part).startswith('<div id="simulation"')
    assert "<html" not in text(part)


def test_every_changed_decision_can_be_seen_side_by_side(
    admin: FlaskClient, support: FlaskClient, client: FlaskClient, draft: str, worker: Worker, keeper: Shopkeeper
) -> None:
    job = started(client, keeper, draft).json["id"]
    worker.finish(job)

    (changed,) = client.get(f"/v1/rule-jobs/{job}/changes", headers=keeper.headers("support")).json["items"]
    page = text(support.get(f"/rules/simulations/{job}/changes"))
    one = text(support.get(f"/rules/simulations/{job}/changes/{changed['part']}/{changed['decision']}"))

    assert changed["number"] == "A2"
    assert changed["causes"] == [["order_intake", "unusually-large", "gained"]]
    assert changed["steps"][0]["before"] == ["import order (take-in)"]
    assert "Order A2" in page
    assert f"/decisions/{changed['decision']}" in one
    assert "import order (take-in)" in one
    assert "larger than the limit" in one
    assert text(support.get(f"/rules/simulations/{job}/changes?rule=nobody")).count("<article") == 0


def test_changes_come_page_by_page(client: FlaskClient, worker: Worker, keeper: Shopkeeper) -> None:
    for number in range(5):
        post(client, keeper, cloud_event("order.placed", placed(f"B{number}", {"MUG-BLUE": 2})))
    draft = draft_with(keeper, {"order_intake.yaml": ("largest_order: 25000.00 EUR", "largest_order: 1.00 EUR")})
    job = started(client, keeper, draft).json["id"]
    worker.finish(job)

    address, seen = f"/v1/rule-jobs/{job}/changes?limit=2", []
    while address:
        page = client.get(address, headers=keeper.bearer).json
        assert len(page["items"]) <= 2
        seen += [item["number"] for item in page["items"]]
        address = page["next"]
    assert seen == [f"B{number}" for number in range(5)]


def test_support_reads_and_admins_start_and_cancel(
    admin: FlaskClient, support: FlaskClient, client: FlaskClient, draft: str, keeper: Shopkeeper
) -> None:
    job = started(client, keeper, draft).json["id"]

    assert support.get(f"/rules/simulations/{job}").status_code == 200
    assert support.get("/rules/simulations").status_code == 200
    assert support.get(f"/rules/simulations/new?draft={draft}").status_code == 403
    assert client.post("/v1/rule-jobs", json={"draft": draft, "kind": "prove"}, headers=keeper.headers("support")).status_code == 403
    assert client.delete(f"/v1/rule-jobs/{job}", headers=keeper.headers("support")).status_code == 403

    page = f"/rules/simulations/{job}"
    assert admin.post(f"{page}/cancel", data={"csrf_token": token(admin, page)}).status_code == 303
    assert "Cancelled by admin@tulip.example" in text(admin.get(page))


def test_a_cancelled_job_does_nothing_more(client: FlaskClient, draft: str, worker: Worker, keeper: Shopkeeper) -> None:
    job = started(client, keeper, draft).json["id"]
    client.delete(f"/v1/rule-jobs/{job}", headers=keeper.bearer)
    worker.finish(job)

    answer = client.get(f"/v1/rule-jobs/{job}", headers=keeper.bearer).json
    assert (answer["state"], answer["result"]) == ("cancelled", None)


def test_the_same_simulation_is_not_started_twice_but_a_newer_draft_replaces_it(
    admin: FlaskClient, client: FlaskClient, draft: str, keeper: Shopkeeper
) -> None:
    first = started(client, keeper, draft).json["id"]
    again = started(client, keeper, draft)
    by_form = form(admin, draft)

    assert again.status_code == 409
    assert again.json["job"] == first
    assert by_form.headers["Location"].endswith(first)

    with keeper.house.database.session(keeper.merchant.id) as session:
        kept = drafts.get(session, draft)
        texts = dict(kept.texts) | {"order_intake.yaml": kept.texts["order_intake.yaml"] + "# newer\n"}
        drafts.save(session, draft, texts=texts, revision=kept.revision, by="ada")
    newer = started(client, keeper, draft)
    assert newer.status_code == 202
    assert newer.json["texts_version"] == text_version(texts)
    assert client.get(f"/v1/rule-jobs/{first}", headers=keeper.bearer).json["state"] == "cancelled"
    assert "The draft was changed since" in text(admin.get(f"/rules/simulations/{first}"))


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"shop": "nobody"}, "shop"),
        ({"before": "f" * 64}, "before"),
        ({"decisions": ["order_intak"]}, "decisions"),
        ({"from": "2026-02-02T00:00:00Z", "to": "2026-02-01T00:00:00Z"}, "to"),
        ({"seconds": 5}, "seconds"),
        ({"last": 0}, "parameters"),
        ({"from": "yesterday"}, "parameters"),
        ({"colour": "red"}, "parameters"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_field(
    client: FlaskClient, draft: str, keeper: Shopkeeper, parameters: dict[str, Any], field: str
) -> None:
    answer = started(client, keeper, draft, **parameters)

    assert answer.status_code == 422
    assert field in str(answer.json["errors"])


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [({"from": "24-11-2026"}, "is not a day"), ({"last": "many"}, "must be a whole number"), ({"to": "9999-12-31"}, "is not a day")],
)
def test_the_form_says_what_is_wrong_beside_the_field(
    admin: FlaskClient, draft: str, fields: dict[str, str], complaint: str
) -> None:
    answer = form(admin, draft, **fields)

    assert answer.status_code == 422
    assert complaint in text(answer)
    assert 'aria-invalid="true"' in text(answer)


def test_a_draft_with_errors_is_not_simulated(client: FlaskClient, keeper: Shopkeeper) -> None:
    draft = draft_with(keeper, {"order_intake.yaml": ("import order", "import ordr")})

    answer = started(client, keeper, draft)

    assert answer.status_code == 422
    assert "order_intake.yaml" in answer.json["detail"]


def test_another_merchants_jobs_do_not_exist(
    client: FlaskClient, house: Any, make_merchant: Any, draft: str, keeper: Shopkeeper
) -> None:
    from tests.api.house import open_shop

    job = started(client, keeper, draft).json["id"]
    other = open_shop(house, make_merchant, "rose")

    assert client.get(f"/v1/rule-jobs/{job}", headers=other.bearer).status_code == 404
    assert client.delete(f"/v1/rule-jobs/{job}", headers=other.bearer).status_code == 404
    assert started(client, other, draft).status_code == 404
    assert client.get("/v1/rule-jobs", headers=other.bearer).json["items"] == []


def test_the_list_shows_every_simulation_with_its_result(
    admin: FlaskClient, client: FlaskClient, draft: str, worker: Worker, keeper: Shopkeeper
) -> None:
    assert "No simulation yet" in text(admin.get("/rules/simulations"))
    job = started(client, keeper, draft, last=100).json["id"]
    worker.finish(job)

    assert "Of 3 orders 1 would have been decided differently" in text(admin.get("/rules/simulations"))
    assert [row["id"] for row in client.get("/v1/rule-jobs", headers=keeper.bearer).json["items"]] == [job]


def test_unknown_jobs_are_a_clear_not_found(admin: FlaskClient, client: FlaskClient, keeper: Shopkeeper) -> None:
    assert admin.get("/rules/simulations/nothing").status_code == 404
    assert admin.get("/rules/simulations/new?draft=nothing").status_code == 404
    assert client.get("/v1/rule-jobs/nothing/changes", headers=keeper.bearer).status_code == 404


def test_old_finished_jobs_make_room(client: FlaskClient, draft: str, keeper: Shopkeeper) -> None:
    for _ in range(rule_jobs.KEPT_PER_DRAFT + 3):
        job = started(client, keeper, draft).json["id"]
        client.delete(f"/v1/rule-jobs/{job}", headers=keeper.bearer)

    kept = client.get("/v1/rule-jobs", headers=keeper.bearer).json["items"]
    assert len(kept) == rule_jobs.KEPT_PER_DRAFT + 1
    assert kept[0]["id"] == job
