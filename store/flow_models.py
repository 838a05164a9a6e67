"""Tables of the flow: what came in, what was decided, what has to be done, and every try at doing it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from store.columns import Compressed, new_id, now
from store.models import Base, Id, MerchantOwned, Name, Word
from store.order_models import Serial

IS_DEAD = text("status = 'dead'")
OF_AN_IMPORT = text("import_id IS NOT NULL")


class Event(MerchantOwned, Base):
    """Something happened, as told by a system. Kept before anything is decided.

    (merchant, source, external_id) recognises duplicates, `body_hash` tells whether the same id came with other
    content. `status`: received (kept, not yet decided), waiting (names an order nobody told us about yet; `subject`
    says which, and it is decided when that order arrives), decided, failed (deciding broke; `reason` says why; can be
    reprocessed). `import_id` names the first import that told it, if one did; such events are decided behind all others."""

    __tablename__ = "events"
    __table_args__ = (
        UniqueConstraint("merchant_id", "source", "external_id"),
        Index("ix_events_merchant_received", "merchant_id", "received_at"),
        Index("ix_events_status", "status", "received_at"),
        Index("ix_events_connection", "connection_id", "received_at"),
        Index("ix_events_subject", "merchant_id", "subject", "status"),
        Index(
            "ix_events_import", "import_id", "status", "received_at",
            sqlite_where=OF_AN_IMPORT, postgresql_where=OF_AN_IMPORT,
        ),
    )  # fmt: skip
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    source: Mapped[str] = mapped_column(Name)
    external_id: Mapped[str] = mapped_column(Name)
    body_hash: Mapped[str] = mapped_column(String(64))
    type: Mapped[str] = mapped_column(Word)
    subject: Mapped[str] = mapped_column(Name, default="")
    connection_id: Mapped[str | None] = mapped_column(Id, ForeignKey("connections.id"))
    time: Mapped[datetime]
    sequence: Mapped[int | None] = mapped_column(Serial)
    data: Mapped[Any] = mapped_column(Compressed)
    status: Mapped[str] = mapped_column(Word, default="received")
    reason: Mapped[str] = mapped_column(default="")
    order_id: Mapped[str | None] = mapped_column(Id, ForeignKey("orders.id"), index=True)
    caused_by: Mapped[int | None] = mapped_column(Serial, index=True)
    import_id: Mapped[str | None] = mapped_column(Id)
    received_at: Mapped[datetime] = mapped_column(default=now)
    decided_at: Mapped[datetime | None]


class Decision(MerchantOwned, Base):
    """What was decided about one event. `facts` are canonical, so that the decision can be replayed with `version`;
    `trace` holds one entry per rule file that ran, the sourcing matrix and what changed."""

    __tablename__ = "decisions"
    __table_args__ = (Index("ix_decisions_merchant_at", "merchant_id", "at"),)
    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    event_id: Mapped[str] = mapped_column(Id, ForeignKey("events.id"), index=True)
    order_id: Mapped[str | None] = mapped_column(Id, ForeignKey("orders.id"), index=True)
    version: Mapped[str] = mapped_column(String(64))
    summary: Mapped[str]
    facts: Mapped[Any] = mapped_column(Compressed)
    facts_hash: Mapped[str] = mapped_column(String(64))
    trace: Mapped[Any] = mapped_column(Compressed)
    result_hash: Mapped[str] = mapped_column(String(64))
    duration_us: Mapped[int] = mapped_column(default=0)
    at: Mapped[datetime] = mapped_column(default=now)


class Command(MerchantOwned, Base):
    """Something a system has to be told: the outbox.

    `subject` orders commands of one connection (the next one waits for the one before); `collapse_key`, when set,
    lets a newer command replace waiting older ones. `status`: waiting, leased, done, superseded, dead, cancelled.
    `tries` counts every attempt, `failures` those since the last manual retry that count towards dead; `trigger` says
    what causes the next attempt: automatic or manual. `background` commands, those of first imports, are carried out only
    while no other is due."""

    __tablename__ = "commands"
    __table_args__ = (
        Index("ix_commands_due", "connection_id", "status", "background", "due_at", "id"),
        Index("ix_commands_subject", "connection_id", "subject", "status", "id"),
        Index("ix_commands_collapse", "connection_id", "collapse_key", "status"),
        Index("ix_commands_dead", "merchant_id", "order_id", sqlite_where=IS_DEAD, postgresql_where=IS_DEAD),
    )
    id: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    connection_id: Mapped[str] = mapped_column(Id, ForeignKey("connections.id"))
    event_id: Mapped[str | None] = mapped_column(Id, ForeignKey("events.id"), index=True)
    decision_id: Mapped[str | None] = mapped_column(Id, ForeignKey("decisions.id"), index=True)
    order_id: Mapped[str | None] = mapped_column(Id, ForeignKey("orders.id"), index=True)
    operation: Mapped[str] = mapped_column(Word)
    subject: Mapped[str] = mapped_column(Name)
    collapse_key: Mapped[str | None] = mapped_column(Name)
    payload: Mapped[dict[str, Any]]
    background: Mapped[bool] = mapped_column(default=False, server_default=false())
    idempotency_key: Mapped[str] = mapped_column(Id, default=new_id)
    status: Mapped[str] = mapped_column(Word, default="waiting")
    tries: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0)
    trigger: Mapped[str] = mapped_column(Word, default="automatic")
    due_at: Mapped[datetime] = mapped_column(default=now)
    lease: Mapped[str | None] = mapped_column(Id)
    leased_until: Mapped[datetime | None]
    error_kind: Mapped[str] = mapped_column(Word, default="")
    error: Mapped[str] = mapped_column(default="")
    result: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default=now)
    done_at: Mapped[datetime | None]
    attempts: Mapped[list[Attempt]] = relationship(order_by="Attempt.id", back_populates="command")


class Attempt(MerchantOwned, Base):
    """One try at one command. `exchanges` lists the HTTP requests and answers, secrets and personal data masked.
    `outcome`: done, retry, throttled, refused, unauthorised, lost (the worker died). `trigger`: automatic or manual."""

    __tablename__ = "attempts"
    __table_args__ = (
        UniqueConstraint("command_id", "number"),
        Index("ix_attempts_merchant_started", "merchant_id", "started_at"),
    )
    id: Mapped[int] = mapped_column(Serial, primary_key=True, autoincrement=True)
    command_id: Mapped[int] = mapped_column(Serial, ForeignKey("commands.id"))
    number: Mapped[int]
    trigger: Mapped[str] = mapped_column(Word, default="automatic")
    started_at: Mapped[datetime] = mapped_column(default=now)
    finished_at: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(Word, default="")
    message: Mapped[str] = mapped_column(default="")
    exchanges: Mapped[Any] = mapped_column(Compressed)
    command: Mapped[Command] = relationship(back_populates="attempts")
