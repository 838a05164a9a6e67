"""How the workers behave."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """Every knob of the workers, with its default. Times are seconds."""

    retry_delays: tuple[float, ...] = (5, 30, 120, 600, 1800, 3600, 7200, 21600)
    """Wait after the first, second, ... failure; the last one is used from then on. Up to a fifth is added at random."""
    max_failures: int = 12
    """Failures in a row after which a command is dead and waits for people. Being throttled does not count."""
    throttle_delay: float = 30
    """Wait after being throttled by a system that does not say until when."""
    lease_seconds: float = 30
    """How long a command is held without a sign of life; so long it takes until another worker takes it over."""
    alive_seconds: float = 10
    """How long a drainer counts as alive after its last sign of life."""
    lost_seconds: float = 1
    """How long a job may be neither queued nor in a living worker's hands before its id is freed."""
    batch_seconds: float = 0.25
    """How much work is leased at once, judged by how long the calls before took."""
    batch_limit: int = 100
    slice_seconds: float = 20
    """How long one connection may keep a worker when others wait."""
    call_seconds: float = 300
    """How long one command may take at most."""
    breaker_failures: int = 5
    """Failures in a row, of any commands, after which a connection's circuit opens."""
    breaker_seconds: float = 30
    """How long an open circuit lets nothing through before one command tries again."""
    longest_pause: float = 20
    """How long a command under way waits for the rate limit; beyond it, it is tried again later."""
    tick_seconds: float = 1
    """How often the relay looks for what nobody was woken for."""
    event_seconds: float = 10
    """After how long the relay asks again for an event that was kept and not decided."""
    event_tries: int = 5
    """How often an event may take its worker down before it is marked failed."""
    poll_seconds: float = 30
    """How often a connection is asked for news, unless its own setting `poll_seconds` says otherwise."""
    webhook_seconds: float = 6 * 3600
    """How often a system is asked to mend our webhook subscriptions: shops switch failing ones off."""
    hooks_url: str = ""
    """Where systems reach us with webhooks; `/<connection id>` is added. Without it nothing is mended."""
    idle_seconds: int = 2
    """How often an idle worker looks for new connections."""
