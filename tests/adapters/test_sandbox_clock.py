"""A sandbox whose clock is wrong."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import requests

from adapters.sandbox import RunningSandbox, SandboxState, running
from tests.adapters.test_sandbox_base import toy

HOURS = 3 * 3600


@pytest.fixture
def box() -> Iterator[RunningSandbox]:
    with running(toy()) as served:
        yield served


def ahead(box: RunningSandbox) -> int:
    """By how many seconds the sandbox's clock is ahead of ours."""
    return round(box.state.now() - time.time())


def test_a_skewed_clock_is_ahead_or_behind_until_it_is_set_right(box: RunningSandbox) -> None:
    for seconds in (HOURS, -HOURS):
        requests.post(
            f"{box.url}/_sandbox/faults", json={"kind": "clock_skew", "seconds": seconds}, timeout=5
        ).raise_for_status()
        assert ahead(box) == seconds
    requests.delete(f"{box.url}/_sandbox/faults", timeout=5)
    assert ahead(box) == 0


def test_a_skewed_clock_strikes_no_call_and_is_not_used_up(box: RunningSandbox) -> None:
    box.sandbox.faults.add("clock_skew", seconds=60)
    assert requests.post(f"{box.url}/api/things", json={}, timeout=5).status_code == 200
    assert ahead(box) == 60


def test_switching_one_of_two_skews_off_leaves_the_other(box: RunningSandbox) -> None:
    box.sandbox.faults.add("clock_skew", seconds=60)
    second = box.sandbox.faults.add("clock_skew", seconds=-60)
    box.sandbox.faults.clear(second.id)
    assert ahead(box) == 60


def test_a_clock_cannot_be_wrong_by_more_than_a_day(box: RunningSandbox) -> None:
    with pytest.raises(ValueError, match="between -86400 and 86400"):
        box.sandbox.faults.add("clock_skew", seconds=90_000)
    with pytest.raises(ValueError, match="seconds of 500 must be between 0 and 300"):
        box.sandbox.faults.add("500", seconds=-1)


def test_a_restart_sets_the_clock_right_since_faults_do_not_survive_it() -> None:
    state = SandboxState()
    with running(toy(state)) as box:
        box.sandbox.faults.add("clock_skew", seconds=HOURS)
    with running(toy(state)) as box:
        assert ahead(box) == 0


def test_the_fault_page_sets_the_clock_wrong_and_shows_what_it_says(box: RunningSandbox) -> None:
    requests.post(f"{box.url}/sandbox/faults", data={"kind": "clock_skew", "seconds": str(-HOURS)}, timeout=5)
    page = requests.get(f"{box.url}/sandbox/faults", timeout=5).text
    assert "10800" in page
    assert "behind" in page
    assert time.strftime("%Y-%m-%d", time.gmtime(time.time() - HOURS)) in page
