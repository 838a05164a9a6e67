"""Proofs and simulations as jobs: slices, turns, dead workers, and no delay for daily work."""

from __future__ import annotations

import multiprocessing
import signal
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue
from sqlalchemy import update

from engine.language import load_book
from store import drafts, rule_jobs
from store.columns import now
from store.models import Merchant
from store.rule_job_models import RuleJob
from store.secrets import Cipher
from store.session import Database
from tests.workers import killed_simulator
from tests.workers.parts import Parts, make_parts
from tests.workers.simulations import SMALL_ORDERS, House, opened
from workers.bell import RULES_QUEUE, rule_job_id
from workers.relay import Relay
from workers.rule_jobs import runner, simulating
from workers.rule_jobs.runner import run_slice
from workers.settings import WorkerSettings
from workers.worker import OutboxWorker, RulesWorker

PATIENCE_SECONDS = 30
TEXTS = {"order_intake.yaml": "any text"}


@pytest.fixture
def house(sqlite_database: Database, redis_server: Redis, make_merchant: Callable[..., Merchant]) -> House:
    found = opened(sqlite_database, redis_server, make_merchant)
    for number in range(9):
        found.desk.order(str(number), {"A": 1 + number % 4})
    redis_server.flushall()  # what the orders rang for is not carried out here
    return found


@pytest.fixture
def parts(house: House) -> Parts:
    """The services of worker processes that lose patience with dead ones quickly."""
    return make_parts(house.database, house.redis, Cipher(Cipher.new_key()), WorkerSettings(alive_seconds=0.3, lost_seconds=0.05))


def state(house: House, job_id: str) -> str:
    return house.job(job_id).state


def begin(house: House, kind: str = "prove", version: str = "v1", draft_id: str | None = None) -> str:
    with house.database.session(house.desk.merchant_id) as session:
        return rule_jobs.start(session, kind=kind, texts=TEXTS, texts_version=version, by="ada", draft_id=draft_id).id


def a_draft(house: House) -> str:
    with house.database.session(house.desk.merchant_id) as session:
        return drafts.create(session, name="d", texts=TEXTS, by="ada").id


def test_a_job_that_was_rung_for_is_carried_out_by_the_worker_for_rules_alone(house: House, parts: Parts) -> None:
    job = house.start(SMALL_ORDERS)
    parts.bell.ring_rule_job(house.desk.merchant_id, job)

    OutboxWorker(parts).run(burst=True)
    assert state(house, job) == "waiting"
    RulesWorker(parts).run(burst=True)
    assert state(house, job) == "done"
    assert not parts.redis.exists(f"rq:job:{rule_job_id(job)}")


def test_a_ring_that_was_lost_is_made_up_for(house: House, parts: Parts) -> None:
    job = house.start(SMALL_ORDERS)
    Relay(parts).tick()
    RulesWorker(parts).run(burst=True)
    assert state(house, job) == "done"


def test_a_long_job_lets_others_have_their_turn(house: House, parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "SLICE_SECONDS", 0.0)
    monkeypatch.setattr(simulating, "BATCH", 2)
    turns: list[str] = []
    run = simulating.run

    def noted(part: runner.Slice) -> object:
        turns.append(part.job.id)
        return run(part)

    monkeypatch.setitem(runner.KINDS, "simulate", noted)  # type: ignore[arg-type]
    first, second = house.start(SMALL_ORDERS), house.start()
    for job in (first, second):
        parts.bell.ring_rule_job(house.desk.merchant_id, job)
    RulesWorker(parts).run(burst=True)

    assert (state(house, first), state(house, second)) == ("done", "done")
    assert turns[:4] == [first, second, first, second]


def test_a_simulation_whose_worker_is_killed_goes_on_where_it_was_and_finds_the_same(
    house: House, redis_url: str, monkeypatch: pytest.MonkeyPatch, parts: Parts
) -> None:
    whole = house.simulate(SMALL_ORDERS)
    job = house.start(SMALL_ORDERS)
    parts.bell.ring_rule_job(house.desk.merchant_id, job)
    monkeypatch.setenv("TEST_DATABASE_URL", house.database.url)
    monkeypatch.setenv("TEST_REDIS_URL", redis_url)
    monkeypatch.setenv("TEST_KEY", Cipher.new_key())
    worker = multiprocessing.get_context("spawn").Process(target=killed_simulator.run)
    worker.start()
    worker.join(PATIENCE_SECONDS)
    died = house.job(job)
    assert worker.exitcode == -signal.SIGKILL
    assert (died.state, died.done) == ("running", 2 * killed_simulator.KEPT_PARTS)

    relay, pause = Relay(parts), threading.Event()
    patience = time.monotonic() + PATIENCE_SECONDS
    while state(house, job) == "running":
        assert time.monotonic() < patience, "nobody took the job over"
        relay.tick()
        RulesWorker(parts).run(burst=True)
        pause.wait(0.05)

    result = house.job(job).result
    assert result["pages"][: killed_simulator.KEPT_PARTS] != []
    assert result["counts"] == whole["counts"]
    assert result["figures"] == whole["figures"]


def test_a_worker_that_was_only_thought_dead_writes_nothing(house: House) -> None:
    job = begin(house)
    with house.database.session(house.desk.merchant_id) as session:
        first = rule_jobs.claim(session, job, seconds=10)
        assert first is not None
        lease = str(first.lease)
        assert rule_jobs.claim(session, job, seconds=10) is None
        session.execute(update(RuleJob).values(leased_until=now() - timedelta(seconds=1)))
    with house.database.session(house.desk.merchant_id) as session:
        second = rule_jobs.claim(session, job, seconds=10)
        assert second is not None
    with house.database.session(house.desk.merchant_id) as session:
        assert not rule_jobs.keep_part(session, job, lease, 1, {"late": True}, done=1, total=1)
        assert not rule_jobs.finish(session, job, lease, {"late": True})
        assert not rule_jobs.fail(session, job, lease, "late")
        assert rule_jobs.finish(session, job, str(second.lease), {"in time": True})
    assert house.job(job).result == {"in time": True}


def test_a_job_that_takes_its_workers_down_is_given_up(house: House) -> None:
    job = begin(house)
    for _ in range(rule_jobs.MOST_TRIES):
        with house.database.session(house.desk.merchant_id) as session:
            assert rule_jobs.claim(session, job, seconds=-1) is not None
    run_slice(house, house.desk.merchant_id, job)  # type: ignore[arg-type]

    assert state(house, job) == "failed"
    assert "took its worker down 5 times" in house.job(job).error


def test_a_job_that_breaks_says_why_and_is_not_tried_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(part: runner.Slice) -> None:
        raise ZeroDivisionError("one by none")

    monkeypatch.setitem(runner.KINDS, "prove", breaks)  # type: ignore[arg-type]
    job = begin(house)
    run_slice(house, house.desk.merchant_id, job)  # type: ignore[arg-type]

    assert state(house, job) == "failed"
    assert "one by none" in house.job(job).error


def test_texts_that_cannot_be_read_are_refused_with_the_place(house: House) -> None:
    jobs = [begin(house, "prove"), begin(house, "simulate")]
    for job in jobs:
        run_slice(house, house.desk.merchant_id, job)  # type: ignore[arg-type]

    assert [state(house, job) for job in jobs] == ["failed", "failed"]
    assert all("order_intake.yaml" in house.job(job).error for job in jobs)


def test_a_draft_has_one_unfinished_job_of_a_kind(house: House) -> None:
    draft = a_draft(house)
    first, proof = begin(house, "simulate", "v1", draft), begin(house, "prove", "v1", draft)
    with pytest.raises(rule_jobs.AlreadyRunning) as refused:
        begin(house, "simulate", "v1", draft)
    newer = begin(house, "simulate", "v2", draft)

    assert refused.value.job.id == first
    assert [state(house, job) for job in (first, proof, newer)] == ["cancelled", "waiting", "waiting"]


def test_the_newest_job_about_the_very_texts_is_found(house: House) -> None:
    draft = a_draft(house)
    first = begin(house, "prove", "v1", draft)
    second = begin(house, "prove", "v2", draft)
    with house.database.session(house.desk.merchant_id, read_only=True) as session:
        found = [rule_jobs.latest(session, draft, "prove", version) for version in (None, "v1", "v3")]
        assert [job.id if job else None for job in found] == [second, first, None]


def test_a_quick_proof_does_not_make_forgotten_what_a_thorough_one_found(house: House) -> None:
    made = []
    for seconds in (None, 1, 60, 5):
        with house.database.session(house.desk.merchant_id) as session:
            parameters = {"seconds": seconds} if seconds else {}
            job = rule_jobs.start(session, kind="prove", texts={}, texts_version="v1", by="ada", parameters=parameters)
            held = rule_jobs.claim(session, job.id, seconds=60)
            assert held is not None and held.lease is not None
            rule_jobs.finish(session, job.id, held.lease, {"proofs": {}})
            found = rule_jobs.proof_of(session, "v1")
            made.append(job.id)
            assert found is not None and found.id == made[{1: 0, 2: 0, 3: 2, 4: 2}[len(made)]]


def test_a_job_that_is_cancelled_while_it_runs_stops_at_its_next_step(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulating, "BATCH", 2)
    job = house.start(SMALL_ORDERS)
    run_slice(house, house.desk.merchant_id, job, seconds=0)  # type: ignore[arg-type]
    with house.database.session(house.desk.merchant_id) as session:
        rule_jobs.cancel(session, job, by="ada")
    run_slice(house, house.desk.merchant_id, job, seconds=60)  # type: ignore[arg-type]

    cancelled = house.job(job)
    assert (cancelled.state, cancelled.done, cancelled.result) == ("cancelled", 2, None)


def test_nothing_can_be_asked_of_rules_but_what_there_is(house: House, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="prove, simulate"):
        begin(house, "guess")


def test_jobs_wait_in_a_queue_of_their_own(house: House, parts: Parts) -> None:
    job = house.start()
    for _ in range(3):
        parts.bell.ring_rule_job(house.desk.merchant_id, job)
    assert Queue(RULES_QUEUE, connection=parts.redis).job_ids == [rule_job_id(job)]


def test_a_proof_is_made_in_the_background_and_kept_with_the_texts_it_is_about(house: House, parts: Parts) -> None:
    texts = {"order_intake.yaml": (
        "decision: order_intake\nrules:\n  - id: never\n    description: x\n    priority: 1\n    when:\n"
        "      - order.unit_count > 5\n      - order.unit_count < 3\n    then:\n      - import order\n"
        "  - id: else\n    description: y\n    priority: 2\n    when: []\n    then:\n      - hold order because \"so\"\n"
    )}  # fmt: skip
    version = load_book(texts).version
    with house.database.session(house.desk.merchant_id) as session:
        job = rule_jobs.start(
            session, kind="prove", texts=texts, texts_version=version, by="ada", parameters={"seconds": 10}
        ).id
    parts.bell.ring_rule_job(house.desk.merchant_id, job)
    RulesWorker(parts).run(burst=True)

    assert state(house, job) == "done", house.job(job).error
    result = house.job(job).result
    assert result["texts_version"] == version
    assert [(found["kind"], found["rules"]) for found in result["proofs"]["findings"]] == [("never", ["never"])]
    with house.database.session(house.desk.merchant_id, read_only=True) as session:
        proof = rule_jobs.proof_of(session, version)
        assert proof is not None
        assert proof.id == job
