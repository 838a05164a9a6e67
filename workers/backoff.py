"""When a command that failed is tried again."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta

from workers.settings import WorkerSettings

JITTER = 0.2
"""Up to this part of a delay is added at random, so that what failed together does not come back together."""


class Backoff:
    """Growing delays from a list, and an end."""

    def __init__(self, settings: WorkerSettings, chance: Callable[[], float] = random.random) -> None:
        self._settings = settings
        self._chance = chance

    def retry_at(self, failures: int, at: datetime) -> datetime | None:
        """When to try again after this many failures in a row, the latest at `at`; None when it has been enough."""
        if failures >= self._settings.max_failures:
            return None
        delays = self._settings.retry_delays
        return at + timedelta(seconds=delays[min(failures, len(delays)) - 1] * (1 + JITTER * self._chance()))
