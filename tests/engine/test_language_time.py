"""Days, times of day and weekdays, as the merchant's clock and calendar have them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ast import Literal
from engine.calendar import in_time
from engine.compiled import compile_book
from engine.facts_json import decode_fact, encode_fact, read_facts
from engine.language import load_book
from engine.language.formatter import format_decision
from engine.types import Fact
from engine.vocabulary import VOCABULARY, WEEKDAYS
from tests.engine.rule_texts import decision_of, problem_of, problems_of, rule_file

SATURDAY_NIGHT = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)  # Sunday, half past midnight, in Amsterdam


def fires(condition: str, placed_at: datetime, zone: str = "Europe/Amsterdam", at: datetime | None = None) -> bool:
    compiled = compile_book(load_book({"a.yaml": rule_file([condition])}), compare="always", on_incident=pytest.fail)
    order = Fact("order", "o", {"placed_at": placed_at})
    facts = in_time([order], ZoneInfo(zone), at or placed_at)
    return bool(compiled.run("outlet_assignment", facts).firings)


@pytest.mark.parametrize(
    ("condition", "zone", "met"),
    [
        ("order.placed_at.weekday is sunday", "Europe/Amsterdam", True),
        ("order.placed_at.weekday is saturday", "America/New_York", True),
        ("order.placed_at.weekday in [saturday, sunday]", "UTC", True),
        ("order.placed_at.date is 2026-11-22", "Europe/Amsterdam", True),
        ("order.placed_at.date before 2026-11-22", "UTC", True),
        ("order.placed_at.time before 01:00", "Europe/Amsterdam", True),
        ("order.placed_at.time between 23:30 and 23:30:00", "UTC", True),
        ("order.placed_at.time after 23:30", "UTC", False),
        ("order.placed_at.time in [18:30, 0:30]", "America/New_York", True),
        ("order.placed_at after 2026-11-21T23:00Z", "Asia/Tokyo", True),
    ],
)
def test_a_moment_is_asked_for_its_day_hour_and_weekday_where_the_merchant_lives(condition: str, zone: str, met: bool) -> None:
    assert fires(condition, SATURDAY_NIGHT, zone) is met


def test_an_order_knows_its_age() -> None:
    day_later = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)

    assert fires("order.age is 1 day", SATURDAY_NIGHT, at=day_later)
    assert fires("order.age is 0 seconds", day_later, at=SATURDAY_NIGHT)  # the shop's clock was ahead of ours


def test_a_time_of_day_may_be_a_setting() -> None:
    text = "decision: order_intake\nsettings:\n  cutoff: 17:00\nrules:\n  - id: late\n    when: [event.received_at.time after setting.cutoff]\n    then: [hold order]\n"

    decision = decision_of(text)
    assert decision.settings == {"cutoff": time(17)}
    assert "  cutoff: 17:00\n" in format_decision(decision)
    assert problems_of(text.replace("17:00", "25:00")) == [
        "3:11: `25:00` is not a number. If you mean text, put it in quotes.",
        "6:41: There is no setting `cutoff` in this file. Add it under `settings:` with its default.",
    ]


@pytest.mark.parametrize(
    ("condition", "message", "hint"),
    [
        ("order.placed_at.time after 25:00", "`25:00` is not a time of day that order.placed_at.time can hold.", "Write a time of day, such as `09:30`."),
        ("order.placed_at.time > 09:00", "`>` cannot be asked of order.placed_at.time, which is a time of day.", "Write `after`."),
        ("order.placed_at.time between 22:00 and 06:00", "The upper end is below the lower end.", "Write the smaller value first."),
        ("order.placed_at.weekday is caturday", "`caturday` is not a value of order.placed_at.weekday.", f"Did you mean `saturday`? Its values are: {', '.join(WEEKDAYS)}."),
        ("order.placed_at.date is order.placed_at.time", "order.placed_at.date is a date and order.placed_at.time is a time of day: they cannot be compared.", ""),
    ],
)  # fmt: skip
def test_a_time_that_makes_no_sense_is_refused_with_advice(condition: str, message: str, hint: str) -> None:
    problem = problem_of(condition)

    assert (problem.message, problem.hint) == (message, hint)


def test_every_moment_has_its_day_hour_and_weekday() -> None:
    for fact_type in VOCABULARY.facts.values():
        for name in fact_type.moments:
            kinds = [fact_type.by_name[f"{name}.{part}"].type for part in ("date", "time", "weekday")]
            assert kinds == ["date", "time", "enum"]


@given(st.datetimes(timezones=st.just(UTC)), st.sampled_from(["Europe/Stockholm", "America/St_Johns", "Asia/Kathmandu"]))
def test_day_hour_and_weekday_always_agree_with_the_moment(moment: datetime, zone: str) -> None:
    try:
        there = moment.astimezone(ZoneInfo(zone))
    except OverflowError:
        return
    (fact,) = in_time([Fact("event", "event", {"time": moment})], ZoneInfo(zone), moment)

    assert fact.values["time.date"] == there.date()
    assert fact.values["time.time"] == there.time().replace(microsecond=0)
    assert WEEKDAYS.index(str(fact.values["time.weekday"])) == date.weekday(there)


def test_times_are_kept_with_facts_and_read_back() -> None:
    fact = Fact("order", "o", {"placed_at.time": time(9, 30, 5)})

    assert decode_fact(encode_fact(fact)) == fact
    assert read_facts([{"type": "order", "id": "o", "values": {"placed_at.time": "9:30"}}])[0].values == {"placed_at.time": time(9, 30)}
    assert isinstance(decision_of(rule_file(["order.placed_at.time is 9:05"])).rules[0].when.children[0].right, Literal)  # type: ignore[union-attr]
