"""Proofs on the pages of a draft: asked for once, marked at their lines, their orders kept as examples with one click."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from engine.language import load_book, text_version
from engine.prove import prove
from store import drafts, rule_jobs
from store.rule_job_models import RuleJob
from tests.api.house import Shopkeeper
from tests.api.test_rule_editor import FILE, GOOD, Desk

PROMISE = """decision: outlet_assignment
layer: true

rules:
  - id: impossible
    description: Cannot be.
    when:
      - outlet.code is utrecht
      - outlet.code is amsterdam
    then:
      - exclude outlet

invariants:
  - id: pickup-anywhere
    description: A pickup order may go anywhere.
    when:
      - order.fulfilment_type is pickup
      - outlet.open is true
    never:
      - exclude outlet
"""


@pytest.fixture
def desk(admin: FlaskClient) -> Desk:
    return Desk(admin)


def _jobs(keeper: Shopkeeper) -> list[RuleJob]:
    with keeper.house.database.session(keeper.merchant.id, read_only=True) as session:
        return list(rule_jobs.recent(session, "prove"))


def _carry_out(keeper: Shopkeeper, desk: Desk) -> None:
    """What a worker does: prove the texts of the job, and keep what was found."""
    with keeper.house.database.session(keeper.merchant.id) as session:
        job = rule_jobs.latest(session, desk.draft, "prove")
        assert job is not None
        held = rule_jobs.claim(session, job.id, seconds=60)
        assert held is not None and held.lease is not None
        proofs = prove(load_book(held.texts), seconds=30)
        rule_jobs.finish(session, job.id, held.lease, {"texts_version": held.texts_version, "proofs": proofs.as_dict()})


def test_a_proof_is_about_the_text_on_the_screen_and_is_asked_for_once(desk: Desk, keeper: Shopkeeper) -> None:
    assert desk.ask("prove").json["running"] is True
    assert desk.ask("prove").json["running"] is True

    (job,) = _jobs(keeper)
    assert job.texts_version == text_version({**_texts(keeper, desk), FILE: GOOD})
    assert "Waiting" in desk.page()


def _texts(keeper: Shopkeeper, desk: Desk) -> dict[str, str]:
    with keeper.house.database.session(keeper.merchant.id, read_only=True) as session:
        return dict(drafts.get(session, desk.draft).texts)


def test_rules_with_errors_are_not_proved(desk: Desk, keeper: Shopkeeper) -> None:
    answer = desk.ask("prove", GOOD.replace("order.", "ordr."))

    assert answer.status_code == 422
    assert _jobs(keeper) == []


def test_findings_are_marked_block_publishing_and_become_examples_that_demand_what_was_promised(desk: Desk, keeper: Shopkeeper) -> None:
    desk.save(PROMISE)
    assert desk.form("prove").status_code == 303
    _carry_out(keeper, desk)

    marks = desk.ask("check", PROMISE).json["problems"]
    assert any(mark["severity"] == "warning" and "impossible" in mark["message"] for mark in marks)
    assert [mark for mark in desk.ask("check", PROMISE + "# another text\n").json["problems"] if "impossible" in mark["message"]] == []
    assert "The proof found" in desk.page()
    assert desk.form("publish", revision="2", comment="try").status_code == 422

    html = desk.ask("proof", PROMISE).json["html"]
    assert "Broken promise" in html and "Never matches" in html
    (job,) = _jobs(keeper)
    number = next(at for at, finding in enumerate(job.result["proofs"]["findings"]) if finding["kind"] == "invariant")
    kept = desk.ask("finding", PROMISE, job=job.id, finding=number).json

    example = _texts(keeper, desk)[kept["file"]]
    assert "never:\n      - exclude outlet" in example and "fulfilment_type: pickup" in example
    assert "1 of 10 fail" in desk.ask("test", PROMISE).json["html"]


@pytest.mark.parametrize("finding", [99, -1, "1", None, True])
def test_a_finding_that_is_not_there_is_refused(desk: Desk, finding: object) -> None:
    assert desk.ask("finding", job="01ARZ3NDEKTSV4RRFFQ69G5FAV", finding=finding).status_code == 404
