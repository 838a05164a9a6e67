"""Work on untrusted rule texts in processes of their own: so many at once and no more, and always an answer in words."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from engine import aside

RULES = {"order_intake.yaml": "decision: order_intake\nrules:\n  - id: a\n    then:\n      - hold order\n"}


def test_examples_are_run_elsewhere() -> None:
    found = aside.try_examples(RULES)

    assert found.errors == () and found.report is not None and found.report["failed"] == 0


def test_what_takes_too_long_is_ended_and_told() -> None:
    (problem,) = aside.try_examples(RULES, seconds=0.01).problems

    assert "takes more than 0.01 seconds" in problem.message and problem.hint


def test_when_there_is_no_room_it_is_said_and_room_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aside, "PATIENCE", 0.01)
    for _ in range(aside.AT_ONCE):
        aside._turns.acquire()
    (problem,) = aside.try_examples(RULES).problems
    for _ in range(aside.AT_ONCE):
        aside._turns.release()

    assert "no room" in problem.message and problem.hint == "Try again in a moment."
    assert aside.try_examples(RULES).errors == ()


def test_a_process_that_cannot_be_started_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aside.sys, "executable", "/nowhere/python")
    (problem,) = aside.try_examples(RULES).problems

    assert "No process could be started" in problem.message


def test_many_who_ask_at_once_all_get_an_answer() -> None:
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: aside.try_examples(RULES), range(6)))

    assert all(answer.report or "no room" in answer.problems[0].message for answer in answers)
    assert aside.try_examples(RULES).report is not None
