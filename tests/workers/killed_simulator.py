"""A worker for rules that is killed in the middle of a simulation, without a word."""

from __future__ import annotations

import os
import signal
from typing import Any

from workers.rule_jobs import runner, simulating
from workers.rule_jobs.slices import Slice
from workers.worker import RulesWorker

KEPT_PARTS = 2


def run() -> None:
    """Carry jobs out in slices of one batch of two; die when the third slice is about to keep what it found."""
    from tests.workers import supervised

    runner.SLICE_SECONDS, simulating.BATCH = 0.0, 2
    keep = Slice.keep

    def keep_or_die(self: Slice, number: int, content: Any, done: int, total: int) -> None:
        if number > KEPT_PARTS:
            os.kill(os.getpid(), signal.SIGKILL)
        keep(self, number, content, done, total)

    Slice.keep = keep_or_die  # type: ignore[method-assign]
    RulesWorker(supervised.build()).run(burst=True)
