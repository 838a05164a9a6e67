"""All workers of a house in one process, turn by turn, so that killing it kills them all."""

from __future__ import annotations

from wiring import from_environment
from workers.relay import Relay
from workers.worker import OutboxWorker, RulesWorker


def run() -> None:
    """Work until killed."""
    services = from_environment()
    relay = Relay(services)
    while True:
        relay.tick()
        OutboxWorker(services).run(burst=True)
        RulesWorker(services).run(burst=True)
