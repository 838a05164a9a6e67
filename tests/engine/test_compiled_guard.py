"""Trying a rule book out in a child process: whatever its rules do there, the caller gets sentences."""

from __future__ import annotations

import sys
from pathlib import Path

from engine.guard import TRIALS, exercise, made_up_facts
from engine.language import load_book
from engine.types import Money
from tests.engine.rule_texts import rule_file

RULES = Path(__file__).resolve().parents[2] / "rules"


def child(script: str) -> list[str]:
    return [sys.executable, "-c", f"import json, os, signal, sys, time\n{script}"]


def problem(script: str, seconds: float = 10) -> str:
    """What is said when this script runs in place of the trial."""
    (found,) = exercise({}, seconds, child(script))
    assert found.severity == "error" and "Nothing was published" in found.hint
    return found.message


def test_the_shipped_rules_have_nothing_to_report():
    texts = {path.name: path.read_text() for path in RULES.glob("*.yaml") if not path.name.endswith(".examples.yaml")}
    assert exercise(texts, 60) == ()


def test_rules_that_do_not_pass_the_checker_come_back_with_their_problems():
    (found,) = exercise({"rules.yaml": rule_file(["outlet.opened is true"])}, 60)
    assert (found.file, found.line) == ("rules.yaml", 11)
    assert "opened" in found.message


def test_a_crash_is_a_sentence_that_says_what_was_being_tried():
    said = problem(
        """print('{"trying": "running outlet_assignment"}', flush=True); os.kill(os.getpid(), signal.SIGSEGV)"""
    )
    assert said == "While running outlet_assignment, the rules crashed the matching engine (SIGSEGV)."


def test_a_hang_is_ended_when_its_time_is_up():
    said = problem("""print('{"trying": "running order_intake"}', flush=True); time.sleep(600)""", 1)
    assert said == "While running order_intake, the rules did not finish within 1 seconds."


def test_running_out_of_memory_is_told_apart_from_other_failures():
    assert "more than 1024 MB of memory" in problem("raise MemoryError")
    assert "failed: ValueError: odd" in problem("raise ValueError('odd')")
    assert "it ended with 3" in problem("os._exit(3)")


def test_a_child_that_ends_early_and_talks_nonsense_is_a_failure_all_the_same():
    assert "it ended with 0" in problem("print('{\"trying\": '); print('[]'); print('null')")


def test_what_the_child_reported_before_it_fell_over_is_kept():
    known = '{"problem": {"file": "f", "line": 1, "column": 2, "message": "m", "hint": "", "severity": "error"}}'
    first, second = exercise({}, 10, child(f"print('{known}', flush=True); os.abort()"))
    assert (first.file, first.message) == ("f", "m")
    assert "SIGABRT" in second.message


def test_made_up_facts_touch_the_constants_the_rules_mention():
    conditions = ["order.total between 70 EUR and 80 EUR", "outlet.country in [FR, XX]", "outlet.priority > 41"]
    (decision,) = load_book({"rules.yaml": rule_file(conditions)}).decisions.values()
    sets = list(made_up_facts(decision))
    assert len(sets) == TRIALS and sets == list(made_up_facts(decision))
    values = [value for facts in sets for fact in facts for value in fact.values.values()]
    assert {Money(6999, "EUR"), Money(8001, "EUR"), "FR", "XX", 41, 42} <= {v for v in values if type(v) is not tuple}
    assert len({fact.id for facts in sets for fact in facts if fact.type == "outlet"}) == 3


def test_constants_at_the_end_of_the_calendar_have_no_neighbours_beyond_it():
    conditions = ["event.time before 9999-12-31T23:59:59Z", "event.time after 0001-01-01T00:00:00Z"]
    assert exercise({"rules.yaml": rule_file(conditions)}, 60) == ()
