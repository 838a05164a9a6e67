"""Tables of work on rules that takes longer than a request: proofs and simulations."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from store.columns import Compressed, new_id, now
from store.models import Base, Id, MerchantOwned, Name, Word
from store.order_models import Serial
from store.rule_models import Version

IS_UNFINISHED = text("state IN ('waiting', 'running')")


class RuleJob(MerchantOwned, Base):
    """One proof or simulation of some rule texts, carried out by a worker in slices.

    `kind` is prove or simulate; `texts` are what it is about, named by `texts_version`, and stay as they are when the
    draft is changed meanwhile; `parameters` depend on the kind. `state`: waiting, running, done, failed (`error` says
    why), cancelled. `done` of `total` steps are through; `total` is 0 until it is known. `result` is what came out, None
    until then. `lease` names the worker that has it, until `leased_until`; `tries` counts how often a worker took it
    since it last got further."""

    __tablename__ = "rule_jobs"
    __table_args__ = (
        Index("ix_rule_jobs_merchant", "merchant_id", "id"),
        Index("ix_rule_jobs_draft", "draft_id", "kind", "id"),
        Index(
            "ix_rule_jobs_unfinished", "merchant_id", "draft_id", "kind", unique=True,
            sqlite_where=IS_UNFINISHED, postgresql_where=IS_UNFINISHED,
        ),
    )  # fmt: skip
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    draft_id: Mapped[str | None] = mapped_column(Id, ForeignKey("rule_drafts.id"))
    texts_version: Mapped[str] = mapped_column(Version)
    texts: Mapped[Any] = mapped_column(Compressed, nullable=False)
    kind: Mapped[str] = mapped_column(Word)
    parameters: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[str] = mapped_column(Word, default="waiting")
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    result: Mapped[Any] = mapped_column(Compressed, nullable=True)
    error: Mapped[str] = mapped_column(default="")
    asked_by: Mapped[str] = mapped_column(Name)
    lease: Mapped[str | None] = mapped_column(Id)
    leased_until: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class RuleJobPart(MerchantOwned, Base):
    """What one slice of a job found out. Parts are numbered from 1 and never change, so that a job whose worker died goes
    on after the last one."""

    __tablename__ = "rule_job_parts"
    __table_args__ = (UniqueConstraint("job_id", "number"),)
    id: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    job_id: Mapped[str] = mapped_column(Id, ForeignKey("rule_jobs.id"))
    number: Mapped[int]
    content: Mapped[Any] = mapped_column(Compressed, nullable=False)
