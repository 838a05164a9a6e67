"""Decides events that a worker was asked to decide, and stops one that takes its workers down."""

from __future__ import annotations

import logging

from rq.timeouts import JobTimeoutException

from store import events
from store.columns import now
from workers.bell import decide_job_id
from workers.services import Services

log = logging.getLogger(__name__)

_COUNT_SECONDS = 86_400


def decide_guarded(services: Services, merchant_id: str, event_id: str) -> None:
    """Decide an event that was kept.

    Rules run in a network written in C. Should an event crash or hang it, the worker dies without a word; a count kept
    outside the process notices, and after `event_tries` such deaths the event is marked failed instead of tried.
    """
    key = f"wissel:deciding:{event_id}"
    tries = int(services.redis.incr(key))
    services.redis.expire(key, _COUNT_SECONDS)
    if tries > services.worker_settings.event_tries:
        _give_up(services, merchant_id, event_id, tries - 1)
    else:
        services.bell.alive(decide_job_id(event_id))
        try:
            services.intake.decide(merchant_id, event_id)
        except JobTimeoutException:
            raise
        except Exception:
            services.redis.delete(key)
            raise
    services.redis.delete(key)
    services.bell.gone(decide_job_id(event_id))


def _give_up(services: Services, merchant_id: str, event_id: str, tries: int) -> None:
    with services.database.session(merchant_id) as session:
        event = events.get(session, event_id, lock=True)
        if event is not None and event.status == "received":
            event.status, event.decided_at = "failed", now()
            event.reason = f"Deciding took the worker down {tries} times; it is not tried again by itself."
            log.error("an event takes its workers down and was marked failed", extra={"event_id": event_id})
