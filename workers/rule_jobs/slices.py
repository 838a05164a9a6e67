"""What a slice of a job is given, and how it says that it cannot go on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from store import rule_jobs
from store.rule_job_models import RuleJob
from workers.services import Services


class CannotDo(Exception):
    """The job makes no sense: the message tells people why, and what to do next."""


class LeaseLost(Exception):
    """The job was cancelled, or another worker has it now: stop, and write nothing."""


@dataclass(frozen=True)
class Slice:
    """One slice of one job. `is_over` says when to let others have their turn, `is_lost` that the job is no longer ours."""

    here: Services
    job: RuleJob
    lease: str
    is_over: Callable[[], bool]
    is_lost: Callable[[], bool]

    def progress(self, done: int, total: int) -> None:
        """Show how far it is. Raises LeaseLost."""
        with self.here.database.session(self.job.merchant_id) as session:
            if not rule_jobs.progress(session, self.job.id, self.lease, done=done, total=total):
                raise LeaseLost

    def keep(self, number: int, content: Any, done: int, total: int) -> None:
        """Keep what was found, as part `number`. Raises LeaseLost."""
        with self.here.database.session(self.job.merchant_id) as session:
            if not rule_jobs.keep_part(session, self.job.id, self.lease, number, content, done=done, total=total):
                raise LeaseLost
