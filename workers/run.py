"""Runs the workers: some processes that carry out jobs, one for proofs and simulations, and one that relays, each started
again when it dies."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.context import SpawnContext
from multiprocessing.process import BaseProcess
from types import FrameType

from workers.relay import Relay
from workers.services import Services
from workers.worker import OutboxWorker, RulesWorker

log = logging.getLogger(__name__)

Build = Callable[[], Services]
"""Makes the services of one process. A function at the top of a module, since new processes import it by name."""

GRACE_SECONDS = 30
"""How long processes may take to finish their command when asked to stop; then they are killed."""

RULES_NICENESS = 10
"""How much the process for proofs and simulations stands back (0 not at all, 19 altogether)."""

_LOOK_SECONDS = 0.2
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 30.0
_STEADY_SECONDS = 60.0


def work(build: Build, *, burst: bool = False) -> None:
    """Be a worker process: carry out jobs until SIGTERM."""
    OutboxWorker(build()).run(burst=burst)


def work_on_rules(build: Build, *, burst: bool = False) -> None:
    """Be the process for proofs and simulations until SIGTERM. Whenever others want the processor they come first."""
    os.nice(RULES_NICENESS)
    RulesWorker(build()).run(burst=burst)


def relay(build: Build) -> None:
    """Be the relay process: look every second until SIGTERM."""
    over = threading.Event()
    _on_stop(over.set)
    Relay(build()).run(over.wait)


def supervise(build: Build, *, workers: int = 2, grace_seconds: float = GRACE_SECONDS) -> None:
    """Run worker processes, one for rules and a relay until SIGTERM or SIGINT; start again what dies.

    Every process builds its own services in a fresh interpreter, so that no connection or lock is shared by accident.
    """
    over = threading.Event()
    _on_stop(over.set)
    context = multiprocessing.get_context("spawn")
    children = [_Child(context, "relay", relay, build)]
    children += [_Child(context, f"worker-{number}", work, build) for number in range(1, workers + 1)]
    children += [_Child(context, "rules", work_on_rules, build)]
    while not over.wait(_LOOK_SECONDS):
        for child in children:
            child.see_to_it()
    _stop(children, grace_seconds)


@dataclass
class _Child:
    """One process that has to run. One that dies again and again is started at growing intervals."""

    context: SpawnContext
    name: str
    target: Callable[[Build], None]
    build: Build
    process: BaseProcess | None = None
    started_at: float = 0.0
    pause: float = 0.0

    def see_to_it(self) -> None:
        """Start the process when it does not run and its pause is over."""
        if self.process is not None and self.process.is_alive():
            return
        lived = time.monotonic() - self.started_at
        if self.process is not None:
            log.error("%s ended with exit code %s and is started again", self.name, self.process.exitcode)
            self.pause = _FIRST_PAUSE if lived > _STEADY_SECONDS else min(_LONGEST_PAUSE, max(_FIRST_PAUSE, 2 * self.pause))
            self.process.close()
            self.process = None
            self.started_at = time.monotonic()
        if lived >= self.pause or self.pause == 0:
            self.process = self.context.Process(target=self.target, args=(self.build,), name=self.name)
            self.process.start()
            self.started_at = time.monotonic()


def _stop(children: list[_Child], grace_seconds: float) -> None:
    """Ask all processes to stop, wait for them, and kill those that do not."""
    running = [child.process for child in children if child.process is not None]
    for process in running:
        process.terminate()
    patience = time.monotonic() + grace_seconds
    for process in running:
        process.join(max(0.0, patience - time.monotonic()))
        if process.is_alive():
            log.error("%s did not stop in time and is killed; what it held is tried again", process.name)
            process.kill()
            process.join()


def _on_stop(act: Callable[[], None]) -> None:
    def handle(number: int, frame: FrameType | None) -> None:
        act()

    signal.signal(signal.SIGTERM, handle)
    signal.signal(signal.SIGINT, handle)
