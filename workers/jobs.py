"""The RQ jobs. Their arguments are ids; everything else they find in the services of their process."""

from __future__ import annotations

import logging

from store.secrets import CannotDecrypt
from workers import services
from workers.decide import decide_guarded
from workers.drain import Drainer, pause_by_itself
from workers.errands import errand_for
from workers.imports import decide_slice
from workers.rule_jobs.runner import run_slice

log = logging.getLogger(__name__)


def drain(connection_id: str) -> None:
    """Carry out what is due for a connection."""
    here = services.current()
    try:
        with errand_for(here, connection_id) as errand:
            if errand is None:
                return
            report = Drainer(here, errand, stop=services.stopping.is_set).run()
    except CannotDecrypt as closed:
        with here.database.system_session() as session:
            pause_by_itself(session, connection_id, str(closed))
        return
    log.info("drained: %s; ended: %s", report.outcomes, report.ended, extra={"connection_id": connection_id})


def decide(merchant_id: str, event_id: str) -> None:
    """Decide an event that was kept."""
    decide_guarded(services.current(), merchant_id, event_id)


def rule_job(merchant_id: str, job_id: str) -> None:
    """Carry out the next slice of a proof or simulation."""
    run_slice(services.current(), merchant_id, job_id)


def decide_import(merchant_id: str, import_id: str) -> None:
    """Decide what a first import brought, for a while."""
    decide_slice(services.current(), merchant_id, import_id)
