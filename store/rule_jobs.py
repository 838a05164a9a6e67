"""Proofs and simulations of rule texts: asked for by people, carried out by workers in slices.

A slice holds a lease, writes what it found as a part, and lets go; any worker may go on after the last part. A lease that
ran out belongs to a worker that died. Everything here writes rows of the job and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, defer

from store import audit
from store.columns import new_id, now
from store.rule_job_models import RuleJob, RuleJobPart

KINDS = ("prove", "simulate")
UNFINISHED = ("waiting", "running")
KEPT_PER_DRAFT = 10
"""So many finished jobs of one kind are kept of a draft, the newest ones."""
PROOF_SECONDS = 60
"""How long a proof may take that was not asked to be quick."""
KEPT = 200
"""So many finished jobs of one kind are kept of a merchant."""
MOST_TRIES = 5
"""A job that took its worker down so often without getting further is given up."""


class NoRuleJob(LookupError):
    """The merchant has no such job."""


class AlreadyRunning(Exception):
    """The draft has an unfinished job of this kind about the very same texts: `job`. Nothing was started."""

    def __init__(self, job: RuleJob) -> None:
        super().__init__(f"{job.asked_by} started this on {job.created_at:%Y-%m-%d %H:%M} UTC: wait for it, or cancel it")
        self.job = job


def start(
    session: Session,
    *,
    kind: str,
    texts: Mapping[str, str],
    texts_version: str,
    by: str,
    draft_id: str | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> RuleJob:
    """Ask for a proof or simulation of these texts (file name -> text). Ring the bell after the commit.

    An unfinished job of the same draft and kind about older texts is cancelled: its answer would be about what nobody has
    before them any more. Old finished jobs are removed. Raises AlreadyRunning; ValueError for another kind.
    """
    if kind not in KINDS:
        raise ValueError(f"a rule job is one of {', '.join(KINDS)}, not {kind!r}")
    running = unfinished_of(session, draft_id, kind) if draft_id else None
    if running is not None and running.texts_version == texts_version:
        raise AlreadyRunning(running)
    if running is not None:
        _end(session, running.id, "cancelled", error="The draft was changed, and this was asked for again.")
    job = RuleJob(
        kind=kind, draft_id=draft_id, texts=dict(texts), texts_version=texts_version,
        parameters=dict(parameters or {}), asked_by=by,
    )  # fmt: skip
    try:
        with session.begin_nested():
            session.add(job)
    except IntegrityError:  # somebody else asked for the same at this very moment
        first = unfinished_of(session, draft_id, kind) if draft_id else None
        if first is None:
            raise
        raise AlreadyRunning(first) from None
    prune(session, draft_id, kind)
    audit.record(session, who=by, action=kind, about=_about(job), reason=f"draft:{draft_id}" if draft_id else "")
    return job


def get(session: Session, job_id: str) -> RuleJob:
    """One job with its result. Raises NoRuleJob."""
    job = session.get(RuleJob, job_id)
    if job is None:
        raise NoRuleJob(f"there is no rule job {job_id[:40]}")
    return job


def latest(session: Session, draft_id: str, kind: str, texts_version: str | None = None) -> RuleJob | None:
    """The newest job of a kind about a draft, whatever its state; with `texts_version` only one about these very texts."""
    found = select(RuleJob).where(RuleJob.draft_id == draft_id, RuleJob.kind == kind).order_by(RuleJob.id.desc()).limit(1)
    if texts_version is not None:
        found = found.where(RuleJob.texts_version == texts_version)
    return session.scalar(found)


def proof_of(session: Session, texts_version: str) -> RuleJob | None:
    """The finished proof of these very texts, of whichever draft, that was given most time; of several the newest. One that
    was asked to be quick does not make forgotten what a thorough one found."""
    found = select(RuleJob).options(defer(RuleJob.texts)).where(
        RuleJob.kind == "prove", RuleJob.state == "done", RuleJob.texts_version == texts_version
    )
    rows = session.scalars(found.order_by(RuleJob.id.desc()).limit(2 * KEPT_PER_DRAFT)).all()
    return max(rows, key=lambda row: (row.parameters.get("seconds", PROOF_SECONDS), row.id), default=None)


def recent(session: Session, kind: str, *, before: str | None = None, limit: int = 50) -> Sequence[RuleJob]:
    """The newest jobs of a kind, newest first, without unpacking texts; `before` is the last id of the page before."""
    found = select(RuleJob).options(defer(RuleJob.texts)).where(RuleJob.kind == kind).order_by(RuleJob.id.desc()).limit(limit)
    return session.scalars(found if before is None else found.where(RuleJob.id < before)).all()


def unfinished_of(session: Session, draft_id: str, kind: str) -> RuleJob | None:
    """The job of this kind about a draft that waits or runs, if there is one."""
    return session.scalar(
        select(RuleJob).where(RuleJob.draft_id == draft_id, RuleJob.kind == kind, RuleJob.state.in_(UNFINISHED))
    )


def cancel(session: Session, job_id: str, *, by: str) -> RuleJob:
    """Stop a job; its worker notices at its next step. A finished job stays as it is. Raises NoRuleJob."""
    job = get(session, job_id)
    if _end(session, job_id, "cancelled", error=f"Cancelled by {by}."):
        audit.record(session, who=by, action=f"cancel {job.kind}", about=_about(job))
    session.refresh(job)
    return job


def claim(session: Session, job_id: str, *, seconds: float) -> RuleJob | None:
    """Take a job for one slice. None when it is finished, gone, or in another worker's hands. One that took down its
    worker again and again is marked failed, and None as well."""
    job = session.get(RuleJob, job_id, with_for_update=True, populate_existing=True)
    at = now()
    if job is None or job.state not in UNFINISHED or (job.leased_until is not None and job.leased_until > at):
        return None
    if job.tries >= MOST_TRIES:
        _end(session, job_id, "failed", error=f"It took its worker down {job.tries} times; it is not tried again by itself.")
        return None
    job.state, job.started_at = "running", job.started_at or at
    job.lease, job.leased_until, job.tries = new_id(), at + timedelta(seconds=seconds), job.tries + 1
    session.flush()
    return job


def extend(session: Session, job_id: str, lease: str, *, seconds: float) -> bool:
    """Hold a lease longer. False when it is lost: the job was cancelled, or another worker has it."""
    return _write(session, job_id, lease, leased_until=now() + timedelta(seconds=seconds))


def progress(session: Session, job_id: str, lease: str, *, done: int, total: int) -> bool:
    """Note how far a slice has come. False when the lease is lost."""
    return _write(session, job_id, lease, done=done, total=total)


def keep_part(session: Session, job_id: str, lease: str, number: int, content: Any, *, done: int, total: int) -> bool:
    """Keep what a slice found, as part `number`. False when the lease is lost: nothing is kept then."""
    if not _write(session, job_id, lease, done=done, total=total, tries=0):
        return False
    session.add(RuleJobPart(job_id=job_id, number=number, content=content))
    session.flush()
    return True


def release(session: Session, job_id: str, lease: str) -> bool:
    """Let go of a job so that its next slice can follow at once. False when the lease is lost."""
    return _write(session, job_id, lease, lease=None, leased_until=None, tries=0)


def finish(session: Session, job_id: str, lease: str, result: Any) -> bool:
    """Keep the result: the job is done. False when the lease is lost."""
    return _end(session, job_id, "done", lease=lease, result=result)


def fail(session: Session, job_id: str, lease: str, error: str) -> bool:
    """The job cannot be done; `error` tells people why. False when the lease is lost."""
    return _end(session, job_id, "failed", lease=lease, error=error[:2000])


def last_part(session: Session, job_id: str) -> RuleJobPart | None:
    """The part after which a job goes on; None at its beginning."""
    found = select(RuleJobPart).where(RuleJobPart.job_id == job_id)
    return session.scalar(found.order_by(RuleJobPart.number.desc()).limit(1))


def parts(session: Session, job_id: str) -> Sequence[Any]:
    """What all slices found, in their order."""
    found = select(RuleJobPart.content).where(RuleJobPart.job_id == job_id).order_by(RuleJobPart.number)
    return session.scalars(found).all()


def part(session: Session, job_id: str, number: int) -> Any:
    """What one slice found; None when there is no such part."""
    return session.scalar(
        select(RuleJobPart.content).where(RuleJobPart.job_id == job_id, RuleJobPart.number == number)
    )


def is_free(session: Session, job_id: str) -> bool:
    """Whether there is more to do for a job and no worker holds it."""
    return session.scalar(select(RuleJob.id).where(RuleJob.id == job_id, *_free())) is not None


def neglected(session: Session, limit: int = 100) -> Sequence[tuple[str, str]]:
    """(merchant id, job id) of unfinished jobs that no worker holds, the oldest first. In a system session: of all
    merchants."""
    found = select(RuleJob.merchant_id, RuleJob.id).where(*_free())
    return [(merchant_id, job_id) for merchant_id, job_id in session.execute(found.order_by(RuleJob.id).limit(limit))]


def prune(session: Session, draft_id: str | None, kind: str) -> int:
    """Remove finished jobs that nobody will look for any more. Returns how many."""
    finished = select(RuleJob.id).where(RuleJob.kind == kind, RuleJob.state.not_in(UNFINISHED)).order_by(RuleJob.id.desc())
    old = set(session.scalars(finished.offset(KEPT)))
    if draft_id is not None:
        old.update(session.scalars(finished.where(RuleJob.draft_id == draft_id).offset(KEPT_PER_DRAFT)))
    if old:
        session.execute(delete(RuleJobPart).where(RuleJobPart.job_id.in_(old)))
        session.execute(delete(RuleJob).where(RuleJob.id.in_(old)))
    return len(old)


def waiting_count(session: Session) -> int:
    """How many jobs wait or run, for whoever wonders why theirs does not begin."""
    return session.scalar(select(func.count()).select_from(RuleJob).where(RuleJob.state.in_(UNFINISHED))) or 0


def _free() -> tuple[ColumnElement[bool], ...]:
    return RuleJob.state.in_(UNFINISHED), or_(RuleJob.leased_until.is_(None), RuleJob.leased_until <= now())


def _write(session: Session, job_id: str, held: str, **values: Any) -> bool:
    """Change a job while one holds it: one statement, so that a lost lease can never write."""
    return _changed(session, values, RuleJob.id == job_id, RuleJob.lease == held, RuleJob.state == "running")


def _end(session: Session, job_id: str, state: str, *, lease: str | None = None, **values: Any) -> bool:
    mine: tuple[ColumnElement[bool], ...] = (RuleJob.id == job_id, RuleJob.state.in_(UNFINISHED))
    if lease is not None:
        mine = (*mine, RuleJob.lease == lease)
    ended = {"state": state, "finished_at": now(), "lease": None, "leased_until": None, **values}
    return _changed(session, ended, *mine)


def _changed(session: Session, values: Mapping[str, Any], *which: ColumnElement[bool]) -> bool:
    done = session.execute(
        update(RuleJob).where(*which).values(**values), execution_options={"synchronize_session": False}
    )
    return bool(cast("CursorResult[Any]", done).rowcount)


def _about(job: RuleJob) -> str:
    return f"rule job:{job.id}"
